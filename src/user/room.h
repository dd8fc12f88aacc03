/* What the files of user share; not for other rooms.
 *
 * Two processes work together. The session's process compiles, loads, prints. The tracer, forked from it by attach(),
 * holds the traced processes by ptrace and runs the programs: it shares the maps, and outlives the session for as long
 * as a traced process would break without it (docs/user-engine.md).
 */
#ifndef SKEP_USER_ROOM_H
#define SKEP_USER_ROOM_H

#include "user/user.h"

#include <linux/audit.h>
#include <pthread.h>
#include <sys/types.h>
#include <sys/user.h>

#include "jit/jit.h"
#include "maps/maps.h"
#include "verify/verify.h"
#include "vm/vm.h"

#if defined(__x86_64__)
#define USER_ARCH AUDIT_ARCH_X86_64
#else
#define USER_ARCH AUDIT_ARCH_AARCH64
#endif
#define USER_ROOM    "user"
#define USER_FOREIGN 1u		/* the filter's word for a call of another architecture (32 bits) */
#define USER_N_CALLS 1024u		/* system call numbers that are told apart */
#define USER_RECORD  8192u		/* the largest context that a program may read */
#define USER_KERNEL  0xffff888000000000ull /* where programs see what the kernel would hold: the registers */

/* ---- programs (bind.c, load.c) -------------------------------------------------------------- */

enum user_event {
	USER_EV_NONE,	      /* run by the session only: BEGIN, END, interval */
	USER_EV_ENTER, USER_EV_EXIT,	/* a system call */
	USER_EV_FORK, USER_EV_EXEC, USER_EV_END, USER_EV_SIGNAL,
	USER_EV_PROFILE,
	USER_EV_UPROBE, USER_EV_URETPROBE, USER_EV_USDT,
};
/* What a program's context is. */
enum user_context {
	USER_CTX_ARGS,	      /* raw tracepoint: {registers, number} or {registers, result} */
	USER_CTX_RECORD,      /* tracepoint: by its format */
	USER_CTX_WRAPPER,     /* kprobe of a system call's function: argument 0 points to the registers */
	USER_CTX_RETURN,      /* its return: the result in the return register */
	USER_CTX_REGS,	      /* the traced thread's registers */
	USER_CTX_PERF,	      /* struct bpf_perf_event_data */
};
struct user_prog {
	struct probes_point point;
	enum user_event event;
	enum user_context context;
	bool all_calls;	      /* any number, also of 32-bit processes */
	u64 calls[USER_N_CALLS / 64];
	struct probes_format format;	  /* USER_CTX_RECORD */
	u32 record;	      /* bytes of the record */
	struct vm_prog *vm;
	struct jit_code *code;
	jit_fn run;	      /* NULL: the interpreter runs it */
	u64 period_ns, next_ns;		  /* profile */
	/* A probe in a binary: where, and for markers the counter that says that somebody looks (0: none). */
	struct user_spot { u64 off, counter; } *spots;
	u32 n_spots;
	u64 ino, dev;
	const char *path;
};
struct user_list { u32 n, *at; };     /* indices of programs */

static inline bool user_has_call(const u64 *calls, u32 nr)
{
	return nr < USER_N_CALLS && calls[nr / 64] >> nr % 64 & 1;
}
static inline void user_add_call(u64 *calls, u32 nr)
{
	if (nr < USER_N_CALLS)
		calls[nr / 64] |= 1ull << nr % 64;
}

/* What both processes see. */
struct user_shared {
	pthread_mutex_t running;	  /* held while a program runs; robust */
	u32 done;	      /* the command, or all processes asked for, are gone */
	u32 n_notes, n_told;
	char notes[8][240];
};

struct user_command {
	pid_t pid;	      /* 0: none */
	int status;	      /* as wait(2) gave it, -1 while it runs */
	int go, failure;      /* pipes: a byte lets it go; errno of a failed exec */
	bool released;
	char *path;
};

struct engine {
	struct arena *a;
	struct probes_machine *m;
	const struct obj *obj;
	enum rt_scope scope;
	const u32 *pids;
	u32 n_pids;
	struct maps_map **maps;		  /* by obj map */
	u32 n_maps;
	struct user_prog *progs;	  /* by obj prog */
	u32 n_progs;
	struct user_list enter[USER_N_CALLS + 1], exit[USER_N_CALLS + 1];
	struct user_list forks, execs, ends, signals, profiles, breaks;
	u64 trapped[USER_N_CALLS / 64];	  /* calls that stop, for whatever reason */
	bool all_calls;	      /* every call stops, also of 32-bit processes */
	bool asks_abi;	      /* and their numbers must be told from native ones */
	bool has_counters;    /* of markers */
	bool asks_ids;	      /* a program asks for user ids */
	bool by_filter;	      /* a seccomp filter stops them; else every call stops */
	struct user_command cmd;
	struct user_shared *shared;
	int wake;	      /* eventfd: the tracer has news */
	pid_t tracer;	      /* 0: none, or left alone */
	int control;	      /* socket to the tracer, -1 if there is none */
	bool detached;
	struct vm_thread *vm; /* of the session */
	rt_record_fn record;
	void *record_arg;
	u32 budget;
	bool more;
	char *output;	      /* a record with its head (output.c) */
	u32 output_room, output_map;
	u64 *lost_seen;	      /* by map */
	void (*note)(void *arg, const char *text);
	void *note_arg;
};

int user_usable(struct probes_machine *m, struct err *e);
int user_bind(void *self, const struct probes_point *want, struct probes_binding *out, struct err *e);
/* Fills event, context and calls of a program by its point. */
int user_place(struct engine *u, struct user_prog *p, struct err *e);
int user_load(void *self, const struct rt_setup *s, struct rt_rejection *out_rej, struct err *e);
void user_unload(struct engine *u);
int user_maps_create(struct engine *u, struct err *e);
int user_map_next(void *self, u32 map, const void *key, void *out_next);
int user_map_lookup(void *self, u32 map, const void *key, void *out_value);
int user_map_update(void *self, u32 map, const void *key, const void *value, u64 flags);
int user_map_delete(void *self, u32 map, const void *key);

/* Gives on what is in the rings; *u->more when it stopped before they were empty. */
int user_consume(struct engine *u, struct err *e);
bool user_is_output(const struct engine *u, u32 map);

int user_command(void *self, char *const argv[], struct err *e);
int user_release(void *self, struct err *e);
u32 user_command_pid(void *self);
int user_command_status(void *self);
void user_command_close(struct engine *u);
/* In the child, just before exec: only trapped calls stop. 0 or -errno. */
int user_filter_install(const struct engine *u);
/* May this process have such a filter? */
bool user_filter_possible(void);

int user_attach(void *self, struct err *e);
int user_detach(void *self, struct err *e);
int user_poll(void *self, int timeout_ms, int wake_fd, rt_record_fn fn, void *arg, bool *out_done,
	      struct err *e);
int user_run_once(void *self, u32 prog, struct err *e);
/* Runs a program under the lock of both processes. */
void user_run(struct engine *u, struct user_prog *p, struct vm_thread *t, void *ctx, u32 size);
void user_note(struct engine *u, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* ---- helpers of this engine (host.c) -------------------------------------------------------- */

/* Who is asked about: the host of a vm_thread. NULL task: this process. */
struct user_host {
	struct engine *u;
	struct task *task;
	u64 stack_top;	      /* of the frames that the running program may use */
	u64 ctx;	      /* the running program's context */
	u32 ctx_size;
	const void *kernel;   /* bytes that programs see at USER_KERNEL */
	u32 kernel_size;
};
extern const struct vm_helper user_helpers[];
extern const u32 user_n_helpers;

#endif
