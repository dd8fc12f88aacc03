/* ranges: what a value may be, from what its operands may be.
 *
 * Three views of one set of numbers are kept beside each other: an unsigned interval of the
 * register, a signed interval of the value's own width, and the bits that may be one. Each
 * operation gives what it can in the view where it is simple; settle() then carries it over to the
 * others.
 *
 * Passes remove masks and extensions that change nothing. The kernel's verifier has to agree that
 * they change nothing, or the program that had a bound in its source loses it. So no rule here may
 * know more than the verifier finds out by itself: results of division, byte swaps, helper calls
 * and atomics are full, although more could be said, and branches are not looked at.
 */
#include "ir/ranges.h"

static u64 width_mask(u32 bits)
{
	return bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
}

/* All bits up to the highest one of `v`. */
static u64 smear(u64 v)
{
	return v ? UINT64_MAX >> __builtin_clzll(v) : 0;
}

static s64 signed_value(u64 bits, u8 width)
{
	return width == 32 ? (s32)bits : (s64)bits;
}

struct ir_range ir_range_full(u8 width)
{
	return (struct ir_range){
		.umax = width_mask(width),
		.smin = width == 32 ? INT32_MIN : INT64_MIN,
		.smax = width == 32 ? INT32_MAX : INT64_MAX,
		.maybe = width_mask(width),
	};
}

struct ir_range ir_range_const(u8 width, u64 bits)
{
	s64 v = signed_value(bits, width);

	return (struct ir_range){ bits, bits, v, v, bits };
}

/* Lets each view learn from the others. */
static struct ir_range settle(struct ir_range r, u8 width)
{
	u64 sign = 1ull << (width - 1);

	if (r.umax > r.maybe)
		r.umax = r.maybe;
	if (r.smin >= 0) {
		if ((u64)r.smin > r.umin)
			r.umin = (u64)r.smin;
		if ((u64)r.smax < r.umax)
			r.umax = (u64)r.smax;
	}
	/* On one side of the sign the order of signed and unsigned numbers is the same. */
	if (r.umin >= sign || r.umax < sign) {
		if (signed_value(r.umin, width) > r.smin)
			r.smin = signed_value(r.umin, width);
		if (signed_value(r.umax, width) < r.smax)
			r.smax = signed_value(r.umax, width);
	}
	r.maybe &= smear(r.umax);
	return r;
}

/* Unsigned, at most `umax`, of which only `maybe` can be set. */
static struct ir_range at_most(u8 width, u64 umin, u64 umax, u64 maybe)
{
	struct ir_range r = ir_range_full(width);

	r.umin = umin;
	r.umax = umax;
	r.maybe &= maybe;
	return settle(r, width);
}

static struct ir_range between(u8 width, s64 smin, s64 smax)
{
	struct ir_range r = ir_range_full(width);

	r.smin = smin;
	r.smax = smax;
	return settle(r, width);
}

/* ---- operations ------------------------------------------------------------------------------ */

static struct ir_range add(u8 width, struct ir_range a, struct ir_range b)
{
	struct ir_range r = ir_range_full(width);
	s64 smin, smax;
	u64 umax;

	if (!__builtin_add_overflow(a.umax, b.umax, &umax) && umax <= width_mask(width)) {
		r.umin = a.umin + b.umin;
		r.umax = umax;
	}
	if (!__builtin_add_overflow(a.smin, b.smin, &smin) &&
	    !__builtin_add_overflow(a.smax, b.smax, &smax) && smin >= r.smin && smax <= r.smax) {
		r.smin = smin;
		r.smax = smax;
	}
	return settle(r, width);
}

static struct ir_range subtract(u8 width, struct ir_range a, struct ir_range b)
{
	struct ir_range r = ir_range_full(width);
	s64 smin, smax;

	if (a.umin >= b.umax) {
		r.umin = a.umin - b.umax;
		r.umax = a.umax - b.umin;
	}
	if (!__builtin_sub_overflow(a.smin, b.smax, &smin) &&
	    !__builtin_sub_overflow(a.smax, b.smin, &smax) && smin >= r.smin && smax <= r.smax) {
		r.smin = smin;
		r.smax = smax;
	}
	return settle(r, width);
}

static struct ir_range multiply(u8 width, struct ir_range a, struct ir_range b)
{
	u64 umax;

	if (__builtin_mul_overflow(a.umax, b.umax, &umax) || umax > width_mask(width))
		return ir_range_full(width);
	return at_most(width, a.umin * b.umin, umax, UINT64_MAX);
}

/* Shifts by a known count. By an unknown one nothing is said, not even that a right shift does not grow:
 * the kernel's verifier knows nothing then, so that a mask behind it has to stay. */
static struct ir_range shift(const struct ir_ins *x, struct ir_range a, struct ir_range b)
{
	u64 k = b.umin & (x->width - 1);

	if (b.umin != b.umax)
		return ir_range_full(x->width);
	switch (x->op) {
	case IR_SHL:
		if (a.umax << k >> k != a.umax || a.umax << k > width_mask(x->width))
			return at_most(x->width, 0, width_mask(x->width), a.maybe << k);
		return at_most(x->width, a.umin << k, a.umax << k, a.maybe << k);
	case IR_LSHR: return at_most(x->width, a.umin >> k, a.umax >> k, a.maybe >> k);
	default: /* ASHR */ return between(x->width, a.smin >> k, a.smax >> k);
	}
}

/* ZEXT and TRUNC: the lower `bits` of a value. */
static struct ir_range low_bits(u8 width, u32 bits, struct ir_range a)
{
	u64 mask = width_mask(bits);

	if (a.umax <= mask)
		return at_most(width, a.umin, a.umax, a.maybe);
	return at_most(width, 0, mask, a.maybe & mask);
}

static struct ir_range sign_extension(u8 width, u32 bits, struct ir_range a)
{
	s64 max = (s64)(width_mask(bits) >> 1), min = -max - 1;

	if (a.smin >= min && a.smax <= max)
		return between(width, a.smin, a.smax);
	return between(width, min, max);
}

static struct ir_range loaded(const struct ir_ins *x)
{
	s64 half = (s64)(width_mask(x->size * 8u) >> 1);

	if (x->is_signed)
		return between(x->width, -half - 1, half);
	return at_most(x->width, 0, width_mask(x->size * 8u), UINT64_MAX);
}

static struct ir_range join(struct ir_range a, struct ir_range b)
{
	return (struct ir_range){
		.umin = a.umin < b.umin ? a.umin : b.umin,
		.umax = a.umax > b.umax ? a.umax : b.umax,
		.smin = a.smin < b.smin ? a.smin : b.smin,
		.smax = a.smax > b.smax ? a.smax : b.smax,
		.maybe = a.maybe | b.maybe,
	};
}

static struct ir_range binary(const struct ir_ins *x, struct ir_range a, struct ir_range b)
{
	switch (x->op) {
	case IR_ADD: return add(x->width, a, b);
	case IR_SUB: return subtract(x->width, a, b);
	case IR_MUL: return multiply(x->width, a, b);
	case IR_AND:
		return at_most(x->width, 0, a.umax < b.umax ? a.umax : b.umax, a.maybe & b.maybe);
	case IR_OR:
	case IR_XOR: return at_most(x->width, 0, smear(a.maybe | b.maybe), a.maybe | b.maybe);
	case IR_SHL:
	case IR_LSHR:
	case IR_ASHR: return shift(x, a, b);
	default: return ir_range_full(x->width);
	}
}

struct ir_range ir_range_of(const struct ir_ins *x, struct ir_range (*of)(const struct ir_ins *arg))
{
	u32 flags = ir_op_info(x->op)->flags;
	struct ir_range r;

	switch (x->op) {
	case IR_CONST: return ir_range_const(x->width, ir_const_bits(x));
	case IR_LOAD: return loaded(x);
	case IR_COPY: return of(x->args[0]);
	case IR_ZEXT: return low_bits(x->width, x->count, of(x->args[0]));
	case IR_TRUNC: return low_bits(32, 32, of(x->args[0]));
	case IR_SEXT: return sign_extension(x->width, x->count, of(x->args[0]));
	case IR_PHI:
		r = of(x->args[0]);
		for (u32 i = 1; i < x->n_args; i++)
			r = join(r, of(x->args[i]));
		return r;
	default:
		if (flags & IR_F_CMP)
			return at_most(32, 0, 1, 1);
		if (flags & IR_F_PURE && x->n_args == 2)
			return binary(x, of(x->args[0]), of(x->args[1]));
		return ir_range_full(x->width);
	}
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static int equal(struct ir_range a, struct ir_range b)
{
	if (a.umin == a.umax && b.umin == b.umax && a.umin == b.umin)
		return 1;
	if (a.umax < b.umin || b.umax < a.umin || a.smax < b.smin || b.smax < a.smin)
		return 0;
	if ((b.umin == b.umax && b.umin & ~a.maybe) || (a.umin == a.umax && a.umin & ~b.maybe))
		return 0;
	return -1;
}

static int unsigned_less(struct ir_range a, struct ir_range b)
{
	return a.umax < b.umin ? 1 : a.umin >= b.umax ? 0 : -1;
}

static int signed_less(struct ir_range a, struct ir_range b)
{
	return a.smax < b.smin ? 1 : a.smin >= b.smax ? 0 : -1;
}

static int not(int truth)
{
	return truth < 0 ? truth : !truth;
}

int ir_range_compare(enum ir_op op, struct ir_range a, struct ir_range b)
{
	switch (op) {
	case IR_EQ: return equal(a, b);
	case IR_NE: return not(equal(a, b));
	case IR_ULT: return unsigned_less(a, b);
	case IR_UGE: return not(unsigned_less(a, b));
	case IR_UGT: return unsigned_less(b, a);
	case IR_ULE: return not(unsigned_less(b, a));
	case IR_SLT: return signed_less(a, b);
	case IR_SGE: return not(signed_less(a, b));
	case IR_SGT: return signed_less(b, a);
	default: /* SLE */ return not(signed_less(b, a));
	}
}

bool ir_upper_zero(const struct ir_ins *x)
{
	if (x->width == 32)
		return true;
	switch (x->op) {
	case IR_CONST: return (u64)x->imm <= UINT32_MAX;
	case IR_ZEXT: return true;
	case IR_LOAD: return x->size <= 4 && !x->is_signed;
	case IR_LSHR: return x->args[1]->op == IR_CONST && (x->args[1]->imm & 63) >= 32;
	case IR_AND:
		return (x->args[1]->op == IR_CONST && (u64)x->args[1]->imm <= UINT32_MAX) ||
		       x->args[0]->op == IR_ZEXT || x->args[1]->op == IR_ZEXT;
	default: return false;
	}
}
