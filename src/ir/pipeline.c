/* pipeline: the passes in the order in which they run.
 *
 * A pass that runs more than once has a number behind its name, so that each dump has a name of its
 * own. The order in short: functions come together and memory becomes values; what is computed is
 * made small; then the module is brought down to what the target has (reads of foreign memory,
 * block moves, missing instructions) and gets its filter in front, which makes new slots and new
 * arithmetic, so that the cleaning runs again.
 *
 * In debug builds every function is checked before the first pass and after each one. A break is
 * our bug, and says which pass made it.
 */
#include "ir/passes.h"

const struct ir_pass ir_pipeline[] = {
	{ "inline", "puts functions into their callers", NULL, ir_pass_inline },
	{ "cfg", "removes blocks and jumps that do nothing", ir_pass_cfg, NULL },
	{ "promote", "turns local memory into values", ir_pass_promote, NULL },
	{ "ctx", "gives helpers the real context", ir_pass_ctx, NULL },
	{ "fold", "computes what is constant, simplifies the rest", ir_pass_fold, NULL },
	{ "cse", "makes one value of two that are computed alike", ir_pass_cse, NULL },
	{ "dce", "removes what nobody can notice", ir_pass_dce, NULL },
	{ "cfg2", "removes blocks and jumps that do nothing", ir_pass_cfg, NULL },
	{ "reads", "turns reads of foreign memory into helper calls", ir_pass_reads, NULL },
	{ "expand", "replaces what the target lacks", ir_pass_expand, NULL },
	{ "guard", "puts the process filter in front of programs", ir_pass_guard, NULL },
	{ "promote2", "turns local memory into values", ir_pass_promote, NULL },
	{ "fold2", "computes what is constant, simplifies the rest", ir_pass_fold, NULL },
	{ "cse2", "makes one value of two that are computed alike", ir_pass_cse, NULL },
	{ "dce2", "removes what nobody can notice", ir_pass_dce, NULL },
	{ "cfg3", "removes blocks and jumps that do nothing", ir_pass_cfg, NULL },
	{ "dce3", "removes what nobody can notice", ir_pass_dce, NULL },
	{ NULL, NULL, NULL, NULL },
};

static void run(const struct ir_pass *p, struct ir_pass_ctx *c, struct ir_module *m)
{
	if (p->run_module)
		p->run_module(c, m);
	/* By index: a pass may add functions. */
	for (u32 i = 0; p->run_fn && i < m->fns.n; i++)
		p->run_fn(c, m->fns.at[i]);
}

#ifdef SKEP_DEBUG
static void check(struct ir_module *m, const char *pass)
{
	str why;

	for (u32 i = 0; i < m->fns.n; i++)
		if (!ir_check(m->fns.at[i], &why))
			base_bug(arena_trap(m->a),
				 str_z(m->a, str_printf(m->a, "%s: " STR_FMT, pass, STR_ARG(why))));
}
#else
static void check(struct ir_module *m, const char *pass)
{
	(void)m;
	(void)pass;
}
#endif

bool ir_optimise(struct arena *a, struct diags *dx, const struct ir_target *target,
		 struct ir_module *m,
		 void (*seen)(void *arg, const char *pass, struct ir_module *m), void *arg)
{
	struct ir_pass_ctx c = { .scratch = a, .dx = dx, .target = target };
	bool is_scratch = a != m->a && a != dx->a;
	u32 errors = dx->n_errors;

	check(m, "before the first pass");
	for (u32 i = 0; i < m->fns.n; i++)
		ir_cfg_build(m->fns.at[i]);
	for (const struct ir_pass *p = ir_pipeline; p->name; p++) {
		struct arena_mark mark = arena_mark(a);

		run(p, &c, m);
		if (is_scratch)
			arena_release(a, mark);
		if (dx->n_errors != errors)
			return false;
		check(m, p->name);
		if (seen)
			seen(arg, p->name, m);
	}
	return true;
}
