/* files: two ways of reading that the listings share.
 *
 * Lines of a file that may be large (kallsyms is 8 MB on a desktop): read through a fixed buffer,
 * so that nothing of it stays. Names of a directory: kept in the arena and sorted, since directory
 * order is chance and output must not be.
 */
#include "probes/room.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BUFFER 65536

static void free_lines(void *lines)
{
	struct probes_lines *l = lines;

	free(l->buf);
	close(l->fd);
}

int probes_lines_open(struct probes_lines *l, struct trap *trap, int dir, const char *path)
{
	*l = (struct probes_lines){ .fd = openat(dir, path, O_RDONLY | O_CLOEXEC), .trap = trap };
	if (l->fd < 0)
		return -errno;
	l->buf = malloc(BUFFER);
	l->cap = BUFFER;
	if (!l->buf) {
		close(l->fd);
		return -ENOMEM;
	}
	trap_guard_push(trap, &l->guard, free_lines, l);
	return 0;
}

static void fill(struct probes_lines *l)
{
	ssize_t got;

	memmove(l->buf, l->buf + l->lo, l->hi - l->lo);
	l->hi -= l->lo;
	l->lo = 0;
	do
		got = read(l->fd, l->buf + l->hi, l->cap - l->hi);
	while (got < 0 && errno == EINTR);
	if (got <= 0)
		l->end = true;
	else
		l->hi += (u32)got;
}

bool probes_lines_next(struct probes_lines *l, str *out)
{
	char *nl;

	for (;;) {
		nl = memchr(l->buf + l->lo, '\n', l->hi - l->lo);
		if (nl || l->end || l->hi - l->lo == l->cap)
			break;
		fill(l);
	}
	*out = (str){ l->buf + l->lo, nl ? (u32)(nl - l->buf) - l->lo : l->hi - l->lo };
	l->lo += out->n + (nl != NULL);
	return nl || out->n;
}

void probes_lines_close(struct probes_lines *l)
{
	if (l->fd < 0)
		return;
	trap_guard_pop(l->trap);
	free_lines(l);
	*l = (struct probes_lines){ .fd = -1 };
}

void probes_names_add(struct arena *a, struct probes_names *v, str name)
{
	*vec_push(a, v) = name;
}

static int by_name(const void *x, const void *y)
{
	return str_cmp(*(const str *)x, *(const str *)y);
}

void probes_names_sort(struct probes_names *v)
{
	u32 i, n = 0;

	if (v->n)
		qsort(v->at, v->n, sizeof(v->at[0]), by_name);
	for (i = 0; i < v->n; i++)
		if (!n || !str_eq(v->at[n - 1], v->at[i]))
			v->at[n++] = v->at[i];
	v->n = n;
}

static void free_dir(void *dir)
{
	closedir(dir);
}

int probes_names_dir(struct arena *a, int dir, const char *path, struct probes_names *out)
{
	int fd = openat(dir, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct trap_guard guard;
	struct dirent *entry;
	DIR *d;

	*out = (struct probes_names){ 0 };
	if (fd < 0)
		return -errno;
	d = fdopendir(fd);
	if (!d) {
		close(fd);
		return -ENOMEM;
	}
	trap_guard_push(arena_trap(a), &guard, free_dir, d);
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.')
			probes_names_add(a, out, str_dup(a, str_of(entry->d_name)));
	trap_guard_pop(arena_trap(a));
	closedir(d);
	probes_names_sort(out);
	return 0;
}
