/* command: the traced command, started and kept waiting until everything is attached.
 *
 * The child does all its preparation, then waits for a byte on a pipe. When that comes it installs the filter, and its
 * next system call is execve: the programs see the command from its first instruction, and nothing of skep. It has its
 * final name by then, since execve's own event still shows the old one. It allows any process of the same user
 * to trace it (Yama): the tracer is not its parent.
 *
 * The child is skep's, with skep's session, process group and terminal. Closing the pipe ends a child that still waits;
 * one that was let go runs on.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "user/room.h"

extern char **environ;

/* Between fork and exec of a process that may have threads: async-signal-safe calls only. */
__attribute__((noreturn)) static void child(const struct engine *u, const struct rt_command *c,
					    int go, int failure)
{
	static const int signals[] = { SIGINT,	SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD, SIGHUP,
				       SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU };
	int error = 0;
	sigset_t none;
	char byte;

	for (u32 i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, c->name);
	prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
	if (write(failure, &error, sizeof(error)) < 0 || read(go, &byte, 1) != 1)
		_exit(126);
	if (u->by_filter)
		error = -user_filter_install(u);
	if (!error) {
		execve(c->path, c->argv, environ);
		error = errno;
	}
	/* A script without #! is the shell's (execvp(3)). */
	if (error == ENOEXEC)
		execve("/bin/sh", c->shell, environ);
	if (write(failure, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

static int said(int fd, int *out)
{
	ssize_t got;

	do
		got = read(fd, out, sizeof(*out));
	while (got < 0 && errno == EINTR);
	return got == sizeof(*out) ? 0 : -EPIPE;
}

int user_command(void *self, char *const argv[], struct err *e)
{
	struct engine *u = self;
	struct user_command *c = &u->cmd;
	struct rt_command found;
	int go[2], failure[2], ready, err;

	if (!argv || !argv[0] || c->pid)
		return err_set(e, -EINVAL, USER_ROOM, "no command, or a second one");
	err = rt_command_find(u->a, argv, &found, e);
	if (err)
		return err;
	c->path = found.path;
	if (pipe2(go, O_CLOEXEC))
		return err_set(e, -errno, USER_ROOM, "'%s' cannot be run: %m", argv[0]);
	if (pipe2(failure, O_CLOEXEC)) {
		close(go[0]);
		close(go[1]);
		return err_set(e, -errno, USER_ROOM, "'%s' cannot be run: %m", argv[0]);
	}
	u->by_filter = user_filter_possible();
	c->pid = fork();
	if (c->pid == 0) {
		close(go[1]);
		child(u, &found, go[0], failure[1]);
	}
	close(go[0]);
	close(failure[1]);
	c->go = go[1];
	c->failure = failure[0];
	if (c->pid < 0)
		c->pid = 0;
	if (!c->pid || said(c->failure, &ready))
		return err_set(e, -EAGAIN, USER_ROOM, "'%s' cannot be started", argv[0]);
	return 0;
}

int user_release(void *self, struct err *e)
{
	struct engine *u = self;
	struct user_command *c = &u->cmd;
	int error = 0, none;
	char byte = 1;

	if (!c->pid || c->released)
		return 0;
	c->released = true;
	if (write(c->go, &byte, 1) != 1)
		return err_set(e, -errno, USER_ROOM, "the command cannot be continued: %m");
	/* The pipe closes when execve succeeds. */
	none = said(c->failure, &error);
	close(c->failure);
	close(c->go);
	c->failure = c->go = -1;
	return none ? 0
		    : err_set(e, -error, USER_ROOM, "'%s' cannot be run: %s", c->path,
			      strerror(error));
}

u32 user_command_pid(void *self)
{
	struct engine *u = self;

	return (u32)u->cmd.pid;
}

int user_command_status(void *self)
{
	struct engine *u = self;
	struct user_command *c = &u->cmd;
	int status;
	pid_t got;

	if (!c->pid || c->status >= 0)
		return c->status;
	do
		got = waitpid(c->pid, &status, WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got == c->pid)
		c->status = status;
	else if (got < 0)
		c->status = 0; /* somebody else in this process has collected it */
	return c->status;
}

void user_command_close(struct engine *u)
{
	struct user_command *c = &u->cmd;
	int status = 0;

	if (c->go >= 0)
		close(c->go);
	if (c->pid && !c->released && c->status < 0) {
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
		c->status = status;
	}
	user_command_status(u);
	if (c->failure >= 0)
		close(c->failure);
	*c = (struct user_command){ .status = -1, .go = -1, .failure = -1 };
}
