/* lower.h: what the files of the lowering share (private to btfront).
 *
 * lower.c: programs, memory; lower_stmt.c: statements and loops; lower_expr.c: numbers and conditions;
 * lower_name.c: builtins; lower_func.c: functions with a value; lower_data.c: values in memory;
 * lower_place.c: C memory; lower_text.c: strings; lower_ctx.c: what the event delivers; lower_map.c:
 * maps; lower_agg.c: aggregations; lower_call.c: records for the ring, and the functions that send
 * them.
 */
#ifndef SKEP_BTFRONT_LOWER_H
#define SKEP_BTFRONT_LOWER_H

#include "btfront/ast.h"

enum bt_helper {
	H_MAP_LOOKUP = 1,
	H_MAP_UPDATE = 2,
	H_MAP_DELETE = 3,
	H_PROBE_READ = 4,
	H_KTIME_NS = 5,
	H_PRANDOM = 7,
	H_CPU = 8,
	H_PID_TGID = 14,
	H_UID_GID = 15,
	H_COMM = 16,
	H_STACKID = 27,
	H_TASK = 35,
	H_NUMA = 42,
	H_PROBE_STR = 45,
	H_SOCKET_COOKIE = 46,
	H_OVERRIDE = 58,
	H_CGROUP_ID = 80,
	H_SIGNAL = 109,
	H_PROBE_USER = 112,
	H_PROBE_KERNEL = 113,
	H_PROBE_USER_STR = 114,
	H_PROBE_KERNEL_STR = 115,
	H_SIGNAL_THREAD = 117,
	H_JIFFIES = 118,
	H_BOOT_NS = 125,
	H_RINGBUF_RESERVE = 131,
	H_RINGBUF_SUBMIT = 132,
	H_FOR_EACH = 164,
	H_LOOKUP_PERCPU = 195,
	H_TAI_NS = 208,
};

/* Memory that is given back at the end of a statement: of the stack, or of the per-CPU scratch. */
struct bt_temp {
	struct ir_ins *slot; /* NULL: scratch at `off` */
	u32 bytes, off;
	u32 taken; /* 1 + how deep the statement stands that has it; 0: free */
};

/* Bytes of a C object or of a value. Region IR_IN_STACK: the program's own memory, whatever it is in;
 * loads go there directly, as into the context. */
struct bt_place {
	struct ir_ins *base;
	s64 off;
	u8 region;
};

/* One open loop: where break and continue go; in a callback they are returns. */
struct bt_loop {
	struct bt_loop *up;
	struct ir_block *again, *end;
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
	u32 level;		    /* of nested statements */
	u32 stack_bytes;	    /* of this function's temps and variables */
	struct ir_ins *scratch;	    /* slot with the address of the scratch; NULL: not used yet */
	u32 scratch_used, scratch_max;
	struct ir_ins *read_slot; /* where one number is read to */
	struct ir_ins *frame;	  /* variables that callbacks see */
	struct bt_loop *loop;
	bool in_callback;
	u32 n_callbacks;
	u32 data, start;	  /* elapsed: data section and offset of the time of the start */
	u32 largest;		  /* record */
};

/* `bytes` (a multiple of 8) of own memory, aligned to 8, until the statement ends. */
struct ir_ins *bt_temp(struct bt_lower *l, u32 bytes);
void bt_release_temps(struct bt_lower *l);
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
/* return 0; what follows is dead. */
void bt_leave(struct bt_lower *l);
/* A function that another calls back: (map, key, value, frame) or (index, frame). */
struct bt_outer {
	struct ir_builder b;
	struct ir_ins *scratch, *read_slot, *frame, *ctx;
	vec(struct bt_temp) temps;
	vec(struct ir_ins *) joins;
	struct bt_loop *loop;
	struct ir_block *prelude, *body;
	u32 stack_bytes;
	bool in_callback;
};
struct ir_fn *bt_begin_callback(struct bt_lower *l, struct bt_outer *saved, u32 n_params);
void bt_end_callback(struct bt_lower *l, struct bt_outer *saved);
/* Opens the place where the scratch is looked up, closes it at the function's end. */
struct ir_block *bt_open_prelude(struct bt_lower *l);
void bt_close_prelude(struct bt_lower *l, struct ir_block *prelude, bool is_wanted);

/* lower_stmt.c */
void bt_lower_stmts(struct bt_lower *l, struct bt_stmt *s);
struct bt_place bt_var_place(struct bt_lower *l, struct bt_var *v);
void bt_make_var(struct bt_lower *l, struct bt_var *v);

/* lower_expr.c: the value of a scalar, in 64 bits. */
struct ir_ins *bt_value(struct bt_lower *l, struct bt_expr *e);
void bt_effects(struct bt_lower *l, struct bt_expr *e);
void bt_branch(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes, struct ir_block *no);
struct ir_ins *bt_arith(struct bt_lower *l, enum bt_tok_kind op, struct ir_ins *x, struct ir_ins *y,
			const struct bt_type *xt, const struct bt_type *yt);
/* A truth value out of branches. */
struct ir_ins *bt_truth(struct bt_lower *l,
			void (*branch)(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes,
				       struct ir_block *no),
			struct bt_expr *e);

/* lower_name.c, lower_func.c */
struct ir_ins *bt_builtin_value(struct bt_lower *l, struct bt_expr *e);
struct ir_ins *bt_function_value(struct bt_lower *l, struct bt_expr *e);
struct ir_ins *bt_stack_number(struct bt_lower *l, const struct bt_type *t);
u32 bt_stack_map(struct bt_lower *l, const struct bt_type *t);
void bt_branch_strncmp(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes,
		       struct ir_block *no);
void bt_branch_contains(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes,
			struct ir_block *no);
struct ir_ins *bt_strlen_value(struct bt_lower *l, struct bt_expr *e);

/* lower_data.c: the value of `e` as a `to` into own memory at base + off. In a record, what is
 * behind the end of a string or buffer stays as it is. */
void bt_put(struct bt_lower *l, struct bt_expr *e, const struct bt_type *to, struct ir_ins *base,
	    s64 off, bool is_record);
/* Where the value is in own memory: its own, or temporary memory that it was put into. */
struct bt_place bt_memory(struct bt_lower *l, struct bt_expr *e);
void bt_clear(struct bt_lower *l, struct ir_ins *base, s64 off, u32 bytes);
void bt_copy(struct bt_lower *l, struct ir_ins *base, s64 off, struct ir_ins *from, s64 from_off,
	     u32 bytes);
/* a == b, of values in memory. */
void bt_branch_same(struct bt_lower *l, struct bt_expr *a, struct bt_expr *b, struct ir_block *yes,
		    struct ir_block *no);
/* The same as the plan of records, keys and values. */
void bt_describe(struct bt_lower *l, struct obj_field *f, const struct bt_type *t, u32 off);

/* lower_place.c: C objects. */
struct bt_place bt_locate(struct bt_lower *l, struct bt_expr *e);
/* The scalar at a place: `bytes` of it, or `bits` from bit `bit_off`. */
struct ir_ins *bt_read(struct bt_lower *l, struct bt_place p, u32 bytes, bool is_signed);
void bt_read_bytes(struct bt_lower *l, struct ir_ins *base, s64 off, struct bt_place from,
		   u32 bytes);
/* A scalar that is a member, an element or what a pointer points to. */
struct ir_ins *bt_read_member(struct bt_lower *l, struct bt_expr *e);
u32 bt_reader(u8 region, bool is_string);

/* lower_text.c: a string into `cap` bytes (a multiple of 8) at base + off; all of them are written,
 * what is behind the final 0 becomes 0. */
void bt_put_text(struct bt_lower *l, struct bt_expr *e, struct ir_ins *base, s64 off, u32 cap,
		 bool is_record);
void bt_copy_text(struct bt_lower *l, struct ir_ins *base, s64 off, u32 cap, struct bt_place from,
		  u32 from_cap);
/* min(n + more, limit) */
struct ir_ins *bt_bounded(struct bt_lower *l, struct bt_expr *n, s64 more, u32 limit);
/* Goes on where the strings at both places are equal in their first `n` bytes. */
void bt_leave_unless_equal(struct bt_lower *l, struct bt_place x, struct bt_place y, u32 n,
			   struct ir_block *no);
void bt_leave_unless_literal(struct bt_lower *l, struct bt_place x, u32 cap, str text, u32 n,
			     struct ir_block *no);

/* lower_ctx.c */
void bt_entry(struct bt_lower *l);
struct ir_ins *bt_argument(struct bt_lower *l, u32 n, struct span at);
struct ir_ins *bt_stack_argument(struct bt_lower *l, u32 n, struct span at);
struct ir_ins *bt_register(struct bt_lower *l, struct bt_expr *e);
struct ir_ins *bt_result(struct bt_lower *l, struct span at);
/* Where an argument of the event lies; __data_loc: the address itself is its value. */
struct bt_place bt_event_place(struct bt_lower *l, struct bt_expr *e, struct bt_member *out);

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
/* What all CPUs together hold for this key: count, sum, min, max, avg. */
struct ir_ins *bt_read_aggregate(struct bt_lower *l, const struct bt_map *m, struct ir_ins *key);
void bt_aggregate(struct bt_lower *l, struct bt_expr *target, struct bt_expr *call);

/* lower_call.c: functions that give no value. */
void bt_lower_call(struct bt_lower *l, struct bt_expr *e);

#endif
