/* pp_define: from `#define` to a compiled macro (C11 6.10.3, 6.10.3.5).
 *
 * The body is compiled once, so that expansion need not look at it twice: a parameter's name
 * becomes PP_PARAM with its index, # and ## become flags of their neighbours, and __VA_OPT__(…) a
 * pair of PP_OPT_BEGIN (with the distance to its end) and PP_OPT_END. Definitions never change; an
 * #undef or a redefinition only lets the name point elsewhere, so running expansions are not
 * disturbed.
 *
 * Redefinition with the same text is silent (6.10.3p2); with another one it is a warning, and the
 * new one holds; built-in definitions give way without a word.
 *
 * Not here: #__VA_OPT__ of C23.
 */
#include "cfront/pp.h"

/* One definition being read. */
struct def {
	struct pp *pp;
	struct pp_macro *m;
	const struct pp_tok *at, *end;
	pp_list body;
	u32 opt_begin; /* index of the open PP_OPT_BEGIN, if is_in_opt */
	u32 opt_depth; /* ( open inside of it */
	bool is_in_opt;
	bool is_gnu_named; /* args...: __VA_ARGS__ is no parameter */
};

static bool wrong(struct def *d, const struct pp_tok *t, const char *what)
{
	diag_add(d->pp->dx, pp_span(t), E_MACRO, "%s", what);
	return false;
}

/* The index of the parameter that the token names, or -1. */
static int param_index(const struct pp_tok *t)
{
	return t->kind == TOK_IDENT ? (int)t->name->param - 1 : -1;
}

/* ---- parameters ------------------------------------------------------------------------------ */

/* At what ends one parameter: `,` goes on, `)` ends the list. */
static bool read_param_end(struct def *d, bool *out_more)
{
	if (d->at < d->end && pp_is(d->at, ')')) {
		d->at++;
		*out_more = false;
		return true;
	}
	if (d->at < d->end && pp_is(d->at, ',') && !d->m->is_variadic) {
		d->at++;
		*out_more = true;
		return true;
	}
	return wrong(d, d->at < d->end ? d->at : d->end - 1,
		     d->m->is_variadic ? "')' must follow '...'"
				       : "',' or ')' must follow the name of a parameter");
}

static bool read_params(struct def *d)
{
	vec(struct pp_name *) params = { 0 };
	bool more = true;

	if (d->at < d->end && pp_is(d->at, ')')) {
		d->at++;
		return true;
	}
	while (more) {
		const struct pp_tok *t = d->at < d->end ? d->at : d->end - 1;
		struct pp_name *name = t->name;

		if (d->at < d->end && pp_is(t, P_ELLIPSIS)) {
			d->m->is_variadic = true;
			name = pp_intern(d->pp, STR("__VA_ARGS__"));
		} else if (d->at == d->end || t->kind != TOK_IDENT) {
			return wrong(d, t, "the list of parameters needs names, '...' or ')' here");
		} else if (param_index(t) >= 0) {
			return wrong(d, t, "two parameters have this name");
		} else if (str_is(name->text, "__VA_ARGS__") || str_is(name->text, "__VA_OPT__")) {
			return wrong(d, t, "this name is not free for a parameter");
		}
		d->at++;
		if (d->at < d->end && pp_is(d->at, P_ELLIPSIS) && !d->m->is_variadic) {
			d->m->is_variadic = d->is_gnu_named = true;
			d->at++;
		}
		*vec_push(d->pp->a, &params) = name;
		name->param = (u16)params.n;
		d->m->params = params.at;
		d->m->n_params = params.n;
		if (params.n > PP_MAX_PARAMS)
			return wrong(d, t, "a macro may have at most 1024 parameters");
		if (!read_param_end(d, &more))
			return false;
	}
	return true;
}

/* ---- the body -------------------------------------------------------------------------------- */

static struct pp_tok *add(struct def *d, const struct pp_tok *t)
{
	struct pp_tok *to = vec_push(d->pp->a, &d->body);

	*to = *t;
	to->flags &= ~PP_BOL;
	return to;
}

/* `#` in a function-like macro: the parameter behind it becomes a string. */
static bool read_stringize(struct def *d, const struct pp_tok *hash)
{
	int index = d->at < d->end ? param_index(d->at) : -1;
	struct pp_tok *to;

	if (index < 0)
		return wrong(d, hash,
			     "'#' in a macro with parameters must stand before one of them");
	to = add(d, d->at++);
	to->kind = PP_PARAM;
	to->punct = (u16)index;
	to->flags = (u8)((hash->flags & PP_SPACE) | PP_STRINGIZE);
	return true;
}

static bool read_paste(struct def *d, const struct pp_tok *t)
{
	bool is_first = !d->body.n || (d->is_in_opt && d->body.n - 1 == d->opt_begin);
	bool is_last = d->at == d->end || (d->is_in_opt && !d->opt_depth && pp_is(d->at, ')'));

	if (is_first || is_last)
		return wrong(d, t, "'##' needs a token on either side");
	vec_last(&d->body)->flags |= PP_PASTE;
	return true;
}

static bool open_opt(struct def *d, const struct pp_tok *t)
{
	if (!d->m->is_variadic)
		return wrong(d, t, "__VA_OPT__ belongs into macros that end in '...'");
	if (d->is_in_opt)
		return wrong(d, t, "__VA_OPT__ cannot stand inside __VA_OPT__");
	if (d->at == d->end || !pp_is(d->at, '('))
		return wrong(d, t, "'(' must follow __VA_OPT__");
	d->at++;
	d->is_in_opt = true;
	d->opt_depth = 0;
	d->opt_begin = d->body.n;
	add(d, t)->kind = PP_OPT_BEGIN;
	return true;
}

static bool close_opt(struct def *d, const struct pp_tok *t)
{
	u32 distance = d->body.n - d->opt_begin;

	d->is_in_opt = false;
	if (distance > UINT16_MAX)
		return wrong(d, t, "__VA_OPT__(…) is too long");
	d->body.at[d->opt_begin].punct = (u16)distance;
	add(d, t)->kind = PP_OPT_END;
	return true;
}

static bool read_body_token(struct def *d)
{
	const struct pp_tok *t = d->at++;
	int index = param_index(t);
	struct pp_tok *to;

	if (index >= 0) {
		to = add(d, t);
		to->kind = PP_PARAM;
		to->punct = (u16)index;
		return true;
	}
	if (pp_is(t, P_HASHHASH))
		return read_paste(d, t);
	if (!d->m->is_function) {
		add(d, t);
		return true;
	}
	if (pp_is(t, '#'))
		return read_stringize(d, t);
	if (t->kind == TOK_IDENT && str_is(t->name->text, "__VA_OPT__"))
		return open_opt(d, t);
	if (t->kind == TOK_IDENT && str_is(t->name->text, "__VA_ARGS__"))
		return wrong(d, t,
			     d->is_gnu_named ? "the variadic parameter has a name of its own here"
					     : "__VA_ARGS__ belongs into macros that end in '...'");
	if (d->is_in_opt && pp_is(t, ')')) {
		if (!d->opt_depth)
			return close_opt(d, t);
		d->opt_depth--;
	} else if (d->is_in_opt && pp_is(t, '(')) {
		d->opt_depth++;
	}
	add(d, t);
	return true;
}

static bool has_operators(const struct pp_macro *m)
{
	for (u32 i = 0; i < m->n_body; i++)
		if (m->body[i].flags & (PP_PASTE | PP_STRINGIZE) || m->body[i].kind == PP_OPT_BEGIN)
			return true;
	return false;
}

static bool read_definition(struct def *d)
{
	if (d->at < d->end && pp_is(d->at, '(') && !(d->at->flags & PP_SPACE)) {
		d->m->is_function = true;
		d->at++;
		if (!read_params(d))
			return false;
	}
	while (d->at < d->end)
		if (!read_body_token(d))
			return false;
	return !d->is_in_opt || wrong(d, &d->body.at[d->opt_begin], "__VA_OPT__( is never closed");
}

/* Compiles the definition in the n > 0 tokens at `at`, of which the first is the name. NULL if it
 * is wrong, which was told. */
static struct pp_macro *compile(struct pp *pp, const struct pp_tok *at, u32 n)
{
	struct def d = { .pp = pp, .at = at + 1, .end = at + n };
	bool is_right;

	d.m = arena_new_of(pp->a, struct pp_macro);
	d.m->name = at->name;
	d.m->span = pp_span(at);
	is_right = read_definition(&d);
	for (u32 i = 0; i < d.m->n_params; i++)
		d.m->params[i]->param = 0;
	if (!is_right)
		return NULL;
	d.m->body = d.body.at;
	d.m->n_body = d.body.n;
	d.m->has_operators = has_operators(d.m);
	return d.m;
}

/* ---- the directives -------------------------------------------------------------------------- */

/* 6.10.3p2: the same kind, parameters, tokens, and white space in the same places. */
static bool is_same(const struct pp_macro *a, const struct pp_macro *b)
{
	if (a->is_function != b->is_function || a->is_variadic != b->is_variadic ||
	    a->n_params != b->n_params || a->n_body != b->n_body || a->dynamic != b->dynamic)
		return false;
	for (u32 i = 0; i < a->n_params; i++)
		if (a->params[i] != b->params[i])
			return false;
	for (u32 i = 0; i < a->n_body; i++) {
		const struct pp_tok *x = &a->body[i], *y = &b->body[i];
		u8 differ = x->flags ^ y->flags;

		if (i == 0)
			differ &= ~PP_SPACE;
		if (x->kind != y->kind || differ || !str_eq(pp_text(x), pp_text(y)))
			return false;
	}
	return true;
}

/* The name behind #define or #undef, or NULL. */
static struct pp_name *read_name(struct pp *pp, const char *directive)
{
	const struct pp_tok *t = pp->line.at;

	if (!pp->line.n) {
		diag_add(pp->dx, pp_span(t), E_MACRO, "#%s needs the name of a macro", directive);
		return NULL;
	}
	if (t->kind != TOK_IDENT) {
		diag_add(pp->dx, pp_span(t), E_MACRO, "'" STR_FMT "' cannot be the name of a macro",
			 STR_ARG(pp_text(t)));
		return NULL;
	}
	pp_macro_of(pp, t->name);
	if (t->name->special == PP_DEFINED || t->name->special == PP_VA_ARGS ||
	    t->name->special == PP_VA_OPT) {
		diag_add(pp->dx, pp_span(t), E_MACRO,
			 "'" STR_FMT "' belongs to the preprocessor and cannot be %s",
			 STR_ARG(pp_text(t)), *directive == 'd' ? "a macro" : "undefined");
		return NULL;
	}
	return t->name;
}

void pp_define(struct pp *pp)
{
	struct pp_name *name;
	struct pp_macro *m, *old;

	pp_read_line(pp);
	name = read_name(pp, "define");
	if (!name)
		return;
	m = compile(pp, pp->line.at, pp->line.n);
	if (!m)
		return;
	old = name->macro;
	if (old && !old->is_builtin && !is_same(old, m)) {
		diag_add(pp->dx, m->span, W_REDEFINED,
			 "macro '" STR_FMT "' is defined again, differently", STR_ARG(name->text));
		diag_note(pp->dx, old->span, "the definition before");
		diag_hint(pp->dx, "write #undef " STR_FMT " first if that is meant",
			  STR_ARG(name->text));
	}
	name->macro = m;
	name->is_undefined = false;
}

void pp_undef(struct pp *pp)
{
	struct pp_name *name;

	pp_read_line(pp);
	name = read_name(pp, "undef");
	if (!name)
		return;
	name->macro = NULL;
	name->is_undefined = true;
}

struct pp_macro *pp_define_builtin(struct pp *pp, str text)
{
	pp_list list = { 0 };
	struct pp_macro *m;
	struct lexer lx;

	lex_open(&lx, pp->a, pp->dx, &pp->names, text, 0);
	lx.in_directive = true;
	do
		lex_next(&lx, vec_push(pp->a, &list));
	while (vec_last(&list)->kind != TOK_EOF);
	m = compile(pp, list.at, list.n - 1);
	if (m)
		m->is_builtin = true;
	return m;
}
