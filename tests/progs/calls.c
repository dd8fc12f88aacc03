/* calls.c: `calls N [THREADS]`: each thread makes N getppid calls. `calls exec N`: N children, one execve each. `calls
 * open N PATH`: N openat calls of PATH. `calls wait`: prints "ready" and waits for a line on stdin, then makes 100 getppid
 * calls: for attaching to what runs. */
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void *calls(void *arg)
{
	for (long i = (long)arg; i > 0; i--)
		syscall(SYS_getppid);
	return NULL;
}

static int run_threads(long n, int threads)
{
	pthread_t ids[64];

	for (int i = 0; i < threads && i < 64; i++)
		if (pthread_create(&ids[i], NULL, calls, (void *)n))
			return 1;
	for (int i = 0; i < threads && i < 64; i++)
		pthread_join(ids[i], NULL);
	return 0;
}

static int run_execs(char *self, int n)
{
	char zero[] = "0", *argv[] = { self, zero, NULL };
	int status;

	for (int i = 0; i < n; i++) {
		pid_t pid = fork();

		if (pid == 0) {
			execv(self, argv);
			_exit(127);
		}
		if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
			return 1;
	}
	return 0;
}

static int run_opens(int n, const char *path)
{
	for (int i = 0; i < n; i++) {
		long fd = syscall(SYS_openat, AT_FDCWD, path, O_RDONLY, 0);

		if (fd < 0)
			return 1;
		close((int)fd);
	}
	return 0;
}

static int run_wait(void)
{
	char line[8];

	puts("ready");
	fflush(stdout);
	if (!fgets(line, sizeof(line), stdin))
		return 1;
	calls((void *)100);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc > 2 && !strcmp(argv[1], "exec"))
		return run_execs(argv[0], atoi(argv[2]));
	if (argc > 3 && !strcmp(argv[1], "open"))
		return run_opens(atoi(argv[2]), argv[3]);
	if (argc > 1 && !strcmp(argv[1], "wait"))
		return run_wait();
	if (argc > 2)
		return run_threads(atol(argv[1]), atoi(argv[2]));
	calls((void *)(argc > 1 ? atol(argv[1]) : 0));
	return 0;
}
