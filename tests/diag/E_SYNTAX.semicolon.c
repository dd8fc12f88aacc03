/* A missing semicolon at the end of a line is reported there, and the next line is still read. */
int hello(void *ctx)
{
	u64 now = bpf_ktime_get_ns()
	u32 pid = bpf_get_current_pid_tgid() >> 32;

	bpf_trace_printk("%llu %d", now, pid)
	return 0
}
