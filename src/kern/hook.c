/* hook: programs meet packets, sockets, control groups, iterators, and many functions at once.
 *
 *   xdp              a link to the device
 *   tc               a link to the device (Linux 6.6); before, a filter on its clsact queue, which this
 *                    process takes back when it detaches
 *   socket filter    a packet socket of our own on the device, which hears what passes
 *   cgroup hooks     a link to the control group named, or to that of the traced command
 *   sk_lookup, …     a link to this process's network namespace
 *   sk_msg, sk_skb   attached to the object's only map of sockets
 *   iterators        a link; its text is read when events are asked for (ring.c)
 *   kprobe.multi     one link to all the functions that match
 *
 * Where it is a link, the attachment ends with the process however that ends.
 */
#include "kern/attach.h"

#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define SINGLY_MAX 512u

/* ---- devices --------------------------------------------------------------------------------- */

/* The device's number is kept in `offset` until it is attached. */
int kern_ready_device(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;
	unsigned int index;

	if (!p->path.n && p->provider == PROBES_SOCKET_FILTER)
		return 0;
	if (!p->path.n)
		return kern_refuse(x, -SKEP_ENOEVENT,
				   str_printf(x->k->a,
					      "it does not say at which device; --attach "
					      "%s:DEVICE=FUNCTION does",
					      probes_provider_name(p->provider))
					   .s);
	index = if_nametoindex(str_z(x->k->a, p->path));
	if (!index)
		return kern_refuse(x, -SKEP_ENOEVENT,
				   str_printf(x->k->a, "there is no device '" STR_FMT "' here",
					      STR_ARG(p->path))
					   .s);
	x->kp->offset = index;
	return 0;
}

static int keep_link(struct attaching *x, int fd)
{
	if (fd < 0)
		return fd;
	kern_link_new(x->k)->link = fd;
	return 0;
}

int kern_attach_xdp(struct attaching *x)
{
	int err = keep_link(x, bpf_link_create(x->kp->fd, (int)x->kp->offset, BPF_XDP, NULL));

	return err ? kern_attach_failed(x, err) : 0;
}

static bool is_egress(const struct attaching *x)
{
	return str_is(x->kp->point.name, "egress") || str_ends(x->prog->section, "/egress");
}

/* A filter on the device's clsact queue, which is made when there is none. */
static int attach_filter(struct attaching *x)
{
	struct kern_tc *tc = arena_new_of(x->k->a, struct kern_tc);
	struct bpf_tc_hook hook = { .sz = sizeof(hook),
				    .ifindex = (int)x->kp->offset,
				    .attach_point = is_egress(x) ? BPF_TC_EGRESS : BPF_TC_INGRESS };
	struct bpf_tc_opts o = { .sz = sizeof(o), .prog_fd = x->kp->fd };
	int err = bpf_tc_hook_create(&hook);

	if (err == -ENOENT)
		return kern_refuse(
			x, -SKEP_EUNSUPPORTED,
			"this kernel lacks the queue clsact (module sch_ingress), and is "
			"older than the links that do without (Linux 6.6)");
	if (err && err != -EEXIST)
		return kern_attach_failed(x, err);
	tc->ifindex = hook.ifindex;
	tc->is_egress = is_egress(x);
	tc->owns_queue = !err;
	err = bpf_tc_attach(&hook, &o);
	tc->handle = o.handle;
	tc->priority = o.priority;
	if (!err)
		kern_link_new(x->k)->tc = tc;
	else if (tc->owns_queue)
		kern_tc_drop(tc);
	return err ? kern_attach_failed(x, err) : 0;
}

void kern_tc_drop(struct kern_tc *tc)
{
	struct bpf_tc_hook hook = { .sz = sizeof(hook),
				    .ifindex = tc->ifindex,
				    .attach_point =
					    tc->is_egress ? BPF_TC_EGRESS : BPF_TC_INGRESS };
	struct bpf_tc_opts o = { .sz = sizeof(o), .handle = tc->handle, .priority = tc->priority };

	if (tc->handle)
		bpf_tc_detach(&hook, &o);
	if (!tc->owns_queue)
		return;
	hook.attach_point = BPF_TC_INGRESS | BPF_TC_EGRESS;
	bpf_tc_hook_destroy(&hook);
}

int kern_attach_tc(struct attaching *x)
{
	u32 type = is_egress(x) ? ISA_ATTACH_TCX_EGRESS : ISA_ATTACH_TCX_INGRESS;
	int err = -EINVAL;

	if (probes_kernel_version(x->k->m) >= (6u << 16 | 6u << 8))
		err = keep_link(x, bpf_link_create(x->kp->fd, (int)x->kp->offset,
						   (enum bpf_attach_type)type, NULL));
	if (err == -EINVAL)
		return attach_filter(x);
	return err ? kern_attach_failed(x, err) : 0;
}

int kern_attach_socket(struct attaching *x)
{
	struct sockaddr_ll at = { .sll_family = AF_PACKET,
				  .sll_protocol = htons(ETH_P_ALL),
				  .sll_ifindex = (int)x->kp->offset };
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0)
		return kern_attach_failed(x, -errno);
	kern_link_new(x->k)->link = fd;
	err = setsockopt(fd, SOL_SOCKET, SO_ATTACH_BPF, &x->kp->fd, sizeof(x->kp->fd)) ||
			      bind(fd, (struct sockaddr *)&at, sizeof(at))
		      ? -errno
		      : 0;
	return err ? kern_attach_failed(x, err) : 0;
}

/* ---- control groups, namespaces, maps of sockets ---------------------------------------------------- */

enum target { AT_NOTHING, AT_CGROUP, AT_NETNS, AT_SOCKETS };

static enum target target_of(const struct obj_prog *p)
{
	switch (p->prog_type) {
	case ISA_PROG_CGROUP_SKB:
	case ISA_PROG_CGROUP_SOCK:
	case ISA_PROG_CGROUP_SOCK_ADDR:
	case ISA_PROG_CGROUP_DEVICE:
	case ISA_PROG_CGROUP_SYSCTL:
	case ISA_PROG_CGROUP_SOCKOPT:
	case ISA_PROG_SOCK_OPS: return p->attach_type == OBJ_NONE ? AT_NOTHING : AT_CGROUP;
	case ISA_PROG_SK_LOOKUP:
	case ISA_PROG_FLOW_DISSECTOR: return AT_NETNS;
	case ISA_PROG_SK_MSG:
	case ISA_PROG_SK_SKB: return p->attach_type == OBJ_NONE ? AT_NOTHING : AT_SOCKETS;
	default: return AT_NOTHING;
	}
}

static int sockets_map(const struct kern *k)
{
	int found = -1;

	for (u32 i = 0; i < k->n_maps; i++) {
		u32 type = k->obj->maps.at[i].type;

		if (type != ISA_MAP_SOCKMAP && type != ISA_MAP_SOCKHASH)
			continue;
		if (found >= 0)
			return -1;
		found = k->maps[i];
	}
	return found;
}

int kern_ready_hook(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;

	switch (target_of(x->prog)) {
	case AT_CGROUP:
		if (p->provider == PROBES_CGROUP && p->path.n)
			return 0;
		if (x->k->guard == KERN_GUARD_CGROUP)
			return 0;
		return kern_refuse(
			x, -SKEP_ENOEVENT,
			"it does not say at which control group: run a command (-- CMD), "
			"whose own group it is then, or write --attach "
			"cgroup:HOOK:PATH=FUNCTION");
	case AT_NETNS: return 0;
	case AT_SOCKETS:
		if (sockets_map(x->k) >= 0)
			return 0;
		return kern_refuse(x, -SKEP_ENOEVENT,
				   "it is attached to the program's map of sockets, of which there "
				   "must be one");
	case AT_NOTHING: break;
	}
	if (x->prog->prog_type == ISA_PROG_PERF_EVENT)
		return kern_refuse(
			x, -SKEP_ENOEVENT,
			"it does not say what to sample; --attach profile:hz:99=FUNCTION or "
			"software:EVENT:COUNT=FUNCTION does");
	return kern_refuse(x, -SKEP_EUNSUPPORTED,
			   "programs of this kind are loaded and checked, but not attached yet");
}

static int attach_at_path(struct attaching *x, const char *path, int flags)
{
	int fd = open(path, flags | O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = keep_link(x, bpf_link_create(x->kp->fd, fd,
					   (enum bpf_attach_type)x->prog->attach_type, NULL));
	close(fd);
	return err;
}

int kern_attach_hook(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;
	enum bpf_attach_type type = (enum bpf_attach_type)x->prog->attach_type;
	int err = -EINVAL, map;

	switch (target_of(x->prog)) {
	case AT_CGROUP:
		if (p->provider == PROBES_CGROUP && p->path.n)
			err = attach_at_path(x, str_z(x->k->a, p->path), O_DIRECTORY);
		else
			err = keep_link(x, bpf_link_create(x->kp->fd, x->k->group.dir, type, NULL));
		break;
	case AT_NETNS: err = attach_at_path(x, "/proc/self/ns/net", 0); break;
	case AT_SOCKETS:
		/* There is no link for these before 6.10; the attachment ends with the map. */
		map = sockets_map(x->k);
		err = bpf_prog_attach(x->kp->fd, map, type, 0);
		break;
	case AT_NOTHING: break;
	}
	return err ? kern_attach_failed(x, err) : 0;
}

/* ---- iterators ------------------------------------------------------------------------------- */

int kern_attach_iter(struct attaching *x)
{
	int err = keep_link(x, bpf_link_create(x->kp->fd, 0, BPF_TRACE_ITER, NULL));
	struct kern_iter *it;

	if (err)
		return kern_attach_failed(x, err);
	it = vec_push(x->k->a, &x->k->iters);
	it->prog = (u32)(x->prog - x->k->obj->progs.at);
	it->link = vec_last(&x->k->links)->link;
	return 0;
}

/* ---- many functions at once ------------------------------------------------------------------- */

bool kern_is_multi(const struct obj_prog *p)
{
	return p->attach_type == ISA_ATTACH_TRACE_KPROBE_MULTI;
}

struct functions {
	struct arena *a;
	vec(const char *) names;
};

static bool take_function(void *arg, const struct probes_point *p)
{
	struct functions *f = arg;

	*vec_push(f->a, &f->names) = str_z(f->a, str_dup(f->a, p->name));
	return true;
}

/* One probe a function; functions that may not be probed are left out. */
static int attach_singly(struct attaching *x, const char *const *names, u32 n)
{
	struct probes_point *p = &x->kp->point;
	str pattern = p->name;
	u32 done = 0;
	int err = 0;

	if (n > SINGLY_MAX)
		return kern_refuse(
			x, -E2BIG,
			str_printf(x->k->a,
				   "%u functions match, and this kernel lacks what probes more "
				   "than %u at once (CONFIG_FPROBE)",
				   n, SINGLY_MAX)
				.s);
	for (u32 i = 0; !err && i < n; i++) {
		p->name = str_of(names[i]);
		err = kern_probe_function(x);
		done += !err;
		if (err == -EINVAL || err == -ENOENT || err == -EADDRNOTAVAIL)
			err = 0;
	}
	p->name = pattern;
	if (!err && !done)
		return kern_refuse(x, -SKEP_ENOEVENT,
				   "the kernel allows no probe at any function that matches");
	return err ? kern_attach_failed(x, err) : 0;
}

int kern_attach_multi(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;
	struct functions f = { .a = x->k->a };
	LIBBPF_OPTS(bpf_link_create_opts, o);
	int err;

	err = probes_list(x->k->m, NULL, str_printf(x->k->a, "kprobe:" STR_FMT, STR_ARG(p->name)),
			  take_function, &f, x->e);
	if (err)
		return err;
	if (!f.names.n)
		return kern_refuse(x, -SKEP_ENOEVENT, "no function of this kernel matches");
	if (x->kp->is_singly)
		return attach_singly(x, f.names.at, f.names.n);
	o.kprobe_multi.flags = p->provider == PROBES_KRETPROBE ? BPF_F_KPROBE_MULTI_RETURN : 0;
	o.kprobe_multi.cnt = f.names.n;
	o.kprobe_multi.syms = f.names.at;
	err = keep_link(x, bpf_link_create(x->kp->fd, 0, BPF_TRACE_KPROBE_MULTI, &o));
	return err ? kern_attach_failed(x, err) : 0;
}
