/* filter: prints the records on stdin ("UID SIZE NAME" a line) that a BPF program lets through.
 *
 *	cc filter.c -o filter $(pkg-config --cflags --libs skep)
 *	./filter large.c < records
 *
 * The program comes from whoever runs this, and may be hostile: skep verifies it, makes it native code, and gives it
 * the record and nothing else. No rights are needed. */
#include <skep/skep.h>
#include <stdio.h>
#include <string.h>

struct record { uint32_t uid, size; char name[24]; };

static int complain(struct skep *s, const char *what)
{
	fprintf(stderr, "%s%s%s\n", skep_diagnostics(s, 0), skep_error(s), what);
	skep_close(s);
	return 1;
}

static void print_counts(struct skep *s)
{
	int map = skep_map_find(s, "sizes");
	uint32_t key, *from = NULL;
	uint64_t sum;

	for (; map >= 0 && skep_map_next(s, map, from, &key) == 0; from = &key)
		if (skep_map_lookup(s, map, &key, &sum) == 0)
			printf("uid %u: %llu bytes\n", key, (unsigned long long)sum);
}

int main(int argc, char **argv)
{
	struct skep_options o = { .sz = sizeof(o), .mem_size = sizeof(struct record), .budget = 100000 };
	struct skep_program *program;
	struct skep *s = skep_open(&o);
	struct record r = { 0 };
	uint64_t keep;

	if (!s || argc != 2)
		return complain(s, "usage: filter PROGRAM < RECORDS");
	if (skep_load_file(s, argv[1], SKEP_AUTO) < 0 || skep_program(s, NULL, &program) < 0)
		return complain(s, "");
	while (scanf("%u %u %23s", &r.uid, &r.size, r.name) == 3) {
		if (skep_call(program, NULL, &r, sizeof(r), &keep) < 0)
			return complain(s, "the program ran too long");
		if (keep)
			printf("%u %u %s\n", r.uid, r.size, r.name);
		memset(&r, 0, sizeof(r));
	}
	print_counts(s);
	skep_close(s);
	return 0;
}
