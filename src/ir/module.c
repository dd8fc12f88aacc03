/* module: what holds functions together.
 *
 * A module owns its functions and the table of symbols through which instructions name what lives
 * outside of the ir: maps, data sections, load-time constants, kernel functions. A symbol is one
 * pair of kind and name; the map `sym_names` finds it again by the text "KIND name", so that the
 * same name may stand for a map and for a function.
 *
 * Everything is allocated in the module's arena and lives as long.
 */
#include "ir/ir.h"

struct ir_module *ir_module_new(struct arena *a)
{
	struct ir_module *m = arena_new_of(a, struct ir_module);

	m->a = a;
	return m;
}

/* The text by which `sym_names` knows a symbol. */
static str key_of(struct arena *a, enum ir_sym_kind kind, str name)
{
	return str_printf(a, "%d " STR_FMT, (int)kind, STR_ARG(name));
}

bool ir_sym_find(const struct ir_module *m, enum ir_sym_kind kind, str name, u32 *out_sym)
{
	struct arena_mark mark = arena_mark(m->a);
	const u32 *at = strmap_get(&m->sym_names, key_of(m->a, kind, name));

	arena_release(m->a, mark);
	if (at)
		*out_sym = *at;
	return at != NULL;
}

u32 ir_sym(struct ir_module *m, enum ir_sym_kind kind, str name, u32 index)
{
	struct ir_sym *s;
	u32 *at, old;

	if (ir_sym_find(m, kind, name, &old))
		return old;
	at = arena_new_of(m->a, u32);
	*at = m->syms.n;
	strmap_put(m->a, &m->sym_names, key_of(m->a, kind, name), at);
	s = vec_push(m->a, &m->syms);
	s->kind = kind;
	s->name = str_dup(m->a, name);
	s->index = index;
	return *at;
}

struct ir_fn *ir_fn_new(struct ir_module *m, str name, enum ir_linkage linkage, u32 n_params,
			u8 ret_width)
{
	struct ir_fn *fn = arena_new_of(m->a, struct ir_fn);

	fn->m = m;
	fn->name = str_dup(m->a, name);
	fn->linkage = linkage;
	fn->n_params = n_params;
	fn->ret_width = ret_width;
	*vec_push(m->a, &m->fns) = fn;
	return fn;
}
