/* ast.h: tree and types of a script (private to btfront).
 *
 * lex.c: text to tokens; parse.c and parse_expr.c: tokens to tree; attach.c: probe texts to attach
 * points; cpart.c, config.c, macro.c: what their names say; dump.c: tokens and tree as text. Lowering is in lower.h.
 */
#ifndef SKEP_BTFRONT_AST_H
#define SKEP_BTFRONT_AST_H

#include "btfront/type.h"

enum { BT_STRLEN = 1024, BT_STRLEN_OLD = 64, BT_MAP_ENTRIES = 4096, BT_MAX_POINTS = 1024, BT_MAX_DEPTH = 200 };

struct bt_map {
	str name;	  /* "@x" */
	struct span span; /* first use */
	bool is_known;	  /* the shape of the key is */
	bool is_assigned;
	bool is_declared;   /* let @m = hash(5); */
	u32 kind, entries;  /* then: enum isa_map_type and size */
	struct bt_type key; /* BT_VOID: scalar; BT_TUPLE (no record): several */
	struct bt_type value;
	enum obj_show show; /* OBJ_SHOW_VALUE, or the aggregation */
	s64 lhist[3];	    /* hist: bits of the bucket in the first */
	/* lowering */
	u32 obj, key_size;
};
struct bt_var {
	str name;
	struct span span;
	struct bt_type type;
	u32 from;	/* where its first assignment ends */
	bool is_let;	/* declared: it ends with its block */
	bool is_typed;	/* let $x: T */
	bool is_shared; /* a callback sees it: it lies in the frame that callbacks get */
	u32 depth;	/* callbacks around its declaration */
	u32 frame;	/* is_shared: where */
	/* lowering */
	struct ir_ins *slot;
	struct ir_fn *fn; /* whose slot it is */
};

/* ---- tree ----------------------------------------------------------------------------------- */

enum bt_expr_kind {
	EX_BAD,
	EX_INT,
	EX_STR,
	EX_PARAM,
	EX_VAR,
	EX_MAP, /* a: the key, or NULL */
	EX_NAME,
	EX_CALL,
	EX_UNARY,
	EX_BINARY,
	EX_COND,
	EX_CAST,
	EX_INCDEC,
	EX_FIELD, /* a.name; name may be a number */
	EX_INDEX, /* a[b] */
	EX_DEREF, /* *a */
	EX_ADDR,  /* &a */
	EX_TUPLE, /* args, `names` of a record */
	EX_BLOCK, /* { body; a } */
	EX_SIZEOF, /* of `a` or of tn */
	EX_OFFSETOF,
	EX_NOT_YET, /* `name` says what */
};
struct bt_expr {
	enum bt_expr_kind kind;
	enum bt_tok_kind op; /* unary, binary, T_INC or T_DEC */
	struct span span;
	struct span op_span;
	bool is_post;	  /* x++ */
	bool is_negative; /* EX_INT: value is a negative s64 */
	bool is_bool;	  /* EX_INT: true, false */
	bool is_param;	  /* EX_INT: was $1 */
	bool is_paren;	  /* stood in parentheses */
	bool is_key;	  /* EX_TUPLE: made of @m[a, b] */
	u16 depth;
	str name; /* identifier, function, member; text of a string */
	str bytes; /* of pton() */
	u64 value;
	struct bt_expr *a, *b, *c;
	struct bt_expr **args; /* of a call; parts of a tuple */
	str *names;
	u32 n_args;
	struct bt_type type;
	struct bt_type_name *tn; /* of a cast, sizeof */
	struct bt_map *map;
	struct bt_var *var;
	struct bt_stmt *body;
	const struct bt_name *builtin; /* of EX_NAME and EX_CALL */
	u32 event;		       /* in obj.events, once it was lowered */
};

/* Nothing is known of it (yet), or an error was told. */
static inline bool bt_is_open(const struct bt_expr *e)
{
	return e->type.kind == BT_UNKNOWN || e->type.kind == BT_BAD;
}

enum bt_stmt_kind {
	ST_BAD,
	ST_EXPR,
	ST_ASSIGN,
	ST_LET, /* target, tn; `value` in an ST_ASSIGN behind it */
	ST_IF,
	ST_BLOCK,
	ST_RETURN,
	ST_WHILE,
	ST_UNROLL,
	ST_FOR_RANGE, /* target: the variable; value, until */
	ST_FOR_MAP,   /* target, value: the map */
	ST_BREAK,
	ST_CONTINUE,
	ST_NOT_YET
};
struct bt_stmt {
	enum bt_stmt_kind kind;
	enum bt_tok_kind op; /* ST_ASSIGN: T_SET or the operator: T_ADD for += */
	struct span span;
	bool is_let; /* ST_ASSIGN: let $x = … */
	str what;			/* ST_NOT_YET */
	struct bt_expr *target, *value; /* ST_ASSIGN; ST_EXPR, ST_IF: value */
	struct bt_expr *until;
	struct bt_type_name *tn;
	struct bt_stmt *body, *other;	/* ST_BLOCK: first statement; ST_IF: both arms */
	struct bt_stmt *next;
};

/* Probes of one list share predicate and body. */
struct bt_clause {
	struct span span;
	u32 first_point, n_points;
	const struct bt_tok *missing; /* the first pattern that nothing matches */
	str why;		      /* what was said of it */
	struct bt_expr *pred;
	struct bt_stmt *body; /* ST_BLOCK */
	vec(struct bt_var *) vars;
	struct strmap hoisted; /* struct bt_var: used behind the block that assigns them first */
	u32 frame; /* bytes of the variables that callbacks see */
	struct bt_clause *next;
};
/* An attach point, and the record that its event gives once somebody asked for it. */
struct bt_point {
	struct bt_probe pub;
	struct bt_clause *clause;
	const struct type *record; /* NULL: not asked yet, or none */
	const struct type *func;   /* TY_FUNC of fentry, rawtracepoint; likewise */
	bool is_record_asked;
};

/* macro name($v, @m, e) { … } */
struct bt_macro {
	str name;
	struct span span;
	const struct bt_tok *params, *body, *end; /* behind `(`, at `{`, behind `}` */
	u32 n_params, uses;
	bool is_busy;
};

/* What `config = { … }` and the caller's compatibility settle. */
struct bt_config {
	u32 strlen_max, on_stack_limit, map_entries, max_probes;
	str stack_mode;
	bool warns_missing; /* probes that are not there are a warning */
	bool is_old;	    /* 0.17 */
};

struct bt_unit {
	struct bt_options o;
	struct source *src;
	struct bt_config config;
	struct cf_unit *c; /* the C part, or NULL */
	struct bt_clause *first, *last;
	vec(struct bt_point) points;
	vec(struct bt_map *) maps;
	struct strmap map_names;
	struct strmap macros;
	const struct type *task; /* struct task_struct, once it was asked for */
	bool uses_elapsed;
	u32 n_expansions;
};
u32 bt_strlen(const struct bt_unit *u);

/* ---- parsing -------------------------------------------------------------------------------- */

struct bt_parser {
	struct bt_unit *u;
	struct arena *a;
	struct diags *dx;
	const struct bt_tok *tok; /* the current one */
	struct bt_clause *clause;
	u32 depth, loops;
	bool in_pred;	/* `/` in front of `{` ends the predicate */
	bool is_stuck;	/* an error was reported; resynchronise */
	bool is_broken; /* there was one anywhere: typing makes no sense */
};
struct bt_expr *bt_parse_expr(struct bt_parser *p);
/* Something that ++ and = may stand behind: $x, @m, @m[k]. */
bool bt_is_place(const struct bt_expr *e);
/* Reports once per statement what was expected at the current token. */
void bt_expected(struct bt_parser *p, const char *what);
bool bt_accept(struct bt_parser *p, enum bt_tok_kind k);
bool bt_expect(struct bt_parser *p, enum bt_tok_kind k);
/* One level deeper; false (reported) when it is too deep. */
bool bt_deeper(struct bt_parser *p);
/* A type name at the current token; NULL (reported) if there is none. */
struct bt_type_name *bt_parse_type(struct bt_parser *p);
bool bt_begins_type(const struct bt_tok *t);
/* { statements; value } of a macro, or of a block that stands for a value. */
struct bt_expr *bt_parse_block_expr(struct bt_parser *p);
struct bt_stmt *bt_parse_block(struct bt_parser *p);
/* Nodes. bt_over drops the tree that gets too deep, and tells. */
struct bt_expr *bt_node(struct bt_parser *p, enum bt_expr_kind kind, struct span span);
struct bt_expr *bt_over(struct bt_parser *p, enum bt_expr_kind kind, struct bt_expr *a,
			struct bt_expr *b, struct bt_expr *c);
struct bt_map *bt_find_map(struct bt_parser *p, const struct bt_tok *t);
/* macro.c: `name(args)` or `name` where the script has such a macro, or a #define; NULL: none. */
struct bt_expr *bt_parse_macro(struct bt_parser *p);
void bt_find_macros(struct bt_parser *p, const struct bt_tok *t);
/* cpart.c: directives and C types in front of the probes, read by cfront. */
void bt_read_c(struct bt_unit *u, const struct bt_toks *toks);
/* config.c: config = { … }, at `{`. */
void bt_parse_config(struct bt_parser *p);
/* Reports the pattern without a match of a list that has no other point. */
void bt_attach_end(struct bt_parser *p, struct bt_clause *c);
/* Text of an attach point to u->points of the clause; wildcards are expanded. */
void bt_attach(struct bt_parser *p, struct bt_clause *c, const struct bt_tok *t);

#endif
