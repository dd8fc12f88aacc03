/* The helper table (helpers.def) and its two look-ups.
 *
 * By id the table is an array: ids are 1 … count without a gap, which the order of the rows and a
 * test keep. By name there is `by_name`, the ids in the bytewise order of the names, written here
 * so that the compiler lays it out and nothing is built at start-up; a search halves it eight
 * times. A test proves that it is sorted and complete: a new helper is one row there and one word
 * here.
 *
 * Which helper a program type may call is not recorded: the kernel is asked (room kern) or the
 * engine.
 */
#include "isa/isa.h"

#include <string.h>

#define V(major, minor) ((major) << 8 | (minor))

/* The letters of helpers.def. */
#define ARG__ ISA_ARG_NONE
#define ARG_I ISA_ARG_INT
#define ARG_C ISA_ARG_CTX
#define ARG_A ISA_ARG_ADDR
#define ARG_M ISA_ARG_MAP
#define ARG_K ISA_ARG_KEY
#define ARG_V ISA_ARG_VALUE
#define ARG_v ISA_ARG_VALUE_OR_NULL
#define ARG_W ISA_ARG_OUT_VALUE
#define ARG_P ISA_ARG_MEM
#define ARG_Q ISA_ARG_MEM_OR_NULL
#define ARG_O ISA_ARG_OUT_MEM
#define ARG_o ISA_ARG_OUT_MEM_OR_NULL
#define ARG_Z ISA_ARG_SIZE
#define ARG_Y ISA_ARG_SIZE_OR_0
#define ARG_S ISA_ARG_STR
#define ARG_L ISA_ARG_OUT_LONG
#define ARG_J ISA_ARG_OUT_INT
#define ARG_i ISA_ARG_MEM20
#define ARG_j ISA_ARG_MEM40
#define ARG_F ISA_ARG_FUNC
#define ARG_T ISA_ARG_STACK_OR_NULL
#define ARG_X ISA_ARG_SOCK
#define ARG_B ISA_ARG_BTF
#define ARG_c ISA_ARG_PERCPU_BTF
#define ARG_R ISA_ARG_RESERVED
#define ARG_N ISA_ARG_CONST_SIZE
#define ARG_H ISA_ARG_KPTR
#define ARG_G ISA_ARG_SPIN_LOCK
#define ARG_E ISA_ARG_TIMER
#define ARG_D ISA_ARG_DYNPTR
#define ARG_U ISA_ARG_OUT_DYNPTR

static const struct isa_helper helpers[] = {
#define HELPER(id, name, ret, a1, a2, a3, a4, a5, flags, since)                                    \
	{ id,	 #name, ISA_RET_##ret, { ARG_##a1, ARG_##a2, ARG_##a3, ARG_##a4, ARG_##a5 },       \
	  flags, since },
#include "isa/helpers.def"
#undef HELPER
};

#define BY(name) ISA_FN_##name,
static const u8 by_name[] = {
	BY(bind) BY(bprm_opts_set) BY(btf_find_by_name_kind) BY(cgrp_storage_delete) BY(
		cgrp_storage_get) BY(check_mtu) BY(clone_redirect) BY(copy_from_user) BY(copy_from_user_task)
		BY(csum_diff) BY(csum_level) BY(csum_update) BY(current_task_under_cgroup) BY(
			d_path) BY(dynptr_data) BY(dynptr_from_mem) BY(dynptr_read) BY(dynptr_write)
			BY(fib_lookup) BY(find_vma) BY(for_each_map_elem) BY(get_attach_cookie) BY(
				get_branch_snapshot) BY(get_cgroup_classid)
				BY(get_current_ancestor_cgroup_id) BY(get_current_cgroup_id) BY(
					get_current_comm) BY(get_current_pid_tgid) BY(get_current_task)
					BY(get_current_task_btf) BY(get_current_uid_gid) BY(get_func_arg) BY(
						get_func_arg_cnt) BY(get_func_ip) BY(get_func_ret) BY(get_hash_recalc)
						BY(get_listener_sock) BY(get_local_storage) BY(get_netns_cookie) BY(
							get_ns_current_pid_tgid) BY(get_numa_node_id) BY(get_prandom_u32)
							BY(get_retval) BY(get_route_realm) BY(get_smp_processor_id) BY(
								get_socket_cookie) BY(get_socket_uid)
								BY(get_stack) BY(get_stackid) BY(get_task_stack) BY(
									getsockopt) BY(ima_file_hash) BY(ima_inode_hash) BY(inode_storage_delete) BY(inode_storage_get) BY(jiffies64) BY(kallsyms_lookup_name) BY(kptr_xchg) BY(ktime_get_boot_ns) BY(ktime_get_coarse_ns) BY(ktime_get_ns) BY(ktime_get_tai_ns) BY(l3_csum_replace) BY(l4_csum_replace) BY(load_hdr_opt) BY(loop) BY(lwt_push_encap) BY(lwt_seg6_action) BY(lwt_seg6_adjust_srh) BY(lwt_seg6_store_bytes) BY(map_delete_elem) BY(map_lookup_elem) BY(map_lookup_percpu_elem) BY(map_peek_elem) BY(map_pop_elem) BY(map_push_elem) BY(map_update_elem) BY(msg_apply_bytes) BY(msg_cork_bytes) BY(msg_pop_data) BY(msg_pull_data) BY(msg_push_data) BY(msg_redirect_hash)
									BY(msg_redirect_map) BY(override_return) BY(per_cpu_ptr) BY(
										perf_event_output) BY(perf_event_read)
										BY(perf_event_read_value) BY(perf_prog_read_value) BY(
											probe_read) BY(probe_read_kernel)
											BY(probe_read_kernel_str) BY(probe_read_str) BY(probe_read_user) BY(probe_read_user_str) BY(probe_write_user) BY(rc_keydown) BY(rc_pointer_rel) BY(rc_repeat) BY(read_branch_records) BY(redirect) BY(redirect_map) BY(redirect_neigh) BY(redirect_peer) BY(reserve_hdr_opt) BY(ringbuf_discard) BY(ringbuf_discard_dynptr) BY(ringbuf_output) BY(ringbuf_query) BY(
												ringbuf_reserve) BY(ringbuf_reserve_dynptr) BY(ringbuf_submit) BY(ringbuf_submit_dynptr) BY(send_signal)
												BY(send_signal_thread) BY(
													seq_printf) BY(seq_printf_btf)
													BY(seq_write) BY(set_hash) BY(
														set_hash_invalid) BY(set_retval) BY(setsockopt) BY(sk_ancestor_cgroup_id) BY(sk_assign) BY(sk_cgroup_id) BY(sk_fullsock) BY(sk_lookup_tcp) BY(sk_lookup_udp) BY(sk_redirect_hash) BY(sk_redirect_map) BY(sk_release) BY(sk_select_reuseport) BY(sk_storage_delete)
														BY(sk_storage_get) BY(
															skb_adjust_room) BY(skb_ancestor_cgroup_id) BY(skb_cgroup_classid)
															BY(skb_cgroup_id) BY(
																skb_change_head) BY(skb_change_proto) BY(skb_change_tail) BY(skb_change_type) BY(skb_ecn_set_ce) BY(skb_get_tunnel_key) BY(skb_get_tunnel_opt) BY(skb_get_xfrm_state)
																BY(skb_load_bytes) BY(
																	skb_load_bytes_relative)
																	BY(skb_output) BY(skb_pull_data) BY(skb_set_tstamp) BY(skb_set_tunnel_key) BY(skb_set_tunnel_opt) BY(skb_store_bytes) BY(skb_under_cgroup) BY(skb_vlan_pop) BY(skb_vlan_push) BY(
																		skc_lookup_tcp)
																		BY(skc_to_mptcp_sock)
																			BY(
																				skc_to_tcp6_sock) BY(skc_to_tcp_request_sock) BY(skc_to_tcp_sock) BY(skc_to_tcp_timewait_sock) BY(skc_to_udp6_sock) BY(skc_to_unix_sock) BY(snprintf) BY(snprintf_btf) BY(sock_from_file) BY(sock_hash_update)
																				BY(sock_map_update) BY(sock_ops_cb_flags_set) BY(
																					spin_lock) BY(spin_unlock)
																					BY(store_hdr_opt) BY(
																						strncmp)
																						BY(strtol)
																							BY(strtoul) BY(sys_bpf) BY(sys_close) BY(sysctl_get_current_value)
																								BY(sysctl_get_name)
																									BY(sysctl_get_new_value) BY(sysctl_set_new_value) BY(tail_call) BY(task_pt_regs) BY(task_storage_delete) BY(task_storage_get) BY(tcp_check_syncookie)
																										BY(tcp_gen_syncookie) BY(
																											tcp_raw_check_syncookie_ipv4) BY(tcp_raw_check_syncookie_ipv6) BY(tcp_raw_gen_syncookie_ipv4) BY(tcp_raw_gen_syncookie_ipv6) BY(tcp_send_ack) BY(tcp_sock) BY(this_cpu_ptr) BY(timer_cancel)
																											BY(
																												timer_init) BY(timer_set_callback) BY(timer_start) BY(trace_printk) BY(trace_vprintk) BY(user_ringbuf_drain) BY(xdp_adjust_head) BY(xdp_adjust_meta) BY(xdp_adjust_tail) BY(xdp_get_buff_len)
																												BY(xdp_load_bytes) BY(
																													xdp_output)
																													BY(xdp_store_bytes)
};
_Static_assert(ARRAY_LEN(by_name) == ARRAY_LEN(helpers), "each helper is once in by_name");

u32 isa_helper_count(void)
{
	return ARRAY_LEN(helpers);
}

const struct isa_helper *isa_helper(u32 id)
{
	return id - 1 < ARRAY_LEN(helpers) ? &helpers[id - 1] : NULL;
}

/* Like strcmp() of a view and a string. */
static int order(str a, const char *b)
{
	int c = strncmp(a.s, b, a.n);

	return c ? c : -(b[a.n] != 0);
}

const struct isa_helper *isa_helper_named(str name)
{
	u32 lo = 0, hi = ARRAY_LEN(by_name);

	if (name.n > 4 && memcmp(name.s, "bpf_", 4) == 0)
		name = (str){ name.s + 4, name.n - 4 };
	if (!name.n || memchr(name.s, 0, name.n))
		return NULL;
	while (lo < hi) {
		u32 mid = (lo + hi) / 2;
		const struct isa_helper *h = isa_helper(by_name[mid]);
		int c = order(name, h->name);

		if (c == 0)
			return h;
		if (c < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return NULL;
}

u32 isa_helper_args(const struct isa_helper *h)
{
	u32 n = 0;

	while (n < ARRAY_LEN(h->args) && h->args[n] != ISA_ARG_NONE)
		n++;
	return n;
}
