/* parse: tokens to the tree of a script.
 *
 * Recursive descent over clauses (probes, predicate, body) and statements; expressions are in
 * parse_expr.c. A mistake is told once; the parser then goes on behind the next `;` or at the `}`
 * of the block, so that several mistakes are found in one go.
 *
 * A script that does not parse is not typed: what follows from a missing piece would bury the
 * cause.
 *
 * What may stand between probes beside them: C's directives and types (cpart.c reads them before), macros
 * (macro.c finds them before), config and declarations of maps.
 */
#include "btfront/ast.h"

u32 bt_strlen(const struct bt_unit *u)
{
	return u->o.strlen_max ? u->o.strlen_max : u->config.strlen_max;
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
	if (k <= T_MAP) {
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
	s->body = bt_parse_block(p);
	if (p->is_stuck || !at_word(p, "else"))
		return s;
	p->tok++;
	if (!at_word(p, "if")) {
		s->other = bt_parse_block(p);
	} else if (bt_deeper(p)) {
		s->other = parse_if(p);
		p->depth--;
	}
	return s;
}

static struct bt_stmt *parse_body(struct bt_parser *p)
{
	struct bt_stmt *body;

	p->loops++;
	body = bt_parse_block(p);
	p->loops--;
	return body;
}

/* while (…) {}, unroll (…) {} */
static struct bt_stmt *parse_loop(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, at_word(p, "while") ? ST_WHILE : ST_UNROLL);

	p->tok++;
	s->value = bt_parse_expr(p);
	s->span = to_here(p, s->span);
	if (!p->is_stuck)
		s->body = s->kind == ST_WHILE ? parse_body(p) : bt_parse_block(p);
	return s;
}

/* for ($x : @m) {}, for $i : a..b {} */
static struct bt_stmt *parse_for(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, ST_FOR_MAP);
	bool has_paren;

	p->tok++;
	has_paren = bt_accept(p, T_LPAREN);
	s->target = bt_node(p, EX_VAR, p->tok->span);
	s->target->name = p->tok->text;
	if (!bt_expect(p, T_VAR) || !bt_expect(p, T_COLON))
		return s;
	if (!has_paren)
		p->in_pred = false;
	s->value = bt_parse_expr(p);
	if (!p->is_stuck && bt_accept(p, T_RANGE)) {
		s->kind = ST_FOR_RANGE;
		s->until = bt_parse_expr(p);
	}
	if (has_paren)
		bt_expect(p, T_RPAREN);
	s->span = to_here(p, s->span);
	if (!p->is_stuck && s->kind == ST_FOR_MAP && (s->value->kind != EX_MAP || s->value->a)) {
		diag_add(p->dx, s->value->span, E_BT_SYNTAX,
			 "for goes over a map (for ($kv : @m)) or a range (for ($i : 0..10))");
		p->is_stuck = p->is_broken = true;
	}
	if (!p->is_stuck)
		s->body = parse_body(p);
	return s;
}

static struct bt_stmt *parse_return(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, ST_RETURN);

	p->tok++;
	if (p->tok->kind != T_SEMI && p->tok->kind != T_RBRACE)
		s->value = bt_parse_expr(p);
	s->span = to_here(p, s->span);
	return s;
}

static struct bt_stmt *parse_jump(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, at_word(p, "break") ? ST_BREAK : ST_CONTINUE);

	if (!p->loops) {
		diag_add(p->dx, p->tok->span, E_BT_SYNTAX, "'" STR_FMT "' stands outside of a loop",
			 STR_ARG(p->tok->text));
		p->is_broken = true;
	}
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
	if (op == T_SET && e->kind == EX_NAME && str_is(e->name, "_")) {
		p->tok++;
		s->value = bt_parse_expr(p);
		return s;
	}
	if (!bt_is_place(e) && e->kind != EX_BAD) {
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

/* let $x = e; let $x; let $x : T = e; */
static struct bt_stmt *parse_let(struct bt_parser *p)
{
	struct bt_stmt *s = new_stmt(p, ST_LET), *set;

	p->tok++;
	s->target = bt_node(p, EX_VAR, p->tok->span);
	s->target->name = p->tok->text;
	if (!bt_expect(p, T_VAR))
		return s;
	if (bt_accept(p, T_COLON))
		s->tn = bt_parse_type(p);
	s->span = to_here(p, s->span);
	if (p->is_stuck || !bt_accept(p, T_SET))
		return s;
	set = new_stmt(p, ST_ASSIGN);
	set->op = T_SET;
	set->is_let = true;
	set->target = s->target;
	set->value = bt_parse_expr(p);
	set->span = to_here(p, s->span);
	set->tn = s->tn;
	return set;
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
		return bt_parse_block(p);
	if (at_word(p, "if"))
		return parse_if(p);
	if (at_word(p, "for"))
		return parse_for(p);
	if (at_word(p, "while") || at_word(p, "unroll"))
		return parse_loop(p);
	s = parse_word(p);
	end_stmt(p);
	return s;
}

/* Statements up to the closing brace. The last one may be the block's value, when somebody asks. */
static struct bt_stmt *parse_braces(struct bt_parser *p, struct bt_expr **out_value)
{
	struct bt_stmt *block = new_stmt(p, ST_BLOCK), **tail = &block->body;

	if (!bt_deeper(p))
		return block;
	if (!bt_expect(p, T_LBRACE)) {
		p->depth--;
		return block;
	}
	while (p->tok->kind != T_RBRACE && p->tok->kind != T_EOF && p->tok->kind != T_PROBE) {
		struct bt_stmt *s;

		if (bt_accept(p, T_SEMI))
			continue;
		s = parse_stmt(p);
		if (out_value && s->kind == ST_EXPR && !p->is_stuck && p->tok->kind == T_RBRACE &&
		    p->tok[-1].kind != T_SEMI) {
			*out_value = s->value;
			break;
		}
		*tail = s;
		tail = &(*tail)->next;
		if (p->is_stuck)
			resynchronise(p);
	}
	bt_expect(p, T_RBRACE);
	p->depth--;
	return block;
}

struct bt_stmt *bt_parse_block(struct bt_parser *p)
{
	bool was_pred = p->in_pred;
	struct bt_stmt *s;

	p->in_pred = false;
	s = parse_braces(p, NULL);
	p->in_pred = was_pred;
	return s;
}

struct bt_expr *bt_parse_block_expr(struct bt_parser *p)
{
	struct bt_expr *e = bt_node(p, EX_BLOCK, p->tok->span);
	bool was_pred = p->in_pred;

	p->in_pred = false;
	e->body = parse_braces(p, &e->a);
	e->depth = e->a ? (u16)(e->a->depth + 1) : 1;
	e->span = to_here(p, e->span);
	p->in_pred = was_pred;
	return e;
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

		if (t->kind == T_LBRACE && (c->n_points || c->missing))
			break; /* a comma may stand behind the last one */
		if (!bt_expect(p, T_PROBE))
			return;
		bt_attach(p, c, t);
		c->span = span_join(c->span, t->span);
	} while (bt_accept(p, T_COMMA));
	bt_attach_end(p, c);
	if (bt_accept(p, T_DIV))
		parse_pred(p, c);
	if (p->tok->kind != T_LBRACE) {
		bt_expected(p, "'{' and the actions of the probe");
		return;
	}
	c->body = bt_parse_block(p);
}

/* ---- what else stands between probes ---------------------------------------------------------- */

/* Behind the brace or semicolon that ends it. cfront reads C types; macros were found before. */
static void skip_definition(struct bt_parser *p)
{
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
}

static void not_yet(struct bt_parser *p, const char *what)
{
	diag_add(p->dx, p->tok->span, E_BT_NOT_YET, "%s is not compiled", what);
	skip_definition(p);
}

static const struct {
	const char *name;
	u32 type;
} map_kinds[] = {
	{ "hash", ISA_MAP_HASH },
	{ "lruhash", ISA_MAP_LRU_HASH },
	{ "percpuhash", ISA_MAP_PERCPU_HASH },
	{ "percpulruhash", ISA_MAP_LRU_PERCPU_HASH },
};

/* let @m = lruhash(100); */
static void parse_map_declaration(struct bt_parser *p)
{
	struct bt_map *m;
	u32 i = 0;

	p->tok++;
	m = bt_find_map(p, p->tok);
	if (!bt_expect(p, T_MAP) || !bt_expect(p, T_SET))
		return;
	while (i < ARRAY_LEN(map_kinds) && !at_word(p, map_kinds[i].name))
		i++;
	if (i == ARRAY_LEN(map_kinds)) {
		bt_expected(p, "hash, lruhash, percpuhash or percpulruhash");
		return;
	}
	p->tok++;
	m->is_declared = true;
	m->kind = map_kinds[i].type;
	if (!bt_expect(p, T_LPAREN))
		return;
	m->entries = p->tok->value > UINT32_MAX ? UINT32_MAX : (u32)p->tok->value;
	if (!bt_expect(p, T_INT) || !bt_expect(p, T_RPAREN))
		return;
	if (!m->entries)
		diag_add(p->dx, p->tok[-2].span, E_BT_CALL, "a map has room for at least 1 entry");
	bt_expect(p, T_SEMI);
}

static void parse_word_at_top(struct bt_parser *p)
{
	if (at_word(p, "config"))
		bt_parse_config(p);
	else if (at_word(p, "let"))
		parse_map_declaration(p);
	else if (at_word(p, "fn"))
		not_yet(p, "a function of the script");
	else if (at_word(p, "import"))
		not_yet(p, "import");
	else
		skip_definition(p);
}

static void parse_top(struct bt_parser *p)
{
	switch (p->tok->kind) {
	case T_SEMI:
	case T_DIRECTIVE: p->tok++; break;
	case T_IDENT: parse_word_at_top(p); break;
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
	p->depth = p->loops = 0;
}

static struct bt_unit *new_unit(const struct bt_options *o, struct source *src)
{
	struct bt_unit *u = arena_new_of(o->a, struct bt_unit);

	u->o = *o;
	u->src = src;
	u->config.strlen_max = o->is_old ? BT_STRLEN_OLD : BT_STRLEN;
	u->config.map_entries = BT_MAP_ENTRIES;
	u->config.max_probes = o->is_old ? BT_MAX_POINTS / 2 : BT_MAX_POINTS;
	u->config.stack_mode = STR("bpftrace");
	u->config.is_old = o->is_old;
	return u;
}

struct bt_unit *bt_parse(const struct bt_options *o, struct source *src)
{
	struct bt_unit *u;
	struct bt_toks toks = { 0 };
	struct bt_parser p = { .a = o->a, .dx = o->dx };
	u32 before = o->dx->n_errors;

	if (!src)
		return NULL;
	p.u = u = new_unit(o, src);
	if (!bt_lex(o->a, o->dx, src, &toks))
		return u;
	bt_read_c(u, &toks);
	p.is_broken = o->dx->n_errors > before;
	bt_find_macros(&p, toks.list.at);
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
