/* type_expr: the types of names, parameters, maps and operators. The rules are in type.c's head; members,
 * elements and casts are in type_member.c.
 */
#include "btfront/ast.h"
#include "cfront/cfront.h"

/* ---- builtins ------------------------------------------------------------------------------- */

static bool has_arguments(enum probes_provider p)
{
	return p == PROBES_KPROBE || p == PROBES_UPROBE || p == PROBES_KSYSCALL ||
	       p == PROBES_RAW_TRACEPOINT || p == PROBES_FENTRY || p == PROBES_FEXIT;
}

static bool has_result(enum probes_provider p)
{
	return p == PROBES_KRETPROBE || p == PROBES_URETPROBE || p == PROBES_KRETSYSCALL ||
	       p == PROBES_FEXIT;
}

/* Are all attach points of the clause of a kind that gives this? The first that is not, else NULL.
 */
const struct bt_point *bt_unfit(struct bt_typer *t, bool (*fits)(enum probes_provider p))
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
	return p == PROBES_USDT || p == PROBES_TP_BTF || p == PROBES_ITER || p == PROBES_LSM;
}

/* The type that BTF gives an argument or result, where it knows the function. */
static bool type_by_btf(struct bt_typer *t, struct bt_expr *e, u32 n, bool is_result)
{
	struct bt_point *p = t->u->points.at + t->clause->first_point;
	const struct type *func, *ty;
	u32 first;

	if (!t->clause->n_points)
		return false;
	if (p->pub.want.provider != PROBES_FENTRY && p->pub.want.provider != PROBES_FEXIT)
		return false;
	func = bt_point_func(t->u, p, &first);
	if (!func || (!is_result && first + n >= func->n))
		return false;
	ty = is_result ? func->to : func->params[first + n].type;
	e->type = bt_from_c(ty, IR_IN_KERNEL);
	return bt_is_number(&e->type);
}

static void type_argument(struct bt_typer *t, struct bt_expr *e, bool is_result)
{
	const struct bt_point *p = bt_unfit(t, is_result ? has_result : has_arguments);
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
		bt_hint(t, is_result ? "retval is there at kretprobe, uretprobe and fexit"
				     : "arg0 … are there at kprobe, uprobe and rawtracepoint");
		return;
	}
	if (!is_result && (u32)n >= limit) {
		bt_error(t, e, E_CTX, "this machine passes only arg0 … arg%u in registers",
			 limit - 1);
		return;
	}
	if (type_by_btf(t, e, (u32)n, is_result))
		return;
	e->type = bt_int(8, is_result);
	e->type.region = IR_IN_ANY;
	p = t->clause->n_points ? &t->u->points.at[t->clause->first_point] : NULL;
	if (p &&
	    (p->pub.want.provider == PROBES_UPROBE || p->pub.want.provider == PROBES_URETPROBE))
		e->type.region = IR_IN_USER;
}

/* sarg0: the words behind the return address. */
static void type_stack_argument(struct bt_typer *t, struct bt_expr *e)
{
	e->type = bt_int(8, false);
	e->type.region = IR_IN_ANY;
	if (bt_unfit(t, has_arguments))
		bt_error(t, e, E_CTX, "sarg0 … are there at kprobe and uprobe");
}

static bool is_tracepoint_like(enum probes_provider p)
{
	return p == PROBES_TRACEPOINT || p == PROBES_RAW_TRACEPOINT || p == PROBES_UPROBE ||
	       p == PROBES_FENTRY || p == PROBES_FEXIT || is_later(p);
}

static void type_args(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_point *p = bt_unfit(t, is_tracepoint_like);

	e->type.kind = t->clause->n_points ? BT_ARGS : BT_BAD;
	if (!p)
		return;
	bt_error(t, e, E_CTX, "%s gives no args", probes_provider_name(p->pub.want.provider));
	bt_hint(t, "args is there at tracepoints: args.filename");
}

static void type_constant(struct bt_typer *t, struct bt_expr *e, s64 value, const struct type *en)
{
	e->kind = EX_INT;
	e->value = (u64)value;
	e->is_negative = value < 0;
	bt_type_expr(t, e);
	if (en && !t->u->config.is_old) {
		e->type.c = en;
		e->type.is_literal = false;
	}
}

/* Enumerators of the C part, constants of kernel headers, enumerators of the kernel. */
static bool is_constant(struct bt_typer *t, struct bt_expr *e)
{
	const struct type *en = NULL;
	s64 value;

	if ((t->u->c && cf_find_enumerator(t->u->c, e->name, &value)) ||
	    cf_known_constant(e->name, &value) ||
	    (bt_btf(t->u) && ty_btf_enumerator(bt_btf(t->u), e->name, &value, &en))) {
		type_constant(t, e, value, NULL);
		return true;
	}
	return false;
}

static void unknown_name(struct bt_typer *t, struct bt_expr *e)
{
	struct nearest near;

	if (is_constant(t, e))
		return;
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

	if (is_func && bt_unfit(t, names_function)) {
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

static struct bt_type stack_type(struct bt_typer *t, bool is_user)
{
	struct bt_type x = { .kind = is_user ? BT_USTACK : BT_KSTACK, .size = 127 };

	x.extra = t->u->config.stack_mode;
	return x;
}

/* The kernel's struct of the current task, by its tag: completed by whoever looks into it. */
static struct bt_type task_type(struct bt_typer *t)
{
	struct bt_type x = bt_int(8, false);

	x.region = IR_IN_KERNEL;
	if (t->u->config.is_old)
		return x;
	if (!t->u->task)
		t->u->task = ty_tagged_new(t->u->o.types, TY_STRUCT, STR("task_struct"),
					   (struct span){ 0 });
	return bt_pointer(t->u->task, IR_IN_KERNEL);
}

static const char *const probe_types[] = {
	[PROBES_BEGIN] = "begin",
	[PROBES_END] = "end",
	[PROBES_RAW_TRACEPOINT] = "rawtracepoint",
};

str bt_probe_type(const struct bt_point *p)
{
	enum probes_provider x = p->pub.want.provider;

	return str_of(x < ARRAY_LEN(probe_types) && probe_types[x] ? probe_types[x]
								   : probes_provider_name(x));
}

static void type_cpid(struct bt_typer *t, struct bt_expr *e)
{
	e->type = bt_int(4, false);
	if (!t->u->o.cpid)
		bt_error(t, e, E_CTX, "cpid is there when a command is traced");
}

static void type_builtin(struct bt_typer *t, struct bt_expr *e, enum bt_name_id id)
{
	switch (id) {
	case N_PID:
	case N_TID:
	case N_UID:
	case N_GID:
	case N_CPU:
	case N_NUMA:
	case N_PPID:
	case N_LEADER_TID:
	case N_NCPUS:
	case N_RAND: e->type = bt_int(4, false); break;
	case N_NSECS:
	case N_ELAPSED:
	case N_JIFFIES:
	case N_CGROUP:
		e->type = bt_int(8, false);
		t->u->uses_elapsed |= id == N_ELAPSED;
		break;
	case N_CPID: type_cpid(t, e); break;
	case N_USERMODE:
		e->type = bt_bool(t->u);
		if (bt_unfit(t, bt_has_registers))
			bt_error(t, e, E_CTX,
				 "usermode is there at profile, kprobe and their like");
		break;
	case N_CURTASK: e->type = task_type(t); break;
	case N_COMM:
	case N_PCOMM:
	case N_LEADER_COMM: e->type = bt_string(16); break;
	case N_CTX: e->type = (struct bt_type){ .kind = BT_PTR, .region = IR_IN_CTX }; break;
	case N_ARGS: type_args(t, e); break;
	case N_RETVAL: type_argument(t, e, true); break;
	case N_PROBETYPE: e->type = bt_string(16); break;
	case N_PROBE: type_point_text(t, e, false); break;
	case N_FUNC: type_point_text(t, e, true); break;
	case N_KSTACK:
	case N_USTACK: e->type = stack_type(t, id == N_USTACK); break;
	case N_USERNAME: e->type.kind = BT_USERNAME; break;
	default:
		bt_error(t, e, E_BT_NOT_YET, "'" STR_FMT "' is not compiled yet", STR_ARG(e->name));
		break;
	}
}

static bool needs_ctx(enum bt_name_id id)
{
	return id == N_CTX || id == N_ARGS || id == N_RETVAL || id == N_KSTACK || id == N_USTACK ||
	       id == N_USERMODE;
}

static void type_name(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_name *n = bt_builtin(e->name);
	bool is_arg = !n && (bt_arg_number(e->name) >= 0 || bt_sarg_number(e->name) >= 0);

	e->builtin = n;
	if (t->loops && (is_arg || (n && needs_ctx(n->id))))
		bt_error(t, e, E_CTX,
			 STR_FMT " cannot be used in a loop over a map; put it into a "
				 "variable before",
			 STR_ARG(e->name));
	else if (is_arg && bt_arg_number(e->name) >= 0)
		type_argument(t, e, false);
	else if (is_arg)
		type_stack_argument(t, e);
	else if (!n)
		unknown_name(t, e);
	else
		type_builtin(t, e, n->id);
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
		e->is_param = true;
		e->name = text;
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

/* Was it assigned before this place, in a block that has ended? */
static bool is_behind(struct bt_typer *t, const struct bt_expr *e)
{
	for (u32 i = 0; i < t->clause->vars.n; i++)
		if (str_eq(t->clause->vars.at[i]->name, e->name) && t->clause->vars.at[i]->from &&
		    t->clause->vars.at[i]->from <= e->span.lo)
			return true;
	return false;
}

static void type_var(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_var *v = bt_use_var(t, e);
	struct nearest near;

	if (!v && !t->report && is_behind(t, e))
		v = bt_hoist_var(t, e->name);
	if (v) {
		e->var = v;
		e->type = v->type;
		return;
	}
	bt_error(t, e, E_BT_NAME, "variable " STR_FMT " is used before anything is assigned to it",
		 STR_ARG(e->name));
	if (!bt_wants_hint(t))
		return;
	nearest_init(&near, e->name);
	for (u32 i = 0; i < t->scope.n; i++)
		nearest_offer(&near, t->scope.at[i]->name);
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

/* One number for all CPUs together. */
static bool is_readable(const struct bt_map *m)
{
	return m->show == OBJ_SHOW_COUNT || m->show == OBJ_SHOW_SUM || m->show == OBJ_SHOW_MIN ||
	       m->show == OBJ_SHOW_MAX || m->show == OBJ_SHOW_AVG;
}

static void type_map(struct bt_typer *t, struct bt_expr *e)
{
	bt_type_map_key(t, e);
	e->type = e->map->value;
	if (!e->map->is_assigned && t->report)
		unknown_map(t, e);
	else if (e->type.kind == BT_AGG && is_readable(e->map))
		e->type = bt_int(8, e->map->show == OBJ_SHOW_AVG || e->map->value.is_signed);
	else if (e->type.kind == BT_AGG)
		bt_error(t, e, E_BT_NOT_YET,
			 "reading the %s in " STR_FMT " inside a program is not compiled yet",
			 bt_show_name((enum obj_show)e->type.agg), STR_ARG(e->name));
}

/* ---- keys ----------------------------------------------------------------------------------- */

static u32 n_keys(const struct bt_type *key)
{
	if (key->kind == BT_VOID)
		return 0;
	return key->kind == BT_TUPLE && !key->tuple->names ? key->tuple->n : 1;
}

static bool is_key(const struct bt_type *t)
{
	if (t->kind == BT_TUPLE) {
		for (u32 i = 0; i < t->tuple->n; i++)
			if (!is_key(&t->tuple->types[i]))
				return false;
		return t->tuple->n > 0;
	}
	return bt_is_scalar(t) || (t->kind >= BT_STRING && t->kind <= BT_ARRAY);
}

static void wrong_key(struct bt_typer *t, struct bt_expr *e, const struct bt_type *home)
{
	const struct bt_map *m = e->map;
	struct bt_expr *k = e->a;
	u32 i;

	if (n_keys(home) != n_keys(&k->type)) {
		u32 n = n_keys(home);

		bt_error(t, e, E_BT_TYPE, STR_FMT " has %u key%s elsewhere, here it has %u",
			 STR_ARG(m->name), n, n == 1 ? "" : "s", n_keys(&k->type));
		return;
	}
	for (i = 0; k->kind == EX_TUPLE && home->kind == BT_TUPLE && i < k->n_args; i++) {
		struct bt_type part = home->tuple->types[i];

		if (bt_type_join(t, &part, k->args[i]->type))
			continue;
		bt_error(t, k->args[i], E_BT_TYPE,
			 "this part of the key of " STR_FMT " is %s elsewhere, here it is %s",
			 STR_ARG(m->name), bt_type_name(&part), bt_type_name(&k->args[i]->type));
		return;
	}
	bt_error(t, k, E_BT_TYPE,
		 "this part of the key of " STR_FMT " is %s elsewhere, here it is %s",
		 STR_ARG(m->name), bt_type_name(home), bt_type_name(&k->type));
}

static void wrong_count(struct bt_typer *t, struct bt_expr *e, u32 here)
{
	const struct bt_map *m = e->map;
	u32 n = n_keys(&m->key);

	bt_error(t, e, E_BT_TYPE, STR_FMT " has %u key%s elsewhere, here it has %u",
		 STR_ARG(m->name), n, n == 1 ? "" : "s", here);
	if (t->report)
		diag_note(t->u->o.dx, m->span, STR_FMT " was used here first", STR_ARG(m->name));
}

/* Keys that nothing is known of yet leave the map's shape open. */
void bt_type_map_key(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_map *m = e->map;
	struct bt_expr *k = e->a;

	if (k)
		bt_type_expr(t, k);
	if (k && bt_is_open(k))
		return;
	if (k && !is_key(&k->type)) {
		bt_error(t, k, E_BT_TYPE, "%s cannot be a key", bt_type_name(&k->type));
		return;
	}
	if (!m->is_known) {
		m->is_known = t->changed = true;
		m->span = e->span;
		m->key.kind = k ? BT_UNKNOWN : BT_VOID;
	}
	if (!k || m->key.kind == BT_VOID) {
		if (k || m->key.kind != BT_VOID)
			wrong_count(t, e, k ? n_keys(&k->type) : 0);
		return;
	}
	if (m->key.kind != BT_UNKNOWN && n_keys(&m->key) != n_keys(&k->type))
		wrong_count(t, e, n_keys(&k->type));
	else if (!bt_type_join(t, &m->key, k->type))
		wrong_key(t, e, &m->key);
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
		e->type = bt_bool(t->u);
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

/* Equality of what lies in memory: strings, and what consists of comparable parts. */
static bool is_comparable(const struct bt_type *a, const struct bt_type *b)
{
	if (bt_is_number(a) && bt_is_number(b))
		return true;
	if (a->kind != b->kind)
		return false;
	if (a->kind == BT_TUPLE) {
		if (a->tuple->n != b->tuple->n || !a->tuple->names != !b->tuple->names)
			return false;
		for (u32 i = 0; i < a->tuple->n; i++)
			if (!is_comparable(&a->tuple->types[i], &b->tuple->types[i]))
				return false;
		return true;
	}
	if (a->kind == BT_ARRAY)
		return a->c->size == b->c->size && a->c->size <= 64;
	return a->kind == BT_STRING || a->kind == BT_INET || a->kind == BT_MAC ||
	       a->kind == BT_USYM || a->kind == BT_KSYM;
}

/* pointer + n, pointer - n, pointer - pointer, pointer & n */
static void type_pointer_op(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_type *a = &e->a->type, *b = &e->b->type;
	bool both = a->kind == BT_PTR && b->kind == BT_PTR;

	if (e->op == T_ADD && !both) {
		e->type = a->kind == BT_PTR ? *a : *b;
	} else if (e->op == T_SUB && a->kind == BT_PTR) {
		e->type = both ? bt_int(8, true) : *a;
	} else if (e->op == T_AND || e->op == T_OR || e->op == T_XOR || e->op == T_SHR ||
		   e->op == T_SHL || e->op == T_MOD) {
		e->type = bt_int(8, false);
	} else {
		bt_error(t, e, E_BT_TYPE, "%s between %s and %s", bt_tok_name(e->op),
			 bt_type_name(a), bt_type_name(b));
		bt_hint(t, "cast it first: (uint64)x");
	}
}

static void type_binary(struct bt_typer *t, struct bt_expr *e)
{
	const struct bt_type *a = &e->a->type, *b = &e->b->type;

	bt_type_expr(t, e->a);
	bt_type_expr(t, e->b);
	if (is_open(e, e->a) || is_open(e, e->b))
		return;
	e->type = bt_bool(t->u);
	if ((e->op == T_EQ || e->op == T_NE) && is_comparable(a, b))
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
		type_pointer_op(t, e);
		return;
	}
	warn_zero(t, e);
	e->type = bt_int(8, true);
	if (e->op == T_SHL || e->op == T_SHR)
		e->type.is_signed = a->is_signed || a->is_literal;
	else
		e->type.is_signed = e->op == T_SUB || bt_is_signed_pair(a, b);
	if (e->op == T_ADD && (a->region || b->region))
		e->type.region = a->region ? a->region : b->region;
}

/* c ? x : y; without a middle, c itself is x. */
static void type_cond(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_expr *yes = e->b ? e->b : e->a;
	struct bt_type *b = &yes->type, *c = &e->c->type;

	bt_type_expr(t, e->a);
	if (e->b)
		bt_type_expr(t, e->b);
	bt_type_expr(t, e->c);
	if (is_settled(&e->a->type) && !bt_is_number(&e->a->type))
		bt_error(t, e->a, E_BT_TYPE, "a condition is a number, this is %s",
			 bt_type_name(&e->a->type));
	if (is_open(e, yes) || is_open(e, e->c))
		return;
	if (b->kind == BT_VOID && c->kind == BT_VOID) {
		e->type.kind = BT_VOID;
		return;
	}
	e->type = *b;
	if (bt_is_number(b) && bt_is_number(c)) {
		bool is_bool = b->is_bool && c->is_bool;

		if (b->kind == BT_PTR && (c->kind == BT_PTR || c->is_literal))
			return;
		e->type = bt_int(8, bt_is_signed_pair(b, c));
		e->type.is_bool = is_bool;
		e->type.region = b->region == c->region ? b->region : (u8)IR_IN_ANY;
	} else {
		struct bt_typer own = *t;

		if (b->kind == BT_AGG || b->kind == BT_ARGS || b->kind == BT_VOID ||
		    !bt_type_join(&own, &e->type, *c))
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
	if (e->type.kind == BT_PTR && e->type.c && e->a->kind == EX_VAR)
		return;
	if (e->type.kind != BT_INT) {
		bt_error(t, e, E_BT_TYPE, "%s works on integers, this is %s", bt_tok_name(e->op),
			 bt_type_name(&e->a->type));
		return;
	}
	bt_type_join(t, e->a->kind == EX_VAR ? &e->a->var->type : &e->a->map->value,
		     bt_int(8, true));
	e->type = bt_int(8, true);
}

/* ---- groups --------------------------------------------------------------------------------- */

static void type_tuple(struct bt_typer *t, struct bt_expr *e)
{
	struct bt_type *types = arena_array_of(t->a, struct bt_type, e->n_args + 1);

	e->type = (struct bt_type){ 0 };
	for (u32 i = 0; i < e->n_args; i++)
		bt_type_expr(t, e->args[i]);
	for (u32 i = 0; i < e->n_args; i++) {
		struct bt_expr *x = e->args[i];

		if (is_open(e, x))
			return;
		if (!bt_is_scalar(&x->type) &&
		    (x->type.kind < BT_STRING || x->type.kind > BT_ARRAY ||
		     (x->type.kind == BT_STRUCT && !bt_complete(t->u, x->type.c)))) {
			if (e->is_key)
				bt_error(t, x, E_BT_TYPE, "%s cannot be a key",
					 bt_type_name(&x->type));
			else
				bt_error(t, x, E_BT_TYPE, "%s cannot be in a tuple",
					 bt_type_name(&x->type));
			e->type.kind = BT_BAD;
			return;
		}
		types[i] = x->type;
	}
	e->type = bt_tuple_of(t->a, types, e->names, e->n_args);
}

/* { statements; value } */
static void type_block(struct bt_typer *t, struct bt_expr *e)
{
	u32 visible = t->scope.n;

	bt_type_stmts(t, e->body->body);
	e->type = (struct bt_type){ .kind = BT_VOID };
	if (e->a) {
		bt_type_expr(t, e->a);
		e->type = e->a->type;
	}
	t->scope.n = visible;
}

static void type_int(struct bt_typer *t, struct bt_expr *e)
{
	const struct type *c = e->type.c;

	if (e->is_bool) {
		e->type = bt_bool(t->u);
		return;
	}
	e->type = bt_int(8, e->is_negative || (s64)e->value >= 0);
	e->type.is_literal = (s64)e->value >= 0 && !c;
	e->type.c = c;
}

void bt_type_expr(struct bt_typer *t, struct bt_expr *e)
{
	switch (e->kind) {
	case EX_INT: type_int(t, e); break;
	case EX_STR: type_string(t, e); break;
	case EX_PARAM: type_param(t, e); break;
	case EX_VAR: type_var(t, e); break;
	case EX_MAP: type_map(t, e); break;
	case EX_NAME: type_name(t, e); break;
	case EX_CALL: bt_type_call(t, e); break;
	case EX_UNARY: type_unary(t, e); break;
	case EX_BINARY: type_binary(t, e); break;
	case EX_COND: type_cond(t, e); break;
	case EX_CAST: bt_type_cast(t, e); break;
	case EX_INCDEC: type_incdec(t, e); break;
	case EX_FIELD: bt_type_field(t, e); break;
	case EX_INDEX: bt_type_index(t, e); break;
	case EX_DEREF: bt_type_deref(t, e); break;
	case EX_TUPLE: type_tuple(t, e); break;
	case EX_BLOCK: type_block(t, e); break;
	case EX_SIZEOF:
	case EX_OFFSETOF: bt_type_size(t, e); break;
	case EX_ADDR:
		bt_type_expr(t, e->a);
		bt_error(t, e, E_BT_NOT_YET,
			 "the address of a variable or map is not compiled yet");
		break;
	case EX_NOT_YET:
		bt_error(t, e, E_BT_NOT_YET, STR_FMT " is not compiled yet", STR_ARG(e->name));
		break;
	case EX_BAD: e->type.kind = BT_BAD; break;
	}
}
