/* Helpers: strtol, strtoul and strncmp. The buffers of the first two need no NUL; the result is how
 * many bytes belong to the number, as the kernel counts them: blanks and sign included. */
#include "vm/run.h"

#include <errno.h>
#include <string.h>

#define UNUSED ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)

static int digit(char ch)
{
	if (ch >= '0' && ch <= '9')
		return ch - '0';
	ch |= 0x20;
	return ch >= 'a' && ch <= 'z' ? ch - 'a' + 10 : 99;
}

static bool is_blank(char ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

/* The base that is meant, and behind a prefix that belongs to it. */
static u64 take_base(const char *s, u64 n, u64 base, u64 *i)
{
	bool has_prefix = *i + 1 < n && s[*i] == '0' && (s[*i + 1] | 0x20) == 'x';

	if (base == 0 && has_prefix && *i + 2 < n && digit(s[*i + 2]) < 16)
		base = 16;
	else if (base == 0)
		base = *i < n && s[*i] == '0' ? 8 : 10;
	if (base == 16 && has_prefix)
		*i += 2;
	return base;
}

/* The magnitude and whether it is negative; bytes consumed, or a negative errno. Of what follows
 * blanks and sign 63 bytes count, as in the kernel. */
static s64 parse(const char *s, u64 n, u64 base, u64 *out, bool *out_minus)
{
	enum { MOST = 63 };
	u64 i = 0, value = 0, digits = 0;

	*out_minus = false;
	if (base != 0 && base != 8 && base != 10 && base != 16)
		return -EINVAL;
	while (i < n && is_blank(s[i]))
		i++;
	if (i < n && s[i] == '-') {
		*out_minus = true;
		i++;
	}
	n = n - i > MOST ? i + MOST : n;
	base = take_base(s, n, base, &i);
	for (; i < n && (u64)digit(s[i]) < base; i++, digits++)
		if (__builtin_mul_overflow(value, base, &value) ||
		    __builtin_add_overflow(value, (u64)digit(s[i]), &value))
			return -ERANGE;
	*out = value;
	return digits ? (s64)i : -EINVAL;
}

VM_HELPER(strtol)
{
	bool minus;
	u64 v = 0;
	s64 n;

	UNUSED;
	if (c & ~31ull)
		return (u64)-EINVAL;
	n = parse((const char *)(uintptr_t)a, b, c, &v, &minus);
	if (n >= 0 && v > (u64)INT64_MAX + (minus ? 1 : 0))
		n = -ERANGE;
	if (n < 0)
		return (u64)n;
	v = minus ? 0 - v : v;
	memcpy((void *)(uintptr_t)d, &v, 8);
	return (u64)n;
}

VM_HELPER(strtoul)
{
	bool minus;
	u64 v = 0;
	s64 n;

	UNUSED;
	if (c & ~31ull)
		return (u64)-EINVAL;
	n = parse((const char *)(uintptr_t)a, b, c, &v, &minus);
	if (n >= 0 && minus)
		n = -EINVAL;
	if (n < 0)
		return (u64)n;
	memcpy((void *)(uintptr_t)d, &v, 8);
	return (u64)n;
}

/* The sign alone would do; the kernel gives it as -1, 0 or 1. */
VM_HELPER(strncmp)
{
	int order;

	UNUSED;
	if (!(u32)b)
		return 0;
	order = strncmp((const char *)(uintptr_t)a, (const char *)(uintptr_t)c, (u32)b);
	return (u64)(s64)(order < 0 ? -1 : order > 0);
}
