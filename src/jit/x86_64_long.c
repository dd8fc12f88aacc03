/* x86-64: what takes more than one instruction: division, atomics, entry, return, calls of C
 * functions.
 *
 * Division (RFC 9669 4.1): x / 0 = 0, x % 0 = x, MIN / -1 = MIN, MIN % -1 = 0, where the machine's
 * div would fault. div wants rax and rdx, so what lives there waits in r11 or on the machine's
 * stack. Atomics that fetch and have no machine instruction (or, and, xor) are cmpxchg loops.
 */
#include <string.h>

#include "jit/x86_64.h"

static void bytes(struct jit_buf *b, const void *p, u32 n)
{
	memcpy(b->p + b->n, p, n);
	b->n += n;
}
#define BYTES(b, ...) bytes(b, (const u8[]){ __VA_ARGS__ }, sizeof((const u8[]){ __VA_ARGS__ }))

static void push(struct jit_buf *b, u8 r)
{
	if (r >= 8)
		BYTES(b, 0x41);
	BYTES(b, 0x50 | (r & 7));
}

static void pop(struct jit_buf *b, u8 r)
{
	if (r >= 8)
		BYTES(b, 0x41);
	BYTES(b, 0x58 | (r & 7));
}

/* A short jump inside a sequence, to be aimed by here(). */
static u32 ahead(struct jit_buf *b, u8 op)
{
	BYTES(b, op, 0);
	return b->n;
}

static void here(struct jit_buf *b, u32 from)
{
	b->p[from - 1] = (u8)(b->n - from);
}

/* rax divided by `d`: quotient in rax, remainder in rdx. */
static void core(struct jit_buf *b, const struct jit_div *x, u8 d)
{
	u32 w = x->is64 ? X86_W : 0, zero, minus = 0, done[2];

	jit_x86_rr(b, 0x85, d, d, w);
	zero = ahead(b, 0x74);
	if (x->is_signed) {
		jit_x86_rr(b, 0x83, 7, d, w);
		BYTES(b, 0xff);
		minus = ahead(b, 0x74);
		if (x->is64)
			BYTES(b, 0x48);
		BYTES(b, 0x99);
	} else {
		jit_x86_rr(b, 0x31, RDX, RDX, 0);
	}
	jit_x86_rr(b, 0xf7, x->is_signed ? 7 : 6, d, w);
	done[0] = done[1] = ahead(b, 0xeb);
	if (x->is_signed) {
		here(b, minus);
		if (x->is_mod)
			jit_x86_rr(b, 0x31, RDX, RDX, 0);
		else
			jit_x86_rr(b, 0xf7, 3, RAX, w);
		done[1] = ahead(b, 0xeb);
	}
	here(b, zero);
	if (x->is_mod)
		jit_x86_mov(b, RDX, RAX, x->is64);
	else
		jit_x86_rr(b, 0x31, RAX, RAX, 0);
	here(b, done[0]);
	if (done[1] != done[0])
		here(b, done[1]);
}

void jit_x86_divide(struct jit_buf *b, const struct jit_div *x)
{
	static const u8 fixed[] = { RAX, RDX };
	u8 d = x->divisor, result = x->is_mod ? RDX : RAX, in_r11 = JIT_NOREG;
	bool pushed[2] = { false, false };

	if (d == RAX || d == RDX) {
		in_r11 = d;
		jit_x86_mov(b, R11, d, true);
		d = R11;
	}
	for (u32 i = 0; i < 2; i++) {
		if (fixed[i] == x->dst || fixed[i] == in_r11 || !(x->busy >> fixed[i] & 1))
			continue;
		if (d != R11 && in_r11 == JIT_NOREG) {
			in_r11 = fixed[i];
			jit_x86_mov(b, R11, fixed[i], true);
		} else {
			pushed[i] = true;
			push(b, fixed[i]);
		}
	}
	if (x->dst != RAX)
		jit_x86_mov(b, RAX, x->dst, x->is64);
	core(b, x, d);
	if (x->dst != result)
		jit_x86_mov(b, x->dst, result, x->is64);
	for (u32 i = 2; i-- > 0;) {
		if (pushed[i])
			pop(b, fixed[i]);
		else if (in_r11 == fixed[i] && x->dst != fixed[i])
			jit_x86_mov(b, fixed[i], R11, true);
	}
}

/* old = *p; while (!cmpxchg(p, old, old op src)); src = old. */
static void fetch_loop(struct jit_buf *b, const struct jit_atomic *x, u8 op)
{
	static const struct jit_addr top = { RSP, JIT_NOREG, 0, 0 };
	struct jit_addr a = x->addr, p = { 0, JIT_NOREG, 0, 0 };
	u32 w = x->is64 ? X86_W : 0, loop;
	u8 t = RCX;

	while (t == x->src || t == a.base || t == a.index)
		t = t == RCX ? RDX : t == RDX ? RBX : RBP;
	p.base = t;
	push(b, t);
	push(b, RAX);
	if (a.base == RSP)
		a.disp += 16;
	jit_x86_rm(b, 0x8d, t, &a, X86_W);
	jit_x86_rm(b, 0x8b, RAX, &p, w);
	loop = b->n;
	jit_x86_mov(b, R11, RAX, true);
	if (x->src == RAX)
		jit_x86_rm(b, op, R11, &top, w);
	else
		jit_x86_rr(b, op, R11, x->src, w);
	jit_x86_rm(b, 0x0fb1, R11, &p, w | X86_LOCK);
	BYTES(b, 0x75, (u8)(loop - b->n - 2));
	if (x->src == RAX) {
		BYTES(b, 0x48, 0x83, 0xc4, 8);
	} else {
		jit_x86_mov(b, x->src, RAX, x->is64);
		pop(b, RAX);
	}
	pop(b, t);
}

void jit_x86_atomic(struct jit_buf *b, const struct jit_atomic *x)
{
	u32 w = x->is64 ? X86_W : 0;

	switch (x->op) {
	case ISA_ATOMIC_ADD: jit_x86_rm(b, 0x01, x->src, &x->addr, w | X86_LOCK); break;
	case ISA_ATOMIC_OR: jit_x86_rm(b, 0x09, x->src, &x->addr, w | X86_LOCK); break;
	case ISA_ATOMIC_AND: jit_x86_rm(b, 0x21, x->src, &x->addr, w | X86_LOCK); break;
	case ISA_ATOMIC_XOR: jit_x86_rm(b, 0x31, x->src, &x->addr, w | X86_LOCK); break;
	case ISA_ATOMIC_ADD | ISA_FETCH:
		jit_x86_rm(b, 0x0fc1, x->src, &x->addr, w | X86_LOCK);
		break;
	case ISA_ATOMIC_OR | ISA_FETCH: fetch_loop(b, x, 0x0b); break;
	case ISA_ATOMIC_AND | ISA_FETCH: fetch_loop(b, x, 0x23); break;
	case ISA_ATOMIC_XOR | ISA_FETCH: fetch_loop(b, x, 0x33); break;
	case ISA_XCHG: jit_x86_rm(b, 0x87, x->src, &x->addr, w); break;
	default: /* cmpxchg: eax keeps its upper half when the comparison holds */
		jit_x86_rm(b, 0x0fb1, x->src, &x->addr, w | X86_LOCK);
		if (!x->is64)
			jit_x86_mov(b, RAX, RAX, false);
	}
}

u32 jit_x86_enter(struct jit_buf *b, u32 saved, u32 frame, bool calls)
{
	u32 n = 0;

	for (u8 r = 0; r < 16; r++) {
		if (!(saved >> r & 1))
			continue;
		push(b, r);
		n++;
	}
	frame = (u32)round_up(frame, 8);
	if (calls && (8 + n * 8 + frame) % 16)
		frame += 8;
	if (frame) {
		jit_x86_rr(b, frame < 128 ? 0x83 : 0x81, 5, RSP, X86_W);
		bytes(b, &frame, frame < 128 ? 1 : 4);
	}
	return frame;
}

void jit_x86_leave(struct jit_buf *b, u32 saved, u32 frame, bool calls, u8 to)
{
	(void)calls;
	if (frame) {
		jit_x86_rr(b, frame < 128 ? 0x83 : 0x81, 0, RSP, X86_W);
		bytes(b, &frame, frame < 128 ? 1 : 4);
	}
	for (u8 r = 16; r-- > 0;)
		if (saved >> r & 1)
			pop(b, r);
	if (to == JIT_NOREG)
		BYTES(b, 0xc3);
	else
		jit_x86_rr(b, 0xff, 4, to, 0);
}

void jit_x86_call_abs(struct jit_buf *b, u64 fn)
{
	BYTES(b, 0x49, 0xbb);
	bytes(b, &fn, 8);
	BYTES(b, 0x41, 0xff, 0xd3);
}
