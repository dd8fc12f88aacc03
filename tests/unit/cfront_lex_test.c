/* Unit tests of cfront: cutting text into tokens and decoding constants. */
#include "cfront/token.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
	struct arena *a;
	struct sources ss;
	struct diags dx;
	token_list list;
};

static void open_fixture(struct fixture *f, str text)
{
	memset(f, 0, sizeof(*f));
	f->a = arena_new(NULL);
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
	/* A block of its exact size: reading beyond the end is an ASan error. */
	text.s = memcpy(malloc(text.n ? text.n : 1), text.s, text.n);
	lex_source(f->a, &f->dx, sources_add(&f->ss, STR("t.c"), text), &f->list);
}

static void close_fixture(struct fixture *f)
{
	free((char *)f->ss.list.at[0]->text.s);
	arena_free(f->a);
}

/* Diagnostics as `line:col TAG text` lines. */
static str diag_lines(struct fixture *f)
{
	struct sbuf b;

	sbuf_init(&b, f->a);
	for (u32 i = 0; i < f->dx.list.n; i++) {
		const struct diag *d = &f->dx.list.at[i];
		struct place p = sources_place(&f->ss, d->span.lo);

		sbuf_printf(&b, "%s%u:%u-%u %s " STR_FMT, i ? "\n" : "", p.line, p.col,
			    d->span.hi - d->span.lo, diag_tag_name(d->tag), STR_ARG(d->text));
	}
	return sbuf_str(&b);
}

static void want_text(const char *name, str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%s:\n--- got\n" STR_FMT "\n--- want\n%s", name, STR_ARG(got), want);
}

/* Kinds as letters: I name, K keyword, N number, C char, S string, P punctuator, O other. */
static str show(struct fixture *f)
{
	static const char letters[] = "EINCSP##O";
	struct sbuf b;

	sbuf_init(&b, f->a);
	for (u32 i = 0; i + 1 < f->list.n; i++) {
		const struct token *t = &f->list.at[i];

		sbuf_printf(&b, "%s%s%c:" STR_FMT, i ? " " : "", i && t->bol ? "/" : "",
			    t->keyword ? 'K' : letters[t->kind], STR_ARG(t->text));
	}
	assert_int_equal(f->list.at[f->list.n - 1].kind, TOK_EOF);
	return sbuf_str(&b);
}

static void test_tokens(void **state)
{
	static const struct { const char *name; str in; const char *want, *diags; } cases[] = {
		{ "empty", STR(""), "", "" },
		{ "blanks", STR(" \t\n\v\f\r\n"), "", "" },
		{ "names", STR("a _b C9 if9"), "I:a I:_b I:C9 I:if9", "" },
		{ "keywords", STR("if __inline__ _Bool whil while"),
		  "K:if K:__inline__ K:_Bool I:whil K:while", "" },
		{ "lines", STR("a b\n c\n\nd"), "I:a I:b /I:c /I:d", "" },
		{ "numbers", STR("0 0x1F 1.5e+3 .5 0b101 1ull 3..4 1e"),
		  "N:0 N:0x1F N:1.5e+3 N:.5 N:0b101 N:1ull N:3..4 N:1e", "" },
		{ "number and sign", STR("0xe+1 1+1"), "N:0xe+1 N:1 P:+ N:1", "" },
		{ "longest match", STR("a+++++b x->y>>=1 <<= ... .. <-"),
		  "I:a P:++ P:++ P:+ I:b I:x P:-> I:y P:>>= N:1 P:<<= P:... P:. P:. P:< P:-", "" },
		{ "all single", STR("[](){}.&*+-~!/%<>^|?:;=,#"),
		  "P:[ P:] P:( P:) P:{ P:} P:. P:& P:* P:+ P:- P:~ P:! P:/ P:% P:< P:> P:^ P:| "
		  "P:? P:: P:; P:= P:, P:#", "" },
		{ "all long", STR("-> ++ -- << >> <= >= == != && || ... *= /= %= += -= <<= >>= &= "
		  "^= |= ##"),
		  "P:-> P:++ P:-- P:<< P:>> P:<= P:>= P:== P:!= P:&& P:|| P:... P:*= P:/= P:%= "
		  "P:+= P:-= P:<<= P:>>= P:&= P:^= P:|= P:##", "" },
		{ "digraphs", STR("<: :> <% %> %: %:%:"), "P:<: P::> P:<% P:%> P:%: P:%:%:", "" },
		{ "strings", STR("\"a b\" \"\\\"\" L\"w\" u8\"x\" u\"y\" U\"z\" 'a' L'b' u8 'c'"),
		  "S:\"a b\" S:\"\\\"\" S:L\"w\" S:u8\"x\" S:u\"y\" S:U\"z\" C:'a' C:L'b' I:u8 "
		  "C:'c'", "" },
		{ "no prefix", STR("x\"a\" LL\"b\""), "I:x S:\"a\" I:LL S:\"b\"", "" },
		{ "comments", STR("a/*b*/c//d\ne/**/f/***/g/*/*/h"), "I:a I:c /I:e I:f I:g I:h", ""
		  },
		{ "a comment keeps the line", STR("/*\n*/a\nb/*\n*/c"), "I:a /I:b I:c", "" },
		{ "no comment in a string", STR("\"/*\" x \"*/\""), "S:\"/*\" I:x S:\"*/\"", "" },
		{ "bytes behind the end", STR("a/"), "I:a P:/", "" },
		{ "byte order mark", STR("\xef\xbb\xbfint"), "K:int", "" },
		{ "splice between", STR("a \\\n b"), "I:a I:b", "" },
		{ "splice in a name", STR("wh\\\nile x\\\n\\\ny1"), "K:while I:xy1", "" },
		{ "splice with blanks and CR", STR("a\\  \r\nb"), "I:ab", "" },
		{ "splice in a number", STR("12\\\n34 1e\\\n+5 .\\\n5"), "N:1234 N:1e+5 N:.5", "" },
		{ "splice in a string", STR("\"a\\\nb\\\\\nn\" '\\\nx'"), "S:\"ab\\n\" C:'x'", "" },
		{ "splice in a punctuator", STR("+\\\n+ <\\\n<\\\n= .\\\n.\\\n. .\\\n. a"),
		  "P:++ P:<<= P:... P:. P:. I:a", "" },
		{ "splice in a comment", STR("a /\\\n* b *\\\n/ c /\\\n/ d \\\n e\nf"),
		  "I:a I:c /I:f", "" },
		{ "splice at the end", STR("a\\\n"), "I:a", "" },
		{ "backslash at the end", STR("a\\"), "I:a O:\\", "1:2-1 E_CHAR stray '\\' in the "
		  "program" },
		{ "stray bytes", STR("a @ $ `"), "I:a O:@ O:$ O:`",
		  "1:3-1 E_CHAR stray '@' in the program\n1:5-1 E_CHAR stray '$' in the program\n"
		  "1:7-1 E_CHAR stray '`' in the program" },
		{ "not ASCII", STR("na\xc3\xafve"), "I:na O:\xc3\xaf I:ve",
		  "1:3-2 E_CHAR '\xc3\xaf' (U+00EF) cannot be part of a name" },
		{ "not UTF-8", STR("\xff\xfe"), "O:\xff\xfe", "1:1-2 E_CHAR byte 0xff begins "
		  "nothing of C" },
		{ "control byte", STR("\x01"), "O:\x01", "1:1-1 E_CHAR byte 0x01 begins nothing "
		  "of C" },
		{ "open string", STR("f(\"abc);\ng"), "I:f P:( O:\"abc P:) P:; /I:g",
		  "1:3-4 E_UNTERMINATED this string has no closing '\"' on its line" },
		{ "open string at the end", STR("\"abc\\"), "O:\"abc\\",
		  "1:1-5 E_UNTERMINATED this string has no closing '\"' on its line" },
		{ "open character", STR("don't\n'"), "I:don O:'t /O:'",
		  "1:4-2 E_UNTERMINATED this character constant has no closing ' on its line\n"
		  "2:1-1 E_UNTERMINATED this character constant has no closing ' on its line" },
		{ "open comment", STR("a /* b"), "I:a", "1:3-2 E_UNTERMINATED this comment never "
		  "ends" },
		{ "half a comment's end", STR("a /*/"), "I:a", "1:3-2 E_UNTERMINATED this comment "
		  "never ends" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;

		open_fixture(&f, cases[i].in);
		want_text(cases[i].name, show(&f), cases[i].want);
		want_text(cases[i].name, diag_lines(&f), cases[i].diags);
		close_fixture(&f);
	}
}

/* Every token's span covers its spelling. */
static void test_spans(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f, STR("int  x=0x1;\n\"s\"/**/->y\n"));
	for (u32 i = 0; i + 1 < f.list.n; i++)
		assert_true(str_eq(sources_text(&f.ss, f.list.at[i].span), f.list.at[i].text));
	close_fixture(&f);
	open_fixture(&f, STR("a\\\nb c"));
	assert_true(str_is(sources_text(&f.ss, f.list.at[0].span), "a\\\nb"));
	assert_true(str_is(sources_text(&f.ss, f.list.at[1].span), "c"));
	close_fixture(&f);
}

static void test_numbers(void **state)
{
	static const struct {
		const char *in;
		u64 value;
		const char *type;     /* u: unsigned, l: for each long, d: decimal, f: floating */
		const char *diags;
	} cases[] = {
		{ "0", 0, "d", "" },
		{ "42", 42, "d", "" },
		{ "017", 15, "", "" },
		{ "0x1F", 31, "", "" },
		{ "0XaB", 171, "", "" },
		{ "0b101", 5, "", "" },
		{ "1u", 1, "ud", "" },
		{ "1UL", 1, "uld", "" },
		{ "1llU", 1, "ulld", "" },
		{ "0xffLL", 255, "ll", "" },
		{ "18446744073709551615", UINT64_MAX, "d", "" },
		{ "0xffffffffffffffff", UINT64_MAX, "", "" },
		{ "1.5", 0, "f", "" },
		{ ".5f", 0, "f", "" },
		{ "1e10", 0, "f", "" },
		{ "08.5", 0, "f", "" },
		{ "0x1p3", 0, "f", "" },
		{ "0x1.8p-3L", 0, "f", "" },
		{ "18446744073709551616", 0, "d", "1:1-20 E_NUMBER '18446744073709551616' is no "
		  "number: it needs more than 64 bits" },
		{ "0x10000000000000000", 0, "", "1:1-19 E_NUMBER '0x10000000000000000' is no "
		  "number: it needs more than 64 bits" },
		{ "08", 0, "", "1:1-2 E_NUMBER '08' is no number: 8 and 9 are no octal digits (a "
		  "leading 0 means octal)" },
		{ "0b12", 0, "", "1:1-4 E_NUMBER '0b12' is no number: binary digits are 0 and 1" },
		{ "0x", 0, "", "1:1-2 E_NUMBER '0x' is no number: digits must follow" },
		{ "0b", 0, "", "1:1-2 E_NUMBER '0b' is no number: digits must follow" },
		{ "1lul", 0, "uld", "1:1-4 E_NUMBER '1lul' is no number: its end is no suffix "
		  "that C has" },
		{ "1lL", 0, "ld", "1:1-3 E_NUMBER '1lL' is no number: its end is no suffix that C "
		  "has" },
		{ "12abc", 0, "d", "1:1-5 E_NUMBER '12abc' is no number: its end is no suffix "
		  "that C has" },
		{ "1e", 0, "", "1:1-2 E_NUMBER '1e' is no number: its exponent has no digits" },
		{ "1.2.3", 0, "", "1:1-5 E_NUMBER '1.2.3' is no number: it has a second point or "
		  "a wrong suffix" },
		{ "0x1.8", 0, "", "1:1-5 E_NUMBER '0x1.8' is no number: a hexadecimal floating "
		  "constant needs an exponent (p)" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct token *t;
		char type[8] = "";

		open_fixture(&f, str_of(cases[i].in));
		t = &f.list.at[0];
		lex_decode(f.a, &f.dx, t);
		strcat(type, t->is_unsigned ? "u" : "");
		strcat(type, t->longs == 2 ? "ll" : t->longs ? "l" : "");
		strcat(type, t->is_decimal ? "d" : "");
		strcat(type, t->is_float ? "f" : "");
		want_text(cases[i].in, diag_lines(&f), cases[i].diags);
		if (t->number != cases[i].value || strcmp(type, cases[i].type))
			fail_msg("%s: got %" PRIu64 " %s, want %" PRIu64 " %s", cases[i].in,
				t->number, type,
				 cases[i].value, cases[i].type);
		close_fixture(&f);
	}
}

static void test_characters(void **state)
{
	static const struct { const char *in; s64 value; u8 width; const char *diags; } cases[] = {
		{ "'a'", 'a', 1, "" },
		{ "'\\n'", '\n', 1, "" },
		{ "'\\''", '\'', 1, "" },
		{ "'\\\\'", '\\', 1, "" },
		{ "'\"'", '"', 1, "" },
		{ "'\\0'", 0, 1, "" },
		{ "'\\101'", 'A', 1, "" },
		{ "'\\x41'", 'A', 1, "" },
		{ "'\\xff'", -1, 1, "" },
		{ "'\\e'", 27, 1, "" },
		{ "'ab'", 'a' << 8 | 'b', 1, "" },
		{ "'\\377abc'", (s32)0xff616263, 1, "" },
		{ "L'\\xff'", 255, 4, "" },
		{ "L'\xc3\xa4'", 0xe4, 4, "" },
		{ "u'\\u20ac'", 0x20ac, 2, "" },
		{ "U'\\U0001f600'", 0x1f600, 4, "" },
		{ "''", 0, 1, "1:1-2 E_CHAR a character constant needs a character" },
		{ "'abcde'", 0, 1, "1:1-7 E_CHAR this character constant has too many characters" },
		{ "L'ab'", 0, 4, "1:1-5 E_CHAR this character constant has too many characters" },
		{ "'\\q'", 'q', 1, "1:2-2 E_ESCAPE escape '\\q': C has no such escape; a "
		  "backslash itself is written \\\\" },
		{ "'\\x'", 0, 1, "1:2-2 E_ESCAPE escape '\\x': hexadecimal digits must follow \\x"
		  },
		{ "'\\x100'", -1, 1, "1:2-5 E_ESCAPE escape '\\x100': its value does not fit in "
		  "one character" },
		{ "'\\u20'", '?', 1, "1:2-4 E_ESCAPE escape '\\u20': \\u needs four hexadecimal "
		  "digits" },
		{ "'\\ud800'", '?', 1, "1:2-6 E_ESCAPE escape '\\ud800': it names no Unicode "
		  "character" },
		{ "'\\u00e4'", (s8)0xe4, 1, "1:1-8 E_CHAR U+00E4 is longer than one byte: it does "
		  "not fit in a plain char" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct token *t;

		open_fixture(&f, str_of(cases[i].in));
		t = &f.list.at[0];
		lex_decode(f.a, &f.dx, t);
		want_text(cases[i].in, diag_lines(&f), cases[i].diags);
		if ((s64)t->number != cases[i].value || t->char_width != cases[i].width)
			fail_msg("%s: got %" PRId64 " width %u", cases[i].in, (s64)t->number,
				 t->char_width);
		close_fixture(&f);
	}
}

static void test_strings(void **state)
{
	static const struct { const char *in; str bytes; const char *diags; } cases[] = {
		{ "\"\"", STR(""), "" },
		{ "\"plain\"", STR("plain"), "" },
		{ "\"a\\tb\\0c\\x7e\"", STR("a\tb\0c~"), "" },
		{ "\"\\1234\"", STR("S4"), "" },
		{ "\"\xc3\xa4\"", STR("\xc3\xa4"), "" },
		{ "\"\\u00e4\\U0001F600\\u20ac\"", STR("\xc3\xa4\xf0\x9f\x98\x80\xe2\x82\xac"), ""
		  },
		{ "u8\"\\u0041\"", STR("A"), "" },
		{ "u\"a\xe2\x82\xac\"", STR("a\0\xac\x20"), "" },
		{ "u\"\\U0001F600\"", STR("\x3d\xd8\x00\xde"), "" },
		{ "L\"a\\xff\"", STR("a\0\0\0\xff\0\0\0"), "" },
		{ "\"a\\zb\"", STR("azb"), "1:3-2 E_ESCAPE escape '\\z': C has no such escape; a "
		  "backslash itself is written \\\\" },
		{ "\"a\\\xc3\xa4\"", STR("a\xc3"), "1:3-3 E_ESCAPE escape '\\\xc3\xa4': C has no "
		  "such escape; a backslash itself is written \\\\" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct token *t;
		struct sbuf got, want;

		open_fixture(&f, str_of(cases[i].in));
		t = &f.list.at[0];
		lex_decode(f.a, &f.dx, t);
		want_text(cases[i].in, diag_lines(&f), cases[i].diags);
		sbuf_init(&got, f.a);
		sbuf_init(&want, f.a);
		sbuf_quote(&got, t->bytes);
		sbuf_quote(&want, cases[i].bytes);
		want_text(cases[i].in, sbuf_str(&got), want.s);
		close_fixture(&f);
	}
}

static void test_keywords(void **state)
{
	/* The tables are searched by halving, so an entry out of order would not be found. */
	static const char *const all[] = {
		"_Alignas", "_Alignof", "_Bool", "_Generic", "_Noreturn", "_Static_assert",
		"_Thread_local", "__alignof", "__alignof__", "__asm", "__asm__", "__attribute",
		"__attribute__", "__auto_type", "__const", "__const__", "__extension__", "__inline",
		"__inline__", "__int128", "__restrict", "__restrict__", "__signed", "__signed__",
		"__thread", "__typeof", "__typeof__", "__volatile", "__volatile__", "asm", "auto",
		"break", "case", "char", "const", "continue", "default", "do", "double", "else",
		"enum", "extern", "float", "for", "goto", "if", "inline", "int", "long", "register",
		"restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch",
		"typedef", "typeof", "union", "unsigned", "void", "volatile", "while",
	};
	bool seen[K_N] = { 0 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		enum tok_keyword k = lex_keyword(str_of(all[i]));

		if (k == K_NONE)
			fail_msg("%s is not found", all[i]);
		seen[k] = true;
	}
	for (u32 k = K_NONE + 1; k < K_N; k++)
		if (!seen[k])
			fail_msg("keyword %u has no spelling", k);
	assert_int_equal(lex_keyword(STR("")), K_NONE);
	assert_int_equal(lex_keyword(STR("whil")), K_NONE);
	assert_int_equal(lex_keyword(STR("whiles")), K_NONE);
	assert_string_equal(lex_punct_text('+'), "+");
	assert_string_equal(lex_punct_text(P_SHL_EQ), "<<=");
	assert_string_equal(lex_punct_text(P_HASHHASH), "##");
	assert_string_equal(lex_punct_text('a'), "");
	assert_string_equal(lex_punct_text(0xffff), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),	   cmocka_unit_test(test_spans),
		cmocka_unit_test(test_numbers),	   cmocka_unit_test(test_characters),
		cmocka_unit_test(test_strings),	   cmocka_unit_test(test_keywords),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
