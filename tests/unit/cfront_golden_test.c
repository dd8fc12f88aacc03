/* One test for each tests/golden/ast/NAME.c: its typed tree is in NAME.ast. */
#include "cfront_fixture.h"

#define FOLDER "tests/golden/ast"

static void test_files(void **state)
{
	struct arena *a = arena_new(NULL);
	u32 n;
	str *names = fixture_list(a, FOLDER, &n);

	(void)state;
	assert_true(n > 3);
	for (u32 i = 0; i < n; i++) {
		str stem = str_sub(names[i], 0, names[i].n - 2);
		const char *path = str_z(a, str_printf(a, FOLDER "/" STR_FMT, STR_ARG(names[i])));
		struct fixture f;
		struct sbuf got;

		fixture_parse(&f, path, fixture_read(a, path));
		sbuf_init(&got, f.a);
		cf_dump_ast(f.u, &got);
		if (f.dx.list.n)
			fail_msg("%s:\n" STR_FMT, path, STR_ARG(fixture_diags(&f)));
		fixture_compare(a, str_z(a, str_printf(a, FOLDER "/" STR_FMT ".ast", STR_ARG(stem))),
				sbuf_str(&got));
		arena_free(f.a);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_files) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
