/* life: programs at fork, exec, end, delivered signals and samples.
 *
 * Records are filled by the names of their fields, so that whatever layout the program was compiled with
 * (tracefs, or skep's own where that cannot be read) is the one that it gets.
 */
#include <fcntl.h>
#include <linux/ptrace.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "user/tracer.h"

struct record {
	struct tracer *t;
	const struct user_prog *p;
	u8 *bytes;
	u32 end; /* strings of __data_loc fields go here */
};

static void put_int(struct record *r, const struct probes_field *f, u64 x)
{
	memcpy(r->bytes + f->off, &x, f->size > 8 ? 8 : f->size);
}

static void put_text(struct record *r, const struct probes_field *f, const char *text)
{
	u32 n = (u32)strlen(text) + 1;

	if (f->is_data_loc) {
		if (r->end + n > USER_RECORD)
			n = USER_RECORD - r->end;
		memcpy(r->bytes + r->end, text, n);
		r->bytes[r->end + n - 1] = 0;
		put_int(r, f, (u64)n << 16 | r->end);
		r->end += n;
		return;
	}
	memcpy(r->bytes + f->off, text, n > f->size ? f->size : n);
}

/* One value by the name of its field. */
struct value {
	const char *name;
	u64 number;
	const char *text;
};

static void run_records(struct tracer *t, struct task *task, const struct user_list *list,
			const struct value *values, u32 n)
{
	for (u32 i = 0; i < list->n; i++) {
		struct user_prog *p = &t->u->progs[list->at[i]];
		struct record r = { t, p, (u8 *)t->ctx, p->record };

		memset(t->ctx, 0, sizeof(t->ctx));
		for (u32 k = 0; k < p->format.fields.n; k++)
			for (u32 v = 0; v < n; v++) {
				const struct probes_field *f = &p->format.fields.at[k];

				if (!str_is(f->name, values[v].name))
					continue;
				if (values[v].text)
					put_text(&r, f, values[v].text);
				else
					put_int(&r, f, values[v].number);
			}
		tracer_show(t, task);
		user_run(t->u, p, t->vm, t->ctx, r.end);
	}
}

static bool is_silent(const struct tracer *t, const struct task *task, const struct user_list *list)
{
	return t->is_quiet || task->is_idle || !list->n;
}

void tracer_fork(struct tracer *t, struct task *task, pid_t child)
{
	char comm[16], name[16];
	struct task who = { .tid = child, .comm_fd = -1 };

	if (is_silent(t, task, &t->u->forks))
		return;
	task_comm(task, comm);
	task_comm(&who, name);
	if (who.comm_fd >= 0)
		close(who.comm_fd);
	run_records(t, task, &t->u->forks,
		    (struct value[]){ { "parent_comm", 0, comm },
				      { "parent_pid", (u64)task->tid, NULL },
				      { "child_comm", 0, name[0] ? name : comm },
				      { "child_pid", (u64)child, NULL } },
		    4);
}

/* ---- exec ----------------------------------------------------------------------------------- */

/* The path as it was given to execve: the new image has it among its auxiliary values. */
static void exec_path(pid_t pid, char *out, size_t size)
{
	enum { AT_EXECFN_TYPE = 31 };
	u64 pairs[64][2] = { 0 };
	char path[64];
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/auxv", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, pairs, sizeof(pairs));
		close(fd);
	}
	out[0] = 0;
	for (u32 i = 0; n > 0 && i < (u32)n / 16; i++) {
		if (pairs[i][0] != AT_EXECFN_TYPE)
			continue;
		snprintf(path, sizeof(path), "/proc/%d/mem", pid);
		fd = open(path, O_RDONLY | O_CLOEXEC);
		n = fd < 0 ? -1 : pread(fd, out, size - 1, (off_t)pairs[i][1]);
		if (fd >= 0)
			close(fd);
		out[n > 0 ? n : 0] = 0;
		return;
	}
}

/* With no_new_privs the file's owner lends no rights. */
static void tell_set_uid(struct tracer *t, const struct task *task)
{
	char path[64], file[160];
	struct stat st;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/exe", task->tid);
	if (stat(path, &st) || !(st.st_mode & (S_ISUID | S_ISGID)) ||
	    !task_status_of(task->tid, "NoNewPrivs:"))
		return;
	n = readlink(path, file, sizeof(file) - 1);
	file[n > 0 ? n : 0] = 0;
	user_note(t->u,
		  "'%s' is set-uid or set-gid: traced by the user engine without CAP_SYS_ADMIN it "
		  "runs "
		  "without those rights",
		  file);
}

void tracer_exec(struct tracer *t, struct task *task, pid_t old)
{
	char path[4096];

	if (t->u->by_filter && !t->is_quiet)
		tell_set_uid(t, task);
	task->ids_known = false;
	task->cgroup = 0;
	if (is_silent(t, task, &t->u->execs))
		return;
	exec_path(task->tid, path, sizeof(path));
	run_records(t, task, &t->u->execs,
		    (struct value[]){ { "filename", 0, path },
				      { "pid", (u64)task->tid, NULL },
				      { "old_pid", (u64)old, NULL } },
		    3);
}

/* ---- the end -------------------------------------------------------------------------------- */

/* What the kernel calls prio: 100 more than the 18th word of /proc/TID/stat. */
static u64 priority(pid_t tid)
{
	char path[64], buf[1024], *at;
	long prio = 20;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/stat", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, sizeof(buf) - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = 0;
	at = strrchr(buf, ')');
	for (u32 i = 0; at && i < 16; i++)
		at = strchr(at + 1, ' ');
	if (at)
		prio = strtol(at, NULL, 10);
	return (u64)(prio + 100);
}

void tracer_end(struct tracer *t, struct task *task, bool is_last)
{
	char comm[16];

	if (is_silent(t, task, &t->u->ends))
		return;
	task_comm(task, comm);
	run_records(t, task, &t->u->ends,
		    (struct value[]){ { "comm", 0, comm },
				      { "pid", (u64)task->tid, NULL },
				      { "prio", priority(task->tid), NULL },
				      { "group_dead", is_last, NULL } },
		    4);
}

/* ---- signals -------------------------------------------------------------------------------- */

/* Without a tracer the kernel drops a signal that nobody wants when it is sent; then it is not delivered. */
static bool is_dropped(pid_t tid, int sig)
{
	bool by_default = sig == SIGCHLD || sig == SIGCONT || sig == SIGURG || sig == SIGWINCH;
	char path[64], buf[4096], *ignored, *caught;
	ssize_t n = -1;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		n = read(fd, buf, sizeof(buf) - 1);
		close(fd);
	}
	buf[n > 0 ? n : 0] = 0;
	ignored = strstr(buf, "SigIgn:");
	caught = strstr(buf, "SigCgt:");
	if (!ignored || !caught)
		return false;
	return strtoull(ignored + 7, NULL, 16) >> (sig - 1) & 1 ||
	       (by_default && !(strtoull(caught + 7, NULL, 16) >> (sig - 1) & 1));
}

void tracer_signal(struct tracer *t, struct task *task, const siginfo_t *info)
{
	if (is_silent(t, task, &t->u->signals) || is_dropped(task->tid, info->si_signo))
		return;
	run_records(t, task, &t->u->signals,
		    (struct value[]){ { "sig", (u64)(s64)info->si_signo, NULL },
				      { "errno", (u64)(s64)info->si_errno, NULL },
				      { "code", (u64)(s64)info->si_code, NULL } },
		    3);
}

/* ---- samples -------------------------------------------------------------------------------- */

static void sample(struct tracer *t, struct task *task, struct user_prog *p)
{
	u32 size = probes_regs()->size;

	memset(t->ctx, 0, sizeof(t->ctx));
	memcpy(t->ctx, &t->regs, size);
	t->ctx[size / 8] = p->period_ns;
	t->ctx[size / 8 + 1] = TRACER_IP(&t->regs);
	tracer_show(t, task);
	user_run(t->u, p, t->vm, t->ctx, size + 16);
}

void tracer_sample(struct tracer *t, struct task *task)
{
	const struct user_list *list = &t->u->profiles;
	u64 due = task->due;

	task->due = 0;
	if (t->is_quiet || task->is_idle || !tracer_regs_get(t, task))
		return;
	for (u32 i = 0; i < list->n && i < 64; i++)
		if (due >> i & 1)
			sample(t, task, &t->u->progs[list->at[i]]);
}

static u64 due_programs(struct tracer *t)
{
	const struct user_list *list = &t->u->profiles;
	struct timespec ts;
	u64 due = 0, now;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	now = (u64)ts.tv_sec * 1000000000 + (u64)ts.tv_nsec;
	for (u32 i = 0; i < list->n && i < 64; i++) {
		struct user_prog *p = &t->u->progs[list->at[i]];

		/* A tick that comes a little early is meant too. */
		if (p->next_ns > now + p->period_ns / 8)
			continue;
		due |= 1ull << i;
		p->next_ns = now + p->period_ns;
	}
	return due;
}

/* A processor's sample shows what runs on it: threads that wait are left alone. */
void tracer_tick(struct tracer *t)
{
	u64 due = t->is_quiet ? 0 : due_programs(t);

	for (u32 i = 0; due && i < TRACER_BUCKETS; i++)
		for (struct task *x = t->tasks[i]; x; x = x->next) {
			if (x->is_idle || x->is_new || task_state(x->tid) != 'R')
				continue;
			x->due |= due;
			tracer_ptrace(PTRACE_INTERRUPT, x->tid, 0, NULL);
		}
}
