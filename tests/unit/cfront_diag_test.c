/* The files tests/diag/TAG.reason.c whose tag the preprocessor or the parser gives: all their diagnostics, as a
 * terminal shows them, are in the .err file beside each, and the tag is among them. Files that get their
 * tag from a later stage (diag_files.h tells) are run by api_diag_test.c.
 */
#include "cfront_fixture.h"
#include "diag_files.h"

enum { AT_LEAST = 34 };

static bool has_tag(const struct fixture *f, str tag)
{
	for (u32 i = 0; i < f->dx.list.n; i++)
		if (str_is(tag, diag_tag_name(f->dx.list.at[i].tag)))
			return true;
	return false;
}

static void test_files(void **state)
{
	struct arena *a = arena_new(NULL);
	u32 n, tested = 0;
	str *names = fixture_list(a, DIAG_FOLDER, &n);

	(void)state;
	for (u32 i = 0; i < n; i++) {
		str rest = names[i], tag = str_cut(&rest, '.');
		str path = str_printf(a, DIAG_FOLDER STR_FMT, STR_ARG(names[i]));
		str err = str_printf(a, STR_FMT ".err", STR_ARG(str_sub(path, 0, path.n - 2)));
		str text = fixture_read(a, str_z(a, path));
		struct fixture f;

		if (diag_runner_of(names[i], text) != DIAG_OF_CFRONT)
			continue;
		fixture_parse(&f, str_z(a, names[i]), text);
		fixture_compare(a, str_z(a, err), fixture_diags(&f));
		if (!has_tag(&f, tag))
			fail_msg(STR_FMT ": no diagnostic has this tag", STR_ARG(path));
		arena_free(f.a);
		tested++;
	}
	if (tested < AT_LEAST)
		fail_msg("only %u files of " DIAG_FOLDER " are for the parser alone", tested);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
