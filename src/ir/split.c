/* split: slots become the pieces that the code uses (scalar replacement of aggregates).
 *
 * A slot whose address flows only into loads, stores, ZERO, MOVE and atomics at constant offsets is
 * cut up: bytes that are always accessed as one scalar become a slot of their own, which promote.c
 * then turns into SSA values; bytes whose accesses overlap unequally stay together as one smaller
 * slot; bytes that nobody reads or writes one by one vanish. A ZERO over scalars becomes stores of
 * constant 0. A MOVE between two such slots becomes loads and stores of the scalars in it.
 *
 * How: collect the shapes (offset, size) of all accesses of each slot; carry shapes over MOVEs in
 * both directions to a fixed point, so that both sides are cut alike; join overlapping shapes to
 * pieces; rewrite the accesses. A shape is raw when it must stay memory: volatile accesses,
 * atomics, and MOVEs that are not taken apart, because they are large, have ordinary memory on the
 * other side, or have a shape across their border.
 *
 * Left out: slots indexed by a variable or whose address is passed on keep their form, and so does
 * the side of a MOVE to or from memory that is not a slot.
 */
#include <stdlib.h>

#include "ir/edit.h"
#include "ir/promote.h"

enum { MAX_MOVE = 64, MAX_SHAPES = 256 };

struct shape {
	u32 off, size;
	bool is_raw;
};

/* Bytes [off, off + size) of a slot, which become the slot `ins`, of which they are the tail: `ins`
 * starts at offset `start` <= off. */
struct piece {
	u32 off, size, start;
	bool is_raw;
	struct ir_ins *ins;
};

struct slot {
	struct ir_ins *ins;
	bool escapes;
	vec(struct shape) shapes;
	vec(struct piece) pieces;
};

/* What the `note` of an instruction says: it is the address of a byte of a slot. */
struct addr {
	struct slot *slot;
	s64 off;
};

struct access {
	struct ir_ins *ins;
	struct slot *slot;
	u32 off;
};
struct move {
	struct ir_ins *ins;
	struct slot *dst, *src; /* NULL: other memory */
	u32 dst_off, src_off;
	bool is_raw;
};

struct split {
	struct arena *a;
	struct ir_fn *fn;
	vec(struct slot *) slots;
	vec(struct ir_ins *) derived; /* additions that only make addresses in slots */
	vec(struct access) scalars;   /* loads, stores, atomics */
	vec(struct access) zeros;
	vec(struct move) moves;
};

/* ---- collecting ------------------------------------------------------------------------------ */

static struct addr *addr_of(const struct ir_ins *x)
{
	return x ? x->note : NULL;
}

static void set_addr(struct split *s, struct ir_ins *x, struct slot *slot, s64 off)
{
	struct addr *at = arena_new_of(s->a, struct addr);

	*at = (struct addr){ slot, off };
	x->note = at;
}

static void add_slot(struct split *s, struct ir_ins *ins)
{
	struct slot *slot = arena_new_of(s->a, struct slot);

	slot->ins = ins;
	slot->escapes = ins->is_volatile;
	*vec_push(s->a, &s->slots) = slot;
	set_addr(s, ins, slot, 0);
}

static void escape(struct ir_ins *x)
{
	if (addr_of(x))
		addr_of(x)->slot->escapes = true;
}

static void escape_args(struct ir_ins *ins, u32 from)
{
	for (u32 i = from; i < ins->n_args; i++)
		escape(ins->args[i]);
}

/* ADD, SUB or COPY: an address plus a constant is an address in the same slot. */
static void derive(struct split *s, struct ir_ins *ins)
{
	struct ir_ins *x = ins->args[0], *y = ins->n_args > 1 ? ins->args[1] : NULL;
	struct ir_ins *swap = x;
	s64 off;

	if (ins->op == IR_ADD && addr_of(y) && !addr_of(x)) {
		x = y;
		y = swap;
	}
	if (!addr_of(x) && !addr_of(y))
		return;
	if (!addr_of(x) || ins->width != 64 || (y && y->op != IR_CONST)) {
		escape_args(ins, 0);
		return;
	}
	off = y ? y->imm : 0;
	if (off > INT32_MAX || off < -INT32_MAX) {
		escape(x);
		return;
	}
	off = addr_of(x)->off + (ins->op == IR_SUB ? -off : off);
	if (off > INT32_MAX || off < -INT32_MAX) {
		escape(x);
		return;
	}
	set_addr(s, ins, addr_of(x)->slot, off);
	*vec_push(s->a, &s->derived) = ins;
}

/* The slot that `size` bytes at base + imm lie in, or NULL when it is other memory. An access
 * across the slot's border makes the slot escape. */
static struct slot *locate(struct ir_ins *base, s64 imm, u64 size, u32 *out_off)
{
	struct addr *at = addr_of(base);
	s64 off;

	*out_off = 0;
	if (!at)
		return NULL;
	if (imm > INT32_MAX || imm < -INT32_MAX) {
		at->slot->escapes = true;
		return at->slot;
	}
	off = at->off + imm;
	if (off < 0 || (u64)off + size > at->slot->ins->count)
		at->slot->escapes = true;
	else
		*out_off = (u32)off;
	return at->slot;
}

static void collect_move(struct split *s, struct ir_ins *ins)
{
	struct move m = { .ins = ins };

	m.dst = locate(ins->args[0], ins->imm, ins->count, &m.dst_off);
	m.src = locate(ins->args[1], ins->off2, ins->count, &m.src_off);
	if (m.dst || m.src)
		*vec_push(s->a, &s->moves) = m;
}

static void collect(struct split *s, struct ir_ins *ins)
{
	struct access x = { .ins = ins };

	switch (ins->op) {
	case IR_SLOT: add_slot(s, ins); break;
	case IR_ADD:
	case IR_SUB:
	case IR_COPY: derive(s, ins); break;
	case IR_LOAD:
	case IR_STORE:
	case IR_ATOMIC:
		escape_args(ins, 1);
		x.slot = locate(ins->args[0], ins->imm, ins->size, &x.off);
		if (x.slot)
			*vec_push(s->a, &s->scalars) = x;
		break;
	case IR_ZERO:
		x.slot = locate(ins->args[0], ins->imm, ins->count, &x.off);
		if (x.slot)
			*vec_push(s->a, &s->zeros) = x;
		break;
	case IR_MOVE: collect_move(s, ins); break;
	case IR_PHI: /* its operands may be known only later */ break;
	default: escape_args(ins, 0);
	}
}

static void collect_all(struct split *s)
{
	u32 n;
	struct ir_block **order = ir_rpo(s->a, s->fn, &n);

	for (u32 i = 0; i < n; i++)
		for (struct ir_ins *ins = order[i]->first; ins; ins = ins->next)
			collect(s, ins);
	for (u32 i = 0; i < n; i++)
		for (struct ir_ins *ins = order[i]->first; ins && ins->op == IR_PHI;
		     ins = ins->next)
			escape_args(ins, 0);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

/* Returns true if the slot did not have this shape yet. */
static bool add_shape(struct split *s, struct slot *slot, u32 off, u32 size, bool is_raw)
{
	if (!size)
		return false;
	for (u32 i = 0; i < slot->shapes.n; i++) {
		struct shape *old = &slot->shapes.at[i];

		/* Too many shapes were given up for one raw one over everything. */
		if (old->is_raw && old->off == 0 && old->size == slot->ins->count)
			return false;
		if (old->off == off && old->size == size && (old->is_raw || !is_raw))
			return false;
	}
	if (slot->shapes.n >= MAX_SHAPES) {
		slot->shapes.n = 0;
		off = 0;
		size = slot->ins->count;
		is_raw = true;
	}
	*vec_push(s->a, &slot->shapes) = (struct shape){ off, size, is_raw };
	return true;
}

static bool is_cut(const struct slot *slot)
{
	return slot && !slot->escapes;
}

static void shape_accesses(struct split *s)
{
	for (u32 i = 0; i < s->scalars.n; i++) {
		struct access *x = &s->scalars.at[i];

		if (is_cut(x->slot))
			add_shape(s, x->slot, x->off, x->ins->size,
				  x->ins->is_volatile || x->ins->op == IR_ATOMIC);
	}
}

static void make_raw(struct split *s, struct move *m)
{
	m->is_raw = true;
	if (is_cut(m->dst))
		add_shape(s, m->dst, m->dst_off, m->ins->count, true);
	if (is_cut(m->src))
		add_shape(s, m->src, m->src_off, m->ins->count, true);
}

/* Carries the shapes inside the moved range over to the other side. False if one lies across the
 * range's border. */
static bool mirror(struct split *s, struct slot *from, u32 from_off, struct slot *to, u32 to_off,
		   u32 count, bool *changed)
{
	for (u32 i = 0; i < from->shapes.n; i++) {
		struct shape x = from->shapes.at[i];

		if (x.off + x.size <= from_off || x.off >= from_off + count)
			continue;
		if (x.off < from_off || x.off + x.size > from_off + count)
			return false;
		*changed |= add_shape(s, to, x.off - from_off + to_off, x.size, x.is_raw);
	}
	return true;
}

static void shape_moves(struct split *s)
{
	bool changed = true;

	for (u32 i = 0; i < s->moves.n; i++) {
		struct move *m = &s->moves.at[i];

		if (!is_cut(m->dst) || !is_cut(m->src) || m->ins->count > MAX_MOVE ||
		    m->ins->is_volatile)
			make_raw(s, m);
	}
	while (changed) {
		changed = false;
		for (u32 i = 0; i < s->moves.n; i++) {
			struct move *m = &s->moves.at[i];
			u32 n = m->ins->count;

			if (m->is_raw)
				continue;
			if (mirror(s, m->dst, m->dst_off, m->src, m->src_off, n, &changed) &&
			    mirror(s, m->src, m->src_off, m->dst, m->dst_off, n, &changed))
				continue;
			make_raw(s, m);
			changed = true;
		}
	}
}

/* ---- pieces ---------------------------------------------------------------------------------- */

static int by_offset(const void *pa, const void *pb)
{
	const struct shape *a = pa, *b = pb;

	if (a->off != b->off)
		return a->off < b->off ? -1 : 1;
	return a->size < b->size ? -1 : a->size > b->size;
}

static bool is_scalar_size(u32 n)
{
	return n == 1 || n == 2 || n == 4 || n == 8;
}

static void make_pieces(struct split *s, struct slot *slot)
{
	struct piece *last = NULL;

	if (slot->shapes.n)
		qsort(slot->shapes.at, slot->shapes.n, sizeof(struct shape), by_offset);
	for (u32 i = 0; i < slot->shapes.n; i++) {
		struct shape x = slot->shapes.at[i];
		u32 end = x.off + x.size;

		if (!last || x.off >= last->off + last->size) {
			last = vec_push(s->a, &slot->pieces);
			*last = (struct piece){
				.off = x.off,
				.size = x.size,
				.is_raw = x.is_raw || !is_scalar_size(x.size),
			};
			continue;
		}
		if (x.off != last->off || x.size != last->size || x.is_raw)
			last->is_raw = true;
		if (end > last->off + last->size)
			last->size = end - last->off;
	}
}

/* A ZERO over a part of a scalar leaves it in memory. */
static void check_zeros(struct split *s)
{
	for (u32 i = 0; i < s->zeros.n; i++) {
		struct access *z = &s->zeros.at[i];
		u32 end = z->off + z->ins->count;

		for (u32 k = 0; is_cut(z->slot) && k < z->slot->pieces.n; k++) {
			struct piece *p = &z->slot->pieces.at[k];

			if (p->off >= end || p->off + p->size <= z->off)
				continue;
			if (p->off < z->off || p->off + p->size > end || z->ins->is_volatile)
				p->is_raw = true;
		}
	}
}

/* A raw piece begins where the slot's alignment says so, so that what was aligned in the slot is
 * aligned in the piece. */
static void make_slots(struct slot *slot)
{
	u32 align = slot->ins->align ? slot->ins->align : 1;

	for (u32 i = 0; i < slot->pieces.n; i++) {
		struct piece *p = &slot->pieces.at[i];

		p->start = p->is_raw ? p->off - p->off % align : p->off;
		p->ins = ir_put(slot->ins, IR_SLOT, 64, NULL, NULL);
		p->ins->count = p->off + p->size - p->start;
		p->ins->align = (u8)(p->is_raw ? align : p->size);
		p->ins->region = slot->ins->region;
	}
}

static struct piece *piece_at(struct slot *slot, u32 off)
{
	for (u32 i = 0; i < slot->pieces.n; i++) {
		struct piece *p = &slot->pieces.at[i];

		if (off >= p->off && off < p->off + p->size)
			return p;
	}
	return NULL;
}

/* ---- rewriting ------------------------------------------------------------------------------- */

static void rewrite_scalar(struct access *x)
{
	struct piece *p = piece_at(x->slot, x->off);

	x->ins->args[0] = p->ins;
	x->ins->imm = (s64)x->off - p->start;
}

static u32 align_at(const struct piece *p, u32 off)
{
	u32 at = off - p->start, align = p->ins->align;

	while (align > 1 && at % align)
		align /= 2;
	return align;
}

static void zero_piece(struct access *z, struct piece *p)
{
	u32 lo = z->off > p->off ? z->off : p->off, end = z->off + z->ins->count;
	u32 hi = end < p->off + p->size ? end : p->off + p->size;
	struct ir_ins *part;

	if (!p->is_raw) {
		ir_put_store(z->ins, p->size, p->ins, 0,
			     ir_put_const(z->ins, p->size == 8 ? 64 : 32, 0));
		return;
	}
	part = ir_put(z->ins, IR_ZERO, 0, p->ins, NULL);
	part->imm = (s64)lo - p->start;
	part->count = hi - lo;
	part->align = (u8)align_at(p, lo);
	part->is_volatile = z->ins->is_volatile;
}

static void rewrite_zero(struct access *z)
{
	u32 end = z->off + z->ins->count;

	for (u32 i = 0; i < z->slot->pieces.n; i++) {
		struct piece *p = &z->slot->pieces.at[i];

		if (p->off < end && p->off + p->size > z->off)
			zero_piece(z, p);
	}
	ir_remove(z->ins);
}

static void rewrite_raw_move(struct move *m)
{
	struct piece *p;

	if (is_cut(m->dst) && m->ins->count) {
		p = piece_at(m->dst, m->dst_off);
		m->ins->args[0] = p->ins;
		m->ins->imm = (s64)m->dst_off - p->start;
	}
	if (is_cut(m->src) && m->ins->count) {
		p = piece_at(m->src, m->src_off);
		m->ins->args[1] = p->ins;
		m->ins->off2 = (s64)m->src_off - p->start;
	}
	if (!m->ins->count)
		ir_remove(m->ins);
}

/* One piece of a MOVE that is taken apart; both sides are cut alike. */
static void move_piece(struct move *m, struct piece *to, struct piece *from)
{
	s64 to_off = (s64)to->off - to->start, from_off = (s64)from->off - from->start;
	u32 a = align_at(to, to->off), b = align_at(from, from->off);
	struct ir_ins *part;

	if (is_scalar_size(to->size) && a >= to->size && b >= to->size) {
		part = ir_put_load(m->ins, to->size, from->ins, from_off);
		ir_put_store(m->ins, to->size, to->ins, to_off, part);
		return;
	}
	part = ir_put(m->ins, IR_MOVE, 0, to->ins, from->ins);
	part->imm = to_off;
	part->off2 = from_off;
	part->count = to->size;
	part->align = (u8)(a < b ? a : b);
}

static void rewrite_move(struct move *m)
{
	u32 end = m->dst_off + m->ins->count;

	if (m->is_raw) {
		rewrite_raw_move(m);
		return;
	}
	for (u32 i = 0; i < m->dst->pieces.n; i++) {
		struct piece *p = &m->dst->pieces.at[i];

		if (p->off < end && p->off + p->size > m->dst_off)
			move_piece(m, p, piece_at(m->src, p->off - m->dst_off + m->src_off));
	}
	ir_remove(m->ins);
}

static void rewrite_all(struct split *s)
{
	for (u32 i = 0; i < s->scalars.n; i++)
		if (is_cut(s->scalars.at[i].slot))
			rewrite_scalar(&s->scalars.at[i]);
	for (u32 i = 0; i < s->zeros.n; i++)
		if (is_cut(s->zeros.at[i].slot))
			rewrite_zero(&s->zeros.at[i]);
	for (u32 i = 0; i < s->moves.n; i++)
		if (is_cut(s->moves.at[i].dst) || is_cut(s->moves.at[i].src))
			rewrite_move(&s->moves.at[i]);
}

void ir_split_slots(struct arena *scratch, struct ir_fn *fn)
{
	struct split s = { .a = scratch, .fn = fn };

	ir_notes_clear(fn);
	collect_all(&s);
	shape_accesses(&s);
	shape_moves(&s);
	for (u32 i = 0; i < s.slots.n; i++)
		if (is_cut(s.slots.at[i]))
			make_pieces(&s, s.slots.at[i]);
	check_zeros(&s);
	for (u32 i = 0; i < s.slots.n; i++)
		if (is_cut(s.slots.at[i]))
			make_slots(s.slots.at[i]);
	rewrite_all(&s);
	/* Backwards, because later additions use earlier ones. */
	for (u32 i = s.derived.n; i-- > 0;)
		if (is_cut(addr_of(s.derived.at[i])->slot))
			ir_remove(s.derived.at[i]);
	for (u32 i = 0; i < s.slots.n; i++)
		if (is_cut(s.slots.at[i]))
			ir_remove(s.slots.at[i]->ins);
	ir_notes_clear(fn);
}
