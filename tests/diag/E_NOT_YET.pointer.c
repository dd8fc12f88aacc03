// flags: attach=raw_tracepoint:sys_enter=hello
/* BPF has no indirect calls: a pointer must turn out to be one function. */
static int plus(int a)
{
	return a + 1;
}
static int minus(int a)
{
	return a - 1;
}

int hello(void *ctx)
{
	int n = bpf_get_prandom_u32();
	int (*step)(int) = n & 1 ? plus : minus;

	return step(n);
}
