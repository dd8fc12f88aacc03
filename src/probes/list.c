/* list: which events this machine has.
 *
 * Each provider that can be listed has one function that walks its names in sorted order; a pattern
 * selects providers by its first part ("*" is any) and names by the rest:
 *
 *   tracepoint, raw_tracepoint   tracefs' events directory; BTF's btf_trace_NAME typedefs
 *   kprobe, kretprobe            tracefs' available_filter_functions, else kallsyms
 *   fentry, fexit, lsm, iter     functions and structs of the kernel's BTF
 *   ksyscall, kretsyscall        our table
 *   software, hardware           our tables
 *   uprobe, uretprobe            the symbols of one ELF file (PATH is not a pattern)
 *
 * Providers of which everything would be said twice (returns) come only when they are named. Does
 * one event exist is asked in exists.c.
 */
#include "probes/room.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

struct lister {
	struct probes_machine *m;
	struct arena *a; /* scratch of this listing */
	struct ty_btf *btf;
	enum probes_provider provider;
	str module, name, path; /* patterns; an empty module is any */
	bool (*each)(void *arg, const struct probes_point *p);
	void *arg;
	bool stopped;
	struct err *e;
};

static void give(struct lister *l, str module, str path, str name)
{
	struct probes_point p = {
		.provider = l->provider, .module = module, .name = name, .path = path
	};

	if (!l->stopped && !l->each(l->arg, &p))
		l->stopped = true;
}

static void give_all(struct lister *l, str module, struct probes_names *names)
{
	u32 i;

	probes_names_sort(names);
	for (i = 0; i < names->n && !l->stopped; i++)
		give(l, module, STR(""), names->at[i]);
}

/* ---- tracepoints ---------------------------------------------------------------------------- */

static bool offer_builtin(void *arg, str category, str event)
{
	struct lister *l = arg;

	if (l->stopped || (l->module.n && !str_glob(l->module, category)) ||
	    !str_glob(l->name, event))
		return false;
	give(l, category, STR(""), event);
	return true;
}

static int list_tracepoints(struct lister *l)
{
	int dir = probes_tracefs(l->m, l->e), err;
	struct probes_names categories, events;
	u32 i, k;

	/* What the user engine has is there for everybody. */
	if (dir < 0)
		return probes_builtin_list(l->a, offer_builtin, l) ? 0 : dir;
	err = probes_names_dir(l->a, dir, "events", &categories);
	if (err)
		return err_set(l->e, -SKEP_ENOEVENT, "probes", "tracefs has no readable events");
	for (i = 0; i < categories.n && !l->stopped; i++) {
		str path = str_printf(l->a, "events/" STR_FMT, STR_ARG(categories.at[i]));

		if ((l->module.n && !str_glob(l->module, categories.at[i])) ||
		    probes_names_dir(l->a, dir, path.s, &events))
			continue;
		for (k = 0; k < events.n && !l->stopped; k++)
			if (!str_is(events.at[k], "enable") && !str_is(events.at[k], "filter") &&
			    str_glob(l->name, events.at[k]))
				give(l, categories.at[i], STR(""), events.at[k]);
	}
	return 0;
}

/* ---- names in BTF --------------------------------------------------------------------------- */

struct btf_names {
	struct lister *l;
	const char *prefix; /* of the names that count; cut off */
	struct probes_names names;
};

static bool each_btf(void *arg, str name, u32 id)
{
	struct btf_names *b = arg;
	u32 n = str_of(b->prefix).n;

	(void)id;
	if (!str_starts(name, b->prefix))
		return true;
	name = str_sub(name, n, name.n - n);
	if (name.n && str_glob(b->l->name, name))
		probes_names_add(b->l->a, &b->names, name);
	return true;
}

static int list_btf(struct lister *l, enum ty_kind kind, const char *prefix)
{
	struct btf_names b = { .l = l, .prefix = prefix };

	if (!l->btf)
		return err_set(l->e, -SKEP_ENOEVENT, "probes",
			       "%s events are listed from the kernel's BTF, and there is none",
			       probes_provider_name(l->provider));
	ty_btf_each(l->btf, kind, each_btf, &b);
	give_all(l, STR(""), &b.names);
	return 0;
}

/* Without BTF the tracepoints of tracefs serve: each of them has a raw tracepoint of its name, but
 * those of single system calls, which are made from sys_enter and sys_exit. */
static int list_raw(struct lister *l)
{
	int dir = probes_tracefs(l->m, l->e);
	struct probes_names categories, events, all = { 0 };
	u32 i, k;

	if (l->btf)
		return list_btf(l, TY_TYPEDEF, "btf_trace_");
	if (dir < 0)
		return dir;
	if (probes_names_dir(l->a, dir, "events", &categories))
		return err_set(l->e, -SKEP_ENOEVENT, "probes", "tracefs has no readable events");
	for (i = 0; i < categories.n; i++) {
		str path = str_printf(l->a, "events/" STR_FMT, STR_ARG(categories.at[i]));

		if (str_is(categories.at[i], "syscalls") ||
		    probes_names_dir(l->a, dir, path.s, &events))
			continue;
		for (k = 0; k < events.n; k++)
			if (!str_is(events.at[k], "enable") && !str_is(events.at[k], "filter") &&
			    str_glob(l->name, events.at[k]))
				probes_names_add(l->a, &all, events.at[k]);
	}
	give_all(l, STR(""), &all);
	return 0;
}

static int list_fentry(struct lister *l)
{
	return list_btf(l, TY_FUNC, "");
}
static int list_lsm(struct lister *l)
{
	return list_btf(l, TY_FUNC, "bpf_lsm_");
}
static int list_iter(struct lister *l)
{
	return list_btf(l, TY_FUNC, "bpf_iter_");
}

/* ---- kernel functions ----------------------------------------------------------------------- */

bool probes_read_function(str line, bool kallsyms, str *out_name, str *out_module)
{
	str kind;

	if (kallsyms) {
		str_cut(&line, ' ');
		kind = str_cut(&line, ' ');
		if (kind.n != 1 || !strchr("tTwW", kind.s[0]))
			return false;
	}
	*out_name = str_cut(&line, kallsyms && str_find(line, '\t', 0) >= 0 ? '\t' : ' ');
	line = str_trim(line);
	*out_module = line.n > 2 && line.s[0] == '[' ? str_sub(line, 1, line.n - 2) : STR("");
	return out_name->n && !str_starts(*out_name, "__pfx_") && !str_starts(*out_name, "__cfi_");
}

static int open_functions(struct probes_machine *m, struct probes_lines *lines, bool *out_kallsyms)
{
	struct trap *trap = arena_trap(probes_machine_arena(m));
	int dir = probes_tracefs(m, NULL);

	*out_kallsyms = false;
	if (dir >= 0 && !probes_lines_open(lines, trap, dir, "available_filter_functions"))
		return 0;
	*out_kallsyms = true;
	return probes_lines_open(lines, trap, AT_FDCWD, "/proc/kallsyms");
}

static int list_kprobes(struct lister *l)
{
	struct probes_names names = { 0 };
	struct probes_lines lines;
	str line, name, module;
	bool kallsyms;

	if (!probes_has(l->m, PROBES_HAS_KPROBES))
		return err_set(
			l->e, -SKEP_ENOEVENT, "probes",
			"this kernel has no kprobes; system calls can be traced all the same: "
			"see 'ksyscall:*'");
	if (open_functions(l->m, &lines, &kallsyms))
		return err_set(
			l->e, -SKEP_ENOEVENT, "probes",
			"neither tracefs' available_filter_functions nor /proc/kallsyms can be "
			"read");
	while (probes_lines_next(&lines, &line))
		if (probes_read_function(line, kallsyms, &name, &module) &&
		    str_glob(l->name, name) && (!l->module.n || str_glob(l->module, module)))
			probes_names_add(l->a, &names, str_dup(l->a, name));
	probes_lines_close(&lines);
	give_all(l, STR(""), &names);
	return 0;
}

/* ---- tables --------------------------------------------------------------------------------- */

static int list_syscalls(struct lister *l)
{
	struct probes_names names = { 0 };
	const char *name;
	u32 nr;

	for (nr = 0; nr < probes_syscall_limit(); nr++) {
		name = probes_syscall_name(nr);
		if (name && str_glob(l->name, str_of(name)))
			probes_names_add(l->a, &names, str_of(name));
	}
	give_all(l, STR(""), &names);
	return 0;
}

static int list_counters(struct lister *l)
{
	const struct probes_counter *c;
	struct probes_names names = { 0 };
	u32 i;

	for (i = 0; (c = probes_counter_at(l->provider == PROBES_HARDWARE, i)); i++)
		if (str_glob(l->name, str_of(c->name)))
			probes_names_add(l->a, &names, str_of(c->name));
	give_all(l, STR(""), &names);
	return 0;
}

/* ---- user functions ------------------------------------------------------------------------- */

struct elf_names {
	struct lister *l;
	struct probes_names names;
};

static bool each_symbol(void *arg, str name)
{
	struct elf_names *x = arg;

	if (str_glob(x->l->name, name))
		probes_names_add(x->l->a, &x->names, str_dup(x->l->a, name));
	return true;
}

static int list_uprobes(struct lister *l)
{
	struct elf_names x = { .l = l };
	str path = l->path.n ? probes_find_binary(l->a, l->path) : STR("");
	u32 i;
	int err;

	if (!path.n)
		return err_set(l->e, -SKEP_ENOEVENT, "probes",
			       "user functions are listed of one binary: there is no '" STR_FMT
			       "'; write uprobe:PATH:SYMBOL",
			       STR_ARG(l->path));
	err = probes_elf_each(arena_trap(l->a), path, each_symbol, &x, l->e);
	if (err)
		return err;
	probes_names_sort(&x.names);
	for (i = 0; i < x.names.n && !l->stopped; i++)
		give(l, STR(""), path, x.names.at[i]);
	return 0;
}

/* ---- choosing providers --------------------------------------------------------------------- */

/* In the order of output. `quiet` ones are listed only when their name is in the pattern. */
static const struct listing {
	enum probes_provider provider;
	int (*list)(struct lister *l);
	bool quiet;
} listings[] = {
	{ PROBES_TRACEPOINT, list_tracepoints, false },
	{ PROBES_RAW_TRACEPOINT, list_raw, false },
	{ PROBES_TP_BTF, list_raw, true },
	{ PROBES_KSYSCALL, list_syscalls, false },
	{ PROBES_KRETSYSCALL, list_syscalls, true },
	{ PROBES_KPROBE, list_kprobes, false },
	{ PROBES_KRETPROBE, list_kprobes, true },
	{ PROBES_FENTRY, list_fentry, false },
	{ PROBES_FEXIT, list_fentry, true },
	{ PROBES_LSM, list_lsm, false },
	{ PROBES_ITER, list_iter, false },
	{ PROBES_SOFTWARE, list_counters, false },
	{ PROBES_HARDWARE, list_counters, false },
	{ PROBES_UPROBE, list_uprobes, true },
	{ PROBES_URETPROBE, list_uprobes, true },
};

static const struct listing *find_listing(enum probes_provider p)
{
	u32 i;

	for (i = 0; i < ARRAY_LEN(listings); i++)
		if (listings[i].provider == p)
			return &listings[i];
	return NULL;
}

/* "PROVIDER:[MODULE:]NAME" of which the provider is a pattern: every provider that it matches. */
static int list_many(struct lister *l, str providers, str rest)
{
	u32 i, tried = 0, worked = 0;
	int err = 0;
	str name;

	if (str_find(rest, ':', 0) >= 0)
		l->module = str_cut(&rest, ':');
	l->name = rest;
	for (i = 0; i < ARRAY_LEN(listings) && !l->stopped; i++) {
		l->provider = listings[i].provider;
		name = str_of(probes_provider_name(l->provider));
		if (!str_glob(providers, name) || (listings[i].quiet && !str_eq(providers, name)))
			continue;
		if (l->module.n && l->provider != PROBES_TRACEPOINT && l->provider != PROBES_KPROBE)
			continue;
		tried++;
		err = listings[i].list(l);
		worked += !err;
	}
	if (!tried)
		return err_set(l->e, -SKEP_ENOEVENT, "probes",
			       "'" STR_FMT "' matches no kind of event that can be listed",
			       STR_ARG(providers));
	return worked ? 0 : err;
}

static int list_one(struct lister *l, str pattern)
{
	const struct listing *row;
	struct probes_point p;
	int err = probes_parse(l->a, pattern, &p, l->e);

	if (err)
		return err;
	row = find_listing(p.provider);
	if (!row)
		return err_set(l->e, -SKEP_ENOEVENT, "probes", "%s events are not listed",
			       probes_provider_name(p.provider));
	l->provider = p.provider;
	l->module = p.module;
	l->name = p.name;
	l->path = p.path;
	return row->list(l);
}

/* Patterns that are no attach point: a bare word (a kind of event, or a name of any kind), a
 * pattern of kinds, and counters, of which probes_parse knows only those that exist. */
static bool list_pattern(struct lister *l, str pattern, int *out_err)
{
	str rest = pattern, first = str_cut(&rest, ':');
	bool is_wild = str_find(first, '*', 0) >= 0 || str_find(first, '?', 0) >= 0;
	int known = probes_find_provider(first);

	if (str_find(pattern, ':', 0) < 0)
		*out_err =
			known >= 0 && find_listing((enum probes_provider)known)
				? list_many(
					  l,
					  str_of(probes_provider_name((enum probes_provider)known)),
					  STR("*"))
				: list_many(l, STR("*"), pattern);
	else if (is_wild || known == PROBES_SOFTWARE || known == PROBES_HARDWARE)
		*out_err = list_many(
			l,
			is_wild ? first : str_of(probes_provider_name((enum probes_provider)known)),
			rest);
	else
		return false;
	return true;
}

int probes_list(struct probes_machine *m, struct ty_btf *btf, str pattern,
		bool (*each)(void *arg, const struct probes_point *p), void *arg, struct err *e)
{
	struct arena *a = arena_new(arena_trap(probes_machine_arena(m)));
	struct lister l = { .m = m, .a = a, .btf = btf, .each = each, .arg = arg, .e = e };
	int err;

	pattern = str_trim(pattern);
	if (!list_pattern(&l, pattern, &err))
		err = list_one(&l, pattern);
	arena_free(a);
	return err;
}
