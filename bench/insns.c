/* `build/bench/insns ours.c theirs.o` (bench/run builds both from bench/jit_kernels.h): BPF instructions executed by the
 * same C, compiled by skep and by clang -O2 -target bpf, in the interpreter, and instructions emitted. Counts, not times:
 * they are the same on every machine. Results are compared as programs' results are: 32 bits.
 */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/session.h"

enum { MEM = 4096 };

static const char *const kernels[] = { "k_checksum", "k_fnv", "k_siphash", "k_xorshift", "k_primes",
				       "k_sieve", "k_strings", "k_tokens", "k_table", "k_matrix",
				       "k_calls", "k_packets", "k_crc", "k_sort" };

static void fill(u8 *m)
{
	static const char text[] = "if (count_1 < 4096) { total += price * 17; } else emit(x, 3);\n";

	memset(m, 0, MEM);
	for (u32 i = 0; i < 1024; i++)
		m[i] = m[1024 + i] = (u8)text[i % (sizeof(text) - 1)];
}

struct count { u64 executed, result; u32 emitted; };

static struct count measure(const char *path, const char *name)
{
	static const u64 budget = 1000000000;
	struct skep_options o = { .sz = sizeof(o), .unverified = 1, .budget = budget,
				  .execution = SKEP_INTERPRETER };
	struct skep *s = skep_open(&o);
	struct skep_program *p;
	struct count c = { 0 };
	static u8 m[MEM] __attribute__((aligned(4096)));
	struct obj_image image;
	struct err e = { 0 };
	int r;

	fill(m);
	r = skep_load_file(s, path, SKEP_AUTO);
	r = r ? r : skep_program(s, name, &p);
	r = r ? r : skep_call(p, NULL, m, sizeof(m), &c.result);
	if (r) {
		fprintf(stderr, "bench/insns: %s %s: %d %s\n%s", path, name, r, skep_error(s),
			skep_diagnostics(s, 0));
		exit(1);
	}
	c.executed = budget - *vm_thread_budget(s->thread);
	for (u32 i = 0; i < s->obj->progs.n; i++)
		if (str_is(s->obj->funcs.at[s->obj->progs.at[i].func].name, name) &&
		    !obj_link(s->a, s->obj, i, &image, &e))
			c.emitted = image.n;
	skep_close(s);
	return c;
}

int main(int argc, char **argv)
{
	double product = 0, emitted = 0;

	if (argc != 3)
		return 2;
	printf("  %-12s %12s %12s %7s   %s\n", "", "skep", "clang -O2", "ratio", "emitted");
	for (u32 i = 0; i < ARRAY_LEN(kernels); i++) {
		struct count ours = measure(argv[1], kernels[i]);
		struct count theirs = measure(argv[2], kernels[i]);
		double ratio = (double)ours.executed / (double)theirs.executed;

		product += log(ratio);
		emitted += log((double)ours.emitted / (double)theirs.emitted);
		printf("  %-12s %12llu %12llu %7.3f   %u / %u%s\n", kernels[i],
		       (unsigned long long)ours.executed, (unsigned long long)theirs.executed, ratio,
		       ours.emitted, theirs.emitted,
		       (u32)ours.result == (u32)theirs.result ? "" : "   DIFFERENT RESULTS");
	}
	printf("  %-12s %33.3f   %.3f\n", "geomean", exp(product / ARRAY_LEN(kernels)),
	       exp(emitted / ARRAY_LEN(kernels)));
	return 0;
}
