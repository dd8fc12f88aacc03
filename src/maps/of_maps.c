/* Array of maps and hash of maps: values are maps of the template's shape.
 *
 * A place holds the address of a map (or nothing). Programs read it without a lock and without
 * counting, so a map that was ever held here stays until the outer map is closed; each is kept
 * once, however often it is set. User space sets them under one lock of the outer map.
 */
#include "maps/hash.h"

#include <stdlib.h>

enum { OF_PLACES };

static int check_value(const struct maps_spec *s, const char **out_why)
{
	if (!s->inner) {
		*out_why = "a map of maps needs the template of the maps that it holds";
		return -EBADF;
	}
	if (s->inner->ops->set_inner) {
		*out_why = "maps of maps of maps do not exist";
		return -EINVAL;
	}
	if (s->inner->spec.type == ISA_MAP_PROG_ARRAY) {
		*out_why = "program arrays cannot be held in a map";
		return -MAPS_ENOTSUPP;
	}
	*out_why = "the value of a map of maps is 4 bytes";
	return s->value_size == 4 ? 0 : -EINVAL;
}

static int array_of_check(const struct maps_spec *s, const char **out_why)
{
	if (s->key_size != 4 || !s->max_entries || s->flags & ~(MAPS_F_NUMA_NODE | MAPS_F_ACCESS))
		return -EINVAL;
	return check_value(s, out_why);
}

static int hash_of_check(const struct maps_spec *s, const char **out_why)
{
	int err = maps_table_check(s, out_why);

	return err ? err : check_value(s, out_why);
}

static void array_of_layout(struct maps_map *m)
{
	m->n_locks = 1;
	maps_part(m, OF_PLACES, m->spec.max_entries, sizeof(u64));
}

/* The table holds addresses, whatever size user space sees. */
static void hash_of_layout(struct maps_map *m)
{
	m->value_bytes = sizeof(u64);
	maps_table_layout(m);
	m->n_locks++;
}

static struct maps_lock *outer_lock(const struct maps_map *m)
{
	return &m->locks[m->n_locks - 1];
}

static void of_close(struct maps_map *m)
{
	for (u32 i = 0; i < m->n_held; i++)
		maps_put(m->held[i]);
	free(m->held);
}

/* Keeps a map until the end; the lock is held. */
static int keep(struct maps_map *m, struct maps_map *inner)
{
	struct maps_map **more;
	u32 cap;

	for (u32 i = 0; i < m->n_held; i++)
		if (m->held[i] == inner)
			return 0;
	if (m->n_held == m->held_cap) {
		cap = m->held_cap ? m->held_cap * 2 : 8;
		more = realloc(m->held, cap * sizeof(*more));
		if (!more)
			return -ENOMEM;
		m->held = more;
		m->held_cap = cap;
	}
	maps_get(inner);
	m->held[m->n_held++] = inner;
	return 0;
}

static bool fits(const struct maps_map *m, const struct maps_map *inner)
{
	const struct maps_spec *want = &m->inner, *have = &inner->spec;

	return want->type == have->type && want->key_size == have->key_size &&
	       want->value_size == have->value_size && want->flags == have->flags &&
	       ((want->type != ISA_MAP_ARRAY && want->type != ISA_MAP_PERCPU_ARRAY) ||
		want->flags & MAPS_F_INNER_MAP || want->max_entries == have->max_entries);
}

/* ---- array of maps -------------------------------------------------------------------------- */

static u64 *place(const struct maps_map *m, u32 i)
{
	return (u64 *)(void *)m->at[OF_PLACES] + i;
}

static struct maps_map *array_of_inner(struct maps_map *m, const void *key)
{
	u32 i;

	memcpy(&i, key, 4);
	if (i >= m->spec.max_entries)
		return NULL;
	return (struct maps_map *)(uintptr_t)maps_load64(place(m, i));
}

static int array_of_set(struct maps_map *m, const void *key, struct maps_map *inner, u64 flags)
{
	int err;
	u32 i;

	memcpy(&i, key, 4);
	if (flags != MAPS_ANY)
		return -EINVAL;
	if (i >= m->spec.max_entries)
		return -E2BIG;
	if (!inner || !fits(m, inner))
		return -EINVAL;
	maps_lock(m, outer_lock(m));
	err = keep(m, inner);
	if (!err)
		maps_store64(place(m, i), (u64)(uintptr_t)inner);
	maps_unlock(m, outer_lock(m));
	return err;
}

static int array_of_remove(struct maps_map *m, const void *key)
{
	u32 i;

	memcpy(&i, key, 4);
	if (i >= m->spec.max_entries)
		return -E2BIG;
	return __atomic_exchange_n(place(m, i), 0, __ATOMIC_ACQ_REL) ? 0 : -ENOENT;
}

static int array_of_next(struct maps_map *m, const void *key, void *out)
{
	return maps_array_ops.sys_next(m, key, out);
}

/* ---- hash of maps --------------------------------------------------------------------------- */

static struct maps_map *hash_of_inner(struct maps_map *m, const void *key)
{
	u64 at;

	/* A checked copy: an element that is being reused may hold another key's map. */
	return maps_table_sys_lookup(m, key, &at) ? NULL : (struct maps_map *)(uintptr_t)at;
}

static int hash_of_set(struct maps_map *m, const void *key, struct maps_map *inner, u64 flags)
{
	u64 at = (u64)(uintptr_t)inner;
	int err;

	if (!inner || !fits(m, inner))
		return -EINVAL;
	maps_lock(m, outer_lock(m));
	err = keep(m, inner);
	err = err ? err : maps_table_update(m, 0, key, &at, flags);
	maps_unlock(m, outer_lock(m));
	return err;
}

static void *array_of_lookup(struct maps_map *m, u32 slot, const void *key)
{
	(void)slot;
	return array_of_inner(m, key);
}

static void *hash_of_lookup(struct maps_map *m, u32 slot, const void *key)
{
	(void)slot;
	return hash_of_inner(m, key);
}

const struct maps_ops maps_array_of_ops = { .check = array_of_check,
					    .layout = array_of_layout,
					    .close = of_close,
					    .lookup = array_of_lookup,
					    .remove = array_of_remove,
					    .sys_next = array_of_next,
					    .inner = array_of_inner,
					    .set_inner = array_of_set,
					    .local_only = true };
const struct maps_ops maps_hash_of_ops = { .check = hash_of_check,
					   .layout = hash_of_layout,
					   .init = maps_table_init,
					   .close = of_close,
					   .lookup = hash_of_lookup,
					   .remove = maps_table_remove,
					   .sys_next = maps_table_sys_next,
					   .inner = hash_of_inner,
					   .set_inner = hash_of_set,
					   .local_only = true };
