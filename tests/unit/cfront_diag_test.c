/* The files tests/diag/TAG.reason.c whose tag the preprocessor or the parser gives: all their diagnostics, as a
 * terminal shows them, are in the .err file beside each. Files that get their tag from a later stage are
 * tested with that stage; AT_LEAST notices when one drops out of here.
 */
#include "cfront_fixture.h"

#define FOLDER "tests/diag"

enum { AT_LEAST = 29 };

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
	str *names = fixture_list(a, FOLDER, &n);

	(void)state;
	for (u32 i = 0; i < n; i++) {
		str rest = names[i], tag = str_cut(&rest, '.');
		str path = str_printf(a, FOLDER "/" STR_FMT, STR_ARG(names[i]));
		str err = str_printf(a, STR_FMT ".err", STR_ARG(str_sub(path, 0, path.n - 2)));
		struct fixture f;

		fixture_parse(&f, str_z(a, names[i]), fixture_read(a, str_z(a, path)));
		if (has_tag(&f, tag)) {
			fixture_compare(a, str_z(a, err), fixture_diags(&f));
			tested++;
		}
		arena_free(f.a);
	}
	if (tested < AT_LEAST)
		fail_msg("only %u files of %s give their tag while they are parsed", tested, FOLDER);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
