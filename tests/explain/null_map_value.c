// flags: attach=raw_tracepoint:sys_enter=hello
BPF_HASH(counts, u32, u64);

int hello(void *ctx)
{
	u32 key = bpf_get_current_pid_tgid() >> 32;
	u64 *count = counts.lookup(&key);

	*count += 1;
	return 0;
}
