/* core.c: questions about the running kernel's types: CO-RE's family of macros.
 *
 * Since a program is compiled for the kernel that it runs on, every answer is a constant here: does a field,
 * type or enumerator exist, how large is it, where does it lie. A struct whose tag ends in three
 * underscores and anything means the kernel's without that end (libbpf's "flavors"). Types of the program
 * itself that do not claim to be the kernel's answer for themselves.
 *
 * While the field of bpf_core_field_exists is read, a member or type that is not there is no error. Code
 * behind a "no" still names that member; cfx_member makes a node of it that is refused only when the
 * program is loaded with it, if the optimiser could not drop it.
 */
#include "cfront/kernel.h"

enum { FIELD_OFFSET, FIELD_SIZE, FIELD_EXISTS, FIELD_SIGNED, FIELD_LSHIFT, FIELD_RSHIFT };
enum { TYPE_EXISTS, TYPE_SIZE, TYPE_MATCHES, TYPE_ID };

static str without_flavor(str name)
{
	for (u32 i = 1; i + 3 < name.n; i++)
		if (name.s[i] == '_' && name.s[i + 1] == '_' && name.s[i + 2] == '_' &&
		    name.s[i + 3] != '_')
			return str_sub(name, 0, i);
	return name;
}

static struct cf_expr *answer(struct parser *p, u64 v, struct span at)
{
	return cfx_const(p, ty_basic(p->t, TY_B_ULONG), (s64)v, at);
}

/* The number behind `, ` and the closing parenthesis. */
static bool read_kind(struct parser *p, s64 *out)
{
	return cfp_expect(p, ',', "before the kind of question") &&
	       cfp_constant(p, "the kind of question", out) &&
	       cfp_expect(p, ')', "behind the kind of question");
}

/* ---- fields ---------------------------------------------------------------------------------- */

/* Bytes from the start of the struct that the chain of members begins in. */
static u64 offset_of_field(const struct cf_expr *e)
{
	u64 bits = 0;

	for (; e->kind == EX_MEMBER; e = e->a)
		bits += e->bit_off;
	return bits / 8;
}

static u64 field_answer(const struct cf_expr *e, s64 kind)
{
	u32 bit = e->kind == EX_MEMBER && e->bits ? e->bit_off % 8 : 0;
	u32 bits = e->kind == EX_MEMBER && e->bits ? e->bits : 0;
	u64 size = bits ? (bit + bits + 7) / 8 : ty_strip(e->type)->size;

	/* Bit-fields are read in a unit that holds them. */
	while (bits && (size & (size - 1)))
		size++;
	switch (kind) {
	case FIELD_OFFSET: return offset_of_field(e);
	case FIELD_SIZE: return size;
	case FIELD_SIGNED: return ty_signed(e->type);
	case FIELD_LSHIFT: return bits ? 64 - bit - bits : 64 - size * 8;
	case FIELD_RSHIFT: return bits ? 64 - bits : 64 - size * 8;
	default: return 1;
	}
}

/* __builtin_preserve_field_info ( field , kind ) */
struct cf_expr *cfp_core_field(struct parser *p, struct span at)
{
	bool was_probing = p->is_probing;
	struct cf_expr *e;
	s64 kind;

	p->is_probing = true;
	p->is_missing = false;
	p->unevaluated++;
	e = cfp_assignment(p);
	p->unevaluated--;
	p->is_probing = was_probing;
	if (!read_kind(p, &kind))
		return cfx_poison(p, at);
	at = span_to_here(p, at);
	if (p->is_missing)
		return answer(p, 0, at);
	if (is_poison(p, e))
		return e;
	if (kind < 0 || kind > FIELD_RSHIFT || !name_need_complete(p, e->type, e->span)) {
		cfp_error(p, at, E_CONST, "there is no such question about a field");
		return cfx_poison(p, at);
	}
	return answer(p, field_answer(e, kind), at);
}

bool cfp_core_missing(struct parser *p, const struct type *agg, str member)
{
	str key = str_printf(p->a, STR_FMT "." STR_FMT, STR_ARG(agg->name), STR_ARG(member));

	if (p->is_probing) {
		p->is_missing = true;
		strmap_put(p->a, &p->missing, key, p);
		return true;
	}
	return strmap_get(&p->missing, key) != NULL;
}

/* ---- types ----------------------------------------------------------------------------------- */

/* The kernel's type of this name; NULL if it has none. */
static const struct type *kernels(struct parser *p, const struct type *ty)
{
	const struct type *s = ty_strip(ty), *found;

	if (ty->kind == TY_TYPEDEF && name_btf(p)) {
		found = ty_btf_find(p->btf, TY_TYPEDEF, without_flavor(ty->name));
		if (found)
			return found;
	}
	if (s->btf || (s->kind != TY_STRUCT && s->kind != TY_UNION && s->kind != TY_ENUM))
		return s;
	return name_btf(p) ? ty_btf_find(p->btf, s->kind, without_flavor(s->name)) : NULL;
}

static bool matches(const struct type *own, const struct type *kernel)
{
	own = ty_strip(own);
	if (own->btf || !own->complete)
		return true;
	for (u32 i = 0; ty_is_aggregate(own) && i < own->n; i++)
		if (own->members[i].name.n && !ty_find_member(kernel, own->members[i].name, NULL))
			return false;
	return true;
}

/* __builtin_preserve_type_info ( type , kind ): lib's macros give the type itself. */
struct cf_expr *cfp_core_type(struct parser *p, struct span at)
{
	const struct type *ty = cfp_type_name(p), *found;
	s64 kind;

	if (!read_kind(p, &kind))
		return cfx_poison(p, at);
	at = span_to_here(p, at);
	if (ty == p->u->poison)
		return cfx_poison(p, at);
	found = kernels(p, ty);
	if (found && !ty_complete(found))
		found = NULL;
	switch (kind) {
	case TYPE_EXISTS: return answer(p, found != NULL, at);
	case TYPE_SIZE: return answer(p, found ? ty_strip(found)->size : 0, at);
	case TYPE_MATCHES: return answer(p, found && matches(ty, found), at);
	default: return answer(p, found ? ty_strip(found)->btf_id : 0, at);
	}
}

/* ---- enumerators ----------------------------------------------------------------------------- */

static bool find_enumerator(const struct type *en, str name, s64 *out)
{
	en = ty_strip(en);
	if (!ty_complete(en))
		return false;
	for (u32 i = 0; i < en->n; i++) {
		if (!str_eq(without_flavor(en->enumerators[i].name), name))
			continue;
		*out = en->enumerators[i].value;
		return true;
	}
	return false;
}

/* __skep_enum_info ( enum type , enumerator , kind ): kind 0 asks whether it exists, 1 for its value */
struct cf_expr *cfp_core_enum(struct parser *p, struct span at)
{
	const struct type *ty = cfp_type_name(p), *found;
	s64 kind, value = 0;
	bool exists;
	str name;

	cfp_expect(p, ',', "between the type and the enumerator");
	name = p->tok->text;
	if (p->panic || p->tok->kind != TOK_IDENT) {
		cfp_expected(p, "the name of an enumerator");
		return cfx_poison(p, at);
	}
	cfp_next(p);
	if (!read_kind(p, &kind))
		return cfx_poison(p, at);
	at = span_to_here(p, at);
	if (ty == p->u->poison)
		return cfx_poison(p, at);
	found = kernels(p, ty);
	exists = found && find_enumerator(found, without_flavor(name), &value);
	return answer(p, kind ? (u64)value : exists, at);
}
