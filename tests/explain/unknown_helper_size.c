SEC("raw_tp/sys_enter") int note(u64 *ctx)
{
	char buf[64];
	u64 n = bpf_get_prandom_u32();

	bpf_probe_read_user(buf, n, (void *)ctx[1]);
	return buf[0];
}
