/* fold_width: rules for extensions, truncation and byte swaps. Part of pass `fold`; see fold.h for
 * what a rule is.
 *
 * C asks for an extension after every operation on a narrow integer; most change nothing, because
 * the value is in the range already (a load extends, a mask cuts) or because the next operation
 * looks only at the lower bits. What is left should be ZEXT 32 to 64, which costs no instruction.
 *
 * Like in fold_arith.c, an operand that others use as well is not looked behind, unless the result
 * is the very number that it was made from.
 */
#include "ir/fold.h"

/* Whether `x` leaves the lower `bits` of its first operand as they are. */
static bool keeps_low_bits(const struct ir_ins *x, u32 bits)
{
	switch (x->op) {
	case IR_ZEXT:
	case IR_SEXT: return x->count >= bits;
	case IR_TRUNC: return bits <= 32;
	case IR_AND:
		return ir_is_const(x->args[1]) &&
		       (ir_const_bits(x->args[1]) & ir_low_mask(bits)) == ir_low_mask(bits);
	default: return false;
	}
}

struct ir_ins *ir_fold_low_bits(struct ir_ins *x, u32 bits)
{
	while (keeps_low_bits(x, bits))
		x = x->args[0];
	return x;
}

/* The same, but only behind values that have no other user. */
static struct ir_ins *low_bits_of_single(struct ir_ins *x, u32 bits)
{
	while (keeps_low_bits(x, bits) && ir_fold_single(x))
		x = x->args[0];
	return x;
}

/* Makes `x` an extension from `bits` of `a`. */
static struct ir_ins *extension(struct ir_folder *f, struct ir_ins *x, enum ir_op op, u32 bits,
				struct ir_ins *a)
{
	ir_fold_become(f, x, op, a, NULL)->count = bits;
	return x;
}

/* An extension of `a` that does not change its number: `a` in the width of `x`. */
static struct ir_ins *unchanged(struct ir_folder *f, struct ir_ins *x, struct ir_ins *a)
{
	if (a->width == x->width)
		return a;
	if (x->width == 32)
		return ir_fold_become(f, x, IR_TRUNC, a, NULL);
	return x->op == IR_ZEXT && x->count == 32 ? NULL : extension(f, x, IR_ZEXT, 32, a);
}

/* A sum that stays below 2^32 is the same in 64 bits: the constant comes to the outside, where addresses take it as
 * their offset. */
static struct ir_ins *widen_sum(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *sum = x->args[0], *wide;

	if (x->width != 64 || x->count != 32 || sum->width != 32 || sum->op != IR_ADD ||
	    !ir_is_const(sum->args[1]) || sum->args[1]->imm <= 0 || sum->args[1]->imm > INT16_MAX ||
	    ir_fold_range(sum->args[0]).umax + (u64)sum->args[1]->imm > UINT32_MAX)
		return NULL;
	wide = ir_fold_new(f, x, IR_ZEXT, 64, sum->args[0], NULL);
	wide->count = 32;
	return ir_fold_become(f, x, IR_ADD, wide, ir_fold_number(f, x, 64, sum->args[1]->imm));
}

static struct ir_ins *fold_zext(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *low = low_bits_of_single(a, x->count), *wide;

	if (low != a)
		return ir_fold_set(f, x, 0, low);
	wide = widen_sum(f, x);
	if (wide)
		return wide;
	return ir_fold_range(a).umax <= ir_low_mask(x->count) ? unchanged(f, x, a) : NULL;
}

static struct ir_ins *fold_sext(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *low = low_bits_of_single(a, x->count);
	s64 max = (s64)(ir_low_mask(x->count) >> 1);
	struct ir_range r = ir_fold_range(a);

	if (low != a)
		return ir_fold_set(f, x, 0, low);
	/* A load extends by itself as far as it is asked to. */
	if (x->width == 64 && x->count == 32 && a->op == IR_LOAD && a->width == 32 &&
	    a->is_signed && ir_fold_single(a))
		return ir_fold_load_width(a, 64);
	if (r.smin < -max - 1 || r.smax > max)
		return NULL;
	if (r.smin >= 0 || a->width >= x->width)
		return unchanged(f, x, a);
	return x->count < 32 ? extension(f, x, IR_SEXT, 32, a) : NULL;
}

static struct ir_ins *fold_trunc(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0];

	if ((a->op == IR_ZEXT || a->op == IR_SEXT) && a->count == 32)
		return a->args[0]->width == 32 ? a->args[0] : ir_fold_set(f, x, 0, a->args[0]);
	if (!ir_fold_single(a))
		return NULL;
	if (a->op == IR_ZEXT || a->op == IR_SEXT)
		return extension(f, x, a->op, a->count, a->args[0]);
	if (a->op == IR_AND && keeps_low_bits(a, 32))
		return ir_fold_set(f, x, 0, a->args[0]);
	if (a->op == IR_LOAD && a->size <= 4)
		return ir_fold_load_width(a, 32);
	return NULL;
}

static struct ir_ins *fold_bswap(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *a = x->args[0], *low = low_bits_of_single(a, x->count);

	if (a->op == IR_BSWAP && a->count == x->count) {
		if (x->count == 64)
			return a->args[0];
		if (x->count < x->width)
			return extension(f, x, IR_ZEXT, x->count, a->args[0]);
		return a->args[0]->width == 32 ? a->args[0]
					       : ir_fold_become(f, x, IR_TRUNC, a->args[0], NULL);
	}
	return low != a && low->width >= x->count ? ir_fold_set(f, x, 0, low) : NULL;
}

struct ir_ins *ir_fold_width(struct ir_folder *f, struct ir_ins *x)
{
	switch (x->op) {
	case IR_ZEXT: return fold_zext(f, x);
	case IR_SEXT: return fold_sext(f, x);
	case IR_TRUNC: return fold_trunc(f, x);
	default: return fold_bswap(f, x);
	}
}
