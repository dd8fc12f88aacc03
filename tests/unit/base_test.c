/* Unit tests of base: memory, strings, maps, text, sources. Diagnostics are in base_diag_test.c. */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Shows both and fails the test. */
static void want_text(const char *name, str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%s:\n got  [" STR_FMT "]\n want [%s]", name, STR_ARG(got), want);
}

static void want_true(const char *name, bool ok)
{
	if (!ok)
		fail_msg("case '%s' failed", name);
}

static bool all_zero(const u8 *p, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (p[i])
			return false;
	return true;
}

/* ---- arenas --------------------------------------------------------------------------------- */

static void test_arena_gives_zeroed_aligned_memory(void **state)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 4000, 8192, 100000, 3 << 20, 5 };
	struct arena *a = arena_new(NULL);

	(void)state;
	for (int round = 0; round < 3; round++) {
		struct arena_mark m = arena_mark(a);

		for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
			u8 *p = arena_alloc(a, sizes[i]);

			assert_non_null(p);
			assert_int_equal((uintptr_t)p % 16, 0);
			assert_true(all_zero(p, sizes[i]));
			memset(p, 0xff, sizes[i]);
		}
		arena_release(a, m);
	}
	assert_int_equal(arena_used(a), 0);
	arena_free(a);
	arena_free(NULL);
}

static void test_arena_marks_nest_and_keep_what_is_below(void **state)
{
	struct arena *a = arena_new(NULL);
	char *below = arena_dup(a, "below", 6), *middle;
	struct arena_mark outer = arena_mark(a), inner;
	size_t used = arena_used(a);

	(void)state;
	for (int i = 0; i < 1000; i++) {
		middle = arena_dup(a, "middle", 7);
		inner = arena_mark(a);
		memset(arena_alloc(a, 1 + i * 97 % 20000), 0xee, 1 + i * 97 % 20000);
		arena_release(a, inner);
		assert_string_equal(middle, "middle");
	}
	arena_release(a, outer);
	assert_int_equal(arena_used(a), used);
	assert_string_equal(below, "below");
	arena_free(a);
}

static void test_arena_out_of_memory_takes_the_trap(void **state)
{
	struct trap trap = { .file = "unset" };
	struct arena *volatile a = NULL;
	volatile int caught = 0;

	(void)state;
	a = arena_new(&trap);
	assert_ptr_equal(arena_trap(a), &trap);
	if (setjmp(trap.env) == 0)
		arena_alloc(a, SIZE_MAX - 100);
	else
		caught++;
	if (setjmp(trap.env) == 0)
		arena_array_of(a, u64, SIZE_MAX / 4);
	else
		caught++;
	assert_int_equal(caught, 2);
	assert_null(trap.file);
	assert_string_equal(trap.what, "out of memory");
	memset(arena_alloc(a, 64), 1, 64);
	arena_free(a);
}

static void test_bug_takes_the_trap(void **state)
{
	struct trap trap = { 0 };
	volatile int caught = 0;

	(void)state;
	if (setjmp(trap.env) == 0)
		base_check(&trap, 1 + 1 == 3);
	else
		caught++;
	assert_int_equal(caught, 1);
	assert_non_null(strstr(trap.file, "base_test.c"));
	assert_true(trap.line > 0);
	assert_string_equal(trap.what, "1 + 1 == 3");
	base_check(&trap, 1 + 1 == 2);
}

static void test_trap_owns_its_arenas(void **state)
{
	struct trap trap = { 0 };
	struct arena *a[4];

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(a); i++)
		arena_alloc(a[i] = arena_new(&trap), 100000);
	arena_free(a[3]);
	arena_free(a[1]);
	if (setjmp(trap.env) == 0)
		arena_alloc(arena_new(&trap), SIZE_MAX);
	assert_non_null(trap.arenas);
	arena_free(a[0]);
	/* The leak checker knows whether this is all of them. */
	arena_free_all(&trap);
	assert_null(trap.arenas);
	arena_free_all(&trap);
}

static void note_undo(void *arg)
{
	strcat(arg, "x");
}

static void test_guards(void **state)
{
	struct trap trap = { 0 };
	struct trap_guard outer, inner, gone;
	char a[8] = "a", b[8] = "b", c[8] = "c";

	(void)state;
	trap_guard_push(NULL, &gone, note_undo, c);
	trap_guard_pop(NULL);
	trap_guard_push(&trap, &outer, note_undo, a);
	trap_guard_push(&trap, &gone, note_undo, c);
	trap_guard_pop(&trap);
	trap_guard_push(&trap, &inner, note_undo, b);
	if (setjmp(trap.env) == 0)
		base_bug(&trap, "here");
	assert_string_equal(a, "ax");
	assert_string_equal(b, "bx");
	assert_string_equal(c, "c");
	assert_null(trap.guards);
}

#ifdef SKEP_DEBUG
static void test_nth_allocation_fails(void **state)
{
	struct trap trap = { 0 };
	struct arena *a = arena_new(&trap);
	volatile int done = 0;

	(void)state;
	arena_fail_after(a, 3);
	if (setjmp(trap.env) == 0)
		for (; done < 10; done++)
			arena_alloc(a, 8);
	assert_int_equal(done, 2);
	arena_alloc(a, 8);
	arena_fail_after(a, 1);
	arena_fail_after(a, 0);
	arena_alloc(a, 8);
	arena_free(a);
}

static void test_nth_allocation_of_all_arenas_fails(void **state)
{
	struct trap trap = { 0 };
	struct arena *a = arena_new(&trap), *b = arena_new(&trap);
	volatile int done = 0;

	(void)state;
	trap.fail_in = 4;
	if (setjmp(trap.env) == 0)
		for (; done < 10; done++)
			arena_alloc(done & 1 ? a : b, 8);
	assert_int_equal(done, 3);
	arena_alloc(a, 8);
	arena_free_all(&trap);
}
#endif

static void test_vec_grows_and_zeroes(void **state)
{
	struct arena *a = arena_new(NULL);
	vec(struct {
		u32 i;
		u64 pad;
	}) v = { 0 };
	vec(u8) other = { 0 };

	(void)state;
	for (u32 i = 0; i < 5000; i++) {
		assert_int_equal(vec_push(a, &v)->pad, 0);
		*vec_last(&v) = (__typeof__(*v.at)){ i, ~0ull };
		if (i % 7 == 0)
			*vec_push(a, &other) = 0xff;
	}
	for (u32 i = 0; i < v.n; i++)
		assert_int_equal(v.at[i].i, i);
	v.n = 10;
	assert_int_equal(vec_push(a, &v)->pad, 0);
	assert_int_equal(v.n, 11);
	assert_int_equal(other.n, 715);
	arena_free(a);
}

/* ---- strings -------------------------------------------------------------------------------- */

static void test_views(void **state)
{
	struct arena *a = arena_new(NULL);
	str rest = STR("a,b,,c"), nul = { 0 };

	(void)state;
	want_true("empty equals null",
		  str_eq(nul, STR("")) && str_is(nul, "") && str_eq(nul, str_of(NULL)));
	want_true("eq", str_eq(STR("abc"), STR("abc")) && !str_eq(STR("abc"), STR("abd")) &&
				!str_eq(STR("abc"), STR("ab")));
	want_true("starts", str_starts(STR("abc"), "ab") && str_starts(STR("abc"), "") &&
				    !str_starts(STR("ab"), "abc") && str_starts(nul, ""));
	want_true("ends",
		  str_ends(STR("abc"), "bc") && !str_ends(STR("c"), "bc") && str_ends(nul, ""));
	want_true("cmp", str_cmp(STR("a"), STR("ab")) < 0 && str_cmp(STR("b"), STR("ab")) > 0 &&
				 str_cmp(STR("ab"), STR("ab")) == 0 && str_cmp(nul, STR("")) == 0 &&
				 str_cmp(STR("\xff"), STR("a")) > 0);
	want_text("sub", str_sub(STR("hello"), 1, 3), "ell");
	want_text("sub clamps n", str_sub(STR("hello"), 3, UINT32_MAX), "lo");
	want_text("sub clamps from", str_sub(STR("hello"), UINT32_MAX, UINT32_MAX), "");
	assert_int_equal(str_find(STR("hello"), 'l', 0), 2);
	assert_int_equal(str_find(STR("hello"), 'l', 3), 3);
	assert_int_equal(str_find(STR("hello"), 'l', 4), -1);
	assert_int_equal(str_find(STR("hello"), 'l', 99), -1);
	want_text("trim", str_trim(STR(" \t\n a b \r\n")), "a b");
	want_text("trim all", str_trim(STR(" \t ")), "");
	want_text("cut 1", str_cut(&rest, ','), "a");
	want_text("cut 2", str_cut(&rest, ','), "b");
	want_text("cut 3", str_cut(&rest, ','), "");
	want_text("cut 4", str_cut(&rest, ','), "c");
	want_text("cut end", str_cut(&rest, ','), "");
	want_text("dup", str_dup(a, STR("x")), "x");
	assert_string_equal(str_z(a, nul), "");
	want_text("printf", str_printf(a, "%d-" STR_FMT, 7, STR_ARG(STR("x"))), "7-x");
	assert_int_equal(str_printf(a, "%5000d", 1).n, 5000);
	arena_free(a);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *in;
		bool u_ok;
		u64 u;
		bool s_ok;
		s64 s;
	} cases[] = {
		{ "0", true, 0, true, 0 },
		{ "42", true, 42, true, 42 },
		{ "+42", true, 42, true, 42 },
		{ "-42", false, 0, true, -42 },
		{ "-0", true, 0, true, 0 },
		{ "0x1F", true, 31, true, 31 },
		{ "0X1f", true, 31, true, 31 },
		{ "-0x10", false, 0, true, -16 },
		{ "017", true, 15, true, 15 },
		{ "00", true, 0, true, 0 },
		{ "18446744073709551615", true, UINT64_MAX, false, 0 },
		{ "18446744073709551616", false, 0, false, 0 },
		{ "99999999999999999999999", false, 0, false, 0 },
		{ "0xffffffffffffffff", true, UINT64_MAX, false, 0 },
		{ "0x10000000000000000", false, 0, false, 0 },
		{ "9223372036854775807", true, INT64_MAX, true, INT64_MAX },
		{ "9223372036854775808", true, 1ull << 63, false, 0 },
		{ "-9223372036854775808", false, 0, true, INT64_MIN },
		{ "-9223372036854775809", false, 0, false, 0 },
		{ "", false, 0, false, 0 },
		{ "-", false, 0, false, 0 },
		{ "+", false, 0, false, 0 },
		{ "--1", false, 0, false, 0 },
		{ "0x", false, 0, false, 0 },
		{ "0xg", false, 0, false, 0 },
		{ "08", false, 0, false, 0 },
		{ "1a", false, 0, false, 0 },
		{ " 1", false, 0, false, 0 },
		{ "1 ", false, 0, false, 0 },
		{ "1u", false, 0, false, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		u64 u = 77;
		s64 s = 77;

		want_true(cases[i].in, str_to_u64(str_of(cases[i].in), &u) == cases[i].u_ok);
		want_true(cases[i].in, u == (cases[i].u_ok ? cases[i].u : 77));
		want_true(cases[i].in, str_to_s64(str_of(cases[i].in), &s) == cases[i].s_ok);
		want_true(cases[i].in, s == (cases[i].s_ok ? cases[i].s : 77));
	}
}

static void test_glob(void **state)
{
	static const struct {
		const char *pattern, *text;
		bool want;
	} cases[] = {
		{ "", "", true },	    { "", "a", false },
		{ "*", "", true },	    { "*", "anything", true },
		{ "a", "a", true },	    { "a", "b", false },
		{ "a", "aa", false },	    { "?", "", false },
		{ "?", "x", true },	    { "a?c", "abc", true },
		{ "a*c", "ac", true },	    { "a*c", "abbbc", true },
		{ "a*c", "abbbcd", false }, { "*open*", "sys_enter_openat", true },
		{ "*ab*ab", "abab", true }, { "*ab*ab", "ab", false },
		{ "**a**", "a", true },	    { "a*b*c", "axbxxbc", true },
		{ "[a]", "a", false },	    { "?*", "", false },
	};
	static char many[20001];
	str text = { many, 20000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		want_true(cases[i].pattern, str_glob(str_of(cases[i].pattern),
						     str_of(cases[i].text)) == cases[i].want);
	/* The pattern that makes a naive matcher never end. */
	memset(many, 'a', 20000);
	assert_false(str_glob(STR("*a*a*a*a*a*a*a*a*b"), text));
}

static void test_distance(void **state)
{
	static const struct {
		const char *a, *b;
		u32 limit, want;
	} cases[] = {
		{ "", "", 3, 0 },
		{ "", "abc", 3, 3 },
		{ "", "abcd", 3, 4 },
		{ "abc", "abc", 0, 0 },
		{ "abc", "abd", 3, 1 },
		{ "abc", "acb", 3, 1 },
		{ "abc", "ab", 3, 1 },
		{ "ab", "abc", 3, 1 },
		{ "kitten", "sitting", 5, 3 },
		{ "kitten", "sitting", 2, 3 },
		{ "abcdef", "ghijkl", 3, 4 },
		{ "ca", "abc", 5, 3 },
		{ "abcd", "badc", 5, 2 },
		{ "abcd", "badc", 1, 2 },
	};
	static char lots[1000], others[1000];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		str a = str_of(cases[i].a), b = str_of(cases[i].b);
		u32 d = str_distance(a, b, cases[i].limit);

		if (d != cases[i].want || d != str_distance(b, a, cases[i].limit))
			fail_msg("%s / %s: got %u, want %u", cases[i].a, cases[i].b, d,
				 cases[i].want);
	}
	memset(lots, 'x', sizeof(lots));
	memset(others, 'y', sizeof(others));
	assert_int_equal(str_distance((str){ lots, 1000 }, (str){ others, 1000 }, 400), 256);
	others[500] = 'z';
	memset(others, 'x', 500);
	memset(others + 501, 'x', 499);
	assert_int_equal(str_distance((str){ lots, 1000 }, (str){ others, 1000 }, 3), 1);
}

static void test_nearest(void **state)
{
	static const struct {
		const char *want, *offers, *best;
	} cases[] = {
		{ "counter", "count,counter_,contuer,zebra", "counter_" },
		{ "contuer", "zebra,counter,conquer", "conquer" },
		{ "bpf_hash", "bpf_array,BPF_HASH", "BPF_HASH" },
		{ "printf", "scan,exit", "" },
		{ "pid", "tid,comm", "tid" },
		{ "x", "y,z", "" },
		{ "get_pid", "get_pid,get_pidx", "get_pid" },
		{ "ab", "", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct nearest n;
		str rest = str_of(cases[i].offers);

		nearest_init(&n, str_of(cases[i].want));
		while (rest.n)
			nearest_offer(&n, str_cut(&rest, ','));
		want_text(cases[i].want, n.best, cases[i].best);
	}
}

static void test_utf8(void **state)
{
	static const struct {
		const char *name, *in;
		u32 n, code;
	} cases[] = {
		{ "ascii", "a", 1, 'a' },
		{ "two", "\xc3\xa4", 2, 0xe4 },
		{ "three", "\xe2\x82\xac", 3, 0x20ac },
		{ "four", "\xf0\x9f\x98\x80", 4, 0x1f600 },
		{ "end", "", 0, 0 },
		{ "inside", "\x80", 0, 0 },
		{ "cut", "\xe2\x82", 0, 0 },
		{ "overlong 2", "\xc0\x80", 0, 0 },
		{ "overlong 3", "\xe0\x80\x80", 0, 0 },
		{ "surrogate", "\xed\xa0\x80", 0, 0 },
		{ "beyond", "\xf4\x90\x80\x80", 0, 0 },
		{ "not begun", "\xff", 0, 0 },
		{ "broken",
		  "\xc3"
		  "a",
		  0, 0 },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		u32 code = 0;

		want_true(cases[i].name, str_utf8(str_of(cases[i].in), 0, &code) == cases[i].n &&
						 code == cases[i].code);
	}
	assert_int_equal(str_utf8_width('a'), 1);
	assert_int_equal(str_utf8_width(0x0301), 0);
	assert_int_equal(str_utf8_width(0x4e2d), 2);
	assert_int_equal(str_utf8_width(0x1f600), 2);
	assert_int_equal(str_utf8_width(0x10ffff), 1);
}

/* ---- maps ----------------------------------------------------------------------------------- */

static void test_strmap_grows_replaces_and_drops(void **state)
{
	enum { N = 20000 };
	struct arena *a = arena_new(NULL);
	struct strmap m = { 0 };
	static int vals[N];
	int one, two;

	(void)state;
	assert_null(strmap_get(&m, STR("absent")));
	strmap_drop(&m, STR("absent"));
	for (int i = 0; i < N; i++)
		strmap_put(a, &m, str_printf(a, "name_%d", i), &vals[i]);
	assert_int_equal(m.n, N);
	for (int i = 0; i < N; i++)
		assert_ptr_equal(strmap_get(&m, str_printf(a, "name_%d", i)), &vals[i]);
	assert_null(strmap_get(&m, STR("name_")));
	strmap_put(a, &m, STR("name_7"), &one);
	assert_ptr_equal(strmap_get(&m, STR("name_7")), &one);
	assert_int_equal(m.n, N);
	strmap_drop(&m, STR("name_7"));
	assert_null(strmap_get(&m, STR("name_7")));
	strmap_put(a, &m, STR("name_7"), &two);
	assert_ptr_equal(strmap_get(&m, STR("name_7")), &two);
	strmap_put(a, &m, (str){ 0 }, &one);
	assert_ptr_equal(strmap_get(&m, STR("")), &one);
	arena_free(a);
}

/* Names that all want the same slot of a table of 16 must not hide one another. */
static void test_strmap_collisions(void **state)
{
	struct arena *a = arena_new(NULL);
	struct strmap m = { 0 };
	vec(str) names = { 0 };

	(void)state;
	for (int i = 0; names.n < 11; i++) {
		str name = str_printf(a, "n%d", i);

		if ((str_hash(name) & 15) == 15)
			*vec_push(a, &names) = name;
	}
	for (u32 i = 0; i < names.n; i++)
		strmap_put(a, &m, names.at[i], (void *)names.at[i].s);
	assert_int_equal(m.cap, 16);
	strmap_drop(&m, names.at[0]);
	for (u32 i = 1; i < names.n; i++)
		assert_ptr_equal(strmap_get(&m, names.at[i]), names.at[i].s);
	arena_free(a);
}

/* ---- text ----------------------------------------------------------------------------------- */

static void test_sbuf(void **state)
{
	struct arena *a = arena_new(NULL);
	struct sbuf b;

	(void)state;
	sbuf_init(&b, a);
	want_text("empty", sbuf_str(&b), "");
	sbuf_printf(&b, "%s", "");
	assert_string_equal(b.s, "");
	sbuf_putc(&b, 'a');
	sbuf_puts(&b, "bc");
	sbuf_puts(&b, NULL);
	sbuf_put(&b, (str){ 0 });
	sbuf_pad(&b, '.', 3);
	sbuf_printf(&b, "%d", 42);
	assert_string_equal(b.s, "abc...42");
	for (int i = 0; i < 10000; i++)
		sbuf_printf(&b, "%04d", i);
	assert_int_equal(b.n, 8 + 40000);
	assert_int_equal(strlen(b.s), b.n);
	assert_memory_equal(b.s + 8 + 4 * 1234, "1234", 4);
	sbuf_printf(&b, "%0*d", 100000, 7);
	assert_int_equal(b.n, 140008);
	arena_free(a);
}

static void test_quoting(void **state)
{
	static const struct {
		const char *name;
		str in;
		const char *c, *json;
	} cases[] = {
		{ "plain", STR("abc"), "\"abc\"", "\"abc\"" },
		{ "empty", STR(""), "\"\"", "\"\"" },
		{ "short", STR("\"\\\n\t\r\b\f"), "\"\\\"\\\\\\n\\t\\r\\b\\f\"",
		  "\"\\\"\\\\\\n\\t\\r\\b\\f\"" },
		{ "control",
		  STR("\0"
		      "1\x1f\x7f"),
		  "\"\\0001\\037\\177\"", "\"\\u00001\\u001f\x7f\"" },
		{ "utf-8", STR("\xc3\xa4\xf0\x9f\x98\x80"), "\"\xc3\xa4\xf0\x9f\x98\x80\"",
		  "\"\xc3\xa4\xf0\x9f\x98\x80\"" },
		{ "not utf-8",
		  STR("a\xff"
		      "b\xc3"),
		  "\"a\\377b\\303\"",
		  "\"a\xef\xbf\xbd"
		  "b\xef\xbf\xbd\"" },
		{ "surrogate", STR("\xed\xa0\x80"), "\"\\355\\240\\200\"",
		  "\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"" },
	};
	struct arena *a = arena_new(NULL);
	struct sbuf b;

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		sbuf_init(&b, a);
		sbuf_quote(&b, cases[i].in);
		want_text(cases[i].name, sbuf_str(&b), cases[i].c);
		sbuf_init(&b, a);
		sbuf_json(&b, cases[i].in);
		want_text(cases[i].name, sbuf_str(&b), cases[i].json);
	}
	arena_free(a);
}

/* ---- failing world -------------------------------------------------------------------------- */

static void test_err_set(void **state)
{
	struct err e;
	char longer[3000];

	(void)state;
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = 0;
	assert_int_equal(err_set(&e, -ENOENT, "a_room_with_a_long_name", "no %s", "file"), -ENOENT);
	assert_int_equal(e.code, -ENOENT);
	assert_string_equal(e.room, "a_room_with");
	assert_string_equal(e.msg, "no file");
	assert_int_equal(err_set(&e, -5, "r", "%s", longer), -5);
	assert_int_equal(strlen(e.msg), sizeof(e.msg) - 1);
	assert_int_equal(err_set(NULL, -7, "r", "x"), -7);
}

static void test_read_file(void **state)
{
	struct arena *a = arena_new(NULL);
	char path[] = "/tmp/skep_base_test_XXXXXX";
	int fd = mkstemp(path);
	struct err e = { 0 };
	str text;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(base_read_file(a, path, 100, &text, &e), 0);
	want_text("empty file", text, "");
	assert_int_equal(write(fd, "hello\0you", 9), 9);
	close(fd);
	assert_int_equal(base_read_file(a, path, 9, &text, &e), 0);
	assert_int_equal(text.n, 9);
	assert_memory_equal(text.s, "hello\0you\0", 10);
	assert_int_equal(base_read_file(a, path, 8, &text, &e), -EFBIG);
	assert_non_null(strstr(e.msg, "larger than 8 bytes"));
	unlink(path);
	assert_int_equal(base_read_file(a, path, 8, &text, &e), -ENOENT);
	assert_non_null(strstr(e.msg, path));
	assert_non_null(strstr(e.msg, "No such file"));
	assert_int_equal(base_read_file(a, "/", 8, &text, NULL), -EISDIR);
	/* Files whose size is not told, and one without end. */
	assert_int_equal(base_read_file(a, "/proc/self/maps", 1 << 24, &text, &e), 0);
	assert_true(text.n > 100);
	assert_int_equal(base_read_file(a, "/dev/zero", 50000, &text, &e), -EFBIG);
	assert_int_equal(base_read_file(a, "/dev/null", 0, &text, &e), 0);
	arena_free(a);
}

/* ---- sources -------------------------------------------------------------------------------- */

static void test_sources(void **state)
{
	static const struct {
		u32 at;
		int src;
		u32 line, col;
	} cases[] = {
		{ 0, -1, 0, 0 }, { 1, 0, 1, 1 },  { 3, 0, 1, 3 },   { 4, 0, 2, 1 },
		{ 6, 0, 3, 1 },	 { 7, 0, 3, 2 },  { 8, 1, 1, 1 },   { 9, 2, 1, 1 },
		{ 10, 2, 1, 2 }, { 11, 2, 2, 1 }, { 12, -1, 0, 0 }, { UINT32_MAX, -1, 0, 0 },
	};
	struct arena *a = arena_new(NULL);
	struct sources ss;
	struct source *src[3];

	(void)state;
	sources_init(&ss, a);
	assert_null(sources_find(&ss, 1));
	src[0] = sources_add(&ss, STR("a.c"), STR("ab\n\r\nc"));  /* bytes 1-6, end 7 */
	src[1] = sources_add(&ss, STR("empty"), (str){ 0 });	  /* only its end, 8 */
	src[2] = sources_add(&ss, STR("<skep/b.h>"), STR("x\n")); /* bytes 9-10, end 11 */
	assert_true(src[2]->builtin && !src[0]->builtin);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct place p = sources_place(&ss, cases[i].at);
		struct source *want = cases[i].src < 0 ? NULL : src[cases[i].src];

		if (p.src != want || p.line != cases[i].line || p.col != cases[i].col)
			fail_msg("place of %u: %u:%u", cases[i].at, p.line, p.col);
		assert_ptr_equal(sources_find(&ss, cases[i].at), want);
	}
	want_text("line 1", sources_line(&ss, src[0], 1), "ab");
	want_text("line 2 has a CR LF", sources_line(&ss, src[0], 2), "");
	want_text("line 3 has no end", sources_line(&ss, src[0], 3), "c");
	want_text("no line 0", sources_line(&ss, src[0], 0), "");
	want_text("no line 4", sources_line(&ss, src[0], 4), "");
	want_text("line of an empty text", sources_line(&ss, src[1], 1), "");
	want_text("text", sources_text(&ss, (struct span){ 1, 3 }), "ab");
	want_text("text is clamped", sources_text(&ss, (struct span){ 6, 100 }), "c");
	want_text("nowhere", sources_text(&ss, (struct span){ 0, 0 }), "");
	/* Its own block, so that reading before it is seen. */
	src[0] = sources_add(&ss, STR("d.c"), str_dup(a, STR("\n\nx\r")));
	want_text("nothing before line 1", sources_line(&ss, src[0], 1), "");
	want_text("a CR without LF is text", sources_line(&ss, src[0], 3), "x\r");
	assert_null(sources_add(&ss, STR("huge"), (str){ "x", UINT32_MAX - 5 }));
	assert_int_equal(span_join((struct span){ 3, 5 }, (struct span){ 0, 0 }).hi, 5);
	assert_int_equal(span_join((struct span){ 3, 5 }, (struct span){ 7, 9 }).hi, 9);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arena_gives_zeroed_aligned_memory),
		cmocka_unit_test(test_arena_marks_nest_and_keep_what_is_below),
		cmocka_unit_test(test_arena_out_of_memory_takes_the_trap),
		cmocka_unit_test(test_bug_takes_the_trap),
		cmocka_unit_test(test_trap_owns_its_arenas),
		cmocka_unit_test(test_guards),
#ifdef SKEP_DEBUG
		cmocka_unit_test(test_nth_allocation_fails),
		cmocka_unit_test(test_nth_allocation_of_all_arenas_fails),
#endif
		cmocka_unit_test(test_vec_grows_and_zeroes),
		cmocka_unit_test(test_views),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_glob),
		cmocka_unit_test(test_distance),
		cmocka_unit_test(test_nearest),
		cmocka_unit_test(test_utf8),
		cmocka_unit_test(test_strmap_grows_replaces_and_drops),
		cmocka_unit_test(test_strmap_collisions),
		cmocka_unit_test(test_sbuf),
		cmocka_unit_test(test_quoting),
		cmocka_unit_test(test_err_set),
		cmocka_unit_test(test_read_file),
		cmocka_unit_test(test_sources),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
