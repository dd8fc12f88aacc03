/* lower_expr.c: typed expressions to ir.
 *
 * The parser has made every conversion and every read of an lvalue explicit, so that this file only
 * translates: scalars become values of 32 or 64 bits (narrow C integers are 32-bit values kept extended by
 * their type, see ir.h), aggregates are represented by the address of their bytes, lvalues by a
 * struct place_ref. Control flow inside expressions (&&, ||, ?:)
 * becomes blocks; where two ways meet, the value goes through a slot that pass `promote` makes a phi of.
 */
#include "cfront/lower.h"

u8 lower_width(const struct type *ty)
{
	return ty_strip(ty)->kind == TY_PTR || ty->size > 4 ? 64 : 32;
}

static u32 bytes_of(const struct type *ty)
{
	return (u32)ty_strip(ty)->size;
}
static bool is_bool(const struct type *ty)
{
	return ty_strip(ty)->is_bool;
}

bool lower_is_wide(const struct type *ty)
{
	return ty_strip(ty)->kind == TY_INT && bytes_of(ty) > 8;
}

static struct ir_ins *is_nonzero(struct lower *l, struct ir_ins *x)
{
	return ir_compare(&l->b, IR_NE, x, ir_const(&l->b, x->width, 0));
}

struct ir_ins *lower_widen(struct lower *l, struct ir_ins *x, const struct type *from)
{
	if (x->width == 64)
		return x;
	return ir_extend(&l->b, ty_signed(from), 32, 64, x);
}

struct ir_ins *lower_convert(struct lower *l, struct ir_ins *x, const struct type *from,
			     const struct type *to)
{
	u32 have = bytes_of(from), want = bytes_of(to);

	if (have > 8 || want > 8)
		return lower_wide_convert(l, x, from, to);
	if (is_bool(to))
		return is_bool(from) ? x : is_nonzero(l, x);
	if (want == 8)
		return lower_widen(l, x, from);
	if (x->width == 64)
		x = ir_trunc(&l->b, x);
	if (want < 4 && (want < have || (want == have && ty_signed(from) != ty_signed(to))))
		x = ir_extend(&l->b, ty_signed(to), want * 8, 32, x);
	else if (want < 4 && want > have && ty_signed(from) && !ty_signed(to))
		x = ir_extend(&l->b, false, want * 8, 32, x);
	return x;
}

/* ---- places --------------------------------------------------------------------------------- */

struct ir_ins *lower_address(struct lower *l, struct place_ref p)
{
	if (p.off == 0)
		return p.base;
	return ir_binary(&l->b, IR_ADD, 64, p.base, ir_const(&l->b, 64, p.off));
}

static struct place_ref place_at(struct ir_ins *base, const struct type *ty)
{
	return (struct place_ref){ .base = base, .type = ty };
}

static u32 align_of(const struct type *ty)
{
	return ty_strip(ty)->align;
}

/* What verifiers want aligned may not be: inside of packed structs. */
static void note_align(struct place_ref p, struct ir_ins *x)
{
	if (p.align && p.align < x->size)
		x->is_unaligned = true;
}

static struct place_ref member_place(struct lower *l, struct cf_expr *e)
{
	struct place_ref p =
		e->a->is_lvalue ? lower_place(l, e->a) : place_at(lower_value(l, e->a), e->a->type);

	if (ty_strip(e->a->type)->packed ||
	    e->bit_off / 8 % (align_of(e->type) ? align_of(e->type) : 1))
		p.align = 1;
	p.off += e->bit_off / 8;
	p.bit_off = e->bit_off % 8;
	p.bits = e->bits;
	p.type = e->type;
	return p;
}

static struct place_ref sym_place(struct lower *l, struct cf_expr *e)
{
	struct cf_sym *s = e->sym;
	struct place_ref p;

	if (s->kind == SYM_VAR && s->storage != SS_AUTO)
		p = lower_global(l, s);
	else
		p = place_at(s->lower, e->type);
	p.type = e->type;
	return p;
}

struct place_ref lower_place(struct lower *l, struct cf_expr *e)
{
	struct span outer = l->b.span;
	struct place_ref p;

	l->b.span = e->span;
	switch (e->kind) {
	case EX_SYM: p = sym_place(l, e); break;
	case EX_DEREF: p = place_at(lower_value(l, e->a), e->type); break;
	case EX_MEMBER: p = member_place(l, e); break;
	case EX_STRING: p = place_at(lower_string(l, e), e->type); break;
	case EX_COMPOUND:
		p = place_at(ir_slot(&l->b, bytes_of(e->type), ty_strip(e->type)->align), e->type);
		lower_init(l, p, e->init);
		break;
	case EX_COMMA:
		lower_effects(l, e->a);
		p = lower_place(l, e->b);
		break;
	default:
		/* An aggregate rvalue: its value is its address. */
		p = place_at(lower_value(l, e), e->type);
		break;
	}
	l->b.span = outer;
	return p;
}

/* ---- bit-fields ----------------------------------------------------------------------------- */

/* The smallest aligned unit of 1, 2, 4 or 8 bytes that holds the field's bits. */
struct unit {
	s64 off;
	u32 bytes, shift;
};

static struct unit bit_unit(struct place_ref p)
{
	for (u32 bytes = 1; bytes <= 8; bytes *= 2) {
		s64 first_bit = p.off * 8 + p.bit_off;
		s64 off = first_bit / 8 / bytes * bytes;
		s64 shift = first_bit - off * 8;

		if (shift + p.bits <= bytes * 8)
			return (struct unit){ off, bytes, (u32)shift };
	}
	return (struct unit){ p.off, 8, p.bit_off };
}

static struct ir_ins *shift(struct lower *l, enum ir_op op, struct ir_ins *x, u32 n)
{
	return n ? ir_binary(&l->b, op, x->width, x, ir_const(&l->b, x->width, n)) : x;
}

static struct ir_ins *read_bits(struct lower *l, struct place_ref p)
{
	struct unit u = bit_unit(p);
	u8 width = u.bytes == 8 ? 64 : 32;
	struct ir_ins *x = ir_load(&l->b, width, (u8)u.bytes, false, p.base, u.off);

	note_align(p, x);
	x = shift(l, IR_SHL, x, width - u.shift - p.bits);
	x = shift(l, ty_signed(p.type) ? IR_ASHR : IR_LSHR, x, width - p.bits);
	if (width == 64 && lower_width(p.type) == 32)
		x = ir_trunc(&l->b, x);
	else if (width == 32 && lower_width(p.type) == 64)
		x = lower_widen(l, x, p.type);
	return x;
}

static void write_bits(struct lower *l, struct place_ref p, struct ir_ins *x)
{
	struct unit u = bit_unit(p);
	u8 width = u.bytes == 8 ? 64 : 32;
	u64 mask = (p.bits == 64 ? ~0ull : (1ull << p.bits) - 1) << u.shift;
	struct ir_ins *old = ir_load(&l->b, width, (u8)u.bytes, false, p.base, u.off);

	note_align(p, old);
	if (width == 64)
		x = lower_widen(l, x, p.type);
	else if (x->width == 64)
		x = ir_trunc(&l->b, x);
	x = shift(l, IR_SHL, x, u.shift);
	x = ir_binary(&l->b, IR_AND, width, x, ir_const(&l->b, width, (s64)mask));
	old = ir_binary(&l->b, IR_AND, width, old, ir_const(&l->b, width, (s64)~mask));
	x = ir_binary(&l->b, IR_OR, width, old, x);
	note_align(p, ir_store(&l->b, (u8)u.bytes, p.base, u.off, x));
}

/* ---- reads and writes ------------------------------------------------------------------------ */

/* What a pointer read from memory points into, where its type or the event says so. */
static enum ir_region read_region(struct lower *l, struct place_ref p)
{
	const struct type *ty = ty_strip(p.type);

	if (ty->kind == TY_PTR && ty->space == TY_SPACE_USER)
		return IR_IN_USER;
	return l->binding && p.base == l->ctx ? lower_ctx_words(&l->binding->at) : IR_IN_UNKNOWN;
}

enum ir_region lower_ctx_words(const struct probes_point *at)
{
	switch (at->provider) {
	case PROBES_FENTRY:
	case PROBES_FEXIT:
	case PROBES_FMOD_RET:
	case PROBES_TP_BTF:
	case PROBES_LSM:
	case PROBES_ITER: return IR_IN_BTF;
	case PROBES_KPROBE:
	case PROBES_KRETPROBE:
	case PROBES_RAW_TRACEPOINT: return IR_IN_KERNEL;
	case PROBES_UPROBE:
	case PROBES_URETPROBE:
	case PROBES_USDT: return IR_IN_USER;
	default: return IR_IN_UNKNOWN;
	}
}

struct ir_ins *lower_read(struct lower *l, struct place_ref p)
{
	struct ir_ins *x;

	if (ty_is_aggregate(p.type))
		return lower_address(l, p);
	if (p.bits)
		return read_bits(l, p);
	if (lower_is_wide(p.type)) {
		x = ir_slot(&l->b, bytes_of(p.type), 16);
		ir_move(&l->b, x, 0, p.base, p.off, bytes_of(p.type), ty_strip(p.type)->align);
		return x;
	}
	x = ir_load(&l->b, lower_width(p.type), (u8)bytes_of(p.type), ty_signed(p.type), p.base,
		    p.off);
	x->is_volatile = p.type->quals & TY_VOLATILE;
	note_align(p, x);
	if (x->width == 64)
		x->region = read_region(l, p);
	return x;
}

void lower_write(struct lower *l, struct place_ref p, struct ir_ins *x)
{
	if (lower_by_address(p.type)) {
		ir_move(&l->b, p.base, p.off, x, 0, bytes_of(p.type),
			p.align ? p.align : align_of(p.type));
	} else if (p.bits) {
		write_bits(l, p, x);
	} else {
		struct ir_ins *st = ir_store(&l->b, (u8)bytes_of(p.type), p.base, p.off, x);

		st->is_volatile = p.type->quals & TY_VOLATILE;
		note_align(p, st);
	}
}

/* What an assignment to the place gives: a bit-field keeps only its bits (C11 6.5.16p3). */
static struct ir_ins *as_stored(struct lower *l, struct place_ref p, struct ir_ins *x)
{
	bool is_signed = ty_signed(p.type);

	if (!p.bits || p.bits >= x->width)
		return x;
	x = shift(l, IR_SHL, x, x->width - p.bits);
	return shift(l, is_signed ? IR_ASHR : IR_LSHR, x, x->width - p.bits);
}

/* ---- initialisers --------------------------------------------------------------------------- */

/* The bytes of a string literal as the widest stores; what is not text is zero already. */
static void store_text(struct lower *l, struct place_ref p, str bytes, u64 room)
{
	u64 n = bytes.n < room ? bytes.n : room;

	for (u64 i = 0; i < n;) {
		u8 step = n - i >= 8 ? 8 : n - i >= 4 ? 4 : n - i >= 2 ? 2 : 1;
		u64 word = 0;

		for (u8 k = 0; k < step; k++)
			word |= (u64)(u8)bytes.s[i + k] << (8 * k);
		ir_store(&l->b, step, p.base, p.off + (s64)i,
			 ir_const(&l->b, step == 8 ? 64 : 32, (s64)word));
		i += step;
	}
}

void lower_init(struct lower *l, struct place_ref p, const struct cf_init *init)
{
	const struct type *ty = ty_strip(p.type);
	bool is_scalar = ty_is_scalar(ty);

	/* The verifier wants every byte that a helper may read written, padding too. */
	if (!is_scalar)
		ir_zero(&l->b, p.base, p.off, (u32)ty->size, ty->align);
	for (u32 i = 0; i < init->parts.n; i++) {
		const struct cf_init_part *part = &init->parts.at[i];
		struct place_ref at = { .base = p.base,
					.off = p.off + (s64)part->off + part->bit_off / 8,
					.bit_off = part->bit_off % 8,
					.bits = part->bits,
					.align = is_scalar ? 0 : ty->align,
					.type = part->type };

		if (part->value->kind == EX_STRING && ty_strip(part->type)->kind == TY_ARRAY)
			store_text(l, at, part->value->bytes, ty_strip(part->type)->size);
		else
			lower_write(l, at, lower_value(l, part->value));
	}
}

/* ---- operators ------------------------------------------------------------------------------ */

static enum ir_op binary_op(u16 op, bool is_signed)
{
	switch (op) {
	case '+': return IR_ADD;
	case '-': return IR_SUB;
	case '*': return IR_MUL;
	case '/': return is_signed ? IR_SDIV : IR_UDIV;
	case '%': return is_signed ? IR_SMOD : IR_UMOD;
	case '&': return IR_AND;
	case '|': return IR_OR;
	case '^': return IR_XOR;
	case P_SHL: return IR_SHL;
	default: return is_signed ? IR_ASHR : IR_LSHR;
	}
}

static enum ir_op compare_op(u16 op, bool is_signed)
{
	switch (op) {
	case P_EQ: return IR_EQ;
	case P_NE: return IR_NE;
	case '<': return is_signed ? IR_SLT : IR_ULT;
	case '>': return is_signed ? IR_SGT : IR_UGT;
	case P_LE: return is_signed ? IR_SLE : IR_ULE;
	default: return is_signed ? IR_SGE : IR_UGE;
	}
}

static u64 pointee_size(const struct type *ptr)
{
	const struct type *to = ty_strip(ty_strip(ptr)->to);

	return to->size ? to->size : 1;
}

/* Pointer and integer, in elements (C11 6.5.6p8). */
static struct ir_ins *pointer_add(struct lower *l, u16 op, const struct type *ptr, struct ir_ins *p,
				  struct ir_ins *i)
{
	u64 size = pointee_size(ptr);

	if (size != 1)
		i = ir_binary(&l->b, IR_MUL, 64, i, ir_const(&l->b, 64, (s64)size));
	return ir_binary(&l->b, op == '-' ? IR_SUB : IR_ADD, 64, p, i);
}

static struct ir_ins *arithmetic(struct lower *l, u16 op, const struct type *ty, struct ir_ins *x,
				 struct ir_ins *y)
{
	u8 width = lower_width(ty);

	/* The operands of a shift are promoted one by one; only the count's low bits matter. */
	if (y->width != width && (op == P_SHL || op == P_SHR))
		y = width == 64 ? ir_extend(&l->b, false, 32, 64, y) : ir_trunc(&l->b, y);
	return ir_binary(&l->b, binary_op(op, ty_signed(ty)), width, x, y);
}

static struct ir_ins *lower_binary(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *x = lower_value(l, e->a), *y = lower_value(l, e->b);
	bool a_ptr = ty_is_ptr(e->a->type), b_ptr = ty_is_ptr(e->b->type);

	if (a_ptr && b_ptr) {
		struct ir_ins *d = ir_binary(&l->b, IR_SUB, 64, x, y);
		u64 size = pointee_size(e->a->type);

		return size == 1 ? d
				 : ir_binary(&l->b, IR_SDIV, 64, d, ir_const(&l->b, 64, (s64)size));
	}
	if (a_ptr)
		return pointer_add(l, e->op, e->a->type, x, lower_widen(l, y, e->b->type));
	return arithmetic(l, e->op, e->type, x, y);
}

static struct ir_ins *lower_unary(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *x = lower_value(l, e->a);
	u8 width = x->width;

	if (e->op == '!')
		return ir_compare(&l->b, IR_EQ, x, ir_const(&l->b, width, 0));
	if (e->op == '~')
		return ir_binary(&l->b, IR_XOR, width, x, ir_const(&l->b, width, -1));
	return ir_unary(&l->b, IR_NEG, width, x);
}

/* ---- control flow inside expressions ---------------------------------------------------------- */

void lower_branch(struct lower *l, struct cf_expr *e, struct ir_block *yes, struct ir_block *no)
{
	struct ir_block *mid;

	switch (e->kind) {
	case EX_AND:
	case EX_OR:
		mid = ir_block_new(l->b.fn);
		if (e->kind == EX_AND)
			lower_branch(l, e->a, mid, no);
		else
			lower_branch(l, e->a, yes, mid);
		l->b.at = mid;
		lower_branch(l, e->b, yes, no);
		return;
	case EX_UNARY:
		if (e->op == '!') {
			lower_branch(l, e->a, no, yes);
			return;
		}
		break;
	default: break;
	}
	ir_if(&l->b, lower_value(l, e), yes, no);
}

static struct ir_ins *lower_logic(struct lower *l, struct cf_expr *e)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *join = ir_block_new(l->b.fn);
	struct ir_ins *slot = ir_slot(&l->b, 4, 4);

	lower_branch(l, e, yes, no);
	l->b.at = yes;
	ir_store(&l->b, 4, slot, 0, ir_const(&l->b, 32, 1));
	ir_jump(&l->b, join);
	l->b.at = no;
	ir_store(&l->b, 4, slot, 0, ir_const(&l->b, 32, 0));
	ir_jump(&l->b, join);
	l->b.at = join;
	return ir_load(&l->b, 32, 4, true, slot, 0);
}

static struct ir_ins *lower_cond(struct lower *l, struct cf_expr *e)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);
	struct ir_block *join = ir_block_new(l->b.fn);
	bool has_value = !ty_is_void(e->type);
	u8 width = lower_by_address(e->type) ? 64 : lower_width(e->type);
	struct ir_ins *slot = has_value ? ir_slot(&l->b, width / 8, width / 8) : NULL;
	struct ir_ins *x = NULL;

	if (e->b) {
		lower_branch(l, e->a, yes, no);
	} else {
		x = lower_value(l, e->a);
		ir_if(&l->b, x, yes, no);
	}
	l->b.at = yes;
	if (e->b)
		x = lower_value(l, e->b);
	if (has_value)
		ir_store(&l->b, width / 8, slot, 0, x);
	ir_jump(&l->b, join);
	l->b.at = no;
	x = lower_value(l, e->c);
	if (has_value)
		ir_store(&l->b, width / 8, slot, 0, x);
	ir_jump(&l->b, join);
	l->b.at = join;
	return has_value ? ir_load(&l->b, width, width / 8, false, slot, 0) : NULL;
}

/* ---- assignment ----------------------------------------------------------------------------- */

static struct ir_ins *lower_assign(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *x;
	struct place_ref p;

	if (lower_by_address(e->type)) {
		p = lower_place(l, e->a);
		x = lower_value(l, e->b);
		lower_write(l, p, x);
		return x;
	}
	x = lower_value(l, e->b);
	p = lower_place(l, e->a);
	lower_write(l, p, x);
	return as_stored(l, p, x);
}

static struct ir_ins *lower_assign_op(struct lower *l, struct cf_expr *e)
{
	struct place_ref p;
	struct ir_ins *y, *x;

	if (lower_is_wide(e->a->type) || (e->compute && lower_is_wide(e->compute)))
		return lower_wide_assign_op(l, e);
	p = lower_place(l, e->a);
	y = lower_value(l, e->b);
	x = lower_read(l, p);
	/* Only sums of pointers are not computed in a type of numbers. */
	if (!e->compute || ty_is_ptr(e->a->type)) {
		x = pointer_add(l, e->op, e->a->type, x, lower_widen(l, y, e->b->type));
	} else {
		x = lower_convert(l, x, e->a->type, e->compute);
		if (e->op != P_SHL && e->op != P_SHR)
			y = lower_convert(l, y, e->b->type, e->compute);
		x = arithmetic(l, e->op, e->compute, x, y);
		x = lower_convert(l, x, e->compute, e->a->type);
	}
	lower_write(l, p, x);
	return as_stored(l, p, x);
}

static struct ir_ins *lower_incdec(struct lower *l, struct cf_expr *e)
{
	struct place_ref p = lower_place(l, e->a);
	struct ir_ins *old = lower_read(l, p), *x;
	u64 step = ty_is_ptr(e->type) ? pointee_size(e->type) : 1;

	x = ir_binary(&l->b, e->op == P_INC ? IR_ADD : IR_SUB, old->width, old,
		      ir_const(&l->b, old->width, (s64)step));
	if (bytes_of(e->type) < 4 && !is_bool(e->type))
		x = ir_extend(&l->b, ty_signed(e->type), bytes_of(e->type) * 8, 32, x);
	else if (is_bool(e->type))
		x = is_nonzero(l, x);
	lower_write(l, p, x);
	return e->is_post ? old : as_stored(l, p, x);
}

/* ---- the rest ------------------------------------------------------------------------------- */

static struct ir_ins *lower_cast(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *x;

	if (ty_is_void(e->type)) {
		lower_effects(l, e->a);
		return NULL;
	}
	x = lower_value(l, e->a);
	if (ty_is_aggregate(e->type))
		return x;
	if (e->a->kind == EX_HELPER)
		lower_note_reserve(l, e->a, e->type);
	x = lower_convert(l, x, e->a->type, e->type);
	if (ty_strip(e->type)->kind == TY_PTR && ty_strip(e->type)->space == TY_SPACE_USER &&
	    x->op == IR_LOAD)
		x->region = IR_IN_USER;
	/* A word of the context that the verifier knows as a number, unless it points to a struct. */
	if (ty_is_ptr(e->type) && x->op == IR_LOAD && x->region == IR_IN_UNKNOWN && l->binding &&
	    lower_ctx_words(&l->binding->at) == IR_IN_BTF && !ty_is_void(ty_strip(e->type)->to) &&
	    !ty_is_aggregate(ty_strip(e->type)->to))
		x->region = IR_IN_ANY;
	return x;
}

static struct ir_ins *lower_decay(struct lower *l, struct cf_expr *e)
{
	if (e->a->kind == EX_SYM && e->a->sym->kind == SYM_FUNC)
		return lower_fn_address(l, e->a->sym);
	return lower_address(l, lower_place(l, e->a));
}

static struct ir_ins *lower_addr(struct lower *l, struct cf_expr *e)
{
	if (e->a->kind == EX_SYM && e->a->sym->kind == SYM_MAP)
		return lower_map_address(l, e->a->sym);
	if (e->a->kind == EX_SYM && e->a->sym->kind == SYM_FUNC)
		return lower_decay(l, e);
	return lower_address(l, lower_place(l, e->a));
}

static struct ir_ins *lower_compare(struct lower *l, struct cf_expr *e)
{
	bool is_signed = ty_is_int(e->a->type) && ty_signed(e->a->type);
	struct ir_ins *x, *y;

	if (lower_is_wide(e->a->type))
		return lower_wide_compare(l, e);
	x = lower_value(l, e->a);
	y = lower_value(l, e->b);

	if (x->width != y->width) {
		x = lower_widen(l, x, e->a->type);
		y = lower_widen(l, y, e->b->type);
	}
	return ir_compare(&l->b, compare_op(e->op, is_signed), x, y);
}

/* What an atomic gives: the old contents, the new ones, or whether they were as expected. */
static struct ir_ins *lower_atomic(struct lower *l, struct cf_expr *e, bool wants_value)
{
	const struct type *to = ty_strip(e->args[0]->type)->to;
	struct ir_ins *p = lower_value(l, e->args[0]), *old;
	struct ir_ins *x = lower_value(l, e->args[1]);
	struct ir_ins *y = e->n_args > 2 ? lower_value(l, e->args[2]) : NULL;
	s32 how = e->atomic;

	if (!wants_value && how != ISA_XCHG && how != ISA_CMPXCHG)
		how &= ~ISA_FETCH;
	old = ir_atomic(&l->b, how, (u8)bytes_of(to), p, 0, x, y);
	if (!wants_value || !e->op)
		return old;
	if (e->op == P_EQ)
		return ir_compare(&l->b, IR_EQ, old, x);
	return ir_binary(&l->b, binary_op(e->op, false), old->width, old, x);
}

/* Is this the program's own context, through casts? */
static bool is_own_ctx(const struct lower *l, const struct cf_expr *e)
{
	while (e->kind == EX_CAST || e->kind == EX_LOAD)
		e = e->a;
	return e->kind == EX_SYM && l->fn->params.n && e->sym == l->fn->params.at[0];
}

/* One register out of struct pt_regs: value says which, as lib/'s PT_REGS macros number them. */
static struct ir_ins *lower_regs(struct lower *l, struct cf_expr *e)
{
	const struct probes_regs *r = probes_regs();
	struct ir_ins *base = lower_value(l, e->a);
	s64 i = e->value;
	s64 off = i < 6	   ? r->arg[i]
		  : i == 6 ? r->ret
		  : i == 7 ? r->ip
		  : i == 8 ? r->sp
		  : i == 9 ? r->fp
			   : r->sys_arg[(i - 16) % 6];
	struct place_ref p = { .base = base, .off = off, .type = e->type };

	if (i < 6 && is_own_ctx(l, e->a))
		lower_check_argument(l, (u32)i, e->span);
	return lower_read(l, p);
}

static struct ir_ins *lower_bswap(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *x = lower_value(l, e->a);
	u8 width = e->bits == 64 ? 64 : 32;

	if (x->width != width)
		x = width == 64 ? lower_widen(l, x, e->a->type) : ir_trunc(&l->b, x);
	return ir_bswap(&l->b, e->bits, width, x);
}

/* An asm without text whose only sense is that it clobbers memory. */
void lower_barrier(struct lower *l)
{
	ir_asm(&l->b, NULL, NULL, 0);
}

void lower_effects(struct lower *l, struct cf_expr *e)
{
	struct span outer = l->b.span;

	l->b.span = e->span;
	if (e->kind == EX_ATOMIC)
		lower_atomic(l, e, false);
	else if (e->kind == EX_LOAD && !(e->type->quals & TY_VOLATILE))
		lower_place(l, e->a);
	else
		lower_value(l, e);
	l->b.span = outer;
}

static struct ir_ins *value(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *x = lower_is_wide(e->type) ? lower_wide(l, e) : NULL;

	if (x)
		return x;
	switch (e->kind) {
	case EX_CONST: return ir_const(&l->b, lower_width(e->type), e->value);
	case EX_LOAD: return lower_read(l, lower_place(l, e->a));
	case EX_ADDR: return lower_addr(l, e);
	case EX_DECAY: return lower_decay(l, e);
	case EX_CAST: return lower_cast(l, e);
	case EX_UNARY: return lower_unary(l, e);
	case EX_BINARY: return lower_binary(l, e);
	case EX_COMPARE: return lower_compare(l, e);
	case EX_AND:
	case EX_OR: return lower_logic(l, e);
	case EX_COND: return lower_cond(l, e);
	case EX_ASSIGN: return lower_assign(l, e);
	case EX_ASSIGN_OP: return lower_assign_op(l, e);
	case EX_INCDEC: return lower_incdec(l, e);
	case EX_COMMA: lower_effects(l, e->a); return lower_value(l, e->b);
	case EX_CALL: return lower_fn_call(l, e);
	case EX_HELPER: return lower_helper(l, e);
	case EX_PRINTK: return lower_printk(l, e);
	case EX_MAP_CALL: return lower_map_call(l, e);
	case EX_STMT: return lower_stmt_value(l, e->body);
	case EX_BUILTIN: return lower_builtin(l, e);
	case EX_BSWAP: return lower_bswap(l, e);
	case EX_REGS: return lower_regs(l, e);
	case EX_ATOMIC: return lower_atomic(l, e, true);
	case EX_SYM:
		if (e->sym->kind == SYM_MAP)
			return lower_map_address(l, e->sym);
		__attribute__((fallthrough));
	case EX_STRING:
	case EX_MEMBER:
	case EX_DEREF:
	case EX_COMPOUND: return lower_address(l, lower_place(l, e));
	}
	return NULL;
}

struct ir_ins *lower_value(struct lower *l, struct cf_expr *e)
{
	struct span outer = l->b.span;
	struct ir_ins *x;

	l->b.span = e->span;
	x = value(l, e);
	l->b.span = outer;
	return x;
}
