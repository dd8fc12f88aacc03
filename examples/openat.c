/* openat.c: one line in the trace pipe's format for each file that is opened.
 *
 *	skep run examples/openat.c -- cat /etc/hostname
 *
 * A kprobe on a function of the kernel, named as BCC names it. */

int kprobe__do_sys_openat2(void *ctx)
{
	bpf_trace_printk("Hello, World!\n");
	return 0;
}
