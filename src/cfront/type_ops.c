/* type_ops.c: the operators of C, typed (C11 6.5).
 *
 * Each function takes operands as written, checks the constraints of its clause, makes the conversions
 * explicit, and folds what is constant. Pointer arithmetic is left unscaled for the lowering.
 *
 * Members: a struct of the kernel gives way to the program's own of the same tag; a member that only a macro
 * of the kernel's headers names (sk_daddr) is found through lib; a struct with preserve_access_index has the
 * kernel's offsets.
 */
#include "cfront/kernel.h"

#include "cfront/lib.h"

static const char *op_text(u32 op)
{
	static const char single[128][2] = {
		['+'] = "+", ['-'] = "-", ['*'] = "*", ['/'] = "/", ['%'] = "%",
		['&'] = "&", ['|'] = "|", ['^'] = "^", ['<'] = "<", ['>'] = ">",
		['='] = "=", ['!'] = "!", ['~'] = "~", ['?'] = "?", [','] = ",",
	};

	return op < 128 ? single[op] : lex_punct_text(op);
}

/* A node whose operands are constants becomes one. */
static struct cf_expr *fold(struct parser *p, struct cf_expr *e)
{
	s64 v;

	if (is_poison(p, e) || (e->a && e->a->kind != EX_CONST) ||
	    (e->b && e->b->kind != EX_CONST) || !cf_const_value(p->u, e, &v))
		return e;
	return cfx_const(p, e->type, v, e->span);
}

static struct cf_expr *bad_operands(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *b,
				    struct span at)
{
	if (is_poison(p, a) || is_poison(p, b))
		return cfx_poison(p, at);
	if (cfp_error(p, at, E_TYPE, "'%s' does not work on '%s' and '%s'", op_text(op),
		      cfp_text(p, a->type), cfp_text(p, b->type))) {
		if (ty_is_aggregate(a->type) || ty_is_aggregate(b->type))
			diag_hint(p->dx, "compare or combine its members one by one");
	}
	return cfx_poison(p, at);
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* Of two promoted types (C11 6.3.1.8). */
static const struct type *common(struct parser *p, const struct type *a, const struct type *b)
{
	static const enum ty_basic order[] = { TY_B_INT,   TY_B_UINT,	TY_B_LONG,   TY_B_ULONG,
					       TY_B_LLONG, TY_B_ULLONG, TY_B_INT128, TY_B_UINT128 };
	u32 i = 0, k = 0;

	while (ty_basic(p->t, order[i]) != a)
		i++;
	while (ty_basic(p->t, order[k]) != b)
		k++;
	if (i < k) {
		u32 t = i;

		i = k;
		k = t;
	}
	/* i ranks at least as high as k; an unsigned k that a signed i cannot hold makes it unsigned. */
	if (i % 2 == 0 && k % 2 == 1 &&
	    ty_basic(p->t, order[i])->size == ty_basic(p->t, order[k])->size)
		i++;
	return ty_basic(p->t, order[i]);
}

static bool is_128(const struct cf_expr *e)
{
	return ty_is_int(e->type) && ty_strip(e->type)->size > 8;
}

static bool refuse_128_division(struct parser *p, u32 op, const struct type *ty, struct span at)
{
	if ((op != '/' && op != '%') || ty->size <= 8)
		return false;
	if (cfp_not_yet(p, at, "division of 128-bit integers"))
		diag_hint(p->dx, "divide 64 bits, or shift");
	return true;
}

static void warn_divisor(struct parser *p, u32 op, const struct cf_expr *b)
{
	s64 v;

	if ((op != '/' && op != '%') || !cf_const_value(p->u, b, &v) || v != 0)
		return;
	if (cfp_error(p, b->span, W_DIV_ZERO, "the divisor is always 0"))
		diag_hint(p->dx, op == '/' ? "on BPF the result is 0"
					   : "on BPF the result is the dividend");
}

static void warn_shift(struct parser *p, const struct cf_expr *a, const struct cf_expr *b)
{
	u64 bits = ty_strip(a->type)->size * 8;
	s64 v;

	if (cf_const_value(p->u, b, &v) && (v < 0 || (u64)v >= bits))
		cfp_error(p, b->span, W_TYPE, "a shift by %lld of a value of %llu bits",
			  (long long)v, (unsigned long long)bits);
}

static struct cf_expr *arithmetic(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *b,
				  struct span span)
{
	const struct type *ty = cfx_promoted(p, a);

	if (op == P_SHL || op == P_SHR) {
		a = cf_convert(p->u, a, ty);
		b = cf_convert(p->u, b, is_128(b) ? ty_basic(p->t, TY_B_UINT) : cfx_promoted(p, b));
		warn_shift(p, a, b);
	} else {
		ty = common(p, ty, cfx_promoted(p, b));
		a = cf_convert(p->u, a, ty);
		b = cf_convert(p->u, b, ty);
		warn_divisor(p, op, b);
		if (refuse_128_division(p, op, ty, span))
			return cfx_poison(p, span);
	}
	a = cfx_new(p, EX_BINARY, ty, span, a, b);
	a->op = (u16)op;
	return fold(p, a);
}

/* ---- pointers -------------------------------------------------------------------------------- */

/* The pointer with a pointee whose size is known; NULL (reported) if there is none. */
static struct cf_expr *sized_pointer(struct parser *p, struct cf_expr *e)
{
	const struct type *ptr = ty_strip(e->type), *to = ptr->to, *whole;

	if (ty_is_void(to) || ty_strip(to)->kind == TY_FUNC)
		return e;
	whole = name_need_complete(p, to, e->span);
	if (!whole)
		return NULL;
	return whole == to ? e : cf_convert(p->u, e, ty_ptr_in(p->t, whole, ptr->space));
}

static struct cf_expr *pointer_plus(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *i,
				    struct span span)
{
	struct cf_expr *e;

	a = sized_pointer(p, a);
	if (!a)
		return cfx_poison(p, span);
	i = cf_convert(p->u, i, cfx_promoted(p, i));
	i = cf_convert(p->u, i, ty_int_of(p->t, 8, ty_signed(i->type)));
	e = cfx_new(p, EX_BINARY, a->type, span, a, i);
	e->op = (u16)op;
	return e;
}

static struct cf_expr *pointer_minus(struct parser *p, struct cf_expr *a, struct cf_expr *b,
				     struct span span)
{
	const struct type *x = ty_strip(ty_strip(a->type)->to),
			  *y = ty_strip(ty_strip(b->type)->to);
	struct cf_expr *e;

	if (x->plain != y->plain && !ty_same(x, y) && x->size != y->size)
		return bad_operands(p, '-', a, b, span);
	a = sized_pointer(p, a);
	b = a ? sized_pointer(p, b) : NULL;
	if (!b)
		return cfx_poison(p, span);
	e = cfx_new(p, EX_BINARY, ty_basic(p->t, TY_B_LONG), span, a, b);
	e->op = '-';
	return fold(p, e);
}

/* ---- comparisons ----------------------------------------------------------------------------- */

static struct cf_expr *compare_pointers(struct parser *p, u32 op, struct cf_expr *a,
					struct cf_expr *b, struct span span)
{
	const struct type *ulong = ty_basic(p->t, TY_B_ULONG);
	bool a_ptr = ty_is_ptr(a->type), b_ptr = ty_is_ptr(b->type);

	if (a_ptr && b_ptr) {
		const struct type *x = ty_strip(ty_strip(a->type)->to)->plain;
		const struct type *y = ty_strip(ty_strip(b->type)->to)->plain;

		if (x != y && x->kind != TY_VOID && y->kind != TY_VOID && !ty_same(x, y) &&
		    !(x->name.n && str_eq(x->name, y->name)))
			cfp_error(p, span, W_TYPE,
				  "a comparison of pointers to different types: '%s' and '%s'",
				  cfp_text(p, a->type), cfp_text(p, b->type));
	} else if (!cfx_is_null(a_ptr ? b : a)) {
		cfp_error(p, span, W_TYPE,
			  "a comparison of a pointer with an integer: '%s' and '%s'",
			  cfp_text(p, a->type), cfp_text(p, b->type));
	}
	a = a_ptr ? a : cf_convert(p->u, cf_convert(p->u, a, ulong), b->type);
	b = b_ptr ? b : cf_convert(p->u, cf_convert(p->u, b, ulong), a->type);
	a = cfx_new(p, EX_COMPARE, ty_basic(p->t, TY_B_INT), span, a, b);
	a->op = (u16)op;
	return fold(p, a);
}

/* C11 6.5.8, 6.5.9 */
static struct cf_expr *compare(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *b,
			       struct span span)
{
	const struct type *ty;

	if (!ty_is_scalar(a->type) || !ty_is_scalar(b->type))
		return bad_operands(p, op, a, b, span);
	if (ty_is_ptr(a->type) || ty_is_ptr(b->type))
		return compare_pointers(p, op, a, b, span);
	ty = common(p, cfx_promoted(p, a), cfx_promoted(p, b));
	a = cf_convert(p->u, a, ty);
	b = cf_convert(p->u, b, ty);
	a = cfx_new(p, EX_COMPARE, ty_basic(p->t, TY_B_INT), span, a, b);
	a->op = (u16)op;
	return fold(p, a);
}

static struct cf_expr *logic(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *b,
			     struct span span)
{
	a = cfx_truth(p, a);
	b = cfx_truth(p, b);
	if (is_poison(p, a) || is_poison(p, b))
		return cfx_poison(p, span);
	return fold(p, cfx_new(p, op == P_ANDAND ? EX_AND : EX_OR, ty_basic(p->t, TY_B_INT), span,
			       a, b));
}

struct cf_expr *cfx_binary(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *b,
			   struct span op_span)
{
	struct span span = span_join(a->span, b->span);
	bool a_ptr, b_ptr;

	if (op == P_ANDAND || op == P_OROR)
		return logic(p, op, a, b, span);
	a = cfx_value(p, a);
	b = cfx_value(p, b);
	if (is_poison(p, a) || is_poison(p, b))
		return cfx_poison(p, span);
	if (op == P_EQ || op == P_NE || op == P_LE || op == P_GE || op == '<' || op == '>')
		return compare(p, op, a, b, span);
	a_ptr = ty_is_ptr(a->type);
	b_ptr = ty_is_ptr(b->type);
	if (op == '+' && a_ptr && ty_is_int(b->type))
		return pointer_plus(p, op, a, b, span);
	if (op == '+' && b_ptr && ty_is_int(a->type))
		return pointer_plus(p, op, b, a, span);
	if (op == '-' && a_ptr && ty_is_int(b->type))
		return pointer_plus(p, op, a, b, span);
	if (op == '-' && a_ptr && b_ptr)
		return pointer_minus(p, a, b, span);
	if (!ty_is_int(a->type) || !ty_is_int(b->type)) {
		bad_operands(p, op, a, b, op_span);
		return cfx_poison(p, span);
	}
	return arithmetic(p, op, a, b, span);
}

/* C11 6.5.3.3 */
struct cf_expr *cfx_unary(struct parser *p, u32 op, struct cf_expr *e, struct span span)
{
	struct cf_expr *r;

	e = op == '!' ? cfx_truth(p, e) : cfx_integer(p, e, "the operand");
	if (is_poison(p, e))
		return cfx_poison(p, span);
	if (op == '+') {
		r = arena_dup(p->a, e, sizeof(*e));
		r->span = span;
		return r;
	}
	r = cfx_new(p, EX_UNARY, op == '!' ? ty_basic(p->t, TY_B_INT) : e->type, span, e, NULL);
	r->op = (u16)op;
	return fold(p, r);
}

/* ---- ?: -------------------------------------------------------------------------------------- */

/* The type of a conditional whose arms are not both integers (C11 6.5.15); NULL if there is none. */
static const struct type *arms_type(struct parser *p, struct cf_expr *a, struct cf_expr *b)
{
	const struct type *x = ty_strip(a->type), *y = ty_strip(b->type);

	if (x->kind == TY_VOID || y->kind == TY_VOID)
		return ty_basic(p->t, TY_B_VOID);
	if (ty_is_ptr(x) && ty_is_ptr(y)) {
		if (cfx_is_null(a) || cfx_is_null(b))
			return cfx_is_null(a) ? b->type : a->type;
		if (ty_is_void(x->to) || ty_is_void(y->to))
			return ty_is_void(x->to) ? a->type : b->type;
		if (!ty_same(x->to, y->to))
			cfp_error(p, span_join(a->span, b->span), W_TYPE,
				  "the two values are pointers to different types: '%s' and '%s'",
				  cfp_text(p, a->type), cfp_text(p, b->type));
		return a->type;
	}
	if (ty_is_ptr(x) && cfx_is_null(b))
		return a->type;
	if (ty_is_ptr(y) && cfx_is_null(a))
		return b->type;
	if (ty_is_ptr(x) || ty_is_ptr(y)) {
		if (!ty_is_scalar(x) || !ty_is_scalar(y))
			return NULL;
		cfp_error(p, span_join(a->span, b->span), W_TYPE,
			  "one value is a pointer, the other an integer: '%s' and '%s'",
			  cfp_text(p, a->type), cfp_text(p, b->type));
		return ty_is_ptr(x) ? a->type : b->type;
	}
	return ty_is_aggregate(x) && ty_same(x, y) ? a->type : NULL;
}

struct cf_expr *cfx_cond(struct parser *p, struct cf_expr *c, struct cf_expr *a, struct cf_expr *b)
{
	struct span span = span_join(c->span, b->span);
	struct cf_expr *first, *r;
	const struct type *ty;
	s64 v;

	c = a ? cfx_truth(p, c) : cfx_value(p, c);
	first = a ? cfx_value(p, a) : c;
	b = cfx_value(p, b);
	if (is_poison(p, c) || is_poison(p, first) || is_poison(p, b))
		return cfx_poison(p, span);
	if (ty_is_int(first->type) && ty_is_int(b->type)) {
		if (!a && is_128(first)) {
			cfp_not_yet(p, span, "'?:' without its middle on 128-bit integers");
			return cfx_poison(p, span);
		}
		ty = common(p, cfx_promoted(p, first), cfx_promoted(p, b));
	} else {
		ty = arms_type(p, first, b);
		if (!ty)
			return bad_operands(p, '?', first, b, span);
	}
	if (ty_is_scalar(ty)) {
		first = cf_convert(p->u, first, ty);
		b = cf_convert(p->u, b, ty);
	}
	r = cfx_new(p, EX_COND, cfx_bare(ty), span, a ? c : first, a ? first : NULL);
	r->c = b;
	r = cfx_adopt(p, r, b->depth);
	if (c->kind == EX_CONST && first->kind == EX_CONST && b->kind == EX_CONST &&
	    cf_const_value(p->u, r, &v))
		return cfx_const(p, ty, v, span);
	return r;
}

/* ---- lvalues --------------------------------------------------------------------------------- */

/* The variable that an lvalue is part of, NULL if that is not known. */
static struct cf_sym *root_of(const struct cf_expr *e)
{
	for (;;) {
		if (e->kind == EX_MEMBER)
			e = e->a;
		else if (e->kind == EX_DEREF && e->a->kind == EX_BINARY &&
			 e->a->a->kind == EX_DECAY)
			e = e->a->a->a;
		else if (e->kind == EX_DEREF && e->a->kind == EX_DECAY)
			e = e->a->a;
		else
			return e->kind == EX_SYM && e->sym->kind == SYM_VAR ? e->sym : NULL;
	}
}

static void note_written(const struct cf_expr *e)
{
	struct cf_sym *s = root_of(e);

	if (s)
		s->is_written = true;
}

/* May it be written? Reports why not (C11 6.3.2.1p1). */
static bool writable(struct parser *p, struct cf_expr *e)
{
	const struct type *ty = ty_strip(e->type);

	if (cfx_is_map(e)) {
		cfp_error(p, e->span, E_LVALUE, "a map cannot be assigned to");
	} else if (!e->is_lvalue) {
		cfp_error(p, e->span, E_LVALUE,
			  "this is a value, not an object that can be assigned to");
	} else if (ty->kind == TY_ARRAY) {
		if (cfp_error(p, e->span, E_LVALUE, "an array cannot be assigned to"))
			diag_hint(p->dx, "copy it with __builtin_memcpy(), or assign its elements");
	} else if (ty->quals & TY_CONST) {
		cfp_error(p, e->span, E_CONST, "this object is const: '%s'", cfp_text(p, e->type));
	} else {
		note_written(e);
		return true;
	}
	return false;
}

static struct cf_expr *assign_op(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *b,
				 struct span span)
{
	struct cf_expr *read = cfx_value(p, a), *e;
	bool is_ptr = ty_is_ptr(a->type);

	b = cfx_value(p, b);
	if (is_poison(p, read) || is_poison(p, b))
		return cfx_poison(p, span);
	if (!ty_is_int(b->type) || (!is_ptr && !ty_is_int(a->type)) ||
	    (is_ptr && op != '+' && op != '-'))
		return bad_operands(p, op, read, b, span);
	if (is_128(b) && (op == P_SHL || op == P_SHR || is_ptr))
		b = cf_convert(p->u, b, ty_basic(p->t, is_ptr ? TY_B_LONG : TY_B_UINT));
	e = cfx_new(p, EX_ASSIGN_OP, cfx_bare(a->type), span, a, b);
	e->op = (u16)op;
	if (is_ptr) {
		e->compute = e->type;
		e->b = cf_convert(p->u, b, cfx_promoted(p, b));
		if (!sized_pointer(p, read))
			return cfx_poison(p, span);
		return e;
	}
	e->compute = cfx_promoted(p, read);
	e->b = cf_convert(p->u, b, cfx_promoted(p, b));
	if (op == P_SHL || op == P_SHR)
		warn_shift(p, read, e->b);
	else
		e->compute = common(p, e->compute, cfx_promoted(p, b));
	warn_divisor(p, op, b);
	if (refuse_128_division(p, op, e->compute, span))
		return cfx_poison(p, span);
	return e;
}

/* C11 6.5.16; op 0 is plain assignment */
struct cf_expr *cfx_assign(struct parser *p, u32 op, struct cf_expr *a, struct cf_expr *b)
{
	struct span span = span_join(a->span, b->span);

	if (is_poison(p, a) || is_poison(p, b) || !writable(p, a))
		return cfx_poison(p, span);
	if (op)
		return assign_op(p, op, a, b, span);
	if (ty_is_aggregate(a->type) && !name_need_complete(p, a->type, a->span))
		return cfx_poison(p, span);
	b = cfx_assignable(p, b, a->type, "this assignment");
	if (is_poison(p, b))
		return cfx_poison(p, span);
	return cfx_new(p, EX_ASSIGN, cfx_bare(a->type), span, a, b);
}

struct cf_expr *cfx_incdec(struct parser *p, u32 op, struct cf_expr *e, bool is_post,
			   struct span span)
{
	struct cf_expr *r;

	if (is_poison(p, e) || !writable(p, e) || is_poison(p, cfx_value(p, e)))
		return cfx_poison(p, span);
	if (!ty_is_scalar(e->type)) {
		cfp_error(p, span, E_TYPE, "'%s' does not work on '%s'", op_text(op),
			  cfp_text(p, e->type));
		return cfx_poison(p, span);
	}
	if (ty_is_ptr(e->type) && !sized_pointer(p, e))
		return cfx_poison(p, span);
	r = cfx_new(p, EX_INCDEC, cfx_bare(e->type), span, e, NULL);
	r->op = (u16)op;
	r->is_post = is_post;
	return r;
}

/* An array that is indexed at once has not become a pointer of its own. */
static void settle_index(const struct cf_expr *e)
{
	if (e->kind == EX_BINARY)
		e = e->a;
	if (e->kind != EX_DECAY)
		return;
	for (e = e->a; e->kind == EX_MEMBER;)
		e = e->a;
	if (e->kind == EX_SYM && e->sym->kind == SYM_VAR)
		e->sym->escapes--;
}

/* C11 6.5.3.2 */
struct cf_expr *cfx_deref(struct parser *p, struct cf_expr *e, struct span span)
{
	const struct type *to, *whole;

	e = cfx_value(p, e);
	if (is_poison(p, e))
		return cfx_poison(p, span);
	if (!ty_is_ptr(e->type)) {
		cfp_error(p, span, E_TYPE, "'*' and '[]' want a pointer, this is '%s'",
			  cfp_text(p, e->type));
		return cfx_poison(p, span);
	}
	to = ty_strip(e->type)->to;
	if (ty_strip(to)->kind == TY_VOID) {
		if (cfp_error(p, span, E_TYPE, "a pointer to void has nothing to read"))
			diag_hint(p->dx, "cast it to a pointer to what it points at");
		return cfx_poison(p, span);
	}
	p->asking = e->span;
	settle_index(e);
	whole = name_complete(p, to);
	e = cfx_new(p, EX_DEREF, whole ? whole : to, span, e, NULL);
	e->is_lvalue = ty_strip(to)->kind != TY_FUNC;
	return e;
}

struct cf_expr *cfx_addr(struct parser *p, struct cf_expr *e, struct span span)
{
	if (is_poison(p, e))
		return cfx_poison(p, span);
	/* &*p is p, also where *p could not be read (C11 6.5.3.2p3). */
	if (e->kind == EX_DEREF) {
		struct cf_expr *r = arena_dup(p->a, e->a, sizeof(*e));

		r->span = span;
		return r;
	}
	if (e->kind == EX_SYM && e->sym->kind == SYM_FUNC) {
		cfx_name_function(p, e);
		return cfx_new(p, EX_ADDR, ty_ptr_to(p->t, e->type), span, e, NULL);
	}
	if (!e->is_lvalue || (e->kind == EX_MEMBER && cfx_is_map(e))) {
		cfp_error(p, span, E_LVALUE, "only an object has an address, this is a value");
		return cfx_poison(p, span);
	}
	if (e->kind == EX_MEMBER && e->bits) {
		cfp_error(p, span, E_LVALUE, "bit-field '" STR_FMT "' has no address",
			  STR_ARG(e->member->name));
		return cfx_poison(p, span);
	}
	if (e->kind == EX_SYM)
		e->sym->address_taken = true;
	if (!(ty_strip(e->type)->quals & TY_CONST))
		note_written(e);
	return cfx_new(p, EX_ADDR, ty_ptr_to(p->t, e->type), span, e, NULL);
}

/* ---- members --------------------------------------------------------------------------------- */

static struct cf_expr *no_member(struct parser *p, const struct cf_expr *a, const struct type *agg,
				 str name, struct span at)
{
	struct nearest near;

	nearest_init(&near, name);
	if (!cfp_is_full(p))
		ty_offer_members(agg, &near);
	if (cfp_error(p, at, E_MEMBER, "'%s' has no member '" STR_FMT "'", cfp_text(p, a->type),
		      STR_ARG(name))) {
		if (near.best.n)
			diag_hint(p->dx, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
		if (span_known(agg->span))
			diag_note(p->dx, agg->span, "it is defined here");
	}
	return cfx_poison(p, span_join(a->span, at));
}

/* A path such as "__sk_common.skc_daddr", one member after the other. */
static struct cf_expr *member_path(struct parser *p, struct cf_expr *a, const char *path,
				   struct span at)
{
	str rest = str_of(path);

	while (rest.n)
		a = cfx_member(p, a, str_cut(&rest, '.'), at);
	return a;
}

/* A member that the program knows to be missing in this kernel's struct: declared in its own version of the
 * struct, or asked for before. NULL: it is a mistake. */
static struct cf_expr *missing_member(struct parser *p, struct cf_expr *a, const struct type *agg,
				      str name, struct span at)
{
	const struct ty_member *own = ty_find_member(a->type, name, NULL);
	const struct type *ty = own ? own->type : ty_basic(p->t, TY_B_ULONG);
	bool was_asked = cfp_core_missing(p, agg, name);
	struct cf_expr *e;

	at = span_join(a->span, at);
	if (p->is_probing)
		return cfx_poison(p, at);
	if (!own && !was_asked)
		return NULL;
	e = cfx_new(p, EX_BUILTIN, ty_ptr_to(p->t, ty), at, NULL, NULL);
	e->builtin = BI_MISSING;
	e->bytes = str_printf(p->a, STR_FMT "." STR_FMT, STR_ARG(agg->name), STR_ARG(name));
	return cfx_deref(p, e, at);
}

/* a.name (C11 6.5.2.3); p->name comes as (*p).name. */
struct cf_expr *cfx_member(struct parser *p, struct cf_expr *a, str name, struct span at)
{
	const struct type *agg;
	const struct ty_member *m;
	const char *path;
	struct cf_expr *e;
	u32 off = 0;

	if (is_poison(p, a))
		return cfx_poison(p, span_join(a->span, at));
	if (!ty_is_aggregate(a->type)) {
		cfp_error(p, at, E_MEMBER,
			  "'%s' is no struct or union: it has no member '" STR_FMT "'",
			  cfp_text(p, a->type), STR_ARG(name));
		return cfx_poison(p, span_join(a->span, at));
	}
	agg = name_need_complete(p, a->type, a->span);
	if (!agg || agg == p->u->poison)
		return cfx_poison(p, span_join(a->span, at));
	a->type = agg;
	agg = name_core(p, agg);
	m = ty_find_member(agg, name, &off);
	if (!m) {
		path = cf_lib_member(name);
		if (path && ty_find_member(agg, str_cut(&(str){ path, str_of(path).n }, '.'), &off))
			return member_path(p, a, path, at);
		e = agg != ty_strip(a->type) || agg->btf ? missing_member(p, a, agg, name, at)
							 : NULL;
		if (e)
			return e;
		return no_member(p, a, agg, name, at);
	}
	e = cfx_new(p, EX_MEMBER,
		    ty_qualify(p->t, m->type, m->type->quals | ty_strip(a->type)->quals),
		    span_join(a->span, at), a, NULL);
	e->member = m;
	e->bit_off = off;
	e->bits = m->bits;
	e->is_lvalue = a->is_lvalue;
	return e;
}
