/* Unit tests of maps: each kind through the calls of programs, rings, limits, sharing between
 * processes. What can be compared with the kernel is in maps_kernel_test.c, threads are in
 * maps_threads_test.c. */
#include "maps/maps.h"

#include <errno.h>
#include <linux/bpf.h>
#include <poll.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

static struct maps_map *make(u32 type, u32 key, u32 value, u32 max, u32 flags)
{
	struct maps_spec s = { .name = STR("m"),
			       .type = type,
			       .key_size = key,
			       .value_size = value,
			       .max_entries = max,
			       .flags = flags,
			       .n_slots = 2 };
	struct maps_map *m;
	struct err e;
	int err = maps_create(&s, &m, &e);

	if (err)
		fail_msg("type %u: %d: %s", type, err, e.msg);
	return m;
}

/* ---- creation ------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
	static const struct {
		const char *name;
		struct maps_spec s;
		int err;
		const char *text;
	} cases[] = {
		{ "unknown type", { .type = 99 }, -EINVAL, "no map type 99" },
		{ "sockets",
		  { .type = ISA_MAP_SOCKMAP, .key_size = 4, .value_size = 4, .max_entries = 1 },
		  -SKEP_EUNSUPPORTED,
		  "not available" },
		{ "lpm without flag",
		  { .type = ISA_MAP_LPM_TRIE, .key_size = 8, .value_size = 4, .max_entries = 1 },
		  -EINVAL,
		  "BPF_F_NO_PREALLOC" },
		{ "no template",
		  { .type = ISA_MAP_ARRAY_OF_MAPS,
		    .key_size = 4,
		    .value_size = 4,
		    .max_entries = 1 },
		  -EBADF,
		  "template" },
		{ "shared ring",
		  { .type = ISA_MAP_RINGBUF, .max_entries = 4096, .shared = "x" },
		  -SKEP_EUNSUPPORTED,
		  "cannot be shared" },
		{ "path as name",
		  { .type = ISA_MAP_ARRAY,
		    .key_size = 4,
		    .value_size = 4,
		    .max_entries = 1,
		    .shared = "a/b" },
		  -EINVAL,
		  "without a slash" },
		{ "parent as name",
		  { .type = ISA_MAP_ARRAY,
		    .key_size = 4,
		    .value_size = 4,
		    .max_entries = 1,
		    .shared = ".." },
		  -EINVAL,
		  "no name" },
		{ "too much memory",
		  { .type = ISA_MAP_ARRAY,
		    .key_size = 4,
		    .value_size = 0x7ffffff0,
		    .max_entries = 0xfffffff0 },
		  -E2BIG,
		  "cannot be made" },
		{ "more than there is",
		  { .type = ISA_MAP_HASH,
		    .key_size = 4,
		    .value_size = 1 << 20,
		    .max_entries = 1 << 20 },
		  -ENOMEM,
		  "cannot be made" },
	};
	struct maps_map *m;
	struct err e;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		int err = maps_create(&cases[i].s, &m, &e);

		if (err != cases[i].err || m || !strstr(e.msg, cases[i].text) || e.code != err)
			fail_msg("%s: %d '%s'", cases[i].name, err, e.msg);
	}
}

/* ---- kinds ---------------------------------------------------------------------------------- */

static void test_slots(void **state)
{
	static const u32 types[] = { ISA_MAP_PERCPU_HASH, ISA_MAP_PERCPU_ARRAY,
				     ISA_MAP_LRU_PERCPU_HASH };
	struct maps_thread t[2] = { { 0 }, { 1 } };
	u32 key = 3;
	u64 v, both[2];

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(types); i++) {
		struct maps_map *m = make(types[i], 4, 8, 10, 0);

		v = 11;
		assert_int_equal(maps_update(m, &t[0], &key, &v, 0), 0);
		assert_int_equal(*(u64 *)maps_lookup(m, &t[1], &key), 0);
		*(u64 *)maps_lookup(m, &t[1], &key) = 22;
		assert_int_equal(maps_sys_lookup(m, &key, both, 0), 0);
		assert_int_equal(both[0], 11);
		assert_int_equal(both[1], 22);
		both[0] = 5;
		assert_int_equal(maps_sys_update(m, &key, both, BPF_EXIST), 0);
		assert_int_equal(*(u64 *)maps_lookup(m, &t[0], &key), 5);
		/* What an element held before shows in no slot of a new one. */
		if (types[i] == ISA_MAP_PERCPU_HASH) {
			assert_int_equal(maps_delete(m, &key), 0);
			assert_int_equal(maps_update(m, &t[0], &key, &v, BPF_NOEXIST), 0);
			assert_int_equal(*(u64 *)maps_lookup(m, &t[1], &key), 0);
		}
		maps_put(m);
	}
}

/* A full LRU map takes everything, holds exactly as many as it may, and spares what is in use. */
static void test_lru(void **state)
{
	struct maps_map *m = make(ISA_MAP_LRU_HASH, 4, 8, 100, 0);
	u32 hot = 0xffff, key, next, n = 0;
	u64 v = 1;

	(void)state;
	assert_int_equal(maps_update(m, NULL, &hot, &v, 0), 0);
	for (key = 0; key < 5000; key++) {
		assert_int_equal(maps_update(m, NULL, &key, &v, BPF_NOEXIST), 0);
		assert_non_null(maps_lookup(m, NULL, &hot));
	}
	for (int err = maps_sys_next(m, NULL, &key); !err;
	     err = maps_sys_next(m, &key, &next), key = next)
		n++;
	assert_int_equal(n, 100);
	maps_put(m);
}

static s64 count_and_delete(void *arg, const void *key, void *value)
{
	struct maps_map *m = arg;
	u32 k = *(const u32 *)key;

	assert_int_equal(*(u64 *)value, k);
	assert_int_equal(maps_delete(m, &k), 0);
	return 0;
}

static s64 stop_at_third(void *arg, const void *key, void *value)
{
	(void)key;
	(void)value;
	return ++*(u32 *)arg == 3;
}

static void test_each(void **state)
{
	struct maps_map *m = make(ISA_MAP_HASH, 4, 8, 1000, 0);
	u32 key, n = 0;
	u64 v;

	(void)state;
	for (key = 0; key < 1000; key++) {
		v = key;
		assert_int_equal(maps_update(m, NULL, &key, &v, 0), 0);
	}
	assert_int_equal(maps_each(m, NULL, stop_at_third, &n), 3);
	assert_int_equal(maps_each(m, NULL, count_and_delete, m), 1000);
	assert_int_equal(maps_sys_next(m, NULL, &key), -ENOENT);
	maps_put(m);
	m = make(ISA_MAP_PERCPU_ARRAY, 4, 8, 7, 0);
	n = 10;
	assert_int_equal(maps_each(m, NULL, stop_at_third, &n), 7);
	maps_put(m);
	m = make(ISA_MAP_QUEUE, 0, 8, 7, 0);
	assert_int_equal(maps_each(m, NULL, stop_at_third, &n), -EINVAL);
	maps_put(m);
}

static void test_array_base(void **state)
{
	struct maps_map *m = make(ISA_MAP_ARRAY, 4, 12, 10, 0);
	u32 stride, key = 3;
	u8 *base = maps_array_base(m, &stride);

	(void)state;
	assert_int_equal(stride, 16);
	assert_ptr_equal(base + 48, maps_lookup(m, NULL, &key));
	key = 10;
	assert_null(maps_lookup(m, NULL, &key));
	maps_put(m);
	m = make(ISA_MAP_HASH, 4, 8, 10, 0);
	assert_null(maps_array_base(m, &stride));
	maps_put(m);
}

static void test_of_maps(void **state)
{
	static const u32 outer[] = { ISA_MAP_ARRAY_OF_MAPS, ISA_MAP_HASH_OF_MAPS };
	struct maps_map *in = make(ISA_MAP_HASH, 4, 8, 10, 0),
			*other = make(ISA_MAP_HASH, 4, 4, 10, 0);
	struct maps_map *same = make(ISA_MAP_HASH, 4, 8, 99, 0), *m;
	u32 key = 1, far = 50, fd;

	(void)state;
	for (u32 i = 0; i < 2; i++) {
		struct maps_spec s = { .type = outer[i],
				       .key_size = 4,
				       .value_size = 4,
				       .max_entries = 4,
				       .inner = in };
		bool is_array = i == 0;

		assert_int_equal(maps_create(&s, &m, NULL), 0);
		assert_null(maps_inner(m, &key));
		assert_int_equal(maps_sys_set_inner(m, &key, other, 0), -EINVAL);
		assert_int_equal(maps_sys_set_inner(m, &key, in, 0), 0);
		assert_int_equal(maps_sys_set_inner(m, &key, same, 0), 0);
		assert_ptr_equal(maps_inner(m, &key), same);
		assert_int_equal(maps_sys_set_inner(m, &key, in, BPF_NOEXIST),
				 is_array ? -EINVAL : -EEXIST);
		assert_int_equal(maps_sys_set_inner(m, &far, in, 0), is_array ? -E2BIG : 0);
		assert_int_equal(maps_sys_delete(m, &key), 0);
		assert_int_equal(maps_sys_delete(m, &key), -ENOENT);
		assert_null(maps_inner(m, &key));
		assert_null(maps_lookup(m, NULL, &key));
		assert_true(maps_sys_lookup(m, &key, &fd, 0) < 0);
		s.inner = m;
		struct maps_map *deep;
		assert_int_equal(maps_create(&s, &deep, NULL), -EINVAL);
		maps_put(m);
	}
	maps_put(in);
	maps_put(same);
	maps_put(other);
}

static void test_prog_array(void **state)
{
	struct maps_map *m = make(ISA_MAP_PROG_ARRAY, 4, 4, 3, 0);
	u32 key = 1;
	int prog;

	(void)state;
	assert_null(maps_prog(m, 1));
	assert_int_equal(maps_sys_set_prog(m, 1, &prog), 0);
	assert_ptr_equal(maps_prog(m, 1), &prog);
	assert_int_equal(maps_sys_set_prog(m, 3, &prog), -E2BIG);
	assert_null(maps_prog(m, 3));
	assert_int_equal(maps_sys_delete(m, &key), 0);
	assert_int_equal(maps_sys_delete(m, &key), -ENOENT);
	maps_put(m);
}

static void test_stack_trace(void **state)
{
	struct maps_map *m = make(ISA_MAP_STACK_TRACE, 4, 32, 64, 0);
	u64 a[3] = { 1, 2, 3 }, b[5] = { 9, 8, 7, 6, 5 }, out[4];
	s64 id = maps_stack_store(m, a, 3, 0);
	u32 key = (u32)id, next;

	(void)state;
	assert_in_range(id, 0, 63);
	assert_int_equal(maps_stack_store(m, a, 3, 0), id);
	assert_int_equal(maps_stack_store(m, a, 0, 0), -EFAULT);
	assert_int_equal(maps_stack_store(m, a, 3, 1 << 20), -EINVAL);
	assert_int_equal(maps_sys_lookup(m, &key, out, 0), 0);
	assert_int_equal(out[2], 3);
	assert_int_equal(out[3], 0);
	assert_int_equal(maps_sys_next(m, NULL, &next), 0);
	assert_int_equal(next, key);
	assert_int_equal(maps_sys_next(m, &key, &next), -ENOENT);
	/* Longer stacks are cut; sooner or later one meets another's place. */
	bool met = false;
	for (b[0] = 1; b[0] < 500; b[0]++) {
		s64 r = maps_stack_store(m, b, 5, 0);

		met |= r == -EEXIST;
		assert_true(r >= 0 || r == -EEXIST);
		assert_true(maps_stack_store(m, b, 5, BPF_F_REUSE_STACKID) >= 0);
	}
	assert_true(met);
	while (!maps_sys_next(m, NULL, &key))
		assert_int_equal(maps_sys_delete(m, &key), 0);
	assert_int_equal(maps_sys_delete(m, &key), -ENOENT);
	key = 64;
	assert_int_equal(maps_sys_delete(m, &key), -E2BIG);
	maps_put(m);
}

/* ---- rings ---------------------------------------------------------------------------------- */

struct seen {
	u32 n, bytes, stop_at;
	u8 last[64];
};

static int see(void *arg, const void *data, u32 size)
{
	struct seen *s = arg;

	s->n++;
	s->bytes += size;
	memcpy(s->last, data, size < 64 ? size : 64);
	return s->stop_at && s->n == s->stop_at ? -77 : 0;
}

static bool readable(struct maps_map *m)
{
	struct pollfd p = { .fd = maps_wait_fd(m), .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void test_ring(void **state)
{
	struct maps_map *m = make(ISA_MAP_RINGBUF, 0, 0, 4096, 0);
	struct seen s = { 0 };
	u64 *a, *b;

	(void)state;
	assert_null(maps_ring_reserve(m, 4096, 0));
	assert_null(maps_ring_reserve(m, 4089, 0));
	assert_null(maps_ring_reserve(m, 8, 1));
	assert_null(maps_ring_reserve(m, UINT64_MAX, 0));
	a = maps_ring_reserve(m, 8, 0);
	b = maps_ring_reserve(m, 16, 0);
	*a = 1;
	b[1] = 2;
	maps_ring_submit(b, 0);
	assert_false(readable(m));
	assert_int_equal(maps_consume(m, see, &s), 0);
	assert_int_equal(maps_ring_query(m, 0), 40);
	maps_ring_submit(a, 0);
	assert_true(readable(m));
	assert_int_equal(maps_consume(m, see, &s), 2);
	assert_int_equal(s.bytes, 24);
	assert_false(readable(m));
	maps_ring_discard(maps_ring_reserve(m, 8, 0), 1 /* no wake-up */);
	assert_false(readable(m));
	assert_int_equal(maps_consume(m, see, &s), 0);
	assert_int_equal(maps_ring_query(m, 1), 4096);
	assert_int_equal(maps_ring_query(m, 2), maps_ring_query(m, 3));
	assert_int_equal(maps_ring_output(m, "x", 1, 4), -EINVAL);
	assert_int_equal(maps_ring_output(m, "x", 1, 1), 0);
	assert_int_equal(maps_ring_output(m, "y", 1, 2 /* force */), 0);
	assert_true(readable(m));
	s = (struct seen){ .stop_at = 1 };
	assert_int_equal(maps_consume(m, see, &s), -77);
	assert_int_equal(maps_consume(m, see, &s), 1);
	assert_int_equal(s.last[0], 'y');
	maps_put(m);
}

/* Over the end many times: no record is cut, none is lost but those that were refused. */
static void test_ring_wrap(void **state)
{
	struct maps_map *m = make(ISA_MAP_RINGBUF, 0, 0, 4096, 0);
	u8 data[64];
	u32 sent = 0, refused = 0;
	struct seen s = { 0 };

	(void)state;
	for (u32 i = 0; i < 20000; i++) {
		u32 size = 1 + i % 64;

		memset(data, (int)(i & 255), sizeof(data));
		if (maps_ring_output(m, data, size, 0)) {
			refused++;
			assert_true(maps_consume(m, see, &s) > 0);
			assert_int_equal(s.last[0], (i - 1) & 255);
		} else {
			sent++;
		}
	}
	assert_true(refused > 100);
	maps_consume(m, see, &s);
	assert_int_equal(s.n, sent);
	assert_int_equal(maps_lost(m), refused);
	maps_put(m);
}

static void test_perf(void **state)
{
	struct maps_map *m = make(ISA_MAP_PERF_EVENT_ARRAY, 4, 4, 8, 0);
	struct maps_thread t = { 1 };
	static u8 big[60000];
	struct seen s = { 0 };
	u32 n = 0;

	(void)state;
	assert_int_equal(maps_perf_output(m, &t, BPF_F_CURRENT_CPU, "abc", 3), 0);
	assert_true(readable(m));
	assert_int_equal(maps_perf_output(m, &t, 0, "de", 2), 0);
	assert_int_equal(maps_perf_output(m, &t, 5, "de", 2), -ENOENT);
	assert_int_equal(maps_perf_output(m, &t, 8, "de", 2), -E2BIG);
	assert_int_equal(maps_perf_output(m, &t, 1ull << 40, "de", 2), -EINVAL);
	assert_int_equal(maps_consume(m, see, &s), 2);
	while (!maps_perf_output(m, &t, BPF_F_CURRENT_CPU, big, sizeof(big)))
		n++;
	assert_in_range(n, 2, 5);
	assert_int_equal(maps_perf_output(m, &t, 1, big, sizeof(big)), -ENOSPC);
	assert_int_equal(maps_lost(m), 2);
	assert_int_equal(maps_consume(m, see, &s), (int)n);
	maps_put(m);
}

/* ---- sharing -------------------------------------------------------------------------------- */

static struct maps_spec shared_spec(u32 type, char *name)
{
	bool keyless = type == ISA_MAP_QUEUE, is_lpm = type == ISA_MAP_LPM_TRIE;

	snprintf(name, 64, "skep-test-%d-%u", (int)getpid(), type);
	return (struct maps_spec){ .type = type,
				   .key_size = keyless	? 0
					       : is_lpm ? 8
							: 4,
				   .value_size = 16,
				   .max_entries = 50,
				   .n_slots = 2,
				   .flags = is_lpm ? BPF_F_NO_PREALLOC : 0,
				   .shared = name };
}

static void test_shared_open(void **state)
{
	struct maps_map *a, *b, *c;
	char name[64], path[96];
	struct maps_spec s = shared_spec(ISA_MAP_HASH, name);
	u64 v[2] = { 4, 5 };
	u32 key = 9;
	struct err e;
	FILE *f;

	(void)state;
	assert_int_equal(maps_create(&s, &a, NULL), 0);
	assert_int_equal(maps_create(&s, &b, NULL), 0);
	assert_int_equal(maps_update(a, NULL, &key, v, 0), 0);
	assert_memory_equal(maps_lookup(b, NULL, &key), v, 16);
	s.max_entries++;
	assert_int_equal(maps_create(&s, &c, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "another type, size"));
	maps_put(a);
	maps_put(b);
	/* Neither a cut nor a foreign file is taken for a map. */
	s.max_entries--;
	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	assert_int_equal(truncate(path, 4096), 0);
	assert_int_equal(maps_create(&s, &c, &e), -EINVAL);
	f = fopen(path, "w");
	fputs("hello", f);
	fclose(f);
	assert_int_equal(maps_create(&s, &c, &e), -SKEP_EBADFILE);
	assert_int_equal(shm_unlink(name), 0);
}

static u64 rnd(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* Both words of a value are equal: what is torn shows. */
static void change_one(struct maps_map *m, u64 *x)
{
	u64 r = rnd(x), v[2] = { r, r };
	u32 key[2] = { (u32)(r >> 8) % 60, 0 };

	if (maps_spec(m)->type == ISA_MAP_LPM_TRIE) {
		key[1] = key[0] * 0x9e3779b9u;
		key[0] = (u32)r % 33;
	}
	if (maps_spec(m)->type == ISA_MAP_QUEUE)
		(void)(r & 1 ? maps_push(m, v, 0) : maps_pop(m, v));
	else if (r % 3)
		(void)maps_update(m, NULL, key, v, 0);
	else
		(void)maps_delete(m, key);
}

/* Every place can be used: fill it, count, and empty it. */
static void check_usable(struct maps_map *m)
{
	u32 type = maps_spec(m)->type, n = 0, key[2] = { 0 }, max = maps_spec(m)->max_entries;
	u64 v[4];

	if (type == ISA_MAP_QUEUE) {
		while (!maps_pop(m, v))
			assert_int_equal(v[0], v[1]);
		while (!maps_push(m, v, 0))
			n++;
		assert_int_equal(n, max);
		return;
	}
	while (!maps_sys_next(m, NULL, key)) {
		assert_int_equal(maps_sys_lookup(m, key, v, 0), 0);
		if (type != ISA_MAP_PERCPU_HASH)
			assert_int_equal(v[0], v[1]);
		assert_int_equal(maps_delete(m, key), 0);
		assert_true(n++ <= max);
	}
	for (n = 0; n < max; n++) {
		key[0] = type == ISA_MAP_LPM_TRIE ? 32 : n;
		key[1] = n;
		assert_int_equal(maps_update(m, NULL, key, v, BPF_NOEXIST), 0);
	}
	key[1] = key[0] = type == ISA_MAP_LPM_TRIE ? 31 : n;
	if (type != ISA_MAP_LRU_HASH)
		assert_int_equal(maps_update(m, NULL, key, v, 0),
				 type == ISA_MAP_LPM_TRIE ? -ENOSPC : -E2BIG);
}

/* A writer is killed at any moment: what is left is whole, and nothing is lost for good. */
static void test_shared_kill(void **state)
{
	static const u32 types[] = { ISA_MAP_HASH, ISA_MAP_PERCPU_HASH, ISA_MAP_LRU_HASH,
				     ISA_MAP_LPM_TRIE, ISA_MAP_QUEUE };
	char name[64];
	u64 x = 88172645463325252ull;

	(void)state;
	for (u32 t = 0; t < ARRAY_LEN(types); t++) {
		struct maps_spec s = shared_spec(types[t], name);
		struct maps_map *m;

		assert_int_equal(maps_create(&s, &m, NULL), 0);
		for (u32 round = 0; round < 60; round++) {
			pid_t child = fork();

			if (!child)
				for (u64 y = x + round + 1;;)
					change_one(m, &y);
			assert_true(child > 0);
			usleep((useconds_t)(300 + rnd(&x) % 1500));
			for (u32 i = 0; i < 50; i++)
				change_one(m, &x);
			kill(child, SIGKILL);
			waitpid(child, NULL, 0);
			alarm(20);
			check_usable(m);
			alarm(0);
		}
		maps_put(m);
		shm_unlink(name);
	}
}

/* Memory without a name that a forked child writes and the parent reads. */
static void test_forked(void **state)
{
	static const u32 types[] = { ISA_MAP_HASH, ISA_MAP_ARRAY };

	(void)state;
	for (u32 t = 0; t < ARRAY_LEN(types); t++) {
		struct maps_spec s = { .name = STR("m"),	.type = types[t], .key_size = 4,
				       .value_size = 8, .max_entries = 4, .forked = true };
		u32 key = 3;
		u64 value = 77, got = 0;
		struct maps_map *m;
		pid_t child;

		assert_int_equal(maps_create(&s, &m, NULL), 0);
		child = fork();
		if (!child)
			_exit(maps_update(m, NULL, &key, &value, 0) != 0);
		assert_int_equal(waitpid(child, NULL, 0), child);
		assert_int_equal(maps_sys_lookup(m, &key, &got, 0), 0);
		assert_int_equal(got, 77);
		maps_put(m);
	}
}

/* A struct of one member of another struct type, or of a pointer that the kernel would count. */
static const struct type *value_with(struct ty_table *t, const char *tag)
{
	const struct type *u32_type = ty_basic(t, TY_B_UINT);
	struct ty_member val = { .name = STR("val"), .type = u32_type };
	struct type *field = ty_tagged_new(t, TY_STRUCT, str_of(tag), (struct span){ 0 });
	struct type *outer = ty_tagged_new(t, TY_STRUCT, STR("value"), (struct span){ 0 });
	struct ty_member m[2] = { { .name = STR("n"), .type = u32_type },
				  { .name = STR("f"), .type = field } };

	ty_layout(t, field, &val, 1, false, 0);
	if (str_is(str_of(tag), "kptr"))
		m[1].type = ty_ptr_in(t, field, TY_SPACE_KPTR);
	ty_layout(t, outer, m, 2, false, 0);
	return outer;
}

static void test_fields(void **state)
{
	static const struct {
		const char *tag;
		u32 type;
		int err;
		const char *text;
	} cases[] = {
		{ "bpf_spin_lock", ISA_MAP_HASH, 0, NULL },
		{ "bpf_spin_lock", ISA_MAP_LRU_HASH, -EOPNOTSUPP, "cannot have a bpf_spin_lock" },
		{ "bpf_timer", ISA_MAP_HASH, -SKEP_EUNSUPPORTED, "bpf_timer, which only the kernel" },
		{ "kptr", ISA_MAP_ARRAY, -SKEP_EUNSUPPORTED, "a pointer to a kernel object" },
		{ "bpf_list_head", ISA_MAP_ARRAY, -SKEP_EUNSUPPORTED, "bpf_list_head" },
		{ "plain", ISA_MAP_ARRAY, 0, NULL },
	};
	struct arena *a = arena_new(NULL);

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct ty_table *t = ty_table_new(a);
		struct maps_spec s = { .name = STR("m"),
				       .type = cases[i].type,
				       .key_size = 4,
				       .value_size = 16,
				       .max_entries = 4,
				       .value = value_with(t, cases[i].tag) };
		struct maps_map *m;
		struct err e = { 0 };
		int err = maps_create(&s, &m, &e);

		if (err != cases[i].err || (err && !strstr(e.msg, cases[i].text)))
			fail_msg("%s: %d %s", cases[i].tag, err, e.msg);
		maps_put(m);
	}
	arena_free(a);
}

/* Who holds the lock of a value was killed: the next one takes it over. */
static void test_lock_of_the_dead(void **state)
{
	u32 lock = 1;

	(void)state;
	maps_value_lock(&lock);
	assert_int_equal(lock, 1);
}

/* Sizes whose products do not fit in 64 bits, or that nobody has: an error or a map, never a crash. */
static void test_extremes(void **state)
{
	static const u32 sizes[] = { 0, 1, 4, 7, 8, 16, 255, 65535, 4194304, 1u << 30, UINT32_MAX - 6, UINT32_MAX };
	static const u32 counts[] = { 0, 1, 3, 4096, 1u << 16, 1u << 31, (1u << 31) + 1, UINT32_MAX };
	static const u32 slots[] = { 1, 4096, UINT32_MAX };
	static const u32 flags[] = { 0, BPF_F_NO_PREALLOC };
	u32 made = 0, tried = 0;

	(void)state;
	for (u32 i = 0; i < 34 * ARRAY_LEN(sizes) * ARRAY_LEN(sizes) * ARRAY_LEN(counts) * 6; i++) {
		u32 n = i;
		struct maps_spec s = { .name = STR("m") };
		struct maps_map *m = NULL;
		int err;

		s.type = n % 34, n /= 34;
		s.key_size = sizes[n % ARRAY_LEN(sizes)], n /= ARRAY_LEN(sizes);
		s.value_size = sizes[n % ARRAY_LEN(sizes)], n /= ARRAY_LEN(sizes);
		s.max_entries = counts[n % ARRAY_LEN(counts)], n /= ARRAY_LEN(counts);
		s.n_slots = slots[n % 3], n /= 3;
		s.flags = flags[n % 2];
		/* What is large and allowed takes time to make: queues and filters are filled. */
		if ((u64)s.max_entries * s.value_size > 1ull << 28 && s.value_size < 1u << 30 &&
		    s.max_entries < 1u << 31)
			continue;
		tried++;
		err = maps_create(&s, &m, NULL);
		if (err ? m != NULL || err > 0 : !m)
			fail_msg("type %u: %d", s.type, err);
		made += !err;
		maps_put(m);
	}
	assert_true(tried > 10000 && made > 500);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_refusals),    cmocka_unit_test(test_slots),
		cmocka_unit_test(test_lru),	    cmocka_unit_test(test_each),
		cmocka_unit_test(test_array_base),  cmocka_unit_test(test_of_maps),
		cmocka_unit_test(test_prog_array),  cmocka_unit_test(test_stack_trace),
		cmocka_unit_test(test_ring),	    cmocka_unit_test(test_ring_wrap),
		cmocka_unit_test(test_perf),	    cmocka_unit_test(test_shared_open),
		cmocka_unit_test(test_shared_kill), cmocka_unit_test(test_forked),
		cmocka_unit_test(test_fields),	    cmocka_unit_test(test_lock_of_the_dead),
		cmocka_unit_test(test_extremes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
