/* attach: the text in front of a body to attach points.
 *
 * Parameters of the script ($1) are put in first, then room probes reads the text. A pattern
 * becomes one point for each event of this machine that matches, in the order of the listing; a
 * body is lowered once for each.
 */
#include <string.h>

#include "btfront/ast.h"

/* The text with $N replaced. */
static str with_params(struct bt_parser *p, const struct bt_tok *t)
{
	const struct bt_options *o = &p->u->o;
	struct sbuf b;

	if (str_find(t->text, '$', 0) < 0)
		return t->text;
	sbuf_init(&b, p->a);
	for (u32 i = 0; i < t->text.n;) {
		u32 n = 0, k = i + 1;

		while (t->text.s[i] == '$' && k < t->text.n && t->text.s[k] >= '0' &&
		       t->text.s[k] <= '9' && n < 1000)
			n = n * 10 + (u32)(t->text.s[k++] - '0');
		if (!n) {
			sbuf_putc(&b, t->text.s[i++]);
			continue;
		}
		if (n <= o->n_params)
			sbuf_put(&b, o->params[n - 1]);
		i = k;
	}
	return sbuf_str(&b);
}

static void add_point(struct bt_parser *p, struct bt_clause *c, const struct probes_point *want,
		      struct span span)
{
	struct bt_point *x = vec_push(p->a, &p->u->points);

	x->pub.want = *want;
	x->pub.want.span = span;
	x->pub.span = span;
	x->clause = c;
	c->n_points++;
}

/* ---- patterns ------------------------------------------------------------------------------- */

struct expansion {
	struct bt_parser *p;
	struct bt_clause *c;
	struct span span;
	u32 n;
};

static bool add_match(void *arg, const struct probes_point *m)
{
	struct expansion *x = arg;
	struct arena *a = x->p->a;
	struct probes_point own = *m;

	if (++x->n > BT_MAX_POINTS)
		return false;
	own.module = str_dup(a, m->module);
	own.name = str_dup(a, m->name);
	own.path = str_dup(a, m->path);
	own.mode = str_dup(a, m->mode);
	add_point(x->p, x->c, &own, x->span);
	return true;
}

static void expand(struct bt_parser *p, struct bt_clause *c, const struct bt_tok *t,
		   const struct probes_point *want)
{
	struct bt_options *o = &p->u->o;
	struct expansion x = { p, c, t->span, 0 };
	struct ty_btf *btf = NULL;
	struct err e = { 0 };
	struct sbuf text;

	if (!o->machine) {
		diag_add(p->dx, t->span, E_BT_NOT_YET,
			 "patterns need the machine's list of events, which is not at hand");
		return;
	}
	if (o->btf && (want->provider == PROBES_FENTRY || want->provider == PROBES_FEXIT))
		btf = o->btf(o->btf_arg);
	sbuf_init(&text, p->a);
	probes_print(&text, want);
	if (probes_list(o->machine, btf, sbuf_str(&text), add_match, &x, &e) || !x.n) {
		if (c->missing)
			return;
		c->missing = t;
		c->why = str_dup(p->a, str_of(e.code ? e.msg : ""));
	} else if (x.n > BT_MAX_POINTS) {
		diag_add(p->dx, t->span, E_BT_PROBE,
			 "'" STR_FMT "' matches more than %u events of this machine",
			 STR_ARG(t->text), BT_MAX_POINTS);
	}
}

void bt_attach_end(struct bt_parser *p, struct bt_clause *c)
{
	const struct bt_tok *t = c->missing;

	if (!t || c->n_points)
		return;
	if (c->why.n) {
		diag_add(p->dx, t->span, E_BT_PROBE, STR_FMT, STR_ARG(c->why));
		return;
	}
	diag_add(p->dx, t->span, E_BT_PROBE, "no event of this machine matches '" STR_FMT "'",
		 STR_ARG(t->text));
	diag_hint(p->dx, "see `skep list '" STR_FMT "'`", STR_ARG(t->text));
}

void bt_attach(struct bt_parser *p, struct bt_clause *c, const struct bt_tok *t)
{
	struct probes_point want;
	struct err e = { 0 };

	if (probes_parse(p->a, with_params(p, t), &want, &e)) {
		diag_add(p->dx, t->span, E_BT_PROBE, "%s", e.msg);
		return;
	}
	if (p->u->points.n >= BT_MAX_POINTS * 4) {
		diag_add(p->dx, t->span, E_TOO_LARGE, "the script has more than %u attach points",
			 BT_MAX_POINTS * 4);
		return;
	}
	if (probes_has_wildcard(&want))
		expand(p, c, t, &want);
	else
		add_point(p, c, &want, t->span);
}

bool bt_may_be_absent(const struct bt_unit *u, u32 i)
{
	const struct bt_clause *c = u->points.at[i].clause;

	return c->n_points > 1 || c->missing || u->config.warns_missing || u->config.is_old;
}

u32 bt_list_of(const struct bt_unit *u, u32 i)
{
	return u->points.at[i].clause->first_point;
}
