// flags: attach=raw_tracepoint:sys_enter=hello
int hello(struct bpf_raw_tracepoint_args *ctx)
{
	char __user *name = (char __user *)ctx->args[1];

	name[0] = 'x';
	return 0;
}
