/* Helper calls: each argument against the helper's row, and what the call leaves behind.
 *
 * A row (isa_helper) names the kind of each argument. A memory argument is checked together with
 * the size that follows it; the size becomes precise. A call clears r1 to r5, may take or give back
 * a reference, may make packet pointers useless, and gives r0 what the row says.
 */
#include <string.h>

#include "verify/state.h"

#define MAX_SIZE  (1ull << 29)
#define MAX_ERRNO 4095

struct call {
	const struct isa_helper *h;
	struct reg args[5];
	u32 map;  /* OBJ_NONE before a map argument */
	u32 ref;  /* of the first referenced argument */
	u64 size; /* constant size argument */
	u64 size_max;
	u32 size_node;
};

static bool wrong(struct verifier *v, const struct call *c, u32 n, const char *need)
{
	const struct reg *r = &c->args[n];

	if (r->or_null)
		return verify_refuse(v, V_NULL, r->node,
				     "Compare it with 0 and call only when it is not.",
				     "r%u is %s; bpf_%s() needs %s.", n + 1, verify_kind_name(r),
				     c->h->name, need);
	return verify_refuse(
		v, V_HELPER_ARG, r->node, str_printf(v->a, "Pass %s in r%u.", need, n + 1).s,
		"r%u is %s; bpf_%s() needs %s.", n + 1, verify_kind_name(r), c->h->name, need);
}

static bool is_null(const struct reg *r)
{
	return r->kind == K_SCALAR && num_is(&r->n, 0);
}

static bool map_memory(struct verifier *v, struct call *c, u32 n, bool is_key, bool is_write)
{
	const struct verify_map *m;

	if (c->map == OBJ_NONE)
		return wrong(v, c, n, "a map before this argument");
	m = &v->in->maps[c->map];
	return verify_helper_mem(v, (u8)(n + 1), &c->args[n], is_key ? m->key_size : m->value_size,
				 m->type == ISA_MAP_STACK_TRACE, is_write, is_write, c->h->id);
}

/* The number behind a memory argument. */
static bool memory_size(struct verifier *v, struct call *c, u32 n, bool zero_ok)
{
	const struct reg *size = &c->args[n], *mem = &c->args[n - 1];
	enum isa_arg kind = c->h->args[n - 1];
	bool out = kind == ISA_ARG_OUT_MEM || kind == ISA_ARG_OUT_MEM_OR_NULL;
	bool nullable = kind == ISA_ARG_MEM_OR_NULL || kind == ISA_ARG_OUT_MEM_OR_NULL;

	if (size->kind != K_SCALAR)
		return wrong(v, c, n, "a size");
	if (size->n.smin < 0)
		return verify_refuse(
			v, V_HELPER_SIZE, size->node,
			"Make it unsigned, mask it with &, or compare it with 0 first.",
			"The size in r%u may be negative: it is %s.", n + 1,
			verify_num_text(v, &size->n));
	if (size->n.umax >= MAX_SIZE)
		return verify_refuse(v, V_HELPER_SIZE, size->node,
				     "Compare it with its limit first, or mask it with &.",
				     "The size in r%u has no usable upper bound: it is %s.", n + 1,
				     verify_num_text(v, &size->n));
	verify_precise(v, size->node);
	c->size_max = size->n.umax;
	c->size_node = size->node;
	if (is_null(mem) && nullable && size->n.umax == 0 && zero_ok)
		return true;
	if (size->n.umin == 0 && !zero_ok)
		return verify_refuse(v, V_HELPER_SIZE, size->node, "Check that it is not 0.",
				     "The size in r%u may be 0.", n + 1);
	return verify_helper_mem(v, (u8)n, mem, size->n.umax, zero_ok, out,
				 out && num_is_const(&size->n), c->h->id);
}

static bool const_string(struct verifier *v, struct call *c, u32 n)
{
	const struct reg *r = &c->args[n];
	const struct verify_map *m = r->kind == K_VALUE ? &v->in->maps[r->map] : NULL;

	if (!m || r->or_null || !m->frozen || !num_is_const(&r->n) || r->off < 0 ||
	    (u32)r->off >= m->value_size ||
	    !memchr(m->frozen + r->off, 0, m->value_size - (u32)r->off))
		return wrong(v, c, n, "a constant string in a read-only map");
	return true;
}

static bool spin_lock_arg(struct verifier *v, struct call *c, u32 n)
{
	const struct reg *r = &c->args[n];
	const struct verify_map *m = r->kind == K_VALUE ? &v->in->maps[r->map] : NULL;
	struct state *st = v->st;

	if (!m || r->or_null || m->spin_lock_off == OBJ_NONE || !num_is_const(&r->n) ||
	    (s64)r->off + (s64)r->n.bits != m->spin_lock_off)
		return wrong(v, c, n, "the address of a bpf_spin_lock in a map value");
	if (c->h->id == ISA_FN_spin_lock) {
		if (st->is_locked)
			return verify_refuse(v, V_LOCK, r->node, "Give the first one back before.",
					     "A spin lock is already held.");
		st->is_locked = true;
		st->lock_id = r->id;
		st->lock_map = r->map;
		st->lock_insn = v->insn;
		st->lock_node = verify_node(v, r->node, 0);
		return true;
	}
	if (!st->is_locked)
		return verify_refuse(v, V_LOCK, r->node, "Take it first.", "No lock is held.");
	if (st->lock_id != r->id || st->lock_map != r->map)
		return verify_refuse(v, V_LOCK, r->node, "Give back the lock that was taken.",
				     "Another lock is held than the one given back.");
	st->is_locked = false;
	return true;
}

static const char *object_of(u32 id)
{
	switch (id) {
	case ISA_FN_d_path: return "path";
	case ISA_FN_get_task_stack:
	case ISA_FN_task_pt_regs:
	case ISA_FN_task_storage_get:
	case ISA_FN_task_storage_delete:
	case ISA_FN_copy_from_user_task: return "task_struct";
	case ISA_FN_seq_printf:
	case ISA_FN_seq_printf_btf:
	case ISA_FN_seq_write: return "seq_file";
	case ISA_FN_sock_from_file:
	case ISA_FN_ima_file_hash: return "file";
	case ISA_FN_inode_storage_get:
	case ISA_FN_inode_storage_delete:
	case ISA_FN_ima_inode_hash: return "inode";
	case ISA_FN_skb_output: return "sk_buff";
	case ISA_FN_xdp_output: return "xdp_buff";
	case ISA_FN_bprm_opts_set: return "linux_binprm";
	case ISA_FN_cgrp_storage_get:
	case ISA_FN_cgrp_storage_delete: return "cgroup";
	default: return "";
	}
}

/* bpf_kptr_xchg(slot, object): null, or a reference of the slot's type. */
static bool exchange_arg(struct verifier *v, struct call *c, u32 n)
{
	const struct verify_kptr *k = verify_kptr_slot(v, &c->args[0]);
	const struct reg *r = &c->args[n];

	if (is_null(r) || (k && r->kind == K_BTF && r->ref && !r->or_null && !r->off &&
			   num_is(&r->n, 0) && verify_btf_same(r->type, k->to)))
		return true;
	return wrong(v, c, n, "0, or a reference of the slot's type, unmoved");
}

static bool object_arg(struct verifier *v, struct call *c, u32 n)
{
	const struct reg *r = &c->args[n];

	if (c->h->id == ISA_FN_kptr_xchg)
		return exchange_arg(v, c, n);
	if (r->kind != K_BTF || r->or_null || r->untrusted || !num_is(&r->n, 0) ||
	    !verify_btf_names(r->type, r->off, str_of(object_of(c->h->id)), 0))
		return wrong(v, c, n, "a kernel object of the right type");
	return true;
}

static bool sock_arg(struct verifier *v, struct call *c, u32 n)
{
	const struct reg *r = &c->args[n];
	bool is_sock = r->kind == K_SOCK || r->kind == K_SOCK_COMMON || r->kind == K_TCP_SOCK ||
		       r->kind == K_XDP_SOCK;

	if (r->kind == K_CTX && v->in->prog_type == ISA_PROG_CGROUP_SOCK && r->off == 0)
		return true;
	if (c->h->id == ISA_FN_sk_assign && is_null(r) && v->in->prog_type == ISA_PROG_SK_LOOKUP)
		return true;
	if (r->kind == K_BTF && !r->or_null && !r->untrusted && num_is(&r->n, 0) &&
	    verify_btf_names(r->type, r->off, STR("sock_common"), 0))
		return true;
	if (!is_sock || r->or_null || r->off)
		return wrong(v, c, n, "a socket that is not null");
	return true;
}

static bool ctx_arg(struct verifier *v, struct call *c, u32 n)
{
	const struct reg *r = &c->args[n];

	if (c->h->id == ISA_FN_get_netns_cookie && is_null(r))
		return true;
	if (r->kind != K_CTX)
		return wrong(v, c, n, "the context");
	if (r->off || !num_is(&r->n, 0))
		return verify_refuse(v, V_CTX_MODIFIED, r->node, "Pass it as it came.",
				     "r%u is the context pointer moved by a number.", n + 1);
	return true;
}

static bool map_arg(struct verifier *v, struct call *c, u32 n)
{
	const struct reg *r = &c->args[n];
	struct verify_fact *f = &v->out->facts[v->insn];

	if (r->kind != K_MAP || r->or_null)
		return wrong(v, c, n, "a map");
	c->map = r->map;
	if (!f->is_reached)
		f->map = r->map;
	else if (f->map != r->map)
		f->map = OBJ_NONE;
	return verify_map_fits(v, c->h, r->map);
}

static bool plain_arg(struct verifier *v, struct call *c, u32 n)
{
	const struct reg *r = &c->args[n];

	if (r->kind != K_SCALAR && !v->in->privileged)
		return verify_refuse(v, V_LEAK, r->node, "Pass a number.",
				     "r%u would tell the helper an address.", n + 1);
	return true;
}

static bool const_size(struct verifier *v, struct call *c, u32 n)
{
	const struct reg *r = &c->args[n];

	if (r->kind != K_SCALAR || !num_is_const(&r->n))
		return wrong(v, c, n, "a constant size");
	verify_precise(v, r->node);
	c->size = r->n.bits;
	if (c->size >= MAX_SIZE)
		return verify_refuse(v, V_HELPER_SIZE, r->node, "",
				     "The size in r%u is not usable.", n + 1);
	return true;
}

/* The kind of an argument; some helpers take another one in some types of program. */
static enum isa_arg arg_kind(const struct verifier *v, const struct isa_helper *h, u32 n)
{
	u32 p = v->in->prog_type;

	if (n == 0 && h->args[0] == ISA_ARG_CTX) {
		switch (h->id) {
		case ISA_FN_get_cgroup_classid:
			return p == ISA_PROG_SCHED_CLS || p == ISA_PROG_SCHED_ACT ||
					       (p >= ISA_PROG_LWT_IN && p <= ISA_PROG_LWT_XMIT)
				       ? ISA_ARG_CTX
				       : ISA_ARG_NONE;
		case ISA_FN_get_socket_cookie:
			return p == ISA_PROG_SK_REUSEPORT || p == ISA_PROG_TRACING ||
					       p == ISA_PROG_SYSCALL
				       ? ISA_ARG_SOCK
				       : ISA_ARG_CTX;
		case ISA_FN_setsockopt:
		case ISA_FN_getsockopt:
			return p == ISA_PROG_CGROUP_SOCKOPT ? ISA_ARG_SOCK : ISA_ARG_CTX;
		default: break;
		}
	}
	return h->args[n];
}

/* A number that the helper writes: all of it, where numbers of its size lie. */
static bool out_number(struct verifier *v, const struct call *c, const struct reg *r, u8 no,
		       u32 size)
{
	struct num at = num_const((u64)(s64)r->off);

	if (!verify_helper_mem(v, no, r, size, false, true, true, c->h->id))
		return false;
	at = num_alu(ISA_ADD, true, false, &r->n, &at);
	if (!((at.bits | at.mask) & (size - 1)))
		return true;
	return verify_refuse(v, V_ALIGN, r->node, "Use an offset that the size divides.",
			     "r%u is where bpf_%s() writes %u bytes, and is not aligned to them.",
			     no, c->h->name, size);
}

static bool one_arg(struct verifier *v, struct call *c, u32 n)
{
	const struct reg *r = &c->args[n];
	u8 no = (u8)(n + 1);

	switch (arg_kind(v, c->h, n)) {
	case ISA_ARG_NONE: return true;
	case ISA_ARG_INT:
	case ISA_ARG_ADDR: return plain_arg(v, c, n);
	case ISA_ARG_CTX: return ctx_arg(v, c, n);
	case ISA_ARG_MAP: return map_arg(v, c, n);
	case ISA_ARG_KEY: return map_memory(v, c, n, true, false);
	case ISA_ARG_VALUE: return map_memory(v, c, n, false, false);
	case ISA_ARG_OUT_VALUE: return map_memory(v, c, n, false, true);
	case ISA_ARG_VALUE_OR_NULL: return is_null(r) || map_memory(v, c, n, false, false);
	case ISA_ARG_MEM:
	case ISA_ARG_OUT_MEM: return r->kind != K_SCALAR || wrong(v, c, n, "memory");
	case ISA_ARG_MEM_OR_NULL:
	case ISA_ARG_OUT_MEM_OR_NULL:
		return r->kind != K_SCALAR || is_null(r) || wrong(v, c, n, "memory or 0");
	case ISA_ARG_SIZE: return memory_size(v, c, n, false);
	case ISA_ARG_SIZE_OR_0: return memory_size(v, c, n, true);
	case ISA_ARG_STR: return const_string(v, c, n);
	case ISA_ARG_OUT_LONG: return out_number(v, c, r, no, 8);
	case ISA_ARG_OUT_INT: return out_number(v, c, r, no, 4);
	case ISA_ARG_FUNC: return r->kind == K_FUNC || wrong(v, c, n, "a function");
	case ISA_ARG_STACK_OR_NULL:
		return r->kind == K_STACK || is_null(r) || wrong(v, c, n, "a stack address or 0");
	case ISA_ARG_SOCK: return sock_arg(v, c, n);
	case ISA_ARG_BTF: return object_arg(v, c, n);
	case ISA_ARG_RESERVED:
		return (r->kind == K_MEM && r->is_reserved && !r->or_null && r->off == 0 &&
			num_is(&r->n, 0)) ||
		       wrong(v, c, n, "what bpf_ringbuf_reserve() gave, unmoved");
	case ISA_ARG_CONST_SIZE: return const_size(v, c, n);
	case ISA_ARG_SPIN_LOCK: return spin_lock_arg(v, c, n);
	case ISA_ARG_KPTR:
		return verify_kptr_slot(v, r) ||
		       wrong(v, c, n, "a slot of a map value that owns its object");
	case ISA_ARG_MEM20: return verify_helper_mem(v, no, r, 20, false, false, false, c->h->id);
	case ISA_ARG_MEM40: return verify_helper_mem(v, no, r, 40, false, false, false, c->h->id);
	default: return wrong(v, c, n, "an argument that this verifier cannot check");
	}
}

static bool all_args(struct verifier *v, struct call *c)
{
	const struct reg *regs = TOP(v->st)->regs;

	for (u32 n = 0; n < 5 && arg_kind(v, c->h, n) != ISA_ARG_NONE; n++) {
		if (!verify_read(v, (u8)(n + 1)))
			return false;
		c->args[n] = regs[n + 1];
	}
	for (u32 n = 0; n < 5 && arg_kind(v, c->h, n) != ISA_ARG_NONE; n++) {
		if (!one_arg(v, c, n))
			return false;
		if (c->args[n].ref && !c->ref)
			c->ref = c->args[n].ref;
	}
	for (u32 n = isa_helper_args(c->h); (c->h->flags & ISA_VARIADIC) && n < 5; n++)
		if (regs[n + 1].kind != K_NONE && regs[n + 1].kind != K_SCALAR &&
		    !v->in->privileged)
			return verify_refuse(v, V_LEAK, regs[n + 1].node, "Pass a number.",
					     "r%u would print an address.", n + 1);
	return true;
}

void verify_clobber(struct verifier *v)
{
	struct reg *regs = TOP(v->st)->regs;
	u32 node = verify_node(v, 0, 0);

	memset(&regs[1], 0, 5 * sizeof(*regs));
	for (u32 k = 1; k <= 5; k++)
		regs[k].node = node;
}

/* ---- results --------------------------------------------------------------------------------- */

void verify_result_pointer(struct verifier *v, struct reg *r, u8 kind, bool or_null)
{
	memset(r, 0, sizeof(*r));
	r->kind = kind;
	r->or_null = or_null;
	r->n = num_const(0);
	r->node = verify_node(v, 0, 0);
	if (or_null)
		r->id = ++v->last_id;
}

bool verify_acquire(struct verifier *v, struct reg *r)
{
	r->ref = r->id ? r->id : ++v->last_id;
	r->id = r->ref;
	return verify_ref_add(v, r->ref);
}

static bool value_result(struct verifier *v, const struct call *c, struct reg *r, bool or_null)
{
	const struct verify_map *m;

	if (c->map == OBJ_NONE)
		return verify_refuse(v, V_HELPER, 0, "", "bpf_%s() gives a value of no map.",
				     c->h->name);
	m = &v->in->maps[c->map];
	verify_result_pointer(v, r, K_VALUE, or_null);
	r->map = c->map;
	if (m->spin_lock_off != OBJ_NONE && !r->id)
		r->id = ++v->last_id;
	if (c->h->id == ISA_FN_get_local_storage && !is_null(&c->args[1]))
		return verify_refuse(v, V_HELPER_ARG, c->args[1].node, "Pass 0.",
				     "The flags of bpf_get_local_storage() must be 0.");
	if (c->h->id != ISA_FN_map_lookup_elem)
		return true;
	switch (m->type) {
	case ISA_MAP_ARRAY_OF_MAPS:
	case ISA_MAP_HASH_OF_MAPS:
		if (m->inner >= v->in->n_maps)
			return verify_refuse(v, V_MAP, 0, "", "The inner map is not known.");
		r->kind = K_MAP;
		r->map = m->inner;
		return true;
	case ISA_MAP_SOCKMAP:
	case ISA_MAP_SOCKHASH: r->kind = K_SOCK; return verify_acquire(v, r);
	case ISA_MAP_XSKMAP: r->kind = K_XDP_SOCK; return true;
	default: return true;
	}
}

static const char *result_object(u32 id)
{
	switch (id) {
	case ISA_FN_get_current_task_btf: return "task_struct";
	case ISA_FN_task_pt_regs: return "pt_regs";
	case ISA_FN_sock_from_file: return "socket";
	case ISA_FN_skc_to_tcp6_sock: return "tcp6_sock";
	case ISA_FN_skc_to_tcp_sock: return "tcp_sock";
	case ISA_FN_skc_to_tcp_timewait_sock: return "tcp_timewait_sock";
	case ISA_FN_skc_to_tcp_request_sock: return "tcp_request_sock";
	case ISA_FN_skc_to_udp6_sock: return "udp6_sock";
	case ISA_FN_skc_to_unix_sock: return "unix_sock";
	default: return "mptcp_sock";
	}
}

static bool is_cast(u32 id)
{
	return id == ISA_FN_sk_fullsock || id == ISA_FN_tcp_sock ||
	       (id >= ISA_FN_skc_to_tcp6_sock && id <= ISA_FN_skc_to_udp6_sock) ||
	       id == ISA_FN_skc_to_unix_sock || id == ISA_FN_skc_to_mptcp_sock;
}

static void int_result(struct verifier *v, const struct call *c, struct reg *r)
{
	struct num n = num_any();
	u32 node = 0;

	switch (c->h->id) {
	case ISA_FN_get_stack:
	case ISA_FN_get_task_stack:
	case ISA_FN_probe_read_str:
	case ISA_FN_probe_read_user_str:
	case ISA_FN_probe_read_kernel_str:
		n.smin = -MAX_ERRNO;
		n.smax = (s64)c->size_max;
		n.smin32 = -MAX_ERRNO;
		n.smax32 = (s32)c->size_max;
		num_settle(&n);
		node = c->size_node;
		break;
	default: break;
	}
	verify_set_scalar(v, r, n, node, 0);
}

static bool result(struct verifier *v, const struct call *c)
{
	struct reg *r = &TOP(v->st)->regs[ISA_R0];
	enum isa_ret ret = c->h->ret;

	switch (ret) {
	case ISA_RET_NEVER:
	case ISA_RET_VOID: memset(r, 0, sizeof(*r)); return true;
	case ISA_RET_VALUE_OR_NULL: return value_result(v, c, r, true);
	case ISA_RET_VALUE: return value_result(v, c, r, false);
	case ISA_RET_MEM_OR_NULL:
		verify_result_pointer(v, r, K_MEM, true);
		r->size = (u32)c->size;
		r->is_reserved = c->h->id == ISA_FN_ringbuf_reserve;
		break;
	case ISA_RET_SOCK_OR_NULL:
		verify_result_pointer(
			v, r, c->h->id == ISA_FN_skc_lookup_tcp ? K_SOCK_COMMON : K_SOCK, true);
		break;
	case ISA_RET_TCP_SOCK_OR_NULL: verify_result_pointer(v, r, K_TCP_SOCK, true); break;
	case ISA_RET_BTF:
	case ISA_RET_BTF_OR_NULL:
		verify_result_pointer(v, r, K_BTF, ret == ISA_RET_BTF_OR_NULL);
		if (c->h->id == ISA_FN_kptr_xchg)
			r->type = verify_kptr_slot(v, &c->args[0])->to;
		else if (v->in->btf)
			r->type =
				ty_btf_find(v->in->btf, TY_STRUCT, str_of(result_object(c->h->id)));
		break;
	default: int_result(v, c, r); return true;
	}
	if (c->h->flags & ISA_ACQUIRES)
		return verify_acquire(v, r);
	if (is_cast(c->h->id))
		r->ref = c->ref;
	return true;
}

static bool release(struct verifier *v, const struct call *c)
{
	if (c->h->id == ISA_FN_kptr_xchg && !c->ref)
		return true;
	if (!c->ref || !verify_ref_drop(v, c->ref))
		return verify_refuse(
			v, V_REF_RELEASE, c->args[0].node, "Release only what was acquired, once.",
			"bpf_%s() releases r1, which is no reference that is held.", c->h->name);
	verify_forget_ref(v, c->ref);
	return true;
}

/* Functions in which bpf_d_path() takes no lock that is held. */
static bool may_ask_path(const struct verify_input *in)
{
	static const char *const names[] = { "security_file_permission",
					     "security_inode_getattr",
					     "security_file_open",
					     "security_path_truncate",
					     "vfs_truncate",
					     "vfs_fallocate",
					     "dentry_open",
					     "vfs_getattr",
					     "filp_close" };

	if (in->prog_type != ISA_PROG_TRACING || in->attach_type == ISA_ATTACH_TRACE_ITER)
		return true;
	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		if (str_is(in->btf_target, names[i]))
			return true;
	return false;
}

static bool before(struct verifier *v, const struct isa_helper *h)
{
	struct state *st = v->st;

	if (h->id == ISA_FN_d_path && !may_ask_path(v->in))
		return verify_refuse(v, V_HELPER, 0, "Attach to filp_close or dentry_open, say.",
				     "bpf_d_path() may not be called in " STR_FMT "().",
				     STR_ARG(v->in->btf_target));
	if (st->is_locked && h->id != ISA_FN_spin_unlock && h->id != ISA_FN_spin_lock)
		return verify_refuse(v, V_LOCK, 0, "Give the lock back before the call.",
				     "bpf_%s() is called while a spin lock is held.", h->name);
	if (h->id != ISA_FN_tail_call)
		return true;
	if (st->n_refs)
		return verify_refuse(
			v, V_REF_LEAK, st->ref_node[0], "Release it before the tail call.",
			"A tail call would lose the reference taken at instruction %u.",
			st->ref_insn[0]);
	for (u32 i = 0; i < st->n_frames; i++)
		if (st->frames[i]->is_callback)
			return verify_refuse(v, V_CALLBACK, 0, "",
					     "A callback cannot make a tail call.");
	return true;
}

/* An array element by a constant key: what the JIT may inline. */
static void note_key(struct verifier *v, const struct call *c)
{
	struct verify_fact *f = &v->out->facts[v->insn];
	const struct reg *r = &c->args[1], *s;
	const struct frame *fr;
	bool known = false;
	u32 slot;

	if (c->h->id != ISA_FN_map_lookup_elem || (f->is_reached && !f->key_known))
		return;
	if (r->kind == K_STACK && num_is_const(&r->n) && v->in->maps[c->map].key_size == 4 &&
	    (r->off + (s64)r->n.bits) % 8 == 0) {
		fr = v->st->frames[r->frame];
		slot = (u32)(-(r->off + (s64)r->n.bits) - 1) / 8;
		if (slot < fr->n_slots && fr->slots[slot].spilled >= 4) {
			s = &fr->slots[slot].reg;
			known = s->kind == K_SCALAR && !(u32)s->n.mask &&
				(u32)s->n.bits < v->in->maps[c->map].max_entries &&
				(!f->is_reached || f->key == (u32)s->n.bits);
			if (known) {
				verify_precise(v, s->node);
				f->key = (u32)s->n.bits;
			}
		}
	}
	f->key_known = known;
}

static bool call_helper(struct verifier *v, u32 id)
{
	struct call c = { .map = OBJ_NONE };
	bool entered = false;

	c.h = v->in->helper ? v->in->helper(v->in->helper_arg, id) : NULL;
	if (!c.h)
		c.h = isa_helper(id);
	if (!c.h)
		return verify_refuse(v, V_HELPER, 0, "", "There is no helper %u.", id);
	if (!verify_helper_allowed(v, c.h) || !before(v, c.h) || !all_args(v, &c))
		return false;
	if (c.map != OBJ_NONE)
		note_key(v, &c);
	if ((c.h->flags & ISA_RELEASES) && !release(v, &c))
		return false;
	for (u32 n = 0; n < 5; n++)
		if (c.h->args[n] == ISA_ARG_FUNC)
			return verify_call_callback(v, id, c.args, &entered);
	if (c.h->flags & ISA_MOVES_PACKET)
		verify_forget_packets(v);
	if (!result(v, &c))
		return false;
	verify_clobber(v);
	return true;
}

bool verify_call(struct verifier *v, struct isa_insn i)
{
	if (i.src == ISA_CALL_LOCAL)
		return verify_call_local(v, i);
	if (i.src == ISA_CALL_KFUNC)
		return verify_call_kfunc(v, i);
	return call_helper(v, (u32)i.imm);
}
