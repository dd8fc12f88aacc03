/* maps, inside the room: the table of operations that each kind fills, and what all kinds share.
 *
 * The memory of a map is one region (region.c): a head, then the parts that the kind asked for.
 * Parts refer to each other by index only, so the same code serves private and shared regions.
 */
#ifndef SKEP_MAPS_ROOM_H
#define SKEP_MAPS_ROOM_H

#include "maps/maps.h"

#include <errno.h>
#include <pthread.h>
#include <string.h>

#define MAPS_ROOM "maps"
/* The kernel's word for "this kind does not do that"; user space's errno.h lacks it. */
#define MAPS_ENOTSUPP 524
/* What the kernel allocates in one piece at most, and for one CPU at most. */
#define MAPS_PIECE_MAX	(4u << 20)
#define MAPS_PERCPU_MAX 32768u

enum { MAPS_ANY = 0, MAPS_NOEXIST = 1, MAPS_EXIST = 2, MAPS_LOCK = 4 };
#define MAPS_NO_LOCK UINT32_MAX
enum {
	MAPS_F_NO_PREALLOC = 1u << 0,
	MAPS_F_NO_COMMON_LRU = 1u << 1,
	MAPS_F_NUMA_NODE = 1u << 2,
	MAPS_F_RDONLY = 1u << 3,
	MAPS_F_WRONLY = 1u << 4,
	MAPS_F_STACK_BUILD_ID = 1u << 5,
	MAPS_F_ZERO_SEED = 1u << 6,
	MAPS_F_RDONLY_PROG = 1u << 7,
	MAPS_F_WRONLY_PROG = 1u << 8,
	MAPS_F_MMAPABLE = 1u << 10,
	MAPS_F_PRESERVE_ELEMS = 1u << 11,
	MAPS_F_INNER_MAP = 1u << 12,
	MAPS_F_ACCESS = MAPS_F_RDONLY | MAPS_F_WRONLY | MAPS_F_RDONLY_PROG | MAPS_F_WRONLY_PROG,
};

/* One lock and what it guards. The locks of a map stand in one array, a cache line each. */
struct maps_lock {
	union {
		u32 word; /* private: 0 free, 1 held */
		pthread_mutex_t robust;
	};
	u32 seq; /* counts removals: what a reader saw holds while it stands still */
	u32 spare, first, fresh, end; /* of tables: see hash.c */
} __attribute__((aligned(64)));
_Static_assert(sizeof(struct maps_lock) % 64 == 0, "whole cache lines; two where mutexes are large");

#define MAPS_N_PARTS 4

struct maps_map {
	const struct maps_ops *ops;
	u8 *base;
	u8 *at[MAPS_N_PARTS]; /* the parts */
	struct maps_lock *locks;
	u64 seed;
	u32 n_slots;		/* per-CPU kinds; else 1 */
	u32 key_pad, value_pad; /* sizes rounded up to 8 */
	/* What the table works with: the spec's but in hash of maps and in local storage. */
	u32 key_bytes, value_bytes, max_elems;
	u32 lock_off; /* of the bpf_spin_lock in a value, or MAPS_NO_LOCK */
	u32 n_locks;
	bool percpu, is_shared;
	/* Of tables and tries. */
	u32 stride, value_off; /* of an element, and of the value in it */
	u32 mask;	       /* buckets - 1 */
	u32 n_elems, n_stripes, n_lists;
	bool lru, in_place;
	u64 slot_bytes; /* per-CPU values: distance of the slots */
	/* Rings. */
	u32 n_rings;
	u32 ring_bytes;
	int wake_fd;
	/* Maps of maps: what was ever held, so that what programs read stays until the end. */
	struct maps_map **held;
	u32 n_held, held_cap;
	struct maps_spec inner; /* the template; type 0 if none */

	u64 part[MAPS_N_PARTS]; /* offsets in the region */
	u64 locks_at, bytes;
	bool too_big;
	u32 refs;
	struct maps_spec spec;
	char *shared_name, *own_name;
};

/* One kind of map. What is NULL answers as the kernel does for kinds without that operation. */
struct maps_ops {
	/* As the kernel's check of sizes and flags; *out_why is one sentence. */
	int (*check)(const struct maps_spec *s, const char **out_why);
	/* Fixes the geometry and asks for parts and locks. */
	void (*layout)(struct maps_map *m);
	int (*init)(struct maps_map *m); /* fills a new region, all zero before */
	void (*close)(struct maps_map *m);
	void (*repair)(struct maps_map *m, u32 lock); /* a writer died with it; may die again */
	void *(*lookup)(struct maps_map *m, u32 slot, const void *key);
	int (*update)(struct maps_map *m, u32 slot, const void *key, const void *value, u64 flags);
	int (*remove)(struct maps_map *m, const void *key);
	int (*push)(struct maps_map *m, const void *value, u64 flags);
	int (*pop)(struct maps_map *m, void *out);
	int (*peek)(struct maps_map *m, void *value);
	s64 (*each)(struct maps_map *m, u32 slot, maps_each_fn fn, void *arg);
	int (*sys_lookup)(struct maps_map *m, const void *key, void *out);
	int (*sys_update)(struct maps_map *m, const void *key, const void *value, u64 flags);
	int (*sys_take)(struct maps_map *m, const void *key, void *out);
	int (*sys_next)(struct maps_map *m, const void *key, void *out);
	struct maps_map *(*inner)(struct maps_map *m, const void *key);
	int (*set_inner)(struct maps_map *m, const void *key, struct maps_map *inner, u64 flags);
	bool local_only; /* holds addresses of this process: cannot be shared */
};

extern const struct maps_ops maps_hash_ops, maps_percpu_hash_ops, maps_lru_ops, maps_lru_percpu_ops,
	maps_array_ops, maps_percpu_array_ops, maps_lpm_ops, maps_array_of_ops, maps_hash_of_ops,
	maps_prog_array_ops, maps_ring_ops, maps_perf_ops, maps_queue_ops, maps_stack_ops,
	maps_bloom_ops, maps_stack_trace_ops, maps_user_ring_ops, maps_task_storage_ops,
	maps_cgroup_storage_ops;

/* ---- region.c ------------------------------------------------------------------------------- */

/* Asks for `n` times `each` bytes, zeroed; `k` names the part. */
void maps_part(struct maps_map *m, u32 k, u64 n, u64 each);
/* Makes (or, when shared, opens) the region. */
int maps_region_open(struct maps_map *m, struct err *e);
void maps_region_close(struct maps_map *m);
/* The positions page of a ring; the data begins behind it. */
void *maps_region_ring(struct maps_map *m, u32 i);
u32 maps_possible_cpus(void);

/* ---- fields.c ------------------------------------------------------------------------------- */

/* Where the value's lock is; what cannot be in a value is an error, and *out_why names it. */
int maps_fields_find(const struct maps_spec *s, u32 *out_lock, const char **out_why);
/* Copies a value into the map, all but its lock; and clears the lock in a copy of a value. */
void maps_value_in(const struct maps_map *m, void *dst, const void *src);
void maps_value_hide_lock(const struct maps_map *m, void *copy);
/* With the value's lock held: BPF_F_LOCK. */
int maps_locked_lookup(struct maps_map *m, const void *key, void *out);
int maps_locked_update(struct maps_map *m, const void *key, const void *value, u64 flags);

/* ---- lock.c --------------------------------------------------------------------------------- */

int maps_locks_init(struct maps_map *m);
void maps_lock_slow(struct maps_map *m, struct maps_lock *l);
void maps_unlock_shared(struct maps_lock *l);
bool maps_lock_try(struct maps_map *m, struct maps_lock *l);

static inline void maps_lock(struct maps_map *m, struct maps_lock *l)
{
	u32 open = 0;

	if (m->is_shared || !__atomic_compare_exchange_n(&l->word, &open, 1, false,
							 __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		maps_lock_slow(m, l);
}

static inline void maps_unlock(struct maps_map *m, struct maps_lock *l)
{
	if (m->is_shared)
		maps_unlock_shared(l);
	else
		__atomic_store_n(&l->word, 0, __ATOMIC_RELEASE);
}

/* ---- words that several threads read and write ----------------------------------------------- */

static inline u32 maps_load(const u32 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
static inline void maps_store(u32 *p, u32 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}
static inline u64 maps_load64(const u64 *p)
{
	return __atomic_load_n(p, __ATOMIC_ACQUIRE);
}
static inline void maps_store64(u64 *p, u64 v)
{
	__atomic_store_n(p, v, __ATOMIC_RELEASE);
}

/* The bytes of a key or value that begin at `at`, as one word, zero behind the end. */
static inline u64 maps_word(const void *p, u32 at, u32 size)
{
	u64 w = 0;

	/* Sizes that the compiler knows: a call for four bytes would cost more than the rest. */
	if (size - at >= 8) {
		memcpy(&w, (const u8 *)p + at, 8);
	} else if (size - at == 4) {
		u32 four;

		memcpy(&four, (const u8 *)p + at, 4);
		w = four;
	} else {
		memcpy(&w, (const u8 *)p + at, size - at);
	}
	return w;
}

/* Copies into the region, whose side is aligned and padded to 8, and out of it. Release stores and
 * acquire loads order them against `seq` without fences. */
static inline void maps_copy_in(void *dst, const void *src, u32 size)
{
	u64 *to = dst;

	for (u32 at = 0; at < size; at += 8)
		maps_store64(to++, maps_word(src, at, size));
}

static inline void maps_copy_out(void *dst, const void *src, u32 size)
{
	const u64 *from = src;

	for (u32 at = 0; at < size; at += 8) {
		u64 w = maps_load64(from++);

		memcpy((u8 *)dst + at, &w, size - at < 8 ? size - at : 8);
	}
}

static inline void maps_fill_zero(void *dst, u32 size)
{
	u64 *to = dst;

	for (u32 at = 0; at < size; at += 8)
		maps_store64(to++, 0);
}

/* Smallest power of two not below n (n <= 2^31). */
static inline u32 maps_pow2(u32 n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

static inline u64 maps_mix(u64 a, u64 b)
{
	__uint128_t p = (__uint128_t)a * b;

	return (u64)p ^ (u64)(p >> 64);
}

/* Hash of a key: multiply and fold, a word at a time, from a secret seed. */
static inline u64 maps_hash_word(u64 seed, u64 word)
{
	return maps_mix(word ^ seed, 0x9e3779b97f4a7c15ull);
}

static inline u64 maps_hash(u64 seed, const void *key, u32 size)
{
	u64 h = seed ^ size;

	if (size <= 8)
		return maps_hash_word(seed, maps_word(key, 0, size));
	for (u32 at = 0; at < size; at += 8)
		h = maps_mix(h ^ maps_word(key, at, size), 0x9e3779b97f4a7c15ull);
	return maps_mix(h ^ seed, 0xd6e8feb86659fd93ull);
}

#endif
