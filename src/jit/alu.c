/* Selection of arithmetic: what can stay pending becomes a form (value.c), the rest is emitted into
 * the home.
 *
 * Recognised: r2 = r1; r2 += c; r2 <<= k; r2 += r3 (address forms); x << a | x >> b (rotates); <<
 * 32, >> 32 and the like (extensions); masks; memory operands; constants folded. 32-bit results
 * have a clean upper half, so copies of clean registers need no extension.
 *
 * Order of emitting: first the destination's home is vacated (its readers are computed), then
 * operands are fetched. Fetching may compute either operand into its own home; it is done twice,
 * the second time changes nothing.
 */
#include "jit/select.h"

#define BIT(r) (1u << (r))

static bool dies(const struct sel *s, u8 r)
{
	return !(s->after >> r & 1);
}

static struct val form(u8 kind, u8 base, bool is32)
{
	return (struct val){ .kind = kind, .addr = jit_sel_base(base), .is32 = is32 };
}

static void bind_const(struct sel *s, u8 r, u64 imm, bool is64)
{
	jit_sel_bind(s, r, (struct val){ .kind = VAL_CONST, .imm = is64 ? imm : (u32)imm });
}

/* ---- copies
 * --------------------------------------------------------------------------------------- */

static bool is_simple(const struct val *v)
{
	return v->kind == VAL_CONST ||
	       (v->kind == VAL_ADDR && v->addr.index == JIT_NOREG && v->addr.base != JIT_NOREG);
}

/* Cuts a form to 32 bits without computing it; false if it has to be computed. */
static bool narrow(const struct sel *s, struct val *v)
{
	switch (v->kind) {
	case VAL_CONST: v->imm = (u32)v->imm; return true;
	case VAL_ADDR: v->is32 = !(jit_sel_plain(v) && (s->clean >> v->addr.base & 1)); return true;
	case VAL_LOAD:
		if (v->is_signed)
			return false;
		v->bytes = v->bytes == 8 ? 4 : v->bytes;
		return true;
	case VAL_AND: v->is32 = true; return true;
	case VAL_BYTES: return v->bytes * 8 + v->count <= 32;
	case VAL_EXTEND: return !v->is_signed;
	default: return v->is32;
	}
}

static void copy(struct sel *s, u8 dst, u8 src, bool is64)
{
	struct val v = s->v[src];

	if (v.kind == VAL_HOME)
		v = form(VAL_ADDR, s->home[src], false);
	if ((!is_simple(&v) && src != dst && (!dies(s, src) || v.kind == VAL_BYTES)) ||
	    (!is64 && !narrow(s, &v))) {
		jit_sel_force(s, src);
		v = form(VAL_ADDR, s->home[src], false);
		if (!is64)
			narrow(s, &v);
	} else if (src != dst && !is_simple(&v)) {
		jit_sel_home(s, src);
	}
	jit_sel_bind(s, dst, v);
}

static void extend(struct sel *s, u8 dst, u8 src, u8 bits, bool is_signed, bool is64)
{
	struct val v = form(VAL_EXTEND, jit_sel_reg(s, src, false), !is64);

	v.bytes = bits / 8;
	v.is_signed = is_signed;
	if (bits == 32 && (!is_signed || !is64)) {
		v.kind = VAL_ADDR;
		v.is32 = true;
		narrow(s, &v);
	}
	jit_sel_bind(s, dst, v);
}

/* ---- addition and shifts: address forms
 * ----------------------------------------------------------- */

/* The value of r as an address form of this width; computed if it is none. */
static struct jit_addr address(struct sel *s, u8 r, bool is64)
{
	const struct val *v = &s->v[r];

	if (v->kind == VAL_ADDR && !(is64 && v->is32))
		return v->addr;
	if (v->kind == VAL_CONST && (!is64 || v->imm + 0x80000000u <= 0xffffffff) &&
	    !s->o->blind_constants)
		return (struct jit_addr){ JIT_NOREG, JIT_NOREG, 0, (s32)v->imm };
	jit_sel_force(s, r);
	return jit_sel_base(s->home[r]);
}

static u32 parts(const struct jit_addr *a)
{
	return (a->base != JIT_NOREG) + (a->index != JIT_NOREG);
}

/* a + c as one form, if there is one. */
static bool join(const struct sel *s, struct jit_addr a, struct jit_addr c, struct jit_addr *out)
{
	if (__builtin_add_overflow(a.disp, c.disp, &a.disp) || parts(&a) + parts(&c) > 2)
		return false;
	if (a.base == JIT_NOREG && a.index == JIT_NOREG) {
		c.disp = a.disp;
		a = c;
	} else if (c.base != JIT_NOREG && a.base == JIT_NOREG) {
		a.base = c.base;
	} else if (c.base != JIT_NOREG) {
		a.index = c.base;
		a.scale = 0;
		if (a.index == s->t->sp) {
			a.index = a.base;
			a.base = c.base;
		}
	} else if (c.index != JIT_NOREG) {
		if (a.index != JIT_NOREG)
			return false;
		a.index = c.index;
		a.scale = c.scale;
	}
	*out = a;
	return s->t->addr_ok(&a, 8, true);
}

static void bind_addr(struct sel *s, u8 dst, struct jit_addr a, bool is64)
{
	struct val v = { .kind = VAL_ADDR, .addr = a, .is32 = !is64 };

	if (a.base == JIT_NOREG && a.index == JIT_NOREG)
		bind_const(s, dst, (u64)(s64)a.disp, is64);
	else
		jit_sel_bind(s, dst, v);
}

static void add_imm(struct sel *s, u8 dst, s32 imm, bool is64)
{
	struct jit_addr a = address(s, dst, is64), c = { JIT_NOREG, JIT_NOREG, 0, imm }, sum;

	if (!join(s, a, c, &sum)) {
		jit_sel_force(s, dst);
		a = jit_sel_base(s->home[dst]);
		if (!join(s, a, c, &sum)) {
			jit_sel_vacate(s, dst);
			s->t->alu_imm(s->b, ISA_ADD, s->home[dst], imm, is64);
			jit_sel_set_clean(s, s->home[dst], !is64);
			return;
		}
	}
	bind_addr(s, dst, sum, is64);
}

static bool add_reg(struct sel *s, u8 dst, u8 src, bool is64)
{
	struct jit_addr a, c, sum;

	if (src != dst && src != JIT_FP && !dies(s, src) && !is_simple(&s->v[src]))
		jit_sel_force(s, src);
	for (u32 round = 0; round < 3; round++) {
		/* Asked twice: making one an address may force the other into its home. */
		(void)address(s, src, is64);
		a = address(s, dst, is64);
		c = address(s, src, is64);
		if (join(s, a, c, &sum)) {
			bind_addr(s, dst, sum, is64);
			return true;
		}
		if (s->v[dst].kind != VAL_HOME)
			jit_sel_force(s, dst);
		else if (src != JIT_FP)
			jit_sel_force(s, src);
	}
	return false;
}

/* Both the operands of an `or`, `xor` or `+`: is it a rotate? */
static bool rotate(struct sel *s, u8 dst, u8 src)
{
	struct val a = s->v[dst], c = s->v[src];

	if (a.kind != VAL_SHIFT || c.kind != VAL_SHIFT || a.addr.base != c.addr.base ||
	    a.is32 != c.is32 || a.op == c.op || a.op == ISA_ARSH || c.op == ISA_ARSH ||
	    a.count + c.count != (a.is32 ? 32 : 64) || !dies(s, src))
		return false;
	if (c.op == ISA_LSH)
		a.count = c.count;
	a.kind = VAL_ROTATE;
	jit_sel_home(s, src);
	jit_sel_bind(s, dst, a);
	return true;
}

static u64 shifted(u8 op, u64 x, u32 count, bool is64)
{
	if (op == ISA_LSH)
		return x << count;
	if (op == ISA_RSH)
		return (is64 ? x : (u32)x) >> count;
	return (u64)((is64 ? (s64)x : (s64)(s32)x) >> count);
}

/* << then >> by the same count: an extension of the low bits. */
static bool shift_pair(struct sel *s, u8 op, u8 dst, u32 count, bool is64)
{
	const struct val *v = &s->v[dst];
	u32 bits = (is64 ? 64 : 32) - count;
	struct val e;

	if (v->kind != VAL_SHIFT || v->op != ISA_LSH || v->count != count || v->is32 == is64 ||
	    op == ISA_LSH || (bits != 8 && bits != 16 && bits != 32))
		return false;
	e = form(VAL_EXTEND, v->addr.base, !is64);
	e.bytes = (u8)(bits / 8);
	e.is_signed = op == ISA_ARSH;
	if (bits == 32 && !e.is_signed) {
		e = form(VAL_ADDR, v->addr.base, true);
		narrow(s, &e);
	}
	jit_sel_bind(s, dst, e);
	return true;
}

static void shift_imm(struct sel *s, u8 op, u8 dst, u32 count, bool is64)
{
	struct val v = s->v[dst];

	count &= is64 ? 63 : 31;
	if (v.kind == VAL_CONST) {
		bind_const(s, dst, shifted(op, v.imm, count, is64), is64);
		return;
	}
	if (shift_pair(s, op, dst, count, is64) ||
	    (op == ISA_LSH ? jit_sel_bytes_shift(s, dst, count, is64)
			   : jit_sel_bytes_back(s, op, dst, count, is64)))
		return;
	if (op == ISA_LSH && count <= 3 && is64 && v.kind == VAL_ADDR && v.is32) {
		jit_sel_force(s, dst);
		v = s->v[dst];
	}
	if (v.kind == VAL_HOME)
		v = form(VAL_ADDR, s->home[dst], false);
	if (op == ISA_LSH && count <= 3 && v.kind == VAL_ADDR && !(is64 && v.is32) &&
	    parts(&v.addr) == 1 && v.addr.base != s->t->sp) {
		struct jit_addr a = v.addr;

		if (a.index == JIT_NOREG) {
			a.index = a.base;
			a.base = JIT_NOREG;
			a.scale = 0;
		}
		a.scale += count;
		if (!__builtin_mul_overflow(a.disp, 1 << count, &a.disp) &&
		    s->t->addr_ok(&a, 8, true)) {
			bind_addr(s, dst, a, is64);
			return;
		}
	}
	v = form(VAL_SHIFT, jit_sel_reg(s, dst, is64), !is64);
	v.op = op;
	v.count = (u8)count;
	jit_sel_bind(s, dst, v);
}

/* ---- what is emitted
 * ------------------------------------------------------------------------------ */

static void prepare(struct sel *s, u8 dst, bool is64)
{
	const struct val *v = &s->v[dst];

	if (jit_sel_plain(v) && !(is64 && v->is32)) {
		s->t->mov(s->b, s->home[dst], v->addr.base, is64);
		jit_sel_home(s, dst);
	} else {
		jit_sel_force(s, dst);
	}
}

static void finish(struct sel *s, u8 dst, u8 op, bool is64, bool is_clean, bool flags)
{
	jit_sel_home(s, dst);
	jit_sel_set_clean(s, s->home[dst], !is64 || is_clean);
	if (!flags || op == ISA_MUL || !s->t->alu_tells)
		return;
	s->flags_at = s->b->n;
	s->flags_reg = s->home[dst];
	s->flags_64 = is64;
}

static bool clean_of(const struct sel *s, u8 reg)
{
	return s->clean >> reg & 1;
}

static void op_imm(struct sel *s, u8 op, u8 dst, s32 imm, bool is64)
{
	bool was = false;

	jit_sel_vacate(s, dst);
	if (op == ISA_MUL && jit_sel_plain(&s->v[dst]) && !(is64 && s->v[dst].is32)) {
		s->t->mul_imm(s->b, s->home[dst], s->v[dst].addr.base, imm, is64);
		finish(s, dst, op, is64, false, false);
		return;
	}
	prepare(s, dst, is64);
	was = clean_of(s, s->home[dst]);
	s->t->alu_imm(s->b, op, s->home[dst], imm, is64);
	finish(s, dst, op, is64, was && (op == ISA_OR || op == ISA_XOR) && imm >= 0, true);
}

static void op_reg(struct sel *s, u8 op, u8 dst, u8 src, bool is64)
{
	const struct val *v = &s->v[src];
	bool was;
	u8 reg;

	jit_sel_vacate(s, dst);
	if (src != dst && s->t->mem_operands && v->kind == VAL_LOAD && dies(s, src) &&
	    !v->is_signed && v->bytes == (is64 ? 8 : 4)) {
		prepare(s, dst, is64);
		if (v->kind == VAL_LOAD) {
			s->t->alu_mem(s->b, op, s->home[dst], &v->addr, is64);
			jit_sel_home(s, src);
			finish(s, dst, op, is64, false, true);
			return;
		}
	}
	if (src == dst) {
		jit_sel_force(s, dst);
		reg = s->home[dst];
	} else {
		jit_sel_reg(s, src, is64);
		prepare(s, dst, is64);
		reg = jit_sel_reg(s, src, is64);
	}
	was = op == ISA_AND ? clean_of(s, reg) || clean_of(s, s->home[dst])
			    : (op == ISA_OR || op == ISA_XOR) && clean_of(s, reg) &&
				      clean_of(s, s->home[dst]);
	s->t->alu(s->b, op, s->home[dst], reg, is64);
	finish(s, dst, op, is64, was, true);
}

static bool fold(u8 op, u64 x, u64 y, u64 *out)
{
	switch (op) {
	case ISA_ADD: *out = x + y; return true;
	case ISA_SUB: *out = x - y; return true;
	case ISA_MUL: *out = x * y; return true;
	case ISA_AND: *out = x & y; return true;
	case ISA_OR: *out = x | y; return true;
	case ISA_XOR: *out = x ^ y; return true;
	default: return false;
	}
}

static void plain_imm(struct sel *s, u8 op, u8 dst, s64 imm, bool is64)
{
	struct val v;
	u64 out;

	if (s->v[dst].kind == VAL_CONST && fold(op, s->v[dst].imm, (u64)imm, &out)) {
		bind_const(s, dst, out, is64);
		return;
	}
	if (!is64)
		imm = (s32)imm;
	if (op == ISA_SUB && imm > -0x80000000LL)
		add_imm(s, dst, (s32)-imm, is64);
	else if (op == ISA_ADD)
		add_imm(s, dst, (s32)imm, is64);
	else if (op == ISA_AND) {
		v = form(VAL_AND, jit_sel_reg(s, dst, is64 && imm < 0), !is64);
		v.imm = (u64)imm;
		jit_sel_bind(s, dst, v);
	} else {
		op_imm(s, op, dst, (s32)imm, is64);
	}
}

static void plain(struct sel *s, struct isa_insn x, u8 op, bool is64)
{
	u8 dst = x.dst, src = x.src;
	s64 imm;

	if (!(x.code & ISA_X) || (src != JIT_FP && jit_sel_imm(s, src, &imm))) {
		if (!(x.code & ISA_X))
			imm = x.imm;
		if (!s->o->blind_constants && s->t->imm_ok(op, imm, is64)) {
			plain_imm(s, op, dst, imm, is64);
			return;
		}
	}
	if (!(x.code & ISA_X)) {
		jit_sel_vacate(s, dst);
		prepare(s, dst, is64);
		jit_sel_const(s, s->t->scratch, (u64)(s64)x.imm);
		s->t->alu(s->b, op, s->home[dst], s->t->scratch, is64);
		finish(s, dst, op, is64, false, true);
		return;
	}
	if ((op == ISA_XOR || op == ISA_SUB) && src == dst) {
		bind_const(s, dst, 0, true);
		return;
	}
	if ((op == ISA_OR || op == ISA_XOR || op == ISA_ADD) && src != dst && src != JIT_FP &&
	    (rotate(s, dst, src) || jit_sel_bytes_join(s, dst, src, is64)))
		return;
	if (op == ISA_ADD && !(s->v[src].kind == VAL_LOAD && s->t->mem_operands) &&
	    add_reg(s, dst, src, is64))
		return;
	op_reg(s, op, dst, src, is64);
}

static void shift(struct sel *s, struct isa_insn x, u8 op, bool is64)
{
	u8 src, count;
	bool was;

	if (!(x.code & ISA_X) || s->v[x.src].kind == VAL_CONST) {
		shift_imm(s, op, x.dst, (u32)(x.code & ISA_X ? s->v[x.src].imm : (u64)x.imm), is64);
		return;
	}
	jit_sel_vacate(s, x.dst);
	if (x.src == x.dst)
		jit_sel_force(s, x.dst);
	jit_sel_reg(s, x.src, false);
	src = jit_sel_reg(s, x.dst, is64);
	count = jit_sel_reg(s, x.src, false);
	was = op == ISA_RSH && clean_of(s, src);
	s->t->shift(s->b, op, s->home[x.dst], src, count, is64);
	finish(s, x.dst, op, is64, was, false);
}

static u32 busy(const struct sel *s, u8 dst)
{
	u32 mask = 0;

	for (u8 q = 0; q < JIT_N_VREGS; q++)
		if (q != dst && q != JIT_FP && (s->after >> q & 1))
			mask |= s->v[q].kind == VAL_HOME ? BIT(s->home[q]) : s->v[q].refs;
	return mask;
}

/* n / d of 32 bits is n * m >> 32 + l, where m = ceil(2^(32 + l) / d), if m * d - 2^(32 + l) <= 2^l
 * (T. Granlund, P. Montgomery, Division by Invariant Integers using Multiplication, 1994, theorem
 * 4.2). An m of 33 bits is its low 32 and one more n. */
static bool by_reciprocal(struct sel *s, u8 dst, u64 d, bool is_mod, bool is64)
{
	u8 n = s->home[dst], q = s->t->scratch, l = 0;
	u64 m;

	if (s->o->blind_constants || d > 0xffffffff)
		return false;
	jit_sel_vacate(s, dst);
	jit_sel_force(s, dst);
	if (is64 && !(s->clean >> n & 1))
		return false;
	if (!(s->clean >> n & 1))
		s->t->mov(s->b, n, n, false);
	for (;; l++) {
		unsigned __int128 power = (unsigned __int128)1 << (32 + l);

		m = (u64)((power + d - 1) / d);
		if ((unsigned __int128)m * d - power <= 1ull << l)
			break;
	}
	s->t->mov_imm(s->b, q, (u32)m);
	s->t->alu(s->b, ISA_MUL, q, n, true);
	if (m >> 32) {
		s->t->shift_imm(s->b, ISA_RSH, q, q, 32, true);
		s->t->alu(s->b, ISA_ADD, q, n, true);
		s->t->shift_imm(s->b, ISA_RSH, q, q, l, true);
	} else {
		s->t->shift_imm(s->b, ISA_RSH, q, q, 32 + l, true);
	}
	if (is_mod) {
		s->t->mul_imm(s->b, q, q, (s32)d, false);
		s->t->alu(s->b, ISA_SUB, n, q, false);
	} else {
		s->t->mov(s->b, n, q, true);
	}
	finish(s, dst, ISA_MUL, is64, true, false);
	return true;
}

static bool divide_imm(struct sel *s, struct isa_insn x, bool is_mod, bool is64)
{
	u64 d = is64 ? (u64)(s64)x.imm : (u32)x.imm;
	struct isa_insn y = x;

	if (d == 0 && !is_mod) {
		bind_const(s, x.dst, 0, true);
	} else if (d == 0) {
		copy(s, x.dst, x.dst, is64);
	} else if (x.off == 0 && (d & (d - 1)) == 0 && is_mod && d <= 0x80000000u) {
		y.code = (u8)((x.code & 7) | ISA_AND);
		y.imm = (s32)(d - 1);
		plain(s, y, ISA_AND, is64);
	} else if (x.off == 0 && (d & (d - 1)) == 0 && !is_mod) {
		shift_imm(s, ISA_RSH, x.dst, (u32)__builtin_ctzll(d), is64);
	} else {
		return x.off == 0 && by_reciprocal(s, x.dst, d, is_mod, is64);
	}
	return true;
}

static void divide(struct sel *s, struct isa_insn x, bool is_mod, bool is64)
{
	struct jit_div d = { .is64 = is64, .is_signed = x.off == 1, .is_mod = is_mod };

	if (!(x.code & ISA_X) && divide_imm(s, x, is_mod, is64))
		return;
	jit_sel_vacate(s, x.dst);
	d.dst = s->home[x.dst];
	if (x.code & ISA_X) {
		jit_sel_reg(s, x.src, is64);
		jit_sel_force(s, x.dst);
		d.divisor = x.src == x.dst ? d.dst : jit_sel_reg(s, x.src, is64);
	} else {
		jit_sel_force(s, x.dst);
		jit_sel_const(s, s->t->scratch, (u64)(s64)x.imm);
		d.divisor = s->t->scratch;
	}
	d.busy = busy(s, x.dst);
	s->t->divide(s->b, &d);
	finish(s, x.dst, ISA_MUL, is64, false, false);
}

static void swap(struct sel *s, struct isa_insn x)
{
	bool to_be = isa_class(x) == ISA_ALU64 || (x.code & ISA_X);
	u8 bits = (u8)x.imm;

	if (!to_be) {
		if (bits < 64)
			extend(s, x.dst, x.dst, bits, false, true);
		return;
	}
	jit_sel_vacate(s, x.dst);
	prepare(s, x.dst, bits == 64);
	s->t->bswap(s->b, s->home[x.dst], bits);
	finish(s, x.dst, ISA_MUL, bits == 64, false, false);
}

void jit_sel_alu(struct sel *s, struct isa_insn x)
{
	bool is64 = isa_class(x) == ISA_ALU64;
	u8 op = isa_op(x);

	switch (op) {
	case ISA_MOV:
		if (!(x.code & ISA_X))
			bind_const(s, x.dst, (u64)(s64)x.imm, is64);
		else if (x.off)
			extend(s, x.dst, x.src, (u8)x.off, true, is64);
		else
			copy(s, x.dst, x.src, is64);
		break;
	case ISA_LSH:
	case ISA_RSH:
	case ISA_ARSH: shift(s, x, op, is64); break;
	case ISA_DIV:
	case ISA_MOD: divide(s, x, op == ISA_MOD, is64); break;
	case ISA_NEG:
		jit_sel_vacate(s, x.dst);
		prepare(s, x.dst, is64);
		s->t->neg(s->b, s->home[x.dst], is64);
		finish(s, x.dst, op, is64, false, false);
		break;
	case ISA_END: swap(s, x); break;
	default: plain(s, x, op, is64);
	}
}
