/* exists: is this event on this machine, and if not, what is near?
 *
 * One function a provider. 1 is yes, 0 is no, a negative number is "the files that would tell
 * cannot be read". Near names are looked for only when the answer is no, since that means reading
 * everything.
 */
#include "probes/room.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct seeker {
	struct probes_machine *m;
	struct ty_btf *btf;
	const struct probes_point *p;
	struct nearest *near;
};

/* ---- tracepoints ---------------------------------------------------------------------------- */

static void near_tracepoints(struct seeker *s, int dir)
{
	struct arena *a = arena_new(arena_trap(probes_machine_arena(s->m)));
	struct probes_names categories, events;
	u32 i, k;

	probes_names_dir(a, dir, "events", &categories);
	for (i = 0; i < categories.n; i++) {
		str path = str_printf(a, "events/" STR_FMT, STR_ARG(categories.at[i]));

		if (probes_names_dir(a, dir, path.s, &events))
			continue;
		for (k = 0; k < events.n; k++)
			nearest_offer(s->near, events.at[k]);
	}
	/* The best one lives in the scratch arena; the caller's must outlive it. */
	if (s->near->best.n)
		s->near->best = str_dup(probes_machine_arena(s->m), s->near->best);
	arena_free(a);
}

static int has_tracepoint(struct seeker *s)
{
	int dir = probes_tracefs(s->m, NULL);
	const struct probes_point *p = s->p;
	char path[512];
	int n;

	if (dir < 0)
		return dir;
	n = snprintf(path, sizeof(path), "events/" STR_FMT "/" STR_FMT "/format",
		     STR_ARG(p->module), STR_ARG(p->name));
	if (probes_is_symbol(p->module, false) && probes_is_symbol(p->name, false) &&
	    n < (int)sizeof(path) && faccessat(dir, path, F_OK, 0) == 0)
		return 1;
	if (s->near)
		near_tracepoints(s, dir);
	return 0;
}

/* ---- names in BTF --------------------------------------------------------------------------- */

struct btf_near {
	struct seeker *s;
	const char *prefix;
};

static bool each_btf(void *arg, str name, u32 id)
{
	struct btf_near *b = arg;
	u32 n = str_of(b->prefix).n;

	(void)id;
	if (str_starts(name, b->prefix))
		nearest_offer(b->s->near, str_sub(name, n, name.n - n));
	return true;
}

static int has_btf(struct seeker *s, enum ty_kind kind, const char *prefix)
{
	struct btf_near b = { s, prefix };
	char name[256];
	int n;

	if (!s->btf)
		return -SKEP_ENOBTF;
	n = snprintf(name, sizeof(name), "%s" STR_FMT, prefix, STR_ARG(s->p->name));
	if (n < (int)sizeof(name) && ty_btf_find(s->btf, kind, (str){ name, (u32)n }))
		return 1;
	if (s->near)
		ty_btf_each(s->btf, kind, each_btf, &b);
	return 0;
}

static int has_raw(struct seeker *s)
{
	struct probes_point p = { .module = STR("raw_syscalls"), .name = s->p->name };
	struct seeker by_name = { s->m, NULL, &p, s->near };

	if (s->btf)
		return has_btf(s, TY_TYPEDEF, "btf_trace_");
	/* Which category a name is in is not known, but for the two that everybody wants. */
	return str_starts(p.name, "sys_") ? has_tracepoint(&by_name) : -SKEP_ENOBTF;
}

static int has_fentry(struct seeker *s)
{
	/* Functions of modules are in the modules' own BTF. */
	return s->p->module.n ? -SKEP_EUNSUPPORTED : has_btf(s, TY_FUNC, "");
}

static int has_lsm(struct seeker *s)
{
	return has_btf(s, TY_FUNC, "bpf_lsm_");
}
static int has_iter(struct seeker *s)
{
	return has_btf(s, TY_FUNC, "bpf_iter_");
}

/* ---- kernel functions ----------------------------------------------------------------------- */

/* kallsyms has all functions, also those that ftrace cannot follow. */
static int find_function(struct seeker *s, bool offer)
{
	str line, name, module, best = STR("");
	struct probes_lines lines;
	bool found = false;

	if (probes_lines_open(&lines, arena_trap(probes_machine_arena(s->m)), AT_FDCWD,
			      "/proc/kallsyms"))
		return -SKEP_ENOEVENT;
	while (!found && probes_lines_next(&lines, &line)) {
		if (!probes_read_function(line, true, &name, &module))
			continue;
		if (s->p->module.n && !str_eq(s->p->module, module))
			continue;
		found = str_eq(name, s->p->name);
		if (!offer)
			continue;
		nearest_offer(s->near, name);
		/* The line's buffer is reused. */
		if (s->near->best.n && s->near->best.s != best.s) {
			best = str_dup(probes_machine_arena(s->m), s->near->best);
			s->near->best = best;
		}
	}
	probes_lines_close(&lines);
	return found;
}

static int has_kprobe(struct seeker *s)
{
	int found;

	if (!probes_has(s->m, PROBES_HAS_KPROBES))
		return 0;
	if (!s->p->name.n)
		return s->p->offset != 0;
	if (!s->p->module.n && s->btf && ty_btf_find(s->btf, TY_FUNC, s->p->name))
		return 1;
	found = find_function(s, false);
	if (found == 0 && s->near)
		find_function(s, true);
	return found;
}

/* ---- the rest ------------------------------------------------------------------------------- */

static int has_syscall(struct seeker *s)
{
	const char *name;
	u32 nr;

	if (probes_syscall_nr(s->p->name) >= 0)
		return 1;
	for (nr = 0; s->near && nr < probes_syscall_limit(); nr++) {
		name = probes_syscall_name(nr);
		if (name)
			nearest_offer(s->near, str_of(name));
	}
	return 0;
}

static int has_user(struct seeker *s)
{
	struct arena *a = arena_new(arena_trap(probes_machine_arena(s->m)));
	str path = probes_find_binary(a, s->p->path);
	int err;
	u64 off;

	if (!probes_has(s->m, PROBES_HAS_UPROBES) || !path.n) {
		arena_free(a);
		return 0;
	}
	err = s->p->name.n ? probes_elf_offset(path, s->p->name, &off, NULL) : 0;
	arena_free(a);
	if (err && err != -SKEP_ENOEVENT)
		return err;
	return !err;
}

static int is_there(struct seeker *s)
{
	return s->p != NULL;
}

int probes_exists(struct probes_machine *m, struct ty_btf *btf, const struct probes_point *p,
		  struct nearest *near)
{
	static int (*const ask[PROBES_N_PROVIDERS])(struct seeker * s) = {
		[PROBES_BEGIN] = is_there,
		[PROBES_END] = is_there,
		[PROBES_SELF] = is_there,
		[PROBES_INTERVAL] = is_there,
		[PROBES_PROFILE] = is_there,
		[PROBES_SOFTWARE] = is_there,
		[PROBES_KPROBE] = has_kprobe,
		[PROBES_KRETPROBE] = has_kprobe,
		[PROBES_FENTRY] = has_fentry,
		[PROBES_FEXIT] = has_fentry,
		[PROBES_FMOD_RET] = has_fentry,
		[PROBES_UPROBE] = has_user,
		[PROBES_URETPROBE] = has_user,
		[PROBES_TRACEPOINT] = has_tracepoint,
		[PROBES_RAW_TRACEPOINT] = has_raw,
		[PROBES_TP_BTF] = has_raw,
		[PROBES_KSYSCALL] = has_syscall,
		[PROBES_KRETSYSCALL] = has_syscall,
		[PROBES_LSM] = has_lsm,
		[PROBES_ITER] = has_iter,
	};
	struct seeker s = { m, btf, p, near };

	return ask[p->provider] ? ask[p->provider](&s) : -SKEP_EUNSUPPORTED;
}
