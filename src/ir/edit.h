/* Editing tools that several passes share: making instructions in the middle of a block, and blocks
 * in the middle of the layout. Private to the room.
 */
#ifndef SKEP_IR_EDIT_H
#define SKEP_IR_EDIT_H

#include "ir/ir.h"

/* Makes an instruction with up to two operands (NULL: none) in front of `at`, with its span. */
struct ir_ins *ir_put(struct ir_ins *at, enum ir_op op, u8 width, struct ir_ins *x,
		      struct ir_ins *y);
struct ir_ins *ir_put_const(struct ir_ins *at, u8 width, s64 value);
struct ir_ins *ir_put_load(struct ir_ins *at, u32 bytes, struct ir_ins *base, s64 off);
struct ir_ins *ir_put_store(struct ir_ins *at, u32 bytes, struct ir_ins *base, s64 off,
			    struct ir_ins *x);
/* `base + off`, or `base` itself when the offset is 0. */
struct ir_ins *ir_put_address(struct ir_ins *at, struct ir_ins *base, s64 off);
/* `x` as a value of `width` bits: itself, TRUNC or ZEXT. */
struct ir_ins *ir_put_width(struct ir_ins *at, u8 width, struct ir_ins *x);

/* Where new code of a function may begin: the first instruction of the entry block that is neither
 * a parameter nor a slot. */
struct ir_ins *ir_body_start(struct ir_fn *fn);
/* A new slot behind the parameters and the slots that open the entry block. */
struct ir_ins *ir_put_slot(struct ir_fn *fn, u32 bytes, u32 align, struct span span);
/* The first instruction of a block that is no phi. */
struct ir_ins *ir_behind_phis(struct ir_block *b);
/* `region` was said about a value that `x` replaces: `x` has it too, if it is of a kind that can be
 * told and nothing else is known. */
void ir_keep_region(struct ir_ins *x, u8 region);
/* A new block behind `at` in the layout. */
struct ir_block *ir_block_after(struct ir_block *at);

#endif
