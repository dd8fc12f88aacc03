/* breaks: what happens at breakpoints: programs of uprobes, uretprobes and USDT markers.
 *
 * At a breakpoint the programs run with the registers of the thread, its instruction pointer at the probe. Then the
 * instruction that the breakpoint hides is done: a push or a move of registers is emulated, any other is stepped as a copy elsewhere, so that
 * the breakpoint stays for the other threads; only what cannot be copied is stepped in place.
 *
 * Returns are found by a breakpoint where the call comes back to, told apart by the stack pointer: nothing on the
 * thread's stack is changed, so that unwinders and longjmp see what they would see. A call that is left by longjmp
 * never comes back; its entry is dropped when a frame above it returns, or the same call is made again.
 *
 * Signals that arrive during a step wait for its end. One that the stepped instruction causes itself is delivered as if
 * it stood at its own place.
 */
#include <errno.h>
#include <linux/ptrace.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "user/breaks.h"

#if defined(__x86_64__)

enum { MOST_BACKS = 65536 };

/* ---- registers by number -------------------------------------------------------------------- */

static unsigned long long *numbered(tracer_regs *r, s8 n)
{
	unsigned long long *const at[] = {
		&r->rax, &r->rcx, &r->rdx, &r->rbx, &r->rsp, &r->rbp, &r->rsi, &r->rdi,
		&r->r8,	 &r->r9,  &r->r10, &r->r11, &r->r12, &r->r13, &r->r14, &r->r15,
	};

	return at[n & 15];
}

/* ---- programs ------------------------------------------------------------------------------- */

static void run_point(struct tracer *t, struct task *task, struct point *p, bool at_return)
{
	struct engine *u = t->u;
	u32 size = probes_regs()->size;

	if (t->is_quiet || task->is_idle)
		return;
	for (u32 i = 0; i < p->progs.n; i++) {
		struct user_prog *prog = &u->progs[p->progs.at[i]];

		if ((prog->event == USER_EV_URETPROBE) != at_return)
			continue;
		tracer_show(t, task);
		memcpy(t->ctx, &t->regs, size);
		user_run(u, prog, t->vm, t->ctx, size);
	}
}

/* ---- returns -------------------------------------------------------------------------------- */

static bool wants_return(struct tracer *t, const struct point *p)
{
	for (u32 i = 0; i < p->progs.n; i++)
		if (t->u->progs[p->progs.at[i]].event == USER_EV_URETPROBE)
			return true;
	return false;
}

static void drop_back(struct step *s, u32 i)
{
	memmove(&s->backs[i], &s->backs[i + 1], (s->n_backs - i - 1) * sizeof(*s->backs));
	s->n_backs--;
}

/* At a function's entry: its return address is on top of the stack. */
static void note_call(struct tracer *t, struct task *task, struct point *p)
{
	struct step *s = task->step;
	struct back b = { .sp = t->regs.rsp, .point = p };

	if (t->is_quiet || !space_read(task->space, b.sp, &b.ret, 8))
		return;
	for (u32 i = 0; i < s->n_backs; i++)
		if (s->backs[i].sp == b.sp && s->backs[i].point == p) {
			drop_back(s, i);
			break;
		}
	if (s->n_backs == s->cap_backs) {
		u32 cap = s->cap_backs ? 2 * s->cap_backs : 64;
		struct back *more =
			cap <= MOST_BACKS ? realloc(s->backs, cap * sizeof(*more)) : NULL;

		if (!more)
			return;
		s->backs = more;
		s->cap_backs = cap;
	}
	if (space_return(task->space, b.ret))
		s->backs[s->n_backs++] = b;
}

static void note_return(struct tracer *t, struct task *task, u64 addr)
{
	struct step *s = task->step;
	u64 sp = t->regs.rsp;

	for (u32 i = s->n_backs; i-- > 0;) {
		struct back b = s->backs[i];

		if (b.ret != addr || b.sp + 8 != sp)
			continue;
		/* Entries behind it on the same stack were left by longjmp. */
		while (s->n_backs > i + 1 && s->backs[s->n_backs - 1].sp <= b.sp &&
		       b.sp - s->backs[s->n_backs - 1].sp < 8u << 20)
			s->n_backs--;
		drop_back(s, i);
		run_point(t, task, b.point, true);
	}
}

/* ---- stepping ------------------------------------------------------------------------------- */

static void finish(struct task *task)
{
	static const u8 int3 = 0xcc;
	struct step *s = task->step;

	if (s->slot)
		space_slot_free(task->space, s->point, s->slot);
	else if (s->point->is_set)
		space_write(task->space, s->point->addr, &int3, 1);
	s->point = NULL;
	s->slot = 0;
}

static bool emulate(struct tracer *t, struct task *task, struct point *p)
{
	const struct insn *i = &p->insn;
	u64 value, sp = t->regs.rsp - 8;

	if (!i->length)
		return false;
	if (i->push >= 0) {
		value = *numbered(&t->regs, i->push);
		if (!space_write(task->space, sp, &value, 8))
			return false;
		t->regs.rsp = sp;
	}
	if (i->to >= 0) {
		value = *numbered(&t->regs, i->from);
		*numbered(&t->regs, i->to) = i->is_wide ? value : (u32)value;
	}
	t->regs.rip = p->addr + i->length;
	return true;
}

static void begin_step(struct tracer *t, struct task *task, struct point *p)
{
	struct step *s = task->step;

	t->regs.rip = p->addr;
	if (!p->is_set || emulate(t, task, p)) {
		tracer_regs_set(t, task);
		return;
	}
	s->point = p;
	s->slot = space_slot(task->space, p);
	if (s->slot)
		t->regs.rip = s->slot;
	else
		space_write(task->space, p->addr, &p->saved, 1);
	tracer_regs_set(t, task);
}

/* Mends what the copy did from where it stood. */
static void mend(struct tracer *t, struct task *task)
{
	struct step *s = task->step;
	u64 moved = s->point->addr - s->slot, ret;

	if (!s->slot)
		return;
	if (s->point->insn.is_call && space_read(task->space, t->regs.rsp, &ret, 8)) {
		ret += moved;
		space_write(task->space, t->regs.rsp, &ret, 8);
	}
	if (!s->point->insn.is_absolute)
		t->regs.rip += moved;
	tracer_regs_set(t, task);
}

/* Puts a thread that is let go in the middle of a step where it would be without. */
static void abandon(struct tracer *t, struct task *task)
{
	struct step *s = task->step;

	if (s->slot && tracer_regs_get(t, task)) {
		if (t->regs.rip == s->slot) {
			t->regs.rip = s->point->addr;
			tracer_regs_set(t, task);
		} else {
			mend(t, task);
		}
	}
	finish(task);
}

/* The first of the held signals goes now, with its own origin; the others are sent again. */
static int release_held(struct task *task)
{
	struct step *s = task->step;
	int sig = 0;

	for (u32 i = 0; i < s->n_held; i++) {
		if (!i && tracer_ptrace(PTRACE_SETSIGINFO, task->tid, 0, &s->held[0]) == 0)
			sig = s->held[0].si_signo;
		else
			syscall(SYS_tgkill, task->tgid, task->tid, s->held[i].si_signo);
	}
	s->n_held = 0;
	return sig;
}

static bool is_own_fault(const siginfo_t *info)
{
	return info->si_code > 0 && info->si_code != SI_KERNEL &&
	       (info->si_signo == SIGSEGV || info->si_signo == SIGBUS || info->si_signo == SIGILL ||
		info->si_signo == SIGFPE);
}

/* ---- the stops ------------------------------------------------------------------------------ */

static void hit(struct tracer *t, struct task *task, struct point *p)
{
	t->regs.rip = p->addr;
	if (p->is_return)
		note_return(t, task, p->addr);
	run_point(t, task, p, false);
	if (wants_return(t, p))
		note_call(t, task, p);
	begin_step(t, task, p);
}

static bool in_step(struct tracer *t, struct task *task, int sig, const siginfo_t *info,
		    int *out_sig)
{
	struct step *s = task->step;

	if (sig == SIGTRAP && info->si_code != SI_USER && info->si_code != SI_TKILL) {
		mend(t, task);
		finish(task);
		*out_sig = release_held(task);
		return true;
	}
	if (is_own_fault(info)) {
		abandon(t, task);
		return false;
	}
	if (s->n_held < ARRAY_LEN(s->held)) {
		s->held[s->n_held++] = *info;
		return true;
	}
	return false;
}

bool breaks_signal(struct tracer *t, struct task *task, int sig, int *out_sig)
{
	siginfo_t info;
	struct point *p;

	*out_sig = 0;
	if (!task->space || tracer_ptrace(PTRACE_GETSIGINFO, task->tid, 0, &info) ||
	    !tracer_regs_get(t, task))
		return false;
	if (!task->step)
		task->step = calloc(1, sizeof(*task->step));
	if (!task->step)
		return false;
	if (task->step->point)
		return in_step(t, task, sig, &info, out_sig);
	if (sig != SIGTRAP || info.si_code == SI_USER || info.si_code == SI_TKILL)
		return false;
	p = space_point(task->space, t->regs.rip - 1);
	if (!p)
		return false;
	hit(t, task, p);
	return true;
}

bool breaks_in_step(const struct task *task)
{
	return task->step && task->step->point;
}

void breaks_let_go(struct tracer *t, struct task *task)
{
	if (breaks_in_step(task))
		abandon(t, task);
}

#else

bool breaks_signal(struct tracer *t, struct task *task, int sig, int *out_sig)
{
	(void)t;
	(void)task;
	(void)sig;
	(void)out_sig;
	return false;
}

bool breaks_in_step(const struct task *task)
{
	(void)task;
	return false;
}

void breaks_let_go(struct tracer *t, struct task *task)
{
	(void)t;
	(void)task;
}

#endif

/* ---- lives ---------------------------------------------------------------------------------- */

void breaks_drop(struct task *task)
{
	if (task->step) {
		if (task->step->point && task->space)
			space_slot_free(task->space, task->step->point, task->step->slot);
		free(task->step->backs);
		free(task->step);
	}
	space_put(task->space);
	task->step = NULL;
	task->space = NULL;
}

void breaks_exec(struct tracer *t, struct task *task)
{
	if (!t->u->breaks.n)
		return;
	breaks_drop(task);
	task->space = space_new(t, task->tid);
}

/* KCMP_VM of kcmp(2); where that is not to be had, a thread of the same group. */
static bool shares_memory(const struct task *a, const struct task *b, bool is_vfork)
{
	enum { VM = 1 };
	long r = syscall(SYS_kcmp, a->tid, b->tid, VM, 0, 0);

	return r >= 0 ? r == 0 : a->tgid == b->tgid || is_vfork;
}

void breaks_fork(struct tracer *t, struct task *parent, struct task *child, bool is_vfork)
{
	if (!t->u->breaks.n || !parent->space || child->space)
		return;
	if (shares_memory(parent, child, is_vfork)) {
		child->space = parent->space;
		child->space->refs++;
		return;
	}
	child->space = space_copy(parent->space, child->tid);
	/* The child comes back from the calls that the parent is in. */
	if (parent->step && parent->step->n_backs && child->space && !child->step) {
		struct step *s = calloc(1, sizeof(*s));

		child->step = s;
		for (u32 i = 0; s && i < parent->step->n_backs; i++) {
			struct back b = parent->step->backs[i];

			b.point = space_point(child->space, b.point->addr);
			if (s->n_backs == s->cap_backs) {
				s->cap_backs = parent->step->n_backs;
				s->backs = calloc(s->cap_backs, sizeof(*s->backs));
			}
			if (s->backs && b.point)
				s->backs[s->n_backs++] = b;
		}
	}
}

void breaks_mapped(struct tracer *t, struct task *task)
{
	if (task->space)
		space_scan(t, task->space);
}

/* A process that runs already: its threads share what the first one gets. */
void breaks_attach(struct tracer *t, struct task *task)
{
	if (!t->u->breaks.n)
		return;
	for (u32 i = 0; i < TRACER_BUCKETS; i++)
		for (struct task *x = t->tasks[i]; x; x = x->next)
			if (x != task && x->tgid == task->tgid && x->space) {
				task->space = x->space;
				task->space->refs++;
				return;
			}
	task->space = space_new(t, task->tgid);
}

void breaks_clear(struct tracer *t)
{
	for (u32 i = 0; i < TRACER_BUCKETS; i++)
		for (struct task *x = t->tasks[i]; x; x = x->next)
			if (x->space)
				space_clear(x->space);
}
