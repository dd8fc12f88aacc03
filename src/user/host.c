/* Helpers that need the traced thread: who it is, and memory that only the kernel would hold.
 *
 * Facts of a thread are read from /proc when a program asks, not at each stop. What a program may
 * find at a kernel's address is only what the engine put there: the registers of a system call,
 * and the program's own stack and maps.
 * Reads of the traced process are one process_vm_readv each (the interpreter room's own helpers).
 */
#include <errno.h>
#include <string.h>

#include "user/tracer.h"

#define HELPER(name) static u64 name(struct vm_thread *t, u64 a, u64 b, u64 c, u64 d, u64 e)
#define UNUSED	     ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)

static struct task *task_of(struct vm_thread *t)
{
	const struct user_host *h = vm_thread_host(t);

	return h ? h->task : NULL;
}

static vm_helper_fn builtin(u32 id)
{
	const char *why;

	return vm_helper_builtin(id, &why);
}

HELPER(uid_gid)
{
	struct task *task = task_of(t);

	if (!task)
		return builtin(ISA_FN_get_current_uid_gid)(t, a, b, c, d, e);
	task_ids(task);
	return (u64)task->gid << 32 | task->uid;
}

HELPER(comm)
{
	struct task *task = task_of(t);
	char text[16] = "";
	u32 size = (u32)b;

	if (!task)
		return builtin(ISA_FN_get_current_comm)(t, a, b, c, d, e);
	if (!size)
		return (u64)-EINVAL;
	task_comm(task, text);
	memset((void *)(uintptr_t)a, 0, size);
	memcpy((void *)(uintptr_t)a, text, strnlen(text, size - 1 < 15 ? size - 1 : 15));
	return 0;
}

HELPER(cgroup_id)
{
	struct task *task = task_of(t);

	UNUSED;
	return task ? task_cgroup(task) : 0;
}

/* Memory of the program itself, which is the kernel's memory where the kernel runs it: its stack, its context, its maps. */
static bool is_own(struct vm_thread *t, const struct user_host *h, u64 addr, u32 size)
{
	u64 here = (u64)(uintptr_t)__builtin_frame_address(0), stack;
	u32 bytes;

	stack = (u64)(uintptr_t)vm_thread_stack(t, &bytes);
	if ((addr >= here && addr + size <= h->stack_top) ||
	    (addr >= stack && addr + size <= stack + bytes) ||
	    (addr >= h->ctx && addr + size <= h->ctx + h->ctx_size))
		return true;
	for (u32 i = 0; i < h->u->n_maps; i++)
		if (h->u->maps[i] && maps_holds(h->u->maps[i], addr, size))
			return true;
	return false;
}

/* -EFAULT for what the engine did not put there, with the destination cleared, as in the kernel. */
static u64 read_kernel(struct vm_thread *t, u64 out, u32 size, u64 addr)
{
	const struct user_host *h = vm_thread_host(t);
	u64 off = addr - USER_KERNEL;

	if (h && is_own(t, h, addr, size)) {
		memmove((void *)(uintptr_t)out, (const void *)(uintptr_t)addr, size);
		return 0;
	}
	if (h && addr >= USER_KERNEL && off <= h->kernel_size && size <= h->kernel_size - off) {
		memcpy((void *)(uintptr_t)out, (const u8 *)h->kernel + off, size);
		return 0;
	}
	memset((void *)(uintptr_t)out, 0, size);
	return (u64)-EFAULT;
}

static u64 read_kernel_str(struct vm_thread *t, u64 out, u32 size, u64 addr)
{
	const struct user_host *h = vm_thread_host(t);
	char *to = (char *)(uintptr_t)out;
	u32 n = 0;

	while (h && n < size && is_own(t, h, addr + n, 1)) {
		to[n] = *(const char *)(uintptr_t)(addr + n);
		if (!to[n++] || n == size) {
			to[n - 1] = 0;
			memset(to + n, 0, size - n);
			return n;
		}
	}
	memset(to, 0, size);
	return (u64)-EFAULT;
}

/* Addresses that the tracee cannot have, or that are the program's. */
static bool is_kernel(struct vm_thread *t, u64 addr)
{
	const struct user_host *h = vm_thread_host(t);

	return addr >> 63 || (h && is_own(t, h, addr, 1));
}

HELPER(probe_read_kernel)
{
	UNUSED;
	return read_kernel(t, a, (u32)b, c);
}

HELPER(probe_read_kernel_str)
{
	UNUSED;
	return read_kernel_str(t, a, (u32)b, c);
}

HELPER(probe_read)
{
	return is_kernel(t, c) ? read_kernel(t, a, (u32)b, c)
			       : builtin(ISA_FN_probe_read)(t, a, b, c, d, e);
}

HELPER(probe_read_str)
{
	return is_kernel(t, c) ? read_kernel_str(t, a, (u32)b, c)
			       : builtin(ISA_FN_probe_read_str)(t, a, b, c, d, e);
}

const struct vm_helper user_helpers[] = {
	{ ISA_FN_get_current_uid_gid, uid_gid },
	{ ISA_FN_get_current_comm, comm },
	{ ISA_FN_get_current_cgroup_id, cgroup_id },
	{ ISA_FN_probe_read, probe_read },
	{ ISA_FN_probe_read_str, probe_read_str },
	{ ISA_FN_probe_read_kernel, probe_read_kernel },
	{ ISA_FN_probe_read_kernel_str, probe_read_kernel_str },
};
const u32 user_n_helpers = ARRAY_LEN(user_helpers);
