/* Unit tests of the larger passes of ir: promote, inline, reads, expand, guard against the golden
 * files, what they refuse, and the regions analysis.
 *
 * A golden file tests/golden/ir/PASS_name.ir says in comments what it is about, then `-- in` and
 * `-- out`. SKEP_GOLDEN=1 in the environment rewrites the second part.
 */
#include "ir/ir.h"
#include "ir/passes.h"

#include <setjmp.h>
#include <cmocka.h>
#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN "tests/golden/ir/"

struct fixture {
	struct arena *a, *scratch;
	struct sources ss;
	struct diags dx;
	struct ir_target target;
	struct ir_pass_ctx c;
	struct ir_module *m;
};

static void open_fixture(struct fixture *f)
{
	*f = (struct fixture){ .target = { .has_v4 = true, .split_probe_reads = true } };
	f->a = arena_new(NULL);
	f->scratch = arena_new(NULL);
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
	f->c = (struct ir_pass_ctx){ f->scratch, &f->dx, &f->target };
}

static void close_fixture(struct fixture *f)
{
	arena_free(f->scratch);
	arena_free(f->a);
}

static str diagnostics(struct fixture *f)
{
	struct sbuf out;

	sbuf_init(&out, f->a);
	diags_render(&f->dx, &out, false);
	return sbuf_str(&out);
}

static void parse(struct fixture *f, const char *name, str text)
{
	f->m = ir_parse(f->a, &f->dx, sources_add(&f->ss, str_of(name), text));
	if (!f->m)
		fail_msg("%s does not parse:\n" STR_FMT, name, STR_ARG(diagnostics(f)));
}

/* ---- passes by name -------------------------------------------------------------------------- */

static const struct ir_pass passes[] = {
	{ "promote", NULL, ir_pass_promote, NULL },
	{ "inline", NULL, NULL, ir_pass_inline },
	{ "reads", NULL, ir_pass_reads, NULL },
	{ "expand", NULL, ir_pass_expand, NULL },
	{ "guard", NULL, ir_pass_guard, NULL },
};

static const struct ir_pass *pass_of(const char *name)
{
	for (u32 i = 0; i < ARRAY_LEN(passes); i++)
		if (str_starts(str_of(name), passes[i].name))
			return &passes[i];
	return NULL;
}

static void check(struct fixture *f, const char *name)
{
	str why;

	for (u32 i = 0; i < f->m->fns.n; i++)
		if (!ir_check(f->m->fns.at[i], &why))
			fail_msg("%s: " STR_FMT, name, STR_ARG(why));
}

static void run(struct fixture *f, const char *name, const struct ir_pass *p)
{
	if (p->run_module)
		p->run_module(&f->c, f->m);
	else
		for (u32 i = 0; i < f->m->fns.n; i++)
			p->run_fn(&f->c, f->m->fns.at[i]);
	check(f, name);
}

static str printed(struct fixture *f)
{
	struct sbuf out;

	sbuf_init(&out, f->a);
	for (u32 i = 0; i < f->m->fns.n; i++)
		ir_renumber(f->m->fns.at[i]);
	ir_print(&out, f->m);
	return sbuf_str(&out);
}

/* ---- golden files ---------------------------------------------------------------------------- */

static void write_golden(const char *path, str head, str got)
{
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	fprintf(file, STR_FMT "-- out\n" STR_FMT, STR_ARG(head), STR_ARG(got));
	fclose(file);
}

static void golden_file(const char *path)
{
	const char *name = path + strlen(GOLDEN);
	struct fixture f;
	str text, got;
	char *in, *out;

	if (!pass_of(name))
		return;
	open_fixture(&f);
	assert_int_equal(base_read_file(f.a, path, 1 << 20, &text, NULL), 0);
	in = strstr((char *)text.s, "-- in\n");
	assert_non_null(in);
	out = strstr(in, "-- out\n");
	if (!out)
		out = (char *)text.s + text.n;
	parse(&f, name, (str){ in + 6, (u32)(out - in - 6) });
	run(&f, name, pass_of(name));
	if (f.dx.list.n)
		fail_msg("%s:\n" STR_FMT, name, STR_ARG(diagnostics(&f)));
	got = printed(&f);
	if (getenv("SKEP_GOLDEN"))
		write_golden(path, (str){ text.s, (u32)(out - text.s) }, got);
	else if (!*out || !str_is(got, out + 7))
		fail_msg("%s:\n--- got\n" STR_FMT "--- want\n%s", name, STR_ARG(got), out);
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

/* ---- what is refused ------------------------------------------------------------------------- */

static const struct {
	const char *name, *pass, *params, *body;
	enum diag_tag tag;
	const char *want;     /* part of the rendered text */
} refused[] = {
	{ "store to the kernel", "reads", "kernel",
	  "%0 = param.64 0\n store 8 [%0 + 8], %0\n ret %0\n", E_KERNEL_WRITE,
	  "memory of the kernel" },
	{ "store behind a kernel pointer", "reads", "btf",
	  "%0 = param.64 0\n %1 = load.64 u8 [%0 + 8]\n store 4 [%1 + 0], %0\n ret %0\n",
	  E_KERNEL_WRITE, "copy the object into a local variable" },
	{ "store to a process", "reads", "user",
	  "%0 = param.64 0\n store 8 [%0 + 0], %0\n ret %0\n", E_KERNEL_WRITE,
	  "bpf_probe_write_user" },
	{ "store through a number", "reads", "unknown",
	  "%0 = param.64 0\n store 8 [%0 + 0], %0\n ret %0\n", E_KERNEL_WRITE,
	  "not known to be the program's own memory" },
	{ "zero in the kernel", "reads", "kernel",
	  "%0 = param.64 0\n zero [%0 + 0] 16 align 8\n ret %0\n", E_KERNEL_WRITE, "kernel" },
	{ "atomic in the kernel", "reads", "kernel",
	  "%0 = param.64 0\n atomic add 8 [%0 + 0], %0\n ret %0\n", E_KERNEL_WRITE, "kernel" },
	{ "move into the kernel", "reads", "kernel, value",
	  "%0 = param.64 0\n %1 = param.64 1\n move [%0 + 0], [%1 + 0] 16 align 8\n ret %0\n",
	  E_KERNEL_WRITE, "kernel" },
	{ "move from the kernel into a packet", "reads", "kernel, packet",
	  "%0 = param.64 0\n %1 = param.64 1\n move [%1 + 0], [%0 + 0] 16 align 8\n ret %0\n",
	  E_KERNEL_WRITE, "local variable first" },
	{ "mixed load", "reads", "kernel, value",
	  "%0 = param.64 0\n %1 = param.64 1\n if %0 b1, b2\nb1:\n jump b2\nb2:\n"
	  "%2 = phi.64 b0: %0, b1: %1\n %3 = load.64 u8 [%2 + 0]\n ret %3\n",
	  E_TYPE, "one of several kinds" },
	{ "mixed store", "reads", "ctx, value",
	  "%0 = param.64 0\n %1 = param.64 1\n if %0 b1, b2\nb1:\n jump b2\nb2:\n"
	  "%2 = phi.64 b0: %0, b1: %1\n store 8 [%2 + 0], %0\n ret %0\n",
	  E_TYPE, "one of several kinds" },
	{ "the map itself", "reads", "map",
	  "%0 = param.64 0\n %1 = load.64 u8 [%0 + 0]\n ret %1\n", E_TYPE,
	  "look the value up first" },
	{ "the end of the packet", "reads", "packet_end",
	  "%0 = param.64 0\n %1 = load.64 u8 [%0 + 0]\n ret %1\n", E_TYPE,
	  "the end of the packet" },
	{ "a very large copy", "expand", "value, mem",
	  "%0 = param.64 0\n %1 = param.64 1\n move [%0 + 0], [%1 + 0] 65537 align 8\n ret %0\n",
	  E_TOO_LARGE, "copies 65537 bytes" },
	{ "recursion", "inline", "ctx",
	  "%0 = param.64 0\n %1 = callfn.64 @fn:f(%0)\n ret %1\n", E_RECURSION,
	  "'f' calls itself: f -> f" },
	{ "recursion through others", "inline", "ctx",
	  "%0 = param.64 0\n %1 = callfn.64 @fn:g(%0)\n ret %1\n}\n"
	  "fn g(unknown) ret 64 static {\nb0:\n%0 = param.64 0\n %1 = callfn.64 @fn:h(%0)\n"
	  " ret %1\n}\n"
	  "fn h(unknown) ret 64 static always_inline {\nb0:\n%0 = param.64 0\n"
	  " %1 = callfn.64 @fn:g(%0)\n ret %1\n",
	  E_RECURSION, "'g' calls itself: g -> h -> g" },
	{ "callers that disagree, and no inlining", "inline reads", "kernel, value",
	  "%0 = param.64 0\n %1 = param.64 1\n %2 = callfn.64 @fn:g(%0)\n"
	  " %3 = callfn.64 @fn:g(%1)\n ret %3\n}\n"
	  "fn g(unknown) ret 64 static noinline {\nb0:\n%0 = param.64 0\n"
	  " %1 = load.64 u8 [%0 + 0]\n ret %1\n",
	  E_TYPE, "one of several kinds" },
};

static void test_refused(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(refused); i++) {
		struct fixture f;
		str text, got;

		open_fixture(&f);
		text = str_printf(f.a,
				  "sym @fn:f 0\nsym @fn:g 1\nsym @fn:h 2\n"
				  "fn f(%s) ret 64 program 0 {\nb0:\n%s}\n",
				  refused[i].params, refused[i].body);
		parse(&f, refused[i].name, text);
		run(&f, refused[i].name, pass_of(refused[i].pass));
		if (strstr(refused[i].pass, " reads"))
			run(&f, refused[i].name, pass_of("reads"));
		got = diagnostics(&f);
		if (f.dx.list.n != 1 || f.dx.list.at[0].tag != refused[i].tag ||
		    !strstr(str_z(f.a, got), refused[i].want))
			fail_msg("%s:\n" STR_FMT "wanted one %s with '%s'", refused[i].name,
				 STR_ARG(got), diag_tag_name(refused[i].tag), refused[i].want);
		assert_true(span_known(f.dx.list.at[0].span));
		close_fixture(&f);
	}
}

/* Callers that pass different kinds of pointers: the function is inlined however large it is. */
static void test_inline_mixed(void **state)
{
	struct fixture f;
	struct sbuf text;

	(void)state;
	open_fixture(&f);
	sbuf_init(&text, f.a);
	sbuf_puts(&text, "sym @fn:g 1\nfn f(kernel, value) ret 64 program 0 {\nb0:\n"
			 "%0 = param.64 0\n%1 = param.64 1\n%2 = callfn.64 @fn:g(%0)\n"
			 "%3 = callfn.64 @fn:g(%1)\n%4 = add.64 %2, %3\nret %4\n}\n"
			 "fn g(unknown) ret 64 static {\nb0:\n%0 = param.64 0\n"
			 "%1 = load.64 u8 [%0 + 0]\n");
	for (u32 i = 1; i < 100; i++)
		sbuf_printf(&text, "%%%u = mul.64 %%%u, %%%u\n", i + 1, i, i);
	sbuf_puts(&text, "ret %100\n}\n");
	parse(&f, "mixed callers", sbuf_str(&text));
	run(&f, "mixed callers", pass_of("inline"));
	run(&f, "mixed callers", pass_of("reads"));
	assert_int_equal(f.dx.list.n, 0);
	assert_int_equal(f.m->fns.n, 1);
	assert_non_null(strstr(str_z(f.a, printed(&f)), "bpf_probe_read_kernel("));
	close_fixture(&f);
}

/* Copies of copies of copies end before memory does. */
static void test_inline_explosion(void **state)
{
	struct fixture f;
	struct sbuf text;

	(void)state;
	open_fixture(&f);
	sbuf_init(&text, f.a);
	for (u32 i = 0; i < 40; i++)
		sbuf_printf(&text, "sym @fn:g%u %u\n", i, i);
	for (u32 i = 0; i < 40; i++) {
		sbuf_printf(&text, "fn g%u(unknown) ret 64 %s {\nb0:\n%%0 = param.64 0\n", i,
			    i ? "static always_inline" : "program 0");
		if (i == 39)
			sbuf_puts(&text, "%2 = mul.64 %0, %0\n");
		else
			sbuf_printf(&text, "%%1 = callfn.64 @fn:g%u(%%0)\n"
					   "%%2 = callfn.64 @fn:g%u(%%1)\n", i + 1, i + 1);
		sbuf_puts(&text, "ret %2\n}\n");
	}
	parse(&f, "explosion", sbuf_str(&text));
	run(&f, "explosion", pass_of("inline"));
	assert_true(f.dx.n_errors > 0);
	assert_int_equal(f.dx.list.at[0].tag, E_TOO_LARGE);
	close_fixture(&f);
}

/* ---- targets --------------------------------------------------------------------------------- */

static const struct {
	const char *name, *pass, *in, *out;
	struct ir_target target;
} targets[] = {
	{ "one probe read for all before 5.5", "reads",
	  "fn f(kernel, user) ret 64 program 0 {\n"
	  "b0:\n"
	  "	%0 = param.64 0\n"
	  "	%1 = param.64 1\n"
	  "	%2 = load.64 u8 [%0 + 0]\n"
	  "	%3 = load.64 u8 [%1 + 0]\n"
	  "	%4 = add.64 %2, %3\n"
	  "	ret %4\n"
	  "}\n",
	  "fn f(kernel, user) ret 64 program 0 {\n"
	  "b0:\n"
	  "	%0 = param.64 0 in kernel\n"
	  "	%1 = param.64 1 in user\n"
	  "	%2 = slot.64 8 align 8 in stack\n"
	  "	%3 = const.64 8\n"
	  "	%4 = call.64 bpf_probe_read(%2, %3, %0)\n"
	  "	%5 = load.64 u8 [%2 + 0] in kernel\n"
	  "	%6 = const.64 8\n"
	  "	%7 = call.64 bpf_probe_read(%2, %6, %1)\n"
	  "	%8 = load.64 u8 [%2 + 0] in user\n"
	  "	%9 = add.64 %5, %8 in any\n"
	  "	ret %9\n"
	  "}\n",
	  { .has_v4 = true } },
	{ "guard by cgroup; slots and parameters stay in front", "guard",
	  "fn f(ctx) ret 32 program 0 guarded {\n"
	  "b0:\n"
	  "	%0 = param.64 0\n"
	  "	%1 = load.32 u4 [%0 + 0]\n"
	  "	%2 = slot.64 8 align 8\n"
	  "	jump b1\n"
	  "b1:\n"
	  "	%3 = phi.32 b0: %1, b1: %4\n"
	  "	%4 = add.32 %3, %1\n"
	  "	store 4 [%2 + 0], %4\n"
	  "	if %4 b1, b2\n"
	  "b2:\n"
	  "	ret %4\n"
	  "}\n",
	  "sym @const:skep.cgroup_level 0\n"
	  "sym @const:skep.cgroup_id 0\n"
	  "\n"
	  "fn f(ctx) ret 32 program 0 {\n"
	  "b0:\n"
	  "	%0 = param.64 0\n"
	  "	%1 = slot.64 8 align 8\n"
	  "	%2 = sym.64 @const:skep.cgroup_level + 0\n"
	  "	%3 = call.64 bpf_get_current_ancestor_cgroup_id(%2)\n"
	  "	%4 = sym.64 @const:skep.cgroup_id + 0\n"
	  "	%5 = eq.64 %3, %4\n"
	  "	if %5 b1, b4\n"
	  "b1:\n"
	  "	%6 = load.32 u4 [%0 + 0]\n"
	  "	jump b2\n"
	  "b2:\n"
	  "	%7 = phi.32 b1: %6, b2: %8\n"
	  "	%8 = add.32 %7, %6\n"
	  "	store 4 [%1 + 0], %8\n"
	  "	if %8 b2, b3\n"
	  "b3:\n"
	  "	ret %8\n"
	  "b4:\n"
	  "	%9 = const.32 0\n"
	  "	ret %9\n"
	  "}\n",
	  { .guard = IR_GUARD_CGROUP } },
	{ "guard by process, of a function without a result", "guard",
	  "sym @map:pids 3\n"
	  "\n"
	  "fn f(ctx) program 0 guarded {\n"
	  "b0:\n"
	  "	ret\n"
	  "}\n",
	  "sym @map:pids 3\n"
	  "\n"
	  "fn f(ctx) program 0 {\n"
	  "b0:\n"
	  "	%0 = slot.64 4 align 4\n"
	  "	%1 = call.64 bpf_get_current_pid_tgid()\n"
	  "	%2 = const.64 32\n"
	  "	%3 = lshr.64 %1, %2\n"
	  "	store 4 [%0 + 0], %3\n"
	  "	%4 = sym.64 @map:pids + 0\n"
	  "	%5 = call.64 bpf_map_lookup_elem(%4, %0)\n"
	  "	%6 = const.64 0\n"
	  "	%7 = ne.64 %5, %6\n"
	  "	if %7 b1, b2\n"
	  "b1:\n"
	  "	ret\n"
	  "b2:\n"
	  "	ret\n"
	  "}\n",
	  { .guard = IR_GUARD_PIDS, .pids_map = 0 } },
	{ "not guarded, or nothing to guard by", "guard",
	  "fn f(ctx) program 0 {\n"
	  "b0:\n"
	  "	ret\n"
	  "}\n",
	  "fn f(ctx) program 0 {\n"
	  "b0:\n"
	  "	ret\n"
	  "}\n",
	  { .guard = IR_GUARD_CGROUP } },
};

static void test_targets(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(targets); i++) {
		struct fixture f;
		str got;

		open_fixture(&f);
		f.target = targets[i].target;
		parse(&f, targets[i].name, str_of(targets[i].in));
		run(&f, targets[i].name, pass_of(targets[i].pass));
		got = printed(&f);
		if (!str_is(got, targets[i].out))
			fail_msg("%s:\n--- got\n" STR_FMT "--- want\n%s", targets[i].name,
				 STR_ARG(got), targets[i].out);
		/* Guarding is done once. */
		run(&f, targets[i].name, pass_of("guard"));
		assert_true(str_eq(got, printed(&f)));
		close_fixture(&f);
	}
}

/* ---- regions --------------------------------------------------------------------------------- */

/* The region of what the function returns. */
static const struct { const char *name, *params, *body, *want; } regions[] = {
	{ "parameter", "ctx", "%0 = param.64 0\n ret %0\n", "ctx" },
	{ "slot", "ctx", "%0 = slot.64 8 align 8\n ret %0\n", "stack" },
	{ "map", "ctx", "%0 = sym.64 @map:m + 0\n ret %0\n", "map" },
	{ "data", "ctx", "%0 = sym.64 @data:.bss + 8\n ret %0\n", "value" },
	{ "function", "ctx", "%0 = sym.64 @fn:f + 0\n ret %0\n", "func" },
	{ "kernel variable", "ctx", "%0 = sym.64 @kvar:jiffies + 0\n ret %0\n", "btf" },
	{ "load-time constant", "ctx", "%0 = sym.64 @const:skep.cgroup_id + 0\n ret %0\n",
	  "unknown" },
	{ "lookup", "map, stack",
	  "%0 = param.64 0\n %1 = param.64 1\n %2 = call.64 bpf_map_lookup_elem(%0, %1)\n ret %2\n",
	  "value" },
	{ "reserve", "map, unknown",
	  "%0 = param.64 0\n %1 = param.64 1\n %2 = call.64 bpf_ringbuf_reserve(%0, %1, %1)\n"
	  " ret %2\n", "mem" },
	{ "current task", "ctx", "%0 = call.64 bpf_get_current_task()\n ret %0\n", "kernel" },
	{ "current task by BTF", "ctx", "%0 = call.64 bpf_get_current_task_btf()\n ret %0\n",
	  "btf" },
	{ "a helper's number", "ctx", "%0 = call.64 bpf_ktime_get_ns()\n ret %0\n", "unknown" },
	{ "pointer + number", "value, unknown",
	  "%0 = param.64 0\n %1 = param.64 1\n %2 = add.64 %1, %0\n ret %2\n", "value" },
	{ "value + index read from the kernel", "value, kernel",
	  "%0 = param.64 0\n %1 = param.64 1\n %2 = load.64 u8 [%1 + 0]\n %3 = add.64 %0, %2\n"
	  " ret %3\n", "value" },
	{ "pointer - number", "kernel", "%0 = param.64 0\n %1 = const.64 8\n %2 = sub.64 %0, %1\n"
	  " ret %2\n", "kernel" },
	{ "packet length", "packet, packet_end",
	  "%0 = param.64 0\n %1 = param.64 1\n %2 = sub.64 %1, %0\n ret %2\n", "unknown" },
	{ "tag bits off", "kernel", "%0 = param.64 0\n %1 = const.64 -4\n %2 = and.64 %0, %1\n"
	  " ret %2\n", "kernel" },
	{ "packet pointer of a 32-bit field", "ctx",
	  "%0 = param.64 0\n %1 = load.32 u4 [%0 + 0] in packet\n %2 = zext.64 32 %1\n ret %2\n",
	  "packet" },
	{ "chased", "kernel", "%0 = param.64 0\n %1 = load.64 u8 [%0 + 0]\n ret %1\n", "kernel" },
	{ "chased in a process", "user", "%0 = param.64 0\n %1 = load.64 u8 [%0 + 0]\n ret %1\n",
	  "user" },
	{ "behind a BTF pointer", "btf", "%0 = param.64 0\n %1 = load.64 u8 [%0 + 0]\n ret %1\n",
	  "kernel" },
	{ "annotated", "btf", "%0 = param.64 0\n %1 = load.64 u8 [%0 + 0] in btf\n ret %1\n",
	  "btf" },
	{ "an int of the kernel is no pointer", "kernel",
	  "%0 = param.64 0\n %1 = load.64 s4 [%0 + 0]\n ret %1\n", "unknown" },
	{ "from a map value", "value", "%0 = param.64 0\n %1 = load.64 u8 [%0 + 0]\n ret %1\n",
	  "unknown" },
	{ "copy that casts", "unknown", "%0 = param.64 0\n %1 = copy.64 %0 in user\n ret %1\n",
	  "user" },
	{ "value or null", "value",
	  "%0 = param.64 0\n %1 = const.64 0\n if %0 b1, b2\nb1:\n jump b2\nb2:\n"
	  "%2 = phi.64 b0: %1, b1: %0\n ret %2\n", "value" },
	{ "null or undefined", "value",
	  "%0 = param.64 0\n %1 = const.64 0\n %2 = undef.64\n if %0 b1, b2\nb1:\n jump b2\nb2:\n"
	  "%3 = phi.64 b0: %1, b1: %2\n ret %3\n", "unknown" },
	{ "kernel or user", "kernel, user",
	  "%0 = param.64 0\n %1 = param.64 1\n if %0 b1, b2\nb1:\n jump b2\nb2:\n"
	  "%2 = phi.64 b0: %1, b1: %0\n ret %2\n", "any" },
	{ "kernel or BTF", "kernel, btf",
	  "%0 = param.64 0\n %1 = param.64 1\n if %0 b1, b2\nb1:\n jump b2\nb2:\n"
	  "%2 = phi.64 b0: %1, b1: %0\n ret %2\n", "kernel" },
	{ "stack or value", "stack, value",
	  "%0 = param.64 0\n %1 = param.64 1\n if %0 b1, b2\nb1:\n jump b2\nb2:\n"
	  "%2 = phi.64 b0: %1, b1: %0\n ret %2\n", "mem" },
	{ "value or kernel", "value, kernel",
	  "%0 = param.64 0\n %1 = param.64 1\n if %0 b1, b2\nb1:\n jump b2\nb2:\n"
	  "%2 = phi.64 b0: %1, b1: %0\n ret %2\n", "mixed" },
	{ "a pointer that walks", "packet, unknown",
	  "%0 = param.64 0\n %1 = param.64 1\n jump b1\nb1:\n"
	  "%2 = phi.64 b0: %0, b1: %3\n %3 = add.64 %2, %1\n if %1 b1, b2\nb2:\n ret %3\n",
	  "packet" },
	{ "a counter", "unknown",
	  "%0 = param.64 0\n %1 = const.64 0\n jump b1\nb1:\n"
	  "%2 = phi.64 b0: %1, b1: %3\n %3 = add.64 %2, %0\n if %0 b1, b2\nb2:\n ret %3\n",
	  "unknown" },
	{ "null first, then a pointer, in a loop", "value",
	  "%0 = param.64 0\n %1 = const.64 0\n %4 = const.64 8\n jump b1\nb1:\n"
	  "%2 = phi.64 b0: %1, b2: %0\n %3 = add.64 %2, %4\n if %0 b2, b3\nb2:\n jump b1\n"
	  "b3:\n ret %3\n", "value" },
};

static void test_regions(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(regions); i++) {
		struct fixture f;
		const char *got;

		open_fixture(&f);
		parse(&f, regions[i].name,
		      str_printf(f.a,
				 "sym @map:m 0\nsym @data:.bss 0\nsym @fn:f 0\n"
				 "sym @kvar:jiffies 0\nsym @const:skep.cgroup_id 0\n"
				 "fn f(%s) ret 64 program 0 {\nb0:\n%s}\n",
				 regions[i].params, regions[i].body));
		for (int twice = 0; twice < 2; twice++) {
			ir_regions(f.m->fns.at[0]);
			got = ir_region_name(f.m->fns.at[0]->last->last->args[0]->region);
			if (strcmp(got, regions[i].want))
				fail_msg("%s: %s, wanted %s", regions[i].name, got,
					 regions[i].want);
		}
		close_fixture(&f);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden), cmocka_unit_test(test_refused),
		cmocka_unit_test(test_inline_mixed), cmocka_unit_test(test_inline_explosion),
		cmocka_unit_test(test_targets), cmocka_unit_test(test_regions),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
