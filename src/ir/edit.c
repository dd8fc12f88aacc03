/* edit: making instructions in the middle of a block.
 *
 * The builder of build.c only appends, for front ends; passes work in the middle. What is made here
 * stands in front of a given instruction and takes its span, so that everything that a pass adds
 * still points at the source text that it was made for.
 */
#include "ir/edit.h"

struct ir_ins *ir_put(struct ir_ins *at, enum ir_op op, u8 width, struct ir_ins *x,
		      struct ir_ins *y)
{
	struct ir_ins *ins = ir_ins_new(at->block->fn, op, width, !!x + !!y);

	if (x)
		ins->args[0] = x;
	if (y)
		ins->args[1] = y;
	ins->span = at->span;
	ir_insert_before(at, ins);
	return ins;
}

struct ir_ins *ir_put_const(struct ir_ins *at, u8 width, s64 value)
{
	struct ir_ins *ins = ir_put(at, IR_CONST, width, NULL, NULL);

	ir_set_const(ins, value);
	return ins;
}

struct ir_ins *ir_put_load(struct ir_ins *at, u32 bytes, struct ir_ins *base, s64 off)
{
	struct ir_ins *ins = ir_put(at, IR_LOAD, bytes == 8 ? 64 : 32, base, NULL);

	ins->size = (u8)bytes;
	ins->imm = off;
	return ins;
}

struct ir_ins *ir_put_store(struct ir_ins *at, u32 bytes, struct ir_ins *base, s64 off,
			    struct ir_ins *x)
{
	struct ir_ins *ins = ir_put(at, IR_STORE, 0, base, x);

	ins->size = (u8)bytes;
	ins->imm = off;
	return ins;
}

struct ir_ins *ir_put_address(struct ir_ins *at, struct ir_ins *base, s64 off)
{
	if (!off)
		return base;
	return ir_put(at, IR_ADD, 64, base, ir_put_const(at, 64, off));
}

struct ir_ins *ir_put_width(struct ir_ins *at, u8 width, struct ir_ins *x)
{
	struct ir_ins *ins;

	if (x->width == width)
		return x;
	if (width == 32)
		return ir_put(at, IR_TRUNC, 32, x, NULL);
	ins = ir_put(at, IR_ZEXT, 64, x, NULL);
	ins->count = 32;
	return ins;
}

struct ir_ins *ir_body_start(struct ir_fn *fn)
{
	struct ir_ins *ins = fn->first->first;

	while (ins->op == IR_PARAM || ins->op == IR_SLOT)
		ins = ins->next;
	return ins;
}

struct ir_ins *ir_put_slot(struct ir_fn *fn, u32 bytes, u32 align, struct span span)
{
	struct ir_ins *slot = ir_put(ir_body_start(fn), IR_SLOT, 64, NULL, NULL);

	slot->count = bytes;
	slot->align = (u8)align;
	slot->span = span;
	return slot;
}

struct ir_ins *ir_behind_phis(struct ir_block *b)
{
	struct ir_ins *ins = b->first;

	while (ins->op == IR_PHI)
		ins = ins->next;
	return ins;
}

void ir_keep_region(struct ir_ins *x, u8 region)
{
	if (region == IR_IN_UNKNOWN || region == IR_IN_MIXED || x->region != IR_IN_UNKNOWN)
		return;
	if (x->op == IR_LOAD || x->op == IR_COPY || x->op == IR_CALL || x->op == IR_CALL_FN ||
	    x->op == IR_CALL_KFUNC || x->op == IR_ATOMIC)
		x->region = region;
}

struct ir_block *ir_block_after(struct ir_block *at)
{
	struct ir_block *b = ir_block_new(at->fn);

	if (b->prev == at)
		return b;
	/* Unlink from the end of the layout … */
	b->prev->next = NULL;
	b->fn->last = b->prev;
	/* … and in again behind `at`, which is not the last one here. */
	b->prev = at;
	b->next = at->next;
	at->next->prev = b;
	at->next = b;
	return b;
}
