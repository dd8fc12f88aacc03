struct a { int x; };
struct b { long x; };
BPF_HASH(table, u32, u32);
int f(void *ctx)
{
	struct a a = {}, *pa = &a;
	struct b *pb = pa;
	const char *text = "x";
	char *mutable = text;
	u64 big = 1;
	int n = pa;
	int *p = n;

	if (p == n || pa == pb)
		n = 1 << 40;
	bpf_trace_printk("%d", big);
	table.lookup(&big);
	return n;
}
