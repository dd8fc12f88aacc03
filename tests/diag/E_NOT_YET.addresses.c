// flags: attach=raw_tracepoint:sys_enter=hello
/* Verifiers take an address that is read from memory for a number. */
static const char *const names[] = { "zero", "one", "two", "three" };
static int target;

int hello(void *ctx)
{
	u32 n = bpf_get_prandom_u32() & 3;

	return names[n][0];
}
