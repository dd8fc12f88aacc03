/* marked.c: a program with USDT markers (needs sys/sdt.h; without it there are none): skep:step 10 times, from an inlined function that
 * stands in two places; skep:done once. With -DCOUNTED each has a counter, and step is passed only while that is above 0. It prints how often
 * it was. */
#include <stdio.h>

#if __has_include(<sys/sdt.h>)
#ifdef COUNTED
#define _SDT_HAS_SEMAPHORES 1
unsigned short skep_step_semaphore __attribute__((section(".probes"), used));
unsigned short skep_done_semaphore __attribute__((section(".probes"), used));
#define LOOKS(name) __builtin_expect(*(volatile unsigned short *)&skep_##name##_semaphore, 0)
#else
#define LOOKS(name) 1
#endif
#include <sys/sdt.h>
#define MARK(name, x) DTRACE_PROBE1(skep, name, x)
#else
#define LOOKS(name) 0
#define MARK(name, x) (void)(x)
#endif

static int passed;

static inline __attribute__((always_inline)) void step(int i)
{
	if (LOOKS(step)) {
		passed++;
		MARK(step, i);
	}
}

int main(void)
{
	for (int i = 0; i < 7; i++)
		step(i);
	for (int i = 0; i < 3; i++)
		step(100 + i);
	MARK(done, passed);
	printf("passed %d\n", passed);
	return 0;
}
