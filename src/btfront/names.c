/* names: builtins and functions of the language.
 *
 * Every name that bpftrace has stands in names.def, also those that skep does not compile yet, so that
 * a misspelt name and a missing feature are told apart. Lookups are rare (one an identifier of
 * the script), the tables short: they are searched from end to end.
 */
#include "btfront/ast.h"

static const struct bt_name builtins[] = {
#define BUILTIN(id, name) { name, id, 0, 0 },
#include "btfront/names.def"
#undef BUILTIN
};

static const struct bt_name functions[] = {
#define FUNCTION(id, name, least, most) { name, id, least, most },
#include "btfront/names.def"
#undef FUNCTION
};

const struct bt_name *bt_builtin(str name)
{
	for (u32 i = 0; i < ARRAY_LEN(builtins); i++)
		if (str_is(name, builtins[i].name))
			return &builtins[i];
	return NULL;
}

const struct bt_name *bt_function(str name)
{
	for (u32 i = 0; i < ARRAY_LEN(functions); i++)
		if (str_is(name, functions[i].name))
			return &functions[i];
	return NULL;
}

void bt_offer_builtins(struct nearest *n)
{
	for (u32 i = 0; i < ARRAY_LEN(builtins); i++)
		nearest_offer(n, str_of(builtins[i].name));
}

void bt_offer_functions(struct nearest *n)
{
	for (u32 i = 0; i < ARRAY_LEN(functions); i++)
		nearest_offer(n, str_of(functions[i].name));
}

static int numbered(str name, const char *prefix, u32 n)
{
	if (name.n != n + 1 || !str_starts(name, prefix) || name.s[n] < '0' || name.s[n] > '9')
		return -1;
	return name.s[n] - '0';
}

int bt_arg_number(str name)
{
	return numbered(name, "arg", 3);
}

int bt_sarg_number(str name)
{
	return numbered(name, "sarg", 4);
}
