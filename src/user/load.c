/* load: an object's maps and programs become ready to run.
 *
 * Each program is linked, verified (always), bound and compiled; where the machine has no compiler the
 * interpreter runs it. Then programs are sorted into lists by the event that they wait for, and what has to
 * stop is known: the calls that a program asks for, and those that change what the engine remembers of a thread.
 *
 * A program of a tracepoint may read its record only: what lies behind it is nothing of the event, and the kernel
 * refuses it too.
 */
#include <errno.h>
#include <string.h>

#include "user/room.h"

struct loader {
	struct engine *u;
	u32 i;
	const struct obj_prog *op;
	struct user_prog *p;
	struct rt_rejection *rej;
	struct err *e;
};

/* ---- one program ---------------------------------------------------------------------------- */

static str log_of(struct arena *a, const struct verify_problem *p)
{
	struct sbuf b;

	sbuf_init(&b, a);
	for (u32 i = 0; i < p->steps.n; i++)
		sbuf_printf(&b, "%u: " STR_FMT "\n", p->steps.at[i].insn,
			    STR_ARG(p->steps.at[i].text));
	sbuf_printf(&b, "%u: " STR_FMT "\n", p->insn, STR_ARG(p->text));
	if (p->hint.n)
		sbuf_printf(&b, STR_FMT "\n", STR_ARG(p->hint));
	return sbuf_str(&b);
}

static int refused(struct loader *l, u32 insn, str reason, str log)
{
	l->rej->prog = l->i;
	l->rej->insn = insn;
	l->rej->reason = reason;
	l->rej->log = log;
	return err_set(l->e, -SKEP_EREJECTED, USER_ROOM,
		       "program '" STR_FMT "' (" STR_FMT ") is refused: " STR_FMT,
		       STR_ARG(l->op->name), STR_ARG(l->op->attach), STR_ARG(reason));
}

/* What a delivered signal will meet is known to the kernel only. */
static const char *hidden_field(const struct user_prog *p, s64 off, u32 size)
{
	for (u32 i = 0; p->event == USER_EV_SIGNAL && i < p->format.fields.n; i++) {
		const struct probes_field *f = &p->format.fields.at[i];

		if (off + size <= f->off || off >= f->off + f->size)
			continue;
		if (str_is(f->name, "sa_handler") || str_is(f->name, "sa_flags"))
			return "sa_handler and sa_flags cannot be seen from user space; --engine "
			       "kern can";
	}
	return NULL;
}

/* Reads of the context behind the record's end, and of what cannot be had. */
static int check_record(struct loader *l, const struct verify_input *in,
			const struct verify_result *res)
{
	for (u32 i = 0; l->p->context == USER_CTX_RECORD && i < in->n; i++) {
		const struct verify_fact *f = &res->facts[i];

		u32 size = isa_bytes(in->insns[i]);
		const char *why;

		if (f->region != VERIFY_CTX || !f->is_const || !f->is_reached)
			continue;
		why = hidden_field(l->p, f->const_off, size);
		if (why)
			return refused(l, i, str_of(why), STR(""));
		if (f->const_off + size <= l->p->record)
			continue;
		/* Strings of the record come behind it. */
		if (l->p->event == USER_EV_EXEC || l->p->event == USER_EV_FORK)
			continue;
		return refused(l, i,
			       str_printf(l->u->a, "the event's record has %u bytes", l->p->record),
			       STR(""));
	}
	return 0;
}

static int compile(struct loader *l, const struct verify_input *in, const struct verify_result *res)
{
	struct engine *u = l->u;
	struct vm_spec spec = { .insns = in->insns,
				.n = in->n,
				.maps = u->maps,
				.n_maps = u->n_maps,
				.extra = user_helpers,
				.n_extra = user_n_helpers };
	struct jit_options o = { .facts = res->facts, .keep_stack = !res->reads_unwritten };
	struct err e = { 0 };
	int err = vm_prog_new(&spec, &l->p->vm, &e);

	if (err == -SKEP_EUNSUPPORTED)
		return refused(l, OBJ_NONE, str_dup(u->a, str_of(e.msg)), STR(""));
	if (err)
		return err_set(l->e, err, USER_ROOM, "%s", e.msg);
	err = jit_compile(l->p->vm, &o, &l->p->code, &e);
	if (!err) {
		l->p->run = jit_entry(l->p->code);
		jit_publish(l->p->code);
	}
	return 0;
}

static bool has_helper(u32 id, const char **out_why)
{
	for (u32 i = 0; i < user_n_helpers; i++)
		if (user_helpers[i].id == id)
			return true;
	return vm_helper_builtin(id, out_why) || id == ISA_FN_tail_call;
}

/* Helpers that only the kernel can give, named with the reason. */
static int check_helpers(struct loader *l, const struct verify_input *in)
{
	for (u32 i = 0; i < in->n; i++) {
		const struct isa_insn *x = &in->insns[i];
		const struct isa_helper *h;
		const char *why = "";

		if (x->code != (ISA_JMP | ISA_CALL) || x->src != ISA_CALL_HELPER ||
		    has_helper((u32)x->imm, &why))
			continue;
		h = isa_helper((u32)x->imm);
		return refused(l, i,
			       str_printf(l->u->a,
					  "the user engine has no bpf_%s (%s); --engine kern has",
					  h ? h->name : "?", why),
			       STR(""));
	}
	return 0;
}

static void note_helpers(struct engine *u, const struct verify_input *in)
{
	for (u32 i = 0; i < in->n; i++)
		if (in->insns[i].code == (ISA_JMP | ISA_CALL) &&
		    in->insns[i].src == ISA_CALL_HELPER &&
		    in->insns[i].imm == ISA_FN_get_current_uid_gid)
			u->asks_ids = true;
}

static int load_one(struct loader *l)
{
	struct arena *a = l->u->a;
	struct verify_input in;
	struct verify_result res;
	struct obj_image image;
	int err;

	err = l->op->attach.n ? probes_parse(a, l->op->attach, &l->p->point, l->e)
			      : probes_parse_section(a, l->op->section, &l->p->point, l->e);
	err = err ? err : user_place(l->u, l->p, l->e);
	err = err ? err : obj_link(a, l->u->obj, l->i, &image, l->e);
	if (err)
		return err;
	verify_input_of(a, l->u->obj, &image, l->i, &in);
	verify_program(a, &in, &res);
	if (!res.accepted)
		return refused(l, res.problem.insn, res.problem.text, log_of(a, &res.problem));
	note_helpers(l->u, &in);
	err = check_helpers(l, &in);
	err = err ? err : check_record(l, &in, &res);
	return err ? err : compile(l, &in, &res);
}

/* ---- what stops ----------------------------------------------------------------------------- */

static void list_add(struct engine *u, struct user_list *list, u32 i)
{
	u32 *at = arena_array_of(u->a, u32, list->n + 1);

	if (list->n)
		memcpy(at, list->at, list->n * sizeof(*at));
	at[list->n++] = i;
	list->at = at;
}

static void list_calls(struct engine *u, u32 i)
{
	struct user_prog *p = &u->progs[i];
	struct user_list *lists = p->event == USER_EV_ENTER ? u->enter : u->exit;

	for (u32 nr = 0; nr <= USER_N_CALLS; nr++)
		if (p->all_calls || user_has_call(p->calls, nr))
			list_add(u, &lists[nr], i);
	for (u32 k = 0; k < ARRAY_LEN(u->trapped); k++)
		u->trapped[k] |= p->calls[k];
	u->all_calls |= p->all_calls;
}

/* Calls that change user ids, for a program that asks for them. */
static void trap_ids(struct engine *u)
{
	static const char *const calls[] = { "setuid",	  "setgid",    "setreuid", "setregid",
					     "setresuid", "setresgid", "setfsuid", "setfsgid" };

	for (u32 i = 0; i < ARRAY_LEN(calls); i++) {
		int nr = probes_syscall_nr(str_of(calls[i]));

		if (nr >= 0)
			user_add_call(u->trapped, (u32)nr);
	}
}

static void sort_programs(struct engine *u)
{
	struct user_list *by_event[] = {
		[USER_EV_FORK] = &u->forks,	  [USER_EV_EXEC] = &u->execs,
		[USER_EV_END] = &u->ends,	  [USER_EV_SIGNAL] = &u->signals,
		[USER_EV_PROFILE] = &u->profiles, [USER_EV_UPROBE] = &u->breaks,
		[USER_EV_URETPROBE] = &u->breaks, [USER_EV_USDT] = &u->breaks,
	};

	for (u32 i = 0; i < u->n_progs; i++) {
		enum user_event event = u->progs[i].event;

		if (!u->progs[i].vm || event == USER_EV_NONE)
			continue;
		if (event == USER_EV_ENTER || event == USER_EV_EXIT)
			list_calls(u, i);
		else
			list_add(u, by_event[event], i);
	}
	for (u32 k = 0; k < ARRAY_LEN(u->trapped); k++)
		u->asks_abi |= u->all_calls && u->trapped[k];
	if (u->asks_ids)
		trap_ids(u);
}

/* ---- all ------------------------------------------------------------------------------------ */

int user_load(void *self, const struct rt_setup *s, struct rt_rejection *out_rej, struct err *e)
{
	struct engine *u = self;
	struct loader l = { .u = u, .rej = out_rej, .e = e };
	int err;

	if (u->obj)
		return err_set(e, -EBUSY, USER_ROOM, "an object is loaded already");
	*out_rej = (struct rt_rejection){ .insn = OBJ_NONE };
	u->obj = s->obj;
	u->scope = s->scope;
	u->pids = s->pids;
	u->n_pids = s->n_pids;
	u->note = s->note;
	u->note_arg = s->note_arg;
	u->progs = arena_array_of(u->a, struct user_prog, s->obj->progs.n + 1);
	u->n_progs = s->obj->progs.n;
	u->vm = vm_thread_new(probes_cpus(u->m) > 1);
	if (!u->vm)
		return err_set(e, -ENOMEM, USER_ROOM, "out of memory");
	err = user_maps_create(u, e);
	for (u32 i = 0; !err && i < u->n_progs; i++) {
		if (s->obj->progs.at[i].disabled)
			continue;
		l.i = i;
		l.op = &s->obj->progs.at[i];
		l.p = &u->progs[i];
		err = load_one(&l);
	}
	if (!err)
		sort_programs(u);
	return err;
}

void user_unload(struct engine *u)
{
	for (u32 i = 0; i < u->n_progs; i++) {
		jit_free(u->progs[i].code);
		vm_prog_free(u->progs[i].vm);
	}
	for (u32 i = 0; i < u->n_maps; i++)
		if (u->maps[i])
			maps_put(u->maps[i]);
	u->n_progs = u->n_maps = 0;
}

/* ---- running -------------------------------------------------------------------------------- */

void user_run(struct engine *u, struct user_prog *p, struct vm_thread *t, void *ctx, u32 size)
{
	struct user_host *host = vm_thread_host(t);
	struct vm_limits limits = { 0 };
	u64 ignored;

	if (host) {
		host->stack_top = (u64)(uintptr_t)__builtin_frame_address(0);
		host->ctx = (u64)(uintptr_t)ctx;
		host->ctx_size = size;
	}

	if (pthread_mutex_lock(&u->shared->running) == EOWNERDEAD)
		pthread_mutex_consistent(&u->shared->running);
	if (p->run)
		p->run(ctx, t);
	else if (vm_run(p->vm, t, ctx, size, &limits, &ignored, NULL))
		user_note(u, "a program ended early");
	pthread_mutex_unlock(&u->shared->running);
}

int user_run_once(void *self, u32 prog, struct err *e)
{
	struct engine *u = self;
	struct user_host host = { .u = u };
	u64 ctx[USER_RECORD / 8] = { 0 };

	if (prog >= u->n_progs || !u->progs[prog].vm)
		return err_set(e, -EINVAL, USER_ROOM, "program %u is not loaded", prog);
	vm_thread_set_host(u->vm, &host);
	user_run(u, &u->progs[prog], u->vm, ctx, sizeof(ctx));
	vm_thread_set_host(u->vm, NULL);
	return 0;
}
