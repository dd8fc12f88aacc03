/* execs.c: one line for each program that is started: who, whose child, by which user.
 *
 *	skep run examples/execs.c -- sh -c 'ls; date'
 *	skep run examples/execs.c                          the whole system, until Ctrl-C
 *
 * BCC's dialect: a struct goes out through BPF_PERF_OUTPUT and is printed by its members. */
#include <linux/sched.h>

struct exec {
	u32 pid, ppid, uid;
	char comm[TASK_COMM_LEN];
};
BPF_PERF_OUTPUT(execs);

TRACEPOINT_PROBE(sched, sched_process_exec)
{
	struct task_struct *task = (struct task_struct *)bpf_get_current_task();
	struct exec e = {};

	e.pid = bpf_get_current_pid_tgid() >> 32;
	e.ppid = task->real_parent->tgid;
	e.uid = (u32)bpf_get_current_uid_gid();
	bpf_get_current_comm(&e.comm, sizeof(e.comm));
	execs.perf_submit(args, &e, sizeof(e));
	return 0;
}
