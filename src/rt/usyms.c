/* usyms.c: addresses of processes as symbols.
 *
 * /proc/PID/maps tells which file lies at an address, and where in it; the file's symbol tables tell the function
 * there. Files are read once, by device and inode, however many processes have them mapped; maps are read again
 * for each batch of questions (a record, a table), since programs load libraries and replace themselves. A process
 * that has ended keeps the maps that were seen last. Addresses without a name stay numbers.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "rt/rt_private.h"

struct function {
	u64 offset, size; /* in the file */
	str name;
};

/* One ELF file and its functions, sorted by offset. */
struct image {
	u64 dev, ino;
	vec(struct function) functions;
};

struct mapping {
	u64 from, to, offset;
	str path;
	struct image *image; /* NULL: not asked for yet */
};

struct process {
	u32 tgid, seen; /* in which batch the maps were read */
	struct arena *a;
	vec(struct mapping) mappings;
};

struct rt_usyms {
	struct arena *a;
	u32 batch;
	u32 watched; /* the command; 0: none */
	vec(struct process *) processes;
	vec(struct image *) images;
};

struct rt_usyms *rt_usyms_new(struct arena *a)
{
	struct rt_usyms *u = arena_new_of(a, struct rt_usyms);

	u->a = a;
	u->batch = 1;
	return u;
}

void rt_usyms_free(struct rt_usyms *u)
{
	for (u32 i = 0; i < u->processes.n; i++)
		arena_free(u->processes.at[i]->a);
	u->processes.n = 0;
}

void rt_usyms_refresh(struct rt_usyms *u)
{
	u->batch++;
}

/* ---- files ---------------------------------------------------------------------------------- */

struct filling {
	struct rt_usyms *u;
	struct image *image;
};

static bool add_function(void *arg, const struct probes_symbol *s)
{
	struct filling *f = arg;

	*vec_push(f->u->a, &f->image->functions) =
		(struct function){ s->offset, s->size, str_dup(f->u->a, s->name) };
	return true;
}

/* Of several names at one place the longest symbol comes last and is found. */
static int compare(const void *a, const void *b)
{
	const struct function *x = a, *y = b;

	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->size != y->size)
		return x->size < y->size ? -1 : 1;
	return str_cmp(y->name, x->name);
}

static struct image *read_image(struct rt_usyms *u, u32 tgid, str path)
{
	str inside = str_printf(u->a, "/proc/%u/root" STR_FMT, tgid, STR_ARG(path));
	struct filling f = { .u = u };
	struct err e = { 0 };
	struct stat st;

	/* The process may live in another mount namespace; once it is gone the path must do. */
	if (stat(inside.s, &st)) {
		inside = path;
		if (stat(str_z(u->a, path), &st))
			return NULL;
	}
	for (u32 i = 0; i < u->images.n; i++)
		if (u->images.at[i]->dev == st.st_dev && u->images.at[i]->ino == st.st_ino)
			return u->images.at[i];
	f.image = arena_new_of(u->a, struct image);
	f.image->dev = st.st_dev;
	f.image->ino = st.st_ino;
	if (probes_elf_symbols(arena_trap(u->a), inside, add_function, &f, &e))
		f.image->functions.n = 0;
	if (f.image->functions.n)
		qsort(f.image->functions.at, f.image->functions.n, sizeof(struct function),
		      compare);
	*vec_push(u->a, &u->images) = f.image;
	return f.image;
}

static const struct function *function_at(const struct image *m, u64 offset)
{
	u32 lo = 0, hi = m->functions.n;
	const struct function *f;

	while (lo < hi) {
		u32 mid = lo + (hi - lo) / 2;

		if (m->functions.at[mid].offset <= offset)
			lo = mid + 1;
		else
			hi = mid;
	}
	f = lo ? &m->functions.at[lo - 1] : NULL;
	return f && (!f->size || offset - f->offset < f->size) ? f : NULL;
}

/* ---- processes -------------------------------------------------------------------------------- */

static struct process *process_of(struct rt_usyms *u, u32 tgid)
{
	struct process *p;

	for (u32 i = 0; i < u->processes.n; i++)
		if (u->processes.at[i]->tgid == tgid)
			return u->processes.at[i];
	p = arena_new_of(u->a, struct process);
	p->tgid = tgid;
	p->a = arena_new(arena_trap(u->a));
	*vec_push(u->a, &u->processes) = p;
	return p;
}

/* "7f00-8000 r-xp 00001000 08:01 42   /usr/lib/libc.so.6": only what can be executed has functions. */
static bool parse_mapping(struct arena *a, const char *line, struct mapping *out)
{
	unsigned long long from, to, offset;
	char rights[8];
	int at = 0;

	if (sscanf(line, "%llx-%llx %7s %llx %*s %*s %n", &from, &to, rights, &offset, &at) < 4 ||
	    rights[2] != 'x' || line[at] != '/')
		return false;
	*out = (struct mapping){ from, to, offset, str_dup(a, str_trim(str_of(line + at))), NULL };
	return true;
}

static void close_file(void *file)
{
	fclose(file);
}

static void read_maps(struct rt_usyms *u, struct process *p)
{
	char path[48], line[4608];
	struct trap_guard guard;
	struct arena *fresh;
	struct mapping m;
	struct process now = { .tgid = p->tgid, .seen = u->batch };
	FILE *f;

	p->seen = u->batch;
	snprintf(path, sizeof(path), "/proc/%u/maps", p->tgid);
	f = fopen(path, "re");
	if (!f)
		return;
	trap_guard_push(arena_trap(u->a), &guard, close_file, f);
	fresh = arena_new(arena_trap(u->a));
	while (fgets(line, sizeof(line), f))
		if (parse_mapping(fresh, line, &m))
			*vec_push(fresh, &now.mappings) = m;
	trap_guard_pop(arena_trap(u->a));
	fclose(f);
	/* The maps of a process that is ending are empty: what was seen before says more. */
	if (!now.mappings.n) {
		arena_free(fresh);
		return;
	}
	arena_free(p->a);
	now.a = fresh;
	*p = now;
}

void rt_usyms_watch(struct rt_usyms *u, u32 tgid)
{
	u->watched = tgid;
	read_maps(u, process_of(u, tgid));
}

static struct mapping *mapping_of(struct rt_usyms *u, u32 tgid, u64 address)
{
	struct process *p = process_of(u, tgid);

	if (p->seen != u->batch)
		read_maps(u, p);
	/* A child of the command that ended unseen looked like it, unless it became another program: then its
	 * addresses are others, too. */
	if (!p->mappings.n && u->watched)
		p = process_of(u, u->watched);
	for (u32 i = 0; i < p->mappings.n; i++)
		if (address >= p->mappings.at[i].from && address < p->mappings.at[i].to)
			return &p->mappings.at[i];
	return NULL;
}

void rt_usym(struct sbuf *out, struct rt_usyms *u, u32 tgid, u64 address, bool offset, bool module)
{
	struct mapping *m = u ? mapping_of(u, tgid, address) : NULL;
	const struct function *f = NULL;
	u64 at = 0;

	if (m) {
		if (!m->image)
			m->image = read_image(u, tgid, m->path);
		at = address - m->from + m->offset;
		f = m->image ? function_at(m->image, at) : NULL;
	}
	if (!f)
		sbuf_printf(out, "0x%llx", (unsigned long long)address);
	else
		sbuf_put(out, f->name);
	if (f && offset)
		sbuf_printf(out, "+%llu", (unsigned long long)(at - f->offset));
	if (module && m)
		sbuf_printf(out, " (" STR_FMT ")", STR_ARG(m->path));
	else if (module)
		sbuf_puts(out, " ([unknown])");
}
