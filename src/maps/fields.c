/* Special fields of values: the spin lock, and what only a kernel can keep.
 *
 * The type of a value says where they are (struct bpf_spin_lock and so on by name, pointers to
 * kernel objects by their tag), in nested structs and arrays too. A lock is a word that programs
 * hold (bpf_spin_lock) and that no copy of a value touches: updates leave it, or make it 0 in a new
 * element, and user space reads 0. With BPF_F_LOCK the copy is made while the lock is held, as in
 * the kernel.
 *
 * What holds a lock is a few instructions long. A holder that is gone for more than a second was
 * killed, in another process that shares the map: then the lock is taken over.
 *
 * Timers, kernel objects, lists and trees in values are refused: each would need the kernel's part.
 */
#include "maps/room.h"

#include <sched.h>
#include <time.h>

enum { DEEPEST = 16 };

struct found {
	u64 lock;
	u32 n_locks;
	const char *refused; /* the name of the first field that cannot be */
};

static void look_at_struct(const struct type *ty, u64 at, struct found *out)
{
	static const char *const refused[] = {
		"bpf_timer",   "bpf_wq",       "bpf_list_head", "bpf_list_node",    "bpf_rb_root",
		"bpf_rb_node", "bpf_refcount", "bpf_task_work", "bpf_res_spin_lock"
	};

	if (str_is(ty->name, "bpf_spin_lock")) {
		out->lock = at;
		out->n_locks++;
	}
	for (u32 i = 0; i < ARRAY_LEN(refused) && !out->refused; i++)
		if (str_is(ty->name, refused[i]))
			out->refused = refused[i];
}

static void look(const struct type *ty, u64 at, u32 depth, struct found *out)
{
	ty = ty_strip(ty);
	if (depth > DEEPEST || !ty_complete(ty))
		return;
	switch (ty->kind) {
	case TY_PTR:
		if ((ty->space == TY_SPACE_KPTR || ty->space == TY_SPACE_PERCPU) && !out->refused)
			out->refused = "a pointer to a kernel object";
		return;
	case TY_ARRAY:
		/* Two places are enough to see that a lock is not alone. */
		for (u64 i = 0; i < ty->count && i < 2 && ty->count != TY_UNSIZED; i++)
			look(ty->to, at, depth + 1, out);
		return;
	case TY_STRUCT:
	case TY_UNION:
		look_at_struct(ty, at, out);
		for (u32 i = 0; i < ty->n; i++)
			look(ty->members[i].type, at + ty->members[i].bit_off / 8, depth + 1, out);
		return;
	default: return;
	}
}

/* The kinds that may have a lock in their values. */
static bool may_lock(u32 type)
{
	return type == ISA_MAP_HASH || type == ISA_MAP_ARRAY || type == ISA_MAP_CGROUP_STORAGE ||
	       type == ISA_MAP_TASK_STORAGE || type == ISA_MAP_CGRP_STORAGE;
}

int maps_fields_find(const struct maps_spec *s, u32 *out_lock, const char **out_why)
{
	struct found f = { 0 };

	*out_lock = MAPS_NO_LOCK;
	if (!s->value)
		return 0;
	look(s->value, 0, 0, &f);
	if (f.refused) {
		*out_why = f.refused;
		return -SKEP_EUNSUPPORTED;
	}
	if (!f.n_locks)
		return 0;
	*out_why = f.n_locks > 1 ? "a value has one bpf_spin_lock at most"
				 : "values of this kind cannot have a bpf_spin_lock";
	if (f.n_locks > 1 || f.lock % 4 || f.lock + 4 > s->value_size)
		return -EINVAL;
	if (!may_lock(s->type))
		return -EOPNOTSUPP;
	*out_lock = (u32)f.lock;
	return 0;
}

/* ---- values with a lock --------------------------------------------------------------------- */

void maps_value_in(const struct maps_map *m, void *dst, const void *src)
{
	u32 word = m->lock_off & ~7u;

	if (m->lock_off == MAPS_NO_LOCK) {
		maps_copy_in(dst, src, m->value_bytes);
		return;
	}
	maps_copy_in(dst, src, word);
	/* Of the eight bytes with the lock, the other four. */
	if (m->lock_off & 4)
		maps_store((u32 *)dst + word / 4, (u32)maps_word(src, word, m->value_bytes));
	else
		maps_store((u32 *)dst + word / 4 + 1,
			   (u32)(maps_word(src, word, m->value_bytes) >> 32));
	if (m->value_bytes > word + 8)
		maps_copy_in((u8 *)dst + word + 8, (const u8 *)src + word + 8,
			     m->value_bytes - word - 8);
}

void maps_value_hide_lock(const struct maps_map *m, void *copy)
{
	if (m->lock_off != MAPS_NO_LOCK)
		memset((u8 *)copy + m->lock_off, 0, 4);
}

static u32 *lock_of(const struct maps_map *m, void *value)
{
	return (u32 *)(void *)((u8 *)value + m->lock_off);
}

void maps_value_lock(u32 *lock)
{
	enum { YIELDS = 1000, NAPS = 10000 };
	struct timespec nap = { 0, 50000 };

	for (u32 i = 0; __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) && i < YIELDS + NAPS; i++) {
		if (i < YIELDS)
			sched_yield();
		else
			nanosleep(&nap, NULL);
	}
}

static void *value_at(struct maps_map *m, const void *key)
{
	return m->ops->lookup ? m->ops->lookup(m, 0, key) : NULL;
}

int maps_locked_lookup(struct maps_map *m, const void *key, void *out)
{
	void *value = value_at(m, key);

	if (!value)
		return -ENOENT;
	maps_value_lock(lock_of(m, value));
	maps_copy_out(out, value, m->value_bytes);
	maps_store(lock_of(m, value), 0);
	maps_value_hide_lock(m, out);
	return 0;
}

int maps_locked_update(struct maps_map *m, const void *key, const void *value, u64 flags)
{
	void *old = value_at(m, key);

	flags &= ~(u64)MAPS_LOCK;
	if (!old || flags > MAPS_EXIST || flags == MAPS_NOEXIST)
		return m->ops->update(m, 0, key, value, flags);
	maps_value_lock(lock_of(m, old));
	maps_value_in(m, old, value);
	maps_store(lock_of(m, old), 0);
	return 0;
}
