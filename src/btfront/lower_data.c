/* lower_data: values that lie in memory: tuples, addresses, stacks, buffers, C objects.
 *
 * bt_put() writes the value of an expression where it is wanted; what is in memory already is copied,
 * part by part where the parts grew (strings of tuples). Large copies and clearing are one call of
 * a helper that the kernel has done quickly: probe_read_kernel() of our own memory, or of address 0,
 * whose failure fills the destination with zero.
 */
#include <string.h>

#include "btfront/lower.h"

enum { INLINE_MAX = 64, AF_INET_NR = 2, AF_INET6_NR = 10 };

/* ---- bytes ---------------------------------------------------------------------------------- */

void bt_clear(struct bt_lower *l, struct ir_ins *base, s64 off, u32 bytes)
{
	struct ir_ins *args[3];

	if (!bytes)
		return;
	if (bytes <= INLINE_MAX) {
		ir_zero(&l->b, base, off, bytes, 8);
		return;
	}
	args[0] = bt_address(l, base, off);
	args[1] = bt_num(l, bytes);
	args[2] = bt_num(l, 0);
	bt_call(l, H_PROBE_KERNEL, args, 3);
}

void bt_copy(struct bt_lower *l, struct ir_ins *base, s64 off, struct ir_ins *from, s64 from_off,
	     u32 bytes)
{
	struct ir_ins *args[3];

	if (!bytes || (base == from && off == from_off))
		return;
	if (bytes <= INLINE_MAX) {
		ir_move(&l->b, base, off, from, from_off, bytes, 8);
		return;
	}
	args[0] = bt_address(l, base, off);
	args[1] = bt_num(l, bytes);
	args[2] = bt_address(l, from, from_off);
	bt_call(l, H_PROBE_KERNEL, args, 3);
}

/* ---- copies with growing parts ---------------------------------------------------------------- */

static void copy_value(struct bt_lower *l, const struct bt_type *to, struct ir_ins *base, s64 off,
		       struct bt_place from, const struct bt_type *ft)
{
	if (to->kind == BT_STRING) {
		bt_copy_text(l, base, off, to->size, from, ft->size);
	} else if (to->kind == BT_TUPLE && bt_size(to) != bt_size(ft)) {
		for (u32 i = 0; i < to->tuple->n; i++) {
			struct bt_place part = from;

			part.off += ft->tuple->offs[i];
			copy_value(l, &to->tuple->types[i], base, off + to->tuple->offs[i], part,
				   &ft->tuple->types[i]);
		}
	} else if (to->kind == BT_BUFFER && to->size > ft->size) {
		bt_copy(l, base, off, from.base, from.off, ft->size);
		bt_clear(l, base, off + ft->size, to->size - ft->size);
	} else {
		bt_copy(l, base, off, from.base, from.off, bt_size(to));
	}
}

/* ---- sources -------------------------------------------------------------------------------- */

struct dest {
	const struct bt_type *to;
	struct ir_ins *base;
	s64 off;
	bool is_record;
};

static void put_tuple(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	const struct bt_tuple *t = d->to->tuple;

	for (u32 i = 0; i < t->n; i++)
		bt_put(l, e->args[i], &t->types[i], d->base, d->off + t->offs[i], d->is_record);
}

static void put_map_value(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	struct ir_block *hit = ir_block_new(l->b.fn), *miss = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *p = bt_lookup(l, e->map->obj, bt_key(l, e));
	struct bt_place from = { p, 0, IR_IN_STACK };

	ir_if(&l->b, p, hit, miss);
	l->b.at = hit;
	copy_value(l, d->to, d->base, d->off, from, &e->map->value);
	ir_jump(&l->b, end);
	l->b.at = miss;
	bt_clear(l, d->base, d->off, bt_size(d->to));
	bt_enter(l, end);
}

static void put_choice(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);

	bt_branch(l, e->a, yes, no);
	l->b.at = yes;
	bt_put(l, e->b ? e->b : e->a, d->to, d->base, d->off, d->is_record);
	bt_enter(l, end);
	l->b.at = no;
	bt_put(l, e->c, d->to, d->base, d->off, d->is_record);
	bt_enter(l, end);
}

/* {address, process} */
static void put_user_symbol(struct bt_lower *l, struct ir_ins *x, const struct dest *d)
{
	struct ir_ins *both = bt_call(l, H_PID_TGID, NULL, 0);

	ir_store(&l->b, 8, d->base, d->off, x);
	ir_store(&l->b, 8, d->base, d->off + 8, bt_op(l, IR_LSHR, both, 32));
}

/* {family, address} */
static void put_inet(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	struct bt_expr *x = e->args[e->n_args - 1];
	bool is_array = x->type.kind == BT_ARRAY;
	u32 bytes = is_array ? (u32)ty_strip(x->type.c)->size : 4;
	struct ir_ins *family, *number = NULL;
	struct bt_place from = { 0 };

	family = e->n_args == 2 ? bt_value(l, e->args[0])
				: bt_num(l, bytes == 16 ? AF_INET6_NR : AF_INET_NR);
	if (is_array)
		from = bt_locate(l, x);
	else
		number = bt_value(l, x);
	ir_store(&l->b, 8, d->base, d->off, family);
	if (number || bytes < 16) {
		ir_store(&l->b, 8, d->base, d->off + 8, number ? number : bt_num(l, 0));
		ir_store(&l->b, 8, d->base, d->off + 16, bt_num(l, 0));
	}
	if (number)
		ir_store(&l->b, 4, d->base, d->off + 12, ir_const(&l->b, 32, 0));
	else
		bt_read_bytes(l, d->base, d->off + 8, from, bytes);
}

/* {length, bytes} */
static void put_buffer(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	struct bt_expr *x = e->args[0];
	u32 cap = (e->type.size < d->to->size ? e->type.size : d->to->size) - 8;
	struct ir_ins *args[3], *n;
	struct bt_place from;
	s64 v = cap;

	if (x->type.kind == BT_ARRAY) {
		from = bt_locate(l, x);
		v = (s64)ty_strip(x->type.c)->size;
	} else if (x->type.kind == BT_STRING) {
		from = bt_memory(l, x);
		v = x->kind == EX_STR ? (s64)x->name.n : (s64)x->type.size;
	} else {
		from = (struct bt_place){ bt_value(l, x), 0, x->type.region };
	}
	if (e->n_args < 2 || bt_const_value(e->args[1], &v))
		n = bt_num(l, v < 0 || v > cap ? cap : v);
	else
		n = bt_bounded(l, e->args[1], 0, cap);
	if (!d->is_record)
		bt_clear(l, d->base, d->off + 8, d->to->size - 8);
	ir_store(&l->b, 8, d->base, d->off, n);
	args[0] = bt_address(l, d->base, d->off + 8);
	args[1] = n;
	args[2] = bt_address(l, from.base, from.off);
	bt_call(l, bt_reader(from.region, false), args, 3);
}

/* pton(): the bytes stand in the tree. */
static void put_bytes(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	for (u32 i = 0; i < bt_size(d->to); i += 8) {
		u64 w = 0;

		if (i < e->bytes.n)
			memcpy(&w, e->bytes.s + i, e->bytes.n - i < 8 ? e->bytes.n - i : 8);
		ir_store(&l->b, 8, d->base, d->off + i, bt_num(l, (s64)w));
	}
}

static void put_call(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	switch (e->builtin->id) {
	case F_NTOP: put_inet(l, e, d); break;
	case F_BUF: put_buffer(l, e, d); break;
	case F_USYM: put_user_symbol(l, bt_value(l, e->args[0]), d); break;
	case F_PTON: put_bytes(l, e, d); break;
	default: bt_clear(l, d->base, d->off, bt_size(d->to)); break;
	}
}

/* A C object, of any size: what is behind it in the last word becomes 0. */
static void put_object(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	u32 size = (u32)ty_strip(d->to->c)->size, whole = bt_size(d->to);
	struct bt_place from = bt_locate(l, e);

	if (from.region == IR_IN_STACK) {
		bt_copy(l, d->base, d->off, from.base, from.off, whole);
		return;
	}
	if (size != whole)
		ir_store(&l->b, 8, d->base, d->off + whole - 8, bt_num(l, 0));
	bt_read_bytes(l, d->base, d->off, from, size);
}

/* The bytes of a number as an array. */
static void put_number_bytes(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	u32 bits = (u32)ty_strip(d->to->c)->size * 8;
	struct ir_ins *x = bt_value(l, e->a);

	if (bits < 64) {
		x = bt_op(l, IR_SHL, x, 64 - bits);
		x = bt_op(l, IR_LSHR, x, 64 - bits);
	}
	ir_store(&l->b, 8, d->base, d->off, x);
}

static void put_block(struct bt_lower *l, struct bt_expr *e, const struct dest *d)
{
	bt_lower_stmts(l, e->body->body);
	if (e->a && !ir_ended(&l->b))
		bt_put(l, e->a, d->to, d->base, d->off, d->is_record);
}

void bt_put(struct bt_lower *l, struct bt_expr *e, const struct bt_type *to, struct ir_ins *base,
	    s64 off, bool is_record)
{
	struct dest d = { to, base, off, is_record };

	if (bt_is_scalar(to)) {
		ir_store(&l->b, 8, base, off, bt_value(l, e));
		return;
	}
	if (to->kind == BT_STRING) {
		bt_put_text(l, e, base, off, to->size, is_record);
		return;
	}
	switch (e->kind) {
	case EX_TUPLE: put_tuple(l, e, &d); break;
	case EX_MAP: put_map_value(l, e, &d); break;
	case EX_COND: put_choice(l, e, &d); break;
	case EX_BLOCK: put_block(l, e, &d); break;
	case EX_NAME:
	case EX_CALL: put_call(l, e, &d); break;
	case EX_VAR: copy_value(l, to, base, off, bt_var_place(l, e->var), &e->var->type); break;
	case EX_CAST:
		if (to->kind == BT_ARRAY && e->a->type.kind == BT_INT)
			put_number_bytes(l, e, &d);
		break;
	default:
		if (e->kind == EX_FIELD && e->a->type.kind == BT_TUPLE)
			copy_value(l, to, base, off, bt_locate(l, e), &e->type);
		else if (to->kind == BT_STRUCT || to->kind == BT_ARRAY)
			put_object(l, e, &d);
		break;
	}
}

struct bt_place bt_memory(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_place p = { .region = IR_IN_STACK };

	if (e->kind == EX_VAR)
		return bt_var_place(l, e->var);
	if (e->kind == EX_FIELD && e->a->type.kind == BT_TUPLE)
		return bt_locate(l, e);
	p.base = bt_temp(l, bt_size(&e->type));
	bt_put(l, e, &e->type, p.base, 0, false);
	return p;
}

/* ---- comparison ------------------------------------------------------------------------------ */

static void unless_same(struct bt_lower *l, const struct bt_type *t, struct bt_place x,
			const struct bt_type *u, struct bt_place y, struct ir_block *no)
{
	if (t->kind == BT_STRING) {
		bt_leave_unless_equal(l, x, y, t->size < u->size ? t->size : u->size, no);
		return;
	}
	for (u32 i = 0; t->kind == BT_TUPLE && i < t->tuple->n; i++) {
		struct bt_place a = x, b = y;

		a.off += t->tuple->offs[i];
		b.off += u->tuple->offs[i];
		unless_same(l, &t->tuple->types[i], a, &u->tuple->types[i], b, no);
	}
	for (u32 i = 0; t->kind != BT_TUPLE && i < bt_size(t); i += 8) {
		struct ir_block *next = ir_block_new(l->b.fn);
		struct ir_ins *v = ir_load(&l->b, 64, 8, false, x.base, x.off + i);
		struct ir_ins *w = ir_load(&l->b, 64, 8, false, y.base, y.off + i);

		ir_if(&l->b, ir_compare(&l->b, IR_EQ, v, w), next, no);
		l->b.at = next;
	}
}

void bt_branch_same(struct bt_lower *l, struct bt_expr *a, struct bt_expr *b, struct ir_block *yes,
		    struct ir_block *no)
{
	struct bt_place x, y;

	if (a->type.kind == BT_STRING && a->kind == EX_STR && b->kind != EX_STR) {
		struct bt_expr *swap = a;

		a = b;
		b = swap;
	}
	x = bt_memory(l, a);
	if (b->kind == EX_STR) {
		bt_leave_unless_literal(l, x, a->type.size, b->name, b->name.n + 1, no);
	} else {
		y = bt_memory(l, b);
		unless_same(l, &a->type, x, &b->type, y, no);
	}
	ir_jump(&l->b, yes);
}

/* ---- the plan ------------------------------------------------------------------------------- */

static enum obj_field_kind kind_of(const struct bt_type *t)
{
	switch (t->kind) {
	case BT_STRING: return OBJ_F_STR;
	case BT_PTR: return OBJ_F_PTR;
	case BT_KSYM: return OBJ_F_KSYM;
	case BT_USYM: return OBJ_F_USYM;
	case BT_KSTACK: return OBJ_F_KSTACK;
	case BT_USTACK: return OBJ_F_USTACK;
	case BT_INET: return OBJ_F_INET;
	case BT_MAC: return OBJ_F_MAC;
	case BT_USERNAME: return OBJ_F_USERNAME;
	case BT_TIMESTAMP: return OBJ_F_TIMESTAMP;
	case BT_CGROUP_PATH: return OBJ_F_CGROUP_PATH;
	case BT_STRERROR: return OBJ_F_STRERROR;
	case BT_SYSCALL: return OBJ_F_SYSCALL_NAME;
	case BT_BUFFER: return OBJ_F_BUFFER;
	case BT_STRUCT: return OBJ_F_STRUCT;
	case BT_ARRAY: return OBJ_F_ARRAY;
	case BT_TUPLE: return t->tuple->names ? OBJ_F_STRUCT : OBJ_F_TUPLE;
	default: break;
	}
	if (t->is_bool)
		return OBJ_F_BOOL;
	if (t->c)
		return OBJ_F_ENUM;
	return t->is_signed || t->is_literal ? OBJ_F_INT : OBJ_F_UINT;
}

void bt_describe(struct bt_lower *l, struct obj_field *f, const struct bt_type *t, u32 off)
{
	f->kind = kind_of(t);
	f->off = off;
	f->size = bt_size(t);
	f->map = OBJ_NONE;
	f->extra = str_is(t->extra, "bpftrace") ? STR("") : t->extra;
	if (t->kind == BT_STRUCT || t->kind == BT_ARRAY || f->kind == OBJ_F_ENUM)
		f->type = t->c;
	if (t->kind == BT_KSTACK || t->kind == BT_USTACK)
		f->map = bt_stack_map(l, t);
	for (u32 i = 0; t->kind == BT_TUPLE && i < t->tuple->n; i++) {
		struct obj_field *part = vec_push(l->o->a, &f->parts);

		bt_describe(l, part, &t->tuple->types[i], t->tuple->offs[i]);
		if (t->tuple->names)
			part->name = t->tuple->names[i];
	}
}
