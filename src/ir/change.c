/* change: editing a function in place.
 *
 * Instructions are nodes of a doubly linked list per block; blocks are nodes of one per function.
 * Nothing here keeps use lists: a value does not know who uses it. So replacing one value is a walk
 * over the function, and a pass that replaces many leaves the replacement in `note` and lets
 * ir_forward_all() rewrite all operands in one walk.
 *
 * Edges have two ends, the `to` of a block's last instruction and the `preds` of its target, with
 * the arguments of the target's phis in the order of `preds`. The ir_pred_ functions change the
 * second end and the phis together; whoever changes many edges sets only the first end and calls
 * ir_cfg_build().
 */
#include "ir/ir.h"

#include <string.h>

/* ---- instructions ---------------------------------------------------------------------------- */

struct ir_ins *ir_ins_new(struct ir_fn *fn, enum ir_op op, u8 width, u32 n_args)
{
	struct ir_ins *x = arena_new_of(fn->m->a, struct ir_ins);

	base_check(arena_trap(fn->m->a), n_args <= UINT16_MAX);
	x->op = op;
	x->width = width;
	x->align = 1;
	x->n_args = (u16)n_args;
	if (n_args)
		x->args = arena_array_of(fn->m->a, struct ir_ins *, n_args);
	x->id = fn->next_ins++;
	return x;
}

void ir_append(struct ir_block *b, struct ir_ins *x)
{
	x->block = b;
	x->prev = b->last;
	x->next = NULL;
	if (b->last)
		b->last->next = x;
	else
		b->first = x;
	b->last = x;
}

void ir_insert_before(struct ir_ins *at, struct ir_ins *x)
{
	x->block = at->block;
	x->prev = at->prev;
	x->next = at;
	if (at->prev)
		at->prev->next = x;
	else
		at->block->first = x;
	at->prev = x;
}

void ir_insert_after(struct ir_ins *at, struct ir_ins *x)
{
	if (at->next)
		ir_insert_before(at->next, x);
	else
		ir_append(at->block, x);
}

void ir_remove(struct ir_ins *x)
{
	struct ir_block *b = x->block;

	if (x->prev)
		x->prev->next = x->next;
	else
		b->first = x->next;
	if (x->next)
		x->next->prev = x->prev;
	else
		b->last = x->prev;
	x->block = NULL;
	x->prev = x->next = NULL;
}

void ir_set_const(struct ir_ins *x, s64 value)
{
	x->imm = x->width == 32 ? (s32)value : value;
}

/* ---- replacing values ------------------------------------------------------------------------ */

void ir_replace_uses(struct ir_ins *old, struct ir_ins *x)
{
	struct ir_fn *fn = old->block ? old->block->fn : x->block->fn;

	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *i = b->first; i; i = i->next)
			for (u32 k = 0; k < i->n_args; k++)
				if (i->args[k] == old)
					i->args[k] = x;
}

/* The end of the chain of notes that starts at `x`; shortens the chain for the next one. */
static struct ir_ins *forwarded(struct ir_ins *x)
{
	struct ir_ins *end = x, *next;

	while (end->note)
		end = end->note;
	for (; x != end; x = next) {
		next = x->note;
		x->note = end;
	}
	return end;
}

void ir_forward_all(struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *i = b->first; i; i = i->next)
			for (u32 k = 0; k < i->n_args; k++)
				i->args[k] = forwarded(i->args[k]);
}

void ir_notes_clear(struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next) {
		b->note = NULL;
		b->mark = 0;
		for (struct ir_ins *i = b->first; i; i = i->next) {
			i->note = NULL;
			i->mark = 0;
		}
	}
}

/* ---- edges ----------------------------------------------------------------------------------- */

void ir_phi_add(struct ir_ins *phi, struct ir_ins *x)
{
	struct arena *a = phi->block->fn->m->a;
	struct ir_ins **args;

	base_check(arena_trap(a), phi->n_args < UINT16_MAX);
	args = arena_array_of(a, struct ir_ins *, (u32)phi->n_args + 1);
	if (phi->n_args)
		memcpy(args, phi->args, phi->n_args * sizeof(*args));
	args[phi->n_args++] = x;
	phi->args = args;
}

void ir_pred_add(struct ir_block *b, struct ir_block *from)
{
	if (b->n_preds == b->cap_preds)
		b->preds = vec_grow(b->fn->m->a, b->preds, &b->cap_preds, b->n_preds,
				    sizeof(struct ir_block *));
	b->preds[b->n_preds++] = from;
}

void ir_pred_replace(struct ir_block *b, struct ir_block *old, struct ir_block *x)
{
	for (u32 i = 0; i < b->n_preds; i++)
		if (b->preds[i] == old)
			b->preds[i] = x;
}

void ir_pred_remove(struct ir_block *b, u32 i)
{
	size_t behind = b->n_preds - i - 1;

	memmove(&b->preds[i], &b->preds[i + 1], behind * sizeof(*b->preds));
	b->n_preds--;
	for (struct ir_ins *x = b->first; x && x->op == IR_PHI; x = x->next) {
		memmove(&x->args[i], &x->args[i + 1], behind * sizeof(*x->args));
		x->n_args--;
	}
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void insert_block_after(struct ir_block *at, struct ir_block *b)
{
	b->prev = at;
	b->next = at->next;
	if (at->next)
		at->next->prev = b;
	else
		b->fn->last = b;
	at->next = b;
}

static void unlink_block(struct ir_block *b)
{
	if (b->prev)
		b->prev->next = b->next;
	else
		b->fn->first = b->next;
	if (b->next)
		b->next->prev = b->prev;
	else
		b->fn->last = b->prev;
	b->prev = b->next = NULL;
}

struct ir_block *ir_block_new(struct ir_fn *fn)
{
	struct ir_block *b = arena_new_of(fn->m->a, struct ir_block);

	b->fn = fn;
	b->id = fn->next_block++;
	if (fn->last)
		insert_block_after(fn->last, b);
	else
		fn->first = fn->last = b;
	return b;
}

void ir_block_move_last(struct ir_block *b)
{
	if (b == b->fn->last)
		return;
	unlink_block(b);
	insert_block_after(b->fn->last, b);
}

struct ir_block *ir_block_split(struct ir_ins *at)
{
	struct ir_block *old = at->block, *b = ir_block_new(old->fn);

	unlink_block(b);
	insert_block_after(old, b);
	b->first = at;
	b->last = old->last;
	old->last = at->prev;
	if (at->prev)
		at->prev->next = NULL;
	else
		old->first = NULL;
	at->prev = NULL;
	for (struct ir_ins *x = at; x; x = x->next)
		x->block = b;
	for (int k = 0; k < 2; k++)
		if (b->last->to[k])
			ir_pred_replace(b->last->to[k], old, b);
	return b;
}

void ir_block_remove(struct ir_block *b)
{
	unlink_block(b);
	b->rpo = ~0u;
	for (struct ir_ins *x = b->first; x; x = x->next)
		x->block = NULL;
}

void ir_renumber(struct ir_fn *fn)
{
	fn->next_ins = fn->next_block = 0;
	for (struct ir_block *b = fn->first; b; b = b->next) {
		b->id = fn->next_block++;
		for (struct ir_ins *x = b->first; x; x = x->next)
			if (x->width)
				x->id = fn->next_ins++;
	}
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			if (!x->width)
				x->id = fn->next_ins++;
}
