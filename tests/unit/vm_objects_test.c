/* Unit tests of what programs hold besides numbers: dynptrs, records of a user ring buffer, local
 * storage, handles of the engine that runs them; and of the table of helpers that are refused. */
#include "vm/vm.h"

#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define P(x) ((u64)(uintptr_t)(x))
#define ERR(x) ((s64)(x))

static u64 call(struct vm_thread *t, u32 id, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	const char *why;
	vm_helper_fn fn = vm_helper_builtin(id, &why);

	assert_non_null(fn);
	return fn(t, a, b, c, d, e);
}

static struct maps_map *make(u32 type, u32 key, u32 value, u32 max, u32 flags)
{
	struct maps_spec s = { .name = STR("m"),   .type = type,       .key_size = key,
			       .value_size = value, .max_entries = max, .flags = flags,
			       .n_slots = 2 };
	struct maps_map *m;
	struct err e;

	if (maps_create(&s, &m, &e))
		fail_msg("%s", e.msg);
	return m;
}

/* Assembles, binds and runs a program on up to two maps. */
static int run(struct vm_thread *t, struct maps_map **maps, u32 n_maps, const char *text,
	       bool checked, u64 *out)
{
	struct arena *a = arena_new(NULL);
	struct vm_limits limits = { .checked = checked };
	struct isa_text code = { 0 };
	struct sources ss;
	struct diags dx;
	struct vm_spec spec = { .maps = maps, .n_maps = n_maps };
	struct vm_prog *p;
	struct err e = { 0 };
	int err;

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	if (!isa_assemble(a, &dx, sources_add(&ss, STR("test"), str_of(text)), &code))
		fail_msg("does not assemble: %s", text);
	spec.insns = code.insns.at;
	spec.n = code.insns.n;
	if (vm_prog_new(&spec, &p, &e))
		fail_msg("%s", e.msg);
	err = vm_run(p, t, NULL, 0, &limits, out, &e);
	vm_prog_free(p);
	arena_free(a);
	return err;
}

/* ---- dynptrs ------------------------------------------------------------------------------------ */

static void test_dynptr_memory(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	u8 memory[16] = "0123456789abcdef", got[8] = { 0 };
	u64 dyn[2] = { 1, 1 };

	(void)state;
	assert_int_equal(call(t, ISA_FN_dynptr_from_mem, P(memory), 16, 0, P(dyn), 0), 0);
	assert_int_equal(call(t, ISA_FN_dynptr_read, P(got), 4, P(dyn), 2, 0), 0);
	assert_memory_equal(got, "2345", 4);
	assert_int_equal(call(t, ISA_FN_dynptr_write, P(dyn), 12, P("WXYZ"), 4, 0), 0);
	assert_memory_equal(memory + 12, "WXYZ", 4);
	assert_int_equal(ERR(call(t, ISA_FN_dynptr_read, P(got), 4, P(dyn), 13, 0)), -E2BIG);
	assert_int_equal(ERR(call(t, ISA_FN_dynptr_read, P(got), 4, P(dyn), 0xffffffff, 0)),
			 -E2BIG);
	assert_int_equal(ERR(call(t, ISA_FN_dynptr_write, P(dyn), 0, P("x"), 17, 0)), -E2BIG);
	assert_int_equal(ERR(call(t, ISA_FN_dynptr_write, P(dyn), 0, P("x"), 1, 1)), -EINVAL);
	assert_int_equal(call(t, ISA_FN_dynptr_data, P(dyn), 4, 12, 0, 0), P(memory + 4));
	assert_int_equal(call(t, ISA_FN_dynptr_data, P(dyn), 4, 13, 0, 0), 0);
	/* What could not be made is null: everything on it fails. */
	assert_int_equal(ERR(call(t, ISA_FN_dynptr_from_mem, P(memory), 16, 1, P(dyn), 0)),
			 -EINVAL);
	assert_int_equal(ERR(call(t, ISA_FN_dynptr_read, P(got), 0, P(dyn), 0, 0)), -EINVAL);
	assert_int_equal(ERR(call(t, ISA_FN_dynptr_from_mem, P(memory), 1 << 24, 0, P(dyn), 0)),
			 -E2BIG);
	assert_int_equal(call(t, ISA_FN_dynptr_data, P(dyn), 0, 0, 0, 0), 0);
	vm_thread_free(t);
}

static int keep(void *arg, const void *data, u32 size)
{
	snprintf(arg, 32, "%u:%.*s", size, (int)size, (const char *)data);
	return 0;
}

static void test_dynptr_ring(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	struct maps_map *m = make(ISA_MAP_RINGBUF, 0, 0, 4096, 0);
	char text[32] = "";
	u64 dyn[2];

	(void)state;
	assert_int_equal(call(t, ISA_FN_ringbuf_reserve_dynptr, P(m), 5, 0, P(dyn), 0), 0);
	assert_int_equal(call(t, ISA_FN_dynptr_write, P(dyn), 0, P("hello"), 5, 0), 0);
	call(t, ISA_FN_ringbuf_submit_dynptr, P(dyn), 0, 0, 0, 0);
	assert_int_equal(maps_consume(m, keep, text), 1);
	assert_string_equal(text, "5:hello");
	/* Given back once: the second time it is null. */
	call(t, ISA_FN_ringbuf_submit_dynptr, P(dyn), 0, 0, 0, 0);
	assert_int_equal(call(t, ISA_FN_ringbuf_reserve_dynptr, P(m), 5, 0, P(dyn), 0), 0);
	call(t, ISA_FN_ringbuf_discard_dynptr, P(dyn), 0, 0, 0, 0);
	assert_int_equal(maps_consume(m, keep, text), 0);
	assert_int_equal(ERR(call(t, ISA_FN_ringbuf_reserve_dynptr, P(m), 5000, 0, P(dyn), 0)),
			 -EINVAL);
	call(t, ISA_FN_ringbuf_discard_dynptr, P(dyn), 0, 0, 0, 0);
	assert_int_equal(ERR(call(t, ISA_FN_ringbuf_reserve_dynptr, P(m), 1 << 24, 0, P(dyn), 0)),
			 -E2BIG);
	maps_put(m);
	vm_thread_free(t);
}

/* In the checked mode a forged dynptr leads nowhere, and a record goes back once. */
static void test_dynptr_checked(void **state)
{
	static const struct {
		const char *text;
		int err;
		u64 out;
	} cases[] = {
		{ "r1 = map[idx:0]\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall 198\n"
		  "*(u64 *)(r10 - 24) = 77\nr1 = r10\nr1 += -16\nr2 = 0\nr3 = r10\nr3 += -24\n"
		  "r4 = 8\nr5 = 0\ncall 202\nr6 = r0\nr1 = r10\nr1 += -16\nr2 = 0\ncall 199\n"
		  "r0 = r6\nexit",
		  0, 0 },
		{ "*(u64 *)(r10 - 16) = 4096\n*(u64 *)(r10 - 8) = 64\nr1 = r10\nr1 += -24\nr2 = 8\n"
		  "r3 = r10\nr3 += -16\nr4 = 0\nr5 = 0\ncall 201\nexit",
		  -EFAULT, 0 },
		{ "r1 = map[idx:0]\nr2 = 8\nr3 = 0\nr4 = r10\nr4 += -16\ncall 198\n"
		  "r6 = *(u64 *)(r10 - 16)\nr7 = *(u64 *)(r10 - 8)\n"
		  "r1 = r10\nr1 += -16\nr2 = 0\ncall 200\n"
		  "*(u64 *)(r10 - 16) = r6\n*(u64 *)(r10 - 8) = r7\n"
		  "r1 = r10\nr1 += -16\nr2 = 0\ncall 199\nr0 = 0\nexit",
		  -EFAULT, 0 },
	};
	struct vm_thread *t = vm_thread_new(0);
	struct maps_map *m = make(ISA_MAP_RINGBUF, 0, 0, 4096, 0);
	u64 out;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		out = 1;
		if (run(t, &m, 1, cases[i].text, true, &out) != cases[i].err ||
		    (!cases[i].err && out != cases[i].out))
			fail_msg("case %u", i);
	}
	maps_put(m);
	vm_thread_free(t);
}

/* ---- user ring buffers -------------------------------------------------------------------------- */

static void test_user_ring(void **state)
{
	/* Sums the first word of each record; 13 stops. */
	static const char sum[] =
		"*(u64 *)(r10 - 8) = 0\nr1 = map[idx:0]\nr2 = func[f]\nr3 = r10\nr3 += -8\nr4 = 0\n"
		"call 209\nr1 = *(u64 *)(r10 - 8)\nr0 *= 1000\nr0 += r1\nexit\n"
		"f:\nr6 = r2\nr3 = r1\nr1 = r10\nr1 += -8\nr2 = 8\nr4 = 0\nr5 = 0\ncall 201\n"
		"r1 = *(u64 *)(r10 - 8)\nr2 = *(u64 *)(r6 + 0)\nr2 += r1\n*(u64 *)(r6 + 0) = r2\n"
		"r0 = 0\nif r1 != 13 goto +1\nr0 = 1\nexit";
	struct vm_thread *t = vm_thread_new(0);
	struct maps_map *m = make(ISA_MAP_USER_RINGBUF, 0, 0, 4096, 0);
	u64 *record, out;
	u32 n = 0;

	(void)state;
	for (int checked = 0; checked < 2; checked++) {
		for (u64 i = 10; i < 16; i++) {
			record = maps_user_reserve(m, 8);
			assert_non_null(record);
			*record = i;
			if (i == 11)
				maps_user_discard(record);
			else
				maps_user_submit(record);
		}
		/* One that is still being written holds up what is behind it. */
		record = maps_user_reserve(m, 8);
		*record = 0;
		assert_int_equal(run(t, &m, 1, sum, checked, &out), 0);
		assert_int_equal(out, 3000 + 10 + 12 + 13);
		assert_int_equal(run(t, &m, 1, sum, checked, &out), 0);
		assert_int_equal(out, 2000 + 14 + 15);
		assert_int_equal(run(t, &m, 1, sum, checked, &out), 0);
		assert_int_equal(out, 0);
		maps_user_submit(record);
		assert_int_equal(run(t, &m, 1, sum, checked, &out), 0);
		assert_int_equal(out, 1000);
	}
	while ((record = maps_user_reserve(m, 8))) {
		*record = 1;
		maps_user_submit(record);
		n++;
	}
	assert_true(n >= 4096 / 16 - 1);
	assert_int_equal(maps_lost(m), 0);
	assert_int_equal(run(t, &m, 1, sum, false, &out), 0);
	assert_int_equal(out, n * 1001);
	/* The other direction, and the other kind of map, is refused. */
	assert_int_equal(maps_consume(m, keep, NULL), -EINVAL);
	assert_null(maps_ring_reserve(m, 8, 0));
	assert_int_equal(ERR(call(t, ISA_FN_user_ringbuf_drain, P(m), 0, 0, 4, 0)), -EINVAL);
	maps_put(m);
	vm_thread_free(t);
}

/* ---- local storage ------------------------------------------------------------------------------ */

static void test_task_storage(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	struct maps_map *m = make(ISA_MAP_TASK_STORAGE, 4, 8, 0, 1);
	struct vm_task one = { .tid = 21, .tgid = 20 }, two = { .tid = 22, .tgid = 20 };
	u64 task = call(t, ISA_FN_get_current_task_btf, 0, 0, 0, 0, 0), first = 5, *p, got;
	u32 key = 21;

	(void)state;
	assert_int_not_equal(task, 0);
	vm_thread_task(t, &one);
	assert_int_equal(call(t, ISA_FN_task_storage_get, P(m), task, 0, 0, 0), 0);
	p = (u64 *)(uintptr_t)call(t, ISA_FN_task_storage_get, P(m), task, P(&first), 1, 0);
	assert_non_null(p);
	assert_int_equal(*p, 5);
	*p = 6;
	assert_int_equal(call(t, ISA_FN_task_storage_get, P(m), task, P(&first), 1, 0), P(p));
	assert_int_equal(maps_sys_lookup(m, &key, &got, 0), 0);
	assert_int_equal(got, 6);
	vm_thread_task(t, &two);
	p = (u64 *)(uintptr_t)call(t, ISA_FN_task_storage_get, P(m), task, 0, 1, 0);
	assert_int_equal(*p, 0);
	/* A pointer that is no task, and flags that are none. */
	assert_int_equal(call(t, ISA_FN_task_storage_get, P(m), task + 8, 0, 1, 0), 0);
	assert_int_equal(call(t, ISA_FN_task_storage_get, P(m), task, 0, 2, 0), 0);
	assert_int_equal(ERR(call(t, ISA_FN_task_storage_delete, P(m), 8, 0, 0, 0)), -EINVAL);
	assert_int_equal(call(t, ISA_FN_task_storage_delete, P(m), task, 0, 0, 0), 0);
	assert_int_equal(ERR(call(t, ISA_FN_task_storage_delete, P(m), task, 0, 0, 0)), -ENOENT);
	assert_int_equal(call(t, ISA_FN_task_storage_get, P(m), task, 0, 0, 0), 0);
	/* As user space sees it. */
	assert_int_equal(maps_sys_next(m, NULL, &key), -524);
	assert_int_equal(maps_sys_update(m, &key, &first, 1), -EEXIST);
	assert_int_equal(maps_sys_update(m, &key, &first, 0), 0);
	assert_int_equal(maps_sys_delete(m, &key), 0);
	assert_int_equal(maps_sys_lookup(m, &key, &got, 0), -ENOENT);
	assert_int_equal(maps_sys_update(m, &key, &first, 2), -ENOENT);
	maps_put(m);
	vm_thread_free(t);
}

/* More tasks than there is room for: no value, no crash, and room again after a deletion. */
static void test_task_storage_full(void **state)
{
	struct maps_map *m = make(ISA_MAP_TASK_STORAGE, 4, 60000, 0, 1);
	u64 n = 0;

	(void)state;
	while (maps_storage_get(m, NULL, n, NULL, true))
		n++;
	assert_true(n >= 512 && n < 40000);
	assert_int_equal(maps_storage_delete(m, 7), 0);
	assert_non_null(maps_storage_get(m, NULL, n, NULL, true));
	assert_null(maps_storage_get(m, NULL, n + 1, NULL, true));
	maps_put(m);
}

static void test_cgroup_storage(void **state)
{
	static const u32 types[] = { ISA_MAP_CGROUP_STORAGE, ISA_MAP_PERCPU_CGROUP_STORAGE };
	struct vm_thread *t = vm_thread_new(1);
	struct vm_task one = { .tid = 21, .tgid = 20, .cgroup = 900 };
	u64 key[2] = { 900, 0 }, got[2] = { 0 }, *p;

	(void)state;
	vm_thread_task(t, &one);
	for (u32 i = 0; i < ARRAY_LEN(types); i++) {
		struct maps_map *m = make(types[i], 16, 8, 0, 0);

		assert_int_equal(maps_sys_update(m, key, got, 0), -ENOENT);
		p = (u64 *)(uintptr_t)call(t, ISA_FN_get_local_storage, P(m), 0, 0, 0, 0);
		assert_non_null(p);
		assert_int_equal(*p, 0);
		*p = 8;
		assert_int_equal(maps_sys_lookup(m, key, got, 0), 0);
		assert_int_equal(got[i], 8);
		assert_int_equal(maps_sys_next(m, NULL, got), 0);
		assert_int_equal(got[0], 900);
		assert_int_equal(maps_sys_next(m, key, got), -ENOENT);
		assert_int_equal(maps_sys_delete(m, key), -EINVAL);
		/* There is always a value. */
		for (u64 g = 0; g < 5000; g++)
			assert_non_null(maps_storage_get(m, NULL, g, NULL, true));
		maps_put(m);
	}
	vm_thread_free(t);
}

/* ---- the engine's table ------------------------------------------------------------------------- */

static s64 read_fake(struct vm_thread *t, void *out, u64 addr, u64 size)
{
	u32 *count = vm_thread_host(t);

	/* Half of what is asked for at a time, and nothing above 1000. */
	(*count)++;
	size = size > 1 ? size / 2 : size;
	memset(out, (int)addr, size);
	return addr > 1000 ? -EIO : (s64)size;
}

static u32 stack_fake(struct vm_thread *t, u64 *out, u32 most)
{
	u32 n = most < 5 ? most : 5;

	(void)t;
	for (u32 i = 0; i < n; i++)
		out[i] = 100 + i;
	return n;
}

static u64 time_fake(struct vm_thread *t, int clock)
{
	(void)t;
	return 1000u + (u64)clock;
}

static int signal_fake(struct vm_thread *t, u32 number, bool is_thread)
{
	(void)t;
	return number == 9 ? -EPERM : is_thread ? -1000 : 0;
}

static void test_ops(void **state)
{
	static const struct vm_ops ops = { read_fake, stack_fake, time_fake, signal_fake };
	struct vm_thread *t = vm_thread_new(0);
	u64 out[4] = { 0 };
	u32 count = 0;

	(void)state;
	vm_thread_set_host(t, &count);
	vm_thread_ops(t, &ops);
	assert_int_equal(call(t, ISA_FN_probe_read_user, P(out), 8, 7, 0, 0), 0);
	assert_true(count > 1);
	assert_int_equal(ERR(call(t, ISA_FN_probe_read_user, P(out), 8, 2000, 0, 0)), -EFAULT);
	assert_int_equal(call(t, ISA_FN_get_stack, 0, P(out), 32, 0x100 | 3, 0), 16);
	assert_int_equal(out[0], 103);
	assert_int_equal(out[1], 104);
	assert_int_equal(call(t, ISA_FN_get_stack, 0, P(out), 32, 0x100 | 9, 0), 0);
	assert_int_equal(call(t, ISA_FN_ktime_get_ns, 0, 0, 0, 0, 0), 1000 + CLOCK_MONOTONIC);
	assert_int_equal(call(t, ISA_FN_ktime_get_tai_ns, 0, 0, 0, 0, 0), 1000 + CLOCK_TAI);
	assert_int_equal(call(t, ISA_FN_send_signal, 10, 0, 0, 0, 0), 0);
	assert_int_equal(ERR(call(t, ISA_FN_send_signal, 9, 0, 0, 0, 0)), -EPERM);
	assert_int_equal(ERR(call(t, ISA_FN_send_signal_thread, 10, 0, 0, 0, 0)), -1000);
	assert_int_equal(ERR(call(t, ISA_FN_send_signal, 65, 0, 0, 0, 0)), -EINVAL);
	vm_thread_free(t);
}

/* Without a table it goes to the traced process, and never to the one that runs the program. */
static void test_signal(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	struct vm_task task = { 0 };
	int status;

	(void)state;
	assert_int_equal(ERR(call(t, ISA_FN_send_signal, 15, 0, 0, 0, 0)), -EPERM);
	task.tid = task.tgid = (u32)fork();
	if (!task.tid) {
		for (;;)
			pause();
	}
	vm_thread_task(t, &task);
	assert_int_equal(call(t, ISA_FN_send_signal, 9, 0, 0, 0, 0), 0);
	assert_int_equal(waitpid((pid_t)task.tid, &status, 0), (int)task.tid);
	assert_true(WIFSIGNALED(status) && WTERMSIG(status) == 9);
	vm_thread_free(t);
}

/* Of this process: the deepest ancestor is its own group, levels beyond are 0. */
static void test_cgroups(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	u64 own = call(t, ISA_FN_get_current_cgroup_id, 0, 0, 0, 0, 0), last = 0;

	(void)state;
	for (u64 level = 0; level < 20; level++) {
		u64 id = call(t, ISA_FN_get_current_ancestor_cgroup_id, level, 0, 0, 0, 0);

		last = id ? id : last;
	}
	assert_int_equal(last, own);
	assert_int_equal(call(t, ISA_FN_get_current_ancestor_cgroup_id, (u64)-1, 0, 0, 0, 0), 0);
	vm_thread_free(t);
}

static void test_misc(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	u64 a = call(t, ISA_FN_jiffies64, 0, 0, 0, 0, 0);

	(void)state;
	assert_true(a > 0xffff0000ull && a < 1ull << 40);
	assert_true(call(t, ISA_FN_jiffies64, 0, 0, 0, 0, 0) >= a);
	assert_int_equal(call(t, ISA_FN_set_retval, (u64)-13, 0, 0, 0, 0), 0);
	assert_int_equal(ERR(call(t, ISA_FN_get_retval, 0, 0, 0, 0, 0)), -13);
	assert_int_equal(vm_thread_retval(t), -13);
	vm_thread_free(t);
}

/* ---- refusals ----------------------------------------------------------------------------------- */

static void test_refusals(void **state)
{
	static const struct {
		u32 id;
		const char *part;
	} cases[] = {
		{ ISA_FN_probe_read_kernel, "bpf_probe_read_user" },
		{ ISA_FN_get_current_task, "task_struct" },
		{ ISA_FN_find_vma, "task_struct" },
		{ ISA_FN_override_return, "return value" },
		{ ISA_FN_perf_event_read, "counters" },
		{ ISA_FN_timer_init, "timers" },
		{ ISA_FN_kptr_xchg, "pointers" },
		{ ISA_FN_per_cpu_ptr, "variables of the kernel" },
		{ ISA_FN_this_cpu_ptr, "variables of the kernel" },
		{ ISA_FN_sk_lookup_tcp, "part of the kernel" },
		{ ISA_FN_cgrp_storage_get, "bpf_get_local_storage" },
	};
	u32 given = 0;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		const char *why = vm_helper_refusal(cases[i].id);

		if (!why || !strstr(why, cases[i].part))
			fail_msg("helper %u: %s", cases[i].id, why ? why : "given");
	}
	/* Every helper is either given or refused with words. */
	for (u32 id = 1; id <= isa_helper_count(); id++) {
		const char *why = vm_helper_refusal(id), *same;

		given += !why;
		if (id != ISA_FN_tail_call && !why != !!vm_helper_builtin(id, &same))
			fail_msg("helper %u", id);
		assert_true(!why || strlen(why) > 10);
	}
	assert_true(given >= 80);
	assert_null(vm_helper_refusal(ISA_FN_tail_call));
	assert_non_null(vm_helper_refusal(99999));
}

/* docs/user-helpers.md says of every helper what the table says; SKEP_GOLDEN=write makes it. */
static void test_doc(void **state)
{
	const char *mode = getenv("SKEP_GOLDEN"), *path = "docs/user-helpers.md";
	char *want = NULL, *have = NULL;
	size_t want_n = 0, have_n = 0;
	FILE *f = open_memstream(&want, &want_n);
	u32 given = 0;

	(void)state;
	for (u32 id = 1; id <= isa_helper_count(); id++)
		given += !vm_helper_refusal(id);
	fprintf(f,
		"# Helpers of the user engine\n\n%u of the kernel's %u. A program that calls another one is refused "
		"when it is verified, with the reason that stands\nhere. An embedding program may add helpers of "
		"its own, also under these numbers. `make golden` writes this page.\n\n"
		"| number | helper | in the user engine |\n|---:|---|---|\n",
		given, isa_helper_count());
	for (u32 id = 1; id <= isa_helper_count(); id++) {
		const struct isa_helper *h = isa_helper(id);
		const char *why = vm_helper_refusal(id);

		if (h)
			fprintf(f, "| %u | `bpf_%s` | %s%s |\n", id, h->name, why ? "no: " : "yes",
				why ? why : "");
	}
	fclose(f);
	f = fopen(path, mode && !strcmp(mode, "write") ? "w+" : "r");
	if (!f)
		fail_msg("%s: make golden writes it", path);
	if (mode && !strcmp(mode, "write"))
		assert_int_equal(fwrite(want, 1, want_n, f), want_n);
	rewind(f);
	have = calloc(1, want_n + 2);
	have_n = fread(have, 1, want_n + 1, f);
	fclose(f);
	if (have_n != want_n || memcmp(have, want, want_n) != 0)
		fail_msg("%s is not what the table says: make golden", path);
	free(want);
	free(have);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dynptr_memory),	  cmocka_unit_test(test_dynptr_ring),
		cmocka_unit_test(test_dynptr_checked),	  cmocka_unit_test(test_user_ring),
		cmocka_unit_test(test_task_storage),	  cmocka_unit_test(test_task_storage_full),
		cmocka_unit_test(test_cgroup_storage),	  cmocka_unit_test(test_ops),
		cmocka_unit_test(test_signal),		  cmocka_unit_test(test_cgroups),
		cmocka_unit_test(test_misc),		  cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_doc),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
