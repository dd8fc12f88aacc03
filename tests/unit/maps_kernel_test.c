/* Differential test of maps: the same pseudo-random operations on our map and on the kernel's,
 * through bpf(2); every result, error code and value must agree. Skipped where bpf(2) is not
 * permitted. */
#include "maps/maps.h"

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define VALUE_MAX 4096
#define KEYS	  40

static int sys(int cmd, union bpf_attr *attr)
{
	return syscall(SYS_bpf, cmd, attr, sizeof(*attr)) < 0 ? -errno : 0;
}

/* u32, u64, struct bpf_spin_lock { u32 val; }, struct v { u64 a; struct bpf_spin_lock l; u32 b; u64 c; };
 * struct w { struct bpf_spin_lock l; u32 b; }. */
enum { INT = 1 << 24, STRUCT = 4 << 24, VALUE_ID = 4, SMALL_ID = 5 };
static const struct {
	u16 magic;
	u8 version, flags;
	u32 hdr_len, type_off, type_len, str_off, str_len;
	u32 types[4 + 4 + 6 + 15 + 9];
	char names[32];
} btf = { 0xeb9f, 1, 0, 24, 0, 38 * 4, 38 * 4, 32,
	  { 1, INT, 4, 32, 5, INT, 8, 64, 9, STRUCT | 1, 4, 23, 1, 0,
	    27, STRUCT | 4, 24, 29, 2, 0, 23, 3, 64, 25, 1, 96, 29, 2, 128,
	    27, STRUCT | 2, 8, 23, 3, 0, 25, 1, 32 },
	  "\0u32\0u64\0bpf_spin_lock\0l\0b\0v\0a" };

static struct {
	struct arena *a;
	int fd;
	const struct type *value[SMALL_ID + 1];
} types = { .fd = -1 };

static int open_types(void **state)
{
	union bpf_attr a = { 0 };
	struct ty_btf *b;
	struct err e;

	(void)state;
	types.a = arena_new(NULL);
	if (ty_btf_parse(ty_table_new(types.a), &btf, sizeof(btf), &b, &e))
		fail_msg("%s", e.msg);
	for (u32 i = VALUE_ID; i <= SMALL_ID; i++)
		types.value[i] = ty_btf_by_id(b, i);
	a.btf = (u64)(uintptr_t)&btf;
	a.btf_size = sizeof(btf);
	types.fd = (int)syscall(SYS_bpf, BPF_BTF_LOAD, &a, sizeof(a));
	return 0;
}

static int close_types(void **state)
{
	(void)state;
	if (types.fd >= 0)
		close(types.fd);
	arena_free(types.a);
	return 0;
}

static void set_types(union bpf_attr *a, const struct type *value)
{
	for (u32 i = VALUE_ID; i <= SMALL_ID && value; i++) {
		if (types.value[i] != value)
			continue;
		a->btf_fd = (u32)types.fd;
		a->btf_key_type_id = 1;
		a->btf_value_type_id = i;
	}
}

static int kernel_map(const struct maps_spec *s)
{
	union bpf_attr a = { .map_type = s->type };
	int fd;

	a.key_size = s->key_size;
	a.value_size = s->value_size;
	a.max_entries = s->max_entries;
	a.map_flags = s->flags;
	set_types(&a, s->value);
	fd = (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
	return fd < 0 ? -errno : fd;
}

static int kernel_op(int cmd, int fd, const void *key, void *value, u64 flags)
{
	union bpf_attr a = { .map_fd = (u32)fd };

	a.key = (u64)(uintptr_t)key;
	a.value = (u64)(uintptr_t)value;
	a.flags = flags;
	return sys(cmd, &a);
}

static bool permitted(void)
{
	struct maps_spec s = {
		.type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1
	};
	int fd = kernel_map(&s);

	if (fd >= 0)
		close(fd);
	else
		print_message("skipped: bpf(2) is not permitted here (%s)\n", strerror(-fd));
	return fd >= 0;
}

static u64 rnd(u64 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 7;
	*x ^= *x << 17;
	return *x;
}

/* ---- creation ------------------------------------------------------------------------------- */

static const u32 made[] = { ISA_MAP_HASH,	  ISA_MAP_ARRAY,	   ISA_MAP_PERCPU_HASH,
			    ISA_MAP_PERCPU_ARRAY, ISA_MAP_LRU_HASH,	   ISA_MAP_LRU_PERCPU_HASH,
			    ISA_MAP_LPM_TRIE,	  ISA_MAP_QUEUE,	   ISA_MAP_STACK,
			    ISA_MAP_BLOOM_FILTER, ISA_MAP_RINGBUF,	   ISA_MAP_PROG_ARRAY,
			    ISA_MAP_STACK_TRACE,  ISA_MAP_PERF_EVENT_ARRAY, ISA_MAP_USER_RINGBUF,
			    ISA_MAP_CGROUP_STORAGE, ISA_MAP_PERCPU_CGROUP_STORAGE };
static const u32 locking[] = { ISA_MAP_HASH,	     ISA_MAP_ARRAY,    ISA_MAP_PERCPU_HASH,
			       ISA_MAP_PERCPU_ARRAY, ISA_MAP_LRU_HASH, ISA_MAP_LRU_PERCPU_HASH };
static const u32 key_sizes[] = { 0, 1, 4, 5, 8, 16, 260, 261, 5000 };
static const u32 value_sizes[] = { 0, 1, 4, 8, 12, 1016, 1024, 32768, 32769, 4194304, 4194305 };
static const u32 counts[] = { 0, 1, 7, 4096 };
static const u32 flag_sets[] = { 0,
				 BPF_F_NO_PREALLOC,
				 BPF_F_NO_COMMON_LRU,
				 BPF_F_RDONLY | BPF_F_WRONLY,
				 BPF_F_RDONLY,
				 BPF_F_WRONLY_PROG,
				 BPF_F_ZERO_SEED,
				 BPF_F_ZERO_SEED | BPF_F_NO_PREALLOC,
				 1u << 30 };

static u32 create_one(const struct maps_spec *s)
{
	struct maps_map *m;
	int fd = kernel_map(s), err = maps_create(s, &m, NULL);

	if (fd >= 0)
		close(fd);
	maps_put(m);
	if ((fd < 0 ? fd : 0) == err)
		return 0;
	print_error("type %u key %u value %u entries %u flags %x: kernel %d, ours %d\n", s->type,
		    s->key_size, s->value_size, s->max_entries, s->flags, fd, err);
	return 1;
}

static void test_create(void **state)
{
	u32 bad = 0;

	(void)state;
	if (!permitted())
		skip();
	for (u32 t = 0; t < ARRAY_LEN(made); t++)
		for (u32 k = 0; k < ARRAY_LEN(key_sizes); k++)
			for (u32 v = 0; v < ARRAY_LEN(value_sizes); v++)
				for (u32 n = 0; n < ARRAY_LEN(counts); n++)
					for (u32 f = 0; f < ARRAY_LEN(flag_sets); f++) {
						struct maps_spec s = { .type = made[t],
								       .key_size = key_sizes[k],
								       .value_size = value_sizes[v],
								       .max_entries = counts[n],
								       .flags = flag_sets[f] };

						/* What is large and allowed costs the kernel time.
						 */
						if (counts[n] == 4096 && value_sizes[v] > 1016)
							continue;
						bad += create_one(&s);
					}
	/* Which kinds may have a lock in their values; the others take no type of it at all. */
	for (u32 t = 0; t < ARRAY_LEN(locking); t++) {
		struct maps_spec s = { .type = locking[t],
				       .key_size = 4,
				       .value_size = 24,
				       .max_entries = 4,
				       .value = types.value[VALUE_ID] };

		bad += create_one(&s);
	}
	assert_int_equal(bad, 0);
}

/* ---- operations ----------------------------------------------------------------------------- */

struct pair {
	struct maps_map *ours;
	int fd;
	u32 key_size, bytes; /* of a value as user space sees it */
	u64 x, look; /* the flags that a lookup may have */
	u32 step;
	const char *name;
};

static void agree(struct pair *p, const char *op, int kernel, int ours, const void *a,
		  const void *b, u32 bytes)
{
	if (kernel != ours)
		fail_msg("%s, step %u, %s: kernel %d, ours %d", p->name, p->step, op, kernel, ours);
	if (!kernel && memcmp(a, b, bytes))
		fail_msg("%s, step %u, %s: other bytes", p->name, p->step, op);
}

static u64 some_flags(struct pair *p)
{
	static const u64 odd[] = { 1, 2, 3, 4, 8, 1ull << 33 };
	u64 r = rnd(&p->x) % 16;

	return r < ARRAY_LEN(odd) ? odd[r] : 0;
}

static void some_key(struct pair *p, u8 *key)
{
	u32 n = (u32)(rnd(&p->x) % KEYS);

	memset(key, 0, p->key_size);
	memcpy(key, &n, p->key_size < 4 ? p->key_size : 4);
	if (p->key_size > 8)
		key[p->key_size - 1] = (u8)n;
}

/* Few bits, so that prefixes meet: lengths up to two more than there are. */
static void some_prefix(struct pair *p, u8 *key)
{
	u32 len = (u32)(rnd(&p->x) % ((p->key_size - 4) * 8 + 3));

	memcpy(key, &len, 4);
	memset(key + 4, 0, p->key_size - 4);
	key[4] = (u8)(rnd(&p->x) & 0xe0);
	key[p->key_size - 1] |= (u8)(rnd(&p->x) & 3);
}

static void one_step(struct pair *p, bool is_lpm)
{
	u8 key[512], a[VALUE_MAX] = { 0 }, b[VALUE_MAX] = { 0 };
	u64 flags = some_flags(p);
	int k, o;

	if (is_lpm)
		some_prefix(p, key);
	else
		some_key(p, key);
	switch (rnd(&p->x) % 6) {
	case 5:
		k = kernel_op(BPF_MAP_LOOKUP_AND_DELETE_ELEM, p->fd, key, a, flags & p->look);
		o = maps_sys_take(p->ours, key, b, flags & p->look);
		agree(p, "take", k, o, a, b, p->bytes);
		break;
	case 0:
	case 1:
		for (u32 i = 0; i < p->bytes; i++)
			a[i] = (u8)rnd(&p->x);
		k = kernel_op(BPF_MAP_UPDATE_ELEM, p->fd, key, a, flags);
		o = maps_sys_update(p->ours, key, a, flags);
		agree(p, "update", k, o, a, a, 0);
		break;
	case 2:
		k = kernel_op(BPF_MAP_DELETE_ELEM, p->fd, key, NULL, 0);
		o = maps_sys_delete(p->ours, key);
		agree(p, "delete", k, o, a, a, 0);
		break;
	case 3:
		k = kernel_op(BPF_MAP_LOOKUP_ELEM, p->fd, key, a, flags & p->look);
		o = maps_sys_lookup(p->ours, key, b, flags & p->look);
		agree(p, "lookup", k, o, a, b, p->bytes);
		break;
	default:
		/* The order of hash tables is their own; that of the others is not. */
		if (!is_lpm && maps_spec(p->ours)->type != ISA_MAP_ARRAY &&
		    maps_spec(p->ours)->type != ISA_MAP_PERCPU_ARRAY)
			break;
		k = kernel_op(BPF_MAP_GET_NEXT_KEY, p->fd, key, a, 0);
		o = maps_sys_next(p->ours, key, b);
		agree(p, "next", k, o, a, b, p->key_size);
	}
}

/* All keys of one, looked up in the other; and as many. */
static void same_contents(struct pair *p)
{
	u8 key[512], next[512], a[VALUE_MAX], b[VALUE_MAX];
	u32 n_kernel = 0, n_ours = 0;
	int err;

	for (err = maps_sys_next(p->ours, NULL, key); !err;
	     err = maps_sys_next(p->ours, key, next), memcpy(key, next, p->key_size)) {
		n_ours++;
		err = maps_sys_lookup(p->ours, key, a, 0);
		agree(p, "walk", kernel_op(BPF_MAP_LOOKUP_ELEM, p->fd, key, b, 0), err, b, a,
		      p->bytes);
	}
	assert_int_equal(err, -ENOENT);
	for (err = kernel_op(BPF_MAP_GET_NEXT_KEY, p->fd, NULL, key, 0); !err;
	     err = kernel_op(BPF_MAP_GET_NEXT_KEY, p->fd, key, next, 0),
	    memcpy(key, next, p->key_size))
		n_kernel++;
	if (n_kernel != n_ours)
		fail_msg("%s: kernel has %u keys, ours %u", p->name, n_kernel, n_ours);
}

static const struct keyed {
	const char *name;
	u32 type, key, value, max, flags, with; /* id of the value's type */
} keyed[] = {
	{ "hash", ISA_MAP_HASH, 4, 8, 25, 0, 0 },
	{ "hash, odd sizes", ISA_MAP_HASH, 13, 21, 20, 0, 0 },
	{ "hash, one byte", ISA_MAP_HASH, 1, 1, 1, 0, 0 },
	{ "hash, long keys", ISA_MAP_HASH, 300, 100, 30, 0, 0 },
	{ "hash without preallocation", ISA_MAP_HASH, 8, 8, 25, BPF_F_NO_PREALLOC, 0 },
	{ "array", ISA_MAP_ARRAY, 4, 12, 30, 0, 0 },
	{ "hash with a lock", ISA_MAP_HASH, 4, 24, 25, 0, VALUE_ID },
	{ "hash with a lock first", ISA_MAP_HASH, 4, 8, 25, BPF_F_NO_PREALLOC, SMALL_ID },
	{ "array with a lock", ISA_MAP_ARRAY, 4, 24, 30, 0, VALUE_ID },
	{ "array with a lock first", ISA_MAP_ARRAY, 4, 8, 30, 0, SMALL_ID },
	{ "array of one", ISA_MAP_ARRAY, 4, 1, 1, 0, 0 },
	{ "percpu hash", ISA_MAP_PERCPU_HASH, 4, 12, 25, 0, 0 },
	{ "percpu hash without preallocation", ISA_MAP_PERCPU_HASH, 8, 8, 25, BPF_F_NO_PREALLOC, 0 },
	{ "percpu array", ISA_MAP_PERCPU_ARRAY, 4, 5, 30, 0, 0 },
	{ "lru, never full", ISA_MAP_LRU_HASH, 4, 8, 5000, 0, 0 },
	{ "percpu lru, never full", ISA_MAP_LRU_PERCPU_HASH, 4, 8, 5000, 0, 0 },
	{ "lpm 8", ISA_MAP_LPM_TRIE, 5, 8, 10, BPF_F_NO_PREALLOC, 0 },
	{ "lpm 32", ISA_MAP_LPM_TRIE, 8, 5, 12, BPF_F_NO_PREALLOC, 0 },
	{ "lpm 128", ISA_MAP_LPM_TRIE, 20, 8, 100, BPF_F_NO_PREALLOC, 0 },
	{ "lpm 2048", ISA_MAP_LPM_TRIE, 260, 3, 400, BPF_F_NO_PREALLOC, 0 },
};

static void open_pair(struct pair *p, const struct keyed *c, u64 seed)
{
	struct maps_spec s = { .type = c->type,
			       .key_size = c->key,
			       .value_size = c->value,
			       .max_entries = c->max,
			       .flags = c->flags,
			       .value = types.value[c->with] };

	*p = (struct pair){ .key_size = c->key,
			    .bytes = c->value,
			    .x = seed,
			    .look = c->with ? 12 : 8,
			    .name = c->name };
	p->fd = kernel_map(&s);
	assert_true(p->fd >= 0);
	assert_int_equal(maps_create(&s, &p->ours, NULL), 0);
	if (isa_map_is_percpu(c->type)) {
		u8 probe[VALUE_MAX];
		u32 zero = 0;

		/* How many CPUs the kernel thinks possible shows in what it writes. */
		p->bytes = (u32)(round_up(c->value, 8) * (u64)sysconf(_SC_NPROCESSORS_CONF));
		memset(probe, 0xa5, sizeof(probe));
		if (c->type == ISA_MAP_PERCPU_ARRAY) {
			assert_int_equal(kernel_op(BPF_MAP_LOOKUP_ELEM, p->fd, &zero, probe, 0), 0);
			assert_int_equal(probe[p->bytes - 1], 0);
			assert_int_equal(probe[p->bytes], 0xa5);
		}
	}
}

static void test_keyed(void **state)
{
	(void)state;
	if (!permitted())
		skip();
	for (u32 c = 0; c < ARRAY_LEN(keyed); c++) {
		for (u64 seed = 1; seed <= 4; seed++) {
			struct pair p;

			open_pair(&p, &keyed[c], seed * 0x9e3779b97f4a7c15ull);
			for (p.step = 0; p.step < 5000; p.step++)
				one_step(&p, keyed[c].type == ISA_MAP_LPM_TRIE);
			same_contents(&p);
			close(p.fd);
			maps_put(p.ours);
		}
	}
}

/* ---- queue, stack, bloom -------------------------------------------------------------------- */

static void queue_step(struct pair *p)
{
	u8 a[VALUE_MAX] = { 0 }, b[VALUE_MAX] = { 0 };
	u64 flags = some_flags(p);

	switch (rnd(&p->x) % 4) {
	case 0:
	case 1:
		for (u32 i = 0; i < p->bytes; i++)
			a[i] = (u8)rnd(&p->x);
		agree(p, "push", kernel_op(BPF_MAP_UPDATE_ELEM, p->fd, NULL, a, flags),
		      maps_sys_update(p->ours, NULL, a, flags), a, a, 0);
		break;
	case 2:
		agree(p, "peek", kernel_op(BPF_MAP_LOOKUP_ELEM, p->fd, NULL, a, 0),
		      maps_sys_lookup(p->ours, NULL, b, 0), a, b, p->bytes);
		break;
	default:
		agree(p, "pop",
		      kernel_op(BPF_MAP_LOOKUP_AND_DELETE_ELEM, p->fd, NULL, a, flags & 12),
		      maps_sys_take(p->ours, NULL, b, flags & 12), a, b, p->bytes);
	}
}

static const struct keyed queues[] = {
	{ "queue", ISA_MAP_QUEUE, 0, 8, 5, 0, 0 },
	{ "queue, odd size", ISA_MAP_QUEUE, 0, 13, 1, 0, 0 },
	{ "stack", ISA_MAP_STACK, 0, 8, 5, 0, 0 },
	{ "stack of one", ISA_MAP_STACK, 0, 3, 1, 0, 0 },
};

static void test_queues(void **state)
{
	(void)state;
	if (!permitted())
		skip();
	for (u32 c = 0; c < ARRAY_LEN(queues); c++) {
		struct pair p;
		u8 key[8] = { 0 }, next[8];

		open_pair(&p, &queues[c], 77);
		for (p.step = 0; p.step < 20000; p.step++)
			queue_step(&p);
		agree(&p, "delete", kernel_op(BPF_MAP_DELETE_ELEM, p.fd, NULL, NULL, 0),
		      maps_sys_delete(p.ours, key), key, key, 0);
		agree(&p, "next", kernel_op(BPF_MAP_GET_NEXT_KEY, p.fd, NULL, next, 0),
		      maps_sys_next(p.ours, NULL, next), key, key, 0);
		close(p.fd);
		maps_put(p.ours);
	}
}

static void test_bloom(void **state)
{
	static const struct keyed c = { "bloom", ISA_MAP_BLOOM_FILTER, 0, 8, 100, 0, 0 };
	struct pair p;
	u64 v;

	(void)state;
	if (!permitted())
		skip();
	open_pair(&p, &c, 5);
	for (v = 0; v < 100; v++)
		for (u64 flags = 0; flags < 4; flags++)
			agree(&p, "push", kernel_op(BPF_MAP_UPDATE_ELEM, p.fd, NULL, &v, flags),
			      maps_sys_update(p.ours, NULL, &v, flags), &v, &v, 0);
	for (v = 0; v < 100; v++)
		agree(&p, "peek", kernel_op(BPF_MAP_LOOKUP_ELEM, p.fd, NULL, &v, 0),
		      maps_sys_lookup(p.ours, NULL, &v, 0), &v, &v, 8);
	agree(&p, "delete", kernel_op(BPF_MAP_DELETE_ELEM, p.fd, NULL, NULL, 0),
	      maps_sys_delete(p.ours, &v), &v, &v, 0);
	agree(&p, "next", kernel_op(BPF_MAP_GET_NEXT_KEY, p.fd, NULL, &v, 0),
	      maps_sys_next(p.ours, NULL, &v), &v, &v, 0);
	close(p.fd);
	maps_put(p.ours);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_create),
		cmocka_unit_test(test_keyed),
		cmocka_unit_test(test_queues),
		cmocka_unit_test(test_bloom),
	};

	return cmocka_run_group_tests(tests, open_types, close_types);
}
