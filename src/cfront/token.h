/* token.h: what the lexer and preprocessor give to the parser (private to cfront). */
#ifndef SKEP_CFRONT_TOKEN_H
#define SKEP_CFRONT_TOKEN_H

#include "cfront/cfront.h"

enum tok_kind {
	TOK_EOF, TOK_IDENT, TOK_NUMBER, TOK_CHAR, TOK_STRING, TOK_PUNCT,
	TOK_PRAGMA,           /* a whole `#pragma …` line that the parser must see; spelling = words */
	TOK_HASH_LINE,        /* internal to the preprocessor */
	TOK_OTHER,            /* a byte that is no token; an error only if it survives */
};
/* Punctuators: the ASCII byte itself for single ones, these for longer ones. */
enum tok_punct {
	P_ARROW = 256, P_INC, P_DEC, P_SHL, P_SHR, P_LE, P_GE, P_EQ, P_NE, P_ANDAND, P_OROR,
	P_ELLIPSIS, P_MUL_EQ, P_DIV_EQ, P_MOD_EQ, P_ADD_EQ, P_SUB_EQ, P_SHL_EQ, P_SHR_EQ, P_AND_EQ,
	P_XOR_EQ, P_OR_EQ, P_HASHHASH,
};
/* Keywords are identifiers whose `keyword` is set (by the preprocessor's output stage). */
enum tok_keyword {
	K_NONE, K_ALIGNAS, K_ALIGNOF, K_ASM, K_ATTRIBUTE, K_AUTO, K_AUTO_TYPE, K_BOOL, K_BREAK, K_CASE,
	K_CHAR, K_CONST, K_CONTINUE, K_DEFAULT, K_DO, K_DOUBLE, K_ELSE, K_ENUM, K_EXTENSION, K_EXTERN,
	K_FLOAT, K_FOR, K_GENERIC, K_GOTO, K_IF, K_INLINE, K_INT, K_INT128, K_LONG, K_NORETURN,
	K_REGISTER, K_RESTRICT, K_RETURN, K_SHORT, K_SIGNED, K_SIZEOF, K_STATIC, K_STATIC_ASSERT,
	K_STRUCT, K_SWITCH, K_THREAD_LOCAL, K_TYPEDEF, K_TYPEOF, K_UNION, K_UNSIGNED, K_VOID,
	K_VOLATILE, K_WHILE, K_N
};

struct token {
	enum tok_kind kind : 8;
	bool bol;             /* first on its line */
	bool space;           /* white space before it */
	bool no_expand;       /* painted blue (C11 6.10.3.4) */
	u16 punct;            /* TOK_PUNCT */
	u8 keyword;           /* TOK_IDENT: enum tok_keyword */
	str text;             /* spelling */
	struct span span;     /* where it stands; of a macro's token: the use of the outermost macro */
	struct span origin;   /* of a macro's token: where it stands in the definition, else nowhere */
	/* TOK_STRING: decoded bytes without quotes and without final NUL (adjacent literals are joined
	 * by the preprocessor's output stage); TOK_CHAR: value in `number`. */
	str bytes;
	u64 number;           /* TOK_NUMBER (integers): value */
	bool is_unsigned;     /* suffix u */
	u8 longs;             /* suffix l or ll: 1, 2 */
	bool is_decimal;      /* written in base 10: decides the type (C11 6.4.4.1) */
	bool is_float;        /* a floating constant: the parser refuses it */
	u8 char_width;        /* TOK_STRING, TOK_CHAR: bytes a character: 1 plain and u8, 2 u, 4 L and U */
};
typedef vec(struct token) token_list;

/* ---- lexer ---------------------------------------------------------------------------------- */

/* Splits one source into tokens; line splices and comments are gone. Numbers and characters are
 * decoded only by tok_decode. Never fails: bad bytes become TOK_OTHER with a diagnostic. */
void lex_source(struct arena *a, struct diags *dx, const struct source *src, token_list *out);
/* Decodes TOK_NUMBER, TOK_CHAR, TOK_STRING in place; diagnostics E_NUMBER, E_ESCAPE. */
void lex_decode(struct arena *a, struct diags *dx, struct token *t);
enum tok_keyword lex_keyword(str name);
const char *lex_punct_text(u32 punct);

/* Does the parser compile this builtin function? For __has_builtin. */
bool cf_has_builtin(str name);

/* ---- preprocessor ---------------------------------------------------------------------------- */

/* The output: decoded, keywords marked, adjacent strings joined, ends with TOK_EOF. `#pragma skep` lines
 * are collected apart; `#pragma unroll`, `#pragma pack` stay as TOK_PRAGMA; others are ignored. */
struct pp;
struct pp_result {
	token_list tokens;
	vec(struct cf_pragma) pragmas;
	struct pp *state;     /* the macros as they are at the end: pp_macro_text */
};
void pp_run(const struct cf_options *o, struct source *src, struct pp_result *out);
/* The body of an object-like macro of the program at the end of the text; false: there is none. */
bool pp_macro_text(const struct pp_result *r, str name, str *out_body);

#endif
