/* parse_tag.c: structs, unions and enums (C11 6.7.2.1 to 6.7.2.3).
 *
 * A tag with a body makes a type of the innermost scope, or completes the one that was only mentioned; a
 * tag without one names what the scopes have, else a new incomplete type at file scope, which
 * name_complete() may later trade for the kernel's.
 *
 * Left out: bit-fields with an alignment of their own.
 */
#include "cfront/parse_decl.h"

typedef vec(struct ty_member) member_list;

static const char *kind_word(enum ty_kind k)
{
	return k == TY_STRUCT ? "struct" : k == TY_UNION ? "union" : "enum";
}

/* The type of a tag that is named but not defined here. */
static struct type *mentioned(struct parser *p, enum ty_kind kind, str tag, struct span at)
{
	bool declares = at_punct(p, ';');
	struct type *ty = name_find_tag(p, tag, declares);
	struct cf_scope *inner = p->scope;

	if (ty && ty->kind != kind) {
		if (cfp_error(p, at, E_REDECLARED, "'" STR_FMT "' is no %s", STR_ARG(tag),
			      kind_word(kind)))
			diag_note(p->dx, ty->span, "it is declared as a %s here",
				  kind_word(ty->kind));
		return NULL;
	}
	if (ty)
		return ty;
	ty = ty_tagged_new(p->t, kind, tag, at);
	if (!declares)
		p->scope = p->file;
	name_declare_tag(p, tag, ty);
	p->scope = inner;
	return ty;
}

/* The type that a body is about to define. */
static struct type *defined(struct parser *p, enum ty_kind kind, str tag, struct span at)
{
	struct type *ty = tag.n ? name_find_tag(p, tag, true) : NULL;

	if (ty && (ty->complete || ty->kind != kind)) {
		if (cfp_error(p, at, E_REDECLARED, "%s '" STR_FMT "' is defined twice",
			      kind_word(kind), STR_ARG(tag)))
			diag_note(p->dx, ty->span, "the first time here");
		ty = NULL;
	}
	if (!ty) {
		ty = ty_tagged_new(p->t, kind, tag, at);
		if (tag.n)
			name_declare_tag(p, tag, ty);
	}
	ty->span = at;
	return ty;
}

/* ---- members --------------------------------------------------------------------------------- */

static void check_twice(struct parser *p, struct strmap *names, str name, struct span at)
{
	if (!name.n)
		return;
	if (strmap_get(names, name))
		cfp_error(p, at, E_REDECLARED, "member '" STR_FMT "' is declared twice",
			  STR_ARG(name));
	strmap_put(p->a, names, name, p);
}

/* : constant-expression */
static void bit_field(struct parser *p, struct ty_member *m, struct span at)
{
	s64 bits;

	if (!cfp_constant(p, "the width of a bit-field", &bits) || m->type == p->u->poison)
		return;
	if (!ty_is_int(m->type) || ty_strip(m->type)->size > 8)
		cfp_error(p, at, E_TYPE,
			  "a bit-field must be an integer of at most 64 bits, not '%s'",
			  cfp_text(p, m->type));
	else if (bits < 0 ||
		 (u64)bits > (ty_strip(m->type)->is_bool ? 1 : ty_strip(m->type)->size * 8))
		cfp_error(p, at, E_CONST, "'%s' has no room for %lld bits", cfp_text(p, m->type),
			  (long long)bits);
	else if (bits == 0 && m->name.n)
		cfp_error(p, at, E_CONST, "a bit-field without bits cannot have a name");
	else
		m->bits = (u32)bits;
	if (m->align || (m->most && m->most < ty_strip(m->type)->align))
		cfp_not_yet(p, at, "a bit-field with an alignment of its own");
}

static void check_member(struct parser *p, struct ty_member *m, const struct cf_declarator *d,
			 const struct cf_attrs *a, struct span at)
{
	const struct type *ty = ty_strip(m->type);
	u32 align = d->attrs.align > a->align ? d->attrs.align : a->align;

	if (m->type == p->u->poison)
		return;
	if (ty->kind == TY_FUNC || ty->kind == TY_VOID) {
		cfp_error(p, at, E_TYPE, "a member cannot be '%s'", cfp_text(p, m->type));
		m->type = p->u->poison;
		return;
	}
	if (!(ty->kind == TY_ARRAY && ty->count == TY_UNSIZED)) {
		m->type = name_need_complete(p, m->type, at);
		if (!m->type)
			m->type = p->u->poison;
	}
	m->align = (u16)align;
	m->packed = d->attrs.packed || a->packed;
	m->most = p->pack > 1 ? (u16)p->pack : 0;
}

static void member_declarators(struct parser *p, const struct cf_specs *s, member_list *list,
			       struct strmap *names)
{
	do {
		struct cf_declarator d = { .type = s->type };
		struct ty_member m = { 0 };
		struct span at;

		if (!at_punct(p, ':'))
			cfp_declarator(p, s, false, &d);
		if (p->panic)
			return;
		at = d.name.n ? d.span : s->span;
		m.name = d.name;
		m.type = d.type;
		check_member(p, &m, &d, &s->attrs, at);
		if (cfp_accept(p, ':'))
			bit_field(p, &m, at);
		check_twice(p, names, m.name, at);
		if (m.type == p->u->poison)
			m.type = ty_basic(p->t, TY_B_INT);
		if (list->n && ty_strip(vec_last(list)->type)->kind == TY_ARRAY &&
		    ty_strip(vec_last(list)->type)->count == TY_UNSIZED)
			cfp_error(p, at, E_INCOMPLETE,
				  "only the last member may be an array without a size");
		*vec_push(p->a, list) = m;
	} while (cfp_accept(p, ','));
}

/* struct-declaration (C11 6.7.2.1) */
static void member_declaration(struct parser *p, member_list *list, struct strmap *names)
{
	struct cf_specs s;

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
	cfp_specifiers(p, &s);
	if (at_punct(p, ';') && ty_is_aggregate(s.type)) {
		const struct type *ty = name_complete(p, s.type);

		/* Only an unnamed struct brings its members along (C11 6.7.2.1p13). */
		if (ty && !ty_strip(ty)->name.n)
			*vec_push(p->a, list) = (struct ty_member){ .type = ty };
	} else {
		member_declarators(p, &s, list, names);
	}
	cfp_expect(p, ';', "behind a member");
}

static void members(struct parser *p, struct type *ty, struct cf_attrs *a)
{
	member_list list = { 0 };
	struct strmap names = { 0 };

	cfp_next(p);
	if (!cfp_enter(p))
		return;
	while (!at_punct(p, '}') && !at_end(p))
		member_declaration(p, &list, &names);
	cfp_leave(p);
	cfp_expect(p, '}', "behind the members");
	cfp_attributes(p, a);
	ty_layout(p->t, ty, list.at, list.n, a->packed || p->pack == 1, a->align);
	if (!ty->complete)
		cfp_error(p, ty->span, E_TOO_LARGE, "a struct of more than 512 MiB");
}

const struct type *cfp_struct_specifier(struct parser *p, struct cf_specs *out)
{
	enum ty_kind kind = at_keyword(p, K_UNION) ? TY_UNION : TY_STRUCT;
	struct span at = p->tok->span;
	struct cf_attrs a = { 0 };
	str tag = STR("");
	struct type *ty;

	cfp_next(p);
	cfp_attributes(p, &a);
	if (at_name(p)) {
		tag = p->tok->text;
		at = p->tok->span;
		cfp_next(p);
	}
	out->defines = true;
	if (at_punct(p, '{')) {
		ty = defined(p, kind, tag, at);
		members(p, ty, &a);
		if (a.core && tag.n)
			strmap_put(p->a, &p->cored, tag, ty);
		return ty;
	}
	if (!tag.n) {
		cfp_expected(p, "a tag or '{'");
		return p->u->poison;
	}
	ty = mentioned(p, kind, tag, at);
	return ty ? ty : p->u->poison;
}

/* ---- enums ----------------------------------------------------------------------------------- */

/* An enumerator is an int if its value fits (C11 6.7.2.2p3), else the next type that holds it. */
static const struct type *enumerator_type(struct parser *p, s64 v)
{
	if (v >= INT32_MIN && v <= INT32_MAX)
		return ty_basic(p->t, TY_B_INT);
	return ty_basic(p->t, v >= 0 && v <= UINT32_MAX ? TY_B_UINT : TY_B_LONG);
}

static void enumerators(struct parser *p, struct type *ty)
{
	vec(struct ty_enumerator) list = { 0 };
	s64 v = 0;

	cfp_next(p);
	while (at_name(p)) {
		struct ty_enumerator e = { .name = p->tok->text };
		struct span at = p->tok->span;
		struct cf_attrs a = { 0 };
		struct cf_sym *old = name_find_here(p, e.name), *sym;

		cfp_next(p);
		cfp_attributes(p, &a);
		if (cfp_accept(p, '='))
			cfp_constant(p, "an enumerator's value", &v);
		e.value = v;
		*vec_push(p->a, &list) = e;
		if (old)
			name_redeclared(p, e.name, at, old);
		sym = cfp_sym_new(p, SYM_ENUMERATOR, e.name, enumerator_type(p, v), at);
		sym->value = v;
		name_declare(p, sym);
		v = (s64)((u64)v + 1);
		if (!cfp_accept(p, ','))
			break;
	}
	if (list.n == 0)
		cfp_expected(p, "a name for an enumerator");
	cfp_expect(p, '}', "behind the enumerators");
	ty_enum_finish(p->t, ty, list.at, list.n);
}

/* The smallest integer that holds all its values. */
static void pack_enum(struct parser *p, struct type *ty)
{
	s64 min = 0, max = 0;
	u32 bytes = 1;

	for (u32 i = 0; i < ty->n; i++) {
		min = ty->enumerators[i].value < min ? ty->enumerators[i].value : min;
		max = ty->enumerators[i].value > max ? ty->enumerators[i].value : max;
	}
	while (bytes < 8 &&
	       (min < 0 ? min < -(1ll << (bytes * 8 - 1)) || max >= 1ll << (bytes * 8 - 1)
			: max >= 1ll << bytes * 8))
		bytes *= 2;
	ty->to = ty_int_of(p->t, bytes, min < 0);
	ty->size = ty->align = bytes;
}

const struct type *cfp_enum_specifier(struct parser *p, struct cf_specs *out)
{
	struct span at = p->tok->span;
	struct cf_attrs a = { 0 };
	str tag = STR("");
	struct type *ty;

	cfp_next(p);
	cfp_attributes(p, &a);
	if (at_name(p)) {
		tag = p->tok->text;
		at = p->tok->span;
		cfp_next(p);
	}
	out->defines = true;
	if (at_punct(p, '{')) {
		ty = defined(p, TY_ENUM, tag, at);
		enumerators(p, ty);
		cfp_attributes(p, &a);
		if (a.packed)
			pack_enum(p, ty);
		return ty;
	}
	if (!tag.n) {
		cfp_expected(p, "a tag or '{'");
		return p->u->poison;
	}
	ty = mentioned(p, TY_ENUM, tag, at);
	return ty ? ty : p->u->poison;
}
