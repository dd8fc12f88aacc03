/* What the language has and skep does not compile yet is said, never compiled wrongly. */
unsigned __int128 wide;
static int a, *pa = &a;
extern int LINUX_HAS_SYSCALL_WRAPPER;
int external(int x);
typedef int (*callback)(int);
BPF_TABLE_SHARED("hash", int, int, shared, 8);
BPF_PERF_OUTPUT(events);
int f(void *ctx)
{
	int n = 1, list[n];
	callback call = 0;
	void *label = &&out;

	wide = wide + 1;
	n = call(1);
	n = external(1);
	n = LINUX_HAS_SYSCALL_WRAPPER;
	asm("r0 = 1");
	events.perf_submit_skb(ctx, 4, &n, sizeof(n));
	bpf_trace_printk("%pI4", &n);
	n = __builtin_frobnicate(1);
	memmove(&n, &n, 4);
	n = (long)L"wide";
out:
	return 0;
}
int variadic(int a, ...) { return a; }
