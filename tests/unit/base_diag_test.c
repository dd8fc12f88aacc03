/* Unit tests of base: collecting diagnostics and rendering them. */
#include "base/base.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct fixture {
	struct arena *a;
	struct sources ss;
	struct diags dx;
	struct sbuf out;
};

static void open_fixture(struct fixture *f)
{
	f->a = arena_new(NULL);
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
	sbuf_init(&f->out, f->a);
}

static void want_text(const char *name, str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%s:\n--- got\n" STR_FMT "--- want\n%s", name, STR_ARG(got), want);
}

/* One error over bytes [lo, hi) of the source `in`. */
static void test_one_error(void **state)
{
	static const struct {
		const char *name;
		str in;
		u32 lo, hi;
		const char *want;
	} cases[] = {
		{ "word", STR("int x = yy;\n"), 8, 10,
		  "t.c:1:9: error: bad\nint x = yy;\n        ^~\n" },
		{ "one byte", STR("ab"), 1, 2, "t.c:1:2: error: bad\nab\n ^\n" },
		{ "empty span", STR("ab"), 1, 1, "t.c:1:2: error: bad\nab\n ^\n" },
		{ "at the end", STR("ab"), 2, 2, "t.c:1:3: error: bad\nab\n  ^\n" },
		{ "behind the last newline", STR("ab\n"), 3, 3, "t.c:2:1: error: bad\n\n^\n" },
		{ "the newline", STR("ab\ncd"), 2, 3, "t.c:1:3: error: bad\nab\n  ^\n" },
		{ "empty source", STR(""), 0, 0, "t.c:1:1: error: bad\n\n^\n" },
		{ "second line", STR("ab\ncd\nef"), 4, 5, "t.c:2:2: error: bad\ncd\n ^\n" },
		{ "several lines", STR("  foo(\n   x);\n"), 2, 11,
		  "t.c:1:3: error: bad\n  foo(\n  ^~~~\n" },
		{ "beyond the source", STR("abc"), 1, 900, "t.c:1:2: error: bad\nabc\n ^~\n" },
		{ "tab before", STR("\tx\ty"), 1, 2,
		  "t.c:1:2: error: bad\n        x       y\n"
		  "        ^\n" },
		{ "tab inside", STR("a\tb"), 0, 3, "t.c:1:1: error: bad\na       b\n^~~~~~~~~\n" },
		{ "the tab itself", STR("abc\td"), 3, 4,
		  "t.c:1:4: error: bad\nabc     d\n   ^~~~~\n" },
		{ "two bytes, one column", STR("\xc3\xa4 x"), 3, 4,
		  "t.c:1:4: error: bad\n\xc3\xa4 x\n  ^\n" },
		{ "wide", STR("\xe4\xb8\xad x"), 0, 3,
		  "t.c:1:1: error: bad\n\xe4\xb8\xad x\n^~\n" },
		{ "combining", STR("e\xcc\x81x"), 3, 4, "t.c:1:4: error: bad\ne\xcc\x81x\n ^\n" },
		{ "not utf-8", STR("\xff\xfe x"), 3, 4,
		  "t.c:1:4: error: bad\n\xef\xbf\xbd\xef\xbf\xbd x\n   ^\n" },
		{ "control characters", STR("\x1b[31m\0x"), 6, 7,
		  "t.c:1:7: error: bad\n\xef\xbf\xbd[31m\xef\xbf\xbdx\n      ^\n" },
		{ "direction mark", STR("\xe2\x80\xaex"), 3, 4,
		  "t.c:1:4: error: bad\n\xef\xbf\xbdx\n ^\n" },
		{ "CR LF", STR("ab\r\ncd"), 1, 2, "t.c:1:2: error: bad\nab\n ^\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		u32 base;

		open_fixture(&f);
		sources_add(&f.ss, STR("other.c"), STR("other\ntext\n"));
		base = sources_add(&f.ss, STR("t.c"), cases[i].in)->base;
		diag_add(&f.dx, (struct span){ base + cases[i].lo, base + cases[i].hi }, E_SYNTAX,
			 "bad");
		diags_render(&f.dx, &f.out, false);
		want_text(cases[i].name, sbuf_str(&f.out), cases[i].want);
		arena_free(f.a);
	}
}

static void test_notes_hints_and_nowhere(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	sources_add(&f.ss, STR("a.c"), STR("int one;\nint one;\n"));
	diag_note(&f.dx, (struct span){ 1, 2 }, "belongs to nothing");
	diag_add(&f.dx, (struct span){ 14, 17 }, E_REDECLARED, "'%s' is declared twice", "one");
	diag_note(&f.dx, (struct span){ 5, 8 }, "the first one is here");
	diag_note(&f.dx, (struct span){ 0, 0 }, "just so");
	diag_hint(&f.dx, "rename one of them");
	diag_add(&f.dx, (struct span){ 1, 4 }, W_TYPE, "odd");
	diag_add(&f.dx, (struct span){ 0, 0 }, E_EMPTY, "nothing here");
	assert_int_equal(f.dx.n_errors, 2);
	assert_int_equal(f.dx.n_warnings, 1);
	diags_render(&f.dx, &f.out, false);
	want_text("text", sbuf_str(&f.out),
		  "a.c:2:5: error: 'one' is declared twice\n"
		  "int one;\n"
		  "    ^~~\n"
		  "a.c:1:5: note: the first one is here\n"
		  "int one;\n"
		  "    ^~~\n"
		  "note: just so\n"
		  "  hint: rename one of them\n"
		  "a.c:1:1: warning: odd\n"
		  "int one;\n"
		  "^~~\n"
		  "error: nothing here\n");
	sbuf_init(&f.out, f.a);
	diags_render_json(&f.dx, &f.out);
	want_text("json", sbuf_str(&f.out),
		  "{\"type\":\"diagnostic\",\"severity\":\"error\",\"tag\":\"E_REDECLARED\","
		  "\"message\":\"'one' is declared twice\",\"file\":\"a.c\",\"line\":2,"
		  "\"column\":5,\"end_line\":2,\"end_column\":8,\"source\":\"int one;\","
		  "\"notes\":[{\"message\":\"the first one is here\",\"file\":\"a.c\",\"line\":1,"
		  "\"column\":5,\"end_line\":1,\"end_column\":8},{\"message\":\"just so\"}],"
		  "\"hints\":[\"rename one of them\"]}\n"
		  "{\"type\":\"diagnostic\",\"severity\":\"warning\",\"tag\":\"W_TYPE\","
		  "\"message\":\"odd\",\"file\":\"a.c\",\"line\":1,\"column\":1,\"end_line\":1,"
		  "\"end_column\":4,\"source\":\"int one;\",\"notes\":[],\"hints\":[]}\n"
		  "{\"type\":\"diagnostic\",\"severity\":\"error\",\"tag\":\"E_EMPTY\","
		  "\"message\":\"nothing here\",\"notes\":[],\"hints\":[]}\n");
	arena_free(f.a);
}

static void test_form_of_bpftrace(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	f.dx.is_bpftrace = true;
	f.dx.no_warnings = true;
	sources_add(&f.ss, STR("stdin"), STR("BEGIN {\n\tfoo(1,\n\t2);\n}\n"));
	diag_add(&f.dx, (struct span){ 10, 13 }, E_REDECLARED, "no 'foo'");
	diag_hint(&f.dx, "write bar");
	diag_add(&f.dx, (struct span){ 11, 20 }, E_REDECLARED, "over two lines");
	diag_add(&f.dx, (struct span){ 1, 4 }, W_TYPE, "odd");
	diag_add(&f.dx, (struct span){ 0, 0 }, E_EMPTY, "nothing here");
	assert_int_equal(f.dx.n_errors, 3);
	assert_int_equal(f.dx.n_warnings, 0);
	diags_render(&f.dx, &f.out, false);
	want_text("text", sbuf_str(&f.out),
		  "stdin:2:2-5: ERROR: no 'foo'\n"
		  "    foo(1,\n"
		  "    ~~~\n"
		  "HINT: write bar\n"
		  "stdin:2-3: ERROR: over two lines\n"
		  " foo(1,\n"
		  " 2);\n"
		  "ERROR: nothing here\n");
	arena_free(f.a);
}

static void test_color(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	sources_add(&f.ss, STR("a.c"), STR("ab"));
	diag_add(&f.dx, (struct span){ 1, 3 }, E_SYNTAX, "bad");
	diags_render(&f.dx, &f.out, true);
	want_text("color", sbuf_str(&f.out),
		  "\033[1ma.c:1:1:\033[0m \033[1;31merror:\033[0m bad\nab\n\033[1;31m^~\033[0m\n");
	arena_free(f.a);
}

static void test_repeats_are_dropped(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	sources_add(&f.ss, STR("a.c"), STR("ab\n"));
	diag_add(&f.dx, (struct span){ 1, 3 }, E_SYNTAX, "first");
	diag_add(&f.dx, (struct span){ 1, 2 }, E_TYPE, "same place");
	diag_note(&f.dx, (struct span){ 2, 3 }, "goes with what was dropped");
	diag_hint(&f.dx, "this too");
	diag_add(&f.dx, (struct span){ 1, 2 }, W_TYPE, "a warning there is kept");
	diag_add(&f.dx, (struct span){ 1, 2 }, W_DIV_ZERO, "and another");
	diag_add(&f.dx, (struct span){ 1, 2 }, W_TYPE, "a warning there is kept");
	diag_add(&f.dx, (struct span){ 0, 0 }, E_EMPTY, "nowhere");
	diag_add(&f.dx, (struct span){ 0, 0 }, E_EMPTY, "nowhere");
	diag_add(&f.dx, (struct span){ 0, 0 }, E_EMPTY, "nowhere else");
	assert_int_equal(f.dx.n_errors, 3);
	assert_int_equal(f.dx.n_warnings, 2);
	diags_render(&f.dx, &f.out, false);
	want_text("text", sbuf_str(&f.out),
		  "a.c:1:1: error: first\nab\n^~\n"
		  "a.c:1:1: warning: a warning there is kept\nab\n^\n"
		  "a.c:1:1: warning: and another\nab\n^\n"
		  "error: nowhere\nerror: nowhere else\n");
	arena_free(f.a);
}

static void test_limit(void **state)
{
	struct fixture f;
	size_t used;

	(void)state;
	open_fixture(&f);
	f.dx.limit = 2;
	sources_add(&f.ss, STR("a.c"), STR("abcdefgh\n"));
	for (u32 i = 1; i <= 3; i++)
		diag_add(&f.dx, (struct span){ i, i + 1 }, E_CHAR, "bad %u", i);
	diag_hint(&f.dx, "not shown");
	used = arena_used(f.a);
	for (u32 i = 0; i < 100000; i++)
		diag_add(&f.dx, (struct span){ 4 + i, 5 + i }, E_CHAR, "bad");
	assert_int_equal(arena_used(f.a), used);
	for (u32 i = 1; i <= 3; i++)
		diag_add(&f.dx, (struct span){ i, i + 1 }, W_TYPE, "odd %u", i);
	assert_int_equal(f.dx.n_errors, 100003);
	diags_render(&f.dx, &f.out, false);
	want_text("text", sbuf_str(&f.out),
		  "a.c:1:1: error: bad 1\nabcdefgh\n^\n"
		  "a.c:1:2: error: bad 2\nabcdefgh\n ^\n"
		  "a.c:1:1: warning: odd 1\nabcdefgh\n^\n"
		  "a.c:1:2: warning: odd 2\nabcdefgh\n ^\n"
		  "100001 more errors not shown\n"
		  "1 more warning not shown\n");
	sbuf_init(&f.out, f.a);
	diags_render_json(&f.dx, &f.out);
	assert_true(str_ends(sbuf_str(&f.out),
			     "{\"type\":\"omitted\",\"errors\":100001,\"warnings\":1}\n"));
	arena_free(f.a);
}

/* The columns that the three lines of a rendered error begin and end with must agree. */
static void test_long_lines_are_windowed(void **state)
{
	enum { N = 10 << 20 };
	static const struct {
		const char *name;
		u32 at, len;
		bool left, right;
	} cases[] = {
		{ "start", 0, 3, false, true },
		{ "near the start", 50, 3, false, true },
		{ "middle", N / 2, 3, true, true },
		{ "end", N - 3, 3, true, false },
		{ "behind the end", N, 0, true, false },
		{ "longer than the window", 1000, N - 2000, true, true },
		{ "everything", 0, N, false, true },
	};
	char *text = malloc(N);

	(void)state;
	assert_non_null(text);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		str out, line, carets;
		int caret;

		memset(text, '-', N);
		memset(text + cases[i].at, '#', cases[i].len);
		open_fixture(&f);
		sources_add(&f.ss, STR("t.c"), (str){ text, N });
		diag_add(&f.dx, (struct span){ 1 + cases[i].at, 1 + cases[i].at + cases[i].len },
			 E_SYNTAX, "bad");
		diags_render(&f.dx, &f.out, false);
		out = sbuf_str(&f.out);
		str_cut(&out, '\n');
		line = str_cut(&out, '\n');
		carets = str_cut(&out, '\n');
		caret = str_find(carets, '^', 0);
		if (line.n > 210 || carets.n > line.n + 1 || caret < 0 ||
		    str_starts(line, "...") != cases[i].left ||
		    str_ends(line, "...") != cases[i].right)
			fail_msg("%s:\n" STR_FMT, cases[i].name, STR_ARG(sbuf_str(&f.out)));
		for (u32 k = (u32)caret; cases[i].len && k < carets.n; k++)
			if (line.s[k] != '#')
				fail_msg("%s:\n" STR_FMT, cases[i].name, STR_ARG(sbuf_str(&f.out)));
		if (cases[i].len && (caret == 0 || line.s[caret - 1] == '#') && cases[i].at)
			fail_msg("%s:\n" STR_FMT, cases[i].name, STR_ARG(sbuf_str(&f.out)));
		sbuf_init(&f.out, f.a);
		diags_render_json(&f.dx, &f.out);
		assert_true(f.out.n < 6000);
		arena_free(f.a);
	}
	free(text);
}

/* 150 wide characters are 300 columns: the window counts columns, and cuts no character. */
static void test_windows_of_wide_characters(void **state)
{
	struct fixture f;
	struct sbuf text;
	str out, line;
	u32 code, n;

	(void)state;
	open_fixture(&f);
	sbuf_init(&text, f.a);
	for (int i = 0; i < 150; i++)
		sbuf_puts(&text, "\xe4\xb8\xad");
	sbuf_puts(&text, "x");
	sources_add(&f.ss, STR("t.c"), sbuf_str(&text));
	diag_add(&f.dx, (struct span){ 451, 452 }, E_SYNTAX, "bad");
	diags_render(&f.dx, &f.out, false);
	out = sbuf_str(&f.out);
	str_cut(&out, '\n');
	line = str_cut(&out, '\n');
	assert_true(str_starts(line, "...") && str_ends(line, "\xadx"));
	for (u32 i = 0; i < line.n; i += n)
		assert_int_not_equal(n = str_utf8(line, i, &code), 0);
	assert_int_equal(str_find(out, '^', 0), 3 + 60);
	arena_free(f.a);
}

static void test_messages_are_bounded_and_harmless(void **state)
{
	struct fixture f;
	struct sbuf name;
	str text;
	u32 code;

	(void)state;
	open_fixture(&f);
	sbuf_init(&name, f.a);
	for (int i = 0; i < 100000; i++)
		sbuf_puts(&name, "\xc3\xa4");
	diag_add(&f.dx, (struct span){ 0, 0 }, E_UNKNOWN_NAME, "x" STR_FMT,
		 STR_ARG(sbuf_str(&name)));
	text = f.dx.list.at[0].text;
	assert_true(text.n <= 1003 && str_ends(text, "..."));
	assert_int_equal(str_utf8(text, text.n - 5, &code), 2);
	diags_init(&f.dx, f.a, &f.ss);
	diag_add(&f.dx, (struct span){ 0, 0 }, E_REJECTED, "a\x1b[2Jb\tc\nd\xff");
	diags_render(&f.dx, &f.out, false);
	want_text("harmless", sbuf_str(&f.out), "error: a\xef\xbf\xbd[2Jb c\nd\xef\xbf\xbd\n");
	arena_free(f.a);
}

static void test_tags(void **state)
{
	(void)state;
	assert_string_equal(diag_tag_name(E_SYNTAX), "E_SYNTAX");
	for (int i = 0; i < DIAG_N_TAGS; i++) {
		bool is_warning = diag_tag_severity((enum diag_tag)i) == DIAG_WARNING;

		assert_int_equal(diag_tag_name((enum diag_tag)i)[0], is_warning ? 'W' : 'E');
		assert_true(strlen(diag_tag_gloss((enum diag_tag)i)) > 10);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_error),
		cmocka_unit_test(test_notes_hints_and_nowhere),
		cmocka_unit_test(test_form_of_bpftrace),
		cmocka_unit_test(test_color),
		cmocka_unit_test(test_repeats_are_dropped),
		cmocka_unit_test(test_limit),
		cmocka_unit_test(test_long_lines_are_windowed),
		cmocka_unit_test(test_windows_of_wide_characters),
		cmocka_unit_test(test_messages_are_bounded_and_harmless),
		cmocka_unit_test(test_tags),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
