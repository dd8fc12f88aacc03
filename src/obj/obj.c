/* obj: making a blueprint.
 *
 * Front ends add maps, data and events here; nothing is ever taken away, so an index stays good for
 * the object's life. A data section is an array map of one entry that holds the section's bytes:
 * both are made at the same time and the map's value grows with the section.
 *
 * Invariant: the bytes of a section have room for the next power of two of its size, so that adding
 * many small variables copies each byte a constant number of times.
 *
 * Nothing here checks that what a front end asks for makes sense to a kernel; engines do.
 */
#include "obj/obj.h"

#include <string.h>

#define RDONLY_PROG (1u << 7) /* BPF_F_RDONLY_PROG: programs may only read the map */
#define FIRST_BYTES 64u

static const struct {
	const char *section, *map;
} data_names[] = {
	[OBJ_RODATA] = { ".rodata", "skep.rodata" },
	[OBJ_DATA] = { ".data", "skep.data" },
	[OBJ_BSS] = { ".bss", "skep.bss" },
};

struct obj *obj_new(struct arena *a, struct sources *ss)
{
	struct obj *o = arena_new_of(a, struct obj);

	o->a = a;
	o->ss = ss;
	o->ring = o->lost = OBJ_NONE;
	o->license = STR("GPL");
	return o;
}

u32 obj_map_add(struct obj *o, str name, u32 type, u32 key_size, u32 value_size, u32 max_entries)
{
	struct obj_map *m = vec_push(o->a, &o->maps);

	m->name = name;
	m->type = type;
	m->key_size = key_size;
	m->value_size = value_size;
	m->max_entries = max_entries;
	m->inner = m->data = OBJ_NONE;
	return o->maps.n - 1;
}

u32 obj_map_find(const struct obj *o, str name)
{
	for (u32 i = 0; i < o->maps.n; i++)
		if (str_eq(o->maps.at[i].name, name))
			return i;
	return OBJ_NONE;
}

u32 obj_data_section(struct obj *o, enum obj_data_kind kind)
{
	struct obj_data *d;
	u32 map, i;

	for (i = 0; i < o->datas.n; i++)
		if (o->datas.at[i].kind == kind &&
		    str_is(o->datas.at[i].name, data_names[kind].section))
			return i;
	map = obj_map_add(o, str_of(data_names[kind].map), ISA_MAP_ARRAY, 4, 0, 1);
	d = vec_push(o->a, &o->datas);
	d->name = str_of(data_names[kind].section);
	d->kind = kind;
	d->map = map;
	o->maps.at[map].data = i;
	if (kind == OBJ_RODATA)
		o->maps.at[map].flags = RDONLY_PROG;
	return i;
}

/* The bytes that are allocated for a section of this size. */
static u64 capacity(u64 size)
{
	u64 cap = FIRST_BYTES;

	if (!size)
		return 0;
	while (cap < size)
		cap *= 2;
	return cap;
}

static void grow(struct obj *o, struct obj_data *d, u64 size)
{
	if (d->kind != OBJ_BSS && capacity(size) > capacity(d->size)) {
		u8 *bytes = arena_alloc(o->a, capacity(size));

		if (d->size)
			memcpy(bytes, d->bytes, d->size);
		d->bytes = bytes;
	}
	d->size = (u32)size;
	o->maps.at[d->map].value_size = (u32)size;
}

u32 obj_data_add(struct obj *o, u32 data, str name, const struct type *type, const void *bytes,
		 u32 size, u32 align)
{
	struct obj_data *d = &o->datas.at[data];
	u64 off = round_up(d->size, align ? align : 1);
	struct obj_var *v;

	base_check(arena_trap(o->a), off + size <= INT32_MAX);
	base_check(arena_trap(o->a), d->kind != OBJ_BSS || !bytes);
	grow(o, d, off + size);
	if (bytes && size)
		memcpy(d->bytes + off, bytes, size);
	v = vec_push(o->a, &d->vars);
	v->name = name;
	v->type = type;
	v->off = (u32)off;
	v->size = size;
	return (u32)off;
}

u32 obj_ring(struct obj *o, u32 bytes)
{
	if (o->ring == OBJ_NONE) {
		o->ring = obj_map_add(o, STR("skep.events"), ISA_MAP_RINGBUF, 0, 0, bytes);
		obj_lost(o);
	}
	return o->ring;
}

u32 obj_lost(struct obj *o)
{
	if (o->lost == OBJ_NONE)
		o->lost = obj_map_add(o, STR("skep.lost"), ISA_MAP_PERCPU_ARRAY, 4, 8, OBJ_N_LOST);
	return o->lost;
}
