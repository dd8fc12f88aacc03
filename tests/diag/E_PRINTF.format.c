int f(void *ctx)
{
	char *text = "x";
	char buf[8];
	int n = 1;

	bpf_trace_printk("%d");
	bpf_trace_printk("nothing", n);
	bpf_trace_printk("%s", n);
	bpf_trace_printk("%d", text);
	bpf_trace_printk("%d", &n);
	bpf_trace_printk("%q", n);
	bpf_trace_printk("100%", n);
	bpf_trace_printk(text, n);
	bpf_trace_printk(buf);
	bpf_printk("%d %s", n, text, n);
	return 0;
}
