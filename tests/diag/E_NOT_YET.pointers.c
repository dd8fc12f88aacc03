// flags: attach=raw_tracepoint:sys_enter=hello
static int one, two;
static int *where = &one;

int hello(void *ctx)
{
	where = &two;
	return *where;
}
