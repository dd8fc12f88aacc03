/* lower_func: functions whose value is a number: symbols, stacks, comparisons of strings, byte order.
 *
 * A stack is taken by the kernel into a map of stacks, one map for each depth that the script asks
 * for; its number there is the value.
 */
#include <string.h>

#include "btfront/lower.h"

enum { STACKS = 16384, USER_STACK = 1 << 8, TRACE_MAX = 127 };

/* ---- stacks --------------------------------------------------------------------------------- */

u32 bt_stack_map(struct bt_lower *l, const struct bt_type *t)
{
	str name = t->size == TRACE_MAX ? STR("skep.stacks")
					: str_printf(l->o->a, "skep.stacks.%u", t->size);
	u32 map = obj_map_find(l->o, name);

	if (map == OBJ_NONE)
		map = obj_map_add(l->o, name, ISA_MAP_STACK_TRACE, 4, 8 * t->size, STACKS);
	return map;
}

struct ir_ins *bt_stack_number(struct bt_lower *l, const struct bt_type *t)
{
	struct ir_ins *args[3], *id, *tgid;

	if (!l->ctx)
		return bt_num(l, -1);
	args[0] = l->ctx;
	args[1] = bt_map_address(l, bt_stack_map(l, t));
	args[2] = bt_num(l, t->kind == BT_USTACK ? USER_STACK : 0);
	id = bt_call(l, H_STACKID, args, 3);
	if (t->kind == BT_KSTACK)
		return id;
	tgid = bt_call(l, H_PID_TGID, NULL, 0);
	tgid = bt_op(l, IR_SHL, bt_op(l, IR_LSHR, tgid, 32), 32);
	return ir_binary(&l->b, IR_OR, 64, ir_extend(&l->b, false, 32, 64, id), tgid);
}

/* ---- strings -------------------------------------------------------------------------------- */

/* strncmp(a, b, n) == 0 */
void bt_branch_strncmp(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes,
		       struct ir_block *no)
{
	struct bt_expr *a = e->args[0], *b = e->args[1];
	struct bt_place x, y;
	u32 least;
	s64 n = 0;

	bt_const_value(e->args[2], &n);
	if (a->kind == EX_STR) {
		a = e->args[1];
		b = e->args[0];
	}
	x = bt_memory(l, a);
	least = a->type.size < b->type.size ? a->type.size : b->type.size;
	if (b->kind == EX_STR) {
		bt_leave_unless_literal(l, x, a->type.size, b->name,
					n > UINT32_MAX / 2 ? UINT32_MAX / 2 : (u32)n, no);
	} else {
		y = bt_memory(l, b);
		bt_leave_unless_equal(l, x, y, n < least ? (u32)n : least, no);
	}
	ir_jump(&l->b, yes);
}

/* The byte at p + i (+ off). */
static struct ir_ins *byte_at(struct bt_lower *l, struct bt_place p, struct ir_ins *i, s64 off)
{
	struct ir_ins *at = i ? ir_binary(&l->b, IR_ADD, 64, p.base, i) : p.base;

	return ir_load(&l->b, 64, 1, false, at, p.off + off);
}

/* for (i = 0; i < cap && hay[i]; i++) if (hay + i begins with the needle) goto yes;
 * A literal's bytes are compared one after another where the first fits. */
static void find_literal(struct bt_lower *l, struct bt_place hay, u32 cap, str needle,
			 struct ir_block *yes, struct ir_block *no)
{
	struct ir_block *head = ir_block_new(l->b.fn), *next = ir_block_new(l->b.fn);
	struct ir_ins *i = bt_join(l), *at;

	ir_store(&l->b, 8, i, 0, bt_num(l, 0));
	bt_enter(l, head);
	at = ir_load(&l->b, 64, 8, false, i, 0);
	for (u32 k = 0; k < needle.n; k++) {
		struct ir_block *more = ir_block_new(l->b.fn);
		struct ir_ins *c = byte_at(l, hay, at, k);

		ir_if(&l->b, bt_op(l, IR_EQ, c, (u8)needle.s[k]), more, next);
		l->b.at = more;
	}
	ir_jump(&l->b, yes);
	l->b.at = next;
	ir_block_move_last(next);
	at = bt_op(l, IR_ADD, ir_load(&l->b, 64, 8, false, i, 0), 1);
	ir_store(&l->b, 8, i, 0, at);
	ir_if(&l->b, bt_op(l, IR_ULE, at, (s64)cap - needle.n), head, no);
	bt_join_drop(l, i);
}

/* The same with a needle of any bytes: an inner loop up to its 0. */
static void find_text(struct bt_lower *l, struct bt_place hay, u32 cap, struct bt_place needle,
		      u32 n, struct ir_block *yes, struct ir_block *no)
{
	struct ir_block *outer = ir_block_new(l->b.fn), *inner = ir_block_new(l->b.fn);
	struct ir_block *test = ir_block_new(l->b.fn), *more = ir_block_new(l->b.fn);
	struct ir_block *next = ir_block_new(l->b.fn);
	struct ir_ins *i = bt_join(l), *k = bt_join(l), *x, *y, *at;

	ir_store(&l->b, 8, i, 0, bt_num(l, 0));
	bt_enter(l, outer);
	ir_store(&l->b, 8, k, 0, bt_num(l, 0));
	bt_enter(l, inner);
	y = byte_at(l, needle, ir_load(&l->b, 64, 8, false, k, 0), 0);
	ir_if(&l->b, y, test, yes);
	l->b.at = test;
	at = ir_load(&l->b, 64, 8, false, i, 0);
	at = ir_binary(&l->b, IR_ADD, 64, at, ir_load(&l->b, 64, 8, false, k, 0));
	{
		struct ir_block *inside = ir_block_new(l->b.fn);

		ir_if(&l->b, bt_op(l, IR_ULT, at, cap), inside, next);
		l->b.at = inside;
	}
	x = byte_at(l, hay, at, 0);
	ir_if(&l->b, ir_compare(&l->b, IR_EQ, x, y), more, next);
	l->b.at = more;
	at = bt_op(l, IR_ADD, ir_load(&l->b, 64, 8, false, k, 0), 1);
	ir_store(&l->b, 8, k, 0, at);
	ir_if(&l->b, bt_op(l, IR_ULT, at, n), inner, yes);
	l->b.at = next;
	ir_block_move_last(next);
	at = bt_op(l, IR_ADD, ir_load(&l->b, 64, 8, false, i, 0), 1);
	ir_store(&l->b, 8, i, 0, at);
	ir_if(&l->b, bt_op(l, IR_ULT, at, cap), outer, no);
	bt_join_drop(l, k);
	bt_join_drop(l, i);
}

void bt_branch_contains(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes,
			struct ir_block *no)
{
	struct bt_expr *hay = e->args[0], *needle = e->args[1];
	struct bt_place x = bt_memory(l, hay), y;
	str text = needle->name;
	int nul = str_find(text, 0, 0);

	if (needle->kind != EX_STR) {
		y = bt_memory(l, needle);
		find_text(l, x, hay->type.size, y, needle->type.size, yes, no);
		return;
	}
	if (nul >= 0)
		text = str_sub(text, 0, (u32)nul);
	if (!text.n || text.n >= hay->type.size)
		ir_jump(&l->b, text.n ? no : yes);
	else
		find_literal(l, x, hay->type.size, text, yes, no);
}

/* for (i = 0; i < cap && s[i]; i++) ; */
struct ir_ins *bt_strlen_value(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_place p = bt_memory(l, e);
	struct ir_block *head = ir_block_new(l->b.fn), *next = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *i = bt_join(l), *at;

	ir_store(&l->b, 8, i, 0, bt_num(l, 0));
	bt_enter(l, head);
	at = ir_load(&l->b, 64, 8, false, i, 0);
	ir_if(&l->b, byte_at(l, p, at, 0), next, end);
	l->b.at = next;
	at = bt_op(l, IR_ADD, ir_load(&l->b, 64, 8, false, i, 0), 1);
	ir_store(&l->b, 8, i, 0, at);
	ir_if(&l->b, bt_op(l, IR_ULT, at, e->type.size), head, end);
	ir_block_move_last(end);
	l->b.at = end;
	return bt_joined(l, i);
}

/* ---- numbers -------------------------------------------------------------------------------- */

static struct ir_ins *byte_swap(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_ins *x = bt_value(l, e->args[0]);
	u32 bits = e->type.bytes * 8;

	if (bits < 16)
		return x;
	if (bits == 64)
		return ir_bswap(&l->b, 64, 64, x);
	return ir_extend(&l->b, false, 32, 64, ir_bswap(&l->b, bits, 32, ir_trunc(&l->b, x)));
}

/* 6 bytes in the lower part of a word. */
static struct ir_ins *mac_address(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];
	struct ir_ins *tmp = bt_temp(l, 8);
	struct bt_place from;

	if (bt_is_number(&x->type))
		from = (struct bt_place){ bt_value(l, x), 0, x->type.region };
	else
		from = bt_locate(l, x);
	ir_store(&l->b, 8, tmp, 0, bt_num(l, 0));
	bt_read_bytes(l, tmp, 0, from, 6);
	return ir_load(&l->b, 64, 8, false, tmp, 0);
}

static struct ir_ins *clock(struct bt_lower *l, struct bt_expr *e)
{
	u32 helper = !e->n_args || e->value == 0 ? H_BOOT_NS
		     : e->value == 1		 ? H_KTIME_NS
						 : H_TAI_NS;

	return bt_call(l, helper, NULL, 0);
}

static struct ir_ins *has_key(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_ins *p = bt_lookup(l, e->args[0]->map->obj, bt_key(l, e->args[0]));

	return ir_extend(&l->b, false, 32, 64, bt_op(l, IR_NE, p, 0));
}

static struct ir_ins *call1(struct bt_lower *l, u32 helper, struct bt_expr *x)
{
	struct ir_ins *args[1] = { bt_value(l, x) };

	return bt_call(l, helper, args, 1);
}

static struct ir_ins * override(struct bt_lower *l, struct bt_expr *x)
{
	struct ir_ins *args[2] = { l->ctx, bt_value(l, x) };

	return bt_call(l, H_OVERRIDE, args, 2);
}

/* 0 when equal, as in C; else 1. */
static struct ir_ins *strncmp_value(struct bt_lower *l, struct bt_expr *e)
{
	return bt_op(l, IR_XOR, bt_truth(l, bt_branch_strncmp, e), 1);
}

struct ir_ins *bt_function_value(struct bt_lower *l, struct bt_expr *e)
{
	switch (e->builtin->id) {
	case F_KPTR:
	case F_UPTR:
	case F_KSYM:
	case F_STRERROR:
	case F_SYSCALL_NAME:
	case F_CGROUP_PATH: return bt_value(l, e->args[0]);
	case F_STRFTIME: return bt_value(l, e->args[1]);
	case F_USTACK:
	case F_KSTACK: return bt_stack_number(l, &e->type);
	case F_BSWAP: return byte_swap(l, e);
	case F_MACADDR: return mac_address(l, e);
	case F_REG: return bt_register(l, e);
	case F_NSECS: return clock(l, e);
	case F_HAS_KEY: return has_key(l, e);
	case F_STRNCMP: return strncmp_value(l, e);
	case F_STRCONTAINS: return bt_truth(l, bt_branch_contains, e);
	case F_STRLEN:
	case F_LEN: return bt_strlen_value(l, e->args[0]);
	case F_SIGNAL: return call1(l, H_SIGNAL, e->args[0]);
	case F_SIGNAL_THREAD: return call1(l, H_SIGNAL_THREAD, e->args[0]);
	case F_OVERRIDE: return override(l, e->args[0]);
	default: bt_lower_call(l, e); return bt_num(l, 0);
	}
}
