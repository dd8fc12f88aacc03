/* Unit tests of BTF, in and out: round trips, malformed blobs, the running kernel's own BTF, and
 * whether the kernel accepts what we write. */
#include "types/btf_format.h"
#include "types/types.h"

#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <linux/bpf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOWHERE ((struct span){ 0 })

static void want_text(const char *name, str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%s:\n got  [" STR_FMT "]\n want [%s]", name, STR_ARG(got), want);
}

static int setup(void **state)
{
	*state = arena_new(NULL);
	return 0;
}

static int teardown(void **state)
{
	arena_free(*state);
	return 0;
}

static str definition(struct arena *a, const struct type *ty)
{
	struct sbuf out;

	sbuf_init(&out, a);
	ty_print_def(&out, ty);
	return sbuf_str(&out);
}

static struct ty_btf *parse(struct ty_table *t, str blob)
{
	struct ty_btf *b = NULL;
	struct err e;

	if (ty_btf_parse(t, blob.s, blob.n, &b, &e))
		fail_msg("%s", e.msg);
	return b;
}

/* ---- a program's types ---------------------------------------------------------------------- */

static struct type *lay(struct ty_table *t, enum ty_kind kind, const char *tag,
			const struct ty_member *m, u32 n, bool packed)
{
	struct type *s = ty_tagged_new(t, kind, str_of(tag), NOWHERE);

	ty_layout(t, s, m, n, packed, 0);
	return s;
}

static const struct type *make_enum(struct ty_table *t, const char *tag, const char *name,
				    s64 value)
{
	struct type *en = ty_tagged_new(t, TY_ENUM, str_of(tag), NOWHERE);
	struct ty_enumerator e[] = { { str_of(name), value }, { STR("ZERO"), 0 } };

	ty_enum_finish(t, en, e, name ? 2 : 0);
	return en;
}

/* struct event: every kind of type that BTF knows. */
static struct type *make_event(struct ty_table *t)
{
	const struct type *c = ty_basic(t, TY_B_CHAR), *u = ty_basic(t, TY_B_UINT);
	const struct type *l = ty_basic(t, TY_B_LONG), *v = ty_basic(t, TY_B_VOID);
	struct type *event = ty_tagged_new(t, TY_STRUCT, STR("event"), NOWHERE);
	struct type *task = ty_tagged_new(t, TY_STRUCT, STR("task"), NOWHERE);
	struct type *blob = ty_tagged_new(t, TY_UNION, STR("blob"), NOWHERE);
	struct ty_member xy[] = { { .name = STR("x"), .type = u },
				  { .name = STR("y"), .type = ty_array_of(t, c, 6) } };
	struct ty_member two[] = { { .name = STR("c"), .type = c },
				   { .name = STR("l"), .type = l } };
	struct ty_param ps[] = { { STR("ev"), ty_ptr_to(t, event) }, { STR("n"), l } };
	const struct type *cc = ty_qualify(t, c, TY_CONST);
	struct ty_member m[] = {
		{ .name = STR("next"), .type = ty_ptr_to(t, event) },
		{ .name = STR("comm"), .type = ty_array_of(t, c, 16) },
		{ .name = STR("pid"), .type = ty_typedef_new(t, STR("u32"), u) },
		{ .name = STR("a"), .type = u, .bits = 3 },
		{ .type = u, .bits = 5 },
		{ .name = STR("b"), .type = ty_basic(t, TY_B_INT), .bits = 30 },
		{ .type = lay(t, TY_UNION, "", xy, 2, false) },
		{ .name = STR("pk"), .type = lay(t, TY_STRUCT, "two", two, 2, true) },
		{ .name = STR("fn"), .type = ty_ptr_to(t, ty_func_of(t, v, ps, 2, true)) },
		{ .name = STR("task"), .type = ty_ptr_to(t, task) },
		{ .name = STR("blob"), .type = ty_ptr_to(t, blob) },
		{ .name = STR("path"), .type = ty_ptr_in(t, cc, TY_SPACE_USER) },
		{ .name = STR("flag"), .type = ty_basic(t, TY_B_BOOL) },
		{ .name = STR("sc"), .type = ty_basic(t, TY_B_SCHAR) },
		{ .name = STR("neg"), .type = make_enum(t, "neg", "NEG", -3) },
		{ .name = STR("top"), .type = make_enum(t, "top", "TOP", 0xffffffff) },
		{ .name = STR("huge"), .type = make_enum(t, "huge", "HUGE_ONE", 1ll << 40) },
		{ .name = STR("low"), .type = make_enum(t, "low", "LOW", -(1ll << 40)) },
		{ .name = STR("seq"), .type = ty_qualify(t, l, TY_CONST | TY_VOLATILE) },
		{ .name = STR("rest"), .type = ty_array_of(t, l, TY_UNSIZED) },
	};

	ty_layout(t, event, m, ARRAY_LEN(m), false, 0);
	return event;
}

static const char event_text[] = "struct event {\n"
				 "\tstruct event *next;  // 0 8\n"
				 "\tchar comm[16];  // 8 16\n"
				 "\tu32 pid;  // 24 4\n"
				 "\tunsigned int a : 3;  // 28:0 bits 3\n"
				 "\tint b : 30;  // 32:0 bits 30\n"
				 "\tunion {\n"
				 "\t\tunsigned int x;  // 36 4\n"
				 "\t\tchar y[6];  // 36 6\n"
				 "\t};  // 36 8\n"
				 "\tstruct two pk;  // 44 9\n"
				 "\tvoid (*fn)(struct event *ev, long n, ...);  // 56 8\n"
				 "\tstruct task *task;  // 64 8\n"
				 "\tunion blob *blob;  // 72 8\n"
				 "\tconst char __user *path;  // 80 8\n"
				 "\t_Bool flag;  // 88 1\n"
				 "\tsigned char sc;  // 89 1\n"
				 "\tenum neg neg;  // 92 4\n"
				 "\tenum top top;  // 96 4\n"
				 "\tenum huge huge;  // 104 8\n"
				 "\tenum low low;  // 112 8\n"
				 "\tconst volatile long seq;  // 120 8\n"
				 "\tlong rest[];  // 128 0\n"
				 "};  // size 128\n";

static void test_types_survive_the_round_trip(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct ty_out *o = ty_out_new(*state);
	u32 id = ty_out_type(o, make_event(t));
	struct ty_btf *b = parse(t, ty_out_finish(o));
	const struct type *event = ty_btf_find(b, TY_STRUCT, STR("event"));

	assert_non_null(event);
	assert_int_equal(event->btf_id, id);
	assert_ptr_equal(event, ty_btf_by_id(b, id));
	want_text("event", definition(*state, event), event_text);
	assert_int_equal(event->align, 8);
	assert_false(event->packed);
	assert_ptr_equal(event->members[0].type->to, event);
	assert_ptr_equal(event->members[1].type->to, ty_basic(t, TY_B_CHAR));
	assert_true(ty_btf_find(b, TY_STRUCT, STR("two"))->size == 9);
	assert_true(ty_complete(ty_btf_find(b, TY_STRUCT, STR("two"))));
	assert_true(ty_btf_find(b, TY_STRUCT, STR("two"))->packed);
	assert_false(ty_complete(ty_btf_find(b, TY_STRUCT, STR("task"))));
	assert_null(ty_btf_find(b, TY_UNION, STR("task")));
	assert_null(ty_btf_find(b, TY_STRUCT, STR("even")));
	assert_null(ty_btf_find(b, TY_STRUCT, STR("")));
	assert_non_null(ty_btf_find(b, TY_TYPEDEF, STR("u32")));
	assert_ptr_equal(ty_btf_find(b, TY_INT, STR("_Bool")), ty_basic(t, TY_B_BOOL));
}

static void test_enumerators_survive_the_round_trip(void **state)
{
	static const struct {
		const char *name, *tag;
		s64 value;
	} cases[] = {
		{ "NEG", "neg", -3 },
		{ "TOP", "top", 0xffffffff },
		{ "HUGE_ONE", "huge", 1ll << 40 },
		{ "LOW", "low", -(1ll << 40) },
		{ "ZERO", "neg", 0 },
	};
	struct ty_table *t = ty_table_new(*state);
	struct ty_out *o = ty_out_new(*state);
	const struct type *en;
	struct ty_btf *b;
	s64 value;

	ty_out_type(o, make_event(t));
	b = parse(t, ty_out_finish(o));
	for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
		size_t k = i % ARRAY_LEN(cases);

		if (!ty_btf_enumerator(b, str_of(cases[k].name), &value, &en))
			fail_msg("%s is missing", cases[k].name);
		assert_int_equal(value, cases[k].value);
		want_text(cases[k].name, en->name, cases[k].tag);
		assert_true(ty_complete(en));
		assert_int_equal(en->enumerators[cases[k].value == 0].value, value);
		/* A string that is no enumerator: from here on there is an index. */
		assert_false(i == ARRAY_LEN(cases) - 1 &&
			     ty_btf_enumerator(b, STR("event"), &value, NULL));
	}
	assert_false(ty_btf_enumerator(b, STR("NONE"), &value, NULL));
	assert_false(ty_btf_enumerator(b, STR(""), &value, NULL));
}

/* Equal requests give equal bytes and no second records. */
static void test_output_is_unique_and_deterministic(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct ty_table *t2 = ty_table_new(*state);
	struct ty_out *o = ty_out_new(*state), *o2 = ty_out_new(*state);
	const struct type *event = make_event(t);
	u32 id = ty_out_type(o, event);
	str once, again, other;

	once = ty_out_finish(o);
	assert_int_equal(ty_out_type(o, event), id);
	assert_int_equal(ty_out_type(o, ty_qualify(t, event, 0)), id);
	ty_out_type(o, event->members[8].type);
	ty_out_type(o, ty_typedef_new(t, STR("u32"), ty_basic(t, TY_B_UINT)));
	again = ty_out_finish(o);
	assert_true(str_eq(once, again));
	ty_out_type(o2, make_event(t2));
	other = ty_out_finish(o2);
	assert_true(str_eq(once, other));
	assert_int_equal(ty_out_type(o, ty_basic(t, TY_B_VOID)), 0);
	assert_int_equal(ty_out_string(o, STR("comm")), ty_out_string(o, STR("comm")));
	assert_int_equal(ty_out_string(o, STR("")), 0);
}

static void test_int_encodings(void **state)
{
	static const struct {
		enum ty_basic b;
		u32 word;
	} cases[] = {
		{ TY_B_BOOL, 4u << 24 | 8 }, { TY_B_CHAR, 1u << 24 | 8 },
		{ TY_B_UCHAR, 8 },	     { TY_B_INT, 1u << 24 | 32 },
		{ TY_B_ULONG, 64 },	     { TY_B_INT128, 1u << 24 | 128 },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ty_table *t = ty_table_new(*state);
		struct ty_out *o = ty_out_new(*state);
		str blob;

		assert_int_equal(ty_out_type(o, ty_basic(t, cases[i].b)), 1);
		blob = ty_out_finish(o);
		assert_int_equal(btf_word((const u8 *)blob.s + sizeof(struct btf_head), 3),
				 cases[i].word);
	}
}

static str program_blob(struct arena *a, struct ty_table *t)
{
	struct ty_out *o = ty_out_new(a);
	const struct type *i = ty_basic(t, TY_B_INT), *event = make_event(t);
	struct ty_param ps[] = { { STR("ctx"), ty_ptr_to(t, ty_basic(t, TY_B_VOID)) },
				 { STR(""), ty_ptr_to(t, event) } };
	struct ty_out_item items[2];

	ty_out_func(o, STR("handler"), ty_func_of(t, i, ps, 2, false), TY_GLOBAL);
	ty_out_func(o, STR("helper"), ty_func_of(t, i, NULL, 0, false), TY_STATIC);
	items[0] = (struct ty_out_item){ ty_out_var(o, STR("later"), event, TY_GLOBAL), 8, 128 };
	items[1] = (struct ty_out_item){ ty_out_var(o, STR("count"), i, TY_STATIC), 0, 4 };
	ty_out_section(o, STR(".data"), 136, items, 2);
	return ty_out_finish(o);
}

static void test_functions_variables_and_sections(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct ty_btf *b = parse(t, program_blob(*state, t));
	const struct type *fn = ty_btf_find(b, TY_FUNC, STR("handler"));
	struct sbuf out;

	assert_non_null(fn);
	assert_int_equal(fn->kind, TY_FUNC);
	assert_ptr_equal(fn, ty_btf_by_id(b, fn->btf_id));
	sbuf_init(&out, *state);
	ty_print_decl(&out, fn, fn->name);
	want_text("handler", sbuf_str(&out), "int handler(void *ctx, struct event *arg2)");
	assert_non_null(ty_btf_find(b, TY_FUNC, STR("helper")));
	assert_null(ty_btf_find(b, TY_FUNC, STR("count")));
	assert_null(ty_btf_find(b, TY_FUNC, STR("comm")));
	assert_null(ty_btf_find(b, TY_FUNC, STR("nothing")));
}

/* Functions out of order, so that the search in order misses. */
static void test_functions_are_found_in_any_order(void **state)
{
	static const char *const names[] = { "zz", "b", "y", "a", "m", "mm", "ab" };
	struct ty_table *t = ty_table_new(*state);
	struct ty_out *o = ty_out_new(*state);
	struct ty_btf *b;
	char name[32];

	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			const struct type *f;

			snprintf(name, sizeof(name), "%s%d", names[i], round);
			f = ty_func_of(t, ty_basic(t, TY_B_INT), NULL, 0, false);
			ty_out_func(o, str_of(name), f, TY_GLOBAL);
		}
	b = parse(t, ty_out_finish(o));
	for (int round = 0; round < 20; round++)
		for (size_t i = 0; i < ARRAY_LEN(names); i++) {
			const struct type *f;

			snprintf(name, sizeof(name), "%s%d", names[i], round);
			f = ty_btf_find(b, TY_FUNC, str_of(name));
			assert_non_null(f);
			want_text("function", f->name, name);
		}
	assert_null(ty_btf_find(b, TY_FUNC, STR("zz99")));
}

/* Names of all lengths, at all distances from the end of the strings. */
static void want_all_lengths(struct ty_btf *b)
{
	char name[80];

	for (int n = 1; n < 70; n++)
		for (char c = 'a'; c < 'e'; c++) {
			const struct type *s;

			memset(name, c, (size_t)n);
			name[n] = 0;
			s = ty_btf_find(b, TY_STRUCT, str_of(name));
			if (!s || !str_is(s->name, name))
				fail_msg("%s is not found", name);
			name[n - 1]++;
			if (n > 1)
				assert_null(ty_btf_find(b, TY_STRUCT, str_of(name)));
		}
}

static void test_names_of_every_length_are_found(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct ty_out *o = ty_out_new(*state);
	struct ty_btf *b;
	char name[80];

	for (int n = 1; n < 70; n++)
		for (char c = 'a'; c < 'e'; c++) {
			struct type *s;

			memset(name, c, (size_t)n);
			name[n] = 0;
			s = ty_tagged_new(t, TY_STRUCT, str_dup(*state, str_of(name)), NOWHERE);
			ty_layout(t, s, NULL, 0, false, 0);
			ty_out_type(o, s);
		}
	b = parse(t, ty_out_finish(o));
	want_all_lengths(b);
	/* A string that is no union: from here on there is an index. */
	assert_null(ty_btf_find(b, TY_UNION, STR("aaa")));
	want_all_lengths(b);
}

/* ---- hand-made records ---------------------------------------------------------------------- */

struct maker {
	u32 words[64];
	u32 n;
	struct sbuf strs;
};

static u32 name(struct maker *m, const char *s)
{
	u32 off = m->strs.n;

	sbuf_puts(&m->strs, s);
	sbuf_putc(&m->strs, 0);
	return off;
}

static void words(struct maker *m, const u32 *w, u32 n)
{
	assert_true(m->n + n <= ARRAY_LEN(m->words));
	memcpy(m->words + m->n, w, n * sizeof(*w));
	m->n += n;
}
#define N_WORDS(...)	       (sizeof((u32[]){ __VA_ARGS__ }) / 4)
#define WORDS(m, ...)	       words(m, (u32[]){ __VA_ARGS__ }, N_WORDS(__VA_ARGS__))
#define INFO(kind, vlen, flag) ((u32)(flag) << 31 | (u32)(kind) << 24 | (vlen))

static void maker_init(struct maker *m, struct arena *a)
{
	m->n = 0;
	sbuf_init(&m->strs, a);
	sbuf_putc(&m->strs, 0);
}

static str made(struct maker *m, struct arena *a)
{
	struct btf_head h = {
		BTF_MAGIC, BTF_VERSION, 0, sizeof(h), 0, m->n * 4, m->n * 4, m->strs.n
	};
	char *blob = arena_alloc(a, sizeof(h) + h.type_len + h.str_len);

	memcpy(blob, &h, sizeof(h));
	memcpy(blob + sizeof(h), m->words, h.type_len);
	memcpy(blob + sizeof(h) + h.type_len, m->strs.s, h.str_len);
	return (str){ blob, (u32)(sizeof(h) + h.type_len + h.str_len) };
}

static void test_a_definition_beats_a_declaration(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	const struct type *s;
	struct maker m;
	struct ty_btf *b;
	u32 foo;

	maker_init(&m, *state);
	foo = name(&m, "foo");
	WORDS(&m, foo, INFO(BTF_FWD, 0, 0), 0);				/* 1 */
	WORDS(&m, 0, INFO(BTF_PTR, 0, 0), 1);				/* 2 */
	WORDS(&m, foo, INFO(BTF_STRUCT, 1, 0), 8, name(&m, "p"), 2, 0); /* 3 */
	WORDS(&m, foo, INFO(BTF_FWD, 0, 1), 0);				/* 4: a union */
	b = parse(t, made(&m, *state));
	s = ty_btf_find(b, TY_STRUCT, STR("foo"));
	assert_int_equal(s->btf_id, 3);
	assert_true(ty_complete(s));
	assert_ptr_equal(s->members[0].type->to, s);
	assert_int_equal(ty_btf_find(b, TY_UNION, STR("foo"))->btf_id, 4);
}

/* Old compilers: the INT of a bit-field says where its bits are. */
static void test_old_bit_fields(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	const struct type *s;
	struct maker m;
	u32 a, c;

	maker_init(&m, *state);
	a = name(&m, "a");
	c = name(&m, "c");
	WORDS(&m, name(&m, "unsigned int"), INFO(BTF_INT, 0, 0), 4, 5u << 16 | 3); /* 1 */
	WORDS(&m, name(&m, "s"), INFO(BTF_STRUCT, 2, 0), 4, a, 1, 0, c, 1, 8);	   /* 2 */
	s = ty_btf_by_id(parse(t, made(&m, *state)), 2);
	assert_true(ty_complete(s));
	assert_int_equal(s->members[0].bits, 3);
	assert_int_equal(s->members[0].bit_off, 5);
	assert_int_equal(s->members[1].bit_off, 13);
}

static void test_circles_are_cut(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	const struct type *s;
	struct maker m;
	struct ty_btf *b;
	struct sbuf out;

	maker_init(&m, *state);
	WORDS(&m, name(&m, "t1"), INFO(BTF_TYPEDEF, 0, 0), 2);
	WORDS(&m, name(&m, "t2"), INFO(BTF_TYPEDEF, 0, 0), 1);
	WORDS(&m, 0, INFO(BTF_PTR, 0, 0), 3);
	WORDS(&m, 0, INFO(BTF_CONST, 0, 0), 4);
	WORDS(&m, 0, INFO(BTF_FUNC_PROTO, 1, 0), 5, 0, 5);
	WORDS(&m, name(&m, "self"), INFO(BTF_STRUCT, 2, 0), 8, 0, 6, 0, 0, 6, 0);
	WORDS(&m, 0, INFO(BTF_ARRAY, 0, 0), 0, 7, 7, 2);
	WORDS(&m, name(&m, "tag"), INFO(BTF_TYPE_TAG, 0, 0), 8);
	WORDS(&m, 0, INFO(BTF_PTR, 0, 0), 8);
	b = parse(t, made(&m, *state));
	for (u32 id = 1; id <= 9; id++) {
		const struct type *ty = ty_btf_by_id(b, id);

		sbuf_init(&out, *state);
		if (ty) {
			ty_complete(ty);
			ty_print(&out, ty);
			ty_print_def(&out, ty_strip(ty));
		}
	}
	s = ty_btf_by_id(b, 6);
	assert_true(ty_complete(s));
	assert_null(ty_find_member(s, STR("x"), NULL));
	assert_null(ty_btf_by_id(b, 10));
	assert_null(ty_btf_by_id(b, ~0u));
	assert_true(ty_is_void(ty_btf_by_id(b, 0)));
}

static void test_a_struct_whose_members_stick_out_is_incomplete(void **state)
{
	static const struct {
		u32 off;
		bool flag, ok;
	} cases[] = {
		{ 32, false, true },
		{ 33, false, false },
		{ 0xfffffff0, false, false },
		{ 4u << 24 | 60, true, true },
		{ 4u << 24 | 61, true, false },
		{ 33u << 24, true, false },
	};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct ty_table *t = ty_table_new(*state);
		const struct type *s;
		struct maker m;

		maker_init(&m, *state);
		WORDS(&m, name(&m, "int"), INFO(BTF_INT, 0, 0), 4, 1u << 24 | 32);
		WORDS(&m, name(&m, "s"), INFO(BTF_STRUCT, 1, cases[i].flag), 8, name(&m, "x"), 1,
		      cases[i].off);
		s = ty_btf_by_id(parse(t, made(&m, *state)), 2);
		if (ty_complete(s) != cases[i].ok || s->n != cases[i].ok)
			fail_msg("case %zu: complete %d", i, s->complete);
	}
}

static void test_bad_heads_are_told_apart(void **state)
{
	static const struct {
		const char *name;
		u32 at;
		u8 byte;
		const char *want;
	} cases[] = {
		{ "magic", 0, 0, "magic" },
		{ "order", 0, 0xeb, "byte order" },
		{ "version", 2, 9, "version" },
		{ "header", 4, 4, "header" },
		{ "long header", 7, 1, "header" },
		{ "types", 11, 1, "types" },
		{ "types length", 15, 1, "types" },
		{ "strings", 19, 1, "strings" },
		{ "strings length", 23, 1, "strings" },
	};
	struct ty_table *t = ty_table_new(*state);
	str good = program_blob(*state, t);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *bad = str_z(*state, good);
		struct ty_btf *b;
		struct err e = { 0 };

		bad[cases[i].at] = (char)cases[i].byte;
		if (!strcmp(cases[i].name, "order"))
			bad[1] = (char)0x9f;
		assert_int_equal(ty_btf_parse(t, bad, good.n, &b, &e), -SKEP_EBADFILE);
		if (!strstr(e.msg, cases[i].want))
			fail_msg("%s: said \"%s\"", cases[i].name, e.msg);
	}
}

static bool count_name(void *arg, str s, u32 id)
{
	(void)id;
	*(u32 *)arg += s.n > 0;
	return true;
}

/* Asks everything of a blob; what comes out must only be free of faults. */
static void exercise(const char *bytes, u32 n)
{
	struct arena *a = arena_new(NULL);
	struct ty_table *t = ty_table_new(a);
	struct nearest near;
	struct ty_btf *b;
	struct sbuf out;
	u32 names = 0;
	s64 value;

	if (!ty_btf_parse(t, bytes, n, &b, NULL)) {
		struct ty_out *o = ty_out_new(a);

		for (u32 id = 0; id < 80; id++) {
			const struct type *ty = ty_btf_by_id(b, id);

			if (!ty)
				continue;
			ty_complete(ty);
			sbuf_init(&out, a);
			ty_print_def(&out, ty);
			ty_print(&out, ty);
			ty_find_member(ty, STR("nothing"), NULL);
			ty_same(ty, ty_btf_by_id(b, 1) ? ty_btf_by_id(b, 1) : ty);
			ty_out_type(o, ty);
		}
		ty_out_finish(o);
		for (enum ty_kind k = TY_VOID; k <= TY_TYPEDEF; k++) {
			ty_btf_each(b, k, count_name, &names);
			ty_btf_find(b, k, STR("event"));
			ty_btf_find(b, k, STR("handler"));
			nearest_init(&near, STR("evnt"));
			ty_btf_offer(b, k, &near);
		}
		ty_btf_enumerator(b, STR("HUGE_ONE"), &value, NULL);
		ty_btf_close(b);
	}
	arena_free(a);
}

/* A block of its own, so that AddressSanitizer sees the first byte read behind it. */
static void exercise_copy(str blob, u32 n, u32 at, u8 flip)
{
	char *copy = malloc(n ? n : 1);

	memcpy(copy, blob.s, n);
	if (at < n)
		copy[at] = (char)(copy[at] ^ flip);
	exercise(copy, n);
	free(copy);
}

static void test_truncated_blobs(void **state)
{
	str blob = program_blob(*state, ty_table_new(*state));
	struct ty_table *t = ty_table_new(*state);

	for (u32 n = 0; n < blob.n; n++) {
		struct ty_btf *b;

		exercise_copy(blob, n, ~0u, 0);
		assert_int_equal(ty_btf_parse(t, blob.s, n, &b, NULL), -SKEP_EBADFILE);
	}
	exercise_copy(blob, blob.n, ~0u, 0);
}

static void test_damaged_blobs(void **state)
{
	static const u8 flips[] = { 0xff, 0x01, 0x02, 0x04, 0x10, 0x80 };
	str blob = program_blob(*state, ty_table_new(*state));

	for (u32 at = 0; at < blob.n; at++)
		for (size_t i = 0; i < ARRAY_LEN(flips); i++)
			exercise_copy(blob, blob.n, at, flips[i]);
}

/* ---- the kernel ----------------------------------------------------------------------------- */

static struct ty_btf *kernel_btf(struct ty_table *t)
{
	struct ty_btf *b = NULL;
	struct err e = { 0 };
	int err = ty_btf_open(t, NULL, &b, &e);

	if (err == -SKEP_ENOBTF) {
		print_message("skipped: %s\n", e.msg);
		skip();
	}
	if (err)
		fail_msg("%s", e.msg);
	return b;
}

static void test_a_missing_file_is_told(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct ty_btf *b;
	struct err e;

	assert_int_equal(ty_btf_open(t, "/nonexistent", &b, &e), -ENOENT);
	assert_non_null(strstr(e.msg, "/nonexistent"));
	assert_int_equal(ty_btf_open(t, "/", &b, &e), -SKEP_EBADFILE);
	assert_int_equal(ty_btf_open(t, "/dev/null", &b, &e), -SKEP_EBADFILE);
	assert_int_equal(ty_btf_open(t, "/proc/self/exe", &b, &e), -SKEP_EBADFILE);
}

static void test_kernel_types(void **state)
{
	static const char *const members[] = { "pid", "tgid", "comm", "mm", "real_parent" };
	struct ty_table *t = ty_table_new(*state);
	struct ty_btf *b = kernel_btf(t);
	const struct type *task = ty_btf_find(b, TY_STRUCT, STR("task_struct"));
	const struct type *pid_t_ = ty_btf_find(b, TY_TYPEDEF, STR("pid_t"));
	u32 off[ARRAY_LEN(members)];

	assert_non_null(task);
	assert_true(ty_complete(task));
	assert_true(task->size > 1000 && task->n > 50 && task->align >= 8);
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		const struct ty_member *m = ty_find_member(task, str_of(members[i]), &off[i]);

		if (!m || off[i] / 8 + m->type->size > task->size)
			fail_msg("task_struct.%s is not there", members[i]);
	}
	assert_int_equal(off[1], off[0] + 32);
	assert_int_equal(ty_find_member(task, STR("comm"), NULL)->type->size, 16);
	assert_ptr_equal(ty_find_member(task, STR("pid"), NULL)->type, pid_t_);
	assert_true(ty_same(pid_t_, ty_basic(t, TY_B_INT)));
	assert_ptr_equal(ty_strip(ty_find_member(task, STR("real_parent"), NULL)->type)->to, task);
	assert_null(ty_btf_find(b, TY_STRUCT, STR("no_such_struct")));
	assert_null(ty_btf_find(b, TY_UNION, STR("task_struct")));
	assert_null(ty_btf_find(b, TY_PTR, STR("task_struct")));
	ty_btf_close(b);
}

static void test_kernel_functions_and_enumerators(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct ty_btf *b = kernel_btf(t);
	const struct type *fn = ty_btf_find(b, TY_FUNC, STR("do_exit"));
	const struct type *en = NULL;
	struct nearest near;
	s64 value = 0;

	if (!fn)
		fn = ty_btf_find(b, TY_FUNC, STR("schedule"));
	assert_non_null(fn);
	assert_true(ty_is_void(fn->to));
	assert_true(fn->btf_id > 0);
	assert_null(ty_btf_find(b, TY_FUNC, STR("no_such_function")));
	assert_null(ty_btf_find(b, TY_FUNC, STR("task_struct")));
	assert_true(ty_btf_enumerator(b, STR("BPF_MAP_TYPE_HASH"), &value, &en));
	assert_int_equal(value, BPF_MAP_TYPE_HASH);
	want_text("its enum", en->name, "bpf_map_type");
	if (ty_btf_enumerator(b, STR("TASK_COMM_LEN"), &value, NULL))
		assert_int_equal(value, 16);
	assert_false(ty_btf_enumerator(b, STR("NO_SUCH_ENUMERATOR"), &value, NULL));
	nearest_init(&near, STR("task_strukt"));
	ty_btf_offer(b, TY_STRUCT, &near);
	want_text("nearest", near.best, "task_struct");
	ty_btf_close(b);
}

struct again {
	struct ty_btf *b;
	u32 asked, missing;
};

/* One name in 37 of those listed is looked up again. */
static bool find_again(void *arg, str s, u32 id)
{
	struct again *again = arg;

	if (id % 37 == 0) {
		again->asked++;
		again->missing += !ty_btf_find(again->b, TY_FUNC, s);
	}
	return true;
}

static void test_kernel_names_are_found_again(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct again again = { .b = kernel_btf(t) };

	ty_btf_each(again.b, TY_FUNC, find_again, &again);
	assert_true(again.asked > 100);
	assert_int_equal(again.missing, 0);
	ty_btf_close(again.b);
}

/* The index, built after a while, gives the same ids as the search that a fresh reader makes. */
static bool compare_ways(void *arg, str s, u32 id)
{
	struct again *again = arg;
	struct arena *a;
	struct ty_btf *fresh;

	if (id % 97)
		return true;
	a = arena_new(NULL);
	fresh = kernel_btf(ty_table_new(a));
	again->asked++;
	again->missing += ty_btf_find(again->b, TY_STRUCT, s)->btf_id !=
			  ty_btf_find(fresh, TY_STRUCT, s)->btf_id;
	ty_btf_close(fresh);
	arena_free(a);
	return true;
}

static void test_kernel_structs_are_found_both_ways(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct again again = { .b = kernel_btf(t) };

	ty_btf_each(again.b, TY_STRUCT, compare_ways, &again);
	assert_true(again.asked > 20);
	assert_int_equal(again.missing, 0);
	ty_btf_close(again.b);
}

/* Everything in the kernel decodes; what is incomplete there is only declared. */
static void test_kernel_structs_all_decode(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct ty_btf *b = kernel_btf(t);
	u32 structs = 0, misaligned = 0;

	for (u32 id = 1; id < 60000; id++) {
		const struct type *ty = ty_btf_by_id(b, id);

		if (!ty || !ty_is_aggregate(ty) || ty->btf_id != id || !ty->size)
			continue;
		structs++;
		if (!ty_complete(ty))
			fail_msg("struct " STR_FMT " (id %u) does not decode", STR_ARG(ty->name),
				 id);
		misaligned += ty->size % ty->align != 0;
	}
	assert_true(structs > 1000);
	assert_int_equal(misaligned, 0);
	ty_btf_close(b);
}

static int load(str blob, char *log, u32 log_size)
{
	union bpf_attr attr = { 0 };

	attr.btf = (uintptr_t)blob.s;
	attr.btf_size = blob.n;
	attr.btf_log_buf = (uintptr_t)log;
	attr.btf_log_size = log_size;
	attr.btf_log_level = 1;
	return (int)syscall(__NR_bpf, BPF_BTF_LOAD, &attr, sizeof(attr));
}

static void want_loaded(str blob)
{
	static char log[1 << 16];
	int fd = load(blob, log, sizeof(log));

	if (fd < 0 && errno == EPERM) {
		print_message("skipped: loading BTF needs CAP_BPF\n");
		skip();
	}
	if (fd < 0)
		fail_msg("the kernel refuses the BTF (%s):\n%s", strerror(errno), log);
	close(fd);
}

static void test_the_kernel_accepts_a_programs_btf(void **state)
{
	want_loaded(program_blob(*state, ty_table_new(*state)));
}

/* Kernel types by value, behind pointers, and behind __kptr; then one of them needed whole. */
static void test_the_kernel_accepts_its_own_types(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct ty_btf *b = kernel_btf(t), *back;
	struct ty_out *o = ty_out_new(*state);
	const struct type *task = ty_btf_find(b, TY_STRUCT, STR("task_struct"));
	const struct type *sock = ty_btf_find(b, TY_STRUCT, STR("sock"));
	struct ty_param ps[] = { { STR("sk"), ty_ptr_to(t, sock) } };
	struct ty_member m[] = {
		{ .name = STR("task"), .type = ty_ptr_in(t, task, TY_SPACE_KPTR) },
		{ .name = STR("sk"), .type = ty_ptr_to(t, sock) },
		{ .name = STR("where"), .type = ty_btf_find(b, TY_STRUCT, STR("path")) },
		{ .name = STR("kind"), .type = ty_btf_find(b, TY_ENUM, STR("bpf_map_type")) },
	};
	const struct type *value = lay(t, TY_STRUCT, "value", m, ARRAY_LEN(m), false), *again;

	ty_out_func(o, STR("f"), ty_func_of(t, ty_basic(t, TY_B_INT), ps, 1, false), TY_STATIC);
	ty_out_type(o, value);
	want_loaded(ty_out_finish(o));
	back = parse(t, ty_out_finish(o));
	assert_false(ty_complete(ty_btf_find(back, TY_STRUCT, STR("sock"))));
	again = ty_btf_find(back, TY_STRUCT, STR("task_struct"));
	assert_int_equal(again->size, task->size);
	assert_int_equal(again->n, 0);
	assert_true(ty_complete(ty_btf_find(back, TY_STRUCT, STR("path"))));
	assert_true(ty_same(ty_btf_find(back, TY_STRUCT, STR("value")), value));

	ty_out_type(o, task);
	want_loaded(ty_out_finish(o));
	back = parse(t, ty_out_finish(o));
	again = ty_btf_find(back, TY_STRUCT, STR("task_struct"));
	assert_true(ty_complete(again));
	assert_int_equal(again->n, task->n);
	ty_btf_close(b);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_types_survive_the_round_trip),
		TEST(test_enumerators_survive_the_round_trip),
		TEST(test_output_is_unique_and_deterministic),
		TEST(test_int_encodings),
		TEST(test_functions_variables_and_sections),
		TEST(test_functions_are_found_in_any_order),
		TEST(test_names_of_every_length_are_found),
		TEST(test_a_definition_beats_a_declaration),
		TEST(test_old_bit_fields),
		TEST(test_circles_are_cut),
		TEST(test_a_struct_whose_members_stick_out_is_incomplete),
		TEST(test_bad_heads_are_told_apart),
		TEST(test_truncated_blobs),
		TEST(test_damaged_blobs),
		TEST(test_a_missing_file_is_told),
		TEST(test_kernel_types),
		TEST(test_kernel_functions_and_enumerators),
		TEST(test_kernel_names_are_found_again),
		TEST(test_kernel_structs_are_found_both_ways),
		TEST(test_kernel_structs_all_decode),
		TEST(test_the_kernel_accepts_a_programs_btf),
		TEST(test_the_kernel_accepts_its_own_types),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
