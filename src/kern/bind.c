/* bind: where a wanted attach point goes on this kernel.
 *
 * Itself, where the kernel has it. Otherwise the first equivalent that it has, with a note:
 *
 *   kprobe of a system call's function   raw tracepoint sys_enter, run for that number only
 *   kretprobe of one                     raw tracepoint sys_exit, likewise
 *   kprobe of an inner function          sys_enter for each call that comes through it (probes/equiv.def)
 *   kprobe of another function           fentry, where the kernel takes it
 *   ksyscall, bare system call names     the kernel's symbol of the call, then as above
 *
 * A rule is one function of a provider; it fills `at` and `adapt`, or says why nothing will do and
 * what comes nearest. What the program's context looks like then is the front end's work (enum
 * probes_adapt).
 *
 * Numbers of sys_enter are those of the native ABI: a call of a 32-bit process with the same number
 * is taken for it. On kernels with kprobes a name is not looked up here (that reads all of
 * kallsyms): a function that is not there is told when it is attached, before any other event runs.
 */
#include "kern/room.h"

#include <errno.h>
#include <string.h>

struct binder {
	const struct kern_facts *f;
	struct arena *a;
	const struct probes_point *want;
	struct probes_binding *out;
	struct err *e;
};

static int refuse(struct binder *b, int code, const char *why)
{
	struct sbuf text;

	sbuf_init(&text, b->a);
	probes_print(&text, b->want);
	return err_set(b->e, code, KERN_ROOM, "%s: %s", text.s, why);
}

static int absent(struct binder *b, const char *what, const struct nearest *near)
{
	struct sbuf text;

	sbuf_init(&text, b->a);
	probes_print(&text, b->want);
	if (near && near->best.n)
		return err_set(b->e, -SKEP_ENOEVENT, KERN_ROOM,
			       "%s: this kernel has no %s '" STR_FMT "'; did you mean '" STR_FMT
			       "'?",
			       text.s, what, STR_ARG(b->want->name), STR_ARG(near->best));
	return err_set(b->e, -SKEP_ENOEVENT, KERN_ROOM, "%s: this kernel has no %s '" STR_FMT "'",
		       text.s, what, STR_ARG(b->want->name));
}

/* ---- system calls on raw tracepoints -------------------------------------------------------- */

static void go_raw(struct binder *b, bool at_return, enum probes_adapt adapt)
{
	b->out->at = (struct probes_point){ .provider = PROBES_RAW_TRACEPOINT,
					    .name = at_return ? STR("sys_exit") : STR("sys_enter"),
					    .span = b->want->span };
	b->out->adapt = at_return ? PROBES_SYSCALL_EXIT : adapt;
	b->out->is_fallback = true;
	b->out->note = STR("this kernel has no kprobes");
}

static struct probes_call *add_call(struct binder *b, int nr)
{
	struct probes_call *c = vec_push(b->a, &b->out->calls);

	c->nr = (u32)nr;
	for (u32 i = 0; i < ARRAY_LEN(c->args); i++)
		c->args[i] = PROBES_ARG_NONE;
	return c;
}

/* The system call that a kprobe means: by its function's name in any kernel's spelling, or bare. */
static str call_of(str name)
{
	str call = probes_syscall_of_symbol(name);

	if (!call.n && probes_syscall_nr(name) >= 0)
		call = name;
	return call;
}

/* ---- kprobes -------------------------------------------------------------------------------- */

static int no_kprobe(struct binder *b)
{
	struct nearest near;
	const char *name;
	u32 i;

	nearest_init(&near, b->want->name);
	probes_equivalent_offer(&near);
	for (i = 0; i < probes_syscall_limit(); i++) {
		name = probes_syscall_name(i);
		if (name)
			nearest_offer(&near, str_of(name));
	}
	if (near.best.n)
		return refuse(
			b, -SKEP_ENOEVENT,
			str_printf(b->a,
				   "this kernel has no kprobes, and no equivalent of this function "
				   "is known; did you mean '" STR_FMT "', which works here?",
				   STR_ARG(near.best))
				.s);
	return refuse(
		b, -SKEP_ENOEVENT,
		"this kernel has no kprobes, and no equivalent of this function is known; what "
		"works here are system calls (ksyscall:NAME) and tracepoints (skep list "
		"'tracepoint:*')");
}

static bool go_fentry(struct binder *b)
{
	int args = b->want->provider == PROBES_KPROBE && !b->want->module.n
			   ? b->f->fentry_args(b->f->arg, b->want->name)
			   : -1;

	if (args < 0)
		return false;
	b->out->at = *b->want;
	b->out->at.provider = PROBES_FENTRY;
	b->out->adapt = PROBES_ARGS_ARRAY;
	for (s32 i = 0; i < 6; i++)
		b->out->arg_from[i] = (s8)(i < args ? i : -1);
	b->out->is_fallback = true;
	b->out->note = STR("this kernel has no kprobes");
	return true;
}

/* do_exit has no system call of its own (signals come through it too), but a tracepoint inside. */
static bool go_exit(struct binder *b)
{
	if (b->want->provider != PROBES_KPROBE || !str_is(b->want->name, "do_exit"))
		return false;
	go_raw(b, false, PROBES_ARGS_ARRAY);
	b->out->at.name = STR("sched_process_exit");
	memset(b->out->arg_from, -1, sizeof(b->out->arg_from));
	return true;
}

static int without_kprobes(struct binder *b)
{
	bool at_return =
		b->want->provider == PROBES_KRETPROBE || b->want->provider == PROBES_KRETSYSCALL;
	str call = call_of(b->want->name);

	if (b->want->offset || !b->want->name.n)
		return refuse(
			b, -SKEP_ENOEVENT,
			"this kernel has no kprobes, and nothing else stops inside a function");
	if (probes_has_wildcard(b->want))
		return refuse(b, -SKEP_ENOEVENT,
			      "this kernel has no kprobes, and a wildcard has no equivalent");
	if (call.n) {
		go_raw(b, at_return, PROBES_SYSCALL_ENTER);
		add_call(b, probes_syscall_nr(call));
		return 0;
	}
	if (probes_equivalent_calls(b->a, b->want->name, b->out)) {
		go_raw(b, at_return, PROBES_SYSCALL_EQUIV);
		return 0;
	}
	return go_exit(b) || go_fentry(b) ? 0 : no_kprobe(b);
}

/* Other names of a function through the releases, arguments alike. */
static str renamed(struct binder *b)
{
	static const char *const families[][3] = {
		{ "kernel_clone", NULL },
		{ "_do_fork", "do_fork", NULL },
	};
	struct probes_point p = *b->want;

	for (u32 i = 0; i < ARRAY_LEN(families); i++)
		for (u32 k = 0; families[i][k]; k++) {
			if (!str_is(b->want->name, families[i][k]))
				continue;
			for (u32 n = 0; families[i][n]; n++) {
				p.name = str_of(families[i][n]);
				if (b->f->exists(b->f->arg, &p, NULL) == 1)
					return p.name;
			}
		}
	return STR("");
}

/* A function with equivalents that this kernel lacks (renamed or inlined since). */
static bool is_gone(struct binder *b)
{
	return probes_has_equivalent(b->want->name) && b->f->exists(b->f->arg, b->want, NULL) == 0;
}

static int bind_kprobe(struct binder *b)
{
	str call, other;

	if (!b->f->kprobes)
		return without_kprobes(b);
	if (b->want->module.n || b->want->offset || probes_has_wildcard(b->want))
		return 0;
	call = call_of(b->want->name);
	if (call.n) {
		b->out->at.name = b->f->syscall_symbol(b->f->arg, call);
		return 0;
	}
	if (!is_gone(b))
		return 0;
	other = renamed(b);
	if (other.n) {
		b->out->at.name = other;
	} else {
		b->out->at = *b->want;
		probes_equivalent_calls(b->a, b->want->name, b->out);
		go_raw(b, b->want->provider == PROBES_KRETPROBE, PROBES_SYSCALL_EQUIV);
	}
	b->out->is_fallback = true;
	b->out->note = STR("this kernel has no such function");
	return 0;
}

static int bind_ksyscall(struct binder *b)
{
	struct nearest near;

	if (probes_has_wildcard(b->want))
		return refuse(b, -SKEP_EUNSUPPORTED, "wildcards in system calls are not taken yet");
	if (probes_syscall_nr(b->want->name) < 0) {
		nearest_init(&near, b->want->name);
		b->f->exists(b->f->arg, b->want, &near);
		return absent(b, "system call", &near);
	}
	if (!b->f->kprobes)
		return without_kprobes(b);
	b->out->at.provider =
		b->want->provider == PROBES_KSYSCALL ? PROBES_KPROBE : PROBES_KRETPROBE;
	b->out->at.name = b->f->syscall_symbol(b->f->arg, b->want->name);
	return 0;
}

/* ---- other providers ------------------------------------------------------------------------ */

static int bind_fentry(struct binder *b)
{
	struct nearest near;

	if (!b->f->btf)
		return refuse(b, -SKEP_ENOBTF,
			      "this kernel gives no BTF, which this kind of event needs; a kprobe "
			      "may do");
	if (b->want->module.n)
		return refuse(b, -SKEP_EUNSUPPORTED,
			      "functions of modules are not taken yet; a kprobe does the same");
	if (!b->want->name.n || b->f->fentry_args(b->f->arg, b->want->name) >= 0)
		return 0;
	nearest_init(&near, b->want->name);
	if (b->f->exists(b->f->arg, b->want, &near) == 0)
		return absent(b, "function with BTF", &near);
	return refuse(b, -SKEP_ENOEVENT,
		      b->f->kprobes
			      ? "this kernel takes no program of this kind here; a kprobe does "
				"the same"
			      : "this kernel takes no programs of this kind; what works here are "
				"system calls (ksyscall:NAME) and tracepoints");
}

static int bind_tracepoint(struct binder *b)
{
	struct nearest near;

	if (!b->want->name.n || probes_has_wildcard(b->want))
		return 0;
	nearest_init(&near, b->want->name);
	if (b->f->exists(b->f->arg, b->want, &near) != 0)
		return 0;
	if (str_is(b->want->module, "syscalls") && !near.best.n)
		return refuse(b, -SKEP_ENOEVENT,
			      "this kernel has no tracepoints of single system calls; use "
			      "ksyscall:NAME or tracepoint:raw_syscalls:sys_enter");
	return absent(b, "tracepoint", &near);
}

static int bind_uprobe(struct binder *b)
{
	str path;

	if (!b->f->uprobes)
		return refuse(b, -SKEP_ENOEVENT, "this kernel has no uprobes");
	if (!b->want->path.n || probes_has_wildcard(b->want))
		return 0;
	path = probes_find_binary(b->a, b->want->path);
	if (!path.n)
		return refuse(b, -SKEP_ENOEVENT, "there is no such binary");
	b->out->at.path = path;
	return 0;
}

static int bind_counter(struct binder *b)
{
	int got = b->f->counter(b->f->arg, b->want);

	if (got == -ENOENT || got == -ENODEV || got == -EOPNOTSUPP)
		return refuse(
			b, -SKEP_ENOEVENT,
			b->want->provider == PROBES_HARDWARE
				? "this machine does not count it (virtual machines often count "
				  "nothing); software:cpu-clock samples by time"
				: "this kernel does not count it");
	return 0;
}

int kern_bind(const struct kern_facts *f, struct arena *a, const struct probes_point *want,
	      struct probes_binding *out, struct err *e)
{
	static int (*const rules[PROBES_N_PROVIDERS])(struct binder * b) = {
		[PROBES_KPROBE] = bind_kprobe,	   [PROBES_KRETPROBE] = bind_kprobe,
		[PROBES_KSYSCALL] = bind_ksyscall, [PROBES_KRETSYSCALL] = bind_ksyscall,
		[PROBES_FENTRY] = bind_fentry,	   [PROBES_FEXIT] = bind_fentry,
		[PROBES_FMOD_RET] = bind_fentry,   [PROBES_TRACEPOINT] = bind_tracepoint,
		[PROBES_UPROBE] = bind_uprobe,	   [PROBES_URETPROBE] = bind_uprobe,
		[PROBES_SOFTWARE] = bind_counter,  [PROBES_HARDWARE] = bind_counter,
	};
	struct binder b = { f, a, want, out, e };

	*out = (struct probes_binding){ .want = *want, .at = *want, .adapt = PROBES_NATIVE };
	return rules[want->provider] ? rules[want->provider](&b) : 0;
}
