/* pp.h: the inside of the preprocessor (private to pp*.c).
 *
 * Tokens come from a stack of files at the bottom and a stack of macro expansions on top of it:
 *
 *   pp_raw()   the next token as it stands; directives are carried out on the way    pp.c
 *   pp_next()  the same after macro expansion                                        pp_expand.c
 *   pp_run()   the same as the parser's tokens                                       pp.c
 *
 * Everything that can be made large by a small input is counted here and ends in pp_stop().
 */
#ifndef SKEP_CFRONT_PP_H
#define SKEP_CFRONT_PP_H

#include "cfront/lex.h"
#include "cfront/lib.h"

/* Limits. A source of 64 MB has room for every program; the rest keeps what grows out of it
 * bounded. */
#define PP_MAX_SOURCE	  (64u << 20)	/* bytes of one source */
#define PP_MAX_READ	  (256ull << 20)	/* bytes of all sources, each time included */
#define PP_MAX_INCLUDES	  10000u	/* files included, in all */
#define PP_MAX_NESTING	  64u		/* files included in files */
#define PP_MAX_CONDITIONS 4096u		/* #if in #if */
#define PP_MAX_DEPTH	  200u		/* macro calls in arguments of macro calls; ( in #if */
#define PP_MAX_PARAMS	  1024u		/* parameters of a macro */
#define PP_MAX_TOKENS	  (8u << 20)	/* tokens of the program */
#define PP_MAX_TEXT	  (16u << 20)	/* bytes of literals joined, made by # and ## */
#define PP_FREE_WORK	  (1u << 20)	/* tokens out of macros, and 8 for each of a file */
#define PP_MAX_WORK	  (8u << 20)

enum pp_special {
	PP_NOT_SPECIAL, PP_DEFINED, PP_VA_ARGS, PP_VA_OPT, PP_PRAGMA_OP, PP_HAS_INCLUDE,
	PP_HAS_BUILTIN, PP_HAS_ATTRIBUTE, PP_HAS_FEATURE,
};

/* Macros whose text is made when they are used. */
enum pp_dynamic {
	PP_STATIC, PP_LINE, PP_FILE, PP_BASE_FILE, PP_LEVEL, PP_COUNTER, PP_DATE,
};

/* A definition; it never changes, so that expansions may point into it after an #undef. */
struct pp_macro {
	struct pp_name *name;
	struct pp_tok *body;
	u32 n_body;
	struct pp_name **params;          /* the variadic one last */
	u32 n_params;
	bool is_function, is_variadic;
	bool has_operators;   /* the body holds #, ##, __VA_OPT__ */
	bool is_builtin;      /* predefined or from lib/auto: gives way without a warning */
	u8 dynamic;           /* enum pp_dynamic */
	u32 busy;             /* expansions of it on the stack */
	struct span span;     /* of its name in the #define; nowhere for built-in ones */
};

typedef vec(struct pp_tok) pp_list;

/* A growing list that is used again and again. */
struct pp_buf { struct pp_buf *next; pp_list list; };

/* One level of expansion: tokens to be read before those below. */
struct pp_ctx {
	struct pp_ctx *below;
	const struct pp_tok *at, *end;
	struct pp_macro *macro;           /* busy while this is on the stack; NULL: a mere list */
	struct pp_buf *buf;   /* goes back when this is done; NULL: not ours */
	bool is_body;         /* tokens stand in the definition: they get the span of the use */
	bool is_barrier;      /* reads as TOK_EOF at its end, and stays */
	u8 first_flags;       /* white space of the name that was replaced */
	struct span use;
	struct pp_tok one;    /* the token of an unread */
};

/* An included source, once for each path. */
struct pp_header {
	struct source *src;
	struct pp_name *guard;            /* the whole text lies in #ifndef guard */
	bool is_once;
};

struct pp_cond { struct span at; bool is_taken, had_else; };

enum pp_guard { PP_GUARD_START, PP_GUARD_INSIDE, PP_GUARD_AFTER, PP_GUARD_NONE };
struct pp_file {
	struct pp_file *below;
	struct lexer lx;
	struct source *src;
	struct pp_header *header;         /* NULL: the main source, the command line */
	u32 n_conds;          /* open #if's when it began */
	str name;             /* __FILE__: as #line says */
	s64 line_delta;       /* __LINE__ minus the physical line */
	u8 guard;             /* enum pp_guard */
	struct pp_name *guard_name;
};

struct pp {
	const struct cf_options *o;
	struct arena *a;
	struct diags *dx;
	struct pp_result *out;
	struct pp_names names;
	struct pp_file *file, *main, *free_files;
	struct pp_ctx *ctx, *free_ctxs;
	struct pp_buf *free_bufs;
	struct pp_call *free_calls;
	vec(struct pp_cond) conds;
	struct strmap headers;            /* path -> struct pp_header */
	struct strmap pragmas_warned;
	pp_list line;         /* tokens of the directive at hand */
	struct pp_tok before; /* the token given to the parser last; TOK_EOF inside arguments */
	u32 braces;           /* { open at that place */
	bool owes_space;      /* a macro that became nothing had white space before it */
	u32 version;          /* LINUX_VERSION_CODE of the target; 0: not yet asked */
	str config;           /* the kernel's configuration, once is_config_read */
	bool is_config_read, has_config;
	/* While a macro call is read: the file where it began, whose end reads as TOK_EOF. */
	struct pp_file *floor;
	u32 depth, n_nesting, n_includes, counter;
	u64 n_read, n_text, n_file_tokens, n_work;
	bool is_stopped;      /* a limit was passed: everything reads as TOK_EOF */
};

/* ---- pp.c ---- */
void pp_raw(struct pp *pp, struct pp_tok *t);
void pp_unread(struct pp *pp, const struct pp_tok *t);
/* Reports E_TOO_LARGE once and makes every source of tokens end. */
void pp_stop(struct pp *pp, struct span at, const char *what, const char *hint);
/* Counts `n` tokens that come out of macros, or bytes of new text; false: stopped. */
bool pp_count_work(struct pp *pp, u64 n, struct span at);
bool pp_count_text(struct pp *pp, u64 n, struct span at);
struct pp_name *pp_intern(struct pp *pp, str name);
bool pp_open_file(struct pp *pp, struct source *src, struct pp_header *header, struct span at);
/* Reads what is left of a directive's line into pp->line, as it stands. */
void pp_read_line(struct pp *pp);

/* ---- pp_define.c ---- */
void pp_define(struct pp *pp);            /* behind `#define` */
void pp_undef(struct pp *pp);
/* A macro of a text "NAME body" or "NAME(params) body" that has no place; NULL if it is
 * malformed. */
struct pp_macro *pp_define_builtin(struct pp *pp, str text);

/* ---- pp_names.c: what is defined without a #define ---- */
void pp_resolve(struct pp *pp, struct pp_name *name);
static inline struct pp_macro *pp_macro_of(struct pp *pp, struct pp_name *name)
{
	if (!name->is_resolved)
		pp_resolve(pp, name);
	return name->macro;
}
bool pp_is_defined(struct pp *pp, struct pp_name *name);
void pp_dynamic(struct pp *pp, const struct pp_macro *m, const struct pp_tok *use,
		struct pp_tok *out);
bool pp_has_attribute(str name);
u32 pp_version(struct pp *pp);

/* ---- pp_config.c ---- */
/* The value of CONFIG_x (or CONFIG_x_MODULE) as C sees it: "1", a number, a string; false:
 * undefined. */
bool pp_config(struct pp *pp, str name, str *out_value);

/* ---- pp_expand.c ---- */
void pp_next(struct pp *pp, struct pp_tok *t);
void pp_push_list(struct pp *pp, const struct pp_tok *at, u32 n, bool is_barrier);
void pp_pop(struct pp *pp);
struct pp_buf *pp_take_buf(struct pp *pp);
void pp_give_buf(struct pp *pp, struct pp_buf *b);

/* ---- pp_subst.c ---- */
struct pp_arg {
	u32 from, n;          /* in the call's raw tokens */
	u32 full_from, full_n;            /* in its expanded tokens, once is_full */
	bool is_full;
};
/* The arguments of one call of a macro. */
struct pp_call {
	struct pp_call *next;
	struct pp_macro *macro;
	pp_list raw, full;
	vec(struct pp_arg) args;
	bool is_elided;       /* the variadic argument was left out */
	struct span use;
};
/* Where an argument's tokens begin; its list may hold none at all. */
static inline const struct pp_tok *pp_list_from(const pp_list *list, u32 from)
{
	return list->at ? list->at + from : NULL;
}
/* The body with its parameters replaced (6.10.3.1 - 3), appended to `out`. */
void pp_substitute(struct pp *pp, struct pp_call *call, pp_list *out);
/* The spelling of tokens with single spaces, as # sees it (without quotes when !is_quoted). */
str pp_spell(struct pp *pp, const struct pp_tok *at, u32 n, bool is_quoted);
void pp_expand_arg(struct pp *pp, struct pp_call *call, struct pp_arg *arg);

/* ---- pp_directive.c ---- */
/* Carries out the directive behind `hash`. True: `hash` became a token for the parser. */
bool pp_directive(struct pp *pp, struct pp_tok *hash);
/* The end of a file: tells what is left open. */
void pp_close_conditions(struct pp *pp, struct pp_file *f);

/* ---- pp_if.c ---- */
bool pp_condition(struct pp *pp, struct span at, const char *directive);

/* ---- pp_include.c ---- */
void pp_include(struct pp *pp, struct span at);
/* Would #include find it? */
bool pp_can_include(struct pp *pp, str name, bool is_angled);

/* ---- pp_pragma.c ---- */
/* Behind `#pragma`; `at` is the directive. True: *t became a TOK_PRAGMA. */
bool pp_pragma(struct pp *pp, struct span at, struct pp_tok *t);
/* Behind the name _Pragma, which is *t. */
bool pp_pragma_operator(struct pp *pp, struct pp_tok *t);

#endif
