/* const_value.c: the value of a constant expression (C11 6.6).
 *
 * Evaluates typed trees in 64 bits; each node's result is wrapped to its type, so that what comes out is
 * what the machine would compute. Addresses count as constants only where they are numbers: members of an
 * object at a constant address, which is how offsetof() is written by hand. A const object that has a
 * constant initialiser counts too, as GNU C allows.
 *
 * Undefined operations (division by zero, a shift beyond the width) have no value here.
 */
#include "cfront/parse.h"

s64 cfx_wrap(const struct type *ty, s64 v)
{
	ty = ty_strip(ty);
	if (ty->is_bool)
		return v != 0;
	if (ty->kind == TY_PTR || ty->size >= 8)
		return v;
	switch (ty->size) {
	case 1: return ty->is_signed ? (s64)(s8)v : (s64)(u8)v;
	case 2: return ty->is_signed ? (s64)(s16)v : (s64)(u16)v;
	case 4: return ty->is_signed ? (s64)(s32)v : (s64)(u32)v;
	default: return v;
	}
}

static bool shift(const struct cf_expr *e, s64 a, s64 b, s64 *out)
{
	const struct type *ty = ty_strip(e->type);
	u64 bits = ty->size * 8;

	if (b < 0 || (u64)b >= bits)
		return false;
	if (e->op == P_SHL)
		*out = (s64)((u64)a << b);
	else
		*out = ty_signed(ty) ? a >> b : (s64)((u64)a >> b);
	return true;
}

static bool divide(const struct cf_expr *e, s64 a, s64 b, s64 *out)
{
	if (b == 0)
		return false;
	if (!ty_signed(e->type)) {
		*out = (s64)(e->op == '/' ? (u64)a / (u64)b : (u64)a % (u64)b);
		return true;
	}
	if (b == -1) {
		*out = e->op == '/' ? (s64)(0 - (u64)a) : 0;
		return true;
	}
	*out = e->op == '/' ? a / b : a % b;
	return true;
}

static bool arithmetic(const struct cf_expr *e, s64 a, s64 b, s64 *out)
{
	switch (e->op) {
	case '+': *out = (s64)((u64)a + (u64)b); return true;
	case '-': *out = (s64)((u64)a - (u64)b); return true;
	case '*': *out = (s64)((u64)a * (u64)b); return true;
	case '&': *out = a & b; return true;
	case '|': *out = a | b; return true;
	case '^': *out = a ^ b; return true;
	case P_SHL:
	case P_SHR: return shift(e, a, b, out);
	default: return divide(e, a, b, out);
	}
}

static s64 compare(const struct cf_expr *e, s64 a, s64 b)
{
	bool is_signed = ty_is_int(e->a->type) && ty_signed(e->a->type);
	bool less = is_signed ? a < b : (u64)a < (u64)b;

	switch (e->op) {
	case P_EQ: return a == b;
	case P_NE: return a != b;
	case '<': return less;
	case P_GE: return !less;
	case '>': return !less && a != b;
	default: return less || a == b;
	}
}

/* The address of an lvalue whose object is at a constant address. */
static bool place(const struct cf_unit *u, const struct cf_expr *e, s64 *out)
{
	if (e->kind == EX_DEREF)
		return cf_const_value(u, e->a, out);
	if (e->kind != EX_MEMBER || e->bits || !e->a->is_lvalue || !place(u, e->a, out))
		return false;
	*out += e->bit_off / 8;
	return true;
}

/* a + b of a pointer and an integer, or of two integers. */
static bool binary(const struct cf_unit *u, const struct cf_expr *e, s64 *out)
{
	s64 a, b;

	if (!cf_const_value(u, e->a, &a) || !cf_const_value(u, e->b, &b))
		return false;
	if (ty_is_ptr(e->a->type)) {
		u64 size = ty_strip(ty_strip(e->a->type)->to)->size;

		if (ty_is_ptr(e->b->type)) {
			*out = size ? (s64)((u64)a - (u64)b) / (s64)size : 0;
			return size != 0;
		}
		*out = (s64)(e->op == '+' ? (u64)a + (u64)b * size : (u64)a - (u64)b * size);
		return true;
	}
	return ty_strip(e->type)->size <= 8 && arithmetic(e, a, b, out);
}

static bool const_object(const struct cf_expr *e, s64 *out)
{
	const struct cf_sym *s = e->sym;
	const struct type *ty;

	if (e->kind != EX_SYM || s->kind != SYM_VAR || !s->init || s->init->parts.n != 1)
		return false;
	ty = ty_strip(s->type);
	if (!(ty->quals & TY_CONST) || ty->quals & TY_VOLATILE || !ty_is_int(ty))
		return false;
	/* The initialiser was folded where it was read, if it could be. */
	*out = s->init->parts.at[0].value->value;
	return s->init->parts.at[0].value->kind == EX_CONST;
}

static bool logic(const struct cf_unit *u, const struct cf_expr *e, s64 *out)
{
	s64 a, b;

	if (!cf_const_value(u, e->a, &a))
		return false;
	if ((e->kind == EX_AND) == (a == 0)) {
		*out = a != 0;
		return true;
	}
	if (!cf_const_value(u, e->b, &b))
		return false;
	*out = b != 0;
	return true;
}

static bool choice(const struct cf_unit *u, const struct cf_expr *e, s64 *out)
{
	s64 a;

	if (!cf_const_value(u, e->a, &a))
		return false;
	if (!e->b && a) {
		*out = a;
		return true;
	}
	return cf_const_value(u, a ? e->b : e->c, out);
}

static bool swap(const struct cf_unit *u, const struct cf_expr *e, s64 *out)
{
	s64 a;

	if (!cf_const_value(u, e->a, &a))
		return false;
	*out = e->bits == 16   ? __builtin_bswap16((u16)a)
	       : e->bits == 32 ? (s64)__builtin_bswap32((u32)a)
			       : (s64)__builtin_bswap64((u64)a);
	return true;
}

static bool unary(const struct cf_unit *u, const struct cf_expr *e, s64 *out)
{
	s64 a;

	if (!cf_const_value(u, e->a, &a))
		return false;
	*out = e->op == '-' ? (s64)(0 - (u64)a) : e->op == '~' ? ~a : !a;
	return true;
}

static bool value(const struct cf_unit *u, const struct cf_expr *e, s64 *out)
{
	s64 a, b;

	switch (e->kind) {
	case EX_CONST: *out = e->value; return true;
	case EX_CAST:
		return ty_is_scalar(e->type) && ty_is_scalar(e->a->type) &&
		       cf_const_value(u, e->a, out);
	case EX_UNARY: return unary(u, e, out);
	case EX_BINARY: return binary(u, e, out);
	case EX_COMPARE:
		if (!cf_const_value(u, e->a, &a) || !cf_const_value(u, e->b, &b))
			return false;
		*out = compare(e, a, b);
		return true;
	case EX_AND:
	case EX_OR: return logic(u, e, out);
	case EX_COND: return choice(u, e, out);
	case EX_ADDR:
	case EX_DECAY: return place(u, e->a, out);
	case EX_LOAD: return const_object(e->a, out);
	case EX_BSWAP: return swap(u, e, out);
	case EX_BUILTIN: return e->builtin == BI_EXPECT && cf_const_value(u, e->args[0], out);
	default: return false;
	}
}

bool cf_const_value(const struct cf_unit *u, const struct cf_expr *e, s64 *out)
{
	/* Of 128 bits only what needs no more than 64. */
	if (e->type == u->poison ||
	    (ty_strip(e->type)->size > 8 && e->kind != EX_CONST && ty_is_int(e->type)) ||
	    !value(u, e, out))
		return false;
	*out = cfx_wrap(e->type, *out);
	return true;
}

/* ---- addresses ------------------------------------------------------------------------------- */

static bool address_of(const struct cf_unit *u, const struct cf_expr *e, struct cf_address *out)
{
	switch (e->kind) {
	case EX_SYM:
		out->sym = e->sym;
		return e->sym->kind == SYM_FUNC || e->sym->kind == SYM_MAP ||
		       (e->sym->kind == SYM_VAR &&
			(e->sym->storage == SS_STATIC || e->sym->storage == SS_GLOBAL));
	case EX_STRING: out->text = e; return true;
	case EX_MEMBER:
		if (e->bits || !e->a->is_lvalue || !address_of(u, e->a, out))
			return false;
		out->off += e->bit_off / 8;
		return true;
	case EX_DEREF: return cf_const_address(u, e->a, out);
	default: return false;
	}
}

static bool address_plus(const struct cf_unit *u, const struct cf_expr *e, struct cf_address *out)
{
	s64 n, size;

	if (!ty_is_ptr(e->a->type) || (e->op != '+' && e->op != '-') ||
	    !cf_const_value(u, e->b, &n) || !cf_const_address(u, e->a, out))
		return false;
	size = (s64)ty_strip(ty_strip(e->a->type)->to)->size;
	out->off += e->op == '+' ? n * size : -n * size;
	return true;
}

bool cf_const_address(const struct cf_unit *u, const struct cf_expr *e, struct cf_address *out)
{
	switch (e->kind) {
	case EX_CAST:
		return ty_is_scalar(e->type) && ty_strip(e->type)->size == 8 &&
		       cf_const_address(u, e->a, out);
	case EX_ADDR:
	case EX_DECAY: return address_of(u, e->a, out);
	case EX_BINARY: return address_plus(u, e, out);
	default: return false;
	}
}
