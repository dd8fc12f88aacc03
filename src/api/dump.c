/* dump.c: the stages of the compiler as text, and what the machine has to attach to. */
#include <errno.h>
#include <string.h>

#include "api/session.h"

static bool is_pass(const char *name)
{
	if (strcmp(name, "none") == 0)
		return true;
	for (const struct ir_pass *p = ir_pipeline; p->name; p++)
		if (strcmp(p->name, name) == 0)
			return true;
	return false;
}

static int unknown_stage(struct skep *s, const char *stage)
{
	struct sbuf names;

	sbuf_init(&names, s->a);
	for (const struct ir_pass *p = ir_pipeline; p->name; p++)
		sbuf_printf(&names, " %s", p->name);
	return err_set(&s->err, -EINVAL, "api",
		       "there is no stage '%s'; stages: tokens ast ir "
		       "ir:PASS bpf obj; passes: none%s",
		       stage, names.s);
}

static int dump_tokens(struct skep *s)
{
	struct cf_options o = { .a = s->a,
				.dx = &s->dx,
				.ss = &s->ss,
				.types = s->types,
				.machine = s->machine,
				.btf = session_btf,
				.btf_arg = s };
	struct bt_options b = { .a = s->a,
				.dx = &s->dx,
				.ss = &s->ss,
				.types = s->types,
				.machine = s->machine,
				.btf = session_btf,
				.btf_arg = s };
	bool good = s->lang == SKEP_BPFTRACE ? bt_dump_tokens(&b, s->src, s->dump_out)
					     : cf_dump_tokens(&o, s->src, s->dump_out);

	return good ? 0 : -SKEP_WRONG_PROGRAM;
}

static int dump_ast(struct skep *s)
{
	int r = compile_to_tree(s);

	if (s->bt)
		bt_dump_ast(s->bt, s->dump_out);
	else if (s->cf)
		cf_dump_ast(s->cf, s->dump_out);
	return r;
}

static int dump_stage(struct skep *s)
{
	const char *stage = s->dump_pass;
	int r;

	if (!s->src)
		return err_set(&s->err, -SKEP_WRONG_USE, "api", "no program was loaded");
	if (binary_is(s->lang) && strcmp(stage, "bpf") != 0 && strcmp(stage, "obj") != 0)
		return err_set(&s->err, -EINVAL, "api",
			       "assembly and objects have no stage '%s'; theirs are bpf and obj",
			       stage);
	if (strcmp(stage, "tokens") == 0)
		return dump_tokens(s);
	if (strcmp(stage, "ast") == 0)
		return dump_ast(s);
	if (s->compiled && strncmp(stage, "ir", 2) == 0)
		compile_forget(s);
	if (strncmp(stage, "ir:", 3) == 0) {
		if (!is_pass(stage + 3))
			return unknown_stage(s, stage);
		s->dump_pass = stage + 3;
		return compile_to_obj(s);
	}
	if (strcmp(stage, "ir") != 0 && strcmp(stage, "bpf") != 0 && strcmp(stage, "obj") != 0)
		return unknown_stage(s, stage);
	if (strcmp(stage, "ir") == 0) {
		const struct ir_pass *p = ir_pipeline;

		while (p[1].name)
			p++;
		s->dump_pass = p->name;
		return compile_to_obj(s);
	}
	s->dump_pass = NULL;
	s->judging = binary_is(s->lang);
	r = compile_to_obj(s);
	if (!r)
		obj_print(s->dump_out, s->obj, strcmp(stage, "bpf") == 0);
	return r;
}

int skep_dump(struct skep *s, const char *stage, skep_write_fn write, void *arg)
{
	struct sbuf out;
	int r, w = 0;

	session_begin(s);
	sbuf_init(&out, s->a);
	s->dump_pass = stage;
	s->dump_out = &out;
	r = session_guarded(s, dump_stage);
	s->dump_pass = NULL;
	s->dump_out = NULL;
	if (out.n)
		w = write(arg, out.s, out.n);
	return r ? r : w;
}

int skep_timing(const struct skep *s, size_t i, const char **out_name, double *out_us)
{
	static const char *const names[STAGE_N] = { "read",	"parse",    "bind", "lower",
						    "optimise", "generate", "load", "attach" };

	*out_name = NULL;
	if (i >= STAGE_N)
		return -ENOENT;
	*out_name = names[i];
	*out_us = s->stage_us[i];
	return 0;
}

/* ---- listing -------------------------------------------------------------------------------- */

struct list_call {
	struct skep *s;
	const char *pattern;
	int (*each)(void *arg, const char *point);
	void *arg;
};

static bool list_one(void *arg, const struct probes_point *p)
{
	const struct list_call *c = arg;
	struct arena_mark mark = arena_mark(c->s->scratch);
	struct sbuf text;
	int stop;

	sbuf_init(&text, c->s->scratch);
	probes_print(&text, p);
	stop = c->each(c->arg, text.s);
	arena_release(c->s->scratch, mark);
	return stop == 0;
}

static int list(struct skep *s)
{
	struct list_call c = *(const struct list_call *)s->call;

	return probes_list(s->machine, session_btf(s), str_of(c.pattern), list_one, &c, &s->err);
}

int skep_list(struct skep *s, const char *pattern, int (*each)(void *arg, const char *point),
	      void *arg)
{
	session_begin(s);
	s->call = &(struct list_call){ s, pattern, each, arg };
	return session_guarded(s, list);
}
