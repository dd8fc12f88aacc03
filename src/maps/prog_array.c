/* Prog array: programs to tail-call, by number. A program is a pointer that its owner keeps alive
 * while the map holds it; a place is read and written in one piece.
 */
#include "maps/room.h"

enum { PROG_PLACES };

static int prog_check(const struct maps_spec *s, const char **out_why)
{
	*out_why = "key and value of a program array are 4 bytes each, and it has entries";
	return s->key_size != 4 || s->value_size != 4 || !s->max_entries ||
			       s->flags & ~(MAPS_F_NUMA_NODE | MAPS_F_RDONLY | MAPS_F_WRONLY)
		       ? -EINVAL
		       : 0;
}

static void prog_layout(struct maps_map *m)
{
	maps_part(m, PROG_PLACES, m->spec.max_entries, sizeof(void *));
}

static void **place(const struct maps_map *m, u32 i)
{
	return (void **)(void *)m->at[PROG_PLACES] + i;
}

void *maps_prog(struct maps_map *m, u32 index)
{
	if (m->spec.type != ISA_MAP_PROG_ARRAY || index >= m->spec.max_entries)
		return NULL;
	return __atomic_load_n(place(m, index), __ATOMIC_ACQUIRE);
}

int maps_sys_set_prog(struct maps_map *m, u32 index, void *prog)
{
	void *old;

	if (m->spec.type != ISA_MAP_PROG_ARRAY)
		return -EINVAL;
	if (index >= m->spec.max_entries)
		return -E2BIG;
	old = __atomic_exchange_n(place(m, index), prog, __ATOMIC_ACQ_REL);
	return prog || old ? 0 : -ENOENT;
}

static int prog_remove(struct maps_map *m, const void *key)
{
	u32 i;

	memcpy(&i, key, 4);
	return maps_sys_set_prog(m, i, NULL);
}

static int prog_next(struct maps_map *m, const void *key, void *out)
{
	return maps_array_ops.sys_next(m, key, out);
}

const struct maps_ops maps_prog_array_ops = { .check = prog_check,
					      .layout = prog_layout,
					      .remove = prog_remove,
					      .sys_next = prog_next,
					      .local_only = true };
