/* layout: where the members of a struct or union lie, and what integer an enum is.
 *
 * Input: members in order of declaration, without offsets. Output: the same with bit offsets, and
 * the aggregate's size and alignment. The rules are those of the System V psABI, as GCC and Clang
 * apply them on x86-64, arm64 Linux (for what is tested: x86-64) and the BPF target:
 *
 * - A member starts at the next multiple of its alignment; the aggregate takes the largest
 *   alignment of its members, and its size is rounded up to it.
 * - A bit-field of width w and type T continues at the next bit, unless it would then cross a
 *   boundary between two units of T: then it starts at the next boundary. It counts for the
 *   alignment like a T, but only if it has a name.
 * - A bit-field of width 0 only moves on to the next boundary of T.
 * - packed: members start at the next byte, bit-fields at the next bit; width 0 still aligns.
 * - packed of a single member does the same for that member; `most` (#pragma pack) limits the alignment
 *   of a member that is no bit-field, `align` raises it.
 * - align raises the alignment of the whole.
 * - A flexible array `[]` at the end takes no room.
 *
 * An unnamed bit-field has an integer type and `bits`; one of width 0 cannot be told from an
 * ordinary member by `bits`, so: an unnamed member of integer type is a zero-width bit-field.
 *
 * Enums follow GNU C: unsigned int if that holds all values, else int, else the 64-bit type.
 *
 * An aggregate of TY_MAX_SIZE bytes or more stays incomplete: its bit offsets do not fit; the front
 * end reports it.
 */
#include "types/node.h"

struct layout {
	u64 bit;  /* next free bit */
	u64 bits; /* end of the farthest member */
	u32 align;
	bool packed, is_union, too_large;
};

static void raise_align(struct layout *l, u32 align)
{
	if (align > l->align)
		l->align = align;
}

static bool is_zero_width(const struct ty_member *m)
{
	return !m->bits && !m->name.n && ty_is_int(m->type);
}

static void place_bit_field(struct layout *l, struct ty_member *m)
{
	bool packed = l->packed || m->packed;
	u64 unit = (m->type->size ? m->type->size : 1) * 8, at = l->bit;

	if (is_zero_width(m)) {
		at = round_up(at, (u64)m->type->align * 8);
	} else if (!packed) {
		if (at / unit != (at + m->bits - 1) / unit)
			at = round_up(at, unit);
		if (m->name.n)
			raise_align(l, m->type->align);
	}
	m->bit_off = (u32)at;
	l->bit = at + m->bits;
}

static void place_plain(struct layout *l, struct ty_member *m)
{
	u32 align = l->packed || m->packed || !m->type->align ? 1 : m->type->align;
	u64 size = m->type->kind == TY_VOID ? 0 : m->type->size;

	if (m->most && m->most < align)
		align = m->most;
	if (m->align > align)
		align = m->align;
	raise_align(l, align);
	l->bit = round_up(l->bit, (u64)align * 8);
	m->bit_off = (u32)l->bit;
	if (size >= TY_MAX_SIZE) {
		l->too_large = true;
		return;
	}
	l->bit += size * 8;
}

static void place(struct layout *l, struct ty_member *m)
{
	ty_complete(m->type);
	if (l->is_union)
		l->bit = 0;
	if (m->bits || is_zero_width(m))
		place_bit_field(l, m);
	else
		place_plain(l, m);
	if (l->bit > l->bits)
		l->bits = l->bit;
	if (l->bits >= TY_MAX_SIZE * 8)
		l->too_large = true;
}

void ty_layout(struct ty_table *t, struct type *agg, const struct ty_member *m, u32 n, bool packed,
	       u32 align)
{
	struct ty_member *out = arena_array_of(ty_table_arena(t), struct ty_member, n);
	struct layout l = { .align = 1, .packed = packed, .is_union = agg->kind == TY_UNION };

	for (u32 i = 0; i < n && !l.too_large; i++) {
		out[i] = m[i];
		place(&l, &out[i]);
	}
	if (l.too_large)
		return;
	raise_align(&l, align);
	agg->members = out;
	agg->n = n;
	agg->packed = packed;
	agg->align = l.align;
	agg->size = round_up((l.bits + 7) / 8, l.align);
	agg->complete = true;
}

void ty_enum_finish(struct ty_table *t, struct type *en, const struct ty_enumerator *e, u32 n)
{
	s64 min = 0, max = 0;
	u32 bytes;

	for (u32 i = 0; i < n; i++) {
		min = e[i].value < min ? e[i].value : min;
		max = e[i].value > max ? e[i].value : max;
	}
	bytes = min < INT32_MIN || max > (min < 0 ? INT32_MAX : (s64)UINT32_MAX) ? 8 : 4;
	en->to = ty_int_of(t, bytes, min < 0);
	en->is_signed = min < 0;
	en->size = en->align = bytes;
	en->enumerators = arena_dup(ty_table_arena(t), e, n * sizeof(*e));
	en->n = n;
	en->complete = true;
}
