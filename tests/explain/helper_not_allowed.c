SEC("xdp") int copy(struct xdp_md *ctx)
{
	char head[14] = {};

	bpf_skb_load_bytes(ctx, 0, head, sizeof(head));
	return head[12] ? XDP_PASS : XDP_DROP;
}
