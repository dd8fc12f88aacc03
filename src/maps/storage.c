/* Local storage: a value for each task or control group, keyed by its id (64 bits).
 *
 * A table of hash.c holds all values of a map; its size is chosen here, as these maps name no number
 * of entries, and memory is taken from the system when it is touched. Values are changed in place,
 * so that a program may keep its pointer.
 *
 * Tasks and groups are objects of the engine here, not of the kernel: where bpf(2) wants a pidfd or
 * a cgroup's descriptor as key, these take the thread's or the group's id. Who knows that a task has
 * ended deletes its value. The older cgroup_storage kinds make the value of a group when a program
 * first asks, and programs rely on getting one: when the table is full, the rest of the groups share
 * one that was set aside.
 */
#include "maps/hash.h"

enum { VALUE_MAX = 65407 }; /* the kernel's */
#define TASKS	     32768u
#define GROUPS	     1024u
#define MOST_BYTES   (64ull << 20)
#define SHARED_OWNER UINT64_MAX

static int task_check(const struct maps_spec *s, const char **out_why)
{
	enum { CLONE = 1 << 9 };

	if (!(s->flags & MAPS_F_NO_PREALLOC))
		*out_why = "local storage needs BPF_F_NO_PREALLOC";
	else if (s->max_entries)
		*out_why = "local storage has no number of entries";
	if (s->flags & ~(MAPS_F_NO_PREALLOC | CLONE) || !(s->flags & MAPS_F_NO_PREALLOC) ||
	    s->max_entries || s->key_size != 4 || !s->value_size)
		return -EINVAL;
	*out_why = "the values are too large";
	return s->value_size > VALUE_MAX ? -E2BIG : 0;
}

static int group_check(const struct maps_spec *s, const char **out_why)
{
	u32 most = s->type == ISA_MAP_PERCPU_CGROUP_STORAGE ? MAPS_PERCPU_MAX : VALUE_MAX;

	*out_why = "the key is a struct bpf_cgroup_storage_key or the 8 bytes of a cgroup's id";
	if ((s->key_size != 8 && s->key_size != 16) || !s->value_size)
		return -EINVAL;
	*out_why = "the values are too large";
	if (s->value_size > most)
		return -E2BIG;
	*out_why = "there is no number of entries, and no flag but those of access";
	return s->max_entries || s->flags & ~(MAPS_F_NUMA_NODE | MAPS_F_ACCESS) ? -EINVAL : 0;
}

static void storage_layout(struct maps_map *m)
{
	bool is_group = m->key_bytes != 4;
	u64 each = (u64)m->value_pad * m->n_slots + 32;
	u32 most = is_group ? GROUPS : TASKS, least = most / 64;

	m->max_elems = MOST_BYTES / each < least  ? least
		       : MOST_BYTES / each < most ? (u32)(MOST_BYTES / each)
						  : most;
	m->key_bytes = m->key_pad = sizeof(u64);
	m->in_place = true;
	maps_table_layout(m);
}

static int group_init(struct maps_map *m)
{
	u64 owner = SHARED_OWNER;
	int err = maps_table_init(m);

	return err ? err : maps_table_update(m, 0, &owner, NULL, MAPS_ANY);
}

static bool is_storage(const struct maps_map *m)
{
	return m->ops == &maps_task_storage_ops || m->ops == &maps_cgroup_storage_ops;
}

/* ---- what programs call --------------------------------------------------------------------- */

void *maps_storage_get(struct maps_map *m, const struct maps_thread *t, u64 owner, const void *init,
		       bool create)
{
	u32 slot = t && m->percpu ? t->slot % m->n_slots : 0;
	u64 rest = SHARED_OWNER;
	void *value;

	if (!is_storage(m))
		return NULL;
	value = maps_table_lookup(m, slot, &owner);
	if (value || !create)
		return value;
	/* Another thread may be first: then its value is there now. */
	(void)maps_table_update(m, slot, &owner, init, MAPS_NOEXIST);
	value = maps_table_lookup(m, slot, &owner);
	if (!value && m->ops == &maps_cgroup_storage_ops)
		value = maps_table_lookup(m, slot, &rest);
	return value;
}

int maps_storage_delete(struct maps_map *m, u64 owner)
{
	return is_storage(m) ? maps_table_remove(m, &owner) : -EINVAL;
}

/* ---- what user space calls ------------------------------------------------------------------ */

static u64 owner_of(const struct maps_map *m, const void *key)
{
	u64 owner = 0;

	memcpy(&owner, key, m->spec.key_size < 8 ? m->spec.key_size : 8);
	return owner;
}

static int storage_sys_lookup(struct maps_map *m, const void *key, void *out)
{
	u64 owner = owner_of(m, key);

	return maps_table_sys_lookup(m, &owner, out);
}

static int task_sys_update(struct maps_map *m, const void *key, const void *value, u64 flags)
{
	u64 owner = owner_of(m, key);
	int err = maps_table_sys_update(m, &owner, value, flags);

	return err == -E2BIG ? -ENOMEM : err;
}

/* Only what a program made can be changed. */
static int group_sys_update(struct maps_map *m, const void *key, const void *value, u64 flags)
{
	u64 owner = owner_of(m, key);

	if (flags & ~(u64)MAPS_EXIST)
		return -EINVAL;
	return maps_table_sys_update(m, &owner, value, MAPS_EXIST);
}

static int storage_remove(struct maps_map *m, const void *key)
{
	u64 owner = owner_of(m, key);

	return maps_table_remove(m, &owner);
}

static int no_remove(struct maps_map *m, const void *key)
{
	(void)m;
	(void)key;
	return -EINVAL;
}

static int task_sys_next(struct maps_map *m, const void *key, void *out)
{
	(void)m;
	(void)key;
	(void)out;
	return -MAPS_ENOTSUPP;
}

static int group_sys_next(struct maps_map *m, const void *key, void *out)
{
	u64 owner = key ? owner_of(m, key) : 0, next;
	int err = maps_table_sys_next(m, key ? &owner : NULL, &next);

	while (!err && next == SHARED_OWNER) {
		owner = next;
		err = maps_table_sys_next(m, &owner, &next);
	}
	if (err)
		return err;
	memset(out, 0, m->spec.key_size);
	memcpy(out, &next, sizeof(next));
	return 0;
}

const struct maps_ops maps_task_storage_ops = { .check = task_check,
						.layout = storage_layout,
						.init = maps_table_init,
						.repair = maps_table_repair,
						.remove = storage_remove,
						.each = maps_table_each,
						.sys_lookup = storage_sys_lookup,
						.sys_update = task_sys_update,
						.sys_next = task_sys_next };
const struct maps_ops maps_cgroup_storage_ops = { .check = group_check,
						  .layout = storage_layout,
						  .init = group_init,
						  .repair = maps_table_repair,
						  .remove = no_remove,
						  .sys_lookup = storage_sys_lookup,
						  .sys_update = group_sys_update,
						  .sys_next = group_sys_next };
