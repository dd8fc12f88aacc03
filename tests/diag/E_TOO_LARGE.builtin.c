// flags: attach=raw_tracepoint:sys_enter=hello
struct big { char bytes[70000]; };
static struct big one, other;

int hello(void *ctx)
{
	__builtin_memset(&one, 0, sizeof(one));
	__builtin_memcpy(&one, &other, -1);
	return 0;
}
