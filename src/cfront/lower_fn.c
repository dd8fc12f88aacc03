/* lower_fn.c: functions that others call: their parameters, results, calls and addresses.
 *
 * Scalars travel in registers. A struct argument is copied by the caller, who passes the copy's address; a
 * struct result is written through a hidden first parameter, the address of memory of the caller's. Such
 * functions, and those of more than five parameters or with a function pointer among them, are always
 * inlined, so that nothing of this is left in the program. A call through a pointer is IR_CALL_PTR, which
 * pass `inline` resolves.
 *
 * BCC inlines every static function; so do we where libbpf's sections are not used or `inline` says it.
 */
#include "cfront/lower.h"

enum { REGISTERS = 5 };

bool lower_by_address(const struct type *ty)
{
	return ty_is_aggregate(ty) || lower_is_wide(ty);
}

static u8 result_width(const struct type *ret)
{
	return ty_is_void(ret) || lower_by_address(ret) ? 0 : lower_width(ret);
}

static bool is_function_pointer(const struct type *ty)
{
	return ty_is_ptr(ty) && ty_strip(ty_strip(ty)->to)->kind == TY_FUNC;
}

/* What registers and five parameters cannot do. */
static bool must_inline(const struct cf_sym *s)
{
	const struct type *ret = ty_strip(s->type)->to;
	bool must = lower_by_address(ret) || s->params.n > REGISTERS;

	for (u32 i = 0; i < s->params.n; i++)
		must = must || lower_by_address(s->params.at[i]->type) ||
		       is_function_pointer(s->params.at[i]->type);
	return must;
}

/* ---- definitions ----------------------------------------------------------------------------- */

static void parameters(struct lower *l, struct cf_sym *s)
{
	u32 hidden = l->result ? 1 : 0;

	for (u32 i = 0; i < s->params.n; i++) {
		struct cf_sym *p = s->params.at[i];
		const struct type *ty = ty_strip(p->type);
		bool by_address = lower_by_address(ty);
		struct ir_ins *x = ir_param(&l->b, i + hidden, by_address ? 64 : lower_width(ty));

		p->lower = x;
		if (by_address)
			continue;
		p->lower = ir_slot(&l->b, (u32)ty->size, ty->align);
		lower_write(l, (struct place_ref){ .base = p->lower, .type = p->type }, x);
	}
}

void lower_subprogram(struct lower *l, struct cf_sym *s)
{
	const struct type *ret = ty_strip(s->type)->to;
	bool must = must_inline(s), hidden = lower_by_address(ret);
	bool is_local = s->is_static || s->address_taken || must;
	struct ir_fn *fn = ir_fn_new(l->m, s->name, is_local ? IR_STATIC : IR_GLOBAL,
				     s->params.n + hidden, result_width(ret));
	u32 sym = ir_sym(l->m, IR_SYM_FN, s->name, OBJ_NONE);

	l->m->syms.at[sym].index = l->m->fns.n - 1;
	fn->always_inline = must || s->always_inline || s->is_inline || (l->is_bcc && !s->noinline);
	fn->noinline = s->noinline && !fn->always_inline;
	l->binding = NULL;
	l->ctx = NULL;
	lower_start(l, fn, s);
	l->result = hidden ? ir_param(&l->b, 0, 64) : NULL;
	parameters(l, s);
	lower_body(l, fn, s);
	l->result = NULL;
}

/* ---- calls ----------------------------------------------------------------------------------- */

/* The copy that a callee may write to. */
static struct ir_ins *argument(struct lower *l, struct cf_expr *e)
{
	const struct type *ty = ty_strip(e->type);
	struct ir_ins *x = lower_value(l, e), *copy;

	if (!lower_by_address(ty))
		return x;
	copy = ir_slot(&l->b, (u32)ty->size, ty->align);
	lower_write(l, (struct place_ref){ .base = copy, .type = e->type }, x);
	return copy;
}

static struct cf_sym *called_function(const struct cf_expr *e)
{
	return e->kind == EX_SYM && e->sym->kind == SYM_FUNC ? e->sym : NULL;
}

struct ir_ins *lower_fn_address(struct lower *l, struct cf_sym *fn)
{
	*vec_push(l->a, &l->wanted) = fn;
	return ir_symbol(&l->b, ir_sym(l->m, IR_SYM_FN, fn->name, OBJ_NONE), 0);
}

struct ir_ins *lower_fn_call(struct lower *l, struct cf_expr *e)
{
	struct cf_sym *fn = called_function(e->a);
	struct ir_ins *args[IR_MAX_PARAMS + 1], *memory = NULL, *x;
	u8 width = result_width(e->type);
	u32 n = 0, sym, helper;

	if (fn && !fn->body)
		return lower_kernel_call(l, fn, e);
	if (!fn && lower_is_helper_pointer(l, e->a, &helper))
		return lower_helper_pointer(l, helper, e);
	if (!fn)
		args[n++] = lower_value(l, e->a);
	if (lower_by_address(e->type)) {
		memory = ir_slot(&l->b, (u32)ty_strip(e->type)->size, ty_strip(e->type)->align);
		args[n++] = memory;
	}
	for (u32 i = 0; i < e->n_args && n < ARRAY_LEN(args); i++)
		args[n++] = argument(l, e->args[i]);
	if (fn) {
		*vec_push(l->a, &l->wanted) = fn;
		sym = ir_sym(l->m, IR_SYM_FN, fn->name, OBJ_NONE);
		x = ir_call_sym(&l->b, IR_CALL_FN, sym, width, args, n);
	} else {
		x = ir_call_sym(&l->b, IR_CALL_PTR, 0, width, args, n);
	}
	return memory ? memory : width ? x : NULL;
}
