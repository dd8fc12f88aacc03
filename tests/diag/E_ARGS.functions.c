static int add(int a, int b) { return a + b; }
BPF_HASH(table, u32, u64);
BPF_ARRAY();
BPF_TABLE("hash", u32);
BPF_PERF_OUTPUT(events, 1);
int f(void *ctx)
{
	u32 key = 1;
	u64 value = 2;
	char comm[16];

	add(1);
	add(1, 2, 3);
	bpf_ktime_get_ns(1);
	bpf_get_current_comm();
	__builtin_memcpy(&key, &value);
	__builtin_memcpy(key, &value, 4);
	__sync_fetch_and_add(&comm, 1);
	table.lookup();
	table.lookup(key);
	table.update(&key, value);
	bpf_trace_printk();
	return 0;
}
