/* format.c: printf over the plan's arguments.
 *
 * The format was checked when it was compiled; the arguments lie in the record as obj_field says, each
 * integer widened to 8 bytes. A conversion's length modifier narrows it again, as C's printf would: %d is 32
 * bits, %hhx 8, %lx 64. Flags are applied in one fixed order. What a conversion cannot take is printed by its own
 * kind (%s of an integer prints the number), never read as a pointer.
 */
#include <string.h>

#include "rt/rt_private.h"

struct spec {
	bool minus, plus, space, zero, alt;
	u32 width;
	s32 precision; /* -1: not given */
	u32 bits;      /* of an integer after its length modifier */
	char conversion;
	char buffer; /* of %r: 0, 'x', 'h' */
};

static u32 read_number(str f, u32 *i)
{
	u32 n = 0;

	while (*i < f.n && f.s[*i] >= '0' && f.s[*i] <= '9' && n < 10000)
		n = n * 10 + (u32)(f.s[(*i)++] - '0');
	return n;
}

static void read_flags(str f, u32 *i, struct spec *s)
{
	for (; *i < f.n; (*i)++) {
		switch (f.s[*i]) {
		case '-': s->minus = true; break;
		case '+': s->plus = true; break;
		case ' ': s->space = true; break;
		case '0': s->zero = true; break;
		case '#': s->alt = true; break;
		default: return;
		}
	}
}

static void read_length(str f, u32 *i, struct spec *s)
{
	for (; *i < f.n; (*i)++) {
		switch (f.s[*i]) {
		case 'h': s->bits = s->bits == 16 ? 8 : 16; break;
		case 'l':
		case 'j':
		case 'z':
		case 't':
		case 'L':
		case 'q': s->bits = 64; break;
		default: return;
		}
	}
}

/* Reads one conversion behind its '%'; *i ends behind it. */
static struct spec read_spec(str f, u32 *i)
{
	struct spec s = { .precision = -1, .bits = 32 };

	read_flags(f, i, &s);
	s.width = read_number(f, i);
	if (*i < f.n && f.s[*i] == '.') {
		(*i)++;
		s.precision = (s32)read_number(f, i);
	}
	read_length(f, i, &s);
	if (*i < f.n)
		s.conversion = f.s[(*i)++];
	if (s.conversion == 'r' && *i < f.n && (f.s[*i] == 'x' || f.s[*i] == 'h'))
		s.buffer = f.s[(*i)++];
	return s;
}

static void pad(struct sbuf *out, const struct spec *s, const char *prefix, str digits)
{
	u32 prefix_n = (u32)strlen(prefix), n = prefix_n + digits.n;
	u32 fill = s->width > n ? s->width - n : 0;

	if (!s->minus && !s->zero)
		sbuf_pad(out, ' ', fill);
	sbuf_puts(out, prefix);
	if (!s->minus && s->zero)
		sbuf_pad(out, '0', fill);
	sbuf_put(out, digits);
	if (s->minus)
		sbuf_pad(out, ' ', fill);
}

static str digits_of(u64 v, u32 base, bool upper, char *buf, u32 size)
{
	const char *set = upper ? "0123456789ABCDEF" : "0123456789abcdef";
	u32 at = size;

	do {
		buf[--at] = set[v % base];
		v /= base;
	} while (v);
	return (str){ buf + at, size - at };
}

static void put_integer(struct sbuf *out, const struct spec *s, u64 v)
{
	char buf[72], conversion = s->conversion;
	u32 base = conversion == 'o'						 ? 8
		   : conversion == 'x' || conversion == 'X' || conversion == 'p' ? 16
										 : 10;
	const char *prefix = "";
	struct spec own = *s;
	str digits;

	if (conversion == 'p')
		own.bits = 64;
	if (own.bits < 64)
		v &= (1ull << own.bits) - 1;
	if (conversion == 'd' || conversion == 'i') {
		s64 n = own.bits == 64 ? (s64)v : (s64)(v << (64 - own.bits)) >> (64 - own.bits);

		prefix = n < 0 ? "-" : own.plus ? "+" : own.space ? " " : "";
		v = n < 0 ? 0 - (u64)n : (u64)n;
	} else if (conversion == 'p' || (own.alt && base == 16 && v)) {
		prefix = conversion == 'X' ? "0X" : "0x";
	} else if (own.alt && base == 8 && v) {
		prefix = "0";
	}
	digits = digits_of(v, base, conversion == 'X', buf, sizeof(buf));
	if (own.precision > (s32)digits.n) {
		struct sbuf longer;

		sbuf_init(&longer, out->a);
		sbuf_pad(&longer, '0', (u32)own.precision - digits.n);
		sbuf_put(&longer, digits);
		digits = sbuf_str(&longer);
	}
	if (own.precision >= 0)
		own.zero = false;
	pad(out, &own, prefix, digits);
}

static void put_text(struct sbuf *out, const struct rt_config *c, const struct spec *s,
		     const struct obj_field *f, const void *data)
{
	struct spec own = *s;
	struct sbuf text;
	str x;

	sbuf_init(&text, out->a);
	rt_value_field(&text, c, f, data, VALUE_TEXT);
	x = sbuf_str(&text);
	if (own.precision >= 0 && x.n > (u32)own.precision)
		x.n = (u32)own.precision;
	own.zero = false;
	pad(out, &own, "", x);
}

static bool is_integer(enum obj_field_kind k)
{
	return k == OBJ_F_INT || k == OBJ_F_UINT || k == OBJ_F_PTR || k == OBJ_F_BOOL ||
	       k == OBJ_F_ENUM;
}

/* %r: the length comes first, the bytes behind it. */
static void put_buffer(struct sbuf *out, const struct spec *s, const struct obj_field *f,
		       const char *at)
{
	u64 n = (u64)rt_value_int(at, 8, false);
	struct sbuf text;

	sbuf_init(&text, out->a);
	rt_buffer(&text, (const u8 *)at + 8, (u32)(n > f->size - 8 ? f->size - 8 : n), s->buffer);
	pad(out, s, "", sbuf_str(&text));
}

static void put_argument(struct sbuf *out, const struct rt_config *c, const struct spec *s,
			 const struct obj_field *f, const void *data)
{
	const char *at = (const char *)data + f->off;

	if (f->kind == OBJ_F_BUFFER && s->conversion == 'r') {
		put_buffer(out, s, f, at);
	} else if (s->conversion == 'c') {
		pad(out, s, "", (str){ at, 1 });
	} else if (strchr("diuxXop", s->conversion) && is_integer(f->kind)) {
		put_integer(out, s, (u64)rt_value_int(at, f->size, f->kind == OBJ_F_INT));
	} else {
		put_text(out, c, s, f, data);
	}
}

void rt_format(struct sbuf *out, const struct rt_config *c, str format,
	       const struct obj_field *args, u32 n, const void *data, u32 size)
{
	u32 k = 0;

	for (u32 i = 0; i < format.n;) {
		u32 start = i;
		struct spec s;

		while (i < format.n && format.s[i] != '%')
			i++;
		sbuf_put(out, str_sub(format, start, i - start));
		if (i++ >= format.n)
			return;
		if (i < format.n && format.s[i] == '%') {
			sbuf_putc(out, '%');
			i++;
			continue;
		}
		s = read_spec(format, &i);
		if (!s.conversion || k >= n)
			return;
		if (args[k].off + args[k].size <= size)
			put_argument(out, c, &s, &args[k], data);
		k++;
	}
}
