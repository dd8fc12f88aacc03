/* parse.c: the parser's driver, its tokens and errors, and external declarations (C11 6.9).
 *
 * Turns the preprocessed tokens of a source into a struct cf_unit: one pass by recursive descent,
 * typed as it reads. This file holds what all of it stands on: moving through the tokens, panic and
 * resynchronising, limits of nesting; and the outermost loop, which tells functions, variables and
 * BCC's macros apart.
 *
 * Panic: after a syntax error the next token is a made-up end of file until cfp_resync(), so that every
 * loop of the parser ends without asking for errors, and no message follows from an earlier one.
 *
 * Left out: old-style (K&R) definitions and nested functions, which nobody writes for BPF.
 */
#include "cfront/kernel.h"

#include <stdio.h>

/* ---- tokens ---------------------------------------------------------------------------------- */

void cfp_next(struct parser *p)
{
	if (at_end(p))
		return;
	p->prev = p->tok;
	p->tok++;
}

const struct token *cfp_peek(const struct parser *p, u32 n)
{
	const struct token *t = p->tok;

	while (n-- && t->kind != TOK_EOF)
		t++;
	return t;
}

bool cfp_accept(struct parser *p, u32 punct)
{
	if (!at_punct(p, punct))
		return false;
	cfp_next(p);
	return true;
}

bool cfp_accept_keyword(struct parser *p, enum tok_keyword k)
{
	if (!at_keyword(p, k))
		return false;
	cfp_next(p);
	return true;
}

/* ---- errors ---------------------------------------------------------------------------------- */

static bool add(struct parser *p, struct span at, enum diag_tag tag, const char *fmt, va_list ap)
{
	str text;

	if (p->panic || p->stopped)
		return false;
	text = str_vprintf(p->a, fmt, ap);
	diag_add(p->dx, at, tag, STR_FMT, STR_ARG(text));
	return true;
}

bool cfp_error(struct parser *p, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	va_list ap;
	bool added;

	va_start(ap, fmt);
	added = add(p, at, tag, fmt, ap);
	va_end(ap);
	return added;
}

bool cfp_not_yet(struct parser *p, struct span at, const char *fmt, ...)
{
	va_list ap;
	str what;

	va_start(ap, fmt);
	what = str_vprintf(p->a, fmt, ap);
	va_end(ap);
	return cfp_error(p, at, E_NOT_YET, STR_FMT " is not compiled yet", STR_ARG(what));
}

static void panic(struct parser *p)
{
	if (p->panic)
		return;
	p->panic = true;
	p->resume = p->tok;
	p->eof = (struct token){ .kind = TOK_EOF, .span = p->tok->span };
	p->tok = &p->eof;
}

bool cfp_fail(struct parser *p, struct span at, enum diag_tag tag, const char *fmt, ...)
{
	va_list ap;
	bool added;

	va_start(ap, fmt);
	added = add(p, at, tag, fmt, ap);
	va_end(ap);
	panic(p);
	return added;
}

/* The place just behind the token before, where something is missing; else the token itself. */
static struct span missing_place(const struct parser *p)
{
	if (p->prev && p->tok->bol && span_known(p->prev->span))
		return (struct span){ p->prev->span.hi - 1, p->prev->span.hi };
	return p->tok->span;
}

static str token_text(const struct parser *p)
{
	return p->tok->text.n > 40 ? str_sub(p->tok->text, 0, 40) : p->tok->text;
}

void cfp_expected(struct parser *p, const char *what)
{
	if (at_end(p))
		cfp_fail(p, missing_place(p), E_SYNTAX, "expected %s, but the source ends here",
			 what);
	else if (p->prev && p->tok->bol)
		cfp_fail(p, missing_place(p), E_SYNTAX, "expected %s", what);
	else
		cfp_fail(p, p->tok->span, E_SYNTAX, "expected %s, not '" STR_FMT "'", what,
			 STR_ARG(token_text(p)));
}

/* A `;` that is missing at the end of a line is taken as written: what follows is whole again. */
static bool forgotten_semicolon(struct parser *p, u32 punct, const char *after)
{
	if (punct != ';' || p->panic || at_end(p) || !p->prev || !p->tok->bol)
		return false;
	return cfp_error(p, missing_place(p), E_SYNTAX, "expected ';' %s", after);
}

bool cfp_expect(struct parser *p, u32 punct, const char *after)
{
	char what[96];

	if (cfp_accept(p, punct) || forgotten_semicolon(p, punct, after))
		return true;
	if (punct < 256)
		snprintf(what, sizeof(what), "'%c' %s", (int)punct, after);
	else
		snprintf(what, sizeof(what), "'%s' %s", lex_punct_text(punct), after);
	cfp_expected(p, what);
	return false;
}

void cfp_skip_balanced(struct parser *p)
{
	u32 depth = 0;

	do {
		if (at_punct(p, '(') || at_punct(p, '[') || at_punct(p, '{'))
			depth++;
		else if (at_punct(p, ')') || at_punct(p, ']') || at_punct(p, '}'))
			depth--;
		cfp_next(p);
	} while (depth && !at_end(p));
}

void cfp_resync(struct parser *p, bool in_block)
{
	if (!p->panic)
		return;
	p->panic = false;
	p->tok = p->resume;
	while (!at_end(p)) {
		if (at_punct(p, '}')) {
			if (in_block)
				return;
			cfp_next(p);
			return;
		}
		if (at_punct(p, '{')) {
			cfp_skip_balanced(p);
			if (!at_punct(p, ';') && !at_punct(p, ',') && !at_punct(p, ')'))
				return;
			continue;
		}
		if (cfp_accept(p, ';'))
			return;
		cfp_next(p);
	}
}

bool cfp_enter(struct parser *p)
{
	if (p->stopped || p->panic)
		return false;
	if (p->depth < NEST_MAX) {
		p->depth++;
		return true;
	}
	cfp_fail(p, p->tok->span, E_TOO_LARGE,
		 "more than %d levels of nesting: the rest of the file is not read", NEST_MAX);
	while (p->resume->kind != TOK_EOF)
		p->resume++;
	p->stopped = true;
	return false;
}

void cfp_leave(struct parser *p)
{
	p->depth--;
}

const char *cfp_text(struct parser *p, const struct type *ty)
{
	struct sbuf b;

	sbuf_init(&b, p->a);
	ty_print(&b, ty);
	return b.s;
}

/* ---- symbols --------------------------------------------------------------------------------- */

struct cf_sym *cfp_sym_new(struct parser *p, enum sym_kind kind, str name, const struct type *ty,
			   struct span span)
{
	struct cf_sym *s = arena_new_of(p->a, struct cf_sym);

	s->kind = kind;
	s->name = name;
	s->type = ty;
	s->span = span;
	return s;
}

void cfp_list(struct parser *p, struct cf_sym *s)
{
	if (p->u->last)
		p->u->last->next = s;
	else
		p->u->first = s;
	p->u->last = s;
}

/* ---- external declarations ---------------------------------------------------------------------- */

/* The function or variable of a declarator: an earlier declaration of it, or a new symbol. */
static struct cf_sym *external_symbol(struct parser *p, enum sym_kind kind,
				      const struct cf_declarator *d)
{
	struct cf_sym *s = name_find_here(p, d->name);

	if (s && s->kind == kind) {
		if (!ty_same(s->type, d->type) && s->type != p->u->poison &&
		    d->type != p->u->poison) {
			if (cfp_error(p, d->span, E_REDECLARED,
				      "'" STR_FMT "' is declared again with another type",
				      STR_ARG(d->name)))
				diag_note(p->dx, s->span, "it was '%s' here", cfp_text(p, s->type));
		}
		return s;
	}
	if (s)
		name_redeclared(p, d->name, d->span, s);
	s = cfp_sym_new(p, kind, d->name, d->type, d->span);
	name_declare(p, s);
	cfp_list(p, s);
	return s;
}

static struct cf_sym *declare_function(struct parser *p, const struct cf_specs *s,
				       const struct cf_declarator *d)
{
	struct cf_sym *f = external_symbol(p, SYM_FUNC, d);

	f->is_static |= s->is_static;
	f->storage = f->is_static ? SS_STATIC : SS_GLOBAL;
	f->is_inline |= s->is_inline;
	f->always_inline |= s->attrs.always_inline || d->attrs.always_inline;
	f->noinline |= s->attrs.noinline || d->attrs.noinline;
	f->is_weak |= s->attrs.is_weak || d->attrs.is_weak;
	if (d->attrs.section.n || s->attrs.section.n)
		f->section = d->attrs.section.n ? d->attrs.section : s->attrs.section;
	return f;
}

static void define_function(struct parser *p, const struct cf_specs *s,
			    const struct cf_declarator *d)
{
	struct cf_sym *f = declare_function(p, s, d);

	if (f->body) {
		name_redeclared(p, d->name, d->span, f);
		f = cfp_sym_new(p, SYM_FUNC, d->name, d->type, d->span);
	}
	f->span = d->span;
	if (d->type != p->u->poison && ty_strip(d->type)->kind == TY_FUNC)
		f->type = d->type;
	f->params.n = 0;
	for (u32 i = 0; i < d->params.n; i++)
		*vec_push(p->a, &f->params) = d->params.at[i];
	if (f->params.n > PARAMS_MAX)
		cfp_error(p, d->span, E_TOO_LARGE, "a function of more than %d parameters",
			  PARAMS_MAX);
	if (ty_strip(f->type)->variadic)
		cfp_not_yet(p, d->span, "a function with a variable number of arguments");
	cfp_function_body(p, f);
}

/* `{ … }` of a function whose symbol is complete. */
void cfp_function_body(struct parser *p, struct cf_sym *s)
{
	cfp_body(p, s);
}

static void check_object_type(struct parser *p, struct cf_sym *s)
{
	const struct type *ty = s->type;

	if (ty == p->u->poison || s->storage == SS_EXTERN)
		return;
	if (ty_strip(ty)->kind == TY_ARRAY && ty_strip(ty)->count == TY_UNSIZED)
		cfp_error(p, s->span, E_INCOMPLETE, "array '" STR_FMT "' has no size",
			  STR_ARG(s->name));
	else
		s->type = name_need_complete(p, ty, s->span);
	if (!s->type)
		s->type = p->u->poison;
}

static void define_variable(struct parser *p, const struct cf_specs *s,
			    const struct cf_declarator *d)
{
	struct cf_sym *v = external_symbol(p, SYM_VAR, d);
	bool has_init = at_punct(p, '=');

	v->section = d->attrs.section.n ? d->attrs.section : s->attrs.section;
	v->align = d->attrs.align > s->attrs.align ? d->attrs.align : s->attrs.align;
	v->is_weak = s->attrs.is_weak || d->attrs.is_weak;
	if (s->is_static)
		v->storage = SS_STATIC;
	else if (!s->is_extern || has_init)
		v->storage = SS_GLOBAL;
	else if (v->storage == SS_AUTO)
		v->storage = SS_EXTERN;
	if (cfp_accept(p, '=')) {
		if (v->init)
			name_redeclared(p, d->name, d->span, v);
		p->is_map = str_is(v->section, ".maps");
		v->init = cfp_initializer(p, &v->type);
		cfp_check_constant_init(p, v->init);
		p->is_map = false;
	}
	check_object_type(p, v);
	if (str_is(v->section, ".kconfig") && v->storage == SS_EXTERN)
		cfp_kconfig(p, v);
	else if (str_is(v->section, ".maps") || str_is(v->section, "maps"))
		cfp_libbpf_map(p, v);
	else if (str_is(v->section, "license"))
		cfp_libbpf_license(p, v);
}

static void define_typedef(struct parser *p, const struct cf_declarator *d)
{
	struct cf_sym *old = name_find_here(p, d->name);
	const struct type *ty = d->type;

	if (old && old->kind == SYM_TYPEDEF && ty_same(old->type, ty))
		return;
	if (old)
		name_redeclared(p, d->name, d->span, old);
	if (ty != p->u->poison)
		ty = ty_typedef_new(p->t, d->name, ty);
	name_declare(p, cfp_sym_new(p, SYM_TYPEDEF, d->name, ty, d->span));
}

/* external-declaration: function-definition | declaration */
static void external_declaration(struct parser *p)
{
	struct cf_specs s;
	struct cf_declarator d;
	bool first = true;

	cfp_specifiers(p, &s);
	if (at_punct(p, ';') && s.defines) {
		cfp_next(p);
		return;
	}
	do {
		cfp_declarator(p, &s, false, &d);
		if (p->panic)
			return;
		if (s.is_typedef) {
			define_typedef(p, &d);
		} else if (d.is_function && first && at_punct(p, '{')) {
			define_function(p, &s, &d);
			return;
		} else if (d.is_function) {
			declare_function(p, &s, &d);
		} else {
			define_variable(p, &s, &d);
		}
		first = false;
	} while (cfp_accept(p, ','));
	cfp_expect(p, ';', "after this declaration");
}

/* `name(…)` where no declaration begins: a macro that nothing defines, or a missing type. */
static void stray_call(struct parser *p)
{
	const struct token *name = p->tok;
	struct nearest near;

	nearest_init(&near, name->text);
	cfp_bcc_near(&near);
	if (cfp_fail(p, name->span, E_SYNTAX,
		     "'" STR_FMT "(' begins neither a declaration nor a map",
		     STR_ARG(name->text))) {
		if (near.best.n)
			diag_hint(p->dx, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
		else
			diag_hint(p->dx, "a function needs its result type: int " STR_FMT "(…)",
				  STR_ARG(name->text));
	}
}

static void external(struct parser *p)
{
	const struct token *after = cfp_peek(p, 1);
	bool is_call = after->kind == TOK_PUNCT && after->punct == '(';

	if (cfp_accept(p, ';'))
		return;
	if (p->tok->kind == TOK_PRAGMA) {
		cfp_pragma(p);
		return;
	}
	if (at_keyword(p, K_STATIC_ASSERT)) {
		cfp_static_assert(p);
		return;
	}
	if (at_keyword(p, K_ASM)) {
		cfp_fail(p, p->tok->span, E_NOT_YET, "inline assembly is not compiled yet");
		return;
	}
	if (at_name(p) && is_call && !name_find(p, p->tok->text)) {
		if (!cfp_bcc_declaration(p))
			stray_call(p);
		return;
	}
	if (p->tok->kind != TOK_IDENT) {
		cfp_expected(p, "a declaration");
		return;
	}
	external_declaration(p);
}

static void translation_unit(struct parser *p)
{
	while (!at_end(p)) {
		const struct token *before = p->tok;

		external(p);
		if (p->panic)
			cfp_resync(p, false);
		if (p->tok == before)
			cfp_next(p);
	}
}

/* What was used must be defined somewhere. */
static void check_externs(struct parser *p)
{
	for (struct cf_sym *s = p->u->first; s; s = s->next)
		if (s->kind == SYM_VAR && s->storage == SS_EXTERN && s->is_used && !cfp_is_ksym(s))
			cfp_not_yet(p, s->span,
				    "'" STR_FMT "', a variable of the kernel or its configuration,",
				    STR_ARG(s->name));
	for (u32 i = 0; i < p->calls.n; i++) {
		const struct cf_edge *e = &p->calls.at[i];

		if (e->to->body || cfp_is_ksym(e->to) ||
		    !cfp_not_yet(p, e->span, "'" STR_FMT "' has no body: a call into the kernel",
				 STR_ARG(e->to->name)))
			continue;
		diag_note(p->dx, e->to->span, "it is declared here");
	}
	for (u32 i = 0; i < p->named.n; i++) {
		const struct cf_edge *e = &p->named.at[i];

		if (!e->to->body)
			cfp_not_yet(p, e->span, "the address of '" STR_FMT "', which has no body,",
				    STR_ARG(e->to->name));
	}
}

struct cf_unit *cf_parse(const struct cf_options *o, struct source *src)
{
	struct cf_unit *u = arena_new_of(o->a, struct cf_unit);
	struct parser p = { .u = u, .a = o->a, .dx = o->dx, .t = o->types };

	u->o = o;
	u->poison = ty_typedef_new(o->types, STR("<error>"), ty_basic(o->types, TY_B_INT));
	pp_run(o, src, &u->pp);
	if (u->pp.tokens.n == 0)
		return u;
	p.tok = u->pp.tokens.at;
	name_push_scope(&p);
	u->file = p.file = p.scope;
	translation_unit(&p);
	check_externs(&p);
	cfp_programs(&p);
	return u;
}
