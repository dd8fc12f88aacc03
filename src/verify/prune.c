/* Remembered states: ends paths that can bring nothing new, and finds loops that never end.
 *
 * At jump targets, from time to time, the state is remembered (a point). When all that follows a
 * point has been explored without a refusal, the point proves: from any state that it covers, the
 * rest is safe. It covers another state when that differs only in registers that are not read any
 * more, in numbers on whose range no decision hung (nodes that are not precise), or by knowing
 * more; and in stack slots that are not read before they are written (each read tells the points of
 * its path, back to the write). The numbers on which the point's proof did hang become precise in the
 * pruned path as well.
 *
 * A state equal to one of a point that is still open was reached from itself: an endless loop.
 * Callbacks are the exception: there the engine bounds the loop, so a covered state is the fixed
 * point of the iteration, and stack numbers that change from one round to the next are widened.
 */
#include <string.h>

#include "verify/state.h"

#define MAX_IDS	   64
#define MAX_LOOKED 48
#define MAX_PROVED 512

struct match {
	const struct verifier *v;
	bool exact; /* every number counts, and must be equal both ways */
	bool equal;
	bool unwritten; /* bytes are read that the covered path did not write */
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

/* Slots byte by byte, with nothing left open. */
static bool covers_exactly(struct match *m, const struct slot *o, const struct slot *n)
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

/* A slot that is read: a number on whose range nothing hung may be any bytes that are no address. */
static bool covers_slot(struct match *m, const struct slot *o, const struct slot *n)
{
	bool spill = o->bytes[0] == B_SPILL && o->spilled;
	bool free_to_read = m->v->in->privileged && !m->v->in->mem_size;

	if (m->exact)
		return covers_exactly(m, o, n);
	if (spill && (o->reg.kind != K_SCALAR || m->v->nodes.at[o->reg.node].precise))
		return covers_exactly(m, o, n);
	for (u32 k = 0; k < 8; k++) {
		u8 a = o->bytes[k], b = n->bytes[k];

		if (b == B_SPILL && n->reg.kind != K_SCALAR)
			return false;
		if (a == B_ZERO && b != B_ZERO)
			return false;
		if (b != B_NONE || a == B_NONE)
			continue;
		if (!free_to_read)
			return false;
		m->unwritten = true;
	}
	return true;
}

/* `live`: the registers that count, `read`: the stack slots. */
static bool covers_frame(struct match *m, const struct frame *o, const struct frame *n, u32 live,
			 u64 read)
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
		if ((read >> k & 1) && !covers_slot(m, k < o->n_slots ? &o->slots[k] : &empty,
						    k < n->n_slots ? &n->slots[k] : &empty))
			return false;
	return true;
}

static bool covers_state(struct verifier *v, const struct point *p, const struct state *n,
			 bool exact, bool equal)
{
	const struct state *o = &p->st;
	u32 insn = p->insn;
	struct match m = { .v = v, .exact = exact, .equal = equal };

	if (o->is_guess && !n->is_guess)
		return false;
	m.exact |= v->explore_limits;
	if (o->n_frames != n->n_frames || o->n_refs != n->n_refs || o->is_locked != n->is_locked ||
	    o->lock_map != n->lock_map)
		return false;
	for (u32 i = 0; i < o->n_frames; i++) {
		u32 at = i + 1 < o->n_frames ? o->frames[i + 1]->callsite : insn;

		if (!covers_frame(&m, o->frames[i], n->frames[i], v->live[at],
				  m.exact ? ~0ull : p->read[i]))
			return false;
	}
	for (u32 i = 0; i < o->n_refs; i++)
		if (!same_id(&m, o->refs[i], n->refs[i]))
			return false;
	if (o->is_locked && !same_id(&m, o->lock_id, n->lock_id))
		return false;
	v->out->reads_unwritten |= m.unwritten;
	return true;
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

/* ---- stack slots that are read ---------------------------------------------------------------- */

/* Tells the points of the path, back to where the slots were written. */
static void mark_read(struct verifier *v, u32 frame, u64 slots)
{
	slots &= ~v->written[frame];
	for (struct point *p = v->parent; p && slots && frame < p->st.n_frames; p = p->parent) {
		slots &= ~p->read[frame];
		p->read[frame] |= slots;
		slots &= ~p->written[frame];
	}
}

/* A bit a slot that bytes lo to hi touch, or (`whole`) fill; slot k is the bytes from -8 (k + 1). */
static u64 slots_of(s64 lo, s64 hi, bool whole)
{
	s64 first = whole ? (-hi + 7) / 8 : -hi / 8, last = whole ? -lo / 8 : (-lo + 7) / 8;
	u64 below = first < 64 ? ~0ull << first : 0;

	return last <= first ? 0 : below & (last < 64 ? (1ull << last) - 1 : ~0ull);
}

void verify_slots_read(struct verifier *v, u32 frame, s64 lo, s64 hi)
{
	if (v->parent)
		mark_read(v, frame, slots_of(lo, hi, false));
}

void verify_slots_written(struct verifier *v, u32 frame, s64 lo, s64 hi)
{
	v->written[frame] |= slots_of(lo, hi, true);
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
	memcpy(p->written, v->written, sizeof(p->written));
	memset(v->written, 0, sizeof(v->written));
	p->next = v->points[at];
	p->chain = p->next ? p->next->chain + 1 : 0;
	v->points[at] = p;
	v->parent = p;
	v->since_point = v->jumps_since = 0;
	v->n_states++;
	if (v->n_states > v->out->peak_states)
		v->out->peak_states = v->n_states;
}

static bool is_useless(const struct point *p)
{
	return !p->branches && p->misses > p->hits * 8 + 256;
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

/* An open point that the state equals: `p` was reached from itself. */
static enum prune reached_again(struct verifier *v, const struct point *p)
{
	if (p->st.turns == v->st->turns)
		return PRUNE_LOOP;
	/* The next round of a callback begins as an earlier one did. */
	verify_each_reg(v->st, make_precise, v);
	for (u32 f = 0; f < v->st->n_frames; f++)
		mark_read(v, f, ~0ull);
	return PRUNE_YES;
}

/* Open points: a few of the newest, and more of them now and then, as all of them would cost the
 * square of a long loop. Those that have been proved meanwhile move to their own list. */
static enum prune look_at_open(struct verifier *v, u32 at)
{
	struct point **link = &v->points[at];
	u32 most = ++v->looks % 16 ? 3 : MAX_LOOKED;

	for (u32 looked = 0; *link && looked < most; looked++) {
		struct point *p = *link;

		if (!p->branches) {
			*link = p->next;
			p->next = v->proved[at];
			v->proved[at] = p;
			continue;
		}
		if (covers_state(v, p, v->st, true, true))
			return reached_again(v, p);
		link = &p->next;
	}
	return PRUNE_NO;
}

static bool is_proved(struct verifier *v, u32 at)
{
	struct point **link = &v->proved[at];

	for (u32 looked = 0; *link && looked < MAX_PROVED; looked++) {
		struct point *p = *link;

		if (covers_state(v, p, v->st, false, false)) {
			p->hits++;
			demand_all(v, &p->st, v->st);
			for (u32 f = 0; f < v->st->n_frames; f++)
				mark_read(v, f, p->read[f]);
			*link = p->next;
			p->next = v->proved[at];
			v->proved[at] = p;
			return true;
		}
		p->misses++;
		if (is_useless(p))
			forget_point(v, link);
		else
			link = &p->next;
	}
	return false;
}

enum prune verify_prune(struct verifier *v)
{
	u32 at = v->insn, far;
	enum prune p = look_at_open(v, at);

	if (p != PRUNE_NO)
		return p;
	if (is_proved(v, at))
		return PRUNE_YES;
	/* The longer a loop turns, the fewer of its rounds are remembered. */
	far = 8 + (v->points[at] ? v->points[at]->chain / 32 : 0);
	if (v->since_point >= (far < 1000 ? far : 1000) && v->jumps_since >= 2)
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
		if (covers_state(v, p, v->st, true, false)) {
			verify_each_reg(v->st, make_precise, v);
			for (u32 f = 0; f < v->st->n_frames; f++)
				mark_read(v, f, ~0ull);
			return true;
		}
		widen(v, &p->st, v->st);
		break;
	}
	remember(v, v->insn);
	return false;
}
