// flags: attach=raw_tracepoint:sys_enter=hello
struct event { u64 when; char path[256]; };

int hello(void *ctx)
{
	struct event e = {};
	char more[300] = {};
	u64 small = 1;

	bpf_get_current_comm(e.path, sizeof(e.path));
	bpf_get_current_comm(more, sizeof(more));
	bpf_get_current_comm(&small, sizeof(small));
	return more[1];
}
