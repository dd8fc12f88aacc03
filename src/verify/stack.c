/* The stack: 64 slots a frame, known byte by byte, with spilled registers.
 *
 * A store of a whole register keeps it (a spill), so that pointers and bounds survive; a store of
 * four bytes at a slot's start keeps a number. Other stores leave bytes that are zero or anything;
 * they turn what is left of a spill into plain bytes. A store at a variable offset may hit any byte
 * of its range, and all of them count as written, as in the kernel. A load needs each byte written.
 */
#include <string.h>

#include "verify/state.h"

static u32 slot_of(s64 at)
{
	return (u32)(-at - 1) / 8;
}
static u32 byte_of(s64 at)
{
	return (u32)(at + (s64)(slot_of(at) + 1) * 8);
}

bool verify_stack_range(struct verifier *v, const struct reg *r, u8 no, s32 off, u64 size,
			s64 *out_lo, s64 *out_hi)
{
	struct frame *f = v->st->frames[r->frame];
	struct sub *s = &v->subs.at[f->sub];
	bool known = num_is_const(&r->n);
	s64 base = (s64)r->off + off, lo, hi;

	if (!known && !v->in->privileged)
		return verify_refuse(
			v, V_UNPRIVILEGED, r->node, "Use constant offsets.",
			"Unprivileged programs use the stack at constant offsets only.");
	if (!known && (r->n.smax >= (1ll << 29) || r->n.smin <= -(1ll << 29)))
		return verify_refuse(v, V_STACK_BOUNDS, r->node, "Check the offset first.",
				     "The offset of r%u into the stack is unbounded.", no);
	lo = base + (known ? (s64)r->n.bits : r->n.smin);
	hi = base + (known ? (s64)r->n.bits : r->n.smax) + (s64)size;
	if (lo < -ISA_STACK_BYTES || hi > 0 || (size == 0 && lo >= 0))
		return verify_refuse(
			v, V_STACK_BOUNDS, r->node, "Stay between r10 - 512 and r10 - 1.",
			"%llu bytes at r10%+lld%s: the stack is the 512 bytes below r10.",
			(unsigned long long)size, (long long)(lo < -512 ? lo : hi - (s64)size),
			known ? "" : " (possibly)");
	if (-lo > s->depth)
		s->depth = (u32)-lo;
	*out_lo = lo;
	*out_hi = hi;
	return true;
}

static u8 byte_at(const struct frame *f, s64 at)
{
	u32 s = slot_of(at);

	return s < f->n_slots ? f->slots[s].bytes[byte_of(at)] : B_NONE;
}

/* Privileged programs may read what they did not write, as in the kernel: it is their own stack. */
static bool uninit(struct verifier *v, s64 at)
{
	if (v->in->privileged && !v->in->mem_size) {
		v->out->reads_unwritten = true;
		return true;
	}
	return verify_refuse(v, V_STACK_UNINIT, 0, "Write the bytes first, for example with 0.",
			     "The stack byte at r10%+lld is read, but was never written.",
			     (long long)at);
}

/* A range of bytes that no single spill answers. */
static bool read_bytes(struct verifier *v, struct frame *f, s64 lo, s64 hi, u32 size,
		       struct reg *out)
{
	struct num any = num_any();
	bool zero = true;
	u32 node = 0;

	for (s64 at = lo; at < hi; at++) {
		u8 b = byte_at(f, at);
		const struct slot *s;

		if (b == B_NONE && !uninit(v, at))
			return false;
		zero &= b == B_ZERO;
		if (b != B_SPILL)
			continue;
		s = &f->slots[slot_of(at)];
		if (s->reg.kind != K_SCALAR && !v->in->privileged)
			return verify_refuse(v, V_LEAK, s->reg.node, "Load all eight bytes.",
					     "A part of an address on the stack would be read.");
		node = s->reg.node;
	}
	verify_set_scalar(v, out, zero ? num_const(0) : num_cut(&any, size), node, 0);
	return true;
}

bool verify_stack_read(struct verifier *v, const struct reg *base, u8 no, s32 off, u32 size,
		       struct reg *out)
{
	struct frame *f = v->st->frames[base->frame];
	s64 lo = 0, hi = 0;
	struct slot *s;

	if (!verify_stack_range(v, base, no, off, size, &lo, &hi))
		return false;
	verify_slots_read(v, base->frame, lo, hi);
	if (hi - lo != size || slot_of(lo) >= f->n_slots)
		return read_bytes(v, f, lo, hi, size, out);
	s = &f->slots[slot_of(lo)];
	if (s->bytes[0] != B_SPILL)
		return read_bytes(v, f, lo, hi, size, out);
	if (s->reg.kind != K_SCALAR && size != 8)
		return verify_refuse(v, V_STACK_SPILL, s->reg.node, "Load all eight bytes.",
				     "Only a part of the address kept at r10%+lld is loaded.",
				     (long long)lo);
	if (byte_of(lo) || size > s->spilled)
		return read_bytes(v, f, lo, hi, size, out);
	*out = s->reg;
	out->node = verify_node(v, s->reg.node, 0);
	if (size < s->spilled) {
		out->n = num_cut(&s->reg.n, size);
		out->id = 0;
	}
	return true;
}

/* What is left of a spill when a part of it goes. */
static void scrub(struct slot *s)
{
	for (u32 k = 0; k < 8; k++)
		if (s->bytes[k] == B_SPILL)
			s->bytes[k] = B_MISC;
	s->spilled = 0;
}

static bool may_scrub(struct verifier *v, struct frame *f, s64 lo, s64 hi)
{
	for (s64 at = lo; at < hi; at++) {
		const struct slot *s;

		if (byte_at(f, at) != B_SPILL)
			continue;
		s = &f->slots[slot_of(at)];
		if (s->reg.kind != K_SCALAR && !v->in->privileged)
			return verify_refuse(v, V_STACK_SPILL, s->reg.node,
					     "Overwrite all eight bytes at once.",
					     "A part of the address kept at r10%+lld is "
					     "overwritten.",
					     (long long)at);
	}
	return true;
}

static void fill(struct verifier *v, struct frame *f, s64 lo, s64 hi, u8 with)
{
	verify_slots_need(v, f, slot_of(lo) + 1);
	for (s64 at = lo; at < hi; at++) {
		struct slot *s = &f->slots[slot_of(at)];

		if (s->spilled)
			scrub(s);
		s->bytes[byte_of(at)] = with;
	}
}

bool verify_stack_write(struct verifier *v, const struct reg *base, u8 no, s32 off, u32 size,
			const struct reg *val)
{
	struct frame *f = v->st->frames[base->frame];
	bool is_pointer = val->kind != K_SCALAR;
	s64 lo = 0, hi = 0;
	struct slot *s;

	if (!verify_stack_range(v, base, no, off, size, &lo, &hi))
		return false;
	if (is_pointer && size != 8)
		return verify_refuse(v, V_STACK_SPILL, val->node, "Store all eight bytes.",
				     "Only a part of an address would be stored.");
	if (val->kind == K_STACK && f != TOP(v->st))
		return verify_refuse(v, V_STACK_SPILL, val->node, "",
				     "A stack address would be stored in the caller's stack.");
	/* A part of an address may not be overwritten: that looks at what is there. */
	if (!v->in->privileged && size != 8)
		verify_slots_read(v, base->frame, lo, hi);
	if (hi - lo == size)
		verify_slots_written(v, base->frame, lo, hi);
	if (hi - lo != size) {
		if (is_pointer && !v->in->privileged)
			return verify_refuse(v, V_LEAK, val->node, "",
					     "An address would be hidden.");
		fill(v, f, lo, hi, B_MISC);
		return true;
	}
	verify_slots_need(v, f, slot_of(lo) + 1);
	s = &f->slots[slot_of(lo)];
	if (byte_of(lo) == 0 && (size == 8 || (size == 4 && !is_pointer))) {
		if (size != 8 && !may_scrub(v, f, lo, hi))
			return false;
		if (s->spilled)
			scrub(s);
		memset(s->bytes, B_SPILL, size);
		s->spilled = (u8)size;
		s->reg = *val;
		if (size == 4) {
			s->reg.n = num_cut(&val->n, 4);
			s->reg.id = 0;
		}
		s->reg.node = verify_node(v, val->node, 0);
		return true;
	}
	if (!may_scrub(v, f, lo, hi))
		return false;
	if (num_is(&val->n, 0))
		verify_precise(v, val->node);
	fill(v, f, lo, hi, num_is(&val->n, 0) ? B_ZERO : B_MISC);
	return true;
}

bool verify_stack_helper(struct verifier *v, const struct reg *r, u8 no, u64 size, bool raw)
{
	struct frame *f = v->st->frames[r->frame];
	s64 lo = 0, hi = 0;

	if (!verify_stack_range(v, r, no, 0, size, &lo, &hi))
		return false;
	if (!raw || !num_is_const(&r->n) || !v->in->privileged)
		verify_slots_read(v, r->frame, lo, hi);
	else
		verify_slots_written(v, r->frame, lo, hi);
	if (!raw || !num_is_const(&r->n)) {
		for (s64 at = lo; at < hi; at++) {
			u8 b = byte_at(f, at);

			if (b == B_NONE && !uninit(v, at))
				return false;
			if (b == B_SPILL && !v->in->privileged &&
			    f->slots[slot_of(at)].reg.kind != K_SCALAR)
				return verify_refuse(v, V_LEAK, f->slots[slot_of(at)].reg.node,
						     "Overwrite it first.",
						     "The helper would see the address kept at "
						     "r10%+lld.",
						     (long long)at);
		}
		if (!raw)
			return true;
	}
	if (!may_scrub(v, f, lo, hi))
		return false;
	if (hi > lo)
		fill(v, f, lo, hi, B_MISC);
	return true;
}
