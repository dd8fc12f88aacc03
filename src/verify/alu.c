/* Arithmetic and moves, on numbers and on pointers, and 64-bit immediate loads.
 *
 * Numbers: num_alu(). Pointers: only + and - of 64 bits, with a bounded number; a constant goes
 * into the fixed part of the offset, anything else into the variable part. The number becomes
 * precise, because the bounds of a later access hang on it. What pointers do not allow is refused;
 * the few meaningless but harmless cases that the kernel lets privileged programs do (the
 * difference of two pointers, the lower half of a pointer) give a number of which nothing is known.
 */
#include <string.h>

#include "verify/guard.h"
#include "verify/state.h"

#define MAX_OFF (1ll << 29)

bool verify_read(struct verifier *v, u8 reg)
{
	if (TOP(v->st)->regs[reg].kind != K_NONE)
		return true;
	if (reg == ISA_R0 && v->in->insns[v->insn].code == (ISA_JMP | ISA_EXIT))
		return verify_refuse(v, V_UNINIT_REG, 0,
				     "Set r0 to the return value before exit, on every path.",
				     "The program ends without a return value: r0 was never set.");
	return verify_refuse(v, V_UNINIT_REG, TOP(v->st)->regs[reg].node,
			     "Write the register first; calls clear r1 to r5.",
			     "r%u is read, but nothing was written to it on this path.", reg);
}

bool verify_write(struct verifier *v, u8 reg)
{
	if (reg != ISA_FP)
		return true;
	return verify_refuse(v, V_FRAME_POINTER, 0, "Copy r10 to another register and move that.",
			     "The frame pointer r10 cannot be changed.");
}

static bool is_pointer(const struct reg *r)
{
	return r->kind != K_SCALAR && r->kind != K_NONE;
}

static bool leak(struct verifier *v, u8 no, const struct reg *r, const char *how)
{
	if (v->in->privileged)
		return true;
	return verify_refuse(v, V_LEAK, r->node, "Keep addresses out of numbers.",
			     "r%u holds the address of %s; %s would leak it.", no,
			     verify_kind_name(r), how);
}

static bool sane_offset(struct verifier *v, u8 no, const struct reg *r)
{
	if (r->off > -MAX_OFF && r->off < MAX_OFF && r->n.smin > -MAX_OFF && r->n.smin < MAX_OFF)
		return true;
	return verify_refuse(v, V_OFFSET, r->node, "Check the offset against its limits first.",
			     "The pointer in r%u would be moved too far or without bounds.", no);
}

/* Kinds that can be moved, and by what. */
static bool may_move(struct verifier *v, u8 no, const struct reg *p, u8 op, const struct num *n)
{
	bool known = num_is_const(n);

	if (p->or_null)
		return verify_refuse(v, V_NULL, p->node, "Compare the pointer with 0 first.",
				     "r%u is %s; it cannot be moved before a check for null.", no,
				     verify_kind_name(p));
	switch (p->kind) {
	case K_STACK:
		if (op == ISA_SUB)
			return verify_refuse(v, V_POINTER_ALU, p->node, "Add a negative number.",
					     "Nothing can be subtracted from a stack address.");
		if (!known && !v->in->privileged)
			return verify_refuse(v, V_UNPRIVILEGED, p->node, "Use constant offsets.",
					     "Unprivileged programs move stack addresses only by "
					     "constants.");
		return true;
	case K_VALUE:
	case K_MEM:
	case K_PACKET:
	case K_META:
	case K_TP_BUFFER: return true;
	case K_CTX:
	case K_BTF: return true;
	case K_FLOW_KEYS:
		if (known)
			return true;
		break;
	case K_MAP:
		if (known && n->bits == 0 && op == ISA_ADD)
			return true;
		break;
	default: break;
	}
	return verify_refuse(v, V_POINTER_ALU, p->node, "Use another register for the sum.",
			     "r%u is %s, which cannot be moved%s.", no, verify_kind_name(p),
			     known ? "" : " by an unknown number");
}

static bool move_pointer(struct verifier *v, struct isa_insn i, const struct reg *p,
			 const struct reg *s, bool in_dst)
{
	u8 no = i.dst, op = isa_op(i);
	struct guard_move m = { 0 };
	struct reg r = *p, *dst = &TOP(v->st)->regs[no];
	s64 by = (s64)s->n.bits;
	s64 sum = op == ISA_ADD ? p->off + by : p->off - by;

	if (!may_move(v, no, p, op, &s->n))
		return false;
	if (s->n.smin == INT64_MIN || (num_is_const(&s->n) && (by <= -MAX_OFF || by >= MAX_OFF)) ||
	    s->n.smin <= -MAX_OFF || s->n.smin >= MAX_OFF)
		return verify_refuse(v, V_OFFSET, s->node,
				     "Bound the number from below: mask it with &, or compare it.",
				     "A pointer to %s is moved by a number without a usable lower "
				     "bound: it is %s.",
				     verify_kind_name(p), verify_num_text(v, &s->n));
	if (!verify_guard_before(v, i, p, s, in_dst, &m))
		return false;
	verify_precise(v, s->node);
	if (sum < r.off || !num_is_const(&s->n))
		r.beyond = NOT_BEYOND;
	if (num_is_const(&s->n)) {
		r.off = (s32)sum;
	} else {
		r.n = num_alu(op, true, false, &p->n, &s->n);
		if (p->kind == K_PACKET || p->kind == K_META) {
			r.id = ++v->last_id;
			if (op == ISA_ADD || s->n.smin < 0)
				r.range = 0;
		}
	}
	r.node = verify_node(v, p->node, s->node);
	if (!sane_offset(v, no, &r) || !verify_guard_behind(v, i, &r, s, &m))
		return false;
	*dst = r;
	return true;
}

static bool pointer_alu(struct verifier *v, struct isa_insn i, const struct reg *d,
			const struct reg *s)
{
	struct reg *dst = &TOP(v->st)->regs[i.dst];
	u8 op = isa_op(i);
	bool is64 = isa_class(i) == ISA_ALU64;

	if (is64 && is_pointer(d) && is_pointer(s)) {
		if (op == ISA_SUB) {
			if (!leak(v, i.dst, d, "a difference of addresses"))
				return false;
			verify_set_scalar(v, dst, num_any(), d->node, s->node);
			return true;
		}
		return verify_refuse(v, V_POINTER_ALU, d->node, "", "Two pointers are combined.");
	}
	if (!is64) {
		if (op == ISA_SUB && v->in->privileged) {
			struct num n = num_any();

			verify_set_scalar(v, dst, num_cut(&n, 4), d->node, s->node);
			return true;
		}
		return verify_refuse(v, V_POINTER_ALU, is_pointer(d) ? d->node : s->node,
				     "Use the 64-bit form.",
				     "32-bit arithmetic on a pointer would cut it.");
	}
	if (op == ISA_ADD)
		return is_pointer(d) ? move_pointer(v, i, d, s, true)
				     : move_pointer(v, i, s, d, false);
	if (op == ISA_SUB && is_pointer(d))
		return move_pointer(v, i, d, s, true);
	return verify_refuse(v, V_POINTER_ALU, is_pointer(d) ? d->node : s->node,
			     "Pointers can be added to and subtracted from, nothing else.",
			     "This operation is not possible on %s.",
			     verify_kind_name(is_pointer(d) ? d : s));
}

static bool binary(struct verifier *v, struct isa_insn i)
{
	struct reg *dst = &TOP(v->st)->regs[i.dst], s = { 0 }, d = *dst;
	bool is64 = isa_class(i) == ISA_ALU64;
	struct num n;

	if (i.code & ISA_X) {
		if (!verify_read(v, i.src))
			return false;
		s = TOP(v->st)->regs[i.src];
	} else {
		s.kind = K_SCALAR;
		s.n = num_const((u64)(s64)i.imm);
	}
	if (!verify_read(v, i.dst))
		return false;
	if (is_pointer(&d) || is_pointer(&s))
		return pointer_alu(v, i, &d, &s);
	if (!verify_guard_number(v, i))
		return false;
	n = num_alu(isa_op(i), is64, i.off != 0, &d.n, &s.n);
	verify_set_scalar(v, dst, n, d.node, s.node);
	return true;
}

static bool mov(struct verifier *v, struct isa_insn i)
{
	struct reg *dst = &TOP(v->st)->regs[i.dst], *src = &TOP(v->st)->regs[i.src], r;
	bool is64 = isa_class(i) == ISA_ALU64;

	if (!(i.code & ISA_X)) {
		verify_set_scalar(v, dst, num_const(is64 ? (u64)(s64)i.imm : (u32)i.imm), 0, 0);
		return true;
	}
	if (!verify_read(v, i.src))
		return false;
	if (is64 && i.off == 0) {
		if (src->kind == K_SCALAR && !src->id && !num_is_const(&src->n))
			src->id = ++v->last_id;
		r = *src;
		r.node = verify_node(v, src->node, 0);
		*dst = r;
		return true;
	}
	r = *src;
	if (is_pointer(&r)) {
		struct num n = num_any();

		if (!leak(v, i.src, &r, "a part of it"))
			return false;
		verify_set_scalar(v, dst, is64 ? n : num_cut(&n, 4), r.node, 0);
		return true;
	}
	if (i.off)
		r.n = num_extend(&r.n, (u32)i.off);
	else if (r.n.umax <= UINT32_MAX && !r.id && !num_is_const(&r.n))
		r.id = src->id = ++v->last_id;
	if (i.off || r.n.umax > UINT32_MAX)
		r.id = 0;
	if (!is64)
		r.n = num_cut(&r.n, 4);
	r.node = verify_node(v, r.node, 0);
	*dst = r;
	return true;
}

static bool unary(struct verifier *v, struct isa_insn i)
{
	struct reg *dst = &TOP(v->st)->regs[i.dst], d = *dst;
	bool is64 = isa_class(i) == ISA_ALU64;
	struct num n, any = num_any();

	if (!verify_read(v, i.dst) || (is_pointer(&d) && !leak(v, i.dst, &d, "this")))
		return false;
	if (is_pointer(&d)) {
		verify_set_scalar(v, dst, num_any(), d.node, 0);
		return true;
	}
	/* What guards hang on is known as well as in the kernel: there, nothing of these. */
	if (v->guards)
		n = is64 || isa_op(i) == ISA_END ? any : num_cut(&any, 4);
	else if (isa_op(i) == ISA_NEG)
		n = num_alu(ISA_NEG, is64, false, &d.n, &d.n);
	else
		n = i.imm == 64 ? num_any() : num_range(0, (1ull << i.imm) - 1);
	verify_set_scalar(v, dst, n, d.node, 0);
	return true;
}

bool verify_alu(struct verifier *v, struct isa_insn i)
{
	if (!verify_write(v, i.dst))
		return false;
	switch (isa_op(i)) {
	case ISA_MOV: return mov(v, i);
	case ISA_NEG:
	case ISA_END: return unary(v, i);
	default: return binary(v, i);
	}
}

/* ---- 64-bit immediates ----------------------------------------------------------------------- */

/* Maps that cannot go with the program, whatever is done with them. */
static bool map_possible(struct verifier *v, const struct verify_map *m)
{
	u32 p = v->in->prog_type;
	bool traces = p == ISA_PROG_KPROBE || p == ISA_PROG_TRACEPOINT ||
		      p == ISA_PROG_PERF_EVENT || p == ISA_PROG_RAW_TRACEPOINT ||
		      p == ISA_PROG_RAW_TRACEPOINT_WRITABLE;

	if (m->spin_lock_off != OBJ_NONE && (traces || p == ISA_PROG_SOCKET_FILTER))
		return verify_refuse(v, V_MAP, 0, "Use a map without a lock.",
				     "Programs of this type cannot use maps with a spin lock.");
	if (m->timer_off != OBJ_NONE && traces)
		return verify_refuse(v, V_MAP, 0, "Use a map without a timer.",
				     "Programs of this type cannot use maps with a timer.");
	return true;
}

static bool wide_map(struct verifier *v, struct isa_insn i, struct isa_insn next)
{
	struct reg *dst = &TOP(v->st)->regs[i.dst];
	bool is_value = i.src == ISA_MAP_VALUE || i.src == ISA_MAP_IDX_VALUE;
	const struct verify_map *m;

	if (i.imm < 0 || (u32)i.imm >= v->in->n_maps)
		return verify_refuse(v, V_MAP, 0, "", "There is no map %d.", i.imm);
	m = &v->in->maps[i.imm];
	if (!map_possible(v, m))
		return false;
	memset(dst, 0, sizeof(*dst));
	dst->kind = is_value ? K_VALUE : K_MAP;
	dst->map = (u32)i.imm;
	dst->n = num_const(0);
	dst->node = verify_node(v, 0, 0);
	if (!is_value)
		return true;
	if (m->type != ISA_MAP_ARRAY || m->max_entries != 1)
		return verify_refuse(v, V_MAP, 0, "Look the element up with a key.",
				     "Only the value of an array of one element has an address.");
	if ((u32)next.imm >= m->value_size || (u32)next.imm >= MAX_OFF)
		return verify_refuse(v, V_VALUE_BOUNDS, 0, "",
				     "Offset %u is outside the map's value of %u bytes.",
				     (u32)next.imm, m->value_size);
	dst->off = next.imm;
	if (m->spin_lock_off != OBJ_NONE)
		dst->id = ++v->last_id;
	return true;
}

bool verify_wide(struct verifier *v, struct isa_insn i, struct isa_insn next)
{
	struct reg *dst = &TOP(v->st)->regs[i.dst];
	u64 x = (u32)i.imm | (u64)(u32)next.imm << 32;

	if (!verify_write(v, i.dst))
		return false;
	v->next = v->insn + 2;
	switch (i.src) {
	case ISA_IMM64: verify_set_scalar(v, dst, num_const(x), 0, 0); return true;
	case ISA_FUNC:
		memset(dst, 0, sizeof(*dst));
		dst->kind = K_FUNC;
		dst->map = v->insn + 1 + (u32)i.imm;
		dst->n = num_const(0);
		dst->node = verify_node(v, 0, 0);
		return true;
	case ISA_BTF_ID:
		return verify_refuse(v, V_BTF, 0, "",
				     "Kernel variables cannot be addressed in this verifier.");
	default: return wide_map(v, i, next);
	}
}
