/* attach: programs meet their events.
 *
 * One row a provider: `ready` checks and looks up before anything is attached, `attach` makes the
 * attachment. So whatever cannot be done is refused while nothing runs yet, and what fails later
 * takes back what was attached.
 *
 * Every attachment is a file descriptor or two (a perf event, a link) and nothing else, so that it
 * ends with the process however that ends. kprobes and uprobes are perf events of their PMUs
 * (Linux 4.17), not lines in tracefs, which would stay. Perf events get a link where the kernel has
 * those (5.15) and an ioctl before.
 */
#include "kern/attach.h"

#include <bpf/bpf.h>
#include <errno.h>
#include <linux/perf_event.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

int kern_refuse(struct attaching *x, int code, const char *why)
{
	return err_set(x->e, code, KERN_ROOM, "program '" STR_FMT "' (" STR_FMT "): %s",
		       STR_ARG(x->prog->name), STR_ARG(x->prog->attach), why);
}

static int not_found(struct attaching *x, const char *why, const struct nearest *near)
{
	if (!near->best.n)
		return kern_refuse(x, -SKEP_ENOEVENT, why);
	return kern_refuse(
		x, -SKEP_ENOEVENT,
		str_printf(x->k->a, "%s; did you mean '" STR_FMT "'?", why, STR_ARG(near->best)).s);
}

/* ---- perf events ---------------------------------------------------------------------------- */

static int open_event(struct perf_event_attr *attr, int pid, int cpu)
{
	int fd;

	attr->size = sizeof(*attr);
	fd = (int)syscall(SYS_perf_event_open, attr, pid, cpu, -1, PERF_FLAG_FD_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

struct kern_link *kern_link_new(struct kern *k)
{
	struct kern_link *l = vec_push(k->a, &k->links);

	*l = (struct kern_link){ -1, -1, NULL };
	return l;
}

static void drop(struct kern_link *l)
{
	if (l->link >= 0)
		close(l->link);
	if (l->event >= 0) {
		ioctl(l->event, PERF_EVENT_IOC_DISABLE, 0);
		close(l->event);
	}
	if (l->tc)
		kern_tc_drop(l->tc);
	*l = (struct kern_link){ -1, -1, NULL };
}

/* Joins program and event and starts it. Owns `event`. */
static int join(struct attaching *x, int event)
{
	struct kern_link *l = vec_push(x->k->a, &x->k->links);
	int err = 0;

	*l = (struct kern_link){ .event = event, .link = -1 };
	l->link = bpf_link_create(x->kp->fd, event, BPF_PERF_EVENT, NULL);
	if (l->link < 0) {
		l->link = -1;
		err = ioctl(event, PERF_EVENT_IOC_SET_BPF, x->kp->fd) ? -errno : 0;
	}
	if (!err && ioctl(event, PERF_EVENT_IOC_ENABLE, 0))
		err = -errno;
	return err;
}

int kern_attach_failed(struct attaching *x, int err)
{
	char text[160];

	if (err == -EPERM || err == -EACCES) {
		snprintf(text, sizeof(text), "attaching to " STR_FMT, STR_ARG(x->prog->attach));
		return kern_denied(x->k->m, err, text, x->e);
	}
	snprintf(text, sizeof(text), "it cannot be attached: %s",
		 err == -EBUSY	  ? "something else holds the event"
		 : err == -EILSEQ ? "no instruction begins at this offset"
				  : strerror(-err));
	return kern_refuse(x, err, text);
}

/* Online CPUs, one after another: the next at or above `from`, or -1. */
static int next_cpu(str list, int from)
{
	str rest = str_trim(list), item;
	u64 lo, hi;

	while (rest.n) {
		item = str_cut(&rest, ',');
		if (!str_to_u64(str_cut(&item, '-'), &lo))
			return -1;
		hi = lo;
		if (item.n && !str_to_u64(item, &hi))
			return -1;
		if ((u64)from <= hi)
			return from > (int)lo ? from : (int)lo;
	}
	return -1;
}

static str online_cpus(struct kern *k)
{
	str text;

	if (base_read_file(k->a, "/sys/devices/system/cpu/online", 4096, &text, NULL) || !text.n)
		return STR("0");
	return text;
}

/* Events of the whole machine are opened on one CPU and fire on all. */
static int attach_everywhere(struct attaching *x, struct perf_event_attr *attr)
{
	int fd = open_event(attr, -1, next_cpu(online_cpus(x->k), 0));

	return fd < 0 ? fd : join(x, fd);
}

/* Clocks and counters are opened on each CPU. */
static int attach_each_cpu(struct attaching *x, struct perf_event_attr *attr)
{
	str cpus = online_cpus(x->k);
	int cpu, fd, err = 0;

	for (cpu = next_cpu(cpus, 0); !err && cpu >= 0; cpu = next_cpu(cpus, cpu + 1)) {
		fd = open_event(attr, -1, cpu);
		if (fd == -ENODEV)
			continue; /* went offline since */
		err = fd < 0 ? fd : join(x, fd);
	}
	return err;
}

/* ---- kprobes and uprobes -------------------------------------------------------------------- */

/* A number out of a PMU's directory: "type", or the bit in "config:0". */
static int pmu_number(struct kern *k, const char *pmu, const char *file, u64 *out)
{
	str text;

	if (base_read_file(k->a,
			   str_printf(k->a, "/sys/bus/event_source/devices/%s/%s", pmu, file).s,
			   4096, &text, NULL))
		return -SKEP_ENOEVENT;
	text = str_trim(text);
	if (str_starts(text, "config:"))
		text = str_sub(text, 7, text.n);
	return str_to_u64(text, out) ? 0 : -SKEP_ENOEVENT;
}

static int probe_attr(struct attaching *x, const char *pmu, bool at_return,
		      struct perf_event_attr *attr)
{
	u64 type, bit = 0;
	int err = pmu_number(x->k, pmu, "type", &type);

	if (!err && at_return)
		err = pmu_number(x->k, pmu, "format/retprobe", &bit);
	if (err)
		return err;
	*attr = (struct perf_event_attr){ .type = (u32)type,
					  .config = at_return ? 1ull << bit : 0,
					  .disabled = 1 };
	return 0;
}

static int ready_kprobe(struct attaching *x)
{
	if (!probes_has(x->k->m, PROBES_HAS_KPROBES))
		return kern_refuse(x, -SKEP_ENOEVENT, "this kernel has no kprobes");
	return 0;
}

int kern_probe_function(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;
	struct perf_event_attr attr;
	str symbol = p->name;
	int err = probe_attr(x, "kprobe", p->provider == PROBES_KRETPROBE, &attr);

	if (p->module.n)
		symbol = str_printf(x->k->a, STR_FMT ":" STR_FMT, STR_ARG(p->module),
				    STR_ARG(p->name));
	attr.kprobe_func = symbol.n ? (u64)(uintptr_t)str_z(x->k->a, symbol) : 0;
	attr.probe_offset = p->offset;
	return err ? err : attach_everywhere(x, &attr);
}

static int attach_kprobe(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;
	struct nearest near;
	int err = kern_probe_function(x);

	if (err != -ENOENT && err != -EINVAL)
		return err ? kern_attach_failed(x, err) : 0;
	nearest_init(&near, p->name);
	if (probes_exists(x->k->m, NULL, p, &near) != 0)
		return kern_refuse(x, err, "the kernel allows no probe there");
	return not_found(x, "this kernel has no such function", &near);
}

static int ready_uprobe(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;
	u64 off = 0;
	int err;

	if (!probes_has(x->k->m, PROBES_HAS_UPROBES))
		return kern_refuse(x, -SKEP_ENOEVENT, "this kernel has no uprobes");
	x->kp->path = probes_find_binary(x->k->a, p->path);
	if (!x->kp->path.n)
		return kern_refuse(x, -SKEP_ENOEVENT,
				   p->path.n ? "there is no such binary" : "it names no binary");
	err = p->name.n ? probes_elf_offset(x->kp->path, p->name, &off, x->e) : 0;
	x->kp->offset = off + p->offset;
	return err;
}

static int attach_uprobe(struct attaching *x)
{
	struct perf_event_attr attr;
	int err = probe_attr(x, "uprobe", x->kp->point.provider == PROBES_URETPROBE, &attr);

	attr.uprobe_path = (u64)(uintptr_t)str_z(x->k->a, x->kp->path);
	attr.probe_offset = x->kp->offset;
	err = err ? err : attach_everywhere(x, &attr);
	return err ? kern_attach_failed(x, err) : 0;
}

/* ---- tracepoints ---------------------------------------------------------------------------- */

/* The tracepoint's number is kept in `offset` until it is attached. */
static int ready_tracepoint(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;
	struct probes_format format;
	int err = probes_tracepoint_format(x->k->m, x->k->a, p->module, p->name, &format, x->e);

	x->kp->offset = format.id;
	if (!err && !format.id && probes_tracefs(x->k->m, x->e) >= 0)
		return err_set(x->e, -SKEP_ENOEVENT, KERN_ROOM,
			       "this kernel has no tracepoint '" STR_FMT ":" STR_FMT "'",
			       STR_ARG(p->module), STR_ARG(p->name));
	return !err && !format.id ? x->e->code : err;
}

static int attach_tracepoint(struct attaching *x)
{
	struct perf_event_attr attr = { .type = PERF_TYPE_TRACEPOINT,
					.config = x->kp->offset,
					.sample_period = 1,
					.disabled = 1 };
	int err = attach_everywhere(x, &attr);

	return err ? kern_attach_failed(x, err) : 0;
}

struct near_names {
	struct nearest near;
	struct arena *a;
};

/* The names live only while they are listed, so the best one is kept as a copy. */
static bool offer(void *arg, const struct probes_point *p)
{
	struct near_names *x = arg;

	nearest_offer(&x->near, p->name);
	if (x->near.best.s == p->name.s)
		x->near.best = str_dup(x->a, p->name);
	return true;
}

static int attach_raw(struct attaching *x)
{
	bool is_named = x->kp->point.provider == PROBES_RAW_TRACEPOINT;
	const char *name = is_named ? str_z(x->k->a, x->kp->point.name) : NULL;
	struct kern_link *l = vec_push(x->k->a, &x->k->links);
	struct near_names near = { .a = x->k->a };
	int fd = bpf_raw_tracepoint_open(name, x->kp->fd);

	*l = (struct kern_link){ .event = -1, .link = fd < 0 ? -1 : fd };
	if (fd >= 0)
		return 0;
	if (fd != -ENOENT || !is_named)
		return kern_attach_failed(x, fd);
	nearest_init(&near.near, x->kp->point.name);
	if (probes_list(x->k->m, NULL, STR("raw_tracepoint:*"), offer, &near, NULL))
		near.near.best = STR("");
	return not_found(x, "this kernel has no such tracepoint", &near.near);
}

/* ---- clocks and counters -------------------------------------------------------------------- */

static int attach_profile(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;
	struct perf_event_attr attr = { .type = PERF_TYPE_SOFTWARE,
					.config = PERF_COUNT_SW_CPU_CLOCK,
					.freq = p->is_hz,
					.sample_period = p->amount,
					.disabled = 1 };
	int err = attach_each_cpu(x, &attr);

	return err ? kern_attach_failed(x, err) : 0;
}

static int counter_attr(const struct probes_point *p, struct perf_event_attr *attr)
{
	u64 config, period;
	u32 type;

	if (!probes_counter_config(p, &type, &config, &period))
		return -ENOENT;
	*attr = (struct perf_event_attr){
		.type = type, .config = config, .sample_period = period, .disabled = 1
	};
	return 0;
}

int kern_open_counter(const struct probes_point *p, int cpu, int pid)
{
	struct perf_event_attr attr;
	int err = counter_attr(p, &attr);

	return err ? err : open_event(&attr, pid, cpu);
}

static int attach_counter(struct attaching *x)
{
	struct perf_event_attr attr;
	int err = counter_attr(&x->kp->point, &attr);

	err = err ? err : attach_each_cpu(x, &attr);
	return err ? kern_attach_failed(x, err) : 0;
}

/* ---- all of them ---------------------------------------------------------------------------- */

/* Points that fire by being run (kern_run_once) have `is_run`. */
static const struct row {
	int (*ready)(struct attaching *x);
	int (*attach)(struct attaching *x);
	bool is_run, needs_name;
} rows[PROBES_N_PROVIDERS] = {
	[PROBES_BEGIN] = { NULL, NULL, true, false },
	[PROBES_END] = { NULL, NULL, true, false },
	[PROBES_SELF] = { NULL, NULL, true, false },
	[PROBES_INTERVAL] = { NULL, NULL, true, false },
	[PROBES_KPROBE] = { ready_kprobe, attach_kprobe, false, false },
	[PROBES_KRETPROBE] = { ready_kprobe, attach_kprobe, false, true },
	[PROBES_UPROBE] = { ready_uprobe, attach_uprobe, false, false },
	[PROBES_URETPROBE] = { ready_uprobe, attach_uprobe, false, true },
	[PROBES_TRACEPOINT] = { ready_tracepoint, attach_tracepoint, false, true },
	[PROBES_RAW_TRACEPOINT] = { NULL, attach_raw, false, true },
	[PROBES_TP_BTF] = { NULL, attach_raw, false, true },
	[PROBES_FENTRY] = { NULL, attach_raw, false, true },
	[PROBES_FEXIT] = { NULL, attach_raw, false, true },
	[PROBES_FMOD_RET] = { NULL, attach_raw, false, true },
	[PROBES_LSM] = { NULL, attach_raw, false, true },
	[PROBES_PROFILE] = { NULL, attach_profile, false, false },
	[PROBES_SOFTWARE] = { NULL, attach_counter, false, false },
	[PROBES_HARDWARE] = { NULL, attach_counter, false, false },
	[PROBES_ITER] = { NULL, kern_attach_iter, false, true },
	[PROBES_XDP] = { kern_ready_device, kern_attach_xdp, false, false },
	[PROBES_TC] = { kern_ready_device, kern_attach_tc, false, false },
	[PROBES_SOCKET_FILTER] = { kern_ready_device, kern_attach_socket, false, false },
	[PROBES_CGROUP] = { kern_ready_hook, kern_attach_hook, false, true },
	[PROBES_OTHER] = { kern_ready_hook, kern_attach_hook, false, true },
};

static int parse_point(struct attaching *x)
{
	if (x->prog->attach.n)
		return probes_parse(x->k->a, x->prog->attach, &x->kp->point, x->e);
	return probes_parse_section(x->k->a, x->prog->section, &x->kp->point, x->e);
}

static int make_ready(struct attaching *x)
{
	const struct probes_point *p = &x->kp->point;
	const struct row *row;
	int err;

	x->kp->is_passive = kern_is_in_slot(x->k, x->prog);
	if (x->kp->is_passive)
		return 0;
	err = parse_point(x);
	if (err)
		return err;
	row = &rows[p->provider];
	if (row->is_run)
		return 0;
	if (!row->attach)
		return kern_refuse(x, -SKEP_EUNSUPPORTED,
				   str_printf(x->k->a,
					      "%s programs are loaded and checked, but not "
					      "attached yet",
					      probes_provider_name(p->provider))
					   .s);
	if (probes_has_wildcard(p) && !kern_is_multi(x->prog))
		return kern_refuse(x, -SKEP_EUNSUPPORTED,
				   "a wildcard is not attached as it is; name one event");
	if (!p->name.n && p->provider < PROBES_SOCKET_FILTER &&
	    (row->needs_name || (row->ready && !p->offset)))
		return kern_refuse(x, -SKEP_ENOEVENT,
				   "it does not say where to attach; --attach EVENT=FUNCTION does");
	return row->ready ? row->ready(x) : 0;
}

int kern_attach(void *self, struct err *e)
{
	struct kern *k = self;
	struct attaching x = { .k = k, .e = e };
	int err = 0;

	for (u32 pass = 0; pass < 2; pass++)
		for (u32 i = 0; !err && i < k->n_progs; i++) {
			x.prog = &k->obj->progs.at[i];
			x.kp = &k->progs[i];
			if (x.kp->fd < 0)
				continue;
			if (pass == 0)
				err = make_ready(&x);
			else if (kern_is_multi(x.prog) && !x.kp->is_passive)
				err = kern_attach_multi(&x);
			else if (rows[x.kp->point.provider].attach && !x.kp->is_passive)
				err = rows[x.kp->point.provider].attach(&x);
		}
	if (err)
		kern_detach(k, NULL);
	return err;
}

int kern_detach(void *self, struct err *e)
{
	struct kern *k = self;

	(void)e;
	k->iters.n = 0;
	while (k->links.n) {
		drop(vec_last(&k->links));
		k->links.n--;
	}
	return 0;
}
