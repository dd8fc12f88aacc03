/* sbuf: text that grows in an arena, and the two ways of quoting it.
 *
 * Invariant: when `cap` is not 0, s[n] is NUL and n < cap. Growing doubles the block and leaves the
 * old one behind in the arena, so a view of the text taken earlier stays readable but is a
 * snapshot. A text is at most 4 GiB - 1; beyond that the arena's trap is taken as if memory had run
 * out.
 *
 * C quoting gives text that a C compiler and our own parsers read back to the same bytes: printable
 * UTF-8 as it is, the rest as the short escapes or three octal digits (three, so that a following
 * digit cannot join). JSON quoting follows RFC 8259 section 7 and always yields valid UTF-8.
 */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

void sbuf_init(struct sbuf *b, struct arena *a)
{
	*b = (struct sbuf){ .a = a };
}

/* Makes room for `more` bytes and a NUL. */
static void reserve(struct sbuf *b, size_t more)
{
	u64 need = (u64)b->n + more + 1, cap = b->cap ? b->cap : 64;
	char *p;

	if (need <= b->cap)
		return;
	while (cap < need)
		cap *= 2;
	if (cap > UINT32_MAX)
		cap = UINT32_MAX;
	p = arena_alloc(b->a, need > cap ? SIZE_MAX : cap);
	if (b->n)
		memcpy(p, b->s, b->n);
	b->s = p;
	b->cap = (u32)cap;
}

void sbuf_putc(struct sbuf *b, char c)
{
	reserve(b, 1);
	b->s[b->n++] = c;
	b->s[b->n] = 0;
}

void sbuf_put(struct sbuf *b, str x)
{
	reserve(b, x.n);
	if (x.n)
		memcpy(b->s + b->n, x.s, x.n);
	b->n += x.n;
	b->s[b->n] = 0;
}

void sbuf_puts(struct sbuf *b, const char *cstr)
{
	sbuf_put(b, str_of(cstr));
}

void sbuf_pad(struct sbuf *b, char c, u32 n)
{
	reserve(b, n);
	memset(b->s + b->n, c, n);
	b->n += n;
	b->s[b->n] = 0;
}

void sbuf_printf(struct sbuf *b, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	sbuf_vprintf(b, fmt, ap);
	va_end(ap);
}

void sbuf_vprintf(struct sbuf *b, const char *fmt, va_list ap)
{
	va_list again;
	int n;

	reserve(b, 0);
	va_copy(again, ap);
	n = vsnprintf(b->s + b->n, b->cap - b->n, fmt, ap);
	base_check(arena_trap(b->a), n >= 0);
	if ((u32)n >= b->cap - b->n) {
		reserve(b, (size_t)n);
		vsnprintf(b->s + b->n, b->cap - b->n, fmt, again);
	}
	va_end(again);
	b->n += (u32)n;
}

str sbuf_str(const struct sbuf *b)
{
	return b->s ? (str){ b->s, b->n } : STR("");
}

/* The letter of a short escape that C and JSON share, or 0. */
static char short_escape(u32 code)
{
	switch (code) {
	case '"': return '"';
	case '\\': return '\\';
	case '\b': return 'b';
	case '\f': return 'f';
	case '\n': return 'n';
	case '\r': return 'r';
	case '\t': return 't';
	default: return 0;
	}
}

void sbuf_quote(struct sbuf *b, str x)
{
	u32 n, code = 0;

	sbuf_putc(b, '"');
	for (u32 i = 0; i < x.n; i += n ? n : 1) {
		n = str_utf8(x, i, &code);
		if (n && short_escape(code))
			sbuf_printf(b, "\\%c", short_escape(code));
		else if (n == 0 || code < 0x20 || code == 0x7f)
			sbuf_printf(b, "\\%03o", (u8)x.s[i]);
		else
			sbuf_put(b, str_sub(x, i, n));
	}
	sbuf_putc(b, '"');
}

void sbuf_json(struct sbuf *b, str x)
{
	u32 n, code = 0;

	sbuf_putc(b, '"');
	for (u32 i = 0; i < x.n; i += n ? n : 1) {
		n = str_utf8(x, i, &code);
		if (n == 0)
			sbuf_puts(b, "\xef\xbf\xbd");
		else if (short_escape(code))
			sbuf_printf(b, "\\%c", short_escape(code));
		else if (code < 0x20)
			sbuf_printf(b, "\\u%04x", code);
		else
			sbuf_put(b, str_sub(x, i, n));
	}
	sbuf_putc(b, '"');
}
