/* Random modules of ir, run before and after the passes: results and memory must be the same.
 *
 * A module is made from a seed: functions with local structs, structured branches and loops,
 * copies, clears, volatile and atomic accesses, and calls that pass addresses of locals. A small
 * interpreter runs it; it puts each slot where its alignment just allows it, fills it with rubbish,
 * and insists on aligned accesses, so that a pass that loses alignment, size or initialisation is
 * seen.
 */
#include "ir/ir.h"
#include "ir/passes.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

enum { N_FNS = 4, SHARED = 64, MODULES = 300 };

/* ---- chance ---------------------------------------------------------------------------------- */

struct rng {
	u64 s;
};

static u32 pick(struct rng *r, u32 n)
{
	r->s ^= r->s << 13;
	r->s ^= r->s >> 7;
	r->s ^= r->s << 17;
	return (u32)((r->s >> 20) % n);
}

/* ---- making a module ------------------------------------------------------------------------- */

struct maker {
	struct rng r;
	struct ir_builder b;
	struct ir_ins *slots[6], *param, *shared;
	struct ir_ins *values[8]; /* 64-bit values of this block */
	u32 n_slots, n_values, index, budget;
};

static void keep(struct maker *k, struct ir_ins *x)
{
	if (x->width == 32)
		x = ir_extend(&k->b, pick(&k->r, 2), 32, 64, x);
	k->values[k->n_values < 8 ? k->n_values++ : pick(&k->r, 8)] = x;
}

static struct ir_ins *small_or_large(struct maker *k)
{
	s64 x = (s64)pick(&k->r, 1000) - 500;

	return ir_const(&k->b, 64, pick(&k->r, 3) ? x : x * 0x3456789abcdef);
}

static struct ir_ins *any_value(struct maker *k)
{
	u32 i = pick(&k->r, k->n_values + 2);

	if (i < k->n_values)
		return k->values[i];
	return i == k->n_values ? k->param : small_or_large(k);
}

static void go(struct maker *k, struct ir_block *b)
{
	k->b.at = b;
	k->n_values = 0;
}

/* A slot, or the shared memory (64 bytes, aligned to 8) now and then. */
static struct ir_ins *any_object(struct maker *k, u32 *out_bytes, u32 *out_align)
{
	struct ir_ins *x = k->slots[pick(&k->r, k->n_slots)];

	if (!pick(&k->r, 8)) {
		*out_bytes = 16;
		*out_align = 8;
		return k->shared;
	}
	*out_bytes = x->count;
	*out_align = x->align;
	return x;
}

/* Mostly the same scalars of a slot are used, so that it can be cut. */
static u32 usual_size(const struct ir_ins *base, u32 bytes, u32 align)
{
	u32 size = 1u << base->id % 4;

	while (size > bytes || size > align)
		size /= 2;
	return size;
}

struct spot {
	struct ir_ins *base;
	s64 off;
	u8 size;
};

static struct spot any_spot(struct maker *k)
{
	u32 bytes, align, size;
	struct ir_ins *base = any_object(k, &bytes, &align);
	struct spot s;

	size = usual_size(base, bytes, align);
	if (!pick(&k->r, 12))
		size = 1;
	s = (struct spot){ base, (s64)(pick(&k->r, bytes / size) * size), (u8)size };
	if (s.off && !pick(&k->r, 4)) {
		s.base = ir_binary(&k->b, IR_ADD, 64, base, ir_const(&k->b, 64, s.off));
		s.off = 0;
	}
	return s;
}

static void make_load(struct maker *k)
{
	struct spot s = any_spot(k);
	u8 width = s.size == 8 || pick(&k->r, 2) ? 64 : 32;
	struct ir_ins *x =
		ir_load(&k->b, width, s.size, s.size < 8 && pick(&k->r, 2), s.base, s.off);

	x->is_volatile = !pick(&k->r, 24);
	keep(k, x);
}

static void make_store(struct maker *k)
{
	struct spot s = any_spot(k);
	struct ir_ins *x = any_value(k);

	if (s.size < 8 && pick(&k->r, 2))
		x = ir_extend(&k->b, pick(&k->r, 2), s.size * 8u, 32, x);
	ir_store(&k->b, s.size, s.base, s.off, x)->is_volatile = !pick(&k->r, 24);
}

static void make_sum(struct maker *k)
{
	static const enum ir_op ops[] = { IR_ADD, IR_SUB, IR_MUL, IR_XOR, IR_AND };
	struct ir_ins *x = any_value(k), *y = any_value(k);

	keep(k, ir_binary(&k->b, ops[pick(&k->r, ARRAY_LEN(ops))], 64, x, y));
}

static void make_zero(struct maker *k)
{
	u32 bytes, align, at;
	struct ir_ins *x = any_object(k, &bytes, &align);

	at = pick(&k->r, bytes / align) * align;
	ir_zero(&k->b, x, at, 1 + pick(&k->r, bytes - at), align);
}

static void make_move(struct maker *k)
{
	struct ir_ins *x, *y;
	u32 nx, ny, ax, ay, align, i, j, n;

	x = any_object(k, &nx, &ax);
	y = any_object(k, &ny, &ay);
	if (x == y)
		return;
	align = ax < ay ? ax : ay;
	i = pick(&k->r, nx / align) * align;
	j = pick(&k->r, ny / align) * align;
	n = nx - i < ny - j ? nx - i : ny - j;
	ir_move(&k->b, x, i, y, j, pick(&k->r, 3) ? n : 1 + pick(&k->r, n), align);
}

static void make_call(struct maker *k)
{
	struct ir_ins *args[2];
	u32 to = k->index + 1 + pick(&k->r, N_FNS - 1), bytes, align;

	if (to >= N_FNS)
		return;
	args[0] = any_value(k);
	args[1] = any_object(k, &bytes, &align);
	if (bytes < 16 || align < 8)
		args[1] = k->shared;
	keep(k, ir_call_sym(&k->b, IR_CALL_FN, to, 64, args, 2));
}

static void make_atomic(struct maker *k)
{
	struct spot s = any_spot(k);

	if (s.size == 8)
		keep(k, ir_atomic(&k->b, ISA_ATOMIC_ADD | ISA_FETCH, 8, s.base, s.off, any_value(k),
				  NULL));
}

static void make_statements(struct maker *k, u32 depth);

static void make_branch(struct maker *k, u32 depth)
{
	struct ir_block *yes = ir_block_new(k->b.fn), *no = ir_block_new(k->b.fn);
	struct ir_block *end = ir_block_new(k->b.fn);
	struct ir_ins *x = any_value(k), *y = any_value(k);

	ir_if(&k->b, ir_compare(&k->b, IR_SLT, x, y), yes, no);
	go(k, yes);
	make_statements(k, depth + 1);
	if (pick(&k->r, 10))
		ir_jump(&k->b, end);
	else
		ir_ret(&k->b, any_value(k));
	go(k, no);
	if (pick(&k->r, 2))
		make_statements(k, depth + 1);
	ir_jump(&k->b, end);
	go(k, end);
}

static void make_loop(struct maker *k, u32 depth)
{
	struct ir_block *head = ir_block_new(k->b.fn), *body = ir_block_new(k->b.fn);
	struct ir_block *end = ir_block_new(k->b.fn);
	struct ir_ins *counter = ir_slot(&k->b, 4, 4), *x, *limit;

	ir_store(&k->b, 4, counter, 0, ir_const(&k->b, 32, 0));
	ir_jump(&k->b, head);
	go(k, head);
	x = ir_load(&k->b, 32, 4, true, counter, 0);
	limit = ir_const(&k->b, 32, 1 + pick(&k->r, 3));
	ir_if(&k->b, ir_compare(&k->b, IR_SLT, x, limit), body, end);
	go(k, body);
	make_statements(k, depth + 1);
	x = ir_load(&k->b, 32, 4, false, counter, 0);
	limit = ir_const(&k->b, 32, 1);
	ir_store(&k->b, 4, counter, 0, ir_binary(&k->b, IR_ADD, 32, x, limit));
	ir_jump(&k->b, head);
	go(k, end);
}

static void make_statements(struct maker *k, u32 depth)
{
	for (u32 n = 1 + pick(&k->r, 8); n && k->budget; n--, k->budget--)
		switch (pick(&k->r, 16)) {
		case 0:
		case 1:
		case 2:
		case 3: make_store(k); break;
		case 4:
		case 5:
		case 6:
		case 7: make_load(k); break;
		case 8:
		case 9: make_sum(k); break;
		case 10: make_move(k); break;
		case 11: make_zero(k); break;
		case 12: make_call(k); break;
		case 13:
			if (!pick(&k->r, 6))
				make_atomic(k);
			break;
		case 14:
			if (depth < 3)
				make_loop(k, depth);
			break;
		default:
			if (depth < 3)
				make_branch(k, depth);
		}
}

/* Everything that is left in the slots becomes part of the result. */
static struct ir_ins *sum_of_slots(struct maker *k)
{
	struct ir_ins *sum = any_value(k);

	for (u32 i = 0; i < k->n_slots; i++) {
		struct ir_ins *slot = k->slots[i];
		u32 size = usual_size(slot, slot->count, slot->align);

		for (u32 at = 0; at + size <= slot->count; at += size) {
			struct ir_ins *x = ir_load(&k->b, 64, (u8)size, false, slot, at);

			sum = ir_binary(&k->b, IR_MUL, 64, sum, ir_const(&k->b, 64, 31));
			sum = ir_binary(&k->b, IR_ADD, 64, sum, x);
		}
	}
	return sum;
}

static void make_function(struct ir_module *m, struct rng *r, u32 index)
{
	struct ir_fn *fn =
		ir_fn_new(m, str_printf(m->a, "f%u", index), index ? IR_STATIC : IR_PROGRAM, 2, 64);
	struct maker k = { .r = *r, .index = index, .budget = 60 };

	fn->noinline = index && !pick(&k.r, 5);
	fn->always_inline = !fn->noinline && !pick(&k.r, 4);
	fn->param_region[1] = IR_IN_MEM;
	k.b.fn = fn;
	k.b.at = ir_block_new(fn);
	k.param = ir_param(&k.b, 0, 64);
	k.shared = ir_param(&k.b, 1, 64);
	k.n_slots = 1 + pick(&k.r, 6);
	for (u32 i = 0; i < k.n_slots; i++) {
		u32 align = 1u << pick(&k.r, 4);

		k.slots[i] = ir_slot(&k.b, align * (1 + pick(&k.r, 24 / align)), align);
	}
	for (u32 i = 0; i < k.n_slots; i++)
		ir_zero(&k.b, k.slots[i], 0, k.slots[i]->count, k.slots[i]->align);
	for (int i = 0; i < 4; i++)
		make_statements(&k, 0);
	ir_ret(&k.b, sum_of_slots(&k));
	*r = k.r;
}

static struct ir_module *make_module(struct arena *a, u64 seed)
{
	struct ir_module *m = ir_module_new(a);
	struct rng r = { seed * 0x9e3779b97f4a7c15u + 1 };

	for (u32 i = 0; i < N_FNS; i++)
		ir_sym(m, IR_SYM_FN, str_printf(a, "f%u", i), i);
	for (u32 i = 0; i < N_FNS; i++)
		make_function(m, &r, i);
	for (u32 i = 0; i < m->fns.n; i++)
		ir_cfg_build(m->fns.at[i]);
	return m;
}

/* ---- running it ------------------------------------------------------------------------------ */

struct run {
	struct arena *a;
	vec(u8 *) slots; /* from malloc(): the sanitizer watches their ends */
	u64 steps;
	const char *wrong;
};

static u64 call(struct run *r, struct ir_fn *fn, const u64 *args);

static u64 narrow(const struct ir_ins *i, u64 x)
{
	return i->width == 32 ? (u32)x : x;
}

static u64 extended(u64 x, u32 bits, bool is_signed)
{
	if (bits == 64)
		return x;
	x &= (1ull << bits) - 1;
	return is_signed && x >> (bits - 1) ? x | ~0ull << bits : x;
}

static u8 *address(struct run *r, u64 base, s64 off, u32 size)
{
	u64 at = base + (u64)off;

	if (size > 1 && at % size)
		r->wrong = "misaligned access";
	return (u8 *)at;
}

static u64 load(struct run *r, const struct ir_ins *i, u64 base)
{
	u64 x = 0;

	memcpy(&x, address(r, base, i->imm, i->size), i->size);
	return narrow(i, extended(x, i->size * 8u, i->is_signed));
}

static u64 new_slot(struct run *r, const struct ir_ins *i)
{
	u32 skip = i->align < 16 ? i->align : 0;
	u8 *room = malloc(skip + i->count);

	assert_non_null(room);
	memset(room, 0xa5, skip + i->count);
	*vec_push(r->a, &r->slots) = room;
	return (u64)room + skip;
}

static u64 evaluate(struct run *r, const struct ir_ins *i, const u64 *x, const u64 *args)
{
	u64 old = 0;

	switch (i->op) {
	case IR_CONST: return ir_const_bits(i);
	case IR_UNDEF: return 0x5a5a5a5a;
	case IR_PARAM: return args[i->imm];
	case IR_SLOT: return new_slot(r, i);
	case IR_COPY: return x[0];
	case IR_ADD: return narrow(i, x[0] + x[1]);
	case IR_SUB: return narrow(i, x[0] - x[1]);
	case IR_MUL: return narrow(i, x[0] * x[1]);
	case IR_XOR: return narrow(i, x[0] ^ x[1]);
	case IR_AND: return narrow(i, x[0] & x[1]);
	case IR_SEXT: return narrow(i, extended(x[0], i->count, true));
	case IR_ZEXT: return narrow(i, extended(x[0], i->count, false));
	case IR_TRUNC: return (u32)x[0];
	case IR_SLT:
		return (s64)extended(x[0], i->size * 8u, true) <
		       (s64)extended(x[1], i->size * 8u, true);
	case IR_ULT: return x[0] < x[1];
	case IR_LOAD: return load(r, i, x[0]);
	case IR_STORE: memcpy(address(r, x[0], i->imm, i->size), &x[1], i->size); return 0;
	case IR_ZERO: memset(address(r, x[0], i->imm, i->align), 0, i->count); return 0;
	case IR_MOVE:
		memcpy(address(r, x[0], i->imm, i->align), address(r, x[1], i->off2, i->align),
		       i->count);
		return 0;
	case IR_ATOMIC:
		memcpy(&old, address(r, x[0], i->imm, i->size), 8);
		memcpy((u8 *)x[0] + i->imm, &(u64){ old + x[1] }, 8);
		return old;
	case IR_CALL_FN:
		return call(r, i->block->fn->m->fns.at[i->block->fn->m->syms.at[i->sym].index], x);
	default: r->wrong = ir_op_info(i->op)->text; return 0;
	}
}

/* Phis of a block take their values at the same time. */
static void enter(const struct ir_block *from, const struct ir_block *to, u64 *regs)
{
	u64 now[64];
	u32 n = 0, k = 0;

	while (k < to->n_preds && to->preds[k] != from)
		k++;
	for (struct ir_ins *i = to->first; i->op == IR_PHI && n < 64; i = i->next)
		now[n++] = regs[i->args[k]->id];
	n = 0;
	for (struct ir_ins *i = to->first; i->op == IR_PHI && n < 64; i = i->next)
		regs[i->id] = now[n++];
}

static u64 call(struct run *r, struct ir_fn *fn, const u64 *args)
{
	u64 *regs = arena_array_of(r->a, u64, fn->next_ins);
	struct ir_ins *i = fn->first->first;

	while (!r->wrong) {
		u64 x[5] = { 0 };
		struct ir_block *to = NULL;

		for (u32 k = 0; k < i->n_args && k < 5; k++)
			x[k] = regs[i->args[k]->id];
		if (r->steps++ > 1000000)
			r->wrong = "endless";
		if (i->op == IR_RET)
			return x[0];
		if (i->op == IR_JUMP || i->op == IR_IF)
			to = i->op == IR_JUMP || x[0] ? i->to[0] : i->to[1];
		else if (i->op != IR_PHI)
			regs[i->id] = evaluate(r, i, x, args);
		if (to)
			enter(i->block, to, regs);
		i = to ? to->first : i->next;
	}
	return 0;
}

struct outcome {
	u64 value;
	u64 shared[SHARED / 8];
};

static struct outcome outcome_of(struct ir_module *m, u64 seed, const char *when)
{
	struct run r = { .a = arena_new(NULL) };
	struct outcome o = { 0 };
	str why;

	for (u32 i = 0; i < m->fns.n; i++)
		if (!ir_check(m->fns.at[i], &why))
			fail_msg("seed %u %s: " STR_FMT, (u32)seed, when, STR_ARG(why));
	for (u32 i = 0; i < SHARED / 8; i++)
		o.shared[i] = i * 0x0123456789abcdefu;
	o.value = call(&r, m->fns.at[0], (u64[]){ seed % 17, (u64)o.shared });
	if (r.wrong)
		fail_msg("seed %u %s: %s", (u32)seed, when, r.wrong);
	for (u32 i = 0; i < r.slots.n; i++)
		free(r.slots.at[i]);
	arena_free(r.a);
	return o;
}

/* ---- the test -------------------------------------------------------------------------------- */

static void run_pass(struct ir_pass_ctx *c, struct ir_module *m, char which)
{
	if (which == 'i')
		ir_pass_inline(c, m);
	for (u32 i = 0; i < m->fns.n; i++) {
		if (which == 'p')
			ir_pass_promote(c, m->fns.at[i]);
		if (which == 'e')
			ir_pass_expand(c, m->fns.at[i]);
	}
}

static void try_order(u64 seed, const char *order)
{
	struct arena *a = arena_new(NULL), *scratch = arena_new(NULL);
	struct ir_target target = { .has_v4 = true, .split_probe_reads = true };
	struct sources ss;
	struct diags dx;
	struct ir_pass_ctx c = { scratch, &dx, &target };
	struct ir_module *m = make_module(a, seed);
	struct outcome want = outcome_of(m, seed, "before"), got;

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	for (const char *p = order; *p; p++) {
		run_pass(&c, m, *p);
		got = outcome_of(m, seed, p);
		if (memcmp(&got, &want, sizeof(got)))
			fail_msg("seed %u: another result at '%s' of '%s'", (u32)seed, p, order);
	}
	assert_int_equal(dx.list.n, 0);
	arena_free(scratch);
	arena_free(a);
}

static void test_random(void **state)
{
	static const char *const orders[] = { "pe", "ep", "ipe", "eip", "pip" };
	const char *first = getenv("SKEP_SEED");
	u64 from = first ? strtoull(first, NULL, 0) : 1;

	(void)state;
	for (u64 seed = from; seed < from + (first ? 1 : MODULES); seed++)
		for (u32 k = 0; k < ARRAY_LEN(orders); k++)
			try_order(seed, orders[k]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
