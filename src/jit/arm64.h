/* jit, private: what the two files of the arm64 encoder share. */
#ifndef SKEP_JIT_ARM64_H
#define SKEP_JIT_ARM64_H

#include "jit/target.h"

/* The encoder's own registers, which the selector never sees: A64_ADDR for addresses and constants,
 * the others inside sequences. Number 31 is the stack pointer or zero, by instruction. */
enum { A64_T3 = 13, A64_T2 = 14, A64_T1 = 15, A64_ADDR = 17, A64_FP = 29, A64_LR = 30, A64_31 = 31 };

extern const struct jit_target jit_arm64;
extern const struct jit_target jit_arm64_old; /* without LSE: atomics as ldaxr/stlxr loops */

void jit_a64_put(struct jit_buf *b, u32 word);
void jit_a64_mov(struct jit_buf *b, u8 dst, u8 src, bool is64);
void jit_a64_mov_imm(struct jit_buf *b, u8 dst, u64 imm);
void jit_a64_lea(struct jit_buf *b, u8 dst, const struct jit_addr *a, bool is64);
void jit_a64_divide(struct jit_buf *b, const struct jit_div *d);
void jit_a64_atomic(struct jit_buf *b, const struct jit_atomic *x);
void jit_a64_atomic_old(struct jit_buf *b, const struct jit_atomic *x);
u32 jit_a64_enter(struct jit_buf *b, u32 saved, u32 frame, bool calls);
void jit_a64_leave(struct jit_buf *b, u32 saved, u32 frame, bool calls, u8 to);
void jit_a64_call_abs(struct jit_buf *b, u64 fn);

#endif
