/* features: what this kernel's BPF can do, each asked of the kernel itself.
 *
 * Helpers, map kinds and program kinds are tried by loading two instructions or making a map (libbpf's probes);
 * kernel functions and attach kinds that no load tells are looked for in the kernel's BTF and among the event
 * sources. One line a feature: "name: yes" or "name: no", under the headings that `bpftrace --info` has, since
 * scripts and test runners look for them.
 */
#include "kern/room.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <linux/btf.h>
#include <sys/utsname.h>
#include <unistd.h>

static void put(struct sbuf *out, const char *name, bool is_there)
{
	sbuf_printf(out, "  %s: %s\n", name, is_there ? "yes" : "no");
}

static void put_helpers(struct sbuf *out)
{
	static const struct {
		const char *name;
		enum bpf_func_id id;
		enum bpf_prog_type type;
	} helpers[] = {
		{ "probe_read", BPF_FUNC_probe_read, BPF_PROG_TYPE_KPROBE },
		{ "probe_read_str", BPF_FUNC_probe_read_str, BPF_PROG_TYPE_KPROBE },
		{ "probe_read_user", BPF_FUNC_probe_read_user, BPF_PROG_TYPE_KPROBE },
		{ "probe_read_user_str", BPF_FUNC_probe_read_user_str, BPF_PROG_TYPE_KPROBE },
		{ "probe_read_kernel", BPF_FUNC_probe_read_kernel, BPF_PROG_TYPE_KPROBE },
		{ "probe_read_kernel_str", BPF_FUNC_probe_read_kernel_str, BPF_PROG_TYPE_KPROBE },
		{ "get_current_cgroup_id", BPF_FUNC_get_current_cgroup_id, BPF_PROG_TYPE_KPROBE },
		{ "send_signal", BPF_FUNC_send_signal, BPF_PROG_TYPE_KPROBE },
		{ "override_return", BPF_FUNC_override_return, BPF_PROG_TYPE_KPROBE },
		{ "get_boot_ns", BPF_FUNC_ktime_get_boot_ns, BPF_PROG_TYPE_KPROBE },
		{ "get_tai_ns", BPF_FUNC_ktime_get_tai_ns, BPF_PROG_TYPE_KPROBE },
		{ "get_func_ip", BPF_FUNC_get_func_ip, BPF_PROG_TYPE_KPROBE },
		{ "jiffies64", BPF_FUNC_jiffies64, BPF_PROG_TYPE_KPROBE },
		{ "for_each_map_elem", BPF_FUNC_for_each_map_elem, BPF_PROG_TYPE_KPROBE },
		{ "get_ns_current_pid_tgid", BPF_FUNC_get_ns_current_pid_tgid,
		  BPF_PROG_TYPE_KPROBE },
		{ "lookup_percpu_elem", BPF_FUNC_map_lookup_percpu_elem, BPF_PROG_TYPE_KPROBE },
		{ "loop", BPF_FUNC_loop, BPF_PROG_TYPE_KPROBE },
	};

	sbuf_puts(out, "Kernel helpers\n");
	for (u32 i = 0; i < ARRAY_LEN(helpers); i++)
		put(out, helpers[i].name,
		    libbpf_probe_bpf_helper(helpers[i].type, helpers[i].id, NULL) > 0);
}

static void put_maps(struct sbuf *out)
{
	static const struct {
		const char *name;
		enum bpf_map_type type;
	} maps[] = {
		{ "hash", BPF_MAP_TYPE_HASH },
		{ "percpu hash", BPF_MAP_TYPE_PERCPU_HASH },
		{ "array", BPF_MAP_TYPE_ARRAY },
		{ "percpu array", BPF_MAP_TYPE_PERCPU_ARRAY },
		{ "stack_trace", BPF_MAP_TYPE_STACK_TRACE },
		{ "perf_event_array", BPF_MAP_TYPE_PERF_EVENT_ARRAY },
		{ "ringbuf", BPF_MAP_TYPE_RINGBUF },
	};

	sbuf_puts(out, "\nMap types\n");
	for (u32 i = 0; i < ARRAY_LEN(maps); i++)
		put(out, maps[i].name, libbpf_probe_bpf_map_type(maps[i].type, NULL) > 0);
}

/* Whether the kernel's BTF has this function or struct: how iterators and multi links show. */
static bool has(const struct kern_btf *btf, u32 kind, const char *name)
{
	return btf && kern_btf_find(btf, kind, str_of(name)) != 0;
}

static void put_features(struct sbuf *out, const struct kern_btf *btf)
{
	sbuf_puts(out, "\nKernel features\n");
	put(out, "Instruction limit", true);
	put(out, "btf", btf != NULL);
	put(out, "Loop support", true);
	put(out, "map batch", has(btf, BTF_KIND_FUNC, "generic_map_lookup_batch"));
	put(out, "uprobe refcount", true);
	put(out, "dpath", has(btf, BTF_KIND_FUNC, "bpf_d_path"));
	put(out, "skboutput", has(btf, BTF_KIND_FUNC, "bpf_skb_event_output"));
}

static void put_probes(struct sbuf *out, struct probes_machine *m, const struct kern_btf *btf)
{
	bool has_kprobes = probes_has(m, PROBES_HAS_KPROBES);
	u32 open = btf ? kern_btf_find(btf, BTF_KIND_FUNC, STR("do_sys_openat2")) : 0;

	sbuf_puts(out, "\nProbe types\n");
	put(out, "kprobe", has_kprobes);
	put(out, "tracepoint", libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_TRACEPOINT, NULL) > 0);
	put(out, "perf_event", libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_PERF_EVENT, NULL) > 0);
	put(out, "raw_tp", libbpf_probe_bpf_prog_type(BPF_PROG_TYPE_RAW_TRACEPOINT, NULL) > 0);
	put(out, "uprobe", probes_has(m, PROBES_HAS_UPROBES));
	put(out, "fentry", open && kern_takes_fentry(m, open));
	put(out, "iter", has(btf, BTF_KIND_FUNC, "bpf_iter_run_prog"));
	put(out, "kprobe_multi", has_kprobes && has(btf, BTF_KIND_STRUCT, "bpf_kprobe_multi_link"));
	put(out, "kprobe_session", has_kprobes && has(btf, BTF_KIND_FUNC, "bpf_session_is_return"));
	put(out, "uprobe_multi", has(btf, BTF_KIND_STRUCT, "bpf_uprobe_multi_link"));
}

void kern_features(struct probes_machine *m, struct sbuf *out)
{
	struct kern_btf btf;
	bool has_btf = kern_btf_open(&btf, NULL) == 0;
	struct utsname u;

	kern_raise_memlock(m);
	if (uname(&u) == 0)
		sbuf_printf(out, "System\n  OS: %s %s %s\n  Arch: %s\n\n", u.sysname, u.release,
			    u.version, u.machine);
	put_helpers(out);
	put_features(out, has_btf ? &btf : NULL);
	put_maps(out);
	put_probes(out, m, has_btf ? &btf : NULL);
	if (has_btf)
		kern_btf_close(&btf);
}
