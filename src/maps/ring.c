/* The ring buffer: records from many producers, in order, to one consumer.
 *
 * A record is a header of 8 bytes (length with two flags, place) and its data, rounded up to 8.
 * Reserve, under a short lock, writes a busy header and moves the producer position; submit and
 * discard clear the busy flag in one exchange; the consumer stops at the first busy record. The
 * data is mapped twice in a row (region.c), so no record is cut. The rules for room are the
 * kernel's: the positions of the next record, the oldest unread and the oldest busy one are never a
 * whole ring apart.
 *
 * Waking costs a system call, so it is done only for the record that the consumer waits for (its
 * position has caught up), unless flags say otherwise. The exchange of the header and the store of
 * the consumer's position are both in the total order, so one of the two sees the other.
 *
 * Not shared between processes: a producer that dies between reserve and submit would stop the
 * ring.
 */
#include "maps/ring.h"

#include <sys/eventfd.h>
#include <unistd.h>

#define BUSY	   0x80000000u
#define DISCARDED  0x40000000u
#define RECORD_MAX (UINT32_MAX / 4)

enum { NO_WAKEUP = 1, FORCE_WAKEUP = 2 };
enum { AVAIL_DATA, RING_SIZE, CONS_POS, PROD_POS };

struct header {
	u32 len, place;
}; /* place: distance from the data's start / 8 */

struct ring *maps_rings_at(struct maps_map *m, u32 i)
{
	return maps_region_ring(m, i);
}

static u8 *data_of(struct ring *r)
{
	return (u8 *)r + RING_PAGE;
}

static struct header *header_at(struct ring *r, u64 pos)
{
	return (struct header *)(void *)(data_of(r) + (pos & (r->bytes - 1)));
}

static u64 span_of(u32 len)
{
	return round_up((u64)(len & ~(BUSY | DISCARDED)) + sizeof(struct header), 8);
}

/* ---- making --------------------------------------------------------------------------------- */

static int ring_check(const struct maps_spec *s, const char **out_why)
{
	*out_why = "a ring buffer has no keys and values, and its size in bytes is a power of two "
		   "of at least 4096";
	if (s->flags & ~MAPS_F_NUMA_NODE || s->key_size || s->value_size || !s->max_entries ||
	    s->max_entries & (s->max_entries - 1) || s->max_entries % RING_PAGE)
		return -EINVAL;
	return 0;
}

static void ring_layout(struct maps_map *m)
{
	m->n_rings = 1;
	m->ring_bytes = m->spec.max_entries;
	m->n_locks = 1;
}

int maps_rings_init_all(struct maps_map *m)
{
	m->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (m->wake_fd < 0)
		return -errno;
	for (u32 i = 0; i < m->n_rings; i++) {
		maps_rings_at(m, i)->bytes = m->ring_bytes;
		maps_rings_at(m, i)->wake_fd = m->wake_fd;
	}
	return 0;
}

void maps_rings_close_all(struct maps_map *m)
{
	if (m->wake_fd >= 0)
		close(m->wake_fd);
}

/* ---- producing ------------------------------------------------------------------------------ */

/* With the lock held: is there room up to `end`? */
static bool has_room(struct ring *r, u64 end)
{
	u64 pending = r->pending, mask = r->bytes - 1;

	while (pending < r->producer) {
		u32 len = maps_load(&header_at(r, pending)->len);

		if (len & BUSY)
			break;
		pending += span_of(len);
	}
	r->pending = pending;
	return end - maps_load64(&r->consumer) <= mask && end - pending <= mask;
}

void *maps_rings_reserve(struct maps_map *m, u32 i, u64 size)
{
	struct ring *r = maps_rings_at(m, i);
	struct header *h = NULL;
	u64 at, span;

	if (size > RECORD_MAX || size + sizeof(*h) > r->bytes)
		return NULL;
	span = span_of((u32)size);
	maps_lock(m, &m->locks[i]);
	at = r->producer;
	if (has_room(r, at + span)) {
		h = header_at(r, at);
		h->place = (u32)((at & (r->bytes - 1)) / 8);
		maps_store(&h->len, (u32)size | BUSY);
		maps_store64(&r->producer, at + span);
	} else {
		__atomic_fetch_add(&r->lost, 1, __ATOMIC_RELAXED);
	}
	maps_unlock(m, &m->locks[i]);
	return h ? h + 1 : NULL;
}

static void finish(void *record, u64 flags, u32 mark)
{
	struct header *h = (struct header *)record - 1;
	u64 place = (u64)h->place * 8, one = 1;
	struct ring *r = (struct ring *)(void *)((u8 *)h - place - RING_PAGE);
	bool waited;

	/* Whoever asks for no wakeup need not see where the consumer is. */
	if (flags & NO_WAKEUP && !(flags & FORCE_WAKEUP)) {
		maps_store(&h->len, (h->len & ~BUSY) | mark);
		return;
	}
	__atomic_exchange_n(&h->len, (h->len & ~BUSY) | mark, __ATOMIC_SEQ_CST);
	waited = (__atomic_load_n(&r->consumer, __ATOMIC_SEQ_CST) & (r->bytes - 1)) == place;
	if (flags & FORCE_WAKEUP || waited)
		(void)!write(r->wake_fd, &one, sizeof(one));
}

void *maps_ring_reserve(struct maps_map *m, u64 size, u64 flags)
{
	if (m->spec.type != ISA_MAP_RINGBUF || flags)
		return NULL;
	return maps_rings_reserve(m, 0, size);
}

void maps_ring_submit(void *record, u64 flags)
{
	finish(record, flags, 0);
}

void maps_ring_discard(void *record, u64 flags)
{
	finish(record, flags, DISCARDED);
}

int maps_ring_output(struct maps_map *m, const void *data, u64 size, u64 flags)
{
	void *to;

	if (m->spec.type != ISA_MAP_RINGBUF || flags & ~(u64)(NO_WAKEUP | FORCE_WAKEUP))
		return -EINVAL;
	to = maps_rings_reserve(m, 0, size);
	if (!to)
		return -EAGAIN;
	if (size)
		memcpy(to, data, size);
	finish(to, flags, 0);
	return 0;
}

u64 maps_ring_query(struct maps_map *m, u64 flags)
{
	struct ring *r;

	if (m->spec.type != ISA_MAP_RINGBUF)
		return 0;
	r = maps_rings_at(m, 0);
	switch (flags) {
	case AVAIL_DATA: return maps_load64(&r->producer) - maps_load64(&r->consumer);
	case RING_SIZE: return r->bytes;
	case CONS_POS: return maps_load64(&r->consumer);
	case PROD_POS: return maps_load64(&r->producer);
	default: return 0;
	}
}

/* ---- consuming ------------------------------------------------------------------------------ */

static int drain(struct ring *r, maps_record_fn fn, void *arg)
{
	u64 at = r->consumer;
	int n = 0, err = 0;

	while (!err && n < INT32_MAX && at < maps_load64(&r->producer)) {
		struct header *h = header_at(r, at);
		u32 len = __atomic_load_n(&h->len, __ATOMIC_SEQ_CST);

		if (len & BUSY)
			break;
		if (!(len & DISCARDED)) {
			err = fn(arg, h + 1, len);
			err = err < 0 ? err : 0;
			n++;
		}
		at += span_of(len);
		__atomic_store_n(&r->consumer, at, __ATOMIC_SEQ_CST);
	}
	return err ? err : n;
}

int maps_rings_consume(struct ring *r, maps_record_fn fn, void *arg)
{
	int n;

	if (__atomic_exchange_n(&r->reading, 1, __ATOMIC_ACQUIRE))
		return -EBUSY;
	n = drain(r, fn, arg);
	__atomic_store_n(&r->reading, 0, __ATOMIC_RELEASE);
	return n;
}

int maps_consume(struct maps_map *m, maps_record_fn fn, void *arg)
{
	int sum = 0, n;
	u64 count;

	if (!m->n_rings || m->spec.type == ISA_MAP_USER_RINGBUF)
		return -EINVAL;
	(void)!read(m->wake_fd, &count, sizeof(count));
	for (u32 i = 0; i < m->n_rings; i++) {
		n = maps_rings_consume(maps_rings_at(m, i), fn, arg);
		if (n < 0)
			return n;
		sum += n;
	}
	return sum;
}

int maps_wait_fd(struct maps_map *m)
{
	return m->n_rings ? m->wake_fd : -EINVAL;
}

u64 maps_lost(struct maps_map *m)
{
	u64 sum = 0;

	if (m->spec.type == ISA_MAP_USER_RINGBUF)
		return 0;
	for (u32 i = 0; i < m->n_rings; i++)
		sum += maps_load64(&maps_rings_at(m, i)->lost);
	return sum;
}

/* ---- the other way round: user space produces, programs consume --------------------------------- */

void *maps_user_reserve(struct maps_map *m, u64 size)
{
	void *record;
	u64 count;

	if (m->spec.type != ISA_MAP_USER_RINGBUF)
		return NULL;
	record = maps_rings_reserve(m, 0, size);
	if (record)
		return record;
	/* Room that comes from here on wakes whoever waits. */
	(void)!read(m->wake_fd, &count, sizeof(count));
	return maps_rings_reserve(m, 0, size);
}

void maps_user_submit(void *record)
{
	finish(record, NO_WAKEUP, 0);
}

void maps_user_discard(void *record)
{
	finish(record, NO_WAKEUP, DISCARDED);
}

/* The record at the consumer's position: 1 and its place, 0 if there is none, or what is wrong. */
static int peek(struct ring *r, struct header **out, u32 *out_len)
{
	u64 at = r->consumer, end = maps_load64(&r->producer);
	struct header *h = header_at(r, at);
	u32 len;

	if (end % 8)
		return -EINVAL;
	if (at >= end)
		return 0;
	len = maps_load(&h->len);
	if (span_of(len) > end - at)
		return -EINVAL;
	if (span_of(len) > r->bytes || (len & ~(BUSY | DISCARDED)) >= 1u << 24)
		return -E2BIG;
	*out = h;
	*out_len = len;
	return len & BUSY ? 0 : 1;
}

static s64 drain_user(struct ring *r, maps_record_fn fn, void *arg)
{
	enum { MOST = 128 * 1024 };
	struct header *h = NULL;
	bool more = true;
	u32 len = 0;
	s64 n = 0;

	for (u32 i = 0; i < MOST && more; i++) {
		int has = peek(r, &h, &len);

		if (has <= 0)
			return has ? has : n;
		if (!(len & DISCARDED)) {
			more = fn(arg, h + 1, len) == 0;
			n++;
		}
		maps_store64(&r->consumer, r->consumer + span_of(len));
	}
	return n;
}

s64 maps_user_drain(struct maps_map *m, maps_record_fn fn, void *arg, u64 flags)
{
	struct ring *r;
	u64 one = 1;
	s64 n;

	if (m->spec.type != ISA_MAP_USER_RINGBUF || flags & ~(u64)(NO_WAKEUP | FORCE_WAKEUP))
		return -EINVAL;
	r = maps_rings_at(m, 0);
	if (__atomic_exchange_n(&r->reading, 1, __ATOMIC_ACQUIRE))
		return -EBUSY;
	n = drain_user(r, fn, arg);
	__atomic_store_n(&r->reading, 0, __ATOMIC_RELEASE);
	if (flags & FORCE_WAKEUP || (n > 0 && !(flags & NO_WAKEUP)))
		(void)!write(r->wake_fd, &one, sizeof(one));
	return n;
}

const struct maps_ops maps_user_ring_ops = { .check = ring_check,
					     .layout = ring_layout,
					     .init = maps_rings_init_all,
					     .close = maps_rings_close_all,
					     .local_only = true };
const struct maps_ops maps_ring_ops = { .check = ring_check,
					.layout = ring_layout,
					.init = maps_rings_init_all,
					.close = maps_rings_close_all,
					.local_only = true };
