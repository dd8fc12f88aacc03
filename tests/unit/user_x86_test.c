/* Unit tests of user's knowledge of x86-64 instructions: what a copy of one needs when it is stepped elsewhere. */
#include "user/breaks.h"

#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

static const struct { const char *name; u8 bytes[16]; u8 disp_at; s8 push, to, from; u8 length; bool call, absolute, in_place; } cases[] = {
	{ "push %rbp", { 0x55 }, 0, 5, -1, -1, 1, false, false, false },
	{ "push %r15", { 0x41, 0x57 }, 0, 15, -1, -1, 2, false, false, false },
	{ "mov %rsp,%rbp", { 0x48, 0x89, 0xe5 }, 0, -1, 5, 4, 3, false, false, false },
	{ "mov %edi,%eax", { 0x89, 0xf8 }, 0, -1, 0, 7, 2, false, false, false },
	{ "mov %r9,%rax (load form)", { 0x49, 0x8b, 0xc1 }, 0, -1, 0, 9, 3, false, false, false },
	{ "endbr64", { 0xf3, 0x0f, 0x1e, 0xfa }, 0, -1, -1, -1, 4, false, false, false },
	{ "nop", { 0x90 }, 0, -1, -1, -1, 1, false, false, false },
	{ "add x(%rip),%eax", { 0x03, 0x05, 1, 2, 3, 4 }, 2, -1, -1, -1, 0, false, false, false },
	{ "lea x(%rip),%rdi", { 0x48, 0x8d, 0x3d, 1, 2, 3, 4 }, 3, -1, -1, -1, 0, false, false, false },
	{ "cmpb $0,x(%rip)", { 0x80, 0x3d, 1, 2, 3, 4, 0 }, 2, -1, -1, -1, 0, false, false, false },
	{ "movss x(%rip),%xmm0", { 0xf3, 0x0f, 0x10, 0x05, 1, 2, 3, 4 }, 4, -1, -1, -1, 0, false, false, false },
	{ "vmovss x(%rip),%xmm0", { 0xc5, 0xfa, 0x10, 0x05, 1, 2, 3, 4 }, 4, -1, -1, -1, 0, false, false, false },
	{ "mov (%rbp),%eax with a displacement", { 0x8b, 0x45, 0xfc }, 0, -1, -1, -1, 0, false, false, false },
	{ "jne rel8: no ModRM, though the next byte looks so", { 0x75, 0x05 }, 0, -1, -1, -1, 0, false, false, false },
	{ "call rel32", { 0xe8, 1, 2, 3, 4 }, 0, -1, -1, -1, 0, true, false, false },
	{ "call *%rax", { 0xff, 0xd0 }, 0, -1, -1, -1, 0, true, true, false },
	{ "call *x(%rip)", { 0xff, 0x15, 1, 2, 3, 4 }, 2, -1, -1, -1, 0, true, true, false },
	{ "jmp *x(%rip)", { 0xff, 0x25, 1, 2, 3, 4 }, 2, -1, -1, -1, 0, false, true, false },
	{ "push x(%rip)", { 0xff, 0x35, 1, 2, 3, 4 }, 2, -1, -1, -1, 0, false, false, false },
	{ "ret", { 0xc3 }, 0, -1, -1, -1, 0, false, true, false },
	{ "mov x(%eip),%eax", { 0x67, 0x8b, 0x05, 1, 2, 3, 4 }, 3, -1, -1, -1, 0, false, false, true },
};

static void test_instructions(void **state)
{
	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct insn got;

		insn_decode(cases[i].bytes, &got);
		if (got.disp_at != cases[i].disp_at || got.push != cases[i].push || got.to != cases[i].to ||
		    got.from != cases[i].from || got.length != cases[i].length || got.is_call != cases[i].call ||
		    got.is_absolute != cases[i].absolute || got.in_place != cases[i].in_place)
			fail_msg("%s: displacement %u, push %d, move %d to %d, length %u, call %d, absolute %d, in place %d",
				 cases[i].name, got.disp_at, got.push, got.from, got.to, got.length, got.is_call,
				 got.is_absolute, got.in_place);
	}
}

/* Whatever the bytes are, nothing outside of them is read (the sanitizer says). */
static void test_any_bytes(void **state)
{
	u64 x = 88172645463325252ull;
	u8 bytes[16];
	struct insn got;

	(void)state;
	for (u32 i = 0; i < 200000; i++) {
		for (u32 k = 0; k < 16; k += 8) {
			x ^= x << 13;
			x ^= x >> 7;
			x ^= x << 17;
			memcpy(bytes + k, &x, 8);
		}
		insn_decode(bytes, &got);
		assert_true(got.disp_at <= 12 && got.length <= 15);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_instructions),
		cmocka_unit_test(test_any_bytes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
