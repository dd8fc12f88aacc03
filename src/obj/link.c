/* Linking: a program and the functions that it reaches become one run of instructions.
 *
 * The main function comes first, then each function in the order in which the code before it first
 * names it, be it in a call or as a callback (breadth first, so no recursion here). Then calls and
 * addresses of functions are resolved: both count slots from the next one. What remains is listed
 * for the engine, with slots counted from the image's start.
 *
 * Invariant: parts ascend by slot and the first is slot 0. Recursive calls are linked like others;
 * verifiers refuse them.
 */
#include "obj/obj.h"

#include <errno.h>
#include <string.h>

#define ROOM	  "obj"
#define MAX_SLOTS 1000000u /* what a kernel takes at most */

struct linker {
	struct arena *a;
	const struct obj *o;
	struct obj_image *image;
	u32 *start; /* by function: slot in the image, or OBJ_NONE */
	struct err *e;
};

static bool names_func(const struct obj_reloc *r)
{
	return r->kind == OBJ_R_CALL || r->kind == OBJ_R_FUNC;
}

/* Gives a function its place behind what is placed already. */
static int place(struct linker *l, u32 func, const struct obj_func *from)
{
	struct obj_part *part;
	const struct obj_func *f;

	if (func >= l->o->funcs.n)
		return err_set(l->e, -SKEP_EBADFILE, ROOM,
			       "Function " STR_FMT " calls a function that the object lacks.",
			       STR_ARG(from->name));
	if (l->start[func] != OBJ_NONE)
		return 0;
	f = &l->o->funcs.at[func];
	if (!f->n)
		return err_set(l->e, -SKEP_EBADFILE, ROOM, "Function " STR_FMT " has no code.",
			       STR_ARG(f->name));
	if (f->n > MAX_SLOTS - l->image->n)
		return err_set(l->e, -E2BIG, ROOM,
			       "The program is larger than %u instructions, the most that a kernel "
			       "takes.",
			       MAX_SLOTS);
	l->start[func] = l->image->n;
	part = vec_push(l->a, &l->image->parts);
	part->insn = l->image->n;
	part->func = func;
	l->image->n += f->n;
	return 0;
}

static int place_all(struct linker *l, u32 main)
{
	struct obj_image *im = l->image;
	int err = place(l, main, NULL);

	for (u32 p = 0; !err && p < im->parts.n; p++) {
		const struct obj_func *f = &l->o->funcs.at[im->parts.at[p].func];

		for (u32 r = 0; !err && r < f->relocs.n; r++)
			if (names_func(&f->relocs.at[r]))
				err = place(l, f->relocs.at[r].index, f);
	}
	return err;
}

/* Copies one function's code and resolves or lists its relocations. */
static int fill(struct linker *l, const struct obj_part *part)
{
	const struct obj_func *f = &l->o->funcs.at[part->func];
	struct isa_insn *code = l->image->insns + part->insn;

	memcpy(code, f->insns, f->n * sizeof(*code));
	for (u32 i = 0; i < f->relocs.n; i++) {
		const struct obj_reloc *r = &f->relocs.at[i];

		if (r->insn >= f->n)
			return err_set(l->e, -SKEP_EBADFILE, ROOM,
				       "A relocation of function " STR_FMT
				       " is outside of its code.",
				       STR_ARG(f->name));
		if (names_func(r))
			code[r->insn].imm = (s32)(l->start[r->index] - (part->insn + r->insn + 1));
		if (r->kind != OBJ_R_CALL) {
			struct obj_reloc *out = vec_push(l->a, &l->image->relocs);

			*out = *r;
			out->insn += part->insn;
		}
	}
	return 0;
}

int obj_link(struct arena *a, const struct obj *o, u32 prog, struct obj_image *out, struct err *e)
{
	struct linker l = { .a = a, .o = o, .image = out, .e = e };
	const struct obj_prog *p = &o->progs.at[prog];
	int err;

	*out = (struct obj_image){ 0 };
	if (p->func == OBJ_NONE || p->func >= o->funcs.n)
		return err_set(e, -SKEP_EBADFILE, ROOM, "Program " STR_FMT " has no code.",
			       STR_ARG(p->name));
	l.start = arena_array_of(a, u32, o->funcs.n);
	memset(l.start, 0xff, o->funcs.n * sizeof(*l.start));
	err = place_all(&l, p->func);
	if (err)
		return err;
	out->insns = arena_array_of(a, struct isa_insn, out->n);
	for (u32 i = 0; !err && i < out->parts.n; i++)
		err = fill(&l, &out->parts.at[i]);
	return err;
}

/* The part of the image that holds an instruction; the last that starts at or before it. */
static const struct obj_part *part_at(const struct obj_image *image, u32 insn)
{
	u32 lo = 0, hi = image->parts.n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (image->parts.at[mid].insn <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? &image->parts.at[lo - 1] : NULL;
}

struct span obj_span_at(const struct obj *o, const struct obj_image *image, u32 insn)
{
	const struct obj_part *part = part_at(image, insn);
	const struct obj_func *f;
	u32 lo = 0, hi;

	if (!part || insn >= image->n)
		return (struct span){ 0 };
	f = &o->funcs.at[part->func];
	for (hi = f->lines.n; lo < hi;) {
		u32 mid = lo + (hi - lo) / 2;

		if (part->insn + f->lines.at[mid].insn <= insn)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo ? f->lines.at[lo - 1].span : (struct span){ 0 };
}
