// flags: attach=raw_tracepoint:sys_enter=hello
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, long);
} numbers SEC(".maps");

int hello(void *ctx)
{
	u32 n = bpf_get_prandom_u32();
	char bytes[300] = {};
	long x = n;

	memmove(bytes, bytes + 1, n);
	memmove(bytes, bytes + 1, 290);
	asm volatile("r1 = map[numbers]" : : : "r1");
	asm volatile goto("%0 += 1; goto %l[out]" : : "r"(x) : : out);
out:
	return x;
}
