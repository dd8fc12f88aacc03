/* The verifier's input from a linked object: maps, functions and resolved references.
 *
 * Relocations become what the verifier reads: a map load holds the map's index, a data load the
 * index of the map behind the section and the offset, a callback its distance. Constants of the
 * engine are judged with the values that the image holds: the engine sets them first. Kernel functions
 * get numbers of their own; kernel variables have a form that the verifier refuses.
 */
#include <string.h>

#include "verify/state.h"

#define MAP_RDONLY_PROG 0x80

static u32 special_field(const struct type *t, const char *name)
{
	t = t ? ty_strip(t) : NULL;
	if (!t || t->kind != TY_STRUCT || !ty_complete(t))
		return OBJ_NONE;
	for (u32 i = 0; i < t->n; i++) {
		const struct type *m = ty_strip(t->members[i].type);

		if (m->kind == TY_STRUCT && str_is(m->name, name))
			return t->members[i].bit_off / 8;
	}
	return OBJ_NONE;
}

/* Members marked as kernel pointers; each owns its object, as current kernels read the mark. */
static void find_kptrs(struct arena *a, struct verify_map *m)
{
	const struct type *t = m->value ? ty_strip(m->value) : NULL;
	struct verify_kptr *k;

	if (!t || t->kind != TY_STRUCT || !ty_complete(t))
		return;
	k = arena_array_of(a, struct verify_kptr, t->n);
	m->kptrs = k;
	for (u32 i = 0; i < t->n; i++) {
		const struct type *p = ty_strip(t->members[i].type);

		if (p->kind == TY_PTR && p->space == TY_SPACE_KPTR)
			k[m->n_kptrs++] = (struct verify_kptr){ t->members[i].bit_off / 8, true,
								ty_strip(p->to) };
	}
}

static struct verify_map *maps_of(struct arena *a, const struct obj *o)
{
	struct verify_map *maps = arena_array_of(a, struct verify_map, o->maps.n);

	for (u32 i = 0; i < o->maps.n; i++) {
		const struct obj_map *m = &o->maps.at[i];

		maps[i] = (struct verify_map){ .type = m->type,
					       .key_size = m->key_size,
					       .value_size = m->value_size,
					       .max_entries = m->max_entries,
					       .flags = m->flags,
					       .inner = m->inner,
					       .value = m->value };
		maps[i].spin_lock_off = special_field(m->value, "bpf_spin_lock");
		maps[i].timer_off = special_field(m->value, "bpf_timer");
		find_kptrs(a, &maps[i]);
		if (m->data == OBJ_NONE || m->data >= o->datas.n ||
		    o->datas.at[m->data].kind != OBJ_RODATA ||
		    o->datas.at[m->data].size < m->value_size)
			continue;
		maps[i].frozen = o->datas.at[m->data].bytes;
		maps[i].flags |= MAP_RDONLY_PROG;
	}
	return maps;
}

static void wide(struct isa_insn *i, u8 pseudo, s32 lo, s32 hi)
{
	i[0].src = pseudo & 15;
	i[0].imm = lo;
	i[1].imm = hi;
}

static void resolve(const struct obj *o, const struct obj_image *image, const struct obj_reloc *r,
		    struct isa_insn *i)
{
	switch (r->kind) {
	case OBJ_R_MAP: wide(i, ISA_MAP_FD, (s32)r->index, 0); break;
	case OBJ_R_DATA:
		wide(i, ISA_MAP_VALUE, r->index < o->datas.n ? (s32)o->datas.at[r->index].map : -1,
		     (s32)r->add);
		break;
	case OBJ_R_FUNC:
		for (u32 p = 0; p < image->parts.n; p++)
			if (image->parts.at[p].func == r->index)
				wide(i, ISA_FUNC, (s32)(image->parts.at[p].insn - r->insn - 1), 0);
		break;
	case OBJ_R_KVAR: wide(i, ISA_BTF_ID, 0, 0); break;
	case OBJ_R_KFUNC: i->imm = (s32)r->index; break;
	default: break;
	}
}

void verify_input_of(struct arena *a, const struct obj *o, const struct obj_image *image, u32 prog,
		     struct verify_input *out)
{
	const struct obj_prog *p = &o->progs.at[prog];
	struct isa_insn *insns = arena_dup(a, image->insns, image->n * sizeof(*insns));
	struct verify_func *funcs = arena_array_of(a, struct verify_func, image->parts.n);

	struct verify_kfunc *kfuncs = arena_array_of(a, struct verify_kfunc, image->relocs.n);
	u32 n_kfuncs = 0;

	for (u32 i = 0; i < image->relocs.n; i++) {
		struct obj_reloc r = image->relocs.at[i];

		if (r.insn >= image->n)
			continue;
		if (r.kind == OBJ_R_KFUNC) {
			kfuncs[n_kfuncs++].name = r.name;
			r.index = n_kfuncs;
		}
		resolve(o, image, &r, &insns[r.insn]);
	}
	for (u32 i = 0; i < image->parts.n; i++) {
		const struct obj_func *f = &o->funcs.at[image->parts.at[i].func];

		funcs[i] = (struct verify_func){ image->parts.at[i].insn, f->proto,
						 f->is_global && i > 0, f->name };
	}
	memset(out, 0, sizeof(*out));
	out->insns = insns;
	out->n = image->n;
	out->prog_type = p->prog_type;
	out->attach_type = p->attach_type;
	out->sleepable = p->sleepable;
	out->privileged = true;
	out->maps = maps_of(a, o);
	out->n_maps = o->maps.n;
	out->funcs = funcs;
	out->n_funcs = image->parts.n;
	out->kfuncs = kfuncs;
	out->n_kfuncs = n_kfuncs;
	out->btf_target = p->btf_target;
}
