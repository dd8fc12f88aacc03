/* type_expr: the types of expressions other than calls. The rules are in type.c's head. */
#include "btfront/ast.h"

/* ---- members of events ----------------------------------------------------------------------- */

static struct bt_type member_type(const struct bt_point *p, const struct type *ty, bool *out_ok)
{
	bool is_syscall = str_is(p->pub.want.module, "syscalls") ||
			  str_is(p->pub.want.module, "raw_syscalls");
	struct bt_type t = { 0 };

	ty = ty_strip(ty);
	*out_ok = true;
	if (ty_is_int(ty) && ty->size <= 8) {
		t = bt_int((u32)ty->size, ty_signed(ty));
	} else if (ty->kind == TY_PTR) {
		t.kind = BT_PTR;
		t.region = is_syscall ? IR_IN_USER : IR_IN_ANY;
	} else if (ty->kind == TY_ARRAY && ty_strip(ty->to)->is_char && ty->count != TY_UNSIZED) {
		t = bt_string((u32)ty->count);
	} else {
		*out_ok = false;
	}
	return t;
}

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

enum bt_found bt_find_member(struct bt_unit *u, struct bt_point *p, str name, struct bt_member *out,
			     struct err *e)
{
	const struct type *record = record_of(u, p, e);
	const struct ty_member *m;
	u32 bit_off = 0;
	bool ok;

	*out = (struct bt_member){ 0 };
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
	out->size = (u32)ty_strip(m->type)->size;
	out->type = member_type(p, m->type, &ok);
	if (out->is_data_loc)
		out->type = (struct bt_type){ .kind = BT_PTR, .region = IR_IN_KERNEL };
	return ok ? BT_FOUND : BT_MEMBER_NOT_YET;
}

static void no_member(struct bt_typer *t, struct bt_expr *e, struct bt_point *p)
{
	struct nearest near;
	str best;

	bt_error(t, e, E_BT_NAME,
		 "tracepoint:" STR_FMT ":" STR_FMT " has no argument '" STR_FMT "'",
		 STR_ARG(p->pub.want.module), STR_ARG(p->pub.want.name), STR_ARG(e->name));
	if (!bt_wants_hint(t))
		return;
	nearest_init(&near, e->name);
	ty_offer_members(p->record, &near);
	best = near.best;
	if (str_starts(best, "data_loc_"))
		best = str_sub(best, 9, best.n);
	if (best.n && !str_starts(best, "__"))
		bt_hint(t, "did you mean '" STR_FMT "'?", STR_ARG(best));
}

/* The member as one attach point has it; false when it was told. */
static bool type_member_at(struct bt_typer *t, struct bt_expr *e, struct bt_point *p, bool is_first)
{
	struct bt_member m;
	struct err err = { 0 };

	switch (bt_find_member(t->u, p, e->name, &m, &err)) {
	case BT_FOUND: break;
	case BT_NO_MEMBER: no_member(t, e, p); return false;
	case BT_MEMBER_NOT_YET:
		bt_error(t, e, E_BT_NOT_YET,
			 "an argument that is an array or a struct is not compiled yet");
		return false;
	case BT_NO_RECORD:
		if (err.code)
			bt_error(t, e, E_BT_PROBE, "%s", err.msg);
		else if (p->pub.want.provider == PROBES_TRACEPOINT)
			bt_error(t, e, E_BT_PROBE,
				 "the arguments of this tracepoint are not known");
		else
			bt_error(t, e, E_BT_NOT_YET, "args of %s is not compiled yet",
				 probes_provider_name(p->pub.want.provider));
		return false;
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

static void type_field(struct bt_typer *t, struct bt_expr *e)
{
	bt_type_expr(t, e->a);
	if (e->a->type.kind == BT_BAD || e->a->type.kind == BT_UNKNOWN) {
		e->type = e->a->type;
		return;
	}
	if (e->a->type.kind != BT_ARGS) {
		if (e->a->type.kind == BT_PTR || e->a->type.kind == BT_INT)
			bt_error(t, e, E_BT_NOT_YET,
				 "reading members of structs is not compiled yet");
		else
			bt_error(t, e, E_BT_TYPE, "%s has no members", bt_type_name(&e->a->type));
		return;
	}
	for (u32 i = 0; i < t->clause->n_points; i++) {
		struct bt_point *p = &t->u->points.at[t->clause->first_point + i];

		if (!type_member_at(t, e, p, i == 0))
			return;
	}
}

/* ---- builtins ------------------------------------------------------------------------------- */

static bool has_arguments(enum probes_provider p)
{
	return p == PROBES_KPROBE || p == PROBES_UPROBE || p == PROBES_KSYSCALL ||
	       p == PROBES_RAW_TRACEPOINT;
}

static bool has_result(enum probes_provider p)
{
	return p == PROBES_KRETPROBE || p == PROBES_URETPROBE || p == PROBES_KRETSYSCALL;
}

/* Are all attach points of the clause of a kind that gives this? The first that is not, else NULL.
 */
static const struct bt_point *unfit(struct bt_typer *t, bool (*fits)(enum probes_provider p))
{
	for (u32 i = 0; i < t->clause->n_points; i++) {
		const struct bt_point *p = &t->u->points.at[t->clause->first_point + i];

		if (!fits(p->pub.want.provider))
			return p;
	}
	return NULL;
}

static bool is_later(enum probes_provider p)
{
	return p == PROBES_FENTRY || p == PROBES_FEXIT || p == PROBES_USDT || p == PROBES_TP_BTF ||
	       p == PROBES_ITER || p == PROBES_LSM;
}

static void type_argument(struct bt_typer *t, struct bt_expr *e, bool is_result)
{
	const struct bt_point *p = unfit(t, is_result ? has_result : has_arguments);
	u32 limit = probes_regs()->n_args;
	int n = bt_arg_number(e->name);

	e->type = bt_int(8, is_result);
	if (p && is_later(p->pub.want.provider)) {
		bt_error(t, e, E_BT_NOT_YET, STR_FMT " of %s is not compiled yet", STR_ARG(e->name),
			 probes_provider_name(p->pub.want.provider));
		return;
	}
	if (p) {
		bt_error(t, e, E_CTX, "%s gives no " STR_FMT,
			 probes_provider_name(p->pub.want.provider), STR_ARG(e->name));
		bt_hint(t, is_result ? "retval is there at kretprobe and uretprobe"
				     : "arg0 … are there at kprobe, uprobe and rawtracepoint");
		return;
	}
	if (!is_result && (u32)n >= limit) {
		bt_error(t, e, E_CTX, "this machine passes only arg0 … arg%u in registers",
			 limit - 1);
		return;
	}
	e->type.region = IR_IN_ANY;
	p = t->clause->n_points ? &t->u->points.at[t->clause->first_point] : NULL;
	if (p &&
	    (p->pub.want.provider == PROBES_UPROBE || p->pub.want.provider == PROBES_URETPROBE))
		e->type.region = IR_IN_USER;
}

static bool is_tracepoint_like(enum probes_provider p)
{
	return p == PROBES_TRACEPOINT || p == PROBES_RAW_TRACEPOINT || p == PROBES_UPROBE ||
	       is_later(p);
}

static void type_args(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_point *p = unfit(t, is_tracepoint_like);

	e->type.kind = t->clause->n_points ? BT_ARGS : BT_BAD;
	if (!p)
		return;
	bt_error(t, e, E_CTX, "%s gives no args", probes_provider_name(p->pub.want.provider));
	bt_hint(t, "args is there at tracepoints: args.filename");
}

static void unknown_name(struct bt_typer *t, struct bt_expr *e)
{
	struct ty_btf *btf = t->u->o.btf ? t->u->o.btf(t->u->o.btf_arg) : NULL;
	const struct type *en = NULL;
	struct nearest near;
	s64 value;

	if (btf && ty_btf_enumerator(btf, e->name, &value, &en)) {
		e->kind = EX_INT;
		e->value = (u64)value;
		e->is_negative = value < 0;
		bt_type_expr(t, e);
		return;
	}
	if (bt_function(e->name)) {
		bt_error(t, e, E_BT_NAME, "'" STR_FMT "' is a function: it needs its parentheses",
			 STR_ARG(e->name));
		return;
	}
	bt_error(t, e, E_BT_NAME, "there is no builtin or constant '" STR_FMT "'",
		 STR_ARG(e->name));
	if (!bt_wants_hint(t))
		return;
	nearest_init(&near, e->name);
	bt_offer_builtins(&near);
	bt_offer_functions(&near);
	if (near.best.n)
		bt_hint(t, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
}

static bool names_function(enum probes_provider p)
{
	return p == PROBES_KPROBE || p == PROBES_KRETPROBE || p == PROBES_UPROBE ||
	       p == PROBES_URETPROBE || p == PROBES_FENTRY || p == PROBES_FEXIT;
}

str bt_point_text(struct arena *a, const struct bt_point *p)
{
	struct sbuf text;

	sbuf_init(&text, a);
	probes_print(&text, &p->pub.want);
	/* bpftrace writes this provider without the underscore. */
	if (p->pub.want.provider == PROBES_RAW_TRACEPOINT)
		return str_printf(a, "rawtracepoint:" STR_FMT, STR_ARG(p->pub.want.name));
	return sbuf_str(&text);
}

/* probe and func are known when the program is lowered: as large as the largest of the clause. */
static void type_point_text(struct bt_typer *t, struct bt_expr *e, bool is_func)
{
	u32 most = 1;

	if (is_func && unfit(t, names_function)) {
		bt_error(t, e, E_CTX, "func is there at kprobe, uprobe, fentry and their returns");
		return;
	}
	for (u32 i = 0; i < t->clause->n_points; i++) {
		const struct bt_point *p = &t->u->points.at[t->clause->first_point + i];
		str text = is_func ? p->pub.want.name : bt_point_text(t->a, p);

		most = text.n + 1 > most ? text.n + 1 : most;
	}
	e->type = bt_string(most < bt_strlen(t->u) ? most : bt_strlen(t->u));
}

static void type_name(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_name *n = bt_builtin(e->name);

	e->builtin = n;
	if (!n && bt_arg_number(e->name) >= 0) {
		type_argument(t, e, false);
		return;
	}
	if (!n) {
		unknown_name(t, e);
		return;
	}
	switch (n->id) {
	case N_PID:
	case N_TID:
	case N_UID:
	case N_GID:
	case N_CPU:
	case N_NUMA:
	case N_RAND: e->type = bt_int(4, false); break;
	case N_NSECS:
	case N_ELAPSED:
	case N_CGROUP:
	case N_CURTASK:
		e->type = bt_int(8, false);
		e->type.region = n->id == N_CURTASK ? IR_IN_KERNEL : IR_IN_UNKNOWN;
		t->u->uses_elapsed |= n->id == N_ELAPSED;
		break;
	case N_COMM: e->type = bt_string(16); break;
	case N_CTX: e->type = (struct bt_type){ .kind = BT_PTR, .region = IR_IN_CTX }; break;
	case N_ARGS: type_args(t, e); break;
	case N_RETVAL: type_argument(t, e, true); break;
	case N_PROBE: type_point_text(t, e, false); break;
	case N_FUNC: type_point_text(t, e, true); break;
	default:
		bt_error(t, e, E_BT_NOT_YET, "'" STR_FMT "' is not compiled yet", STR_ARG(e->name));
		break;
	}
}

/* ---- leaves --------------------------------------------------------------------------------- */

static void type_string(struct bt_typer *t, struct bt_expr *e)
{
	u32 limit = bt_strlen(t->u);

	e->type = bt_string(e->name.n + 1);
	if (e->name.n >= limit)
		bt_error(t, e, E_BT_TYPE,
			 "a string as a value has at most %u bytes, this one has %u", limit - 1,
			 e->name.n);
}

/* A parameter of the script becomes the literal that it stands for. */
static void type_param(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_options *o = &t->u->o;
	str text = { 0 };
	u64 n;
	s64 v;

	if (str_is(e->name, "$#")) {
		e->kind = EX_INT;
		e->value = o->n_params;
	} else {
		if (e->value <= o->n_params)
			text = o->params[e->value - 1];
		e->kind = EX_INT;
		e->value = 0;
		if (str_to_u64(text, &n)) {
			e->value = n;
		} else if (str_to_s64(text, &v)) {
			e->value = (u64)v;
			e->is_negative = true;
		} else if (text.n) {
			e->kind = EX_STR;
			e->name = text;
		}
	}
	bt_type_expr(t, e);
}

static void type_var(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_var *v = strmap_get(&t->clause->var_names, e->name);
	struct nearest near;

	if (v && v->from <= e->span.lo) {
		e->var = v;
		e->type = v->type;
		return;
	}
	bt_error(t, e, E_BT_NAME, "variable " STR_FMT " is used before anything is assigned to it",
		 STR_ARG(e->name));
	if (!bt_wants_hint(t))
		return;
	nearest_init(&near, e->name);
	for (u32 i = 0; i < t->clause->vars.n; i++)
		nearest_offer(&near, t->clause->vars.at[i]->name);
	if (near.best.n && !str_eq(near.best, e->name))
		bt_hint(t, "did you mean " STR_FMT "?", STR_ARG(near.best));
}

static void unknown_map(struct bt_typer *t, struct bt_expr *e)
{
	struct nearest near;

	bt_error(t, e, E_BT_NAME, "map " STR_FMT " is read, but nothing is ever assigned to it",
		 STR_ARG(e->name));
	if (!bt_wants_hint(t))
		return;
	nearest_init(&near, e->name);
	for (u32 i = 0; i < t->u->maps.n; i++)
		if (t->u->maps.at[i]->is_assigned)
			nearest_offer(&near, t->u->maps.at[i]->name);
	if (near.best.n)
		bt_hint(t, "did you mean " STR_FMT "?", STR_ARG(near.best));
}

static void type_map(struct bt_typer *t, struct bt_expr *e)
{
	bt_type_map_key(t, e);
	e->type = e->map->value;
	if (!e->map->is_assigned && t->report)
		unknown_map(t, e);
	else if (e->type.kind == BT_AGG)
		bt_error(t, e, E_BT_NOT_YET,
			 "reading the %s in " STR_FMT " inside a program is not compiled yet",
			 bt_show_name((enum obj_show)e->type.agg), STR_ARG(e->name));
}

/* ---- keys ----------------------------------------------------------------------------------- */

static void fix_shape(struct bt_typer *t, struct bt_map *m, const struct bt_expr *e)
{
	m->is_known = t->changed = true;
	m->n_keys = e->n_args;
	m->keys = arena_array_of(t->a, struct bt_type, e->n_args + 1);
	m->span = e->span;
}

void bt_type_map_key(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_map *m = e->map;

	for (u32 i = 0; i < e->n_args; i++)
		bt_type_expr(t, e->args[i]);
	if (!m->is_known)
		fix_shape(t, m, e);
	if (m->n_keys != e->n_args) {
		bt_error(t, e, E_BT_TYPE, STR_FMT " has %u key%s elsewhere, here it has %u",
			 STR_ARG(m->name), m->n_keys, m->n_keys == 1 ? "" : "s", e->n_args);
		if (t->report)
			diag_note(t->u->o.dx, m->span, STR_FMT " was used here first",
				  STR_ARG(m->name));
		return;
	}
	for (u32 i = 0; i < e->n_args; i++) {
		struct bt_expr *k = e->args[i];
		bool is_key = bt_is_number(&k->type) || k->type.kind == BT_STRING;

		if (k->type.kind == BT_UNKNOWN || k->type.kind == BT_BAD)
			continue;
		if (!is_key)
			bt_error(t, k, E_BT_TYPE, "%s cannot be a key", bt_type_name(&k->type));
		else if (!bt_type_join(t, &m->keys[i], k->type))
			bt_error(t, k, E_BT_TYPE,
				 "this part of the key of " STR_FMT
				 " is %s elsewhere, here it is %s",
				 STR_ARG(m->name), bt_type_name(&m->keys[i]),
				 bt_type_name(&k->type));
	}
}

/* ---- operators ------------------------------------------------------------------------------ */

static bool is_settled(const struct bt_type *t)
{
	return t->kind != BT_UNKNOWN && t->kind != BT_BAD;
}

/* Takes over what is not settled yet; true if it was so. */
static bool is_open(struct bt_expr *e, const struct bt_expr *x)
{
	if (is_settled(&x->type))
		return false;
	e->type = x->type;
	return true;
}

static void type_unary(struct bt_typer *t, struct bt_expr *e)
{
	bt_type_expr(t, e->a);
	if (is_open(e, e->a))
		return;
	if (!bt_is_number(&e->a->type)) {
		bt_error(t, e, E_BT_TYPE, "%s works on numbers, this is %s", bt_tok_name(e->op),
			 bt_type_name(&e->a->type));
		return;
	}
	e->type = bt_int(8, e->op != T_TILDE || e->a->type.is_signed || e->a->type.is_literal);
	if (e->op == T_NOT)
		e->type.is_literal = false;
}

static bool is_comparison(enum bt_tok_kind op)
{
	return op == T_EQ || op == T_NE || op == T_LT || op == T_GT || op == T_LE || op == T_GE;
}

static void warn_zero(struct bt_typer *t, const struct bt_expr *e)
{
	s64 v;

	if (t->report && (e->op == T_DIV || e->op == T_MOD) && bt_const_value(e->b, &v) && !v)
		diag_add(t->u->o.dx, e->span, W_DIV_ZERO, "division by zero gives %s in BPF",
			 e->op == T_DIV ? "0" : "the dividend");
}

static void type_binary(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_type *a = &e->a->type, *b = &e->b->type;

	bt_type_expr(t, e->a);
	bt_type_expr(t, e->b);
	if (is_open(e, e->a) || is_open(e, e->b))
		return;
	e->type = bt_int(8, true);
	if (a->kind == BT_STRING && b->kind == BT_STRING && (e->op == T_EQ || e->op == T_NE))
		return;
	if (!bt_is_number(a) || !bt_is_number(b)) {
		bt_error(t, e, E_BT_TYPE, "%s between %s and %s", bt_tok_name(e->op),
			 bt_type_name(a), bt_type_name(b));
		if (a->kind == BT_STRING && b->kind == BT_STRING)
			bt_hint(t, "strings can be compared with == and != only");
		return;
	}
	if (is_comparison(e->op) || e->op == T_ANDAND || e->op == T_OROR)
		return;
	if (a->kind == BT_PTR || b->kind == BT_PTR) {
		bt_error(t, e, E_BT_NOT_YET, "arithmetic with pointers is not compiled yet");
		bt_hint(t, "cast it first: (uint64)x");
		return;
	}
	warn_zero(t, e);
	if (e->op == T_SHL || e->op == T_SHR)
		e->type.is_signed = a->is_signed || a->is_literal;
	else
		e->type.is_signed = e->op == T_SUB || bt_is_signed_pair(a, b);
	if (e->op == T_ADD && (a->region || b->region))
		e->type.region = a->region ? a->region : b->region;
}

static void type_cond(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_type *b = &e->b->type, *c = &e->c->type;

	bt_type_expr(t, e->a);
	bt_type_expr(t, e->b);
	bt_type_expr(t, e->c);
	if (is_settled(&e->a->type) && !bt_is_number(&e->a->type))
		bt_error(t, e->a, E_BT_TYPE, "a condition is a number, this is %s",
			 bt_type_name(&e->a->type));
	if (is_open(e, e->b) || is_open(e, e->c))
		return;
	if (b->kind == BT_VOID && c->kind == BT_VOID) {
		e->type.kind = BT_VOID;
	} else if (b->kind == BT_STRING && c->kind == BT_STRING) {
		e->type = b->size > c->size ? *b : *c;
	} else if (bt_is_number(b) && bt_is_number(c)) {
		e->type = bt_int(8, bt_is_signed_pair(b, c));
		e->type.region = b->region == c->region ? b->region : (u8)IR_IN_ANY;
	} else {
		bt_error(t, e, E_BT_TYPE, "?: chooses between %s and %s", bt_type_name(b),
			 bt_type_name(c));
	}
}

static void type_incdec(struct bt_typer *t, struct bt_expr *e)
{
	if (e->a->kind == EX_MAP && !e->a->map->is_assigned) {
		e->a->map->is_assigned = t->changed = true;
		e->a->map->show = OBJ_SHOW_VALUE;
		e->a->map->value = bt_int(8, true);
	}
	bt_type_expr(t, e->a);
	if (is_open(e, e->a))
		return;
	e->type = e->a->type;
	if (e->type.kind != BT_INT) {
		bt_error(t, e, E_BT_TYPE, "%s works on integers, this is %s", bt_tok_name(e->op),
			 bt_type_name(&e->a->type));
		return;
	}
	bt_type_join(t, e->a->kind == EX_VAR ? &e->a->var->type : &e->a->map->value,
		     bt_int(8, true));
	e->type = bt_int(8, true);
}

static void type_cast(struct bt_typer *t, struct bt_expr *e)
{
	bt_type_expr(t, e->a);
	if (is_open(e, e->a))
		return;
	e->type = e->to;
	e->type.region = e->a->type.region;
	if (!bt_is_number(&e->a->type))
		bt_error(t, e, E_BT_TYPE, "%s cannot be cast to %s", bt_type_name(&e->a->type),
			 bt_type_name(&e->to));
}

void bt_type_expr(struct bt_typer *t, struct bt_expr *e)
{
	switch (e->kind) {
	case EX_INT:
		e->type = bt_int(8, e->is_negative || (s64)e->value >= 0);
		e->type.is_literal = (s64)e->value >= 0;
		break;
	case EX_STR: type_string(t, e); break;
	case EX_PARAM: type_param(t, e); break;
	case EX_VAR: type_var(t, e); break;
	case EX_MAP: type_map(t, e); break;
	case EX_NAME: type_name(t, e); break;
	case EX_CALL: bt_type_call(t, e); break;
	case EX_UNARY: type_unary(t, e); break;
	case EX_BINARY: type_binary(t, e); break;
	case EX_COND: type_cond(t, e); break;
	case EX_CAST: type_cast(t, e); break;
	case EX_INCDEC: type_incdec(t, e); break;
	case EX_FIELD: type_field(t, e); break;
	case EX_NOT_YET:
		bt_error(t, e, E_BT_NOT_YET, STR_FMT " is not compiled yet", STR_ARG(e->name));
		break;
	case EX_BAD: e->type.kind = BT_BAD; break;
	}
}
