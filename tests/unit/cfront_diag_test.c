/* One test for each file tests/diag/TAG.reason.c whose tag the preprocessor or the parser gives: all its
 * diagnostics, as a terminal shows them, are in the .err file beside it, and the tag is among them. Tags of later stages
 * are tested where they arise. */
#include "cfront_fixture.h"

#define FOLDER "tests/diag"

static bool is_of_later_stage(str tag)
{
	static const char *const later[] = {
		"E_NO_EVENT", "E_CTX", "E_KERNEL_WRITE", "E_STACK", "E_REGISTERS", "E_LOOP",
		"E_REJECTED", "E_ENGINE", "W_FALLBACK", "E_EMPTY", "E_IR", "E_ASM",
	};

	for (size_t i = 0; i < ARRAY_LEN(later); i++)
		if (str_is(tag, later[i]))
			return true;
	return str_starts(tag, "E_BT_") || str_starts(tag, "W_BT_");
}

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

		if (is_of_later_stage(tag))
			continue;
		fixture_parse(&f, str_z(a, names[i]), fixture_read(a, str_z(a, path)));
		fixture_compare(a, str_z(a, err), fixture_diags(&f));
		if (!has_tag(&f, tag))
			fail_msg(STR_FMT ": no diagnostic has this tag:\n" STR_FMT, STR_ARG(path),
				 STR_ARG(fixture_diags(&f)));
		arena_free(f.a);
		tested++;
	}
	assert_true(tested > 20);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
