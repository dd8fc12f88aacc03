/* What the language has and skep does not compile yet is said, never compiled wrongly. */
extern int LINUX_HAS_SYSCALL_WRAPPER;
int external(int x);
BPF_TABLE_SHARED("hash", int, int, shared, 8);
BPF_PERF_OUTPUT(events);
int f(void *ctx)
{
	int n = 1;

	n = external(1);
	n = LINUX_HAS_SYSCALL_WRAPPER;
	events.perf_submit_skb(ctx, 4, &n, sizeof(n));
	bpf_trace_printk("%pI4", &n);
	return 0;
}
