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

	if (vm_read_at(w->t, true, raw, addr, is_v6 ? 16 : 4) != 0)
		return;
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

static void put_number(struct writer *w, const char *flags, char conv, u32 longs, u64 v)
{
	char spec[24], out[MOST_STRING];
	int n;

	if (conv == 'c') {
		char one = (char)v;

		put(w, &one, 1);
		return;
	}
	if (!longs)
		v = conv == 'd' || conv == 'i' ? (u64)(s64)(s32)v : (u32)v;
	snprintf(spec, sizeof(spec), "%%%sll%c", flags, conv);
	n = snprintf(out, sizeof(out), spec, (unsigned long long)v);
	if (n > 0)
		put(w, out, (size_t)n < sizeof(out) ? (size_t)n : sizeof(out) - 1);
}

/* Behind %p; returns how many letters belong to it, or -EINVAL. */
static int put_pointer(struct writer *w, const char *flags, const char *at)
{
	char out[32];
	u64 v;
	int n;

	if (!next_arg(w, &v))
		return -EINVAL;
	if ((at[0] == 'k' || at[0] == 'u') && at[1] == 's') {
		put_string(w, flags, at[0] == 'k', v);
		return 2;
	}
	if ((at[0] == 'i' || at[0] == 'I') && (at[1] == '4' || at[1] == '6')) {
		put_address(w, at[1] == '6', at[0] == 'I', v);
		return 2;
	}
	n = snprintf(out, sizeof(out), at[0] == 'x' || at[0] == 'K' ? "%llx" : "0x%llx",
		     (unsigned long long)v);
	put(w, out, (size_t)n);
	return at[0] && strchr("xKsSB", at[0]) ? 1 : 0;
}

/* One conversion from behind its percent sign; returns its length, or -EINVAL. */
static int put_conversion(struct writer *w, const char *at)
{
	char flags[16];
	u32 n = 0, longs = 0;
	int more;
	u64 v;

	while (at[n] && strchr("0+- #123456789", at[n])) {
		if (n >= 6)
			return -EINVAL;
		flags[n] = at[n];
		n++;
	}
	flags[n] = 0;
	/* Widths over three digits would only fill buffers. */
	if (strspn(flags + strspn(flags, "0+- #"), "0123456789") > 3)
		return -EINVAL;
	if (at[n] == 'p') {
		more = put_pointer(w, flags, at + n + 1);
		return more < 0 ? more : (int)n + 1 + more;
	}
	while (at[n] == 'l' && longs < 2) {
		longs++;
		n++;
	}
	if (!at[n] || !strchr(longs ? "diuxX" : "diuxXcs", at[n]) || !next_arg(w, &v))
		return -EINVAL;
	if (at[n] == 's')
		put_string(w, flags, true, v);
	else
		put_number(w, flags, at[n], longs, v);
	return (int)n + 1;
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
