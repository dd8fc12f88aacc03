/* Comparisons of numbers: what is known before, and what a branch teaches about both sides.
 *
 * num_compare() decides from the intervals and bits; num_assume() narrows both operands to those
 * values for which the comparison can hold. `!=` and JSET only move a bound or fix a bit where one
 * is decided. Signed and unsigned, 32 and 64 bits share the code: a comparison of 32 bits works on
 * the intervals of the lower half and lets num_settle() carry the news to the rest.
 */
#include "isa/isa.h"
#include "verify/num.h"

u8 num_negate(u8 op)
{
	switch (op) {
	case ISA_JEQ: return ISA_JNE;
	case ISA_JNE: return ISA_JEQ;
	case ISA_JGT: return ISA_JLE;
	case ISA_JLE: return ISA_JGT;
	case ISA_JGE: return ISA_JLT;
	case ISA_JLT: return ISA_JGE;
	case ISA_JSGT: return ISA_JSLE;
	case ISA_JSLE: return ISA_JSGT;
	case ISA_JSGE: return ISA_JSLT;
	default: return ISA_JSGE;
	}
}

/* One view of a number: the unsigned and signed bounds and the bits of the width compared. */
struct view {
	u64 umin, umax, bits, mask;
	s64 smin, smax;
};

static struct view view(const struct num *n, bool is64)
{
	if (is64)
		return (struct view){ n->umin, n->umax, n->bits, n->mask, n->smin, n->smax };
	return (struct view){
		n->umin32, n->umax32, (u32)n->bits, (u32)n->mask, n->smin32, n->smax32
	};
}

static int decide(bool always, bool never)
{
	return always ? 1 : never ? 0 : -1;
}

int num_compare(u8 op, bool is64, const struct num *a, const struct num *b)
{
	struct view x = view(a, is64), y = view(b, is64);
	bool same = !x.mask && !y.mask && x.bits == y.bits;
	bool differ = ((x.bits ^ y.bits) & ~(x.mask | y.mask)) || x.umax < y.umin ||
		      x.umin > y.umax || x.smax < y.smin || x.smin > y.smax;

	switch (op) {
	case ISA_JEQ: return decide(same, differ);
	case ISA_JNE: return decide(differ, same);
	case ISA_JGT: return decide(x.umin > y.umax, x.umax <= y.umin);
	case ISA_JGE: return decide(x.umin >= y.umax, x.umax < y.umin);
	case ISA_JLT: return decide(x.umax < y.umin, x.umin >= y.umax);
	case ISA_JLE: return decide(x.umax <= y.umin, x.umin > y.umax);
	case ISA_JSGT: return decide(x.smin > y.smax, x.smax <= y.smin);
	case ISA_JSGE: return decide(x.smin >= y.smax, x.smax < y.smin);
	case ISA_JSLT: return decide(x.smax < y.smin, x.smin >= y.smax);
	case ISA_JSLE: return decide(x.smax <= y.smin, x.smin > y.smax);
	default:
		return decide((x.bits & y.bits) != 0, ((x.bits | x.mask) & (y.bits | y.mask)) == 0);
	}
}

static void cap_u(struct num *n, bool is64, u64 lo, u64 hi)
{
	if (is64) {
		if (lo > n->umin)
			n->umin = lo;
		if (hi < n->umax)
			n->umax = hi;
		return;
	}
	if (lo > n->umin32)
		n->umin32 = (u32)lo;
	if (hi < n->umax32)
		n->umax32 = (u32)hi;
}

static void cap_s(struct num *n, bool is64, s64 lo, s64 hi)
{
	if (is64) {
		if (lo > n->smin)
			n->smin = lo;
		if (hi < n->smax)
			n->smax = hi;
		return;
	}
	if (lo > n->smin32)
		n->smin32 = (s32)lo;
	if (hi < n->smax32)
		n->smax32 = (s32)hi;
}

static bool take_equal(bool is64, struct num *a, struct num *b)
{
	u64 part = is64 ? ~0ull : UINT32_MAX;
	struct view x = view(a, is64), y = view(b, is64);
	u64 mask = x.mask & y.mask, bits = x.bits | y.bits;

	if ((x.bits ^ y.bits) & ~(x.mask | y.mask))
		return false;
	a->mask = (a->mask & ~part) | mask;
	a->bits = (a->bits & ~part) | (bits & ~mask);
	b->mask = (b->mask & ~part) | mask;
	b->bits = (b->bits & ~part) | (bits & ~mask);
	cap_u(a, is64, y.umin, y.umax);
	cap_u(b, is64, x.umin, x.umax);
	cap_s(a, is64, y.smin, y.smax);
	cap_s(b, is64, x.smin, x.smax);
	return true;
}

/* a != the constant `b`: a bound that is the constant moves. */
static void take_differ(bool is64, struct num *a, const struct num *b)
{
	struct view x = view(a, is64), y = view(b, is64);

	if (y.mask)
		return;
	if (x.umin == y.bits)
		cap_u(a, is64, x.umin + 1, x.umax);
	if (x.umax == y.bits)
		cap_u(a, is64, 0, x.umax - 1);
	if (x.smin == y.smin)
		cap_s(a, is64, x.smin + 1, x.smax);
	if (x.smax == y.smin)
		cap_s(a, is64, INT64_MIN, x.smax - 1);
}

/* a > b (or >= when `eq`), in one order. False when a bound would wrap. */
static bool take_above(bool is64, bool is_signed, struct num *a, struct num *b, bool eq)
{
	struct view x = view(a, is64), y = view(b, is64);

	if (is_signed) {
		s64 top = is64 ? INT64_MAX : INT32_MAX, low = is64 ? INT64_MIN : INT32_MIN;

		if (!eq && (y.smin == top || x.smax == low))
			return false;
		cap_s(a, is64, y.smin + !eq, x.smax);
		cap_s(b, is64, y.smin, x.smax - !eq);
		return true;
	}
	if (!eq && (y.umin == (is64 ? ~0ull : UINT32_MAX) || x.umax == 0))
		return false;
	cap_u(a, is64, y.umin + !eq, x.umax);
	cap_u(b, is64, y.umin, x.umax - !eq);
	return true;
}

bool num_assume(u8 op, bool is64, struct num *a, struct num *b)
{
	bool ok = true;

	switch (op) {
	case ISA_JEQ: ok = take_equal(is64, a, b); break;
	case ISA_JNE:
		take_differ(is64, a, b);
		take_differ(is64, b, a);
		break;
	case ISA_JGT: ok = take_above(is64, false, a, b, false); break;
	case ISA_JGE: ok = take_above(is64, false, a, b, true); break;
	case ISA_JLT: ok = take_above(is64, false, b, a, false); break;
	case ISA_JLE: ok = take_above(is64, false, b, a, true); break;
	case ISA_JSGT: ok = take_above(is64, true, a, b, false); break;
	case ISA_JSGE: ok = take_above(is64, true, a, b, true); break;
	case ISA_JSLT: ok = take_above(is64, true, b, a, false); break;
	case ISA_JSLE: ok = take_above(is64, true, b, a, true); break;
	case ISA_JSET:
		/* One bit tested: it is set. */
		if (!b->mask && b->bits && !(b->bits & (b->bits - 1)) &&
		    (is64 || b->bits <= UINT32_MAX)) {
			a->mask &= ~b->bits;
			a->bits |= b->bits;
		}
		break;
	default: break;
	}
	return ok && num_settle(a) && num_settle(b);
}
