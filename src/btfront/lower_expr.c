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

static bool is_memory_comparison(const struct bt_expr *e)
{
	return e->kind == EX_BINARY && !bt_is_scalar(&e->a->type);
}

struct ir_ins *bt_truth(struct bt_lower *l,
			void (*branch)(struct bt_lower *l, struct bt_expr *e, struct ir_block *yes,
				       struct ir_block *no),
			struct bt_expr *e)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l);

	branch(l, e, yes, no);
	l->b.at = yes;
	ir_store(&l->b, 8, slot, 0, bt_num(l, 1));
	ir_jump(&l->b, end);
	l->b.at = no;
	ir_store(&l->b, 8, slot, 0, bt_num(l, 0));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

/* How far a pointer moves for each 1: the size of what it points to. */
static u32 step_of(struct bt_lower *l, const struct bt_type *t)
{
	const struct type *to = t->kind == BT_PTR && t->c ? ty_strip(t->c) : NULL;

	if (to && (to->kind == TY_STRUCT || to->kind == TY_UNION))
		to = bt_complete(l->u, to);
	return to && ty_complete(to) && to->size ? (u32)to->size : 1;
}

/* pointer + n counts in objects, as does pointer - pointer. */
static struct ir_ins *pointer_arith(struct bt_lower *l, struct bt_expr *e, struct ir_ins *x,
				    struct ir_ins *y)
{
	bool ap = e->a->type.kind == BT_PTR, bp = e->b->type.kind == BT_PTR;
	u32 step = step_of(l, ap ? &e->a->type : &e->b->type);

	if (ap && bp) {
		x = ir_binary(&l->b, IR_SUB, 64, x, y);
		return step > 1 ? bt_op(l, IR_SDIV, x, step) : x;
	}
	if (step > 1 && ap)
		y = bt_op(l, IR_MUL, y, step);
	else if (step > 1)
		x = bt_op(l, IR_MUL, x, step);
	return ir_binary(&l->b, e->op == T_ADD ? IR_ADD : IR_SUB, 64, x, y);
}

static struct ir_ins *binary(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_ins *x, *y;
	enum ir_op cmp;

	if (e->op == T_ANDAND || e->op == T_OROR || is_memory_comparison(e))
		return bt_truth(l, bt_branch, e);
	x = bt_value(l, e->a);
	y = bt_value(l, e->b);
	if (comparison(e->op, bt_is_signed_pair(&e->a->type, &e->b->type), &cmp))
		return widen(l, ir_compare(&l->b, cmp, x, y));
	if ((e->op == T_ADD || e->op == T_SUB) &&
	    (e->a->type.kind == BT_PTR || e->b->type.kind == BT_PTR))
		return pointer_arith(l, e, x, y);
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

/* a ?: c */
static struct ir_ins *short_choice(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_block *other = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l), *x = bt_value(l, e->a);

	ir_store(&l->b, 8, slot, 0, x);
	ir_if(&l->b, x, end, other);
	l->b.at = other;
	ir_store(&l->b, 8, slot, 0, bt_value(l, e->c));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

/* Both arms may be without a value. */
static struct ir_ins *choice(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *end = ir_block_new(l->b.fn);
	bool is_void = e->type.kind == BT_VOID;
	struct ir_ins *slot;

	if (!e->b)
		return short_choice(l, e);
	slot = is_void ? NULL : bt_join(l);
	bt_branch(l, e->a, yes, no);
	for (u32 i = 0; i < 2; i++) {
		struct bt_expr *arm = i ? e->c : e->b;

		l->b.at = i ? no : yes;
		if (is_void)
			bt_effects(l, arm);
		else
			ir_store(&l->b, 8, slot, 0, bt_value(l, arm));
		bt_enter(l, end);
	}
	l->b.at = end;
	return is_void ? bt_num(l, 0) : bt_joined(l, slot);
}

/* An array as the number that its bytes are, or as its address. */
static struct ir_ins *cast_array(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_place p = bt_locate(l, e->a);

	if (e->type.kind == BT_PTR)
		return bt_address(l, p.base, p.off);
	return bt_read(l, p, e->type.bytes, e->type.is_signed);
}

static struct ir_ins *cast(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_ins *x;

	if (e->a->type.kind == BT_ARRAY)
		return cast_array(l, e);
	x = bt_value(l, e->a);
	if (e->type.is_bool)
		return widen(l, bt_op(l, IR_NE, x, 0));
	if (e->type.kind != BT_INT || e->type.bytes >= 8)
		return x;
	return ir_extend(&l->b, e->type.is_signed, e->type.bytes * 8, 64, x);
}

/* `is_used`: somebody wants the value. A map's is then read before the addition, not together with
 * it. */
static struct ir_ins *incdec(struct bt_lower *l, struct bt_expr *e, bool is_used)
{
	struct ir_ins *one = bt_num(l, e->op == T_INC ? 1 : -1), *old = NULL, *now = NULL;
	struct bt_expr *p = e->a;

	if (p->type.kind == BT_PTR)
		one = bt_num(l, (s64)step_of(l, &p->type) * (e->op == T_INC ? 1 : -1));
	if (p->kind == EX_VAR) {
		struct bt_place at = bt_var_place(l, p->var);

		old = ir_load(&l->b, 64, 8, false, at.base, at.off);
		now = ir_binary(&l->b, IR_ADD, 64, old, one);
		ir_store(&l->b, 8, at.base, at.off, now);
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

/* ---- values --------------------------------------------------------------------------------- */

static struct ir_ins *block(struct bt_lower *l, struct bt_expr *e)
{
	bt_lower_stmts(l, e->body->body);
	if (e->a && !ir_ended(&l->b) && e->a->type.kind != BT_VOID)
		return bt_value(l, e->a);
	if (e->a && !ir_ended(&l->b))
		bt_effects(l, e->a);
	return bt_num(l, 0);
}

static struct ir_ins *variable(struct bt_lower *l, struct bt_var *v)
{
	struct bt_place p = bt_var_place(l, v);

	return ir_load(&l->b, 64, 8, false, p.base, p.off);
}

struct ir_ins *bt_value(struct bt_lower *l, struct bt_expr *e)
{
	switch (e->kind) {
	case EX_INT: return bt_num(l, (s64)e->value);
	case EX_VAR: return variable(l, e->var);
	case EX_MAP:
		if (e->map->value.kind == BT_AGG)
			return bt_read_aggregate(l, e->map, bt_key(l, e));
		return bt_read_number(l, e->map->obj, bt_key(l, e));
	case EX_NAME: return bt_builtin_value(l, e);
	case EX_CALL: return bt_function_value(l, e);
	case EX_UNARY: return unary(l, e);
	case EX_BINARY: return binary(l, e);
	case EX_COND: return choice(l, e);
	case EX_CAST: return cast(l, e);
	case EX_INCDEC: return incdec(l, e, true);
	case EX_FIELD:
	case EX_INDEX:
	case EX_DEREF: return bt_read_member(l, e);
	case EX_BLOCK: return block(l, e);
	default: return bt_num(l, 0);
	}
}

void bt_effects(struct bt_lower *l, struct bt_expr *e)
{
	bool is_void = e->type.kind == BT_VOID;

	if (e->kind == EX_INCDEC)
		incdec(l, e, false);
	else if (bt_is_scalar(&e->type) || (is_void && e->kind != EX_TUPLE))
		bt_value(l, e);
	else if (e->type.kind != BT_STRUCT && e->type.kind != BT_ARRAY && e->type.kind != BT_ARGS &&
		 e->type.kind != BT_AGG)
		bt_memory(l, e);
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
	} else if (is_memory_comparison(e)) {
		bt_branch_same(l, e->a, e->b, e->op == T_EQ ? yes : no, e->op == T_EQ ? no : yes);
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
