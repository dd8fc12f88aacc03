/* builtin.c: names that work like functions but are part of the language (C11 has none; GNU C does).
 *
 * __builtin_… and the memory functions, byte swaps, offsetof, and __skep_regs(), which lib's PT_REGS
 * macros are made of; __sync_… and __atomic_… are in builtin_atomic.c. A table says for each name how many
 * arguments it takes and what makes a node of them; what is constant is folded.
 *
 * Left out, and refused: builtins that the table marks so (they would need code that is not there yet).
 */
#include "cfront/builtin.h"
#include "cfront/kernel.h"

#include <string.h>

/* Sorted by group; few enough to search in order. */
static const struct builtin_row rows[] = {
	{ "__builtin_memcpy", HOW_BUILTIN, BI_MEMCPY, 3, 3 },
	{ "memcpy", HOW_BUILTIN, BI_MEMCPY, 3, 3 },
	{ "__builtin_memset", HOW_BUILTIN, BI_MEMSET, 3, 3 },
	{ "memset", HOW_BUILTIN, BI_MEMSET, 3, 3 },
	{ "__builtin_memcmp", HOW_BUILTIN, BI_MEMCMP, 3, 3 },
	{ "memcmp", HOW_BUILTIN, BI_MEMCMP, 3, 3 },
	{ "__builtin_bcmp", HOW_BUILTIN, BI_MEMCMP, 3, 3 },
	{ "__builtin_memmove", HOW_BUILTIN, BI_MEMMOVE, 3, 3 },
	{ "memmove", HOW_BUILTIN, BI_MEMMOVE, 3, 3 },
	{ "__builtin_strncmp", HOW_BUILTIN, BI_STRNCMP, 3, 3 },
	{ "strncmp", HOW_BUILTIN, BI_STRNCMP, 3, 3 },
	{ "__builtin_strcmp", HOW_STRCMP, BI_STRNCMP, 2, 2 },
	{ "strcmp", HOW_STRCMP, BI_STRNCMP, 2, 2 },
	{ "__builtin_unreachable", HOW_BUILTIN, BI_UNREACHABLE, 0, 0 },
	{ "__builtin_trap", HOW_BUILTIN, BI_TRAP, 0, 0 },
	{ "__builtin_clz", HOW_BITS, BI_CLZ, 1, 1 },
	{ "__builtin_clzl", HOW_BITS, BI_CLZ, 1, 1 },
	{ "__builtin_clzll", HOW_BITS, BI_CLZ, 1, 1 },
	{ "__builtin_ctz", HOW_BITS, BI_CTZ, 1, 1 },
	{ "__builtin_ctzl", HOW_BITS, BI_CTZ, 1, 1 },
	{ "__builtin_ctzll", HOW_BITS, BI_CTZ, 1, 1 },
	{ "__builtin_ffs", HOW_BITS, BI_FFS, 1, 1 },
	{ "__builtin_ffsl", HOW_BITS, BI_FFS, 1, 1 },
	{ "__builtin_ffsll", HOW_BITS, BI_FFS, 1, 1 },
	{ "__builtin_popcount", HOW_BITS, BI_POPCOUNT, 1, 1 },
	{ "__builtin_popcountl", HOW_BITS, BI_POPCOUNT, 1, 1 },
	{ "__builtin_popcountll", HOW_BITS, BI_POPCOUNT, 1, 1 },
	{ "__builtin_parity", HOW_BITS, BI_PARITY, 1, 1 },
	{ "__builtin_parityl", HOW_BITS, BI_PARITY, 1, 1 },
	{ "__builtin_parityll", HOW_BITS, BI_PARITY, 1, 1 },
	{ "__builtin_clrsb", HOW_BITS, BI_CLRSB, 1, 1 },
	{ "__builtin_clrsbl", HOW_BITS, BI_CLRSB, 1, 1 },
	{ "__builtin_clrsbll", HOW_BITS, BI_CLRSB, 1, 1 },
	{ "__builtin_abs", HOW_BITS, BI_ABS, 1, 1 },
	{ "__builtin_labs", HOW_BITS, BI_ABS, 1, 1 },
	{ "__builtin_llabs", HOW_BITS, BI_ABS, 1, 1 },
	{ "bpf_log2", HOW_BITS, BI_LOG2, 1, 1 },
	{ "bpf_log2l", HOW_BITS, BI_LOG2_PLUS_1, 1, 1 },
	{ "__builtin_add_overflow", HOW_OVERFLOW, BI_ADD_OVERFLOW, 3, 3 },
	{ "__builtin_sub_overflow", HOW_OVERFLOW, BI_SUB_OVERFLOW, 3, 3 },
	{ "__builtin_mul_overflow", HOW_OVERFLOW, BI_MUL_OVERFLOW, 3, 3 },
	{ "__builtin_expect", HOW_EXPECT, 0, 2, 2 },
	{ "__builtin_expect_with_probability", HOW_EXPECT, 0, 3, 3 },
	{ "__builtin_constant_p", HOW_CONSTANT_P, 0, 1, 1 },
	{ "__builtin_choose_expr", HOW_CHOOSE, 0, 3, 3 },
	{ "__builtin_types_compatible_p", HOW_SAME_TYPE, 0, 0, 0 },
	{ "__builtin_offsetof", HOW_OFFSETOF, 0, 0, 0 },
	{ "offsetof", HOW_OFFSETOF, 0, 0, 0 },
	{ "__builtin_object_size", HOW_OBJECT_SIZE, 0, 2, 2 },
	{ "__builtin_dynamic_object_size", HOW_OBJECT_SIZE, 0, 2, 2 },
	{ "__builtin_assume_aligned", HOW_SAME, 0, 2, 3 },
	{ "__builtin_assume", HOW_NOTHING, 0, 1, 1 },
	{ "__builtin_prefetch", HOW_NOTHING, 0, 1, 3 },
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
	{ "__atomic_add_fetch", HOW_OP_FETCH, '+', 3, 3 },
	{ "__atomic_or_fetch", HOW_OP_FETCH, '|', 3, 3 },
	{ "__atomic_and_fetch", HOW_OP_FETCH, '&', 3, 3 },
	{ "__atomic_xor_fetch", HOW_OP_FETCH, '^', 3, 3 },
	{ "__atomic_sub_fetch", HOW_OP_FETCH, '-', 3, 3 },
	{ "__sync_lock_test_and_set", HOW_EXCHANGE, ISA_XCHG, 2, 2 },
	{ "__sync_lock_release", HOW_STORE_ZERO, 0, 1, 1 },
	{ "__atomic_exchange_n", HOW_EXCHANGE, ISA_XCHG, 3, 3 },
	{ "__atomic_exchange", HOW_EXCHANGE_TO, ISA_XCHG, 4, 4 },
	{ "__atomic_load_n", HOW_LOAD, 0, 2, 2 },
	{ "__atomic_load", HOW_LOAD_TO, 0, 3, 3 },
	{ "__atomic_store_n", HOW_STORE, 0, 3, 3 },
	{ "__atomic_store", HOW_STORE_FROM, 0, 3, 3 },
	{ "__atomic_clear", HOW_STORE_ZERO, 0, 2, 2 },
	{ "__sync_val_compare_and_swap", HOW_COMPARE_VALUE, ISA_CMPXCHG, 3, 3 },
	{ "__sync_bool_compare_and_swap", HOW_COMPARE_BOOL, ISA_CMPXCHG, 3, 3 },
	{ "__atomic_compare_exchange_n", HOW_CAS, 0, 6, 6 },
	{ "__atomic_compare_exchange", HOW_CAS_FROM, 0, 6, 6 },
	{ "__sync_synchronize", HOW_BARRIER, 0, 0, 0 },
	{ "__atomic_thread_fence", HOW_BARRIER, 0, 1, 1 },
	{ "__atomic_signal_fence", HOW_BARRIER, 0, 1, 1 },
	{ "__builtin_alloca", HOW_REFUSED, 0, 0, 255 },
	{ "__builtin_return_address", HOW_REFUSED, 0, 0, 255 },
	{ "__builtin_frame_address", HOW_REFUSED, 0, 0, 255 },
	{ "__builtin_va_start", HOW_REFUSED, 0, 0, 255 },
	{ "__builtin_va_arg", HOW_REFUSED, 0, 0, 255 },
	{ "__builtin_va_end", HOW_REFUSED, 0, 0, 255 },
	{ "__skep_regs", HOW_REGS, 0, 2, 2 },
};

/* __builtin_uaddll_overflow and its like: the general one, whose operands are as the letters say anyway. */
static str plain_overflow(struct parser *p, str name)
{
	str rest = name, op;

	if (!str_starts(rest, "__builtin_") || !str_ends(rest, "_overflow") || rest.n < 23)
		return name;
	if (rest.s[10] != 's' && rest.s[10] != 'u')
		return name;
	op = str_sub(rest, 11, 3);
	rest = str_sub(rest, 14, rest.n - 14 - 9);
	if (rest.n && !str_is(rest, "l") && !str_is(rest, "ll"))
		return name;
	return str_printf(p->a, "__builtin_" STR_FMT "_overflow", STR_ARG(op));
}

static const struct builtin_row *find_row(struct parser *p, str name)
{
	if (name.n > 20 && name.s[0] == '_')
		name = plain_overflow(p, name);
	for (u32 i = 0; i < ARRAY_LEN(rows); i++)
		if (str_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

bool cf_has_builtin(str name)
{
	for (u32 i = 0; i < ARRAY_LEN(rows); i++)
		if (str_is(name, rows[i].name))
			return rows[i].how != HOW_NOT_YET && rows[i].how != HOW_REFUSED;
	return false;
}

void cfp_builtin_near(struct nearest *near)
{
	for (u32 i = 0; i < ARRAY_LEN(rows); i++)
		if (!str_starts(str_of(rows[i].name), "__skep"))
			nearest_offer(near, str_of(rows[i].name));
}

struct cf_expr *builtin_with_args(struct builtin_call *c, enum ex_kind kind, const struct type *ty)
{
	struct cf_expr *e = cfx_new(c->p, kind, ty, c->span, NULL, NULL);

	e->args = arena_dup(c->p->a, c->args.at, c->args.n * sizeof(*c->args.at));
	e->n_args = c->args.n;
	return e;
}

static struct cf_expr *poison(struct builtin_call *c)
{
	return cfx_poison(c->p, c->span);
}

const char *builtin_argument(struct builtin_call *c, u32 i)
{
	return str_z(c->p->a,
		     str_printf(c->p->a, "argument %u of '" STR_FMT "'", i + 1, STR_ARG(c->name)));
}

/* ---- memory ---------------------------------------------------------------------------------- */

static struct cf_expr *memory(struct builtin_call *c)
{
	struct parser *p = c->p;
	const struct type *void_ptr = ty_ptr_to(p->t, ty_basic(p->t, TY_B_VOID));
	bool is_set = c->row->arg == BI_MEMSET;
	bool is_compare = c->row->arg == BI_MEMCMP || c->row->arg == BI_STRNCMP;
	const struct type *ty = is_compare ? ty_basic(p->t, TY_B_INT) : void_ptr;
	struct cf_expr *e;

	for (u32 i = 0; i < 3; i++) {
		struct cf_expr *a = cfx_value(p, c->args.at[i]);

		if (is_poison(p, a))
			return poison(c);
		if (i == 2 || (i == 1 && is_set)) {
			a = cfx_integer(p, a, builtin_argument(c, i));
			a = i == 2 ? cf_convert(p->u, a, ty_basic(p->t, TY_B_ULONG)) : a;
		} else if (!ty_is_ptr(a->type)) {
			cfp_error(p, a->span, E_ARGS, "%s must be a pointer, this is '%s'",
				  builtin_argument(c, i), cfp_text(p, a->type));
			return poison(c);
		}
		if (is_poison(p, a))
			return poison(c);
		c->args.at[i] = a;
	}
	if (!is_compare && ty_strip(ty_strip(c->args.at[0]->type)->to)->quals & TY_CONST)
		cfp_error(p, c->args.at[0]->span, E_CONST, "what it writes to is const");
	e = builtin_with_args(c, EX_BUILTIN, ty);
	e->builtin = (enum cf_builtin)c->row->arg;
	return e;
}

static struct cf_expr *simple_builtin(struct builtin_call *c)
{
	struct cf_expr *e;

	if (c->row->least == 3)
		return memory(c);
	e = builtin_with_args(c, EX_BUILTIN, ty_basic(c->p->t, TY_B_VOID));
	e->builtin = (enum cf_builtin)c->row->arg;
	return e;
}

/* strcmp is strncmp where a literal says how long it can be. */
static struct cf_expr *compare_strings(struct builtin_call *c)
{
	const struct cf_expr *text = c->args.at[0];

	if (text->kind != EX_STRING)
		text = c->args.at[1];
	if (text->kind != EX_STRING) {
		if (cfp_not_yet(c->p, c->span, "'" STR_FMT "' of two strings that are no literals",
				STR_ARG(c->name)))
			diag_hint(c->p->dx, "strncmp() takes a bound");
		return poison(c);
	}
	*vec_push(c->p->a, &c->args) = cfx_int(c->p, (s64)text->bytes.n + 1, c->span);
	return memory(c);
}

/* ---- bits ------------------------------------------------------------------------------------ */

static s64 log2_of(u64 v)
{
	return 63 - __builtin_clzll(v | 1);
}

static s64 count_bits(enum cf_builtin b, u64 v, u32 bits)
{
	u64 sign = v >> (bits - 1) & 1 ? ~0ull >> (64 - bits) : 0;

	switch (b) {
	case BI_POPCOUNT: return __builtin_popcountll(v);
	case BI_PARITY: return __builtin_parityll(v);
	case BI_CTZ: return v ? (s64)__builtin_ctzll(v) : bits;
	case BI_FFS: return v ? __builtin_ctzll(v) + 1 : 0;
	case BI_CLRSB: return bits - 2 - (v == sign ? -1 : log2_of(v ^ sign));
	case BI_ABS: return (s64)(v ^ sign) - (s64)sign;
	case BI_LOG2: return log2_of(v);
	case BI_LOG2_PLUS_1: return log2_of(v) + 1;
	default: return v ? (s64)bits - 1 - log2_of(v) : bits;
	}
}

static bool is_signed_bits(enum cf_builtin b)
{
	return b == BI_ABS || b == BI_CLRSB || b == BI_FFS;
}

/* An operand of the width that the name's last letters say. */
static struct cf_expr *bits(struct builtin_call *c)
{
	struct parser *p = c->p;
	enum cf_builtin b = (enum cf_builtin)c->row->arg;
	bool is_long = str_ends(c->name, "l") && !str_is(c->name, "__builtin_labsl");
	const struct type *want = ty_int_of(p->t,
					    is_long || str_is(c->name, "__builtin_labs") ||
							    str_is(c->name, "__builtin_llabs")
						    ? 8
						    : 4,
					    is_signed_bits(b));
	struct cf_expr *a = cfx_integer(p, c->args.at[0], builtin_argument(c, 0)), *e;
	const struct type *ty = b == BI_ABS ? want : ty_basic(p->t, TY_B_INT);
	s64 v;

	if (is_poison(p, a))
		return poison(c);
	c->args.at[0] = a = cf_convert(p->u, a, want);
	if (cf_const_value(p->u, a, &v)) {
		u32 width = (u32)want->size * 8;

		v = count_bits(b, (u64)v & ~0ull >> (64 - width), width);
		return cfx_const(p, ty, v, c->span);
	}
	e = builtin_with_args(c, EX_BUILTIN, ty);
	e->builtin = b;
	return e;
}

/* ---- overflow -------------------------------------------------------------------------------- */

static struct cf_expr *overflow(struct builtin_call *c)
{
	struct parser *p = c->p;
	struct cf_expr *e;
	const struct type *to;

	for (u32 i = 0; i < 3; i++) {
		c->args.at[i] = cfx_value(p, c->args.at[i]);
		if (is_poison(p, c->args.at[i]))
			return poison(c);
	}
	to = ty_is_ptr(c->args.at[2]->type) ? ty_strip(c->args.at[2]->type)->to : NULL;
	if (!ty_is_int(c->args.at[0]->type) || !ty_is_int(c->args.at[1]->type) || !to ||
	    !ty_is_int(to) || ty_strip(to)->is_bool || ty_strip(to)->size > 8 ||
	    ty_strip(c->args.at[0]->type)->size > 8 || ty_strip(c->args.at[1]->type)->size > 8) {
		cfp_error(p, c->span, E_ARGS,
			  "'" STR_FMT
			  "' takes two integers and a pointer to one, of at most 64 bits",
			  STR_ARG(c->name));
		return poison(c);
	}
	e = builtin_with_args(c, EX_BUILTIN, ty_basic(p->t, TY_B_BOOL));
	e->builtin = (enum cf_builtin)c->row->arg;
	return e;
}

/* What __builtin_object_size says where nobody follows pointers: the most, or the least. */
static struct cf_expr *object_size(struct builtin_call *c)
{
	struct cf_expr *e = c->args.at[0];
	s64 how, size = -1;

	if (!cf_const_value(c->p->u, c->args.at[1], &how) || how < 0 || how > 3) {
		cfp_error(c->p, c->span, E_CONST, "%s must be 0, 1, 2 or 3",
			  builtin_argument(c, 1));
		return poison(c);
	}
	while (e->kind == EX_CAST && ty_is_ptr(e->type) && ty_is_ptr(e->a->type))
		e = e->a;
	if (e->kind == EX_ADDR && e->a->kind == EX_SYM)
		size = (s64)ty_strip(e->a->type)->size;
	else if (ty_strip(e->type)->kind == TY_ARRAY && (e->kind == EX_SYM || e->kind == EX_STRING))
		size = (s64)ty_strip(e->type)->size;
	else if (how >= 2)
		size = 0;
	return cfx_const(c->p, ty_basic(c->p->t, TY_B_ULONG), size, c->span);
}

static struct cf_expr *swap(struct builtin_call *c)
{
	struct parser *p = c->p;
	const struct type *ty = ty_int_of(p->t, (u32)c->row->arg / 8, false);
	struct cf_expr *a = cfx_integer(p, c->args.at[0], builtin_argument(c, 0)), *e;
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

/* ---- questions to the compiler ------------------------------------------------------------------- */

static struct cf_expr *expect(struct builtin_call *c)
{
	struct cf_expr *e, *a = cfx_integer(c->p, c->args.at[0], builtin_argument(c, 0));
	s64 v;

	/* long __builtin_expect(long, long) */
	a = is_poison(c->p, a) ? a : cf_convert(c->p->u, a, ty_basic(c->p->t, TY_B_LONG));
	c->args.at[0] = a;
	c->args.at[1] = cfx_integer(c->p, c->args.at[1], builtin_argument(c, 1));
	if (is_poison(c->p, a) || is_poison(c->p, c->args.at[1]))
		return poison(c);
	if (cf_const_value(c->p->u, a, &v))
		return cfx_const(c->p, a->type, v, c->span);
	e = builtin_with_args(c, EX_BUILTIN, a->type);
	e->builtin = BI_EXPECT;
	return e;
}

static struct cf_expr *string_length(struct builtin_call *c)
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

static struct cf_expr *constant_p(struct builtin_call *c)
{
	struct cf_expr *e = c->args.at[0];
	s64 v;
	bool is_constant =
		e->kind == EX_STRING || (!is_poison(c->p, e) && cf_const_value(c->p->u, e, &v));

	return cfx_int(c->p, is_constant, c->span);
}

static struct cf_expr *choose(struct builtin_call *c)
{
	s64 v;

	if (cf_const_value(c->p->u, c->args.at[0], &v))
		return c->args.at[v ? 1 : 2];
	if (!is_poison(c->p, c->args.at[0]))
		cfp_error(c->p, c->args.at[0]->span, E_CONST, "%s must be constant",
			  builtin_argument(c, 0));
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
static struct cf_expr *regs(struct builtin_call *c)
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

/* What no BPF program can have. */
static struct cf_expr *refused(struct builtin_call *c)
{
	bool is_list = str_starts(c->name, "__builtin_va_"),
	     is_memory = str_ends(c->name, "alloca");

	cfp_error(c->p, c->span, E_TYPE, "'" STR_FMT "': %s", STR_ARG(c->name),
		  is_list     ? "BPF functions have a fixed number of arguments"
		  : is_memory ? "BPF's stack is 512 bytes, laid out when compiling"
			      : "BPF programs cannot see their frames");
	return poison(c);
}

/* ---- dispatch -------------------------------------------------------------------------------- */

static struct cf_expr *build(struct builtin_call *c)
{
	struct parser *p = c->p;

	switch (c->row->how) {
	case HOW_BUILTIN: return simple_builtin(c);
	case HOW_STRCMP: return compare_strings(c);
	case HOW_BITS: return bits(c);
	case HOW_OVERFLOW: return overflow(c);
	case HOW_OBJECT_SIZE: return object_size(c);
	case HOW_SWAP: return swap(c);
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
	case HOW_REFUSED: return refused(c);
	case HOW_NOT_YET: break;
	default: return builtin_atomic(c);
	}
	cfp_not_yet(p, c->span, "'" STR_FMT "'", STR_ARG(c->name));
	return poison(c);
}

struct cf_expr *cfp_builtin(struct parser *p)
{
	static const struct builtin_row unknown = { "", HOW_NOT_YET, 0, 0, 255 };
	struct builtin_call c = {
		.p = p, .row = find_row(p, p->tok->text), .name = p->tok->text, .span = p->tok->span
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
