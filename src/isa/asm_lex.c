/* The words of a line of assembly.
 *
 * Names are letters, digits, `_`, `.` and `$`, so that `.rodata` is one; numbers are C's. The one
 * knot is `s`: before `>`, `<`, `/` and `%` it belongs to a signed operator (`s>>=`, `s/=`), unless
 * a comment follows. Of the operators the longest that fits is taken, by the order of the table.
 */
#include "isa/asm.h"

#include <string.h>

static const char *const signs[] = {
	"s>>=", "<<=", ">>=", "s>=", "s<=", "s/=", "s%=", "s>", "s<", "+=", "-=", "*=",
	"/=",	"|=",  "&=",  "%=",  "^=",  "==",  "!=",  ">=", "<=", "=",  ">",  "<",
	"&",	"*",   "(",   ")",   "[",   "]",   "+",	  "-",	",",  ":",
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool in_name(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || is_digit(c) || c == '_' ||
	       c == '.' || c == '$';
}

static bool is_comment(str rest)
{
	return rest.s[0] == ';' || rest.s[0] == '#' ||
	       (rest.n > 1 && rest.s[0] == '/' && rest.s[1] == '/');
}

/* `rest` starts with an `s` that belongs to an operator. */
static bool is_signed_operator(str rest)
{
	return rest.n > 1 && rest.s[0] == 's' && strchr("><%/", rest.s[1]) && rest.s[1] &&
	       !is_comment(str_sub(rest, 1, rest.n - 1));
}

static struct token make(struct assembler *as, enum token_kind kind, u32 n)
{
	u32 lo = as->src->base + as->at;
	struct token t = {
		.kind = kind,
		.text = str_sub(as->src->text, as->at, n),
		.span = { lo, lo + n },
	};

	as->at += n;
	return t;
}

static struct token number(struct assembler *as, str rest)
{
	struct token t;
	u32 n = 0;

	while (n < rest.n && in_name(rest.s[n]))
		n++;
	if (n > 2 && rest.s[n - 1] == 'l' && rest.s[n - 2] == 'l')
		n -= 2;
	t = make(as, TOK_NUMBER, n);
	if (!str_to_u64(t.text, &t.value)) {
		diag_add(as->dx, t.span, E_ASM, "'" STR_FMT "' is not a number of at most 64 bits",
			 STR_ARG(t.text));
		t.kind = TOK_BAD;
	}
	return t;
}

static struct token bad_byte(struct assembler *as, unsigned char c)
{
	struct token t = make(as, TOK_BAD, 1);

	if (c > ' ' && c < 127)
		diag_add(as->dx, t.span, E_ASM, "no instruction has the character '%c'", c);
	else
		diag_add(as->dx, t.span, E_ASM, "no instruction has the byte 0x%02x", c);
	return t;
}

struct token isa_asm_token(struct assembler *as)
{
	const char *text = as->src->text.s;
	str rest;
	u32 n = 0;

	while (as->at < as->end && strchr(" \t\r\f\v", text[as->at]) && text[as->at])
		as->at++;
	rest = str_sub(as->src->text, as->at, as->end - as->at);
	if (!rest.n || is_comment(rest))
		return make(as, TOK_END, 0);
	if (is_digit(rest.s[0]))
		return number(as, rest);
	if (in_name(rest.s[0]) && !is_signed_operator(rest)) {
		while (n < rest.n && in_name(rest.s[n]))
			n++;
		return make(as, TOK_NAME, n);
	}
	for (u32 i = 0; i < ARRAY_LEN(signs); i++)
		if (str_starts(rest, signs[i]))
			return make(as, TOK_SIGN, (u32)strlen(signs[i]));
	return bad_byte(as, (unsigned char)rest.s[0]);
}
