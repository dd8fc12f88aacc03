/* The table of helpers by id: a function, or the reason why user space has none.
 *
 * A helper without its own row here belongs to a subsystem of the kernel that a process in user
 * space has nothing of; the reason is then found from what it takes: the kernel's objects, its
 * packets, its timers.
 */
#include "vm/run.h"

#define NO_TASK "the kernel's task_struct cannot be seen from user space"
#define NO_CGROUP                                                                                  \
	"a program here has no pointer to a cgroup; bpf_get_local_storage gives what belongs to "  \
	"the cgroup of the traced process"
#define NO_META	   "packets in user space carry none of the kernel's data beside their bytes"
#define NO_SOCKET  "packets in user space belong to no socket of the kernel"
#define NO_TIMER   "timers in maps are not there yet"
#define NO_COUNTER "hardware counters are read by the kernel only"

static const struct {
	vm_helper_fn fn;
	const char *why;
} table[] = {
#define X(name) [ISA_FN_##name] = { vm_h_##name, NULL },
	VM_HELPERS(X)
#undef X
		/* The same function under other names: all that is read is memory of the traced
		   process. */
		[ISA_FN_probe_read_user] = { vm_h_probe_read, NULL },
	[ISA_FN_probe_read_user_str] = { vm_h_probe_read_str, NULL },
	[ISA_FN_copy_from_user] = { vm_h_probe_read, NULL },

#define WHY(name, text) [ISA_FN_##name] = { NULL, text }
	WHY(tail_call, "the engine itself does it"),
	WHY(probe_read_kernel,
	    "memory of the kernel cannot be read from user space; use the kernel engine, or "
	    "bpf_probe_read_user for memory of the traced process"),
	WHY(probe_read_kernel_str,
	    "memory of the kernel cannot be read from user space; use the kernel engine, "
	    "or bpf_probe_read_user_str for memory of the traced process"),
	WHY(probe_write_user, "the traced process is only read, never written"),
	WHY(get_current_task, NO_TASK),
	WHY(task_pt_regs, NO_TASK),
	WHY(get_task_stack, NO_TASK),
	WHY(find_vma, NO_TASK),
	WHY(copy_from_user_task,
	    "only the current task's memory is read; bpf_copy_from_user does that"),
	WHY(cgrp_storage_get, NO_CGROUP),
	WHY(cgrp_storage_delete, NO_CGROUP),
	WHY(override_return,
	    "the return value of kernel functions cannot be changed from user space"),
	WHY(redirect_map, "device maps belong to the kernel's network devices"),
	WHY(clone_redirect, "a copy of a packet has nowhere to go; bpf_redirect is a verdict"),
	WHY(skb_vlan_push, NO_META),
	WHY(skb_vlan_pop, NO_META),
	WHY(skb_get_tunnel_key, NO_META),
	WHY(skb_set_tunnel_key, NO_META),
	WHY(skb_get_tunnel_opt, NO_META),
	WHY(skb_set_tunnel_opt, NO_META),
	WHY(get_route_realm, NO_META),
	WHY(skb_change_proto, NO_META),
	WHY(skb_change_type, NO_META),
	WHY(skb_adjust_room, NO_META),
	WHY(get_hash_recalc, NO_META),
	WHY(set_hash, NO_META),
	WHY(set_hash_invalid, NO_META),
	WHY(skb_set_tstamp, NO_META),
	WHY(skb_get_xfrm_state, NO_META),
	WHY(skb_ecn_set_ce, NO_META),
	WHY(get_socket_cookie, NO_SOCKET),
	WHY(get_socket_uid, NO_SOCKET),
	WHY(get_netns_cookie, NO_SOCKET),
	WHY(skb_cgroup_id, NO_SOCKET),
	WHY(skb_ancestor_cgroup_id, NO_SOCKET),
	WHY(skb_cgroup_classid, NO_SOCKET),
	WHY(get_cgroup_classid, NO_SOCKET),
	WHY(skb_under_cgroup, NO_SOCKET),
	WHY(current_task_under_cgroup,
	    "arrays of cgroups belong to the kernel; compare bpf_get_current_cgroup_id"),
	WHY(fib_lookup, "the kernel's routing tables are not asked from user space"),
	WHY(check_mtu, "the kernel's network devices are not asked from user space"),
	WHY(timer_init, NO_TIMER),
	WHY(timer_set_callback, NO_TIMER),
	WHY(timer_start, NO_TIMER),
	WHY(timer_cancel, NO_TIMER),
	WHY(kptr_xchg, "a map here cannot hold pointers to kernel objects"),
	WHY(perf_event_read, NO_COUNTER),
	WHY(perf_event_read_value, NO_COUNTER),
	WHY(perf_prog_read_value, NO_COUNTER),
	WHY(read_branch_records, NO_COUNTER),
	WHY(get_branch_snapshot, NO_COUNTER),
	WHY(seq_printf, "iterators over kernel objects exist in the kernel only"),
	WHY(seq_write, "iterators over kernel objects exist in the kernel only"),
	WHY(seq_printf_btf, "iterators over kernel objects exist in the kernel only"),
	WHY(snprintf_btf, "objects of the kernel cannot be read from user space"),
	WHY(btf_find_by_name_kind, "system calls of programs belong to the kernel's loaders"),
	WHY(sys_bpf, "system calls of programs belong to the kernel's loaders"),
	WHY(sys_close, "system calls of programs belong to the kernel's loaders"),
	WHY(kallsyms_lookup_name, "symbols of the kernel have no address in user space"),
#undef WHY
};

static const char *reason(const struct isa_helper *h)
{
	for (u32 i = 0; i < isa_helper_args(h); i++) {
		switch (h->args[i]) {
		case ISA_ARG_SOCK: return "sockets of the kernel cannot be seen from user space";
		case ISA_ARG_PERCPU_BTF:
			return "variables of the kernel cannot be seen from user space";
		case ISA_ARG_BTF: return "objects of the kernel cannot be seen from user space";
		default: break;
		}
	}
	return "it belongs to a part of the kernel that user space does not have";
}

vm_helper_fn vm_helper_builtin(u32 id, const char **out_why)
{
	const struct isa_helper *h = isa_helper(id);

	*out_why = NULL;
	if (id < ARRAY_LEN(table) && table[id].fn)
		return table[id].fn;
	if (!h)
		*out_why = "there is no such helper";
	else if (id < ARRAY_LEN(table) && table[id].why)
		*out_why = table[id].why;
	else
		*out_why = reason(h);
	return NULL;
}

const char *vm_helper_refusal(u32 id)
{
	const char *why = NULL;

	if (id == ISA_FN_tail_call)
		return NULL;
	vm_helper_builtin(id, &why);
	return why;
}
