/* Values that are not computed yet: the heart of the selector.
 *
 * While a block is walked forwards, each BPF register is either in its home or pending: a constant,
 * an address form base + index << scale + disp, a shift, a rotate, a mask, an extension, or a load.
 * Users look at the pending form and fold it into addresses, immediates, memory operands, rotates;
 * what nobody wants any more is dropped; the rest is computed into its home when a source of it is
 * about to be overwritten, or at a label.
 *
 * Invariants. Pending forms name machine registers, and mean what those hold now; so before a home
 * is written, the forms that read it are computed first (vacate). The relation "must be computed
 * before that home is written" has no cycle: a form that would close one goes through the scratch
 * register at once (bind). An instruction's operands and everything live behind it count as wanted
 * (need); other forms are dead and may be dropped.
 */
#include "jit/select.h"

#define BIT(r) (1u << (r))

struct jit_addr jit_sel_base(u8 reg)
{
	return (struct jit_addr){ reg, JIT_NOREG, 0, 0 };
}

void jit_sel_home(struct sel *s, u8 r)
{
	if (!(s->pending >> r & 1))
		return;
	s->pending &= ~BIT(r);
	s->v[r] = (struct val){ .kind = VAL_HOME };
}

void jit_sel_set_clean(struct sel *s, u8 reg, bool is_clean)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult): `reg` is a register here, not JIT_NOREG */
	s->clean = is_clean ? s->clean | BIT(reg) : s->clean & ~BIT(reg);
}

static u32 refs_of(const struct val *v)
{
	u32 refs = 0;

	if (v->kind == VAL_HOME || v->kind == VAL_CONST)
		return 0;
	if (v->addr.base != JIT_NOREG)
		refs |= BIT(v->addr.base);
	if (v->addr.index != JIT_NOREG)
		refs |= BIT(v->addr.index);
	return refs;
}

bool jit_sel_plain(const struct val *v)
{
	return v->kind == VAL_ADDR && v->addr.index == JIT_NOREG && v->addr.disp == 0 &&
	       v->addr.base != JIT_NOREG;
}

void jit_sel_vacate(struct sel *s, u8 r)
{
	u32 bit = BIT(s->home[r]);

	for (u32 left = s->pending & ~BIT(r); left; left &= left - 1) {
		u8 q = (u8)__builtin_ctz(left);

		if (!(s->v[q].refs & bit))
			continue;
		if (s->need >> q & 1)
			jit_sel_force(s, q);
		else
			jit_sel_home(s, q);
	}
}

void jit_sel_force(struct sel *s, u8 r)
{
	struct val v;

	if (s->v[r].kind == VAL_HOME || r == JIT_FP)
		return;
	jit_sel_vacate(s, r);
	v = s->v[r];
	jit_sel_emit(s, s->home[r], &v);
	jit_sel_home(s, r);
}

void jit_sel_force_all(struct sel *s, u32 mask)
{
	for (mask &= s->pending; mask; mask &= mask - 1)
		jit_sel_force(s, (u8)__builtin_ctz(mask));
}

/* Before memory changes: pending loads are done, dead ones dropped. */
void jit_sel_force_loads(struct sel *s)
{
	for (u32 left = s->pending; left; left &= left - 1) {
		u8 r = (u8)__builtin_ctz(left);

		if (s->v[r].kind != VAL_LOAD && s->v[r].kind != VAL_BYTES)
			continue;
		if (s->need >> r & 1)
			jit_sel_force(s, r);
		else
			jit_sel_home(s, r);
	}
}

bool jit_sel_reaches(const struct sel *s, u32 refs, u8 r)
{
	u32 seen = BIT(s->home[r]), todo = refs & ~seen;

	while (todo) {
		u8 reg = (u8)__builtin_ctz(todo), q = s->owner[reg];

		seen |= BIT(reg);
		todo &= ~BIT(reg);
		if (q == JIT_NOREG)
			continue;
		if (s->v[q].refs & BIT(s->home[r]))
			return true;
		todo |= s->v[q].refs & ~seen;
	}
	return false;
}

void jit_sel_bind(struct sel *s, u8 r, struct val v)
{
	v.refs = refs_of(&v);
	if (jit_sel_plain(&v) && !v.is32 && v.addr.base == s->home[r]) {
		jit_sel_home(s, r);
		return;
	}
	if (jit_sel_reaches(s, v.refs, r)) {
		u8 scratch = s->t->scratch;

		jit_sel_emit(s, scratch, &v);
		jit_sel_home(s, r);
		jit_sel_vacate(s, r);
		s->t->mov(s->b, s->home[r], scratch, true);
		jit_sel_set_clean(s, s->home[r], s->clean >> scratch & 1);
		return;
	}
	s->v[r] = v;
	s->pending |= BIT(r);
}

/* A constant; where constants are to be blinded, both halves meet their keys only when it runs. */
void jit_sel_const(struct sel *s, u8 dst, u64 imm)
{
	u64 key;

	if (!s->o->blind_constants || imm == 0) {
		s->t->mov_imm(s->b, dst, imm);
		return;
	}
	s->key ^= s->key << 13;
	s->key ^= s->key >> 7;
	s->key ^= s->key << 17;
	/* Without bit 31, which an immediate of 64 bits would spread. */
	key = s->key & 0x7fffffff7fffffff;
	if (imm <= 0xffffffff)
		key = (u32)key;
	s->t->mov_imm(s->b, dst, imm ^ key);
	s->t->alu_imm(s->b, ISA_XOR, dst, (s32)(u32)key, true);
	if (!(key >> 32))
		return;
	s->t->rotate(s->b, dst, dst, 32, true);
	s->t->alu_imm(s->b, ISA_XOR, dst, (s32)(key >> 32), true);
	s->t->rotate(s->b, dst, dst, 32, true);
}

static bool emit_addr(struct sel *s, u8 dst, const struct val *v)
{
	const struct jit_addr *a = &v->addr;

	if (jit_sel_plain(v)) {
		s->t->mov(s->b, dst, a->base, !v->is32);
		return s->clean >> a->base & 1;
	}
	s->t->lea(s->b, dst, a, !v->is32);
	if (s->t->lea_adds && a->base == dst && a->index == JIT_NOREG) {
		s->flags_at = s->b->n;
		s->flags_reg = dst;
		s->flags_64 = !v->is32;
	}
	return false;
}

static bool emit_and(struct sel *s, u8 dst, const struct val *v)
{
	s32 imm = (s32)v->imm;
	bool is64 = !v->is32 && imm < 0, known = s->clean >> v->addr.base & 1;

	if (imm == 0xff || imm == 0xffff) {
		s->t->extend(s->b, dst, v->addr.base, imm == 0xff ? 8 : 16, false, false);
		return true;
	}
	if (dst != v->addr.base)
		s->t->mov(s->b, dst, v->addr.base, is64);
	s->t->alu_imm(s->b, ISA_AND, dst, imm, is64);
	if (s->t->alu_tells) {
		s->flags_at = s->b->n;
		s->flags_reg = dst;
		s->flags_64 = is64;
	}
	return !is64 || known;
}

/* Computes a form into a register, which may be one of its sources. */
void jit_sel_emit(struct sel *s, u8 dst, const struct val *v)
{
	bool is_clean = false, base = v->kind > VAL_CONST && v->addr.base != JIT_NOREG &&
				      (s->clean >> v->addr.base & 1);

	switch (v->kind) {
	case VAL_CONST:
		jit_sel_const(s, dst, v->imm);
		is_clean = v->imm <= 0xffffffff;
		break;
	case VAL_ADDR: is_clean = emit_addr(s, dst, v); break;
	case VAL_SHIFT:
		s->t->shift_imm(s->b, v->op, dst, v->addr.base, v->count, !v->is32);
		is_clean = v->op == ISA_RSH && (base || v->count >= 32);
		break;
	case VAL_ROTATE: s->t->rotate(s->b, dst, v->addr.base, v->count, !v->is32); break;
	case VAL_AND: is_clean = emit_and(s, dst, v); break;
	case VAL_EXTEND:
		s->t->extend(s->b, dst, v->addr.base, v->bytes * 8, v->is_signed, !v->is32);
		is_clean = !v->is_signed;
		break;
	case VAL_LOAD:
		s->t->load(s->b, dst, &v->addr, v->bytes, v->is_signed);
		is_clean = v->bytes < 8 && !v->is_signed;
		break;
	case VAL_BYTES:
		jit_sel_bytes_emit(s, dst, v);
		is_clean = v->bytes * 8 + v->count <= 32;
		break;
	default: break;
	}
	jit_sel_set_clean(s, dst, is_clean || (v->is32 && v->kind < VAL_LOAD));
}

u8 jit_sel_reg(struct sel *s, u8 r, bool is64)
{
	const struct val *v = &s->v[r];

	if (r == JIT_FP) {
		s->t->lea(s->b, s->t->scratch, &v->addr, true);
		return s->t->scratch;
	}
	if (v->kind == VAL_HOME)
		return s->home[r];
	if (jit_sel_plain(v) && (!is64 || !v->is32) && v->addr.base != s->t->sp)
		return v->addr.base;
	jit_sel_force(s, r);
	return s->home[r];
}

/* A constant that may stand as an immediate. */
bool jit_sel_imm(const struct sel *s, u8 r, s64 *out)
{
	if (s->v[r].kind != VAL_CONST || (s->o->blind_constants && s->v[r].imm))
		return false;
	*out = (s64)s->v[r].imm;
	return true;
}

/* The address in r plus `off`, in a form that the machine takes for an access of `bytes`. */
struct jit_addr jit_sel_addr(struct sel *s, u8 r, s32 off, u8 bytes)
{
	struct val *v = &s->v[r];
	struct jit_addr a;
	s32 disp;

	if (v->kind == VAL_ADDR && !v->is32 && v->addr.base != JIT_NOREG &&
	    !__builtin_add_overflow(v->addr.disp, off, &disp)) {
		a = v->addr;
		a.disp = disp;
		if (s->t->addr_ok(&a, bytes, false))
			return a;
	}
	jit_sel_force(s, r);
	a = jit_sel_base(s->home[r]);
	if (r == JIT_FP) {
		a.base = s->t->sp;
		off += (s32)s->fp;
	}
	a.disp = off;
	return a;
}
