/* str: views of bytes, and what the house asks of them.
 *
 * A view is a pointer and a length; nothing here needs a terminator, allocates without being given
 * an arena, or reads beyond the view. An empty view may have a NULL pointer.
 *
 * Algorithms: glob matching goes back only to the last star, so it is O(pattern * text) and needs
 * no recursion; the edit distance is the "optimal string alignment" kind (Damerau 1964, restricted:
 * no piece is edited twice), three rows of the table at a time, after common ends were cut off;
 * UTF-8 follows RFC 3629. The width of a character is what terminals do: ranges of Unicode's East
 * Asian Width W and F take two columns, combining marks none. libc's wcwidth() would ask the
 * locale.
 *
 * Left out: Unicode case and normal forms; the ranges are coarse.
 */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

str str_of(const char *cstr)
{
	return cstr ? (str){ cstr, (u32)strlen(cstr) } : STR("");
}

bool str_eq(str a, str b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.s, b.s, a.n) == 0);
}

bool str_is(str a, const char *cstr)
{
	return str_eq(a, str_of(cstr));
}

bool str_starts(str a, const char *prefix)
{
	size_t n = strlen(prefix);

	return a.n >= n && (n == 0 || memcmp(a.s, prefix, n) == 0);
}

bool str_ends(str a, const char *suffix)
{
	size_t n = strlen(suffix);

	return a.n >= n && (n == 0 || memcmp(a.s + (a.n - n), suffix, n) == 0);
}

int str_cmp(str a, str b)
{
	u32 n = a.n < b.n ? a.n : b.n;
	int d = n ? memcmp(a.s, b.s, n) : 0;

	return d ? d : (a.n > b.n) - (a.n < b.n);
}

str str_sub(str a, u32 from, u32 n)
{
	if (from > a.n)
		from = a.n;
	if (n > a.n - from)
		n = a.n - from;
	return n ? (str){ a.s + from, n } : STR("");
}

int str_find(str a, char c, u32 from)
{
	const char *p;

	if (from >= a.n)
		return -1;
	p = memchr(a.s + from, c, a.n - from);
	return p ? (int)(p - a.s) : -1;
}

static bool is_blank(char c)
{
	return c == ' ' || (c >= '\t' && c <= '\r');
}

str str_trim(str a)
{
	while (a.n && is_blank(a.s[a.n - 1]))
		a.n--;
	while (a.n && is_blank(a.s[0]))
		a.s++, a.n--;
	return a;
}

str str_cut(str *rest, char sep)
{
	const char *p = rest->n ? memchr(rest->s, sep, rest->n) : NULL;
	str before = *rest;

	if (!p) {
		*rest = STR("");
		return before;
	}
	before.n = (u32)(p - before.s);
	rest->s = p + 1;
	rest->n -= before.n + 1;
	return before;
}

str str_dup(struct arena *a, str x)
{
	return (str){ str_z(a, x), x.n };
}

char *str_z(struct arena *a, str x)
{
	char *p = arena_alloc(a, (size_t)x.n + 1);

	if (x.n)
		memcpy(p, x.s, x.n);
	return p;
}

str str_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap;
	str x;

	va_start(ap, fmt);
	x = str_vprintf(a, fmt, ap);
	va_end(ap);
	return x;
}

str str_vprintf(struct arena *a, const char *fmt, va_list ap)
{
	struct sbuf b;

	sbuf_init(&b, a);
	sbuf_vprintf(&b, fmt, ap);
	return sbuf_str(&b);
}

/* ---- numbers -------------------------------------------------------------------------------- */

static int digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return 99;
}

/* C11 6.4.4.1 without suffixes. */
static bool parse_unsigned(str x, u64 *out)
{
	int base = 10;
	u64 v = 0;
	u32 i = 0;

	if (x.n > 2 && x.s[0] == '0' && (x.s[1] | 0x20) == 'x')
		base = 16, i = 2;
	else if (x.n > 1 && x.s[0] == '0')
		base = 8, i = 1;
	if (x.n == 0)
		return false;
	for (; i < x.n; i++) {
		int d = digit(x.s[i]);

		if (d >= base || __builtin_mul_overflow(v, (u64)base, &v) ||
		    __builtin_add_overflow(v, (u64)d, &v))
			return false;
	}
	*out = v;
	return true;
}

/* Cuts a sign off; true when it is a minus. */
static bool cut_sign(str *x)
{
	bool minus = x->n && x->s[0] == '-';

	if (minus || (x->n && x->s[0] == '+'))
		*x = str_sub(*x, 1, x->n);
	return minus;
}

bool str_to_u64(str x, u64 *out)
{
	bool minus = cut_sign(&x);
	u64 v;

	if (!parse_unsigned(x, &v) || (minus && v))
		return false;
	*out = v;
	return true;
}

bool str_to_s64(str x, s64 *out)
{
	bool minus = cut_sign(&x);
	u64 v;

	if (!parse_unsigned(x, &v) || v > (u64)INT64_MAX + minus)
		return false;
	*out = (s64)(minus ? 0 - v : v);
	return true;
}

/* ---- patterns and likeness ------------------------------------------------------------------ */

bool str_glob(str pattern, str text)
{
	u32 p = 0, t = 0, star = UINT32_MAX, resume = 0;

	while (t < text.n) {
		if (p < pattern.n && pattern.s[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern.n && (pattern.s[p] == '?' || pattern.s[p] == text.s[t])) {
			p++, t++;
		} else if (star != UINT32_MAX) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.s[p] == '*')
		p++;
	return p == pattern.n;
}

#define DISTANCE_MAX 255

static void cut_common_ends(str *a, str *b)
{
	while (a->n && b->n && a->s[0] == b->s[0])
		a->s++, b->s++, a->n--, b->n--;
	while (a->n && b->n && a->s[a->n - 1] == b->s[b->n - 1])
		a->n--, b->n--;
}

/* Fills row i of the distance table; returns its smallest entry. */
static u32 distance_row(str a, str b, u32 i, const u16 *up2, const u16 *up, u16 *row)
{
	u32 least = row[0] = (u16)i;

	for (u32 j = 1; j <= b.n; j++) {
		bool same = a.s[i - 1] == b.s[j - 1];
		u32 d = up[j - 1] + !same;

		if (up[j] + 1u < d)
			d = up[j] + 1u;
		if (row[j - 1] + 1u < d)
			d = row[j - 1] + 1u;
		if (i > 1 && j > 1 && a.s[i - 1] == b.s[j - 2] && a.s[i - 2] == b.s[j - 1] &&
		    up2[j - 2] + 1u < d)
			d = up2[j - 2] + 1u;
		row[j] = (u16)d;
		if (d < least)
			least = d;
	}
	return least;
}

/* The distance of strings of at most DISTANCE_MAX bytes. */
static u32 distance(str a, str b, u32 limit)
{
	u16 rows[3][DISTANCE_MAX + 1] = { 0 };

	for (u32 j = 0; j <= b.n; j++)
		rows[0][j] = (u16)j;
	for (u32 i = 1; i <= a.n; i++) {
		/* Each row's least entry is at most one more than the row's before, so a
		 * transposition from two rows up cannot come back below the limit either. */
		if (distance_row(a, b, i, rows[(i + 1) % 3], rows[(i + 2) % 3], rows[i % 3]) >
		    limit)
			return limit + 1;
	}
	return rows[a.n % 3][b.n] > limit ? limit + 1 : rows[a.n % 3][b.n];
}

u32 str_distance(str a, str b, u32 limit)
{
	u32 differ = a.n > b.n ? a.n - b.n : b.n - a.n;

	if (limit > DISTANCE_MAX)
		limit = DISTANCE_MAX;
	if (differ > limit)
		return limit + 1;
	cut_common_ends(&a, &b);
	if (a.n > DISTANCE_MAX || b.n > DISTANCE_MAX)
		return limit + 1;
	return distance(a, b, limit);
}

/* A name may be wrong in about a third of its letters, in three at most. */
void nearest_init(struct nearest *n, str want)
{
	u32 allowed = want.n < 2 ? 0 : want.n < 5 ? 1 : want.n < 9 ? 2 : 3;

	*n = (struct nearest){ .want = want, .best = STR(""), .distance = allowed + 1 };
}

static u32 lower(u8 c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20u : c;
}

static bool same_but_for_case(str a, str b)
{
	if (a.n != b.n)
		return false;
	for (u32 i = 0; i < a.n; i++)
		if (lower((u8)a.s[i]) != lower((u8)b.s[i]))
			return false;
	return true;
}

void nearest_offer(struct nearest *n, str candidate)
{
	u32 d;

	if (n->distance == 0 || candidate.n == 0)
		return;
	d = str_distance(n->want, candidate, n->distance - 1);
	if (d > 1 && n->distance > 1 && same_but_for_case(n->want, candidate))
		d = 1;
	if (d < n->distance) {
		n->distance = d;
		n->best = candidate;
	}
}

/* ---- UTF-8 ---------------------------------------------------------------------------------- */

u32 str_utf8(str x, u32 at, u32 *out_code)
{
	static const u32 least[5] = { 0, 0, 0x80, 0x800, 0x10000 };
	u32 n, code;
	u8 c;

	if (at >= x.n)
		return 0;
	c = (u8)x.s[at];
	n = c < 0x80 ? 1 : c < 0xc2 ? 0 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : c < 0xf5 ? 4 : 0;
	if (n == 0 || n > x.n - at)
		return 0;
	code = n == 1 ? c : c & (0x7fu >> n);
	for (u32 i = 1; i < n; i++) {
		c = (u8)x.s[at + i];
		if ((c & 0xc0) != 0x80)
			return 0;
		code = code << 6 | (c & 0x3f);
	}
	if (code < least[n] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
		return 0;
	*out_code = code;
	return n;
}

struct range {
	u32 lo, hi, width;
};

static const struct range widths[] = {
	{ 0x0300, 0x036f, 0 },	 { 0x0483, 0x0489, 0 },	  { 0x0591, 0x05bd, 0 },
	{ 0x0610, 0x061a, 0 },	 { 0x064b, 0x065f, 0 },	  { 0x06d6, 0x06dc, 0 },
	{ 0x0900, 0x0902, 0 },	 { 0x093c, 0x093c, 0 },	  { 0x0941, 0x0948, 0 },
	{ 0x094d, 0x094d, 0 },	 { 0x0e31, 0x0e31, 0 },	  { 0x0e34, 0x0e3a, 0 },
	{ 0x0e47, 0x0e4e, 0 },	 { 0x1100, 0x115f, 2 },	  { 0x1160, 0x11ff, 0 },
	{ 0x1ab0, 0x1aff, 0 },	 { 0x1dc0, 0x1dff, 0 },	  { 0x200b, 0x200f, 0 },
	{ 0x20d0, 0x20ff, 0 },	 { 0x231a, 0x231b, 2 },	  { 0x23e9, 0x23ec, 2 },
	{ 0x2614, 0x2615, 2 },	 { 0x26a1, 0x26a1, 2 },	  { 0x2705, 0x2705, 2 },
	{ 0x274c, 0x274c, 2 },	 { 0x2e80, 0x303e, 2 },	  { 0x3041, 0x33ff, 2 },
	{ 0x3400, 0x4dbf, 2 },	 { 0x4e00, 0xa4cf, 2 },	  { 0xa960, 0xa97f, 2 },
	{ 0xac00, 0xd7a3, 2 },	 { 0xf900, 0xfaff, 2 },	  { 0xfe00, 0xfe0f, 0 },
	{ 0xfe20, 0xfe2f, 0 },	 { 0xfe30, 0xfe6f, 2 },	  { 0xfeff, 0xfeff, 0 },
	{ 0xff00, 0xff60, 2 },	 { 0xffe0, 0xffe6, 2 },	  { 0x1f300, 0x1f64f, 2 },
	{ 0x1f680, 0x1f6ff, 2 }, { 0x1f900, 0x1f9ff, 2 }, { 0x20000, 0x3fffd, 2 },
	{ 0xe0100, 0xe01ef, 0 },
};

u32 str_utf8_width(u32 code)
{
	u32 lo = 0, hi = ARRAY_LEN(widths);

	while (lo < hi) {
		u32 mid = (lo + hi) / 2;

		if (code > widths[mid].hi)
			lo = mid + 1;
		else if (code < widths[mid].lo)
			hi = mid;
		else
			return widths[mid].width;
	}
	return 1;
}
