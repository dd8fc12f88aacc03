/* inline: calls of module functions become their bodies.
 *
 * Functions are taken callees first (postorder of the call graph), so that each body is final when
 * it is copied. Inlined are: always_inline functions, what gets a stand-in for the context
 * (ins->is_ctx), static functions with one caller, and small ones. Promotion runs before and after,
 * because the cost of a function is known only then and because slots whose address was passed
 * become local. A cycle in the call graph is E_RECURSION.
 *
 * Copying: the block is split behind the call; the callee's blocks are cloned in between;
 * parameters become the arguments, returns become jumps to the rest, and where several meet a phi
 * is the result. Slots of the callee move to the caller's entry block. Copies of callees in one
 * caller never live at the same time, hence they share slots: six copies take the stack of the
 * largest one.
 *
 * What stays a call: the regions of its parameters are joined over all callers and the region of
 * its result is carried to them, since pass `reads` looks at one function at a time. If callers
 * disagree about a pointer the function is inlined after all. Static functions that nobody names
 * any more go.
 *
 * Calls through pointers and callbacks are in indirect.c: what they name becomes a call when the
 * pointer turns out to be one function, and then everything starts again.
 *
 * Left out: inlining by frequency.
 */
#include "ir/edit.h"
#include "ir/inline.h"
#include "ir/passes.h"

enum { SMALL = 40, MAX_OPTIONAL = 4000, MAX_SIZE = 100000 };

/* ---- what to inline -------------------------------------------------------------------------- */

static bool takes_context_stand_in(const struct ir_ins *call)
{
	for (u32 i = 0; i < call->n_args; i++)
		if (call->args[i]->op == IR_SLOT && call->args[i]->is_ctx)
			return true;
	return false;
}

struct pooled {
	struct ir_ins *slot;
	u32 used_by;
};
struct caller {
	struct ir_calls *calls;
	struct ir_fn *fn;
	u32 size;
	vec(struct ir_ins *) sites;
	vec(struct pooled) pool;
	u32 site; /* stamp of the copy that is being made */
};

static bool is_wanted(const struct caller *g, const struct ir_ins *call)
{
	const struct ir_callee *f = ir_callee_of(g->calls, call);

	if (takes_context_stand_in(call))
		return true;
	if (f->fn->noinline)
		return false;
	if (f->fn->always_inline)
		return true;
	if (g->size > MAX_OPTIONAL)
		return false;
	return f->cost <= SMALL || (f->fn->linkage == IR_STATIC && f->n_sites == 1 && !f->is_named);
}

/* ---- one call -------------------------------------------------------------------------------- */

struct copy {
	struct caller *g;
	struct ir_ins *call;
	struct ir_fn *f;
	struct ir_block *before, *behind, *last;
	vec(struct ir_ins *) results; /* of each return, in the order of behind->preds */
};

static struct arena *scratch(const struct copy *c)
{
	return c->g->calls->c->scratch;
}

/* A slot of the pool that this copy does not use yet: the smallest that is large enough, else the
 * largest, which is then enlarged. */
static struct ir_ins *pooled_slot(struct copy *c, const struct ir_ins *want)
{
	struct caller *g = c->g;
	struct pooled *best = NULL;

	for (u32 i = 0; i < g->pool.n; i++) {
		struct pooled *p = &g->pool.at[i];

		if (p->used_by == g->site)
			continue;
		if (!best ||
		    (best->slot->count < want->count
			     ? p->slot->count > best->slot->count
			     : p->slot->count >= want->count && p->slot->count < best->slot->count))
			best = p;
	}
	if (!best) {
		best = vec_push(scratch(c), &g->pool);
		best->slot = ir_put_slot(g->fn, want->count, want->align, want->span);
	}
	best->used_by = g->site;
	if (best->slot->count < want->count)
		best->slot->count = want->count;
	if (best->slot->align < want->align)
		best->slot->align = want->align;
	return best->slot;
}

static struct ir_ins *copy_slot(struct copy *c, const struct ir_ins *slot)
{
	struct ir_ins *own;

	if (!slot->is_ctx)
		return pooled_slot(c, slot);
	own = ir_put_slot(c->g->fn, slot->count, slot->align, slot->span);
	own->is_ctx = true;
	return own;
}

static struct ir_ins *argument(struct copy *c, const struct ir_ins *param)
{
	struct ir_ins *x;

	if (param->imm < 0 || param->imm >= c->call->n_args)
		return ir_put(c->call, IR_UNDEF, param->width, NULL, NULL);
	for (x = c->call->args[param->imm]; x->note; x = x->note)
		;
	x = ir_put_width(c->call, param->width, x);
	if (param->imm < IR_MAX_PARAMS)
		ir_keep_region(x, (u8)c->f->param_region[param->imm]);
	return x;
}

static struct ir_ins *clone(struct copy *c, const struct ir_ins *old)
{
	struct ir_ins *x = ir_ins_new(c->g->fn, old->op, old->width, old->n_args);
	struct ir_ins **args = x->args;
	u32 id = x->id;

	*x = *old;
	x->id = id;
	x->args = args;
	x->prev = x->next = NULL;
	x->note = NULL;
	x->mark = 0;
	for (int k = 0; k < 2; k++)
		x->to[k] = old->to[k] ? old->to[k]->note : NULL;
	return x;
}

static void copy_block(struct copy *c, struct ir_block *old)
{
	struct ir_block *b = old->note;

	for (struct ir_ins *i = old->first; i; i = i->next) {
		struct ir_ins *x;

		if (i->op == IR_PARAM) {
			i->note = argument(c, i);
		} else if (i->op == IR_SLOT) {
			i->note = copy_slot(c, i);
		} else {
			x = clone(c, i);
			i->note = x;
			ir_append(b, x);
		}
	}
	for (u32 i = 0; i < old->n_preds; i++)
		ir_pred_add(b, old->preds[i]->note);
}

/* A return becomes a jump to what follows the call. */
static void copy_return(struct copy *c, struct ir_ins *ret)
{
	struct ir_ins *x = ret->n_args ? ret->args[0] : NULL;

	if (c->call->width) {
		x = x ? ir_put_width(ret, c->call->width, x)
		      : ir_put(ret, IR_UNDEF, c->call->width, NULL, NULL);
		*vec_push(scratch(c), &c->results) = x;
	}
	ret->op = IR_JUMP;
	ret->n_args = 0;
	ret->to[0] = c->behind;
	ir_pred_add(c->behind, ret->block);
}

/* The clones still have the callee's operands. */
static void finish_block(struct copy *c, struct ir_block *old)
{
	struct ir_block *b = old->note;

	for (struct ir_ins *i = old->first; i; i = i->next) {
		struct ir_ins *x = i->note;

		for (u32 k = 0; i->op != IR_PARAM && i->op != IR_SLOT && k < i->n_args; k++)
			x->args[k] = i->args[k]->note;
	}
	if (b->last->op == IR_RET)
		copy_return(c, b->last);
}

static struct ir_ins *result(struct copy *c)
{
	struct ir_ins *phi;

	if (!c->results.n)
		return ir_put(ir_body_start(c->g->fn), IR_UNDEF, c->call->width, NULL, NULL);
	if (c->results.n == 1)
		return c->results.at[0];
	phi = ir_ins_new(c->g->fn, IR_PHI, c->call->width, c->results.n);
	phi->span = c->call->span;
	for (u32 i = 0; i < c->results.n; i++)
		phi->args[i] = c->results.at[i];
	ir_insert_before(c->behind->first, phi);
	return phi;
}

static void inline_call(struct caller *g, struct ir_ins *call)
{
	struct copy c = { .g = g, .call = call, .f = ir_callee_of(g->calls, call)->fn };
	struct ir_builder b = { .fn = g->fn, .span = call->span };

	g->site++;
	c.before = c.last = call->block;
	c.behind = ir_block_split(call->next);
	ir_notes_clear(c.f);
	for (struct ir_block *old = c.f->first; old; old = old->next)
		old->note = c.last = ir_block_after(c.last);
	for (struct ir_block *old = c.f->first; old; old = old->next)
		copy_block(&c, old);
	for (struct ir_block *old = c.f->first; old; old = old->next)
		finish_block(&c, old);
	b.at = c.before;
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a function has a first block */
	ir_jump(&b, c.f->first->note);
	if (call->width) {
		struct ir_ins *x = result(&c);

		ir_keep_region(x, call->region);
		call->note = x;
	}
	ir_remove(call);
	ir_notes_clear(c.f);
	g->size += ir_fn_cost(c.f);
}

/* ---- one function ---------------------------------------------------------------------------- */

static bool too_large(struct caller *g, const struct ir_ins *call)
{
	struct diags *dx = g->calls->c->dx;

	if (g->size <= MAX_SIZE)
		return false;
	diag_add(dx, call->span, E_TOO_LARGE,
		 "'" STR_FMT "' has more than %d operations once its calls are inlined",
		 STR_ARG(g->fn->name), MAX_SIZE);
	diag_hint(dx, "mark large functions __noinline, so that they stay calls");
	return true;
}

static void inline_into(struct ir_calls *calls, struct ir_fn *fn)
{
	struct caller g = { .calls = calls, .fn = fn };
	bool changed = false;

	ir_pass_promote(calls->c, fn);
	g.size = ir_fn_cost(fn);
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *i = b->first; i; i = i->next)
			if (i->op == IR_CALL_FN)
				*vec_push(calls->c->scratch, &g.sites) = i;
	for (u32 i = 0; i < g.sites.n; i++) {
		if (!is_wanted(&g, g.sites.at[i]))
			continue;
		if (too_large(&g, g.sites.at[i]))
			break;
		inline_call(&g, g.sites.at[i]);
		changed = true;
	}
	if (changed) {
		ir_forward_all(fn);
		ir_notes_clear(fn);
		ir_cfg_build(fn);
		ir_pass_promote(calls->c, fn);
	}
}

void ir_pass_inline(struct ir_pass_ctx *c, struct ir_module *m)
{
	struct ir_calls calls;
	u32 errors = c->dx->n_errors;
	bool again;

	ir_calls_resolve(c, m);
	do {
		if (!ir_calls_build(&calls, c, m))
			return;
		for (u32 i = 0; i < calls.order.n; i++) {
			struct ir_callee *f = calls.order.at[i];

			inline_into(&calls, f->fn);
			if (c->dx->n_errors != errors)
				return; /* too large: its callers would be as well */
			f->cost = ir_fn_cost(f->fn);
		}
		ir_calls_drop_unused(m, c->scratch);
		again = ir_calls_resolve(c, m);
		if (!ir_calls_build(&calls, c, m))
			return;
		again |= ir_calls_spread_regions(&calls);
	} while (again);
	ir_calls_refuse_pointers(c, m);
}
