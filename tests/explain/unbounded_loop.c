SEC("xdp") int drain(struct xdp_md *ctx)
{
	u64 n = bpf_ktime_get_ns(), steps = 0;

	while (n) {
		n = n * 3 + 1;
		steps++;
	}
	return steps & 1 ? XDP_DROP : XDP_PASS;
}
