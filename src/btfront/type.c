/* type: what every variable, map and expression of a script is.
 *
 * A map's key and value have one type in the whole script, a variable's in its block: the first
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

/* ---- joining -------------------------------------------------------------------------------- */

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
	t.is_bool = h->is_bool && x->is_bool;
	if (t.kind == BT_INT && h->c != x->c)
		t.c = NULL;
	else if (t.kind == BT_PTR && !t.c)
		t.c = h->c ? h->c : x->c;
	return t;
}

static bool join(struct bt_typer *t, struct bt_type *home, const struct bt_type *x);

static bool join_tuples(struct bt_typer *t, struct bt_type *home, const struct bt_type *x)
{
	const struct bt_tuple *a = home->tuple, *b = x->tuple;
	struct bt_type *types;

	if (a->n != b->n || !a->names != !b->names)
		return false;
	types = arena_array_of(t->a, struct bt_type, a->n + 1);
	for (u32 i = 0; i < a->n; i++) {
		types[i] = a->types[i];
		if (a->names && !str_eq(a->names[i], b->names[i]))
			return false;
		if (!join(t, &types[i], &b->types[i]))
			return false;
	}
	*home = bt_tuple_of(t->a, types, a->names, a->n);
	return true;
}

/* In a variable, a key or a value: numbers are 64 bits wide, structs are copies. */
static struct bt_type stored(struct bt_typer *t, const struct bt_type *x)
{
	struct bt_type s = *x;

	if (s.kind == BT_INT)
		s.bytes = 8;
	else if (s.kind == BT_STRUCT || s.kind == BT_ARRAY)
		s.region = IR_IN_STACK;
	if (s.kind == BT_TUPLE) {
		struct bt_type *types = arena_array_of(t->a, struct bt_type, s.tuple->n + 1);

		for (u32 i = 0; i < s.tuple->n; i++)
			types[i] = stored(t, &s.tuple->types[i]);
		s = bt_tuple_of(t->a, types, s.tuple->names, s.tuple->n);
	}
	return s;
}

/* Makes *home hold x as well. */
static bool join(struct bt_typer *t, struct bt_type *home, const struct bt_type *x)
{
	if (x->kind == BT_UNKNOWN || x->kind == BT_BAD || home->kind == BT_BAD)
		return true;
	if (home->kind == BT_UNKNOWN) {
		*home = stored(t, x);
		return true;
	}
	if (bt_is_number(home) && bt_is_number(x)) {
		*home = join_numbers(home, x);
		return true;
	}
	if (home->kind != x->kind)
		return false;
	switch (home->kind) {
	case BT_TUPLE: return join_tuples(t, home, x);
	case BT_STRING:
	case BT_BUFFER: home->size = x->size > home->size ? x->size : home->size; return true;
	case BT_STRUCT:
	case BT_ARRAY: return ty_same(home->c, x->c);
	case BT_KSTACK:
	case BT_USTACK: return home->size == x->size && str_eq(home->extra, x->extra);
	case BT_AGG:
	case BT_ARGS: return false;
	default: return true;
	}
}

bool bt_type_join(struct bt_typer *t, struct bt_type *home, struct bt_type x)
{
	struct bt_type joined = *home;

	if (!join(t, &joined, &x))
		return false;
	t->changed |= !bt_same_type(home, &joined);
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

struct bt_var *bt_find_var(struct bt_typer *t, str name)
{
	for (u32 i = t->scope.n; i-- > 0;)
		if (str_eq(t->scope.at[i]->name, name))
			return t->scope.at[i];
	return NULL;
}

/* Older scripts use a variable behind the block that assigns it: then it belongs to the whole probe,
 * and is one in all blocks. */
struct bt_var *bt_hoist_var(struct bt_typer *t, str name)
{
	struct bt_clause *c = t->clause;
	struct bt_var *v = NULL;
	u32 n = 0;

	for (u32 i = 0; i < c->vars.n; i++) {
		struct bt_var *x = c->vars.at[i];

		if (str_eq(x->name, name) && !x->is_let && (!v || x->depth == v->depth)) {
			v = v ? v : x;
			if (x != v)
				continue;
		}
		c->vars.at[n++] = x;
	}
	c->vars.n = n;
	if (!v)
		return NULL;
	strmap_put(t->a, &c->hoisted, name, v);
	v->type.kind = BT_UNKNOWN;
	t->changed = true;
	return v;
}

/* The variable that this place declares: the same in every pass. */
static struct bt_var *make_var(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_var *v = strmap_get(&t->clause->hoisted, e->name);

	v = v ? (e->var = v) : e->var;
	if (!v && t->clause->vars.n == MAX_VARS)
		diag_add(t->u->o.dx, e->span, E_TOO_LARGE, "a probe has at most %u variables",
			 MAX_VARS);
	if (!v && t->clause->vars.n >= MAX_VARS)
		return t->clause->vars.at[0];
	if (!v) {
		v = e->var = arena_new_of(t->a, struct bt_var);
		v->name = e->name;
		v->span = e->span;
		v->depth = t->loops;
		*vec_push(t->a, &t->clause->vars) = v;
	}
	*vec_push(t->a, &t->scope) = v;
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
	if (e->type.kind == BT_STRUCT && !bt_complete(t->u, e->type.c)) {
		bt_error(t, e, E_BT_TYPE, "the size of this struct is not known");
		return false;
	}
	if (e->type.kind != BT_VOID && e->type.kind != BT_ARGS)
		return true;
	bt_error(t, e, E_BT_TYPE,
		 e->type.kind == BT_VOID ? "this gives no value"
					 : "args can only be read member by member");
	return false;
}

/* A variable of a loop's surroundings that its body, a function of its own, uses too. */
static void share(struct bt_typer *t, struct bt_var *v)
{
	if (!t->loops || v->is_shared || v->depth >= t->loops)
		return;
	v->is_shared = true;
}

struct bt_var *bt_use_var(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_var *v = bt_find_var(t, e->name);

	if (!v)
		v = strmap_get(&t->clause->hoisted, e->name);
	if (v)
		share(t, v);
	return v;
}

static bool settle_declared(struct bt_typer *t, struct bt_expr *e, struct bt_type_name *tn,
			    struct bt_var *v)
{
	struct bt_type want;

	if (!tn || v->is_typed)
		return true;
	if (!bt_named_type(t, e, tn, &want))
		return false;
	v->is_typed = true;
	bt_type_join(t, &v->type, want);
	return true;
}

static struct bt_var *declare_var(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_var *old = bt_find_var(t, e->name);

	if (old) {
		bt_error(t, e, E_BT_NAME, "variable " STR_FMT " is declared twice",
			 STR_ARG(e->name));
		if (t->report)
			diag_note(t->u->o.dx, old->span, "the first time here");
		return NULL;
	}
	old = make_var(t, e);
	old->is_let = true;
	return old;
}

static struct bt_var *target_var(struct bt_typer *t, struct bt_stmt *s)
{
	struct bt_var *v;

	if (s->is_let)
		return declare_var(t, s->target);
	v = bt_use_var(t, s->target);
	if (v && strmap_get(&t->clause->hoisted, v->name) == v && !bt_find_var(t, v->name))
		*vec_push(t->a, &t->scope) = v;
	return v ? (s->target->var = v) : make_var(t, s->target);
}

static void assign_var(struct bt_typer *t, struct bt_stmt *s)
{
	struct bt_expr *e = s->target;
	struct bt_var *v;

	bt_type_expr(t, s->value);
	if (s->value->type.kind == BT_AGG) {
		bt_error(t, s->value, E_BT_TYPE, "%s() is kept in a map, not in a variable",
			 bt_type_name(&s->value->type));
		return;
	}
	if (!is_value(t, s->value))
		return;
	v = target_var(t, s);
	if (!v || !settle_declared(t, e, s->tn, v))
		return;
	if (!v->from)
		v->from = s->span.hi;
	if (!bt_type_join(t, &v->type, s->value->type))
		mismatch(t, e, s->value, v->name, &v->type, v->span);
	else
		e->type = v->type;
}

static void type_let(struct bt_typer *t, struct bt_stmt *s)
{
	struct bt_var *v = declare_var(t, s->target);

	if (v)
		settle_declared(t, s->target, s->tn, v);
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

static void type_condition(struct bt_typer *t, struct bt_expr *e)
{
	bt_type_expr(t, e);
	if (!bt_is_open(e) && !bt_is_number(&e->type))
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

static void type_scope(struct bt_typer *t, struct bt_stmt *s)
{
	u32 visible = t->scope.n;

	bt_type_stmts(t, s);
	if (!t->u->config.is_old)
		t->scope.n = visible;
}

static void type_unroll(struct bt_typer *t, struct bt_stmt *s)
{
	s64 n;

	bt_type_expr(t, s->value);
	if (!bt_const_value(s->value, &n))
		bt_error(t, s->value, E_BT_TYPE, "unroll wants a constant");
	else if (n < 1 || n > 100)
		bt_error(t, s->value, E_BT_TYPE, "unroll goes from 1 to 100 times");
	type_scope(t, s->body);
}

/* The variable of a loop: made anew, visible in the body only. */
static void type_loop_body(struct bt_typer *t, struct bt_stmt *s, struct bt_type x)
{
	u32 visible = t->scope.n;
	struct bt_var *v;

	t->loops += s->kind == ST_FOR_MAP;
	v = declare_var(t, s->target);
	if (v) {
		bt_type_join(t, &v->type, x);
		s->target->type = v->type;
	}
	bt_type_stmts(t, s->body);
	t->loops -= s->kind == ST_FOR_MAP;
	t->scope.n = visible;
}

static void type_for_range(struct bt_typer *t, struct bt_stmt *s)
{
	struct bt_expr *ends[2] = { s->value, s->until };

	for (u32 i = 0; i < 2; i++) {
		bt_type_expr(t, ends[i]);
		if (!bt_is_open(ends[i]) && ends[i]->type.kind != BT_INT)
			bt_error(t, ends[i], E_BT_TYPE, "a range goes over integers, this is %s",
				 bt_type_name(&ends[i]->type));
	}
	type_loop_body(t, s, bt_int(8, true));
}

static void type_for_map(struct bt_typer *t, struct bt_stmt *s)
{
	struct bt_map *m = s->value->map;
	struct bt_type parts[2], pair = { 0 };

	if (!m->is_assigned) {
		bt_error(t, s->value, E_BT_NAME, "nothing is ever assigned to map " STR_FMT,
			 STR_ARG(m->name));
		return;
	}
	if (m->is_known && m->key.kind == BT_VOID) {
		bt_error(t, s->value, E_BT_TYPE, STR_FMT " has no keys to go over",
			 STR_ARG(m->name));
		return;
	}
	if (m->show == OBJ_SHOW_STATS || m->show == OBJ_SHOW_HIST || m->show == OBJ_SHOW_LHIST) {
		bt_error(t, s->value, E_BT_NOT_YET,
			 "a loop over the %s of " STR_FMT " is not compiled yet",
			 bt_show_name(m->show), STR_ARG(m->name));
		return;
	}
	parts[0] = m->key;
	parts[1] = m->value.kind == BT_AGG
			   ? bt_int(8, m->show == OBJ_SHOW_AVG || m->value.is_signed)
			   : m->value;
	if (m->is_known && m->value.kind != BT_UNKNOWN)
		pair = bt_tuple_of(t->a, parts, NULL, 2);
	type_loop_body(t, s, pair);
}

static void type_assign(struct bt_typer *t, struct bt_stmt *s)
{
	if (s->op != T_SET)
		assign_op(t, s);
	else if (s->target->kind == EX_VAR)
		assign_var(t, s);
	else
		assign_map(t, s);
}

static void type_stmt(struct bt_typer *t, struct bt_stmt *s)
{
	switch (s->kind) {
	case ST_EXPR: type_alone(t, s->value); break;
	case ST_ASSIGN: type_assign(t, s); break;
	case ST_LET: type_let(t, s); break;
	case ST_IF:
		type_condition(t, s->value);
		type_scope(t, s->body);
		type_scope(t, s->other);
		break;
	case ST_BLOCK: type_scope(t, s->body); break;
	case ST_WHILE:
		type_condition(t, s->value);
		type_scope(t, s->body);
		break;
	case ST_UNROLL: type_unroll(t, s); break;
	case ST_FOR_RANGE: type_for_range(t, s); break;
	case ST_FOR_MAP: type_for_map(t, s); break;
	case ST_RETURN:
		if (s->value)
			bt_type_expr(t, s->value);
		break;
	case ST_BREAK:
	case ST_CONTINUE:
	case ST_NOT_YET:
	case ST_BAD: break;
	}
}

void bt_type_stmts(struct bt_typer *t, struct bt_stmt *s)
{
	for (; s; s = s->next)
		type_stmt(t, s);
}

static void type_pass(struct bt_typer *t)
{
	for (struct bt_clause *c = t->u->first; c; c = c->next) {
		t->clause = c;
		t->scope.n = t->loops = 0;
		if (c->pred)
			type_condition(t, c->pred);
		if (c->body)
			bt_type_stmts(t, c->body->body);
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
