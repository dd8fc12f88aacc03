/* Small innermost loops, copied a few times: the program as the rest of jit will see it.
 *
 * A loop here is a stretch from a label to a jump back to it, conditional or not, without calls,
 * into whose middle nobody jumps from outside and which holds no other loop. It is repeated; the
 * conditional jump back of each copy but the last becomes its opposite, to what stands behind the
 * loop; a plain one is left out there. So one jump in several is taken, and what the selector keeps
 * pending (steps of an index, above all) is carried from one copy to the next. What the loop does
 * is not asked: no count is needed, and every copy tests as the original does.
 *
 * Not done: with a budget, which counts instructions from label to label; JSET, which has no
 * opposite; loops with several jumps back.
 */
#include "jit/flow.h"

enum { MOST_INSNS = 16, SMALL_INSNS = 8, MOST_PROGRAM = 8000, MOST_LOOPS = 64 };

struct loop {
	u32 head, back, copies;
	bool goes; /* back is a plain jump: copies but the last leave it out */
};
struct unroll {
	struct flow *f;
	struct loop loops[MOST_LOOPS];
	u32 n_loops;
	u32 *pos; /* where an instruction, or its first copy, goes */
	struct isa_insn *out;
	u32 *orig;
	u32 n;
};

static u8 opposite(u8 op)
{
	switch (op) {
	case ISA_JEQ: return ISA_JNE;
	case ISA_JNE: return ISA_JEQ;
	case ISA_JGT: return ISA_JLE;
	case ISA_JLE: return ISA_JGT;
	case ISA_JGE: return ISA_JLT;
	case ISA_JLT: return ISA_JGE;
	case ISA_JSGT: return ISA_JSLE;
	case ISA_JSLE: return ISA_JSGT;
	case ISA_JSGE: return ISA_JSLT;
	default: return ISA_JSGE; /* of JSLT */
	}
}

static bool is_simple(const struct flow *f, u32 i)
{
	struct isa_insn x = f->insns[i];
	u16 flags = f->ops[i].flags;

	if (flags & FLOW_SECOND)
		return true;
	if (flags & FLOW_END)
		return false;
	if (isa_class(x) == ISA_LD)
		return isa_is_wide(x) && x.src != ISA_FUNC;
	return x.code != (ISA_JMP | ISA_CALL);
}

/* Whether the stretch is a loop of the kind: all jumps to its inside come from there, forwards. */
static bool is_loop(const struct flow *f, u32 head, u32 back, bool goes)
{
	u32 inside = 0, refs = 0;

	if (back - head >= MOST_INSNS || (!goes && isa_op(f->insns[back]) == ISA_JSET))
		return false;
	for (u32 i = head; i <= back; i++) {
		u32 to = f->ops[i].target;

		if ((!is_simple(f, i) && !(goes && i == back)) ||
		    (i > head && (f->ops[i].flags & FLOW_FUNC)))
			return false;
		if (i > head)
			refs += f->ops[i].refs;
		if (i == back || !(f->ops[i].flags & FLOW_JUMP))
			continue;
		if (to == head || (to > head && to <= i))
			return false;
		inside += to > head && to <= back;
	}
	return inside == refs;
}

static u32 length(const struct loop *l)
{
	return l->back + !l->goes - l->head;
}

static void find(struct unroll *u)
{
	const struct flow *f = u->f;

	for (u32 i = 0; i < f->n && u->n_loops < MOST_LOOPS; i++) {
		u32 head = f->ops[i].target;

		bool goes = f->ops[i].flags & FLOW_END;

		if (!(f->ops[i].flags & FLOW_JUMP) || head > i || (goes && head == i) ||
		    !is_loop(f, head, i, goes))
			continue;
		u->loops[u->n_loops++] =
			(struct loop){ head, i, i - head < SMALL_INSNS ? 4 : 2, goes };
	}
}

static void place(struct unroll *u)
{
	const struct flow *f = u->f;
	u32 at = 0;

	u->pos = arena_array_of(f->a, u32, f->n + 1);
	for (u32 i = 0, k = 0; i < f->n; i++) {
		u->pos[i] = at++;
		if (k < u->n_loops && i == u->loops[k].back) {
			at += (u->loops[k].copies - 1) * length(&u->loops[k]);
			k++;
		}
	}
	u->n = at;
}

/* Writes instruction `i` behind the others; it leads to `to`. */
static void put(struct unroll *u, u32 i, u32 at, u32 to)
{
	const struct flow *f = u->f;
	struct isa_insn *x = &u->out[at];
	s32 distance = (s32)to - (s32)at - 1;

	*x = f->insns[i];
	u->orig[at] = i;
	if (f->ops[i].flags & FLOW_SECOND)
		return;
	if ((x->code == (ISA_JMP | ISA_CALL) && x->src == ISA_CALL_LOCAL) ||
	    (isa_is_wide(*x) && x->src == ISA_FUNC) || x->code == (ISA_JMP32 | ISA_JA))
		x->imm = distance;
	else if (f->ops[i].flags & FLOW_JUMP)
		x->off = (s16)distance;
}

static void copy(struct unroll *u, const struct loop *l)
{
	const struct flow *f = u->f;
	u32 len = length(l), at = u->pos[l->head];

	for (u32 c = 0; c < l->copies; c++) {
		bool is_last = c + 1 == l->copies;

		for (u32 i = l->head; i < l->head + len || (is_last && i <= l->back); i++, at++) {
			u32 to = f->ops[i].target;
			bool is_inside = to > l->head && to <= l->back;

			put(u, i, at,
			    is_inside ? u->pos[l->head] + c * len + to - l->head : u->pos[to]);
			if (i < l->back || is_last)
				continue;
			put(u, i, at, u->pos[i + 1]);
			u->out[at].code =
				(u8)((u->out[at].code & 0x0f) | opposite(isa_op(u->out[at])));
		}
	}
}

bool jit_unroll(struct flow *f)
{
	struct unroll *u;

	if (f->n > MOST_PROGRAM)
		return false;
	u = arena_new_of(f->a, struct unroll);
	u->f = f;
	find(u);
	if (!u->n_loops)
		return false;
	place(u);
	u->out = arena_array_of(f->a, struct isa_insn, u->n);
	u->orig = arena_array_of(f->a, u32, u->n);
	for (u32 i = 0, k = 0; i < f->n; i++) {
		if (k < u->n_loops && i == u->loops[k].head) {
			copy(u, &u->loops[k]);
			i = u->loops[k++].back;
		} else {
			put(u, i, u->pos[i], u->pos[f->ops[i].target]);
		}
	}
	f->insns = u->out;
	f->orig = u->orig;
	f->n = u->n;
	return true;
}
