/* Unit tests of vm: arithmetic at its edges, what is refused when a program is bound, budgets,
 * stray accesses, maps, tail calls and callbacks. */
#include "vm/vm.h"

#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

/* ---- fixture ------------------------------------------------------------------------------------
 */

struct rig {
	struct arena *a;
	struct vm_thread *t;
	struct maps_map *maps[4];
	u32 n_maps;
	const struct vm_helper *extra;
	u32 n_extra;
	bool lenient;
	struct err e;
};

static void rig_open(struct rig *r)
{
	*r = (struct rig){ .a = arena_new(NULL), .t = vm_thread_new(1) };
	assert_non_null(r->t);
}

static void rig_close(struct rig *r)
{
	for (u32 i = 0; i < r->n_maps; i++)
		maps_put(r->maps[i]);
	vm_thread_free(r->t);
	arena_free(r->a);
}

static struct maps_map *rig_map(struct rig *r, u32 type, u32 key, u32 value, u32 entries)
{
	struct maps_spec spec = { .name = STR("m"),
				  .type = type,
				  .key_size = key,
				  .value_size = value,
				  .max_entries = entries,
				  .n_slots = 2 };

	if (maps_create(&spec, &r->maps[r->n_maps], &r->e) != 0)
		fail_msg("map of type %u: %s", type, r->e.msg);
	return r->maps[r->n_maps++];
}

/* Assembles and binds; NULL, with r->e, when it is refused. */
static struct vm_prog *rig_prog(struct rig *r, const char *text)
{
	struct isa_text out = { 0 };
	struct sources ss;
	struct diags dx;
	struct vm_spec spec = { .maps = r->maps,
				.n_maps = r->n_maps,
				.extra = r->extra,
				.n_extra = r->n_extra,
				.lenient = r->lenient };
	struct vm_prog *p;

	sources_init(&ss, r->a);
	diags_init(&dx, r->a, &ss);
	if (!isa_assemble(r->a, &dx, sources_add(&ss, STR("test"), str_of(text)), &out))
		fail_msg("does not assemble: %s", text);
	spec.insns = out.insns.at;
	spec.n = out.insns.n;
	r->e = (struct err){ 0 };
	return vm_prog_new(&spec, &p, &r->e) == 0 ? p : NULL;
}

static int rig_run(struct rig *r, const char *text, void *ctx, u32 size, struct vm_limits limits,
		   u64 *out)
{
	struct vm_prog *p = rig_prog(r, text);
	int err;

	if (!p)
		fail_msg("%s: %s", text, r->e.msg);
	err = vm_run(p, r->t, ctx, size, &limits, out, &r->e);
	vm_prog_free(p);
	return err;
}

/* ---- arithmetic ---------------------------------------------------------------------------------
 */

static u64 op64(u8 op, bool is_signed, u64 a, u64 b)
{
	s64 x = (s64)a, y = (s64)b;
	bool over = a == 1ull << 63 && y == -1;

	switch (op) {
	case ISA_ADD: return a + b;
	case ISA_SUB: return a - b;
	case ISA_MUL: return a * b;
	case ISA_DIV:
		if (!b)
			return 0;
		return !is_signed ? a / b : over ? a : (u64)(x / y);
	case ISA_MOD:
		if (!b)
			return a;
		return !is_signed ? a % b : over ? 0 : (u64)(x % y);
	case ISA_OR: return a | b;
	case ISA_AND: return a & b;
	case ISA_XOR: return a ^ b;
	case ISA_LSH: return a << (b % 64);
	case ISA_RSH: return a >> (b % 64);
	case ISA_ARSH: return (u64)(x >> (b % 64));
	default: return b;
	}
}

static u64 op32(u8 op, bool is_signed, u32 a, u32 b)
{
	switch (op) {
	case ISA_LSH: return a << (b % 32);
	case ISA_RSH: return a >> (b % 32);
	case ISA_ARSH: return (u32)((s32)a >> (b % 32));
	default: break;
	}
	if (is_signed)
		return (u32)op64(op, true, (u64)(s64)(s32)a, (u64)(s64)(s32)b);
	return (u32)op64(op, false, a, b);
}

static const u64 edges[] = { 0,
			     1,
			     2,
			     7,
			     31,
			     32,
			     33,
			     63,
			     64,
			     0x7f,
			     0x80,
			     0xffff,
			     0x7fffffff,
			     0x80000000,
			     0x80000001,
			     0xfffffffe,
			     0xffffffff,
			     0x100000000,
			     0x123456789abcdef0,
			     0x7fffffffffffffff,
			     0x8000000000000000,
			     0x8000000080000000,
			     0xfffffffffffffff9,
			     0xffffffffffffffff };

/* r0 = ctx[0] op ctx[1] for all pairs of edges. */
static void check_op(struct rig *r, struct isa_insn i, bool is64, bool is_signed)
{
	struct isa_insn code[] = { isa_load(8, ISA_R0, ISA_R1, 0), isa_load(8, ISA_R2, ISA_R1, 8),
				   i, isa_exit() };
	struct vm_spec spec = { .insns = code, .n = ARRAY_LEN(code), .lenient = true };
	struct vm_prog *p;
	u64 got;

	if (vm_prog_new(&spec, &p, &r->e) != 0)
		fail_msg("code 0x%02x: %s", i.code, r->e.msg);
	for (u32 x = 0; x < ARRAY_LEN(edges); x++) {
		for (u32 y = 0; y < ARRAY_LEN(edges); y++) {
			u64 ctx[2] = { edges[x], edges[y] };
			u64 b = i.code & ISA_X ? edges[y] : (u64)(s64)i.imm;
			u64 want = is64 ? op64(isa_op(i), is_signed, edges[x], b)
					: op32(isa_op(i), is_signed, (u32)edges[x], (u32)b);

			assert_int_equal(vm_run(p, r->t, ctx, sizeof(ctx), NULL, &got, &r->e), 0);
			if (got != want)
				fail_msg("code 0x%02x of 0x%llx, 0x%llx: 0x%llx, not 0x%llx",
					 i.code, (unsigned long long)edges[x],
					 (unsigned long long)b, (unsigned long long)got,
					 (unsigned long long)want);
		}
	}
	vm_prog_free(p);
}

static void test_arithmetic(void **state)
{
	static const enum isa_alu ops[] = { ISA_ADD, ISA_SUB, ISA_MUL, ISA_DIV, ISA_OR,	 ISA_AND,
					    ISA_LSH, ISA_RSH, ISA_MOD, ISA_XOR, ISA_MOV, ISA_ARSH };
	static const s32 imms[] = { 0, 1, -1, 31, 64, INT32_MIN, INT32_MAX };
	struct rig r;

	(void)state;
	rig_open(&r);
	for (u32 k = 0; k < ARRAY_LEN(ops); k++) {
		for (u32 form = 0; form < 4; form++) {
			bool is64 = form & 1, is_signed = form & 2;
			struct isa_insn i = isa_alu_reg(is64, ops[k], ISA_R0, ISA_R2);

			if (is_signed && ops[k] != ISA_DIV && ops[k] != ISA_MOD)
				continue;
			i.off = is_signed;
			check_op(&r, i, is64, is_signed);
			for (u32 m = 0; m < ARRAY_LEN(imms); m++) {
				i = isa_alu_imm(is64, ops[k], ISA_R0, imms[m]);
				i.off = is_signed;
				check_op(&r, i, is64, is_signed);
			}
		}
	}
	rig_close(&r);
}

/* ---- binding ------------------------------------------------------------------------------------
 */

static void test_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
		const char *why;
	} cases[] = {
		{ "r0 = 0\ngoto +1\nexit", -EINVAL, "leads out" },
		{ "goto -2\nexit", -EINVAL, "leads out" },
		{ "call pc+5\nexit", -EINVAL, "leads out" },
		{ "r10 = 1\nexit", -EINVAL, "frame pointer" },
		{ "r10 = 1 ll\nexit", -EINVAL, "frame pointer" },
		{ "r10 = *(u64 *)(r1 + 0)\nexit", -EINVAL, "frame pointer" },
		{ "r0 = 1\nr0 <<= 64\nexit", -EINVAL, "shift count" },
		{ "w0 = 1\nw0 >>= 32\nexit", -EINVAL, "shift count" },
		{ "r0 /= 0\nexit", -EINVAL, "constant 0" },
		{ "r1 = map[idx:0]\nexit", -EINVAL, "no map" },
		{ "r1 = map_value[idx:3]\nexit", -EINVAL, "no map" },
		{ "call 113\nexit", -SKEP_EUNSUPPORTED, "bpf_probe_read_user" },
		{ "call 35\nexit", -SKEP_EUNSUPPORTED, "task_struct" },
		{ "call 86\nexit", -SKEP_EUNSUPPORTED, "sockets" },
		{ "call 99999\nexit", -SKEP_EUNSUPPORTED, "no such helper" },
		{ "call kfunc[7]\nexit", -SKEP_EUNSUPPORTED, "functions of the kernel" },
		{ ".insn 0xff, 0, 0, 0, 0\nexit", -EINVAL, "" },
		{ ".insn 0x07, 1, 3, 0, 0\nexit", -EINVAL, "" },
		{ "exit\n.insn 0x18, 1, 0, 0, 0", -EINVAL, "second half" },
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct vm_prog *p = rig_prog(&r, cases[i].text);

		if (p || r.e.code != cases[i].code || !strstr(r.e.msg, cases[i].why))
			fail_msg("%s: %s", cases[i].text, p ? "is bound" : r.e.msg);
	}
	assert_int_equal(vm_prog_new(&(struct vm_spec){ 0 }, &(struct vm_prog *){ NULL }, &r.e),
			 -EINVAL);
	rig_close(&r);
}

/* Each helper has a function or a reason, never both. */
static void test_helper_table(void **state)
{
	(void)state;
	for (u32 id = 0; id <= isa_helper_count() + 1; id++) {
		const char *why;
		vm_helper_fn fn = vm_helper_builtin(id, &why);

		if (!fn == !why)
			fail_msg("helper %u", id);
	}
}

/* ---- faults -------------------------------------------------------------------------------------
 */

static void test_faults(void **state)
{
	static const struct {
		const char *text, *want;
		int code;
	} cases[] = {
		{ "r0 = 0\nr0 = *(u64 *)(r0 + 0)\nexit",
		  "Instruction 1: a read of 8 bytes at address 0x0,", -EFAULT },
		{ "r0 = 4096\n*(u32 *)(r0 + 4) = 1\nexit",
		  "Instruction 1: a write of 4 bytes at address 0x1004,", -EFAULT },
		{ "r0 = *(u8 *)(r1 + 16)\nexit", "Instruction 0: a read of 1 bytes", -EFAULT },
		{ "r0 = *(u64 *)(r1 + 9)\nexit", "Instruction 0: a read of 8 bytes", -EFAULT },
		{ "r0 = *(u8 *)(r1 - 1)\nexit", "Instruction 0: a read of 1 bytes", -EFAULT },
		{ "*(u64 *)(r10 - 520) = 1\nexit", "Instruction 0: a write of 8 bytes", -EFAULT },
		{ "*(u64 *)(r10 - 4) = 1\nexit", "Instruction 0: a write of 8 bytes", -EFAULT },
		{ "r3 = 1\nlock *(u64 *)(r1 + 4) += r3\nexit", "not a multiple", -EFAULT },
		{ "r3 = 1\nlock *(u32 *)(r1 + 16) += r3\nexit", "a write of 4 bytes", -EFAULT },
		{ "r0 = 0", "past the end", -EFAULT },
		{ "goto +1\nr1 = 1 ll\nexit", "second half", -EFAULT },
		{ "again:\ncall again\nexit", "nest deeper", -ELOOP },
		{ "again:\ngoto again\nexit", "budget", -ETIME },
		{ "r1 = 8\nr2 = 8\ncall 16\nexit",
		  "Instruction 2: a write of 8 bytes at address 0x8,", -EFAULT },
		{ "r2 = 16\nr1 = r10\nr1 += -8\ncall 16\nexit",
		  "Instruction 3: a write of 16 bytes", -EFAULT },
		{ "r1 = 8\nr2 = r10\ncall 1\nexit", "Instruction 2: a map", -EFAULT },
		{ "r1 = 5\nr2 = 77\nr3 = 0\nr4 = 0\ncall 181\nexit", "a function to call",
		  -EFAULT },
	};
	struct rig r;

	(void)state;
	rig_open(&r);
	r.lenient = true;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		u64 ctx[2] __attribute__((aligned(8))) = { 0 }, out;
		int err = rig_run(&r, cases[i].text, ctx, sizeof(ctx),
				  (struct vm_limits){ .budget = 100 }, &out);

		if (err != cases[i].code || !strstr(r.e.msg, cases[i].want))
			fail_msg("%s: %d: %s", cases[i].text, err, r.e.msg);
	}
	rig_close(&r);
}

/* A budget of exactly what a program takes is enough; one less is not. */
static void test_budget(void **state)
{
	const char *text = "r0 = 3\nagain:\nr0 += -1\nif r0 != 0 goto again\nexit";
	struct rig r;
	u64 out;

	(void)state;
	rig_open(&r);
	assert_int_equal(rig_run(&r, text, NULL, 0, (struct vm_limits){ .budget = 8 }, &out), 0);
	assert_int_equal(rig_run(&r, text, NULL, 0, (struct vm_limits){ .budget = 7 }, &out),
			 -ETIME);
	/* Callbacks draw on the same budget. */
	text = "r1 = 1000\nr2 = func[f]\nr3 = 0\nr4 = 0\ncall 181\nexit\nf:\nr0 = 0\nexit";
	assert_int_equal(rig_run(&r, text, NULL, 0, (struct vm_limits){ .budget = 2006 }, &out), 0);
	assert_int_equal(out, 1000);
	assert_int_equal(rig_run(&r, text, NULL, 0, (struct vm_limits){ .budget = 2000 }, &out),
			 -ETIME);
	rig_close(&r);
}

/* ---- maps, calls
 * --------------------------------------------------------------------------------- */

#define EACH_POLICY(limits)                                                                        \
	for (u32 policy = 0; policy < 3; policy++)                                                 \
		for (struct vm_limits limits = { .budget = policy == 1 ? 100000 : 0,               \
						 .checked = policy == 2 },                         \
				      *once = &limits;                                             \
		     once; once = NULL)

static void test_map_values(void **state)
{
	struct rig r;
	u64 out, value = 0;
	u32 key = 0;

	(void)state;
	rig_open(&r);
	rig_map(&r, ISA_MAP_ARRAY, 4, 16, 1);
	rig_map(&r, ISA_MAP_HASH, 4, 8, 16);
	EACH_POLICY(limits)
	{
		assert_int_equal(
			rig_run(&r,
				"r1 = map_value[idx:0] + 8\nr2 = 41\n*(u64 *)(r1 + 0) = r2\n"
				"r0 = *(u64 *)(r1 + 0)\nr0 += 1\nexit",
				NULL, 0, limits, &out),
			0);
		assert_int_equal(out, 42);
		assert_int_equal(rig_run(&r,
					 "*(u32 *)(r10 - 4) = 7\n*(u64 *)(r10 - 16) = 5\nr1 = "
					 "map[idx:1]\nr2 = r10\n"
					 "r2 += -4\nr3 = r10\nr3 += -16\nr4 = 0\ncall 2\nr1 = "
					 "map[idx:1]\nr2 = r10\n"
					 "r2 += -4\ncall 1\nif r0 == 0 goto none\nr1 = *(u64 *)(r0 "
					 "+ 0)\nr1 += 1\n"
					 "*(u64 *)(r0 + 0) = r1\nr0 = r1\nnone:\nexit",
					 NULL, 0, limits, &out),
				 0);
		assert_int_equal(out, 6);
	}
	key = 7;
	memcpy(&value, maps_lookup(r.maps[1], &(struct maps_thread){ 0 }, &key), 8);
	assert_int_equal(value, 6);
	/* One byte beyond a value is a stray access. */
	assert_int_equal(rig_run(&r, "r1 = map_value[idx:0] + 15\nr0 = *(u16 *)(r1 + 0)\nexit",
				 NULL, 0, (struct vm_limits){ .checked = true }, &out),
			 -EFAULT);
	assert_null(rig_prog(&r, "r1 = map_value[idx:0] + 16\nexit"));
	assert_null(rig_prog(&r, "r1 = map_value[idx:1]\nexit"));
	rig_close(&r);
}

static void test_callbacks(void **state)
{
	struct rig r;
	u64 out;

	(void)state;
	rig_open(&r);
	rig_map(&r, ISA_MAP_ARRAY, 4, 8, 5);
	EACH_POLICY(limits)
	{
		/* Each element gets its key plus one; the sum grows in the caller's stack. */
		assert_int_equal(rig_run(&r,
					 "*(u64 *)(r10 - 8) = 0\nr6 = 9\nr1 = map[idx:0]\nr2 = "
					 "func[f]\nr3 = r10\nr3 += -8\n"
					 "r4 = 0\ncall 164\nr1 = *(u64 *)(r10 - 8)\nr0 *= 100\nr0 "
					 "+= r1\nr0 += r6\nexit\n"
					 "f:\nr6 = *(u32 *)(r2 + 0)\nr6 += 1\n*(u64 *)(r3 + 0) = "
					 "r6\nr1 = *(u64 *)(r4 + 0)\n"
					 "r1 += r6\n*(u64 *)(r4 + 0) = r1\nr0 = 0\nexit",
					 NULL, 0, limits, &out),
				 0);
		assert_int_equal(out, 500 + 15 + 9);
		/* A callback that returns 1 ends the loop. */
		assert_int_equal(rig_run(&r,
					 "r1 = 10\nr2 = func[f]\nr3 = 0\nr4 = 0\ncall "
					 "181\nexit\nf:\nr0 = 0\n"
					 "if r1 < 3 goto +1\nr0 = 1\nexit",
					 NULL, 0, limits, &out),
				 0);
		assert_int_equal(out, 4);
	}
	rig_close(&r);
}

static void test_tail_calls(void **state)
{
	struct vm_prog *self, *other;
	struct maps_map *m;
	u64 counter, out;
	struct rig r;

	(void)state;
	rig_open(&r);
	m = rig_map(&r, ISA_MAP_PROG_ARRAY, 4, 4, 4);
	self = rig_prog(
		&r,
		"r2 = *(u64 *)(r1 + 0)\nr2 += 1\n*(u64 *)(r1 + 0) = r2\nr2 = map[idx:0]\nr3 = 0\n"
		"call 12\nr0 = 5\nexit");
	other = rig_prog(
		&r,
		"r2 = map[idx:0]\nr3 = 3\ncall 12\nr2 = map[idx:0]\nr3 = 9\ncall 12\nr0 = 8\nexit");
	assert_non_null(self);
	assert_non_null(other);
	assert_int_equal(maps_sys_set_prog(m, 0, self), 0);
	EACH_POLICY(limits)
	{
		counter = 0;
		assert_int_equal(vm_run(self, r.t, &counter, 8, &limits, &out, &r.e), 0);
		assert_int_equal(out, 5);
		assert_int_equal(counter, 34);
		assert_int_equal(vm_run(other, r.t, &counter, 8, &limits, &out, &r.e), 0);
		assert_int_equal(out, 8);
	}
	vm_prog_free(self);
	vm_prog_free(other);
	rig_close(&r);
}

static u64 extra_sum(struct vm_thread *t, u64 a, u64 b, u64 c, u64 d, u64 e)
{
	(void)t;
	return a + b + c + d + e;
}

static void test_extra_helpers(void **state)
{
	static const struct vm_helper extra[] = { { 1000, extra_sum },
						  { ISA_FN_get_current_task, extra_sum } };
	struct rig r;
	u64 out;

	(void)state;
	rig_open(&r);
	r.extra = extra;
	r.n_extra = ARRAY_LEN(extra);
	EACH_POLICY(limits)
	{
		assert_int_equal(rig_run(&r,
					 "r1 = 1\nr2 = 2\nr3 = 3\nr4 = 4\nr5 = 5\ncall 1000\nr6 = "
					 "r0\nr1 = 1\nr2 = 0\n"
					 "r3 = 0\nr4 = 0\nr5 = 0\ncall 35\nr0 += r6\nexit",
					 NULL, 0, limits, &out),
				 0);
		assert_int_equal(out, 16);
	}
	rig_close(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_arithmetic),    cmocka_unit_test(test_refused),
		cmocka_unit_test(test_helper_table),  cmocka_unit_test(test_faults),
		cmocka_unit_test(test_budget),	      cmocka_unit_test(test_map_values),
		cmocka_unit_test(test_callbacks),     cmocka_unit_test(test_tail_calls),
		cmocka_unit_test(test_extra_helpers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
