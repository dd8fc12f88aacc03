/* mixed.c: a known number of getppid calls from every kind of process: 10 itself, 20 in a signal handler, 5 after fork, 6 after vfork
 * and exec, 7 in a clone with CLONE_UNTRACED, 8 in one without exit signal, 9 in each of 8 threads, 11 after an exec by a thread that
 * is not the first while others wait: 139. Each must give a number: a call that fails ends the program with 1.
 * `mixed forever`: the same without end. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static char *self;

static void calls(int n)
{
	while (n-- > 0)
		if (syscall(SYS_getppid) < 0)
			_exit(1);
}

static void on_signal(int sig)
{
	(void)sig;
	calls(1);
}

static void wait_for(pid_t pid)
{
	int status;

	if (pid < 0 || waitpid(pid, &status, __WALL) != pid || status)
		_exit(1);
}

static void *nine(void *arg)
{
	(void)arg;
	calls(9);
	return NULL;
}

static void *sleeper(void *arg)
{
	for (;;)
		pause();
	return arg;
}

static void *exec_eleven(void *arg)
{
	execl(self, self, "calls", "11", (char *)NULL);
	_exit(1);
	return arg;
}

static void odd_clone(unsigned long flags, int n)
{
	pid_t pid = (pid_t)syscall(SYS_clone, flags, 0, 0, 0, 0);

	if (pid == 0) {
		calls(n);
		_exit(0);
	}
	wait_for(pid);
}

static void processes(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		calls(5);
		_exit(0);
	}
	wait_for(pid);
	pid = vfork();
	if (pid == 0) {
		execl(self, self, "calls", "6", (char *)NULL);
		_exit(1);
	}
	wait_for(pid);
	odd_clone(CLONE_UNTRACED | SIGCHLD, 7);
	odd_clone(0, 8);
}

static void threads(void)
{
	pthread_t ids[8];

	for (int i = 0; i < 8; i++)
		if (pthread_create(&ids[i], NULL, nine, NULL))
			_exit(1);
	for (int i = 0; i < 8; i++)
		pthread_join(ids[i], NULL);
}

int main(int argc, char **argv)
{
	struct sigaction sa = { .sa_handler = on_signal };
	int forever = argc > 1 && !strcmp(argv[1], "forever");
	pthread_t id;

	self = argv[0];
	if (argc > 2 && !strcmp(argv[1], "calls")) {
		calls(atoi(argv[2]));
		return 0;
	}
	sigaction(SIGUSR1, &sa, NULL);
	do {
		calls(10);
		for (int i = 0; i < 20; i++)
			kill(getpid(), SIGUSR1);
		processes();
		threads();
	} while (forever);
	pthread_create(&id, NULL, sleeper, NULL);
	pthread_create(&id, NULL, exec_eleven, NULL);
	pause();
	return 1;
}
