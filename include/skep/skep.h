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
	SKEP_WRONG_PROGRAM = 5100,    /* diagnostics say what is wrong: see skep_diagnostics() */
	SKEP_WRONG_USE = 5101,        /* a call in the wrong order, or an option out of range */
};

enum skep_language {
	SKEP_AUTO,            /* by the name's ending: .c .bt; a text without one by its look */
	SKEP_C,               /* BCC's dialect or libbpf-style C */
	SKEP_BPFTRACE,
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
};

struct skep;

/* A new session; NULL when memory is exhausted or `o->sz` is unknown. `o` may be NULL. */
SKEP_API struct skep *skep_open(const struct skep_options *o);
/* Detaches whatever is attached and frees everything. NULL is legal. A command that was not yet let go is killed
 * and collected; one that runs (skep_run() ended early, by an error) runs on, and is a child of the calling process
 * for the caller to collect with wait(2). */
SKEP_API void skep_close(struct skep *s);

/* Takes a program. The name appears in diagnostics. One program a session. Flags that a C source
 * brings along (`#pragma skep …`) are returned by skep_pragma(). */
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
/* Compiles, and has the engine verify it; nothing is attached. Returns the number of programs. */
SKEP_API int skep_check(struct skep *s);
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
