/* cfront: the C dialects, from text to ir.
 *
 * preprocess, parse and type (one pass over the tokens: a typed AST with every conversion explicit),
 * then lower to ir once for each event that a function is attached to. BCC's sugar (map macros and
 * methods, naming conventions, bpf_trace_printk) and libbpf's (SEC, BTF-defined maps) are both known
 * here; implicit kernel reads are ir's pass `reads`. No header of the machine is read: names come from
 * skep's own lib/ and, lazily, from the kernel's BTF.
 */
#ifndef SKEP_CFRONT_H
#define SKEP_CFRONT_H

#include "base/base.h"
#include "ir/ir.h"
#include "obj/obj.h"
#include "probes/probes.h"
#include "types/types.h"

struct cf_options {
	struct arena *a;              /* where everything lives: at least as long as the unit */
	struct diags *dx;
	struct sources *ss;
	struct ty_table *types;
	struct probes_machine *machine;
	/* The kernel's BTF, opened when first asked for; NULL (with the reason told once as a
	 * diagnostic by the callback) where there is none. */
	struct ty_btf *(*btf)(void *arg);
	void *btf_arg;
	const str *defines;           /* "NAME" or "NAME=VALUE" */
	u32 n_defines;
	const str *include_dirs;      /* searched for "…" after the including file's own folder */
	u32 n_include_dirs;
	bool trace_pipe;              /* bpf_trace_printk goes to the kernel's own trace pipe */
};

struct cf_unit;

/* Tokens after preprocessing, one a line with place, kind and spelling: `--stage tokens`.
 * False if there were errors (what could be read is printed). */
bool cf_dump_tokens(const struct cf_options *o, struct source *src, struct sbuf *out);

/* Preprocesses, parses and types a source. Mistakes are diagnostics, up to the limit in one go; the
 * unit comes back even then (for dumps), NULL only when nothing could be read. */
struct cf_unit *cf_parse(const struct cf_options *o, struct source *src);
/* The typed AST as an indented tree: `--stage ast`. */
void cf_dump_ast(const struct cf_unit *u, struct sbuf *out);

/* A function that is, or may be, a program. */
struct cf_program {
	str function;
	str section;                  /* SEC("…") without its quotes, or empty */
	bool named_event;             /* `want` is known from SEC or from BCC's naming conventions */
	bool disabled;                /* SEC("?…") */
	struct probes_point want;
	bool is_called;               /* another function calls it: may be a mere subprogram */
	struct span span;             /* of its name */
};
u32 cf_program_count(const struct cf_unit *u);
const struct cf_program *cf_program_at(const struct cf_unit *u, u32 i);
/* `#pragma skep WORDS`: command line flags that the file brings along. */
struct cf_pragma { str words; struct span span; };
u32 cf_pragma_count(const struct cf_unit *u);
const struct cf_pragma *cf_pragma_at(const struct cf_unit *u, u32 i);

/* What other languages ask about a parsed text. A type by its tag (`kind` TY_STRUCT, TY_UNION, TY_ENUM)
 * or by its typedef's name (TY_TYPEDEF), as the text itself defines it; NULL if it does not. */
const struct type *cf_find_type(const struct cf_unit *u, enum ty_kind kind, str name);
bool cf_find_enumerator(const struct cf_unit *u, str name, s64 *out_value);
/* The body of an object-like macro that the text (or what it includes) defines, spelt out. */
bool cf_find_macro(const struct cf_unit *u, str name, str *out_body);
/* A constant that exists only as a macro in the kernel's headers: AF_INET, O_CREAT. No unit needed. */
bool cf_known_constant(str name, s64 *out_value);
/* A typedef that programs take for granted: u8, size_t, pid_t. */
bool cf_known_type(str name, u32 *out_bytes, bool *out_is_signed);

/* One function attached to one event, as the engine will deliver it. */
struct cf_attachment {
	u32 program;                  /* index of cf_program_at */
	struct probes_binding binding;
	bool guarded;                 /* the process filter applies */
};
/* Fills `obj` (maps, data, plan, programs) and `m` (functions). Only what the attachments reach is
 * lowered, but every map and global is declared. False if there were errors. */
bool cf_lower(struct cf_unit *u, const struct cf_attachment *list, u32 n, struct obj *o,
	      struct ir_module *m);

/* The headers of lib/ inside the binary: text of "linux/bpf.h" and so on; false if there is none.
 * Offers names to `near` (may be NULL). */
bool cf_lib_header(str name, str *out_text, struct nearest *near);

#endif
