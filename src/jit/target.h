/* jit, private: what a machine is to the selector: its registers and one function for each thing
 * that it can do.
 *
 * Registers are the machine's numbers. Every function appends to the buffer; none may touch a
 * register that it is not given, but the scratch registers where this is said.
 */
#ifndef SKEP_JIT_TARGET_H
#define SKEP_JIT_TARGET_H

#include "base/base.h"
#include "isa/isa.h"
#include "jit/code.h"

#define JIT_NOREG   0xff
#define JIT_N_VREGS 16 /* 0…9: r0…r9; 10: r10, which has no home; 11…15: promoted stack slots */

struct jit_addr {
	u8 base, index; /* JIT_NOREG: none */
	u8 scale;	/* index << scale */
	s32 disp;
};
struct jit_div {
	bool is64, is_signed, is_mod;
	u8 dst, divisor;
	u32 busy;
};
struct jit_atomic {
	bool is64;
	s32 op;
	struct jit_addr addr;
	u8 src, r0;
};

struct jit_target {
	const char *name;
	u8 home[10]; /* of r0…r9 */
	u8 spare[10]; /* for slots, the cheapest first; JIT_NOREG ends */
	u8 thread;   /* the thread, in programs that call helpers; else it may be a spare */
	u8 sp, scratch;
	u8 args[6]; /* of C functions */
	u8 ret; /* where call_abs() leaves a result, and our own functions too */
	u32 kept;      /* mask of registers that calls keep */
	bool lea_adds; /* lea of base + disp in place tells by flags whether the result is zero */
	bool alu_tells; /* alu and alu_imm but for mul tell by flags whether the result is zero */
	bool mem_operands; /* alu_mem, cmp_mem_imm, cmp_mem may be used */

	bool (*addr_ok)(const struct jit_addr *a, u8 bytes, bool is_lea);
	bool (*imm_ok)(u8 op, s64 imm, bool is64);
	void (*mov)(struct jit_buf *b, u8 dst, u8 src, bool is64);
	void (*mov_imm)(struct jit_buf *b, u8 dst, u64 imm);
	void (*lea)(struct jit_buf *b, u8 dst, const struct jit_addr *a, bool is64);
	/* dst = dst op src: add sub mul or and xor. */
	void (*alu)(struct jit_buf *b, u8 op, u8 dst, u8 src, bool is64);
	void (*alu_imm)(struct jit_buf *b, u8 op, u8 dst, s32 imm, bool is64);
	void (*alu_mem)(struct jit_buf *b, u8 op, u8 dst, const struct jit_addr *a, bool is64);
	void (*mul_imm)(struct jit_buf *b, u8 dst, u8 src, s32 imm, bool is64);
	void (*neg)(struct jit_buf *b, u8 dst, bool is64);
	/* dst = src shifted; op is ISA_LSH, ISA_RSH, ISA_ARSH. By register: may use scratch. */
	void (*shift_imm)(struct jit_buf *b, u8 op, u8 dst, u8 src, u8 count, bool is64);
	void (*shift)(struct jit_buf *b, u8 op, u8 dst, u8 src, u8 count, bool is64);
	void (*rotate)(struct jit_buf *b, u8 dst, u8 src, u8 left, bool is64);
	/* dst = the low bits of src, zero- or sign-extended to 64 or 32 bits. */
	void (*extend)(struct jit_buf *b, u8 dst, u8 src, u8 bits, bool is_signed, bool is64);
	void (*bswap)(struct jit_buf *b, u8 dst, u8 bits);
	void (*load)(struct jit_buf *b, u8 dst, const struct jit_addr *a, u8 bytes, bool is_signed);
	void (*store)(struct jit_buf *b, const struct jit_addr *a, u8 bytes, u8 src);
	void (*store_imm)(struct jit_buf *b, const struct jit_addr *a, u8 bytes, s32 imm);
	void (*cmp)(struct jit_buf *b, u8 a, u8 c, bool is64);
	void (*cmp_imm)(struct jit_buf *b, u8 a, s32 imm, bool is64);
	void (*cmp_mem)(struct jit_buf *b, u8 a, const struct jit_addr *m, bool is64);
	void (*cmp_mem_imm)(struct jit_buf *b, const struct jit_addr *m, u8 bytes, s32 imm);
	/* The low byte of a register, without sign; NULL where there is none. */
	void (*cmp_byte)(struct jit_buf *b, u8 a, u8 imm);
	void (*test)(struct jit_buf *b, u8 a, u8 c, bool is64);
	void (*test_imm)(struct jit_buf *b, u8 a, s32 imm, bool is64);
	/* After a comparison: if (cond) dst = src, of 64 bits; dst = cond ? 1 : 0. Keep the flags. */
	void (*select)(struct jit_buf *b, u8 cond, u8 dst, u8 src);
	void (*set)(struct jit_buf *b, u8 cond, u8 dst);
	/* Uses the scratch register; `busy`: registers whose values are still wanted. */
	void (*divide)(struct jit_buf *b, const struct jit_div *d);
	void (*atomic)(struct jit_buf *b, const struct jit_atomic *x);
	/* `saved`: mask of registers to keep for the caller; `frame`: bytes below the return
	 * address and the saved registers, so that the stack pointer is aligned as calls want. */
	u32 (*enter)(struct jit_buf *b, u32 saved, u32 frame, bool calls);
	/* To the caller; or to the address in `to`, which is no register that is saved. */
	void (*leave)(struct jit_buf *b, u32 saved, u32 frame, bool calls, u8 to);
	void (*call_abs)(struct jit_buf *b, u64 fn);
	u32 (*jump_size)(u8 cond, s64 distance, u32 size_now);
	void (*jump)(u8 *at, const struct jit_jump *j, s64 distance);
};
extern const struct jit_target jit_x86_64;

#endif
