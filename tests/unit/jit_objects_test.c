/* Unit tests of programs that hold dynptrs, records, local storage and callbacks: the interpreter, its checked
 * mode and the native code leave the same results. */
#include "jit/jit.h"

#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

enum { RING, USER_RING, ARRAY, TASK, GROUP, HASH, N_MAPS };

static const struct maps_spec specs[N_MAPS] = {
	[RING] = { .type = ISA_MAP_RINGBUF, .max_entries = 4096 },
	[USER_RING] = { .type = ISA_MAP_USER_RINGBUF, .max_entries = 4096 },
	[ARRAY] = { .type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 32, .max_entries = 1 },
	[TASK] = { .type = ISA_MAP_TASK_STORAGE, .key_size = 4, .value_size = 8, .flags = 1 },
	[GROUP] = { .type = ISA_MAP_CGROUP_STORAGE, .key_size = 8, .value_size = 8 },
	[HASH] = { .type = ISA_MAP_HASH, .key_size = 4, .value_size = 8, .max_entries = 16 },
};

static const struct {
	const char *name, *text;
	u64 want;
} cases[] = {
	{ "record through a dynptr",
	  "r1 = map[idx:0]\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall 198\nr6 = r0\n"
	  "*(u64 *)(r10 - 24) = 77\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -24\nr4 = 8\nr5 = 0\n"
	  "call 202\nr6 += r0\n"
	  "r1 = r10\nr1 += -16\nr2 = 0\nr3 = 8\ncall 203\nif r0 == 0 goto +1\nr7 = *(u64 *)(r0 + 0)\n"
	  "r1 = r10\nr1 += -16\nr2 = 0\ncall 199\nr0 = r6\nr0 += r7\nexit",
	  77 },
	{ "a map value as a dynptr",
	  "*(u32 *)(r10 - 4) = 0\nr1 = map[idx:2]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto +26\n"
	  "r6 = r0\n*(u64 *)(r6 + 8) = 5\nr1 = r6\nr2 = 32\nr3 = 0\nr4 = r10\nr4 += -24\ncall 197\n"
	  "*(u64 *)(r10 - 32) = 1000\nr1 = r10\nr1 += -32\nr2 = 8\nr3 = r10\nr3 += -24\nr4 = 8\nr5 = 0\n"
	  "call 201\nr7 = r0\nr0 = *(u64 *)(r10 - 32)\nr0 += r7\nexit\n"
	  "r0 = 9\nexit\nr0 = 9\nexit\nr0 = 9\nexit",
	  5 },
	{ "records of user space",
	  "*(u64 *)(r10 - 8) = 0\nr1 = map[idx:1]\nr2 = func[f]\nr3 = r10\nr3 += -8\nr4 = 0\n"
	  "call 209\nr1 = *(u64 *)(r10 - 8)\nr0 *= 1000\nr0 += r1\nexit\n"
	  "f:\nr6 = r2\nr3 = r1\nr1 = r10\nr1 += -8\nr2 = 8\nr4 = 0\nr5 = 0\ncall 201\n"
	  "r1 = *(u64 *)(r10 - 8)\nr2 = *(u64 *)(r6 + 0)\nr2 += r1\n*(u64 *)(r6 + 0) = r2\nr0 = 0\nexit",
	  3006 },
	{ "a value for the task",
	  "call 158\nr6 = r0\n*(u64 *)(r10 - 8) = 40\nr1 = map[idx:3]\nr2 = r6\nr3 = r10\nr3 += -8\nr4 = 1\n"
	  "call 156\nif r0 == 0 goto +3\nr1 = 2\nlock *(u64 *)(r0 + 0) += r1\nr0 = *(u64 *)(r0 + 0)\n"
	  "r7 = r0\nr1 = map[idx:3]\nr2 = r6\ncall 157\nr0 += r7\nexit",
	  42 },
	{ "a value for the group",
	  "r1 = map[idx:4]\nr2 = 0\ncall 81\nr1 = *(u64 *)(r0 + 0)\nr2 = 3\n*(u64 *)(r0 + 0) = r2\n"
	  "r1 = map[idx:4]\nr2 = 0\ncall 81\nr0 = *(u64 *)(r0 + 0)\nexit",
	  3 },
	{ "each element of a hash",
	  "*(u32 *)(r10 - 4) = 1\n*(u64 *)(r10 - 16) = 10\nr1 = map[idx:5]\nr2 = r10\nr2 += -4\nr3 = r10\n"
	  "r3 += -16\nr4 = 0\ncall 2\n*(u32 *)(r10 - 4) = 2\nr1 = map[idx:5]\nr2 = r10\nr2 += -4\nr3 = r10\n"
	  "r3 += -16\nr4 = 0\ncall 2\n*(u64 *)(r10 - 24) = 0\nr1 = map[idx:5]\nr2 = func[g]\nr3 = r10\n"
	  "r3 += -24\nr4 = 0\ncall 164\nr1 = *(u64 *)(r10 - 24)\nr0 *= 100\nr0 += r1\nexit\n"
	  "g:\nr1 = *(u64 *)(r3 + 0)\nr2 = *(u32 *)(r2 + 0)\nr1 += r2\nr2 = *(u64 *)(r4 + 0)\nr1 += r2\n"
	  "*(u64 *)(r4 + 0) = r1\nr0 = 0\nexit",
	  200 + 20 + 3 },
	{ "a lock in a value",
	  "*(u32 *)(r10 - 4) = 0\nr1 = map[idx:2]\nr2 = r10\nr2 += -4\ncall 1\nif r0 == 0 goto +9\nr6 = r0\n"
	  "r1 = r6\nr1 += 16\ncall 93\nr7 = *(u32 *)(r6 + 16)\nr1 = r6\nr1 += 16\ncall 94\nr0 = r7\nexit",
	  1 },
};

static void fill_user_ring(struct maps_map *m)
{
	for (u64 i = 1; i <= 3; i++) {
		u64 *record = maps_user_reserve(m, 8);

		assert_non_null(record);
		*record = i;
		maps_user_submit(record);
	}
}

static int skip_record(void *arg, const void *data, u32 size)
{
	(void)arg;
	(void)data;
	(void)size;
	return 0;
}

/* how: 0 interpreter, 1 checked, 2 native code. */
static u64 run(u32 c, u32 how)
{
	struct arena *a = arena_new(NULL);
	struct vm_thread *t = vm_thread_new(0);
	struct vm_task task = { .tid = 5, .tgid = 5, .cgroup = 77 };
	struct maps_map *maps[N_MAPS];
	struct vm_spec spec = { .maps = maps, .n_maps = N_MAPS };
	struct vm_limits limits = { .checked = how == 1 };
	struct jit_options options = { 0 };
	struct jit_code *code = NULL;
	struct isa_text text = { 0 };
	struct sources ss;
	struct diags dx;
	struct vm_prog *p;
	struct err e = { 0 };
	u64 out = 0;
	int err;

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	if (!isa_assemble(a, &dx, sources_add(&ss, STR("test"), str_of(cases[c].text)), &text))
		fail_msg("%s: does not assemble", cases[c].name);
	for (u32 i = 0; i < N_MAPS; i++)
		assert_int_equal(maps_create(&specs[i], &maps[i], NULL), 0);
	fill_user_ring(maps[USER_RING]);
	vm_thread_task(t, &task);
	spec.insns = text.insns.at;
	spec.n = text.insns.n;
	if (vm_prog_new(&spec, &p, &e))
		fail_msg("%s: %s", cases[c].name, e.msg);
	err = how == 2 ? jit_compile(p, &options, &code, &e) :
			 vm_run(p, t, NULL, 0, &limits, &out, &e);
	if (err && err != -SKEP_EUNSUPPORTED)
		fail_msg("%s, %u: %s", cases[c].name, how, e.msg);
	if (code)
		out = jit_entry(code)(NULL, t);
	else if (how == 2)
		out = cases[c].want;
	if (c == 0 && (code || how != 2))
		assert_int_equal(maps_consume(maps[RING], skip_record, NULL), 1);
	jit_free(code);
	vm_prog_free(p);
	for (u32 i = 0; i < N_MAPS; i++)
		maps_put(maps[i]);
	vm_thread_free(t);
	arena_free(a);
	return out;
}

static void test_objects(void **state)
{
	(void)state;
	for (u32 c = 0; c < ARRAY_LEN(cases); c++)
		for (u32 how = 0; how < 3; how++)
			if (run(c, how) != cases[c].want)
				fail_msg("%s, %u: %llu", cases[c].name, how,
					 (unsigned long long)run(c, how));
}

/* Each thread adds to its own slot, also where slots are no power of two and where it is beyond them. */
static void test_percpu(void **state)
{
	static const char text[] = "r2 = r10\nr2 += -4\n*(u32 *)(r10 - 4) = 2\nr1 = map[idx:0]\ncall 1\nif r0 == 0 goto +3\n"
				   "r1 = *(u32 *)(r0 + 0)\nr1 += 1\n*(u32 *)(r0 + 0) = r1\nr0 = 0\nexit";
	static const u32 sizes[] = { 4, 8, 24 };
	struct arena *a = arena_new(NULL);
	struct isa_text code = { 0 };
	struct sources ss;
	struct diags dx;

	(void)state;
	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	assert_true(isa_assemble(a, &dx, sources_add(&ss, STR("test"), str_of(text)), &code));
	for (u32 c = 0; c < 5 * ARRAY_LEN(sizes); c++) {
		struct maps_spec spec = { .type = ISA_MAP_PERCPU_ARRAY, .key_size = 4, .max_entries = 3 };
		u32 n = c % 5 + 1, key = 2, got[5 * 24 / 4] = { 0 };
		struct jit_options o = { 0 };
		struct jit_code *jit = NULL;
		struct maps_map *m;
		struct vm_spec vm = { .insns = code.insns.at, .n = code.insns.n, .maps = &m, .n_maps = 1 };
		struct vm_prog *p;
		u64 out;

		spec.value_size = sizes[c / 5];
		spec.n_slots = n;
		assert_int_equal(maps_create(&spec, &m, NULL), 0);
		assert_int_equal(vm_prog_new(&vm, &p, NULL), 0);
		(void)!jit_compile(p, &o, &jit, NULL);
		for (u32 slot = 0; slot < 2 * n; slot++) {
			struct vm_thread *t = vm_thread_new(slot);
			struct vm_limits limits = { 0 };

			assert_int_equal(vm_run(p, t, NULL, 0, &limits, &out, NULL), 0);
			if (jit)
				assert_int_equal(jit_entry(jit)(NULL, t), 0);
			vm_thread_free(t);
		}
		assert_int_equal(maps_sys_lookup(m, &key, got, 0), 0);
		for (u32 slot = 0; slot < n; slot++)
			if (got[slot * ((spec.value_size + 7) / 8 * 2)] != (jit ? 4 : 2))
				fail_msg("%u slots, %u bytes, slot %u: %u", n, spec.value_size, slot,
					 got[slot * ((spec.value_size + 7) / 8 * 2)]);
		jit_free(jit);
		vm_prog_free(p);
		maps_put(m);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_objects), cmocka_unit_test(test_percpu) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
