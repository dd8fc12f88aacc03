/* rt: what happens to events.
 *
 * Decodes records by the obj's plan, formats and prints them as text or JSON, reads maps and prints
 * them, runs the loop until it is told to stop. Engines meet run time only through struct rt_engine.
 */
#ifndef SKEP_RT_H
#define SKEP_RT_H

#include "base/base.h"
#include "obj/obj.h"
#include "probes/probes.h"

/* ---- engines -------------------------------------------------------------------------------- */

/* Which processes the programs see. */
enum rt_scope { RT_SCOPE_ALL, RT_SCOPE_COMMAND, RT_SCOPE_PIDS };

struct rt_setup {
	const struct obj *obj;
	struct probes_machine *machine;
	enum rt_scope scope;
	const u32 *pids;      /* thread group ids: what RT_SCOPE_PIDS sees; the run ends with them in any scope */
	u32 n_pids;
	bool strict;          /* refuse fallbacks */
	u32 log_level;        /* of the verifier: 0 only on failure */
	/* Tells the user something that the engine found out on the way; may be NULL. */
	void (*note)(void *arg, const char *text);
	void *note_arg;
};

/* Something that a program sent. `data` lives until the callback returns. */
typedef int (*rt_record_fn)(void *arg, const void *data, u32 size);

/* One verifier rejection, in the engine's words; the api turns it into a diagnostic. */
struct rt_rejection {
	u32 prog;             /* index in obj->progs */
	u32 insn;             /* of the image; OBJ_NONE if unknown */
	str reason;           /* one line */
	str log;              /* the whole log */
};

/* What an engine is. All functions return 0 or a negative error with the reason in *e. An engine is
 * used by one thread. The order of calls: open, (bind …), load, command, attach, release, poll and map
 * calls, detach, close. close is legal at any time and leaves nothing behind. */
struct rt_engine {
	const char *name;     /* "kern", "user" */
	/* Can this process use the engine on this machine? 0, or -SKEP_ENOCAP, -SKEP_EUNSUPPORTED with the
	 * missing capability, sysctl or feature named. Cheap. */
	int (*usable)(struct probes_machine *m, struct err *e);
	int (*open)(struct probes_machine *m, struct arena *a, void **out_self, struct err *e);
	/* Where a wanted point goes: itself, or its equivalent with a note. -SKEP_ENOEVENT with the
	 * reason and the nearest thing that works when there is none. */
	int (*bind)(void *self, const struct probes_point *want, struct probes_binding *out,
		    struct err *e);
	/* Makes the scope (a cgroup, an empty set of pids) and tells how it is kept, so that the
	 * compiler can put the filter in: IR_GUARD_… as a number. */
	int (*prepare_scope)(void *self, enum rt_scope scope, u32 *out_guard, struct err *e);
	/* Creates maps and loads programs. On rejection fills *out_rej (in the arena of open). */
	int (*load)(void *self, const struct rt_setup *s, struct rt_rejection *out_rej,
		    struct err *e);
	/* Starts a command stopped before its first instruction, inside the scope. */
	int (*command)(void *self, char *const argv[], struct err *e);
	int (*attach)(void *self, struct err *e);
	/* Runs the program at this index once, now (BEGIN, END, interval). */
	int (*run_once)(void *self, u32 prog, struct err *e);
	int (*release)(void *self, struct err *e);   /* lets the command run */
	/* Waits at most `timeout_ms` (-1: no limit) for records, or for the command's end, or for
	 * `wake_fd` to become readable, and delivers what there is. *out_done becomes true when the
	 * traced processes are gone. */
	int (*poll)(void *self, int timeout_ms, int wake_fd, rt_record_fn fn, void *arg,
		    bool *out_done, struct err *e);
	/* The command's process id, 0 if there is none. May be NULL. */
	u32 (*command_pid)(void *self);
	/* Exit status of the command as wait(2) gave it; -1 while it runs. */
	int (*command_status)(void *self);
	int (*detach)(void *self, struct err *e);
	/* Maps. A value of a per-CPU map is one value after another, each rounded up to 8 bytes, for
	 * every possible CPU. map_next: key NULL starts; -ENOENT ends. */
	int (*map_next)(void *self, u32 map, const void *key, void *out_next);
	int (*map_lookup)(void *self, u32 map, const void *key, void *out_value);
	int (*map_update)(void *self, u32 map, const void *key, const void *value, u64 flags);
	int (*map_delete)(void *self, u32 map, const void *key);
	void (*close)(void *self);
};

/* What a command's name means (execvp(3)): its file, its name for /proc, and the arguments with which the shell runs
 * it if it is a script without #!. */
struct rt_command { char *path; const char *name; char *const *argv; char **shell; };
int rt_command_find(struct arena *a, char *const argv[], struct rt_command *out, struct err *e)
	MUST_CHECK;

/* The OBJ_EV_OUTPUT event of a record of `size` bytes that came out of a map; false if the plan has none. */
bool rt_output_event(const struct obj *o, u32 map, u32 size, u32 *out_index);

/* ---- output --------------------------------------------------------------------------------- */

enum rt_style {
	RT_STYLE_TRACE,       /* the kernel's trace_pipe line */
	RT_STYLE_COLUMNS,     /* TIME(s), COMM, PID, MESSAGE */
	RT_STYLE_PLAIN,       /* the message alone */
};
/* What names stand for numbers: symbols of the kernel and of processes, users, cgroups. Read when first asked, and kept.
 * One per run; used by one thread. Owned by the arena. */
struct rt_names;
struct rt_names *rt_names_new(struct arena *a);
void rt_names_free(struct rt_names *n);              /* what the arena does not hold; NULL is legal */

struct rt_config {
	const struct rt_engine *engine;
	void *self;           /* of the engine */
	const struct obj *obj;
	struct arena *a;
	struct rt_names *names;       /* NULL: numbers stay numbers */
	u32 n_cpus;           /* possible CPUs: parts of a per-CPU value */
	enum rt_style style;
	bool json;
	bool bpftrace;        /* print maps as bpftrace does */
	bool is_old;          /* as bpftrace 0.17 did, where the newer differs */
	bool is_waiting;      /* for a command or a process: the run lasts as long, whatever the programs are */
	u64 every_ns;         /* print maps at this interval; 0: only at the end */
	bool print_maps;      /* at the end, and at the interval */
	/* "counter_table=ID {key}: {value}": how to print an entry; all entries of the map stand on one
	 * line, separated by tabs. {key.member} names a part. */
	const str *map_formats;
	u32 n_map_formats;
	/* Where the output goes: one call for what one event printed. */
	int (*write)(void *arg, const char *bytes, size_t n);
	void *write_arg;
	int stop_fd;          /* readable: stop (an eventfd or signalfd); -1 if none */
	u64 limit_ns;         /* stop after this time; 0: no limit */
};

/* How the run ended. */
struct rt_result {
	bool exit_called;     /* the program said exit() */
	int exit_code;        /* its argument */
	bool interrupted;     /* stop_fd */
	int command_status;   /* as wait(2) gave it, -1 if there was no command or it still runs */
	u64 records, lost;    /* delivered; dropped because the ring was full */
	u64 *refused;         /* one a map of the obj: updates refused because it was full */
};

/* The loop: BEGIN, release the command, events until the end, END, final maps, losses. Programs are
 * loaded and attached before. */
int rt_run(const struct rt_config *c, struct rt_result *out, struct err *e) MUST_CHECK;
/* The same in pieces, for callers with a loop of their own. rt_begin runs BEGIN and lets the command go; rt_step waits
 * at most `timeout_ms` (-1: no limit) and handles what there is; rt_end detaches and prints the maps. rt_drop gives
 * back what the loop holds, at any time and also when rt_begin failed; NULL is legal. `c` is copied, `out` and `e`
 * are used until the end. */
struct rt_loop;
int rt_begin(const struct rt_config *c, struct rt_result *out, struct rt_loop **out_loop,
	     struct err *e) MUST_CHECK;
int rt_step(struct rt_loop *l, int timeout_ms, bool *out_done) MUST_CHECK;
int rt_end(struct rt_loop *l) MUST_CHECK;
void rt_drop(struct rt_loop *l);

/* Pieces of it, for the api's callers and for tests. */
/* One record as a line of text (or JSON), without newline added beyond what the format says. */
int rt_format_record(struct sbuf *out, const struct rt_config *c, const void *data, u32 size);
/* printf with the plan's arguments, as BCC's and bpftrace's printf print. `c` gives names and stacks; it may be NULL. */
void rt_format(struct sbuf *out, const struct rt_config *c, str format, const struct obj_field *args, u32 n,
	       const void *data, u32 size);
/* A value by its field description; `rt_print_type` by its C type. */
void rt_print_field(struct sbuf *out, const struct rt_config *c, const struct obj_field *f, const void *data);
void rt_print_type(struct sbuf *out, const struct type *ty, const void *data);
/* All entries of one map, in the style of the configuration. */
int rt_print_map(struct sbuf *out, const struct rt_config *c, u32 map, struct err *e) MUST_CHECK;
int rt_print_all_maps(struct sbuf *out, const struct rt_config *c, struct err *e) MUST_CHECK;

#endif
