/* command: the traced command, started stopped and let go when everything is attached.
 *
 * The child does all its preparation, then stops itself with SIGSTOP: the next system call that it
 * makes is execve, so the programs see the command from its first instruction and nothing of skep.
 * It has its final name by then (PR_SET_NAME), since execve's own event still shows the old one.
 * Default signal dispositions and an empty mask are set; session, process group and terminal stay
 * skep's.
 *
 * A failing execve sends its errno through a close-on-exec pipe, and release() reports it.
 *
 * When skep dies the command goes on: it is the user's, not skep's. Only while it is still stopped
 * does closing the engine end it. Forwarding signals is left to the command line.
 */
#include "kern/room.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

int kern_pidfd(pid_t pid)
{
	int fd = (int)syscall(SYS_pidfd_open, pid, 0);

	return fd < 0 ? -1 : fd;
}

/* ---- the child ------------------------------------------------------------------------------ */

struct start {
	const struct rt_command *c;
	int failure;
};

/* Between fork and exec of a process that may have threads: async-signal-safe calls only. */
__attribute__((noreturn)) static void child(const struct start *s)
{
	static const int signals[] = { SIGINT,	SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD, SIGHUP,
				       SIGUSR1, SIGUSR2, SIGALRM, SIGTSTP, SIGTTIN, SIGTTOU };
	sigset_t none;
	int error;

	for (u32 i = 0; i < ARRAY_LEN(signals); i++)
		signal(signals[i], SIG_DFL);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	prctl(PR_SET_NAME, s->c->name);
	syscall(SYS_tgkill, getpid(), (pid_t)syscall(SYS_gettid), SIGSTOP);
	execve(s->c->path, s->c->argv, environ);
	error = errno;
	/* A script without #! is the shell's (execvp(3)). */
	if (error == ENOEXEC)
		execve("/bin/sh", s->c->shell, environ);
	if (write(s->failure, &error, sizeof(error)) < 0)
		_exit(126);
	_exit(127);
}

/* A child inside the group from its birth: moving it there afterwards waits for a grace period of
 * the kernel, some ten milliseconds. Negative where the kernel (before 5.7) or the group does not
 * allow it. */
static pid_t fork_into(int group)
{
	struct clone_args args = { .flags = CLONE_INTO_CGROUP,
				   .exit_signal = SIGCHLD,
				   .cgroup = (u64)group };

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

/* Forks; *out_inside tells whether the child is in the scope already. */
static pid_t fork_child(struct kern *k, bool *out_inside)
{
	pid_t pid = k->guard == KERN_GUARD_CGROUP ? fork_into(k->group.dir) : -1;

	*out_inside = pid >= 0;
	return pid >= 0 ? pid : fork();
}

/* Waits until the child has stopped itself. */
static int wait_stopped(struct kern_command *c)
{
	int status;

	while (waitpid(c->pid, &status, WUNTRACED) < 0)
		if (errno != EINTR)
			return -errno;
	if (WIFSTOPPED(status))
		return 0;
	c->status = status;
	c->pid = 0;
	return -ECHILD;
}

int kern_command(void *self, char *const argv[], struct err *e)
{
	struct kern *k = self;
	struct kern_command *c = &k->cmd;
	struct rt_command found;
	struct start s;
	bool is_inside;
	int pipes[2], err;

	if (!argv || !argv[0] || c->pid)
		return err_set(e, -EINVAL, KERN_ROOM, "no command, or a second one");
	err = rt_command_find(k->a, argv, &found, e);
	if (err)
		return err;
	c->path = found.path;
	s.c = &found;
	if (pipe2(pipes, O_CLOEXEC))
		return err_set(e, -errno, KERN_ROOM, "'%s' cannot be run: %m", argv[0]);
	s.failure = pipes[1];
	c->pid = fork_child(k, &is_inside);
	if (c->pid == 0)
		child(&s);
	err = c->pid < 0 ? -errno : 0;
	close(pipes[1]);
	c->failure = pipes[0];
	if (err)
		c->pid = 0;
	if (!err)
		err = wait_stopped(c);
	if (err)
		return err_set(e, err, KERN_ROOM, "'%s' cannot be started: %s", argv[0],
			       strerror(-err));
	c->pidfd = kern_pidfd(c->pid);
	return is_inside ? 0 : kern_scope_add(k, c->pid, e);
}

/* ---- letting it go -------------------------------------------------------------------------- */

int kern_release(void *self, struct err *e)
{
	struct kern *k = self;
	struct kern_command *c = &k->cmd;
	int error = 0;
	ssize_t got;

	if (!c->pid || c->released)
		return 0;
	c->released = true;
	if (kill(c->pid, SIGCONT))
		return err_set(e, -errno, KERN_ROOM, "the command cannot be continued: %m");
	/* The pipe closes when execve succeeds. */
	do
		got = read(c->failure, &error, sizeof(error));
	while (got < 0 && errno == EINTR);
	close(c->failure);
	c->failure = -1;
	if (got != sizeof(error))
		return 0;
	return err_set(e, -error, KERN_ROOM, "'%s' cannot be run: %s", c->path, strerror(error));
}

bool kern_command_ended(struct kern *k)
{
	struct kern_command *c = &k->cmd;
	int status;
	pid_t got;

	if (!c->pid)
		return false;
	if (c->status >= 0)
		return true;
	do
		got = waitpid(c->pid, &status, WNOHANG);
	while (got < 0 && errno == EINTR);
	if (got == c->pid)
		c->status = status;
	else if (got < 0)
		c->status = 0; /* somebody else in this process has collected it */
	return c->status >= 0;
}

u32 kern_command_pid(void *self)
{
	struct kern *k = self;

	return (u32)k->cmd.pid;
}

int kern_command_status(void *self)
{
	struct kern *k = self;

	kern_command_ended(k);
	return k->cmd.status;
}

void kern_command_close(struct kern *k)
{
	struct kern_command *c = &k->cmd;
	int status = 0;

	if (c->pid && !c->released && c->status < 0) {
		kill(c->pid, SIGKILL);
		while (waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
			;
		c->status = status;
	}
	/* A command that was let go runs on; where it has ended nothing of it is left behind. */
	kern_command_ended(k);
	if (c->failure >= 0)
		close(c->failure);
	if (c->pidfd >= 0)
		close(c->pidfd);
	*c = (struct kern_command){ .pidfd = -1, .failure = -1, .status = -1 };
}
