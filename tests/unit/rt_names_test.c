/* rt_names_test.c: numbers as names: symbols, stacks, users, cgroups, addresses, times; join, cat and system. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "rt/rt.h"

static struct arena *a;
static struct rt_names *names;
static struct obj *obj;

/* A function that the symbol table of this program has. */
__attribute__((noinline)) int well_known(int x);
int well_known(int x)
{
	return x * 3 + (int)getpid();
}

/* ---- an engine with one stack map ---------------------------------------------------------------- */

static u64 frames[4];

static int lookup(void *self, u32 map, const void *key, void *out)
{
	(void)self;
	if (map != 0 || *(const s32 *)key != 7)
		return -ENOENT;
	memcpy(out, frames, sizeof(frames));
	return 0;
}

static const struct rt_engine engine = { .name = "test", .map_lookup = lookup };

static struct rt_config config(void)
{
	return (struct rt_config){ .engine = &engine, .obj = obj, .a = a, .names = names };
}

static int setup(void **state)
{
	struct sources *ss;

	(void)state;
	a = arena_new(NULL);
	ss = arena_new_of(a, struct sources);
	sources_init(ss, a);
	obj = obj_new(a, ss);
	vec_push(a, &obj->maps)->value_size = sizeof(frames);
	names = rt_names_new(a);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	rt_names_free(names);
	arena_free(a);
	return 0;
}

static const char *show(enum obj_field_kind kind, const char *extra, const void *data, u32 size)
{
	struct obj_field f = { .kind = kind, .size = size, .extra = str_of(extra) };
	struct rt_config c = config();
	struct sbuf out;

	sbuf_init(&out, a);
	rt_print_field(&out, &c, &f, data);
	sbuf_putc(&out, 0);
	return out.s;
}

static const char *show_number(enum obj_field_kind kind, const char *extra, u64 v)
{
	return show(kind, extra, &v, sizeof(v));
}

/* ---- symbols -------------------------------------------------------------------------------------- */

struct usym { u64 address; u32 tgid, pad; };

static void test_user_symbols(void **state)
{
	struct usym known = { (u64)(uintptr_t)well_known, (u32)getpid(), 0 };
	struct usym nowhere = { 0x10, (u32)getpid(), 0 }, nobody = { 0x1234, 0x7ffffff0, 0 };

	(void)state;
	assert_string_equal(show(OBJ_F_USYM, "", &known, 16), "well_known");
	assert_string_equal(show(OBJ_F_USYM, "", &nowhere, 16), "0x10");
	assert_string_equal(show(OBJ_F_USYM, "", &nobody, 16), "0x1234");
}

/* What a child looked like is known when it is gone. */
static void test_symbols_of_the_dead(void **state)
{
	struct usym known = { (u64)(uintptr_t)well_known, 0, 0 };
	int wait_for_me[2];
	pid_t pid;

	(void)state;
	assert_int_equal(pipe(wait_for_me), 0);
	pid = fork();
	if (pid == 0) {
		char byte;

		close(wait_for_me[1]);
		_exit(read(wait_for_me[0], &byte, 1) != 0);
	}
	known.tgid = (u32)pid;
	assert_string_equal(show(OBJ_F_USYM, "", &known, 16), "well_known");
	close(wait_for_me[1]);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	close(wait_for_me[0]);
	assert_string_equal(show(OBJ_F_USYM, "", &known, 16), "well_known");
}

/* The first function of the file, if this process may see addresses. */
static u64 kernel_symbol(char name[128])
{
	FILE *f = fopen("/proc/kallsyms", "re");
	char line[512], kind;
	unsigned long long at = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "%llx %c %127s", &at, &kind, name) == 3 && at &&
		    strcmp(name, "vfs_read") == 0)
			break;
		else
			at = 0;
	if (f)
		fclose(f);
	return at;
}

static void test_kernel_symbols(void **state)
{
	char name[128];
	u64 at = kernel_symbol(name);

	(void)state;
	assert_string_equal(show_number(OBJ_F_KSYM, "", 16), "0x10");
	if (!at)
		skip();
	assert_string_equal(show_number(OBJ_F_KSYM, "", at), "vfs_read");
	assert_string_equal(show_number(OBJ_F_KSYM, "", at + 3), "vfs_read");
}

static void test_stacks(void **state)
{
	struct { s32 id; u32 tgid; } stack = { 7, (u32)getpid() };
	char want[512];

	(void)state;
	frames[0] = (u64)(uintptr_t)well_known + 2;
	frames[1] = 0x11;
	frames[2] = 0;
	frames[3] = 0x99; /* behind the end */
	assert_string_equal(show(OBJ_F_USTACK, "", &stack, 8),
			    "\n        well_known+2\n        0x11\n");
	snprintf(want, sizeof(want), "\n%llx\n11\n", (unsigned long long)frames[0]);
	assert_string_equal(show(OBJ_F_USTACK, "raw", &stack, 8), want);
	assert_non_null(strstr(show(OBJ_F_USTACK, "perf", &stack, 8), " well_known+2 (/"));
	assert_non_null(strstr(show(OBJ_F_USTACK, "perf", &stack, 8), "\t11 0x11 ([unknown])\n"));
	stack.id = 8;
	assert_string_equal(show(OBJ_F_USTACK, "", &stack, 8), "");
	stack.id = -14;
	assert_string_equal(show(OBJ_F_KSTACK, "", &stack, 8), "");
}

/* ---- others --------------------------------------------------------------------------------------- */

static void test_names(void **state)
{
	static const struct { u64 family; u8 bytes[16]; const char *want; } nets[] = {
		{ 2, { 127, 0, 0, 1 }, "127.0.0.1" },
		{ 10, { [15] = 1 }, "::1" },
		{ 10, { 0x20, 1, 0xd, 0xb8, [15] = 0xff }, "2001:db8::ff" },
		{ 77, { 0 }, "(address family 77)" },
	};
	static const u8 mac[] = { 0, 0x1a, 0xff, 3, 4, 5 };

	(void)state;
	assert_string_equal(show_number(OBJ_F_USERNAME, "", 0), "root");
	assert_string_equal(show_number(OBJ_F_USERNAME, "", 3999999999), "3999999999");
	assert_string_equal(show_number(OBJ_F_STRERROR, "", 2), "No such file or directory");
	assert_string_equal(show_number(OBJ_F_SYSCALL_NAME, "", 99999), "99999");
	assert_string_equal(show(OBJ_F_MAC, "", mac, 6), "00:1A:FF:03:04:05");
	for (u32 i = 0; i < ARRAY_LEN(nets); i++)
		assert_string_equal(show(OBJ_F_INET, "", &nets[i], 24), nets[i].want);
}

static void test_times(void **state)
{
	struct timespec boot, real;
	char want[64], got_minute[64];
	struct tm tm;

	(void)state;
	clock_gettime(CLOCK_BOOTTIME, &boot);
	clock_gettime(CLOCK_REALTIME, &real);
	localtime_r(&real.tv_sec, &tm);
	strftime(want, sizeof(want), "%Y-%m-%d", &tm);
	snprintf(got_minute, sizeof(got_minute), "%s",
		 show_number(OBJ_F_TIMESTAMP, "%Y-%m-%d",
			     (u64)boot.tv_sec * 1000000000ull + (u64)boot.tv_nsec));
	assert_string_equal(got_minute, want);
	assert_string_equal(show_number(OBJ_F_TIMESTAMP, "%H", 0), "(?)");
	assert_int_equal(strlen(show_number(OBJ_F_TIMESTAMP, "%f", 5)), 6);
	assert_int_equal(strlen(show_number(OBJ_F_TIMESTAMP, "%k", 5)), 9);
	assert_string_equal(show_number(OBJ_F_TIMESTAMP, "%%%", 5), "%%");
}

static void test_cgroups(void **state)
{
	struct stat st;

	(void)state;
	assert_string_equal(show_number(OBJ_F_CGROUP_PATH, "", 0xfffffffffffull), "17592186044415");
	if (stat("/sys/fs/cgroup/cgroup.procs", &st) || stat("/sys/fs/cgroup", &st))
		skip();
	assert_string_equal(show_number(OBJ_F_CGROUP_PATH, "", st.st_ino), "unified:/");
	assert_string_equal(show_number(OBJ_F_CGROUP_PATH, "uni*", st.st_ino), "unified:/");
	assert_string_equal(show_number(OBJ_F_CGROUP_PATH, "cpu", st.st_ino), "");
}

/* ---- actions -------------------------------------------------------------------------------------- */

struct three { struct obj_record head; char text[3][8]; };

static const char *act(enum obj_event_kind kind, const char *format, const struct three *data, u32 n_args,
		       bool json)
{
	struct obj_event *ev = vec_push(a, &obj->events);
	struct three r = *data;
	struct rt_config c = config();
	struct sbuf out;

	*ev = (struct obj_event){ .kind = kind, .format = str_of(format), .size = sizeof(r) };
	for (u32 i = 0; i < n_args; i++)
		*vec_push(a, &ev->args) = (struct obj_field){ .kind = OBJ_F_STR,
			.off = (u32)offsetof(struct three, text) + i * 8, .size = 8 };
	r.head.event = obj->events.n - 1;
	c.json = json;
	sbuf_init(&out, a);
	assert_int_equal(rt_format_record(&out, &c, &r, sizeof(r)), 0);
	sbuf_putc(&out, 0);
	return out.s;
}

static void test_actions(void **state)
{
	struct three words = { .text = { "ls", "-l", "" } }, full = { .text = { "a", "b", "12345678" } };
	struct three path = { .text = { "version" } };

	(void)state;
	assert_string_equal(act(OBJ_EV_JOIN, " ", &words, 3, false), "ls -l\n");
	assert_string_equal(act(OBJ_EV_JOIN, ",", &full, 3, false), "a,b,12345678\n");
	assert_string_equal(act(OBJ_EV_JOIN, " ", &words, 3, true),
			    "{\"type\": \"join\", \"data\": \"ls -l\\n\"}\n");
	assert_non_null(strstr(act(OBJ_EV_CAT, "/proc/%s", &path, 1, false), "Linux version"));
	assert_string_equal(act(OBJ_EV_CAT, "/nowhere/%s", &path, 1, false),
			    "cat: cannot read '/nowhere/version': No such file or directory\n");
	assert_string_equal(act(OBJ_EV_SYSTEM, "echo %s; exit 3", &words, 1, false), "ls\n");
	assert_string_equal(act(OBJ_EV_SYSTEM, "echo %s", &words, 1, true),
			    "{\"type\": \"syscall\", \"data\": \"ls\\n\"}\n");
	assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_user_symbols),
		cmocka_unit_test(test_symbols_of_the_dead),
		cmocka_unit_test(test_kernel_symbols),
		cmocka_unit_test(test_stacks),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_times),
		cmocka_unit_test(test_cgroups),
		cmocka_unit_test(test_actions),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
