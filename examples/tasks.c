/* tasks.c: lists the tasks of the machine, as ps would.
 *
 *	skep run examples/tasks.c
 *
 * An iterator: the kernel calls it once for each task, what it writes is printed. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

SEC("iter/task")
int list(struct bpf_iter__task *ctx)
{
	struct seq_file *seq = ctx->meta->seq;
	struct task_struct *task = ctx->task;

	if (!task)
		return 0;
	if (ctx->meta->seq_num == 0)
		BPF_SEQ_PRINTF(seq, "%8s %8s %s\n", "PID", "PARENT", "NAME");
	BPF_SEQ_PRINTF(seq, "%8d %8d %s\n", task->pid, task->real_parent->pid, task->comm);
	return 0;
}

char LICENSE[] SEC("license") = "GPL";
