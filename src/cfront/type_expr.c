/* type_expr.c: typed nodes, values of lvalues, and conversions (C11 6.3).
 *
 * Every node is made here or in type_ops.c, with its type. What C does silently becomes a node: reading an
 * object is EX_LOAD, an array as a pointer EX_DECAY, a conversion EX_CAST. A conversion of a
 * constant is done at once, so that trees stay small.
 *
 * Integers of the program, of lib and of the kernel's BTF come as different struct types of one shape;
 * arithmetic always yields one of the basic types of the table.
 */
#include "cfront/parse.h"

#include <string.h>

/* ---- nodes ----------------------------------------------------------------------------------- */

static u16 depth_of(const struct cf_expr *e)
{
	return e ? e->depth : 0;
}

static u16 deeper(const struct cf_expr *a, const struct cf_expr *b)
{
	return depth_of(a) > depth_of(b) ? depth_of(a) : depth_of(b);
}

struct cf_expr *cfx_new(struct parser *p, enum ex_kind kind, const struct type *ty,
			struct span span, struct cf_expr *a, struct cf_expr *b)
{
	struct cf_expr *e = arena_new_of(p->a, struct cf_expr);

	e->kind = kind;
	e->type = ty;
	e->span = span;
	e->a = a;
	e->b = b;
	return cfx_adopt(p, e, deeper(a, b));
}

struct cf_expr *cfx_adopt(struct parser *p, struct cf_expr *e, u32 child_depth)
{
	if (child_depth < TREE_MAX) {
		if (e->depth <= child_depth)
			e->depth = (u16)(child_depth + 1);
		if (p->deepest < e->depth)
			p->deepest = e->depth;
		return e;
	}
	cfp_fail(p, e->span, E_TOO_LARGE, "an expression of more than %d operators in a chain",
		 TREE_MAX);
	return cfx_poison(p, e->span);
}

u16 cfx_tree_begin(struct parser *p)
{
	u16 saved = p->deepest;

	p->deepest = 0;
	return saved;
}

struct cf_expr *cfx_tree_end(struct parser *p, struct cf_expr *e, u16 saved)
{
	e = cfx_adopt(p, e, p->deepest);
	if (p->deepest < saved)
		p->deepest = saved;
	return e;
}

struct cf_expr *cfx_poison(struct parser *p, struct span at)
{
	return cfx_const(p, p->u->poison, 0, at);
}

struct cf_expr *cfx_const(struct parser *p, const struct type *ty, s64 v, struct span at)
{
	struct cf_expr *e = arena_new_of(p->a, struct cf_expr);

	e->kind = EX_CONST;
	e->type = ty;
	e->span = at;
	e->value = cfx_wrap(ty, v);
	return e;
}

struct cf_expr *cfx_int(struct parser *p, s64 v, struct span at)
{
	return cfx_const(p, ty_basic(p->t, TY_B_INT), v, at);
}

struct cf_expr *cfx_sym(struct parser *p, struct cf_sym *s, struct span at)
{
	struct cf_expr *e = cfx_new(p, EX_SYM, s->type, at, NULL, NULL);

	e->sym = s;
	e->is_lvalue = s->kind != SYM_FUNC;
	s->is_used |= !p->unevaluated;
	return e;
}

struct cf_expr *cfx_string(struct parser *p, str bytes, struct span at)
{
	return cfx_wide_string(p, bytes, 1, true, at);
}

struct cf_expr *cfx_wide_string(struct parser *p, str bytes, u32 width, bool is_signed,
				struct span at)
{
	const struct type *unit =
		width <= 1 ? ty_basic(p->t, TY_B_CHAR) : ty_int_of(p->t, width, is_signed);
	const struct type *ty = ty_array_of(p->t, unit, bytes.n / (width ? width : 1) + 1);
	struct cf_expr *e = cfx_new(p, EX_STRING, ty, at, NULL, NULL);

	e->bytes = bytes;
	e->is_lvalue = true;
	return e;
}

/* ---- values ---------------------------------------------------------------------------------- */

const struct type *cfx_bare(const struct type *ty)
{
	if (ty->quals)
		ty = ty->plain;
	while (ty->kind == TY_TYPEDEF && ty_strip(ty)->quals)
		ty = ty->to->plain;
	return ty;
}

/* Is this a map, or a part of one (`table.key`), which has no value of its own? */
bool cfx_is_map(const struct cf_expr *e)
{
	while (e->kind == EX_MEMBER)
		e = e->a;
	return e->kind == EX_SYM && e->sym->kind == SYM_MAP;
}

void cfx_name_function(struct parser *p, const struct cf_expr *e)
{
	if (p->unevaluated)
		return;
	e->sym->address_taken = e->sym->is_called = e->sym->is_used = true;
	*vec_push(p->a, &p->named) = (struct cf_edge){ p->fn, e->sym, e->span };
}

static struct cf_expr *decay(struct parser *p, struct cf_expr *e, const struct type *ty)
{
	const struct type *to = ty->kind == TY_ARRAY ? ty->to : e->type;
	const struct cf_expr *at;

	/* Qualifiers of the array are those of its elements (C11 6.7.3p9). */
	if (ty->kind == TY_ARRAY && ty->quals)
		to = ty_qualify(p->t, to, ty->quals);
	if (e->kind == EX_SYM && e->sym->kind == SYM_FUNC)
		cfx_name_function(p, e);
	for (at = e; at->kind == EX_MEMBER;)
		at = at->a;
	if (at->kind == EX_SYM && at->sym->kind == SYM_VAR && ty->kind == TY_ARRAY &&
	    !(ty_strip(to)->quals & TY_CONST))
		at->sym->escapes++;
	return cfx_new(p, EX_DECAY, ty_ptr_to(p->t, to), e->span, e, NULL);
}

static struct cf_expr *load(struct parser *p, struct cf_expr *e, const struct type *ty)
{
	struct cf_expr *v;

	if (cfx_is_map(e)) {
		if (cfp_error(p, e->span, E_MAP, "a map is no value"))
			diag_hint(p->dx,
				  "look an entry up with lookup(), or pass the map's address");
		return cfx_poison(p, e->span);
	}
	if (ty->kind == TY_FLOAT) {
		cfp_error(p, e->span, E_FLOAT, "BPF has no floating point");
		return cfx_poison(p, e->span);
	}
	if (ty->kind == TY_VOID) {
		cfp_error(p, e->span, E_TYPE, "a void expression has no value");
		return cfx_poison(p, e->span);
	}
	if (ty_is_aggregate(ty) || ty->kind == TY_ENUM) {
		const struct type *whole = name_need_complete(p, e->type, e->span);

		if (!whole)
			return cfx_poison(p, e->span);
		e->type = whole;
	}
	v = cfx_new(p, EX_LOAD, cfx_bare(e->type), e->span, e, NULL);
	/* A volatile read keeps its qualifier: the lowering may not drop it. */
	if (v->kind == EX_LOAD && ty->quals & TY_VOLATILE)
		v->type = ty_qualify(p->t, v->type, TY_VOLATILE);
	return v;
}

struct cf_expr *cfx_value(struct parser *p, struct cf_expr *e)
{
	const struct type *ty = ty_strip(e->type);

	if (is_poison(p, e))
		return e;
	if (ty->kind == TY_ARRAY || ty->kind == TY_FUNC)
		return decay(p, e, ty);
	if (e->is_lvalue || e->kind == EX_MEMBER)
		return load(p, e, ty);
	return e;
}

struct cf_expr *cfx_discard(struct parser *p, struct cf_expr *e)
{
	const struct type *ty = ty_strip(e->type);

	if (is_poison(p, e) || ty->kind == TY_VOID || !(e->is_lvalue || e->kind == EX_MEMBER))
		return e;
	if (cfx_is_map(e) || ty->kind == TY_ARRAY || ty->size > 8)
		return e->kind == EX_SYM ? cfx_int(p, 0, e->span) : e;
	return cfx_value(p, e);
}

struct cf_expr *cfx_truth(struct parser *p, struct cf_expr *e)
{
	e = cfx_value(p, e);
	if (!is_poison(p, e) && ty_is_int(e->type) && ty_strip(e->type)->size > 8)
		return cf_convert(p->u, e, ty_basic(p->t, TY_B_BOOL));
	if (is_poison(p, e) || ty_is_scalar(e->type))
		return e;
	cfp_error(p, e->span, E_TYPE, "a condition must be a number or a pointer, this is '%s'",
		  cfp_text(p, e->type));
	return cfx_poison(p, e->span);
}

/* ---- integers -------------------------------------------------------------------------------- */

static bool is_long_long(const struct type *ty)
{
	return ty->name.n >= 9 && memmem(ty->name.s, ty->name.n, "long long", 9);
}

/* The basic type that arithmetic on `ty` is done in (C11 6.3.1.1p2). */
static enum ty_basic promoted(const struct type *ty)
{
	bool is_signed;

	ty = ty_strip(ty);
	is_signed = ty->is_signed;
	if (ty->size < 4)
		return TY_B_INT;
	if (ty->size == 4)
		return is_signed ? TY_B_INT : TY_B_UINT;
	if (ty->size > 8)
		return is_signed ? TY_B_INT128 : TY_B_UINT128;
	if (is_long_long(ty))
		return is_signed ? TY_B_LLONG : TY_B_ULLONG;
	return is_signed ? TY_B_LONG : TY_B_ULONG;
}

/* Bit-fields narrower than int become int (C11 6.3.1.1p2). */
const struct type *cfx_promoted(struct parser *p, const struct cf_expr *e)
{
	const struct cf_expr *field = e->kind == EX_LOAD ? e->a : e;

	if (field->kind == EX_MEMBER && field->bits) {
		u32 width = field->bits + !ty_signed(e->type);

		if (width <= 32)
			return ty_basic(p->t, TY_B_INT);
	}
	return ty_basic(p->t, promoted(e->type));
}

struct cf_expr *cfx_integer(struct parser *p, struct cf_expr *e, const char *what)
{
	e = cfx_value(p, e);
	if (is_poison(p, e))
		return e;
	if (ty_is_int(e->type))
		return cf_convert(p->u, e, cfx_promoted(p, e));
	cfp_error(p, e->span, E_TYPE, "%s must be an integer, this is '%s'", what,
		  cfp_text(p, e->type));
	return cfx_poison(p, e->span);
}

/* ---- conversions ------------------------------------------------------------------------------- */

static const struct type *bare_shape(const struct type *ty)
{
	return ty_strip(ty)->plain;
}

struct cf_expr *cf_convert(struct cf_unit *u, struct cf_expr *e, const struct type *to)
{
	struct cf_expr *c;

	to = cfx_bare(to);
	if (e->type == u->poison || to == u->poison || e->type == to)
		return e;
	/* A constant of 128 bits is kept in 64: only what extends with zeros. */
	if (e->kind == EX_CONST && ty_is_scalar(to) && ty_is_scalar(e->type) &&
	    (ty_strip(to)->size <= 8 || e->value >= 0)) {
		c = arena_dup(u->o->a, e, sizeof(*e));
		c->type = to;
		c->value = cfx_wrap(to, e->value);
		return c;
	}
	/* A typedef and what it names are one type. */
	if (bare_shape(e->type) == bare_shape(to))
		return e;
	c = arena_new_of(u->o->a, struct cf_expr);
	c->kind = EX_CAST;
	c->type = to;
	c->span = e->span;
	c->a = e;
	c->depth = (u16)(e->depth + 1);
	return c;
}

bool cfx_is_null(const struct cf_expr *e)
{
	if (e->kind != EX_CONST || e->value != 0)
		return false;
	return ty_is_int(e->type) || (ty_is_ptr(e->type) && ty_is_void(ty_strip(e->type)->to));
}

static bool same_tag(const struct type *a, const struct type *b)
{
	return a->kind == b->kind && ty_is_aggregate(a) && a->name.n && str_eq(a->name, b->name) &&
	       (a->btf || b->btf || !a->complete || !b->complete);
}

/* May a pointer to `from` stand where one to `to` is wanted, without a word? */
static bool pointees_fit(const struct type *to, const struct type *from)
{
	to = bare_shape(to);
	from = bare_shape(from);
	if (to->kind == TY_VOID || from->kind == TY_VOID || ty_same(to, from) || same_tag(to, from))
		return true;
	if (to->kind == TY_INT && from->kind == TY_INT)
		return to->size == from->size;
	if (to->kind == TY_PTR && from->kind == TY_PTR)
		return pointees_fit(to->to, from->to);
	return false;
}

static void check_pointers(struct parser *p, struct cf_expr *e, const struct type *to,
			   const char *what)
{
	const struct type *want = ty_strip(ty_strip(to)->to);
	const struct type *have = ty_strip(ty_strip(e->type)->to);

	if (!pointees_fit(want, have))
		cfp_error(p, e->span, W_TYPE,
			  "%s: '%s' becomes '%s', which points to something else", what,
			  cfp_text(p, e->type), cfp_text(p, to));
	else if (have->quals & TY_CONST && !(want->quals & TY_CONST) && have->kind != TY_FUNC)
		cfp_error(p, e->span, W_TYPE, "%s: '%s' becomes '%s', which forgets const", what,
			  cfp_text(p, e->type), cfp_text(p, to));
}

static struct cf_expr *mismatch(struct parser *p, struct cf_expr *e, const struct type *to,
				const char *what)
{
	cfp_error(p, e->span, E_TYPE, "%s: a value of type '%s' is no '%s'", what,
		  cfp_text(p, e->type), cfp_text(p, to));
	return cfx_poison(p, e->span);
}

struct cf_expr *cfx_assignable(struct parser *p, struct cf_expr *e, const struct type *to,
			       const char *what)
{
	const struct type *have, *want = ty_strip(to);

	e = cfx_value(p, e);
	have = ty_strip(e->type);
	if (is_poison(p, e) || to == p->u->poison)
		return e;
	if (have->kind == TY_VOID) {
		cfp_error(p, e->span, E_TYPE, "%s: a void expression has no value", what);
		return cfx_poison(p, e->span);
	}
	if (want->kind == TY_FLOAT) {
		cfp_error(p, e->span, E_FLOAT, "BPF has no floating point");
		return cfx_poison(p, e->span);
	}
	if (ty_is_aggregate(want))
		return bare_shape(have) == bare_shape(want) || ty_same(have, want) ||
				       same_tag(have, want)
			       ? e
			       : mismatch(p, e, to, what);
	if (!ty_is_scalar(want) || !ty_is_scalar(have))
		return mismatch(p, e, to, what);
	if (ty_is_ptr(want) && ty_is_ptr(have)) {
		if (!cfx_is_null(e))
			check_pointers(p, e, to, what);
	} else if (ty_is_ptr(want) && !cfx_is_null(e)) {
		cfp_error(p, e->span, W_TYPE, "%s: the integer '%s' becomes the pointer '%s'", what,
			  cfp_text(p, e->type), cfp_text(p, to));
	} else if (ty_is_ptr(have) && !want->is_bool && !ty_is_ptr(want)) {
		cfp_error(p, e->span, W_TYPE, "%s: the pointer '%s' becomes the integer '%s'", what,
			  cfp_text(p, e->type), cfp_text(p, to));
	}
	return cf_convert(p->u, e, to);
}

/* ( type-name ) cast-expression (C11 6.5.4) */
struct cf_expr *cfx_cast(struct parser *p, const struct type *to, struct cf_expr *e,
			 struct span span)
{
	const struct type *want = ty_strip(to);

	if (to == p->u->poison || is_poison(p, e))
		return cfx_poison(p, span);
	if (want->kind == TY_VOID) {
		/* The operand is not read, only computed. */
		e = ty_strip(e->type)->kind == TY_VOID ? e : cfx_value(p, e);
		return is_poison(p, e) ? e : cfx_new(p, EX_CAST, cfx_bare(to), span, e, NULL);
	}
	e = cfx_value(p, e);
	if (is_poison(p, e))
		return e;
	if (want->kind == TY_FLOAT) {
		cfp_error(p, span, E_FLOAT, "BPF has no floating point");
		return cfx_poison(p, span);
	}
	if (ty_is_aggregate(want) && bare_shape(want) == bare_shape(e->type))
		return e;
	if (!ty_is_scalar(want) || !ty_is_scalar(e->type)) {
		cfp_error(p, span, E_TYPE, "'%s' cannot be cast to '%s'", cfp_text(p, e->type),
			  cfp_text(p, to));
		return cfx_poison(p, span);
	}
	e = cf_convert(p->u, e, to);
	/* What was cast is no bit-field any more, also if its type was the same: it promotes as that. */
	if (e->kind == EX_LOAD && e->a->kind == EX_MEMBER && e->a->bits)
		return cfx_new(p, EX_CAST, cfx_bare(to), span, e, NULL);
	if (e->kind == EX_CAST || e->kind == EX_CONST) {
		e = arena_dup(p->a, e, sizeof(*e));
		e->span = span;
	}
	return e;
}
