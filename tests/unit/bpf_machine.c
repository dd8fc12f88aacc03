/* A tiny, slow, suspicious BPF interpreter for tests of generated code, which include this file.
 *
 * It follows RFC 9669 and refuses what a verifier would refuse at run time: reads of registers or
 * stack bytes that were never written, accesses outside the stack and the context, misaligned stack
 * accesses, dead ends, calls that nest too deep. `wrong` then says why. Helper calls go to
 * `helper`, which sees five arguments; afterwards r1 to r5 are unreadable.
 */
#ifndef SKEP_TEST_BPF_MACHINE
#define SKEP_TEST_BPF_MACHINE

#include "isa/isa.h"

#include <stdio.h>
#include <string.h>

enum { MACHINE_FRAMES = 8, MACHINE_STEPS = 2000000 };

struct machine {
	const struct isa_insn *code;
	u32 n;
	u8 *ctx;
	u32 ctx_size;
	u64 (*helper)(void *arg, u32 id, const u64 args[5]);
	void *helper_arg;
	char wrong[160]; /* empty: all is well */
	u64 steps;	 /* instructions executed */

	u64 r[ISA_N_REGS];
	u32 known; /* registers that may be read, as bits */
	struct machine_frame {
		u8 bytes[ISA_STACK_BYTES] __attribute__((aligned(8)));
		bool known[ISA_STACK_BYTES];
		u64 saved[4];
		u32 saved_known, ret;
	} frames[MACHINE_FRAMES];
	u32 depth;
};

static inline void machine_fail(struct machine *m, u32 pc, const char *why)
{
	if (!m->wrong[0])
		snprintf(m->wrong, sizeof(m->wrong), "at %u: %s", pc, why);
}

static inline u64 machine_get(struct machine *m, u32 pc, u32 reg)
{
	if (reg > ISA_R10 || !(m->known >> reg & 1)) {
		machine_fail(m, pc, "reads a register that was never written");
		return 0;
	}
	return m->r[reg];
}

static inline void machine_set(struct machine *m, u32 pc, u32 reg, u64 value)
{
	if (reg >= ISA_R10)
		machine_fail(m, pc, "writes the frame pointer");
	else
		m->r[reg] = value;
	m->known |= 1u << reg;
}

/* The memory behind an address, or NULL. */
static inline u8 *machine_memory(struct machine *m, u32 pc, u64 at, u32 size, bool is_read)
{
	if (at >= (u64)(uintptr_t)m->ctx && at + size <= (u64)(uintptr_t)m->ctx + m->ctx_size)
		return (u8 *)(uintptr_t)at;
	for (u32 f = 0; f <= m->depth; f++) {
		struct machine_frame *fr = &m->frames[f];
		u64 base = (u64)(uintptr_t)fr->bytes;

		if (at < base || at + size > base + ISA_STACK_BYTES)
			continue;
		if (at % size)
			machine_fail(m, pc, "misaligned stack access");
		for (u32 i = 0; i < size; i++) {
			if (is_read && !fr->known[at - base + i])
				machine_fail(m, pc, "reads stack that was never written");
			fr->known[at - base + i] = true;
		}
		return (u8 *)(uintptr_t)at;
	}
	machine_fail(m, pc, "accesses memory that it does not own");
	return NULL;
}

static inline u64 machine_load(struct machine *m, u32 pc, u64 at, u32 size)
{
	const u8 *p = machine_memory(m, pc, at, size, true);
	u64 v = 0;

	if (p)
		memcpy(&v, p, size);
	return v;
}

static inline void machine_store(struct machine *m, u32 pc, u64 at, u32 size, u64 v)
{
	u8 *p = machine_memory(m, pc, at, size, false);

	if (p)
		memcpy(p, &v, size);
}

static inline s64 machine_sx(u64 v, u32 bits)
{
	return (s64)(v << (64 - bits)) >> (64 - bits);
}

static inline u64 machine_swap(u64 v, u32 bits)
{
	return bits == 16   ? __builtin_bswap16((u16)v)
	       : bits == 32 ? __builtin_bswap32((u32)v)
			    : __builtin_bswap64(v);
}

static inline u64 machine_divide(u8 op, bool is_signed, u32 bits, u64 a, u64 b)
{
	s64 sa = machine_sx(a, bits), sb = machine_sx(b, bits);

	if (op == ISA_DIV) {
		if (is_signed)
			return !sb ? 0 : sb == -1 ? -(u64)sa : (u64)(sa / sb);
		return b ? a / b : 0;
	}
	if (is_signed)
		return !sb ? a : sb == -1 ? 0 : (u64)(sa % sb);
	return b ? a % b : a;
}

static inline u64 machine_alu(struct machine *m, u32 pc, struct isa_insn i, u64 a, u64 b)
{
	bool is64 = isa_class(i) == ISA_ALU64;
	u32 bits = is64 ? 64 : 32;
	u64 r = 0;

	if (!is64) {
		a = (u32)a;
		b = (u32)b;
	}
	switch (isa_op(i)) {
	case ISA_ADD: r = a + b; break;
	case ISA_SUB: r = a - b; break;
	case ISA_MUL: r = a * b; break;
	case ISA_DIV:
	case ISA_MOD:
		if (!(i.code & ISA_X) && !i.imm)
			machine_fail(m, pc, "divides by constant 0");
		r = machine_divide(isa_op(i), i.off == 1, bits, a, b);
		break;
	case ISA_OR: r = a | b; break;
	case ISA_AND: r = a & b; break;
	case ISA_XOR: r = a ^ b; break;
	case ISA_LSH:
	case ISA_RSH:
	case ISA_ARSH:
		if (!(i.code & ISA_X) && (i.imm < 0 || (u32)i.imm >= bits))
			machine_fail(m, pc, "shifts by a constant beyond the width");
		b &= bits - 1;
		r = isa_op(i) == ISA_LSH   ? a << b
		    : isa_op(i) == ISA_RSH ? a >> b
					   : (u64)(machine_sx(a, bits) >> b);
		break;
	case ISA_NEG: r = -a; break;
	case ISA_MOV: r = i.off ? (u64)machine_sx(b, (u32)i.off) : b; break;
	default: machine_fail(m, pc, "unknown arithmetic"); break;
	}
	return is64 ? r : (u32)r;
}

static inline bool machine_test(struct machine *m, u32 pc, struct isa_insn i, u64 a, u64 b)
{
	u32 bits = isa_class(i) == ISA_JMP ? 64 : 32;
	s64 sa = machine_sx(a, bits), sb = machine_sx(b, bits);

	if (bits == 32) {
		a = (u32)a;
		b = (u32)b;
	}
	switch (isa_op(i)) {
	case ISA_JEQ: return a == b;
	case ISA_JNE: return a != b;
	case ISA_JGT: return a > b;
	case ISA_JGE: return a >= b;
	case ISA_JLT: return a < b;
	case ISA_JLE: return a <= b;
	case ISA_JSGT: return sa > sb;
	case ISA_JSGE: return sa >= sb;
	case ISA_JSLT: return sa < sb;
	case ISA_JSLE: return sa <= sb;
	case ISA_JSET: return (a & b) != 0;
	default: machine_fail(m, pc, "unknown jump"); return false;
	}
}

static inline void machine_atomic(struct machine *m, u32 pc, struct isa_insn i)
{
	u64 at = machine_get(m, pc, i.dst) + (u64)(s64)i.off;
	u64 old = machine_load(m, pc, at, isa_bytes(i)), y = machine_get(m, pc, i.src), now;

	switch (i.imm & ~ISA_FETCH) {
	case ISA_ATOMIC_ADD: now = old + y; break;
	case ISA_ATOMIC_OR: now = old | y; break;
	case ISA_ATOMIC_AND: now = old & y; break;
	case ISA_ATOMIC_XOR: now = old ^ y; break;
	case ISA_XCHG & ~ISA_FETCH: now = y; break;
	default:
		now = machine_get(m, pc, ISA_R0);
		now = (isa_bytes(i) == 4 ? (u32)now : now) == old ? y : old;
		break;
	}
	machine_store(m, pc, at, isa_bytes(i), now);
	if (i.imm == ISA_CMPXCHG)
		machine_set(m, pc, ISA_R0, old);
	else if (i.imm & ISA_FETCH)
		machine_set(m, pc, i.src, old);
}

static inline void machine_access(struct machine *m, u32 pc, struct isa_insn i)
{
	u32 size = isa_bytes(i);
	u64 v;

	switch (isa_class(i)) {
	case ISA_LDX:
		v = machine_load(m, pc, machine_get(m, pc, i.src) + (u64)(s64)i.off, size);
		if ((i.code & 0xe0) == ISA_MEMSX)
			v = (u64)machine_sx(v, size * 8);
		machine_set(m, pc, i.dst, v);
		break;
	case ISA_ST:
		machine_store(m, pc, machine_get(m, pc, i.dst) + (u64)(s64)i.off, size,
			      (u64)(s64)i.imm);
		break;
	default:
		if ((i.code & 0xe0) == ISA_ATOMIC)
			machine_atomic(m, pc, i);
		else
			machine_store(m, pc, machine_get(m, pc, i.dst) + (u64)(s64)i.off, size,
				      machine_get(m, pc, i.src));
		break;
	}
}

/* Enters a function: returns the slot to go on at. */
static inline u32 machine_enter(struct machine *m, u32 pc, u32 to)
{
	struct machine_frame *f = &m->frames[m->depth], *next;

	if (m->depth + 1 == MACHINE_FRAMES) {
		machine_fail(m, pc, "calls nest too deep");
		return to;
	}
	memcpy(f->saved, m->r + ISA_R6, sizeof(f->saved));
	f->saved_known = m->known;
	f->ret = pc + 1;
	next = &m->frames[++m->depth];
	memset(next->known, 0, sizeof(next->known));
	memset(next->bytes, 0xa5, sizeof(next->bytes));
	m->known &= 0x43e;
	m->r[ISA_R10] = (u64)(uintptr_t)next->bytes + ISA_STACK_BYTES;
	return to;
}

static inline u32 machine_leave(struct machine *m)
{
	struct machine_frame *f = &m->frames[--m->depth];

	memcpy(m->r + ISA_R6, f->saved, sizeof(f->saved));
	m->known = (f->saved_known & ~0x3fu) | (m->known & 1);
	m->r[ISA_R10] = (u64)(uintptr_t)f->bytes + ISA_STACK_BYTES;
	return f->ret;
}

static inline u32 machine_call(struct machine *m, u32 pc, struct isa_insn i)
{
	u64 args[5] = { 0 };

	if (i.src == ISA_CALL_LOCAL)
		return machine_enter(m, pc, (u32)((s64)pc + 1 + i.imm));
	for (u32 k = 0; k < 5; k++)
		if (m->known >> (k + 1) & 1)
			args[k] = m->r[k + 1];
	m->known &= ~0x3fu;
	if (m->helper)
		machine_set(m, pc, ISA_R0, m->helper(m->helper_arg, (u32)i.imm, args));
	else
		machine_fail(m, pc, "calls a helper");
	return pc + 1;
}

static inline u32 machine_jump(struct machine *m, u32 pc, struct isa_insn i)
{
	u64 a, b;

	if (isa_op(i) == ISA_JA)
		return (u32)((s64)pc + 1 + (isa_class(i) == ISA_JMP32 ? i.imm : i.off));
	a = machine_get(m, pc, i.dst);
	b = i.code & ISA_X ? machine_get(m, pc, i.src) : (u64)(s64)i.imm;
	return (u32)((s64)pc + 1 + (machine_test(m, pc, i, a, b) ? i.off : 0));
}

static inline void machine_arith(struct machine *m, u32 pc, struct isa_insn i)
{
	u64 a = isa_op(i) == ISA_MOV ? 0 : machine_get(m, pc, i.dst);
	u64 b = i.code & ISA_X ? 0 : (u64)(s64)i.imm;

	if (isa_op(i) == ISA_END) {
		bool swaps = isa_class(i) == ISA_ALU64 || (i.code & ISA_X);

		machine_set(m, pc, i.dst,
			    swaps ? machine_swap(a, (u32)i.imm) : a & (~0ull >> (64 - (u32)i.imm)));
		return;
	}
	if (i.code & ISA_X)
		b = machine_get(m, pc, i.src);
	machine_set(m, pc, i.dst, machine_alu(m, pc, i, a, b));
}

/* Runs the image on a context; r0 at the end. Look at `wrong` first. */
static inline u64 machine_run(struct machine *m)
{
	u32 pc = 0;

	m->wrong[0] = 0;
	m->steps = 0;
	m->depth = 0;
	m->known = 1u << ISA_R1 | 1u << ISA_R10;
	memset(m->frames[0].known, 0, sizeof(m->frames[0].known));
	memset(m->frames[0].bytes, 0x5a, sizeof(m->frames[0].bytes));
	memset(m->r, 0xee, sizeof(m->r));
	m->r[ISA_R1] = (u64)(uintptr_t)m->ctx;
	m->r[ISA_R10] = (u64)(uintptr_t)m->frames[0].bytes + ISA_STACK_BYTES;
	while (!m->wrong[0]) {
		struct isa_insn i;

		if (pc >= m->n || ++m->steps > MACHINE_STEPS) {
			machine_fail(m, pc, pc >= m->n ? "runs off the end" : "never ends");
			break;
		}
		i = m->code[pc];
		switch (isa_class(i)) {
		case ISA_ALU:
		case ISA_ALU64: machine_arith(m, pc++, i); break;
		case ISA_LDX:
		case ISA_ST:
		case ISA_STX: machine_access(m, pc++, i); break;
		case ISA_LD:
			machine_set(m, pc, i.dst, (u32)i.imm | (u64)(u32)m->code[pc + 1].imm << 32);
			pc += 2;
			break;
		default:
			if (i.code == (ISA_JMP | ISA_CALL)) {
				pc = machine_call(m, pc, i);
			} else if (i.code == (ISA_JMP | ISA_EXIT)) {
				if (!m->depth)
					return machine_get(m, pc, ISA_R0);
				pc = machine_leave(m);
			} else {
				pc = machine_jump(m, pc, i);
			}
			break;
		}
	}
	return 0;
}

#endif
