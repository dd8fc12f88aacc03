/* arm64: the encoder behind the table of target functions.
 *
 * BPF r1…r5 live in x0…x4, where C functions take their arguments; r0 in x7, because x0 is taken:
 * the call of a C function ends, and every function of ours returns, with a move between the two.
 * r6…r9 live in x19…x22, which calls keep, the thread in x23; promoted stack slots in x9…x12 where
 * nothing is called, else in x24…x28. x16 is the selector's scratch; x13, x14, x15 and x17 are the
 * encoder's own: a constant or an address that no instruction can hold is made in x17 first.
 *
 * Encodings: Arm Architecture Reference Manual (DDI 0487), chapter C4 (the tables) and C6. Writing
 * a w register clears the upper half. Number 31 is the stack pointer in addresses and in additions
 * of immediates, the zero register elsewhere. Atomics, entry, return and calls are in arm64_long.c.
 *
 * Not done: cbz and tbz, load and store of pairs, conditional selection.
 */
#include "jit/arm64.h"

void jit_a64_put(struct jit_buf *b, u32 word)
{
	__builtin_memcpy(b->p + b->n, &word, 4);
	b->n += 4;
}

#define put jit_a64_put

static u32 sf(bool is64)
{
	return is64 ? 1u << 31 : 0;
}

/* op rd, rn, rm */
static void rrr(struct jit_buf *b, u32 op, u8 rd, u8 rn, u8 rm, bool is64)
{
	put(b, op | sf(is64) | (u32)rm << 16 | (u32)rn << 5 | rd);
}

static u64 ones(u32 n)
{
	return n >= 64 ? ~0ull : (1ull << n) - 1;
}

/* The fields N:immr:imms of a logical immediate: a run of ones, rotated inside an element of 2 to
 * 64 bits, repeated. false if `imm` is none. */
static bool bitmask(u64 imm, bool is64, u32 *out)
{
	u32 size = 64, n, rotate;
	u64 x, run;

	if (!is64)
		imm = (u32)imm | imm << 32;
	if (imm == 0 || imm == ~0ull)
		return false;
	while (size > 2 && ((imm ^ imm >> size / 2) & ones(size / 2)) == 0)
		size /= 2;
	x = imm & ones(size);
	n = (u32)__builtin_popcountll(x);
	if (x & 1)
		rotate = n - (u32)__builtin_ctzll(~x);
	else
		rotate = size - (u32)__builtin_ctzll(x);
	run = ones(n);
	if (rotate)
		run = (run >> rotate | run << (size - rotate)) & ones(size);
	if (run != x)
		return false;
	*out = (size == 64) << 22 | rotate << 16 |
	       (((size == 64 ? 0 : ~(size * 2 - 1)) & 63) | (n - 1)) << 10;
	return true;
}

void jit_a64_mov(struct jit_buf *b, u8 dst, u8 src, bool is64)
{
	if (src == A64_31 || dst == A64_31)
		put(b, 0x11000000 | sf(is64) | (u32)src << 5 | dst); /* add dst, src, #0 */
	else if (dst != src || !is64)
		rrr(b, 0x2a0003e0, dst, 0, src, is64);
}

/* How many 16-bit parts of a constant differ from `part`. */
static u32 parts_but(u64 imm, u16 part, u32 n_parts)
{
	u32 n = 0;

	for (u32 k = 0; k < n_parts; k++)
		n += (u16)(imm >> k * 16) != part;
	return n;
}

/* The fewest of: movz or movn, then movk; or one orr with a logical immediate. */
void jit_a64_mov_imm(struct jit_buf *b, u8 dst, u64 imm)
{
	bool is64 = imm > 0xffffffff, inverted, first = true;
	u32 n_parts = is64 ? 4 : 2, zeros = parts_but(imm, 0, n_parts), fields;

	inverted = parts_but(imm, 0xffff, n_parts) < zeros;
	if (zeros > 1 && parts_but(imm, 0xffff, n_parts) > 1 && bitmask(imm, is64, &fields)) {
		put(b, 0x320003e0 | sf(is64) | fields | dst);
		return;
	}
	for (u32 k = 0; k < n_parts; k++) {
		u32 part = (u16)(imm >> k * 16), op = 0x72800000; /* movk */

		if (part == (inverted ? 0xffff : 0) && !(first && k == n_parts - 1))
			continue;
		if (first)
			op = inverted ? 0x12800000 : 0x52800000;
		if (first && inverted)
			part = (u16)~part;
		put(b, op | sf(is64) | k << 21 | part << 5 | dst);
		first = false;
	}
}

/* dst = src + imm. Only x17 may be lost on the way. */
static void add_imm(struct jit_buf *b, u8 dst, u8 src, s64 imm, bool is64)
{
	u64 n = imm < 0 ? -(u64)imm : (u64)imm;
	u32 op = (imm < 0 ? 0x51000000 : 0x11000000) | sf(is64);

	if (n < 1 << 12 || (n < 1 << 24 && !(n & 0xfff))) {
		u32 fields = n < 1 << 12 ? (u32)n << 10 : 1u << 22 | (u32)(n >> 12) << 10;

		put(b, op | fields | (u32)src << 5 | dst);
		return;
	}
	if (n < 1 << 24) {
		put(b, op | 1u << 22 | (u32)(n >> 12) << 10 | (u32)src << 5 | dst);
		put(b, op | (u32)(n & 0xfff) << 10 | (u32)dst << 5 | dst);
		return;
	}
	jit_a64_mov_imm(b, A64_ADDR, is64 ? (u64)imm : (u32)imm);
	if (src == A64_31) /* only the form that extends knows the stack pointer */
		put(b, 0x0b200000 | sf(is64) | A64_ADDR << 16 | (is64 ? 3u : 2u) << 13 |
			       A64_31 << 5 | dst);
	else
		rrr(b, 0x0b000000, dst, src, A64_ADDR, is64);
}

void jit_a64_lea(struct jit_buf *b, u8 dst, const struct jit_addr *a, bool is64)
{
	u8 from = a->base;

	if (a->index != JIT_NOREG) {
		if (a->base == A64_31)
			put(b, 0x0b200000 | sf(is64) | (u32)a->index << 16 |
				       (is64 ? 3u : 2u) << 13 | (u32)a->scale << 10 | A64_31 << 5 |
				       dst);
		else if (a->base != JIT_NOREG)
			rrr(b, 0x0b000000 | (u32)a->scale << 10, dst, a->base, a->index, is64);
		else /* orr dst, zero, index << scale */
			rrr(b, 0x2a000000 | (u32)a->scale << 10, dst, A64_31, a->index, is64);
		from = dst;
	}
	if (from == JIT_NOREG)
		jit_a64_mov_imm(b, dst, is64 ? (u64)(s64)a->disp : (u32)a->disp);
	else if (a->disp)
		add_imm(b, dst, from, a->disp, is64);
	else if (from != dst || (!is64 && a->index == JIT_NOREG))
		jit_a64_mov(b, dst, from, is64);
}

static u32 log_of(u8 bytes)
{
	return (u32)__builtin_ctz(bytes);
}

/* Whether one access instruction reaches base + disp. */
static bool reaches(s32 disp, u8 bytes)
{
	return (disp >= -256 && disp < 256) ||
	       (disp >= 0 && disp % bytes == 0 && disp / bytes < 1 << 12);
}

/* What an access can have: base + disp, or base + index, scaled by its size or not. An address that
 * is only computed may have an index or a displacement, not both. */
static bool addr_ok(const struct jit_addr *a, u8 bytes, bool is_lea)
{
	if (a->index == A64_31 || a->scale > 3)
		return false;
	if (is_lea)
		return a->index == JIT_NOREG || a->disp == 0;
	if (a->base == JIT_NOREG)
		return false;
	if (a->index != JIT_NOREG)
		return a->disp == 0 && (a->scale == 0 || a->scale == log_of(bytes));
	return reaches(a->disp, bytes);
}

static bool imm_ok(u8 op, s64 imm, bool is64)
{
	(void)op;
	return is64 ? imm == (s32)imm : imm >= -0x80000000LL && imm <= 0xffffffffLL;
}

static void alu(struct jit_buf *b, u8 op, u8 dst, u8 src, bool is64)
{
	u32 code;

	switch (op) {
	case ISA_ADD: code = 0x0b000000; break;
	case ISA_SUB: code = 0x4b000000; break;
	case ISA_MUL: code = 0x1b007c00; break; /* madd with zero */
	case ISA_OR: code = 0x2a000000; break;
	case ISA_AND: code = 0x0a000000; break;
	default: code = 0x4a000000;
	}
	rrr(b, code, dst, dst, src, is64);
}

static void alu_imm(struct jit_buf *b, u8 op, u8 dst, s32 imm, bool is64)
{
	u64 wide = is64 ? (u64)(s64)imm : (u32)imm;
	u32 fields, code = op == ISA_AND ? 0x12000000 : op == ISA_OR ? 0x32000000 : 0x52000000;

	if (op == ISA_ADD || op == ISA_SUB) {
		add_imm(b, dst, dst, op == ISA_ADD ? imm : -(s64)imm, is64);
	} else if (op != ISA_MUL && bitmask(wide, is64, &fields)) {
		put(b, code | sf(is64) | fields | (u32)dst << 5 | dst);
	} else {
		jit_a64_mov_imm(b, A64_ADDR, wide);
		alu(b, op, dst, A64_ADDR, is64);
	}
}

static void mul_imm(struct jit_buf *b, u8 dst, u8 src, s32 imm, bool is64)
{
	jit_a64_mov_imm(b, A64_ADDR, is64 ? (u64)(s64)imm : (u32)imm);
	if (src == A64_31) {
		jit_a64_mov(b, A64_T1, src, true);
		src = A64_T1;
	}
	rrr(b, 0x1b007c00, dst, src, A64_ADDR, is64);
}

static void neg(struct jit_buf *b, u8 dst, bool is64)
{
	rrr(b, 0x4b0003e0, dst, 0, dst, is64);
}

/* Bits immr… moved into a register: ubfm, or sbfm when signed. */
static void field(struct jit_buf *b, bool is_signed, u8 dst, u8 src, u32 immr, u32 imms, bool is64)
{
	put(b, (is_signed ? 0x13000000u : 0x53000000u) | sf(is64) | (is64 ? 1u << 22 : 0) |
		       immr << 16 | imms << 10 | (u32)src << 5 | dst);
}

static void shift_imm(struct jit_buf *b, u8 op, u8 dst, u8 src, u8 count, bool is64)
{
	u32 width = is64 ? 64 : 32;

	if (op == ISA_LSH)
		field(b, false, dst, src, (width - count) % width, width - 1 - count, is64);
	else
		field(b, op == ISA_ARSH, dst, src, count, width - 1, is64);
}

static void shift(struct jit_buf *b, u8 op, u8 dst, u8 src, u8 count, bool is64)
{
	rrr(b,
	    op == ISA_LSH   ? 0x1ac02000
	    : op == ISA_RSH ? 0x1ac02400
			    : 0x1ac02800,
	    dst, src, count, is64);
}

/* extr dst, src, src: a rotation to the right. */
static void rotate(struct jit_buf *b, u8 dst, u8 src, u8 left, bool is64)
{
	u32 width = is64 ? 64 : 32;

	rrr(b, 0x13800000 | (is64 ? 1u << 22 : 0) | ((width - left) % width) << 10, dst, src, src,
	    is64);
}

static void extend(struct jit_buf *b, u8 dst, u8 src, u8 bits, bool is_signed, bool is64)
{
	if (!is_signed && bits == 32)
		jit_a64_mov(b, dst, src, false);
	else
		field(b, is_signed, dst, src, 0, bits - 1u, is_signed && is64);
}

static void bswap(struct jit_buf *b, u8 dst, u8 bits)
{
	u32 regs = (u32)dst << 5 | dst;

	put(b, (bits == 64 ? 0xdac00c00 : bits == 32 ? 0x5ac00800 : 0x5ac00400) | regs);
	if (bits == 16)
		field(b, false, dst, dst, 0, 15, false);
}

/* An access of any address: `opc` 0 stores, 1 loads, 2 loads with sign. */
static void access(struct jit_buf *b, u32 opc, u8 reg, const struct jit_addr *a, u8 bytes)
{
	u32 op = log_of(bytes) << 30 | opc << 22 | reg;
	struct jit_addr m = *a;

	if (!addr_ok(&m, bytes, false)) {
		jit_a64_lea(b, A64_ADDR, &m, true);
		m = (struct jit_addr){ A64_ADDR, JIT_NOREG, 0, 0 };
	}
	op |= (u32)m.base << 5;
	if (m.index != JIT_NOREG)
		put(b, op | 0x38206800 | (u32)m.index << 16 | (m.scale ? 1u << 12 : 0));
	else if (m.disp >= 0 && m.disp % bytes == 0 && m.disp / bytes < 1 << 12)
		put(b, op | 0x39000000 | (u32)(m.disp / bytes) << 10);
	else
		put(b, op | 0x38000000 | ((u32)m.disp & 0x1ff) << 12);
}

static void load(struct jit_buf *b, u8 dst, const struct jit_addr *a, u8 bytes, bool is_signed)
{
	access(b, is_signed && bytes < 8 ? 2 : 1, dst, a, bytes);
}

static void store(struct jit_buf *b, const struct jit_addr *a, u8 bytes, u8 src)
{
	access(b, 0, src, a, bytes);
}

static void store_imm(struct jit_buf *b, const struct jit_addr *a, u8 bytes, s32 imm)
{
	if (imm)
		jit_a64_mov_imm(b, A64_T1, bytes == 8 ? (u64)(s64)imm : (u32)imm);
	access(b, 0, imm ? A64_T1 : A64_31, a, bytes);
}

static void cmp(struct jit_buf *b, u8 x, u8 y, bool is64)
{
	rrr(b, 0x6b00001f, 0, x, y, is64);
}

static void cmp_imm(struct jit_buf *b, u8 x, s32 imm, bool is64)
{
	u32 n = imm < 0 ? -(u32)imm : (u32)imm;
	u32 op = (imm < 0 ? 0x3100001f : 0x7100001f) | sf(is64) | (u32)x << 5; /* cmn, cmp */

	if (n < 1 << 12) {
		put(b, op | n << 10);
	} else if (n < 1 << 24 && !(n & 0xfff)) {
		put(b, op | 1u << 22 | n >> 12 << 10);
	} else {
		jit_a64_mov_imm(b, A64_ADDR, is64 ? (u64)(s64)imm : (u32)imm);
		cmp(b, x, A64_ADDR, is64);
	}
}

static void test(struct jit_buf *b, u8 x, u8 y, bool is64)
{
	rrr(b, 0x6a00001f, 0, x, y, is64);
}

static void test_imm(struct jit_buf *b, u8 x, s32 imm, bool is64)
{
	u64 wide = is64 ? (u64)(s64)imm : (u32)imm;
	u32 fields;

	if (bitmask(wide, is64, &fields)) {
		put(b, 0x7200001f | sf(is64) | fields | (u32)x << 5);
		return;
	}
	jit_a64_mov_imm(b, A64_ADDR, wide);
	test(b, x, A64_ADDR, is64);
}

/* ---- jumps ---------------------------------------------------------------------------------- */

/* Whether `n` bytes, a multiple of 4, fit a field of `bits` bits that counts instructions. */
static bool fits(s64 n, u32 bits)
{
	return n >= -(4ll << (bits - 1)) && n < 4ll << (bits - 1);
}

/* A distance is counted from the end of the jump; a form leaves a kilobyte of its reach, so that
 * its own growth cannot matter. */
static u32 jump_size(u8 cond, s64 distance, u32 size_now)
{
	s64 far = distance < 0 ? distance - 1024 : distance + 1024;

	if (cond == JIT_ALWAYS && distance == 0 && size_now == 0)
		return 0;
	if (cond == JIT_CALL || cond == JIT_ALWAYS)
		return 4;
	if (cond == JIT_ADDR)
		return fits(far, 19) ? 4 : 16;
	return fits(far, 19) ? 4 : 8;
}

static void word(u8 *at, u32 x)
{
	__builtin_memcpy(at, &x, 4);
}

/* adr, which reaches a megabyte, or adr of itself plus a constant. */
static void address_of(u8 *at, const struct jit_jump *j, s64 distance)
{
	u64 n = (u64)(distance + j->size);

	if (j->size == 4) {
		word(at, 0x10000000 | (u32)(n & 3) << 29 | (u32)(n >> 2 & 0x7ffff) << 5 | j->reg);
		return;
	}
	word(at, 0x10000000 | j->reg);
	word(at + 4, 0xd2800000 | (u32)(n & 0xffff) << 5 | A64_ADDR);
	word(at + 8, 0xf2a00000 | (u32)(n >> 16 & 0xffff) << 5 | A64_ADDR);
	/* add reg, reg, w17, sxtw */
	word(at + 12, 0x8b20c000 | A64_ADDR << 16 | (u32)j->reg << 5 | j->reg);
}

static const u8 cc[] = {
	[JIT_EQ] = 0, [JIT_NE] = 1,   [JIT_GE] = 2,   [JIT_LT] = 3,   [JIT_GT] = 8,
	[JIT_LE] = 9, [JIT_SGE] = 10, [JIT_SLT] = 11, [JIT_SGT] = 12, [JIT_SLE] = 13
};

/* csel dst, src, dst, cond */
static void select(struct jit_buf *b, u8 cond, u8 dst, u8 src)
{
	put(b, 0x9a800000 | (u32)dst << 16 | (u32)cc[cond] << 12 | (u32)src << 5 | dst);
}

/* csinc dst, zero, zero, !cond */
static void set(struct jit_buf *b, u8 cond, u8 dst)
{
	put(b, 0x9a9f07e0 | (cc[cond] ^ 1u) << 12 | dst);
}

static void jump(u8 *at, const struct jit_jump *j, s64 distance)
{
	u32 n = (u32)((distance + j->size) / 4);

	if (j->cond == JIT_ALIGN) {
		for (u32 i = 0; i < j->size; i += 4)
			word(at + i, 0xd503201f);
	} else if (j->cond == JIT_ADDR) {
		address_of(at, j, distance);
	} else if (j->cond == JIT_CALL || (j->cond == JIT_ALWAYS && j->size)) {
		word(at, (j->cond == JIT_CALL ? 0x94000000 : 0x14000000) | (n & 0x3ffffff));
	} else if (j->size == 4) {
		word(at, 0x54000000 | (n & 0x7ffff) << 5 | cc[j->cond]);
	} else if (j->size == 8) {
		word(at, 0x54000040 | (cc[j->cond] ^ 1));
		word(at + 4, 0x14000000 | ((n - 1) & 0x3ffffff));
	}
}

/* clang-format off */
#define A64_TABLE(text, atomic_fn) { \
	.name = text, \
	.home = { 7, 0, 1, 2, 3, 4, 19, 20, 21, 22 }, \
	.spare = { 9, 10, 11, 12, 24, 25, 26, 27, 28, JIT_NOREG }, \
	.thread = 23, .sp = A64_31, .scratch = 16, .ret = 7, \
	.args = { 0, 1, 2, 3, 4, 5 }, .kept = 0x1ff80000, \
	.addr_ok = addr_ok, .imm_ok = imm_ok, .mov = jit_a64_mov, .mov_imm = jit_a64_mov_imm, \
	.lea = jit_a64_lea, .alu = alu, .alu_imm = alu_imm, .mul_imm = mul_imm, .neg = neg, \
	.shift_imm = shift_imm, .shift = shift, .rotate = rotate, .extend = extend, .bswap = bswap, \
	.load = load, .store = store, .store_imm = store_imm, .cmp = cmp, .cmp_imm = cmp_imm, \
	.test = test, .test_imm = test_imm, .select = select, .set = set, \
	.divide = jit_a64_divide, .atomic = atomic_fn, \
	.enter = jit_a64_enter, .leave = jit_a64_leave, .call_abs = jit_a64_call_abs, \
	.jump_size = jump_size, .jump = jump, \
}
const struct jit_target jit_arm64 = A64_TABLE("arm64", jit_a64_atomic);
const struct jit_target jit_arm64_old = A64_TABLE("arm64", jit_a64_atomic_old);
/* clang-format on */
