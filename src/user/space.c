/* space: the breakpoints of one address space, in its memory and in ours.
 *
 * A probe is an offset in a file; the list of mappings says where that lies, when a program starts and each time that
 * something executable is mapped. Memory is written through /proc/PID/mem, which needs no thread to be stopped and
 * copies the page for this process alone.
 *
 * Copies of instructions are stepped in the bytes between the end of a module's code and the end of its last page:
 * mapped, executable, used by nobody, and near enough for every displacement.
 */
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "user/breaks.h"

#define BREAKPOINT 0xcc

/* ---- memory --------------------------------------------------------------------------------- */

bool space_read(struct space *s, u64 addr, void *out, u32 n)
{
	return pread(s->mem, out, n, (off_t)addr) == (ssize_t)n;
}

bool space_write(struct space *s, u64 addr, const void *bytes, u32 n)
{
	return pwrite(s->mem, bytes, n, (off_t)addr) == (ssize_t)n;
}

static int open_mem(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/mem", pid);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* ---- life ----------------------------------------------------------------------------------- */

struct space *space_new(struct tracer *t, pid_t pid)
{
	struct space *s = calloc(1, sizeof(*s));

	if (!s)
		return NULL;
	s->refs = 1;
	s->pid = pid;
	s->mem = open_mem(pid);
	space_scan(t, s);
	return s;
}

static struct point *add_point(struct space *s, u64 addr)
{
	struct point *p, **more;

	if (s->n == s->cap) {
		u32 cap = s->cap ? 2 * s->cap : 16;

		more = realloc(s->points, cap * sizeof(struct point *));
		if (!more)
			return NULL;
		s->points = more;
		s->cap = cap;
	}
	p = calloc(1, sizeof(*p));
	if (!p)
		return NULL;
	p->addr = addr;
	s->points[s->n++] = p;
	return p;
}

static bool add_prog(struct point *p, u32 prog)
{
	u32 *more = realloc(p->progs.at, (p->progs.n + 1) * sizeof(u32));

	if (!more)
		return false;
	p->progs.at = more;
	p->progs.at[p->progs.n++] = prog;
	return true;
}

static struct cave *copy_cave(struct space *to, const struct cave *from)
{
	struct cave *c;

	for (c = to->caves; from && c; c = c->next)
		if (c->module == from->module)
			return c;
	c = from ? malloc(sizeof(*c)) : NULL;
	if (!c)
		return NULL;
	*c = *from;
	c->busy = 0;
	memset(c->holds, 0, sizeof(c->holds));
	c->next = to->caves;
	to->caves = c;
	return c;
}

struct space *space_copy(struct space *s, pid_t pid)
{
	struct space *copy = calloc(1, sizeof(*copy));

	if (!copy)
		return NULL;
	copy->refs = 1;
	copy->pid = pid;
	copy->mem = open_mem(pid);
	for (u32 i = 0; i < s->n; i++) {
		struct point *from = s->points[i], *to = add_point(copy, from->addr);

		if (!to)
			continue;
		to->saved = from->saved;
		to->is_set = from->is_set;
		to->is_return = from->is_return;
		to->insn = from->insn;
		for (u32 k = 0; k < from->progs.n; k++)
			add_prog(to, from->progs.at[k]);
		to->cave = copy_cave(copy, from->cave);
	}
	copy->counters = calloc(s->n_counters + 1, sizeof(*copy->counters));
	if (copy->counters && s->n_counters)
		memcpy(copy->counters, s->counters, s->n_counters * sizeof(*s->counters));
	copy->n_counters = copy->counters ? s->n_counters : 0;
	return copy;
}

void space_put(struct space *s)
{
	struct cave *next;

	if (!s || --s->refs)
		return;
	for (u32 i = 0; i < s->n; i++) {
		free(s->points[i]->progs.at);
		free(s->points[i]);
	}
	for (struct cave *c = s->caves; c; c = next) {
		next = c->next;
		free(c);
	}
	if (s->mem >= 0)
		close(s->mem);
	free(s->counters);
	free(s->points);
	free(s);
}

void space_clear(struct space *s)
{
	for (u32 i = 0; i < s->n; i++) {
		struct point *p = s->points[i];

		if (p->is_set)
			space_write(s, p->addr, &p->saved, 1);
		p->is_set = false;
	}
	for (u32 i = 0; i < s->n_counters; i++) {
		u16 n;

		if (space_read(s, s->counters[i], &n, sizeof(n)) && n--)
			space_write(s, s->counters[i], &n, sizeof(n));
	}
	s->n_counters = 0;
	for (struct cave *c = s->caves; c; c = c->next)
		if (!c->busy)
			space_write(s, c->at, c->saved, c->n * SLOT_BYTES);
}

struct point *space_point(struct space *s, u64 addr)
{
	for (u32 i = 0; i < s->n; i++)
		if (s->points[i]->addr == addr)
			return s->points[i];
	return NULL;
}

/* ---- caves ---------------------------------------------------------------------------------- */

struct mapping {
	u64 lo, hi, off, ino;
	u32 major, minor;
	bool is_code, is_data;
	char path[512];
};

static bool read_mapping(FILE *f, struct mapping *m)
{
	unsigned long lo, hi, off, ino;
	char line[1024], perms[8];
	int at = 0;

	if (!fgets(line, sizeof(line), f))
		return false;
	m->path[0] = 0;
	if (sscanf(line, "%lx-%lx %7s %lx %x:%x %lu %n", &lo, &hi, perms, &off, &m->major,
		   &m->minor, &ino, &at) < 7)
		return true;
	m->lo = lo;
	m->hi = hi;
	m->off = off;
	m->ino = ino;
	m->is_code = perms[2] == 'x';
	m->is_data = perms[1] == 'w';
	snprintf(m->path, sizeof(m->path), "%.*s", (int)strcspn(line + at, "\n"), line + at);
	return true;
}

static FILE *open_mappings(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/maps", pid);
	return fopen(path, "re");
}

/* Where the file's code ends: the end of the segment that this mapping shows. */
static u64 code_end(pid_t pid, const struct mapping *m)
{
	char path[96];
	Elf64_Ehdr eh;
	Elf64_Phdr ph;
	u64 end = 0;
	int fd;

	snprintf(path, sizeof(path), "/proc/%d/map_files/%lx-%lx", pid, (unsigned long)m->lo,
		 (unsigned long)m->hi);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fd = open(m->path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	if (pread(fd, &eh, sizeof(eh), 0) == sizeof(eh) && !memcmp(eh.e_ident, ELFMAG, SELFMAG) &&
	    eh.e_phentsize == sizeof(ph))
		for (u32 i = 0; i < eh.e_phnum && i < 64; i++) {
			if (pread(fd, &ph, sizeof(ph), (off_t)(eh.e_phoff + i * sizeof(ph))) !=
			    sizeof(ph))
				break;
			if (ph.p_type == PT_LOAD && ph.p_flags & PF_X &&
			    ph.p_offset < m->off + (m->hi - m->lo) &&
			    ph.p_offset + ph.p_filesz > m->off)
				end = ph.p_offset + ph.p_filesz;
		}
	close(fd);
	return end;
}

static struct cave *find_cave(struct space *s, const struct mapping *m)
{
	struct cave *c;
	u64 end, at;

	for (c = s->caves; c; c = c->next)
		if (c->module == m->lo)
			return c;
	end = code_end(s->pid, m);
	at = round_up(m->lo + (end - m->off), SLOT_BYTES);
	if (end <= m->off || at + 4 * SLOT_BYTES > m->hi)
		return NULL;
	c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	c->module = m->lo;
	c->at = at;
	c->n = (u32)((m->hi - at) / SLOT_BYTES);
	if (c->n > CAVE_SLOTS)
		c->n = CAVE_SLOTS;
	space_read(s, at, c->saved, c->n * SLOT_BYTES);
	c->next = s->caves;
	s->caves = c;
	return c;
}

u64 space_slot(struct space *s, struct point *p)
{
	struct cave *c = p->cave;
	u8 bytes[SLOT_BYTES];
	u64 slot;
	s64 disp;
	s32 rel;
	u32 i;

	if (!c || p->insn.in_place || !~c->busy)
		return 0;
	for (i = 0; i < c->n; i++)
		if (c->holds[i] == p && !(c->busy >> i & 1)) {
			c->busy |= 1ull << i;
			return c->at + i * SLOT_BYTES;
		}
	i = (u32)__builtin_ctzll(~c->busy);
	if (i >= c->n)
		return 0;
	slot = c->at + i * SLOT_BYTES;
	memcpy(bytes, p->insn.bytes, sizeof(bytes));
	if (p->insn.disp_at) {
		memcpy(&rel, bytes + p->insn.disp_at, 4);
		disp = rel + (s64)(p->addr - slot);
		rel = (s32)disp;
		if (rel != disp)
			return 0;
		memcpy(bytes + p->insn.disp_at, &rel, 4);
	}
	if (!space_write(s, slot, bytes, sizeof(bytes)))
		return 0;
	c->busy |= 1ull << i;
	c->holds[i] = p;
	return slot;
}

void space_slot_free(struct space *s, struct point *p, u64 slot)
{
	(void)s;
	if (slot && p->cave)
		p->cave->busy &= ~(1ull << (slot - p->cave->at) / SLOT_BYTES);
}

/* ---- setting -------------------------------------------------------------------------------- */

static struct point *set_point(struct space *s, const struct mapping *m, u64 addr)
{
	static const u8 int3 = BREAKPOINT;
	struct point *p = space_point(s, addr);
	u8 bytes[16] = { 0 };

	if (p)
		return p;
	/* The last instruction of a mapping may be followed by nothing. */
	if (pread(s->mem, bytes, sizeof(bytes), (off_t)addr) <= 0)
		return NULL;
	p = add_point(s, addr);
	if (!p)
		return NULL;
	p->saved = bytes[0];
	insn_decode(bytes, &p->insn);
	p->cave = find_cave(s, m);
	p->is_set = space_write(s, addr, &int3, 1);
	return p;
}

static bool is_of(const struct user_prog *p, const struct mapping *m)
{
	return p->ino == m->ino &&
	       (p->dev == makedev(m->major, m->minor) || !strcmp(p->path, m->path));
}

/* The counter of a marker says that somebody looks. */
static void count_up(struct space *s, u64 addr)
{
	u64 *more;
	u16 n;

	for (u32 i = 0; i < s->n_counters; i++)
		if (s->counters[i] == addr)
			return;
	more = realloc(s->counters, (s->n_counters + 1) * sizeof(*more));
	if (!more)
		return;
	s->counters = more;
	if (!space_read(s, addr, &n, sizeof(n)))
		return;
	n++;
	if (space_write(s, addr, &n, sizeof(n)))
		s->counters[s->n_counters++] = addr;
}

static bool holds(const struct mapping *m, u64 off)
{
	return off >= m->off && off - m->off < m->hi - m->lo;
}

static void set_program(struct tracer *t, struct space *s, const struct mapping *m, u64 addr,
			u32 prog)
{
	struct point *at = set_point(s, m, addr);

	for (u32 k = 0; at && k < at->progs.n; k++)
		if (at->progs.at[k] == prog)
			return;
	if (at)
		add_prog(at, prog);
	if (at && at->saved == BREAKPOINT && !at->is_return && t->u->shared->n_notes < 1)
		user_note(
			t->u,
			"another tracer (the kernel's uprobes, a debugger) has a breakpoint where "
			"one is wanted: it takes the events");
}

static void scan_mapping(struct tracer *t, struct space *s, const struct mapping *m)
{
	struct engine *u = t->u;

	for (u32 i = 0; i < u->breaks.n; i++) {
		struct user_prog *p = &u->progs[u->breaks.at[i]];

		for (u32 k = 0; is_of(p, m) && k < p->n_spots; k++) {
			const struct user_spot *x = &p->spots[k];

			if (m->is_code && holds(m, x->off))
				set_program(t, s, m, m->lo + (x->off - m->off), u->breaks.at[i]);
			if (m->is_data && x->counter && holds(m, x->counter))
				count_up(s, m->lo + (x->counter - m->off));
		}
	}
}

void space_scan(struct tracer *t, struct space *s)
{
	FILE *f = s->mem >= 0 ? open_mappings(s->pid) : NULL;
	struct mapping m = { 0 };

	while (f && read_mapping(f, &m))
		if ((m.is_code || m.is_data) && m.ino)
			scan_mapping(t, s, &m);
	if (f)
		fclose(f);
}

struct point *space_return(struct space *s, u64 addr)
{
	struct point *p = space_point(s, addr);
	struct mapping m = { 0 };
	FILE *f;

	if (!p) {
		f = open_mappings(s->pid);
		while (f && read_mapping(f, &m))
			if (m.is_code && addr >= m.lo && addr < m.hi) {
				p = set_point(s, &m, addr);
				break;
			}
		if (f)
			fclose(f);
	}
	if (p)
		p->is_return = true;
	return p;
}
