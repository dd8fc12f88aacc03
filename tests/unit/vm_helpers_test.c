/* Unit tests of vm's helper functions, called as the loop and the JIT call them. */
#include "vm/vm.h"

#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define P(x) ((u64)(uintptr_t)(x))

static u64 call(struct vm_thread *t, u32 id, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	const char *why;
	vm_helper_fn fn = vm_helper_builtin(id, &why);

	assert_non_null(fn);
	return fn(t, a, b, c, d, e);
}

/* ---- text ---------------------------------------------------------------------------------------
 */

static void test_snprintf(void **state)
{
	static const u8 v4[] = { 127, 0, 0, 1 }, v6[16] = { 0x20, 1, 0xd, 0xb8, [15] = 1 };
	static const struct {
		const char *fmt;
		u64 args[3];
		u32 n;
		const char *want; /* NULL: -EINVAL */
	} cases[] = {
		{ "plain 100%%", { 0 }, 0, "plain 100%" },
		{ "%d %u %x", { 0xffffffff, 0xffffffff, 0x1f }, 3, "-1 4294967295 1f" },
		{ "%lld|%llu|%llx",
		  { ~0ull, ~0ull, ~0ull },
		  3,
		  "-1|18446744073709551615|ffffffffffffffff" },
		{ "%ld %5d %-3dX", { ~0ull, 7, 7 }, 3, "-1     7 7  X" },
		{ "%05d %+d", { 42, 3 }, 2, "00042 +3" },
		{ "%#x", { 255 }, 1, NULL },
		{ "%sx", { P("ab") }, 1, NULL },
		{ "%3c|%-3c|", { 'a', 'b' }, 2, "  a|b  |" },
		{ "%s!", { P("text") }, 1, "text!" },
		{ "%5s|%-5s|", { P("ab"), P("cd") }, 2, "   ab|cd   |" },
		{ "%s", { 8 }, 1, "" },
		{ "%pks %pus", { P("own"), P("user") }, 2, "own user" },
		{ "%c%c", { 'o', 'k' }, 2, "ok" },
		{ "%px %p", { 0xabc, 0xabc }, 2, "0000000000000abc 0000000000000abc" },
		{ "%pS|%12px", { 0xabc, 0xabc }, 2, "0xabc|         abc" },
		{ "%pI4 %pi4", { P(v4), P(v4) }, 2, "127.0.0.1 127.000.000.001" },
		{ "%pI6", { P(v6) }, 1, "2001:db8::1" },
		{ "%pi6", { P(v6) }, 1, "20010db8000000000000000000000001" },
		{ "%d", { 0 }, 0, NULL },
		{ "%f", { 0 }, 1, NULL },
		{ "%n", { 0 }, 1, NULL },
		{ "%", { 0 }, 1, NULL },
		{ "%1000d", { 0 }, 1, NULL },
		{ "%hd", { 0 }, 1, NULL },
		{ "%ls", { 0 }, 1, NULL },
	};
	struct vm_thread *t = vm_thread_new(0);
	char out[128];
	s64 n;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		memset(out, 'Z', sizeof(out));
		n = (s64)call(t, ISA_FN_snprintf, P(out), sizeof(out), P(cases[i].fmt),
			      P(cases[i].args), cases[i].n * 8);
		if (!cases[i].want
			    ? n != -EINVAL
			    : strcmp(out, cases[i].want) || n != (s64)strlen(cases[i].want) + 1)
			fail_msg("%s: %lld, %s", cases[i].fmt, (long long)n, out);
	}
	/* Cut, but the whole length is told. */
	n = (s64)call(t, ISA_FN_snprintf, P(out), 4, P("abcdef"), 0, 0);
	assert_int_equal(n, 7);
	assert_string_equal(out, "abc");
	assert_int_equal((s64)call(t, ISA_FN_snprintf, 0, 0, P("abcdef"), 0, 0), 7);
	assert_int_equal((s64)call(t, ISA_FN_snprintf, P(out), 4, P("%d"), P(out), 7), -EINVAL);
	vm_thread_free(t);
}

static void keep(void *arg, const char *text, u32 n)
{
	snprintf(arg, 64, "%.*s", (int)n, text);
}

static void test_trace(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	u64 args[4] = { 1, 2, 3, 4 };
	char out[64] = "";

	(void)state;
	assert_int_equal(call(t, ISA_FN_trace_printk, P("%d-%d"), 6, 1, 2, 0), 3);
	vm_thread_print(t, keep, out);
	assert_int_equal(call(t, ISA_FN_trace_printk, P("%d-%d"), 6, 1, 2, 0), 3);
	assert_string_equal(out, "1-2");
	assert_int_equal(call(t, ISA_FN_trace_vprintk, P("%d %d %d %d"), 12, P(args), 32, 0), 7);
	assert_string_equal(out, "1 2 3 4");
	/* No NUL within the size. */
	assert_int_equal((s64)call(t, ISA_FN_trace_printk, P("%d-%d"), 5, 1, 2, 0), -EINVAL);
	vm_thread_free(t);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *text;
		u64 base;
		bool is_unsigned;
		s64 ret, value;
	} cases[] = {
		{ "42", 10, false, 2, 42 },
		{ " -42x", 0, false, 4, -42 },
		{ "0x1F", 0, false, 4, 31 },
		{ "0x1F", 16, true, 4, 31 },
		{ "017", 0, true, 3, 15 },
		{ "ff", 16, true, 2, 255 },
		{ "9", 8, true, -EINVAL, 0 },
		{ "", 10, false, -EINVAL, 0 },
		{ "-", 10, false, -EINVAL, 0 },
		{ "-1", 10, true, -EINVAL, 0 },
		{ "1", 7, true, -EINVAL, 0 },
		{ "0x", 0, false, 1, 0 },
		{ "99999999999999999999", 10, true, -ERANGE, 0 },
		{ "9223372036854775808", 10, false, -ERANGE, 0 },
		{ "-9223372036854775808", 10, false, 20, INT64_MIN },
	};
	struct vm_thread *t = vm_thread_new(0);

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		s64 v = 0, n;

		n = (s64)call(t, cases[i].is_unsigned ? ISA_FN_strtoul : ISA_FN_strtol,
			      P(cases[i].text), strlen(cases[i].text), cases[i].base, P(&v), 0);
		if (n != cases[i].ret || v != cases[i].value)
			fail_msg("'%s': %lld, %lld", cases[i].text, (long long)n, (long long)v);
	}
	assert_int_equal(call(t, ISA_FN_strncmp, P("abc"), 3, P("abd"), 0, 0), (u64)-1);
	assert_int_equal(call(t, ISA_FN_strncmp, P("abc"), 2, P("abd"), 0, 0), 0);
	vm_thread_free(t);
}

/* ---- who, when, where
 * ---------------------------------------------------------------------------- */

static void test_task(void **state)
{
	struct vm_task task = {
		.tid = 11, .tgid = 10, .uid = 3, .gid = 4, .comm = "traced", .cgroup = 99
	};
	struct vm_thread *t = vm_thread_new(3);
	char comm[16];

	(void)state;
	assert_int_equal(call(t, ISA_FN_get_current_pid_tgid, 0, 0, 0, 0, 0) >> 32, getpid());
	assert_int_equal((u32)call(t, ISA_FN_get_current_uid_gid, 0, 0, 0, 0, 0), getuid());
	assert_int_equal(call(t, ISA_FN_get_smp_processor_id, 0, 0, 0, 0, 0), 3);
	/* The name of the thread that runs the program, whatever the process was started as. */
	prctl(PR_SET_NAME, "thread-name");
	assert_int_equal(call(t, ISA_FN_get_current_comm, P(comm), sizeof(comm), 0, 0, 0), 0);
	assert_string_equal(comm, "thread-name");
	vm_thread_task(t, &task);
	assert_int_equal(call(t, ISA_FN_get_current_pid_tgid, 0, 0, 0, 0, 0), 10ull << 32 | 11);
	assert_int_equal(call(t, ISA_FN_get_current_uid_gid, 0, 0, 0, 0, 0), 4ull << 32 | 3);
	assert_int_equal(call(t, ISA_FN_get_current_cgroup_id, 0, 0, 0, 0, 0), 99);
	memset(comm, 'Z', sizeof(comm));
	assert_int_equal(call(t, ISA_FN_get_current_comm, P(comm), sizeof(comm), 0, 0, 0), 0);
	assert_memory_equal(comm, "traced\0\0\0\0\0\0\0\0\0", 16);
	memset(comm, 'Z', sizeof(comm));
	assert_int_equal(call(t, ISA_FN_get_current_comm, P(comm), 4, 0, 0, 0), 0);
	assert_memory_equal(comm, "tra\0Z", 5);
	vm_thread_free(t);
}

static void test_time(void **state)
{
	static const struct {
		u32 id;
		clockid_t clock;
	} cases[] = { { ISA_FN_ktime_get_ns, CLOCK_MONOTONIC },
		      { ISA_FN_ktime_get_boot_ns, CLOCK_BOOTTIME },
		      { ISA_FN_ktime_get_coarse_ns, CLOCK_MONOTONIC_COARSE },
		      { ISA_FN_ktime_get_tai_ns, CLOCK_TAI } };
	struct vm_thread *t = vm_thread_new(0);
	u32 a, b;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct timespec before, after;
		u64 now;

		clock_gettime(cases[i].clock, &before);
		now = call(t, cases[i].id, 0, 0, 0, 0, 0);
		clock_gettime(cases[i].clock, &after);
		assert_true(now >= (u64)before.tv_sec * 1000000000u + (u64)before.tv_nsec);
		assert_true(now <= (u64)after.tv_sec * 1000000000u + (u64)after.tv_nsec);
	}
	a = (u32)call(t, ISA_FN_get_prandom_u32, 0, 0, 0, 0, 0);
	b = (u32)call(t, ISA_FN_get_prandom_u32, 0, 0, 0, 0, 0);
	assert_true(a != b || a != (u32)call(t, ISA_FN_get_prandom_u32, 0, 0, 0, 0, 0));
	vm_thread_free(t);
}

static void test_probe(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	u8 *pages = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char out[32];

	(void)state;
	assert_true(pages != MAP_FAILED);
	memcpy(pages + 4096 - 6, "string", 6);
	memcpy(pages + 4096 - 12, "short\0", 6);
	assert_int_equal(munmap(pages + 4096, 4096), 0);
	assert_int_equal(call(t, ISA_FN_probe_read_user, P(out), 6, P(pages + 4090), 0, 0), 0);
	assert_memory_equal(out, "string", 6);
	memset(out, 'Z', sizeof(out));
	assert_int_equal((s64)call(t, ISA_FN_probe_read_user, P(out), 8, P(pages + 4090), 0, 0),
			 -EFAULT);
	assert_memory_equal(out, "\0\0\0\0\0\0\0\0Z", 9);
	assert_int_equal((s64)call(t, ISA_FN_probe_read_user, P(out), 8, 8, 0, 0), -EFAULT);
	assert_int_equal(call(t, ISA_FN_probe_read_user_str, P(out), 32, P(pages + 4084), 0, 0), 6);
	assert_string_equal(out, "short");
	assert_int_equal(call(t, ISA_FN_probe_read_user_str, P(out), 4, P(pages + 4084), 0, 0), 4);
	assert_string_equal(out, "sho");
	assert_int_equal(
		(s64)call(t, ISA_FN_probe_read_user_str, P(out), 32, P(pages + 4090), 0, 0),
		-EFAULT);
	assert_int_equal(call(t, ISA_FN_probe_read_user_str, P(out), 0, P(pages), 0, 0), 0);
	munmap(pages, 4096);
	vm_thread_free(t);
}

/* Memory of another process, by its id and by its mem file. */
static void test_probe_other(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	static volatile u64 word = 1;
	struct vm_task task = { 0 };
	int pair[2];
	char path[64], byte;
	u64 got = 0;
	FILE *f;

	(void)state;
	assert_int_equal(pipe(pair), 0);
	task.tid = task.tgid = (u32)fork();
	if (!task.tid) {
		word = 0x1122334455667788;
		_exit(write(pair[1], "x", 1) != 1 || pause() == 0);
	}
	assert_int_equal(read(pair[0], &byte, 1), 1);
	vm_thread_task(t, &task);
	assert_int_equal(call(t, ISA_FN_probe_read_user, P(&got), 8, P(&word), 0, 0), 0);
	assert_int_equal(got, 0x1122334455667788);
	snprintf(path, sizeof(path), "/proc/%u/mem", task.tid);
	f = fopen(path, "r");
	assert_non_null(f);
	task.mem_fd = fileno(f);
	vm_thread_task(t, &task);
	got = 0;
	assert_int_equal(call(t, ISA_FN_copy_from_user, P(&got), 8, P(&word), 0, 0), 0);
	assert_int_equal(got, 0x1122334455667788);
	fclose(f);
	kill((pid_t)task.tid, SIGKILL);
	waitpid((pid_t)task.tid, NULL, 0);
	close(pair[0]);
	close(pair[1]);
	vm_thread_free(t);
}

/* A hand-made chain of frames: saved frame pointer, return address. */
static void test_stack(void **state)
{
	enum { USER = 1 << 8 };
	u64 frames[6] = { 0 }, out[5];
	struct vm_site site = { .ip = 100, .fp = P(frames) };
	struct maps_spec spec = { .name = STR("s"),
				  .type = ISA_MAP_STACK_TRACE,
				  .key_size = 4,
				  .value_size = 40,
				  .max_entries = 8 };
	struct maps_map *m;
	u32 key;
	s64 id;
	struct vm_thread *t = vm_thread_new(0);

	(void)state;
	frames[0] = P(&frames[2]);
	frames[1] = 101;
	frames[2] = P(&frames[4]);
	frames[3] = 102;
	vm_thread_site(t, &site);
	assert_int_equal(call(t, ISA_FN_get_stack, 0, P(out), sizeof(out), USER, 0), 24);
	assert_memory_equal(out, ((u64[]){ 100, 101, 102, 0, 0 }), sizeof(out));
	assert_int_equal(call(t, ISA_FN_get_stack, 0, P(out), 8, USER | 1, 0), 8);
	assert_int_equal(out[0], 101);
	assert_int_equal((s64)call(t, ISA_FN_get_stack, 0, P(out), 8, 0, 0), -EOPNOTSUPP);
	assert_int_equal((s64)call(t, ISA_FN_get_stack, 0, P(out), 7, USER, 0), -EINVAL);
	assert_int_equal(maps_create(&spec, &m, NULL), 0);
	id = (s64)call(t, ISA_FN_get_stackid, 0, P(m), USER, 0, 0);
	assert_true(id >= 0);
	key = (u32)id;
	assert_int_equal(maps_sys_lookup(m, &key, out, 0), 0);
	assert_memory_equal(out, ((u64[]){ 100, 101, 102, 0, 0 }), sizeof(out));
	assert_int_equal((s64)call(t, ISA_FN_get_stackid, 0, P(m), USER, 0, 0), id);
	assert_int_equal((s64)call(t, ISA_FN_get_stackid, 0, P(m), 0, 0, 0), -EOPNOTSUPP);
	maps_put(m);
	vm_thread_free(t);
}

/* ---- packets
 * ------------------------------------------------------------------------------------- */

static void test_packet(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	u8 data[8] = { 1, 2, 3, 4, 5, 6, 7, 8 }, out[4];
	struct vm_packet k = { .data = data, .size = 8, .redirect = 4 };

	(void)state;
	assert_int_equal((s64)call(t, ISA_FN_skb_load_bytes, 0, 0, P(out), 4, 0), -EFAULT);
	vm_thread_packet(t, &k);
	assert_int_equal(call(t, ISA_FN_skb_load_bytes, 0, 4, P(out), 4, 0), 0);
	assert_memory_equal(out, "\5\6\7\10", 4);
	assert_int_equal((s64)call(t, ISA_FN_skb_load_bytes, 0, 5, P(out), 4, 0), -EFAULT);
	assert_memory_equal(out, "\0\0\0\0", 4);
	assert_int_equal((s64)call(t, ISA_FN_xdp_load_bytes, 0, 0xffffffff, P(out), 4, 0), -EINVAL);
	assert_int_equal(call(t, ISA_FN_skb_store_bytes, 0, 6, P("ab"), 2, 0), 0);
	assert_memory_equal(data + 6, "ab", 2);
	assert_int_equal(call(t, ISA_FN_xdp_get_buff_len, 0, 0, 0, 0, 0), 8);
	assert_int_equal(call(t, ISA_FN_redirect, 9, 0, 0, 0, 0), 4);
	assert_int_equal(vm_thread_get_packet(t)->target, 9);
	k.read_only = true;
	vm_thread_packet(t, &k);
	assert_int_equal((s64)call(t, ISA_FN_skb_store_bytes, 0, 6, P("ab"), 2, 0), -EFAULT);
	vm_thread_free(t);
}

/* Replacing words in a buffer and adding the difference is as good as summing anew. */
static void test_csum(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	u32 old[4] = { 0x12345678, 0xffffffff, 0, 0x80000001 }, new[4];
	u64 whole, diff;

	(void)state;
	memcpy(new, old, sizeof(new));
	new[1] = 0x0badcafe;
	new[3] = 7;
	whole = call(t, ISA_FN_csum_diff, 0, 0, P(new), 16, 0);
	diff = call(t, ISA_FN_csum_diff, P(old), 16, P(new), 16,
		    call(t, ISA_FN_csum_diff, 0, 0, P(old), 16, 0));
	assert_int_equal(diff, whole);
	assert_true(whole <= 0xffff);
	assert_int_equal(call(t, ISA_FN_csum_diff, 0, 0, P("\1\0\2\0"), 4, 0), 3);
	assert_int_equal((s64)call(t, ISA_FN_csum_diff, P(old), 3, 0, 0, 0), -EINVAL);
	vm_thread_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_snprintf),    cmocka_unit_test(test_trace),
		cmocka_unit_test(test_numbers),	    cmocka_unit_test(test_task),
		cmocka_unit_test(test_time),	    cmocka_unit_test(test_probe),
		cmocka_unit_test(test_probe_other), cmocka_unit_test(test_stack),
		cmocka_unit_test(test_packet),	    cmocka_unit_test(test_csum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
