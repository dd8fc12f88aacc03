/* parse_expr: expressions, by precedence climbing.
 *
 * From loose to tight: ?: || && | ^ & == != < > <= >= << >> + - * / % unary and casts, postfix: C's
 * order. `++` and `--` stand on $x, @m, @m[k] alone. In a predicate, `/` in front of `{` is its
 * end.
 *
 * `(name) x` is a cast unless `name` is a builtin. What the language has and skep does not compile
 * yet is parsed all the same and becomes one EX_NOT_YET node, told when it is typed. Trees are at
 * most BT_MAX_DEPTH deep, so that later stages may recurse.
 */
#include "btfront/ast.h"

static struct bt_expr *parse_unary(struct bt_parser *p);

/* ---- nodes ---------------------------------------------------------------------------------- */

static u16 depth_of(const struct bt_expr *e)
{
	return e ? e->depth : 0;
}

static struct bt_expr *node(struct bt_parser *p, enum bt_expr_kind kind, struct span span)
{
	struct bt_expr *e = arena_new_of(p->a, struct bt_expr);

	e->kind = kind;
	e->span = span;
	e->event = OBJ_NONE;
	e->depth = 1;
	return e;
}

static void too_deep(struct bt_parser *p, struct span at)
{
	diag_add(p->dx, at, E_TOO_LARGE, "this is nested more than %u levels deep", BT_MAX_DEPTH);
	p->is_stuck = p->is_broken = true;
}

bool bt_deeper(struct bt_parser *p)
{
	if (p->depth >= BT_MAX_DEPTH) {
		too_deep(p, p->tok->span);
		return false;
	}
	p->depth++;
	return true;
}

/* A node over others; when the tree gets too deep the node is dropped and told. */
static struct bt_expr *over(struct bt_parser *p, enum bt_expr_kind kind, struct bt_expr *a,
			    struct bt_expr *b, struct bt_expr *c)
{
	struct bt_expr *e = node(p, kind, a->span);
	u16 depth = depth_of(a);

	if (depth_of(b) > depth)
		depth = depth_of(b);
	if (depth_of(c) > depth)
		depth = depth_of(c);
	if (b)
		e->span = span_join(e->span, b->span);
	if (c)
		e->span = span_join(e->span, c->span);
	e->a = a;
	e->b = b;
	e->c = c;
	e->depth = depth + 1;
	if (e->depth <= BT_MAX_DEPTH)
		return e;
	if (!p->is_stuck)
		too_deep(p, e->span);
	return node(p, EX_BAD, e->span);
}

static struct bt_expr *not_yet(struct bt_parser *p, struct span span, const char *what)
{
	struct bt_expr *e = node(p, EX_NOT_YET, span);

	e->name = str_of(what);
	return e;
}

static struct bt_expr *bad(struct bt_parser *p)
{
	return node(p, EX_BAD, p->tok->span);
}

static struct span to_here(struct bt_parser *p, struct span from)
{
	return span_join(from, p->tok[-1].span);
}

/* ---- lists ---------------------------------------------------------------------------------- */

/* Expressions up to `close`, which is eaten. */
static void parse_list(struct bt_parser *p, struct bt_expr *e, enum bt_tok_kind close)
{
	vec(struct bt_expr *) list = { 0 };
	u16 depth = 0;

	if (!bt_accept(p, close)) {
		do {
			struct bt_expr *x = bt_parse_expr(p);

			if (x->depth > depth)
				depth = x->depth;
			*vec_push(p->a, &list) = x;
		} while (!p->is_stuck && bt_accept(p, T_COMMA));
		bt_expect(p, close);
	}
	e->args = list.at;
	e->n_args = list.n;
	e->span = to_here(p, e->span);
	e->depth = depth + 1;
}

/* Skips `( … )`; the current token is the opening one. */
static void skip_parens(struct bt_parser *p)
{
	u32 open = 0;

	do {
		if (p->tok->kind == T_LPAREN)
			open++;
		else if (p->tok->kind == T_RPAREN)
			open--;
		else if (p->tok->kind == T_EOF || p->tok->kind == T_SEMI)
			return;
		p->tok++;
	} while (open);
}

/* ---- casts ---------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	u8 bytes;
	bool is_signed;
} int_types[] = {
	{ "int8", 1, true },	  { "int16", 2, true },	    { "int32", 4, true },
	{ "int64", 8, true },	  { "uint8", 1, false },    { "uint16", 2, false },
	{ "uint32", 4, false },	  { "uint64", 8, false },   { "int8_t", 1, true },
	{ "int16_t", 2, true },	  { "int32_t", 4, true },   { "int64_t", 8, true },
	{ "uint8_t", 1, false },  { "uint16_t", 2, false }, { "uint32_t", 4, false },
	{ "uint64_t", 8, false }, { "u8", 1, false },	    { "u16", 2, false },
	{ "u32", 4, false },	  { "u64", 8, false },	    { "s8", 1, true },
	{ "s16", 2, true },	  { "s32", 4, true },	    { "s64", 8, true },
	{ "size_t", 8, false },	  { "ssize_t", 8, true },   { "pid_t", 4, true },
	{ "char", 1, true },	  { "short", 2, true },	    { "int", 4, true },
	{ "long", 8, true },	  { "unsigned", 4, false }, { "void", 0, false },
};

static bool find_int_type(str name, struct bt_type *out)
{
	for (u32 i = 0; i < ARRAY_LEN(int_types); i++) {
		if (!str_is(name, int_types[i].name))
			continue;
		*out = bt_int(int_types[i].bytes, int_types[i].is_signed);
		return true;
	}
	return false;
}

static bool is_tag_word(str x)
{
	return str_is(x, "struct") || str_is(x, "union") || str_is(x, "enum");
}

/* May an expression begin with this, when `(name)` stands before it? */
static bool begins_operand(const struct bt_tok *t)
{
	switch (t->kind) {
	case T_IDENT:
	case T_INT:
	case T_STR:
	case T_VAR:
	case T_PARAM:
	case T_MAP:
	case T_LPAREN:
	case T_NOT:
	case T_TILDE: return true;
	default: return false;
	}
}

/* Is `(` the begin of `(type)`? Behind stars or array brackets it is one for sure. */
static bool is_cast(const struct bt_parser *p)
{
	const struct bt_tok *t = p->tok + 1;
	struct bt_type ty;

	if (t->kind != T_IDENT)
		return false;
	if (is_tag_word(t->text))
		return true;
	if (t[1].kind == T_MUL && (t[2].kind == T_RPAREN || t[2].kind == T_MUL))
		return true;
	if (find_int_type(t->text, &ty))
		return true;
	return t[1].kind == T_RPAREN && begins_operand(t + 2) && !bt_builtin(t->text) &&
	       bt_arg_number(t->text) < 0;
}

/* Several words: `unsigned long`, `long long int`. */
static struct bt_type int_words(struct bt_parser *p, struct bt_type ty)
{
	struct bt_type more;
	bool is_unsigned = str_is(p->tok[-1].text, "unsigned");

	while (p->tok->kind == T_IDENT && find_int_type(p->tok->text, &more)) {
		is_unsigned |= str_is(p->tok->text, "unsigned");
		if (!str_is(p->tok->text, "int") && more.bytes)
			ty.bytes = more.bytes;
		p->tok++;
	}
	ty.is_signed = !is_unsigned && ty.is_signed;
	return ty;
}

/* The type between the parentheses; what is no integer and no pointer is not compiled yet. */
static bool parse_type(struct bt_parser *p, struct bt_type *out)
{
	bool is_tag = is_tag_word(p->tok->text), is_known;
	u32 stars = 0;

	p->tok++;
	if (is_tag) {
		bt_expect(p, T_IDENT);
		is_known = false;
	} else {
		is_known = find_int_type(p->tok[-1].text, out);
		if (is_known)
			*out = int_words(p, *out);
	}
	for (; p->tok->kind == T_MUL; p->tok++)
		stars++;
	if (stars)
		*out = (struct bt_type){ .kind = BT_PTR };
	for (; bt_accept(p, T_LBRACKET); bt_expect(p, T_RBRACKET)) {
		is_known = false;
		stars = 0;
		bt_accept(p, T_INT);
	}
	return stars || (is_known && out->bytes);
}

static struct bt_expr *parse_cast(struct bt_parser *p)
{
	struct span start = p->tok->span;
	struct bt_type to = { 0 };
	struct bt_expr *e, *x;
	bool is_plain;

	p->tok++;
	is_plain = parse_type(p, &to);
	if (!bt_expect(p, T_RPAREN))
		return bad(p);
	x = parse_unary(p);
	e = over(p, EX_CAST, x, NULL, NULL);
	e->span = span_join(start, e->span);
	e->to = to;
	return is_plain || e->kind == EX_BAD
		       ? e
		       : not_yet(p, e->span, "a cast to a type that is no integer and no pointer");
}

/* ---- primary -------------------------------------------------------------------------------- */

/* name = value, … ) */
static struct bt_expr *parse_record(struct bt_parser *p, struct span start)
{
	do {
		bt_expect(p, T_IDENT);
		if (!p->is_stuck && bt_expect(p, T_SET))
			bt_parse_expr(p);
	} while (!p->is_stuck && bt_accept(p, T_COMMA));
	bt_expect(p, T_RPAREN);
	return not_yet(p, to_here(p, start), "a record");
}

/* (a, b), (a,) and (): the current token is behind the first comma or the opening parenthesis. */
static struct bt_expr *parse_tuple(struct bt_parser *p, struct span start)
{
	struct bt_expr list = { 0 };

	parse_list(p, &list, T_RPAREN);
	return not_yet(p, to_here(p, start), "a tuple as a value");
}

/* A parenthesised expression, a tuple or a record. */
static struct bt_expr *parse_inside(struct bt_parser *p, struct span start)
{
	struct bt_expr *e;

	if (p->tok->kind == T_RPAREN)
		return parse_tuple(p, start);
	if (p->tok->kind == T_IDENT && p->tok[1].kind == T_SET)
		return parse_record(p, start);
	e = bt_parse_expr(p);
	if (!p->is_stuck && bt_accept(p, T_COMMA))
		return parse_tuple(p, start);
	bt_expect(p, T_RPAREN);
	e->span = to_here(p, start);
	return e;
}

static struct bt_expr *parse_paren(struct bt_parser *p)
{
	struct span start = p->tok->span;
	bool was_pred = p->in_pred;
	struct bt_expr *e;

	p->tok++;
	p->in_pred = false;
	e = parse_inside(p, start);
	p->in_pred = was_pred;
	return e;
}

static struct bt_expr *parse_name(struct bt_parser *p)
{
	const struct bt_tok *t = p->tok++;
	struct bt_expr *e;

	if (str_is(t->text, "sizeof") || str_is(t->text, "offsetof") || str_is(t->text, "typeof") ||
	    str_is(t->text, "typeinfo")) {
		if (p->tok->kind == T_LPAREN)
			skip_parens(p);
		return not_yet(p, to_here(p, t->span),
			       t->text.s[0] == 's'   ? "sizeof"
			       : t->text.s[0] == 'o' ? "offsetof"
						     : "typeof");
	}
	e = node(p, p->tok->kind == T_LPAREN ? EX_CALL : EX_NAME, t->span);
	e->op_span = t->span;
	e->name = t->text;
	if (bt_accept(p, T_LPAREN)) {
		bool was_pred = p->in_pred;

		p->in_pred = false;
		parse_list(p, e, T_RPAREN);
		p->in_pred = was_pred;
	}
	return e;
}

static struct bt_map *find_map(struct bt_parser *p, const struct bt_tok *t)
{
	struct bt_map *m = strmap_get(&p->u->map_names, t->text);

	if (m)
		return m;
	m = arena_new_of(p->a, struct bt_map);
	m->name = t->text;
	m->span = t->span;
	m->obj = OBJ_NONE;
	*vec_push(p->a, &p->u->maps) = m;
	strmap_put(p->a, &p->u->map_names, t->text, m);
	return m;
}

static struct bt_expr *parse_map(struct bt_parser *p)
{
	struct bt_expr *e = node(p, EX_MAP, p->tok->span);

	e->name = p->tok->text;
	e->op_span = p->tok->span;
	e->map = find_map(p, p->tok++);
	if (bt_accept(p, T_LBRACKET)) {
		bool was_pred = p->in_pred;

		p->in_pred = false;
		if (p->tok->kind == T_RBRACKET)
			bt_expected(p, "a key");
		parse_list(p, e, T_RBRACKET);
		p->in_pred = was_pred;
	}
	return e;
}

static struct bt_expr *leaf(struct bt_parser *p, enum bt_expr_kind kind)
{
	struct bt_expr *e = node(p, kind, p->tok->span);

	e->name = p->tok->text;
	e->value = p->tok->value;
	p->tok++;
	return e;
}

static struct bt_expr *parse_primary(struct bt_parser *p)
{
	switch (p->tok->kind) {
	case T_INT: return leaf(p, EX_INT);
	case T_STR: return leaf(p, EX_STR);
	case T_PARAM: return leaf(p, EX_PARAM);
	case T_VAR: return leaf(p, EX_VAR);
	case T_MAP: return parse_map(p);
	case T_IDENT: return parse_name(p);
	case T_LPAREN: return is_cast(p) ? parse_cast(p) : parse_paren(p);
	case T_BAD: p->is_stuck = true; return bad(p);
	default: bt_expected(p, "an expression"); return bad(p);
	}
}

/* ---- postfix and unary ----------------------------------------------------------------------- */

bool bt_is_place(const struct bt_expr *e)
{
	return e->kind == EX_VAR || e->kind == EX_MAP;
}

static struct bt_expr *incdec(struct bt_parser *p, struct bt_expr *x, enum bt_tok_kind op,
			      struct span op_span, bool is_post)
{
	struct bt_expr *e = over(p, EX_INCDEC, x, NULL, NULL);

	e->op = op;
	e->is_post = is_post;
	e->span = span_join(op_span.lo < e->span.lo ? op_span : e->span,
			    op_span.lo < e->span.lo ? e->span : op_span);
	if (!bt_is_place(x) && x->kind != EX_BAD && x->kind != EX_NOT_YET) {
		diag_add(p->dx, e->span, E_BT_SYNTAX, "%s works on a variable or a map only",
			 bt_tok_name(op));
		p->is_broken = true;
		return node(p, EX_BAD, e->span);
	}
	return e;
}

static struct bt_expr *field(struct bt_parser *p, struct bt_expr *x)
{
	struct bt_expr *e = over(p, EX_FIELD, x, NULL, NULL);

	p->tok++;
	if (p->tok->kind == T_INT) {
		p->tok++;
		return not_yet(p, to_here(p, x->span), "a tuple as a value");
	}
	e->name = p->tok->text;
	e->op_span = p->tok->span;
	if (!bt_expect(p, T_IDENT))
		return bad(p);
	e->span = to_here(p, x->span);
	return e;
}

static struct bt_expr *parse_postfix(struct bt_parser *p)
{
	struct bt_expr *e = parse_primary(p);

	while (!p->is_stuck) {
		if (p->tok->kind == T_DOT || p->tok->kind == T_ARROW) {
			e = field(p, e);
		} else if (p->tok->kind == T_LBRACKET) {
			struct bt_expr list = { 0 };

			p->tok++;
			parse_list(p, &list, T_RBRACKET);
			e = not_yet(p, to_here(p, e->span), "an array's element");
		} else if (p->tok->kind == T_INC || p->tok->kind == T_DEC) {
			p->tok++;
			e = incdec(p, e, p->tok[-1].kind, p->tok[-1].span, true);
		} else {
			break;
		}
	}
	return e;
}

static struct bt_expr *parse_prefix(struct bt_parser *p)
{
	const struct bt_tok *op = p->tok++;
	struct bt_expr *x = parse_unary(p), *e;

	switch (op->kind) {
	case T_INC:
	case T_DEC: return incdec(p, x, op->kind, op->span, false);
	case T_MUL: return not_yet(p, span_join(op->span, x->span), "reading through a pointer");
	case T_AND:
		return not_yet(p, span_join(op->span, x->span), "the address of a variable or map");
	default:
		e = over(p, EX_UNARY, x, NULL, NULL);
		e->op = op->kind;
		e->span = span_join(op->span, x->span);
		return e;
	}
}

static struct bt_expr *parse_unary(struct bt_parser *p)
{
	struct bt_expr *e;

	if (!bt_deeper(p))
		return bad(p);
	switch (p->tok->kind) {
	case T_NOT:
	case T_TILDE:
	case T_SUB:
	case T_MUL:
	case T_AND:
	case T_INC:
	case T_DEC: e = parse_prefix(p); break;
	default: e = parse_postfix(p); break;
	}
	p->depth--;
	return e;
}

/* ---- binary --------------------------------------------------------------------------------- */

static int precedence(const struct bt_parser *p)
{
	switch (p->tok->kind) {
	case T_OROR: return 1;
	case T_ANDAND: return 2;
	case T_OR: return 3;
	case T_XOR: return 4;
	case T_AND: return 5;
	case T_EQ:
	case T_NE: return 6;
	case T_LT:
	case T_GT:
	case T_LE:
	case T_GE: return 7;
	case T_SHL:
	case T_SHR: return 8;
	case T_ADD:
	case T_SUB: return 9;
	case T_DIV: return p->in_pred && p->tok[1].kind == T_LBRACE ? 0 : 10;
	case T_MUL:
	case T_MOD: return 10;
	default: return 0;
	}
}

static struct bt_expr *parse_binary(struct bt_parser *p, int least)
{
	struct bt_expr *e = parse_unary(p);
	int level;

	while (!p->is_stuck && (level = precedence(p)) >= least && level) {
		const struct bt_tok *op = p->tok++;
		struct bt_expr *right = parse_binary(p, level + 1);

		e = over(p, EX_BINARY, e, right, NULL);
		e->op = op->kind;
		e->op_span = op->span;
	}
	return e;
}

struct bt_expr *bt_parse_expr(struct bt_parser *p)
{
	struct bt_expr *e, *yes, *no;

	if (!bt_deeper(p))
		return bad(p);
	e = parse_binary(p, 1);
	if (!p->is_stuck && bt_accept(p, T_QUESTION)) {
		if (p->tok->kind == T_COLON) {
			struct span start = e->span;

			p->tok++;
			bt_parse_expr(p);
			e = not_yet(p, to_here(p, start), "?: without a middle");
		} else {
			yes = bt_parse_expr(p);
			bt_expect(p, T_COLON);
			no = bt_parse_expr(p);
			e = over(p, EX_COND, e, yes, no);
		}
	}
	p->depth--;
	return e;
}
