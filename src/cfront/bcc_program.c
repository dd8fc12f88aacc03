/* bcc_program.c: functions that BCC declares by macros, and the structs that it gives them.
 *
 * TRACEPOINT_PROBE(category, event) { … } is a function with a parameter `args` that points to the
 * record; the record's layout is read from tracefs when a member is first named. KFUNC_PROBE(function,
 * T a, …), KRETFUNC_PROBE, KMOD_RET and LSM_PROBE are functions whose parameters follow `ctx`: the lowering
 * takes them out of the context's words. BPF_ITER(what) has a parameter `ctx` of what the kernel's
 * iterator gives. The macros' names are no macros here: a program may use them for itself.
 */
#include "cfront/parse.h"

#include <string.h>

/* `one`: the parameter when there are no further ones; `tag`: what it points to, @ is the event. */
static const struct macro {
	const char *name;
	enum probes_provider provider;
	const char *prefix; /* of the function's name */
	const char *one, *tag;
	bool has_module; /* category or module stands before the event */
	bool has_params; /* C parameters follow */
} macros[] = {
	{ "TRACEPOINT_PROBE", PROBES_TRACEPOINT, "tracepoint__", "args", "tracepoint__@", true,
	  false },
	{ "RAW_TRACEPOINT_PROBE", PROBES_RAW_TRACEPOINT, "raw_tracepoint__", "ctx",
	  "bpf_raw_tracepoint_args", false, false },
	{ "KFUNC_PROBE", PROBES_FENTRY, "kfunc__", "ctx", NULL, false, true },
	{ "KRETFUNC_PROBE", PROBES_FEXIT, "kretfunc__", "ctx", NULL, false, true },
	{ "MODULE_KFUNC_PROBE", PROBES_FENTRY, "kfunc__", "ctx", NULL, true, true },
	{ "MODULE_KRETFUNC_PROBE", PROBES_FEXIT, "kretfunc__", "ctx", NULL, true, true },
	{ "KMOD_RET", PROBES_FMOD_RET, "kmod_ret__", "ctx", NULL, false, true },
	{ "LSM_PROBE", PROBES_LSM, "lsm__", "ctx", NULL, false, true },
	{ "BPF_ITER", PROBES_ITER, "bpf_iter__", "ctx", "bpf_iter__@", false, false },
};

void cfp_bcc_program_near(struct nearest *near)
{
	for (u32 i = 0; i < ARRAY_LEN(macros); i++)
		nearest_offer(near, str_of(macros[i].name));
}

/* ---- functions ------------------------------------------------------------------------------- */

/* A pointer to the struct of a tag, which need not be known yet; to u64 without one. */
static const struct type *context_type(struct parser *p, str tag, struct span at)
{
	const struct type *rec;

	if (!tag.n)
		return ty_ptr_to(p->t, name_lib_type(p, STR("u64")));
	rec = name_find_tag(p, tag, false);
	if (!rec) {
		struct type *made = ty_tagged_new(p->t, TY_STRUCT, tag, at);

		name_declare_tag(p, tag, made);
		rec = made;
	}
	return ty_ptr_to(p->t, rec);
}

/* `, T name` up to the closing parenthesis. */
static void parameters(struct parser *p, struct cf_sym *s)
{
	while (!p->panic && cfp_accept(p, ',')) {
		struct cf_specs specs;
		struct cf_declarator d;

		cfp_specifiers(p, &specs);
		cfp_declarator(p, &specs, false, &d);
		if (p->panic)
			return;
		*vec_push(p->a, &s->params) = cfp_sym_new(p, SYM_PARAM, d.name, d.type, d.span);
	}
}

static struct cf_sym *declare(struct parser *p, const struct macro *m, str name, str tag,
			      struct span at)
{
	const struct type *ptr = context_type(p, tag, at);
	struct cf_sym *s, *old = name_find_here(p, name);
	struct ty_param *list;

	if (old)
		name_redeclared(p, name, at, old);
	s = cfp_sym_new(p, SYM_FUNC, name, p->u->poison, at);
	s->storage = SS_GLOBAL;
	*vec_push(p->a, &s->params) = cfp_sym_new(p, SYM_PARAM, str_of(m->one), ptr, at);
	if (m->has_params)
		parameters(p, s);
	list = arena_array_of(p->a, struct ty_param, s->params.n);
	for (u32 i = 0; i < s->params.n; i++) {
		list[i].name = s->params.at[i]->name;
		list[i].type = s->params.at[i]->type;
	}
	s->type = ty_func_of(p->t, ty_basic(p->t, TY_B_INT), list, s->params.n, false);
	s->has_want = true;
	s->want.span = at;
	return s;
}

/* The name in parentheses, or one of two. */
static str event_word(struct parser *p)
{
	str word = p->tok->text;

	if (p->tok->kind != TOK_IDENT) {
		cfp_expected(p, "the name of an event");
		return STR("");
	}
	cfp_next(p);
	return word;
}

/* MACRO ( [module ,] event [, parameters] ) body */
static void program(struct parser *p, const struct macro *m)
{
	struct span at = p->tok->span;
	str module = STR(""), event, name, tag = STR("");
	struct cf_sym *s;

	cfp_next(p);
	cfp_next(p);
	if (m->has_module) {
		module = event_word(p);
		cfp_expect(p, ',',
			   m->has_params ? "between module and function"
					 : "between category and event");
	}
	event = event_word(p);
	if (p->panic)
		return;
	name = str_printf(p->a, "%s" STR_FMT "%s" STR_FMT, m->prefix, STR_ARG(module),
			  module.n ? "__" : "", STR_ARG(event));
	if (m->tag && strchr(m->tag, '@'))
		tag = str_printf(p->a, "%.*s" STR_FMT "%s" STR_FMT, (int)(strlen(m->tag) - 1),
				 m->tag, STR_ARG(module), module.n ? "__" : "", STR_ARG(event));
	else if (m->tag)
		tag = str_of(m->tag);
	s = declare(p, m, name, tag, at);
	cfp_expect(p, ')', m->has_params ? "behind the parameters" : "behind the event");
	if (p->panic)
		return;
	s->span = span_to_here(p, at);
	s->want.provider = m->provider;
	s->want.module = module;
	s->want.name = event;
	name_declare(p, s);
	cfp_list(p, s);
	cfp_function_body(p, s);
}

bool cfp_bcc_program(struct parser *p)
{
	for (u32 i = 0; i < ARRAY_LEN(macros); i++) {
		if (str_is(p->tok->text, macros[i].name)) {
			program(p, &macros[i]);
			return true;
		}
	}
	return false;
}

/* ---- structs that BCC makes ------------------------------------------------------------------------ */

static const struct type *finish_struct(struct parser *p, str tag, const struct ty_member *m, u32 n)
{
	struct type *ty = ty_tagged_new(p->t, TY_STRUCT, tag, (struct span){ 0, 0 });

	ty_layout(p->t, ty, m, n, false, 0);
	return ty;
}

static const struct type *raw_tracepoint_args(struct parser *p, str tag)
{
	struct ty_member m = { .name = STR("args") };

	m.type = ty_array_of(p->t, name_lib_type(p, STR("__u64")), TY_UNSIZED);
	return finish_struct(p, tag, &m, 1);
}

static const struct type *map_def(struct parser *p, str tag)
{
	static const char *const names[] = { "type", "key_size", "value_size", "max_entries",
					     "map_flags" };
	struct ty_member m[ARRAY_LEN(names)];

	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		m[i] = (struct ty_member){ .name = str_of(names[i]),
					   .type = ty_basic(p->t, TY_B_UINT) };
	return finish_struct(p, tag, m, ARRAY_LEN(names));
}

/* struct tracepoint__CATEGORY__EVENT: its record, from tracefs. */
static const struct type *tracepoint_record(struct parser *p, str tag)
{
	struct probes_format format = { 0 };
	struct err e = { 0 };
	str rest = str_sub(tag, 12, tag.n), category = rest, event = STR("");

	for (u32 i = 0; i + 2 < rest.n; i++) {
		if (rest.s[i] != '_' || rest.s[i + 1] != '_')
			continue;
		category = str_sub(rest, 0, i);
		event = str_sub(rest, i + 2, rest.n);
		break;
	}
	if (!event.n || !p->u->o->machine)
		return NULL;
	if (probes_tracepoint_format(p->u->o->machine, p->a, category, event, &format, &e)) {
		cfp_error(p, p->asking, E_NO_EVENT,
			  "the record of tracepoint '" STR_FMT ":" STR_FMT "' cannot be read: %s",
			  STR_ARG(category), STR_ARG(event), e.msg);
		return p->u->poison;
	}
	return probes_format_type(p->t, NULL, &format, tag);
}

const struct type *cfp_bcc_struct(struct parser *p, str tag)
{
	const struct type *ty = strmap_get(&p->bcc_structs, tag);

	if (ty)
		return ty;
	if (str_is(tag, "bpf_raw_tracepoint_args"))
		ty = raw_tracepoint_args(p, tag);
	else if (str_is(tag, "bpf_map_def"))
		ty = map_def(p, tag);
	else if (str_starts(tag, "tracepoint__"))
		ty = tracepoint_record(p, tag);
	if (ty)
		strmap_put(p->a, &p->bcc_structs, tag, (void *)ty);
	return ty;
}
