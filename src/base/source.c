/* source: the texts of a session, and where in them a number points.
 *
 * Every byte of every text has a number of its own: a source owns [base, base + n], one more than
 * its bytes, so that "at the end" is a place too. Number 0 is nowhere. Sources are added in rising
 * order, so finding one is a binary search; so is finding a line, in a table of line starts that is
 * made when a source is first asked for one (most never are).
 *
 * Lines end at LF; a CR before it belongs to the line's end, not to its text. Columns count bytes.
 */
#include "base/base.h"

#include <string.h>

void sources_init(struct sources *ss, struct arena *a)
{
	*ss = (struct sources){ .a = a, .next = 1 };
}

struct source *sources_add(struct sources *ss, str name, str text)
{
	struct source *src;

	if ((u64)ss->next + text.n + 1 > UINT32_MAX)
		return NULL;
	src = arena_new_of(ss->a, struct source);
	src->name = name;
	src->text = text.s ? text : STR("");
	src->base = ss->next;
	src->builtin = str_starts(name, "<skep/");
	ss->next += text.n + 1;
	*vec_push(ss->a, &ss->list) = src;
	return src;
}

struct source *sources_find(const struct sources *ss, u32 at)
{
	u32 lo = 0, hi = ss->list.n;

	if (at == 0 || at >= ss->next)
		return NULL;
	/* The last source whose base is at or before `at`. */
	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (ss->list.at[mid]->base <= at)
			lo = mid;
		else
			hi = mid;
	}
	return ss->list.at[lo];
}

static void index_lines(struct sources *ss, struct source *src)
{
	const char *s = src->text.s, *end = s + src->text.n, *p;
	u32 n = 1;

	if (src->lines)
		return;
	for (p = s; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		n++;
	src->lines = arena_array_of(ss->a, u32, n);
	src->n_lines = 1;
	for (p = s; p < end && (p = memchr(p, '\n', (size_t)(end - p))); p++)
		src->lines[src->n_lines++] = (u32)(p - s) + 1;
}

struct place sources_place(struct sources *ss, u32 at)
{
	struct source *src = sources_find(ss, at);
	u32 lo = 0, hi, off;

	if (!src)
		return (struct place){ 0 };
	index_lines(ss, src);
	off = at - src->base;
	hi = src->n_lines;
	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (src->lines[mid] <= off)
			lo = mid;
		else
			hi = mid;
	}
	return (struct place){ src, lo + 1, off - src->lines[lo] + 1 };
}

str sources_line(struct sources *ss, struct source *src, u32 line)
{
	u32 from, to;

	index_lines(ss, src);
	if (line == 0 || line > src->n_lines)
		return STR("");
	from = src->lines[line - 1];
	to = line < src->n_lines ? src->lines[line] - 1 : src->text.n;
	if (line < src->n_lines && to > from && src->text.s[to - 1] == '\r')
		to--;
	return str_sub(src->text, from, to - from);
}

str sources_text(struct sources *ss, struct span s)
{
	struct source *src = sources_find(ss, s.lo);

	if (!src || s.hi <= s.lo)
		return STR("");
	return str_sub(src->text, s.lo - src->base, s.hi - s.lo);
}
