/* lower: from the typed tree to ir and obj.
 *
 * Each attach point becomes a program of its own with the body of its clause: what the event
 * delivers differs. Maps are declared first, once. Variables are stack slots that hold 0 or "" at
 * the start; pass `promote` makes registers of the numbers.
 *
 * What `elapsed` counts from is a global that a program of skep's own sets before any BEGIN of the
 * script.
 *
 * Temporary memory (keys, values, strings) is shared between statements: no two parts of one
 * statement get the same piece, so order of evaluation does not matter, and the 512 bytes of stack
 * last.
 */
#include <string.h>

#include "btfront/lower.h"

/* More than this in one function cannot fit, however it is laid out. */
enum { TEMPS_MAX = 2 * ISA_STACK_BYTES };

/* ---- small things ---------------------------------------------------------------------------- */

struct ir_ins *bt_num(struct bt_lower *l, s64 v)
{
	return ir_const(&l->b, 64, v);
}

struct ir_ins *bt_op(struct bt_lower *l, enum ir_op op, struct ir_ins *x, s64 imm)
{
	struct ir_ins *y = bt_num(l, imm);

	return ir_op_info(op)->flags & IR_F_CMP ? ir_compare(&l->b, op, x, y)
						: ir_binary(&l->b, op, 64, x, y);
}

struct ir_ins *bt_call(struct bt_lower *l, u32 helper, struct ir_ins *const *args, u32 n)
{
	return ir_call(&l->b, helper, 64, args, n);
}

struct ir_ins *bt_address(struct bt_lower *l, struct ir_ins *base, s64 off)
{
	return off ? bt_op(l, IR_ADD, base, off) : base;
}

void bt_enter(struct bt_lower *l, struct ir_block *b)
{
	if (!ir_ended(&l->b))
		ir_jump(&l->b, b);
	l->b.at = b;
}

struct ir_ins *bt_temp(struct bt_lower *l, u32 bytes)
{
	struct bt_temp *best = NULL;

	for (u32 i = 0; i < l->temps.n; i++) {
		struct bt_temp *t = &l->temps.at[i];

		if (!t->is_taken && t->bytes >= bytes && (!best || t->bytes < best->bytes))
			best = t;
	}
	if (!best && l->temp_bytes > TEMPS_MAX) {
		diag_add(l->dx, l->b.span, E_STACK,
			 "this statement needs more than the %u bytes of stack that a program has",
			 ISA_STACK_BYTES);
		return l->temps.at[0].slot;
	}
	if (!best) {
		l->temp_bytes += bytes;
		best = vec_push(l->a, &l->temps);
		best->slot = ir_slot(&l->b, bytes, 8);
		best->bytes = bytes;
	}
	best->is_taken = true;
	return best->slot;
}

struct ir_ins *bt_join(struct bt_lower *l)
{
	return l->joins.n ? l->joins.at[--l->joins.n] : ir_slot(&l->b, 8, 8);
}

void bt_join_drop(struct bt_lower *l, struct ir_ins *slot)
{
	*vec_push(l->a, &l->joins) = slot;
}

struct ir_ins *bt_joined(struct bt_lower *l, struct ir_ins *slot)
{
	bt_join_drop(l, slot);
	return ir_load(&l->b, 64, 8, false, slot, 0);
}

static void release_temps(struct bt_lower *l)
{
	for (u32 i = 0; i < l->temps.n; i++)
		l->temps.at[i].is_taken = false;
}

/* ---- statements ------------------------------------------------------------------------------ */

static void lower_stmts(struct bt_lower *l, struct bt_stmt *s);

static void assign_var(struct bt_lower *l, struct bt_var *v, struct bt_expr *value)
{
	if (v->type.kind == BT_STRING)
		bt_put_text(l, value, v->slot, 0, v->type.size);
	else
		ir_store(&l->b, 8, v->slot, 0, bt_value(l, value));
}

static void assign_op(struct bt_lower *l, struct bt_stmt *s)
{
	struct bt_expr *t = s->target;
	struct ir_ins *x = bt_value(l, s->value), *key;

	if (t->kind == EX_VAR) {
		x = bt_arith(l, s->op, ir_load(&l->b, 64, 8, false, t->var->slot, 0), x, &t->type,
			     &s->value->type);
		ir_store(&l->b, 8, t->var->slot, 0, x);
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
		assign_var(l, s->target->var, s->value);
	else if (s->value->type.kind == BT_AGG)
		bt_aggregate(l, s->target, s->value);
	else
		bt_assign_map(l, s->target, s->value);
}

static void lower_if(struct bt_lower *l, struct bt_stmt *s)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *end = s->other ? ir_block_new(l->b.fn) : no;

	bt_branch(l, s->value, yes, no);
	release_temps(l);
	l->b.at = yes;
	lower_stmts(l, s->body);
	bt_enter(l, end);
	if (!s->other)
		return;
	l->b.at = no;
	lower_stmts(l, s->other);
	bt_enter(l, end);
}

static void leave(struct bt_lower *l)
{
	ir_ret(&l->b, ir_const(&l->b, 32, 0));
	l->b.at = ir_block_new(l->b.fn);
}

static void lower_stmt(struct bt_lower *l, struct bt_stmt *s)
{
	l->b.span = s->span;
	switch (s->kind) {
	case ST_EXPR: bt_effects(l, s->value); break;
	case ST_ASSIGN: lower_assign(l, s); break;
	case ST_IF: lower_if(l, s); break;
	case ST_BLOCK: lower_stmts(l, s->body); break;
	case ST_RETURN: leave(l); break;
	case ST_NOT_YET:
	case ST_BAD: break;
	}
	release_temps(l);
}

static void lower_stmts(struct bt_lower *l, struct bt_stmt *s)
{
	for (; s; s = s->next)
		lower_stmt(l, s);
}

/* ---- programs ------------------------------------------------------------------------------- */

/* A C identifier out of "tracepoint:raw_syscalls:sys_enter". */
static str program_name(struct bt_lower *l, str attach, u32 serial)
{
	str name = str_printf(l->o->a, STR_FMT "_%u", STR_ARG(attach), serial);
	char *s = str_z(l->o->a, name);

	for (u32 i = 0; i < name.n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9')))
			s[i] = '_';
	return (str){ s, name.n };
}

static str section_of(struct bt_lower *l, const struct probes_point *at)
{
	const char *provider = probes_provider_name(at->provider);

	if (at->provider == PROBES_TRACEPOINT)
		return str_printf(l->o->a, "%s/" STR_FMT "/" STR_FMT, provider, STR_ARG(at->module),
				  STR_ARG(at->name));
	if (!at->name.n)
		return str_of(provider);
	return str_printf(l->o->a, "%s/" STR_FMT, provider, STR_ARG(at->name));
}

static struct ir_fn *declare_program(struct bt_lower *l, const struct probes_point *at,
				     struct span span)
{
	struct obj_prog *op = vec_push(l->o->a, &l->o->progs);
	u32 serial = l->o->progs.n - 1;
	struct sbuf attach;
	struct ir_fn *fn;

	sbuf_init(&attach, l->o->a);
	probes_print(&attach, at);
	op->attach = sbuf_str(&attach);
	op->name = program_name(l, op->attach, serial + 1);
	op->section = section_of(l, at);
	op->func = OBJ_NONE;
	op->span = span;
	probes_types(at, &op->prog_type, &op->attach_type);
	if (op->attach_type != OBJ_NONE)
		op->btf_target = at->name;
	fn = ir_fn_new(l->m, op->name, IR_PROGRAM, 1, 32);
	fn->prog = serial;
	fn->span = span;
	fn->param_region[0] = IR_IN_CTX;
	l->b = (struct ir_builder){ .fn = fn, .at = ir_block_new(fn), .span = span };
	l->temps.n = l->joins.n = l->temp_bytes = 0;
	return fn;
}

static void make_variables(struct bt_lower *l)
{
	for (u32 i = 0; i < l->clause->vars.n; i++) {
		struct bt_var *v = l->clause->vars.at[i];
		bool is_text = v->type.kind == BT_STRING;

		l->b.span = v->span;
		v->slot = ir_slot(&l->b, is_text ? v->type.size : 8, 8);
		if (is_text)
			ir_zero(&l->b, v->slot, 0, v->type.size, 8);
		else
			ir_store(&l->b, 8, v->slot, 0, bt_num(l, 0));
	}
}

static void test_predicate(struct bt_lower *l)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);

	l->b.span = l->clause->pred->span;
	bt_branch(l, l->clause->pred, yes, no);
	release_temps(l);
	l->b.at = no;
	ir_ret(&l->b, ir_const(&l->b, 32, 0));
	l->b.at = yes;
}

static void lower_point(struct bt_lower *l, struct bt_point *p, const struct bt_attachment *at)
{
	struct ir_fn *fn = declare_program(l, &at->binding.at, p->pub.span);

	fn->guarded = at->guarded;
	l->clause = p->clause;
	l->point = p;
	l->binding = &at->binding;
	bt_entry(l);
	if (p->clause->pred)
		test_predicate(l);
	make_variables(l);
	if (p->clause->body)
		lower_stmts(l, p->clause->body->body);
	if (!ir_ended(&l->b))
		ir_ret(&l->b, ir_const(&l->b, 32, 0));
	ir_cfg_build(fn);
}

/* start = now, before anything else of the run. */
static void lower_start(struct bt_lower *l)
{
	struct probes_point begin = { .provider = PROBES_BEGIN };
	struct ir_ins *at;
	struct ir_fn *fn;
	u32 sym;

	l->data = obj_data_section(l->o, OBJ_BSS);
	l->start = obj_data_add(l->o, l->data, STR("skep.start"), NULL, NULL, 8, 8);
	fn = declare_program(l, &begin, l->u->first->span);
	sym = ir_sym(l->m, IR_SYM_DATA, l->o->datas.at[l->data].name, l->data);
	at = ir_symbol(&l->b, sym, l->start);
	ir_store(&l->b, 8, at, 0, bt_call(l, H_BOOT_NS, NULL, 0));
	ir_ret(&l->b, ir_const(&l->b, 32, 0));
	ir_cfg_build(fn);
}

bool bt_lower(struct bt_unit *u, const struct bt_attachment *list, u32 n, struct obj *o,
	      struct ir_module *m)
{
	u32 before = u->o.dx->n_errors;
	struct bt_lower l = { .u = u, .o = o, .m = m, .a = u->o.a, .dx = u->o.dx };

	o->license = STR("GPL");
	bt_declare_maps(&l);
	if (u->uses_elapsed && u->first)
		lower_start(&l);
	for (u32 i = 0; i < n && i < u->points.n; i++)
		lower_point(&l, &u->points.at[i], &list[i]);
	return u->o.dx->n_errors == before;
}
