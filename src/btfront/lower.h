/* lower.h: what the files of the lowering share (private to btfront).
 *
 * lower.c: programs and statements; lower_expr.c: numbers and conditions; lower_text.c: strings;
 * lower_ctx.c: what the event delivers; lower_map.c: maps and aggregations; lower_call.c: records
 * for the ring, and the functions that send them.
 */
#ifndef SKEP_BTFRONT_LOWER_H
#define SKEP_BTFRONT_LOWER_H

#include "btfront/ast.h"

enum bt_helper {
	H_MAP_LOOKUP = 1,
	H_MAP_UPDATE = 2,
	H_MAP_DELETE = 3,
	H_PRANDOM = 7,
	H_CPU = 8,
	H_PID_TGID = 14,
	H_UID_GID = 15,
	H_COMM = 16,
	H_TASK = 35,
	H_NUMA = 42,
	H_PROBE_STR = 45,
	H_CGROUP_ID = 80,
	H_PROBE_USER_STR = 114,
	H_PROBE_KERNEL_STR = 115,
	H_BOOT_NS = 125,
	H_RINGBUF_RESERVE = 131,
	H_RINGBUF_SUBMIT = 132,
};

/* Stack memory that is given back at the end of a statement. */
struct bt_temp {
	struct ir_ins *slot;
	u32 bytes;
	bool is_taken;
};

struct bt_lower {
	struct bt_unit *u;
	struct obj *o;
	struct ir_module *m;
	struct arena *a;
	struct diags *dx;
	struct ir_builder b;
	struct bt_clause *clause;
	struct bt_point *point;
	const struct probes_binding *binding;
	struct ir_ins *ctx;	     /* the real context */
	struct ir_ins *call_args[6]; /* PROBES_SYSCALL_EQUIV: slots with the arguments */
	vec(struct bt_temp) temps;
	vec(struct ir_ins *) joins; /* free ones */
	u32 temp_bytes;		    /* of this function's temps */
	u32 data, start;	    /* elapsed: data section and offset of the time of the start */
};

/* Stack of this function: `bytes` (a multiple of 8), aligned to 8, until the statement ends. */
struct ir_ins *bt_temp(struct bt_lower *l, u32 bytes);
struct ir_ins *bt_num(struct bt_lower *l, s64 v);
/* Where the values of two ways meet: 8 bytes that both store to. bt_joined() takes the value out
 * and gives the slot back for the next meeting, bt_join_drop() only gives it back. */
struct ir_ins *bt_join(struct bt_lower *l);
struct ir_ins *bt_joined(struct bt_lower *l, struct ir_ins *slot);
void bt_join_drop(struct bt_lower *l, struct ir_ins *slot);
/* x OP imm, in 64 bits. Arguments that emit are made one statement at a time everywhere, so that
 * the order of instructions is ours and not the compiler's. */
struct ir_ins *bt_op(struct bt_lower *l, enum ir_op op, struct ir_ins *x, s64 imm);
struct ir_ins *bt_call(struct bt_lower *l, u32 helper, struct ir_ins *const *args, u32 n);
/* base + off as one value. */
struct ir_ins *bt_address(struct bt_lower *l, struct ir_ins *base, s64 off);
/* A new block, which becomes the current one after a jump to it. */
void bt_enter(struct bt_lower *l, struct ir_block *b);

/* lower_expr.c: the value of a number, in 64 bits. */
struct ir_ins *bt_value(struct bt_lower *l, struct bt_expr *e);
void bt_effects(struct bt_lower *l, struct bt_expr *e);
void bt_branch(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes, struct ir_block *no);
struct ir_ins *bt_arith(struct bt_lower *l, enum bt_tok_kind op, struct ir_ins *x, struct ir_ins *y,
			const struct bt_type *xt, const struct bt_type *yt);

/* lower_text.c: a string into `cap` bytes (a multiple of 8) at base + off; all of them are written,
 * what is behind the final 0 becomes 0. */
void bt_put_text(struct bt_lower *l, struct bt_expr *e, struct ir_ins *base, s64 off, u32 cap);
/* The same into a record, where what is behind the final 0 stays as it is. */
void bt_put_record_text(struct bt_lower *l, struct bt_expr *e, struct ir_ins *rec, s64 off,
			u32 cap);
/* Where a string is: a variable's memory, or temporary memory that it was put into. */
struct bt_text {
	struct ir_ins *base;
	u32 cap;
};
struct bt_text bt_text_at(struct bt_lower *l, struct bt_expr *e);
/* x == y */
void bt_branch_text(struct bt_lower *l, struct bt_expr *x, struct bt_expr *y, struct ir_block *yes,
		    struct ir_block *no);

/* lower_ctx.c */
void bt_entry(struct bt_lower *l);
struct ir_ins *bt_argument(struct bt_lower *l, u32 n, struct span at);
struct ir_ins *bt_result(struct bt_lower *l, struct span at);
/* A number of the event's record, or for arrays and __data_loc the address of their bytes. */
struct ir_ins *bt_event_member(struct bt_lower *l, struct bt_expr *e, struct bt_member *out);

/* lower_map.c: the key of @m[…] in memory; for histograms with the bucket behind it. */
void bt_declare_maps(struct bt_lower *l);
struct ir_ins *bt_map_address(struct bt_lower *l, u32 map);
struct ir_ins *bt_key(struct bt_lower *l, struct bt_expr *e);
struct ir_ins *bt_key_with(struct bt_lower *l, struct bt_expr *e, struct ir_ins *bucket);
/* lost[element]++ of this CPU: OBJ_LOST_… */
void bt_count_loss(struct bt_lower *l, u32 element);
struct ir_ins *bt_lookup(struct bt_lower *l, u32 map, struct ir_ins *key);
/* The entry's number, 0 when there is none. */
struct ir_ins *bt_read_number(struct bt_lower *l, u32 map, struct ir_ins *key);
void bt_assign_map(struct bt_lower *l, struct bt_expr *target, struct bt_expr *value);
/* map[key] += words, as atomic additions; a missing entry is made of them. */
void bt_add_words(struct bt_lower *l, u32 map, struct ir_ins *key, struct ir_ins *const *words,
		  u32 n);
/* p = map[key]; if there is none yet, it is made of `words`. Continues where there is an entry that
 * was not made just now, with its address; the other ways go to `end`. */
struct ir_ins *bt_find_or_make(struct bt_lower *l, u32 map, struct ir_ins *key,
			       struct ir_ins *const *words, u32 n, struct ir_block *end);
void bt_write_number(struct bt_lower *l, u32 map, struct ir_ins *key, struct ir_ins *x);

/* lower_agg.c */
void bt_aggregate(struct bt_lower *l, struct bt_expr *target, struct bt_expr *call);

/* lower_call.c: functions that give no value. */
void bt_lower_call(struct bt_lower *l, struct bt_expr *e);

#endif
