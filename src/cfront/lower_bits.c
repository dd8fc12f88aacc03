/* lower_bits.c: builtins that BPF has no instruction for, as arithmetic.
 *
 * Counting bits is done without branches or tables, so that verifiers have one path to follow: the
 * logarithm by halving (Warren, Hacker's Delight, 5-3 and 11-4), the sum of bits in parallel (5-2), trailing
 * zeros as the sum of the bits below the lowest one. Overflow is found by computing in a width that
 * holds every result and looking whether the value survives the conversion to the wanted type.
 */
#include "cfront/lower.h"

static struct ir_ins *num(struct lower *l, u8 width, u64 v)
{
	return ir_const(&l->b, width, width == 32 ? (s32)v : (s64)v);
}

static struct ir_ins *op(struct lower *l, enum ir_op o, struct ir_ins *x, struct ir_ins *y)
{
	return ir_binary(&l->b, o, x->width, x, y);
}

static struct ir_ins *op_num(struct lower *l, enum ir_op o, struct ir_ins *x, u64 v)
{
	return op(l, o, x, num(l, x->width, v));
}

static struct ir_ins *as_int(struct lower *l, struct ir_ins *x)
{
	return x->width == 64 ? ir_trunc(&l->b, x) : x;
}

/* ---- counting bits --------------------------------------------------------------------------- */

/* for (s = 32, 16, …, 2, 1) { more = (x > 2^s - 1) * s; x >>= more; r |= more; } */
static struct ir_ins *log2_floor(struct lower *l, struct ir_ins *x)
{
	u8 w = x->width;
	struct ir_ins *r = num(l, w, 0);

	for (u32 k = w == 64 ? 6 : 5; k-- > 0;) {
		u32 s = 1u << k;
		struct ir_ins *more = ir_compare(&l->b, IR_UGT, x, num(l, w, (1ull << s) - 1));

		if (w == 64)
			more = ir_extend(&l->b, false, 32, 64, more);
		more = op_num(l, IR_SHL, more, k);
		x = op(l, IR_LSHR, x, more);
		r = op(l, IR_OR, r, more);
	}
	return as_int(l, r);
}

static struct ir_ins *popcount(struct lower *l, struct ir_ins *x)
{
	const u64 ones = ~0ull;
	struct ir_ins *y;

	x = op(l, IR_SUB, x, op_num(l, IR_AND, op_num(l, IR_LSHR, x, 1), ones / 3));
	y = op_num(l, IR_AND, op_num(l, IR_LSHR, x, 2), ones / 5);
	x = op(l, IR_ADD, op_num(l, IR_AND, x, ones / 5), y);
	x = op_num(l, IR_AND, op(l, IR_ADD, x, op_num(l, IR_LSHR, x, 4)), ones / 17);
	x = op_num(l, IR_MUL, x, ones / 255);
	return as_int(l, op_num(l, IR_LSHR, x, x->width - 8u));
}

/* The bits below the lowest one: ~x & (x - 1). */
static struct ir_ins *trailing(struct lower *l, struct ir_ins *x)
{
	struct ir_ins *below = op_num(l, IR_SUB, x, 1);

	return popcount(l, op(l, IR_AND, op_num(l, IR_XOR, x, ~0ull), below));
}

/* (trailing zeros + 1) of what is not 0, else 0 */
static struct ir_ins *find_first(struct lower *l, struct ir_ins *x)
{
	struct ir_ins *any = ir_compare(&l->b, IR_NE, x, num(l, x->width, 0));
	struct ir_ins *mask = ir_unary(&l->b, IR_NEG, 32, any);

	return op(l, IR_AND, op_num(l, IR_ADD, trailing(l, x), 1), mask);
}

/* Copies of the sign bit behind it. */
static struct ir_ins *sign_copies(struct lower *l, struct ir_ins *x)
{
	u8 w = x->width;
	struct ir_ins *rest = op(l, IR_XOR, x, op_num(l, IR_ASHR, x, w - 1u));

	rest = op_num(l, IR_OR, op_num(l, IR_SHL, rest, 1), 1);
	return op(l, IR_SUB, num(l, 32, w - 1u), log2_floor(l, rest));
}

static struct ir_ins *absolute(struct lower *l, struct ir_ins *x)
{
	struct ir_ins *sign = op_num(l, IR_ASHR, x, x->width - 1u);

	return op(l, IR_SUB, op(l, IR_XOR, x, sign), sign);
}

struct ir_ins *lower_bits(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *x = lower_value(l, e->args[0]);

	switch (e->builtin) {
	case BI_POPCOUNT: return popcount(l, x);
	case BI_PARITY: return op_num(l, IR_AND, popcount(l, x), 1);
	case BI_CTZ: return trailing(l, x);
	case BI_FFS: return find_first(l, x);
	case BI_CLRSB: return sign_copies(l, x);
	case BI_ABS: return absolute(l, x);
	case BI_LOG2: return log2_floor(l, op_num(l, IR_OR, x, 1));
	case BI_LOG2_PLUS_1: return op_num(l, IR_ADD, log2_floor(l, op_num(l, IR_OR, x, 1)), 1);
	default: return op(l, IR_SUB, num(l, 32, x->width - 1u), log2_floor(l, x));
	}
}

/* ---- overflow -------------------------------------------------------------------------------- */

static u16 operator_of(enum cf_builtin b)
{
	return b == BI_ADD_OVERFLOW ? '+' : b == BI_SUB_OVERFLOW ? '-' : '*';
}

/* Everything has at most 32 bits: 64 hold each result. */
static struct ir_ins *narrow_overflow(struct lower *l, struct cf_expr *e, struct ir_ins *a,
				      struct ir_ins *b, const struct type *to, struct ir_ins **out)
{
	u16 o = operator_of(e->builtin);
	const struct type *s64_type = ty_int_of(l->u->o->types, 8, true);
	struct ir_ins *x;

	a = lower_widen(l, a, e->args[0]->type);
	b = lower_widen(l, b, e->args[1]->type);
	x = op(l, o == '+' ? IR_ADD : o == '-' ? IR_SUB : IR_MUL, a, b);
	*out = lower_convert(l, x, s64_type, to);
	return ir_compare(&l->b, IR_NE, lower_widen(l, *out, to), x);
}

static struct ir_ins *wide_overflow(struct lower *l, struct cf_expr *e, struct ir_ins *a,
				    struct ir_ins *b, const struct type *to, struct ir_ins **out)
{
	struct lower_pair x, y;
	struct ir_ins *differ;

	x = lower_pair_binary(l, operator_of(e->builtin), lower_pair_of(l, a, e->args[0]->type),
			      lower_pair_of(l, b, e->args[1]->type));
	*out = lower_convert(l, x.lo, ty_int_of(l->u->o->types, 8, false), to);
	y = lower_pair_of(l, *out, to);
	differ = op(l, IR_OR, op(l, IR_XOR, x.lo, y.lo), op(l, IR_XOR, x.hi, y.hi));
	return ir_compare(&l->b, IR_NE, differ, num(l, 64, 0));
}

/* Unsigned longs only: what wraps is smaller than it was. */
static struct ir_ins *carry(struct lower *l, struct cf_expr *e, struct ir_ins *a, struct ir_ins *b,
			    struct ir_ins **out)
{
	if (e->builtin == BI_SUB_OVERFLOW) {
		*out = op(l, IR_SUB, a, b);
		return ir_compare(&l->b, IR_ULT, a, b);
	}
	*out = op(l, IR_ADD, a, b);
	return ir_compare(&l->b, IR_ULT, *out, a);
}

static bool is_ulong(const struct type *ty)
{
	return ty_strip(ty)->size == 8 && !ty_signed(ty);
}

/* *args[2] = args[0] op args[1]; gives whether that is not the true result. */
struct ir_ins *lower_overflow(struct lower *l, struct cf_expr *e)
{
	const struct type *to = ty_strip(e->args[2]->type)->to;
	const struct type *ta = e->args[0]->type, *tb = e->args[1]->type;
	struct ir_ins *a = lower_value(l, e->args[0]), *b = lower_value(l, e->args[1]);
	struct place_ref at = { .base = lower_value(l, e->args[2]), .type = to };
	struct ir_ins *value, *over;

	if (e->builtin != BI_MUL_OVERFLOW && is_ulong(to) && is_ulong(ta) && is_ulong(tb))
		over = carry(l, e, a, b, &value);
	else if (ty_strip(to)->size <= 4 && ty_strip(ta)->size <= 4 && ty_strip(tb)->size <= 4)
		over = narrow_overflow(l, e, a, b, to, &value);
	else
		over = wide_overflow(l, e, a, b, to, &value);
	lower_write(l, at, value);
	return over;
}
