/* err: our own bugs, and the failing world.
 *
 * base_bug_at() is the one way out of a broken invariant: it notes where and what in the trap and
 * jumps to whoever set it up (the session, around each stage). Without a trap it aborts, which is
 * what tests and tools of the house want. The library never prints, so the text of an abort is in
 * `trap.what` or in the core file. What the functions in between hold is given back by their guards.
 *
 * err_set() fills a caller-owned record; base_read_file() is the one way in for files.
 */
#include "base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

void base_bug_at(struct trap *trap, const char *file, int line, const char *what)
{
	if (!trap)
		abort();
	trap->file = file;
	trap->line = line;
	snprintf(trap->what, sizeof(trap->what), "%s", what);
	trap_spring(trap);
}

/* The frames of the guards are still there: they are jumped over after this. */
void trap_spring(struct trap *trap)
{
	while (trap->guards) {
		struct trap_guard *g = trap->guards;

		trap->guards = g->below;
		g->undo(g->arg);
	}
	longjmp(trap->env, 1);
}

void trap_guard_push(struct trap *trap, struct trap_guard *g, void (*undo)(void *arg), void *arg)
{
	if (!trap)
		return;
	*g = (struct trap_guard){ trap->guards, undo, arg };
	trap->guards = g;
}

void trap_guard_pop(struct trap *trap)
{
	if (trap && trap->guards)
		trap->guards = trap->guards->below;
}

void trap_close_fd(void *fd)
{
	close(*(int *)fd);
}

int err_set(struct err *e, int code, const char *room, const char *fmt, ...)
{
	va_list ap;

	if (!e)
		return code;
	e->code = code;
	snprintf(e->room, sizeof(e->room), "%s", room);
	va_start(ap, fmt);
	vsnprintf(e->msg, sizeof(e->msg), fmt, ap);
	va_end(ap);
	return code;
}

static int cannot_read(struct err *e, const char *path, int error)
{
	errno = error;
	return err_set(e, -error, "base", "cannot read '%s': %m", path);
}

static int too_big(struct err *e, const char *path, size_t limit)
{
	return err_set(e, -EFBIG, "base", "cannot read '%s': it is larger than %zu bytes", path,
		       limit);
}

/* Reads to the end of `fd`, at most limit + 1 bytes: one more than allowed proves "too big". */
static int read_all(struct arena *a, int fd, size_t guess, size_t limit, str *out)
{
	size_t cap = guess + 2, n = 0, more;
	char *p = arena_alloc(a, cap), *bigger;
	ssize_t got;

	for (;;) {
		if (n + 1 == cap) {
			bigger = arena_alloc(a, cap * 2);
			memcpy(bigger, p, n);
			p = bigger;
			cap *= 2;
		}
		more = cap - n - 1;
		if (more > limit + 1 - n)
			more = limit + 1 - n;
		got = read(fd, p + n, more);
		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			return -errno;
		n += (size_t)got;
		if (n > limit)
			return -EFBIG;
		if (got == 0)
			break;
	}
	p[n] = 0;
	*out = (str){ p, (u32)n };
	return 0;
}

int base_read_file(struct arena *a, const char *path, size_t limit, str *out_text, struct err *e)
{
	size_t guess = 4096;
	struct trap_guard guard;
	struct stat st;
	int fd, err;

	*out_text = STR("");
	if (limit > UINT32_MAX - 2)
		limit = UINT32_MAX - 2;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
	if (fd < 0)
		return cannot_read(e, path, errno);
	err = fstat(fd, &st) ? -errno : 0;
	if (!err && S_ISDIR(st.st_mode))
		err = -EISDIR;
	/* Files of /proc and /sys tell no size or a wrong one, so the size is only a guess. */
	if (!err && S_ISREG(st.st_mode) && st.st_size > 0) {
		guess = (size_t)st.st_size;
		err = guess > limit ? -EFBIG : 0;
	}
	trap_guard_push(arena_trap(a), &guard, trap_close_fd, &fd);
	if (!err)
		err = read_all(a, fd, guess, limit, out_text);
	trap_guard_pop(arena_trap(a));
	close(fd);
	if (err == -EFBIG)
		return too_big(e, path, limit);
	return err ? cannot_read(e, path, -err) : 0;
}
