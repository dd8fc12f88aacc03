/* What the files of pass `fold` share. Private to the pass.
 *
 * A rule is a function that looks at one instruction and gives
 *   NULL        nothing to do,
 *   the same    it changed the instruction in place,
 *   another     a value that replaces it everywhere.
 * Rules are tried again after each change, so a rule does one step. Each step must make progress
 * towards a form that no rule leaves again.
 */
#ifndef SKEP_IR_FOLD_H
#define SKEP_IR_FOLD_H

#include "ir/ir.h"
#include "ir/ranges.h"

struct ir_folder;

struct ir_ins *ir_fold_arithmetic(struct ir_folder *f, struct ir_ins *x);  /* fold_arith.c */
struct ir_ins *ir_fold_width(struct ir_folder *f, struct ir_ins *x);       /* fold_width.c */
struct ir_ins *ir_fold_compare(struct ir_folder *f, struct ir_ins *x);     /* fold_compare.c */
struct ir_ins *ir_fold_if(struct ir_folder *f, struct ir_ins *x);          /* fold_compare.c */
struct ir_ins *ir_fold_memory(struct ir_folder *f, struct ir_ins *x);      /* fold_memory.c */

/* ---- what rules are made of (fold.c) ---------------------------------------------------------- */

struct ir_range ir_fold_range(const struct ir_ins *x);
/* The value has one use. */
bool ir_fold_single(const struct ir_ins *x);
/* A constant of the width of `x`, in front of it (behind the phis if `x` is one). */
struct ir_ins *ir_fold_number(struct ir_folder *f, struct ir_ins *x, u8 width, s64 value);
/* A new operation in front of `x`. */
struct ir_ins *ir_fold_new(struct ir_folder *f, struct ir_ins *x, enum ir_op op, u8 width,
			   struct ir_ins *a, struct ir_ins *b);
/* Changes an operand; gives `x`. */
struct ir_ins *ir_fold_set(struct ir_folder *f, struct ir_ins *x, u32 i, struct ir_ins *arg);
/* Makes `x` another operation of the same width on one or two (b may be NULL) operands; gives `x`.
 * `size` of a comparison stays, `count` becomes 0. */
struct ir_ins *ir_fold_become(struct ir_folder *f, struct ir_ins *x, enum ir_op op,
			      struct ir_ins *a, struct ir_ins *b);
/* Changes the width of a load that one other operation extends or cuts; gives `x`. */
struct ir_ins *ir_fold_load_width(struct ir_ins *x, u8 width);
/* Makes an IF a jump to one of its targets. */
struct ir_ins *ir_fold_jump(struct ir_folder *f, struct ir_ins *x, int to);

/* ---- asking ----------------------------------------------------------------------------------- */

static inline bool ir_is_const(const struct ir_ins *x)
{
	return x->op == IR_CONST;
}
static inline bool ir_is_number(const struct ir_ins *x, s64 value)
{
	return x->op == IR_CONST && x->imm == value;
}
/* What an instruction can hold as its immediate; a 64-bit constant beyond costs two slots. */
static inline bool ir_fits_imm(s64 v)
{
	return v == (s32)v;
}
static inline u64 ir_low_mask(u32 bits)
{
	return bits >= 64 ? UINT64_MAX : (1ull << bits) - 1;
}
/* The value behind operations that leave the lower `bits` as they are; `x` itself if there are none.
 * What comes back may be of either width. */
struct ir_ins *ir_fold_low_bits(struct ir_ins *x, u32 bits);         /* fold_width.c */
/* An address that cannot be zero: a slot, a map, a global or a function. */
bool ir_fold_is_address(const struct ir_ins *x);                     /* fold_compare.c */

#endif
