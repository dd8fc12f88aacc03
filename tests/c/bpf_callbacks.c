/* Functions that the kernel calls back: only BPF has them. */
typedef unsigned int u32;
static volatile int one = 1, ten = 10;
static long counted;

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 4);
	__type(key, u32);
	__type(value, long);
} numbers SEC(".maps");

struct state { long sum, rounds; };
static long add_index(u32 i, void *ctx)
{
	struct state *s = ctx;

	s->sum += i;
	s->rounds++;
	return 0;
}
static long stop_at_three(u32 i, void *ctx)
{
	*(int *)ctx = i;
	return i == 3;
}
static int helper_of_callback(int x)
{
	return x * 2;
}
static long global_count(u32 i, void *ctx)
{
	counted += helper_of_callback(i);
	return 0;
}
static long add_element(void *map, u32 *key, long *value, struct state *s)
{
	s->sum += *value * 10 + *key;
	s->rounds++;
	return 0;
}
static long set_element(void *map, u32 *key, long *value, void *ctx)
{
	*value = *key + *(int *)ctx;
	return 0;
}
static __attribute__((always_inline)) inline long run(int n, long (*f)(u32, void *), void *ctx)
{
	return bpf_loop(n, f, ctx, 0);
}

CASE(loop, 45)
{
	struct state s = {};

	bpf_loop(ten, add_index, &s, 0);
	return s.sum;
}
CASE(loop_counts, 10)
{
	struct state s = {};

	return bpf_loop(ten, &add_index, &s, 0);
}
CASE(loop_stops, 3)
{
	int last = 0;

	bpf_loop(100, stop_at_three, &last, 0);
	return last;
}
CASE(loop_without_context, 20)
{
	bpf_loop(5, global_count, NULL, 0);
	return counted;
}
CASE(callback_through_a_function, 6)
{
	struct state s = {};

	run(4, add_index, &s);
	return s.sum;
}
CASE(each_element, 150)
{
	struct state s = {};
	int first = ten / 10;

	bpf_for_each_map_elem(&numbers, set_element, &first, 0);
	bpf_for_each_map_elem(&numbers, add_element, &s, 0);
	return s.sum + s.rounds * 11;
}
