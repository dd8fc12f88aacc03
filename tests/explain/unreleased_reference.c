struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 4096); } events SEC(".maps");

SEC("raw_tp/sys_enter") int note(void *ctx)
{
	u64 *e = bpf_ringbuf_reserve(&events, 8, 0);

	if (!e)
		return 0;
	*e = bpf_ktime_get_ns();
	if (*e & 1)
		return 0;
	bpf_ringbuf_submit(e, 0);
	return 0;
}
