/* Loads, stores and atomics: which memory an address means, and whether the access stays inside.
 *
 * The base register's kind selects the rule: stack (stack.c), context, sockets and kernel objects
 * (ctx.c); here are map values, blocks of memory, packets, flow keys and tracepoint buffers. Bounds
 * come from the constant and the variable part of the offset together. Helpers that get memory
 * (call.c) are judged by the same rules.
 */
#include <string.h>

#include "verify/state.h"

#define BIG_OFF		(1ull << 29)
#define FLOW_KEYS_BYTES 56

static void fact(struct verifier *v, const struct reg *r, s32 off, u8 region)
{
	struct verify_fact *f = &v->out->facts[v->insn];
	bool is_const = num_is_const(&r->n);
	s64 at = (s64)r->off + off + (s64)r->n.bits;
	u32 map = r->kind == K_VALUE ? r->map : OBJ_NONE;

	if (f->region == VERIFY_NONE) {
		f->region = region;
		f->is_const = is_const;
		f->const_off = is_const ? at : 0;
		f->map = map;
		return;
	}
	if (f->region != region)
		f->region = VERIFY_MIXED;
	if (!is_const || f->const_off != at)
		f->is_const = false;
	if (f->map != map)
		f->map = OBJ_NONE;
}

static u8 region_of(u8 kind)
{
	switch (kind) {
	case K_CTX: return VERIFY_CTX;
	case K_STACK: return VERIFY_STACK;
	case K_VALUE: return VERIFY_VALUE;
	case K_MEM:
	case K_TP_BUFFER:
	case K_FLOW_KEYS: return VERIFY_MEM;
	case K_PACKET:
	case K_META: return VERIFY_PACKET;
	case K_BTF: return VERIFY_BTF;
	default: return VERIFY_SOCK;
	}
}

bool verify_bounds(struct verifier *v, const struct reg *r, u8 no, s64 off, u64 size, u64 limit,
		   const char *what)
{
	enum verify_tag tag = r->kind == K_VALUE ? V_VALUE_BOUNDS : V_MEM_BOUNDS;
	s64 low = r->off + off + r->n.smin;

	if (low < 0)
		return verify_refuse(
			v, tag, r->node, "Check the index against 0, or make it unsigned.",
			"r%u may point %lld bytes before %s.", no, -(long long)low, what);
	if (r->n.umax >= BIG_OFF)
		return verify_refuse(v, tag, r->node,
				     "Compare the index with its limit first, or mask it with &.",
				     "The offset of r%u into %s has no upper bound.", no, what);
	if ((u64)(r->off + off) + r->n.umax + size > limit)
		return verify_refuse(v, tag, r->node,
				     "Compare the index with its limit first, or mask it with &.",
				     "%llu bytes at offset %s%lld of %s, which has %llu.",
				     (unsigned long long)size, num_is_const(&r->n) ? "" : "up to ",
				     (long long)r->off + off + (long long)r->n.umax, what,
				     (unsigned long long)limit);
	return true;
}

bool verify_value_special(struct verifier *v, const struct reg *r, u8 no, s64 lo, s64 hi)
{
	const struct verify_map *m = &v->in->maps[r->map];
	s64 lock = m->spin_lock_off, timer = m->timer_off;

	if (m->spin_lock_off != OBJ_NONE && lo < lock + 4 && hi > lock)
		return verify_refuse(v, V_SPECIAL_FIELD, r->node, "Leave the lock's bytes alone.",
				     "r%u reaches the value's bpf_spin_lock, which only "
				     "bpf_spin_lock() may touch.",
				     no);
	if (m->timer_off != OBJ_NONE && lo < timer + 16 && hi > timer)
		return verify_refuse(v, V_SPECIAL_FIELD, r->node, "Leave the timer's bytes alone.",
				     "r%u reaches the value's bpf_timer, which only the timer "
				     "helpers may touch.",
				     no);
	return true;
}

#define MAP_RDONLY_PROG 0x80
#define MAP_WRONLY_PROG 0x100

static bool value_access(struct verifier *v, const struct reg *r, u8 no, s64 off, u64 size,
			 bool is_write)
{
	const struct verify_map *m = &v->in->maps[r->map];
	s64 lo, hi;

	if (is_write && (m->flags & MAP_RDONLY_PROG))
		return verify_refuse(v, V_READ_ONLY, r->node, "Write to another map.",
				     "The map is read-only for programs.");
	if (!is_write && (m->flags & MAP_WRONLY_PROG))
		return verify_refuse(v, V_WRITE_ONLY, r->node, "Read from another map.",
				     "The map is write-only for programs.");
	if (!verify_bounds(v, r, no, off, size, m->value_size, "the map's value"))
		return false;
	lo = r->off + off + r->n.smin;
	hi = (s64)((u64)(r->off + off) + r->n.umax + size);
	return verify_value_special(v, r, no, lo, hi);
}

/* Memory that is not plain for a helper or an atomic operation. */
static bool plain_value(struct verifier *v, const struct reg *r, u8 no, s64 off, u64 size)
{
	const struct verify_kptr *k = NULL;

	if (r->kind == K_VALUE)
		k = verify_kptr_find(v, r, r->off + off + r->n.smin,
				     (s64)((u64)(r->off + off) + r->n.umax + size));
	if (!k)
		return true;
	return verify_refuse(
		v, V_SPECIAL_FIELD, r->node, "Load it, or use bpf_kptr_xchg().",
		"r%u reaches the kernel pointer at offset %u of the value, which is no "
		"plain memory.",
		no, k->off);
}

static bool may_write_packet(u32 prog)
{
	switch (prog) {
	case ISA_PROG_SCHED_CLS:
	case ISA_PROG_SCHED_ACT:
	case ISA_PROG_XDP:
	case ISA_PROG_LWT_XMIT:
	case ISA_PROG_SK_SKB:
	case ISA_PROG_SK_MSG:
	case ISA_PROG_CGROUP_SOCKOPT: return true;
	default: return false;
	}
}

static bool packet_access(struct verifier *v, const struct reg *r, u8 no, s64 off, u64 size,
			  bool is_write)
{
	s64 at = r->off + off;

	if (is_write && !may_write_packet(v->in->prog_type))
		return verify_refuse(v, V_PACKET_WRITE, r->node, "Read it only.",
				     "Programs of this type may not write packet data.");
	if (r->n.smin < 0)
		return verify_refuse(v, V_PACKET_BOUNDS, r->node, "Make the offset unsigned.",
				     "The offset of r%u into the packet may be negative.", no);
	if (at < 0 || (u64)at + size > r->range)
		return verify_refuse(
			v, V_PACKET_BOUNDS, r->node,
			"Compare the address behind the last byte with data_end, and "
			"use the same pointer afterwards.",
			"%llu bytes at offset %lld of the packet pointer r%u, but only "
			"%u were checked against data_end.",
			(unsigned long long)size, (long long)at, no, r->range);
	return true;
}

static bool const_access(struct verifier *v, const struct reg *r, u8 no, s64 off, u64 size,
			 u64 limit, const char *what)
{
	if (!num_is(&r->n, 0))
		return verify_refuse(v, V_MEM_BOUNDS, r->node, "Use a constant offset.",
				     "The offset of r%u into %s is not constant.", no, what);
	return verify_bounds(v, r, no, off, size, limit, what);
}

static bool aligned(struct verifier *v, const struct reg *r, u8 no, s64 off, u64 size, bool strict)
{
	s64 at = r->off + off + (r->kind == K_PACKET && strict ? 2 : 0);
	struct num k = num_const((u64)at), n;

	if (r->kind != K_STACK && !strict)
		return true;
	n = num_alu(ISA_ADD, true, false, &r->n, &k);
	if (!((n.bits | n.mask) & (size - 1)))
		return true;
	return verify_refuse(v, V_ALIGN, r->node, "Use an offset that the size divides.",
			     "%llu bytes at offset %lld of r%u are not aligned.",
			     (unsigned long long)size, (long long)at, no);
}

static bool usable(struct verifier *v, const struct reg *r, u8 no)
{
	if (r->or_null)
		return verify_refuse(
			v, V_NULL, r->node, "Compare it with 0 and use it only when it is not.",
			"r%u is %s; it is used without a check for null.", no, verify_kind_name(r));
	if (r->kind == K_SCALAR && num_is(&r->n, 0))
		return verify_refuse(v, V_NULL, r->node, "Leave when the pointer is null.",
				     "r%u is null here.", no);
	if (r->kind == K_SCALAR || r->kind == K_MAP || r->kind == K_END || r->kind == K_FUNC)
		return verify_refuse(v, V_NOT_POINTER, r->node,
				     "Memory can be reached only through pointers that the program "
				     "was given.",
				     "r%u is %s, not a pointer to memory.", no,
				     verify_kind_name(r));
	return true;
}

/* Any access but to the stack; `val` is what a store stores, `out` gets what a load gives. */
static bool access_other(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
			 const struct reg *val, struct reg *out)
{
	struct num any = num_any();
	bool is_write = val != NULL;

	verify_set_scalar(v, out, num_cut(&any, size), r->node, 0);
	switch (r->kind) {
	case K_CTX: return verify_ctx_access(v, r, no, off, size, is_write, out);
	case K_VALUE:
		return value_access(v, r, no, off, size, is_write) &&
		       verify_kptr_access(v, r, no, off, size, val, out);
	case K_PACKET:
	case K_META: return packet_access(v, r, no, off, size, is_write);
	case K_FLOW_KEYS:
		return const_access(v, r, no, off, size, FLOW_KEYS_BYTES, "the flow keys");
	case K_TP_BUFFER: return const_access(v, r, no, off, size, 64, "the tracepoint's buffer");
	case K_BTF: return verify_btf_access(v, r, no, off, size, is_write, out);
	case K_MEM:
		if (is_write && r->readonly)
			return verify_refuse(v, V_READ_ONLY, r->node, "",
					     "This memory is read-only.");
		return verify_bounds(v, r, no, off, size, r->size, "this block of memory");
	default: return verify_sock_access(v, r, no, off, size, is_write);
	}
}

/* Constant contents of a read-only array. */
static void frozen(struct verifier *v, const struct reg *r, s32 off, u32 size, struct reg *out)
{
	const struct verify_map *m;
	u64 x = 0;

	if (r->kind != K_VALUE || !num_is_const(&r->n))
		return;
	m = &v->in->maps[r->map];
	if (m->frozen)
		memcpy(&x, m->frozen + r->off + off + (s64)r->n.bits, size);
	if (m->frozen)
		out->n = num_const(x);
}

/* Fields of contexts and objects are translated when the program is loaded, so that one instruction
 * must always mean the same kind of them. */
static bool one_kind(struct verifier *v, const struct reg *r)
{
	u8 seen = v->kinds[v->insn];
	bool a = seen == K_CTX || seen == K_BTF || (seen >= K_SOCK && seen <= K_XDP_SOCK);
	bool b = r->kind == K_CTX || r->kind == K_BTF ||
		 (r->kind >= K_SOCK && r->kind <= K_XDP_SOCK);

	v->kinds[v->insn] = r->kind;
	if (seen == K_NONE || seen == r->kind || (!a && !b))
		return true;
	return verify_refuse(
		v, V_NOT_POINTER, r->node, "Use one instruction for each.",
		"This instruction means different kinds of memory on different paths.");
}

bool verify_load(struct verifier *v, struct isa_insn i)
{
	struct reg *regs = TOP(v->st)->regs, r = regs[i.src], out;
	u32 size = isa_bytes(i);
	bool sx = (i.code & 0xe0) == ISA_MEMSX, ok;

	if (!verify_write(v, i.dst) || !verify_read(v, i.src) || !usable(v, &r, i.src) ||
	    !aligned(v, &r, i.src, i.off, size, v->in->strict_align) || !one_kind(v, &r))
		return false;
	if (r.kind == K_STACK)
		ok = verify_stack_read(v, &r, i.src, i.off, size, &out);
	else
		ok = access_other(v, &r, i.src, i.off, size, NULL, &out);
	if (!ok)
		return false;
	frozen(v, &r, i.off, size, &out);
	if (sx && out.kind == K_SCALAR) {
		out.n = num_extend(&out.n, size * 8);
		out.id = 0;
	} else if (sx) {
		return verify_refuse(v, V_ALIGN, r.node, "Load all of it.",
				     "A pointer cannot be loaded with its sign extended.");
	}
	fact(v, &r, i.off, region_of(r.kind));
	regs[i.dst] = out;
	return true;
}

bool verify_store(struct verifier *v, struct isa_insn i)
{
	struct reg *regs = TOP(v->st)->regs, r = regs[i.dst], val = { 0 }, out;
	u32 size = isa_bytes(i);
	bool ok;

	if (isa_class(i) == ISA_STX) {
		if (!verify_read(v, i.src))
			return false;
		val = regs[i.src];
	}
	if (!verify_read(v, i.dst) || !usable(v, &r, i.dst) ||
	    !aligned(v, &r, i.dst, i.off, size, v->in->strict_align) || !one_kind(v, &r))
		return false;
	if (isa_class(i) == ISA_ST)
		verify_set_scalar(v, &val, num_const((u64)(s64)i.imm), 0, 0);
	if (r.kind == K_STACK) {
		ok = verify_stack_write(v, &r, i.dst, i.off, size, &val);
	} else {
		if (val.kind != K_SCALAR && !v->in->privileged)
			return verify_refuse(v, V_LEAK, val.node, "Store numbers only.",
					     "The address of %s would be stored where user space "
					     "can read it.",
					     verify_kind_name(&val));
		ok = access_other(v, &r, i.dst, i.off, size, &val, &out);
	}
	if (ok)
		fact(v, &r, i.off, region_of(r.kind));
	return ok;
}

bool verify_atomic(struct verifier *v, struct isa_insn i)
{
	struct reg *regs = TOP(v->st)->regs, r = regs[i.dst], old, val, out;
	u32 size = isa_bytes(i);
	u8 into = i.imm == ISA_CMPXCHG ? ISA_R0 : i.src;
	bool fetch = (i.imm & ISA_FETCH) != 0;

	if (!verify_read(v, i.src) || !verify_read(v, i.dst) ||
	    (i.imm == ISA_CMPXCHG && !verify_read(v, ISA_R0)) || (fetch && !verify_write(v, into)))
		return false;
	if (!v->in->privileged &&
	    (regs[i.src].kind != K_SCALAR || (i.imm == ISA_CMPXCHG && regs[0].kind != K_SCALAR)))
		return verify_refuse(v, V_LEAK, regs[i.src].node, "Use numbers only.",
				     "An address would be stored in memory.");
	if (!usable(v, &r, i.dst))
		return false;
	if (r.kind != K_STACK && r.kind != K_VALUE && r.kind != K_MEM && r.kind != K_TP_BUFFER)
		return verify_refuse(v, V_ATOMIC, r.node, "Load, change and store it.",
				     "Atomic operations are not possible on %s.",
				     verify_kind_name(&r));
	if (!aligned(v, &r, i.dst, i.off, size, true))
		return false;
	if (fetch && into == i.dst)
		return verify_refuse(v, V_ATOMIC, r.node, "Use another register.",
				     "The old value would replace the address in r%u.", into);
	if (r.kind == K_STACK) {
		if (!verify_stack_read(v, &r, i.dst, i.off, size, &old))
			return false;
		if (old.kind != K_SCALAR && !v->in->privileged)
			return verify_refuse(v, V_LEAK, old.node, "Use numbers only.",
					     "The address on the stack would become a number.");
		verify_set_scalar(v, &val, num_any(), regs[i.src].node, old.node);
		if (!verify_stack_write(v, &r, i.dst, i.off, size, &val))
			return false;
	} else if (!plain_value(v, &r, i.dst, i.off, size) ||
		   !access_other(v, &r, i.dst, i.off, size, NULL, &out) ||
		   !access_other(v, &r, i.dst, i.off, size, &regs[i.src], &out)) {
		return false;
	}
	fact(v, &r, i.off, region_of(r.kind));
	if (fetch) {
		struct num any = num_any();

		if (r.kind == K_STACK)
			regs[into] = old;
		else
			verify_set_scalar(v, &regs[into], num_cut(&any, size), r.node, 0);
	}
	return true;
}

/* ---- memory for helpers ---------------------------------------------------------------------- */

bool verify_helper_mem(struct verifier *v, u8 no, const struct reg *r, u64 size, bool zero_ok,
		       bool is_write, bool raw, u32 helper)
{
	if (size == 0 && !zero_ok)
		return verify_refuse(v, V_HELPER_SIZE, r->node, "Make sure that the size is not 0.",
				     "The size of the memory in r%u may be 0.", no);
	if (!usable(v, r, no))
		return false;
	switch (r->kind) {
	case K_STACK: return verify_stack_helper(v, r, no, size, raw);
	case K_VALUE:
		return value_access(v, r, no, 0, size, is_write) && plain_value(v, r, no, 0, size);
	case K_MEM:
		if (is_write && r->readonly)
			return verify_refuse(v, V_READ_ONLY, r->node, "",
					     "This memory is read-only.");
		return verify_bounds(v, r, no, 0, size, r->size, "this block of memory");
	case K_PACKET:
	case K_META:
		if (!verify_packet_helper(helper))
			return verify_refuse(v, V_PACKET_WRITE, r->node,
					     "Copy the bytes to the stack first.",
					     "This helper does not take packet data (r%u).", no);
		if (!may_write_packet(v->in->prog_type) && is_write)
			return verify_refuse(v, V_PACKET_WRITE, r->node, "Use the stack.",
					     "Programs of this type may not write packet data.");
		return packet_access(v, r, no, 0, size, is_write);
	case K_TP_BUFFER: return const_access(v, r, no, 0, size, 64, "the tracepoint's buffer");
	default: break;
	}
	return verify_refuse(v, V_HELPER_ARG, r->node, "Pass stack or map memory.",
			     "r%u is %s; the helper needs memory.", no, verify_kind_name(r));
}
