/* Numbers: sets of 64-bit values, as known bits together with intervals of 64 and 32 bits.
 *
 * A set is the intersection of a bit pattern (bits, mask: the bits of `mask` are unknown) with four
 * intervals: unsigned and signed, of the whole and of the lower half. Every operation is a sound
 * over-approximation: the result contains op(x, y) for all x and y of the operands. num_settle()
 * lets the parts refine each other (a bound fixes leading bits; known bits bound; an interval that
 * does not cross a sign boundary is one in the other order too) until that stops being useful.
 *
 * Bit pattern addition follows Vishwanathan, Shachnai, Narayana, Nagarakatte, "Sound, precise, and
 * fast abstract interpretation with tristate numbers" (CGO 2022); multiplication is coarse.
 */
#include "isa/isa.h"
#include "verify/num.h"

#define SIGN (1ull << 63)

struct num num_any(void)
{
	return (struct num){ 0,		~0ull, 0,	   ~0ull,     INT64_MIN,
			     INT64_MAX, 0,     UINT32_MAX, INT32_MIN, INT32_MAX };
}

struct num num_const(u64 x)
{
	return (struct num){ x, 0, x, x, (s64)x, (s64)x, (u32)x, (u32)x, (s32)x, (s32)x };
}

bool num_is_const(const struct num *n)
{
	return n->mask == 0;
}

static u64 max_u(u64 a, u64 b)
{
	return a > b ? a : b;
}
static u64 min_u(u64 a, u64 b)
{
	return a < b ? a : b;
}
static s64 max_s(s64 a, s64 b)
{
	return a > b ? a : b;
}
static s64 min_s(s64 a, s64 b)
{
	return a < b ? a : b;
}

/* All ones below and at the highest set bit. */
static u64 smear(u64 x)
{
	return x ? ~0ull >> __builtin_clzll(x) : 0;
}

static void bounds_from_bits(struct num *n)
{
	u64 lo = n->bits, hi = n->bits | n->mask;
	u32 lo32 = (u32)lo, hi32 = (u32)hi, m32 = (u32)n->mask;

	n->umin = max_u(n->umin, lo);
	n->umax = min_u(n->umax, hi);
	n->smin = max_s(n->smin, (s64)(lo | (n->mask & SIGN)));
	n->smax = min_s(n->smax, (s64)(lo | (n->mask & ~SIGN)));
	n->umin32 = (u32)max_u(n->umin32, lo32);
	n->umax32 = (u32)min_u(n->umax32, hi32);
	n->smin32 = (s32)max_s(n->smin32, (s32)(lo32 | (m32 & 0x80000000u)));
	n->smax32 = (s32)min_s(n->smax32, (s32)(lo32 | (m32 & 0x7fffffffu)));
}

static void bounds_cross(struct num *n)
{
	if ((s64)n->umin <= (s64)n->umax) {
		n->smin = max_s(n->smin, (s64)n->umin);
		n->smax = min_s(n->smax, (s64)n->umax);
	}
	if ((n->smin < 0) == (n->smax < 0)) {
		n->umin = max_u(n->umin, (u64)n->smin);
		n->umax = min_u(n->umax, (u64)n->smax);
	}
	if ((s32)n->umin32 <= (s32)n->umax32) {
		n->smin32 = (s32)max_s(n->smin32, (s32)n->umin32);
		n->smax32 = (s32)min_s(n->smax32, (s32)n->umax32);
	}
	if ((n->smin32 < 0) == (n->smax32 < 0)) {
		n->umin32 = (u32)max_u(n->umin32, (u32)n->smin32);
		n->umax32 = (u32)min_u(n->umax32, (u32)n->smax32);
	}
}

static void bounds_halves(struct num *n)
{
	u64 upper = 0xffffffff00000000ull;

	if (n->umin >> 32 == n->umax >> 32) {
		n->umin32 = (u32)max_u(n->umin32, (u32)n->umin);
		n->umax32 = (u32)min_u(n->umax32, (u32)n->umax);
	}
	if (n->smin >= INT32_MIN && n->smax <= INT32_MAX) {
		n->smin32 = (s32)max_s(n->smin32, n->smin);
		n->smax32 = (s32)min_s(n->smax32, n->smax);
		n->smin = max_s(n->smin, n->smin32);
		n->smax = min_s(n->smax, n->smax32);
	}
	n->umin = max_u(n->umin, (n->umin & upper) | n->umin32);
	n->umax = min_u(n->umax, (n->umax & upper) | n->umax32);
	n->smin = max_s(n->smin, (s64)(((u64)n->smin & upper) | n->umin32));
	n->smax = min_s(n->smax, (s64)(((u64)n->smax & upper) | n->umax32));
}

/* Leading bits that the unsigned bounds share are known. False on a contradiction. */
static bool bits_from_bounds(struct num *n)
{
	u64 open = smear(n->umin ^ n->umax), known = n->umin & ~open;
	u32 open32 = (u32)smear(n->umin32 ^ n->umax32), known32 = n->umin32 & ~open32;
	u64 open_low = 0xffffffff00000000ull | open32;

	if ((n->bits ^ known) & ~(n->mask | open))
		return false;
	n->bits |= known;
	n->mask &= open;
	n->bits &= ~n->mask;
	if ((n->bits ^ known32) & ~(n->mask | open_low))
		return false;
	n->bits |= known32;
	n->mask &= open_low;
	n->bits &= ~n->mask;
	return true;
}

bool num_settle(struct num *n)
{
	for (int i = 0; i < 3; i++) {
		bounds_from_bits(n);
		bounds_cross(n);
		bounds_halves(n);
		bounds_cross(n);
		if (n->umin > n->umax || n->smin > n->smax || n->umin32 > n->umax32 ||
		    n->smin32 > n->smax32)
			return false;
		if (!bits_from_bounds(n))
			return false;
	}
	bounds_from_bits(n);
	return n->umin <= n->umax && n->smin <= n->smax;
}

struct num num_range(u64 lo, u64 hi)
{
	struct num n = num_any();

	n.umin = lo;
	n.umax = hi;
	num_settle(&n);
	return n;
}

bool num_within(const struct num *out, const struct num *in)
{
	return !(in->mask & ~out->mask) && (in->bits & ~out->mask) == out->bits &&
	       out->umin <= in->umin && in->umax <= out->umax && out->smin <= in->smin &&
	       in->smax <= out->smax && out->umin32 <= in->umin32 && in->umax32 <= out->umax32 &&
	       out->smin32 <= in->smin32 && in->smax32 <= out->smax32;
}

struct num num_join(const struct num *a, const struct num *b)
{
	struct num n;

	n.mask = a->mask | b->mask | (a->bits ^ b->bits);
	n.bits = a->bits & ~n.mask;
	n.umin = min_u(a->umin, b->umin);
	n.umax = max_u(a->umax, b->umax);
	n.smin = min_s(a->smin, b->smin);
	n.smax = max_s(a->smax, b->smax);
	n.umin32 = (u32)min_u(a->umin32, b->umin32);
	n.umax32 = (u32)max_u(a->umax32, b->umax32);
	n.smin32 = (s32)min_s(a->smin32, b->smin32);
	n.smax32 = (s32)max_s(a->smax32, b->smax32);
	return n;
}

struct num num_cut(const struct num *n, u32 bytes)
{
	u64 keep = bytes >= 8 ? ~0ull : (1ull << (bytes * 8)) - 1;
	struct num r = num_any();

	if (bytes >= 8)
		return *n;
	r.bits = n->bits & keep;
	r.mask = n->mask & keep;
	if (bytes == 4) {
		r.umin = n->umin32;
		r.umax = n->umax32;
		r.smin32 = n->smin32;
		r.smax32 = n->smax32;
	} else if ((n->umin & ~keep) == (n->umax & ~keep)) {
		r.umin = n->umin & keep;
		r.umax = n->umax & keep;
	}
	num_settle(&r);
	return r;
}

struct num num_extend(const struct num *n, u32 bits)
{
	struct num r = num_any();
	u64 sign = 1ull << (bits - 1), keep = sign | (sign - 1);
	u64 b = n->bits & keep, m = n->mask & keep;

	r.smin = -(s64)sign;
	r.smax = (s64)(sign - 1);
	if (bits == 32) {
		r.smin = n->smin32;
		r.smax = n->smax32;
	} else if (n->smin >= r.smin && n->smax <= r.smax) {
		r.smin = n->smin;
		r.smax = n->smax;
	}
	r.bits = (b ^ sign) - sign;
	r.mask = m;
	if (m & sign) {
		r.mask |= ~keep;
		r.bits = b & ~r.mask;
	}
	num_settle(&r);
	return r;
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

static void bits_add(struct num *r, const struct num *a, const struct num *b)
{
	u64 sum = a->bits + b->bits, all = a->mask + b->mask + sum;

	r->mask = (all ^ sum) | a->mask | b->mask;
	r->bits = sum & ~r->mask;
}

static void bits_sub(struct num *r, const struct num *a, const struct num *b)
{
	u64 dif = a->bits - b->bits, hi = dif + a->mask, lo = dif - b->mask;

	r->mask = (hi ^ lo) | a->mask | b->mask;
	r->bits = dif & ~r->mask;
}

/* The lower half of a sum, where it does not wrap. */
static void add_halves(struct num *r, const struct num *a, const struct num *b)
{
	u32 lo, hi;
	s32 slo, shi;

	if (!__builtin_add_overflow(a->umin32, b->umin32, &lo) &&
	    !__builtin_add_overflow(a->umax32, b->umax32, &hi)) {
		r->umin32 = lo;
		r->umax32 = hi;
	}
	if (!__builtin_add_overflow(a->smin32, b->smin32, &slo) &&
	    !__builtin_add_overflow(a->smax32, b->smax32, &shi)) {
		r->smin32 = slo;
		r->smax32 = shi;
	}
}

static void sub_halves(struct num *r, const struct num *a, const struct num *b)
{
	s32 slo, shi;

	if (a->umin32 >= b->umax32) {
		r->umin32 = a->umin32 - b->umax32;
		r->umax32 = a->umax32 - b->umin32;
	}
	if (!__builtin_sub_overflow(a->smin32, b->smax32, &slo) &&
	    !__builtin_sub_overflow(a->smax32, b->smin32, &shi)) {
		r->smin32 = slo;
		r->smax32 = shi;
	}
}

static struct num add(const struct num *a, const struct num *b)
{
	struct num r = num_any();
	u64 lo, hi;
	s64 slo, shi;

	bits_add(&r, a, b);
	add_halves(&r, a, b);
	if (!__builtin_add_overflow(a->umin, b->umin, &lo) &&
	    !__builtin_add_overflow(a->umax, b->umax, &hi)) {
		r.umin = lo;
		r.umax = hi;
	}
	if (!__builtin_add_overflow(a->smin, b->smin, &slo) &&
	    !__builtin_add_overflow(a->smax, b->smax, &shi)) {
		r.smin = slo;
		r.smax = shi;
	}
	num_settle(&r);
	return r;
}

static struct num sub(const struct num *a, const struct num *b)
{
	struct num r = num_any();
	s64 slo, shi;

	bits_sub(&r, a, b);
	sub_halves(&r, a, b);
	if (a->umin >= b->umax) {
		r.umin = a->umin - b->umax;
		r.umax = a->umax - b->umin;
	}
	if (!__builtin_sub_overflow(a->smin, b->smax, &slo) &&
	    !__builtin_sub_overflow(a->smax, b->smin, &shi)) {
		r.smin = slo;
		r.smax = shi;
	}
	num_settle(&r);
	return r;
}

static struct num mul(const struct num *a, const struct num *b)
{
	struct num r = num_any();
	u64 hi;
	int zeros = 0;

	if (num_is_const(a) && num_is_const(b))
		return num_const(a->bits * b->bits);
	if (!__builtin_mul_overflow(a->umax, b->umax, &hi)) {
		r.umax = hi;
		r.umin = a->umin * b->umin;
	}
	zeros += (a->bits | a->mask) ? __builtin_ctzll(a->bits | a->mask) : 63;
	zeros += (b->bits | b->mask) ? __builtin_ctzll(b->bits | b->mask) : 63;
	r.mask = zeros > 63 ? 0 : ~0ull << zeros;
	if (a->umax == 0 || b->umax == 0)
		return num_const(0);
	num_settle(&r);
	return r;
}

static struct num logic(u8 op, const struct num *a, const struct num *b)
{
	struct num r = num_any();
	u64 aset = a->bits, bset = b->bits, amay = a->bits | a->mask, bmay = b->bits | b->mask;

	if (op == ISA_AND) {
		r.bits = aset & bset;
		r.mask = (amay & bmay) & ~r.bits;
		r.umax = min_u(a->umax, b->umax);
	} else if (op == ISA_OR) {
		r.bits = aset | bset;
		r.mask = (amay | bmay) & ~r.bits;
		r.umin = max_u(a->umin, b->umin);
		r.umax = smear(a->umax | b->umax);
	} else {
		r.mask = a->mask | b->mask;
		r.bits = (aset ^ bset) & ~r.mask;
		r.umax = smear(a->umax | b->umax);
	}
	if (op == ISA_AND && a->smin < 0 && b->smin < 0 && a->smax < 0 && b->smax < 0)
		r.smax = -1;
	num_settle(&r);
	return r;
}

/* A shift by an amount that is known. */
static struct num shift_known(u8 op, u32 width, const struct num *a, u32 by)
{
	struct num r = num_any();

	if (by == 0)
		return *a;
	switch (op) {
	case ISA_LSH:
		r.bits = a->bits << by;
		r.mask = a->mask << by;
		if (!(a->umax >> (64 - by))) {
			r.umin = a->umin << by;
			r.umax = a->umax << by;
		}
		if (a->smin >= INT64_MIN >> by && a->smax <= INT64_MAX >> by) {
			r.smin = (s64)((u64)a->smin << by);
			r.smax = (s64)((u64)a->smax << by);
		}
		break;
	case ISA_RSH:
		r.bits = a->bits >> by;
		r.mask = a->mask >> by;
		r.umin = a->umin >> by;
		r.umax = a->umax >> by;
		break;
	default: {
		struct num s = width == 32 ? num_extend(a, 32) : *a;

		r.mask = (u64)((s64)s.mask >> by);
		r.bits = (u64)((s64)s.bits >> by) & ~r.mask;
		r.smin = s.smin >> by;
		r.smax = s.smax >> by;
		break;
	}
	}
	num_settle(&r);
	return r;
}

static struct num shift(u8 op, u32 width, const struct num *a, const struct num *b)
{
	struct num r = num_any();

	if (num_is_const(b))
		return b->bits < width ? shift_known(op, width, a, (u32)b->bits) : r;
	if (b->umax >= width)
		return r;
	if (op == ISA_RSH) {
		r.umin = a->umin >> b->umax;
		r.umax = a->umax >> b->umin;
	} else if (op == ISA_LSH && (b->umax == 0 || !(a->umax >> (64 - b->umax)))) {
		r.umin = a->umin << b->umin;
		r.umax = a->umax << b->umax;
	} else if (op == ISA_ARSH) {
		struct num s = width == 32 ? num_extend(a, 32) : *a;

		r.smin = s.smin >> (s.smin < 0 ? b->umin : b->umax);
		r.smax = s.smax >> (s.smax < 0 ? b->umax : b->umin);
	}
	num_settle(&r);
	return r;
}

/* Unsigned division and remainder, by RFC 9669: x / 0 is 0, x % 0 is x. */
static struct num divide(u8 op, bool is64, const struct num *a, const struct num *b)
{
	if (op == ISA_DIV) {
		if (b->umax == 0)
			return num_const(0);
		return num_range(b->umin ? a->umin / b->umax : 0, a->umax / max_u(b->umin, 1));
	}
	if (b->umax == 0)
		return *a;
	if (b->umin == 0)
		return num_range(0, a->umax);
	if (a->umax < b->umin)
		return *a;
	if (num_is_const(a) && num_is_const(b))
		return num_const(is64 ? a->bits % b->bits : (u32)a->bits % (u32)b->bits);
	return num_range(0, min_u(a->umax, b->umax - 1));
}

static struct num alu_open(u8 op, bool is64, bool is_signed, const struct num *a,
			   const struct num *b)
{
	struct num x = is64 ? *a : num_cut(a, 4), y = is64 ? *b : num_cut(b, 4), r;
	u32 width = is64 ? 64 : 32;

	switch (op) {
	case ISA_ADD: r = add(&x, &y); break;
	case ISA_SUB: r = sub(&x, &y); break;
	case ISA_MUL: r = mul(&x, &y); break;
	case ISA_DIV:
	case ISA_MOD: r = is_signed ? num_any() : divide(op, is64, &x, &y); break;
	case ISA_AND:
	case ISA_OR:
	case ISA_XOR: r = logic(op, &x, &y); break;
	case ISA_LSH:
	case ISA_RSH:
	case ISA_ARSH: r = shift(op, width, &x, &y); break;
	case ISA_NEG:
		x = num_const(0);
		r = is64 ? sub(&x, a) : sub(&x, &y);
		break;
	default: r = num_any(); break;
	}
	if (is64)
		return r;
	/* Signed 32-bit sums are better known than what the cut of the unsigned sum tells. */
	if (op == ISA_ADD || op == ISA_SUB) {
		struct num sx = num_extend(a, 32), sy = num_extend(b, 32);
		struct num s = op == ISA_ADD ? add(&sx, &sy) : sub(&sx, &sy);
		struct num c = num_cut(&r, 4);

		if (s.smin >= INT32_MIN && s.smax <= INT32_MAX) {
			c.smin32 = (s32)max_s(c.smin32, s.smin);
			c.smax32 = (s32)min_s(c.smax32, s.smax);
			num_settle(&c);
		}
		return c;
	}
	return num_cut(&r, 4);
}

/* Both operands are known. */
static bool fold(u8 op, bool is64, u64 a, u64 b, u64 *out)
{
	switch (op) {
	case ISA_ADD: *out = a + b; break;
	case ISA_SUB: *out = a - b; break;
	case ISA_MUL: *out = a * b; break;
	case ISA_AND: *out = a & b; break;
	case ISA_OR: *out = a | b; break;
	case ISA_XOR: *out = a ^ b; break;
	default: return false;
	}
	if (!is64)
		*out = (u32)*out;
	return true;
}

struct num num_alu(u8 op, bool is64, bool is_signed, const struct num *a, const struct num *b)
{
	u64 both;

	if (num_is_const(a) && num_is_const(b) && fold(op, is64, a->bits, b->bits, &both))
		return num_const(both);
	return alu_open(op, is64, is_signed, a, b);
}
