/* xdp_count.c: counts the packets that reach a device, by protocol and size.
 *
 *	skep run --attach xdp:eth0=count --every 1s examples/xdp_count.c
 *
 * libbpf's style. Nothing is dropped. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

struct protocol {
	__u16 ether, ip;
};
struct traffic {
	__u64 packets, bytes;
};
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 256);
	__type(key, struct protocol);
	__type(value, struct traffic);
} traffic SEC(".maps");

SEC("xdp")
int count(struct xdp_md *ctx)
{
	void *data = (void *)(long)ctx->data, *end = (void *)(long)ctx->data_end;
	struct ethhdr *eth = data;
	struct protocol key = {};
	struct traffic *t, none = {};

	if ((void *)(eth + 1) > end)
		return XDP_PASS;
	key.ether = bpf_ntohs(eth->h_proto);
	if (key.ether == ETH_P_IP) {
		struct iphdr *ip = (void *)(eth + 1);

		if ((void *)(ip + 1) > end)
			return XDP_PASS;
		key.ip = ip->protocol;
	}
	t = bpf_map_lookup_elem(&traffic, &key);
	if (!t) {
		bpf_map_update_elem(&traffic, &key, &none, BPF_NOEXIST);
		t = bpf_map_lookup_elem(&traffic, &key);
	}
	if (t) {
		__sync_fetch_and_add(&t->packets, 1);
		__sync_fetch_and_add(&t->bytes, end - data);
	}
	return XDP_PASS;
}

char LICENSE[] SEC("license") = "GPL";
