/* pp: from a source and what it includes to the tokens of one program (C11 5.1.1.2 phases 4 to 6).
 *
 * Tokens are pulled: pp_run() asks pp_next() (pp_expand.c) for the next one after expansion, that
 * asks pp_raw() here, which reads the expansions on the stack and below them the file at hand,
 * carries out directives on the way and steps back to the including file at a file's end. So a
 * token is lexed, expanded and handed over while it is warm, and no list of a whole file is ever
 * made.
 *
 * The output stage decodes constants, marks keywords, and joins adjacent string literals; a byte
 * that is no token becomes a mistake only here.
 *
 * Invariant: whatever is read, counted or nested has a limit (pp.h); passing one calls pp_stop(),
 * after which every source of tokens is at its end. So a hostile source costs bounded time and
 * memory.
 *
 * __FILE__ and #line only change what __FILE__ and __LINE__ say; diagnostics tell the real place.
 */
#include "cfront/pp.h"

#include <string.h>

struct pp_name *pp_intern(struct pp *pp, str name)
{
	return lex_intern(&pp->names, name.s, name.n, lex_hash(name.s, name.n));
}

/* ---- limits ---------------------------------------------------------------------------------- */

void pp_stop(struct pp *pp, struct span at, const char *what, const char *hint)
{
	if (pp->is_stopped)
		return;
	pp->is_stopped = true;
	diag_add(pp->dx, at, E_TOO_LARGE, "%s", what);
	if (hint)
		diag_hint(pp->dx, "%s", hint);
	for (struct pp_file *f = pp->file; f; f = f->below)
		f->lx.p = f->lx.end;
}

bool pp_count_work(struct pp *pp, u64 n, struct span at)
{
	u64 limit = PP_FREE_WORK + 8 * pp->n_file_tokens;

	pp->n_work += n;
	if (pp->n_work <= (limit < PP_MAX_WORK ? limit : PP_MAX_WORK))
		return !pp->is_stopped;
	pp_stop(pp, at, "macros expand to more tokens than skep is ready to read",
		"look for macros that use one another several times: each level multiplies");
	return false;
}

bool pp_count_text(struct pp *pp, u64 n, struct span at)
{
	pp->n_text += n;
	if (pp->n_text <= PP_MAX_TEXT)
		return !pp->is_stopped;
	pp_stop(pp, at, "strings and names made by macros take more than 16 MB", NULL);
	return false;
}

/* ---- files ----------------------------------------------------------------------------------- */

bool pp_open_file(struct pp *pp, struct source *src, struct pp_header *header, struct span at)
{
	struct pp_file *f = pp->free_files;

	if (pp->is_stopped)
		return false;
	pp->n_read += src->text.n;
	if (src->text.n > PP_MAX_SOURCE) {
		pp_stop(pp, at, "this source is larger than 64 MB", NULL);
		return false;
	}
	if (pp->n_read > PP_MAX_READ) {
		pp_stop(pp, at, "sources and the files that they include take more than 256 MB",
			"does a file include itself, or another one many times?");
		return false;
	}
	if (f)
		pp->free_files = f->below;
	else
		f = arena_new_of(pp->a, struct pp_file);
	*f = (struct pp_file){ .below = pp->file, .src = src, .header = header };
	f->name = src->name;
	f->n_conds = pp->conds.n;
	lex_open(&f->lx, pp->a, pp->dx, &pp->names, src->text, src->base);
	pp->file = f;
	pp->n_nesting++;
	return true;
}

/* Back to the including file; false at the end of the main source. */
static bool close_file(struct pp *pp)
{
	struct pp_file *f = pp->file;

	pp_close_conditions(pp, f);
	if (f->header && f->guard == PP_GUARD_AFTER)
		f->header->guard = f->guard_name;
	if (!f->below)
		return false;
	pp->file = f->below;
	pp->n_nesting--;
	f->below = pp->free_files;
	pp->free_files = f;
	return true;
}

void pp_read_line(struct pp *pp)
{
	pp->line.n = 0;
	for (;;) {
		struct pp_tok *t = vec_push(pp->a, &pp->line);

		lex_next(&pp->file->lx, t);
		if (t->kind == TOK_EOF)
			break;
	}
	pp->line.n--;
}

/* The next token of the files. */
static void read_file(struct pp *pp, struct pp_tok *t)
{
	for (;;) {
		struct pp_file *f = pp->file;

		lex_next(&f->lx, t);
		if (f->lx.in_directive)
			return;
		if (t->kind == TOK_EOF) {
			if (pp->is_stopped || f == pp->floor || !close_file(pp))
				return;
			continue;
		}
		if ((t->flags & PP_BOL) && pp_is(t, '#')) {
			if (pp_directive(pp, t))
				return;
			continue;
		}
		if (f->guard != PP_GUARD_INSIDE)
			f->guard = PP_GUARD_NONE;
		pp->n_file_tokens++;
		return;
	}
}

/* ---- the raw stream -------------------------------------------------------------------------- */

void pp_raw(struct pp *pp, struct pp_tok *t)
{
	struct pp_ctx *c;

	while ((c = pp->ctx)) {
		if (c->at == c->end || pp->is_stopped) {
			if (c->is_barrier) {
				*t = (struct pp_tok){ .kind = TOK_EOF };
				return;
			}
			pp->owes_space |=
				c->first_flags != UINT8_MAX && (c->first_flags & PP_SPACE);
			pp_pop(pp);
			continue;
		}
		*t = *c->at++;
		if (c->is_body) {
			t->olo = t->lo;
			t->ohi = t->hi;
			t->lo = c->use.lo;
			t->hi = c->use.hi;
		}
		if (c->first_flags != UINT8_MAX) {
			t->flags = (t->flags & ~(PP_BOL | PP_SPACE)) | c->first_flags;
			c->first_flags = UINT8_MAX;
		}
		/* 6.10.3.4p2: found while its own replacement is being read: never again. */
		if (t->name && t->name->macro && t->name->macro->busy)
			t->flags |= PP_BLUE;
		pp_count_work(pp, 1, pp_span(t));
		break;
	}
	if (!c)
		read_file(pp, t);
	if (pp->owes_space)
		t->flags |= PP_SPACE;
	pp->owes_space = false;
}

/* ---- output ---------------------------------------------------------------------------------- */

/* Joins the string literals in `row` (phase 6). The widest character decides for all. */
static void put_strings(struct pp *pp, const pp_list *row)
{
	struct token *t = vec_push(pp->a, &pp->out->tokens);
	const struct pp_tok *last = vec_last(row);
	struct sbuf bytes;
	u64 size = 0;
	u8 width = 1;

	lex_convert(&row->at[0], t);
	t->span = span_join(t->span, pp_span(last));
	for (u32 i = 0; i < row->n; i++) {
		u8 w = lex_char_width(pp_text(&row->at[i]));

		width = w > width ? w : width;
		size += row->at[i].n;
	}
	t->char_width = width;
	if (!pp_count_text(pp, row->n > 1 || t->origin.hi ? size * width : 0, t->span))
		return;
	sbuf_init(&bytes, pp->a);
	for (u32 i = 0; i < row->n; i++)
		lex_decode_string(&bytes, pp->dx, pp_text(&row->at[i]), pp_span(&row->at[i]),
				  width);
	t->bytes = sbuf_str(&bytes);
	if (row->n > 1)
		t->text = pp_spell(pp, row->at, row->n, false);
}

static void put_token(struct pp *pp, const struct pp_tok *t)
{
	struct token *to = vec_push(pp->a, &pp->out->tokens);

	lex_convert(t, to);
	if (t->kind == TOK_OTHER) {
		lex_report_other(pp->dx, to->text, to->span);
		/* A literal without its end still is one: the parser need not stumble too. */
		if (memchr(t->s, '"', t->n))
			to->kind = TOK_STRING;
		else if (memchr(t->s, '\'', t->n))
			to->kind = TOK_CHAR;
	}
	if (t->kind != TOK_IDENT && t->kind != TOK_PUNCT)
		lex_decode(pp->a, pp->dx, to);
}

/* The next token for the parser, remembered for what expansion wants to know of its
 * surroundings. */
static void next_output(struct pp *pp, struct pp_tok *t)
{
	pp_next(pp, t);
	pp->before = *t;
	if (pp_is(t, '{'))
		pp->braces++;
	else if (pp_is(t, '}') && pp->braces)
		pp->braces--;
}

static void put_all(struct pp *pp)
{
	pp_list row = { 0 };
	struct pp_tok t;

	next_output(pp, &t);
	while (t.kind != TOK_EOF) {
		if (pp->out->tokens.n >= PP_MAX_TOKENS)
			pp_stop(pp, pp_span(&t), "the program has more than 8 million tokens",
				NULL);
		if (t.kind == TOK_IDENT && t.name->special == PP_PRAGMA_OP) {
			if (pp_pragma_operator(pp, &t))
				put_token(pp, &t);
		} else if (t.kind == TOK_STRING) {
			row.n = 0;
			do {
				*vec_push(pp->a, &row) = t;
				next_output(pp, &t);
			} while (t.kind == TOK_STRING);
			put_strings(pp, &row);
			continue;
		} else {
			put_token(pp, &t);
		}
		next_output(pp, &t);
	}
	put_token(pp, &t);
}

/* Is it text at all? Tells what a file that is none looks like. */
static bool check_text(struct pp *pp, const struct source *src)
{
	const char *what = NULL, *hint = "skep compiles C source text";
	struct span at = { src->base, src->base };
	str x = src->text;
	const char *nul;

	if (str_starts(x, "\x7f"
			  "ELF")) {
		what = "this is an ELF file, not C source";
	} else if (str_starts(x, "\xff\xfe") || str_starts(x, "\xfe\xff")) {
		what = "this text is UTF-16";
		hint = "save it as UTF-8";
	} else if ((nul = memchr(x.s, 0, x.n < 8192 ? x.n : 8192))) {
		what = "this is no text: it holds NUL bytes";
		at.lo = at.hi = src->base + (u32)(nul - x.s);
	}
	if (!what)
		return true;
	at.hi++;
	diag_add(pp->dx, at, E_CHAR, "%s", what);
	diag_hint(pp->dx, "%s", hint);
	return false;
}

/* Definitions of the command line become a source, so that they take the way of all others. */
static void open_defines(struct pp *pp)
{
	const struct cf_options *o = pp->o;
	struct source *src;
	struct sbuf text;

	sbuf_init(&text, pp->a);
	for (u32 i = 0; i < o->n_defines; i++) {
		int eq = str_find(o->defines[i], '=', 0);
		str name = eq < 0 ? o->defines[i] : str_sub(o->defines[i], 0, (u32)eq);
		str value = eq < 0 ? STR("1") : str_sub(o->defines[i], (u32)eq + 1, UINT32_MAX);

		if (str_find(o->defines[i], '\n', 0) >= 0) {
			diag_add(pp->dx, (struct span){ 0 }, E_MACRO,
				 "the definition of '" STR_FMT "' is more than one line",
				 STR_ARG(name));
			continue;
		}
		sbuf_printf(&text, "#define " STR_FMT " " STR_FMT "\n", STR_ARG(name),
			    STR_ARG(value));
	}
	if (!text.n)
		return;
	src = sources_add(o->ss, STR("<command line>"), sbuf_str(&text));
	if (src)
		pp_open_file(pp, src, NULL, (struct span){ 0 });
}

/* The list of tokens in one piece, near its final length: growing would copy it several times. */
static void reserve(struct pp_result *out, struct arena *a, u32 n)
{
	out->tokens.cap = n < PP_MAX_TOKENS ? n : PP_MAX_TOKENS;
	out->tokens.at = arena_array_of(a, struct token, out->tokens.cap);
}

void pp_run(const struct cf_options *o, struct source *src, struct pp_result *out)
{
	struct pp *pp = arena_new_of(o->a, struct pp);
	struct pp_tok end = { .kind = TOK_EOF, .lo = src->base, .hi = src->base };

	pp->o = o;
	pp->a = o->a;
	pp->dx = o->dx;
	pp->out = out;
	pp->names.a = o->a;
	*out = (struct pp_result){ .state = pp };
	if (!check_text(pp, src) ||
	    !pp_open_file(pp, src, NULL, (struct span){ src->base, src->base })) {
		put_token(pp, &end);
		return;
	}
	pp->main = pp->file;
	open_defines(pp);
	reserve(out, o->a, src->text.n / 3 + 16);
	put_all(pp);
}

bool pp_macro_text(const struct pp_result *r, str name, str *out_body)
{
	const struct pp_macro *m;

	if (!r->state || !name.n)
		return false;
	m = pp_intern(r->state, name)->macro;
	if (!m || m->is_function || m->is_builtin || m->dynamic || m->has_operators)
		return false;
	*out_body = pp_spell(r->state, m->body, m->n_body, false);
	return true;
}
