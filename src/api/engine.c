/* engine.c: which engine a session uses, and the one line that says so.
 *
 * kern and user are taken when they are asked for, or the reason is told why they cannot be. auto takes kern where
 * this process may load programs, else user. Compiling without running opens the engine that the run would have, or kern
 * where none is usable: it needs no right to say where an event is. A program that was compiled for the other engine
 * is compiled again.
 *
 * user_engine is a weak name, so that the library links without src/user; that room's header takes its place.
 */
#include <string.h>

#include "api/session.h"

extern const struct rt_engine user_engine __attribute__((weak, visibility("hidden")));

static const struct rt_engine *user_or_null(void)
{
	return &user_engine;
}

static int usable(struct skep *s, const struct rt_engine *engine, struct err *e)
{
	if (!engine)
		return err_set(
			e, -SKEP_EUNSUPPORTED, "api",
			"the user engine is not part of this version yet; use --engine kern");
	return engine->usable(s->machine, e);
}

static int choose_auto(struct skep *s, bool must_be_usable, const struct rt_engine **out)
{
	const struct rt_engine *user = user_or_null();
	struct err why = { 0 }, other = { 0 };
	int r = usable(s, &kern_engine, &why);

	*out = &kern_engine;
	if (!r)
		return 0;
	if (user && !usable(s, user, &other)) {
		*out = user;
		if (!s->noted_engine)
			session_note(s, "engine user: %s", why.msg);
		s->noted_engine = true;
		return 0;
	}
	if (must_be_usable)
		s->err = why;
	return must_be_usable ? r : 0;
}

static int choose(struct skep *s, bool must_be_usable, const struct rt_engine **out)
{
	struct err e = { 0 };
	int r;

	*out = &kern_engine;
	if (s->judging && !must_be_usable)
		return 0;
	if (s->o.engine == SKEP_ENGINE_AUTO)
		return choose_auto(s, must_be_usable, out);
	*out = s->o.engine == SKEP_ENGINE_USER ? user_or_null() : &kern_engine;
	r = usable(s, *out, &e);
	if (r && (must_be_usable || !*out)) {
		s->err = e;
		return r;
	}
	return 0;
}

int session_open_engine(struct skep *s, bool must_be_usable)
{
	const struct rt_engine *engine;
	int r;

	if (s->engine_self && !must_be_usable)
		return 0;
	r = choose(s, must_be_usable, &engine);
	if (r)
		return r;
	if (s->engine != engine) {
		session_drop_engine(s);
		if (s->engine && s->compiled)
			compile_forget(s);
		s->engine = engine;
	}
	if (s->engine_self)
		return 0;
	if (!s->engine_arena)
		s->engine_arena = arena_new(&s->trap);
	return engine->open(s->machine, s->engine_arena, &s->engine_self, &s->err);
}
