/* The opcode table (opcodes.def), and from eight bytes to its row or the reason why there is none.
 *
 * An instruction is legal when a row has its code and each field is what the row says: any value,
 * zero (reserved), or the one number that selects the variant. Rows of one code are neighbours;
 * first_row[] leads to the first, so that a decode looks at one row for most codes and at twelve at
 * worst (atomics). Registers above r10 are refused.
 *
 * This is RFC 9669 to the letter: the same fields are checked as in the kernel's verifier. What
 * needs more than one slot (the second half of a 64-bit immediate, jump targets) or is legal but
 * refused by some verifier (division by constant 0, shifts by more than the width) is not decided
 * here. Newer extensions of Linux (load-acquire, store-release, may_goto, address-space casts) are
 * not RFC 9669 and are refused by name.
 */
#include "isa/isa.h"

#define U	  0x20000000
#define FIX	  0x40000000
#define F(n)	  (FIX | (n))
#define FIXED(x)  (((x)&FIX) != 0)
#define NUMBER(x) (((x)&FIX) ? (x)&0xffff : 0)
#define OPERANDS(code, dst, src, off, imm)                                                         \
	(((dst) == U ? ISA_USES_DST : 0) | ((src) == U ? ISA_USES_SRC : 0) |                       \
	 ((off) == U ? ISA_USES_OFF : 0) | ((imm) == U ? ISA_USES_IMM : 0) |                       \
	 (FIXED(src) ? ISA_FIXED_SRC : 0) | (FIXED(off) ? ISA_FIXED_OFF : 0) |                     \
	 (FIXED(imm) ? ISA_FIXED_IMM : 0) | ((code) == 0x18 ? ISA_USES_NEXT : 0))

static const struct isa_opcode opcodes[] = {
#define OP(code, name, cpu, dst, src, off, imm)                                                    \
	{ code,	       #name,	    cpu,	OPERANDS(code, dst, src, off, imm),                \
	  NUMBER(off), NUMBER(imm), NUMBER(src) },
#define ALT OP
#include "isa/opcodes.def"
#undef OP
#undef ALT
};

enum row {
#define OP(code, name, cpu, dst, src, off, imm) ROW_##name,
#define ALT					OP
#include "isa/opcodes.def"
#undef OP
#undef ALT
};

/* By code: the number of its first row, plus one. */
static const u8 first_row[256] = {
#define OP(code, name, cpu, dst, src, off, imm) [code] = ROW_##name + 1,
#define ALT(code, name, cpu, dst, src, off, imm)
#include "isa/opcodes.def"
#undef OP
#undef ALT
};
_Static_assert(ARRAY_LEN(opcodes) < 255, "first_row holds row numbers in a byte");

u32 isa_opcode_count(void)
{
	return ARRAY_LEN(opcodes);
}

const struct isa_opcode *isa_opcode_at(u32 i)
{
	return i < ARRAY_LEN(opcodes) ? &opcodes[i] : NULL;
}

/* Whether an instruction with the row's code has the row's fields: those that are not free must
 * hold the row's number, which is zero where the field is reserved. */
static bool fits(const struct isa_opcode *row, struct isa_insn i)
{
	u8 uses = row->operands;

	return ((uses & ISA_USES_DST) || i.dst == 0) &&
	       ((uses & ISA_USES_SRC) || i.src == row->src) &&
	       ((uses & ISA_USES_OFF) || i.off == row->off) &&
	       ((uses & ISA_USES_IMM) || i.imm == row->imm);
}

/* Why a code has no row at all. */
static const char *why_no_code(u8 code)
{
	u8 cls = code & 7, mode = code & 0xe0, op = code & 0xf0;

	if (code == 0)
		return "code 0 is only the second slot of a 64-bit immediate load";
	if (cls == ISA_STX && mode == ISA_ATOMIC)
		return "atomic operations are on 4 or 8 bytes";
	if (cls == ISA_LDX && mode == ISA_MEMSX)
		return "a sign-extending load is of 1, 2 or 4 bytes";
	if (cls <= ISA_STX)
		return "unknown mode of a load or store";
	if (op == ISA_CALL && cls == ISA_JMP)
		return "calls through a register are not in RFC 9669";
	if (op == ISA_NEG && (cls == ISA_ALU || cls == ISA_ALU64))
		return "negation has no register form";
	if (op == ISA_END && cls == ISA_ALU64)
		return "bswap has no register form";
	if (cls == ISA_JMP && op == 0xe0)
		return "may_goto is an extension of Linux, not in RFC 9669";
	if (cls == ISA_JMP || cls == ISA_JMP32)
		return "unknown jump";
	return "unknown arithmetic operation";
}

static const char *why_off(u8 code)
{
	u8 cls = code & 7, op = code & 0xf0;

	if (cls == ISA_ALU || cls == ISA_ALU64) {
		if (code == (ISA_ALU64 | ISA_MOV | ISA_X))
			return "off of a move must be 0, or 8, 16 or 32 to extend the sign";
		if (code == (ISA_ALU | ISA_MOV | ISA_X))
			return "off of a 32-bit move must be 0, or 8 or 16 to extend the sign";
		if (op == ISA_DIV || op == ISA_MOD)
			return "off of a division must be 0, or 1 when it is signed";
	}
	return "the reserved field off is not 0";
}

static const char *why_imm(struct isa_insn i)
{
	if (isa_class(i) == ISA_STX && (i.code & 0xe0) == ISA_ATOMIC) {
		if (i.imm == 0x100 || i.imm == 0x110)
			return "load-acquire and store-release are extensions of Linux, not in RFC "
			       "9669";
		return "imm names no atomic operation";
	}
	if (isa_op(i) == ISA_END && (isa_class(i) == ISA_ALU || isa_class(i) == ISA_ALU64))
		return "imm of a byte swap must be 16, 32 or 64";
	return "the reserved field imm is not 0";
}

static const char *why_src(u8 code)
{
	if (code == (ISA_JMP | ISA_CALL))
		return "src of a call must be 0 (helper), 1 (local function) or 2 (kernel "
		       "function)";
	if (code == (ISA_LD | ISA_IMM | ISA_DW))
		return "src of a 64-bit immediate load must be 0 to 6";
	return "the reserved field src is not 0";
}

/* Why none of a code's rows fits: the first field, in the order of the bytes, that none allows. */
static const char *why_no_row(const struct isa_opcode *row, struct isa_insn i)
{
	bool src_ok = false, off_ok = false;

	if (i.dst && !(row->operands & ISA_USES_DST))
		return "the reserved field dst is not 0";
	for (; row < opcodes + ARRAY_LEN(opcodes) && row->code == i.code; row++) {
		bool src = (row->operands & ISA_USES_SRC) || i.src == row->src;

		src_ok |= src;
		off_ok |= src && ((row->operands & ISA_USES_OFF) || i.off == row->off);
	}
	if (!src_ok)
		return why_src(i.code);
	if (!off_ok)
		return why_off(i.code);
	return why_imm(i);
}

const struct isa_opcode *isa_decode(struct isa_insn i, const char **out_why)
{
	u8 first = first_row[i.code];
	const struct isa_opcode *row;

	*out_why = NULL;
	if (!first) {
		*out_why = why_no_code(i.code);
		return NULL;
	}
	row = &opcodes[first - 1];
	if (i.dst > ISA_R10 || (i.src > ISA_R10 && (row->operands & ISA_USES_SRC))) {
		*out_why = "there is no register above r10";
		return NULL;
	}
	for (; row < opcodes + ARRAY_LEN(opcodes) && row->code == i.code; row++)
		if (fits(row, i))
			return row;
	*out_why = why_no_row(&opcodes[first - 1], i);
	return NULL;
}
