/* `build/bench/jit build/bench/jit_kernels.o [KERNEL]` (bench/run builds both): compute kernels run natively, by our
 * JIT, by the interpreter and, where the process may load programs, by the kernel's JIT: the same C source, thread CPU
 * time (the kernel's own clock for the kernel), the best of many short rounds, interleaved in one process and spread
 * over its whole run, so that a busy neighbour hits all alike. Also what a program call costs over a native call, and
 * how long compiling takes. docs/benchmarks.md says what came out.
 */
#include <elf.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <math.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

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

/* ---- the kernel --------------------------------------------------------------------------------- */

static int bpf(int cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

/* The kernel's program: the memory is the value of an array, which becomes r1. -1 when it is refused. */
static int kernel_load(const struct isa_insn *code, u32 n, const u8 *m)
{
	static struct isa_insn whole[4100];
	union bpf_attr map = { .map_type = BPF_MAP_TYPE_ARRAY, .key_size = 4, .value_size = MEM, .max_entries = 1 };
	union bpf_attr update = { 0 }, load = { 0 };
	u32 key = 0;
	int fd = bpf(BPF_MAP_CREATE, &map), prog;

	if (fd < 0)
		return -1;
	update.map_fd = (u32)fd;
	update.key = (u64)(uintptr_t)&key;
	update.value = (u64)(uintptr_t)m;
	isa_ld_imm64(whole, ISA_R1, ISA_MAP_VALUE, (u32)fd);
	memcpy(whole + 2, code, n * sizeof(*code));
	load.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	load.insns = (u64)(uintptr_t)whole;
	load.insn_cnt = n + 2;
	load.license = (u64)(uintptr_t) "GPL";
	prog = bpf(BPF_MAP_UPDATE_ELEM, &update) < 0 ? -1 : bpf(BPF_PROG_LOAD, &load);
	close(fd);
	return prog < 0 ? -1 : prog;
}

/* Nanoseconds of one run, in whole ones; the result in *out. */
static double kernel_run(int prog, u32 n, u32 *out)
{
	u8 packet[64] = { 0 };
	union bpf_attr attr = { 0 };

	attr.test.prog_fd = (u32)prog;
	attr.test.data_in = (u64)(uintptr_t)packet;
	attr.test.data_size_in = sizeof(packet);
	attr.test.repeat = n;
	if (bpf(BPF_PROG_TEST_RUN, &attr) < 0)
		return 0;
	*out = attr.test.retval;
	return attr.test.duration;
}

/* ---- measuring ---------------------------------------------------------------------------------- */

enum { MAX_ROUNDS = 1000 };
struct row {
	const char *name;
	u64 (*native_fn)(u8 *);
	double native, jit, interp, kernel, compile; /* the best */
	double ratio[8 * MAX_ROUNDS];		     /* jit to native, of neighbours */
	u32 n_ratios;
	u32 insns, bytes, n;
	struct vm_prog *p;
	struct jit_code *c;
	int prog;
	u8 *m;
};

static double per_run(const struct row *x, struct vm_thread *t, char how, u32 n)
{
	struct vm_limits limits = { 0 };
	struct err e;
	jit_fn fn = jit_entry(x->c);
	u64 before = now(), r;

	for (u32 i = 0; i < n; i++) {
		if (how == 'n')
			r = x->native_fn(x->m);
		else if (how == 'j')
			r = fn(x->m, t);
		else if (vm_run(x->p, t, x->m, MEM, &limits, &r, &e) < 0)
			abort();
		__asm__ volatile("" ::"r"(r) : "memory");
	}
	return (double)(now() - before) / n;
}

static double less(double a, double b) { return a == 0 || (b > 0 && b < a) ? b : a; }

/* Everything that can run the kernel is made, and has to agree with the native code. */
static bool prepare(const struct object *o, struct row *x, struct vm_thread *t)
{
	static struct isa_insn code[4096];
	struct vm_spec spec = { .insns = code, .n = load(o, x->name, code) };
	struct vm_limits limits = { 0 };
	struct err e = { 0 };
	u64 want, got = 0, mid = 0;
	u32 ret = 0;

	if (vm_prog_new(&spec, &x->p, &e) < 0 || jit_compile(x->p, NULL, &x->c, &e) < 0) {
		fprintf(stderr, "%s: %s\n", x->name, e.msg);
		return false;
	}
	x->insns = spec.n;
	x->bytes = jit_size(x->c);
	x->m = aligned_alloc(4096, MEM);
	fill_for(x->m, x->name);
	x->prog = kernel_load(code, spec.n, x->m);
	want = x->native_fn(x->m);
	fill_for(x->m, x->name);
	got = jit_entry(x->c)(x->m, t);
	fill_for(x->m, x->name);
	if (vm_run(x->p, t, x->m, MEM, &limits, &mid, &e) < 0 || got != want || mid != want) {
		fprintf(stderr, "%s: native %lx, jit %lx, interpreter %lx\n", x->name, want, got, mid);
		return false;
	}
	if (x->prog >= 0 && kernel_run(x->prog, 1, &ret) > 0 && ret != (u32)want) {
		fprintf(stderr, "%s: native %x, kernel %x\n", x->name, (u32)want, ret);
		return false;
	}
	x->n = (u32)(50000 / (per_run(x, t, 'n', 100) + 1)) + 1;
	return true;
}

static void measure_round(struct row *x, struct vm_thread *t, u32 round)
{
	u32 ret;

	for (u32 k = 0; k < 8; k++) {
		double native = per_run(x, t, 'n', x->n), jit = per_run(x, t, 'j', x->n);

		x->native = less(x->native, native);
		x->jit = less(x->jit, jit);
		x->ratio[x->n_ratios++] = jit / native;
	}
	if (round % 4 == 0)
		x->interp = less(x->interp, per_run(x, t, 'i', x->n / 8 + 1));
	if (x->prog >= 0)
		x->kernel = less(x->kernel, kernel_run(x->prog, x->n * 4, &ret));
	for (u32 k = 0; k < 2; k++) {
		struct arena *a = arena_new(NULL);
		struct err e;
		u64 before = now();
		str text;

		if (jit_compile_for("x86-64", a, x->p, NULL, &text, &e) == 0)
			x->compile = less(x->compile, (double)(now() - before));
		arena_free(a);
	}
}

__attribute__((noinline)) static u64 nothing(u8 *m)
{
	(void)m;
	__asm__ volatile("");
	return 0;
}

/* What calling a program costs over calling a function, both through a pointer. */
static void measure_call(struct vm_thread *t)
{
	struct isa_insn code[2] = { isa_alu_imm(true, ISA_MOV, 0, 0), isa_exit() };
	struct vm_spec spec = { .insns = code, .n = 2 };
	static struct row x = { .native_fn = nothing };
	struct err e;

	if (vm_prog_new(&spec, &x.p, &e) < 0 || jit_compile(x.p, NULL, &x.c, &e) < 0)
		return;
	for (u32 round = 0; round < 500; round++) {
		x.native = less(x.native, per_run(&x, t, 'n', 20000));
		x.jit = less(x.jit, per_run(&x, t, 'j', 20000));
	}
	printf("a call: native %.2f ns, program %.2f ns\n", x.native, x.jit);
	jit_free(x.c);
	vm_prog_free(x.p);
}

static int by_size(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/* The median over all pairs of neighbours: the clock of the machine changes, but seldom in between. */
static double ratio_of(struct row *x)
{
	qsort(x->ratio, x->n_ratios, sizeof(*x->ratio), by_size);
	return x->ratio[x->n_ratios / 2];
}

static void report(struct row *rows, u32 n)
{
	double geo = 0, geo_interp = 0, geo_kernel = 0, geo_both = 0, compile = 0;
	u32 insns = 0, n_kernel = 0;

	printf("%-12s %6s %6s %10s %10s %7s %10s %7s %10s %7s\n", "kernel", "insns", "bytes", "native ns",
	       "jit ns", "jit/n", "interp ns", "int/n", "linux ns", "linux/n");
	for (struct row *x = rows; x < rows + n; x++) {
		double ratio = ratio_of(x);

		printf("%-12s %6u %6u %10.1f %10.1f %7.3f %10.0f %7.1f", x->name, x->insns, x->bytes,
		       x->native, x->jit, ratio, x->interp, x->interp / x->native);
		if (x->kernel > 0)
			printf(" %10.0f %7.3f\n", x->kernel, x->kernel / x->native);
		else
			printf(" %10s %7s\n", "-", "-");
		geo += log(ratio);
		geo_interp += log(x->interp / x->native);
		if (x->kernel > 0) {
			geo_kernel += log(x->kernel / x->native);
			geo_both += log(ratio);
			n_kernel++;
		}
		compile += x->compile;
		insns += x->insns;
	}
	printf("geometric mean of %u: jit %.3f, interpreter %.1f", n, exp(geo / n), exp(geo_interp / n));
	if (n_kernel)
		printf("; of the %u that the kernel runs: jit %.3f, kernel %.3f", n_kernel,
		       exp(geo_both / n_kernel), exp(geo_kernel / n_kernel));
	printf("\ncompiling 100 instructions: %.1f us\n", compile / insns / 10);
}

int main(int argc, char **argv)
{
	struct object o;
	static struct row rows[ARRAY_LEN(kernels)];
	struct vm_thread *t = vm_thread_new(0);
	const char *rounds = getenv("ROUNDS"), *only = argc > 2 ? argv[2] : NULL;
	u32 n = 0, n_rounds = rounds ? (u32)atoi(rounds) : 100;


	if (n_rounds < 1 || n_rounds > MAX_ROUNDS)
		n_rounds = 100;
	if (argc < 2) {
		fprintf(stderr, "usage: bench/jit KERNELS.o [NAME]\n");
		return 2;
	}
	read_object(&o, argv[1]);
	for (u32 k = 0; k < ARRAY_LEN(kernels); k++) {
		if (only && strcmp(only, kernels[k].name))
			continue;
		rows[n].name = kernels[k].name;
		rows[n].native_fn = kernels[k].native;
		if (!prepare(&o, &rows[n++], t))
			return 1;
	}
	for (u32 round = 0; round < n_rounds; round++)
		for (u32 k = 0; k < n; k++)
			measure_round(&rows[k], t, round);
	report(rows, n);
	measure_call(t);
	vm_thread_free(t);
	return 0;
}
