/* Unit tests of probes: what this machine has. Parts that need root or a file that is not
 * everywhere are skipped with the reason. */
#include "probes/probes.h"

#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>

/* Its offset is looked up in this very file. */
__attribute__((noinline, used, visibility("default"))) int probes_test_landmark(int x);
int probes_test_landmark(int x)
{
	return x + 7;
}

#define NEED(cond, why)                                                                            \
	do {                                                                                       \
		if (!(cond)) {                                                                     \
			print_message("[  SKIPPED ] %s: %s\n", __func__, why);                     \
			skip();                                                                    \
		}                                                                                  \
	} while (0)

struct fixture {
	struct arena *a;
	struct probes_machine *m;
};

static int setup(void **state)
{
	static struct fixture f;

	f.a = arena_new(NULL);
	f.m = probes_machine_new(f.a);
	*state = &f;
	return 0;
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	probes_machine_free(f->m);
	arena_free(f->a);
	return 0;
}

static void test_version_and_cpus(void **state)
{
	struct fixture *f = *state;
	struct utsname u;
	unsigned int major, minor;

	assert_int_equal(uname(&u), 0);
	assert_int_equal(sscanf(u.release, "%u.%u", &major, &minor), 2);
	assert_int_equal(probes_kernel_version(f->m) >> 16, major);
	assert_int_equal(probes_kernel_version(f->m) >> 8 & 0xff, minor);
	assert_true(probes_cpus(f->m) >= (u32)sysconf(_SC_NPROCESSORS_ONLN));
}

static void test_syscall_symbol_of_this_kernel(void **state)
{
	struct fixture *f = *state;
	struct probes_point p = { .provider = PROBES_KPROBE };

	p.name = probes_syscall_symbol(f->m, f->a, STR("fstat"));
	if (!str_ends(p.name, "sys_newfstat"))
		fail_msg(STR_FMT, STR_ARG(p.name));
	assert_true(str_is(probes_syscall_of_symbol(p.name), "fstat"));
}

static void test_tracefs_and_formats(void **state)
{
	struct fixture *f = *state;
	struct probes_format fmt;
	struct err e;
	u32 i;

	NEED(probes_tracefs(f->m, &e) >= 0, "tracefs cannot be read");
	assert_int_equal(probes_tracefs(f->m, &e), probes_tracefs(f->m, NULL));
	if (probes_tracepoint_format(f->m, f->a, STR("raw_syscalls"), STR("sys_enter"), &fmt, &e))
		fail_msg("%s", e.msg);
	assert_true(fmt.id > 0);
	assert_int_equal(fmt.fields.n, 2);
	assert_true(str_is(fmt.fields.at[1].name, "args"));
	assert_int_equal(fmt.fields.at[1].count, 6);
	assert_int_equal(fmt.fields.at[1].off, 16);
	static const struct {
		const char *cat, *ev, *want;
	} wrong[] = {
		{ "schedd", "sched_switch", "did you mean 'sched'" },
		{ "sched", "sched_swich", "did you mean 'sched_switch'" },
		{ "..", "x", "cannot be the name" },
		{ "sched", "../../x", "cannot be the name" },
		{ "sched", "enable", "has no tracepoint" },
		{ "sched", "", "cannot be the name" },
	};
	for (i = 0; i < ARRAY_LEN(wrong); i++) {
		assert_int_equal(probes_tracepoint_format(f->m, f->a, str_of(wrong[i].cat),
							  str_of(wrong[i].ev), &fmt, &e),
				 -SKEP_ENOEVENT);
		if (!strstr(e.msg, wrong[i].want))
			fail_msg("%s:%s: %s", wrong[i].cat, wrong[i].ev, e.msg);
	}
}

/* ---- listing -------------------------------------------------------------------------------- */

struct tally {
	u32 n, limit;
	bool sorted;
	const char *want;
	bool found;
	char last[256];
};

static bool count(void *arg, const struct probes_point *p)
{
	struct tally *t = arg;
	char text[256];
	struct arena *a = arena_new(NULL);
	struct sbuf b;

	sbuf_init(&b, a);
	probes_print(&b, p);
	snprintf(text, sizeof(text), STR_FMT, STR_ARG(sbuf_str(&b)));
	arena_free(a);
	t->n++;
	if (t->want && strcmp(text, t->want) == 0)
		t->found = true;
	if (t->last[0] && strcmp(t->last, text) >= 0)
		t->sorted = false;
	memcpy(t->last, text, sizeof(text));
	return !t->limit || t->n < t->limit;
}

static void test_listing(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *pattern, *want;
		bool needs_tracefs;
	} cases[] = {
		{ "tracepoint:syscalls:sys_enter_open*", "tracepoint:syscalls:sys_enter_openat",
		  true },
		{ "tracepoint:*:sched_switch", "tracepoint:sched:sched_switch", true },
		{ "t*:syscalls:sys_exit_read", "tracepoint:syscalls:sys_exit_read", true },
		{ "rt:sys_e*", "raw_tracepoint:sys_enter", true },
		{ "ksyscall:*open*", "ksyscall:openat2", false },
		{ "kretsyscall:execve", "kretsyscall:execve", false },
		{ "software:*", "software:page-faults", false },
		{ "hardware", "hardware:cpu-cycles", false },
		{ "s:*", "software:cpu-clock", false },
	};
	u32 i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct tally t = { .sorted = true, .want = cases[i].want };
		struct err e;

		if (cases[i].needs_tracefs && probes_tracefs(f->m, NULL) < 0)
			continue;
		if (probes_list(f->m, NULL, str_of(cases[i].pattern), count, &t, &e))
			fail_msg("%s: %s", cases[i].pattern, e.msg);
		if (!t.found || !t.sorted || !t.n)
			fail_msg("%s: %u points, found %d, sorted %d", cases[i].pattern, t.n,
				 t.found, t.sorted);
	}
}

static void test_listing_stops_and_refuses(void **state)
{
	struct fixture *f = *state;
	struct tally t = { .limit = 3 };
	struct err e;

	assert_int_equal(probes_list(f->m, NULL, STR("ksyscall:*"), count, &t, &e), 0);
	assert_int_equal(t.n, 3);
	assert_int_equal(probes_list(f->m, NULL, STR("fentry:*"), count, &t, &e), -SKEP_ENOEVENT);
	assert_non_null(strstr(e.msg, "BTF"));
	assert_int_equal(probes_list(f->m, NULL, STR("nonesuch*:x"), count, &t, &e),
			 -SKEP_ENOEVENT);
	assert_int_equal(probes_list(f->m, NULL, STR("kprobee:x"), count, &t, &e), -EINVAL);
	assert_int_equal(probes_list(f->m, NULL, STR("interval:s:1"), count, &t, &e),
			 -SKEP_ENOEVENT);
	assert_int_equal(probes_list(f->m, NULL, STR("uprobe:/nonesuch:x"), count, &t, &e),
			 -SKEP_ENOEVENT);
	t = (struct tally){ .sorted = true, .want = "" };
	assert_int_equal(probes_list(f->m, NULL, STR("software:nonesuch"), count, &t, &e), 0);
	assert_int_equal(t.n, 0);
}

static void test_existence(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *in;
		int want;
		const char *near;
		bool needs_tracefs;
	} cases[] = {
		{ "BEGIN", 1, NULL, false },
		{ "ksyscall:execve", 1, NULL, false },
		{ "ksyscall:execv", 0, "execve", false },
		{ "tracepoint:sched:sched_switch", 1, NULL, true },
		{ "tracepoint:sched:sched_swich", 0, "sched_switch", true },
		{ "tracepoint:schedd:sched_switch", 0, "sched_switch", true },
		{ "raw_tracepoint:sys_enter", 1, NULL, true },
		{ "software:faults", 1, NULL, false },
		{ "fentry:vfs_read", -SKEP_ENOBTF, NULL, false },
		{ "xdp:eth0", -SKEP_EUNSUPPORTED, NULL, false },
		{ "uprobe:/nonesuch:f", 0, NULL, false },
	};
	u32 i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct probes_point p;
		struct nearest near;
		int got;

		if (cases[i].needs_tracefs && probes_tracefs(f->m, NULL) < 0)
			continue;
		assert_int_equal(probes_parse(f->a, str_of(cases[i].in), &p, NULL), 0);
		nearest_init(&near, p.name);
		got = probes_exists(f->m, NULL, &p, &near);
		if (got != cases[i].want)
			fail_msg("%s: got %d", cases[i].in, got);
		if (cases[i].near && !str_is(near.best, cases[i].near))
			fail_msg("%s: near [" STR_FMT "]", cases[i].in, STR_ARG(near.best));
	}
}

static void test_existence_by_btf(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *in;
		int want;
		const char *near;
	} cases[] = {
		{ "fentry:vfs_read", 1, NULL },	    { "fentry:vfs_raed", 0, "vfs_read" },
		{ "tp_btf:sched_switch", 1, NULL }, { "raw_tracepoint:sys_entr", 0, "sys_enter" },
		{ "iter:task", 1, NULL },
	};
	struct ty_btf *btf;
	u32 i;

	NEED(probes_has(f->m, PROBES_HAS_BTF), "the kernel has no BTF");
	assert_int_equal(ty_btf_open(ty_table_new(f->a), NULL, &btf, NULL), 0);
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct probes_point p;
		struct nearest near;
		int got;

		assert_int_equal(probes_parse(f->a, str_of(cases[i].in), &p, NULL), 0);
		nearest_init(&near, p.name);
		got = probes_exists(f->m, btf, &p, &near);
		if (got != cases[i].want)
			fail_msg("%s: got %d", cases[i].in, got);
		if (cases[i].near && !str_is(near.best, cases[i].near))
			fail_msg("%s: near [" STR_FMT "]", cases[i].in, STR_ARG(near.best));
	}
	ty_btf_close(btf);
}

/* ---- symbols -------------------------------------------------------------------------------- */

/* The file offset of an address of this process, from the kernel's own list of mappings. */
static u64 mapped_offset(const void *at)
{
	unsigned long lo, hi, off;
	char line[512];
	FILE *maps = fopen("/proc/self/maps", "r");
	u64 found = 0;

	while (maps && fgets(line, sizeof(line), maps))
		if (sscanf(line, "%lx-%lx %*s %lx", &lo, &hi, &off) == 3 &&
		    (unsigned long)at >= lo && (unsigned long)at < hi)
			found = (unsigned long)at - lo + off;
	fclose(maps);
	return found;
}

static void test_elf_offset_of_this_program(void **state)
{
	u64 off;
	struct err e;

	(void)state;
	if (probes_elf_offset(STR("/proc/self/exe"), STR("probes_test_landmark"), &off, &e))
		fail_msg("%s", e.msg);
	assert_int_equal(off, mapped_offset((const void *)(uintptr_t)probes_test_landmark));
	assert_int_equal(
		probes_elf_offset(STR("/proc/self/exe"), STR("probes_test_landmrk"), &off, &e),
		-SKEP_ENOEVENT);
	assert_non_null(strstr(e.msg, "did you mean 'probes_test_landmark'"));
}

static void test_elf_errors(void **state)
{
	static const struct {
		const char *path;
		int want;
	} cases[] = {
		{ "/nonesuch", -ENOENT },
		{ "/", -EISDIR },
		{ "/etc/passwd", -SKEP_EBADFILE },
		{ "/dev/null", -EISDIR },
	};
	struct err e;
	u64 off;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		if (probes_elf_offset(str_of(cases[i].path), STR("f"), &off, &e) != cases[i].want)
			fail_msg("%s: %d %s", cases[i].path, e.code, e.msg);
}

/* This program's own file, cut and overwritten at many places. */
static void test_elf_survives_damage(void **state)
{
	struct fixture *f = *state;
	static const u32 cuts[] = { 0, 3, 16, 63, 64, 65, 1000, 5000, 100000 };
	char path[] = "/tmp/skep-elf-XXXXXX";
	int fd = mkstemp(path);
	str self;
	u32 i;
	u64 off;

	assert_true(fd >= 0);
	assert_int_equal(base_read_file(f->a, "/proc/self/exe", 256 << 20, &self, NULL), 0);
	for (i = 0; i < ARRAY_LEN(cuts); i++) {
		assert_int_equal(ftruncate(fd, 0), 0);
		assert_int_equal(pwrite(fd, self.s, cuts[i] < self.n ? cuts[i] : self.n, 0),
				 cuts[i] < self.n ? cuts[i] : self.n);
		assert_true(probes_elf_offset(str_of(path), STR("main"), &off, NULL) < 0);
	}
	assert_int_equal(pwrite(fd, self.s, self.n, 0), self.n);
	for (i = 16; i < 64; i++) {
		char bad = (char)(self.s[i] ^ 0xff);

		assert_int_equal(pwrite(fd, &bad, 1, i), 1);
		if (probes_elf_offset(str_of(path), STR("main"), &off, NULL))
			off = 0;
		assert_int_equal(pwrite(fd, &self.s[i], 1, i), 1);
	}
	assert_int_equal(probes_elf_offset(str_of(path), STR("main"), &off, NULL), 0);
	close(fd);
	unlink(path);
}

static void test_find_binary(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *name, *end;
	} cases[] = {
		{ "/bin/sh", "/bin/sh" },      { "sh", "/sh" },
		{ "libc", "/libc.so.6" },      { "c", "/libc.so.6" },
		{ "libc.so.6", "/libc.so.6" },
	};
	static const char *const absent[] = { "", "/nonesuch", "nonesuch-x", "libnonesuch",
					      "/tmp" };
	u32 i;

	for (i = 0; i < ARRAY_LEN(cases); i++) {
		str got = probes_find_binary(f->a, str_of(cases[i].name));

		if (!str_ends(got, cases[i].end))
			fail_msg("%s: [" STR_FMT "]", cases[i].name, STR_ARG(got));
	}
	for (i = 0; i < ARRAY_LEN(absent); i++)
		assert_int_equal(probes_find_binary(f->a, str_of(absent[i])).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_version_and_cpus, setup, teardown),
		cmocka_unit_test_setup_teardown(test_syscall_symbol_of_this_kernel, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_tracefs_and_formats, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listing, setup, teardown),
		cmocka_unit_test_setup_teardown(test_listing_stops_and_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_existence, setup, teardown),
		cmocka_unit_test_setup_teardown(test_existence_by_btf, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elf_offset_of_this_program, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elf_errors, setup, teardown),
		cmocka_unit_test_setup_teardown(test_elf_survives_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(test_find_binary, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
