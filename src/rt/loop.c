/* loop.c: a run from BEGIN to the final maps.
 *
 * One thread: timers of the script and of --every are deadlines, the engine's poll waits until the nearest
 * of them. Each record is formatted into a scratch arena and written with one call. The run ends when the
 * engine says that the traced processes are gone, when the program said exit(), when stop_fd is readable or
 * when the time is over; then everything is detached, END runs, and the maps are printed.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <time.h>

#include "rt/rt_private.h"

struct timer {
	u64 period, next;
	u32 prog;
};

struct rt_loop {
	const struct rt_config *c;
	struct rt_result *out;
	struct err *e;
	struct arena *scratch;
	vec(struct timer) timers;
	u64 now, every_next, limit;
	u32 watched; /* a command whose symbols will be asked for when it may be gone; 0: none */
	u64 watch_next, watch_pause;
	bool done, gone; /* over; because the traced processes are */
	int failed;
};

static u64 clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (u64)t.tv_sec * 1000000000ull + (u64)t.tv_nsec;
}

static int flush(struct rt_loop *l, struct sbuf *text)
{
	if (!text->n || !l->c->write)
		return 0;
	return l->c->write(l->c->write_arg, text->s, text->n);
}

/* ---- records -------------------------------------------------------------------------------- */

static void note_exit(struct rt_loop *l, const struct obj_event *ev, const void *data, u32 size)
{
	l->out->exit_called = true;
	l->done = true;
	if (ev->args.n && ev->args.at[0].off + ev->args.at[0].size <= size)
		l->out->exit_code = (int)rt_value_int((const char *)data + ev->args.at[0].off,
						      ev->args.at[0].size, true);
}

static int on_record(void *arg, const void *data, u32 size)
{
	struct rt_loop *l = arg;
	const struct obj_record *r = data;
	struct arena_mark mark = arena_mark(l->scratch);
	struct sbuf text;
	int result;

	l->out->records++;
	if (size >= sizeof(*r) && r->event < l->c->obj->events.n &&
	    l->c->obj->events.at[r->event].kind == OBJ_EV_EXIT)
		note_exit(l, &l->c->obj->events.at[r->event], data, size);
	sbuf_init(&text, l->scratch);
	result = rt_format_record(&text, l->c, data, size);
	if (!result)
		result = flush(l, &text);
	arena_release(l->scratch, mark);
	if (result && !l->failed)
		l->failed = err_set(l->e, result, "rt", "cannot handle a record of %u bytes: %s",
				    size, strerror(-result));
	return result;
}

static int poll_engine(struct rt_loop *l, int timeout_ms)
{
	bool gone = false;
	int r = l->c->engine->poll(l->c->self, timeout_ms, l->c->stop_fd, on_record, l, &gone,
				   l->e);

	if (gone)
		l->done = l->gone = true;
	return l->failed ? l->failed : r;
}

/* ---- programs without an event of the kernel --------------------------------------------------- */

static int run_named(struct rt_loop *l, const char *attach)
{
	const struct obj *o = l->c->obj;
	int r = 0;

	for (u32 i = 0; !r && i < o->progs.n; i++) {
		if (!str_is(o->progs.at[i].attach, attach))
			continue;
		r = l->c->engine->run_once(l->c->self, i, l->e);
		if (!r)
			r = poll_engine(l, 0);
	}
	return r;
}

/* Whether no event can ever come: a script of BEGIN and END alone, without a process to wait for. */
static bool nothing_to_wait_for(const struct rt_loop *l)
{
	const struct obj *o = l->c->obj;

	if (!l->c->bpftrace || l->c->is_old || l->c->is_waiting)
		return false;
	for (u32 i = 0; i < o->progs.n; i++)
		if (!str_is(o->progs.at[i].attach, "BEGIN") &&
		    !str_is(o->progs.at[i].attach, "END"))
			return false;
	return true;
}

static int find_timers(struct rt_loop *l)
{
	const struct obj *o = l->c->obj;

	for (u32 i = 0; i < o->progs.n; i++) {
		struct probes_point p;
		struct timer *t;

		if (!str_starts(o->progs.at[i].attach, "interval:"))
			continue;
		if (probes_parse(l->scratch, o->progs.at[i].attach, &p, l->e))
			return -EINVAL;
		t = vec_push(l->c->a, &l->timers);
		t->prog = i;
		t->period = p.is_hz ? 1000000000ull / (p.amount ? p.amount : 1) : p.amount;
		t->next = l->now + t->period;
	}
	return 0;
}

static int print_maps(struct rt_loop *l)
{
	struct arena_mark mark = arena_mark(l->scratch);
	struct sbuf text;
	int r;

	sbuf_init(&text, l->scratch);
	r = rt_print_all_maps(&text, l->c, l->e);
	if (!r)
		r = flush(l, &text);
	arena_release(l->scratch, mark);
	return r;
}

/* Runs what is due; a timer that fell behind skips what it missed. */
static int run_timers(struct rt_loop *l)
{
	int r = 0;

	for (u32 i = 0; !r && i < l->timers.n; i++) {
		struct timer *t = &l->timers.at[i];

		if (l->now < t->next)
			continue;
		t->next += t->period;
		if (t->next <= l->now)
			t->next = l->now + t->period;
		r = l->c->engine->run_once(l->c->self, t->prog, l->e);
	}
	if (!r && l->c->every_ns && l->now >= l->every_next) {
		l->every_next += l->c->every_ns;
		if (l->every_next <= l->now)
			l->every_next = l->now + l->c->every_ns;
		r = print_maps(l);
	}
	if (l->limit && l->now >= l->limit)
		l->done = true;
	return r;
}

static void earlier(u64 *at, u64 x)
{
	if (x && (!*at || x < *at))
		*at = x;
}

static int wait_ms(const struct rt_loop *l)
{
	u64 next = 0;

	for (u32 i = 0; i < l->timers.n; i++)
		earlier(&next, l->timers.at[i].next);
	earlier(&next, l->c->every_ns ? l->every_next : 0);
	earlier(&next, l->limit);
	earlier(&next, l->watched ? l->watch_next : 0);
	if (!next)
		return -1;
	return next <= l->now ? 0 : (int)((next - l->now + 999999) / 1000000);
}

/* ---- the command's memory map -------------------------------------------------------------------- */

static bool names_code(const struct obj_field *f)
{
	bool yes = f->kind == OBJ_F_USYM || f->kind == OBJ_F_USTACK;

	for (u32 i = 0; !yes && i < f->parts.n; i++)
		yes = names_code(&f->parts.at[i]);
	return yes;
}

/* Tables are printed when the command has ended; what lies where in it must be looked at before. */
static bool tables_name_code(const struct obj *o)
{
	for (u32 i = 0; i < o->maps.n; i++) {
		const struct obj_map *m = &o->maps.at[i];

		if (m->shown_value && names_code(m->shown_value))
			return true;
		for (u32 k = 0; k < m->keys.n; k++)
			if (names_code(&m->keys.at[k]))
				return true;
	}
	return false;
}

static void start_watching(struct rt_loop *l)
{
	const struct rt_config *c = l->c;

	if (!c->names || !c->engine->command_pid || !tables_name_code(c->obj))
		return;
	l->watched = c->engine->command_pid(c->self);
	l->watch_pause = 1000000;
	l->watch_next = l->now;
}

/* Often at first, when libraries are loaded; later at every wake, and sixteen times a second. */
static void watch(struct rt_loop *l)
{
	if (!l->watched)
		return;
	rt_usyms_watch(rt_usyms_of(l->c->names), l->watched);
	if (l->watch_pause < 64000000)
		l->watch_pause *= 2;
	l->watch_next = l->now + l->watch_pause;
}

static bool stop_asked(const struct rt_loop *l)
{
	struct pollfd p = { .fd = l->c->stop_fd, .events = POLLIN };

	return l->c->stop_fd >= 0 && poll(&p, 1, 0) > 0;
}

/* ---- the run -------------------------------------------------------------------------------- */

static int one_step(struct rt_loop *l, int timeout_ms)
{
	int r = poll_engine(l, timeout_ms);

	l->now = clock_ns();
	watch(l);
	if (!r && stop_asked(l))
		l->done = l->out->interrupted = true;
	if (!r && !l->done)
		r = run_timers(l);
	return r;
}

/* One counter of losses, all CPUs together. */
static u64 read_lost(struct rt_loop *l, u32 element)
{
	const struct rt_config *c = l->c;
	u64 *parts = arena_array_of(l->scratch, u64, c->n_cpus), total = 0;

	if (element >= OBJ_N_LOST || c->engine->map_lookup(c->self, c->obj->lost, &element, parts))
		return 0;
	for (u32 i = 0; i < c->n_cpus; i++)
		total += parts[i];
	return total;
}

static void count_losses(struct rt_loop *l)
{
	const struct obj *o = l->c->obj;

	l->out->refused = arena_array_of(l->c->a, u64, o->maps.n + 1);
	if (o->lost == OBJ_NONE)
		return;
	l->out->lost = read_lost(l, OBJ_LOST_RECORDS);
	for (u32 i = 0; i < o->maps.n; i++)
		l->out->refused[i] = read_lost(l, OBJ_LOST_UPDATES(i));
}

static int put_text(struct rt_loop *l, const char *s)
{
	return l->c->write ? l->c->write(l->c->write_arg, s, strlen(s)) : 0;
}

static int finish(struct rt_loop *l)
{
	/* The kernel may take a tenth of a second to take a tracepoint back. When nobody is left who could fire one, that comes
	 * last, behind the output. */
	bool is_late = l->gone;
	int r = is_late ? 0 : l->c->engine->detach(l->c->self, l->e);

	if (!r)
		r = poll_engine(l, 0);
	if (!r)
		r = run_named(l, "END");
	if (!r && l->c->bpftrace && !l->c->json)
		r = put_text(l, "\n\n");
	if (!r && l->c->print_maps)
		r = print_maps(l);
	count_losses(l);
	l->out->command_status = l->c->engine->command_status(l->c->self);
	if (is_late && !r)
		r = l->c->engine->detach(l->c->self, l->e);
	return r;
}

static int put_columns_head(struct rt_loop *l)
{
	if (l->c->style != RT_STYLE_COLUMNS || l->c->json || l->c->bpftrace)
		return 0;
	return put_text(l, "TIME(s)            COMM             PID    MESSAGE\n");
}

int rt_begin(const struct rt_config *c, struct rt_result *out, struct rt_loop **out_loop,
	     struct err *e)
{
	struct rt_loop *l = arena_new_of(c->a, struct rt_loop);
	struct rt_config *own = arena_dup(c->a, c, sizeof(*c));
	int r;

	*l = (struct rt_loop){ .c = own, .out = out, .e = e };
	*out = (struct rt_result){ .command_status = -1 };
	*out_loop = l;
	l->scratch = arena_new(arena_trap(c->a));
	l->now = clock_ns();
	l->every_next = l->now + c->every_ns;
	l->limit = c->limit_ns ? l->now + c->limit_ns : 0;
	r = find_timers(l);
	if (!r)
		r = put_columns_head(l);
	if (!r)
		r = run_named(l, "BEGIN");
	l->done |= nothing_to_wait_for(l);
	if (!r && !l->done)
		r = c->engine->release(c->self, e);
	start_watching(l);
	return r;
}

int rt_step(struct rt_loop *l, int timeout_ms, bool *out_done)
{
	int most = wait_ms(l), r = 0;

	if (most >= 0 && (timeout_ms < 0 || most < timeout_ms))
		timeout_ms = most;
	if (!l->done)
		r = one_step(l, timeout_ms);
	*out_done = l->done;
	return r;
}

int rt_end(struct rt_loop *l)
{
	return finish(l);
}

void rt_drop(struct rt_loop *l)
{
	if (l)
		arena_free(l->scratch);
}

int rt_run(const struct rt_config *c, struct rt_result *out, struct err *e)
{
	struct rt_loop *l = NULL;
	bool done = false;
	int r = rt_begin(c, out, &l, e);

	while (!r && !done)
		r = rt_step(l, -1, &done);
	if (!r)
		r = rt_end(l);
	rt_drop(l);
	return r;
}
