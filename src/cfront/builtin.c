/* builtin.c: names that work like functions but are part of the language (C11 has none; GNU C does).
 *
 * __builtin_… and the memory functions, __sync_… and __atomic_… on 4 and 8 bytes, byte swaps,
 * offsetof, and __skep_regs(), which lib's PT_REGS macros are made of. A table says for each name how many
 * arguments it takes and what makes a node of them; what is constant is folded.
 *
 * Left out, and refused: builtins that the table marks so (they would need code that is not there yet).
 */
#include "cfront/kernel.h"

#include <string.h>

enum how {
	HOW_BUILTIN,   /* EX_BUILTIN arg */
	HOW_SWAP,      /* EX_BSWAP of arg bits */
	HOW_FETCH,     /* EX_ATOMIC arg, value is the old one */
	HOW_FETCH_SUB, /* the same by adding the negative */
	HOW_OP_FETCH,  /* value is the new one */
	HOW_EXCHANGE,
	HOW_COMPARE_VALUE,
	HOW_COMPARE_BOOL,
	HOW_EXPECT,
	HOW_CONSTANT_P,
	HOW_CHOOSE,
	HOW_SAME_TYPE,
	HOW_OFFSETOF,
	HOW_SAME,
	HOW_REGS,
	HOW_CORE_FIELD,
	HOW_CORE_TYPE,
	HOW_CORE_ENUM,
	HOW_KSYM,
	HOW_STRLEN,
	HOW_NOTHING,
	HOW_NOT_YET,
};
struct row {
	const char *name;
	enum how how;
	s32 arg;
	u8 least, most;
};

/* Sorted by group; few enough to search in order. */
static const struct row rows[] = {
	{ "__builtin_memcpy", HOW_BUILTIN, BI_MEMCPY, 3, 3 },
	{ "memcpy", HOW_BUILTIN, BI_MEMCPY, 3, 3 },
	{ "__builtin_memset", HOW_BUILTIN, BI_MEMSET, 3, 3 },
	{ "memset", HOW_BUILTIN, BI_MEMSET, 3, 3 },
	{ "__builtin_memcmp", HOW_BUILTIN, BI_MEMCMP, 3, 3 },
	{ "memcmp", HOW_BUILTIN, BI_MEMCMP, 3, 3 },
	{ "__builtin_memmove", HOW_NOT_YET, 0, 3, 3 },
	{ "memmove", HOW_NOT_YET, 0, 3, 3 },
	{ "__builtin_unreachable", HOW_BUILTIN, BI_UNREACHABLE, 0, 0 },
	{ "__builtin_trap", HOW_BUILTIN, BI_TRAP, 0, 0 },
	{ "__builtin_clz", HOW_BUILTIN, BI_CLZ, 1, 1 },
	{ "__builtin_clzl", HOW_BUILTIN, BI_CLZ, 1, 1 },
	{ "__builtin_clzll", HOW_BUILTIN, BI_CLZ, 1, 1 },
	{ "__builtin_ctz", HOW_BUILTIN, BI_CTZ, 1, 1 },
	{ "__builtin_ctzl", HOW_BUILTIN, BI_CTZ, 1, 1 },
	{ "__builtin_ctzll", HOW_BUILTIN, BI_CTZ, 1, 1 },
	{ "__builtin_popcount", HOW_BUILTIN, BI_POPCOUNT, 1, 1 },
	{ "__builtin_popcountl", HOW_BUILTIN, BI_POPCOUNT, 1, 1 },
	{ "__builtin_popcountll", HOW_BUILTIN, BI_POPCOUNT, 1, 1 },
	{ "__builtin_expect", HOW_EXPECT, 0, 2, 2 },
	{ "__builtin_constant_p", HOW_CONSTANT_P, 0, 1, 1 },
	{ "__builtin_choose_expr", HOW_CHOOSE, 0, 3, 3 },
	{ "__builtin_types_compatible_p", HOW_SAME_TYPE, 0, 0, 0 },
	{ "__builtin_offsetof", HOW_OFFSETOF, 0, 0, 0 },
	{ "offsetof", HOW_OFFSETOF, 0, 0, 0 },
	{ "__builtin_preserve_access_index", HOW_SAME, 0, 1, 1 },
	{ "__builtin_preserve_field_info", HOW_CORE_FIELD, 0, 0, 0 },
	{ "__skep_type_info", HOW_CORE_TYPE, 0, 0, 0 },
	{ "__skep_enum_info", HOW_CORE_ENUM, 0, 0, 0 },
	{ "bpf_ksym_exists", HOW_KSYM, 0, 1, 1 },
	{ "__builtin_preserve_type_info", HOW_NOT_YET, 0, 2, 2 },
	{ "__builtin_preserve_enum_value", HOW_NOT_YET, 0, 2, 2 },
	{ "__builtin_btf_type_id", HOW_NOT_YET, 0, 2, 2 },
	{ "__builtin_strlen", HOW_STRLEN, 0, 1, 1 },
	{ "strlen", HOW_STRLEN, 0, 1, 1 },
	{ "__builtin_bswap16", HOW_SWAP, 16, 1, 1 },
	{ "__builtin_bswap32", HOW_SWAP, 32, 1, 1 },
	{ "__builtin_bswap64", HOW_SWAP, 64, 1, 1 },
	{ "bpf_ntohs", HOW_SWAP, 16, 1, 1 },
	{ "bpf_htons", HOW_SWAP, 16, 1, 1 },
	{ "bpf_ntohl", HOW_SWAP, 32, 1, 1 },
	{ "bpf_htonl", HOW_SWAP, 32, 1, 1 },
	{ "bpf_be64_to_cpu", HOW_SWAP, 64, 1, 1 },
	{ "bpf_cpu_to_be64", HOW_SWAP, 64, 1, 1 },
	{ "ntohs", HOW_SWAP, 16, 1, 1 },
	{ "htons", HOW_SWAP, 16, 1, 1 },
	{ "ntohl", HOW_SWAP, 32, 1, 1 },
	{ "htonl", HOW_SWAP, 32, 1, 1 },
	{ "__sync_fetch_and_add", HOW_FETCH, ISA_ATOMIC_ADD, 2, 2 },
	{ "__sync_fetch_and_or", HOW_FETCH, ISA_ATOMIC_OR, 2, 2 },
	{ "__sync_fetch_and_and", HOW_FETCH, ISA_ATOMIC_AND, 2, 2 },
	{ "__sync_fetch_and_xor", HOW_FETCH, ISA_ATOMIC_XOR, 2, 2 },
	{ "__sync_fetch_and_sub", HOW_FETCH_SUB, ISA_ATOMIC_ADD, 2, 2 },
	{ "lock_xadd", HOW_FETCH, ISA_ATOMIC_ADD, 2, 2 },
	{ "__atomic_fetch_add", HOW_FETCH, ISA_ATOMIC_ADD, 3, 3 },
	{ "__atomic_fetch_or", HOW_FETCH, ISA_ATOMIC_OR, 3, 3 },
	{ "__atomic_fetch_and", HOW_FETCH, ISA_ATOMIC_AND, 3, 3 },
	{ "__atomic_fetch_xor", HOW_FETCH, ISA_ATOMIC_XOR, 3, 3 },
	{ "__atomic_fetch_sub", HOW_FETCH_SUB, ISA_ATOMIC_ADD, 3, 3 },
	{ "__sync_add_and_fetch", HOW_OP_FETCH, '+', 2, 2 },
	{ "__sync_or_and_fetch", HOW_OP_FETCH, '|', 2, 2 },
	{ "__sync_and_and_fetch", HOW_OP_FETCH, '&', 2, 2 },
	{ "__sync_xor_and_fetch", HOW_OP_FETCH, '^', 2, 2 },
	{ "__sync_sub_and_fetch", HOW_OP_FETCH, '-', 2, 2 },
	{ "__sync_lock_test_and_set", HOW_EXCHANGE, ISA_XCHG, 2, 2 },
	{ "__atomic_exchange_n", HOW_EXCHANGE, ISA_XCHG, 3, 3 },
	{ "__sync_val_compare_and_swap", HOW_COMPARE_VALUE, ISA_CMPXCHG, 3, 3 },
	{ "__sync_bool_compare_and_swap", HOW_COMPARE_BOOL, ISA_CMPXCHG, 3, 3 },
	{ "__sync_synchronize", HOW_NOTHING, 0, 0, 0 },
	{ "__skep_regs", HOW_REGS, 0, 2, 2 },
};

static const struct row *find_row(str name)
{
	for (u32 i = 0; i < ARRAY_LEN(rows); i++)
		if (str_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

void cfp_builtin_near(struct nearest *near)
{
	for (u32 i = 0; i < ARRAY_LEN(rows); i++)
		if (!str_starts(str_of(rows[i].name), "__skep"))
			nearest_offer(near, str_of(rows[i].name));
}

/* What is being built, and from what. */
struct call {
	struct parser *p;
	const struct row *row;
	str name;
	struct span span;
	expr_list args;
};

static struct cf_expr *with_args(struct call *c, enum ex_kind kind, const struct type *ty)
{
	struct cf_expr *e = cfx_new(c->p, kind, ty, c->span, NULL, NULL);

	e->args = arena_dup(c->p->a, c->args.at, c->args.n * sizeof(*c->args.at));
	e->n_args = c->args.n;
	return e;
}

static struct cf_expr *poison(struct call *c)
{
	return cfx_poison(c->p, c->span);
}

static const char *argument_name(struct call *c, u32 i)
{
	return str_z(c->p->a,
		     str_printf(c->p->a, "argument %u of '" STR_FMT "'", i + 1, STR_ARG(c->name)));
}

/* ---- memory ---------------------------------------------------------------------------------- */

static struct cf_expr *memory(struct call *c)
{
	struct parser *p = c->p;
	const struct type *void_ptr = ty_ptr_to(p->t, ty_basic(p->t, TY_B_VOID));
	bool is_set = c->row->arg == BI_MEMSET, is_compare = c->row->arg == BI_MEMCMP;
	const struct type *ty = is_compare ? ty_basic(p->t, TY_B_INT) : void_ptr;
	struct cf_expr *e;

	for (u32 i = 0; i < 3; i++) {
		struct cf_expr *a = cfx_value(p, c->args.at[i]);

		if (is_poison(p, a))
			return poison(c);
		if (i == 2 || (i == 1 && is_set)) {
			a = cfx_integer(p, a, argument_name(c, i));
			a = i == 2 ? cf_convert(p->u, a, ty_basic(p->t, TY_B_ULONG)) : a;
		} else if (!ty_is_ptr(a->type)) {
			cfp_error(p, a->span, E_ARGS, "%s must be a pointer, this is '%s'",
				  argument_name(c, i), cfp_text(p, a->type));
			return poison(c);
		}
		if (is_poison(p, a))
			return poison(c);
		c->args.at[i] = a;
	}
	if (!is_compare && ty_strip(ty_strip(c->args.at[0]->type)->to)->quals & TY_CONST)
		cfp_error(p, c->args.at[0]->span, E_CONST, "what it writes to is const");
	e = with_args(c, EX_BUILTIN, ty);
	e->builtin = (enum cf_builtin)c->row->arg;
	return e;
}

static struct cf_expr *simple_builtin(struct call *c)
{
	struct parser *p = c->p;
	const struct type *ty = ty_basic(p->t, c->args.n ? TY_B_INT : TY_B_VOID);
	struct cf_expr *e;
	s64 v;

	if (c->row->arg == BI_MEMCPY || c->row->arg == BI_MEMSET || c->row->arg == BI_MEMCMP)
		return memory(c);
	if (c->args.n) {
		const struct type *want;

		c->args.at[0] = cfx_integer(p, c->args.at[0], argument_name(c, 0));
		want = ty_basic(p->t, str_ends(c->name, "ll")  ? TY_B_ULLONG
				      : str_ends(c->name, "l") ? TY_B_ULONG
							       : TY_B_UINT);
		c->args.at[0] = cf_convert(p->u, c->args.at[0], want);
		if (is_poison(p, c->args.at[0]))
			return poison(c);
		if (cf_const_value(p->u, c->args.at[0], &v) && (v || c->row->arg == BI_POPCOUNT)) {
			u32 bits = (u32)want->size * 8;

			return cfx_int(p,
				       c->row->arg == BI_POPCOUNT ? __builtin_popcountll((u64)v)
				       : c->row->arg == BI_CTZ
					       ? __builtin_ctzll((u64)v)
					       : __builtin_clzll((u64)v) - (s64)(64 - bits),
				       c->span);
		}
	}
	e = with_args(c, EX_BUILTIN, ty);
	e->builtin = (enum cf_builtin)c->row->arg;
	return e;
}

static struct cf_expr *swap(struct call *c)
{
	struct parser *p = c->p;
	const struct type *ty = ty_int_of(p->t, (u32)c->row->arg / 8, false);
	struct cf_expr *a = cfx_integer(p, c->args.at[0], argument_name(c, 0)), *e;
	s64 v;

	if (is_poison(p, a))
		return a;
	if (__BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ && !str_starts(c->name, "__builtin"))
		return cf_convert(p->u, a, ty);
	e = cfx_new(p, EX_BSWAP, ty, c->span, cf_convert(p->u, a, ty), NULL);
	e->bits = (u32)c->row->arg;
	if (cf_const_value(p->u, e, &v))
		return cfx_const(p, ty, v, c->span);
	return e;
}

/* ---- atomics --------------------------------------------------------------------------------- */

/* Checks the pointer and converts the operands to what it points to. */
static const struct type *atomic_operands(struct call *c, u32 n_values)
{
	struct parser *p = c->p;
	struct cf_expr *ptr = cfx_value(p, c->args.at[0]);
	const struct type *to;

	if (is_poison(p, ptr))
		return NULL;
	to = ty_is_ptr(ptr->type) ? ty_strip(ptr->type)->to : NULL;
	if (!to || !ty_is_scalar(to) || (ty_strip(to)->size != 4 && ty_strip(to)->size != 8)) {
		cfp_error(p, ptr->span, E_ARGS,
			  "%s must point to an integer of 4 or 8 bytes, this is '%s'",
			  argument_name(c, 0), cfp_text(p, ptr->type));
		return NULL;
	}
	c->args.at[0] = ptr;
	for (u32 i = 1; i <= n_values; i++) {
		c->args.at[i] = cfx_assignable(p, c->args.at[i], to, argument_name(c, i));
		if (is_poison(p, c->args.at[i]))
			return NULL;
	}
	/* What is behind them says how much order is wanted; BPF's atomics give all there is. */
	c->args.n = 1 + n_values;
	return cfx_bare(to);
}

static struct cf_expr *fetch(struct call *c, s32 atomic, bool negated)
{
	const struct type *ty = atomic_operands(c, 1);
	struct cf_expr *e;

	if (!ty)
		return poison(c);
	if (negated) {
		e = cfx_unary(c->p, '-', c->args.at[1], c->args.at[1]->span);
		c->args.at[1] = cf_convert(c->p->u, e, ty);
	}
	e = with_args(c, EX_ATOMIC, ty);
	e->atomic = atomic | ISA_FETCH;
	return e;
}

/* old op value, where the value is computed twice: so it must be constant. */
static struct cf_expr *op_fetch(struct call *c)
{
	struct parser *p = c->p;
	u32 op = (u32)c->row->arg;
	s32 atomic = op == '+' || op == '-' ? ISA_ATOMIC_ADD
		     : op == '|'	    ? ISA_ATOMIC_OR
		     : op == '&'	    ? ISA_ATOMIC_AND
					    : ISA_ATOMIC_XOR;
	struct cf_expr *value = c->args.at[1], *e = fetch(c, atomic, op == '-');
	s64 v;

	if (is_poison(p, e))
		return e;
	if (!cf_const_value(p->u, c->args.at[1], &v)) {
		cfp_not_yet(p, c->span, "'" STR_FMT "' with a value that is not constant",
			    STR_ARG(c->name));
		return poison(c);
	}
	return cf_convert(p->u, cfx_binary(p, op, e, value, c->span), e->type);
}

static struct cf_expr *exchange(struct call *c)
{
	const struct type *ty = atomic_operands(c, 1);
	struct cf_expr *e;

	if (!ty)
		return poison(c);
	e = with_args(c, EX_ATOMIC, ty);
	e->atomic = ISA_XCHG;
	return e;
}

static struct cf_expr *compare_and_swap(struct call *c)
{
	const struct type *ty = atomic_operands(c, 2);
	struct cf_expr *e;
	s64 v;

	if (!ty)
		return poison(c);
	e = with_args(c, EX_ATOMIC, ty);
	e->atomic = ISA_CMPXCHG;
	if (c->row->how == HOW_COMPARE_VALUE)
		return e;
	if (!cf_const_value(c->p->u, c->args.at[1], &v)) {
		cfp_not_yet(c->p, c->span, "'" STR_FMT "' with a value that is not constant",
			    STR_ARG(c->name));
		return poison(c);
	}
	return cfx_binary(c->p, P_EQ, e, c->args.at[1], c->span);
}

/* ---- questions to the compiler ------------------------------------------------------------------- */

static struct cf_expr *expect(struct call *c)
{
	struct cf_expr *e, *a = cfx_integer(c->p, c->args.at[0], argument_name(c, 0));
	s64 v;

	/* long __builtin_expect(long, long) */
	a = is_poison(c->p, a) ? a : cf_convert(c->p->u, a, ty_basic(c->p->t, TY_B_LONG));
	c->args.at[0] = a;
	c->args.at[1] = cfx_integer(c->p, c->args.at[1], argument_name(c, 1));
	if (is_poison(c->p, a) || is_poison(c->p, c->args.at[1]))
		return poison(c);
	if (cf_const_value(c->p->u, a, &v))
		return cfx_const(c->p, a->type, v, c->span);
	e = with_args(c, EX_BUILTIN, a->type);
	e->builtin = BI_EXPECT;
	return e;
}

static struct cf_expr *string_length(struct call *c)
{
	struct cf_expr *e = c->args.at[0];
	u32 n = 0;

	if (e->kind != EX_STRING) {
		cfp_not_yet(c->p, c->span, "'" STR_FMT "' of what is no string literal",
			    STR_ARG(c->name));
		return poison(c);
	}
	while (n < e->bytes.n && e->bytes.s[n])
		n++;
	return cfx_const(c->p, ty_basic(c->p->t, TY_B_ULONG), n, c->span);
}

static struct cf_expr *constant_p(struct call *c)
{
	struct cf_expr *e = c->args.at[0];
	s64 v;
	bool is_constant =
		e->kind == EX_STRING || (!is_poison(c->p, e) && cf_const_value(c->p->u, e, &v));

	return cfx_int(c->p, is_constant, c->span);
}

static struct cf_expr *choose(struct call *c)
{
	s64 v;

	if (cf_const_value(c->p->u, c->args.at[0], &v))
		return c->args.at[v ? 1 : 2];
	if (!is_poison(c->p, c->args.at[0]))
		cfp_error(c->p, c->args.at[0]->span, E_CONST, "%s must be constant",
			  argument_name(c, 0));
	return poison(c);
}

/* __builtin_types_compatible_p ( type-name , type-name ) */
static struct cf_expr *same_type(struct parser *p, struct span at)
{
	const struct type *a, *b;

	a = cfp_type_name(p);
	cfp_expect(p, ',', "between the two types");
	b = cfp_type_name(p);
	cfp_expect(p, ')', "behind the types");
	at = span_to_here(p, at);
	if (a == p->u->poison || b == p->u->poison)
		return cfx_poison(p, at);
	return cfx_int(p, ty_same(a, b), at);
}

/* offsetof ( type-name , member-designator ) (C11 7.19) as &((type *)0)->member */
static struct cf_expr *offset_of(struct parser *p, struct span at)
{
	const struct type *ty = cfp_type_name(p), *ulong = ty_basic(p->t, TY_B_ULONG);
	struct cf_expr *e;
	s64 v;

	e = ty == p->u->poison ? cfx_poison(p, at)
			       : cfx_deref(p, cfx_const(p, ty_ptr_to(p->t, ty), 0, at), at);
	if (!cfp_expect(p, ',', "behind the type"))
		return cfx_poison(p, at);
	do {
		if (!at_name(p)) {
			cfp_expected(p, "the name of a member");
			return cfx_poison(p, at);
		}
		e = cfx_member(p, e, p->tok->text, p->tok->span);
		cfp_next(p);
		while (cfp_accept(p, '[')) {
			struct cf_expr *i = cfp_expression(p);

			cfp_expect(p, ']', "behind the index");
			e = cfx_binary(p, '+', e, i, i->span);
			e = is_poison(p, e) ? e : cfx_deref(p, e, e->span);
		}
	} while (cfp_accept(p, '.'));
	cfp_expect(p, ')', "behind the member");
	at = span_to_here(p, at);
	if (is_poison(p, e))
		return cfx_poison(p, at);
	e = cfx_cast(p, ulong, cfx_addr(p, e, at), at);
	if (is_poison(p, e) || cf_const_value(p->u, e, &v))
		return is_poison(p, e) ? e : cfx_const(p, ulong, v, at);
	return e;
}

/* __skep_regs(ctx, which): see enum in lib's ptrace macros and lower_regs() */
static struct cf_expr *regs(struct call *c)
{
	struct parser *p = c->p;
	struct cf_expr *ctx = cfx_value(p, c->args.at[0]), *e;
	s64 which;

	if (is_poison(p, ctx))
		return poison(c);
	if (!ty_is_ptr(ctx->type)) {
		cfp_error(p, ctx->span, E_ARGS,
			  "registers are read from a pointer to struct pt_regs, "
			  "this is '%s'",
			  cfp_text(p, ctx->type));
		return poison(c);
	}
	if (!cf_const_value(p->u, c->args.at[1], &which) || which < 0 || which > 21) {
		cfp_error(p, c->span, E_CONST, "there is no such register");
		return poison(c);
	}
	e = cfx_new(p, EX_REGS, ty_basic(p->t, TY_B_ULONG), c->span, ctx, NULL);
	e->value = which;
	return e;
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static struct cf_expr *build(struct call *c)
{
	struct parser *p = c->p;

	switch (c->row->how) {
	case HOW_BUILTIN: return simple_builtin(c);
	case HOW_SWAP: return swap(c);
	case HOW_FETCH: return fetch(c, c->row->arg, false);
	case HOW_FETCH_SUB: return fetch(c, c->row->arg, true);
	case HOW_OP_FETCH: return op_fetch(c);
	case HOW_EXCHANGE: return exchange(c);
	case HOW_COMPARE_VALUE:
	case HOW_COMPARE_BOOL: return compare_and_swap(c);
	case HOW_EXPECT: return expect(c);
	case HOW_CONSTANT_P: return constant_p(c);
	case HOW_CHOOSE: return choose(c);
	case HOW_SAME: return c->args.at[0];
	case HOW_REGS: return regs(c);
	case HOW_KSYM: return cfp_ksym_exists(p, c->args.at[0], c->span);
	case HOW_STRLEN: return string_length(c);
	case HOW_NOTHING:
		return cfx_new(p, EX_CAST, ty_basic(p->t, TY_B_VOID), c->span,
			       cfx_int(p, 0, c->span), NULL);
	default: cfp_not_yet(p, c->span, "'" STR_FMT "'", STR_ARG(c->name)); return poison(c);
	}
}

struct cf_expr *cfp_builtin(struct parser *p)
{
	static const struct row unknown = { "", HOW_NOT_YET, 0, 0, 255 };
	struct call c = {
		.p = p, .row = find_row(p->tok->text), .name = p->tok->text, .span = p->tok->span
	};

	if (!c.row) {
		if (!str_starts(c.name, "__builtin_") && !str_starts(c.name, "__sync_") &&
		    !str_starts(c.name, "__atomic_"))
			return NULL;
		c.row = &unknown;
	}
	cfp_next(p);
	cfp_next(p);
	if (c.row->how == HOW_SAME_TYPE)
		return same_type(p, c.span);
	if (c.row->how == HOW_OFFSETOF)
		return offset_of(p, c.span);
	switch (c.row->how) {
	case HOW_CORE_FIELD: return cfp_core_field(p, c.span);
	case HOW_CORE_TYPE: return cfp_core_type(p, c.span);
	case HOW_CORE_ENUM: return cfp_core_enum(p, c.span);
	default: break;
	}
	p->unevaluated += c.row->how == HOW_CONSTANT_P || c.row->how == HOW_KSYM;
	cfp_arguments(p, &c.args);
	p->unevaluated -= c.row->how == HOW_CONSTANT_P || c.row->how == HOW_KSYM;
	c.span = span_to_here(p, c.span);
	if (p->panic || cfp_wrong_count(p, c.span, c.name, c.args.n, c.row->least, c.row->most))
		return poison(&c);
	return build(&c);
}
