/* `bench/jit build/bench/jit_kernels.o`: compute kernels run natively and by our JIT (and the interpreter), the same C
 * source, thread CPU time, the best of many rounds that are interleaved in one process. Compare: docs/benchmarks.md.
 * Also how long compiling takes and what a program call costs.
 */
#include <elf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <time.h>

#include "base/base.h"
#include "isa/isa.h"
#include "jit/jit.h"

#include "jit_kernels.h"

#define MEM 4096
static const struct { const char *name; u64 (*native)(u8 *); } kernels[] = {
	{ "k_checksum", k_checksum }, { "k_fnv", k_fnv },         { "k_siphash", k_siphash },
	{ "k_xorshift", k_xorshift }, { "k_primes", k_primes },   { "k_sieve", k_sieve },
	{ "k_strings", k_strings },   { "k_tokens", k_tokens },   { "k_table", k_table },
	{ "k_matrix", k_matrix },     { "k_calls", k_calls },     { "k_packets", k_packets },
	{ "k_crc", k_crc },           { "k_sort", k_sort },
};

static u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec;
}

static void fill(u8 *m)
{
	static const char text[] = "if (count_1 < 4096) { total += price * 17; } else emit(x, 3);\n";

	memset(m, 0, MEM);
	for (u32 i = 0; i < 1024; i++)
		m[i] = m[1024 + i] = (u8)text[i % (sizeof(text) - 1)];
}

/* Packets and numbers want other contents. */
static void fill_for(u8 *m, const char *name)
{
	u64 x = 88172645463325252;

	fill(m);
	if (strcmp(name, "k_packets") == 0) {
		for (u32 i = 0; i < 32; i++) {
			u8 *p = m + i * 64;

			p[12] = 8, p[13] = i % 7 == 0;
			p[14] = 0x45, p[23] = i % 3 ? 6 : 17;
		}
	} else if (strcmp(name, "k_tokens") && strcmp(name, "k_strings")) {
		for (u32 i = 0; i < 2048; i++) {
			x ^= x << 13, x ^= x >> 7, x ^= x << 17;
			m[i] = (u8)(x >> 20);
		}
	}
}

/* ---- the object: sections of code, functions of .text appended behind --------------------------- */

struct object { u8 *bytes; Elf64_Ehdr *eh; Elf64_Shdr *sh; const char *names; };

static int section(const struct object *o, const char *name)
{
	for (int i = 0; i < o->eh->e_shnum; i++)
		if (strcmp(o->names + o->sh[i].sh_name, name) == 0)
			return i;
	return -1;
}

static u32 load(const struct object *o, const char *name, struct isa_insn *out)
{
	char full[64] = "s_";
	int at = section(o, strncat(full, name, sizeof(full) - 3)), text = section(o, ".text");
	u32 n = (u32)(o->sh[at].sh_size / 8), n_text = text > 0 ? (u32)(o->sh[text].sh_size / 8) : 0;
	bool linked = false;

	memcpy(out, o->bytes + o->sh[at].sh_offset, n * 8);
	for (u32 i = 0; i < n; i++) {
		if (out[i].code != (ISA_JMP | ISA_CALL))
			continue;
		/* -1 and a relocation against .text (offset + imm) or a symbol: found by its value. */
		for (int r = 0; r < o->eh->e_shnum; r++) {
			const Elf64_Rel *rel = (const void *)(o->bytes + o->sh[r].sh_offset);

			if (o->sh[r].sh_type != SHT_REL || (int)o->sh[r].sh_info != at)
				continue;
			for (u32 k = 0; k < o->sh[r].sh_size / sizeof(*rel); k++) {
				const Elf64_Sym *sym =
					(const void *)(o->bytes + o->sh[o->sh[r].sh_link].sh_offset);

				sym += ELF64_R_SYM(rel[k].r_info);
				if (rel[k].r_offset != i * 8)
					continue;
				if (ELF64_ST_TYPE(sym->st_info) == STT_SECTION)
					out[i].imm = (s32)(n + (u32)(out[i].imm + 1) - i - 1);
				else
					out[i].imm = (s32)(n + sym->st_value / 8 - i - 1);
				linked = true;
			}
		}
	}
	if (!linked)
		return n;
	memcpy(out + n, o->bytes + o->sh[text].sh_offset, n_text * 8);
	return n + n_text;
}

static void read_object(struct object *o, const char *path)
{
	FILE *f = fopen(path, "rb");

	o->bytes = malloc(1 << 20);
	if (!f || !fread(o->bytes, 1, 1 << 20, f)) {
		fprintf(stderr, "bench/jit: cannot read %s\n", path);
		exit(1);
	}
	fclose(f);
	o->eh = (void *)o->bytes;
	o->sh = (void *)(o->bytes + o->eh->e_shoff);
	o->names = (char *)o->bytes + o->sh[o->eh->e_shstrndx].sh_offset;
}

/* ---- measuring ---------------------------------------------------------------------------------- */

struct row { double native, jit, interp; u32 insns, bytes; };
struct program { struct vm_prog *p; struct jit_code *c; struct vm_thread *t; };

static double per_run(u64 (*native)(u8 *), const struct program *x, bool interp, u8 *m, u32 n)
{
	struct vm_limits limits = { 0 };
	struct err e;
	jit_fn fn = x ? jit_entry(x->c) : NULL;
	u64 before = now(), r;

	for (u32 i = 0; i < n; i++) {
		if (native)
			r = native(m);
		else if (!interp)
			r = fn(m, x->t);
		else if (vm_run(x->p, x->t, m, MEM, &limits, &r, &e) < 0)
			abort();
		__asm__ volatile("" ::"r"(r) : "memory");
	}
	return (double)(now() - before) / n;
}

static double less(double a, double b) { return a == 0 || b < a ? b : a; }

static bool measure(const struct object *o, u32 k, struct row *row, double *out_compile)
{
	static struct isa_insn code[4096];
	static u8 m[MEM] __attribute__((aligned(64)));
	struct program x = { .t = vm_thread_new(0) };
	struct vm_spec spec = { .insns = code, .n = load(o, kernels[k].name, code) };
	struct vm_limits limits = { 0 };
	struct err e = { 0 };
	u64 want, got = 0, mid = 0;
	u32 n;

	if (vm_prog_new(&spec, &x.p, &e) < 0 || jit_compile(x.p, NULL, &x.c, &e) < 0) {
		fprintf(stderr, "%s: %s\n", kernels[k].name, e.msg);
		return false;
	}
	row->insns = spec.n;
	row->bytes = jit_size(x.c);
	fill_for(m, kernels[k].name);
	want = kernels[k].native(m);
	fill_for(m, kernels[k].name);
	got = jit_entry(x.c)(m, x.t);
	fill_for(m, kernels[k].name);
	if (vm_run(x.p, x.t, m, MEM, &limits, &mid, &e) < 0 || got != want || mid != want) {
		fprintf(stderr, "%s: native %lx, jit %lx, interpreter %lx\n", kernels[k].name, want,
			got, mid);
		return false;
	}
	n = (u32)(1000000 / (per_run(kernels[k].native, NULL, false, m, 100) + 1)) + 1;
	for (u32 round = 0; round < 31; round++) {
		row->native = less(row->native, per_run(kernels[k].native, NULL, false, m, n));
		row->jit = less(row->jit, per_run(NULL, &x, false, m, n));
		if (round % 8 == 0)
			row->interp = less(row->interp, per_run(NULL, &x, true, m, n / 16 + 1));
	}
	for (u32 round = 0; round < 200; round++) {
		struct arena *a = arena_new(NULL);
		u64 before = now();
		str text;

		if (jit_compile_for("x86-64", a, x.p, NULL, &text, &e) == 0)
			*out_compile = less(*out_compile, (double)(now() - before));
		arena_free(a);
	}
	jit_free(x.c);
	vm_prog_free(x.p);
	vm_thread_free(x.t);
	return true;
}

int main(int argc, char **argv)
{
	struct object o;
	double geo = 0, geo_interp = 0, compile_all = 0;
	u32 insns = 0;
	const char *save = argc > 2 ? argv[2] : NULL;

	if (argc < 2) {
		fprintf(stderr, "usage: bench/jit KERNELS.o [NAME]\n");
		return 2;
	}
	read_object(&o, argv[1]);
	printf("%-12s %6s %6s %10s %10s %7s %10s %7s\n", "kernel", "insns", "bytes", "native ns",
	       "jit ns", "jit/n", "interp ns", "int/n");
	for (u32 k = 0; k < ARRAY_LEN(kernels); k++) {
		struct row row = { 0 };
		double compile = 0;

		if (save && strcmp(save, kernels[k].name))
			continue;
		if (!measure(&o, k, &row, &compile))
			return 1;
		printf("%-12s %6u %6u %10.1f %10.1f %7.3f %10.0f %7.1f\n", kernels[k].name,
		       row.insns, row.bytes, row.native, row.jit, row.jit / row.native, row.interp,
		       row.interp / row.native);
		geo += log(row.jit / row.native);
		geo_interp += log(row.interp / row.native);
		compile_all += compile;
		insns += row.insns;
	}
	printf("geometric mean: jit %.3f, interpreter %.1f; compiling 100 instructions: %.1f us\n",
	       exp(geo / ARRAY_LEN(kernels)), exp(geo_interp / ARRAY_LEN(kernels)),
	       compile_all / insns / 10);
	return 0;
}
