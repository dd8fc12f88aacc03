/* judge.c: skep's own verifier, and its refusals as diagnostics at the user's source.
 *
 * The verifier speaks of instructions; the line records that gen (or clang) wrote lead to the source, and programs that
 * have none are shown as their listing. The steps that led to the refused instruction become notes: several that
 * fall on one piece of source are told once, with the last of them.
 */
#include <string.h>

#include "api/session.h"

static const struct isa_helper *added_helper(void *arg, u32 id)
{
	struct skep *s = arg;

	for (u32 i = 0; i < s->helpers.n; i++)
		if (s->helpers.at[i].id == id)
			return &s->helpers.at[i];
	return NULL;
}

static bool same(struct span a, struct span b)
{
	return a.lo == b.lo && a.hi == b.hi;
}

static void put_insn(struct sbuf *text, const struct obj_image *image, u32 insn)
{
	struct isa_insn next = { 0 };

	if (insn + 1 < image->n)
		next = image->insns[insn + 1];
	isa_print(text, image->insns[insn], next);
}

/* The way to the refused instruction: several steps at one place of the source are told once, by the last. */
static void put_steps(struct skep *s, const struct judged *j, struct span at)
{
	const struct verify_problem *p = &j->result.problem;

	for (u32 i = 0; i < p->steps.n; i++) {
		const struct verify_step *step = &p->steps.at[i];
		struct span here = obj_span_at(s->obj, &j->image, step->insn), next = at;
		bool is_branch = str_ends(step->text, " taken)");

		if (i + 1 < p->steps.n)
			next = obj_span_at(s->obj, &j->image, p->steps.at[i + 1].insn);
		if (same(here, next) && (!is_branch || same(here, at)))
			continue;
		diag_note(&s->dx, here, STR_FMT, STR_ARG(step->text));
	}
}

/* What to do where the verifier knows nothing more special. */
static str mend_of(const struct verify_problem *why)
{
	switch (why->tag) {
	case V_HELPER: return STR("Do it another way, or in a program of a type that may call it.");
	case V_HELPER_ARG:
		return STR(
			"Pass what the helper asks for; its arguments stand in its declaration.");
	default: return why->hint;
	}
}

static void report(struct skep *s, u32 prog, const struct judged *j)
{
	const struct obj_prog *p = &s->obj->progs.at[prog];
	const struct verify_problem *why = &j->result.problem;
	struct span at = obj_span_at(s->obj, &j->image, why->insn);
	struct sbuf text;
	str hint;

	if (!span_known(at))
		at = p->span;
	diag_add(&s->dx, at, E_UNSAFE, "program '" STR_FMT "' is not safe: " STR_FMT,
		 STR_ARG(p->name), STR_ARG(why->text));
	diag_rule(&s->dx, verify_tag_name(why->tag));
	put_steps(s, j, at);
	if (why->insn < j->image.n && s->lang != SKEP_ASM && s->lang != SKEP_BYTECODE) {
		sbuf_init(&text, s->a);
		put_insn(&text, &j->image, why->insn);
		diag_note(&s->dx, (struct span){ 0 }, "at instruction %u: %s", why->insn, text.s);
	}
	hint = why->hint.n ? why->hint : mend_of(why);
	if (hint.n)
		diag_hint(&s->dx, STR_FMT, STR_ARG(hint));
}

/* Constants that only a loading engine knows: here any value will do, none is better than another. */
int judge_program(struct skep *s, u32 prog, struct judged *out)
{
	int r = obj_link(s->a, s->obj, prog, &out->image, &s->err);

	if (r)
		return r;
	verify_input_of(s->a, s->obj, &out->image, prog, &out->in);
	out->in.privileged = !s->o.unprivileged;
	out->in.btf = session_btf(s);
	out->in.mem_size = s->o.mem_size;
	out->in.mem_writable = s->o.mem_size != 0;
	out->in.helper = added_helper;
	out->in.helper_arg = s;
	verify_program(s->a, &out->in, &out->result);
	if (s->o.verbose)
		session_note(s,
			     "program '" STR_FMT "': %u instructions looked at, %u bytes of stack",
			     STR_ARG(s->obj->progs.at[prog].name), out->result.analysed,
			     out->result.stack);
	if (out->result.accepted)
		return 0;
	report(s, prog, out);
	return -SKEP_WRONG_PROGRAM;
}

int judge_all(struct skep *s)
{
	int r = 0;

	for (u32 i = 0; i < s->obj->progs.n; i++) {
		struct judged j;
		int one;

		if (s->obj->progs.at[i].disabled)
			continue;
		one = judge_program(s, i, &j);
		if (one && one != -SKEP_WRONG_PROGRAM)
			return one;
		r = one ? one : r;
	}
	return r;
}
