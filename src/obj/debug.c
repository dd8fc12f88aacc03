/* What a kernel wants to know beside the code: BTF, func_info and line_info of an object.
 *
 * The BTF holds a FUNC for each function, the types of maps' keys and values, and a DATASEC with
 * VARs for each data section (which is the value type of the section's map; its key is void).
 * Functions without a prototype get `int name(void *ctx)`; the kernel reads prototypes of global
 * functions only.
 *
 * func_info is one record {slot, FUNC id} for each part of an image; line_info is one record
 * {slot, file name, line's text, line << 10 | column} for each line record. The kernel wants the
 * first record of each part at the part's first slot and all in ascending order (kernel:
 * Documentation/bpf/btf.rst, bpf/verifier.c check_btf_line); an image with a part without any known
 * line gets no line_info at all.
 */
#include "obj/obj.h"

#include <string.h>

#define MAX_LINE 0x3fffff /* bits of line and column in a record */
#define MAX_COL	 0x3ff

struct func_record {
	u32 insn, type;
};
struct line_record {
	u32 insn, file, text, line_col;
};
_Static_assert(sizeof(struct func_record) == 8 && sizeof(struct line_record) == 16,
	       "the kernel's record sizes");

/* `int (void *ctx)` */
static const struct type int_type = { .kind = TY_INT,
				      .is_signed = true,
				      .complete = true,
				      .align = 4,
				      .size = 4,
				      .name = { "int", 3 },
				      .plain = &int_type };
static const struct type void_type = { .kind = TY_VOID,
				       .complete = true,
				       .align = 1,
				       .size = 1,
				       .name = { "void", 4 },
				       .plain = &void_type };
static const struct type ctx_type = { .kind = TY_PTR,
				      .complete = true,
				      .align = 8,
				      .size = 8,
				      .to = &void_type,
				      .plain = &ctx_type };
static const struct ty_param ctx_param = { .name = { "ctx", 3 }, .type = &ctx_type };
static const struct type default_proto = { .kind = TY_FUNC,
					   .complete = true,
					   .align = 1,
					   .size = 1,
					   .to = &int_type,
					   .params = &ctx_param,
					   .n = 1,
					   .plain = &default_proto };

static bool is_prog(const struct obj *o, u32 func)
{
	for (u32 i = 0; i < o->progs.n; i++)
		if (o->progs.at[i].func == func)
			return true;
	return false;
}

static u32 add_func(const struct obj *o, struct obj_btf *b, u32 i)
{
	const struct obj_func *f = &o->funcs.at[i];
	bool is_global = f->is_global || is_prog(o, i);

	return ty_out_func(b->out, f->name, f->proto ? f->proto : &default_proto,
			   is_global ? TY_GLOBAL : TY_STATIC);
}

/* A name that BTF accepts for a variable: string literals and the like have none. */
static str var_name(struct arena *a, const struct obj_var *v)
{
	return v->name.n ? v->name : str_printf(a, "at_%u", v->off);
}

/* Variables without a type do not go into the DATASEC: BTF has no words for them. */
static u32 add_section(struct arena *a, struct obj_btf *b, const struct obj_data *d)
{
	struct ty_out_item *items = arena_array_of(a, struct ty_out_item, d->vars.n);
	u32 n = 0;

	for (u32 i = 0; i < d->vars.n; i++) {
		const struct obj_var *v = &d->vars.at[i];

		if (!v->type || !v->size)
			continue;
		items[n].var = ty_out_var(b->out, var_name(a, v), v->type,
					  v->is_static ? TY_STATIC : TY_GLOBAL);
		items[n].off = v->off;
		items[n++].size = v->size;
	}
	return n ? ty_out_section(b->out, d->name, d->size, items, n) : 0;
}

void obj_btf_build(struct arena *a, const struct obj *o, struct obj_btf *out)
{
	*out = (struct obj_btf){ .out = ty_out_new(a) };
	out->maps = arena_array_of(a, struct obj_btf_ids, o->maps.n);
	out->funcs = arena_array_of(a, u32, o->funcs.n);
	for (u32 i = 0; i < o->maps.n; i++) {
		const struct obj_map *m = &o->maps.at[i];

		/* Kernels take a value's type only together with the key's. */
		if (m->key && m->value) {
			out->maps[i].key = ty_out_type(out->out, m->key);
			out->maps[i].value = ty_out_type(out->out, m->value);
		}
	}
	for (u32 i = 0; i < o->funcs.n; i++)
		out->funcs[i] = add_func(o, out, i);
	for (u32 i = 0; i < o->datas.n; i++)
		out->maps[o->datas.at[i].map].value = add_section(a, out, &o->datas.at[i]);
}

/* ---- line_info ------------------------------------------------------------------------------ */

struct lines {
	const struct obj *o;
	struct ty_out *out;
	struct line_record *at;
	u32 n;
};

static bool add_line(struct lines *l, u32 insn, struct span span)
{
	struct line_record *r = &l->at[l->n];
	struct place p;

	if (!span_known(span))
		return false;
	p = sources_place(l->o->ss, span.lo);
	if (!p.src)
		return false;
	r->insn = insn;
	r->file = ty_out_string(l->out, p.src->name);
	r->text = ty_out_string(l->out, str_trim(sources_line(l->o->ss, p.src, p.line)));
	r->line_col =
		(p.line < MAX_LINE ? p.line : MAX_LINE) << 10 | (p.col < MAX_COL ? p.col : MAX_COL);
	l->n++;
	return true;
}

/* The lines of one part; false when the part's first slot has none. */
static bool add_part(struct lines *l, const struct obj_part *part)
{
	const struct obj_func *f = &l->o->funcs.at[part->func];
	u32 before = l->n, i = 0;

	if (!f->lines.n || f->lines.at[0].insn || !span_known(f->lines.at[0].span)) {
		if (!add_line(l, part->insn, f->span))
			return false;
		while (i < f->lines.n && !f->lines.at[i].insn)
			i++;
	}
	for (; i < f->lines.n; i++)
		add_line(l, part->insn + f->lines.at[i].insn, f->lines.at[i].span);
	return l->n > before && l->at[before].insn == part->insn;
}

static str line_info(struct arena *a, const struct obj *o, const struct obj_image *image,
		     struct ty_out *out)
{
	struct lines l = { .o = o, .out = out };
	u64 room = 0;

	if (!o->ss)
		return (str){ 0 };
	for (u32 i = 0; i < image->parts.n; i++)
		room += o->funcs.at[image->parts.at[i].func].lines.n + 1;
	l.at = arena_array_of(a, struct line_record, room);
	for (u32 i = 0; i < image->parts.n; i++)
		if (!add_part(&l, &image->parts.at[i]))
			return (str){ 0 };
	return (str){ (const char *)l.at, l.n * (u32)sizeof(*l.at) };
}

void obj_debug_build(struct arena *a, const struct obj *o, const struct obj_image *image,
		     struct obj_btf *btf, str *out_func_info, str *out_line_info)
{
	struct func_record *r = arena_array_of(a, struct func_record, image->parts.n);

	for (u32 i = 0; i < image->parts.n; i++) {
		r[i].insn = image->parts.at[i].insn;
		r[i].type = btf->funcs[image->parts.at[i].func];
	}
	*out_func_info = (str){ (const char *)r, image->parts.n * (u32)sizeof(*r) };
	*out_line_info = line_info(a, o, image, btf->out);
}

str obj_btf_blob(struct obj_btf *btf)
{
	btf->blob = ty_out_finish(btf->out);
	return btf->blob;
}
