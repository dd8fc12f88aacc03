/* pp_if: is a condition true? (C11 6.10.1)
 *
 * The line is read through pp_next(), so macros are expanded as it goes; the operands of defined
 * and of __has_include and its family are read raw. Precedence climbing over 64-bit values that
 * know whether they are unsigned (6.10.1p4: intmax_t and uintmax_t). What does not decide the
 * value, behind && || ?:, is parsed but not computed, so `defined X && 1 / X` is safe.
 *
 * A name that is no macro is 0, unless lib/constants knows it as an integer constant of the kernel.
 * After a mistake the condition is false; one mistake is told for each line.
 */
#include "cfront/pp.h"

struct value {
	u64 bits;
	bool is_unsigned;
};

struct cond {
	struct pp *pp;
	struct pp_tok t; /* the token at hand */
	struct span at;	 /* of the directive's name */
	const char *directive;
	u32 depth;
	u32 dead; /* > 0: in an operand that does not count */
	bool is_wrong;
};

static struct value wrong_at(struct cond *c, const struct pp_tok *t, const char *what)
{
	if (!c->is_wrong && !c->pp->is_stopped)
		diag_add(c->pp->dx, t->kind == TOK_EOF ? c->at : pp_span(t), E_DIRECTIVE, "#%s: %s",
			 c->directive, what);
	c->is_wrong = true;
	return (struct value){ 0 };
}

static struct value wrong(struct cond *c, const char *what)
{
	return wrong_at(c, &c->t, what);
}

static void next(struct cond *c)
{
	pp_next(c->pp, &c->t);
}

static struct value number_value(struct cond *c)
{
	struct token t;
	u32 n_errors = c->pp->dx->n_errors;

	lex_convert(&c->t, &t);
	lex_decode(c->pp->a, c->pp->dx, &t);
	if (c->pp->dx->n_errors > n_errors)
		c->is_wrong = true;
	if (t.is_float)
		return wrong(c, "floating-point numbers have no place here");
	next(c);
	/* 6.4.4.1: what does not fit in intmax_t is unsigned. */
	return (struct value){ t.number,
			       t.is_unsigned || (t.kind == TOK_NUMBER && t.number >> 63) };
}

/* ---- defined and its family ------------------------------------------------------------------ */

static struct value defined_value(struct cond *c)
{
	bool has_paren;
	struct value v = { 0 };

	pp_raw(c->pp, &c->t);
	has_paren = pp_is(&c->t, '(');
	if (has_paren)
		pp_raw(c->pp, &c->t);
	if (c->t.kind != TOK_IDENT)
		return wrong(c, "defined needs a name");
	v.bits = pp_is_defined(c->pp, c->t.name);
	if (has_paren) {
		pp_raw(c->pp, &c->t);
		if (!pp_is(&c->t, ')'))
			return wrong(c, "defined( has no ')'");
	}
	next(c);
	return v;
}

/* Behind `__has_include(`: the name of a header, spelled or through macros. */
static bool header_value(struct cond *c)
{
	struct pp *pp = c->pp;
	bool is_angled, is_found;
	struct span at;
	str name;

	if (!pp->ctx && lex_header_name(&pp->file->lx, &name, &is_angled, &at)) {
		is_found = pp_can_include(pp, name, is_angled);
		pp_raw(pp, &c->t);
		return is_found;
	}
	next(c);
	if (c->t.kind != TOK_STRING) {
		wrong(c, "__has_include needs <file> or \"file\"");
		return false;
	}
	name = str_sub(pp_text(&c->t), 1, c->t.n - 2);
	is_found = pp_can_include(pp, name, false);
	pp_raw(pp, &c->t);
	return is_found;
}

static struct value has_value(struct cond *c, u8 special)
{
	struct value v = { 0 };

	pp_raw(c->pp, &c->t);
	if (!pp_is(&c->t, '('))
		return wrong(c, "'(' must follow this name");
	if (special == PP_HAS_INCLUDE) {
		v.bits = header_value(c);
	} else {
		pp_raw(c->pp, &c->t);
		if (c->t.kind != TOK_IDENT)
			return wrong(c, "a name must stand here");
		if (special == PP_HAS_BUILTIN)
			v.bits = cf_has_builtin(pp_text(&c->t));
		else if (special == PP_HAS_ATTRIBUTE)
			v.bits = pp_has_attribute(pp_text(&c->t));
		pp_raw(c->pp, &c->t);
	}
	if (c->is_wrong)
		return v;
	if (!pp_is(&c->t, ')'))
		return wrong(c, "')' is missing");
	next(c);
	return v;
}

static struct value name_value(struct cond *c)
{
	struct pp_name *name = c->t.name;
	const struct cf_constant *k;

	if (name->special == PP_DEFINED)
		return defined_value(c);
	if (name->special >= PP_HAS_INCLUDE)
		return has_value(c, name->special);
	k = name->is_undefined ? NULL : cf_lib_constant(name->text);
	next(c);
	if (pp_is(&c->t, '(') && !k && !c->dead) {
		wrong(c, "this is no macro, so it cannot be called");
		diag_hint(c->pp->dx, "'" STR_FMT "' is not defined", STR_ARG(name->text));
		return (struct value){ 0 };
	}
	return k ? (struct value){ (u64)k->value, k->is_unsigned && k->size == 8 }
		 : (struct value){ 0 };
}

/* ---- operators ------------------------------------------------------------------------------- */

static struct value ternary(struct cond *c);

static struct value unary(struct cond *c)
{
	struct value v;
	u16 op;

	if (c->t.kind == TOK_NUMBER || c->t.kind == TOK_CHAR)
		return number_value(c);
	if (c->t.kind == TOK_IDENT)
		return name_value(c);
	if (c->t.kind == TOK_EOF)
		return wrong(c, "the condition ends where a value should stand");
	if (c->t.kind == TOK_STRING)
		return wrong(c, "strings have no place in a condition");
	op = c->t.punct;
	if (c->t.kind != TOK_PUNCT ||
	    (op != '(' && op != '!' && op != '~' && op != '-' && op != '+'))
		return wrong(c, "a value should stand here");
	if (++c->depth > PP_MAX_DEPTH) {
		pp_stop(c->pp, pp_span(&c->t), "a condition is nested deeper than 200", NULL);
		return wrong(c, "");
	}
	next(c);
	if (op == '(') {
		v = ternary(c);
		if (!pp_is(&c->t, ')'))
			return wrong(c, "')' is missing");
		next(c);
	} else {
		v = unary(c);
	}
	c->depth--;
	switch (op) {
	case '!': return (struct value){ !v.bits, false };
	case '~': v.bits = ~v.bits; break;
	case '-': v.bits = -v.bits; break;
	default: break;
	}
	return v;
}

/* Precedence of a binary operator, from 1 (||); 0: it is none. */
static int rank_of(const struct pp_tok *t)
{
	if (t->kind != TOK_PUNCT)
		return 0;
	switch (t->punct) {
	case P_OROR: return 1;
	case P_ANDAND: return 2;
	case '|': return 3;
	case '^': return 4;
	case '&': return 5;
	case P_EQ:
	case P_NE: return 6;
	case '<':
	case '>':
	case P_LE:
	case P_GE: return 7;
	case P_SHL:
	case P_SHR: return 8;
	case '+':
	case '-': return 9;
	case '*':
	case '/':
	case '%': return 10;
	default: return 0;
	}
}

static bool is_less(struct value a, struct value b, bool is_unsigned)
{
	return is_unsigned ? a.bits < b.bits : (s64)a.bits < (s64)b.bits;
}

static struct value divide(struct cond *c, const struct pp_tok *at, struct value a, struct value b,
			   bool is_unsigned)
{
	struct value v = { 0, is_unsigned };
	u16 op = at->punct;

	if (!b.bits)
		return c->dead ? v : wrong_at(c, at, "division by zero");
	if (is_unsigned)
		v.bits = op == '/' ? a.bits / b.bits : a.bits % b.bits;
	else if ((s64)b.bits == -1)
		v.bits = op == '/' ? -a.bits : 0;
	else
		v.bits = op == '/' ? (u64)((s64)a.bits / (s64)b.bits)
				   : (u64)((s64)a.bits % (s64)b.bits);
	return v;
}

/* The type of a shift is that of its left operand; a count beyond 63 shifts everything out. */
static struct value shift(u16 op, struct value a, struct value b)
{
	bool is_negative = !b.is_unsigned && (s64)b.bits < 0;
	bool is_left = (op == P_SHL) != is_negative;
	u64 n = is_negative ? -b.bits : b.bits;

	if (is_left)
		a.bits = n > 63 ? 0 : a.bits << n;
	else if (a.is_unsigned)
		a.bits = n > 63 ? 0 : a.bits >> n;
	else
		a.bits = (u64)((s64)a.bits >> (n > 63 ? 63 : n));
	return a;
}

static struct value compute(struct cond *c, const struct pp_tok *at, struct value a, struct value b)
{
	bool u = a.is_unsigned || b.is_unsigned;
	u16 op = at->punct;

	switch (op) {
	case '*': return (struct value){ a.bits * b.bits, u };
	case '/':
	case '%': return divide(c, at, a, b, u);
	case '+': return (struct value){ a.bits + b.bits, u };
	case '-': return (struct value){ a.bits - b.bits, u };
	case P_SHL:
	case P_SHR: return shift(op, a, b);
	case '<': return (struct value){ is_less(a, b, u), false };
	case '>': return (struct value){ is_less(b, a, u), false };
	case P_LE: return (struct value){ !is_less(b, a, u), false };
	case P_GE: return (struct value){ !is_less(a, b, u), false };
	case P_EQ: return (struct value){ a.bits == b.bits, false };
	case P_NE: return (struct value){ a.bits != b.bits, false };
	case '&': return (struct value){ a.bits & b.bits, u };
	case '^': return (struct value){ a.bits ^ b.bits, u };
	case '|': return (struct value){ a.bits | b.bits, u };
	case P_ANDAND: return (struct value){ a.bits && b.bits, false };
	default: return (struct value){ a.bits || b.bits, false };
	}
}

static struct value binary(struct cond *c, int min_rank)
{
	struct value a = unary(c), b;
	int rank;

	while ((rank = rank_of(&c->t)) >= min_rank && rank && !c->is_wrong) {
		struct pp_tok op = c->t;
		bool is_dead = (pp_is(&op, P_ANDAND) && !a.bits) || (pp_is(&op, P_OROR) && a.bits);

		c->dead += is_dead;
		next(c);
		b = binary(c, rank + 1);
		a = compute(c, &op, a, b);
		c->dead -= is_dead;
	}
	return a;
}

static struct value ternary(struct cond *c)
{
	struct value test = binary(c, 1), a, b;

	if (!pp_is(&c->t, '?') || c->is_wrong)
		return test;
	if (++c->depth > PP_MAX_DEPTH) {
		pp_stop(c->pp, pp_span(&c->t), "a condition is nested deeper than 200", NULL);
		return wrong(c, "");
	}
	next(c);
	c->dead += !test.bits;
	a = ternary(c);
	c->dead -= !test.bits;
	if (!pp_is(&c->t, ':'))
		return wrong(c, "':' of '?' is missing");
	next(c);
	c->dead += test.bits != 0;
	b = ternary(c);
	c->dead -= test.bits != 0;
	c->depth--;
	a.is_unsigned = b.is_unsigned = a.is_unsigned || b.is_unsigned;
	return test.bits ? a : b;
}

bool pp_condition(struct pp *pp, struct span at, const char *directive)
{
	struct cond c = { .pp = pp, .at = at, .directive = directive };
	struct value v;

	next(&c);
	if (c.t.kind == TOK_EOF) {
		wrong(&c, "there is no condition");
		return false;
	}
	v = ternary(&c);
	if (!c.is_wrong && c.t.kind != TOK_EOF)
		wrong(&c, pp_is(&c.t, '=') ? "'=' does not compare; '==' does"
					   : "an operator should stand here");
	while (c.t.kind != TOK_EOF)
		next(&c);
	return !c.is_wrong && v.bits;
}
