/* front.c: one face for both languages.
 *
 * Each front end offers a list of programs-to-be with the events that they ask for. Here the lists are made
 * into the session's `bounds`: attach flags applied, names checked, every want ready to be bound.
 */
#include <errno.h>

#include "api/session.h"

int front_parse(struct skep *s)
{
	if (s->lang == SKEP_BPFTRACE) {
		str *params = arena_array_of(s->a, str, s->o.n_params + 1);
		str *dirs = arena_array_of(s->a, str, s->o.n_include_dirs + 1);

		for (size_t i = 0; i < s->o.n_params; i++)
			params[i] = str_of(s->o.params[i]);
		for (size_t i = 0; i < s->o.n_include_dirs; i++)
			dirs[i] = str_of(s->o.include_dirs[i]);
		s->bt_options = (struct bt_options){ .a = s->a,
						     .dx = &s->dx,
						     .ss = &s->ss,
						     .types = s->types,
						     .machine = s->machine,
						     .btf = session_btf,
						     .btf_arg = s,
						     .params = params,
						     .n_params = (u32)s->o.n_params,
						     .include_dirs = dirs,
						     .n_include_dirs = (u32)s->o.n_include_dirs,
						     .is_safe = !s->o.unsafe,
						     .is_old = s->o.compat == 17 };
		s->bt = bt_parse(&s->bt_options, s->src);
	} else {
		struct cf_options *o = &s->cf_options;
		str *defines = arena_array_of(s->a, str, s->o.n_defines + 1);
		str *dirs = arena_array_of(s->a, str, s->o.n_include_dirs + 1);

		for (size_t i = 0; i < s->o.n_defines; i++)
			defines[i] = str_of(s->o.defines[i]);
		for (size_t i = 0; i < s->o.n_include_dirs; i++)
			dirs[i] = str_of(s->o.include_dirs[i]);
		*o = (struct cf_options){ .a = s->a,
					  .dx = &s->dx,
					  .ss = &s->ss,
					  .types = s->types,
					  .machine = s->machine,
					  .btf = session_btf,
					  .btf_arg = s,
					  .defines = defines,
					  .n_defines = (u32)s->o.n_defines,
					  .include_dirs = dirs,
					  .n_include_dirs = (u32)s->o.n_include_dirs,
					  .trace_pipe = s->o.trace_pipe || s->o.mem_size };
		s->cf = cf_parse(o, s->src);
	}
	return s->dx.n_errors || (!s->cf && !s->bt) ? -SKEP_WRONG_PROGRAM : 0;
}

/* ---- the wanted events of a C program --------------------------------------------------------- */

static struct bound *add_bound(struct skep *s, u32 program, str name, struct span span)
{
	struct bound *b = vec_push(s->a, &s->bounds);

	b->program = program;
	b->name = name;
	b->span = span;
	return b;
}

static int find_program(const struct skep *s, str function)
{
	for (u32 i = 0; i < cf_program_count(s->cf); i++)
		if (str_eq(cf_program_at(s->cf, i)->function, function))
			return (int)i;
	return -1;
}

static int unknown_function(struct skep *s, str function, const char *flag)
{
	struct nearest near;

	nearest_init(&near, function);
	for (u32 i = 0; i < cf_program_count(s->cf); i++)
		nearest_offer(&near, cf_program_at(s->cf, i)->function);
	if (near.best.n)
		return err_set(&s->err, -EINVAL, "api",
			       "--attach %s: the program has no function '" STR_FMT
			       "'; did you mean '" STR_FMT "'?",
			       flag, STR_ARG(function), STR_ARG(near.best));
	return err_set(&s->err, -EINVAL, "api",
		       "--attach %s: the program has no function '" STR_FMT "'", flag,
		       STR_ARG(function));
}

/* "POINT=FUNCTION"; without "=FUNCTION" the only function of the program is meant. */
static int apply_flag(struct skep *s, const char *flag)
{
	str text = str_of(flag), function = { 0 };
	struct err e = { 0 };
	struct bound *b;
	int program = 0, eq = -1;

	for (u32 i = 0; i < text.n; i++)
		if (text.s[i] == '=')
			eq = (int)i;
	if (eq >= 0) {
		function = str_sub(text, (u32)eq + 1, text.n);
		text = str_sub(text, 0, (u32)eq);
		program = find_program(s, function);
	} else if (cf_program_count(s->cf) != 1) {
		return err_set(&s->err, -EINVAL, "api",
			       "--attach %s: say which function: "
			       "--attach %s=FUNCTION",
			       flag, flag);
	}
	if (program < 0)
		return unknown_function(s, function, flag);
	b = add_bound(s, (u32)program, cf_program_at(s->cf, (u32)program)->function,
		      cf_program_at(s->cf, (u32)program)->span);
	if (probes_parse(s->a, text, &b->want, &e))
		return err_set(&s->err, -EINVAL, "api", "--attach %s: %s", flag, e.msg);
	return 0;
}

static bool has_flag(const struct skep *s, u32 program, u32 n_flags)
{
	for (u32 i = 0; i < n_flags; i++)
		if (s->bounds.at[i].program == program)
			return true;
	return false;
}

static void no_event(struct skep *s, const struct cf_program *p)
{
	diag_add(&s->dx, p->span, E_ATTACH, "function '" STR_FMT "' has no event to run at",
		 STR_ARG(p->function));
	diag_hint(&s->dx,
		  "name one: --attach kprobe:execve=" STR_FMT ", SEC(\"…\"), or a name such as "
		  "kprobe__do_exit",
		  STR_ARG(p->function));
}

static int bounds_of_c(struct skep *s)
{
	u32 n_flags;

	for (size_t i = 0; i < s->o.n_attach; i++) {
		int r = apply_flag(s, s->o.attach[i]);

		if (r)
			return r;
	}
	n_flags = s->bounds.n;
	for (u32 i = 0; i < cf_program_count(s->cf); i++) {
		const struct cf_program *p = cf_program_at(s->cf, i);
		struct bound *b;

		if (has_flag(s, i, n_flags) || p->disabled)
			continue;
		if (s->o.mem_size && !p->is_called) {
			b = add_bound(s, i, p->function, p->span);
			b->want = (struct probes_point){ .provider = PROBES_SOCKET_FILTER };
			continue;
		}
		if (!p->named_event) {
			if (!p->is_called && !s->o.mem_size)
				no_event(s, p);
			continue;
		}
		b = add_bound(s, i, p->function, p->span);
		b->want = p->want;
	}
	if (!s->bounds.n && !s->dx.n_errors) {
		diag_add(&s->dx, (struct span){ s->src->base, s->src->base + 1 }, E_EMPTY,
			 "the source has no function that could run at an event");
		diag_hint(&s->dx, "a program is a function that is not static, such as "
				  "int hello(void *ctx)");
	}
	return s->dx.n_errors ? -SKEP_WRONG_PROGRAM : 0;
}

static int bounds_of_bpftrace(struct skep *s)
{
	for (u32 i = 0; i < bt_probe_count(s->bt); i++) {
		const struct bt_probe *p = bt_probe_at(s->bt, i);
		struct bound *b = add_bound(s, i, (str){ 0 }, p->span);

		b->want = p->want;
	}
	return 0;
}

int front_bounds(struct skep *s)
{
	s->bounds.n = 0;
	return s->lang == SKEP_BPFTRACE ? bounds_of_bpftrace(s) : bounds_of_c(s);
}

bool front_may_be_absent(struct skep *s, u32 i)
{
	return s->lang == SKEP_BPFTRACE && !s->o.strict && bt_may_be_absent(s->bt, i);
}

void front_check_lists(struct skep *s)
{
	/* 0.17 warns and goes on. */
	u32 n = s->lang == SKEP_BPFTRACE && s->o.compat != 17 ? s->bounds.n : 0;

	for (u32 i = 0; i < n; i++) {
		u32 list = bt_list_of(s->bt, i), there = 0;

		for (u32 k = list; k < n && bt_list_of(s->bt, k) == list; k++)
			there += !s->bounds.at[k].is_absent;
		if (there || list != i)
			continue;
		diag_add(&s->dx, s->bounds.at[i].span, E_BT_PROBE, "%s",
			 s->bounds.at[i].binding.note.n ? str_z(s->a, s->bounds.at[i].binding.note)
							: "this machine has no such event");
	}
}

/* ---- lowering ------------------------------------------------------------------------------- */

/* Programs that the run itself starts see no process, and what happens to packets and sockets belongs to
 * whoever runs then: nothing to filter. */
static bool is_guarded(const struct probes_point *p)
{
	return p->provider != PROBES_ITER && p->provider < PROBES_SOCKET_FILTER &&
	       p->provider != PROBES_BEGIN && p->provider != PROBES_END &&
	       p->provider != PROBES_INTERVAL;
}

bool front_lower(struct skep *s)
{
	u32 n = s->bounds.n;

	if (s->lang == SKEP_BPFTRACE) {
		struct bt_attachment *list = arena_array_of(s->a, struct bt_attachment, n + 1);

		for (u32 i = 0; i < n; i++) {
			list[i].binding = s->bounds.at[i].binding;
			list[i].guarded = is_guarded(&s->bounds.at[i].want);
			list[i].is_absent = s->bounds.at[i].is_absent;
		}
		return bt_lower(s->bt, list, n, s->obj, s->m);
	}
	struct cf_attachment *list = arena_array_of(s->a, struct cf_attachment, n + 1);

	s->cf_options.trace_pipe = s->o.trace_pipe || s->o.mem_size;
	for (u32 i = 0; i < n; i++) {
		list[i].program = s->bounds.at[i].program;
		list[i].binding = s->bounds.at[i].binding;
		list[i].guarded = is_guarded(&s->bounds.at[i].want);
	}
	return cf_lower(s->cf, list, n, s->obj, s->m);
}

struct pragma {
	size_t i;
	const char **out;
};

static int find_pragma(struct skep *s)
{
	const struct pragma *p = s->call;
	int r = s->src && s->lang == SKEP_C ? compile_to_tree(s) : 0;

	if (s->cf && p->i < cf_pragma_count(s->cf))
		*p->out = str_z(s->a, cf_pragma_at(s->cf, (u32)p->i)->words);
	return r;
}

const char *skep_pragma(struct skep *s, size_t i)
{
	const char *words = NULL;

	session_begin(s);
	s->call = &(struct pragma){ i, &words };
	session_guarded(s, find_pragma);
	return words;
}
