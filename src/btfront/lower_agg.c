/* lower_agg: @m[k] = count(), sum(n), min(n), max(n), avg(n), stats(n), hist(n), lhist(n, min, max,
 * step).
 *
 * What an entry holds on each CPU (room rt adds the CPUs up): count, sum and each bucket of a
 * histogram: a number; avg and stats: total, count; min and max: the value, and 1 once there is
 * one.
 *
 * hist(): negative numbers are bucket 0, zero is 1, [2^k, 2^(k+1)) is k + 2. The logarithm is found
 * by halving: six comparisons, and two instructions for each 1 in it.
 */
#include "btfront/lower.h"

/* for (s = 32; s; s /= 2) if (x >= 1 << s) { x >>= s; log += s; }   x is not 0; `log` is a slot. */
static void add_log2(struct bt_lower *l, struct ir_ins *x, struct ir_ins *log)
{
	struct ir_ins *rest = bt_join(l);

	ir_store(&l->b, 8, rest, 0, x);
	for (u32 s = 32; s; s /= 2) {
		struct ir_block *more = ir_block_new(l->b.fn), *next = ir_block_new(l->b.fn);

		x = ir_load(&l->b, 64, 8, false, rest, 0);
		ir_if(&l->b, bt_op(l, IR_UGT, x, (s64)((1ull << s) - 1)), more, next);
		l->b.at = more;
		ir_store(&l->b, 8, rest, 0, bt_op(l, IR_LSHR, x, s));
		x = ir_load(&l->b, 64, 8, false, log, 0);
		ir_store(&l->b, 8, log, 0, bt_op(l, IR_ADD, x, s));
		bt_enter(l, next);
	}
	bt_join_drop(l, rest);
}

/* bucket = x s> 0 ? log2(x) + 2 : x == 0; */
static struct ir_ins *log_bucket(struct bt_lower *l, struct ir_ins *x)
{
	struct ir_block *some = ir_block_new(l->b.fn), *none = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l);

	ir_if(&l->b, bt_op(l, IR_SGT, x, 0), some, none);
	l->b.at = some;
	ir_store(&l->b, 8, slot, 0, bt_num(l, 2));
	add_log2(l, x, slot);
	ir_jump(&l->b, end);
	l->b.at = none;
	ir_store(&l->b, 8, slot, 0, ir_extend(&l->b, false, 32, 64, bt_op(l, IR_EQ, x, 0)));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

/* With k bits below the highest (see enum obj_show): 2^k + (log2(x) - k) * 2^k + those bits + 1. */
static struct ir_ins *fine_bucket(struct bt_lower *l, struct ir_ins *x, s64 k)
{
	struct ir_block *small = ir_block_new(l->b.fn), *large = ir_block_new(l->b.fn);
	struct ir_block *negative = ir_block_new(l->b.fn), *some = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l), *log = bt_join(l), *e, *n;

	ir_if(&l->b, bt_op(l, IR_SLT, x, 0), negative, some);
	l->b.at = negative;
	ir_store(&l->b, 8, slot, 0, bt_num(l, 0));
	ir_jump(&l->b, end);
	l->b.at = some;
	ir_if(&l->b, bt_op(l, IR_ULT, x, 1ll << k), small, large);
	l->b.at = small;
	ir_store(&l->b, 8, slot, 0, bt_op(l, IR_ADD, x, 1));
	ir_jump(&l->b, end);
	l->b.at = large;
	ir_store(&l->b, 8, log, 0, bt_num(l, 0));
	add_log2(l, x, log);
	e = bt_op(l, IR_SUB, ir_load(&l->b, 64, 8, false, log, 0), k);
	n = bt_op(l, IR_AND, ir_binary(&l->b, IR_LSHR, 64, x, e), (1ll << k) - 1);
	e = bt_op(l, IR_SHL, bt_op(l, IR_ADD, e, 1), k);
	ir_store(&l->b, 8, slot, 0, bt_op(l, IR_ADD, ir_binary(&l->b, IR_ADD, 64, e, n), 1));
	bt_enter(l, end);
	bt_join_drop(l, log);
	return bt_joined(l, slot);
}

/* bucket = x < min ? 0 : x >= max ? (max - min) / step + 1 : (x - min) / step + 1; */
static struct ir_ins *linear_bucket(struct bt_lower *l, struct ir_ins *x, const s64 *lhist)
{
	struct ir_block *above = ir_block_new(l->b.fn), *inside = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn), *last = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l), *n;

	ir_store(&l->b, 8, slot, 0, bt_num(l, 0));
	ir_if(&l->b, bt_op(l, IR_SLT, x, lhist[0]), end, above);
	l->b.at = above;
	ir_if(&l->b, bt_op(l, IR_SGE, x, lhist[1]), last, inside);
	l->b.at = last;
	ir_store(&l->b, 8, slot, 0, bt_num(l, (lhist[1] - lhist[0]) / lhist[2] + 1));
	ir_jump(&l->b, end);
	l->b.at = inside;
	n = bt_op(l, IR_UDIV, bt_op(l, IR_SUB, x, lhist[0]), lhist[2]);
	ir_store(&l->b, 8, slot, 0, bt_op(l, IR_ADD, n, 1));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

/* An entry that another CPU made has no value here yet: its second word is 0. */
static void extreme(struct bt_lower *l, struct bt_expr *target, struct ir_ins *x)
{
	struct bt_map *m = target->map;
	bool is_min = m->show == OBJ_SHOW_MIN, is_signed = m->value.is_signed;
	struct ir_block *old = ir_block_new(l->b.fn), *set = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *words[2] = { x, bt_num(l, 1) };
	struct ir_ins *p = bt_find_or_make(l, m->obj, bt_key(l, target), words, 2, end);
	enum ir_op better = is_min ? (is_signed ? IR_SLT : IR_ULT) : (is_signed ? IR_SGT : IR_UGT);

	ir_if(&l->b, ir_load(&l->b, 64, 8, false, p, 8), old, set);
	l->b.at = old;
	ir_if(&l->b, ir_compare(&l->b, better, x, ir_load(&l->b, 64, 8, false, p, 0)), set, end);
	l->b.at = set;
	ir_store(&l->b, 8, p, 0, x);
	ir_store(&l->b, 8, p, 8, words[1]);
	bt_enter(l, end);
}

void bt_aggregate(struct bt_lower *l, struct bt_expr *target, struct bt_expr *call)
{
	struct ir_ins *x = call->n_args ? bt_value(l, call->args[0]) : bt_num(l, 1);
	struct ir_ins *words[2] = { x, NULL };
	struct bt_map *m = target->map;

	switch (m->show) {
	case OBJ_SHOW_MIN:
	case OBJ_SHOW_MAX: extreme(l, target, x); return;
	case OBJ_SHOW_AVG:
	case OBJ_SHOW_STATS:
		words[1] = bt_num(l, 1);
		bt_add_words(l, m->obj, bt_key(l, target), words, 2);
		return;
	case OBJ_SHOW_HIST:
	case OBJ_SHOW_LHIST:
		x = m->show == OBJ_SHOW_LHIST ? linear_bucket(l, x, m->lhist)
		    : m->lhist[0]	      ? fine_bucket(l, x, m->lhist[0])
					      : log_bucket(l, x);
		words[0] = bt_num(l, 1);
		bt_add_words(l, m->obj, bt_key_with(l, target, x), words, 1);
		return;
	default: bt_add_words(l, m->obj, bt_key(l, target), words, 1); return;
	}
}

/* ---- reading -------------------------------------------------------------------------------- */

struct reading {
	struct ir_ins *total, *count, *cpu; /* slots */
};

/* if (p[1] && (!count || p[0] is better)) total = p[0], count = 1; */
static void take_extreme(struct bt_lower *l, const struct bt_map *m, struct ir_ins *p,
			 struct reading *r, struct ir_block *next)
{
	struct ir_block *some = ir_block_new(l->b.fn), *old = ir_block_new(l->b.fn);
	struct ir_block *set = ir_block_new(l->b.fn);
	bool is_min = m->show == OBJ_SHOW_MIN, is_signed = m->value.is_signed;
	enum ir_op better = is_min ? (is_signed ? IR_SLT : IR_ULT) : (is_signed ? IR_SGT : IR_UGT);
	struct ir_ins *v;

	ir_if(&l->b, ir_load(&l->b, 64, 8, false, p, 8), some, next);
	l->b.at = some;
	ir_if(&l->b, ir_load(&l->b, 64, 8, false, r->count, 0), old, set);
	l->b.at = old;
	v = ir_load(&l->b, 64, 8, false, p, 0);
	ir_if(&l->b, ir_compare(&l->b, better, v, ir_load(&l->b, 64, 8, false, r->total, 0)), set,
	      next);
	l->b.at = set;
	ir_store(&l->b, 8, r->total, 0, ir_load(&l->b, 64, 8, false, p, 0));
	ir_store(&l->b, 8, r->count, 0, bt_num(l, 1));
}

static void add_to(struct bt_lower *l, struct ir_ins *slot, struct ir_ins *p, s64 off)
{
	struct ir_ins *x = ir_load(&l->b, 64, 8, false, slot, 0);

	x = ir_binary(&l->b, IR_ADD, 64, x, ir_load(&l->b, 64, 8, false, p, off));
	ir_store(&l->b, 8, slot, 0, x);
}

/* for (cpu = 0; cpu < n; cpu++) { p = lookup_percpu(map, key, cpu); if (p) … } */
struct ir_ins *bt_read_aggregate(struct bt_lower *l, const struct bt_map *m, struct ir_ins *key)
{
	struct ir_block *head = ir_block_new(l->b.fn), *hit = ir_block_new(l->b.fn);
	struct ir_block *next = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	u32 n = l->u->o.machine ? probes_cpus(l->u->o.machine) : 1;
	struct reading r = { bt_join(l), bt_join(l), bt_join(l) };
	struct ir_ins *args[3], *p, *x;

	ir_store(&l->b, 8, r.total, 0, bt_num(l, 0));
	ir_store(&l->b, 8, r.count, 0, bt_num(l, 0));
	ir_store(&l->b, 8, r.cpu, 0, bt_num(l, 0));
	bt_enter(l, head);
	args[0] = bt_map_address(l, m->obj);
	args[1] = key;
	args[2] = ir_load(&l->b, 64, 8, false, r.cpu, 0);
	p = bt_call(l, H_LOOKUP_PERCPU, args, 3);
	ir_if(&l->b, p, hit, next);
	l->b.at = hit;
	if (m->show == OBJ_SHOW_MIN || m->show == OBJ_SHOW_MAX) {
		take_extreme(l, m, p, &r, next);
	} else {
		add_to(l, r.total, p, 0);
		if (m->show == OBJ_SHOW_AVG)
			add_to(l, r.count, p, 8);
	}
	bt_enter(l, next);
	ir_block_move_last(next);
	x = bt_op(l, IR_ADD, ir_load(&l->b, 64, 8, false, r.cpu, 0), 1);
	ir_store(&l->b, 8, r.cpu, 0, x);
	ir_if(&l->b, bt_op(l, IR_ULT, x, n), head, end);
	ir_block_move_last(end);
	l->b.at = end;
	x = ir_load(&l->b, 64, 8, false, r.total, 0);
	if (m->show == OBJ_SHOW_AVG)
		x = ir_binary(&l->b, IR_SDIV, 64, x, ir_load(&l->b, 64, 8, false, r.count, 0));
	bt_join_drop(l, r.total);
	bt_join_drop(l, r.count);
	bt_join_drop(l, r.cpu);
	return x;
}
