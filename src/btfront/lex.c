/* lex: the text of a script to tokens.
 *
 * The language has two alphabets. Between probes stand the texts of attach points, which are cut
 * out whole (up to a blank, `,` or `{`; double quotes protect) and read by room probes; `/` begins
 * a predicate there, unless the provider's text holds a path. Inside predicates and bodies stand
 * ordinary tokens. Which of the two is meant follows from the braces alone, so the lexer does it
 * and the parser sees one list.
 *
 * Other things that may stand between probes (config, struct, macro, let, #define) are made of
 * ordinary tokens up to their `;` or closing brace.
 *
 * Literals (reference: bpftrace's language page): integers in decimal, hexadecimal, octal, 1e6,
 * with `_` and C's suffixes, durations (5ms) in nanoseconds; strings with \n \t \r \" \\ \ooo \xHH.
 */
#include <string.h>
#include <strings.h>

#include "btfront/ast.h"

enum { MAX_SOURCE = 256 << 10, MAX_ERRORS = 20 };
enum mode { TOP, PREDICATE, BODY, OTHER };

struct lexer {
	struct arena *a;
	struct diags *dx;
	str s;
	u32 at, base;
	enum mode mode;
	u32 depth; /* open braces */
	struct bt_toks *out;
	u32 errors;
	bool is_quiet;
	bool is_c; /* OTHER: a C definition, which may go on behind its brace */
	bool is_typedef;
	bool is_torn; /* an end is missing, or there was rubbish: what follows is guesswork */
};

static const char *const puncts[] = {
#define P(name, text) text,
	BT_PUNCTS(P)
#undef P
};

const char *bt_tok_name(enum bt_tok_kind k)
{
	static const char *const names[] = { "the end of the script",
					     "this",
					     "a probe",
					     "a directive",
					     "a name",
					     "a number",
					     "a string",
					     "a variable",
					     "a parameter",
					     "a map" };

	return k < ARRAY_LEN(names) ? names[k] : puncts[k - ARRAY_LEN(names)];
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}
static bool is_word(char c)
{
	return is_digit(c) || c == '_' || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\v' || c == '\f';
}

static char peek(const struct lexer *l, u32 ahead)
{
	return l->s.n - l->at > ahead ? l->s.s[l->at + ahead] : 0;
}

static struct span span_from(const struct lexer *l, u32 start)
{
	return (struct span){ l->base + start, l->base + l->at };
}

static struct bt_tok *add(struct lexer *l, enum bt_tok_kind k, u32 start)
{
	struct bt_tok *t = vec_push(l->a, &l->out->list);

	t->kind = k;
	t->span = span_from(l, start);
	t->text = str_sub(l->s, start, l->at - start);
	return t;
}

static void bad(struct lexer *l, u32 start, enum diag_tag tag, const char *what)
{
	l->errors++;
	if (l->is_quiet)
		return;
	diag_add(l->dx, span_from(l, start), tag, "%s", what);
}

/* ---- blanks and comments --------------------------------------------------------------------- */

static void skip_line(struct lexer *l)
{
	while (l->at < l->s.n && l->s.s[l->at] != '\n')
		l->at++;
}

static void skip_comment(struct lexer *l)
{
	u32 start = l->at;

	for (l->at += 2; l->at < l->s.n; l->at++) {
		if (peek(l, 0) == '*' && peek(l, 1) == '/') {
			l->at += 2;
			return;
		}
	}
	l->at = start + 2;
	l->is_torn = true;
	bad(l, start, E_UNTERMINATED, "this comment never ends");
	l->at = l->s.n;
}

static void skip_blanks(struct lexer *l)
{
	while (l->at < l->s.n) {
		if (is_blank(peek(l, 0)))
			l->at++;
		else if (peek(l, 0) == '/' && peek(l, 1) == '/')
			skip_line(l);
		else if (peek(l, 0) == '/' && peek(l, 1) == '*')
			skip_comment(l);
		else
			return;
	}
}

/* ---- numbers -------------------------------------------------------------------------------- */

static int digit_value(char c)
{
	if (is_digit(c))
		return c - '0';
	c |= 0x20;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : 99;
}

/* Digits of a base with `_` between them; false if there are none or they do not fit. */
static bool digits(str x, u32 base, u64 *out)
{
	bool any = false;

	*out = 0;
	for (u32 i = 0; i < x.n; i++) {
		int d = digit_value(x.s[i]);

		if (x.s[i] == '_' && any && i + 1 < x.n)
			continue;
		if (d >= (int)base || __builtin_mul_overflow(*out, base, out) ||
		    __builtin_add_overflow(*out, (u64)d, out))
			return false;
		any = true;
	}
	return any;
}

/* 5e3 */
static bool scientific(str x, u64 *out)
{
	int e = str_find(x, 'e', 0);
	u64 power;

	if (e < 0)
		e = str_find(x, 'E', 0);
	if (e <= 0 || !digits(str_sub(x, 0, (u32)e), 10, out) ||
	    !digits(str_sub(x, (u32)e + 1, x.n), 10, &power) || power > 19)
		return false;
	while (power--)
		if (__builtin_mul_overflow(*out, 10ull, out))
			return false;
	return true;
}

static bool with_suffix(str x, u64 *out)
{
	static const struct {
		const char *text;
		u64 times;
	} suffixes[] = {
		{ "ull", 1 },
		{ "llu", 1 },
		{ "ul", 1 },
		{ "lu", 1 },
		{ "ll", 1 },
		{ "u", 1 },
		{ "l", 1 },
		{ "ns", 1 },
		{ "us", 1000 },
		{ "ms", 1000000 },
		{ "s", 1000000000 },
		{ "m", 60000000000 },
		{ "h", 3600000000000 },
		{ "d", 86400000000000 },
	};
	bool is_hex = x.n > 2 && x.s[0] == '0' && (x.s[1] | 0x20) == 'x';
	u32 n = is_hex ? 2 : 0;

	while (n < x.n && (x.s[n] == '_' || digit_value(x.s[n]) < (is_hex ? 16 : 10)))
		n++;
	for (u32 i = 0; i < ARRAY_LEN(suffixes); i++) {
		const char *s = suffixes[i].text;
		bool is_time = i >= 7;

		if (x.n - n != strlen(s) || strncasecmp(x.s + n, s, x.n - n) != 0)
			continue;
		if (is_time && (is_hex || memcmp(x.s + n, s, x.n - n) != 0))
			continue;
		x.n = n;
		if (!digits(is_hex ? str_sub(x, 2, n) : x, is_hex ? 16 : 10, out))
			return false;
		return !__builtin_mul_overflow(*out, suffixes[i].times, out);
	}
	return false;
}

static bool number_value(str x, u64 *out)
{
	if (x.n > 2 && x.s[0] == '0' && (x.s[1] | 0x20) == 'x' &&
	    digits(str_sub(x, 2, x.n), 16, out))
		return true;
	if (x.n > 1 && x.s[0] == '0' && digits(x, 8, out))
		return true;
	if ((x.n == 1 || x.s[0] != '0') && digits(x, 10, out))
		return true;
	return scientific(x, out) || with_suffix(x, out);
}

static void lex_number(struct lexer *l)
{
	u32 start = l->at;
	struct bt_tok *t;

	while (is_word(peek(l, 0)))
		l->at++;
	t = add(l, T_INT, start);
	if (number_value(t->text, &t->value))
		return;
	if (l->is_quiet) {
		l->errors++;
		return;
	}
	diag_add(l->dx, t->span, E_NUMBER, "'" STR_FMT "' is not an integer of at most 64 bits",
		 STR_ARG(t->text));
	diag_hint(l->dx, "numbers look like 100, 0x1f, 017, 1e6, 1_000_000, 5ms");
	l->errors++;
}

/* ---- strings -------------------------------------------------------------------------------- */

static bool number_escape(struct lexer *l, u32 base, u32 max, char *out)
{
	u32 n = 0, v = 0;

	while (n < max && digit_value(peek(l, 0)) < (int)base) {
		v = v * base + (u32)digit_value(peek(l, 0));
		l->at++;
		n++;
	}
	*out = (char)v;
	return n && v < 256;
}

/* Behind the backslash; false if the language does not have it. */
static bool escape(struct lexer *l, char *out)
{
	static const char from[] = "ntr\"\\", to[] = "\n\t\r\"\\";
	char c = peek(l, 0);
	const char *p = c ? strchr(from, c) : NULL;

	if (p) {
		l->at++;
		*out = to[p - from];
		return true;
	}
	if (c == 'x') {
		l->at++;
		return number_escape(l, 16, 2, out);
	}
	return number_escape(l, 8, 3, out);
}

static void lex_string(struct lexer *l)
{
	u32 start = l->at++;
	struct bt_tok *t;
	struct sbuf b;

	sbuf_init(&b, l->a);
	while (l->at < l->s.n && peek(l, 0) != '"' && peek(l, 0) != '\n') {
		u32 from = l->at;
		char c = l->s.s[l->at++];

		if (c == '\\' && !escape(l, &c)) {
			if (l->at == from + 1 && l->at < l->s.n)
				l->at++;
			bad(l, from, E_ESCAPE,
			    "strings know only \\n \\t \\r \\\" \\\\ \\ooo \\xHH");
			continue;
		}
		sbuf_putc(&b, c);
	}
	if (peek(l, 0) == '"' && l->at < l->s.n) {
		l->at++;
	} else {
		l->is_torn = true;
		bad(l, start, E_UNTERMINATED, "this string has no closing quote on its line");
	}
	t = add(l, T_STR, start);
	t->text = sbuf_str(&b);
}

/* ---- ordinary tokens ------------------------------------------------------------------------- */

static void lex_word(struct lexer *l)
{
	u32 start = l->at;

	while (is_word(peek(l, 0)))
		l->at++;
	add(l, T_IDENT, start);
}

static void lex_dollar(struct lexer *l)
{
	u32 start = l->at++;
	struct bt_tok *t;

	if (peek(l, 0) == '#') {
		l->at++;
		add(l, T_PARAM, start);
		return;
	}
	while (is_word(peek(l, 0)))
		l->at++;
	t = add(l, T_VAR, start);
	if (t->text.n < 2) {
		t->kind = T_BAD;
		bad(l, start, E_BT_SYNTAX, "a variable's name is missing behind '$'");
	} else if (is_digit(t->text.s[1])) {
		t->kind = T_PARAM;
		if (!digits(str_sub(t->text, 1, t->text.n), 10, &t->value) || !t->value) {
			t->kind = T_BAD;
			bad(l, start, E_BT_SYNTAX, "parameters of the script are $1, $2, …");
		}
	}
}

static void lex_map(struct lexer *l)
{
	u32 start = l->at++;

	if (!is_digit(peek(l, 0)))
		while (is_word(peek(l, 0)))
			l->at++;
	add(l, T_MAP, start);
}

static void lex_rubbish(struct lexer *l)
{
	u32 start = l->at;

	while (l->at < l->s.n && !is_blank(peek(l, 0)) &&
	       (l->at == start || (u8)peek(l, 0) >= 0x7f || (u8)peek(l, 0) < ' '))
		l->at++;
	add(l, T_BAD, start);
	l->is_torn = true;
	bad(l, start, E_CHAR, "no part of the language begins with this");
}

static void lex_punct(struct lexer *l)
{
	u32 start = l->at;
	str rest = str_sub(l->s, l->at, 3);

	for (u32 i = 0; i < ARRAY_LEN(puncts); i++) {
		if (!str_starts(rest, puncts[i]))
			continue;
		l->at += (u32)strlen(puncts[i]);
		add(l, (enum bt_tok_kind)(T_MAP + 1 + i), start);
		return;
	}
	lex_rubbish(l);
}

static void lex_ordinary(struct lexer *l)
{
	char c = peek(l, 0);

	if (is_digit(c))
		lex_number(l);
	else if (is_word(c))
		lex_word(l);
	else if (c == '"')
		lex_string(l);
	else if (c == '$')
		lex_dollar(l);
	else if (c == '@')
		lex_map(l);
	else
		lex_punct(l);
}

/* ---- between probes -------------------------------------------------------------------------- */

/* Providers whose text holds a path, so that `/` belongs to it. */
static bool has_path(str text)
{
	static const char *const names[] = { "uprobe",	   "u",	   "uretprobe", "ur",	 "usdt",
					     "watchpoint", "iter", "it",	"cgroup" };
	str head = str_cut(&text, ':');

	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		if (head.n == strlen(names[i]) && !strncasecmp(head.s, names[i], head.n))
			return true;
	return false;
}

static bool ends_probe(const struct lexer *l, u32 start)
{
	char c = peek(l, 0);

	if (is_blank(c) || c == ',' || c == '{' || c == ';' || c == '}')
		return true;
	return c == '/' && !has_path(str_sub(l->s, start, l->at - start));
}

static void lex_probe(struct lexer *l)
{
	u32 start = l->at;
	bool quoted = false;

	while (l->at < l->s.n && peek(l, 0) != '\n' && (quoted || !ends_probe(l, start))) {
		char c = peek(l, 0);

		if (quoted && c == '\\' && l->at + 1 < l->s.n)
			l->at++;
		else if (c == '"')
			quoted = !quoted;
		l->at++;
	}
	add(l, T_PROBE, start);
}

static bool is_keyword(str word)
{
	static const char *const words[] = { "config", "struct", "union", "enum",  "typedef",
					     "macro",  "fn",	 "let",	  "import" };

	for (u32 i = 0; i < ARRAY_LEN(words); i++)
		if (str_is(word, words[i]))
			return true;
	return false;
}

static void lex_directive(struct lexer *l)
{
	u32 start = l->at;

	if (start == 0 && peek(l, 1) == '!') {
		skip_line(l);
		return;
	}
	do {
		if (l->at > start)
			l->at++;
		skip_line(l);
	} while (l->at < l->s.n && l->s.s[l->at - 1] == '\\');
	add(l, T_DIRECTIVE, start);
}

static void lex_top(struct lexer *l)
{
	char c = peek(l, 0);
	u32 n = 0;

	if (c == '#') {
		lex_directive(l);
	} else if (c == '/') {
		lex_punct(l);
		l->mode = PREDICATE;
	} else if (c == ',' || c == '{' || c == '}' || c == ';' || c == '=') {
		lex_punct(l);
	} else if ((u8)c < ' ' || (u8)c >= 0x7f) {
		lex_rubbish(l);
	} else {
		while (is_word(peek(l, n)))
			n++;
		if (!is_keyword(str_sub(l->s, l->at, n))) {
			lex_probe(l);
			return;
		}
		l->is_typedef = n == 7;
		l->is_c = n > 3 && l->s.s[l->at] != 'c' && l->s.s[l->at] != 'm' &&
			  l->s.s[l->at] != 'i';
		lex_word(l);
		l->mode = OTHER;
	}
}

/* Does a C definition go on behind its closing brace? */
static bool goes_on(const struct lexer *l)
{
	struct lexer next = *l;

	next.is_quiet = true;
	skip_blanks(&next);
	return l->is_c &&
	       (l->is_typedef || str_starts(str_sub(l->s, next.at, 13), "__attribute__"));
}

/* Braces and ends of definitions switch between the alphabets. */
static void follow_mode(struct lexer *l, enum bt_tok_kind k)
{
	if (k == T_LBRACE) {
		l->depth++;
		if (l->mode != OTHER)
			l->mode = BODY;
	} else if (k == T_RBRACE && l->depth && --l->depth == 0) {
		if (l->mode != OTHER || !goes_on(l))
			l->mode = TOP;
	} else if (k == T_SEMI && !l->depth && l->mode == OTHER) {
		l->mode = TOP;
	}
}

bool bt_lex(struct arena *a, struct diags *dx, const struct source *src, struct bt_toks *out)
{
	struct lexer l = { .a = a, .dx = dx, .s = src->text, .base = src->base, .out = out };

	if (l.s.n > MAX_SOURCE) {
		diag_add(dx, (struct span){ l.base, l.base + 1 }, E_TOO_LARGE,
			 "a script has at most %u bytes, this one has %u", MAX_SOURCE, l.s.n);
		l.at = l.s.n;
		l.is_torn = true;
	}
	for (skip_blanks(&l); l.at < l.s.n && l.errors < MAX_ERRORS; skip_blanks(&l)) {
		u32 before = out->list.n;

		if (l.mode == TOP)
			lex_top(&l);
		else
			lex_ordinary(&l);
		if (out->list.n > before)
			follow_mode(&l, vec_last(&out->list)->kind);
	}
	if (l.errors >= MAX_ERRORS)
		l.at = l.s.n;
	add(&l, T_EOF, l.at);
	return !l.is_torn;
}

bool bt_lex_text(struct arena *a, struct diags *dx, str text, struct span at, struct bt_toks *out)
{
	struct lexer l = {
		.a = a, .dx = dx, .s = text, .out = out, .mode = BODY, .is_quiet = true
	};

	for (skip_blanks(&l); l.at < l.s.n && !l.errors; skip_blanks(&l))
		lex_ordinary(&l);
	add(&l, T_EOF, l.at);
	for (u32 i = 0; i < out->list.n; i++)
		out->list.at[i].span = at;
	return !l.errors && out->list.n < 10000;
}
