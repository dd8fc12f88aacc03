/* Threads on one map: readers never see a torn value or miss a key that is always there, and when
 * all is over the books balance. `make check` also runs it under ThreadSanitizer (CONFIG=tsan). */
#include "maps/maps.h"

#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#if defined(__SANITIZE_THREAD__)
#define THREADS 4
#define STEPS	4000
#else
#define THREADS 8
#define STEPS	20000
#endif

struct job {
	struct maps_map *m;
	u32 id, bad;
	u64 n, sum;
};

static u64 rnd(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

static struct maps_map *make(u32 type, u32 key, u32 value, u32 max, u32 flags, const char *shared)
{
	struct maps_spec s = { .type = type,
			       .key_size = key,
			       .value_size = value,
			       .max_entries = max,
			       .flags = flags,
			       .n_slots = THREADS,
			       .shared = shared };
	struct maps_map *m;

	assert_int_equal(maps_create(&s, &m, NULL), 0);
	return m;
}

static void run(struct maps_map *m, void *(*fn)(void *), struct job jobs[THREADS])
{
	pthread_t t[THREADS];

	for (u32 i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ .m = m, .id = i };
		assert_int_equal(pthread_create(&t[i], NULL, fn, &jobs[i]), 0);
	}
	for (u32 i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	for (u32 i = 0; i < THREADS; i++)
		assert_int_equal(jobs[i].bad, 0);
}

/* ---- tables --------------------------------------------------------------------------------- */

/* The key of number k: the last word says what the first words are, so a torn key shows. */
static void key_of(struct maps_map *m, u32 k, u8 *key)
{
	u32 size = maps_spec(m)->key_size;

	memset(key, 0, size);
	if (maps_spec(m)->type == ISA_MAP_LPM_TRIE) {
		u32 len = 32;

		memcpy(key, &len, 4);
		key[4] = (u8)(k >> 3);
		key[5] = (u8)(k << 5);
		key[7] = (u8)k;
		return;
	}
	memcpy(key, &k, 4);
	if (size > 8)
		memcpy(key + size - 4, &k, 4);
}

#define PERMANENT 32

/* Keys below PERMANENT are always there, and only replaced; the others come and go. A value holds
 * its key's number in the upper half of each word and the same word everywhere. */
static void *table_job(void *arg)
{
	struct job *j = arg;
	u64 x = 0x9e3779b97f4a7c15ull * (j->id + 1), v[4], out[4];
	bool writes = j->id % 2;
	u8 key[64], next[64];

	for (u32 i = 0; i < STEPS; i++) {
		u64 r = rnd(&x);
		u32 k = (u32)(r >> 32) % 96;
		int err;

		key_of(j->m, k, key);
		v[0] = v[1] = v[2] = v[3] = (u64)k << 32 | (u32)r;
		if (writes && (k < PERMANENT || r % 2)) {
			err = maps_update(j->m, NULL, key, v, k < PERMANENT ? BPF_EXIST : 0);
			j->bad += err != 0;
		} else if (writes) {
			err = maps_delete(j->m, key);
			j->bad += err && err != -ENOENT;
		} else if (r % 64 == 0) {
			err = maps_sys_next(j->m, key, next);
			j->bad += err && err != -ENOENT;
		} else {
			err = maps_sys_lookup(j->m, key, out, 0);
			j->bad += err && (err != -ENOENT || k < PERMANENT);
			if (!err)
				j->bad += out[0] >> 32 != k || out[0] != out[1] ||
					  out[1] != out[2] || out[2] != out[3];
			j->bad += k < PERMANENT && !maps_lookup(j->m, NULL, key);
		}
	}
	return NULL;
}

static void test_tables(void **state)
{
	static const struct {
		const char *name;
		u32 type, key, max, flags;
	} cases[] = {
		{ "hash", ISA_MAP_HASH, 4, 96, 0 },
		{ "hash, long keys", ISA_MAP_HASH, 40, 96, 0 },
		{ "hash, few buckets", ISA_MAP_HASH, 20, 96, 0 },
		{ "lru, with room", ISA_MAP_LRU_HASH, 12, 4096, 0 },
		{ "lpm", ISA_MAP_LPM_TRIE, 8, 96, BPF_F_NO_PREALLOC },
	};

	(void)state;
	for (u32 c = 0; c < ARRAY_LEN(cases) * 2; c++) {
		struct job jobs[THREADS];
		char name[64];
		struct maps_map *m;
		u64 v[4];
		u32 n = 0, i = c / 2;
		u8 key[64], next[64];

		snprintf(name, sizeof(name), "skep-threads-%d", (int)getpid());
		m = make(cases[i].type, cases[i].key, 32, cases[i].max, cases[i].flags,
			 c % 2 ? name : NULL);
		for (u32 k = 0; k < PERMANENT; k++) {
			key_of(m, k, key);
			v[0] = v[1] = v[2] = v[3] = (u64)k << 32;
			assert_int_equal(maps_update(m, NULL, key, v, BPF_NOEXIST), 0);
		}
		run(m, table_job, jobs);
		/* As many as may be: no element was lost on the way. */
		while (!maps_sys_next(m, NULL, next))
			assert_int_equal(maps_delete(m, next), 0);
		for (u32 k = 0; k < 96; k++, n++) {
			key_of(m, k, key);
			assert_int_equal(maps_update(m, NULL, key, v, BPF_NOEXIST), 0);
		}
		key_of(m, 96, key);
		if (cases[i].max == 96)
			assert_true(maps_update(m, NULL, key, v, 0) < 0);
		maps_put(m);
		if (c % 2) {
			char path[96];

			snprintf(path, sizeof(path), "/dev/shm/%s", name);
			unlink(path);
		}
	}
}

/* A full LRU map under all threads: updates never fail, and the map never holds too much. */
static void *lru_job(void *arg)
{
	struct job *j = arg;
	u64 x = 0x9e3779b97f4a7c15ull * (j->id + 1), v[2], out[2];

	for (u32 i = 0; i < STEPS; i++) {
		u32 k = (u32)rnd(&x) % 4096;

		v[0] = v[1] = k;
		j->bad += maps_update(j->m, NULL, &k, v, 0) != 0;
		if (!maps_sys_lookup(j->m, &k, out, 0))
			j->bad += out[0] != k || out[1] != k;
		(void)maps_lookup(j->m, NULL, &k);
	}
	return NULL;
}

static void test_lru(void **state)
{
	struct maps_map *m = make(ISA_MAP_LRU_HASH, 4, 16, 1024, 0, NULL);
	struct job jobs[THREADS];
	u32 n = 0, key;

	(void)state;
	run(m, lru_job, jobs);
	while (!maps_sys_next(m, NULL, &key) && !maps_delete(m, &key))
		n++;
	assert_in_range(n, 1000, 1024);
	maps_put(m);
}

/* Each thread counts in its own slot: nothing is lost. */
static void *count_job(void *arg)
{
	struct job *j = arg;
	struct maps_thread t = { j->id };
	u64 one = 1, *p;

	for (u32 i = 0; i < STEPS; i++) {
		u32 k = i % 7;

		p = maps_lookup(j->m, &t, &k);
		if (p)
			(*p)++;
		else if (maps_update(j->m, &t, &k, &one, BPF_NOEXIST))
			i--;
	}
	return NULL;
}

static void test_slots(void **state)
{
	struct maps_map *m = make(ISA_MAP_PERCPU_ARRAY, 4, 8, 7, 0, NULL);
	struct job jobs[THREADS];
	u64 sum = 0, v[THREADS];

	(void)state;
	run(m, count_job, jobs);
	for (u32 k = 0; k < 7; k++) {
		assert_int_equal(maps_sys_lookup(m, &k, v, 0), 0);
		for (u32 i = 0; i < THREADS; i++)
			sum += v[i];
	}
	assert_int_equal(sum, (u64)THREADS * STEPS);
	maps_put(m);
}

/* ---- queue, stack, bloom, ring --------------------------------------------------------------- */

static void *queue_job(void *arg)
{
	struct job *j = arg;
	u64 v;

	for (u32 i = 0; i < STEPS; i++) {
		v = (u64)j->id * STEPS + i + 1;
		if (!maps_push(j->m, &v, 0)) {
			j->n++;
			j->sum += v;
		}
		if (!maps_pop(j->m, &v)) {
			j->n--;
			j->sum -= v;
		}
	}
	return NULL;
}

static void test_queue(void **state)
{
	static const u32 types[] = { ISA_MAP_QUEUE, ISA_MAP_STACK };

	(void)state;
	for (u32 t = 0; t < 2; t++) {
		struct maps_map *m = make(types[t], 0, 8, 100, 0, NULL);
		struct job jobs[THREADS];
		u64 n = 0, sum = 0, v;

		run(m, queue_job, jobs);
		for (u32 i = 0; i < THREADS; i++) {
			n += jobs[i].n;
			sum += jobs[i].sum;
		}
		while (!maps_pop(m, &v)) {
			n--;
			sum -= v;
		}
		assert_int_equal(n, 0);
		assert_int_equal(sum, 0);
		maps_put(m);
	}
}

struct record {
	u32 id, len;
	u64 n, words[];
};

static void *ring_job(void *arg)
{
	struct job *j = arg;
	u64 x = j->id + 99;

	for (u32 i = 0; i < STEPS;) {
		u32 words = (u32)rnd(&x) % 30;
		struct record *r = maps_ring_reserve(j->m, sizeof(*r) + words * 8, 0);

		if (!r) {
			usleep(50);
			continue;
		}
		*r = (struct record){ j->id, words, i++ };
		for (u32 k = 0; k < words; k++)
			r->words[k] = r->n;
		if (words == 29)
			maps_ring_discard(r, 0);
		else
			maps_ring_submit(r, 0);
		j->n += words != 29;
	}
	return NULL;
}

struct reader {
	u64 n[THREADS], next[THREADS];
	u32 bad;
};

static int read_record(void *arg, const void *data, u32 size)
{
	const struct record *r = data;
	struct reader *s = arg;

	if (r->id >= THREADS || size != sizeof(*r) + r->len * 8 || r->n < s->next[r->id]) {
		s->bad++;
		return 0;
	}
	s->next[r->id] = r->n + 1;
	s->n[r->id]++;
	for (u32 k = 0; k < r->len; k++)
		s->bad += r->words[k] != r->n;
	return 0;
}

/* Producers are all threads, woken by the eventfd alone; in each one's order, none lost, none cut.
 */
static void test_ring(void **state)
{
	struct maps_map *m = make(ISA_MAP_RINGBUF, 0, 0, 8192, 0, NULL);
	struct job jobs[THREADS];
	struct reader s = { 0 };
	struct pollfd p = { .fd = maps_wait_fd(m), .events = POLLIN };
	pthread_t t[THREADS];
	u64 all = 0;

	(void)state;
	for (u32 i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ .m = m, .id = i };
		assert_int_equal(pthread_create(&t[i], NULL, ring_job, &jobs[i]), 0);
	}
	/* Discarded records wake nobody the less; the end is when nothing comes for a second. */
	while (poll(&p, 1, 1000) == 1)
		assert_true(maps_consume(m, read_record, &s) >= 0);
	for (u32 i = 0; i < THREADS; i++)
		assert_int_equal(pthread_join(t[i], NULL), 0);
	assert_int_equal(s.bad, 0);
	for (u32 i = 0; i < THREADS; i++, all++)
		assert_int_equal(s.n[i], jobs[i].n);
	maps_put(m);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tables), cmocka_unit_test(test_lru),
		cmocka_unit_test(test_slots),  cmocka_unit_test(test_queue),
		cmocka_unit_test(test_ring),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
