/* build.c: the compiled program as an ELF object. */
#include <errno.h>

#include "api/session.h"

struct build_call {
	const void **bytes;
	size_t *n;
};

static int build(struct skep *s)
{
	const struct build_call *c = s->call;
	str bytes;
	int r;

	s->judging = true;
	s->o.trace_pipe = 1;
	r = compile_to_obj(s);
	if (!r)
		r = obj_write_elf(s->a, s->obj, &bytes, &s->err);
	if (r)
		return r;
	*c->bytes = bytes.s;
	*c->n = bytes.n;
	return 0;
}

int skep_build(struct skep *s, const void **out_bytes, size_t *out_n)
{
	session_begin(s);
	s->call = &(struct build_call){ out_bytes, out_n };
	return session_guarded(s, build);
}
