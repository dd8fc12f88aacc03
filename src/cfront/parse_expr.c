/* parse_expr.c: expressions (C11 6.5), by precedence climbing.
 *
 * One function a grammar symbol; the ten levels of binary operators are one loop over a table. Results are as
 * written (an lvalue stays one); the operators in type_ops.c make values of them where C does.
 */
#include "cfront/parse.h"

/* ---- primary expressions (C11 6.5.1) ------------------------------------------------------------- */

/* The type of an integer constant (C11 6.4.4.1p5): the first that holds it. */
static const struct type *constant_type(struct parser *p, const struct token *t)
{
	bool may_be_unsigned = t->is_unsigned || !t->is_decimal, may_be_signed = !t->is_unsigned;
	u64 v = t->number;

	if (t->longs == 0) {
		if (may_be_signed && v <= INT32_MAX)
			return ty_basic(p->t, TY_B_INT);
		if (may_be_unsigned && v <= UINT32_MAX)
			return ty_basic(p->t, TY_B_UINT);
	}
	if (may_be_signed && v <= INT64_MAX)
		return ty_basic(p->t, t->longs == 2 ? TY_B_LLONG : TY_B_LONG);
	return ty_basic(p->t, t->longs == 2 ? TY_B_ULLONG : TY_B_ULONG);
}

static struct cf_expr *number(struct parser *p)
{
	const struct token *t = p->tok;

	cfp_next(p);
	if (t->is_float) {
		if (cfp_error(p, t->span, E_FLOAT, "BPF has no floating point"))
			diag_hint(p->dx,
				  "count in integers of a smaller unit: thousandths, nanoseconds");
		return cfx_poison(p, t->span);
	}
	return cfx_const(p, constant_type(p, t), (s64)t->number, t->span);
}

static struct cf_expr *character(struct parser *p)
{
	const struct token *t = p->tok;

	cfp_next(p);
	return cfx_int(p, (s64)t->number, t->span);
}

static struct cf_expr *string(struct parser *p)
{
	const struct token *t = p->tok;

	cfp_next(p);
	return cfx_wide_string(p, t->bytes, t->char_width, t->text.n && t->text.s[0] == 'L',
			       t->span);
}

static struct cf_expr *identifier(struct parser *p)
{
	const struct token *t = p->tok;
	struct cf_sym *s = name_find(p, t->text);
	struct cf_expr *e;

	cfp_next(p);
	if (s && s->kind == SYM_ENUMERATOR)
		return cfx_const(p, s->type, s->value, t->span);
	if (s && s->kind == SYM_TYPEDEF) {
		cfp_fail(p, t->span, E_SYNTAX, "'" STR_FMT "' is a type, here a value is wanted",
			 STR_ARG(t->text));
		return cfx_poison(p, t->span);
	}
	if (s)
		return cfx_sym(p, s, t->span);
	if (str_is(t->text, "__func__") || str_is(t->text, "__FUNCTION__"))
		return cfx_string(p, p->fn ? p->fn->name : STR(""), t->span);
	e = name_constant(p, t->text, t->span);
	if (e)
		return e;
	if (isa_helper_named(t->text) && str_starts(t->text, "bpf_")) {
		cfp_not_yet(p, t->span, "helper '" STR_FMT "' used as a value", STR_ARG(t->text));
		return cfx_poison(p, t->span);
	}
	name_unknown(p, t->text, t->span, false);
	return cfx_poison(p, t->span);
}

/* ({ … }): GNU's statement expression */
static struct cf_expr *statement_expression(struct parser *p, struct span from)
{
	bool outer = p->in_value_block;
	u16 tree = cfx_tree_begin(p);
	struct cf_stmt *body, *last;
	struct cf_expr *e;

	if (!p->fn) {
		cfp_fail(p, from, E_SYNTAX, "({ … }) outside of a function");
		return cfx_poison(p, from);
	}
	p->in_value_block = true;
	body = cfp_block(p, true);
	p->in_value_block = outer;
	cfp_expect(p, ')', "behind '({ … }'");
	for (last = body->body; last && last->next; last = last->next)
		;
	while (last && last->kind == ST_LABEL)
		last = last->body;
	e = cfx_new(p, EX_STMT, ty_basic(p->t, TY_B_VOID), span_to_here(p, from), NULL, NULL);
	if (last && last->kind == ST_EXPR)
		e->type = last->e->type;
	e->body = body;
	return cfx_tree_end(p, e, tree);
}

/* _Generic ( assignment-expression , type : expression , … ) (C11 6.5.1.1) */
static struct cf_expr *generic(struct parser *p)
{
	struct span at = p->tok->span;
	struct cf_expr *control, *chosen = NULL, *fallback = NULL, *e;

	cfp_next(p);
	if (!cfp_expect(p, '(', "behind _Generic"))
		return cfx_poison(p, at);
	p->unevaluated++;
	control = cfx_value(p, cfp_assignment(p));
	p->unevaluated--;
	while (cfp_accept(p, ',')) {
		bool is_default = cfp_accept_keyword(p, K_DEFAULT), matches;
		const struct type *ty = is_default ? NULL : cfp_type_name(p);

		matches = ty && ty_same(ty, control->type) && ty_strip(ty)->quals == 0;
		cfp_expect(p, ':', "in _Generic");
		p->unevaluated++;
		e = cfp_assignment(p);
		p->unevaluated--;
		if (matches && !chosen)
			chosen = e;
		if (is_default)
			fallback = e;
	}
	cfp_expect(p, ')', "behind _Generic");
	if (chosen || fallback)
		return chosen ? chosen : fallback;
	if (!is_poison(p, control))
		cfp_error(p, span_to_here(p, at), E_TYPE, "_Generic has no case for '%s'",
			  cfp_text(p, control->type));
	return cfx_poison(p, at);
}

static struct cf_expr *parenthesized(struct parser *p)
{
	struct span from = p->tok->span;
	struct cf_expr *e;

	cfp_next(p);
	if (at_punct(p, '{'))
		return statement_expression(p, from);
	e = cfp_expression(p);
	cfp_expect(p, ')', "behind this expression");
	if (e->kind != EX_STRING) {
		e = arena_dup(p->a, e, sizeof(*e));
		e->span = span_to_here(p, from);
	}
	return e;
}

static struct cf_expr *primary(struct parser *p)
{
	const struct token *next = cfp_peek(p, 1);

	switch (p->tok->kind) {
	case TOK_NUMBER: return number(p);
	case TOK_CHAR: return character(p);
	case TOK_STRING: return string(p);
	case TOK_IDENT:
		if (at_keyword(p, K_GENERIC))
			return generic(p);
		if (p->tok->keyword)
			break;
		if (next->kind == TOK_PUNCT && next->punct == '(')
			return cfp_call(p);
		return identifier(p);
	case TOK_PUNCT:
		if (at_punct(p, '('))
			return parenthesized(p);
		if (at_punct(p, P_ANDAND)) {
			cfp_fail(p, p->tok->span, E_NOT_YET,
				 "the address of a label is not compiled yet");
			return cfx_poison(p, p->tok->span);
		}
		break;
	default: break;
	}
	cfp_expected(p, "an expression");
	return cfx_poison(p, p->tok->span);
}

/* ---- postfix expressions (C11 6.5.2) -------------------------------------------------------------- */

void cfp_arguments(struct parser *p, expr_list *out)
{
	if (cfp_accept(p, ')'))
		return;
	if (!cfp_enter(p))
		return;
	do {
		*vec_push(p->a, out) = cfp_assignment(p);
	} while (cfp_accept(p, ','));
	cfp_leave(p);
	cfp_expect(p, ')', "behind the arguments");
}

static struct cf_expr *subscript(struct parser *p, struct cf_expr *e)
{
	struct cf_expr *i;
	struct span at;

	cfp_next(p);
	i = cfp_expression(p);
	cfp_expect(p, ']', "behind the index");
	at = span_to_here(p, e->span);
	e = cfx_binary(p, '+', e, i, at);
	return is_poison(p, e) ? e : cfx_deref(p, e, at);
}

static struct cf_expr *member(struct parser *p, struct cf_expr *e)
{
	bool is_arrow = at_punct(p, P_ARROW);
	struct cf_expr *r;

	if (!is_arrow && e->kind == EX_SYM && e->sym->kind == SYM_MAP) {
		r = cfp_map_method(p, e);
		if (r)
			return r;
	}
	cfp_next(p);
	if (!at_name(p)) {
		cfp_expected(p, "the name of a member");
		return cfx_poison(p, e->span);
	}
	if (!is_poison(p, e) && is_arrow && ty_is_aggregate(e->type)) {
		if (cfp_error(p, p->tok->span, E_MEMBER, "'%s' is no pointer",
			      cfp_text(p, e->type)))
			diag_hint(p->dx, "write '.' instead of '->'");
		e = cfx_poison(p, e->span);
	} else if (!is_poison(p, e) && !is_arrow && ty_is_ptr(e->type) &&
		   ty_is_aggregate(ty_strip(e->type)->to)) {
		if (cfp_error(p, p->tok->span, E_MEMBER, "'%s' is a pointer", cfp_text(p, e->type)))
			diag_hint(p->dx, "write '->' instead of '.'");
		e = cfx_poison(p, e->span);
	} else if (is_arrow && !is_poison(p, e) && !ty_is_ptr(e->type) &&
		   ty_strip(e->type)->kind != TY_ARRAY) {
		cfp_error(p, p->tok->span, E_MEMBER,
			  "'->' wants a pointer to a struct, this is '%s'", cfp_text(p, e->type));
		e = cfx_poison(p, e->span);
	} else if (is_arrow) {
		e = cfx_deref(p, e, e->span);
	}
	e = cfx_member(p, e, p->tok->text, p->tok->span);
	cfp_next(p);
	return e;
}

static struct cf_expr *postfix(struct parser *p, struct cf_expr *e)
{
	for (;;) {
		if (at_punct(p, '[')) {
			e = subscript(p, e);
		} else if (at_punct(p, '(')) {
			e = cfp_call_value(p, e);
		} else if (at_punct(p, '.') || at_punct(p, P_ARROW)) {
			e = member(p, e);
		} else if (at_punct(p, P_INC) || at_punct(p, P_DEC)) {
			u32 op = p->tok->punct;

			cfp_next(p);
			e = cfx_incdec(p, op, e, true, span_to_here(p, e->span));
		} else {
			return e;
		}
	}
}

/* ( type-name ) { initializer-list } (C11 6.5.2.5), behind the `)` */
static struct cf_expr *compound_literal(struct parser *p, const struct type *ty, struct span from)
{
	u16 tree = cfx_tree_begin(p);
	struct cf_init *init = cfp_initializer(p, &ty);
	struct cf_expr *e;

	ty = name_need_complete(p, ty, from);
	if (!ty || ty == p->u->poison)
		return cfx_poison(p, from);
	e = cfx_new(p, EX_COMPOUND, ty, span_to_here(p, from), NULL, NULL);
	e->init = init;
	e->is_lvalue = true;
	return cfx_tree_end(p, e, tree);
}

/* ---- unary expressions (C11 6.5.3) ----------------------------------------------------------------- */

static bool opens_type(struct parser *p, enum name_place place)
{
	return at_punct(p, '(') && name_begins_type(p, 1, place);
}

static struct cf_expr *size_of_type(struct parser *p, const struct type *ty, bool is_align,
				    struct span at)
{
	const struct type *s = ty_strip(ty);

	if (ty == p->u->poison)
		return cfx_poison(p, at);
	if (s->kind == TY_VOID || s->kind == TY_FUNC)
		return cfx_const(p, ty_basic(p->t, TY_B_ULONG), 1, at);
	ty = name_need_complete(p, ty, at);
	if (!ty)
		return cfx_poison(p, at);
	s = ty_strip(ty);
	if (s->kind == TY_ARRAY && s->count == TY_UNSIZED && !is_align) {
		cfp_error(p, at, E_INCOMPLETE, "an array without a size has none to tell");
		return cfx_poison(p, at);
	}
	return cfx_const(p, ty_basic(p->t, TY_B_ULONG), is_align ? s->align : (s64)s->size, at);
}

/* sizeof unary-expression | sizeof ( type-name ) | _Alignof ( type-name ) */
static struct cf_expr *size_of(struct parser *p)
{
	bool is_align = at_keyword(p, K_ALIGNOF);
	struct span at = p->tok->span;
	const struct type *ty;
	struct cf_expr *e;

	cfp_next(p);
	p->unevaluated++;
	if (opens_type(p, IN_OPERAND)) {
		cfp_next(p);
		ty = cfp_type_name(p);
		cfp_expect(p, ')', "behind the type");
		if (at_punct(p, '{'))
			ty = postfix(p, compound_literal(p, ty, at))->type;
	} else {
		const struct token *start = p->tok;

		e = cfp_unary_expression(p);
		if (e->kind == EX_MEMBER && e->bits)
			cfp_error(p, start->span, E_TYPE, "a bit-field has no size in bytes");
		ty = e->type;
	}
	p->unevaluated--;
	return size_of_type(p, ty, is_align, span_to_here(p, at));
}

static struct cf_expr *prefix(struct parser *p)
{
	struct span from = p->tok->span;
	u32 op = p->tok->punct;
	struct cf_expr *e;

	cfp_next(p);
	if (op == P_INC || op == P_DEC) {
		e = cfp_unary_expression(p);
		return cfx_incdec(p, op, e, false, span_join(from, e->span));
	}
	e = cfp_cast_expression(p);
	from = span_join(from, e->span);
	switch (op) {
	case '&': return cfx_addr(p, e, from);
	case '*':
		/* *f is f again (C11 6.5.3.2p4). */
		if (ty_strip(e->type)->kind == TY_FUNC)
			return e;
		return cfx_deref(p, e, from);
	default: return cfx_unary(p, op, e, from);
	}
}

struct cf_expr *cfp_unary_expression(struct parser *p)
{
	struct cf_expr *e;

	if (!cfp_enter(p))
		return cfx_poison(p, p->tok->span);
	if (at_keyword(p, K_SIZEOF) || at_keyword(p, K_ALIGNOF)) {
		e = size_of(p);
	} else if (cfp_accept_keyword(p, K_EXTENSION)) {
		e = cfp_cast_expression(p);
	} else if (at_punct(p, P_INC) || at_punct(p, P_DEC) || at_punct(p, '&') ||
		   at_punct(p, '*') || at_punct(p, '+') || at_punct(p, '-') || at_punct(p, '~') ||
		   at_punct(p, '!')) {
		e = prefix(p);
	} else if (opens_type(p, IN_CAST)) {
		/* A compound literal as operand of sizeof, ++ and so on. */
		e = cfp_cast_expression(p);
	} else {
		e = postfix(p, primary(p));
	}
	cfp_leave(p);
	return e;
}

/* cast-expression (C11 6.5.4) */
struct cf_expr *cfp_cast_expression(struct parser *p)
{
	struct span from = p->tok->span;
	const struct type *ty;
	struct cf_expr *e;

	if (!opens_type(p, IN_CAST))
		return cfp_unary_expression(p);
	if (!cfp_enter(p))
		return cfx_poison(p, from);
	cfp_next(p);
	ty = cfp_type_name(p);
	cfp_expect(p, ')', "behind the type");
	if (at_punct(p, '{')) {
		e = postfix(p, compound_literal(p, ty, from));
	} else {
		e = cfp_cast_expression(p);
		e = cfx_cast(p, ty, e, span_join(from, e->span));
	}
	cfp_leave(p);
	return e;
}

/* ---- binary operators (C11 6.5.5 to 6.5.14) ------------------------------------------------------------ */

/* How tightly an operator binds; 0 if the token is none. */
static u32 precedence(const struct parser *p)
{
	if (p->tok->kind != TOK_PUNCT)
		return 0;
	switch (p->tok->punct) {
	case '*':
	case '/':
	case '%': return 10;
	case '+':
	case '-': return 9;
	case P_SHL:
	case P_SHR: return 8;
	case '<':
	case '>':
	case P_LE:
	case P_GE: return 7;
	case P_EQ:
	case P_NE: return 6;
	case '&': return 5;
	case '^': return 4;
	case '|': return 3;
	case P_ANDAND: return 2;
	case P_OROR: return 1;
	default: return 0;
	}
}

static struct cf_expr *binary(struct parser *p, u32 least)
{
	struct cf_expr *e = cfp_cast_expression(p);
	u32 level;

	while ((level = precedence(p)) >= least && level) {
		const struct token *op = p->tok;

		cfp_next(p);
		e = cfx_binary(p, op->punct, e, binary(p, level + 1), op->span);
	}
	return e;
}

/* conditional-expression (C11 6.5.15); the middle may be missing (GNU) */
struct cf_expr *cfp_conditional(struct parser *p)
{
	struct cf_expr *c = binary(p, 1), *a = NULL, *b;

	if (!at_punct(p, '?'))
		return c;
	if (!cfp_enter(p))
		return c;
	cfp_next(p);
	if (!at_punct(p, ':'))
		a = cfp_expression(p);
	if (cfp_expect(p, ':', "in this conditional expression")) {
		b = cfp_conditional(p);
		c = cfx_cond(p, c, a, b);
	}
	cfp_leave(p);
	return c;
}

/* The operator of a compound assignment, 0 for `=`. */
static bool assignment_operator(const struct parser *p, u32 *out_op)
{
	if (p->tok->kind != TOK_PUNCT)
		return false;
	switch (p->tok->punct) {
	case '=': *out_op = 0; return true;
	case P_MUL_EQ: *out_op = '*'; return true;
	case P_DIV_EQ: *out_op = '/'; return true;
	case P_MOD_EQ: *out_op = '%'; return true;
	case P_ADD_EQ: *out_op = '+'; return true;
	case P_SUB_EQ: *out_op = '-'; return true;
	case P_SHL_EQ: *out_op = P_SHL; return true;
	case P_SHR_EQ: *out_op = P_SHR; return true;
	case P_AND_EQ: *out_op = '&'; return true;
	case P_XOR_EQ: *out_op = '^'; return true;
	case P_OR_EQ: *out_op = '|'; return true;
	default: return false;
	}
}

/* assignment-expression (C11 6.5.16) */
struct cf_expr *cfp_assignment(struct parser *p)
{
	struct cf_expr *e = cfp_conditional(p);
	u32 op;

	if (!assignment_operator(p, &op))
		return e;
	if (!cfp_enter(p))
		return e;
	cfp_next(p);
	e = cfx_assign(p, op, e, cfp_assignment(p));
	cfp_leave(p);
	return e;
}

/* expression (C11 6.5.17) */
struct cf_expr *cfp_expression(struct parser *p)
{
	struct cf_expr *e = cfp_assignment(p);

	while (cfp_accept(p, ',')) {
		struct cf_expr *b = cfp_assignment(p);

		if (!ty_is_void(b->type))
			b = cfx_value(p, b);
		if (is_poison(p, e) || is_poison(p, b))
			e = cfx_poison(p, span_join(e->span, b->span));
		else
			e = cfx_new(p, EX_COMMA, b->type, span_join(e->span, b->span),
				    cfx_discard(p, e), b);
	}
	return e;
}

/* constant-expression (C11 6.6) */
bool cfp_constant(struct parser *p, const char *what, s64 *out)
{
	struct cf_expr *e = cfx_value(p, cfp_conditional(p));

	*out = 0;
	if (is_poison(p, e))
		return false;
	if (!ty_is_int(e->type)) {
		cfp_error(p, e->span, E_TYPE, "%s must be an integer, this is '%s'", what,
			  cfp_text(p, e->type));
		return false;
	}
	if (cf_const_value(p->u, e, out))
		return true;
	cfp_error(p, e->span, E_CONST, "%s must be constant", what);
	return false;
}
