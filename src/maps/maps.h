/* maps: maps in user space, behind one table of operations; one file a kind.
 *
 * Flags, semantics and error codes are the kernel's (Linux Documentation/bpf/map_*.rst and bpf(2)): BPF_ANY,
 * BPF_NOEXIST, BPF_EXIST, -E2BIG when full, -EEXIST, -ENOENT, iteration that survives updates.
 *
 * Memory. All elements of a map are allocated when it is made (or grow in blocks that are never given back while the
 * map lives), so that a pointer that a lookup returned stays readable memory until the map is closed, whatever
 * other threads delete; as in the kernel, the element may be reused. This is what lets lookups take no lock.
 *
 * Threads. Every operation may be called from any number of threads at once. Per-CPU kinds have one value a slot; a
 * thread works in the slot that its maps_thread names.
 *
 * Sharing. A map made with `shared` lives in a shared-memory object and can be opened by other processes; a process
 * that is killed at any moment leaves it usable (robust locks; writers publish with one store).
 */
#ifndef SKEP_MAPS_H
#define SKEP_MAPS_H

#include "base/base.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include "types/types.h"

struct maps_map;

struct maps_spec {
	str name;
	u32 type;             /* enum isa_map_type */
	u32 key_size, value_size, max_entries, flags;
	u32 n_slots;          /* per-CPU kinds: how many slots; 0: the machine's possible CPUs */
	const struct maps_map *inner;     /* array_of_maps, hash_of_maps: the template */
	const char *shared;   /* name of a shared-memory object to make or open, or NULL */
	/* The type of a value, or NULL: it says where the bpf_spin_lock is. Asked only when the map is made. Values with timers,
	 * pointers to kernel objects and the like are refused. */
	const struct type *value;
	bool forked;          /* children that this process forks later share it, without a name */
};

/* Makes a map. -EINVAL where the kernel would refuse the sizes or flags, -SKEP_EUNSUPPORTED for a kind that user
 * space does not have (with the reason in *e), -ENOMEM. Reference-counted: maps_put() gives it back. */
int maps_create(const struct maps_spec *spec, struct maps_map **out, struct err *e) MUST_CHECK;
void maps_get(struct maps_map *m);
void maps_put(struct maps_map *m);
const struct maps_spec *maps_spec(const struct maps_map *m);

/* Which slot of per-CPU values the calling code uses. */
struct maps_thread { u32 slot; };
typedef int (*maps_record_fn)(void *arg, const void *data, u32 size);

/* ---- what programs call: one entry for each map helper ------------------------------------------ */

/* The value of a key in the thread's slot, or NULL. Of maps of maps: the map, as maps_inner(). */
void *maps_lookup(struct maps_map *m, const struct maps_thread *t, const void *key);
int maps_update(struct maps_map *m, const struct maps_thread *t, const void *key, const void *value,
		u64 flags);
int maps_delete(struct maps_map *m, const void *key);
/* Queue, stack, bloom filter. */
int maps_push(struct maps_map *m, const void *value, u64 flags);
int maps_pop(struct maps_map *m, void *out_value);
int maps_peek(struct maps_map *m, void *value);
/* The map or program that a map of maps or a program array holds at a key; NULL if none. */
struct maps_map *maps_inner(struct maps_map *m, const void *key);
void *maps_prog(struct maps_map *m, u32 index);
/* Ring buffer: space for a record, or NULL; then exactly one of submit and discard. */
void *maps_ring_reserve(struct maps_map *m, u64 size, u64 flags);
void maps_ring_submit(void *record, u64 flags);
void maps_ring_discard(void *record, u64 flags);
int maps_ring_output(struct maps_map *m, const void *data, u64 size, u64 flags);
u64 maps_ring_query(struct maps_map *m, u64 flags);
/* User ring buffer: hands the records that user space submitted to fn until it returns non-zero; how many, or -EBUSY
 * when another thread drains, -EINVAL, -E2BIG for a spoilt ring. */
s64 maps_user_drain(struct maps_map *m, maps_record_fn fn, void *arg, u64 flags);
/* Stack traces: stores `n` addresses and returns their id; -EEXIST when another stack has it and the flags
 * (BPF_F_FAST_STACK_CMP, BPF_F_REUSE_STACKID) do not allow otherwise, -EFAULT for no addresses. */
s64 maps_stack_store(struct maps_map *m, const u64 *ips, u32 n, u64 flags);
/* Perf event array: a record for the readers of a slot. */
int maps_perf_output(struct maps_map *m, const struct maps_thread *t, u64 flags, const void *data,
		     u64 size);
/* The same with a second piece behind the first. */
int maps_perf_output_two(struct maps_map *m, const struct maps_thread *t, u64 flags, const void *data,
			 u64 size, const void *more, u64 more_size);
/* Local storage (task_storage, cgrp_storage, cgroup_storage and its per-CPU form): the value of the object with this id,
 * made if there is none (of `init`, or zeroes) and `create` says so; NULL if there is none or no room. cgroup_storage
 * always gives one when it may create. Whoever learns that an object is gone deletes its value. */
void *maps_storage_get(struct maps_map *m, const struct maps_thread *t, u64 owner, const void *init,
		       bool create);
int maps_storage_delete(struct maps_map *m, u64 owner);
/* bpf_spin_lock on the lock in a value; giving it back is a store of 0. */
void maps_value_lock(u32 *lock);
/* Calls fn for every element until it returns non-zero; returns how many were visited. */
typedef s64 (*maps_each_fn)(void *arg, const void *key, void *value);
s64 maps_each(struct maps_map *m, const struct maps_thread *t, maps_each_fn fn, void *arg);

/* ---- what user space calls: as through bpf(2) --------------------------------------------------- */

/* Values of per-CPU kinds are all slots, each rounded up to 8 bytes. */
int maps_sys_lookup(struct maps_map *m, const void *key, void *out_value, u64 flags);
int maps_sys_update(struct maps_map *m, const void *key, const void *value, u64 flags);
int maps_sys_delete(struct maps_map *m, const void *key);
/* Lookup and delete in one step: nobody's update in between is lost. Hash kinds, queue and stack. */
int maps_sys_take(struct maps_map *m, const void *key, void *out_value, u64 flags);
int maps_sys_next(struct maps_map *m, const void *key, void *out_next);     /* key NULL: first */
int maps_sys_set_inner(struct maps_map *m, const void *key, struct maps_map *inner, u64 flags);
int maps_sys_set_prog(struct maps_map *m, u32 index, void *prog);
/* Delivers what is in a ring buffer or perf event array; returns the number of records, or what fn returned
 * if that is negative. */
int maps_consume(struct maps_map *m, maps_record_fn fn, void *arg);
/* User ring buffer: space for a record, or NULL when there is none now (maps_wait_fd() is readable once a program has
 * drained some); then exactly one of submit and discard. */
void *maps_user_reserve(struct maps_map *m, u64 size);
void maps_user_submit(void *record);
void maps_user_discard(void *record);
/* Records that a ring buffer or perf event array had no room for, since it was made. */
u64 maps_lost(struct maps_map *m);
/* A descriptor that is readable when there may be records (an eventfd), or negative errno. */
int maps_wait_fd(struct maps_map *m);
/* Do these bytes lie in the map's memory? */
bool maps_holds(const struct maps_map *m, u64 addr, u64 size);
/* For the verifier's const maps and for the JIT: the address of an array's first value and the distance between
 * values; NULL for kinds that are not a plain array. */
void *maps_array_base(struct maps_map *m, u32 *out_stride);
/* The same of a per-CPU array: of slot 0, the distance between slots and how many there are. A thread whose slot is
 * beyond them works in slot % n. */
void *maps_percpu_base(struct maps_map *m, u32 *out_stride, u64 *out_slot_bytes, u32 *out_slots);

#endif
