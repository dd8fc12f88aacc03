/* type_call: calls of functions, formats, and what a call makes of a map.
 *
 * The table of names.c holds the counts of arguments; what kind each must be is here. A format is
 * read once more when a record is printed (room rt); what rt cannot print is refused here.
 */
#include <string.h>

#include "btfront/ast.h"

enum { LHIST_BUCKETS = 1000, FORMAT_MAX = 4096 };

static struct bt_type of_kind(enum bt_kind k)
{
	return (struct bt_type){ .kind = k };
}

/* The i-th argument must be a number; true if it is known to be one. */
bool bt_want_number(struct bt_typer *t, struct bt_expr *e, u32 i)
{
	struct bt_expr *x = e->args[i];

	bt_type_expr(t, x);
	if (bt_is_open(x) || bt_is_number(&x->type))
		return !bt_is_open(x);
	bt_error(t, x, E_BT_CALL, STR_FMT "() wants a number here, this is %s", STR_ARG(e->name),
		 bt_type_name(&x->type));
	return false;
}

bool bt_want_literal(struct bt_typer *t, struct bt_expr *e, u32 i)
{
	struct bt_expr *x = e->args[i];

	if (x->kind == EX_PARAM)
		bt_type_expr(t, x);
	if (x->kind == EX_STR)
		return true;
	bt_error(t, x, E_BT_CALL, STR_FMT "() wants a string literal here", STR_ARG(e->name));
	return false;
}

/* ---- aggregations ---------------------------------------------------------------------------- */

static enum obj_show show_of(enum bt_name_id f)
{
	switch (f) {
	case F_COUNT: return OBJ_SHOW_COUNT;
	case F_SUM: return OBJ_SHOW_SUM;
	case F_MIN: return OBJ_SHOW_MIN;
	case F_MAX: return OBJ_SHOW_MAX;
	case F_AVG: return OBJ_SHOW_AVG;
	case F_STATS: return OBJ_SHOW_STATS;
	case F_HIST: return OBJ_SHOW_HIST;
	default: return OBJ_SHOW_LHIST;
	}
}

/* hist(n, k): 2^k buckets for each power of two. */
static bool hist_bits(struct bt_typer *t, struct bt_expr *e)
{
	s64 k;

	if (bt_const_value(e->args[1], &k) && k >= 0 && k <= 5)
		return true;
	bt_error(t, e->args[1], E_BT_CALL, "hist() wants a constant from 0 to 5 here");
	return false;
}

static void type_agg(struct bt_typer *t, struct bt_expr *e)
{
	for (u32 i = 0; i < e->n_args; i++)
		bt_want_number(t, e, i);
	if (e->builtin->id == F_HIST && e->n_args == 2 && !hist_bits(t, e))
		return;
	e->type = of_kind(BT_AGG);
	e->type.agg = (u8)show_of(e->builtin->id);
	e->type.is_signed =
		e->n_args && (e->args[0]->type.is_signed || e->args[0]->type.is_literal);
}

/* lhist(n, min, max, step): the last three are constants that make at most LHIST_BUCKETS buckets.
 */
static bool lhist_bounds(struct bt_typer *t, struct bt_expr *e, s64 *out)
{
	s64 width;

	for (u32 i = 1; i < 4; i++) {
		if (bt_const_value(e->args[i], &out[i - 1]))
			continue;
		bt_error(t, e->args[i], E_BT_CALL, "lhist() wants a constant here");
		return false;
	}
	if (out[2] <= 0)
		bt_error(t, e->args[3], E_BT_CALL, "the step of lhist() must be at least 1");
	else if (out[0] >= out[1])
		bt_error(t, e->args[2], E_BT_CALL,
			 "the maximum of lhist() must be above its minimum");
	else if (__builtin_sub_overflow(out[1], out[0], &width) || width / out[2] > LHIST_BUCKETS)
		bt_error(t, e, E_BT_CALL, "lhist() has at most %u buckets", LHIST_BUCKETS);
	else if (width < out[2])
		bt_error(t, e->args[3], E_BT_CALL, "the step of lhist() is larger than its range");
	else
		return true;
	return false;
}

static void other_aggregation(struct bt_typer *t, struct bt_expr *target, const struct bt_map *m,
			      const char *now)
{
	bt_error(t, target, E_BT_TYPE, STR_FMT " is %s elsewhere, it cannot become %s",
		 STR_ARG(m->name), bt_type_name(&m->value), now);
}

void bt_type_aggregation(struct bt_typer *t, struct bt_expr *target, struct bt_expr *call)
{
	struct bt_map *m = target->map;
	enum obj_show show = (enum obj_show)call->type.agg;
	s64 bounds[3] = { 0 };

	if (m->value.kind != BT_UNKNOWN && (m->value.kind != BT_AGG || m->show != show)) {
		other_aggregation(t, target, m, bt_show_name(show));
		return;
	}
	if (show == OBJ_SHOW_LHIST && !lhist_bounds(t, call, bounds))
		return;
	if (show == OBJ_SHOW_HIST && call->n_args == 2)
		bt_const_value(call->args[1], &bounds[0]);
	if (m->is_declared && m->kind != ISA_MAP_PERCPU_HASH) {
		bt_error(t, target, E_BT_TYPE,
			 STR_FMT " is declared as another kind of map: aggregations are kept in a "
				 "percpuhash",
			 STR_ARG(m->name));
		return;
	}
	if (m->value.kind == BT_UNKNOWN) {
		m->value = call->type;
		m->show = show;
		m->is_assigned = t->changed = true;
		memcpy(m->lhist, bounds, sizeof(bounds));
	}
	if (memcmp(m->lhist, bounds, sizeof(bounds)) != 0)
		bt_error(t, call, E_BT_TYPE, STR_FMT " has another range elsewhere",
			 STR_ARG(m->name));
	if (call->type.is_signed && !m->value.is_signed)
		m->value.is_signed = t->changed = true;
}

/* ---- maps as arguments ----------------------------------------------------------------------- */

static bool want_map(struct bt_typer *t, struct bt_expr *e, bool with_key)
{
	struct bt_expr *x = e->args[0];

	if (x->kind != EX_MAP) {
		bt_type_expr(t, x);
		bt_error(t, x, E_BT_CALL, STR_FMT "() wants a map here", STR_ARG(e->name));
		return false;
	}
	if (with_key) {
		bt_type_map_key(t, x);
	} else if (x->a) {
		bt_error(t, x, E_BT_CALL, STR_FMT "() wants the whole map, without a key",
			 STR_ARG(e->name));
		return false;
	}
	if (!x->map->is_assigned) {
		bt_error(t, x, E_BT_NAME, "nothing is ever assigned to map " STR_FMT,
			 STR_ARG(x->name));
		return false;
	}
	return true;
}

/* delete(@m[k]), delete(@m, k), delete(@x) */
static void type_delete(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];

	if (e->n_args == 2 && x->kind == EX_MAP && !x->a) {
		x->a = e->args[1];
		e->n_args = 1;
	} else if (e->n_args == 2) {
		bt_error(t, e, E_BT_CALL, "delete() takes one entry: delete(@m, key)");
		return;
	}
	if (want_map(t, e, true) &&
	    (x->map->show == OBJ_SHOW_HIST || x->map->show == OBJ_SHOW_LHIST))
		bt_error(t, e, E_BT_NOT_YET,
			 "deleting one entry of a histogram is not compiled yet");
}

/* has_key(@m, k) */
static void type_has_key(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];

	if (x->kind == EX_MAP && !x->a)
		x->a = e->args[1];
	if (!want_map(t, e, true))
		return;
	if (x->map->show == OBJ_SHOW_HIST || x->map->show == OBJ_SHOW_LHIST)
		bt_error(t, e, E_BT_NOT_YET, "has_key() of a histogram is not compiled yet");
	else if (bt_is_open(x->a))
		e->type = x->a->type;
	else
		e->type = bt_bool(t->u);
}

/* print(@m), print(@m, top), print(@m, top, div) */
static void type_print_map(struct bt_typer *t, struct bt_expr *e)
{
	s64 n;

	if (!want_map(t, e, false))
		return;
	for (u32 i = 1; i < e->n_args; i++) {
		if (e->args[i]->kind == EX_PARAM)
			bt_type_expr(t, e->args[i]);
		if (!bt_const_value(e->args[i], &n) || n < (i == 2) || n > INT32_MAX)
			bt_error(t, e->args[i], E_BT_CALL, "print() wants a constant here");
	}
}

static bool is_printable(const struct bt_type *x)
{
	return bt_is_scalar(x) || (x->kind >= BT_STRING && x->kind <= BT_ARRAY);
}

static void type_print(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];

	if (x->kind == EX_MAP && !x->a) {
		type_print_map(t, e);
		return;
	}
	if (x->kind == EX_MAP && x->map->value.kind == BT_AGG &&
	    (x->map->show == OBJ_SHOW_STATS || x->map->show == OBJ_SHOW_HIST ||
	     x->map->show == OBJ_SHOW_LHIST)) {
		bt_type_map_key(t, x);
		bt_error(t, x, E_BT_NOT_YET,
			 "print() of one entry of the %s in " STR_FMT " is not compiled yet",
			 bt_show_name(x->map->show), STR_ARG(x->name));
		return;
	}
	bt_type_expr(t, x);
	if (e->n_args > 1)
		bt_error(t, e->args[1], E_BT_CALL, "print() of a value takes one argument");
	else if (!bt_is_open(x) && !is_printable(&x->type))
		bt_error(t, x, E_BT_CALL, "print() wants a map or a value, this is %s",
			 bt_type_name(&x->type));
}

/* ---- printf --------------------------------------------------------------------------------- */

struct fault {
	enum diag_tag tag;
	const char *why;
};

/* The conversion behind a '%' at *i: its letter, or 0 with what is wrong. *i ends behind it. */
static char conversion(str f, u32 *i, struct fault *out)
{
	while (*i < f.n && strchr("-+ #0", f.s[*i]) && f.s[*i])
		++*i;
	while (*i < f.n && ((f.s[*i] >= '0' && f.s[*i] <= '9') || f.s[*i] == '.'))
		++*i;
	while (*i < f.n && f.s[*i] && strchr("hljztL", f.s[*i]))
		++*i;
	if (*i >= f.n) {
		*out = (struct fault){ E_BT_CALL, "the format ends within a conversion" };
		return 0;
	}
	if (f.s[*i] == 'r') {
		++*i;
		if (*i < f.n && (f.s[*i] == 'x' || f.s[*i] == 'h'))
			++*i;
		return 'r';
	}
	if (!f.s[*i] || !strchr("diuxXopcs", f.s[*i])) {
		*out = (struct fault){ E_BT_CALL, "bpftrace does not have this conversion" };
		return 0;
	}
	return f.s[(*i)++];
}

static void check_argument(struct bt_typer *t, struct bt_expr *e, u32 k, char c)
{
	struct bt_expr *x = e->args[k];

	if (bt_is_open(x))
		return;
	if (c == 'r' && x->type.kind != BT_BUFFER) {
		bt_error(t, x, E_BT_CALL, "%%r wants a buffer, this is %s", bt_type_name(&x->type));
		bt_hint(t, "buf(address, length) makes one");
	} else if (c != 's' && c != 'r' && !bt_is_scalar(&x->type)) {
		bt_error(t, x, E_BT_CALL, "%%%c wants a number, this is %s", c,
			 bt_type_name(&x->type));
	} else if (c == 's' && x->type.kind == BT_PTR && t->u->config.is_old) {
		bt_error(t, x, E_BT_CALL, "%%s wants a string, this is a pointer");
		bt_hint(t, "read the string that it points to: str(…)");
	}
}

static void check_format(struct bt_typer *t, struct bt_expr *e)
{
	str f = e->args[0]->name;
	struct fault fault = { 0 };
	u32 k = 1;

	for (u32 i = 0; i < f.n && !fault.why;) {
		char c;

		if (f.s[i++] != '%')
			continue;
		if (i < f.n && f.s[i] == '%') {
			i++;
			continue;
		}
		c = conversion(f, &i, &fault);
		if (c && k < e->n_args)
			check_argument(t, e, k, c);
		k++;
	}
	if (fault.why) {
		bt_error(t, e->args[0], fault.tag, "%s", fault.why);
		if (fault.tag == E_BT_CALL)
			bt_hint(t, "a percent sign is written %%%%");
	} else if (k != e->n_args) {
		bt_error(t, e, E_BT_CALL, "the format wants %u argument%s, the call gives %u",
			 k - 1, k == 2 ? "" : "s", e->n_args - 1);
	}
}

static void type_printf(struct bt_typer *t, struct bt_expr *e)
{
	for (u32 i = 1; i < e->n_args; i++) {
		struct bt_expr *x = e->args[i];

		bt_type_expr(t, x);
		if (!bt_is_open(x) && !is_printable(&x->type))
			bt_error(t, x, E_BT_CALL, STR_FMT "() takes values, this is %s",
				 STR_ARG(e->name), bt_type_name(&x->type));
	}
	if (!bt_want_literal(t, e, 0))
		return;
	if (e->args[0]->name.n > FORMAT_MAX)
		bt_error(t, e->args[0], E_TOO_LARGE, "a format has at most %u bytes", FORMAT_MAX);
	else
		check_format(t, e);
}

/* ---- the others ------------------------------------------------------------------------------ */

static void unknown_function(struct bt_typer *t, struct bt_expr *e)
{
	struct nearest near;

	for (u32 i = 0; i < e->n_args; i++)
		bt_type_expr(t, e->args[i]);
	bt_error(t, e, E_BT_NAME, "there is no function '" STR_FMT "'", STR_ARG(e->name));
	if (!bt_wants_hint(t))
		return;
	nearest_init(&near, e->name);
	bt_offer_functions(&near);
	if (near.best.n)
		bt_hint(t, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
}

static bool check_count(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_name *f = e->builtin;

	if (e->n_args >= f->min && e->n_args <= f->max)
		return true;
	for (u32 i = 0; i < e->n_args; i++)
		bt_type_expr(t, e->args[i]);
	if (f->min == f->max)
		bt_error(t, e, E_BT_CALL, "%s() takes %u argument%s, here it has %u", f->name,
			 f->min, f->min == 1 ? "" : "s", e->n_args);
	else
		bt_error(t, e, E_BT_CALL, "%s() takes %u to %u arguments, here it has %u", f->name,
			 f->min, f->max, e->n_args);
	return false;
}

/* join(address of strings [, delimiter]) */
static void type_join(struct bt_typer *t, struct bt_expr *e)
{
	if (bt_want_number(t, e, 0) && e->n_args == 2)
		bt_want_literal(t, e, 1);
}

/* assert(condition, text) */
static void type_assert(struct bt_typer *t, struct bt_expr *e)
{
	bt_want_number(t, e, 0);
	bt_want_literal(t, e, 1);
}

static bool is_unsafe(enum bt_name_id id)
{
	return id == F_SYSTEM || id == F_SIGNAL || id == F_SIGNAL_THREAD || id == F_OVERRIDE;
}

/* Functions that act and give no value. */
static void type_action(struct bt_typer *t, struct bt_expr *e)
{
	switch (e->builtin->id) {
	case F_COUNT:
	case F_SUM:
	case F_MIN:
	case F_MAX:
	case F_AVG:
	case F_STATS:
	case F_HIST:
	case F_LHIST: type_agg(t, e); break;
	case F_DELETE: type_delete(t, e); break;
	case F_HAS_KEY: type_has_key(t, e); break;
	case F_CLEAR:
	case F_ZERO: want_map(t, e, false); break;
	case F_PRINT: type_print(t, e); break;
	case F_PRINTF:
	case F_ERRORF:
	case F_WARNF:
	case F_SYSTEM:
	case F_CAT: type_printf(t, e); break;
	case F_JOIN: type_join(t, e); break;
	case F_ASSERT: type_assert(t, e); break;
	case F_EXIT:
		if (e->n_args)
			bt_want_number(t, e, 0);
		break;
	case F_TIME:
		if (e->n_args)
			bt_want_literal(t, e, 0);
		break;
	default:
		bt_error(t, e, E_BT_NOT_YET, STR_FMT "() is not compiled yet", STR_ARG(e->name));
		break;
	}
}

void bt_type_call(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_name *f = e->builtin = bt_function(e->name);

	if (!f && !e->n_args && bt_builtin(e->name)) {
		e->kind = EX_NAME; /* pid() is pid */
		bt_type_expr(t, e);
		return;
	}
	if (!f) {
		unknown_function(t, e);
		return;
	}
	e->type = of_kind(BT_VOID);
	if (!check_count(t, e))
		return;
	if (is_unsafe(f->id) && t->u->o.is_safe) {
		bt_error(t, e, E_BT_CALL, "%s() is an unsafe function being used in safe mode",
			 f->name);
		bt_hint(t, "--unsafe allows it");
		return;
	}
	if (!bt_type_function(t, e))
		type_action(t, e);
	for (u32 i = 0; i < e->n_args; i++)
		if (e->args[i]->type.kind == BT_BAD)
			e->type.kind = BT_BAD;
}
