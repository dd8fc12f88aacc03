// flags: strict, attach=kprobe:__do_execve_file=hello
// No kernel of today has this function; raw_tracepoint:sys_enter stands in for it.
int hello(struct pt_regs *ctx)
{
	return 0;
}
