/* Runs a fuzz harness without libFuzzer: the files named, or the seeds of a folder (-s) and a fixed
 * number (-n) of inputs that are made by changing them. The same inputs on every machine.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { INPUT_BYTES = 16384, N_SEEDS = 256 };

struct input {
	uint8_t *at;
	size_t n;
};
struct pool {
	struct input seeds[N_SEEDS];
	unsigned n;
	uint64_t random;
};

static uint64_t next(struct pool *p)
{
	p->random ^= p->random << 13;
	p->random ^= p->random >> 7;
	p->random ^= p->random << 17;
	return p->random * 0x2545f4914f6cdd1dull >> 16;
}

static size_t below(struct pool *p, size_t n)
{
	return n ? next(p) % n : 0;
}

static int read_file(const char *path, struct input *out)
{
	FILE *f = fopen(path, "rb");

	if (!f) {
		perror(path);
		return -1;
	}
	out->at = malloc(INPUT_BYTES);
	out->n = out->at ? fread(out->at, 1, INPUT_BYTES, f) : 0;
	fclose(f);
	return out->at ? 0 : -1;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* In the order of their names, whatever the file system says. */
static int read_seeds(struct pool *p, const char *folder)
{
	char *names[N_SEEDS], path[4096];
	unsigned n = 0;
	struct dirent *e;
	DIR *d = opendir(folder);

	if (!d) {
		perror(folder);
		return -1;
	}
	while ((e = readdir(d)) && n < N_SEEDS)
		if (e->d_name[0] != '.')
			names[n++] = strdup(e->d_name);
	closedir(d);
	qsort(names, n, sizeof(*names), by_name);
	for (unsigned i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/%s", folder, names[i]);
		free(names[i]);
		if (read_file(path, &p->seeds[p->n]))
			return -1;
		p->n++;
	}
	return p->n ? 0 : -1;
}

static void change(struct pool *p, struct input *x)
{
	static const uint8_t edges[] = { 0, 1, 2, 7, 8, 15, 16, 31, 32, 63, 64, 127, 128, 254, 255 };
	const struct input *other = &p->seeds[below(p, p->n)];
	size_t at = below(p, x->n), len;

	switch (below(p, 7)) {
	case 0:
		if (x->n)
			x->at[at] ^= (uint8_t)(1u << below(p, 8));
		break;
	case 1:
		if (x->n)
			x->at[at] = edges[below(p, sizeof(edges))];
		break;
	case 2:
		if (x->n)
			x->at[at] = (uint8_t)next(p);
		break;
	case 3: x->n = at; break;
	case 4: /* a part goes; often one that begins and ends at 8 */
		len = below(p, 2) ? 8 : below(p, 16);
		if (at + len <= x->n) {
			memmove(x->at + at, x->at + at + len, x->n - at - len);
			x->n -= len;
		}
		break;
	case 5: /* a part of another seed comes in */
		len = below(p, other->n < 64 ? other->n : 64);
		if (x->n + len <= INPUT_BYTES) {
			memmove(x->at + at + len, x->at + at, x->n - at);
			memcpy(x->at + at, other->at + below(p, other->n - len), len);
			x->n += len;
		}
		break;
	default:
		for (unsigned k = 0; k < 8 && at + k < x->n; k++)
			x->at[at + k] = (uint8_t)next(p);
		break;
	}
}

/* In a block of its own size, so that a read behind its end is found. */
static void run(const struct input *x)
{
	uint8_t *exact = malloc(x->n ? x->n : 1);

	if (!exact)
		return;
	memcpy(exact, x->at, x->n);
	LLVMFuzzerTestOneInput(exact, x->n);
	free(exact);
}

int main(int argc, char **argv)
{
	static struct pool p = { .random = 0x9e3779b97f4a7c15ull };
	static uint8_t work[INPUT_BYTES];
	unsigned long runs = 0;
	int i = 1;

	if (argc > 4 && !strcmp(argv[1], "-s") && !strcmp(argv[3], "-n")) {
		if (read_seeds(&p, argv[2]))
			return 1;
		runs = strtoul(argv[4], NULL, 10);
		i = 5;
	}
	for (; i < argc; i++) {
		if (p.n == N_SEEDS || read_file(argv[i], &p.seeds[p.n]))
			return 1;
		p.n++;
	}
	for (unsigned k = 0; k < p.n; k++)
		run(&p.seeds[k]);
	for (unsigned long k = 0; k < runs; k++) {
		const struct input *seed = &p.seeds[below(&p, p.n)];
		struct input x = { work, seed->n };

		memcpy(work, seed->at, seed->n);
		for (size_t c = 1 + below(&p, 6); c; c--)
			change(&p, &x);
		run(&x);
	}
	for (unsigned k = 0; k < p.n; k++)
		free(p.seeds[k].at);
	printf("%lu inputs\n", p.n + runs);
	return 0;
}
