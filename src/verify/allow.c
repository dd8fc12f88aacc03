/* Which program types may call which helpers, and which maps they work on.
 *
 * Helpers that any program has are one list; the others are rows of bits, a bit a family of
 * program types. Maps of special kinds name the helpers that take them; those helpers take no other
 * map. Facts of the kernel's tables.
 */
#include "verify/state.h"

enum family {
	F_TRACE = 1,
	F_SOCKET = 2,
	F_TC = 4,
	F_XDP = 8,
	F_CGROUP_SKB = 16,
	F_LWT = 32,
	F_SK_SKB = 64,
	F_SK_MSG = 128,
	F_SOCK_OPS = 256,
	F_CGROUP = 512,
	F_LOOKUP = 1024,
	F_REUSEPORT = 2048,
	F_DISSECT = 4096,
	F_LIRC = 8192,
	F_SYSCALL = 16384,
	F_LSM = 32768
};
#define F_SKB	 (F_SOCKET | F_TC | F_CGROUP_SKB | F_LWT | F_SK_SKB)
#define F_WHO	 (F_TRACE | F_LSM | F_CGROUP | F_SK_MSG | F_SYSCALL | F_CGROUP_SKB | F_SOCK_OPS)
#define F_OUT	 (F_TRACE | F_LSM | F_SKB | F_XDP | F_SK_MSG | F_SOCK_OPS | F_CGROUP | F_LOOKUP)
#define F_FIND	 (F_TC | F_XDP | F_CGROUP_SKB | F_SK_SKB | F_CGROUP)
#define F_TCPISH (F_TC | F_XDP | F_CGROUP_SKB | F_SK_SKB)

static u32 family_of(u32 prog)
{
	switch (prog) {
	case ISA_PROG_SOCKET_FILTER: return F_SOCKET;
	case ISA_PROG_SCHED_CLS:
	case ISA_PROG_SCHED_ACT: return F_TC;
	case ISA_PROG_XDP: return F_XDP;
	case ISA_PROG_CGROUP_SKB: return F_CGROUP_SKB;
	case ISA_PROG_LWT_IN:
	case ISA_PROG_LWT_OUT:
	case ISA_PROG_LWT_XMIT:
	case ISA_PROG_LWT_SEG6LOCAL: return F_LWT;
	case ISA_PROG_SK_SKB: return F_SK_SKB;
	case ISA_PROG_SK_MSG: return F_SK_MSG;
	case ISA_PROG_SOCK_OPS: return F_SOCK_OPS;
	case ISA_PROG_CGROUP_SOCK:
	case ISA_PROG_CGROUP_SOCK_ADDR:
	case ISA_PROG_CGROUP_DEVICE:
	case ISA_PROG_CGROUP_SYSCTL:
	case ISA_PROG_CGROUP_SOCKOPT: return F_CGROUP;
	case ISA_PROG_SK_LOOKUP: return F_LOOKUP;
	case ISA_PROG_SK_REUSEPORT: return F_REUSEPORT;
	case ISA_PROG_FLOW_DISSECTOR: return F_DISSECT;
	case ISA_PROG_LIRC_MODE2: return F_LIRC;
	case ISA_PROG_SYSCALL: return F_SYSCALL;
	case ISA_PROG_LSM: return F_LSM | F_TRACE;
	default: return F_TRACE;
	}
}

/* Any program; `any`: unprivileged ones too. */
static bool base_helper(u32 id, bool privileged)
{
	static const u8 any[] = { 1,  2,   3,	5,   7,	  8,   12,  42,	 87, 88,
				  89, 125, 130, 131, 132, 133, 134, 195, 208 };
	static const u8 more[] = { 4,	6,   35,  45,  93,  94,	 105, 106, 112, 113, 114,
				   115, 118, 149, 158, 160, 164, 165, 175, 177, 181, 182 };

	for (u32 i = 0; i < ARRAY_LEN(any); i++)
		if (any[i] == id)
			return true;
	for (u32 i = 0; privileged && i < ARRAY_LEN(more); i++)
		if (more[i] == id)
			return true;
	return false;
}

static const u16 allowed[] = {
	[9] = F_TC | F_LWT | F_SK_SKB,
	[10] = F_TC | F_LWT,
	[11] = F_TC | F_LWT,
	[13] = F_TC | F_LWT,
	[14] = F_WHO,
	[15] = F_WHO,
	[16] = F_WHO,
	[17] = F_TC | F_LWT | F_CGROUP,
	[18] = F_TC,
	[19] = F_TC,
	[20] = F_TC | F_LWT,
	[21] = F_TC | F_LWT,
	[22] = F_TRACE,
	[23] = F_TC | F_XDP | F_LWT,
	[24] = F_TC | F_LWT,
	[25] = F_OUT,
	[26] = F_SKB | F_REUSEPORT | F_DISSECT,
	[27] = F_TRACE,
	[28] = F_TC | F_XDP | F_LWT,
	[29] = F_TC | F_LWT,
	[30] = F_TC | F_LWT,
	[31] = F_TC,
	[32] = F_TC,
	[33] = F_TC | F_LWT,
	[34] = F_TC | F_LWT,
	[36] = F_TRACE,
	[37] = F_TRACE,
	[38] = F_TC | F_LWT | F_SK_SKB,
	[39] = F_TC | F_LWT | F_SK_SKB,
	[40] = F_TC,
	[41] = F_TC | F_LWT,
	[43] = F_TC | F_LWT | F_SK_SKB,
	[44] = F_XDP,
	[46] = F_SKB | F_SOCK_OPS | F_CGROUP | F_REUSEPORT | F_SK_SKB,
	[47] = F_SKB,
	[48] = F_TC,
	[49] = F_SOCK_OPS | F_CGROUP,
	[50] = F_TC | F_SK_SKB,
	[51] = F_XDP,
	[52] = F_SK_SKB,
	[53] = F_SOCK_OPS,
	[54] = F_XDP,
	[55] = F_TRACE,
	[56] = F_TRACE,
	[57] = F_SOCK_OPS | F_CGROUP,
	[58] = F_TRACE,
	[59] = F_SOCK_OPS,
	[60] = F_SK_MSG,
	[61] = F_SK_MSG,
	[62] = F_SK_MSG,
	[63] = F_SK_MSG,
	[64] = F_CGROUP,
	[65] = F_XDP,
	[66] = F_TC,
	[67] = F_TRACE,
	[68] = F_SOCKET | F_TC | F_CGROUP_SKB | F_REUSEPORT,
	[69] = F_TC | F_XDP,
	[70] = F_SOCK_OPS,
	[71] = F_SK_MSG,
	[72] = F_SK_SKB,
	[73] = F_LWT,
	[74] = F_LWT,
	[75] = F_LWT,
	[76] = F_LWT,
	[77] = F_LIRC,
	[78] = F_LIRC,
	[79] = F_TC | F_CGROUP_SKB,
	[80] = F_WHO,
	[81] = F_CGROUP_SKB | F_CGROUP | F_SOCK_OPS,
	[82] = F_REUSEPORT,
	[83] = F_TC | F_CGROUP_SKB,
	[84] = F_FIND,
	[85] = F_FIND,
	[86] = F_FIND | F_SOCKET | F_LOOKUP | F_SOCK_OPS | F_SK_MSG | F_REUSEPORT,
	[90] = F_SK_MSG,
	[91] = F_SK_MSG,
	[92] = F_LIRC,
	[95] = F_TC | F_CGROUP_SKB,
	[96] = F_TC | F_CGROUP_SKB | F_CGROUP | F_SOCK_OPS,
	[97] = F_TC | F_CGROUP_SKB,
	[98] = F_TC | F_CGROUP_SKB,
	[99] = F_FIND,
	[100] = F_TC | F_XDP,
	[101] = F_CGROUP,
	[102] = F_CGROUP,
	[103] = F_CGROUP,
	[104] = F_CGROUP,
	[107] = F_TC | F_CGROUP_SKB | F_CGROUP | F_SOCK_OPS | F_SK_MSG,
	[108] = F_TC | F_CGROUP_SKB | F_CGROUP | F_SOCK_OPS | F_SK_MSG,
	[109] = F_TRACE,
	[110] = F_TC | F_XDP,
	[111] = F_TRACE,
	[117] = F_TRACE,
	[119] = F_TRACE,
	[120] = F_WHO,
	[121] = F_TRACE,
	[122] = F_TC | F_CGROUP | F_SOCK_OPS | F_SK_MSG,
	[123] = F_WHO,
	[124] = F_TC | F_LOOKUP,
	[126] = F_TRACE,
	[127] = F_TRACE,
	[128] = F_CGROUP_SKB,
	[129] = F_CGROUP_SKB,
	[135] = F_TC,
	[136] = F_TRACE | F_TCPISH | F_SOCK_OPS,
	[137] = F_TRACE | F_TCPISH | F_SOCK_OPS,
	[138] = F_TRACE | F_TCPISH,
	[139] = F_TRACE | F_TCPISH,
	[140] = F_TRACE | F_TCPISH,
	[141] = F_TRACE,
	[142] = F_SOCK_OPS,
	[143] = F_SOCK_OPS,
	[144] = F_SOCK_OPS,
	[145] = F_LSM,
	[146] = F_LSM,
	[147] = F_TRACE,
	[148] = F_TRACE | F_SYSCALL,
	[150] = F_TRACE,
	[151] = F_TC,
	[152] = F_TC,
	[155] = F_TC,
	[156] = F_TRACE,
	[157] = F_TRACE,
	[159] = F_LSM,
	[161] = F_LSM,
	[162] = F_TRACE,
	[163] = F_TC | F_XDP,
	[166] = F_SYSCALL,
	[167] = F_SYSCALL,
	[168] = F_SYSCALL,
	[173] = F_TRACE,
	[174] = F_TRACE,
	[176] = F_TRACE,
	[178] = F_TRACE | F_TCPISH,
	[179] = F_SYSCALL,
	[180] = F_TRACE,
	[183] = F_TRACE,
	[184] = F_TRACE,
	[185] = F_TRACE,
	[186] = F_CGROUP,
	[187] = F_CGROUP,
	[188] = F_XDP,
	[189] = F_XDP,
	[190] = F_XDP,
	[191] = F_TRACE,
	[192] = F_TC,
	[193] = F_LSM,
	[204] = F_TC | F_XDP,
	[205] = F_TC | F_XDP,
	[206] = F_TC | F_XDP,
	[207] = F_TC | F_XDP,
	[210] = F_TRACE,
	[211] = F_TRACE,
};

/* Helpers whose objects this verifier does not follow yet. */
static bool not_followed(const struct isa_helper *h)
{
	for (u32 i = 0; i < 5; i++)
		if (h->args[i] == ISA_ARG_TIMER || h->args[i] == ISA_ARG_KPTR ||
		    h->args[i] == ISA_ARG_DYNPTR || h->args[i] == ISA_ARG_OUT_DYNPTR ||
		    h->args[i] == ISA_ARG_PERCPU_BTF)
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
	if (base_helper(id, v->in->privileged) ||
	    (id < ARRAY_LEN(allowed) && (allowed[id] & family_of(v->in->prog_type))))
		return true;
	return verify_refuse(v, V_HELPER, 0, "", "bpf_%s() is not for %s programs of type %s.",
			     h->name, v->in->privileged ? "any" : "unprivileged",
			     p ? p->name : "?");
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

bool verify_map_fits(struct verifier *v, const struct isa_helper *h, u32 map)
{
	u32 type = v->in->maps[map].type;
	const struct isa_kind *k = isa_map_kind(type);
	bool ok = !is_special(h->id);

	for (u32 i = 0; i < ARRAY_LEN(map_rows); i++)
		if (map_rows[i].type == type)
			ok = row_has(&map_rows[i], h->id);
	if (h->id == ISA_FN_map_lookup_percpu_elem)
		ok = isa_map_is_percpu(type) && type != ISA_MAP_PERCPU_CGROUP_STORAGE;
	if (h->id > 211)
		ok = true;
	if (ok)
		return true;
	return verify_refuse(v, V_MAP_KIND, 0, "", "bpf_%s() does not work on a map of type %s.",
			     h->name, k ? k->name : "?");
}
