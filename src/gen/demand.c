/* Demand: which values need a register, and which 32-bit values a clean upper half.
 *
 * A value needs one if something with an effect needs it, and it does not vanish into its user: a
 * comparison into the IF that it decides, a mask into the test of it, a constant sum into the
 * offset of a memory access, a leaf into an operand. What is not needed is not selected, so this is
 * dead code elimination as well.
 *
 * A 32-bit value is an unsigned number in a 64-bit register (ir.h), but some instructions that
 * would make one leave garbage or sign bits above (a truncation that is no instruction at all,
 * helper results, sign-extending loads). They are cleaned only if a user can see the upper half.
 *
 * Both are one fixed point, over a worklist: bits only get set, and each value is visited at most
 * once for each new bit.
 */
#include "gen/mir.h"

struct worklist {
	struct gen *g;
	struct ir_ins **at;
	u32 n;
};

/* ---- what vanishes into what ---------------------------------------------------------------- */

struct ir_ins *gen_fused_compare(const struct ir_ins *x)
{
	struct ir_ins *c = x->args[0];

	return ir_op_info(c->op)->flags & IR_F_CMP ? c : NULL;
}

struct ir_ins *gen_fused_mask(const struct gen *g, const struct ir_ins *compare)
{
	struct ir_ins *mask = compare->args[0];
	const struct ir_ins *zero = compare->args[1];

	if ((compare->op != IR_EQ && compare->op != IR_NE) || zero->op != IR_CONST || zero->imm ||
	    mask->op != IR_AND || g->uses[mask->id] != 1 ||
	    gen_leaf(mask->args[0], g->m).kind != LEAF_NO)
		return NULL;
	return mask;
}

/* Kernels want these dereferenced at constant offsets, so the sum must vanish. */
static bool is_strict(const struct ir_ins *base)
{
	return base->region == IR_IN_CTX || base->region == IR_IN_BTF || base->region == IR_IN_SOCK;
}

struct ir_ins *gen_address(const struct gen *g, const struct ir_ins *x, s64 *out_off)
{
	struct ir_ins *base = x->args[0];
	struct leaf l = gen_leaf(base, g->m);
	s64 off;

	*out_off = x->imm;
	if (l.kind == LEAF_SLOT) {
		*out_off += l.value;
		return (struct ir_ins *)l.base;
	}
	if (base->op != IR_ADD || base->width != 64 || base->args[1]->op != IR_CONST ||
	    gen_leaf(base->args[0], g->m).kind != LEAF_NO)
		return base;
	if (__builtin_add_overflow(x->imm, base->args[1]->imm, &off) || !fits_s16(off))
		return base;
	if (g->uses[base->id] != g->address_uses[base->id] && !is_strict(base->args[0]))
		return base;
	*out_off = off;
	return base->args[0];
}

/* ---- the fixed point ------------------------------------------------------------------------ */

static void want(struct worklist *w, struct ir_ins *x, u8 bits)
{
	u8 *need = &w->g->need[x->id];

	if (gen_leaf(x, w->g->m).kind != LEAF_NO || (*need & bits) == bits)
		return;
	*need |= bits;
	w->at[w->n++] = x;
}

static void want_args(struct worklist *w, const struct ir_ins *x, u32 from, u8 bits)
{
	for (u32 i = from; i < x->n_args; i++)
		want(w, x->args[i], bits);
}

/* What an IF asks of the values that it decides by. */
static void want_condition(struct worklist *w, const struct ir_ins *x)
{
	struct ir_ins *c = gen_fused_compare(x), *mask;

	if (!c) {
		want(w, x->args[0], NEED_VALUE);
		return;
	}
	mask = gen_fused_mask(w->g, c);
	want_args(w, mask ? mask : c, 0, NEED_VALUE);
}

static void want_operands(struct worklist *w, const struct ir_ins *x)
{
	u8 upper = NEED_VALUE | NEED_UPPER;
	s64 off;

	switch (x->op) {
	case IR_IF: want_condition(w, x); break;
	case IR_LOAD: want(w, gen_address(w->g, x, &off), upper); break;
	case IR_STORE:
	case IR_ATOMIC:
		want(w, gen_address(w->g, x, &off), upper);
		want_args(w, x, 1, x->size == 8 ? upper : NEED_VALUE);
		break;
	case IR_CALL:
	case IR_CALL_FN:
	case IR_CALL_KFUNC:
	case IR_ASM:
	case IR_OPAQUE:
	case IR_RET: want_args(w, x, 0, upper); break;
	case IR_ZEXT:
		want(w, x->args[0], x->count >= 32 && x->width == 64 ? upper : NEED_VALUE);
		break;
	case IR_PHI:
	case IR_COPY: want_args(w, x, 0, w->g->need[x->id] | NEED_VALUE); break;
	default: want_args(w, x, 0, NEED_VALUE); break;
	}
}

/* ---- the step ------------------------------------------------------------------------------- */

static void count_uses(struct gen *g, const struct ir_ins *x)
{
	for (u32 i = 0; i < x->n_args; i++) {
		g->uses[x->args[i]->id]++;
		if (i == 0 && (x->op == IR_LOAD || x->op == IR_STORE || x->op == IR_ATOMIC))
			g->address_uses[x->args[i]->id]++;
	}
}

static bool has_effect(const struct ir_ins *x)
{
	return (ir_op_info(x->op)->flags & (IR_F_WRITES | IR_F_END)) ||
	       (x->op == IR_LOAD && x->is_volatile);
}

void gen_demand(struct gen *g)
{
	struct worklist w = { .g = g };
	u32 n;

	ir_renumber(g->fn);
	n = g->fn->next_ins;
	g->need = arena_array_of(g->a, u8, n);
	g->uses = arena_array_of(g->a, u32, n);
	g->address_uses = arena_array_of(g->a, u32, n);
	w.at = arena_array_of(g->a, struct ir_ins *, 2 * (size_t)n);
	for (u32 i = 0; i < g->n_blocks; i++)
		for (struct ir_ins *x = g->order[i]->first; x; x = x->next)
			count_uses(g, x);
	for (u32 i = 0; i < g->n_blocks; i++)
		for (struct ir_ins *x = g->order[i]->first; x; x = x->next)
			if (has_effect(x))
				want_operands(&w, x);
	while (w.n) {
		const struct ir_ins *x = w.at[--w.n];

		if (!has_effect(x))
			want_operands(&w, x);
	}
}
