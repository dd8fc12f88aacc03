/* tracer: the process that holds the traced threads by ptrace, and its loop.
 *
 * One wait(2) a stop; what the stop means is decided here, programs run in the files of the sources. A second
 * thread watches the socket to the session and the clock, and interrupts the wait by a signal until it is heard
 * (there is no other way to wait for both).
 *
 * Threads are seized, so that stops by signals keep their meaning: a stopped process stays stopped, and says so to
 * whoever asks. No option ends them with the tracer. A new thread is traced from birth; where its first stop
 * comes before its parent's event, it waits for that, so that a fork is shown before what the child does.
 *
 * When the session is gone the tracer goes on without running programs for as long as threads carry the filter:
 * without a tracer their trapped calls would fail with ENOSYS. Without a filter it lets all of them go.
 */
#include "user/tracer.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ptrace.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

long tracer_ptrace(u32 request, pid_t tid, u64 addr, void *data)
{
	return syscall(SYS_ptrace, request, tid, addr, data);
}

/* ---- registers ------------------------------------------------------------------------------ */

bool tracer_regs_get(struct tracer *t, struct task *task)
{
	if (t->regs_known)
		return true;
#if defined(__x86_64__)
	t->regs_known = tracer_ptrace(PTRACE_GETREGS, task->tid, 0, &t->regs) == 0;
#else
	struct iovec io = { &t->regs, 34 * 8 };
	struct iovec nr = { &t->regs.syscallno, 4 };

	t->regs_known = tracer_ptrace(PTRACE_GETREGSET, task->tid, 1 /* NT_PRSTATUS */, &io) == 0 &&
			tracer_ptrace(PTRACE_GETREGSET, task->tid, 0x404 /* NT_ARM_SYSTEM_CALL */,
				      &nr) == 0;
#endif
	return t->regs_known;
}

bool tracer_regs_set(struct tracer *t, struct task *task)
{
#if defined(__x86_64__)
	return tracer_ptrace(PTRACE_SETREGS, task->tid, 0, &t->regs) == 0;
#else
	struct iovec io = { &t->regs, 34 * 8 };

	return tracer_ptrace(PTRACE_SETREGSET, task->tid, 1, &io) == 0;
#endif
}

/* ---- going on ------------------------------------------------------------------------------- */

static void let_go(struct tracer *t, struct task *task, int sig)
{
	breaks_let_go(t, task);
	tracer_ptrace(PTRACE_DETACH, task->tid, 0, (void *)(uintptr_t)sig);
	task_drop(t, task);
}

void tracer_resume(struct tracer *t, struct task *task, int sig)
{
	bool all = !t->u->by_filter && !t->is_quiet;
	u32 how = all || task->wants_exit ? PTRACE_SYSCALL : PTRACE_CONT;

	if (t->is_leaving) {
		let_go(t, task, sig);
		return;
	}
	if (breaks_in_step(task))
		how = PTRACE_SINGLESTEP;
	tracer_ptrace(how, task->tid, 0, (void *)(uintptr_t)sig);
}

void tracer_show(struct tracer *t, struct task *task)
{
	struct vm_task who = { .tid = (u32)task->tid, .tgid = (u32)task->tgid };
	struct vm_site site = { 0 };

	if (t->host.task != task) {
		vm_thread_task(t->vm, &who);
		t->host.task = task;
	}
	if (tracer_regs_get(t, task))
		site = (struct vm_site){ .ip = TRACER_IP(&t->regs),
					 .sp = TRACER_SP(&t->regs),
					 .fp = TRACER_FP(&t->regs) };
	vm_thread_site(t->vm, &site);
}

/* ---- stops ---------------------------------------------------------------------------------- */

static void new_thread(struct tracer *t, struct task *parent, pid_t tid, bool is_vfork)
{
	struct task *child = task_find(t, tid);
	bool was_there = child != NULL;

	tracer_fork(t, parent, tid);
	if (!child)
		child = task_add(t, tid);
	if (!child)
		return;
	breaks_fork(t, parent, child, is_vfork);
	if (!was_there) {
		child->is_new = true;
		return;
	}
	if (!child->is_held)
		return;
	child->is_held = false;
	t->regs_known = false;
	tracer_exit(t, child, true);
	t->regs_known = false;
	tracer_resume(t, child, 0);
}

static bool is_last_thread(struct tracer *t, const struct task *task)
{
	for (u32 i = 0; i < TRACER_BUCKETS; i++)
		for (struct task *x = t->tasks[i]; x; x = x->next)
			if (x != task && x->tgid == task->tgid && !x->end_shown)
				return false;
	return true;
}

/* Held children whose parent was killed, or became another program, before it could tell of them. */
static void free_held(struct tracer *t, struct task *parent)
{
	for (u32 i = 0; i < TRACER_BUCKETS; i++)
		for (struct task *x = t->tasks[i], *next; x; x = next) {
			next = x->next;
			if (!x->is_held || (x->tgid != parent->tgid && x->parent != parent->tgid))
				continue;
			x->is_held = false;
			breaks_fork(t, parent, x, false);
			t->regs_known = false;
			tracer_resume(t, x, 0);
		}
}

/* The end of a thread, with the signal before it if it was killed: nothing stops for that one. */
static void show_end(struct tracer *t, struct task *task, bool is_killed)
{
	siginfo_t killed = { .si_signo = SIGKILL };

	if (task->end_shown)
		return;
	if (is_killed && t->u->signals.n)
		tracer_signal(t, task, &killed);
	tracer_end(t, task, is_last_thread(t, task));
	task->end_shown = true;
}

/* Killed is who ends neither by a call of its own nor by the signal that was shown. */
static void on_last_stop(struct tracer *t, struct task *task)
{
	unsigned long code = 0;
	bool by_call;

	tracer_ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &code);
	by_call = !tracer_regs_get(t, task) || TRACER_NR(&t->regs) == SYS_exit ||
		  TRACER_NR(&t->regs) == SYS_exit_group;
	show_end(t, task, !by_call && (!(code & 0x7f) || (int)(code & 0x7f) != task->signal));
}

static void on_exec(struct tracer *t, struct task *task)
{
	unsigned long old = 0;
	struct task *was;

	tracer_ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &old);
	was = (pid_t)old != task->tid ? task_find(t, (pid_t)old) : NULL;
	/* A thread that is not the first took over its number. The first ended without a word. */
	if (was) {
		show_end(t, task, true);
		task->wants_exit = was->wants_exit;
		task->in_call = was->in_call;
		task->is_idle = was->is_idle;
		task_drop(t, was);
	}
	if (task->comm_fd >= 0)
		close(task->comm_fd);
	task->comm_fd = -1;
	task->is_idle = task->end_shown = false;
	free_held(t, task);
	t->regs_known = false;
	breaks_exec(t, task);
	tracer_exec(t, task, (pid_t)old);
}

static void on_syscall_stop(struct tracer *t, struct task *task)
{
	struct ptrace_syscall_info info;
	long got;

	if (t->u->by_filter) {
		tracer_exit(t, task, false);
		return;
	}
	got = tracer_ptrace(PTRACE_GET_SYSCALL_INFO, task->tid, sizeof(info), &info);
	if (got > 0) {
		task->in_call = info.op == PTRACE_SYSCALL_INFO_EXIT;
		task->is_foreign = info.arch != USER_ARCH;
	}
	if (task->in_call)
		tracer_exit(t, task, false);
	else
		tracer_enter(t, task);
	task->in_call = !task->in_call;
}

static bool is_stopping(int sig)
{
	return sig == SIGSTOP || sig == SIGTSTP || sig == SIGTTIN || sig == SIGTTOU;
}

/* A group stop, an interruption, or the first stop of a new thread. */
static void on_event_stop(struct tracer *t, struct task *task, int sig)
{
	bool is_child = task->is_new;

	if (is_stopping(sig) && !t->is_leaving) {
		task->is_new = false;
		tracer_ptrace(PTRACE_LISTEN, task->tid, 0, NULL);
		return;
	}
	task->is_new = false;
	if (is_child)
		tracer_exit(t, task, true);
	else if (task->due)
		tracer_sample(t, task);
	tracer_resume(t, task, 0);
}

static void on_signal(struct tracer *t, struct task *task, int sig)
{
	siginfo_t info;
	int other;

	if (breaks_signal(t, task, sig, &other)) {
		tracer_resume(t, task, other);
		return;
	}
	if (t->u->signals.n && tracer_ptrace(PTRACE_GETSIGINFO, task->tid, 0, &info) == 0)
		tracer_signal(t, task, &info);
	task->signal = sig;
	tracer_resume(t, task, sig);
}

static void on_stop(struct tracer *t, struct task *task, int status)
{
	int sig = WSTOPSIG(status), event = status >> 16;
	unsigned long message = 0;

	switch (event) {
	case 0:
		if (sig != (SIGTRAP | 0x80)) {
			on_signal(t, task, sig);
			return;
		}
		on_syscall_stop(t, task);
		break;
	case PTRACE_EVENT_SECCOMP: tracer_enter(t, task); break;
	case PTRACE_EVENT_FORK:
	case PTRACE_EVENT_VFORK:
	case PTRACE_EVENT_CLONE:
		if (tracer_ptrace(PTRACE_GETEVENTMSG, task->tid, 0, &message) == 0)
			new_thread(t, task, (pid_t)message, event == PTRACE_EVENT_VFORK);
		t->regs_known = false;
		break;
	case PTRACE_EVENT_EXEC: on_exec(t, task); break;
	case PTRACE_EVENT_EXIT: on_last_stop(t, task); break;
	case PTRACE_EVENT_STOP: on_event_stop(t, task, sig); return;
	default: break;
	}
	tracer_resume(t, task, 0);
}

/* ---- ends ----------------------------------------------------------------------------------- */

static void tell_session(struct tracer *t)
{
	u64 one = 1;

	(void)!write(t->wake, &one, sizeof(one));
}

static bool asked_gone(struct tracer *t)
{
	for (u32 i = 0; i < t->u->n_pids; i++)
		for (u32 k = 0; k < TRACER_BUCKETS; k++)
			for (struct task *x = t->tasks[k]; x; x = x->next)
				if (x->tgid == (pid_t)t->u->pids[i])
					return false;
	return true;
}

static void on_end(struct tracer *t, struct task *task)
{
	pid_t tid = task->tid;

	/* Killed in a stop, so that its last one was not waited for. */
	show_end(t, task, true);
	if (is_last_thread(t, task))
		free_held(t, task);
	task_drop(t, task);
	if (t->u->scope == RT_SCOPE_PIDS ? asked_gone(t) : tid == t->u->cmd.pid) {
		__atomic_store_n(&t->u->shared->done, 1, __ATOMIC_SEQ_CST);
		tell_session(t);
	}
}

/* ---- seizing -------------------------------------------------------------------------------- */

static long options(const struct tracer *t)
{
	long o = PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACECLONE |
		 PTRACE_O_TRACEEXEC | PTRACE_O_TRACESYSGOOD;

	if (t->u->by_filter)
		o |= PTRACE_O_TRACESECCOMP;
	if (t->u->ends.n || t->u->signals.n)
		o |= PTRACE_O_TRACEEXIT;
	return o;
}

static int seize(struct tracer *t, pid_t tid)
{
	struct task *task;

	if (task_find(t, tid))
		return 0;
	if (tracer_ptrace(PTRACE_SEIZE, tid, 0, (void *)options(t)))
		return -errno;
	task = task_add(t, tid);
	if (!task)
		return -ENOMEM;
	if (!t->u->by_filter)
		tracer_ptrace(PTRACE_INTERRUPT, tid, 0, NULL);
	if (t->u->scope == RT_SCOPE_PIDS)
		breaks_attach(t, task);
	return 0;
}

static int yama(void)
{
	char c = '0';
	int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);

	if (fd >= 0) {
		(void)!read(fd, &c, 1);
		close(fd);
	}
	return c - '0';
}

static int cannot_seize(pid_t pid, int err, struct err *e)
{
	u32 other = task_status_of(pid, "TracerPid:");

	if (err == -ESRCH)
		return err_set(e, err, USER_ROOM, "there is no process %d", pid);
	if (other && other != (u32)getpid())
		return err_set(e, -EBUSY, USER_ROOM,
			       "process %d is traced by process %u (a debugger, strace or another "
			       "skep); a process has one tracer",
			       pid, other);
	if (yama())
		return err_set(
			e, -SKEP_ENOCAP, USER_ROOM,
			"process %d may not be traced: kernel.yama.ptrace_scope is %d, so that "
			"only descendants may be; start it with skep (-- CMD), or run as root",
			pid, yama());
	return err_set(
		e, -SKEP_ENOCAP, USER_ROOM,
		"process %d may not be traced: it belongs to another user, or runs a program "
		"that takes more rights than yours; run as root",
		pid);
}

static int each_thread(struct tracer *t, pid_t pid, struct err *e)
{
	pid_t tids[4096];
	u32 n, before;
	int err;

	/* Until no new thread has come: those that are traced bring theirs along. */
	do {
		before = t->n_tasks;
		n = task_list(pid, tids, ARRAY_LEN(tids));
		if (!n)
			return cannot_seize(pid, -ESRCH, e);
		for (u32 i = 0; i < n; i++) {
			err = seize(t, tids[i]);
			if (err && (err != -ESRCH || tids[i] == pid) &&
			    !(err == -EPERM && tids[i] != pid))
				return cannot_seize(pid, err, e);
		}
	} while (t->n_tasks != before);
	return 0;
}

static int seize_all(struct tracer *t, struct err *e)
{
	struct engine *u = t->u;
	int err = 0;

	if (u->scope == RT_SCOPE_COMMAND) {
		err = seize(t, u->cmd.pid);
		if (err)
			return cannot_seize(u->cmd.pid, err, e);
		task_find(t, u->cmd.pid)->is_idle = true;
		return 0;
	}
	for (u32 i = 0; !err && i < u->n_pids; i++)
		err = each_thread(t, (pid_t)u->pids[i], e);
	return err;
}

/* ---- the other thread ------------------------------------------------------------------------- */

static void hear(int sig)
{
	(void)sig;
}

static u64 now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
}

static u64 shortest_period(const struct engine *u)
{
	u64 ns = 0;

	for (u32 i = 0; i < u->profiles.n; i++) {
		u64 p = u->progs[u->profiles.at[i]].period_ns;

		if (!ns || p < ns)
			ns = p;
	}
	return ns;
}

/* Interrupts the tracing thread's wait until it has looked. */
static void wake_tracer(struct tracer *t)
{
	struct timespec pause = { 0, 1000000 };

	t->woken = 0;
	while (!t->woken) {
		syscall(SYS_tgkill, getpid(), t->self, SIGUSR1);
		nanosleep(&pause, NULL);
	}
}

static void *watch(void *arg)
{
	struct tracer *t = arg;
	struct pollfd p = { .fd = t->control, .events = POLLIN };
	u64 period = shortest_period(t->u), next = now_ns() + period;
	struct timespec left;
	char byte;

	for (;;) {
		u64 now = now_ns(), ns = period && next > now ? next - now : 0;

		left = (struct timespec){ (time_t)(ns / 1000000000), (long)(ns % 1000000000) };
		if (ppoll(&p, 1, period ? &left : NULL, NULL) > 0) {
			if (recv(t->control, &byte, 1, 0) > 0)
				t->stop_asked = 1;
			else
				t->is_orphan = 1;
			wake_tracer(t);
			if (t->is_orphan)
				return NULL;
			period = 0;
			continue;
		}
		if (period && now_ns() >= next) {
			next = now_ns() + period;
			t->ticks = 1;
			syscall(SYS_tgkill, getpid(), t->self, SIGUSR1);
		}
	}
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void ack_stop(struct tracer *t, char byte)
{

	if (t->stop_acked || !t->stop_asked)
		return;
	t->stop_acked = true;
	(void)!send(t->control, &byte, 1, MSG_NOSIGNAL);
}

static void leave_all(struct tracer *t)
{
	t->is_leaving = true;
	for (u32 i = 0; i < TRACER_BUCKETS; i++)
		for (struct task *x = t->tasks[i]; x; x = x->next)
			tracer_ptrace(PTRACE_INTERRUPT, x->tid, 0, NULL);
}

static void look(struct tracer *t)
{
	t->woken = 1;
	if ((t->stop_asked || t->is_orphan) && !t->is_quiet) {
		t->is_quiet = true;
		breaks_clear(t);
		if (!t->u->by_filter)
			leave_all(t);
	}
	/* Without a thread the loop is about to end, and says so itself. */
	if (t->is_quiet && !t->is_leaving && t->n_tasks)
		ack_stop(t, TRACER_STAYS);
}

static struct task *known(struct tracer *t, pid_t tid)
{
	struct task *task = task_find(t, tid);

	if (task)
		return task;
	task = task_add(t, tid);
	if (task)
		task->is_new = true;
	/* Its parent's event comes next. */
	if (task && (t->u->forks.n || t->u->breaks.n) && !t->is_quiet) {
		task->parent = (pid_t)task_status_of(tid, "PPid:");
		task->is_held = true;
	}
	return task;
}

static void dispatch(struct tracer *t, pid_t tid, int status)
{
	struct task *task;

	t->regs_known = false;
	if (!WIFSTOPPED(status)) {
		task = task_find(t, tid);
		if (task)
			on_end(t, task);
		return;
	}
	task = known(t, tid);
	if (!task || task->is_held)
		return;
	on_stop(t, task, status);
}

static void loop(struct tracer *t)
{
	int status;
	pid_t tid;

	for (;;) {
		tid = waitpid(-1, &status, __WALL);
		if (tid > 0)
			dispatch(t, tid, status);
		else if (errno == ECHILD)
			return;
		if (t->stop_asked || t->is_orphan || !t->woken)
			look(t);
		if (t->ticks) {
			t->ticks = 0;
			tracer_tick(t);
		}
	}
}

/* ---- the process ---------------------------------------------------------------------------- */

static int cmp_fd(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Holds nothing open that is not its own: whoever reads from the session's pipes shall see them end. */
static void close_others(struct tracer *t)
{
	struct engine *u = t->u;
	int keep[72], from = 0, null = open("/dev/null", O_RDWR);
	u32 n = 0;

	keep[n++] = t->control;
	keep[n++] = t->wake;
	for (u32 i = 0; i < u->n_maps && n < ARRAY_LEN(keep); i++)
		if (u->maps[i] && maps_wait_fd(u->maps[i]) >= 0)
			keep[n++] = maps_wait_fd(u->maps[i]);
	for (int fd = 0; fd < 3; fd++)
		if (null >= 0 && fd != t->control && fd != t->wake)
			dup2(null, fd);
	from = 3;
	qsort(keep, n, sizeof(*keep), cmp_fd);
	for (u32 i = 0; i < n; i++) {
		if (keep[i] > from)
			syscall(SYS_close_range, from, keep[i] - 1, 0);
		if (keep[i] >= from)
			from = keep[i] + 1;
	}
	syscall(SYS_close_range, from, ~0u, 0);
}

static void set_signals(void)
{
	static const int deaf[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGTSTP, SIGALRM };
	struct sigaction sa = { .sa_handler = hear };
	sigset_t none;

	for (u32 i = 0; i < ARRAY_LEN(deaf); i++)
		signal(deaf[i], SIG_IGN);
	signal(SIGCHLD, SIG_DFL);
	sigaction(SIGUSR1, &sa, NULL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
}

static int prepare(struct tracer *t, struct err *e)
{
	t->vm = vm_thread_new(0);
	if (!t->vm)
		return err_set(e, -ENOMEM, USER_ROOM, "out of memory");
	t->host.u = t->u;
	vm_thread_set_host(t->vm, &t->host);
	return seize_all(t, e);
}

void tracer_main(struct engine *u, int control)
{
	static const char name[] = "skep-tracer";
	struct tracer *t = calloc(1, sizeof(*t));
	struct err e = { 0 };

	setsid();
	prctl(PR_SET_NAME, name);
	set_signals();
	if (!t)
		_exit(1);
	t->u = u;
	t->control = control;
	t->wake = u->wake;
	t->self = (pid_t)syscall(SYS_gettid);
	t->woken = 1;
	close_others(t);
	e.code = prepare(t, &e);
	if (!e.code && pthread_create(&t->watcher, NULL, watch, t))
		e.code = err_set(&e, -EAGAIN, USER_ROOM, "the tracer cannot start a thread");
	(void)!send(control, &e, sizeof(e), MSG_NOSIGNAL);
	if (e.code)
		_exit(1);
	loop(t);
	u->shared->done = 1;
	tell_session(t);
	t->is_quiet = true;
	ack_stop(t, TRACER_ENDS);
	_exit(0);
}
