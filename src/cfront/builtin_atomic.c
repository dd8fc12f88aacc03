/* builtin_atomic.c: __sync_… and __atomic_… (the GNU and C11 ways to name BPF's atomic instructions).
 *
 * What reads and writes in one step works on 4 and 8 bytes, as the instructions do; plain loads and stores on
 * any scalar. The arguments that say how much order is wanted are evaluated and forgotten: instructions that
 * fetch order everything (RFC 9669, 5.3; Linux Documentation/bpf/standardization). A form that gives the
 * new value fetches the old one and computes it again; nand does not exist.
 */
#include "cfront/builtin.h"

static struct cf_expr *poison(struct builtin_call *c)
{
	return cfx_poison(c->p, c->span);
}

/* What argument `i`, a pointer, points to: a scalar; NULL (reported) otherwise. */
static const struct type *pointee(struct builtin_call *c, u32 i, bool any_size)
{
	struct parser *p = c->p;
	struct cf_expr *ptr = c->args.at[i] = cfx_value(p, c->args.at[i]);
	const struct type *to;
	bool fits;

	if (is_poison(p, ptr))
		return NULL;
	to = ty_is_ptr(ptr->type) ? ty_strip(ptr->type)->to : NULL;
	fits = to && ty_is_scalar(to) && ty_strip(to)->size <= 8 &&
	       (any_size || ty_strip(to)->size >= 4);
	if (fits)
		return to;
	cfp_error(p, ptr->span, E_ARGS, "%s must point to an integer of %s, this is '%s'",
		  builtin_argument(c, i), any_size ? "at most 8 bytes" : "4 or 8 bytes",
		  cfp_text(p, ptr->type));
	return NULL;
}

/* Checks the pointer and converts the operands to what it points to. */
static const struct type *operands(struct builtin_call *c, u32 n_values, bool any_size)
{
	const struct type *to = pointee(c, 0, any_size);

	for (u32 i = 1; to && i <= n_values; i++) {
		c->args.at[i] = cfx_assignable(c->p, c->args.at[i], to, builtin_argument(c, i));
		if (is_poison(c->p, c->args.at[i]))
			return NULL;
	}
	c->args.n = 1 + n_values;
	return to ? cfx_bare(to) : NULL;
}

/* ---- read, change and write ------------------------------------------------------------------ */

static struct cf_expr *atomic(struct builtin_call *c, u32 n_values, s32 how)
{
	const struct type *ty = operands(c, n_values, false);
	struct cf_expr *e;

	if (!ty)
		return poison(c);
	e = builtin_with_args(c, EX_ATOMIC, ty);
	e->atomic = how;
	return e;
}

static struct cf_expr *negate(struct builtin_call *c, struct cf_expr *e)
{
	if (!is_poison(c->p, e))
		e->args[1] = cf_convert(c->p->u, cfx_unary(c->p, '-', e->args[1], e->args[1]->span),
					e->type);
	return e;
}

/* The operator stays in the node: lowering applies it to what was fetched. */
static struct cf_expr *op_fetch(struct builtin_call *c)
{
	u32 op = (u32)c->row->arg;
	s32 how = op == '|' ? ISA_ATOMIC_OR : op == '&' ? ISA_ATOMIC_AND : ISA_ATOMIC_XOR;
	struct cf_expr *e =
		atomic(c, 1, (op == '+' || op == '-' ? ISA_ATOMIC_ADD : how) | ISA_FETCH);

	if (is_poison(c->p, e))
		return e;
	e->op = (u16)(op == '-' ? '+' : op);
	return op == '-' ? negate(c, e) : e;
}

static struct cf_expr *compare_and_swap(struct builtin_call *c)
{
	struct cf_expr *e = atomic(c, 2, ISA_CMPXCHG);

	if (c->row->how == HOW_COMPARE_BOOL && !is_poison(c->p, e)) {
		e->op = P_EQ;
		e->type = ty_basic(c->p->t, TY_B_BOOL);
	}
	return e;
}

/* ---- through pointers ------------------------------------------------------------------------ */

static struct cf_expr *builtin(struct builtin_call *c, enum cf_builtin b, const struct type *ty,
			       u32 n)
{
	struct cf_expr *e;

	c->args.n = n;
	e = builtin_with_args(c, EX_BUILTIN, ty);
	e->builtin = b;
	return e;
}

/* The object that argument `i` points to. */
static struct cf_expr *object(struct builtin_call *c, u32 i)
{
	return cfx_deref(c->p, c->args.at[i], c->args.at[i]->span);
}

/* ok = __atomic_compare_exchange…(p, expected, desired, weak, success, failure) */
static struct cf_expr *compare_exchange(struct builtin_call *c)
{
	const struct type *to = pointee(c, 0, false), *expected = to ? pointee(c, 1, false) : NULL;

	if (!expected)
		return poison(c);
	if (c->row->how == HOW_CAS_FROM)
		c->args.at[2] = object(c, 2);
	c->args.at[2] = cfx_assignable(c->p, c->args.at[2], to, builtin_argument(c, 2));
	if (is_poison(c->p, c->args.at[2]))
		return poison(c);
	if (ty_strip(expected)->size != ty_strip(to)->size) {
		cfp_error(c->p, c->span, E_ARGS, "%s must point to an object of the same size",
			  builtin_argument(c, 1));
		return poison(c);
	}
	return builtin(c, BI_COMPARE_EXCHANGE, ty_basic(c->p->t, TY_B_BOOL), 3);
}

static struct cf_expr *load(struct builtin_call *c)
{
	const struct type *to = operands(c, 0, true);
	struct cf_expr *into = c->row->how == HOW_LOAD_TO ? c->args.at[1] : NULL, *e;

	if (!to)
		return poison(c);
	e = builtin(c, BI_ATOMIC_LOAD, to, 1);
	if (!into)
		return e;
	c->args.at[1] = into;
	return cfx_cast(c->p, ty_basic(c->p->t, TY_B_VOID), cfx_assign(c->p, 0, object(c, 1), e),
			c->span);
}

static struct cf_expr *store(struct builtin_call *c)
{
	if (c->row->how == HOW_STORE_FROM)
		c->args.at[1] = object(c, 1);
	if (c->row->how == HOW_STORE_ZERO) {
		c->args.n = 1;
		*vec_push(c->p->a, &c->args) = cfx_int(c->p, 0, c->span);
	}
	if (!operands(c, 1, true))
		return poison(c);
	return builtin(c, BI_ATOMIC_STORE, ty_basic(c->p->t, TY_B_VOID), 2);
}

/* *result = exchange(p, *value) */
static struct cf_expr *exchange_to(struct builtin_call *c)
{
	struct cf_expr *into, *e;

	into = cfx_deref(c->p, c->args.at[2], c->args.at[2]->span);
	c->args.at[1] = object(c, 1);
	e = atomic(c, 1, ISA_XCHG);
	if (is_poison(c->p, e) || is_poison(c->p, into))
		return poison(c);
	return cfx_cast(c->p, ty_basic(c->p->t, TY_B_VOID), cfx_assign(c->p, 0, into, e), c->span);
}

struct cf_expr *builtin_atomic(struct builtin_call *c)
{
	s32 arg = c->row->arg;

	switch (c->row->how) {
	case HOW_FETCH: return atomic(c, 1, arg | ISA_FETCH);
	case HOW_FETCH_SUB: return negate(c, atomic(c, 1, arg | ISA_FETCH));
	case HOW_OP_FETCH: return op_fetch(c);
	case HOW_EXCHANGE: return atomic(c, 1, ISA_XCHG);
	case HOW_EXCHANGE_TO: return exchange_to(c);
	case HOW_COMPARE_VALUE:
	case HOW_COMPARE_BOOL: return compare_and_swap(c);
	case HOW_CAS:
	case HOW_CAS_FROM: return compare_exchange(c);
	case HOW_LOAD:
	case HOW_LOAD_TO: return load(c);
	case HOW_STORE:
	case HOW_STORE_FROM:
	case HOW_STORE_ZERO: return store(c);
	default: return builtin(c, BI_BARRIER, ty_basic(c->p->t, TY_B_VOID), 0);
	}
}
