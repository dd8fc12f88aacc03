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

/* The magnitude and whether it is negative; bytes consumed, or a negative errno. */
static s64 parse(const char *s, u64 n, u64 base, u64 *out, bool *out_minus)
{
	u64 i = 0, value = 0, digits = 0;

	*out_minus = false;
	if (base != 0 && base != 8 && base != 10 && base != 16)
		return -EINVAL;
	while (i < n && (s[i] == ' ' || (s[i] >= '\t' && s[i] <= '\r')))
		i++;
	if (i < n && s[i] == '-') {
		*out_minus = true;
		i++;
	}
	if ((base == 0 || base == 16) && i + 2 < n && s[i] == '0' && (s[i + 1] | 0x20) == 'x' &&
	    digit(s[i + 2]) < 16) {
		base = 16;
		i += 2;
	}
	if (base == 0)
		base = i < n && s[i] == '0' ? 8 : 10;
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
