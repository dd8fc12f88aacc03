/* The memory of a map: one region, private or shared, that holds all of it.
 *
 * The kind's layout asks for parts; this file adds them up (overflow makes -E2BIG, memory that is
 *not to be had -ENOMEM) and maps the sum at once. Pages are given by the system when they are
 *touched.
 *
 * Rings follow the parts: a page of positions, the data, and the same data mapped once more behind
 *it, so that a record that crosses the end is one piece in memory.
 *
 *	head | parts | ring 0: positions, data, data again | ring 1 …
 *
 * A region that only forked children share has no file (but for rings, whose data is mapped twice).
 *
 * A shared region is a file in /dev/shm. It is made without a name, filled, and then linked to its
 *name in one step: nobody can open a region that is not ready, whenever its maker dies. On opening,
 *version, kind, sizes and length must be what this process would have made itself; anything else is
 *refused. Its space is reserved, so that a full file system is an error here and no SIGBUS later.
 */
#include "maps/room.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#define PAGE	  4096ull
#define MAGIC	  0x70616d70656b73ull /* "skepmap" */
#define VERSION	  1
#define SHM_DIR	  "/dev/shm"
#define HUGE_PAGE (2ull << 20)

struct head {
	u64 magic;
	u32 version, lock_size;
	u32 type, key_size, value_size, max_entries, flags, n_slots;
	u64 bytes;
	u64 seed;
};
_Static_assert(sizeof(struct head) <= 256, "parts begin at 256");

static u64 reserve(struct maps_map *m, u64 n, u64 each)
{
	u64 at = round_up(m->bytes, 64), size;

	if (__builtin_mul_overflow(n, each, &size) || size > 1ull << 46 || at > 1ull << 46) {
		m->too_big = true;
		return 0;
	}
	m->bytes = at + size;
	return at;
}

void maps_part(struct maps_map *m, u32 k, u64 n, u64 each)
{
	m->part[k] = reserve(m, n, each);
}

u32 maps_possible_cpus(void)
{
	unsigned int lo, hi, top = 0;
	FILE *f = fopen("/sys/devices/system/cpu/possible", "re");
	long n;

	/* A list of ranges, "0-3,8-11": per-CPU values have a place up to the highest. */
	if (f) {
		while (fscanf(f, "%u", &lo) == 1) {
			hi = lo;
			if (fscanf(f, "-%u", &hi) == 1 || hi == lo)
				top = hi + 1 > top ? hi + 1 : top;
			if (fgetc(f) != ',')
				break;
		}
		fclose(f);
	}
	if (top && top <= 4096)
		return top;
	n = sysconf(_SC_NPROCESSORS_CONF);
	return n > 0 && n <= 4096 ? (u32)n : 1;
}

static u64 ring_span(const struct maps_map *m)
{
	return m->n_rings ? PAGE + 2 * (u64)m->ring_bytes : 0;
}

/* Maps the file's rings twice each, into the address range that is set aside for them. */
static int map_rings(struct maps_map *m, int fd, u64 parts)
{
	u64 file = parts;

	for (u32 i = 0; i < m->n_rings; i++) {
		u8 *to = m->base + parts + i * ring_span(m);
		u64 once = PAGE + m->ring_bytes;

		if (mmap(to, once, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 (off_t)file) == MAP_FAILED ||
		    mmap(to + once, m->ring_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED,
			 fd, (off_t)(file + PAGE)) == MAP_FAILED)
			return -ENOMEM;
		file += once;
	}
	return 0;
}

static u64 file_bytes(const struct maps_map *m, u64 parts)
{
	return parts + m->n_rings * (PAGE + (u64)m->ring_bytes);
}

void *maps_region_ring(struct maps_map *m, u32 i)
{
	u64 all = m->n_rings * ring_span(m);

	return m->base + (m->bytes - all) + i * ring_span(m);
}

/* Maps all of it; fd is -1 for memory that has no file. */
static int map_all(struct maps_map *m, int fd, u64 parts)
{
	int flags = fd >= 0	     ? MAP_SHARED
		    : m->spec.forked ? MAP_SHARED | MAP_ANONYMOUS
				     : MAP_PRIVATE | MAP_ANONYMOUS;
	u64 bytes = parts + m->n_rings * ring_span(m);
	void *p;

	if (fd < 0 && (m->spec.flags & MAPS_F_NO_PREALLOC))
		flags |= MAP_NORESERVE;
	if (m->n_rings) {
		p = mmap(NULL, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1,
			 0);
		if (p != MAP_FAILED && mmap(p, parts, PROT_READ | PROT_WRITE,
					    MAP_SHARED | MAP_FIXED, fd, 0) == MAP_FAILED) {
			munmap(p, bytes);
			p = MAP_FAILED;
		}
	} else {
		p = mmap(NULL, bytes, PROT_READ | PROT_WRITE, flags, fd, 0);
	}
	if (p == MAP_FAILED)
		return -ENOMEM;
	m->base = p;
	m->bytes = bytes;
	if (bytes >= HUGE_PAGE)
		(void)madvise(p, bytes, MADV_HUGEPAGE);
	return m->n_rings ? map_rings(m, fd, parts) : 0;
}

static void set_pointers(struct maps_map *m)
{
	struct head *h = (struct head *)m->base;

	for (u32 k = 0; k < MAPS_N_PARTS; k++)
		m->at[k] = m->base + m->part[k];
	m->locks = (struct maps_lock *)(void *)(m->base + m->locks_at);
	m->seed = h->seed;
}

static struct head wanted(const struct maps_map *m, u64 bytes)
{
	const struct maps_spec *s = &m->spec;

	return (struct head){ .magic = MAGIC,
			      .version = VERSION,
			      .lock_size = sizeof(struct maps_lock),
			      .type = s->type,
			      .key_size = s->key_size,
			      .value_size = s->value_size,
			      .max_entries = s->max_entries,
			      .flags = s->flags,
			      .n_slots = m->n_slots,
			      .bytes = bytes };
}

/* A new region: head, locks and the kind's own beginnings. */
static int fill(struct maps_map *m, u64 bytes)
{
	struct head h = wanted(m, bytes);
	int err;

	if (!(m->spec.flags & MAPS_F_ZERO_SEED) &&
	    getrandom(&h.seed, sizeof(h.seed), 0) != (ssize_t)sizeof(h.seed))
		return -EIO;
	memcpy(m->base, &h, sizeof(h));
	set_pointers(m);
	err = maps_locks_init(m);
	return err ? err : m->ops->init ? m->ops->init(m) : 0;
}

static int sized_file(int fd, u64 bytes)
{
	int err;

	if (ftruncate(fd, (off_t)bytes))
		return -errno;
	err = posix_fallocate(fd, 0, (off_t)bytes);
	return err == ENOSPC || err == EFBIG ? -ENOMEM : -err;
}

static int open_private(struct maps_map *m, u64 parts)
{
	int fd = -1, err = 0;

	if (m->n_rings) {
		fd = memfd_create("skep-ring", MFD_CLOEXEC);
		if (fd < 0)
			return -errno;
		if (ftruncate(fd, (off_t)file_bytes(m, parts)))
			err = -ENOMEM;
	}
	err = err ? err : map_all(m, fd, parts);
	err = err ? err : fill(m, parts);
	if (fd >= 0)
		close(fd);
	return err;
}

/* Another process's region must be the one that this process would have made. */
static int check_head(struct maps_map *m, int fd, u64 parts, struct err *e)
{
	struct head want = wanted(m, parts), have;
	struct stat st;
	ssize_t n;

	if (fstat(fd, &st))
		return -errno;
	n = pread(fd, &have, sizeof(have), 0);
	want.seed = have.seed;
	if (n == (ssize_t)sizeof(have) && S_ISREG(st.st_mode) && have.magic == MAGIC &&
	    have.version != VERSION)
		return err_set(e, -SKEP_EBADFILE, MAPS_ROOM,
			       "the shared map '%s' has version %u, this program knows %u: remove "
			       "it, or use the program that made it",
			       m->shared_name, have.version, VERSION);
	if (n != (ssize_t)sizeof(have) || !S_ISREG(st.st_mode) || have.magic != MAGIC)
		return err_set(e, -SKEP_EBADFILE, MAPS_ROOM,
			       "'%s' in %s is no map: choose another name", m->shared_name,
			       SHM_DIR);
	if (memcmp(&have, &want, sizeof(have)) != 0 || (u64)st.st_size != file_bytes(m, parts))
		return err_set(
			e, -EINVAL, MAPS_ROOM,
			"the shared map '%s' exists with another type, size, flags or number "
			"of slots: remove it, or ask for the same",
			m->shared_name);
	return 0;
}

static int open_existing(struct maps_map *m, const char *path, u64 parts, struct err *e)
{
	int fd = open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK), err;

	if (fd < 0)
		return -errno;
	err = check_head(m, fd, parts, e);
	err = err ? err : map_all(m, fd, parts);
	if (!err)
		set_pointers(m);
	close(fd);
	return err;
}

static int make_shared(struct maps_map *m, const char *path, u64 parts)
{
	int fd = open(SHM_DIR, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600), err;
	char link[64];

	if (fd < 0)
		return -errno;
	err = sized_file(fd, file_bytes(m, parts));
	err = err ? err : map_all(m, fd, parts);
	err = err ? err : fill(m, parts);
	snprintf(link, sizeof(link), "/proc/self/fd/%d", fd);
	if (!err && linkat(AT_FDCWD, link, AT_FDCWD, path, AT_SYMLINK_FOLLOW))
		err = -errno;
	close(fd);
	return err;
}

static int open_shared(struct maps_map *m, u64 parts, struct err *e)
{
	char path[300];
	int err;

	snprintf(path, sizeof(path), SHM_DIR "/%s", m->shared_name);
	/* Somebody may make or remove it in between: then the other way works the next time. */
	for (u32 i = 0; i < 16; i++) {
		err = open_existing(m, path, parts, e);
		if (err != -ENOENT)
			return err;
		err = make_shared(m, path, parts);
		if (err != -EEXIST)
			return err;
		maps_region_close(m);
	}
	return err;
}

int maps_region_open(struct maps_map *m, struct err *e)
{
	u64 parts;
	int err;

	m->bytes = 256;
	m->ops->layout(m);
	m->locks_at = reserve(m, m->n_locks, sizeof(struct maps_lock));
	if (m->too_big)
		return -E2BIG;
	parts = round_up(m->bytes, PAGE);
	err = m->shared_name ? open_shared(m, parts, e) : open_private(m, parts);
	if (err)
		maps_region_close(m);
	return err;
}

void maps_region_close(struct maps_map *m)
{
	if (m->base)
		munmap(m->base, m->bytes);
	m->base = NULL;
}
