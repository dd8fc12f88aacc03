/* Unit tests of isa: the opcode table, the decoder, the builders and the disassembler. */
#include "isa/isa.h"

#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

static bool same(struct isa_insn a, struct isa_insn b)
{
	return memcmp(&a, &b, sizeof(a)) == 0;
}

/* An instruction of a row, with numbers in all fields that are free. */
static struct isa_insn sample(const struct isa_opcode *row)
{
	struct isa_insn i = { .code = row->code, .off = row->off, .imm = row->imm };

	i.src = row->src & 15;
	if (row->operands & ISA_USES_DST)
		i.dst = ISA_R3;
	if (row->operands & ISA_USES_SRC)
		i.src = ISA_R7;
	if (row->operands & ISA_USES_OFF)
		i.off = -300;
	if (row->operands & ISA_USES_IMM)
		i.imm = 1234567;
	return i;
}

static void test_rows(void **state)
{
	const char *why;

	(void)state;
	assert_true(isa_opcode_count() > 160);
	for (u32 k = 0; k < isa_opcode_count(); k++) {
		const struct isa_opcode *row = isa_opcode_at(k);
		struct isa_insn i = sample(row);

		if (isa_decode(i, &why) != row)
			fail_msg("%s: another row, or refused: %s", row->name, why ? why : "-");
		assert_null(why);
		assert_in_range(row->cpu, 1, 4);
		for (u32 j = 0; j < k; j++)
			if (strcmp(isa_opcode_at(j)->name, row->name) == 0)
				fail_msg("%s: two rows", row->name);
	}
	assert_null(isa_opcode_at(isa_opcode_count()));
}

/* Every field that a row does not leave free is set to what no row of the code has there. */
static void test_reserved(void **state)
{
	u32 n = 0;

	(void)state;
	for (u32 k = 0; k < isa_opcode_count(); k++) {
		const struct isa_opcode *row = isa_opcode_at(k);
		struct isa_insn bad[8];
		u32 n_bad = 0;

		for (u32 j = 0; j < ARRAY_LEN(bad); j++)
			bad[j] = sample(row);
		if (row->operands & ISA_USES_DST)
			bad[n_bad++].dst = 11;
		else
			bad[n_bad++].dst = 1;
		bad[n_bad++].dst = 15;
		bad[n_bad++].src = 11;
		if (!(row->operands & ISA_USES_SRC))
			bad[n_bad++].src = 8;
		if (!(row->operands & ISA_USES_OFF)) {
			bad[n_bad++].off = 7;
			bad[n_bad++].off = -1;
		}
		if (!(row->operands & ISA_USES_IMM)) {
			bad[n_bad++].imm = 7;
			bad[n_bad++].imm = (s32)0x80000000;
		}
		for (u32 j = 0; j < n_bad; j++, n++) {
			const char *why = NULL;

			if (isa_decode(bad[j], &why))
				fail_msg("%s: accepted with a bad field, number %u", row->name, j);
			assert_non_null(why);
		}
	}
	assert_true(n > 800);
}

/* All 256 codes: legal with some fields exactly when a row has them. */
static void test_codes(void **state)
{
	u32 legal = 0;

	(void)state;
	for (u32 code = 0; code < 256; code++) {
		struct isa_insn i = { .code = (u8)code };
		bool has_row = false;
		const char *why;

		for (u32 k = 0; k < isa_opcode_count(); k++)
			has_row |= isa_opcode_at(k)->code == code;
		legal += has_row;
		for (u32 v = 0; v < 2000; v++) {
			static const s32 imms[] = { 0, 1, 16, 32, 64, 0x40, 0xe1, 0xf1, -1, 5 };
			static const s16 offs[] = { 0, 1, 8, 16, 32 };

			i.imm = imms[v % 10];
			i.off = offs[v / 10 % 5];
			i.src = v / 50 % 10;
			i.dst = v / 500 & 1;
			if (isa_decode(i, &why) && !has_row)
				fail_msg("0x%02x: accepted without a row", code);
			assert_true((isa_decode(i, &why) == NULL) == (why != NULL));
		}
	}
	assert_int_equal(legal, 125);
}

static void test_reasons(void **state)
{
	static const struct {
		struct isa_insn i;
		const char *want;
	} cases[] = {
		{ { .code = 0 }, "code 0 is only the second slot of a 64-bit immediate load" },
		{ { .code = 0xff }, "unknown arithmetic operation" },
		{ { .code = 0xf5 }, "unknown jump" },
		{ { .code = 0x8d }, "calls through a register are not in RFC 9669" },
		{ { .code = 0xe5 }, "may_goto is an extension of Linux, not in RFC 9669" },
		{ { .code = 0x86 }, "unknown jump" },
		{ { .code = 0x96 }, "unknown jump" },
		{ { .code = 0x0e }, "unknown jump" },
		{ { .code = 0x8f }, "negation has no register form" },
		{ { .code = 0xdf }, "bswap has no register form" },
		{ { .code = 0xd3 }, "atomic operations are on 4 or 8 bytes" },
		{ { .code = 0x99 }, "a sign-extending load is of 1, 2 or 4 bytes" },
		{ { .code = 0x38 }, "unknown mode of a load or store" },
		{ { .code = 0xe1 }, "unknown mode of a load or store" },
		{ { .code = 0xb7, .dst = 11 }, "there is no register above r10" },
		{ { .code = 0xbf, .src = 12 }, "there is no register above r10" },
		{ { .code = 0xb7, .src = 1 }, "the reserved field src is not 0" },
		{ { .code = 0x05, .dst = 1 }, "the reserved field dst is not 0" },
		{ { .code = 0x95, .imm = 1 }, "the reserved field imm is not 0" },
		{ { .code = 0x95, .off = 1 }, "the reserved field off is not 0" },
		{ { .code = 0x06, .off = 1 }, "the reserved field off is not 0" },
		{ { .code = 0x05, .imm = 1 }, "the reserved field imm is not 0" },
		{ { .code = 0x07, .off = 1 }, "the reserved field off is not 0" },
		{ { .code = 0x3f, .off = 2 },
		  "off of a division must be 0, or 1 when it is signed" },
		{ { .code = 0xbf, .off = 1 },
		  "off of a move must be 0, or 8, 16 or 32 to extend the sign" },
		{ { .code = 0xbc, .off = 32 },
		  "off of a 32-bit move must be 0, or 8 or 16 to extend the sign" },
		{ { .code = 0xdb, .imm = 2 }, "imm names no atomic operation" },
		{ { .code = 0xdb, .imm = 0x100 },
		  "load-acquire and store-release are extensions of Linux, not in RFC 9669" },
		{ { .code = 0xdc, .imm = 8 }, "imm of a byte swap must be 16, 32 or 64" },
		{ { .code = 0x85, .src = 3 },
		  "src of a call must be 0 (helper), 1 (local function) or 2 (kernel function)" },
		{ { .code = 0x18, .src = 7 }, "src of a 64-bit immediate load must be 0 to 6" },
		{ { .code = 0x30, .src = 1 }, "the reserved field src is not 0" },
		{ { .code = 0x85, .off = 1 }, "the reserved field off is not 0" },
	};

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		const char *why = NULL;

		if (isa_decode(cases[k].i, &why) || strcmp(why, cases[k].want) != 0)
			fail_msg("code 0x%02x: got \"%s\", want \"%s\"", cases[k].i.code,
				 why ? why : "accepted", cases[k].want);
	}
}

#define BYTES(c, d, s, o, i)                                                                       \
	{                                                                                          \
		.code = c, .dst = d, .src = s, .off = o, .imm = i                                  \
	}

/* The bytes were worked out by hand from RFC 9669. */
static void test_builders(void **state)
{
	const struct {
		const char *name;
		struct isa_insn got, want;
		u8 cpu;
	} cases[] = {
		{ "alu_imm", isa_alu_imm(true, ISA_ADD, 1, -5), BYTES(0x07, 1, 0, 0, -5), 1 },
		{ "alu_imm 32", isa_alu_imm(false, ISA_MOV, 2, 5), BYTES(0xb4, 2, 0, 0, 5), 3 },
		{ "alu_reg", isa_alu_reg(true, ISA_ARSH, 1, 10), BYTES(0xcf, 1, 10, 0, 0), 1 },
		{ "neg", isa_alu_imm(true, ISA_NEG, 4, 0), BYTES(0x87, 4, 0, 0, 0), 1 },
		{ "mov_sx", isa_mov_sx(true, 1, 2, 32), BYTES(0xbf, 1, 2, 32, 0), 4 },
		{ "mov_sx 32", isa_mov_sx(false, 1, 2, 8), BYTES(0xbc, 1, 2, 8, 0), 4 },
		{ "be", isa_endian(3, true, 64), BYTES(0xdc, 3, 0, 0, 64), 1 },
		{ "le", isa_endian(3, false, 16), BYTES(0xd4, 3, 0, 0, 16), 1 },
		{ "bswap", isa_bswap(3, 32), BYTES(0xd7, 3, 0, 0, 32), 4 },
		{ "load", isa_load(1, 1, 2, -8), BYTES(0x71, 1, 2, -8, 0), 1 },
		{ "load 8", isa_load(8, 1, 2, 8), BYTES(0x79, 1, 2, 8, 0), 1 },
		{ "load_sx", isa_load_sx(4, 1, 2, 8), BYTES(0x81, 1, 2, 8, 0), 4 },
		{ "store", isa_store(2, 10, -4, 3), BYTES(0x6b, 10, 3, -4, 0), 1 },
		{ "store_imm", isa_store_imm(4, 10, -4, 7), BYTES(0x62, 10, 0, -4, 7), 1 },
		{ "atomic", isa_atomic(8, ISA_ATOMIC_ADD, 1, 0, 2), BYTES(0xdb, 1, 2, 0, 0), 1 },
		{ "cmpxchg", isa_atomic(4, ISA_CMPXCHG, 1, 4, 2), BYTES(0xc3, 1, 2, 4, 0xf1), 3 },
		{ "jump", isa_jump(-2), BYTES(0x05, 0, 0, -2, 0), 1 },
		{ "jump_imm", isa_jump_imm(true, ISA_JSLE, 1, 9, 3), BYTES(0xd5, 1, 0, 3, 9), 2 },
		{ "jump_reg", isa_jump_reg(false, ISA_JEQ, 1, 2, 3), BYTES(0x1e, 1, 2, 3, 0), 3 },
		{ "call", isa_call_helper(14), BYTES(0x85, 0, 0, 0, 14), 1 },
		{ "call_local", isa_call_local(-7), BYTES(0x85, 0, 1, 0, -7), 1 },
		{ "exit", isa_exit(), BYTES(0x95, 0, 0, 0, 0), 1 },
	};
	struct isa_insn wide[2];
	const struct isa_insn want[2] = { BYTES(0x18, 5, 2, 0, (s32)0x9abcdef0),
					  BYTES(0, 0, 0, 0, 0x12345678) };
	const char *why;

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		const struct isa_opcode *row = isa_decode(cases[k].got, &why);

		if (!same(cases[k].got, cases[k].want))
			fail_msg("%s: code 0x%02x", cases[k].name, cases[k].got.code);
		if (!row || row->cpu != cases[k].cpu)
			fail_msg("%s: %s", cases[k].name, row ? "another cpu version" : why);
	}
	isa_ld_imm64(wide, 5, ISA_MAP_VALUE, 0x123456789abcdef0);
	assert_true(same(wide[0], want[0]) && same(wide[1], want[1]));
	assert_true(isa_is_wide(wide[0]) && !isa_is_wide(wide[1]));
	assert_null(isa_decode(isa_load(3, 0, 1, 0), &why));
	assert_int_equal(isa_bytes(isa_load(2, 0, 1, 0)), 2);
	assert_int_equal(isa_bytes(isa_atomic(8, 0, 0, 1, 0)), 8);
	assert_int_equal(isa_bytes(isa_store(1, 0, 0, 0)), 1);
	assert_int_equal(isa_bytes(isa_load_sx(4, 0, 1, 0)), 4);
}

static void test_print(void **state)
{
	static const struct {
		struct isa_insn i;
		s32 next;
		const char *want;
	} cases[] = {
		{ BYTES(0xb7, 1, 0, 0, 5), 0, "r1 = 5" },
		{ BYTES(0xb4, 1, 0, 0, -5), 0, "w1 = -5" },
		{ BYTES(0x0c, 2, 3, 0, 0), 0, "w2 += w3" },
		{ BYTES(0x3f, 2, 3, 1, 0), 0, "r2 s/= r3" },
		{ BYTES(0x94, 2, 0, 1, 7), 0, "w2 s%= 7" },
		{ BYTES(0xc7, 2, 0, 0, 32), 0, "r2 s>>= 32" },
		{ BYTES(0x87, 2, 0, 0, 0), 0, "r2 = -r2" },
		{ BYTES(0x84, 2, 0, 0, 0), 0, "w2 = -w2" },
		{ BYTES(0xbf, 2, 3, 8, 0), 0, "r2 = (s8)r3" },
		{ BYTES(0xbc, 2, 3, 16, 0), 0, "w2 = (s16)w3" },
		{ BYTES(0xdc, 2, 0, 0, 16), 0, "r2 = be16 r2" },
		{ BYTES(0xd4, 2, 0, 0, 64), 0, "r2 = le64 r2" },
		{ BYTES(0xd7, 2, 0, 0, 32), 0, "r2 = bswap32 r2" },
		{ BYTES(0x61, 0, 1, 16, 0), 0, "r0 = *(u32 *)(r1 + 16)" },
		{ BYTES(0x91, 0, 10, -8, 0), 0, "r0 = *(s8 *)(r10 - 8)" },
		{ BYTES(0x7b, 10, 1, -32768, 0), 0, "*(u64 *)(r10 - 32768) = r1" },
		{ BYTES(0x6a, 1, 0, 0, -1), 0, "*(u16 *)(r1 + 0) = -1" },
		{ BYTES(0xdb, 1, 2, 8, 0), 0, "lock *(u64 *)(r1 + 8) += r2" },
		{ BYTES(0xc3, 1, 2, 8, 0xa0), 0, "lock *(u32 *)(r1 + 8) ^= w2" },
		{ BYTES(0xdb, 1, 2, 8, 0x41), 0, "r2 = atomic_fetch_or((u64 *)(r1 + 8), r2)" },
		{ BYTES(0xc3, 1, 2, 8, 0x51), 0, "w2 = atomic_fetch_and((u32 *)(r1 + 8), w2)" },
		{ BYTES(0xdb, 1, 2, 8, 0xe1), 0, "r2 = xchg_64(r1 + 8, r2)" },
		{ BYTES(0xc3, 1, 2, -8, 0xf1), 0, "w0 = cmpxchg32_32(r1 - 8, w0, w2)" },
		{ BYTES(0x05, 0, 0, 3, 0), 0, "goto +3" },
		{ BYTES(0x06, 0, 0, 0, -70000), 0, "gotol -70000" },
		{ BYTES(0x65, 1, 0, 3, 5), 0, "if r1 s> 5 goto +3" },
		{ BYTES(0x4e, 1, 2, -3, 0), 0, "if w1 & w2 goto -3" },
		{ BYTES(0x85, 0, 0, 0, 14), 0, "call bpf_get_current_pid_tgid" },
		{ BYTES(0x85, 0, 0, 0, 5000), 0, "call 5000" },
		{ BYTES(0x85, 0, 1, 0, 5), 0, "call pc+5" },
		{ BYTES(0x85, 0, 2, 0, 99), 0, "call kfunc[99]" },
		{ BYTES(0x85, 0, 2, 3, 99), 0, "call kfunc[99, fd:3]" },
		{ BYTES(0x95, 0, 0, 0, 0), 0, "exit" },
		{ BYTES(0x18, 1, 0, 0, -1), 0, "r1 = 0xffffffff ll" },
		{ BYTES(0x18, 1, 0, 0, 2), 1, "r1 = 0x100000002 ll" },
		{ BYTES(0x18, 1, 1, 0, 5), 0, "r1 = map[fd:5]" },
		{ BYTES(0x18, 1, 2, 0, 5), 16, "r1 = map_value[fd:5] + 16" },
		{ BYTES(0x18, 1, 3, 0, 300), 0, "r1 = btf_id[300]" },
		{ BYTES(0x18, 1, 3, 0, 300), 4, "r1 = btf_id[300, fd:4]" },
		{ BYTES(0x18, 1, 4, 0, 12), 0, "r1 = func[pc+12]" },
		{ BYTES(0x18, 1, 5, 0, 0), 0, "r1 = map[idx:0]" },
		{ BYTES(0x18, 1, 6, 0, 1), -8, "r1 = map_value[idx:1] - 8" },
		{ BYTES(0x18, 1, 1, 0, 5), 1, ".insn 0x18, 1, 1, 0, 5, 0, 0, 0, 0, 1" },
		{ BYTES(0x30, 0, 0, 0, 12), 0, "r0 = *(u8 *)skb[12]" },
		{ BYTES(0x48, 0, 6, 0, 0), 0, "r0 = *(u16 *)skb[r6]" },
		{ BYTES(0x40, 0, 6, 0, -2), 0, "r0 = *(u32 *)skb[r6 - 2]" },
		{ BYTES(0xff, 1, 2, 3, 4), 0, ".insn 0xff, 1, 2, 3, 4" },
		{ BYTES(0x85, 0, 0, 0, -1), 0, ".insn 0x85, 0, 0, 0, -1" },
	};
	struct arena *a = arena_new(NULL);

	(void)state;
	for (u32 k = 0; k < ARRAY_LEN(cases); k++) {
		struct isa_insn next = { .imm = cases[k].next };
		struct sbuf out;

		sbuf_init(&out, a);
		isa_print(&out, cases[k].i, next);
		if (!str_is(sbuf_str(&out), cases[k].want))
			fail_msg("got \"" STR_FMT "\", want \"%s\"", STR_ARG(sbuf_str(&out)),
				 cases[k].want);
	}
	arena_free(a);
}

/* Prints `in`, assembles the text, and wants the same bytes. */
static void want_round_trip(struct arena *a, const char *name, struct isa_insn i,
			    struct isa_insn next)
{
	struct arena_mark mark = arena_mark(a);
	struct sources ss;
	struct isa_text out;
	struct diags dx;
	struct sbuf text;
	bool ok;

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	sbuf_init(&text, a);
	isa_print(&text, i, next);
	ok = isa_assemble(a, &dx, sources_add(&ss, STR("t.s"), sbuf_str(&text)), &out);
	if (!ok || out.insns.n != (isa_is_wide(i) ? 2 : 1) || !same(out.insns.at[0], i) ||
	    (isa_is_wide(i) && !same(out.insns.at[1], next)))
		fail_msg("%s: \"" STR_FMT "\" is assembled to something else", name,
			 STR_ARG(sbuf_str(&text)));
	arena_release(a, mark);
}

static void test_round_trip(void **state)
{
	struct arena *a = arena_new(NULL);
	u64 seed = 88172645463325252u;

	(void)state;
	for (u32 k = 0; k < isa_opcode_count(); k++) {
		const struct isa_opcode *row = isa_opcode_at(k);
		struct isa_insn next = { .imm = row->operands & ISA_USES_NEXT ? -3 : 0 };
		struct isa_insn i = sample(row);

		want_round_trip(a, row->name, i, next);
		if (row->operands & ISA_USES_OFF)
			i.off = INT16_MAX;
		if (row->operands & ISA_USES_IMM)
			i.imm = INT32_MIN;
		want_round_trip(a, row->name, i, next);
		i = sample(row);
		if (row->operands & ISA_USES_OFF)
			i.off = INT16_MIN;
		if (row->operands & ISA_USES_IMM)
			i.imm = INT32_MAX;
		want_round_trip(a, row->name, i, (struct isa_insn){ 0 });
	}
	for (u32 k = 0; k < 20000; k++) { /* and whatever bytes there may be */
		struct isa_insn i, next;

		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		memcpy(&i, &seed, sizeof(i));
		if (k & 1)
			i.off = (s16)(i.off & 1), i.imm &= 0xff, i.dst &= 7, i.src &= 7;
		seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
		memcpy(&next, &seed, sizeof(next));
		want_round_trip(a, "random", i, next);
	}
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	   cmocka_unit_test(test_reserved),
		cmocka_unit_test(test_codes),	   cmocka_unit_test(test_reasons),
		cmocka_unit_test(test_builders),   cmocka_unit_test(test_print),
		cmocka_unit_test(test_round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
