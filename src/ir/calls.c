/* calls: the call graph of a module, for pass `inline`.
 *
 * Nodes are the functions, edges the CALL_FN instructions. A depth-first walk with a stack of its
 * own (no recursion) gives the order callees before callers and finds cycles, which are E_RECURSION
 * with the whole cycle named. The same order backwards carries the regions of arguments down to
 * parameters, forwards those of results up to calls. Regions come from regions.c, one function at a
 * time.
 */
#include "ir/inline.h"
#include "ir/regions.h"

enum { NEW, OPEN, DONE };
/* No pointer seen yet: only null or nothing. */
enum { NO_REGION = 0xff };

/* ---- building -------------------------------------------------------------------------------- */

struct ir_callee *ir_callee_of(const struct ir_calls *calls, const struct ir_ins *call)
{
	return &calls->of[calls->m->syms.at[call->sym].index];
}

u32 ir_fn_cost(const struct ir_fn *fn)
{
	u32 n = 0;

	for (const struct ir_block *b = fn->first; b; b = b->next)
		for (const struct ir_ins *i = b->first; i; i = i->next)
			n += i->op != IR_PARAM && i->op != IR_SLOT && i->op != IR_CONST &&
			     i->op != IR_PHI;
	return n;
}

static void read_function(struct ir_calls *calls, struct ir_callee *f)
{
	const struct ir_module *m = calls->m;

	for (struct ir_block *b = f->fn->first; b; b = b->next)
		for (struct ir_ins *i = b->first; i; i = i->next) {
			if (i->op == IR_CALL_FN) {
				*vec_push(calls->c->scratch, &f->sites) = i;
				ir_callee_of(calls, i)->n_sites++;
			} else if (i->op == IR_SYM && m->syms.at[i->sym].kind == IR_SYM_FN) {
				calls->of[m->syms.at[i->sym].index].is_named = true;
			}
		}
	f->cost = ir_fn_cost(f->fn);
}

struct visit {
	struct ir_callee *f;
	u32 next;
};
struct walk {
	struct visit *stack;
	u32 n;
};

/* stack[from] … stack[n - 1] call each other in a circle; the last one calls the first. */
static void refuse_cycle(struct ir_calls *calls, const struct walk *w, u32 from)
{
	const struct visit *top = &w->stack[w->n - 1];
	struct sbuf names;

	sbuf_init(&names, calls->c->scratch);
	for (u32 i = from; i < w->n; i++) {
		sbuf_put(&names, w->stack[i].f->fn->name);
		sbuf_puts(&names, " -> ");
	}
	sbuf_put(&names, w->stack[from].f->fn->name);
	diag_add(calls->c->dx, top->f->sites.at[top->next - 1]->span, E_RECURSION,
		 "'" STR_FMT "' calls itself: " STR_FMT, STR_ARG(w->stack[from].f->fn->name),
		 STR_ARG(sbuf_str(&names)));
	diag_hint(calls->c->dx,
		  "BPF programs have a fixed stack and no recursion: write a loop with a "
		  "bound instead");
}

static bool walk_from(struct ir_calls *calls, struct walk *w, struct ir_callee *root)
{
	w->n = 0;
	w->stack[w->n++] = (struct visit){ root, 0 };
	root->state = OPEN;
	while (w->n) {
		struct visit *v = &w->stack[w->n - 1];
		struct ir_callee *to;
		u32 at = 0;

		if (v->next == v->f->sites.n) {
			v->f->state = DONE;
			*vec_push(calls->c->scratch, &calls->order) = v->f;
			w->n--;
			continue;
		}
		to = ir_callee_of(calls, v->f->sites.at[v->next++]);
		if (to->state == OPEN) {
			while (w->stack[at].f != to)
				at++;
			refuse_cycle(calls, w, at);
			return false;
		}
		if (to->state == NEW) {
			to->state = OPEN;
			w->stack[w->n++] = (struct visit){ to, 0 };
		}
	}
	return true;
}

bool ir_calls_build(struct ir_calls *calls, struct ir_pass_ctx *c, struct ir_module *m)
{
	struct walk w = { .stack = arena_array_of(c->scratch, struct visit, m->fns.n) };

	*calls = (struct ir_calls){ .c = c, .m = m };
	calls->of = arena_array_of(c->scratch, struct ir_callee, m->fns.n);
	for (u32 i = 0; i < m->fns.n; i++)
		calls->of[i].fn = m->fns.at[i];
	for (u32 i = 0; i < m->fns.n; i++)
		read_function(calls, &calls->of[i]);
	for (u32 i = 0; i < m->fns.n; i++)
		if (calls->of[i].state == NEW && !walk_from(calls, &w, &calls->of[i]))
			return false;
	return true;
}

/* ---- unused functions ------------------------------------------------------------------------ */

static u32 named_function(const struct ir_module *m, const struct ir_ins *i)
{
	if (i->op != IR_CALL_FN && i->op != IR_SYM)
		return UINT32_MAX;
	return m->syms.at[i->sym].kind == IR_SYM_FN ? m->syms.at[i->sym].index : UINT32_MAX;
}

static void reach(const struct ir_module *m, const struct ir_fn *fn, bool *reached, u32 *work,
		  u32 *n)
{
	for (const struct ir_block *b = fn->first; b; b = b->next)
		for (const struct ir_ins *i = b->first; i; i = i->next) {
			u32 to = named_function(m, i);

			if (to == UINT32_MAX || reached[to])
				continue;
			reached[to] = true;
			work[(*n)++] = to;
		}
}

void ir_calls_drop_unused(struct ir_module *m, struct arena *scratch)
{
	bool *reached = arena_array_of(scratch, bool, m->fns.n);
	u32 *work = arena_array_of(scratch, u32, m->fns.n), n = 0, kept = 0;

	for (u32 i = 0; i < m->fns.n; i++)
		if (m->fns.at[i]->linkage != IR_STATIC) {
			reached[i] = true;
			work[n++] = i;
		}
	while (n)
		reach(m, m->fns.at[work[--n]], reached, work, &n);
	for (u32 i = 0; i < m->fns.n; i++) {
		work[i] = kept;
		if (reached[i])
			m->fns.at[kept++] = m->fns.at[i];
	}
	for (u32 i = 0; i < m->syms.n; i++) {
		struct ir_sym *s = &m->syms.at[i];

		if (s->kind == IR_SYM_FN && s->index < m->fns.n)
			s->index = reached[s->index] ? work[s->index] : UINT32_MAX;
	}
	m->fns.n = kept;
}

/* ---- regions --------------------------------------------------------------------------------- */

static u32 join(u32 all, const struct ir_ins *x)
{
	if (x->op == IR_UNDEF || (x->op == IR_CONST && !x->imm))
		return all;
	if (all == NO_REGION)
		return x->region;
	return ir_region_join((enum ir_region)all, (enum ir_region)x->region);
}

/* Callees first: what their returns point into is what their calls give. */
static void spread_results(struct ir_calls *calls, struct ir_callee *f)
{
	for (u32 i = 0; i < f->sites.n; i++) {
		struct ir_ins *call = f->sites.at[i];
		u32 region = ir_callee_of(calls, call)->ret_region;

		if (call->width == 64 && call->region == IR_IN_UNKNOWN && region != NO_REGION)
			call->region = (u8)region;
	}
	ir_regions(f->fn);
	f->ret_region = NO_REGION;
	for (struct ir_block *b = f->fn->first; b; b = b->next)
		if (b->last->op == IR_RET && b->last->n_args)
			f->ret_region = join(f->ret_region, b->last->args[0]);
}

/* Callers first: what all of them pass is what the parameter points into. */
static bool spread_arguments(struct ir_calls *calls, struct ir_callee *f)
{
	bool is_mixed = false;

	for (u32 i = 0; i < 5 && i < f->fn->n_params; i++) {
		enum ir_region *own = &f->fn->param_region[i];

		if (f->fn->linkage != IR_STATIC || f->is_named || *own != IR_IN_UNKNOWN ||
		    f->param_region[i] == NO_REGION)
			continue;
		if (f->param_region[i] == IR_IN_MIXED && !f->fn->noinline) {
			f->fn->always_inline = is_mixed = true;
			continue;
		}
		*own = (enum ir_region)f->param_region[i];
	}
	ir_regions(f->fn);
	for (u32 i = 0; i < f->sites.n; i++) {
		struct ir_ins *call = f->sites.at[i];
		struct ir_callee *to = ir_callee_of(calls, call);

		for (u32 k = 0; k < 5 && k < call->n_args; k++)
			to->param_region[k] = join(to->param_region[k], call->args[k]);
	}
	return is_mixed;
}

bool ir_calls_spread_regions(struct ir_calls *calls)
{
	bool is_mixed = false;

	for (u32 i = 0; i < calls->order.n; i++)
		spread_results(calls, calls->order.at[i]);
	for (u32 i = 0; i < calls->order.n; i++)
		for (u32 k = 0; k < 5; k++)
			calls->order.at[i]->param_region[k] = NO_REGION;
	for (u32 i = calls->order.n; i-- > 0;)
		is_mixed |= spread_arguments(calls, calls->order.at[i]);
	if (!is_mixed)
		/* Results may depend on parameters that are known only now. */
		for (u32 i = 0; i < calls->order.n; i++)
			spread_results(calls, calls->order.at[i]);
	return is_mixed;
}
