/* query.c: a parsed C text, asked by name.
 *
 * Other languages let their users write C types and macros in front of a script; they have the text
 * read here and then ask what a name means. Only what the text defines itself is found: the
 * kernel's types are the asker's own business. Answers are views of the unit, and nothing is
 * reported.
 */
#include "cfront/lib.h"
#include "cfront/parse.h"

const struct type *cf_find_type(const struct cf_unit *u, enum ty_kind kind, str name)
{
	const struct cf_sym *s;
	const struct type *ty;

	if (!u->file)
		return NULL;
	if (kind == TY_TYPEDEF) {
		s = strmap_get(&u->file->names, name);
		return s && s->kind == SYM_TYPEDEF ? s->type : NULL;
	}
	ty = strmap_get(&u->file->tags, name);
	return ty && ty->kind == kind && ty_complete(ty) ? ty : NULL;
}

bool cf_find_enumerator(const struct cf_unit *u, str name, s64 *out_value)
{
	const struct cf_sym *s = u->file ? strmap_get(&u->file->names, name) : NULL;

	if (!s || s->kind != SYM_ENUMERATOR)
		return false;
	*out_value = s->value;
	return true;
}

bool cf_find_macro(const struct cf_unit *u, str name, str *out_body)
{
	return pp_macro_text(&u->pp, name, out_body);
}

bool cf_known_constant(str name, s64 *out_value)
{
	const struct cf_constant *c = cf_lib_constant(name);

	if (c)
		*out_value = c->value;
	return c != NULL;
}

bool cf_known_type(str name, u32 *out_bytes, bool *out_is_signed)
{
	const struct cf_lib_type *l = cf_lib_type(name);

	if (!l || l->size > 8)
		return false;
	*out_bytes = l->size;
	*out_is_signed = l->is_signed;
	return true;
}
