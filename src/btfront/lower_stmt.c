/* lower_stmt: statements and loops.
 *
 * while and ranges are loops of the program's own, which the kernel's verifier follows round by
 * round:
 *
 *	for (i = a; i < b; i++) …       both ends are computed once
 *
 * A range whose length is not a small constant is walked with an iterator of the kernel instead
 * (bpf_iter_num_*, Linux 6.4), whose body the verifier reads once:
 *
 *	bpf_iter_num_new(&it, 0, b - a);
 *	while ((p = bpf_iter_num_next(&it))) { $i = a + *p; … }
 *	bpf_iter_num_destroy(&it);
 *
 * A loop over a map is a function that bpf_for_each_map_elem() calls back; what it shares with its
 * surroundings lies in the frame, whose address it gets.
 */
#include "btfront/lower.h"

enum { SMALL_RANGE = 64 };

/* ---- assignments ----------------------------------------------------------------------------- */

static void assign_var(struct bt_lower *l, struct bt_stmt *s)
{
	struct bt_var *v = s->target->var;
	struct bt_place p;
	struct ir_ins *x;

	if (v->depth && !v->is_shared && v->fn != l->b.fn)
		bt_make_var(l, v);
	if (bt_is_scalar(&v->type)) {
		x = bt_value(l, s->value);
		p = bt_var_place(l, v);
		ir_store(&l->b, 8, p.base, p.off, x);
		return;
	}
	p = bt_var_place(l, v);
	bt_put(l, s->value, &v->type, p.base, p.off, false);
}

static void assign_op(struct bt_lower *l, struct bt_stmt *s)
{
	struct bt_expr *t = s->target;
	struct ir_ins *x = bt_value(l, s->value), *key;

	if (t->kind == EX_VAR) {
		struct bt_place p = bt_var_place(l, t->var);

		x = bt_arith(l, s->op, ir_load(&l->b, 64, 8, false, p.base, p.off), x, &t->type,
			     &s->value->type);
		ir_store(&l->b, 8, p.base, p.off, x);
		return;
	}
	key = bt_key(l, t);
	if (s->op == T_ADD || s->op == T_SUB) {
		if (s->op == T_SUB)
			x = ir_unary(&l->b, IR_NEG, 64, x);
		bt_add_words(l, t->map->obj, key, &x, 1);
		return;
	}
	x = bt_arith(l, s->op, bt_read_number(l, t->map->obj, key), x, &t->type, &s->value->type);
	bt_write_number(l, t->map->obj, key, x);
}

static void lower_assign(struct bt_lower *l, struct bt_stmt *s)
{
	if (s->op != T_SET)
		assign_op(l, s);
	else if (s->target->kind == EX_VAR)
		assign_var(l, s);
	else if (s->value->type.kind == BT_AGG)
		bt_aggregate(l, s->target, s->value);
	else
		bt_assign_map(l, s->target, s->value);
}

static void lower_let(struct bt_lower *l, struct bt_stmt *s)
{
	if (s->target->var && s->target->var->type.kind != BT_UNKNOWN)
		bt_make_var(l, s->target->var);
}

/* ---- branches and loops ---------------------------------------------------------------------- */

static void lower_if(struct bt_lower *l, struct bt_stmt *s)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *end = s->other ? ir_block_new(l->b.fn) : no;

	bt_branch(l, s->value, yes, no);
	bt_release_temps(l);
	l->b.at = yes;
	bt_lower_stmts(l, s->body);
	bt_enter(l, end);
	if (!s->other)
		return;
	l->b.at = no;
	bt_lower_stmts(l, s->other);
	bt_enter(l, end);
}

static void lower_body(struct bt_lower *l, struct bt_stmt *body, struct ir_block *again,
		       struct ir_block *end)
{
	struct bt_loop loop = { .up = l->loop, .again = again, .end = end };

	l->loop = &loop;
	bt_lower_stmts(l, body);
	l->loop = loop.up;
}

static void lower_while(struct bt_lower *l, struct bt_stmt *s)
{
	struct ir_block *head = ir_block_new(l->b.fn), *body = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);

	bt_enter(l, head);
	bt_branch(l, s->value, body, end);
	bt_release_temps(l);
	l->b.at = body;
	lower_body(l, s->body, head, end);
	if (!ir_ended(&l->b))
		ir_jump(&l->b, head);
	ir_block_move_last(end);
	l->b.at = end;
}

static void lower_unroll(struct bt_lower *l, struct bt_stmt *s)
{
	s64 n = 0;

	bt_const_value(s->value, &n);
	while (n-- > 0)
		bt_lower_stmts(l, s->body);
}

static void set_scalar(struct bt_lower *l, struct bt_var *v, struct ir_ins *x)
{
	struct bt_place p;

	if (v->depth && !v->is_shared && v->fn != l->b.fn)
		bt_make_var(l, v);
	p = bt_var_place(l, v);
	ir_store(&l->b, 8, p.base, p.off, x);
}

/* for (at = from; at < end; at++) { $i = at; … } */
static void range_by_hand(struct bt_lower *l, struct bt_stmt *s, struct ir_ins *from,
			  struct ir_ins *to)
{
	struct ir_block *head = ir_block_new(l->b.fn), *body = ir_block_new(l->b.fn);
	struct ir_block *next = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *at = ir_slot(&l->b, 8, 8), *limit = ir_slot(&l->b, 8, 8), *x, *y;

	ir_store(&l->b, 8, at, 0, from);
	ir_store(&l->b, 8, limit, 0, to);
	bt_enter(l, head);
	x = ir_load(&l->b, 64, 8, false, at, 0);
	y = ir_load(&l->b, 64, 8, false, limit, 0);
	ir_if(&l->b, ir_compare(&l->b, IR_SLT, x, y), body, end);
	l->b.at = body;
	set_scalar(l, s->target->var, x);
	lower_body(l, s->body, next, end);
	bt_enter(l, next);
	ir_block_move_last(next);
	x = ir_load(&l->b, 64, 8, false, at, 0);
	ir_store(&l->b, 8, at, 0, bt_op(l, IR_ADD, x, 1));
	ir_jump(&l->b, head);
	ir_block_move_last(end);
	l->b.at = end;
}

static struct ir_ins *kfunc(struct bt_lower *l, const char *name, u8 width,
			    struct ir_ins *const *args, u32 n)
{
	u32 sym = ir_sym(l->m, IR_SYM_KFUNC, str_of(name), 0);

	return ir_call_sym(&l->b, IR_CALL_KFUNC, sym, width, args, n);
}

static void range_by_iterator(struct bt_lower *l, struct bt_stmt *s, struct ir_ins *from,
			      struct ir_ins *to)
{
	struct ir_block *head = ir_block_new(l->b.fn), *body = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *it = ir_slot(&l->b, 8, 8), *start = ir_slot(&l->b, 8, 8), *args[3], *p, *x;

	ir_store(&l->b, 8, start, 0, from);
	args[0] = it;
	args[1] = ir_const(&l->b, 32, 0);
	args[2] = ir_trunc(&l->b, ir_binary(&l->b, IR_SUB, 64, to, from));
	kfunc(l, "bpf_iter_num_new", 64, args, 3);
	bt_enter(l, head);
	p = kfunc(l, "bpf_iter_num_next", 64, &it, 1);
	p->region = IR_IN_VALUE;
	ir_if(&l->b, p, body, end);
	l->b.at = body;
	x = ir_load(&l->b, 64, 4, true, p, 0);
	x = ir_binary(&l->b, IR_ADD, 64, x, ir_load(&l->b, 64, 8, false, start, 0));
	set_scalar(l, s->target->var, x);
	lower_body(l, s->body, head, end);
	if (!ir_ended(&l->b))
		ir_jump(&l->b, head);
	ir_block_move_last(end);
	l->b.at = end;
	kfunc(l, "bpf_iter_num_destroy", 0, &it, 1);
}

static bool is_small(const struct bt_stmt *s)
{
	s64 from, to;

	return bt_const_value(s->value, &from) && bt_const_value(s->until, &to) &&
	       to - from <= SMALL_RANGE;
}

static bool has_iterators(const struct bt_lower *l)
{
	struct probes_machine *m = l->u->o.machine;

	return m && probes_kernel_version(m) >= (6u << 16 | 4 << 8);
}

static void lower_range(struct bt_lower *l, struct bt_stmt *s)
{
	struct ir_ins *from = bt_value(l, s->value), *to = bt_value(l, s->until);

	bt_release_temps(l);
	if (is_small(s) || !has_iterators(l))
		range_by_hand(l, s, from, to);
	else
		range_by_iterator(l, s, from, to);
}

/* long loop(map, key, value, frame) { $kv = (*key, *value); …; return 0; } */
static struct ir_fn *map_callback(struct bt_lower *l, struct bt_stmt *s)
{
	struct bt_map *m = s->value->map;
	struct bt_var *v = s->target->var;
	struct ir_ins *key, *value, *frame;
	struct ir_block *prelude;
	struct bt_outer saved;
	struct bt_place p;
	struct ir_fn *fn = bt_begin_callback(l, &saved, 4);

	fn->param_region[1] = fn->param_region[2] = IR_IN_VALUE;
	fn->param_region[3] = IR_IN_STACK;
	key = ir_param(&l->b, 1, 64);
	value = ir_param(&l->b, 2, 64);
	frame = ir_param(&l->b, 3, 64);
	l->frame = frame;
	prelude = bt_open_prelude(l);
	bt_make_var(l, v);
	p = bt_var_place(l, v);
	bt_copy(l, p.base, p.off, key, 0, bt_size(&m->key));
	if (m->value.kind == BT_AGG)
		ir_store(&l->b, 8, p.base, p.off + bt_size(&m->key), bt_read_aggregate(l, m, key));
	else
		bt_copy(l, p.base, p.off + bt_size(&m->key), value, 0, bt_size(&m->value));
	lower_body(l, s->body, NULL, NULL);
	if (!ir_ended(&l->b))
		ir_ret(&l->b, bt_num(l, 0));
	bt_close_prelude(l, prelude, l->scratch != NULL);
	bt_end_callback(l, &saved);
	return fn;
}

static void lower_for_map(struct bt_lower *l, struct bt_stmt *s)
{
	struct ir_fn *fn = map_callback(l, s);
	struct ir_ins *args[4];

	args[0] = bt_map_address(l, s->value->map->obj);
	args[1] = ir_symbol(&l->b, ir_sym(l->m, IR_SYM_FN, fn->name, OBJ_NONE), 0);
	args[2] = l->frame ? l->frame : bt_num(l, 0);
	args[3] = bt_num(l, 0);
	for (u32 i = 0; i < l->m->fns.n; i++)
		if (l->m->fns.at[i] == fn)
			l->m->syms.at[args[1]->sym].index = i;
	bt_call(l, H_FOR_EACH, args, 4);
}

/* ---- jumps ---------------------------------------------------------------------------------- */

static void lower_jump(struct bt_lower *l, bool is_break)
{
	struct ir_block *to = is_break ? l->loop->end : l->loop->again;

	if (to)
		ir_jump(&l->b, to);
	else
		ir_ret(&l->b, bt_num(l, is_break));
	l->b.at = ir_block_new(l->b.fn);
}

static void lower_return(struct bt_lower *l, struct bt_stmt *s)
{
	if (l->in_callback) {
		diag_add(l->dx, s->span, E_BT_NOT_YET,
			 "return inside a loop over a map is not compiled yet");
		return;
	}
	if (s->value)
		bt_effects(l, s->value);
	bt_leave(l);
}

static void lower_stmt(struct bt_lower *l, struct bt_stmt *s)
{
	l->b.span = s->span;
	switch (s->kind) {
	case ST_EXPR: bt_effects(l, s->value); break;
	case ST_ASSIGN: lower_assign(l, s); break;
	case ST_LET: lower_let(l, s); break;
	case ST_IF: lower_if(l, s); break;
	case ST_BLOCK: bt_lower_stmts(l, s->body); break;
	case ST_RETURN: lower_return(l, s); break;
	case ST_WHILE: lower_while(l, s); break;
	case ST_UNROLL: lower_unroll(l, s); break;
	case ST_FOR_RANGE: lower_range(l, s); break;
	case ST_FOR_MAP: lower_for_map(l, s); break;
	case ST_BREAK: lower_jump(l, true); break;
	case ST_CONTINUE: lower_jump(l, false); break;
	case ST_NOT_YET:
	case ST_BAD: break;
	}
}

/* Temporary memory of the statement around stays taken: blocks may stand for values. */
void bt_lower_stmts(struct bt_lower *l, struct bt_stmt *s)
{
	l->level++;
	for (; s; s = s->next) {
		lower_stmt(l, s);
		bt_release_temps(l);
	}
	l->level--;
}
