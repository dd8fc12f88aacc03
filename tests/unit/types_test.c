/* Unit tests of types without BTF: layout (against the compiler that builds this file), printing,
 * uniqueness, compatibility, members. BTF is in types_btf_test.c. */
#include "types/types.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- layout, against the compiler ----------------------------------------------------------- */

enum color { RED };

/* A list names members once, for the compiler and for us: M type name, B bit-field, U unnamed
 * bit-field, A array. */
#define FIELD_M(T, n)	 T n;
#define FIELD_B(T, n, w) T n : w;
#define FIELD_U(T, w)                                                                              \
	T:                                                                                         \
	w;
#define FIELD_A(T, n, c) T n[c];

#define BASIC(T)                                                                                   \
	_Generic((T){ 0 }, \
	_Bool: TY_B_BOOL, char: TY_B_CHAR, signed char: TY_B_SCHAR, unsigned char: TY_B_UCHAR, \
	short: TY_B_SHORT, unsigned short: TY_B_USHORT, int: TY_B_INT, unsigned int: TY_B_UINT, \
	long: TY_B_LONG, unsigned long: TY_B_ULONG, long long: TY_B_LLONG, \
	unsigned long long: TY_B_ULLONG, __int128: TY_B_INT128, unsigned __int128: TY_B_UINT128, \
	float: TY_B_FLOAT, double: TY_B_DOUBLE, void *: TY_N_BASIC)

struct layout_case {
	struct ty_table *t;
	struct ty_member m[32];
	u32 want_off[32];
	u32 n;
};

static const struct type *type_of(struct ty_table *t, int basic)
{
	return basic == TY_N_BASIC ? ty_ptr_to(t, ty_basic(t, TY_B_VOID)) : ty_basic(t, basic);
}

static void add(struct layout_case *c, const char *name, int basic, u32 bits, u32 count, u32 off)
{
	struct ty_member *m = &c->m[c->n];

	m->name = str_of(name);
	m->type = type_of(c->t, basic);
	if (count != 1)
		m->type = ty_array_of(c->t, m->type, count ? count : TY_UNSIZED);
	m->bits = bits;
	c->want_off[c->n++] = off;
}

static u32 first_bit(const void *object, size_t size)
{
	const u8 *p = object;

	for (size_t i = 0; i < size * 8; i++)
		if (p[i / 8] >> i % 8 & 1)
			return (u32)i;
	return ~0u;
}

/* clang-format off */
#define ROW_M(T, n) add(&c, #n, BASIC(T), 0, 1, offsetof(cur, n) * 8);
#define ROW_A(T, n, k) add(&c, #n, BASIC(T), 0, k + 0, offsetof(cur, n) * 8);
#define ROW_U(T, w) add(&c, "", BASIC(T), w, 1, ~0u);
#define ROW_B(T, n, w) { \
	cur x_; \
	memset(&x_, 0, sizeof(x_)); \
	x_.n = (T)ones; \
	add(&c, #n, BASIC(T), w, 1, first_bit(&x_, sizeof(x_))); \
}
/* clang-format on */

static void check_layout(const char *name, struct layout_case *c, enum ty_kind kind, bool packed,
			 u32 align, size_t want_size, size_t want_align)
{
	struct type *s = ty_tagged_new(c->t, kind, str_of(name), (struct span){ 0 });

	ty_layout(c->t, s, c->m, c->n, packed, align);
	assert_true(s->complete);
	if (s->size != want_size || s->align != want_align)
		fail_msg("%s: size %llu align %u, the compiler has %zu and %zu", name,
			 (unsigned long long)s->size, s->align, want_size, want_align);
	for (u32 i = 0; i < c->n; i++)
		if (c->want_off[i] != ~0u && s->members[i].bit_off != c->want_off[i])
			fail_msg("%s.%.*s: at bit %u, the compiler has %u", name,
				 STR_ARG(s->members[i].name), s->members[i].bit_off,
				 c->want_off[i]);
}

/* clang-format off */
#define CASE(name, key, list, attr, kind, packed, align) do { \
	key tag_##name { list(FIELD_M, FIELD_B, FIELD_U, FIELD_A) } attr; \
	typedef key tag_##name cur; \
	volatile int ones = -1; \
	struct layout_case c = { .t = ty_table_new(a) }; \
	(void)ones; \
	list(ROW_M, ROW_B, ROW_U, ROW_A) \
	check_layout(#name, &c, kind, packed, align, sizeof(cur), _Alignof(cur)); \
} while (0)
#define NO_ATTR
#define PACKED __attribute__((packed))
#define AS_STRUCT(list) CASE(list, struct, list, NO_ATTR, TY_STRUCT, false, 0)
#define AS_UNION(list) CASE(list, union, list, NO_ATTR, TY_UNION, false, 0)
#define AS_PACKED(list) CASE(list, struct, list, PACKED, TY_STRUCT, true, 0)
#define AS_PACKED_UNION(list) CASE(list, union, list, PACKED, TY_UNION, true, 0)
#define AS_ALIGNED(list) \
	CASE(list, struct, list, __attribute__((aligned(64))), TY_STRUCT, false, 64)
#define AS_PACKED4(list) \
	CASE(list, struct, list, __attribute__((packed, aligned(4))), TY_STRUCT, true, 4)

#define PLAIN(M, B, U, A) M(char, a) M(int, b) M(short, c) M(long, d) M(char, e)
#define WIDE(M, B, U, A) M(char, a) M(__int128, b) M(char, c) M(double, d) M(float, e)
#define ARRAYS(M, B, U, A) M(char, a) A(short, b, 3) A(char, c, 5) A(long, d, 2) M(_Bool, e)
#define POINTERS(M, B, U, A) M(_Bool, a) M(void *, p) M(unsigned short, b) A(void *, q, 2)
#define FLEXIBLE(M, B, U, A) M(int, n) M(char, c) A(long, rest, )
#define ONE_BYTE(M, B, U, A) M(char, only)
#define EMPTY(M, B, U, A)
#define BITS(M, B, U, A) B(int, a, 3) B(int, b, 7) B(unsigned int, c, 22) B(int, d, 1) \
	B(int, e, 31)
#define CROSS(M, B, U, A) B(int, a, 30) B(int, b, 4) B(short, c, 9) B(short, d, 8) B(char, e, 5)
#define MIXED(M, B, U, A) M(char, a) B(int, b, 5) M(char, c) B(long, d, 40) B(int, e, 3) \
	M(short, f)
#define CHARS(M, B, U, A) B(char, a, 3) B(char, b, 6) B(unsigned char, c, 8) B(_Bool, d, 1) \
	B(_Bool, e, 1) B(char, f, 7)
#define ZERO(M, B, U, A) B(int, a, 3) U(int, 0) B(int, b, 3) U(char, 0) B(char, c, 1) \
	U(long, 0) B(int, d, 2)
#define ZERO_FIRST(M, B, U, A) U(long, 0) M(char, a) U(int, 0) M(char, b)
#define ZERO_LAST(M, B, U, A) M(char, a) B(char, b, 2) U(int, 0)
#define UNNAMED(M, B, U, A) M(char, a) U(int, 11) B(char, b, 2) U(long, 33) M(char, c)
#define UNNAMED_ONLY(M, B, U, A) U(int, 5) M(char, a)
#define LONGS(M, B, U, A) B(long, a, 33) B(long, b, 31) B(long, c, 1) B(unsigned long, d, 64) \
	B(int, e, 32) B(long, f, 63)
#define SHRINK(M, B, U, A) B(long, a, 12) B(int, b, 12) B(short, c, 8) B(char, d, 8) \
	B(long, e, 30)
#define AFTER(M, B, U, A) B(int, a, 9) M(short, b) B(short, c, 9) M(char, d) B(long, e, 9) \
	M(int, f)
#define TCP_FLAGS(M, B, U, A) M(unsigned short, source) M(unsigned short, dest) \
	M(unsigned int, seq) B(unsigned short, res1, 4) B(unsigned short, doff, 4) \
	B(unsigned short, fin, 1) B(unsigned short, syn, 1) B(unsigned short, rest, 6) \
	M(unsigned short, window)
/* clang-format on */

static void test_layout_is_the_compilers(void **state)
{
	struct arena *a = *state;

	AS_STRUCT(PLAIN);
	AS_STRUCT(WIDE);
	AS_STRUCT(ARRAYS);
	AS_STRUCT(POINTERS);
	AS_STRUCT(FLEXIBLE);
	AS_STRUCT(ONE_BYTE);
	AS_STRUCT(EMPTY);
}

static void test_layout_of_bit_fields(void **state)
{
	struct arena *a = *state;

	AS_STRUCT(BITS);
	AS_STRUCT(CROSS);
	AS_STRUCT(MIXED);
	AS_STRUCT(CHARS);
	AS_STRUCT(LONGS);
	AS_STRUCT(SHRINK);
	AS_STRUCT(AFTER);
	AS_STRUCT(TCP_FLAGS);
}

static void test_layout_of_unnamed_bit_fields(void **state)
{
	struct arena *a = *state;

	AS_STRUCT(ZERO);
	AS_STRUCT(ZERO_FIRST);
	AS_STRUCT(ZERO_LAST);
	AS_STRUCT(UNNAMED);
	AS_STRUCT(UNNAMED_ONLY);
}

static void test_layout_packed(void **state)
{
	struct arena *a = *state;

	AS_PACKED(PLAIN);
	AS_PACKED(WIDE);
	AS_PACKED(ARRAYS);
	AS_PACKED(POINTERS);
	AS_PACKED(FLEXIBLE);
	AS_PACKED(BITS);
	AS_PACKED(CROSS);
	AS_PACKED(MIXED);
	AS_PACKED(LONGS);
	AS_PACKED(SHRINK);
	AS_PACKED(AFTER);
	AS_PACKED(ZERO);
	AS_PACKED(ZERO_FIRST);
	AS_PACKED(ZERO_LAST);
	AS_PACKED(UNNAMED);
	AS_PACKED(TCP_FLAGS);
}

static void test_layout_aligned(void **state)
{
	struct arena *a = *state;

	AS_ALIGNED(PLAIN);
	AS_ALIGNED(MIXED);
	AS_ALIGNED(ONE_BYTE);
	AS_ALIGNED(FLEXIBLE);
	AS_PACKED4(PLAIN);
	AS_PACKED4(MIXED);
	AS_PACKED4(ONE_BYTE);
	AS_PACKED4(ZERO);
}

static void test_layout_of_unions(void **state)
{
	struct arena *a = *state;

	AS_UNION(PLAIN);
	AS_UNION(WIDE);
	AS_UNION(ARRAYS);
	AS_UNION(BITS);
	AS_UNION(CROSS);
	AS_UNION(MIXED);
	AS_UNION(ZERO);
	AS_UNION(UNNAMED);
	AS_UNION(LONGS);
	AS_PACKED_UNION(PLAIN);
	AS_PACKED_UNION(CROSS);
	AS_PACKED_UNION(UNNAMED);
}

/* Structs in structs, anonymous members, arrays of structs. */
struct inner {
	char c;
	long l;
};
struct outer {
	char a;
	union {
		int x;
		char y[6];
	};
	struct {
		short s;
		struct inner in;
		enum color color;
	};
	struct inner list[3];
	char z;
};

static struct type *lay(struct ty_table *t, enum ty_kind kind, const char *tag,
			const struct ty_member *m, u32 n)
{
	struct type *s = ty_tagged_new(t, kind, str_of(tag), (struct span){ 0 });

	ty_layout(t, s, m, n, false, 0);
	return s;
}
#define LAY(t, kind, tag, m) lay(t, kind, tag, m, ARRAY_LEN(m))

static const struct type *make_outer(struct ty_table *t)
{
	const struct type *c = ty_basic(t, TY_B_CHAR);
	struct ty_enumerator red = { STR("RED"), 0 };
	struct type *color = ty_tagged_new(t, TY_ENUM, STR("color"), (struct span){ 0 });
	struct ty_member in[] = { { .name = STR("c"), .type = c },
				  { .name = STR("l"), .type = ty_basic(t, TY_B_LONG) } };
	struct ty_member xy[] = { { .name = STR("x"), .type = ty_basic(t, TY_B_INT) },
				  { .name = STR("y"), .type = ty_array_of(t, c, 6) } };
	struct type *inner = LAY(t, TY_STRUCT, "inner", in), *anon;
	struct ty_member sic[] = { { .name = STR("s"), .type = ty_basic(t, TY_B_SHORT) },
				   { .name = STR("in"), .type = inner },
				   { .name = STR("color"), .type = color } };

	ty_enum_finish(t, color, &red, 1);
	anon = LAY(t, TY_STRUCT, "", sic);
	struct ty_member all[] = {
		{ .name = STR("a"), .type = c },
		{ .type = LAY(t, TY_UNION, "", xy) },
		{ .type = anon },
		{ .name = STR("list"), .type = ty_array_of(t, inner, 3) },
		{ .name = STR("z"), .type = c },
	};
	return LAY(t, TY_STRUCT, "outer", all);
}

static void test_members_are_found_through_anonymous_ones(void **state)
{
	static const struct {
		const char *name;
		size_t off;
	} cases[] = {
		{ "a", offsetof(struct outer, a) },
		{ "x", offsetof(struct outer, x) },
		{ "y", offsetof(struct outer, y) },
		{ "s", offsetof(struct outer, s) },
		{ "in", offsetof(struct outer, in) },
		{ "z", offsetof(struct outer, z) },
		{ "color", offsetof(struct outer, color) },
		{ "list", offsetof(struct outer, list) },
	};
	struct ty_table *t = ty_table_new(*state);
	const struct type *outer = make_outer(t), *alias;
	struct nearest near;
	u32 off = 0;

	assert_int_equal(outer->size, sizeof(struct outer));
	alias = ty_qualify(t, ty_typedef_new(t, STR("outer_t"), outer), TY_CONST);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct ty_member *m = ty_find_member(alias, str_of(cases[i].name), &off);

		if (!m || off != cases[i].off * 8)
			fail_msg("%s: at %u, want %zu", cases[i].name, off / 8, cases[i].off);
	}
	assert_null(ty_find_member(outer, STR("c"), &off));
	assert_null(ty_find_member(outer, STR(""), &off));
	assert_null(ty_find_member(ty_basic(t, TY_B_INT), STR("a"), &off));
	nearest_init(&near, STR("colr"));
	ty_offer_members(outer, &near);
	want_text("nearest", near.best, "color");
}

static void test_enums_take_the_integer_that_holds_them(void **state)
{
	enum small { S0, S1 = 5 };
	enum full { F0 = 0xffffffff };
	enum neg { N0 = -1, N1 = 0x7fffffff };
	enum neg_wide { W0 = -1, W1 = 0xffffffff };
	enum huge { H0 = 0x100000000 };
	static const struct {
		const char *name;
		s64 values[2];
		size_t size;
		bool is_signed;
	} cases[] = {
		{ "small", { S0, S1 }, sizeof(enum small), (enum small) - 1 < (enum small)1 },
		{ "full", { F0, 0 }, sizeof(enum full), (enum full) - 1 < (enum full)1 },
		{ "neg", { N0, N1 }, sizeof(enum neg), (enum neg) - 1 < (enum neg)1 },
		{ "neg_wide",
		  { W0, W1 },
		  sizeof(enum neg_wide),
		  (enum neg_wide) - 1 < (enum neg_wide)1 },
		{ "huge", { H0, 0 }, sizeof(enum huge), (enum huge) - 1 < (enum huge)1 },
	};
	struct ty_table *t = ty_table_new(*state);

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct type *en = ty_tagged_new(t, TY_ENUM, STR("e"), (struct span){ 0 });
		struct ty_enumerator e[] = { { STR("A"), cases[i].values[0] },
					     { STR("B"), cases[i].values[1] } };

		ty_enum_finish(t, en, e, 2);
		if (en->size != cases[i].size || en->is_signed != cases[i].is_signed ||
		    en->to->size != en->size || ty_signed(en) != en->is_signed)
			fail_msg("%s: %llu bytes, signed %d", cases[i].name,
				 (unsigned long long)en->size, en->is_signed);
	}
}

static void test_what_is_too_large_stays_incomplete(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	const struct type *c = ty_basic(t, TY_B_CHAR);
	const struct type *half = ty_array_of(t, c, 1ull << 28);
	const struct type *twice = ty_array_of(t, ty_array_of(t, c, 1ull << 40), 1ull << 40);
	struct ty_member m[] = { { .name = STR("a"), .type = half },
				 { .name = STR("b"), .type = half } };

	assert_true(half->complete);
	assert_false(twice->complete);
	assert_false(ty_complete(twice));
	assert_false(LAY(t, TY_STRUCT, "s", m)->complete);
	assert_true(LAY(t, TY_UNION, "u", m)->complete);
}

/* ---- uniqueness, completion ----------------------------------------------------------------- */

static void test_equal_derived_types_are_one(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	const struct type *i = ty_basic(t, TY_B_INT), *p = ty_ptr_to(t, i);
	struct ty_param ab[] = { { STR("a"), i }, { STR("b"), p } };
	struct ty_param ac[] = { { STR("a"), i }, { STR("c"), p } };
	const struct type *f = ty_func_of(t, i, ab, 2, false);

	assert_ptr_equal(p, ty_ptr_to(t, i));
	assert_ptr_not_equal(p, ty_ptr_in(t, i, TY_SPACE_USER));
	assert_ptr_equal(ty_ptr_in(t, i, TY_SPACE_USER), ty_ptr_in(t, i, TY_SPACE_USER));
	assert_ptr_equal(ty_array_of(t, p, 4), ty_array_of(t, p, 4));
	assert_ptr_not_equal(ty_array_of(t, p, 4), ty_array_of(t, p, 5));
	assert_ptr_equal(ty_qualify(t, i, TY_CONST | TY_VOLATILE),
			 ty_qualify(t, ty_qualify(t, i, TY_CONST), TY_VOLATILE));
	assert_ptr_equal(ty_qualify(t, i, TY_CONST)->plain, i);
	assert_ptr_equal(ty_qualify(t, i, 0), i);
	assert_ptr_equal(ty_qualify(t, ty_array_of(t, i, 2), TY_CONST),
			 ty_array_of(t, ty_qualify(t, i, TY_CONST), 2));
	assert_ptr_equal(f, ty_func_of(t, i, ab, 2, false));
	assert_ptr_not_equal(f, ty_func_of(t, i, ab, 2, true));
	assert_ptr_not_equal(f, ty_func_of(t, i, ac, 2, false));
	assert_true(ty_same(f, ty_func_of(t, i, ac, 2, false)));
	assert_ptr_equal(ty_int_of(t, 8, false), ty_basic(t, TY_B_ULONG));
	for (u64 n = 1; n < 3000; n++)
		assert_int_equal(ty_array_of(t, i, n)->count, n);
	for (u64 n = 1; n < 3000; n++)
		assert_ptr_equal(ty_array_of(t, i, n), ty_array_of(t, i, n));
}

/* const struct s, an array and a typedef of it are made before struct s has members. */
static void test_completion_reaches_what_was_derived_before(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	struct type *s = ty_tagged_new(t, TY_STRUCT, STR("s"), (struct span){ 0 });
	const struct type *cs = ty_qualify(t, s, TY_CONST);
	const struct type *td = ty_typedef_new(t, STR("s_t"), cs);
	const struct type *arr = ty_array_of(t, td, 3);
	struct ty_member m[] = { { .name = STR("x"), .type = ty_basic(t, TY_B_LONG) } };

	assert_false(ty_complete(arr));
	assert_false(ty_complete(cs));
	ty_layout(t, s, m, 1, false, 0);
	assert_true(ty_complete(arr));
	assert_int_equal(arr->size, 24);
	assert_int_equal(arr->align, 8);
	assert_true(ty_complete(cs));
	assert_int_equal(cs->n, 1);
	assert_int_equal(ty_strip(td)->quals, TY_CONST);
	assert_ptr_equal(ty_strip(td), cs);
	assert_false(ty_complete(ty_basic(t, TY_B_VOID)));
	assert_false(ty_complete(ty_array_of(t, s, TY_UNSIZED)));
}

/* ---- compatibility -------------------------------------------------------------------------- */

static void test_compatibility(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	const struct type *i = ty_basic(t, TY_B_INT), *ci = ty_qualify(t, i, TY_CONST);
	const struct type *l = ty_basic(t, TY_B_LONG), *v = ty_basic(t, TY_B_VOID);
	const struct type *td = ty_typedef_new(t, STR("num"), i);
	const struct type *ctd = ty_typedef_new(t, STR("cnum"), ci);
	struct ty_enumerator neg = { STR("NEG"), -1 };
	struct type *en = ty_tagged_new(t, TY_ENUM, STR("e"), (struct span){ 0 });
	struct type *s1 = ty_tagged_new(t, TY_STRUCT, STR("s"), (struct span){ 0 });
	struct type *s2 = ty_tagged_new(t, TY_STRUCT, STR("s"), (struct span){ 0 });
	struct ty_param pi = { STR("x"), i }, pci = { STR("y"), ci }, pl = { STR("x"), l };

	ty_enum_finish(t, en, &neg, 1);
	const struct {
		const char *name;
		const struct type *a, *b;
		bool want;
	} cases[] = {
		{ "int int", i, i, true },
		{ "int long", i, l, false },
		{ "long, long long", l, ty_basic(t, TY_B_LLONG), false },
		{ "char, signed char", ty_basic(t, TY_B_CHAR), ty_basic(t, TY_B_SCHAR), false },
		{ "top qualifiers aside", i, ci, true },
		{ "typedef", td, i, true },
		{ "qualified pointees", ty_ptr_to(t, i), ty_ptr_to(t, ci), false },
		{ "qualified by typedef", ty_ptr_to(t, ctd), ty_ptr_to(t, ci), true },
		{ "pointer to typedef", ty_ptr_to(t, td), ty_ptr_to(t, i), true },
		{ "void * int *", ty_ptr_to(t, v), ty_ptr_to(t, i), false },
		{ "arrays", ty_array_of(t, td, 3), ty_array_of(t, i, 3), true },
		{ "array lengths", ty_array_of(t, i, 3), ty_array_of(t, i, 4), false },
		{ "open array", ty_array_of(t, i, 3), ty_array_of(t, td, TY_UNSIZED), true },
		{ "enum and its int", en, i, true },
		{ "enum and unsigned", en, ty_basic(t, TY_B_UINT), false },
		{ "structs of one tag", s1, s2, false },
		{ "struct itself", ty_qualify(t, s1, TY_CONST), s1, true },
		{ "parameters", ty_func_of(t, v, &pi, 1, false), ty_func_of(t, v, &pci, 1, false),
		  true },
		{ "parameter types", ty_func_of(t, v, &pi, 1, false),
		  ty_func_of(t, v, &pl, 1, false), false },
		{ "variadic", ty_func_of(t, v, &pi, 1, false), ty_func_of(t, v, &pi, 1, true),
		  false },
		{ "return", ty_func_of(t, v, &pi, 1, false), ty_func_of(t, i, &pi, 1, false),
		  false },
	};
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		if (ty_same(cases[k].a, cases[k].b) != cases[k].want ||
		    ty_same(cases[k].b, cases[k].a) != cases[k].want)
			fail_msg("%s: want %d", cases[k].name, cases[k].want);
	}
}

/* Each level names the one below twice: a walk without a budget would take 2^60 steps. */
static void test_walks_end_on_types_that_double(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	const struct type *a = ty_basic(t, TY_B_INT), *b = ty_basic(t, TY_B_LONG);
	struct sbuf out;
	struct ty_out *o = ty_out_new(*state);

	for (int i = 0; i < 60; i++) {
		struct ty_param pa[] = { { STR(""), a }, { STR(""), a } };
		struct ty_param pb[] = { { STR(""), b }, { STR(""), b } };

		a = ty_ptr_to(t, ty_func_of(t, a, pa, 2, false));
		b = ty_ptr_to(t, ty_func_of(t, b, pb, 2, false));
	}
	assert_false(ty_same(a, b));
	sbuf_init(&out, *state);
	ty_print(&out, a);
	assert_true(out.n > 1000 && out.n < 1u << 20);
	assert_true(ty_out_type(o, a) > 60);
}

/* ---- printing ------------------------------------------------------------------------------- */

static void test_declarators(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	const struct type *i = ty_basic(t, TY_B_INT), *c = ty_basic(t, TY_B_CHAR);
	const struct type *v = ty_basic(t, TY_B_VOID), *cc = ty_qualify(t, c, TY_CONST);
	const struct type *sock = ty_tagged_new(t, TY_STRUCT, STR("sock"), (struct span){ 0 });
	const struct type *anon = ty_tagged_new(t, TY_UNION, STR(""), (struct span){ 0 });
	const struct type *pc = ty_ptr_to(t, c), *u32_ = ty_typedef_new(t, STR("u32"), i);
	struct ty_param ps[] = { { STR(""), i }, { STR("s"), pc } };
	const struct type *f = ty_func_of(t, i, ps, 2, false);
	const struct type *pf = ty_ptr_to(t, f), *none = ty_func_of(t, v, NULL, 0, false);
	struct ty_param handler = { STR("h"), ty_ptr_to(t, none) };
	const struct type *signal = ty_func_of(t, ty_ptr_to(t, none), &handler, 1, false);
	const struct {
		const struct type *ty;
		const char *name, *want;
	} cases[] = {
		{ i, "", "int" },
		{ i, "x", "int x" },
		{ ty_ptr_to(t, sock), "", "struct sock *" },
		{ ty_ptr_to(t, sock), "sk", "struct sock *sk" },
		{ ty_ptr_to(t, ty_ptr_to(t, sock)), "sk", "struct sock **sk" },
		{ ty_array_of(t, c, 16), "", "char [16]" },
		{ ty_array_of(t, c, 16), "comm", "char comm[16]" },
		{ ty_array_of(t, ty_array_of(t, i, 3), 2), "m", "int m[2][3]" },
		{ ty_array_of(t, pc, 4), "", "char *[4]" },
		{ ty_array_of(t, i, TY_UNSIZED), "rest", "int rest[]" },
		{ ty_ptr_to(t, ty_array_of(t, i, 3)), "", "int (*)[3]" },
		{ ty_ptr_to(t, ty_array_of(t, i, 3)), "p", "int (*p)[3]" },
		{ cc, "k", "const char k" },
		{ ty_ptr_to(t, cc), "s", "const char *s" },
		{ ty_qualify(t, ty_ptr_to(t, cc), TY_CONST), "s", "const char *const s" },
		{ ty_qualify(t, pc, TY_CONST | TY_VOLATILE), "", "char *const volatile" },
		{ ty_qualify(t, u32_, TY_VOLATILE), "", "volatile u32" },
		{ f, "f", "int f(int, char *s)" },
		{ pf, "", "int (*)(int, char *s)" },
		{ pf, "fn", "int (*fn)(int, char *s)" },
		{ ty_array_of(t, pf, 4), "fn", "int (*fn[4])(int, char *s)" },
		{ none, "f", "void f(void)" },
		{ ty_func_of(t, v, ps, 2, true), "f", "void f(int, char *s, ...)" },
		{ signal, "signal", "void (*signal(void (*h)(void)))(void)" },
		{ ty_ptr_in(t, cc, TY_SPACE_USER), "p", "const char __user *p" },
		{ anon, "u", "union {...} u" },
		{ ty_basic(t, TY_B_ULONG), "", "unsigned long" },
	};

	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct sbuf out;

		sbuf_init(&out, *state);
		ty_print_decl(&out, cases[k].ty, str_of(cases[k].name));
		want_text("declarator", sbuf_str(&out), cases[k].want);
	}
}

static void test_definitions(void **state)
{
	struct ty_table *t = ty_table_new(*state);
	const struct type *u = ty_basic(t, TY_B_UINT);
	struct type *en = ty_tagged_new(t, TY_ENUM, STR("color"), (struct span){ 0 });
	struct ty_enumerator e[] = { { STR("RED"), 0 }, { STR("BLUE"), -2 } };
	struct ty_member bits[] = { { .name = STR("a"), .type = u, .bits = 3 },
				    { .name = STR("b"), .type = u, .bits = 30 } };
	struct type *fwd = ty_tagged_new(t, TY_STRUCT, STR("fwd"), (struct span){ 0 });
	const struct {
		const struct type *ty;
		const char *want;
	} cases[] = {
		{ make_outer(t), "struct outer {\n"
				 "\tchar a;  // 0 1\n"
				 "\tunion {\n"
				 "\t\tint x;  // 4 4\n"
				 "\t\tchar y[6];  // 4 6\n"
				 "\t};  // 4 8\n"
				 "\tstruct {\n"
				 "\t\tshort s;  // 16 2\n"
				 "\t\tstruct inner in;  // 24 16\n"
				 "\t\tenum color color;  // 40 4\n"
				 "\t};  // 16 32\n"
				 "\tstruct inner list[3];  // 48 48\n"
				 "\tchar z;  // 96 1\n"
				 "};  // size 104\n" },
		{ LAY(t, TY_STRUCT, "bits", bits), "struct bits {\n"
						   "\tunsigned int a : 3;  // 0:0 bits 3\n"
						   "\tunsigned int b : 30;  // 4:0 bits 30\n"
						   "};  // size 8\n" },
		{ en, "enum color {\n\tRED = 0,\n\tBLUE = -2,\n};  // size 4\n" },
		{ ty_typedef_new(t, STR("fn_t"), ty_ptr_to(t, ty_func_of(t, u, NULL, 0, false))),
		  "typedef unsigned int (*fn_t)(void);\n" },
		{ fwd, "struct fwd;\n" },
	};

	ty_enum_finish(t, en, e, 2);
	for (size_t k = 0; k < ARRAY_LEN(cases); k++) {
		struct sbuf out;

		sbuf_init(&out, *state);
		ty_print_def(&out, cases[k].ty);
		want_text("definition", sbuf_str(&out), cases[k].want);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(test_layout_is_the_compilers),
		TEST(test_layout_of_bit_fields),
		TEST(test_layout_of_unnamed_bit_fields),
		TEST(test_layout_packed),
		TEST(test_layout_aligned),
		TEST(test_layout_of_unions),
		TEST(test_members_are_found_through_anonymous_ones),
		TEST(test_enums_take_the_integer_that_holds_them),
		TEST(test_what_is_too_large_stays_incomplete),
		TEST(test_equal_derived_types_are_one),
		TEST(test_completion_reaches_what_was_derived_before),
		TEST(test_compatibility),
		TEST(test_walks_end_on_types_that_double),
		TEST(test_declarators),
		TEST(test_definitions),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
