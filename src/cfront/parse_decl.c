/* parse_decl.c: declarations (C11 6.7): specifiers, declarators, attributes.
 *
 * Specifiers give a base type and storage; a declarator is read into a list of derivations from its name
 * outwards (pointer, array, function), which are then applied to the base type from the last to the
 * first, because C's declarations read inside out. Structs and enums are in parse_tag.c.
 *
 * GNU attributes that change meaning are kept (section, packed, aligned, always_inline, noinline, weak,
 * preserve_access_index, btf_type_tag); those that would change it and are not known are refused; all
 * others are skipped. `__user` and its like belong to the pointer that follows them.
 */
#include "cfront/parse_decl.h"

#include <string.h>

/* ---- attributes ------------------------------------------------------------------------------- */

static enum ty_space space_of(str tag)
{
	static const struct {
		const char *name;
		enum ty_space space;
	} rows[] = {
		{ "user", TY_SPACE_USER },     { "__user", TY_SPACE_USER },
		{ "rcu", TY_SPACE_RCU },       { "__rcu", TY_SPACE_RCU },
		{ "percpu", TY_SPACE_PERCPU }, { "__percpu", TY_SPACE_PERCPU },
		{ "kptr", TY_SPACE_KPTR },     { "kptr_untrusted", TY_SPACE_KPTR },
		{ "__kptr", TY_SPACE_KPTR },
	};

	for (u32 i = 0; i < ARRAY_LEN(rows); i++)
		if (str_is(tag, rows[i].name))
			return rows[i].space;
	return TY_SPACE_NONE;
}

/* "section" and "__section__" are one. */
static str plain_name(str name)
{
	if (name.n > 4 && str_starts(name, "__") && str_ends(name, "__"))
		return str_sub(name, 2, name.n - 4);
	return name;
}

static str attribute_string(struct parser *p)
{
	str s = STR("");

	if (cfp_expect(p, '(', "of the attribute's argument")) {
		if (p->tok->kind == TOK_STRING)
			s = p->tok->bytes;
		else
			cfp_expected(p, "a string");
		cfp_next(p);
		cfp_expect(p, ')', "behind the attribute's argument");
	}
	return s;
}

static void read_align(struct parser *p, u32 *out)
{
	struct span at = p->tok->span;
	s64 v = 16;

	if (cfp_accept(p, '(')) {
		if (name_begins_type(p, 0, IN_OPERAND)) {
			const struct type *ty = name_need_complete(p, cfp_type_name(p), at);

			v = ty ? ty_strip(ty)->align : 1;
		} else if (!cfp_constant(p, "an alignment", &v)) {
			v = 1;
		}
		cfp_expect(p, ')', "behind the alignment");
	}
	if (v <= 0 || v > 4096 || (v & (v - 1)))
		cfp_error(p, span_to_here(p, at), E_CONST,
			  "an alignment must be a power of two of at most 4096");
	else if ((u32)v > *out)
		*out = (u32)v;
}

static void one_attribute(struct parser *p, struct cf_attrs *out)
{
	struct span at = p->tok->span;
	str name = plain_name(p->tok->text);

	if (p->tok->kind != TOK_IDENT)
		return;
	cfp_next(p);
	if (str_is(name, "section")) {
		out->section = attribute_string(p);
	} else if (str_is(name, "btf_type_tag")) {
		out->space = space_of(attribute_string(p));
	} else if (str_is(name, "aligned")) {
		read_align(p, &out->align);
	} else if (str_is(name, "packed")) {
		out->packed = true;
	} else if (str_is(name, "always_inline")) {
		out->always_inline = true;
	} else if (str_is(name, "noinline")) {
		out->noinline = true;
	} else if (str_is(name, "weak")) {
		out->is_weak = true;
	} else if (str_is(name, "preserve_access_index")) {
		out->core = true;
	} else if (str_is(name, "vector_size") || str_is(name, "mode") ||
		   str_is(name, "scalar_storage_order") || str_is(name, "cleanup")) {
		cfp_not_yet(p, at, "attribute '" STR_FMT "'", STR_ARG(name));
	}
	if (at_punct(p, '('))
		cfp_skip_balanced(p);
}

/* Words that stand for attributes where no macro explains them. */
static bool word_attribute(struct parser *p, struct cf_attrs *out)
{
	if (!at_name(p))
		return false;
	if (str_is(p->tok->text, "SEC") && cfp_peek(p, 1)->kind == TOK_PUNCT &&
	    cfp_peek(p, 1)->punct == '(') {
		cfp_next(p);
		out->section = attribute_string(p);
		return true;
	}
	if (!str_starts(p->tok->text, "__") || !space_of(p->tok->text))
		return false;
	out->space = space_of(p->tok->text);
	cfp_next(p);
	return true;
}

/* attribute-specifier: __attribute__ (( attribute, … )) */
void cfp_attributes(struct parser *p, struct cf_attrs *out)
{
	for (;;) {
		if (word_attribute(p, out))
			continue;
		if (cfp_accept_keyword(p, K_ALIGNAS)) {
			read_align(p, &out->align);
			continue;
		}
		if (!cfp_accept_keyword(p, K_ATTRIBUTE))
			return;
		if (!cfp_expect(p, '(', "behind __attribute__") ||
		    !cfp_expect(p, '(', "behind __attribute__"))
			return;
		do {
			one_attribute(p, out);
		} while (cfp_accept(p, ','));
		if (!cfp_expect(p, ')', "behind the attributes") ||
		    !cfp_expect(p, ')', "behind the attributes"))
			return;
	}
}

/* ---- specifiers ------------------------------------------------------------------------------- */

/* How often each word of a basic type was met. */
struct words {
	u8 n_void, n_bool, n_char, n_short, n_int, n_long, n_float, n_signed, n_unsigned, n_int128;
};

static bool basic_word(struct parser *p, struct words *w)
{
	switch (p->tok->keyword) {
	case K_VOID: w->n_void++; break;
	case K_BOOL: w->n_bool++; break;
	case K_CHAR: w->n_char++; break;
	case K_SHORT: w->n_short++; break;
	case K_INT: w->n_int++; break;
	case K_LONG: w->n_long++; break;
	case K_FLOAT:
	case K_DOUBLE: w->n_float++; break;
	case K_SIGNED: w->n_signed++; break;
	case K_UNSIGNED: w->n_unsigned++; break;
	case K_INT128: w->n_int128++; break;
	default: return false;
	}
	if (p->tok->keyword == K_FLOAT || p->tok->keyword == K_DOUBLE) {
		if (cfp_error(p, p->tok->span, E_FLOAT, "BPF has no floating point"))
			diag_hint(p->dx,
				  "count in integers of a smaller unit: thousandths, nanoseconds");
	}
	cfp_next(p);
	return true;
}

/* C11 6.7.2p2; false if the words do not go together */
static bool basic_type(const struct words *w, enum ty_basic *out)
{
	u32 sizes = w->n_void + w->n_bool + w->n_char + w->n_int128 + w->n_short + !!w->n_long;
	bool u = w->n_unsigned;

	if (sizes > 1 || w->n_signed + w->n_unsigned > 1 || w->n_int > 1 || w->n_long > 2)
		return false;
	if ((w->n_void || w->n_bool) && (w->n_int || w->n_signed || w->n_unsigned))
		return false;
	if ((w->n_char || w->n_int128) && w->n_int)
		return false;
	if (w->n_void)
		*out = TY_B_VOID;
	else if (w->n_bool)
		*out = TY_B_BOOL;
	else if (w->n_char)
		*out = u ? TY_B_UCHAR : w->n_signed ? TY_B_SCHAR : TY_B_CHAR;
	else if (w->n_short)
		*out = u ? TY_B_USHORT : TY_B_SHORT;
	else if (w->n_long)
		*out = w->n_long == 2 ? u ? TY_B_ULLONG : TY_B_LLONG : u ? TY_B_ULONG : TY_B_LONG;
	else if (w->n_int128)
		*out = u ? TY_B_UINT128 : TY_B_INT128;
	else
		*out = u ? TY_B_UINT : TY_B_INT;
	return true;
}

static bool storage(struct parser *p, struct cf_specs *s)
{
	switch (p->tok->keyword) {
	case K_TYPEDEF: s->is_typedef = true; break;
	case K_EXTERN: s->is_extern = true; break;
	case K_STATIC: s->is_static = true; break;
	case K_INLINE: s->is_inline = true; break;
	case K_NORETURN: s->is_noreturn = true; break;
	case K_AUTO:
	case K_REGISTER:
	case K_EXTENSION: break;
	case K_THREAD_LOCAL: cfp_not_yet(p, p->tok->span, "a thread-local variable"); break;
	default: return false;
	}
	cfp_next(p);
	return true;
}

static u8 qualifier(struct parser *p)
{
	u8 q = at_keyword(p, K_CONST)	   ? TY_CONST
	       : at_keyword(p, K_VOLATILE) ? TY_VOLATILE
	       : at_keyword(p, K_RESTRICT) ? TY_RESTRICT
					   : 0;

	if (q)
		cfp_next(p);
	return q;
}

/* typeof ( expression | type-name ) */
static const struct type *typeof_specifier(struct parser *p)
{
	const struct type *ty = p->u->poison;

	cfp_next(p);
	if (!cfp_expect(p, '(', "behind typeof"))
		return ty;
	if (name_begins_type(p, 0, IN_OPERAND)) {
		ty = cfp_type_name(p);
	} else {
		struct cf_expr *e;

		p->unevaluated++;
		e = cfp_expression(p);
		p->unevaluated--;
		ty = e->type;
	}
	cfp_expect(p, ')', "behind typeof's operand");
	return ty;
}

/* A type that is not made of basic words; NULL if the next token begins none. */
static const struct type *other_type(struct parser *p, struct cf_specs *s)
{
	const struct type *ty;

	switch (p->tok->keyword) {
	case K_STRUCT:
	case K_UNION: return cfp_struct_specifier(p, s);
	case K_ENUM: return cfp_enum_specifier(p, s);
	case K_TYPEOF: return typeof_specifier(p);
	case K_AUTO_TYPE:
		s->is_auto_type = true;
		cfp_next(p);
		return ty_basic(p->t, TY_B_INT);
	case K_NONE: break;
	default: return NULL;
	}
	ty = name_type(p, p->tok->text, true);
	if (!ty) {
		name_unknown_type(p, p->tok->text, p->tok->span);
		ty = p->u->poison;
	}
	cfp_next(p);
	return ty;
}

static const struct type *finish_type(struct parser *p, const struct words *w, bool has_words,
				      const struct type *other, struct span at)
{
	enum ty_basic b;

	if (w->n_float)
		return p->u->poison;
	if (other && !has_words)
		return other;
	if (!other && !has_words) {
		cfp_expected(p, "a type");
		return p->u->poison;
	}
	if (!other && basic_type(w, &b))
		return ty_basic(p->t, b);
	cfp_error(p, at, E_SYNTAX, "these words do not make one type");
	return p->u->poison;
}

/* declaration-specifiers (C11 6.7) */
void cfp_specifiers(struct parser *p, struct cf_specs *out)
{
	struct words w = { 0 };
	const struct type *other = NULL;
	bool has_words = false;
	u8 quals = 0, q;

	*out = (struct cf_specs){ .span = p->tok->span, .type = p->u->poison };
	if (!cfp_enter(p))
		return;
	for (;;) {
		const struct token *before = p->tok;

		cfp_attributes(p, &out->attrs);
		q = qualifier(p);
		quals |= q;
		if (q || p->tok != before)
			continue;
		if (p->tok->kind != TOK_IDENT)
			break;
		if (storage(p, out))
			continue;
		if (basic_word(p, &w)) {
			has_words = true;
			continue;
		}
		if (other || has_words)
			break;
		other = other_type(p, out);
		if (!other)
			break;
	}
	cfp_leave(p);
	out->span = span_to_here(p, out->span);
	out->type = finish_type(p, &w, has_words, other, out->span);
	if (quals && out->type != p->u->poison)
		out->type = ty_qualify(p->t, out->type, out->type->quals | quals);
}

/* ---- declarators ------------------------------------------------------------------------------ */

enum { LAYERS_MAX = 60, STARS_MAX = 16 };
enum op_kind { OP_PTR, OP_ARRAY, OP_FUNC };
struct op {
	enum op_kind kind;
	u8 quals;
	enum ty_space space;
	u64 count;
	vec(struct cf_sym *) params;
	bool variadic;
	struct span span;
};
typedef vec(struct op) op_list;

static void declarator_ops(struct parser *p, bool abstract_ok, enum ty_space space,
			   struct cf_declarator *d, op_list *ops);

static const struct type *parameter_type(struct parser *p, const struct type *ty)
{
	const struct type *s = ty_strip(ty);

	if (s->kind == TY_ARRAY)
		return ty_ptr_to(p->t, s->to);
	if (s->kind == TY_FUNC)
		return ty_ptr_to(p->t, ty);
	return ty;
}

/* parameter-type-list, behind its `(` (C11 6.7.6.3) */
static void parameters(struct parser *p, struct op *op)
{
	if (cfp_accept(p, ')'))
		return;
	if (at_keyword(p, K_VOID) && cfp_peek(p, 1)->kind == TOK_PUNCT &&
	    cfp_peek(p, 1)->punct == ')') {
		cfp_next(p);
		cfp_next(p);
		return;
	}
	do {
		struct cf_specs s;
		struct cf_declarator d;
		struct cf_sym *param;

		if (cfp_accept(p, P_ELLIPSIS)) {
			op->variadic = true;
			break;
		}
		cfp_specifiers(p, &s);
		cfp_declarator(p, &s, true, &d);
		param = cfp_sym_new(p, SYM_PARAM, d.name, parameter_type(p, d.type),
				    span_known(d.span) ? d.span : s.span);
		param->index = op->params.n;
		if (ty_is_void(param->type) && param->type != p->u->poison)
			cfp_error(p, param->span, E_TYPE, "a parameter cannot be void");
		*vec_push(p->a, &op->params) = param;
	} while (cfp_accept(p, ','));
	cfp_expect(p, ')', "behind the parameters");
}

/* [ constant-expression ], behind its `[` */
static void array_bound(struct parser *p, struct op *op)
{
	struct cf_expr *e;
	s64 n;

	op->count = TY_UNSIZED;
	cfp_accept_keyword(p, K_STATIC);
	while (qualifier(p))
		;
	if (cfp_accept(p, ']'))
		return;
	e = cfx_value(p, cfp_assignment(p));
	if (!is_poison(p, e)) {
		if (!ty_is_int(e->type))
			cfp_error(p, e->span, E_TYPE, "an array's size must be an integer");
		else if (!cf_const_value(p->u, e, &n) && !p->fn)
			cfp_error(p, e->span, E_CONST, "an array's size must be constant");
		else if (!cf_const_value(p->u, e, &n))
			cfp_not_yet(p, e->span, "an array of variable size");
		else if (n < 0 && ty_signed(e->type))
			cfp_error(p, e->span, E_CONST, "an array's size cannot be negative");
		else
			op->count = (u64)n;
	}
	if (op->count == TY_UNSIZED)
		op->count = 1;
	op->span = e->span;
	cfp_expect(p, ']', "behind the array's size");
}

/* Is this `(` one of a nested declarator, not of a parameter list? */
static bool opens_nested(struct parser *p)
{
	const struct token *t = cfp_peek(p, 1);

	if (t->kind == TOK_PUNCT)
		return t->punct == '*' || t->punct == '(' || t->punct == '[';
	if (t->kind != TOK_IDENT)
		return false;
	return t->keyword == K_ATTRIBUTE || (t->keyword == K_NONE && !name_type(p, t->text, false));
}

static void suffixes(struct parser *p, op_list *ops)
{
	for (;;) {
		struct op op = { .span = p->tok->span };

		if (cfp_accept(p, '[')) {
			op.kind = OP_ARRAY;
			array_bound(p, &op);
		} else if (cfp_accept(p, '(')) {
			op.kind = OP_FUNC;
			if (cfp_enter(p)) {
				parameters(p, &op);
				cfp_leave(p);
			}
		} else {
			return;
		}
		if (ops->n >= NEST_MAX) {
			cfp_fail(p, op.span, E_TOO_LARGE, "a declarator of more than %d parts",
				 NEST_MAX);
			return;
		}
		*vec_push(p->a, ops) = op;
	}
}

/* direct-declarator (C11 6.7.6) */
static void direct_declarator(struct parser *p, bool abstract_ok, struct cf_declarator *d,
			      op_list *ops)
{
	cfp_attributes(p, &d->attrs);
	if (at_punct(p, '(') && (!abstract_ok || opens_nested(p))) {
		if (!cfp_enter(p))
			return;
		cfp_next(p);
		declarator_ops(p, abstract_ok, TY_SPACE_NONE, d, ops);
		cfp_expect(p, ')', "in this declarator");
		cfp_leave(p);
	} else if (at_name(p)) {
		d->name = p->tok->text;
		d->span = p->tok->span;
		cfp_next(p);
	} else if (!abstract_ok) {
		cfp_expected(p, "a name");
		return;
	}
	suffixes(p, ops);
}

/* pointer: each `*` with its qualifiers, outermost last */
static void declarator_ops(struct parser *p, bool abstract_ok, enum ty_space space,
			   struct cf_declarator *d, op_list *ops)
{
	struct op stars[STARS_MAX];
	u32 n = 0;

	while (at_punct(p, '*')) {
		struct op star = { .kind = OP_PTR, .space = space, .span = p->tok->span };
		struct cf_attrs a = { 0 };
		const struct token *before;

		cfp_next(p);
		do {
			before = p->tok;
			star.quals |= qualifier(p);
			cfp_attributes(p, &a);
		} while (p->tok != before);
		space = a.space;
		if (n == STARS_MAX) {
			cfp_fail(p, star.span, E_TOO_LARGE, "more than %d levels of pointers",
				 STARS_MAX);
			return;
		}
		stars[n++] = star;
	}
	direct_declarator(p, abstract_ok, d, ops);
	while (n--)
		/* cppcheck-suppress uninitvar ; those below n are set */
		*vec_push(p->a, ops) = stars[n];
}

static const struct type *apply_array(struct parser *p, const struct type *elem,
				      const struct op *op)
{
	const struct type *whole;

	if (ty_is_void(elem) || ty_strip(elem)->kind == TY_FUNC) {
		cfp_error(p, op->span, E_TYPE, "an array of '%s' cannot be", cfp_text(p, elem));
		return p->u->poison;
	}
	if (ty_strip(elem)->kind == TY_ARRAY && ty_strip(elem)->count == TY_UNSIZED) {
		cfp_error(p, op->span, E_INCOMPLETE,
			  "only the first size of an array may be left out");
		return p->u->poison;
	}
	whole = name_need_complete(p, elem, op->span);
	if (!whole)
		return p->u->poison;
	if (op->count != TY_UNSIZED && ty_strip(whole)->size &&
	    op->count > (1ull << 29) / ty_strip(whole)->size) {
		cfp_error(p, op->span, E_TOO_LARGE, "an array of more than 512 MiB");
		return p->u->poison;
	}
	return ty_array_of(p->t, whole, op->count);
}

static const struct type *apply_func(struct parser *p, const struct type *ret, const struct op *op)
{
	struct ty_param *params = arena_array_of(p->a, struct ty_param, op->params.n);
	enum ty_kind kind = ty_strip(ret)->kind;

	if (kind == TY_ARRAY || kind == TY_FUNC) {
		cfp_error(p, op->span, E_TYPE, "a function cannot return '%s'", cfp_text(p, ret));
		return p->u->poison;
	}
	for (u32 i = 0; i < op->params.n; i++)
		params[i] = (struct ty_param){ op->params.at[i]->name, op->params.at[i]->type };
	return ty_func_of(p->t, ret, params, op->params.n, op->variadic);
}

/* How many pointers, arrays and functions a type is made of; typedefs may pile them up. */
static u32 layers(const struct type *ty)
{
	u32 n = 0;

	for (; ty && n <= LAYERS_MAX; ty = ty->to) {
		if (ty->kind == TY_STRUCT || ty->kind == TY_UNION || ty->kind == TY_ENUM)
			break;
		n += ty->kind != TY_TYPEDEF;
	}
	return n;
}

static const struct type *apply(struct parser *p, const struct type *ty, const op_list *ops)
{
	u32 n = ops->n ? layers(ty) : 0;

	for (u32 i = ops->n; i-- && ty != p->u->poison;) {
		const struct op *op = &ops->at[i];

		if (++n > LAYERS_MAX) {
			cfp_error(p, op->span, E_TOO_LARGE,
				  "a type of more than %d pointers, arrays and functions",
				  LAYERS_MAX);
			return p->u->poison;
		}

		switch (op->kind) {
		case OP_PTR:
			ty = ty_ptr_in(p->t, ty, op->space);
			if (op->quals)
				ty = ty_qualify(p->t, ty, op->quals);
			break;
		case OP_ARRAY: ty = apply_array(p, ty, op); break;
		case OP_FUNC: ty = apply_func(p, ty, op); break;
		}
	}
	return ty;
}

void cfp_declarator(struct parser *p, const struct cf_specs *s, bool is_abstract_ok,
		    struct cf_declarator *out)
{
	op_list ops = { 0 };

	*out = (struct cf_declarator){ .type = s->type };
	declarator_ops(p, is_abstract_ok, s->attrs.space, out, &ops);
	cfp_attributes(p, &out->attrs);
	if (at_keyword(p, K_ASM)) {
		struct span at = p->tok->span;

		/* Behind a function's prototype it is another name for the linker, which means nothing here. */
		cfp_next(p);
		if (at_punct(p, '('))
			cfp_skip_balanced(p);
		if (p->fn && !(ops.n && ops.at[0].kind == OP_FUNC))
			cfp_not_yet(p, span_to_here(p, at), "a variable in a register of its own");
	}
	cfp_attributes(p, &out->attrs);
	out->type = apply(p, s->type, &ops);
	if (ops.n && ops.at[0].kind == OP_FUNC) {
		out->is_function = true;
		for (u32 i = 0; i < ops.at[0].params.n; i++)
			*vec_push(p->a, &out->params) = ops.at[0].params.at[i];
	}
}

/* type-name (C11 6.7.7) */
const struct type *cfp_type_name(struct parser *p)
{
	struct cf_specs s;
	struct cf_declarator d;

	cfp_specifiers(p, &s);
	cfp_declarator(p, &s, true, &d);
	if (d.name.n)
		cfp_fail(p, d.span, E_SYNTAX,
			 "a type is wanted here, without the name '" STR_FMT "'", STR_ARG(d.name));
	return d.type;
}

/* ---- in functions ------------------------------------------------------------------------------ */

bool cfp_begins_declaration(struct parser *p)
{
	const struct token *next = cfp_peek(p, 1);

	if (p->tok->kind != TOK_IDENT)
		return false;
	switch (p->tok->keyword) {
	case K_NONE:
		if (next->kind == TOK_PUNCT && next->punct == ':')
			return false;
		return name_begins_type(p, 0, AT_START);
	case K_TYPEDEF:
	case K_EXTERN:
	case K_STATIC:
	case K_AUTO:
	case K_AUTO_TYPE:
	case K_REGISTER:
	case K_INLINE:
	case K_NORETURN:
	case K_THREAD_LOCAL:
	case K_STATIC_ASSERT: return true;
	case K_ATTRIBUTE: return true;
	default: return name_begins_type(p, 0, AT_START);
	}
}

static void local_typedef(struct parser *p, const struct cf_declarator *d)
{
	const struct cf_sym *old = name_find_here(p, d->name);
	const struct type *ty = d->type;

	if (old && !(old->kind == SYM_TYPEDEF && ty_same(old->type, ty)))
		name_redeclared(p, d->name, d->span, old);
	if (ty != p->u->poison)
		ty = ty_typedef_new(p->t, d->name, ty);
	name_declare(p, cfp_sym_new(p, SYM_TYPEDEF, d->name, ty, d->span));
}

/* The type of an object in the function, which must be known when its declaration ends. */
static void settle_type(struct parser *p, struct cf_sym *v)
{
	const struct type *ty = v->type, *s = ty_strip(ty);

	if (ty == p->u->poison)
		return;
	if (s->kind == TY_VOID || s->kind == TY_FUNC) {
		cfp_error(p, v->span, E_TYPE, "a variable cannot be '%s'", cfp_text(p, ty));
		v->type = p->u->poison;
	} else if (s->kind == TY_ARRAY && s->count == TY_UNSIZED) {
		cfp_error(p, v->span, E_INCOMPLETE, "array '" STR_FMT "' has no size",
			  STR_ARG(v->name));
		v->type = p->u->poison;
	} else {
		v->type = name_need_complete(p, ty, v->span);
		if (!v->type)
			v->type = p->u->poison;
	}
}

static void auto_type(struct parser *p, struct cf_sym *v)
{
	struct cf_expr *e;

	if (!cfp_expect(p, '=', "behind a variable of __auto_type"))
		return;
	e = cfx_value(p, cfp_assignment(p));
	v->type = e->type;
	v->init = arena_new_of(p->a, struct cf_init);
	v->init->span = e->span;
	*vec_push(p->a, &v->init->parts) = (struct cf_init_part){ .type = e->type, .value = e };
}

static struct cf_sym *local_variable(struct parser *p, const struct cf_specs *s,
				     const struct cf_declarator *d)
{
	struct cf_sym *old = name_find_here(p, d->name), *v;

	if (old)
		name_redeclared(p, d->name, d->span, old);
	v = cfp_sym_new(p, SYM_VAR, d->name, d->type, d->span);
	v->storage = s->is_static ? SS_STATIC : s->is_extern ? SS_EXTERN : SS_AUTO;
	v->align = d->attrs.align > s->attrs.align ? d->attrs.align : s->attrs.align;
	v->section = d->attrs.section.n ? d->attrs.section : s->attrs.section;
	if (s->is_auto_type) {
		auto_type(p, v);
		name_declare(p, v);
		return v;
	}
	name_declare(p, v);
	if (cfp_accept(p, '=')) {
		/* Complete already, so that `T *p = &x` inside of it sees the members. */
		if (ty_strip(v->type)->kind != TY_ARRAY)
			settle_type(p, v);
		v->init = cfp_initializer(p, &v->type);
		if (v->storage == SS_STATIC)
			cfp_check_constant_init(p, v->init);
	}
	if (v->storage != SS_EXTERN)
		settle_type(p, v);
	return v;
}

/* A prototype, or an extern variable, inside a function. */
static void local_external(struct parser *p, const struct cf_specs *s,
			   const struct cf_declarator *d)
{
	struct cf_sym *f = name_find(p, d->name);

	if (f && (f->kind == SYM_FUNC || f->kind == SYM_VAR))
		return;
	f = cfp_sym_new(p, d->is_function ? SYM_FUNC : SYM_VAR, d->name, d->type, d->span);
	f->is_static = s->is_static;
	f->storage = d->is_function ? SS_GLOBAL : SS_EXTERN;
	/* A definition at file scope may follow: it is the same object (C11 6.2.2p4). */
	if (!name_find(p, d->name)) {
		struct cf_scope *inner = p->scope;

		p->scope = p->file;
		name_declare(p, f);
		p->scope = inner;
	}
	name_declare(p, f);
	cfp_list(p, f);
}

struct cf_stmt *cfp_local_declaration(struct parser *p)
{
	struct cf_stmt *first = NULL, **end = &first;
	struct cf_specs s;
	struct cf_declarator d;

	if (at_keyword(p, K_STATIC_ASSERT)) {
		cfp_static_assert(p);
		return NULL;
	}
	cfp_specifiers(p, &s);
	if (cfp_accept(p, ';'))
		return NULL;
	do {
		struct cf_stmt *decl;

		cfp_declarator(p, &s, false, &d);
		if (p->panic)
			return first;
		if (s.is_typedef) {
			local_typedef(p, &d);
			continue;
		}
		if (d.is_function || s.is_extern) {
			local_external(p, &s, &d);
			continue;
		}
		decl = cfp_stmt_new(p, ST_DECL, d.span);
		decl->sym = local_variable(p, &s, &d);
		*end = decl;
		end = &decl->next;
	} while (cfp_accept(p, ','));
	if (at_punct(p, '{') && d.is_function)
		cfp_fail(p, d.span, E_NOT_YET, "a function inside a function is not compiled yet");
	cfp_expect(p, ';', "after this declaration");
	return first;
}

/* _Static_assert ( constant-expression , string-literal ) ; (C11 6.7.10) */
void cfp_static_assert(struct parser *p)
{
	struct span at;
	str text = STR("");
	bool known;
	s64 v;

	cfp_next(p);
	if (!cfp_expect(p, '(', "behind _Static_assert"))
		return;
	at = p->tok->span;
	known = cfp_constant(p, "what _Static_assert checks", &v);
	at = span_to_here(p, at);
	if (cfp_accept(p, ',')) {
		if (p->tok->kind == TOK_STRING)
			text = p->tok->bytes;
		cfp_next(p);
	}
	if (known && !v)
		cfp_error(p, at, E_USER_ERROR, "static assertion failed%s" STR_FMT,
			  text.n ? ": " : "", STR_ARG(text));
	cfp_expect(p, ')', "behind _Static_assert");
	cfp_expect(p, ';', "behind _Static_assert");
}
