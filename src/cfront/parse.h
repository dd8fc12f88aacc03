/* parse.h: what the files of the parser share (private to cfront).
 *
 * parse.c drives and reads external declarations; parse_decl.c declarations and types; parse_stmt.c
 * statements; parse_expr.c expressions; parse_init.c initialisers. They build nodes only through
 * type_expr.c, which types them. names.c knows what an identifier means; call.c, builtin.c and bcc.c
 * what a call means; bcc.c and libbpf.c declare maps; programs.c lists what can be attached.
 *
 * Errors: a syntax error puts the parser in panic, in which it sees nothing but the end of the file and
 * says nothing more; so every function unwinds by itself. The nearest list (block, file) then calls
 * cfp_resync(), which goes on behind the wrong piece. An error of types makes a poisoned node.
 */
#ifndef SKEP_CFRONT_PARSE_H
#define SKEP_CFRONT_PARSE_H

#include "cfront/ast.h"

/* How deep parentheses, blocks, declarators and braces may nest, and trees of operators may grow. */
enum { NEST_MAX = 300, TREE_MAX = 1000, PARAMS_MAX = 16, INIT_PARTS_MAX = 65536 };

struct cf_scope {
	struct cf_scope *up;
	struct strmap names;          /* struct cf_sym */
	vec(struct cf_sym *) list;    /* the same in order of declaration */
	struct strmap tags;           /* struct type */
	struct strmap labels;         /* str: what a label of __label__ is called in the function */
};

/* A goto that waits for its label; a call that programs.c follows. */
struct cf_goto { struct cf_stmt *at; struct span span; };
struct cf_edge { struct cf_sym *from, *to; struct span span; };

struct parser {
	struct cf_unit *u;
	struct arena *a;
	struct diags *dx;
	struct ty_table *t;
	const struct token *tok;      /* the next token: &eof in panic */
	const struct token *prev;     /* the one taken last */
	const struct token *resume;   /* in panic: where it began */
	struct token eof;
	bool panic, stopped;
	u32 depth;                    /* of nesting: see cfp_enter */
	u16 deepest;                  /* tree made since cfx_tree_begin */
	struct cf_scope *scope, *file;

	/* the function whose body is being read */
	struct cf_sym *fn;
	const struct type *ret;
	struct strmap labels;         /* struct cf_stmt: ST_LABEL */
	vec(struct cf_goto) gotos;
	struct cf_stmt *brk, *cont, *sw;      /* what break, continue and case belong to */
	bool in_value_block;          /* directly in a ({ … }) */
	s32 unroll;                   /* of the pragma just read */

	u32 pack;                     /* #pragma pack: 0 natural; else the greatest alignment */
	vec(u32) packs;
	struct ty_btf *btf;
	bool btf_asked;
	struct span asking;           /* what a struct's members are wanted for */
	struct strmap unknown;        /* names that were reported */
	struct strmap lib_types;      /* struct type */
	struct strmap bcc_structs;    /* struct type */
	struct strmap cored;          /* tags with preserve_access_index: their BTF type or themselves */
	vec(struct cf_edge) calls, named;     /* named: functions whose address is taken */
	bool is_map;                  /* the initialiser being read is a map's */
	struct pp *config;            /* for cfp_kconfig; NULL until it is wanted */
	bool is_probing, is_missing;  /* CO-RE: a missing member is an answer; it was found missing */
	struct strmap missing;        /* "struct.member" that was */
	u32 unevaluated;              /* inside sizeof, typeof: what is named there is not used */
};

/* ---- tokens and errors (parse.c) --------------------------------------------------------------- */

static inline bool at_punct(const struct parser *p, u32 punct)
{
	return p->tok->kind == TOK_PUNCT && p->tok->punct == punct;
}

static inline bool at_keyword(const struct parser *p, enum tok_keyword k)
{
	return p->tok->kind == TOK_IDENT && p->tok->keyword == k;
}

static inline bool at_name(const struct parser *p)
{
	return p->tok->kind == TOK_IDENT && p->tok->keyword == K_NONE;
}

/* No further error will be kept: looking for hints is vain. */
static inline bool cfp_is_full(const struct parser *p)
{
	return p->dx->n_kept_errors >= p->dx->limit;
}
static inline bool at_end(const struct parser *p) { return p->tok->kind == TOK_EOF; }
static inline struct span span_to_here(const struct parser *p, struct span from)
{
	return p->prev ? span_join(from, p->prev->span) : from;
}

void cfp_next(struct parser *p);
const struct token *cfp_peek(const struct parser *p, u32 n);      /* 0 is the next one */
bool cfp_accept(struct parser *p, u32 punct);
bool cfp_accept_keyword(struct parser *p, enum tok_keyword k);
/* Takes `punct`, or fails with "expected ';' after …". */
bool cfp_expect(struct parser *p, u32 punct, const char *after);
/* Adds an error (or warning) unless one would only follow from an earlier one; true if it was added,
 * so that a note or hint may follow. */
bool cfp_error(struct parser *p, struct span at, enum diag_tag tag, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* E_NOT_YET: "WHAT is not compiled yet". */
bool cfp_not_yet(struct parser *p, struct span at, const char *fmt, ...) PRINTF_LIKE(3, 4);
/* As cfp_error, and panics: the rest of this declaration or statement is not read. */
bool cfp_fail(struct parser *p, struct span at, enum diag_tag tag, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* "expected WHAT before 'token'", and panics. */
void cfp_expected(struct parser *p, const char *what);
/* Ends a panic: skips to behind the `;` or `}` that ends the wrong piece; in a block, stops before the
 * `}` that ends the block. */
void cfp_resync(struct parser *p, bool in_block);
/* One level deeper; false (and the parser stops) beyond NEST_MAX. Each true wants a cfp_leave. */
bool cfp_enter(struct parser *p);
void cfp_leave(struct parser *p);
/* Skips a balanced ( … ), [ … ] or { … }. */
void cfp_skip_balanced(struct parser *p);
struct cf_sym *cfp_sym_new(struct parser *p, enum sym_kind kind, str name, const struct type *ty, struct span span);
/* Puts a symbol on the unit's list. */
void cfp_list(struct parser *p, struct cf_sym *s);
const char *cfp_text(struct parser *p, const struct type *ty);    /* in C syntax, for messages */
/* ---- names (names.c) --------------------------------------------------------------------------- */

void name_push_scope(struct parser *p);
void name_pop_scope(struct parser *p);
struct cf_sym *name_find(const struct parser *p, str name);
struct cf_sym *name_find_here(const struct parser *p, str name);
void name_declare(struct parser *p, struct cf_sym *s);
/* Reports a second declaration of a name in one scope. */
void name_redeclared(struct parser *p, str name, struct span at, const struct cf_sym *old);
struct ty_btf *name_btf(struct parser *p);
/* The tag in the scopes, or only in the innermost one. */
struct type *name_find_tag(const struct parser *p, str tag, bool only_here);
void name_declare_tag(struct parser *p, str tag, struct type *ty);
/* The type that a name stands for: the program's typedef, then lib's; with `ask_btf` the kernel's. NULL
 * if the name is no type. */
const struct type *name_type(struct parser *p, str name, bool ask_btf);
/* A typedef of lib's table (u64, pid_t), whatever the program calls so. */
const struct type *name_lib_type(struct parser *p, str name);
/* Could the tokens from `n` on begin a type name? Asks BTF only where C's grammar leaves no other
 * sense: `name name`, `name * name`, `(name *)`; in a cast `(name)` before an operand, in the parentheses
 * of sizeof and its like any `(name)`. */
enum name_place { AT_START, IN_CAST, IN_OPERAND };
bool name_begins_type(struct parser *p, u32 n, enum name_place place);
/* The type with its members and size known, out of the program, lib or BTF; NULL if nothing has it. */
const struct type *name_complete(struct parser *p, const struct type *ty);
/* The same; reports E_INCOMPLETE. */
const struct type *name_need_complete(struct parser *p, const struct type *ty, struct span at);
/* An enumerator or constant of lib or the kernel; NULL if there is none. */
struct cf_expr *name_constant(struct parser *p, str name, struct span at);
void name_unknown(struct parser *p, str name, struct span at, bool is_call);
void name_unknown_type(struct parser *p, str name, struct span at);
/* A struct with preserve_access_index: the kernel's version, whose offsets count. */
const struct type *name_core(struct parser *p, const struct type *agg);

/* ---- declarations (parse_decl.c, parse_init.c) ---------------------------------------------------- */

struct cf_attrs {
	str section;
	bool always_inline, noinline, is_weak, packed, core;
	u32 align;
	enum ty_space space;
};
struct cf_specs {
	const struct type *type;
	struct cf_attrs attrs;
	bool is_typedef, is_extern, is_static, is_auto_type, is_inline, is_noreturn;
	bool defines;                 /* a tag was declared: a declarator may be missing */
	struct span span;
};
struct cf_declarator {
	str name;
	struct span span;             /* of the name */
	const struct type *type;
	struct cf_attrs attrs;
	bool is_function;             /* declares a function itself, not a pointer to one */
	vec(struct cf_sym *) params;  /* then */
};
bool cfp_begins_declaration(struct parser *p);
void cfp_specifiers(struct parser *p, struct cf_specs *out);
void cfp_declarator(struct parser *p, const struct cf_specs *s, bool is_abstract_ok,
		    struct cf_declarator *out);
const struct type *cfp_type_name(struct parser *p);
void cfp_attributes(struct parser *p, struct cf_attrs *out);
void cfp_static_assert(struct parser *p);
/* Declarations inside a function: a list of ST_DECL. */
struct cf_stmt *cfp_local_declaration(struct parser *p);
/* Reads what is behind `=` for an object of type *ty, completing an unsized array. */
struct cf_init *cfp_initializer(struct parser *p, const struct type **ty);
/* Reports parts that are not constant: of file-scope and static objects. */
void cfp_check_constant_init(struct parser *p, const struct cf_init *init);

/* ---- statements (parse_stmt.c, parse_asm.c) -------------------------------------------------------------------- */

struct cf_stmt *cfp_block(struct parser *p, bool new_scope);
void cfp_body(struct parser *p, struct cf_sym *fn);
struct cf_stmt *cfp_stmt_new(struct parser *p, enum st_kind kind, struct span span);
void cfp_pragma(struct parser *p);
struct cf_stmt *cfp_asm(struct parser *p);
str cfp_label_name(const struct parser *p, str name);    /* what a label is called in the function */

/* ---- expressions (parse_expr.c) ------------------------------------------------------------------- */

/* As written: lvalues are not loaded yet. */
struct cf_expr *cfp_expression(struct parser *p);
struct cf_expr *cfp_assignment(struct parser *p);
struct cf_expr *cfp_conditional(struct parser *p);
struct cf_expr *cfp_cast_expression(struct parser *p);
struct cf_expr *cfp_unary_expression(struct parser *p);
/* The value of a constant expression; reports E_CONST. False (*out 0) if there is none. */
bool cfp_constant(struct parser *p, const char *what, s64 *out);
/* Arguments up to and with `)`, as written. */
typedef vec(struct cf_expr *) expr_list;
void cfp_arguments(struct parser *p, expr_list *out);

/* ---- calls (call.c, builtin.c, bcc.c, libbpf.c) ------------------------------------------------------ */

/* At `name (`: the whole call. */
struct cf_expr *cfp_call(struct parser *p);
/* At `(` behind something that is not a name. */
struct cf_expr *cfp_call_value(struct parser *p, struct cf_expr *fn);
struct cf_expr *cfp_helper(struct parser *p, const struct isa_helper *h, struct span name, expr_list *args);
bool cfp_wrong_count(struct parser *p, struct span at, str name, u32 have, u32 least, u32 most);
/* At `name (` where the name is a builtin; NULL if it is none (nothing is taken). */
struct cf_expr *cfp_builtin(struct parser *p);
void cfp_builtin_near(struct nearest *near);
/* At `.` behind a table: the method call; NULL if it is not one (nothing is taken). */
struct cf_expr *cfp_map_method(struct parser *p, struct cf_expr *map);
/* At file scope, at a BCC macro: reads the whole of it. False if it is none. */
bool cfp_bcc_declaration(struct parser *p);
bool cfp_bcc_program(struct parser *p);   /* the same, of macros that declare a function */
void cfp_bcc_program_near(struct nearest *near);
void cfp_bcc_near(struct nearest *near);
/* The struct that BCC gives a tracepoint or raw tracepoint; NULL if `tag` is none of them. */
const struct type *cfp_bcc_struct(struct parser *p, str tag);
/* Makes a map of a variable in SEC(".maps") or SEC("maps"). */
void cfp_libbpf_map(struct parser *p, struct cf_sym *s);
void cfp_libbpf_license(struct parser *p, struct cf_sym *s);
void cfp_function_body(struct parser *p, struct cf_sym *s);

void cfp_programs(struct parser *p);      /* programs.c: at the end of the unit */

/* ---- typed nodes (type_expr.c) -------------------------------------------------------------------- */

static inline bool is_poison(const struct parser *p, const struct cf_expr *e)
{
	return e->type == p->u->poison;
}
struct cf_expr *cfx_new(struct parser *p, enum ex_kind kind, const struct type *ty,
			struct span span, struct cf_expr *a, struct cf_expr *b);
/* Gives a node another child. Poison when the tree gets too deep for walks that recurse. */
struct cf_expr *cfx_adopt(struct parser *p, struct cf_expr *e, u32 child_depth);
/* Around what hangs on a node by other ways than a, b, c: arguments, statements, initialisers. */
u16 cfx_tree_begin(struct parser *p);
struct cf_expr *cfx_tree_end(struct parser *p, struct cf_expr *e, u16 saved);
struct cf_expr *cfx_poison(struct parser *p, struct span at);
struct cf_expr *cfx_const(struct parser *p, const struct type *ty, s64 v, struct span at);
struct cf_expr *cfx_int(struct parser *p, s64 v, struct span at);
struct cf_expr *cfx_sym(struct parser *p, struct cf_sym *s, struct span at);
struct cf_expr *cfx_string(struct parser *p, str bytes, struct span at);
struct cf_expr *cfx_wide_string(struct parser *p, str bytes, u32 width, bool is_signed, struct span at);
void cfx_name_function(struct parser *p, const struct cf_expr *e);    /* its address is a value */
/* The value of an expression: loads lvalues, decays arrays and functions (C11 6.3.2.1). */
struct cf_expr *cfx_value(struct parser *p, struct cf_expr *e);
/* For its effects alone: nothing is read that has no need to. */
struct cf_expr *cfx_discard(struct parser *p, struct cf_expr *e);
/* A scalar value for a condition. */
struct cf_expr *cfx_truth(struct parser *p, struct cf_expr *e);
/* An integer value after the promotions (C11 6.3.1.1); reports E_TYPE otherwise. */
struct cf_expr *cfx_integer(struct parser *p, struct cf_expr *e, const char *what);
struct cf_expr *cfx_unary(struct parser *p, u32 op, struct cf_expr *e, struct span span);
struct cf_expr *cfx_binary(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *b,
			   struct span op_span);
struct cf_expr *cfx_assign(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *b);
struct cf_expr *cfx_cond(struct parser *p, struct cf_expr *c, struct cf_expr *a, struct cf_expr *b);
struct cf_expr *cfx_cast(struct parser *p, const struct type *to, struct cf_expr *e,
			 struct span span);
/* Converts as by assignment (C11 6.5.16.1); `what` names the place: "argument 1 of 'f'". */
struct cf_expr *cfx_assignable(struct parser *p, struct cf_expr *e, const struct type *to,
			       const char *what);
struct cf_expr *cfx_deref(struct parser *p, struct cf_expr *e, struct span span);
struct cf_expr *cfx_addr(struct parser *p, struct cf_expr *e, struct span span);
struct cf_expr *cfx_member(struct parser *p, struct cf_expr *a, str name, struct span at);
struct cf_expr *cfx_incdec(struct parser *p, u32 op, struct cf_expr *e, bool is_post,
			   struct span span);
bool cfx_is_null(const struct cf_expr *e);
/* The type of a value: without qualifiers. */
const struct type *cfx_bare(const struct type *ty);
/* Wraps a value to the width and signedness of an integer type. */
s64 cfx_wrap(const struct type *ty, s64 v);
const struct type *cfx_promoted(struct parser *p, const struct cf_expr *e);
bool cfx_is_map(const struct cf_expr *e);
#endif
