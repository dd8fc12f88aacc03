/* strmap: from names to things.
 *
 * Open addressing with linear probing over a power of two of slots, at most three quarters full;
 * the table lives in an arena, so the old one is left behind when it doubles (in sum no more than
 * the last one's size). A slot is free when its hash is 0, which str_hash() never returns; a
 * dropped name keeps its slot with a NULL value, so probing needs no tombstones.
 *
 * The hash reads eight bytes at a time and folds the 128-bit product with an odd constant, as the
 * "multiply and fold" family of hashes does. It has no secret: the maps hold the names of one
 * program, and order never shows.
 */
#include "base/base.h"

#include <string.h>

static u64 fold(u64 a, u64 b)
{
	unsigned __int128 p = (unsigned __int128)a * b;

	return (u64)p ^ (u64)(p >> 64);
}

u64 str_hash(str x)
{
	const u64 k = 0x9e3779b97f4a7c15u;
	u64 h = k ^ x.n, w;
	u32 i = 0;

	for (; x.n - i >= 8; i += 8) {
		memcpy(&w, x.s + i, 8);
		h = fold(h ^ w, k) + w;
	}
	w = 0;
	if (i < x.n)
		memcpy(&w, x.s + i, x.n - i);
	h = fold(h ^ w, k) + w;
	h ^= h >> 29;
	return h ? h : 1;
}

/* The slot of `key`, or the free slot where it belongs. The table has at least one free slot. */
static struct strmap_slot *find(const struct strmap *m, str key, u64 hash)
{
	u32 i = (u32)hash & (m->cap - 1);

	while (m->slots[i].hash) {
		if (m->slots[i].hash == hash && str_eq(m->slots[i].key, key))
			break;
		i = (i + 1) & (m->cap - 1);
	}
	return &m->slots[i];
}

void *strmap_get(const struct strmap *m, str key)
{
	return m->cap ? find(m, key, str_hash(key))->val : NULL;
}

static void grow(struct arena *a, struct strmap *m)
{
	struct strmap old = *m;

	base_check(arena_trap(a), old.cap <= UINT32_MAX / 4);
	m->cap = old.cap ? old.cap * 2 : 16;
	m->slots = arena_array_of(a, struct strmap_slot, m->cap);
	for (u32 i = 0; i < old.cap; i++)
		if (old.slots[i].hash)
			*find(m, old.slots[i].key, old.slots[i].hash) = old.slots[i];
}

void strmap_put(struct arena *a, struct strmap *m, str key, void *val)
{
	struct strmap_slot *slot;
	u64 hash = str_hash(key);

	if (m->n >= m->cap / 4 * 3)
		grow(a, m);
	slot = find(m, key, hash);
	if (!slot->hash) {
		slot->key = key;
		slot->hash = hash;
		m->n++;
	}
	slot->val = val;
}

void strmap_drop(struct strmap *m, str key)
{
	if (m->cap)
		find(m, key, str_hash(key))->val = NULL;
}
