/* Random programs: the interpreter, in each policy, against the slow machine of bpf_machine.c. */
#include "vm/vm.h"

#include "bpf_machine.c"

#include <setjmp.h>
#include <cmocka.h>

enum { PROGRAMS = 1500, LENGTH = 60, DATA_REGS = 9, MEMORY = 64 };

static u64 next(u64 *seed)
{
	*seed ^= *seed << 13;
	*seed ^= *seed >> 7;
	*seed ^= *seed << 17;
	return *seed;
}

static u64 number(u64 *seed)
{
	static const u64 edges[] = { 0,
				     1,
				     2,
				     31,
				     32,
				     63,
				     64,
				     0x7fffffff,
				     0x80000000,
				     0xffffffff,
				     0x7fffffffffffffff,
				     0x8000000000000000,
				     0xffffffffffffffff };
	u64 r = next(seed);

	return r & 1 ? edges[(r >> 8) % ARRAY_LEN(edges)] : next(seed) >> (r >> 8) % 64;
}

static struct isa_insn random_alu(u64 *seed)
{
	static const enum isa_alu ops[] = { ISA_ADD, ISA_SUB, ISA_MUL, ISA_DIV, ISA_OR,
					    ISA_AND, ISA_LSH, ISA_RSH, ISA_NEG, ISA_MOD,
					    ISA_XOR, ISA_MOV, ISA_ARSH };
	u64 r = next(seed);
	enum isa_alu op = ops[r % ARRAY_LEN(ops)];
	bool is64 = r >> 8 & 1, is_signed = r >> 9 & 1;
	u8 dst = (u8)((r >> 16) % DATA_REGS), src = (u8)((r >> 24) % DATA_REGS);
	struct isa_insn i;
	s32 imm = (s32)number(seed);

	if ((r >> 10) % 16 == 0)
		return isa_endian(dst, r >> 32 & 1, (u8)(16 << (r >> 33) % 3));
	if ((r >> 10) % 16 == 1)
		return isa_bswap(dst, (u8)(16 << (r >> 33) % 3));
	if ((r >> 10) % 16 == 2)
		return isa_mov_sx(is64, dst, src, (u8)(8 << (r >> 33) % (is64 ? 3 : 2)));
	if (op == ISA_NEG)
		return isa_alu_imm(is64, op, dst, 0);
	if (op == ISA_LSH || op == ISA_RSH || op == ISA_ARSH)
		imm &= is64 ? 63 : 31;
	if ((op == ISA_DIV || op == ISA_MOD) && !imm)
		imm = -1;
	i = r >> 40 & 1 ? isa_alu_reg(is64, op, dst, src) : isa_alu_imm(is64, op, dst, imm);
	if ((op == ISA_DIV || op == ISA_MOD) && is_signed)
		i.off = 1;
	return i;
}

static struct isa_insn random_access(u64 *seed)
{
	static const s32 atomics[] = { ISA_ATOMIC_ADD,
				       ISA_ATOMIC_OR,
				       ISA_ATOMIC_AND,
				       ISA_ATOMIC_XOR,
				       ISA_ATOMIC_ADD | ISA_FETCH,
				       ISA_ATOMIC_OR | ISA_FETCH,
				       ISA_ATOMIC_AND | ISA_FETCH,
				       ISA_ATOMIC_XOR | ISA_FETCH,
				       ISA_XCHG,
				       ISA_CMPXCHG };
	u64 r = next(seed);
	u8 bytes = (u8)(1 << r % 4), reg = (u8)((r >> 8) % DATA_REGS);
	s16 off = (s16)((r >> 16) % (MEMORY / bytes) * bytes);
	u8 base = ISA_R9;

	if (r >> 32 & 1) {
		base = ISA_R10;
		off = (s16)(off - MEMORY);
	}
	switch ((r >> 40) % 5) {
	case 0: return isa_load(bytes, reg, base, off);
	case 1: return bytes < 8 ? isa_load_sx(bytes, reg, base, off) : isa_load(8, reg, base, off);
	case 2: return isa_store(bytes, base, off, reg);
	case 3: return isa_store_imm(bytes, base, off, (s32)number(seed));
	default: break;
	}
	if (bytes < 4)
		return isa_store(bytes, base, off, reg);
	return isa_atomic(bytes, atomics[(r >> 48) % ARRAY_LEN(atomics)], base, off, reg);
}

static struct isa_insn random_jump(u64 *seed, u32 left)
{
	static const enum isa_jmp ops[] = { ISA_JEQ,  ISA_JGT, ISA_JGE, ISA_JSET, ISA_JNE, ISA_JSGT,
					    ISA_JSGE, ISA_JLT, ISA_JLE, ISA_JSLT, ISA_JSLE };
	u64 r = next(seed);
	s16 off = (s16)(r % (left < 8 ? left : 8));
	enum isa_jmp op = ops[(r >> 8) % ARRAY_LEN(ops)];
	u8 dst = (u8)((r >> 16) % DATA_REGS), src = (u8)((r >> 24) % DATA_REGS);

	if ((r >> 32) % 8 == 0)
		return isa_jump(off);
	if (r >> 40 & 1)
		return isa_jump_reg(r >> 41 & 1, op, dst, src, off);
	return isa_jump_imm(r >> 41 & 1, op, dst, (s32)number(seed), off);
}

/* r9 is the context, r0 to r8 hold numbers; at the end all of them are folded into r0. */
static u32 make(struct isa_insn out[256], u64 seed)
{
	u32 n = 0;

	out[n++] = isa_alu_reg(true, ISA_MOV, ISA_R9, ISA_R1);
	for (u8 reg = 0; reg < DATA_REGS; reg++, n += 2)
		isa_ld_imm64(out + n, reg, ISA_IMM64, number(&seed));
	for (s16 off = -MEMORY; off < 0; off = (s16)(off + 8))
		out[n++] = isa_store(8, ISA_R10, off, (u8)((u16)-off / 8 % DATA_REGS));
	for (u32 k = 0; k < LENGTH; k++) {
		u64 r = next(&seed) % 8;

		/* A move in front of what it is often followed by. */
		if (r == 0) {
			struct isa_insn i = random_alu(&seed);
			bool is64 = isa_class(i) == ISA_ALU64;

			out[n++] = isa_alu_reg(is64, ISA_MOV, i.dst, (u8)(next(&seed) % DATA_REGS));
			out[n++] = i;
			continue;
		}
		out[n++] = r < 5   ? random_alu(&seed)
			   : r < 7 ? random_access(&seed)
				   : random_jump(&seed, LENGTH - k);
	}
	for (u8 reg = 1; reg < DATA_REGS; reg++) {
		out[n++] = isa_alu_imm(true, ISA_MUL, ISA_R0, 31);
		out[n++] = isa_alu_reg(true, ISA_ADD, ISA_R0, reg);
	}
	out[n++] = isa_exit();
	return n;
}

static void fill(u8 mem[MEMORY], u64 seed)
{
	for (u32 i = 0; i < MEMORY; i++)
		mem[i] = (u8)(next(&seed) >> 32);
}

static void compare(struct vm_thread *t, const struct isa_insn *code, u32 n, u64 seed,
		    struct machine *m)
{
	static const struct vm_limits policies[] = { { 0 },
						     { .budget = 1000 },
						     { .checked = true } };
	struct vm_spec spec = { .insns = code, .n = n };
	u8 mem[MEMORY] __attribute__((aligned(8))), after[MEMORY];
	struct vm_prog *p;
	struct err e;
	u64 want, got;

	fill(mem, seed);
	*m = (struct machine){ .code = code, .n = n, .ctx = mem, .ctx_size = MEMORY };
	want = machine_run(m);
	if (m->wrong[0])
		fail_msg("seed %llu: the reference: %s", (unsigned long long)seed, m->wrong);
	memcpy(after, mem, MEMORY);
	if (vm_prog_new(&spec, &p, &e) != 0)
		fail_msg("seed %llu: %s", (unsigned long long)seed, e.msg);
	for (u32 k = 0; k < ARRAY_LEN(policies); k++) {
		fill(mem, seed);
		if (vm_run(p, t, mem, MEMORY, &policies[k], &got, &e) != 0)
			fail_msg("seed %llu, policy %u: %s", (unsigned long long)seed, k, e.msg);
		if (got != want || memcmp(mem, after, MEMORY) != 0)
			fail_msg("seed %llu, policy %u: another result", (unsigned long long)seed,
				 k);
	}
	vm_prog_free(p);
}

static void test_random(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	struct isa_insn code[256];
	static struct machine m;

	(void)state;
	assert_non_null(t);
	for (u64 k = 1; k <= PROGRAMS; k++) {
		u64 seed = k * 0x9e3779b97f4a7c15ull;
		u32 n = make(code, seed);

		compare(t, code, n, seed, &m);
	}
	vm_thread_free(t);
}

/* Noise instead of programs: bound or refused, run or stopped, but never more than that. */
static void test_noise(void **state)
{
	struct vm_thread *t = vm_thread_new(0);
	struct vm_limits limits = { .budget = 500, .checked = true };
	u64 seed = 88172645463325252ull, mem[8] = { 0 }, out;
	u32 bound = 0, ended = 0;

	(void)state;
	for (u32 k = 0; k < 60000; k++) {
		struct isa_insn code[12];
		struct vm_spec spec = { .insns = code, .n = ARRAY_LEN(code), .lenient = true };
		struct vm_prog *p;
		struct err e;

		for (u32 i = 0; i < spec.n; i++) {
			u64 r = next(&seed);
			const struct isa_opcode *row = isa_opcode_at((u32)(r % isa_opcode_count()));

			code[i] = (struct isa_insn){ .code = row->code,
						     .off = row->off,
						     .imm = row->imm };
			code[i].src = row->src & 15;
			if (row->operands & ISA_USES_DST)
				code[i].dst = (r >> 16) % 11 & 15;
			if (row->operands & ISA_USES_SRC)
				code[i].src = (r >> 24) % 11 & 15;
			if (row->operands & ISA_USES_OFF)
				code[i].off = (s16)((s64)((r >> 32) % 9) - 4);
			if (row->operands & ISA_USES_IMM)
				code[i].imm = (s32)((s64)((r >> 40) % 200) - 10);
		}
		if (vm_prog_new(&spec, &p, &e) != 0)
			continue;
		bound++;
		ended += vm_run(p, t, mem, sizeof(mem), &limits, &out, &e) == 0;
		vm_prog_free(p);
	}
	assert_true(bound > 100);
	assert_true(ended > 10);
	vm_thread_free(t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_random),
		cmocka_unit_test(test_noise),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
