/* What a map's value or the stack may hold beside data: a spin lock, a timer, a dynptr; and callbacks of helpers. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct locked {
	struct bpf_spin_lock lock;
	int n;
};
struct timed {
	struct bpf_timer timer;
	__u64 fired;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct locked);
} locks SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, int);
	__type(value, struct timed);
} timers SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 8);
	__type(key, int);
	__type(value, __u64);
} numbers SEC(".maps");

static int fire(void *map, int *key, struct timed *t)
{
	t->fired++;
	return 0;
}

static int step(__u32 i, void *ctx)
{
	*(int *)ctx += i;
	return 0;
}

static long each(struct bpf_map *map, int *key, __u64 *value, void *ctx)
{
	*(__u64 *)ctx += *value;
	return 0;
}

SEC("tc/egress")
int guarded(struct __sk_buff *skb)
{
	struct locked *l;
	struct timed *t;
	int zero = 0, n;

	l = bpf_map_lookup_elem(&locks, &zero);
	t = bpf_map_lookup_elem(&timers, &zero);
	if (!l || !t)
		return TC_ACT_OK;
	bpf_spin_lock(&l->lock);
	n = ++l->n;
	bpf_spin_unlock(&l->lock);
	bpf_timer_init(&t->timer, &timers, CLOCK_MONOTONIC);
	bpf_timer_set_callback(&t->timer, fire);
	bpf_timer_start(&t->timer, 1000, 0);
	bpf_printk("locked %d", n);
	return TC_ACT_OK;
}

SEC("tp/raw_syscalls/sys_enter")
int called(struct trace_event_raw_sys_enter *ctx)
{
	__u64 two = 2, total = 0;
	struct bpf_dynptr ptr;
	__u32 x = 7;
	int k, sum = 0;

	if (ctx->id != 110)
		return 0;
	bpf_loop(10, step, &sum, 0);
	for (k = 0; k < 3; k++)
		bpf_map_update_elem(&numbers, &k, &two, BPF_ANY);
	bpf_for_each_map_elem(&numbers, each, &total, 0);
	bpf_ringbuf_reserve_dynptr(&ring, 8, 0, &ptr);
	bpf_dynptr_write(&ptr, 0, &x, 4, 0);
	bpf_ringbuf_discard_dynptr(&ptr, 0);
	bpf_printk("called %d %d", sum, (int)total);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
