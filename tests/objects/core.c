/* core.o: an object as clang makes it, for tests/unit/api_elf_test.c. Made with
 *
 *	clang -O2 -g -fdebug-prefix-map=$PWD=. -target bpf -mcpu=v3 -c core.c -o core.o && llvm-strip -g core.o
 *
 * Maps, data of three kinds, a static and a global function, a callback, CO-RE relocations that hold, and ones
 * for what no kernel has. */
typedef unsigned int u32;
typedef unsigned long long u64;

#define SEC(x) __attribute__((section(x), used))
#define __uint(name, val) int (*name)[val]
#define __type(name, val) typeof(val) *name
#define __array(name, val) typeof(val) *name[]

static void *(*bpf_map_lookup_elem)(void *map, const void *key) = (void *)1;
static long (*bpf_map_update_elem)(void *map, const void *key, const void *v, u64 f) = (void *)2;
static long (*bpf_loop)(u32 n, void *f, void *c, u64 flags) = (void *)181;
static long (*bpf_probe_read_kernel)(void *d, u32 n, const void *s) = (void *)113;
static u64 (*bpf_get_current_task)(void) = (void *)35;

struct {
	__uint(type, 1);
	__uint(max_entries, 16);
	__type(key, u32);
	__type(value, u64);
} counts SEC(".maps");

struct inner {
	__uint(type, 2);
	__uint(max_entries, 1);
	__type(key, u32);
	__type(value, u64);
};
struct {
	__uint(type, 13);
	__uint(max_entries, 4);
	__uint(key_size, 4);
	__array(values, struct inner);
} outer SEC(".maps");

struct task_struct {
	int pid;
	int tgid;
} __attribute__((preserve_access_index));
struct task_struct___other {
	int gone_for_ever;
} __attribute__((preserve_access_index));

const volatile u32 limit = 7;
u64 total;
u64 start = 5;

__attribute__((noinline)) static int add(u32 *k)
{
	u64 *v = bpf_map_lookup_elem(&counts, k), one = 1;

	if (!v) {
		bpf_map_update_elem(&counts, k, &one, 0);
		return 1;
	}
	*v += 1;
	return *v > limit;
}

__attribute__((noinline)) int twice(int x)
{
	asm volatile("" : "+r"(x));
	return x * 2;
}

static long each(u32 i, void *c)
{
	total += i;
	return 0;
}

SEC("xdp")
int first(void *ctx)
{
	u32 k = 3;

	bpf_loop(4, each, 0, 0);
	return add(&k) ? 2 : 1;
}

SEC("raw_tp/sys_enter")
int second(void *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	struct task_struct___other *o = (void *)t;
	u32 pid = 0, zero = 0;

	bpf_probe_read_kernel(&pid, 4, &t->tgid);
	if (__builtin_preserve_field_info(o->gone_for_ever, 2))
		bpf_probe_read_kernel(&pid, 4, &o->gone_for_ever);
	start += pid;
	if (bpf_map_lookup_elem(&outer, &zero))
		return 0;
	return twice(add(&pid)) & 1;
}

SEC("socket")
int plain(void *ctx)
{
	u32 k = 9;

	start++;
	return twice(add(&k) + (int)start);
}

char LICENSE[] SEC("license") = "GPL";
