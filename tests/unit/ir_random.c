/* Random functions of ir for tests, which include this file: always terminating, never faulting,
 * the same for a seed.
 *
 * Code is made structured (if/else, loops of few rounds, early returns), directly in SSA form: each
 * construct merges some of its values in phis. A list of values that are available keeps growing,
 * and the result depends on all that are left at the end, so that many are alive at a time.
 */
#ifndef SKEP_TEST_IR_RANDOM
#define SKEP_TEST_IR_RANDOM

#include "ir/ir.h"

#include <string.h>

enum { RANDOM_INPUTS = 4, RANDOM_SLOTS = 3, RANDOM_SLOT_BYTES = 32, RANDOM_VALUES = 48 };

struct random_ir {
	u64 state;
	struct ir_builder b;
	struct ir_ins *v[RANDOM_VALUES]; /* available values, 32 and 64 bits */
	u32 n;
	struct ir_ins *slot[RANDOM_SLOTS];
	u32 mix;    /* symbol of the function that is called */
	u32 budget; /* statements left */
	u32 depth, loops;
	bool for_kernel; /* no made-up helpers, no atomics at variable addresses */
};

static inline u64 random_next(struct random_ir *r)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return r->state * 0x2545f4914f6cdd1dull;
}

static inline u32 random_below(struct random_ir *r, u32 n)
{
	return (u32)(random_next(r) >> 33) % n;
}

static inline s64 random_number(struct random_ir *r)
{
	static const s64 odd[] = { 0,
				   1,
				   -1,
				   2,
				   7,
				   8,
				   31,
				   32,
				   63,
				   64,
				   255,
				   256,
				   65535,
				   INT32_MAX,
				   INT32_MIN,
				   (s64)INT32_MAX + 1,
				   (s64)INT32_MIN - 1,
				   0xffffffffll,
				   0x100000000ll,
				   INT64_MAX,
				   INT64_MIN,
				   -256,
				   -8,
				   0x80000000ll };

	switch (random_below(r, 4)) {
	case 0: return (s64)random_next(r);
	case 1: return (s64)random_below(r, 1000) - 500;
	default: return odd[random_below(r, ARRAY_LEN(odd))];
	}
}

static inline void random_add(struct random_ir *r, struct ir_ins *x)
{
	if (r->n < RANDOM_VALUES)
		r->v[r->n++] = x;
	else
		r->v[random_below(r, RANDOM_VALUES)] = x;
}

/* Some available value as a value of `width` bits, sometimes a constant. */
static inline struct ir_ins *random_value(struct random_ir *r, u8 width)
{
	struct ir_ins *x;

	if (random_below(r, 5) == 0)
		return ir_const(&r->b, width, random_number(r));
	if (random_below(r, 40) == 0)
		return ir_undef(&r->b, width);
	x = r->v[random_below(r, r->n)];
	if (x->width == width)
		return x;
	if (width == 32)
		return ir_trunc(&r->b, x);
	return ir_extend(&r->b, random_below(r, 2), 32, 64, x);
}

static inline u8 random_width(struct random_ir *r)
{
	return random_below(r, 2) ? 64 : 32;
}
static inline u8 random_size(struct random_ir *r)
{
	return (u8)(1u << random_below(r, 4));
}

static inline struct ir_ins *random_compare(struct random_ir *r)
{
	u8 w = random_width(r);
	struct ir_ins *x = random_value(r, w), *y = random_value(r, w);

	if (random_below(r, 6) == 0)
		return ir_compare(&r->b, random_below(r, 2) ? IR_EQ : IR_NE,
				  ir_binary(&r->b, IR_AND, w, x, y), ir_const(&r->b, w, 0));
	return ir_compare(&r->b, (enum ir_op)(IR_EQ + random_below(r, IR_SGE - IR_EQ + 1)), x, y);
}

/* An address in a slot and an offset such that `size` bytes are inside and aligned. */
static inline struct ir_ins *random_address(struct random_ir *r, u32 size, bool may_vary,
					    s64 *out_off)
{
	struct ir_ins *base = r->slot[random_below(r, RANDOM_SLOTS)], *at;

	*out_off = random_below(r, RANDOM_SLOT_BYTES / size) * size;
	switch (may_vary ? random_below(r, 4) : 1 + random_below(r, 3)) {
	case 0: /* slot + (x & 24), 8-byte steps */
		at = ir_binary(&r->b, IR_AND, 64, random_value(r, 64), ir_const(&r->b, 64, 24));
		*out_off = random_below(r, 8 / size) * size;
		return random_below(r, 2) ? ir_binary(&r->b, IR_ADD, 64, base, at)
					  : ir_binary(&r->b, IR_ADD, 64, at, base);
	case 1: /* (slot + c) with the rest as offset */
		base = ir_binary(&r->b, IR_ADD, 64, base, ir_const(&r->b, 64, *out_off));
		*out_off = 0;
		return base;
	default: return base;
	}
}

static inline void random_memory(struct random_ir *r)
{
	u32 size = random_size(r);
	u8 w = size == 8 ? 64 : random_width(r);
	s64 off;
	struct ir_ins *at = random_address(r, size, true, &off);

	if (random_below(r, 2))
		ir_store(&r->b, (u8)size, at, off, random_value(r, w));
	else
		random_add(r, ir_load(&r->b, w, (u8)size, size < 8 && random_below(r, 2), at, off));
}

static inline void random_atomic(struct random_ir *r)
{
	static const s32 ops[] = { ISA_ATOMIC_ADD, ISA_ATOMIC_OR, ISA_ATOMIC_AND, ISA_ATOMIC_XOR };
	u8 size = random_below(r, 2) ? 8 : 4;
	u8 w = (u8)(size * 8);
	s64 off;
	struct ir_ins *at = random_address(r, size, !r->for_kernel, &off), *y = random_value(r, w),
		      *z = NULL;
	struct ir_ins *x;
	s32 op = ops[random_below(r, ARRAY_LEN(ops))];

	switch (random_below(r, 4)) {
	case 0: op |= ISA_FETCH; break;
	case 1: op = ISA_XCHG; break;
	case 2:
		op = ISA_CMPXCHG;
		z = random_value(r, w);
		if (random_below(r, 2))
			y = ir_load(&r->b, w, size, false, at, off);
		break;
	default: break;
	}
	x = ir_atomic(&r->b, op, size, at, off, y, z);
	if (x->width)
		random_add(r, x);
}

static inline void random_call(struct random_ir *r)
{
	struct ir_ins *args[5], *x;
	u32 n = random_below(r, 6);

	if (random_below(r, 2)) {
		for (u32 i = 0; i < 5; i++)
			args[i] = random_value(r, i & 1 ? 32 : 64);
		random_add(r, ir_call_sym(&r->b, IR_CALL_FN, r->mix, 64, args, 5));
		return;
	}
	for (u32 i = 0; i < n && !r->for_kernel; i++)
		args[i] = random_value(r, random_width(r));
	if (r->for_kernel) { /* bpf_get_smp_processor_id() & 0 */
		x = ir_call(&r->b, 8, 64, NULL, 0);
		random_add(r, ir_binary(&r->b, IR_AND, 64, x, ir_const(&r->b, 64, 0)));
	} else {
		random_add(r, ir_call(&r->b, 100 + n, random_width(r), args, n));
	}
}

static inline void random_statement(struct random_ir *r)
{
	u8 w = random_width(r);
	u32 bits = 8u << random_below(r, 3);
	struct ir_ins *x, *y;

	switch (random_below(r, 12)) {
	case 0:
	case 1: random_memory(r); break;
	case 2: random_atomic(r); break;
	case 3: random_call(r); break;
	case 4: random_add(r, random_compare(r)); break;
	case 5:
		x = random_value(r, random_width(r));
		random_add(r, ir_extend(&r->b, random_below(r, 2), bits, w, x));
		break;
	case 6:
		bits = w == 64 && bits == 8 ? 64 : bits == 8 ? 16 : bits;
		random_add(r, ir_bswap(&r->b, bits, w, random_value(r, w)));
		break;
	case 7: random_add(r, ir_unary(&r->b, IR_NEG, w, random_value(r, w))); break;
	default:
		x = random_value(r, w);
		y = random_value(r, w);
		random_add(r,
			   ir_binary(&r->b,
				     (enum ir_op)(IR_ADD + random_below(r, IR_ASHR - IR_ADD + 1)),
				     w, x, y));
		break;
	}
}

static inline void random_code(struct random_ir *r);

/* The values that are available at a point: what a construct adds inside of itself is not so behind
 * it. */
struct random_point {
	struct ir_ins *v[RANDOM_VALUES];
	u32 n;
};

static inline struct random_point random_here(const struct random_ir *r)
{
	struct random_point p = { .n = r->n };

	memcpy(p.v, r->v, sizeof(p.v));
	return p;
}

static inline void random_back_to(struct random_ir *r, const struct random_point *p)
{
	memcpy(r->v, p->v, sizeof(p->v));
	r->n = p->n;
}

/* if (c) { … } else { … }: phis over values of both sides; or one side returns. */
static inline void random_if(struct random_ir *r)
{
	struct ir_block *yes = ir_block_new(r->b.fn), *no = ir_block_new(r->b.fn);
	struct ir_block *join = ir_block_new(r->b.fn);
	struct ir_ins *cond = random_below(r, 4) ? random_compare(r) : random_value(r, 32);
	struct ir_ins *left[8], *right[8];
	u32 n = 1 + random_below(r, 5);
	struct random_point before;
	u8 w[8];

	ir_if(&r->b, cond, yes, no);
	before = random_here(r);
	for (u32 i = 0; i < n; i++)
		w[i] = random_width(r);
	r->b.at = yes;
	random_code(r);
	if (random_below(r, 8) == 0) {
		ir_ret(&r->b, random_value(r, 64));
		left[0] = NULL;
	} else {
		for (u32 i = 0; i < n; i++)
			left[i] = random_value(r, w[i]);
		ir_jump(&r->b, join);
	}
	random_back_to(r, &before);
	r->b.at = no;
	if (random_below(r, 3))
		random_code(r);
	for (u32 i = 0; i < n; i++)
		right[i] = random_value(r, w[i]);
	ir_jump(&r->b, join);
	random_back_to(r, &before);
	r->b.at = join;
	for (u32 i = 0; i < n && left[0]; i++) {
		struct ir_ins *phi = ir_phi(&r->b, w[i], 2);

		phi->args[0] = left[i];
		phi->args[1] = right[i];
		random_add(r, phi);
	}
}

/* i = k; do/while { … } with loop-carried phis, some of them swapped. */
static inline void random_loop(struct random_ir *r)
{
	struct ir_block *head = ir_block_new(r->b.fn), *body = ir_block_new(r->b.fn);
	struct ir_block *out = ir_block_new(r->b.fn);
	struct ir_ins *start[6], *phi[6], *i, *next, *cond;
	u32 n = 1 + random_below(r, 4);
	struct random_point before;
	bool at_top = random_below(r, 2);
	u8 w = random_width(r);

	for (u32 k = 0; k < n; k++)
		start[k] = random_value(r, w);
	next = ir_const(&r->b, 64, 0);
	ir_jump(&r->b, head);
	r->b.at = head;
	i = ir_phi(&r->b, 64, 2);
	i->args[0] = next;
	for (u32 k = 0; k < n; k++) {
		phi[k] = ir_phi(&r->b, w, 2);
		phi[k]->args[0] = start[k];
		random_add(r, phi[k]);
	}
	before = random_here(r);
	if (at_top) {
		cond = ir_compare(&r->b, IR_ULT, i, ir_const(&r->b, 64, 1 + random_below(r, 5)));
		ir_if(&r->b, cond, body, out);
	} else {
		ir_jump(&r->b, body);
	}
	r->b.at = body;
	r->loops++;
	random_code(r);
	r->loops--;
	next = ir_binary(&r->b, IR_ADD, 64, i, ir_const(&r->b, 64, 1));
	i->args[1] = next;
	for (u32 k = 0; k < n; k++)
		phi[k]->args[1] = random_below(r, 2) ? phi[random_below(r, n)] : random_value(r, w);
	if (at_top) {
		ir_jump(&r->b, head);
	} else {
		cond = ir_compare(&r->b, IR_ULT, next, ir_const(&r->b, 64, 1 + random_below(r, 5)));
		ir_if(&r->b, cond, head, out);
	}
	random_back_to(r, &before);
	r->b.at = out;
}

/* A few statements and constructs. */
static inline void random_code(struct random_ir *r)
{
	u32 n = 1 + random_below(r, 8);

	r->depth++;
	while (n-- && r->budget) {
		u32 kind = random_below(r, 14);

		r->budget--;
		if (r->depth > 4 || kind > 2)
			random_statement(r);
		else if (kind == 0 && r->loops < 2)
			random_loop(r);
		else
			random_if(r);
	}
	r->depth--;
}

/* static mix(a, b, c, d, e): straight code over all five. */
static inline void random_mix(struct random_ir *r, struct ir_module *m)
{
	struct ir_ins *h;

	r->b = (struct ir_builder){ .fn = ir_fn_new(m, STR("mix"), IR_STATIC, 5, 64) };
	r->b.at = ir_block_new(r->b.fn);
	for (u32 i = 0; i < 5; i++)
		r->v[r->n++] = ir_param(&r->b, i, i & 1 ? 32 : 64);
	h = ir_const(&r->b, 64, 17);
	for (u32 i = 0; i < 5; i++) {
		struct ir_ins *x = r->v[i];

		h = ir_binary(&r->b, IR_MUL, 64, h, ir_const(&r->b, 64, 31));
		if (x->width == 32)
			x = ir_extend(&r->b, false, 32, 64, x);
		h = ir_binary(&r->b, IR_ADD, 64, h, x);
	}
	ir_ret(&r->b, h);
	r->n = 0;
	r->mix = ir_sym(m, IR_SYM_FN, STR("mix"), 0);
}

/* All values into one; its upper half into its lower. */
static inline void random_end(struct random_ir *r)
{
	struct ir_ins *h = ir_const(&r->b, 64, 1);

	for (u32 i = 0; i < r->n; i++) {
		struct ir_ins *x = r->v[i];

		if (x->width == 32)
			x = ir_extend(&r->b, false, 32, 64, x);
		h = ir_binary(&r->b, IR_MUL, 64, h, ir_const(&r->b, 64, 0x9e3779b1));
		h = ir_binary(&r->b, IR_XOR, 64, h, x);
	}
	h = ir_binary(&r->b, IR_XOR, 64, h,
		      ir_binary(&r->b, IR_LSHR, 64, h, ir_const(&r->b, 64, 32)));
	ir_ret(&r->b, h);
}

/* Function 0 is mix, function 1 the program, whose context is RANDOM_INPUTS numbers of 64 bits. */
static inline void random_module(struct ir_module *m, u64 seed, u32 budget, bool for_kernel)
{
	struct random_ir r = { .state = seed * 0x9e3779b97f4a7c15ull + 1,
			       .budget = budget,
			       .for_kernel = for_kernel };
	struct ir_ins *ctx;

	random_mix(&r, m);
	r.b = (struct ir_builder){ .fn = ir_fn_new(m, STR("prog"), IR_PROGRAM, 1, 64) };
	r.b.fn->param_region[0] = IR_IN_CTX;
	r.b.at = ir_block_new(r.b.fn);
	ctx = ir_param(&r.b, 0, 64);
	ctx->region = IR_IN_CTX;
	for (u32 i = 0; i < RANDOM_SLOTS; i++)
		r.slot[i] = ir_slot(&r.b, RANDOM_SLOT_BYTES, 8);
	for (u32 i = 0; i < RANDOM_INPUTS; i++)
		random_add(&r, ir_load(&r.b, 64, 8, false, ctx, i * 8));
	for (u32 i = 0; i < RANDOM_SLOTS; i++)
		for (u32 k = 0; k < RANDOM_SLOT_BYTES; k += 8)
			ir_store(&r.b, 8, r.slot[i], k, random_value(&r, 64));
	while (r.budget)
		random_code(&r);
	random_end(&r);
}

#endif
