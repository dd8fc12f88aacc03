/* programs.c: which functions can be attached, and to what.
 *
 * Every function with a body that is not static is listed. Its event comes, in this order, from
 * TRACEPOINT_PROBE and its like, from SEC("…"), or from its name as BCC reads it: kprobe__x, kretprobe__x,
 * tracepoint__category__event, raw_tracepoint__x, syscall__x. A name that begins like the kernel function of
 * a system call means that call, whatever this kernel calls it.
 *
 * Also here, because it needs the whole unit: no function may call itself, even through others.
 */
#include "cfront/parse.h"

/* ---- names ----------------------------------------------------------------------------------- */

static bool cut_prefix(str *name, const char *prefix)
{
	u32 n = str_of(prefix).n;

	if (!str_starts(*name, prefix) || name->n == n)
		return false;
	*name = str_sub(*name, n, name->n - n);
	return true;
}

/* The kernel function of a name; of a system call whatever it is called here. */
static str kernel_function(struct parser *p, str name)
{
	str call = probes_syscall_of_symbol(name);

	if (!call.n || !p->u->o->machine)
		return name;
	return probes_syscall_symbol(p->u->o->machine, p->a, call);
}

/* tracepoint__sched__sched_switch: the category ends at the first double underscore */
static bool tracepoint_point(str rest, struct probes_point *out)
{
	for (u32 i = 1; i + 2 < rest.n; i++) {
		if (rest.s[i] != '_' || rest.s[i + 1] != '_')
			continue;
		out->provider = PROBES_TRACEPOINT;
		out->module = str_sub(rest, 0, i);
		out->name = str_sub(rest, i + 2, rest.n - i - 2);
		return true;
	}
	return false;
}

static bool point_of_name(struct parser *p, str name, struct probes_point *out)
{
	static const struct {
		const char *prefix;
		enum probes_provider provider;
	} rows[] = {
		{ "kprobe__", PROBES_KPROBE },
		{ "kretprobe__", PROBES_KRETPROBE },
		{ "raw_tracepoint__", PROBES_RAW_TRACEPOINT },
		{ "kfunc__", PROBES_FENTRY },
		{ "kretfunc__", PROBES_FEXIT },
		{ "lsm__", PROBES_LSM },
	};

	for (u32 i = 0; i < ARRAY_LEN(rows); i++) {
		if (!cut_prefix(&name, rows[i].prefix))
			continue;
		out->provider = rows[i].provider;
		out->name = i < 2 ? kernel_function(p, name) : name;
		return true;
	}
	if (cut_prefix(&name, "tracepoint__"))
		return tracepoint_point(name, out);
	if (!cut_prefix(&name, "syscall__") || probes_syscall_nr(name) < 0)
		return false;
	out->provider = PROBES_KPROBE;
	out->name = p->u->o->machine ? probes_syscall_symbol(p->u->o->machine, p->a, name) : name;
	return true;
}

/* ---- programs -------------------------------------------------------------------------------- */

/* Is it what an entry of a map holds, so that other programs jump to it? */
static bool is_in_slot(const struct parser *p, const struct cf_sym *fn)
{
	for (const struct cf_sym *s = p->u->first; s; s = s->next)
		for (u32 i = 0; s->kind == SYM_MAP && s->map && i < s->map->slots.n; i++)
			if (s->map->slots.at[i].sym == fn)
				return true;
	return false;
}

static void section_point(struct parser *p, struct cf_sym *s, struct cf_program *prog)
{
	str section = s->section;
	struct err e = { 0 };

	if (str_starts(section, "?")) {
		prog->disabled = true;
		section = str_sub(section, 1, section.n - 1);
	}
	prog->section = section;
	if (probes_parse_section(p->a, section, &prog->want, &e)) {
		cfp_error(p, s->span, E_ATTACH, "function '" STR_FMT "': %s", STR_ARG(s->name),
			  e.msg);
		return;
	}
	prog->named_event = prog->want.name.n != 0 || prog->want.provider >= PROBES_SOCKET_FILTER ||
			    is_in_slot(p, s);
}

static void list_program(struct parser *p, struct cf_sym *s)
{
	struct cf_program *prog = vec_push(p->a, &p->u->programs);

	prog->function = s->name;
	prog->span = s->span;
	prog->is_called = s->is_called;
	if (s->params.n)
		s->params.at[0]->is_ctx = true;
	if (s->has_want) {
		prog->want = s->want;
		prog->named_event = true;
	} else if (s->section.n) {
		section_point(p, s, prog);
	} else {
		prog->named_event = point_of_name(p, s->name, &prog->want);
	}
	prog->want.span = s->span;
	if (prog->named_event && !s->has_want) {
		s->want = prog->want;
		s->has_want = true;
	}
}

/* ---- recursion ------------------------------------------------------------------------------- */

enum { NEW, OPEN, DONE };

static void report_cycle(struct parser *p, const struct cf_edge *e)
{
	if (e->from == e->to)
		cfp_error(p, e->span, E_RECURSION, "function '" STR_FMT "' calls itself",
			  STR_ARG(e->to->name));
	else
		cfp_error(p, e->span, E_RECURSION,
			  "this call of '" STR_FMT "' closes a circle of calls",
			  STR_ARG(e->to->name));
	diag_hint(p->dx, "BPF functions cannot recur; write a loop with a bound");
}

/* Depth first with a stack of its own: a chain of calls may be long. For the time of this walk `index` of a
 * function is its state and `lower` the first of its calls; those of one caller stand together, because
 * bodies do not nest. */
static void visit(struct parser *p, struct cf_sym *start)
{
	struct frame {
		struct cf_sym *fn;
		const struct cf_edge *next;
	};
	const struct cf_edge *end = p->calls.n ? p->calls.at + p->calls.n : NULL;
	vec(struct frame) stack = { 0 };

	*vec_push(p->a, &stack) = (struct frame){ start, start->lower };
	start->index = OPEN;
	while (stack.n) {
		struct frame *f = vec_last(&stack);
		const struct cf_edge *e = f->next;

		if (!e || e == end || e->from != f->fn) {
			f->fn->index = DONE;
			stack.n--;
			continue;
		}
		f->next++;
		if (e->to->index == OPEN) {
			report_cycle(p, e);
		} else if (e->to->index == NEW) {
			e->to->index = OPEN;
			*vec_push(p->a, &stack) = (struct frame){ e->to, e->to->lower };
		}
	}
}

static void check_recursion(struct parser *p)
{
	for (u32 i = 0; i < p->calls.n; i++)
		if (i == 0 || p->calls.at[i].from != p->calls.at[i - 1].from)
			p->calls.at[i].from->lower = &p->calls.at[i];
	for (struct cf_sym *s = p->u->first; s; s = s->next)
		if (s->kind == SYM_FUNC && s->index == NEW)
			visit(p, s);
	for (struct cf_sym *s = p->u->first; s; s = s->next) {
		if (s->kind != SYM_FUNC)
			continue;
		s->index = 0;
		s->lower = NULL;
	}
}

void cfp_programs(struct parser *p)
{
	for (struct cf_sym *s = p->u->first; s; s = s->next)
		if (s->kind == SYM_FUNC && s->body && !s->is_static)
			list_program(p, s);
	check_recursion(p);
}

u32 cf_program_count(const struct cf_unit *u)
{
	return u->programs.n;
}

const struct cf_program *cf_program_at(const struct cf_unit *u, u32 i)
{
	return &u->programs.at[i];
}

u32 cf_pragma_count(const struct cf_unit *u)
{
	return u->pp.pragmas.n;
}

const struct cf_pragma *cf_pragma_at(const struct cf_unit *u, u32 i)
{
	return &u->pp.pragmas.at[i];
}
