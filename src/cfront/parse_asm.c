/* parse_asm.c: inline assembly (GNU C).
 *
 *	asm volatile [goto] ( "text" : "=r"(output), … : "r"(input), … : "r0", "memory", … : label, … );
 *
 * Known constraints: r and w (a register), i and n (a constant), m (memory), g and X (whatever is best),
 * digits and [names] (the same place as an output), with = + & % before them; of several letters the constant is
 * taken if it is one. The text itself is read when it is lowered, with the operands put in.
 */
#include "cfront/parse.h"

#include <string.h>

/* "=&r" and so on, into the operand's flags. */
static bool constraint(struct parser *p, struct cf_asm *code, struct cf_asm_operand *o, str text,
		       struct span at, bool is_output)
{
	u32 from = 0;

	o->same_as = -1;
	o->is_read = !is_output;
	o->is_written = is_output;
	while (from < text.n && strchr("=+&%", text.s[from])) {
		o->is_read |= text.s[from] == '+';
		from++;
	}
	o->constraint = str_sub(text, from, text.n - from);
	if (is_output && (!text.n || (text.s[0] != '=' && text.s[0] != '+'))) {
		cfp_error(p, at, E_SYNTAX, "the constraint of an output begins with = or +");
		return false;
	}
	for (u32 i = 0; i < o->constraint.n; i++) {
		char c = o->constraint.s[i];

		if (c >= '0' && c <= '9' && !is_output && (u32)(c - '0') < code->n_outputs)
			o->same_as = c - '0';
		else if (c == 'm' && o->constraint.n == 1)
			o->is_memory = true;
		else if (!strchr("rwinIgXmK,", c))
			goto unknown;
	}
	if (o->constraint.n)
		return true;
unknown:
	cfp_error(p, at, E_SYNTAX, "'" STR_FMT "' is no constraint of BPF", STR_ARG(text));
	diag_hint(p->dx, "r is a register, i a constant, m memory, 0 … 9 the place of an output");
	return false;
}

static struct cf_expr *output(struct parser *p, struct cf_expr *e, bool is_memory)
{
	if (is_poison(p, e))
		return e;
	if (!e->is_lvalue || (!is_memory && !ty_is_scalar(e->type))) {
		cfp_error(p, e->span, E_LVALUE, "an output must be a scalar object");
		return cfx_poison(p, e->span);
	}
	if (!is_memory && ty_strip(e->type)->size > 8) {
		cfp_not_yet(p, e->span, "an operand of 128 bits");
		return cfx_poison(p, e->span);
	}
	return e;
}

static struct cf_expr *input(struct parser *p, struct cf_expr *e, const struct cf_asm_operand *o)
{
	if (o->is_memory)
		return output(p, e, true);
	e = cfx_value(p, e);
	if (!is_poison(p, e) && (!ty_is_scalar(e->type) || ty_strip(e->type)->size > 8)) {
		cfp_error(p, e->span, E_TYPE, "an operand must be a scalar of at most 64 bits");
		return cfx_poison(p, e->span);
	}
	return e;
}

/* [name] "constraint" ( expression ) */
static bool operand(struct parser *p, struct cf_asm *code, bool is_output)
{
	struct cf_asm_operand o = { 0 };
	struct span at;
	str text;

	if (cfp_accept(p, '[')) {
		o.name = p->tok->text;
		cfp_next(p);
		cfp_expect(p, ']', "behind the operand's name");
	}
	at = p->tok->span;
	if (p->tok->kind != TOK_STRING) {
		cfp_expected(p, "a constraint in quotes");
		return false;
	}
	text = p->tok->bytes;
	cfp_next(p);
	if (!cfp_expect(p, '(', "behind the constraint"))
		return false;
	o.e = cfp_expression(p);
	cfp_expect(p, ')', "behind the operand");
	if (!constraint(p, code, &o, text, at, is_output))
		return false;
	o.e = is_output ? output(p, o.e, o.is_memory) : input(p, o.e, &o);
	*vec_push(p->a, &code->operands) = o;
	code->n_outputs += is_output;
	return !is_poison(p, o.e);
}

static bool operands(struct parser *p, struct cf_asm *code, bool is_output)
{
	bool ok = true;

	if (at_punct(p, ':') || at_punct(p, ')'))
		return true;
	do {
		ok &= operand(p, code, is_output);
	} while (cfp_accept(p, ','));
	return ok;
}

static void clobbers(struct parser *p, struct cf_asm *code)
{
	while (p->tok->kind == TOK_STRING) {
		str name = p->tok->bytes;

		if (str_is(name, "memory"))
			code->clobbers_memory = true;
		else if (name.n == 2 && (name.s[0] == 'r' || name.s[0] == 'w') &&
			 name.s[1] >= '0' && name.s[1] <= '9')
			code->clobbers |= (u16)(1u << (name.s[1] - '0'));
		else if (!str_is(name, "cc"))
			cfp_error(p, p->tok->span, E_SYNTAX, "'" STR_FMT "' is no register of BPF",
				  STR_ARG(name));
		cfp_next(p);
		if (!cfp_accept(p, ','))
			break;
	}
}

static void labels(struct parser *p, struct cf_asm *code)
{
	while (at_name(p)) {
		struct cf_stmt *s = cfp_stmt_new(p, ST_GOTO, p->tok->span);

		s->label = cfp_label_name(p, p->tok->text);
		*vec_push(p->a, &p->gotos) = (struct cf_goto){ s, p->tok->span };
		*vec_push(p->a, &code->labels) = s;
		cfp_next(p);
		if (!cfp_accept(p, ','))
			break;
	}
}

/* One of the parts behind a colon. `::` is two colons. */
static bool parts(struct parser *p, struct cf_asm *code)
{
	bool ok = true;

	for (u32 part = 0; part < 4 && cfp_accept(p, ':'); part++) {
		if (part < 2)
			ok &= operands(p, code, part == 0);
		else if (part == 2)
			clobbers(p, code);
		else
			labels(p, code);
	}
	return ok;
}

struct cf_stmt *cfp_asm(struct parser *p)
{
	struct cf_stmt *s = cfp_stmt_new(p, ST_ASM, p->tok->span);
	u16 tree = cfx_tree_begin(p);
	bool ok;

	cfp_next(p);
	s->code = arena_new_of(p->a, struct cf_asm);
	while (cfp_accept_keyword(p, K_VOLATILE) || cfp_accept_keyword(p, K_INLINE) ||
	       cfp_accept_keyword(p, K_GOTO))
		;
	if (!cfp_expect(p, '(', "behind 'asm'"))
		return s;
	if (p->tok->kind != TOK_STRING) {
		cfp_expected(p, "the text of the assembly in quotes");
		return s;
	}
	s->code->text = p->tok->bytes;
	cfp_next(p);
	ok = parts(p, s->code);
	cfp_expect(p, ')', "behind the assembly");
	s->span = span_to_here(p, s->span);
	cfp_expect(p, ';', "behind this statement");
	cfx_tree_end(p, cfx_int(p, 0, s->span), tree);
	if (!ok)
		s->kind = ST_EMPTY;
	return s;
}
