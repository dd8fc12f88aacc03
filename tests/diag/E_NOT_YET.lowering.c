// flags: attach=raw_tracepoint:sys_enter=hello
int hello(void *ctx)
{
	u32 n = bpf_get_prandom_u32();
	char bytes[100] = {}, other[100] = {};

	__builtin_memset(bytes, n, 8);
	__builtin_memset(bytes, 0, n);
	__builtin_memcpy(bytes, other, n);
	n += __builtin_memcmp(bytes, other, n) + __builtin_memcmp(bytes, other, 100);
	return n;
}
