/* lex: the text form of the ir cut into tokens.
 *
 * Ends of lines are tokens, because an instruction ends with its line; blank lines and comments
 * (from `;` to the end of the line) vanish into them. Any byte is some token, so that nothing stops
 * here: what is malformed (a number that does not fit, a string without end) is a token that says
 * so in `wrong`, and the parser reports it where it meets it.
 */
#include "ir/text.h"

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static char peek(const struct ir_lexer *lx)
{
	return lx->at < lx->src->text.n ? lx->src->text.s[lx->at] : '\0';
}

static bool at_end(const struct ir_lexer *lx)
{
	return lx->at >= lx->src->text.n;
}

/* Skips blanks and comments. */
static void skip_blanks(struct ir_lexer *lx)
{
	while (peek(lx) == ' ' || peek(lx) == '\t' || peek(lx) == '\r')
		lx->at++;
	if (peek(lx) == ';')
		while (!at_end(lx) && peek(lx) != '\n')
			lx->at++;
}

static void skip_word(struct ir_lexer *lx)
{
	while (ir_text_is_word(peek(lx)))
		lx->at++;
}

static void number(struct ir_lexer *lx, struct ir_token *t)
{
	u32 start = lx->at;

	skip_word(lx);
	if (!str_to_u64(str_sub(lx->src->text, start, lx->at - start), &t->number))
		t->wrong = "this is no number that fits 64 bits";
}

/* One character of a string behind the backslash: a C escape, or up to three octal digits. */
static char escape(struct ir_lexer *lx)
{
	static const char from[] = "abfnrtv", to[] = "\a\b\f\n\r\t\v";
	u32 code = 0;

	if (peek(lx) < '0' || peek(lx) > '7') {
		char c = peek(lx);

		lx->at++;
		for (u32 i = 0; from[i]; i++)
			if (c == from[i])
				return to[i];
		return c;
	}
	for (int i = 0; i < 3 && peek(lx) >= '0' && peek(lx) <= '7'; i++)
		code = code * 8 + (u32)(lx->src->text.s[lx->at++] - '0');
	return (char)code;
}

static void string(struct ir_lexer *lx, struct ir_token *t)
{
	struct sbuf text;

	sbuf_init(&text, lx->a);
	lx->at++;
	while (!at_end(lx) && peek(lx) != '"' && peek(lx) != '\n') {
		char c = lx->src->text.s[lx->at++];

		sbuf_putc(&text, c == '\\' && !at_end(lx) ? escape(lx) : c);
	}
	if (peek(lx) == '"')
		lx->at++;
	else
		t->wrong = "this string has no end";
	t->text = sbuf_str(&text);
}

static void word_or_punct(struct ir_lexer *lx, struct ir_token *t)
{
	u32 start = lx->at;

	if (ir_text_is_word(peek(lx))) {
		t->kind = IR_T_WORD;
		skip_word(lx);
	} else {
		t->kind = IR_T_PUNCT;
		lx->at++;
	}
	t->text = str_sub(lx->src->text, start, lx->at - start);
}

struct ir_token ir_next_token(struct ir_lexer *lx)
{
	struct ir_token t = { .kind = IR_T_END };
	u32 start;

	skip_blanks(lx);
	start = lx->at;
	if (peek(lx) == '\n') {
		t.kind = IR_T_LINE;
		while (peek(lx) == '\n') {
			lx->at++;
			skip_blanks(lx);
		}
	} else if (is_digit(peek(lx))) {
		t.kind = IR_T_NUMBER;
		number(lx, &t);
	} else if (peek(lx) == '%') {
		t.kind = IR_T_VALUE;
		lx->at++;
		number(lx, &t);
	} else if (peek(lx) == '"') {
		t.kind = IR_T_STRING;
		string(lx, &t);
	} else if (!at_end(lx)) {
		word_or_punct(lx, &t);
	}
	t.span = (struct span){ lx->src->base + start, lx->src->base + lx->at };
	return t;
}
