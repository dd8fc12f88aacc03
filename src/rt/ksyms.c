/* ksyms.c: addresses of the kernel as symbols.
 *
 * /proc/kallsyms (proc(5)) is read once, when the first address is printed: code symbols, sorted by address, their
 * names in one block. An address belongs to the nearest symbol below it. Where the file hides addresses (they are all
 * 0 without CAP_SYSLOG, kernel.kptr_restrict) nothing is found and numbers stay numbers.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "rt/rt_private.h"

struct symbol {
	u64 address;
	u32 name; /* offset in `names` */
};

struct rt_ksyms {
	struct arena *a;
	vec(struct symbol) symbols;
	vec(char) names;
	bool is_read;
};

struct rt_ksyms *rt_ksyms_new(struct arena *a)
{
	struct rt_ksyms *k = arena_new_of(a, struct rt_ksyms);

	k->a = a;
	return k;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return x->address < y->address ? -1 : x->address > y->address;
}

static void add(struct rt_ksyms *k, u64 address, const char *name)
{
	u32 n = (u32)strcspn(name, " \t\n");

	*vec_push(k->a, &k->symbols) = (struct symbol){ address, k->names.n };
	for (u32 i = 0; i < n; i++)
		*vec_push(k->a, &k->names) = name[i];
	*vec_push(k->a, &k->names) = 0;
}

static void close_file(void *file)
{
	fclose(file);
}

/* "ffffffff81000000 T name [module]" */
static void read_all(struct rt_ksyms *k)
{
	FILE *f = fopen("/proc/kallsyms", "re");
	struct trap_guard guard;
	char line[512];

	k->is_read = true;
	if (!f)
		return;
	trap_guard_push(arena_trap(k->a), &guard, close_file, f);
	while (fgets(line, sizeof(line), f)) {
		char *at;
		u64 address = strtoull(line, &at, 16);

		if (address && at[0] == ' ' && at[1] && strchr("tTwW", at[1]) && at[2] == ' ')
			add(k, address, at + 3);
	}
	trap_guard_pop(arena_trap(k->a));
	fclose(f);
	if (k->symbols.n)
		qsort(k->symbols.at, k->symbols.n, sizeof(struct symbol), compare);
}

static const struct symbol *find(const struct rt_ksyms *k, u64 address)
{
	u32 lo = 0, hi = k->symbols.n;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (k->symbols.at[mid].address <= address)
			lo = mid + 1;
		else
			hi = mid;
	}
	/* Of several names at one place the first stands for all. */
	while (lo > 1 && k->symbols.at[lo - 2].address == k->symbols.at[lo - 1].address)
		lo--;
	return lo ? &k->symbols.at[lo - 1] : NULL;
}

void rt_ksym(struct sbuf *out, struct rt_ksyms *k, u64 address, bool offset)
{
	const struct symbol *s;

	if (k && !k->is_read)
		read_all(k);
	s = k ? find(k, address) : NULL;
	if (!s) {
		sbuf_printf(out, "0x%llx", (unsigned long long)address);
		return;
	}
	sbuf_puts(out, k->names.at + s->name);
	if (offset)
		sbuf_printf(out, "+%llu", (unsigned long long)(address - s->address));
}
