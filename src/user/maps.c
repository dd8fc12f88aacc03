/* maps: an object's maps in memory that the tracer shares, filled and read by the session.
 *
 * Maps of maps are made after their templates. A data section that nothing was put in has a map of
 * eight bytes, so that every index has one. There is no place to pin a map to.
 */
#include <errno.h>
#include <string.h>

#include "user/room.h"

static int create(struct engine *u, u32 i, struct err *e)
{
	const struct obj_map *m = &u->obj->maps.at[i];
	struct maps_spec s = { .name = m->name,
			       .type = m->type,
			       .key_size = m->key_size,
			       .value_size = m->value_size,
			       .max_entries = m->max_entries,
			       .flags = m->flags,
			       .value = m->value,
			       .forked = true };

	if (m->pin.n)
		return err_set(e, -SKEP_EUNSUPPORTED, USER_ROOM,
			       "map '" STR_FMT "' is to be pinned at " STR_FMT
			       ": only the kernel engine has such a place; take the pin away, or "
			       "use --engine kern",
			       STR_ARG(m->name), STR_ARG(m->pin));
	if (m->data != OBJ_NONE && !m->value_size)
		s.value_size = 8;
	if (m->type == ISA_MAP_PERF_EVENT_ARRAY && !s.max_entries)
		s.max_entries = probes_cpus(u->m);
	if (m->inner != OBJ_NONE) {
		if (m->inner >= u->n_maps || !u->maps[m->inner])
			return err_set(e, -SKEP_EBADFILE, USER_ROOM,
				       "map '" STR_FMT "': its inner map is missing",
				       STR_ARG(m->name));
		s.inner = u->maps[m->inner];
	}
	s.n_slots = probes_cpus(u->m);
	return maps_create(&s, &u->maps[i], e);
}

static int fill_data(struct engine *u, u32 i, struct err *e)
{
	const struct obj_map *m = &u->obj->maps.at[i];
	const struct obj_data *d;
	u32 zero = 0;
	u8 *value;
	int err;

	if (m->data == OBJ_NONE)
		return 0;
	d = &u->obj->datas.at[m->data];
	if (!d->bytes || !d->size || !m->value_size)
		return 0;
	value = arena_alloc(u->a, m->value_size);
	memcpy(value, d->bytes, d->size < m->value_size ? d->size : m->value_size);
	err = maps_sys_update(u->maps[i], &zero, value, 0);
	return err ? err_set(e, err, USER_ROOM, "data section '" STR_FMT "' cannot be written: %s",
			     STR_ARG(d->name), strerror(-err))
		   : 0;
}

int user_maps_create(struct engine *u, struct err *e)
{
	u32 n = u->obj->maps.n;
	int err = 0;

	u->maps = arena_array_of(u->a, struct maps_map *, n + 1);
	u->n_maps = n;
	u->lost_seen = arena_array_of(u->a, u64, n + 1);
	for (u32 pass = 0; pass < 2; pass++)
		for (u32 i = 0; !err && i < n; i++) {
			if ((u->obj->maps.at[i].inner != OBJ_NONE) != (pass == 1))
				continue;
			err = create(u, i, e);
			err = err ? err : fill_data(u, i, e);
		}
	return err;
}

/* ---- using them ----------------------------------------------------------------------------- */

static struct maps_map *map_of(void *self, u32 map)
{
	struct engine *u = self;

	return map < u->n_maps ? u->maps[map] : NULL;
}

int user_map_next(void *self, u32 map, const void *key, void *out_next)
{
	struct maps_map *m = map_of(self, map);

	return m ? maps_sys_next(m, key, out_next) : -EBADF;
}

int user_map_lookup(void *self, u32 map, const void *key, void *out_value)
{
	struct maps_map *m = map_of(self, map);

	return m ? maps_sys_lookup(m, key, out_value, 0) : -EBADF;
}

int user_map_update(void *self, u32 map, const void *key, const void *value, u64 flags)
{
	struct maps_map *m = map_of(self, map);

	return m ? maps_sys_update(m, key, value, flags) : -EBADF;
}

int user_map_delete(void *self, u32 map, const void *key)
{
	struct maps_map *m = map_of(self, map);

	return m ? maps_sys_delete(m, key) : -EBADF;
}
