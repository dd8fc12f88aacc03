/* LRU hash and per-CPU LRU hash: a table that makes room when it is full, instead of -E2BIG.
 *
 * The clock algorithm (F. J. Corbato, "A Paging Experiment with the Multics System"): a hand goes
 * round over the elements; one that was used since the hand came by last is spared once, the first
 * other one goes. Lookups by programs and updates count as use, lookups by user space do not, as in
 * the kernel.
 *
 * Two stripes may be held at once here, so the second one is only tried: who finds it taken goes on
 * with the next element, and there is no order to keep.
 *
 * BPF_F_NO_COMMON_LRU (a list for each CPU) is taken as a hint and changes nothing: the whole map
 * is one clock. The kernel drops in batches before the map is full; this drops one, when it is.
 */
#include "maps/hash.h"

static u32 *hand_of(const struct maps_map *m)
{
	return (u32 *)(void *)m->at[HASH_STATE];
}

/* Takes the element from the stripe that has it. */
static bool evict(struct maps_map *m, u32 i, u32 own)
{
	struct hash_elem *x = hash_at(m, i);
	u32 stripe = maps_load(&x->hash) & (m->n_stripes - 1);
	struct maps_lock *l = &m->locks[stripe];
	bool done;

	if (stripe != own && !maps_lock_try(m, l))
		return false;
	/* It may have moved on before the lock was held. */
	done = (maps_load(&x->hash) & (m->n_stripes - 1)) == stripe &&
	       maps_load(&x->owner) == stripe + 1 && maps_table_unlink(m, i);
	if (done)
		maps_store(&x->owner, own + 1);
	if (stripe != own)
		maps_unlock(m, l);
	return done;
}

u32 maps_table_evict(struct maps_map *m, u32 own)
{
	u64 limit = 3 * (u64)m->n_elems + 64;

	for (u64 n = 0; n < limit; n++) {
		u32 i = __atomic_fetch_add(hand_of(m), 1, __ATOMIC_RELAXED) % m->n_elems + 1;
		struct hash_elem *x = hash_at(m, i);

		if (!maps_load(&x->owner))
			continue;
		if (__atomic_load_n(&x->ref, __ATOMIC_RELAXED)) {
			__atomic_store_n(&x->ref, 0, __ATOMIC_RELAXED);
			continue;
		}
		if (evict(m, i, own))
			return i;
	}
	return 0;
}

#define LRU_OPS                                                                                    \
	.check = maps_table_check, .layout = maps_table_layout, .init = maps_table_init,           \
	.repair = maps_table_repair, .lookup = maps_table_lookup, .update = maps_table_update,     \
	.remove = maps_table_remove, .each = maps_table_each, .sys_lookup = maps_table_sys_lookup, \
	.sys_update = maps_table_sys_update, .sys_take = maps_table_sys_take,                      \
	.sys_next = maps_table_sys_next

const struct maps_ops maps_lru_ops = { LRU_OPS };
const struct maps_ops maps_lru_percpu_ops = { LRU_OPS };
