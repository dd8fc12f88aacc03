/* What the verifier says of classic mistakes: the message, the mend, and the steps that led there, each
 * with its line. The table is compared whole; SKEP_GOLDEN=show prints what is said now.
 */
#include "verify_maps.c"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static const struct {
	const char *name;
	u32 prog;
	bool unprivileged;
	const char *code, *want;
} cases[] = {
	{ "range", ISA_PROG_SOCKET_FILTER, false,
	  "*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\nr1 = map[m]\n"
	  "call bpf_map_lookup_elem\nif r0 == 0 goto out\nr1 = *(u32 *)(r0 + 0)\n"
	  "if r1 > 20 goto out\n*(u64 *)(r10 - 16) = r1\n"
	  "r2 = *(u64 *)(r10 - 16)\nr0 += r2\nr3 = *(u8 *)(r0 + 0)\nout:\n"
	  "r0 = 0\nexit\n",
	  "V_VALUE_BOUNDS line 12: 1 bytes at offset up to 20 of the map's value, which "
	  "has 8.\n"
	  "= Compare the index with its limit first, or mask it with &.\n"
	  "5: bpf_map_lookup_elem() returns it: call bpf_map_lookup_elem\n"
	  "6: if r0 == 0 goto +6 (the jump is not taken)\n"
	  "7: r1 is loaded: r1 = *(u32 *)(r0 + 0)\n"
	  "8: if r1 > 20 goto +4 (the jump is not taken)\n"
	  "9: it is stored: *(u64 *)(r10 - 16) = r1\n"
	  "10: r2 is loaded: r2 = *(u64 *)(r10 - 16)\n"
	  "11: r0 is computed: r0 += r2\n" },
	{ "null map value", ISA_PROG_SOCKET_FILTER, false,
	  "*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\nr1 = map[m]\n"
	  "call bpf_map_lookup_elem\nr1 = *(u64 *)(r0 + 0)\nr0 = 0\nexit\n",
	  "V_NULL line 6: r0 is a map value or null; it is used without a check for "
	  "null.\n"
	  "= Compare it with 0 and use it only when it is not.\n"
	  "5: bpf_map_lookup_elem() returns it: call bpf_map_lookup_elem\n" },
	{ "unbounded loop", ISA_PROG_SOCKET_FILTER, false,
	  "r0 = 0\nr1 = *(u32 *)(r1 + 0)\nloop:\nif r1 == 0 goto out\ngoto loop\n"
	  "out:\nexit\n",
	  "V_LOOP line 4: The same state comes back here: the loop never ends.\n"
	  "= Change something that the exit test reads.\n"
	  "4: if r1 == 0 goto +1 (the jump is not taken)\n" },
	{ "long loop", ISA_PROG_SOCKET_FILTER, false,
	  "r0 = 0\nr1 = *(u32 *)(r1 + 0)\nloop:\nr0 += 1\nif r0 < r1 goto loop\n"
	  "exit\n",
	  "V_BUDGET line 4: The program is too complex: 1000001 instructions were "
	  "followed, instruction 2 alone 333333 times.\n"
	  "= Bound the loop by a constant, make it shorter, or use bpf_loop().\n"
	  "5: if r0 < r1 goto -2 (the jump is not taken)\n" },
	{ "packet", ISA_PROG_XDP, false,
	  "r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 14\n"
	  "if r4 > r3 goto out\nr0 = *(u32 *)(r2 + 12)\nout:\nr0 = 2\nexit\n",
	  "V_PACKET_BOUNDS line 6: 4 bytes at offset 12 of the packet pointer r2, but "
	  "only 14 were checked against data_end.\n"
	  "= Compare the address behind the last byte with data_end, and use the same "
	  "pointer afterwards.\n"
	  "1: r2 is loaded: r2 = *(u32 *)(r1 + 0)\n"
	  "5: if r4 > r3 goto +1 (the jump is not taken)\n" },
	{ "reference", ISA_PROG_SOCKET_FILTER, false,
	  "r1 = map[ring]\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\n"
	  "if r0 == 0 goto out\nr6 = *(u64 *)(r0 + 0)\nout:\nr0 = 0\nexit\n",
	  "V_REF_LEAK line 9: The reference taken at instruction 4 is never released.\n"
	  "= Release it on this path too.\n"
	  "4: bpf_ringbuf_reserve() returns it: call bpf_ringbuf_reserve\n"
	  "5: if r0 == 0 goto +1 (the jump is not taken)\n" },
	{ "misaligned", ISA_PROG_SOCKET_FILTER, false,
	  "*(u64 *)(r10 - 12) = 0\nr0 = 0\nexit\n",
	  "V_ALIGN line 1: 8 bytes at offset -12 of r10 are not aligned.\n"
	  "= Use an offset that the size divides.\n" },
	{ "context field", ISA_PROG_SOCKET_FILTER, false,
	  "r0 = *(u32 *)(r1 + 76)\nexit\n",
	  "V_CTX_FIELD line 1: The program may not read 4 bytes at offset 76 of struct "
	  "__sk_buff.\n"
	  "= Use a field's own offset and size.\n" },
	{ "helper argument", ISA_PROG_SOCKET_FILTER, false,
	  "r1 = 7\nr2 = r10\ncall bpf_map_lookup_elem\nr0 = 0\nexit\n",
	  "V_HELPER_ARG line 3: r1 is a number; bpf_map_lookup_elem() needs a map.\n"
	  "= Pass a map in r1.\n"
	  "1: r1 is set: r1 = 7\n" },
	{ "stack", ISA_PROG_SOCKET_FILTER, false,
	  "r1 = 0\n*(u64 *)(r10 - 600) = r1\nr0 = 0\nexit\n",
	  "V_STACK_BOUNDS line 2: 8 bytes at r10-600: the stack is the 512 bytes below "
	  "r10.\n"
	  "= Stay between r10 - 512 and r10 - 1.\n" },
	{ "division", ISA_PROG_SOCKET_FILTER, false,
	  "r0 = 10\nr1 = 0\nr0 /= 0\nexit\n",
	  "V_DIV_ZERO line 3: This divides by the constant 0.\n"
	  "= Divide by something else than 0.\n" },
	{ "modified ctx", ISA_PROG_SOCKET_FILTER, false,
	  "r1 += 8\nr0 = *(u32 *)(r1 + 0)\nexit\n",
	  "V_CTX_MODIFIED line 2: r1 is the context pointer moved by a number.\n"
	  "= Use the context pointer as it came, with the field's offset in the load.\n"
	  "1: r1 is computed: r1 += 8\n" },
	{ "return missing", ISA_PROG_SOCKET_FILTER, false,
	  "r1 = *(u32 *)(r1 + 0)\nif r1 == 0 goto out\nr0 = 1\nout:\nexit\n",
	  "V_UNINIT_REG line 5: The program ends without a return value: r0 was never "
	  "set.\n"
	  "= Set r0 to the return value before exit, on every path.\n"
	  "2: if r1 == 0 goto +1 (the jump is taken)\n" },
	{ "unreachable", ISA_PROG_SOCKET_FILTER, false,
	  "r0 = 0\nexit\nr0 = 1\nexit\n",
	  "V_UNREACHABLE line 3: Nothing leads to this instruction.\n"
	  "= Remove it, or a jump over it.\n" },
	{ "size", ISA_PROG_SCHED_CLS, false,
	  "*(u64 *)(r10 - 8) = 0\nr4 = *(u32 *)(r1 + 0)\nr1 = 0\nr2 = 0\n"
	  "r3 = r10\nr3 += -8\nr5 = 0\ncall bpf_csum_diff\nr0 = 0\nexit\n",
	  "V_HELPER_SIZE line 8: The size in r4 has no usable upper bound: it is 0 to "
	  "4294967295.\n"
	  "= Compare it with its limit first, or mask it with &.\n"
	  "2: r4 is loaded: r4 = *(u32 *)(r1 + 0)\n" },
	{ "clobbered", ISA_PROG_SOCKET_FILTER, false,
	  "r6 = r1\ncall bpf_get_prandom_u32\nr0 = *(u32 *)(r1 + 0)\nexit\n",
	  "V_UNINIT_REG line 3: r1 is read, but nothing was written to it on this path.\n"
	  "= Write the register first; calls clear r1 to r5.\n"
	  "2: the call clears r1 to r5: call bpf_get_prandom_u32\n" },
	{ "ret range", ISA_PROG_CGROUP_SOCK, false,
	  "r0 = 7\nexit\n",
	  "V_RETURN line 2: This program must return 0 to 1; r0 is 7.\n"
	  "= Set r0 to an allowed value before exit.\n"
	  "1: r0 is set: r0 = 7\n" },
	{ "wild index", ISA_PROG_SOCKET_FILTER, false,
	  "*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\nr1 = map[m]\n"
	  "call bpf_map_lookup_elem\nif r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\n"
	  "r0 += r1\nr0 = *(u8 *)(r0 + 0)\nout:\nr0 = 0\nexit\n",
	  "V_OFFSET line 8: A pointer to a map value is moved by a number without a "
	  "usable lower bound: it is anything.\n"
	  "= Bound the number from below: mask it with &, or compare it.\n"
	  "5: bpf_map_lookup_elem() returns it: call bpf_map_lookup_elem\n"
	  "6: if r0 == 0 goto +3 (the jump is not taken)\n"
	  "7: r1 is loaded: r1 = *(u64 *)(r0 + 0)\n" },
	{ "negative", ISA_PROG_SOCKET_FILTER, false,
	  "*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\nr1 = map[m]\n"
	  "call bpf_map_lookup_elem\nif r0 == 0 goto out\nr1 = *(u32 *)(r0 + 0)\n"
	  "r1 <<= 32\nr1 s>>= 32\nif r1 s> 7 goto out\nr0 += r1\n"
	  "r0 = *(u8 *)(r0 + 0)\nout:\nr0 = 0\nexit\n",
	  "V_OFFSET line 11: A pointer to a map value is moved by a number without a "
	  "usable lower bound: it is -2147483648 to 7.\n"
	  "= Bound the number from below: mask it with &, or compare it.\n"
	  "5: bpf_map_lookup_elem() returns it: call bpf_map_lookup_elem\n"
	  "6: if r0 == 0 goto +6 (the jump is not taken)\n"
	  "7: r1 is loaded: r1 = *(u32 *)(r0 + 0)\n"
	  "8: r1 is computed: r1 <<= 32\n"
	  "9: r1 is computed: r1 s>>= 32\n"
	  "10: if r1 s> 7 goto +2 (the jump is not taken)\n" },
	{ "lock", ISA_PROG_SCHED_CLS, false,
	  "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[lock]\n"
	  "call bpf_map_lookup_elem\nif r0 == 0 goto out\nr6 = r0\nr1 = r0\n"
	  "r1 += 4\ncall bpf_spin_lock\nout:\nr0 = 0\nexit\n",
	  "V_LOCK line 13: The spin lock taken at instruction 10 is still held.\n"
	  "= Give the lock back before exit.\n"
	  "5: bpf_map_lookup_elem() returns it: call bpf_map_lookup_elem\n"
	  "6: if r0 == 0 goto +4 (the jump is not taken)\n"
	  "8: r1 takes it over: r1 = r0\n"
	  "9: r1 is computed: r1 += 4\n"
	  "10: call bpf_spin_lock\n" },
	{ "number", ISA_PROG_SOCKET_FILTER, false,
	  "r1 = 4096\nr0 = *(u32 *)(r1 + 0)\nexit\n",
	  "V_NOT_POINTER line 2: r1 is a number, not a pointer to memory.\n"
	  "= Memory can be reached only through pointers that the program was given.\n"
	  "1: r1 is set: r1 = 4096\n" },
	{ "leaked address", ISA_PROG_SOCKET_FILTER, true,
	  "*(u64 *)(r10 - 8) = r10\nr0 = *(u64 *)(r10 - 8)\nexit\n",
	  "V_LEAK line 3: The program would return a stack address, which shows an address.\n"
	  "= Return a number.\n"
	  "1: it is stored: *(u64 *)(r10 - 8) = r10\n"
	  "2: r0 is loaded: r0 = *(u64 *)(r10 - 8)\n" },
	{ "released twice", ISA_PROG_SOCKET_FILTER, false,
	  "r1 = map[ring]\nr2 = 16\nr3 = 0\ncall bpf_ringbuf_reserve\n"
	  "if r0 == 0 goto out\nr6 = r0\nr1 = r0\nr2 = 0\n"
	  "call bpf_ringbuf_submit\nr1 = r6\nr2 = 0\ncall bpf_ringbuf_submit\n"
	  "out:\nr0 = 0\nexit\n",
	  "V_HELPER_ARG line 12: r1 is a number; bpf_ringbuf_submit() needs what "
	  "bpf_ringbuf_reserve() gave, unmoved.\n"
	  "= Pass what bpf_ringbuf_reserve() gave, unmoved in r1.\n"
	  "4: bpf_ringbuf_reserve() returns it: call bpf_ringbuf_reserve\n"
	  "5: if r0 == 0 goto +7 (the jump is not taken)\n"
	  "6: r6 takes it over: r6 = r0\n"
	  "9: call bpf_ringbuf_submit\n"
	  "10: r1 takes it over: r1 = r6\n" },
	{ "uninitialised stack", ISA_PROG_SOCKET_FILTER, true,
	  "r1 = map[m]\nr2 = r10\nr2 += -8\ncall bpf_map_lookup_elem\nr0 = 0\n"
	  "exit\n",
	  "V_STACK_UNINIT line 4: The stack byte at r10-8 is read, but was never "
	  "written.\n"
	  "= Write the bytes first, for example with 0.\n" },
};

static str said(struct arena *a, u32 i)
{
	struct verify_input in = { .prog_type = cases[i].prog,
				   .privileged = !cases[i].unprivileged };
	const struct verify_problem *p;
	struct verify_result out;
	struct sbuf b;
	u32 *lines = NULL;

	assert_true(verify_assemble(a, str_of(cases[i].code), &in, &lines));
	in.privileged = !cases[i].unprivileged;
	verify_program(a, &in, &out);
	p = &out.problem;
	sbuf_init(&b, a);
	sbuf_printf(&b, "%s line %u: " STR_FMT "\n", verify_tag_name(p->tag), lines[p->insn],
		    STR_ARG(p->text));
	sbuf_printf(&b, "= " STR_FMT "\n", STR_ARG(p->hint));
	for (u32 k = 0; k < p->steps.n; k++)
		sbuf_printf(&b, "%u: " STR_FMT "\n", lines[p->steps.at[k].insn],
			    STR_ARG(p->steps.at[k].text));
	return sbuf_str(&b);
}

static void words(void **state)
{
	bool show = getenv("SKEP_GOLDEN") != NULL;
	u32 wrong = 0;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(NULL);
		str got = said(a, i);

		if (show || !str_is(got, cases[i].want)) {
			printf("-- %s\n" STR_FMT, cases[i].name, STR_ARG(got));
			wrong++;
		}
		arena_free(a);
	}
	assert_int_equal(wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(words) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
