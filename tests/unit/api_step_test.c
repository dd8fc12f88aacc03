/* Unit tests of a run in steps: attach, poll, maps while it runs, detach; with the user engine, so that nothing of the
 * machine is seen and no rights are needed. */
#include "skep/skep.h"

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <cmocka.h>

static const char ticks[] = "interval:ms:5 { @n = count(); printf(\"tick\\n\"); }";
static const char stops[] = "BEGIN { printf(\"hello\\n\"); exit(); }";

struct text { char s[4096]; size_t n; };

static int keep(void *arg, const char *bytes, size_t n)
{
	struct text *t = arg;

	if (t->n + n >= sizeof(t->s))
		return -ENOSPC;
	memcpy(t->s + t->n, bytes, n);
	t->n += n;
	t->s[t->n] = 0;
	return 0;
}

static struct skep *load(const char *text, struct text *out)
{
	struct skep_options o = { .sz = sizeof(o), .engine = SKEP_ENGINE_USER, .write = keep, .write_arg = out };
	struct skep *s = skep_open(&o);

	assert_non_null(s);
	assert_int_equal(skep_load_text(s, "t.bt", text, strlen(text), SKEP_AUTO), 0);
	return s;
}

static void must(struct skep *s, int r, int want)
{
	if (r != want)
		fail_msg("%d, not %d: %s%s", r, want, skep_error(s), skep_diagnostics(s, 0));
}

static void ticking(void **state)
{
	struct text out = { .n = 0 };
	struct skep *s = load(ticks, &out);
	struct skep_map_info info = { .sz = sizeof(info) };
	time_t end = time(NULL) + 10;
	int r = 1, map;

	(void)state;
	must(s, skep_attach(s), 0);
	must(s, skep_attach(s), -SKEP_WRONG_USE);
	must(s, skep_run(s), -SKEP_WRONG_USE);
	while (r == 1 && !strstr(out.s, "tick\ntick\n") && time(NULL) < end)
		r = skep_poll(s, 100);
	must(s, r, 1);
	assert_non_null(strstr(out.s, "tick\ntick\n"));
	map = skep_map_find(s, "@n");
	assert_true(map >= 0);
	assert_int_equal(skep_map_info(s, map, &info), 0);
	must(s, skep_detach(s), 0);
	assert_non_null(strstr(out.s, "@n: "));
	must(s, skep_poll(s, 0), -SKEP_WRONG_USE);
	must(s, skep_detach(s), -SKEP_WRONG_USE);
	skep_close(s);
}

static void ends_by_itself(void **state)
{
	struct text out = { .n = 0 };
	struct skep *s = load(stops, &out);
	int r = 1;

	(void)state;
	must(s, skep_attach(s), 0);
	for (int i = 0; i < 100 && r == 1; i++)
		r = skep_poll(s, 100);
	must(s, r, 0);
	must(s, skep_detach(s), 0);
	assert_non_null(strstr(out.s, "hello\n"));
	skep_close(s);
}

static void stopped(void **state)
{
	struct text out = { .n = 0 };
	struct skep *s = load(ticks, &out);
	int r = 1;

	(void)state;
	must(s, skep_attach(s), 0);
	skep_stop(s);
	for (int i = 0; i < 100 && r == 1; i++)
		r = skep_poll(s, 100);
	must(s, r, 0);
	must(s, skep_detach(s), 0);
	skep_close(s);
}

/* Nothing is left behind; the leak checker looks. */
static void closed_while_attached(void **state)
{
	struct text out = { .n = 0 };
	struct skep *s = load(ticks, &out);

	(void)state;
	must(s, skep_attach(s), 0);
	skep_close(s);
}

static void wrong_program(void **state)
{
	struct text out = { .n = 0 };
	struct skep *s = load("BEGIN { nonsense }", &out);

	(void)state;
	must(s, skep_attach(s), -SKEP_WRONG_PROGRAM);
	must(s, skep_poll(s, 0), -SKEP_WRONG_USE);
	skep_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ticking),
		cmocka_unit_test(ends_by_itself),
		cmocka_unit_test(stopped),
		cmocka_unit_test(closed_while_attached),
		cmocka_unit_test(wrong_program),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
