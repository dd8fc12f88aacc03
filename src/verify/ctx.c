/* Contexts and sockets: accesses that name a field.
 *
 * Contexts that are structs are read by the rows of isa_ctx_of(): pointers whole, numbers whole or
 * in aligned parts where the program type allows parts. Registers (kprobe), tracepoint records and
 * the argument arrays of raw tracepoints have only bounds. Sockets are struct bpf_sock; their common
 * part lacks three fields. What BTF describes is in btf.c.
 */
#include <string.h>

#include "verify/state.h"

#define TRACE_RECORD_BYTES 8192
#if defined(__aarch64__)
#define PT_REGS_BYTES 272
#else
#define PT_REGS_BYTES 168
#endif

bool verify_bad_field(struct verifier *v, const struct reg *r, s32 off, u32 size, bool is_write)
{
	const struct isa_ctx *c = isa_ctx_of(v->in->prog_type);

	return verify_refuse(v, V_CTX_FIELD, r->node,
			     is_write ? "Only some fields can be written, and only whole."
				      : "Use a field's own offset and size.",
			     "The program may not %s %u bytes at offset %d of %s%s.",
			     is_write ? "write" : "read", size, off, c ? "struct " : "its context",
			     c ? c->name : "");
}

/* Program types whose numbers may be loaded in parts. */
static bool is_named(const struct isa_ctx_field *f, const char *const *names)
{
	for (; *names; names++)
		if (!strcmp(f->name, *names))
			return true;
	return false;
}

/* Of struct bpf_sock: some fields only whole, some also from their start, addresses in any part. */
static bool sock_parts(const struct isa_ctx_field *f, s32 off)
{
	static const char *const whole[] = { "bound_dev_if", "mark", "priority", NULL };
	static const char *const start[] = { "family", "type",	   "protocol",
					     "state",  "src_port", "rx_queue_mapping",
					     NULL };

	return !is_named(f, whole) && (off == f->off || !is_named(f, start));
}

static bool parts_allowed(u32 prog, const struct isa_ctx_field *f, s32 off, u32 size)
{
	static const char *const addr[] = { "user_ip4",	   "user_ip6",	  "user_port",
					    "msg_src_ip4", "msg_src_ip6", NULL };

	switch (prog) {
	case ISA_PROG_XDP:
	case ISA_PROG_SK_MSG:
	case ISA_PROG_CGROUP_SOCKOPT: return false;
	case ISA_PROG_SOCK_OPS: return !strcmp(f->name, "skb_tcp_flags") && off == f->off;
	case ISA_PROG_CGROUP_SOCK: return sock_parts(f, off);
	case ISA_PROG_CGROUP_SOCK_ADDR: return is_named(f, addr);
	case ISA_PROG_SK_REUSEPORT:
		return strcmp(f->name, "hash") != 0 &&
		       (size > 1 || strcmp(f->name, "eth_protocol") != 0);
	case ISA_PROG_CGROUP_DEVICE: return f->off == 0;
	case ISA_PROG_PERF_EVENT: return f->off != 0;
	default: return true;
	}
}

static bool is_skb(u32 prog)
{
	const struct isa_ctx *c = isa_ctx_of(prog);

	return c && !strcmp(c->name, "__sk_buff");
}

static bool is_attach(u32 have, const u32 *list, u32 n)
{
	for (u32 i = 0; i < n; i++)
		if (list[i] == have)
			return true;
	return false;
}

/* Fields that exist only for some attach types. */
static bool attach_allows(const struct verify_input *in, const struct isa_ctx_field *f)
{
	static const u32 v4[] = {
		ISA_ATTACH_CGROUP_INET4_BIND,	     ISA_ATTACH_CGROUP_INET4_CONNECT,
		ISA_ATTACH_CGROUP_INET4_GETPEERNAME, ISA_ATTACH_CGROUP_INET4_GETSOCKNAME,
		ISA_ATTACH_CGROUP_UDP4_SENDMSG,	     ISA_ATTACH_CGROUP_UDP4_RECVMSG
	};
	static const u32 v6[] = {
		ISA_ATTACH_CGROUP_INET6_BIND,	     ISA_ATTACH_CGROUP_INET6_CONNECT,
		ISA_ATTACH_CGROUP_INET6_GETPEERNAME, ISA_ATTACH_CGROUP_INET6_GETSOCKNAME,
		ISA_ATTACH_CGROUP_UDP6_SENDMSG,	     ISA_ATTACH_CGROUP_UDP6_RECVMSG
	};
	u32 at = in->attach_type;

	if (in->prog_type == ISA_PROG_CGROUP_SOCK_ADDR) {
		if (!strcmp(f->name, "user_ip4"))
			return is_attach(at, v4, ARRAY_LEN(v4));
		if (!strcmp(f->name, "user_ip6"))
			return is_attach(at, v6, ARRAY_LEN(v6));
		if (!strcmp(f->name, "msg_src_ip4"))
			return at == ISA_ATTACH_CGROUP_UDP4_SENDMSG;
		if (!strcmp(f->name, "msg_src_ip6"))
			return at == ISA_ATTACH_CGROUP_UDP6_SENDMSG;
	}
	if (in->prog_type == ISA_PROG_CGROUP_SOCK) {
		bool bind4 = at == ISA_ATTACH_CGROUP_INET4_POST_BIND;
		bool bind6 = at == ISA_ATTACH_CGROUP_INET6_POST_BIND;

		if (!strcmp(f->name, "src_ip4"))
			return bind4;
		if (!strcmp(f->name, "src_ip6"))
			return bind6;
		if (!strcmp(f->name, "src_port"))
			return bind4 || bind6;
		if (f->writable)
			return !bind4 && !bind6;
	}
	if (in->prog_type == ISA_PROG_XDP && !strcmp(f->name, "egress_ifindex"))
		return at == ISA_ATTACH_XDP_DEVMAP;
	if (in->prog_type == ISA_PROG_CGROUP_SOCKOPT && !strcmp(f->name, "retval"))
		return at != ISA_ATTACH_CGROUP_SETSOCKOPT;
	if (is_skb(in->prog_type) && !in->privileged)
		return f->kind == ISA_CTX_SCALAR ? strcmp(f->name, "tstamp") != 0
						 : f->kind == ISA_CTX_SOCK;
	return true;
}

static bool scalar_size_ok(u32 prog, const struct isa_ctx_field *f, s32 off, u32 size,
			   bool is_write)
{
	bool is_cb = is_skb(prog) && !strcmp(f->name, "cb");
	bool is_ip6 = prog == ISA_PROG_CGROUP_SOCK_ADDR && f->size == 16;
	bool is_ip = is_skb(prog) &&
		     (!strncmp(f->name, "remote_ip", 9) || !strncmp(f->name, "local_ip", 8));
	u32 unit = f->size > 8 ? 4 : f->size;

	if (is_cb || (is_ip6 && size == 8))
		return true;
	if (prog == ISA_PROG_PERF_EVENT && f->off == 0)
		return size == 8;
	if (is_write && prog == ISA_PROG_SOCK_OPS && off != 4 && strcmp(f->name, "sk_txhash") != 0)
		return false;
	/* A port of two bytes has two spare ones behind it. */
	if (unit == 2 && size == 4 && !is_write)
		return (u32)off == f->off;
	if (unit == 2 && off >= f->off + 2)
		return prog == ISA_PROG_SK_LOOKUP && !is_write && size <= 2;
	if (size == unit)
		return true;
	if (is_ip || (is_skb(prog) && unit == 8))
		return false;
	return size < unit && !is_write && parts_allowed(prog, f, off, size);
}

static const struct isa_ctx_field *
find_field(const struct verify_input *in, const struct isa_ctx *c, s32 off, u32 size, bool is_write)
{
	for (u32 i = 0; i < c->n; i++) {
		const struct isa_ctx_field *f = &c->fields[i];
		u32 end = f->off + (f->size == 2 ? 4u : f->size);

		if (off < f->off || (u32)off + size > end || (is_write && !f->writable))
			continue;
		if (f->kind != ISA_CTX_SCALAR && f->kind != ISA_CTX_ARG &&
		    ((u32)off != f->off || size != f->size))
			continue;
		if (f->kind == ISA_CTX_SCALAR &&
		    !scalar_size_ok(in->prog_type, f, off, size, is_write))
			continue;
		if (is_write && in->attach_type == ISA_ATTACH_CGROUP_GETSOCKOPT &&
		    (!strcmp(f->name, "level") || !strcmp(f->name, "optname")))
			continue;
		if (attach_allows(in, f))
			return f;
	}
	return NULL;
}

static void field_pointer(struct verifier *v, const struct isa_ctx_field *f, const struct reg *base,
			  struct reg *out)
{
	u32 prog = v->in->prog_type;

	if (f->kind == ISA_CTX_SCALAR || f->kind == ISA_CTX_ARG)
		return;
	memset(out, 0, sizeof(*out));
	out->n = num_const(0);
	out->node = verify_node(v, base->node, 0);
	switch (f->kind) {
	case ISA_CTX_PACKET: out->kind = K_PACKET; break;
	case ISA_CTX_PACKET_META: out->kind = K_META; break;
	case ISA_CTX_PACKET_END: out->kind = K_END; break;
	case ISA_CTX_FLOW_KEYS: out->kind = K_FLOW_KEYS; break;
	default:
		out->kind =
			is_skb(prog) || !strcmp(f->name, "migrating_sk") ? K_SOCK_COMMON : K_SOCK;
		out->or_null = out->kind == K_SOCK_COMMON || prog == ISA_PROG_SOCK_OPS ||
			       prog == ISA_PROG_SK_LOOKUP || prog == ISA_PROG_SK_MSG;
		out->id = out->or_null ? ++v->last_id : 0;
		break;
	}
}

bool verify_ctx_access(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
		       bool is_write, struct reg *out)
{
	const struct isa_ctx *c = isa_ctx_of(v->in->prog_type);
	const struct isa_ctx_field *f;
	s64 end = (s64)off + size;

	if (r->off || !num_is(&r->n, 0))
		return verify_refuse(v, V_CTX_MODIFIED, r->node,
				     "Use the context pointer as it came, with the field's offset "
				     "in the load.",
				     "r%u is the context pointer moved by a number.", no);
	if (off < 0 || off % (s32)size)
		return verify_bad_field(v, r, off, size, is_write);
	switch (v->in->prog_type) {
	case ISA_PROG_KPROBE:
		return (!is_write && end <= PT_REGS_BYTES) ||
		       verify_bad_field(v, r, off, size, is_write);
	case ISA_PROG_TRACEPOINT:
		return (!is_write && off >= 8 && end <= TRACE_RECORD_BYTES) ||
		       verify_bad_field(v, r, off, size, is_write);
	case ISA_PROG_RAW_TRACEPOINT:
	case ISA_PROG_RAW_TRACEPOINT_WRITABLE:
		if (is_write || end > 96)
			return verify_bad_field(v, r, off, size, is_write);
		if (off == 0 && v->in->prog_type == ISA_PROG_RAW_TRACEPOINT_WRITABLE) {
			if (size != 8)
				return verify_bad_field(v, r, off, size, is_write);
			out->kind = K_TP_BUFFER;
			out->n = num_const(0);
		}
		return true;
	case ISA_PROG_SYSCALL:
		return end <= UINT16_MAX || verify_bad_field(v, r, off, size, is_write);
	case ISA_PROG_TRACING:
	case ISA_PROG_LSM: return verify_btf_argument(v, r, off, size, is_write, out);
	default: break;
	}
	f = c ? find_field(v->in, c, off, size, is_write) : NULL;
	if (!f)
		return verify_bad_field(v, r, off, size, is_write);
	if (!is_write)
		field_pointer(v, f, r, out);
	return true;
}

static bool bad_sock(struct verifier *v, const struct reg *r, s32 off, u32 size, const char *why)
{
	return verify_refuse(v, V_CTX_FIELD, r->node, "Use a field's own offset and size.",
			     "%u bytes at offset %d of %s cannot be read%s.", size, off,
			     verify_kind_name(r), why);
}

bool verify_sock_access(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
			bool is_write)
{
	const struct isa_ctx *c = isa_ctx_of(ISA_PROG_CGROUP_SOCK);

	if (is_write)
		return verify_refuse(v, V_READ_ONLY, r->node, "", "A socket (r%u) is read-only.",
				     no);
	if (r->kind == K_XDP_SOCK)
		return (r->off == 0 && off == 0 && size == 4) || bad_sock(v, r, off, size, "");
	if (r->off || !num_is(&r->n, 0) || off < 0 || off % (s32)size)
		return bad_sock(v, r, off, size, "");
	if (r->kind == K_TCP_SOCK) {
		bool wide = off >= 80 && off < 96;

		return (off < 112 && size == (wide ? 8 : 4)) || bad_sock(v, r, off, size, "");
	}
	if (r->kind == K_SOCK_COMMON && off >= 8 && off < 24)
		return bad_sock(v, r, off, size, ": it needs bpf_sk_fullsock() first");
	for (u32 i = 0; i < c->n; i++) {
		const struct isa_ctx_field *f = &c->fields[i];
		u32 unit = f->size > 4 ? 4 : f->size;

		if (off >= f->off && (u32)off + size <= f->off + f->size && size <= unit &&
		    (size == unit || sock_parts(f, off)))
			return true;
		if (f->size == 2 && off == f->off && size == 4)
			return true;
	}
	return bad_sock(v, r, off, size, "");
}
