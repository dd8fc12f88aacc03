/* engine: the table of functions, opening and closing, and the facts for bind.
 *
 * libbpf prints warnings unless told not to, and keeps that choice in the process: the first engine
 * that is opened silences it for all its users in this process. The same holds for its own raising
 * of the memory lock limit, which kern_raise_memlock does instead. This is the only state that the
 * room leaves behind.
 */
#include "kern/room.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <errno.h>
#include <linux/btf.h>
#include <string.h>
#include <unistd.h>

static int quiet(enum libbpf_print_level level, const char *format, va_list ap)
{
	(void)level;
	(void)format;
	(void)ap;
	return 0;
}

static int open_engine(struct probes_machine *m, struct arena *a, void **out_self, struct err *e)
{
	struct kern *k = arena_new_of(a, struct kern);

	(void)e;
	libbpf_set_print(quiet);
	k->a = a;
	k->m = m;
	k->btf = -1;
	k->group = (struct kern_group){ .dir = -1, .parent = -1 };
	k->cmd = (struct kern_command){ .pidfd = -1, .failure = -1, .status = -1 };
	*out_self = k;
	return 0;
}

static void close_engine(void *self)
{
	struct kern *k = self;

	if (!k)
		return;
	kern_detach(k, NULL);
	kern_ring_close(k);
	kern_command_close(k);
	kern_scope_close(k);
	for (u32 i = 0; i < k->n_progs; i++)
		if (k->progs[i].fd >= 0)
			close(k->progs[i].fd);
	for (u32 i = 0; i < k->n_maps; i++)
		if (k->maps[i] >= 0)
			close(k->maps[i]);
	if (k->btf >= 0)
		close(k->btf);
	k->n_progs = k->n_maps = 0;
	k->btf = -1;
	k->obj = NULL;
}

/* ---- facts ---------------------------------------------------------------------------------- */

/* Functions are asked of the kernel's BTF, which is read a hundred times as fast as kallsyms. */
static int exists(void *self, const struct probes_point *p, struct nearest *near)
{
	bool is_function = p->provider == PROBES_KPROBE || p->provider == PROBES_KRETPROBE ||
			   p->provider == PROBES_FENTRY || p->provider == PROBES_FEXIT ||
			   p->provider == PROBES_FMOD_RET;
	struct trap *trap = arena_trap(((struct kern *)self)->a);
	struct kern *k = self;
	struct trap_guard guard;
	struct kern_btf btf;
	int found;

	if (!is_function || p->module.n || kern_btf_open(&btf, NULL))
		return probes_exists(k->m, NULL, p, near);
	found = kern_btf_find(&btf, BTF_KIND_FUNC, p->name) != 0;
	if (!found && near) {
		kern_btf_offer(&btf, BTF_KIND_FUNC, near);
		trap_guard_push(trap, &guard, kern_btf_undo, &btf);
		near->best = str_dup(k->a, near->best);
		trap_guard_pop(trap);
	}
	kern_btf_close(&btf);
	return found;
}

/* Is a program taken at this function? A kernel that lacks the trampolines refuses it when it is
 * loaded, which attaches nothing. Without the right to load, the BTF alone is asked. */
bool kern_takes_fentry(struct probes_machine *m, u32 id)
{
	static const struct isa_insn nothing[] = {
		{ .code = ISA_ALU64 | ISA_MOV | ISA_K },
		{ .code = ISA_JMP | ISA_EXIT },
	};
	struct bpf_prog_load_opts o = { .sz = sizeof(o),
					.expected_attach_type = BPF_TRACE_FENTRY,
					.attach_btf_id = id };
	int fd;

	if (!kern_privileged(m))
		return true;
	kern_raise_memlock(m);
	fd = bpf_prog_load(BPF_PROG_TYPE_TRACING, "skep", "GPL", (const struct bpf_insn *)nothing,
			   ARRAY_LEN(nothing), &o);
	if (fd >= 0)
		close(fd);
	return fd >= 0;
}

static int fentry_args(void *self, str func)
{
	struct kern *k = self;
	struct kern_btf btf;
	int args = -1;
	u32 id;

	if (kern_btf_open(&btf, NULL))
		return -1;
	id = kern_btf_find(&btf, BTF_KIND_FUNC, func);
	if (id && kern_takes_fentry(k->m, id))
		args = kern_btf_params(&btf, id);
	kern_btf_close(&btf);
	return args;
}

static str syscall_symbol(void *self, str name)
{
	struct kern *k = self;

	return probes_syscall_symbol(k->m, k->a, name);
}

/* Opened for skep itself, not started, and closed at once. */
static int counter(void *self, const struct probes_point *p)
{
	int fd = kern_open_counter(p, -1, 0);

	(void)self;
	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

static int bind_point(void *self, const struct probes_point *want, struct probes_binding *out,
		      struct err *e)
{
	struct kern *k = self;
	struct kern_facts f = {
		.arg = k,
		.kprobes = probes_has(k->m, PROBES_HAS_KPROBES),
		.uprobes = probes_has(k->m, PROBES_HAS_UPROBES),
		.btf = probes_has(k->m, PROBES_HAS_BTF),
		.exists = exists,
		.fentry_args = fentry_args,
		.syscall_symbol = syscall_symbol,
		.counter = counter,
	};

	return kern_bind(&f, k->a, want, out, e);
}

const struct rt_engine kern_engine = {
	.name = "kern",
	.usable = kern_usable,
	.open = open_engine,
	.bind = bind_point,
	.prepare_scope = kern_prepare_scope,
	.load = kern_load,
	.command = kern_command,
	.attach = kern_attach,
	.run_once = kern_run_once,
	.release = kern_release,
	.poll = kern_poll,
	.command_pid = kern_command_pid,
	.command_status = kern_command_status,
	.detach = kern_detach,
	.map_next = kern_map_next,
	.map_lookup = kern_map_lookup,
	.map_update = kern_map_update,
	.map_delete = kern_map_delete,
	.close = close_engine,
};
