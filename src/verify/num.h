/* Numbers: known bits and intervals (scalar.c), and what comparisons teach (compare.c).
 *
 * Private to the room.
 */
#ifndef SKEP_VERIFY_NUM_H
#define SKEP_VERIFY_NUM_H

#include "base/base.h"

/* All values x with (x & ~mask) == bits, inside every interval. */
struct num {
	u64 bits, mask;
	u64 umin, umax;
	s64 smin, smax;
	u32 umin32, umax32;
	s32 smin32, smax32;
};

struct num num_const(u64 x);
struct num num_any(void);
struct num num_range(u64 lo, u64 hi);
bool num_is_const(const struct num *n);
static inline bool num_is(const struct num *n, u64 x)
{
	return n->mask == 0 && n->bits == x;
}
/* Lets the parts refine each other; false when no value is left. */
bool num_settle(struct num *n);
/* Whether every value of `in` is one of `out`. */
bool num_within(const struct num *out, const struct num *in);
/* Keeps the lower `bytes` bytes, zero- or sign-extended. */
struct num num_cut(const struct num *n, u32 bytes);
struct num num_extend(const struct num *n, u32 bits);
struct num num_join(const struct num *a, const struct num *b);
/* One arithmetic operation; 32-bit operations give a zero-extended result. */
struct num num_alu(u8 op, bool is64, bool is_signed, const struct num *a, const struct num *b);
/* 1: the comparison always holds, 0: never, -1: unknown. */
int num_compare(u8 op, bool is64, const struct num *a, const struct num *b);
/* Refines both for the branch where the comparison holds; false when that cannot be. */
bool num_assume(u8 op, bool is64, struct num *a, struct num *b);
u8 num_negate(u8 op);

#endif
