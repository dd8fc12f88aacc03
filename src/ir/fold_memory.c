/* fold_memory: rules for loads, stores and atomics. Part of pass `fold`; see fold.h for what a rule
 * is.
 *
 * A constant added to an address goes into the offset of the access, as long as the offset of every
 * byte that is accessed fits the 16 bits that instructions have for it. A store of few bytes does
 * not need its value extended or cut.
 */
#include "ir/fold.h"
#include "ir/memory.h"

/* How many bytes from its address on an instruction reads or writes. */
static u32 extent(const struct ir_ins *x)
{
	return x->op == IR_ZERO || x->op == IR_MOVE ? x->count : x->size;
}

/* Takes the constant off the address that is operand `i`; *off is the offset that goes with it. */
static bool fold_address(struct ir_folder *f, struct ir_ins *x, u32 i, s64 *off)
{
	struct ir_ins *base = x->args[i];
	s64 sum, end;

	if (base->op != IR_ADD || !ir_is_const(base->args[1]) ||
	    __builtin_add_overflow(*off, base->args[1]->imm, &sum) ||
	    __builtin_add_overflow(sum, (s64)extent(x), &end) || sum < INT16_MIN || end > INT16_MAX)
		return false;
	*off = sum;
	ir_fold_set(f, x, i, base->args[0]);
	return true;
}

/* What is read out of a constant table of addresses is an address that is known. */
static bool load_pointer(struct ir_folder *f, struct ir_ins *x, struct ir_ins **out)
{
	u32 sym;
	s64 off;

	if (!ir_loads_pointer(x->block->fn->m, x, &sym, &off))
		return false;
	*out = ir_fold_new(f, x, IR_SYM, 64, NULL, NULL);
	(*out)->sym = sym;
	(*out)->imm = off;
	return true;
}

struct ir_ins *ir_fold_memory(struct ir_folder *f, struct ir_ins *x)
{
	struct ir_ins *low;

	if (x->op == IR_LOAD && x->width == 64 && load_pointer(f, x, &low))
		return low;
	if (fold_address(f, x, 0, &x->imm))
		return x;
	if (x->op == IR_MOVE && fold_address(f, x, 1, &x->off2))
		return x;
	if (x->op != IR_STORE)
		return NULL;
	low = ir_fold_low_bits(x->args[1], x->size * 8u);
	return low != x->args[1] && low->width >= x->size * 8u ? ir_fold_set(f, x, 1, low) : NULL;
}
