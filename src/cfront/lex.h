/* lex.h: the inside of the lexer (private to the lexer and the preprocessor).
 *
 * The preprocessor works on pp_tok, which is smaller than the parser's struct token and knows each
 * identifier by its one pp_name, so that asking for a macro is following a pointer.
 */
#ifndef SKEP_CFRONT_LEX_H
#define SKEP_CFRONT_LEX_H

#include "cfront/token.h"

struct pp_macro;

/* Every identifier of a run, once. */
struct pp_name {
	str text;
	u32 hash;
	u8 keyword;           /* enum tok_keyword */
	u8 special;           /* enum pp_special, once resolved */
	u16 param;            /* its index + 1 while a macro with this parameter is compiled */
	bool is_resolved;     /* the built-in definitions were asked for this name */
	bool is_undefined;    /* by #undef: no built-in meaning for #ifdef either */
	struct pp_macro *macro;
};
struct pp_names { struct arena *a; struct pp_name **slots; u32 n, cap; };
struct pp_name *lex_intern(struct pp_names *names, const char *s, u32 n, u32 hash);
u32 lex_hash(const char *s, u32 n);

/* Kinds beyond enum tok_kind, only inside macro bodies and argument lists. */
enum { PP_PARAM = TOK_OTHER + 1, PP_PLACE, PP_OPT_BEGIN, PP_OPT_END };
/* Flags. */
enum {
	PP_BOL = 1,           /* first on its line */
	PP_SPACE = 2,         /* white space or a newline before it */
	PP_BLUE = 4,          /* painted: never expanded again */
	PP_PASTE = 8,         /* in a body: ## follows */
	PP_STRINGIZE = 16,    /* PP_PARAM in a body: # came before */
};
struct pp_tok {
	u8 kind, flags;
	u16 punct;            /* TOK_PUNCT; PP_PARAM: index; PP_OPT_BEGIN: distance to its end */
	u32 n;
	const char *s;        /* spelling */
	struct pp_name *name; /* TOK_IDENT */
	u32 lo, hi;           /* span and origin as in struct token */
	u32 olo, ohi;
};
static inline str pp_text(const struct pp_tok *t) { return (str){ t->s, t->n }; }
static inline struct span pp_span(const struct pp_tok *t) { return (struct span){ t->lo, t->hi }; }
static inline bool pp_is(const struct pp_tok *t, u32 punct)
{
	return t->kind == TOK_PUNCT && t->punct == punct;
}

struct lexer {
	const char *start, *p, *end;
	u32 base;             /* number of *start; 0: the text has no place */
	struct arena *a;
	struct diags *dx;
	struct pp_names *names;           /* NULL: names are not interned */
	bool bol;             /* nothing but blanks since the line began */
	bool in_directive;    /* a newline reads as TOK_EOF and stays */
};
void lex_open(struct lexer *lx, struct arena *a, struct diags *dx, struct pp_names *names,
	      str text, u32 base);
void lex_next(struct lexer *lx, struct pp_tok *out);
/* Skips text up to a `#` that begins a line, and takes it; false at the end. */
bool lex_skip_to_hash(struct lexer *lx, struct pp_tok *out_hash);
/* The rest of the line as it stands, trimmed; the newline stays. */
str lex_rest_of_line(struct lexer *lx);
/* At a header name after blanks: takes `<…>` or `"…"` and returns what is between; false (and
 * nothing taken) if there is none on this line. */
bool lex_header_name(struct lexer *lx, str *out_name, bool *out_is_angled, struct span *out_span);
/* The diagnostic for a TOK_OTHER that survived. */
void lex_report_other(struct diags *dx, str text, struct span at);
/* The parser's form of a token, not decoded. */
void lex_convert(const struct pp_tok *t, struct token *out);

/* The bytes of a string literal, or of one of a row of them, for characters of `width` bytes,
 * appended to `out`. */
void lex_decode_string(struct sbuf *out, struct diags *dx, str text, struct span at, u8 width);
u8 lex_char_width(str literal);

#endif
