/* jit, private: the bytes of a function being made, its jumps, and the final layout.
 *
 * Jumps are not written while code is made: they are records between pieces of finished bytes, so
 * that their short and long forms can be chosen when all distances are known.
 */
#ifndef SKEP_JIT_CODE_H
#define SKEP_JIT_CODE_H

#include "base/base.h"

/* Conditions, named for BPF's; JIT_ALWAYS is a plain jump, JIT_CALL a call, JIT_ADDR the load of an
 * address. */
enum jit_cond {
	JIT_EQ,
	JIT_NE,
	JIT_GT,
	JIT_GE,
	JIT_LT,
	JIT_LE,
	JIT_SGT,
	JIT_SGE,
	JIT_SLT,
	JIT_SLE,
	JIT_ALWAYS,
	JIT_CALL,
	JIT_ADDR,
	JIT_ALIGN /* bytes of nothing up to a multiple of 32 */
};

struct jit_jump {
	u32 at; /* how many finished bytes stand before it */
	u32 label;
	u8 cond;    /* enum jit_cond */
	u8 size;    /* bytes of the form chosen */
	u8 reg;	    /* of JIT_ADDR */
	u32 before; /* layout: bytes of all jumps before it */
};
struct jit_label {
	u32 at, jump;
}; /* finished bytes and jumps before it; those of labels that nobody placed are 0 and never asked for */

struct jit_buf {
	struct arena *a;
	u8 *p;
	u32 n, cap;
	vec(struct jit_jump) jumps;
	struct jit_label *labels;
	u32 n_labels;
};
struct jit_target;

void jit_buf_init(struct jit_buf *b, struct arena *a, u32 n_labels, u32 guess);
/* Makes room for at least `n` more bytes. */
void jit_buf_room(struct jit_buf *b, u32 n);
void jit_buf_label(struct jit_buf *b, u32 label);
void jit_buf_jump(struct jit_buf *b, u8 cond, u32 label, u8 reg);
/* Where a label lies in the whole code, after the layout. */
u32 jit_buf_place(const struct jit_buf *b, u32 label);
/* Chooses the forms of all jumps; returns the size of the whole code. */
u32 jit_buf_layout(struct jit_buf *b, const struct jit_target *t);
/* Writes the code; `out` holds what jit_buf_layout() returned. */
void jit_buf_write(const struct jit_buf *b, const struct jit_target *t, u8 *out);

#endif
