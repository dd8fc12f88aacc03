/* Questions about the running kernel: configuration, fields, types, enumerators, functions of the kernel. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
#include <bpf/bpf_tracing.h>
extern int LINUX_KERNEL_VERSION __kconfig;
extern bool CONFIG_BPF_SYSCALL __kconfig __weak;
extern unsigned long CONFIG_HZ __kconfig __weak;
extern int CONFIG_NOT_THERE __kconfig __weak;
extern const int bpf_prog_active __ksym;
extern void bpf_rcu_read_lock(void) __ksym __weak;
extern void bpf_rcu_read_unlock(void) __ksym __weak;
char LICENSE[] SEC("license") = "Dual BSD/GPL";
struct task_struct___o { volatile long int state; } __attribute__((preserve_access_index));
struct task_struct___x { unsigned int __state; } __attribute__((preserve_access_index));
static __s64 get_task_state(void *task)
{
	struct task_struct___x *t = task;
	if (bpf_core_field_exists(t->__state))
		return BPF_CORE_READ(t, __state);
	return BPF_CORE_READ((struct task_struct___o *)task, state);
}
enum e { A, B };
const volatile int target = 0;
SEC("raw_tp/sys_enter")
int x(struct bpf_raw_tracepoint_args *ctx)
{
	struct task_struct *t = (void *)bpf_get_current_task();
	long s = get_task_state(t);
	char comm[16];
	BPF_CORE_READ_STR_INTO(&comm, t, group_leader, comm);
	if (LINUX_KERNEL_VERSION >= KERNEL_VERSION(6, 2, 0) && bpf_ksym_exists(bpf_rcu_read_lock)) {
		bpf_rcu_read_lock();
		bpf_rcu_read_unlock();
	}
	bpf_printk("%ld %s %d %d", s, comm, (int)bpf_core_field_exists(struct task_struct, nothing), (int)bpf_core_type_size(struct task_struct));
	bpf_printk("%d %d %d", (int)bpf_core_enum_value(enum bpf_map_type, BPF_MAP_TYPE_RINGBUF), (int)bpf_core_enum_value_exists(enum bpf_map_type, NOPE), (int)bpf_core_field_offset(struct task_struct, comm));
	bpf_printk("hz %ld", CONFIG_HZ);
	return target;
}
