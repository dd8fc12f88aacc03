/* engine.c: which engine a session uses, and the one line that says so.
 *
 * kern and user are taken when they are asked for, or the reason is told why they cannot be. auto takes kern where
 * this process may load programs, else user. Compiling without running opens the engine that the run would have, or kern
 * where none is usable: it needs no right to say where an event is. A program that was compiled for the other engine
 * is compiled again.
 */
#include <string.h>

#include "api/session.h"
#include "user/user.h"

static int choose_auto(struct skep *s, bool must_be_usable, const struct rt_engine **out)
{
	struct err why = { 0 }, other = { 0 };
	int r = kern_engine.usable(s->machine, &why);

	*out = &kern_engine;
	if (!r)
		return 0;
	if (!user_engine.usable(s->machine, &other)) {
		*out = &user_engine;
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
	*out = s->o.engine == SKEP_ENGINE_USER ? &user_engine : &kern_engine;
	r = (*out)->usable(s->machine, &e);
	if (r && must_be_usable) {
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
