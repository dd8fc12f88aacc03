/* lex_decode: what numbers, character constants and strings mean (C11 6.4.4, 6.4.5).
 *
 * The lexer only cuts; values are made here, once, for the tokens that reach the parser or an #if.
 * Numbers are read as 64-bit unsigned with their suffixes beside them: the parser finds the type
 * (6.4.4.1p5). Floating constants are recognised, so that the parser can refuse them by name.
 *
 * Bytes of a plain literal are the bytes of the source (UTF-8 goes through); literals with L, u or
 * U hold code units in the byte order of this machine. An error inside a literal is placed at the
 * escape itself when the token's spelling stands in the source as it is.
 *
 * GNU extensions taken: 0b…, \e, multi-character constants of up to four bytes.
 */
#include "cfront/lex.h"

#include <string.h>

/* ---- numbers --------------------------------------------------------------------------------- */

static u32 digit_of(char c)
{
	if (c >= '0' && c <= '9')
		return (u32)(c - '0');
	c |= 0x20;
	return c >= 'a' && c <= 'z' ? (u32)(c - 'a') + 10 : 99;
}

static u32 span_of_digits(str x, u32 at, u32 radix)
{
	u32 n = 0;

	while (at + n < x.n && digit_of(x.s[at + n]) < radix)
		n++;
	return n;
}

/* Is all of x a floating constant? Tells what is wrong if it only begins as one. */
static const char *check_float(str x, bool is_hex)
{
	u32 at = is_hex ? 2 : 0, radix = is_hex ? 16 : 10, digits, n;
	bool has_exponent = false;

	digits = span_of_digits(x, at, radix);
	at += digits;
	if (at < x.n && x.s[at] == '.') {
		n = span_of_digits(x, ++at, radix);
		at += n;
		digits += n;
	}
	if (!digits)
		return "it has no digits";
	if (at < x.n && (x.s[at] | 0x20) == (is_hex ? 'p' : 'e')) {
		at++;
		has_exponent = true;
		if (at < x.n && (x.s[at] == '+' || x.s[at] == '-'))
			at++;
		n = span_of_digits(x, at, 10);
		if (!n)
			return "its exponent has no digits";
		at += n;
	}
	if (is_hex && !has_exponent)
		return "a hexadecimal floating constant needs an exponent (p)";
	if (at < x.n && strchr("fFlL", x.s[at]))
		at++;
	return at < x.n ? "it has a second point or a wrong suffix" : NULL;
}

/* u, l, ul, lu, ll, ull, llu in either case; the two l's alike. */
static bool read_suffix(str x, struct token *t)
{
	for (u32 i = 0; i < x.n; i++) {
		char c = x.s[i];

		if ((c | 0x20) == 'u' && !t->is_unsigned) {
			t->is_unsigned = true;
		} else if ((c | 0x20) == 'l' && !t->longs) {
			t->longs = 1;
			if (i + 1 < x.n && x.s[i + 1] == c) {
				t->longs = 2;
				i++;
			}
		} else {
			return false;
		}
	}
	return true;
}

static void bad_number(struct diags *dx, struct token *t, const char *why)
{
	t->number = 0;
	t->is_float = false;
	diag_add(dx, t->span, E_NUMBER, "'" STR_FMT "' is no number: %s", STR_ARG(t->text), why);
}

static u32 radix_of(str x)
{
	if (x.n < 2 || x.s[0] != '0')
		return 10;
	if ((x.s[1] | 0x20) == 'x')
		return 16;
	return (x.s[1] | 0x20) == 'b' ? 2 : 8;
}

static bool looks_float(str x, u32 radix)
{
	for (u32 i = 0; i < x.n; i++) {
		char c = x.s[i] | 0x20;

		if (x.s[i] == '.' || (radix == 16 ? c == 'p' : radix != 2 && c == 'e'))
			return true;
	}
	return false;
}

static void decode_number(struct diags *dx, struct token *t)
{
	str x = t->text;
	u32 radix = radix_of(x), at = radix == 16 || radix == 2 ? 2 : 0, first = at;
	bool overflow = false;
	const char *why;

	if (looks_float(x, radix)) {
		why = check_float(x, radix == 16);
		t->is_float = true;
		if (why)
			bad_number(dx, t, why);
		return;
	}
	t->is_decimal = radix == 10;
	for (; at < x.n && digit_of(x.s[at]) < (radix == 2 || radix == 8 ? 10 : radix); at++) {
		u32 d = digit_of(x.s[at]);

		if (d >= radix) {
			bad_number(dx, t,
				   radix == 8 ? "8 and 9 are no octal digits (a leading 0 "
						"means octal)"
					      : "binary digits are 0 and 1");
			return;
		}
		overflow |= __builtin_mul_overflow(t->number, radix, &t->number);
		overflow |= __builtin_add_overflow(t->number, d, &t->number);
	}
	if (at == first)
		bad_number(dx, t, "digits must follow");
	else if (!read_suffix(str_sub(x, at, x.n), t))
		bad_number(dx, t, "its end is no suffix that C has");
	else if (overflow)
		bad_number(dx, t, "it needs more than 64 bits");
}

/* ---- characters ------------------------------------------------------------------------------ */

/* Reads the characters of one literal. */
struct chars {
	struct diags *dx;
	struct span span; /* of the literal */
	str text;	  /* its spelling */
	u32 at, end;	  /* what is left between the quotes */
	u8 width;
};

u8 lex_char_width(str x)
{
	if (x.n && (*x.s == 'L' || *x.s == 'U'))
		return 4;
	return x.n && *x.s == 'u' && !str_starts(x, "u8") ? 2 : 1;
}

static void chars_open(struct chars *cs, struct diags *dx, str text, struct span at, u8 width)
{
	u32 open = 0;

	while (open < text.n && text.s[open] != '"' && text.s[open] != '\'')
		open++;
	*cs = (struct chars){ dx, at, text, open + 1, text.n ? text.n - 1 : 0, width };
	/* A literal that was never closed has no quote to leave out. */
	if (text.n < open + 2 || text.s[cs->end] != text.s[open])
		cs->end = text.n;
}

static void bad_escape(struct chars *cs, u32 from, const char *why)
{
	struct span at = cs->span;

	if (at.hi - at.lo == cs->text.n && span_known(at))
		at = (struct span){ at.lo + from, at.lo + cs->at };
	diag_add(cs->dx, at, E_ESCAPE, "escape '" STR_FMT "': %s", (int)(cs->at - from),
		 cs->text.s + from, why);
}

/* \ooo or \xhh…: any value that fits in a character. */
static u32 read_numeric(struct chars *cs, u32 from, u32 radix)
{
	u32 limit = radix == 8 ? 3 : UINT32_MAX, n = 0;
	u64 max = cs->width == 1 ? 0xff : cs->width == 2 ? 0xffff : 0xffffffff, v = 0;
	bool too_big = false;

	for (; n < limit && cs->at < cs->end && digit_of(cs->text.s[cs->at]) < radix; n++) {
		v = v * radix + digit_of(cs->text.s[cs->at++]);
		if (v > max) {
			too_big = true;
			v = max;
		}
	}
	if (!n)
		bad_escape(cs, from, "hexadecimal digits must follow \\x");
	else if (too_big)
		bad_escape(cs, from, "its value does not fit in one character");
	return (u32)v;
}

static u32 read_universal(struct chars *cs, u32 from, u32 digits)
{
	u32 v = 0, n = 0;

	for (; n < digits && cs->at < cs->end && digit_of(cs->text.s[cs->at]) < 16; n++)
		v = v << 4 | digit_of(cs->text.s[cs->at++]);
	if (n < digits) {
		bad_escape(cs, from,
			   digits == 4 ? "\\u needs four hexadecimal digits"
				       : "\\U needs eight hexadecimal digits");
		return '?';
	}
	if (v > 0x10ffff || (v >= 0xd800 && v < 0xe000)) {
		bad_escape(cs, from, "it names no Unicode character");
		return '?';
	}
	return v;
}

static u32 read_escape(struct chars *cs, bool *out_is_code)
{
	static const char names[] = "abfnrtve\\\"'?";
	static const char values[] = "\a\b\f\n\r\t\v\033\\\"'?";
	u32 from = cs->at++;
	const char *known;
	u32 code;
	char c;

	if (cs->at == cs->end) {
		bad_escape(cs, from, "nothing follows the backslash");
		return '\\';
	}
	c = cs->text.s[cs->at];
	if (c >= '0' && c <= '7')
		return read_numeric(cs, from, 8);
	cs->at++;
	if (c == 'x')
		return read_numeric(cs, from, 16);
	if (c == 'u' || c == 'U') {
		*out_is_code = true;
		return read_universal(cs, from, c == 'u' ? 4 : 8);
	}
	known = c ? strchr(names, c) : NULL;
	if (known)
		return (u8)values[known - names];
	cs->at += (u8)c >= 0x80 ? str_utf8(cs->text, cs->at - 1, &code) : 0;
	if (cs->at > from + 2)
		cs->at--;
	bad_escape(cs, from, "C has no such escape; a backslash itself is written \\\\");
	return (u8)c;
}

/* The next character: a value, and whether it is a code point still to be encoded. */
static bool next_char(struct chars *cs, u32 *out_value, bool *out_is_code)
{
	u32 n, code;

	*out_is_code = false;
	if (cs->at >= cs->end)
		return false;
	if (cs->text.s[cs->at] == '\\') {
		*out_value = read_escape(cs, out_is_code);
		return true;
	}
	if (cs->width > 1 && (n = str_utf8(cs->text, cs->at, &code)) != 0) {
		cs->at += n;
		*out_value = code;
		*out_is_code = true;
		return true;
	}
	*out_value = (u8)cs->text.s[cs->at++];
	return true;
}

static void put_unit(struct sbuf *out, u32 unit, u8 width)
{
	u16 two = (u16)unit;

	if (width == 1)
		sbuf_putc(out, (char)unit);
	else
		sbuf_put(out, (str){ width == 2 ? (char *)&two : (char *)&unit, width });
}

static void put_utf8(struct sbuf *out, u32 c)
{
	if (c < 0x80) {
		sbuf_putc(out, (char)c);
		return;
	}
	if (c < 0x800) {
		sbuf_putc(out, (char)(0xc0 | c >> 6));
	} else {
		if (c < 0x10000) {
			sbuf_putc(out, (char)(0xe0 | c >> 12));
		} else {
			sbuf_putc(out, (char)(0xf0 | c >> 18));
			sbuf_putc(out, (char)(0x80 | (c >> 12 & 0x3f)));
		}
		sbuf_putc(out, (char)(0x80 | (c >> 6 & 0x3f)));
	}
	sbuf_putc(out, (char)(0x80 | (c & 0x3f)));
}

static void put_code(struct sbuf *out, u32 c, u8 width)
{
	if (width == 1) {
		put_utf8(out, c);
	} else if (width == 2 && c >= 0x10000) {
		put_unit(out, 0xd7c0 + (c >> 10), 2);
		put_unit(out, 0xdc00 | (c & 0x3ff), 2);
	} else {
		put_unit(out, c, width);
	}
}

void lex_decode_string(struct sbuf *out, struct diags *dx, str text, struct span at, u8 width)
{
	struct chars cs;
	bool is_code;
	u32 value;

	chars_open(&cs, dx, text, at, width);
	/* Most strings are plain: copied in one piece. */
	if (width == 1 && cs.end > cs.at && !memchr(text.s + cs.at, '\\', cs.end - cs.at)) {
		sbuf_put(out, (str){ text.s + cs.at, cs.end - cs.at });
		return;
	}
	while (next_char(&cs, &value, &is_code)) {
		if (is_code)
			put_code(out, value, width);
		else
			put_unit(out, value, width);
	}
}

/* The value of a character constant (6.4.4.4): plain ones have type int; a single one is a char
 * converted to int, several are packed from the left as GCC and clang do. */
static void decode_char(struct diags *dx, struct token *t)
{
	struct chars cs;
	bool is_code;
	u32 value, n = 0, packed = 0;

	t->char_width = lex_char_width(t->text);
	chars_open(&cs, dx, t->text, t->span, t->char_width);
	while (next_char(&cs, &value, &is_code)) {
		if (is_code && cs.width == 1 && value >= 0x80) {
			diag_add(dx, t->span, E_CHAR,
				 "U+%04X is longer than one byte: it does not fit in a plain char",
				 value);
			diag_hint(dx, "write L'\\u%04x' or use a string", value);
		}
		packed = packed << 8 | (value & 0xff);
		n++;
	}
	if (n == 0) {
		diag_add(dx, t->span, E_CHAR, "a character constant needs a character");
	} else if (n > 4 || (n > 1 && cs.width > 1)) {
		diag_add(dx, t->span, E_CHAR, "this character constant has too many characters");
		diag_hint(dx, "text goes in double quotes");
	} else if (cs.width > 1) {
		t->number = value;
	} else {
		t->number = n == 1 ? (u64)(s64)(s8)packed : (u64)(s64)(s32)packed;
	}
}

void lex_decode(struct arena *a, struct diags *dx, struct token *t)
{
	struct sbuf out;

	switch (t->kind) {
	case TOK_NUMBER: decode_number(dx, t); break;
	case TOK_CHAR: decode_char(dx, t); break;
	case TOK_STRING:
		sbuf_init(&out, a);
		t->char_width = lex_char_width(t->text);
		lex_decode_string(&out, dx, t->text, t->span, t->char_width);
		t->bytes = sbuf_str(&out);
		break;
	default: break;
	}
}
