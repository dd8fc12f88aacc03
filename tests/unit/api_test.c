/* Unit tests of api: the public interface as a program in another language would use it. Nothing here looks
 * inside a session. Programs are attached to nothing but BEGIN and intervals of their own, so that the machine's
 * other processes are not seen; runs need root and are skipped without. */
#include "skep/skep.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <semaphore.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

#define GOOD "int hello(void *ctx) { return 0; }\n"
#define TAIL "BPF_HASH(t, u32, u64); int hello(void *ctx) { u32 k = 1; t.increment(k); return 0; }\n"

static const char *const at_begin[] = { "BEGIN=hello" };

static struct skep_options options(void)
{
	return (struct skep_options){ .sz = sizeof(struct skep_options),
				      .attach = at_begin, .n_attach = 1 };
}

/* A session with `text` loaded. */
static struct skep *load(const struct skep_options *o, const char *name, const char *text)
{
	struct skep *s = skep_open(o);

	assert_non_null(s);
	assert_int_equal(skep_load_text(s, name, text, strlen(text), SKEP_AUTO), 0);
	return s;
}

static void want_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

/* ---- what a caller is given ------------------------------------------------------------------- */

struct text { char *s; size_t n; };

static int keep(void *arg, const char *bytes, size_t n)
{
	struct text *t = arg;
	char *more = realloc(t->s, t->n + n + 1);

	if (!more)
		return -ENOMEM;
	memcpy(more + t->n, bytes, n);
	t->s = more;
	t->n += n;
	more[t->n] = 0;
	return 0;
}

static int refuse_output(void *arg, const char *bytes, size_t n)
{
	(void)arg;
	(void)bytes;
	(void)n;
	return -EPIPE;
}

/* The stage as text, to be freed; NULL if there is none. */
static char *dump(struct skep *s, const char *stage, int want)
{
	struct text t = { 0 };
	int r = skep_dump(s, stage, keep, &t);

	if (r != want)
		fail_msg("--stage %s: %d instead of %d: %s%s", stage, r, want, skep_error(s),
			 skep_diagnostics(s, 0));
	return t.s;
}

/* ---- options -------------------------------------------------------------------------------- */

static void test_option_sizes(void **state)
{
	struct { struct skep_options o; char later[64]; } newer = { .o = options() };
	static const size_t unknown[] = { 0, 4, 4097, (size_t)1 << 40 };
	struct skep_options o = options();
	struct skep *s;

	(void)state;
	for (size_t i = 0; i < LEN(unknown); i++) {
		o.sz = unknown[i];
		assert_null(skep_open(&o));
	}
	newer.o.sz = sizeof(newer);
	s = load(&newer.o, "t.c", GOOD);
	assert_int_equal(skep_compile(s), 0);
	skep_close(s);
	newer.later[63] = 1;
	assert_null(skep_open(&newer.o));
	/* An older caller: only what it knows is read. */
	o = options();
	o.sz = offsetof(struct skep_options, attach);
	s = load(&o, "t.c", GOOD);
	assert_int_equal(skep_compile(s), -SKEP_WRONG_PROGRAM);
	want_part(skep_diagnostics(s, 0), "has no event");
	skep_close(s);
}

static void test_no_options(void **state)
{
	struct skep *s = skep_open(NULL);

	(void)state;
	assert_non_null(s);
	assert_string_equal(skep_error(s), "");
	assert_string_equal(skep_diagnostics(s, 0), "");
	assert_string_equal(skep_diagnostics_json(s), "");
	assert_int_equal(skep_exit_code(s), 0);
	assert_int_equal(skep_command_status(s), -1);
	assert_int_equal(skep_lost(s), 0);
	skep_close(s);
	skep_close(NULL);
}

static void test_options_are_copied(void **state)
{
	char point[] = "BEGIN=hello", define[] = "TWO=2";
	const char *attach[] = { point }, *defines[] = { define };
	struct skep_options o = { .sz = sizeof(o), .attach = attach, .n_attach = 1,
				  .defines = defines, .n_defines = 1 };
	struct skep *s = load(&o, "t.c", "int hello(void *ctx) { return TWO; }");

	(void)state;
	memset(point, 'x', sizeof(point) - 1);
	memset(define, 'x', sizeof(define) - 1);
	attach[0] = defines[0] = NULL;
	memset(&o, 0xff, sizeof(o));
	assert_int_equal(skep_compile(s), 0);
	skep_close(s);
}

static void test_set_options(void **state)
{
	struct skep_options o = options(), wrong = options();
	struct skep *s = load(NULL, "t.c", GOOD);

	(void)state;
	assert_int_equal(skep_compile(s), -SKEP_WRONG_PROGRAM);
	skep_close(s);
	s = load(NULL, "t.c", GOOD);
	assert_int_equal(skep_set_options(s, &o), 0);
	wrong.sz = 1;
	assert_int_equal(skep_set_options(s, &wrong), -SKEP_WRONG_USE);
	want_part(skep_error(s), "size");
	/* What was set before still holds. */
	assert_int_equal(skep_compile(s), 0);
	assert_string_equal(skep_error(s), "");
	assert_int_equal(skep_set_options(s, &o), -SKEP_WRONG_USE);
	want_part(skep_error(s), "before compiling");
	skep_close(s);
}

static void test_attach_flags(void **state)
{
	static const struct { const char *flag; int want; const char *error; } cases[] = {
		{ "BEGIN=hello", 0, "" },
		{ "BEGIN", 0, "" },
		{ "BEGIN=helo", -EINVAL, "no function 'helo'; did you mean 'hello'?" },
		{ "BEGIN=zzzzzzzz", -EINVAL, "no function 'zzzzzzzz'" },
		{ "nonsense:x=hello", -EINVAL, "nonsense" },
		{ "=hello", -EINVAL, "--attach =hello" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct skep_options o = { .sz = sizeof(o), .attach = &cases[i].flag, .n_attach = 1 };
		struct skep_options good = options();
		struct skep *s = load(&o, "t.c", GOOD);
		int r = skep_compile(s);

		if (r != cases[i].want)
			fail_msg("%s: %d: %s", cases[i].flag, r, skep_error(s));
		want_part(skep_error(s), cases[i].error);
		/* A flag can be corrected. */
		if (r) {
			assert_int_equal(skep_set_options(s, &good), 0);
			assert_int_equal(skep_compile(s), 0);
		}
		skep_close(s);
	}
}

static void test_user_engine_compiles(void **state)
{
	struct skep_options o = options();
	struct skep *s;

	(void)state;
	o.engine = SKEP_ENGINE_USER;
	s = load(&o, "t.c", GOOD);
	assert_int_equal(skep_compile(s), 0);
	skep_close(s);
}

/* ---- loading -------------------------------------------------------------------------------- */

static void test_wrong_order(void **state)
{
	struct skep_options o = options();
	struct skep *s = skep_open(&o);

	(void)state;
	assert_int_equal(skep_compile(s), -SKEP_WRONG_USE);
	want_part(skep_error(s), "no program was loaded");
	assert_int_equal(skep_check(s), -SKEP_WRONG_USE);
	assert_int_equal(skep_run(s), -SKEP_WRONG_USE);
	assert_null(dump(s, "ast", -SKEP_WRONG_USE));
	assert_null(dump(s, "bpf", -SKEP_WRONG_USE));
	assert_null(skep_pragma(s, 0));
	assert_int_equal(skep_load_text(s, "t.c", GOOD, strlen(GOOD), SKEP_AUTO), 0);
	assert_int_equal(skep_load_text(s, "t.c", GOOD, strlen(GOOD), SKEP_AUTO), -SKEP_WRONG_USE);
	want_part(skep_error(s), "has a program already");
	assert_int_equal(skep_compile(s), 0);
	assert_string_equal(skep_error(s), "");
	assert_int_equal(skep_compile(s), 0);
	skep_close(s);
}

static void test_load_text(void **state)
{
	static const struct { const char *name, *text; size_t n; const char *error; } cases[] = {
		{ "empty.c", "", 0, "empty.c is empty" },
		{ "blank.c", " \n\t\r\n", 5, "blank.c is empty" },
		{ "nul.c", "int x\0;", 7, "NUL" },
		{ "large.c", "x", ((size_t)64 << 20) + 1, "64 MiB" },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct skep *s = skep_open(NULL);
		int r = skep_load_text(s, cases[i].name, cases[i].text, cases[i].n, SKEP_AUTO);

		assert_true(r < 0);
		want_part(skep_error(s), cases[i].error);
		/* Another try is legal. */
		assert_int_equal(skep_load_text(s, "t.c", GOOD, strlen(GOOD), SKEP_AUTO), 0);
		skep_close(s);
	}
}

static void write_file(const char *path, const char *text, off_t size)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), strlen(text));
	if (size)
		assert_int_equal(ftruncate(fd, size), 0);
	close(fd);
}

static void test_load_file(void **state)
{
	static const struct { const char *name, *text; off_t size; int want; const char *error; } cases[] = {
		{ "good.c", GOOD, 0, 0, "" },
		{ "empty.c", "", 0, -5005, "is empty" },
		{ "rubbish.c", "\1\2\3", 100, -5005, "NUL" },
		{ "large.c", "", ((off_t)64 << 20) + 1, -EFBIG, "larger than" },
	};
	char folder[] = "/tmp/skep-test-XXXXXX", path[256];

	(void)state;
	assert_non_null(mkdtemp(folder));
	for (size_t i = 0; i < LEN(cases); i++) {
		struct skep *s = skep_open(NULL);
		int r;

		snprintf(path, sizeof(path), "%s/%s", folder, cases[i].name);
		write_file(path, cases[i].text, cases[i].size);
		r = skep_load_file(s, path, SKEP_AUTO);
		if (r != cases[i].want)
			fail_msg("%s: %d: %s", cases[i].name, r, skep_error(s));
		want_part(skep_error(s), cases[i].error);
		want_part(r ? skep_error(s) : path, path);
		skep_close(s);
		unlink(path);
	}
	rmdir(folder);
}

static void test_load_file_that_is_none(void **state)
{
	struct skep *s = skep_open(NULL);

	(void)state;
	assert_int_equal(skep_load_file(s, "/nonexistent/x.c", SKEP_AUTO), -ENOENT);
	want_part(skep_error(s), "cannot read '/nonexistent/x.c': No such file");
	assert_int_equal(skep_load_file(s, "/", SKEP_AUTO), -EISDIR);
	want_part(skep_error(s), "Is a directory");
	skep_close(s);
}

static void test_language(void **state)
{
	static const char c[] = GOOD, bt[] = "BEGIN { exit(); }\n";
	static const struct { const char *name, *text; enum skep_language lang; int want; } cases[] = {
		{ "x.c", c, SKEP_AUTO, 0 },
		{ "x.h", c, SKEP_AUTO, 0 },
		{ "x", c, SKEP_AUTO, 0 },
		{ "x.bt", bt, SKEP_AUTO, 0 },
		{ "x", "#!/usr/bin/env bpftrace\nBEGIN { exit(); }\n", SKEP_AUTO, 0 },
		{ "x", "#!/usr/bin/bpftrace\nBEGIN { exit(); }\n", SKEP_AUTO, 0 },
		{ "x", bt, SKEP_BPFTRACE, 0 },
		{ "x.c", bt, SKEP_BPFTRACE, 0 },
		{ "x.bt", c, SKEP_C, 0 },
		{ "x.c", bt, SKEP_AUTO, -SKEP_WRONG_PROGRAM },
		{ "x.bt", c, SKEP_AUTO, -SKEP_WRONG_PROGRAM },
		{ "x", bt, SKEP_C, -SKEP_WRONG_PROGRAM },
	};

	(void)state;
	for (size_t i = 0; i < LEN(cases); i++) {
		struct skep *s = skep_open(NULL);

		assert_int_equal(skep_load_text(s, cases[i].name, cases[i].text,
						strlen(cases[i].text), cases[i].lang), 0);
		free(dump(s, "ast", cases[i].want));
		skep_close(s);
	}
}

static void test_pragmas(void **state)
{
	static const char text[] = "#pragma skep --every 2s\n#pragma once\n#pragma skep --attach "
				   "'BEGIN=hello'\n" GOOD;
	struct skep *s = load(NULL, "t.c", text);

	(void)state;
	assert_string_equal(skep_pragma(s, 0), "--every 2s");
	assert_string_equal(skep_pragma(s, 1), "--attach 'BEGIN=hello'");
	assert_null(skep_pragma(s, 2));
	assert_null(skep_pragma(s, (size_t)-1));
	skep_close(s);
	/* They are there however wrong the program is. */
	s = load(NULL, "t.c", "#pragma skep --strict\nint x = ;\n");
	assert_string_equal(skep_pragma(s, 0), "--strict");
	assert_int_equal(skep_compile(s), -SKEP_WRONG_PROGRAM);
	skep_close(s);
	s = load(NULL, "t.bt", "BEGIN { exit(); }");
	assert_null(skep_pragma(s, 0));
	skep_close(s);
}

/* ---- dumps ---------------------------------------------------------------------------------- */

/* The names of the passes, out of what an unknown one is answered with. */
static char *pass_names(struct skep *s)
{
	const char *list;

	assert_null(dump(s, "ir:nope", -EINVAL));
	want_part(skep_error(s), "there is no stage 'ir:nope'");
	list = strstr(skep_error(s), "passes: ");
	assert_non_null(list);
	return strdup(list + strlen("passes: "));
}

static void test_dump_stages(void **state)
{
	static const char *const programs[][2] = {
		{ "t.c", TAIL },
		{ "t.bt", "BEGIN { @[comm] = count(); }" },
	};
	static const struct { const char *stage, *part; } stages[] = {
		{ "tokens", "" }, { "ast", "" }, { "ir:none", "fn " }, { "ir", "fn " },
		{ "bpf", "exit" }, { "obj", "map" },
	};

	(void)state;
	for (size_t p = 0; p < LEN(programs); p++) {
		struct skep_options o = options();
		struct skep *s;
		size_t n = 0;
		char *names, *rest, *name, *last = NULL;

		o.n_attach = p == 0;
		s = load(&o, programs[p][0], programs[p][1]);
		names = rest = pass_names(s);
		/* Twice: what comes later in the pipeline uses up what was before. */
		for (size_t i = 0; i < 2 * LEN(stages); i++) {
			char *text = dump(s, stages[i % LEN(stages)].stage, 0);

			assert_non_null(text);
			want_part(text, stages[i % LEN(stages)].part);
			free(text);
		}
		while ((name = strsep(&rest, " "))) {
			char stage[64];

			snprintf(stage, sizeof(stage), "ir:%s", name);
			free(last);
			last = dump(s, stage, 0);
			assert_non_null(last);
			want_part(last, "fn ");
			n++;
		}
		assert_true(n >= 8);
		/* The last pass is where `ir` stands. */
		name = dump(s, "ir", 0);
		assert_string_equal(name, last);
		free(name);
		free(last);
		free(names);
		skep_close(s);
	}
}

static void test_dump_is_deterministic(void **state)
{
	static const char *const stages[] = { "ir:none", "ir", "bpf", "obj" };
	struct skep_options o = options();
	struct skep *s = load(&o, "t.c", TAIL), *t = load(&o, "t.c", TAIL);

	(void)state;
	for (size_t i = 0; i < LEN(stages); i++) {
		char *x = dump(s, stages[i], 0), *y = dump(t, stages[i], 0), *z = dump(s, stages[i], 0);

		assert_string_equal(x, y);
		assert_string_equal(x, z);
		free(x);
		free(y);
		free(z);
	}
	skep_close(s);
	skep_close(t);
}

static void test_dump_refusals(void **state)
{
	static const char *const unknown[] = { "", "nope", "IR", "ir:", "ir:cfg9", "irs", "bpf " };
	struct skep_options o = options();
	struct skep *s = load(&o, "t.c", GOOD);

	(void)state;
	for (size_t i = 0; i < LEN(unknown); i++) {
		assert_null(dump(s, unknown[i], -EINVAL));
		want_part(skep_error(s), "tokens ast ir");
	}
	assert_int_equal(skep_dump(s, "bpf", refuse_output, NULL), -EPIPE);
	skep_close(s);
	/* What there is of a wrong program is shown. */
	s = load(&o, "t.c", "int f(void) { return 1; }\nint g(void) { return x; }\n");
	free(dump(s, "tokens", 0));
	free(dump(s, "ast", -SKEP_WRONG_PROGRAM));
	assert_null(dump(s, "ir", -SKEP_WRONG_PROGRAM));
	want_part(skep_diagnostics(s, 0), "'x'");
	skep_close(s);
}

/* ---- timing, listing ------------------------------------------------------------------------- */

static void test_timing(void **state)
{
	static const char *const names[] = { "read", "parse", "bind", "lower", "optimise", "generate",
					     "load", "attach" };
	struct skep_options o = options();
	struct skep *s = load(&o, "t.c", GOOD);
	const char *name;
	double us;

	(void)state;
	assert_int_equal(skep_compile(s), 0);
	for (size_t i = 0; i < LEN(names); i++) {
		assert_int_equal(skep_timing(s, i, &name, &us), 0);
		assert_string_equal(name, names[i]);
		assert_true(us >= 0 && us < 1e9);
		assert_true(strcmp(name, "parse") != 0 || us > 0);
	}
	assert_true(skep_timing(s, LEN(names), &name, &us) < 0);
	assert_null(name);
	skep_close(s);
}

struct points { size_t n, limit; char first[64]; };

static int count_point(void *arg, const char *point)
{
	struct points *p = arg;

	if (p->n++ == 0)
		snprintf(p->first, sizeof(p->first), "%s", point);
	return p->n == p->limit;
}

static void test_list(void **state)
{
	struct points all = { 0 }, one = { .limit = 1 }, none = { 0 };
	struct skep *s = skep_open(NULL);

	(void)state;
	assert_true(skep_list(s, "software:*", count_point, &all) >= 0);
	assert_true(all.n > 3);
	want_part(all.first, "software:");
	assert_true(skep_list(s, "software:*", count_point, &one) >= 0);
	assert_int_equal(one.n, 1);
	assert_string_equal(one.first, all.first);
	skep_list(s, "software:no-such-*", count_point, &none);
	assert_int_equal(none.n, 0);
	skep_list(s, NULL, count_point, &none);
	skep_close(s);
}

/* ---- diagnostics ---------------------------------------------------------------------------- */

static void test_diagnostics(void **state)
{
	struct skep *s = load(NULL, "t.c", "int hello(void *ctx)\n{\n\treturn count;\n}\n");

	(void)state;
	assert_int_equal(skep_compile(s), -SKEP_WRONG_PROGRAM);
	assert_string_equal(skep_error(s), "");
	assert_int_equal(strncmp(skep_diagnostics(s, 0), "t.c:3:9: error: ", 16), 0);
	want_part(skep_diagnostics(s, 0), "\n        return count;\n               ^~~~~\n");
	assert_null(strchr(skep_diagnostics(s, 0), '\033'));
	want_part(skep_diagnostics(s, 1), "\033[");
	assert_int_equal(strncmp(skep_diagnostics_json(s), "{\"type\":\"diagnostic\"", 20), 0);
	want_part(skep_diagnostics_json(s), "\"tag\":\"E_UNKNOWN_NAME\"");
	want_part(skep_diagnostics_json(s), "\"line\":3,\"column\":9");
	/* Compiled again, it is as wrong as before, and says it once. */
	assert_int_equal(skep_compile(s), -SKEP_WRONG_PROGRAM);
	assert_null(strstr(skep_diagnostics(s, 0) + 16, "error: "));
	skep_close(s);
}

static void test_bpftrace_event(void **state)
{
	struct skep *s = load(NULL, "t.bt", "BEGIN { exit(); }\nksyscall:opennat { exit(); }\n");

	(void)state;
	assert_int_equal(skep_compile(s), -SKEP_WRONG_PROGRAM);
	want_part(skep_diagnostics_json(s), "\"tag\":\"E_BT_PROBE\"");
	want_part(skep_diagnostics(s, 0), "\nksyscall:opennat { exit(); }\n^~~~~~~~~~~~~~~~\n");
	skep_close(s);
}

/* ---- sessions ------------------------------------------------------------------------------- */

static void test_side_by_side(void **state)
{
	struct skep_options o = options();
	struct skep *s = load(&o, "s.c", GOOD), *t = load(&o, "t.c", "int hello(void *ctx) { return y; }");
	char *text;

	(void)state;
	assert_int_equal(skep_compile(t), -SKEP_WRONG_PROGRAM);
	assert_int_equal(skep_compile(s), 0);
	assert_string_equal(skep_diagnostics(s, 0), "");
	want_part(skep_diagnostics(t, 0), "t.c:1:");
	skep_close(t);
	text = dump(s, "bpf", 0);
	want_part(text, "exit");
	free(text);
	skep_close(s);
}

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

static void test_many_sessions(void **state)
{
	struct skep_options o = options();
	int before = count_fds();

	(void)state;
	for (int i = 0; i < 1000; i++) {
		struct skep *s = skep_open(&o);

		assert_non_null(s);
		if (i % 100 == 0) {
			skep_load_text(s, "t.c", GOOD, strlen(GOOD), SKEP_AUTO);
			assert_int_equal(skep_compile(s), 0);
		}
		skep_close(s);
	}
	assert_int_equal(count_fds(), before);
}

/* ---- running -------------------------------------------------------------------------------- */

static void skip_without_rights(struct skep *s, int result)
{
	if (result != -5003 && result != -EPERM && result != -EACCES)
		return;
	printf("skip %s\n", skep_error(s));
	skep_close(s);
	skip();
}

static void test_check(void **state)
{
	struct skep_options o = options();
	struct skep *s = load(&o, "t.c", TAIL);
	int fds = count_fds(), r = skep_check(s);

	(void)state;
	skip_without_rights(s, r);
	assert_int_equal(r, 1);
	assert_int_equal(skep_check(s), 1);
	assert_int_equal(count_fds(), fds);
	skep_close(s);
}

static void test_run(void **state)
{
	struct text out = { 0 };
	struct skep_options o = { .sz = sizeof(o), .write = keep, .write_arg = &out };
	struct skep *s = load(&o, "t.bt", "BEGIN { printf(\"%d\\n\", 6 * 7); exit(); }");
	int r = skep_run(s);

	(void)state;
	skip_without_rights(s, r);
	if (r)
		fail_msg("%d: %s%s", r, skep_error(s), skep_diagnostics(s, 0));
	assert_non_null(out.s);
	want_part(out.s, "42\n");
	assert_int_equal(skep_lost(s), 0);
	assert_int_equal(skep_command_status(s), -1);
	free(out.s);
	skep_close(s);
}

static void test_write_error_ends_run(void **state)
{
	struct skep_options o = { .sz = sizeof(o), .write = refuse_output };
	struct skep *s = load(&o, "t.bt", "BEGIN { printf(\"x\\n\"); } interval:s:100 { exit(); }");
	int r = skep_run(s);

	(void)state;
	skip_without_rights(s, r);
	assert_int_equal(r, -EPIPE);
	skep_close(s);
}

struct stopper { struct skep *s; sem_t started; };

static int on_output(void *arg, const char *bytes, size_t n)
{
	struct stopper *x = arg;

	(void)bytes;
	(void)n;
	return sem_post(&x->started);
}

static void *stop(void *arg)
{
	struct stopper *x = arg;

	sem_wait(&x->started);
	skep_stop(x->s);
	return NULL;
}

static void test_stop_from_another_thread(void **state)
{
	struct stopper x = { 0 };
	struct skep_options o = { .sz = sizeof(o), .write = on_output, .write_arg = &x,
				  .limit_ns = 60000000000ull };
	struct skep *s = load(&o, "t.bt", "BEGIN { printf(\"x\\n\"); } interval:s:100 { exit(); }");
	int r = skep_check(s);

	(void)state;
	skip_without_rights(s, r);
	sem_init(&x.started, 0, 0);
	x.s = s;
	/* Twice: a stop ends one run. */
	for (int i = 0; i < 2; i++) {
		pthread_t thread;
		double us;
		const char *name;

		assert_int_equal(pthread_create(&thread, NULL, stop, &x), 0);
		r = skep_run(s);
		if (r)
			fail_msg("%d: %s%s", r, skep_error(s), skep_diagnostics(s, 0));
		pthread_join(thread, NULL);
		assert_int_equal(skep_timing(s, 7, &name, &us), 0);
	}
	/* One that comes first ends the run too. */
	skep_stop(s);
	assert_int_equal(skep_run(s), 0);
	sem_destroy(&x.started);
	skep_close(s);
}

/* A program that was compiled or checked before the run is still kept to the command: this one would see
 * the calls of the whole machine, counted by process, but for the filter. */
static void test_compiled_before_the_run(void **state)
{
	char name[] = "true", *const command[] = { name, NULL };
	static const char *const flags[] = { "raw_tracepoint:sys_enter=hello" };
	struct text out = { 0 };
	struct skep_options o = { .sz = sizeof(o), .write = keep, .write_arg = &out, .command = command,
				  .attach = flags, .n_attach = 1, .json = 1 };
	struct skep *s = load(&o, "t.c", "BPF_HASH(calls, u32, u64);\nint hello(void *ctx)\n{\n"
			      "	u32 pid = bpf_get_current_pid_tgid() >> 32;\n"
			      "	calls.increment(pid);\n	return 0;\n}\n");
	char *plain = dump(s, "bpf", 0), *guarded;
	int r = skep_check(s);

	(void)state;
	if (r < 0)
		free(plain);
	skip_without_rights(s, r);
	r = skep_run(s);
	if (r)
		fail_msg("%d: %s%s", r, skep_error(s), skep_diagnostics(s, 0));
	guarded = dump(s, "bpf", 0);
	assert_string_not_equal(plain, guarded);
	assert_int_equal(skep_command_status(s), 0);
	free(plain);
	free(guarded);
	free(out.s);
	skep_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_option_sizes),
		cmocka_unit_test(test_no_options),
		cmocka_unit_test(test_options_are_copied),
		cmocka_unit_test(test_set_options),
		cmocka_unit_test(test_attach_flags),
		cmocka_unit_test(test_user_engine_compiles),
		cmocka_unit_test(test_wrong_order),
		cmocka_unit_test(test_load_text),
		cmocka_unit_test(test_load_file),
		cmocka_unit_test(test_load_file_that_is_none),
		cmocka_unit_test(test_language),
		cmocka_unit_test(test_pragmas),
		cmocka_unit_test(test_dump_stages),
		cmocka_unit_test(test_dump_is_deterministic),
		cmocka_unit_test(test_dump_refusals),
		cmocka_unit_test(test_timing),
		cmocka_unit_test(test_list),
		cmocka_unit_test(test_diagnostics),
		cmocka_unit_test(test_bpftrace_event),
		cmocka_unit_test(test_side_by_side),
		cmocka_unit_test(test_many_sessions),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_run),
		cmocka_unit_test(test_write_error_ends_run),
		cmocka_unit_test(test_stop_from_another_thread),
		cmocka_unit_test(test_compiled_before_the_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
