/* render: diagnostics as text for people and as JSON lines for programs.
 *
 * Text: `file:line:col: error: message`, below it the source line, below that `^~~~` under the
 * whole span. The source line is drawn as a row of glyphs, each some columns wide: a tab runs to
 * the next multiple of eight, a character takes what a terminal gives it, and whatever could upset
 * a terminal (control characters, text direction marks, bytes that are not UTF-8) shows as U+FFFD,
 * one column. The carets are placed by the same walk over the glyphs, so they agree with what is
 * seen.
 *
 * A line wider than MAX_COLUMNS is shown through a window around the span with `...` at the cut
 * ends; of a very long line only CUT_BYTES on each side are looked at, so the cost of a diagnostic
 * does not depend on the length of its line. A span over several lines is marked to its first
 * line's end.
 *
 * Diagnostics of bpftrace scripts may be asked for in bpftrace's own form: `file:line:first-last: ERROR: message`, tabs of
 * four columns, `~~~~` under the span, HINT lines; several lines are shown whole, without marks.
 *
 * Not here: sorting, limits (diag.c), and where the text goes.
 */
#include "base/base.h"

#include <string.h>

#define MAX_COLUMNS  200
#define LEAD_COLUMNS 60 /* shown before the span when a window is needed */
#define CUT_BYTES    2048
#define MORE	     "..."
#define REPLACEMENT  "\xef\xbf\xbd"

struct glyph {
	str shown; /* what to print; for a tab, nothing */
	u32 bytes, width;
};

static bool is_harmless(u32 code)
{
	if (code < 0x20 || (code >= 0x7f && code < 0xa0))
		return false;
	/* Direction marks, and line and paragraph separators. */
	return !(code >= 0x200e && code <= 0x200f) && !(code >= 0x2028 && code <= 0x202e) &&
	       !(code >= 0x2066 && code <= 0x2069);
}

/* The glyph at byte `at` of a line, when it starts in column `col` (from 0). A tab ends at a multiple of 8 columns, or
 * is `tab` of them. */
static struct glyph glyph_at(str line, u32 at, u32 col, u32 tab)
{
	u32 code = 0, n = str_utf8(line, at, &code);

	if (n && code == '\t')
		return (struct glyph){ STR(""), 1, tab ? tab : 8 - col % 8 };
	if (n == 0 || !is_harmless(code))
		return (struct glyph){ STR(REPLACEMENT), n ? n : 1, 1 };
	return (struct glyph){ str_sub(line, at, n), n, str_utf8_width(code) };
}

/* What of a line is shown, and the columns of the span in it. */
struct view {
	str line;
	u32 lo, hi;	      /* the span, in bytes of `line`; lo <= hi <= line.n */
	u32 from, to;	      /* columns shown */
	u32 caret, caret_end; /* columns of the span */
	bool more_left, more_right;
	u32 tab; /* columns of a tab; 0: to the next multiple of 8 */
};

/* Is this byte the inside of a UTF-8 character? */
static bool is_inside(str line, u32 at)
{
	return at < line.n && ((u8)line.s[at] & 0xc0) == 0x80;
}

/* Drops what is too far from the span to be seen. */
static void cut_bytes(struct view *v)
{
	u32 from = v->lo > CUT_BYTES ? v->lo - CUT_BYTES : 0, to;

	if (v->line.n <= 2 * CUT_BYTES)
		return;
	for (u32 i = 0; i < 3 && is_inside(v->line, from); i++)
		from++;
	to = v->line.n - v->lo > CUT_BYTES ? v->lo + CUT_BYTES : v->line.n;
	for (u32 i = 0; i < 3 && is_inside(v->line, to); i++)
		to++;
	v->more_left = from > 0;
	v->more_right = to < v->line.n;
	v->line = str_sub(v->line, from, to - from);
	v->lo -= from;
	v->hi = v->hi - from < v->line.n ? v->hi - from : v->line.n;
}

static void choose_columns(struct view *v)
{
	u32 col = 0;
	struct glyph g;

	for (u32 i = 0; i < v->line.n; i += g.bytes) {
		g = glyph_at(v->line, i, col, v->tab);
		if (i <= v->lo)
			v->caret = col;
		col += g.width;
		if (i < v->hi)
			v->caret_end = col;
	}
	if (v->lo >= v->line.n)
		v->caret = col;
	if (v->caret_end <= v->caret)
		v->caret_end = v->caret + 1;
	v->to = col;
	if (col <= MAX_COLUMNS && !v->more_left && !v->more_right)
		return;
	v->from = v->caret > LEAD_COLUMNS ? v->caret - LEAD_COLUMNS : 0;
	if (col - v->from > MAX_COLUMNS) {
		v->to = v->from + MAX_COLUMNS;
		v->more_right = true;
	}
	v->more_left |= v->from > 0;
	if (v->caret_end > v->to)
		v->caret_end = v->to > v->caret ? v->to : v->caret + 1;
}

static void put_line(const struct view *v, struct sbuf *out)
{
	u32 col = 0;
	struct glyph g;

	if (v->more_left)
		sbuf_puts(out, MORE);
	for (u32 i = 0; i < v->line.n && col < v->to; i += g.bytes, col += g.width) {
		g = glyph_at(v->line, i, col, v->tab);
		if (col >= v->from && col + g.width <= v->to) {
			sbuf_put(out, g.shown);
			if (g.shown.n == 0)
				sbuf_pad(out, ' ', g.width);
		} else if (col + g.width > v->from) {
			/* Half of it is outside the window. */
			u32 left = col > v->from ? col : v->from;
			u32 right = col + g.width < v->to ? col + g.width : v->to;

			sbuf_pad(out, ' ', right - left);
		}
	}
	if (v->more_right)
		sbuf_puts(out, MORE);
	sbuf_putc(out, '\n');
}

/* The colours of ANSI terminals; empty strings without colour. */
struct paint {
	const char *bold, *mark, *off;
};

static struct paint paint_for(enum diag_severity severity, bool color)
{
	static const char *const marks[] = {
		[DIAG_NOTE] = "\033[1;36m",
		[DIAG_WARNING] = "\033[1;35m",
		[DIAG_ERROR] = "\033[1;31m",
	};

	if (!color)
		return (struct paint){ "", "", "" };
	return (struct paint){ "\033[1m", marks[severity], "\033[0m" };
}

static const char *severity_name(enum diag_severity severity, bool is_bpftrace)
{
	static const char *const loud[] = {
		[DIAG_NOTE] = "NOTE",
		[DIAG_WARNING] = "WARNING",
		[DIAG_ERROR] = "ERROR",
	};
	static const char *const names[] = {
		[DIAG_NOTE] = "note",
		[DIAG_WARNING] = "warning",
		[DIAG_ERROR] = "error",
	};

	return is_bpftrace ? loud[severity] : names[severity];
}

/* A message may quote the source; nothing in it may steer the terminal. */
static void put_text(struct sbuf *out, str text)
{
	struct glyph g;

	for (u32 i = 0; i < text.n; i += g.bytes) {
		g = glyph_at(text, i, 7, 0);
		if (text.s[i] == '\n')
			sbuf_putc(out, '\n');
		else if (text.s[i] == '\t')
			sbuf_putc(out, ' ');
		else
			sbuf_put(out, g.shown);
	}
}

static void put_source(struct diags *dx, struct sbuf *out, struct span span, struct place at,
		       struct paint p)
{
	struct view v = { .line = sources_line(dx->ss, at.src, at.line),
			  .tab = dx->is_bpftrace ? 4 : 0 };
	u32 length = span.hi > span.lo ? span.hi - span.lo : 0;

	v.lo = at.col - 1 < v.line.n ? at.col - 1 : v.line.n;
	v.hi = length < v.line.n - v.lo ? v.lo + length : v.line.n;
	cut_bytes(&v);
	choose_columns(&v);
	put_line(&v, out);
	sbuf_pad(out, ' ', v.caret - v.from + (v.more_left ? sizeof(MORE) - 1 : 0));
	sbuf_printf(out, "%s%c", p.mark, dx->is_bpftrace ? '~' : '^');
	sbuf_pad(out, '~', v.caret_end - v.caret - 1);
	sbuf_printf(out, "%s\n", p.off);
}

/* "LINE:FIRST-END" in columns, END behind the last; or "FIRST-LAST" in lines. */
static void put_range(struct sbuf *out, struct place at, struct place end)
{
	if (end.line > at.line)
		sbuf_printf(out, ":%u-%u:", at.line, end.line);
	else
		sbuf_printf(out, ":%u:%u-%u:", at.line, at.col,
			    end.col > at.col ? end.col : at.col + 1);
}

static void put_lines(struct diags *dx, struct sbuf *out, struct place at, u32 last)
{
	static const u32 most = 20;

	for (u32 i = at.line; i <= last && i < at.line + most; i++) {
		put_text(out, sources_line(dx->ss, at.src, i));
		sbuf_putc(out, '\n');
	}
}

/* One message with its place and source line, if it has a place. */
static void put_message(struct diags *dx, struct sbuf *out, enum diag_severity severity,
			struct span span, str text, str rule, bool color)
{
	struct paint p = paint_for(severity, color);
	struct place at = sources_place(dx->ss, span.lo);
	struct place end = sources_place(dx->ss, span.hi > span.lo ? span.hi : span.lo);

	if (at.src) {
		sbuf_puts(out, p.bold);
		put_text(out, at.src->name);
		if (dx->is_bpftrace)
			put_range(out, at, end);
		else
			sbuf_printf(out, ":%u:%u:", at.line, at.col);
		sbuf_printf(out, "%s ", p.off);
	}
	sbuf_printf(out, "%s%s:%s ", p.mark, severity_name(severity, dx->is_bpftrace), p.off);
	put_text(out, text);
	if (rule.n)
		sbuf_printf(out, " [" STR_FMT "]", STR_ARG(rule));
	sbuf_putc(out, '\n');
	if (at.src && dx->is_bpftrace && end.line > at.line)
		put_lines(dx, out, at, end.line);
	else if (at.src)
		put_source(dx, out, span, at, p);
}

static void put_omitted(struct sbuf *out, u32 n, const char *what)
{
	if (n)
		sbuf_printf(out, "%u more %s%s not shown\n", n, what, n == 1 ? "" : "s");
}

void diags_render(struct diags *dx, struct sbuf *out, bool color)
{
	for (u32 i = 0; i < dx->list.n; i++) {
		struct diag *d = &dx->list.at[i];

		put_message(dx, out, d->severity, d->span, d->text, d->rule, color);
		for (u32 k = 0; k < d->extras.n; k++) {
			struct diag_extra *x = &d->extras.at[k];

			if (!x->is_hint) {
				put_message(dx, out, DIAG_NOTE, x->span, x->text, (str){ 0 },
					    color);
				continue;
			}
			sbuf_puts(out, dx->is_bpftrace ? "HINT: " : "  hint: ");
			put_text(out, x->text);
			sbuf_putc(out, '\n');
		}
	}
	put_omitted(out, dx->n_errors - dx->n_kept_errors, "error");
	put_omitted(out, dx->n_warnings - dx->n_kept_warnings, "warning");
}

/* ---- JSON ----------------------------------------------------------------------------------- */

/* "message" and, when there is one, the place; the members that notes share with diagnostics. */
static void put_json_message(struct diags *dx, struct sbuf *out, struct span span, str text)
{
	struct place at = sources_place(dx->ss, span.lo), end;

	sbuf_puts(out, "\"message\":");
	sbuf_json(out, text);
	if (!at.src)
		return;
	sbuf_puts(out, ",\"file\":");
	sbuf_json(out, at.src->name);
	end = sources_place(dx->ss, span.hi > span.lo ? span.hi : span.lo);
	if (end.src != at.src)
		end = sources_place(dx->ss, at.src->base + at.src->text.n);
	sbuf_printf(out, ",\"line\":%u,\"column\":%u,\"end_line\":%u,\"end_column\":%u", at.line,
		    at.col, end.line, end.col);
}

static void put_json_source(struct diags *dx, struct sbuf *out, struct span span)
{
	struct place at = sources_place(dx->ss, span.lo);
	struct view v = { 0 };

	if (!at.src)
		return;
	v.line = sources_line(dx->ss, at.src, at.line);
	v.lo = v.hi = at.col - 1 < v.line.n ? at.col - 1 : v.line.n;
	cut_bytes(&v);
	sbuf_puts(out, ",\"source\":");
	sbuf_json(out, v.line);
}

static void put_json_extras(struct diags *dx, struct sbuf *out, struct diag *d, bool hints)
{
	u32 n = 0;

	sbuf_puts(out, hints ? ",\"hints\":[" : ",\"notes\":[");
	for (u32 i = 0; i < d->extras.n; i++) {
		struct diag_extra *x = &d->extras.at[i];

		if (x->is_hint != hints)
			continue;
		if (n++)
			sbuf_putc(out, ',');
		if (hints) {
			sbuf_json(out, x->text);
			continue;
		}
		sbuf_putc(out, '{');
		put_json_message(dx, out, x->span, x->text);
		sbuf_putc(out, '}');
	}
	sbuf_putc(out, ']');
}

void diags_render_json(struct diags *dx, struct sbuf *out)
{
	u32 errors = dx->n_errors - dx->n_kept_errors;
	u32 warnings = dx->n_warnings - dx->n_kept_warnings;

	for (u32 i = 0; i < dx->list.n; i++) {
		struct diag *d = &dx->list.at[i];

		sbuf_printf(out, "{\"type\":\"diagnostic\",\"severity\":\"%s\",\"tag\":\"%s\",",
			    severity_name(d->severity, false), diag_tag_name(d->tag));
		if (d->rule.n)
			sbuf_printf(out, "\"rule\":\"" STR_FMT "\",", STR_ARG(d->rule));
		put_json_message(dx, out, d->span, d->text);
		put_json_source(dx, out, d->span);
		put_json_extras(dx, out, d, false);
		put_json_extras(dx, out, d, true);
		sbuf_puts(out, "}\n");
	}
	if (errors || warnings)
		sbuf_printf(out, "{\"type\":\"omitted\",\"errors\":%u,\"warnings\":%u}\n", errors,
			    warnings);
}
