/* parse: tokens to the tree of a script.
 *
 * Recursive descent over clauses (probes, predicate, body) and statements; expressions are in
 * parse_expr.c. A mistake is told once; the parser then goes on behind the next `;` or at the `}`
 * of the block, so that several mistakes are found in one go.
 *
 * A script that does not parse is not typed: what follows from a missing piece would bury the
 * cause.
 *
 * What may stand between probes beside them (config, struct, macro, #define …) is skipped whole and
 * told as not compiled yet, as are the statements that this version does not know.
 */
#include "btfront/ast.h"

u32 bt_strlen(const struct bt_unit *u)
{
	return u->o.strlen_max ? u->o.strlen_max : BT_STRLEN;
}

/* ---- tokens --------------------------------------------------------------------------------- */

static str shown(const struct bt_parser *p)
{
	str x = p->tok->text;

	return x.n > 40 ? str_sub(x, 0, 40) : x;
}

void bt_expected(struct bt_parser *p, const char *what)
{
	const struct bt_tok *t = p->tok;
	bool is_noise;

	if (p->is_stuck)
		return;
	p->is_stuck = true;
	/* What is missing at the end mostly follows from an earlier mistake. */
	is_noise = t->kind == T_BAD || (t->kind == T_EOF && p->is_broken);
	p->is_broken = true;
	if (is_noise)
		return;
	if (t->kind == T_EOF)
		diag_add(p->dx, (struct span){ t->span.lo ? t->span.lo - 1 : 0, t->span.hi },
			 E_BT_SYNTAX, "%s is missing at the end of the script", what);
	else if (t->kind == T_STR)
		diag_add(p->dx, t->span, E_BT_SYNTAX, "expected %s, found a string", what);
	else
		diag_add(p->dx, t->span, E_BT_SYNTAX, "expected %s, found '" STR_FMT "'", what,
			 STR_ARG(shown(p)));
}

bool bt_accept(struct bt_parser *p, enum bt_tok_kind k)
{
	if (p->tok->kind != k)
		return false;
	if (k != T_EOF)
		p->tok++;
	return true;
}

bool bt_expect(struct bt_parser *p, enum bt_tok_kind k)
{
	char quoted[16] = "'", *at = quoted + 1;
	const char *name = bt_tok_name(k);

	if (bt_accept(p, k))
		return true;
	if (k < T_SHL_SET) {
		bt_expected(p, name);
		return false;
	}
	while (*name)
		*at++ = *name++;
	*at = '\'';
	bt_expected(p, quoted);
	return false;
}

/* Goes on behind a mistake: behind the `;` or at the `}` that ends this block. */
static void resynchronise(struct bt_parser *p)
{
	u32 open = 0;

	for (; p->tok->kind != T_EOF && p->tok->kind != T_PROBE; p->tok++) {
		if (p->tok->kind == T_LBRACE)
			open++;
		else if (p->tok->kind == T_RBRACE && open-- == 0)
			break;
		else if (p->tok->kind == T_SEMI && !open) {
			p->tok++;
			break;
		}
	}
	p->is_stuck = false;
}

/* ---- statements ------------------------------------------------------------------------------ */

static struct bt_stmt *parse_block(struct bt_parser *p);
static struct bt_stmt *parse_stmt(struct bt_parser *p);

static struct bt_stmt *new_stmt(struct bt_parser *p, enum bt_stmt_kind kind)
{
	struct bt_stmt *s = arena_new_of(p->a, struct bt_stmt);

	s->kind = kind;
	s->span = p->tok->span;
	return s;
}

static struct span to_here(struct bt_parser *p, struct span from)
{
	return span_join(from, p->tok[-1].span);
}

/* A block's own braces end it, no semicolon follows. */
static void end_stmt(struct bt_parser *p)
{
	if (p->tok->kind == T_RBRACE || p->is_stuck)
		return;
	bt_expect(p, T_SEMI);
}

static bool at_word(const struct bt_parser *p, const char *word)
{
	return p->tok->kind == T_IDENT && str_is(p->tok->text, word);
}

static struct bt_stmt *parse_if(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, ST_IF);

	p->tok++;
	s->value = bt_parse_expr(p);
	s->span = to_here(p, s->span);
	if (p->is_stuck)
		return s;
	s->body = parse_block(p);
	if (p->is_stuck || !at_word(p, "else"))
		return s;
	p->tok++;
	if (!at_word(p, "if")) {
		s->other = parse_block(p);
	} else if (bt_deeper(p)) {
		s->other = parse_if(p);
		p->depth--;
	}
	return s;
}

/* `while (…) {}`, `unroll (…) {}`, `for (… : …) {}`: parsed, not compiled yet. */
static struct bt_stmt *parse_loop(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, ST_NOT_YET);
	bool is_for = at_word(p, "for");

	s->what = is_for		? STR("a for loop")
		  : at_word(p, "while") ? STR("a while loop")
					: STR("unroll");
	p->tok++;
	if (is_for) {
		while (p->tok->kind != T_LBRACE && p->tok->kind != T_EOF &&
		       p->tok->kind != T_SEMI && p->tok->kind != T_RBRACE)
			p->tok++;
	} else {
		bt_parse_expr(p);
	}
	s->span = to_here(p, s->span);
	if (!p->is_stuck)
		s->body = parse_block(p);
	return s;
}

static struct bt_stmt *parse_return(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, ST_RETURN);

	p->tok++;
	if (p->tok->kind != T_SEMI && p->tok->kind != T_RBRACE) {
		bt_parse_expr(p);
		s->kind = ST_NOT_YET;
		s->what = STR("return with a value");
		s->span = to_here(p, s->span);
	}
	return s;
}

static struct bt_stmt *parse_jump(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, ST_NOT_YET);

	s->what = at_word(p, "break") ? STR("break") : STR("continue");
	p->tok++;
	return s;
}

static enum bt_tok_kind assignment(enum bt_tok_kind k)
{
	switch (k) {
	case T_SET: return T_SET;
	case T_ADD_SET: return T_ADD;
	case T_SUB_SET: return T_SUB;
	case T_MUL_SET: return T_MUL;
	case T_DIV_SET: return T_DIV;
	case T_MOD_SET: return T_MOD;
	case T_SHL_SET: return T_SHL;
	case T_SHR_SET: return T_SHR;
	case T_AND_SET: return T_AND;
	case T_OR_SET: return T_OR;
	case T_XOR_SET: return T_XOR;
	default: return T_BAD;
	}
}

static struct bt_stmt *parse_simple(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, ST_EXPR);
	struct bt_expr *e = bt_parse_expr(p);
	enum bt_tok_kind op = assignment(p->tok->kind);

	s->value = e;
	s->span = to_here(p, s->span);
	if (p->is_stuck || op == T_BAD)
		return s;
	if (!bt_is_place(e) && e->kind != EX_NOT_YET) {
		diag_add(p->dx, e->span, E_BT_SYNTAX,
			 "only a variable ($x) or a map (@x, @x[key]) can be assigned to");
		p->is_stuck = p->is_broken = true;
		return s;
	}
	p->tok++;
	s->kind = ST_ASSIGN;
	s->op = op;
	s->target = e;
	s->value = bt_parse_expr(p);
	s->span = to_here(p, s->span);
	return s;
}

/* let $x = e; let $x; */
static struct bt_stmt *parse_let(struct bt_parser *p)
{
	p->tok++;
	if (p->tok->kind == T_VAR && p->tok[1].kind == T_SET)
		return parse_simple(p);
	struct bt_stmt *s = new_stmt(p, ST_NOT_YET);

	s->what = STR("let without a value, or with a type");
	bt_expect(p, T_VAR);
	while (!p->is_stuck && p->tok->kind != T_SEMI && p->tok->kind != T_RBRACE &&
	       p->tok->kind != T_EOF)
		p->tok++;
	return s;
}

static struct bt_stmt *parse_word(struct bt_parser *p)
{
	if (at_word(p, "return"))
		return parse_return(p);
	if (at_word(p, "break") || at_word(p, "continue"))
		return parse_jump(p);
	if (at_word(p, "let"))
		return parse_let(p);
	return parse_simple(p);
}

static struct bt_stmt *parse_stmt(struct bt_parser *p)
{
	struct bt_stmt *s;

	if (p->tok->kind == T_LBRACE)
		return parse_block(p);
	if (at_word(p, "if"))
		return parse_if(p);
	if (at_word(p, "while") || at_word(p, "for") || at_word(p, "unroll"))
		return parse_loop(p);
	s = parse_word(p);
	end_stmt(p);
	return s;
}

static struct bt_stmt *parse_block(struct bt_parser *p)
{
	struct bt_stmt *block = new_stmt(p, ST_BLOCK), **tail = &block->body;

	if (!bt_deeper(p))
		return block;
	if (!bt_expect(p, T_LBRACE)) {
		p->depth--;
		return block;
	}
	while (p->tok->kind != T_RBRACE && p->tok->kind != T_EOF && p->tok->kind != T_PROBE) {
		if (bt_accept(p, T_SEMI))
			continue;
		*tail = parse_stmt(p);
		tail = &(*tail)->next;
		if (p->is_stuck)
			resynchronise(p);
	}
	bt_expect(p, T_RBRACE);
	p->depth--;
	return block;
}

/* ---- clauses -------------------------------------------------------------------------------- */

static struct bt_clause *new_clause(struct bt_parser *p)
{
	struct bt_clause *c = arena_new_of(p->a, struct bt_clause);

	c->span = p->tok->span;
	c->first_point = p->u->points.n;
	if (p->u->last)
		p->u->last->next = c;
	else
		p->u->first = c;
	p->u->last = c;
	return c;
}

static void parse_pred(struct bt_parser *p, struct bt_clause *c)
{
	p->in_pred = true;
	c->pred = bt_parse_expr(p);
	p->in_pred = false;
	if (!p->is_stuck && !bt_accept(p, T_DIV))
		bt_expected(p, "'/' at the end of the predicate");
	if (!p->is_stuck)
		return;
	while (p->tok->kind != T_LBRACE && p->tok->kind != T_EOF)
		p->tok++;
	p->is_stuck = p->tok->kind == T_EOF;
}

static void parse_clause(struct bt_parser *p)
{
	struct bt_clause *c = new_clause(p);

	do {
		const struct bt_tok *t = p->tok;

		if (t->kind == T_LBRACE && c->n_points)
			break; /* a comma may stand behind the last one */
		if (!bt_expect(p, T_PROBE))
			return;
		bt_attach(p, c, t);
		c->span = span_join(c->span, t->span);
	} while (bt_accept(p, T_COMMA));
	if (bt_accept(p, T_DIV))
		parse_pred(p, c);
	if (p->tok->kind != T_LBRACE) {
		bt_expected(p, "'{' and the actions of the probe");
		return;
	}
	c->body = parse_block(p);
}

/* ---- what else stands between probes -----------------------------------------------------------
 */

static const char *definition(str word)
{
	if (str_is(word, "config"))
		return "a config block";
	if (str_is(word, "macro"))
		return "a macro";
	if (str_is(word, "fn"))
		return "a function of the script";
	if (str_is(word, "let"))
		return "the declaration of a map";
	if (str_is(word, "import"))
		return "import";
	return "the definition of a C type";
}

static void skip_definition(struct bt_parser *p)
{
	struct span start = p->tok->span;
	const char *what = definition(p->tok->text);
	u32 open = 0;

	for (p->tok++; p->tok->kind != T_EOF && p->tok->kind != T_PROBE; p->tok++) {
		if (p->tok->kind == T_LBRACE)
			open++;
		if ((p->tok->kind == T_RBRACE && (!open || --open == 0)) ||
		    (p->tok->kind == T_SEMI && !open)) {
			p->tok++;
			break;
		}
	}
	diag_add(p->dx, start, E_BT_NOT_YET, "%s is not compiled yet", what);
}

static void parse_top(struct bt_parser *p)
{
	switch (p->tok->kind) {
	case T_SEMI: p->tok++; break;
	case T_DIRECTIVE:
		diag_add(p->dx, p->tok->span, E_BT_NOT_YET,
			 "a line for the C preprocessor is not compiled yet");
		p->tok++;
		break;
	case T_IDENT: skip_definition(p); break;
	case T_PROBE: parse_clause(p); break;
	default:
		bt_expected(p, "a probe such as BEGIN or kprobe:do_exit");
		p->tok++;
		break;
	}
	if (!p->is_stuck)
		return;
	while (p->tok->kind != T_EOF && p->tok->kind != T_PROBE && p->tok->kind != T_IDENT)
		p->tok++;
	p->is_stuck = false;
	p->depth = 0;
}

struct bt_unit *bt_parse(const struct bt_options *o, struct source *src)
{
	struct bt_unit *u;
	struct bt_toks toks = { 0 };
	struct bt_parser p = { .a = o->a, .dx = o->dx };
	u32 before = o->dx->n_errors;

	if (!src)
		return NULL;
	u = arena_new_of(o->a, struct bt_unit);
	u->o = *o;
	u->src = src;
	p.u = u;
	if (!bt_lex(o->a, o->dx, src, &toks))
		return u;
	p.is_broken = o->dx->n_errors > before;
	p.tok = toks.list.at;
	while (p.tok->kind != T_EOF)
		parse_top(&p);
	if (!u->first && o->dx->n_errors == before) {
		diag_add(o->dx, (struct span){ src->base, src->base + 1 }, E_EMPTY,
			 "the script has no probe");
		diag_hint(o->dx,
			  "a probe and what it does look like: BEGIN { printf(\"hello\\n\"); }");
	}
	if (!p.is_broken)
		bt_type_unit(u);
	return u;
}

u32 bt_probe_count(const struct bt_unit *u)
{
	return u->points.n;
}

const struct bt_probe *bt_probe_at(const struct bt_unit *u, u32 i)
{
	return &u->points.at[i].pub;
}
