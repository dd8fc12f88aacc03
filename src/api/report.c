/* report.c: what went wrong, as text that the session owns. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "api/session.h"

static const char *hand_out(struct skep *s, const struct sbuf *text)
{
	char *copy = malloc(text->n + 1);

	if (!copy)
		return "";
	if (text->n)
		memcpy(copy, text->s, text->n);
	copy[text->n] = 0;
	free(s->report);
	s->report = copy;
	return copy;
}

static const char *render(struct skep *s, bool json, bool color)
{
	struct arena_mark mark;
	struct sbuf text;
	const char *out;

	if (setjmp(s->trap.env)) {
		s->dead = true;
		err_set(&s->err, -ENOMEM, "api", "out of memory");
		return "";
	}
	/* Not in s->a: rendering builds the line tables of sources there, which stay. */
	mark = arena_mark(s->scratch);
	sbuf_init(&text, s->scratch);
	if (json)
		diags_render_json(&s->dx, &text);
	else
		diags_render(&s->dx, &text, color);
	out = hand_out(s, &text);
	arena_release(s->scratch, mark);
	return out;
}

const char *skep_diagnostics(struct skep *s, int color)
{
	return render(s, false, color);
}
const char *skep_diagnostics_json(struct skep *s)
{
	return render(s, true, false);
}
const char *skep_error(const struct skep *s)
{
	return s->err.msg;
}
