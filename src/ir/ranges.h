/* What is known of a value without knowing the value: shared by the passes. Private to the room. */
#ifndef SKEP_IR_RANGES_H
#define SKEP_IR_RANGES_H

#include "ir/ir.h"

/* All that a value may be. `umin`, `umax` and `maybe` speak of the 64 bits of its register, `smin`
 * and `smax` of the value read as a signed number of its own width. */
struct ir_range {
	u64 umin, umax;
	s64 smin, smax;
	u64 maybe;            /* bits that may be one; all others are zero */
};

/* Nothing is known but the width. */
struct ir_range ir_range_full(u8 width);
struct ir_range ir_range_const(u8 width, u64 bits);
/* The range of what `x` makes, from the ranges of its operands, which `of` gives. */
struct ir_range ir_range_of(const struct ir_ins *x,
			    struct ir_range (*of)(const struct ir_ins *arg));
/* The result of a comparison of values of these ranges: 0, 1, or -1 when it may be either. */
int ir_range_compare(enum ir_op op, struct ir_range a, struct ir_range b);

/* eval.c: what a pure operation makes of the register contents `a` and `b`. */
u64 ir_eval(const struct ir_ins *x, u64 a, u64 b);
/* eval.c: the comparison that is true when `op` is false, and the one with exchanged operands. */
enum ir_op ir_inverse(enum ir_op op);
enum ir_op ir_mirrored(enum ir_op op);

#endif
