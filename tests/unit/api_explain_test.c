/* Classic mistakes, and what skep's own verifier says of them: for each tests/explain/NAME.c or .s the text that a
 * terminal shows is in NAME.err. The first line may say `flags: attach=POINT=FUNC` or `flags: unprivileged`. Each
 * refusal must name a line, a rule and (but where nothing can be said) a mend. With SKEP_GOLDEN=write the .err files are
 * rewritten; review the diff. */
#include "skep/skep.h"
#include "base/base.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define FOLDER "tests/explain/"

struct run { struct arena *a; u32 n, bad; };

static str read_text(struct run *k, str name)
{
	str text;
	struct err e;

	if (base_read_file(k->a, str_printf(k->a, FOLDER STR_FMT, STR_ARG(name)).s, 1 << 20, &text, &e))
		return STR("(none)\n");
	return text;
}

static void compare(struct run *k, str stem, const char *got)
{
	str name = str_printf(k->a, STR_FMT ".err", STR_ARG(stem));
	const char *mode = getenv("SKEP_GOLDEN");
	FILE *f;

	if (mode && strcmp(mode, "write") == 0) {
		f = fopen(str_printf(k->a, FOLDER STR_FMT, STR_ARG(name)).s, "w");
		assert_non_null(f);
		fputs(got, f);
		fclose(f);
	} else if (!str_is(read_text(k, name), got)) {
		print_error("%.*s: another text\n--- got\n%s--- want\n%.*s", STR_ARG(stem), got,
			    STR_ARG(read_text(k, name)));
		k->bad++;
	}
}

static void explain(struct run *k, str name)
{
	struct skep_options o = { .sz = sizeof(o), .engine = SKEP_ENGINE_USER };
	str text = read_text(k, name), rest = text, line = str_cut(&rest, '\n');
	const char *attach[1] = { NULL }, *got;
	struct skep *s;
	int at = -1;

	for (u32 i = 0; i + 7 < line.n && at < 0; i++)
		if (memcmp(line.s + i, "attach=", 7) == 0)
			at = (int)i;
	if (at >= 0) {
		attach[0] = str_z(k->a, str_sub(line, (u32)at + 7, line.n));
		o.attach = attach;
		o.n_attach = 1;
	}
	o.unprivileged = str_ends(line, "unprivileged");
	s = skep_open(&o);
	assert_non_null(s);
	assert_int_equal(skep_load_text(s, str_z(k->a, name), text.s, text.n, SKEP_AUTO), 0);
	assert_int_equal(skep_check(s), -SKEP_WRONG_PROGRAM);
	got = skep_diagnostics(s, 0);
	compare(k, str_sub(name, 0, name.n - 2), got);
	if (!strstr(got, "^") || !strstr(got, " [V_") || !strstr(got, "  hint: ")) {
		print_error("%.*s: no caret, rule or hint\n", STR_ARG(name));
		k->bad++;
	}
	if (!strstr(skep_diagnostics_json(s), "\"rule\":\"V_") || !strstr(skep_diagnostics_json(s), "\"line\":"))
		k->bad++;
	skep_close(s);
	k->n++;
}

static void classics(void **state)
{
	struct run k = { .a = arena_new(NULL) };
	DIR *dir = opendir(FOLDER);
	struct dirent *d;

	(void)state;
	assert_non_null(dir);
	while ((d = readdir(dir))) {
		str name = str_dup(k.a, str_of(d->d_name));

		if (str_ends(name, ".c") || str_ends(name, ".s"))
			explain(&k, name);
	}
	closedir(dir);
	assert_true(k.n >= 20);
	assert_int_equal(k.bad, 0);
	arena_free(k.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(classics) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
