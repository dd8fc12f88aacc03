/* The suite of C: every case of tests/c/NAME.c gives what it says it gives.
 *
 *	CASE(name, 42)
 *	{
 *		return …;
 *	}
 *
 * The number is checked four ways: by the compiler of this machine (`cc`, where there is one), by the
 * interpreter and the JIT of the user engine after its verifier accepted the program, and by the kernel
 * where bpf(2) is permitted; compiled with and without version 4 of the instruction set. Files whose name
 * begins with bpf_ are C that only BPF has, and are not shown to `cc`. Values that the compiler must not know
 * come out of volatile objects. Variables start anew for each case.
 *
 * SKEP_CASE=name runs one case and shows its instructions.
 */
#include "gen/gen.h"
#include "jit/jit.h"
#include "verify/verify.h"
#include "vm/vm.h"

#include "cfront_fixture.h"
#include "bpf_kernel.c"

#include <dlfcn.h>

#define FOLDER "tests/c"
enum { MOST_CASES = 400, LEAST_IN_ALL = 694 };

struct one_case {
	str name;
	s64 want;
	u32 prog;
	struct obj_image image;
	str funcs, lines;
};
struct suite {
	const char *file;     /* its name without the folder */
	struct arena *a;
	struct fixture f;
	str text;
	struct one_case list[MOST_CASES];
	u32 n;
	struct obj *o;
	struct obj_btf btf;
	bool has_v4;
};
static struct {
	u32 cases, native, user, kernel, failed;
	bool kernel_forbidden;
} totals;

static const char *const skep_prelude = "#define CASE(name, want) int name(void *unused_context)\n"
					"#line 1\n";
static const char *const native_prelude = "#define CASE(name, want) int case_##name(void)\n#line 1\n";

static void wrong(const struct suite *s, const struct one_case *c, const char *who, const char *what)
{
	totals.failed++;
	printf("%s: " STR_FMT " (%s): %s\n", s->file, STR_ARG(c->name), who, what);
}

static void check(const struct suite *s, const struct one_case *c, const char *who, s64 got)
{
	char text[80];

	if ((s32)got == (s32)c->want)
		return;
	snprintf(text, sizeof(text), "is %d (0x%x), not %d", (s32)got, (u32)got, (s32)c->want);
	wrong(s, c, who, text);
}

/* ---- reading --------------------------------------------------------------------------------- */

static void read_case(struct suite *s, str line)
{
	struct one_case *c = &s->list[s->n];
	str rest = str_sub(line, 5, line.n - 5), only = STR("");
	const char *comma = memchr(rest.s, ',', rest.n);

	if (getenv("SKEP_CASE"))
		only = str_of(getenv("SKEP_CASE"));
	assert_non_null(comma);
	assert_true(s->n < MOST_CASES);
	*c = (struct one_case){ .name = { rest.s, (u32)(comma - rest.s) }, .prog = ~0u };
	c->want = (s64)strtoull(comma + 1, NULL, 0);
	for (u32 i = 0; i < s->n; i++)
		if (str_eq(s->list[i].name, c->name))
			fail_msg("%s: two cases " STR_FMT, s->file, STR_ARG(c->name));
	if (!only.n || str_eq(only, c->name))
		s->n++;
}

static void read_cases(struct suite *s)
{
	str rest = s->text;

	while (rest.n) {
		const char *end = memchr(rest.s, '\n', rest.n);
		u32 n = end ? (u32)(end - rest.s) : rest.n;
		str line = { rest.s, n };

		if (str_starts(line, "CASE("))
			read_case(s, line);
		n += end != NULL;
		rest = (str){ rest.s + n, rest.n - n };
	}
}

/* ---- native ---------------------------------------------------------------------------------- */

static void *native_open(struct suite *s)
{
	char dir[] = "/tmp/skep-cases-XXXXXX", command[256], path[64];
	void *lib = NULL;
	FILE *out;

	assert_non_null(mkdtemp(dir));
	snprintf(path, sizeof(path), "%s/t.c", dir);
	out = fopen(path, "w");
	assert_non_null(out);
	fprintf(out, "%s" STR_FMT, native_prelude, STR_ARG(s->text));
	fclose(out);
	snprintf(command, sizeof(command),
		 "cc -std=gnu11 -w -O0 -fwrapv -fno-strict-aliasing -I%s -shared -fPIC -o %s/t.so %s", FOLDER, dir,
		 path);
	if (system(command) == 0) {
		snprintf(path, sizeof(path), "%s/t.so", dir);
		lib = dlopen(path, RTLD_NOW);
	}
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	if (!lib)
		fail_msg("%s: the native compiler refuses it", s->file);
	return lib;
}

static void run_native(struct suite *s)
{
	void *lib;

	if (str_starts(str_of(s->file), "bpf_") || system("cc --version >/dev/null 2>&1") != 0)
		return;
	lib = native_open(s);
	for (u32 i = 0; i < s->n; i++) {
		struct one_case *c = &s->list[i];
		int (*fn)(void);

		fn = (int (*)(void))(uintptr_t)dlsym(lib, str_z(s->a, str_printf(s->a, "case_" STR_FMT, STR_ARG(c->name))));
		assert_non_null(fn);
		check(s, c, "native", fn());
		totals.native++;
	}
	dlclose(lib);
}

/* ---- compiling ------------------------------------------------------------------------------- */

static void parse(struct suite *s)
{
	static const str dirs[] = { { FOLDER, sizeof(FOLDER) - 1 } };
	struct fixture *f = &s->f;
	struct sbuf text;
	str name = str_printf(s->a, FOLDER "/%s", s->file);

	sbuf_init(&text, s->a);
	sbuf_puts(&text, skep_prelude);
	sbuf_put(&text, s->text);
	memset(f, 0, sizeof(*f));
	f->a = arena_new(NULL);
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
	f->o = (struct cf_options){ .a = f->a, .ss = &f->ss, .dx = &f->dx, .types = ty_table_new(f->a),
				    .include_dirs = dirs, .n_include_dirs = 1 };
	f->u = cf_parse(&f->o, sources_add(&f->ss, name, sbuf_str(&text)));
}

static u32 program_of(struct suite *s, str name)
{
	for (u32 i = 0; i < cf_program_count(s->f.u); i++)
		if (str_eq(cf_program_at(s->f.u, i)->function, name))
			return i;
	fail_msg("%s: " STR_FMT " is no program", s->file, STR_ARG(name));
	return 0;
}

static void compile(struct suite *s)
{
	struct ir_target target = { .has_v4 = s->has_v4, .split_probe_reads = true };
	struct cf_attachment at[MOST_CASES] = { 0 };
	struct fixture *f = &s->f;
	struct ir_module *m;
	struct err e;

	parse(s);
	if (f->dx.n_errors)
		fail_msg("%s:\n" STR_FMT, s->file, STR_ARG(fixture_diags(f)));
	for (u32 i = 0; i < s->n; i++) {
		at[i].program = program_of(s, s->list[i].name);
		at[i].binding.want.provider = at[i].binding.at.provider = PROBES_RAW_TRACEPOINT;
	}
	m = ir_module_new(f->a);
	s->o = obj_new(f->a, &f->ss);
	if (!cf_lower(f->u, at, s->n, s->o, m) || !ir_optimise(f->a, &f->dx, &target, m, NULL, NULL) ||
	    !gen_module(f->a, &f->dx, &target, m, s->o))
		fail_msg("%s:\n" STR_FMT, s->file, STR_ARG(fixture_diags(f)));
	obj_btf_build(f->a, s->o, &s->btf);
	for (u32 i = 0; i < s->n; i++) {
		struct one_case *c = &s->list[i];

		c->prog = i;
		if (obj_link(f->a, s->o, c->prog, &c->image, &e))
			fail_msg("%s: " STR_FMT ": %s", s->file, STR_ARG(c->name), e.msg);
		obj_debug_build(f->a, s->o, &c->image, &s->btf, &c->funcs, &c->lines);
	}
	if (getenv("SKEP_CASE")) {
		struct sbuf b;

		sbuf_init(&b, f->a);
		obj_print(&b, s->o, true);
		printf("%s\n", b.s);
	}
}

/* ---- the user engine ------------------------------------------------------------------------- */

static bool user_maps(struct suite *s, struct maps_map **maps, struct err *e)
{
	static const struct maps_thread thread;
	u32 key = 0;

	for (u32 i = 0; i < s->o->maps.n; i++) {
		const struct obj_map *m = &s->o->maps.at[i];
		struct maps_spec spec = { .name = m->name, .type = m->type, .key_size = m->key_size,
					  .value_size = m->value_size, .max_entries = m->max_entries, .n_slots = 1 };

		spec.flags = m->data == OBJ_NONE ? m->flags : 0;
		if (maps_create(&spec, &maps[i], e))
			return false;
		if (m->data != OBJ_NONE && s->o->datas.at[m->data].bytes &&
		    maps_update(maps[i], &thread, &key, s->o->datas.at[m->data].bytes, 0))
			return false;
	}
	return true;
}

static struct isa_insn *user_code(struct suite *s, const struct obj_image *im)
{
	struct isa_insn *code = arena_dup(s->f.a, im->insns, im->n * sizeof(*code));

	for (u32 i = 0; i < im->relocs.n; i++) {
		const struct obj_reloc *r = &im->relocs.at[i];

		if (r->kind == OBJ_R_MAP)
			code[r->insn].imm = (s32)r->index;
		else if (r->kind == OBJ_R_DATA)
			code[r->insn].imm = (s32)s->o->datas.at[r->index].map;
	}
	return code;
}

static bool user_verify(struct suite *s, struct one_case *c, const struct isa_insn *code,
			struct verify_result *out)
{
	struct verify_input in;

	verify_input_of(s->f.a, s->o, &c->image, c->prog, &in);
	in.insns = code;
	in.prog_type = ISA_PROG_RAW_TRACEPOINT;
	in.attach_type = OBJ_NONE;
	in.privileged = true;
	verify_program(s->f.a, &in, out);
	if (!out->accepted)
		wrong(s, c, "verifier", str_z(s->f.a, out->problem.text));
	return out->accepted;
}

static void run_prog(struct suite *s, struct one_case *c, const struct vm_prog *p, struct vm_thread *t, bool jit,
		     const struct verify_result *facts)
{
	struct vm_limits limits = { .budget = 10000000, .checked = true };
	struct jit_options options = { .facts = facts->facts };
	struct jit_code *native = NULL;
	struct err e = { 0 };
	u64 ctx[12] = { 0 }, got = 0;
	int err;

	if (!jit) {
		err = vm_run(p, t, ctx, sizeof(ctx), &limits, &got, &e);
	} else {
		err = jit_compile(p, &options, &native, &e);
		if (err == -SKEP_EUNSUPPORTED)
			return;
		if (!err)
			got = jit_entry(native)(ctx, t);
		jit_free(native);
	}
	if (err)
		wrong(s, c, jit ? "jit" : "interpreter", e.msg);
	else
		check(s, c, jit ? "jit" : "interpreter", (s64)got);
}

/* With maps of its own, so that the variables are as the source says. */
static void run_user_case(struct suite *s, struct one_case *c, struct vm_thread *t, bool jit)
{
	struct maps_map *maps[KERNEL_MAPS] = { 0 };
	struct verify_result verdict;
	struct vm_prog *p = NULL;
	struct err e = { 0 };
	struct vm_spec spec = { .insns = user_code(s, &c->image), .n = c->image.n, .maps = maps, .n_maps = s->o->maps.n };

	assert_true(s->o->maps.n <= KERNEL_MAPS);
	if (!user_verify(s, c, spec.insns, &verdict))
		return;
	if (!user_maps(s, maps, &e) || vm_prog_new(&spec, &p, &e))
		wrong(s, c, "user engine", e.msg);
	else
		run_prog(s, c, p, t, jit, &verdict);
	vm_prog_free(p);
	for (u32 i = 0; i < s->o->maps.n; i++)
		if (maps[i])
			maps_put(maps[i]);
}

static void run_user(struct suite *s)
{
	struct vm_thread *t = vm_thread_new(0);

	assert_non_null(t);
	for (u32 i = 0; i < s->n; i++) {
		run_user_case(s, &s->list[i], t, !s->has_v4);
		totals.user++;
	}
	vm_thread_free(t);
}

/* ---- the kernel ------------------------------------------------------------------------------ */

static void kernel_reset(struct suite *s, struct kernel *k)
{
	for (u32 i = 0; i < s->o->maps.n; i++) {
		const struct obj_map *m = &s->o->maps.at[i];
		union bpf_attr attr = { 0 };
		u32 key = 0;

		if (m->data == OBJ_NONE || s->o->datas.at[m->data].kind == OBJ_RODATA)
			continue;
		attr.map_fd = (u32)k->maps[i];
		attr.key = (u64)(uintptr_t)&key;
		attr.value = (u64)(uintptr_t)(s->o->datas.at[m->data].bytes ? s->o->datas.at[m->data].bytes
									   : arena_alloc(s->f.a, m->value_size));
		assert_int_equal(kernel_call(BPF_MAP_UPDATE_ELEM, &attr), 0);
	}
}

static void run_kernel_case(struct suite *s, struct kernel *k, struct one_case *c)
{
	u64 ctx[12] = { 0 };
	u32 got = 0;

	kernel_reset(s, k);
	if (!kernel_relocate(k, &c->image) || !kernel_prog(k, &c->image, c->funcs, c->lines) ||
	    !kernel_run(k, ctx, ARRAY_LEN(ctx), &got))
		wrong(s, c, "kernel", str_z(s->f.a, k->why));
	else
		check(s, c, "kernel", (s32)got);
	if (k->prog >= 0)
		close(k->prog);
	k->prog = -1;
	totals.kernel++;
}

static void run_kernel(struct suite *s)
{
	struct kernel k = { .a = s->f.a, .o = s->o, .btf = -1, .prog = -1 };

	memset(k.maps, 0xff, sizeof(k.maps));
	k.log = arena_alloc(s->f.a, KERNEL_LOG);
	if (!kernel_btf(&k, &s->btf) || !kernel_maps(&k, &s->btf)) {
		if (!k.forbidden)
			fail_msg("%s: %s", s->file, str_z(s->f.a, k.why));
		totals.kernel_forbidden = true;
	} else {
		for (u32 i = 0; i < s->n; i++)
			run_kernel_case(s, &k, &s->list[i]);
	}
	kernel_close(&k);
}

/* ---- all ------------------------------------------------------------------------------------- */

static void run_file(str file)
{
	struct suite *s = calloc(1, sizeof(*s));

	s->a = arena_new(NULL);
	s->file = str_z(s->a, file);
	s->text = fixture_read(s->a, str_z(s->a, str_printf(s->a, FOLDER "/" STR_FMT, STR_ARG(file))));
	read_cases(s);
	totals.cases += s->n;
	if (s->n) {
		run_native(s);
		for (int v4 = 0; v4 < 2; v4++) {
			s->has_v4 = v4;
			compile(s);
			run_user(s);
			run_kernel(s);
			arena_free(s->f.a);
		}
	}
	arena_free(s->a);
	free(s);
}

static void test_cases(void **state)
{
	struct arena *a = arena_new(NULL);
	u32 n;
	str *files = fixture_list(a, FOLDER, &n);
	const char *only = getenv("SKEP_FILE");

	(void)state;
	for (u32 i = 0; i < n; i++)
		if (!only || str_is(files[i], only))
			run_file(files[i]);
	arena_free(a);
	printf("%u cases: %u natively, %u in the user engine, %u in the kernel%s; %u wrong\n", totals.cases,
	       totals.native, totals.user, totals.kernel, totals.kernel_forbidden ? " (not permitted)" : "",
	       totals.failed);
	assert_int_equal(totals.failed, 0);
	if (!only && !getenv("SKEP_CASE"))
		assert_true(totals.cases >= LEAST_IN_ALL);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
