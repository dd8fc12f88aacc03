// flags: trace_pipe, attach=raw_tracepoint:sys_enter=hello
int hello(void *ctx)
{
	bpf_trace_printk("%d %d %d", 1, 2, 3);
	bpf_trace_printk("%d %d %d %d", 1, 2, 3, 4);
	return 0;
}
