// flags: attach=raw_tracepoint:sys_enter=hello
struct pair { int a, b; };
static struct pair make(int a)
{
	struct pair p = { a, a };
	return p;
}
static int six(int a, int b, int c, int d, int e, int f)
{
	return a + f;
}
static int each(void *map, void *key, void *value, void *arg)
{
	return 0;
}
BPF_HASH(table);

int hello(void *ctx)
{
	u32 n = bpf_get_prandom_u32();
	char bytes[100] = {}, other[100] = {};
	struct pair p = make(1);

	six(1, 2, 3, 4, 5, 6);
	__builtin_memset(bytes, n, 8);
	__builtin_memset(bytes, 0, n);
	__builtin_memcpy(bytes, other, n);
	bpf_for_each_map_elem(&table, each, 0, 0);
	return __builtin_memcmp(bytes, other, n) + __builtin_memcmp(bytes, other, 100);
}
