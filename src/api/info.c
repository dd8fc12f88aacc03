/* info.c: what can be told without running anything: the events that a program names, what an event gives, and what
 * the kernel can do.
 */
#include <errno.h>

#include "api/session.h"

struct info_call {
	const char *point;
	skep_write_fn write;
	int (*each)(void *arg, const char *point);
	void *arg;
};

static int hand_on(const struct info_call *c, const struct sbuf *text)
{
	return text->n ? c->write(c->arg, text->s, text->n) : 0;
}

/* ---- the events of the program --------------------------------------------------------------------- */

static int list_program(struct skep *s)
{
	const struct info_call *c = s->call;
	int r = compile_to_tree(s);

	if (!r && !s->bounds.n)
		r = front_bounds(s);
	for (u32 i = 0; !r && i < s->bounds.n; i++) {
		struct sbuf text;

		sbuf_init(&text, s->scratch);
		probes_print(&text, &s->bounds.at[i].want);
		r = c->each(c->arg, text.s);
	}
	return r;
}

int skep_list_program(struct skep *s, int (*each)(void *arg, const char *point), void *arg)
{
	session_begin(s);
	s->call = &(struct info_call){ .each = each, .arg = arg };
	return session_guarded(s, list_program);
}

/* ---- what an event gives ----------------------------------------------------------------------- */

static void put_fields(struct sbuf *out, const struct probes_format *f)
{
	for (u32 i = 0; i < f->fields.n; i++) {
		const struct probes_field *x = &f->fields.at[i];

		sbuf_printf(out, "    " STR_FMT " " STR_FMT, STR_ARG(x->type), STR_ARG(x->name));
		if (x->count)
			sbuf_printf(out, "[%llu]", (unsigned long long)x->count);
		sbuf_puts(out, "\n");
	}
}

static void put_function(struct sbuf *out, const struct type *func, bool has_result)
{
	const struct type *proto = func->kind == TY_FUNC ? func : ty_strip(func->to);

	for (u32 i = 0; i < proto->n; i++) {
		sbuf_puts(out, "    ");
		ty_print_decl(out, proto->params[i].type, proto->params[i].name);
		sbuf_puts(out, "\n");
	}
	if (has_result && !ty_is_void(proto->to)) {
		sbuf_puts(out, "    ");
		ty_print_decl(out, proto->to, STR("retval"));
		sbuf_puts(out, "\n");
	}
}

static int describe(struct skep *s)
{
	const struct info_call *c = s->call;
	struct probes_point p;
	struct probes_format f;
	struct sbuf out;
	int r = probes_parse(s->scratch, str_of(c->point), &p, &s->err);

	if (r)
		return r;
	sbuf_init(&out, s->scratch);
	if (p.provider == PROBES_TRACEPOINT) {
		r = probes_tracepoint_format(s->machine, s->scratch, p.module, p.name, &f, &s->err);
		if (!r)
			put_fields(&out, &f);
	} else if (p.provider == PROBES_FENTRY || p.provider == PROBES_FEXIT) {
		struct ty_btf *btf = session_btf(s);
		const struct type *func = btf ? ty_btf_find(btf, TY_FUNC, p.name) : NULL;

		if (func)
			put_function(&out, func, p.provider == PROBES_FEXIT);
	}
	return r ? r : hand_on(c, &out);
}

int skep_describe(struct skep *s, const char *point, skep_write_fn write, void *arg)
{
	session_begin(s);
	s->call = &(struct info_call){ .point = point, .write = write, .arg = arg };
	return session_guarded(s, describe);
}

/* ---- the kernel --------------------------------------------------------------------------------- */

static int features(struct skep *s)
{
	struct sbuf out;

	sbuf_init(&out, s->scratch);
	kern_features(s->machine, &out);
	return hand_on(s->call, &out);
}

int skep_features(struct skep *s, skep_write_fn write, void *arg)
{
	session_begin(s);
	s->call = &(struct info_call){ .write = write, .arg = arg };
	return session_guarded(s, features);
}
