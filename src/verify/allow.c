/* Which program types may call which helpers, and which maps they work on.
 *
 * Helpers that any program has are one list; the others are rows of bits, a bit a program type. Maps of special kinds name the helpers that take them; those helpers take no other
 * map. Facts of the kernel's tables.
 */
#include "verify/state.h"

#define P(type) (1ull << ISA_PROG_##type)
#define G_ALL	(~0ull)
#define G_TC	(P(SCHED_CLS) | P(SCHED_ACT))
#define G_LWT	(P(LWT_IN) | P(LWT_OUT) | P(LWT_XMIT) | P(LWT_SEG6LOCAL))
#define G_BTF	(P(TRACING) | P(LSM))
#define G_TRACERS                                                                                  \
	(P(KPROBE) | P(TRACEPOINT) | P(PERF_EVENT) | P(RAW_TRACEPOINT) | P(RAW_TRACEPOINT_WRITABLE))
#define G_TRACE (G_TRACERS | G_BTF)
#define G_CGROUP                                                                                   \
	(P(CGROUP_SKB) | P(CGROUP_SOCK) | P(SOCK_OPS) | P(CGROUP_DEVICE) | P(CGROUP_SOCK_ADDR) |   \
	 P(CGROUP_SYSCTL) | P(CGROUP_SOCKOPT))
#define G_CASTS                                                                                    \
	(G_LWT | G_TC | G_BTF | P(SOCKET_FILTER) | P(XDP) | P(CGROUP_SKB) | P(SOCK_OPS) |          \
	 P(SK_SKB) | P(SK_MSG) | P(CGROUP_SOCK_ADDR) | P(FLOW_DISSECTOR) | P(SK_LOOKUP) |          \
	 P(SYSCALL))

/* What any program may call, also an unprivileged one. */
static bool base_helper(u32 id)
{
	static const u8 ids[] = { 1,  2,   3,	5,   7,	  8,   12,  42,	 87, 88,
				  89, 125, 130, 131, 132, 133, 134, 195, 208 };

	for (u32 i = 0; i < ARRAY_LEN(ids); i++)
		if (ids[i] == id)
			return true;
	return false;
}

/* The others: a bit a program type, as the helpers' prototypes in release 6.18 say. Those that have
 * all bits, and the casts, need privilege. */
static const u64 allowed[] = {
	[4] = G_TRACE,
	[6] = G_ALL,
	[9] = G_TC | P(LWT_XMIT) | P(SK_SKB),
	[10] = G_TC | P(LWT_XMIT),
	[11] = G_TC | P(LWT_XMIT),
	[13] = G_TC | P(LWT_XMIT),
	[14] = G_ALL,
	[15] = G_ALL,
	[16] = G_ALL,
	[17] = G_ALL,
	[18] = G_TC,
	[19] = G_TC,
	[20] = G_TC | P(LWT_XMIT),
	[21] = G_TC | P(LWT_XMIT),
	[22] = G_ALL,
	[23] = G_TC | P(XDP) | P(LWT_XMIT),
	[24] = G_LWT | G_TC,
	[25] = G_TRACE | G_LWT | G_TC | G_CGROUP | P(SOCKET_FILTER) | P(XDP) | P(SK_SKB) |
	       P(SK_MSG) | P(SK_LOOKUP) | P(SYSCALL),
	[26] = G_LWT | G_TC | P(SOCKET_FILTER) | P(CGROUP_SKB) | P(SK_SKB) | P(SK_REUSEPORT) |
	       P(FLOW_DISSECTOR),
	[27] = G_TRACE | P(SYSCALL),
	[28] = G_LWT | G_TC | P(XDP),
	[29] = G_TC | P(LWT_XMIT),
	[30] = G_TC | P(LWT_XMIT),
	[31] = G_TC,
	[32] = G_TC,
	[33] = G_LWT | G_TC,
	[34] = G_LWT | G_TC,
	[35] = G_ALL,
	[36] = G_TRACE,
	[37] = G_ALL,
	[38] = G_TC | P(LWT_XMIT) | P(SK_SKB),
	[39] = G_LWT | G_TC | P(SK_SKB),
	[40] = G_TC | P(LWT_XMIT),
	[41] = G_TC | P(LWT_XMIT),
	[43] = G_TC | P(LWT_XMIT) | P(SK_SKB),
	[44] = P(XDP),
	[45] = G_TRACE,
	[46] = G_TC | P(SOCKET_FILTER) | P(CGROUP_SKB) | P(CGROUP_SOCK) | P(SOCK_OPS) | P(SK_SKB) |
	       P(CGROUP_SOCK_ADDR) | P(SK_REUSEPORT) | P(SYSCALL),
	[47] = G_TC | P(SOCKET_FILTER) | P(CGROUP_SKB) | P(SK_SKB),
	[48] = G_TC,
	[49] = P(SOCK_OPS) | P(CGROUP_SOCK_ADDR) | P(CGROUP_SOCKOPT),
	[50] = G_TC | P(SK_SKB),
	[51] = P(XDP),
	[52] = P(SK_SKB),
	[53] = P(SOCK_OPS),
	[54] = P(XDP),
	[55] = G_ALL,
	[56] = G_BTF | P(PERF_EVENT),
	[57] = P(SOCK_OPS) | P(CGROUP_SOCK_ADDR) | P(CGROUP_SOCKOPT),
	[58] = G_BTF | P(KPROBE),
	[59] = P(SOCK_OPS),
	[60] = P(SK_MSG),
	[61] = P(SK_MSG),
	[62] = P(SK_MSG),
	[63] = P(SK_MSG),
	[64] = P(CGROUP_SOCK_ADDR),
	[65] = P(XDP),
	[66] = G_TC,
	[67] = G_TRACE | P(SYSCALL),
	[68] = G_TC | P(SOCKET_FILTER) | P(CGROUP_SKB) | P(SK_REUSEPORT),
	[69] = G_TC | P(XDP),
	[70] = P(SOCK_OPS),
	[71] = P(SK_MSG),
	[72] = P(SK_SKB),
	[73] = P(LWT_IN) | P(LWT_XMIT),
	[74] = P(LWT_SEG6LOCAL),
	[75] = P(LWT_SEG6LOCAL),
	[76] = P(LWT_SEG6LOCAL),
	[77] = P(LIRC_MODE2),
	[78] = P(LIRC_MODE2),
	[79] = G_TC | P(CGROUP_SKB),
	[80] = G_ALL,
	[81] = G_CGROUP,
	[82] = P(SK_REUSEPORT),
	[83] = G_TC | P(CGROUP_SKB),
	[84] = G_TC | P(XDP) | P(CGROUP_SKB) | P(SK_SKB) | P(CGROUP_SOCK_ADDR),
	[85] = G_TC | P(XDP) | P(CGROUP_SKB) | P(SK_SKB) | P(CGROUP_SOCK_ADDR),
	[86] = G_TC | P(XDP) | P(CGROUP_SKB) | P(SK_SKB) | P(CGROUP_SOCK_ADDR) | P(SK_LOOKUP),
	[90] = P(SK_MSG),
	[91] = P(SK_MSG),
	[92] = P(LIRC_MODE2),
	[93] = G_ALL,
	[94] = G_ALL,
	[95] = G_TC | P(CGROUP_SKB),
	[96] = G_TC | P(CGROUP_SKB) | P(SOCK_OPS) | P(CGROUP_SOCKOPT),
	[97] = G_TC | P(CGROUP_SKB),
	[98] = G_TC | P(CGROUP_SKB),
	[99] = G_TC | P(XDP) | P(CGROUP_SKB) | P(SK_SKB) | P(CGROUP_SOCK_ADDR),
	[100] = G_TC | P(XDP),
	[101] = P(CGROUP_SYSCTL),
	[102] = P(CGROUP_SYSCTL),
	[103] = P(CGROUP_SYSCTL),
	[104] = P(CGROUP_SYSCTL),
	[105] = G_ALL,
	[106] = G_ALL,
	[107] = G_TC | P(CGROUP_SKB) | P(CGROUP_SOCK) | P(SOCK_OPS) | P(SK_MSG) |
		P(CGROUP_SOCK_ADDR) | P(CGROUP_SOCKOPT) | P(SYSCALL),
	[108] = G_TC | P(CGROUP_SKB) | P(SOCK_OPS) | P(SK_MSG) | P(CGROUP_SOCK_ADDR) |
		P(CGROUP_SOCKOPT) | P(SYSCALL),
	[109] = G_ALL,
	[110] = G_TC | P(XDP),
	[111] = G_BTF | P(SYSCALL),
	[112] = G_ALL,
	[113] = G_ALL,
	[114] = G_ALL,
	[115] = G_ALL,
	[117] = G_ALL,
	[118] = G_ALL,
	[119] = G_BTF | P(PERF_EVENT),
	[120] = G_ALL,
	[121] = G_BTF | P(SYSCALL),
	[122] = G_TC | P(SOCKET_FILTER) | P(CGROUP_SKB) | P(CGROUP_SOCK) | P(SOCK_OPS) | P(SK_MSG) |
		P(CGROUP_SOCK_ADDR) | P(CGROUP_SOCKOPT),
	[123] = G_ALL,
	[124] = G_TC | P(SK_LOOKUP),
	[126] = G_BTF,
	[127] = G_BTF,
	[128] = P(CGROUP_SKB),
	[129] = P(CGROUP_SKB),
	[135] = G_TC | P(LWT_XMIT),
	[136] = G_CASTS,
	[137] = G_CASTS,
	[138] = G_CASTS,
	[139] = G_CASTS,
	[140] = G_CASTS,
	[141] = G_ALL,
	[142] = P(SOCK_OPS),
	[143] = P(SOCK_OPS),
	[144] = P(SOCK_OPS),
	[145] = P(LSM),
	[146] = P(LSM),
	[147] = G_BTF | P(SYSCALL),
	[148] = G_BTF | P(KPROBE) | P(SYSCALL),
	[149] = G_ALL,
	[150] = G_BTF,
	[151] = G_TC,
	[152] = G_TC,
	[153] = G_ALL,
	[154] = G_ALL,
	[155] = G_TC,
	[156] = G_ALL,
	[157] = G_ALL,
	[158] = G_ALL,
	[159] = P(LSM),
	[160] = G_ALL & ~(G_TRACERS | P(CGROUP_DEVICE) | P(CGROUP_SOCKOPT) | P(SYSCALL)),
	[161] = P(LSM),
	[162] = G_BTF | P(SYSCALL),
	[163] = G_TC | P(XDP),
	[164] = G_ALL,
	[165] = G_ALL,
	[166] = P(SYSCALL),
	[167] = P(SYSCALL),
	[168] = P(SYSCALL),
	[169] = G_ALL,
	[170] = G_ALL,
	[171] = G_ALL,
	[172] = G_ALL,
	[173] = P(TRACING) | P(KPROBE),
	[174] = G_TRACE,
	[175] = G_ALL,
	[176] = G_ALL,
	[177] = G_ALL,
	[178] = G_CASTS,
	[179] = P(SYSCALL),
	[180] = G_ALL,
	[181] = G_ALL,
	[182] = G_ALL,
	[183] = G_BTF,
	[184] = G_BTF,
	[185] = G_BTF,
	[186] = P(CGROUP_SOCK) | P(CGROUP_SOCK_ADDR) | P(CGROUP_SOCKOPT),
	[187] = P(CGROUP_SOCK) | P(CGROUP_SOCK_ADDR) | P(CGROUP_SOCKOPT),
	[188] = P(XDP) | P(SYSCALL),
	[189] = P(XDP),
	[190] = P(XDP),
	[191] = G_BTF | P(KPROBE) | P(SYSCALL),
	[192] = G_TC,
	[193] = P(LSM),
	[194] = G_ALL,
	[196] = G_CASTS,
	[197] = G_ALL,
	[198] = G_ALL,
	[199] = G_ALL,
	[200] = G_ALL,
	[201] = G_ALL,
	[202] = G_ALL,
	[203] = G_ALL,
	[204] = G_TC | P(XDP),
	[205] = G_TC | P(XDP),
	[206] = G_TC | P(XDP),
	[207] = G_TC | P(XDP),
	[209] = G_ALL,
	[210] = G_ALL,
	[211] = G_ALL,
};

/* What only some hooks of a type may call; a type without a hook is taken as the widest. */
static bool hook_allows(u32 at, u32 id)
{
	switch (id) {
	case ISA_FN_bind:
		return at == OBJ_NONE || at == ISA_ATTACH_CGROUP_INET4_CONNECT ||
		       at == ISA_ATTACH_CGROUP_INET6_CONNECT;
	case ISA_FN_get_retval:
	case ISA_FN_set_retval:
		return at != ISA_ATTACH_CGROUP_UDP4_RECVMSG &&
		       at != ISA_ATTACH_CGROUP_UDP6_RECVMSG &&
		       at != ISA_ATTACH_CGROUP_INET4_GETPEERNAME &&
		       at != ISA_ATTACH_CGROUP_INET6_GETPEERNAME &&
		       at != ISA_ATTACH_CGROUP_INET4_GETSOCKNAME &&
		       at != ISA_ATTACH_CGROUP_INET6_GETSOCKNAME;
	case ISA_FN_setsockopt:
	case ISA_FN_getsockopt: return at != ISA_ATTACH_CGROUP_GETSOCKOPT;
	default: return true;
	}
}

static bool allows(const struct verify_input *in, u32 id)
{
	u64 types = id < ARRAY_LEN(allowed) ? allowed[id] : 0;

	if (base_helper(id))
		return true;
	if (!in->privileged && (types == G_ALL || types == G_CASTS))
		return false;
	return in->prog_type < 64 && (types >> in->prog_type & 1) &&
	       hook_allows(in->attach_type, id);
}

/* Helpers whose objects this verifier does not follow yet. */
static bool not_followed(const struct isa_helper *h)
{
	for (u32 i = 0; i < 5; i++)
		if (h->args[i] == ISA_ARG_TIMER || h->args[i] == ISA_ARG_DYNPTR ||
		    h->args[i] == ISA_ARG_OUT_DYNPTR || h->args[i] == ISA_ARG_PERCPU_BTF)
			return true;
	return h->id == ISA_FN_user_ringbuf_drain || h->id == ISA_FN_find_vma;
}

bool verify_helper_allowed(struct verifier *v, const struct isa_helper *h)
{
	const struct isa_kind *p = isa_prog_kind(v->in->prog_type);
	u32 id = h->id;

	if (v->in->helper && v->in->helper(v->in->helper_arg, id) == h)
		return true;
	if (not_followed(h))
		return verify_refuse(v, V_HELPER, 0, "", "The verifier cannot follow bpf_%s() yet.",
				     h->name);
	if ((h->flags & ISA_SLEEPABLE) && !v->in->sleepable)
		return verify_refuse(v, V_HELPER, 0, "Use a sleepable program.",
				     "bpf_%s() may sleep, this program may not.", h->name);
	if (allows(v->in, id))
		return true;
	return verify_refuse(v, V_HELPER, 0, "", "bpf_%s() is not for %sprograms of type %s.",
			     h->name, v->in->privileged ? "" : "unprivileged ", p ? p->name : "?");
}

/* Helpers that take packet data as memory. */
bool verify_packet_helper(u32 id)
{
	static const u8 ids[] = { 1,  2,  3,  28,  69,	70,  71,  72,  82,  84,	 85, 87,
				  88, 89, 99, 100, 110, 152, 195, 204, 205, 206, 207 };

	for (u32 i = 0; i < ARRAY_LEN(ids); i++)
		if (ids[i] == id)
			return true;
	return false;
}

struct map_row {
	u8 type;
	u8 ids[7];
};
static const struct map_row map_rows[] = {
	{ ISA_MAP_PROG_ARRAY, { 12 } },
	{ ISA_MAP_PERF_EVENT_ARRAY, { 22, 25, 55, 111, 121 } },
	{ ISA_MAP_RINGBUF, { 130, 131, 134, 198 } },
	{ ISA_MAP_USER_RINGBUF, { 209 } },
	{ ISA_MAP_STACK_TRACE, { 27 } },
	{ ISA_MAP_CGROUP_ARRAY, { 33, 37 } },
	{ ISA_MAP_CGROUP_STORAGE, { 81 } },
	{ ISA_MAP_PERCPU_CGROUP_STORAGE, { 81 } },
	{ ISA_MAP_DEVMAP, { 51, 1 } },
	{ ISA_MAP_DEVMAP_HASH, { 51, 1 } },
	{ ISA_MAP_CPUMAP, { 51 } },
	{ ISA_MAP_XSKMAP, { 51, 1 } },
	{ ISA_MAP_ARRAY_OF_MAPS, { 1 } },
	{ ISA_MAP_HASH_OF_MAPS, { 1 } },
	{ ISA_MAP_SOCKMAP, { 52, 53, 3, 60, 82, 1 } },
	{ ISA_MAP_SOCKHASH, { 72, 70, 3, 71, 82, 1 } },
	{ ISA_MAP_REUSEPORT_SOCKARRAY, { 82 } },
	{ ISA_MAP_QUEUE, { 87, 88, 89 } },
	{ ISA_MAP_STACK, { 87, 88, 89 } },
	{ ISA_MAP_BLOOM_FILTER, { 87, 89 } },
	{ ISA_MAP_SK_STORAGE, { 107, 108 } },
	{ ISA_MAP_INODE_STORAGE, { 145, 146 } },
	{ ISA_MAP_TASK_STORAGE, { 156, 157 } },
	{ ISA_MAP_CGRP_STORAGE, { 210, 211 } },
	{ ISA_MAP_STRUCT_OPS, { 0 } },
	{ ISA_MAP_ARENA, { 0 } },
};

static bool row_has(const struct map_row *r, u32 id)
{
	for (u32 i = 0; i < ARRAY_LEN(r->ids) && r->ids[i]; i++)
		if (r->ids[i] == id)
			return true;
	return false;
}

static bool is_special(u32 id)
{
	if (id == ISA_FN_map_lookup_elem || id == ISA_FN_map_delete_elem)
		return false;
	for (u32 i = 0; i < ARRAY_LEN(map_rows); i++)
		if (row_has(&map_rows[i], id))
			return true;
	return false;
}

#define SOCKMAP_DELETERS                                                                           \
	(P(SOCKET_FILTER) | G_TC | P(XDP) | P(SOCK_OPS) | P(SK_REUSEPORT) | P(FLOW_DISSECTOR) |    \
	 P(SK_LOOKUP))

bool verify_map_fits(struct verifier *v, const struct isa_helper *h, u32 map)
{
	u32 type = v->in->maps[map].type;
	const struct isa_kind *k = isa_map_kind(type);
	bool ok = !is_special(h->id);

	for (u32 i = 0; i < ARRAY_LEN(map_rows); i++)
		if (map_rows[i].type == type)
			ok = row_has(&map_rows[i], h->id);
	if (h->id == ISA_FN_map_delete_elem &&
	    (type == ISA_MAP_SOCKMAP || type == ISA_MAP_SOCKHASH))
		ok = v->in->prog_type < 64 && (SOCKMAP_DELETERS >> v->in->prog_type & 1);
	if (h->id == ISA_FN_map_lookup_percpu_elem)
		ok = isa_map_is_percpu(type) && type != ISA_MAP_PERCPU_CGROUP_STORAGE;
	if (h->id > 211)
		ok = true;
	if (ok)
		return true;
	return verify_refuse(v, V_MAP_KIND, 0, "", "bpf_%s() does not work on a map of type %s.",
			     h->name, k ? k->name : "?");
}
