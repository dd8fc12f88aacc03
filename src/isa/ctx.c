/* Contexts that are plain structs: their fields, by program type.
 *
 * Facts of the kernel's UAPI header (struct layouts) and of its verifier (which program type may
 * read or write which field of struct __sk_buff). The structs are the kernel's promise: fields are
 * only ever added at the end, so the offsets hold on every release; a field newer than the running
 * kernel is refused by that kernel's verifier. `data` and its like are four bytes that load a
 * pointer.
 *
 * __sk_buff is seen by ten program types with different rights: one X-list says it all, one
 * column a family. Left out: contexts that BTF describes (tracing, lsm, struct_ops), that are
 * registers (kprobe), that a tracefs format describes (tracepoint), and that are the user's own
 * (syscall).
 */
#include "isa/isa.h"

#define FIELD(name, off, size, kind, writable)                                                     \
	{                                                                                          \
#name, off, size, writable, ISA_CTX_##kind                                         \
	}

/* One row a field: name, offset, size, kind; then what socket filters, traffic control, control
 * groups, lwt and sk_skb may do: r read, w read and write, _ nothing. */
#define SKB_FIELDS(X)                                                                              \
	X(len, 0, 4, SCALAR, r, r, r, r, r)                                                        \
	X(pkt_type, 4, 4, SCALAR, r, r, r, r, r)                                                   \
	X(mark, 8, 4, SCALAR, r, w, w, w, _)                                                       \
	X(queue_mapping, 12, 4, SCALAR, r, w, r, r, r)                                             \
	X(protocol, 16, 4, SCALAR, r, r, r, r, r)                                                  \
	X(vlan_present, 20, 4, SCALAR, r, r, r, r, r)                                              \
	X(vlan_tci, 24, 4, SCALAR, r, r, r, r, r)                                                  \
	X(vlan_proto, 28, 4, SCALAR, r, r, r, r, r)                                                \
	X(priority, 32, 4, SCALAR, r, w, w, w, w)                                                  \
	X(ingress_ifindex, 36, 4, SCALAR, r, r, r, r, r)                                           \
	X(ifindex, 40, 4, SCALAR, r, r, r, r, r)                                                   \
	X(tc_index, 44, 4, SCALAR, r, w, r, r, w)                                                  \
	X(cb, 48, 20, SCALAR, w, w, w, w, r)                                                       \
	X(hash, 68, 4, SCALAR, r, r, r, r, r)                                                      \
	X(tc_classid, 72, 4, SCALAR, _, w, _, _, _)                                                \
	X(data, 76, 4, PACKET, _, r, r, r, r)                                                      \
	X(data_end, 80, 4, PACKET_END, _, r, r, r, r)                                              \
	X(napi_id, 84, 4, SCALAR, r, r, r, r, r)                                                   \
	X(family, 88, 4, SCALAR, _, _, r, _, r)                                                    \
	X(remote_ip4, 92, 4, SCALAR, _, _, r, _, r)                                                \
	X(local_ip4, 96, 4, SCALAR, _, _, r, _, r)                                                 \
	X(remote_ip6, 100, 16, SCALAR, _, _, r, _, r)                                              \
	X(local_ip6, 116, 16, SCALAR, _, _, r, _, r)                                               \
	X(remote_port, 132, 4, SCALAR, _, _, r, _, r)                                              \
	X(local_port, 136, 4, SCALAR, _, _, r, _, r)                                               \
	X(data_meta, 140, 4, PACKET_META, _, r, _, _, _)                                           \
	X(tstamp, 152, 8, SCALAR, _, w, w, _, _)                                                   \
	X(wire_len, 160, 4, SCALAR, _, r, _, _, _)                                                 \
	X(gso_segs, 164, 4, SCALAR, r, r, r, r, r)                                                 \
	X(sk, 168, 8, SOCK, r, r, r, r, r)                                                         \
	X(gso_size, 176, 4, SCALAR, r, r, r, r, r)                                                 \
	X(tstamp_type, 180, 1, SCALAR, _, r, _, _, _)                                              \
	X(hwtstamp, 184, 8, SCALAR, _, r, r, _, _)

#define ROW_r(name, off, size, kind) FIELD(name, off, size, kind, false),
#define ROW_w(name, off, size, kind) FIELD(name, off, size, kind, true),
#define ROW__(name, off, size, kind)

#define SOCKET_ROW(name, off, size, kind, s, t, c, l, k) ROW_##s(name, off, size, kind)
#define TC_ROW(name, off, size, kind, s, t, c, l, k)	 ROW_##t(name, off, size, kind)
#define CGROUP_ROW(name, off, size, kind, s, t, c, l, k) ROW_##c(name, off, size, kind)
#define LWT_ROW(name, off, size, kind, s, t, c, l, k)	 ROW_##l(name, off, size, kind)
#define SK_SKB_ROW(name, off, size, kind, s, t, c, l, k) ROW_##k(name, off, size, kind)

static const struct isa_ctx_field skb_socket[] = { SKB_FIELDS(SOCKET_ROW) };
static const struct isa_ctx_field skb_tc[] = { SKB_FIELDS(TC_ROW) };
static const struct isa_ctx_field skb_cgroup[] = { SKB_FIELDS(CGROUP_ROW) };
static const struct isa_ctx_field skb_lwt[] = { SKB_FIELDS(LWT_ROW) };
static const struct isa_ctx_field skb_sk_skb[] = { SKB_FIELDS(SK_SKB_ROW) };

static const struct isa_ctx_field skb_dissector[] = {
	FIELD(data, 76, 4, PACKET, false),
	FIELD(data_end, 80, 4, PACKET_END, false),
	FIELD(flow_keys, 144, 8, FLOW_KEYS, false),
};

static const struct isa_ctx_field xdp[] = {
	FIELD(data, 0, 4, PACKET, false),
	FIELD(data_end, 4, 4, PACKET_END, false),
	FIELD(data_meta, 8, 4, PACKET_META, false),
	FIELD(ingress_ifindex, 12, 4, SCALAR, false),
	FIELD(rx_queue_index, 16, 4, SCALAR, false),
	FIELD(egress_ifindex, 20, 4, SCALAR, false),
};

static const struct isa_ctx_field sock[] = {
	FIELD(bound_dev_if, 0, 4, SCALAR, true), FIELD(family, 4, 4, SCALAR, false),
	FIELD(type, 8, 4, SCALAR, false),	 FIELD(protocol, 12, 4, SCALAR, false),
	FIELD(mark, 16, 4, SCALAR, true),	 FIELD(priority, 20, 4, SCALAR, true),
	FIELD(src_ip4, 24, 4, SCALAR, false),	 FIELD(src_ip6, 28, 16, SCALAR, false),
	FIELD(src_port, 44, 4, SCALAR, false),	 FIELD(dst_port, 48, 2, SCALAR, false),
	FIELD(dst_ip4, 52, 4, SCALAR, false),	 FIELD(dst_ip6, 56, 16, SCALAR, false),
	FIELD(state, 72, 4, SCALAR, false),	 FIELD(rx_queue_mapping, 76, 4, SCALAR, false),
};

static const struct isa_ctx_field sock_addr[] = {
	FIELD(user_family, 0, 4, SCALAR, false),  FIELD(user_ip4, 4, 4, SCALAR, true),
	FIELD(user_ip6, 8, 16, SCALAR, true),	  FIELD(user_port, 24, 4, SCALAR, true),
	FIELD(family, 28, 4, SCALAR, false),	  FIELD(type, 32, 4, SCALAR, false),
	FIELD(protocol, 36, 4, SCALAR, false),	  FIELD(msg_src_ip4, 40, 4, SCALAR, true),
	FIELD(msg_src_ip6, 44, 16, SCALAR, true), FIELD(sk, 64, 8, SOCK, false),
};

static const struct isa_ctx_field sock_ops[] = {
	FIELD(op, 0, 4, SCALAR, false),
	FIELD(args, 4, 16, SCALAR, true), /* the bytes of reply and replylong */
	FIELD(reply, 4, 4, SCALAR, true),
	FIELD(replylong, 4, 16, SCALAR, true),
	FIELD(family, 20, 4, SCALAR, false),
	FIELD(remote_ip4, 24, 4, SCALAR, false),
	FIELD(local_ip4, 28, 4, SCALAR, false),
	FIELD(remote_ip6, 32, 16, SCALAR, false),
	FIELD(local_ip6, 48, 16, SCALAR, false),
	FIELD(remote_port, 64, 4, SCALAR, false),
	FIELD(local_port, 68, 4, SCALAR, false),
	FIELD(is_fullsock, 72, 4, SCALAR, false),
	FIELD(snd_cwnd, 76, 4, SCALAR, false),
	FIELD(srtt_us, 80, 4, SCALAR, false),
	FIELD(bpf_sock_ops_cb_flags, 84, 4, SCALAR, false),
	FIELD(state, 88, 4, SCALAR, false),
	FIELD(rtt_min, 92, 4, SCALAR, false),
	FIELD(snd_ssthresh, 96, 4, SCALAR, false),
	FIELD(rcv_nxt, 100, 4, SCALAR, false),
	FIELD(snd_nxt, 104, 4, SCALAR, false),
	FIELD(snd_una, 108, 4, SCALAR, false),
	FIELD(mss_cache, 112, 4, SCALAR, false),
	FIELD(ecn_flags, 116, 4, SCALAR, false),
	FIELD(rate_delivered, 120, 4, SCALAR, false),
	FIELD(rate_interval_us, 124, 4, SCALAR, false),
	FIELD(packets_out, 128, 4, SCALAR, false),
	FIELD(retrans_out, 132, 4, SCALAR, false),
	FIELD(total_retrans, 136, 4, SCALAR, false),
	FIELD(segs_in, 140, 4, SCALAR, false),
	FIELD(data_segs_in, 144, 4, SCALAR, false),
	FIELD(segs_out, 148, 4, SCALAR, false),
	FIELD(data_segs_out, 152, 4, SCALAR, false),
	FIELD(lost_out, 156, 4, SCALAR, false),
	FIELD(sacked_out, 160, 4, SCALAR, false),
	FIELD(sk_txhash, 164, 4, SCALAR, true),
	FIELD(bytes_received, 168, 8, SCALAR, false),
	FIELD(bytes_acked, 176, 8, SCALAR, false),
	FIELD(sk, 184, 8, SOCK, false),
	FIELD(skb_data, 192, 8, PACKET, false),
	FIELD(skb_data_end, 200, 8, PACKET_END, false),
	FIELD(skb_len, 208, 4, SCALAR, false),
	FIELD(skb_tcp_flags, 212, 4, SCALAR, false),
	FIELD(skb_hwtstamp, 216, 8, SCALAR, false),
};

static const struct isa_ctx_field sk_msg[] = {
	FIELD(data, 0, 8, PACKET, false),	 FIELD(data_end, 8, 8, PACKET_END, false),
	FIELD(family, 16, 4, SCALAR, false),	 FIELD(remote_ip4, 20, 4, SCALAR, false),
	FIELD(local_ip4, 24, 4, SCALAR, false),	 FIELD(remote_ip6, 28, 16, SCALAR, false),
	FIELD(local_ip6, 44, 16, SCALAR, false), FIELD(remote_port, 60, 4, SCALAR, false),
	FIELD(local_port, 64, 4, SCALAR, false), FIELD(size, 68, 4, SCALAR, false),
	FIELD(sk, 72, 8, SOCK, false),
};

static const struct isa_ctx_field sk_reuseport[] = {
	FIELD(data, 0, 8, PACKET, false),	  FIELD(data_end, 8, 8, PACKET_END, false),
	FIELD(len, 16, 4, SCALAR, false),	  FIELD(eth_protocol, 20, 4, SCALAR, false),
	FIELD(ip_protocol, 24, 4, SCALAR, false), FIELD(bind_inany, 28, 4, SCALAR, false),
	FIELD(hash, 32, 4, SCALAR, false),	  FIELD(sk, 40, 8, SOCK, false),
	FIELD(migrating_sk, 48, 8, SOCK, false),
};

static const struct isa_ctx_field sk_lookup[] = {
	FIELD(sk, 0, 8, SOCK, false),
	FIELD(family, 8, 4, SCALAR, false),
	FIELD(protocol, 12, 4, SCALAR, false),
	FIELD(remote_ip4, 16, 4, SCALAR, false),
	FIELD(remote_ip6, 20, 16, SCALAR, false),
	FIELD(remote_port, 36, 2, SCALAR, false),
	FIELD(local_ip4, 40, 4, SCALAR, false),
	FIELD(local_ip6, 44, 16, SCALAR, false),
	FIELD(local_port, 60, 4, SCALAR, false),
	FIELD(ingress_ifindex, 64, 4, SCALAR, false),
};

static const struct isa_ctx_field sysctl[] = {
	FIELD(write, 0, 4, SCALAR, false),
	FIELD(file_pos, 4, 4, SCALAR, true),
};

static const struct isa_ctx_field sockopt[] = {
	FIELD(sk, 0, 8, SOCK, false),
	FIELD(optval, 8, 8, PACKET, false),
	FIELD(optval_end, 16, 8, PACKET_END, false),
	FIELD(level, 24, 4, SCALAR, true),
	FIELD(optname, 28, 4, SCALAR, true),
	FIELD(optlen, 32, 4, SCALAR, true),
	FIELD(retval, 36, 4, SCALAR, true),
};

static const struct isa_ctx_field cgroup_dev[] = {
	FIELD(access_type, 0, 4, SCALAR, false),
	FIELD(major, 4, 4, SCALAR, false),
	FIELD(minor, 8, 4, SCALAR, false),
};

/* The registers of the sampled moment come first; how many bytes is the architecture's matter. */
#if defined(__aarch64__)
#define REGS_BYTES 272
#else
#define REGS_BYTES 168
#endif
static const struct isa_ctx_field perf_event[] = {
	FIELD(regs, 0, REGS_BYTES, SCALAR, false),
	FIELD(sample_period, REGS_BYTES, 8, SCALAR, false),
	FIELD(addr, REGS_BYTES + 8, 8, SCALAR, false),
};

/* As many arguments as the tracepoint has, at most twelve. */
static const struct isa_ctx_field raw_tracepoint[] = {
	FIELD(args, 0, 96, ARG, false),
};

#define CTX(prog, name, size, fields) [ISA_PROG_##prog] = { name, size, fields, ARRAY_LEN(fields) }
static const struct isa_ctx contexts[] = {
	CTX(SOCKET_FILTER, "__sk_buff", 192, skb_socket),
	CTX(SCHED_CLS, "__sk_buff", 192, skb_tc),
	CTX(SCHED_ACT, "__sk_buff", 192, skb_tc),
	CTX(XDP, "xdp_md", 24, xdp),
	CTX(PERF_EVENT, "bpf_perf_event_data", REGS_BYTES + 16, perf_event),
	CTX(CGROUP_SKB, "__sk_buff", 192, skb_cgroup),
	CTX(CGROUP_SOCK, "bpf_sock", 80, sock),
	CTX(LWT_IN, "__sk_buff", 192, skb_lwt),
	CTX(LWT_OUT, "__sk_buff", 192, skb_lwt),
	CTX(LWT_XMIT, "__sk_buff", 192, skb_lwt),
	CTX(SOCK_OPS, "bpf_sock_ops", 224, sock_ops),
	CTX(SK_SKB, "__sk_buff", 192, skb_sk_skb),
	CTX(CGROUP_DEVICE, "bpf_cgroup_dev_ctx", 12, cgroup_dev),
	CTX(SK_MSG, "sk_msg_md", 80, sk_msg),
	CTX(RAW_TRACEPOINT, "bpf_raw_tracepoint_args", 96, raw_tracepoint),
	CTX(CGROUP_SOCK_ADDR, "bpf_sock_addr", 72, sock_addr),
	CTX(LWT_SEG6LOCAL, "__sk_buff", 192, skb_lwt),
	CTX(SK_REUSEPORT, "sk_reuseport_md", 56, sk_reuseport),
	CTX(FLOW_DISSECTOR, "__sk_buff", 192, skb_dissector),
	CTX(CGROUP_SYSCTL, "bpf_sysctl", 8, sysctl),
	CTX(RAW_TRACEPOINT_WRITABLE, "bpf_raw_tracepoint_args", 96, raw_tracepoint),
	CTX(CGROUP_SOCKOPT, "bpf_sockopt", 40, sockopt),
	CTX(SK_LOOKUP, "bpf_sk_lookup", 72, sk_lookup),
};

const struct isa_ctx *isa_ctx_of(u32 prog_type)
{
	if (prog_type >= ARRAY_LEN(contexts) || !contexts[prog_type].name)
		return NULL;
	return &contexts[prog_type];
}
