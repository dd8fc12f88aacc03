/* dump: the tokens of a program as text, for `skep dump --stage tokens` and for golden tests.
 *
 * One line a token: place, kind, spelling. Strings are shown joined and decoded; numbers and
 * characters as they are written. A token out of a macro shows, behind @, where it stands in the
 * definition. `#pragma skep` lines come last.
 */
#include "cfront/token.h"

static const char *kind_name(const struct token *t)
{
	switch (t->kind) {
	case TOK_EOF: return "end";
	case TOK_IDENT: return t->keyword ? "keyword" : "name";
	case TOK_NUMBER: return "number";
	case TOK_CHAR: return "char";
	case TOK_STRING: return "string";
	case TOK_PUNCT: return "punct";
	case TOK_PRAGMA: return "pragma";
	default: return "other";
	}
}

static void put_place(struct sbuf *out, struct sources *ss, u32 at)
{
	struct place p = sources_place(ss, at);

	if (p.src)
		sbuf_printf(out, STR_FMT ":%u:%u", STR_ARG(p.src->name), p.line, p.col);
	else
		sbuf_puts(out, "-");
}

static void put_token(struct sbuf *out, struct sources *ss, const struct token *t)
{
	put_place(out, ss, t->span.lo);
	sbuf_printf(out, "\t%s", kind_name(t));
	if (t->kind == TOK_STRING) {
		sbuf_puts(out, t->char_width == 4 ? "\tL" : t->char_width == 2 ? "\tu" : "\t");
		sbuf_quote(out, t->bytes);
	} else if (t->kind == TOK_OTHER) {
		sbuf_putc(out, '\t');
		sbuf_quote(out, t->text);
	} else if (t->text.n) {
		sbuf_putc(out, '\t');
		sbuf_put(out, t->text);
	}
	if (span_known(t->origin)) {
		sbuf_puts(out, "\t@ ");
		put_place(out, ss, t->origin.lo);
	}
	sbuf_putc(out, '\n');
}

bool cf_dump_tokens(const struct cf_options *o, struct source *src, struct sbuf *out)
{
	u32 n_errors = o->dx->n_errors;
	struct pp_result result;

	pp_run(o, src, &result);
	for (u32 i = 0; i < result.tokens.n; i++)
		put_token(out, o->ss, &result.tokens.at[i]);
	for (u32 i = 0; i < result.pragmas.n; i++) {
		put_place(out, o->ss, result.pragmas.at[i].span.lo);
		sbuf_printf(out, "\tskep\t" STR_FMT "\n", STR_ARG(result.pragmas.at[i].words));
	}
	return o->dx->n_errors == n_errors;
}
