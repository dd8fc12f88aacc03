/* lower_kernel.c: calls of the kernel's functions, addresses of its variables, members that it lacks.
 *
 * A function of the kernel is called like a helper, with 64-bit arguments, but by its name: the engine
 * puts the number in. What it returns is a pointer that the verifier knows when it is one to a struct.
 *
 * A member that this kernel's struct does not have is an address that only a call of a function nobody has
 * could give. Where the program asked before (bpf_core_field_exists), that call is in dead code and
 * disappears; where it stays, loading ends with a message that names the member.
 */
#include "cfront/lower.h"

struct ir_ins *lower_kernel_call(struct lower *l, struct cf_sym *fn, struct cf_expr *e)
{
	const struct type *ret = ty_strip(e->type);
	struct ir_ins *args[IR_MAX_PARAMS], *x;
	u32 n = 0;

	for (u32 i = 0; i < e->n_args && n < 5; i++)
		args[n++] = lower_widen(l, lower_value(l, e->args[i]), e->args[i]->type);
	if (e->n_args > 5 || lower_by_address(ret)) {
		lower_not_yet(l, e->span, "a function of the kernel with more than 5 arguments");
		return ir_const(&l->b, 64, 0);
	}
	x = ir_call_sym(&l->b, IR_CALL_KFUNC, ir_sym(l->m, IR_SYM_KFUNC, fn->name, 0),
			ty_is_void(ret) ? 0 : 64, args, n);
	if (ty_is_void(ret))
		return NULL;
	if (ret->kind == TY_PTR)
		x->region = ty_is_aggregate(ret->to) ? IR_IN_BTF : IR_IN_MEM;
	return lower_width(ret) == 32 ? ir_trunc(&l->b, x) : x;
}

struct place_ref lower_kernel_variable(struct lower *l, struct cf_sym *var)
{
	return (struct place_ref){
		.base = ir_symbol(&l->b, ir_sym(l->m, IR_SYM_KVAR, var->name, 0), 0),
		.type = var->type,
	};
}

struct ir_ins *lower_missing(struct lower *l, struct cf_expr *e)
{
	str name = str_printf(l->m->a, OBJ_MISSING STR_FMT, STR_ARG(e->bytes));
	struct ir_ins *x =
		ir_call_sym(&l->b, IR_CALL_KFUNC, ir_sym(l->m, IR_SYM_KFUNC, name, 0), 64, NULL, 0);

	x->region = IR_IN_KERNEL;
	return x;
}
