/* Golden tests of the passes of ir: what a pass makes of a text.
 *
 * A file tests/golden/ir/PASS_name.ir says in comments what it is about; then comes `-- in` with
 * the module before the pass and `-- out` with the module behind it, renumbered. A line
 * `; target: no_v4` in front of `-- in` takes something away from the target: no_v4 or no_split.
 * With SKEP_GOLDEN set in the environment the second part is rewritten; review the diff.
 *
 * What is printed must parse again.
 */
#include "ir/ir.h"

#include <setjmp.h>
#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/ir/"
enum { MIN_CASES = 3 };

struct fixture {
	struct arena *a, *scratch;
	struct sources ss;
	struct diags dx;
	struct ir_target target;
	struct ir_module *m;
	const char *name;
};

static void open_fixture(struct fixture *f, const char *name)
{
	*f = (struct fixture){ .a = arena_new(NULL), .scratch = arena_new(NULL), .name = name };
	f->target = (struct ir_target){ .has_v4 = true, .split_probe_reads = true };
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
}

static void close_fixture(struct fixture *f)
{
	arena_free(f->scratch);
	arena_free(f->a);
}

static struct ir_module *parse(struct fixture *f, str text)
{
	struct ir_module *m = ir_parse(f->a, &f->dx, sources_add(&f->ss, str_of(f->name), text));
	struct sbuf out;

	sbuf_init(&out, f->a);
	diags_render(&f->dx, &out, false);
	if (!m)
		fail_msg("%s does not parse:\n" STR_FMT, f->name, STR_ARG(sbuf_str(&out)));
	return m;
}

static str printed(struct fixture *f, const struct ir_module *m)
{
	struct sbuf out;

	sbuf_init(&out, f->a);
	ir_print(&out, m);
	return sbuf_str(&out);
}

/* The pass whose name is in front of the first '_' of the file's name. */
static const struct ir_pass *pass_of(const char *name)
{
	str rest = str_of(name), want = str_cut(&rest, '_');

	for (const struct ir_pass *p = ir_pipeline; p->name; p++)
		if (str_is(want, p->name))
			return p;
	fail_msg("%s: no pass " STR_FMT, name, STR_ARG(want));
	return NULL;
}

static void run(struct fixture *f, const struct ir_pass *p)
{
	struct ir_pass_ctx c = { f->scratch, &f->dx, &f->target };
	str why;

	if (p->run_module)
		p->run_module(&c, f->m);
	for (u32 i = 0; i < f->m->fns.n; i++) {
		struct ir_fn *fn = f->m->fns.at[i];

		if (p->run_fn)
			p->run_fn(&c, fn);
		if (!ir_check(fn, &why))
			fail_msg("%s: " STR_FMT, f->name, STR_ARG(why));
		ir_renumber(fn);
	}
	assert_int_equal(f->dx.list.n, 0);
}

static void set_target(struct fixture *f, str head)
{
	str line;

	while (head.n) {
		line = str_cut(&head, '\n');
		if (!str_starts(line, "; target:"))
			continue;
		f->target.has_v4 = !str_glob(STR("*no_v4*"), line);
		f->target.split_probe_reads = !str_glob(STR("*no_split*"), line);
	}
}

static void write_golden(const char *path, str head, str got)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, STR_FMT "-- out\n" STR_FMT, STR_ARG(head), STR_ARG(got));
	fclose(file);
}

static void golden_file(const char *path)
{
	struct fixture f;
	str text, got;
	char *in, *out;

	open_fixture(&f, path + strlen(GOLDEN));
	assert_int_equal(base_read_file(f.a, path, 1 << 20, &text, NULL), 0);
	in = strstr((char *)text.s, "-- in\n");
	if (!in)
		fail_msg("%s has no line '-- in'", f.name);
	out = strstr(in, "-- out\n");
	if (!out)
		out = (char *)text.s + text.n;
	set_target(&f, (str){ text.s, (u32)(in - text.s) });
	f.m = parse(&f, (str){ in + 6, (u32)(out - in - 6) });
	run(&f, pass_of(f.name));
	got = printed(&f, f.m);
	if (!str_eq(got, printed(&f, parse(&f, got))))
		fail_msg("%s: the output changes when it is parsed and printed", f.name);
	if (getenv("SKEP_GOLDEN"))
		write_golden(path, (str){ text.s, (u32)(out - text.s) }, got);
	else if (!*out || !str_is(got, out + 7))
		fail_msg("%s:\n--- got\n" STR_FMT "--- want\n%s", f.name, STR_ARG(got), out);
	close_fixture(&f);
}

static void test_golden(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob(GOLDEN "*.ir", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++)
		golden_file(g.gl_pathv[i]);
	globfree(&g);
}

/* A pass that comes a second time has a number behind its name and needs no cases of its own; guard
 * depends on more of the target than a file can say (ir_passes_test.c). */
static void test_every_pass_has_cases(void **state)
{
	(void)state;
	for (const struct ir_pass *p = ir_pipeline; p->name; p++) {
		char pattern[64];
		glob_t g;

		if (strpbrk(p->name, "0123456789") || !strcmp(p->name, "guard"))
			continue;
		snprintf(pattern, sizeof(pattern), GOLDEN "%s_*.ir", p->name);
		if (glob(pattern, 0, NULL, &g) || g.gl_pathc < MIN_CASES)
			fail_msg("pass %s has fewer than %d golden files", p->name, MIN_CASES);
		globfree(&g);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_every_pass_has_cases),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
