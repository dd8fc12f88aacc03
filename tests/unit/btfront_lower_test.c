/* Golden tests of the lowering of bpftrace scripts: tests/golden/bt/NAME.bt beside NAME.ir, which
 * holds the maps and events of the object as comments and then the module. A first line `// adapt:
 * KIND` lowers the script as if its probes ran elsewhere (enum probes_adapt). With
 * SKEP_GOLDEN=write the texts are rewritten.
 *
 * Every function is checked, the text parses back to itself, and the pipeline takes what was made.
 */
#include "btfront_fixture.h"

#define FOLDER "tests/golden/bt/"

static void check_module(struct fixture *f, const char *path)
{
	for (u32 i = 0; i < f->m->fns.n; i++) {
		str why;

		if (!ir_check(f->m->fns.at[i], &why))
			fail_msg("%s: " STR_FMT, path, STR_ARG(why));
		ir_renumber(f->m->fns.at[i]);
	}
}

static str text_of(struct fixture *f)
{
	struct sbuf out, objects;
	str rest;

	sbuf_init(&objects, f->a);
	sbuf_init(&out, f->a);
	obj_print(&objects, f->obj, false);
	for (rest = sbuf_str(&objects); rest.n;) {
		str line = str_cut(&rest, '\n');

		sbuf_printf(&out, "; " STR_FMT "\n", STR_ARG(line));
	}
	ir_print(&out, f->m);
	return sbuf_str(&out);
}

static void check_parses_back(struct fixture *f, const char *path, str text)
{
	struct ir_module *m = ir_parse(f->a, &f->dx, sources_add(&f->ss, STR("out.ir"), text));
	struct sbuf again, first;

	sbuf_init(&first, f->a);
	sbuf_init(&again, f->a);
	ir_print(&first, f->m);
	if (m)
		ir_print(&again, m);
	fixture_want(path, sbuf_str(&again), sbuf_str(&first));
}

static void check_pipeline(struct fixture *f, const char *path)
{
	struct ir_target target = { .has_v4 = true, .split_probe_reads = true };
	struct arena *scratch = arena_new(NULL);

	if (!ir_optimise(scratch, &f->dx, &target, f->m, NULL, NULL))
		fail_msg("%s: " STR_FMT, path, STR_ARG(fixture_diags(f)));
	arena_free(scratch);
}

/* System calls 59 and 322: the second has its first argument elsewhere. */
static void adapt(struct fixture *f, struct probes_binding *b)
{
	static const char *const kinds[] = { "native", "syscall_enter", "syscall_exit",
					     "args_array", "syscall_equiv" };
	str text = f->src->text, line = str_cut(&text, '\n');
	struct probes_call *c;

	if (!str_starts(line, "// adapt: "))
		return;
	line = str_sub(line, 10, line.n);
	for (u32 i = 0; i < ARRAY_LEN(kinds); i++)
		if (str_is(line, kinds[i]))
			b->adapt = (enum probes_adapt)i;
	b->at = (struct probes_point){ .provider = PROBES_RAW_TRACEPOINT,
				       .name = STR("sys_enter") };
	for (u32 i = 0; i < 6; i++)
		b->arg_from[i] = i < 2 ? (s8)(1 - i) : -1;
	c = vec_push(f->a, &b->calls);
	*c = (struct probes_call){ .nr = 59, .args = { 0, 1, PROBES_ARG_NONE, -1, -1, -1 } };
	c = vec_push(f->a, &b->calls);
	*c = (struct probes_call){ .nr = 322, .args = { PROBES_ARG_CONST + 7, 2, 0, -1, -1, -1 } };
}

static void golden_file(const char *path)
{
	struct arena *a = arena_new(NULL);
	struct fixture f;
	str text;

	fixture_parse(&f, path, fixture_read(a, path));
	if (f.dx.list.n || !fixture_lower(&f, adapt))
		fail_msg("%s: " STR_FMT, path, STR_ARG(fixture_diags(&f)));
	check_module(&f, path);
	text = text_of(&f);
	fixture_compare(a, fixture_sibling(a, path, ".ir"), text);
	check_parses_back(&f, path, text);
	check_pipeline(&f, path);
	arena_free(f.a);
	arena_free(a);
}

static void test_golden(void **state)
{
	glob_t g;

	(void)state;
	assert_int_equal(glob(FOLDER "*.bt", 0, NULL, &g), 0);
	for (size_t i = 0; i < g.gl_pathc; i++)
		golden_file(g.gl_pathv[i]);
	globfree(&g);
}

/* What an equivalent event cannot give is told when it is bound, at the place of use. */
static void test_missing_arguments(void **state)
{
	static const struct {
		const char *script, *want;
	} cases[] = {
		{ "// adapt: syscall_equiv\nkprobe:f { @ = arg2; }",
		  "this argument of kprobe:f is not known" },
		{ "// adapt: syscall_enter\nkprobe:f { @ = arg1; }",
		  "this argument of kprobe:f is not known" },
		{ "// adapt: args_array\nkprobe:f { @ = arg2; }",
		  "this argument of kprobe:f is not known" },
		{ "// adapt: args_array\nkretprobe:f { @ = retval; }",
		  "the result of kretprobe:f is not known" },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;

		fixture_parse(&f, "case", str_of(cases[i].script));
		assert_int_equal(f.dx.n_errors, 0);
		assert_false(fixture_lower(&f, adapt));
		assert_int_equal(f.dx.list.at[0].tag, E_CTX);
		if (!str_starts(f.dx.list.at[0].text, cases[i].want))
			fail_msg("%s: " STR_FMT, cases[i].script, STR_ARG(f.dx.list.at[0].text));
		arena_free(f.a);
	}
}

/* Offsets are those of the kernel's documented record of raw_syscalls:sys_enter: id at 8, args
 * at 16. */
static void test_members_of_tracepoints(void **state)
{
	struct probes_machine *machine;
	struct fixture f;
	struct sbuf out;
	struct err e;

	(void)state;
	fixture_open(&f, "args",
		     STR("tracepoint:raw_syscalls:sys_enter { @[args.id] = args->id; }\n"
			 "tracepoint:raw_syscalls:sys_enter { @b = args.idd; }\n"
			 "tracepoint:raw_syscalls:sys_enter { @c = args.args; }\n"));
	machine = f.o.machine = probes_machine_new(f.a);
	if (probes_tracefs(machine, &e) < 0) {
		print_message("skipped: %s\n", e.msg);
		probes_machine_free(machine);
		arena_free(f.a);
		skip();
	}
	f.u = bt_parse(&f.o, f.src);
	fixture_want(
		"args", fixture_diags(&f),
		STR("args:2:42: error: tracepoint:raw_syscalls:sys_enter has no argument 'idd'\n"
		    "tracepoint:raw_syscalls:sys_enter { @b = args.idd; }\n"
		    "                                         ^~~~~~~~\n"
		    "  hint: did you mean 'id'?\n"));
	fixture_lower(&f, NULL);
	sbuf_init(&out, f.a);
	ir_print_fn(&out, f.m->fns.at[0]);
	assert_non_null(strstr(out.s, "load.64 s8 [%0 + 8]"));
	probes_machine_free(machine);
	arena_free(f.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_missing_arguments),
		cmocka_unit_test(test_members_of_tracepoints),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
