/* ask: questions about types.
 *
 * Answers what the front ends ask of a type: what is behind its typedefs, whether it is complete,
 * whether two types are compatible, where a member lies. Only ty_complete() changes anything: it
 * fills in what a lazily read type lacks, which callers may not observe otherwise.
 *
 * Members are searched in order of declaration, anonymous structs and unions in their place (C11
 * 6.7.2.1p13). Compatibility follows C11 6.2.7, with one rule for two sources of types: tags that
 * come from the kernel, or that the program only declared, match by name.
 *
 * Types read from a hostile BTF may nest without end, or so that a walk doubles at each level; so
 * every walk has a depth (TY_MAX_DEPTH) and a budget (TY_MAX_VISITS), after which the answer is
 * "no".
 */
#include "types/node.h"

const struct type *ty_strip(const struct type *ty)
{
	u8 quals = ty->quals;

	while (ty->kind == TY_TYPEDEF) {
		ty = ty->to;
		quals |= ty->quals;
	}
	return quals == ty->quals ? ty : ty_qualify(ty_node_of(ty)->table, ty, quals);
}

bool ty_complete(const struct type *ty)
{
	struct ty_node *n = ty_node_of(ty);

	switch (n->lazy) {
	case TY_LAZY_BTF: ty_btf_decode(n); break;
	case TY_LAZY_FOLLOW:
		ty_complete(ty->quals ? ty->plain : ty->to);
		ty_node_follow(n);
		break;
	}
	return ty->complete;
}

/* What is behind typedefs, qualifiers ignored: never makes a type. */
static const struct type *bare(const struct type *ty)
{
	while (ty->kind == TY_TYPEDEF)
		ty = ty->to;
	return ty->plain;
}

bool ty_is_int(const struct type *ty)
{
	ty = bare(ty);
	return ty->kind == TY_INT || ty->kind == TY_ENUM;
}

bool ty_is_ptr(const struct type *ty)
{
	return bare(ty)->kind == TY_PTR;
}

bool ty_is_scalar(const struct type *ty)
{
	return ty_is_int(ty) || ty_is_ptr(ty);
}

bool ty_is_aggregate(const struct type *ty)
{
	ty = bare(ty);
	return ty->kind == TY_STRUCT || ty->kind == TY_UNION;
}

bool ty_is_void(const struct type *ty)
{
	return bare(ty)->kind == TY_VOID;
}

bool ty_signed(const struct type *ty)
{
	ty = bare(ty);
	return (ty->kind == TY_INT || ty->kind == TY_ENUM) && ty->is_signed;
}

/* ---- compatibility -------------------------------------------------------------------------- */

/* The qualifiers of a type and of the typedefs that it is seen through. */
static u8 all_quals(const struct type *ty)
{
	u8 quals = ty->quals;

	while (ty->kind == TY_TYPEDEF) {
		ty = ty->to;
		quals |= ty->quals;
	}
	return quals;
}

static bool same(const struct type *a, const struct type *b, u32 depth, u32 *budget);

/* The same, and with the same qualifiers. */
static bool same_qualified(const struct type *a, const struct type *b, u32 depth, u32 *budget)
{
	return all_quals(a) == all_quals(b) && same(a, b, depth, budget);
}

/* Two distinct tagged types. Those of one program differ (C11 6.7.2.3p4), except that one that was
 * only declared may stand for the kernel's. */
static bool same_tagged(const struct type *a, const struct type *b)
{
	if (!a->name.n || !str_eq(a->name, b->name))
		return a->btf && a->btf == b->btf && a->btf_id == b->btf_id;
	if (!a->btf && !b->btf)
		return false;
	return !a->size || !b->size || a->size == b->size;
}

static bool same_int(const struct type *a, const struct type *b)
{
	if (a->size != b->size || a->is_signed != b->is_signed || a->is_bool != b->is_bool)
		return false;
	/* long and long long, char and signed char, are different types of one shape. */
	return str_eq(a->name, b->name) || a->btf || b->btf;
}

static bool same_func(const struct type *a, const struct type *b, u32 depth, u32 *budget)
{
	if (a->n != b->n || a->variadic != b->variadic ||
	    !same_qualified(a->to, b->to, depth, budget))
		return false;
	for (u32 i = 0; i < a->n; i++)
		if (!same(a->params[i].type, b->params[i].type, depth, budget))
			return false;
	return true;
}

static bool same(const struct type *a, const struct type *b, u32 depth, u32 *budget)
{
	a = bare(a);
	b = bare(b);
	if (a == b)
		return true;
	if (depth > TY_MAX_DEPTH || !*budget)
		return false;
	--*budget;
	if (a->kind == TY_ENUM && b->kind == TY_INT)
		return a->to && same(a->to, b, depth + 1, budget);
	if (b->kind == TY_ENUM && a->kind == TY_INT)
		return b->to && same(a, b->to, depth + 1, budget);
	if (a->kind != b->kind)
		return false;
	switch (a->kind) {
	case TY_VOID:
	case TY_TYPEDEF: return true;
	case TY_INT: return same_int(a, b);
	case TY_FLOAT: return a->size == b->size;
	case TY_PTR: return same_qualified(a->to, b->to, depth + 1, budget);
	case TY_ARRAY:
		return (a->count == b->count || a->count == TY_UNSIZED || b->count == TY_UNSIZED) &&
		       same_qualified(a->to, b->to, depth + 1, budget);
	case TY_STRUCT:
	case TY_UNION:
	case TY_ENUM: return same_tagged(a, b);
	case TY_FUNC: return same_func(a, b, depth + 1, budget);
	}
	return false;
}

bool ty_same(const struct type *a, const struct type *b)
{
	u32 budget = TY_MAX_VISITS;

	return same(a, b, 0, &budget);
}

/* ---- members -------------------------------------------------------------------------------- */

static bool is_anonymous(const struct ty_member *m)
{
	return !m->name.n && ty_is_aggregate(m->type);
}

/* One search: `name` is looked for, or every name is offered to `near`. */
struct search {
	str name;
	struct nearest *near;
	u32 budget;
	u32 bit_off; /* of what was found */
};

static const struct ty_member *search(struct search *s, const struct type *agg, u32 bit_off,
				      u32 depth)
{
	const struct ty_member *found;

	if (depth > TY_MAX_DEPTH || !s->budget || !ty_complete(agg))
		return NULL;
	s->budget--;
	for (u32 i = 0; i < agg->n; i++) {
		const struct ty_member *m = &agg->members[i];

		if (is_anonymous(m)) {
			found = search(s, bare(m->type), bit_off + m->bit_off, depth + 1);
			if (found)
				return found;
		} else if (m->name.n && s->near) {
			nearest_offer(s->near, m->name);
		} else if (m->name.n && str_eq(m->name, s->name)) {
			s->bit_off = bit_off + m->bit_off;
			return m;
		}
	}
	return NULL;
}

const struct ty_member *ty_find_member(const struct type *agg, str name, u32 *out_bit_off)
{
	struct search s = { .name = name, .budget = TY_MAX_VISITS };
	const struct ty_member *m;

	if (!ty_is_aggregate(agg) || !name.n)
		return NULL;
	m = search(&s, bare(agg), 0, 0);
	if (m && out_bit_off)
		*out_bit_off = s.bit_off;
	return m;
}

void ty_offer_members(const struct type *agg, struct nearest *n)
{
	struct search s = { .near = n, .budget = TY_MAX_VISITS };

	if (ty_is_aggregate(agg))
		search(&s, bare(agg), 0, 0);
}
