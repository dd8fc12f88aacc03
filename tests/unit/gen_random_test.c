/* Random ir, compiled and run by the tests' machine, must give what the tests' evaluator gives.
 *
 * Several hundred functions, small to large, with and without version 4 of the instruction set and
 * the passes of ir before it, each on several inputs. A failure names the seed and shows the ir:
 * SKEP_SEED=n runs that one alone, SKEP_SEEDS=n runs more or fewer.
 */
#include "gen/gen.h"
#include "bpf_machine.c"
#include "ir_evaluator.c"
#include "ir_random.c"

#include <stdio.h>
#include <stdlib.h>

#include <setjmp.h>
#include <cmocka.h>

enum { N_SMALL = 400, N_LARGE = 60, N_RUNS = 4 };

struct fixture {
	struct arena *a, *scratch;
	struct sources ss;
	struct diags dx;
	u64 n_insns, n_steps, n_spills;
};

static u64 made_up_helper(void *arg, u32 id, const u64 args[5])
{
	u64 h = id;

	(void)arg;
	for (u32 i = 0; i + 100 < id && i < 5; i++)
		h = (h ^ args[i]) * 0x9e3779b97f4a7c15ull + (h >> 29);
	return h;
}

static void fill_inputs(u64 *ctx, u64 seed, u32 run)
{
	struct random_ir r = { .state = seed * 77 + run + 1 };

	for (u32 i = 0; i < RANDOM_INPUTS; i++)
		ctx[i] = run ? (u64)random_number(&r) : 0;
}

/* Links and runs both forms of the program. */
static void compare_runs(struct fixture *f, const struct ir_fn *fn, const struct obj *o, u64 seed,
			 const u64 *want, str text)
{
	struct obj_image image;
	struct machine m = { .helper = made_up_helper };
	struct err e = { 0 };
	struct sbuf out;
	u64 ctx[RANDOM_INPUTS];

	(void)fn;
	if (obj_link(f->a, o, 0, &image, &e))
		fail_msg("seed %llu: %s", (unsigned long long)seed, e.msg);
	m.code = image.insns;
	m.n = image.n;
	m.ctx = (u8 *)ctx;
	m.ctx_size = sizeof(ctx);
	for (u32 run = 0; run < N_RUNS; run++) {
		u64 got;

		fill_inputs(ctx, seed, run);
		got = machine_run(&m);
		f->n_steps += m.steps;
		if (!m.wrong[0] && got == want[run])
			continue;
		sbuf_init(&out, f->a);
		obj_print(&out, o, true);
		fail_msg("seed %llu, run %u: %s, got 0x%llx, want 0x%llx\n" STR_FMT "\n" STR_FMT,
			 (unsigned long long)seed, run, m.wrong[0] ? m.wrong : "other result",
			 (unsigned long long)got, (unsigned long long)want[run], STR_ARG(text),
			 STR_ARG(sbuf_str(&out)));
	}
	f->n_insns += image.n;
}

static void one(struct fixture *f, u64 seed, u32 budget, bool has_v4, bool optimised)
{
	struct arena_mark mark = arena_mark(f->a);
	struct ir_module *m = ir_module_new(f->a);
	struct ir_target target = { .has_v4 = has_v4, .split_probe_reads = true };
	struct obj *o = obj_new(f->a, &f->ss);
	struct sbuf text;
	u64 want[N_RUNS];
	str why;

	random_module(m, seed, budget, false);
	sbuf_init(&text, f->a);
	ir_print(&text, m);
	for (u32 i = 0; i < m->fns.n; i++)
		if (!ir_check(m->fns.at[i], &why))
			fail_msg("seed %llu: bad test: " STR_FMT "\n" STR_FMT,
				 (unsigned long long)seed, STR_ARG(why), STR_ARG(sbuf_str(&text)));
	for (u32 run = 0; run < N_RUNS; run++) {
		struct evaluator e = { .a = f->scratch, .helper = made_up_helper };
		struct arena_mark top = arena_mark(f->scratch);
		u64 ctx[RANDOM_INPUTS], args[5] = { (u64)(uintptr_t)ctx };

		fill_inputs(ctx, seed, run);
		want[run] = eval_fn(&e, m->fns.at[1], args, 0);
		if (e.wrong)
			fail_msg("seed %llu: bad test: %s", (unsigned long long)seed, e.wrong);
		arena_release(f->scratch, top);
	}
	vec_push(f->a, &o->progs)->func = OBJ_NONE;
	if (optimised && !ir_optimise(f->a, &f->dx, &target, m, NULL, NULL))
		fail_msg("seed %llu: the passes refuse it", (unsigned long long)seed);
	if (!gen_module(f->a, &f->dx, &target, m, o)) {
		/* So many values at once that even the stack is too small: told, not miscompiled.
		 */
		assert_int_equal(f->dx.list.at[0].tag, E_STACK);
		f->n_spills++;
		diags_init(&f->dx, f->a, &f->ss);
	} else {
		compare_runs(f, m->fns.at[1], o, seed, want, sbuf_str(&text));
	}
	arena_release(f->a, mark);
}

static void test_random(void **state)
{
	const char *only = getenv("SKEP_SEED"), *count = getenv("SKEP_SEEDS");
	u64 n_small = count ? strtoull(count, NULL, 0) : N_SMALL;
	u64 n_large = count ? n_small / 8 : N_LARGE;
	struct fixture f = { .a = arena_new(NULL), .scratch = arena_new(NULL) };

	(void)state;
	sources_init(&f.ss, f.a);
	for (u64 seed = only ? strtoull(only, NULL, 0) : 0; seed < n_small + n_large; seed++) {
		diags_init(&f.dx, f.a, &f.ss);
		one(&f, seed, seed < n_small ? 4 + (u32)(seed % 40) : 120 + (u32)(seed % 200),
		    seed & 1, seed & 2);
		if (only)
			break;
	}
	printf("%llu instructions, %llu executed, %llu refused for their stack\n",
	       (unsigned long long)f.n_insns, (unsigned long long)f.n_steps,
	       (unsigned long long)f.n_spills);
	assert_true(f.n_spills < 5 || only || count);
	arena_free(f.a);
	arena_free(f.scratch);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
