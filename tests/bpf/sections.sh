#!/bin/sh
# sections.sh SKEP: loads a program of each kind of section that libbpf knows. A line for each: "loaded", "skipped" with the
# reason that this kernel gives, or "failed"; then the totals. A row: section, result, a statement of the body.
skep=$1
dir=$(mktemp -d /tmp/skep-sections.XXXXXX)
trap 'rm -rf "$dir"' EXIT
loaded=0 skipped=0 failed=0
while IFS='|' read -r section result body; do
	printf '#include "vmlinux.h"\n#include <bpf/bpf_helpers.h>\nSEC("%s") int p(void *ctx) { %s return %s; }\nchar L[] SEC("license") = "GPL";\n' \
		"$section" "$body" "$result" >"$dir/p.c"
	if why=$("$skep" check "$dir/p.c" 2>&1); then
		loaded=$((loaded + 1))
		continue
	fi
	why=$(echo "$why" | grep -E 'error:|skep:' | head -1)
	case $why in
	*"has no kprobes"* | *"takes no program"* | *"no tracepoint"* | *"the kernel refuses it although"* | *"has no uprobes"* | \
		*"no BTF"* | *"is not sleepable"* | *lirc_mode2*"invalid (EINVAL)"*)
		skipped=$((skipped + 1))
		echo "skipped $section: $why" ;;
	*)
		failed=$((failed + 1))
		echo "failed $section: $why" ;;
	esac
done <<'ROWS'
kprobe/do_exit|0|
kretprobe/do_exit|0|
kprobe.multi/vfs_*|0|
kretprobe.multi/vfs_*|0|
ksyscall/getppid|0|
kretsyscall/getppid|0|
uprobe//proc/self/exe:main|0|
uretprobe//proc/self/exe:main|0|
uprobe.s//proc/self/exe:main|0|
tracepoint/sched/sched_switch|0|
tp/sched/sched_switch|0|
raw_tracepoint/sys_enter|0|
raw_tp/sys_enter|0|
tp_btf/sched_switch|0|
fentry/do_exit|0|
fexit/kernel_clone|0|
fmod_ret/security_file_open|0|
fentry.s/__x64_sys_getpgid|0|
lsm/file_open|0|
lsm.s/file_open|0|
iter/task|0|
iter/bpf_map|0|
iter.s/task|0|
syscall|0|
socket|0|
tc|0|
classifier|0|
action|0|
tc/ingress|0|
tc/egress|0|
tcx/ingress|0|
tcx/egress|0|
xdp|2|
xdp.frags|2|
xdp/devmap|2|
xdp.frags/devmap|2|
xdp/cpumap|2|
xdp.frags/cpumap|2|
lwt_in|0|
lwt_out|0|
lwt_xmit|0|
lwt_seg6local|0|
flow_dissector|0|
sockops|0|
sk_skb/stream_parser|0|
sk_skb/stream_verdict|0|
sk_skb/verdict|0|
sk_skb|0|
sk_msg|1|
sk_lookup|1|
sk_reuseport|1|
sk_reuseport/migrate|1|
cgroup/skb|1|
cgroup_skb/ingress|1|
cgroup_skb/egress|1|
cgroup/sock|1|
cgroup/sock_create|1|
cgroup/sock_release|1|
cgroup/post_bind4|1|
cgroup/post_bind6|1|
cgroup/bind4|1|
cgroup/bind6|1|
cgroup/connect4|1|
cgroup/connect6|1|
cgroup/sendmsg4|1|
cgroup/sendmsg6|1|
cgroup/recvmsg4|1|
cgroup/recvmsg6|1|
cgroup/getpeername4|1|
cgroup/getpeername6|1|
cgroup/getsockname4|1|
cgroup/getsockname6|1|
cgroup/sysctl|1|
cgroup/getsockopt|1|
cgroup/setsockopt|1|
cgroup/dev|1|
lirc_mode2|0|
ROWS
echo "total: $loaded loaded, $skipped skipped, $failed failed"
