/* The table of helpers by id: a function, or the reason why user space has none.
 *
 * A helper without its own row here belongs to a subsystem of the kernel that a process in user
 * space has nothing of; the reason is then found from what it takes: the kernel's objects, its
 * packets, its timers.
 */
#include "vm/run.h"

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
	WHY(get_current_task, "the kernel's task_struct cannot be seen from user space"),
	WHY(get_current_task_btf, "the kernel's task_struct cannot be seen from user space"),
	WHY(task_storage_get, "the kernel's task_struct cannot be seen from user space"),
	WHY(task_storage_delete, "the kernel's task_struct cannot be seen from user space"),
	WHY(jiffies64,
	    "the kernel's tick counter is not shown to user space; bpf_ktime_get_coarse_ns is"),
	WHY(override_return,
	    "the return value of kernel functions cannot be changed from user space"),
	WHY(send_signal, "the traced process gets no signals from programs"),
	WHY(send_signal_thread, "the traced process gets no signals from programs"),
	WHY(user_ringbuf_drain, "user ring buffers are not there yet"),
	WHY(redirect_map, "device maps belong to the kernel's network devices"),
	WHY(timer_init, "timers in maps are not there yet"),
	WHY(timer_set_callback, "timers in maps are not there yet"),
	WHY(timer_start, "timers in maps are not there yet"),
	WHY(timer_cancel, "timers in maps are not there yet"),
	WHY(kptr_xchg, "pointers to kernel objects in maps are not there yet"),
	WHY(perf_event_read, "hardware counters are read by the kernel only"),
	WHY(perf_event_read_value, "hardware counters are read by the kernel only"),
	WHY(perf_prog_read_value, "hardware counters are read by the kernel only"),
	WHY(sys_bpf, "system calls of programs belong to the kernel's loader programs"),
	WHY(sys_close, "system calls of programs belong to the kernel's loader programs"),
	WHY(kallsyms_lookup_name, "symbols of the kernel have no address in user space"),
#undef WHY
};

static const char *reason(const struct isa_helper *h)
{
	for (u32 i = 0; i < isa_helper_args(h); i++) {
		switch (h->args[i]) {
		case ISA_ARG_DYNPTR:
		case ISA_ARG_OUT_DYNPTR: return "dynptrs are not there yet";
		case ISA_ARG_SOCK: return "sockets of the kernel cannot be seen from user space";
		case ISA_ARG_BTF:
		case ISA_ARG_PERCPU_BTF:
			return "objects of the kernel cannot be seen from user space";
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
