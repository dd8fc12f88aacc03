// flags: attach=raw_tracepoint:sys_enter=hello
BPF_HASH(places, u32, u64);

int hello(struct bpf_raw_tracepoint_args *ctx)
{
	u32 key = 1;
	u64 *place = places.lookup(&key);

	if (place)
		*(int *)*place = 1;
	return 0;
}
