/* Hash tables: hash and per-CPU hash, and the ground of the LRU kinds and of hash of maps.
 *
 * Buckets are heads of chains; elements stand in one array and are linked by index. Writers hold
 * the lock of a stripe (buckets whose numbers end alike). Readers hold nothing: every change of a
 * chain is one store, and a stripe counts in `seq` each removal, after the element left the chain
 * and before its memory is used again. A reader that found nothing, or a key of several words,
 * believes it only if `seq` stood still; after some tries it takes the lock. So a link into another
 * chain is harmless: it is noticed, and the walk is bounded.
 *
 * As in the kernel, an update replaces the element (readers see the old value or the new one, never
 * a mixture): the stripe's spare takes the new value, one store puts it in the old one's place, and
 * the old one is the spare. Per-CPU values stand apart, one array a slot, and are changed in place.
 *
 * Free elements are in a few lists, each with a lock; elements never used are counted, not listed,
 * so that making a large map costs nothing. Locks are taken in the order stripe, list.
 *
 * A writer that is killed leaves at most its stripe's elements astray. `owner` names the stripe, so
 * the next writer of that stripe sweeps: what is owned but in no chain is free again.
 */
#include "maps/hash.h"

#define TRIES	    64
#define MAX_STRIPES 256u
#define MAX_LISTS   8u
#define MARK	    0x80000000u

static u32 *head_of(const struct maps_map *m, u32 bucket)
{
	return (u32 *)(void *)m->at[HASH_HEADS] + bucket;
}

static struct maps_lock *stripe_of(const struct maps_map *m, u32 hash)
{
	return &m->locks[hash & (m->n_stripes - 1)];
}

static void *value_of(const struct maps_map *m, u32 i, u32 slot)
{
	if (m->percpu)
		return m->at[HASH_VALUES] + slot * m->slot_bytes + (u64)i * m->value_pad;
	return (u8 *)hash_at(m, i) + m->value_off;
}

/* ---- making --------------------------------------------------------------------------------- */

int maps_table_check(const struct maps_spec *s, const char **out_why)
{
	bool lru = s->type == ISA_MAP_LRU_HASH || s->type == ISA_MAP_LRU_PERCPU_HASH;
	u32 known = MAPS_F_NO_PREALLOC | MAPS_F_NO_COMMON_LRU | MAPS_F_NUMA_NODE | MAPS_F_ACCESS |
		    MAPS_F_ZERO_SEED;

	if (!lru && s->flags & MAPS_F_NO_COMMON_LRU)
		return -EINVAL;
	if (lru && s->flags & MAPS_F_NO_PREALLOC) {
		*out_why = "LRU maps are always preallocated: drop BPF_F_NO_PREALLOC";
		return -MAPS_ENOTSUPP;
	}
	if (s->flags & ~known || (s->flags & MAPS_F_NUMA_NODE && s->flags & MAPS_F_NO_COMMON_LRU) ||
	    !s->max_entries || !s->key_size || !s->value_size)
		return -EINVAL;
	*out_why = "keys, values or the number of entries are too large";
	if ((u64)s->key_size + s->value_size >= MAPS_PIECE_MAX - 64 || s->max_entries > 1u << 31)
		return -E2BIG;
	if (isa_map_is_percpu(s->type) && round_up(s->value_size, 8) > MAPS_PERCPU_MAX)
		return -E2BIG;
	return 0;
}

void maps_table_layout(struct maps_map *m)
{
	/* Half full, so that most chains have one element: a step more is a cache miss more. */
	u64 n_buckets = 2 * (u64)maps_pow2(m->max_elems), n;

	m->lru = m->spec.type == ISA_MAP_LRU_HASH || m->spec.type == ISA_MAP_LRU_PERCPU_HASH;
	m->in_place |= m->percpu || m->spec.type == ISA_MAP_HASH_OF_MAPS;
	m->mask = (u32)(n_buckets - 1);
	m->n_stripes = n_buckets / 4 < MAX_STRIPES ? (u32)(n_buckets / 4) : MAX_STRIPES;
	/* Spares cost memory: few of them where values are large. */
	if (m->value_pad > 4096 && m->n_stripes > 16)
		m->n_stripes = 16;
	if (!m->n_stripes)
		m->n_stripes = 1;
	m->n_lists = m->n_stripes < MAX_LISTS ? m->n_stripes : MAX_LISTS;
	m->n_locks = m->n_stripes + m->n_lists;
	n = (u64)m->max_elems + (m->in_place ? 0 : m->n_stripes);
	m->n_elems = (u32)n;
	m->value_off = (u32)sizeof(struct hash_elem) + m->key_pad;
	m->stride = m->value_off + (m->percpu ? 0 : m->value_pad);
	maps_part(m, HASH_HEADS, n_buckets, sizeof(u32));
	maps_part(m, HASH_ELEMS, n + 1, m->stride);
	maps_part(m, HASH_STATE, 1, 64);
	if (m->percpu) {
		m->slot_bytes = round_up((n + 1) * m->value_pad, 64);
		maps_part(m, HASH_VALUES, m->n_slots, m->slot_bytes);
	}
}

int maps_table_init(struct maps_map *m)
{
	u32 max = m->max_elems;

	for (u32 s = 0; s < m->n_stripes && !m->in_place; s++) {
		m->locks[s].spare = max + 1 + s;
		hash_at(m, max + 1 + s)->owner = s + 1;
	}
	for (u32 k = 0; k < m->n_lists; k++) {
		struct maps_lock *l = &m->locks[m->n_stripes + k];

		l->fresh = (u32)((u64)max * k / m->n_lists) + 1;
		l->end = (u32)((u64)max * (k + 1) / m->n_lists) + 1;
	}
	return 0;
}

/* ---- free elements -------------------------------------------------------------------------- */

static bool is_elem(const struct maps_map *m, u32 i)
{
	return i - 1 < m->n_elems;
}

static u32 take_from(struct maps_map *m, struct maps_lock *list, u32 stripe)
{
	u32 i;

	if (!maps_load(&list->first) && maps_load(&list->fresh) >= list->end)
		return 0;
	maps_lock(m, list);
	i = list->first;
	if (is_elem(m, i)) {
		struct hash_elem *x = hash_at(m, i);

		maps_store(&x->owner, stripe + 1);
		maps_store(&list->first, maps_load(&x->next));
	} else if (list->fresh < list->end && is_elem(m, list->fresh)) {
		i = list->fresh;
		maps_store(&hash_at(m, i)->owner, stripe + 1);
		maps_store(&list->fresh, i + 1);
	} else {
		i = 0;
	}
	maps_unlock(m, list);
	return i;
}

static u32 take_any(struct maps_map *m, u32 stripe)
{
	u32 i = 0;

	for (u32 k = 0; k < m->n_lists && !i; k++)
		i = take_from(m, &m->locks[m->n_stripes + (stripe + k) % m->n_lists], stripe);
	return i;
}

static u32 take(struct maps_map *m, u32 stripe)
{
	u32 i = take_any(m, stripe);

	if (!i && m->lru)
		i = maps_table_evict(m, stripe);
	if (i || !m->is_shared)
		return i;
	/* Killed writers may have elements of stripes that nobody locked since: taking the lock
	 * repairs. A stripe that is held now is in the hands of the living. */
	for (u32 s = 0; s < m->n_stripes; s++)
		if (s != stripe && maps_lock_try(m, &m->locks[s]))
			maps_unlock(m, &m->locks[s]);
	return take_any(m, stripe);
}

/* The caller counted the removal in its stripe's `seq` before. */
static void give(struct maps_map *m, u32 stripe, u32 i)
{
	struct maps_lock *list = &m->locks[m->n_stripes + stripe % m->n_lists];
	struct hash_elem *x = hash_at(m, i);

	maps_lock(m, list);
	maps_store(&x->next, list->first);
	maps_store(&list->first, i);
	maps_store(&x->owner, 0);
	maps_unlock(m, list);
}

/* ---- repair --------------------------------------------------------------------------------- */

/* Died between the stores of take_from or give: the first one, or the first fresh one, is taken. */
static void repair_list(struct maps_map *m, struct maps_lock *list)
{
	if (is_elem(m, list->first) && hash_at(m, list->first)->owner)
		maps_store(&list->first, hash_at(m, list->first)->next);
	if (!is_elem(m, list->first))
		maps_store(&list->first, 0);
	if (list->fresh < list->end && is_elem(m, list->fresh) && hash_at(m, list->fresh)->owner)
		maps_store(&list->fresh, list->fresh + 1);
}

static void mark_chain(struct maps_map *m, u32 bucket, u32 owner)
{
	u32 *link = head_of(m, bucket);

	while (*link) {
		struct hash_elem *x = is_elem(m, *link) ? hash_at(m, *link) : NULL;

		/* Not ours, or seen before: another process wrote nonsense; the chain ends here. */
		if (!x || x->owner != owner) {
			maps_store(link, 0);
			return;
		}
		maps_store(&x->owner, owner | MARK);
		link = &x->next;
	}
}

void maps_table_repair(struct maps_map *m, u32 lock)
{
	struct maps_lock *l = &m->locks[lock];
	u32 owner = lock + 1;

	if (lock >= m->n_stripes) {
		repair_list(m, l);
		return;
	}
	for (u32 i = 1; i <= m->n_elems; i++)
		if (maps_load(&hash_at(m, i)->owner) == (owner | MARK))
			maps_store(&hash_at(m, i)->owner, owner);
	for (u64 b = lock; b <= m->mask; b += m->n_stripes)
		mark_chain(m, (u32)b, owner);
	maps_store(&l->seq, l->seq + 1);
	maps_store(&l->spare, 0);
	for (u32 i = 1; i <= m->n_elems; i++) {
		u32 *at = &hash_at(m, i)->owner;

		if (maps_load(at) == (owner | MARK))
			maps_store(at, owner);
		else if (maps_load(at) == owner && !m->in_place && !l->spare)
			maps_store(&l->spare, i);
		else if (maps_load(at) == owner)
			give(m, lock, i);
	}
}

/* ---- finding -------------------------------------------------------------------------------- */

static bool same_key(const struct maps_map *m, const struct hash_elem *x, const void *key)
{
	const u64 *have = (const u64 *)(const void *)(x + 1);
	u32 size = m->key_bytes;

	for (u32 at = 0; at < size; at += 8)
		if (maps_load64(have++) != maps_word(key, at, size))
			return false;
	return true;
}

/* With the stripe held: the element, and the link that leads to it. */
static u32 find_held(struct maps_map *m, const void *key, u32 hash, u32 **out_link)
{
	u32 *link = head_of(m, hash & m->mask), size = m->key_bytes, steps = 0;
	bool is_word = size <= 8;
	u64 word = is_word ? maps_word(key, 0, size) : 0;

	for (; is_elem(m, *link) && steps <= m->n_elems; steps++) {
		struct hash_elem *x = hash_at(m, *link);

		if (is_word ? maps_load64((const u64 *)(const void *)(x + 1)) == word
			    : x->hash == hash && same_key(m, x, key)) {
			*out_link = link;
			return *link;
		}
		link = &x->next;
	}
	return 0;
}

/* Without a lock. When `out_seq` is asked for, it is what the stripe's count was before. */
static u32 find(struct maps_map *m, const void *key, u32 hash, u32 *out_seq)
{
	struct maps_lock *l = stripe_of(m, hash);
	u32 *link, seq, i, steps;

	for (u32 tries = 0; tries < TRIES; tries++) {
		seq = maps_load(&l->seq);
		i = maps_load(head_of(m, hash & m->mask));
		for (steps = 0; is_elem(m, i) && steps <= m->n_elems; steps++) {
			const struct hash_elem *x = hash_at(m, i);

			if (same_key(m, x, key))
				break;
			i = maps_load(&x->next);
		}
		if (!is_elem(m, i) || steps > m->n_elems)
			i = 0;
		if (out_seq)
			*out_seq = seq;
		if ((i && m->key_pad == 8) || maps_load(&l->seq) == seq)
			return i;
	}
	maps_lock(m, l);
	i = find_held(m, key, hash, &link);
	if (out_seq)
		*out_seq = l->seq;
	maps_unlock(m, l);
	return i;
}

/* The same for keys of one word, which are read in one piece and so are never torn. */
static inline u32 find_word(struct maps_map *m, u64 key, u32 hash)
{
	struct maps_lock *l = stripe_of(m, hash);
	u32 seq = 0, i, steps;

	for (u32 tries = 0; tries < TRIES; tries++) {
		seq = maps_load(&l->seq);
		i = maps_load(head_of(m, hash & m->mask));
		for (steps = 0; is_elem(m, i) && steps <= m->n_elems; steps++) {
			const struct hash_elem *x = hash_at(m, i);

			if (maps_load64((const u64 *)(const void *)(x + 1)) == key)
				return i;
			i = maps_load(&x->next);
		}
		if (maps_load(&l->seq) == seq)
			return 0;
	}
	return find(m, &key, hash, NULL);
}

static u32 find_any(struct maps_map *m, const void *key)
{
	u32 four;
	u64 word;

	if (m->key_bytes == 4) {
		memcpy(&four, key, 4);
		return find_word(m, four, (u32)maps_hash_word(m->seed, four));
	}
	if (m->key_bytes == 8) {
		memcpy(&word, key, 8);
		return find_word(m, word, (u32)maps_hash_word(m->seed, word));
	}
	return find(m, key, (u32)maps_hash(m->seed, key, m->key_bytes), NULL);
}

void *maps_table_lookup(struct maps_map *m, u32 slot, const void *key)
{
	u32 i = find_any(m, key);
	struct hash_elem *x;

	if (!i)
		return NULL;
	if (m->lru) {
		x = hash_at(m, i);
		if (!__atomic_load_n(&x->ref, __ATOMIC_RELAXED))
			__atomic_store_n(&x->ref, 1, __ATOMIC_RELAXED);
	}
	return value_of(m, i, slot);
}

static void copy_value(struct maps_map *m, u32 i, void *out)
{
	for (u32 s = 0; s < m->n_slots; s++)
		maps_copy_out((u8 *)out + (u64)s * m->value_pad, value_of(m, i, s),
			      m->percpu ? m->value_pad : m->value_bytes);
}

int maps_table_sys_lookup(struct maps_map *m, const void *key, void *out)
{
	u32 hash = (u32)maps_hash(m->seed, key, m->key_bytes), seq, i, *link;
	struct maps_lock *l = stripe_of(m, hash);

	for (u32 tries = 0; tries < TRIES; tries++) {
		i = find(m, key, hash, &seq);
		if (!i)
			return -ENOENT;
		copy_value(m, i, out);
		if (maps_load(&l->seq) == seq)
			return 0;
	}
	maps_lock(m, l);
	i = find_held(m, key, hash, &link);
	if (i)
		copy_value(m, i, out);
	maps_unlock(m, l);
	return i ? 0 : -ENOENT;
}

/* ---- changing ------------------------------------------------------------------------------- */

/* Which slots of a per-CPU value an update writes. */
enum slots { ALL_SLOTS = 0xffffffff };

static void write_value(struct maps_map *m, u32 i, u32 slot, const void *value, bool is_new)
{
	u32 size = m->percpu && slot == ALL_SLOTS ? m->value_pad : m->value_bytes;

	for (u32 s = 0; !value && s < m->n_slots; s++)
		maps_fill_zero(value_of(m, i, s), m->value_pad);
	if (!value)
		return;
	if (m->lock_off != MAPS_NO_LOCK) {
		maps_value_in(m, value_of(m, i, 0), value);
		if (is_new)
			maps_store((u32 *)(void *)((u8 *)value_of(m, i, 0) + m->lock_off), 0);
		return;
	}
	for (u32 s = 0; s < m->n_slots; s++) {
		if (!m->percpu || s == slot)
			maps_copy_in(value_of(m, i, s), value, size);
		else if (slot == ALL_SLOTS)
			maps_copy_in(value_of(m, i, s), (const u8 *)value + (u64)s * size, size);
		else if (is_new)
			maps_fill_zero(value_of(m, i, s), m->value_pad);
	}
}

static void write_elem(struct maps_map *m, u32 i, u32 hash, const void *key, u32 slot,
		       const void *value)
{
	struct hash_elem *x = hash_at(m, i);

	maps_store(&x->hash, hash);
	maps_copy_in(x + 1, key, m->key_bytes);
	write_value(m, i, slot, value, true);
}

static int insert(struct maps_map *m, const void *key, u32 hash, u32 slot, const void *value)
{
	u32 *head = head_of(m, hash & m->mask), i = take(m, hash & (m->n_stripes - 1));
	struct hash_elem *x;

	if (!i)
		return m->lru ? -ENOMEM : -E2BIG;
	x = hash_at(m, i);
	write_elem(m, i, hash, key, slot, value);
	__atomic_store_n(&x->ref, 0, __ATOMIC_RELAXED);
	maps_store(&x->next, *head);
	maps_store(head, i);
	return 0;
}

/* The spare takes the place of the old one in one store. */
static void replace(struct maps_map *m, u32 *link, u32 hash, const void *key, const void *value)
{
	struct maps_lock *l = stripe_of(m, hash);
	u32 old = *link, i = l->spare;
	struct hash_elem *x = hash_at(m, i);

	write_elem(m, i, hash, key, 0, value);
	__atomic_store_n(&x->ref, 1, __ATOMIC_RELAXED);
	maps_store(&x->next, hash_at(m, old)->next);
	maps_store(link, i);
	maps_store(&l->seq, l->seq + 1);
	maps_store(&l->spare, old);
}

static int change(struct maps_map *m, u32 slot, const void *key, const void *value, u64 flags)
{
	u32 hash = (u32)maps_hash(m->seed, key, m->key_bytes), *link, i;
	struct maps_lock *l = stripe_of(m, hash);
	int err = 0;

	if (flags > MAPS_EXIST)
		return -EINVAL;
	maps_lock(m, l);
	i = find_held(m, key, hash, &link);
	if (i && flags == MAPS_NOEXIST)
		err = -EEXIST;
	else if (!i && flags == MAPS_EXIST)
		err = -ENOENT;
	else if (!i)
		err = insert(m, key, hash, slot, value);
	else if (m->in_place || !is_elem(m, l->spare))
		write_value(m, i, slot, value, false);
	else
		replace(m, link, hash, key, value);
	if (i && m->lru)
		__atomic_store_n(&hash_at(m, *link)->ref, 1, __ATOMIC_RELAXED);
	maps_unlock(m, l);
	return err;
}

int maps_table_update(struct maps_map *m, u32 slot, const void *key, const void *value, u64 flags)
{
	return change(m, slot, key, value, flags);
}

int maps_table_sys_update(struct maps_map *m, const void *key, const void *value, u64 flags)
{
	return change(m, m->percpu ? ALL_SLOTS : 0, key, value, flags);
}

bool maps_table_unlink(struct maps_map *m, u32 i)
{
	u32 hash = maps_load(&hash_at(m, i)->hash), *link = head_of(m, hash & m->mask);
	struct maps_lock *l = stripe_of(m, hash);

	for (u32 steps = 0; is_elem(m, *link) && steps <= m->n_elems; steps++) {
		if (*link == i) {
			maps_store(link, hash_at(m, i)->next);
			maps_store(&l->seq, l->seq + 1);
			return true;
		}
		link = &hash_at(m, *link)->next;
	}
	return false;
}

/* Takes an element out, and its value into `out` unless that is NULL. */
static int remove_elem(struct maps_map *m, const void *key, void *out)
{
	u32 hash = (u32)maps_hash(m->seed, key, m->key_bytes), *link, i;
	struct maps_lock *l = stripe_of(m, hash);

	maps_lock(m, l);
	i = find_held(m, key, hash, &link);
	if (i && out)
		copy_value(m, i, out);
	if (i) {
		maps_store(link, hash_at(m, i)->next);
		maps_store(&l->seq, l->seq + 1);
		give(m, hash & (m->n_stripes - 1), i);
	}
	maps_unlock(m, l);
	return i ? 0 : -ENOENT;
}

int maps_table_remove(struct maps_map *m, const void *key)
{
	return remove_elem(m, key, NULL);
}

int maps_table_sys_take(struct maps_map *m, const void *key, void *out)
{
	return remove_elem(m, key, out);
}

/* ---- walking -------------------------------------------------------------------------------- */

/* Copies the key of the first element at or after a bucket. */
static int first_key(struct maps_map *m, u64 bucket, void *out)
{
	for (; bucket <= m->mask; bucket++) {
		struct maps_lock *l = stripe_of(m, (u32)bucket);
		u32 i;

		if (!maps_load(head_of(m, (u32)bucket)))
			continue;
		maps_lock(m, l);
		i = *head_of(m, (u32)bucket);
		if (is_elem(m, i))
			maps_copy_out(out, hash_at(m, i) + 1, m->key_bytes);
		maps_unlock(m, l);
		if (is_elem(m, i))
			return 0;
	}
	return -ENOENT;
}

int maps_table_sys_next(struct maps_map *m, const void *key, void *out)
{
	struct maps_lock *l;
	u32 hash, *link, i, next = 0;

	if (!key)
		return first_key(m, 0, out);
	hash = (u32)maps_hash(m->seed, key, m->key_bytes);
	l = stripe_of(m, hash);
	maps_lock(m, l);
	i = find_held(m, key, hash, &link);
	if (i)
		next = hash_at(m, i)->next;
	if (is_elem(m, next))
		maps_copy_out(out, hash_at(m, next) + 1, m->key_bytes);
	maps_unlock(m, l);
	if (is_elem(m, next))
		return 0;
	return first_key(m, i ? (u64)(hash & m->mask) + 1 : 0, out);
}

#define BATCH 16

/* The elements of a chain from the `from`-th on, at most BATCH of them. */
static u32 batch(struct maps_map *m, u32 bucket, u32 from, u32 out[BATCH])
{
	struct maps_lock *l = stripe_of(m, bucket);
	u32 n = 0, at = 0, i;

	if (!maps_load(head_of(m, bucket)))
		return 0;
	maps_lock(m, l);
	for (i = *head_of(m, bucket); is_elem(m, i) && n < BATCH && at <= m->n_elems; at++) {
		if (at >= from)
			out[n++] = i;
		i = hash_at(m, i)->next;
	}
	maps_unlock(m, l);
	return n;
}

/* The callback runs without a lock: it may change the map, also the element that it is shown. */
s64 maps_table_each(struct maps_map *m, u32 slot, maps_each_fn fn, void *arg)
{
	u32 found[BATCH], n, from;
	s64 visited = 0;

	for (u64 b = 0; b <= m->mask; b++) {
		from = 0;
		do {
			n = batch(m, (u32)b, from, found);
			for (u32 k = 0; k < n; k++) {
				visited++;
				if (fn(arg, hash_at(m, found[k]) + 1, value_of(m, found[k], slot)))
					return visited;
			}
			from += n;
		} while (n == BATCH);
	}
	return visited;
}

#define TABLE_OPS                                                                                  \
	.check = maps_table_check, .layout = maps_table_layout, .init = maps_table_init,           \
	.repair = maps_table_repair, .lookup = maps_table_lookup, .update = maps_table_update,     \
	.remove = maps_table_remove, .each = maps_table_each, .sys_lookup = maps_table_sys_lookup, \
	.sys_update = maps_table_sys_update, .sys_take = maps_table_sys_take,                      \
	.sys_next = maps_table_sys_next

const struct maps_ops maps_hash_ops = { TABLE_OPS };
const struct maps_ops maps_percpu_hash_ops = { TABLE_OPS };
