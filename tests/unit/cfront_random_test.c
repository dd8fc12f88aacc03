/* Random C gives the same whoever compiles it: the compiler of this machine, or cfront, ir and gen.
 *
 * Many programs go into one file for the native compiler (`cc`, else skipped), which is loaded into this
 * process. Each is then compiled here, every other one for version 4 of the instruction set, and runs on
 * the same inputs in the tests' machine and, where bpf(2) is permitted, in the kernel; what its verifier
 * refuses is only counted. Variables outside of functions keep their values from run to run.
 *
 * SKEP_SEED=n runs one program alone and shows it (SKEP_FILE=path: what that file holds in its place),
 * SKEP_SEEDS=n runs more, from SKEP_FROM=n on, SKEP_KEEP_GOING=1 lists all failures and refusals.
 */
#include "gen/gen.h"

#include "cfront_fixture.h"
#include "bpf_kernel.c"
#include "bpf_machine.c"
#include "c_random.c"

#include <dlfcn.h>

enum { N_PROGRAMS = 120, N_RUNS = 4, BATCH = 200, DATA = 1 << 16 };

struct counts { u32 ran, refused, kernel_ran, kernel_refused, complex, wrong; };

struct area { u64 in[C_INPUTS]; u8 data[DATA] __attribute__((aligned(8))); };

static u32 budget_of(u64 seed)
{
	return 3 + (u32)(seed * 7 % 22);
}

static void inputs(u64 seed, u32 run, u64 *in)
{
	static const u64 some[] = { 0, 1, -1ull, 0x80000000, 0x7fffffff, 0xffffffff, 1ull << 63, (1ull << 63) - 1,
				    255, 128, 65535, 32768, 7, -129ull };
	struct random_c r = { .state = seed * 31 + run + 1 };

	for (u32 i = 0; i < 4; i++)
		c_below(&r, 2);
	for (u32 i = 0; i < C_INPUTS; i++)
		in[i] = c_below(&r, 2) ? some[c_below(&r, ARRAY_LEN(some))]
				       : (u64)c_below(&r, ~0u) << 33 ^ (u64)c_below(&r, ~0u);
}

/* A program, or the file that SKEP_FILE names in place of it: what is left of one that is being reduced. */
static void write_program(struct sbuf *b, u64 seed)
{
	const char *file = getenv("SKEP_FILE");

	if (file)
		sbuf_put(b, fixture_read(b->a, file));
	else
		random_c(b, seed, budget_of(seed));
}

typedef int (*native_fn)(const long *in);

/* Compiles the programs from `seed` on natively. */
static void *native_open(u64 seed, u32 n)
{
	char dir[] = "/tmp/skep-random-XXXXXX", command[256], path[64];
	struct arena *a = arena_new(NULL);
	struct sbuf text;
	void *lib = NULL;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	sbuf_init(&text, a);
	sbuf_puts(&text, C_PRELUDE);
	for (u32 i = 0; i < n; i++)
		write_program(&text, seed + i);
	snprintf(path, sizeof(path), "%s/t.c", dir);
	out = fopen(path, "w");
	assert_non_null(out);
	fwrite(text.s, 1, text.n, out);
	fclose(out);
	snprintf(command, sizeof(command),
		 "cc -std=gnu11 -w -O0 -fwrapv -fno-strict-aliasing -shared -fPIC -o %s/t.so %s%s", dir, path,
		 getenv("SKEP_KEEP_GOING") ? "" : " 2>/dev/null");
	if (system(command) == 0) {
		snprintf(path, sizeof(path), "%s/t.so", dir);
		lib = dlopen(path, RTLD_NOW);
	}
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	arena_free(a);
	return lib;
}

static bool trouble(struct counts *c, u64 seed, const char *what, str why)
{
	c->wrong++;
	if (!getenv("SKEP_KEEP_GOING"))
		fail_msg("seed %llu: %s: " STR_FMT, (unsigned long long)seed, what, STR_ARG(why));
	printf("seed %llu: %s: " STR_FMT "\n", (unsigned long long)seed, what, STR_ARG(why));
	return false;
}

static bool compile(struct fixture *f, struct arena *scratch, u64 seed, const struct ir_target *target,
		    struct obj **out)
{
	struct cf_attachment at = { .program = ~0u };
	struct ir_module *m;
	struct sbuf text;
	str name;

	sbuf_init(&text, scratch);
	sbuf_puts(&text, C_PRELUDE);
	write_program(&text, seed);
	if (getenv("SKEP_SEED"))
		printf(STR_FMT "\n", STR_ARG(sbuf_str(&text)));
	fixture_parse(f, "t.c", sbuf_str(&text));
	name = str_printf(f->a, "f%llu", (unsigned long long)seed);
	for (u32 i = 0; i < cf_program_count(f->u); i++)
		if (str_eq(cf_program_at(f->u, i)->function, name))
			at.program = i;
	if (f->dx.n_errors || at.program == ~0u)
		return false;
	at.binding.want.provider = at.binding.at.provider = PROBES_RAW_TRACEPOINT;
	m = ir_module_new(f->a);
	*out = obj_new(f->a, &f->ss);
	return cf_lower(f->u, &at, 1, *out, m) && ir_optimise(f->a, &f->dx, target, m, NULL, NULL) &&
	       gen_module(f->a, &f->dx, target, m, *out);
}

/* The image in the tests' machine: the data sections lie behind the inputs. */
static bool machine_open(struct arena *a, const struct obj *o, struct machine *m, struct area *area)
{
	struct obj_image image;
	struct err e = { 0 };
	u32 top = 0, at[16];

	if (obj_link(a, o, 0, &image, &e))
		return false;
	memset(area, 0, sizeof(*area));
	for (u32 i = 0; i < o->datas.n && i < ARRAY_LEN(at); i++) {
		const struct obj_data *d = &o->datas.at[i];

		at[i] = top;
		if (d->bytes)
			memcpy(area->data + top, d->bytes, d->size);
		top = (top + d->size + 7) & ~7u;
	}
	for (u32 i = 0; i < image.relocs.n; i++) {
		const struct obj_reloc *r = &image.relocs.at[i];
		u64 address = (u64)(uintptr_t)area->data + at[r->index] + (u64)r->add;

		if (r->kind != OBJ_R_DATA)
			return false;
		image.insns[r->insn].imm = (s32)(u32)address;
		image.insns[r->insn].src = 0;
		image.insns[r->insn + 1].imm = (s32)(address >> 32);
	}
	*m = (struct machine){ .code = image.insns, .n = image.n, .ctx = (u8 *)area, .ctx_size = sizeof(*area) };
	return true;
}

static bool run_machine(struct fixture *f, const struct obj *o, u64 seed, const u32 *want, struct counts *c)
{
	struct machine *m = arena_alloc(f->a, sizeof(*m));
	static struct area area;

	if (!machine_open(f->a, o, m, &area))
		return trouble(c, seed, "cannot be linked", STR(""));
	for (u32 run = 0; run < N_RUNS; run++) {
		u32 got;

		inputs(seed, run, area.in);
		got = (u32)machine_run(m);
		if (m->wrong[0])
			return trouble(c, seed, "machine", str_of(m->wrong));
		if (got != want[run])
			return trouble(c, seed, "other result",
				       str_printf(f->a, "run %u: machine 0x%x, native 0x%x", run, got, want[run]));
	}
	c->ran++;
	return true;
}

static bool run_kernel(struct fixture *f, const struct obj *o, u64 seed, const u32 *want, struct counts *c)
{
	struct kernel k;
	u64 in[12] = { 0 };
	bool ok = true;

	if (!kernel_open(&k, f->a, o)) {
		if (strstr(k.log, "BPF program is too large") || strstr(k.log, "sequence of"))
			c->complex++;
		else if (!k.forbidden)
			c->kernel_refused++;
		if (getenv("SKEP_KEEP_GOING") && !k.forbidden)
			printf("seed %llu: kernel: " STR_FMT "\n", (unsigned long long)seed, STR_ARG(k.why));
		kernel_close(&k);
		return true;
	}
	for (u32 run = 0; run < N_RUNS && ok; run++) {
		u32 got = 0;

		inputs(seed, run, in);
		if (!kernel_run(&k, in, ARRAY_LEN(in), &got))
			ok = trouble(c, seed, "kernel", k.why);
		else if (got != want[run])
			ok = trouble(c, seed, "other result in the kernel",
				     str_printf(f->a, "run %u: 0x%x, native 0x%x", run, got, want[run]));
	}
	c->kernel_ran += ok;
	kernel_close(&k);
	return ok;
}

static void one(void *lib, u64 seed, struct counts *c)
{
	struct ir_target target = { .has_v4 = seed & 1, .split_probe_reads = true };
	struct arena *scratch = arena_new(NULL);
	native_fn native;
	u32 want[N_RUNS];
	char name[32];
	struct fixture f;
	struct obj *o;

	snprintf(name, sizeof(name), "f%llu", (unsigned long long)seed);
	native = (native_fn)(uintptr_t)dlsym(lib, name);
	assert_non_null(native);
	for (u32 run = 0; run < N_RUNS; run++) {
		u64 in[C_INPUTS];

		inputs(seed, run, in);
		want[run] = (u32)native((const long *)in);
	}
	if (!compile(&f, scratch, seed, &target, &o)) {
		c->refused++;
		if (getenv("SKEP_KEEP_GOING"))
			printf("seed %llu: refused: " STR_FMT "\n", (unsigned long long)seed, STR_ARG(fixture_diags(&f)));
	} else if (run_machine(&f, o, seed, want, c)) {
		run_kernel(&f, o, seed, want, c);
	}
	arena_free(f.a);
	arena_free(scratch);
}

static void test_random(void **state)
{
	const char *only = getenv("SKEP_SEED"), *count = getenv("SKEP_SEEDS");
	u64 from = only ? strtoull(only, NULL, 0) : 0, n = only ? 1 : count ? strtoull(count, NULL, 0) : N_PROGRAMS;
	struct counts c = { 0 };

	(void)state;
	if (getenv("SKEP_FROM"))
		from = strtoull(getenv("SKEP_FROM"), NULL, 0);
	for (u64 at = 0; at < n; at += BATCH) {
		u32 some = n - at < BATCH ? (u32)(n - at) : BATCH;
		void *lib = native_open(from + at, some);

		if (!lib && only)
			fail_msg("cc refuses it: %s", dlerror());
		if (!lib) {
			printf("skipped: no native compiler, or it refuses the programs\n");
			skip();
		}
		for (u32 i = 0; i < some; i++)
			one(lib, from + at + i, &c);
		dlclose(lib);
	}
	printf("%u ran, %u refused; in the kernel %u ran, %u refused, %u too complex; %u wrong\n", c.ran, c.refused,
	       c.kernel_ran, c.kernel_refused, c.complex, c.wrong);
	assert_int_equal(c.wrong, 0);
	assert_int_equal(c.refused, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
