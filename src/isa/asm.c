/* The assembler: text to instruction slots.
 *
 * One pass over the lines makes instructions (asm_insn.c) and notes where labels are; uses of
 * labels are noted as well and filled in at the end, when all are known. Distances count slots from
 * the next instruction, as the machine counts (RFC 9669, 4.3). A wrong line gives one diagnostic
 * and no slots, and the next line is read: the result is of no use then, but every mistake is told.
 *
 * Left out: data, and what `.section`, `.map` and `.license` mean; their lines are given to the
 * caller. A text is one program with its functions; maps are named only and given to the loader in
 * `refs`.
 */
#include "isa/asm.h"

#include <string.h>

/* More than the kernel takes (a million), so that its own limit is what users meet. */
#define MAX_SLOTS (1u << 22)

static void define_label(struct assembler *as, struct token name)
{
	struct label *old = strmap_get(&as->labels, name.text);
	struct label *l;

	if (old) {
		diag_add(as->dx, name.span, E_ASM, "the label '" STR_FMT "' is here already",
			 STR_ARG(name.text));
		diag_note(as->dx, old->span, "it was defined here first");
		as->ok = false;
		return;
	}
	l = arena_new_of(as->a, struct label);
	*l = (struct label){ as->out->insns.n, name.span };
	strmap_put(as->a, &as->labels, name.text, l);
	*vec_push(as->a, &as->label_names) = name.text;
}

/* A line that is the caller's: everything up to the comment. */
static bool take_directive(struct assembler *as)
{
	str rest = { as->src->text.s + as->at, as->end - as->at };
	struct isa_directive *d;

	if (!str_is(as->tok.text, ".section") && !str_is(as->tok.text, ".map") &&
	    !str_is(as->tok.text, ".license"))
		return false;
	for (u32 i = 0; i < rest.n; i++)
		if (rest.s[i] == ';' || rest.s[i] == '#')
			rest.n = i;
	d = vec_push(as->a, &as->out->directives);
	*d = (struct isa_directive){ as->tok.text, str_trim(rest), as->tok.span };
	return true;
}

/* Labels and at most one instruction. */
static void parse_line(struct assembler *as)
{
	u32 n_insns = as->out->insns.n, n_refs = as->out->refs.n, n_fixes = as->fixes.n;

	as->tok = isa_asm_token(as);
	while (as->tok.kind == TOK_NAME) {
		u32 behind = as->at;
		struct token name = as->tok, colon = isa_asm_token(as);

		if (colon.kind != TOK_SIGN || !str_is(colon.text, ":")) {
			as->at = behind;
			break;
		}
		define_label(as, name);
		as->tok = isa_asm_token(as);
	}
	if (as->tok.kind == TOK_NAME && take_directive(as))
		return;
	if (as->tok.kind == TOK_END || isa_asm_insn(as))
		return;
	as->ok = false;
	as->out->insns.n = as->out->spans.n = n_insns;
	as->out->refs.n = n_refs;
	as->fixes.n = n_fixes;
}

static void unknown_label(struct assembler *as, const struct fix *f)
{
	struct nearest near;

	nearest_init(&near, f->name);
	for (u32 i = 0; i < as->label_names.n; i++)
		nearest_offer(&near, as->label_names.at[i]);
	if (f->kind == FIX_CALL) {
		diag_add(as->dx, f->span, E_ASM, "'" STR_FMT "' is neither a label nor a helper",
			 STR_ARG(f->name));
		for (u32 i = 1; i <= isa_helper_count(); i++) {
			str name = str_of(isa_helper(i)->name);

			if (str_starts(f->name, "bpf_"))
				name = str_printf(as->a, "bpf_%s", isa_helper(i)->name);
			nearest_offer(&near, name);
		}
	} else {
		diag_add(as->dx, f->span, E_ASM, "there is no label '" STR_FMT "'",
			 STR_ARG(f->name));
	}
	if (near.best.n)
		diag_hint(as->dx, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
	as->ok = false;
}

static void resolve(struct assembler *as, const struct fix *f)
{
	const struct label *l = strmap_get(&as->labels, f->name);
	struct isa_insn *i = &as->out->insns.at[f->insn];
	const struct isa_helper *h;
	s64 distance;

	if (!l) {
		h = f->kind == FIX_CALL ? isa_helper_named(f->name) : NULL;
		if (h)
			*i = isa_call_helper((s32)h->id);
		else
			unknown_label(as, f);
		return;
	}
	distance = (s64)l->insn - f->insn - 1;
	if (f->kind != FIX_OFF) {
		i->imm = (s32)distance;
		return;
	}
	if (distance != (s16)distance) {
		diag_add(as->dx, f->span, E_ASM,
			 "'" STR_FMT "' is %lld slots away, a jump reaches 32767", STR_ARG(f->name),
			 (long long)(distance < 0 ? -distance : distance));
		diag_hint(as->dx, "'gotol' reaches further");
		as->ok = false;
		return;
	}
	i->off = (s16)distance;
}

/* Labels behind the last instruction lead nowhere. */
static void check_end(struct assembler *as)
{
	for (u32 i = 0; i < as->fixes.n; i++) {
		const struct fix *f = &as->fixes.at[i];
		const struct label *l = strmap_get(&as->labels, f->name);

		if (!l || l->insn < as->out->insns.n)
			continue;
		diag_add(as->dx, f->span, E_ASM, "no instruction follows the label '" STR_FMT "'",
			 STR_ARG(f->name));
		as->ok = false;
	}
}

bool isa_assemble(struct arena *a, struct diags *dx, const struct source *src, struct isa_text *out)
{
	struct assembler as = { .a = a, .dx = dx, .src = src, .out = out, .ok = true };
	u32 next = 0, n = src->text.n;

	*out = (struct isa_text){ 0 };
	while (next < n && out->insns.n < MAX_SLOTS) {
		const char *newline = memchr(src->text.s + next, '\n', n - next);

		as.at = next;
		as.end = newline ? (u32)(newline - src->text.s) : n;
		next = as.end + 1;
		parse_line(&as);
	}
	if (out->insns.n >= MAX_SLOTS) {
		diag_add(dx, (struct span){ src->base + as.at, src->base + as.end }, E_ASM,
			 "a program has at most %u instructions", MAX_SLOTS);
		return false;
	}
	for (u32 i = 0; i < as.fixes.n; i++)
		resolve(&as, &as.fixes.at[i]);
	if (as.ok)
		check_end(&as);
	return as.ok;
}
