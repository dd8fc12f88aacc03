/* names.c: what an identifier means.
 *
 * Scopes of the program come first (C11 6.2.1), then lib's tables, then the kernel's BTF: what a program
 * defines shadows what the kernel has. BTF is opened as rarely as can be: for a tag whose size or
 * members are needed, for a name where only a type makes sense, for a name that nothing else knows.
 *
 * A tag that the program only mentions (`struct task_struct *`) becomes an incomplete type of the program;
 * name_complete() trades it for the kernel's when more must be known. A pointer from the kernel
 * to a struct that the program defines itself is taken for one to the program's.
 */
#include "cfront/parse.h"

#include "cfront/lib.h"

/* ---- scopes ---------------------------------------------------------------------------------- */

void name_push_scope(struct parser *p)
{
	struct cf_scope *s = arena_new_of(p->a, struct cf_scope);

	s->up = p->scope;
	p->scope = s;
}

void name_pop_scope(struct parser *p)
{
	p->scope = p->scope->up;
}

struct cf_sym *name_find(const struct parser *p, str name)
{
	for (const struct cf_scope *s = p->scope; s; s = s->up) {
		struct cf_sym *sym = strmap_get(&s->names, name);

		if (sym)
			return sym;
	}
	return NULL;
}

struct cf_sym *name_find_here(const struct parser *p, str name)
{
	return strmap_get(&p->scope->names, name);
}

void name_declare(struct parser *p, struct cf_sym *s)
{
	if (!s->name.n)
		return;
	strmap_put(p->a, &p->scope->names, s->name, s);
	*vec_push(p->a, &p->scope->list) = s;
}

void name_redeclared(struct parser *p, str name, struct span at, const struct cf_sym *old)
{
	if (cfp_error(p, at, E_REDECLARED, "'" STR_FMT "' is declared twice here", STR_ARG(name)))
		diag_note(p->dx, old->span, "the first time here");
}

struct type *name_find_tag(const struct parser *p, str tag, bool only_here)
{
	for (const struct cf_scope *s = p->scope; s; s = s->up) {
		struct type *ty = strmap_get(&s->tags, tag);

		if (ty || only_here)
			return ty;
	}
	return NULL;
}

void name_declare_tag(struct parser *p, str tag, struct type *ty)
{
	strmap_put(p->a, &p->scope->tags, tag, ty);
}

struct ty_btf *name_btf(struct parser *p)
{
	if (!p->btf_asked && p->u->o->btf)
		p->btf = p->u->o->btf(p->u->o->btf_arg);
	p->btf_asked = true;
	return p->btf;
}

/* ---- types ----------------------------------------------------------------------------------- */

static enum ty_basic basic_of(const struct cf_lib_type *l)
{
	if (l->is_bool)
		return TY_B_BOOL;
	switch (l->size) {
	case 1: return l->is_char ? TY_B_CHAR : l->is_signed ? TY_B_SCHAR : TY_B_UCHAR;
	case 2: return l->is_signed ? TY_B_SHORT : TY_B_USHORT;
	case 4: return l->is_signed ? TY_B_INT : TY_B_UINT;
	case 8:
		if (l->is_long_long)
			return l->is_signed ? TY_B_LLONG : TY_B_ULLONG;
		return l->is_signed ? TY_B_LONG : TY_B_ULONG;
	default: return l->is_signed ? TY_B_INT128 : TY_B_UINT128;
	}
}

const struct type *name_lib_type(struct parser *p, str name)
{
	const struct type *ty = strmap_get(&p->lib_types, name);
	const struct cf_lib_type *l;

	if (ty)
		return ty;
	l = cf_lib_type(name);
	if (!l)
		return NULL;
	ty = ty_typedef_new(p->t, str_of(l->name), ty_basic(p->t, basic_of(l)));
	strmap_put(p->a, &p->lib_types, str_of(l->name), (void *)ty);
	return ty;
}

const struct type *name_type(struct parser *p, str name, bool ask_btf)
{
	const struct cf_sym *s = name_find(p, name);
	const struct type *ty;

	if (s)
		return s->kind == SYM_TYPEDEF ? s->type : NULL;
	ty = name_lib_type(p, name);
	if (ty || !ask_btf || !name_btf(p))
		return ty;
	return ty_btf_find(p->btf, TY_TYPEDEF, name);
}

static bool begins_operand(const struct token *t)
{
	if (t->kind == TOK_PUNCT)
		return t->punct == '(' || t->punct == '~' || t->punct == '!' || t->punct == '{';
	if (t->kind == TOK_IDENT)
		return t->keyword == K_NONE || t->keyword == K_SIZEOF || t->keyword == K_ALIGNOF ||
		       t->keyword == K_EXTENSION;
	return t->kind == TOK_NUMBER || t->kind == TOK_CHAR || t->kind == TOK_STRING;
}

static bool is_type_keyword(u8 k)
{
	switch (k) {
	case K_ATTRIBUTE:
	case K_BOOL:
	case K_CHAR:
	case K_CONST:
	case K_DOUBLE:
	case K_ENUM:
	case K_FLOAT:
	case K_INT:
	case K_INT128:
	case K_LONG:
	case K_RESTRICT:
	case K_SHORT:
	case K_SIGNED:
	case K_STRUCT:
	case K_TYPEOF:
	case K_UNION:
	case K_UNSIGNED:
	case K_VOID:
	case K_VOLATILE:
	case K_ALIGNAS: return true;
	default: return false;
	}
}

bool name_begins_type(struct parser *p, u32 n, enum name_place place)
{
	const struct token *t = cfp_peek(p, n), *next;
	u32 punct;

	if (t->kind != TOK_IDENT)
		return false;
	if (t->keyword)
		return is_type_keyword(t->keyword) ||
		       (t->keyword == K_EXTENSION && name_begins_type(p, n + 1, place));
	if (name_find(p, t->text) || cf_lib_type(t->text))
		return name_type(p, t->text, false) != NULL;
	next = cfp_peek(p, n + 1);
	punct = next->kind == TOK_PUNCT ? next->punct : 0;
	if (next->kind == TOK_IDENT && next->keyword != K_SIZEOF)
		return true;
	/* `name * name` where nothing is called so: no product, so a type, if need be an unknown one. */
	if (punct == '*' && place == AT_START)
		return cfp_peek(p, n + 2)->kind == TOK_IDENT && !cf_lib_constant(t->text);
	if (punct == '*') {
		const struct token *third = cfp_peek(p, n + 2);

		return third->kind == TOK_PUNCT && (third->punct == ')' || third->punct == '*') &&
		       name_type(p, t->text, true);
	}
	return punct == ')' && place != AT_START &&
	       (place == IN_OPERAND || begins_operand(cfp_peek(p, n + 2))) &&
	       name_type(p, t->text, true);
}

/* The program's own struct of a tag of the kernel, if it has one. */
static const struct type *own_tag(struct parser *p, const struct type *ty)
{
	const struct type *own = ty->name.n ? name_find_tag(p, ty->name, false) : NULL;

	return own && own->kind == ty->kind && own->complete ? own : NULL;
}

/* "task_struct___old" is a local name for the kernel's "task_struct". */
static str without_flavor(str tag)
{
	for (u32 i = 1; i + 3 < tag.n; i++)
		if (tag.s[i] == '_' && tag.s[i + 1] == '_' && tag.s[i + 2] == '_' &&
		    tag.s[i + 3] != '_')
			return str_sub(tag, 0, i);
	return tag;
}

static const struct type *kernel_tag(struct parser *p, const struct type *ty)
{
	const struct type *found = cfp_bcc_struct(p, ty->name);

	if (found || !name_btf(p))
		return found;
	found = ty_btf_find(p->btf, ty->kind, ty->name);
	if (!found)
		found = ty_btf_find(p->btf, ty->kind, without_flavor(ty->name));
	return found && ty_complete(found) ? found : NULL;
}

const struct type *name_complete(struct parser *p, const struct type *ty)
{
	const struct type *s = ty_strip(ty), *real = NULL;

	if (s->kind != TY_STRUCT && s->kind != TY_UNION && s->kind != TY_ENUM)
		return ty_complete(ty) ? ty : NULL;
	if (s->btf)
		real = own_tag(p, s);
	else if (!ty_complete(s) && s->name.n)
		real = kernel_tag(p, s);
	if (real == p->u->poison)
		return real;
	if (real)
		return s->quals ? ty_qualify(p->t, real, s->quals) : real;
	return ty_complete(ty) ? ty : NULL;
}

const struct type *name_need_complete(struct parser *p, const struct type *ty, struct span at)
{
	const struct type *whole, *s = ty_strip(ty);

	p->asking = at;
	whole = ty == p->u->poison ? ty : name_complete(p, ty);
	if (whole)
		return whole;
	if (p->is_probing) {
		p->is_missing = true;
		return NULL;
	}
	if (!cfp_error(p, at, E_INCOMPLETE, "the size and members of '%s' are not known",
		       cfp_text(p, ty)))
		return NULL;
	if (s->kind == TY_STRUCT || s->kind == TY_UNION || s->kind == TY_ENUM) {
		struct nearest near;

		nearest_init(&near, s->name);
		if (p->btf && !cfp_is_full(p))
			ty_btf_offer(p->btf, s->kind, &near);
		if (near.best.n && !str_eq(near.best, s->name))
			diag_hint(p->dx, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
		else if (!name_btf(p))
			diag_hint(p->dx,
				  "without the kernel's BTF only the program's own types are "
				  "known");
		else
			diag_hint(p->dx, "neither the program nor this kernel's BTF defines it");
	}
	return NULL;
}

const struct type *name_core(struct parser *p, const struct type *agg)
{
	const struct type *s = ty_strip(agg), *kernel;

	if (s->btf || !s->name.n || !strmap_get(&p->cored, s->name) ||
	    strmap_get(&p->cored, s->name) != (void *)s->plain || !name_btf(p))
		return agg;
	kernel = ty_btf_find(p->btf, s->kind, s->name);
	if (!kernel)
		kernel = ty_btf_find(p->btf, s->kind, without_flavor(s->name));
	return kernel && ty_complete(kernel) ? kernel : agg;
}

/* ---- constants ------------------------------------------------------------------------------- */

struct cf_expr *name_constant(struct parser *p, str name, struct span at)
{
	const struct cf_constant *c = cf_lib_constant(name);
	enum ty_basic b;
	s64 v;

	if (c) {
		b = c->size == 8     ? c->is_unsigned ? TY_B_ULONG : TY_B_LONG
		    : c->is_unsigned ? TY_B_UINT
				     : TY_B_INT;
		return cfx_const(p, ty_basic(p->t, b), c->value, at);
	}
	if (!name_btf(p) || !ty_btf_enumerator(p->btf, name, &v, NULL))
		return NULL;
	b = v >= INT32_MIN && v <= INT32_MAX ? TY_B_INT
	    : v >= 0 && v <= UINT32_MAX	     ? TY_B_UINT
					     : TY_B_LONG;
	return cfx_const(p, ty_basic(p->t, b), v, at);
}

/* ---- unknown names --------------------------------------------------------------------------- */

static void offer_scopes(struct parser *p, struct nearest *near, bool types)
{
	for (const struct cf_scope *s = p->scope; s; s = s->up)
		for (u32 i = 0; i < s->list.n; i++)
			if ((s->list.at[i]->kind == SYM_TYPEDEF) == types)
				nearest_offer(near, s->list.at[i]->name);
}

static void offer_helpers(struct parser *p, struct nearest *near)
{
	for (u32 i = 1; i <= isa_helper_count(); i++) {
		const struct isa_helper *h = isa_helper(i);

		if (h)
			nearest_offer(near, str_printf(p->a, "bpf_%s", h->name));
	}
}

/* Each name is reported once: false the second time. */
static bool first_time(struct parser *p, str name)
{
	if (p->panic || p->stopped || strmap_get(&p->unknown, name))
		return false;
	strmap_put(p->a, &p->unknown, name, p);
	return true;
}

static void say_nearest(struct parser *p, const struct nearest *near)
{
	if (near->best.n && !str_eq(near->best, near->want))
		diag_hint(p->dx, "did you mean '" STR_FMT "'?", STR_ARG(near->best));
}

static void offer_names(struct parser *p, struct nearest *near, str name, bool is_call)
{
	offer_scopes(p, near, false);
	if (is_call || str_starts(name, "bpf_")) {
		offer_helpers(p, near);
		cfp_builtin_near(near);
	}
	if (!is_call)
		cf_lib_constant_near(near);
}

void name_unknown(struct parser *p, str name, struct span at, bool is_call)
{
	struct nearest near;

	if (!first_time(p, name))
		return;
	nearest_init(&near, name);
	/* Beyond the limit no message is kept; in a large file the search would take long. */
	if (!cfp_is_full(p))
		offer_names(p, &near, name, is_call);
	cfp_error(p, at, is_call && str_starts(name, "bpf_") ? E_HELPER : E_UNKNOWN_NAME,
		  "'" STR_FMT "' is %s", STR_ARG(name),
		  is_call ? str_starts(name, "bpf_") ? "no helper of the kernel that skep knows"
						     : "no function of this program, and no helper"
			  : "not declared, and no constant of the kernel");
	say_nearest(p, &near);
}

void name_unknown_type(struct parser *p, str name, struct span at)
{
	const struct cf_sym *s = name_find(p, name);
	struct nearest near;

	if (s) {
		if (cfp_error(p, at, E_SYNTAX, "'" STR_FMT "' is no type", STR_ARG(name)))
			diag_note(p->dx, s->span, "it is declared here");
		return;
	}
	if (!first_time(p, name))
		return;
	nearest_init(&near, name);
	if (!cfp_is_full(p)) {
		offer_scopes(p, &near, true);
		cf_lib_type_near(&near);
	}
	if (p->btf && !near.best.n && !cfp_is_full(p))
		ty_btf_offer(p->btf, TY_TYPEDEF, &near);
	cfp_error(p, at, E_UNKNOWN_NAME,
		  "'" STR_FMT "' is no type that the program or the kernel has", STR_ARG(name));
	say_nearest(p, &near);
}
