/* lower_text: strings.
 *
 * A string is a piece of memory of known capacity, a multiple of 8 bytes. Invariant: it ends with a
 * 0 and everything behind that is 0 too, so that keys with equal strings are equal bytes and
 * comparison goes by words of 8 bytes:
 *
 *	*(u64 *)a == *(u64 *)b && *(u64 *)(a + 8) == … , up to the shorter capacity
 *	*(u64 *)a == word(literal) && (*(u64 *)(a + 8) & mask) == …, up to the literal's 0
 *
 * Long ones are compared in a loop, which ends at the first word whose last byte is 0.
 *
 * The probe readers leave what is behind the 0 as it was, hence memory is cleared in front of them;
 * when they fail they clear it themselves.
 */
#include <string.h>

#include "btfront/lower.h"

enum { UNROLLED = 64 };

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
	u32 i = 0;

	text = str_sub(text, 0, end >= 0 && (u32)end < d.cap ? (u32)end : d.cap - 1);
	for (; i < d.cap && (i <= text.n || (!d.is_record && d.cap <= UNROLLED)); i += 8)
		ir_store(&l->b, 8, d.base, d.off + i, bt_num(l, (s64)word_at(text, i)));
	if (!d.is_record)
		bt_clear(l, d.base, d.off + i, d.cap - i);
}

static void clear(struct bt_lower *l, struct dest d, u32 from)
{
	if (d.cap > from && !d.is_record)
		bt_clear(l, d.base, d.off + from, d.cap - from);
}

/* Bytes from `from` (of which `n` are a string of smaller or larger capacity), the rest 0. A cut one gets
 * a 0 at its end. */
static void put_copy(struct bt_lower *l, struct bt_place from, u32 n, struct dest d)
{
	struct ir_ins *args[3];

	if (n > d.cap) {
		clear(l, d, 0);
		args[0] = bt_address(l, d.base, d.off);
		args[1] = bt_num(l, d.cap);
		args[2] = bt_address(l, from.base, from.off);
		bt_call(l, H_PROBE_KERNEL_STR, args, 3);
		return;
	}
	bt_copy(l, d.base, d.off, from.base, from.off, n);
	clear(l, d, n);
}

void bt_copy_text(struct bt_lower *l, struct ir_ins *base, s64 off, u32 cap, struct bt_place from,
		  u32 from_cap)
{
	put_copy(l, from, from_cap, (struct dest){ base, off, cap, false });
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
	put_copy(l, (struct bt_place){ p, 0, IR_IN_STACK }, e->map->value.size, d);
	ir_jump(&l->b, end);
	l->b.at = miss;
	put_literal(l, STR(""), d);
	bt_enter(l, end);
}

static void read_string(struct bt_lower *l, struct bt_place from, struct ir_ins *size,
			struct dest d)
{
	struct ir_ins *args[3];

	clear(l, d, 0);
	args[0] = bt_address(l, d.base, d.off);
	args[1] = size;
	args[2] = bt_address(l, from.base, from.off);
	bt_call(l, bt_reader(from.region, true), args, 3);
}

struct ir_ins *bt_bounded(struct bt_lower *l, struct bt_expr *n, s64 more, u32 limit)
{
	struct ir_block *cut = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l), *x = bt_value(l, n);

	if (more)
		x = bt_op(l, IR_ADD, x, more);
	ir_store(&l->b, 8, slot, 0, x);
	ir_if(&l->b, bt_op(l, IR_UGT, x, limit), cut, end);
	l->b.at = cut;
	ir_store(&l->b, 8, slot, 0, bt_num(l, limit));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

/* str(text, n): the first n bytes of a string. */
static void put_cut(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	struct bt_place from = bt_memory(l, e->args[0]);
	u32 limit = e->args[0]->type.size < d.cap ? e->args[0]->type.size : d.cap;
	struct ir_ins *size;
	s64 n;

	if (bt_const_value(e->args[1], &n))
		size = bt_num(l, n >= 0 && n < limit ? n + 1 : limit);
	else
		size = bt_bounded(l, e->args[1], 1, limit);
	from.region = IR_IN_KERNEL;
	read_string(l, from, size, d);
}

static void put_str(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	struct bt_expr *from = e->args[0];
	struct bt_place p;
	struct ir_ins *size;
	u32 limit = bt_strlen(l->u);
	s64 n = limit - 1;

	if (from->type.kind == BT_STRING && e->n_args == 1) {
		put_text(l, from, d);
		return;
	}
	if (from->type.kind == BT_STRING) {
		put_cut(l, e, d);
		return;
	}
	if (limit > d.cap)
		limit = d.cap;
	if (from->type.kind == BT_ARRAY)
		p = bt_locate(l, from);
	else
		p = (struct bt_place){ bt_value(l, from), 0, from->type.region };
	if (e->n_args < 2 || bt_const_value(e->args[1], &n))
		size = bt_num(l, n >= 0 && n < limit ? n + 1 : limit);
	else
		size = bt_bounded(l, e->args[1], 1, limit);
	read_string(l, p, size, d);
}

/* char name[16] of a C object, in the event's record or anywhere: readable with a helper only, as
 * a whole. */
static void put_member(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	struct bt_place p = bt_locate(l, e);

	if (e->kind == EX_FIELD && e->a->type.kind == BT_TUPLE) {
		put_copy(l, p, e->type.size, d);
		return;
	}
	read_string(l, p, bt_num(l, e->type.size < d.cap ? e->type.size : d.cap), d);
}

static void put_choice(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);

	bt_branch(l, e->a, yes, no);
	l->b.at = yes;
	put_text(l, e->b ? e->b : e->a, d);
	bt_enter(l, end);
	l->b.at = no;
	put_text(l, e->c, d);
	bt_enter(l, end);
}

/* comm of another task: ((struct task_struct *)curtask)->member->…->comm */
static void put_task_comm(struct bt_lower *l, const char *member, struct dest d)
{
	struct ty_btf *btf = bt_btf(l->u);
	const struct type *task = btf ? ty_btf_find(btf, TY_STRUCT, STR("task_struct")) : NULL;
	struct bt_place p = { bt_call(l, H_TASK, NULL, 0), 0, IR_IN_KERNEL };
	u32 bits = 0;

	if (task && ty_find_member(task, str_of(member), &bits))
		p.off = bits / 8;
	p.base = bt_read(l, p, 8, false);
	p.off = 0;
	if (task && ty_find_member(task, STR("comm"), &bits))
		p.off = bits / 8;
	read_string(l, p, bt_num(l, d.cap < 16 ? d.cap : 16), d);
}

static void put_name(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	switch (e->builtin->id) {
	case N_COMM: put_comm(l, d); break;
	case N_PCOMM: put_task_comm(l, "real_parent", d); break;
	case N_LEADER_COMM: put_task_comm(l, "group_leader", d); break;
	case N_FUNC: put_literal(l, l->point->pub.want.name, d); break;
	case N_PROBETYPE: put_literal(l, bt_probe_type(l->point), d); break;
	default: put_literal(l, bt_point_text(l->a, l->point), d); break;
	}
}

static void put_text(struct bt_lower *l, struct bt_expr *e, struct dest d)
{
	switch (e->kind) {
	case EX_STR: put_literal(l, e->name, d); break;
	case EX_VAR: put_copy(l, bt_var_place(l, e->var), e->var->type.size, d); break;
	case EX_MAP: put_map_value(l, e, d); break;
	case EX_NAME: put_name(l, e, d); break;
	case EX_CALL: put_str(l, e, d); break;
	case EX_FIELD:
	case EX_INDEX:
	case EX_DEREF: put_member(l, e, d); break;
	case EX_CAST: put_text(l, e->a, d); break;
	case EX_COND: put_choice(l, e, d); break;
	case EX_BLOCK:
		bt_lower_stmts(l, e->body->body);
		if (!ir_ended(&l->b))
			put_text(l, e->a, d);
		break;
	default: put_literal(l, STR(""), d); break;
	}
}

void bt_put_text(struct bt_lower *l, struct bt_expr *e, struct ir_ins *base, s64 off, u32 cap,
		 bool is_record)
{
	put_text(l, e, (struct dest){ base, off, cap, is_record });
}

/* ---- comparison ------------------------------------------------------------------------------ */

static struct ir_ins *load_word(struct bt_lower *l, struct bt_place x, u32 at)
{
	return ir_load(&l->b, 64, 8, false, x.base, x.off + at);
}

/* if (x != y) goto no; */
static void leave_unless_same(struct bt_lower *l, struct ir_ins *x, struct ir_ins *y,
			      struct ir_block *no)
{
	struct ir_block *next = ir_block_new(l->b.fn);

	ir_if(&l->b, ir_compare(&l->b, IR_EQ, x, y), next, no);
	l->b.at = next;
}

/* The first n bytes of the text, its 0 included where n reaches behind it. */
void bt_leave_unless_literal(struct bt_lower *l, struct bt_place x, u32 cap, str text, u32 n,
			     struct ir_block *no)
{
	int nul = str_find(text, 0, 0);

	if (nul >= 0)
		text = str_sub(text, 0, (u32)nul);
	if (n > text.n + 1)
		n = text.n + 1;
	if (n > cap) {
		ir_jump(&l->b, no);
		l->b.at = ir_block_new(l->b.fn);
		return;
	}
	for (u32 i = 0; i < n; i += 8) {
		struct ir_ins *w = load_word(l, x, i);
		u64 mask = 0, want = word_at(text, i);

		if (n - i < 8) {
			memset(&mask, 0xff, n - i);
			w = bt_op(l, IR_AND, w, (s64)mask);
			want &= mask;
		}
		leave_unless_same(l, w, bt_num(l, (s64)want), no);
	}
}

/* for (i = 0; i < n; i += 8) { if (x[i] != y[i]) goto no; if (!(x[i] >> 56)) break; } */
static void compare_loop(struct bt_lower *l, struct bt_place x, struct bt_place y, u32 n,
			 struct ir_block *no)
{
	struct ir_block *head = ir_block_new(l->b.fn), *same = ir_block_new(l->b.fn);
	struct ir_block *next = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *i = bt_join(l), *at, *v, *w;

	ir_store(&l->b, 8, i, 0, bt_num(l, 0));
	bt_enter(l, head);
	at = ir_load(&l->b, 64, 8, false, i, 0);
	v = ir_binary(&l->b, IR_ADD, 64, x.base, at);
	v = ir_load(&l->b, 64, 8, false, v, x.off);
	w = ir_binary(&l->b, IR_ADD, 64, y.base, at);
	w = ir_load(&l->b, 64, 8, false, w, y.off);
	ir_if(&l->b, ir_compare(&l->b, IR_EQ, v, w), same, no);
	l->b.at = same;
	ir_if(&l->b, bt_op(l, IR_LSHR, v, 56), next, end);
	l->b.at = next;
	at = bt_op(l, IR_ADD, ir_load(&l->b, 64, 8, false, i, 0), 8);
	ir_store(&l->b, 8, i, 0, at);
	ir_if(&l->b, bt_op(l, IR_ULT, at, n), head, end);
	ir_block_move_last(end);
	l->b.at = end;
	bt_join_drop(l, i);
}

void bt_leave_unless_equal(struct bt_lower *l, struct bt_place x, struct bt_place y, u32 n,
			   struct ir_block *no)
{
	u32 rest = n % 8;

	if (n > UNROLLED && !rest) {
		compare_loop(l, x, y, n, no);
		return;
	}
	for (u32 i = 0; i + 8 <= n; i += 8) {
		struct ir_ins *w = load_word(l, x, i);

		leave_unless_same(l, w, load_word(l, y, i), no);
	}
	if (rest) {
		struct ir_ins *v = load_word(l, x, n - rest), *w = load_word(l, y, n - rest);
		u64 mask = (1ull << (8 * rest)) - 1;

		v = bt_op(l, IR_AND, v, (s64)mask);
		leave_unless_same(l, v, bt_op(l, IR_AND, w, (s64)mask), no);
	}
}
