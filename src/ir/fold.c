/* fold: pass that computes at compile time what can be computed, and makes the rest cheaper.
 *
 * Every instruction is offered to the rules (fold_arith.c, fold_width.c, fold_compare.c,
 * fold_memory.c); what changes is offered again with everything that uses it, until the worklist is
 * empty. The work is linear in the number of steps; steps are bounded in case two rules should ever
 * undo each other.
 *
 * While the pass runs, `note` of each instruction is its record: its users, how many uses it has
 * and the range of its values. The list of users may name one that is no longer; the count is
 * exact, because some rules hold only for a value that nobody else needs. Ranges are computed once
 * a round in reverse postorder. A value stays the same number however it is made, so its range
 * stays true; a phi whose loop is not seen yet counts as unknown.
 *
 * A branch on a constant becomes a jump. The graph is brought in order at the end of the round, and
 * since fewer paths mean fewer phi arguments, another round begins.
 *
 * Left out: anything that follows from branches taken (x < 8 in the block behind `if x < 8`).
 */
#include "ir/edit.h"
#include "ir/fold.h"
#include "ir/memory.h"
#include "ir/passes.h"

#include <string.h>

#define MAX_ROUNDS 16

struct use {
	struct ir_ins *by;
	struct use *next;
};

/* The record of an instruction. */
struct record {
	struct use *uses;
	u32 n_uses;
	bool queued;
	struct ir_range range;
};

struct ir_folder {
	struct ir_pass_ctx *c;
	struct ir_fn *fn;
	vec(struct ir_ins *) work;
	u32 steps_left;
	bool edges_changed;
};

static struct record *record(const struct ir_ins *x)
{
	return x->note;
}

/* ---- uses ------------------------------------------------------------------------------------ */

static void add_use(struct ir_folder *f, struct ir_ins *value, struct ir_ins *by)
{
	struct use *u = arena_new_of(f->c->scratch, struct use);

	u->by = by;
	u->next = record(value)->uses;
	record(value)->uses = u;
	record(value)->n_uses++;
}

static void queue(struct ir_folder *f, struct ir_ins *x)
{
	if (record(x)->queued || !x->block)
		return;
	record(x)->queued = true;
	*vec_push(f->c->scratch, &f->work) = x;
}

static void queue_users(struct ir_folder *f, struct ir_ins *x)
{
	for (struct use *u = record(x)->uses; u; u = u->next)
		queue(f, u->by);
}

/* A value that lost a use may now be dead, or fit a rule for single uses. */
static void drop_use(struct ir_folder *f, struct ir_ins *value)
{
	record(value)->n_uses--;
	queue(f, value);
	if (record(value)->n_uses == 1)
		queue_users(f, value);
}

static void drop_args(struct ir_folder *f, struct ir_ins *x)
{
	for (u32 i = 0; i < x->n_args; i++)
		drop_use(f, x->args[i]);
}

/* ---- what rules are made of ------------------------------------------------------------------ */

struct ir_range ir_fold_range(const struct ir_ins *x)
{
	/* Not computed yet: the argument of a phi that comes around a loop. */
	if (!x->note || !record(x)->range.maybe)
		return x->op == IR_CONST ? ir_range_const(x->width, ir_const_bits(x))
					 : ir_range_full(x->width);
	return record(x)->range;
}

bool ir_fold_single(const struct ir_ins *x)
{
	return record(x)->n_uses == 1;
}

/* Gives a new instruction its record. */
static struct ir_ins *enter(struct ir_folder *f, struct ir_ins *x)
{
	struct record *r = arena_new_of(f->c->scratch, struct record);

	x->note = r;
	r->range = ir_range_of(x, ir_fold_range);
	for (u32 i = 0; i < x->n_args; i++)
		add_use(f, x->args[i], x);
	queue(f, x);
	return x;
}

struct ir_ins *ir_fold_number(struct ir_folder *f, struct ir_ins *x, u8 width, s64 value)
{
	struct ir_ins *at = x->op == IR_PHI ? ir_behind_phis(x->block) : x;
	struct ir_ins *n = ir_ins_new(f->fn, IR_CONST, width, 0);

	ir_set_const(n, value);
	n->span = x->span;
	ir_insert_before(at, n);
	return enter(f, n);
}

struct ir_ins *ir_fold_new(struct ir_folder *f, struct ir_ins *x, enum ir_op op, u8 width,
			   struct ir_ins *a, struct ir_ins *b)
{
	return enter(f, ir_put(x, op, width, a, b));
}

struct ir_ins *ir_fold_set(struct ir_folder *f, struct ir_ins *x, u32 i, struct ir_ins *arg)
{
	struct ir_ins *old = x->args[i];

	add_use(f, arg, x);
	x->args[i] = arg;
	drop_use(f, old);
	return x;
}

struct ir_ins *ir_fold_become(struct ir_folder *f, struct ir_ins *x, enum ir_op op,
			      struct ir_ins *a, struct ir_ins *b)
{
	u32 n = b ? 2 : 1;
	struct ir_ins **args = arena_array_of(f->fn->m->a, struct ir_ins *, n);

	args[0] = a;
	if (b)
		args[1] = b;
	add_use(f, a, x);
	if (b)
		add_use(f, b, x);
	drop_args(f, x);
	if (!(ir_op_info(op)->flags & IR_F_CMP))
		x->size = 0;
	x->count = 0;
	x->op = op;
	x->args = args;
	x->n_args = (u16)n;
	return x;
}

struct ir_ins *ir_fold_load_width(struct ir_ins *x, u8 width)
{
	x->width = width;
	record(x)->range = ir_range_of(x, ir_fold_range);
	return x;
}

struct ir_ins *ir_fold_jump(struct ir_folder *f, struct ir_ins *x, int to)
{
	struct ir_ins *cond = x->args[0];

	x->op = IR_JUMP;
	x->n_args = 0;
	x->to[0] = x->to[to];
	x->to[1] = NULL;
	f->edges_changed = true;
	drop_use(f, cond);
	return x;
}

/* ---- phis ------------------------------------------------------------------------------------ */

static bool same_value(const struct ir_ins *a, const struct ir_ins *b)
{
	return a == b || (ir_is_const(a) && ir_is_const(b) && a->imm == b->imm);
}

/* A phi whose arguments are all one value, not counting itself, is that value. */
static struct ir_ins *fold_phi(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *only = NULL;

	for (u32 i = 0; i < x->n_args; i++) {
		if (x->args[i] == x)
			continue;
		if (only && !same_value(only, x->args[i]))
			return NULL;
		only = x->args[i];
	}
	if (only && ir_is_const(only))
		return ir_fold_number(f, x, x->width, only->imm);
	return only;
}

/* ---- the worklist ---------------------------------------------------------------------------- */

/* Pure operations on constants. */
static struct ir_ins *fold_constant(struct ir_folder *f, struct ir_ins *x)
{
	for (u32 i = 0; i < x->n_args; i++)
		if (!ir_is_const(x->args[i]))
			return NULL;
	return ir_fold_number(f, x, x->width,
			      (s64)ir_eval(x, ir_const_bits(x->args[0]),
					   x->n_args > 1 ? ir_const_bits(x->args[1]) : 0));
}

static struct ir_ins *apply_rules(struct ir_folder *f, struct ir_ins *x)
{
	u32 flags = ir_op_info(x->op)->flags;
	struct ir_ins *r;

	switch (x->op) {
	case IR_COPY: return x->args[0];
	case IR_PHI: return fold_phi(f, x);
	case IR_IF: return ir_fold_if(f, x);
	case IR_LOAD:
	case IR_STORE:
	case IR_ZERO:
	case IR_MOVE:
	case IR_ATOMIC: return ir_fold_memory(f, x);
	default: break;
	}
	if (!(flags & IR_F_PURE))
		return NULL;
	r = fold_constant(f, x);
	if (r)
		return r;
	if (flags & IR_F_CMP)
		return ir_fold_compare(f, x);
	if (x->op == IR_SEXT || x->op == IR_ZEXT || x->op == IR_TRUNC || x->op == IR_BSWAP)
		return ir_fold_width(f, x);
	return ir_fold_arithmetic(f, x);
}

/* Hands all uses of `x` over to `r`. */
static void replace(struct ir_folder *f, struct ir_ins *x, struct ir_ins *r)
{
	struct use *next;

	ir_keep_region(r, x->region);
	for (struct use *u = record(x)->uses; u; u = next) {
		next = u->next;
		if (!u->by->block)
			continue;
		for (u32 i = 0; i < u->by->n_args; i++)
			if (u->by->args[i] == x) {
				add_use(f, r, u->by);
				u->by->args[i] = r;
			}
		queue(f, u->by);
	}
	record(x)->uses = NULL;
	record(x)->n_uses = 0;
	queue_users(f, r);
}

static void take(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *r;

	record(x)->queued = false;
	if (!x->block)
		return;
	if (record(x)->n_uses || !ir_is_removable(x)) {
		r = apply_rules(f, x);
		if (!r)
			return;
		if (r == x) {
			queue(f, x);
			queue_users(f, x);
			return;
		}
		replace(f, x, r);
	}
	ir_remove(x);
	drop_args(f, x);
}

/* Makes the records of all instructions and queues them so that the first in flow comes first. */
static void prepare(struct ir_folder *f)
{
	struct arena *a = f->c->scratch;
	struct ir_block **order;
	u32 n, n_ins = 0;

	ir_notes_clear(f->fn);
	order = ir_rpo(a, f->fn, &n);
	for (u32 i = 0; i < n; i++)
		for (struct ir_ins *x = order[i]->first; x; x = x->next) {
			x->note = arena_new_of(a, struct record);
			n_ins++;
		}
	for (u32 i = 0; i < n; i++)
		for (struct ir_ins *x = order[i]->first; x; x = x->next) {
			for (u32 k = 0; k < x->n_args; k++)
				add_use(f, x->args[k], x);
			if (x->width)
				record(x)->range = ir_range_of(x, ir_fold_range);
		}
	for (u32 i = n; i-- > 0;)
		for (struct ir_ins *x = order[i]->last; x; x = x->prev)
			queue(f, x);
	f->steps_left = n_ins * 64 + 256;
}

static void round_of(struct ir_folder *f)
{
	f->edges_changed = false;
	prepare(f);
	while (f->work.n && f->steps_left--)
		take(f, f->work.at[--f->work.n]);
	if (f->edges_changed)
		ir_cfg_build(f->fn);
}

void ir_pass_fold(struct ir_pass_ctx *c, struct ir_fn *fn)
{
	u32 rounds = MAX_ROUNDS;

	do {
		struct ir_folder f = { .c = c, .fn = fn };

		round_of(&f);
		if (!f.edges_changed)
			break;
	} while (--rounds);
	ir_notes_clear(fn);
}
