/* A small evaluator of ir, written apart from the compiler: the oracle for generated code. Tests
 * include this file.
 *
 * Runs a module's function on host memory; values are kept by ins->id. A 32-bit value is kept with
 * a zero upper half. `wrong` says why it stopped when it did.
 */
#ifndef SKEP_TEST_IR_EVALUATOR
#define SKEP_TEST_IR_EVALUATOR

#include "ir/ir.h"

#include <string.h>

struct evaluator {
	struct arena *a;
	u64 (*helper)(void *arg, u32 id, const u64 args[5]);
	void *helper_arg;
	u64 steps;
	const char *wrong;
};

static inline s64 eval_sx(u64 v, u32 bits)
{
	return (s64)(v << (64 - bits)) >> (64 - bits);
}
static inline u64 eval_zx(u64 v, u32 bits)
{
	return bits >= 64 ? v : v & ((1ull << bits) - 1);
}

static inline u64 eval_arith(enum ir_op op, u32 w, u64 a, u64 b)
{
	s64 sa = eval_sx(a, w), sb = eval_sx(b, w);
	u32 n = (u32)b & (w - 1);

	switch (op) {
	case IR_ADD: return a + b;
	case IR_SUB: return a - b;
	case IR_MUL: return a * b;
	case IR_UDIV: return b ? a / b : 0;
	case IR_UMOD: return b ? a % b : a;
	case IR_SDIV: return !sb ? 0 : sb == -1 ? -(u64)sa : (u64)(sa / sb);
	case IR_SMOD: return !sb ? a : sb == -1 ? 0 : (u64)(sa % sb);
	case IR_AND: return a & b;
	case IR_OR: return a | b;
	case IR_XOR: return a ^ b;
	case IR_SHL: return a << n;
	case IR_LSHR: return a >> n;
	case IR_ASHR: return (u64)(sa >> n);
	case IR_EQ: return a == b;
	case IR_NE: return a != b;
	case IR_ULT: return a < b;
	case IR_ULE: return a <= b;
	case IR_UGT: return a > b;
	case IR_UGE: return a >= b;
	case IR_SLT: return sa < sb;
	case IR_SLE: return sa <= sb;
	case IR_SGT: return sa > sb;
	default: return sa >= sb;
	}
}

static inline u64 eval_load(u64 at, u32 size)
{
	u64 v = 0;

	memcpy(&v, (const void *)(uintptr_t)at, size);
	return v;
}

static inline u64 eval_atomic(const struct ir_ins *x, u64 at, const u64 *arg)
{
	u64 old = eval_load(at, x->size), now, y = arg[1];

	switch (x->atomic & ~ISA_FETCH) {
	case ISA_ATOMIC_ADD: now = old + y; break;
	case ISA_ATOMIC_OR: now = old | y; break;
	case ISA_ATOMIC_AND: now = old & y; break;
	case ISA_ATOMIC_XOR: now = old ^ y; break;
	case ISA_XCHG & ~ISA_FETCH: now = y; break;
	default: now = old == eval_zx(y, x->size * 8u) ? arg[2] : old; break;
	}
	memcpy((void *)(uintptr_t)at, &now, x->size);
	return old;
}

static inline u64 eval_fn(struct evaluator *e, const struct ir_fn *fn, const u64 args[5],
			  u32 depth);

static inline u64 eval_call(struct evaluator *e, const struct ir_ins *x, const u64 *arg, u32 depth)
{
	const struct ir_module *m = x->block->fn->m;
	u64 args[5] = { 0 };

	for (u32 i = 0; i < x->n_args; i++)
		args[i] = arg[i];
	if (x->op == IR_CALL_FN)
		return eval_fn(e, m->fns.at[m->syms.at[x->sym].index], args, depth + 1);
	return e->helper(e->helper_arg, (u32)x->imm, args);
}

/* The value of an instruction that is neither a phi nor an end. */
static inline u64 eval_ins(struct evaluator *e, const struct ir_ins *x, const u64 *v,
			   const u64 params[5], u32 depth)
{
	u64 arg[5] = { 0 }, at;

	for (u32 i = 0; i < x->n_args; i++)
		arg[i] = v[x->args[i]->id];
	at = arg[0] + (u64)x->imm;
	switch (x->op) {
	case IR_CONST: return x->width == 32 ? (u32)x->imm : (u64)x->imm;
	case IR_UNDEF: return 0;
	case IR_PARAM: return params[x->imm];
	case IR_SLOT: return (u64)(uintptr_t)arena_alloc(e->a, x->count);
	case IR_COPY: return arg[0];
	case IR_NEG: return -arg[0];
	case IR_SEXT: return (u64)eval_sx(arg[0], x->count);
	case IR_ZEXT: return eval_zx(arg[0], x->count);
	case IR_TRUNC: return (u32)arg[0];
	case IR_BSWAP: return __builtin_bswap64(arg[0]) >> (64 - x->count);
	case IR_LOAD:
		at = eval_load(at, x->size);
		return x->is_signed ? (u64)eval_sx(at, x->size * 8u) : at;
	case IR_STORE: memcpy((void *)(uintptr_t)at, &arg[1], x->size); return 0;
	case IR_ATOMIC: return eval_atomic(x, at, arg);
	case IR_CALL:
	case IR_CALL_FN: return eval_call(e, x, arg, depth);
	default: break;
	}
	if (ir_op_info(x->op)->flags & IR_F_CMP)
		return eval_arith(x->op, x->size * 8u, arg[0], arg[1]);
	if (x->n_args != 2)
		e->wrong = "an operation that the evaluator does not know";
	return eval_arith(x->op, x->width, arg[0], arg[1]);
}

/* All phis of a block at once. */
static inline void eval_phis(struct evaluator *e, const struct ir_block *b,
			     const struct ir_block *from, u64 *v)
{
	u64 *now = arena_array_of(e->a, u64, b->fn->next_ins);
	u32 at = 0;

	for (const struct ir_ins *x = b->first; x && x->op == IR_PHI; x = x->next) {
		for (at = 0; at < b->n_preds && b->preds[at] != from; at++)
			;
		now[x->id] = v[x->args[at]->id];
	}
	for (const struct ir_ins *x = b->first; x && x->op == IR_PHI; x = x->next)
		v[x->id] = now[x->id];
}

static inline u64 eval_fn(struct evaluator *e, const struct ir_fn *fn, const u64 args[5], u32 depth)
{
	u64 *v = arena_array_of(e->a, u64, fn->next_ins);
	const struct ir_block *b = fn->first, *from = NULL;

	while (!e->wrong) {
		const struct ir_ins *x = b->first;
		struct arena_mark mark = arena_mark(e->a);

		eval_phis(e, b, from, v);
		arena_release(e->a, mark);
		for (; x && !(ir_op_info(x->op)->flags & IR_F_END); x = x->next) {
			if (x->op == IR_PHI)
				continue;
			v[x->id] =
				eval_zx(eval_ins(e, x, v, args, depth), x->width ? x->width : 64);
			if (++e->steps > 4000000)
				e->wrong = "never ends";
		}
		from = b;
		if (x->op == IR_RET)
			return x->n_args ? v[x->args[0]->id] : 0;
		if (x->op == IR_UNREACHABLE)
			e->wrong = "reaches the unreachable";
		b = x->op == IR_IF && !v[x->args[0]->id] ? x->to[1] : x->to[0];
	}
	return 0;
}

#endif
