// flags: attach=raw_tracepoint:sys_enter=hello
// Each function calls the next eight times, and all of them are inlined.
#define TIMES(x) x; x; x; x; x; x; x; x
static void f6(u64 *p) { *p = *p * 3 + bpf_get_prandom_u32(); }
static void f5(u64 *p) { TIMES(f6(p)); }
static void f4(u64 *p) { TIMES(f5(p)); }
static void f3(u64 *p) { TIMES(f4(p)); }
static void f2(u64 *p) { TIMES(f3(p)); }
static void f1(u64 *p) { TIMES(f2(p)); }

int hello(void *ctx)
{
	u64 x = 1;

	f1(&x);
	return x == 1;
}
