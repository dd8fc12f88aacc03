/* What printer, lexer, parser and checker of the text form share. Private to the room. */
#ifndef SKEP_IR_TEXT_H
#define SKEP_IR_TEXT_H

#include "ir/ir.h"

/* The names of the atomic operations; ends with a NULL text. */
struct ir_atomic_name { const char *text; s32 atomic; };
const struct ir_atomic_name *ir_atomic_names(void);
/* ir_check(), and where the break is: the instruction, else the function. */
bool ir_check_at(struct ir_fn *fn, str *out_why, struct span *out_at);
/* "map", "data", …; NULL beyond the last kind. */
const char *ir_sym_kind_name(u32 kind);

/* A byte that a name may hold without quotes. */
static inline bool ir_text_is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_' || c == '.' || c == '$';
}

/* ---- tokens ---------------------------------------------------------------------------------- */

enum ir_token_kind {
	IR_T_END,
	IR_T_LINE,            /* one or more ends of lines */
	IR_T_WORD,            /* letters, digits, _ . $; does not begin with a digit */
	IR_T_NUMBER,          /* decimal or 0x, without sign; the value is in `number` */
	IR_T_STRING,          /* `text` is what stands between the quotes, unescaped */
	IR_T_VALUE,           /* %12; `number` is 12 */
	IR_T_PUNCT,           /* any other byte: text.s[0] */
};
struct ir_token {
	enum ir_token_kind kind;
	str text;
	u64 number;
	struct span span;
	const char *wrong;    /* what is malformed in it, or NULL */
};
struct ir_lexer { struct arena *a; const struct source *src; u32 at; };
struct ir_token ir_next_token(struct ir_lexer *lx);

#endif
