/* ast.h: the typed tree between the parser and the lowering (private to cfront).
 *
 * The parser types everything as it reads: every node has its type, every implicit conversion is an
 * EX_CAST, arrays and functions have decayed (EX_DECAY), integer promotions and the usual arithmetic
 * conversions (C11 6.3.1) are done. The lowering never decides about types. A node of a wrong program
 * has `type == u->poison`: it silences what follows.
 */
#ifndef SKEP_CFRONT_AST_H
#define SKEP_CFRONT_AST_H

#include "cfront/cfront.h"
#include "cfront/token.h"

struct cf_expr;
struct cf_stmt;
struct cf_sym;

enum ex_kind {
	EX_CONST,             /* value: integers, enumerators, sizeof, character constants, null */
	EX_STRING,            /* bytes: an lvalue of type char[n] (NUL included in n) */
	EX_SYM,               /* sym: an lvalue (variable, parameter) or a function */
	EX_MEMBER,            /* a.member: a is an lvalue or a struct value; bit_off, bits */
	EX_DEREF,             /* *a: an lvalue. p->m is MEMBER(DEREF(p)); p[i] is DEREF(ADD(p, i)) */
	EX_ADDR,              /* &a */
	EX_DECAY,             /* array lvalue or function a to pointer */
	EX_CAST,              /* a converted to `type`; to void discards */
	EX_LOAD,              /* lvalue a read as a value (C11 6.3.2.1p2): explicit, so that lowering
				 knows every read. Struct values are LOADs too. */
	EX_UNARY,             /* op: '-' '~' '!' */
	EX_BINARY,            /* op: + - * / % & | ^ << >>: operands already of the common type;
				 pointer + integer: a is the pointer, b any integer cast to 64 bits, not
				 yet scaled; pointer - pointer: result s64, not yet divided */
	EX_COMPARE,           /* op: == != < > <= >=; type int */
	EX_AND, EX_OR,        /* && ||; type int */
	EX_COND,              /* a ? b : c; b NULL is the GNU form a ?: c */
	EX_ASSIGN,            /* a = b; value is the new value of a */
	EX_ASSIGN_OP,         /* a op= b: computed in `compute` type, then converted back */
	EX_INCDEC,            /* op P_INC or P_DEC; is_post */
	EX_COMMA,
	EX_CALL,              /* a is EX_SYM of a function of the unit, or a pointer to one; args converted */
	EX_HELPER,            /* helper call: helper; args checked against its row */
	EX_PRINTK,            /* bpf_trace_printk/bpf_printk: bytes = format, args = values */
	EX_MAP_CALL,          /* table.method(args): sym is the map, method */
	EX_COMPOUND,          /* (T){…}: an unnamed local; init */
	EX_STMT,              /* ({ … }): body; value of its last expression statement */
	EX_BUILTIN,           /* __builtin_…: builtin, args */
	EX_BSWAP,             /* bpf_ntohs & co and __builtin_bswapN: bits, a */
	EX_REGS,              /* PT_REGS_PARMn & co: reg index in `value` of pt_regs pointer a */
	EX_ATOMIC,            /* __sync_fetch_and_add, …: atomic bits, args: pointer, operand(s). op 0: the value
				 is what was there; + | & ^: what is there now; P_EQ: whether it was args[1] */
};
enum map_method {
	MM_LOOKUP, MM_UPDATE, MM_DELETE, MM_INSERT, MM_LOOKUP_OR_TRY_INIT, MM_LOOKUP_OR_INIT,
	MM_INCREMENT, MM_ATOMIC_INCREMENT, MM_N
};
enum cf_builtin {
	BI_MEMCPY, BI_MEMSET, BI_MEMCMP, BI_EXPECT, BI_UNREACHABLE, BI_TRAP, BI_PRESERVE_ACCESS, BI_CLZ, BI_CTZ,
	BI_POPCOUNT, BI_OFFSETOF_DYNAMIC, BI_MEMMOVE, BI_STRNCMP, BI_PARITY, BI_FFS, BI_CLRSB, BI_ABS, BI_LOG2,
	BI_LOG2_PLUS_1, BI_ADD_OVERFLOW, BI_SUB_OVERFLOW, BI_MUL_OVERFLOW, BI_ATOMIC_LOAD, BI_ATOMIC_STORE,
	BI_COMPARE_EXCHANGE, BI_BARRIER,
	BI_MISSING /* address of a member that the kernel lacks: `bytes` */, BI_N
};

/* One step of an initialiser after braces and designators were resolved: `value` goes to byte `off`
 * (bit-field: bit_off/bits) of the object; everything not named is zero. Sorted by off. */
struct cf_init_part { u64 off; u32 bit_off, bits; const struct type *type; struct cf_expr *value; };
struct cf_init { vec(struct cf_init_part) parts; struct span span; };

struct cf_expr {
	enum ex_kind kind;
	const struct type *type;
	struct span span;
	u16 op;               /* token: ASCII or enum tok_punct */
	u16 depth;            /* of the tree below: bounded, so that walks may recurse */
	bool is_post, is_lvalue;
	struct cf_expr *a, *b, *c;
	struct cf_expr **args;
	u32 n_args;
	s64 value;            /* EX_CONST (sign- or zero-extended by its type) */
	str bytes;            /* EX_STRING, EX_PRINTK */
	struct cf_sym *sym;
	const struct ty_member *member;
	u32 bit_off, bits;    /* EX_MEMBER: from the start of a's object; bits 0: not a bit-field */
	const struct type *compute;       /* EX_ASSIGN_OP */
	const struct isa_helper *helper;
	enum map_method method;
	enum cf_builtin builtin;
	s32 atomic;           /* enum isa_atomic bits */
	struct cf_init *init;
	struct cf_stmt *body;
};

enum st_kind {
	ST_EXPR, ST_DECL, ST_BLOCK, ST_IF, ST_WHILE, ST_DO, ST_FOR, ST_SWITCH, ST_CASE, ST_DEFAULT, ST_BREAK,
	ST_CONTINUE, ST_GOTO, ST_LABEL, ST_RETURN, ST_EMPTY, ST_ASM,
};
struct cf_case { s64 lo, hi; struct cf_stmt *at; };

/* asm ( text : outputs : inputs : clobbers : labels ) */
struct cf_asm_operand {
	str name;             /* [name], or empty */
	str constraint;       /* without = + & % */
	bool is_written, is_read, is_memory;
	s32 same_as;          /* an input that must be where output number … is; -1 */
	struct cf_expr *e;    /* an lvalue if written or in memory, else a value */
};
struct cf_asm {
	str text;
	vec(struct cf_asm_operand) operands;  /* outputs first, as %0, %1 … count them */
	u32 n_outputs;
	u16 clobbers;         /* registers, as bits */
	bool clobbers_memory;
	vec(struct cf_stmt *) labels;         /* ST_GOTO: asm goto */
};
struct cf_stmt {
	enum st_kind kind;
	struct span span;
	struct cf_expr *e, *e2;           /* condition or value; ST_FOR: e condition, e2 step */
	struct cf_stmt *body, *other;     /* then/else, loop body; ST_FOR: other is the init */
	struct cf_stmt *next;             /* in a block: a list from `body` */
	struct cf_sym *sym;               /* ST_DECL: the variable */
	str label;                        /* ST_GOTO, ST_LABEL */
	struct cf_stmt *target;           /* ST_GOTO: its label; BREAK/CONTINUE: loop or switch;
					     ST_CASE/DEFAULT: its switch */
	s64 lo, hi;                       /* ST_CASE */
	vec(struct cf_stmt *) cases;      /* ST_SWITCH: its ST_CASE and ST_DEFAULT, in order */
	struct cf_asm *code;              /* ST_ASM */
	s32 unroll;                       /* loops: #pragma unroll N; -1 full, 0 not asked */
	void *lower;                      /* scratch of the lowering */
};

enum sym_kind { SYM_VAR, SYM_PARAM, SYM_FUNC, SYM_TYPEDEF, SYM_ENUMERATOR, SYM_MAP, SYM_LABEL };
enum sym_storage { SS_AUTO, SS_STATIC, SS_GLOBAL, SS_EXTERN };

/* What an entry of a map of maps or of programs holds from the start. */
struct cf_slot { u32 index; struct cf_sym *sym; };
/* A map declared by BPF_HASH and friends, by SEC(".maps"), or by the legacy struct. */
struct cf_map {
	u32 type;             /* enum isa_map_type */
	const struct type *key, *value;   /* NULL where the kind has none */
	u32 key_size, value_size, max_entries, flags;
	u64 extra;
	str pin;
	struct cf_sym *inner;
	bool is_bcc;          /* declared by a BCC macro: methods apply, shown as table */
	bool is_histogram;    /* BPF_HISTOGRAM: shown as a picture */
	vec(struct cf_slot) slots;
	bool is_declared;     /* obj_index is set */
	u32 obj_index;        /* set by the lowering */
};

struct cf_sym {
	enum sym_kind kind;
	enum sym_storage storage;
	str name;
	const struct type *type;
	struct span span;
	struct cf_init *init;             /* SYM_VAR */
	s64 value;                        /* SYM_ENUMERATOR */
	struct cf_map *map;               /* SYM_MAP */
	/* SYM_FUNC */
	vec(struct cf_sym *) params;
	struct cf_stmt *body;             /* NULL: only declared */
	bool always_inline, noinline, is_inline, is_static, is_weak;
	str section;                      /* SEC("…") of a function or variable */
	bool is_nested;                   /* SYM_MAP: the pattern of a map of maps */
	bool is_used, is_called, address_taken;
	bool is_written;                  /* SYM_VAR: assigned, or its address is taken */
	s32 escapes;                      /* SYM_VAR, an array: as a pointer that is not indexed at once */
	u32 align;                        /* __attribute__((aligned)) of a variable */
	bool is_ctx;                      /* SYM_PARAM: the program's context */
	/* TRACEPOINT_PROBE(cat, ev): implicit parameter args of this record type */
	struct probes_point want;
	bool has_want;
	u32 index;                        /* SYM_PARAM: position; data offset; scratch otherwise */
	void *lower;                      /* scratch of the lowering */
	struct cf_sym *next;              /* all symbols of the unit in order of declaration */
};

struct cf_unit {
	const struct cf_options *o;
	struct pp_result pp;
	const struct type *poison;
	struct cf_sym *first, *last;      /* file scope: functions, variables, maps */
	const struct cf_scope *file;      /* all names of it */
	vec(struct cf_program) programs;
	str license;                      /* char LICENSE[] SEC("license"), BPF_LICENSE(x); "GPL" */
};

/* ---- typing helpers shared by parser files (type_expr.c) -------------------------------------- */

struct cf_expr *cf_convert(struct cf_unit *u, struct cf_expr *e, const struct type *to);
/* Evaluates an integer constant expression; false (without a diagnostic) if it is none. */
bool cf_const_value(const struct cf_unit *u, const struct cf_expr *e, s64 *out);
/* An address that is known when the program is loaded: of a static object, a function, a map, or text. */
struct cf_address { struct cf_sym *sym; const struct cf_expr *text; s64 off; };
bool cf_const_address(const struct cf_unit *u, const struct cf_expr *e, struct cf_address *out);

#endif
