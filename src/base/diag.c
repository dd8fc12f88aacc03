/* diag: collecting what is wrong with the user's program.
 *
 * Diagnostics are data: they gather here in the order in which they were found and are rendered at
 * the end (render.c). What a reader would not thank us for is left out: a second error that begins
 * where an earlier one does (it follows from it), an equal warning twice, and whatever comes after
 * the limit, which is only counted. Notes and hints belong to the diagnostic added last and share
 * its fate. So the list never holds more than twice the limit, and scanning it is cheap.
 */
#include "base/base.h"

#include <stdio.h>
#include <string.h>

#define TEXT_MAX 1000
#define BUF_SIZE (TEXT_MAX + 4)

static const struct {
	const char *name, *gloss;
	enum diag_severity severity;
} tags[] = {
#define DIAG(tag, severity, gloss) [tag] = { #tag, gloss, severity },
#include "diag_tags.def"
#undef DIAG
};

const char *diag_tag_name(enum diag_tag tag)
{
	return tags[tag].name;
}

const char *diag_tag_gloss(enum diag_tag tag)
{
	return tags[tag].gloss;
}

enum diag_severity diag_tag_severity(enum diag_tag tag)
{
	return tags[tag].severity;
}

void diags_init(struct diags *dx, struct arena *a, struct sources *ss)
{
	*dx = (struct diags){ .a = a, .ss = ss, .limit = 20 };
}

/* A message of bounded length, made in a buffer of BUF_SIZE; a name out of the user's source may be
 * megabytes long. */
static str format(char *buf, const char *fmt, va_list ap)
{
	int n = vsnprintf(buf, TEXT_MAX + 1, fmt, ap);
	str x = { buf, n < 0 ? 0 : n < TEXT_MAX ? (u32)n : TEXT_MAX };
	u32 code;

	if (n <= TEXT_MAX)
		return x;
	/* Not in the middle of a character. */
	for (u32 back = 1; back <= 3; back++) {
		if (((u8)x.s[x.n - back] & 0xc0) != 0xc0)
			continue;
		if (!str_utf8(x, x.n - back, &code))
			x.n -= back;
		break;
	}
	memcpy(buf + x.n, "...", 3);
	x.n += 3;
	return x;
}

/* Has a kept diagnostic said this already? */
static bool is_repeated(const struct diags *dx, const struct diag *d)
{
	for (u32 i = 0; i < dx->list.n; i++) {
		const struct diag *o = &dx->list.at[i];

		if (o->severity != d->severity || o->span.lo != d->span.lo)
			continue;
		if (d->severity == DIAG_ERROR && span_known(d->span))
			return true;
		if (o->tag == d->tag && str_eq(o->text, d->text))
			return true;
	}
	return false;
}

void diag_add(struct diags *dx, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	struct diag d = { .severity = tags[tag].severity, .tag = tag, .span = at };
	bool is_error = d.severity == DIAG_ERROR;
	u32 *kept = is_error ? &dx->n_kept_errors : &dx->n_kept_warnings;
	bool is_full = *kept >= dx->limit;
	char buf[BUF_SIZE];
	va_list ap;

	/* Beyond the limit the text is not even made: there may be millions. */
	if (!is_full) {
		va_start(ap, fmt);
		d.text = format(buf, fmt, ap);
		va_end(ap);
	}
	dx->dropped = true;
	if (is_repeated(dx, &d) || (!is_error && dx->no_warnings))
		return;
	if (is_error)
		dx->n_errors++;
	else
		dx->n_warnings++;
	if (is_full)
		return;
	++*kept;
	dx->dropped = false;
	d.text = str_dup(dx->a, d.text);
	*vec_push(dx->a, &dx->list) = d;
}

/* Attaches to the diagnostic added last, if it was kept. */
static void attach(struct diags *dx, struct diag_extra extra, const char *fmt, va_list ap)
{
	char buf[BUF_SIZE];

	if (dx->dropped || dx->list.n == 0)
		return;
	extra.text = str_dup(dx->a, format(buf, fmt, ap));
	*vec_push(dx->a, &vec_last(&dx->list)->extras) = extra;
}

void diag_note(struct diags *dx, struct span at, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	attach(dx, (struct diag_extra){ .span = at }, fmt, ap);
	va_end(ap);
}

void diag_hint(struct diags *dx, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	attach(dx, (struct diag_extra){ .is_hint = true }, fmt, ap);
	va_end(ap);
}

void diag_rule(struct diags *dx, const char *rule)
{
	if (!dx->dropped && dx->list.n)
		vec_last(&dx->list)->rule = str_of(rule);
}
