/* burn.c: `burn MS`: computes for so many milliseconds of its own time. */
#include <stdlib.h>
#include <time.h>

int main(int argc, char **argv)
{
	volatile unsigned long x = 0;
	clock_t end = clock() + (argc > 1 ? atol(argv[1]) : 100) * (CLOCKS_PER_SEC / 1000);

	while (clock() < end)
		for (int i = 0; i < 10000; i++)
			x += (unsigned long)i * x;
	return 0;
}
