/* macro: macros of the script, and object-like macros of its C part, where they are used.
 *
 *	macro name($v, @m, e) { … value }
 *
 * A use is replaced by tokens: the body with its parameters replaced, read as a block that stands for
 * a value. $v takes a variable and @m a map, by name; a plain name takes any expression, in
 * parentheses, and is evaluated wherever it stands. Other variables of the body get names of their own in
 * each use, so that they meet none of the caller's. Macros are told apart by name and number of
 * parameters.
 *
 * A macro that comes to itself again is an error, and what a script may grow to is bounded.
 */
#include "btfront/ast.h"
#include "cfront/cfront.h"

enum { MAX_PARAMS = 32, MAX_EXPANSIONS = 10000, MAX_TOKENS = 1 << 20 };

/* Same name, other numbers of parameters. */
struct overloads {
	vec(struct bt_macro *) list;
};

/* ---- finding -------------------------------------------------------------------------------- */

static const struct bt_tok *behind_braces(const struct bt_tok *t)
{
	u32 open = 0;

	for (; t->kind != T_EOF && t->kind != T_PROBE; t++) {
		if (t->kind == T_LBRACE)
			open++;
		else if (t->kind == T_RBRACE && open && --open == 0)
			return t + 1;
	}
	return NULL;
}

static void add_macro(struct bt_parser *p, struct bt_macro *m)
{
	struct overloads *o = strmap_get(&p->u->macros, m->name);

	if (!o) {
		o = arena_new_of(p->a, struct overloads);
		strmap_put(p->a, &p->u->macros, m->name, o);
	}
	for (u32 i = 0; i < o->list.n; i++) {
		if (o->list.at[i]->n_params != m->n_params)
			continue;
		diag_add(p->dx, m->span, E_BT_NAME, "macro '" STR_FMT "' is defined twice",
			 STR_ARG(m->name));
		diag_note(p->dx, o->list.at[i]->span, "the first time here");
		return;
	}
	*vec_push(p->a, &o->list) = m;
}

/* At `macro`: its head is checked here, its body where it is used. */
static const struct bt_tok *read_macro(struct bt_parser *p, const struct bt_tok *t)
{
	struct bt_macro *m = arena_new_of(p->a, struct bt_macro);

	p->tok = t + 1;
	m->name = p->tok->text;
	m->span = p->tok->span;
	bt_expect(p, T_IDENT);
	if (!p->is_stuck && bt_expect(p, T_LPAREN)) {
		m->params = p->tok;
		while (!p->is_stuck && p->tok->kind != T_RPAREN) {
			if (p->tok->kind == T_VAR || p->tok->kind == T_MAP ||
			    p->tok->kind == T_IDENT)
				p->tok++;
			else
				bt_expected(p, "a parameter: $v, @m or a name");
			m->n_params++;
			if (!bt_accept(p, T_COMMA))
				break;
		}
		bt_expect(p, T_RPAREN);
	}
	m->body = p->tok;
	if (!p->is_stuck && p->tok->kind != T_LBRACE)
		bt_expected(p, "'{' and the body of the macro");
	m->end = p->is_stuck ? NULL : behind_braces(m->body);
	p->is_stuck = false;
	if (m->end)
		add_macro(p, m);
	return p->tok;
}

void bt_find_macros(struct bt_parser *p, const struct bt_tok *t)
{
	for (u32 open = 0; t->kind != T_EOF; t++) {
		if (t->kind == T_LBRACE)
			open++;
		else if (t->kind == T_RBRACE && open)
			open--;
		if (!open && t->kind == T_IDENT && str_is(t->text, "macro"))
			t = read_macro(p, t) - 1;
	}
}

/* ---- arguments ------------------------------------------------------------------------------ */

struct argument {
	const struct bt_tok *at;
	u32 n;
};
struct use {
	struct bt_parser *p;
	const struct bt_macro *m;
	struct argument args[MAX_PARAMS];
	u32 n_args;
	struct bt_toks out;
	u32 serial;
};

/* At `(`: cuts the arguments at their commas; p->tok ends behind `)`. */
static bool read_arguments(struct use *u)
{
	struct bt_parser *p = u->p;
	const struct bt_tok *t = p->tok + 1, *from = t;
	u32 open = 0;

	for (;; t++) {
		bool is_end = !open && t->kind == T_RPAREN;

		if (t->kind == T_EOF || t->kind == T_PROBE) {
			p->tok = t;
			bt_expected(p, "')'");
			return false;
		}
		if (t->kind == T_LPAREN || t->kind == T_LBRACKET || t->kind == T_LBRACE)
			open++;
		else if (!is_end &&
			 (t->kind == T_RPAREN || t->kind == T_RBRACKET || t->kind == T_RBRACE) &&
			 open)
			open--;
		if (!is_end && (open || t->kind != T_COMMA))
			continue;
		if (t != from || !is_end || u->n_args) {
			if (u->n_args == MAX_PARAMS) {
				p->tok = t;
				bt_expected(p, "at most 32 arguments");
				return false;
			}
			u->args[u->n_args++] = (struct argument){ from, (u32)(t - from) };
		}
		from = t + 1;
		if (is_end)
			break;
	}
	p->tok = t + 1;
	return true;
}

/* ---- replacing ------------------------------------------------------------------------------ */

static void put(struct use *u, const struct bt_tok *t)
{
	*vec_push(u->p->a, &u->out.list) = *t;
}

static void put_punct(struct use *u, enum bt_tok_kind k, struct span at)
{
	struct bt_tok t = { .kind = k, .span = at, .text = str_of(bt_tok_name(k)) };

	put(u, &t);
}

/* The parameter that a token of the body is, or -1. A member's name is none. */
static int parameter(const struct use *u, const struct bt_tok *t)
{
	const struct bt_tok *q = u->m->params;

	if (t->kind == T_IDENT && (t[-1].kind == T_DOT || t[-1].kind == T_ARROW))
		return -1;
	for (u32 i = 0; i < u->m->n_params; i++, q += 2)
		if (q->kind == t->kind && str_eq(q->text, t->text))
			return (int)i;
	return -1;
}

static void put_argument(struct use *u, const struct argument *a, const struct bt_tok *t)
{
	if (t->kind != T_IDENT) {
		put(u, &a->at[0]);
		return;
	}
	put_punct(u, T_LPAREN, t->span);
	for (u32 i = 0; i < a->n; i++)
		put(u, &a->at[i]);
	put_punct(u, T_RPAREN, t->span);
}

static void replace(struct use *u)
{
	for (const struct bt_tok *t = u->m->body; t < u->m->end; t++) {
		struct bt_tok own = *t;
		int k = parameter(u, t);

		if (k >= 0) {
			put_argument(u, &u->args[k], t);
			continue;
		}
		if (t->kind == T_VAR)
			own.text = str_printf(u->p->a, STR_FMT "'%u", STR_ARG(t->text), u->serial);
		put(u, &own);
	}
	put(u, &(struct bt_tok){ .kind = T_EOF, .span = u->m->end[-1].span });
}

/* ---- uses ----------------------------------------------------------------------------------- */

static struct bt_expr *refuse(struct bt_parser *p, struct span at, const char *fmt, str name)
{
	diag_add(p->dx, at, E_BT_CALL, fmt, STR_ARG(name));
	p->is_stuck = p->is_broken = true;
	return bt_node(p, EX_BAD, at);
}

static bool fits(struct use *u, struct span at)
{
	const struct bt_tok *q = u->m->params;

	for (u32 i = 0; i < u->m->n_params; i++, q += 2) {
		const struct argument *a = &u->args[i];

		if (q->kind == T_IDENT ? a->n > 0 : a->n == 1 && a->at[0].kind == q->kind)
			continue;
		refuse(u->p, a->n ? a->at[0].span : at,
		       q->kind == T_VAR	  ? "macro '" STR_FMT "' wants a variable here"
		       : q->kind == T_MAP ? "macro '" STR_FMT "' wants a map here"
					  : "macro '" STR_FMT "' wants an expression here",
		       u->m->name);
		return false;
	}
	return true;
}

static struct bt_expr *expand(struct use *u, struct bt_macro *m, struct span at)
{
	struct bt_parser *p = u->p;
	const struct bt_tok *behind = p->tok;
	u32 loops = p->loops;
	struct bt_expr *e;

	if (m->is_busy)
		return refuse(p, at, "macro '" STR_FMT "' comes to itself again", m->name);
	if (p->u->n_expansions >= MAX_EXPANSIONS)
		return refuse(p, at, "too many uses of macros, here of '" STR_FMT "'", m->name);
	u->m = m;
	u->serial = ++p->u->n_expansions;
	if (!fits(u, at))
		return bt_node(p, EX_BAD, at);
	replace(u);
	m->is_busy = true;
	p->tok = u->out.list.at;
	p->loops = 0;
	e = bt_parse_block_expr(p);
	p->loops = loops;
	m->is_busy = false;
	p->tok = behind;
	e->span = at;
	return e;
}

static struct bt_expr *use_macro(struct bt_parser *p, const struct overloads *o)
{
	const struct bt_tok *name = p->tok++;
	struct use u = { .p = p };

	if (p->tok->kind == T_LPAREN && !read_arguments(&u))
		return bt_node(p, EX_BAD, name->span);
	for (u32 i = 0; i < o->list.n; i++)
		if (o->list.at[i]->n_params == u.n_args)
			return expand(&u, o->list.at[i], span_join(name->span, p->tok[-1].span));
	return refuse(p, name->span, "macro '" STR_FMT "' takes another number of arguments",
		      name->text);
}

/* The text of a #define, as an expression of this language. */
static struct bt_expr *use_define(struct bt_parser *p, str body)
{
	const struct bt_tok *name = p->tok++, *behind = p->tok;
	struct bt_toks toks = { 0 };
	struct bt_expr *e;

	if (p->u->n_expansions++ >= MAX_EXPANSIONS || !bt_deeper(p))
		return refuse(p, name->span, "too many uses of macros, here of '" STR_FMT "'",
			      name->text);
	if (!bt_lex_text(p->a, p->dx, body, name->span, &toks)) {
		p->depth--;
		return refuse(p, name->span, "macro '" STR_FMT "' is no expression of the language",
			      name->text);
	}
	p->tok = toks.list.at;
	e = bt_parse_expr(p);
	if (!p->is_stuck && p->tok->kind != T_EOF)
		e = refuse(p, name->span, "macro '" STR_FMT "' is no expression of the language",
			   name->text);
	p->tok = behind;
	p->depth--;
	e->is_paren = true;
	return e;
}

struct bt_expr *bt_parse_macro(struct bt_parser *p)
{
	const struct overloads *o = strmap_get(&p->u->macros, p->tok->text);
	str body;

	if (o)
		return use_macro(p, o);
	if (p->u->c && cf_find_macro(p->u->c, p->tok->text, &body) && body.n &&
	    !str_eq(body, p->tok->text))
		return use_define(p, body);
	return NULL;
}
