/* Maps of maps and of programs with entries from the start, a bloom filter, variables set from outside. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
struct inner_map { __uint(type, BPF_MAP_TYPE_ARRAY); __uint(max_entries, 4); __type(key, int); __type(value, u64); } inner1 SEC(".maps"), inner2 SEC(".maps");
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY_OF_MAPS);
	__uint(max_entries, 2);
	__type(key, u32);
	__array(values, struct inner_map);
} outer SEC(".maps") = { .values = { &inner1, &inner2 } };
int tail(struct bpf_raw_tracepoint_args *ctx);
struct {
	__uint(type, BPF_MAP_TYPE_PROG_ARRAY);
	__uint(max_entries, 2);
	__uint(key_size, 4);
	__uint(value_size, 4);
	__array(values, int (void *));
} jumps SEC(".maps") = { .values = { [1] = (void *)&tail } };
struct {
	__uint(type, BPF_MAP_TYPE_BLOOM_FILTER);
	__uint(max_entries, 100);
	__type(value, u32);
	__uint(map_extra, 3);
} bloom SEC(".maps");
const volatile int wanted = 3;
const volatile char name[8] = "abc";
int seen;
static volatile bool flag;
SEC("raw_tp") int tail(struct bpf_raw_tracepoint_args *ctx)
{
	int k = 1;
	void *m = bpf_map_lookup_elem(&outer, &k);
	if (!m) return 0;
	u64 *v = bpf_map_lookup_elem(m, &k);
	if (v) *v += wanted;
	seen++;
	return 0;
}
SEC("raw_tp/sys_enter") int x(struct bpf_raw_tracepoint_args *ctx)
{
	u32 one = 1;
	if (ctx->args[1] == 110) {
		bpf_map_push_elem(&bloom, &one, 0);
		bpf_printk("%d %s %d %d", wanted, (const char *)name, flag, (int)bpf_map_peek_elem(&bloom, &one));
		bpf_tail_call(ctx, &jumps, 1);
	}
	return 0;
}
char _license[] SEC("license") = "GPL";
