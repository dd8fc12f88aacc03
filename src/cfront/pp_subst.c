/* pp_subst: a macro's body with its parameters replaced (C11 6.10.3.1 to 6.10.3.3).
 *
 * pp_define.c has compiled the body: a parameter is PP_PARAM with its index, # before it is the
 * flag PP_STRINGIZE, ## behind a token is PP_PASTE on that token, and __VA_OPT__(…) is a pair of
 * brackets. So one walk over the body does it; `is_pasting` says that ## stood before.
 *
 * An argument is expanded when a place first asks for it so (not next to # or ##), once a call. An
 * empty operand of ## is a placemarker (6.10.3.3p2): PP_PLACE tokens, taken out at the end.
 *
 * Tokens of the body get the span of the use and remember where they stand in the definition;
 * tokens of arguments keep their own place.
 *
 * GNU: in `, ## __VA_ARGS__` the comma goes away when the argument was left out (given but empty
 * does not count, unless it is the only parameter); otherwise the two stand side by side, unpasted,
 * and the argument is not expanded beforehand. GCC and clang agree on all of this.
 */
#include "cfront/pp.h"

#include <string.h>

struct subst {
	struct pp *pp;
	struct pp_call *call;
	pp_list *out;
	bool is_pasting; /* ## stands before what comes next */
	bool owes_space; /* something with white space before it became nothing */
	u32 n_places;
	u64 n_appended;
};

/* ---- # --------------------------------------------------------------------------------------- */

static bool is_literal(const struct pp_tok *t)
{
	return t->kind == TOK_STRING || t->kind == TOK_CHAR ||
	       (t->kind == TOK_OTHER && memchr(t->s, '"', t->n)) ||
	       (t->kind == TOK_OTHER && memchr(t->s, '\'', t->n));
}

str pp_spell(struct pp *pp, const struct pp_tok *at, u32 n, bool is_quoted)
{
	struct sbuf b;
	u32 slashes = 0;

	sbuf_init(&b, pp->a);
	if (is_quoted)
		sbuf_putc(&b, '"');
	for (u32 i = 0; i < n && pp_count_text(pp, at[i].n, pp_span(&at[i])); i++) {
		if (i && (at[i].flags & (PP_SPACE | PP_BOL)))
			sbuf_putc(&b, ' ');
		if (!is_quoted || !is_literal(&at[i])) {
			sbuf_put(&b, pp_text(&at[i]));
			continue;
		}
		for (u32 k = 0; k < at[i].n; k++) {
			if (at[i].s[k] == '"' || at[i].s[k] == '\\')
				sbuf_putc(&b, '\\');
			sbuf_putc(&b, at[i].s[k]);
		}
	}
	if (!is_quoted)
		return sbuf_str(&b);
	/* A lone backslash at the end would take the closing quote with it. */
	while (slashes < b.n && b.s[b.n - 1 - slashes] == '\\')
		slashes++;
	if (slashes & 1)
		b.n--;
	sbuf_putc(&b, '"');
	return sbuf_str(&b);
}

/* ---- ## -------------------------------------------------------------------------------------- */

/* Makes one token of two, in *left. False: together they are none. */
static bool paste(struct subst *s, struct pp_tok *left, const struct pp_tok *right)
{
	struct pp *pp = s->pp;
	struct lexer lx;
	struct pp_tok t;
	char *text;
	u32 n;

	if (right->kind == PP_PLACE)
		return true;
	if (left->kind == PP_PLACE) {
		u8 space = left->flags & PP_SPACE;

		*left = *right;
		left->flags = (u8)((left->flags & ~(PP_SPACE | PP_PASTE)) | space);
		return true;
	}
	if (!pp_count_text(pp, (u64)left->n + right->n, s->call->use))
		return true;
	n = left->n + right->n;
	text = arena_alloc(pp->a, n);
	memcpy(text, left->s, left->n);
	memcpy(text + left->n, right->s, right->n);
	if (n >= 2 && text[0] == '/' && (text[1] == '/' || text[1] == '*'))
		return false;
	lex_open(&lx, pp->a, pp->dx, &pp->names, (str){ text, n }, 0);
	lex_next(&lx, &t);
	if (t.n != n || t.kind == TOK_OTHER)
		return false;
	t.flags = left->flags & PP_SPACE;
	t.lo = s->call->use.lo;
	t.hi = s->call->use.hi;
	t.olo = left->olo;
	t.ohi = left->ohi;
	*left = t;
	return true;
}

static void report_paste(struct subst *s, const struct pp_tok *left, const struct pp_tok *right)
{
	const struct pp_macro *m = s->call->macro;

	diag_add(s->pp->dx, s->call->use, E_MACRO,
		 "## makes '" STR_FMT STR_FMT "' here, which is no token of C",
		 STR_ARG(pp_text(left)), STR_ARG(pp_text(right)));
	if (span_known(m->span))
		diag_note(s->pp->dx, m->span, "in the body of macro '" STR_FMT "'",
			  STR_ARG(m->name->text));
}

/* ---- appending ------------------------------------------------------------------------------- */

static void append(struct subst *s, const struct pp_tok *t)
{
	pp_list *out = s->out;
	bool is_pasted;

	if (!pp_count_work(s->pp, 1, s->call->use))
		return;
	s->n_appended++;
	is_pasted = s->is_pasting && out->n;
	s->is_pasting = false;
	if (is_pasted) {
		if (paste(s, vec_last(out), t))
			return;
		report_paste(s, vec_last(out), t);
	}
	if (t->kind == PP_PLACE)
		s->n_places++;
	*vec_push(s->pp->a, out) = *t;
	if (s->owes_space)
		vec_last(out)->flags |= PP_SPACE;
	s->owes_space = false;
}

static void append_place(struct subst *s, u8 flags)
{
	struct pp_tok t = { .kind = PP_PLACE, .flags = flags & PP_SPACE };

	append(s, &t);
}

/* Tokens of an argument in place of parameter `e`. */
static void append_list(struct subst *s, const struct pp_tok *e, const struct pp_tok *at, u32 n)
{
	for (u32 i = 0; i < n && !s->pp->is_stopped; i++) {
		struct pp_tok t = at[i];

		if (i == 0)
			t.flags = (u8)((t.flags & ~PP_SPACE) | (e->flags & PP_SPACE));
		append(s, &t);
	}
}

static struct pp_arg *full_arg(struct subst *s, u32 index)
{
	struct pp_arg *arg = &s->call->args.at[index];

	if (!arg->is_full)
		pp_expand_arg(s->pp, s->call, arg);
	return arg;
}

static void append_full(struct subst *s, const struct pp_tok *e)
{
	struct pp_arg *arg = full_arg(s, e->punct);

	if (!arg->full_n)
		s->owes_space |= (e->flags & PP_SPACE) != 0;
	append_list(s, e, pp_list_from(&s->call->full, arg->full_from), arg->full_n);
}

static void append_string(struct subst *s, const struct pp_tok *e)
{
	const struct pp_arg *arg = &s->call->args.at[e->punct];
	str text = pp_spell(s->pp, pp_list_from(&s->call->raw, arg->from), arg->n, true);
	struct pp_tok t = { .kind = TOK_STRING, .flags = e->flags & PP_SPACE };

	t.s = text.s;
	t.n = text.n;
	t.lo = s->call->use.lo;
	t.hi = s->call->use.hi;
	t.olo = e->lo;
	t.ohi = e->hi;
	append(s, &t);
}

static void append_param(struct subst *s, const struct pp_tok *e)
{
	const struct pp_arg *arg = &s->call->args.at[e->punct];

	if (e->flags & PP_STRINGIZE)
		append_string(s, e);
	else if (!s->is_pasting && !(e->flags & PP_PASTE))
		append_full(s, e);
	else if (arg->n)
		append_list(s, e, pp_list_from(&s->call->raw, arg->from), arg->n);
	else
		append_place(s, e->flags);
}

static void append_own(struct subst *s, const struct pp_tok *e)
{
	struct pp_tok t = *e;

	t.flags &= ~PP_PASTE;
	t.olo = e->lo;
	t.ohi = e->hi;
	t.lo = s->call->use.lo;
	t.hi = s->call->use.hi;
	append(s, &t);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static bool is_gnu_comma(const struct pp_macro *m, u32 i)
{
	const struct pp_tok *e = &m->body[i];

	return m->is_variadic && pp_is(e, ',') && (e->flags & PP_PASTE) && e[1].kind == PP_PARAM &&
	       e[1].punct == m->n_params - 1 && !(e[1].flags & PP_STRINGIZE);
}

/* `, ## __VA_ARGS__` with something given. */
static void append_gnu_comma(struct subst *s, const struct pp_tok *e)
{
	const struct pp_arg *arg = &s->call->args.at[e[1].punct];

	append_own(s, e);
	append_list(s, e + 1, pp_list_from(&s->call->raw, arg->from), arg->n);
}

static void drop_places(pp_list *out)
{
	u32 n = 0;
	bool owes_space = false;

	for (u32 i = 0; i < out->n; i++) {
		owes_space |= (out->at[i].flags & PP_SPACE) != 0;
		if (out->at[i].kind == PP_PLACE)
			continue;
		out->at[n] = out->at[i];
		out->at[n].flags |= owes_space ? PP_SPACE : 0;
		owes_space = false;
		n++;
	}
	out->n = n;
}

void pp_substitute(struct pp *pp, struct pp_call *call, pp_list *out)
{
	const struct pp_macro *m = call->macro;
	struct subst s = { .pp = pp, .call = call, .out = out };
	u64 opt_from = 0;

	for (u32 i = 0; i < m->n_body && !pp->is_stopped; i++) {
		const struct pp_tok *e = &m->body[i];

		if (e->kind == PP_OPT_BEGIN) {
			opt_from = s.n_appended;
			if (full_arg(&s, m->n_params - 1)->full_n)
				continue;
			i += e->punct;
			append_place(&s, e->flags);
		} else if (e->kind == PP_OPT_END) {
			if (s.n_appended == opt_from)
				append_place(&s, e->flags);
		} else if (e->kind == PP_PARAM) {
			append_param(&s, e);
		} else if (is_gnu_comma(m, i)) {
			if (!call->is_elided)
				append_gnu_comma(&s, e);
			i++;
		} else {
			append_own(&s, e);
		}
		s.is_pasting = m->body[i].flags & PP_PASTE;
	}
	if (s.n_places)
		drop_places(out);
}
