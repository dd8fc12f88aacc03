/* Unit tests of cfront: the preprocessor, from text to the tokens that the parser gets. */
#include "cfront/token.h"
#include "cfront/lib.h"

#include <inttypes.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>
#include <cmocka.h>

struct fixture {
	struct arena *a;
	struct sources ss;
	struct diags dx;
	struct cf_options o;
	struct pp_result r;
};

static void open_fixture(struct fixture *f)
{
	memset(f, 0, sizeof(*f));
	f->a = arena_new(NULL);
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
	f->o.a = f->a;
	f->o.ss = &f->ss;
	f->o.dx = &f->dx;
}

static void run(struct fixture *f, const char *name, str text)
{
	pp_run(&f->o, sources_add(&f->ss, str_of(name), text), &f->r);
	assert_true(f->r.tokens.n > 0);
	assert_int_equal(vec_last(&f->r.tokens)->kind, TOK_EOF);
}

static void want_text(const char *name, str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%s:\n--- got\n" STR_FMT "\n--- want\n%s", name, STR_ARG(got), want);
}

/* The tokens with single spaces between; strings as they were decoded. */
static str show(struct fixture *f)
{
	struct sbuf b;

	sbuf_init(&b, f->a);
	for (u32 i = 0; i + 1 < f->r.tokens.n; i++) {
		const struct token *t = &f->r.tokens.at[i];

		if (i)
			sbuf_putc(&b, ' ');
		if (t->kind == TOK_PRAGMA)
			sbuf_puts(&b, "#pragma ");
		if (t->kind == TOK_STRING)
			sbuf_quote(&b, t->bytes);
		else
			sbuf_put(&b, t->text);
	}
	return sbuf_str(&b);
}

/* Diagnostics as `line:col TAG text`, with their notes and hints. */
static str diag_lines(struct fixture *f)
{
	struct sbuf b;

	sbuf_init(&b, f->a);
	for (u32 i = 0; i < f->dx.list.n; i++) {
		const struct diag *d = &f->dx.list.at[i];
		struct place p = sources_place(&f->ss, d->span.lo);

		sbuf_printf(&b, "%s%u:%u %s " STR_FMT, i ? "\n" : "", p.line, p.col,
			    diag_tag_name(d->tag), STR_ARG(d->text));
		for (u32 k = 0; k < d->extras.n; k++)
			sbuf_printf(&b, "; %s: " STR_FMT,
				    d->extras.at[k].is_hint ? "hint" : "note",
				    STR_ARG(d->extras.at[k].text));
	}
	return sbuf_str(&b);
}

struct text_case { const char *name, *in, *want; };

static void check_cases(const struct text_case *cases, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct fixture f;

		open_fixture(&f);
		run(&f, "t.c", str_of(cases[i].in));
		want_text(cases[i].name, diag_lines(&f), "");
		want_text(cases[i].name, show(&f), cases[i].want);
		arena_free(f.a);
	}
}

static void test_macros(void **state)
{
	static const struct text_case cases[] = {
		{ "object", "#define A 1 + 2\nA A;", "1 + 2 1 + 2 ;" },
		{ "empty", "#define A\nx A y", "x y" },
		{ "function", "#define F(a, b) b a\nF(1, (2, 3)) F ( x , ) F", "( 2 , 3 ) 1 x F" },
		{ "no parameters", "#define F() 1\nF() F( ) F x F(\n)", "1 1 F x 1" },
		{ "a blank before ( makes an object", "#define F (a)\nF(b)", "( a ) ( b )" },
		{ "over lines", "#define F(a) <a>\nF\n(\n1\n)\n2", "< 1 > 2" },
		{ "nested calls", "#define F(a) a*2\nF(F(F(1)))", "1 * 2 * 2 * 2" },
		{ "chain", "#define A B\n#define B C\n#define C A\nA B C", "A B C" },
		{ "itself", "#define foo foo + 1\nfoo", "foo + 1" },
		{ "mutual", "#define f(x) g(x)\n#define g(x) f(x)\nf(1)", "f ( 1 )" },
		{ "painted for good", "#define f(x) x f\n#define id(x) x\nid(f(1))(2)", "1 f ( 2 )"
		  },
		{ "paint crosses an argument", "#define A A B\n#define id(x) x\nid(id(A))", "A B" },
		{ "call begins inside, ends outside", "#define g f(1\n#define f(x) <x>\ng)",
		  "< 1 >" },
		{ "name at the end meets (", "#define g f\n#define f(x) <x>\ng(2) g (3)",
		  "< 2 > < 3 >" },
		{ "6.10.3.4p4", "#define f(a) a*g\n#define g(a) f(a)\nf(2)(9)", "2 * 9 * g" },
		{ "undef", "#define A 1\n#undef A\n#undef B\nA", "A" },
		{ "same again", "#define A  1 +  2\n#define A 1  + 2\n#define F(x) x\n#define "
		  "F(x) x\nA", "1 + 2" },
		{ "redefined inside its use", "#define F(a) a\nF(\n#undef F\n#define F(a) b\n1 "
		  "F)(2)", "1 b" },
		{ "conditions inside a use", "#define F(a) <a>\nF(1\n#if 0\n2\n#else\n3\n#endif\n"
		  ")", "< 1 3 >" },
		{ "commas in brackets count", "#define F(a,b) b:a\nF([1,2])", "2 ] : [ 1" },
		{ "empty arguments", "#define F(a,b,c) <a|b|c>\nF(,,) F( ,x, )",
		  "< | | > < | x | >" },
		{ "digraph directive", "%:define A 1\nA", "1" },
		{ "blanks before #", "  # /* c */ define A 1\nA", "1" },
		{ "# in the middle is a token", "a # define\n", "a # define" },
		{ "null directive", "#\n# \nx", "x" },
		{ "spliced definition", "#define F(a, \\\n b) a \\\n b\nF(1,2)", "1 2" },
		{ "keywords can be macros", "#define int long\nint x", "long x" },
		{ "parameter named as the macro", "#define f(f) f + 1\nf(2)", "2 + 1" },
		{ "argument is a macro name of the call", "#define f(x) x\nf(f)(1)", "f ( 1 )" },
	};

	(void)state;
	check_cases(cases, ARRAY_LEN(cases));
}

static void test_operators(void **state)
{
	static const struct text_case cases[] = {
		{ "stringize", "#define S(x) #x\nS(a  +\n b); S(); S( \"q\\n\" ); S('\"'); S(\\)",
		  "\"a + b\" ; \"\" ; \"\\\"q\\\\n\\\"\" ; \"'\\\"'\" ; \"\"" },
		{ "stringize keeps a \\ outside", "#define S(x) #x\nx S(a\\n)", "x \"a\\n\"" },
		{ "stringize is raw", "#define A 1\n#define S(x) #x\n#define T(x) S(x)\nx S(A) y "
		  "T(A)", "x \"A\" y \"1\"" },
		{ "blank of an empty macro", "#define E\n#define S(x) #x\n#define T(x) S(x)\nT(a "
		  "E-b)", "\"a -b\"" },
		{ "# in an object-like macro", "#define H # x\nH", "# x" },
		{ "paste", "#define C(a,b) a ## b\nC(x,1) C(+,+) C(,y) C(z,) C(,) C(1,e5)",
		  "x1 ++ y z 1e5" },
		{ "paste is raw", "#define A 1\n#define C(a,b) a##b\n#define D(a,b) C(a,b)\n"
		  "C(A,A) D(A,A)", "AA 11" },
		{ "paste in an object", "#define X a ## b ## c\nX", "abc" },
		{ "pasted names expand", "#define xy 7\n#define C(a,b) a##b\nC(x,y)", "7" },
		{ "paste takes the ends", "#define C(a,b) a##b\nC(1 2,3 4)", "1 23 4" },
		{ "## from an argument is a token", "#define F(a) x a y\nF(##) F(#)",
		  "x ## y x # y" },
		{ "hash_hash (6.10.3.3p4)", "#define hash_hash # ## #\n#define mkstr(a) # a\n"
		  "#define in_between(a) mkstr(a)\n#define join(c, d) in_between(c hash_hash d)\n"
		  "char p[] = join(x, y);", "char p [ ] = \"x ## y\" ;" },
		{ "string prefix", "#define W(s) L ## s\nx W(\"a\") y", "x \"a\\000\\000\\000\" y"
		  },
		{ "variadic", "#define V(...) <__VA_ARGS__>\nV() V(1) V(1,2,(3,4))",
		  "< > < 1 > < 1 , 2 , ( 3 , 4 ) >" },
		{ "variadic left out", "#define V(a, ...) a:__VA_ARGS__\nV(1) V(1,)", "1 : 1 :" },
		{ "named variadic", "#define V(a, b...) a:b\nV(1,2,3)", "1 : 2 , 3" },
		{ "GNU comma", "#define V(f, ...) f(x, ## __VA_ARGS__)\nV(a) V(a,) V(a,1,2)",
		  "a ( x ) a ( x , ) a ( x , 1 , 2 )" },
		{ "GNU comma, one parameter", "#define V(a...) f(x, ## a)\nV() V(1) V(,)",
		  "f ( x ) f ( x , 1 ) f ( x , , )" },
		{ "VA_OPT", "#define V(f, ...) f(0 __VA_OPT__(,) __VA_ARGS__)\n#define E\nV(a) "
		  "V(a,) V(a,E) V(a,1)",
		  "a ( 0 ) a ( 0 ) a ( 0 ) a ( 0 , 1 )" },
		{ "VA_OPT pastes", "#define V(x, ...) x ## __VA_OPT__(b ## x) ## c\nV(q) V(q,2)",
		  "qc qbqc" },
		{ "VA_OPT with parentheses", "#define V(...) __VA_OPT__((__VA_ARGS__)())\nV() "
		  "V(a)", "( a ) ( )" },
		{ "strings join", "\"a\" \"b\"\n\"c\" x \"d\" L\"e\"",
		  "\"abc\" x \"d\\000\\000\\000e\\000\\000\\000\"" },
	};

	(void)state;
	/* S(\) alone makes no valid string in C; here the backslash is left out. */
	check_cases(cases, ARRAY_LEN(cases));
}

/* The examples of C11 6.10.3.5, rebuilt with other names and numbers. */
static void test_standard_examples(void **state)
{
	static const struct text_case cases[] = {
		{ "rescanning and redefinition",
		  "#define v 5\n#define fn(a) fn(v * (a))\n#undef v\n#define v 7\n#define go fn\n"
		  "#define arr arr[1]\n"
		  "#define half go(~\n#define me(a) a(pair)\n#define pair 8,9\n#define same(a) a\n"
		  "#define ty() int\n#define q(v) v\n#define glue(v,w) v ## w\n#define text(v) # "
		  "v\n"
		  "fn(w+3) + fn(fn(arr)) % same(same(go)(4) + same)(6);\n"
		  "go(v+(3,4)-pair) | half 5) & me\n(fn)^me(me);\n"
		  "ty() i[q()] = { q(6), glue(2,3), glue(4,), glue(,5), glue(,) };\n"
		  "char c[] = { text(bye), text() };",
		  "fn ( 7 * ( w + 3 ) ) + fn ( 7 * ( fn ( 7 * ( arr [ 1 ] ) ) ) ) % fn ( 7 * ( 4 "
		  ") ) + same ( 6 ) ; "
		  "fn ( 7 * ( 7 + ( 3 , 4 ) - 8 , 9 ) ) | fn ( 7 * ( ~ 5 ) ) & fn ( 7 * ( 8 , 9 ) "
		  ") ^ me ( 8 , 9 ) ; "
		  "int i [ ] = { 6 , 23 , 4 , 5 , } ; char c [ ] = { \"bye\" , \"\" } ;" },
		{ "strings and pasting",
		  "#define str(s) # s\n#define xstr(s) str(s)\n#define show(s, t) say(\"n\" # s "
		  "\"= %d, n\" # t \"= %s\", n ## s, n ## t)\n"
		  "#define FILE_NO(n) file ## n\n#define glue(a, b) a ## b\n#define xglue(a, b) "
		  "glue(a, b)\n"
		  "#define UPDOWN \"good\"\n#define DOWN DOWN \", day\"\n"
		  "show(3, 4);\nput(str(cmp(\"a\\0b\", \"a\", '\\4') // gone\n== 0) str(: @\\n), "
		  "s);\n"
		  "xstr(FILE_NO(5).h)\nglue(UP, DOWN);\nxglue(UP, DOWN)",
		  "say ( \"n3= %d, n4= %s\" , n3 , n4 ) ; "
		  "put ( \"cmp(\\\"a\\\\0b\\\", \\\"a\\\", '\\\\4') == 0: @\\n\" , s ) ; "
		  "\"file5.hgood\" ; \"good, day\"" },
		{ "placemarkers",
		  "#define t(x,y,z) x ## y ## z\nint j[] = { t(7,8,9), t(,4,5), t(6,,3), t(7,8,), "
		  "t(1,,), t(,2,), t(,,3), t(,,) };",
		  "int j [ ] = { 789 , 45 , 63 , 78 , 1 , 2 , 3 , } ;" },
		{ "variadic",
		  "#define debug(...) print(err, __VA_ARGS__)\n#define showlist(...) "
		  "puts(#__VA_ARGS__)\n"
		  "#define report(test, ...) ((test) ? puts(#test) : print(__VA_ARGS__))\n"
		  "debug(\"A\"); debug(\"B=%d\\n\", b); showlist(The one, two, and 3 items.); "
		  "report(p>q, \"p is %d\", p);",
		  "print ( err , \"A\" ) ; print ( err , \"B=%d\\n\" , b ) ; puts ( \"The one, "
		  "two, and 3 items.\" ) ; "
		  "( ( p > q ) ? puts ( \"p>q\" ) : print ( \"p is %d\" , p ) ) ;" },
	};

	(void)state;
	check_cases(cases, ARRAY_LEN(cases));
}

static void test_conditions(void **state)
{
	/* Each expression and whether it is true. */
	static const struct { const char *e; bool want; } cases[] = {
		{ "1", true }, { "0", false }, { "0x10 == 16", true }, { "010 == 8", true },
		{ "0b11 == 3", true }, { "'a' == 97", true }, { "'\\377' < 0", true },
		{ "1 + 2 * 3 == 7", true }, { "(1 + 2) * 3 == 9", true }, { "7 - 2 - 1 == 4", true
		  },
		{ "100 / 10 / 5 == 2", true }, { "7 % 4 == 3", true }, { "-7 / 2 == -3", true },
		{ "-7 % 3 == -1", true }, { "1 << 4 == 16", true }, { "-16 >> 2 == -4", true },
		{ "1 << 63 < 0", true }, { "1 << 64", false }, { "1 << -1", false },
		{ "-1 < 0", true }, { "-1 < 0u", false }, { "-1 > 0u", true },
		{ "0xffffffffffffffff > 0", true }, { "18446744073709551615 == -1", true },
		{ "-9223372036854775807 - 1 < 0", true }, { "(-9223372036854775807 - 1) / -1 < 0",
		  true },
		{ "1 ? 2 : 0", true }, { "0 ? 1 : 0 ? 1 : 1", true }, { "(1 ? -1 : 0u) > 0", true },
		{ "!0 && ~0 == -1", true }, { "+1", true }, { "- -1 == 1", true },
		{ "6 & 3 ^ 1 | 8", true }, { "(6 & 3 ^ 1 | 8) == 11", true }, { "1 | 0 && 0", false
		  },
		{ "0 && 1 / 0", false }, { "1 || 1 % 0", true }, { "1 ? 1 : 1 / 0", true },
		{ "0 && (2 || 1 / 0)", false },
		{ "1 < 2 == 1", true }, { "3 > 2 > 1", false }, { "2 <= 2 && 2 >= 2 && 1 != 2",
		  true },
		{ "unknown", false }, { "unknown == 0", true }, { "int == 0", true },
		{ "defined A", true }, { "defined(A)", true }, { "defined ( B )", false },
		{ "!defined B && defined A", true }, { "A == 3", true }, { "F(2) == 5", true },
		{ "HAS_A", true }, { "HAS_B", false },
		{ "F", false }, { "E A == 3", true },
		{ "defined __FILE__ && defined __LINE__", true }, { "defined defined", false },
		{ "__has_include(<linux/sched.h>)", true }, {
		  "__has_include(\"bpf/bpf_helpers.h\")", true },
		{ "__has_include(<no/such.h>)", false }, { "__has_include(HEADER)", true },
		{ "defined __has_include && defined(__has_builtin)", true },
		{ "__has_builtin(__builtin_memcpy)", true }, { "__has_builtin(__builtin_sin)",
		  false },
		{ "__has_attribute(packed) && __has_attribute(__packed__)", true },
		{ "__has_attribute(no_such)", false }, { "__has_feature(modules)", false },
		{ "LINUX_VERSION_CODE == KERNEL_VERSION(6, 1, 0)", true },
		{ "LINUX_VERSION_CODE >= KERNEL_VERSION(5, 11, 300)", true },
		{ "__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__", true },
		{ "__SIZEOF_LONG__ == 8 && __INT_MAX__ == 0x7fffffff", true },
		{ "AF_INET == 2 && defined AF_INET && O_CREAT == 0100", true },
		{ "defined true || defined TRUE", false }, { "true && !false", true },
		{ "CONFIG_64BIT && defined CONFIG_SMP", true }, { "defined CONFIG_NO_SUCH_OPTION",
		  false },
		{ "IS_ENABLED(CONFIG_64BIT) && !IS_ENABLED(CONFIG_NO_SUCH_OPTION)", true },
		{ "defined CAP_OPT_NONE", true }, { "defined __clang__ && !defined "
		  "__clang_major__", true },
		{ "defined min && defined NULL && defined __KERNEL__", true },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		char text[512];

		open_fixture(&f);
		snprintf(text, sizeof(text),
			 "#define A 3\n#define E\n#define F(x) x + A\n#define HAS_A defined A\n"
			 	"#define HAS_B defined(B)\n"
			 "#define HEADER \"vmlinux.h\"\n#if %s\nyes\n#else\nno\n#endif\n",
			 	cases[i].e);
		run(&f, "t.c", str_of(text));
		want_text(cases[i].e, diag_lines(&f), "");
		want_text(cases[i].e, show(&f), cases[i].want ? "yes" : "no");
		arena_free(f.a);
	}
}

static void test_groups(void **state)
{
	static const struct text_case cases[] = {
		{ "elif", "#if 0\n1\n#elif 1\n2\n#elif 1\n3\n#else\n4\n#endif\n5", "2 5" },
		{ "else", "#if 0\n1\n#elif 0\n2\n#else\n4\n#endif", "4" },
		{ "an elif behind the taken group is not read", "#if 1\n1\n#elif 1/0 oops(\n2\n"
		  "#endif", "1" },
		{ "nested in skipped", "#if 0\n#if 1\n1\n#else\n2\n#endif\n#elif 1\n3\n#endif", "3"
		  },
		{ "ifdef", "#define A\n#ifdef A\n1\n#endif\n#ifndef A\n2\n#endif\n#ifndef B\n3\n"
		  "#endif", "1 3" },
		{ "elifdef", "#define A\n#ifdef B\n1\n#elifdef A\n2\n#elifndef A\n3\n#endif", "2" },
		{ "anything in a skipped group", "#if 0\n'don't \"x /* \n #bogus */ @ \\\n#endif\n"
		  " */ `\n#error no\n#define X 1\n#endif\nX", "X" },
		{ "comments hide directives", "#if 1\n/*\n#else\n*/ 1\n#endif // x\n", "1" },
		{ "a string hides a comment", "#if 0\n\"/*\"\n#endif\n1", "1" },
		{ "splice hides a directive", "#if 0\nx \\\n#endif\n#else\n1\n#endif", "1" },
		{ "condition over lines", "#if 1 && \\\n 0\n1\n#else\n2\n#endif /* long\n comment "
		  "*/ 3\n4", "2 4" },
		{ "no newline at the end", "#ifdef A\n#endif", "" },
		{ "words behind #endif", "#ifdef A\n#else A\n1\n#endif A", "1" },
	};

	(void)state;
	check_cases(cases, ARRAY_LEN(cases));
}

static void test_builtin(void **state)
{
	static const struct text_case cases[] = {
		{ "line and file", "__LINE__ __FILE__\n__LINE__ __INCLUDE_LEVEL__", "1 \"t.c\" 2 0"
		  },
		{ "line in a macro is the use", "#define L __LINE__\n\nL L\n L", "3 3 4" },
		{ "counter", "__COUNTER__ __COUNTER__\n#define C __COUNTER__\nC", "0 1 2" },
		{ "#line", "#line 100\n__LINE__\n#line 7 \"x.y\"\n__LINE__ __FILE__",
		  "100 7 \"x.y\"" },
		{ "#line by macro", "#define N 42 \"z\"\n#line N\n__LINE__ __FILE__", "42 \"z\"" },
		{ "line marker", "# 9 \"m.c\" 1 3\n__LINE__ __FILE__", "9 \"m.c\"" },
		{ "unused ones stay names", "AF_INET TASK_COMM_LEN u64 true",
		  "AF_INET TASK_COMM_LEN u64 true" },
		{ "NULL", "NULL", "( ( void * ) 0 )" },
		{ "registers", "PT_REGS_PARM2(ctx) PT_REGS_RC_CORE(c)",
		  "( ( unsigned long ) __skep_regs ( ( ctx ) , 1 ) ) ( ( unsigned long ) "
		  "__skep_regs ( ( c ) , 6 ) )" },
		{ "annotation", "char __user *p __packed;", "char __user * p __attribute__ ( ( packed ) "
		  ") ;" },
		{ "SEC", "SEC(\"xdp\") int f", "__attribute__ ( ( section ( \"xdp\" ) , used ) ) "
		  "int f" },
		{ "own definition wins", "#define NULL 0\n#define swab16(x) x\nNULL swab16(1)", "0 1"
		  },
		{ "own undef wins", "#undef NULL\n#ifdef NULL\nno\n#endif\nNULL", "NULL" },
		{ "undef of a constant", "#undef AF_INET\n#ifdef AF_INET\nno\n#endif\n#if AF_INET "
		  "== 0\nyes\n#endif", "yes" },
		{ "function-like in code", "{ return swab16(x) + (u8)swab32(y); }",
		  "{ return __builtin_bswap16 ( x ) + ( u8 ) __builtin_bswap32 ( y ) ; }" },
		{ "own function", "static int min(int a, int b) { return a; } int x = min(1, 2);",
		  "static int min ( int a , int b ) { return a ; } int x = min ( 1 , 2 ) ;" },
		{ "own function behind *", "char *clamp(char *a); f() { clamp(b); }",
		  "char * clamp ( char * a ) ; f ( ) { clamp ( b ) ; }" },
		{ "own function behind an attribute", "static int __attribute__((x)) max(int a) {}",
		  "static int __attribute__ ( ( x ) ) max ( int a ) { }" },
		{ "member", "{ a.min(1); b->max(2); }", "{ a . min ( 1 ) ; b -> max ( 2 ) ; }" },
		{ "multiplication is none", "{ x = a * swab16(b); }",
		  "{ x = a * __builtin_bswap16 ( b ) ; }" },
		{ "core read", "{ x = BPF_CORE_READ(t, parent, pid); y = BPF_CORE_READ(t, a); }",
		  "{ x = ( ( t ) -> parent -> pid ) ; y = ( ( t ) -> a ) ; }" },
		{ "BPF_KPROBE", "int BPF_KPROBE(fn, int a, char *b) { return a; }",
		  "int fn ( struct pt_regs * ctx ) ; static inline __attribute__ ( ( "
		  "always_inline ) ) __typeof__ ( fn ( 0 ) ) "
		  "__skep_body_fn ( struct pt_regs * ctx , int a , char * b ) ; __typeof__ ( fn ( "
		  "0 ) ) fn ( struct pt_regs * ctx ) "
		  "{ return __skep_body_fn ( ctx , ( void * ) __skep_regs ( ctx , 0 ) , ( void * "
		  ") __skep_regs ( ctx , 1 ) ) ; } "
		  "static inline __attribute__ ( ( always_inline ) ) __typeof__ ( fn ( 0 ) ) "
		  "__skep_body_fn ( struct pt_regs * ctx , int a , char * b ) { return a ; }" },
		{ "BPF_PROG without arguments", "int BPF_PROG(fn) { return 0; }",
		  "int fn ( unsigned long long * ctx ) ; static inline __attribute__ ( ( "
		  "always_inline ) ) __typeof__ ( fn ( 0 ) ) "
		  "__skep_body_fn ( unsigned long long * ctx ) ; __typeof__ ( fn ( 0 ) ) fn ( "
		  "unsigned long long * ctx ) "
		  "{ return __skep_body_fn ( ctx ) ; } static inline __attribute__ ( ( "
		  "always_inline ) ) __typeof__ ( fn ( 0 ) ) "
		  "__skep_body_fn ( unsigned long long * ctx ) { return 0 ; }" },
		{ "includes without content", "#include <linux/sched.h>\n#include "
		  "<uapi/linux/ptrace.h>\n"
		  "#include <net/sock.h>\n#include \"vmlinux.h\"\n#include <bcc/proto.h>\n"
		  "#include <bpf/bpf_tracing.h>\n1", "1" },
		{ "include by macro", "#define H <linux/fs.h>\n#include H\n#define G "
		  "\"linux/in.h\"\n#include G\n1", "1" },
		{ "pragmas", "#pragma unroll\n#pragma unroll 4\n#pragma GCC unroll(8)\n#pragma "
		  "clang loop unroll(full)\n"
		  "#pragma clang loop unroll_count(3)\n#pragma nounroll\n#pragma clang loop "
		  "unroll(disable)\n"
		  "#pragma clang diagnostic push\n#pragma GCC poison x\n#pragma pack(push, 1)\n"
		  "#pragma once\n1",
		  "#pragma unroll #pragma unroll 4 #pragma unroll 8 #pragma unroll #pragma unroll "
		  "3 #pragma nounroll "
		  "#pragma nounroll #pragma pack(push, 1) 1" },
		{ "pragma with macros", "#define N 5\n#pragma unroll N\n_Pragma(\"unroll N\") x "
		  "_Pragma(\"GCC x\") y",
		  "#pragma unroll 5 #pragma unroll 5 x y" },
	};

	(void)state;
	check_cases(cases, ARRAY_LEN(cases));
}

static void test_skep_pragma(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	run(&f, "t.c", STR("#pragma skep  --attach kprobe:/x/*=hello // y \nint x;\n"
		"_Pragma(\"skep \\\"q\\\"\")\n"
			   "#pragma skep\n#pragma skepX\n"));
	assert_int_equal(f.r.pragmas.n, 3);
	want_text("line", f.r.pragmas.at[0].words, "--attach kprobe:/x/*=hello // y");
	want_text("operator", f.r.pragmas.at[1].words, "\"q\"");
	want_text("empty", f.r.pragmas.at[2].words, "");
	want_text("tokens", show(&f), "int x ;");
	want_text("other", diag_lines(&f), "5:1 W_UNKNOWN_PRAGMA #pragma skepX has no effect here");
	arena_free(f.a);
}

/* Where the tokens of a macro are said to stand. */
static void test_places(void **state)
{
	struct fixture f;
	const struct token *t;

	(void)state;
	open_fixture(&f);
	run(&f, "t.c", STR("#define ADD(a, b) (a + b)\n#define ONE 1\nADD(ONE, x) ONE NULL\n"));
	t = f.r.tokens.at;
	want_text("all", show(&f), "( 1 + x ) 1 ( ( void * ) 0 )");
	want_text("own token", sources_text(&f.ss, t[0].span), "ADD(ONE, x)");
	want_text("own token, origin", sources_text(&f.ss, t[2].origin), "+");
	want_text("macro in an argument", sources_text(&f.ss, t[1].span), "ONE");
	want_text("its origin", sources_text(&f.ss, t[1].origin), "1");
	want_text("argument", sources_text(&f.ss, t[3].span), "x");
	assert_false(span_known(t[3].origin));
	want_text("object", sources_text(&f.ss, t[5].span), "ONE");
	want_text("built-in", sources_text(&f.ss, t[6].span), "NULL");
	assert_false(span_known(t[6].origin));
	assert_true(t[0].bol);
	assert_false(t[1].bol);
	arena_free(f.a);
}

/* Version and configuration are those of the machine. Every kernel that runs BPF has CONFIG_NET. */
static void test_machine(void **state)
{
	struct fixture f;
	str version;

	(void)state;
	open_fixture(&f);
	f.o.machine = probes_machine_new(f.a);
	version = str_printf(f.a, "%u 1 CONFIG_NO_SUCH_OPTION",
			     probes_kernel_version(f.o.machine));
	run(&f, "t.c", STR("LINUX_VERSION_CODE CONFIG_NET CONFIG_NO_SUCH_OPTION\n"
			   "#if defined(CONFIG_NET_MODULE) || defined(CONFIG_NE)\nno\n#endif\n"));
	want_text("machine", show(&f), version.s);
	probes_machine_free(f.o.machine);
	arena_free(f.a);
}

static void test_defines(void **state)
{
	static const str defines[] = { STR("A"), STR("B=x + 1"), STR("C="), STR("F(x)=<x>"), STR(
		"A=2"),
				       STR("9=1"), STR("D=1\n2") };
	struct fixture f;

	(void)state;
	open_fixture(&f);
	f.o.defines = defines;
	f.o.n_defines = ARRAY_LEN(defines);
	run(&f, "t.c", STR("A B C F(3) D __LINE__"));
	want_text("tokens", show(&f), "2 x + 1 < 3 > D 1");
	want_text("mistakes", diag_lines(&f),
		  "0:0 E_MACRO the definition of 'D' is more than one line\n"
		  "5:9 W_REDEFINED macro 'A' is defined again, differently; note: the definition "
		  "before; "
		  "hint: write #undef A first if that is meant\n"
		  "6:9 E_MACRO '9' cannot be the name of a macro");
	arena_free(f.a);
}

static void test_errors(void **state)
{
	static const struct { const char *in, *diags, *tokens; } cases[] = {
		{ "#define\n1", "1:8 E_MACRO #define needs the name of a macro", "1" },
		{ "#define 3 4\n1", "1:9 E_MACRO '3' cannot be the name of a macro", "1" },
		{ "#define defined 1", "1:9 E_MACRO 'defined' belongs to the preprocessor and "
		  "cannot be a macro", "" },
		{ "#undef __VA_ARGS__", "1:8 E_MACRO '__VA_ARGS__' belongs to the preprocessor "
		  "and cannot be undefined", "" },
		{ "#define F(a", "1:11 E_MACRO ',' or ')' must follow the name of a parameter", ""
		  },
		{ "#define F(a b) 1", "1:13 E_MACRO ',' or ')' must follow the name of a "
		  "parameter", "" },
		{ "#define F(1) 1", "1:11 E_MACRO the list of parameters needs names, '...' or "
		  "')' here", "" },
		{ "#define F(", "1:10 E_MACRO the list of parameters needs names, '...' or ')' "
		  "here", "" },
		{ "#define F(a,", "1:12 E_MACRO the list of parameters needs names, '...' or ')' "
		  "here", "" },
		{ "#define F(a,a) 1", "1:13 E_MACRO two parameters have this name", "" },
		{ "#define F(..., a) 1", "1:14 E_MACRO ')' must follow '...'", "" },
		{ "#define F(__VA_ARGS__) 1", "1:11 E_MACRO this name is not free for a parameter",
		  "" },
		{ "#define F(a) #b", "1:14 E_MACRO '#' in a macro with parameters must stand "
		  "before one of them", "" },
		{ "#define F(a) #", "1:14 E_MACRO '#' in a macro with parameters must stand "
		  "before one of them", "" },
		{ "#define F(a) ## a", "1:14 E_MACRO '##' needs a token on either side", "" },
		{ "#define A a ##", "1:13 E_MACRO '##' needs a token on either side", "" },
		{ "#define F(a) __VA_ARGS__", "1:14 E_MACRO __VA_ARGS__ belongs into macros that "
		  "end in '...'", "" },
		{ "#define F(a...) __VA_ARGS__", "1:17 E_MACRO the variadic parameter has a name "
		  "of its own here", "" },
		{ "#define F(a) __VA_OPT__()", "1:14 E_MACRO __VA_OPT__ belongs into macros that "
		  "end in '...'", "" },
		{ "#define F(...) __VA_OPT__", "1:16 E_MACRO '(' must follow __VA_OPT__", "" },
		{ "#define F(...) __VA_OPT__(x", "1:16 E_MACRO __VA_OPT__( is never closed", "" },
		{ "#define F(...) __VA_OPT__(__VA_OPT__())", "1:27 E_MACRO __VA_OPT__ cannot "
		  "stand inside __VA_OPT__", "" },
		{ "#define F(...) __VA_OPT__(## x)", "1:27 E_MACRO '##' needs a token on either "
		  "side", "" },
		{ "#define A 1\n#define A 2\nA", "2:9 W_REDEFINED macro 'A' is defined again, "
		  "differently; "
		  "note: the definition before; hint: write #undef A first if that is meant", "2" },
		{ "#define F(a, b) 1\nF(1) x", "2:1 E_MACRO macro 'F' takes 2 arguments, but here "
		  "it is given 1; note: it is defined here", "0 x" },
		{ "#define F(a) 1\nF(1,2,3)", "2:1 E_MACRO macro 'F' takes 1 argument, but here "
		  "it is given 3; note: it is defined here", "0" },
		{ "#define F() 1\nF(1)", "2:1 E_MACRO macro 'F' takes 0 arguments, but here it is "
		  "given 1; note: it is defined here", "0" },
		{ "#define F(a, b, ...) 1\nF(1)", "2:1 E_MACRO macro 'F' takes at least 2 "
		  "arguments, but here it is given 1; note: it is defined here", "0" },
		{ "{ min(1); }", "1:3 E_MACRO macro 'min' takes 2 arguments, but here it is given "
		  "1", "{ 0 ; }" },
		{ "#define F(a) a\nx F(1", "2:3 E_MACRO the call of macro 'F' never closes its "
		  "'('", "x 0" },
		{ "#define C(a,b) a##b\nC(+,x) C(/,/)",
		  "2:1 E_MACRO ## makes '+x' here, which is no token of C; note: in the body of "
		  "macro 'C'\n"
		  "2:8 E_MACRO ## makes '//' here, which is no token of C; note: in the body of "
		  "macro 'C'", "+ x / /" },
		{ "__DATE__", "1:1 E_MACRO '__DATE__' would make the same source compile "
		  "differently each time; "
		  "hint: define it on the command line if the program needs it: "
		  "-D'__DATE__=\"\xe2\x80\xa6\"'", "\"\"" },
		{ "#if\n1\n#endif", "1:2 E_DIRECTIVE #if: there is no condition", "" },
		{ "#if 1 +\n1\n#else\n2\n#endif", "1:2 E_DIRECTIVE #if: the condition ends where "
		  "a value should stand", "2" },
		{ "#if (1\n#endif", "1:2 E_DIRECTIVE #if: ')' is missing", "" },
		{ "#if 1 2\n#endif", "1:7 E_DIRECTIVE #if: an operator should stand here", "" },
		{ "#if A = 2\n#endif", "1:7 E_DIRECTIVE #if: '=' does not compare; '==' does", "" },
		{ "#if 1 / 0\n#endif", "1:7 E_DIRECTIVE #if: division by zero", "" },
		{ "#if 1 % 0 == 1\n#endif", "1:7 E_DIRECTIVE #if: division by zero", "" },
		{ "#if 1.0\n#endif", "1:5 E_DIRECTIVE #if: floating-point numbers have no place "
		  "here", "" },
		{ "#if \"a\"\n#endif", "1:5 E_DIRECTIVE #if: strings have no place in a condition",
		  "" },
		{ "#if 1 ? 2\n#endif", "1:2 E_DIRECTIVE #if: ':' of '?' is missing", "" },
		{ "#if * 2\n#endif", "1:5 E_DIRECTIVE #if: a value should stand here", "" },
		{ "#if 09\n#endif", "1:5 E_NUMBER '09' is no number: 8 and 9 are no octal digits "
		  "(a leading 0 means octal)", "" },
		{ "#if FOO(1)\n#endif", "1:8 E_DIRECTIVE #if: this is no macro, so it cannot be "
		  "called; hint: 'FOO' is not defined", "" },
		{ "#if defined\n#endif", "1:2 E_DIRECTIVE #if: defined needs a name", "" },
		{ "#if defined(A\n#endif", "1:2 E_DIRECTIVE #if: defined( has no ')'", "" },
		{ "#if __has_include\n#endif", "1:2 E_DIRECTIVE #if: '(' must follow this name", ""
		  },
		{ "#if __has_include(1)\n#endif", "1:19 E_DIRECTIVE #if: __has_include needs "
		  "<file> or \"file\"", "" },
		{ "#if 0\n#elif 1 +\n#endif", "2:2 E_DIRECTIVE #elif: the condition ends where a "
		  "value should stand", "" },
		{ "#ifdef\n#endif", "1:7 E_DIRECTIVE #ifdef needs a name", "" },
		{ "#ifdef A || B\n#endif", "1:10 E_DIRECTIVE #ifdef takes one name and no more; "
		  "hint: several are tested with #if defined(A) && defined(B)", "" },
		{ "#else", "1:2 E_DIRECTIVE #else without #if", "" },
		{ "#elif 1", "1:2 E_DIRECTIVE #elif without #if", "" },
		{ "#endif", "1:2 E_DIRECTIVE #endif without #if", "" },
		{ "#if 1\n#else\n#else\n#endif", "3:2 E_DIRECTIVE #else behind #else; note: the "
		  "condition begins here", "" },
		{ "#if 1\n#else\n#elif 1\n1\n#endif", "3:2 E_DIRECTIVE #elif behind #else; note: "
		  "the condition begins here", "" },
		{ "#if 1\n1", "1:1 E_DIRECTIVE this condition has no #endif in its file", "1" },
		{ "#if 0\n1", "1:1 E_DIRECTIVE this condition has no #endif in its file", "" },
		{ "#inclde <a>\n1", "1:2 E_DIRECTIVE there is no directive #inclde; hint: did you "
		  "mean #include?", "1" },
		{ "#import \"a\"", "1:2 E_DIRECTIVE there is no directive #import; hint: use "
		  "#include", "" },
		{ "#\"x\"", "1:2 E_DIRECTIVE the name of a directive must follow #", "" },
		{ "#line 0x3\n1", "1:7 E_DIRECTIVE #line needs a line number up to 2147483647", "1"
		  },
		{ "#line 3 x", "1:9 E_DIRECTIVE a file name in quotes may follow the number", "" },
		{ "#line", "1:1 E_DIRECTIVE #line needs a line number up to 2147483647", "" },
		{ "#error  too  old \n1", "1:1 E_USER_ERROR too  old", "1" },
		{ "#error", "1:1 E_USER_ERROR the program says so, without a reason", "" },
		{ "#warning don't", "1:1 W_USER_WARNING don't", "" },
		{ "#pragma foo 1\n#pragma foo 2\n", "1:1 W_UNKNOWN_PRAGMA #pragma foo has no "
		  "effect here", "" },
		{ "_Pragma x", "1:1 E_DIRECTIVE _Pragma needs a string in parentheses", "x" },
		{ "_Pragma(x) y", "1:1 E_DIRECTIVE _Pragma needs a string in parentheses", ") y" },
		{ "#include\n1", "1:2 E_INCLUDE #include needs <file> or \"file\"", "1" },
		{ "#include x\n1", "1:10 E_INCLUDE #include needs <file> or \"file\"", "1" },
		{ "#include <a\n1", "1:10 E_INCLUDE #include needs <file> or \"file\"", "1" },
		{ "#include <bpf/bpf_helper.h>\n1", "1:10 E_INCLUDE there is no header "
		  "<bpf/bpf_helper.h>; hint: did you mean <bpf/bpf_helpers.h>?", "1" },
		{ "#include <stdio.h>\n1", "1:10 E_INCLUDE there is no header <stdio.h>; hint: "
		  "did you mean <stdint.h>?", "1" },
		{ "#include <sys/socket.h>\n1", "1:10 E_INCLUDE there is no header "
		  "<sys/socket.h>; hint: the C library's headers are "
		  "not for BPF programs; the kernel's types and constants are known without "
		  "#include", "1" },
		{ "#include \"no_such_file_x.h\"\n1", "1:10 E_INCLUDE there is no header "
		  "\"no_such_file_x.h\"; hint: it is searched "
		  "beside the including file, in the folders given with -I, and among skep's own "
		  "headers", "1" },
		{ "#include \"/\"\n1", "1:10 E_INCLUDE cannot read '/': Is a directory", "1" },
		{ "a @ b", "1:3 E_CHAR stray '@' in the program", "a @ b" },
		{ "#if 0\n@\n#endif\n#define A @\n#define B(x)\nB(@)", "", "" },
		{ "f(\"a b);\ng", "1:3 E_UNTERMINATED this string has no closing '\"' on its "
		  "line; hint: a line break inside a string is written \\n",
		  "f ( \"a b\" ) ; g" },
		{ "x = 12z;", "1:5 E_NUMBER '12z' is no number: its end is no suffix that C has",
		  "x = 12z ;" },
		{ "\x7f" "ELF\x02", "1:1 E_CHAR this is an ELF file, not C source; hint: skep "
		  "compiles C source text", "" },
		{ "\xff\xfei", "1:1 E_CHAR this text is UTF-16; hint: save it as UTF-8", "" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;

		open_fixture(&f);
		run(&f, "t.c", str_of(cases[i].in));
		want_text(cases[i].in, diag_lines(&f), cases[i].diags);
		want_text(cases[i].in, show(&f), cases[i].tokens);
		arena_free(f.a);
	}
}

/* ---- limits ---------------------------------------------------------------------------------- */

static void repeat(struct sbuf *b, const char *s, u32 n)
{
	while (n--)
		sbuf_puts(b, s);
}

static void make_bomb(struct sbuf *b, const char *body)
{
	for (int i = 0; i < 60; i++) {
		sbuf_printf(b, "#define B%d ", i + 1);
		sbuf_printf(b, body, i, i);
		sbuf_puts(b, "\n");
	}
	sbuf_puts(b, "#define B0 x\nB60\n");
}

static void make_arg_bomb(struct sbuf *b)
{
	sbuf_puts(b, "#define D(x) x x\n");
	repeat(b, "D(", 100);
	sbuf_putc(b, 'y');
	repeat(b, ")", 100);
}

static void make_string_bomb(struct sbuf *b)
{
	sbuf_puts(b, "#define S(x) #x\n#define D(x) S(x x)\n");
	repeat(b, "D(", 100);
	sbuf_puts(b, "\"\\\\\"");
	repeat(b, ")", 100);
}

static void make_discarded_bomb(struct sbuf *b)
{
	sbuf_puts(b, "#define DROP(x)\n#define KEEP(x) DROP(x)\n#define D(x) x x\nKEEP(");
	repeat(b, "D(", 100);
	sbuf_putc(b, 'y');
	repeat(b, "))", 50);
	sbuf_putc(b, ')');
}

static void make_deep_calls(struct sbuf *b)
{
	sbuf_puts(b, "#define I(x) x\n");
	repeat(b, "I(", 1000);
	sbuf_putc(b, 'y');
	repeat(b, ")", 1000);
}

static void make_deep_condition(struct sbuf *b)
{
	sbuf_puts(b, "#if ");
	repeat(b, "(", 100000);
	sbuf_putc(b, '\n');
}

static void make_deep_not(struct sbuf *b)
{
	sbuf_puts(b, "#if ");
	repeat(b, "!", 100000);
	sbuf_puts(b, "1\n");
}

static void make_deep_ifs(struct sbuf *b)
{
	repeat(b, "#if 1\n", 10000);
}

static void make_many_params(struct sbuf *b)
{
	sbuf_puts(b, "#define F(a");
	for (int i = 0; i < 2000; i++)
		sbuf_printf(b, ",a%d", i);
	sbuf_puts(b, ") 1\n");
}

static void make_object_bomb(struct sbuf *b) { make_bomb(b, "B%d B%d"); }
static void make_paste_bomb(struct sbuf *b)
{
	sbuf_puts(b, "#define C(a, b) a##b\n#define X(a, b) C(a, b)\n");
	make_bomb(b, "X(B%d, B%d)");
}
static void make_joined(struct sbuf *b)
{
	sbuf_puts(b, "#define L \"");
	repeat(b, "0123456789abcdef", 1 << 16);
	sbuf_puts(b, "\"\n");
	repeat(b, "L L L L L L L L\n", 1 << 10);
}

static double seconds(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* What grows without bound ends in one diagnostic, with bounded memory. */
static void test_limits(void **state)
{
	static const struct {
		const char *name;
		void (*make)(struct sbuf *b);
		const char *want;     /* the first diagnostic begins so */
	} cases[] = {
		{ "object bomb", make_object_bomb, "62:1 E_TOO_LARGE macros expand to more tokens"
		  },
		{ "argument bomb", make_arg_bomb, "2:201 E_TOO_LARGE macros expand to more tokens"
		  },
		{ "discarded bomb", make_discarded_bomb, "4:206 E_TOO_LARGE macros expand to more "
		  "tokens" },
		{ "string bomb", make_string_bomb, "3:179 E_TOO_LARGE strings and names made by "
		  "macros" },
		{ "paste bomb", make_paste_bomb, "64:1 E_TOO_LARGE macros expand to more tokens" },
		{ "joined strings", make_joined, "2:1 E_TOO_LARGE strings and names made by macros"
		  },
		{ "deep calls", make_deep_calls, "2:401 E_TOO_LARGE macro calls are nested deeper "
		  "than 200" },
		{ "deep condition", make_deep_condition, "1:205 E_TOO_LARGE a condition is nested "
		  "deeper than 200" },
		{ "deep not", make_deep_not, "1:205 E_TOO_LARGE a condition is nested deeper than "
		  "200" },
		{ "deep ifs", make_deep_ifs, "4097:2 E_TOO_LARGE conditions are nested deeper "
		  "than 4096" },
		{ "parameters", make_many_params, "1:5041 E_MACRO a macro may have at most 1024 "
		  "parameters" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct sbuf text;
		size_t before;
		str got;

		open_fixture(&f);
		sbuf_init(&text, f.a);
		cases[i].make(&text);
		before = arena_used(f.a);
		run(&f, "t.c", sbuf_str(&text));
		got = diag_lines(&f);
		if (str_find(got, '\n', 0) >= 0 || !str_starts(got, cases[i].want))
			fail_msg("%s: got " STR_FMT ", want %s", cases[i].name, STR_ARG(got),
				cases[i].want);
		if (arena_used(f.a) - before > 400u << 20)
			fail_msg("%s: takes %zu bytes", cases[i].name, arena_used(f.a) - before);
		arena_free(f.a);
	}
}

static void test_too_large(void **state)
{
	u32 size = (64u << 20) + 1;
	char *text = malloc(size);
	struct fixture f;

	(void)state;
	memset(text, ' ', size);
	open_fixture(&f);
	run(&f, "t.c", (str){ text, size });
	want_text("diags", diag_lines(&f), "1:1 E_TOO_LARGE this source is larger than 64 MB");
	arena_free(f.a);
	free(text);
}

/* A source of 5 MB: every line arrives, in time that is linear in its size (the bound is wide:
 * debug builds under sanitizers run here too). */
static void test_large(void **state)
{
	struct fixture f;
	struct sbuf text;
	double t;
	u32 n = 0;

	(void)state;
	open_fixture(&f);
	sbuf_init(&text, f.a);
	sbuf_puts(&text, "#define TWICE(x) ((x) + (x))\n");
	while (text.n < 5u << 20) {
		sbuf_printf(&text, "static int function_%u(int a) /* some words */ { return "
			"TWICE(a) + %u; }\n", n, n);
		n++;
	}
	t = seconds();
	run(&f, "t.c", sbuf_str(&text));
	t = seconds() - t;
	want_text("diags", diag_lines(&f), "");
	assert_int_equal(f.r.tokens.n, n * 22 + 1);
	assert_true(str_is(f.r.tokens.at[f.r.tokens.n - 2].text, "}"));
	if (t > 10)
		fail_msg("5 MB take %.1f s", t);
	arena_free(f.a);
}

/* ---- files ----------------------------------------------------------------------------------- */

static char dir[64];

static int make_dir(void **state)
{
	(void)state;
	strcpy(dir, "/tmp/skep-pp-test-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static void write_file(const char *name, const char *text)
{
	char path[256];
	FILE *out;

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	out = fopen(path, "w");
	assert_non_null(out);
	fputs(text, out);
	fclose(out);
}

static int remove_dir(void **state)
{
	static const char *const names[] = {
		"a.h", "once.h", "guard.h", "elseguard.h", "self.h", "ping.h", "pong.h", "twice.h",
			"open.h",
		"vmlinux.h", "sub/b.h", "sub/c.h", "inc/d.h", "inc/a.h", "sub", "inc",
	};
	char path[256];

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		snprintf(path, sizeof(path), "%s/%s", dir, names[i]);
		remove(path);
	}
	return remove(dir);
}

static void test_includes(void **state)
{
	static const struct { const char *in, *want, *diags; } cases[] = {
		{ "#include \"a.h\"\n__LINE__", "a 2", "" },
		{ "#include \"a.h\"\n#include \"./a.h\"\n", "a a", "" },
		{ "#include \"once.h\"\n#include \"once.h\"\n", "once", "" },
		{ "#include \"guard.h\"\n#include \"guard.h\"\nG", "guard 1", "" },
		{ "#include \"guard.h\"\n#undef G\n#include \"guard.h\"\n", "guard guard", "" },
		{ "#include \"elseguard.h\"\n#include \"elseguard.h\"\n", "first second", "" },
		{ "#include \"sub/b.h\"", "b c", "" },
		{ "#include <d.h>\n#include \"d.h\"", "d d", "" },
		{ "#include <a.h>\n#include \"a.h\"", "inc a", "" },
		{ "#include \"vmlinux.h\"\n1", "1", "" },
		{ "#include \"open.h\"\n2\n#endif", "1 2", "1:1 E_DIRECTIVE this condition has no "
		  "#endif in its file\n"
							    "3:2 E_DIRECTIVE #endif without #if" },
		{ "#define F(x) <x>\nF(\n#include \"a.h\"\n)", "< a >", "" },
		{ "#include \"self.h\"\n1", "1", "2:10 E_INCLUDE includes are nested deeper than "
		  "64; note: '@/self.h' includes itself; "
						   "hint: #pragma once at its beginning ends that"
						   },
		{ "#include \"ping.h\"\n1", "1", "1:10 E_INCLUDE includes are nested deeper than "
		  "64; note: '@/ping.h' includes itself; "
						   "hint: #pragma once at its beginning ends that"
						   },
		{ "#include \"twice.h\"\n1", "",
		  /* From 10000 includes on everything stops; the place has its mistake already. */
		  "1:10 E_INCLUDE includes are nested deeper than 64; note: '@/twice.h' includes "
		  "itself; "
		  "hint: #pragma once at its beginning ends that\n"
		  "2:10 E_INCLUDE includes are nested deeper than 64; note: '@/twice.h' includes "
		  "itself; "
		  "hint: #pragma once at its beginning ends that" },
		{ "#if __has_include(\"a.h\") && !__has_include(\"zz.h\") && "
		  "__has_include(<d.h>)\n1\n#endif", "1", "" },
	};
	char name[128], inc[128];
	str dirs[1];

	(void)state;
	snprintf(name, sizeof(name), "%s/sub", dir);
	mkdir(name, 0700);
	snprintf(inc, sizeof(inc), "%s/inc", dir);
	mkdir(inc, 0700);
	write_file("a.h", "a\n");
	write_file("once.h", "#pragma once\nonce\n");
	write_file("guard.h", "/* c */\n#ifndef G\n#define G 1\nguard\n#endif\n");
	write_file("elseguard.h", "#ifndef H\n#define H\nfirst\n#else\nsecond\n#endif\n");
	write_file("self.h", "\n#include \"self.h\"\n");
	write_file("ping.h", "#include \"pong.h\"\n");
	write_file("pong.h", "#include \"ping.h\"\n");
	write_file("twice.h", "#include \"twice.h\"\n#include \"twice.h\"\n");
	write_file("open.h", "#if 1\n1\n");
	write_file("vmlinux.h", "not this\n");
	write_file("sub/b.h", "b\n#include \"c.h\"\n");
	write_file("sub/c.h", "c\n");
	write_file("inc/d.h", "d\n");
	write_file("inc/a.h", "inc\n");
	dirs[0] = str_of(inc);
	snprintf(name, sizeof(name), "%s/t.c", dir);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sbuf want;
		struct fixture f;

		open_fixture(&f);
		f.o.include_dirs = dirs;
		f.o.n_include_dirs = 1;
		run(&f, name, str_of(cases[i].in));
		sbuf_init(&want, f.a);
		for (const char *p = cases[i].diags; *p; p++) {
			if (*p == '@')
				sbuf_puts(&want, dir);
			else
				sbuf_putc(&want, *p);
		}
		want_text(cases[i].in, diag_lines(&f), want.s ? want.s : "");
		want_text(cases[i].in, show(&f), cases[i].want);
		arena_free(f.a);
	}
}

/* ---- lib ------------------------------------------------------------------------------------- */

/* Tables are searched by halving: sorted, and each row is found by its name. */
static void test_lib(void **state)
{
	const struct cf_constant *c, *last = NULL;
	const struct cf_lib_type *t;
	const char *name, *before = "";
	struct fixture f;
	struct nearest near;
	str text;

	(void)state;
	for (u32 i = 0; (c = cf_lib_constant_at(i)); i++) {
		if (last && strcmp(last->name, c->name) >= 0)
			fail_msg("constants: %s before %s", last->name, c->name);
		assert_ptr_equal(cf_lib_constant(str_of(c->name)), c);
		last = c;
	}
	assert_non_null(last);
	for (u32 i = 0; (t = cf_lib_type_at(i)); i++)
		if (cf_lib_type(str_of(t->name)) != t)
			fail_msg("type %s is out of order", t->name);
	for (u32 i = 0; (name = cf_lib_header_at(i)); i++)
		if (!cf_lib_header(str_of(name), &text, NULL))
			fail_msg("header %s is out of order", name);
	open_fixture(&f);
	for (u32 i = 0; (name = cf_lib_macro_at(i)); i++) {
		if (strcmp(before, name) > 0)
			fail_msg("macros: %s before %s", before, name);
		before = name;
		/* Each definition is well-formed. */
		run(&f, "t.c", str_printf(f.a, "#ifdef " STR_FMT "\nyes\n#endif",
			STR_ARG(str_of(name))));
		want_text(name, diag_lines(&f), "");
		want_text(name, show(&f), "yes");
	}
	arena_free(f.a);
	assert_null(cf_lib_constant(STR("NO_SUCH")));
	assert_null(cf_lib_type(STR("u63")));
	assert_null(cf_lib_member(STR("pid")));
	assert_string_equal(cf_lib_member(STR("sk_daddr")), "__sk_common.skc_daddr");
	assert_string_equal(cf_lib_member(STR("inet_daddr")), "sk.__sk_common.skc_daddr");
	assert_string_equal(cf_lib_member(STR("sk_v6_rcv_saddr")), "__sk_common.skc_v6_rcv_saddr");
	nearest_init(&near, STR("linux/bfp.h"));
	assert_false(cf_lib_header(STR("linux/bfp.h"), &text, &near));
	want_text("near", near.best, "linux/bpf.h");
}

static void test_constants(void **state)
{
	static const struct { const char *name; s64 value; u8 size; bool is_unsigned; } cases[] = {
		{ "AF_INET", 2, 4, false }, { "AF_INET6", 10, 4, false }, { "TASK_COMM_LEN", 16, 4,
		  false },
		{ "NAME_MAX", 255, 4, false }, { "PF_KTHREAD", 0x200000, 4, false },
		{ "NSEC_PER_MSEC", 1000000, 8, false }, { "U64_MAX", -1, 8, true },
		{ "UINT_MAX", 4294967295, 4, true }, { "INT_MIN", -2147483648LL, 4, false },
		{ "EAGAIN", 11, 4, false }, { "EPROTONOSUPPORT", 93, 4, false }, { "SIGKILL", 9, 4,
		  false },
		{ "SIGCHLD", 17, 4, false }, { "O_CREAT", 64, 4, false }, { "S_IFMT", 0170000, 4,
		  false },
		{ "ETH_P_IPV6", 0x86dd, 4, false }, { "IPPROTO_TCP", 6, 4, false }, { "TCP_LISTEN",
		  10, 4, false },
		{ "BPF_F_CURRENT_CPU", 0xffffffff, 8, true }, { "BPF_MAP_TYPE_RINGBUF", 27, 4,
		  false },
		{ "CAP_SYS_ADMIN", 21, 4, false }, { "true", 1, 4, false },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct cf_constant *c = cf_lib_constant(str_of(cases[i].name));

		if (!c || c->value != cases[i].value || c->size != cases[i].size ||
		    c->is_unsigned != cases[i].is_unsigned)
			fail_msg("%s: %" PRId64 " of %u bytes", cases[i].name, c ? c->value : 0,
				 c ? c->size : 0);
	}
	assert_int_equal(cf_lib_type(STR("u64"))->size, 8);
	assert_true(cf_lib_type(STR("u64"))->is_long_long);
	assert_true(cf_lib_type(STR("s32"))->is_signed);
	assert_true(cf_lib_type(STR("bool"))->is_bool);
}

/* ---- golden ---------------------------------------------------------------------------------- */

static void check_golden(const char *name)
{
	char in_path[128], out_path[128];
	bool is_write = getenv("SKEP_GOLDEN") && !strcmp(getenv("SKEP_GOLDEN"), "write");
	struct fixture f;
	struct sbuf got;
	str text, want;
	FILE *out;

	open_fixture(&f);
	snprintf(in_path, sizeof(in_path), "tests/golden/tokens/%s.c", name);
	snprintf(out_path, sizeof(out_path), "tests/golden/tokens/%s.tokens", name);
	if (base_read_file(f.a, in_path, 1 << 20, &text, NULL))
		fail_msg("cannot read %s (tests run in the repository's folder)", in_path);
	sbuf_init(&got, f.a);
	cf_dump_tokens(&f.o, sources_add(&f.ss, str_printf(f.a, "%s.c", name), text), &got);
	diags_render(&f.dx, &got, false);
	if (is_write) {
		out = fopen(out_path, "w");
		assert_non_null(out);
		fwrite(got.s, 1, got.n, out);
		fclose(out);
	} else {
		if (base_read_file(f.a, out_path, 1 << 20, &want, NULL))
			fail_msg("cannot read %s", out_path);
		want_text(name, sbuf_str(&got), want.s);
	}
	arena_free(f.a);
}

static void test_golden(void **state)
{
	static const char *const names[] = { "hello", "tool", "libbpf", "errors" };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		check_golden(names[i]);
}

/* ---- rubbish --------------------------------------------------------------------------------- */

static u32 next_random(u32 *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static void run_bytes(const char *bytes, u32 n)
{
	/* A block of its exact size: reading beyond the end is an ASan error. */
	char *copy = memcpy(malloc(n ? n : 1), bytes, n);
	struct fixture f;

	open_fixture(&f);
	run(&f, "t.c", (str){ copy, n });
	arena_free(f.a);
	free(copy);
}

static void test_rubbish(void **state)
{
	static const char *const pieces[] = {
		"#", "##", "(", ")", "\\\n", "\"", "'", "/*", "*/", "\n#if ", "\n#endif\n",
			"\n#define F(a, ...) ", "F(",
		"__VA_ARGS__", "__VA_OPT__(", ",", "\xff", "\n#else\n", "defined", "_Pragma(",
			"\n#include ", "<", "0x",
	};
	struct fixture f;
	u32 seed = 0x5eed;
	char *text;
	str sample;

	(void)state;
	open_fixture(&f);
	assert_int_equal(base_read_file(f.a, "tests/golden/tokens/tool.c", 1 << 20, &sample, NULL),
		0);
	for (u32 n = 0; n <= sample.n; n += 1 + n / 1024)
		run_bytes(sample.s, n);
	text = malloc(sample.n + 4096);
	for (u32 i = 0; i < 2000; i++) {
		u32 n = sample.n, changes = 1 + next_random(&seed) % 8;

		memcpy(text, sample.s, n);
		while (changes--) {
			const char *piece = pieces[next_random(&seed) % ARRAY_LEN(pieces)];
			u32 at = next_random(&seed) % n, len = (u32)strlen(piece);

			if (next_random(&seed) % 4 == 0) {
				text[at] = (char)next_random(&seed);
				continue;
			}
			memmove(text + at + len, text + at, n - at);
			memcpy(text + at, piece, len);
			n += len;
		}
		run_bytes(text, n);
	}
	free(text);
	arena_free(f.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_macros),	   cmocka_unit_test(test_operators),
		cmocka_unit_test(test_standard_examples), cmocka_unit_test(test_conditions),
		cmocka_unit_test(test_groups),	   cmocka_unit_test(test_builtin),
		cmocka_unit_test(test_skep_pragma), cmocka_unit_test(test_places),
		cmocka_unit_test(test_machine),	   cmocka_unit_test(test_defines),	   cmocka_unit_test(test_errors),
		cmocka_unit_test(test_limits),	   cmocka_unit_test(test_too_large),
		cmocka_unit_test(test_large),
		cmocka_unit_test_setup_teardown(test_includes, make_dir, remove_dir),
		cmocka_unit_test(test_lib),	   cmocka_unit_test(test_constants),
		cmocka_unit_test(test_golden),	   cmocka_unit_test(test_rubbish),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
