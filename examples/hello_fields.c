/* hello_fields.c: one line with time, command and process for each clone.
 *
 *	skep run examples/hello_fields.c -- sh -c '(ls) ; (ls)' */
#pragma skep --attach kprobe:clone=hello --style columns

int hello(void *ctx)
{
	bpf_trace_printk("Hello, World!\n");
	return 0;
}
