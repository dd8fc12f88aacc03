/* run.c: load, attach, run, detach.
 *
 * The order matters: the scope is made before compiling (it decides which filter the programs carry), the
 * command is started stopped before anything is attached, and it is released when everything is.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "api/session.h"

static enum rt_scope scope_of(const struct skep *s)
{
	if (s->o.whole_system)
		return RT_SCOPE_ALL;
	return s->o.n_pids ? RT_SCOPE_PIDS : s->o.command ? RT_SCOPE_COMMAND : RT_SCOPE_ALL;
}

static void note(void *arg, const char *text)
{
	session_note(arg, "%s", text);
}

static int load(struct skep *s)
{
	struct rt_rejection rej = { .insn = OBJ_NONE };
	struct rt_setup setup = { .obj = s->obj,
				  .machine = s->machine,
				  .scope = scope_of(s),
				  .strict = s->o.strict,
				  .log_level = s->o.verbose > 1,
				  .note = note,
				  .note_arg = s };
	double start = session_now_us();
	u32 *pids = arena_array_of(s->a, u32, s->o.n_pids + 1);
	int r;

	for (size_t i = 0; i < s->o.n_pids; i++)
		pids[i] = (u32)s->o.pids[i];
	setup.pids = pids;
	setup.n_pids = (u32)s->o.n_pids;
	r = s->engine->load(s->engine_self, &setup, &rej, &s->err);
	s->stage_us[STAGE_LOAD] = session_now_us() - start;
	return r == -SKEP_EREJECTED ? reject_report(s, &rej) : r;
}

/* ---- check ---------------------------------------------------------------------------------- */

/* Whether skep's own verifier judges: when it is asked for, or where this process may not load programs. */
static bool judges_itself(struct skep *s)
{
	struct err why = { 0 };

	if (s->o.engine != SKEP_ENGINE_AUTO)
		return s->o.engine == SKEP_ENGINE_USER;
	if (!kern_engine.usable(s->machine, &why))
		return false;
	session_note(s, "skep's own verifier looks: %s", why.msg);
	return true;
}

static int check(struct skep *s)
{
	int r;

	s->judging = judges_itself(s);
	r = compile_to_obj(s);
	if (!r && s->judging)
		r = judge_all(s);
	if (!r && !s->judging)
		r = session_open_engine(s, true);
	if (!r && !s->judging)
		r = load(s);
	if (!r)
		r = (int)s->obj->progs.n;
	session_drop_engine(s);
	return r;
}

int skep_check(struct skep *s)
{
	session_begin(s);
	return session_guarded(s, check);
}

/* ---- run ------------------------------------------------------------------------------------ */

static int tell_probes(struct skep *s, int attached)
{
	return s->o.probes ? s->o.probes(s->o.probes_arg, s->bounds.n, attached) : 0;
}

static int attach(struct skep *s)
{
	double start;
	int r = tell_probes(s, 0);

	start = session_now_us();
	if (!r && s->o.command)
		r = s->engine->command(s->engine_self, s->o.command, &s->err);
	if (!r)
		r = s->engine->attach(s->engine_self, &s->err);
	s->stage_us[STAGE_ATTACH] = session_now_us() - start;
	return r ? r : tell_probes(s, 1);
}

static void configure(struct skep *s, struct rt_config *out)
{
	str *formats = arena_array_of(s->a, str, s->o.n_map_formats + 1);
	struct rt_config c = { .engine = s->engine,
			       .self = s->engine_self,
			       .obj = s->obj,
			       .a = s->a,
			       .json = s->o.json,
			       .every_ns = s->o.every_ns,
			       .limit_ns = s->o.limit_ns,
			       .print_maps = !s->o.no_maps,
			       .write = s->o.write,
			       .write_arg = s->o.write_arg,
			       .stop_fd = s->stop_fd };

	c.n_cpus = probes_cpus(s->machine);
	c.style = s->o.style == SKEP_STYLE_COLUMNS ? RT_STYLE_COLUMNS
		  : s->o.style == SKEP_STYLE_PLAIN ? RT_STYLE_PLAIN
						   : RT_STYLE_TRACE;
	c.bpftrace = s->lang == SKEP_BPFTRACE;
	c.is_old = s->o.compat == 17;
	c.is_waiting = s->o.command || s->o.n_pids || s->o.limit_ns;
	for (size_t i = 0; i < s->o.n_map_formats; i++)
		formats[i] = str_of(s->o.map_formats[i]);
	c.map_formats = formats;
	c.n_map_formats = (u32)s->o.n_map_formats;
	/* Owned by the session, so that it goes also where memory ends. */
	c.names = s->names = rt_names_new(s->a);
	*out = c;
}

static int events(struct skep *s)
{
	struct rt_config c;

	configure(s, &c);
	return rt_run(&c, &s->result, &s->err);
}

static void tell_losses(struct skep *s)
{
	if (s->result.lost)
		session_note(s, "lost %llu records: the ring buffer was full",
			     (unsigned long long)s->result.lost);
	for (u32 i = 0; i < s->obj->maps.n && s->result.refused; i++) {
		const struct obj_map *m = &s->obj->maps.at[i];

		if (s->result.refused[i])
			session_note(s,
				     "map " STR_FMT
				     " is full (%u entries): %llu updates were refused; "
				     "declare it larger",
				     STR_ARG(m->name), m->max_entries,
				     (unsigned long long)s->result.refused[i]);
	}
}

/* Everything up to the attached programs. */
static int start(struct skep *s)
{
	int r = compile_to_tree(s);

	if (!r)
		r = session_open_engine(s, true);
	if (!r)
		r = s->engine->prepare_scope(s->engine_self, scope_of(s), &s->guard, &s->err);
	/* Compiled before the scope was known: the programs would see other processes. */
	if (!r && s->compiled && s->compiled_guard != s->guard)
		compile_forget(s);
	if (!r)
		r = compile_to_obj(s);
	if (!r && binary_is(s->lang) && s->guard != IR_GUARD_NONE)
		session_note(s, "no filter can be put into compiled code: its programs see every "
				"process, not only those that were asked for");
	if (!r)
		r = load(s);
	if (!r)
		r = attach(s);
	return r;
}

static int run(struct skep *s)
{
	int r = start(s);

	if (!r && !s->o.dry_run)
		r = events(s);
	if (!r && !s->o.dry_run)
		tell_losses(s);
	session_drop_engine(s);
	return r;
}

/* A stop ends one run only. */
static void forget_stops(struct skep *s)
{
	u64 stops;
	ssize_t ignored = read(s->stop_fd, &stops, sizeof(stops));

	(void)ignored;
}

int skep_run(struct skep *s)
{
	int r;

	session_begin(s);
	if (s->attached)
		return err_set(&s->err, -SKEP_WRONG_USE, "api",
			       "the programs are attached already");
	r = session_guarded(s, run);
	session_drop_engine(s);
	forget_stops(s);
	return r;
}

/* ---- the same in steps ------------------------------------------------------------------------ */

static int attach_now(struct skep *s)
{
	struct rt_config c;
	int r;

	if (s->attached)
		return err_set(&s->err, -SKEP_WRONG_USE, "api",
			       "the programs are attached already");
	r = start(s);
	if (r)
		return r;
	configure(s, &c);
	s->attached = true;
	return rt_begin(&c, &s->result, &s->loop, &s->err);
}

void run_drop(struct skep *s)
{
	rt_drop(s->loop);
	s->loop = NULL;
	s->attached = false;
}

/* Whatever fails ends the run. */
static int guarded_step(struct skep *s, int (*body)(struct skep *s), bool is_last)
{
	bool was = s->attached;
	int r;

	session_begin(s);
	r = session_guarded(s, body);
	if (is_last || (r < 0 && (body != attach_now || !was))) {
		run_drop(s);
		session_drop_engine(s);
		forget_stops(s);
	}
	return r;
}

int skep_attach(struct skep *s)
{
	return guarded_step(s, attach_now, false);
}

static int poll_once(struct skep *s)
{
	bool done = false;
	int r;

	if (!s->loop)
		return err_set(&s->err, -SKEP_WRONG_USE, "api", "nothing is attached");
	r = rt_step(s->loop, *(const int *)s->call, &done);
	return r ? r : !done;
}

int skep_poll(struct skep *s, int timeout_ms)
{
	s->call = &timeout_ms;
	return guarded_step(s, poll_once, false);
}

static int end_run(struct skep *s)
{
	int r;

	if (!s->loop)
		return err_set(&s->err, -SKEP_WRONG_USE, "api", "nothing is attached");
	r = rt_end(s->loop);
	if (!r)
		tell_losses(s);
	return r;
}

int skep_detach(struct skep *s)
{
	return guarded_step(s, end_run, true);
}
