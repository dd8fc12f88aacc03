/* gen: the list of steps from ir to instructions.
 *
 * Each function goes through them alone; its scratch is given back behind it. What lives on is in
 * the obj: code, relocations, line records. A step that finds the user's program impossible adds a
 * diagnostic and sets g->failed; then the function's other steps are left out, and the others still
 * run, so that one go shows all such errors.
 */
#include "gen/mir.h"

static const struct {
	const char *name;
	void (*run)(struct gen *g);
} steps[] = {
	{ "legalize", gen_legalize },	      /* what BPF lacks */
	{ "flow", gen_flow },		      /* critical edges, loops, order of blocks */
	{ "place_leaves", gen_place_leaves }, /* constants and addresses */
	{ "demand", gen_demand },	      /* what needs a register */
	{ "turn_loops", gen_turn_loops },     /* tests to the end of loops */
	{ "select", gen_select },	      /* machine instructions */
	{ "allocate", gen_allocate },	      /* registers, spilling */
	{ "frame", gen_frame },		      /* stack offsets */
	{ "tidy", gen_tidy },		      /* empty blocks, moves to oneself */
	{ "emit", gen_emit },		      /* slots, relocations, lines */
};

/* Functions whose address is taken are called by helpers, not only by us. */
static bool *find_callbacks(struct arena *a, const struct ir_module *m)
{
	bool *is_callback = arena_array_of(a, bool, m->fns.n);

	for (u32 f = 0; f < m->fns.n; f++)
		for (const struct ir_block *b = m->fns.at[f]->first; b; b = b->next)
			for (const struct ir_ins *x = b->first; x; x = x->next)
				if (x->op == IR_SYM && m->syms.at[x->sym].kind == IR_SYM_FN)
					is_callback[m->syms.at[x->sym].index] = true;
	return is_callback;
}

static bool too_many_params(struct gen *g)
{
	if (g->fn->n_params <= 5)
		return false;
	diag_add(g->dx, g->fn->span, E_REGISTERS, "'" STR_FMT "' has %u parameters; BPF passes 5",
		 STR_ARG(g->fn->name), g->fn->n_params);
	diag_hint(g->dx, "pass a pointer to a struct, or make the function always inline");
	return g->failed = true;
}

static bool gen_function(struct gen *g)
{
	struct obj_func *f = g->out;

	f->name = g->fn->name;
	f->proto = g->fn->proto;
	f->is_global = g->fn->linkage == IR_GLOBAL;
	f->span = g->fn->span;
	if (too_many_params(g))
		return false;
	for (u32 i = 0; i < ARRAY_LEN(steps) && !g->failed; i++)
		steps[i].run(g);
	if (!g->failed && g->fn->linkage == IR_PROGRAM)
		g->o->progs.at[g->fn->prog].func = (u32)(f - g->o->funcs.at);
	return !g->failed;
}

bool gen_module(struct arena *a, struct diags *dx, const struct ir_target *target,
		struct ir_module *m, struct obj *o)
{
	u32 first = o->funcs.n;
	bool *is_callback = find_callbacks(a, m), ok = true;
	struct arena *scratch = arena_new(arena_trap(a));
	struct arena_mark mark = arena_mark(scratch);

	for (u32 i = 0; i < m->fns.n; i++)
		vec_push(o->a, &o->funcs);
	for (u32 i = 0; i < m->fns.n; i++) {
		struct gen g = { .a = scratch,
				 .dx = dx,
				 .target = target,
				 .m = m,
				 .o = o,
				 .fn = m->fns.at[i],
				 .first_func = first,
				 .out = &o->funcs.at[first + i],
				 .is_callback = is_callback[i] };

		ok &= gen_function(&g);
		arena_release(scratch, mark);
	}
	arena_free(scratch);
	return ok;
}
