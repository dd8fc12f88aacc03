/* Runs programs: the loop in its two policies, and what surrounds a run.
 *
 * loop.inc holds the one dispatch loop; it is compiled here without checks (verified programs
 * without a budget) and with them. Arithmetic is RFC 9669's where C's would be undefined: division
 * by zero gives 0, its remainder the dividend; the least integer divided by -1 is itself; shift
 * counts are taken modulo the width.
 *
 * A fault is noted in the thread with its place and ends every loop that is active there: helpers
 * that call back look at it, and the loop looks at it after each helper. Accesses of a program that
 * was not verified and that runs unchecked are not caught.
 */
#include "vm/run.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#if defined(__clang__)
#define NOCLONE __attribute__((noinline))
#else
#define NOCLONE __attribute__((noinline, noclone, optimize("no-gcse")))
#endif

#define F_ADD(a, b)    ((a) + (b))
#define F_SUB(a, b)    ((a) - (b))
#define F_MUL(a, b)    ((a) * (b))
#define F_OR(a, b)     ((a) | (b))
#define F_AND(a, b)    ((a) & (b))
#define F_XOR(a, b)    ((a) ^ (b))
#define F_MOV(a, b)    (b)
#define F_DIV(a, b)    ((b) ? (a) / (b) : 0)
#define F_MOD(a, b)    ((b) ? (a) % (b) : (a))
#define F_LSH64(a, b)  ((a) << ((b)&63))
#define F_LSH32(a, b)  ((a) << ((b)&31))
#define F_RSH64(a, b)  ((a) >> ((b)&63))
#define F_RSH32(a, b)  ((a) >> ((b)&31))
#define F_ARSH64(a, b) ((u64)((s64)(a) >> ((b)&63)))
#define F_ARSH32(a, b) ((u32)((s32)(a) >> ((b)&31)))

static inline u64 sdiv64(u64 a, u64 b)
{
	if (b == 0 || b == ~0ull)
		return b ? 0 - a : 0;
	return (u64)((s64)a / (s64)b);
}

static inline u64 smod64(u64 a, u64 b)
{
	if (b == 0 || b == ~0ull)
		return b ? 0 : a;
	return (u64)((s64)a % (s64)b);
}

static inline u32 sdiv32(u32 a, u32 b)
{
	if (b == 0 || b == ~0u)
		return b ? 0 - a : 0;
	return (u32)((s32)a / (s32)b);
}

static inline u32 smod32(u32 a, u32 b)
{
	if (b == 0 || b == ~0u)
		return b ? 0 : a;
	return (u32)((s32)a % (s32)b);
}

#define LOOP	loop_fast
#define CAREFUL 0
#include "vm/loop.inc"
#undef LOOP
#undef CAREFUL
#define LOOP	loop_careful
#define CAREFUL 1
#include "vm/loop.inc"
#undef LOOP
#undef CAREFUL

const void *const *vm_labels(bool careful)
{
	const void *const *labels = NULL;

	(void)(careful ? loop_careful : loop_fast)(NULL, NULL, 0, NULL, NULL, &labels);
	return labels;
}

/* ---- around a run -------------------------------------------------------------------------------
 */

static int explain(const struct vm_thread *t, int code, struct err *e)
{
	u32 at = t->stray.insn;

	if (code == -ETIME)
		return err_set(e, code, "vm",
			       "The program used up its budget of instructions at instruction %u.",
			       at);
	if (code == -ELOOP)
		return err_set(e, code, "vm",
			       "Instruction %u: calls nest deeper than %d frames of the stack.", at,
			       VM_FRAMES);
	if (code == -ENOMEM)
		return err_set(e, code, "vm", "Instruction %u: out of memory in the checked mode.",
			       at);
	if (!t->stray.size)
		return err_set(e, code, "vm", "Instruction %u: %s.", at,
			       t->stray.what ? t->stray.what : "the run failed");
	return err_set(e, code, "vm",
		       "Instruction %u: %s of %" PRIu64 " bytes at address 0x%" PRIx64
		       ", which is not memory of the program.",
		       at, t->stray.what, t->stray.size, t->stray.addr);
}

static void begin(const struct vm_prog *p, struct vm_thread *t, void *ctx, u32 ctx_size,
		  const struct vm_limits *limits)
{
	t->prog = p;
	t->fault = 0;
	t->depth = 0;
	t->tails = 0;
	t->ctx = ctx;
	t->ctx_size = ctx_size;
	t->n_regions = 0;
	t->checked = p->lenient || (limits && limits->checked);
	t->left = limits && limits->budget ? limits->budget : UINT64_MAX;
	t->careful = t->checked || t->left != UINT64_MAX;
	t->callback = NULL;
	if (t->checked) {
		memset(t->stack, 0, VM_STACK_BYTES);
		memset(&t->stray, 0, sizeof(t->stray));
	}
}

int vm_run(const struct vm_prog *p, struct vm_thread *t, void *ctx, u32 ctx_size,
	   const struct vm_limits *limits, u64 *out, struct err *e)
{
	u64 args[5] = { (u64)(uintptr_t)ctx };
	int err;

	begin(p, t, ctx, ctx_size, limits);
	if (p->lenient || p->mem_context)
		args[1] = ctx_size;
	err = (t->careful ? loop_careful : loop_fast)(p, t, 0, args, out, NULL);
	return err ? explain(t, err, e) : 0;
}

u64 vm_run_inside(const struct vm_prog *p, struct vm_thread *t, void *ctx, bool counts)
{
	u64 args[5] = { (u64)(uintptr_t)ctx }, out = 0;
	vm_callback_fn before = t->callback;

	t->prog = p;
	t->depth = 0;
	t->checked = false;
	t->careful = counts;
	t->callback = NULL;
	if ((counts ? loop_careful : loop_fast)(p, t, 0, args, &out, NULL) < 0)
		out = 0;
	t->callback = before;
	return out;
}

/* A callback has a frame below whoever called the helper; its end, and that of what it calls, is
 * where that began. */
u64 vm_run_callback(struct vm_thread *t, u64 func, u64 a, u64 b, u64 c, u64 d)
{
	const struct vm_prog *p = t->prog;
	u64 args[5] = { a, b, c, d };
	u64 out = 0;

	if (t->callback)
		return t->callback(t, func, a, b, c, d);
	if (func >= p->n || t->depth + 1 >= VM_FRAMES) {
		t->fault = func >= p->n ? -EFAULT : -ELOOP;
		t->stray.size = 0;
		t->stray.what = "a helper was given something else than a function to call";
		return 0;
	}
	t->depth++;
	(void)(t->careful ? loop_careful : loop_fast)(p, t, (u32)func, args, &out, NULL);
	if (t->depth)
		t->depth--;
	t->prog = p;
	return out;
}

const u8 *vm_packet_at(const struct vm_thread *t, s32 off, u32 n)
{
	enum { NET_OFF = -0x100000, LL_OFF = -0x200000 };
	s64 at = off;

	if (off < 0 && off >= NET_OFF)
		at = (s64)off - NET_OFF + t->packet.net_off;
	else if (off < NET_OFF && off >= LL_OFF)
		at = (s64)off - LL_OFF;
	if (!t->packet.data || at < 0 || at + n > t->packet.size)
		return NULL;
	return t->packet.data + at;
}
