/* lower_place: C objects: members, elements, what pointers point to.
 *
 * An object is found as a base, an offset and a region; nothing is read until a scalar or its bytes
 * are wanted:
 *
 *	own memory, context:  x = *(T *)(base + off)
 *	kernel, user, any:    probe_read(&tmp, sizeof(T), base + off);  x = tmp
 *
 * A failed read gives 0, since the helper clears the destination then. Bit-fields are read as the
 * unit that they were declared in.
 */
#include "btfront/lower.h"

/* The reader of a region, for numbers and bytes or for strings. */
u32 bt_reader(u8 region, bool is_string)
{
	if (region == IR_IN_USER)
		return is_string ? H_PROBE_USER_STR : H_PROBE_USER;
	if (region == IR_IN_KERNEL || region == IR_IN_STACK || region == IR_IN_CTX)
		return is_string ? H_PROBE_KERNEL_STR : H_PROBE_KERNEL;
	return is_string ? H_PROBE_STR : H_PROBE_READ;
}

static bool is_direct(const struct bt_place *p)
{
	return p->region == IR_IN_STACK || p->region == IR_IN_CTX;
}

struct ir_ins *bt_read(struct bt_lower *l, struct bt_place p, u32 bytes, bool is_signed)
{
	struct ir_ins *args[3];

	if (is_direct(&p))
		return ir_load(&l->b, 64, (u8)bytes, is_signed, p.base, p.off);
	if (!l->read_slot)
		l->read_slot = ir_slot(&l->b, 8, 8);
	args[0] = l->read_slot;
	args[1] = bt_num(l, bytes);
	args[2] = bt_address(l, p.base, p.off);
	bt_call(l, bt_reader(p.region, false), args, 3);
	return ir_load(&l->b, 64, (u8)bytes, is_signed, l->read_slot, 0);
}

void bt_read_bytes(struct bt_lower *l, struct ir_ins *base, s64 off, struct bt_place from,
		   u32 bytes)
{
	struct ir_ins *args[3];

	if (from.region == IR_IN_STACK && bytes % 8 == 0) {
		bt_copy(l, base, off, from.base, from.off, bytes);
		return;
	}
	args[0] = bt_address(l, base, off);
	args[1] = bt_num(l, bytes);
	args[2] = bt_address(l, from.base, from.off);
	bt_call(l, bt_reader(from.region, false), args, 3);
}

/* ---- finding -------------------------------------------------------------------------------- */

/* The member of a struct, by its name again: typing found it, so it is there. */
static const struct ty_member *member_of(struct bt_lower *l, const struct bt_expr *e,
					 u32 *out_bit_off)
{
	const struct bt_type *a = &e->a->type;
	const struct type *agg = bt_complete(l->u, ty_strip(a->c));

	*out_bit_off = 0;
	return agg ? ty_find_member(agg, e->name, out_bit_off) : NULL;
}

static struct bt_place struct_place(struct bt_lower *l, struct bt_expr *a)
{
	if (a->type.kind == BT_STRUCT)
		return bt_locate(l, a);
	return (struct bt_place){ bt_value(l, a), 0, a->type.region };
}

static struct bt_place field_place(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_member m;
	struct bt_place p;
	u32 bit_off;

	if (e->a->type.kind == BT_ARGS)
		return bt_event_place(l, e, &m);
	if (e->a->type.kind == BT_TUPLE) {
		p = bt_memory(l, e->a);
		p.off += e->a->type.tuple->offs[e->value];
		return p;
	}
	p = struct_place(l, e->a);
	member_of(l, e, &bit_off);
	p.off += bit_off / 8;
	return p;
}

static u32 element_size(const struct bt_expr *e)
{
	const struct type *to = NULL;

	if (e->a->type.kind == BT_ARRAY)
		to = ty_strip(e->a->type.c)->to;
	else if (e->a->type.kind == BT_PTR)
		to = e->a->type.c;
	if (!to)
		return e->a->type.kind == BT_STRING ? 1 : 8;
	to = ty_strip(to);
	return ty_complete(to) ? (u32)to->size : (u32)bt_size(&e->type);
}

/* Own memory is only read within its bounds: an index beyond reads the first element. */
static struct ir_ins *checked_index(struct bt_lower *l, struct ir_ins *at, u64 count)
{
	struct ir_block *bad = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l);

	ir_store(&l->b, 8, slot, 0, at);
	ir_if(&l->b, bt_op(l, IR_ULT, at, (s64)count), end, bad);
	l->b.at = bad;
	ir_store(&l->b, 8, slot, 0, bt_num(l, 0));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

static struct bt_place element_place(struct bt_lower *l, struct bt_expr *e)
{
	bool in_place = e->a->type.kind == BT_ARRAY || e->a->type.kind == BT_STRING;
	struct bt_place p;
	u32 size = element_size(e);
	struct ir_ins *at;
	s64 n;

	if (in_place)
		p = e->a->type.kind == BT_ARRAY ? bt_locate(l, e->a) : bt_memory(l, e->a);
	else
		p = (struct bt_place){ bt_value(l, e->a), 0, e->a->type.region };
	if (bt_const_value(e->b, &n) &&
	    (!in_place || p.region != IR_IN_STACK ||
	     (u64)n * size < (e->a->type.kind == BT_ARRAY ? ty_strip(e->a->type.c)->size
							  : e->a->type.size))) {
		p.off += n * size;
		return p;
	}
	at = bt_value(l, e->b);
	if (in_place && p.region == IR_IN_STACK)
		at = checked_index(l, at,
				   (e->a->type.kind == BT_ARRAY ? ty_strip(e->a->type.c)->size
								: e->a->type.size) /
					   size);
	if (size != 1)
		at = bt_op(l, IR_MUL, at, size);
	p.base = ir_binary(&l->b, IR_ADD, 64, p.base, at);
	return p;
}

struct bt_place bt_locate(struct bt_lower *l, struct bt_expr *e)
{
	switch (e->kind) {
	case EX_FIELD: return field_place(l, e);
	case EX_INDEX: return element_place(l, e);
	case EX_DEREF: return (struct bt_place){ bt_value(l, e->a), 0, e->a->type.region };
	default: return bt_memory(l, e);
	}
}

/* ---- reading -------------------------------------------------------------------------------- */

/* `bits` from bit `bit_off` of the struct at p. */
static struct ir_ins *read_bits(struct bt_lower *l, struct bt_place p, const struct ty_member *m,
				u32 bit_off)
{
	u32 unit = (u32)ty_strip(m->type)->size, start = bit_off / (8 * unit) * unit;
	u32 shift = bit_off - 8 * start;
	struct ir_ins *x;

	if (shift + m->bits > 8 * unit) { /* packed */
		start = bit_off / 8;
		shift = bit_off % 8;
		unit = shift + m->bits <= 8    ? 1
		       : shift + m->bits <= 16 ? 2
		       : shift + m->bits <= 32 ? 4
					       : 8;
	}
	p.off += start;
	x = bt_read(l, p, unit, false);
	if (64 - shift - m->bits)
		x = bt_op(l, IR_SHL, x, 64 - shift - m->bits);
	return bt_op(l, ty_signed(m->type) ? IR_ASHR : IR_LSHR, x, 64 - m->bits);
}

static struct ir_ins *read_field(struct bt_lower *l, struct bt_expr *e)
{
	const struct ty_member *m;
	struct bt_place p;
	u32 bit_off;

	m = member_of(l, e, &bit_off);
	if (!m)
		return bt_num(l, 0);
	p = struct_place(l, e->a);
	if (m->bits)
		return read_bits(l, p, m, bit_off);
	p.off += bit_off / 8;
	return bt_read(l, p, (u32)ty_strip(m->type)->size, e->type.is_signed);
}

static struct ir_ins *read_argument(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_member m;
	struct bt_place p = bt_event_place(l, e, &m);

	if (m.is_data_loc)
		return bt_address(l, p.base, p.off);
	return bt_read(l, p, m.type.kind == BT_INT && m.type.bytes ? m.type.bytes : 8,
		       m.type.is_signed);
}

struct ir_ins *bt_read_member(struct bt_lower *l, struct bt_expr *e)
{
	u32 bytes = e->type.kind == BT_INT && e->type.bytes ? e->type.bytes : 8;

	if (e->kind == EX_FIELD && e->a->type.kind == BT_ARGS)
		return read_argument(l, e);
	if (e->kind == EX_FIELD && e->a->type.kind == BT_TUPLE) {
		struct bt_place p = field_place(l, e);

		return ir_load(&l->b, 64, 8, false, p.base, p.off);
	}
	if (e->kind == EX_FIELD)
		return read_field(l, e);
	return bt_read(l, bt_locate(l, e), bytes, e->type.is_signed);
}
