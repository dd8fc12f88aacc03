// flags: attach=raw_tracepoint:sched_switch=hello
struct task { long start_time; };

int hello(struct bpf_raw_tracepoint_args *ctx)
{
	struct task *task = (struct task *)bpf_get_current_task();
	long own = bpf_ktime_get_ns(), *p = bpf_get_prandom_u32() & 1 ? &own : &task->start_time;

	return *p == 1;
}
