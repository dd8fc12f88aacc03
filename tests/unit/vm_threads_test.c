/* One program in many threads at once, each with a vm_thread of its own: hash, per-CPU and LRU maps, a
 * counter under a bpf_spin_lock, a ring that another thread empties. The sums balance. `make check`
 * also runs it under ThreadSanitizer (CONFIG=tsan). */
#include "vm/vm.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

#define THREADS 4
#if defined(__SANITIZE_THREAD__)
#define RUNS 2000
#else
#define RUNS 10000
#endif

enum { HASH, PERCPU, LRU, LOCKED, RING, N_MAPS };

/* Adds 1 to the element of a hash, to its own slot, to a number under a lock, and writes it to the ring. */
static const char text[] =
	"r6 = r1\n"
	"r1 = *(u64 *)(r6 + 0)\nr1 &= 63\n*(u32 *)(r10 - 4) = r1\n*(u64 *)(r10 - 16) = 1\n"
	/* the hash: made by whoever is first */
	"r1 = map[idx:0]\nr2 = r10\nr2 += -4\ncall 1\nif r0 != 0 goto +14\n"
	"*(u64 *)(r10 - 24) = 0\nr1 = map[idx:0]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -24\nr4 = 1\n"
	"call 2\n"
	"r1 = map[idx:0]\nr2 = r10\nr2 += -4\ncall 1\n"
	"r1 = 1\nlock *(u64 *)(r0 + 0) += r1\n"
	/* its own slot */
	"*(u32 *)(r10 - 8) = 0\nr1 = map[idx:1]\nr2 = r10\nr2 += -8\ncall 1\n"
	"r1 = *(u64 *)(r0 + 0)\nr1 += 1\n*(u64 *)(r0 + 0) = r1\n"
	/* the LRU: more keys than there is room for */
	"r1 = *(u64 *)(r6 + 0)\n*(u32 *)(r10 - 8) = r1\nr1 = map[idx:2]\nr2 = r10\nr2 += -8\nr3 = r10\nr3 += -16\n"
	"r4 = 0\ncall 2\nr9 = r0\n"
	/* the number under the lock: lock at 0, number at 8 */
	"*(u32 *)(r10 - 8) = 0\nr1 = map[idx:3]\nr2 = r10\nr2 += -8\ncall 1\nr7 = r0\n"
	"r1 = r7\ncall 93\nr1 = *(u64 *)(r7 + 8)\nr1 += 1\n*(u64 *)(r7 + 8) = r1\nr1 = r7\ncall 94\n"
	/* a record, tried until there is room */
	"r8 = 0\n"
	"r1 = map[idx:4]\nr2 = r10\nr2 += -16\nr3 = 8\nr4 = 0\ncall 130\nif r0 == 0 goto +2\n"
	"r8 += 1\nif r8 < 1000000 goto -10\n"
	"r0 = r9\nexit";

struct job {
	const struct vm_prog *p;
	u32 id, bad;
};

static void *work(void *arg)
{
	struct job *j = arg;
	struct vm_thread *t = vm_thread_new(j->id);

	for (u64 i = 0; i < RUNS && t; i++) {
		u64 ctx = i * THREADS + j->id, out = 0;
		struct vm_limits limits = { .checked = i % 64 == 0 };

		j->bad += vm_run(j->p, t, &ctx, 8, &limits, &out, NULL) || out;
	}
	j->bad += !t;
	vm_thread_free(t);
	return NULL;
}

static int count(void *arg, const void *data, u32 size)
{
	u64 *sum = arg;

	if (size == 8)
		*sum += *(const u64 *)data;
	return 0;
}

struct reader {
	struct maps_map *ring;
	u64 sum;
	bool done;
};

static void *read_ring(void *arg)
{
	struct reader *r = arg;

	while (!__atomic_load_n(&r->done, __ATOMIC_ACQUIRE))
		if (maps_consume(r->ring, count, &r->sum) == 0)
			sched_yield();
	maps_consume(r->ring, count, &r->sum);
	return NULL;
}

static struct vm_prog *assemble(struct maps_map *const *maps)
{
	struct arena *a = arena_new(NULL);
	struct vm_spec spec = { .maps = maps, .n_maps = N_MAPS };
	struct isa_text code = { 0 };
	struct vm_prog *p = NULL;
	struct sources ss;
	struct diags dx;
	struct err e = { 0 };

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	if (!isa_assemble(a, &dx, sources_add(&ss, STR("test"), str_of(text)), &code))
		fail_msg("does not assemble");
	spec.insns = code.insns.at;
	spec.n = code.insns.n;
	if (vm_prog_new(&spec, &p, &e))
		fail_msg("%s", e.msg);
	arena_free(a);
	return p;
}

static u64 sum_of(struct maps_map *m, u32 keys)
{
	u64 sum = 0, v[THREADS];

	for (u32 k = 0; k < keys; k++) {
		memset(v, 0, sizeof(v));
		if (maps_sys_lookup(m, &k, v, 0))
			continue;
		for (u32 i = 0; i < THREADS; i++)
			sum += v[i];
	}
	return sum;
}

static void test_threads(void **state)
{
	static const struct maps_spec specs[N_MAPS] = {
		[HASH] = { .type = ISA_MAP_HASH, .key_size = 4, .value_size = 8, .max_entries = 64 },
		[PERCPU] = { .type = ISA_MAP_PERCPU_ARRAY, .key_size = 4, .value_size = 8,
			     .max_entries = 1, .n_slots = THREADS },
		[LRU] = { .type = ISA_MAP_LRU_HASH, .key_size = 4, .value_size = 8, .max_entries = 500 },
		[LOCKED] = { .type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 16, .max_entries = 1 },
		[RING] = { .type = ISA_MAP_RINGBUF, .max_entries = 4096 },
	};
	struct maps_map *maps[N_MAPS];
	struct job jobs[THREADS];
	pthread_t t[THREADS], reader;
	struct reader r = { 0 };
	struct vm_prog *p;
	u64 locked[2];
	u32 zero = 0;

	(void)state;
	for (u32 i = 0; i < N_MAPS; i++)
		assert_int_equal(maps_create(&specs[i], &maps[i], NULL), 0);
	p = assemble(maps);
	r.ring = maps[RING];
	assert_int_equal(pthread_create(&reader, NULL, read_ring, &r), 0);
	for (u32 i = 0; i < THREADS; i++) {
		jobs[i] = (struct job){ p, i, 0 };
		assert_int_equal(pthread_create(&t[i], NULL, work, &jobs[i]), 0);
	}
	for (u32 i = 0; i < THREADS; i++) {
		pthread_join(t[i], NULL);
		assert_int_equal(jobs[i].bad, 0);
	}
	__atomic_store_n(&r.done, true, __ATOMIC_RELEASE);
	pthread_join(reader, NULL);
	assert_int_equal(r.sum, THREADS * RUNS);
	assert_int_equal(sum_of(maps[HASH], 64), THREADS * RUNS);
	assert_int_equal(sum_of(maps[PERCPU], 1), THREADS * RUNS);
	assert_int_equal(maps_sys_lookup(maps[LOCKED], &zero, locked, 0), 0);
	assert_int_equal(locked[1], THREADS * RUNS);
	vm_prog_free(p);
	for (u32 i = 0; i < N_MAPS; i++)
		maps_put(maps[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_threads) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
