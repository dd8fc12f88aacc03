/* Diagnostic tests of the bpftrace language: tests/diag/TAG.reason.bt beside the exact text that is
 * told, TAG.reason.err. A script that is told nothing when it is parsed and typed is lowered too. A
 * first line
 * `// params: a b` gives the script its parameters. With SKEP_GOLDEN=write the texts are rewritten.
 */
#include "btfront_fixture.h"

#define FOLDER "tests/diag/"

static void set_params(struct fixture *f, str text)
{
	str line = str_cut(&text, '\n'), *list = arena_array_of(f->a, str, 8);

	if (!str_starts(line, "// params: "))
		return;
	line = str_sub(line, 11, line.n);
	while (line.n && f->o.n_params < 8)
		list[f->o.n_params++] = str_cut(&line, ' ');
	f->o.params = list;
}

static bool has_tag(const struct fixture *f, str tag)
{
	for (u32 i = 0; i < f->dx.list.n; i++)
		if (str_is(tag, diag_tag_name(f->dx.list.at[i].tag)))
			return true;
	return false;
}

static void diag_file(const char *path)
{
	struct arena *a = arena_new(NULL);
	str text = fixture_read(a, path), rest = str_of(path + strlen(FOLDER)), tag;
	struct fixture f;

	tag = str_cut(&rest, '.');
	fixture_open(&f, path + strlen(FOLDER), text);
	set_params(&f, text);
	f.u = bt_parse(&f.o, f.src);
	if (!f.dx.n_errors)
		fixture_lower(&f, NULL);
	fixture_compare(a, fixture_sibling(a, path, ".err"), fixture_diags(&f));
	if (!has_tag(&f, tag))
		fail_msg("%s does not give " STR_FMT, path, STR_ARG(tag));
	arena_free(f.a);
	arena_free(a);
}

static void test_diagnostics(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob(FOLDER "*.bt", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++)
		diag_file(g.gl_pathv[i]);
	globfree(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_diagnostics) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
