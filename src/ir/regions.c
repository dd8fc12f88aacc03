/* regions: what each value points into.
 *
 * Writes ins->region for every value of a function. A forward fixed point over a small lattice:
 * nothing known yet, then null (constant zero and undefined values, which fit every region), then
 * one region, then IR_IN_ANY for what meets among plain addresses and IR_IN_MIXED for the rest.
 * Every value only climbs, at most five steps, so that the walk in layout order ends (Kildall
 * 1973).
 *
 * Two kinds of regions: strong ones are pointers to the kernel's verifier; weak ones (unknown,
 * kernel, user, any) are numbers to it. In a sum the strong operand is the pointer. Stack, map
 * values and helper memory are read and written alike, hence a value that may be any of them is
 * IR_IN_MEM and not mixed. A BTF pointer that meets a kernel address can still be read as one.
 *
 * A region that the front end gave to a load, a copy, an atomic or a call stays. A copy with a
 * region is how a cast says "this number is a user address". A load that nobody annotated gives a
 * pointer only if it reads eight bytes through kernel or user memory: pointer chasing.
 *
 * What this does not do: regions of memory. A pointer that goes through a slot, a map or a global
 * and was not promoted comes back as the annotation of its load says.
 */
#include "ir/regions.h"

/* Lattice elements below the regions, kept in ins->mark. */
enum { NOTHING = 0xff, NIL = 0xfe };

enum ir_region ir_region_join(enum ir_region a, enum ir_region b)
{
	if (a == b)
		return a;
	if (ir_region_is_own(a) && ir_region_is_own(b))
		return IR_IN_MEM;
	if ((a == IR_IN_BTF && b == IR_IN_KERNEL) || (a == IR_IN_KERNEL && b == IR_IN_BTF))
		return IR_IN_KERNEL;
	if (ir_region_is_weak(a == IR_IN_BTF ? IR_IN_KERNEL : a) &&
	    ir_region_is_weak(b == IR_IN_BTF ? IR_IN_KERNEL : b))
		return IR_IN_ANY;
	return IR_IN_MIXED;
}

static u32 join(u32 a, u32 b)
{
	if (a == NOTHING || (a == NIL && b != NOTHING))
		return b;
	if (b == NOTHING || b == NIL)
		return a;
	return ir_region_join((enum ir_region)a, (enum ir_region)b);
}

static bool is_strong(u32 r)
{
	return r != NIL && !ir_region_is_weak((enum ir_region)r);
}

/* Both operands are numbers to the verifier: the one that is known to be an address wins. */
static u32 sum_of_weak(u32 x, u32 y)
{
	if (x == y)
		return x;
	if (x == NIL)
		return y == IR_IN_UNKNOWN ? NIL : y;
	if (y == NIL)
		return x == IR_IN_UNKNOWN ? NIL : x;
	if (x == IR_IN_UNKNOWN)
		return y;
	return y == IR_IN_UNKNOWN ? x : IR_IN_ANY;
}

static u32 of_sum(u32 x, u32 y)
{
	if (x == NOTHING || y == NOTHING)
		return NOTHING;
	if (is_strong(x) && is_strong(y))
		return IR_IN_MIXED;
	if (is_strong(x) || is_strong(y))
		return is_strong(x) ? x : y;
	return sum_of_weak(x, y);
}

static u32 of_difference(u32 x, u32 y)
{
	if (x == NOTHING || y == NOTHING)
		return NOTHING;
	if (is_strong(y) || (x == y && x != NIL))
		return IR_IN_UNKNOWN;
	return is_strong(x) ? x : sum_of_weak(x, y);
}

/* Masks and tag bits: alignment tricks keep an address what it is. */
static u32 of_mask(u32 x, u32 y)
{
	if (x == NOTHING || y == NOTHING)
		return NOTHING;
	return is_strong(x) || is_strong(y) ? IR_IN_UNKNOWN : sum_of_weak(x, y);
}

static u32 of_symbol(const struct ir_fn *fn, const struct ir_ins *i)
{
	switch (fn->m->syms.at[i->sym].kind) {
	case IR_SYM_MAP: return IR_IN_MAP;
	case IR_SYM_DATA: return IR_IN_VALUE;
	case IR_SYM_FN:
	case IR_SYM_KFUNC: return IR_IN_FUNC;
	case IR_SYM_KVAR: return IR_IN_BTF;
	case IR_SYM_CONST: break;
	}
	return IR_IN_UNKNOWN;
}

static u32 of_helper(s64 id)
{
	const struct isa_helper *h = id > 0 && id <= UINT32_MAX ? isa_helper((u32)id) : NULL;

	switch (h ? h->ret : ISA_RET_INT) {
	case ISA_RET_VALUE:
	case ISA_RET_VALUE_OR_NULL: return IR_IN_VALUE;
	case ISA_RET_MEM_OR_NULL: return IR_IN_MEM;
	case ISA_RET_TCP_SOCK_OR_NULL:
	case ISA_RET_SOCK_OR_NULL: return IR_IN_SOCK;
	case ISA_RET_BTF:
	case ISA_RET_BTF_OR_NULL: return IR_IN_BTF;
	case ISA_RET_TASK_ADDR: return IR_IN_KERNEL;
	case ISA_RET_VOID:
	case ISA_RET_INT:
	case ISA_RET_NEVER: break;
	}
	return IR_IN_UNKNOWN;
}

/* A field of the context, by the tables of isa. */
static u32 of_context(const struct ir_fn *fn, const struct ir_ins *i)
{
	const struct isa_ctx *ctx = fn->prog_type ? isa_ctx_of(fn->prog_type) : NULL;

	for (u32 k = 0; ctx && k < ctx->n; k++) {
		if (ctx->fields[k].off != i->imm || ctx->fields[k].size != i->size)
			continue;
		switch (ctx->fields[k].kind) {
		case ISA_CTX_PACKET:
		case ISA_CTX_PACKET_META: return IR_IN_PACKET;
		case ISA_CTX_PACKET_END: return IR_IN_PACKET_END;
		case ISA_CTX_SOCK: return IR_IN_SOCK;
		case ISA_CTX_FLOW_KEYS: return IR_IN_MEM;
		default: return IR_IN_UNKNOWN;
		}
	}
	return i->size == 8 ? fn->ctx_words : IR_IN_UNKNOWN;
}

static u32 of_load(const struct ir_fn *fn, const struct ir_ins *i)
{
	u32 base = i->args[0]->mark;

	if (base == NOTHING)
		return NOTHING;
	if (base == IR_IN_CTX)
		return of_context(fn, i);
	if (i->size != 8)
		return IR_IN_UNKNOWN;
	if (base == IR_IN_USER || base == IR_IN_ANY)
		return base;
	return base == IR_IN_KERNEL || base == IR_IN_BTF ? IR_IN_KERNEL : IR_IN_UNKNOWN;
}

static u32 of_phi(const struct ir_ins *i)
{
	u32 all = NOTHING;

	for (u32 k = 0; k < i->n_args; k++)
		all = join(all, i->args[k]->mark);
	return all;
}

/* True for what keeps a region that was said before. */
static bool is_said(const struct ir_ins *i)
{
	if (i->region == IR_IN_UNKNOWN || i->region == IR_IN_MIXED)
		return false;
	switch (i->op) {
	case IR_LOAD:
	case IR_COPY:
	case IR_ATOMIC:
	case IR_CALL:
	case IR_CALL_FN:
	case IR_CALL_KFUNC: return true;
	default: return false;
	}
}

static u32 compute(const struct ir_fn *fn, const struct ir_ins *i)
{
	if (is_said(i))
		return i->region;
	switch (i->op) {
	case IR_CONST: return i->imm ? IR_IN_UNKNOWN : NIL;
	case IR_UNDEF: return NIL;
	case IR_PARAM:
		return i->imm >= 0 && i->imm < IR_MAX_PARAMS ? fn->param_region[i->imm]
							     : IR_IN_UNKNOWN;
	case IR_SLOT: return IR_IN_STACK;
	case IR_SYM: return of_symbol(fn, i);
	case IR_PHI: return of_phi(i);
	case IR_OPAQUE:
	case IR_COPY: return i->args[0]->mark;
	case IR_ADD: return of_sum(i->args[0]->mark, i->args[1]->mark);
	case IR_SUB: return of_difference(i->args[0]->mark, i->args[1]->mark);
	case IR_AND:
	case IR_OR: return of_mask(i->args[0]->mark, i->args[1]->mark);
	/* The packet pointers of a context are 32-bit fields that C code widens. */
	case IR_ZEXT: return i->count == 32 ? i->args[0]->mark : (u32)IR_IN_UNKNOWN;
	case IR_LOAD: return of_load(fn, i);
	case IR_CALL: return of_helper(i->imm);
	default: return IR_IN_UNKNOWN;
	}
}

static bool sweep(struct ir_fn *fn)
{
	bool changed = false;

	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *i = b->first; i; i = i->next) {
			u32 now = join(i->mark, compute(fn, i));

			changed |= now != i->mark;
			i->mark = now;
		}
	return changed;
}

void ir_regions(struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *i = b->first; i; i = i->next)
			i->mark = NOTHING;
	while (sweep(fn))
		;
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *i = b->first; i; i = i->next)
			i->region = i->mark >= NIL ? IR_IN_UNKNOWN : (u8)i->mark;
}
