/* tc_drop.c: a classifier that drops UDP datagrams to one port on their way out, and counts what it saw.
 *
 *	skep run --attach tc:eth0=drop --set port=9000 examples/tc_drop.c
 */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_endian.h>

const volatile __u16 port = 9000;
__u64 passed, dropped;

SEC("tc/egress")
int drop(struct __sk_buff *skb)
{
	void *data = (void *)(long)skb->data, *end = (void *)(long)skb->data_end;
	struct ethhdr *eth = data;
	struct iphdr *ip = (void *)(eth + 1);
	struct udphdr *udp = (void *)(ip + 1);

	if ((void *)(udp + 1) > end || eth->h_proto != bpf_htons(ETH_P_IP) ||
	    ip->protocol != IPPROTO_UDP || udp->dest != bpf_htons(port)) {
		__sync_fetch_and_add(&passed, 1);
		return TC_ACT_OK;
	}
	__sync_fetch_and_add(&dropped, 1);
	bpf_printk("dropped %d bytes to port %d", skb->len, port);
	return TC_ACT_SHOT;
}

char LICENSE[] SEC("license") = "GPL";
