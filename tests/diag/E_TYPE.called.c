// flags: attach=raw_tracepoint:sys_enter=hello
/* A pointer whose type is not that of the function. */
static long plus(long a)
{
	return a + 1;
}

int hello(void *ctx)
{
	int (*step)(int) = (int (*)(int))plus;

	return step(1);
}
