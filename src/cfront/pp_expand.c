/* pp_expand: macro expansion (C11 6.10.3.1, 6.10.3.4).
 *
 * pp_next() reads a raw token; if it names a macro, the replacement is pushed as a context on the
 * stack that pp_raw() reads from, so rescanning together with what follows is nothing special. A
 * macro is busy while its context is on the stack; a name read while its macro is busy is painted
 * (PP_BLUE, in pp_raw) and never expanded again: the equivalent of Prosser's hide sets that stacks
 * of contexts give. A context that is used up is popped when the token behind it is asked for; so
 * `f(2)(9)` with `#define f(a) a*g` and `#define g(a) f(a)` becomes 2*9*g, as C11 6.10.3.4p4 allows
 * and as GCC and clang do.
 *
 * An argument is expanded by itself behind a barrier, a context that reads as the end of the text.
 * Only this recurses, so the depth of calls in arguments is limited.
 *
 * A plain object-like macro is read right out of its definition; what substitution makes lives in
 * buffers that go back to a list when their context is popped, so memory follows nesting, not
 * length.
 *
 * Built-in function-like macros with names in small letters (min, swab16, clamp) give way to the
 * program: behind `.` or `->` the name is a member, and where only a declarator can stand, the
 * program declares a function of its own.
 */
#include "cfront/pp.h"

/* ---- the stack ------------------------------------------------------------------------------- */

struct pp_buf *pp_take_buf(struct pp *pp)
{
	struct pp_buf *b = pp->free_bufs;

	if (b)
		pp->free_bufs = b->next;
	else
		b = arena_new_of(pp->a, struct pp_buf);
	b->list.n = 0;
	return b;
}

void pp_give_buf(struct pp *pp, struct pp_buf *b)
{
	b->next = pp->free_bufs;
	pp->free_bufs = b;
}

static struct pp_ctx *push(struct pp *pp, const struct pp_tok *at, u32 n)
{
	struct pp_ctx *c = pp->free_ctxs;

	if (c)
		pp->free_ctxs = c->below;
	else
		c = arena_new_of(pp->a, struct pp_ctx);
	c->at = at;
	c->end = n ? at + n : at;
	c->macro = NULL;
	c->buf = NULL;
	c->is_body = c->is_barrier = false;
	c->first_flags = UINT8_MAX;
	c->below = pp->ctx;
	pp->ctx = c;
	return c;
}

void pp_push_list(struct pp *pp, const struct pp_tok *at, u32 n, bool is_barrier)
{
	push(pp, at, n)->is_barrier = is_barrier;
}

void pp_pop(struct pp *pp)
{
	struct pp_ctx *c = pp->ctx;

	if (c->macro)
		c->macro->busy--;
	if (c->buf)
		pp_give_buf(pp, c->buf);
	pp->ctx = c->below;
	c->below = pp->free_ctxs;
	pp->free_ctxs = c;
}

void pp_unread(struct pp *pp, const struct pp_tok *t)
{
	struct pp_ctx *c = push(pp, NULL, 0);

	c->one = *t;
	c->at = &c->one;
	c->end = c->at + 1;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static struct pp_call *take_call(struct pp *pp, struct pp_macro *m)
{
	struct pp_call *call = pp->free_calls;

	if (call)
		pp->free_calls = call->next;
	else
		call = arena_new_of(pp->a, struct pp_call);
	call->macro = m;
	call->raw.n = call->full.n = call->args.n = 0;
	return call;
}

static void give_call(struct pp *pp, struct pp_call *call)
{
	call->next = pp->free_calls;
	pp->free_calls = call;
}

/* Takes the `(` behind the name of a function-like macro, or nothing. */
static bool take_paren(struct pp *pp, struct pp_tok *out)
{
	struct pp_file *floor = pp->floor;

	pp->floor = pp->file;
	pp_raw(pp, out);
	pp->floor = floor;
	if (pp_is(out, '('))
		return true;
	if (out->kind != TOK_EOF)
		pp_unread(pp, out);
	return false;
}

/* Reads the arguments behind `(` up to its `)`; false at the end of the text. */
static bool read_args(struct pp *pp, struct pp_call *call, struct pp_tok *out_close)
{
	const struct pp_macro *m = call->macro;
	struct pp_arg *arg = vec_push(pp->a, &call->args);
	u32 depth = 0;

	for (;;) {
		struct pp_tok t;

		pp_raw(pp, &t);
		*out_close = t;
		if (t.kind == TOK_EOF)
			return false;
		if (pp_is(&t, '(')) {
			depth++;
		} else if (pp_is(&t, ')')) {
			if (depth == 0)
				return true;
			depth--;
		} else if (pp_is(&t, ',') && depth == 0 &&
			   !(m->is_variadic && call->args.n == m->n_params)) {
			arg = vec_push(pp->a, &call->args);
			arg->from = call->raw.n;
			continue;
		}
		t.flags &= ~PP_BOL;
		*vec_push(pp->a, &call->raw) = t;
		arg->n++;
	}
}

/* Do the arguments fit the parameters? Adds the empty one that may be left out. */
static bool check_args(struct pp *pp, struct pp_call *call)
{
	const struct pp_macro *m = call->macro;
	u32 given = call->args.n, want = m->n_params;

	call->is_elided = given < want || (given == 1 && call->raw.n == 0);
	if (want == 0 && given == 1 && call->raw.n == 0)
		return true;
	if (m->is_variadic && given + 1 == want) {
		vec_push(pp->a, &call->args)->from = call->raw.n;
		return true;
	}
	if (given == want)
		return true;
	if (m->is_variadic)
		want--;
	if (given == 1 && call->raw.n == 0)
		given = 0;
	diag_add(pp->dx, call->use, E_MACRO,
		 "macro '" STR_FMT "' takes %s%u argument%s, but here it is given %u",
		 STR_ARG(m->name->text), m->is_variadic ? "at least " : "", want,
		 want == 1 ? "" : "s", given);
	if (span_known(m->span))
		diag_note(pp->dx, m->span, "it is defined here");
	return false;
}

/* A wrong call reads as 0, so that the parser has something to go on with. */
static void unread_zero(struct pp *pp, struct span at)
{
	struct pp_tok zero = { .kind = TOK_NUMBER, .s = "0", .n = 1, .lo = at.lo, .hi = at.hi };

	pp_unread(pp, &zero);
}

static void push_result(struct pp *pp, struct pp_call *call, u8 flags)
{
	struct pp_buf *b = pp_take_buf(pp);
	struct pp_ctx *c;

	pp_substitute(pp, call, &b->list);
	c = push(pp, b->list.at, b->list.n);
	c->buf = b;
	c->macro = call->macro;
	c->macro->busy++;
	c->first_flags = flags;
}

/* Replaces name(…); the `(` was taken. */
static void expand_call(struct pp *pp, struct pp_macro *m, const struct pp_tok *name)
{
	struct pp_call *call = take_call(pp, m);
	struct pp_file *floor = pp->floor;
	struct pp_tok close;
	bool is_closed;

	call->use = pp_span(name);
	pp->floor = pp->file;
	is_closed = read_args(pp, call, &close);
	pp->floor = floor;
	if (!is_closed) {
		if (!pp->is_stopped)
			diag_add(pp->dx, call->use, E_MACRO,
				 "the call of macro '" STR_FMT "' never closes its '('",
				 STR_ARG(m->name->text));
		unread_zero(pp, call->use);
		give_call(pp, call);
		return;
	}
	/* In the text itself the use reaches to the `)`. */
	if (!name->ohi && !close.ohi && close.hi > call->use.hi)
		call->use.hi = close.hi;
	if (check_args(pp, call))
		push_result(pp, call, name->flags & (PP_BOL | PP_SPACE));
	else
		unread_zero(pp, call->use);
	give_call(pp, call);
}

static void expand_object(struct pp *pp, struct pp_macro *m, const struct pp_tok *name)
{
	u8 flags = name->flags & (PP_BOL | PP_SPACE);
	struct pp_ctx *c;

	if (m->has_operators) {
		struct pp_call *call = take_call(pp, m);

		call->use = pp_span(name);
		push_result(pp, call, flags);
		give_call(pp, call);
		return;
	}
	c = push(pp, m->body, m->n_body);
	c->macro = m;
	c->is_body = true;
	c->first_flags = flags;
	c->use = pp_span(name);
	m->busy++;
}

/* ---- names that programs use for themselves -------------------------------------------------- */

static bool begins_expression(u8 keyword)
{
	return keyword == K_RETURN || keyword == K_ELSE || keyword == K_DO || keyword == K_CASE ||
	       keyword == K_SIZEOF || keyword == K_ALIGNOF || keyword == K_TYPEOF;
}

/* Is the name, in front of a `(`, something else than the built-in macro? */
static bool gives_way(struct pp *pp, struct pp_macro *m)
{
	const struct pp_tok *before = &pp->before;
	char first = m->name->text.s[0];
	bool is_declared;

	if (!m->is_builtin || first < 'a' || first > 'z')
		return false;
	if (pp_is(before, '.') || pp_is(before, P_ARROW))
		return true;
	is_declared = before->kind == TOK_IDENT && !begins_expression(before->name->keyword);
	if (!pp->braces)
		is_declared |= pp_is(before, '*') || pp_is(before, ')');
	if (is_declared)
		m->name->macro = NULL;
	return is_declared;
}

/* ---- the expanded stream --------------------------------------------------------------------- */

/* Replaces the macro name *t. False: *t stays as it now is. */
static bool expand(struct pp *pp, struct pp_tok *t, struct pp_macro *m)
{
	struct pp_tok next;

	if (m->dynamic) {
		pp_dynamic(pp, m, t, &next);
		*t = next;
		return false;
	}
	if (!m->is_function) {
		expand_object(pp, m, t);
		return true;
	}
	if (!take_paren(pp, &next))
		return false;
	if (gives_way(pp, m)) {
		pp_unread(pp, &next);
		return false;
	}
	expand_call(pp, m, t);
	return true;
}

void pp_next(struct pp *pp, struct pp_tok *t)
{
	struct pp_macro *m;

	do {
		pp_raw(pp, t);
		if (t->kind != TOK_IDENT || (t->flags & PP_BLUE))
			return;
		m = pp_macro_of(pp, t->name);
	} while (m && expand(pp, t, m));
}

void pp_expand_arg(struct pp *pp, struct pp_call *call, struct pp_arg *arg)
{
	struct pp_tok before = pp->before, t;

	arg->is_full = true;
	arg->full_from = call->full.n;
	if (++pp->depth > PP_MAX_DEPTH)
		pp_stop(pp, call->use, "macro calls are nested deeper than 200 in arguments", NULL);
	pp->before = (struct pp_tok){ .kind = TOK_EOF };
	pp_push_list(pp, pp_list_from(&call->raw, arg->from), arg->n, true);
	for (pp_next(pp, &t); t.kind != TOK_EOF; pp_next(pp, &t)) {
		t.flags &= ~PP_BOL;
		*vec_push(pp->a, &call->full) = t;
	}
	pp_pop(pp);
	pp->before = before;
	pp->depth--;
	arg->full_n = call->full.n - arg->full_from;
}
