/* ctables.c: what the maps of C programs hold beside numbers and structs: log2 histograms and stacks.
 *
 * A BPF_HISTOGRAM's bucket i counts values from 2^(i-1) to 2^i - 1, bucket 0 and 1 together 0 and 1: that is
 * what bpf_log2l numbers. The picture runs from the first bucket to the last that is not empty, bars
 * are 40 columns for the largest count. Stacks are shown as addresses, one a line, the innermost first.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "rt/rt_private.h"

enum { STARS = 40 };

static u64 low_of(u32 bucket)
{
	return bucket < 2 ? 0 : 1ull << (bucket - 1);
}

static u64 high_of(u32 bucket)
{
	return bucket == 64 ? ~0ull : bucket == 0 ? 0 : (1ull << bucket) - 1;
}

static u32 used(const u64 *counts, u32 n, u64 *most)
{
	u32 end = 0;

	*most = 0;
	for (u32 i = 0; i < n; i++) {
		if (counts[i])
			end = i + 1;
		if (counts[i] > *most)
			*most = counts[i];
	}
	return end;
}

void rt_log2_text(struct sbuf *out, const u64 *counts, u32 n)
{
	u64 most;
	u32 end = used(counts, n, &most);
	int width = end > 33 ? 20 : 10;

	sbuf_printf(out, "%*s%-*s : count     distribution\n", width / 2, "", width + 9, "value");
	for (u32 i = counts[0] ? 0 : 1; i < end; i++) {
		u32 stars = (u32)((double)counts[i] / (double)most * STARS);

		sbuf_printf(out, "%*" PRIu64 " -> %-*" PRIu64 " : %-8" PRIu64 " |", width,
			    low_of(i), width, high_of(i), counts[i]);
		sbuf_pad(out, '*', stars);
		sbuf_pad(out, ' ', STARS - stars);
		sbuf_puts(out, i + 1 < end ? "|\n" : "|");
	}
}

void rt_log2_json(struct sbuf *out, const u64 *counts, u32 n)
{
	u64 most;
	u32 end = used(counts, n, &most);
	bool first = true;

	sbuf_putc(out, '[');
	for (u32 i = 0; i < end; i++) {
		if (!counts[i])
			continue;
		sbuf_printf(out,
			    "%s{\"min\": %" PRIu64 ", \"max\": %" PRIu64 ", \"count\": %" PRIu64
			    "}",
			    first ? "" : ", ", low_of(i), high_of(i), counts[i]);
		first = false;
	}
	sbuf_putc(out, ']');
}

static u64 frame_at(const char *frames, u32 size, u32 i)
{
	u64 at = 0;

	if ((i + 1) * sizeof(at) <= size)
		memcpy(&at, frames + i * sizeof(at), sizeof(at));
	return at;
}

void rt_stack_text(struct sbuf *out, const char *frames, u32 size)
{
	for (u32 i = 0; frame_at(frames, size, i); i++)
		sbuf_printf(out, "\n\t0x%" PRIx64, frame_at(frames, size, i));
}

void rt_stack_json(struct sbuf *out, const char *frames, u32 size)
{
	sbuf_putc(out, '[');
	for (u32 i = 0; frame_at(frames, size, i); i++)
		sbuf_printf(out, "%s\"0x%" PRIx64 "\"", i ? ", " : "", frame_at(frames, size, i));
	sbuf_putc(out, ']');
}
