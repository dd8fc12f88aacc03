/* type_member: members of structs, events and tuples; elements; what a pointer points to; casts; sizes.
 *
 * `.` and `->` mean the same: a pointer on the left is followed. What a name like `struct sock *`
 * stands for is asked of the script's C part, then of the kernel's BTF. A pointer's region (kernel
 * or user memory) comes from where it was read and stays with what is read through it.
 */
#include "btfront/ast.h"
#include "cfront/cfront.h"

static bool is_open(struct bt_expr *e, const struct bt_expr *x)
{
	if (!bt_is_open(x))
		return false;
	e->type = x->type;
	return true;
}

/* ---- members of events ----------------------------------------------------------------------- */

static const struct type *record_of(struct bt_unit *u, struct bt_point *p, struct err *e)
{
	struct probes_format f = { 0 };

	if (p->is_record_asked)
		return p->record;
	p->is_record_asked = true;
	if (p->pub.want.provider != PROBES_TRACEPOINT || !u->o.machine ||
	    probes_tracepoint_format(u->o.machine, u->o.a, p->pub.want.module, p->pub.want.name, &f,
				     e))
		return NULL;
	p->record = probes_format_type(u->o.types, NULL, &f, p->pub.want.name);
	return p->record;
}

const struct type *bt_point_func(struct bt_unit *u, struct bt_point *p, u32 *out_first)
{
	const struct probes_point *w = &p->pub.want;
	struct ty_btf *btf = bt_btf(u);
	const struct type *ty;

	*out_first = 0;
	if (p->func || !btf)
		return p->func;
	if (w->provider == PROBES_FENTRY || w->provider == PROBES_FEXIT) {
		ty = ty_btf_find(btf, TY_FUNC, w->name);
	} else if (w->provider == PROBES_RAW_TRACEPOINT || w->provider == PROBES_TP_BTF) {
		/* The function that calls the programs has names for its parameters, the typedef may not. */
		ty = ty_btf_find(btf, TY_FUNC,
				 str_printf(u->o.a, "__traceiter_" STR_FMT, STR_ARG(w->name)));
		if (!ty)
			ty = ty_btf_find(
				btf, TY_TYPEDEF,
				str_printf(u->o.a, "btf_trace_" STR_FMT, STR_ARG(w->name)));
		*out_first = 1; /* void *__data */
	} else {
		return NULL;
	}
	ty = ty ? ty_strip(ty) : NULL;
	if (ty && ty->kind == TY_PTR)
		ty = ty_strip(ty->to);
	if (ty && ty->kind == TY_FUNC && ty_complete(ty))
		p->func = ty;
	return p->func;
}

static enum bt_found find_parameter(struct bt_unit *u, struct bt_point *p, str name,
				    struct bt_member *out)
{
	const struct type *func;
	u32 first;

	func = bt_point_func(u, p, &first);
	if (!func)
		return BT_NO_RECORD;
	if (p->pub.want.provider == PROBES_RAW_TRACEPOINT)
		first = 1;
	for (u32 i = first; i < func->n; i++) {
		if (!str_eq(func->params[i].name, name))
			continue;
		out->off = i - first;
		out->c = func->params[i].type;
		out->size = 8;
		out->type = bt_from_c(out->c, IR_IN_KERNEL);
		/* Texts and buffers may be the user's; a kernel built by gcc does not say so. */
		if (out->type.kind == BT_PTR && out->type.region == IR_IN_KERNEL &&
		    !ty_is_aggregate(ty_strip(out->c)->to))
			out->type.region = IR_IN_ANY;
		return bt_is_number(&out->type) ? BT_FOUND : BT_MEMBER_NOT_YET;
	}
	return BT_NO_MEMBER;
}

static struct bt_type event_type(const struct bt_point *p, const struct type *ty)
{
	bool is_syscall = str_is(p->pub.want.module, "syscalls") ||
			  str_is(p->pub.want.module, "raw_syscalls");
	struct bt_type t = bt_from_c(ty, IR_IN_CTX);

	if (t.kind == BT_PTR)
		t.region = is_syscall ? IR_IN_USER : IR_IN_ANY;
	if (t.kind == BT_INT)
		t.region = t.bytes == 8 ? (is_syscall ? IR_IN_USER : IR_IN_ANY) : IR_IN_UNKNOWN;
	return t;
}

enum bt_found bt_find_member(struct bt_unit *u, struct bt_point *p, str name, struct bt_member *out,
			     struct err *e)
{
	const struct type *record;
	const struct ty_member *m;
	u32 bit_off = 0;

	*out = (struct bt_member){ 0 };
	if (p->pub.want.provider != PROBES_TRACEPOINT)
		return find_parameter(u, p, name, out);
	record = record_of(u, p, e);
	if (!record)
		return BT_NO_RECORD;
	m = str_starts(name, "__do_not_use") ? NULL : ty_find_member(record, name, &bit_off);
	if (!m || str_starts(name, "data_loc_")) {
		if (!m)
			m = ty_find_member(record,
					   str_printf(u->o.a, "data_loc_" STR_FMT, STR_ARG(name)),
					   &bit_off);
		if (!m)
			return BT_NO_MEMBER;
		out->is_data_loc = true;
	}
	out->off = bit_off / 8;
	out->c = m->type;
	out->size = (u32)ty_strip(m->type)->size;
	out->type = event_type(p, m->type);
	if (out->is_data_loc)
		out->type = bt_pointer(ty_basic(u->o.types, TY_B_CHAR), IR_IN_KERNEL);
	return out->type.kind != BT_BAD ? BT_FOUND : BT_MEMBER_NOT_YET;
}

static void no_argument(struct bt_typer *t, struct bt_expr *e, struct bt_point *p)
{
	struct nearest near;
	str best, text = bt_point_text(t->a, p);

	bt_error(t, e, E_BT_NAME, STR_FMT " has no argument '" STR_FMT "'", STR_ARG(text),
		 STR_ARG(e->name));
	if (!bt_wants_hint(t))
		return;
	nearest_init(&near, e->name);
	if (p->record)
		ty_offer_members(p->record, &near);
	for (u32 i = 0; p->func && i < p->func->n; i++)
		nearest_offer(&near, p->func->params[i].name);
	best = near.best;
	if (str_starts(best, "data_loc_"))
		best = str_sub(best, 9, best.n);
	if (best.n && !str_starts(best, "__"))
		bt_hint(t, "did you mean '" STR_FMT "'?", STR_ARG(best));
}

static void no_record(struct bt_typer *t, struct bt_expr *e, struct bt_point *p,
		      const struct err *err)
{
	enum probes_provider provider = p->pub.want.provider;

	if (err->code)
		bt_error(t, e, E_BT_PROBE, "%s", err->msg);
	else if (provider == PROBES_TRACEPOINT)
		bt_error(t, e, E_BT_PROBE, "the arguments of this tracepoint are not known");
	else if (provider == PROBES_UPROBE)
		bt_error(t, e, E_BT_NOT_YET,
			 "args of uprobe needs debug information, which is not read; arg0 … work");
	else if (provider == PROBES_FENTRY || provider == PROBES_FEXIT ||
		 provider == PROBES_RAW_TRACEPOINT)
		bt_error(t, e, E_BT_PROBE,
			 "the kernel's BTF does not know the arguments of " STR_FMT,
			 STR_ARG(p->pub.want.name));
	else
		bt_error(t, e, E_BT_NOT_YET, "args of %s is not compiled yet",
			 probes_provider_name(provider));
}

/* The member as one attach point has it; false when it was told. */
static bool type_argument_at(struct bt_typer *t, struct bt_expr *e, struct bt_point *p,
			     bool is_first)
{
	struct bt_member m;
	struct err err = { 0 };

	switch (bt_find_member(t->u, p, e->name, &m, &err)) {
	case BT_FOUND: break;
	case BT_NO_MEMBER: no_argument(t, e, p); return false;
	case BT_MEMBER_NOT_YET:
		bt_error(t, e, E_BT_NOT_YET, "an argument of this type is not compiled yet");
		return false;
	case BT_NO_RECORD: no_record(t, e, p, &err); return false;
	}
	if (is_first)
		e->type = m.type;
	else if (e->type.kind != m.type.kind)
		bt_error(t, e, E_BT_TYPE,
			 "the probes of this list have different arguments '" STR_FMT "'",
			 STR_ARG(e->name));
	else if (m.type.kind == BT_STRING && m.type.size > e->type.size)
		e->type.size = m.type.size;
	else
		e->type.is_signed |= m.type.is_signed;
	return e->type.kind != BT_BAD;
}

static void type_event_argument(struct bt_typer *t, struct bt_expr *e)
{
	for (u32 i = 0; i < t->clause->n_points; i++) {
		struct bt_point *p = &t->u->points.at[t->clause->first_point + i];

		if (!type_argument_at(t, e, p, i == 0))
			return;
	}
}

/* ---- tuples --------------------------------------------------------------------------------- */

static void type_part(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_tuple *tu = e->a->type.tuple;
	struct nearest near;
	u64 n = e->value;

	if (e->op != T_INT) {
		for (n = 0; n < tu->n && tu->names; n++)
			if (str_eq(tu->names[n], e->name))
				break;
		if (!tu->names)
			n = tu->n;
	}
	if (n < tu->n) {
		e->value = n;
		e->type = tu->types[n];
		return;
	}
	if (e->op == T_INT) {
		bt_error(t, e, E_BT_NAME, "this tuple has %u part%s, the first is .0", tu->n,
			 tu->n == 1 ? "" : "s");
		return;
	}
	bt_error(t, e, E_BT_NAME, "%s has no member '" STR_FMT "'", bt_type_name(&e->a->type),
		 STR_ARG(e->name));
	if (!tu->names || !bt_wants_hint(t))
		return;
	nearest_init(&near, e->name);
	for (u32 i = 0; i < tu->n; i++)
		nearest_offer(&near, tu->names[i]);
	if (near.best.n)
		bt_hint(t, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
}

/* ---- members of structs ---------------------------------------------------------------------- */

static const char *text_of(struct bt_typer *t, const struct type *ty)
{
	struct sbuf b;

	sbuf_init(&b, t->a);
	ty_print(&b, ty);
	return b.s;
}

static void no_member(struct bt_typer *t, struct bt_expr *e, const struct type *agg)
{
	struct nearest near;

	bt_error(t, e, E_BT_NAME, "%s has no member '" STR_FMT "'", text_of(t, agg),
		 STR_ARG(e->name));
	if (!bt_wants_hint(t))
		return;
	nearest_init(&near, e->name);
	ty_offer_members(agg, &near);
	if (near.best.n)
		bt_hint(t, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
}

/* The struct on the left, through a pointer if it is one; NULL when it was told. */
static const struct type *struct_of(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_type *a = &e->a->type;
	const struct type *ty = NULL, *full;

	if (a->kind == BT_STRUCT)
		ty = a->c;
	else if (a->kind == BT_PTR && a->c)
		ty = ty_strip(a->c);
	if (!ty || (ty->kind != TY_STRUCT && ty->kind != TY_UNION)) {
		if (ty)
			bt_error(t, e, E_BT_TYPE, "%s has no members", text_of(t, ty));
		else
			bt_error(t, e, E_BT_TYPE, "%s has no members", bt_type_name(a));
		if (!ty && bt_is_number(a))
			bt_hint(t, "cast it first: ((struct x *)…)->" STR_FMT, STR_ARG(e->name));
		return NULL;
	}
	full = bt_complete(t->u, ty);
	if (!full)
		bt_error(t, e, E_BT_NAME, "the members of %s are not known", text_of(t, ty));
	return full;
}

static void type_struct_member(struct bt_typer *t, struct bt_expr *e)
{
	const struct type *agg = struct_of(t, e);
	const struct ty_member *m;
	u32 bit_off;

	if (!agg)
		return;
	m = e->op == T_INT ? NULL : ty_find_member(agg, e->name, &bit_off);
	if (!m) {
		no_member(t, e, agg);
		return;
	}
	e->type = bt_from_c(m->type, e->a->type.region);
	if (e->type.kind == BT_BAD)
		bt_error(t, e, E_BT_NOT_YET, "a member of type %s is not compiled yet",
			 text_of(t, m->type));
	if (e->type.kind == BT_STRING && m->bits)
		e->type.kind = BT_BAD;
}

void bt_type_field(struct bt_typer *t, struct bt_expr *e)
{
	bt_type_expr(t, e->a);
	if (is_open(e, e->a))
		return;
	if (e->a->type.kind == BT_ARGS)
		type_event_argument(t, e);
	else if (e->a->type.kind == BT_TUPLE)
		type_part(t, e);
	else
		type_struct_member(t, e);
}

/* ---- elements ------------------------------------------------------------------------------- */

/* A complete element behind a pointer or in an array; NULL when it was told. */
static const struct type *element_of(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_type *a = &e->a->type;
	const struct type *to = a->kind == BT_ARRAY ? ty_strip(a->c)->to : a->c;

	if (!to && a->kind == BT_INT && a->region)
		to = ty_int_of(t->u->o.types, 8, a->is_signed);
	if (a->kind == BT_PTR && !to)
		to = ty_int_of(t->u->o.types, 8, false);
	if (!to || !(a->kind == BT_ARRAY || bt_is_number(a))) {
		bt_error(t, e, E_BT_TYPE, "%s is no pointer", bt_type_name(a));
		return NULL;
	}
	to = ty_strip(to);
	if (to->kind == TY_STRUCT || to->kind == TY_UNION)
		to = bt_complete(t->u, to);
	if (!to || ty_is_void(to) || to->kind == TY_FUNC || !ty_complete(to)) {
		bt_error(t, e, E_BT_TYPE, "the size of what this points to is not known");
		return NULL;
	}
	return to;
}

static void type_constant_index(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_type *a = &e->a->type;
	s64 n;

	if (a->kind == BT_ARRAY && bt_const_value(e->b, &n) && ty_strip(a->c)->count &&
	    (n < 0 || (u64)n >= ty_strip(a->c)->count))
		bt_error(t, e, E_BT_TYPE, "this array has %llu elements, the first is [0]",
			 (unsigned long long)ty_strip(a->c)->count);
}

void bt_type_index(struct bt_typer *t, struct bt_expr *e)
{
	const struct type *to;
	s64 n;

	bt_type_expr(t, e->a);
	bt_type_expr(t, e->b);
	if (is_open(e, e->a) || is_open(e, e->b))
		return;
	if (e->a->type.kind == BT_TUPLE && bt_const_value(e->b, &n)) {
		e->kind = EX_FIELD;
		e->op = T_INT;
		e->value = (u64)n;
		type_part(t, e);
		return;
	}
	if (e->b->type.kind != BT_INT) {
		bt_error(t, e->b, E_BT_TYPE, "an index is an integer, this is %s",
			 bt_type_name(&e->b->type));
		e->type.kind = BT_BAD;
		return;
	}
	if (e->a->type.kind == BT_STRING) {
		e->type = bt_int(1, true);
		return;
	}
	to = element_of(t, e);
	if (!to)
		return;
	e->type = bt_from_c(to, e->a->type.region);
	if (e->type.kind == BT_BAD)
		bt_error(t, e, E_BT_NOT_YET, "an element of type %s is not compiled yet",
			 text_of(t, to));
	else
		type_constant_index(t, e);
	if (e->type.kind != BT_BAD && e->a->type.region == IR_IN_CTX && !bt_const_value(e->b, &n))
		bt_error(t, e, E_BT_NOT_YET,
			 "an index that is no constant, into the event's own record, is not "
			 "compiled yet");
}

void bt_type_deref(struct bt_typer *t, struct bt_expr *e)
{
	const struct type *to;

	bt_type_expr(t, e->a);
	if (is_open(e, e->a))
		return;
	if (e->a->type.kind == BT_INT && !e->a->type.region)
		e->a->type.region = IR_IN_ANY;
	to = element_of(t, e);
	if (!to)
		return;
	e->type = bt_from_c(to, e->a->type.region);
	if (e->type.kind == BT_BAD)
		bt_error(t, e, E_BT_NOT_YET, "a value of type %s is not compiled yet",
			 text_of(t, to));
}

/* ---- types by name --------------------------------------------------------------------------- */

static const struct {
	const char *name;
	u8 bytes;
	bool is_signed;
} int_types[] = {
	{ "int8", 1, true },	  { "int16", 2, true },	     { "int32", 4, true },
	{ "int64", 8, true },	  { "uint8", 1, false },     { "uint16", 2, false },
	{ "uint32", 4, false },	  { "uint64", 8, false },    { "int8_t", 1, true },
	{ "int16_t", 2, true },	  { "int32_t", 4, true },    { "int64_t", 8, true },
	{ "uint8_t", 1, false },  { "uint16_t", 2, false },  { "uint32_t", 4, false },
	{ "uint64_t", 8, false }, { "uintptr_t", 8, false }, { "uchar", 1, false },
};

/* The C type that a plain name means; NULL if there is none. */
static const struct type *plain_type(struct bt_typer *t, str name)
{
	struct ty_table *types = t->u->o.types;
	const struct type *ty = NULL;
	bool is_signed;
	u32 bytes;

	for (u32 i = 0; i < ARRAY_LEN(int_types); i++)
		if (str_is(name, int_types[i].name))
			return ty_int_of(types, int_types[i].bytes, int_types[i].is_signed);
	if (str_is(name, "char"))
		return ty_basic(types, TY_B_CHAR);
	if (str_is(name, "bool"))
		return ty_basic(types, TY_B_BOOL);
	if (str_is(name, "void"))
		return ty_basic(types, TY_B_VOID);
	if (t->u->c)
		ty = cf_find_type(t->u->c, TY_TYPEDEF, name);
	if (!ty && cf_known_type(name, &bytes, &is_signed))
		ty = ty_int_of(types, bytes, is_signed);
	if (!ty && bt_btf(t->u))
		ty = ty_btf_find(bt_btf(t->u), TY_TYPEDEF, name);
	return ty;
}

static const struct type *tagged_type(struct bt_typer *t, const struct bt_type_name *tn)
{
	enum ty_kind kind = str_is(tn->tag, "struct")  ? TY_STRUCT
			    : str_is(tn->tag, "union") ? TY_UNION
						       : TY_ENUM;
	const struct type *ty = t->u->c ? cf_find_type(t->u->c, kind, tn->name) : NULL;

	if (!ty && bt_btf(t->u))
		ty = ty_btf_find(bt_btf(t->u), kind, tn->name);
	return ty && ty_complete(ty) ? ty : NULL;
}

static void unknown_type(struct bt_typer *t, struct bt_expr *at, const struct bt_type_name *tn)
{
	struct nearest near;

	at->type.kind = BT_BAD;
	if (!t->report)
		return;
	if (tn->tag.n)
		diag_add(t->u->o.dx, tn->span, E_BT_NAME,
			 "there is no type '" STR_FMT " " STR_FMT
			 "', neither in the script nor in the kernel's BTF",
			 STR_ARG(tn->tag), STR_ARG(tn->name));
	else
		diag_add(t->u->o.dx, tn->span, E_BT_NAME, "there is no type '" STR_FMT "'",
			 STR_ARG(tn->name));
	if (!bt_wants_hint(t) || !bt_btf(t->u))
		return;
	nearest_init(&near, tn->name);
	ty_btf_offer(bt_btf(t->u), tn->tag.n ? TY_STRUCT : TY_TYPEDEF, &near);
	if (near.best.n)
		bt_hint(t, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
}

static const struct {
	const char *name;
	enum bt_kind kind;
} own_types[] = {
	{ "inet", BT_INET },	   { "mac_addr_t", BT_MAC }, { "username_t", BT_USERNAME },
	{ "ksym_t", BT_KSYM },	   { "usym_t", BT_USYM },    { "kstack_t", BT_KSTACK },
	{ "ustack_t", BT_USTACK },
};

/* Types that C does not have. */
static bool own_type(struct bt_typer *t, const struct bt_type_name *tn, struct bt_type *out)
{
	if (tn->tag.n || tn->stars)
		return false;
	if (str_is(tn->name, "string")) {
		*out = bt_string(tn->n_dims && tn->dims[0] > 0 && tn->dims[0] < 65536
					 ? (u32)tn->dims[0]
					 : bt_strlen(t->u));
		return true;
	}
	if (str_is(tn->name, "bool") && !tn->n_dims) {
		*out = bt_bool(t->u);
		return true;
	}
	for (u32 i = 0; i < ARRAY_LEN(own_types); i++) {
		if (!str_is(tn->name, own_types[i].name))
			continue;
		*out = (struct bt_type){ .kind = own_types[i].kind };
		if (out->kind == BT_KSTACK || out->kind == BT_USTACK) {
			out->size = 127;
			out->extra = t->u->config.stack_mode;
		}
		return true;
	}
	return false;
}

bool bt_named_type(struct bt_typer *t, struct bt_expr *at, struct bt_type_name *tn,
		   struct bt_type *out)
{
	const struct type *ty;

	if (tn->of) {
		bt_type_expr(t, tn->of);
		*out = tn->of->type;
		return !bt_is_open(tn->of);
	}
	if (own_type(t, tn, out))
		return true;
	ty = tn->tag.n ? tagged_type(t, tn) : plain_type(t, tn->name);
	if (!ty) {
		unknown_type(t, at, tn);
		return false;
	}
	if (tn->stars) {
		for (u32 i = 1; i < tn->stars; i++)
			ty = ty_ptr_to(t->u->o.types, ty);
		*out = bt_pointer(ty, IR_IN_UNKNOWN);
		if (!tn->n_dims)
			return true;
		ty = ty_ptr_to(t->u->o.types, ty);
	}
	for (u32 i = tn->n_dims; i-- > 0;)
		ty = ty_array_of(t->u->o.types, ty, tn->dims[i] < 0 ? 0 : (u64)tn->dims[i]);
	*out = bt_from_c(ty, IR_IN_STACK);
	if (out->kind == BT_STRING && tn->n_dims) /* char[4] of a cast is an array, no string */
		*out = (struct bt_type){ .kind = BT_ARRAY, .c = ty, .region = IR_IN_STACK };
	if (out->kind != BT_BAD)
		return true;
	bt_error(t, at, E_BT_TYPE, "this type has no values");
	return false;
}

/* ---- casts and sizes ------------------------------------------------------------------------- */

/* (uint8[8])n: the bytes of a number; [] takes the number's own size. */
static void cast_to_array(struct bt_typer *t, struct bt_expr *e, struct bt_type to)
{
	const struct bt_type *a = &e->a->type;
	const struct type *elem = ty_strip(ty_strip(to.c)->to);

	if (a->kind != BT_INT || !ty_is_int(elem)) {
		bt_error(t, e, E_BT_TYPE, "%s cannot be cast to an array", bt_type_name(a));
		return;
	}
	if (!ty_strip(to.c)->count)
		to.c = ty_array_of(t->u->o.types, elem,
				   (a->is_literal ? 8 : a->bytes) / elem->size);
	if (ty_strip(to.c)->size > 8 || (!a->is_literal && ty_strip(to.c)->size != a->bytes))
		bt_error(t, e, E_BT_TYPE, "the array has %llu bytes, the number has %u",
			 (unsigned long long)ty_strip(to.c)->size, a->is_literal ? 8 : a->bytes);
	else
		e->type = to;
}

static bool array_fits_int(const struct bt_type *a, const struct bt_type *to)
{
	return a->kind == BT_ARRAY && to->kind == BT_INT && ty_strip(a->c)->size == to->bytes;
}

void bt_type_cast(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_type *a = &e->a->type;
	struct bt_type to;

	bt_type_expr(t, e->a);
	if (is_open(e, e->a) || !bt_named_type(t, e, e->tn, &to))
		return;
	if (to.kind == BT_ARRAY) {
		cast_to_array(t, e, to);
		return;
	}
	if (to.kind == BT_STRING && a->kind == BT_STRING) {
		e->type = to;
		return;
	}
	e->type = to;
	if (bt_is_number(&to)) {
		e->type.region = a->region == IR_IN_STACK ? (u8)IR_IN_UNKNOWN : a->region;
		if (to.kind == BT_PTR && (!e->type.region || e->type.region == IR_IN_CTX))
			e->type.region = IR_IN_ANY;
		if (to.kind == BT_PTR && a->kind == BT_ARRAY)
			e->type.region = a->region;
	}
	if (!bt_is_number(&to) ||
	    !(bt_is_number(a) || array_fits_int(a, &to) || a->kind == BT_KSYM ||
	      a->kind == BT_MAC || a->kind == BT_TIMESTAMP ||
	      (a->kind == BT_ARRAY && to.kind == BT_PTR)))
		bt_error(t, e, E_BT_TYPE, "%s cannot be cast to %s", bt_type_name(a),
			 bt_type_name(&to));
}

static void constant(struct bt_expr *e, u64 n)
{
	e->kind = EX_INT;
	e->value = n;
	e->type = bt_int(8, false);
	e->type.is_literal = true;
}

static u64 declared_size(const struct bt_type *x)
{
	switch (x->kind) {
	case BT_INT: return x->is_literal ? 8 : x->is_bool ? 1 : x->bytes;
	case BT_STRUCT:
	case BT_ARRAY: return ty_strip(x->c)->size;
	default: return bt_size(x);
	}
}

/* offsetof(struct x, a.b) */
static void type_offset(struct bt_typer *t, struct bt_expr *e, const struct bt_type *x)
{
	const struct type *agg = x->c ? bt_complete(t->u, ty_strip(x->c)) : NULL;
	str path = e->name;
	u64 off = 0;

	while (path.n && agg) {
		struct bt_expr at = { .span = e->op_span, .name = str_cut(&path, '.') };
		const struct ty_member *m;
		u32 bit_off;

		m = agg->kind == TY_STRUCT || agg->kind == TY_UNION
			    ? ty_find_member(agg, at.name, &bit_off)
			    : NULL;
		if (!m || m->bits) {
			no_member(t, &at, agg);
			e->type.kind = BT_BAD;
			return;
		}
		off += bit_off / 8;
		agg = path.n ? bt_complete(t->u, m->type) : agg;
	}
	if (!agg)
		bt_error(t, e, E_BT_TYPE, "offsetof wants a struct");
	else
		constant(e, off);
}

void bt_type_size(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_type x;

	if (e->tn) {
		if (!bt_named_type(t, e, e->tn, &x))
			return;
	} else {
		bt_type_expr(t, e->a);
		if (is_open(e, e->a))
			return;
		x = e->a->type;
	}
	if (e->kind == EX_OFFSETOF)
		type_offset(t, e, &x);
	else if (x.kind == BT_STRUCT && !bt_complete(t->u, x.c))
		bt_error(t, e, E_BT_TYPE, "the size of this struct is not known");
	else if (bt_is_scalar(&x) || (x.kind >= BT_STRING && x.kind <= BT_ARRAY))
		constant(e, declared_size(&x));
	else
		bt_error(t, e, E_BT_TYPE, "%s has no size", bt_type_name(&x));
}
