/* The verifier's rules, one by one: a program that keeps the rule and one that breaks it, with the
 * tag, the instruction and a part of the message that the refusal must have.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "base/base.h"
#include "verify/verify.h"

static const struct {
	const char *name, *code;
	u32 prog, tag, insn;
	const char *message;
} cases[] = {
#define LOOKUP	"*(u64 *)(r10 - 8) = 0\nr2 = r10\nr2 += -8\nr1 = map[m]\ncall bpf_map_lookup_elem\n"
#define PACKET	"r2 = *(u32 *)(r1 + 0)\nr3 = *(u32 *)(r1 + 4)\nr4 = r2\nr4 += 8\n"
#define RESERVE "r1 = map[ring]\nr2 = 8\nr3 = 0\ncall bpf_ringbuf_reserve\nif r0 == 0 goto out\n"
#define SF	ISA_PROG_SOCKET_FILTER
	{ "return 0", "r0 = 0\nexit\n", SF, V_NONE, 0, "" },
	{ "no return value", "exit\n", SF, V_UNINIT_REG, 0, "without a return value" },
	{ "unset register", "r0 = r3\nexit\n", SF, V_UNINIT_REG, 0, "r3 is read" },
	{ "frame pointer", "r10 += 1\nr0 = 0\nexit\n", SF, V_FRAME_POINTER, 0, "r10" },
	{ "runs on", "r0 = 0\n", SF, V_FALL_OFF, 0, "last instruction" },
	{ "unreachable", "r0 = 0\nexit\nr0 = 1\nexit\n", SF, V_UNREACHABLE, 2, "Nothing leads" },
	{ "jump out", "r0 = 0\nif r0 == 0 goto +5\nexit\n", SF, V_JUMP, 1, "outside" },
	{ "division by 0", "r0 = 1\nr0 /= 0\nexit\n", SF, V_DIV_ZERO, 1, "constant 0" },
	{ "shift", "r0 = 1\nr0 <<= 64\nexit\n", SF, V_SHIFT, 1, "64 bits by 64" },
	{ "bounded loop", "r0 = 0\nloop:\nr0 += 1\nif r0 < 100 goto loop\nexit\n", SF, V_NONE, 0,
	  "" },
	{ "endless loop", "r0 = 0\nloop:\nr1 = 1\nif r0 == 0 goto loop\nexit\n", SF, V_LOOP, 1,
	  "never ends" },
	{ "null checked", LOOKUP "if r0 == 0 goto out\n*(u64 *)(r0 + 0) = 1\nout:\nr0 = 0\nexit\n",
	  SF, V_NONE, 0, "" },
	{ "null unchecked", LOOKUP "*(u64 *)(r0 + 0) = 1\nr0 = 0\nexit\n", SF, V_NULL, 6,
	  "without a check" },
	{ "value bounds", LOOKUP "if r0 == 0 goto out\n*(u64 *)(r0 + 8) = 1\nout:\nr0 = 0\nexit\n",
	  SF, V_VALUE_BOUNDS, 7, "8 bytes at offset 8" },
	{ "masked index",
	  LOOKUP "if r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\nr1 &= 7\nr0 += r1\n"
		 "*(u8 *)(r0 + 0) = 1\nout:\nr0 = 0\nexit\n",
	  SF, V_NONE, 0, "" },
	{ "wild index",
	  LOOKUP "if r0 == 0 goto out\nr1 = *(u64 *)(r0 + 0)\nr0 += r1\n"
		 "*(u8 *)(r0 + 0) = 1\nout:\nr0 = 0\nexit\n",
	  SF, V_OFFSET, 8, "lower bound" },
	{ "packet checked",
	  PACKET "if r4 > r3 goto out\nr0 = *(u64 *)(r2 + 0)\nout:\nr0 = 2\nexit\n", ISA_PROG_XDP,
	  V_NONE, 0, "" },
	{ "packet unchecked", PACKET "r0 = *(u64 *)(r2 + 0)\nr0 = 2\nexit\n", ISA_PROG_XDP,
	  V_PACKET_BOUNDS, 4, "only 0 were checked" },
	{ "packet one too far",
	  PACKET "if r4 > r3 goto out\nr0 = *(u64 *)(r2 + 1)\nout:\nr0 = 2\n"
		 "exit\n",
	  ISA_PROG_XDP, V_PACKET_BOUNDS, 5, "only 8" },
	{ "released", RESERVE "r1 = r0\nr2 = 0\ncall bpf_ringbuf_submit\nout:\nr0 = 0\nexit\n", SF,
	  V_NONE, 0, "" },
	{ "not released", RESERVE "out:\nr0 = 0\nexit\n", SF, V_REF_LEAK, 7, "never released" },
	{ "released twice",
	  RESERVE "r6 = r0\nr1 = r0\nr2 = 0\ncall bpf_ringbuf_submit\nr1 = r6\n"
		  "r2 = 0\ncall bpf_ringbuf_submit\nout:\nr0 = 0\nexit\n",
	  SF, V_HELPER_ARG, 12, "unmoved" },
	{ "stack bounds", "*(u64 *)(r10 - 520) = 0\nr0 = 0\nexit\n", SF, V_STACK_BOUNDS, 0, "512" },
	{ "stack alignment", "*(u64 *)(r10 - 12) = 0\nr0 = 0\nexit\n", SF, V_ALIGN, 0,
	  "not aligned" },
	{ "context field", "r0 = *(u32 *)(r1 + 0)\nexit\n", SF, V_NONE, 0, "" },
	{ "no such field", "r0 = *(u32 *)(r1 + 76)\nexit\n", SF, V_CTX_FIELD, 0, "__sk_buff" },
	{ "moved context", "r1 += 4\nr0 = *(u32 *)(r1 + 0)\nexit\n", SF, V_CTX_MODIFIED, 1,
	  "moved" },
	{ "a number is no pointer", "r1 = 4096\nr0 = *(u32 *)(r1 + 0)\nexit\n", SF, V_NOT_POINTER,
	  1, "not a pointer" },
	{ "pointer times 2", "r1 *= 2\nr0 = 0\nexit\n", SF, V_POINTER_ALU, 0, "not possible" },
	{ "pointer plus pointer", "r1 += r1\nr0 = 0\nexit\n", SF, V_POINTER_ALU, 0,
	  "Two pointers" },
	{ "variable stack offset",
	  "r2 = *(u32 *)(r1 + 0)\nr2 &= 7\nr2 += -16\nr2 += r10\n"
	  "*(u64 *)(r2 + 0) = 0\nr0 = 0\nexit\n",
	  SF, V_ALIGN, 4, "not aligned" },
	{ "no helper", "call 9999\nr0 = 0\nexit\n", SF, V_HELPER, 0, "no helper 9999" },
	{ "helper of others", "r2 = 0\ncall bpf_xdp_adjust_head\nr0 = 0\nexit\n", SF, V_HELPER, 1,
	  "bpf_xdp_adjust_head" },
	{ "key is no memory", "r2 = 1\nr1 = map[m]\ncall bpf_map_lookup_elem\nr0 = 0\nexit\n", SF,
	  V_NOT_POINTER, 3, "a number" },
	{ "return range", "r0 = 5\nexit\n", ISA_PROG_CGROUP_SOCK, V_RETURN, 1, "0 to 1" },
	{ "behind the packet's end",
	  PACKET "if r4 > r3 goto far\nr0 = *(u64 *)(r2 + 0)\nr0 = 2\nexit\nfar:\n"
		 "if r3 < r4 goto out\nr0 = *(u64 *)(r2 + 0)\nout:\nr0 = 2\nexit\n",
	  ISA_PROG_XDP, V_NONE, 0, "" },
	{ "before the packet's end again",
	  PACKET "if r4 > r3 goto far\nr0 = 2\nexit\nfar:\nr4 += -8\n"
		 "if r3 < r4 goto out\nr0 = *(u64 *)(r2 + 8)\nout:\nr0 = 2\nexit\n",
	  ISA_PROG_XDP, V_PACKET_BOUNDS, 9, "only 0" },
	{ "unaligned atomic", LOOKUP "if r0 == 0 goto out\nr1 = 1\nlock *(u32 *)(r0 + 2) += r1\nout:\nr0 = 0\nexit\n",
	  SF, V_ALIGN, 8, "not aligned" },
	{ "the same in each round",
	  "*(u64 *)(r10 - 8) = 0\nr1 = *(u32 *)(r1 + 0)\nr2 = func[f]\nr3 = r10\nr3 += -8\nr4 = 0\n"
	  "call bpf_loop\nr0 = 0\nexit\nf:\nr0 = 0\nif r1 > 5 goto g\nr0 = 1\ng:\nexit\n",
	  ISA_PROG_XDP, V_NONE, 0, "" },
	{ "no round",
	  "r1 = 0\nr2 = func[f]\nr3 = r10\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit\nf:\n"
	  "*(u64 *)(r2 + 0) = 0\nr0 = 0\nexit\n", ISA_PROG_XDP, V_NONE, 0, "" },
	{ "one round",
	  "r1 = 1\nr2 = func[f]\nr3 = r10\nr4 = 0\ncall bpf_loop\nr0 = 0\nexit\nf:\n"
	  "*(u64 *)(r2 + 0) = 0\nr0 = 0\nexit\n", ISA_PROG_XDP, V_STACK_BOUNDS, 8, "512" },
	{ "number to write", "*(u64 *)(r10 - 16) = 0x31\nr1 = r10\nr1 += -16\nr2 = 4\nr3 = 10\nr4 = r10\nr4 += -24\ncall bpf_strtol\nr0 = 0\nexit\n", SF, V_NONE, 0, "" },
	{ "number to write, misaligned", "*(u64 *)(r10 - 16) = 0x31\nr1 = r10\nr1 += -16\nr2 = 4\nr3 = 10\nr4 = r10\nr4 += -28\ncall bpf_strtol\nr0 = 0\nexit\n", SF, V_ALIGN, 7, "not aligned" },
	{ "class of the task", "r0 = 0\ncall bpf_get_cgroup_classid\nr0 = 0\nexit\n", ISA_PROG_SOCK_OPS,
	  V_NONE, 0, "" },
	{ "part of a field", "r0 = *(u8 *)(r1 + 4)\nr0 = 1\nexit\n", ISA_PROG_CGROUP_SOCK, V_NONE, 0, "" },
	{ "middle of a field", "r0 = *(u8 *)(r1 + 5)\nr0 = 1\nexit\n", ISA_PROG_CGROUP_SOCK, V_CTX_FIELD, 0,
	  "1 bytes at offset 5" },
	{ "part of a whole field", "r0 = *(u16 *)(r1 + 16)\nr0 = 1\nexit\n", ISA_PROG_CGROUP_SOCK,
	  V_CTX_FIELD, 0, "2 bytes at offset 16" },
	{ "after a tail call",
	  "r2 = map[m]\nr3 = 0\ncall bpf_get_prandom_u32\nif r0 == 0 goto l\nl:\nexit\n", SF, V_NONE,
	  0, "" },
	{ "old value on the stack",
	  "*(u64 *)(r10 - 8) = 7\nr1 = 1\nr1 = atomic_fetch_add((u64 *)(r10 - 8), r1)\n"
	  "r0 = 0\nif r1 == 7 goto out\nr0 = r9\nout:\nexit\n", SF, V_NONE, 0, "" },
	{ "sum of lower halves",
	  "call bpf_get_prandom_u32\nloop:\nif r0 s< 0 goto out\nr0 += 1\nif w0 < 4 goto loop\n"
	  "out:\nr0 = 0\nexit\n", SF, V_NONE, 0, "" },
	{ "kernel function in dead code", "r0 = 1\nif r0 s> 0 goto out\n.insn 0x85, 0, 2, 0, 0\nout:\nr0 = 0\nexit\n",
	  SF, V_NONE, 0, "" },
	{ "no kernel function", ".insn 0x85, 0, 2, 0, 0\nr0 = 0\nexit\n", SF, V_KFUNC, 0, "no kernel function" },
	{ "sleeping socket filter", "r0 = 0\nexit\n", ISA_PROG_SYSCALL, V_SLEEP, 0, "may sleep" },
	{ "map of another kind",
	  "r1 = map[ring]\nr2 = r10\ncall bpf_map_lookup_elem\nr0 = 0\nexit\n", SF, V_MAP_KIND, 3,
	  "ringbuf" },
};

static bool prepare(struct arena *a, const char *code, struct verify_input *in)
{
	static const struct verify_map maps[] = {
		{ .type = ISA_MAP_HASH, .key_size = 8, .value_size = 8, .max_entries = 16,
		  .inner = OBJ_NONE, .spin_lock_off = OBJ_NONE, .timer_off = OBJ_NONE },
		{ .type = ISA_MAP_RINGBUF, .max_entries = 4096, .inner = OBJ_NONE,
		  .spin_lock_off = OBJ_NONE, .timer_off = OBJ_NONE },
	};
	struct sources ss;
	struct diags dx;
	struct isa_text text = { 0 };
	struct sbuf b;

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	if (!isa_assemble(a, &dx, sources_add(&ss, STR("test"), str_of(code)), &text)) {
		sbuf_init(&b, a);
		diags_render(&dx, &b, false);
		printf("%s\n", b.s);
		return false;
	}
	for (u32 i = 0; i < text.refs.n; i++) {
		text.insns.at[text.refs.at[i].insn].imm = str_is(text.refs.at[i].name, "ring");
		text.insns.at[text.refs.at[i].insn].src = text.refs.at[i].pseudo & 15;
	}
	in->insns = text.insns.at;
	in->n = text.insns.n;
	in->attach_type = OBJ_NONE;
	in->privileged = true;
	in->maps = maps;
	in->n_maps = ARRAY_LEN(maps);
	return true;
}

static bool contains(str hay, const char *needle)
{
	u32 n = (u32)strlen(needle);

	for (u32 i = 0; hay.n && i + n <= hay.n; i++)
		if (!memcmp(hay.s + i, needle, n))
			return true;
	return n == 0;
}

static void rules(void **state)
{
	u32 bad = 0;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct arena *a = arena_new(NULL);
		struct verify_input in = { .prog_type = cases[i].prog };
		struct verify_result out;
		const struct verify_problem *p = &out.problem;

		assert_true(prepare(a, cases[i].code, &in));
		verify_program(a, &in, &out);
		if (out.accepted != (cases[i].tag == V_NONE) || p->tag != cases[i].tag ||
		    p->insn != cases[i].insn || !contains(p->text, cases[i].message)) {
			printf("%s: %s insn %u: " STR_FMT "\n", cases[i].name,
			       verify_tag_name(p->tag), p->insn, STR_ARG(p->text));
			bad++;
		}
		arena_free(a);
	}
	assert_int_equal(bad, 0);
}

/* Untrusted code on plain memory: bounds, no stack bytes that it did not write, no addresses out.
 */
static void plain_memory(void **state)
{
	static const struct {
		const char *code;
		u32 tag;
	} progs[] = {
		{ "r0 = *(u64 *)(r1 + 8)\nexit\n", V_NONE },
		{ "r0 = *(u64 *)(r1 + 9)\nexit\n", V_MEM_BOUNDS },
		{ "*(u8 *)(r1 + 0) = 1\nr0 = 0\nexit\n", V_READ_ONLY },
		{ "r0 = *(u64 *)(r10 - 8)\nexit\n", V_STACK_UNINIT },
		{ "r0 = r1\nexit\n", V_LEAK },
		{ "r0 = 0\nif r10 == 0 goto +0\nexit\n", V_LEAK },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(progs); i++) {
		struct arena *a = arena_new(NULL);
		struct verify_input in = { .mem_size = 16 };
		struct verify_result out;

		assert_true(prepare(a, progs[i].code, &in));
		in.privileged = false;
		verify_program(a, &in, &out);
		if (out.problem.tag != progs[i].tag)
			printf("%s: %s\n", progs[i].code, verify_tag_name(out.problem.tag));
		assert_int_equal(out.problem.tag, progs[i].tag);
		arena_free(a);
	}
}

/* A privileged program may read what it did not write; the result says so, for whoever has to clear the stack. */
static void unwritten_stack(void **state)
{
	static const struct {
		const char *code;
		bool reads;
	} progs[] = {
		{ "r0 = *(u64 *)(r10 - 8)\nexit\n", true },
		{ "*(u64 *)(r10 - 8) = 5\nr0 = *(u64 *)(r10 - 8)\nexit\n", false },
		{ "*(u32 *)(r10 - 8) = 5\nr0 = *(u64 *)(r10 - 8)\nexit\n", true },
		{ "r0 = 0\nr2 = *(u32 *)(r1 + 0)\nif r2 == 0 goto +1\n*(u64 *)(r10 - 8) = 5\n"
		  "r0 = *(u64 *)(r10 - 8)\nexit\n", true },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(progs); i++) {
		struct arena *a = arena_new(NULL);
		struct verify_input in = { .prog_type = 1 /* socket filter */ };
		struct verify_result out;

		assert_true(prepare(a, progs[i].code, &in));
		verify_program(a, &in, &out);
		assert_true(out.accepted);
		assert_int_equal(out.reads_unwritten, progs[i].reads);
		arena_free(a);
	}
}

/* What a mispredicting processor could do counts for unprivileged programs. */
static void unprivileged(void **state)
{
	static const struct {
		const char *name, *code;
		u32 tag, insn;
	} progs[] = {
		{ "dead code is followed", "r0 = 0\nif r0 == 0 goto out\nr1 = *(u8 *)(r9 + 0)\nout:\nexit\n",
		  V_UNINIT_REG, 2 },
		{ "one mask", LOOKUP "if r0 == 0 goto out\nr1 = *(u8 *)(r0 + 0)\nr1 &= 3\n"
			       "r0 += r1\nr1 = *(u8 *)(r0 + 0)\nout:\nr0 = 0\nexit\n", V_NONE, 0 },
		{ "two masks", LOOKUP "if r0 == 0 goto out\nr1 = *(u8 *)(r0 + 0)\nr2 = *(u8 *)(r0 + 1)\n"
				"r1 &= 3\nif r2 == 0 goto l\nr1 = r2\nr1 &= 7\nl:\n"
				"r0 += r1\nr1 = *(u8 *)(r0 + 0)\nout:\nr0 = 0\nexit\n", V_UNPRIVILEGED, 13 },
		{ "number or pointer", LOOKUP "r3 = 1\nif r0 == 0 goto l\nr3 = r0\nl:\nr4 = 2\nr3 += r4\n"
					"r0 = 0\nexit\n", V_UNPRIVILEGED, 10 },
		{ "stack top", "r1 = r10\nr1 += 0\nr0 = 0\nexit\n", V_UNPRIVILEGED, 1 },
		{ "beyond a value", LOOKUP "if r0 == 0 goto out\nr0 += 8\nout:\nr0 = 0\nexit\n",
		  V_VALUE_BOUNDS, 7 },
		{ "context and register", "r2 = 0\nr1 += r2\nr0 = 0\nexit\n", V_UNPRIVILEGED, 1 },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(progs); i++) {
		struct arena *a = arena_new(NULL);
		struct verify_input in = { .prog_type = SF };
		struct verify_result out;

		assert_true(prepare(a, progs[i].code, &in));
		in.privileged = false;
		verify_program(a, &in, &out);
		if (out.problem.tag != progs[i].tag || out.problem.insn != progs[i].insn)
			printf("%s: %s insn %u: " STR_FMT "\n", progs[i].name,
			       verify_tag_name(out.problem.tag), out.problem.insn,
			       STR_ARG(out.problem.text));
		assert_int_equal(out.problem.tag, progs[i].tag);
		assert_int_equal(out.problem.insn, progs[i].insn);
		arena_free(a);
	}
}

/* What is not read does not part paths: two to the fortieth are a few hundred instructions. */
static void slots_not_read(void **state)
{
	struct arena *a = arena_new(NULL);
	struct verify_input in = { .prog_type = SF };
	struct verify_result out;
	struct sbuf b;

	(void)state;
	for (u32 read = 0; read < 2; read++) {
		sbuf_init(&b, a);
		sbuf_puts(&b, "r6 = r1\n");
		for (u32 i = 0; i < 40; i++)
			sbuf_printf(&b, "call bpf_get_prandom_u32\nif r0 == %u goto l%u\n"
					"*(u64 *)(r10 - %u) = %s\nl%u:\n", i, i, 8 * (i + 1),
				    i == 39 ? "r6" : "r0", i);
		/* The last slot holds the context on one path only: reading through it is refused. */
		sbuf_puts(&b, read ? "r1 = *(u64 *)(r10 - 320)\nr0 = *(u32 *)(r1 + 0)\nexit\n"
				   : "r1 = *(u64 *)(r10 - 8)\nr0 = 0\nexit\n");
		assert_true(prepare(a, b.s, &in));
		verify_program(a, &in, &out);
		assert_int_equal(out.accepted, !read);
		assert_true(read || out.analysed < 1000);
	}
	arena_free(a);
}

/* A callee's frame of an earlier call is not that of a later one. */
static void slots_of_frames(void **state)
{
	static const struct {
		const char *code;
		u32 tag;
	} progs[] = {
		/* The second call reads through what only one path of the first put in the caller's slot. */
		{ "r6 = r1\n*(u64 *)(r10 - 8) = 0\ncall bpf_get_prandom_u32\nr1 = r10\nr1 += -8\nr2 = r6\n"
		  "r3 = r0\ncall f\nr1 = r10\nr1 += -8\ncall g\nr0 = 0\nexit\n"
		  "f:\nr0 = 0\nif r3 == 7 goto o\nif r3 == 8 goto o\n*(u64 *)(r1 + 0) = r2\no:\nexit\n"
		  "g:\nr2 = *(u64 *)(r1 + 0)\nr0 = *(u32 *)(r2 + 0)\nexit\n", V_NULL },
		{ "r6 = r1\n*(u64 *)(r10 - 8) = r1\ncall bpf_get_prandom_u32\nr1 = r10\nr1 += -8\nr2 = r6\n"
		  "r3 = r0\ncall f\nr1 = r10\nr1 += -8\ncall g\nr0 = 0\nexit\n"
		  "f:\nr0 = 0\nif r3 == 7 goto o\nif r3 == 8 goto o\n*(u64 *)(r1 + 0) = r2\no:\nexit\n"
		  "g:\nr2 = *(u64 *)(r1 + 0)\nr0 = *(u32 *)(r2 + 0)\nexit\n", V_NONE },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(progs); i++) {
		struct arena *a = arena_new(NULL);
		struct verify_input in = { .prog_type = SF };
		struct verify_result out;

		assert_true(prepare(a, progs[i].code, &in));
		verify_program(a, &in, &out);
		assert_int_equal(out.problem.tag, progs[i].tag);
		arena_free(a);
	}
}

/* Maps in maps, by the template of the inner one. */
static void inner_maps(void **state)
{
#define OUTER "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = map[m]\ncall bpf_map_lookup_elem\n"
#define INNER "*(u32 *)(r10 - 4) = 0\nr2 = r10\nr2 += -4\nr1 = r0\n"
#define ASK   "call bpf_map_lookup_elem\nout:\nr0 = 0\nexit\n"
	static const struct verify_map maps[] = {
		{ .type = ISA_MAP_ARRAY_OF_MAPS, .key_size = 4, .value_size = 4, .max_entries = 1,
		  .inner = 1, .spin_lock_off = OBJ_NONE, .timer_off = OBJ_NONE },
		{ .type = ISA_MAP_ARRAY, .key_size = 4, .value_size = 4, .max_entries = 1,
		  .inner = OBJ_NONE, .spin_lock_off = OBJ_NONE, .timer_off = OBJ_NONE },
	};
	static const struct { const char *code; u32 tag; } progs[] = {
		{ OUTER "if r0 == 0 goto out\n" INNER ASK, V_NONE },
		{ OUTER INNER ASK, V_NULL },
		{ OUTER "if r0 == 0 goto out\n" INNER "r1 += 8\n" ASK, V_POINTER_ALU },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(progs); i++) {
		struct arena *a = arena_new(NULL);
		struct verify_input in = { .prog_type = SF };
		struct verify_result out;

		assert_true(prepare(a, progs[i].code, &in));
		in.maps = maps;
		in.n_maps = ARRAY_LEN(maps);
		verify_program(a, &in, &out);
		assert_int_equal(out.problem.tag, progs[i].tag);
		arena_free(a);
	}
}

/* A check that always passes is told to the JIT; one that is needed on some path is not. */
static void never_null(void **state)
{
	struct arena *a = arena_new(NULL);
	struct verify_input in = { .prog_type = SF };
	struct verify_result out;

	(void)state;
	assert_true(prepare(a, LOOKUP "if r0 == 0 goto out\nif r0 == 0 goto out\n"
				      "*(u64 *)(r0 + 0) = 1\nout:\nr0 = 0\nexit\n", &in));
	verify_program(a, &in, &out);
	assert_true(out.accepted);
	assert_false(out.facts[6].never_null);
	assert_true(out.facts[7].never_null);
	/* Two ways lead to one comparison: a pointer that was checked, and one that was not. */
	assert_true(prepare(a, "r7 = *(u32 *)(r1 + 0)\n" LOOKUP "if r7 == 0 goto c\n"
			       "if r0 == 0 goto out\nc:\nif r0 == 0 goto out\n"
			       "*(u64 *)(r0 + 0) = 1\nout:\nr0 = 0\nexit\n", &in));
	verify_program(a, &in, &out);
	assert_true(out.accepted);
	assert_false(out.facts[9].never_null);
	arena_free(a);
}

#ifdef SKEP_DEBUG
/* Whether the n-th request for memory, which fails, was made. */
static bool starve(const struct verify_input *in, u32 n)
{
	struct trap trap = { .fail_in = n };
	struct verify_result out;
	bool failed = setjmp(trap.env) != 0;

	if (!failed)
		verify_program(arena_new(&trap), in, &out);
	failed = failed || !trap.fail_in;
	arena_free_all(&trap);
	return failed;
}

/* Each request for memory fails once: the caller's trap is sprung, and nothing is left behind. */
static void memory(void **state)
{
	static const char *const progs[] = {
		LOOKUP "if r0 == 0 goto out\n*(u64 *)(r0 + 0) = 1\nout:\nr0 = 0\nexit\n",
		"r0 = 0\nloop:\nr0 += 1\nif r0 < 200 goto loop\nexit\n",
		LOOKUP "r0 = *(u64 *)(r0 + 0)\nexit\n",
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(progs); i++) {
		struct arena *text = arena_new(NULL);
		struct verify_input in = { .prog_type = SF };
		u32 n = 0;

		assert_true(prepare(text, progs[i], &in));
		while (starve(&in, n + 1))
			n++;
		assert_true(n > 5);
		arena_free(text);
	}
}
#endif

static void budget(void **state)
{
	struct arena *a = arena_new(NULL);
	struct verify_input in = { .prog_type = SF };
	struct verify_result out;

	(void)state;
	assert_true(prepare(a, "r0 = 0\nloop:\nr0 += 1\nif r0 < 1000000 goto loop\nexit\n", &in));
	in.budget = 10000;
	verify_program(a, &in, &out);
	assert_false(out.accepted);
	assert_int_equal(out.problem.tag, V_BUDGET);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rules),
		cmocka_unit_test(plain_memory),
		cmocka_unit_test(unprivileged),	cmocka_unit_test(unwritten_stack),
		cmocka_unit_test(slots_not_read),
		cmocka_unit_test(slots_of_frames),
		cmocka_unit_test(inner_maps),
		cmocka_unit_test(never_null),
#ifdef SKEP_DEBUG
		cmocka_unit_test(memory),
#endif
		cmocka_unit_test(budget),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
