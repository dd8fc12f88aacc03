/* ctx.c: pass `ctx`: helpers get the real context.
 *
 * Where an event is replaced by its equivalent, the front end makes the context that the program was written
 * for in a slot (is_ctx) and the program reads that. A helper that takes the context needs the one that the
 * kernel delivered: parameter 0. After `inline` and `promote` the slot's address stands directly in the
 * call, so that one look at each argument is enough.
 */
#include "ir/passes.h"

static struct ir_ins *find_param(struct ir_fn *fn)
{
	for (struct ir_ins *x = fn->first->first; x; x = x->next)
		if (x->op == IR_PARAM && x->imm == 0)
			return x;
	return NULL;
}

static struct ir_ins *real_ctx(struct ir_fn *fn)
{
	struct ir_ins *x = find_param(fn);

	if (x)
		return x;
	x = ir_ins_new(fn, IR_PARAM, 64, 0);
	ir_insert_before(fn->first->first, x);
	return x;
}

static bool is_shadow(const struct ir_ins *x)
{
	while (x->op == IR_COPY)
		x = x->args[0];
	return x->op == IR_SLOT && x->is_ctx;
}

static void fix_call(struct ir_fn *fn, struct ir_ins *call)
{
	const struct isa_helper *h = isa_helper((u32)call->imm);

	for (u32 i = 0; h && i < call->n_args && i < 5; i++)
		if (h->args[i] == ISA_ARG_CTX && is_shadow(call->args[i]))
			call->args[i] = real_ctx(fn);
}

void ir_pass_ctx(struct ir_pass_ctx *c, struct ir_fn *fn)
{
	(void)c;
	if (fn->linkage != IR_PROGRAM)
		return;
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			if (x->op == IR_CALL)
				fix_call(fn, x);
}
