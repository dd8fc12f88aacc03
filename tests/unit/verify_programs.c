/* Random programs for the verifier's tests, which include this file: made of blocks that programs are
 * made of (lookups, checks, packets, loops, calls, references, locks), each right most of the time,
 * then changed in a place or two. A number names a program.
 */
#ifndef SKEP_TEST_VERIFY_PROGRAMS
#define SKEP_TEST_VERIFY_PROGRAMS

#include "isa/isa.h"

#include <string.h>

enum { P_HASH, P_ARRAY, P_RING, P_LOCK, P_SMALL, P_N_MAPS, P_MAX = 512 };

struct program {
	struct isa_insn at[P_MAX];
	u32 n, prog_type;
	u64 seed;
	u32 exits[64], n_exits;		/* jumps to the end of the function */
	u32 calls[16], n_calls;		/* wide loads or calls of the function behind */
	bool vague;			/* has arithmetic that the kernel knows nothing of */
	bool scalar[10];		/* holds a number */
	bool pointer[10];		/* a checked pointer to a value of 16 bytes */
};

static inline struct isa_insn p_mov_imm(bool is64, u8 dst, s32 imm)
{
	return isa_alu_imm(is64, ISA_MOV, dst, imm);
}

static inline struct isa_insn p_mov_reg(bool is64, u8 dst, u8 src)
{
	return isa_alu_reg(is64, ISA_MOV, dst, src);
}

static u64 p_next(struct program *p)
{
	p->seed ^= p->seed << 13;
	p->seed ^= p->seed >> 7;
	p->seed ^= p->seed << 17;
	return p->seed * 0x2545f4914f6cdd1dull >> 16;
}

static u32 p_below(struct program *p, u32 n)
{
	return (u32)(p_next(p) % n);
}

/* True once in `n`. */
static bool p_once(struct program *p, u32 n)
{
	return p_below(p, n) == 0;
}

static void p_put(struct program *p, struct isa_insn i)
{
	if (p->n < P_MAX)
		p->at[p->n++] = i;
}

static void p_wide(struct program *p, u8 dst, u8 pseudo, u64 x)
{
	struct isa_insn two[2];

	isa_ld_imm64(two, dst, pseudo, x);
	p_put(p, two[0]);
	p_put(p, two[1]);
}

static s32 p_number(struct program *p)
{
	static const s32 edges[] = { 0, 1, -1, 2, 3, 7, 8, 15, 16, 31, 63, 64, 255, 256, 4095,
				     0x7fff, 0xffff, 0x7fffffff, INT32_MIN, -2, -8, -16, -512 };

	return p_once(p, 4) ? (s32)p_next(p) : edges[p_below(p, ARRAY_LEN(edges))];
}

/* A register that holds a number; r6 to r9 survive calls. */
static u8 p_scalar(struct program *p)
{
	for (u32 i = 0; i < 20; i++) {
		u8 r = (u8)p_below(p, 10);

		if (p->scalar[r])
			return r;
	}
	p_put(p, p_mov_imm(true, 0, p_number(p)));
	p->scalar[0] = true;
	return 0;
}

static void p_clobber(struct program *p)
{
	for (u32 r = 1; r <= 5; r++)
		p->scalar[r] = p->pointer[r] = false;
	p->scalar[0] = true;
	p->pointer[0] = false;
}

static void p_call(struct program *p, s32 id)
{
	p_put(p, isa_call_helper(id));
	p_clobber(p);
}

static void p_to_exit(struct program *p, struct isa_insn jump)
{
	if (p->n_exits == ARRAY_LEN(p->exits))
		return;
	p->exits[p->n_exits++] = p->n;
	p_put(p, jump);
}

static u8 p_fresh(struct program *p)
{
	u8 r = (u8)(p_once(p, 3) ? p_below(p, 6) : 7 + p_below(p, 3));

	p->pointer[r] = false;
	return r;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void p_random_number(struct program *p)
{
	u8 to;

	p_call(p, ISA_FN_get_prandom_u32);
	to = p_fresh(p);
	p_put(p, p_once(p, 2) ? p_mov_reg(true, to, 0) : p_mov_reg(false, to, 0));
	p->scalar[to] = true;
	if (p_once(p, 2))
		p_put(p, isa_alu_imm(true, ISA_LSH, to, (s32)p_below(p, 64)));
}

static void p_arithmetic(struct program *p)
{
	static const u8 ops[] = { ISA_ADD, ISA_SUB, ISA_MUL, ISA_AND, ISA_OR, ISA_XOR, ISA_LSH,
				  ISA_RSH, ISA_ARSH, ISA_MOV, ISA_DIV, ISA_MOD };
	u8 op = ops[p_below(p, p_once(p, 6) ? 12 : 10)], d = p_scalar(p), s = p_scalar(p);
	bool is64 = !p_once(p, 3);
	s32 k = p_number(p);

	if (op == ISA_DIV || op == ISA_MOD) {
		p->vague = true;
		k = k ? k : 5;
	}
	if (op == ISA_LSH || op == ISA_RSH || op == ISA_ARSH)
		k &= is64 ? 63 : 31;
	if (p_once(p, 2)) {
		p->vague |= op == ISA_LSH || op == ISA_RSH || op == ISA_ARSH;
		p_put(p, isa_alu_reg(is64, op, d, s));
	} else {
		p_put(p, isa_alu_imm(is64, op, d, k));
	}
}

/* A number below a power of two. */
static u8 p_index(struct program *p, u32 below)
{
	u8 r = p_fresh(p);

	if (r < 6)
		r = 8;
	p->pointer[r] = false;
	p_put(p, p_mov_reg(true, r, p_scalar(p)));
	p->scalar[r] = true;
	switch (p_below(p, 5)) {
	case 0: p_to_exit(p, isa_jump_imm(true, ISA_JGT, r, (s32)below - 1, 0)); break;
	case 1:
		p_put(p, isa_alu_imm(true, ISA_RSH, r, 32));
		p_to_exit(p, isa_jump_imm(false, ISA_JGE, r, (s32)below, 0));
		break;
	case 2:
		p_to_exit(p, isa_jump_imm(true, ISA_JSGE, r, (s32)below, 0));
		if (!p_once(p, 3))
			p_to_exit(p, isa_jump_imm(true, ISA_JSLT, r, 0, 0));
		break;
	default: p_put(p, isa_alu_imm(!p_once(p, 3), ISA_AND, r, (s32)below - 1)); break;
	}
	return r;
}

static s16 p_slot(struct program *p)
{
	return (s16)(-8 * (s32)(1 + p_below(p, 8)));
}

static void p_stack(struct program *p)
{
	static const u8 sizes[] = { 8, 8, 8, 4, 2, 1 };
	u8 size = sizes[p_below(p, 6)], r = (u8)(p_once(p, 5) ? p_below(p, 10) : p_scalar(p));
	s16 off = (s16)(p_slot(p) + (p_once(p, 4) ? 8 - size : 0));

	switch (p_below(p, 4)) {
	case 0: p_put(p, isa_store_imm(size, ISA_FP, off, p_number(p))); break;
	case 1:
	case 2: p_put(p, isa_store(size, ISA_FP, off, r)); break;
	default:
		r = p_fresh(p);
		p_put(p, isa_load(size, r, ISA_FP, off));
		p->scalar[r] = true;
		break;
	}
}

static void p_spill(struct program *p)
{
	u8 r = (u8)(6 + p_below(p, 4)), to = (u8)(7 + p_below(p, 3));
	s16 off = p_slot(p);

	p_put(p, isa_store(8, ISA_FP, off, r));
	if (p_once(p, 3))
		p_stack(p);
	p_put(p, isa_load(8, to, ISA_FP, off));
	p->pointer[to] = r != to && p->pointer[r];
	p->scalar[to] = p->scalar[r];
}

static void p_stack_index(struct program *p)
{
	u8 i = p_index(p, 8), r = p_fresh(p);

	p_put(p, p_mov_reg(true, r, ISA_FP));
	p_put(p, isa_alu_imm(true, ISA_ADD, r, -16));
	p_put(p, isa_alu_reg(true, ISA_ADD, r, i));
	p->scalar[r] = false;
	p_put(p, p_once(p, 2) ? isa_store(1, r, 0, p_scalar(p)) : isa_load(1, 0, r, 0));
	p->scalar[0] = true;
}

static void p_value_use(struct program *p, u8 r)
{
	static const u8 sizes[] = { 8, 4, 2, 1 };
	u8 size = sizes[p_below(p, 4)];
	s16 off = (s16)(p_below(p, 16 / size) * size);
	u8 to = p_fresh(p);

	switch (p_below(p, 5)) {
	case 0: p_put(p, isa_store(size, r, off, p_scalar(p))); break;
	case 1: p_put(p, isa_store_imm(size, r, off, p_number(p))); break;
	case 2: p_put(p, isa_atomic(8, ISA_ATOMIC_ADD | (p_once(p, 2) ? ISA_FETCH : 0), r, 0, p_scalar(p))); break;
	case 3: {
		u8 i = p_index(p, p_once(p, 5) ? 32 : 16);

		if (i == r)
			break;
		p_put(p, isa_alu_reg(true, ISA_ADD, r, i));
		p_put(p, p_once(p, 2) ? isa_load(1, to, r, 0) : isa_store_imm(1, r, 0, 1));
		p->pointer[r] = false;
		p->scalar[to] = p->scalar[to] && to != r;
		break;
	}
	default:
		p_put(p, isa_load(size, to, r, off));
		p->scalar[to] = true;
		p->pointer[to] = false;
		break;
	}
}

static void p_lookup(struct program *p)
{
	u32 map = p_once(p, 2) ? P_HASH : P_ARRAY;
	u8 r = (u8)(6 + p_below(p, 4));

	p_put(p, isa_store_imm(8, ISA_FP, -8, p_once(p, 2) ? 0 : p_number(p)));
	p_put(p, p_mov_reg(true, 2, ISA_FP));
	p_put(p, isa_alu_imm(true, ISA_ADD, 2, -8));
	p_wide(p, 1, ISA_MAP_FD, map);
	p_call(p, ISA_FN_map_lookup_elem);
	p->scalar[0] = false;
	p_put(p, p_mov_reg(true, r, 0));
	p->scalar[r] = false;
	p->pointer[r] = true;
	if (!p_once(p, 12))
		p_to_exit(p, isa_jump_imm(true, ISA_JEQ, p_once(p, 2) ? r : 0, 0, 0));
	for (u32 i = p_below(p, 3) + 1; i && p->pointer[r]; i--)
		p_value_use(p, r);
}

static void p_update(struct program *p)
{
	p_put(p, isa_store_imm(8, ISA_FP, -8, p_number(p)));
	if (!p_once(p, 8)) {
		p_put(p, isa_store(8, ISA_FP, -24, p_scalar(p)));
		p_put(p, isa_store_imm(8, ISA_FP, -16, 0));
	}
	p_put(p, p_mov_reg(true, 2, ISA_FP));
	p_put(p, isa_alu_imm(true, ISA_ADD, 2, -8));
	p_put(p, p_mov_reg(true, 3, ISA_FP));
	p_put(p, isa_alu_imm(true, ISA_ADD, 3, -24));
	p_put(p, p_mov_imm(true, 4, 0));
	p_wide(p, 1, ISA_MAP_FD, P_HASH);
	p_call(p, ISA_FN_map_update_elem);
}

static void p_reserve(struct program *p)
{
	u8 r = (u8)(7 + p_below(p, 3));

	p_wide(p, 1, ISA_MAP_FD, P_RING);
	p_put(p, p_mov_imm(true, 2, 16));
	p_put(p, p_mov_imm(true, 3, 0));
	p_call(p, ISA_FN_ringbuf_reserve);
	p->scalar[0] = p->scalar[r] = p->pointer[r] = false;
	p_put(p, p_mov_reg(true, r, 0));
	p_put(p, isa_jump_imm(true, ISA_JEQ, r, 0, 0));
	u32 jump = p->n - 1;

	p_put(p, isa_store_imm(8, r, (s16)(p_once(p, 8) ? 12 : 8), 1));
	if (p_once(p, 12))
		p_to_exit(p, isa_jump_imm(true, ISA_JEQ, p_scalar(p), 3, 0));
	p_put(p, p_mov_reg(true, 1, r));
	p_put(p, p_mov_imm(true, 2, 0));
	if (!p_once(p, 12))
		p_put(p, isa_call_helper(p_once(p, 2) ? ISA_FN_ringbuf_submit : ISA_FN_ringbuf_discard));
	p->at[jump].off = (s16)(p->n - jump - 1);
	p_clobber(p);
	p->scalar[0] = false;
}

static void p_lock(struct program *p)
{
	p_put(p, isa_store_imm(8, ISA_FP, -8, 0));
	p_put(p, p_mov_reg(true, 2, ISA_FP));
	p_put(p, isa_alu_imm(true, ISA_ADD, 2, -8));
	p_wide(p, 1, ISA_MAP_FD, P_LOCK);
	p_call(p, ISA_FN_map_lookup_elem);
	p_to_exit(p, isa_jump_imm(true, ISA_JEQ, 0, 0, 0));
	p_put(p, p_mov_reg(true, 6, 0));
	p_put(p, p_mov_reg(true, 1, 0));
	p_put(p, isa_alu_imm(true, ISA_ADD, 1, p_once(p, 10) ? 0 : 4));
	p_put(p, isa_call_helper(ISA_FN_spin_lock));
	p_put(p, isa_store_imm(4, 6, 0, 3));
	if (p_once(p, 10))
		p_put(p, isa_call_helper(ISA_FN_get_prandom_u32));
	p_put(p, p_mov_reg(true, 1, 6));
	p_put(p, isa_alu_imm(true, ISA_ADD, 1, 4));
	if (!p_once(p, 10))
		p_put(p, isa_call_helper(ISA_FN_spin_unlock));
	p_clobber(p);
	p->scalar[0] = p->scalar[6] = p->pointer[6] = false;
}

/* r6 holds the context at the start of each program. */
static void p_packet(struct program *p)
{
	bool xdp = p->prog_type == ISA_PROG_XDP;
	s32 len = (s32)p_below(p, 4) * 8 + 8;
	u8 data = 7, end = 5, at = 4;

	if (p->prog_type == ISA_PROG_SOCKET_FILTER)
		return;
	p_put(p, isa_load(4, data, 6, xdp ? 0 : 76));
	p_put(p, isa_load(4, end, 6, xdp ? 4 : 80));
	p->scalar[data] = p->scalar[end] = p->scalar[at] = p->pointer[data] = p->pointer[at] = false;
	if (p_once(p, 3)) {
		u8 i = p_index(p, 16);

		if (i == data)
			return;
		p_put(p, isa_alu_reg(true, ISA_ADD, data, i));
	}
	p_put(p, p_mov_reg(true, at, data));
	p_put(p, isa_alu_imm(true, ISA_ADD, at, len));
	switch (p_below(p, 4)) {
	case 0: p_to_exit(p, isa_jump_reg(true, ISA_JGT, at, end, 0)); break;
	case 1: p_to_exit(p, isa_jump_reg(true, ISA_JGE, at, end, 0)); break;
	case 2: p_to_exit(p, isa_jump_reg(true, ISA_JLT, end, at, 0)); break;
	default: p_to_exit(p, isa_jump_reg(true, ISA_JLE, end, at, 0)); break;
	}
	for (u32 i = 0; i < 2; i++) {
		s16 off = (s16)p_below(p, (u32)len - (p_once(p, 6) ? 0 : 7));

		p_put(p, p_once(p, 2) ? isa_load(8, 0, data, off) : isa_store_imm(1, data, off, 1));
	}
	p->scalar[0] = false;
}

static void p_branch(struct program *p)
{
	static const u8 ops[] = { ISA_JEQ, ISA_JNE, ISA_JGT, ISA_JGE, ISA_JLT, ISA_JLE,
				  ISA_JSGT, ISA_JSGE, ISA_JSLT, ISA_JSLE, ISA_JSET };
	u8 op = ops[p_below(p, ARRAY_LEN(ops))], d = p_scalar(p), s = p_scalar(p);
	bool is64 = !p_once(p, 3);
	u32 at = p->n;

	p_put(p, p_once(p, 3) ? isa_jump_reg(is64, op, d, s, 0)
			      : isa_jump_imm(is64, op, d, p_number(p), 0));
	for (u32 i = 1 + p_below(p, 2); i; i--)
		p_arithmetic(p);
	p->at[at].off = (s16)(p->n - at - 1);
}

static void p_loop(struct program *p)
{
	u8 r = (u8)(8 + p_below(p, 2));
	u32 top;

	p_put(p, p_mov_imm(true, r, 0));
	p->scalar[r] = true;
	p->pointer[r] = false;
	top = p->n;
	if (p_once(p, 2))
		p_put(p, isa_alu_imm(true, ISA_ADD, p->scalar[0] ? 0 : r, 1));
	else
		p_stack(p);
	p_put(p, isa_alu_imm(true, ISA_ADD, r, 1 + (s32)p_below(p, 3)));
	p_put(p, isa_jump_imm(!p_once(p, 4), p_once(p, 2) ? ISA_JLT : ISA_JSLE, r,
			      (s32)p_below(p, 40), (s16)((s32)top - (s32)p->n - 1)));
}

static void p_memory_helper(struct program *p)
{
	u8 size;

	p_put(p, isa_store_imm(8, ISA_FP, -32, 0x41));
	p_put(p, isa_store_imm(8, ISA_FP, -24, 0));
	size = p_index(p, 16);
	if (size == 1)
		return;
	if (p->prog_type == ISA_PROG_SOCKET_FILTER || p_once(p, 2)) {
		p_put(p, p_mov_reg(true, 1, ISA_FP));
		p_put(p, isa_alu_imm(true, ISA_ADD, 1, -32));
		p_put(p, p_mov_reg(true, 2, size));
		if (!p_once(p, 4))
			p_put(p, isa_alu_imm(true, ISA_ADD, 2, 1));
		p_put(p, p_mov_imm(true, 3, 10));
		p_put(p, p_mov_reg(true, 4, ISA_FP));
		p_put(p, isa_alu_imm(true, ISA_ADD, 4, p_once(p, 8) ? -4 : -40));
		p_call(p, ISA_FN_strtol);
		return;
	}
	p_put(p, p_mov_imm(true, 1, 0));
	p_put(p, p_mov_imm(true, 2, 0));
	p_put(p, p_mov_reg(true, 3, ISA_FP));
	p_put(p, isa_alu_imm(true, ISA_ADD, 3, -32));
	p_put(p, p_mov_reg(true, 4, size));
	p_put(p, p_mov_imm(true, 5, 0));
	p_call(p, ISA_FN_csum_diff);
}

static void p_function(struct program *p)
{
	if (p->n_calls == ARRAY_LEN(p->calls))
		return;
	p_put(p, p_mov_reg(true, 1, p_scalar(p)));
	p_put(p, p_mov_reg(true, 2, ISA_FP));
	p_put(p, isa_alu_imm(true, ISA_ADD, 2, -8));
	p_put(p, isa_store_imm(8, ISA_FP, -8, p_number(p)));
	p->calls[p->n_calls++] = p->n;
	p_put(p, isa_call_local(0));
	p_clobber(p);
}

static void p_callback(struct program *p)
{
	if (p->n_calls == ARRAY_LEN(p->calls) || p->prog_type == ISA_PROG_SOCKET_FILTER)
		return;
	p_put(p, p_mov_imm(true, 1, (s32)p_below(p, 10)));
	p_put(p, isa_store_imm(8, ISA_FP, -8, 0));
	p->calls[p->n_calls++] = p->n;
	p_wide(p, 2, ISA_FUNC, 0);
	p_put(p, p_mov_reg(true, 3, ISA_FP));
	p_put(p, isa_alu_imm(true, ISA_ADD, 3, -8));
	p_put(p, p_mov_imm(true, 4, 0));
	p_call(p, ISA_FN_loop);
}

/* ---- the whole ------------------------------------------------------------------------------- */

static void p_finish(struct program *p)
{
	u32 end = p->n, func;

	p_put(p, p_mov_imm(true, 0, p_once(p, 20) ? p_number(p) : 0));
	p_put(p, isa_exit());
	for (u32 i = 0; i < p->n_exits; i++)
		p->at[p->exits[i]].off = (s16)(end - p->exits[i] - 1);
	if (!p->n_calls)
		return;
	func = p->n;
	/* (number, pointer to 8 bytes of the caller's stack); as a callback (index, the same). */
	p_put(p, p_mov_imm(true, 0, 0));
	if (p_once(p, 3))
		p_put(p, isa_store(8, ISA_FP, -8, 1));
	p_put(p, isa_load(8, 3, 2, (s16)(p_once(p, 8) ? 8 : 0)));
	p_put(p, isa_alu_reg(true, ISA_ADD, 3, 1));
	if (!p_once(p, 4))
		p_put(p, isa_store(8, 2, 0, 3));
	p_put(p, isa_jump_imm(true, ISA_JGT, 3, p_number(p), 1));
	p_put(p, p_mov_imm(true, 0, 1));
	p_put(p, isa_exit());
	for (u32 i = 0; i < p->n_calls; i++)
		p->at[p->calls[i]].imm = (s32)(func - p->calls[i] - 1);
}

static void p_change(struct program *p)
{
	u32 at = p_below(p, p->n);
	struct isa_insn *i = &p->at[at];

	if (isa_is_wide(*i) || (at && isa_is_wide(i[-1])) || i->code == (ISA_JMP | ISA_CALL))
		return;
	switch (p_below(p, 5)) {
	case 0: i->imm = (i->code & ISA_X) && isa_class(*i) != ISA_ST ? i->imm : p_number(p); break;
	case 1: i->dst = p_below(p, 11) & 15; break;
	case 2:
		if (isa_class(*i) >= ISA_LDX && isa_class(*i) <= ISA_STX)
			i->off = (s16)(i->off + (s16)(p_once(p, 2) ? 4 : -8));
		break;
	case 3: *i = p_mov_reg(true, (u8)p_below(p, 10), (u8)p_below(p, 10)); break;
	default: *i = isa_jump(0); break;
	}
}

/* The program of a number. r6 holds the context, r8 and r9 numbers at its start. */
static void program_make(struct program *p, u32 number)
{
	static void (*const blocks[])(struct program *) = {
		p_random_number, p_arithmetic, p_arithmetic, p_stack, p_stack, p_spill,
		p_stack_index, p_lookup, p_lookup, p_update, p_reserve, p_lock, p_packet, p_packet,
		p_branch, p_branch, p_loop, p_memory_helper, p_function, p_callback,
	};
	static const u32 types[] = { ISA_PROG_SOCKET_FILTER, ISA_PROG_XDP, ISA_PROG_SCHED_CLS };

	memset(p, 0, sizeof(*p));
	p->seed = 0x9e3779b97f4a7c15ull * (number + 1);
	p->prog_type = types[p_below(p, 3)];
	p_put(p, p_mov_reg(true, 6, 1));
	p_put(p, p_mov_imm(true, 8, p_number(p)));
	p_put(p, p_mov_imm(true, 9, p_number(p)));
	p->scalar[8] = p->scalar[9] = true;
	for (u32 i = 1 + p_below(p, 9); i && p->n < P_MAX - 100; i--) {
		u32 k = p_below(p, ARRAY_LEN(blocks));

		if (blocks[k] == p_lock && p->prog_type == ISA_PROG_SOCKET_FILTER)
			continue;
		blocks[k](p);
	}
	p_finish(p);
	for (u32 i = p_below(p, 3); i > 1; i--)
		p_change(p);
}

#endif
