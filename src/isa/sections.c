/* Section names: which program type and attach type SEC("…") means.
 *
 * The names are those of libbpf 1.x (its documentation, "Program Types and ELF Sections"). A row
 * matches a section that is its prefix, or, with ISA_SEC_TARGET, that is its prefix, a slash and a
 * target. The longest matching prefix wins, so that "xdp/devmap" is not "xdp" with a target.
 * Wider than libbpf 1.x: "xdp/…", "tc/…", "socket/…" and the like may carry a name of the user's
 * own behind the slash, as they could before 1.0. Names without a slash, such as "xdp_prog", do not
 * match.
 */
#include "isa/isa.h"

#include <string.h>

#define NO_ATTACH 0xffffffffu

enum {
	T = ISA_SEC_TARGET,
	X = ISA_SEC_EXACT,
	BTF = ISA_SEC_TARGET | ISA_SEC_NEEDS_BTF,
	BTF_SLEEPS = ISA_SEC_TARGET | ISA_SEC_NEEDS_BTF | ISA_SEC_SLEEPS,
	T_SLEEPS = ISA_SEC_TARGET | ISA_SEC_SLEEPS,
};

#define SEC(prefix, prog, attach, flags)                                                           \
	{                                                                                          \
		prefix, ISA_PROG_##prog, ISA_ATTACH_##attach, flags                                \
	}
#define SEC0(prefix, prog, flags)                                                                  \
	{                                                                                          \
		prefix, ISA_PROG_##prog, NO_ATTACH, flags                                          \
	}

static const struct isa_section sections[] = {
	/* functions */
	SEC0("kprobe", KPROBE, T),
	SEC0("kretprobe", KPROBE, T),
	SEC("kprobe.multi", KPROBE, TRACE_KPROBE_MULTI, T),
	SEC("kretprobe.multi", KPROBE, TRACE_KPROBE_MULTI, T),
	SEC("kprobe.session", KPROBE, TRACE_KPROBE_SESSION, T),
	SEC0("ksyscall", KPROBE, T),
	SEC0("kretsyscall", KPROBE, T),
	SEC0("uprobe", KPROBE, T),
	SEC0("uretprobe", KPROBE, T),
	SEC0("uprobe.s", KPROBE, T_SLEEPS),
	SEC0("uretprobe.s", KPROBE, T_SLEEPS),
	SEC("uprobe.multi", KPROBE, TRACE_UPROBE_MULTI, T),
	SEC("uretprobe.multi", KPROBE, TRACE_UPROBE_MULTI, T),
	SEC("uprobe.session", KPROBE, TRACE_UPROBE_SESSION, T),
	SEC("uprobe.multi.s", KPROBE, TRACE_UPROBE_MULTI, T_SLEEPS),
	SEC("uretprobe.multi.s", KPROBE, TRACE_UPROBE_MULTI, T_SLEEPS),
	SEC("uprobe.session.s", KPROBE, TRACE_UPROBE_SESSION, T_SLEEPS),
	SEC0("usdt", KPROBE, T),
	SEC0("usdt.s", KPROBE, T_SLEEPS),

	/* tracepoints */
	SEC0("tracepoint", TRACEPOINT, T),
	SEC0("tp", TRACEPOINT, T),
	SEC0("raw_tracepoint", RAW_TRACEPOINT, T),
	SEC0("raw_tp", RAW_TRACEPOINT, T),
	SEC0("raw_tracepoint.w", RAW_TRACEPOINT_WRITABLE, T),
	SEC0("raw_tp.w", RAW_TRACEPOINT_WRITABLE, T),
	SEC("tp_btf", TRACING, TRACE_RAW_TP, BTF),

	/* trampolines, hooks, iterators */
	SEC("fentry", TRACING, TRACE_FENTRY, BTF),
	SEC("fexit", TRACING, TRACE_FEXIT, BTF),
	SEC("fmod_ret", TRACING, MODIFY_RETURN, BTF),
	SEC("fentry.s", TRACING, TRACE_FENTRY, BTF_SLEEPS),
	SEC("fexit.s", TRACING, TRACE_FEXIT, BTF_SLEEPS),
	SEC("fmod_ret.s", TRACING, MODIFY_RETURN, BTF_SLEEPS),
	SEC0("freplace", EXT, BTF),
	SEC("lsm", LSM, LSM_MAC, BTF),
	SEC("lsm.s", LSM, LSM_MAC, BTF_SLEEPS),
	SEC("lsm_cgroup", LSM, LSM_CGROUP, BTF),
	SEC("iter", TRACING, TRACE_ITER, BTF),
	SEC("iter.s", TRACING, TRACE_ITER, BTF_SLEEPS),
	SEC0("struct_ops", STRUCT_OPS, BTF), /* its attach type is a member's number */
	SEC0("struct_ops.s", STRUCT_OPS, BTF_SLEEPS),
	SEC0("syscall", SYSCALL, X | ISA_SEC_SLEEPS),
	SEC("perf_event", PERF_EVENT, PERF_EVENT, T),

	/* packets */
	SEC0("socket", SOCKET_FILTER, T),
	SEC0("tc", SCHED_CLS, T),
	SEC0("classifier", SCHED_CLS, T),
	SEC0("action", SCHED_ACT, T),
	SEC("tc/ingress", SCHED_CLS, TCX_INGRESS, X),
	SEC("tc/egress", SCHED_CLS, TCX_EGRESS, X),
	SEC("tcx/ingress", SCHED_CLS, TCX_INGRESS, X),
	SEC("tcx/egress", SCHED_CLS, TCX_EGRESS, X),
	SEC("netkit/primary", SCHED_CLS, NETKIT_PRIMARY, X),
	SEC("netkit/peer", SCHED_CLS, NETKIT_PEER, X),
	SEC("xdp", XDP, XDP, T),
	SEC("xdp.frags", XDP, XDP, T | ISA_SEC_FRAGS),
	SEC("xdp/devmap", XDP, XDP_DEVMAP, X),
	SEC("xdp.frags/devmap", XDP, XDP_DEVMAP, X | ISA_SEC_FRAGS),
	SEC("xdp/cpumap", XDP, XDP_CPUMAP, X),
	SEC("xdp.frags/cpumap", XDP, XDP_CPUMAP, X | ISA_SEC_FRAGS),
	SEC("xdp_devmap", XDP, XDP_DEVMAP, T),
	SEC("xdp_cpumap", XDP, XDP_CPUMAP, T),
	SEC0("lwt_in", LWT_IN, X),
	SEC0("lwt_out", LWT_OUT, X),
	SEC0("lwt_xmit", LWT_XMIT, X),
	SEC0("lwt_seg6local", LWT_SEG6LOCAL, X),
	SEC("flow_dissector", FLOW_DISSECTOR, FLOW_DISSECTOR, X),
	SEC("netfilter", NETFILTER, NETFILTER, X),
	SEC("lirc_mode2", LIRC_MODE2, LIRC_MODE2, X),

	/* sockets */
	SEC("sockops", SOCK_OPS, CGROUP_SOCK_OPS, X),
	SEC("sk_skb/stream_parser", SK_SKB, SK_SKB_STREAM_PARSER, T),
	SEC("sk_skb/stream_verdict", SK_SKB, SK_SKB_STREAM_VERDICT, T),
	SEC("sk_skb/verdict", SK_SKB, SK_SKB_VERDICT, T),
	SEC0("sk_skb", SK_SKB, X),
	SEC("sk_msg", SK_MSG, SK_MSG_VERDICT, X),
	SEC("sk_lookup", SK_LOOKUP, SK_LOOKUP, X),
	SEC("sk_reuseport", SK_REUSEPORT, SK_REUSEPORT_SELECT, X),
	SEC("sk_reuseport/migrate", SK_REUSEPORT, SK_REUSEPORT_SELECT_OR_MIGRATE, X),

	/* control groups */
	SEC0("cgroup/skb", CGROUP_SKB, X),
	SEC("cgroup_skb/ingress", CGROUP_SKB, CGROUP_INET_INGRESS, X),
	SEC("cgroup_skb/egress", CGROUP_SKB, CGROUP_INET_EGRESS, X),
	SEC("cgroup/sock", CGROUP_SOCK, CGROUP_INET_SOCK_CREATE, X),
	SEC("cgroup/sock_create", CGROUP_SOCK, CGROUP_INET_SOCK_CREATE, X),
	SEC("cgroup/sock_release", CGROUP_SOCK, CGROUP_INET_SOCK_RELEASE, X),
	SEC("cgroup/post_bind4", CGROUP_SOCK, CGROUP_INET4_POST_BIND, X),
	SEC("cgroup/post_bind6", CGROUP_SOCK, CGROUP_INET6_POST_BIND, X),
	SEC("cgroup/bind4", CGROUP_SOCK_ADDR, CGROUP_INET4_BIND, X),
	SEC("cgroup/bind6", CGROUP_SOCK_ADDR, CGROUP_INET6_BIND, X),
	SEC("cgroup/connect4", CGROUP_SOCK_ADDR, CGROUP_INET4_CONNECT, X),
	SEC("cgroup/connect6", CGROUP_SOCK_ADDR, CGROUP_INET6_CONNECT, X),
	SEC("cgroup/connect_unix", CGROUP_SOCK_ADDR, CGROUP_UNIX_CONNECT, X),
	SEC("cgroup/sendmsg4", CGROUP_SOCK_ADDR, CGROUP_UDP4_SENDMSG, X),
	SEC("cgroup/sendmsg6", CGROUP_SOCK_ADDR, CGROUP_UDP6_SENDMSG, X),
	SEC("cgroup/sendmsg_unix", CGROUP_SOCK_ADDR, CGROUP_UNIX_SENDMSG, X),
	SEC("cgroup/recvmsg4", CGROUP_SOCK_ADDR, CGROUP_UDP4_RECVMSG, X),
	SEC("cgroup/recvmsg6", CGROUP_SOCK_ADDR, CGROUP_UDP6_RECVMSG, X),
	SEC("cgroup/recvmsg_unix", CGROUP_SOCK_ADDR, CGROUP_UNIX_RECVMSG, X),
	SEC("cgroup/getpeername4", CGROUP_SOCK_ADDR, CGROUP_INET4_GETPEERNAME, X),
	SEC("cgroup/getpeername6", CGROUP_SOCK_ADDR, CGROUP_INET6_GETPEERNAME, X),
	SEC("cgroup/getpeername_unix", CGROUP_SOCK_ADDR, CGROUP_UNIX_GETPEERNAME, X),
	SEC("cgroup/getsockname4", CGROUP_SOCK_ADDR, CGROUP_INET4_GETSOCKNAME, X),
	SEC("cgroup/getsockname6", CGROUP_SOCK_ADDR, CGROUP_INET6_GETSOCKNAME, X),
	SEC("cgroup/getsockname_unix", CGROUP_SOCK_ADDR, CGROUP_UNIX_GETSOCKNAME, X),
	SEC("cgroup/sysctl", CGROUP_SYSCTL, CGROUP_SYSCTL, X),
	SEC("cgroup/getsockopt", CGROUP_SOCKOPT, CGROUP_GETSOCKOPT, X),
	SEC("cgroup/setsockopt", CGROUP_SOCKOPT, CGROUP_SETSOCKOPT, X),
	SEC("cgroup/dev", CGROUP_DEVICE, CGROUP_DEVICE, X),
};

u32 isa_section_count(void)
{
	return ARRAY_LEN(sections);
}

const struct isa_section *isa_section_at(u32 i)
{
	return i < ARRAY_LEN(sections) ? &sections[i] : NULL;
}

static bool matches(const struct isa_section *s, u32 prefix_n, str section)
{
	if (section.n < prefix_n || memcmp(section.s, s->prefix, prefix_n) != 0)
		return false;
	if (section.n == prefix_n)
		return true;
	return (s->flags & ISA_SEC_TARGET) && section.s[prefix_n] == '/';
}

const struct isa_section *isa_section_match(str section, str *out_target)
{
	const struct isa_section *best = NULL;
	u32 best_n = 0;

	if (section.n && section.s[0] == '?')
		section = (str){ section.s + 1, section.n - 1 };
	for (u32 i = 0; section.n && i < ARRAY_LEN(sections); i++) {
		u32 n = (u32)strlen(sections[i].prefix);

		if (n > best_n && matches(&sections[i], n, section)) {
			best = &sections[i];
			best_n = n;
		}
	}
	*out_target = (str){ "", 0 };
	if (best && section.n > best_n)
		*out_target = (str){ section.s + best_n + 1, section.n - best_n - 1 };
	return best;
}
