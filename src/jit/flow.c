/* What is known before code is made: where functions and labels are, which registers are live
 * behind each instruction, which have a clean (zero) upper half at labels, and which stack slots
 * may live in registers.
 *
 * Liveness is the textbook backward problem over masks of 16 bits (r0…r9, five slots), swept over
 * the whole program until labels no longer change; cleanness is the forward one, with intersection.
 * A stack slot is promoted when all its accesses have one offset and one width of 4 or 8, none
 * overlaps another, and the frame's address never leaves loads and stores: then nobody else can see
 * the memory. The most used by loop depth win. When every access is promoted, there is no frame.
 * Slots in registers that calls destroy are only for functions without calls.
 *
 * Not done: promotion beside an escaping frame address; splitting of live ranges.
 */
#include <errno.h>
#include <string.h>

#include "jit/flow.h"

u64 jit_imm64(const struct isa_insn *i)
{
	return (u32)i[0].imm | (u64)(u32)i[1].imm << 32;
}

#define BIT(r)	     (1u << (r))
#define CALLER_SAVED 0x3fu /* r0…r5 */

static bool is_jump(struct isa_insn i)
{
	u8 class = isa_class(i), op = isa_op(i);

	return (class == ISA_JMP || class == ISA_JMP32) && op != ISA_CALL && op != ISA_EXIT;
}

static bool ends(struct isa_insn i)
{
	return (isa_class(i) == ISA_JMP || isa_class(i) == ISA_JMP32) &&
	       (isa_op(i) == ISA_JA || i.code == (ISA_JMP | ISA_EXIT));
}

static u16 call_uses(const struct flow *f, struct isa_insn i)
{
	static const u16 masks[] = { 0, 2, 6, 14, 30, 62 };
	const struct isa_helper *h = isa_helper((u32)i.imm);
	const char *why;

	if (i.src == ISA_CALL_LOCAL)
		return 62;
	if ((u32)i.imm == ISA_FN_tail_call)
		return 14;
	if (!h || (h->flags & ISA_VARIADIC) ||
	    vm_prog_helper(f->prog, (u32)i.imm) != vm_helper_builtin((u32)i.imm, &why))
		return 62;
	return masks[isa_helper_args(h)];
}

static void masks_of(const struct flow *f, struct isa_insn i, struct flow_op *o)
{
	u16 dst = BIT(i.dst), src = BIT(i.src);
	u8 op = isa_op(i);

	switch (isa_class(i)) {
	case ISA_LD:
		if (isa_is_wide(i)) {
			o->def = dst;
		} else {
			o->use = BIT(6) | ((i.code & 0xe0) == ISA_IND ? src : 0);
			o->def = CALLER_SAVED;
		}
		break;
	case ISA_LDX: o->use = src, o->def = dst; break;
	case ISA_ST: o->use = dst; break;
	case ISA_STX:
		o->use = dst | src;
		if ((i.code & 0xe0) != ISA_ATOMIC)
			break;
		if (i.imm == ISA_CMPXCHG)
			o->use |= 1, o->def = 1;
		else if (i.imm & ISA_FETCH)
			o->def = src;
		break;
	case ISA_ALU:
	case ISA_ALU64:
		o->def = dst;
		o->use = op == ISA_MOV ? 0 : dst;
		if (op != ISA_END && op != ISA_NEG && (i.code & ISA_X))
			o->use |= src;
		break;
	default:
		if (op == ISA_CALL)
			o->use = call_uses(f, i), o->def = CALLER_SAVED;
		else if (op == ISA_EXIT)
			o->use = 1;
		else if (op != ISA_JA)
			o->use = dst | (i.code & ISA_X ? src : 0);
	}
	o->use &= 0x3ff;
	o->def &= 0x3ff;
}

static bool has_thread_call(struct isa_insn i)
{
	if (isa_class(i) == ISA_LD && !isa_is_wide(i))
		return true;
	return i.code == (ISA_JMP | ISA_CALL) && i.src != ISA_CALL_LOCAL;
}

/* Marks the target of a jump or call; false if there is no such instruction. */
static bool mark(struct flow *f, s64 to, u16 flag)
{
	if (to < 0 || to >= f->n || (f->ops[to].flags & FLOW_SECOND))
		return false;
	f->ops[to].flags |= flag;
	f->ops[to].refs += (flag & FLOW_LABEL) != 0;
	return true;
}

/* Where a jump leads in the end: through jumps that always jump. */
static s64 destination(const struct flow *f, u32 i)
{
	s64 to = i;

	for (u32 hops = 0; hops < 8; hops++) {
		struct isa_insn x = f->insns[to];

		if (hops && (x.code != (ISA_JMP | ISA_JA) && x.code != (ISA_JMP32 | ISA_JA)))
			break;
		to += 1 + (x.code == (ISA_JMP32 | ISA_JA) ? x.imm : x.off);
		if (to < 0 || to >= f->n)
			break;
	}
	return to;
}

static bool decode_one(struct flow *f, u32 i)
{
	struct isa_insn x = f->insns[i];
	struct flow_op *o = &f->ops[i];

	if (x.dst > 10 || x.src > 10)
		return false;
	masks_of(f, x, o);
	f->has_thread |= has_thread_call(x);
	o->flags |= ends(x) ? FLOW_END : 0;
	if (is_jump(x)) {
		s64 to = destination(f, i);

		o->flags |= FLOW_JUMP;

		o->target = (u32)to;
		return mark(f, to, to <= i ? FLOW_LABEL | FLOW_LOOP : FLOW_LABEL);
	}
	if (x.code == (ISA_JMP | ISA_CALL) && x.src == ISA_CALL_LOCAL) {
		o->target = (u32)(i + 1 + x.imm);
		return mark(f, (s64)i + 1 + x.imm, x.imm < 0 ? FLOW_FUNC | FLOW_LOOP : FLOW_FUNC);
	}
	if (isa_is_wide(x) && x.src == ISA_FUNC) {
		f->has_thread = true;
		o->target = (u32)(i + 1 + x.imm);
		return mark(f, (s64)i + 1 + x.imm, FLOW_FUNC | FLOW_CALLBACK);
	}
	return true;
}

static bool decode(struct flow *f)
{
	for (u32 i = 0; i < f->n; i++) {
		if (!isa_is_wide(f->insns[i]))
			continue;
		if (++i >= f->n)
			return false;
		f->ops[i].flags |= FLOW_SECOND;
	}
	f->ops[0].flags |= FLOW_FUNC;
	for (u32 i = 0; i < f->n; i++)
		if (!(f->ops[i].flags & FLOW_SECOND) && !decode_one(f, i))
			return false;
	return true;
}

/* if (c) goto +1; r1 = r2; or a constant: the front end's ?:, which has no other form in BPF, and
 * which the processor seldom foresees. The label behind goes when nothing else jumps there. */
static void find_selects(struct flow *f)
{
	for (u32 i = 0; i + 2 < f->n; i++) {
		struct isa_insn x = f->insns[i], y = f->insns[i + 1];
		struct flow_op *to = &f->ops[i + 2];
		bool is_move = y.code == (ISA_ALU64 | ISA_MOV) || y.code == (ISA_ALU | ISA_MOV) ||
			       ((y.code == (ISA_ALU64 | ISA_MOV | ISA_X) ||
				 y.code == (ISA_ALU | ISA_MOV | ISA_X)) &&
				y.off == 0 && y.src != JIT_FP);

		if ((f->ops[i].flags & (FLOW_SECOND | FLOW_CONDITIONAL)) ||
		    (f->ops[i].flags & (FLOW_JUMP | FLOW_END)) != FLOW_JUMP ||
		    f->ops[i].target != i + 2 || !is_move || x.dst == JIT_FP ||
		    ((x.code & ISA_X) && x.src == JIT_FP) || y.dst == JIT_FP ||
		    (f->ops[i + 1].flags & (FLOW_LABEL | FLOW_FUNC)))
			continue;
		f->ops[i].flags |= FLOW_SELECT;
		f->ops[i + 1].flags |= FLOW_CONDITIONAL;
		f->ops[i + 1].use |= BIT(y.dst);
		if (--to->refs == 0)
			to->flags &= (u16)~FLOW_LABEL;
	}
}

/* Functions are the stretches between function starts; no jump may leave one, no path may fall out.
 */
static bool split(struct flow *f)
{
	u32 n = 0, last = 0;

	for (u32 i = 0; i < f->n; i++)
		n += (f->ops[i].flags & FLOW_FUNC) != 0;
	f->funcs = arena_array_of(f->a, struct flow_func, n);
	for (u32 i = 0; i < f->n; i++) {
		if (!(f->ops[i].flags & FLOW_FUNC))
			continue;
		if (f->n_funcs)
			f->funcs[f->n_funcs - 1].end = i;
		f->funcs[f->n_funcs++] = (struct flow_func){ .start = i, .end = f->n };
	}
	for (u32 k = 0; k < n; k++) {
		const struct flow_func *fn = &f->funcs[k];

		for (u32 i = fn->start; i < fn->end; i++) {
			if (f->ops[i].flags & FLOW_SECOND)
				continue;
			last = i;
			if ((f->ops[i].flags & FLOW_JUMP) &&
			    (f->ops[i].target < fn->start || f->ops[i].target >= fn->end))
				return false;
		}
		if (!(f->ops[last].flags & FLOW_END))
			return false;
	}
	return true;
}

/* ---- stack slots --------------------------------------------------------------------------------
 */

struct access {
	s16 off;
	u8 bytes;
	u32 weight;
};
struct accesses {
	struct access at[64];
	u32 n;
	bool overflow;
	s32 lowest;
};

static bool frame_access(struct isa_insn i, bool *out_plain)
{
	u8 class = isa_class(i), mode = i.code & 0xe0;

	*out_plain = mode == ISA_MEM;
	return (class == ISA_LDX && i.src == JIT_FP) ||
	       ((class == ISA_ST || class == ISA_STX) && i.dst == JIT_FP);
}

static void note(struct accesses *s, s16 off, u8 bytes, u32 weight, bool plain)
{
	if (off < s->lowest)
		s->lowest = off;
	for (u32 i = 0; i < s->n; i++) {
		struct access *x = &s->at[i];

		if (x->off == off && x->bytes == bytes) {
			x->weight = x->weight && plain ? x->weight + weight : 0;
			return;
		}
	}
	if (s->n == ARRAY_LEN(s->at)) {
		s->overflow = true;
		return;
	}
	s->at[s->n++] = (struct access){ off, bytes, plain && bytes >= 4 ? weight : 0 };
}

/* Weighs all accesses of the frame; a use of its address elsewhere makes it escape. */
static void weigh(struct flow *f, struct flow_func *fn, struct accesses *s)
{
	u32 *depth = arena_array_of(f->a, u32, fn->end - fn->start + 1);
	u32 weight = 1;

	for (u32 i = fn->start; i < fn->end; i++) {
		if ((f->ops[i].flags & FLOW_JUMP) && f->ops[i].target <= i) {
			depth[f->ops[i].target - fn->start]++;
			depth[i + 1 - fn->start]--;
		}
	}
	for (u32 i = fn->start, d = 0; i < fn->end; i++) {
		struct isa_insn x = f->insns[i];
		bool plain;

		d += depth[i - fn->start];
		weight = 1u << (d > 5 ? 15 : d * 3);
		if (f->ops[i].flags & FLOW_SECOND)
			continue;
		if (x.code == (ISA_JMP | ISA_CALL) || has_thread_call(x))
			fn->calls = true;
		fn->tails |= x.code == (ISA_JMP | ISA_CALL) && x.src != ISA_CALL_LOCAL &&
			     (u32)x.imm == ISA_FN_tail_call;
		if (frame_access(x, &plain)) {
			note(s, x.off, isa_bytes(x), weight, plain);
			fn->escapes |= isa_class(x) == ISA_STX && x.src == JIT_FP;
		} else if (x.src == JIT_FP && isa_class(x) != ISA_JMP) {
			fn->escapes = true;
		} else if (isa_class(x) > ISA_STX && (x.dst == JIT_FP || x.src == JIT_FP)) {
			fn->escapes = true;
		}
	}
}

static void refuse_overlaps(struct accesses *s)
{
	for (u32 i = 0; i < s->n; i++)
		for (u32 k = 0; k < s->n; k++)
			if (i != k && s->at[i].off < s->at[k].off + s->at[k].bytes &&
			    s->at[k].off < s->at[i].off + s->at[i].bytes)
				s->at[i].weight = 0;
}

/* The registers that slots may take in this function, the best first. */
static u32 spares(const struct flow *f, const struct flow_func *fn, u16 used, u8 out[24])
{
	const struct jit_target *t = f->t;
	u32 n = 0;

	for (u32 i = 0; i < ARRAY_LEN(t->spare) && t->spare[i] != JIT_NOREG; i++) {
		bool kept = t->kept >> t->spare[i] & 1;

		if ((t->spare[i] == t->thread && f->has_thread) || (fn->calls && !kept))
			continue;
		out[n++] = t->spare[i];
	}
	for (u32 r = 10; r-- > 1;)
		if (!(used >> r & 1) && (!fn->calls || (t->kept >> t->home[r] & 1)))
			out[n++] = t->home[r];
	return n;
}

static void promote(struct flow *f, struct flow_func *fn, struct accesses *s, u16 used)
{
	u8 regs[24];
	u32 n = spares(f, fn, used, regs);
	bool all;

	if (n > JIT_MAX_SLOTS)
		n = JIT_MAX_SLOTS;
	refuse_overlaps(s);
	while (fn->n_slots < n) {
		struct access *best = NULL;

		for (u32 i = 0; i < s->n; i++)
			if (s->at[i].weight > (best ? best->weight : 0))
				best = &s->at[i];
		if (!best)
			break;
		best->weight = 0;
		fn->slots[fn->n_slots] =
			(struct flow_slot){ best->off, best->bytes, regs[fn->n_slots] };
		fn->natives |= BIT(regs[fn->n_slots]);
		fn->n_slots++;
	}
	all = fn->n_slots == s->n;
	if (all)
		fn->frame = 0;
}

/* Rewrites the masks of accesses to promoted slots. */
static void apply(struct flow *f, const struct flow_func *fn)
{
	for (u32 i = fn->start; i < fn->end; i++) {
		struct isa_insn x = f->insns[i];
		struct flow_op *o = &f->ops[i];
		bool plain;

		if ((o->flags & FLOW_SECOND) || !frame_access(x, &plain))
			continue;
		for (u32 k = 0; k < fn->n_slots; k++) {
			if (fn->slots[k].off != x.off || fn->slots[k].bytes != isa_bytes(x))
				continue;
			o->flags |= FLOW_SLOT;
			o->slot = (u8)(JIT_SLOT0 + k);
			if (isa_class(x) == ISA_LDX)
				o->use |= BIT(o->slot);
			else
				o->def |= BIT(o->slot);
		}
	}
}

static void function(struct flow *f, struct flow_func *fn)
{
	struct accesses s = { .n = 0 };
	u16 used = 0;

	for (u32 i = fn->start; i < fn->end; i++)
		used |= f->ops[i].use | f->ops[i].def;
	if (f->ops[fn->start].flags & FLOW_FUNC)
		used |= fn->start ? 62 : 6;
	weigh(f, fn, &s);
	for (u32 r = 0; r < 10; r++)
		if (used >> r & 1)
			fn->natives |= BIT(f->t->home[r]);
	fn->frame = (u32)-s.lowest;
	if (fn->escapes)
		fn->frame = ISA_STACK_BYTES;
	else if (!s.overflow)
		promote(f, fn, &s, used);
	if (fn->n_slots)
		apply(f, fn);
}

/* ---- liveness and cleanness
 * ----------------------------------------------------------------------- */

static void liveness(struct flow *f)
{
	bool changed = true;

	while (changed) {
		u16 live = 0;

		changed = false;
		for (u32 i = f->n; i-- > 0;) {
			struct flow_op *o = &f->ops[i];

			if (o->flags & FLOW_SECOND)
				continue;
			if (o->flags & FLOW_END)
				live = 0;
			if ((o->flags & (FLOW_JUMP | FLOW_SELECT)) == FLOW_JUMP)
				live |= f->live_in[o->target];
			o->live_after = live;
			if (f->insns[i].code == (ISA_JMP | ISA_CALL) &&
			    f->insns[i].src == ISA_CALL_LOCAL)
				o->use = f->live_in[o->target] & 62;
			live = (u16)((live & ~o->def) | o->use);
			if ((o->flags & (FLOW_LABEL | FLOW_FUNC)) && f->live_in[i] != live) {
				f->live_in[i] = live;
				/* What comes from before is still to be seen in this sweep. */
				changed |= (o->flags & FLOW_LOOP) != 0;
			}
			if (o->flags & FLOW_FUNC)
				live = 0;
		}
	}
}

static bool clean_alu(struct isa_insn x, u16 clean)
{
	bool imm = !(x.code & ISA_X), dst = clean >> x.dst & 1, src = clean >> x.src & 1;

	if (isa_class(x) == ISA_ALU)
		return isa_op(x) != ISA_END || x.imm != 64;
	switch (isa_op(x)) {
	case ISA_MOV: return imm ? x.imm >= 0 : x.off == 0 && src;
	case ISA_AND: return imm ? x.imm >= 0 || dst : dst || src;
	case ISA_OR:
	case ISA_XOR: return dst && (imm ? x.imm >= 0 : src);
	case ISA_RSH: return imm && (dst || (x.imm & 63) >= 32);
	case ISA_END: return x.imm != 64;
	case ISA_DIV:
	case ISA_MOD: return x.off == 0 && dst && (imm ? x.imm >= 0 : true);
	default: return false;
	}
}

static u16 clean_after(const struct flow *f, u32 i, u16 clean)
{
	struct isa_insn x = f->insns[i];
	const struct flow_op *o = &f->ops[i];
	bool is = false;

	if (!o->def)
		return clean;
	if (o->flags & FLOW_SLOT) {
		u8 from = isa_class(x) == ISA_LDX ? o->slot : x.src;

		is = isa_bytes(x) == 4 || (isa_class(x) == ISA_ST ? x.imm >= 0 : clean >> from & 1);
	} else if (isa_class(x) == ISA_ALU || isa_class(x) == ISA_ALU64) {
		is = clean_alu(x, clean);
	} else if (isa_class(x) == ISA_LDX) {
		is = isa_bytes(x) < 8 && (x.code & 0xe0) == ISA_MEM;
	} else if (isa_is_wide(x)) {
		is = x.src == 0 && f->insns[i + 1].imm == 0;
	} else if (isa_class(x) == ISA_STX) {
		is = isa_bytes(x) == 4;
	}
	if (is && (o->flags & FLOW_CONDITIONAL))
		return clean;
	return is ? clean | o->def : clean & (u16)~o->def;
}

static bool meet(struct flow *f, u32 at, u16 clean)
{
	u16 now = f->clean[at] & clean;

	if (now == f->clean[at])
		return false;
	f->clean[at] = now;
	return true;
}

static void cleanness(struct flow *f)
{
	bool changed = true;

	memset(f->clean, 0xff, f->n * sizeof(*f->clean));
	while (changed) {
		u16 now = 0;

		changed = false;
		for (u32 i = 0; i < f->n; i++) {
			const struct flow_op *o = &f->ops[i];

			if (o->flags & FLOW_SECOND)
				continue;
			if (o->flags & FLOW_FUNC)
				now = 0, f->clean[i] = 0;
			if (o->flags & FLOW_LABEL) {
				meet(f, i, now);
				now = f->clean[i];
			}
			now = clean_after(f, i, now);
			if ((o->flags & (FLOW_JUMP | FLOW_SELECT)) == FLOW_JUMP &&
			    meet(f, o->target, now) && o->target <= i)
				changed = true;
			if (o->flags & FLOW_END)
				now = 0xffff;
		}
	}
}

static bool begin(struct flow *f)
{
	f->n_funcs = 0;
	f->ops = arena_array_of(f->a, struct flow_op, f->n);
	f->live_in = arena_array_of(f->a, u16, f->n);
	f->clean = arena_array_of(f->a, u16, f->n);
	return decode(f) && split(f);
}

int jit_flow(struct flow *f, struct arena *a, const struct vm_prog *p, const struct jit_target *t,
	     const struct jit_options *o, struct err *e)
{
	*f = (struct flow){ .a = a, .prog = p, .t = t, .has_thread = o->with_budget };
	f->insns = vm_prog_insns(p, &f->n);
	if (!f->n)
		return err_set(e, -EINVAL, "jit", "The program is empty.");
	if (!begin(f) || (!o->with_budget && jit_unroll(f) && !begin(f)))
		return err_set(e, -EINVAL, "jit",
			       "A jump or call of the program leaves its function; only verified "
			       "programs can be compiled.");
	if (!o->blind_constants)
		find_selects(f);
	for (u32 i = 0; i < f->n_funcs; i++)
		function(f, &f->funcs[i]);
	liveness(f);
	cleanness(f);
	for (u32 i = 0; i < f->n_funcs; i++)
		f->funcs[i].live_in = f->live_in[f->funcs[i].start];
	return 0;
}
