/* lsm_policy.c: a policy: files whose name begins with a word cannot be removed.
 *
 *	skep run --set word=keep examples/lsm_policy.c
 *
 * Needs a kernel with BPF among its security modules (lsm=…,bpf). With a command, only it and its children are bound. */
#include "vmlinux.h"
#include <bpf/bpf_helpers.h>
#include <bpf/bpf_tracing.h>

#define EPERM 1
#define WORD 16

const volatile char word[WORD] = "keep";
__u64 refused;

SEC("lsm/inode_unlink")
int BPF_PROG(keep, struct inode *dir, struct dentry *dentry)
{
	char name[WORD] = {};

	bpf_probe_read_kernel_str(name, sizeof(name), dentry->d_name.name);
	for (int i = 0; i < WORD && word[i]; i++)
		if (name[i] != word[i])
			return 0;
	__sync_fetch_and_add(&refused, 1);
	bpf_printk("%s stays", name);
	return -EPERM;
}

char LICENSE[] SEC("license") = "GPL";
