/* Unit tests of obj: building, printing, linking, and the debug information of an image. */
#include "obj/obj.h"

#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>

struct fixture {
	struct arena *a;
	struct sources ss;
	struct obj *o;
};

static void open_fixture(struct fixture *f)
{
	f->a = arena_new(NULL);
	sources_init(&f->ss, f->a);
	f->o = obj_new(f->a, &f->ss);
}

static void want_text(const char *name, str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%s:\n--- got\n" STR_FMT "--- want\n%s", name, STR_ARG(got), want);
}

static str printed(struct fixture *f, bool code)
{
	struct sbuf out;

	sbuf_init(&out, f->a);
	obj_print(&out, f->o, code);
	return sbuf_str(&out);
}

/* Appends a function; the code is copied. */
static struct obj_func *add_func(struct fixture *f, const char *name, const struct isa_insn *code,
				 u32 n)
{
	struct obj_func *fn = vec_push(f->a, &f->o->funcs);

	fn->name = str_of(name);
	fn->insns = arena_dup(f->a, code, n * sizeof(*code));
	fn->n = n;
	return fn;
}

static struct obj_prog *add_prog(struct fixture *f, const char *name, u32 func)
{
	struct obj_prog *p = vec_push(f->a, &f->o->progs);

	p->name = str_of(name);
	p->func = func;
	p->prog_type = ISA_PROG_KPROBE;
	p->attach_type = OBJ_NONE;
	return p;
}

static void add_reloc(struct fixture *f, u32 func, u32 insn, enum obj_reloc_kind kind, u32 index)
{
	*vec_push(f->a, &f->o->funcs.at[func].relocs) =
		(struct obj_reloc){ .insn = insn, .kind = kind, .index = index };
}

static void add_line(struct fixture *f, u32 func, u32 insn, u32 lo, u32 hi)
{
	*vec_push(f->a, &f->o->funcs.at[func].lines) = (struct obj_line){ insn, { lo, hi } };
}

/* ---- building ------------------------------------------------------------------------------- */

static void test_maps_and_data(void **state)
{
	struct fixture f;
	u32 ro, bss, ring;

	(void)state;
	open_fixture(&f);
	assert_int_equal(obj_map_find(f.o, STR("counts")), OBJ_NONE);
	assert_int_equal(obj_map_add(f.o, STR("counts"), ISA_MAP_HASH, 8, 8, 10240), 0);
	assert_int_equal(obj_map_find(f.o, STR("counts")), 0);
	ro = obj_data_section(f.o, OBJ_RODATA);
	assert_int_equal(obj_data_section(f.o, OBJ_RODATA), ro);
	assert_int_equal(obj_data_add(f.o, ro, STR("s"), NULL, "ab", 3, 1), 0);
	assert_int_equal(obj_data_add(f.o, ro, STR("n"), NULL, "\1\2\3\4", 4, 4), 4);
	bss = obj_data_section(f.o, OBJ_BSS);
	assert_int_equal(obj_data_add(f.o, bss, STR("big"), NULL, NULL, 5000, 8), 0);
	assert_int_equal(obj_data_add(f.o, bss, STR(""), NULL, NULL, 8, 0), 5000);
	ring = obj_ring(f.o, 65536);
	assert_int_equal(obj_ring(f.o, 4096), ring);
	want_text("objects", printed(&f, false),
		  "license \"GPL\"\n"
		  "map counts: hash, key 8, value 8, entries 10240\n"
		  "map skep.rodata: array, key 4, value 8, entries 1, flags 0x80, data .rodata\n"
		  "map skep.bss: array, key 4, value 5008, entries 1, data .bss\n"
		  "map skep.events: ringbuf, key 0, value 0, entries 65536\n"
		  "map skep.lost: percpu_array, key 4, value 8, entries 64\n"
		  "data .rodata: 8 bytes, map skep.rodata\n"
		  "\t0+3 s = \"ab\\000\"\n"
		  "\t4+4 n = \"\\001\\002\\003\\004\"\n"
		  "data .bss: 5008 bytes, map skep.bss\n"
		  "\t0+5000 big\n"
		  "\t5000+8\n");
	arena_free(f.a);
}

static void test_data_grows(void **state)
{
	struct fixture f;
	u32 d;

	(void)state;
	open_fixture(&f);
	d = obj_data_section(f.o, OBJ_DATA);
	for (u32 i = 0; i < 1000; i++)
		assert_int_equal(obj_data_add(f.o, d, STR("x"), NULL, &i, 4, 4), 4 * i);
	for (u32 i = 0; i < 1000; i++)
		assert_memory_equal(f.o->datas.at[d].bytes + 4 * i, &i, 4);
	assert_int_equal(f.o->maps.at[f.o->datas.at[d].map].value_size, 4000);
	arena_free(f.a);
}

static void test_print_plan(void **state)
{
	struct fixture f;
	struct obj_event *e;
	struct obj_field *p;
	struct obj_map *m;

	(void)state;
	open_fixture(&f);
	obj_map_add(f.o, STR("@"), ISA_MAP_PERCPU_HASH, 16, 8, 4096);
	m = &f.o->maps.at[0];
	m->show = OBJ_SHOW_LHIST;
	m->lhist[1] = 100;
	m->lhist[2] = 10;
	m->is_scalar = true;
	m->pin = STR("/sys/fs/bpf/x");
	p = vec_push(f.a, &m->keys);
	p->kind = OBJ_F_STR;
	p->size = 16;
	m->shown_value = arena_new_of(f.a, struct obj_field);
	m->shown_value->kind = OBJ_F_INT;
	m->shown_value->size = 8;
	e = vec_push(f.a, &f.o->events);
	e->kind = OBJ_EV_PRINTF;
	e->format = STR("%d\n");
	e->map = OBJ_NONE;
	e->size = 24;
	p = vec_push(f.a, &e->args);
	p->kind = OBJ_F_STRUCT;
	p->off = 8;
	p->size = 16;
	p = vec_push(f.a, &p->parts);
	p->name = STR("t");
	p->kind = OBJ_F_TIMESTAMP;
	p->size = 8;
	p->extra = STR("%H");
	*add_prog(&f, "hello", OBJ_NONE) = (struct obj_prog){
		.name = STR("hello"),
		.section = STR("fentry/do_exit"),
		.func = OBJ_NONE,
		.attach = STR("fentry:do_exit"),
		.prog_type = ISA_PROG_TRACING,
		.attach_type = ISA_ATTACH_TRACE_FENTRY,
		.btf_target = STR("do_exit"),
		.sleepable = true,
		.disabled = true,
	};
	want_text("plan", printed(&f, false),
		  "license \"GPL\"\n"
		  "map @: percpu_hash, key 16, value 8, entries 4096, pin \"/sys/fs/bpf/x\", "
		  "show lhist 0 100 10, scalar\n"
		  "\tkey str@0+16\n"
		  "\tvalue int@0+8\n"
		  "event 0: printf, 24 bytes, \"%d\\n\" struct@8+16 { t:strftime@0+8 \"%H\" }\n"
		  "prog hello: tracing, attach type trace_fentry, section \"fentry/do_exit\", "
		  "event \"fentry:do_exit\", target do_exit, sleepable, disabled\n");
	arena_free(f.a);
}

/* ---- linking -------------------------------------------------------------------------------- */

/* main calls b twice and takes a's address; b calls c; d is not reached. */
static void calls(struct fixture *f)
{
	struct isa_insn main[8] = { isa_call_local(-1), { 0 }, { 0 }, isa_call_local(-1) };
	struct isa_insn b[3] = { isa_call_local(-1), isa_alu_imm(true, ISA_MOV, 0, 2) };

	isa_ld_imm64(main + 1, 1, ISA_FUNC, 0);
	isa_ld_imm64(main + 4, 2, ISA_MAP_FD, 0);
	main[6] = isa_alu_imm(true, ISA_MOV, 0, 0);
	main[7] = b[2] = isa_exit();
	add_func(f, "main", main, 8);
	add_func(f, "a", b + 1, 2);
	add_func(f, "b", b, 3);
	add_func(f, "c", b + 1, 2);
	add_func(f, "d", b + 1, 2);
	obj_map_add(f->o, STR("m"), ISA_MAP_HASH, 4, 4, 1);
	add_reloc(f, 0, 0, OBJ_R_CALL, 2);
	add_reloc(f, 0, 1, OBJ_R_FUNC, 1);
	add_reloc(f, 0, 3, OBJ_R_CALL, 2);
	add_reloc(f, 0, 4, OBJ_R_MAP, 0);
	add_reloc(f, 2, 0, OBJ_R_CALL, 3);
	add_prog(f, "main", 0);
}

static void test_link(void **state)
{
	static const struct obj_part parts[] = { { 0, 0 }, { 8, 2 }, { 11, 1 }, { 13, 3 } };
	struct obj_image im;
	struct fixture f;
	struct err e;

	(void)state;
	open_fixture(&f);
	calls(&f);
	assert_int_equal(obj_link(f.a, f.o, 0, &im, &e), 0);
	assert_int_equal(im.n, 15);
	assert_int_equal(im.parts.n, ARRAY_LEN(parts));
	assert_memory_equal(im.parts.at, parts, sizeof(parts));
	assert_int_equal(im.insns[0].imm, 7);
	assert_int_equal(im.insns[1].imm, 9);
	assert_int_equal(im.insns[3].imm, 4);
	assert_int_equal(im.insns[8].imm, 4);
	assert_int_equal(im.relocs.n, 2);
	assert_int_equal(im.relocs.at[0].kind, OBJ_R_FUNC);
	assert_int_equal(im.relocs.at[1].kind, OBJ_R_MAP);
	assert_int_equal(im.relocs.at[1].insn, 4);
	arena_free(f.a);
}

static void test_link_refuses(void **state)
{
	struct obj_image im;
	struct fixture f;
	struct err e;

	(void)state;
	open_fixture(&f);
	calls(&f);
	f.o->funcs.at[3].n = 0;
	assert_int_equal(obj_link(f.a, f.o, 0, &im, &e), -SKEP_EBADFILE);
	assert_string_equal(e.msg, "Function c has no code.");
	f.o->funcs.at[3].n = 2;
	f.o->funcs.at[0].relocs.at[0].index = 77;
	assert_int_equal(obj_link(f.a, f.o, 0, &im, &e), -SKEP_EBADFILE);
	assert_string_equal(e.msg, "Function main calls a function that the object lacks.");
	f.o->funcs.at[0].relocs.at[0].index = 2;
	f.o->funcs.at[2].relocs.at[0].insn = 3;
	assert_int_equal(obj_link(f.a, f.o, 0, &im, &e), -SKEP_EBADFILE);
	assert_string_equal(e.msg, "A relocation of function b is outside of its code.");
	f.o->funcs.at[3].n = 1000000;
	assert_int_equal(obj_link(f.a, f.o, 0, &im, &e), -E2BIG);
	f.o->progs.at[0].func = OBJ_NONE;
	assert_int_equal(obj_link(f.a, f.o, 0, &im, &e), -SKEP_EBADFILE);
	assert_string_equal(e.msg, "Program main has no code.");
	arena_free(f.a);
}

/* ---- lines ---------------------------------------------------------------------------------- */

static const char text[] =
	"int main(void *ctx)\n{\n\treturn b();\n}\nint b(void)\n{\n\treturn 2;\n}\n";

static u32 offset_of(const char *what)
{
	return (u32)(strstr(text, what) - text);
}

static void lines(struct fixture *f)
{
	struct source *src = sources_add(&f->ss, STR("t.c"), str_of(text));

	calls(f);
	add_line(f, 0, 0, src->base + offset_of("b()"), src->base + offset_of(";\n}\nint"));
	add_line(f, 0, 6, src->base + offset_of("return b"), src->base + offset_of(" b();"));
	for (u32 i = 1; i < 4; i++)
		add_line(f, i, 0, src->base + offset_of("return 2"), src->base + offset_of(" 2;"));
}

static void test_listing(void **state)
{
	struct fixture f;
	str got;

	(void)state;
	open_fixture(&f);
	lines(&f);
	f.o->funcs.n = 3;
	f.o->funcs.at[2].relocs.n = 0;
	got = printed(&f, true);
	want_text("listing", str_sub(got, (u32)str_find(got, 'f', 10), got.n),
		  "function main\nfunction main: 8 slots, stack 0\n"
		  "; t.c:3: return b();\n"
		  "    0: call b\n"
		  "    1: r1 = func[a]\n"
		  "    3: call b\n"
		  "    4: r2 = map[m]\n"
		  "    6: r0 = 0\n"
		  "    7: exit\n"
		  "function a: 2 slots, stack 0\n"
		  "; t.c:7: return 2;\n"
		  "    0: r0 = 2\n"
		  "    1: exit\n"
		  "function b: 3 slots, stack 0\n"
		  "; t.c:7: return 2;\n"
		  "    0: call pc-1\n"
		  "    1: r0 = 2\n"
		  "    2: exit\n");
	arena_free(f.a);
}

static void test_span_at(void **state)
{
	static const struct {
		u32 insn;
		const char *want;
	} cases[] = {
		{ 0, "b()" },	 { 5, "b()" },	   { 6, "return" }, { 7, "return" },
		{ 8, "return" }, { 14, "return" }, { 15, "" },	    { 0xffffffff, "" },
	};
	struct obj_image im;
	struct fixture f;
	struct err e;

	(void)state;
	open_fixture(&f);
	lines(&f);
	assert_int_equal(obj_link(f.a, f.o, 0, &im, &e), 0);
	for (u32 i = 0; i < ARRAY_LEN(cases); i++)
		want_text("span", sources_text(&f.ss, obj_span_at(f.o, &im, cases[i].insn)),
			  cases[i].want);
	arena_free(f.a);
}

static void test_debug(void **state)
{
	u32 func[8], line[20];
	struct obj_image im;
	struct fixture f;
	struct obj_btf btf;
	str fi, li, blob;
	struct err e;

	(void)state;
	open_fixture(&f);
	lines(&f);
	assert_int_equal(obj_link(f.a, f.o, 0, &im, &e), 0);
	obj_btf_build(f.a, f.o, &btf);
	obj_debug_build(f.a, f.o, &im, &btf, &fi, &li);
	assert_int_equal(fi.n, sizeof(func));
	memcpy(func, fi.s, sizeof(func));
	assert_int_equal(func[0], 0);
	assert_int_equal(func[1], btf.funcs[0]);
	assert_int_equal(func[2], 8);
	assert_int_equal(func[3], btf.funcs[2]);
	assert_int_equal(func[6], 13);
	assert_int_equal(li.n, sizeof(line));
	memcpy(line, li.s, sizeof(line));
	assert_int_equal(line[0], 0);
	assert_int_equal(line[3], 3 << 10 | 9);
	assert_int_equal(line[4], 6);
	assert_int_equal(line[7], 3 << 10 | 2);
	assert_int_equal(line[8], 8);
	assert_int_equal(line[11], 7 << 10 | 2);
	assert_int_equal(line[6], line[2]);
	blob = obj_btf_blob(&btf);
	assert_true(blob.n > 24);
	assert_non_null(memmem(blob.s, blob.n, "return b();", 12));
	assert_non_null(memmem(blob.s, blob.n, "t.c", 4));

	/* A part without any line: no line_info at all, rather than one that a kernel refuses. */
	f.o->funcs.at[1].lines.n = 0;
	obj_debug_build(f.a, f.o, &im, &btf, &fi, &li);
	assert_int_equal(fi.n, sizeof(func));
	assert_int_equal(li.n, 0);
	/* … but the function's own place does. */
	f.o->funcs.at[1].span = f.o->funcs.at[0].lines.at[0].span;
	obj_debug_build(f.a, f.o, &im, &btf, &fi, &li);
	assert_int_equal(li.n, sizeof(line));
	arena_free(f.a);
}

/* What was written reads back: functions, the section and its variable. */
static void test_btf(void **state)
{
	struct fixture f;
	struct obj_btf btf;
	struct ty_table *t;
	struct ty_btf *in;
	struct err e = { 0 };
	const struct type *ty;
	u32 d;
	str blob;

	(void)state;
	open_fixture(&f);
	calls(&f);
	t = ty_table_new(f.a);
	d = obj_data_section(f.o, OBJ_BSS);
	obj_data_add(f.o, d, STR("counter"), ty_basic(t, TY_B_ULONG), NULL, 8, 8);
	f.o->maps.at[0].key = ty_basic(t, TY_B_UINT);
	f.o->maps.at[0].value = ty_basic(t, TY_B_INT);
	obj_btf_build(f.a, f.o, &btf);
	blob = obj_btf_blob(&btf);
	assert_int_equal(ty_btf_parse(t, blob.s, blob.n, &in, &e), 0);
	ty = ty_btf_find(in, TY_FUNC, STR("main"));
	assert_non_null(ty);
	assert_true(btf.maps[0].key && btf.maps[0].value);
	assert_int_equal(btf.maps[1].key, 0);
	assert_true(btf.maps[1].value);
	assert_true(ty_same(ty_btf_by_id(in, btf.maps[0].key), ty_basic(t, TY_B_UINT)));
	assert_non_null(memmem(blob.s, blob.n, ".bss", 5));
	ty_btf_close(in);
	arena_free(f.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_maps_and_data), cmocka_unit_test(test_data_grows),
		cmocka_unit_test(test_print_plan),    cmocka_unit_test(test_link),
		cmocka_unit_test(test_link_refuses),  cmocka_unit_test(test_listing),
		cmocka_unit_test(test_span_at),	      cmocka_unit_test(test_debug),
		cmocka_unit_test(test_btf),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
