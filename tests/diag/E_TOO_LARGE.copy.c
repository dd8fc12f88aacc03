// flags: attach=raw_tracepoint:sys_enter=hello
struct big { char bytes[70000]; };
static struct big one, other;

int hello(void *ctx)
{
	struct big local = {};

	one = other;
	bpf_get_current_comm(&local, 16);
	return 0;
}
