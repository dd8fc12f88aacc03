/* Functions: how a path begins, enters a function, runs a callback, and ends.
 *
 * A static function is followed at each call, in a frame of its own (at most 8). A global function
 * is judged once by the types of its prototype; its callers only have to give it what these ask.
 * A callback is followed as if called again and again: its exit leads back to the call, until the
 * state there is covered by one seen before (prune.c); behind the call the path goes on in any
 * case. A program's exit must leave no reference and no lock, and return what its type may return.
 */
#include <string.h>

#include "verify/state.h"

static void set_pointer(struct verifier *v, struct reg *r, u8 kind)
{
	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->n = num_const(0);
	r->node = verify_node(v, 0, 0);
}

/* What a program begins with comes from no instruction. */
static void from_nowhere(struct reg *r, void *arg)
{
	struct verifier *v = arg;

	if (r->node)
		v->nodes.at[r->node].insn = NO_INSN;
}

static void enter(struct verifier *v, u32 sub)
{
	struct state *st = v->st;
	struct frame *f = verify_frame_new(v);

	f->sub = sub;
	set_pointer(v, &f->regs[ISA_FP], K_STACK);
	f->regs[ISA_FP].frame = (u8)st->n_frames;
	v->nodes.at[f->regs[ISA_FP].node].insn = NO_INSN;
	st->frames[st->n_frames++] = f;
}

static const struct type *pointee(const struct type *t)
{
	const struct type *s = ty_strip(t);

	return s->kind == TY_PTR ? ty_strip(s->to) : NULL;
}

static bool is_ctx_param(const struct type *to)
{
	return ty_is_aggregate(to) &&
	       (str_is(to->name, "__sk_buff") || str_is(to->name, "xdp_md") ||
		str_is(to->name, "pt_regs") || str_ends(to->name, "_md"));
}

static bool global_params(struct verifier *v, const struct sub *s)
{
	struct reg *regs = TOP(v->st)->regs;

	if (!s->proto || s->proto->kind != TY_FUNC || s->proto->n > 5)
		return verify_refuse(v, V_CALL, 0, "Make it static.",
				     "The prototype of a global function is not known.");
	for (u32 i = 0; i < s->proto->n; i++) {
		const struct type *to = pointee(s->proto->params[i].type);
		struct reg *r = &regs[i + 1];

		if (!to) {
			verify_set_unknown(v, r);
			continue;
		}
		if (is_ctx_param(to)) {
			set_pointer(v, r, K_CTX);
			continue;
		}
		if (!ty_complete(to) || ty_is_void(to) || to->size > UINT16_MAX)
			return verify_refuse(v, V_CALL, 0, "Make it static.",
					     "Parameter %u of a global function points to a type "
					     "of no known size.",
					     i + 1);
		set_pointer(v, r, K_MEM);
		r->or_null = true;
		r->id = ++v->last_id;
		r->size = (u32)to->size;
	}
	return true;
}

static bool begin(struct verifier *v, u32 sub)
{
	const struct verify_input *in = v->in;
	struct reg *regs;

	memset(v->st, 0, sizeof(*v->st));
	v->main = sub;
	v->insn = v->subs.at[sub].start;
	v->parent = NULL;
	v->trail_at = 0;
	v->since_point = v->jumps_since = 0;
	memset(v->written, 0, sizeof(v->written));
	enter(v, sub);
	regs = TOP(v->st)->regs;
	if (v->subs.at[sub].is_global)
		return global_params(v, &v->subs.at[sub]);
	if (in->mem_size) {
		set_pointer(v, &regs[1], K_MEM);
		regs[1].size = in->mem_size;
		regs[1].readonly = !in->mem_writable;
		verify_set_scalar(v, &regs[2], num_const(in->mem_size), 0, 0);
		return true;
	}
	set_pointer(v, &regs[1], K_CTX);
	return true;
}

bool verify_start(struct verifier *v, u32 sub)
{
	bool ok = begin(v, sub);

	verify_each_reg(v->st, from_nowhere, v);
	return ok;
}

static bool too_deep(struct verifier *v)
{
	if (v->st->n_frames < MAX_FRAMES)
		return true;
	return verify_refuse(v, V_CALL_DEPTH, 0, "Call less deep, without recursion.",
			     "Calls nest deeper than %d functions here.", MAX_FRAMES);
}

static bool call_global(struct verifier *v, const struct sub *s)
{
	struct reg *regs = TOP(v->st)->regs;

	for (u32 i = 0; s->proto && i < s->proto->n && i < 5; i++) {
		const struct type *to = pointee(s->proto->params[i].type);
		const struct reg *r = &regs[i + 1];

		if (!verify_read(v, (u8)(i + 1)))
			return false;
		if (!to && r->kind == K_SCALAR)
			continue;
		if (to && is_ctx_param(to) && r->kind == K_CTX && !r->off && num_is(&r->n, 0))
			continue;
		if (to && !is_ctx_param(to) && ty_complete(to) &&
		    (r->kind == K_STACK || r->kind == K_VALUE || r->kind == K_MEM)) {
			if (!verify_helper_mem(v, (u8)(i + 1), r, to->size, false, false, false, 0))
				return false;
			if (!verify_helper_mem(v, (u8)(i + 1), r, to->size, false, true, true, 0))
				return false;
			continue;
		}
		if (to && !is_ctx_param(to) && r->kind == K_SCALAR && num_is(&r->n, 0))
			continue;
		return verify_refuse(v, V_CALL, r->node, "Pass what the prototype says.",
				     "r%u is %s, which does not fit the function's parameter.",
				     i + 1, verify_kind_name(r));
	}
	verify_forget_packets(v);
	verify_set_unknown(v, &regs[0]);
	verify_clobber(v);
	return true;
}

bool verify_call_local(struct verifier *v, struct isa_insn i)
{
	u32 to = v->insn + 1 + (u32)i.imm, sub = verify_sub_at(v, to);
	struct frame *caller = TOP(v->st), *f;

	if (v->st->is_locked)
		return verify_refuse(v, V_LOCK, 0, "Give the lock back before the call.",
				     "A function is called while a spin lock is held.");
	if (v->subs.at[sub].is_global)
		return call_global(v, &v->subs.at[sub]);
	if (!too_deep(v))
		return false;
	enter(v, sub);
	f = TOP(v->st);
	f->callsite = v->insn;
	for (u32 k = 1; k <= 5; k++)
		f->regs[k] = caller->regs[k];
	memset(&caller->regs[1], 0, 5 * sizeof(struct reg));
	v->next = to;
	return true;
}

/* Behind the call: r0 is a number, the arguments are gone. */
static void behind(struct verifier *v)
{
	verify_set_unknown(v, &TOP(v->st)->regs[0]);
	verify_clobber(v);
	TOP(v->st)->rounds = 0;
}

/* Whether bpf_loop() has run its callback as often as it ever will. */
static bool rounds_done(struct verifier *v, const struct reg *count)
{
	if (count->kind != K_SCALAR || TOP(v->st)->rounds < count->n.umax)
		return false;
	verify_precise(v, count->node);
	return true;
}

static void push_behind(struct verifier *v)
{
	struct state after;
	struct state *saved = v->st;

	verify_state_copy(v, &after, v->st);
	v->st = &after;
	behind(v);
	v->st = saved;
	verify_push(v, v->insn + 1, &after);
	verify_state_drop(v, &after);
}

static bool map_callback(struct verifier *v, const struct reg *map, struct frame *f)
{
	const struct verify_map *m = &v->in->maps[map->map];

	switch (m->type) {
	case ISA_MAP_HASH:
	case ISA_MAP_ARRAY:
	case ISA_MAP_PERCPU_HASH:
	case ISA_MAP_PERCPU_ARRAY:
	case ISA_MAP_LRU_HASH:
	case ISA_MAP_LRU_PERCPU_HASH: break;
	default:
		return verify_refuse(v, V_MAP_KIND, map->node, "",
				     "bpf_for_each_map_elem() does not work on this map.");
	}
	f->regs[1] = *map;
	set_pointer(v, &f->regs[2], K_MEM);
	f->regs[2].size = m->key_size;
	f->regs[2].readonly = true;
	set_pointer(v, &f->regs[3], K_VALUE);
	f->regs[3].map = map->map;
	if (m->spin_lock_off != OBJ_NONE)
		f->regs[3].id = ++v->last_id;
	return true;
}

bool verify_call_callback(struct verifier *v, u32 id, const struct reg *args, bool *out_entered)
{
	u32 n_func = id == ISA_FN_loop ? 1 : id == ISA_FN_for_each_map_elem ? 1 : 5;
	struct frame *f;
	u32 to;

	if (n_func == 5)
		return verify_refuse(v, V_CALLBACK, 0, "",
				     "The verifier cannot follow this helper's callback yet.");
	if (!too_deep(v))
		return false;
	if (id == ISA_FN_loop && rounds_done(v, &args[0])) {
		behind(v);
		return true;
	}
	if (verify_callback_covered(v)) {
		v->ended = true;
		return true;
	}
	push_behind(v);
	to = args[n_func].map;
	enter(v, verify_sub_at(v, to));
	f = TOP(v->st);
	f->callsite = v->insn;
	f->is_callback = true;
	f->callback = id;
	if (id == ISA_FN_loop) {
		verify_set_unknown(v, &f->regs[1]);
		f->regs[2] = args[2];
	} else {
		if (!map_callback(v, &args[0], f))
			return false;
		f->regs[4] = args[2];
	}
	v->next = to;
	*out_entered = true;
	return true;
}

/* ---- the end --------------------------------------------------------------------------------- */

static bool range_of(const struct verify_input *in, s64 *lo, s64 *hi)
{
	u32 at = in->attach_type;

	*lo = 0;
	*hi = 1;
	switch (in->prog_type) {
	case ISA_PROG_TRACING:
		if (at == ISA_ATTACH_TRACE_RAW_TP || at == ISA_ATTACH_MODIFY_RETURN)
			return false;
		*hi = at == ISA_ATTACH_TRACE_ITER ? 1 : 0;
		return true;
	case ISA_PROG_LSM:
		*lo = -4095;
		*hi = at == ISA_ATTACH_LSM_CGROUP ? 1 : 0;
		*lo = at == ISA_ATTACH_LSM_CGROUP ? 0 : -4095;
		return true;
	case ISA_PROG_CGROUP_SKB: *hi = at == ISA_ATTACH_CGROUP_INET_EGRESS ? 3 : 1; return true;
	case ISA_PROG_CGROUP_SOCK_ADDR:
		if (at == ISA_ATTACH_CGROUP_UDP4_RECVMSG || at == ISA_ATTACH_CGROUP_UDP6_RECVMSG ||
		    at == ISA_ATTACH_CGROUP_INET4_GETPEERNAME ||
		    at == ISA_ATTACH_CGROUP_INET6_GETPEERNAME ||
		    at == ISA_ATTACH_CGROUP_INET4_GETSOCKNAME ||
		    at == ISA_ATTACH_CGROUP_INET6_GETSOCKNAME)
			*lo = 1;
		if (at == ISA_ATTACH_CGROUP_INET4_BIND || at == ISA_ATTACH_CGROUP_INET6_BIND)
			*hi = 3;
		return true;
	case ISA_PROG_CGROUP_SOCK:
	case ISA_PROG_SOCK_OPS:
	case ISA_PROG_CGROUP_DEVICE:
	case ISA_PROG_CGROUP_SYSCTL:
	case ISA_PROG_CGROUP_SOCKOPT:
	case ISA_PROG_NETFILTER:
	case ISA_PROG_SK_LOOKUP: return true;
	default: return false;
	}
}

static bool in_range(struct verifier *v, const struct reg *r, s64 lo, s64 hi, const char *who)
{
	if (r->kind != K_SCALAR)
		return verify_refuse(v, V_RETURN, r->node, "Return a number.", "%s returns %s.",
				     who, verify_kind_name(r));
	verify_precise(v, r->node);
	if (r->n.smin >= lo && r->n.smax <= hi)
		return true;
	return verify_refuse(v, V_RETURN, r->node, "Set r0 to an allowed value before exit.",
			     "%s must return %lld to %lld; r0 is %s.", who, (long long)lo,
			     (long long)hi, verify_num_text(v, &r->n));
}

static bool exit_main(struct verifier *v)
{
	struct state *st = v->st;
	const struct reg *r = &TOP(st)->regs[ISA_R0];
	s64 lo, hi;

	if (st->n_refs)
		return verify_refuse(v, V_REF_LEAK, st->ref_node[0], "Release it on this path too.",
				     "The reference taken at instruction %u is never released.",
				     st->ref_insn[0]);
	v->ended = true;
	if (v->subs.at[v->main].is_global)
		return r->kind == K_SCALAR ||
		       verify_refuse(v, V_RETURN, r->node, "Return a number.",
				     "A global function returns %s.", verify_kind_name(r));
	if (r->kind != K_SCALAR && !v->in->privileged)
		return verify_refuse(v, V_LEAK, r->node, "Return a number.",
				     "The program would return %s, which shows an address.",
				     verify_kind_name(r));
	if (v->in->mem_size || !range_of(v->in, &lo, &hi))
		return true;
	return in_range(v, r, lo, hi, "This program");
}

static bool exit_callback(struct verifier *v, struct frame *f)
{
	if (v->st->n_refs)
		return verify_refuse(v, V_REF_LEAK, v->st->ref_node[0],
				     "Release it inside the callback.",
				     "References cannot be held across a callback (taken at "
				     "instruction %u).",
				     v->st->ref_insn[0]);
	if (!in_range(v, &f->regs[ISA_R0], 0, 1, "A callback"))
		return false;
	v->next = f->callsite;
	v->st->turns++;
	v->st->frames[v->st->n_frames - 2]->rounds++;
	return true;
}

bool verify_exit(struct verifier *v)
{
	struct state *st = v->st;
	struct frame *f = TOP(st);
	struct reg r0;

	if ((st->n_frames == 1 || f->is_callback) && !verify_read(v, ISA_R0))
		return false;
	if (st->is_locked)
		return verify_refuse(v, V_LOCK, st->lock_node, "Give the lock back before exit.",
				     "The spin lock taken at instruction %u is still held.",
				     st->lock_insn);
	if (st->n_frames == 1)
		return exit_main(v);
	r0 = f->regs[ISA_R0];
	if (r0.kind == K_STACK)
		return verify_refuse(v, V_RETURN, r0.node, "Return a number.",
				     "A function returns an address of its stack.");
	if (f->is_callback && !exit_callback(v, f))
		return false;
	if (!f->is_callback) {
		v->next = f->callsite + 1;
		st->frames[st->n_frames - 2]->regs[ISA_R0] = r0;
	}
	st->n_frames--;
	verify_frame_free(v, f);
	return true;
}

bool verify_ld_packet(struct verifier *v, struct isa_insn i)
{
	u32 prog = v->in->prog_type;
	struct reg *regs = TOP(v->st)->regs;
	struct num any = num_any();

	if (prog != ISA_PROG_SOCKET_FILTER && prog != ISA_PROG_SCHED_CLS &&
	    prog != ISA_PROG_SCHED_ACT)
		return verify_refuse(v, V_PACKET_LOAD, 0, "Use bpf_skb_load_bytes() or data.",
				     "Programs of this type have no legacy packet loads.");
	if (v->st->n_refs)
		return verify_refuse(v, V_REF_LEAK, v->st->ref_node[0], "Release it before.",
				     "A packet load may end the program while the reference taken "
				     "at instruction %u is held.",
				     v->st->ref_insn[0]);
	if (v->st->is_locked)
		return verify_refuse(v, V_LOCK, 0, "Give the lock back before.",
				     "A packet load may end the program while a lock is held.");
	if (v->st->n_frames > 1)
		return verify_refuse(v, V_PACKET_LOAD, 0, "Load in the main function.",
				     "A packet load may end the program inside a function.");
	if (!verify_read(v, ISA_R6))
		return false;
	if (regs[6].kind != K_CTX || regs[6].off || !num_is(&regs[6].n, 0))
		return verify_refuse(v, V_PACKET_LOAD, regs[6].node, "Keep the context in r6.",
				     "r6 must hold the context for a packet load.");
	if ((i.code & 0xe0) == ISA_IND) {
		if (!verify_read(v, i.src))
			return false;
		if (regs[i.src].kind != K_SCALAR && !v->in->privileged)
			return verify_refuse(v, V_PACKET_LOAD, regs[i.src].node, "Use a number.",
					     "The offset of a packet load must be a number.");
	}
	verify_set_scalar(v, &regs[0], num_cut(&any, isa_bytes(i)), 0, 0);
	verify_clobber(v);
	return true;
}
