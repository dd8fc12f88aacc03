/* token.h: the tokens of a script (private to btfront). */
#ifndef SKEP_BTFRONT_TOKEN_H
#define SKEP_BTFRONT_TOKEN_H

#include "btfront/btfront.h"

/* clang-format off */
#define BT_PUNCTS(P) \
	P(SHL_SET, "<<=") P(SHR_SET, ">>=") P(EQ, "==") P(NE, "!=") P(LE, "<=") P(GE, ">=") \
	P(SHL, "<<") P(SHR, ">>") P(ANDAND, "&&") P(OROR, "||") P(INC, "++") P(DEC, "--") \
	P(ADD_SET, "+=") P(SUB_SET, "-=") P(MUL_SET, "*=") P(DIV_SET, "/=") P(MOD_SET, "%=") \
	P(AND_SET, "&=") P(OR_SET, "|=") P(XOR_SET, "^=") P(ARROW, "->") P(RANGE, "..") \
	P(LPAREN, "(") P(RPAREN, ")") P(LBRACE, "{") P(RBRACE, "}") P(LBRACKET, "[") \
	P(RBRACKET, "]") P(SEMI, ";") P(COMMA, ",") P(DOT, ".") P(QUESTION, "?") P(COLON, ":") \
	P(ADD, "+") P(SUB, "-") P(MUL, "*") P(DIV, "/") P(MOD, "%") P(AND, "&") P(OR, "|") \
	P(XOR, "^") P(TILDE, "~") P(NOT, "!") P(LT, "<") P(GT, ">") P(SET, "=")
/* clang-format on */

enum bt_tok_kind {
	T_EOF,
	T_BAD,	     /* already reported */
	T_PROBE,     /* the text of an attach point, as it stands */
	T_DIRECTIVE, /* a `#` line between probes */
	T_IDENT,
	T_INT,
	T_STR,	 /* text: escapes decoded */
	T_VAR,	 /* $x; text with the dollar */
	T_PARAM, /* $1 (value), or $# with value 0 */
	T_MAP,	 /* @, @x; text with the at sign */
#define P(name, text) T_##name,
	BT_PUNCTS(P)
#undef P
		T_N
};
struct bt_tok {
	enum bt_tok_kind kind;
	struct span span;
	str text;
	u64 value;
};
struct bt_toks {
	vec(struct bt_tok) list;
};
/* "<<=", or what the kind is called: "a name". */
const char *bt_tok_name(enum bt_tok_kind k);
/* All tokens, with T_EOF at the end. Mistakes are diagnostics; false when there is no telling any
 * more what is inside what, so that parsing makes no sense. */
bool bt_lex(struct arena *a, struct diags *dx, const struct source *src, struct bt_toks *out);
/* Ordinary tokens of a text that stands for something at `at`; quietly false where it is none. */
bool bt_lex_text(struct arena *a, struct diags *dx, str text, struct span at, struct bt_toks *out);

#endif
