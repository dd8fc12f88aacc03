/* Builders: from what an instruction means to its eight bytes (RFC 9669, 3).
 *
 * Each returns one slot with every field that it does not name zero, as decode.c demands. Sizes are
 * given in bytes or bits as a programmer thinks of them; the two size bits of the code are found
 * here. Arguments outside the documented values are the caller's bug: they give an instruction that
 * isa_decode refuses, never one that does something else.
 */
#include "isa/isa.h"

/* What no legal instruction has: the answer to an impossible size. */
#define BAD_CODE 0xff

static struct isa_insn slot(u8 code, u8 dst, u8 src, s16 off, s32 imm)
{
	struct isa_insn i = { .code = code, .off = off, .imm = imm };

	i.dst = dst & 15;
	i.src = src & 15;
	return i;
}

/* The size bits for 1, 2, 4 or 8 bytes, or 1 (which is no size) for anything else. */
static u8 size_of(u8 bytes)
{
	switch (bytes) {
	case 1: return ISA_B;
	case 2: return ISA_H;
	case 4: return ISA_W;
	case 8: return ISA_DW;
	default: return 1;
	}
}

static struct isa_insn memory(u8 cls_mode, u8 bytes, u8 dst, u8 src, s16 off, s32 imm)
{
	u8 size = size_of(bytes);

	return slot(size == 1 ? BAD_CODE : cls_mode | size, dst, src, off, imm);
}

struct isa_insn isa_alu_imm(bool is64, enum isa_alu op, u8 dst, s32 imm)
{
	return slot((is64 ? ISA_ALU64 : ISA_ALU) | op | ISA_K, dst, 0, 0, imm);
}

struct isa_insn isa_alu_reg(bool is64, enum isa_alu op, u8 dst, u8 src)
{
	return slot((is64 ? ISA_ALU64 : ISA_ALU) | op | ISA_X, dst, src, 0, 0);
}

struct isa_insn isa_mov_sx(bool is64, u8 dst, u8 src, u8 bits)
{
	return slot((is64 ? ISA_ALU64 : ISA_ALU) | ISA_MOV | ISA_X, dst, src, bits, 0);
}

struct isa_insn isa_endian(u8 dst, bool to_be, u8 bits)
{
	return slot(ISA_ALU | ISA_END | (to_be ? ISA_X : ISA_K), dst, 0, 0, bits);
}

struct isa_insn isa_bswap(u8 dst, u8 bits)
{
	return slot(ISA_ALU64 | ISA_END | ISA_K, dst, 0, 0, bits);
}

struct isa_insn isa_load(u8 bytes, u8 dst, u8 base, s16 off)
{
	return memory(ISA_LDX | ISA_MEM, bytes, dst, base, off, 0);
}

struct isa_insn isa_load_sx(u8 bytes, u8 dst, u8 base, s16 off)
{
	return memory(ISA_LDX | ISA_MEMSX, bytes, dst, base, off, 0);
}

struct isa_insn isa_store(u8 bytes, u8 base, s16 off, u8 src)
{
	return memory(ISA_STX | ISA_MEM, bytes, base, src, off, 0);
}

struct isa_insn isa_store_imm(u8 bytes, u8 base, s16 off, s32 imm)
{
	return memory(ISA_ST | ISA_MEM, bytes, base, 0, off, imm);
}

struct isa_insn isa_atomic(u8 bytes, s32 op, u8 base, s16 off, u8 src)
{
	return memory(ISA_STX | ISA_ATOMIC, bytes, base, src, off, op);
}

struct isa_insn isa_jump(s16 off)
{
	return slot(ISA_JMP | ISA_JA, 0, 0, off, 0);
}

struct isa_insn isa_jump_imm(bool is64, enum isa_jmp op, u8 dst, s32 imm, s16 off)
{
	return slot((is64 ? ISA_JMP : ISA_JMP32) | op | ISA_K, dst, 0, off, imm);
}

struct isa_insn isa_jump_reg(bool is64, enum isa_jmp op, u8 dst, u8 src, s16 off)
{
	return slot((is64 ? ISA_JMP : ISA_JMP32) | op | ISA_X, dst, src, off, 0);
}

struct isa_insn isa_call_helper(s32 id)
{
	return slot(ISA_JMP | ISA_CALL, 0, ISA_CALL_HELPER, 0, id);
}

struct isa_insn isa_call_local(s32 off)
{
	return slot(ISA_JMP | ISA_CALL, 0, ISA_CALL_LOCAL, 0, off);
}

struct isa_insn isa_exit(void)
{
	return slot(ISA_JMP | ISA_EXIT, 0, 0, 0, 0);
}

void isa_ld_imm64(struct isa_insn out[2], u8 dst, u8 pseudo, u64 value)
{
	out[0] = slot(ISA_LD | ISA_IMM | ISA_DW, dst, pseudo, 0, (s32)(u32)value);
	out[1] = slot(0, 0, 0, 0, (s32)(u32)(value >> 32));
}

u8 isa_bytes(struct isa_insn i)
{
	switch (i.code & 0x18) {
	case ISA_B: return 1;
	case ISA_H: return 2;
	case ISA_W: return 4;
	default: return 8;
	}
}
