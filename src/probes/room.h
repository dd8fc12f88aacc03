/* What the files of probes share; not for other rooms. */
#ifndef SKEP_PROBES_ROOM_H
#define SKEP_PROBES_ROOM_H

#include "probes/probes.h"

#define PROBES_NO_ATTACH 0xffffffffu
#define PROBES_MAX_PARTS 6

/* Parsing of one provider's part of an attach point, behind "kprobe:". */
struct probes_parser {
	struct arena *a;
	struct probes_point *out;
	str text; /* all of it, for messages */
	str parts[PROBES_MAX_PARTS];
	u32 n;
	struct err *e;
};

/* One row a provider. */
struct probes_kind {
	const char *name;  /* canonical */
	const char *alias; /* other names, separated by blanks; small letters; "U" is special */
	const char *form;  /* for messages */
	int (*parse)(struct probes_parser *p);
	void (*print)(struct sbuf *out, const struct probes_point *p);
	u32 prog, attach; /* what it is loaded as */
};
const struct probes_kind *probes_kind(enum probes_provider p);
int probes_no_form(struct probes_parser *p, const char *why);

/* Parsers and printers by shape (shapes.c). */
int probes_shape_bare(struct probes_parser *p);
int probes_shape_self(struct probes_parser *p);
int probes_shape_kernel(struct probes_parser *p);
int probes_shape_kernel_plain(struct probes_parser *p);
int probes_shape_event(struct probes_parser *p);
int probes_shape_tracepoint(struct probes_parser *p);
int probes_shape_user(struct probes_parser *p);
int probes_shape_user_plain(struct probes_parser *p);
int probes_shape_usdt(struct probes_parser *p);
int probes_shape_time(struct probes_parser *p);
int probes_shape_count(struct probes_parser *p);
int probes_shape_watch(struct probes_parser *p);
int probes_shape_path_name(struct probes_parser *p);
int probes_shape_name_path(struct probes_parser *p);
int probes_shape_rest(struct probes_parser *p);
void probes_show_bare(struct sbuf *out, const struct probes_point *p);
void probes_show_kernel(struct sbuf *out, const struct probes_point *p);
void probes_show_user(struct sbuf *out, const struct probes_point *p);
void probes_show_usdt(struct sbuf *out, const struct probes_point *p);
void probes_show_time(struct sbuf *out, const struct probes_point *p);
void probes_show_count(struct sbuf *out, const struct probes_point *p);
void probes_show_watch(struct sbuf *out, const struct probes_point *p);
void probes_show_path_name(struct sbuf *out, const struct probes_point *p);
void probes_show_name_path(struct sbuf *out, const struct probes_point *p);
void probes_show_rest(struct sbuf *out, const struct probes_point *p);

/* A function of the kernel is named by letters, digits and these; wildcards may be in it. */
bool probes_is_symbol(str x, bool wild);
/* Splits "name+0x10": *out_off is 0 and *sym all of it when there is no number behind the last +.
 */
void probes_cut_offset(str *sym, u64 *out_off);

/* Offers the events with a layout of skep's own (builtin.c), sorted; how many were taken. */
u32 probes_builtin_list(struct arena *a, bool (*offer)(void *arg, str category, str event),
			void *arg);

/* Counting events (counters.c): the rows of software (or hardware) events. */
struct probes_counter {
	const char *name, *alias;
	u64 config, period;
};
const struct probes_counter *probes_counter_at(bool hardware, u32 i); /* NULL behind the last */
const struct probes_counter *probes_counter_named(bool hardware, str name);

/* Lines of a text that come one by one from a file that may be large (lines.c). */
struct probes_lines {
	int fd;
	char *buf;
	u32 lo, hi, cap;
	bool end;
	struct trap *trap;
	struct trap_guard guard;
};
/* Until it is closed the lines are guarded: no others may be closed in between. */
int probes_lines_open(struct probes_lines *l, struct trap *trap, int dir, const char *path);
/* The next line without its newline; lines over the buffer's size are cut. False at the end. */
bool probes_lines_next(struct probes_lines *l, str *out);
void probes_lines_close(struct probes_lines *l);

/* Names of a directory's entries, sorted; 0 or -errno. */
struct probes_names {
	str *at;
	u32 n, cap;
};
void probes_names_add(struct arena *a, struct probes_names *v, str name);
void probes_names_sort(struct probes_names *v); /* sorts, drops doubles */
int probes_names_dir(struct arena *a, int dir, const char *path, struct probes_names *out);

/* One function a line: "name [module]" (available_filter_functions), or
 * "address type name [module]" (kallsyms). False for lines that are no function. */
bool probes_read_function(str line, bool kallsyms, str *out_name, str *out_module);
/* Every defined function of an ELF file; the name lives until `each` returns. */
int probes_elf_each(struct trap *trap, str path, bool (*each)(void *arg, str name), void *arg,
		    struct err *e);
/* The provider of this name, or -1. */
int probes_find_provider(str name);

struct arena *probes_machine_arena(struct probes_machine *m);

#endif
