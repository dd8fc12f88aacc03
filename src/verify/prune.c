/* Remembered states: ends paths that can bring nothing new, and finds loops that never end.
 *
 * At jump targets, from time to time, the state is remembered (a point). When all that follows a
 * point has been explored without a refusal, the point proves: from any state that it covers, the
 * rest is safe. It covers another state when that differs only in registers that are not read any
 * more, in numbers on whose range no decision hung (nodes that are not precise), or by knowing
 * more. The numbers on which the point's proof did hang become precise in the pruned path as well.
 *
 * A state equal to one of a point that is still open was reached from itself: an endless loop.
 * Callbacks are the exception: there the engine bounds the loop, so a covered state is the fixed
 * point of the iteration, and stack numbers that change from one round to the next are widened.
 */
#include <string.h>

#include "verify/state.h"

#define MAX_IDS	   64
#define MAX_LOOKED 48

struct match {
	const struct verifier *v;
	bool exact; /* every number counts, and must be equal both ways */
	bool equal;
	u32 olds[MAX_IDS], news[MAX_IDS], n;
};

static bool same_id(struct match *m, u32 a, u32 b)
{
	if (!a || !b)
		return a == b;
	for (u32 i = 0; i < m->n; i++) {
		if (m->olds[i] == a || m->news[i] == b)
			return m->olds[i] == a && m->news[i] == b;
	}
	if (m->n == MAX_IDS)
		return false;
	m->olds[m->n] = a;
	m->news[m->n++] = b;
	return true;
}

static bool covers_number(struct match *m, const struct reg *o, const struct reg *n)
{
	if (!m->exact && !m->v->nodes.at[o->node].precise)
		return true;
	if (!num_within(&o->n, &n->n) ||
	    ((m->equal || m->v->explore_limits) && !num_within(&n->n, &o->n)))
		return false;
	return !o->id || num_is_const(&n->n) || same_id(m, o->id, n->id);
}

static bool covers(struct match *m, const struct reg *o, const struct reg *n)
{
	if (o->kind == K_NONE)
		return !m->equal || n->kind == K_NONE;
	if (o->kind != n->kind)
		return false;
	if (o->kind == K_SCALAR)
		return covers_number(m, o, n);
	if (o->or_null != n->or_null || o->off != n->off || o->map != n->map ||
	    o->size != n->size || o->frame != n->frame || o->type != n->type ||
	    o->readonly != n->readonly || o->is_reserved != n->is_reserved)
		return false;
	if (o->range > n->range || (m->equal && o->range != n->range))
		return false;
	if (o->beyond > n->beyond || (m->equal && o->beyond != n->beyond) ||
	    o->untrusted != n->untrusted)
		return false;
	if (!num_within(&o->n, &n->n) || (m->equal && !num_within(&n->n, &o->n)))
		return false;
	return same_id(m, o->id, n->id) && same_id(m, o->ref, n->ref);
}

static bool covers_slot(struct match *m, const struct slot *o, const struct slot *n)
{
	if (o->bytes[0] == B_SPILL && o->spilled) {
		bool spill = n->bytes[0] == B_SPILL && n->spilled == o->spilled;

		if (!spill || !covers(m, &o->reg, &n->reg))
			return false;
	}
	for (u32 k = 0; k < 8; k++) {
		u8 a = o->bytes[k], b = n->bytes[k];

		if (a == b && a != B_SPILL)
			continue;
		if (a == B_SPILL && b == B_SPILL && o->spilled)
			continue;
		if (a == B_NONE && !m->equal && !(b == B_SPILL && n->reg.kind != K_SCALAR))
			continue;
		if (a == B_MISC && !m->equal &&
		    (b == B_ZERO || (b == B_SPILL && n->reg.kind == K_SCALAR)))
			continue;
		return false;
	}
	return true;
}

static bool covers_frame(struct match *m, const struct frame *o, const struct frame *n, u32 live)
{
	static const struct slot empty;
	u32 slots = o->n_slots > n->n_slots ? o->n_slots : n->n_slots;

	if (o->callsite != n->callsite || o->sub != n->sub || o->is_callback != n->is_callback ||
	    o->rounds > n->rounds)
		return false;
	for (u32 k = 0; k < ISA_N_REGS; k++)
		if ((live >> k & 1) && !covers(m, &o->regs[k], &n->regs[k]))
			return false;
	for (u32 k = 0; k < slots; k++)
		if (!covers_slot(m, k < o->n_slots ? &o->slots[k] : &empty,
				 k < n->n_slots ? &n->slots[k] : &empty))
			return false;
	return true;
}

static bool covers_state(struct verifier *v, const struct state *o, const struct state *n, u32 insn,
			 bool exact, bool equal)
{
	struct match m = { .v = v, .exact = exact, .equal = equal };

	if (o->is_guess && !n->is_guess)
		return false;
	m.exact |= v->explore_limits;
	if (o->n_frames != n->n_frames || o->n_refs != n->n_refs || o->is_locked != n->is_locked ||
	    o->lock_map != n->lock_map)
		return false;
	for (u32 i = 0; i < o->n_frames; i++) {
		u32 at = i + 1 < o->n_frames ? o->frames[i + 1]->callsite : insn;

		if (!covers_frame(&m, o->frames[i], n->frames[i], v->live[at]))
			return false;
	}
	for (u32 i = 0; i < o->n_refs; i++)
		if (!same_id(&m, o->refs[i], n->refs[i]))
			return false;
	return !o->is_locked || same_id(&m, o->lock_id, n->lock_id);
}

/* ---- precision from a point to the path that it ends ------------------------------------------
 */

static void demand(struct verifier *v, const struct reg *o, const struct reg *n)
{
	if (o->kind == K_SCALAR && n->kind == K_SCALAR && v->nodes.at[o->node].precise)
		verify_precise(v, n->node);
}

static void demand_all(struct verifier *v, const struct state *o, const struct state *n)
{
	for (u32 i = 0; i < o->n_frames; i++) {
		const struct frame *f = o->frames[i], *g = n->frames[i];

		for (u32 k = 0; k < ISA_N_REGS; k++)
			demand(v, &f->regs[k], &g->regs[k]);
		for (u32 k = 0; k < f->n_slots && k < g->n_slots; k++)
			if (f->slots[k].spilled && g->slots[k].spilled)
				demand(v, &f->slots[k].reg, &g->slots[k].reg);
	}
}

/* ---- points ---------------------------------------------------------------------------------- */

/* A node of the point's own for each number, shared with the path that goes on. */
static void renew(struct reg *r, void *arg)
{
	struct verifier *v = arg;

	if (r->kind != K_SCALAR)
		return;
	r->node = verify_node(v, r->node, 0);
	v->nodes.at[r->node].insn = NO_INSN;
}

static void remember(struct verifier *v, u32 at)
{
	struct point *p = v->free_points;

	if (p)
		v->free_points = p->next;
	else
		p = arena_new_of(v->a, struct point);
	memset(p, 0, sizeof(*p));
	verify_each_reg(v->st, renew, v);
	verify_state_copy(v, &p->st, v->st);
	p->insn = at;
	p->parent = v->parent;
	p->branches = 1;
	p->next = v->points[at];
	v->points[at] = p;
	v->parent = p;
	v->since_point = v->jumps_since = 0;
	v->n_states++;
	if (v->n_states > v->out->peak_states)
		v->out->peak_states = v->n_states;
}

static bool is_useless(const struct point *p)
{
	return !p->branches && p->misses > p->hits * 3 + 24;
}

static void forget_point(struct verifier *v, struct point **link)
{
	struct point *p = *link;

	*link = p->next;
	verify_state_drop(v, &p->st);
	p->next = v->free_points;
	v->free_points = p;
	v->n_states--;
}

static void make_precise(struct reg *r, void *arg)
{
	if (r->kind == K_SCALAR)
		verify_precise(arg, r->node);
}

enum prune verify_prune(struct verifier *v)
{
	u32 at = v->insn, looked = 0;

	/* The newest are first; looking at all of them would cost the square of a long loop. */
	for (struct point **link = &v->points[at]; *link && looked < MAX_LOOKED; looked++) {
		struct point *p = *link;

		if (p->branches) {
			if (!covers_state(v, &p->st, v->st, at, true, true)) {
				link = &p->next;
				continue;
			}
			if (p->st.turns == v->st->turns)
				return PRUNE_LOOP;
			/* The next round of a callback begins as an earlier one did. */
			verify_each_reg(v->st, make_precise, v);
			return PRUNE_YES;
		} else if (covers_state(v, &p->st, v->st, at, false, false)) {
			p->hits++;
			demand_all(v, &p->st, v->st);
			return PRUNE_YES;
		} else {
			p->misses++;
			if (is_useless(p)) {
				forget_point(v, link);
				continue;
			}
		}
		link = &p->next;
	}
	if (v->since_point >= 8 && v->jumps_since >= 2)
		remember(v, at);
	return PRUNE_NO;
}

void verify_path_done(struct verifier *v)
{
	struct point *p = v->parent;

	while (p) {
		p->branches--;
		if (p->branches)
			break;
		p = p->parent;
	}
	v->parent = NULL;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

#define EXACT_ROUNDS 256

/* Numbers on the stack that change from round to round, and that nothing hangs on so far. */
static void widen(struct verifier *v, const struct state *o, struct state *n)
{
	bool all = TOP(n)->rounds > EXACT_ROUNDS;

	for (u32 i = 0; i < n->n_frames && i < o->n_frames; i++) {
		struct frame *f = n->frames[i];
		const struct frame *g = o->frames[i];

		for (u32 k = 0; k < f->n_slots && k < g->n_slots; k++) {
			struct reg *r = &f->slots[k].reg;

			if (!f->slots[k].spilled || r->kind != K_SCALAR ||
			    (g->slots[k].spilled == f->slots[k].spilled &&
			     g->slots[k].reg.kind == K_SCALAR &&
			     (num_within(&g->slots[k].reg.n, &r->n) ||
			      (!all && v->nodes.at[g->slots[k].reg.node].precise))))
				continue;
			verify_set_scalar(v, r, num_any(), r->node, 0);
			if (f->slots[k].spilled == 4)
				r->n = num_cut(&r->n, 4);
		}
	}
}

bool verify_callback_covered(struct verifier *v)
{
	for (struct point *p = v->parent; p; p = p->parent) {
		if (p->insn != v->insn || p->st.n_frames != v->st->n_frames)
			continue;
		if (covers_state(v, &p->st, v->st, v->insn, true, false)) {
			verify_each_reg(v->st, make_precise, v);
			return true;
		}
		widen(v, &p->st, v->st);
		break;
	}
	remember(v, v->insn);
	return false;
}
