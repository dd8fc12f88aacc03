/* pp_pragma: #pragma and _Pragma (C11 6.10.6, 6.10.9).
 *
 *   #pragma once               the header is read once
 *   #pragma skep WORDS         collected for the command line; WORDS are the line as it stands, to
 *   its
 *                              end: no macros, no comments (a path with a star is a word)
 *   #pragma unroll [N]         goes to the parser as TOK_PRAGMA, macros expanded, as "unroll" or
 *   "unroll N";
 *                              so do nounroll and the spellings of GCC and clang for the same
 *   #pragma pack(…)            goes to the parser as it stands, macros expanded
 *   #pragma GCC, clang, STDC   other settings of compilers: ignored in silence
 * Anything else is ignored with one warning for each first word.
 */
#include "cfront/pp.h"

#include <string.h>

/* Word i of the pragma in pp->line, or nothing. */
static str word(const struct pp *pp, u32 i)
{
	return i < pp->line.n ? pp_text(&pp->line.at[i]) : STR("");
}

static bool is_word(const struct pp *pp, u32 i, const char *what)
{
	return str_is(word(pp, i), what);
}

/* Replaces pp->line by its expansion. */
static void expand_line(struct pp *pp)
{
	struct pp_buf *b = pp_take_buf(pp), *result = pp_take_buf(pp);
	struct pp_tok t;

	for (u32 i = 0; i < pp->line.n; i++)
		*vec_push(pp->a, &b->list) = pp->line.at[i];
	pp_push_list(pp, b->list.at, b->list.n, true);
	for (pp_next(pp, &t); t.kind != TOK_EOF; pp_next(pp, &t))
		*vec_push(pp->a, &result->list) = t;
	pp_pop(pp);
	pp->line.n = 0;
	for (u32 i = 0; i < result->list.n; i++)
		*vec_push(pp->a, &pp->line) = result->list.at[i];
	pp_give_buf(pp, b);
	pp_give_buf(pp, result);
}

/* Makes *t the parser's token with these words. */
static bool give(struct pp_tok *t, str words, struct span at)
{
	*t = (struct pp_tok){ .kind = TOK_PRAGMA, .flags = PP_BOL, .lo = at.lo, .hi = at.hi };
	t->s = words.s;
	t->n = words.n;
	return true;
}

/* `clang loop OPTION(VALUE)…`: what it says about unrolling, in our words; empty: nothing. */
static str loop_words(const struct pp *pp)
{
	for (u32 i = 2; i + 2 < pp->line.n; i++) {
		bool is_count = is_word(pp, i, "unroll_count");

		if ((!is_count && !is_word(pp, i, "unroll")) || !is_word(pp, i + 1, "("))
			continue;
		if (is_count)
			return str_printf(pp->a, "unroll " STR_FMT, STR_ARG(word(pp, i + 2)));
		return is_word(pp, i + 2, "disable") ? STR("nounroll") : STR("unroll");
	}
	return STR("");
}

/* `unroll`, `unroll N`, `unroll(N)`; the words begin at `from`. */
static str unroll_words(const struct pp *pp, u32 from)
{
	u32 at = from + 1;

	if (is_word(pp, at, "("))
		at++;
	if (at >= pp->line.n || is_word(pp, at, ")"))
		return STR("unroll");
	return str_printf(pp->a, "unroll " STR_FMT, STR_ARG(word(pp, at)));
}

static bool is_known_elsewhere(const struct pp *pp)
{
	return is_word(pp, 0, "GCC") || is_word(pp, 0, "clang") || is_word(pp, 0, "STDC") ||
	       is_word(pp, 0, "region") || is_word(pp, 0, "endregion") || is_word(pp, 0, "message");
}

static void warn_unknown(struct pp *pp, struct span at)
{
	str first = word(pp, 0);

	if (strmap_get(&pp->pragmas_warned, first))
		return;
	strmap_put(pp->a, &pp->pragmas_warned, first, pp);
	diag_add(pp->dx, at, W_UNKNOWN_PRAGMA, "#pragma " STR_FMT " has no effect here",
		 STR_ARG(first));
}

/* Carries out the pragma in pp->line; true: *t became a token. */
static bool apply(struct pp *pp, struct span at, struct pp_tok *t)
{
	bool is_gcc =
		is_word(pp, 0, "GCC") && (is_word(pp, 1, "unroll") || is_word(pp, 1, "nounroll"));
	u32 from = is_gcc ? 1 : 0;
	str words;

	if (!pp->line.n)
		return false;
	if (is_word(pp, 0, "once")) {
		if (pp->file->header)
			pp->file->header->is_once = true;
		return false;
	}
	if (is_word(pp, from, "nounroll"))
		return give(t, STR("nounroll"), at);
	if (is_word(pp, from, "unroll")) {
		expand_line(pp);
		return give(t, unroll_words(pp, from), at);
	}
	if (is_word(pp, 0, "clang") && is_word(pp, 1, "loop")) {
		expand_line(pp);
		words = loop_words(pp);
		return words.n && give(t, words, at);
	}
	if (is_word(pp, 0, "pack")) {
		expand_line(pp);
		return give(t, pp_spell(pp, pp->line.at, pp->line.n, false), at);
	}
	if (!is_known_elsewhere(pp))
		warn_unknown(pp, at);
	return false;
}

/* If the words are for skep: keeps them. */
static bool take_skep(struct pp *pp, str words, struct span at)
{
	struct cf_pragma *pragma;

	words = str_trim(words);
	if (!str_starts(words, "skep") || (words.n > 4 && !strchr(" \t", words.s[4])))
		return false;
	pragma = vec_push(pp->a, &pp->out->pragmas);
	pragma->words = str_trim(str_sub(words, 4, UINT32_MAX));
	pragma->span = at;
	return true;
}

bool pp_pragma(struct pp *pp, struct span at, struct pp_tok *t)
{
	struct lexer *lx = &pp->file->lx;
	const char *from = lx->p;
	str words = lex_rest_of_line(lx);

	at.hi += (u32)(lx->p - from);
	if (take_skep(pp, words, at))
		return false;
	lx->p = from;
	pp_read_line(pp);
	at.hi = pp->line.n ? vec_last(&pp->line)->hi : at.hi;
	return apply(pp, at, t);
}

/* 6.10.9: the text of the string literal without prefix, quotes and escapes of \ and ". */
static str destringize(struct pp *pp, str x)
{
	struct sbuf b;
	u32 i = 0;

	sbuf_init(&b, pp->a);
	while (i < x.n && x.s[i] != '"')
		i++;
	for (i++; i + 1 < x.n; i++) {
		if (x.s[i] == '\\' && (x.s[i + 1] == '\\' || x.s[i + 1] == '"'))
			i++;
		sbuf_putc(&b, x.s[i] == '\n' ? ' ' : x.s[i]);
	}
	return sbuf_str(&b);
}

bool pp_pragma_operator(struct pp *pp, struct pp_tok *t)
{
	struct span at = pp_span(t);
	struct pp_tok open, text, close;
	struct lexer lx;
	str words;

	pp_next(pp, &open);
	if (!pp_is(&open, '(')) {
		pp_unread(pp, &open);
		diag_add(pp->dx, at, E_DIRECTIVE, "_Pragma needs a string in parentheses");
		return false;
	}
	pp_next(pp, &text);
	pp_next(pp, &close);
	if (text.kind != TOK_STRING || !pp_is(&close, ')')) {
		pp_unread(pp, &close);
		diag_add(pp->dx, at, E_DIRECTIVE, "_Pragma needs a string in parentheses");
		return false;
	}
	words = destringize(pp, pp_text(&text));
	if (!pp_count_text(pp, words.n, at) || take_skep(pp, words, at))
		return false;
	lex_open(&lx, pp->a, pp->dx, &pp->names, words, 0);
	lx.in_directive = true;
	pp->line.n = 0;
	do
		lex_next(&lx, vec_push(pp->a, &pp->line));
	while (vec_last(&pp->line)->kind != TOK_EOF);
	pp->line.n--;
	return apply(pp, at, t);
}
