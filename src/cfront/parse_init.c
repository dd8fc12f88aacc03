/* parse_init.c: initialisers (C11 6.7.9).
 *
 * Reads `= …` for an object and resolves braces, designators, brace elision and strings into a flat list of
 * parts: this value goes to those bytes. What no part names is zero. Parts are in order of their place; a
 * later one replaces earlier ones that it covers, as later designators override (6.7.9p19).
 *
 * Left out, and refused: a positional value behind a nested designator (.a.b = 1, 2), initialised flexible
 * arrays, ranges of values that have side effects.
 */
#include "cfront/parse.h"

#include <stdlib.h>

enum { REPLACE_MAX = 50 * 1000 * 1000 };

/* One initialiser being read. */
struct reader {
	struct parser *p;
	struct cf_init *init;
	u64 end_bit; /* parts so far end here: a later start needs no search */
	u64 work;    /* parts looked at for that: bounded */
	u32 dropped; /* parts that later ones replaced */
	bool sorted;
	bool too_many;
};

/* A part of the object: where it is and what it may hold. */
struct target {
	u64 off;
	u32 bit_off, bits; /* of a bit-field, from off */
	const struct type *type;
};

static void read_into(struct reader *r, struct target t, u64 *grow);

/* ---- parts ----------------------------------------------------------------------------------- */

static u64 first_bit(const struct cf_init_part *part)
{
	return part->off * 8 + part->bit_off;
}

static u64 last_bit(const struct cf_init_part *part)
{
	return first_bit(part) + (part->bits ? part->bits : ty_strip(part->type)->size * 8);
}

static void drop_covered(struct reader *r, u64 from, u64 to)
{
	u32 n = 0;

	for (u32 i = 0; i < r->init->parts.n; i++) {
		const struct cf_init_part *part = &r->init->parts.at[i];

		if (first_bit(part) >= from && last_bit(part) <= to && from < to)
			continue;
		r->init->parts.at[n++] = *part;
	}
	r->dropped += r->init->parts.n - n;
	r->init->parts.n = n;
}

static void too_many_parts(struct reader *r, struct span at)
{
	if (!r->too_many)
		cfp_fail(r->p, at, E_TOO_LARGE,
			 "an initialiser of more than %d values, or one that "
			 "sets them again and again",
			 INIT_PARTS_MAX);
	r->too_many = true;
}

static void add_part(struct reader *r, struct target t, struct cf_expr *value)
{
	struct cf_init_part part = { t.off, t.bit_off, t.bits, t.type, value };
	u64 from = first_bit(&part), to = last_bit(&part);

	if (is_poison(r->p, value) || t.type == r->p->u->poison)
		return;
	if (r->init->parts.n >= INIT_PARTS_MAX) {
		too_many_parts(r, value->span);
		return;
	}
	if (from < r->end_bit) {
		r->work += r->init->parts.n;
		if (r->work > REPLACE_MAX)
			too_many_parts(r, value->span);
		else
			drop_covered(r, from, to);
		r->sorted = false;
	}
	if (to > r->end_bit)
		r->end_bit = to;
	*vec_push(r->p->a, &r->init->parts) = part;
}

struct numbered {
	struct cf_init_part part;
	u32 at;
};

static int by_place(const void *a, const void *b)
{
	const struct numbered *x = a, *y = b;
	u64 i = first_bit(&x->part), k = first_bit(&y->part);

	if (i != k)
		return i < k ? -1 : 1;
	return x->at < y->at ? -1 : 1;
}

static void sort_parts(struct reader *r)
{
	u32 n = r->init->parts.n;
	struct numbered *list = arena_array_of(r->p->a, struct numbered, n);

	for (u32 i = 0; i < n; i++)
		list[i] = (struct numbered){ r->init->parts.at[i], i };
	qsort(list, n, sizeof(*list), by_place);
	for (u32 i = 0; i < n; i++)
		r->init->parts.at[i] = list[i].part;
}

/* ---- targets --------------------------------------------------------------------------------- */

static struct target member_target(const struct target *t, const struct ty_member *m, u32 bit_off)
{
	struct target x = { .type = m->type, .bits = m->bits };
	u64 unit = ty_strip(m->type)->size;

	x.off = t->off + bit_off / 8;
	if (!m->bits)
		return x;
	/* From the storage unit of the field's type, as the ABI lays fields out; packed ones may
	 * straddle it. */
	x.off = t->off + bit_off / 8 / unit * unit;
	x.bit_off = bit_off % (u32)(unit * 8);
	if (x.bit_off + m->bits > unit * 8) {
		x.off = t->off + bit_off / 8;
		x.bit_off = bit_off % 8;
	}
	return x;
}

static struct target element_target(const struct target *t, const struct type *array, u64 i)
{
	return (struct target){ .off = t->off + i * ty_strip(array->to)->size, .type = array->to };
}

/* An array that a literal of this width initialises. */
static bool is_text_array(const struct type *ty, u32 width)
{
	return ty->kind == TY_ARRAY && ty_strip(ty->to)->kind == TY_INT &&
	       ty_strip(ty->to)->size == width;
}

static bool is_text_of(const struct type *ty, const struct cf_expr *e)
{
	return e->kind == EX_STRING &&
	       is_text_array(ty, (u32)ty_strip(ty_strip(e->type)->to)->size);
}

/* "text" for an array of characters (C11 6.7.9p14); the NUL need not fit. */
static void string_part(struct reader *r, struct target t, struct cf_expr *e, u64 *grow)
{
	const struct type *ty = ty_strip(t.type);
	u64 units = e->bytes.n / ty_strip(ty->to)->size;

	if (ty->count == TY_UNSIZED) {
		if (!grow) {
			cfp_not_yet(r->p, e->span, "an initialised flexible array");
			return;
		}
		*grow = units + 1;
		t.type = ty_array_of(r->p->t, ty->to, *grow);
	} else if (units > ty->count) {
		cfp_error(r->p, e->span, E_INIT, "a string of %u characters does not fit '%s'",
			  (u32)units, cfp_text(r->p, t.type));
		return;
	}
	add_part(r, t, e);
}

/* ---- lists ----------------------------------------------------------------------------------- */

/* Where a list of values has got to in an aggregate. */
struct cursor {
	struct target whole;
	const struct type *type; /* stripped */
	u64 at;			 /* next element or member */
	u64 max;		 /* one beyond the last element that was named */
	u64 *grow;		 /* of an array without a size */
};

static bool is_unnamed_field(const struct ty_member *m)
{
	return !m->name.n && !ty_is_aggregate(m->type);
}

/* The next part by position; false at the end of the aggregate. */
static bool next_target(struct cursor *c, struct target *out)
{
	if (c->type->kind == TY_ARRAY) {
		if (c->at >= c->type->count)
			return false;
		*out = element_target(&c->whole, c->type, c->at);
	} else {
		while (c->at < c->type->n && is_unnamed_field(&c->type->members[c->at]))
			c->at++;
		if (c->at >= c->type->n || (c->type->kind == TY_UNION && c->at > 0))
			return false;
		*out = member_target(&c->whole, &c->type->members[c->at],
				     c->type->members[c->at].bit_off);
	}
	c->at++;
	if (c->at > c->max)
		c->max = c->at;
	return true;
}

static u32 member_index(const struct type *agg, u32 bit_off, const struct ty_member *m)
{
	u32 last = 0;

	for (u32 i = 0; i < agg->n; i++) {
		if (&agg->members[i] == m)
			return i;
		if (agg->members[i].bit_off <= bit_off && ty_is_aggregate(agg->members[i].type))
			last = i;
	}
	return last;
}

/* .name */
static bool member_designator(struct reader *r, const struct type *agg, struct target *t,
			      u64 *index)
{
	struct parser *p = r->p;
	const struct ty_member *m;
	struct nearest near;
	u32 off;

	cfp_next(p);
	if (!at_name(p)) {
		cfp_expected(p, "the name of a member");
		return false;
	}
	m = ty_find_member(agg, p->tok->text, &off);
	if (!m) {
		nearest_init(&near, p->tok->text);
		if (!cfp_is_full(p))
			ty_offer_members(agg, &near);
		if (cfp_error(p, p->tok->span, E_MEMBER, "'%s' has no member '" STR_FMT "'",
			      cfp_text(p, agg), STR_ARG(p->tok->text)) &&
		    near.best.n)
			diag_hint(p->dx, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
		cfp_next(p);
		return false;
	}
	*index = member_index(agg, off, m);
	*t = member_target(t, m, off);
	cfp_next(p);
	return true;
}

/* [ index ] or [ first ... last ] (GNU) */
static bool index_designator(struct reader *r, const struct type *array, struct target *t,
			     u64 *index, u64 *last)
{
	struct parser *p = r->p;
	struct span at = p->tok->span;
	s64 i, k;
	bool ok;

	cfp_next(p);
	ok = cfp_constant(p, "an index", &i);
	k = i;
	if (cfp_accept(p, P_ELLIPSIS))
		ok = cfp_constant(p, "an index", &k) && ok;
	cfp_expect(p, ']', "behind the index");
	if (!ok || p->panic)
		return false;
	if (i < 0 || k < i || (array->count != TY_UNSIZED && (u64)k >= array->count) ||
	    (u64)k >= (1u << 29)) {
		cfp_error(p, span_to_here(p, at), E_INIT, "'%s' has no element %lld",
			  cfp_text(p, array), (long long)(i < 0 ? i : k));
		return false;
	}
	*index = (u64)i;
	*last = (u64)k;
	*t = element_target(t, array, (u64)i);
	return true;
}

/* A whole designator list: moves *t to what it names, *c behind it. */
static bool designators(struct reader *r, struct cursor *c, struct target *t, u64 *out_repeat,
			bool *out_nested)
{
	u64 index = 0, last = 0;
	bool first = true;

	*t = c->whole;
	*out_repeat = 1;
	for (; at_punct(r->p, '.') || at_punct(r->p, '['); first = false) {
		const struct type *ty = name_complete(r->p, t->type);
		bool is_index = at_punct(r->p, '[');

		ty = ty_strip(ty ? ty : t->type);
		if (is_index ? ty->kind != TY_ARRAY : !ty_is_aggregate(ty)) {
			cfp_error(r->p, r->p->tok->span, E_INIT, "'%s' has no %s",
				  cfp_text(r->p, t->type), is_index ? "elements" : "members");
			return false;
		}
		if (is_index ? !index_designator(r, ty, t, &index, &last)
			     : !member_designator(r, ty, t, &index))
			return false;
		if (is_index && last > index)
			*out_repeat = last - index + 1;
		if (first) {
			c->at = (is_index ? last : index) + 1;
			c->max = c->at > c->max ? c->at : c->max;
		}
		*out_nested = !first;
	}
	cfp_expect(r->p, '=', "behind the designator");
	return !r->p->panic;
}

/* Skips one initialiser whose place is unknown or does not exist. */
static void skip_value(struct reader *r)
{
	cfp_accept(r->p, '=');
	if (at_punct(r->p, '{'))
		cfp_skip_balanced(r->p);
	else
		cfp_assignment(r->p);
}

/* May it be computed several times? */
static bool is_pure(const struct cf_expr *e)
{
	if (!e)
		return true;
	switch (e->kind) {
	case EX_CONST:
	case EX_STRING:
	case EX_SYM: return true;
	case EX_LOAD:
		if (e->type->quals & TY_VOLATILE)
			return false;
		__attribute__((fallthrough));
	case EX_MEMBER:
	case EX_DEREF:
	case EX_ADDR:
	case EX_DECAY:
	case EX_CAST:
	case EX_UNARY:
	case EX_BINARY:
	case EX_COMPARE:
	case EX_AND:
	case EX_OR:
	case EX_COND: return is_pure(e->a) && is_pure(e->b) && is_pure(e->c);
	default: return false;
	}
}

/* Writes the parts that were added since `from` again for the rest of a range that begins at t. */
static void repeat_parts(struct reader *r, const struct target *t, u32 from, u64 times, u64 stride)
{
	u32 n = r->init->parts.n - from;
	s64 v;

	for (u32 i = 0; i < n; i++) {
		const struct cf_init_part *part = &r->init->parts.at[from + i];

		if (part->off >= t->off && part->off < t->off + stride &&
		    (part->value->kind == EX_STRING || cf_const_value(r->p->u, part->value, &v) ||
		     is_pure(part->value)))
			continue;
		cfp_not_yet(r->p, part->value->span,
			    "a range that is filled with a value that has side effects");
		return;
	}
	for (u64 k = 1; k < times && !r->too_many; k++) {
		u32 dropped = r->dropped;

		for (u32 i = 0; i < n; i++) {
			struct cf_init_part part = r->init->parts.at[from + i];

			add_part(r,
				 (struct target){ part.off + k * stride, part.bit_off, part.bits,
						  part.type },
				 part.value);
			from -= r->dropped - dropped;
			dropped = r->dropped;
		}
	}
}

static void designated(struct reader *r, struct cursor *c, bool *nested)
{
	struct target t;
	u32 from = r->init->parts.n, dropped = r->dropped;
	u64 repeat;

	if (!designators(r, c, &t, &repeat, nested)) {
		skip_value(r);
		return;
	}
	read_into(r, t, NULL);
	dropped = r->dropped - dropped;
	if (repeat > 1 && *nested)
		cfp_not_yet(r->p, r->init->span, "a range behind another designator");
	else if (repeat > 1 && dropped <= from)
		repeat_parts(r, &t, from - dropped, repeat, ty_strip(c->type->to)->size);
}

static void too_many_values(struct reader *r, const struct cursor *c)
{
	cfp_error(r->p, r->p->tok->span, E_INIT, "more values than '%s' holds",
		  cfp_text(r->p, c->whole.type));
	skip_value(r);
}

/* { initializer-list } of an aggregate, behind the `{` */
static void braced_list(struct reader *r, struct cursor *c)
{
	struct parser *p = r->p;
	bool nested = false;

	while (!at_punct(p, '}') && !at_end(p)) {
		struct target t;

		if (at_punct(p, '.') || at_punct(p, '[')) {
			designated(r, c, &nested);
		} else if (nested) {
			cfp_not_yet(p, p->tok->span,
				    "a value without a designator behind a nested designator");
			skip_value(r);
		} else if (next_target(c, &t)) {
			read_into(r, t, NULL);
		} else {
			too_many_values(r, c);
		}
		if (!cfp_accept(p, ','))
			break;
	}
	cfp_expect(p, '}', "behind the initialiser");
}

/* An aggregate whose values stand in the braces around it (C11 6.7.9p20); `first` was read already. */
static void elided_list(struct reader *r, struct cursor *c, struct cf_expr *first);

static bool fits_whole(struct parser *p, const struct type *ty, struct cf_expr *e)
{
	const struct type *have = ty_strip(e->type);

	if (is_poison(p, e))
		return true;
	return ty_is_aggregate(ty) && ty_is_aggregate(have) &&
	       (have->plain == ty->plain || ty_same(have, ty) ||
		(ty->name.n && str_eq(ty->name, have->name)));
}

static void scalar_part(struct reader *r, struct target t, struct cf_expr *e)
{
	s64 v;

	e = cfx_assignable(r->p, e, t.type, "this initialiser");
	/* What is constant is folded here: const_value.c relies on it. */
	if (e->kind != EX_CONST && ty_is_int(e->type) && cf_const_value(r->p->u, e, &v))
		e = cfx_const(r->p, e->type, v, e->span);
	add_part(r, t, e);
}

/* One value, already read, for an object that may be an aggregate. */
static void place_value(struct reader *r, struct target t, struct cf_expr *e)
{
	const struct type *ty = ty_strip(t.type);

	if (is_text_of(ty, e)) {
		string_part(r, t, e, NULL);
	} else if (ty->kind == TY_ARRAY || (ty_is_aggregate(ty) && !fits_whole(r->p, ty, e))) {
		struct cursor c = { .whole = t, .type = ty };

		if (ty->kind == TY_ARRAY && ty->count == TY_UNSIZED)
			cfp_not_yet(r->p, e->span, "an initialised flexible array");
		else
			elided_list(r, &c, e);
	} else {
		scalar_part(r, t, e);
	}
}

static void elided_list(struct reader *r, struct cursor *c, struct cf_expr *first)
{
	struct parser *p = r->p;
	struct target t;

	if (!next_target(c, &t)) {
		cfp_error(p, first->span, E_INIT, "'%s' holds no value",
			  cfp_text(p, c->whole.type));
		return;
	}
	if (!cfp_enter(p))
		return;
	place_value(r, t, first);
	while (at_punct(p, ',')) {
		const struct token *after = cfp_peek(p, 1);

		if (after->kind == TOK_PUNCT &&
		    (after->punct == '}' || after->punct == '.' || after->punct == '['))
			break;
		if (!next_target(c, &t))
			break;
		cfp_next(p);
		read_into(r, t, NULL);
	}
	cfp_leave(p);
}

/* { … } for a scalar: one value, braces around it (C11 6.7.9p11). */
static void braced_scalar(struct reader *r, struct target t)
{
	struct parser *p = r->p;

	if (!at_punct(p, '}')) {
		if (at_punct(p, '.') || at_punct(p, '['))
			cfp_fail(p, p->tok->span, E_INIT, "'%s' has no members",
				 cfp_text(p, t.type));
		read_into(r, t, NULL);
		cfp_accept(p, ',');
		if (!at_punct(p, '}') && !p->panic) {
			cfp_error(p, p->tok->span, E_INIT, "more than one value for '%s'",
				  cfp_text(p, t.type));
			while (!at_punct(p, '}') && !at_end(p))
				cfp_next(p);
		}
	}
	cfp_expect(p, '}', "behind the initialiser");
}

static void braced(struct reader *r, struct target t, u64 *grow)
{
	struct parser *p = r->p;
	const struct type *ty = ty_strip(t.type);
	const struct token *next = cfp_peek(p, 1), *third = cfp_peek(p, 2);
	struct cursor c = { .whole = t, .type = ty, .grow = grow };

	cfp_next(p);
	if (!cfp_enter(p))
		return;
	if (next->kind == TOK_STRING &&
	    is_text_array(ty, next->char_width > 1 ? next->char_width : 1) &&
	    third->kind == TOK_PUNCT && (third->punct == '}' || third->punct == ',')) {
		string_part(r, t, cfp_conditional(p), grow);
		cfp_accept(p, ',');
		cfp_expect(p, '}', "behind the initialiser");
	} else if (ty->kind == TY_ARRAY || ty_is_aggregate(ty)) {
		braced_list(r, &c);
		if (grow)
			*grow = c.max;
	} else {
		braced_scalar(r, t);
	}
	cfp_leave(p);
}

/* initializer (C11 6.7.9). `grow`: the length to set of an array without a size. */
static void read_into(struct reader *r, struct target t, u64 *grow)
{
	struct parser *p = r->p;
	const struct type *whole = t.type == p->u->poison ? t.type : name_complete(p, t.type), *ty;
	struct cf_expr *e;

	t.type = whole ? whole : t.type;
	ty = ty_strip(t.type);
	if (at_punct(p, '{') && t.type != p->u->poison) {
		u64 ignored = 0;

		/* .values of a map: nothing is laid out, only named. */
		if (p->is_map && !grow)
			grow = &ignored;
		if (ty->kind == TY_ARRAY && ty->count == TY_UNSIZED && !grow) {
			cfp_not_yet(p, p->tok->span, "an initialised flexible array");
			cfp_skip_balanced(p);
			return;
		}
		braced(r, t, grow);
		return;
	}
	if (at_punct(p, '{')) {
		cfp_skip_balanced(p);
		return;
	}
	e = cfp_assignment(p);
	if (t.type == p->u->poison || is_poison(p, e))
		return;
	place_value(r, t, e);
}

/* The outermost level: no braces may be missing there. */
static void read_whole(struct reader *r, struct target t, u64 *grow)
{
	struct parser *p = r->p;
	const struct type *ty = ty_strip(t.type);
	struct cf_expr *e;

	if (at_punct(p, '{') || t.type == p->u->poison) {
		read_into(r, t, grow);
		return;
	}
	e = cfp_assignment(p);
	if (is_poison(p, e))
		return;
	if (is_text_of(ty, e))
		string_part(r, t, e, grow);
	else if (ty->kind == TY_ARRAY)
		cfp_error(p, e->span, E_INIT, "an array is initialised with { … }, or text");
	else if (ty_is_aggregate(ty) && !fits_whole(p, ty, e))
		cfp_error(p, e->span, E_INIT,
			  "'%s' is initialised with { … }, or a value of its type",
			  cfp_text(p, t.type));
	else
		scalar_part(r, t, e);
}

struct cf_init *cfp_initializer(struct parser *p, const struct type **ty)
{
	struct cf_init *init = arena_new_of(p->a, struct cf_init);
	struct reader r = { .p = p, .init = init, .sorted = true };
	const struct type *whole = *ty == p->u->poison ? *ty : name_complete(p, *ty);
	struct target t = { .type = whole ? whole : *ty };
	const struct type *s = ty_strip(t.type);
	u64 grow = 0;
	bool unsized = s->kind == TY_ARRAY && s->count == TY_UNSIZED;

	init->span = p->tok->span;
	if (ty_is_aggregate(s) && !whole)
		t.type = p->u->poison;
	read_whole(&r, t, unsized ? &grow : NULL);
	init->span = span_to_here(p, init->span);
	if (!r.sorted)
		sort_parts(&r);
	if (unsized && (grow || init->parts.n))
		*ty = ty_qualify(p->t, ty_array_of(p->t, s->to, grow), s->quals);
	else if (unsized && !p->panic)
		*ty = ty_array_of(p->t, s->to, 0);
	return init;
}

/* ---- constants only ---------------------------------------------------------------------------- */

void cfp_check_constant_init(struct parser *p, const struct cf_init *init)
{
	s64 v;

	for (u32 i = 0; i < init->parts.n; i++) {
		const struct cf_expr *e = init->parts.at[i].value;
		struct cf_address at = { 0 };

		if (e->kind == EX_STRING || cf_const_value(p->u, e, &v) ||
		    cf_const_address(p->u, e, &at))
			continue;
		cfp_error(p, e->span, E_CONST,
			  "the initialiser of a global or static object must be constant");
	}
}
