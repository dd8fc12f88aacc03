/* lower_memory.c: memcpy and its like, and the builtins that are dispatched from here.
 *
 * A constant size becomes IR_MOVE or IR_ZERO, or a row of the widest accesses that the pointers' types
 * allow; larger and unknown sizes become a loop over bytes, which verifiers accept when the program has
 * bounded the size. memcmp gives -1, 0 or 1 (C11 7.24.4.1 promises the sign only). memmove copies through
 * the stack, so that it need not know which address is lower.
 *
 * Left out, and refused: memmove of an unknown or large size.
 */
#include "cfront/lower.h"

enum { BUILTIN_MAX = 65535, ROW_MAX = 64, MOVE_MAX = 256 };

static struct ir_ins *num(struct lower *l, s64 v)
{
	return ir_const(&l->b, 64, v);
}

/* The size that a call is given where it is constant. False for others; too large ones are reported. */
static bool const_size(struct lower *l, struct cf_expr *e, s64 *out)
{
	if (!cf_const_value(l->u, e, out))
		return false;
	if (*out >= 0 && *out <= BUILTIN_MAX)
		return true;
	diag_add(l->dx, e->span, E_TOO_LARGE, "the size is %lld; one call takes 0 to %d bytes",
		 (long long)*out, BUILTIN_MAX);
	*out = 0;
	return true;
}

/* What a pointer is surely aligned to. */
static u32 known_align(const struct cf_expr *e)
{
	const struct type *to;

	while (e->kind == EX_CAST && ty_is_ptr(e->a->type))
		e = e->a;
	to = ty_strip(e->type)->to;
	return to && ty_strip(to)->align ? ty_strip(to)->align : 1;
}

static u8 piece(u32 align, s64 left)
{
	u8 n = 8;

	while (n > align || n > left)
		n /= 2;
	return n;
}

/* How many pieces a row of `n` bytes has. */
static s64 pieces(u32 align, s64 n)
{
	s64 count = 0;

	for (s64 at = 0; at < n; at += piece(align, n - at))
		count++;
	return count;
}

/* ---- loops over bytes ------------------------------------------------------------------------ */

/* for (i = 0; i < n; i += step): leaves the builder in the body; close_loop() ends it. */
struct loop {
	struct ir_ins *i, *at;
	struct ir_block *test, *end;
	s64 step;
};

static struct loop open_loop(struct lower *l, struct ir_ins *n, s64 step)
{
	struct loop o = { .i = ir_slot(&l->b, 8, 8), .step = step };
	struct ir_block *body;

	ir_store(&l->b, 8, o.i, 0, num(l, 0));
	o.test = ir_block_new(l->b.fn);
	body = ir_block_new(l->b.fn);
	o.end = ir_block_new(l->b.fn);
	ir_jump(&l->b, o.test);
	l->b.at = o.test;
	o.at = ir_load(&l->b, 64, 8, false, o.i, 0);
	ir_if(&l->b, ir_compare(&l->b, IR_ULT, o.at, n), body, o.end);
	l->b.at = body;
	return o;
}

static void close_loop(struct lower *l, const struct loop *o)
{
	ir_store(&l->b, 8, o->i, 0, ir_binary(&l->b, IR_ADD, 64, o->at, num(l, o->step)));
	ir_jump(&l->b, o->test);
	l->b.at = o->end;
}

static struct ir_ins *plus(struct lower *l, struct ir_ins *p, struct ir_ins *i)
{
	return ir_binary(&l->b, IR_ADD, 64, p, i);
}

/* ---- copying and filling --------------------------------------------------------------------- */

static struct ir_ins *lower_memcpy(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *dst = lower_value(l, e->args[0]), *src = lower_value(l, e->args[1]), *x;
	u32 a = known_align(e->args[0]), b = known_align(e->args[1]);
	struct loop o;
	s64 n;

	if (const_size(l, e->args[2], &n)) {
		if (n)
			ir_move(&l->b, dst, 0, src, 0, (u32)n, a < b ? a : b);
		return dst;
	}
	o = open_loop(l, lower_value(l, e->args[2]), 1);
	x = ir_load(&l->b, 32, 1, false, plus(l, src, o.at), 0);
	ir_store(&l->b, 1, plus(l, dst, o.at), 0, x);
	close_loop(l, &o);
	return dst;
}

static struct ir_ins *lower_memmove(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *dst = lower_value(l, e->args[0]), *src = lower_value(l, e->args[1]), *copy;
	u32 a = known_align(e->args[0]), b = known_align(e->args[1]);
	s64 n;

	if (!const_size(l, e->args[2], &n) || n > MOVE_MAX) {
		lower_not_yet(l, e->args[2]->span,
			      "memmove of a size that is not constant or above 256 bytes");
		diag_hint(l->dx, "where the two do not overlap, memcpy does it");
		return dst;
	}
	if (!n)
		return dst;
	copy = ir_slot(&l->b, (u32)n, 8);
	ir_move(&l->b, copy, 0, src, 0, (u32)n, b);
	ir_move(&l->b, dst, 0, copy, 0, (u32)n, a);
	return dst;
}

/* Eight times the byte. */
static struct ir_ins *fill_word(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *x = lower_value(l, e);
	s64 byte;

	if (cf_const_value(l->u, e, &byte))
		return num(l, (s64)((u64)(byte & 0xff) * 0x0101010101010101ull));
	x = ir_extend(&l->b, false, 8, 64, x);
	return ir_binary(&l->b, IR_MUL, 64, x, num(l, 0x0101010101010101ll));
}

static void fill_loop(struct lower *l, struct ir_ins *dst, struct ir_ins *word, struct ir_ins *n,
		      u8 step)
{
	struct loop o = open_loop(l, n, step);

	ir_store(&l->b, step, plus(l, dst, o.at), 0, word);
	close_loop(l, &o);
}

static struct ir_ins *lower_memset(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *dst = lower_value(l, e->args[0]), *word;
	u32 align = known_align(e->args[0]);
	s64 n, byte, at = 0;

	if (!const_size(l, e->args[2], &n)) {
		word = fill_word(l, e->args[1]);
		fill_loop(l, dst, word, lower_value(l, e->args[2]), 1);
		return dst;
	}
	if (n && cf_const_value(l->u, e->args[1], &byte) && !(byte & 0xff)) {
		ir_zero(&l->b, dst, 0, (u32)n, align);
		return dst;
	}
	word = fill_word(l, e->args[1]);
	if (pieces(align, n) > ROW_MAX) {
		u8 step = piece(align, n);

		at = n / step * step;
		fill_loop(l, dst, word, num(l, at), step);
	}
	while (at < n) {
		u8 step = piece(align, n - at);

		ir_store(&l->b, step, dst, at, word);
		at += step;
	}
	return dst;
}

/* ---- comparing ------------------------------------------------------------------------------- */

/* Two texts being compared: where the first difference goes, as numbers in the order of the bytes. */
struct comparison {
	struct ir_ins *a, *b, *result;
	struct ir_ins *x, *y; /* slots of the two that differ */
	struct ir_block *differ, *end;
};

static struct comparison begin_comparison(struct lower *l, struct cf_expr *e)
{
	struct comparison c = { .a = lower_value(l, e->args[0]), .b = lower_value(l, e->args[1]) };

	c.result = ir_slot(&l->b, 4, 4);
	c.x = ir_slot(&l->b, 8, 8);
	c.y = ir_slot(&l->b, 8, 8);
	c.differ = ir_block_new(l->b.fn);
	c.end = ir_block_new(l->b.fn);
	ir_store(&l->b, 4, c.result, 0, ir_const(&l->b, 32, 0));
	return c;
}

/* The bytes read as one number whose first byte counts most. */
static struct ir_ins *ordered(struct lower *l, struct ir_ins *x, u8 bytes)
{
	if (bytes > 1 && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__)
		x = ir_bswap(&l->b, bytes * 8u, x->width, x);
	return x->width == 64 ? x : ir_extend(&l->b, false, 32, 64, x);
}

/* if (*(a + off) != *(b + off)) goto differ;   gives the first one's bytes */
static struct ir_ins *compare_piece(struct lower *l, struct comparison *c, struct ir_ins *a,
				    struct ir_ins *b, s64 off, u8 bytes)
{
	u8 width = bytes == 8 ? 64 : 32;
	struct ir_ins *x = ir_load(&l->b, width, bytes, false, a, off);
	struct ir_ins *y = ir_load(&l->b, width, bytes, false, b, off);
	struct ir_block *other = ir_block_new(l->b.fn), *same = ir_block_new(l->b.fn);

	ir_if(&l->b, ir_compare(&l->b, IR_NE, x, y), other, same);
	l->b.at = other;
	ir_store(&l->b, 8, c->x, 0, ordered(l, x, bytes));
	ir_store(&l->b, 8, c->y, 0, ordered(l, y, bytes));
	ir_jump(&l->b, c->differ);
	l->b.at = same;
	return x;
}

/* differ: result = (x > y) - (x < y);   end: */
static struct ir_ins *end_comparison(struct lower *l, struct comparison *c)
{
	struct ir_ins *x, *y, *more, *less;

	ir_jump(&l->b, c->end);
	l->b.at = c->differ;
	x = ir_load(&l->b, 64, 8, false, c->x, 0);
	y = ir_load(&l->b, 64, 8, false, c->y, 0);
	more = ir_compare(&l->b, IR_UGT, x, y);
	less = ir_compare(&l->b, IR_ULT, x, y);
	ir_store(&l->b, 4, c->result, 0, ir_binary(&l->b, IR_SUB, 32, more, less));
	ir_jump(&l->b, c->end);
	l->b.at = c->end;
	return ir_load(&l->b, 32, 4, true, c->result, 0);
}

static struct ir_ins *lower_memcmp(struct lower *l, struct cf_expr *e)
{
	u32 a = known_align(e->args[0]), b = known_align(e->args[1]), align = a < b ? a : b;
	struct comparison c = begin_comparison(l, e);
	bool is_const;
	s64 n;

	is_const = const_size(l, e->args[2], &n);
	if (is_const && pieces(align, n) <= ROW_MAX) {
		for (s64 at = 0; at < n; at += piece(align, n - at))
			compare_piece(l, &c, c.a, c.b, at, piece(align, n - at));
	} else {
		struct loop o = open_loop(l, is_const ? num(l, n) : lower_value(l, e->args[2]), 1);

		compare_piece(l, &c, plus(l, c.a, o.at), plus(l, c.b, o.at), 0, 1);
		close_loop(l, &o);
	}
	return end_comparison(l, &c);
}

/* strcmp of a literal and strncmp: ends at a NUL as well. */
static struct ir_ins *lower_strncmp(struct lower *l, struct cf_expr *e)
{
	struct comparison c = begin_comparison(l, e);
	struct loop o = open_loop(l, lower_value(l, e->args[2]), 1);
	struct ir_ins *x = compare_piece(l, &c, plus(l, c.a, o.at), plus(l, c.b, o.at), 0, 1);
	struct ir_block *more = ir_block_new(l->b.fn);

	ir_if(&l->b, x, more, c.end);
	l->b.at = more;
	close_loop(l, &o);
	return end_comparison(l, &c);
}

/* ---- atomics --------------------------------------------------------------------------------- */

static struct place_ref pointed(struct lower *l, struct cf_expr *e)
{
	return (struct place_ref){ .base = lower_value(l, e), .type = ty_strip(e->type)->to };
}

/* ok = (old = cmpxchg(p, *expected, new)) == *expected;  *expected = old; */
static struct ir_ins *compare_exchange(struct lower *l, struct cf_expr *e)
{
	struct place_ref p = pointed(l, e->args[0]), expected = pointed(l, e->args[1]);
	struct ir_ins *y = lower_value(l, e->args[2]), *want, *old, *ok;

	want = lower_read(l, expected);
	old = ir_atomic(&l->b, ISA_CMPXCHG, (u8)ty_strip(p.type)->size, p.base, 0, want, y);
	ok = ir_compare(&l->b, IR_EQ, old, want);
	lower_write(l, expected, old);
	return ok;
}

/* Loads and stores of up to 8 bytes are whole by themselves; they stay as they are written. */
static struct ir_ins *atomic_load(struct lower *l, struct cf_expr *e)
{
	struct place_ref p = pointed(l, e->args[0]);

	p.type = ty_qualify(l->u->o->types, p.type, TY_VOLATILE);
	return lower_read(l, p);
}

static void atomic_store(struct lower *l, struct cf_expr *e)
{
	struct place_ref p = pointed(l, e->args[0]);

	p.type = ty_qualify(l->u->o->types, p.type, TY_VOLATILE);
	lower_write(l, p, lower_value(l, e->args[1]));
}

/* ---- which ----------------------------------------------------------------------------------- */

static struct ir_ins *leave(struct lower *l)
{
	ir_unreachable(&l->b);
	l->b.at = ir_block_new(l->b.fn);
	return NULL;
}

struct ir_ins *lower_builtin(struct lower *l, struct cf_expr *e)
{
	switch (e->builtin) {
	case BI_MEMCPY: return lower_memcpy(l, e);
	case BI_MEMMOVE: return lower_memmove(l, e);
	case BI_MEMSET: return lower_memset(l, e);
	case BI_MEMCMP: return lower_memcmp(l, e);
	case BI_STRNCMP: return lower_strncmp(l, e);
	case BI_EXPECT:
		if (e->n_args > 1)
			lower_effects(l, e->args[1]);
		return lower_value(l, e->args[0]);
	case BI_PRESERVE_ACCESS: return lower_value(l, e->args[0]);
	case BI_MISSING: return lower_missing(l, e);
	case BI_UNREACHABLE:
	case BI_TRAP: return leave(l);
	case BI_ADD_OVERFLOW:
	case BI_SUB_OVERFLOW:
	case BI_MUL_OVERFLOW: return lower_overflow(l, e);
	case BI_ATOMIC_LOAD: return atomic_load(l, e);
	case BI_ATOMIC_STORE: atomic_store(l, e); return NULL;
	case BI_COMPARE_EXCHANGE: return compare_exchange(l, e);
	case BI_BARRIER: lower_barrier(l); return NULL;
	default: return lower_bits(l, e);
	}
}
