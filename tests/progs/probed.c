/* probed.c: functions to be probed: called 10 + 4 * 100 + 2 times (leaf, by main, four threads and a child), recursive (fact, 10 deep), left
 * by longjmp (jumper, 3 * 6 times), and in a library that is loaded while the program runs (lib_fn, 7 times), whose path is the argument. With
 * -DLIB it is that library. `probed loop N` calls leaf N times. `probed wait`: prints "ready", and calls leaf for each line on stdin. */
#ifdef LIB
extern int lib_count;
int lib_count;
int lib_fn(int x);

int lib_fn(int x)
{
	lib_count += x;
	return x * 2;
}
#else
#include <dlfcn.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

int leaf(int x);
int fact(int n);
void jumper(int n);

static int global;
static jmp_buf env;

__attribute__((noinline)) int leaf(int x)
{
	return global += x;
}

__attribute__((noinline)) int fact(int n)
{
	return n <= 1 ? 1 : n * fact(n - 1) + (global & 0);
}

__attribute__((noinline)) void jumper(int n)
{
	if (n == 0)
		longjmp(env, 1);
	jumper(n > 0 ? n - 1 : 0);
	global++;
}

static void *thread(void *arg)
{
	for (int i = 0; i < 100; i++)
		leaf(i);
	return arg;
}

static int library(const char *path)
{
	void *lib = dlopen(path, RTLD_NOW);
	int (*fn)(int) = lib ? (int (*)(int))dlsym(lib, "lib_fn") : NULL;

	for (int i = 0; fn && i < 7; i++)
		if (fn(i) != 2 * i)
			return 3;
	return fn ? 0 : 2;
}

static int lines(void)
{
	char line[16];

	puts("ready");
	fflush(stdout);
	while (fgets(line, sizeof(line), stdin))
		leaf(1);
	return 0;
}

int main(int argc, char **argv)
{
	pthread_t ids[4];

	if (argc > 1 && !strcmp(argv[1], "wait"))
		return lines();
	if (argc > 2 && !strcmp(argv[1], "loop")) {
		for (long i = atol(argv[2]); i > 0; i--)
			leaf(1);
		return 0;
	}
	for (int i = 0; i < 10; i++)
		leaf(i);
	if (fact(10) != 3628800)
		return 1;
	for (volatile int i = 0; i < 3; i++)
		if (!setjmp(env))
			jumper(5);
	for (int i = 0; i < 4; i++)
		pthread_create(&ids[i], NULL, thread, NULL);
	for (int i = 0; i < 4; i++)
		pthread_join(ids[i], NULL);
	if (fork() == 0) {
		leaf(1);
		leaf(2);
		_exit(0);
	}
	wait(NULL);
	return argc > 1 ? library(argv[1]) : 0;
}
#endif
