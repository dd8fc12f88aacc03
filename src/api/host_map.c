/* host_map.c: the maps of a program, by name, for the caller.
 *
 * They belong to the engine that runs the program between skep_attach() and skep_detach(), else to the programs that the
 * caller runs. Both count them as the obj does.
 */
#include <errno.h>
#include <string.h>

#include "api/session.h"

/* The map in user space, or NULL when an engine has it; *out_r is negative when there is none. */
static struct maps_map *map_at(struct skep *s, int map, int *out_r)
{
	session_begin(s);
	*out_r = 0;
	if (!s->obj || map < 0 || (u32)map >= s->obj->maps.n) {
		*out_r = err_set(&s->err, -ENOENT, "api", "there is no map %d", map);
		return NULL;
	}
	if (s->attached)
		return NULL;
	if ((u32)map < s->n_maps && s->maps[map])
		return s->maps[map];
	*out_r = err_set(&s->err, -SKEP_WRONG_USE, "api",
			 "the maps are made by skep_program() or skep_attach()");
	return NULL;
}

int skep_map_find(struct skep *s, const char *name)
{
	u32 map;

	session_begin(s);
	map = s->obj ? obj_map_find(s->obj, str_of(name)) : OBJ_NONE;
	if (map == OBJ_NONE)
		return err_set(&s->err, -ENOENT, "api", "there is no map '%s'", name);
	return (int)map;
}

struct info_call {
	int map;
	struct skep_map_info *out;
};

static int fill_info(struct skep *s)
{
	const struct info_call *c = s->call;
	const struct obj_map *m;
	struct skep_map_info info = { .sz = c->out->sz };

	if (info.sz < sizeof(info.sz))
		return err_set(&s->err, -EINVAL, "api", "the size of the result is not set");
	if (!s->obj || c->map < 0 || (u32)c->map >= s->obj->maps.n)
		return err_set(&s->err, -ENOENT, "api", "there is no map %d", c->map);
	m = &s->obj->maps.at[c->map];
	info.name = str_z(s->a, m->name);
	info.type = m->type;
	info.key_size = m->key_size;
	info.value_size = m->value_size;
	info.max_entries = m->max_entries;
	info.value_bytes = m->value_size;
	if (isa_map_is_percpu(m->type))
		info.value_bytes = round_up(m->value_size, 8) * probes_cpus(s->machine);
	memcpy(c->out, &info, info.sz < sizeof(info) ? info.sz : sizeof(info));
	return 0;
}

int skep_map_info(struct skep *s, int map, struct skep_map_info *out)
{
	session_begin(s);
	s->call = &(struct info_call){ map, out };
	return session_guarded(s, fill_info);
}

int skep_map_lookup(struct skep *s, int map, const void *key, void *out_value)
{
	int r;
	struct maps_map *m = map_at(s, map, &r);

	if (r)
		return r;
	return m ? maps_sys_lookup(m, key, out_value, 0)
		 : s->engine->map_lookup(s->engine_self, (u32)map, key, out_value);
}

int skep_map_update(struct skep *s, int map, const void *key, const void *value, uint64_t flags)
{
	int r;
	struct maps_map *m = map_at(s, map, &r);

	if (r)
		return r;
	return m ? maps_sys_update(m, key, value, flags)
		 : s->engine->map_update(s->engine_self, (u32)map, key, value, flags);
}

int skep_map_delete(struct skep *s, int map, const void *key)
{
	int r;
	struct maps_map *m = map_at(s, map, &r);

	if (r)
		return r;
	return m ? maps_sys_delete(m, key) : s->engine->map_delete(s->engine_self, (u32)map, key);
}

int skep_map_next(struct skep *s, int map, const void *key, void *out_next)
{
	int r;
	struct maps_map *m = map_at(s, map, &r);

	if (r)
		return r;
	return m ? maps_sys_next(m, key, out_next)
		 : s->engine->map_next(s->engine_self, (u32)map, key, out_next);
}
