/* fold_arith: rules for addition to shifts. Part of pass `fold`; see fold.h for what a rule is.
 *
 * The forms that rules work towards: a constant stands on the right; a subtraction of a constant is
 * an addition; a chain of one operation with constants is one operation; multiplication, division
 * and remainder by powers of two are shifts and masks.
 *
 * Rules that look behind an operand hold only when nobody else uses it. Otherwise the program may
 * have compared it with a bound, which the verifier remembers for that value and not for the ones
 * that it was made from: in `y = i + 1; if (y < 8) a[y + 2]` the sum must stay y + 2. Constant
 * parts of addresses are no such bounds.
 *
 * Sums of addresses get their constant part last, (p + c) + i becoming (p + i) + c, so that it ends
 * up in the offset of the load. The index is not taken apart, for the same reason.
 */
#include "ir/fold.h"

static bool is_power(u64 v)
{
	return v && !(v & (v - 1));
}

static s64 log2_of(u64 v)
{
	return __builtin_ctzll(v);
}

/* Whether `x` is the operation `op` with a constant on its right, and made only for its one user.
 */
static bool is_with_const(const struct ir_ins *x, enum ir_op op)
{
	return x->op == op && ir_is_const(x->args[1]) && ir_fold_single(x);
}

/* A constant of this width that an instruction can hold. */
static bool fits(u8 width, s64 v)
{
	return width == 32 || ir_fits_imm(v);
}

/* x OP c, with another constant. */
static struct ir_ins *with_number(struct ir_folder *f, struct ir_ins *x, enum ir_op op,
				  struct ir_ins *a, s64 value)
{
	return ir_fold_become(f, x, op, a, ir_fold_number(f, x, x->width, value));
}

/* Made as an address by this function itself, so that adding to it is adding to a pointer. */
static bool is_pointer(const struct ir_ins *x)
{
	for (int depth = 0; depth < 4 && x->op == IR_ADD; depth++)
		x = x->args[0];
	return x->op == IR_SLOT || x->op == IR_SYM || x->region != IR_IN_UNKNOWN;
}

/* pointer + (y + c) is (pointer + y) + c: accesses take c as their offset, and neighbours share the sum. Only where
 * what makes y bounds it: a verifier may know y + c from a comparison, and nothing of y. */
static bool is_bounded_index(const struct ir_ins *x, const struct ir_ins *b)
{
	return x->width == 64 && b->op == IR_ADD && ir_fold_single(b) && ir_is_const(b->args[1]) &&
	       b->args[1]->imm > 0 && b->args[1]->imm <= INT16_MAX &&
	       ir_fold_range(b->args[0]).umax <= UINT16_MAX;
}

static struct ir_ins *fold_add(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];
	s64 sum;

	if (ir_is_number(b, 0))
		return a;
	if (is_pointer(a) && is_bounded_index(x, b))
		return ir_fold_become(f, x, IR_ADD, ir_fold_new(f, x, IR_ADD, 64, a, b->args[0]),
				      b->args[1]);
	if (a->op != IR_ADD || !ir_is_const(a->args[1]) ||
	    !(ir_fold_single(a) || is_pointer(a->args[0])))
		return NULL;
	if (ir_is_const(b)) {
		sum = (s64)((u64)a->args[1]->imm + (u64)b->imm);
		return fits(x->width, sum) ? with_number(f, x, IR_ADD, a->args[0], sum) : NULL;
	}
	if (x->width == 64 && ir_fold_single(a) && is_pointer(a->args[0]))
		return ir_fold_become(f, x, IR_ADD, ir_fold_new(f, x, IR_ADD, 64, a->args[0], b),
				      a->args[1]);
	return NULL;
}

static struct ir_ins *fold_sub(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];

	if (a == b)
		return ir_fold_number(f, x, x->width, 0);
	if (ir_is_number(b, 0))
		return a;
	if (ir_is_const(b) && fits(x->width, (s64) - (u64)b->imm))
		return with_number(f, x, IR_ADD, a, (s64) - (u64)b->imm);
	if (ir_is_number(a, 0))
		return ir_fold_become(f, x, IR_NEG, b, NULL);
	return NULL;
}

static struct ir_ins *fold_mul(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];
	s64 product;

	if (!ir_is_const(b))
		return NULL;
	if (b->imm == 0)
		return b;
	if (b->imm == 1)
		return a;
	if (b->imm == -1)
		return ir_fold_become(f, x, IR_NEG, a, NULL);
	if (is_power(ir_const_bits(b)))
		return with_number(f, x, IR_SHL, a, log2_of(ir_const_bits(b)));
	if (is_with_const(a, IR_MUL)) {
		product = (s64)((u64)a->args[1]->imm * (u64)b->imm);
		if (fits(x->width, product))
			return with_number(f, x, IR_MUL, a->args[0], product);
	}
	return NULL;
}

static struct ir_ins *fold_udiv(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];

	if (ir_is_number(a, 0))
		return a;
	if (!ir_is_const(b))
		return NULL;
	if (b->imm == 0) /* RFC 9669 4.1: x / 0 = 0 */
		return b;
	if (is_power(ir_const_bits(b)))
		return with_number(f, x, IR_LSHR, a, log2_of(ir_const_bits(b)));
	return NULL;
}

static struct ir_ins *fold_umod(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];

	if (ir_is_number(a, 0))
		return a;
	if (ir_range_compare(IR_ULT, ir_fold_range(a), ir_fold_range(b)) == 1)
		return a;
	if (!ir_is_const(b))
		return NULL;
	if (b->imm == 0) /* RFC 9669 4.1: x % 0 = x */
		return a;
	if (is_power(ir_const_bits(b)))
		return with_number(f, x, IR_AND, a, (s64)(ir_const_bits(b) - 1));
	return NULL;
}

/* Signed division of what is never negative is unsigned, which every machine has. */
static struct ir_ins *fold_signed_division(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];
	bool is_div = x->op == IR_SDIV;

	if (ir_fold_range(a).smin >= 0 && ir_fold_range(b).smin >= 0)
		return ir_fold_become(f, x, is_div ? IR_UDIV : IR_UMOD, a, b);
	if (ir_is_number(b, 0))
		return is_div ? b : a;
	if (ir_is_number(b, 1))
		return is_div ? a : ir_fold_number(f, x, x->width, 0);
	if (ir_is_number(b, -1))
		return is_div ? ir_fold_become(f, x, IR_NEG, a, NULL)
			      : ir_fold_number(f, x, x->width, 0);
	return NULL;
}

static struct ir_ins *fold_and(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];
	u64 maybe = ir_fold_range(a).maybe, mask;

	if (a == b)
		return a;
	if (!ir_is_const(b))
		return NULL;
	mask = ir_const_bits(b);
	if (!(maybe & mask))
		return ir_fold_number(f, x, x->width, 0);
	if (!(maybe & ~mask))
		return a;
	if (is_with_const(a, IR_AND))
		return with_number(f, x, IR_AND, a->args[0], a->args[1]->imm & b->imm);
	if (mask == UINT32_MAX && x->width == 64) {
		ir_fold_become(f, x, IR_ZEXT, a, NULL)->count = 32;
		return x;
	}
	return NULL;
}

static struct ir_ins *fold_or(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];

	if (a == b || ir_is_number(b, 0))
		return a;
	if (ir_is_number(b, -1))
		return b;
	if (is_with_const(a, IR_OR) && ir_is_const(b))
		return with_number(f, x, IR_OR, a->args[0], a->args[1]->imm | b->imm);
	return NULL;
}

static struct ir_ins *fold_xor(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];

	if (a == b)
		return ir_fold_number(f, x, x->width, 0);
	if (ir_is_number(b, 0))
		return a;
	if (is_with_const(a, IR_XOR) && ir_is_const(b))
		return with_number(f, x, IR_XOR, a->args[0], a->args[1]->imm ^ b->imm);
	if (ir_op_info(a->op)->flags & IR_F_CMP && ir_is_number(b, 1)) {
		x->size = a->size;
		return ir_fold_become(f, x, ir_inverse(a->op), a->args[0], a->args[1]);
	}
	return NULL;
}

/* ---- shifts ---------------------------------------------------------------------------------- */

/* (a << i) << k and the like: one shift, or all bits gone. */
static struct ir_ins *join_shifts(struct ir_folder *f, struct ir_ins *x, struct ir_ins *a, s64 k)
{
	s64 sum = k + (a->args[1]->imm & (x->width - 1));

	if (sum < x->width)
		return with_number(f, x, x->op, a->args[0], sum);
	if (x->op == IR_ASHR)
		return with_number(f, x, IR_ASHR, a->args[0], x->width - 1);
	return ir_fold_number(f, x, x->width, 0);
}

/* (a << k) >> k and (a >> k) << k keep what a mask keeps. */
static struct ir_ins *shifts_to_mask(struct ir_folder *f, struct ir_ins *x, struct ir_ins *a, s64 k)
{
	u64 all = ir_low_mask(x->width), mask = x->op == IR_LSHR ? all >> k : all << k & all;

	if (x->width == 32)
		mask = (u64)(s32)mask;
	else if (mask == UINT32_MAX) {
		ir_fold_become(f, x, IR_ZEXT, a, NULL)->count = 32;
		return x;
	}
	return ir_fits_imm((s64)mask) ? with_number(f, x, IR_AND, a, (s64)mask) : NULL;
}

static struct ir_ins *fold_shift(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *b = x->args[1];
	s64 k = b->imm & (x->width - 1);

	if (ir_is_number(a, 0))
		return a;
	if (x->op == IR_ASHR && ir_fold_range(a).smin >= 0)
		return ir_fold_become(f, x, IR_LSHR, a, b);
	if (!ir_is_const(b))
		return NULL;
	if (k == 0)
		return a;
	if (k != b->imm)
		return ir_fold_set(f, x, 1, ir_fold_number(f, x, x->width, k));
	if (x->op == IR_LSHR && !(ir_fold_range(a).umax >> k))
		return ir_fold_number(f, x, x->width, 0);
	if (is_with_const(a, x->op))
		return join_shifts(f, x, a, k);
	if ((x->op == IR_LSHR && is_with_const(a, IR_SHL)) ||
	    (x->op == IR_SHL && is_with_const(a, IR_LSHR)))
		if ((a->args[1]->imm & (x->width - 1)) == k)
			return shifts_to_mask(f, x, a->args[0], k);
	return NULL;
}

static struct ir_ins *fold_neg(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0];

	if (a->op == IR_NEG)
		return a->args[0];
	if (a->op == IR_SUB)
		return ir_fold_become(f, x, IR_SUB, a->args[1], a->args[0]);
	return NULL;
}

struct ir_ins *ir_fold_arithmetic(struct ir_folder *f, struct ir_ins *x)
{
	if (ir_op_info(x->op)->flags & IR_F_COMM && ir_is_const(x->args[0]))
		return ir_fold_become(f, x, x->op, x->args[1], x->args[0]);
	switch (x->op) {
	case IR_ADD: return fold_add(f, x);
	case IR_SUB: return fold_sub(f, x);
	case IR_MUL: return fold_mul(f, x);
	case IR_UDIV: return fold_udiv(f, x);
	case IR_UMOD: return fold_umod(f, x);
	case IR_SDIV:
	case IR_SMOD: return fold_signed_division(f, x);
	case IR_AND: return fold_and(f, x);
	case IR_OR: return fold_or(f, x);
	case IR_XOR: return fold_xor(f, x);
	case IR_SHL:
	case IR_LSHR:
	case IR_ASHR: return fold_shift(f, x);
	case IR_NEG: return fold_neg(f, x);
	default: return NULL;
	}
}
