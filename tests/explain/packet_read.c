SEC("xdp") int ports(struct xdp_md *ctx)
{
	u8 *data = (u8 *)(long)ctx->data;

	if (data[9] == 17)
		return XDP_DROP;
	return XDP_PASS;
}
