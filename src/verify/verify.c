/* The verifier: follows every path of a program until all are judged safe or one is refused.
 *
 * cfg.c judges the shape, then paths are explored depth first: each instruction changes the state
 * (alu.c, branch.c, memory.c, call.c, subprog.c); a branch with an open outcome puts one side off;
 * a state that an earlier one covers ends its path (prune.c). The program is accepted when nothing
 * is left to explore. Work that does not end is cut by a budget of instructions, and the refusal
 * names the instruction that was visited most. Joining and widening of loops is not done here: a
 * loop is followed round by round.
 *
 * All working memory lives in an arena of its own, also when that runs out.
 */
#include <string.h>

#include "verify/guard.h"
#include "verify/state.h"

#define DEFAULT_BUDGET 1000000u
#define MAX_INSNS      1000000u

static bool step(struct verifier *v)
{
	const struct verify_input *in = v->in;
	struct isa_insn i = in->insns[v->insn], next = { 0 };

	v->next = v->insn + 1;
	switch (isa_class(i)) {
	case ISA_ALU:
	case ISA_ALU64: return verify_alu(v, i);
	case ISA_LD:
		if (!isa_is_wide(i))
			return verify_ld_packet(v, i);
		next = in->insns[v->insn + 1];
		return verify_wide(v, i, next);
	case ISA_LDX: return verify_load(v, i);
	case ISA_ST: return verify_store(v, i);
	case ISA_STX:
		return (i.code & 0xe0) == ISA_ATOMIC ? verify_atomic(v, i) : verify_store(v, i);
	default: break;
	}
	if (i.code == (ISA_JMP | ISA_CALL))
		return verify_call(v, i);
	if (i.code == (ISA_JMP | ISA_EXIT))
		return verify_exit(v);
	if (isa_op(i) == ISA_JA)
		v->jumps_since++;
	return verify_branch(v, i);
}

/* Takes up the branch that was put off last; false when none is left. */
static bool resume(struct verifier *v)
{
	struct pending *p = v->todo;

	verify_path_done(v);
	verify_state_drop(v, v->st);
	if (!p)
		return false;
	v->todo = p->next;
	*v->st = p->st;
	v->insn = p->insn;
	v->parent = p->parent;
	v->trail_at = p->trail;
	memcpy(v->written, p->written, sizeof(v->written));
	v->ended = false;
	p->next = v->free_pending;
	v->free_pending = p;
	v->n_states--;
	return true;
}

static bool over_budget(struct verifier *v, const u32 *visits)
{
	u32 most = 0;

	for (u32 i = 1; i < v->in->n; i++)
		most = visits[i] > visits[most] ? i : most;
	v->insn = most;
	return verify_refuse(v, V_BUDGET, 0,
			     "Bound the loop by a constant, make it shorter, or use bpf_loop().",
			     "The program is too complex: %u instructions were followed, "
			     "instruction %u alone %u times.",
			     v->out->analysed, most, visits[most]);
}

static bool explore(struct verifier *v, u32 *visits)
{
	u32 budget = v->in->budget ? v->in->budget : DEFAULT_BUDGET;

	for (;;) {
		if (v->flags[v->insn] & I_TARGET) {
			enum prune p = verify_prune(v);

			if (p == PRUNE_LOOP)
				return verify_refuse(v, V_LOOP, 0,
						     "Change something that the exit test reads.",
						     "The same state comes back here: the loop "
						     "never ends.");
			if (p == PRUNE_YES) {
				if (!resume(v))
					return true;
				continue;
			}
		}
		if (++v->out->analysed > budget)
			return over_budget(v, visits);
		visits[v->insn]++;
		v->since_point++;
		if (!step(v))
			return false;
		v->out->facts[v->insn].is_reached = true;
		v->insn = v->next;
		if (v->ended && !resume(v))
			return true;
	}
}

/* The deepest stack of any chain of calls, each function rounded up to 32 bytes. */
static bool chain_depth(struct verifier *v, u32 sub, u32 below, u32 level)
{
	struct sub *s = &v->subs.at[sub];
	u32 own = below + (u32)round_up(s->depth ? s->depth : 1, 32);

	v->insn = s->start;
	if (level >= MAX_FRAMES)
		return verify_refuse(v, V_CALL_DEPTH, 0, "Call less deep, without recursion.",
				     "Calls nest deeper than %d functions.", MAX_FRAMES);
	if (own > ISA_STACK_BYTES)
		return verify_refuse(v, V_STACK_DEPTH, 0, "Use less stack, or a map.",
				     "The functions up to this one use %u bytes of stack together; "
				     "there are 512.",
				     own);
	if (below + s->depth > v->out->stack)
		v->out->stack = below + s->depth;
	if (s->has_tail && below >= 256)
		return verify_refuse(v, V_STACK_DEPTH, 0, "Use less stack before the call.",
				     "A function that makes tail calls has %u bytes of stack above "
				     "it; 256 is too much.",
				     below);
	if (s->seen_level && below <= s->seen_below && level < s->seen_level)
		return true;
	s->seen_below = below;
	s->seen_level = level + 1;
	for (u32 at = s->start; at < s->end; at++) {
		struct isa_insn i = v->in->insns[at];
		bool call = i.code == (ISA_JMP | ISA_CALL) && i.src == ISA_CALL_LOCAL;
		bool func = isa_is_wide(i) && i.src == ISA_FUNC;

		if (v->flags[at] & I_SECOND)
			continue;
		if ((call || func) &&
		    !chain_depth(v, verify_sub_at(v, at + 1 + (u32)i.imm), own, level + 1))
			return false;
	}
	return true;
}

/* Programs that may sleep run where sleeping is possible. */
static bool sleep_fits(struct verifier *v)
{
	const struct verify_input *in = v->in;
	u32 at = in->attach_type;
	bool ok;

	if (in->prog_type == ISA_PROG_SYSCALL && !in->sleepable && !in->mem_size)
		return verify_refuse(v, V_SLEEP, 0, "Load it as one that may sleep.",
				     "A program of type syscall always may sleep.");
	switch (in->prog_type) {
	case ISA_PROG_TRACING:
		ok = at == ISA_ATTACH_TRACE_FENTRY || at == ISA_ATTACH_TRACE_FEXIT ||
		     at == ISA_ATTACH_MODIFY_RETURN || at == ISA_ATTACH_TRACE_ITER;
		break;
	case ISA_PROG_LSM: ok = at != ISA_ATTACH_LSM_CGROUP; break;
	case ISA_PROG_KPROBE:
	case ISA_PROG_STRUCT_OPS:
	case ISA_PROG_SYSCALL: ok = true; break;
	default: ok = false; break;
	}
	return ok || !in->sleepable ||
	       verify_refuse(v, V_SLEEP, 0,
			     "Use fentry, fexit, an LSM hook, a uprobe or an iterator.",
			     "Programs of this kind cannot sleep.");
}

static bool judge(struct verifier *v)
{
	const struct verify_input *in = v->in;
	u32 *visits;

	if (in->n == 0 || in->n > MAX_INSNS)
		return verify_refuse(v, V_INPUT, 0, "", "A program has 1 to %u instructions.",
				     MAX_INSNS);
	if (!in->mem_size && !isa_prog_kind(in->prog_type))
		return verify_refuse(v, V_INPUT, 0, "", "There is no program type %u.",
				     in->prog_type);
	if (!in->privileged && !in->mem_size && in->prog_type != ISA_PROG_SOCKET_FILTER &&
	    in->prog_type != ISA_PROG_CGROUP_SKB)
		return verify_refuse(v, V_UNPRIVILEGED, 0, "",
				     "Unprivileged programs are socket filters or cgroup_skb.");
	if (!sleep_fits(v))
		return false;
	v->flags = arena_array_of(v->a, u8, in->n);
	v->kinds = arena_array_of(v->a, u8, in->n);
	v->live = arena_array_of(v->a, u16, in->n);
	v->points = arena_array_of(v->a, struct point *, in->n);
	v->proved = arena_array_of(v->a, struct point *, in->n);
	visits = arena_array_of(v->a, u32, in->n);
	if (!in->privileged && !in->mem_size)
		v->guards = arena_array_of(v->a, struct guard, in->n);
	(void)vec_push(v->a, &v->nodes);
	(void)vec_push(v->a, &v->trail);
	if (!verify_cfg(v))
		return false;
	for (u32 k = 0; k < v->subs.n; k++) {
		if (k && !v->subs.at[k].is_global)
			continue;
		memset(v->points, 0, in->n * sizeof(struct point *));
		memset(v->proved, 0, in->n * sizeof(struct point *));
		v->ended = false;
		if (!verify_start(v, k) || !explore(v, visits))
			return false;
	}
	return chain_depth(v, 0, 0, 0);
}

/* The problem outlives the working memory. */
static void keep_problem(struct arena *a, struct verify_problem *p)
{
	struct verify_problem old = *p;

	memset(&p->steps, 0, sizeof(p->steps));
	p->text = str_dup(a, old.text);
	p->hint = str_dup(a, old.hint);
	for (u32 i = 0; i < old.steps.n; i++) {
		struct verify_step *s = vec_push(a, &p->steps);

		s->insn = old.steps.at[i].insn;
		s->text = str_dup(a, old.steps.at[i].text);
	}
}

static void pass_on(struct trap *to, const struct trap *t)
{
	if (!to)
		base_bug_at(NULL, t->file, t->line, t->what);
	to->file = t->file;
	to->line = t->line;
	memcpy(to->what, t->what, sizeof(to->what));
	trap_spring(to);
}

static void free_arena(void *a)
{
	arena_free(a);
}

void verify_program(struct arena *a, const struct verify_input *in, struct verify_result *out)
{
	struct trap trap = { 0 };
	struct trap_guard guard;
	struct arena *volatile scratch = NULL;
	struct verifier *v;

	memset(out, 0, sizeof(*out));
	out->facts = arena_array_of(a, struct verify_fact, in->n);
	for (u32 i = 0; i < in->n; i++)
		out->facts[i].map = OBJ_NONE;
	if (arena_trap(a))
		trap.fail_in = arena_trap(a)->fail_in;
	if (setjmp(trap.env)) {
		if (scratch)
			trap_guard_pop(arena_trap(a));
		if (arena_trap(a))
			arena_trap(a)->fail_in = 0;
		arena_free(scratch);
		pass_on(arena_trap(a), &trap);
	}
	scratch = arena_new(&trap);
	/* Types and what is kept of a refusal are the caller's memory, which may end too. */
	trap_guard_push(arena_trap(a), &guard, free_arena, scratch);
	v = arena_new_of(scratch, struct verifier);
	v->a = scratch;
	v->in = in;
	v->out = out;
	v->st = arena_new_of(scratch, struct state);
	out->accepted = judge(v);
	if (arena_trap(a))
		arena_trap(a)->fail_in = trap.fail_in;
	if (!out->accepted) {
		out->facts = NULL;
		keep_problem(a, &out->problem);
	}
	trap_guard_pop(arena_trap(a));
	arena_free(scratch);
}
