/* cfg_simplify: pass `cfg`, which leaves no block and no jump that does nothing.
 *
 * Five changes, repeated until none applies:
 *   - a block that only branches on a phi (or on its comparison with a constant) is passed by from
 *     where the phi is constant: `a && b` used as a condition becomes two branches;
 *   - an empty block is passed by from where it is reached;
 *   - a phi whose arguments are all one value is that value;
 *   - a value that nobody uses goes, since it may be all that a block does (the condition of a
 *     branch that became a jump);
 *   - a block and its only successor, of which it is the only predecessor, are one block.
 *
 * The delicate part is passing by: the edge P -> B -> T becomes P -> T. If P goes to T already, the
 * phis of T could no longer tell the two ways apart, so it is done only where they need not. And
 * what B makes must not be needed behind T, since B is no longer always on the way there.
 */
#include "ir/memory.h"
#include "ir/passes.h"
#include "ir/ranges.h"

#define MAX_ROUNDS 32
#define MAX_PREDS  1024 /* keeps the search for a pred from becoming quadratic */

static int pred_index(const struct ir_block *b, const struct ir_block *from)
{
	for (u32 i = 0; i < b->n_preds; i++)
		if (b->preds[i] == from)
			return (int)i;
	return -1;
}

static void drop_pred(struct ir_block *b, const struct ir_block *from)
{
	int i = pred_index(b, from);

	if (i >= 0)
		ir_pred_remove(b, (u32)i);
}

/* ---- passing by ------------------------------------------------------------------------------ */

/* What a phi of T gets over P -> T when it got `v` over B -> T and P is pred `i` of B. */
static struct ir_ins *seen_from(struct ir_ins *v, const struct ir_block *b, u32 i)
{
	return v->op == IR_PHI && v->block == b ? v->args[i] : v;
}

static bool can_pass_by(const struct ir_block *b, u32 i, const struct ir_block *to)
{
	int from_b, from_p;

	if (to->n_preds >= MAX_PREDS)
		return false;
	from_b = pred_index(to, b);
	from_p = pred_index(to, b->preds[i]);
	for (struct ir_ins *x = to->first; from_p >= 0 && x->op == IR_PHI; x = x->next)
		if (x->args[from_p] != seen_from(x->args[from_b], b, i))
			return false;
	return true;
}

static void retarget(struct ir_ins *end, const struct ir_block *old, struct ir_block *to)
{
	for (int k = 0; k < 2; k++)
		if (end->to[k] == old)
			end->to[k] = to;
	if (end->to[0] == end->to[1]) {
		end->op = IR_JUMP;
		end->n_args = 0;
		end->to[1] = NULL;
	}
}

/* Lets pred `i` of `b` go to `to`, a target of `b`, directly. */
static bool pass_by(struct ir_block *b, u32 i, struct ir_block *to)
{
	struct ir_block *p = b->preds[i];
	int from_b;

	if (!can_pass_by(b, i, to))
		return false;
	from_b = pred_index(to, b);
	if (pred_index(to, p) < 0) {
		ir_pred_add(to, p);
		for (struct ir_ins *x = to->first; x->op == IR_PHI; x = x->next)
			ir_phi_add(x, seen_from(x->args[from_b], b, i));
	}
	retarget(p->last, b, to);
	ir_pred_remove(b, i);
	return true;
}

/* Removes a block that nothing goes to any more. */
static void remove_block(struct ir_block *b)
{
	for (int k = 0; k < 2; k++)
		if (b->last->to[k])
			drop_pred(b->last->to[k], b);
	ir_block_remove(b);
}

/* ---- empty blocks ---------------------------------------------------------------------------- */

static bool skip_empty(struct ir_fn *fn)
{
	bool changed = false;
	struct ir_block *next;

	for (struct ir_block *b = fn->first->next; b; b = next) {
		struct ir_block *to = b->last->to[0];

		next = b->next;
		if (b->first != b->last || b->last->op != IR_JUMP || to == b)
			continue;
		for (u32 i = b->n_preds; i-- > 0;)
			changed |= pass_by(b, i, to);
		if (!b->n_preds)
			remove_block(b);
	}
	return changed;
}

/* ---- branches on phis ------------------------------------------------------------------------ */

/* Whether operand `i` of `x` may be a phi of block `b` that paths come to no longer pass: it is the
 * condition (or the comparison) at the end of the block, or leaves it at once into another phi. */
static bool is_harmless_use(const struct ir_ins *x, u32 i, const struct ir_block *b)
{
	if (x->op == IR_PHI)
		return x->block->preds[i] == b;
	return x->block == b &&
	       (x == b->last || (x == b->last->prev && b->last->n_args && b->last->args[0] == x));
}

/* Sets the mark of blocks that make something which is needed behind their end. */
static void mark_makers(struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next)
		b->mark = 0;
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			for (u32 i = 0; i < x->n_args; i++)
				if (x->args[i]->op != IR_CONST &&
				    !is_harmless_use(x, i, x->args[i]->block))
					x->args[i]->block->mark = 1;
}

/* Constants can be made anywhere: out of the way with those of this block. */
static void move_constants(struct ir_block *b)
{
	struct ir_ins *next;

	for (struct ir_ins *x = b->first; x; x = next) {
		next = x->next;
		if (x->op != IR_CONST)
			continue;
		ir_remove(x);
		ir_insert_before(b->fn->first->last, x);
	}
}

/* The phi that decides where a block goes that does nothing else, or NULL. */
static struct ir_ins *deciding_phi(const struct ir_block *b)
{
	struct ir_ins *cond, *x = b->first;

	if (b->mark || b->last->op != IR_IF)
		return NULL;
	cond = b->last->args[0];
	while (x->op == IR_PHI || x->op == IR_CONST)
		x = x->next;
	if (x == b->last)
		return cond->op == IR_PHI && cond->block == b ? cond : NULL;
	if (x != cond || x->next != b->last || !(ir_op_info(x->op)->flags & IR_F_CMP) ||
	    x->args[1]->op != IR_CONST)
		return NULL;
	return x->args[0]->op == IR_PHI && x->args[0]->block == b ? x->args[0] : NULL;
}

/* Where the block goes when its deciding phi has the constant `v`. */
static struct ir_block *decision(const struct ir_block *b, const struct ir_ins *v)
{
	const struct ir_ins *cond = b->last->args[0];
	u64 bits = ir_const_bits(v);

	if (cond->op != IR_PHI)
		bits = ir_eval(cond, bits, ir_const_bits(cond->args[1]));
	return b->last->to[bits ? 0 : 1];
}

static bool thread_block(struct ir_block *b)
{
	struct ir_ins *phi = deciding_phi(b);
	bool changed = false;

	if (!phi)
		return false;
	for (u32 i = b->n_preds; i-- > 0;) {
		struct ir_block *to;

		if (phi->args[i]->op != IR_CONST)
			continue;
		to = decision(b, phi->args[i]);
		if (to == b || !can_pass_by(b, i, to))
			continue;
		move_constants(b);
		changed |= pass_by(b, i, to);
	}
	return changed;
}

static bool thread_branches(struct ir_fn *fn)
{
	bool changed = false;

	mark_makers(fn);
	for (struct ir_block *b = fn->first->next; b; b = b->next)
		changed |= thread_block(b);
	if (changed)
		ir_cfg_build(fn);
	return changed;
}

/* ---- phis of one value ----------------------------------------------------------------------- */

static struct ir_ins *only_value(const struct ir_ins *phi)
{
	struct ir_ins *only = NULL;

	for (u32 i = 0; i < phi->n_args; i++) {
		if (phi->args[i] == phi)
			continue;
		if (only && phi->args[i] != only)
			return NULL;
		only = phi->args[i];
	}
	return only;
}

static bool drop_simple_phis(struct ir_fn *fn)
{
	bool changed = false;
	struct ir_ins *next;

	ir_notes_clear(fn);
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x->op == IR_PHI; x = next) {
			next = x->next;
			x->note = only_value(x);
			if (!x->note)
				continue;
			ir_remove(x);
			changed = true;
		}
	if (changed)
		ir_forward_all(fn);
	return changed;
}

/* ---- what nobody uses ------------------------------------------------------------------------ */

static void count_uses(struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			for (u32 i = 0; i < x->n_args; i++)
				if (x->args[i] != x)
					x->args[i]->mark++;
}

/* Backwards, so that what only the removed ones used goes at the same time. */
static bool drop_unused(struct ir_fn *fn)
{
	bool changed = false;
	struct ir_ins *prev;

	ir_notes_clear(fn);
	count_uses(fn);
	for (struct ir_block *b = fn->last; b; b = b->prev)
		for (struct ir_ins *x = b->last; x; x = prev) {
			prev = x->prev;
			if (x->mark || !ir_is_removable(x))
				continue;
			for (u32 i = 0; i < x->n_args; i++)
				if (x->args[i] != x)
					x->args[i]->mark--;
			ir_remove(x);
			changed = true;
		}
	return changed;
}

/* ---- blocks in a line ------------------------------------------------------------------------ */

/* The block that `b` alone jumps to, and always; else NULL. */
static struct ir_block *continuation(const struct ir_block *b)
{
	struct ir_block *next = b->last->op == IR_JUMP ? b->last->to[0] : NULL;

	if (!next || next->n_preds != 1 || next == b || next->first->op == IR_PHI)
		return NULL;
	return next;
}

static void append_block(struct ir_block *b, struct ir_block *next)
{
	ir_remove(b->last);
	for (struct ir_ins *x = next->first; x; x = x->next)
		x->block = b;
	if (b->last) {
		b->last->next = next->first;
		next->first->prev = b->last;
	} else {
		b->first = next->first;
	}
	b->last = next->last;
	next->first = next->last = NULL;
	ir_block_remove(next);
}

/* Blocks that were appended have the block they are in now in `note`. */
static void rename_preds(struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (u32 i = 0; i < b->n_preds; i++)
			if (b->preds[i]->note)
				b->preds[i] = b->preds[i]->note;
}

/* In reverse postorder the first block of a line comes first and takes in all the others. */
static bool merge_lines(struct arena *scratch, struct ir_fn *fn)
{
	bool changed = false;
	u32 n;
	struct ir_block **order = ir_rpo(scratch, fn, &n);

	ir_notes_clear(fn);
	for (u32 i = 0; i < n; i++) {
		struct ir_block *b = order[i], *next;

		if (b->note)
			continue;
		while ((next = continuation(b))) {
			append_block(b, next);
			next->note = b;
			changed = true;
		}
	}
	if (changed)
		rename_preds(fn);
	return changed;
}

void ir_pass_cfg(struct ir_pass_ctx *c, struct ir_fn *fn)
{
	u32 rounds = MAX_ROUNDS;
	bool changed;

	ir_cfg_build(fn);
	do {
		changed = thread_branches(fn);
		changed |= skip_empty(fn);
		changed |= drop_simple_phis(fn);
		changed |= drop_unused(fn);
		changed |= merge_lines(c->scratch, fn);
	} while (changed && --rounds);
	ir_notes_clear(fn);
}
