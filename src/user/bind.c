/* bind: where a wanted attach point goes in user space, and what it then is.
 *
 *   kprobe or ksyscall of a system call     the call, with the registers as the kernel's wrapper has them
 *   kprobe of an inner function             the calls that come through it (probes/equiv.def), with a note
 *   tracepoint of calls, process life, signal_deliver      the same record
 *   raw_tracepoint:sys_enter, sys_exit      the same arguments
 *   uprobe, uretprobe, usdt, profile, interval, BEGIN, END the same
 *
 * The rest lives in the kernel: it is refused here, before anything runs, with what comes nearest.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "user/room.h"

struct binder {
	struct engine *u;
	const struct probes_point *want;
	struct probes_binding *out;
	struct err *e;
};

static int refuse(struct binder *b, const char *why)
{
	struct sbuf text;

	sbuf_init(&text, b->u->a);
	probes_print(&text, b->want);
	return err_set(b->e, -SKEP_ENOEVENT, USER_ROOM, "%s: %s", text.s, why);
}

static int needs_kernel(struct binder *b, const char *nearest)
{
	return refuse(
		b, str_printf(b->u->a,
			      "the user engine cannot see inside the kernel; --engine kern can%s%s",
			      nearest ? ", and here the nearest is " : "", nearest ? nearest : "")
			   .s);
}

/* ---- system calls --------------------------------------------------------------------------- */

/* The system call that a kprobe means: by its function's name in any kernel's spelling, or bare. */
static str call_of(str name)
{
	str call = probes_syscall_of_symbol(name);

	if (!call.n && probes_syscall_nr(name) >= 0)
		call = name;
	return call;
}

static bool is_return(enum probes_provider p)
{
	return p == PROBES_KRETPROBE || p == PROBES_KRETSYSCALL || p == PROBES_FEXIT;
}

static str names_of(struct binder *b)
{
	struct sbuf text;

	sbuf_init(&text, b->u->a);
	for (u32 i = 0; i < b->out->calls.n; i++)
		sbuf_printf(&text, "%s%s", i ? ", " : "",
			    probes_syscall_name(b->out->calls.at[i].nr));
	return sbuf_str(&text);
}

static int no_function(struct binder *b)
{
	struct nearest near;

	nearest_init(&near, b->want->name);
	probes_equivalent_offer(&near);
	for (u32 i = 0; i < probes_syscall_limit(); i++)
		if (probes_syscall_name(i))
			nearest_offer(&near, str_of(probes_syscall_name(i)));
	return needs_kernel(
		b, near.best.n ? str_printf(b->u->a, "kprobe:" STR_FMT, STR_ARG(near.best)).s
			       : "a system call (ksyscall:NAME)");
}

static int bind_function(struct binder *b)
{
	bool at_return = is_return(b->want->provider);
	str call = call_of(b->want->name);
	struct probes_point at = { .provider = at_return ? PROBES_KRETSYSCALL : PROBES_KSYSCALL,
				   .name = b->want->name,
				   .span = b->want->span };

	if (b->want->offset || b->want->module.n || !b->want->name.n)
		return needs_kernel(b, "a system call (ksyscall:NAME)");
	if (probes_has_wildcard(b->want))
		return refuse(b, "a wildcard of kernel functions means nothing to the user engine; "
				 "tracepoint:raw_syscalls:sys_enter sees every system call");
	b->out->at = at;
	if (call.n) {
		b->out->at.name = call;
		return 0;
	}
	if (str_is(b->want->name, "do_exit") && !at_return) {
		b->out->at = (struct probes_point){ .provider = PROBES_TRACEPOINT,
						    .module = STR("sched"),
						    .name = STR("sched_process_exit"),
						    .span = b->want->span };
		b->out->adapt = PROBES_ARGS_ARRAY;
		memset(b->out->arg_from, -1, sizeof(b->out->arg_from));
	} else if (probes_equivalent_calls(b->u->a, b->want->name, b->out)) {
		b->out->adapt = at_return ? PROBES_SYSCALL_EXIT : PROBES_SYSCALL_EQUIV;
	} else {
		return no_function(b);
	}
	b->out->is_fallback = true;
	b->out->note =
		b->out->calls.n
			? str_printf(b->u->a,
				     "in user space the function is seen as the system calls "
				     "that reach it (" STR_FMT ")",
				     STR_ARG(names_of(b)))
			: STR("in user space the end of a process stands for the function");
	return 0;
}

static int bind_fentry(struct binder *b)
{
	str call = call_of(b->want->name);
	const char *near = "a system call (ksyscall:NAME)";

	if (call.n)
		near = str_printf(b->u->a, "k%ssyscall:" STR_FMT,
				  is_return(b->want->provider) ? "ret" : "", STR_ARG(call))
			       .s;
	return needs_kernel(b, near);
}

/* ---- tracepoints ---------------------------------------------------------------------------- */

static int bind_tracepoint(struct binder *b)
{
	static const char *const here[] = { "sched_process_fork", "sched_process_exec",
					    "sched_process_exit", "signal_deliver" };
	struct probes_format f;
	struct nearest near;
	struct arena *scratch;
	bool found;

	if (probes_has_wildcard(b->want))
		return refuse(b, "wildcards of tracepoints are not expanded here; "
				 "tracepoint:raw_syscalls:sys_enter sees every system call");
	scratch = arena_new(arena_trap(b->u->a));
	found = probes_builtin_format(scratch, b->want->module, b->want->name, &f);
	arena_free(scratch);
	if (found)
		return 0;
	nearest_init(&near, b->want->name);
	for (u32 i = 0; i < ARRAY_LEN(here); i++)
		nearest_offer(&near, str_of(here[i]));
	if (str_is(b->want->module, "syscalls"))
		return refuse(b, "there is no such system call");
	if (near.best.n)
		return needs_kernel(
			b, str_printf(b->u->a, "tracepoint:%s:" STR_FMT,
				      str_is(near.best, "signal_deliver") ? "signal" : "sched",
				      STR_ARG(near.best))
				   .s);
	return needs_kernel(b, "system calls (tracepoint:syscalls:*), sched:sched_process_fork, "
			       "_exec and _exit, signal:signal_deliver");
}

static int bind_raw(struct binder *b)
{
	if (str_is(b->want->name, "sys_enter") || str_is(b->want->name, "sys_exit"))
		return 0;
	if (str_starts(b->want->name, "sched_process_") || str_is(b->want->name, "signal_deliver"))
		return needs_kernel(b, str_printf(b->u->a, "tracepoint:%s:" STR_FMT,
						  b->want->name.s[1] == 'c' ? "sched" : "signal",
						  STR_ARG(b->want->name))
					       .s);
	return needs_kernel(b, "raw_tracepoint:sys_enter or sys_exit");
}

static int bind_btf(struct binder *b)
{
	return needs_kernel(b, "raw_tracepoint:sys_enter or sys_exit");
}

/* ---- the rest ------------------------------------------------------------------------------- */

static int bind_here(struct binder *b)
{
	(void)b;
	return 0;
}

static int bind_counter(struct binder *b)
{
	return needs_kernel(b, "profile:hz:99, which samples the traced processes by time");
}

static int bind_kernel_only(struct binder *b)
{
	return needs_kernel(b, NULL);
}

static int bind_uprobe(struct binder *b)
{
	str path;
	u64 off;
	int err;

#if !defined(__x86_64__)
	return refuse(b, "the user engine sets probes inside of processes on x86-64 only; --engine "
			 "kern does here too");
#endif
	if (!b->want->path.n || probes_has_wildcard(b->want))
		return refuse(b,
			      "the user engine needs the path of a binary and the whole name of a "
			      "function");
	path = probes_find_binary(b->u->a, b->want->path);
	if (!path.n)
		return refuse(b, "there is no such binary");
	b->out->at.path = path;
	err = b->want->name.n ? probes_elf_offset(path, b->want->name, &off, b->e) : 0;
	return err;
}

static bool offer_marker(void *arg, const struct probes_marker *m)
{
	struct nearest *near = arg;

	nearest_offer(near, m->name);
	return near->distance != 0;
}

static int bind_usdt(struct binder *b)
{
	struct nearest near;
	str path = probes_find_binary(b->u->a, b->want->path);
	int err;

#if !defined(__x86_64__)
	return refuse(b, "the user engine sets probes inside of processes on x86-64 only");
#endif
	if (!path.n || probes_has_wildcard(b->want))
		return refuse(b, path.n ? "the user engine needs the whole name of a marker"
					: "there is no such binary");
	b->out->at.path = path;
	nearest_init(&near, b->want->name);
	err = probes_usdt_each(b->u->a, path, b->want->module, STR(""), offer_marker, &near, b->e);
	if (err || (near.best.n && near.distance == 0))
		return err;
	return refuse(b, near.best.n
				 ? "the binary has no such marker; 'readelf -n' lists what it has"
				 : "the binary has no markers (section .note.stapsdt)");
}

int user_bind(void *self, const struct probes_point *want, struct probes_binding *out,
	      struct err *e)
{
	static int (*const rules[PROBES_N_PROVIDERS])(struct binder * b) = {
		[PROBES_BEGIN] = bind_here,
		[PROBES_END] = bind_here,
		[PROBES_SELF] = bind_here,
		[PROBES_INTERVAL] = bind_here,
		[PROBES_PROFILE] = bind_here,
		[PROBES_KPROBE] = bind_function,
		[PROBES_KRETPROBE] = bind_function,
		[PROBES_KSYSCALL] = bind_function,
		[PROBES_KRETSYSCALL] = bind_function,
		[PROBES_FENTRY] = bind_fentry,
		[PROBES_FEXIT] = bind_fentry,
		[PROBES_FMOD_RET] = bind_fentry,
		[PROBES_TRACEPOINT] = bind_tracepoint,
		[PROBES_RAW_TRACEPOINT] = bind_raw,
		[PROBES_TP_BTF] = bind_btf,
		[PROBES_UPROBE] = bind_uprobe,
		[PROBES_URETPROBE] = bind_uprobe,
		[PROBES_USDT] = bind_usdt,
		[PROBES_SOFTWARE] = bind_counter,
		[PROBES_HARDWARE] = bind_counter,
	};
	struct binder b = { self, want, out, e };

	*out = (struct probes_binding){ .want = *want, .at = *want, .adapt = PROBES_NATIVE };
	return (rules[want->provider] ? rules[want->provider] : bind_kernel_only)(&b);
}

/* ---- what a loaded program is --------------------------------------------------------------- */

static int place_call(struct engine *u, struct user_prog *p)
{
	bool at_return = p->point.provider == PROBES_KRETSYSCALL;
	struct probes_binding b = { 0 };
	int nr = probes_syscall_nr(p->point.name);

	p->event = at_return ? USER_EV_EXIT : USER_EV_ENTER;
	p->context = at_return ? USER_CTX_RETURN : USER_CTX_WRAPPER;
	if (nr >= 0) {
		user_add_call(p->calls, (u32)nr);
		return 0;
	}
	if (!probes_equivalent_calls(u->a, p->point.name, &b))
		return -SKEP_ENOEVENT;
	p->context = USER_CTX_ARGS;
	for (u32 i = 0; i < b.calls.n; i++)
		user_add_call(p->calls, b.calls.at[i].nr);
	return 0;
}

static u32 record_size(const struct probes_format *f)
{
	u32 size = 8;

	for (u32 i = 0; i < f->fields.n; i++)
		if (f->fields.at[i].off + f->fields.at[i].size > size)
			size = f->fields.at[i].off + f->fields.at[i].size;
	return (u32)round_up(size, 8);
}

static int place_tracepoint(struct engine *u, struct user_prog *p, struct err *e)
{
	static const struct {
		const char *name;
		enum user_event event;
	} life[] = {
		{ "sched_process_fork", USER_EV_FORK },
		{ "sched_process_exec", USER_EV_EXEC },
		{ "sched_process_exit", USER_EV_END },
		{ "signal_deliver", USER_EV_SIGNAL },
	};
	str name = p->point.name;
	int nr, err;

	err = probes_tracepoint_format(u->m, u->a, p->point.module, name, &p->format, e);
	if (err)
		return err;
	p->context = USER_CTX_RECORD;
	p->record = record_size(&p->format);
	if (p->record > USER_RECORD / 2)
		return -SKEP_EBADFILE;
	for (u32 i = 0; i < ARRAY_LEN(life); i++)
		if (str_is(name, life[i].name)) {
			p->event = life[i].event;
			return 0;
		}
	p->event = str_starts(name, "sys_enter") ? USER_EV_ENTER : USER_EV_EXIT;
	if (str_is(p->point.module, "raw_syscalls")) {
		p->all_calls = true;
		return 0;
	}
	nr = probes_syscall_nr(str_sub(name, p->event == USER_EV_ENTER ? 10 : 9, name.n));
	if (nr < 0)
		return -SKEP_ENOEVENT;
	user_add_call(p->calls, (u32)nr);
	return 0;
}

struct marker_places {
	struct user_spot *at;
	u32 n, most;
};

static bool count_marker(void *arg, const struct probes_marker *m)
{
	struct marker_places *x = arg;

	if (x->n < x->most)
		x->at[x->n] = (struct user_spot){ m->offset, m->counter };
	x->n++;
	return true;
}

static int place_marker(struct engine *u, struct user_prog *p, str path, struct err *e)
{
	struct marker_places x = { 0 };
	int err = probes_usdt_each(u->a, path, p->point.module, p->point.name, count_marker, &x, e);

	if (err)
		return err;
	p->event = USER_EV_USDT;
	x.at = p->spots = arena_array_of(u->a, struct user_spot, x.n + 1);
	x.most = p->n_spots = x.n;
	x.n = 0;
	err = probes_usdt_each(u->a, path, p->point.module, p->point.name, count_marker, &x, e);
	for (u32 i = 0; i < p->n_spots; i++)
		u->has_counters |= p->spots[i].counter != 0;
	return err ? err : p->n_spots ? 0 : -SKEP_ENOEVENT;
}

static int place_uprobe(struct engine *u, struct user_prog *p, struct err *e)
{
	str path = probes_find_binary(u->a, p->point.path);
	char real[PATH_MAX];
	struct stat st;
	int err = 0;

	p->event = p->point.provider == PROBES_UPROBE ? USER_EV_UPROBE : USER_EV_URETPROBE;
	p->context = USER_CTX_REGS;
	p->path = path.n ? str_z(u->a, path) : "";
	if (!path.n || stat(p->path, &st))
		return -ENOENT;
	/* As the list of mappings names it. */
	if (realpath(p->path, real))
		p->path = str_z(u->a, str_of(real));
	p->ino = st.st_ino;
	p->dev = st.st_dev;
	if (p->point.provider == PROBES_USDT)
		return place_marker(u, p, path, e);
	p->spots = arena_new_of(u->a, struct user_spot);
	p->n_spots = 1;
	if (p->point.name.n)
		err = probes_elf_offset(path, p->point.name, &p->spots[0].off, e);
	p->spots[0].off += p->point.offset;
	return err;
}

int user_place(struct engine *u, struct user_prog *p, struct err *e)
{
	struct sbuf text;
	int err = -SKEP_EUNSUPPORTED;

	switch (p->point.provider) {
	case PROBES_BEGIN:
	case PROBES_END:
	case PROBES_SELF:
	case PROBES_INTERVAL: return 0;
	case PROBES_PROFILE:
		p->event = USER_EV_PROFILE;
		p->context = USER_CTX_PERF;
		p->period_ns = p->point.is_hz
				       ? 1000000000ull / (p->point.amount ? p->point.amount : 1)
				       : p->point.amount;
		return 0;
	case PROBES_KSYSCALL:
	case PROBES_KRETSYSCALL: err = place_call(u, p); break;
	case PROBES_RAW_TRACEPOINT:
		p->event = str_is(p->point.name, "sys_enter") ? USER_EV_ENTER : USER_EV_EXIT;
		p->context = USER_CTX_ARGS;
		p->all_calls = true;
		if (str_starts(p->point.name, "sys_e"))
			return 0;
		break;
	case PROBES_TRACEPOINT: err = place_tracepoint(u, p, e); break;
	case PROBES_UPROBE:
	case PROBES_USDT:
	case PROBES_URETPROBE: err = place_uprobe(u, p, e); break;
	default: break;
	}
	if (!err)
		return 0;
	sbuf_init(&text, u->a);
	probes_print(&text, &p->point);
	return err_set(e, err, USER_ROOM,
		       "%s cannot be had from the user engine; --engine kern may have it", text.s);
}
