/* actions.c: what a script asks user space to do: join(), cat(), system().
 *
 * Records bring a format and its arguments; the text that comes of it is what is printed, the file whose beginning is
 * shown, or the command that the shell runs, whose output is shown when it has ended. What cannot be read or run
 * is told in the output's place. system() is refused by the front end unless the user allowed it.
 */
#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "rt/rt_private.h"

enum { CAT_MOST = 10240, SYSTEM_MOST = 1 << 20 };

extern char **environ;

/* The strings of the arguments up to the first empty one, with the format between them. */
void rt_act_join(struct sbuf *out, const struct obj_event *ev, const void *data, u32 size)
{
	for (u32 i = 0; i < ev->args.n; i++) {
		const struct obj_field *f = &ev->args.at[i];
		const char *at = (const char *)data + f->off;

		if (f->off + f->size > size || !f->size || !at[0])
			break;
		if (i)
			sbuf_put(out, ev->format);
		sbuf_put(out, (str){ at, (u32)strnlen(at, f->size) });
	}
	sbuf_putc(out, '\n');
}

/* Appends what can be read, at most `most` bytes. */
static int read_all(struct sbuf *out, int fd, u32 most)
{
	char bytes[4096];
	ssize_t got = 0;

	while (most) {
		u32 want = most < sizeof(bytes) ? most : (u32)sizeof(bytes);

		do
			got = read(fd, bytes, want);
		while (got < 0 && errno == EINTR);
		if (got <= 0)
			break;
		sbuf_put(out, (str){ bytes, (u32)got });
		most -= (u32)got;
	}
	return got < 0 ? -errno : 0;
}

void rt_act_cat(struct sbuf *out, str path)
{
	int fd = open(str_z(out->a, path), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	int r = fd < 0 ? -errno : read_all(out, fd, CAT_MOST);

	if (fd >= 0)
		close(fd);
	if (r)
		sbuf_printf(out, "cat: cannot read '" STR_FMT "': %s\n", STR_ARG(path),
			    strerror(-r));
}

static int start_shell(char *command, int output, pid_t *out_pid)
{
	char name[] = "sh", flag[] = "-c", *argv[] = { name, flag, command, NULL };
	posix_spawn_file_actions_t actions;
	int r = posix_spawn_file_actions_init(&actions);

	if (r)
		return -r;
	r = posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	if (!r)
		r = posix_spawn(out_pid, "/bin/sh", &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	return -r;
}

void rt_act_system(struct sbuf *out, str command)
{
	int pipes[2], status, r;
	pid_t pid = 0;

	r = pipe2(pipes, O_CLOEXEC) ? -errno : 0;
	if (!r) {
		r = start_shell(str_z(out->a, command), pipes[1], &pid);
		close(pipes[1]);
		if (!r)
			r = read_all(out, pipes[0], SYSTEM_MOST);
		close(pipes[0]);
	}
	if (r)
		sbuf_printf(out, "system: cannot run '" STR_FMT "': %s\n", STR_ARG(command),
			    strerror(-r));
	else
		while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
			;
}
