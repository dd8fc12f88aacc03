/* egress.c: what a command and its children send: packets and bytes, by protocol.
 *
 *	skep run examples/egress.c -- curl -s http://localhost/
 *	skep run --attach cgroup:skb/egress:/sys/fs/cgroup/user.slice=account examples/egress.c
 *
 * The first is attached to the control group that skep makes for the command. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>

struct sent {
	__u64 packets, bytes;
};
struct {
	__uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
	__uint(max_entries, 256);
	__type(key, __u32);
	__type(value, struct sent);
} sent SEC(".maps");

SEC("cgroup_skb/egress")
int account(struct __sk_buff *skb)
{
	struct iphdr ip;
	__u32 protocol;
	struct sent *s;

	if (bpf_skb_load_bytes(skb, 0, &ip, sizeof(ip)) || ip.version != 4)
		return 1;
	protocol = ip.protocol;
	s = bpf_map_lookup_elem(&sent, &protocol);
	if (s) {
		s->packets++;
		s->bytes += skb->len;
	}
	return 1;
}

char LICENSE[] SEC("license") = "GPL";
