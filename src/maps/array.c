/* Arrays and per-CPU arrays: values by number, all there from the start, all zero.
 *
 * Values stand one after the other, each rounded up to 8 bytes; per-CPU ones in one array a slot,
 * so that slots do not share cache lines. There is nothing to lock: an update writes words in
 * place, as in the kernel, and a reader may see it half done.
 */
#include "maps/room.h"

#include <limits.h>

enum { ARRAY_VALUES };

static void *value_of(const struct maps_map *m, u32 slot, u32 i)
{
	return m->at[ARRAY_VALUES] + slot * m->slot_bytes + (u64)i * m->value_pad;
}

static int array_check(const struct maps_spec *s, const char **out_why)
{
	bool percpu = s->type == ISA_MAP_PERCPU_ARRAY;
	u32 known = MAPS_F_NUMA_NODE | MAPS_F_MMAPABLE | MAPS_F_ACCESS | MAPS_F_INNER_MAP;

	if (s->key_size != 4)
		*out_why = "the key of an array is 4 bytes";
	if (!s->max_entries || s->key_size != 4 || !s->value_size || s->flags & ~known ||
	    (percpu && s->flags & (MAPS_F_NUMA_NODE | MAPS_F_MMAPABLE | MAPS_F_INNER_MAP)))
		return -EINVAL;
	*out_why = "the values are too large";
	if (s->value_size > INT_MAX || (percpu && round_up(s->value_size, 8) > MAPS_PERCPU_MAX))
		return -E2BIG;
	return 0;
}

static void array_layout(struct maps_map *m)
{
	m->slot_bytes = round_up((u64)m->spec.max_entries * m->value_pad, 64);
	maps_part(m, ARRAY_VALUES, m->n_slots, m->slot_bytes);
}

static void *array_lookup(struct maps_map *m, u32 slot, const void *key)
{
	u32 i;

	memcpy(&i, key, 4);
	return i < m->spec.max_entries ? value_of(m, slot, i) : NULL;
}

static int place(const struct maps_map *m, const void *key, u64 flags, u32 *out)
{
	memcpy(out, key, 4);
	if (flags > MAPS_EXIST)
		return -EINVAL;
	if (*out >= m->spec.max_entries)
		return -E2BIG;
	return flags == MAPS_NOEXIST ? -EEXIST : 0;
}

static inline void copy_value(const struct maps_map *m, void *to, const void *value)
{
	if (m->lock_off == MAPS_NO_LOCK)
		maps_copy_in(to, value, m->value_bytes);
	else
		maps_value_in(m, to, value);
}

static int array_update(struct maps_map *m, u32 slot, const void *key, const void *value, u64 flags)
{
	u32 i;
	int err = place(m, key, flags, &i);

	if (!err)
		copy_value(m, value_of(m, slot, i), value);
	return err;
}

static int array_sys_lookup(struct maps_map *m, const void *key, void *out)
{
	u32 i;

	memcpy(&i, key, 4);
	if (i >= m->spec.max_entries)
		return -ENOENT;
	if (!m->percpu)
		maps_copy_out(out, value_of(m, 0, i), m->spec.value_size);
	for (u32 s = 0; m->percpu && s < m->n_slots; s++)
		maps_copy_out((u8 *)out + (u64)s * m->value_pad, value_of(m, s, i), m->value_pad);
	return 0;
}

static int array_sys_update(struct maps_map *m, const void *key, const void *value, u64 flags)
{
	u32 i;
	int err;

	if (!m->percpu)
		return array_update(m, 0, key, value, flags);
	err = place(m, key, flags, &i);
	for (u32 s = 0; !err && s < m->n_slots; s++)
		maps_copy_in(value_of(m, s, i), (const u8 *)value + (u64)s * m->value_pad,
			     m->value_pad);
	return err;
}

static int array_sys_next(struct maps_map *m, const void *key, void *out)
{
	u32 i = 0;

	if (key) {
		memcpy(&i, key, 4);
		if (i == m->spec.max_entries - 1)
			return -ENOENT;
		i = i >= m->spec.max_entries ? 0 : i + 1;
	}
	memcpy(out, &i, 4);
	return 0;
}

static s64 array_each(struct maps_map *m, u32 slot, maps_each_fn fn, void *arg)
{
	u32 i, key;

	for (i = 0; i < m->spec.max_entries; i++) {
		key = i;
		if (fn(arg, &key, value_of(m, slot, i)))
			return (s64)i + 1;
	}
	return i;
}

void *maps_array_base(struct maps_map *m, u32 *out_stride)
{
	if (m->spec.type != ISA_MAP_ARRAY)
		return NULL;
	*out_stride = m->value_pad;
	return m->at[ARRAY_VALUES];
}

void *maps_percpu_base(struct maps_map *m, u32 *out_stride, u64 *out_slot_bytes, u32 *out_slots)
{
	if (m->spec.type != ISA_MAP_PERCPU_ARRAY)
		return NULL;
	*out_stride = m->value_pad;
	*out_slot_bytes = m->slot_bytes;
	*out_slots = m->n_slots;
	return m->at[ARRAY_VALUES];
}

#define ARRAY_OPS                                                                                  \
	.check = array_check, .layout = array_layout, .lookup = array_lookup,                      \
	.update = array_update, .each = array_each, .sys_lookup = array_sys_lookup,                \
	.sys_update = array_sys_update, .sys_next = array_sys_next

const struct maps_ops maps_array_ops = { ARRAY_OPS };
const struct maps_ops maps_percpu_array_ops = { ARRAY_OPS };
