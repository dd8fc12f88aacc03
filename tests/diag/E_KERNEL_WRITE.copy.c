// flags: attach=raw_tracepoint:sched_switch=hello
struct task { int prio; char comm[16]; long flags[8]; };

int hello(struct bpf_raw_tracepoint_args *ctx)
{
	struct task *from = (struct task *)bpf_get_current_task();
	struct task *to = (struct task *)ctx->args[2];

	*to = *from;
	return 0;
}
