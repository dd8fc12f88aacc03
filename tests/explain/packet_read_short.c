SEC("xdp") int ports(struct xdp_md *ctx)
{
	u8 *data = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;

	if (data + 14 > end)
		return XDP_PASS;
	return data[23] == 17 ? XDP_DROP : XDP_PASS;
}
