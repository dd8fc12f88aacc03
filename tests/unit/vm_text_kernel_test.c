/* Differential test of the helpers on text, numbers and sums: the same call here and in a program that the kernel
 * runs (BPF_PROG_TEST_RUN), on the same memory; results and memory must agree. Skipped where bpf(2) is not
 * permitted. */
#include "vm/vm.h"

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <cmocka.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#define P(x) ((u64)(uintptr_t)(x))
enum { BYTES = 256, ARGS_AT = 128, NUMBER_AT = 192, RESULT_AT = 248 };

static int sys(int cmd, union bpf_attr *a)
{
	int r = (int)syscall(SYS_bpf, cmd, a, sizeof(*a));

	return r < 0 ? -errno : r;
}

/* An array of one value with these contents; `is_const`: programs only read it, and nobody writes it any more. */
static int value_map(const void *bytes, bool is_const)
{
	union bpf_attr make = { .map_type = BPF_MAP_TYPE_ARRAY }, put = { 0 }, freeze = { 0 };
	u32 zero = 0;
	int fd;

	make.key_size = 4;
	make.value_size = BYTES;
	make.max_entries = 1;
	make.map_flags = is_const ? BPF_F_RDONLY_PROG : 0;
	fd = sys(BPF_MAP_CREATE, &make);
	if (fd < 0)
		return fd;
	put.map_fd = freeze.map_fd = (u32)fd;
	put.key = P(&zero);
	put.value = P(bytes);
	if (sys(BPF_MAP_UPDATE_ELEM, &put) || (is_const && sys(BPF_MAP_FREEZE, &freeze)))
		fail_msg("no map for the kernel's side");
	return fd;
}

/* What a register gets: a number, a place in the memory, or a place in the constant text. */
struct arg {
	enum { NUMBER, MEMORY, TEXT } kind;
	u64 v;
};

/* Calls a helper in the kernel: its result, and the memory afterwards. */
static bool kernel_call(u32 id, const struct arg args[5], const char *text, u8 *memory, s64 *out)
{
	char padded[BYTES] = { 0 };
	union bpf_attr load = { .prog_type = BPF_PROG_TYPE_SCHED_CLS }, run = { 0 }, get = { 0 };
	struct isa_insn p[32];
	u8 packet[64] = { 0 };
	int data, fmt, prog, err;
	u32 n = 0, zero = 0;

	strncpy(padded, text ? text : "", BYTES - 1);
	data = value_map(memory, false);
	if (data < 0)
		return false;
	fmt = value_map(padded, true);
	for (u32 i = 0; i < 5; i++, n += 2) {
		isa_ld_imm64(&p[n], (u8)(ISA_R1 + i), args[i].kind == NUMBER ? ISA_IMM64 : ISA_MAP_VALUE,
			     args[i].kind == NUMBER ? args[i].v :
						      (u64)(args[i].kind == MEMORY ? data : fmt));
		if (args[i].kind != NUMBER)
			p[n + 1].imm = (s32)args[i].v;
	}
	p[n++] = isa_call_helper((s32)id);
	isa_ld_imm64(&p[n], ISA_R1, ISA_MAP_VALUE, (u64)data);
	p[n + 1].imm = RESULT_AT;
	n += 2;
	p[n++] = isa_store(8, ISA_R1, 0, ISA_R0);
	p[n++] = isa_alu_imm(true, ISA_MOV, ISA_R0, 0);
	p[n++] = isa_exit();
	load.insns = P(p);
	load.insn_cnt = n;
	load.license = P("GPL");
	prog = sys(BPF_PROG_LOAD, &load);
	run.test.prog_fd = (u32)prog;
	run.test.data_in = P(packet);
	run.test.data_size_in = sizeof(packet);
	err = prog < 0 ? prog : sys(BPF_PROG_TEST_RUN, &run);
	get.map_fd = (u32)data;
	get.key = P(&zero);
	get.value = P(memory);
	err = err ? err : sys(BPF_MAP_LOOKUP_ELEM, &get);
	close(data);
	close(fmt);
	if (prog >= 0)
		close(prog);
	memcpy(out, memory + RESULT_AT, 8);
	memset(memory + RESULT_AT, 0, 8);
	return err == 0;
}

static bool permitted(void)
{
	u8 memory[BYTES] = { 0 };
	int fd = value_map(memory, false);

	if (fd >= 0)
		close(fd);
	else
		print_message("skipped: bpf(2) is not permitted here\n");
	return fd >= 0;
}

/* The same call on both sides. `name` is what is told when they differ. */
static void compare(const char *name, u32 id, const struct arg args[5], const char *text, const u8 *memory)
{
	struct vm_thread *t = vm_thread_new(0);
	u8 ours[BYTES], kernel[BYTES];
	s64 want = 0, got;
	const char *why;
	u64 r[5];

	memcpy(ours, memory, BYTES);
	memcpy(kernel, memory, BYTES);
	for (u32 i = 0; i < 5; i++)
		r[i] = args[i].kind == NUMBER ? args[i].v :
		       args[i].kind == MEMORY ? P(ours + args[i].v) :
						P(text + args[i].v);
	if (!kernel_call(id, args, text, kernel, &want))
		fail_msg("%s: the kernel does not run it", name);
	got = (s64)vm_helper_builtin(id, &why)(t, r[0], r[1], r[2], r[3], r[4]);
	if (got != want || memcmp(ours, kernel, BYTES) != 0)
		fail_msg("%s: ours %lld '%.64s', kernel %lld '%.64s'", name, (long long)got, ours,
			 (long long)want, kernel);
	vm_thread_free(t);
}

static void test_numbers(void **state)
{
	static const char *const texts[] = {
		"0",	"42",	" 42",	"\t-7x",    "+5",   "-0",    "- 1",  "--1",   "0x1f",  "0X1F",
		"0xg",	"0x",	"017",	"08",	    "-0x10", "9",    "zz",   "",      " ",     "\n12\n",
		"7f",	"1e5",	"00012", "18446744073709551615", "18446744073709551616", "9223372036854775807",
		"9223372036854775808", "-9223372036854775808", "-9223372036854775809", "-1",
		"0777777777777777777777", "0xffffffffffffffff", "0x10000000000000000",
	};
	static const u64 bases[] = { 0, 8, 10, 16, 2, 36, 17 };

	(void)state;
	if (!permitted())
		skip();
	for (u32 i = 0; i < ARRAY_LEN(texts); i++)
		for (u32 b = 0; b < ARRAY_LEN(bases); b++)
			for (u32 is_unsigned = 0; is_unsigned < 2; is_unsigned++) {
				u32 len = (u32)strlen(texts[i]);
				u8 memory[BYTES] = { 0 };
				struct arg args[5] = { { MEMORY, 0 }, { NUMBER, len + 1 },
						       { NUMBER, bases[b] }, { MEMORY, NUMBER_AT } };

				memcpy(memory, texts[i], len);
				compare(texts[i], is_unsigned ? ISA_FN_strtoul : ISA_FN_strtol, args, NULL,
					memory);
				/* Without the NUL, too. */
				args[1].v = len ? len : 1;
				compare(texts[i], is_unsigned ? ISA_FN_strtoul : ISA_FN_strtol, args, NULL,
					memory);
			}
}

static void test_strncmp(void **state)
{
	static const char *const pairs[][2] = {
		{ "abc", "abc" }, { "abc", "abd" }, { "abd", "abc" }, { "ab", "abc" },
		{ "abc", "ab" },  { "", "" },	    { "a", "" },      { "\xff", "a" },
	};

	(void)state;
	if (!permitted())
		skip();
	for (u32 i = 0; i < ARRAY_LEN(pairs); i++)
		for (u64 n = 1; n < 5; n++) {
			struct arg args[5] = { { MEMORY, 0 }, { NUMBER, n }, { TEXT, 0 } };
			u8 memory[BYTES] = { 0 };

			strcpy((char *)memory, pairs[i][0]);
			compare(pairs[i][0], ISA_FN_strncmp, args, pairs[i][1], memory);
		}
}

static void test_snprintf(void **state)
{
	static const struct {
		const char *fmt;
		u32 n;
		u64 args[4];
	} cases[] = {
		{ "plain", 0, { 0 } },
		{ "100%%", 0, { 0 } },
		{ "%d|%i|%u", 3, { 0xffffffff, (u64)-5, 0xfffffffe } },
		{ "%x|%X|%#x", 3, { 0xbeef, 0xbeef, 0xbeef } },
		{ "%ld|%lu|%lx", 3, { ~0ull, ~0ull, ~0ull } },
		{ "%lld|%llu|%llX", 3, { 1ull << 63, 1ull << 63, 1ull << 63 } },
		{ "%5d|%-5d|%05d", 3, { 42, 42, 42 } },
		{ "%+d|% d|%#o", 2, { 7, 7 } },
		{ "%+d|% d", 2, { 7, 7 } },
		{ "%c%c%c", 3, { 'a', 'b', 'c' } },
		{ "%3c|%-3c|", 2, { 'a', 'b' } },
		{ "%px", 1, { 0x1234 } },
		{ "%hd", 1, { 1 } },
		{ "%hhd", 1, { 1 } },
		{ "%f", 1, { 1 } },
		{ "%", 0, { 0 } },
		{ "%d", 0, { 0 } },
		{ "%d %d", 1, { 1 } },
		{ "%d", 2, { 1, 2 } },
		{ "%10x|%-10x|%010x", 3, { 255, 255, 255 } },
		{ "a%db%dc%dd%d", 4, { 1, 2, 3, 4 } },
		{ "%020lld", 1, { (u64)-123 } },
		{ "%*d", 2, { 5, 6 } },
		{ "%.3d", 1, { 5 } },
		{ "%s", 1, { 0 } },
		{ "%p", 1, { 0 } },
		{ "%pxa", 1, { 0 } },
		{ "%pa", 1, { 0 } },
		{ "%pks|%pus", 2, { 0, 0 } },
		{ "%pksx", 1, { 0 } },
		{ "%20px|%-20px|", 2, { 4096, 4096 } },
		{ "%z", 1, { 0 } },
		{ "%zu", 1, { 0 } },
		{ "%l", 1, { 0 } },
		{ "%llld", 1, { 5 } },
		{ "% %", 0, { 0 } },
		{ "%5%", 0, { 0 } },
		{ "\a", 0, { 0 } },
		{ "tab\tnewline\n", 0, { 0 } },
	};
	static const u64 sizes[] = { 64, 8, 1, 0 };

	(void)state;
	if (!permitted())
		skip();
	for (u32 i = 0; i < ARRAY_LEN(cases); i++)
		for (u32 z = 0; z < ARRAY_LEN(sizes); z++) {
			struct arg args[5] = { { MEMORY, 0 }, { NUMBER, sizes[z] }, { TEXT, 0 },
					       { MEMORY, ARGS_AT }, { NUMBER, cases[i].n * 8 } };
			u8 memory[BYTES] = { 0 };
			const char *why;
			s64 ours;

			memcpy(memory + ARGS_AT, cases[i].args, sizeof(cases[i].args));
			/* A constant format that is wrong is refused when the program is loaded there. */
			if (z == 0) {
				struct vm_thread *t = vm_thread_new(0);
				u8 copy[BYTES], scratch[BYTES];
				s64 ret;
				bool runs;

				memcpy(copy, memory, BYTES);
				memcpy(scratch, memory, BYTES);
				runs = kernel_call(ISA_FN_snprintf, args, cases[i].fmt, copy, &ret);
				ours = (s64)vm_helper_builtin(ISA_FN_snprintf, &why)(
					t, P(scratch), 64, P(cases[i].fmt), P(scratch + ARGS_AT),
					cases[i].n * 8);
				vm_thread_free(t);
				if (runs != (ours >= 0))
					fail_msg("'%s': ours %lld, the kernel %s", cases[i].fmt,
						 (long long)ours, runs ? "runs it" : "refuses it");
				if (!runs)
					break;
			}
			compare(cases[i].fmt, ISA_FN_snprintf, args, cases[i].fmt, memory);
		}
}

static u32 folded(u64 sum)
{
	u32 x = (u32)sum;

	x = (x & 0xffff) + (x >> 16);
	return (x & 0xffff) + (x >> 16);
}

/* Kernels before 6.13 do not fold the sum: what it folds to is the same. */
static void test_csum(void **state)
{
	u64 x = 88172645463325252ull;

	(void)state;
	if (!permitted())
		skip();
	for (u32 i = 0; i < 60; i++) {
		u32 from = i % 5 * 4, to = i / 5 % 4 * 4;
		struct arg args[5] = { { MEMORY, 0 }, { NUMBER, from }, { MEMORY, 64 }, { NUMBER, to } };
		struct vm_thread *t = vm_thread_new(0);
		u8 memory[BYTES] = { 0 };
		const char *why;
		s64 want = 0, got;

		for (u32 k = 0; k < ARGS_AT; k++) {
			x = x * 6364136223846793005ull + 1442695040888963407ull;
			memory[k] = i % 3 ? (u8)(x >> 33) : i % 2 ? 0xff : 0;
		}
		args[4].v = i % 7 ? (u32)x : 0;
		got = (s64)vm_helper_builtin(ISA_FN_csum_diff, &why)(t, P(memory), from, P(memory + 64), to,
								      args[4].v);
		if (!kernel_call(ISA_FN_csum_diff, args, NULL, memory, &want))
			fail_msg("round %u: the kernel does not run it", i);
		if (want < 0 || got < 0 ? want != got : folded((u64)want) != (u64)got)
			fail_msg("round %u: %u and %u bytes: ours %llx, kernel %llx", i, from, to,
				 (unsigned long long)got, (unsigned long long)want);
		vm_thread_free(t);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_strncmp),
		cmocka_unit_test(test_snprintf),
		cmocka_unit_test(test_csum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
