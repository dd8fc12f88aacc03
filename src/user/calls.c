/* calls: programs at entry and return of system calls.
 *
 * A context is made for each program as its kind wants it (enum user_context) out of the thread's registers, which
 * are read once a stop. Programs find the registers themselves at USER_KERNEL, where the kernel has its pointer to
 * them: the wrapper of a call has it as its only argument.
 *
 * In a new process the kernel reports the return of the call that made it, to tracepoints but not to kretprobes.
 */
#include <linux/ptrace.h>
#include <sched.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "user/tracer.h"
/* Behind isa.h, which uses and gives up the name MAP_TYPE. */
#include <sys/mman.h>

static u64 reg(const struct tracer *t, u16 off)
{
	u64 x;

	memcpy(&x, (const u8 *)&t->regs + off, 8);
	return x;
}

static void set_reg(void *regs, u16 off, u64 x)
{
	memcpy((u8 *)regs + off, &x, 8);
}

/* struct trace_event_raw_sys_enter and its like: 8 bytes, the number, then the values. */
static u32 make_record(struct tracer *t, const struct user_prog *p)
{
	const struct probes_regs *r = probes_regs();
	bool is_enter = p->event == USER_EV_ENTER;

	t->ctx[0] = 0;
	t->ctx[1] = p->all_calls ? (u64)(s64)(s32)TRACER_NR(&t->regs) : TRACER_NR(&t->regs);
	if (!is_enter)
		t->ctx[2] = TRACER_RET(&t->regs);
	for (u32 i = 0; is_enter && i < 6; i++)
		t->ctx[2 + i] = reg(t, r->sys_arg[i]);
	return is_enter ? 64 : 24;
}

static u32 make_context(struct tracer *t, const struct user_prog *p)
{
	const struct probes_regs *r = probes_regs();

	switch (p->context) {
	case USER_CTX_ARGS:
		t->ctx[0] = USER_KERNEL;
		t->ctx[1] = p->event == USER_EV_ENTER ? (u64)(s64)(s32)TRACER_NR(&t->regs)
						      : TRACER_RET(&t->regs);
		return 16;
	case USER_CTX_RECORD: return make_record(t, p);
	case USER_CTX_WRAPPER:
		memcpy(t->ctx, &t->regs, r->size);
		set_reg(t->ctx, r->arg[0], USER_KERNEL);
		return r->size;
	case USER_CTX_RETURN:
		memcpy(t->ctx, &t->regs, r->size);
		set_reg(t->ctx, r->ret, TRACER_RET(&t->regs));
		return r->size;
	default: return 0;
	}
}

static void run_list(struct tracer *t, struct task *task, const struct user_list *list,
		     bool is_child)
{
	struct engine *u = t->u;

	if (t->is_quiet || task->is_idle || !list->n)
		return;
	tracer_show(t, task);
	t->host.kernel = &t->regs;
	t->host.kernel_size = probes_regs()->size;
	for (u32 i = 0; i < list->n; i++) {
		struct user_prog *p = &u->progs[list->at[i]];

		if (is_child && p->context == USER_CTX_RETURN)
			continue;
		user_run(u, p, t->vm, t->ctx, make_context(t, p));
	}
	t->host.kernel_size = 0;
}

/* ---- calls that the engine itself looks at ----------------------------------------------------- */

static bool write_word(struct task *task, u64 at, u64 word)
{
	struct iovec from = { &word, 8 }, to = { (void *)(uintptr_t)at, 8 };

	return process_vm_writev(task->tid, &from, 1, &to, 1, 0) == 8;
}

static bool read_word(struct task *task, u64 at, u64 *out)
{
	struct iovec to = { out, 8 }, from = { (void *)(uintptr_t)at, 8 };

	return process_vm_readv(task->tid, &to, 1, &from, 1, 0) == 8;
}

/* A child made with CLONE_UNTRACED would keep the filter and lose the tracer that answers it. */
static void keep_traced(struct tracer *t, struct task *task, u32 nr)
{
	const struct probes_regs *r = probes_regs();
	u64 flags = 0, at = reg(t, r->sys_arg[0]);

	if (nr == SYS_clone && at & CLONE_UNTRACED) {
		set_reg(&t->regs, r->sys_arg[0], at & ~(u64)CLONE_UNTRACED);
		tracer_regs_set(t, task);
	} else if (nr == SYS_clone3 && read_word(task, at, &flags) && flags & CLONE_UNTRACED) {
		write_word(task, at, flags & ~(u64)CLONE_UNTRACED);
	}
}

static bool changes_ids(u32 nr)
{
	switch (nr) {
	case SYS_setuid:
	case SYS_setgid:
	case SYS_setreuid:
	case SYS_setregid:
	case SYS_setresuid:
	case SYS_setresgid:
	case SYS_setfsuid:
	case SYS_setfsgid: return true;
	default: return false;
	}
}

/* Calls that only programs for all of them see share the last list. */
static u32 slot_of(const struct task *task, u32 nr)
{
	return nr < USER_N_CALLS && !task->is_foreign ? nr : USER_N_CALLS;
}

/* Without the filter the loop has asked already. */
static void ask_abi(struct tracer *t, struct task *task)
{
	unsigned long word = 0;

	if (!t->u->asks_abi || !t->u->by_filter)
		return;
	tracer_ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &word);
	task->is_foreign = word == USER_FOREIGN;
}

void tracer_enter(struct tracer *t, struct task *task)
{
	struct engine *u = t->u;
	u32 nr;

	if (!tracer_regs_get(t, task))
		return;
	nr = TRACER_NR(&t->regs);
	task->nr = nr;
	ask_abi(t, task);
	/* The command's first own call is its exec; what comes before belongs to skep. */
	if (task->is_idle && (u->by_filter || nr == SYS_execve))
		task->is_idle = false;
	run_list(t, task, &u->enter[slot_of(task, nr)], false);
	if (u->by_filter && (nr == SYS_clone || nr == SYS_clone3))
		keep_traced(t, task, nr);
	task->ids_change = u->asks_ids && changes_ids(nr);
	/* Of a file, for mmap. */
	task->maps_code = u->breaks.n &&
			  (nr == SYS_mprotect ||
			   (nr == SYS_mmap && (s32)reg(t, probes_regs()->sys_arg[4]) >= 0)) &&
			  reg(t, probes_regs()->sys_arg[2]) &
				  (PROT_EXEC | (u->has_counters ? PROT_WRITE : 0));
	task->wants_exit = (!t->is_quiet && u->exit[slot_of(task, nr)].n) || task->ids_change ||
			   task->maps_code;
}

void tracer_exit(struct tracer *t, struct task *task, bool is_child)
{
	if (!tracer_regs_get(t, task))
		return;
	task->wants_exit = false;
	if (task->ids_change)
		task->ids_known = task->ids_change = false;
	if (task->maps_code && !t->is_quiet)
		breaks_mapped(t, task);
	task->maps_code = false;
	run_list(t, task, &t->u->exit[slot_of(task, TRACER_NR(&t->regs))], is_child);
}
