/* pp_directive: what a line that begins with # does (C11 6.10).
 *
 * pp_raw() calls pp_directive() at such a line; afterwards the lexer stands at the line's end, or,
 * where a condition is false, behind the #else, #elif or #endif that ends the skipped group.
 * Skipped text is not lexed: lex_skip_to_hash() runs from directive to directive.
 *
 * A header whose whole text lies between `#ifndef X` and its #endif is recognised on the way
 * (enum pp_guard), so that including it again costs nothing while X is defined; see pp_include.c.
 *
 * Known beyond C11: #warning, #elifdef, #elifndef, #ident (ignored), line markers (`# 3 "file"`).
 */
#include "cfront/pp.h"

enum directive {
	D_NONE,
	D_DEFINE,
	D_UNDEF,
	D_INCLUDE,
	D_IF,
	D_IFDEF,
	D_IFNDEF,
	D_ELIF,
	D_ELIFDEF,
	D_ELIFNDEF,
	D_ELSE,
	D_ENDIF,
	D_LINE,
	D_ERROR,
	D_WARNING,
	D_PRAGMA,
	D_IDENT,
};
static const char *const names[] = {
	[D_DEFINE] = "define", [D_UNDEF] = "undef",	[D_INCLUDE] = "include",
	[D_IF] = "if",	       [D_IFDEF] = "ifdef",	[D_IFNDEF] = "ifndef",
	[D_ELIF] = "elif",     [D_ELIFDEF] = "elifdef", [D_ELIFNDEF] = "elifndef",
	[D_ELSE] = "else",     [D_ENDIF] = "endif",	[D_LINE] = "line",
	[D_ERROR] = "error",   [D_WARNING] = "warning", [D_PRAGMA] = "pragma",
	[D_IDENT] = "ident",
};

static enum directive which(const struct pp_tok *t)
{
	if (t->kind != TOK_IDENT)
		return D_NONE;
	for (u32 i = 1; i < ARRAY_LEN(names); i++)
		if (str_is(pp_text(t), names[i]))
			return (enum directive)i;
	return D_NONE;
}

/* ---- conditions ------------------------------------------------------------------------------ */

/* The name behind #ifdef and its like. */
static struct pp_name *read_tested_name(struct pp *pp, enum directive d)
{
	const struct pp_tok *t;

	pp_read_line(pp);
	t = pp->line.at;
	if (!pp->line.n || t->kind != TOK_IDENT) {
		diag_add(pp->dx, pp_span(t), E_DIRECTIVE, "#%s needs a name", names[d]);
		return NULL;
	}
	if (pp->line.n > 1) {
		diag_add(pp->dx, pp_span(t + 1), E_DIRECTIVE, "#%s takes one name and no more",
			 names[d]);
		diag_hint(pp->dx, "several are tested with #if defined(A) && defined(B)");
	}
	return t->name;
}

/* Reads the rest of an #if, #ifdef, #elif … and decides. */
static bool decide(struct pp *pp, enum directive d, const struct pp_tok *t)
{
	struct pp_name *name;

	if (d == D_IF || d == D_ELIF)
		return pp_condition(pp, pp_span(t), names[d]);
	name = read_tested_name(pp, d);
	if (!name)
		return false;
	return pp_is_defined(pp, name) == (d == D_IFDEF || d == D_ELIFDEF);
}

/* Is there an #if of this file open? Else tells that directive `t` is alone. */
static struct pp_cond *open_cond(struct pp *pp, const struct pp_tok *t)
{
	if (pp->conds.n > pp->file->n_conds)
		return vec_last(&pp->conds);
	diag_add(pp->dx, pp_span(t), E_DIRECTIVE, "#" STR_FMT " without #if", STR_ARG(pp_text(t)));
	return NULL;
}

/* The guard's own #if got another branch: so it is no include guard. */
static void spoil_guard(struct pp *pp)
{
	if (pp->conds.n == pp->file->n_conds + 1)
		pp->file->guard = PP_GUARD_NONE;
}

static void close_cond(struct pp *pp)
{
	struct pp_file *f = pp->file;

	pp->conds.n--;
	if (pp->conds.n == f->n_conds && f->guard == PP_GUARD_INSIDE)
		f->guard = PP_GUARD_AFTER;
}

static bool check_no_else(struct pp *pp, const struct pp_cond *cond, const struct pp_tok *t)
{
	if (!cond->had_else)
		return true;
	diag_add(pp->dx, pp_span(t), E_DIRECTIVE, "#" STR_FMT " behind #else", STR_ARG(pp_text(t)));
	diag_note(pp->dx, cond->at, "the condition begins here");
	return false;
}

/* #else and #elif… at the end of a skipped group: true if the next group counts. */
static bool take_branch(struct pp *pp, enum directive d, const struct pp_tok *t)
{
	struct pp_cond *cond = vec_last(&pp->conds);
	bool is_right = check_no_else(pp, cond, t);

	spoil_guard(pp);
	if (d == D_ELSE)
		cond->had_else = true;
	if (!is_right || cond->is_taken)
		return false;
	return d == D_ELSE || decide(pp, d, t);
}

/* Skips up to the group that counts, or to the #endif. */
static void skip_group(struct pp *pp)
{
	struct lexer *lx = &pp->file->lx;
	struct pp_tok t;
	u32 depth = 0;

	while (lex_skip_to_hash(lx, &t)) {
		enum directive d;

		lx->in_directive = true;
		lex_next(lx, &t);
		d = which(&t);
		if (d == D_IF || d == D_IFDEF || d == D_IFNDEF) {
			depth++;
		} else if (d == D_ENDIF && depth) {
			depth--;
		} else if (d == D_ENDIF) {
			close_cond(pp);
			return;
		} else if (d >= D_ELIF && d <= D_ELSE && !depth && take_branch(pp, d, &t)) {
			vec_last(&pp->conds)->is_taken = true;
			return;
		}
	}
}

static void begin_if(struct pp *pp, enum directive d, const struct pp_tok *hash,
		     const struct pp_tok *t)
{
	struct pp_file *f = pp->file;
	bool may_guard = f->guard == PP_GUARD_START && d == D_IFNDEF && f->n_conds == pp->conds.n;
	struct pp_cond *cond;
	bool holds;

	if (f->guard != PP_GUARD_INSIDE)
		f->guard = PP_GUARD_NONE;
	holds = decide(pp, d, t);
	if (may_guard && pp->line.n == 1 && pp->line.at->kind == TOK_IDENT) {
		f->guard = PP_GUARD_INSIDE;
		f->guard_name = pp->line.at->name;
	}
	if (pp->conds.n >= PP_MAX_CONDITIONS) {
		pp_stop(pp, pp_span(t), "conditions are nested deeper than 4096", NULL);
		return;
	}
	cond = vec_push(pp->a, &pp->conds);
	cond->at = (struct span){ hash->lo, t->hi };
	cond->is_taken = holds;
	if (!holds)
		skip_group(pp);
}

/* #elif, #else behind a group that was read. */
static void end_group(struct pp *pp, enum directive d, const struct pp_tok *t)
{
	struct pp_cond *cond = open_cond(pp, t);

	if (!cond)
		return;
	check_no_else(pp, cond, t);
	spoil_guard(pp);
	if (d == D_ELSE)
		cond->had_else = true;
	skip_group(pp);
}

void pp_close_conditions(struct pp *pp, struct pp_file *f)
{
	if (pp->conds.n > f->n_conds && !pp->is_stopped)
		diag_add(pp->dx, pp->conds.at[f->n_conds].at, E_DIRECTIVE,
			 "this condition has no #endif in its file");
	pp->conds.n = f->n_conds;
}

/* ---- #line, #error --------------------------------------------------------------------------- */

/* Takes the expanded tokens of the line into pp->line. */
static void expand_line(struct pp *pp)
{
	struct pp_buf *b = pp_take_buf(pp);
	struct pp_tok t;

	for (pp_next(pp, &t); t.kind != TOK_EOF; pp_next(pp, &t))
		*vec_push(pp->a, &b->list) = t;
	pp->line.n = 0;
	for (u32 i = 0; i < b->list.n; i++)
		*vec_push(pp->a, &pp->line) = b->list.at[i];
	pp_give_buf(pp, b);
}

/* `number ["file"]` in pp->line. */
static void set_line(struct pp *pp, const struct pp_tok *hash)
{
	const struct pp_tok *t = pp->line.at;
	u64 line, here = sources_place(pp->o->ss, hash->lo).line;
	struct sbuf name;

	/* Digits are decimal here even behind a 0 (6.10.4p3). */
	line = 0;
	for (u32 i = 0; pp->line.n && i < t->n; i++) {
		u32 d = (u32)(u8)t->s[i] - '0';

		line = d > 9 || line > INT32_MAX ? UINT64_MAX : line * 10 + d;
	}
	if (!pp->line.n || t->kind != TOK_NUMBER || line > INT32_MAX) {
		diag_add(pp->dx, pp->line.n ? pp_span(t) : pp_span(hash), E_DIRECTIVE,
			 "#line needs a line number up to 2147483647");
		return;
	}
	if (pp->line.n > 1 && t[1].kind != TOK_STRING) {
		diag_add(pp->dx, pp_span(t + 1), E_DIRECTIVE,
			 "a file name in quotes may follow the number");
		return;
	}
	pp->file->line_delta = (s64)line - (s64)(here + 1);
	if (pp->line.n == 1)
		return;
	sbuf_init(&name, pp->a);
	lex_decode_string(&name, pp->dx, pp_text(t + 1), pp_span(t + 1), 1);
	pp->file->name = sbuf_str(&name);
}

static void say(struct pp *pp, const struct pp_tok *hash, const struct pp_tok *t, enum diag_tag tag)
{
	str words = lex_rest_of_line(&pp->file->lx);

	diag_add(pp->dx, (struct span){ hash->lo, t->hi }, tag, "%s" STR_FMT,
		 words.n ? "" : "the program says so, without a reason", STR_ARG(words));
}

static void report_unknown(struct pp *pp, const struct pp_tok *t)
{
	struct nearest near;

	nearest_init(&near, pp_text(t));
	for (u32 i = 1; i < ARRAY_LEN(names); i++)
		nearest_offer(&near, str_of(names[i]));
	diag_add(pp->dx, pp_span(t), E_DIRECTIVE, "there is no directive #" STR_FMT,
		 STR_ARG(pp_text(t)));
	if (near.best.n)
		diag_hint(pp->dx, "did you mean #" STR_FMT "?", STR_ARG(near.best));
	else if (str_is(pp_text(t), "include_next") || str_is(pp_text(t), "import"))
		diag_hint(pp->dx, "use #include");
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static bool run(struct pp *pp, enum directive d, struct pp_tok *hash, const struct pp_tok *t)
{
	struct span line = { hash->lo, t->hi };

	switch (d) {
	case D_DEFINE: pp_define(pp); break;
	case D_UNDEF: pp_undef(pp); break;
	case D_INCLUDE: pp_include(pp, pp_span(t)); break;
	case D_IF:
	case D_IFDEF:
	case D_IFNDEF: begin_if(pp, d, hash, t); break;
	case D_ELIF:
	case D_ELIFDEF:
	case D_ELIFNDEF:
	case D_ELSE: end_group(pp, d, t); break;
	case D_ENDIF:
		if (open_cond(pp, t))
			close_cond(pp);
		break;
	case D_LINE:
		expand_line(pp);
		set_line(pp, hash);
		break;
	case D_ERROR: say(pp, hash, t, E_USER_ERROR); break;
	case D_WARNING: say(pp, hash, t, W_USER_WARNING); break;
	case D_PRAGMA: return pp_pragma(pp, line, hash);
	case D_IDENT: break;
	case D_NONE:
		if (t->kind == TOK_NUMBER) {
			pp_unread(pp, t);
			expand_line(pp);
			set_line(pp, hash);
		} else if (t->kind == TOK_IDENT) {
			report_unknown(pp, t);
		} else if (t->kind != TOK_EOF) {
			diag_add(pp->dx, pp_span(t), E_DIRECTIVE,
				 "the name of a directive must follow #");
		}
		break;
	}
	return false;
}

bool pp_directive(struct pp *pp, struct pp_tok *hash)
{
	struct pp_file *f = pp->file;
	bool is_token;
	struct pp_tok t;
	enum directive d;

	f->lx.in_directive = true;
	lex_next(&f->lx, &t);
	d = which(&t);
	if (f->guard != PP_GUARD_INSIDE && d != D_IFNDEF)
		f->guard = PP_GUARD_NONE;
	is_token = run(pp, d, hash, &t);
	/* A group that was skipped has left the lexer behind the directive that ended it. */
	do
		lex_next(&f->lx, &t);
	while (f->lx.in_directive && t.kind != TOK_EOF);
	f->lx.in_directive = false;
	return is_token;
}
