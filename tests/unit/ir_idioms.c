/* Random functions of ir made of what optimisers know by heart, for tests, which include this file.
 *
 * ir_random.c makes code that is alive everywhere; here each value is mostly used once and soon, by
 * an operation that goes with the one before it: shifts of shifts, masks of masks, comparisons of
 * extended values with numbers at the border, truth values compared with 0 and 1, few bytes of few
 * slots written and read in all sizes, addresses that are lent to helpers, branches on phis of
 * constants. What nobody used by the end goes into the result.
 */
#ifndef SKEP_TEST_IR_IDIOMS
#define SKEP_TEST_IR_IDIOMS

#include "ir_random.c"

enum { IDIOM_VALUES = 64, IDIOM_SLOTS = 2, IDIOM_SLOT_BYTES = 24 };
/* The helpers that are called: one fills memory, one reads it. */
enum { IDIOM_FILLS = 16, IDIOM_READS = 6 };

struct idioms {
	struct random_ir r; /* for its chance and its builder */
	struct ir_ins *v[IDIOM_VALUES];
	u32 uses[IDIOM_VALUES];
	u32 n;
	struct ir_ins *slot[IDIOM_SLOTS];
};

static inline u32 idiom_below(struct idioms *m, u32 n)
{
	return random_below(&m->r, n);
}

/* Numbers at which ranges begin and end. */
static inline struct ir_ins *idiom_number(struct idioms *m, u8 width)
{
	static const s64 border[] = { 0,
				      1,
				      2,
				      3,
				      5,
				      7,
				      8,
				      9,
				      15,
				      16,
				      127,
				      128,
				      255,
				      256,
				      32767,
				      32768,
				      65535,
				      65536,
				      -1,
				      -2,
				      -8,
				      -128,
				      -129,
				      -256,
				      INT32_MAX,
				      INT32_MIN,
				      0x80000000ll,
				      0xffffffffll,
				      0x100000000ll,
				      INT64_MAX,
				      INT64_MIN };

	return ir_const(&m->r.b, width, border[idiom_below(m, ARRAY_LEN(border))]);
}

static inline void idiom_keep(struct idioms *m, struct ir_ins *x)
{
	if (m->n == IDIOM_VALUES)
		return;
	m->uses[m->n] = 0;
	m->v[m->n++] = x;
}

/* Mostly one of the values made last. */
static inline struct ir_ins *idiom_any(struct idioms *m)
{
	u32 near = m->n < 3 ? m->n : 3;
	u32 i = idiom_below(m, 4) ? m->n - 1 - idiom_below(m, near) : idiom_below(m, m->n);

	m->uses[i]++;
	return m->v[i];
}

static inline struct ir_ins *idiom_value(struct idioms *m, u8 width)
{
	struct ir_ins *x = idiom_any(m);

	if (x->width == width)
		return x;
	if (width == 32)
		return ir_trunc(&m->r.b, x);
	return ir_extend(&m->r.b, idiom_below(m, 2), 32, 64, x);
}

static inline enum ir_op idiom_compare_op(struct idioms *m)
{
	return (enum ir_op)(IR_EQ + idiom_below(m, IR_SGE - IR_EQ + 1));
}

static inline struct ir_ins *idiom_truth(struct idioms *m)
{
	u8 w = random_width(&m->r);
	struct ir_ins *x, *y;

	switch (idiom_below(m, 4)) {
	case 0: /* two values that were widened, or one and a number */
		x = ir_extend(&m->r.b, idiom_below(m, 2), 32, 64, idiom_value(m, 32));
		y = idiom_below(m, 2)
			    ? idiom_number(m, 64)
			    : ir_extend(&m->r.b, idiom_below(m, 2), 32, 64, idiom_value(m, 32));
		return ir_compare(&m->r.b, idiom_compare_op(m), x, y);
	case 1: /* a sum */
		x = ir_binary(&m->r.b, IR_ADD, w, idiom_value(m, w), idiom_number(m, w));
		return ir_compare(&m->r.b, idiom_compare_op(m), x, idiom_number(m, w));
	case 2: /* a truth value */
		x = ir_compare(&m->r.b, idiom_compare_op(m), idiom_value(m, w), idiom_number(m, w));
		if (idiom_below(m, 3) == 0)
			return ir_binary(&m->r.b, IR_XOR, 32, x, ir_const(&m->r.b, 32, 1));
		return ir_compare(&m->r.b, idiom_below(m, 3) ? IR_EQ : IR_NE, x,
				  ir_const(&m->r.b, 32, idiom_below(m, 3)));
	default:
		x = idiom_value(m, w);
		y = idiom_number(m, w);
		return idiom_below(m, 3) ? ir_compare(&m->r.b, idiom_compare_op(m), x, y)
					 : ir_compare(&m->r.b, idiom_compare_op(m), y, x);
	}
}

static inline struct ir_ins *idiom_arithmetic(struct idioms *m)
{
	u8 w = random_width(&m->r);
	struct ir_ins *x = idiom_value(m, w);

	switch (idiom_below(m, 8)) {
	case 0:
		return ir_extend(&m->r.b, idiom_below(m, 2), 8u << idiom_below(m, 3),
				 random_width(&m->r), idiom_any(m));
	case 1:
	case 2:
		return ir_binary(
			&m->r.b, (enum ir_op)(IR_SHL + idiom_below(m, 3)), w, x,
			ir_const(&m->r.b, w,
				 (s64[]){ 0, 1, 8, 24, 31, 32, 33, 56 }[idiom_below(m, 8)]));
	case 3: return ir_binary(&m->r.b, IR_AND, w, x, idiom_number(m, w));
	case 4: return ir_bswap(&m->r.b, w == 32 ? 16u << idiom_below(m, 2) : 64, w, x);
	case 5: return ir_unary(&m->r.b, IR_NEG, w, x);
	default:
		return ir_binary(&m->r.b, (enum ir_op)(IR_ADD + idiom_below(m, 10)), w, x,
				 idiom_below(m, 4) ? idiom_number(m, w) : idiom_value(m, w));
	}
}

/* An address in a slot from which 8 bytes can be read, plus *out_off. */
static inline struct ir_ins *idiom_address(struct idioms *m, s64 *out_off)
{
	struct ir_ins *at = m->slot[idiom_below(m, IDIOM_SLOTS)];

	*out_off = (s64[]){ 0, 0, 1, 2, 4, 6, 8 }[idiom_below(m, 7)];
	switch (idiom_below(m, 6)) {
	case 0: return ir_binary(&m->r.b, IR_ADD, 64, at, ir_const(&m->r.b, 64, 4));
	case 1:
		return ir_binary(&m->r.b, IR_ADD, 64, at,
				 ir_binary(&m->r.b, IR_AND, 64, idiom_value(m, 64),
					   ir_const(&m->r.b, 64, 8)));
	default: return at;
	}
}

static inline void idiom_memory(struct idioms *m)
{
	u8 size = random_size(&m->r), w = size == 8 ? 64 : random_width(&m->r);
	struct ir_ins *at, *args[3];
	s64 off;

	at = idiom_address(m, &off);
	switch (idiom_below(m, 8)) {
	case 0:
		args[0] = at;
		args[1] = ir_const(&m->r.b, 64, 8);
		idiom_keep(m, ir_call(&m->r.b, idiom_below(m, 2) ? IDIOM_FILLS : IDIOM_READS, 64,
				      args, 2));
		return;
	case 1:
	case 2:
	case 3:
		ir_store(&m->r.b, size, at, off, idiom_value(m, w))->is_volatile =
			!idiom_below(m, 10);
		return;
	default:
		idiom_keep(m, ir_load(&m->r.b, w, size, size < 8 && idiom_below(m, 2), at, off));
		return;
	}
}

static inline void idiom_steps(struct idioms *m, u32 n)
{
	while (n--) {
		if (idiom_below(m, 3) == 0)
			idiom_memory(m);
		else if (idiom_below(m, 4) == 0)
			idiom_keep(m, idiom_truth(m));
		else
			idiom_keep(m, idiom_arithmetic(m));
	}
}

/* if (truth) … else …, joined in phis of which some are of numbers, as `&&` and `||` make them. */
static inline void idiom_branch(struct idioms *m)
{
	struct ir_block *side[2] = { ir_block_new(m->r.b.fn), ir_block_new(m->r.b.fn) };
	struct ir_block *join = ir_block_new(m->r.b.fn);
	struct ir_ins *in[2][2];
	u32 n = m->n;

	ir_if(&m->r.b, idiom_truth(m), side[0], side[1]);
	for (u32 k = 0; k < 2; k++) {
		m->r.b.at = side[k];
		if (idiom_below(m, 2))
			idiom_steps(m, idiom_below(m, 4));
		in[0][k] = idiom_below(m, 3) ? ir_const(&m->r.b, 32, idiom_below(m, 2))
					     : idiom_truth(m);
		in[1][k] = idiom_below(m, 2) ? idiom_value(m, 64) : idiom_number(m, 64);
		ir_jump(&m->r.b, join);
		m->n = n;
	}
	m->r.b.at = join;
	for (u32 i = 0; i < 2; i++) {
		struct ir_ins *phi = ir_phi(&m->r.b, i ? 64 : 32, 2);

		phi->args[0] = in[i][0];
		phi->args[1] = in[i][1];
		in[i][0] = phi;
		if (i)
			idiom_keep(m, phi);
	}
	if (idiom_below(m, 3) == 0) {
		idiom_keep(m, in[0][0]);
		return;
	}
	/* The phi of truth values decides at once where to go. */
	for (u32 k = 0; k < 2; k++)
		side[k] = ir_block_new(m->r.b.fn);
	join = ir_block_new(m->r.b.fn);
	ir_if(&m->r.b,
	      idiom_below(m, 2) ? in[0][0]
				: ir_compare(&m->r.b, idiom_compare_op(m), in[0][0],
					     ir_const(&m->r.b, 32, idiom_below(m, 3))),
	      side[0], side[1]);
	n = m->n;
	for (u32 k = 0; k < 2; k++) {
		m->r.b.at = side[k];
		idiom_steps(m, idiom_below(m, 3));
		in[0][k] = idiom_value(m, 64);
		ir_jump(&m->r.b, join);
		m->n = n;
	}
	m->r.b.at = join;
	in[1][0] = ir_phi(&m->r.b, 64, 2);
	in[1][0]->args[0] = in[0][0];
	in[1][0]->args[1] = in[0][1];
	idiom_keep(m, in[1][0]);
}

/* The same shape as random_module() makes: function 1 is the program. */
static inline void idiom_module(struct ir_module *mod, u64 seed, u32 budget)
{
	struct idioms m = { .r = { .state = seed * 0x9e3779b97f4a7c15ull + 7 } };
	struct ir_ins *h, *ctx;

	random_mix(&m.r, mod);
	m.r.b = (struct ir_builder){ .fn = ir_fn_new(mod, STR("prog"), IR_PROGRAM, 1, 64) };
	m.r.b.fn->param_region[0] = IR_IN_CTX;
	m.r.b.at = ir_block_new(m.r.b.fn);
	ctx = ir_param(&m.r.b, 0, 64);
	for (u32 i = 0; i < IDIOM_SLOTS; i++)
		m.slot[i] = ir_slot(&m.r.b, IDIOM_SLOT_BYTES, 8);
	for (u32 i = 0; i < RANDOM_INPUTS; i++)
		idiom_keep(&m, ir_load(&m.r.b, i & 1 ? 32 : 64, (u8)(i < 2 ? 8u >> i : i - 1),
				       i == 3, ctx, i * 8));
	for (u32 i = 0; i < IDIOM_SLOTS; i++)
		for (u32 k = 0; k < IDIOM_SLOT_BYTES; k += 8)
			ir_store(&m.r.b, 8, m.slot[i], k, idiom_value(&m, 64));
	while (budget--) {
		idiom_steps(&m, 1 + idiom_below(&m, 6));
		if (idiom_below(&m, 2))
			idiom_branch(&m);
	}
	h = ir_const(&m.r.b, 64, 1);
	for (u32 i = 0; i < m.n; i++) {
		if (m.uses[i])
			continue;
		h = ir_binary(&m.r.b, IR_MUL, 64, h, ir_const(&m.r.b, 64, 0x9e3779b1));
		h = ir_binary(&m.r.b, IR_XOR, 64, h,
			      m.v[i]->width == 64 ? m.v[i]
						  : ir_extend(&m.r.b, false, 32, 64, m.v[i]));
	}
	ir_ret(&m.r.b, h);
}

#endif
