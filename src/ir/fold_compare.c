/* fold_compare: rules for comparisons and branches. Part of pass `fold`; see fold.h for what a rule
 * is.
 *
 * A comparison has its constant on the right and works on 32 bits where both operands were only
 * widened to be compared. Comparing a truth value with 0 or 1 is the truth value itself or the
 * inverse comparison. A branch tests what was compared, not whether the result of comparing is 0.
 */
#include "ir/fold.h"

static bool is_compare(const struct ir_ins *x)
{
	return ir_op_info(x->op)->flags & IR_F_CMP;
}

static bool is_equality(enum ir_op op)
{
	return op == IR_EQ || op == IR_NE;
}

static bool is_signed_order(enum ir_op op)
{
	return op == IR_SLT || op == IR_SLE || op == IR_SGT || op == IR_SGE;
}

bool ir_fold_is_address(const struct ir_ins *x)
{
	enum ir_sym_kind kind;

	if (x->op == IR_ADD && x->args[0]->op == IR_SLOT && ir_is_const(x->args[1]) &&
	    x->args[1]->imm >= 0)
		return true;
	if (x->op != IR_SYM)
		return x->op == IR_SLOT;
	kind = x->block->fn->m->syms.at[x->sym].kind;
	return kind == IR_SYM_MAP || kind == IR_SYM_DATA || kind == IR_SYM_FN;
}

/* The result of a comparison that is always the same, else -1. */
static int known_result(const struct ir_ins *x)
{
	const struct ir_ins *a = x->args[0], *b = x->args[1];

	if (a == b)
		return x->op == IR_EQ || x->op == IR_ULE || x->op == IR_UGE || x->op == IR_SLE ||
		       x->op == IR_SGE;
	if (is_equality(x->op) && ir_is_number(b, 0) && ir_fold_is_address(a))
		return x->op == IR_NE;
	return ir_range_compare(x->op, ir_fold_range(a), ir_fold_range(b));
}

/* Unsigned comparisons that say no more than whether the value is zero. */
static struct ir_ins *compare_with_zero(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];
	bool one = ir_is_number(b, 1), zero = ir_is_number(b, 0);
	enum ir_op op;

	if ((x->op == IR_ULT && one) || (x->op == IR_ULE && zero))
		op = IR_EQ;
	else if ((x->op == IR_UGE && one) || (x->op == IR_UGT && zero))
		op = IR_NE;
	else
		return NULL;
	return ir_fold_become(f, x, op, a, zero ? b : ir_fold_number(f, x, (u8)(x->size * 8), 0));
}

/* A truth value compared with 0 or 1. */
static struct ir_ins *compare_truth(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];
	bool wants_true = (x->op == IR_EQ) == ir_is_number(b, 1);

	if (!is_equality(x->op) || ir_fold_range(a).umax > 1 ||
	    !(ir_is_number(b, 0) || ir_is_number(b, 1)))
		return NULL;
	if (wants_true)
		return a->width == 32 ? a : ir_fold_become(f, x, IR_TRUNC, a, NULL);
	if (is_compare(a)) {
		x->size = a->size;
		return ir_fold_become(f, x, ir_inverse(a->op), a->args[0], a->args[1]);
	}
	/* (x != 1) of another truth value: said as (x == 0). */
	if (ir_is_number(b, 1))
		return ir_fold_become(f, x, IR_EQ, a, ir_fold_number(f, x, a->width, 0));
	return NULL;
}

/* Whether `x` only widens a 32-bit value by `op`, for this comparison alone. */
static bool is_widened(const struct ir_ins *x, enum ir_op op)
{
	return x->op == op && x->width == 64 && x->count == 32 && x->args[0]->width == 32 &&
	       (ir_fold_single(x) || ir_fold_range(x).umax <= 1);
}

/* The 32-bit comparison of what was widened to 64 bits. */
static struct ir_ins *compare_narrow(struct ir_folder *f, struct ir_ins *x, enum ir_op ext)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];
	enum ir_op op = x->op;

	if (x->size != 8 || !is_widened(a, ext))
		return NULL;
	if (ir_is_const(b)) {
		if (ext == IR_ZEXT ? (u64)b->imm > UINT32_MAX : !ir_fits_imm(b->imm))
			return NULL;
		b = ir_fold_number(f, x, 32, b->imm);
	} else {
		if (!is_widened(b, ext))
			return NULL;
		b = b->args[0];
	}
	/* Numbers that were widened by zeros are not negative. */
	if (ext == IR_ZEXT && is_signed_order(op))
		op = op == IR_SLT ? IR_ULT : op == IR_SLE ? IR_ULE : op == IR_SGT ? IR_UGT : IR_UGE;
	x->size = 4;
	return ir_fold_become(f, x, op, a->args[0], b);
}

/* (x + c) == d is x == d - c. */
static struct ir_ins *compare_sum(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];
	u8 width = x->size * 8;
	s64 d;

	if (!is_equality(x->op) || a->op != IR_ADD || !ir_fold_single(a) || !ir_is_const(b) ||
	    !ir_is_const(a->args[1]))
		return NULL;
	d = (s64)((u64)b->imm - (u64)a->args[1]->imm);
	if (width == 64 && !ir_fits_imm(d))
		return NULL;
	return ir_fold_become(f, x, x->op, a->args[0], ir_fold_number(f, x, width, d));
}

struct ir_ins *ir_fold_compare(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *r;
	int known;

	if (ir_is_const(x->args[0]))
		return ir_fold_become(f, x, ir_mirrored(x->op), x->args[1], x->args[0]);
	known = known_result(x);
	if (known >= 0)
		return ir_fold_number(f, x, 32, known);
	r = compare_with_zero(f, x);
	if (!r)
		r = compare_truth(f, x);
	if (!r)
		r = compare_narrow(f, x, IR_ZEXT);
	/* A comparison of sign-extended values keeps its meaning unless it is an unsigned order. */
	if (!r && (is_equality(x->op) || is_signed_order(x->op)))
		r = compare_narrow(f, x, IR_SEXT);
	return r ? r : compare_sum(f, x);
}

struct ir_ins *ir_fold_if(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *cond = x->args[0];
	struct ir_block *yes = x->to[0];

	if (ir_is_number(cond, 0))
		return ir_fold_jump(f, x, 1);
	if (ir_is_const(cond) || ir_fold_range(cond).umin > 0 || ir_fold_is_address(cond))
		return ir_fold_jump(f, x, 0);
	if (is_equality(cond->op) && ir_is_number(cond->args[1], 0)) {
		if (cond->op == IR_EQ) {
			x->to[0] = x->to[1];
			x->to[1] = yes;
		}
		return ir_fold_set(f, x, 0, cond->args[0]);
	}
	if (cond->op == IR_NEG ||
	    ((cond->op == IR_ZEXT || cond->op == IR_SEXT) && cond->count == cond->args[0]->width))
		return ir_fold_set(f, x, 0, cond->args[0]);
	return NULL;
}
