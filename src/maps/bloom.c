/* Bloom filter: says "perhaps" (0) or "no" (-ENOENT) for a value; values are never taken out.
 *
 * Five hashes a value and 7/5 bits for each hash and entry, rounded up to a power of two: the
 * kernel's choices. Bits are set atomically; there is nothing to lock and nothing to repair.
 */
#include "maps/room.h"

enum { BLOOM_BITS };
#define HASHES 5u

static int bloom_check(const struct maps_spec *s, const char **out_why)
{
	/* The kernel asks in this order. */
	if (s->value_size > MAPS_PIECE_MAX) {
		*out_why = "its values are too large";
		return -E2BIG;
	}
	if (s->key_size)
		*out_why = "it has no keys: the key size must be 0";
	if (s->key_size || !s->value_size || !s->max_entries ||
	    s->flags & ~(MAPS_F_NUMA_NODE | MAPS_F_ACCESS | MAPS_F_ZERO_SEED))
		return -EINVAL;
	return 0;
}

static void bloom_layout(struct maps_map *m)
{
	u64 bits = (u64)m->spec.max_entries * HASHES / 5 * 7 / 5 * 5;

	/* Number of bits - 1 in `mask`: at most 2^32 bits. */
	m->mask = bits > 1ull << 31 ? UINT32_MAX : maps_pow2(bits < 64 ? 64 : (u32)bits) - 1;
	maps_part(m, BLOOM_BITS, ((u64)m->mask + 1) / 64, 8);
}

static u64 *word_of(const struct maps_map *m, const void *value, u32 k, u64 *out_bit)
{
	u32 bit = (u32)maps_hash(m->seed + k, value, m->spec.value_size) & m->mask;

	*out_bit = 1ull << (bit & 63);
	return (u64 *)(void *)m->at[BLOOM_BITS] + bit / 64;
}

static int bloom_push(struct maps_map *m, const void *value, u64 flags)
{
	u64 bit;

	if (flags != MAPS_ANY)
		return -EINVAL;
	for (u32 k = 0; k < HASHES; k++) {
		u64 *word = word_of(m, value, k, &bit);

		__atomic_fetch_or(word, bit, __ATOMIC_RELEASE);
	}
	return 0;
}

static int bloom_peek(struct maps_map *m, void *value)
{
	u64 bit;

	for (u32 k = 0; k < HASHES; k++) {
		u64 *word = word_of(m, value, k, &bit);

		if (!(maps_load64(word) & bit))
			return -ENOENT;
	}
	return 0;
}

const struct maps_ops maps_bloom_ops = {
	.check = bloom_check, .layout = bloom_layout, .push = bloom_push, .peek = bloom_peek
};
