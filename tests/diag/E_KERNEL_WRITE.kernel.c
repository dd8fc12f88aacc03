// flags: attach=raw_tracepoint:sched_switch=hello
struct task { int prio; char comm[16]; struct { long seconds; } start; };

int hello(struct bpf_raw_tracepoint_args *ctx)
{
	struct task *task = (struct task *)bpf_get_current_task();

	task->prio = 0;
	task->comm[0]++;
	task->start.seconds += 5;
	__sync_fetch_and_add(&task->prio, 1);
	__builtin_memset(task->comm, 0, sizeof(task->comm));
	return 0;
}
