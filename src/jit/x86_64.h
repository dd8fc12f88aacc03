/* jit, private: what the two files of the x86-64 encoder share. */
#ifndef SKEP_JIT_X86_64_H
#define SKEP_JIT_X86_64_H

#include "jit/target.h"

enum { RAX, RCX, RDX, RBX, RSP, RBP, RSI, RDI, R8, R9, R10, R11, R12, R13, R14, R15 };
enum { X86_W = 1, X86_BYTE = 2, X86_16 = 4, X86_LOCK = 8 };

extern const struct jit_target jit_x86_64_old; /* without BMI2 */

void jit_x86_rr(struct jit_buf *b, u32 op, u8 reg, u8 rm, u32 flags);
void jit_x86_rm(struct jit_buf *b, u32 op, u8 reg, const struct jit_addr *a, u32 flags);
void jit_x86_mov(struct jit_buf *b, u8 dst, u8 src, bool is64);
void jit_x86_store(struct jit_buf *b, const struct jit_addr *a, u8 bytes, u8 src);
void jit_x86_divide(struct jit_buf *b, const struct jit_div *d);
void jit_x86_atomic(struct jit_buf *b, const struct jit_atomic *x);
u32 jit_x86_enter(struct jit_buf *b, u32 saved, u32 frame, bool calls);
void jit_x86_leave(struct jit_buf *b, u32 saved, u32 frame, bool calls, u8 to);
void jit_x86_call_abs(struct jit_buf *b, u64 fn);

#endif
