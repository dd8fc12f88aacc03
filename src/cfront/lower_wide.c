/* lower_wide.c: integers of 128 bits.
 *
 * A value of such a type is represented as structs are, by the address of its 16 bytes, but each operation
 * makes new ones; passes split and promote dissolve them into pairs of 64-bit values. The pair's arithmetic
 * is schoolbook: carries by comparing, products of 32-bit halves (Knuth, TAOCP 4.3.1 M), shifts without
 * branches.
 *
 * Left out, and refused: division and remainder; the GNU form a ?: b.
 */
#include "cfront/lower.h"

static struct ir_ins *number(struct lower *l, s64 v)
{
	return ir_const(&l->b, 64, v);
}

static struct ir_ins *op(struct lower *l, enum ir_op o, struct ir_ins *x, struct ir_ins *y)
{
	return ir_binary(&l->b, o, 64, x, y);
}

static struct ir_ins *op_number(struct lower *l, enum ir_op o, struct ir_ins *x, s64 y)
{
	return op(l, o, x, number(l, y));
}

/* A comparison as a 64-bit 0 or 1. */
static struct ir_ins *test(struct lower *l, enum ir_op o, struct ir_ins *x, struct ir_ins *y)
{
	return ir_extend(&l->b, false, 32, 64, ir_compare(&l->b, o, x, y));
}

/* ---- pairs ----------------------------------------------------------------------------------- */

static bool is_little(void)
{
	return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

static struct lower_pair read_pair(struct lower *l, struct ir_ins *at)
{
	return (struct lower_pair){ ir_load(&l->b, 64, 8, false, at, is_little() ? 0 : 8),
				    ir_load(&l->b, 64, 8, false, at, is_little() ? 8 : 0) };
}

struct ir_ins *lower_pair_address(struct lower *l, struct lower_pair p)
{
	struct ir_ins *slot = ir_slot(&l->b, 16, 16);

	ir_store(&l->b, 8, slot, is_little() ? 0 : 8, p.lo);
	ir_store(&l->b, 8, slot, is_little() ? 8 : 0, p.hi);
	return slot;
}

struct lower_pair lower_pair_of(struct lower *l, struct ir_ins *x, const struct type *from)
{
	if (lower_is_wide(from))
		return read_pair(l, x);
	x = lower_widen(l, x, from);
	if (ty_signed(from))
		return (struct lower_pair){ x, op_number(l, IR_ASHR, x, 63) };
	return (struct lower_pair){ x, number(l, 0) };
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static struct lower_pair add(struct lower *l, struct lower_pair a, struct lower_pair b)
{
	struct ir_ins *lo = op(l, IR_ADD, a.lo, b.lo);
	struct ir_ins *carry = test(l, IR_ULT, lo, a.lo);

	return (struct lower_pair){ lo, op(l, IR_ADD, op(l, IR_ADD, a.hi, b.hi), carry) };
}

static struct lower_pair subtract(struct lower *l, struct lower_pair a, struct lower_pair b)
{
	struct ir_ins *borrow = test(l, IR_ULT, a.lo, b.lo);

	return (struct lower_pair){ op(l, IR_SUB, a.lo, b.lo),
				    op(l, IR_SUB, op(l, IR_SUB, a.hi, b.hi), borrow) };
}

/* The upper half of the product of two unsigned 64-bit numbers. */
static struct ir_ins *multiply_high(struct lower *l, struct ir_ins *a, struct ir_ins *b)
{
	struct ir_ins *al = ir_extend(&l->b, false, 32, 64, a), *ah = op_number(l, IR_LSHR, a, 32);
	struct ir_ins *bl = ir_extend(&l->b, false, 32, 64, b), *bh = op_number(l, IR_LSHR, b, 32);
	struct ir_ins *low = op_number(l, IR_LSHR, op(l, IR_MUL, al, bl), 32);
	struct ir_ins *m1 = op(l, IR_ADD, op(l, IR_MUL, ah, bl), low);
	struct ir_ins *m2 =
		op(l, IR_ADD, op(l, IR_MUL, al, bh), ir_extend(&l->b, false, 32, 64, m1));
	struct ir_ins *high = op(l, IR_ADD, op(l, IR_MUL, ah, bh), op_number(l, IR_LSHR, m1, 32));

	return op(l, IR_ADD, high, op_number(l, IR_LSHR, m2, 32));
}

static struct lower_pair multiply(struct lower *l, struct lower_pair a, struct lower_pair b)
{
	struct ir_ins *hi = multiply_high(l, a.lo, b.lo);

	hi = op(l, IR_ADD, hi, op(l, IR_MUL, a.hi, b.lo));
	hi = op(l, IR_ADD, hi, op(l, IR_MUL, a.lo, b.hi));
	return (struct lower_pair){ op(l, IR_MUL, a.lo, b.lo), hi };
}

/* mask ? a : b, for a mask of all bits or none */
static struct ir_ins *select(struct lower *l, struct ir_ins *mask, struct ir_ins *a,
			     struct ir_ins *b)
{
	return op(l, IR_XOR, b, op(l, IR_AND, op(l, IR_XOR, a, b), mask));
}

/* The near half moves by n & 63 and lends its bits to the far half; from 64 on it becomes the far one. */
static struct lower_pair shift(struct lower *l, bool left, bool is_signed, struct lower_pair a,
			       struct ir_ins *n)
{
	struct ir_ins *few = op_number(l, IR_AND, n, 63);
	struct ir_ins *rest = op(l, IR_SUB, number(l, 63), few);
	struct ir_ins *big =
		ir_unary(&l->b, IR_NEG, 64, op_number(l, IR_AND, op_number(l, IR_LSHR, n, 6), 1));
	enum ir_op right = is_signed ? IR_ASHR : IR_LSHR;
	struct ir_ins *near, *far, *empty;

	if (left) {
		near = op(l, IR_SHL, a.lo, few);
		far = op(l, IR_OR, op(l, IR_SHL, a.hi, few),
			 op(l, IR_LSHR, op_number(l, IR_LSHR, a.lo, 1), rest));
		return (struct lower_pair){ select(l, big, number(l, 0), near),
					    select(l, big, near, far) };
	}
	near = op(l, right, a.hi, few);
	far = op(l, IR_OR, op(l, IR_LSHR, a.lo, few),
		 op(l, IR_SHL, op_number(l, IR_SHL, a.hi, 1), rest));
	empty = is_signed ? op_number(l, IR_ASHR, a.hi, 63) : number(l, 0);
	return (struct lower_pair){ select(l, big, near, far), select(l, big, empty, near) };
}

struct lower_pair lower_pair_binary(struct lower *l, u16 o, struct lower_pair a,
				    struct lower_pair b)
{
	switch (o) {
	case '+': return add(l, a, b);
	case '-': return subtract(l, a, b);
	case '*': return multiply(l, a, b);
	case '&':
		return (struct lower_pair){ op(l, IR_AND, a.lo, b.lo), op(l, IR_AND, a.hi, b.hi) };
	case '|': return (struct lower_pair){ op(l, IR_OR, a.lo, b.lo), op(l, IR_OR, a.hi, b.hi) };
	case '^':
		return (struct lower_pair){ op(l, IR_XOR, a.lo, b.lo), op(l, IR_XOR, a.hi, b.hi) };
	default:
		lower_not_yet(l, l->b.span, "division of 128-bit integers");
		diag_hint(l->dx, "divide 64 bits, or shift");
		return a;
	}
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static struct ir_ins *is_nonzero(struct lower *l, struct lower_pair p)
{
	return ir_compare(&l->b, IR_NE, op(l, IR_OR, p.lo, p.hi), number(l, 0));
}

static struct ir_ins *both(struct lower *l, enum ir_op o, struct ir_ins *x, struct ir_ins *y)
{
	return ir_binary(&l->b, o, 32, x, y);
}

static struct ir_ins *less(struct lower *l, bool is_signed, struct lower_pair a,
			   struct lower_pair b)
{
	struct ir_ins *same = ir_compare(&l->b, IR_EQ, a.hi, b.hi);
	struct ir_ins *low = ir_compare(&l->b, IR_ULT, a.lo, b.lo);
	struct ir_ins *high = ir_compare(&l->b, is_signed ? IR_SLT : IR_ULT, a.hi, b.hi);

	return both(l, IR_OR, high, both(l, IR_AND, same, low));
}

struct ir_ins *lower_wide_compare(struct lower *l, struct cf_expr *e)
{
	struct lower_pair a = lower_pair_of(l, lower_value(l, e->a), e->a->type);
	struct lower_pair b = lower_pair_of(l, lower_value(l, e->b), e->b->type);
	bool is_signed = ty_signed(e->a->type);
	struct ir_ins *one = ir_const(&l->b, 32, 1);

	switch (e->op) {
	case '<': return less(l, is_signed, a, b);
	case '>': return less(l, is_signed, b, a);
	case P_GE: return both(l, IR_XOR, less(l, is_signed, a, b), one);
	case P_LE: return both(l, IR_XOR, less(l, is_signed, b, a), one);
	default: break;
	}
	a = lower_pair_binary(l, '^', a, b);
	return e->op == P_NE ? is_nonzero(l, a) : both(l, IR_XOR, is_nonzero(l, a), one);
}

/* ---- expressions ----------------------------------------------------------------------------- */

struct ir_ins *lower_wide_convert(struct lower *l, struct ir_ins *x, const struct type *from,
				  const struct type *to)
{
	if (lower_is_wide(to))
		return lower_is_wide(from) ? x : lower_pair_address(l, lower_pair_of(l, x, from));
	if (ty_strip(to)->is_bool)
		return is_nonzero(l, read_pair(l, x));
	return lower_convert(l, read_pair(l, x).lo, ty_int_of(l->u->o->types, 8, ty_signed(from)),
			     to);
}

/* a op b, where a has the type that is computed in. */
static struct lower_pair combine(struct lower *l, u16 o, const struct type *ty, struct lower_pair a,
				 struct ir_ins *b, const struct type *b_type)
{
	if (o != P_SHL && o != P_SHR)
		return lower_pair_binary(l, o, a, lower_pair_of(l, b, b_type));
	b = lower_is_wide(b_type) ? read_pair(l, b).lo : lower_widen(l, b, b_type);
	return shift(l, o == P_SHL, ty_signed(ty), a, b);
}

static struct ir_ins *unary(struct lower *l, struct cf_expr *e)
{
	struct lower_pair p = lower_pair_of(l, lower_value(l, e->a), e->a->type);
	struct lower_pair ones = { number(l, -1), number(l, -1) };
	struct lower_pair zero = { number(l, 0), number(l, 0) };

	if (e->op == '~')
		return lower_pair_address(l, lower_pair_binary(l, '^', p, ones));
	return lower_pair_address(l, subtract(l, zero, p));
}

static struct ir_ins *binary(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *a = lower_value(l, e->a), *b = lower_value(l, e->b);
	struct lower_pair p = lower_pair_of(l, a, e->a->type);

	return lower_pair_address(l, combine(l, e->op, e->type, p, b, e->b->type));
}

/* a op= b, where what is computed, or a itself, has 128 bits. */
struct ir_ins *lower_wide_assign_op(struct lower *l, struct cf_expr *e)
{
	struct place_ref at = lower_place(l, e->a);
	struct ir_ins *b = lower_value(l, e->b), *x = lower_read(l, at);
	struct lower_pair p = lower_pair_of(l, x, e->a->type);

	x = lower_pair_address(l, combine(l, e->op, e->compute, p, b, e->b->type));
	x = lower_wide_convert(l, x, e->compute, e->a->type);
	lower_write(l, at, x);
	return x;
}

static struct ir_ins *incdec(struct lower *l, struct cf_expr *e)
{
	struct place_ref at = lower_place(l, e->a);
	struct ir_ins *old = lower_read(l, at), *x;
	struct lower_pair one = { number(l, 1), number(l, 0) };

	x = lower_pair_address(
		l, lower_pair_binary(l, e->op == P_INC ? '+' : '-', read_pair(l, old), one));
	lower_write(l, at, x);
	return e->is_post ? old : x;
}

/* A value of 128 bits; NULL where the node is one that lower_expr.c does for any type. */
struct ir_ins *lower_wide(struct lower *l, struct cf_expr *e)
{
	switch (e->kind) {
	case EX_CONST:
		return lower_pair_address(l,
					  (struct lower_pair){ number(l, e->value), number(l, 0) });
	case EX_UNARY: return unary(l, e);
	case EX_BINARY: return binary(l, e);
	case EX_INCDEC: return incdec(l, e);
	default: return NULL;
	}
}
