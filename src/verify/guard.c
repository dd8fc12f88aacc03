/* Speculation: what an unprivileged program could make a processor do on a path that never happens.
 *
 * A processor may run on behind a branch that it guessed wrongly, and behind an addition to a pointer
 * as if the number added were another. The kernel masks such numbers in unprivileged programs; it
 * refuses what it cannot mask, and so do we, by its rules (release 6.1): the way that a comparison
 * cannot go is followed too, with operands of which nothing is known, and after a pointer's move by
 * a register also the path on which it did not move. On such paths everything must hold that holds
 * elsewhere. A mask belongs to an instruction: its direction and limit must be the same on all
 * paths, and the moved pointer must stay inside its object.
 *
 * Nothing of this concerns privileged programs, nor programs on plain memory.
 */
#include "verify/guard.h"

enum guard_state { G_NUMBER = 1, G_POINTER = 2, G_IMMEDIATE = 4, G_NEGATIVE = 8, G_SOURCE = 16 };

static void push_guess(struct verifier *v, u32 insn, struct state *st)
{
	st->is_guess = true;
	verify_push(v, insn, st);
	verify_state_drop(v, st);
}

void verify_guess_branch(struct verifier *v, struct isa_insn i, u32 to)
{
	struct state guess;
	struct reg *regs;

	if (!v->guards)
		return;
	verify_state_copy(v, &guess, v->st);
	regs = TOP(&guess)->regs;
	verify_set_unknown(v, &regs[i.dst]);
	if (i.code & ISA_X)
		verify_set_unknown(v, &regs[i.src]);
	push_guess(v, to, &guess);
}

static bool same_guard(struct verifier *v, u8 state, u32 limit)
{
	struct guard *g = &v->guards[v->insn];

	if (g->state && (g->state != state || g->limit != limit))
		return verify_refuse(v, V_UNPRIVILEGED, 0,
				     "Use an instruction of its own on each path.",
				     "An unprivileged program does this addition with different "
				     "operands on different paths.");
	g->state = state;
	g->limit = limit;
	return true;
}

bool verify_guard_number(struct verifier *v, struct isa_insn i)
{
	u8 op = isa_op(i);

	if (!v->guards || !(i.code & ISA_X) || (op != ISA_ADD && op != ISA_SUB))
		return true;
	return same_guard(v, G_NUMBER, 0);
}

static bool limit_of(struct verifier *v, const struct reg *p, bool left, u32 *out)
{
	u32 max;

	switch (p->kind) {
	case K_STACK:
		max = ISA_STACK_BYTES + left;
		*out = (u32) - (p->off + (s32)p->n.bits);
		break;
	case K_VALUE:
		max = v->in->maps[p->map].value_size;
		*out = (u32)((left ? (u64)p->n.smin : p->n.umax) + (u64)p->off);
		break;
	default:
		return verify_refuse(v, V_UNPRIVILEGED, p->node, "Add constants only.",
				     "An unprivileged program may not add a register to %s.",
				     verify_kind_name(p));
	}
	if (*out < max)
		return true;
	return verify_refuse(v, V_UNPRIVILEGED, p->node, "Keep the pointer inside.",
			     "The pointer is outside before an unprivileged program moves it.");
}

/* The path on which the pointer did not move. */
static void guess_unmoved(struct verifier *v, struct isa_insn i, const struct reg *p)
{
	struct state guess;

	verify_state_copy(v, &guess, v->st);
	TOP(&guess)->regs[i.dst] = *p;
	push_guess(v, v->insn + 1, &guess);
}

bool verify_guard_before(struct verifier *v, struct isa_insn i, const struct reg *p,
			 const struct reg *s, bool in_dst, struct guard_move *m)
{
	bool known = num_is_const(&s->n), negative = s->n.smin < 0;

	if (!v->guards || !(i.code & ISA_X))
		return true;
	if (!v->st->is_guess) {
		if (!known && negative != (s->n.smax < 0))
			return verify_refuse(v, V_UNPRIVILEGED, s->node, "Bound the number first.",
					     "An unprivileged program moves a pointer by a number "
					     "whose sign is not known.");
		m->left = (isa_op(i) == ISA_ADD) == negative;
		if (!limit_of(v, p, m->left, &m->first.limit))
			return false;
		m->first.state = (u8)(G_POINTER | (negative ? G_NEGATIVE : 0) |
				      (known ? G_IMMEDIATE : 0) | (in_dst ? G_SOURCE : 0));
		v->explore_limits |= !known;
	}
	if (!known)
		guess_unmoved(v, i, p);
	return true;
}

bool verify_guard_behind(struct verifier *v, struct isa_insn i, const struct reg *r,
			 const struct reg *s, struct guard_move *m)
{
	u32 limit = 0, first = m->first.limit;

	(void)s;
	if (!v->guards)
		return true;
	if (r->kind == K_STACK &&
	    (r->off + (s64)r->n.bits >= 0 || r->off + (s64)r->n.bits < -ISA_STACK_BYTES))
		return verify_refuse(
			v, V_UNPRIVILEGED, r->node, "Stay inside the stack.",
			"An unprivileged program moves a stack address out of the stack.");
	if (r->kind == K_VALUE &&
	    !verify_bounds(v, r, i.dst, 0, 1, v->in->maps[r->map].value_size, "the map's value"))
		return false;
	if (!(i.code & ISA_X) || v->st->is_guess)
		return true;
	if (!limit_of(v, r, m->left, &limit))
		return false;
	return same_guard(v, m->first.state, first > limit ? first - limit : limit - first);
}
