/* Bytes that a program loads one by one, shifts and puts together, as one load, with its bytes
 * swapped where the first one is the highest: what compilers make of packet fields of any alignment.
 *
 * A pending form VAL_BYTES is `bytes` neighbours in memory as one number, shifted left by `count`.
 * It begins with a loaded byte that is shifted and grows when an or (+, ^: no bits are common) meets
 * the neighbour of the right place. Sizes that no load has are only passed on the way; where one has
 * to be computed all the same, that takes several loads, through the scratch register: such a form
 * never reads the home that it will be computed into. All bytes were to be loaded by the program
 * anyway, and nothing was stored since (a store computes pending loads), so that one load reads what
 * the several would have read.
 *
 * Not done: narrow stores put together, bytes taken from a register.
 */
#include "jit/select.h"

#define BIT(r) (1u << (r))

static bool is_size(u32 bytes)
{
	return bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8;
}

static bool as_bytes(const struct val *v, struct val *out)
{
	*out = *v;
	if (v->kind == VAL_BYTES)
		return true;
	if (v->kind != VAL_LOAD || v->is_signed)
		return false;
	out->kind = VAL_BYTES;
	out->count = 0;
	out->is_swapped = false;
	return true;
}

/* v << count, if that is such a form and loses no bits. */
bool jit_sel_bytes_shift(struct sel *s, u8 dst, u32 count, bool is64)
{
	struct val v;

	if (count % 8 || !as_bytes(&s->v[dst], &v) ||
	    v.bytes * 8 + v.count + count > (is64 ? 64 : 32))
		return false;
	v.count += count;
	s->v[dst] = v;
	return true;
}

/* v << count >> count, where `count` shifted it to the top: a load again, with or without sign. */
bool jit_sel_bytes_back(struct sel *s, u8 op, u8 dst, u32 count, bool is64)
{
	struct val *v = &s->v[dst];

	if (v->kind != VAL_BYTES || v->count != count || !is_size(v->bytes) ||
	    (v->is_swapped && v->bytes > 1) || v->bytes * 8 + count != (is64 ? 64 : 32) ||
	    (op == ISA_ARSH && !is64))
		return false;
	v->kind = VAL_LOAD;
	v->is_signed = op == ISA_ARSH;
	v->is32 = false;
	return true;
}

static bool in_order(const struct val *v, bool is_swapped)
{
	return v->bytes == 1 || v->is_swapped == is_swapped;
}

/* The two as one, if they are neighbours in memory and in value. */
static bool put_together(const struct val *lo, const struct val *hi, struct val *out)
{
	if (lo->addr.base != hi->addr.base || lo->addr.index != hi->addr.index ||
	    lo->addr.scale != hi->addr.scale || hi->count != lo->count + lo->bytes * 8 ||
	    lo->bytes + hi->bytes > 8)
		return false;
	if ((s64)lo->addr.disp + lo->bytes == hi->addr.disp && in_order(lo, false) &&
	    in_order(hi, false))
		*out = *lo;
	else if ((s64)hi->addr.disp + hi->bytes == lo->addr.disp && in_order(lo, true) &&
		 in_order(hi, true))
		*out = *hi, out->is_swapped = true;
	else
		return false;
	out->bytes = lo->bytes + hi->bytes;
	out->count = lo->count;
	return true;
}

/* dst | src as one form; src is not wanted afterwards. */
bool jit_sel_bytes_join(struct sel *s, u8 dst, u8 src, bool is64)
{
	struct val a, c, v;

	if ((s->after >> src & 1) || !as_bytes(&s->v[dst], &a) || !as_bytes(&s->v[src], &c))
		return false;
	if (!(a.count < c.count ? put_together(&a, &c, &v) : put_together(&c, &a, &v)))
		return false;
	if (v.bytes * 8 + v.count > (is64 ? 64 : 32))
		return false;
	if (!is_size(v.bytes) && ((v.refs & BIT(s->home[dst])) || jit_sel_reaches(s, v.refs, dst)))
		return false;
	if (is_size(v.bytes) && !v.count && !v.is_swapped) {
		v.kind = VAL_LOAD;
		v.is32 = false;
	}
	jit_sel_home(s, src);
	jit_sel_bind(s, dst, v);
	return true;
}

static void part(struct sel *s, u8 dst, const struct val *v, u32 at, u8 bytes)
{
	struct jit_addr a = v->addr;
	u32 shift = v->count + 8 * (v->is_swapped ? v->bytes - at - bytes : at);

	a.disp += (s32)at;
	s->t->load(s->b, dst, &a, bytes, false);
	if (v->is_swapped && bytes > 1)
		s->t->bswap(s->b, dst, bytes * 8);
	if (shift)
		s->t->shift_imm(s->b, ISA_LSH, dst, dst, (u8)shift, true);
}

void jit_sel_bytes_emit(struct sel *s, u8 dst, const struct val *v)
{
	u32 at = 0;

	for (u8 size = 8; size; size /= 2) {
		if (v->bytes - at < size)
			continue;
		part(s, at ? s->t->scratch : dst, v, at, size);
		if (at)
			s->t->alu(s->b, ISA_OR, dst, s->t->scratch, true);
		at += size;
	}
}
