/* The kernel accepts generated code, with its debug information, and computes the same.
 *
 * Every golden file that says what it should compute, and random functions against the evaluator.
 * Loading and running attaches nothing. Where bpf(2) is not permitted, the tests are skipped.
 */
#include "gen/gen.h"
#include "bpf_kernel.c"
#include "gen_golden.c"
#include "ir_evaluator.c"
#include "ir_random.c"

#include <stdio.h>
#include <sys/utsname.h>

#include <setjmp.h>
#include <cmocka.h>

enum { N_RANDOM = 300, N_RUNS = 3 };

/* Version 4 of the instruction set came with 6.6. */
static bool kernel_has_v4(void)
{
	struct utsname u;
	unsigned int major = 0, minor = 0;

	return !uname(&u) && sscanf(u.release, "%u.%u", &major, &minor) == 2 &&
	       (major << 8 | minor) >= 0x606;
}

static void skip_if_forbidden(const struct kernel *k)
{
	if (!k->forbidden)
		return;
	printf("skipped: bpf(2) is not permitted here: " STR_FMT, STR_ARG(k->why));
	skip();
}

static void run_golden(struct arena *a, str name)
{
	struct golden g;
	struct kernel k;
	u32 got;

	assert_true(golden_read(&g, a, name));
	if (!g.runs.n || (g.has_v4 && !kernel_has_v4()))
		return;
	assert_true(golden_parse(&g) && golden_compile(&g));
	if (!kernel_open(&k, a, g.o)) {
		skip_if_forbidden(&k);
		fail_msg(STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(k.why));
	}
	for (u32 i = 0; i < g.runs.n; i++) {
		const struct golden_run *r = &g.runs.at[i];

		if (!kernel_run(&k, r->ctx, ARRAY_LEN(r->ctx), &got))
			fail_msg(STR_FMT ": " STR_FMT, STR_ARG(name), STR_ARG(k.why));
		if (got != (u32)r->want)
			fail_msg(STR_FMT ", run %u: the kernel gives 0x%x, want 0x%x",
				 STR_ARG(name), i, got, (u32)r->want);
	}
	kernel_close(&k);
}

static void test_golden(void **state)
{
	struct arena *names = arena_new(NULL);
	u32 n;
	str *list = golden_list(names, &n);

	(void)state;
	for (u32 i = 0; i < n; i++) {
		struct arena *a = arena_new(NULL);

		run_golden(a, list[i]);
		arena_free(a);
	}
	arena_free(names);
}

static u64 no_helper(void *arg, u32 id, const u64 args[5])
{
	(void)arg;
	(void)id;
	(void)args;
	return 12345; /* masked away by the program */
}

static u32 evaluate(struct arena *a, struct ir_module *m, const u64 *ctx)
{
	struct evaluator e = { .a = a, .helper = no_helper };
	u64 args[5] = { (u64)(uintptr_t)ctx };
	u64 r = eval_fn(&e, m->fns.at[1], args, 0);

	assert_null(e.wrong);
	return (u32)r;
}

static void run_random(u64 seed)
{
	struct ir_target target = { .has_v4 = (seed & 1) && kernel_has_v4(),
				    .split_probe_reads = true };
	struct arena *a = arena_new(NULL);
	struct ir_module *m = ir_module_new(a);
	struct random_ir r = { .state = seed + 1 };
	u64 ctx[N_RUNS][RANDOM_INPUTS];
	u32 want[N_RUNS], got;
	struct sources ss;
	struct diags dx;
	struct kernel k;
	struct obj *o;

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	o = obj_new(a, &ss);
	vec_push(a, &o->progs)->func = OBJ_NONE;
	random_module(m, seed, 10 + (u32)(seed % 60), true);
	for (u32 run = 0; run < N_RUNS; run++) {
		for (u32 i = 0; i < RANDOM_INPUTS; i++)
			ctx[run][i] = (u64)random_number(&r);
		want[run] = evaluate(a, m, ctx[run]);
	}
	if (seed & 2)
		assert_true(ir_optimise(a, &dx, &target, m, NULL, NULL));
	assert_true(gen_module(a, &dx, &target, m, o));
	if (!kernel_open(&k, a, o)) {
		skip_if_forbidden(&k);
		fail_msg("seed %llu: " STR_FMT, (unsigned long long)seed, STR_ARG(k.why));
	}
	for (u32 run = 0; run < N_RUNS; run++) {
		if (!kernel_run(&k, ctx[run], RANDOM_INPUTS, &got))
			fail_msg("seed %llu: " STR_FMT, (unsigned long long)seed, STR_ARG(k.why));
		if (got != want[run])
			fail_msg("seed %llu, run %u: the kernel gives 0x%x, want 0x%x",
				 (unsigned long long)seed, run, got, want[run]);
	}
	kernel_close(&k);
	arena_free(a);
}

static void test_random(void **state)
{
	const char *only = getenv("SKEP_SEED");

	(void)state;
	if (only) {
		run_random(strtoull(only, NULL, 0));
		return;
	}
	for (u64 seed = 0; seed < N_RANDOM; seed++)
		run_random(seed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
