/* parse_stmt.c: statements (C11 6.8) and function bodies.
 *
 * Jumps are resolved as they are read: break, continue and case know the statement that they belong to, a
 * goto gets its label when the body ends. In a block, a case label that another label follows stands
 * alone (its body is NULL), so that a long row of labels is a list and not a deep tree.
 *
 * A function of a result type that can end without `return` gets a warning; "can end" is judged by the shape
 * of its statements alone.
 */
#include "cfront/parse.h"

static struct cf_stmt *statement(struct parser *p, bool in_list);
static void local_labels(struct parser *p);

struct cf_stmt *cfp_stmt_new(struct parser *p, enum st_kind kind, struct span span)
{
	struct cf_stmt *s = arena_new_of(p->a, struct cf_stmt);

	s->kind = kind;
	s->span = span;
	return s;
}

/* ---- pragmas --------------------------------------------------------------------------------- */

static str word(str *rest)
{
	u32 n = 0;

	*rest = str_trim(*rest);
	while (n < rest->n && rest->s[n] != ' ' && rest->s[n] != '(' && rest->s[n] != ')' &&
	       rest->s[n] != ',' && rest->s[n] != '\t')
		n++;
	if (n == 0 && rest->n)
		n = 1;
	*rest = (str){ rest->s + n, rest->n - n };
	return (str){ rest->s - n, n };
}

/* unroll, unroll N, unroll(N), nounroll, clang loop unroll(full|disable) / unroll_count(N) */
static void pragma_unroll(struct parser *p, str first, str rest)
{
	u64 n;
	str w = word(&rest);

	if (str_is(w, "("))
		w = word(&rest);
	if (str_is(first, "nounroll") || str_is(w, "disable"))
		p->unroll = 0;
	else if (w.n == 0 || str_is(w, "full") || str_is(w, "enable"))
		p->unroll = -1;
	else if (str_to_u64(w, &n) && n > 0 && n <= 65536)
		p->unroll = (s32)n;
	else
		cfp_error(p, p->tok->span, E_CONST, "'" STR_FMT "' is no number of times to unroll",
			  STR_ARG(w));
}

/* pack(), pack(N), pack(push), pack(push, N), pack(pop) */
static void pragma_pack(struct parser *p, str rest)
{
	u64 n;
	str w = word(&rest);

	if (str_is(w, "("))
		w = word(&rest);
	if (str_is(w, "pop")) {
		p->pack = p->packs.n ? *vec_last(&p->packs) : 0;
		p->packs.n -= p->packs.n != 0;
		return;
	}
	if (str_is(w, "push")) {
		*vec_push(p->a, &p->packs) = p->pack;
		w = word(&rest);
		if (!str_is(w, ","))
			return;
		w = word(&rest);
	}
	if (str_is(w, ")"))
		p->pack = 0;
	else if (str_to_u64(w, &n) && n > 0 && n <= 16)
		p->pack = n >= 8 ? 0 : (u32)n;
	else
		cfp_error(p, p->tok->span, E_CONST, "'" STR_FMT "' is no alignment to pack to",
			  STR_ARG(w));
}

void cfp_pragma(struct parser *p)
{
	str rest = p->tok->text, w = word(&rest);

	if (str_is(w, "#"))
		w = word(&rest);
	if (str_is(w, "#pragma") || str_is(w, "pragma"))
		w = word(&rest);
	if (str_is(w, "clang"))
		w = word(&rest);
	if (str_is(w, "loop") || str_is(w, "GCC"))
		w = word(&rest);
	if (str_is(w, "pack"))
		pragma_pack(p, rest);
	else if (str_is(w, "unroll") || str_is(w, "nounroll") || str_is(w, "unroll_count"))
		pragma_unroll(p, w, rest);
	cfp_next(p);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

/* Appends a list of statements; returns its new end. */
static struct cf_stmt **append(struct cf_stmt **end, struct cf_stmt *s)
{
	*end = s;
	while (*end)
		end = &(*end)->next;
	return end;
}

/* compound-statement (C11 6.8.2) */
struct cf_stmt *cfp_block(struct parser *p, bool new_scope)
{
	struct cf_stmt *block = cfp_stmt_new(p, ST_BLOCK, p->tok->span), **end = &block->body;
	const struct token *open = p->tok;

	if (!cfp_expect(p, '{', "before the statements") || !cfp_enter(p))
		return block;
	if (new_scope)
		name_push_scope(p);
	while (!at_punct(p, '}') && !at_end(p)) {
		const struct token *before = p->tok;

		if (p->tok->kind == TOK_PRAGMA)
			cfp_pragma(p);
		else if (at_name(p) && str_is(p->tok->text, "__label__"))
			local_labels(p);
		else
			end = append(end, statement(p, true));
		if (p->panic)
			cfp_resync(p, true);
		if (p->tok == before && !at_punct(p, '}'))
			cfp_next(p);
	}
	if (new_scope)
		name_pop_scope(p);
	cfp_leave(p);
	if (at_end(p) && !p->panic && !p->stopped) {
		if (cfp_fail(p, p->tok->span, E_SYNTAX, "expected '}', but the source ends here"))
			diag_note(p->dx, open->span, "this '{' is still open");
		return block;
	}
	cfp_accept(p, '}');
	block->span = span_to_here(p, block->span);
	return block;
}

/* ---- labels ---------------------------------------------------------------------------------- */

static bool at_label(const struct parser *p)
{
	const struct token *next = cfp_peek(p, 1);

	if (at_keyword(p, K_CASE) || at_keyword(p, K_DEFAULT))
		return true;
	return at_name(p) && next->kind == TOK_PUNCT && next->punct == ':';
}

/* What a label labels: the next statement; nothing if that is a label of the same list. */
static struct cf_stmt *labelled(struct parser *p, bool in_list)
{
	if (at_punct(p, '}'))
		return cfp_stmt_new(p, ST_EMPTY, p->tok->span);
	if (in_list && (at_label(p) || cfp_begins_declaration(p)))
		return NULL;
	return statement(p, false);
}

/* A label of `__label__` belongs to its block: in the function it has a name of its own. */
str cfp_label_name(const struct parser *p, str name)
{
	for (const struct cf_scope *s = p->scope; s; s = s->up) {
		const str *own = strmap_get(&s->labels, name);

		if (own)
			return *own;
	}
	return name;
}

/* __label__ name, … ; (GNU) */
static void local_labels(struct parser *p)
{
	cfp_next(p);
	do {
		str *own = arena_new_of(p->a, str);

		if (!at_name(p)) {
			cfp_expected(p, "a label");
			return;
		}
		*own = str_printf(p->a, STR_FMT "@%u", STR_ARG(p->tok->text), p->tok->span.lo);
		strmap_put(p->a, &p->scope->labels, p->tok->text, own);
		cfp_next(p);
	} while (cfp_accept(p, ','));
	cfp_expect(p, ';', "behind these labels");
}

static struct cf_stmt *label(struct parser *p, bool in_list)
{
	str name = cfp_label_name(p, p->tok->text);
	struct cf_stmt *s = cfp_stmt_new(p, ST_LABEL, p->tok->span);
	const struct cf_stmt *old = strmap_get(&p->labels, name);
	struct cf_attrs a = { 0 };

	s->label = name;
	if (old) {
		if (cfp_error(p, s->span, E_LABEL, "label '" STR_FMT "' is set twice",
			      STR_ARG(name)))
			diag_note(p->dx, old->span, "the first time here");
	} else {
		strmap_put(p->a, &p->labels, name, s);
	}
	cfp_next(p);
	cfp_next(p);
	cfp_attributes(p, &a);
	s->body = labelled(p, in_list);
	return s;
}

static bool overlap(const struct cf_stmt *a, const struct cf_stmt *b, bool is_signed)
{
	if (is_signed)
		return a->lo <= b->hi && b->lo <= a->hi;
	return (u64)a->lo <= (u64)b->hi && (u64)b->lo <= (u64)a->hi;
}

static void add_case(struct parser *p, struct cf_stmt *s)
{
	struct cf_stmt *sw = p->sw;
	bool is_signed = ty_signed(sw->e->type);

	/* Long rows are generated tables; comparing all pairs of those would take too long. */
	for (u32 i = 0; i < sw->cases.n && i < 1024; i++) {
		const struct cf_stmt *old = sw->cases.at[i];

		if (old->kind != s->kind || (s->kind == ST_CASE && !overlap(old, s, is_signed)))
			continue;
		if (cfp_error(p, s->span, E_LABEL,
			      s->kind == ST_DEFAULT ? "this switch has a default already"
			      : s->lo == s->hi	    ? "this switch has the case %lld already"
					       : "this switch has a case of %lld ... %lld already",
			      (long long)s->lo, (long long)s->hi))
			diag_note(p->dx, old->span, "the first one is here");
		return;
	}
	*vec_push(p->a, &sw->cases) = s;
}

static s64 case_value(struct parser *p)
{
	s64 v;

	if (!cfp_constant(p, "a case", &v))
		return 0;
	return p->sw ? cfx_wrap(p->sw->e->type, v) : v;
}

/* case constant-expression [... constant-expression] : (C11 6.8.1; the range is GNU's) */
static struct cf_stmt *case_label(struct parser *p, bool in_list)
{
	bool is_case = at_keyword(p, K_CASE);
	struct cf_stmt *s = cfp_stmt_new(p, is_case ? ST_CASE : ST_DEFAULT, p->tok->span);
	u32 errors = p->dx->n_errors;

	cfp_next(p);
	if (is_case) {
		s->lo = s->hi = case_value(p);
		if (cfp_accept(p, P_ELLIPSIS))
			s->hi = case_value(p);
		s->span = span_to_here(p, s->span);
	}
	s->target = p->sw;
	if (!p->sw)
		cfp_error(p, s->span, E_LABEL, "'%s' outside of a switch",
			  is_case ? "case" : "default");
	else if (errors == p->dx->n_errors)
		add_case(p, s);
	if (!cfp_expect(p, ':', "behind this label"))
		return s;
	s->body = labelled(p, in_list);
	return s;
}

/* ---- selection and iteration ---------------------------------------------------------------------- */

static struct cf_expr *condition(struct parser *p, const char *after)
{
	struct cf_expr *e;

	if (!cfp_expect(p, '(', after))
		return cfx_poison(p, p->tok->span);
	e = cfx_truth(p, cfp_expression(p));
	cfp_expect(p, ')', "behind the condition");
	return e;
}

static struct cf_stmt *if_statement(struct parser *p)
{
	struct cf_stmt *s = cfp_stmt_new(p, ST_IF, p->tok->span);

	cfp_next(p);
	s->e = condition(p, "behind 'if'");
	s->span = span_to_here(p, s->span);
	s->body = statement(p, false);
	if (cfp_accept_keyword(p, K_ELSE))
		s->other = statement(p, false);
	return s;
}

static struct cf_stmt *switch_statement(struct parser *p)
{
	struct cf_stmt *s = cfp_stmt_new(p, ST_SWITCH, p->tok->span);
	struct cf_stmt *brk = p->brk, *sw = p->sw;

	cfp_next(p);
	if (!cfp_expect(p, '(', "behind 'switch'"))
		return s;
	s->e = cfx_integer(p, cfp_expression(p), "what switch chooses by");
	if (!is_poison(p, s->e) && ty_strip(s->e->type)->size > 8) {
		cfp_not_yet(p, s->e->span, "a switch on 128 bits");
		s->e = cf_convert(p->u, s->e, ty_basic(p->t, TY_B_LONG));
	}
	cfp_expect(p, ')', "behind the value");
	s->span = span_to_here(p, s->span);
	p->brk = p->sw = s;
	s->body = statement(p, false);
	p->brk = brk;
	p->sw = sw;
	return s;
}

static struct cf_stmt *loop_body(struct parser *p, struct cf_stmt *loop)
{
	struct cf_stmt *brk = p->brk, *cont = p->cont, *body;

	p->brk = p->cont = loop;
	body = statement(p, false);
	p->brk = brk;
	p->cont = cont;
	return body;
}

static struct cf_stmt *loop_new(struct parser *p, enum st_kind kind)
{
	struct cf_stmt *s = cfp_stmt_new(p, kind, p->tok->span);

	s->unroll = p->unroll;
	p->unroll = 0;
	cfp_next(p);
	return s;
}

static struct cf_stmt *while_statement(struct parser *p)
{
	struct cf_stmt *s = loop_new(p, ST_WHILE);

	s->e = condition(p, "behind 'while'");
	s->span = span_to_here(p, s->span);
	s->body = loop_body(p, s);
	return s;
}

static struct cf_stmt *do_statement(struct parser *p)
{
	struct cf_stmt *s = loop_new(p, ST_DO);

	s->body = loop_body(p, s);
	if (!cfp_accept_keyword(p, K_WHILE)) {
		cfp_expected(p, "'while' behind the body of this 'do'");
		return s;
	}
	s->e = condition(p, "behind 'while'");
	cfp_expect(p, ';', "behind this statement");
	return s;
}

static struct cf_stmt *expression_statement(struct parser *p)
{
	struct cf_stmt *s = cfp_stmt_new(p, ST_EXPR, p->tok->span);

	s->e = cfp_expression(p);
	s->span = s->e->span;
	return s;
}

/* for ( clause ; expression ; expression ) statement (C11 6.8.5.3) */
static struct cf_stmt *for_statement(struct parser *p)
{
	struct cf_stmt *s = loop_new(p, ST_FOR);

	if (!cfp_expect(p, '(', "behind 'for'"))
		return s;
	name_push_scope(p);
	if (cfp_begins_declaration(p)) {
		s->other = cfp_stmt_new(p, ST_BLOCK, p->tok->span);
		s->other->body = cfp_local_declaration(p);
	} else if (!cfp_accept(p, ';')) {
		s->other = expression_statement(p);
		s->other->e = cfx_discard(p, s->other->e);
		cfp_expect(p, ';', "in 'for'");
	}
	if (!at_punct(p, ';'))
		s->e = cfx_truth(p, cfp_expression(p));
	cfp_expect(p, ';', "in 'for'");
	if (!at_punct(p, ')'))
		s->e2 = cfx_discard(p, cfp_expression(p));
	cfp_expect(p, ')', "behind the head of 'for'");
	s->span = span_to_here(p, s->span);
	s->body = loop_body(p, s);
	name_pop_scope(p);
	return s;
}

/* ---- jumps (C11 6.8.6) ------------------------------------------------------------------------- */

static struct cf_stmt *jump(struct parser *p)
{
	bool is_break = at_keyword(p, K_BREAK);
	struct cf_stmt *s = cfp_stmt_new(p, is_break ? ST_BREAK : ST_CONTINUE, p->tok->span);

	s->target = is_break ? p->brk : p->cont;
	cfp_next(p);
	if (!s->target)
		cfp_error(p, s->span, E_LABEL,
			  is_break ? "'break' outside of a loop or switch"
				   : "'continue' outside of a loop");
	cfp_expect(p, ';', "behind this statement");
	if (!s->target)
		s->kind = ST_EMPTY;
	return s;
}

static struct cf_stmt *goto_statement(struct parser *p)
{
	struct cf_stmt *s = cfp_stmt_new(p, ST_GOTO, p->tok->span);

	cfp_next(p);
	if (at_punct(p, '*')) {
		cfp_fail(p, p->tok->span, E_NOT_YET,
			 "a goto to a computed place is not compiled yet");
		return s;
	}
	if (!at_name(p)) {
		cfp_expected(p, "a label");
		return s;
	}
	s->label = cfp_label_name(p, p->tok->text);
	*vec_push(p->a, &p->gotos) = (struct cf_goto){ s, p->tok->span };
	cfp_next(p);
	cfp_expect(p, ';', "behind this statement");
	return s;
}

static struct cf_stmt *return_statement(struct parser *p)
{
	struct cf_stmt *s = cfp_stmt_new(p, ST_RETURN, p->tok->span);
	struct span at = p->tok->span;

	cfp_next(p);
	if (!at_punct(p, ';')) {
		struct cf_expr *e = cfp_expression(p);

		if (!ty_is_void(p->ret) || p->ret == p->u->poison)
			s->e = cfx_assignable(p, e, p->ret, "the returned value");
		else if (ty_is_void(e->type))
			s->e = e;
		else if (!is_poison(p, e))
			cfp_error(p, e->span, E_TYPE, "function '" STR_FMT "' returns nothing",
				  STR_ARG(p->fn->name));
	} else if (!ty_is_void(p->ret) && p->ret != p->u->poison) {
		cfp_error(p, at, E_TYPE, "function '" STR_FMT "' must return a value of type '%s'",
			  STR_ARG(p->fn->name), cfp_text(p, p->ret));
	}
	s->span = span_to_here(p, s->span);
	cfp_expect(p, ';', "behind this statement");
	return s;
}

/* ---- statements ------------------------------------------------------------------------------ */

static struct cf_stmt *keyword_statement(struct parser *p, bool in_list)
{
	switch (p->tok->keyword) {
	case K_IF: return if_statement(p);
	case K_SWITCH: return switch_statement(p);
	case K_WHILE: return while_statement(p);
	case K_DO: return do_statement(p);
	case K_FOR: return for_statement(p);
	case K_BREAK:
	case K_CONTINUE: return jump(p);
	case K_GOTO: return goto_statement(p);
	case K_RETURN: return return_statement(p);
	case K_CASE:
	case K_DEFAULT: return case_label(p, in_list);
	case K_ASM: return cfp_asm(p);
	case K_ELSE:
		cfp_fail(p, p->tok->span, E_SYNTAX, "'else' without an 'if' before it");
		return NULL;
	default: return NULL;
	}
}

static bool is_statement_keyword(u8 k)
{
	switch (k) {
	case K_IF:
	case K_SWITCH:
	case K_WHILE:
	case K_DO:
	case K_FOR:
	case K_BREAK:
	case K_CONTINUE:
	case K_GOTO:
	case K_RETURN:
	case K_CASE:
	case K_DEFAULT:
	case K_ASM:
	case K_ELSE: return true;
	default: return false;
	}
}

/* __attribute__((fallthrough)); and its like, which belong to no declaration; they are short. */
static bool at_lone_attribute(const struct parser *p)
{
	const struct token *t = p->tok + 1;
	u32 depth = 0;

	if (!at_keyword(p, K_ATTRIBUTE))
		return false;
	for (u32 n = 0; n < 64 && t->kind != TOK_EOF; n++, t++) {
		if (t->kind != TOK_PUNCT)
			continue;
		depth += t->punct == '(';
		if (t->punct == ')' && --depth == 0)
			return t[1].kind == TOK_PUNCT && t[1].punct == ';';
	}
	return false;
}

static struct cf_stmt *simple_statement(struct parser *p, bool in_list)
{
	struct cf_attrs attrs = { 0 };
	struct cf_stmt *s;

	if (at_lone_attribute(p))
		cfp_attributes(p, &attrs);
	if (at_punct(p, '{'))
		return cfp_block(p, true);
	if (at_punct(p, ';')) {
		s = cfp_stmt_new(p, ST_EMPTY, p->tok->span);
		cfp_next(p);
		return s;
	}
	if (at_label(p) && !p->tok->keyword)
		return label(p, in_list);
	if (p->tok->kind == TOK_IDENT && is_statement_keyword(p->tok->keyword))
		return keyword_statement(p, in_list);
	if (cfp_begins_declaration(p)) {
		if (!in_list) {
			cfp_fail(p, p->tok->span, E_SYNTAX,
				 "a declaration is no statement: put it in a block { … }");
			return NULL;
		}
		return cfp_local_declaration(p);
	}
	s = expression_statement(p);
	/* The last expression of ({ … }) is its value, so it stays as written there. */
	if (!(p->in_value_block && at_punct(p, ';') && cfp_peek(p, 1)->kind == TOK_PUNCT &&
	      cfp_peek(p, 1)->punct == '}'))
		s->e = cfx_discard(p, s->e);
	else
		s->e = ty_is_void(s->e->type) ? s->e : cfx_value(p, s->e);
	cfp_expect(p, ';', "behind this statement");
	return s;
}

/* statement (C11 6.8); NULL for a declaration without code */
static struct cf_stmt *statement(struct parser *p, bool in_list)
{
	struct cf_stmt *s;

	if (!cfp_enter(p))
		return NULL;
	while (p->tok->kind == TOK_PRAGMA)
		cfp_pragma(p);
	s = simple_statement(p, in_list);
	cfp_leave(p);
	return s;
}

/* ---- bodies ---------------------------------------------------------------------------------- */

static void resolve_gotos(struct parser *p)
{
	for (u32 i = 0; i < p->gotos.n; i++) {
		const struct cf_goto *g = &p->gotos.at[i];

		g->at->target = strmap_get(&p->labels, g->at->label);
		if (!g->at->target) {
			cfp_error(p, g->span, E_LABEL,
				  "function '" STR_FMT "' has no label '" STR_FMT "'",
				  STR_ARG(p->fn->name),
				  STR_ARG(str_cut(&(str){ g->at->label.s, g->at->label.n }, '@')));
			g->at->kind = ST_EMPTY;
		}
	}
}

static bool falls_through(const struct cf_stmt *s);

static bool list_falls_through(const struct cf_stmt *s)
{
	bool reached = true;

	for (; s; s = s->next) {
		/* Any label may be where control comes in again. */
		if (s->kind == ST_LABEL || s->kind == ST_CASE || s->kind == ST_DEFAULT)
			reached = true;
		if (reached && !falls_through(s))
			reached = false;
	}
	return reached;
}

static bool has_break(const struct cf_stmt *s, const struct cf_stmt *target)
{
	for (; s; s = s->next) {
		if (s->kind == ST_BREAK && s->target == target)
			return true;
		if (s->body && has_break(s->body, target))
			return true;
		if (s->other && has_break(s->other, target))
			return true;
	}
	return false;
}

static bool always(const struct cf_stmt *s)
{
	return !s->e || (s->e->kind == EX_CONST && s->e->value != 0);
}

static bool falls_through(const struct cf_stmt *s)
{
	bool has_default = false;

	switch (s->kind) {
	case ST_RETURN:
	case ST_GOTO:
	case ST_BREAK:
	case ST_CONTINUE: return false;
	case ST_BLOCK: return list_falls_through(s->body);
	case ST_IF:
		return !s->other || !s->body || falls_through(s->body) || falls_through(s->other);
	case ST_LABEL:
	case ST_CASE:
	case ST_DEFAULT: return !s->body || falls_through(s->body);
	case ST_WHILE:
	case ST_FOR:
	case ST_DO: return !always(s) || has_break(s->body, s);
	case ST_SWITCH:
		for (u32 i = 0; i < s->cases.n; i++)
			has_default |= s->cases.at[i]->kind == ST_DEFAULT;
		return !has_default || !s->body || has_break(s->body, s) || falls_through(s->body);
	case ST_EXPR: return !(s->e->kind == EX_BUILTIN && s->e->builtin == BI_UNREACHABLE);
	default: return true;
	}
}

static void declare_params(struct parser *p, struct cf_sym *fn)
{
	for (u32 i = 0; i < fn->params.n; i++) {
		struct cf_sym *param = fn->params.at[i];
		const struct type *ty = param->type;

		if (param->name.n && name_find_here(p, param->name))
			name_redeclared(p, param->name, param->span,
					name_find_here(p, param->name));
		if (ty != p->u->poison && !ty_is_void(ty))
			ty = name_need_complete(p, ty, param->span);
		param->type = ty ? ty : p->u->poison;
		name_declare(p, param);
	}
}

void cfp_body(struct parser *p, struct cf_sym *fn)
{
	u32 errors = p->dx->n_errors;

	p->fn = fn;
	p->ret = ty_strip(fn->type)->kind == TY_FUNC ? ty_strip(fn->type)->to : p->u->poison;
	if (!ty_is_void(p->ret) && p->ret != p->u->poison) {
		p->ret = name_need_complete(p, p->ret, fn->span);
		p->ret = p->ret ? p->ret : p->u->poison;
	}
	p->labels = (struct strmap){ 0 };
	p->gotos.n = 0;
	name_push_scope(p);
	declare_params(p, fn);
	fn->body = cfp_block(p, false);
	name_pop_scope(p);
	resolve_gotos(p);
	if (errors == p->dx->n_errors && !ty_is_void(p->ret) && p->ret != p->u->poison &&
	    falls_through(fn->body)) {
		struct span end = fn->body->span;

		end.lo = end.hi - 1;
		if (cfp_error(p, end, W_NO_RETURN,
			      "function '" STR_FMT "' can end without returning a value",
			      STR_ARG(fn->name)))
			diag_hint(p->dx, "it then returns 0");
	}
	p->fn = NULL;
}
