/* Helpers: who is traced, and where it stands. Without a traced task the answers are about this
 * process.
 *
 * Arguments of a traced function are the context itself: n_args 64-bit words, then the return
 * value. User stacks are the engine's where its table has a walk, else they are walked by frame
 * pointers from the site's; what was built without them ends early, as in the kernel.
 */
#include "vm/run.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define UNUSED ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)

VM_HELPER(get_current_pid_tgid)
{
	UNUSED;
	if (t->has_task)
		return (u64)t->task.tgid << 32 | t->task.tid;
	return (u64)(u32)getpid() << 32 | (u32)syscall(SYS_gettid);
}

VM_HELPER(get_current_uid_gid)
{
	UNUSED;
	if (t->has_task)
		return (u64)t->task.gid << 32 | t->task.uid;
	return (u64)getgid() << 32 | getuid();
}

/* The rest of the buffer is cleared, as the kernel does. */
VM_HELPER(get_current_comm)
{
	char own[16] = "";
	const char *comm = t->task.comm;
	char *out = (char *)(uintptr_t)a;
	u32 size = (u32)b;

	UNUSED;
	if (!size)
		return (u64)-EINVAL;
	if (!t->has_task && prctl(PR_GET_NAME, own) == 0)
		comm = own;
	memset(out, 0, size);
	memcpy(out, comm, strnlen(comm, size - 1 < 15 ? size - 1 : 15));
	return 0;
}

VM_HELPER(get_current_cgroup_id)
{
	UNUSED;
	return vm_cgroup_id(t);
}

VM_HELPER(get_current_ancestor_cgroup_id)
{
	const u64 *ids;
	s32 level = (s32)a;
	u32 n = vm_cgroups(t, &ids);

	UNUSED;
	return level >= 0 && (u32)level < n ? ids[level] : 0;
}

u32 vm_task_tid(const struct vm_thread *t)
{
	return t->has_task ? t->task.tid : (u32)syscall(SYS_gettid);
}

/* Only the namespace that this process lives in can be asked about. */
VM_HELPER(get_ns_current_pid_tgid)
{
	struct stat st;
	u32 pair[2];
	u64 ids;

	if (d != 8)
		return (u64)-EINVAL;
	memset((void *)(uintptr_t)c, 0, 8);
	if (stat("/proc/self/ns/pid", &st) != 0 || st.st_ino != b || st.st_dev != a)
		return (u64)-EINVAL;
	ids = vm_h_get_current_pid_tgid(t, 0, 0, 0, 0, e);
	pair[0] = (u32)ids;
	pair[1] = (u32)(ids >> 32);
	memcpy((void *)(uintptr_t)c, pair, 8);
	return 0;
}

/* A handle of the traced task for task_storage_get. Nothing is to be read through it (programs for
 * this engine are verified without the kernel's types); it is zeroes, so that nothing can go wrong. */
VM_HELPER(get_current_task_btf)
{
	void *p;

	UNUSED;
	if (!t->task_object) {
		p = mmap(NULL, VM_TASK_BYTES, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		if (p == MAP_FAILED) {
			t->fault = -ENOMEM;
			return 0;
		}
		t->task_object = p;
	}
	return (u64)(uintptr_t)t->task_object;
}

static u64 send(struct vm_thread *t, u64 number, bool is_thread)
{
	int err;

	if (!number || (u32)number > 64)
		return (u64)-EINVAL;
	if (t->ops && t->ops->signal)
		return (u64)(s64)t->ops->signal(t, (u32)number, is_thread);
	/* Without a traced process it would be the one that runs the program. */
	if (!t->has_task)
		return (u64)-EPERM;
	err = is_thread ? (int)syscall(SYS_tgkill, (pid_t)t->task.tgid, (pid_t)t->task.tid,
				       (int)number)
			: kill((pid_t)t->task.tgid, (int)number);
	return err ? (u64)(s64)-errno : 0;
}

VM_HELPER(send_signal)
{
	UNUSED;
	return send(t, (u32)a, false);
}

VM_HELPER(send_signal_thread)
{
	UNUSED;
	return send(t, (u32)a, true);
}

VM_HELPER(get_retval)
{
	UNUSED;
	return (u64)(s64)t->retval;
}

VM_HELPER(set_retval)
{
	UNUSED;
	t->retval = (int)a;
	return 0;
}

VM_HELPER(get_func_ip)
{
	UNUSED;
	return t->site.ip;
}

VM_HELPER(get_attach_cookie)
{
	UNUSED;
	return t->site.cookie;
}

VM_HELPER(get_func_arg_cnt)
{
	UNUSED;
	return t->site.n_args;
}

static u64 context_word(u64 ctx, u64 n, u64 out)
{
	memcpy((void *)(uintptr_t)out, (const u8 *)(uintptr_t)ctx + 8 * n, 8);
	return 0;
}

VM_HELPER(get_func_arg)
{
	UNUSED;
	if ((u32)b >= t->site.n_args || ((u64)(u32)b + 1) * 8 > t->ctx_size)
		return (u64)-EINVAL;
	return context_word(a, (u32)b, c);
}

VM_HELPER(get_func_ret)
{
	UNUSED;
	if (((u64)t->site.n_args + 1) * 8 > t->ctx_size)
		return (u64)-EOPNOTSUPP;
	return context_word(a, t->site.n_args, b);
}

/* The engine's stack, without the first `skip`. */
static u32 asked(struct vm_thread *t, u8 *out, u32 most, u32 skip)
{
	enum { MOST = 512 };
	u64 ips[MOST];
	u32 n = t->ops->stack(t, ips, most + skip < MOST ? most + skip : MOST);

	if (n > MOST)
		n = MOST;
	n = n > skip ? n - skip : 0;
	n = n < most ? n : most;
	memcpy(out, ips + skip, 8ull * n);
	return n;
}

/* Return addresses from the traced place upwards, without the first `skip`; how many fitted. */
static u32 walk(struct vm_thread *t, u8 *out, u32 most, u64 skip)
{
	u64 fp = t->site.fp, ip = t->site.ip;
	u32 n = 0;

	if (t->ops && t->ops->stack)
		return asked(t, out, most, (u32)skip);
	while (ip && n < most) {
		u64 next[2] = { 0 };

		if (skip)
			skip--;
		else
			memcpy(out + 8 * n++, &ip, 8);
		if (!fp || fp % 8 || vm_read_at(t, false, next, fp, sizeof(next)) != 0 ||
		    next[0] <= fp)
			break;
		fp = next[0];
		ip = next[1];
	}
	return n;
}

enum {
	SKIP = 0xff,
	USER_STACK = 1 << 8,
	FAST_CMP = 1 << 9,
	REUSE_ID = 1 << 10,
	BUILD_ID = 1 << 11
};

/* -EOPNOTSUPP for stacks of the kernel. */
VM_HELPER(get_stack)
{
	u8 *out = (u8 *)(uintptr_t)b;

	(void)a;
	(void)e;
	if (!(u32)c)
		return 0;
	memset(out, 0, (u32)c);
	if (!(d & USER_STACK) || (d & BUILD_ID))
		return (u64)-EOPNOTSUPP;
	if (c % 8 || (d & ~(u64)(SKIP | USER_STACK)))
		return (u64)-EINVAL;
	if (!t->site.ip && !(t->ops && t->ops->stack))
		return (u64)-EFAULT;
	return 8ull * walk(t, out, (u32)c / 8, d & SKIP);
}

VM_HELPER(get_stackid)
{
	enum { MOST = 127 };
	struct maps_map *m = (struct maps_map *)(uintptr_t)b;
	u64 ips[MOST];
	u32 most, n;

	UNUSED;
	if (maps_spec(m)->type != ISA_MAP_STACK_TRACE ||
	    (c & ~(u64)(SKIP | USER_STACK | FAST_CMP | REUSE_ID)))
		return (u64)-EINVAL;
	if (!(c & USER_STACK))
		return (u64)-EOPNOTSUPP;
	most = maps_spec(m)->value_size / 8;
	n = walk(t, (u8 *)ips, most < MOST ? most : MOST, c & SKIP);
	return n ? (u64)maps_stack_store(m, ips, n, c) : (u64)-EFAULT;
}
