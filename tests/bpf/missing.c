/* A member that this kernel lacks, read without asking: only loading shows that it was meant. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_core_read.h>
struct task_struct___old { int gone_since_long; } __attribute__((preserve_access_index));
SEC("raw_tp/sys_enter")
int x(void *ctx)
{
	struct task_struct___old *t = (void *)bpf_get_current_task();

	return BPF_CORE_READ(t, gone_since_long);
}
