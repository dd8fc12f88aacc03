/* type: what every variable, map and expression of a script is.
 *
 * A map's key and value have one type in the whole script, a variable's in its clause: the first
 * use that says something fixes the kind (number, string, aggregation), later ones may only widen
 * it. Widening is of three sorts: strings grow to the largest that is put in, a number becomes
 * signed when a signed one comes, and the address space of a pointer is forgotten when two meet.
 * All of them go one way, so typing the script again and again ends; only the last pass reports.
 *
 * Numbers have 64 bits whatever their declared size. A literal that is not negative takes the sign
 * of what it meets; two operands are signed unless both are unsigned. A difference is signed.
 */
#include <stdarg.h>

#include "btfront/ast.h"

enum { MAX_PASSES = 64, MAX_VARS = 1000 };

/* ---- types ---------------------------------------------------------------------------------- */

struct bt_type bt_int(u32 bytes, bool is_signed)
{
	return (struct bt_type){ .kind = BT_INT, .bytes = (u8)bytes, .is_signed = is_signed };
}

struct bt_type bt_string(u32 bytes)
{
	return (struct bt_type){ .kind = BT_STRING, .size = (u32)round_up(bytes ? bytes : 1, 8) };
}

bool bt_is_number(const struct bt_type *t)
{
	return t->kind == BT_INT || t->kind == BT_PTR;
}

const char *bt_show_name(enum obj_show s)
{
	static const char *const names[] = {
		[OBJ_SHOW_COUNT] = "count", [OBJ_SHOW_SUM] = "sum",	[OBJ_SHOW_MIN] = "min",
		[OBJ_SHOW_MAX] = "max",	    [OBJ_SHOW_AVG] = "avg",	[OBJ_SHOW_STATS] = "stats",
		[OBJ_SHOW_HIST] = "hist",   [OBJ_SHOW_LHIST] = "lhist",
	};

	return (u32)s < ARRAY_LEN(names) && names[s] ? names[s] : "value";
}

const char *bt_type_name(const struct bt_type *t)
{
	switch (t->kind) {
	case BT_INT: return t->is_signed || t->is_literal ? "an integer" : "an unsigned integer";
	case BT_PTR: return "a pointer";
	case BT_STRING: return "a string";
	case BT_ARGS: return "the event's arguments";
	case BT_AGG: return bt_show_name((enum obj_show)t->agg);
	case BT_VOID: return "no value";
	default: return "a value of unknown type";
	}
}

/* Signed unless both are unsigned; literals follow the other side. */
bool bt_is_signed_pair(const struct bt_type *a, const struct bt_type *b)
{
	bool a_unsigned = !a->is_signed && !a->is_literal,
	     b_unsigned = !b->is_signed && !b->is_literal;

	if (a->is_literal && b->is_literal)
		return true;
	return !((a_unsigned || a->is_literal) && (b_unsigned || b->is_literal));
}

bool bt_const_value(const struct bt_expr *e, s64 *out)
{
	if (e->kind == EX_INT) {
		*out = (s64)e->value;
		return true;
	}
	if (e->kind == EX_UNARY && e->op == T_SUB && e->a->kind == EX_INT) {
		*out = (s64)(0 - e->a->value);
		return true;
	}
	return false;
}

static bool same_type(const struct bt_type *a, const struct bt_type *b)
{
	return a->kind == b->kind && a->bytes == b->bytes && a->is_signed == b->is_signed &&
	       a->is_literal == b->is_literal && a->region == b->region && a->agg == b->agg &&
	       a->size == b->size;
}

static struct bt_type join_numbers(const struct bt_type *h, const struct bt_type *x)
{
	struct bt_type t = *h;

	if (h->kind == BT_PTR || x->kind == BT_PTR)
		t = h->kind == BT_PTR && (x->kind == BT_PTR || x->is_literal) ? *h
		    : h->is_literal					      ? *x
									      : bt_int(8, false);
	else if (h->is_literal)
		t = *x;
	else
		t.is_signed = bt_is_signed_pair(h, x);
	if (t.kind == BT_INT)
		t.bytes = 8;
	if (h->region != x->region && !x->is_literal && !h->is_literal)
		t.region = IR_IN_ANY;
	return t;
}

bool bt_type_join(struct bt_typer *t, struct bt_type *home, struct bt_type x)
{
	struct bt_type joined = *home;

	if (x.kind == BT_UNKNOWN || x.kind == BT_BAD || home->kind == BT_BAD)
		return true;
	if (home->kind == BT_UNKNOWN) {
		joined = x;
		if (x.kind == BT_INT)
			joined.bytes = 8;
	} else if (bt_is_number(home) && bt_is_number(&x)) {
		joined = join_numbers(home, &x);
	} else if (home->kind == BT_STRING && x.kind == BT_STRING) {
		joined.size = x.size > home->size ? x.size : home->size;
	} else {
		return false;
	}
	t->changed |= !same_type(home, &joined);
	*home = joined;
	return true;
}

/* ---- telling -------------------------------------------------------------------------------- */

/* The expression is poisoned in every pass; the message comes in the last one. */
void bt_error(struct bt_typer *t, struct bt_expr *e, enum diag_tag tag, const char *fmt, ...)
{
	va_list ap;

	e->type = (struct bt_type){ .kind = BT_BAD };
	if (!t->report)
		return;
	va_start(ap, fmt);
	diag_add(t->u->o.dx, e->span, tag, "%s", str_vprintf(t->a, fmt, ap).s);
	va_end(ap);
}

bool bt_wants_hint(const struct bt_typer *t)
{
	return t->report && !t->u->o.dx->dropped;
}

void bt_hint(struct bt_typer *t, const char *fmt, ...)
{
	va_list ap;

	if (!t->report)
		return;
	va_start(ap, fmt);
	diag_hint(t->u->o.dx, "%s", str_vprintf(t->a, fmt, ap).s);
	va_end(ap);
}

/* ---- assignments ----------------------------------------------------------------------------- */

static struct bt_var *make_var(struct bt_typer *t, const struct bt_expr *e, u32 from)
{
	struct bt_var *v = strmap_get(&t->clause->var_names, e->name);

	if (v)
		return v;
	if (t->clause->vars.n == MAX_VARS)
		diag_add(t->u->o.dx, e->span, E_TOO_LARGE, "a probe has at most %u variables",
			 MAX_VARS);
	if (t->clause->vars.n >= MAX_VARS)
		return t->clause->vars.at[0];
	v = arena_new_of(t->a, struct bt_var);
	v->name = e->name;
	v->span = e->span;
	v->from = from;
	*vec_push(t->a, &t->clause->vars) = v;
	strmap_put(t->a, &t->clause->var_names, v->name, v);
	return v;
}

static void mismatch(struct bt_typer *t, struct bt_expr *target, const struct bt_expr *value,
		     str name, const struct bt_type *home, struct span first)
{
	bt_error(t, target, E_BT_TYPE, STR_FMT " is %s, it cannot become %s", STR_ARG(name),
		 bt_type_name(home), bt_type_name(&value->type));
	if (t->report)
		diag_note(t->u->o.dx, first, STR_FMT " was used here first", STR_ARG(name));
}

static bool is_value(struct bt_typer *t, struct bt_expr *e)
{
	if (e->type.kind != BT_VOID && e->type.kind != BT_ARGS)
		return true;
	bt_error(t, e, E_BT_TYPE,
		 e->type.kind == BT_VOID ? "this gives no value"
					 : "args can only be read member by member");
	return false;
}

static void assign_var(struct bt_typer *t, struct bt_stmt *s)
{
	struct bt_expr *e = s->target;
	struct bt_var *v;

	bt_type_expr(t, s->value);
	if (!is_value(t, s->value))
		return;
	if (s->value->type.kind == BT_AGG) {
		bt_error(t, s->value, E_BT_TYPE, "%s() is kept in a map, not in a variable",
			 bt_type_name(&s->value->type));
		return;
	}
	v = e->var = make_var(t, e, s->span.hi);
	if (!bt_type_join(t, &v->type, s->value->type))
		mismatch(t, e, s->value, v->name, &v->type, v->span);
	else
		e->type = v->type;
}

static void assign_map(struct bt_typer *t, struct bt_stmt *s)
{
	struct bt_expr *e = s->target;
	struct bt_map *m = e->map;

	bt_type_expr(t, s->value);
	bt_type_map_key(t, e);
	if (!is_value(t, s->value))
		return;
	if (s->value->type.kind == BT_AGG) {
		bt_type_aggregation(t, e, s->value);
		return;
	}
	if (m->value.kind == BT_AGG || !bt_type_join(t, &m->value, s->value->type))
		mismatch(t, e, s->value, m->name, &m->value, m->span);
	t->changed |= !m->is_assigned;
	m->is_assigned = true;
	if (m->show == OBJ_SHOW_NONE)
		m->show = OBJ_SHOW_VALUE;
}

/* $x += e: both sides are numbers, and $x exists. */
static void assign_op(struct bt_typer *t, struct bt_stmt *s)
{
	struct bt_expr *e = s->target;

	if (e->kind == EX_MAP && !e->map->is_assigned) {
		e->map->is_assigned = t->changed = true;
		e->map->show = OBJ_SHOW_VALUE;
		e->map->value = bt_int(8, true);
	}
	bt_type_expr(t, e);
	bt_type_expr(t, s->value);
	if (e->type.kind == BT_BAD || s->value->type.kind == BT_BAD)
		return;
	if (!bt_is_number(&s->value->type))
		bt_error(t, s->value, E_BT_TYPE, "%s= wants a number, this is %s",
			 bt_tok_name(s->op), bt_type_name(&s->value->type));
	else if (e->type.kind != BT_INT)
		bt_error(t, e, E_BT_TYPE, "%s= works on integers, this is %s", bt_tok_name(s->op),
			 bt_type_name(&e->type));
	else
		bt_type_join(t, e->kind == EX_VAR ? &e->var->type : &e->map->value,
			     s->op == T_SUB ? bt_int(8, true) : s->value->type);
}

/* ---- statements ------------------------------------------------------------------------------ */

static void type_stmts(struct bt_typer *t, struct bt_stmt *s);

static void not_yet(struct bt_typer *t, struct span at, str what)
{
	if (t->report)
		diag_add(t->u->o.dx, at, E_BT_NOT_YET, STR_FMT " is not compiled yet",
			 STR_ARG(what));
}

static void type_condition(struct bt_typer *t, struct bt_expr *e)
{
	bt_type_expr(t, e);
	if (e->type.kind != BT_BAD && e->type.kind != BT_UNKNOWN && !bt_is_number(&e->type))
		bt_error(t, e, E_BT_TYPE, "a condition is a number, this is %s",
			 bt_type_name(&e->type));
}

static void type_alone(struct bt_typer *t, struct bt_expr *e)
{
	const char *name;

	bt_type_expr(t, e);
	if (e->type.kind != BT_AGG)
		return;
	name = bt_type_name(&e->type);
	bt_error(t, e, E_BT_CALL, "%s() must be assigned to a map", name);
	bt_hint(t, "for example @x = %s(%s)", name, e->n_args ? "…" : "");
}

static void type_stmt(struct bt_typer *t, struct bt_stmt *s)
{
	switch (s->kind) {
	case ST_EXPR: type_alone(t, s->value); break;
	case ST_ASSIGN:
		if (s->target->kind == EX_NOT_YET)
			bt_type_expr(t, s->target);
		else if (s->op != T_SET)
			assign_op(t, s);
		else if (s->target->kind == EX_VAR)
			assign_var(t, s);
		else
			assign_map(t, s);
		break;
	case ST_IF:
		type_condition(t, s->value);
		type_stmts(t, s->body);
		type_stmts(t, s->other);
		break;
	case ST_BLOCK: type_stmts(t, s->body); break;
	case ST_NOT_YET: not_yet(t, s->span, s->what); break;
	case ST_RETURN:
	case ST_BAD: break;
	}
}

static void type_stmts(struct bt_typer *t, struct bt_stmt *s)
{
	for (; s; s = s->next)
		type_stmt(t, s);
}

static void type_pass(struct bt_typer *t)
{
	for (struct bt_clause *c = t->u->first; c; c = c->next) {
		t->clause = c;
		if (c->pred)
			type_condition(t, c->pred);
		type_stmts(t, c->body);
	}
}

/* A map that is made of itself alone (@x = @x + 1) is a number. */
static bool settle_rest(struct bt_unit *u)
{
	bool any = false;

	for (u32 i = 0; i < u->maps.n; i++) {
		struct bt_map *m = u->maps.at[i];

		if (!m->is_assigned || m->value.kind != BT_UNKNOWN)
			continue;
		m->value = bt_int(8, true);
		any = true;
	}
	return any;
}

bool bt_type_unit(struct bt_unit *u)
{
	struct bt_typer t = { .u = u, .a = u->o.a };
	u32 before = u->o.dx->n_errors, passes = 0;

	do {
		t.changed = false;
		type_pass(&t);
	} while ((t.changed || settle_rest(u)) && ++passes < MAX_PASSES);
	if (passes == MAX_PASSES)
		diag_add(
			u->o.dx, u->first->span, E_TOO_LARGE,
			"the types of the script's maps depend on each other in more than %u steps",
			MAX_PASSES);
	t.report = true;
	type_pass(&t);
	return u->o.dx->n_errors == before;
}
