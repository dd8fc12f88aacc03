/* eval: the arithmetic of the machine, done at compile time.
 *
 * Values are the 64 bits of a register; a 32-bit operation looks at the lower half of its operands
 * and leaves the upper half of its result zero. What C leaves undefined is defined here as RFC 9669
 * section 4.1 defines it: division by zero gives 0, the remainder of it the dividend, shift counts
 * are masked, and the most negative number divided by -1 is itself, with remainder 0.
 */
#include "ir/ranges.h"

static s64 sign_extend(u64 v, u32 bits)
{
	return (s64)(v << (64 - bits)) >> (64 - bits);
}

static u64 zero_extend(u64 v, u32 bits)
{
	return bits == 64 ? v : v & ((1ull << bits) - 1);
}

static u64 byte_swap(u64 v, u32 bits)
{
	return __builtin_bswap64(v) >> (64 - bits);
}

static u64 divide(enum ir_op op, u64 a, u64 b, s64 sa, s64 sb)
{
	switch (op) {
	case IR_UDIV: return b ? a / b : 0;
	case IR_UMOD: return b ? a % b : a;
	case IR_SDIV: return !sb ? 0 : sb == -1 ? -(u64)sa : (u64)(sa / sb);
	default: /* SMOD */ return !sb ? a : sb == -1 ? 0 : (u64)(sa % sb);
	}
}

static bool compare(enum ir_op op, u64 a, u64 b, s64 sa, s64 sb)
{
	switch (op) {
	case IR_EQ: return a == b;
	case IR_NE: return a != b;
	case IR_ULT: return a < b;
	case IR_ULE: return a <= b;
	case IR_UGT: return a > b;
	case IR_UGE: return a >= b;
	case IR_SLT: return sa < sb;
	case IR_SLE: return sa <= sb;
	case IR_SGT: return sa > sb;
	default: /* SGE */ return sa >= sb;
	}
}

/* The bits of the result; those above the operation's width mean nothing. */
static u64 compute(const struct ir_ins *x, u32 bits, u64 a, u64 b)
{
	s64 sa = sign_extend(a, bits), sb = sign_extend(b, bits);
	u64 ua = zero_extend(a, bits), ub = zero_extend(b, bits);

	switch (x->op) {
	case IR_ADD: return a + b;
	case IR_SUB: return a - b;
	case IR_MUL: return a * b;
	case IR_UDIV:
	case IR_SDIV:
	case IR_UMOD:
	case IR_SMOD: return divide(x->op, ua, ub, sa, sb);
	case IR_AND: return a & b;
	case IR_OR: return a | b;
	case IR_XOR: return a ^ b;
	case IR_SHL: return a << (b & (bits - 1));
	case IR_LSHR: return ua >> (b & (bits - 1));
	case IR_ASHR: return (u64)(sa >> (b & (bits - 1)));
	case IR_NEG: return -a;
	case IR_SEXT: return (u64)sign_extend(a, x->count);
	case IR_ZEXT: return zero_extend(a, x->count);
	case IR_BSWAP: return byte_swap(a, x->count);
	case IR_TRUNC: return a;
	default: return compare(x->op, ua, ub, sa, sb);
	}
}

u64 ir_eval(const struct ir_ins *x, u64 a, u64 b)
{
	bool is_cmp = ir_op_info(x->op)->flags & IR_F_CMP;

	return zero_extend(compute(x, is_cmp ? x->size * 8u : x->width, a, b), x->width);
}

enum ir_op ir_inverse(enum ir_op op)
{
	static const u8 inverse[IR_N_OPS] = {
		[IR_EQ] = IR_NE,   [IR_NE] = IR_EQ,   [IR_ULT] = IR_UGE, [IR_ULE] = IR_UGT,
		[IR_UGT] = IR_ULE, [IR_UGE] = IR_ULT, [IR_SLT] = IR_SGE, [IR_SLE] = IR_SGT,
		[IR_SGT] = IR_SLE, [IR_SGE] = IR_SLT,
	};

	return inverse[op];
}

enum ir_op ir_mirrored(enum ir_op op)
{
	static const u8 mirrored[IR_N_OPS] = {
		[IR_EQ] = IR_EQ,   [IR_NE] = IR_NE,   [IR_ULT] = IR_UGT, [IR_ULE] = IR_UGE,
		[IR_UGT] = IR_ULT, [IR_UGE] = IR_ULE, [IR_SLT] = IR_SGT, [IR_SLE] = IR_SGE,
		[IR_SGT] = IR_SLT, [IR_SGE] = IR_SLE,
	};

	return mirrored[op];
}
