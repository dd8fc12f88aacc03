/* The disassembler: one instruction as text.
 *
 * The notation is LLVM's, which the kernel's verifier log shares but for blanks and `pc`; where
 * LLVM has no form (pseudo sources of 64-bit immediates, kernel functions) it is ours, in the same
 * style:
 *
 *     r1 = map[fd:5]           r1 = map_value[fd:5] + 16     r1 = map[idx:0]
 *     r1 = btf_id[300]         r1 = btf_id[300, fd:4]        r1 = func[pc+12]
 *     call pc+7                call kfunc[1234]              call kfunc[1234, fd:2]
 *
 * A slot that isa_decode refuses is printed by its fields (`.insn code, dst, src, off, imm`, twice
 * the fields for two slots). The invariant, which a test proves for every row of the opcode table:
 * the assembler gives the same bytes back.
 */
#include "isa/isa.h"

#include <inttypes.h>

/* A slot by its fields, for what has no other notation. */
static void put_raw(struct sbuf *out, struct isa_insn i)
{
	sbuf_printf(out, ".insn 0x%02x, %u, %u, %d, %d", i.code, i.dst, i.src, i.off, i.imm);
}

static void put_reg(struct sbuf *out, bool is64, u8 reg)
{
	sbuf_printf(out, "%c%u", is64 ? 'r' : 'w', reg);
}

/* ` + 8` or ` - 8`. */
static void put_off(struct sbuf *out, s64 off)
{
	sbuf_printf(out, " %c %" PRId64, off < 0 ? '-' : '+', off < 0 ? -off : off);
}

/* `*(u32 *)(r1 + 8)` without what comes before or after. */
static void put_mem(struct sbuf *out, char sign, u8 bytes, u8 base, s16 off)
{
	sbuf_printf(out, "*(%c%u *)(r%u", sign, bytes * 8u, base);
	put_off(out, off);
	sbuf_putc(out, ')');
}

static void put_operand(struct sbuf *out, bool is64, struct isa_insn i)
{
	if (i.code & ISA_X)
		put_reg(out, is64, i.src);
	else
		sbuf_printf(out, "%d", i.imm);
}

static const char *alu_sign(struct isa_insn i)
{
	switch (isa_op(i)) {
	case ISA_ADD: return "+=";
	case ISA_SUB: return "-=";
	case ISA_MUL: return "*=";
	case ISA_DIV: return i.off ? "s/=" : "/=";
	case ISA_OR: return "|=";
	case ISA_AND: return "&=";
	case ISA_LSH: return "<<=";
	case ISA_RSH: return ">>=";
	case ISA_MOD: return i.off ? "s%=" : "%=";
	case ISA_XOR: return "^=";
	case ISA_ARSH: return "s>>=";
	default: return "=";
	}
}

static void put_alu(struct sbuf *out, struct isa_insn i)
{
	bool is64 = isa_class(i) == ISA_ALU64;

	if (isa_op(i) == ISA_END) {
		const char *how = is64 ? "bswap" : i.code & ISA_X ? "be" : "le";

		sbuf_printf(out, "r%u = %s%d r%u", i.dst, how, i.imm, i.dst);
		return;
	}
	put_reg(out, is64, i.dst);
	sbuf_printf(out, " %s ", alu_sign(i));
	if (isa_op(i) == ISA_NEG) {
		sbuf_putc(out, '-');
		put_reg(out, is64, i.dst);
		return;
	}
	if (isa_op(i) == ISA_MOV && i.off)
		sbuf_printf(out, "(s%d)", i.off);
	put_operand(out, is64, i);
}

static const char *jump_sign(u8 op)
{
	switch (op) {
	case ISA_JEQ: return "==";
	case ISA_JGT: return ">";
	case ISA_JGE: return ">=";
	case ISA_JSET: return "&";
	case ISA_JNE: return "!=";
	case ISA_JSGT: return "s>";
	case ISA_JSGE: return "s>=";
	case ISA_JLT: return "<";
	case ISA_JLE: return "<=";
	case ISA_JSLT: return "s<";
	default: return "s<=";
	}
}

static void put_call(struct sbuf *out, struct isa_insn i)
{
	const struct isa_helper *h = isa_helper((u32)i.imm);

	if (i.src == ISA_CALL_HELPER && i.imm < 0)
		put_raw(out, i);
	else if (i.src == ISA_CALL_LOCAL)
		sbuf_printf(out, "call pc%+d", i.imm);
	else if (i.src == ISA_CALL_KFUNC && i.off)
		sbuf_printf(out, "call kfunc[%d, fd:%d]", i.imm, i.off);
	else if (i.src == ISA_CALL_KFUNC)
		sbuf_printf(out, "call kfunc[%d]", i.imm);
	else if (h)
		sbuf_printf(out, "call bpf_%s", h->name);
	else
		sbuf_printf(out, "call %d", i.imm);
}

static void put_jump(struct sbuf *out, struct isa_insn i)
{
	bool is64 = isa_class(i) == ISA_JMP;
	u8 op = isa_op(i);

	if (op == ISA_EXIT) {
		sbuf_puts(out, "exit");
	} else if (op == ISA_CALL) {
		put_call(out, i);
	} else if (op == ISA_JA) {
		sbuf_printf(out, is64 ? "goto %+d" : "gotol %+d", is64 ? i.off : i.imm);
	} else {
		sbuf_puts(out, "if ");
		put_reg(out, is64, i.dst);
		sbuf_printf(out, " %s ", jump_sign(op));
		put_operand(out, is64, i);
		sbuf_printf(out, " goto %+d", i.off);
	}
}

static void put_atomic(struct sbuf *out, struct isa_insn i)
{
	u8 bytes = isa_bytes(i), op = (u8)(i.imm & 0xf0);
	bool is64 = bytes == 8;
	char r = is64 ? 'r' : 'w';
	const char *sign = op == ISA_ATOMIC_ADD	  ? "+="
			   : op == ISA_ATOMIC_OR  ? "|="
			   : op == ISA_ATOMIC_AND ? "&="
						  : "^=";
	const char *name = op == ISA_ATOMIC_ADD	  ? "add"
			   : op == ISA_ATOMIC_OR  ? "or"
			   : op == ISA_ATOMIC_AND ? "and"
						  : "xor";

	if (i.imm == ISA_XCHG) {
		sbuf_printf(out, "%c%u = %s(r%u", r, i.src, is64 ? "xchg_64" : "xchg32_32", i.dst);
		put_off(out, i.off);
		sbuf_printf(out, ", %c%u)", r, i.src);
	} else if (i.imm == ISA_CMPXCHG) {
		sbuf_printf(out, "%c0 = %s(r%u", r, is64 ? "cmpxchg_64" : "cmpxchg32_32", i.dst);
		put_off(out, i.off);
		sbuf_printf(out, ", %c0, %c%u)", r, r, i.src);
	} else if (i.imm & ISA_FETCH) {
		sbuf_printf(out, "%c%u = atomic_fetch_%s((u%u *)(r%u", r, i.src, name, bytes * 8u,
			    i.dst);
		put_off(out, i.off);
		sbuf_printf(out, "), %c%u)", r, i.src);
	} else {
		sbuf_puts(out, "lock ");
		put_mem(out, 'u', bytes, i.dst, i.off);
		sbuf_printf(out, " %s %c%u", sign, r, i.src);
	}
}

/* Loads of classic BPF: `r0 = *(u16 *)skb[r1 + 4]`. */
static void put_packet(struct sbuf *out, struct isa_insn i)
{
	sbuf_printf(out, "r0 = *(u%u *)skb[", isa_bytes(i) * 8u);
	if ((i.code & 0xe0) == ISA_ABS) {
		sbuf_printf(out, "%d", i.imm);
	} else {
		sbuf_printf(out, "r%u", i.src);
		if (i.imm)
			put_off(out, i.imm);
	}
	sbuf_putc(out, ']');
}

/* The two numbers of a 64-bit immediate by what src says they are. Prints nothing and returns false
 * when the second slot holds something that this kind of source has no place for. */
static bool put_wide(struct sbuf *out, struct isa_insn i, struct isa_insn next)
{
	bool by_idx = i.src == ISA_MAP_IDX || i.src == ISA_MAP_IDX_VALUE;
	const char *what = by_idx ? "idx" : "fd";

	if (next.code || next.dst || next.src || next.off)
		return false;
	switch (i.src) {
	case ISA_IMM64:
		sbuf_printf(out, "r%u = 0x%" PRIx64 " ll", i.dst,
			    (u64)(u32)next.imm << 32 | (u32)i.imm);
		return true;
	case ISA_MAP_VALUE:
	case ISA_MAP_IDX_VALUE:
		sbuf_printf(out, "r%u = map_value[%s:%d]", i.dst, what, i.imm);
		put_off(out, next.imm);
		return true;
	case ISA_BTF_ID:
		sbuf_printf(out, "r%u = btf_id[%d", i.dst, i.imm);
		if (next.imm)
			sbuf_printf(out, ", fd:%d", next.imm);
		sbuf_putc(out, ']');
		return true;
	default:
		if (next.imm)
			return false;
		if (i.src == ISA_FUNC)
			sbuf_printf(out, "r%u = func[pc%+d]", i.dst, i.imm);
		else
			sbuf_printf(out, "r%u = map[%s:%d]", i.dst, what, i.imm);
		return true;
	}
}

static void put_raw_wide(struct sbuf *out, struct isa_insn i, struct isa_insn next)
{
	put_raw(out, i);
	sbuf_printf(out, ", %u, %u, %u, %d, %d", next.code, next.dst, next.src, next.off, next.imm);
}

void isa_print(struct sbuf *out, struct isa_insn i, struct isa_insn next)
{
	const char *why;

	if (!isa_decode(i, &why)) {
		if (isa_is_wide(i))
			put_raw_wide(out, i, next);
		else
			put_raw(out, i);
		return;
	}
	switch (isa_class(i)) {
	case ISA_LD:
		if (!isa_is_wide(i))
			put_packet(out, i);
		else if (!put_wide(out, i, next))
			put_raw_wide(out, i, next);
		break;
	case ISA_LDX:
		sbuf_printf(out, "r%u = ", i.dst);
		put_mem(out, (i.code & 0xe0) == ISA_MEMSX ? 's' : 'u', isa_bytes(i), i.src, i.off);
		break;
	case ISA_ST:
		put_mem(out, 'u', isa_bytes(i), i.dst, i.off);
		sbuf_printf(out, " = %d", i.imm);
		break;
	case ISA_STX:
		if ((i.code & 0xe0) == ISA_ATOMIC) {
			put_atomic(out, i);
			break;
		}
		put_mem(out, 'u', isa_bytes(i), i.dst, i.off);
		sbuf_printf(out, " = r%u", i.src);
		break;
	case ISA_ALU:
	case ISA_ALU64: put_alu(out, i); break;
	default: put_jump(out, i);
	}
}
