/* Tests of the bpftrace front end: tokens, trees with types, mistakes, and hostile input. */
#include "btfront_fixture.h"

/* ---- tokens --------------------------------------------------------------------------------- */

static const struct {
	const char *in, *want;
} token_cases[] = {
	{ "BEGIN{}", "1:1 probe BEGIN|1:6 punctuation {|1:7 punctuation }|1:8 eof|" },
	{ "kprobe:f/pid/{}",
	  "1:1 probe kprobe:f|1:9 punctuation /|1:10 name pid|1:13 punctuation /|"
	  "1:14 punctuation {|1:15 punctuation }|1:16 eof|" },
	{ "u:/bin/sh:main,END {}", "1:1 probe u:/bin/sh:main|1:15 punctuation ,|1:16 probe END|"
				   "1:20 punctuation {|1:21 punctuation }|1:22 eof|" },
	{ "u:\"/a b\":f {}",
	  "1:1 probe u:\"/a b\":f|1:12 punctuation {|1:13 punctuation }|1:14 eof|" },
	{ "#!/x\n// c\n/* d\n*/ END {}",
	  "4:4 probe END|4:8 punctuation {|4:9 punctuation }|4:10 eof|" },
	{ "config = { a = 1 } END {}",
	  "1:1 name config|1:8 punctuation =|1:10 punctuation {|1:12 name a|"
	  "1:14 punctuation =|1:16 integer 1|1:18 punctuation }|1:20 probe END|"
	  "1:24 punctuation {|1:25 punctuation }|1:26 eof|" },
	{ "#define A 1\nEND {}", "1:1 directive #define A 1|2:1 probe END|2:5 punctuation {|"
				 "2:6 punctuation }|2:7 eof|" },
	{ "E{1 0x1F 017 1e3 1_0 5u 7ull}",
	  "1:1 probe E|1:2 punctuation {|1:3 integer 1|1:5 integer 31|"
	  "1:10 integer 15|1:14 integer 1000|1:18 integer 10|1:22 integer 5|"
	  "1:25 integer 7|1:29 punctuation }|1:30 eof|" },
	{ "E{5ns 5us 5ms 5s 5m 5h 1d}",
	  "1:1 probe E|1:2 punctuation {|1:3 integer 5|1:7 integer 5000|"
	  "1:11 integer 5000000|1:15 integer 5000000000|1:18 integer 300000000000|"
	  "1:21 integer 18000000000000|1:24 integer 86400000000000|"
	  "1:26 punctuation }|1:27 eof|" },
	{ "E{18446744073709551615 0}",
	  "1:1 probe E|1:2 punctuation {|1:3 integer 18446744073709551615|"
	  "1:24 integer 0|1:25 punctuation }|1:26 eof|" },
	{ "E{\"a\\n\\t\\\"\\\\\\x41\\101\"}",
	  "1:1 probe E|1:2 punctuation {|1:3 string \"a\\n\\t\\\"\\\\AA\"|"
	  "1:22 punctuation }|1:23 eof|" },
	{ "E{@ @a $x $1 $#}", "1:1 probe E|1:2 punctuation {|1:3 map @|1:5 map @a|1:8 variable $x|"
			      "1:11 parameter $1|1:14 parameter $#|1:16 punctuation }|1:17 eof|" },
	{ "E{<<=>>=->..++--}",
	  "1:1 probe E|1:2 punctuation {|1:3 punctuation <<=|1:6 punctuation >>=|"
	  "1:9 punctuation ->|1:11 punctuation ..|1:13 punctuation ++|"
	  "1:15 punctuation --|1:17 punctuation }|1:18 eof|" },
};

static void test_tokens(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(token_cases); i++) {
		struct fixture f;
		struct sbuf out;

		fixture_open(&f, "case", str_of(token_cases[i].in));
		sbuf_init(&out, f.a);
		assert_true(bt_dump_tokens(&f.o, f.src, &out));
		for (u32 k = 0; k < out.n; k++)
			if (out.s[k] == '\n')
				out.s[k] = '|';
		fixture_want(token_cases[i].in, sbuf_str(&out), str_of(token_cases[i].want));
		arena_free(f.a);
	}
}

/* ---- trees ---------------------------------------------------------------------------------- */

/* One expression in lines of the dump, depth as blanks. */
static const struct {
	const char *in, *want;
} expr_cases[] = {
	{ "1 + 2 * 3",
	  "+ : int64| int 1 : literal| * : int64|  int 2 : literal|  int 3 : literal|" },
	{ "1 - 2 - 3",
	  "- : int64| - : int64|  int 1 : literal|  int 2 : literal| int 3 : literal|" },
	{ "1 & 2 == 3",
	  "& : int64| int 1 : literal| == : bool|  int 2 : literal|  int 3 : literal|" },
	{ "1 | 2 ^ 3 & 4", "| : int64| int 1 : literal| ^ : int64|  int 2 : literal|  & : int64|"
			   "   int 3 : literal|   int 4 : literal|" },
	{ "1 << 2 < 3",
	  "< : bool| << : int64|  int 1 : literal|  int 2 : literal| int 3 : literal|" },
	{ "1 && 2 || 3",
	  "|| : bool| && : bool|  int 1 : literal|  int 2 : literal| int 3 : literal|" },
	{ "1 ? 2 : 3 ? 4 : 5", "?: : int64| int 1 : literal| int 2 : literal| ?: : int64|"
			       "  int 3 : literal|  int 4 : literal|  int 5 : literal|" },
	{ "-1 * ~2",
	  "* : int64| unary - : int64|  int 1 : literal| unary ~ : int64|  int 2 : literal|" },
	{ "!pid", "unary ! : bool| builtin pid : uint32|" },
	{ "pid / 2", "/ : uint64| builtin pid : uint32| int 2 : literal|" },
	{ "pid - 2", "- : int64| builtin pid : uint32| int 2 : literal|" },
	{ "nsecs / -2", "/ : int64| builtin nsecs : uint64| unary - : int64|  int 2 : literal|" },
	{ "(uint8)300", "cast : uint8| int 300 : literal|" },
	{ "(unsigned long)1 + 1",
	  "+ : uint64| cast : uint64|  int 1 : literal| int 1 : literal|" },
	{ "(int32 *)curtask", "cast : int *| builtin curtask : struct task_struct *|" },
	{ "(pid)", "builtin pid : uint32|" },
	{ "(pid) - 1", "- : int64| builtin pid : uint32| int 1 : literal|" },
	{ "comm == \"a\"", "== : bool| builtin comm : string[16]| string \"a\" : string[8]|" },
	{ "1 ? comm : \"a\"", "?: : string[16]| int 1 : literal| builtin comm : string[16]|"
			      " string \"a\" : string[8]|" },
	{ "str(0)", "call str : string[1024]| int 0 : literal|" },
	{ "str(0, 5)", "call str : string[8]| int 0 : literal| int 5 : literal|" },
	{ "18446744073709551615", "int 18446744073709551615 : uint64|" },
};

static void test_expressions(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(expr_cases); i++) {
		struct fixture f;
		struct sbuf out, got;
		str rest, line;

		fixture_open(&f, "case", STR(""));
		f.src = sources_add(&f.ss, STR("script"),
				    str_printf(f.a, "BEGIN { $x = %s; }", expr_cases[i].in));
		f.u = bt_parse(&f.o, f.src);
		sbuf_init(&out, f.a);
		sbuf_init(&got, f.a);
		sbuf_put(&out, fixture_diags(&f));
		bt_dump_ast(f.u, &out);
		rest = sbuf_str(&out);
		if (strstr(out.s, "    $x"))
			rest = str_of(strchr(strstr(out.s, "    $x"), '\n') + 1);
		while (rest.n) {
			line = str_cut(&rest, '\n');
			for (u32 k = 4; k < line.n && line.s[k] == ' '; k += 2)
				sbuf_putc(&got, ' ');
			sbuf_printf(&got, STR_FMT "|", STR_ARG(str_trim(line)));
		}
		fixture_want(expr_cases[i].in, sbuf_str(&got), str_of(expr_cases[i].want));
		arena_free(f.a);
	}
}

/* ---- types of maps and variables ----------------------------------------------------------------
 */

static const struct {
	const char *in, *want;
} type_cases[] = {
	{ "BEGIN { @ = 1; }", "map @ : literal" },
	{ "BEGIN { @ = 1; @ = nsecs; }", "map @ : uint64" },
	{ "BEGIN { @ = nsecs; @ = -1; }", "map @ : int64" },
	{ "BEGIN { @ = \"a\"; @ = comm; }", "map @ : string[16]" },
	{ "BEGIN { @[comm, 1] = 1; @[\"a longer name than comm\", pid] = 1; }",
	  "map @[string[24], uint64] : literal" },
	{ "BEGIN { @[tid] = nsecs; } END { @h = hist(nsecs - @[tid]); }",
	  "map @[uint64] : uint64;map @h : hist" },
	{ "END { @a = @b; } BEGIN { @b = \"x\"; }", "map @a : string[8];map @b : string[8]" },
	{ "END { @a = @b; @b = @c; @c = @d; } BEGIN { @d = comm; }",
	  "map @a : string[16];map @b : string[16];map @c : string[16];map @d : string[16]" },
	{ "BEGIN { @ = @ + 1; }", "map @ : int64" },
	{ "BEGIN { @++; }", "map @ : int64" },
	{ "BEGIN { @ += 5; }", "map @ : int64" },
	{ "BEGIN { @c = count(); @s = sum(1); @l = lhist(1, 0, 10, 1); }",
	  "map @c : count;map @s : sum;map @l : lhist" },
	{ "BEGIN { $x = comm; $y = $x; @[$y] = 1; }",
	  "map @[string[16]] : literal;variable $x : string[16];variable $y : string[16]" },
	{ "BEGIN { $x = 1; $x = nsecs; }", "variable $x : uint64" },
	{ "BEGIN { @ = (1, comm); @ = (nsecs, \"a longer name than comm\"); }",
	  "map @ : (uint64, string[24])" },
	{ "BEGIN { @[1, (comm, 2)] = (a = 1, b = \"x\"); }",
	  "map @[literal, (string[16], literal)] : (a=literal, b=string[8])" },
	{ "BEGIN { @[1, 2] = 1; @[(3, pid)]++; }", "map @[literal, uint64] : int64" },
	{ "BEGIN { @ = pid == 1; @b = !pid; }", "map @ : bool;map @b : bool" },
	{ "BEGIN { @ = pid == 1; @ = 5; }", "map @ : int64" },
	{ "BEGIN { @[kstack] = count(); @b[ustack, comm] = kstack; }",
	  "map @[kstack] : count;map @b[ustack, string[16]] : kstack" },
	{ "BEGIN { let $x; $x = comm; let $y : uint8 = 3; let $z : string[40]; }",
	  "variable $x : string[16];variable $y : uint64;variable $z : string[40]" },
	{ "BEGIN { for ($i : 0..5) { @[$i] = $i; } }",
	  "map @[int64] : int64;variable $i : int64" },
	{ "BEGIN { @[comm, 1] = 5; for ($kv : @) { print($kv.0.1); } }",
	  "map @[string[16], literal] : literal;"
	  "variable $kv : ((string[16], literal), literal)" },
	{ "macro twice(x) { $t = x; $t + $t } BEGIN { $t = comm; @ = twice(nsecs); }",
	  "map @ : uint64;variable $t : string[16];variable $t'1 : uint64" },
	{ "#define N 5\n#define WHO comm\nBEGIN { @[WHO] = N * 2; }",
	  "map @[string[16]] : int64" },
	{ "struct s { u8 a:3; char name[10]; struct { u32 in; }; struct s *next; };\n"
	  "BEGIN { $s = (struct s *)0; @a = $s->a; @n = $s->next->name; @i = $s->in; @s = *$s; }",
	  "map @a : uint64;map @n : string[16];map @i : uint64;map @s : struct s;"
	  "variable $s : struct s *" },
	{ "struct s { int a[3]; };\nBEGIN { @ = ((struct s *)0)->a[1]; @b = ((struct s *)0)->a; }",
	  "map @ : int64;map @b : int [3]" },
	{ "enum e { A, B = 7 };\nBEGIN { @ = B; @s = sizeof(enum e); }",
	  "map @ : literal;map @s : literal" },
	{ "BEGIN { @ = (uint8[8])nsecs; @b = (uint64)@; @c = ntop(1); @d = usym(0); @e = ksym(0); "
	  "@f = macaddr(0); @g = strftime(\"%H\", nsecs); @h = username; @i = buf(0, 5); }",
	  "map @ : unsigned char [8];map @b : uint64;map @c : inet;map @d : usym;map @e : ksym;"
	  "map @f : mac;map @g : timestamp;map @h : username;map @i : buffer[8]" },
	{ "BEGIN { if (pid) { $x = comm; } else { $x = \"abc\"; } @ = $x; }",
	  "map @ : string[16];variable $x : string[16]" },
	{ "BEGIN { if (pid) { $x = comm; } else { $x = 5; } }",
	  "variable $x : string[16];variable $x : literal" },
	{ "BEGIN { @ = if pid { 1 } else { 2 }; @b = { let $x = comm; $x }; @c = pid ?: 5; }",
	  "map @ : int64;map @b : string[16];map @c : uint64;variable $x : string[16]" },
	{ "BEGIN { @ = sizeof(uint16); @b = sizeof(comm); @c = pid(); }",
	  "map @ : literal;map @b : literal;map @c : uint64" },
	{ "BEGIN { $p = (uint32 *)0; @ = $p + 1; @b = *$p; @c = $p[3]; @d = $p - $p; $p++; }",
	  "map @ : unsigned int *;map @b : uint64;map @c : uint64;map @d : int64;"
	  "variable $p : unsigned int *" },
	{ "BEGIN { $x = 1; } END { $x = \"s\"; }",
	  "variable $x : literal;variable $x : string[8]" },
};

static void test_types(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(type_cases); i++) {
		struct fixture f;
		struct sbuf out, got;
		str rest, line;

		fixture_parse(&f, "case", str_of(type_cases[i].in));
		sbuf_init(&out, f.a);
		sbuf_init(&got, f.a);
		sbuf_put(&got, fixture_diags(&f));
		bt_dump_ast(f.u, &out);
		for (rest = sbuf_str(&out); rest.n;) {
			line = str_cut(&rest, '\n');
			if (str_starts(line, "map ") || str_starts(line, "  variable "))
				sbuf_printf(&got, "%s" STR_FMT, got.n ? ";" : "",
					    STR_ARG(str_trim(line)));
		}
		fixture_want(type_cases[i].in, sbuf_str(&got), str_of(type_cases[i].want));
		arena_free(f.a);
	}
}

/* ---- mistakes ------------------------------------------------------------------------------- */

/* The first message of a script, and how many errors there are. */
static const struct {
	const char *in;
	enum diag_tag tag;
	u32 n;
	const char *want;
} error_cases[] = {
	{ "", E_EMPTY, 1, "the script has no probe" },
	{ "BEGIN", E_BT_SYNTAX, 1, "'{' and the actions of the probe is missing" },
	{ "BEGIN {", E_BT_SYNTAX, 1, "'}' is missing at the end" },
	{ "{ }", E_BT_SYNTAX, 1, "expected a probe such as" },
	{ "BEGIN { 1 + ; }", E_BT_SYNTAX, 1, "expected an expression, found ';'" },
	{ "BEGIN { printf(\"a\" }", E_BT_SYNTAX, 1, "expected ')', found '}'" },
	{ "BEGIN { @x[1 = 2; }", E_BT_SYNTAX, 1, "expected ']', found '='" },
	{ "BEGIN { @x[] = 2; }", E_BT_SYNTAX, 1, "expected a key" },
	{ "BEGIN { 5 = 2; }", E_BT_SYNTAX, 1, "only a variable" },
	{ "BEGIN { 5++; }", E_BT_SYNTAX, 1, "++ works on a variable or a map only" },
	{ "BEGIN /1 { }", E_BT_SYNTAX, 1, "expected '/' at the end of the predicate" },
	{ "BEGIN { 1 2; 3 4; } END { 5 6 }", E_BT_SYNTAX, 3, "expected ';', found '2'" },
	{ "BEGIN { \"abc }", E_UNTERMINATED, 1, "this string has no closing quote" },
	{ "BEGIN { /* abc }", E_UNTERMINATED, 1, "this comment never ends" },
	{ "BEGIN { \"\\q\"; }", E_ESCAPE, 1, "strings know only" },
	{ "BEGIN { 12ab; }", E_NUMBER, 1, "'12ab' is not an integer" },
	{ "BEGIN { 99999999999999999999; }", E_NUMBER, 1, "'99999999999999999999' is not" },
	{ "BEGIN { 0b11; }", E_NUMBER, 1, "'0b11' is not an integer" },
	{ "BEGIN { \x01\x02\x03; }", E_CHAR, 1, "no part of the language" },
	{ "BEGIN { $; }", E_BT_SYNTAX, 1, "a variable's name is missing" },
	{ "nosuch:x { }", E_BT_PROBE, 1, "'nosuch:x': there is no kind of event 'nosuch'" },
	{ "tracepoint:x { }", E_BT_PROBE, 1, "'tracepoint:x': a category and an event" },
	{ "kprobe:tcp_* { }", E_BT_NOT_YET, 1, "patterns need the machine's list" },
	{ "BEGIN { foo; }", E_BT_NAME, 1, "there is no builtin or constant 'foo'" },
	{ "BEGIN { foo(1); }", E_BT_NAME, 1, "there is no function 'foo'" },
	{ "BEGIN { printf; }", E_BT_NAME, 1, "'printf' is a function" },
	{ "BEGIN { printf(\"%d\", $x); }", E_BT_NAME, 1, "variable $x is used before" },
	{ "BEGIN { $x = $x + 1; }", E_BT_NAME, 1, "variable $x is used before" },
	{ "BEGIN { printf(\"%d\", @x); }", E_BT_NAME, 1, "map @x is read, but nothing" },
	{ "BEGIN { clear(@x); }", E_BT_NAME, 1, "nothing is ever assigned to map @x" },
	{ "BEGIN { @ = 1; @ = \"a\"; }", E_BT_TYPE, 1,
	  "@ is an integer, it cannot become a string" },
	{ "BEGIN { @ = 1; @ = count(); }", E_BT_TYPE, 1,
	  "@ is an integer elsewhere, it cannot become count" },
	{ "BEGIN { @ = sum(1); @ = count(); }", E_BT_TYPE, 1,
	  "@ is sum elsewhere, it cannot become count" },
	{ "BEGIN { @ = count(); @ = 1; }", E_BT_TYPE, 1, "@ is count, it cannot become" },
	{ "BEGIN { @[1] = 1; @[1,2] = 1; }", E_BT_TYPE, 1, "@ has 1 key elsewhere, here it has 2" },
	{ "BEGIN { @[1] = 1; @ = 1; }", E_BT_TYPE, 1, "@ has 1 key elsewhere, here it has 0" },
	{ "BEGIN { @[1] = 1; @[comm] = 1; }", E_BT_TYPE, 1,
	  "this part of the key of @ is an integer" },
	{ "BEGIN { $x = 1; $x = comm; }", E_BT_TYPE, 1,
	  "$x is an integer, it cannot become a string" },
	{ "BEGIN { $x = count(); }", E_BT_TYPE, 1, "count() is kept in a map" },
	{ "BEGIN { $x = printf(\"a\"); }", E_BT_TYPE, 1, "this gives no value" },
	{ "BEGIN { @ = 1 + \"a\"; }", E_BT_TYPE, 1, "+ between an integer and a string" },
	{ "BEGIN { @ = comm < \"a\"; }", E_BT_TYPE, 1, "< between a string and a string" },
	{ "BEGIN { if (comm) { } }", E_BT_TYPE, 1, "a condition is a number, this is a string" },
	{ "BEGIN /comm/ { }", E_BT_TYPE, 1, "a condition is a number" },
	{ "BEGIN { @ = 1 ? 2 : comm; }", E_BT_TYPE, 1, "?: chooses between" },
	{ "BEGIN { @ = -comm; }", E_BT_TYPE, 1, "- works on numbers" },
	{ "BEGIN { $x = comm; $x++; }", E_BT_TYPE, 1, "++ works on integers" },
	{ "BEGIN { $x = comm; $x += 1; }", E_BT_TYPE, 1, "+= works on integers" },
	{ "BEGIN { @ = (int32)comm; }", E_BT_TYPE, 1, "a string cannot be cast to an integer" },
	{ "BEGIN { count(); }", E_BT_CALL, 1, "count() must be assigned to a map" },
	{ "BEGIN { @ = sum(); }", E_BT_CALL, 1, "sum() takes 1 argument, here it has 0" },
	{ "BEGIN { @ = sum(comm); }", E_BT_CALL, 1, "sum() wants a number here, this is a string" },
	{ "BEGIN { @ = lhist(1, 0, 10, 0); }", E_BT_CALL, 1,
	  "the step of lhist() must be at least 1" },
	{ "BEGIN { @ = lhist(1, 10, 0, 1); }", E_BT_CALL, 1, "the maximum of lhist()" },
	{ "BEGIN { @ = lhist(1, 0, 10, pid); }", E_BT_CALL, 1, "lhist() wants a constant here" },
	{ "BEGIN { @ = lhist(1, 0, 100000, 1); }", E_BT_CALL, 1,
	  "lhist() has at most 1000 buckets" },
	{ "BEGIN { @ = lhist(1, -9223372036854775808, 9223372036854775807, 1); }", E_BT_CALL, 1,
	  "lhist() has at most" },
	{ "BEGIN { exit(1, 2); }", E_BT_CALL, 1, "exit() takes 0 to 1 arguments, here it has 2" },
	{ "BEGIN { printf(\"%d\"); }", E_BT_CALL, 1,
	  "the format wants 1 argument, the call gives 0" },
	{ "BEGIN { printf(\"a\", 1); }", E_BT_CALL, 1,
	  "the format wants 0 arguments, the call gives 1" },
	{ "BEGIN { printf(\"%d\", comm); }", E_BT_CALL, 1, "%d wants a number, this is a string" },
	{ "BEGIN { printf(\"%q\", 1); }", E_BT_CALL, 1, "bpftrace does not have this conversion" },
	{ "BEGIN { printf(\"%-5\", 1); }", E_BT_CALL, 1, "the format ends within a conversion" },
	{ "BEGIN { printf(comm); }", E_BT_CALL, 1, "printf() wants a string literal here" },
	{ "BEGIN { delete(1); }", E_BT_CALL, 1, "delete() wants a map here" },
	{ "BEGIN { @[1] = 1; delete(@[1], @[2]); }", E_BT_CALL, 1, "delete() takes one entry" },
	{ "BEGIN { @[1] = 1; clear(@[1]); }", E_BT_CALL, 1, "clear() wants the whole map" },
	{ "BEGIN { @ = arg0; }", E_CTX, 1, "BEGIN gives no arg0" },
	{ "kprobe:f { @ = retval; }", E_CTX, 1, "kprobe gives no retval" },
	{ "kprobe:f { @ = arg9; }", E_CTX, 1, "this machine passes only arg0" },
	{ "kprobe:f { @ = args.x; }", E_CTX, 1, "kprobe gives no args" },
	{ "BEGIN { @ = usermode; }", E_CTX, 1, "usermode is there at profile" },
	{ "BEGIN { @ = sarg0; }", E_CTX, 1, "sarg0 … are there at kprobe" },
	{ "BEGIN { @ = func; }", E_CTX, 1, "func is there at kprobe" },
	{ "config = { a = 1 } BEGIN { }", E_BT_NAME, 1, "there is no setting 'a'" },
	{ "config = { max_strlen = 1 } BEGIN { }", E_BT_CALL, 1,
	  "this setting wants a number from 8 to 8192" },
	{ "config = { stack_mode = x } BEGIN { }", E_BT_CALL, 1, "this setting wants bpftrace" },
	{ "config = { missing_probes = x } BEGIN { }", E_BT_CALL, 1, "this setting wants error" },
	{ "config = { license = \"MIT\" } BEGIN { }", E_BT_CALL, 1, "this setting wants a lic" },
	{ "#include <x.h>\nBEGIN { }", E_INCLUDE, 1, "there is no header <x.h>" },
	{ "struct x { nosuch a; };\nBEGIN { }", E_UNKNOWN_NAME, 1, "'nosuch' is no type" },
	{ "#define A 1 +\nBEGIN { @ = A; }", E_BT_SYNTAX, 1, "an expression is missing" },
	{ "#define A 1 2\nBEGIN { @ = A; }", E_BT_CALL, 1, "macro 'A' is no expression" },
	{ "macro m($x) { $x } macro m($y) { $y } BEGIN { }", E_BT_NAME, 1,
	  "macro 'm' is defined twice" },
	{ "macro m($x) { $x } BEGIN { m(1); }", E_BT_CALL, 1, "macro 'm' wants a variable here" },
	{ "macro m(@x) { @x } BEGIN { m(1); }", E_BT_CALL, 1, "macro 'm' wants a map here" },
	{ "macro m(x) { x } BEGIN { m(1, 2); }", E_BT_CALL, 1, "macro 'm' takes another number" },
	{ "macro m(x) { m(x) } BEGIN { m(1); }", E_BT_CALL, 1, "macro 'm' comes to itself" },
	{ "macro m { 1 } BEGIN { }", E_BT_SYNTAX, 1, "expected '(', found '{'" },
	{ "let @m = what(5); BEGIN { }", E_BT_SYNTAX, 1, "expected hash, lruhash" },
	{ "let @m = hash(0); BEGIN { @m[1] = 1; }", E_BT_CALL, 1, "a map has room for at least 1" },
	{ "let @m = hash(5); BEGIN { @m = count(); }", E_BT_TYPE, 1,
	  "@m is declared as another kind of map" },
	{ "fn f() { } BEGIN { }", E_BT_NOT_YET, 1, "a function of the script is not compiled" },
	{ "import \"x\"; BEGIN { }", E_BT_NOT_YET, 1, "import is not compiled" },
	{ "BEGIN { while (comm) { } }", E_BT_TYPE, 1, "a condition is a number" },
	{ "BEGIN { for ($k : @m) { } }", E_BT_NAME, 1, "nothing is ever assigned to map @m" },
	{ "BEGIN { @m = 1; for ($k : @m) { } }", E_BT_TYPE, 1, "@m has no keys to go over" },
	{ "BEGIN { @m[1] = stats(1); for ($k : @m) { } }", E_BT_NOT_YET, 1, "a loop over the stats" },
	{ "BEGIN { for ($k : 5) { } }", E_BT_SYNTAX, 1, "for goes over a map" },
	{ "BEGIN { for ($k : 1..comm) { } }", E_BT_TYPE, 1, "a range goes over integers" },
	{ "BEGIN { for ($k : 1..5) { } @ = $k; }", E_BT_NAME, 1, "variable $k is used before" },
	{ "BEGIN { unroll (pid) { } }", E_BT_TYPE, 1, "unroll wants a constant" },
	{ "BEGIN { unroll (101) { } }", E_BT_TYPE, 1, "unroll goes from 1 to 100" },
	{ "BEGIN { break; continue; return 1; }", E_BT_SYNTAX, 2, "'break' stands outside" },
	{ "BEGIN { if (1) { let $x = 1; } @ = $x; }", E_BT_NAME, 1, "variable $x is used before" },
	{ "BEGIN { let $x = 1; let $x = 2; }", E_BT_NAME, 1, "variable $x is declared twice" },
	{ "BEGIN { let $x : string = 1; }", E_BT_TYPE, 1, "$x is a string, it cannot become" },
	{ "BEGIN { let $x : nosuch; }", E_BT_NAME, 1, "there is no type 'nosuch'" },
	{ "BEGIN { @ = (1, 2); @ = (1, 2, 3); }", E_BT_TYPE, 1, "@ is a tuple, it cannot become" },
	{ "BEGIN { @ = (1, comm); @ = (comm, 1); }", E_BT_TYPE, 1, "@ is a tuple" },
	{ "BEGIN { @ = (1, 2).2; }", E_BT_NAME, 1, "this tuple has 2 parts, the first is .0" },
	{ "BEGIN { @ = (a = 1, b = 2).c; }", E_BT_NAME, 1, "a record has no member 'c'" },
	{ "BEGIN { @ = (1, ctx, count()); }", E_BT_TYPE, 1, "count cannot be in a tuple" },
	{ "BEGIN { @ = 1 + kstack; }", E_BT_TYPE, 1, "+ between an integer and a stack" },
	{ "BEGIN { @ = kstack(0); }", E_BT_CALL, 1, "kstack() wants bpftrace, perf or raw" },
	{ "BEGIN { @ = *comm; }", E_BT_TYPE, 1, "a string is no pointer" },
	{ "BEGIN { @ = comm.x; }", E_BT_TYPE, 1, "a string has no members" },
	{ "BEGIN { @ = pid.x; }", E_BT_TYPE, 1, "an unsigned integer has no members" },
	{ "struct s { int a; };\nBEGIN { @ = ((struct s *)0)->b; }", E_BT_NAME, 1,
	  "struct s has no member 'b'" },
	{ "struct s { int a[4]; };\nBEGIN { @ = ((struct s *)0)->a[4]; }", E_BT_TYPE, 1,
	  "this array has 4 elements" },
	{ "BEGIN { @ = (struct nosuch *)0; }", E_BT_NAME, 1, "there is no type 'struct nosuch'" },
	{ "BEGIN { @ = comm[comm]; }", E_BT_TYPE, 1, "an index is an integer, this is a string" },
	{ "BEGIN { @ = sizeof(struct nosuch); }", E_BT_NAME, 1, "there is no type 'struct nosuch'" },
	{ "BEGIN { @ = offsetof(int, a); }", E_BT_TYPE, 1, "offsetof wants a struct" },
	{ "BEGIN { $x = 1; @ = &$x; }", E_BT_NOT_YET, 1, "the address of a variable" },
	{ "BEGIN { @ = stats(1); @b = @ + 1; }", E_BT_NOT_YET, 1, "reading the stats in @" },
	{ "BEGIN { @[1] = 1; print(@, pid); }", E_BT_CALL, 1, "print() wants a constant here" },
	{ "BEGIN { @ = hist(1, 6); }", E_BT_CALL, 1, "hist() wants a constant from 0 to 5" },
	{ "BEGIN { @[1] = hist(1); delete(@, 1); }", E_BT_NOT_YET, 1, "deleting one entry of a hist" },
	{ "BEGIN { printf(\"%r\", 1); }", E_BT_CALL, 1, "%r wants a buffer, this is an integer" },
	{ "BEGIN { @ = buf(kstack, 1); }", E_BT_CALL, 1, "buf() wants an address or an array" },
	{ "BEGIN { @ = buf(1); }", E_BT_CALL, 1, "buf() wants a length behind an address" },
	{ "BEGIN { @ = ntop(comm); }", E_BT_CALL, 1, "ntop() wants a number or an array" },
	{ "BEGIN { @ = pton(\"x\"); }", E_BT_CALL, 1, "'x' is no internet address" },
	{ "BEGIN { @ = pton(comm); }", E_BT_CALL, 1, "pton() wants a string literal here" },
	{ "BEGIN { @ = kaddr(\"no such symbol\"); }", E_BT_NAME, 1, "the kernel has no symbol" },
	{ "BEGIN { @ = cgroupid(\"/no/such\"); }", E_BT_CALL, 1, "'/no/such' is no cgroup" },
	{ "BEGIN { @ = macaddr(count()); }", E_BT_CALL, 1, "macaddr() wants an array of 6" },
	{ "BEGIN { @ = reg(\"xx\"); }", E_BT_CALL, 1, "this machine has no register 'xx'" },
	{ "BEGIN { @ = strncmp(comm, \"a\", pid); }", E_BT_CALL, 1, "strncmp() wants a constant" },
	{ "BEGIN { @ = strncmp(1, \"a\", 1); }", E_BT_CALL, 1, "strncmp() wants a string here" },
	{ "BEGIN { @ = strcontains(comm, 1); }", E_BT_CALL, 1, "strcontains() wants a string here" },
	{ "BEGIN { @ = strlen(1); }", E_BT_CALL, 1, "strlen() wants a string here" },
	{ "BEGIN { @ = strftime(1, 2); }", E_BT_CALL, 1, "strftime() wants a string literal" },
	{ "BEGIN { @ = nsecs(x); }", E_BT_CALL, 1, "nsecs() wants boot, monotonic or tai" },
	{ "BEGIN { signal(\"NOSUCH\"); }", E_BT_CALL, 1, "there is no signal 'NOSUCH'" },
	{ "BEGIN { static_assert(pid == 2, \"x\"); }", E_BT_CALL, 1, "static_assert() wants a const" },
	{ "BEGIN { static_assert(0, \"no\"); }", E_BT_CALL, 1, "no" },
	{ "BEGIN { has_key(@m, 1); }", E_BT_NAME, 1, "nothing is ever assigned to map @m" },
	{ "BEGIN { @ = len(1); }", E_BT_NOT_YET, 1, "len() of an integer" },
	{ "BEGIN { @ = getopt(5); }", E_BT_CALL, 1, "getopt() wants a string literal here" },
	{ "BEGIN { @ = getopt(\"a\", pid); }", E_BT_CALL, 1, "getopt() wants a constant as its" },
	{ "BEGIN { @ = tseries(1, 1s, 5); }", E_BT_NOT_YET, 1, "tseries() is not compiled yet" },
	{ "BEGIN { @m[1] = 1; for ($k : @m) { @ = kstack; } }", E_CTX, 1,
	  "kstack cannot be used in a loop" },
	{ "fentry:f { @ = args.x; }", E_BT_PROBE, 1, "the kernel's BTF does not know" },
	{ "BEGIN { a(); b(); c(); } END { d(); }", E_BT_NAME, 4, "there is no function 'a'" },
};

static void test_errors(void **state)
{
	u32 failed = 0;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(error_cases); i++) {
		struct fixture f;

		fixture_parse(&f, "case", str_of(error_cases[i].in));
		if (f.dx.n_errors != error_cases[i].n ||
		    f.dx.list.at[0].tag != error_cases[i].tag ||
		    !str_starts(f.dx.list.at[0].text, error_cases[i].want)) {
			print_error("%s: want %s %u times: %s, got:\n" STR_FMT, error_cases[i].in,
				    diag_tag_name(error_cases[i].tag), error_cases[i].n,
				    error_cases[i].want, STR_ARG(fixture_diags(&f)));
			failed++;
		}
		arena_free(f.a);
	}
	assert_int_equal(failed, 0);
}

/* ---- parameters ------------------------------------------------------------------------------ */

static void test_params(void **state)
{
	static const str params[] = {
		{ "42", 2 }, { "-7", 2 }, { "some text", 9 }, { "openat", 6 }
	};
	struct fixture f;
	struct sbuf out;

	(void)state;
	fixture_open(&f, "case",
		     STR("tracepoint:syscalls:sys_enter_$4 { @a = $1; @b = $2; @c = str($3); "
			 "@d = $9; @e = $#; }"));
	f.o.params = params;
	f.o.n_params = ARRAY_LEN(params);
	f.u = bt_parse(&f.o, f.src);
	sbuf_init(&out, f.a);
	bt_dump_ast(f.u, &out);
	fixture_want("params", fixture_diags(&f), STR(""));
	assert_non_null(strstr(out.s, "probe tracepoint:syscalls:sys_enter_openat\n"));
	assert_non_null(strstr(out.s, "map @a : literal\nmap @b : int64\nmap @c : string[16]\n"));
	assert_non_null(strstr(out.s, "int 42 : literal\n"));
	assert_non_null(strstr(out.s, "int -7 : int64\n"));
	assert_non_null(strstr(out.s, "int 4 : literal\n"));
	arena_free(f.a);
}

/* ---- hostile input ----------------------------------------------------------------------------
 */

static const char *const samples[] = {
	"#!/usr/bin/env bpftrace\n/* x */ BEGIN { printf(\"%s %d\\n\", comm, @a[1, \"x\"]); @a[1, "
	"\"y\"]++; }",
	"kprobe:f /pid == 1 && comm != \"a\"/ { $x = arg0 ? str(arg1, arg2) : \"b\"; @[$x] = "
	"hist(nsecs); }",
	"tracepoint:a:b,u:/x:y { if (uid > 5) { @ = sum(-(1 + 2) * (int8)rand); } else if (!cpu) { "
	"exit(); } }",
	"END { @m[tid] = lhist(cpu, 0, 100, 10); delete(@m, 1); clear(@m); print(@m); "
	"time(\"%H\"); zero(@m); }",
	"#define N 3\nstruct a { int b; char c[8]; struct a *n; };\nmacro m($v, @w, x) { @w[x] = $v; $v "
	"+ N } BEGIN { $a = (struct a *)0; $q = 1; @z = (1, $a->b, $a->n->c); $r = m($q, @u, 5); "
	"for ($kv : @u) { print($kv); } while ($q < 9) { $q++; if ($q == 7) { break; } } }",
	"kprobe:f { @[kstack, ustack(3)] = count(); printf(\"%s %r\", ntop(arg0), buf(arg1, 8)); "
	"join(arg0); for ($i : 0..arg0) { @s = strcontains(comm, \"a\"); } unroll(2) { @++; } }",
	"config = { x = 1 } struct a { int b; }; #define X\nBEGIN { while (1) { break; } for ($i : "
	"1..5) { } }",
	"BEGIN { $a = 5; $a <<= 1; $a--; @x = min($a); @y = avg(elapsed); @z = stats(1e6); let $q "
	"= probe; }",
};

static void feed(const char *text, u32 n)
{
	struct fixture f;
	struct sbuf out;
	char *copy = malloc(n + 1);

	/* A block of its own, so that the sanitiser sees reads beyond the end. */
	memcpy(copy, text, n);
	fixture_parse(&f, "case", (str){ copy, n });
	sbuf_init(&out, f.a);
	bt_dump_ast(f.u, &out);
	if (!f.dx.n_errors) {
		str why;

		fixture_lower(&f, NULL);
		for (u32 i = 0; i < f.m->fns.n; i++)
			if (!ir_check(f.m->fns.at[i], &why))
				fail_msg("%.*s: " STR_FMT, (int)n, text, STR_ARG(why));
	}
	fixture_diags(&f);
	arena_free(f.a);
	free(copy);
}

static void test_prefixes(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(samples); i++)
		for (u32 n = 0; n <= strlen(samples[i]); n++)
			feed(samples[i], n);
}

/* The tools of Debian's package, where it is installed: prefixes of all lengths. */
static void test_prefixes_of_tools(void **state)
{
	struct arena *a = arena_new(NULL);
	glob_t g;

	(void)state;
	if (glob("/usr/sbin/*.bt", 0, NULL, &g)) {
		arena_free(a);
		skip();
	}
	for (size_t i = 0; i < g.gl_pathc; i++) {
		str text = fixture_read(a, g.gl_pathv[i]);

		for (u32 n = (u32)i % 7; n < text.n; n += 67)
			feed(text.s, n);
	}
	globfree(&g);
	arena_free(a);
}

/* Bytes changed, dropped, doubled, by a fixed sequence. */
static void test_mutations(void **state)
{
	static const char bytes[] = "(){}[]/,;$@\"'\\+-*=<>&|!?:.#%0x1a \n\xff";
	u64 seed = 88172645463325252ull;

	(void)state;
	for (u32 i = 0; i < 4000; i++) {
		char text[512];
		u32 n = (u32)strlen(samples[i % ARRAY_LEN(samples)]);

		memcpy(text, samples[i % ARRAY_LEN(samples)], n);
		for (u32 k = 0; k < 1 + i % 4; k++) {
			u32 at;

			seed ^= seed << 13;
			seed ^= seed >> 7;
			seed ^= seed << 17;
			at = (u32)(seed >> 8) % n;
			if (seed % 3 == 0) {
				memmove(text + at, text + at + 1, n - at - 1);
				n--;
			} else {
				text[at] = bytes[(seed >> 40) % (sizeof(bytes) - 1)];
			}
		}
		feed(text, n);
	}
}

static void repeat(struct sbuf *b, const char *what, u32 n)
{
	while (n--)
		sbuf_puts(b, what);
}

static void test_deep(void **state)
{
	static const struct {
		const char *head, *open, *middle, *close, *tail;
	} cases[] = {
		{ "BEGIN { @ = ", "(", "1", ")", "; }" },
		{ "BEGIN { @ = ", "!", "1", "", "; }" },
		{ "BEGIN { @ = 1", " + 1", "", "", "; }" },
		{ "BEGIN { @ = ", "1 ? ", "1", " : 2", "; }" },
		{ "BEGIN { @ = ", "1 ? 2 : ", "1", "", "; }" },
		{ "BEGIN { ", "{", "", "}", " }" },
		{ "BEGIN { ", "if (1) {", "", "}", " }" },
		{ "BEGIN { if (1) { }", " else if (1) { }", "", "", " }" },
		{ "BEGIN { @ = x", ".a", "", "", "; }" },
		{ "BEGIN { @ = ", "@[", "1", "]", "; }" },
		{ "BEGIN { @ = ", "str(", "1", ")", "; }" },
		{ "BEGIN { @ = ", "(int8)", "1", "", "; }" },
		{ "BEGIN { @ = x", "[1]", "", "", "; }" },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(NULL);
		struct sbuf b;

		sbuf_init(&b, a);
		sbuf_puts(&b, cases[i].head);
		repeat(&b, cases[i].open, 30000);
		sbuf_puts(&b, cases[i].middle);
		repeat(&b, cases[i].close, 30000);
		sbuf_puts(&b, cases[i].tail);
		feed(b.s, b.n);
		arena_free(a);
	}
}

static void test_too_large(void **state)
{
	struct arena *a = arena_new(NULL);
	struct fixture f;
	struct sbuf b;

	(void)state;
	sbuf_init(&b, a);
	repeat(&b, "BEGIN { @ = 1; }\n", 70000);
	fixture_parse(&f, "case", sbuf_str(&b));
	assert_int_equal(f.dx.list.at[0].tag, E_TOO_LARGE);
	arena_free(f.a);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_tokens),	  cmocka_unit_test(test_expressions),
		cmocka_unit_test(test_types),	  cmocka_unit_test(test_errors),
		cmocka_unit_test(test_params),	  cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_prefixes_of_tools), cmocka_unit_test(test_mutations), cmocka_unit_test(test_deep),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
