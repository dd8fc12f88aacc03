/* arm64: what takes more than one instruction: division, atomics, entry, return, calls of C
 * functions.
 *
 * Division needs no care: the machine's x / 0 is 0 and MIN / -1 is MIN, as RFC 9669 4.1 wants; the
 * remainder x - q * d then comes out right as well. Atomics: one instruction of FEAT_LSE each, or
 * loops of ldaxr and stlxr where a machine lacks it. The forms that fetch order memory both ways,
 * those that do not promise nothing, as the kernel defines them.
 */
#include "jit/arm64.h"

#define put jit_a64_put

void jit_a64_divide(struct jit_buf *b, const struct jit_div *d)
{
	u32 sf = d->is64 ? 1u << 31 : 0;
	u8 quotient = d->is_mod ? A64_ADDR : d->dst;

	put(b, (d->is_signed ? 0x1ac00c00u : 0x1ac00800u) | sf | (u32)d->divisor << 16 |
		       (u32)d->dst << 5 | quotient);
	if (d->is_mod) /* msub dst, quotient, divisor, dst */
		put(b, 0x1b008000 | sf | (u32)d->divisor << 16 | (u32)d->dst << 10 |
			       (u32)quotient << 5 | d->dst);
}

/* The register that holds the address: instructions of this kind take no offset. */
static u8 address(struct jit_buf *b, const struct jit_addr *a)
{
	if (a->index == JIT_NOREG && a->disp == 0)
		return a->base;
	jit_a64_lea(b, A64_ADDR, a, true);
	return A64_ADDR;
}

void jit_a64_atomic(struct jit_buf *b, const struct jit_atomic *x)
{
	u32 size = x->is64 ? 3u << 30 : 2u << 30, op;
	bool fetch = x->op & ISA_FETCH;
	u8 at = address(b, &x->addr), src = x->src;

	switch (x->op & ~ISA_FETCH) {
	case ISA_ATOMIC_ADD: op = 0x38200000; break;
	case ISA_ATOMIC_OR: op = 0x38203000; break;
	case ISA_ATOMIC_XOR: op = 0x38202000; break;
	case ISA_ATOMIC_AND: /* ldclr clears the bits that are set: mvn first */
		put(b, 0xaa2003e0 | (u32)src << 16 | A64_T1);
		src = A64_T1;
		op = 0x38201000;
		break;
	case ISA_XCHG & ~ISA_FETCH: op = 0x38208000; break;
	default: /* casal */
		put(b, 0x08e0fc00 | size | (u32)x->r0 << 16 | (u32)at << 5 | src);
		return;
	}
	if (fetch)
		op |= 3u << 22;
	put(b, op | size | (u32)src << 16 | (u32)at << 5 | (fetch ? x->src : A64_31));
}

/* again: old = *at; new = …; if (!store(at, new)) goto again; result = old */
void jit_a64_atomic_old(struct jit_buf *b, const struct jit_atomic *x)
{
	u32 size = x->is64 ? 3u << 30 : 2u << 30, sf = x->is64 ? 1u << 31 : 0, op = 0, again;
	u8 at = address(b, &x->addr), result = x->op == ISA_CMPXCHG ? x->r0 : x->src,
	   fresh = A64_T2;

	again = b->n;
	put(b, 0x085ffc00 | size | (u32)at << 5 | A64_T1);
	switch (x->op & ~ISA_FETCH) {
	case ISA_ATOMIC_ADD: op = 0x0b000000; break;
	case ISA_ATOMIC_OR: op = 0x2a000000; break;
	case ISA_ATOMIC_XOR: op = 0x4a000000; break;
	case ISA_ATOMIC_AND: op = 0x0a000000; break;
	case ISA_CMPXCHG & ~ISA_FETCH: /* cmp old, r0; b.ne behind the loop */
		put(b, 0x6b00001f | sf | (u32)x->r0 << 16 | A64_T1 << 5);
		put(b, 0x54000061);
		break;
	default: break;
	}
	if (op)
		put(b, op | sf | (u32)x->src << 16 | A64_T1 << 5 | fresh);
	else
		fresh = x->src;
	put(b, 0x0800fc00 | size | A64_T3 << 16 | (u32)at << 5 | fresh);
	put(b, 0x35000000 | (((again - b->n) / 4) & 0x7ffff) << 5 | A64_T3);
	if (x->op & ISA_FETCH)
		jit_a64_mov(b, result, A64_T1, x->is64);
}

/* Pairs of registers go down and come back in the same order; an odd one takes a pair's room, since
 * the stack pointer must stay a multiple of 16. */
static void pairs(struct jit_buf *b, u32 saved, bool back)
{
	u8 regs[32];
	u32 n = 0;

	for (u8 r = 0; r < 31; r++)
		if (saved >> r & 1)
			regs[n++] = r;
	for (u32 i = 0; i < n; i += 2) {
		u32 k = back ? (n - 1) / 2 * 2 - i : i;

		if (k + 1 < n)
			put(b,
			    (back ? 0xa8c103e0u : 0xa9bf03e0u) | (u32)regs[k + 1] << 10 | regs[k]);
		else
			put(b, (back ? 0xf84107e0u : 0xf81f0fe0u) | regs[k]);
	}
}

u32 jit_a64_enter(struct jit_buf *b, u32 saved, u32 frame, bool calls)
{
	frame = (u32)round_up(frame, 16);
	if (calls) {
		pairs(b, 1u << A64_FP | 1u << A64_LR, false);
		jit_a64_mov(b, A64_FP, A64_31, true);
	}
	pairs(b, saved, false);
	if (frame)
		put(b, 0xd1000000 | frame << 10 | A64_31 << 5 | A64_31);
	return frame;
}

void jit_a64_leave(struct jit_buf *b, u32 saved, u32 frame, bool calls, u8 to)
{
	if (frame)
		put(b, 0x91000000 | frame << 10 | A64_31 << 5 | A64_31);
	pairs(b, saved, true);
	if (calls)
		pairs(b, 1u << A64_FP | 1u << A64_LR, true);
	if (to != JIT_NOREG) {
		put(b, 0xd61f0000 | (u32)to << 5);
		return;
	}
	jit_a64_mov(b, 0, 7, true);
	put(b, 0xd65f03c0);
}

void jit_a64_call_abs(struct jit_buf *b, u64 fn)
{
	jit_a64_mov_imm(b, A64_ADDR, fn);
	put(b, 0xd63f0000 | A64_ADDR << 5);
	jit_a64_mov(b, 7, 0, true);
}
