/* lower_text: strings.
 *
 * A string is a piece of memory of known capacity, a multiple of 8 bytes. Invariant: it ends with a
 *0 and everything behind that is 0 too, so that keys with equal strings are equal bytes and
 *comparison goes by words of 8 bytes:
 *
 *	*(u64 *)a == *(u64 *)b && *(u64 *)(a + 8) == … , up to the shorter capacity
 *	*(u64 *)a == word(literal) && (*(u64 *)(a + 8) & mask) == …, up to the literal's 0
 *
 * The probe readers leave what is behind the 0 as it was, hence memory is cleared in front of them;
 *when they fail they clear it themselves.
 */
#include <string.h>

#include "btfront/lower.h"

/* Where a string goes: `cap` bytes at base + off. In a record, which is only printed, nothing needs
 * to follow the final 0. */
struct dest {
	struct ir_ins *base;
	s64 off;
	u32 cap;
	bool is_record;
};

static void put_text(struct bt_lower *l, struct bt_expr *e, struct dest d);

static u64 word_at(str text, u32 at)
{
	u64 w = 0;

	if (at < text.n)
		memcpy(&w, text.s + at, text.n - at < 8 ? text.n - at : 8);
	return w;
}

static void put_literal(struct bt_lower *l, str text, struct dest d)
{
	int end = str_find(text, 0, 0);

	text = str_sub(text, 0, end >= 0 && (u32)end < d.cap ? (u32)end : d.cap - 1);
	for (u32 i = 0; i < d.cap && (!d.is_record || i <= text.n); i += 8)
		ir_store(&l->b, 8, d.base, d.off + i, bt_num(l, (s64)word_at(text, i)));
}

static void clear(struct bt_lower *l, struct dest d, u32 from)
{
	if (d.cap > from && !d.is_record)
		ir_zero(&l->b, d.base, d.off + from, d.cap - from, 8);
}

/* Bytes from `from` (of which `n` are a string of smaller capacity), the rest 0. */
static void put_copy(struct bt_lower *l, struct ir_ins *from, u32 n, struct dest d)
{
	if (n > d.cap)
		n = d.cap;
	if (from == d.base && !d.off)
		return;
	ir_move(&l->b, d.base, d.off, from, 0, n, 8);
	clear(l, d, n);
}

/* ---- sources of strings ---------------------------------------------------------------------- */

static void put_comm(struct bt_lower *l, struct dest d)
{
	u32 n = d.cap < 16 ? d.cap : 16;
	struct ir_ins *args[2];

	/* Older kernels (6.1) leave what stands behind the NUL as it was; in a key all bytes count.
	 */
	clear(l, d, 0);
	args[0] = bt_address(l, d.base, d.off);
	args[1] = bt_num(l, n);
	bt_call(l, H_COMM, args, 2);
}

static void put_map_value(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	struct ir_block *hit = ir_block_new(l->b.fn), *miss = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *p = bt_lookup(l, e->map->obj, bt_key(l, e));

	ir_if(&l->b, p, hit, miss);
	l->b.at = hit;
	put_copy(l, p, e->map->value.size, d);
	ir_jump(&l->b, end);
	l->b.at = miss;
	put_literal(l, STR(""), d);
	bt_enter(l, end);
}

static u32 reader(u8 region)
{
	return region == IR_IN_USER	? H_PROBE_USER_STR
	       : region == IR_IN_KERNEL ? H_PROBE_KERNEL_STR
					: H_PROBE_STR;
}

static void read_string(struct bt_lower *l, u8 region, struct ir_ins *from, struct ir_ins *size,
			struct dest d)
{
	clear(l, d, 0);
	bt_call(l, reader(region), (struct ir_ins *[]){ bt_address(l, d.base, d.off), size, from },
		3);
}

/* min(n + 1, limit): the bytes of str(p, n) with the final 0. */
static struct ir_ins *bounded(struct bt_lower *l, struct bt_expr *n, u32 limit)
{
	struct ir_block *cut = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l);
	struct ir_ins *x = bt_op(l, IR_ADD, bt_value(l, n), 1);

	ir_store(&l->b, 8, slot, 0, x);
	ir_if(&l->b, bt_op(l, IR_UGT, x, limit), cut, end);
	l->b.at = cut;
	ir_store(&l->b, 8, slot, 0, bt_num(l, limit));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

static void put_str(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	struct bt_expr *from = e->args[0];
	struct ir_ins *address, *size;
	u32 limit = bt_strlen(l->u);
	s64 n = limit - 1;

	if (from->type.kind == BT_STRING) {
		put_text(l, from, d);
		return;
	}
	if (limit > d.cap)
		limit = d.cap;
	address = bt_value(l, from);
	if (e->n_args < 2 || bt_const_value(e->args[1], &n))
		size = bt_num(l, n >= 0 && n < limit ? n + 1 : limit);
	else
		size = bounded(l, e->args[1], limit);
	read_string(l, from->type.region, address, size, d);
}

/* char name[16] in the event's record: readable with a helper only, as a whole. */
static void put_member(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	struct bt_member m;
	struct ir_ins *from = bt_event_member(l, e, &m);

	read_string(l, IR_IN_KERNEL, from, bt_num(l, m.size < d.cap ? m.size : d.cap), d);
}

static void put_choice(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);

	bt_branch(l, e->a, yes, no);
	l->b.at = yes;
	put_text(l, e->b, d);
	ir_jump(&l->b, end);
	l->b.at = no;
	put_text(l, e->c, d);
	bt_enter(l, end);
}

static void put_name(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	if (e->builtin->id == N_COMM)
		put_comm(l, d);
	else if (e->builtin->id == N_FUNC)
		put_literal(l, l->point->pub.want.name, d);
	else
		put_literal(l, bt_point_text(l->a, l->point), d);
}

static void put_text(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	switch (e->kind) {
	case EX_STR: put_literal(l, e->name, d); break;
	case EX_VAR: put_copy(l, e->var->slot, e->var->type.size, d); break;
	case EX_MAP: put_map_value(l, e, d); break;
	case EX_NAME: put_name(l, e, d); break;
	case EX_CALL: put_str(l, e, d); break;
	case EX_FIELD: put_member(l, e, d); break;
	case EX_COND: put_choice(l, e, d); break;
	default: put_literal(l, STR(""), d); break;
	}
}

void bt_put_text(struct bt_lower *l, struct bt_expr *e, struct ir_ins *base, s64 off, u32 cap)
{
	put_text(l, e, (struct dest){ base, off, cap, false });
}

void bt_put_record_text(struct bt_lower *l, struct bt_expr *e, struct ir_ins *rec, s64 off, u32 cap)
{
	put_text(l, e, (struct dest){ rec, off, cap, true });
}

struct bt_text bt_text_at(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_text t = { .cap = e->type.size };

	if (e->kind == EX_VAR) {
		t.base = e->var->slot;
		t.cap = e->var->type.size;
		return t;
	}
	t.base = bt_temp(l, t.cap);
	bt_put_text(l, e, t.base, 0, t.cap);
	return t;
}

/* ---- comparison ------------------------------------------------------------------------------ */

static struct ir_ins *load_word(struct bt_lower *l, struct bt_text x, u32 at)
{
	return ir_load(&l->b, 64, 8, false, x.base, at);
}

/* if (x != y) goto no; */
static void leave_unless_same(struct bt_lower *l, struct ir_ins *x, struct ir_ins *y,
			      struct ir_block *no)
{
	struct ir_block *next = ir_block_new(l->b.fn);

	ir_if(&l->b, ir_compare(&l->b, IR_EQ, x, y), next, no);
	l->b.at = next;
}

static void branch_literal(struct bt_lower *l, struct bt_text x, str text, struct ir_block *no)
{
	int nul = str_find(text, 0, 0);
	u32 end;

	if (nul >= 0)
		text = str_sub(text, 0, (u32)nul);
	end = text.n + 1;
	if (end > x.cap) {
		ir_jump(&l->b, no);
		l->b.at = ir_block_new(l->b.fn);
		return;
	}
	for (u32 i = 0; i < end; i += 8) {
		struct ir_ins *w = load_word(l, x, i);
		u64 mask = 0;

		if (end - i < 8) {
			memset(&mask, 0xff, end - i);
			w = bt_op(l, IR_AND, w, (s64)mask);
		}
		leave_unless_same(l, w, bt_num(l, (s64)word_at(text, i)), no);
	}
}

void bt_branch_text(struct bt_lower *l, struct bt_expr *x, struct bt_expr *y, struct ir_block *yes,
		    struct ir_block *no)
{
	struct bt_text a, b;

	if (x->kind == EX_STR) {
		struct bt_expr *swap = x;

		x = y;
		y = swap;
	}
	a = bt_text_at(l, x);
	if (y->kind == EX_STR) {
		branch_literal(l, a, y->name, no);
	} else {
		b = bt_text_at(l, y);
		for (u32 i = 0; i < a.cap && i < b.cap; i += 8) {
			struct ir_ins *w = load_word(l, a, i);

			leave_unless_same(l, w, load_word(l, b, i), no);
		}
	}
	ir_jump(&l->b, yes);
}
