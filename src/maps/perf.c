/* Perf event array: one ring for each slot, with the rules of bpf_perf_event_output.
 *
 * The kernel's rings belong to events that user space opens; here they exist from the start, for as
 * many slots as the map has entries. A record that finds no room is counted (maps_lost) and
 * refused.
 */
#include "maps/ring.h"

#define RING_BYTES (256u << 10)
#define INDEX_MASK 0xffffffffull

static int perf_check(const struct maps_spec *s, const char **out_why)
{
	*out_why = "key and value of a perf event array are 4 bytes each, and it has entries";
	return s->key_size != 4 || s->value_size != 4 || !s->max_entries ||
			       s->flags & ~(MAPS_F_NUMA_NODE | MAPS_F_RDONLY | MAPS_F_WRONLY |
					    MAPS_F_PRESERVE_ELEMS)
		       ? -EINVAL
		       : 0;
}

static void perf_layout(struct maps_map *m)
{
	u32 n = m->n_slots < m->spec.max_entries ? m->n_slots : m->spec.max_entries;

	m->n_rings = n < 4096 ? n : 4096;
	m->n_locks = m->n_rings;
	m->ring_bytes = RING_BYTES;
}

int maps_perf_output_two(struct maps_map *m, const struct maps_thread *t, u64 flags,
			 const void *data, u64 size, const void *more, u64 more_size)
{
	u32 i = (u32)(flags & INDEX_MASK);
	void *to;

	if (m->spec.type != ISA_MAP_PERF_EVENT_ARRAY || flags & ~INDEX_MASK)
		return -EINVAL;
	if (i == INDEX_MASK)
		i = t ? t->slot % m->n_slots : 0;
	if (i >= m->spec.max_entries)
		return -E2BIG;
	if (i >= m->n_rings)
		return -ENOENT;
	if (size > RING_BYTES - 8 || more_size > RING_BYTES - 8 - size)
		return -E2BIG;
	to = maps_rings_reserve(m, i, size + more_size);
	if (!to)
		return -ENOSPC;
	if (size)
		memcpy(to, data, size);
	if (more_size)
		memcpy((u8 *)to + size, more, more_size);
	maps_ring_submit(to, 0);
	return 0;
}

int maps_perf_output(struct maps_map *m, const struct maps_thread *t, u64 flags, const void *data,
		     u64 size)
{
	return maps_perf_output_two(m, t, flags, data, size, NULL, 0);
}

static int perf_next(struct maps_map *m, const void *key, void *out)
{
	return maps_array_ops.sys_next(m, key, out);
}

const struct maps_ops maps_perf_ops = { .check = perf_check,
					.layout = perf_layout,
					.init = maps_rings_init_all,
					.close = maps_rings_close_all,
					.sys_next = perf_next,
					.local_only = true };
