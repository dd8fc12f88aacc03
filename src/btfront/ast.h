/* ast.h: tree and types of a script (private to btfront).
 *
 * lex.c: text to tokens; parse.c and parse_expr.c: tokens to tree; attach.c: probe texts to attach
 * points; names.c: what builtins and functions there are; type.c, type_expr.c, type_call.c: types
 * of everything; dump.c: tokens and tree as text. Lowering is in lower.h.
 */
#ifndef SKEP_BTFRONT_AST_H
#define SKEP_BTFRONT_AST_H

#include "btfront/token.h"

enum { BT_STRLEN = 64, BT_MAP_ENTRIES = 4096, BT_MAX_POINTS = 1024, BT_MAX_DEPTH = 200 };

/* ---- types ---------------------------------------------------------------------------------- */

enum bt_kind {
	BT_UNKNOWN, /* nothing said yet */
	BT_BAD,	    /* an error was reported: no more about it */
	BT_VOID,
	BT_INT,
	BT_PTR,
	BT_STRING,
	BT_ARGS, /* `args`: the record of a tracepoint */
	BT_AGG,	 /* count(), sum(…): only on the right of a map's = */
};
struct bt_type {
	enum bt_kind kind;
	u8 bytes; /* BT_INT: as declared; in registers all integers have 64 bits */
	bool is_signed;
	bool is_literal; /* a number that is not negative: takes the sign of the other side */
	u8 region;	 /* BT_INT, BT_PTR: enum ir_region of the memory at that address */
	u8 agg;		 /* BT_AGG: enum obj_show */
	u32 size;	 /* BT_STRING: bytes with the final 0, a multiple of 8 */
};

struct bt_map {
	str name;	  /* "@x" */
	struct span span; /* first use */
	bool is_known;	  /* the shape of the key is */
	bool is_assigned;
	u32 n_keys; /* 0: scalar */
	struct bt_type *keys;
	struct bt_type value;
	enum obj_show show; /* OBJ_SHOW_VALUE, or the aggregation */
	s64 lhist[3];
	/* lowering */
	u32 obj, key_size;
	u32 *key_offs;
};
/* `from`: where the first assignment ends; the variable exists behind it. */
struct bt_var {
	str name;
	struct span span;
	u32 from;
	struct bt_type type;
	struct ir_ins *slot;
};

/* ---- tree ----------------------------------------------------------------------------------- */

enum bt_expr_kind {
	EX_BAD,
	EX_INT,
	EX_STR,
	EX_PARAM,
	EX_VAR,
	EX_MAP,
	EX_NAME,
	EX_CALL,
	EX_UNARY,
	EX_BINARY,
	EX_COND,
	EX_CAST,
	EX_INCDEC,
	EX_FIELD,
	EX_NOT_YET, /* `name` says what */
};
struct bt_expr {
	enum bt_expr_kind kind;
	enum bt_tok_kind op; /* unary, binary, T_INC or T_DEC */
	struct span span;
	struct span op_span;
	bool is_post;	  /* x++ */
	bool is_negative; /* EX_INT: value is a negative s64 */
	u16 depth;
	str name; /* identifier, function, member; text of a string */
	u64 value;
	struct bt_expr *a, *b, *c;
	struct bt_expr **args; /* of a call; keys of a map */
	u32 n_args;
	struct bt_type type;
	struct bt_type to; /* of a cast */
	struct bt_map *map;
	struct bt_var *var;
	const struct bt_name *builtin; /* of EX_NAME and EX_CALL */
	u32 event;		       /* in obj.events, once it was lowered */
};

enum bt_stmt_kind { ST_BAD, ST_EXPR, ST_ASSIGN, ST_IF, ST_BLOCK, ST_RETURN, ST_NOT_YET };
struct bt_stmt {
	enum bt_stmt_kind kind;
	enum bt_tok_kind op; /* ST_ASSIGN: T_SET or the operator: T_ADD for += */
	struct span span;
	str what;			/* ST_NOT_YET */
	struct bt_expr *target, *value; /* ST_ASSIGN; ST_EXPR, ST_IF: value */
	struct bt_stmt *body, *other;	/* ST_BLOCK: first statement; ST_IF: both arms */
	struct bt_stmt *next;
};

/* Probes of one list share predicate and body. */
struct bt_clause {
	struct span span;
	u32 first_point, n_points;
	struct bt_expr *pred;
	struct bt_stmt *body; /* ST_BLOCK */
	vec(struct bt_var *) vars;
	struct strmap var_names;
	struct bt_clause *next;
};
/* An attach point, and the record that its event gives once somebody asked for it. */
struct bt_point {
	struct bt_probe pub;
	struct bt_clause *clause;
	const struct type *record; /* NULL: not asked yet, or none */
	bool is_record_asked;
};

struct bt_unit {
	struct bt_options o;
	struct source *src;
	struct bt_clause *first, *last;
	vec(struct bt_point) points;
	vec(struct bt_map *) maps;
	struct strmap map_names;
	bool uses_elapsed;
};
u32 bt_strlen(const struct bt_unit *u);

/* ---- parsing -------------------------------------------------------------------------------- */

struct bt_parser {
	struct bt_unit *u;
	struct arena *a;
	struct diags *dx;
	const struct bt_tok *tok; /* the current one */
	struct bt_clause *clause;
	u32 depth;
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
/* Text of an attach point to u->points of the clause; wildcards are expanded. */
void bt_attach(struct bt_parser *p, struct bt_clause *c, const struct bt_tok *t);

/* ---- names ---------------------------------------------------------------------------------- */

enum bt_name_id {
	N_NOT_YET,
	N_PID,
	N_TID,
	N_UID,
	N_GID,
	N_COMM,
	N_CPU,
	N_NUMA,
	N_NSECS,
	N_ELAPSED,
	N_RAND,
	N_CTX,
	N_ARGS,
	N_ARG,
	N_RETVAL,
	N_CURTASK,
	N_PROBE,
	N_FUNC,
	N_CGROUP,
	F_NOT_YET,
	F_COUNT,
	F_SUM,
	F_MIN,
	F_MAX,
	F_AVG,
	F_STATS,
	F_HIST,
	F_LHIST,
	F_DELETE,
	F_CLEAR,
	F_ZERO,
	F_PRINT,
	F_PRINTF,
	F_EXIT,
	F_STR,
	F_TIME,
	F_KPTR,
	F_UPTR,
};
struct bt_name {
	const char *name;
	enum bt_name_id id;
	u8 min, max;
};
const struct bt_name *bt_builtin(str name);
const struct bt_name *bt_function(str name);
void bt_offer_builtins(struct nearest *n);
void bt_offer_functions(struct nearest *n);
/* arg0 … arg9: the number, else -1. */
int bt_arg_number(str name);

/* ---- typing --------------------------------------------------------------------------------- */

/* The attach points of a clause are typed together; what a record's member is, is asked for each.
 */
struct bt_typer {
	struct bt_unit *u;
	struct arena *a;
	struct bt_clause *clause;
	bool report; /* the last pass: types are settled, mistakes are told */
	bool changed;
};
bool bt_type_unit(struct bt_unit *u);
void bt_type_expr(struct bt_typer *t, struct bt_expr *e);
void bt_type_call(struct bt_typer *t, struct bt_expr *e);
/* @m = agg(…): the aggregation fixes what the map is. */
void bt_type_aggregation(struct bt_typer *t, struct bt_expr *target, struct bt_expr *call);
/* The key of a map reference against the map's shape. */
void bt_type_map_key(struct bt_typer *t, struct bt_expr *e);
/* Makes `*home` large enough for a value of type `x`; false when the kinds differ. */
bool bt_type_join(struct bt_typer *t, struct bt_type *home, struct bt_type x);
void bt_error(struct bt_typer *t, struct bt_expr *e, enum diag_tag tag, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Was the error of just now kept? Then it is worth looking for the nearest name. */
bool bt_wants_hint(const struct bt_typer *t);
void bt_hint(struct bt_typer *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
bool bt_is_number(const struct bt_type *t); /* integer or pointer */
const char *bt_type_name(const struct bt_type *t);
struct bt_type bt_int(u32 bytes, bool is_signed);
struct bt_type bt_string(u32 bytes); /* rounded up to words */
/* The sign in which two operands meet. */
bool bt_is_signed_pair(const struct bt_type *a, const struct bt_type *b);
bool bt_const_value(const struct bt_expr *e, s64 *out);
/* Aggregations: "count". */
const char *bt_show_name(enum obj_show s);

/* The builtin `probe`: the point's text as bpftrace writes it. */
str bt_point_text(struct arena *a, const struct bt_point *p);

/* A member of a tracepoint's record. */
struct bt_member {
	struct bt_type type;
	u32 off, size;
	bool is_data_loc;
};
enum bt_found { BT_FOUND, BT_NO_RECORD, BT_NO_MEMBER, BT_MEMBER_NOT_YET };
enum bt_found bt_find_member(struct bt_unit *u, struct bt_point *p, str name, struct bt_member *out,
			     struct err *e);

#endif
