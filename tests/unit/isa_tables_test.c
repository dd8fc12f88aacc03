/* Unit tests of isa: helpers, kinds, sections and contexts, among themselves and against the header
 * <linux/bpf.h> of the machine, which is read as text (it may be older or newer than our tables).
 */
#include "isa/isa.h"

#include <setjmp.h>
#include <cmocka.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/bpf.h>

#define HEADER "/usr/include/linux/bpf.h"

/* ---- helpers --------------------------------------------------------------------------------- */

static void test_helpers(void **state)
{
	(void)state;
	assert_int_equal(isa_helper_count(), 211);
	assert_null(isa_helper(0));
	assert_null(isa_helper(212));
	assert_null(isa_helper(0xffffffff));
	for (u32 id = 1; id <= isa_helper_count(); id++) {
		const struct isa_helper *h = isa_helper(id);
		char full[64];

		assert_int_equal(h->id, id);
		if (isa_helper_named(str_of(h->name)) != h)
			fail_msg("%s is not found by its name", h->name);
		snprintf(full, sizeof(full), "bpf_%s", h->name);
		assert_ptr_equal(isa_helper_named(str_of(full)), h);
		if (h->since < (3 << 8 | 19) || h->since > (6 << 8 | 18))
			fail_msg("%s: since %u.%u", h->name, h->since >> 8, h->since & 255);
		for (u32 j = isa_helper_args(h); j < 5; j++)
			if (h->args[j] != ISA_ARG_NONE)
				fail_msg("%s: a gap in its arguments", h->name);
	}
}

/* Memory comes with its size, keys and values with their map. */
static void test_helper_args(void **state)
{
	(void)state;
	for (u32 id = 1; id <= isa_helper_count(); id++) {
		const struct isa_helper *h = isa_helper(id);
		bool has_map = false;

		for (u32 j = 0; j < 5; j++) {
			enum isa_arg arg = h->args[j], next = j < 4 ? h->args[j + 1] : ISA_ARG_NONE;
			bool memory = arg == ISA_ARG_MEM || arg == ISA_ARG_MEM_OR_NULL ||
				      arg == ISA_ARG_OUT_MEM || arg == ISA_ARG_OUT_MEM_OR_NULL;
			bool size = next == ISA_ARG_SIZE || next == ISA_ARG_SIZE_OR_0;
			bool of_map = arg == ISA_ARG_KEY || arg == ISA_ARG_VALUE ||
				      arg == ISA_ARG_VALUE_OR_NULL || arg == ISA_ARG_OUT_VALUE;

			has_map |= arg == ISA_ARG_MAP;
			if (memory != size)
				fail_msg("%s: argument %u and its size", h->name, j + 1);
			if (of_map && !has_map)
				fail_msg("%s: argument %u without a map", h->name, j + 1);
		}
	}
}

static void test_helper_names(void **state)
{
	static const struct {
		const char *in;
		u32 id;
	} cases[] = {
		{ "map_lookup_elem", 1 },
		{ "bpf_map_lookup_elem", 1 },
		{ "ktime_get_ns", 5 },
		{ "bpf_cgrp_storage_delete", 211 },
		{ "bind", 64 },
		{ "xdp_store_bytes", 190 },
		{ "bpf_sys_bpf", 166 },
		{ "", 0 },
		{ "bpf_", 0 },
		{ "bpf", 0 },
		{ "map_lookup_ele", 0 },
		{ "map_lookup_elemx", 0 },
		{ "bpf_bpf_bind", 0 },
		{ "zzz", 0 },
		{ "aaa", 0 },
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		const struct isa_helper *h = isa_helper_named(str_of(cases[k].in));

		if ((h ? h->id : 0) != cases[k].id)
			fail_msg("\"%s\": got %u", cases[k].in, h ? h->id : 0);
	}
	assert_null(isa_helper_named((str){ "bind\0x", 6 }));
	assert_null(isa_helper_named((str){ "bin", 3 }));
	assert_non_null(isa_helper_named((str){ "bindings", 4 }));
	assert_int_equal(ISA_FN_get_current_pid_tgid, 14);
	assert_int_equal(isa_helper_args(isa_helper(ISA_FN_map_update_elem)), 4);
	assert_int_equal(isa_helper_args(isa_helper(ISA_FN_ktime_get_ns)), 0);
	assert_int_equal(isa_helper(ISA_FN_ringbuf_reserve)->since, 5 << 8 | 8);
	assert_true(isa_helper(ISA_FN_probe_read_kernel)->flags & ISA_GPL);
}

/* What Linux 6.18 refuses to programs without a GPL-compatible licence. */
static void test_helper_licences(void **state)
{
	static const u32 gpl[] = { 4,	6,   22,  25,  27,  35,	 36,  45,  55,	56,  58,
				   67,	69,  77,  78,  92,  100, 110, 111, 112, 113, 114,
				   115, 119, 121, 126, 127, 150, 158, 163, 165, 169, 170,
				   171, 172, 173, 175, 176, 177, 191, 204, 205, 206, 207 };
	u32 next = 0;

	(void)state;
	for (u32 id = 1; id <= isa_helper_count(); id++) {
		bool want = next < ARRAY_LEN(gpl) && gpl[next] == id;

		if (want != !!(isa_helper(id)->flags & ISA_GPL))
			fail_msg("%s: licence", isa_helper(id)->name);
		next += want;
	}
}

/* ---- the machine's header -------------------------------------------------------------------- */

/* The header's text, or NULL with the reason printed. */
static char *read_header(void)
{
	FILE *f = fopen(HEADER, "r");
	char *text = calloc(1, 1 << 20);

	if (!f) {
		print_message("skipped: no %s here\n", HEADER);
		free(text);
		return NULL;
	}
	if (text && !fread(text, 1, (1 << 20) - 1, f))
		text[0] = 0;
	fclose(f);
	return text;
}

/* `FN(name),` in the old header, `FN(name, number, ##ctx)` in the new one. */
static void test_helpers_of_header(void **state)
{
	char *text = read_header(), *p;
	u32 n = 0;

	(void)state;
	if (!text)
		skip();
	p = strstr(text, "FN(unspec");
	while (p && isa_helper(n + 1) && (p = strstr(p + 3, "FN(")) && isspace((u8)p[-1])) {
		str name = { p + 3, (u32)strcspn(p + 3, ",)") };
		const struct isa_helper *h = isa_helper(++n);

		if (!str_is(name, h->name))
			fail_msg("helper %u: the header says " STR_FMT ", we say %s", n,
				 STR_ARG(name), h->name);
	}
	assert_true(n > 150);
	free(text);
}

/* Reads an enum of the header: each name behind `prefix` is given to `check` with its number. */
static u32 read_enum(char *text, const char *head, const char *prefix,
		     void (*check)(str name, u32 number))
{
	char *p = strstr(text, head), *end = p ? strstr(p, "};") : NULL;
	u32 number = 0, n = 0;

	while (p && end && (p = strchr(p, '\n') + 1) < end) {
		u32 len;

		p += strspn(p, " \t");
		len = (u32)strcspn(p, " \t,=\n");
		if (strncmp(p, prefix, strlen(prefix)) != 0)
			continue;
		p += strlen(prefix);
		len -= (u32)strlen(prefix);
		if (p[len] == ' ' && p[len + 1] == '=') /* another name of a number */
			continue;
		check((str){ p, len }, number++);
		n++;
	}
	return n;
}

static void want_kind(const char *what, const struct isa_kind *k, str name, u32 number)
{
	char lower[64] = "";

	if (str_is(name, "UNSPEC") || !k)
		return;
	for (u32 i = 0; i < name.n && i < sizeof(lower) - 1; i++)
		lower[i] = (char)tolower((unsigned char)name.s[i]);
	if (strcmp(lower, k->name) != 0)
		fail_msg("%s %u: the header says %s, we say %s", what, number, lower, k->name);
}

static void check_map(str name, u32 number)
{
	want_kind("map type", isa_map_kind(number), name, number);
}

static void check_prog(str name, u32 number)
{
	want_kind("program type", isa_prog_kind(number), name, number);
}

static void check_attach(str name, u32 number)
{
	want_kind("attach type", isa_attach_kind(number), name, number);
}

static void test_kinds_of_header(void **state)
{
	char *text = read_header();

	(void)state;
	if (!text)
		skip();
	/* 6.2 and later keep the deprecated name of one map type in a row of its own */
	if (strstr(text, "CGROUP_STORAGE_DEPRECATED"))
		print_message("map types after 18 not compared: aliases\n");
	else
		assert_true(read_enum(text, "enum bpf_map_type {", "BPF_MAP_TYPE_", check_map) >
			    30);
	assert_true(read_enum(text, "enum bpf_prog_type {", "BPF_PROG_TYPE_", check_prog) > 30);
	assert_true(read_enum(text, "enum bpf_attach_type {", "BPF_", check_attach) > 40);
	free(text);
}

/* ---- kinds ----------------------------------------------------------------------------------- */

static void test_kinds(void **state)
{
	u32 n;

	(void)state;
	for (n = 1; isa_map_kind(n); n++) {
		assert_int_equal(isa_map_kind(n)->number, n);
		assert_ptr_equal(isa_map_kind_named(str_of(isa_map_kind(n)->name)),
				 isa_map_kind(n));
	}
	assert_int_equal(n - 1, ISA_MAP_ARENA);
	for (n = 1; isa_prog_kind(n); n++) {
		assert_int_equal(isa_prog_kind(n)->number, n);
		assert_ptr_equal(isa_prog_kind_named(str_of(isa_prog_kind(n)->name)),
				 isa_prog_kind(n));
	}
	assert_int_equal(n - 1, ISA_PROG_NETFILTER);
	for (n = 0; isa_attach_kind(n); n++) {
		assert_int_equal(isa_attach_kind(n)->number, n);
		assert_true(strlen(isa_attach_kind(n)->text) > 3);
	}
	assert_int_equal(n, 58);
	assert_null(isa_map_kind(0));
	assert_null(isa_prog_kind(0));
	assert_null(isa_map_kind_named(STR("HASH")));
	assert_null(isa_map_kind_named(STR("")));
	assert_null(isa_prog_kind_named(STR("kprob")));
	assert_int_equal(isa_map_kind_named(STR("percpu_hash"))->number, ISA_MAP_PERCPU_HASH);
	assert_int_equal(isa_prog_kind_named(STR("raw_tracepoint"))->number, 17);
	assert_int_equal(isa_map_kind(ISA_MAP_RINGBUF)->since, 5 << 8 | 8);
	for (n = 0; n < 40; n++)
		assert_int_equal(isa_map_is_percpu(n), n == 5 || n == 6 || n == 10 || n == 21);
}

/* ---- sections -------------------------------------------------------------------------------- */

static void test_sections(void **state)
{
	static const struct {
		const char *in, *prefix, *target;
		u32 prog, attach, flags;
	} cases[] = {
		{ "kprobe/do_exit", "kprobe", "do_exit", 2, -1, ISA_SEC_TARGET },
		{ "kprobe", "kprobe", "", 2, -1, ISA_SEC_TARGET },
		{ "?kprobe/do_exit", "kprobe", "do_exit", 2, -1, ISA_SEC_TARGET },
		{ "kprobe.multi/tcp_*", "kprobe.multi", "tcp_*", 2, 42, ISA_SEC_TARGET },
		{ "uprobe//bin/sh:main", "uprobe", "/bin/sh:main", 2, -1, ISA_SEC_TARGET },
		{ "uretprobe.s/x", "uretprobe.s", "x", 2, -1, ISA_SEC_TARGET | ISA_SEC_SLEEPS },
		{ "tp/syscalls/sys_enter_open", "tp", "syscalls/sys_enter_open", 5, -1,
		  ISA_SEC_TARGET },
		{ "raw_tp.w/x", "raw_tp.w", "x", 24, -1, ISA_SEC_TARGET },
		{ "tp_btf/x", "tp_btf", "x", 26, 23, ISA_SEC_TARGET | ISA_SEC_NEEDS_BTF },
		{ "fentry.s/x", "fentry.s", "x", 26, 24,
		  ISA_SEC_TARGET | ISA_SEC_NEEDS_BTF | ISA_SEC_SLEEPS },
		{ "lsm_cgroup/x", "lsm_cgroup", "x", 29, 43, ISA_SEC_TARGET | ISA_SEC_NEEDS_BTF },
		{ "iter/task", "iter", "task", 26, 28, ISA_SEC_TARGET | ISA_SEC_NEEDS_BTF },
		{ "syscall", "syscall", "", 31, -1, ISA_SEC_EXACT | ISA_SEC_SLEEPS },
		{ "xdp", "xdp", "", 6, 37, ISA_SEC_TARGET },
		{ "xdp/mine", "xdp", "mine", 6, 37, ISA_SEC_TARGET },
		{ "xdp/devmap", "xdp/devmap", "", 6, 33, ISA_SEC_EXACT },
		{ "xdp.frags/cpumap", "xdp.frags/cpumap", "", 6, 35,
		  ISA_SEC_EXACT | ISA_SEC_FRAGS },
		{ "tc", "tc", "", 3, -1, ISA_SEC_TARGET },
		{ "tc/ingress", "tc/ingress", "", 3, 46, ISA_SEC_EXACT },
		{ "tc/ingress2", "tc", "ingress2", 3, -1, ISA_SEC_TARGET },
		{ "action", "action", "", 4, -1, ISA_SEC_TARGET },
		{ "cgroup/connect4", "cgroup/connect4", "", 18, 10, ISA_SEC_EXACT },
		{ "cgroup_skb/egress", "cgroup_skb/egress", "", 8, 1, ISA_SEC_EXACT },
		{ "sk_skb", "sk_skb", "", 14, -1, ISA_SEC_EXACT },
		{ "sk_skb/stream_parser", "sk_skb/stream_parser", "", 14, 4, ISA_SEC_TARGET },
		{ "struct_ops.s/init", "struct_ops.s", "init", 27, -1,
		  ISA_SEC_TARGET | ISA_SEC_NEEDS_BTF | ISA_SEC_SLEEPS },
		{ "netfilter", "netfilter", "", 32, 45, ISA_SEC_EXACT },
		{ "perf_event", "perf_event", "", 7, 41, ISA_SEC_TARGET },
		{ "kprobes/x", NULL, "", 0, 0, 0 },
		{ "kprob", NULL, "", 0, 0, 0 },
		{ "xdp_prog", NULL, "", 0, 0, 0 },
		{ "sk_skb/nonsense", NULL, "", 0, 0, 0 },
		{ "netfilter/x", NULL, "", 0, 0, 0 },
		{ ".text", NULL, "", 0, 0, 0 },
		{ "?", NULL, "", 0, 0, 0 },
		{ "", NULL, "", 0, 0, 0 },
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		str target;
		const struct isa_section *s = isa_section_match(str_of(cases[k].in), &target);

		if (!s != !cases[k].prefix || (s && strcmp(s->prefix, cases[k].prefix) != 0))
			fail_msg("%s: got %s", cases[k].in, s ? s->prefix : "nothing");
		if (!str_is(target, cases[k].target))
			fail_msg("%s: target " STR_FMT, cases[k].in, STR_ARG(target));
		if (s && (s->prog != cases[k].prog || s->attach != cases[k].attach ||
			  s->flags != cases[k].flags))
			fail_msg("%s: %u %u %u", cases[k].in, s->prog, s->attach, s->flags);
	}
}

static void test_section_rows(void **state)
{
	(void)state;
	for (u32 i = 0; i < isa_section_count(); i++) {
		const struct isa_section *s = isa_section_at(i);
		str target;

		if (isa_section_match(str_of(s->prefix), &target) != s)
			fail_msg("%s is there twice", s->prefix);
		assert_non_null(isa_prog_kind(s->prog));
		assert_true(s->attach == 0xffffffff || isa_attach_kind(s->attach));
		if (!(s->flags & ISA_SEC_TARGET) == !(s->flags & ISA_SEC_EXACT))
			fail_msg("%s: either with a target or exact", s->prefix);
	}
	assert_null(isa_section_at(isa_section_count()));
}

/* ---- contexts -------------------------------------------------------------------------------- */

static const struct isa_ctx_field *field(u32 prog, const char *name)
{
	const struct isa_ctx *ctx = isa_ctx_of(prog);

	for (u32 i = 0; i < ctx->n; i++)
		if (strcmp(ctx->fields[i].name, name) == 0)
			return &ctx->fields[i];
	return NULL;
}

/* Any header since 5.10 has these fields at the same place. */
static void test_ctx_layout(void **state)
{
#define AT(prog, type, name)                                                                       \
	{                                                                                          \
		ISA_PROG_##prog, #name, offsetof(struct type, name),                               \
			sizeof(((struct type *)0)->name)                                           \
	}
	static const struct {
		u32 prog;
		const char *name;
		size_t off, size;
	} cases[] = {
		AT(SCHED_CLS, __sk_buff, len),
		AT(SCHED_CLS, __sk_buff, pkt_type),
		AT(SCHED_CLS, __sk_buff, mark),
		AT(SCHED_CLS, __sk_buff, queue_mapping),
		AT(SCHED_CLS, __sk_buff, protocol),
		AT(SCHED_CLS, __sk_buff, vlan_present),
		AT(SCHED_CLS, __sk_buff, vlan_tci),
		AT(SCHED_CLS, __sk_buff, vlan_proto),
		AT(SCHED_CLS, __sk_buff, priority),
		AT(SCHED_CLS, __sk_buff, ingress_ifindex),
		AT(SCHED_CLS, __sk_buff, ifindex),
		AT(SCHED_CLS, __sk_buff, tc_index),
		AT(SCHED_CLS, __sk_buff, cb),
		AT(SCHED_CLS, __sk_buff, hash),
		AT(SCHED_CLS, __sk_buff, tc_classid),
		AT(SCHED_CLS, __sk_buff, data),
		AT(SCHED_CLS, __sk_buff, data_end),
		AT(SCHED_CLS, __sk_buff, napi_id),
		AT(SCHED_CLS, __sk_buff, data_meta),
		AT(SCHED_CLS, __sk_buff, tstamp),
		AT(SCHED_CLS, __sk_buff, wire_len),
		AT(SCHED_CLS, __sk_buff, gso_segs),
		AT(SCHED_CLS, __sk_buff, sk),
		AT(SCHED_CLS, __sk_buff, gso_size),
		AT(CGROUP_SKB, __sk_buff, family),
		AT(CGROUP_SKB, __sk_buff, remote_ip4),
		AT(CGROUP_SKB, __sk_buff, local_ip4),
		AT(CGROUP_SKB, __sk_buff, remote_ip6),
		AT(CGROUP_SKB, __sk_buff, local_ip6),
		AT(CGROUP_SKB, __sk_buff, remote_port),
		AT(CGROUP_SKB, __sk_buff, local_port),
		AT(FLOW_DISSECTOR, __sk_buff, flow_keys),
		AT(XDP, xdp_md, data),
		AT(XDP, xdp_md, data_end),
		AT(XDP, xdp_md, data_meta),
		AT(XDP, xdp_md, ingress_ifindex),
		AT(XDP, xdp_md, rx_queue_index),
		AT(XDP, xdp_md, egress_ifindex),
		AT(CGROUP_SOCK, bpf_sock, bound_dev_if),
		AT(CGROUP_SOCK, bpf_sock, family),
		AT(CGROUP_SOCK, bpf_sock, type),
		AT(CGROUP_SOCK, bpf_sock, protocol),
		AT(CGROUP_SOCK, bpf_sock, mark),
		AT(CGROUP_SOCK, bpf_sock, priority),
		AT(CGROUP_SOCK, bpf_sock, src_ip4),
		AT(CGROUP_SOCK, bpf_sock, src_ip6),
		AT(CGROUP_SOCK, bpf_sock, src_port),
		AT(CGROUP_SOCK, bpf_sock, dst_ip4),
		AT(CGROUP_SOCK, bpf_sock, dst_ip6),
		AT(CGROUP_SOCK, bpf_sock, state),
		AT(CGROUP_SOCK, bpf_sock, rx_queue_mapping),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, user_family),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, user_ip4),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, user_ip6),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, user_port),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, family),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, type),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, protocol),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, msg_src_ip4),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, msg_src_ip6),
		AT(CGROUP_SOCK_ADDR, bpf_sock_addr, sk),
		AT(SOCK_OPS, bpf_sock_ops, op),
		AT(SOCK_OPS, bpf_sock_ops, args),
		AT(SOCK_OPS, bpf_sock_ops, reply),
		AT(SOCK_OPS, bpf_sock_ops, replylong),
		AT(SOCK_OPS, bpf_sock_ops, family),
		AT(SOCK_OPS, bpf_sock_ops, remote_ip6),
		AT(SOCK_OPS, bpf_sock_ops, local_ip6),
		AT(SOCK_OPS, bpf_sock_ops, remote_port),
		AT(SOCK_OPS, bpf_sock_ops, local_port),
		AT(SOCK_OPS, bpf_sock_ops, is_fullsock),
		AT(SOCK_OPS, bpf_sock_ops, snd_cwnd),
		AT(SOCK_OPS, bpf_sock_ops, srtt_us),
		AT(SOCK_OPS, bpf_sock_ops, bpf_sock_ops_cb_flags),
		AT(SOCK_OPS, bpf_sock_ops, state),
		AT(SOCK_OPS, bpf_sock_ops, rtt_min),
		AT(SOCK_OPS, bpf_sock_ops, mss_cache),
		AT(SOCK_OPS, bpf_sock_ops, packets_out),
		AT(SOCK_OPS, bpf_sock_ops, total_retrans),
		AT(SOCK_OPS, bpf_sock_ops, sacked_out),
		AT(SOCK_OPS, bpf_sock_ops, sk_txhash),
		AT(SOCK_OPS, bpf_sock_ops, bytes_received),
		AT(SOCK_OPS, bpf_sock_ops, bytes_acked),
		AT(SOCK_OPS, bpf_sock_ops, sk),
		AT(SOCK_OPS, bpf_sock_ops, skb_data),
		AT(SOCK_OPS, bpf_sock_ops, skb_data_end),
		AT(SOCK_OPS, bpf_sock_ops, skb_len),
		AT(SOCK_OPS, bpf_sock_ops, skb_tcp_flags),
		AT(SK_MSG, sk_msg_md, data),
		AT(SK_MSG, sk_msg_md, data_end),
		AT(SK_MSG, sk_msg_md, family),
		AT(SK_MSG, sk_msg_md, remote_ip4),
		AT(SK_MSG, sk_msg_md, local_ip4),
		AT(SK_MSG, sk_msg_md, remote_ip6),
		AT(SK_MSG, sk_msg_md, local_ip6),
		AT(SK_MSG, sk_msg_md, remote_port),
		AT(SK_MSG, sk_msg_md, local_port),
		AT(SK_MSG, sk_msg_md, size),
		AT(SK_MSG, sk_msg_md, sk),
		AT(SK_REUSEPORT, sk_reuseport_md, data),
		AT(SK_REUSEPORT, sk_reuseport_md, data_end),
		AT(SK_REUSEPORT, sk_reuseport_md, len),
		AT(SK_REUSEPORT, sk_reuseport_md, eth_protocol),
		AT(SK_REUSEPORT, sk_reuseport_md, ip_protocol),
		AT(SK_REUSEPORT, sk_reuseport_md, bind_inany),
		AT(SK_REUSEPORT, sk_reuseport_md, hash),
		AT(CGROUP_SYSCTL, bpf_sysctl, write),
		AT(CGROUP_SYSCTL, bpf_sysctl, file_pos),
		AT(CGROUP_SOCKOPT, bpf_sockopt, sk),
		AT(CGROUP_SOCKOPT, bpf_sockopt, optval),
		AT(CGROUP_SOCKOPT, bpf_sockopt, optval_end),
		AT(CGROUP_SOCKOPT, bpf_sockopt, level),
		AT(CGROUP_SOCKOPT, bpf_sockopt, optname),
		AT(CGROUP_SOCKOPT, bpf_sockopt, optlen),
		AT(CGROUP_SOCKOPT, bpf_sockopt, retval),
		AT(SK_LOOKUP, bpf_sk_lookup, sk),
		AT(SK_LOOKUP, bpf_sk_lookup, family),
		AT(SK_LOOKUP, bpf_sk_lookup, protocol),
		AT(SK_LOOKUP, bpf_sk_lookup, remote_ip4),
		AT(SK_LOOKUP, bpf_sk_lookup, remote_ip6),
		AT(SK_LOOKUP, bpf_sk_lookup, local_ip4),
		AT(SK_LOOKUP, bpf_sk_lookup, local_ip6),
		AT(SK_LOOKUP, bpf_sk_lookup, local_port),
		AT(CGROUP_DEVICE, bpf_cgroup_dev_ctx, access_type),
		AT(CGROUP_DEVICE, bpf_cgroup_dev_ctx, major),
		AT(CGROUP_DEVICE, bpf_cgroup_dev_ctx, minor),
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		const struct isa_ctx_field *f = field(cases[k].prog, cases[k].name);

		if (!f)
			fail_msg("%s: no such field", cases[k].name);
		if (f->off != cases[k].off || f->size != cases[k].size)
			fail_msg("%s: at %u, %u bytes", cases[k].name, f->off, f->size);
	}
}

static void test_ctx(void **state)
{
	static const struct {
		u32 prog;
		const char *name;
		int writable;
		u8 kind;
	} cases[] = {
		{ ISA_PROG_SCHED_CLS, "mark", 1, ISA_CTX_SCALAR },
		{ ISA_PROG_SOCKET_FILTER, "mark", 0, ISA_CTX_SCALAR },
		{ ISA_PROG_SOCKET_FILTER, "cb", 1, ISA_CTX_SCALAR },
		{ ISA_PROG_SOCKET_FILTER, "data", -1, 0 },
		{ ISA_PROG_SCHED_ACT, "data", 0, ISA_CTX_PACKET },
		{ ISA_PROG_SCHED_CLS, "data_meta", 0, ISA_CTX_PACKET_META },
		{ ISA_PROG_SCHED_CLS, "family", -1, 0 },
		{ ISA_PROG_CGROUP_SKB, "data_meta", -1, 0 },
		{ ISA_PROG_CGROUP_SKB, "priority", 1, ISA_CTX_SCALAR },
		{ ISA_PROG_LWT_XMIT, "data_end", 0, ISA_CTX_PACKET_END },
		{ ISA_PROG_SK_SKB, "mark", -1, 0 },
		{ ISA_PROG_SK_SKB, "sk", 0, ISA_CTX_SOCK },
		{ ISA_PROG_FLOW_DISSECTOR, "len", -1, 0 },
		{ ISA_PROG_XDP, "data", 0, ISA_CTX_PACKET },
		{ ISA_PROG_RAW_TRACEPOINT, "args", 0, ISA_CTX_ARG },
		{ ISA_PROG_PERF_EVENT, "sample_period", 0, ISA_CTX_SCALAR },
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		const struct isa_ctx_field *f = field(cases[k].prog, cases[k].name);

		if (!f != (cases[k].writable < 0))
			fail_msg("%u %s: %s", cases[k].prog, cases[k].name, f ? "is" : "is not");
		if (f && (f->writable != cases[k].writable || f->kind != cases[k].kind))
			fail_msg("%u %s: %d %u", cases[k].prog, cases[k].name, f->writable,
				 f->kind);
	}
	for (u32 prog = 0; prog < 40; prog++) {
		const struct isa_ctx *ctx = isa_ctx_of(prog);

		for (u32 i = 0; ctx && i < ctx->n; i++)
			if (ctx->fields[i].off + ctx->fields[i].size > ctx->size)
				fail_msg("%s.%s: outside", ctx->name, ctx->fields[i].name);
	}
	assert_null(isa_ctx_of(ISA_PROG_KPROBE));
	assert_null(isa_ctx_of(ISA_PROG_TRACEPOINT));
	assert_null(isa_ctx_of(ISA_PROG_TRACING));
	assert_null(isa_ctx_of(0));
	assert_null(isa_ctx_of(0xffffffff));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_helpers),
		cmocka_unit_test(test_helper_args),
		cmocka_unit_test(test_helper_names),
		cmocka_unit_test(test_helper_licences),
		cmocka_unit_test(test_helpers_of_header),
		cmocka_unit_test(test_kinds_of_header),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_sections),
		cmocka_unit_test(test_section_rows),
		cmocka_unit_test(test_ctx_layout),
		cmocka_unit_test(test_ctx),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
