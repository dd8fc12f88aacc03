/* What the files of the tracer process share. */
#ifndef SKEP_USER_TRACER_H
#define SKEP_USER_TRACER_H

#include "user/room.h"

#include <signal.h>


#if defined(__x86_64__)
typedef struct user_regs_struct tracer_regs; /* begins as struct pt_regs */
#define TRACER_NR(r)  ((u32)(r)->orig_rax)
#define TRACER_RET(r) ((u64)(r)->rax)
#define TRACER_IP(r)  ((r)->rip)
#define TRACER_SP(r)  ((r)->rsp)
#define TRACER_FP(r)  ((r)->rbp)
#else
typedef struct { u64 regs[31], sp, pc, pstate, orig_x0; u32 syscallno, unused; } tracer_regs;
#define TRACER_NR(r)  ((r)->syscallno)
#define TRACER_RET(r) ((r)->regs[0])
#define TRACER_IP(r)  ((r)->pc)
#define TRACER_SP(r)  ((r)->sp)
#define TRACER_FP(r)  ((r)->regs[29])
#endif

/* One traced thread. */
struct task {
	struct task *next;    /* of its bucket */
	pid_t tid, tgid;
	u32 nr;		      /* of the call that it is in */
	bool wants_exit;      /* stops where that call returns */
	bool is_foreign;      /* the call is one of another architecture */
	bool in_call;	      /* without a filter: entry was seen */
	bool is_new;	      /* its first stop is to come */
	bool is_held;	      /* stopped until its parent's event was seen */
	pid_t parent;	      /* of one that is held */
	bool is_idle;	      /* before the command's exec: not shown to programs */
	bool end_shown;	      /* its end was */
	int signal;	      /* the last that was delivered */
	u64 due;	      /* interrupted for a sample by these profile programs */
	bool maps_code;	      /* the call maps something executable */
	bool ids_known, ids_change;
	u32 uid, gid;
	int comm_fd;	      /* -1: not opened */
	char comm[16];	      /* the last that was read */
	u64 cgroup;	      /* 0: not looked up */
	struct space *space;  /* its breakpoints (breaks.c); NULL without any */
	struct step *step;    /* what it does at a breakpoint */
};

enum { TRACER_BUCKETS = 1024 };
/* What the tracer answers when it is told to stop: it ends, or it stays because threads need it. */
enum { TRACER_ENDS = 1, TRACER_STAYS };
struct tracer {
	struct engine *u;
	int control;	      /* socket to the session, -1 once it is gone */
	int wake;
	struct task *tasks[TRACER_BUCKETS];
	u32 n_tasks;
	struct vm_thread *vm;
	struct user_host host;
	u32 event_msg;
	bool is_quiet;	      /* programs run no more; the traced processes do */
	bool is_leaving;      /* every thread is let go at its next stop */
	bool stop_acked;
	tracer_regs regs;     /* of the thread that stopped */
	bool regs_known;
	u64 ctx[USER_RECORD / 8];
	/* Set by the watching thread. */
	volatile int stop_asked, is_orphan, ticks, woken;
	pthread_t watcher;
	pid_t self;
};

/* Never returns: the life of the tracer process (tracer.c). */
__attribute__((noreturn)) void tracer_main(struct engine *u, int control);

/* ptrace(2): -1 with errno. The C library's header and the kernel's cannot be included together. */
long tracer_ptrace(u32 request, pid_t tid, u64 addr, void *data);

/* tasks.c */
struct task *task_find(struct tracer *t, pid_t tid);
struct task *task_add(struct tracer *t, pid_t tid);
void task_drop(struct tracer *t, struct task *task);
void task_ids(struct task *task);
void task_comm(struct task *task, char out[16]);
u64 task_cgroup(struct task *task);
/* The threads of a process; how many were found. */
u32 task_list(pid_t pid, pid_t *out, u32 most);
/* The state letter of /proc/TID/stat. */
char task_state(pid_t tid);
/* A number of /proc/TID/status, or 0: "Tgid:", "TracerPid:". */
u32 task_status_of(pid_t tid, const char *key);

/* tracer.c */
bool tracer_regs_get(struct tracer *t, struct task *task);
bool tracer_regs_set(struct tracer *t, struct task *task);
void tracer_resume(struct tracer *t, struct task *task, int sig);
/* Tells the helpers who is asked about. */
void tracer_show(struct tracer *t, struct task *task);

/* breaks.c: breakpoints. A signal that is part of them is dealt with (true), and what is to be delivered said. */
bool breaks_signal(struct tracer *t, struct task *task, int sig, int *out_sig);
bool breaks_in_step(const struct task *task);
void breaks_let_go(struct tracer *t, struct task *task);
void breaks_drop(struct task *task);
void breaks_exec(struct tracer *t, struct task *task);
void breaks_fork(struct tracer *t, struct task *parent, struct task *child, bool is_vfork);
void breaks_mapped(struct tracer *t, struct task *task);
void breaks_attach(struct tracer *t, struct task *task);
void breaks_clear(struct tracer *t);

/* calls.c: entry and return of system calls */
void tracer_enter(struct tracer *t, struct task *task);
void tracer_exit(struct tracer *t, struct task *task, bool is_child);
/* life.c */
void tracer_fork(struct tracer *t, struct task *task, pid_t child);
void tracer_exec(struct tracer *t, struct task *task, pid_t old);
void tracer_end(struct tracer *t, struct task *task, bool is_last);
void tracer_signal(struct tracer *t, struct task *task, const siginfo_t *info);
void tracer_tick(struct tracer *t);	      /* samples what is due */
/* At the stop of an interrupted thread. */
void tracer_sample(struct tracer *t, struct task *task);

#endif
