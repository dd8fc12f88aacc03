/* maps: what the rest of the house calls, one step above the kinds.
 *
 * Turns a specification into a map (check as the kernel would, lay out, get memory, fill) and
 * passes each call on to the kind's table of operations. A kind without an operation answers with
 * the kernel's error for it. What is the same for all kinds is said here once: reference counts,
 * slots of per-CPU values, flags of update.
 *
 * Refused, with the reason: kinds whose values are kernel objects (sockets, devices, control
 * groups).
 */
#include "maps/room.h"

#include <limits.h>
#include <stdlib.h>

static const struct maps_ops *const kinds[] = {
	[ISA_MAP_HASH] = &maps_hash_ops,
	[ISA_MAP_ARRAY] = &maps_array_ops,
	[ISA_MAP_PROG_ARRAY] = &maps_prog_array_ops,
	[ISA_MAP_PERF_EVENT_ARRAY] = &maps_perf_ops,
	[ISA_MAP_PERCPU_HASH] = &maps_percpu_hash_ops,
	[ISA_MAP_PERCPU_ARRAY] = &maps_percpu_array_ops,
	[ISA_MAP_STACK_TRACE] = &maps_stack_trace_ops,
	[ISA_MAP_LRU_HASH] = &maps_lru_ops,
	[ISA_MAP_LRU_PERCPU_HASH] = &maps_lru_percpu_ops,
	[ISA_MAP_LPM_TRIE] = &maps_lpm_ops,
	[ISA_MAP_ARRAY_OF_MAPS] = &maps_array_of_ops,
	[ISA_MAP_HASH_OF_MAPS] = &maps_hash_of_ops,
	[ISA_MAP_QUEUE] = &maps_queue_ops,
	[ISA_MAP_STACK] = &maps_stack_ops,
	[ISA_MAP_RINGBUF] = &maps_ring_ops,
	[ISA_MAP_BLOOM_FILTER] = &maps_bloom_ops,
	[ISA_MAP_USER_RINGBUF] = &maps_user_ring_ops,
	[ISA_MAP_TASK_STORAGE] = &maps_task_storage_ops,
	[ISA_MAP_CGRP_STORAGE] = &maps_task_storage_ops,
	[ISA_MAP_CGROUP_STORAGE] = &maps_cgroup_storage_ops,
	[ISA_MAP_PERCPU_CGROUP_STORAGE] = &maps_cgroup_storage_ops,
};

/* ---- making them ---------------------------------------------------------------------------- */

static int check_spec(const struct maps_spec *s, const struct maps_ops **out, struct err *e)
{
	const struct isa_kind *kind = isa_map_kind(s->type);
	const char *why = "its sizes or flags are not allowed for this kind of map";
	int err;

	if (!kind)
		return err_set(e, -EINVAL, MAPS_ROOM, "map '" STR_FMT "': there is no map type %u",
			       STR_ARG(s->name), s->type);
	*out = s->type < ARRAY_LEN(kinds) ? kinds[s->type] : NULL;
	if (!*out)
		return err_set(e, -SKEP_EUNSUPPORTED, MAPS_ROOM,
			       "map '" STR_FMT "': maps of type %s (%s) are not available in user "
			       "space",
			       STR_ARG(s->name), kind->name, kind->text);
	if ((s->flags & MAPS_F_RDONLY && s->flags & MAPS_F_WRONLY) ||
	    (s->flags & MAPS_F_RDONLY_PROG && s->flags & MAPS_F_WRONLY_PROG))
		err = -EINVAL;
	else
		err = (*out)->check(s, &why);
	if (err)
		return err_set(e, err, MAPS_ROOM, "map '" STR_FMT "' (%s): %s", STR_ARG(s->name),
			       kind->name, why);
	if (s->shared && (*out)->local_only)
		return err_set(e, -SKEP_EUNSUPPORTED, MAPS_ROOM,
			       "map '" STR_FMT "': maps of type %s hold what only this process "
			       "knows and cannot be shared",
			       STR_ARG(s->name), kind->name);
	return 0;
}

static int check_value(const struct maps_spec *s, u32 *out_lock, struct err *e)
{
	const char *why = NULL;
	int err = maps_fields_find(s, out_lock, &why);

	if (err == -SKEP_EUNSUPPORTED)
		return err_set(e, err, MAPS_ROOM,
			       "map '" STR_FMT "': its values hold %s, which only the kernel can "
			       "keep: use the kernel engine, or leave it out",
			       STR_ARG(s->name), why);
	if (err)
		return err_set(e, err, MAPS_ROOM, "map '" STR_FMT "': %s", STR_ARG(s->name), why);
	return 0;
}

/* A name in /dev/shm, with or without the leading slash of shm_open(3). */
static int copy_names(struct maps_map *m, const struct maps_spec *s, struct err *e)
{
	const char *name = s->shared;

	if (name && *name == '/')
		name++;
	if (name && (!*name || *name == '.' || strchr(name, '/') || strlen(name) > NAME_MAX))
		return err_set(e, -EINVAL, MAPS_ROOM,
			       "'%.300s' is no name for a shared map: use letters and digits, "
			       "without a slash",
			       s->shared);
	m->own_name = calloc(1, (size_t)s->name.n + 1);
	m->shared_name = name ? strdup(name) : NULL;
	if (!m->own_name || (name && !m->shared_name))
		return -ENOMEM;
	if (s->name.n)
		memcpy(m->own_name, s->name.s, s->name.n);
	m->spec.name = (str){ m->own_name, s->name.n };
	m->spec.shared = m->shared_name;
	m->is_shared = name != NULL || s->forked;
	return 0;
}

static void release(struct maps_map *m)
{
	if (m->ops && m->ops->close && m->base)
		m->ops->close(m);
	maps_region_close(m);
	free(m->shared_name);
	free(m->own_name);
	free(m);
}

int maps_create(const struct maps_spec *spec, struct maps_map **out, struct err *e)
{
	const struct maps_ops *ops = NULL;
	u32 lock_off = MAPS_NO_LOCK;
	struct maps_map *m;
	int err;

	*out = NULL;
	if (e)
		e->code = 0;
	err = check_spec(spec, &ops, e);
	err = err ? err : check_value(spec, &lock_off, e);
	if (err)
		return err;
	m = calloc(1, sizeof(*m));
	if (!m)
		return err_set(e, -ENOMEM, MAPS_ROOM, "out of memory");
	m->ops = ops;
	m->refs = 1;
	m->wake_fd = -1;
	m->spec = *spec;
	m->percpu = isa_map_is_percpu(spec->type);
	m->n_slots = 1;
	if (m->percpu || spec->type == ISA_MAP_PERF_EVENT_ARRAY)
		m->n_slots = spec->n_slots ? spec->n_slots : maps_possible_cpus();
	m->key_pad = (u32)round_up(spec->key_size, 8);
	m->key_bytes = spec->key_size;
	m->value_bytes = spec->value_size;
	m->max_elems = spec->max_entries;
	m->value_pad = (u32)round_up(spec->value_size, 8);
	m->lock_off = lock_off;
	if (spec->inner)
		m->inner = spec->inner->spec;
	m->spec.inner = NULL;
	m->spec.value = NULL;
	err = copy_names(m, spec, e);
	err = err ? err : maps_region_open(m, e);
	if (err) {
		if (e && !e->code)
			err_set(e, err, MAPS_ROOM, "map '" STR_FMT "' cannot be made: %s",
				STR_ARG(spec->name), strerror(-err));
		release(m);
		return err;
	}
	*out = m;
	return 0;
}

void maps_get(struct maps_map *m)
{
	__atomic_fetch_add(&m->refs, 1, __ATOMIC_RELAXED);
}

void maps_put(struct maps_map *m)
{
	if (m && __atomic_sub_fetch(&m->refs, 1, __ATOMIC_ACQ_REL) == 0)
		release(m);
}

const struct maps_spec *maps_spec(const struct maps_map *m)
{
	return &m->spec;
}

/* ---- what programs call --------------------------------------------------------------------- */

static u32 slot_of(const struct maps_map *m, const struct maps_thread *t)
{
	if (!t || !m->percpu)
		return 0;
	return t->slot < m->n_slots ? t->slot : t->slot % m->n_slots;
}

void *maps_lookup(struct maps_map *m, const struct maps_thread *t, const void *key)
{
	return m->ops->lookup ? m->ops->lookup(m, slot_of(m, t), key) : NULL;
}

int maps_update(struct maps_map *m, const struct maps_thread *t, const void *key, const void *value,
		u64 flags)
{
	if (flags & MAPS_LOCK && m->lock_off != MAPS_NO_LOCK && m->ops->update)
		return maps_locked_update(m, key, value, flags);
	return m->ops->update ? m->ops->update(m, slot_of(m, t), key, value, flags) : -EINVAL;
}

static int no_such(const struct maps_map *m)
{
	return m->spec.type == ISA_MAP_BLOOM_FILTER ? -EOPNOTSUPP : -EINVAL;
}

int maps_delete(struct maps_map *m, const void *key)
{
	return m->ops->remove ? m->ops->remove(m, key) : no_such(m);
}

int maps_push(struct maps_map *m, const void *value, u64 flags)
{
	return m->ops->push ? m->ops->push(m, value, flags) : -EINVAL;
}

int maps_pop(struct maps_map *m, void *out_value)
{
	return m->ops->pop ? m->ops->pop(m, out_value) : no_such(m);
}

int maps_peek(struct maps_map *m, void *value)
{
	return m->ops->peek ? m->ops->peek(m, value) : -EINVAL;
}

struct maps_map *maps_inner(struct maps_map *m, const void *key)
{
	return m->ops->inner ? m->ops->inner(m, key) : NULL;
}

s64 maps_each(struct maps_map *m, const struct maps_thread *t, maps_each_fn fn, void *arg)
{
	return m->ops->each ? m->ops->each(m, slot_of(m, t), fn, arg) : -EINVAL;
}

/* ---- what user space calls ------------------------------------------------------------------ */

int maps_sys_lookup(struct maps_map *m, const void *key, void *out_value, u64 flags)
{
	int err;

	if (flags & ~(u64)MAPS_LOCK || (flags && m->lock_off == MAPS_NO_LOCK))
		return -EINVAL;
	if (m->ops->peek)
		return m->ops->peek(m, out_value);
	if (flags && m->ops->lookup)
		return maps_locked_lookup(m, key, out_value);
	err = m->ops->sys_lookup ? m->ops->sys_lookup(m, key, out_value) : -MAPS_ENOTSUPP;
	if (!err)
		maps_value_hide_lock(m, out_value);
	return err;
}

int maps_sys_update(struct maps_map *m, const void *key, const void *value, u64 flags)
{
	if (m->ops->push)
		return m->ops->push(m, value, flags);
	if (flags & MAPS_LOCK && m->lock_off != MAPS_NO_LOCK && m->ops->update)
		return maps_locked_update(m, key, value, flags);
	if (m->ops->sys_update)
		return m->ops->sys_update(m, key, value, flags);
	return m->ops->update ? m->ops->update(m, 0, key, value, flags) : -EINVAL;
}

int maps_sys_delete(struct maps_map *m, const void *key)
{
	return maps_delete(m, key);
}

int maps_sys_take(struct maps_map *m, const void *key, void *out_value, u64 flags)
{
	int err;

	if (flags & ~(u64)MAPS_LOCK || (flags && (m->lock_off == MAPS_NO_LOCK || m->ops->pop)))
		return -EINVAL;
	if (m->ops->pop)
		return m->ops->pop(m, out_value);
	err = m->ops->sys_take ? m->ops->sys_take(m, key, out_value) : -MAPS_ENOTSUPP;
	if (!err)
		maps_value_hide_lock(m, out_value);
	return err;
}

int maps_sys_next(struct maps_map *m, const void *key, void *out_next)
{
	return m->ops->sys_next ? m->ops->sys_next(m, key, out_next) : no_such(m);
}

int maps_sys_set_inner(struct maps_map *m, const void *key, struct maps_map *inner, u64 flags)
{
	return m->ops->set_inner ? m->ops->set_inner(m, key, inner, flags) : -EINVAL;
}

bool maps_holds(const struct maps_map *m, u64 addr, u64 size)
{
	u64 base = (u64)(uintptr_t)m->base;

	return addr >= base && size <= m->bytes && addr - base <= m->bytes - size;
}
