/* Leaves: constants, addresses of locals and of symbols.
 *
 * They cost an instruction at most, so they are computed where they are needed rather than kept in
 * registers: an operand takes its leaf as it stands (an immediate, an offset from the frame
 * pointer, a move into an argument's register), or, where the instruction wants a register, gets a
 * COPY of it. COPYs are placed in front of the instruction, or before the outermost loop around it,
 * and shared by the uses that they dominate. If registers run out there, a COPY is computed again
 * (spill.c).
 *
 * Invariant afterwards: an operand that is a leaf is one that gen_takes_leaf() takes.
 */
#include "gen/mir.h"

enum { MAX_SUMS = 8 };

/* Frame offsets beyond this are no leaves for memory accesses: with the local's own offset they
 * must still fit 16 bits. */
#define MAX_FRAME_OFF 16384

struct leaf gen_leaf(const struct ir_ins *x, const struct ir_module *m)
{
	struct leaf l = { .kind = LEAF_NO };
	u64 sum = 0;

	for (int i = 0; i < MAX_SUMS && x->op == IR_ADD && x->width == 64; i++) {
		if (x->args[1]->op != IR_CONST)
			return l;
		sum += ir_const_bits(x->args[1]);
		x = x->args[0];
	}
	l.base = x;
	l.value = (s64)sum;
	if (x->op == IR_SLOT && fits_s32(l.value)) {
		l.kind = LEAF_SLOT;
	} else if (x->op == IR_SYM) {
		l.value = (s64)((u64)x->imm + sum);
		if (!sum || (m->syms.at[x->sym].kind == IR_SYM_DATA && fits_s32(l.value)))
			l.kind = LEAF_SYM;
	} else if (x->op == IR_CONST && !sum) {
		l.kind = LEAF_CONST;
		l.value = (s64)ir_const_bits(x);
	}
	return l;
}

static bool takes_frame(const struct ir_ins *x, struct leaf l)
{
	s64 off = (s64)((u64)x->imm + (u64)l.value);

	return l.kind == LEAF_SLOT && off >= -MAX_FRAME_OFF && off <= MAX_FRAME_OFF;
}

static bool takes_atomic(const struct ir_ins *x, u32 arg, struct leaf l)
{
	if (arg == 0)
		return takes_frame(x, l);
	return arg == 1 && (x->atomic == ISA_CMPXCHG || (x->atomic & ISA_FETCH));
}

bool gen_takes_leaf(const struct ir_ins *x, u32 arg, struct leaf l)
{
	u32 flags = ir_op_info(x->op)->flags;

	switch (x->op) {
	case IR_COPY:
	case IR_PHI:
	case IR_CALL:
	case IR_CALL_FN:
	case IR_CALL_KFUNC:
	case IR_ASM:
	case IR_OPAQUE:
	case IR_RET:
	case IR_NEG:
	case IR_BSWAP: return true;
	case IR_TRUNC:
	case IR_ZEXT:
	case IR_SEXT:
	case IR_IF: return false;
	case IR_LOAD: return takes_frame(x, l);
	case IR_STORE:
		if (arg == 0)
			return takes_frame(x, l);
		return l.kind == LEAF_CONST && (x->size < 8 || fits_s32(l.value));
	case IR_ATOMIC: return takes_atomic(x, arg, l);
	default: break;
	}
	if (flags & IR_F_CMP)
		return arg == 1 && l.kind == LEAF_CONST && (x->size == 4 || fits_s32(l.value));
	if (arg == 0)
		return true;
	return l.kind == LEAF_CONST && (x->width == 32 || fits_s32(l.value));
}

/* ---- placing -------------------------------------------------------------------------------- */

/* The COPYs of one leaf, newest first. */
struct placed {
	struct ir_ins *copy;
	struct placed *next;
};

/* A register for `leaf`, to be used by `x`. */
static struct ir_ins *copy_for(struct gen *g, struct ir_ins *leaf, struct ir_ins *x)
{
	struct ir_block *at = x->block;
	struct placed *p;
	struct ir_ins *c;

	while (g->depth[at->mark] && at->idom)
		at = at->idom;
	for (p = leaf->note; p; p = p->next)
		if (ir_dominates(p->copy->block, at))
			return p->copy;
	c = ir_ins_new(g->fn, IR_COPY, leaf->width, 1);
	c->args[0] = leaf;
	c->span = x->span;
	c->region = leaf->region;
	ir_insert_before(at == x->block ? x : at->last, c);
	p = arena_new_of(g->a, struct placed);
	p->copy = c;
	p->next = leaf->note;
	leaf->note = p;
	return c;
}

void gen_place_leaves(struct gen *g)
{
	for (u32 i = 0; i < g->n_blocks; i++)
		for (struct ir_ins *x = g->order[i]->first; x; x = x->next)
			for (u32 k = 0; k < x->n_args; k++) {
				struct leaf l = gen_leaf(x->args[k], g->m);

				if (l.kind != LEAF_NO && !gen_takes_leaf(x, k, l))
					x->args[k] = copy_for(g, x->args[k], x);
			}
}
