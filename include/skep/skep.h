/* skep.h: the library's public interface.
 *
 * A session takes a program in any of skep's languages, compiles it, loads it into an engine, runs it
 * and hands its output to the caller. Everything that can go wrong with the program is collected as
 * diagnostics that show the source; everything that can go wrong with the world is a negative result
 * with a sentence in skep_error().
 *
 * Thread rule: a session is used by one thread at a time; sessions are independent of each other, but
 * for libbpf's message hook, which the kernel engine sets for the whole process. The only function that
 * another thread or a signal handler may call is skep_stop().
 *
 * Results: 0 or a positive count is success; a negative errno, or one of enum skep_code negative.
 */
#ifndef SKEP_SKEP_H
#define SKEP_SKEP_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define SKEP_API __attribute__((visibility("default")))
#define SKEP_VERSION "0.1.0"

/* Negative results beside errno's. */
enum skep_code {
	SKEP_NO_TYPES = 5000,         /* the kernel gives no BTF */
	SKEP_NO_EVENT = 5002,         /* no such attach point on this machine */
	SKEP_NO_RIGHT = 5003,         /* a capability or sysctl is missing; skep_error() names it */
	SKEP_UNSUPPORTED = 5004,      /* this engine or machine cannot do it */
	SKEP_BAD_FILE = 5005,         /* malformed input file */
	SKEP_INTERNAL = 5006,         /* a mistake of skep's own; the session can only be closed */
	SKEP_WRONG_PROGRAM = 5100,    /* diagnostics say what is wrong: see skep_diagnostics() */
	SKEP_WRONG_USE = 5101,        /* a call in the wrong order, or an option out of range */
};

enum skep_language {
	SKEP_AUTO,            /* by the name's ending: .c .bt .s .o; a text without one by its look */
	SKEP_C,               /* BCC's dialect or libbpf-style C */
	SKEP_BPFTRACE,
	SKEP_ASM,             /* BPF assembly in the notation of verifier logs and LLVM */
	SKEP_OBJECT,          /* a compiled BPF object: ELF bytes */
	SKEP_BYTECODE,        /* bare instructions: slots of eight bytes, little-endian */
};
/* How skep_call() runs a program. */
enum skep_execution {
	SKEP_FASTEST,         /* native code where this machine has a target, else the interpreter */
	SKEP_INTERPRETER,
	SKEP_NATIVE,          /* native code or an error */
};
enum skep_engine { SKEP_ENGINE_AUTO, SKEP_ENGINE_KERN, SKEP_ENGINE_USER };
enum skep_style { SKEP_STYLE_TRACE, SKEP_STYLE_COLUMNS, SKEP_STYLE_PLAIN };

/* Called with whole lines. A negative result stops the run with that error. */
typedef int (*skep_write_fn)(void *arg, const char *bytes, size_t n);

/* Everything that shapes a session. Zero it, set `sz` to its size, change what you need: later
 * versions add members at the end. Strings are copied. */
struct skep_options {
	size_t sz;                    /* sizeof(struct skep_options) */
	enum skep_engine engine;      /* default: kern where the process may, else user */
	enum skep_style style;        /* how bpf_trace_printk is shown; default trace_pipe's line */
	int json;                     /* output as JSON lines */
	int strict;                   /* refuse an equivalent attach point instead of noting it */
	int trace_pipe;               /* leave bpf_trace_printk to the kernel's own trace pipe */
	int verbose;                  /* 1: verifier logs whole; 2: also on success */
	int no_maps;                  /* do not print maps at the end */
	uint64_t every_ns;            /* print maps at this interval, 0: only at the end */
	uint64_t limit_ns;            /* stop after this time, 0: no limit */
	const int *pids;              /* trace these processes and their children */
	size_t n_pids;
	char *const *command;         /* NULL, or argv of a command: trace it and its children */
	const char *const *attach;    /* "kprobe:execve=hello": attach function hello there */
	size_t n_attach;
	const char *const *defines;   /* C: "NAME" or "NAME=VALUE" */
	size_t n_defines;
	const char *const *include_dirs;
	size_t n_include_dirs;
	const char *const *map_formats;   /* "table=ID {key}: {value}": a map's entries on a line */
	size_t n_map_formats;
	const char *btf_path;         /* NULL: the running kernel's */
	/* Program output; NULL: discarded. */
	skep_write_fn write;
	void *write_arg;
	/* Notes for the person at the terminal (which engine, fallbacks, losses), one line each without
	 * newline; NULL: discarded. */
	void (*note)(void *arg, const char *line);
	void *note_arg;
	/* What the command `bpftrace` has: */
	const char *const *params;    /* the script's positional parameters $1, $2 … */
	size_t n_params;
	int compat;                   /* 17: language and output of bpftrace 0.17; 0: of the newest */
	int whole_system;             /* command and pids only tell when to end: programs see everything */
	int unsafe;                   /* allow what changes the system: system(), signal(), override() */
	int no_warnings;              /* keep errors only */
	int bpftrace_diagnostics;     /* as text, in bpftrace's form: "stdin:1:9-14: ERROR: …" */
	int dry_run;                  /* end when everything is attached */
	/* How many attach points there are, twice: before they are attached (`attached` is 0) and after;
	 * a negative result ends the run with that error. NULL: not told. */
	int (*probes)(void *arg, size_t n, int attached);
	void *probes_arg;
	/* For programs that the caller runs itself: see skep_program(). */
	enum skep_execution execution;
	const char *program_type;     /* of assembly and bytecode without a section: "xdp", …; default
				       * "socket_filter" */
	uint32_t mem_size;            /* the context is plain memory of this many bytes, which programs may read
				       * and write: r1 is its address, r2 this number. C functions need no event
				       * then. 0: the context of the program type */
	int unprivileged;             /* verify by the rules of unprivileged users: no address may leak */
	int unverified;               /* run without a verifier. The interpreter then holds every access
				       * against the context and the stack; native code runs unchecked: only
				       * for code that you trust. Shift counts are masked. */
	uint64_t budget;              /* instructions that a call may run, 0: as many as it likes */
	const char *const *sets;      /* "NAME=VALUE": variables of the program, set before it is loaded */
	size_t n_sets;
};

struct skep;

/* A new session; NULL when memory is exhausted or `o->sz` is unknown. `o` may be NULL. */
SKEP_API struct skep *skep_open(const struct skep_options *o);
/* Detaches whatever is attached and frees everything. NULL is legal. A command that was not yet let go is killed
 * and collected; one that runs (skep_run() ended early, by an error) runs on, and is a child of the calling process
 * for the caller to collect with wait(2). */
SKEP_API void skep_close(struct skep *s);

/* Takes a program. The name appears in diagnostics; `text` is copied, and need not be text for objects and
 * bytecode. One program a session. Flags that a C source brings along (`#pragma skep …`) are returned by
 * skep_pragma(). */
SKEP_API int skep_load_file(struct skep *s, const char *path, enum skep_language lang);
SKEP_API int skep_load_text(struct skep *s, const char *name, const char *text, size_t n,
			    enum skep_language lang);
/* The i-th `#pragma skep` line of the loaded source, NULL behind the last: words as on the command
 * line. The caller decides; skep_set_options() takes the result. */
SKEP_API const char *skep_pragma(struct skep *s, size_t i);
/* Replaces the options. Legal between load and compile. */
SKEP_API int skep_set_options(struct skep *s, const struct skep_options *o);

/* Compiles what was loaded: to bytecode, for this machine. */
SKEP_API int skep_compile(struct skep *s);
/* Compiles, and has the engine verify it; nothing is attached. Returns the number of programs. With
 * SKEP_ENGINE_USER skep's own verifier judges: it needs no privileges, and its refusals say where the value came
 * from and what to change. */
SKEP_API int skep_check(struct skep *s);
/* Compiles and returns the whole as an ELF object that libbpf and bpftool load. *out_bytes belongs to the session
 * and lives until it is closed. */
SKEP_API int skep_build(struct skep *s, const void **out_bytes, size_t *out_n);
/* Compiles, loads, attaches, runs until the command ends, exit() is called, the time is over or
 * skep_stop() is called; detaches. Output goes to options.write. */
SKEP_API int skep_run(struct skep *s);
/* Ends a running skep_run() soon; where none runs, the next one. Safe from other threads and from signal
 * handlers. */
SKEP_API void skep_stop(struct skep *s);
/* After skep_run: exit status for a shell. The program's exit code if it called exit(N); 0 otherwise. */
SKEP_API int skep_exit_code(const struct skep *s);
/* After skep_run: status of the command as wait(2) gave it; -1 if there was none or it still runs. */
SKEP_API int skep_command_status(const struct skep *s);
/* Records that did not fit into the ring buffer. */
SKEP_API uint64_t skep_lost(const struct skep *s);

/* A stage of the compiler as text: "tokens", "ast", "ir" (after all passes), "ir:PASS" (after that pass;
 * "ir:none" before any), "bpf", "obj". */
SKEP_API int skep_dump(struct skep *s, const char *stage, skep_write_fn write, void *arg);
/* Microseconds that each stage of the last compile and run took: "read", "parse", "bind", "lower", "optimise",
 * "generate", "load", "attach". Negative, and *out_name NULL, behind the last. */
SKEP_API int skep_timing(const struct skep *s, size_t i, const char **out_name, double *out_us);

/* Calls `each` for every event of this machine that matches; stops when it returns non-zero. */
SKEP_API int skep_list(struct skep *s, const char *pattern,
		       int (*each)(void *arg, const char *point), void *arg);

/* The same for the events that the loaded program names. */
SKEP_API int skep_list_program(struct skep *s, int (*each)(void *arg, const char *point), void *arg);
/* What a program sees at an event, a line of text a value ("    int dfd"): the fields of a tracepoint, the
 * parameters (and at fexit `retval`) of a function. Nothing where that is not known. */
SKEP_API int skep_describe(struct skep *s, const char *point, skep_write_fn write, void *arg);
/* What the running kernel's BPF can do, a line of text a feature ("  fentry: yes"), under headings. Asks the kernel: some
 * of it is seen only with the right to load programs. */
SKEP_API int skep_features(struct skep *s, skep_write_fn write, void *arg);
/* ---- running a program from your own code ----------------------------------------------------
 *
 * Load a program, then ask for it: it is compiled, verified by skep's own verifier, given its maps, and made into
 * native code where the machine has a target. Then call it as often as you like, from as many threads as you like,
 * on data of your own. Nothing is attached and no privileges are needed.
 *
 *	skep_load_text(s, "filter.c", text, n, SKEP_C);          options.mem_size = sizeof(struct record)
 *	if (skep_program(s, NULL, &p) < 0) … skep_diagnostics(s, 0) …
 *	skep_call(p, NULL, &record, sizeof(record), &result);
 */

struct skep_program;
struct skep_thread;

/* The program of this name (its C function; a section's name will do), or with NULL the only one. The first call
 * compiles and makes the maps, which all programs of the session share. -SKEP_WRONG_PROGRAM: the verifier refuses it and
 * skep_diagnostics() says why; -ENOENT: there is no such program; -SKEP_UNSUPPORTED: user space cannot give
 * what it needs, and skep_error() names it. The result belongs to the session and ends with it. */
SKEP_API int skep_program(struct skep *s, const char *name, struct skep_program **out);
/* Runs it once on `ctx_size` bytes at `ctx`, which it may read, and write as far as its type allows. *out_result
 * (may be NULL) is what it returns. `t`: the state of the calling thread, or NULL for the session's own, which one thread
 * may use at a time. 0, -EINVAL when ctx_size is less than options.mem_size, -ETIME when options.budget
 * is spent, -EFAULT for a stray access (unverified programs only), -ELOOP for too deep calls. */
SKEP_API int skep_call(struct skep_program *p, struct skep_thread *t, void *ctx, size_t ctx_size,
		       uint64_t *out_result);
/* Whether calls run native code, and how many bytes of it. */
SKEP_API int skep_program_is_native(const struct skep_program *p, size_t *out_bytes);
/* What one more thread needs to call programs: a stack, and its slot of per-CPU maps (below
 * the number of possible CPUs; threads with the same slot share its values). NULL when memory ends. It may be used with
 * any session, by one thread at a time; skep_thread_free(NULL) is legal. */
SKEP_API struct skep_thread *skep_thread_new(unsigned slot);
SKEP_API void skep_thread_free(struct skep_thread *t);
/* A pointer of yours that helpers of yours find in the thread that calls them. NULL at first. The session's own
 * thread has the one that skep_set_data() names. */
SKEP_API void skep_thread_set_data(struct skep_thread *t, void *data);
SKEP_API void *skep_thread_data(const struct skep_thread *t);
SKEP_API int skep_set_data(struct skep *s, void *data);

/* ---- helpers of your own ------------------------------------------------------------------------ */

/* What a helper takes and gives. The verifier holds callers to it. */
enum skep_type {
	SKEP_NOTHING,                 /* no (more) arguments; as a result: none */
	SKEP_INTEGER,                 /* any number */
	SKEP_CONTEXT,                 /* the program's context */
	SKEP_READABLE,                /* memory that is read; its size in bytes is the next argument */
	SKEP_WRITABLE,                /* memory that is filled, may be uninitialised; size as above */
	SKEP_SIZE,                    /* the size of the memory before it, not 0 */
	SKEP_SIZE_OR_0,
	SKEP_TEXT,                    /* a constant string: read-only data of the program */
	SKEP_MAP,                     /* a map */
	SKEP_MAP_KEY,                 /* readable memory of the size of that map's key */
	SKEP_MAP_VALUE,               /* … of its value */
};
struct skep_helper {
	size_t sz;                    /* sizeof(struct skep_helper) */
	uint32_t id;                  /* from SKEP_FIRST_HELPER up: what programs call */
	const char *name;             /* for messages; copied */
	enum skep_type result;        /* SKEP_NOTHING or SKEP_INTEGER */
	enum skep_type args[5];
	/* Arguments as the program gave them: pointers are pointers of this process, valid until it returns. Called
	 * by whichever threads call programs. */
	uint64_t (*call)(struct skep_thread *t, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e);
};
#define SKEP_FIRST_HELPER 0x10000
/* Adds a helper for the programs of this session, before skep_program(). -EEXIST: the id is taken; -EINVAL: a field
 * is out of range. In C a program calls it through a constant pointer: static long (*f)(void *p, long n) = (void *)0x10000; */
SKEP_API int skep_add_helper(struct skep *s, const struct skep_helper *h);

/* ---- maps --------------------------------------------------------------------------------------- */

struct skep_map_info {
	size_t sz;                    /* sizeof(struct skep_map_info), set by the caller */
	const char *name;             /* lives as long as the session */
	uint32_t type;                /* BPF_MAP_TYPE_… of linux/bpf.h */
	uint32_t key_size, value_size, max_entries;
	/* Bytes that skep_map_lookup() and skep_map_update() move: value_size, or for per-CPU kinds one value after
	 * another, each rounded up to 8 bytes, for every possible CPU. */
	size_t value_bytes;
};
/* The maps of the loaded program: of the engine between skep_attach() and skep_detach(), else those that
 * skep_call() works on. They are there after skep_program() or skep_attach(). `map` counts from 0. */
SKEP_API int skep_map_find(struct skep *s, const char *name);  /* its number, or -ENOENT */
SKEP_API int skep_map_info(struct skep *s, int map, struct skep_map_info *out);  /* -ENOENT behind the last */
/* 0, or -ENOENT where there is no such key, and what bpf(2) gives besides: -E2BIG (full), -EEXIST … `key` and
 * `value` are as large as skep_map_info() says. Safe while other threads call programs. */
SKEP_API int skep_map_lookup(struct skep *s, int map, const void *key, void *out_value);
/* flags: BPF_ANY 0, BPF_NOEXIST 1, BPF_EXIST 2. */
SKEP_API int skep_map_update(struct skep *s, int map, const void *key, const void *value,
			     uint64_t flags);
SKEP_API int skep_map_delete(struct skep *s, int map, const void *key);
/* The key behind `key` in the map's own order, NULL: the first; -ENOENT at the end. */
SKEP_API int skep_map_next(struct skep *s, int map, const void *key, void *out_next);

/* ---- a run in steps ----------------------------------------------------------------------------- */

/* skep_run() cut in three, for programs with an event loop of their own. skep_attach() compiles, loads, attaches and
 * lets the command go; skep_poll() waits at most `timeout_ms` (-1: until something happens) and hands on what
 * there is, 1 while the run goes on, 0 when it is over; skep_detach() detaches, prints the maps and ends it. Whatever
 * fails detaches too. */
SKEP_API int skep_attach(struct skep *s);
SKEP_API int skep_poll(struct skep *s, int timeout_ms);
SKEP_API int skep_detach(struct skep *s);

/* ---- what went wrong ---------------------------------------------------------------------------- */

/* Diagnostics of the last call as text for a terminal (with `color`: ANSI), or as JSON lines. The text
 * belongs to the session and lives until its next call. Empty when there are none. */
SKEP_API const char *skep_diagnostics(struct skep *s, int color);
SKEP_API const char *skep_diagnostics_json(struct skep *s);
/* What went wrong in the world at the last failing call; empty when nothing did. */
SKEP_API const char *skep_error(const struct skep *s);

#ifdef __cplusplus
}
#endif
#endif
