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

static bool is_open(const struct bt_expr *e)
{
	return e->type.kind == BT_UNKNOWN || e->type.kind == BT_BAD;
}

/* The i-th argument must be a number; true if it is known to be one. */
static bool want_number(struct bt_typer *t, struct bt_expr *e, u32 i)
{
	struct bt_expr *x = e->args[i];

	bt_type_expr(t, x);
	if (is_open(x) || bt_is_number(&x->type))
		return !is_open(x);
	bt_error(t, x, E_BT_CALL, STR_FMT "() wants a number here, this is %s", STR_ARG(e->name),
		 bt_type_name(&x->type));
	return false;
}

static bool want_literal(struct bt_typer *t, struct bt_expr *e, u32 i)
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

static void type_agg(struct bt_typer *t, struct bt_expr *e)
{
	for (u32 i = 0; i < e->n_args; i++)
		want_number(t, e, i);
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
	} else if (x->n_args) {
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

	if (e->n_args == 2 && x->kind == EX_MAP && !x->n_args) {
		x->args = &e->args[1];
		x->n_args = e->n_args = 1;
	} else if (e->n_args == 2) {
		bt_error(t, e, E_BT_CALL, "delete() takes one entry: delete(@m, key)");
		return;
	}
	if (want_map(t, e, true) &&
	    (x->map->show == OBJ_SHOW_HIST || x->map->show == OBJ_SHOW_LHIST))
		bt_error(t, e, E_BT_NOT_YET,
			 "deleting one entry of a histogram is not compiled yet");
}

static void type_print(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];

	if (x->kind == EX_MAP && !x->n_args) {
		if (want_map(t, e, false) && e->n_args > 1)
			bt_error(t, e->args[1], E_BT_NOT_YET,
				 "print() of the largest entries only is not compiled yet");
		return;
	}
	bt_type_expr(t, x);
	if (e->n_args > 1)
		bt_error(t, e->args[1], E_BT_CALL, "print() of a value takes one argument");
	else if (!is_open(x) && !bt_is_number(&x->type) && x->type.kind != BT_STRING)
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
		*out = (struct fault){ E_BT_NOT_YET, "%r (a buffer) is not compiled yet" };
		return 0;
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

	if (is_open(x))
		return;
	if (c != 's' && x->type.kind == BT_STRING)
		bt_error(t, x, E_BT_CALL, "%%%c wants a number, this is a string", c);
	else if (c == 's' && x->type.kind == BT_PTR) {
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
		if (!is_open(x) && !bt_is_number(&x->type) && x->type.kind != BT_STRING)
			bt_error(t, x, E_BT_CALL, "printf() takes numbers and strings, this is %s",
				 bt_type_name(&x->type));
	}
	if (!want_literal(t, e, 0))
		return;
	if (e->args[0]->name.n > FORMAT_MAX)
		bt_error(t, e->args[0], E_TOO_LARGE, "a format has at most %u bytes", FORMAT_MAX);
	else
		check_format(t, e);
}

/* ---- the others ------------------------------------------------------------------------------ */

static void type_str(struct bt_typer *t, struct bt_expr *e)
{
	u32 limit = bt_strlen(t->u);
	struct bt_expr *x = e->args[0];
	s64 n;

	e->type = bt_string(limit);
	bt_type_expr(t, x);
	if (x->type.kind == BT_STRING && e->n_args == 1) {
		e->type = x->type; /* str($1), str(args.comm) */
		return;
	}
	if (!want_number(t, e, 0) || e->n_args == 1)
		return;
	if (!want_number(t, e, 1))
		return;
	if (bt_const_value(e->args[1], &n) && n >= 0 && n < limit)
		e->type = bt_string((u32)n + 1);
}

static void type_space(struct bt_typer *t, struct bt_expr *e)
{
	e->type = bt_int(8, false);
	if (!want_number(t, e, 0))
		return;
	e->type = e->args[0]->type;
	e->type.is_literal = false;
	e->type.region = e->builtin->id == F_UPTR ? IR_IN_USER : IR_IN_KERNEL;
}

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
	if (f->id == F_HIST && e->n_args == 2)
		bt_error(t, e, E_BT_NOT_YET, "hist() with finer buckets is not compiled yet");
	else if (f->min == f->max)
		bt_error(t, e, E_BT_CALL, "%s() takes %u argument%s, here it has %u", f->name,
			 f->min, f->min == 1 ? "" : "s", e->n_args);
	else
		bt_error(t, e, E_BT_CALL, "%s() takes %u to %u arguments, here it has %u", f->name,
			 f->min, f->max, e->n_args);
	return false;
}

void bt_type_call(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_name *f = e->builtin = bt_function(e->name);

	if (!f) {
		unknown_function(t, e);
		return;
	}
	e->type = of_kind(BT_VOID);
	if (!check_count(t, e))
		return;
	switch (f->id) {
	case F_COUNT:
	case F_SUM:
	case F_MIN:
	case F_MAX:
	case F_AVG:
	case F_STATS:
	case F_HIST:
	case F_LHIST: type_agg(t, e); break;
	case F_DELETE: type_delete(t, e); break;
	case F_CLEAR:
	case F_ZERO: want_map(t, e, false); break;
	case F_PRINT: type_print(t, e); break;
	case F_PRINTF: type_printf(t, e); break;
	case F_STR: type_str(t, e); break;
	case F_KPTR:
	case F_UPTR: type_space(t, e); break;
	case F_EXIT:
		if (e->n_args)
			want_number(t, e, 0);
		break;
	case F_TIME:
		if (e->n_args)
			want_literal(t, e, 0);
		break;
	default:
		bt_error(t, e, E_BT_NOT_YET, STR_FMT "() is not compiled yet", STR_ARG(e->name));
		break;
	}
}
