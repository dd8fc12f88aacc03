/* A value that only the kernel can keep. */
#include <linux/bpf.h>
#include <bpf/bpf_helpers.h>

struct value {
	__u64 n;
	struct bpf_timer timer;
};
struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 1);
	__type(key, __u32);
	__type(value, struct value);
} timers SEC(".maps");

SEC("tracepoint/syscalls/sys_enter_getpid")
int count(void *ctx)
{
	__u32 key = 0;
	struct value *v = bpf_map_lookup_elem(&timers, &key);

	if (v)
		v->n++;
	return 0;
}
char LICENSE[] SEC("license") = "GPL";
