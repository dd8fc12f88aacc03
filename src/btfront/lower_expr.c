/* lower_expr: numbers and conditions.
 *
 * Every number is a 64-bit value, extended by the type that it has where it comes from. Comparison,
 * division and remainder are signed unless both operands are unsigned; `>>` is logical, as in
 * bpftrace. bpftrace divides unsigned always and calls negative operands undefined; here they give
 * what C gives.
 *
 * && || ! and comparisons in conditions become branches; as values they go through a slot that pass
 * `promote` turns into a phi.
 */
#include "btfront/lower.h"

static struct ir_ins *widen(struct bt_lower *l, struct ir_ins *truth)
{
	return ir_extend(&l->b, false, 32, 64, truth);
}

/* ---- operators ------------------------------------------------------------------------------ */

struct ir_ins *bt_arith(struct bt_lower *l, enum bt_tok_kind op, struct ir_ins *x, struct ir_ins *y,
			const struct bt_type *xt, const struct bt_type *yt)
{
	bool is_signed = bt_is_signed_pair(xt, yt);
	enum ir_op ir;

	switch (op) {
	case T_ADD: ir = IR_ADD; break;
	case T_SUB: ir = IR_SUB; break;
	case T_MUL: ir = IR_MUL; break;
	case T_DIV: ir = is_signed ? IR_SDIV : IR_UDIV; break;
	case T_MOD: ir = is_signed ? IR_SMOD : IR_UMOD; break;
	case T_SHL: ir = IR_SHL; break;
	case T_SHR: ir = IR_LSHR; break;
	case T_AND: ir = IR_AND; break;
	case T_OR: ir = IR_OR; break;
	default: ir = IR_XOR; break;
	}
	return ir_binary(&l->b, ir, 64, x, y);
}

static bool comparison(enum bt_tok_kind op, bool is_signed, enum ir_op *out)
{
	switch (op) {
	case T_EQ: *out = IR_EQ; return true;
	case T_NE: *out = IR_NE; return true;
	case T_LT: *out = is_signed ? IR_SLT : IR_ULT; return true;
	case T_LE: *out = is_signed ? IR_SLE : IR_ULE; return true;
	case T_GT: *out = is_signed ? IR_SGT : IR_UGT; return true;
	case T_GE: *out = is_signed ? IR_SGE : IR_UGE; return true;
	default: return false;
	}
}

static bool is_text_comparison(const struct bt_expr *e)
{
	return e->kind == EX_BINARY && e->a->type.kind == BT_STRING;
}

/* A truth value by way of branches. */
static struct ir_ins *truth_of(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l);

	bt_branch(l, e, yes, no);
	l->b.at = yes;
	ir_store(&l->b, 8, slot, 0, bt_num(l, 1));
	ir_jump(&l->b, end);
	l->b.at = no;
	ir_store(&l->b, 8, slot, 0, bt_num(l, 0));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

static struct ir_ins *binary(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_ins *x, *y;
	enum ir_op cmp;

	if (e->op == T_ANDAND || e->op == T_OROR || is_text_comparison(e))
		return truth_of(l, e);
	x = bt_value(l, e->a);
	y = bt_value(l, e->b);
	if (comparison(e->op, bt_is_signed_pair(&e->a->type, &e->b->type), &cmp))
		return widen(l, ir_compare(&l->b, cmp, x, y));
	return bt_arith(l, e->op, x, y, &e->a->type, &e->b->type);
}

static struct ir_ins *unary(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_ins *x = bt_value(l, e->a);

	if (e->op == T_SUB)
		return ir_unary(&l->b, IR_NEG, 64, x);
	if (e->op == T_TILDE)
		return bt_op(l, IR_XOR, x, -1);
	return widen(l, bt_op(l, IR_EQ, x, 0));
}

/* Both arms may be without a value. */
static struct ir_ins *choice(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	bool is_void = e->type.kind == BT_VOID;
	struct ir_ins *slot = is_void ? NULL : bt_join(l);

	bt_branch(l, e->a, yes, no);
	for (u32 i = 0; i < 2; i++) {
		struct bt_expr *arm = i ? e->c : e->b;

		l->b.at = i ? no : yes;
		if (is_void)
			bt_effects(l, arm);
		else
			ir_store(&l->b, 8, slot, 0, bt_value(l, arm));
		ir_jump(&l->b, end);
	}
	l->b.at = end;
	return is_void ? bt_num(l, 0) : bt_joined(l, slot);
}

static struct ir_ins *cast(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_ins *x = bt_value(l, e->a);

	if (e->to.kind != BT_INT || e->to.bytes >= 8)
		return x;
	return ir_extend(&l->b, e->to.is_signed, e->to.bytes * 8, 64, x);
}

/* `is_used`: somebody wants the value. A map's is then read before the addition, not together with
 * it. */
static struct ir_ins *incdec(struct bt_lower *l, struct bt_expr *e, bool is_used)
{
	struct ir_ins *one = bt_num(l, e->op == T_INC ? 1 : -1), *old = NULL, *now = NULL;
	struct bt_expr *p = e->a;

	if (p->kind == EX_VAR) {
		old = ir_load(&l->b, 64, 8, false, p->var->slot, 0);
		now = ir_binary(&l->b, IR_ADD, 64, old, one);
		ir_store(&l->b, 8, p->var->slot, 0, now);
	} else {
		struct ir_ins *key = bt_key(l, p);

		if (is_used) {
			old = bt_read_number(l, p->map->obj, key);
			now = ir_binary(&l->b, IR_ADD, 64, old, one);
		}
		bt_add_words(l, p->map->obj, key, &one, 1);
	}
	return e->is_post ? old : now;
}

/* ---- builtins ------------------------------------------------------------------------------- */

static struct ir_ins *call0(struct bt_lower *l, u32 helper)
{
	return bt_call(l, helper, NULL, 0);
}

static struct ir_ins *upper(struct bt_lower *l, struct ir_ins *x)
{
	return bt_op(l, IR_LSHR, x, 32);
}

static struct ir_ins *lower(struct bt_lower *l, struct ir_ins *x)
{
	return ir_extend(&l->b, false, 32, 64, x);
}

/* start ? now - start : 0; an event may come before the program that sets it has run. */
static struct ir_ins *elapsed(struct bt_lower *l)
{
	struct ir_block *some = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	u32 sym = ir_sym(l->m, IR_SYM_DATA, l->o->datas.at[l->data].name, l->data);
	struct ir_ins *slot = bt_join(l);
	struct ir_ins *start = ir_load(&l->b, 64, 8, false, ir_symbol(&l->b, sym, l->start), 0);

	ir_store(&l->b, 8, slot, 0, bt_num(l, 0));
	ir_if(&l->b, start, some, end);
	l->b.at = some;
	ir_store(&l->b, 8, slot, 0, ir_binary(&l->b, IR_SUB, 64, call0(l, H_BOOT_NS), start));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

static struct ir_ins *builtin(struct bt_lower *l, struct bt_expr *e)
{
	int n = bt_arg_number(e->name);

	if (!e->builtin)
		return n >= 0 ? bt_argument(l, (u32)n, e->span) : bt_num(l, 0);
	switch (e->builtin->id) {
	case N_PID: return upper(l, call0(l, H_PID_TGID));
	case N_TID: return lower(l, call0(l, H_PID_TGID));
	case N_UID: return lower(l, call0(l, H_UID_GID));
	case N_GID: return upper(l, call0(l, H_UID_GID));
	case N_CPU: return call0(l, H_CPU);
	case N_NUMA: return call0(l, H_NUMA);
	case N_NSECS: return call0(l, H_BOOT_NS);
	case N_ELAPSED: return elapsed(l);
	case N_RAND: return lower(l, call0(l, H_PRANDOM));
	case N_CGROUP: return call0(l, H_CGROUP_ID);
	case N_CURTASK: return call0(l, H_TASK);
	case N_CTX: return l->ctx;
	case N_RETVAL: return bt_result(l, e->span);
	default: return bt_num(l, 0);
	}
}

/* ---- values --------------------------------------------------------------------------------- */

static struct ir_ins *function(struct bt_lower *l, struct bt_expr *e)
{
	if (e->builtin->id == F_KPTR || e->builtin->id == F_UPTR)
		return bt_value(l, e->args[0]);
	bt_lower_call(l, e);
	return bt_num(l, 0);
}

struct ir_ins *bt_value(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_member m;

	switch (e->kind) {
	case EX_INT: return bt_num(l, (s64)e->value);
	case EX_VAR: return ir_load(&l->b, 64, 8, false, e->var->slot, 0);
	case EX_MAP: return bt_read_number(l, e->map->obj, bt_key(l, e));
	case EX_NAME: return builtin(l, e);
	case EX_CALL: return function(l, e);
	case EX_UNARY: return unary(l, e);
	case EX_BINARY: return binary(l, e);
	case EX_COND: return choice(l, e);
	case EX_CAST: return cast(l, e);
	case EX_INCDEC: return incdec(l, e, true);
	case EX_FIELD: return bt_event_member(l, e, &m);
	default: return bt_num(l, 0);
	}
}

void bt_effects(struct bt_lower *l, struct bt_expr *e)
{
	if (e->kind == EX_INCDEC)
		incdec(l, e, false);
	else if (e->type.kind == BT_STRING)
		bt_text_at(l, e);
	else
		bt_value(l, e);
}

/* ---- conditions ----------------------------------------------------------------------------- */

static void branch_logic(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes,
			 struct ir_block *no)
{
	struct ir_block *second = ir_block_new(l->b.fn);

	if (e->op == T_ANDAND)
		bt_branch(l, e->a, second, no);
	else
		bt_branch(l, e->a, yes, second);
	l->b.at = second;
	bt_branch(l, e->b, yes, no);
}

static void branch_binary(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes,
			  struct ir_block *no)
{
	struct ir_ins *x, *y;
	enum ir_op cmp;

	if (e->op == T_ANDAND || e->op == T_OROR) {
		branch_logic(l, e, yes, no);
	} else if (is_text_comparison(e)) {
		bt_branch_text(l, e->a, e->b, e->op == T_EQ ? yes : no, e->op == T_EQ ? no : yes);
	} else if (comparison(e->op, bt_is_signed_pair(&e->a->type, &e->b->type), &cmp)) {
		x = bt_value(l, e->a);
		y = bt_value(l, e->b);
		ir_if(&l->b, ir_compare(&l->b, cmp, x, y), yes, no);
	} else {
		ir_if(&l->b, bt_value(l, e), yes, no);
	}
}

void bt_branch(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes, struct ir_block *no)
{
	if (e->kind == EX_UNARY && e->op == T_NOT)
		bt_branch(l, e->a, no, yes);
	else if (e->kind == EX_BINARY)
		branch_binary(l, e, yes, no);
	else
		ir_if(&l->b, bt_value(l, e), yes, no);
}
