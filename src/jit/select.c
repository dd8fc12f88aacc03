/* Code selection: one walk forwards over the instructions of each function; see value.c for what is
 * pending.
 *
 * At a label everything live is in its home. A conditional jump computes what its target wants and
 * leaves the rest pending for the path that falls through. Instructions whose result nobody reads
 * are skipped. Comparison and jump are fused; a comparison with zero directly behind the arithmetic
 * that made the value is left out.
 *
 * r10 is the stack pointer plus a constant, so that no register is spent on it. A function keeps
 * its frame on the machine's stack: 512 bytes when its address escapes, else what it uses and
 * promotion left over.
 */
#include <errno.h>
#include <string.h>

#include "jit/select.h"

#define BIT(r) (1u << (r))

static bool dies(const struct sel *s, u8 r)
{
	return !(s->after >> r & 1);
}

/* ---- loads and stores
 * ----------------------------------------------------------------------------- */

static void load(struct sel *s, struct isa_insn x)
{
	struct val v = { .kind = VAL_LOAD,
			 .bytes = isa_bytes(x),
			 .is_signed = (x.code & 0xe0) == ISA_MEMSX };

	v.addr = jit_sel_addr(s, x.src, x.off, v.bytes);
	jit_sel_bind(s, x.dst, v);
}

static void store(struct sel *s, struct isa_insn x)
{
	u8 bytes = isa_bytes(x), reg = 0;
	struct jit_addr a;
	bool is_imm = isa_class(x) == ISA_ST;
	s64 imm = x.imm;

	jit_sel_force_loads(s);
	if (!is_imm && x.src != JIT_FP && jit_sel_imm(s, x.src, &imm) &&
	    (imm == (s32)imm || bytes < 8))
		is_imm = true;
	if (is_imm && (!s->o->blind_constants || imm == 0)) {
		a = jit_sel_addr(s, x.dst, x.off, bytes);
		s->t->store_imm(s->b, &a, bytes, (s32)imm);
		return;
	}
	if (isa_class(x) == ISA_ST) {
		a = jit_sel_addr(s, x.dst, x.off, bytes);
		reg = s->t->scratch;
		jit_sel_const(s, reg, (u64)imm);
	} else {
		jit_sel_reg(s, x.src, bytes == 8);
		jit_sel_addr(s, x.dst, x.off, bytes);
		reg = jit_sel_reg(s, x.src, bytes == 8);
		a = jit_sel_addr(s, x.dst, x.off, bytes);
	}
	s->t->store(s->b, &a, bytes, reg);
}

static void atomic(struct sel *s, struct isa_insn x)
{
	struct jit_atomic m = { .is64 = isa_bytes(x) == 8, .op = x.imm };
	bool fetch = x.imm & ISA_FETCH, exchange = x.imm == ISA_CMPXCHG;
	u8 def = exchange ? 0 : x.src;

	jit_sel_force_loads(s);
	if (fetch) {
		jit_sel_vacate(s, def);
		jit_sel_force(s, def);
	}
	jit_sel_reg(s, x.src, true);
	jit_sel_addr(s, x.dst, x.off, 8);
	m.src = jit_sel_reg(s, x.src, true);
	m.addr = jit_sel_addr(s, x.dst, x.off, 8);
	m.r0 = s->home[0];
	if (fetch)
		jit_sel_vacate(s, def);
	m.src = jit_sel_reg(s, x.src, true);
	m.addr = jit_sel_addr(s, x.dst, x.off, 8);
	s->t->atomic(s->b, &m);
	if (fetch) {
		jit_sel_home(s, def);
		jit_sel_set_clean(s, s->home[def], !m.is64);
	}
}

/* An access to a promoted slot is a copy of a register. */
static void slot(struct sel *s, struct isa_insn x, u8 slot_reg)
{
	struct isa_insn y = { .code = (u8)(isa_bytes(x) == 8 ? ISA_ALU64 : ISA_ALU) | ISA_MOV };

	y.dst = slot_reg;
	if (isa_class(x) == ISA_LDX)
		y.dst = x.dst, y.src = slot_reg & 15, y.code |= ISA_X;
	else if (isa_class(x) == ISA_STX)
		y.src = x.src, y.code |= ISA_X;
	else
		y.imm = x.imm;
	jit_sel_alu(s, y);
}

/* ---- jumps
 * ------------------------------------------------------------------------------------------ */

static u8 cond_of(u8 op)
{
	switch (op) {
	case ISA_JEQ: return JIT_EQ;
	case ISA_JGT: return JIT_GT;
	case ISA_JGE: return JIT_GE;
	case ISA_JLT: return JIT_LT;
	case ISA_JLE: return JIT_LE;
	case ISA_JSGT: return JIT_SGT;
	case ISA_JSGE: return JIT_SGE;
	case ISA_JSLT: return JIT_SLT;
	case ISA_JSLE: return JIT_SLE;
	default: return JIT_NE; /* JNE, JSET */
	}
}

static u8 swapped(u8 cond)
{
	static const u8 other[] = {
		[JIT_EQ] = JIT_EQ,   [JIT_NE] = JIT_NE,	 [JIT_GT] = JIT_LT,   [JIT_GE] = JIT_LE,
		[JIT_LT] = JIT_GT,   [JIT_LE] = JIT_GE,	 [JIT_SGT] = JIT_SLT, [JIT_SGE] = JIT_SLE,
		[JIT_SLT] = JIT_SGT, [JIT_SLE] = JIT_SGE
	};

	return other[cond];
}

static bool decide(u8 op, u64 a, u64 b, bool is64)
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
	case ISA_JSET: return (a & b) != 0;
	case ISA_JSGT: return x > y;
	case ISA_JSGE: return x >= y;
	case ISA_JSLT: return x < y;
	default: return x <= y;
	}
}

/* Is the jump decided already? 1 taken, 0 not taken, -1 unknown. */
static int decided(const struct sel *s, struct isa_insn x)
{
	bool is64 = isa_class(x) == ISA_JMP;
	const struct val *a = &s->v[x.dst], *b = &s->v[x.src];
	u8 op = isa_op(x);

	if (jit_sel_fact(s) && jit_sel_fact(s)->never_null && !(x.code & ISA_X) && x.imm == 0 &&
	    (op == ISA_JEQ || op == ISA_JNE))
		return op == ISA_JNE;
	if (a->kind != VAL_CONST || ((x.code & ISA_X) && b->kind != VAL_CONST))
		return -1;
	return decide(op, a->imm, x.code & ISA_X ? b->imm : (u64)(s64)x.imm, is64);
}

/* A load that only this comparison wants may be its memory operand. */
static bool is_operand(const struct sel *s, u8 r)
{
	return s->t->mem_operands && s->v[r].kind == VAL_LOAD && dies(s, r) && !s->v[r].is_signed;
}

/* A comparison of the low byte of a register. */
static bool compare_byte(struct sel *s, u8 op, u8 r, s64 imm)
{
	const struct val *v = &s->v[r];
	bool is_unsigned = op != ISA_JSET && (op < ISA_JSGT || (op > ISA_JSGE && op < ISA_JSLT));

	if (!s->t->cmp_byte || v->kind != VAL_AND || v->imm != 0xff || !dies(s, r) ||
	    !is_unsigned || imm < 0 || imm > 0xff)
		return false;
	s->t->cmp_byte(s->b, v->addr.base, (u8)imm);
	return true;
}

static bool compare_mem_imm(struct sel *s, u8 op, u8 r, s64 imm, bool is64)
{
	u8 bytes = s->v[r].bytes;
	bool is_unsigned = op != ISA_JSET && (op < ISA_JSGT || (op > ISA_JSGE && op < ISA_JSLT));

	if (!is_operand(s, r) || op == ISA_JSET)
		return false;
	if (bytes == 8) {
		if (!is64)
			return false;
	} else if (bytes == 4 && !is64) {
		imm = (s32)imm;
	} else if (!is_unsigned || imm < 0 || imm >> bytes * 8 || (bytes == 2 && imm > 127)) {
		return false;
	}
	s->t->cmp_mem_imm(s->b, &s->v[r].addr, bytes, (s32)imm);
	jit_sel_home(s, r);
	return true;
}

/* base + step == imm, where the sum may stay pending: base == imm - step. */
static bool compare_step(struct sel *s, u8 op, u8 r, s64 imm, bool is64)
{
	const struct val *v = &s->v[r];
	s64 rest = imm - v->addr.disp;

	if ((op != ISA_JEQ && op != ISA_JNE) || v->kind != VAL_ADDR || v->addr.index != JIT_NOREG ||
	    v->addr.base == JIT_NOREG || v->addr.base == s->t->sp || !v->addr.disp ||
	    (is64 && (v->is32 || rest != (s32)rest)))
		return false;
	s->t->cmp_imm(s->b, v->addr.base, (s32)rest, is64);
	return true;
}

static void compare_imm(struct sel *s, u8 op, u8 r, s64 imm, bool is64)
{
	const struct val *v = &s->v[r];
	u8 reg;

	if (compare_mem_imm(s, op, r, imm, is64) || compare_byte(s, op, r, imm))
		return;
	if (v->kind == VAL_AND && imm == 0 && dies(s, r) && (op == ISA_JEQ || op == ISA_JNE)) {
		s->t->test_imm(s->b, v->addr.base, (s32)v->imm, !v->is32 && (s32)v->imm < 0);
		return;
	}
	if (compare_step(s, op, r, imm, is64))
		return;
	reg = jit_sel_reg(s, r, is64);
	if (op == ISA_JSET) {
		s->t->test_imm(s->b, reg, (s32)imm, is64);
		return;
	}
	if (imm == 0 && (op == ISA_JEQ || op == ISA_JNE) && s->flags_at == s->b->n &&
	    s->flags_reg == reg &&
	    (s->flags_64 == is64 || (!s->flags_64 && is64 && (s->clean >> reg & 1)) ||
	     (s->flags_64 && !is64 && (s->clean >> reg & 1))))
		return;
	s->t->cmp_imm(s->b, reg, (s32)imm, is64);
}

/* Emits the comparison; returns the condition under which the jump is taken. */
static u8 compare(struct sel *s, struct isa_insn x)
{
	bool is64 = isa_class(x) == ISA_JMP;
	u8 op = isa_op(x), cond = cond_of(op), a, b;
	s64 imm = x.imm;

	if (!(x.code & ISA_X) && (!s->o->blind_constants || !imm)) {
		compare_imm(s, op, x.dst, imm, is64);
		return cond;
	}
	if (!(x.code & ISA_X)) {
		a = jit_sel_reg(s, x.dst, is64);
		b = s->t->scratch;
		jit_sel_const(s, b, (u64)imm);
	} else if (jit_sel_imm(s, x.src, &imm) && s->t->imm_ok(ISA_SUB, imm, is64)) {
		compare_imm(s, op, x.dst, is64 ? imm : (s32)imm, is64);
		return cond;
	} else if (jit_sel_imm(s, x.dst, &imm) && s->t->imm_ok(ISA_SUB, imm, is64)) {
		compare_imm(s, op, x.src, is64 ? imm : (s32)imm, is64);
		return op == ISA_JSET ? cond : swapped(cond);
	} else {
		if (x.dst == JIT_FP || x.dst == x.src || !is_operand(s, x.dst))
			jit_sel_reg(s, x.dst, is64);
		if (op != ISA_JSET && x.dst != JIT_FP && s->v[x.dst].kind != VAL_LOAD &&
		    is_operand(s, x.src) && s->v[x.src].bytes == (is64 ? 8 : 4)) {
			a = jit_sel_reg(s, x.dst, is64);
			s->t->cmp_mem(s->b, a, &s->v[x.src].addr, is64);
			return cond;
		}
		jit_sel_reg(s, x.src, is64);
		if (op != ISA_JSET && x.src != JIT_FP && x.dst != JIT_FP && is_operand(s, x.dst) &&
		    s->v[x.dst].bytes == (is64 ? 8 : 4)) {
			b = jit_sel_reg(s, x.src, is64);
			s->t->cmp_mem(s->b, b, &s->v[x.dst].addr, is64);
			return swapped(cond);
		}
		a = jit_sel_reg(s, x.dst, is64);
		b = jit_sel_reg(s, x.src, is64);
	}
	if (op == ISA_JSET)
		s->t->test(s->b, a, b, is64);
	else
		s->t->cmp(s->b, a, b, is64);
	return cond;
}

/* if c goto +1; goto L: nothing else comes to the goto, so that this is if !c goto L. */
static bool skips_jump(const struct sel *s)
{
	u32 next = s->i + 1;
	const struct isa_insn *x = &s->f->insns[next];

	return next + 1 < s->fn->end && s->f->ops[s->i].target == next + 1 &&
	       !(s->f->ops[next].flags & FLOW_LABEL) &&
	       (x->code == (ISA_JMP | ISA_JA) || x->code == (ISA_JMP32 | ISA_JA));
}

static u8 opposite(u8 cond)
{
	static const u8 other[] = {
		[JIT_EQ] = JIT_NE,   [JIT_NE] = JIT_EQ,	 [JIT_GT] = JIT_LE,   [JIT_GE] = JIT_LT,
		[JIT_LT] = JIT_GE,   [JIT_LE] = JIT_GT,	 [JIT_SGT] = JIT_SLE, [JIT_SGE] = JIT_SLT,
		[JIT_SLT] = JIT_SGE, [JIT_SLE] = JIT_SGT
	};

	return other[cond];
}

static void inverted(struct sel *s, struct isa_insn x)
{
	u32 to = s->f->ops[s->i + 1].target;
	u16 wanted = s->f->live_in[to];

	jit_sel_force_all(s, wanted & ~BIT(x.dst));
	jit_sel_force_all(s, wanted & BIT(x.dst));
	jit_buf_jump(s->b, opposite(compare(s, x)), to, 0);
	s->skip = s->i + 1;
}

/* r = c ? 1 : 0 and the like: both values are constants that the condition itself is. */
static bool set(struct sel *s, struct isa_insn x, struct isa_insn y)
{
	const struct val *v = &s->v[y.dst];
	u8 cond;

	if ((y.code & ISA_X) || v->kind != VAL_CONST || v->imm > 1 || (u64)(s64)y.imm != !v->imm)
		return false;
	jit_sel_vacate(s, y.dst);
	cond = compare(s, x);
	/* The comparison may have had to compute the old constant. */
	s->t->set(s->b, y.imm ? opposite(cond) : cond, s->home[y.dst]);
	jit_sel_home(s, y.dst);
	jit_sel_set_clean(s, s->home[y.dst], true);
	return true;
}

/* if (c) goto +1; r = value: r stays as it is or becomes the value, without a jump. Everything is
 * computed before the comparison, whose flags must last. */
static void select(struct sel *s, struct isa_insn x)
{
	u32 next = s->i + 1;
	struct isa_insn y = s->f->insns[next];
	bool is64 = isa_class(y) == ISA_ALU64, was;
	int known = decided(s, x);
	u8 from = s->t->scratch, home = s->home[y.dst], cond;

	s->skip = next;
	s->after = s->f->ops[next].live_after;
	s->need = s->after | s->f->ops[s->i].use | s->f->ops[next].use;
	if (known == 1 || !(s->after >> y.dst & 1))
		return;
	if (known == 0) {
		s->i = next;
		jit_sel_alu(s, y);
		return;
	}
	if (set(s, x, y))
		return;
	jit_sel_force_all(s, s->f->ops[s->i].use);
	jit_sel_vacate(s, y.dst);
	if (y.code & ISA_X)
		from = jit_sel_reg(s, y.src, is64);
	jit_sel_force(s, y.dst);
	if (y.code & ISA_X)
		from = jit_sel_reg(s, y.src, is64);
	if (!(y.code & ISA_X)) {
		s->t->mov_imm(s->b, from, is64 ? (u64)(s64)y.imm : (u32)y.imm);
		jit_sel_set_clean(s, from, !is64 || y.imm >= 0);
	} else if (!is64 && !(s->clean >> from & 1)) {
		s->t->mov(s->b, s->t->scratch, from, false);
		from = s->t->scratch;
		jit_sel_set_clean(s, from, true);
	}
	was = (s->clean >> home & 1) && (s->clean >> from & 1);
	cond = compare(s, x);
	s->t->select(s->b, opposite(cond), home, from);
	jit_sel_home(s, y.dst);
	jit_sel_set_clean(s, home, was);
}

static void jump(struct sel *s, struct isa_insn x)
{
	u32 to = s->f->ops[s->i].target;
	u16 wanted = s->f->live_in[to];
	int known = isa_op(x) == ISA_JA ? 1 : decided(s, x);
	u8 cond;

	if (known == 0)
		return;
	if (known < 0 && skips_jump(s)) {
		inverted(s, x);
		return;
	}
	if (known == 1) {
		jit_sel_force_all(s, wanted);
		jit_buf_jump(s->b, JIT_ALWAYS, to, 0);
		return;
	}
	/* The register compared comes last: its flags may serve. */
	jit_sel_force_all(s, wanted & ~BIT(x.dst));
	jit_sel_force_all(s, wanted & BIT(x.dst));
	cond = compare(s, x);
	jit_buf_jump(s->b, cond, to, 0);
}

/* ---- functions
 * -------------------------------------------------------------------------------------- */

static void reset(struct sel *s, u32 clean)
{
	s->clean = 0;
	s->flags_at = ~0u;
	for (u32 left = s->pending; left; left &= left - 1)
		jit_sel_home(s, (u8)__builtin_ctz(left));
	for (clean &= (1u << JIT_N_VREGS) - 1; clean; clean &= clean - 1) {
		u8 home = s->home[__builtin_ctz(clean)];

		if (home != JIT_NOREG)
			s->clean |= BIT(home);
	}
}

/* left -= n; if it was less, stop. `n`: the instructions up to the next label. */
static void charge(struct sel *s, u32 i)
{
	struct jit_addr left = jit_sel_base(s->t->thread);
	u32 n = 1;

	if (!s->o->with_budget)
		return;
	while (++i < s->fn->end && !(s->f->ops[i].flags & FLOW_LABEL))
		n += !(s->f->ops[i].flags & FLOW_SECOND);
	left.disp = (s32)vm_thread_places.budget;
	s->t->load(s->b, s->t->scratch, &left, 8, false);
	s->t->cmp_imm(s->b, s->t->scratch, (s32)n, true);
	jit_buf_jump(s->b, JIT_LT, jit_sel_label(s, SEL_STOP, (u32)(s->fn - s->f->funcs)), 0);
	s->t->alu_imm(s->b, ISA_SUB, s->t->scratch, (s32)n, true);
	s->t->store(s->b, &left, 8, s->t->scratch);
}

/* Where the budget's end leads: fault = -ETIME, left = 0, return 0. */
static void stop(struct sel *s)
{
	struct jit_addr a = jit_sel_base(s->t->thread);

	if (!s->o->with_budget)
		return;
	jit_buf_room(s->b, 256);
	jit_buf_label(s->b, jit_sel_label(s, SEL_STOP, (u32)(s->fn - s->f->funcs)));
	a.disp = (s32)vm_thread_places.budget;
	s->t->store_imm(s->b, &a, 8, 0);
	a.disp = (s32)vm_thread_places.fault;
	s->t->store_imm(s->b, &a, 4, -ETIME);
	s->t->mov_imm(s->b, s->t->ret, 0);
	s->t->leave(s->b, s->saved, s->frame, s->fn->calls, JIT_NOREG);
}

static void label(struct sel *s, u32 i, bool falls)
{
	if (falls) {
		s->need = s->after = s->f->live_in[i];
		jit_sel_force_all(s, s->need);
	}
	reset(s, s->f->clean[i]);
	if (s->f->ops[i].flags & FLOW_LOOP)
		jit_buf_jump(s->b, JIT_ALIGN, 0, 0);
	jit_buf_label(s->b, i);
	charge(s, i);
}

static bool has_effect(const struct flow_op *o, struct isa_insn x)
{
	u8 class = isa_class(x);

	if (o->flags & FLOW_SLOT)
		return false;
	return class == ISA_ST || class == ISA_STX || class == ISA_JMP || class == ISA_JMP32 ||
	       (class == ISA_LD && !isa_is_wide(x));
}

static void wide(struct sel *s, const struct isa_insn *x)
{
	if (x->src == ISA_FUNC) {
		jit_sel_vacate(s, x->dst);
		jit_sel_home(s, x->dst);
		jit_buf_jump(s->b, JIT_ADDR, jit_sel_label(s, SEL_STUB, s->f->ops[s->i].target),
			     s->home[x->dst]);
		jit_sel_set_clean(s, s->home[x->dst], false);
		return;
	}
	jit_sel_bind(s, x->dst, (struct val){ .kind = VAL_CONST, .imm = jit_imm64(x) });
}

/* r <<= 32; r >>= 32: the low half, with or without sign. */
static bool low_half(struct sel *s, struct isa_insn x)
{
	struct isa_insn y;
	u32 next = s->i + 1;

	if (x.code != (ISA_ALU64 | ISA_LSH) || x.imm != 32 || next >= s->fn->end ||
	    (s->f->ops[next].flags & FLOW_LABEL))
		return false;
	y = s->f->insns[next];
	if ((y.code != (ISA_ALU64 | ISA_RSH) && y.code != (ISA_ALU64 | ISA_ARSH)) || y.imm != 32 ||
	    y.dst != x.dst)
		return false;
	s->skip = next;
	s->after = s->f->ops[next].live_after;
	s->need = s->after | BIT(x.dst);
	if (!(s->after >> x.dst & 1))
		return true;
	if (isa_op(y) == ISA_RSH)
		jit_sel_alu(s, isa_alu_reg(false, ISA_MOV, x.dst, x.dst));
	else
		jit_sel_alu(s, isa_mov_sx(true, x.dst, x.dst, 32));
	return true;
}

static void insn(struct sel *s, u32 i)
{
	struct isa_insn x = s->f->insns[i];
	const struct flow_op *o = &s->f->ops[i];

	s->i = i;
	s->after = o->live_after;
	s->need = o->live_after | o->use;
	if (!has_effect(o, x) && !(o->def & o->live_after))
		return;
	jit_buf_room(s->b, 1024);
	if (o->flags & FLOW_SLOT) {
		slot(s, x, o->slot);
		return;
	}
	switch (isa_class(x)) {
	case ISA_LD:
		if (isa_is_wide(x))
			wide(s, &s->f->insns[i]);
		else
			jit_sel_packet(s, x);
		break;
	case ISA_LDX: load(s, x); break;
	case ISA_ST: store(s, x); break;
	case ISA_STX:
		if ((x.code & 0xe0) == ISA_ATOMIC)
			atomic(s, x);
		else
			store(s, x);
		break;
	case ISA_ALU:
	case ISA_ALU64:
		if (!low_half(s, x))
			jit_sel_alu(s, x);
		break;
	default:
		if (x.code == (ISA_JMP | ISA_CALL)) {
			jit_sel_call(s, x);
		} else if (x.code == (ISA_JMP | ISA_EXIT)) {
			jit_sel_force(s, 0);
			s->t->leave(s->b, s->saved, s->frame, s->fn->calls, JIT_NOREG);
		} else if (o->flags & FLOW_SELECT) {
			select(s, x);
		} else {
			jump(s, x);
		}
	}
}

/* The frame lies on the host's stack, whose old contents are none of the program's business. */
static void clear(struct sel *s)
{
	struct jit_addr a = jit_sel_base(s->t->sp);

	if (s->o->keep_stack)
		return;
	for (a.disp = (s32)(s->fp - s->fn->frame) & ~7; a.disp < (s32)s->fp; a.disp += 8)
		s->t->store_imm(s->b, &a, 8, 0);
}

static void enter(struct sel *s)
{
	const struct flow_func *fn = s->fn;
	bool is_main = fn->start == 0;
	u16 given = is_main ? 2 : 62, live = fn->live_in;

	memset(s->owner, JIT_NOREG, sizeof(s->owner));
	memset(s->home, JIT_NOREG, sizeof(s->home));
	for (u8 r = 0; r < 10; r++)
		s->home[r] = s->t->home[r];
	for (u32 k = 0; k < fn->n_slots; k++)
		s->home[JIT_SLOT0 + k] = fn->slots[k].reg;
	/* A slot may have taken the home of a register that this function never names. */
	for (u32 k = JIT_N_VREGS; k-- > 0;)
		if (s->home[k] != JIT_NOREG &&
		    (k >= JIT_SLOT0 || s->owner[s->home[k]] == JIT_NOREG))
			s->owner[s->home[k]] = (u8)k;
	s->saved = fn->natives & s->t->kept;
	if (is_main && s->f->has_thread)
		s->saved |= BIT(s->t->thread);
	s->frame = s->t->enter(s->b, s->saved, fn->frame + (fn->tails ? 16 : 0), fn->calls);
	s->fp = s->frame;
	s->v[JIT_FP] = (struct val){ .kind = VAL_ADDR,
				     .addr = jit_sel_base(s->t->sp),
				     .refs = BIT(s->t->sp) };
	s->v[JIT_FP].addr.disp = (s32)s->fp;
	if (is_main && s->f->has_thread)
		s->t->mov(s->b, s->t->thread, s->t->args[1], true);
	if (is_main)
		s->t->mov(s->b, s->home[1], s->t->args[0], true);
	if (is_main && s->o->ctx_size && (live & 4)) {
		s->t->mov_imm(s->b, s->home[2], s->o->ctx_size);
		given |= 4;
	}
	clear(s);
	/* What an unverified program reads before it writes must not show the caller's registers.
	 */
	for (u8 r = 0; r < JIT_N_VREGS; r++)
		if ((live & ~given) >> r & 1)
			s->t->mov_imm(s->b, s->home[r], 0);
}

static void function(struct sel *s, const struct flow_func *fn)
{
	bool falls = true;

	s->fn = fn;
	jit_buf_room(s->b, 2048);
	jit_buf_jump(s->b, JIT_ALIGN, 0, 0);
	/* A jump to the first instruction must not enter again; calls use labels of their own. */
	jit_buf_label(s->b, jit_sel_label(s, SEL_ENTRY, fn->start));
	enter(s);
	reset(s, 0);
	if (!(s->f->ops[fn->start].flags & FLOW_LABEL))
		charge(s, fn->start);
	for (u32 i = fn->start; i < fn->end; i++) {
		const struct flow_op *o = &s->f->ops[i];

		if ((o->flags & FLOW_SECOND) || i == s->skip)
			continue;
		jit_buf_room(s->b, 1024);
		if (o->flags & FLOW_LABEL)
			label(s, i, falls);
		else if (!falls)
			continue;
		insn(s, i);
		falls = !(isa_class(s->f->insns[i]) == ISA_JMP ||
			  isa_class(s->f->insns[i]) == ISA_JMP32) ||
			(isa_op(s->f->insns[i]) != ISA_JA &&
			 s->f->insns[i].code != (ISA_JMP | ISA_EXIT));
	}
	stop(s);
}

/* Tail calls are counted from the outermost program on, which therefore has an entry of its own. */
static void outermost(struct sel *s)
{
	struct jit_addr a = jit_sel_base(s->t->args[1]);
	bool tails = false;

	for (u32 i = 0; i < s->f->n_funcs; i++)
		tails |= s->f->funcs[i].tails;
	jit_buf_room(s->b, 256);
	a.disp = (s32)vm_thread_places.tails;
	if (tails)
		s->t->store_imm(s->b, &a, 4, 0);
	jit_buf_label(s->b, jit_sel_label(s, SEL_TAIL_ENTRY, 0));
}

u32 jit_select(struct flow *f, struct jit_buf *b, const struct jit_options *o, u64 key)
{
	struct sel *s = arena_new_of(f->a, struct sel);

	s->f = f;
	s->t = f->t;
	s->o = o;
	s->b = b;
	s->key = key | 1;
	s->skip = ~0u;
	jit_buf_init(b, f->a, jit_sel_label(s, SEL_N_LABELS, 0), f->n * 8 + 2048);
	outermost(s);
	if (jit_sel_uses_callbacks(f))
		jit_sel_stubs(s);
	for (u32 i = 0; i < f->n_funcs; i++)
		function(s, &f->funcs[i]);
	return jit_sel_label(s, SEL_TAIL_ENTRY, 0);
}
