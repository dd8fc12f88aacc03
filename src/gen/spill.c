/* Spilling: registers that got no colour live in the frame instead.
 *
 * Every write of such a register goes through a new short one and is stored; every read comes from
 * a reload into a new short one. A register that can be computed anew (a constant, an address) is
 * not stored at all: each reload computes it. All registers that were merged share one piece of the
 * frame.
 *
 * A first spill shares a reload (or the value just written) among the uses that follow in the same
 * block at small distances, up to the next call. If such a shared register gets no colour either,
 * its home is already there: it is split into one reload for each use, and those are never spilled.
 * So this ends.
 *
 * Values go to the frame whole, eight aligned bytes, so that a verifier keeps what it knows of
 * them.
 */
#include "gen/mir.h"

enum { MAX_DISTANCE = 20 }; /* instructions between uses that share a reload */

/* The short register that holds a spilled one at the moment. */
struct holder {
	u32 reg;
	u32 generation; /* holds only in this one */
	u32 at;		/* the instruction that used it last */
};

struct spiller {
	struct gen *g;
	const struct spill_set *set;
	struct mb *b;
	u32 at;		     /* index of the instruction in `b` */
	vec(struct mi) out;  /* the block's new code */
	struct holder *slot; /* by slot */
	struct holder *anew; /* by register that is recomputed */
	u32 generation;	     /* changes at each call and block */
};

static bool is_spilled(const struct spiller *s, u32 reg)
{
	return reg >= REG_FIRST && (s->set->slot_of[reg] != SLOT_NONE || s->set->is_remat[reg]);
}

static struct holder *holder(struct spiller *s, u32 reg)
{
	return s->set->is_remat[reg] ? &s->anew[reg] : &s->slot[s->set->slot_of[reg]];
}

/* The register that holds a spilled one here, or REG_NONE. */
static u32 held(struct spiller *s, u32 reg)
{
	struct holder *h = holder(s, reg);

	if (h->generation != s->generation || s->at - h->at > MAX_DISTANCE)
		return REG_NONE;
	h->at = s->at;
	return h->reg;
}

/* From here on `r` holds the spilled register; or nothing does (REG_NONE). */
static void now_in(struct spiller *s, u32 reg, u32 r)
{
	*holder(s, reg) = (struct holder){ r, r == REG_NONE ? 0 : s->generation, s->at };
}

static struct mi *put(struct spiller *s, struct mi m)
{
	struct mi *at = vec_push(s->g->a, &s->out);

	*at = m;
	return at;
}

static u32 short_reg(struct spiller *s, u32 reg)
{
	u32 r = gen_reg(s->g);

	s->g->regs.at[r].level = s->set->may_share[reg] ? 1 : 2;
	s->g->regs.at[r].home = s->set->slot_of[reg];
	return r;
}

/* *(u64 *)(r10 + slot) = r */
static void put_store(struct spiller *s, u32 reg, u32 from, struct span span)
{
	struct mi m = gen_mi(MI_PLAIN, span);

	m.i = isa_store(8, 0, 0, 0);
	m.flags = MI_READ_D | MI_READ_S | MI_FRAME;
	m.d = ISA_FP;
	m.s = from;
	m.slot = s->set->slot_of[reg];
	put(s, m);
}

/* r = *(u64 *)(r10 + slot), or what the register was computed by */
static void put_reload(struct spiller *s, u32 reg, u32 to, struct span span)
{
	struct mi m = gen_mi(MI_PLAIN, span);

	if (s->set->is_remat[reg]) {
		m = *s->set->remat[reg];
		m.span = span;
		m.d = to;
	} else {
		m.i = isa_load(8, 0, 0, 0);
		m.flags = MI_WRITE_D | MI_READ_S | MI_FRAME;
		m.s = ISA_FP;
		m.d = to;
		m.slot = s->set->slot_of[reg];
	}
	put(s, m);
}

/* A register that holds the spilled one here. */
static u32 reload(struct spiller *s, u32 reg, struct span span)
{
	u32 r = held(s, reg);

	if (r != REG_NONE)
		return r;
	r = short_reg(s, reg);
	put_reload(s, reg, r, span);
	if (s->set->may_share[reg])
		now_in(s, reg, r);
	return r;
}

/* The next instruction changes `reg` in place, so that storing it now would be for nothing. */
static bool changed_next(const struct spiller *s, u32 reg)
{
	const struct mi *m = &s->b->code.at[s->at + 1];
	u8 both = MI_READ_D | MI_WRITE_D;
	u32 slot = s->set->slot_of[reg];

	return s->at + 1 < s->b->code.n && (m->flags & both) == both && is_spilled(s, m->d) &&
	       s->set->slot_of[m->d] == slot;
}

/* A store to, or a load from, the home of a register that is split further: each use reloads it. */
static bool is_obsolete(const struct spiller *s, const struct mi *m)
{
	u32 reg = m->kind != MI_PLAIN || !(m->flags & MI_FRAME) ? REG_NONE
		  : m->flags & MI_WRITE_D			? m->d
								: m->s;

	if (m->slot < s->g->n_locals || reg == REG_NONE || !is_spilled(s, reg))
		return false;
	return !s->set->is_remat[reg] && s->set->slot_of[reg] == m->slot;
}

/* d = s where one of them is spilled: a store, a load, or both. */
static void move(struct spiller *s, const struct mi *m)
{
	u32 from = m->s, r;
	struct mi copy = *m;

	if (is_spilled(s, from) && !is_spilled(s, m->d)) {
		copy.s = held(s, from);
		if (copy.s != REG_NONE)
			put(s, copy);
		else
			put_reload(s, from, m->d, m->span);
		return;
	}
	if (is_spilled(s, from)) {
		if (s->set->slot_of[from] == s->set->slot_of[m->d])
			return;
		from = reload(s, from, m->span);
	}
	if (!changed_next(s, m->d)) {
		put_store(s, m->d, from, m->span);
		now_in(s, m->d, REG_NONE);
		return;
	}
	/* Not a move to the allocator: merged with a long one, the short register could not keep
	 * its promise of a colour. */
	r = short_reg(s, m->d);
	copy.kind = s->set->may_share[m->d] ? MI_MOVE : MI_PLAIN;
	copy.d = r;
	copy.s = from;
	put(s, copy);
	now_in(s, m->d, r);
}

/* An instruction with spilled operands. */
static void rewrite(struct spiller *s, const struct mi *m)
{
	bool writes = (m->flags & MI_WRITE_D) && is_spilled(s, m->d), pending;
	struct mi copy = *m;
	u32 reg = m->d;

	if ((m->flags & MI_READ_S) && is_spilled(s, m->s))
		copy.s = reload(s, m->s, m->span);
	if ((m->flags & MI_READ_T) && is_spilled(s, m->t))
		copy.t = reload(s, m->t, m->span);
	if ((m->flags & MI_READ_D) && is_spilled(s, reg))
		copy.d = reload(s, reg, m->span);
	else if (writes)
		copy.d = short_reg(s, reg);
	put(s, copy);
	if (!writes)
		return;
	pending = changed_next(s, reg);
	if (!pending)
		put_store(s, reg, copy.d, m->span);
	now_in(s, reg, pending || s->set->may_share[reg] ? copy.d : REG_NONE);
}

static bool touches(const struct spiller *s, const struct mi *m)
{
	u32 read[3];

	for (u32 k = 0, n = gen_reads(m, read); k < n; k++)
		if (is_spilled(s, read[k]))
			return true;
	return (m->flags & MI_WRITE_D) && is_spilled(s, m->d);
}

static void block(struct spiller *s, struct mb *b)
{
	s->b = b;
	s->out.at = NULL;
	s->out.n = s->out.cap = 0;
	s->generation++;
	for (s->at = 0; s->at < b->code.n; s->at++) {
		const struct mi *m = &b->code.at[s->at];

		if (m->kind == MI_CALL || m->kind == MI_ASM)
			s->generation++;
		if (!touches(s, m))
			put(s, *m);
		else if (is_obsolete(s, m))
			continue;
		else if ((m->flags & MI_REMAT) && s->set->is_remat[m->d])
			continue;
		else if (m->kind == MI_MOVE)
			move(s, m);
		else
			rewrite(s, m);
	}
	b->code.at = s->out.at;
	b->code.n = s->out.n;
	b->code.cap = s->out.cap;
}

void gen_spill(struct gen *g, const struct spill_set *set)
{
	struct spiller s = { .g = g, .set = set };

	s.slot = arena_array_of(g->a, struct holder, g->slots.n);
	s.anew = arena_array_of(g->a, struct holder, g->regs.n);
	for (u32 i = 0; i < g->n_blocks; i++)
		block(&s, &g->blocks[i]);
}
