/* The shape of a program: legal instructions, functions, jump targets, reachability, liveness.
 *
 * What must hold before any path is followed: each slot decodes (isa_decode), constants that can
 * never work are refused (division by 0, shift beyond the width), jumps stay inside their function
 * and hit no second slot, functions end in exit or a jump, and every instruction can be reached.
 * The registers that may still be read at each instruction come from the usual backward data flow;
 * a program whose flow does not settle in a few sweeps gets "all registers", which is safe.
 */
#include "verify/state.h"

static bool is_jump(struct isa_insn i)
{
	return isa_class(i) == ISA_JMP || isa_class(i) == ISA_JMP32;
}
static bool is_exit(struct isa_insn i)
{
	return i.code == (ISA_JMP | ISA_EXIT);
}
static bool is_call(struct isa_insn i)
{
	return i.code == (ISA_JMP | ISA_CALL);
}
static bool is_goto(struct isa_insn i)
{
	return i.code == (ISA_JMP | ISA_JA) || i.code == (ISA_JMP32 | ISA_JA);
}

static s64 target_of(struct isa_insn i, u32 at)
{
	if (i.code == (ISA_JMP32 | ISA_JA) || (is_call(i) && i.src == ISA_CALL_LOCAL))
		return (s64)at + 1 + i.imm;
	return (s64)at + 1 + i.off;
}

static bool check_constants(struct verifier *v, struct isa_insn i)
{
	u8 cls = isa_class(i), op = isa_op(i);
	s32 width = cls == ISA_ALU64 ? 64 : 32;

	if ((cls != ISA_ALU && cls != ISA_ALU64) || (i.code & ISA_X))
		return true;
	if ((op == ISA_DIV || op == ISA_MOD) && i.imm == 0)
		return verify_refuse(v, V_DIV_ZERO, 0, "Divide by something else than 0.",
				     "This divides by the constant 0.");
	if ((op == ISA_LSH || op == ISA_RSH || op == ISA_ARSH) && (i.imm < 0 || i.imm >= width))
		return verify_refuse(v, V_SHIFT, 0, "Shift by 0 to the width less one.",
				     "This shifts %d bits by %d.", width, i.imm);
	return true;
}

static bool check_wide(struct verifier *v, u32 at)
{
	const struct verify_input *in = v->in;
	struct isa_insn next;

	if (at + 1 >= in->n)
		return verify_refuse(v, V_INSN, 0, "", "The second half of this load is missing.");
	next = in->insns[at + 1];
	if (next.code || next.dst || next.src || next.off)
		return verify_refuse(v, V_INSN, 0, "",
				     "The second half of this 64-bit load is not one.");
	if ((in->insns[at].src == ISA_MAP_FD || in->insns[at].src == ISA_MAP_IDX ||
	     in->insns[at].src == ISA_FUNC) &&
	    next.imm)
		return verify_refuse(v, V_INSN, 0, "",
				     "The second half of this 64-bit load must hold 0.");
	v->flags[at + 1] |= I_SECOND;
	return true;
}

static bool mark_function(struct verifier *v, s64 at)
{
	if (at < 0 || at >= v->in->n)
		return verify_refuse(v, V_JUMP, 0, "", "This calls outside the program.");
	v->flags[at] |= I_SUB;
	return true;
}

static bool decode_all(struct verifier *v)
{
	const struct verify_input *in = v->in;

	for (u32 at = 0; at < in->n; at++) {
		struct isa_insn i = in->insns[at];
		const char *why;

		v->insn = at;
		if (!isa_decode(i, &why))
			return verify_refuse(v, V_INSN, 0, "", "This is no instruction: %s.", why);
		if (!check_constants(v, i))
			return false;
		if (is_call(i) && i.src == ISA_CALL_LOCAL && !mark_function(v, target_of(i, at)))
			return false;
		if (is_call(i) && i.src == ISA_CALL_KFUNC && !v->in->privileged)
			return verify_refuse(v, V_UNPRIVILEGED, 0, "Use a helper instead.",
					     "Unprivileged programs call no kernel functions.");
		if (is_call(i) && i.src == ISA_CALL_KFUNC && (u32)i.imm > v->in->n_kfuncs)
			return verify_refuse(v, V_KFUNC, 0, "Use a helper instead.",
					     "There is no kernel function %d.", i.imm);
		if (!isa_is_wide(i))
			continue;
		if (!check_wide(v, at))
			return false;
		if (i.src == ISA_FUNC && !mark_function(v, (s64)at + 1 + i.imm))
			return false;
		at++;
	}
	return true;
}

static void list_functions(struct verifier *v)
{
	const struct verify_input *in = v->in;
	u32 f = 0;

	v->flags[0] |= I_SUB;
	for (u32 at = 0; at < in->n; at++) {
		struct sub *s;

		if (!(v->flags[at] & I_SUB))
			continue;
		if (v->subs.n)
			vec_last(&v->subs)->end = at;
		s = vec_push(v->a, &v->subs);
		s->start = at;
		s->end = in->n;
		while (f < in->n_funcs && in->funcs[f].insn < at)
			f++;
		if (f < in->n_funcs && in->funcs[f].insn == at) {
			s->proto = in->funcs[f].proto;
			s->is_global = in->funcs[f].is_global && at != 0;
			s->name = in->funcs[f].name;
		}
	}
}

u32 verify_sub_at(const struct verifier *v, u32 insn)
{
	u32 lo = 0, hi = v->subs.n;

	while (hi - lo > 1) {
		u32 mid = (lo + hi) / 2;

		if (v->subs.at[mid].start <= insn)
			lo = mid;
		else
			hi = mid;
	}
	return lo;
}

static bool check_target(struct verifier *v, const struct sub *s, u32 at)
{
	s64 to = target_of(v->in->insns[at], at);

	if (to < s->start || to >= s->end)
		return verify_refuse(v, V_JUMP, 0, "",
				     "This jumps to instruction %lld, outside its function.",
				     (long long)to);
	if (v->flags[to] & I_SECOND)
		return verify_refuse(v, V_JUMP, 0, "",
				     "This jumps into the middle of a 64-bit load.");
	v->flags[to] |= I_TARGET;
	if (to <= at) {
		v->flags[to] |= I_BACK;
		if (!v->in->privileged)
			return verify_refuse(v, V_UNPRIVILEGED, 0, "Unroll the loop.",
					     "Unprivileged programs may not jump back.");
	}
	return true;
}

static bool check_jumps(struct verifier *v)
{
	for (u32 k = 0; k < v->subs.n; k++) {
		struct sub *s = &v->subs.at[k];
		u32 last = s->end - 1;

		for (u32 at = s->start; at < s->end; at++) {
			struct isa_insn i = v->in->insns[at];

			v->insn = at;
			if (v->flags[at] & I_SECOND) {
				if (at == s->start)
					return verify_refuse(
						v, V_JUMP, 0, "",
						"A function begins inside a 64-bit load.");
				continue;
			}
			if (is_call(i) && i.src == ISA_CALL_HELPER && i.imm == ISA_FN_tail_call)
				s->has_tail = true;
			if (isa_class(i) == ISA_LD && !isa_is_wide(i))
				s->has_ld_abs = true;
			if (is_jump(i) && !is_call(i) && !is_exit(i) && !check_target(v, s, at))
				return false;
		}
		v->insn = last;
		if (v->flags[last] & I_SECOND ||
		    (!is_exit(v->in->insns[last]) && !is_goto(v->in->insns[last])))
			return verify_refuse(v, V_FALL_OFF, 0, "End it with exit.",
					     "The function runs on past its last instruction.");
	}
	return true;
}

static void visit(struct verifier *v, s64 at)
{
	if (at < 0 || at >= v->in->n || (v->flags[at] & I_REACHED))
		return;
	v->flags[at] |= I_REACHED;
	*vec_push(v->a, &v->work) = (u32)at;
}

static bool check_reached(struct verifier *v)
{
	const struct verify_input *in = v->in;

	visit(v, 0);
	for (u32 k = 1; k < v->subs.n; k++)
		if (v->subs.at[k].is_global)
			visit(v, v->subs.at[k].start);
	while (v->work.n) {
		u32 at = v->work.at[--v->work.n];
		struct isa_insn i = in->insns[at];

		if (isa_is_wide(i)) {
			v->flags[at + 1] |= I_REACHED;
			if (i.src == ISA_FUNC)
				visit(v, (s64)at + 1 + i.imm);
			visit(v, (s64)at + 2);
			continue;
		}
		if (is_exit(i))
			continue;
		if (is_jump(i) && (!is_call(i) || i.src == ISA_CALL_LOCAL))
			visit(v, target_of(i, at));
		if (!is_goto(i))
			visit(v, (s64)at + 1);
	}
	for (u32 at = 0; at < in->n; at++) {
		v->insn = at;
		if (!(v->flags[at] & I_REACHED))
			return verify_refuse(v, V_UNREACHABLE, 0, "Remove it, or a jump over it.",
					     "Nothing leads to this instruction.");
	}
	return true;
}

/* ---- liveness of registers ------------------------------------------------------------------- */

#define BIT(r) (1u << (r))
#define ARGS   (BIT(1) | BIT(2) | BIT(3) | BIT(4) | BIT(5))

static u32 uses_of(struct isa_insn i, u32 *out_defs)
{
	u8 cls = isa_class(i), op = isa_op(i), mode = i.code & 0xe0;
	u32 src = (i.code & ISA_X) ? BIT(i.src) : 0;

	*out_defs = 0;
	switch (cls) {
	case ISA_LD:
		*out_defs = isa_is_wide(i) ? BIT(i.dst) : (BIT(0) | ARGS);
		return isa_is_wide(i) ? 0 : BIT(6) | (mode == ISA_IND ? BIT(i.src) : 0);
	case ISA_LDX: *out_defs = BIT(i.dst); return BIT(i.src);
	case ISA_ST: return BIT(i.dst);
	case ISA_STX: return BIT(i.dst) | BIT(i.src) | (mode == ISA_ATOMIC ? BIT(0) : 0);
	case ISA_ALU:
	case ISA_ALU64:
		*out_defs = BIT(i.dst);
		if (op == ISA_END)
			return BIT(i.dst);
		return op == ISA_MOV ? src : src | BIT(i.dst);
	default: break;
	}
	if (is_exit(i))
		return BIT(0);
	if (is_call(i)) {
		*out_defs = BIT(0) | ARGS;
		return ARGS;
	}
	return is_goto(i) ? 0 : src | BIT(i.dst);
}

static u32 live_out(const struct verifier *v, u32 at)
{
	struct isa_insn i = v->in->insns[at];
	u32 live = 0;

	if (is_exit(i))
		return 0;
	if (is_jump(i) && !is_call(i))
		live |= v->live[target_of(i, at)];
	if (!is_goto(i) && at + 1 + isa_is_wide(i) < v->in->n)
		live |= v->live[at + 1 + isa_is_wide(i)];
	return live;
}

static void find_live(struct verifier *v)
{
	bool changed = true;

	for (u32 sweep = 0; changed && sweep < 24; sweep++) {
		changed = false;
		for (u32 at = v->in->n; at-- > 0;) {
			u32 defs, uses, live;

			if (v->flags[at] & I_SECOND)
				continue;
			uses = uses_of(v->in->insns[at], &defs);
			live = (live_out(v, at) & ~defs) | uses;
			changed |= live != v->live[at];
			v->live[at] = (u16)live;
		}
	}
	for (u32 at = 0; changed && at < v->in->n; at++)
		v->live[at] = 0x7ff;
}

bool verify_cfg(struct verifier *v)
{
	if (!decode_all(v))
		return false;
	list_functions(v);
	if (!check_jumps(v) || !check_reached(v))
		return false;
	if (v->subs.n > 1 && !v->in->privileged) {
		v->insn = v->subs.at[1].start;
		return verify_refuse(v, V_UNPRIVILEGED, 0, "Inline the function.",
				     "Unprivileged programs may not have functions.");
	}
	find_live(v);
	return true;
}
