/* libbpf's ways: sections, maps by the types of their members, BPF_PROG. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

struct event {
	__u32 pid;
	char comm[16];
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 128);
	__type(key, u32);
	__type(value, struct event);
} events SEC(".maps");

const volatile int target = 0;
static __u64 total;
char LICENSE[] SEC("license") = "Dual BSD/GPL";

SEC("kprobe/do_unlinkat")
int BPF_KPROBE(unlink, int dfd, const char *name)
{
	__u32 pid = bpf_get_current_pid_tgid() >> 32;
	struct event e = {}, *old;

	if (target && target != pid)
		return 0;
	__sync_fetch_and_add(&total, 1);
	e.pid = pid;
	bpf_get_current_comm(e.comm, sizeof(e.comm));
	old = bpf_map_lookup_elem(&events, &pid);
	if (old)
		*old = e;
	else
		bpf_map_update_elem(&events, &pid, &e, BPF_ANY);
	bpf_printk("unlink %s by %d", name, pid);
	return 0;
}
