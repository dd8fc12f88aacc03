/* memory: which accesses cannot meet.
 *
 * An address lies in the object that it was computed from: adding to a pointer never leads from one
 * object into another (C11 6.5.6, and the verifier insists). So two accesses are apart when they
 * have different objects, or when one has a slot whose address went nowhere else and the other's
 * address came from somewhere unknown.
 *
 * Where the address of a slot goes is found by looking at each use of each address that is computed
 * from it. Addresses that come through a phi, or are stored, count as known to everybody, and so do
 * those that something is subtracted from: the difference of two addresses is a number, which may
 * well be the index into another object. Nothing is said about fields or types.
 */
#include "ir/memory.h"
#include "ir/ranges.h"

#define MAX_DEPTH 8 /* of sums that ir_object() looks through */

static struct ir_ins *object_at(struct ir_ins *x, u32 depth)
{
	struct ir_ins *found = NULL;

	if (x->op == IR_SLOT)
		return x;
	if (x->op == IR_SYM)
		return x->block->fn->m->syms.at[x->sym].kind == IR_SYM_DATA ? x : NULL;
	if (!depth || (x->op != IR_ADD && x->op != IR_COPY))
		return NULL;
	found = object_at(x->args[0], depth - 1);
	if (!found && x->op == IR_ADD)
		found = object_at(x->args[1], depth - 1);
	return found;
}

struct ir_ins *ir_object(struct ir_ins *address)
{
	return object_at(address, MAX_DEPTH);
}

/* ---- pointers in data ------------------------------------------------------------------------ */

/* The number that `x` is, also where no pass has folded it yet. */
static bool number_at(const struct ir_ins *x, u32 depth, u64 *out)
{
	u64 a = 0, b = 0;

	if (x->op == IR_CONST) {
		*out = ir_const_bits(x);
		return true;
	}
	if (!depth || x->n_args > 2 ||
	    !(x->n_args ? x->op == IR_COPY || ir_op_info(x->op)->flags & IR_F_PURE : false))
		return false;
	if (!number_at(x->args[0], depth - 1, &a) ||
	    (x->n_args > 1 && !number_at(x->args[1], depth - 1, &b)))
		return false;
	*out = x->op == IR_COPY ? a : ir_eval(x, a, b);
	return true;
}

/* The data section and offset that an address is. */
static bool data_address(const struct ir_module *m, const struct ir_ins *x, u32 *out_data,
			 s64 *out_off)
{
	u64 sum = 0, v;

	for (u32 i = 0; i < MAX_DEPTH && x->op != IR_SYM; i++) {
		if (x->op == IR_ADD && number_at(x->args[1], MAX_DEPTH, &v))
			sum += v;
		else if (x->op != IR_COPY)
			return false;
		x = x->args[0];
	}
	if (x->op != IR_SYM || m->syms.at[x->sym].kind != IR_SYM_DATA)
		return false;
	*out_data = m->syms.at[x->sym].index;
	*out_off = (s64)(sum + (u64)x->imm);
	return true;
}

bool ir_loads_pointer(const struct ir_module *m, const struct ir_ins *x, u32 *out_sym, s64 *out_off)
{
	u32 data;
	s64 off;

	if (!m->pointers.n || x->size != 8 || x->is_volatile ||
	    !data_address(m, x->args[0], &data, &off))
		return false;
	off += x->imm;
	for (u32 i = 0; i < m->pointers.n; i++) {
		const struct ir_pointer *p = &m->pointers.at[i];

		const struct ir_sym *to = &m->syms.at[p->sym];

		if (p->data != data || p->off != off ||
		    (to->kind == IR_SYM_FN && to->index >= m->fns.n))
			continue;
		*out_sym = p->sym;
		*out_off = p->to_off;
		return true;
	}
	return false;
}

/* ---- where addresses go ---------------------------------------------------------------------- */

/* Helpers that remember an address, or hand it to a callback, beyond the call. */
static bool keeps_addresses(const struct isa_helper *h)
{
	for (u32 i = 0; i < ARRAY_LEN(h->args); i++)
		switch (h->args[i]) {
		case ISA_ARG_FUNC:
		case ISA_ARG_STACK_OR_NULL:
		case ISA_ARG_TIMER:
		case ISA_ARG_KPTR:
		case ISA_ARG_DYNPTR:
		case ISA_ARG_OUT_DYNPTR: return true;
		default: break;
		}
	return false;
}

static const struct isa_helper *helper_of(const struct ir_ins *x)
{
	return x->op == IR_CALL ? isa_helper((u32)x->imm) : NULL;
}

/* What using the address of `slot` as operand `i` of `x` does to the slot. */
static enum ir_exposure exposure_by(struct ir_ins *x, u32 i, const struct ir_ins *slot)
{
	switch (x->op) {
	case IR_LOAD:
	case IR_ZERO:
	case IR_MOVE: return IR_PRIVATE;
	case IR_STORE:
	case IR_ATOMIC: return i == 0 ? IR_PRIVATE : IR_EXPOSED;
	case IR_ADD:
	case IR_COPY: return ir_object(x) == slot ? IR_PRIVATE : IR_EXPOSED;
	case IR_EQ:
	case IR_NE:
	case IR_IF: return IR_PRIVATE;
	case IR_CALL: return helper_of(x) && !keeps_addresses(helper_of(x)) ? IR_LENT : IR_EXPOSED;
	default: return IR_EXPOSED;
	}
}

void ir_slots_classify(struct ir_fn *fn)
{
	for (struct ir_ins *x = fn->first->first; x; x = x->next)
		if (x->op == IR_SLOT)
			x->mark = IR_PRIVATE;
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			for (u32 i = 0; i < x->n_args; i++) {
				struct ir_ins *slot = ir_object(x->args[i]);
				enum ir_exposure e;

				if (!slot || slot->op != IR_SLOT)
					continue;
				e = exposure_by(x, i, slot);
				if (e > slot->mark)
					slot->mark = e;
			}
}

/* ---- accesses -------------------------------------------------------------------------------- */

struct ir_access ir_access_of(struct ir_ins *base, s64 off, u32 bytes)
{
	struct ir_access a = { .base = base, .off = off, .bytes = bytes };

	while (a.base->op == IR_ADD && a.base->args[1]->op == IR_CONST &&
	       !__builtin_add_overflow(a.off, a.base->args[1]->imm, &a.off))
		a.base = a.base->args[0];
	a.object = ir_object(a.base);
	return a;
}

static bool is_hidden_slot(const struct ir_ins *object)
{
	return object && object->op == IR_SLOT && object->mark != IR_EXPOSED;
}

/* Two names of one object. */
static bool same_object(const struct ir_ins *a, const struct ir_ins *b)
{
	const struct ir_sym *syms = a->block->fn->m->syms.at;

	if (a->op == IR_SLOT || b->op == IR_SLOT)
		return a == b;
	return syms[a->sym].index == syms[b->sym].index;
}

bool ir_may_overlap(const struct ir_access *a, const struct ir_access *b)
{
	if (a->base == b->base)
		return a->off < b->off ? (u64)b->off - (u64)a->off < a->bytes
				       : (u64)a->off - (u64)b->off < b->bytes;
	if (a->object && b->object)
		return same_object(a->object, b->object);
	return !is_hidden_slot(a->object) && !is_hidden_slot(b->object);
}

/* ---- calls ----------------------------------------------------------------------------------- */

bool ir_call_only_tells(const struct ir_ins *x)
{
	const struct isa_helper *h = helper_of(x);

	return h && h->args[0] == ISA_ARG_NONE && h->ret != ISA_RET_VOID &&
	       h->ret != ISA_RET_NEVER && !(h->flags & ~(u32)ISA_GPL);
}

bool ir_is_removable(const struct ir_ins *x)
{
	u32 flags = ir_op_info(x->op)->flags;

	if (x->op == IR_CALL)
		return ir_call_only_tells(x);
	return !(flags & (IR_F_END | IR_F_WRITES)) && !x->is_volatile;
}

bool ir_call_is_steady(const struct ir_ins *x)
{
	if (x->op != IR_CALL)
		return false;
	switch (x->imm) {
	case ISA_FN_get_smp_processor_id:
	case ISA_FN_get_numa_node_id:
	case ISA_FN_get_current_pid_tgid:
	case ISA_FN_get_current_uid_gid:
	case ISA_FN_get_current_task:
	case ISA_FN_get_current_task_btf:
	case ISA_FN_get_current_cgroup_id: return true;
	default: return false;
	}
}

static bool helper_only_reads(const struct isa_helper *h, u32 arg)
{
	switch (h->args[arg]) {
	case ISA_ARG_KEY:
	case ISA_ARG_VALUE:
	case ISA_ARG_MEM:
	case ISA_ARG_MEM_OR_NULL:
	case ISA_ARG_STR:
	case ISA_ARG_ADDR: return true;
	default: return false;
	}
}

bool ir_call_may_write(const struct ir_ins *call, const struct ir_access *a)
{
	const struct isa_helper *h = helper_of(call);

	if (ir_call_only_tells(call))
		return false;
	if (!is_hidden_slot(a->object))
		return true;
	/* A slot that is only lent is written only through the arguments of this call. */
	for (u32 i = 0; i < call->n_args; i++)
		if (ir_object(call->args[i]) == a->object && !(h && helper_only_reads(h, i)))
			return true;
	return false;
}
