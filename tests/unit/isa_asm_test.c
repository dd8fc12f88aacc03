/* Unit tests of isa: the assembler, what it takes and what it says of mistakes. */
#include "isa/isa.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct run {
	struct arena *a;
	struct sources ss;
	struct diags dx;
	struct source *src;
	struct isa_text out;
	bool ok;
};

static void assemble(struct run *r, str text)
{
	*r = (struct run){ .a = arena_new(NULL) };
	sources_init(&r->ss, r->a);
	diags_init(&r->dx, r->a, &r->ss);
	r->src = sources_add(&r->ss, STR("t.s"), text);
	r->ok = isa_assemble(r->a, &r->dx, r->src, &r->out);
}

static str rendered(struct run *r)
{
	struct sbuf b;

	sbuf_init(&b, r->a);
	diags_render(&r->dx, &b, false);
	return b.n ? sbuf_str(&b) : STR("");
}

/* All slots, printed, `|` between them. */
static str printed(struct run *r)
{
	struct sbuf b;

	sbuf_init(&b, r->a);
	for (u32 i = 0; i < r->out.insns.n; i++) {
		struct isa_insn insn = r->out.insns.at[i], next = { 0 };

		if (i)
			sbuf_puts(&b, " | ");
		if (isa_is_wide(insn) && i + 1 < r->out.insns.n)
			next = r->out.insns.at[++i];
		isa_print(&b, insn, next);
	}
	return b.n ? sbuf_str(&b) : STR("");
}

static void test_accepts(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "", "" },
		{ "\n\n; nothing\n# nothing\n// nothing\n", "" },
		{ "r0 = 0\nexit", "r0 = 0 | exit" },
		{ "\tr0=0 ; zero\r\n exit // done\r\n", "r0 = 0 | exit" },
		{ "r1 = 0xffff # hex", "r1 = 65535" },
		{ "r1 = +5", "r1 = 5" },
		{ "w1 = 0xffffffff", "w1 = -1" },
		{ "r1 = -2147483648", "r1 = -2147483648" },
		{ "r1 = 0xffffffffffffffff ll", "r1 = 0xffffffffffffffff ll" },
		{ "r1 = -1 ll", "r1 = 0xffffffffffffffff ll" },
		{ "r1 = 5ll", "r1 = 0x5 ll" },
		{ "r1 s>>= 3\nr1 s/= r2\nw1 s%= 3", "r1 s>>= 3 | r1 s/= r2 | w1 s%= 3" },
		{ "r1 += 1 //\nr1 += r2//x", "r1 += 1 | r1 += r2" },
		{ "r1 = - r1\nw2 = -w2", "r1 = -r1 | w2 = -w2" },
		{ "r1 = (s8) r2\nw1 = (s16)w2", "r1 = (s8)r2 | w1 = (s16)w2" },
		{ "r1 = be16 r1\nr1 = le64 r1\nr1 = bswap32 r1",
		  "r1 = be16 r1 | r1 = le64 r1 | r1 = bswap32 r1" },
		{ "r0 = *(u8*)(r1+1)\nw0 = *(u32 *)(r1 +4)",
		  "r0 = *(u8 *)(r1 + 1) | r0 = *(u32 *)(r1 + 4)" },
		{ "r0 = *(s32 *)(r10 - 4)\nr0 = *(u64 *)(r1)",
		  "r0 = *(s32 *)(r10 - 4) | r0 = *(u64 *)(r1 + 0)" },
		{ "r0 = *(u64 *)(r10 + -8)\nr0 = *(u64 *)(r10 - 0x8)",
		  "r0 = *(u64 *)(r10 - 8) | r0 = *(u64 *)(r10 - 8)" },
		{ "*(u32 *)(r10 - 4) = w1\n*(u8 *)(r1 + 0) = 255",
		  "*(u32 *)(r10 - 4) = r1 | *(u8 *)(r1 + 0) = 255" },
		{ "lock *(u32 *)(r1 + 0) |= w2\nlock *(u64 *)(r1 + 0) &= r2",
		  "lock *(u32 *)(r1 + 0) |= w2 | lock *(u64 *)(r1 + 0) &= r2" },
		{ "r2 = atomic64_fetch_add((u64 *)(r1 +0), r2)",
		  "r2 = atomic_fetch_add((u64 *)(r1 + 0), r2)" },
		{ "r2 = atomic_fetch_xor((u32 *)(r1 +0), r2)",
		  "w2 = atomic_fetch_xor((u32 *)(r1 + 0), w2)" },
		{ "r0 = atomic64_cmpxchg((u64 *)(r1 +8), r0, r3)",
		  "r0 = cmpxchg_64(r1 + 8, r0, r3)" },
		{ "w3 = xchg32_32(r1 - 8, w3)", "w3 = xchg32_32(r1 - 8, w3)" },
		{ "r0 = *(u16 *)skb[r6 + 14]\nr0 = *(u32 *)skb[-4]",
		  "r0 = *(u16 *)skb[r6 + 14] | r0 = *(u32 *)skb[-4]" },
		{ "goto +0\ngoto pc-1\ngotol +70000\ngotol -1",
		  "goto +0 | goto -1 | gotol +70000 | gotol -1" },
		{ "if r1 == 0 goto pc+1\nif w1 s<= w2 goto -2\nif r1 & 0x10 goto +0",
		  "if r1 == 0 goto +1 | if w1 s<= w2 goto -2 | if r1 & 16 goto +0" },
		{ "call 5\ncall bpf_ktime_get_ns\ncall ktime_get_ns\ncall 4000",
		  "call bpf_ktime_get_ns | call bpf_ktime_get_ns | call bpf_ktime_get_ns | "
		  "call 4000" },
		{ "call +1\ncall pc+1\ncall -3", "call pc+1 | call pc+1 | call pc-3" },
		{ "call kfunc[7, fd:2]\nr1 = btf_id[9]", "call kfunc[7, fd:2] | r1 = btf_id[9]" },
		{ "r1 = map[fd:3]\nr2 = map_value[idx:1] - 8",
		  "r1 = map[fd:3] | r2 = map_value[idx:1] - 8" },
		{ ".insn 0x95, 0, 0, 0, 0\n.insn 255,15,15,-32768,0xffffffff",
		  "exit | .insn 0xff, 15, 15, -32768, -1" },
		/* labels */
		{ "l: goto l", "goto -1" },
		{ "a: b:\nr0 = 0\ngoto a\ngoto b\nexit", "r0 = 0 | goto -2 | goto -3 | exit" },
		{ "goto end\nr1 = 1 ll\nend: exit", "goto +2 | r1 = 0x1 ll | exit" },
		{ "if r1 > 5 goto out\ngotol out\nout:\nexit",
		  "if r1 > 5 goto +1 | gotol +0 | exit" },
		{ "call f\nexit\nf: exit", "call pc+1 | exit | exit" },
		{ "r2 = func[cb]\nexit\ncb:\nexit", "r2 = func[pc+2] | exit | exit" },
		{ "bind: call bind\nexit", "call pc-1 | exit" },
		{ "pc: goto pc\ns: goto s", "goto -1 | goto -1" },
		{ "r1:\ngoto r1", "goto -1" },
		{ ".L1$x: goto .L1$x", "goto -1" },
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		struct run r;

		assemble(&r, str_of(cases[k].in));
		if (!r.ok || r.dx.list.n)
			fail_msg("%s\n" STR_FMT, cases[k].in, STR_ARG(rendered(&r)));
		if (!str_is(printed(&r), cases[k].want))
			fail_msg("%s\ngot  " STR_FMT "\nwant %s", cases[k].in, STR_ARG(printed(&r)),
				 cases[k].want);
		arena_free(r.a);
	}
}

/* The whole diagnostic, caret and hint; every line is a mistake of its own. */
static void test_refuses(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "foo", "1: error: no instruction starts with 'foo'" },
		{ ".text", "1: error: no instruction starts with '.text'" },
		{ "5", "1: error: no instruction starts with '5'" },
		{ "r11 = 1", "1: error: there is no register 'r11'" },
		{ "r1 = r01", "6: error: there is no register 'r01'" },
		{ "r1 + 2", "4: error: expected '=' or an operator such as '+=', found '+'" },
		{ "r1",
		  "3: error: expected '=' or an operator such as '+=' before the end of the line" },
		{ "r1 =", "5: error: expected a value before the end of the line" },
		{ "r1 = ]", "6: error: expected a value, found ']'" },
		{ "r1 = w2", "1: error: r and w registers cannot be mixed in one operation" },
		{ "w1 += r2", "1: error: r and w registers cannot be mixed in one operation" },
		{ "r1 += foo", "7: error: expected a register or a number, found 'foo'" },
		{ "r1 = foo", "6: error: 'foo' is no value" },
		{ "r1 = 0x80000000",
		  "6: error: '0x80000000' does not fit into an immediate of 32 bits" },
		{ "r1 += -2147483649",
		  "7: error: '-2147483649' does not fit into an immediate of 32 bits" },
		{ "w1 = 0x100000000",
		  "6: error: '0x100000000' does not fit into an immediate of 32 bits" },
		{ "r1 = 0x10000000000000000 ll",
		  "6: error: '0x10000000000000000' is not a number of at most 64 bits" },
		{ "r1 = 12z", "6: error: '12z' is not a number of at most 64 bits" },
		{ "r1 = -9223372036854775809 ll",
		  "6: error: the number does not fit into 64 bits" },
		{ "w1 = 5 ll", "1: error: 64 bits need a whole register: r1" },
		{ "w1 = map[m]", "1: error: 64 bits need a whole register: r1" },
		{ "r1 = -r2",
		  "1: error: a negation works in place: both sides must be the same register" },
		{ "r1 = be16 r2", "1: error: a byte swap works in place: both sides must be r2" },
		{ "w1 = bswap16 w1",
		  "14: error: a byte swap needs a whole register: r1 instead of w1" },
		{ "r1 = (s64)r2", "7: error: expected s8, s16 or s32, found 's64'" },
		{ "w1 = (s32)w2", "7: error: w1 has 32 bits already" },
		{ "r0 = *(u24 *)(r1 + 0)",
		  "8: error: expected u8, u16, u32, u64, s8, s16 or s32, found 'u24'" },
		{ "r0 = *(u8 *)(w1 + 0)",
		  "14: error: an address needs a whole register: r1 instead of w1" },
		{ "r0 = *(u8 *)(r1 + 32768)",
		  "17: error: an offset must be between -32768 and 32767" },
		{ "r0 = *(u8 *)(r1 - 32769)",
		  "17: error: an offset must be between -32768 and 32767" },
		{ "r0 = *(u8 *)(r1 + )", "19: error: expected a number, found ')'" },
		{ "r0 = *(u8 *)(r1 + 1", "20: error: expected ')' before the end of the line" },
		{ "r0 = *(s64 *)(r1 + 0)",
		  "8: error: a load of 8 bytes has no sign to extend: use u64" },
		{ "w0 = *(u64 *)(r1 + 0)", "1: error: this load fills a whole register: r0" },
		{ "w0 = *(s8 *)(r1 + 0)", "1: error: this load fills a whole register: r0" },
		{ "*(s8 *)(r1 + 0) = r2", "3: error: a store has no sign: use u8" },
		{ "*(u64 *)(r1 + 0) = w2", "20: error: 8 bytes need a whole register: r2" },
		{ "*(u64 *)(r1 + 0) += r2", "18: error: expected '=', found '+='" },
		{ "*(u64 *)(r1 + 0) = 0x80000000",
		  "20: error: '0x80000000' does not fit into an immediate of 32 bits" },
		{ "lock *(u8 *)(r1 + 0) += r2", "8: error: atomic operations are on u32 or u64" },
		{ "lock *(u64 *)(r1 + 0) -= r2",
		  "23: error: expected '+=', '|=', '&=' or '^=', found '-='" },
		{ "lock r1 = 2", "6: error: expected '*', found 'r1'" },
		{ "r1 = atomic_fetch_add((u16 *)(r1 + 0), r1)",
		  "24: error: atomic operations are on u32 or u64" },
		{ "r1 = xchg_64(r1 + 0, r2)",
		  "1: error: the old value comes back in the operand's register, r2" },
		{ "r1 = cmpxchg_64(r1 + 0, r0, r2)",
		  "1: error: compare-and-exchange compares with r0 and gives the old value in r0" },
		{ "r0 = cmpxchg_64(r1 + 0, r3, r2)", "25: error: compare-and-exchange compares "
						     "with r0 and gives the old value in r0" },
		{ "r1 = *(u8 *)skb[0]", "1: error: what is read from a packet goes to r0" },
		{ "r0 = *(u64 *)skb[0]", "8: error: a packet is read by u8, u16 or u32" },
		{ "if r1 goto +1",
		  "7: error: expected a comparison such as '==' or 's<', found 'goto'" },
		{ "if r1 > w1 goto +1",
		  "4: error: r and w registers cannot be mixed in one operation" },
		{ "if 5 > r1 goto +1", "4: error: expected a register, found '5'" },
		{ "if r1 > x goto +1", "9: error: expected a register or a number, found 'x'" },
		{ "if r1 > 1 exit", "11: error: expected 'goto', found 'exit'" },
		{ "goto 3", "6: error: expected a label or a distance, found '3'" },
		{ "goto +32768", "6: error: a distance must be between -32768 and 32767" },
		{ "goto", "5: error: expected a label or a distance before the end of the line" },
		{ "goto nowhere", "6: error: there is no label 'nowhere'" },
		{ "call bpf_ktime_get_n",
		  "6: error: 'bpf_ktime_get_n' is neither a label nor a helper" },
		{ "call r1", "6: error: calls through a register are not in RFC 9669" },
		{ "call kfunc[1, fd:40000]",
		  "12: error: the index of a kernel function's BTF must fit into 16 bits" },
		{ "r1 = map[5]",
		  "10: error: expected a map: its name, fd:NUMBER or idx:NUMBER, found '5'" },
		{ "r1 = map[id:5]",
		  "12: error: only fd: and idx: may stand before a map's number" },
		{ "r1 = map[m", "11: error: expected ']' before the end of the line" },
		{ "exit exit", "6: error: unexpected 'exit' behind the instruction" },
		{ "r1 = 1 2", "8: error: unexpected '2' behind the instruction" },
		{ "r1 = 1 @", "8: error: no instruction has the character '@'" },
		{ "\x01", "1: error: no instruction has the byte 0x01" },
		{ "r1 ! 2", "4: error: no instruction has the character '!'" },
		{ ".insn 256, 0, 0, 0, 0", "7: error: the code must be between 0 and 255" },
		{ ".insn 1, 0, 0", "14: error: expected ',' before the end of the line" },
		{ "x: exit\nx: exit", "1: error: the label 'x' is here already" },
		{ "goto end\nend:", "6: error: no instruction follows the label 'end'" },
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		struct run r;
		struct place at;
		char got[256];

		assemble(&r, str_of(cases[k].in));
		if (r.ok || r.dx.n_errors != 1 || r.dx.list.at[0].tag != E_ASM)
			fail_msg("%s: %u errors\n" STR_FMT, cases[k].in, r.dx.n_errors,
				 STR_ARG(rendered(&r)));
		at = sources_place(&r.ss, r.dx.list.at[0].span.lo);
		snprintf(got, sizeof(got), "%u: error: " STR_FMT, at.col,
			 STR_ARG(r.dx.list.at[0].text));
		if (strcmp(got, cases[k].want) != 0)
			fail_msg("%s\ngot  %s\nwant %s", cases[k].in, got, cases[k].want);
		arena_free(r.a);
	}
}

static void test_rendered(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "r1 += 0xffffffff\n",
		  "t.s:1:7: error: '0xffffffff' does not fit into an immediate of 32 bits\n"
		  "r1 += 0xffffffff\n"
		  "      ^~~~~~~~~~\n"
		  "  hint: its sign would be extended to 64 bits; load it into a register with "
		  "'rN = 4294967295 ll'\n" },
		{ "loop: exit\ngoto lop\n", "t.s:2:6: error: there is no label 'lop'\n"
					    "goto lop\n"
					    "     ^~~\n"
					    "  hint: did you mean 'loop'?\n" },
		{ "call bpf_ktime_get_na\n",
		  "t.s:1:6: error: 'bpf_ktime_get_na' is neither a label nor a helper\n"
		  "call bpf_ktime_get_na\n"
		  "     ^~~~~~~~~~~~~~~~\n"
		  "  hint: did you mean 'bpf_ktime_get_ns'?\n" },
		/* the next line is read after a mistake */
		{ "r1 = \nr2 = 5\nr3 = r11\nexit\n",
		  "t.s:1:6: error: expected a value before the end of the line\n"
		  "r1 = \n"
		  "     ^\n"
		  "t.s:3:6: error: there is no register 'r11'\n"
		  "r3 = r11\n"
		  "     ^~~\n"
		  "  hint: the registers are r0 to r10, or w0 to w10 for their lower halves\n" },
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		struct run r;

		assemble(&r, str_of(cases[k].in));
		if (r.ok || !str_is(rendered(&r), cases[k].want))
			fail_msg("--- got\n" STR_FMT "--- want\n%s", STR_ARG(rendered(&r)),
				 cases[k].want);
		arena_free(r.a);
	}
}

static void test_refs(void **state)
{
	static const struct {
		u32 insn;
		u8 pseudo;
		const char *name;
		s32 off;
	} want[] = {
		{ 1, ISA_MAP_FD, "counts", 0 },
		{ 3, ISA_MAP_VALUE, ".rodata.str1.1", 16 },
		{ 5, ISA_MAP_VALUE, "fd", 0 },
	};
	struct run r;

	(void)state;
	assemble(&r, STR("r0 = 0\nr1 = map[counts]\nr2 = map_value[.rodata.str1.1] + 16\n"
			 "r3 = map_value[fd]\nr4 = map[fd:1]\nr5 = map[broken\n"));
	assert_false(r.ok);
	assert_int_equal(r.out.refs.n, ARRAY_LEN(want));
	for (u32 k = 0; k < ARRAY_LEN(want); k++) {
		struct isa_ref ref = r.out.refs.at[k];

		if (ref.insn != want[k].insn || ref.pseudo != want[k].pseudo ||
		    !str_is(ref.name, want[k].name))
			fail_msg("%u: " STR_FMT " at %u", k, STR_ARG(ref.name), ref.insn);
		assert_int_equal(r.out.insns.at[ref.insn].src, want[k].pseudo);
		assert_int_equal(r.out.insns.at[ref.insn].imm, 0);
		assert_int_equal(r.out.insns.at[ref.insn + 1].imm, want[k].off);
	}
	arena_free(r.a);
}

static void test_spans(void **state)
{
	static const char *const want[] = { "r1 = 1 ll", "r1 = 1 ll", "r0 += r1", "exit" };
	struct run r;

	(void)state;
	assemble(&r, STR("; head\nr1 = 1 ll\n\nl:   r0 += r1   ; more\n exit"));
	assert_true(r.ok);
	assert_int_equal(r.out.spans.n, ARRAY_LEN(want));
	assert_int_equal(r.out.insns.n, ARRAY_LEN(want));
	for (u32 k = 0; k < ARRAY_LEN(want); k++)
		if (!str_is(sources_text(&r.ss, r.out.spans.at[k]), want[k]))
			fail_msg("%u: " STR_FMT, k,
				 STR_ARG(sources_text(&r.ss, r.out.spans.at[k])));
	arena_free(r.a);
}

/* A jump of 32767 slots is assembled, one more is refused; gotol reaches it. */
static void test_far(void **state)
{
	static const struct {
		const char *head;
		u32 n;
		bool ok;
	} cases[] = {
		{ "goto end\n", 32767, true },
		{ "goto end\n", 32768, false },
		{ "gotol end\n", 32768, true },
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		char *text = malloc(cases[k].n * 5 + 100);
		struct run r;
		u32 n;

		assert_non_null(text);
		n = (u32)sprintf(text, "%s", cases[k].head);
		for (u32 i = 0; i < cases[k].n; i++, n += 5)
			memcpy(text + n, "exit\n", 5);
		n += (u32)sprintf(text + n, "end: exit\n");
		assemble(&r, (str){ text, n });
		if (r.ok != cases[k].ok)
			fail_msg("%s over %u: %d", cases[k].head, cases[k].n, r.ok);
		if (!r.ok)
			assert_string_equal(str_z(r.a, r.dx.list.at[0].text),
					    "'end' is 32768 slots away, a jump reaches 32767");
		arena_free(r.a);
		free(text);
	}
}

/* Pieces of assembly put together at random: no crash, and an answer that agrees with itself. */
static void test_noise(void **state)
{
	static const char *const pieces[] = {
		"r1",
		"w2",
		"=",
		"+=",
		"s>>=",
		"*",
		"(",
		")",
		"u32",
		"s8",
		"skb",
		"[",
		"]",
		"+",
		"-",
		"0x7fffffff",
		"99999999999999999999",
		"goto",
		"if",
		"call",
		"exit",
		"lock",
		"map",
		"map_value",
		"fd",
		":",
		",",
		"ll",
		"xchg_64",
		"atomic_fetch_add",
		".insn",
		"l",
		"\n",
		"\n",
		";",
		"#",
		"//",
		"\0",
		"\xff",
		"be16",
		"bswap",
		"func",
		"kfunc",
		"s",
		"pc",
		"-2147483648",
		"r10",
		"btf_id",
		"s/",
		" ",
		"cmpxchg_64",
		"32768",
	};
	u64 seed = 0x9e3779b97f4a7c15u;

	(void)state;
	for (u32 k = 0; k < 3000; k++) {
		char text[512];
		u32 n = 0;
		struct run r;

		for (u32 i = 0; i < 24; i++) {
			const char *piece;

			seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
			piece = pieces[seed % ARRAY_LEN(pieces)];
			memcpy(text + n, piece, strlen(piece) + 1);
			n += (u32)strlen(piece) + !*piece;
			if (seed >> 60 & 1)
				text[n++] = ' ';
		}
		assemble(&r, (str){ text, n });
		if (r.ok != (r.dx.n_errors == 0))
			fail_msg("%.*s: ok %d, %u errors", (int)n, text, r.ok, r.dx.n_errors);
		assert_int_equal(r.out.insns.n, r.out.spans.n);
		arena_free(r.a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_accepts),	 cmocka_unit_test(test_refuses),
		cmocka_unit_test(test_rendered), cmocka_unit_test(test_refs),
		cmocka_unit_test(test_spans),	 cmocka_unit_test(test_far),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
