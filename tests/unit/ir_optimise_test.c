/* Random functions give the same results before and after the passes.
 *
 * The makers of random ir and its evaluator are shared with the tests of the code generator. Each
 * function runs on several inputs after each pass of several orders, and after the whole pipeline;
 * ir_check() runs as well. A failure names the seed and shows the function before and after the
 * pass that broke it: SKEP_SEED=n runs that one alone.
 */
#include "ir/ir.h"
#include "ir/passes.h"
#include "ir_evaluator.c"
#include "ir_idioms.c"
#include "ir_random.c"

#include <setjmp.h>
#include <cmocka.h>
#include <stdlib.h>

enum { N_SMALL = 300, N_LARGE = 25, N_RUNS = 4 };

struct fixture {
	struct arena *a, *scratch;
	struct sources ss;
	struct diags dx;
	struct ir_target target;
	struct ir_module *m;
	u64 seed;
	u64 want[N_RUNS];
	str before;	       /* the text before the pass that runs */
	u64 n_before, n_after; /* instructions executed */
};

/* Makes the result from the arguments; the helpers of ir_idioms.c fill or read their memory, which
 * also depends on how often that happened before. */
static u64 made_up_helper(void *arg, u32 id, const u64 args[5])
{
	u64 *calls = arg, h = id, data[5];

	memcpy(data, args, sizeof(data));
	if (id == IDIOM_READS || id == IDIOM_FILLS)
		data[0] = ++*calls;
	if (id == IDIOM_READS)
		data[1] = eval_load(args[0], 8);
	for (u32 i = 0; i < 5; i++)
		h = (h ^ data[i]) * 0x9e3779b97f4a7c15ull + (h >> 29);
	if (id == IDIOM_FILLS)
		memcpy((void *)(uintptr_t)args[0], &h, 8);
	return h;
}

static str text_of(struct fixture *f)
{
	struct sbuf out;

	sbuf_init(&out, f->scratch);
	ir_print(&out, f->m);
	return sbuf_str(&out);
}

static u64 run_on(struct fixture *f, u32 run, u64 *steps)
{
	struct random_ir chance = { .state = f->seed * 31 + run + 1 };
	u64 calls = 0;
	struct evaluator e = { .a = arena_new(NULL), made_up_helper, &calls };
	u64 ctx[RANDOM_INPUTS], args[5] = { (u64)(uintptr_t)ctx }, got;

	for (u32 i = 0; i < RANDOM_INPUTS; i++)
		ctx[i] = run ? (u64)random_number(&chance) : 0;
	got = eval_fn(&e, f->m->fns.at[1], args, 0);
	if (e.wrong)
		fail_msg("seed %llu: %s", (unsigned long long)f->seed, e.wrong);
	*steps += e.steps;
	arena_free(e.a);
	return got;
}

typedef void make_module(struct ir_module *m, u64 seed, u32 budget);

static void make_lively(struct ir_module *m, u64 seed, u32 budget)
{
	random_module(m, seed, budget, false);
}

static void open_fixture(struct fixture *f, make_module *make, u64 seed, u32 budget, bool has_v4)
{
	*f = (struct fixture){ .seed = seed, .a = arena_new(NULL), .scratch = arena_new(NULL) };
	f->target = (struct ir_target){ .has_v4 = has_v4, .split_probe_reads = true };
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
	f->m = ir_module_new(f->a);
	make(f->m, seed, budget);
	for (u32 i = 0; i < f->m->fns.n; i++)
		ir_cfg_build(f->m->fns.at[i]);
	f->before = text_of(f);
	for (u32 run = 0; run < N_RUNS; run++)
		f->want[run] = run_on(f, run, &f->n_before);
}

static void close_fixture(struct fixture *f)
{
	arena_free(f->scratch);
	arena_free(f->a);
}

/* The module is still right and gives what it gave at first. */
static void compare(struct fixture *f, const char *pass)
{
	str after = text_of(f), why;

	f->n_after = 0;
	for (u32 i = 0; i < f->m->fns.n; i++)
		if (!ir_check(f->m->fns.at[i], &why))
			fail_msg("seed %llu, %s: " STR_FMT "\n--- before\n" STR_FMT
				 "--- after\n" STR_FMT,
				 (unsigned long long)f->seed, pass, STR_ARG(why),
				 STR_ARG(f->before), STR_ARG(after));
	for (u32 run = 0; run < N_RUNS; run++)
		if (run_on(f, run, &f->n_after) != f->want[run])
			fail_msg("seed %llu, %s, input %u: another result\n--- before\n" STR_FMT
				 "--- after\n" STR_FMT,
				 (unsigned long long)f->seed, pass, run, STR_ARG(f->before),
				 STR_ARG(after));
	f->before = after;
}

static void seen(void *arg, const char *pass, struct ir_module *m)
{
	struct fixture *f = arg;

	assert_ptr_equal(m, f->m);
	compare(f, pass);
}

static void run_pass(struct fixture *f, char letter)
{
	static const struct {
		char letter;
		void (*run)(struct ir_pass_ctx *c, struct ir_fn *fn);
	} passes[] = { { 'f', ir_pass_fold },
		       { 's', ir_pass_cse },
		       { 'd', ir_pass_dce },
		       { 'c', ir_pass_cfg },
		       { 'p', ir_pass_promote } };
	struct ir_pass_ctx c = { f->scratch, &f->dx, &f->target };
	u32 at = 0;

	while (passes[at].letter != letter)
		at++;
	for (u32 i = 0; i < f->m->fns.n; i++)
		passes[at].run(&c, f->m->fns.at[i]);
	compare(f, (char[]){ letter, 0 });
}

static u64 first_seed(u32 *n)
{
	const char *given = getenv("SKEP_SEED");

	if (given)
		*n = 1;
	return given ? strtoull(given, NULL, 0) : 1;
}

static void passes_alone(make_module *make, u64 seed, const char *order)
{
	struct fixture f;

	open_fixture(&f, make, seed, 2 + (u32)(seed % 37), seed & 4);
	for (; *order; order++)
		run_pass(&f, *order);
	close_fixture(&f);
}

/* f is fold, c is cfg, d is dce, s is cse, p is promote. */
static void test_passes_alone(void **state)
{
	static const char *const orders[] = { "fsdcfsdc", "sfcd", "cfsf", "pfscd", "fcfcsd" };
	u32 n = N_SMALL;
	u64 from = first_seed(&n);

	(void)state;
	for (u64 seed = from; seed < from + n; seed++) {
		passes_alone(make_lively, seed, orders[seed % ARRAY_LEN(orders)]);
		passes_alone(idiom_module, seed, orders[seed % ARRAY_LEN(orders)]);
	}
}

static void whole_pipeline(make_module *make, u32 n, u32 budget, u64 *n_before, u64 *n_after)
{
	u64 from = first_seed(&n);

	for (u64 seed = from; seed < from + n; seed++) {
		struct fixture f;

		open_fixture(&f, make, seed, budget + (u32)(seed % 50), seed & 1);
		assert_true(ir_optimise(f.a, &f.dx, &f.target, f.m, seen, &f));
		*n_before += f.n_before;
		*n_after += f.n_after;
		close_fixture(&f);
	}
}

/* The pipeline also makes the functions faster: that is what it is for. */
static void test_pipeline(void **state)
{
	u64 n_before = 0, n_after = 0;

	(void)state;
	whole_pipeline(make_lively, N_SMALL, 4, &n_before, &n_after);
	whole_pipeline(make_lively, N_LARGE, 300, &n_before, &n_after);
	assert_true(n_after < n_before / 10 * 9);
	n_before = n_after = 0;
	whole_pipeline(idiom_module, N_SMALL, 1, &n_before, &n_after);
	assert_true(n_after < n_before / 10 * 6);
}

/* Optimising twice gives what optimising once gives: the same input, the same bytes. */
static void test_deterministic(void **state)
{
	(void)state;
	for (u64 seed = 1000; seed < 1010; seed++) {
		struct fixture f[2];

		for (u32 i = 0; i < 2; i++) {
			open_fixture(&f[i], make_lively, seed, 60, true);
			assert_true(ir_optimise(f[i].scratch, &f[i].dx, &f[i].target, f[i].m, NULL,
						NULL));
		}
		assert_true(str_eq(text_of(&f[0]), text_of(&f[1])));
		close_fixture(&f[0]);
		close_fixture(&f[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_passes_alone),
		cmocka_unit_test(test_pipeline),
		cmocka_unit_test(test_deterministic),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
