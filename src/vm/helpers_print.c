/* Helpers: text. The language is the one of bpf_trace_printk and bpf_snprintf (Documentation of the
 * helpers, bpf(2)): %d %i %u %x %X with l or ll, %c %s %p %px, %pks and %pus strings, %pi4 %pI4
 * %pi6 %pI6 addresses, flags and widths.
 *
 * Strings of %s and %pks lie in this process (the program's stack or maps), those of %pus in the
 * traced one; both are read with care, and what cannot be read prints as nothing. Symbols of the
 * kernel (%ps, %pB) print as their address.
 */
#include "vm/run.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define UNUSED ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)
enum { MOST_ARGS = 12, MOST_STRING = 512, MOST_TEXT = 1024 };

struct writer {
	struct vm_thread *t;
	char *out;
	u64 size, n; /* n counts also what did not fit */
	const u64 *args;
	u32 n_args, used;
};

static void put(struct writer *w, const char *s, size_t n)
{
	for (size_t i = 0; i < n; i++, w->n++)
		if (w->n + 1 < w->size)
			w->out[w->n] = s[i];
}

static bool next_arg(struct writer *w, u64 *out)
{
	if (w->used >= w->n_args)
		return false;
	*out = w->args[w->used++];
	return true;
}

static void put_address(struct writer *w, bool is_v6, bool dotted, u64 addr)
{
	char raw[16], text[INET6_ADDRSTRLEN] = "";
	int n;

	/* What cannot be read is all zeroes, as in the kernel. */
	if (vm_read_at(w->t, true, raw, addr, is_v6 ? 16 : 4) != 0)
		memset(raw, 0, sizeof(raw));
	if (dotted) {
		inet_ntop(is_v6 ? AF_INET6 : AF_INET, raw, text, sizeof(text));
		put(w, text, strlen(text));
		return;
	}
	for (int i = 0; i < (is_v6 ? 16 : 4); i++) {
		n = snprintf(text, sizeof(text), is_v6 ? "%02x" : i ? ".%03d" : "%03d", (u8)raw[i]);
		put(w, text, (size_t)n);
	}
}

static void put_string(struct writer *w, const char *flags, bool own, u64 addr)
{
	char text[MOST_STRING], spec[24], out[MOST_STRING + 64];
	int n;

	if (vm_read_str(w->t, own, text, addr, sizeof(text)) < 0)
		return;
	snprintf(spec, sizeof(spec), "%%%ss", flags);
	n = snprintf(out, sizeof(out), spec, text);
	if (n > 0)
		put(w, out, (size_t)n < sizeof(out) ? (size_t)n : sizeof(out) - 1);
}

/* Padded by blanks, whatever the flags say; it may be a NUL. */
static void put_char(struct writer *w, const char *flags, char one)
{
	u32 width = (u32)atoi(flags + strspn(flags, "0+- ")), pad = width ? width - 1 : 0;
	bool is_left = strchr(flags, '-');

	for (u32 i = 0; !is_left && i < pad; i++)
		put(w, " ", 1);
	put(w, &one, 1);
	for (u32 i = 0; is_left && i < pad; i++)
		put(w, " ", 1);
}

static void put_number(struct writer *w, const char *flags, char conv, u32 longs, u64 v)
{
	char spec[24], out[MOST_STRING];
	int n;

	if (!longs)
		v = conv == 'd' || conv == 'i' ? (u64)(s64)(s32)v : (u32)v;
	snprintf(spec, sizeof(spec), "%%%sll%c", flags, conv);
	n = snprintf(out, sizeof(out), spec, (unsigned long long)v);
	if (n > 0)
		put(w, out, (size_t)n < sizeof(out) ? (size_t)n : sizeof(out) - 1);
}

static bool is_blank(char ch)
{
	return ch == ' ' || (ch >= '\t' && ch <= '\r');
}

static bool is_alnum(char ch)
{
	return (ch >= '0' && ch <= '9') || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z');
}

static bool is_print(char ch)
{
	return ch >= ' ' && ch < 0x7f;
}

/* What may follow %s and plain %p, so that later letters can mean something. */
static bool ends_word(char ch)
{
	return !ch || is_blank(ch) || (is_print(ch) && !is_alnum(ch));
}

/* Behind %p; returns how many letters belong to it, or -EINVAL. */
static int put_pointer(struct writer *w, const char *flags, const char *at)
{
	bool is_plain = ends_word(at[0]),
	     is_string = (at[0] == 'k' || at[0] == 'u') && at[1] == 's';
	bool is_address = (at[0] == 'i' || at[0] == 'I') && (at[1] == '4' || at[1] == '6');
	char spec[24], out[MOST_STRING];
	size_t letters = 0;
	u64 v;
	int n;

	if ((!is_plain && !is_string && !is_address && !strchr("KxsSB", at[0])) ||
	    (is_string && !ends_word(at[2])) || !next_arg(w, &v))
		return -EINVAL;
	if (is_string)
		put_string(w, flags, at[0] == 'k', v);
	if (is_address)
		put_address(w, at[1] == '6', at[0] == 'I', v);
	/* Letters right behind are taken for more of the kind, as in the kernel. */
	while (is_alnum(at[letters]))
		letters++;
	if (is_string || is_address)
		return (int)letters;
	/* Addresses have all their digits unless a width says otherwise; symbols are not known. */
	snprintf(spec, sizeof(spec), "%%%sllx", flags[0] ? flags : "016");
	n = snprintf(out, sizeof(out), at[0] && strchr("sSB", at[0]) ? "0x%llx" : spec,
		     (unsigned long long)v);
	put(w, out, (size_t)n < sizeof(out) ? (size_t)n : sizeof(out) - 1);
	return (int)letters;
}

/* Flags and width; how many letters, or -EINVAL for a width that would only fill buffers. */
static int take_flags(const char *at, char out[16])
{
	size_t n = strspn(at, "0+- "), digits = 0;

	if (at[n] >= '1' && at[n] <= '9')
		digits = strspn(at + n, "0123456789");
	if (n > 8 || digits > 3)
		return -EINVAL;
	memcpy(out, at, n + digits);
	out[n + digits] = 0;
	return (int)(n + digits);
}

/* One conversion from behind its percent sign; returns its length, or -EINVAL. */
static int put_conversion(struct writer *w, const char *at)
{
	char flags[16];
	int n = take_flags(at, flags), more;
	u32 longs = 0;
	u64 v;

	if (n < 0)
		return n;
	if (at[n] == 'p') {
		more = put_pointer(w, flags, at + n + 1);
		return more < 0 ? more : n + 1 + more;
	}
	while (at[n] == 'l' && longs < 2) {
		longs++;
		n++;
	}
	if (!at[n] || !strchr(longs ? "diuxX" : "diuxXcs", at[n]) ||
	    (at[n] == 's' && !ends_word(at[n + 1])) || !next_arg(w, &v))
		return -EINVAL;
	if (at[n] == 's')
		put_string(w, flags, true, v);
	else if (at[n] == 'c')
		put_char(w, flags, (char)v);
	else
		put_number(w, flags, at[n], longs, v);
	return n + 1;
}

s64 vm_format(struct vm_thread *t, char *out, u64 size, const char *fmt, u64 fmt_size,
	      const u64 *args, u32 n_args)
{
	struct writer w = { .t = t, .out = out, .size = size, .args = args, .n_args = n_args };
	const char *end = fmt_size ? memchr(fmt, 0, fmt_size) : NULL;

	if (!end)
		return -EINVAL;
	while (fmt < end) {
		int n;

		/* Text may be UTF-8, as in kernels from 6.16 on. */
		if (!is_print(fmt[0]) && !is_blank(fmt[0]) && !((u8)fmt[0] & 0x80))
			return -EINVAL;
		if (fmt[0] != '%' || fmt[1] == '%') {
			put(&w, fmt, 1);
			fmt += fmt[0] == '%' ? 2 : 1;
			continue;
		}
		n = put_conversion(&w, fmt + 1);
		if (n < 0)
			return n;
		fmt += n + 1;
	}
	if (size)
		out[w.n < size ? w.n : size - 1] = 0;
	return (s64)w.n + 1;
}

static u64 trace(struct vm_thread *t, const char *fmt, u64 size, const u64 *args, u32 n_args)
{
	char text[MOST_TEXT];
	s64 n = vm_format(t, text, sizeof(text), fmt, size, args, n_args);

	if (n < 0)
		return (u64)n;
	n = n > MOST_TEXT ? MOST_TEXT - 1 : n - 1;
	if (t->print)
		t->print(t->print_arg, text, (u32)n);
	return (u64)n;
}

VM_HELPER(trace_printk)
{
	u64 args[3] = { c, d, e };

	UNUSED;
	return trace(t, (const char *)(uintptr_t)a, (u32)b, args, 3);
}

static bool take_args(u64 out[MOST_ARGS], u64 data, u64 size)
{
	if (size % 8 || size > MOST_ARGS * 8 || (size && !data))
		return false;
	if (size)
		memcpy(out, (const void *)(uintptr_t)data, size);
	return true;
}

VM_HELPER(trace_vprintk)
{
	u64 args[MOST_ARGS];

	UNUSED;
	if (!take_args(args, c, (u32)d))
		return (u64)-EINVAL;
	return trace(t, (const char *)(uintptr_t)a, (u32)b, args, (u32)d / 8);
}

VM_HELPER(snprintf)
{
	const char *fmt = (const char *)(uintptr_t)c;
	u64 args[MOST_ARGS];

	UNUSED;
	if (!take_args(args, d, (u32)e))
		return (u64)-EINVAL;
	return (u64)vm_format(t, (char *)(uintptr_t)a, a ? (u32)b : 0, fmt, strlen(fmt) + 1, args,
			      (u32)e / 8);
}
