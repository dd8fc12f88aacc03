/* hist.c: distributions as bpftrace draws them.
 *
 * hist(): power-of-two buckets numbered 0 for negatives, 1 for zero, k + 2 for [2^k, 2^(k+1)); lhist(): 0 below
 * the minimum, then one bucket a step, the last one for everything from the maximum up. Pictures run
 * from the first to the last bucket that is not empty; bars are 52 columns for the largest count.
 */
#include "rt/rt_private.h"

enum { BAR = 52 };

static void put_scaled(struct sbuf *out, u64 v, bool scale)
{
	static const char units[] = " KMGTPE";
	u32 unit = 0;

	while (scale && v >= 1024 && v % 1024 == 0 && unit < 6) {
		v /= 1024;
		unit++;
	}
	sbuf_printf(out, "%llu", (unsigned long long)v);
	if (unit)
		sbuf_putc(out, units[unit]);
}

static void log2_label(struct sbuf *out, u32 bucket)
{
	if (bucket == 0) {
		sbuf_puts(out, "(..., 0)");
		return;
	}
	if (bucket <= 2) {
		sbuf_printf(out, "[%u]", bucket - 1);
		return;
	}
	sbuf_putc(out, '[');
	put_scaled(out, 1ull << (bucket - 2), true);
	sbuf_puts(out, ", ");
	if (bucket - 1 < 64)
		put_scaled(out, 1ull << (bucket - 1), true);
	else
		sbuf_puts(out, "16E");
	sbuf_putc(out, ')');
}

static void linear_edge(struct sbuf *out, s64 v, s64 step)
{
	if (v < 0) {
		sbuf_putc(out, '-');
		v = -v;
	}
	put_scaled(out, (u64)v, step % 1024 == 0);
}

static void linear_label(struct sbuf *out, const struct obj_map *m, u32 bucket, u32 n)
{
	s64 min = m->lhist[0], max = m->lhist[1], step = m->lhist[2];
	s64 from = min + (s64)(bucket - 1) * step;

	if (bucket == 0) {
		sbuf_puts(out, "(..., ");
		linear_edge(out, min, step);
		sbuf_putc(out, ')');
	} else if (bucket == n - 1) {
		sbuf_putc(out, '[');
		linear_edge(out, max, step);
		sbuf_puts(out, ", ...)");
	} else {
		sbuf_putc(out, '[');
		linear_edge(out, from, step);
		sbuf_puts(out, ", ");
		linear_edge(out, from + step, step);
		sbuf_putc(out, ')');
	}
}

static bool find_range(const u64 *counts, u32 n, u32 *first, u32 *last, u64 *most)
{
	bool any = false;

	*most = 0;
	for (u32 i = 0; i < n; i++) {
		if (!counts[i])
			continue;
		if (!any)
			*first = i;
		any = true;
		*last = i;
		if (counts[i] > *most)
			*most = counts[i];
	}
	return any;
}

/* hist(n, k): each power of two has 2^k buckets (obj.h). */
static void fine_range(u32 bucket, u32 k, u64 *lo, u64 *width)
{
	u32 q = bucket - 1, e = q >> k;
	u64 low = q & ((1u << k) - 1);

	*lo = e ? ((1ull << k) + low) << (e - 1) : low;
	*width = e ? 1ull << (e - 1) : 1;
}

static void fine_label(struct sbuf *out, u32 bucket, u32 k)
{
	u64 lo, width;

	if (bucket == 0) {
		sbuf_puts(out, "(..., 0)");
		return;
	}
	fine_range(bucket, k, &lo, &width);
	sbuf_putc(out, '[');
	put_scaled(out, lo, true);
	if (width > 1) {
		sbuf_puts(out, ", ");
		put_scaled(out, lo + width, true);
	}
	sbuf_puts(out, width > 1 ? ")" : "]");
}

void rt_hist_text(struct sbuf *out, const struct obj_map *m, const u64 *counts, u32 n)
{
	u32 first = 0, last = 0;
	u64 most;

	if (!find_range(counts, n, &first, &last, &most))
		return;
	for (u32 i = first; i <= last; i++) {
		u32 before = out->n, bar = (u32)((double)counts[i] / (double)most * BAR);

		if (m->show == OBJ_SHOW_LHIST)
			linear_label(out, m, i, n);
		else if (m->lhist[0])
			fine_label(out, i, (u32)m->lhist[0]);
		else
			log2_label(out, i);
		sbuf_pad(out, ' ', out->n - before < 16 ? 16 - (out->n - before) : 0);
		sbuf_printf(out, "%8llu |", (unsigned long long)counts[i]);
		sbuf_pad(out, '@', bar);
		sbuf_pad(out, ' ', BAR - bar);
		sbuf_puts(out, "|\n");
	}
}

/* Closed intervals; an open end has no bound. */
void rt_hist_json(struct sbuf *out, const struct obj_map *m, const u64 *counts, u32 n)
{
	u32 first = 0, last = 0;
	bool linear = m->show == OBJ_SHOW_LHIST;
	u64 most;

	sbuf_putc(out, '[');
	for (u32 i = 0; find_range(counts, n, &first, &last, &most) && i < n; i++) {
		s64 lo, hi;

		if (i < first || i > last)
			continue;
		if (linear) {
			lo = m->lhist[0] + (s64)(i - 1) * m->lhist[2];
			hi = i == 0 ? m->lhist[0] - 1 : lo + m->lhist[2] - 1;
		} else if (m->lhist[0]) {
			u64 from = 0, width = 0;

			if (i)
				fine_range(i, (u32)m->lhist[0], &from, &width);
			lo = (s64)from;
			hi = (s64)(from + width - 1);
		} else {
			lo = i <= 2 ? (s64)i - 1 : (s64)(1ull << (i - 2));
			hi = i == 0 ? -1 : i <= 2 ? (s64)i - 1 : (s64)((1ull << (i - 1)) - 1);
		}
		sbuf_puts(out, i == first ? "{" : ", {");
		if (i != 0)
			sbuf_printf(out, "\"min\": %lld, ", (long long)lo);
		if (!linear || i != n - 1)
			sbuf_printf(out, "\"max\": %lld, ", (long long)hi);
		sbuf_printf(out, "\"count\": %llu}", (unsigned long long)counts[i]);
	}
	sbuf_putc(out, ']');
}
