/* Golden tests of gen: ir and the listing that it must give, and what the code must compute.
 *
 * SKEP_GOLDEN=write rewrites the listings; review the diff by hand.
 */
#include "gen/gen.h"
#include "bpf_machine.c"
#include "gen_golden.c"
#include "ir_evaluator.c"

#include <stdio.h>

#include <setjmp.h>
#include <cmocka.h>

static void write_golden(struct golden *g, str got)
{
	FILE *f = fopen(str_z(g->a, golden_path(g->a, g->name)), "w");
	str head = g->text;

	assert_non_null(f);
	if (g->out.s)
		head.n = (u32)(g->out.s - g->text.s);
	fprintf(f, STR_FMT "%s" STR_FMT, STR_ARG(head), g->out.s ? "" : "-- out\n", STR_ARG(got));
	fclose(f);
}

static void run_machine(struct golden *g, const struct golden_run *r, u32 number)
{
	struct obj_image image;
	struct machine m = { 0 };
	struct golden_run copy = *r;
	struct err e;
	u64 got;

	assert_int_equal(obj_link(g->a, g->o, 0, &image, &e), 0);
	m.code = image.insns;
	m.n = image.n;
	m.ctx = (u8 *)copy.ctx;
	m.ctx_size = sizeof(copy.ctx);
	got = machine_run(&m);
	if (m.wrong[0] || got != r->want)
		fail_msg(STR_FMT ", run %u: %s, got %lld, want %lld", STR_ARG(g->name), number,
			 m.wrong[0] ? m.wrong : "other result", (long long)got, (long long)r->want);
}

/* The evaluator must agree with the file, so that a wrong expectation is no excuse. */
static void run_evaluator(struct golden *g, const struct golden_run *r, u32 number)
{
	struct evaluator e = { .a = g->a };
	struct golden_run copy = *r;
	u64 args[5] = { (u64)(uintptr_t)copy.ctx }, got;
	u32 main = 0;

	while (g->m->fns.at[main]->linkage != IR_PROGRAM)
		main++;
	got = eval_fn(&e, g->m->fns.at[main], args, 0);
	if (e.wrong || got != r->want)
		fail_msg(STR_FMT ", run %u: the ir itself gives %lld, want %lld %s",
			 STR_ARG(g->name), number, (long long)got, (long long)r->want,
			 e.wrong ? e.wrong : "");
}

static void one_golden(struct arena *a, str name)
{
	bool write = getenv("SKEP_GOLDEN") && !strcmp(getenv("SKEP_GOLDEN"), "write"), ok;
	struct golden g;
	str got;

	assert_true(golden_read(&g, a, name));
	ok = golden_parse(&g);
	for (u32 i = 0; ok && i < g.runs.n; i++)
		if (!g.runs.at[i].kernel_only)
			run_evaluator(&g, &g.runs.at[i], i);
	ok = ok && golden_compile(&g);
	got = golden_result(&g, ok);
	for (u32 i = 0; i < g.runs.n; i++) {
		if (!ok)
			fail_msg(STR_FMT ": does not compile:\n" STR_FMT, STR_ARG(name),
				 STR_ARG(got));
		if (!g.runs.at[i].kernel_only)
			run_machine(&g, &g.runs.at[i], i);
	}
	if (write)
		write_golden(&g, got);
	else if (!str_eq(got, g.out))
		fail_msg(STR_FMT ":\n--- got\n" STR_FMT "--- want\n" STR_FMT, STR_ARG(name),
			 STR_ARG(got), STR_ARG(g.out));
}

static void test_golden(void **state)
{
	struct arena *names = arena_new(NULL);
	u32 n;
	str *list = golden_list(names, &n);

	(void)state;
	assert_true(n >= 20);
	for (u32 i = 0; i < n; i++) {
		struct arena *a = arena_new(NULL);

		one_golden(a, list[i]);
		arena_free(a);
	}
	arena_free(names);
}

/* The same module twice gives the same text. */
static void test_deterministic(void **state)
{
	struct arena *a = arena_new(NULL);
	struct golden g[2];
	str got[2];

	(void)state;
	for (u32 i = 0; i < 2; i++) {
		assert_true(golden_read(&g[i], a, STR("spill.ir")));
		assert_true(golden_parse(&g[i]) && golden_compile(&g[i]));
		got[i] = golden_result(&g[i], true);
	}
	assert_true(str_eq(got[0], got[1]));
	arena_free(a);
}

/* `n` additions in a row inside of an if, so that its jump must reach over all of them. */
static struct ir_module *far_jump(struct arena *a, u32 n)
{
	struct ir_module *m = ir_module_new(a);
	struct ir_builder b = { .fn = ir_fn_new(m, STR("far"), IR_PROGRAM, 1, 64) };
	struct ir_block *yes, *no, *join;
	struct ir_ins *x, *y, *phi;

	b.at = ir_block_new(b.fn);
	yes = ir_block_new(b.fn);
	no = ir_block_new(b.fn);
	join = ir_block_new(b.fn);
	x = ir_load(&b, 64, 8, false, ir_param(&b, 0, 64), 0);
	ir_if(&b, ir_compare(&b, IR_UGT, x, ir_const(&b, 64, 100)), yes, no);
	b.at = yes;
	y = x;
	for (u32 i = 0; i < n; i++)
		y = ir_binary(&b, i & 1 ? IR_XOR : IR_ADD, 64, y, ir_const(&b, 64, i));
	ir_jump(&b, join);
	b.at = no;
	ir_jump(&b, join);
	b.at = join;
	phi = ir_phi(&b, 64, 2);
	phi->args[0] = y;
	phi->args[1] = x;
	/* Not just an exit, which would be repeated. */
	for (u32 i = 0; i < 4; i++)
		phi = ir_binary(&b, i & 1 ? IR_XOR : IR_ADD, 64, phi, ir_const(&b, 64, 5));
	ir_ret(&b, phi);
	return m;
}

static u64 far_value(u64 x, u32 n)
{
	for (u32 i = 0; i < n && x > 100; i++)
		x = i & 1 ? x ^ i : x + i;
	return ((((x + 5) ^ 5) + 5) ^ 5);
}

static void test_far_jumps(void **state)
{
	static const u64 inputs[] = { 7, 1000000000ull };
	enum { N = 40000 };
	struct ir_target v3 = { 0 }, v4 = { .has_v4 = true };
	struct arena *a = arena_new(NULL);
	struct sources ss;
	struct diags dx;
	struct obj *o;

	(void)state;
	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	o = obj_new(a, &ss);
	vec_push(a, &o->progs);
	assert_false(gen_module(a, &dx, &v3, far_jump(a, N), o));
	assert_int_equal(dx.n_errors, 1);
	assert_int_equal(dx.list.at[0].tag, E_REGISTERS);
	diags_init(&dx, a, &ss);
	o = obj_new(a, &ss);
	vec_push(a, &o->progs);
	assert_true(gen_module(a, &dx, &v4, far_jump(a, N), o));
	for (u32 i = 0; i < ARRAY_LEN(inputs); i++) {
		struct obj_func *f = &o->funcs.at[0];
		u64 x = inputs[i];
		struct machine m = { .code = f->insns, .n = f->n, .ctx = (u8 *)&x, .ctx_size = 8 };

		assert_int_equal(machine_run(&m), far_value(x, N));
		assert_string_equal(m.wrong, "");
	}
	arena_free(a);
}

static void test_too_many_params(void **state)
{
	struct arena *a = arena_new(NULL);
	struct ir_target target = { 0 };
	struct ir_module *m = ir_module_new(a);
	struct ir_builder b = { .fn = ir_fn_new(m, STR("six"), IR_STATIC, 5, 0) };
	struct sources ss;
	struct diags dx;

	(void)state;
	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	b.at = ir_block_new(b.fn);
	ir_ret(&b, NULL);
	b.fn->n_params = 6;
	assert_false(gen_module(a, &dx, &target, m, obj_new(a, &ss)));
	assert_int_equal(dx.n_errors, 1);
	assert_int_equal(dx.list.at[0].tag, E_REGISTERS);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_deterministic),
		cmocka_unit_test(test_far_jumps),
		cmocka_unit_test(test_too_many_params),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
