/* lower.h: what the files of the lowering share (private to cfront).
 *
 * lower.c declares maps, globals and programs and lowers functions; lower_expr.c expressions;
 * lower_stmt.c statements; lower_call.c helpers, map methods, printk and builtins; lower_entry.c
 * what a program does first: its context and arguments.
 */
#ifndef SKEP_CFRONT_LOWER_H
#define SKEP_CFRONT_LOWER_H

#include "cfront/ast.h"

struct lower {
	struct cf_unit *u;
	struct obj *o;
	struct ir_module *m;
	struct arena *a;
	struct diags *dx;
	struct ir_builder b;
	struct cf_sym *fn;                    /* whose body is being lowered */
	const struct probes_binding *binding; /* of the program being lowered; NULL in helpers */
	struct ir_ins *ctx;                   /* the real context: parameter 0 of a program */
	u32 pass;                             /* counts lowered bodies: see struct flow */
	struct ir_ins *result;                /* where the function puts its struct result, or NULL */
	bool has_no_task;                     /* a program may not ask who runs */
	bool is_bcc;                          /* no SEC() in the unit: BCC's rules for functions */
	vec(struct cf_sym *) wanted;          /* functions that are called but not lowered yet */
};

/* Where control goes from inside a loop, switch or label. A body is lowered once for each event that it
 * is attached to, so what hangs on a statement is valid only in the pass that made it. */
struct flow { u32 pass; struct ir_block *brk, *cont, *label; };
struct flow *lower_flow(struct lower *l, struct cf_stmt *s);

/* A place in memory: base + off; with bits != 0, that many bits from bit_off (counted from base + off). */
struct place_ref {
	struct ir_ins *base;
	s64 off;
	u32 bit_off, bits;
	u32 align;            /* what is surely known, in bytes; 0: what the type has */
	const struct type *type;
};

/* Registers of a C type: 32 or 64 bits wide. */
u8 lower_width(const struct type *ty);
/* The value of an expression; for aggregates the address of their bytes; NULL for void. */
struct ir_ins *lower_value(struct lower *l, struct cf_expr *e);
/* For its effects alone. */
void lower_effects(struct lower *l, struct cf_expr *e);
struct place_ref lower_place(struct lower *l, struct cf_expr *e);
struct ir_ins *lower_read(struct lower *l, struct place_ref p);
void lower_write(struct lower *l, struct place_ref p, struct ir_ins *x);
/* Jumps by truth, without making a 0 or 1 first. */
void lower_branch(struct lower *l, struct cf_expr *e, struct ir_block *yes, struct ir_block *no);
/* Converts a scalar from one C type to another (C11 6.3.1). */
struct ir_ins *lower_convert(struct lower *l, struct ir_ins *x, const struct type *from,
			     const struct type *to);
/* A scalar widened to 64 bits as its type says. */
struct ir_ins *lower_widen(struct lower *l, struct ir_ins *x, const struct type *from);
void lower_init(struct lower *l, struct place_ref p, const struct cf_init *init);
/* An address that is base + off as one value. */
struct ir_ins *lower_address(struct lower *l, struct place_ref p);

void lower_stmt(struct lower *l, struct cf_stmt *s);
struct ir_block *lower_label(struct lower *l, struct cf_stmt *label);
void lower_asm(struct lower *l, struct cf_stmt *s);      /* lower_asm.c */
/* ({ … }): the value of the last expression statement, or NULL. */
struct ir_ins *lower_stmt_value(struct lower *l, struct cf_stmt *body);

struct ir_ins *lower_helper(struct lower *l, struct cf_expr *e);
bool lower_is_helper_pointer(struct lower *l, const struct cf_expr *e, u32 *out_id);
struct ir_ins *lower_helper_pointer(struct lower *l, u32 id, struct cf_expr *e);
struct ir_ins *lower_map_call(struct lower *l, struct cf_expr *e);
struct ir_ins *lower_printk(struct lower *l, struct cf_expr *e);
struct ir_ins *lower_builtin(struct lower *l, struct cf_expr *e);

/* lower_memory.c; what is arithmetic there is in lower_bits.c. */
struct ir_ins *lower_bits(struct lower *l, struct cf_expr *e);
struct ir_ins *lower_overflow(struct lower *l, struct cf_expr *e);
/* Nothing moves over it. */
void lower_barrier(struct lower *l);

/* lower_wide.c: 128 bits as two values of 64. */
struct lower_pair { struct ir_ins *lo, *hi; };
struct lower_pair lower_pair_of(struct lower *l, struct ir_ins *x, const struct type *from);
struct ir_ins *lower_pair_address(struct lower *l, struct lower_pair p);
struct lower_pair lower_pair_binary(struct lower *l, u16 op, struct lower_pair a, struct lower_pair b);
struct ir_ins *lower_wide(struct lower *l, struct cf_expr *e);
struct ir_ins *lower_wide_compare(struct lower *l, struct cf_expr *e);
struct ir_ins *lower_wide_assign_op(struct lower *l, struct cf_expr *e);
struct ir_ins *lower_wide_convert(struct lower *l, struct ir_ins *x, const struct type *from,
				  const struct type *to);

/* lower_fn.c: functions that others call. */
struct ir_ins *lower_fn_call(struct lower *l, struct cf_expr *e);
struct ir_ins *lower_fn_address(struct lower *l, struct cf_sym *fn);
void lower_subprogram(struct lower *l, struct cf_sym *s);
bool lower_is_wide(const struct type *ty);        /* 128-bit integers */
/* Values that do not fit a register: structs, unions, 128-bit integers. */
bool lower_by_address(const struct type *ty);
/* lower.c: begins a function; its body and its end. */
void lower_start(struct lower *l, struct ir_fn *fn, struct cf_sym *s);
void lower_body(struct lower *l, struct ir_fn *fn, struct cf_sym *s);

/* lower_output.c: what a helper call sends out through a map, noted in the plan by its C type. */
void lower_note_output(struct lower *l, const struct cf_expr *helper);
/* The same where the result of bpf_ringbuf_reserve gets its type. */
void lower_note_reserve(struct lower *l, const struct cf_expr *helper, const struct type *as);

/* lower_kernel.c: functions and variables of the kernel. */
struct ir_ins *lower_kernel_call(struct lower *l, struct cf_sym *fn, struct cf_expr *e);
struct place_ref lower_kernel_variable(struct lower *l, struct cf_sym *var);
struct ir_ins *lower_missing(struct lower *l, struct cf_expr *e);

/* What the 8-byte words of an event's context point into. */
enum ir_region lower_ctx_words(const struct probes_point *at);
/* lower_entry.c: binds the parameters of a program to what its event delivers. */
void lower_entry(struct lower *l, struct cf_sym *fn);
/* A diagnostic if argument i (from 0) of the wanted event is unknown at its equivalent. */
void lower_check_argument(struct lower *l, u32 i, struct span at);

struct ir_ins *lower_map_address(struct lower *l, struct cf_sym *map);
/* The data section and offset of a file-scope or static variable, placed at its first use. */
struct place_ref lower_global(struct lower *l, struct cf_sym *var);
/* A string literal in .rodata. */
struct ir_ins *lower_string(struct lower *l, struct cf_expr *e);

/* What the language allows but this version cannot lower. */
void lower_not_yet(struct lower *l, struct span at, const char *what);

#endif
