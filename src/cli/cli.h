/* cli.h: what the files of the `skep` command share. main.c: the table of verbs; options.c: flags; one file a
 * verb. Nothing here but include/skep is used of the library. */
#ifndef SKEP_CLI_H
#define SKEP_CLI_H

#include <stdbool.h>
#include <stddef.h>

#include "skep/skep.h"

enum { EXIT_GOOD = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* Flags after parsing; flags_free() gives back what the lists hold. */
struct list { const char **at; size_t n; };
struct flags {
	struct skep_options o;
	struct list attach, defines, include_dirs, map_formats, sets;
	struct list owned;    /* texts that are not the command line's: words of a pragma */
	int *pids;
	const char *script;   /* -e */
	const char *file;     /* the first word that is no flag */
	const char *stage;    /* --stage */
	const char *output;   /* -o */
	const char *program;  /* --program */
	enum skep_execution execution;
	bool help, timing;
	bool is_bpftrace;     /* words and exit codes as bpftrace has them */
	char **command;       /* behind `--` */
};

/* Parses argv[1…] of a verb. False after it has printed what is wrong (exit code 2). */
bool flags_parse(struct flags *f, int argc, char **argv);
/* Sets one flag by its long name. False after it has printed what is wrong with the value. */
bool flags_set(struct flags *f, const char *name, const char *value);
/* Splits a text at its blanks; '…' and "…" keep theirs. The words lie in `copy`, as large as the text with its end; at most
 * `most` of them, returned is how many. */
size_t split_words(const char *text, char *copy, char **words, size_t most);
/* Parses the words of a `#pragma skep` line into flags that the command line then overrides. */
bool flags_parse_words(struct flags *f, const char *words);
/* Flags that a source brings along: `f` (the command line) has the last word. */
void flags_merge(struct flags *f, struct flags *from_source);
void flags_free(struct flags *f);
/* The options with all lists in place. */
const struct skep_options *flags_options(struct flags *f);

/* Opens a session with these flags and loads the program (file, -e, or stdin for `-`). NULL after it has
 * printed what is wrong. */
struct skep *session_start(struct flags *f);
/* Prints diagnostics and the error of a failed call to stderr; returns the exit code. */
int session_report(struct skep *s, const struct flags *f, int result);
/* skep_run() that SIGINT, SIGTERM and SIGHUP end in order. */
int run_until_stopped(struct skep *s);
/* Prints the events that match, with what they give if `is_verbose`; returns the exit code. */
int list_events(struct flags *f, const char *pattern, bool is_verbose);
/* The whole of stdin with a NUL behind it, to be freed; NULL when it cannot be read or is too large. */
char *session_read_stdin(size_t *out_n);
/* Whether a word is memory for `skep plugin`: bytes in hex. */
bool plugin_is_memory(const char *word);
int write_stdout(void *arg, const char *bytes, size_t n);

struct verb {
	const char *name, *text;
	int (*run)(struct flags *f);
	const char *help;
};
int verb_run(struct flags *f);
int verb_check(struct flags *f);
int verb_dump(struct flags *f);
int verb_list(struct flags *f);
int verb_info(struct flags *f);
/* The command of that name, with its own flags. */
int bpftrace_main(int argc, char **argv);
extern const char info_help[];
int verb_build(struct flags *f);
int verb_plugin(struct flags *f);
extern const char run_help[], check_help[], dump_help[], list_help[], build_help[], plugin_help[];

#endif
