/* type.h: types of the language, its names, and what the files of the typing share (private to btfront).
 *
 * names.c: what builtins and functions there are; type.c: statements, variables and maps; type_expr.c:
 * operators, names; type_member.c: members, elements, casts; type_call.c, type_func.c: calls;
 * type_data.c: what types are, and C's types among them.
 */
#ifndef SKEP_BTFRONT_TYPE_H
#define SKEP_BTFRONT_TYPE_H

#include "btfront/token.h"

struct bt_expr;
struct bt_stmt;
struct bt_map;
struct bt_var;
struct bt_unit;
struct bt_point;
struct bt_clause;

/* ---- types ---------------------------------------------------------------------------------- */

/* Scalars live in a register of 64 bits and take 8 bytes in memory; all others live in memory,
 * their size a multiple of 8. */
enum bt_kind {
	BT_UNKNOWN, /* nothing said yet */
	BT_BAD,	    /* an error was reported: no more about it */
	BT_VOID,
	/* scalars */
	BT_INT, /* also bool and enums */
	BT_PTR,
	BT_KSYM,	/* an address of the kernel */
	BT_KSTACK,	/* the number of a stack; process */
	BT_USTACK,	/* likewise */
	BT_MAC,		/* 6 bytes */
	BT_USERNAME,	/* a user's number */
	BT_TIMESTAMP,	/* nanoseconds since boot; `extra` is strftime's format */
	BT_STRERROR,	/* an error number, shown as its text */
	BT_SYSCALL,	/* a system call's number, shown as its name */
	BT_CGROUP_PATH, /* a cgroup's number; `extra` is a pattern of hierarchies */
	/* in memory */
	BT_STRING,
	BT_BUFFER, /* u64 length, then the bytes */
	BT_INET,   /* u64 family, 16 bytes */
	BT_USYM,   /* u64 address, u64 process */
	BT_TUPLE,  /* also records */
	BT_STRUCT, /* C struct or union; wherever `region` says */
	BT_ARRAY,  /* C array, likewise */
	/* neither */
	BT_ARGS, /* `args`: the record of an event */
	BT_AGG,	 /* count(), sum(…): only on the right of a map's = */
};
struct bt_tuple;
struct bt_type {
	enum bt_kind kind;
	u8 bytes; /* BT_INT: as declared; in registers all integers have 64 bits */
	bool is_signed;
	bool is_literal; /* a number that is not negative: takes the sign of the other side */
	bool is_bool;
	bool is_percpu;	      /* BT_PTR: of the kernel's per-CPU memory */
	u8 region;	      /* enum ir_region: where the address points; BT_STRUCT, BT_ARRAY: where it is */
	u8 agg;		      /* BT_AGG: enum obj_show */
	u32 size;	      /* BT_STRING: bytes with the final 0, a multiple of 8; BT_BUFFER: of all;
				 stacks: frames */
	const struct type *c; /* BT_PTR: what it points to, or NULL; BT_INT: the enum, or NULL;
				 BT_STRUCT, BT_ARRAY: the type */
	const struct bt_tuple *tuple;
	str extra;
};
/* Immutable. Parts lie one behind another. */
struct bt_tuple {
	u32 n, size;
	struct bt_type *types;
	str *names; /* records; else NULL */
	u32 *offs;
};

/* A type as written: `struct sock *`, `uint8[4]`, `string[16]`, `typeof($x)`. */
struct bt_type_name {
	struct span span;
	str tag; /* "struct", "union", "enum", or empty */
	str name;
	u32 stars, n_dims;
	s64 dims[4]; /* -1: [] */
	struct bt_expr *of; /* typeof */
};


/* ---- names ---------------------------------------------------------------------------------- */

enum bt_name_id {
	N_NOT_YET,
	F_NOT_YET,
	N_ARGS, N_CGROUP, N_COMM, N_CPID, N_CPU, N_CTX, N_CURTASK, N_ELAPSED, N_FUNC, N_GID,
	N_JIFFIES, N_KSTACK, N_LEADER_COMM, N_LEADER_TID, N_NCPUS, N_NSECS, N_NUMA, N_PCOMM,
	N_PID, N_PPID, N_PROBE, N_PROBETYPE, N_RAND, N_RETVAL, N_TID, N_UID, N_USERMODE,
	N_USERNAME, N_USTACK, F_COUNT, F_SUM, F_MIN, F_MAX, F_AVG, F_STATS, F_HIST, F_LHIST,
	F_DELETE, F_CLEAR, F_ZERO, F_HAS_KEY, F_LEN, F_PRINTF, F_ERRORF, F_WARNF, F_SYSTEM,
	F_CAT, F_PRINT, F_EXIT, F_STR, F_BUF, F_TIME, F_STRFTIME, F_JOIN, F_KPTR, F_UPTR,
	F_KSYM, F_USYM, F_KADDR, F_UADDR, F_KSTACK, F_USTACK, F_NTOP, F_PTON, F_MACADDR,
	F_BSWAP, F_REG, F_STRNCMP, F_STRCONTAINS, F_STRLEN, F_NSECS, F_CGROUPID, F_CGROUP_PATH,
	F_SIGNAL, F_SIGNAL_THREAD, F_OVERRIDE, F_ASSERT, F_STATIC_ASSERT, F_FAIL, F_IS_ARRAY,
	F_IS_INTEGER, F_IS_LITERAL, F_IS_PTR, F_IS_STR, F_IS_UNSIGNED, F_PERCPU_KADDR,
	F_SOCKET_COOKIE, F_STRERROR, F_SIGNAL_NAME, F_SYSCALL_NAME, F_STRCAP, F_DEFAULT_STRLEN,
	F_HAS_CPID, F_DEBUGF, F_PATH, F_GETOPT,
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
/* arg0 … arg9: the number, else -1; sarg0 … likewise. */
int bt_arg_number(str name);
int bt_sarg_number(str name);

/* ---- typing --------------------------------------------------------------------------------- */

/* The attach points of a clause are typed together; what a record's member is, is asked for each.
 */
struct bt_typer {
	struct bt_unit *u;
	struct arena *a;
	struct bt_clause *clause;
	vec(struct bt_var *) scope; /* what is visible, innermost last */
	u32 loops;		    /* open loops whose body is a function of its own */
	bool report; /* the last pass: types are settled, mistakes are told */
	bool changed;
};
bool bt_type_unit(struct bt_unit *u);
void bt_type_expr(struct bt_typer *t, struct bt_expr *e);
void bt_type_call(struct bt_typer *t, struct bt_expr *e);
/* type_func.c: those that give a value. False: it is none of them. */
bool bt_type_function(struct bt_typer *t, struct bt_expr *e);
void bt_type_stmts(struct bt_typer *t, struct bt_stmt *s);
/* @m = agg(…): the aggregation fixes what the map is. */
void bt_type_aggregation(struct bt_typer *t, struct bt_expr *target, struct bt_expr *call);
/* The key of a map reference against the map's shape. */
void bt_type_map_key(struct bt_typer *t, struct bt_expr *e);
struct bt_var *bt_find_var(struct bt_typer *t, str name);
/* The same, for a use: loops that are functions of their own must share it. */
struct bt_var *bt_use_var(struct bt_typer *t, struct bt_expr *e);
/* The same where nothing visible has the name, but a block that has ended assigned to it. */
struct bt_var *bt_hoist_var(struct bt_typer *t, str name);
/* Makes `*home` large enough for a value of type `x`; false when the kinds differ. */
bool bt_type_join(struct bt_typer *t, struct bt_type *home, struct bt_type x);
void bt_error(struct bt_typer *t, struct bt_expr *e, enum diag_tag tag, const char *fmt, ...)
	PRINTF_LIKE(4, 5);
/* Was the error of just now kept? Then it is worth looking for the nearest name. */
bool bt_wants_hint(const struct bt_typer *t);
void bt_hint(struct bt_typer *t, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The i-th argument must be a number; true if it is known to be one. */
bool bt_want_number(struct bt_typer *t, struct bt_expr *e, u32 i);
bool bt_want_literal(struct bt_typer *t, struct bt_expr *e, u32 i);
/* Are all attach points of the clause of a kind that gives this? The first that is not, else NULL. */
const struct bt_point *bt_unfit(struct bt_typer *t, bool (*fits)(enum probes_provider p));
/* Is the context of this kind of event the registers? */
bool bt_has_registers(enum probes_provider p);
void bt_type_field(struct bt_typer *t, struct bt_expr *e);
void bt_type_index(struct bt_typer *t, struct bt_expr *e);
void bt_type_deref(struct bt_typer *t, struct bt_expr *e);
void bt_type_cast(struct bt_typer *t, struct bt_expr *e);
void bt_type_size(struct bt_typer *t, struct bt_expr *e);
/* The type that a name stands for; false when it was told. */
bool bt_named_type(struct bt_typer *t, struct bt_expr *at, struct bt_type_name *tn,
		   struct bt_type *out);

/* ---- types (type_data.c) ----------------------------------------------------------------------- */

bool bt_is_number(const struct bt_type *t); /* integer or pointer */
bool bt_is_scalar(const struct bt_type *t); /* held in a register */
/* Bytes in keys, values, variables and records. */
u32 bt_size(const struct bt_type *t);
const char *bt_type_name(const struct bt_type *t);
struct bt_type bt_int(u32 bytes, bool is_signed);
struct bt_type bt_bool(const struct bt_unit *u);
struct bt_type bt_string(u32 bytes); /* rounded up to words */
struct bt_type bt_pointer(const struct type *to, u8 region);
struct bt_type bt_tuple_of(struct arena *a, const struct bt_type *types, const str *names, u32 n);
bool bt_same_type(const struct bt_type *a, const struct bt_type *b);
/* A C type as one of the language, for a value that lies in `region`; BT_BAD if there is none. */
struct bt_type bt_from_c(const struct type *ty, u8 region);
/* The type with its members, out of the C part or BTF; NULL if nothing has it. */
const struct type *bt_complete(struct bt_unit *u, const struct type *ty);
struct ty_btf *bt_btf(struct bt_unit *u);
/* The sign in which two operands meet. */
bool bt_is_signed_pair(const struct bt_type *a, const struct bt_type *b);
bool bt_const_value(const struct bt_expr *e, s64 *out);
/* Aggregations: "count". */
const char *bt_show_name(enum obj_show s);

/* Byte offset of a register in pt_regs by its name ("ip", "r15", "x0"); -1: none. */
int bt_register_offset(str name);

/* ---- events ---------------------------------------------------------------------------------- */

/* The builtin `probe`: the point's text as bpftrace writes it. */
str bt_point_text(struct arena *a, const struct bt_point *p);
str bt_probe_type(const struct bt_point *p);
/* fentry, fexit, rawtracepoint: the kernel function's type, or NULL. `*out_first`: the first parameter
 * that counts. */
const struct type *bt_point_func(struct bt_unit *u, struct bt_point *p, u32 *out_first);

/* A member of an event's record, or a parameter of its function (off counts in 8 bytes each). */
struct bt_member {
	struct bt_type type;
	const struct type *c;
	u32 off, size;
	bool is_data_loc;
};
enum bt_found { BT_FOUND, BT_NO_RECORD, BT_NO_MEMBER, BT_MEMBER_NOT_YET };
enum bt_found bt_find_member(struct bt_unit *u, struct bt_point *p, str name, struct bt_member *out,
			     struct err *e);

#endif
