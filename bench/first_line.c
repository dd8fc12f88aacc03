/* first_line.c: how long until a command prints its first line, and what memory it takes.
 *
 *	first_line RUNS MATCH -- COMMAND ARG…
 *
 * Starts the command RUNS times (after one run that is not counted), reads its standard output until a line holds MATCH, and
 * prints medians (runs are half a second apart: a kernel that has just detached a tracepoint makes the next one to attach it wait
 * for an RCU grace period, which is not the command's time): milliseconds from fork to that line, milliseconds to the end, and the peak resident memory of the
 * process in KiB (wait4's ru_maxrss: the largest process of its tree). */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct run { double first, total; long rss; };

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int run_once(char **argv, const char *match, struct run *out)
{
	int fds[2], status;
	double start = now_ms();
	struct rusage use;
	char line[4096];
	pid_t pid;
	FILE *in;

	if (pipe(fds))
		return -1;
	pid = fork();
	if (pid == 0) {
		dup2(fds[1], 1);
		close(fds[0]);
		close(fds[1]);
		if (!freopen("/dev/null", "w", stderr))
			_exit(126);
		execvp(argv[0], argv);
		_exit(127);
	}
	close(fds[1]);
	in = fdopen(fds[0], "r");
	out->first = 0;
	while (in && fgets(line, sizeof(line), in))
		if (out->first == 0 && strstr(line, match))
			out->first = now_ms() - start;
	if (in)
		fclose(in);
	if (wait4(pid, &status, 0, &use) != pid || out->first == 0)
		return -1;
	out->total = now_ms() - start;
	out->rss = use.ru_maxrss;
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->first < y->first ? -1 : x->first > y->first;
}

static int by_total(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->total < y->total ? -1 : x->total > y->total;
}

static int by_rss(const void *a, const void *b)
{
	const struct run *x = a, *y = b;

	return x->rss < y->rss ? -1 : x->rss > y->rss;
}

int main(int argc, char **argv)
{
	int n = argc > 4 ? atoi(argv[1]) : 0;
	struct run *runs = calloc((size_t)n + 1, sizeof(*runs)), *counted = runs + 1;
	double first, total;

	if (n < 1 || !runs) {
		fprintf(stderr, "usage: first_line RUNS MATCH -- COMMAND ARG…\n");
		return 2;
	}
	for (int i = 0; i <= n; i++) {
		usleep(500000);
		if (run_once(argv + 4, argv[2], &runs[i])) {
			printf("failed\n");
			return 1;
		}
	}
	qsort(counted, (size_t)n, sizeof(*counted), by_first);
	first = counted[n / 2].first;
	qsort(counted, (size_t)n, sizeof(*counted), by_total);
	total = counted[n / 2].total;
	qsort(counted, (size_t)n, sizeof(*counted), by_rss);
	printf("%.2f ms to the first line, %.2f ms in all, %ld KiB\n", first, total, counted[n / 2].rss);
	free(runs);
	return 0;
}
