/* Queue and stack: values without keys, in a ring of one place more than there are entries.
 *
 * One lock. A value is written before the position that publishes it, so a writer that is killed
 * loses at most its own value.
 */
#include "maps/room.h"

enum { QUEUE_STATE, QUEUE_VALUES };
struct state {
	u32 head, tail;
}; /* next to write, oldest */

static struct state *state_of(const struct maps_map *m)
{
	return (struct state *)(void *)m->at[QUEUE_STATE];
}

static void *value_of(const struct maps_map *m, u32 i)
{
	return m->at[QUEUE_VALUES] + (u64)i * m->value_pad;
}

static u32 places(const struct maps_map *m)
{
	return m->spec.max_entries + 1;
}

static u32 after(const struct maps_map *m, u32 i)
{
	return i == m->spec.max_entries ? 0 : i + 1;
}

static int queue_check(const struct maps_spec *s, const char **out_why)
{
	if (s->key_size)
		*out_why = "it has no keys: the key size must be 0";
	if (!s->max_entries || s->key_size || !s->value_size ||
	    s->flags & ~(MAPS_F_NUMA_NODE | MAPS_F_ACCESS))
		return -EINVAL;
	*out_why = "its values are too large, or too many";
	return s->value_size > MAPS_PIECE_MAX || s->max_entries == UINT32_MAX ? -E2BIG : 0;
}

static void queue_layout(struct maps_map *m)
{
	m->n_locks = 1;
	maps_part(m, QUEUE_STATE, 1, sizeof(struct state));
	maps_part(m, QUEUE_VALUES, (u64)m->spec.max_entries + 1, m->value_pad);
}

/* Positions that another process spoilt are brought back into the ring. */
static void hold(struct maps_map *m)
{
	struct state *q = state_of(m);

	maps_lock(m, &m->locks[0]);
	if (q->head >= places(m) || q->tail >= places(m))
		q->head = q->tail = 0;
}

static int queue_push(struct maps_map *m, const void *value, u64 flags)
{
	struct state *q = state_of(m);
	int err = 0;

	if (flags & MAPS_NOEXIST || flags > MAPS_EXIST)
		return -EINVAL;
	hold(m);
	if (after(m, q->head) == q->tail) {
		if (flags == MAPS_EXIST)
			maps_store(&q->tail, after(m, q->tail));
		else
			err = -E2BIG;
	}
	if (!err) {
		maps_copy_in(value_of(m, q->head), value, m->spec.value_size);
		maps_store(&q->head, after(m, q->head));
	}
	maps_unlock(m, &m->locks[0]);
	return err;
}

static int get(struct maps_map *m, void *out, bool drop)
{
	bool is_stack = m->spec.type == ISA_MAP_STACK;
	struct state *q = state_of(m);
	u32 i;

	hold(m);
	if (q->head == q->tail) {
		maps_unlock(m, &m->locks[0]);
		memset(out, 0, m->spec.value_size);
		return -ENOENT;
	}
	i = !is_stack ? q->tail : q->head ? q->head - 1 : m->spec.max_entries;
	maps_copy_out(out, value_of(m, i), m->spec.value_size);
	if (drop)
		maps_store(is_stack ? &q->head : &q->tail, is_stack ? i : after(m, i));
	maps_unlock(m, &m->locks[0]);
	return 0;
}

static int queue_pop(struct maps_map *m, void *out)
{
	return get(m, out, true);
}

static int queue_peek(struct maps_map *m, void *out)
{
	return get(m, out, false);
}

#define QUEUE_OPS                                                                                  \
	.check = queue_check, .layout = queue_layout, .push = queue_push, .pop = queue_pop,        \
	.peek = queue_peek

const struct maps_ops maps_queue_ops = { QUEUE_OPS };
const struct maps_ops maps_stack_ops = { QUEUE_OPS };
