/* hash tables inside the room: what the kinds that stand on hash.c use. */
#ifndef SKEP_MAPS_HASH_H
#define SKEP_MAPS_HASH_H

#include "maps/room.h"

enum { HASH_HEADS, HASH_ELEMS, HASH_VALUES, HASH_STATE };

/* An element; the key follows, then (unless per-CPU) the value. Index 0 is "none". */
struct hash_elem {
	u32 next;
	u32 owner; /* 0 free, else 1 + the stripe whose writer took it */
	u32 hash;
	u32 ref; /* LRU: used since the hand passed */
};

static inline struct hash_elem *hash_at(const struct maps_map *m, u32 i)
{
	return (struct hash_elem *)(void *)(m->at[HASH_ELEMS] + (u64)i * m->stride);
}

int maps_table_check(const struct maps_spec *s, const char **out_why);
void maps_table_layout(struct maps_map *m);
int maps_table_init(struct maps_map *m);
void maps_table_repair(struct maps_map *m, u32 lock);
void *maps_table_lookup(struct maps_map *m, u32 slot, const void *key);
/* `value` NULL: zeroes. */
int maps_table_update(struct maps_map *m, u32 slot, const void *key, const void *value, u64 flags);
int maps_table_remove(struct maps_map *m, const void *key);
s64 maps_table_each(struct maps_map *m, u32 slot, maps_each_fn fn, void *arg);
int maps_table_sys_lookup(struct maps_map *m, const void *key, void *out);
int maps_table_sys_update(struct maps_map *m, const void *key, const void *value, u64 flags);
int maps_table_sys_take(struct maps_map *m, const void *key, void *out);
int maps_table_sys_next(struct maps_map *m, const void *key, void *out);
/* Takes element `i` out of its chain; false if it is in none. Its stripe is held. */
bool maps_table_unlink(struct maps_map *m, u32 i);
/* lru.c: an element for stripe `own`, which is held, taken from the least used ones; 0 if none. */
u32 maps_table_evict(struct maps_map *m, u32 own);

#endif
