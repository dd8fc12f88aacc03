/* Selection of calls: between functions of the program, of helpers, through callbacks, and what
 * replaces them.
 *
 * r1…r5 and r0 live where C functions of the machine take arguments and give results, so a call
 * between BPF functions moves nothing, and a helper call shifts five registers to make room for the
 * thread. A lookup in an array map at a constant key is a constant; at another key, a bounds check
 * and an address. A tail call leaves the function and goes on at the other program's entry if that
 * has native code of the same kind, else in the interpreter. Callbacks: the program's entry registers
 * call_back() with the thread, and the value of a function is the address of a stub that loads the
 * thread's register.
 */
#include <errno.h>
#include <stddef.h>

#include "jit/select.h"

#define BIT(r) (1u << (r))

typedef u64 (*stub_fn)(u64 a, u64 b, u64 c, u64 d, u64 e, struct vm_thread *t);

static u64 call_back(struct vm_thread *t, u64 func, u64 a, u64 b, u64 c, u64 d)
{
	stub_fn fn = (stub_fn)(uintptr_t)func;

	return fn(a, b, c, d, 0, t);
}

enum { MOST_TAIL_CALLS = 33 };

/* What a tail call leads to, in the frame of the function that makes it. */
struct tail {
	u64 code; /* 0: nowhere; 1: the program has run; else the code to go on in */
	void *ctx;
};

/* Native code goes on in the caller's place; a program without any runs here and now. */
static u64 tail_call(struct vm_thread *t, void *ctx, struct maps_map *map, u32 index,
		     struct tail *out, u64 counts)
{
	struct vm_prog *p = maps_prog(map, index);
	u32 *tails = vm_thread_tails(t);

	*out = (struct tail){ 0, ctx };
	if (!p || *tails >= MOST_TAIL_CALLS)
		return (u64)-ENOENT;
	++*tails;
	out->code = (u64)(uintptr_t)vm_prog_native(p, counts != 0);
	if (out->code)
		return 0;
	out->code = 1;
	return vm_run_inside(p, t, ctx, counts != 0);
}

/* A legacy packet load, or -1 where the packet does not reach: then the program ends with 0. */
static u64 packet_load(struct vm_thread *t, u64 offset, u64 bytes)
{
	const struct vm_packet *p = vm_thread_get_packet(t);
	s64 off = (s32)offset;
	u64 x = 0;

	if (off < -0x100000)
		off += 0x200000;
	else if (off < 0)
		off += 0x100000 + (s64)p->net_off;
	if (!p->data || off < 0 || off + (s64)bytes > (s64)p->size)
		return ~0ULL;
	for (u64 i = 0; i < bytes; i++)
		x = x << 8 | p->data[off + (s64)i];
	return x;
}

/* Before a call: what it destroys and somebody wants is computed or moved; `args` are in their
 * homes. */
static void spill(struct sel *s, u32 args)
{
	jit_sel_force_loads(s);
	jit_sel_force_all(s, args);
	for (u8 q = 0; q < JIT_N_VREGS; q++)
		if (q != JIT_FP && (s->after >> q & 1) &&
		    (s->v[q].refs & ~s->t->kept & ~BIT(s->t->sp)))
			jit_sel_force(s, q);
}

static void called(struct sel *s)
{
	for (u8 r = 0; r <= 5; r++)
		jit_sel_home(s, r);
	s->clean &= s->t->kept;
}

/* Moves r1…rn one argument on and puts the thread in front. What does not depend on moved registers
 * is computed where it has to be. */
static void shift_args(struct sel *s, u32 n)
{
	u32 direct = 0;

	jit_sel_force_loads(s);
	for (u32 k = 1; k <= n; k++) {
		const struct val *v = &s->v[k];

		if (v->kind != VAL_HOME && !(v->refs & ~s->t->kept & ~BIT(s->t->sp)))
			direct |= BIT(k);
	}
	for (u32 k = 1; k <= n; k++)
		if (!(direct >> k & 1))
			jit_sel_force(s, k);
	spill(s, 0);
	for (u8 k = (u8)n; k >= 1; k--) {
		if (s->v[k].kind != VAL_HOME)
			jit_sel_emit(s, s->t->args[k], &s->v[k]);
		else if (s->t->args[k] != s->home[k])
			s->t->mov(s->b, s->t->args[k], s->home[k], true);
	}
	s->t->mov(s->b, s->t->args[0], s->t->thread, true);
}

static u32 count_args(const struct sel *s)
{
	u16 use = s->f->ops[s->i].use;
	u32 n = 0;

	while (use >> (n + 1) & 1)
		n++;
	return n;
}

/* Arrays whose lookup is arithmetic. */
struct array {
	void *base;
	u32 stride, max;
	u64 slot_bytes; /* per-CPU arrays: else 0 */
	u32 slots;
};

/* The map in r1, if it is one and its distances fit in immediates. */
static bool array_in_r1(const struct sel *s, struct array *out)
{
	struct maps_map *map = NULL;
	u32 n = vm_prog_maps(s->f->prog);

	if (s->v[1].kind != VAL_CONST || s->o->blind_constants)
		return false;
	for (u32 i = 0; i < n && !map; i++)
		if ((u64)(uintptr_t)vm_prog_map(s->f->prog, i) == s->v[1].imm)
			map = vm_prog_map(s->f->prog, i);
	if (!map)
		return false;
	*out = (struct array){ .max = maps_spec(map)->max_entries };
	out->base = maps_array_base(map, &out->stride);
	if (!out->base)
		out->base = maps_percpu_base(map, &out->stride, &out->slot_bytes, &out->slots);
	/* A slot is taken modulo their number, which must be a mask. */
	return out->base && out->stride <= 0x7fffffff && out->max <= 0x7fffffff &&
	       out->slot_bytes <= 0x7fffffff && !(out->slots & (out->slots - 1));
}

/* Adds to r0 where the values of the thread's slot begin. */
static void add_slot(struct sel *s, const struct array *a)
{
	u8 r0 = s->home[0], scratch = s->t->scratch;
	struct jit_addr slot = jit_sel_base(s->t->thread);

	slot.disp = (s32)vm_thread_places.slot;
	s->t->load(s->b, scratch, &slot, 4, false);
	s->t->alu_imm(s->b, ISA_AND, scratch, (s32)a->slots - 1, true);
	if (a->slot_bytes & (a->slot_bytes - 1))
		s->t->mul_imm(s->b, scratch, scratch, (s32)a->slot_bytes, true);
	else
		s->t->shift_imm(s->b, ISA_LSH, scratch, scratch, (u8)__builtin_ctzll(a->slot_bytes),
				true);
	s->t->alu(s->b, ISA_ADD, r0, scratch, true);
}

/* r0 = index < max ? base + index * stride : NULL */
static bool inline_lookup(struct sel *s)
{
	const struct verify_fact *fact = jit_sel_fact(s);
	u8 r0 = s->home[0], scratch = s->t->scratch;
	struct jit_addr key;
	struct array a;

	if (!array_in_r1(s, &a))
		return false;
	jit_sel_force_loads(s);
	if (fact && fact->key_known && fact->key < a.max && !a.slots) {
		jit_sel_bind(s, 0,
			     (struct val){ .kind = VAL_CONST,
					   .imm = (u64)(uintptr_t)a.base + fact->key * a.stride });
		return true;
	}
	key = jit_sel_addr(s, 2, 0, 4);
	jit_sel_vacate(s, 0);
	key = jit_sel_addr(s, 2, 0, 4);
	s->t->load(s->b, scratch, &key, 4, false);
	jit_sel_home(s, 0);
	s->t->mov_imm(s->b, r0, 0);
	s->t->cmp_imm(s->b, scratch, (s32)a.max, false);
	jit_buf_jump(s->b, JIT_GE, jit_sel_label(s, SEL_BEHIND, s->i), 0);
	if (a.stride & (a.stride - 1))
		s->t->mul_imm(s->b, scratch, scratch, (s32)a.stride, true);
	else if (a.stride > 1)
		s->t->shift_imm(s->b, ISA_LSH, scratch, scratch, (u8)__builtin_ctz(a.stride), true);
	s->t->mov_imm(s->b, r0, (u64)(uintptr_t)a.base);
	s->t->alu(s->b, ISA_ADD, r0, scratch, true);
	if (a.slots > 1)
		add_slot(s, &a);
	jit_buf_label(s->b, jit_sel_label(s, SEL_BEHIND, s->i));
	jit_sel_set_clean(s, r0, false);
	return true;
}

static void tail(struct sel *s)
{
	struct jit_addr code = jit_sel_base(s->t->sp), ctx = code;
	const struct jit_target *t = s->t;

	ctx.disp = (s32)offsetof(struct tail, ctx);
	shift_args(s, 3);
	t->lea(s->b, t->args[4], &code, true);
	t->mov_imm(s->b, t->args[5], s->o->with_budget);
	t->call_abs(s->b, (u64)(uintptr_t)tail_call);
	called(s);
	t->load(s->b, t->scratch, &code, 8, false);
	t->cmp_imm(s->b, t->scratch, 1, true);
	jit_buf_jump(s->b, JIT_LT, jit_sel_label(s, SEL_BEHIND, s->i), 0);
	jit_buf_jump(s->b, JIT_NE, jit_sel_label(s, SEL_GO, s->i), 0);
	t->leave(s->b, s->saved, s->frame, s->fn->calls, JIT_NOREG);
	jit_buf_label(s->b, jit_sel_label(s, SEL_GO, s->i));
	t->load(s->b, t->args[0], &ctx, 8, false);
	t->mov(s->b, t->args[1], t->thread, true);
	t->leave(s->b, s->saved, s->frame, s->fn->calls, t->scratch);
	jit_buf_label(s->b, jit_sel_label(s, SEL_BEHIND, s->i));
}

void jit_sel_call(struct sel *s, struct isa_insn x)
{
	vm_helper_fn fn;

	if (x.src == ISA_CALL_LOCAL) {
		spill(s, s->f->ops[s->i].use & 62);
		jit_buf_jump(s->b, JIT_CALL, jit_sel_label(s, SEL_ENTRY, s->f->ops[s->i].target),
			     0);
		called(s);
		return;
	}
	if ((u32)x.imm == ISA_FN_tail_call) {
		tail(s);
		return;
	}
	if ((u32)x.imm == ISA_FN_map_lookup_elem && inline_lookup(s))
		return;
	fn = vm_prog_helper(s->f->prog, (u32)x.imm);
	shift_args(s, count_args(s));
	s->t->call_abs(s->b, (u64)(uintptr_t)fn);
	called(s);
}

void jit_sel_packet(struct sel *s, struct isa_insn x)
{
	bool indirect = (x.code & 0xe0) == ISA_IND;
	u8 bytes = isa_bytes(x);

	spill(s, indirect ? BIT(x.src) : 0);
	if (indirect)
		s->t->mov(s->b, s->t->args[1], s->home[x.src], true);
	else
		s->t->mov_imm(s->b, s->t->args[1], 0);
	s->t->alu_imm(s->b, ISA_ADD, s->t->args[1], x.imm, true);
	s->t->mov_imm(s->b, s->t->args[2], bytes);
	s->t->mov(s->b, s->t->args[0], s->t->thread, true);
	s->t->call_abs(s->b, (u64)(uintptr_t)packet_load);
	called(s);
	s->t->cmp_imm(s->b, s->home[0], -1, true);
	jit_buf_jump(s->b, JIT_NE, jit_sel_label(s, SEL_BEHIND, s->i), 0);
	s->t->mov_imm(s->b, s->home[0], 0);
	s->t->leave(s->b, s->saved, s->frame, s->fn->calls, JIT_NOREG);
	jit_buf_label(s->b, jit_sel_label(s, SEL_BEHIND, s->i));
	jit_sel_set_clean(s, s->home[0], true);
}

bool jit_sel_uses_callbacks(const struct flow *f)
{
	for (u32 i = 0; i < f->n; i++)
		if (f->ops[i].flags & FLOW_CALLBACK)
			return true;
	return false;
}

/* The entry of a program with callbacks, then one stub for each. */
void jit_sel_stubs(struct sel *s)
{
	const struct jit_target *t = s->t;
	u8 ctx = t->home[6], before = t->home[7];
	u32 saved = BIT(ctx) | BIT(before) | BIT(t->thread), frame;

	jit_buf_room(s->b, 1024);
	frame = t->enter(s->b, saved, 0, true);
	t->mov(s->b, ctx, t->args[0], true);
	t->mov(s->b, t->thread, t->args[1], true);
	t->mov(s->b, t->args[0], t->thread, true);
	t->mov_imm(s->b, t->args[1], (u64)(uintptr_t)call_back);
	t->call_abs(s->b, (u64)(uintptr_t)vm_thread_callback);
	t->mov(s->b, before, t->ret, true);
	t->mov(s->b, t->args[0], ctx, true);
	t->mov(s->b, t->args[1], t->thread, true);
	jit_buf_jump(s->b, JIT_CALL, jit_sel_label(s, SEL_ENTRY, 0), 0);
	t->mov(s->b, ctx, t->ret, true);
	t->mov(s->b, t->args[0], t->thread, true);
	t->mov(s->b, t->args[1], before, true);
	t->call_abs(s->b, (u64)(uintptr_t)vm_thread_callback);
	t->mov(s->b, t->ret, ctx, true);
	t->leave(s->b, saved, frame, true, JIT_NOREG);
	for (u32 i = 0; i < s->f->n; i++) {
		if (!(s->f->ops[i].flags & FLOW_CALLBACK))
			continue;
		jit_buf_room(s->b, 256);
		jit_buf_label(s->b, jit_sel_label(s, SEL_STUB, i));
		frame = t->enter(s->b, BIT(t->thread), 0, true);
		t->mov(s->b, t->thread, t->args[5], true);
		for (u8 k = 5; k >= 1; k--)
			t->mov(s->b, t->home[k], t->args[k - 1], true);
		jit_buf_jump(s->b, JIT_CALL, jit_sel_label(s, SEL_ENTRY, i), 0);
		t->leave(s->b, BIT(t->thread), frame, true, JIT_NOREG);
	}
}
