/* table: the owner of types.
 *
 * Turns requests for basic and derived types into `const struct type *`. Derived types (pointers,
 * arrays, functions, qualified types) are made unique: equal requests give the same pointer, so
 * that most comparisons elsewhere are one compare. Typedefs and tagged types are distinct at each
 * call, as in C: two scopes may use one name for two things.
 *
 * Uniqueness is a hash set of nodes with open addressing. A request is written as a template
 * struct type; its key are the fields that `same_request` compares. Names of parameters belong to
 * the key, because debug information needs them; ty_same() looks past them.
 *
 * Basic types are those of the LP64 data model that BPF has: char is signed, long has 8 bytes.
 *
 * A type made from an incomplete or not yet decoded one copies what is known and is marked
 * TY_LAZY_FOLLOW; ty_complete() brings it up to date (ask.c). So `const struct s` may be made
 * before the members of `struct s` are known.
 *
 * Limits: an array whose size does not fit in an object stays incomplete (size 0), and the front
 * end must say so.
 */
#include "types/node.h"

#include <string.h>

struct ty_table {
	struct arena *a;
	const struct type *basic[TY_N_BASIC];
	struct ty_node **slots;
	u32 n, cap; /* cap is a power of two */
};

/* Columns: kind, bytes, signed, bool, char, spelling. */
static const struct basic_desc {
	u8 kind, bytes;
	bool is_signed, is_bool, is_char;
	const char *name;
} basics[] = {
	[TY_B_VOID] = { TY_VOID, 1, false, false, false, "void" },
	[TY_B_BOOL] = { TY_INT, 1, false, true, false, "_Bool" },
	[TY_B_CHAR] = { TY_INT, 1, true, false, true, "char" },
	[TY_B_SCHAR] = { TY_INT, 1, true, false, true, "signed char" },
	[TY_B_UCHAR] = { TY_INT, 1, false, false, true, "unsigned char" },
	[TY_B_SHORT] = { TY_INT, 2, true, false, false, "short" },
	[TY_B_USHORT] = { TY_INT, 2, false, false, false, "unsigned short" },
	[TY_B_INT] = { TY_INT, 4, true, false, false, "int" },
	[TY_B_UINT] = { TY_INT, 4, false, false, false, "unsigned int" },
	[TY_B_LONG] = { TY_INT, 8, true, false, false, "long" },
	[TY_B_ULONG] = { TY_INT, 8, false, false, false, "unsigned long" },
	[TY_B_LLONG] = { TY_INT, 8, true, false, false, "long long" },
	[TY_B_ULLONG] = { TY_INT, 8, false, false, false, "unsigned long long" },
	[TY_B_INT128] = { TY_INT, 16, true, false, false, "__int128" },
	[TY_B_UINT128] = { TY_INT, 16, false, false, false, "unsigned __int128" },
	[TY_B_FLOAT] = { TY_FLOAT, 4, true, false, false, "float" },
	[TY_B_DOUBLE] = { TY_FLOAT, 8, true, false, false, "double" },
};
_Static_assert(ARRAY_LEN(basics) == TY_N_BASIC, "one row a basic type");

struct arena *ty_table_arena(const struct ty_table *t)
{
	return t->a;
}

struct ty_node *ty_node_new(struct ty_table *t, enum ty_kind kind)
{
	struct ty_node *n = arena_new_of(t->a, struct ty_node);

	n->table = t;
	n->t.kind = kind;
	n->t.plain = &n->t;
	return n;
}

struct ty_table *ty_table_new(struct arena *a)
{
	struct ty_table *t = arena_new_of(a, struct ty_table);

	t->a = a;
	for (u32 i = 0; i < TY_N_BASIC; i++) {
		const struct basic_desc *d = &basics[i];
		struct ty_node *n = ty_node_new(t, d->kind);

		n->t.size = n->t.align = d->bytes;
		n->t.is_signed = d->is_signed;
		n->t.is_bool = d->is_bool;
		n->t.is_char = d->is_char;
		n->t.complete = d->kind != TY_VOID;
		n->t.name = str_of(d->name);
		t->basic[i] = &n->t;
	}
	return t;
}

const struct type *ty_basic(struct ty_table *t, enum ty_basic b)
{
	return t->basic[b];
}

const struct type *ty_int_of(struct ty_table *t, u32 bytes, bool is_signed)
{
	switch (bytes) {
	case 1: return t->basic[is_signed ? TY_B_SCHAR : TY_B_UCHAR];
	case 2: return t->basic[is_signed ? TY_B_SHORT : TY_B_USHORT];
	case 4: return t->basic[is_signed ? TY_B_INT : TY_B_UINT];
	case 8: return t->basic[is_signed ? TY_B_LONG : TY_B_ULONG];
	case 16: return t->basic[is_signed ? TY_B_INT128 : TY_B_UINT128];
	}
	base_bug(arena_trap(t->a), "no integer type of this size");
}

/* ---- the set of derived types --------------------------------------------------------------- */

static u64 mix(u64 h, u64 x)
{
	h = (h ^ x) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

static u32 request_hash(const struct type *r)
{
	u64 h = mix(r->kind, (u64)r->quals << 16 | (u64)r->space << 8 | r->variadic);

	if (r->quals) {
		h = mix(h, (uintptr_t)r->plain);
		return (u32)(h ^ h >> 32);
	}
	h = mix(mix(h, (uintptr_t)r->to), r->count);
	for (u32 i = 0; i < r->n; i++)
		h = mix(mix(h, (uintptr_t)r->params[i].type), str_hash(r->params[i].name));
	return (u32)(h ^ h >> 32);
}

static bool same_request(const struct type *a, const struct type *b)
{
	if (a->kind != b->kind || a->quals != b->quals)
		return false;
	if (a->quals)
		return a->plain == b->plain;
	if (a->to != b->to || a->space != b->space || a->count != b->count ||
	    a->variadic != b->variadic || a->n != b->n)
		return false;
	for (u32 i = 0; i < a->n; i++)
		if (a->params[i].type != b->params[i].type ||
		    !str_eq(a->params[i].name, b->params[i].name))
			return false;
	return true;
}

static void grow(struct ty_table *t)
{
	u32 cap = t->cap ? t->cap * 2 : 64;
	struct ty_node **slots = arena_array_of(t->a, struct ty_node *, cap);

	for (u32 i = 0; i < t->cap; i++) {
		u32 at;

		if (!t->slots[i])
			continue;
		for (at = t->slots[i]->hash & (cap - 1); slots[at]; at = (at + 1) & (cap - 1))
			;
		slots[at] = t->slots[i];
	}
	t->slots = slots;
	t->cap = cap;
}

/* The slot of the type that `r` asks for: holds NULL if there is none yet. */
static struct ty_node **slot_of(struct ty_table *t, const struct type *r, u32 hash)
{
	u32 at;

	if ((t->n + 1) * 4 > t->cap * 3)
		grow(t);
	for (at = hash & (t->cap - 1); t->slots[at]; at = (at + 1) & (t->cap - 1))
		if (t->slots[at]->hash == hash && same_request(&t->slots[at]->t, r))
			break;
	return &t->slots[at];
}

/* The unique type like `r`, made on the first request. */
static const struct type *unique(struct ty_table *t, const struct type *r)
{
	u32 hash = request_hash(r);
	struct ty_node **slot = slot_of(t, r, hash), *n;

	if (*slot)
		return &(*slot)->t;
	n = ty_node_new(t, r->kind);
	n->t = *r;
	n->hash = hash;
	if (!r->plain)
		n->t.plain = &n->t;
	if (r->kind == TY_FUNC && r->n)
		n->t.params = arena_dup(t->a, r->params, r->n * sizeof(*r->params));
	if (r->kind == TY_ARRAY || r->quals)
		ty_node_follow(n);
	*slot = n;
	t->n++;
	return &n->t;
}

/* ---- derived types -------------------------------------------------------------------------- */

static void follow_array(struct ty_node *n)
{
	const struct type *elem = n->t.to;
	u64 size;

	n->t.align = elem->align;
	if (n->t.count == TY_UNSIZED)
		return;
	if (__builtin_mul_overflow(n->t.count, elem->size, &size) || size > INT64_MAX)
		return;
	n->t.size = size;
	n->t.complete = elem->complete;
	if (!elem->complete || ty_node_of(elem)->lazy)
		n->lazy = TY_LAZY_FOLLOW;
}

void ty_node_follow(struct ty_node *n)
{
	const struct type *from = n->t.quals ? n->t.plain : n->t.to;

	n->lazy = TY_LAZY_NOT;
	if (n->t.kind == TY_ARRAY && !n->t.quals) {
		follow_array(n);
		return;
	}
	n->t.size = from->size;
	n->t.align = from->align;
	n->t.complete = from->complete;
	n->t.is_signed = from->is_signed;
	if (n->t.quals) {
		n->t.packed = from->packed;
		n->t.members = from->members;
		n->t.enumerators = from->enumerators;
		n->t.n = from->n;
		n->t.to = from->to;
		n->t.span = from->span;
	}
	if (from->kind != TY_VOID && (!from->complete || ty_node_of(from)->lazy))
		n->lazy = TY_LAZY_FOLLOW;
}

const struct type *ty_ptr_in(struct ty_table *t, const struct type *to, enum ty_space space)
{
	struct type r = {
		.kind = TY_PTR, .space = space, .to = to, .size = 8, .align = 8, .complete = true
	};

	return unique(t, &r);
}

const struct type *ty_ptr_to(struct ty_table *t, const struct type *to)
{
	return ty_ptr_in(t, to, TY_SPACE_NONE);
}

const struct type *ty_array_of(struct ty_table *t, const struct type *elem, u64 count)
{
	struct type r = { .kind = TY_ARRAY, .to = elem, .count = count };

	return unique(t, &r);
}

const struct type *ty_func_of(struct ty_table *t, const struct type *ret,
			      const struct ty_param *params, u32 n, bool variadic)
{
	struct type r = { .kind = TY_FUNC,
			  .to = ret,
			  .params = params,
			  .n = n,
			  .variadic = variadic,
			  .size = 1,
			  .align = 1,
			  .complete = true };

	return unique(t, &r);
}

/* C11 6.7.3p9: a qualifier of an array goes to its elements; of a function it means nothing. */
const struct type *ty_qualify(struct ty_table *t, const struct type *ty, u8 quals)
{
	struct type r;

	quals |= ty->quals;
	if (quals == ty->quals || ty->kind == TY_FUNC)
		return ty;
	if (ty->kind == TY_ARRAY)
		return ty_array_of(t, ty_qualify(t, ty->to, quals), ty->count);
	r = *ty->plain;
	r.plain = ty->plain;
	r.quals = quals;
	return unique(t, &r);
}

const struct type *ty_typedef_new(struct ty_table *t, str name, const struct type *to)
{
	struct ty_node *n = ty_node_new(t, TY_TYPEDEF);

	n->t.name = name;
	n->t.to = to;
	ty_node_follow(n);
	return &n->t;
}

struct type *ty_tagged_new(struct ty_table *t, enum ty_kind kind, str tag, struct span at)
{
	struct ty_node *n = ty_node_new(t, kind);

	n->t.name = tag;
	n->t.span = at;
	n->t.align = 1;
	return &n->t;
}
