/* Between the files of the assembler: asm_lex.c makes words of a line, asm_insn.c instructions of
 * words, asm.c goes through the lines and resolves labels. Nobody else includes this. */
#ifndef SKEP_ISA_ASM_H
#define SKEP_ISA_ASM_H

#include "isa/isa.h"

enum token_kind {
	TOK_END,              /* of the line */
	TOK_NAME,             /* label, register, mnemonic, directive */
	TOK_NUMBER,           /* without a sign; `value` holds it */
	TOK_SIGN,             /* operator or bracket */
	TOK_BAD,              /* a diagnostic was given */
};

struct token { enum token_kind kind; str text; struct span span; u64 value; };

/* A use of a name whose place is not known yet. */
enum fix_kind {
	FIX_OFF,              /* a jump: distance in off */
	FIX_IMM,              /* gotol, func[…]: distance in imm */
	FIX_CALL,             /* a label, else a helper */
};
struct fix { enum fix_kind kind; u32 insn; str name; struct span span; };
struct label { u32 insn; struct span span; };

struct assembler {
	struct arena *a;
	struct diags *dx;
	const struct source *src;
	struct isa_text *out;
	u32 at, end;          /* what is left of the line: offsets in the source's text */
	struct token tok;     /* the token looked at */
	struct span last;     /* the token before it */
	bool ok;              /* no diagnostic yet */
	struct strmap labels; /* struct label */
	vec(str) label_names; /* in the order of the text, for hints */
	vec(struct fix) fixes;
};

/* Takes the next token off the line. */
struct token isa_asm_token(struct assembler *as);

/* Parses one instruction, from the token looked at to the line's end, and appends its slots.
 * False if a diagnostic was given. */
bool isa_asm_insn(struct assembler *as);

#endif
