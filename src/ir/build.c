/* build: how front ends and passes make instructions.
 *
 * One function makes one instruction at the end of the builder's block, fills the fields that the
 * operation uses and gives it the builder's span. What an operation means and which widths it wants
 * is said in ir.h; nothing is checked here, ir_check() does that for the whole function.
 *
 * Parameters, slots and phis have places of their own: the first two open the entry block, phis
 * open theirs. An edge is entered into the preds of its target as it is made, so that a front end
 * that fills phis can count on the order in which it made the jumps.
 */
#include "ir/ir.h"

static struct ir_ins *unplaced(struct ir_builder *b, enum ir_op op, u8 width, u32 n_args)
{
	struct ir_ins *x = ir_ins_new(b->fn, op, width, n_args);

	x->span = b->span;
	return x;
}

static struct ir_ins *append(struct ir_builder *b, enum ir_op op, u8 width, u32 n_args)
{
	struct ir_ins *x = unplaced(b, op, width, n_args);

	ir_append(b->at, x);
	return x;
}

/* Places `x` in front of `at`; at the end of the block when that is NULL. */
static struct ir_ins *place(struct ir_block *b, struct ir_ins *at, struct ir_ins *x)
{
	if (at)
		ir_insert_before(at, x);
	else
		ir_append(b, x);
	return x;
}

/* ---- values from nowhere --------------------------------------------------------------------- */

struct ir_ins *ir_const(struct ir_builder *b, u8 width, s64 value)
{
	struct ir_ins *x = append(b, IR_CONST, width, 0);

	ir_set_const(x, value);
	return x;
}

struct ir_ins *ir_undef(struct ir_builder *b, u8 width)
{
	return append(b, IR_UNDEF, width, 0);
}

struct ir_ins *ir_param(struct ir_builder *b, u32 index, u8 width)
{
	struct ir_block *entry = b->fn->first;
	struct ir_ins *x, *at = entry->first;

	for (; at && at->op == IR_PARAM; at = at->next)
		if (at->imm == index)
			return at;
	x = unplaced(b, IR_PARAM, width, 0);
	x->imm = index;
	if (index < ARRAY_LEN(b->fn->param_region))
		x->region = (u8)b->fn->param_region[index];
	return place(entry, at, x);
}

struct ir_ins *ir_slot(struct ir_builder *b, u32 bytes, u32 align)
{
	struct ir_block *entry = b->fn->first;
	struct ir_ins *x = unplaced(b, IR_SLOT, 64, 0), *at = entry->first;

	x->count = bytes;
	x->align = (u8)align;
	while (at && (at->op == IR_PARAM || at->op == IR_SLOT))
		at = at->next;
	return place(entry, at, x);
}

struct ir_ins *ir_symbol(struct ir_builder *b, u32 sym, s64 off)
{
	struct ir_ins *x = append(b, IR_SYM, 64, 0);

	x->sym = sym;
	x->imm = off;
	return x;
}

struct ir_ins *ir_phi(struct ir_builder *b, u8 width, u32 n)
{
	struct ir_ins *at = b->at->first;

	while (at && at->op == IR_PHI)
		at = at->next;
	return place(b->at, at, unplaced(b, IR_PHI, width, n));
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

struct ir_ins *ir_unary(struct ir_builder *b, enum ir_op op, u8 width, struct ir_ins *x)
{
	struct ir_ins *ins = append(b, op, width, 1);

	ins->args[0] = x;
	return ins;
}

struct ir_ins *ir_binary(struct ir_builder *b, enum ir_op op, u8 width, struct ir_ins *x,
			 struct ir_ins *y)
{
	struct ir_ins *ins = append(b, op, width, 2);

	ins->args[0] = x;
	ins->args[1] = y;
	return ins;
}

struct ir_ins *ir_extend(struct ir_builder *b, bool is_signed, u32 bits, u8 width, struct ir_ins *x)
{
	struct ir_ins *ins;

	if (bits >= width)
		return x->width > width ? ir_trunc(b, x) : x;
	ins = ir_unary(b, is_signed ? IR_SEXT : IR_ZEXT, width, x);
	ins->count = bits;
	return ins;
}

struct ir_ins *ir_trunc(struct ir_builder *b, struct ir_ins *x)
{
	return ir_unary(b, IR_TRUNC, 32, x);
}

struct ir_ins *ir_bswap(struct ir_builder *b, u32 bits, u8 width, struct ir_ins *x)
{
	struct ir_ins *ins = ir_unary(b, IR_BSWAP, width, x);

	ins->count = bits;
	return ins;
}

struct ir_ins *ir_compare(struct ir_builder *b, enum ir_op op, struct ir_ins *x, struct ir_ins *y)
{
	struct ir_ins *ins = ir_binary(b, op, 32, x, y);

	ins->size = x->width / 8;
	return ins;
}

/* ---- memory ---------------------------------------------------------------------------------- */

struct ir_ins *ir_load(struct ir_builder *b, u8 width, u8 bytes, bool is_signed,
		       struct ir_ins *base, s64 off)
{
	struct ir_ins *ins = ir_unary(b, IR_LOAD, width, base);

	ins->size = bytes;
	ins->is_signed = is_signed;
	ins->imm = off;
	return ins;
}

struct ir_ins *ir_store(struct ir_builder *b, u8 bytes, struct ir_ins *base, s64 off,
			struct ir_ins *x)
{
	struct ir_ins *ins = ir_binary(b, IR_STORE, 0, base, x);

	ins->size = bytes;
	ins->imm = off;
	return ins;
}

struct ir_ins *ir_zero(struct ir_builder *b, struct ir_ins *base, s64 off, u32 bytes, u32 align)
{
	struct ir_ins *ins = ir_unary(b, IR_ZERO, 0, base);

	ins->imm = off;
	ins->count = bytes;
	ins->align = (u8)align;
	return ins;
}

struct ir_ins *ir_move(struct ir_builder *b, struct ir_ins *dst, s64 dst_off, struct ir_ins *src,
		       s64 src_off, u32 bytes, u32 align)
{
	struct ir_ins *ins = ir_binary(b, IR_MOVE, 0, dst, src);

	ins->imm = dst_off;
	ins->off2 = src_off;
	ins->count = bytes;
	ins->align = (u8)align;
	return ins;
}

struct ir_ins *ir_atomic(struct ir_builder *b, s32 atomic, u8 bytes, struct ir_ins *base, s64 off,
			 struct ir_ins *x, struct ir_ins *y)
{
	u8 width = atomic & ISA_FETCH ? bytes * 8 : 0;
	struct ir_ins *ins = append(b, IR_ATOMIC, width, y ? 3 : 2);

	ins->atomic = atomic;
	ins->size = bytes;
	ins->imm = off;
	ins->args[0] = base;
	ins->args[1] = x;
	if (y)
		ins->args[2] = y;
	return ins;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static struct ir_ins *call(struct ir_builder *b, enum ir_op op, u8 width,
			   struct ir_ins *const *args, u32 n)
{
	struct ir_ins *ins = append(b, op, width, n);

	for (u32 i = 0; i < n; i++)
		ins->args[i] = args[i];
	return ins;
}

struct ir_ins *ir_call(struct ir_builder *b, u32 helper, u8 width, struct ir_ins *const *args,
		       u32 n)
{
	struct ir_ins *ins = call(b, IR_CALL, width, args, n);

	ins->imm = helper;
	return ins;
}

struct ir_ins *ir_call_sym(struct ir_builder *b, enum ir_op op, u32 sym, u8 width,
			   struct ir_ins *const *args, u32 n)
{
	struct ir_ins *ins = call(b, op, width, args, n);

	ins->sym = sym;
	return ins;
}

struct ir_ins *ir_asm(struct ir_builder *b, const struct ir_asm *code, struct ir_ins *const *args,
		      u32 n)
{
	struct ir_ins *ins = call(b, IR_ASM, code && code->n_out ? 64 : 0, args, n);

	ins->code = code;
	return ins;
}

/* ---- ends of blocks -------------------------------------------------------------------------- */

void ir_jump(struct ir_builder *b, struct ir_block *to)
{
	append(b, IR_JUMP, 0, 0)->to[0] = to;
	ir_pred_add(to, b->at);
}

void ir_if(struct ir_builder *b, struct ir_ins *cond, struct ir_block *yes, struct ir_block *no)
{
	struct ir_ins *ins;

	if (yes == no) {
		ir_jump(b, yes);
		return;
	}
	ins = ir_unary(b, IR_IF, 0, cond);
	ins->to[0] = yes;
	ins->to[1] = no;
	ir_pred_add(yes, b->at);
	ir_pred_add(no, b->at);
}

void ir_ret(struct ir_builder *b, struct ir_ins *x)
{
	if (x)
		ir_unary(b, IR_RET, 0, x);
	else
		append(b, IR_RET, 0, 0);
}

void ir_unreachable(struct ir_builder *b)
{
	append(b, IR_UNREACHABLE, 0, 0);
}

bool ir_ended(const struct ir_builder *b)
{
	return b->at->last && ir_op_info(b->at->last->op)->flags & IR_F_END;
}
