/* What the files of kern share; not for other rooms. */
#ifndef SKEP_KERN_ROOM_H
#define SKEP_KERN_ROOM_H

#include "kern/kern.h"

#include <sys/types.h>

#define KERN_ROOM "kern"

/* ---- where a point goes (bind.c) ------------------------------------------------------------ */

/* What bind needs to know of a machine; a test gives its own. */
struct kern_facts {
	void *arg;
	bool kprobes, uprobes, btf;
	/* As probes_exists. */
	int (*exists)(void *arg, const struct probes_point *p, struct nearest *near);
	/* Does the kernel take fentry programs at this function? Its number of arguments, or -1. */
	int (*fentry_args)(void *arg, str func);
	/* This kernel's function of a system call. */
	str (*syscall_symbol)(void *arg, str name);
	/* Can this counter be opened here? Negative error if it cannot. */
	int (*counter)(void *arg, const struct probes_point *p);
};
int kern_bind(const struct kern_facts *f, struct arena *a, const struct probes_point *want,
	      struct probes_binding *out, struct err *e);

/* ---- verifier logs (reject.c) --------------------------------------------------------------- */

/* Finds the refused instruction (OBJ_NONE if the log does not say) and the reason in one line. */
void kern_read_log(struct arena *a, str log, u32 n_insns, u32 *out_insn, str *out_reason);

/* ---- the kernel's BTF, by name (btf_ids.c) -------------------------------------------------- */

struct kern_btf {
	u8 *bytes;
	u32 size, types, types_end, strings, strings_end;
	bool is_mapped;
};
int kern_btf_open(struct kern_btf *b, struct err *e);
void kern_btf_close(struct kern_btf *b);
void kern_btf_undo(void *btf); /* the same, for a guard */
/* Id of the type of a kind (BTF_KIND_…) and name, 0 if there is none. */
u32 kern_btf_find(const struct kern_btf *b, u32 kind, str name);
/* Offers every name of a kind; `near->best` then points into the blob. */
void kern_btf_offer(const struct kern_btf *b, u32 kind, struct nearest *near);
/* Parameters of a function by the id of its FUNC; -1 if that is none. */
int kern_btf_params(const struct kern_btf *b, u32 func);

/* ---- the engine ----------------------------------------------------------------------------- */

/* One attachment: the perf event that fires, and the link that runs the program; -1 where absent.
 */
struct kern_link {
	int event, link;
	struct kern_tc *tc; /* NULL unless it is a filter of a queue */
};

/* A filter on a device's clsact queue; `owns_queue`: the queue was made for it. */
struct kern_tc {
	int ifindex;
	bool is_egress, owns_queue;
	u32 handle, priority;
};

/* An iterator whose text is still to be read. */
struct kern_iter {
	u32 prog;
	int link;
	bool is_read;
};

struct kern_prog {
	int fd; /* -1: not loaded (disabled) */
	bool is_singly;	 /* many functions, one by one: the kernel lacks fprobes */
	bool is_passive; /* an entry of a map: others jump to it */
	struct probes_point point;
	u64 offset; /* uprobes: in the file */
	str path;   /* uprobes: the file */
};

/* The child cgroup that holds the traced command. */
struct kern_group {
	int dir;    /* of the group itself, locked while it is used; -1 if there is none */
	int parent; /* of the directory it lies in */
	str name;
	u64 id;
	u32 level;
};

struct kern_command {
	pid_t pid;   /* 0: none */
	int pidfd;   /* -1 on kernels before 5.3 */
	int failure; /* pipe from which exec's error comes; -1 when read */
	bool released;
	int status; /* wait status, -1 while it runs */
	char *path;
};

/* A map of the program that events come out of (output.c). */
struct kern_output {
	struct kern_output *next;
	struct kern *k;
	u32 map;
	struct perf_buffer *perf; /* NULL: a ring buffer, which is part of kern.ring */
	char *bytes;		  /* of a record with its head */
	u32 room;
	int failure; /* of a callback that cannot return it */
};

struct kern {
	struct arena *a;
	struct probes_machine *m;
	const struct obj *obj;
	enum rt_scope scope;
	u32 guard; /* IR_GUARD_… */
	struct kern_group group;
	struct kern_command cmd;
	int *pidfds; /* RT_SCOPE_PIDS: one each, -1 once it is gone */
	u32 *pids, n_pids;
	int *maps; /* by obj map, -1 where none */
	u32 n_maps;
	struct kern_prog *progs; /* by obj prog */
	u32 n_progs;
	vec(struct kern_link) links;
	vec(struct kern_iter) iters;
	int btf; /* of the object; -1 if none */
	struct ring_buffer *ring;
	struct kern_output *outputs;
	rt_record_fn record; /* during poll */
	void *record_arg;
	u32 budget; /* records that this poll may still deliver */
	bool more;  /* the last poll stopped before the ring was empty */
};

#define KERN_GUARD_NONE	  0
#define KERN_GUARD_CGROUP 1
#define KERN_GUARD_PIDS	  2

/* Kernels before 5.11 count maps and programs against RLIMIT_MEMLOCK. */
void kern_raise_memlock(struct probes_machine *m);
int kern_usable(struct probes_machine *m, struct err *e);
/* A sentence that says which privilege is missing; for EPERM and EACCES of bpf and perf calls. */
int kern_denied(struct probes_machine *m, int code, const char *what, struct err *e);
bool kern_privileged(struct probes_machine *m);
/* Does the kernel take a program at this function of its BTF? Without the right to load it is believed to. */
bool kern_takes_fentry(struct probes_machine *m, u32 id);

int kern_prepare_scope(void *self, enum rt_scope scope, u32 *out_guard, struct err *e);
int kern_scope_pids(struct kern *k, const u32 *pids, u32 n, struct err *e);
int kern_scope_add(struct kern *k, pid_t pid, struct err *e); /* cgroup or map */
void kern_scope_close(struct kern *k);

int kern_load(void *self, const struct rt_setup *s, struct rt_rejection *out_rej, struct err *e);
int kern_run_once(void *self, u32 prog, struct err *e);
int kern_maps_create(struct kern *k, const struct obj_btf_ids *ids, struct err *e);
/* After the programs were loaded: what maps of maps and of programs hold from the start. */
int kern_maps_fill(struct kern *k, struct err *e);
/* Is the program an entry of a map, so that others call it? */
bool kern_is_in_slot(struct kern *k, const struct obj_prog *p);
int kern_patch(struct kern *k, struct obj_image *image, struct kern_btf *btf, struct err *e);

int kern_attach(void *self, struct err *e);
int kern_detach(void *self, struct err *e);
/* Opens a counter for one CPU; the descriptor or a negative error. */
int kern_open_counter(const struct probes_point *p, int cpu, int pid);

int kern_command(void *self, char *const argv[], struct err *e);
int kern_release(void *self, struct err *e);
u32 kern_command_pid(void *self);
int kern_command_status(void *self);
/* Has the command ended? Collects its status. */
bool kern_command_ended(struct kern *k);
void kern_command_close(struct kern *k);

int kern_ring_open(struct kern *k, struct err *e);
void kern_ring_close(struct kern *k);
/* Counts a record that a ring's callback gave on: -ECANCELED when this poll gave on enough. */
int kern_ring_counted(struct kern *k);
int kern_outputs_open(struct kern *k, struct err *e);
void kern_outputs_close(struct kern *k);
int kern_outputs_consume(struct kern *k);
/* Reads the iterators that were not read yet. *out_done: the run has nothing else to wait for. */
int kern_iters_read(struct kern *k, bool *out_done, struct err *e);
int kern_poll(void *self, int timeout_ms, int wake_fd, rt_record_fn fn, void *arg, bool *out_done,
	      struct err *e);

int kern_map_next(void *self, u32 map, const void *key, void *out_next);
int kern_map_lookup(void *self, u32 map, const void *key, void *out_value);
int kern_map_update(void *self, u32 map, const void *key, const void *value, u64 flags);
int kern_map_delete(void *self, u32 map, const void *key);

/* pidfd_open(2): -1 where the kernel lacks it or the process is gone. */
int kern_pidfd(pid_t pid);
/* A name as the kernel takes it for maps and programs: 15 bytes of letters, digits, _ and dots. */
void kern_short_name(char out[16], str name);

#endif
