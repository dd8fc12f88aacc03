/* Stack traces by id: the id is the hash of the addresses, so that equal stacks share one place.
 *
 * A place holds the number of addresses and the addresses. Writers lock a stripe; user space copies
 * under the same lock. Two different stacks with one id collide: -EEXIST, or the new one replaces
 * the old one, as the flags say.
 */
#include "maps/room.h"

enum { TRACE_PLACES };
#define MAX_DEPTH 127
#define STRIPES	  64u
enum { FAST_CMP = 1u << 9, REUSE_ID = 1u << 10, KNOWN = 0xff | 1u << 8 | FAST_CMP | REUSE_ID };

struct trace {
	u32 n, hash;
	u64 ips[];
};

static int trace_check(const struct maps_spec *s, const char **out_why)
{
	if (s->flags & MAPS_F_STACK_BUILD_ID) {
		*out_why = "stacks with build ids are not available in user space";
		return -SKEP_EUNSUPPORTED;
	}
	*out_why = "keys are 4 bytes and values 8 bytes for each address, 127 at most";
	return !s->max_entries || s->key_size != 4 || s->value_size < 8 || s->value_size % 8 ||
			       s->value_size / 8 > MAX_DEPTH ||
			       s->flags & ~(MAPS_F_NUMA_NODE | MAPS_F_RDONLY | MAPS_F_WRONLY)
		       ? -EINVAL
	       : s->max_entries > 1u << 31 ? -E2BIG
					   : 0;
}

static void trace_layout(struct maps_map *m)
{
	m->mask = maps_pow2(m->spec.max_entries) - 1;
	m->n_stripes = m->mask < STRIPES - 1 ? m->mask + 1 : STRIPES;
	m->n_locks = m->n_stripes;
	m->stride = (u32)sizeof(struct trace) + m->value_pad;
	maps_part(m, TRACE_PLACES, (u64)m->mask + 1, m->stride);
}

static struct trace *place_at(const struct maps_map *m, u32 id)
{
	return (struct trace *)(void *)(m->at[TRACE_PLACES] + (u64)id * m->stride);
}

static struct maps_lock *stripe_of(const struct maps_map *m, u32 id)
{
	return &m->locks[id & (m->n_stripes - 1)];
}

s64 maps_stack_store(struct maps_map *m, const u64 *ips, u32 n, u64 flags)
{
	struct trace *p;
	u32 hash, id;
	s64 result;

	if (m->spec.type != ISA_MAP_STACK_TRACE || flags & ~(u64)KNOWN)
		return -EINVAL;
	if (!n)
		return -EFAULT;
	if (n > m->spec.value_size / 8)
		n = m->spec.value_size / 8;
	hash = (u32)maps_hash(m->seed, ips, n * 8);
	id = hash & m->mask;
	p = place_at(m, id);
	result = id;
	maps_lock(m, stripe_of(m, id));
	if (p->n && p->hash == hash &&
	    (flags & FAST_CMP || (p->n == n && !memcmp(p->ips, ips, (size_t)n * 8)))) {
		result = id;
	} else if (p->n && !(flags & REUSE_ID)) {
		result = -EEXIST;
	} else {
		memcpy(p->ips, ips, (size_t)n * 8);
		p->hash = hash;
		maps_store(&p->n, n);
	}
	maps_unlock(m, stripe_of(m, id));
	return result;
}

static int trace_get(struct maps_map *m, const void *key, void *out)
{
	struct trace *p;
	u32 id, n;

	memcpy(&id, key, 4);
	if (id > m->mask)
		return -ENOENT;
	p = place_at(m, id);
	maps_lock(m, stripe_of(m, id));
	n = p->n;
	if (n && n <= m->spec.value_size / 8) {
		memcpy(out, p->ips, (size_t)n * 8);
		memset((u8 *)out + (size_t)n * 8, 0, m->spec.value_size - n * 8);
	}
	maps_unlock(m, stripe_of(m, id));
	return n ? 0 : -ENOENT;
}

static int trace_remove(struct maps_map *m, const void *key)
{
	u32 id, had;

	memcpy(&id, key, 4);
	if (id > m->mask)
		return -E2BIG;
	maps_lock(m, stripe_of(m, id));
	had = place_at(m, id)->n;
	maps_store(&place_at(m, id)->n, 0);
	maps_unlock(m, stripe_of(m, id));
	return had ? 0 : -ENOENT;
}

static int trace_next(struct maps_map *m, const void *key, void *out)
{
	u64 id = 0;
	u32 from;

	if (key) {
		memcpy(&from, key, 4);
		id = from > m->mask ? 0 : (u64)from + 1;
	}
	for (; id <= m->mask; id++) {
		from = (u32)id;
		if (!maps_load(&place_at(m, from)->n))
			continue;
		memcpy(out, &from, 4);
		return 0;
	}
	return -ENOENT;
}

const struct maps_ops maps_stack_trace_ops = { .check = trace_check,
					       .layout = trace_layout,
					       .remove = trace_remove,
					       .sys_lookup = trace_get,
					       .sys_next = trace_next };
