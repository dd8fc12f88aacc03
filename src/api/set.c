/* set.c: values of a program's own variables, given before it is loaded (--set NAME=VALUE).
 *
 * A variable with linkage or `static` at file scope lies in a data section of the object, which is
 * written here: `const volatile int target = 0;` is how libbpf's programs take their options. A
 * number is converted to the variable's width and must fit; an array of char takes the text itself.
 */
#include <errno.h>
#include <string.h>

#include "api/session.h"

static int wrong_value(struct skep *s, str name, str value, const char *why)
{
	return err_set(&s->err, -EINVAL, "api", "--set " STR_FMT "=" STR_FMT ": %s", STR_ARG(name),
		       STR_ARG(value), why);
}

static int set_number(struct skep *s, const struct obj_var *v, str value, u8 *at)
{
	bool is_signed = v->type && ty_signed(v->type), is_bool;
	u32 bits = v->size * 8;
	s64 n = 0;
	u64 u = 0;

	is_bool = v->type && ty_strip(v->type)->is_bool;
	if (is_bool && (str_is(value, "true") || str_is(value, "false"))) {
		u = str_is(value, "true");
	} else if (!value.n ||
		   (value.s[0] == '-' ? !str_to_s64(value, &n) : !str_to_u64(value, &u))) {
		return wrong_value(s, v->name, value, "a number is wanted");
	} else if (value.s[0] == '-') {
		u = (u64)n;
		if (!is_signed || (bits < 64 && n < -(1ll << (bits - 1))))
			return wrong_value(s, v->name, value, "it does not fit the variable");
	} else if ((bits < 64 && u >> bits) || (is_bool && u > 1)) {
		return wrong_value(s, v->name, value, "it does not fit the variable");
	}
	memcpy(at, &u, v->size);
	return 0;
}

static int set_variable(struct skep *s, struct obj_data *d, const struct obj_var *v, str value)
{
	const struct type *ty = v->type ? ty_strip(v->type) : NULL;
	struct obj_map *map = d->map < s->obj->maps.n ? &s->obj->maps.at[d->map] : NULL;

	if (v->off + v->size > d->size || !map)
		return wrong_value(s, v->name, value, "its section has no room");
	if (!d->bytes)
		d->bytes = arena_alloc(s->a, d->size);
	if (ty && ty->kind == TY_ARRAY && ty_strip(ty->to)->size == 1) {
		if (value.n >= v->size)
			return wrong_value(s, v->name, value, "the text is too long");
		memset(d->bytes + v->off, 0, v->size);
		memcpy(d->bytes + v->off, value.s, value.n);
		return 0;
	}
	if ((ty && !ty_is_int(ty)) || v->size > 8)
		return wrong_value(s, v->name, value, "only numbers and text can be set");
	return set_number(s, v, value, d->bytes + v->off);
}

static int set_one(struct skep *s, const char *text)
{
	str value = str_of(text), name = str_cut(&value, '=');
	struct nearest near;

	nearest_init(&near, name);
	for (u32 i = 0; i < s->obj->datas.n; i++) {
		struct obj_data *d = &s->obj->datas.at[i];

		for (u32 k = 0; k < d->vars.n; k++) {
			if (str_eq(d->vars.at[k].name, name))
				return set_variable(s, d, &d->vars.at[k], value);
			if (d->vars.at[k].name.n)
				nearest_offer(&near, d->vars.at[k].name);
		}
	}
	if (near.best.n)
		return err_set(&s->err, -ENOENT, "api",
			       "--set %s: the program has no variable '" STR_FMT
			       "'; did you mean '" STR_FMT "'?",
			       text, STR_ARG(name), STR_ARG(near.best));
	return err_set(&s->err, -ENOENT, "api",
		       "--set %s: the program has no variable '" STR_FMT "'", text, STR_ARG(name));
}

int set_variables(struct skep *s)
{
	int r = 0;

	for (size_t i = 0; !r && i < s->o.n_sets; i++)
		r = set_one(s, s->o.sets[i]);
	return r;
}
