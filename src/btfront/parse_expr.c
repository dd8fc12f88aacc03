/* parse_expr: expressions, by precedence climbing.
 *
 * From loose to tight: ?: || && | ^ & == != < > <= >= << >> + - * / % unary and casts, postfix: C's
 * order. `++` and `--` stand on $x, @m, @m[k] alone. In a predicate, `/` in front of `{` is its
 * end.
 *
 * `(name) x` is a cast unless `name` is a builtin. What the language has and skep does not compile
 * yet becomes one EX_NOT_YET node, told when it is typed. Trees are at
 * most BT_MAX_DEPTH deep, so that later stages may recurse.
 */
#include "btfront/ast.h"

static struct bt_expr *parse_unary(struct bt_parser *p);

/* ---- nodes ---------------------------------------------------------------------------------- */

static u16 depth_of(const struct bt_expr *e)
{
	return e ? e->depth : 0;
}

struct bt_expr *bt_node(struct bt_parser *p, enum bt_expr_kind kind, struct span span)
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
struct bt_expr *bt_over(struct bt_parser *p, enum bt_expr_kind kind, struct bt_expr *a,
			struct bt_expr *b, struct bt_expr *c)
{
	struct bt_expr *e = bt_node(p, kind, a->span);
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
	return bt_node(p, EX_BAD, e->span);
}

static struct bt_expr *bad(struct bt_parser *p)
{
	return bt_node(p, EX_BAD, p->tok->span);
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

/* ---- types ---------------------------------------------------------------------------------- */

static const char *const plain_types[] = {
	"bool",	    "int8",	"int16",    "int32",	 "int64",      "uint8",	     "uint16",
	"uint32",   "uint64",	"int8_t",   "int16_t",	 "int32_t",    "int64_t",    "uint8_t",
	"uint16_t", "uint32_t", "uint64_t", "u8",	 "u16",	       "u32",	     "u64",
	"s8",	    "s16",	"s32",	    "s64",	 "size_t",     "ssize_t",    "pid_t",
	"char",	    "short",	"int",	    "long",	 "unsigned",   "signed",     "void",
	"string",   "inet",	"buffer",   "uintptr_t", "mac_addr_t", "username_t", "ksym_t",
	"usym_t",   "kstack_t", "ustack_t", "typeof",
};

static bool is_plain_type(str x)
{
	for (u32 i = 0; i < ARRAY_LEN(plain_types); i++)
		if (str_is(x, plain_types[i]))
			return true;
	return false;
}

static bool is_tag_word(str x)
{
	return str_is(x, "struct") || str_is(x, "union") || str_is(x, "enum");
}

/* A word that can only begin a type. */
bool bt_begins_type(const struct bt_tok *t)
{
	if (t->kind != T_IDENT)
		return false;
	if (is_tag_word(t->text))
		return t[1].kind == T_IDENT;
	return is_plain_type(t->text);
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

	if (t->kind != T_IDENT)
		return false;
	if (bt_begins_type(t))
		return true;
	if (t[1].kind == T_MUL && (t[2].kind == T_RPAREN || t[2].kind == T_MUL))
		return true;
	return t[1].kind == T_RPAREN && begins_operand(t + 2) && !bt_builtin(t->text) &&
	       bt_arg_number(t->text) < 0 && !strmap_get(&p->u->macros, t->text);
}

/* Words of C's integers: `unsigned long`, `long long int`; the name is what they come to. */
static str int_words(struct bt_parser *p)
{
	bool is_unsigned = false, is_signed = false;
	u32 longs = 0;
	str base = STR("int");

	for (; p->tok->kind == T_IDENT; p->tok++) {
		str x = p->tok->text;

		if (str_is(x, "unsigned"))
			is_unsigned = true;
		else if (str_is(x, "signed"))
			is_signed = true;
		else if (str_is(x, "long"))
			longs++;
		else if (str_is(x, "char") || str_is(x, "short"))
			base = x;
		else if (!str_is(x, "int"))
			break;
	}
	if (longs)
		base = STR("int64");
	else if (str_is(base, "char") && (is_unsigned || is_signed))
		base = STR("int8");
	else if (str_is(base, "short"))
		base = STR("int16");
	else if (str_is(base, "int"))
		base = STR("int32");
	return is_unsigned ? str_printf(p->a, "u" STR_FMT, STR_ARG(base)) : base;
}

static bool is_int_word(str x)
{
	return str_is(x, "unsigned") || str_is(x, "signed") || str_is(x, "long") ||
	       str_is(x, "short") || str_is(x, "int") || str_is(x, "char");
}

static void parse_typeof(struct bt_parser *p, struct bt_type_name *tn)
{
	p->tok++;
	if (!bt_expect(p, T_LPAREN))
		return;
	if (bt_begins_type(p->tok)) {
		struct bt_type_name *in = bt_parse_type(p);

		if (in)
			*tn = *in;
	} else {
		tn->of = bt_parse_expr(p);
	}
	bt_expect(p, T_RPAREN);
}

static void parse_dims(struct bt_parser *p, struct bt_type_name *tn)
{
	while (!p->is_stuck && p->tok->kind == T_LBRACKET) {
		if (tn->n_dims == ARRAY_LEN(tn->dims)) {
			bt_expected(p, "at most 4 dimensions");
			return;
		}
		p->tok++;
		tn->dims[tn->n_dims] = -1;
		if (p->tok->kind == T_INT)
			tn->dims[tn->n_dims] = (s64)(p->tok++)->value;
		tn->n_dims++;
		bt_expect(p, T_RBRACKET);
	}
}

struct bt_type_name *bt_parse_type(struct bt_parser *p)
{
	struct bt_type_name *tn = arena_new_of(p->a, struct bt_type_name);

	tn->span = p->tok->span;
	if (p->tok->kind != T_IDENT) {
		bt_expected(p, "a type");
		return NULL;
	}
	if (is_tag_word(p->tok->text)) {
		tn->tag = (p->tok++)->text;
		tn->name = p->tok->text;
		bt_expect(p, T_IDENT);
	} else if (str_is(p->tok->text, "typeof")) {
		parse_typeof(p, tn);
	} else if (is_int_word(p->tok->text)) {
		tn->name = int_words(p);
	} else {
		tn->name = (p->tok++)->text;
	}
	for (; p->tok->kind == T_MUL; p->tok++)
		tn->stars++;
	parse_dims(p, tn);
	tn->span = to_here(p, tn->span);
	return p->is_stuck ? NULL : tn;
}

static struct bt_expr *parse_cast(struct bt_parser *p)
{
	struct span start = p->tok->span;
	struct bt_type_name *tn;
	struct bt_expr *e, *x;

	p->tok++;
	tn = bt_parse_type(p);
	if (!bt_expect(p, T_RPAREN) || !tn)
		return bad(p);
	x = parse_unary(p);
	e = bt_over(p, EX_CAST, x, NULL, NULL);
	e->span = span_join(start, e->span);
	e->tn = tn;
	return e;
}

/* sizeof(type), sizeof(expression) */
static struct bt_expr *parse_sizeof(struct bt_parser *p)
{
	struct bt_expr *e = bt_node(p, EX_SIZEOF, p->tok->span);

	p->tok++;
	if (!bt_expect(p, T_LPAREN))
		return bad(p);
	if (bt_begins_type(p->tok))
		e->tn = bt_parse_type(p);
	else
		e->a = bt_parse_expr(p);
	e->depth = (u16)(depth_of(e->a) + 1);
	bt_expect(p, T_RPAREN);
	e->span = to_here(p, e->span);
	return e;
}

/* offsetof(struct x, a.b), offsetof(expression, a) */
static struct bt_expr *parse_offsetof(struct bt_parser *p)
{
	struct bt_expr *e = bt_node(p, EX_OFFSETOF, p->tok->span);
	struct sbuf path;

	p->tok++;
	if (!bt_expect(p, T_LPAREN))
		return bad(p);
	if (bt_begins_type(p->tok))
		e->tn = bt_parse_type(p);
	else
		e->a = bt_parse_expr(p);
	e->depth = (u16)(depth_of(e->a) + 1);
	bt_expect(p, T_COMMA);
	sbuf_init(&path, p->a);
	e->op_span = p->tok->span;
	do {
		sbuf_printf(&path, "%s" STR_FMT, path.n ? "." : "", STR_ARG(p->tok->text));
		bt_expect(p, T_IDENT);
	} while (!p->is_stuck && bt_accept(p, T_DOT));
	e->name = sbuf_str(&path);
	bt_expect(p, T_RPAREN);
	e->span = to_here(p, e->span);
	return e;
}

/* ---- primary -------------------------------------------------------------------------------- */

/* name = value, … ) */
static struct bt_expr *parse_record(struct bt_parser *p, struct span start)
{
	struct bt_expr *e = bt_node(p, EX_TUPLE, start);
	vec(struct bt_expr *) list = { 0 };
	vec(str) names = { 0 };

	do {
		if (p->tok->kind == T_RPAREN)
			break;
		*vec_push(p->a, &names) = p->tok->text;
		bt_expect(p, T_IDENT);
		if (!p->is_stuck && bt_expect(p, T_SET)) {
			struct bt_expr *x = bt_parse_expr(p);

			*vec_push(p->a, &list) = x;
			e->depth = depth_of(x) >= e->depth ? (u16)(depth_of(x) + 1) : e->depth;
		}
	} while (!p->is_stuck && bt_accept(p, T_COMMA));
	bt_expect(p, T_RPAREN);
	e->args = list.at;
	e->n_args = list.n;
	e->names = names.at;
	e->span = to_here(p, start);
	return e;
}

/* (a, b), (a,) and (): the current token is behind the first comma or the opening parenthesis. */
static struct bt_expr *parse_tuple(struct bt_parser *p, struct span start, struct bt_expr *first)
{
	struct bt_expr *e = bt_node(p, EX_TUPLE, start);
	vec(struct bt_expr *) list = { 0 };

	if (first) {
		*vec_push(p->a, &list) = first;
		e->depth = (u16)(depth_of(first) + 1);
	}
	while (!p->is_stuck && p->tok->kind != T_RPAREN) {
		struct bt_expr *x = bt_parse_expr(p);

		*vec_push(p->a, &list) = x;
		e->depth = depth_of(x) >= e->depth ? (u16)(depth_of(x) + 1) : e->depth;
		if (!bt_accept(p, T_COMMA))
			break;
	}
	bt_expect(p, T_RPAREN);
	e->args = list.at;
	e->n_args = list.n;
	e->span = to_here(p, start);
	return e;
}

/* A parenthesised expression, a tuple or a record. */
static struct bt_expr *parse_inside(struct bt_parser *p, struct span start)
{
	struct bt_expr *e;

	if (p->tok->kind == T_RPAREN)
		return parse_tuple(p, start, NULL);
	if (p->tok->kind == T_IDENT && p->tok[1].kind == T_SET)
		return parse_record(p, start);
	e = bt_parse_expr(p);
	if (!p->is_stuck && bt_accept(p, T_COMMA))
		return parse_tuple(p, start, e);
	bt_expect(p, T_RPAREN);
	e->span = to_here(p, start);
	e->is_paren = true;
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

/* if c { a } else { b } as a value. */
static struct bt_expr *parse_if_value(struct bt_parser *p)
{
	struct bt_expr *c, *yes, *no = NULL;

	p->tok++;
	c = bt_parse_expr(p);
	if (p->is_stuck)
		return c;
	yes = bt_parse_block_expr(p);
	if (p->is_stuck)
		return yes;
	if (p->tok->kind != T_IDENT || !str_is(p->tok->text, "else")) {
		bt_expected(p, "'else', since this `if` stands for a value");
		return yes;
	}
	p->tok++;
	if (p->tok->kind == T_IDENT && str_is(p->tok->text, "if")) {
		if (!bt_deeper(p))
			return yes;
		no = parse_if_value(p);
		p->depth--;
	} else {
		no = bt_parse_block_expr(p);
	}
	return bt_over(p, EX_COND, c, yes, no);
}

static struct bt_expr *parse_truth(struct bt_parser *p)
{
	struct bt_expr *e = bt_node(p, EX_INT, p->tok->span);

	e->value = str_is(p->tok->text, "true");
	e->is_bool = true;
	p->tok++;
	return e;
}

static struct bt_expr *parse_name(struct bt_parser *p)
{
	const struct bt_tok *t = p->tok;
	struct bt_expr *e;

	if (str_is(t->text, "sizeof") && t[1].kind == T_LPAREN)
		return parse_sizeof(p);
	if (str_is(t->text, "offsetof") && t[1].kind == T_LPAREN)
		return parse_offsetof(p);
	if (str_is(t->text, "true") || str_is(t->text, "false"))
		return parse_truth(p);
	if (str_is(t->text, "if"))
		return parse_if_value(p);
	e = bt_parse_macro(p);
	if (e)
		return e;
	p->tok++;
	e = bt_node(p, p->tok->kind == T_LPAREN ? EX_CALL : EX_NAME, t->span);
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

struct bt_map *bt_find_map(struct bt_parser *p, const struct bt_tok *t)
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

/* @m[a, b] has one key, the tuple (a, b). */
static void set_key(struct bt_parser *p, struct bt_expr *e)
{
	if (e->n_args == 1) {
		e->a = e->args[0];
	} else if (e->n_args) {
		e->a = bt_node(p, EX_TUPLE,
			       span_join(e->args[0]->span, e->args[e->n_args - 1]->span));
		e->a->args = e->args;
		e->a->n_args = e->n_args;
		e->a->is_key = true;
		e->a->depth = e->depth++;
	}
	e->args = NULL;
	e->n_args = 0;
}

static struct bt_expr *parse_map(struct bt_parser *p)
{
	struct bt_expr *e = bt_node(p, EX_MAP, p->tok->span);

	e->name = p->tok->text;
	e->op_span = p->tok->span;
	e->map = bt_find_map(p, p->tok++);
	if (bt_accept(p, T_LBRACKET)) {
		bool was_pred = p->in_pred;

		p->in_pred = false;
		if (p->tok->kind == T_RBRACKET)
			bt_expected(p, "a key");
		parse_list(p, e, T_RBRACKET);
		p->in_pred = was_pred;
		set_key(p, e);
	}
	return e;
}

static struct bt_expr *leaf(struct bt_parser *p, enum bt_expr_kind kind)
{
	struct bt_expr *e = bt_node(p, kind, p->tok->span);

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
	case T_LBRACE: return bt_parse_block_expr(p);
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
	struct bt_expr *e = bt_over(p, EX_INCDEC, x, NULL, NULL);

	e->op = op;
	e->is_post = is_post;
	e->span = span_join(op_span.lo < e->span.lo ? op_span : e->span,
			    op_span.lo < e->span.lo ? e->span : op_span);
	if (!bt_is_place(x) && x->kind != EX_BAD && x->kind != EX_NOT_YET) {
		diag_add(p->dx, e->span, E_BT_SYNTAX, "%s works on a variable or a map only",
			 bt_tok_name(op));
		p->is_broken = true;
		return bt_node(p, EX_BAD, e->span);
	}
	return e;
}

static struct bt_expr *field(struct bt_parser *p, struct bt_expr *x)
{
	struct bt_expr *e = bt_over(p, EX_FIELD, x, NULL, NULL);

	p->tok++;
	e->name = p->tok->text;
	e->op_span = p->tok->span;
	e->value = p->tok->value;
	e->op = p->tok->kind;
	if (!bt_accept(p, T_INT) && !bt_expect(p, T_IDENT))
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
			struct bt_expr *at;
			bool was_pred = p->in_pred;

			p->tok++;
			p->in_pred = false;
			at = bt_parse_expr(p);
			p->in_pred = was_pred;
			bt_expect(p, T_RBRACKET);
			e = bt_over(p, EX_INDEX, e, at, NULL);
			e->span = to_here(p, e->span);
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
	case T_MUL:
	case T_AND:
		e = bt_over(p, op->kind == T_MUL ? EX_DEREF : EX_ADDR, x, NULL, NULL);
		e->span = span_join(op->span, x->span);
		return e;
	default:
		e = bt_over(p, EX_UNARY, x, NULL, NULL);
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

		e = bt_over(p, EX_BINARY, e, right, NULL);
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
		if (bt_accept(p, T_COLON)) {
			no = bt_parse_expr(p);
			e = bt_over(p, EX_COND, e, NULL, no);
		} else {
			yes = bt_parse_expr(p);
			bt_expect(p, T_COLON);
			no = bt_parse_expr(p);
			e = bt_over(p, EX_COND, e, yes, no);
		}
	}
	p->depth--;
	return e;
}
