/* x86-64: the encoder behind the table of target functions.
 *
 * BPF r0…r5 live in rax rdi rsi rdx rcx r8, so that calls of C functions and between BPF functions
 * need no moves; r6…r9 in rbx r13 r14 r15, which calls keep. rbp, r12, r9, r10 take promoted stack
 * slots; r11 is scratch; r12 holds the thread in programs that call helpers. Immediates and
 * displacements take their shortest form. Shifts by a register and rotates use BMI2, without which
 * jit.c does not offer this target's shlx forms (jit_x86_64_old).
 *
 * Encodings: Intel SDM volume 2, chapters 2 (prefixes, ModRM, SIB) and 3-5 (instructions).
 * Division, atomics, entry and calls are in x86_64_long.c.
 */
#include <string.h>

#include "jit/x86_64.h"

static void byte(struct jit_buf *b, u32 x)
{
	b->p[b->n++] = (u8)x;
}

static void word32(struct jit_buf *b, s64 x)
{
	u32 v = (u32)x;

	memcpy(b->p + b->n, &v, 4);
	b->n += 4;
}

static bool is_s8(s64 x)
{
	return x >= -128 && x <= 127;
}

/* Opcode bytes, most significant first: 0x01, 0x0faf. */
static void opcode(struct jit_buf *b, u32 op)
{
	if (op > 0xffff)
		byte(b, op >> 16);
	if (op > 0xff)
		byte(b, op >> 8);
	byte(b, op);
}

/* op reg, rm. `flags`: X86_W for 64 bits, X86_BYTE where rm is a byte register. */
void jit_x86_rr(struct jit_buf *b, u32 op, u8 reg, u8 rm, u32 flags)
{
	u8 rex = (flags & X86_W ? 8 : 0) | (reg >> 3) << 2 | rm >> 3;

	if (flags & X86_16)
		byte(b, 0x66);
	if (rex || ((flags & X86_BYTE) && rm >= 4))
		byte(b, 0x40 | rex);
	opcode(b, op);
	byte(b, 0xc0 | (reg & 7) << 3 | (rm & 7));
}

static void modrm_mem(struct jit_buf *b, u8 reg, const struct jit_addr *a)
{
	u8 r = (u8)((reg & 7) << 3);
	bool sib = a->index != JIT_NOREG || a->base == JIT_NOREG || (a->base & 7) == RSP;
	u8 mod = 0;

	if (a->base == JIT_NOREG) {
		byte(b, r | 4);
		byte(b, a->scale << 6 | (a->index == JIT_NOREG ? 4 : a->index & 7) << 3 | 5);
		word32(b, a->disp);
		return;
	}
	if (a->disp || (a->base & 7) == RBP)
		mod = is_s8(a->disp) ? 0x40 : 0x80;
	byte(b, mod | r | (sib ? 4 : a->base & 7));
	if (sib)
		byte(b, a->scale << 6 | (a->index == JIT_NOREG ? 4 : a->index & 7) << 3 |
				(a->base & 7));
	if (mod == 0x40)
		byte(b, (u32)a->disp);
	else if (mod == 0x80)
		word32(b, a->disp);
}

void jit_x86_rm(struct jit_buf *b, u32 op, u8 reg, const struct jit_addr *a, u32 flags)
{
	u8 rex = (flags & X86_W ? 8 : 0) | (reg >> 3) << 2;

	if (a->index != JIT_NOREG)
		rex |= (a->index >> 3) << 1;
	if (a->base != JIT_NOREG)
		rex |= a->base >> 3;
	if (flags & X86_LOCK)
		byte(b, 0xf0);
	if (flags & X86_16)
		byte(b, 0x66);
	if (rex || ((flags & X86_BYTE) && reg >= 4))
		byte(b, 0x40 | rex);
	opcode(b, op);
	modrm_mem(b, reg, a);
}

static u32 width(bool is64)
{
	return is64 ? X86_W : 0;
}

static bool addr_ok(const struct jit_addr *a, u8 bytes, bool is_lea)
{
	(void)bytes;
	(void)is_lea;
	return a->index != RSP && a->scale <= 3;
}

static bool imm_ok(u8 op, s64 imm, bool is64)
{
	(void)op;
	return is64 ? imm == (s32)imm : imm >= -0x80000000LL && imm <= 0xffffffffLL;
}

void jit_x86_mov(struct jit_buf *b, u8 dst, u8 src, bool is64)
{
	if (dst != src || !is64)
		jit_x86_rr(b, 0x8b, dst, src, width(is64));
}

/* The shortest of: xor r32, r32; mov r32, imm32; mov r64, simm32; mov r64, imm64. */
static void mov_imm(struct jit_buf *b, u8 dst, u64 imm)
{
	if (imm == 0) {
		jit_x86_rr(b, 0x31, dst, dst, 0);
	} else if (imm <= 0xffffffff) {
		if (dst >= 8)
			byte(b, 0x41);
		byte(b, 0xb8 | (dst & 7));
		word32(b, (s64)imm);
	} else if ((s64)imm == (s32)imm) {
		jit_x86_rr(b, 0xc7, 0, dst, X86_W);
		word32(b, (s64)imm);
	} else {
		byte(b, 0x48 | dst >> 3);
		byte(b, 0xb8 | (dst & 7));
		word32(b, (s64)imm);
		word32(b, (s64)(imm >> 32));
	}
}

static void alu_imm(struct jit_buf *b, u8 op, u8 dst, s32 imm, bool is64);

/* base + index << scale + disp, as add, shl, mov or lea, whichever is shortest. */
static void lea(struct jit_buf *b, u8 dst, const struct jit_addr *a, bool is64)
{
	struct jit_addr m = *a;

	if (m.index == JIT_NOREG) {
		if (m.base == dst && m.disp) {
			alu_imm(b, ISA_ADD, dst, m.disp, is64);
			return;
		}
		if (!m.disp) {
			jit_x86_mov(b, dst, m.base, is64);
			return;
		}
	} else if (m.base == JIT_NOREG && !m.disp && m.index == dst && m.scale) {
		jit_x86_rr(b, 0xc1, 4, dst, width(is64));
		byte(b, m.scale);
		return;
	} else if (m.base == JIT_NOREG && m.scale == 1) {
		m.base = m.index;
		m.scale = 0;
	} else if (!m.disp && m.scale == 0 && m.base != JIT_NOREG &&
		   (m.base == dst || m.index == dst)) {
		jit_x86_rr(b, 0x03, dst, m.base == dst ? m.index : m.base, width(is64));
		return;
	}
	/* rbp and r13 as base cost a displacement byte. */
	if (!m.disp && m.scale == 0 && m.base != JIT_NOREG && m.index != JIT_NOREG &&
	    (m.base & 7) == RBP && m.index != RSP) {
		u8 base = m.base;

		m.base = m.index;
		m.index = base;
	}
	jit_x86_rm(b, 0x8d, dst, &m, width(is64));
}

/* The /digit of group 1; the plain form is digit * 8 + 1 (rm, reg) or + 3 (reg, rm). */
static u8 digit(u8 op)
{
	switch (op) {
	case ISA_ADD: return 0;
	case ISA_OR: return 1;
	case ISA_AND: return 4;
	case ISA_SUB: return 5;
	default: return 6;
	}
}

static void alu(struct jit_buf *b, u8 op, u8 dst, u8 src, bool is64)
{
	jit_x86_rr(b, op == ISA_MUL ? 0x0faf : digit(op) * 8u + 3, dst, src, width(is64));
}

static void alu_mem(struct jit_buf *b, u8 op, u8 dst, const struct jit_addr *a, bool is64)
{
	jit_x86_rm(b, op == ISA_MUL ? 0x0faf : digit(op) * 8u + 3, dst, a, width(is64));
}

static void group1(struct jit_buf *b, u8 d, u8 dst, s32 imm, bool is64)
{
	if (is_s8(imm)) {
		jit_x86_rr(b, 0x83, d, dst, width(is64));
		byte(b, (u32)imm);
	} else if (dst == RAX) {
		if (is64)
			byte(b, 0x48);
		byte(b, d * 8u + 5);
		word32(b, imm);
	} else {
		jit_x86_rr(b, 0x81, d, dst, width(is64));
		word32(b, imm);
	}
}

static void mul_imm(struct jit_buf *b, u8 dst, u8 src, s32 imm, bool is64)
{
	jit_x86_rr(b, is_s8(imm) ? 0x6b : 0x69, dst, src, width(is64));
	if (is_s8(imm))
		byte(b, (u32)imm);
	else
		word32(b, imm);
}

static void alu_imm(struct jit_buf *b, u8 op, u8 dst, s32 imm, bool is64)
{
	if (op == ISA_MUL)
		mul_imm(b, dst, dst, imm, is64);
	else if (op == ISA_AND && imm == 0xff)
		jit_x86_rr(b, 0x0fb6, dst, dst, X86_BYTE);
	else if (op == ISA_AND && imm == 0xffff)
		jit_x86_rr(b, 0x0fb7, dst, dst, 0);
	else if (op == ISA_AND && imm >= 0)
		group1(b, 4, dst, imm, false);
	else if (op == ISA_ADD && imm == 128)
		group1(b, 5, dst, -128, is64);
	else
		group1(b, digit(op), dst, imm, is64);
}

static void neg(struct jit_buf *b, u8 dst, bool is64)
{
	jit_x86_rr(b, 0xf7, 3, dst, width(is64));
}

static void shift_imm(struct jit_buf *b, u8 op, u8 dst, u8 src, u8 count, bool is64)
{
	u8 d = op == ISA_LSH ? 4 : op == ISA_RSH ? 5 : 7;

	if (dst != src)
		jit_x86_mov(b, dst, src, is64);
	if (count == 0) {
		if (!is64)
			jit_x86_mov(b, dst, dst, false);
		return;
	}
	jit_x86_rr(b, count == 1 ? 0xd1 : 0xc1, d, dst, width(is64));
	if (count != 1)
		byte(b, count);
}

/* A three-operand VEX instruction of map 0f38 (shlx, shrx, sarx): dst, rm, vvvv. */
static void vex(struct jit_buf *b, u8 pp, u8 op, u8 dst, u8 rm, u8 vvvv, bool is64)
{
	byte(b, 0xc4);
	byte(b, (dst < 8 ? 0x80u : 0) | 0x40 | (rm < 8 ? 0x20u : 0) | 2);
	byte(b, (is64 ? 0x80u : 0) | (15u - vvvv) << 3 | pp);
	byte(b, op);
	byte(b, 0xc0 | (dst & 7) << 3 | (rm & 7));
}

static void shift(struct jit_buf *b, u8 op, u8 dst, u8 src, u8 count, bool is64)
{
	vex(b, op == ISA_LSH ? 1 : op == ISA_RSH ? 3 : 2, 0xf7, dst, src, count, is64);
}

/* Without BMI2 the count must be in cl: rcx waits in r11, or the shift is done there. */
static void shift_old(struct jit_buf *b, u8 op, u8 dst, u8 src, u8 count, bool is64)
{
	u8 d = op == ISA_LSH ? 4 : op == ISA_RSH ? 5 : 7;

	if (count == RCX && dst != RCX && dst != count) {
		jit_x86_mov(b, dst, src, true);
		jit_x86_rr(b, 0xd3, d, dst, width(is64));
		return;
	}
	/* r11 = src; xchg with rcx around the shift when dst is another register. */
	jit_x86_mov(b, R11, src, true);
	if (dst == RCX) {
		jit_x86_mov(b, RCX, count, true);
		jit_x86_rr(b, 0xd3, d, R11, width(is64));
		jit_x86_mov(b, RCX, R11, true);
		return;
	}
	if (dst != count) {
		jit_x86_mov(b, dst, RCX, true);
		jit_x86_mov(b, RCX, count, true);
		jit_x86_rr(b, 0xd3, d, R11, width(is64));
		jit_x86_mov(b, RCX, dst, true);
	} else {
		jit_x86_rr(b, 0x87, dst, RCX, X86_W);
		jit_x86_rr(b, 0xd3, d, R11, width(is64));
		jit_x86_mov(b, RCX, dst, true);
	}
	jit_x86_mov(b, dst, R11, true);
}

static void rotate_old(struct jit_buf *b, u8 dst, u8 src, u8 left, bool is64)
{
	jit_x86_mov(b, dst, src, true);
	jit_x86_rr(b, 0xc1, 0, dst, width(is64));
	byte(b, left);
}

static void rotate(struct jit_buf *b, u8 dst, u8 src, u8 left, bool is64)
{
	if (dst == src) {
		rotate_old(b, dst, src, left, is64);
		return;
	}
	/* rorx dst, src, bits - left */
	byte(b, 0xc4);
	byte(b, (dst < 8 ? 0x80u : 0) | 0x40 | (src < 8 ? 0x20u : 0) | 3);
	byte(b, (is64 ? 0x80u : 0) | 0x78 | 3);
	byte(b, 0xf0);
	byte(b, 0xc0 | (dst & 7) << 3 | (src & 7));
	byte(b, (is64 ? 64u : 32u) - left);
}

static void extend(struct jit_buf *b, u8 dst, u8 src, u8 bits, bool is_signed, bool is64)
{
	if (bits == 8)
		jit_x86_rr(b, is_signed ? 0x0fbe : 0x0fb6, dst, src,
			   (is_signed ? width(is64) : 0) | X86_BYTE);
	else if (bits == 16)
		jit_x86_rr(b, is_signed ? 0x0fbf : 0x0fb7, dst, src, is_signed ? width(is64) : 0);
	else if (is_signed && is64)
		jit_x86_rr(b, 0x63, dst, src, X86_W);
	else
		jit_x86_rr(b, 0x8b, dst, src, 0);
}

static void bswap(struct jit_buf *b, u8 dst, u8 bits)
{
	if (bits == 16) {
		jit_x86_rr(b, 0xc1, 1, dst, X86_16);
		byte(b, 8);
		jit_x86_rr(b, 0x0fb7, dst, dst, 0);
		return;
	}
	if (bits == 64 || dst >= 8)
		byte(b, 0x40 | (bits == 64 ? 8 : 0) | dst >> 3);
	byte(b, 0x0f);
	byte(b, 0xc8 | (dst & 7));
}

static void load(struct jit_buf *b, u8 dst, const struct jit_addr *a, u8 bytes, bool is_signed)
{
	static const u32 op[2][9] = {
		{ [1] = 0x0fb6, [2] = 0x0fb7, [4] = 0x8b, [8] = 0x8b },
		{ [1] = 0x0fbe, [2] = 0x0fbf, [4] = 0x63, [8] = 0x8b },
	};

	jit_x86_rm(b, op[is_signed][bytes], dst, a, width(is_signed || bytes == 8));
}

void jit_x86_store(struct jit_buf *b, const struct jit_addr *a, u8 bytes, u8 src)
{
	jit_x86_rm(b, bytes == 1 ? 0x88 : 0x89, src, a,
		   bytes == 1	? X86_BYTE
		   : bytes == 2 ? X86_16
				: width(bytes == 8));
}

static void imm_of(struct jit_buf *b, u8 bytes, s32 imm)
{
	if (bytes == 1) {
		byte(b, (u32)imm);
	} else if (bytes == 2) {
		byte(b, (u32)imm);
		byte(b, (u32)imm >> 8);
	} else {
		word32(b, imm);
	}
}

static void store_imm(struct jit_buf *b, const struct jit_addr *a, u8 bytes, s32 imm)
{
	jit_x86_rm(b, bytes == 1 ? 0xc6 : 0xc7, 0, a, bytes == 2 ? X86_16 : width(bytes == 8));
	imm_of(b, bytes, imm);
}

static void cmp(struct jit_buf *b, u8 x, u8 y, bool is64)
{
	jit_x86_rr(b, 0x3b, x, y, width(is64));
}

static void test(struct jit_buf *b, u8 x, u8 y, bool is64)
{
	jit_x86_rr(b, 0x85, y, x, width(is64));
}

static void cmp_imm(struct jit_buf *b, u8 x, s32 imm, bool is64)
{
	if (imm == 0)
		test(b, x, x, is64);
	else
		group1(b, 7, x, imm, is64);
}

static void cmp_mem(struct jit_buf *b, u8 x, const struct jit_addr *m, bool is64)
{
	jit_x86_rm(b, 0x3b, x, m, width(is64));
}

static void cmp_mem_imm(struct jit_buf *b, const struct jit_addr *m, u8 bytes, s32 imm)
{
	bool small = bytes > 1 && is_s8(imm);

	jit_x86_rm(b,
		   bytes == 1 ? 0x80
		   : small    ? 0x83
			      : 0x81,
		   7, m, bytes == 2 ? X86_16 : width(bytes == 8));
	imm_of(b, small ? 1 : bytes, imm);
}

static void cmp_byte(struct jit_buf *b, u8 x, u8 imm)
{
	jit_x86_rr(b, 0x80, 7, x, X86_BYTE);
	byte(b, imm);
}

static void test_imm(struct jit_buf *b, u8 x, s32 imm, bool is64)
{
	if (imm >= 0 && imm <= 0x7f) {
		jit_x86_rr(b, 0xf6, 0, x, X86_BYTE);
		byte(b, (u32)imm);
		return;
	}
	if (imm >= 0)
		is64 = false;
	jit_x86_rr(b, 0xf7, 0, x, width(is64));
	word32(b, imm);
}

static u32 jump_size(u8 cond, s64 distance, u32 size_now)
{
	bool near = is_s8(distance);

	if (cond == JIT_CALL)
		return 5;
	if (cond == JIT_ADDR)
		return 7;
	if (cond == JIT_ALWAYS && distance == 0 && size_now == 0)
		return 0;
	if (near)
		return 2;
	return cond == JIT_ALWAYS ? 5 : 6;
}

/* Up to 31 bytes that do nothing, in few instructions. */
static void fill(u8 *at, u32 n)
{
	static const u8 nops[8][8] = {
		{ 0x90 },
		{ 0x66, 0x90 },
		{ 0x0f, 0x1f, 0x00 },
		{ 0x0f, 0x1f, 0x40, 0x00 },
		{ 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x66, 0x0f, 0x1f, 0x44, 0x00, 0x00 },
		{ 0x0f, 0x1f, 0x80, 0x00, 0x00, 0x00, 0x00 },
		{ 0x0f, 0x1f, 0x84, 0x00, 0x00, 0x00, 0x00, 0x00 },
	};

	while (n) {
		u32 k = n > 8 ? 8 : n;

		/* cppcheck-suppress negativeIndex ; n is not 0 here, so k is not either */
		memcpy(at, nops[k - 1], k);
		n -= k;
		at += k;
	}
}

static const u8 cc[] = {
	[JIT_EQ] = 4, [JIT_NE] = 5,    [JIT_GT] = 7,	[JIT_GE] = 3,	 [JIT_LT] = 2,
	[JIT_LE] = 6, [JIT_SGT] = 0xf, [JIT_SGE] = 0xd, [JIT_SLT] = 0xc, [JIT_SLE] = 0xe
};

static void select(struct jit_buf *b, u8 cond, u8 dst, u8 src)
{
	jit_x86_rr(b, 0x0f40u | cc[cond], dst, src, X86_W);
}

static void set(struct jit_buf *b, u8 cond, u8 dst)
{
	jit_x86_rr(b, 0x0f90u | cc[cond], 0, dst, X86_BYTE);
	jit_x86_rr(b, 0x0fb6, dst, dst, X86_BYTE);
}

static void jump(u8 *at, const struct jit_jump *j, s64 distance)
{
	s32 d = (s32)distance;

	if (j->cond == JIT_ALIGN) {
		fill(at, j->size);
		return;
	}
	if (j->cond == JIT_ADDR) {
		at[0] = 0x48 | (j->reg >> 3) << 2;
		at[1] = 0x8d;
		at[2] = 5 | (j->reg & 7) << 3;
	} else if (j->size == 2) {
		at[0] = j->cond == JIT_ALWAYS ? 0xeb : 0x70 | cc[j->cond];
		at[1] = (u8)d;
		return;
	} else if (j->size == 5) {
		at[0] = j->cond == JIT_CALL ? 0xe8 : 0xe9;
	} else if (j->size == 6) {
		at[0] = 0x0f;
		at[1] = 0x80 | cc[j->cond];
	}
	if (j->size)
		memcpy(at + j->size - 4, &d, 4);
}

/* clang-format off */
#define X86_TABLE(text, shift_fn, rotate_fn) { \
	.name = text, \
	.home = { RAX, RDI, RSI, RDX, RCX, R8, RBX, R13, R14, R15 }, \
	.spare = { RBP, R12, R9, R10, JIT_NOREG }, \
	.thread = R12, .sp = RSP, .scratch = R11, .ret = RAX, \
	.args = { RDI, RSI, RDX, RCX, R8, R9 }, \
	.kept = 1u << RBX | 1u << RBP | 1u << R12 | 1u << R13 | 1u << R14 | 1u << R15, \
	.mem_operands = true, .alu_tells = true, .lea_adds = true, .addr_ok = addr_ok, .imm_ok = imm_ok, .mov = jit_x86_mov, \
	.mov_imm = mov_imm, .lea = lea, .alu = alu, .alu_imm = alu_imm, .alu_mem = alu_mem, \
	.mul_imm = mul_imm, .neg = neg, .shift_imm = shift_imm, .shift = shift_fn, \
	.rotate = rotate_fn, .extend = extend, .bswap = bswap, .load = load, \
	.store = jit_x86_store, .store_imm = store_imm, .cmp = cmp, .cmp_imm = cmp_imm, \
	.cmp_mem = cmp_mem, .cmp_mem_imm = cmp_mem_imm, .test = test, .test_imm = test_imm, \
	.cmp_byte = cmp_byte, .select = select, .set = set, \
	.divide = jit_x86_divide, .atomic = jit_x86_atomic, .enter = jit_x86_enter, \
	.leave = jit_x86_leave, .call_abs = jit_x86_call_abs, .jump_size = jump_size, .jump = jump, \
}
const struct jit_target jit_x86_64 = X86_TABLE("x86-64", shift, rotate);
const struct jit_target jit_x86_64_old = X86_TABLE("x86-64", shift_old, rotate_old);
/* clang-format on */
