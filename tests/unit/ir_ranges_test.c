/* Unit tests of what the passes of ir compute about values: constant evaluation agrees with the
 * evaluator of the tests, a range holds every value that it is computed from, and comparisons of
 * ranges are right about every pair of values in them. All pseudo-random, with fixed seeds.
 */
#include "ir/ranges.h"
#include "ir_evaluator.c"

#include <setjmp.h>
#include <cmocka.h>

enum { ROUNDS = 200000 };

static u64 chance(u64 *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state * 0x2545f4914f6cdd1dull;
}

/* A number that is small, at a border, or anything. */
static u64 number(u64 *state)
{
	u64 r = chance(state), v = 1ull << (r >> 8 & 63);

	switch (r & 3) {
	case 0: return chance(state);
	case 1: return r >> 16 & 15;
	default: return v + (r >> 20 & 3) - 2;
	}
}

static const enum ir_op pure[] = { IR_ADD,  IR_SUB,  IR_MUL,   IR_UDIV,	 IR_SDIV, IR_UMOD, IR_SMOD,
				   IR_AND,  IR_OR,   IR_XOR,   IR_SHL,	 IR_LSHR, IR_ASHR, IR_NEG,
				   IR_SEXT, IR_ZEXT, IR_TRUNC, IR_BSWAP, IR_EQ,	  IR_NE,   IR_ULT,
				   IR_ULE,  IR_UGT,  IR_UGE,   IR_SLT,	 IR_SLE,  IR_SGT,  IR_SGE };

/* A pure operation on two constants, with fields that ir_check() would accept. */
struct sample {
	struct ir_ins x, a, b;
	struct ir_ins *args[2];
	u64 va, vb;
};

static void make_sample(struct sample *s, u64 *state)
{
	u64 r = chance(state);
	enum ir_op op = pure[r % ARRAY_LEN(pure)];
	bool is_cmp = ir_op_info(op)->flags & IR_F_CMP;
	u8 w = r >> 32 & 1 ? 64 : 32, of = w;

	if (op == IR_TRUNC) {
		w = 32;
		of = 64;
	}
	*s = (struct sample){ .x = { .op = op, .width = is_cmp ? 32 : w } };
	if (is_cmp)
		s->x.size = w / 8;
	if (op == IR_SEXT || op == IR_ZEXT) {
		of = r >> 33 & 1 ? 64 : 32;
		s->x.count = 8u << (r >> 34) % (w == 64 ? 3 : 2);
	}
	if (op == IR_BSWAP)
		s->x.count = 16u << (r >> 34) % (w == 64 ? 3 : 2);
	s->a = (struct ir_ins){ .op = IR_CONST, .width = of };
	s->b = s->a;
	ir_set_const(&s->a, (s64)number(state));
	ir_set_const(&s->b, (s64)(r >> 40 & 3 ? number(state) : (u64)s->a.imm));
	s->args[0] = &s->a;
	s->args[1] = &s->b;
	s->x.args = s->args;
	s->x.n_args = (u16)ir_op_info(op)->args;
	s->va = ir_const_bits(&s->a);
	s->vb = ir_const_bits(&s->b);
}

/* What the evaluator makes of a sample. */
static u64 wanted(const struct sample *s)
{
	u64 v[5] = { 0, s->va, s->vb };
	struct evaluator e = { 0 };
	struct sample copy = *s;

	copy.a.id = 1;
	copy.b.id = 2;
	copy.args[0] = &copy.a;
	copy.args[1] = &copy.b;
	copy.x.args = copy.args;
	if (ir_op_info(s->x.op)->flags & IR_F_CMP) {
		u32 bits = s->x.size * 8u;

		return eval_arith(s->x.op, bits, eval_zx(s->va, bits), eval_zx(s->vb, bits));
	}
	return eval_zx(eval_ins(&e, &copy.x, v, v, 0), s->x.width);
}

static void fail_sample(const struct sample *s, const char *what)
{
	fail_msg("%s: %s.%u count %u size %u of 0x%llx (%u bits) and 0x%llx", what,
		 ir_op_info(s->x.op)->text, s->x.width, s->x.count, s->x.size,
		 (unsigned long long)s->va, s->a.width, (unsigned long long)s->vb);
}

static void test_evaluation(void **state)
{
	u64 seed = 1;
	struct sample s;

	(void)state;
	for (u32 i = 0; i < ROUNDS; i++) {
		make_sample(&s, &seed);
		if (ir_eval(&s.x, s.va, s.vb) != wanted(&s))
			fail_sample(&s, "evaluation");
	}
}

/* ---- ranges ---------------------------------------------------------------------------------- */

static bool holds(struct ir_range r, u8 width, u64 v)
{
	s64 sv = width == 32 ? (s32)v : (s64)v;

	return v >= r.umin && v <= r.umax && sv >= r.smin && sv <= r.smax && !(v & ~r.maybe);
}

/* A range with `v` in it, as an operation makes one: a mask of v, or all that lies between. */
static struct ir_range around(u64 *state, u8 width, u64 v)
{
	struct ir_ins load = { .op = IR_LOAD };
	struct ir_range r = ir_range_full(width);
	u64 c = chance(state), all = width == 32 ? UINT32_MAX : UINT64_MAX;

	switch (c & 3) {
	case 0: return r;
	case 1: return ir_range_const(width, v);
	case 2:
		load.width = width;
		load.is_signed = c >> 8 & 1;
		for (u32 size = 1; size <= width / 8u; size *= 2) {
			load.size = (u8)size;
			r = ir_range_of(&load, NULL);
			if (holds(r, width, v))
				return r;
		}
		return ir_range_full(width);
	default:
		r.maybe = (v | chance(state)) & all;
		r.umax = r.maybe;
		return r;
	}
}

/* The ranges of the operands of the sample at hand. */
static struct ir_range range_a, range_b;

static struct ir_range range_of_arg(const struct ir_ins *arg)
{
	return arg->id == 1 ? range_a : range_b;
}

static void test_ranges_hold(void **state)
{
	u64 seed = 2;
	struct sample s;

	(void)state;
	for (u32 i = 0; i < ROUNDS; i++) {
		make_sample(&s, &seed);
		s.a.id = 1;
		s.b.id = 2;
		range_a = around(&seed, s.a.width, s.va);
		range_b = around(&seed, s.b.width, s.vb);
		if (!holds(range_a, s.a.width, s.va))
			fail_sample(&s, "the range of the operand is wrong");
		if (!holds(ir_range_of(&s.x, range_of_arg), s.x.width, wanted(&s)))
			fail_sample(&s, "the range does not hold the value");
	}
}

static void test_ranges_compare(void **state)
{
	u64 seed = 3;
	struct sample s;
	u32 n_known = 0;

	(void)state;
	for (u32 i = 0; i < ROUNDS; i++) {
		int known;

		make_sample(&s, &seed);
		if (!(ir_op_info(s.x.op)->flags & IR_F_CMP))
			continue;
		known = ir_range_compare(s.x.op, around(&seed, s.a.width, s.va),
					 around(&seed, s.b.width, s.vb));
		if (known >= 0 && (u64)known != wanted(&s))
			fail_sample(&s, "comparison of ranges");
		n_known += known >= 0;
	}
	assert_true(n_known > ROUNDS / 50);
}

static void test_inverse_and_mirrored(void **state)
{
	u64 seed = 4;
	struct sample s;

	(void)state;
	for (u32 i = 0; i < ROUNDS; i++) {
		u64 want;
		enum ir_op op;

		make_sample(&s, &seed);
		if (!(ir_op_info(s.x.op)->flags & IR_F_CMP))
			continue;
		op = s.x.op;
		want = wanted(&s);
		s.x.op = ir_inverse(op);
		if (ir_eval(&s.x, s.va, s.vb) == want)
			fail_sample(&s, "inverse");
		s.x.op = ir_mirrored(op);
		if (ir_eval(&s.x, s.vb, s.va) != want)
			fail_sample(&s, "mirrored");
	}
}

/* What is said of the upper half holds for the range as well. */
static void test_upper_zero(void **state)
{
	static const struct {
		const char *name;
		struct ir_ins x;
		s64 right; /* a constant on the right */
		bool want;
	} cases[] = {
		{ "32 bits", { .op = IR_ADD, .width = 32 }, 0, true },
		{ "64 bits", { .op = IR_ADD, .width = 64 }, 0, false },
		{ "extension", { .op = IR_ZEXT, .width = 64, .count = 32 }, 0, true },
		{ "signed extension", { .op = IR_SEXT, .width = 64, .count = 8 }, 0, false },
		{ "load", { .op = IR_LOAD, .width = 64, .size = 4 }, 0, true },
		{ "signed load",
		  { .op = IR_LOAD, .width = 64, .size = 4, .is_signed = true },
		  0,
		  false },
		{ "large load", { .op = IR_LOAD, .width = 64, .size = 8 }, 0, false },
		{ "upper half", { .op = IR_LSHR, .width = 64 }, 32, true },
		{ "a bit more", { .op = IR_LSHR, .width = 64 }, 31, false },
		{ "masked count", { .op = IR_LSHR, .width = 64 }, 64, false },
		{ "mask", { .op = IR_AND, .width = 64 }, 0x7fffffff, true },
		{ "negative mask", { .op = IR_AND, .width = 64 }, -8, false },
		{ "number", { .op = IR_CONST, .width = 64, .imm = 0xffffffff }, 0, true },
		{ "large number", { .op = IR_CONST, .width = 64, .imm = -1 }, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ir_ins left = { .op = IR_PARAM, .width = 64 }, x = cases[i].x;
		struct ir_ins right = { .op = IR_CONST, .width = 64, .imm = cases[i].right };
		struct ir_ins *args[] = { &left, &right };

		x.args = args;
		x.n_args = 2;
		if (ir_upper_zero(&x) != cases[i].want)
			fail_msg("%s", cases[i].name);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_evaluation),     cmocka_unit_test(test_ranges_hold),
		cmocka_unit_test(test_ranges_compare), cmocka_unit_test(test_inverse_and_mirrored),
		cmocka_unit_test(test_upper_zero),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
