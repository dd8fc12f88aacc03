/* Native code against what RFC 9669 says (computed here in C) and, over random programs, against
 * the interpreter. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "jit_fixture.h"
#include "isa_data.h"

static void dump(const struct fixture *x)
{
	struct arena *a = arena_new(NULL);
	struct sbuf b;

	sbuf_init(&b, a);
	for (u32 i = 0; i < x->n; i++) {
		sbuf_printf(&b, "%4u: ", i);
		isa_print(&b, x->code[i], x->code[i + 1 < x->n ? i + 1 : i]);
		sbuf_putc(&b, '\n');
	}
	fprintf(stderr, "%s", b.s);
	arena_free(a);
}

/* ---- every arithmetic operation, every pair of registers, edge operands
 * --------------------------- */

static const u64 edges[] = { 0,
			     1,
			     2,
			     31,
			     63,
			     0x7f,
			     0x80,
			     0xff,
			     0x7fffffff,
			     0x80000000,
			     0xffffffff,
			     0x100000000,
			     0x7fffffffffffffff,
			     0x8000000000000000,
			     0xffffffffffffffff,
			     0x123456789abcdef0,
			     0xfffffffffffffffd };

static u64 alu64(u8 op, s16 off, u64 x, u64 y)
{
	s64 sx = (s64)x, sy = (s64)y;

	switch (op) {
	case ISA_ADD: return x + y;
	case ISA_SUB: return x - y;
	case ISA_MUL: return x * y;
	case ISA_OR: return x | y;
	case ISA_AND: return x & y;
	case ISA_XOR: return x ^ y;
	case ISA_LSH: return x << (y & 63);
	case ISA_RSH: return x >> (y & 63);
	case ISA_ARSH: return (u64)(sx >> (y & 63));
	case ISA_NEG: return -x;
	case ISA_MOV:
		return off == 8	   ? (u64)(s8)y
		       : off == 16 ? (u64)(s16)y
		       : off == 32 ? (u64)(s32)y
				   : y;
	case ISA_DIV:
		if (!off)
			return y ? x / y : 0;
		return !y ? 0 : sy == -1 ? -x : (u64)(sx / sy);
	default:
		if (!off)
			return y ? x % y : x;
		return !y ? x : sy == -1 ? 0 : (u64)(sx % sy);
	}
}

static u64 alu32(u8 op, s16 off, u32 x, u32 y)
{
	s32 sx = (s32)x, sy = (s32)y;

	switch (op) {
	case ISA_LSH: return x << (y & 31);
	case ISA_RSH: return x >> (y & 31);
	case ISA_ARSH: return (u32)(sx >> (y & 31));
	case ISA_DIV:
		if (!off)
			return y ? x / y : 0;
		return (u32)(!y ? 0 : sy == -1 ? (s32)-x : sx / sy);
	case ISA_MOD:
		if (!off)
			return y ? x % y : x;
		return !y ? x : sy == -1 ? 0 : (u32)(sx % sy);
	default: return (u32)alu64(op, off, x, y);
	}
}

static const struct {
	u8 op;
	s16 off;
	bool no_imm;
} ops[] = {
	{ ISA_ADD, 0, 0 },  { ISA_SUB, 0, 0 }, { ISA_MUL, 0, 0 }, { ISA_OR, 0, 0 },
	{ ISA_AND, 0, 0 },  { ISA_XOR, 0, 0 }, { ISA_LSH, 0, 0 }, { ISA_RSH, 0, 0 },
	{ ISA_ARSH, 0, 0 }, { ISA_MOV, 0, 0 }, { ISA_MOV, 8, 1 }, { ISA_MOV, 16, 1 },
	{ ISA_MOV, 32, 1 }, { ISA_DIV, 0, 0 }, { ISA_MOD, 0, 0 }, { ISA_DIV, 1, 0 },
	{ ISA_MOD, 1, 0 },
};

/* r0…r8 from the context, one operation, all of them back: shows what else it destroys. */
static void frame_code(struct fixture *x, struct isa_insn middle)
{
	start(x);
	put(x, isa_alu_reg(true, ISA_MOV, 9, 1));
	for (u8 r = 0; r <= 8; r++)
		put(x, isa_load(8, r, 9, (s16)(r * 8)));
	put(x, middle);
	for (u8 r = 0; r <= 8; r++)
		put(x, isa_store(8, 9, (s16)(128 + r * 8), r));
	put(x, isa_alu_imm(true, ISA_MOV, 0, 7));
	put(x, isa_exit());
}

static void check_alu(struct fixture *x, struct isa_insn i, const struct jit_options *o)
{
	bool is64 = isa_class(i) == ISA_ALU64, is_imm = !(i.code & ISA_X);
	u8 op = isa_op(i);
	struct vm_prog *p;
	struct jit_code *c;
	u64 ctx[32];

	frame_code(x, i);
	p = bind(x);
	c = compile(p, o);
	for (u32 a = 0; a < ARRAY_LEN(edges); a++) {
		for (u32 b = 0; b < ARRAY_LEN(edges); b++) {
			u64 want[9], y;

			for (u32 r = 0; r < 9; r++)
				ctx[r] = 0xa5a5a5a500000000 + r * 0x11111111;
			ctx[i.dst] = edges[a];
			if (!is_imm)
				ctx[i.src] = edges[b];
			memcpy(want, ctx, sizeof(want));
			y = is_imm ? (u64)(s64)i.imm : ctx[i.src];
			want[i.dst] = is64 ? alu64(op, i.off, ctx[i.dst], y)
					   : alu32(op, i.off, (u32)ctx[i.dst], (u32)y);
			assert_int_equal(jit_entry(c)(ctx, x->thread), 7);
			if (memcmp(want, ctx + 16, sizeof(want)) != 0) {
				dump(x);
				for (u32 r = 0; r < 9; r++)
					fprintf(stderr, "r%u: in %lx want %lx got %lx\n", r, ctx[r],
						want[r], ctx[16 + r]);
				fail_msg("operation differs");
			}
			if (is_imm)
				break;
		}
	}
	jit_free(c);
	vm_prog_free(p);
}

static bool has_off32(u8 op, s16 off, bool is64)
{
	return !(op == ISA_MOV && off == 32 && !is64);
}

static void alu_registers(void **state)
{
	static const struct jit_options baseline = { .baseline = true };
	struct fixture *x = *state;

	for (u32 k = 0; k < ARRAY_LEN(ops); k++) {
		for (u32 pair = 0; pair < 81 * 2; pair++) {
			u8 dst = pair % 9, src = pair / 9 % 9;
			struct isa_insn i = isa_alu_reg(pair < 81, ops[k].op, dst, src);

			i.off = ops[k].off;
			if (!has_off32(ops[k].op, i.off, pair < 81))
				continue;
			check_alu(x, i, NULL);
			check_alu(x, i, &baseline);
		}
	}
}

static void alu_immediates(void **state)
{
	static const s32 imms[] = { 0,
				    1,
				    -1,
				    2,
				    3,
				    7,
				    8,
				    127,
				    128,
				    -128,
				    -129,
				    255,
				    256,
				    65535,
				    65536,
				    0x7fffffff,
				    -0x7fffffff - 1,
				    1000003 };
	static const struct jit_options blind = { .blind_constants = true };
	struct fixture *x = *state;

	for (u32 k = 0; k < ARRAY_LEN(ops); k++) {
		for (u32 n = 0; n < ARRAY_LEN(imms) * 18; n++) {
			bool is64 = n & 1;
			u8 dst = n / 2 % 9;
			struct isa_insn i = isa_alu_imm(is64, ops[k].op, dst, imms[n / 18]);
			bool shifts = ops[k].op == ISA_LSH || ops[k].op == ISA_RSH ||
				      ops[k].op == ISA_ARSH;

			bool divides = ops[k].op == ISA_DIV || ops[k].op == ISA_MOD;

			if (ops[k].no_imm || (divides && i.imm == 0) ||
			    (shifts && (u32)i.imm >= (is64 ? 64 : 32)))
				continue;
			i.off = ops[k].off;
			check_alu(x, i, n % 5 == 0 ? &blind : NULL);
		}
	}
	for (u32 n = 0; n < 18; n++) {
		struct isa_insn i = { .code = (u8)((n & 1 ? ISA_ALU64 : ISA_ALU) | ISA_NEG) };

		i.dst = n / 2;
		check_alu(x, i, NULL);
	}
}

static void byte_order(void **state)
{
	struct fixture *x = *state;

	for (u32 n = 0; n < 9 * 9; n++) {
		u8 dst = n % 9, bits = (u8)(16 << n / 9 % 3);
		u32 kind = n / 27;
		struct isa_insn i = kind == 2 ? isa_bswap(dst, bits) : isa_endian(dst, kind, bits);
		u64 ctx[32], v = 0x8182838485868788, want = v;

		if (kind)
			want = __builtin_bswap64(v) >> (64 - bits);
		else if (bits < 64)
			want = v & ((1ull << bits) - 1);
		frame_code(x, i);
		for (u32 r = 0; r < 9; r++)
			ctx[r] = v;
		run_once(x, ctx, NULL);
		for (u32 r = 0; r < 9; r++)
			if (ctx[16 + r] != (r == dst ? want : v))
				fail_msg("swap %u of %u bits: r%u = %lx", kind, bits, r,
					 ctx[16 + r]);
	}
}

/* ---- jumps
 * ---------------------------------------------------------------------------------------- */

static bool taken(u8 op, u64 a, u64 b, bool is64)
{
	s64 x = is64 ? (s64)a : (s32)a, y = is64 ? (s64)b : (s32)b;

	if (!is64)
		a = (u32)a, b = (u32)b;
	switch (op) {
	case ISA_JEQ: return a == b;
	case ISA_JNE: return a != b;
	case ISA_JGT: return a > b;
	case ISA_JGE: return a >= b;
	case ISA_JLT: return a < b;
	case ISA_JLE: return a <= b;
	case ISA_JSET: return a & b;
	case ISA_JSGT: return x > y;
	case ISA_JSGE: return x >= y;
	case ISA_JSLT: return x < y;
	default: return x <= y;
	}
}

static void check_jump(struct fixture *x, struct isa_insn i, u8 bytes)
{
	bool is64 = isa_class(i) == ISA_JMP, is_imm = !(i.code & ISA_X);
	struct vm_prog *p;
	struct jit_code *c;

	start(x);
	put(x, isa_load(bytes, 2, 1, 0));
	put(x, isa_load(bytes, 3, 1, 8));
	if (bytes != 8 && is64)
		put(x, isa_alu_imm(true, ISA_MOV, 0, 0));
	i.off = 2;
	put(x, i);
	put(x, isa_alu_imm(true, ISA_MOV, 0, 5));
	put(x, isa_exit());
	put(x, isa_alu_imm(true, ISA_MOV, 0, 9));
	put(x, isa_exit());
	p = bind(x);
	c = compile(p, NULL);
	for (u32 k = 0; k < ARRAY_LEN(edges) * ARRAY_LEN(edges); k++) {
		u64 ctx[2] = { edges[k % ARRAY_LEN(edges)], edges[k / ARRAY_LEN(edges)] };
		u64 mask = bytes == 8 ? ~0ull : (1ull << bytes * 8) - 1;
		u64 b = is_imm ? (u64)(s64)i.imm : ctx[1] & mask;
		u64 want = taken(isa_op(i), ctx[0] & mask, b, is64) ? 9 : 5;
		u64 got = jit_entry(c)(ctx, x->thread);

		if (got != want) {
			dump(x);
			fail_msg("jump on %lx, %lx: %lu", ctx[0], b, got);
		}
	}
	jit_free(c);
	vm_prog_free(p);
}

static void jumps(void **state)
{
	static const s32 imms[] = { 0, 1, -1, 127, 128, 255, 256, 0x7fffffff, -0x7fffffff - 1 };
	static const u8 conds[] = { ISA_JEQ,  ISA_JNE,	ISA_JGT,  ISA_JGE,  ISA_JLT, ISA_JLE,
				    ISA_JSET, ISA_JSGT, ISA_JSGE, ISA_JSLT, ISA_JSLE };
	struct fixture *x = *state;

	for (u32 k = 0; k < ARRAY_LEN(conds) * 2; k++) {
		for (u8 bytes = 1; bytes <= 8; bytes *= 2) {
			check_jump(x, isa_jump_reg(k & 1, conds[k / 2], 2, 3, 0), bytes);
			for (u32 m = 0; m < ARRAY_LEN(imms); m++)
				check_jump(x, isa_jump_imm(k & 1, conds[k / 2], 2, imms[m], 0),
					   bytes);
		}
	}
}

/* Jumps of every length around the limits of the short form. */
static void distances(void **state)
{
	struct fixture *x = *state;

	for (u32 n = 20; n < 60; n++) {
		u64 ctx[4] = { 3, 0, 0, 0 };

		start(x);
		put(x, isa_load(8, 2, 1, 0));
		put(x, isa_alu_imm(true, ISA_MOV, 0, 0));
		put(x, isa_jump_imm(true, ISA_JEQ, 2, 77, (s16)(n + 1)));
		for (u32 k = 0; k < n; k++)
			put(x, isa_alu_imm(true, ISA_XOR, 0, (s32)k * (k % 3 ? 1 : 70000)));
		put(x, isa_alu_imm(true, ISA_ADD, 2, -1));
		put(x, isa_jump_imm(true, ISA_JNE, 2, 0, (s16) - (s32)(n + 3)));
		put(x, isa_exit());
		{
			u64 want = 0;

			for (u32 k = 0; k < n; k++)
				want ^= (u64)(k * (k % 3 ? 1 : 70000));
			/* three rounds, an odd number */
			assert_int_equal(run_once(x, ctx, NULL), want);
		}
	}
}

/* ---- atomics
 * -------------------------------------------------------------------------------------- */

static u64 atomic_new(s32 op, u64 old, u64 src, u64 r0)
{
	switch (op & ~ISA_FETCH) {
	case ISA_ATOMIC_ADD: return old + src;
	case ISA_ATOMIC_OR: return old | src;
	case ISA_ATOMIC_AND: return old & src;
	case ISA_ATOMIC_XOR: return old ^ src;
	case ISA_XCHG & ~ISA_FETCH: return src;
	default: return old == r0 ? src : old;
	}
}

static void check_atomic(struct fixture *x, u8 bytes, s32 op, u8 base, u8 src)
{
	static const struct jit_options baseline = { .baseline = true };
	u64 ctx[40], want[9], old, mask = bytes == 8 ? ~0ull : 0xffffffff, src_v, r0;

	frame_code(x, isa_atomic(bytes, op, base, 24, src));
	for (u32 k = 0; k < ARRAY_LEN(edges) * 2; k++) {
		for (u32 r = 0; r < 9; r++)
			ctx[r] = 0x0123456700000000 + r * 0x11111111;
		ctx[src] = edges[k / 2];
		if (k & 1)
			ctx[0] = 0x00000000deadbeef;
		ctx[base] = (u64)(uintptr_t)&ctx[32];
		ctx[35] = old = 0xdeadbeef;
		memcpy(want, ctx, sizeof(want));
		src_v = ctx[src] & mask;
		r0 = ctx[0] & mask;
		if (op == ISA_CMPXCHG)
			want[0] = old;
		else if (op & ISA_FETCH)
			want[src] = old;
		run_once(x, ctx, k % 4 < 2 ? &baseline : NULL);
		if (memcmp(want, ctx + 16, sizeof(want)) != 0 ||
		    ctx[35] != (atomic_new(op, old, src_v, r0) & mask)) {
			dump(x);
			fail_msg("atomic %x of %u bytes at %lx: %lx", op, bytes, edges[k / 2],
				 ctx[35]);
		}
	}
}

static void atomics(void **state)
{
	static const s32 kinds[] = { 0x00, 0x40, 0x50, 0xa0, 0x01, 0x41, 0x51, 0xa1, 0xe1, 0xf1 };
	struct fixture *x = *state;

	for (u32 k = 0; k < ARRAY_LEN(kinds); k++) {
		for (u32 pair = 0; pair < 81; pair += 2) {
			u8 base = pair % 9, src = pair / 9;

			if (base == src)
				continue;
			check_atomic(x, 8, kinds[k], base, src);
			if (base || kinds[k] != ISA_CMPXCHG)
				check_atomic(x, 4, kinds[k], base, src);
		}
	}
}

/* ---- random programs against the interpreter
 * ------------------------------------------------------ */

static u64 next(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static u32 pick(u64 *seed, u32 n)
{
	return (u32)((next(seed) >> 20) % n);
}

static struct isa_insn random_jump(u64 *seed, u8 d, s16 off)
{
	static const u8 conds[] = { ISA_JEQ,  ISA_JNE,	ISA_JGT,  ISA_JGE,  ISA_JLT, ISA_JLE,
				    ISA_JSET, ISA_JSGT, ISA_JSGE, ISA_JSLT, ISA_JSLE };
	u8 op = conds[pick(seed, ARRAY_LEN(conds))];
	s32 imm = pick(seed, 3) ? (s32)pick(seed, 130) - 2 : (s32)next(seed);

	if (pick(seed, 2))
		return isa_jump_reg(pick(seed, 2), op, d, (u8)pick(seed, 8), off);
	return isa_jump_imm(pick(seed, 2), op, d, imm, off);
}

/* What the selector knows by sight: conditional moves, conditions as values, low halves, compared
 * bytes, bytes put together, divisions by constants. */
static void random_idiom(struct fixture *x, u64 *seed)
{
	u8 d = (u8)pick(seed, 8), s = (u8)pick(seed, 8), n = (u8)(1 + pick(seed, 8)), reversed;
	bool is64 = pick(seed, 2);
	s16 off = (s16)pick(seed, 200);

	switch (pick(seed, 7)) {
	case 0: /* d = c ? d : s */
		put(x, random_jump(seed, (u8)pick(seed, 8), 1));
		put(x, pick(seed, 2) ? isa_alu_reg(is64, ISA_MOV, d, s)
				     : isa_alu_imm(is64, ISA_MOV, d, (s32)next(seed)));
		break;
	case 1: /* d = c ? 0 : 1, or 1 : 0 */
		reversed = (u8)pick(seed, 2);
		put(x, isa_alu_imm(pick(seed, 2), ISA_MOV, d, reversed));
		put(x, random_jump(seed, (u8)pick(seed, 8), 1));
		put(x, isa_alu_imm(is64, ISA_MOV, d, !reversed));
		break;
	case 2:
		if (pick(seed, 2))
			put(x, isa_alu_imm(is64, ISA_ADD, d, (s32)pick(seed, 100) - 50));
		put(x, isa_alu_imm(true, ISA_LSH, d, 32));
		put(x, isa_alu_imm(true, pick(seed, 2) ? ISA_RSH : ISA_ARSH, d, 32));
		if (pick(seed, 2))
			put(x, isa_alu_imm(true, ISA_LSH, d, (s32)pick(seed, 4)));
		break;
	case 3:
		put(x, isa_alu_imm(is64, ISA_AND, d, pick(seed, 2) ? 0xff : 0xffff));
		put(x, random_jump(seed, d, 2));
		put(x, isa_alu_imm(true, ISA_XOR, s, 1));
		put(x, isa_alu_imm(true, ISA_MOV, d, 7));
		break;
	case 4: /* bytes from memory, in one order or the other, into d through s */
		if (s == d)
			s = (d + 1) % 8;
		if (!is64 && n > 4)
			n = 4;
		reversed = (u8)pick(seed, 2);
		for (u8 k = 0; k < n; k++) {
			u8 to = k ? s : d, shift = (u8)(8 * (reversed ? n - 1 - k : k));
			s16 skew = pick(seed, 20) == 0;

			put(x, isa_load(1, to, 9, (s16)(off + k + skew)));
			if (shift)
				put(x, isa_alu_imm(is64, ISA_LSH, to, shift));
			if (k)
				put(x, isa_alu_reg(is64, pick(seed, 8) ? ISA_OR : ISA_ADD, d, s));
		}
		break;
	case 5: /* a loaded number whose sign is made by shifts */
		put(x, isa_load((u8)(1 << pick(seed, 4)), d, 9, off));
		n = (u8)(8 * pick(seed, is64 ? 8 : 4));
		put(x, isa_alu_imm(is64, ISA_LSH, d, n));
		put(x, isa_alu_imm(is64, pick(seed, 2) ? ISA_ARSH : ISA_RSH, d, n));
		break;
	default: {
		s32 by = pick(seed, 2) ? (s32)pick(seed, 300) + 1 : (s32)next(seed);

		put(x, isa_alu_imm(pick(seed, 4) == 0, pick(seed, 2) ? ISA_DIV : ISA_MOD, d, by ? by : 3));
	}
	}
}

/* A register of r0…r7, but not `c`. */
static u8 other(u64 *seed, u8 c)
{
	return (u8)((c + 1 + pick(seed, 7)) % 8);
}

static void random_step(struct fixture *x, u64 *seed, u8 c)
{
	static const u8 simple[] = { ISA_ADD, ISA_SUB, ISA_MUL, ISA_XOR, ISA_OR, ISA_AND, ISA_MOV };
	u8 d = other(seed, c), s = (u8)pick(seed, 8), bytes = (u8)(1 << pick(seed, 4));

	switch (pick(seed, 5)) {
	case 0:
		put(x, isa_alu_reg(true, ISA_MOV, d, 9));
		put(x, isa_alu_reg(true, ISA_ADD, d, c));
		if (pick(seed, 3))
			put(x, isa_load(bytes, d, d, (s16)pick(seed, 100)));
		else
			put(x, isa_store(bytes, d, (s16)pick(seed, 100), c));
		put(x, isa_alu_imm(true, ISA_AND, d, 0xff));
		break;
	case 1: put(x, isa_load(bytes, d, 9, (s16)(8 * pick(seed, 20)))); break;
	case 2: put(x, isa_store(bytes, 9, (s16)(8 * pick(seed, 20)), s)); break;
	default:
		if (pick(seed, 2))
			put(x, isa_alu_reg(pick(seed, 2), simple[pick(seed, 7)], d, s));
		else
			put(x, isa_alu_imm(pick(seed, 2), simple[pick(seed, 7)], d, (s32)pick(seed, 1000) - 300));
	}
}

/* A small loop with a counter of its own, one way out more or not, a jump inside or not, and either form of the way back. */
static void random_loop(struct fixture *x, u64 *seed)
{
	u8 c = (u8)pick(seed, 8);
	s32 step = 1 + (s32)pick(seed, 3), times = 1 + (s32)pick(seed, 11);
	bool is64 = pick(seed, 2), goes = pick(seed, 2);
	u32 head, leave = 0, hop = 0, n = 1 + pick(seed, 3);

	put(x, isa_alu_imm(true, ISA_MOV, c, 0));
	head = x->n;
	for (u32 k = 0; k < n; k++) {
		random_step(x, seed, c);
		if (!leave && pick(seed, 4) == 0) {
			leave = x->n;
			put(x, random_jump(seed, (u8)pick(seed, 8), 0));
		} else if (!hop && pick(seed, 4) == 0) {
			hop = x->n;
			put(x, random_jump(seed, (u8)pick(seed, 8), 0));
		}
	}
	if (hop)
		x->code[hop].off = (s16)(x->n - hop - 1);
	put(x, isa_alu_imm(is64, ISA_ADD, c, step));
	if (goes) {
		put(x, isa_jump_imm(is64, pick(seed, 2) ? ISA_JEQ : ISA_JSGE, c, times * step, 1));
		put(x, isa_jump((s16)((s32)head - (s32)x->n - 1)));
	} else {
		put(x, isa_jump_imm(is64, pick(seed, 2) ? ISA_JNE : ISA_JSLT, c, times * step,
				    (s16)((s32)head - (s32)x->n - 1)));
	}
	if (leave)
		x->code[leave].off = (s16)(x->n - leave - 1);
}

/* One to three instructions on r0…r7; r9 is the buffer of 256 bytes; sixteen stack slots are
 * initialised. */
static void random_piece(struct fixture *x, u64 *seed, bool escapes)
{
	u8 d = (u8)pick(seed, 8), s = (u8)pick(seed, 8), bytes = (u8)(1 << pick(seed, 4));
	s32 imm = pick(seed, 3) ? (s32)pick(seed, 300) - 20 : (s32)next(seed);
	s16 off = (s16)(pick(seed, 256 / 8) * 8);
	u32 k = pick(seed, 22), count = pick(seed, 64);
	bool is64 = pick(seed, 2);
	struct isa_insn i;

	switch (k) {
	case 0: put(x, isa_load(bytes, d, 9, off)); break;
	case 1: put(x, isa_store(bytes, 9, off, s)); break;
	case 2: put(x, isa_store_imm(bytes, 9, off, imm)); break;
	case 3:
		put(x, isa_alu_reg(true, ISA_MOV, d, s));
		put(x, isa_alu_imm(true, ISA_AND, d, 127));
		put(x, isa_alu_reg(true, ISA_ADD, d, 9));
		if (pick(seed, 2))
			put(x, isa_load(bytes, (u8)pick(seed, 8), d, (s16)pick(seed, 100)));
		else
			put(x, isa_store(bytes, d, (s16)pick(seed, 100), s));
		put(x, isa_alu_imm(true, ISA_MOV, d, imm));
		break;
	case 4:
	case 5: {
		u8 width = is64 ? 64 : 32;

		count = count % (width - 1u) + 1;
		put(x, isa_alu_reg(is64, ISA_MOV, d, s));
		put(x, isa_alu_imm(is64, ISA_LSH, d, (s32)count));
		put(x, isa_alu_imm(is64, k == 4 ? ISA_RSH : ISA_ARSH, s,
				   (s32)(pick(seed, 4) ? width - count : count)));
		put(x, isa_alu_reg(is64, pick(seed, 2) ? ISA_OR : ISA_XOR, d, s));
		break;
	}
	case 6:
		put(x, isa_alu_reg(is64, ISA_MOV, d, s));
		put(x, isa_alu_imm(is64, ISA_LSH, d, (s32)pick(seed, 5)));
		put(x, isa_alu_reg(is64, ISA_ADD, d, (u8)pick(seed, 8)));
		break;
	case 7: put(x, isa_load(8, d, 10, (s16)(-8 * (s32)(1 + pick(seed, 8))))); break;
	case 8: put(x, isa_store(8, 10, (s16)(-8 * (s32)(1 + pick(seed, 8))), s)); break;
	case 9: put(x, isa_load(4, d, 10, (s16)(-64 - 8 * (s32)(1 + pick(seed, 4))))); break;
	case 10: put(x, isa_store(4, 10, (s16)(-64 - 8 * (s32)(1 + pick(seed, 4))), s)); break;
	case 11: put(x, isa_mov_sx(is64, d, s, (u8)(8 << pick(seed, 2)))); break;
	case 12:
		put(x, pick(seed, 2) ? isa_bswap(d, (u8)(16 << pick(seed, 3)))
				     : isa_endian(d, pick(seed, 2), (u8)(16 << pick(seed, 3))));
		break;
	case 13:
		if (!escapes)
			break;
		put(x, isa_alu_reg(true, ISA_MOV, d, 10));
		put(x, isa_alu_imm(true, ISA_ADD, d, -8 * (s32)(1 + pick(seed, 12))));
		put(x, isa_store(8, d, 0, s == d ? 9 : s));
		put(x, isa_alu_imm(true, ISA_MOV, d, 1));
		if (s == d)
			put(x, isa_store_imm(8, 10, -8, 3));
		break;
	case 14:
	case 15:
	case 16: random_idiom(x, seed); break;
	case 17:
	case 18: random_loop(x, seed); break;
	default: {
		u32 o = pick(seed, ARRAY_LEN(ops));
		bool shifts = ops[o].op == ISA_LSH || ops[o].op == ISA_RSH || ops[o].op == ISA_ARSH;

		if (ops[o].off == 32)
			is64 = true;
		if (pick(seed, 2) || ops[o].no_imm)
			i = isa_alu_reg(is64, ops[o].op, d, s);
		else
			i = isa_alu_imm(is64, ops[o].op, d,
					shifts ? (s32)(count % (is64 ? 64 : 32)) : imm);
		i.off = ops[o].off;
		if ((ops[o].op == ISA_DIV || ops[o].op == ISA_MOD) && !(i.code & ISA_X) && !i.imm)
			i.imm = 3;
		put(x, i);
	}
	}
}

static void random_body(struct fixture *x, u64 *seed, u32 pieces, bool escapes)
{
	u32 open[8], n_open = 0;

	for (u32 k = 0; k < pieces; k++) {
		random_piece(x, seed, escapes);
		if (n_open < 8 && pick(seed, 6) == 0) {
			static const u8 conds[] = { ISA_JEQ, ISA_JGT,  ISA_JGE,	 ISA_JSET,
						    ISA_JNE, ISA_JSGT, ISA_JSGE, ISA_JLT,
						    ISA_JLE, ISA_JSLT, ISA_JSLE };
			u8 op = conds[pick(seed, 11)], d = (u8)pick(seed, 8);

			open[n_open++] = x->n;
			put(x, pick(seed, 2)
				       ? isa_jump_reg(pick(seed, 2), op, d, (u8)pick(seed, 8), 0)
				       : isa_jump_imm(pick(seed, 2), op, d, (s32)pick(seed, 5) - 1,
						      0));
		}
		if (n_open && n_open < 8 && pick(seed, 3) == 0 && open[n_open - 1] == x->n - 1) {
			/* goto over a goto: the first skips the second */
			x->code[x->n - 1].off = 1;
			open[n_open - 1] = x->n;
			put(x, isa_jump(0));
		}
		if (n_open && pick(seed, 4) == 0) {
			u32 at = open[--n_open];

			x->code[at].off = (s16)(x->n - at - 1);
		}
	}
	while (n_open) {
		u32 at = open[--n_open];

		x->code[at].off = (s16)(x->n - at - 1);
	}
}

static void random_program(struct fixture *x, u64 *seed)
{
	bool escapes = pick(seed, 3) == 0, calls = pick(seed, 3) == 0;
	u32 loop, call = 0, pieces = 5 + pick(seed, 40);

	start(x);
	put(x, isa_alu_reg(true, ISA_MOV, 9, 1));
	for (u8 r = 0; r < 8; r++)
		put(x, isa_load(8, r, 9, (s16)(r * 8)));
	for (s16 k = 1; k <= 12; k++)
		put(x, isa_store_imm(8, 10, (s16)(-8 * k), k * 1000));
	put(x, isa_alu_imm(true, ISA_MOV, 8, 1 + (s32)pick(seed, 4)));
	loop = x->n;
	random_body(x, seed, pieces, escapes);
	if (calls) {
		put(x, isa_alu_reg(true, ISA_MOV, 1, 9));
		call = x->n;
		put(x, isa_call_local(0));
		for (u8 r = 1; r <= 5; r++)
			put(x, isa_load(8, r, 9, (s16)(r * 8)));
	}
	random_body(x, seed, pieces / 2, escapes);
	put(x, isa_alu_imm(true, ISA_ADD, 8, -1));
	put(x, isa_jump_imm(true, ISA_JNE, 8, 0, (s16)((s32)loop - (s32)x->n - 1)));
	for (u8 r = 1; r < 8; r++)
		put(x, isa_store(8, 9, (s16)(r * 8), r));
	put(x, isa_exit());
	if (calls) {
		x->code[call].imm = (s32)(x->n - call - 1);
		put(x, isa_alu_reg(true, ISA_MOV, 9, 1));
		for (u8 r = 0; r < 8; r++)
			put(x, isa_load(8, r, 9, (s16)(r * 8)));
		for (s16 k = 1; k <= 12; k++)
			put(x, isa_store_imm(8, 10, (s16)(-8 * k), k * 77));
		random_body(x, seed, pieces, false);
		put(x, isa_exit());
	}
}

static void check_random(struct fixture *x, u64 seed, const struct jit_options *o)
{
	struct vm_limits limits = { 0 };
	struct vm_prog *p;
	struct jit_code *c;
	struct err e = { 0 };
	u64 first[64], mine[64], theirs[64], want = 0, got, s = seed;

	random_program(x, &s);
	p = bind(x);
	c = compile(p, o);
	for (u32 k = 0; k < 3; k++) {
		for (u32 w = 0; w < 64; w++)
			first[w] = pick(&s, 2) ? edges[pick(&s, ARRAY_LEN(edges))] : next(&s);
		/* The same memory for both: programs see its address. */
		memcpy(mine, first, sizeof(mine));
		if (o && o->with_budget)
			*vm_thread_budget(x->thread) = 1000000;
		if (vm_run(p, x->thread, mine, sizeof(mine), &limits, &want, &e) < 0)
			fail_msg("seed %lu: vm_run: %s", seed, e.msg);
		memcpy(theirs, mine, sizeof(mine));
		memcpy(mine, first, sizeof(mine));
		if (o && o->with_budget)
			*vm_thread_budget(x->thread) = 1000000;
		got = jit_entry(c)(mine, x->thread);
		if (got != want || memcmp(mine, theirs, sizeof(mine)) != 0) {
			dump(x);
			for (u32 w = 0; w < 64; w++)
				if (mine[w] != theirs[w])
					fprintf(stderr, "[%u] jit %lx vm %lx\n", w * 8, mine[w],
						theirs[w]);
			fail_msg("seed %lu: jit %lx, interpreter %lx", seed, got, want);
		}
	}
	jit_free(c);
	vm_prog_free(p);
}

static void random_programs(void **state)
{
	static const struct jit_options blind = { .blind_constants = true };
	static const struct jit_options budget = { .with_budget = true };
	static const struct jit_options baseline = { .baseline = true };
	const char *more = getenv("SKEP_JIT_SEEDS");
	u64 n = more ? strtoull(more, NULL, 0) : 4000;

	for (u64 seed = 1; seed <= n; seed++)
		check_random(*state, seed * 0x9e3779b97f4a7c15 + 1,
			     seed % 8 == 0   ? &blind
			     : seed % 8 == 1 ? &budget
			     : seed % 8 == 2 ? &baseline
					     : NULL);
}

/* ---- the cases of tests/isa
 * ----------------------------------------------------------------------- */

struct conformance {
	struct fixture *x;
	struct arena *a;
	u32 n, bad;
};

static void run_case(struct conformance *k, const struct isa_case *c, const struct jit_options *o)
{
	struct vm_spec spec = { .insns = c->insns, .n = c->n, .lenient = c->is_lenient };
	u8 *mem = c->mem ? arena_dup(k->a, c->mem, c->mem_size) : NULL;
	struct vm_packet packet = { .data = mem, .size = c->mem_size };
	struct vm_prog *p = NULL;
	struct jit_code *code = NULL;
	struct err e = { 0 };
	u64 got = 0;

	vm_thread_packet(k->x->thread, c->has_packet ? &packet : NULL);
	*vm_thread_budget(k->x->thread) = 100000;
	if (vm_prog_new(&spec, &p, &e) == 0 && jit_compile(p, o, &code, &e) == 0)
		got = jit_entry(code)(mem, k->x->thread);
	if (!code || got != c->want || (c->after && memcmp(mem, c->after, c->mem_size) != 0)) {
		print_error(STR_FMT ": r0 %lx, not %lx %s\n", STR_ARG(c->name), got, c->want,
			    e.msg);
		k->bad++;
	}
	jit_free(code);
	vm_prog_free(p);
}

static void one_case(void *arg, const struct isa_case *c)
{
	static const struct jit_options blind = { .blind_constants = true };
	static const struct jit_options budget = { .with_budget = true };
	static const struct jit_options baseline = { .baseline = true };
	struct conformance *k = arg;

	k->n++;
	run_case(k, c, NULL);
	run_case(k, c, &blind);
	run_case(k, c, &budget);
	run_case(k, c, &baseline);
}

static void conformance(void **state)
{
	struct conformance k = { .x = *state, .a = arena_new(NULL) };
	str bad;

	isa_data_each(k.a, one_case, &k, &bad);
	if (bad.n)
		fail_msg("tests/isa: " STR_FMT " cannot be read", STR_ARG(bad));
	vm_thread_packet(k.x->thread, NULL);
	arena_free(k.a);
	assert_true(k.n >= 200);
	assert_int_equal(k.bad, 0);
}

/* ---- helpers, maps, callbacks, tail calls, budget
 * ------------------------------------------------- */

static u64 weigh(struct vm_thread *t, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	(void)t;
	return a + 10 * b + 100 * c + 1000 * d + 10000 * e;
}

/* Arguments in every kind of place: a constant, a register that another argument's home overwrites,
 * memory. */
static void helpers(void **state)
{
	static const struct vm_helper extra[] = { { 1000, weigh } };
	struct fixture *x = *state;
	u64 ctx[4] = { 4, 5, 6, 7 };

	start(x);
	x->spec.extra = extra;
	x->spec.n_extra = 1;
	put(x, isa_alu_reg(true, ISA_MOV, 6, 1));
	put(x, isa_load(8, 2, 1, 0));
	put(x, isa_load(8, 1, 1, 8));
	put(x, isa_alu_reg(true, ISA_MOV, 3, 1));
	put(x, isa_alu_reg(true, ISA_ADD, 3, 2));
	put(x, isa_alu_imm(true, ISA_MOV, 4, 3));
	put(x, isa_load(8, 5, 6, 16));
	put(x, isa_alu_reg(true, ISA_MOV, 7, 2));
	put(x, isa_call_helper(1000));
	put(x, isa_load(8, 1, 6, 24));
	put(x, isa_alu_reg(true, ISA_ADD, 0, 1));
	put(x, isa_alu_reg(true, ISA_ADD, 0, 7));
	put(x, isa_exit());
	assert_int_equal(run_once(x, ctx, NULL), 5 + 40 + 900 + 3000 + 60000 + 7 + 4);
}

static void lookups(void **state)
{
	static const u32 sizes[] = { 1, 4, 8, 12, 24, 100 };
	struct fixture *x = *state;

	for (u32 k = 0; k < ARRAY_LEN(sizes) * 2; k++) {
		u32 type = k & 1 ? ISA_MAP_HASH : ISA_MAP_ARRAY, size = sizes[k / 2];
		struct maps_map *m = make_map(type, size, 7);
		u8 value[100] = { 0 };

		for (u32 key = 0; key < 7; key++) {
			value[0] = (u8)(key + 1);
			assert_int_equal(maps_sys_update(m, &key, value, 0), 0);
		}
		for (u32 key = 0; key < 9; key++) {
			u64 ctx[1] = { key };

			start(x);
			x->spec.maps = &m;
			x->spec.n_maps = 1;
			put(x, isa_load(4, 3, 1, 0));
			put(x, isa_store(4, 10, -4, 3));
			put(x, isa_alu_reg(true, ISA_MOV, 2, 10));
			put(x, isa_alu_imm(true, ISA_ADD, 2, -4));
			put_wide(x, 1, ISA_MAP_FD, 0);
			put(x, isa_call_helper(ISA_FN_map_lookup_elem));
			put(x, isa_jump_imm(true, ISA_JEQ, 0, 0, 1));
			put(x, isa_load(1, 0, 0, 0));
			put(x, isa_exit());
			assert_int_equal(run_once(x, ctx, NULL), key < 7 ? key + 1 : 0);
		}
		maps_put(m);
	}
}

/* bpf_loop over a function that adds its index to a variable of the caller's frame. */
static void callbacks(void **state)
{
	struct fixture *x = *state;

	start(x);
	put(x, isa_store_imm(8, 10, -8, 5));
	put(x, isa_alu_imm(true, ISA_MOV, 1, 10));
	put_wide(x, 2, ISA_FUNC, 7);
	x->code[x->n - 1].imm = 0;
	put(x, isa_alu_reg(true, ISA_MOV, 3, 10));
	put(x, isa_alu_imm(true, ISA_ADD, 3, -8));
	put(x, isa_alu_imm(true, ISA_MOV, 4, 0));
	put(x, isa_call_helper(ISA_FN_loop));
	put(x, isa_load(8, 0, 10, -8));
	put(x, isa_exit());
	put(x, isa_load(8, 0, 2, 0));
	put(x, isa_alu_reg(true, ISA_ADD, 0, 1));
	put(x, isa_store(8, 2, 0, 0));
	put(x, isa_alu_imm(true, ISA_MOV, 0, 0));
	put(x, isa_exit());
	x->code[2].imm = 10 - 3;
	assert_int_equal(run_once(x, NULL, NULL), 5 + 45);
}

/* More code than the short forms of arm64's jumps and addresses reach: a megabyte. */
static void far(void **state)
{
	enum { CALLS = 30000 };
	static const struct vm_helper extra[] = { { 1000, weigh } };
	struct fixture *x = *state;
	struct isa_insn *code = calloc(CALLS + 32, sizeof(*code));
	struct vm_spec spec = { .insns = code, .extra = extra, .n_extra = 1 };
	struct vm_prog *p = NULL;
	struct jit_code *c;
	struct err e;
	u64 ctx[2] = { 0 };
	u32 n = 0, func;

	code[n++] = isa_load(8, ISA_R7, ISA_R1, 0);
	code[n++] = isa_jump_imm(true, ISA_JEQ, ISA_R7, 1, CALLS + 6);
	code[n++] = isa_store_imm(8, ISA_R1, 8, 5);
	for (u8 r = 1; r <= 5; r++)
		code[n++] = isa_alu_imm(true, ISA_MOV, r, 0);
	for (u32 i = 0; i < CALLS; i++)
		code[n++] = isa_call_helper(1000);
	code[n++] = isa_store_imm(8, ISA_R10, -8, 0);
	code[n++] = isa_alu_imm(true, ISA_MOV, ISA_R1, 10);
	func = n;
	isa_ld_imm64(&code[n], ISA_R2, ISA_FUNC, 0);
	n += 2;
	code[n++] = isa_alu_reg(true, ISA_MOV, ISA_R3, ISA_R10);
	code[n++] = isa_alu_imm(true, ISA_ADD, ISA_R3, -8);
	code[n++] = isa_alu_imm(true, ISA_MOV, ISA_R4, 0);
	code[n++] = isa_call_helper(ISA_FN_loop);
	code[n++] = isa_load(8, ISA_R0, ISA_R10, -8);
	code[n++] = isa_exit();
	code[func].imm = (s32)(n - func - 1);
	code[n++] = isa_store(8, ISA_R2, 0, ISA_R1);
	code[n++] = isa_alu_imm(true, ISA_MOV, ISA_R0, 0);
	code[n++] = isa_exit();
	spec.n = n;
	if (vm_prog_new(&spec, &p, &e) < 0)
		fail_msg("vm_prog_new: %s", e.msg);
	c = compile(p, NULL);
#ifdef __aarch64__
	assert_true(jit_size(c) > 1 << 20);
#endif
	assert_int_equal(jit_entry(c)(ctx, x->thread), 9);
	assert_int_equal(ctx[1], 5);
	ctx[0] = 1;
	ctx[1] = 7;
	assert_int_equal(jit_entry(c)(ctx, x->thread), 9);
	assert_int_equal(ctx[1], 7);
	jit_free(c);
	vm_prog_free(p);
	free(code);
}

static void tail_calls(void **state)
{
	struct fixture *x = *state;
	struct maps_map *m = make_map(ISA_MAP_PROG_ARRAY, 4, 2);
	struct vm_prog *other;
	u64 ctx[1] = { 41 };

	start(x);
	put(x, isa_load(8, 0, 1, 0));
	put(x, isa_alu_imm(true, ISA_ADD, 0, 1));
	put(x, isa_exit());
	other = bind(x);
	assert_int_equal(maps_sys_set_prog(m, 1, other), 0);
	for (s32 index = 0; index < 3; index++) {
		start(x);
		x->spec.maps = &m;
		x->spec.n_maps = 1;
		put_wide(x, 2, ISA_MAP_FD, 0);
		put(x, isa_alu_imm(true, ISA_MOV, 3, index));
		put(x, isa_call_helper(ISA_FN_tail_call));
		put(x, isa_alu_imm(true, ISA_MOV, 0, 7));
		put(x, isa_exit());
		assert_int_equal(run_once(x, ctx, NULL), index == 1 ? 42 : 7);
	}
	maps_put(m);
	vm_prog_free(other);
}

static void budget(void **state)
{
	static const struct jit_options o = { .with_budget = true };
	struct fixture *x = *state;

	start(x);
	put(x, isa_alu_imm(true, ISA_MOV, 0, 0));
	put(x, isa_alu_imm(true, ISA_ADD, 0, 1));
	put(x, isa_jump(-2));
	*vm_thread_budget(x->thread) = 100000;
	*vm_thread_fault(x->thread) = 0;
	assert_int_equal(run_once(x, NULL, &o), 0);
	assert_int_equal(*vm_thread_fault(x->thread), -ETIME);
	assert_int_equal(*vm_thread_budget(x->thread), 0);
	*vm_thread_fault(x->thread) = 0;
}

static void no_such_target(void **state)
{
	struct fixture *x = *state;
	struct arena *a = arena_new(NULL);
	struct err e = { 0 };
	struct vm_prog *p;
	str code = { 0 };

	start(x);
	put(x, isa_alu_imm(true, ISA_MOV, 0, 0));
	put(x, isa_exit());
	p = bind(x);
	assert_int_equal(jit_compile_for("vax", a, p, NULL, &code, &e), -SKEP_EUNSUPPORTED);
	assert_non_null(strstr(e.msg, "vax"));
	assert_int_equal(jit_compile_for("x86-64", a, p, NULL, &code, &e), 0);
	assert_true(code.n > 0 && (u8)code.s[code.n - 1] == 0xc3);
	/* mov x7, 0; mov x0, x7; ret */
	assert_int_equal(jit_compile_for("arm64", a, p, NULL, &code, &e), 0);
	assert_true(code.n >= 12 && memcmp(code.s + code.n - 4, "\xc0\x03\x5f\xd6", 4) == 0);
	vm_prog_free(p);
	arena_free(a);
}

/* A fact makes a null check and a key go away. */
static void facts(void **state)
{
	struct fixture *x = *state;
	struct maps_map *m = make_map(ISA_MAP_ARRAY, 8, 4);
	struct verify_fact known[16] = { 0 };
	struct jit_options o = { .facts = known };
	u64 value = 99;
	u32 key = 2, with, without;
	struct vm_prog *p;
	struct jit_code *c;

	assert_int_equal(maps_sys_update(m, &key, &value, 0), 0);
	start(x);
	x->spec.maps = &m;
	x->spec.n_maps = 1;
	put(x, isa_store_imm(4, 10, -4, 2));
	put(x, isa_alu_reg(true, ISA_MOV, 2, 10));
	put(x, isa_alu_imm(true, ISA_ADD, 2, -4));
	put_wide(x, 1, ISA_MAP_FD, 0);
	put(x, isa_call_helper(ISA_FN_map_lookup_elem));
	put(x, isa_jump_imm(true, ISA_JEQ, 0, 0, 1));
	put(x, isa_load(8, 0, 0, 0));
	put(x, isa_exit());
	p = bind(x);
	c = compile(p, NULL);
	without = jit_size(c);
	assert_int_equal(jit_entry(c)(NULL, x->thread), 99);
	jit_free(c);
	known[5].key_known = true;
	known[5].key = 2;
	known[6].never_null = true;
	c = compile(p, &o);
	with = jit_size(c);
	assert_int_equal(jit_entry(c)(NULL, x->thread), 99);
	assert_true(with < without);
	jit_free(c);
	vm_prog_free(p);
	maps_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(alu_registers),   cmocka_unit_test(alu_immediates),
		cmocka_unit_test(byte_order),	   cmocka_unit_test(jumps),
		cmocka_unit_test(distances),	   cmocka_unit_test(atomics),
		cmocka_unit_test(conformance),	   cmocka_unit_test(helpers),
		cmocka_unit_test(lookups),	   cmocka_unit_test(callbacks),
		cmocka_unit_test(tail_calls),	   cmocka_unit_test(budget),
		cmocka_unit_test(facts),	   cmocka_unit_test(no_such_target),
		cmocka_unit_test(far),		   cmocka_unit_test(random_programs),
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
