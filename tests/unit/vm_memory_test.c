/* Where memory ends, for maps and programs: the n-th request for memory or a descriptor fails, for each n in
 * turn. What is going on answers with an error, the next try works, and nothing is left behind. Requests are
 * those of the C library, which this file stands in for; a sanitizer has its own, so there it is left out. */
#include "vm/vm.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__) || defined(__clang__) || !defined(__GLIBC__)
int main(void)
{
	printf("left to the build without sanitizers\n");
	return 0;
}
#else

/* ---- the C library's, with an end ----------------------------------------------------------------- */

void *__libc_malloc(size_t n);
void *__libc_calloc(size_t n, size_t size);
void *__libc_realloc(void *p, size_t n);
void __libc_free(void *p);

static u32 left;    /* requests until one fails; 0: none does */
static u32 asked;   /* requests while counting */
static bool counts;
static s64 alive;   /* pieces of memory, mappings and descriptors while counting */

static bool fails(void)
{
	if (!counts)
		return false;
	asked++;
	if (!left || --left) {
		alive++;
		return false;
	}
	errno = ENOMEM;
	return true;
}

/* Seen by the C library too, which asks for its own needs. */
#pragma GCC visibility push(default)

void *malloc(size_t n)
{
	return fails() ? NULL : __libc_malloc(n);
}

void *calloc(size_t n, size_t size)
{
	return fails() ? NULL : __libc_calloc(n, size);
}

void *realloc(void *p, size_t n)
{
	if (fails())
		return NULL;
	alive -= counts && p;
	return __libc_realloc(p, n);
}

void free(void *p)
{
	alive -= counts && p;
	__libc_free(p);
}

void *mmap(void *at, size_t n, int prot, int flags, int fd, off_t off)
{
	bool is_new = !(flags & MAP_FIXED);

	if (is_new ? fails() : counts && left && !--left) {
		errno = ENOMEM;
		return MAP_FAILED;
	}
	return (void *)syscall(SYS_mmap, at, n, prot, flags, fd, off);
}

int munmap(void *at, size_t n)
{
	alive -= counts;
	return (int)syscall(SYS_munmap, at, n);
}

int memfd_create(const char *name, unsigned int flags)
{
	return fails() ? -1 : (int)syscall(SYS_memfd_create, name, flags);
}

int eventfd(unsigned int count, int flags)
{
	return fails() ? -1 : (int)syscall(SYS_eventfd2, count, flags);
}

int open(const char *path, int flags, ...)
{
	va_list args;
	int fd;

	va_start(args, flags);
	fd = (int)syscall(SYS_openat, AT_FDCWD, path, flags, va_arg(args, int));
	va_end(args);
	alive += counts && fd >= 0;
	return fd;
}

int close(int fd)
{
	alive -= counts;
	return (int)syscall(SYS_close, fd);
}

#pragma GCC visibility pop

/* ---- what is tried -------------------------------------------------------------------------------- */

static const struct maps_spec specs[] = {
	{ .type = ISA_MAP_HASH, .key_size = 4, .value_size = 8, .max_entries = 64 },
	{ .type = ISA_MAP_PERCPU_HASH, .key_size = 4, .value_size = 8, .max_entries = 64, .n_slots = 2 },
	{ .type = ISA_MAP_LRU_HASH, .key_size = 4, .value_size = 8, .max_entries = 64 },
	{ .type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 8, .max_entries = 64 },
	{ .type = ISA_MAP_LPM_TRIE, .key_size = 8, .value_size = 8, .max_entries = 64, .flags = 1 },
	{ .type = ISA_MAP_QUEUE, .value_size = 8, .max_entries = 8 },
	{ .type = ISA_MAP_BLOOM_FILTER, .value_size = 8, .max_entries = 8 },
	{ .type = ISA_MAP_STACK_TRACE, .key_size = 4, .value_size = 80, .max_entries = 8 },
	{ .type = ISA_MAP_RINGBUF, .max_entries = 4096 },
	{ .type = ISA_MAP_USER_RINGBUF, .max_entries = 4096 },
	{ .type = ISA_MAP_PERF_EVENT_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 2, .n_slots = 2 },
	{ .type = ISA_MAP_TASK_STORAGE, .key_size = 4, .value_size = 8, .flags = 1 },
	{ .type = ISA_MAP_PERCPU_CGROUP_STORAGE, .key_size = 8, .value_size = 8, .n_slots = 2 },
	{ .type = ISA_MAP_PROG_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 2 },
};

static u32 which;

static int make_map(void)
{
	struct maps_map *m;
	int err = maps_create(&specs[which], &m, NULL);

	assert_true(err || m);
	assert_true(!err || !m);
	maps_put(m);
	return err;
}

/* A named one: made, opened a second time, both given back. */
static int make_shared(void)
{
	struct maps_spec s = specs[0];
	struct maps_map *m = NULL, *again = NULL;
	char name[64], path[96];
	int err;

	snprintf(name, sizeof(name), "skep-memory-%d", (int)getpid());
	s.shared = name;
	err = maps_create(&s, &m, NULL);
	err = err ? err : maps_create(&s, &again, NULL);
	maps_put(m);
	maps_put(again);
	snprintf(path, sizeof(path), "/dev/shm/%s", name);
	unlink(path);
	return err;
}

/* Maps that hold more maps than there were places for at first. */
static int fill_outer(void)
{
	struct maps_spec of = { .type = ISA_MAP_HASH_OF_MAPS, .key_size = 4, .value_size = 4, .max_entries = 20 };
	struct maps_map *outer = NULL, *inner[20] = { NULL };
	int err = maps_create(&specs[3], &inner[0], NULL);

	of.inner = inner[0];
	err = err ? err : maps_create(&of, &outer, NULL);
	for (u32 i = 0; i < ARRAY_LEN(inner) && !err; i++) {
		if (i)
			err = maps_create(&specs[3], &inner[i], NULL);
		err = err ? err : maps_sys_set_inner(outer, &i, inner[i], 0);
	}
	for (u32 i = 0; i < ARRAY_LEN(inner); i++)
		maps_put(inner[i]);
	maps_put(outer);
	return err;
}

static struct isa_text code;

/* Looks up 200 elements in the checked mode, which remembers each. */
static int run_program(void)
{
	struct vm_thread *t = vm_thread_new(0);
	struct vm_limits limits = { .checked = true };
	struct maps_map *m = NULL;
	struct vm_prog *p = NULL;
	u64 out;
	int err = t ? maps_create(&specs[0], &m, NULL) : -ENOMEM;
	struct vm_spec spec = { .insns = code.insns.at, .n = code.insns.n, .maps = &m, .n_maps = 1 };

	err = err ? err : vm_prog_new(&spec, &p, NULL);
	err = err ? err : vm_run(p, t, NULL, 0, &limits, &out, NULL);
	vm_prog_free(p);
	maps_put(m);
	vm_thread_free(t);
	return err;
}

/* ---- each n --------------------------------------------------------------------------------------- */

static void each_n(const char *name, int (*fn)(void))
{
	u32 n = 0, reached;
	int err;

	assert_int_equal(fn(), 0);
	do {
		n++;
		asked = 0;
		alive = 0;
		left = n;
		counts = true;
		err = fn();
		counts = false;
		reached = left == 0;
		left = 0;
		if (alive)
			fail_msg("%s, request %u: %lld left behind", name, n, (long long)alive);
		/* Some can be done without: then it goes well. */
		if (err > 0 || (err && !reached))
			fail_msg("%s, request %u: %d", name, n, err);
	} while (reached && n < 1000);
	assert_true(n > 1);
	assert_int_equal(fn(), 0);
}

static void test_maps(void **state)
{
	(void)state;
	for (which = 0; which < ARRAY_LEN(specs); which++) {
		const struct isa_kind *k = isa_map_kind(specs[which].type);

		each_n(k->name, make_map);
	}
	each_n("shared", make_shared);
	each_n("outer", fill_outer);
}

static void test_program(void **state)
{
	static const char text[] =
		"r6 = 60\n*(u32 *)(r10 - 4) = r6\n*(u64 *)(r10 - 16) = 1\n"
		"r1 = map[idx:0]\nr2 = r10\nr2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\ncall 2\n"
		"r1 = map[idx:0]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto +1\nr0 = *(u64 *)(r0 + 0)\n"
		"r6 += -1\nif r6 != 0 goto -18\nr0 = 0\nexit";
	struct arena *a = arena_new(NULL);
	struct sources ss;
	struct diags dx;

	(void)state;
	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	assert_true(isa_assemble(a, &dx, sources_add(&ss, STR("test"), str_of(text)), &code));
	each_n("program", run_program);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_maps), cmocka_unit_test(test_program) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
#endif
