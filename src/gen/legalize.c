/* Legalisation: what BPF lacks becomes what it has, still as ir.
 *
 *   - undefined values become 0: verifiers refuse reads of what was never written;
 *   - divisions by constant 0 get the value that RFC 9669 gives them (the kernel refuses the
 *     instruction); constant shift counts are masked to the width (likewise);
 *   - signed division without version 4 of the instruction set: on absolute values, the sign put
 *     back by xor and subtract with the sign mask (which also keeps x/0 = 0 and x%0 = x);
 *   - sign-extending loads without version 4: load, then extend;
 *   - offsets beyond 16 bits are added first;
 *   - accesses to the stack that are not aligned to their size become several that are: verifiers insist;
 *   - atomics whose old value nobody uses lose IR_FETCH;
 *   - commutative operands are ordered: pointer left, constant right; `x - c` becomes `x + -c`.
 *
 * Invariant: ir_check() holds before and after. Extensions and comparisons stay as they are; the
 * selector has sequences for them. ZERO and MOVE do not come here: pass expand has replaced them.
 */
#include "gen/mir.h"

/* ---- making instructions in front of another ------------------------------------------------- */

static struct ir_ins *put(struct ir_ins *at, enum ir_op op, u8 width, struct ir_ins *x,
			  struct ir_ins *y)
{
	struct ir_ins *ins = ir_ins_new(at->block->fn, op, width, (x != NULL) + (y != NULL));

	if (x)
		ins->args[0] = x;
	if (y)
		ins->args[1] = y;
	ins->span = at->span;
	ins->align = 1;
	ir_insert_before(at, ins);
	return ins;
}

static struct ir_ins *put_const(struct ir_ins *at, u8 width, s64 value)
{
	struct ir_ins *c = put(at, IR_CONST, width, NULL, NULL);

	ir_set_const(c, value);
	return c;
}

/* Turns an instruction into another of the same result, in place: uses stay good. */
static void become(struct ir_ins *x, enum ir_op op, struct ir_ins *a, struct ir_ins *b)
{
	x->op = op;
	x->n_args = b ? 2 : 1;
	x->args[0] = a;
	if (b)
		x->args[1] = b;
}

static bool is_const(const struct ir_ins *x)
{
	return x->op == IR_CONST;
}

/* ---- arithmetic ----------------------------------------------------------------------------- */

/* mask = x s>> (width - 1);  *out_abs = (x ^ mask) - mask */
static struct ir_ins *sign_mask(struct ir_ins *at, struct ir_ins *x, struct ir_ins **out_abs)
{
	u8 w = at->width;
	struct ir_ins *mask = put(at, IR_ASHR, w, x, put_const(at, w, w - 1));

	*out_abs = put(at, IR_SUB, w, put(at, IR_XOR, w, x, mask), mask);
	return mask;
}

/* q = |x| / |y|, negated when the signs differ;  r = |x| % |y| with the sign of x. */
static void expand_signed(struct ir_ins *x)
{
	bool is_div = x->op == IR_SDIV;
	struct ir_ins *abs_x, *abs_y;
	struct ir_ins *sign_x = sign_mask(x, x->args[0], &abs_x);
	struct ir_ins *sign_y = sign_mask(x, x->args[1], &abs_y);
	struct ir_ins *q = put(x, is_div ? IR_UDIV : IR_UMOD, x->width, abs_x, abs_y);
	struct ir_ins *sign = is_div ? put(x, IR_XOR, x->width, sign_x, sign_y) : sign_x;

	become(x, IR_SUB, put(x, IR_XOR, x->width, q, sign), sign);
}

static void divide(struct gen *g, struct ir_ins *x)
{
	bool is_mod = x->op == IR_UMOD || x->op == IR_SMOD;
	bool is_signed = x->op == IR_SDIV || x->op == IR_SMOD;

	if (is_const(x->args[1]) && !ir_const_bits(x->args[1]))
		become(x, IR_COPY, is_mod ? x->args[0] : put_const(x, x->width, 0), NULL);
	else if (is_signed && !g->target->has_v4)
		expand_signed(x);
}

static void shift(struct ir_ins *x)
{
	const struct ir_ins *count = x->args[1];
	u64 mask = x->width - 1u;

	if (is_const(count) && ir_const_bits(count) > mask)
		x->args[1] = put_const(x, x->width, (s64)(ir_const_bits(count) & mask));
}

static bool is_pointer(const struct ir_ins *x)
{
	return x->op == IR_SLOT || x->op == IR_SYM ||
	       (x->region != IR_IN_UNKNOWN && x->region != IR_IN_ANY);
}

/* Constants to the right, pointers to the left. */
static void order(struct ir_ins *x)
{
	struct ir_ins *l = x->args[0], *r = x->args[1];

	if ((is_const(l) && !is_const(r)) || (x->width == 64 && x->op == IR_ADD && !is_const(r) &&
					      is_pointer(r) && !is_pointer(l))) {
		x->args[0] = r;
		x->args[1] = l;
	}
}

/* The comparison with its operands exchanged. */
static enum ir_op mirrored(enum ir_op op)
{
	switch (op) {
	case IR_ULT: return IR_UGT;
	case IR_ULE: return IR_UGE;
	case IR_UGT: return IR_ULT;
	case IR_UGE: return IR_ULE;
	case IR_SLT: return IR_SGT;
	case IR_SLE: return IR_SGE;
	case IR_SGT: return IR_SLT;
	case IR_SGE: return IR_SLE;
	default: return op;
	}
}

static void compare(struct ir_ins *x)
{
	struct ir_ins *l = x->args[0];

	if (is_const(l) && !is_const(x->args[1])) {
		x->op = mirrored(x->op);
		x->args[0] = x->args[1];
		x->args[1] = l;
	}
}

/* x & 0xffffffff is the free extension of a lower half. */
static void and_mask(struct ir_ins *x)
{
	order(x);
	if (x->width == 64 && is_const(x->args[1]) && x->args[1]->imm == 0xffffffff) {
		become(x, IR_ZEXT, x->args[0], NULL);
		x->count = 32;
	}
}

static void subtract(struct ir_ins *x)
{
	struct ir_ins *c = x->args[1];

	if (is_const(c) && fits_s32(c->imm) && c->imm != INT32_MIN)
		become(x, IR_ADD, x->args[0], put_const(x, x->width, -c->imm));
}

/* ---- memory --------------------------------------------------------------------------------- */

/* An access with its offset brought into 16 bits. */
static void far_offset(struct ir_ins *x)
{
	if (fits_s16(x->imm))
		return;
	x->args[0] = put(x, IR_ADD, 64, x->args[0], put_const(x, 64, x->imm));
	x->args[0]->region = x->args[0]->args[0]->region;
	x->imm = 0;
}

static struct ir_ins *put_load(struct ir_ins *at, u32 size, struct ir_ins *base, s64 off)
{
	struct ir_ins *ld = put(at, IR_LOAD, size == 8 ? 64 : 32, base, NULL);

	ld->size = (u8)size;
	ld->imm = off;
	far_offset(ld);
	return ld;
}

/* The local that an access lies in, and its offset there; *is_known: there is no variable part. */
static struct ir_ins *local_of(struct ir_ins *x, s64 *out_off, bool *is_known)
{
	*is_known = true;
	*out_off = 0;
	for (u32 i = 0; i < 8 && x->op != IR_SLOT; i++) {
		if (x->op == IR_ADD && is_const(x->args[1]))
			*out_off += x->args[1]->imm;
		else if (x->op == IR_ADD)
			*is_known = false;
		else if (x->op != IR_COPY)
			return NULL;
		x = x->op == IR_ADD && !is_pointer(x->args[0]) ? x->args[1] : x->args[0];
	}
	return x->op == IR_SLOT ? x : NULL;
}

/* How much of an access can be done at once; its size where nothing is to be done. */
static u32 aligned_part(struct ir_ins *x)
{
	bool is_known;
	s64 off;
	struct ir_ins *slot = local_of(x->args[0], &off, &is_known);
	u32 n = x->size;

	if (!slot || n == 1)
		return x->size;
	if (slot->align < 8)
		slot->align = 8;
	if (!is_known)
		return x->is_unaligned ? 1 : n;
	while ((off + x->imm) % n)
		n /= 2;
	return n;
}

/* piece 0 | piece 1 << 8n | …, in the order of the machine */
static void split_load(struct ir_ins *x, u32 n)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	u8 w = x->size == 8 ? 64 : 32;
	struct ir_ins *all = NULL, *part;

	for (u32 at = 0; at < x->size; at += n) {
		u32 shift = (little ? at : x->size - n - at) * 8;

		part = put_load(x, n, x->args[0], x->imm + at);
		if (w == 64) {
			part = put(x, IR_ZEXT, 64, part, NULL);
			part->count = 32;
		}
		if (shift)
			part = put(x, IR_SHL, w, part, put_const(x, w, shift));
		all = all ? put(x, IR_OR, w, all, part) : part;
	}
	if (x->is_signed && x->size < 4)
		become(x, IR_SEXT, all, NULL);
	else if (x->width > w)
		become(x, x->is_signed ? IR_SEXT : IR_ZEXT, all, NULL);
	else
		become(x, IR_COPY, all, NULL);
	x->count = x->size * 8u;
	x->is_volatile = x->is_signed = x->is_unaligned = false;
}

static void split_store(struct ir_ins *x, u32 n)
{
	bool little = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	struct ir_ins *value = x->args[1];
	u32 size = x->size;

	x->size = (u8)n;
	x->is_unaligned = false;
	for (u32 at = 0; at < size; at += n) {
		u32 shift = (little ? at : size - n - at) * 8;
		struct ir_ins *part = value, *st;

		if (shift)
			part = put(x, IR_LSHR, value->width, value,
				   put_const(x, value->width, shift));
		if (at + n < size) {
			st = put(x, IR_STORE, 0, x->args[0], part);
			st->size = (u8)n;
			st->imm = x->imm + at;
			far_offset(st);
		} else {
			x->imm += at;
			x->args[1] = part;
		}
	}
}

/* Does the variable that holds `off` of a data section hold an address? Nobody could follow it there. */
static bool holds_address(const struct gen *g, u32 data, s64 off, bool is_known)
{
	s64 from = off, to = off + 8;

	for (u32 i = 0; !is_known && i < g->o->datas.at[data].vars.n; i++) {
		const struct obj_var *v = &g->o->datas.at[data].vars.at[i];

		if (off >= v->off && off < (s64)v->off + v->size) {
			from = v->off;
			to = (s64)v->off + v->size;
		}
	}
	for (u32 i = 0; i < g->m->pointers.n; i++)
		if (g->m->pointers.at[i].data == data && g->m->pointers.at[i].off < to &&
		    g->m->pointers.at[i].off + 8 > from)
			return true;
	return false;
}

static void refuse_address(struct gen *g, const struct ir_ins *x)
{
	const struct ir_ins *base = x->args[0];
	bool is_known = true;
	s64 off = x->imm;

	for (u32 i = 0; i < 8 && base->op != IR_SYM; i++) {
		if (base->op != IR_ADD && base->op != IR_COPY)
			return;
		if (base->op == IR_ADD && is_const(base->args[1]))
			off += base->args[1]->imm;
		else if (base->op == IR_ADD)
			is_known = false;
		base = base->op == IR_ADD && base->args[1]->op == IR_SYM ? base->args[1]
									 : base->args[0];
	}
	if (base->op != IR_SYM || g->m->syms.at[base->sym].kind != IR_SYM_DATA)
		return;
	off += base->imm;
	if (g->m->syms.at[base->sym].index >= g->o->datas.n ||
	    !holds_address(g, g->m->syms.at[base->sym].index, off, is_known))
		return;
	diag_add(g->dx, x->span, E_NOT_YET,
		 "an address read from a table at a place that is not known is not compiled yet");
	diag_hint(g->dx,
		  "verifiers take what is read from memory for a number: choose with 'switch'");
	g->failed = true;
}

static void load(struct gen *g, struct ir_ins *x)
{
	struct ir_ins *ld;
	u32 part = aligned_part(x);

	if (g->m->pointers.n && x->size == 8)
		refuse_address(g, x);
	if (part < x->size) {
		split_load(x, part);
		return;
	}

	far_offset(x);
	if (x->size * 8 >= x->width)
		x->is_signed = false;
	if (!x->is_signed || g->target->has_v4)
		return;
	ld = put_load(x, x->size, x->args[0], x->imm);
	ld->is_volatile = x->is_volatile;
	ld->region = x->region;
	become(x, IR_SEXT, ld, NULL);
	x->count = x->size * 8u;
	x->is_volatile = false;
}

/* ---- the pass ------------------------------------------------------------------------------- */

static void legalize(struct gen *g, struct ir_ins *x)
{
	switch (x->op) {
	case IR_UDIV:
	case IR_UMOD:
	case IR_SDIV:
	case IR_SMOD: divide(g, x); break;
	case IR_SHL:
	case IR_LSHR:
	case IR_ASHR: shift(x); break;
	case IR_ADD:
	case IR_MUL:
	case IR_OR:
	case IR_XOR: order(x); break;
	case IR_AND: and_mask(x); break;
	case IR_SUB: subtract(x); break;
	case IR_EQ:
	case IR_NE:
	case IR_ULT:
	case IR_ULE:
	case IR_UGT:
	case IR_UGE:
	case IR_SLT:
	case IR_SLE:
	case IR_SGT:
	case IR_SGE: compare(x); break;
	case IR_LOAD: load(g, x); break;
	case IR_STORE:
		if (aligned_part(x) < x->size)
			split_store(x, aligned_part(x));
		far_offset(x);
		break;
	case IR_ATOMIC: far_offset(x); break;
	case IR_ZERO:
	case IR_MOVE: base_bug(arena_trap(g->a), "gen: pass expand has not run");
	default: break;
	}
}

/* An atomic add, or, and, xor whose old value nobody reads. */
static void drop_fetches(struct gen *g)
{
	for (struct ir_block *b = g->fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			for (u32 i = 0; i < x->n_args; i++)
				x->args[i]->mark = 1;
	for (struct ir_block *b = g->fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			if (x->op == IR_ATOMIC && !x->mark && x->atomic != ISA_XCHG &&
			    x->atomic != ISA_CMPXCHG) {
				x->atomic &= ~ISA_FETCH;
				x->width = 0;
			}
}

static void define_all(struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			if (x->op == IR_UNDEF) {
				x->op = IR_CONST;
				ir_set_const(x, 0);
			}
}

void gen_legalize(struct gen *g)
{
	ir_regions(g->fn);
	ir_notes_clear(g->fn);
	drop_fetches(g);
	define_all(g->fn);
	for (struct ir_block *b = g->fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first, *next; x; x = next) {
			next = x->next;
			legalize(g, x);
		}
}
