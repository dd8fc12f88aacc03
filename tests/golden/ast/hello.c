/* hello.c: says hello at each execve.
 *
 *	skep run examples/hello.c -- ls /
 *
 * The pragma brings along the flag that says where the function runs; other compilers ignore it. */
#pragma skep --attach kprobe:execve=hello

int hello(void *ctx)
{
	bpf_trace_printk("Hello World!");
	return 0;
}
