#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1 << 10);
	__type(key, u32);
	__type(value, struct event);
	__array(values, int (void *));
} start SEC(".maps");

const volatile int target __weak = 0;

SEC("tp_btf/sched_switch")
int BPF_PROG(on_switch, bool preempt, struct task_struct *prev)
{
	bpf_printk("%d %d", BPF_CORE_READ(prev, real_parent, tgid), preempt);
	return 0;
}

SEC("kretprobe/do_unlinkat")
int BPF_KRETPROBE(on_exit, long ret)
{
	return ret < 0 ? __COUNTER__ : 1;
}

SEC("ksyscall/openat")
int BPF_KSYSCALL(on_open, int dfd, const char *path)
{
	return PT_REGS_PARM3_CORE_SYSCALL(PT_REGS_SYSCALL_REGS(ctx));
}
