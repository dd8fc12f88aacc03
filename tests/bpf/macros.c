/* The macros of libbpf's headers at the events that they are for, in one program; its uretprobe is at a program of the guest. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>
#include <bpf/bpf_core_read.h>
struct ev { int pid; char comm[16]; char path[64]; };
struct { __uint(type, BPF_MAP_TYPE_PERF_EVENT_ARRAY); __uint(key_size, sizeof(u32)); __uint(value_size, sizeof(u32)); } events SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_RINGBUF); __uint(max_entries, 256 * 1024); } rb SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_TASK_STORAGE); __uint(map_flags, BPF_F_NO_PREALLOC); __type(key, int); __type(value, u64); } ts SEC(".maps");
struct { __uint(type, BPF_MAP_TYPE_STACK_TRACE); __uint(key_size, 4); __uint(value_size, 127 * 8); __uint(max_entries, 100); } st SEC(".maps");
SEC("tracepoint/syscalls/sys_enter_openat")
int op(struct trace_event_raw_sys_enter *ctx)
{
	struct ev e = {};
	e.pid = bpf_get_current_pid_tgid() >> 32;
	bpf_get_current_comm(&e.comm, sizeof(e.comm));
	bpf_probe_read_user_str(e.path, sizeof(e.path), (void *)ctx->args[1]);
	bpf_perf_event_output(ctx, &events, BPF_F_CURRENT_CPU, &e, sizeof(e));
	return 0;
}
SEC("tp_btf/sched_process_exec")
int BPF_PROG(ex, struct task_struct *p, pid_t old, struct linux_binprm *bprm)
{
	struct ev *e = bpf_ringbuf_reserve(&rb, sizeof(*e), 0);
	u64 *v;
	if (!e) return 0;
	e->pid = p->tgid;
	bpf_probe_read_kernel_str(e->comm, sizeof(e->comm), p->comm);
	BPF_CORE_READ_STR_INTO(&e->path, bprm, filename);
	bpf_ringbuf_submit(e, 0);
	v = bpf_task_storage_get(&ts, p, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (v) *v = 1;
	return 0;
}
SEC("ksyscall/openat")
int BPF_KSYSCALL(ks, int dfd, const char *name, int flags)
{
	bpf_printk("ks %d %s", dfd, name);
	return 0;
}
SEC("kprobe/do_unlinkat")
int BPF_KPROBE(un, int dfd, struct filename *name)
{
	bpf_printk("unlink %s", BPF_CORE_READ(name, name));
	return 0;
}
SEC("fexit/do_unlinkat")
int BPF_PROG(fx, int dfd, struct filename *name, long ret)
{
	bpf_printk("fexit %s %ld", name->name, ret);
	return 0;
}
SEC("uretprobe//progs/calls:main")
int BPF_KRETPROBE(ur, int ret) { bpf_printk("returned %d", ret); return 0; }
char L[] SEC("license") = "GPL";
