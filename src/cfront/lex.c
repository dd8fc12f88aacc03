/* lex: from the text of a source to tokens (C11 5.1.1.2 phases 2 and 3, and 6.4).
 *
 * Each call of lex_next() skips blanks and comments and cuts one token, whose spelling is a view
 * into the source. Line splices (backslash, newline) may stand anywhere, even inside a token. They
 * are rare, so the scanner itself does not know them: it stops in front of one, and then the token
 * is scanned again in a copy without splices (lex_spliced), which grows only as far as the token
 * needs.
 *
 * Names are interned here when the preprocessor asks for it, with the hash made while scanning.
 *
 * Bytes that begin no token become TOK_OTHER without a word, since a group skipped by #if may hold
 * anything; lex_report_other() tells about those that survive. A string or character constant
 * without its closing quote is TOK_OTHER too; it ends before the trailing `);` of its line, so that
 * the parser can go on.
 *
 * Trigraphs are not replaced (as in gnu11). Names are ASCII, because kernel type information is.
 */
#include "cfront/lex.h"

#include <string.h>

/* ---- character classes ----------------------------------------------------------------------- */

enum {
	C_NAME = 1,
	C_DIGIT = 2,
	C_BLANK = 4,
	C_LONE = 8,   /* a punctuator that begins no longer one */
	C_PUNCT = 16, /* any other punctuator's first byte */
};
static const u8 class_of[256] = {
	['a' ... 'z'] = C_NAME, ['A' ... 'Z'] = C_NAME, ['_'] = C_NAME,	  ['0' ... '9'] = C_DIGIT,
	[' '] = C_BLANK,	['\t'] = C_BLANK,	['\v'] = C_BLANK, ['\f'] = C_BLANK,
	['\r'] = C_BLANK,	['('] = C_LONE,		[')'] = C_LONE,	  ['['] = C_LONE,
	[']'] = C_LONE,		['{'] = C_LONE,		['}'] = C_LONE,	  [';'] = C_LONE,
	[','] = C_LONE,		['?'] = C_LONE,		['~'] = C_LONE,	  ['.'] = C_PUNCT,
	['<'] = C_PUNCT,	['>'] = C_PUNCT,	['-'] = C_PUNCT,  ['+'] = C_PUNCT,
	['*'] = C_PUNCT,	['/'] = C_PUNCT,	['%'] = C_PUNCT,  ['&'] = C_PUNCT,
	['|'] = C_PUNCT,	['^'] = C_PUNCT,	['!'] = C_PUNCT,  ['='] = C_PUNCT,
	[':'] = C_PUNCT,	['#'] = C_PUNCT,
};

static bool is_class(char c, u8 classes)
{
	return class_of[(u8)c] & classes;
}

/* If a splice stands at p: what is behind it, else NULL. Blanks before the newline are let pass, as
 * other compilers do. */
static const char *splice_end(const char *p, const char *end)
{
	if (p >= end || *p != '\\')
		return NULL;
	for (p++; p < end && is_class(*p, C_BLANK); p++)
		;
	return p < end && *p == '\n' ? p + 1 : NULL;
}

static const char *skip_splices(const char *p, const char *end)
{
	const char *q;

	while ((q = splice_end(p, end)))
		p = q;
	return p;
}

/* ---- names ----------------------------------------------------------------------------------- */

#define HASH_START 0x811c9dc5u
static u32 hash_step(u32 h, char c)
{
	return (h ^ (u8)c) * 0x01000193u;
}

u32 lex_hash(const char *s, u32 n)
{
	u32 h = HASH_START;

	for (u32 i = 0; i < n; i++)
		h = hash_step(h, s[i]);
	return h;
}

static struct pp_name **name_slot(const struct pp_names *names, const char *s, u32 n, u32 hash)
{
	u32 i = (hash ^ hash >> 15) & (names->cap - 1);
	struct pp_name *x;

	for (; (x = names->slots[i]); i = (i + 1) & (names->cap - 1))
		if (x->hash == hash && x->text.n == n && !memcmp(x->text.s, s, n))
			break;
	return &names->slots[i];
}

static void names_grow(struct pp_names *names)
{
	struct pp_names old = *names;

	base_check(arena_trap(old.a), old.cap <= UINT32_MAX / 4);
	names->cap = old.cap ? old.cap * 2 : 256;
	names->slots = arena_array_of(names->a, struct pp_name *, names->cap);
	for (u32 i = 0; i < old.cap; i++) {
		struct pp_name *x = old.slots[i];

		if (x)
			*name_slot(names, x->text.s, x->text.n, x->hash) = x;
	}
}

struct pp_name *lex_intern(struct pp_names *names, const char *s, u32 n, u32 hash)
{
	struct pp_name **slot;

	if (names->n >= names->cap / 4 * 3)
		names_grow(names);
	slot = name_slot(names, s, n, hash);
	if (!*slot) {
		names->n++;
		*slot = arena_new_of(names->a, struct pp_name);
		(*slot)->text = (str){ s, n };
		(*slot)->hash = hash;
		(*slot)->keyword = lex_keyword((*slot)->text);
	}
	return *slot;
}

/* Spelling and keyword, sorted bytewise. */
static const struct {
	const char *text;
	u8 keyword;
} keywords[] = {
	{ "_Alignas", K_ALIGNAS },
	{ "_Alignof", K_ALIGNOF },
	{ "_Bool", K_BOOL },
	{ "_Generic", K_GENERIC },
	{ "_Noreturn", K_NORETURN },
	{ "_Static_assert", K_STATIC_ASSERT },
	{ "_Thread_local", K_THREAD_LOCAL },
	{ "__alignof", K_ALIGNOF },
	{ "__alignof__", K_ALIGNOF },
	{ "__asm", K_ASM },
	{ "__asm__", K_ASM },
	{ "__attribute", K_ATTRIBUTE },
	{ "__attribute__", K_ATTRIBUTE },
	{ "__auto_type", K_AUTO_TYPE },
	{ "__const", K_CONST },
	{ "__const__", K_CONST },
	{ "__extension__", K_EXTENSION },
	{ "__inline", K_INLINE },
	{ "__inline__", K_INLINE },
	{ "__int128", K_INT128 },
	{ "__restrict", K_RESTRICT },
	{ "__restrict__", K_RESTRICT },
	{ "__signed", K_SIGNED },
	{ "__signed__", K_SIGNED },
	{ "__thread", K_THREAD_LOCAL },
	{ "__typeof", K_TYPEOF },
	{ "__typeof__", K_TYPEOF },
	{ "__volatile", K_VOLATILE },
	{ "__volatile__", K_VOLATILE },
	{ "asm", K_ASM },
	{ "auto", K_AUTO },
	{ "break", K_BREAK },
	{ "case", K_CASE },
	{ "char", K_CHAR },
	{ "const", K_CONST },
	{ "continue", K_CONTINUE },
	{ "default", K_DEFAULT },
	{ "do", K_DO },
	{ "double", K_DOUBLE },
	{ "else", K_ELSE },
	{ "enum", K_ENUM },
	{ "extern", K_EXTERN },
	{ "float", K_FLOAT },
	{ "for", K_FOR },
	{ "goto", K_GOTO },
	{ "if", K_IF },
	{ "inline", K_INLINE },
	{ "int", K_INT },
	{ "long", K_LONG },
	{ "register", K_REGISTER },
	{ "restrict", K_RESTRICT },
	{ "return", K_RETURN },
	{ "short", K_SHORT },
	{ "signed", K_SIGNED },
	{ "sizeof", K_SIZEOF },
	{ "static", K_STATIC },
	{ "struct", K_STRUCT },
	{ "switch", K_SWITCH },
	{ "typedef", K_TYPEDEF },
	{ "typeof", K_TYPEOF },
	{ "union", K_UNION },
	{ "unsigned", K_UNSIGNED },
	{ "void", K_VOID },
	{ "volatile", K_VOLATILE },
	{ "while", K_WHILE },
};

enum tok_keyword lex_keyword(str name)
{
	u32 lo = 0, hi = ARRAY_LEN(keywords);

	if (name.n > 14)
		return K_NONE;
	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		int c = strncmp(name.s, keywords[mid].text, name.n);

		if (c == 0)
			c = keywords[mid].text[name.n] ? -1 : 0;
		if (c == 0)
			return keywords[mid].keyword;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return K_NONE;
}

/* ---- one token ------------------------------------------------------------------------------- */

/* What the scanner found from its start up to `end`. */
struct scan {
	enum tok_kind kind;
	u16 punct;
	u32 hash;
	bool is_cut; /* a splice touches the token: the result does not count */
	const char *end;
};

static void scan_number(struct scan *sc, const char *p, const char *end)
{
	sc->kind = TOK_NUMBER;
	for (; p < end; p++) {
		char before = p[-1] | 0x20;

		if (is_class(*p, C_NAME | C_DIGIT) || *p == '.')
			continue;
		if ((*p != '+' && *p != '-') || (before != 'e' && before != 'p'))
			break;
	}
	sc->is_cut = splice_end(p, end) != NULL;
	sc->end = p;
}

/* The end of an unclosed literal: before the blanks and closing punctuation that end its line. */
static const char *guess_end(const char *open, const char *p)
{
	while (p > open + 1 && (is_class(p[-1], C_BLANK) || strchr(");,{}]", p[-1])))
		p--;
	return p;
}

static void scan_quoted(struct scan *sc, const char *p, const char *end)
{
	const char *open = p;
	char quote = *p++;

	sc->kind = quote == '"' ? TOK_STRING : TOK_CHAR;
	for (; p < end && *p != quote && *p != '\n'; p++) {
		if (*p != '\\')
			continue;
		sc->is_cut = splice_end(p, end) || splice_end(p + 1, end);
		if (sc->is_cut)
			break;
		if (p + 1 < end)
			p++;
	}
	if (p < end && *p == quote) {
		sc->end = p + 1;
		return;
	}
	sc->kind = TOK_OTHER;
	sc->end = sc->is_cut ? p : guess_end(open, p < end ? p : end);
}

/* The encoding prefixes of 6.4.5: u8 L u U. */
static bool is_prefix(const char *s, size_t n, char quote)
{
	if (n == 2)
		return s[0] == 'u' && s[1] == '8' && quote == '"';
	return n == 1 && (*s == 'L' || *s == 'u' || *s == 'U');
}

static void scan_name(struct scan *sc, const char *s, const char *end)
{
	const char *p = s;
	u32 h = HASH_START;

	for (; p < end && is_class(*p, C_NAME | C_DIGIT); p++)
		h = hash_step(h, *p);
	sc->kind = TOK_IDENT;
	sc->hash = h;
	sc->end = p;
	if (p == end)
		return;
	if (*p == '\\')
		sc->is_cut = splice_end(p, end) != NULL;
	else if ((*p == '"' || *p == '\'') && is_prefix(s, (size_t)(p - s), *p))
		scan_quoted(sc, p, end);
}

/* All punctuators of more than one byte; of those that share a beginning, the longest first. */
static const struct {
	char text[5];
	u8 n;
	u16 punct;
} puncts[] = {
	{ "%:%:", 4, P_HASHHASH }, { "...", 3, P_ELLIPSIS }, { "<<=", 3, P_SHL_EQ },
	{ ">>=", 3, P_SHR_EQ },	   { "->", 2, P_ARROW },     { "++", 2, P_INC },
	{ "--", 2, P_DEC },	   { "<<", 2, P_SHL },	     { ">>", 2, P_SHR },
	{ "<=", 2, P_LE },	   { ">=", 2, P_GE },	     { "==", 2, P_EQ },
	{ "!=", 2, P_NE },	   { "&&", 2, P_ANDAND },    { "||", 2, P_OROR },
	{ "*=", 2, P_MUL_EQ },	   { "/=", 2, P_DIV_EQ },    { "%=", 2, P_MOD_EQ },
	{ "+=", 2, P_ADD_EQ },	   { "-=", 2, P_SUB_EQ },    { "&=", 2, P_AND_EQ },
	{ "^=", 2, P_XOR_EQ },	   { "|=", 2, P_OR_EQ },     { "##", 2, P_HASHHASH },
	{ "<:", 2, '[' },	   { ":>", 2, ']' },	     { "<%", 2, '{' },
	{ "%>", 2, '}' },	   { "%:", 2, '#' },
};

const char *lex_punct_text(u32 punct)
{
	static const char one[128][2] = {
#define P(c) [c] = { c }
		P('!'), P('#'), P('%'), P('&'), P('('), P(')'), P('*'), P('+'), P(','),
		P('-'), P('.'), P('/'), P(':'), P(';'), P('<'), P('='), P('>'), P('?'),
		P('['), P(']'), P('^'), P('{'), P('|'), P('}'), P('~'),
#undef P
	};

	if (punct == P_HASHHASH)
		return "##";
	if (punct < ARRAY_LEN(one))
		return one[punct];
	for (size_t i = 0; i < ARRAY_LEN(puncts); i++)
		if (puncts[i].punct == punct)
			return puncts[i].text;
	return "";
}

static bool is_at(const char *p, const char *end, const char *text, u32 n)
{
	return (size_t)(end - p) >= n && !memcmp(p, text, n);
}

static void scan_punct(struct scan *sc, const char *p, const char *end)
{
	u32 n = 1;

	sc->kind = TOK_PUNCT;
	sc->punct = (u8)*p;
	sc->end = p + 1;
	if (is_class(*p, C_LONE))
		return;
	if (!is_class(*p, C_PUNCT)) {
		sc->kind = TOK_OTHER;
		return;
	}
	for (size_t i = 0; i < ARRAY_LEN(puncts); i++) {
		if (puncts[i].text[0] != *p || !is_at(p, end, puncts[i].text, puncts[i].n))
			continue;
		n = puncts[i].n;
		sc->punct = puncts[i].punct;
		break;
	}
	sc->end = p + n;
	sc->is_cut = splice_end(p + n, end) || (n == 1 && *p == '.' && splice_end(p + 2, end));
}

/* A run of bytes that are not ASCII stays one token, so that a word is one mistake. */
static void scan_other(struct scan *sc, const char *p, const char *end)
{
	const char *q = p + 1;

	if ((u8)*p >= 0x80)
		while (q < end && (u8)*q >= 0x80)
			q++;
	sc->kind = TOK_OTHER;
	sc->end = q;
}

static void scan_token(struct scan *sc, const char *p, const char *end)
{
	*sc = (struct scan){ .end = p };
	if (is_class(*p, C_NAME))
		scan_name(sc, p, end);
	else if (is_class(*p, C_DIGIT))
		scan_number(sc, p + 1, end);
	else if (*p == '.' && skip_splices(p + 1, end) < end &&
		 is_class(*skip_splices(p + 1, end), C_DIGIT)) {
		sc->is_cut = p[1] == '\\';
		if (!sc->is_cut)
			scan_number(sc, p + 1, end);
	} else if (*p == '"' || *p == '\'')
		scan_quoted(sc, p, end);
	else if ((u8)*p >= 0x80 || *p == 0)
		scan_other(sc, p, end);
	else
		scan_punct(sc, p, end);
}

/* Scans the token at lx->p in a copy of the text without splices; returns its end in the source. */
static const char *lex_spliced(struct lexer *lx, struct scan *sc, struct pp_tok *t)
{
	for (size_t cap = 64;; cap *= 2) {
		char *copy = arena_alloc(lx->a, cap);
		const char *p = skip_splices(lx->p, lx->end);
		size_t n = 0, len;

		while (n < cap && p < lx->end) {
			copy[n++] = *p++;
			p = skip_splices(p, lx->end);
		}
		scan_token(sc, copy, copy + n);
		len = (size_t)(sc->end - copy);
		/* May it go on behind the copy? The longest punctuator has 4 bytes; an open literal
		 * goes on to its line's end. */
		if (p < lx->end &&
		    (n - len < 4 || (sc->kind == TOK_OTHER && !memchr(copy, '\n', n))))
			continue;
		t->s = copy;
		t->n = (u32)len;
		p = lx->p;
		for (n = 0; n < len; n++)
			p = skip_splices(p, lx->end) + 1;
		return p;
	}
}

/* ---- blanks and comments --------------------------------------------------------------------- */

static const char *skip_line_comment(const char *p, const char *end)
{
	while (p < end && (p = memchr(p, '\n', (size_t)(end - p)))) {
		const char *q = p;

		while (q[-1] == '\r' || q[-1] == ' ' || q[-1] == '\t')
			q--;
		if (q[-1] != '\\')
			return p;
		p++;
	}
	return end;
}

/* Behind the comment whose inside begins at p; NULL if it never ends. */
static const char *skip_block_comment(const char *p, const char *end)
{
	while (p < end && (p = memchr(p, '*', (size_t)(end - p)))) {
		p = skip_splices(p + 1, end);
		if (p < end && *p == '/')
			return p + 1;
	}
	return NULL;
}

/* If a comment begins at p (a '/'): what is behind it, else NULL. */
static const char *skip_comment(struct lexer *lx, const char *p)
{
	const char *q = skip_splices(p + 1, lx->end);
	u32 at;

	if (q == lx->end || (*q != '/' && *q != '*'))
		return NULL;
	if (*q == '/')
		return skip_line_comment(q + 1, lx->end);
	q = skip_block_comment(q + 1, lx->end);
	if (q)
		return q;
	at = lx->base ? lx->base + (u32)(p - lx->start) : 0;
	diag_add(lx->dx, (struct span){ at, at ? at + 2 : 0 }, E_UNTERMINATED,
		 "this comment never ends");
	diag_hint(lx->dx, "close it with */");
	return lx->end;
}

/* Skips white space and comments; returns the flags of the token that follows. In a directive it
 * stops at the newline. */
static u8 skip_blanks(struct lexer *lx)
{
	const char *p = lx->p, *end = lx->end, *q;
	u8 flags = 0;

	for (; p < end; p = q) {
		q = p + 1;
		if (is_class(*p, C_BLANK)) {
			flags |= PP_SPACE;
		} else if (*p == '\n') {
			if (lx->in_directive)
				break;
			lx->bol = true;
			flags |= PP_SPACE;
		} else if (*p == '/' && (q = skip_comment(lx, p))) {
			flags |= PP_SPACE;
		} else if (*p == '\\' && (q = splice_end(p, end))) {
			continue;
		} else {
			break;
		}
	}
	lx->p = p;
	if (lx->bol)
		flags |= PP_BOL;
	return flags;
}

/* ---- the lexer ------------------------------------------------------------------------------- */

void lex_open(struct lexer *lx, struct arena *a, struct diags *dx, struct pp_names *names, str text,
	      u32 base)
{
	*lx = (struct lexer){ .a = a, .dx = dx, .names = names, .base = base, .bol = true };
	lx->start = lx->p = text.s;
	lx->end = text.s + text.n;
	if (str_starts(text, "\xef\xbb\xbf"))
		lx->p += 3;
}

static u32 place_of(const struct lexer *lx, const char *p)
{
	return lx->base ? lx->base + (u32)(p - lx->start) : 0;
}

void lex_next(struct lexer *lx, struct pp_tok *t)
{
	struct scan sc;
	const char *from;

	*t = (struct pp_tok){ .flags = skip_blanks(lx) };
	from = lx->p;
	t->s = from;
	t->lo = t->hi = place_of(lx, from);
	if (from == lx->end || *from == '\n') {
		t->kind = TOK_EOF;
		return;
	}
	lx->bol = false;
	scan_token(&sc, from, lx->end);
	if (sc.is_cut) {
		lx->p = lex_spliced(lx, &sc, t);
	} else {
		t->n = (u32)(sc.end - from);
		lx->p = sc.end;
	}
	t->kind = (u8)sc.kind;
	t->punct = sc.punct;
	t->hi = place_of(lx, lx->p);
	if (sc.kind == TOK_IDENT && lx->names)
		t->name = lex_intern(lx->names, t->s, t->n, sc.hash);
}

/* Moves to the end of a logical line that is not looked at, over comments and literals. */
static void skip_line(struct lexer *lx)
{
	const char *p = lx->p, *end = lx->end, *q;
	char quote = 0;

	for (; p < end && *p != '\n'; p = q) {
		q = p + 1;
		if (*p == '\\') {
			const char *next = splice_end(p, end);

			q = next ? next : q < end && *q != '\n' ? q + 1 : q;
		} else if (quote) {
			quote = *p == quote ? 0 : quote;
		} else if (*p == '"' || *p == '\'') {
			quote = *p;
		} else if (*p == '/') {
			q = skip_comment(lx, p);
			if (!q)
				q = p + 1;
		}
	}
	lx->p = p;
}

bool lex_skip_to_hash(struct lexer *lx, struct pp_tok *hash)
{
	lx->in_directive = false;
	for (;;) {
		skip_line(lx);
		skip_blanks(lx);
		if (lx->p == lx->end)
			return false;
		if (*lx->p != '#' && !is_at(lx->p, lx->end, "%:", 2))
			continue;
		lex_next(lx, hash);
		if (pp_is(hash, '#'))
			return true;
	}
}

str lex_rest_of_line(struct lexer *lx)
{
	const char *from = lx->p, *p = from;

	for (;;) {
		const char *next = splice_end(p, lx->end);

		if (!next && (p == lx->end || *p == '\n'))
			break;
		p = next ? next : p + 1;
	}
	lx->p = p;
	return str_trim((str){ from, (u32)(p - from) });
}

bool lex_header_name(struct lexer *lx, str *out_name, bool *out_is_angled, struct span *out_span)
{
	const char *open, *p;
	char close;

	skip_blanks(lx);
	open = lx->p;
	if (open == lx->end || (*open != '<' && *open != '"'))
		return false;
	close = *open == '<' ? '>' : '"';
	for (p = open + 1; p < lx->end && *p != '\n' && *p != close; p++)
		;
	if (p == lx->end || *p != close)
		return false;
	*out_name = (str){ open + 1, (u32)(p - open - 1) };
	*out_is_angled = close == '>';
	*out_span = (struct span){ place_of(lx, open), place_of(lx, p + 1) };
	lx->p = p + 1;
	return true;
}

/* ---- the parser's tokens --------------------------------------------------------------------- */

void lex_convert(const struct pp_tok *t, struct token *out)
{
	*out = (struct token){ .kind = (enum tok_kind)t->kind };
	out->bol = t->flags & PP_BOL;
	out->space = t->flags & PP_SPACE;
	out->no_expand = t->flags & PP_BLUE;
	out->punct = t->punct;
	out->keyword = t->name ? t->name->keyword : K_NONE;
	out->text = pp_text(t);
	out->span = pp_span(t);
	out->origin = (struct span){ t->olo, t->ohi };
}

void lex_report_other(struct diags *dx, str text, struct span at)
{
	u32 code, n;
	char quote = text.n ? text.s[text.n > 1 && is_class(*text.s, C_NAME)] : 0;

	if (str_starts(text, "u8\"") || quote == '"') {
		diag_add(dx, at, E_UNTERMINATED, "this string has no closing '\"' on its line");
		diag_hint(dx, "a line break inside a string is written \\n");
	} else if (quote == '\'') {
		diag_add(dx, at, E_UNTERMINATED,
			 "this character constant has no closing ' on its line");
	} else if ((n = str_utf8(text, 0, &code)) > 1) {
		diag_add(dx, at, E_CHAR, "'" STR_FMT "' (U+%04X) cannot be part of a name", (int)n,
			 text.s, code);
		diag_hint(dx, "names are ASCII letters, digits and _, as in kernel type "
			      "information");
	} else if (text.n && text.s[0] > 0x20 && text.s[0] < 0x7f) {
		diag_add(dx, at, E_CHAR, "stray '%c' in the program", text.s[0]);
	} else {
		diag_add(dx, at, E_CHAR, "byte 0x%02x begins nothing of C",
			 text.n ? (u8)text.s[0] : 0);
	}
}

void lex_source(struct arena *a, struct diags *dx, const struct source *src, token_list *out)
{
	struct lexer lx;
	struct pp_tok t;
	struct token *to;

	lex_open(&lx, a, dx, NULL, src->text, src->base);
	do {
		lex_next(&lx, &t);
		if (t.kind == TOK_OTHER)
			lex_report_other(dx, pp_text(&t), pp_span(&t));
		to = vec_push(a, out);
		lex_convert(&t, to);
		if (t.kind == TOK_IDENT)
			to->keyword = lex_keyword(to->text);
	} while (t.kind != TOK_EOF);
}
