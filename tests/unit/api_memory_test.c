/* Unit tests of api: where memory ends. The n-th allocation of a session fails, for each n in turn (and for
 * fewer and fewer of them as n grows, until nothing fails any more): what is going on ends with an error that says
 * so, whatever is called then is refused, nothing crashes, and when the session is closed no memory and no
 * descriptor is left. Only debug builds can make an allocation fail; the leak checker is theirs, too. */
#include "api/session.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef SKEP_DEBUG

static int count_fds(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	assert_non_null(dir);
	while (readdir(dir))
		n++;
	closedir(dir);
	return n;
}

static int discard(void *arg, const char *bytes, size_t n)
{
	(void)arg;
	(void)bytes;
	(void)n;
	return 0;
}

static int take_point(void *arg, const char *point)
{
	(void)arg;
	(void)point;
	return 0;
}

/* ---- what is tried ---------------------------------------------------------------------------- */

static const char *const counter_flags[] = { "kprobe:execve=hello" };
static const char wrong_text[] = "#define F(x) x + 1\nint f(void) { return F(y; }\nint g(struct s *p) { return p->x; }";
static const char bt_text[] = "BEGIN { @a[comm, pid] = count(); printf(\"%s %d\\n\", comm, 1); }\n"
			      "tracepoint:raw_syscalls:sys_enter { @b = sum(args.id); @c = hist(nsecs); }";
static const char run_text[] = "BEGIN { @a[comm] = count(); printf(\"%d\\n\", 1); exit(); }";

static int compile_counter(struct skep *s)
{
	struct skep_options o = { .sz = sizeof(o), .attach = counter_flags, .n_attach = 1 };
	int r = skep_load_file(s, "examples/counter.c", SKEP_AUTO);

	if (!r)
		skep_pragma(s, 0);
	if (!r)
		r = skep_set_options(s, &o);
	return r ? r : skep_compile(s);
}

static int compile_script(struct skep *s)
{
	int r = skep_load_text(s, "t.bt", bt_text, strlen(bt_text), SKEP_AUTO);

	return r ? r : skep_compile(s);
}

static int compile_wrong(struct skep *s)
{
	int r = skep_load_text(s, "t.c", wrong_text, strlen(wrong_text), SKEP_AUTO);

	if (!r)
		r = skep_compile(s);
	skep_diagnostics(s, 1);
	skep_diagnostics_json(s);
	return r;
}

static int dump_script(struct skep *s)
{
	int r = skep_load_text(s, "t.bt", bt_text, strlen(bt_text), SKEP_AUTO);

	if (!r)
		r = skep_dump(s, "ast", discard, NULL);
	if (!r)
		r = skep_dump(s, "ir:cfg", discard, NULL);
	return r ? r : skep_dump(s, "obj", discard, NULL);
}

static int list_events(struct skep *s)
{
	int r = skep_list(s, "software:*", take_point, NULL);

	if (r >= 0)
		r = skep_list(s, "tracepoint:sched:*", take_point, NULL);
	return r >= 0 || r != -ENOMEM ? 0 : r;
}

static int run_command(struct skep *s)
{
	char name[] = "true", *const argv[] = { name, NULL };
	struct skep_options o = { .sz = sizeof(o), .attach = counter_flags, .n_attach = 1,
				  .command = argv, .write = discard };
	int r = skep_load_file(s, "examples/hello.c", SKEP_AUTO);

	if (!r)
		r = skep_set_options(s, &o);
	return r ? r : skep_run(s);
}

static int run_script(struct skep *s)
{
	int r = skep_load_text(s, "t.bt", run_text, strlen(run_text), SKEP_AUTO);

	return r ? r : skep_run(s);
}

static uint64_t no_help(struct skep_thread *t, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	(void)t;
	return a + b + c + d + e;
}

static int call_program(struct skep *s)
{
	static const char text[] = "BPF_HASH(h, u32, u64); int f(u64 *x) { u32 k = *x; h.increment(k); return 1; }";
	struct skep_helper help = { .sz = sizeof(help), .id = SKEP_FIRST_HELPER, .name = "help", .call = no_help };
	struct skep_options o = { .sz = sizeof(o), .mem_size = 8 };
	struct skep_program *p;
	uint64_t ctx = 5, got;
	int r = skep_set_options(s, &o);

	r = r ? r : skep_add_helper(s, &help);
	r = r ? r : skep_load_text(s, "t.c", text, strlen(text), SKEP_C);
	r = r ? r : skep_program(s, NULL, &p);
	return r ? r : skep_call(p, NULL, &ctx, sizeof(ctx), &got);
}

static int refused_program(struct skep *s)
{
	static const char text[] = ".map m hash 4 8 1\nr2 = r10\nr1 = map[m]\ncall 1\nr0 = *(u64 *)(r0 + 0)\nexit\n";
	struct skep_program *p;
	int r = skep_load_text(s, "t.s", text, strlen(text), SKEP_ASM);

	return r ? r : skep_program(s, NULL, &p);
}

static int object(struct skep *s)
{
	struct skep_program *p;
	const void *bytes;
	size_t n;
	int r = skep_load_file(s, "tests/objects/core.o", SKEP_AUTO);

	r = r ? r : skep_build(s, &bytes, &n);
	return r ? r : skep_program(s, "plain", &p);
}

/* ---- all of them ---------------------------------------------------------------------------- */

static void check_dead(struct skep *s)
{
	assert_non_null(strstr(skep_error(s), "out of memory"));
	assert_int_equal(skep_compile(s), -SKEP_EINTERNAL);
	assert_int_equal(skep_load_text(s, "t.c", "int x;", 6, SKEP_AUTO), -SKEP_EINTERNAL);
	assert_int_equal(skep_dump(s, "bpf", discard, NULL), -SKEP_EINTERNAL);
	assert_int_equal(skep_list(s, "software:*", take_point, NULL), -SKEP_EINTERNAL);
	assert_int_equal(skep_set_options(s, NULL), -SKEP_EINTERNAL);
	assert_null(skep_pragma(s, 0));
}

/* Whether every child ends: one that runs may (its session has ended early), one that is stopped never would. */
static bool children_end(void)
{
	for (int ms = 0; ms < 10000; ms++) {
		pid_t got = waitpid(-1, NULL, WNOHANG);

		if (got < 0 && errno == ECHILD)
			return true;
		if (got == 0)
			usleep(1000);
	}
	return false;
}

/* Returns whether the n-th allocation was reached. */
static bool starve(const char *name, int (*what)(struct skep *s), u32 n, int *out_result)
{
	struct skep *s = skep_open(NULL);
	int fds = count_fds(), r;
	bool starved;

	assert_non_null(s);
	s->trap.fail_in = n;
	r = what(s);
	starved = s->trap.fail_in == 0;
	s->trap.fail_in = 0;
	/* Where skep_pragma() or skep_diagnostics() was starved, it is the next call that says so. */
	if (starved && (r == -ENOMEM || r == -SKEP_EINTERNAL || r == -SKEP_WRONG_PROGRAM))
		check_dead(s);
	else if (starved)
		fail_msg("%s: allocation %u: result %d: %s", name, n, r, skep_error(s));
	skep_close(s);
	if (!children_end())
		fail_msg("%s: allocation %u: a child is left", name, n);
	if (count_fds() != fds - 1)
		fail_msg("%s: allocation %u: %d descriptors are left", name, n, count_fds() - fds + 1);
	*out_result = r;
	return starved;
}

static void test_starving(void **state)
{
	static const struct { const char *name; int (*what)(struct skep *s); int want; } cases[] = {
		{ "counter.c", compile_counter, 0 },
		{ "script", compile_script, 0 },
		{ "wrong program", compile_wrong, -SKEP_WRONG_PROGRAM },
		{ "dumps", dump_script, 0 },
		{ "list", list_events, 0 },
		{ "run", run_script, 0 },
		{ "command", run_command, 0 },
		{ "program", call_program, 0 },
		{ "refused program", refused_program, -SKEP_WRONG_PROGRAM },
		{ "object", object, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		u32 n = 1, runs = 0;
		int r;

		while (starve(cases[i].name, cases[i].what, n, &r)) {
			n += 1 + n / 100;
			runs++;
		}
		if (r != cases[i].want && r != -SKEP_ENOCAP)
			fail_msg("%s: %d when nothing fails", cases[i].name, r);
		assert_true(runs > 20);
		if (getenv("SKEP_TEST_VERBOSE"))
			printf("%s: %u runs, about %u allocations\n", cases[i].name, runs, n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_starving) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}

#else

int main(void)
{
	return 0;
}

#endif
