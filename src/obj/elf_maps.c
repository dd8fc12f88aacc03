/* Definitions of maps as libbpf reads them: variables of section .maps whose types say everything.
 *
 * A number is a member of type "pointer to an array of that many ints", a type one of "pointer to that type", the
 * inner map of a map of maps an array of pointers to its definition (Linux Documentation/bpf/libbpf, BTF-defined
 * maps). The bytes of the section are all 0: nobody reads them.
 */
#include "obj/elf_out.h"

#include <string.h>

enum { MAX_MEMBERS = 8, MAX_DEPTH = 8, RDONLY_PROG = 0x80 };

struct definition {
	struct ty_member m[MAX_MEMBERS];
	u32 n;
};

static void add_type(struct definition *d, struct ty_table *t, const char *name,
		     const struct type *to)
{
	d->m[d->n++] = (struct ty_member){ .name = str_of(name), .type = ty_ptr_to(t, to) };
}

static void add_number(struct definition *d, struct ty_table *t, const char *name, u32 n)
{
	add_type(d, t, name, ty_array_of(t, ty_basic(t, TY_B_INT), n));
}

static const struct type *define(struct elf_out *w, struct ty_table *t, u32 map, u32 depth)
{
	const struct obj_map *m = &w->o->maps.at[map];
	struct type *agg = ty_tagged_new(t, TY_STRUCT, (str){ 0 }, (struct span){ 0 });
	struct definition d = { .n = 0 };
	bool is_typed = m->key && m->value && m->type != ISA_MAP_PERF_EVENT_ARRAY;

	add_number(&d, t, "type", m->type);
	if (m->max_entries)
		add_number(&d, t, "max_entries", m->max_entries);
	if (m->flags)
		add_number(&d, t, "map_flags", m->flags);
	if (is_typed) {
		add_type(&d, t, "key", m->key);
		add_type(&d, t, "value", m->value);
	} else {
		if (m->key_size)
			add_number(&d, t, "key_size", m->key_size);
		if (m->value_size)
			add_number(&d, t, "value_size", m->value_size);
	}
	if (m->pin.n)
		add_number(&d, t, "pinning", 1);
	if (m->inner < w->o->maps.n && depth < MAX_DEPTH)
		d.m[d.n++] = (struct ty_member){
			.name = STR("values"),
			.type = ty_array_of(t, ty_ptr_to(t, define(w, t, m->inner, depth + 1)), 0)
		};
	ty_layout(t, agg, d.m, d.n, false, 0);
	return agg;
}

static bool is_template(const struct obj *o, u32 map)
{
	for (u32 i = 0; i < o->maps.n; i++)
		if (o->maps.at[i].inner == map)
			return true;
	return false;
}

void obj_elf_write_maps(struct elf_out *w)
{
	struct ty_out_item *items = arena_array_of(w->a, struct ty_out_item, w->o->maps.n + 1);
	struct sbuf *bytes = &w->sections.at[w->maps_section].bytes;
	struct ty_table *t = ty_table_new(w->a);
	u32 n = 0;

	for (u32 i = 0; i < w->o->maps.n; i++) {
		const struct obj_map *m = &w->o->maps.at[i];
		const struct type *def;

		if (m->data != OBJ_NONE || is_template(w->o, i))
			continue;
		def = define(w, t, i, 0);
		w->maps[i].off = bytes->n;
		w->maps[i].size = (u32)def->size;
		sbuf_pad(bytes, 0, (u32)def->size);
		items[n].var = ty_out_var(w->btf.out, m->name, def, TY_GLOBAL);
		items[n].off = w->maps[i].off;
		items[n++].size = w->maps[i].size;
	}
	if (n)
		ty_out_section(w->btf.out, STR(".maps"), bytes->n, items, n);
}
