/* compile.c: source to obj, stage by stage.
 *
 * read, parse, bind (the engine says where each event really is), lower, optimise, generate. Each stage is timed;
 * each leaves either its result or diagnostics.
 */
#include <errno.h>
#include <string.h>

#include "api/session.h"

/* ---- stages --------------------------------------------------------------------------------- */

static int timed(struct skep *s, enum stage stage, int (*run)(struct skep *s))
{
	double start = session_now_us();
	int r = run(s);

	s->stage_us[stage] += session_now_us() - start;
	return r;
}

int compile_to_tree(struct skep *s)
{
	if (!s->src)
		return err_set(&s->err, -SKEP_WRONG_USE, "api", "no program was loaded");
	if (s->cf || s->bt || binary_is(s->lang))
		return s->dx.n_errors ? -SKEP_WRONG_PROGRAM : 0;
	return timed(s, STAGE_PARSE, front_parse);
}

static int no_such_event(struct skep *s, const struct bound *b, int r, const struct err *e)
{
	if (!span_known(b->span))
		return err_set(&s->err, r, "api", "%s", e->msg);
	diag_add(&s->dx, b->span, s->lang == SKEP_BPFTRACE ? E_BT_PROBE : E_NO_EVENT, "%s", e->msg);
	return 0;
}

static void note_fallback(struct skep *s, const struct bound *b)
{
	struct sbuf want, at;

	sbuf_init(&want, s->a);
	sbuf_init(&at, s->a);
	probes_print(&want, &b->want);
	probes_print(&at, &b->binding.at);
	if (s->o.strict) {
		diag_add(&s->dx, b->span, E_ENGINE,
			 "%s is not on this kernel, and --strict forbids "
			 "its equivalent %s",
			 want.s, at.s);
		diag_hint(&s->dx, "without --strict it runs there, and a note says so");
		return;
	}
	if (!s->noted_fallbacks)
		session_note(s, "%s runs at %s: " STR_FMT, want.s, at.s, STR_ARG(b->binding.note));
}

/* A program on plain memory waits for no event. */
static int bind_one(struct skep *s, struct bound *b, struct err *e)
{
	if (!s->o.mem_size)
		return s->engine->bind(s->engine_self, &b->want, &b->binding, e);
	b->binding = (struct probes_binding){ .want = b->want, .at = b->want };
	return 0;
}

/* Engines do not look up every kprobe, since that takes long; where a list may lose some, it is worth it. */
static bool is_gone(struct skep *s, u32 i)
{
	const struct probes_point *at = &s->bounds.at[i].binding.at;

	return (at->provider == PROBES_KPROBE || at->provider == PROBES_KRETPROBE) &&
	       front_may_be_absent(s, i) && probes_exists(s->machine, NULL, at, NULL) == 0;
}

static void leave_out(struct skep *s, struct bound *b, const struct err *e)
{
	b->is_absent = true;
	b->binding.note = str_dup(s->a, str_of(e->msg));
	if (!s->noted_fallbacks)
		session_note(s, "left out: %s", e->msg);
}

static int bind_all(struct skep *s)
{
	int r = front_bounds(s);

	for (u32 i = 0; !r && i < s->bounds.n; i++) {
		struct bound *b = &s->bounds.at[i];
		struct err e = { 0 };
		int bound = bind_one(s, b, &e);

		if (!bound && is_gone(s, i))
			bound = err_set(&e, -SKEP_ENOEVENT, "api",
					"this kernel has no function '" STR_FMT "'",
					STR_ARG(b->binding.at.name));
		if (bound && front_may_be_absent(s, i))
			leave_out(s, b, &e);
		else if (bound)
			r = no_such_event(s, b, bound, &e);
		else if (b->binding.is_fallback)
			note_fallback(s, b);
	}
	front_check_lists(s);
	s->noted_fallbacks = true;
	return r ? r : s->dx.n_errors ? -SKEP_WRONG_PROGRAM : 0;
}

static int lower_all(struct skep *s)
{
	s->obj = obj_new(s->a, &s->ss);
	s->m = ir_module_new(s->a);
	s->obj->kern_version = probes_kernel_version(s->machine);
	if (!front_lower(s))
		return -SKEP_WRONG_PROGRAM;
	return s->guard == IR_GUARD_PIDS ? tracker_lower(s) : 0;
}

static struct ir_target target_of(struct skep *s)
{
	u32 version = probes_kernel_version(s->machine);
	struct ir_target t = { .guard = (enum ir_guard)s->guard };

	t.has_v4 = version >= (6u << 16 | 6 << 8);
	t.split_probe_reads = version >= (5u << 16 | 5 << 8);
	t.jumps_close_loops = version < (6u << 16 | 8 << 8);
	if (s->guard == IR_GUARD_PIDS)
		t.pids_map = ir_sym(s->m, IR_SYM_MAP, STR(KERN_PIDS_MAP),
				    obj_map_find(s->obj, STR(KERN_PIDS_MAP)));
	return t;
}

static void dump_after(void *arg, const char *pass, struct ir_module *m)
{
	struct skep *s = arg;

	if (!s->dump_pass || strcmp(s->dump_pass, pass) != 0)
		return;
	/* A pass that runs more than once is shown as it was after its last run. */
	sbuf_init(s->dump_out, s->a);
	ir_print(s->dump_out, m);
}

static int optimise_all(struct skep *s)
{
	struct ir_target t = target_of(s);

	if (s->dump_pass && strcmp(s->dump_pass, "none") == 0)
		ir_print(s->dump_out, s->m);
	return ir_optimise(s->scratch, &s->dx, &t, s->m, dump_after, s) ? 0 : -SKEP_WRONG_PROGRAM;
}

static int generate_all(struct skep *s)
{
	struct ir_target t = target_of(s);

	return gen_module(s->a, &s->dx, &t, s->m, s->obj) ? 0 : -SKEP_WRONG_PROGRAM;
}

static int compile_source(struct skep *s)
{
	int r = timed(s, STAGE_BIND, bind_all);

	if (!r)
		r = timed(s, STAGE_LOWER, lower_all);
	if (!r)
		r = timed(s, STAGE_OPTIMISE, optimise_all);
	if (!r)
		r = timed(s, STAGE_GENERATE, generate_all);
	return r;
}

int compile_to_obj(struct skep *s)
{
	int r;

	if (s->compiled)
		return 0;
	r = compile_to_tree(s);
	if (!r && !s->o.mem_size)
		r = session_open_engine(s, false);
	if (!r)
		r = binary_is(s->lang) ? timed(s, STAGE_PARSE, binary_to_obj) : compile_source(s);
	if (!r)
		r = set_variables(s);
	s->compiled = !r;
	s->compiled_guard = s->guard;
	return r;
}

void compile_forget(struct skep *s)
{
	s->cf = NULL;
	s->bt = NULL;
	s->m = NULL;
	s->obj = NULL;
	s->compiled = false;
	diags_init(&s->dx, s->a, &s->ss);
	for (u32 i = STAGE_PARSE; i <= STAGE_GENERATE; i++)
		s->stage_us[i] = 0;
}

int skep_compile(struct skep *s)
{
	session_begin(s);
	return session_guarded(s, compile_to_obj);
}
