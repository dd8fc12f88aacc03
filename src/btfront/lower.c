/* lower: from the typed tree to ir and obj.
 *
 * Each attach point becomes a program of its own with the body of its clause: what the event
 * delivers differs. Maps are declared first, once. Variables are memory that holds 0 or "" at
 * the start; pass `promote` makes registers of the numbers.
 *
 * What `elapsed` counts from is a global that a program of skep's own sets before any BEGIN of the
 * script.
 *
 * Temporary memory (keys, values, strings) is shared between statements: no two parts of one
 * statement get the same piece, so order of evaluation does not matter, and the 512 bytes of stack
 * last. What is large, or no longer fits there, lies in the scratch: the one entry of a per-CPU map,
 * looked up once, behind the predicate where that does without.
 *
 * A scratch is shared with what preempts a program on its CPU; programs of kernel events are never
 * preempted by one another.
 */
#include <string.h>

#include "btfront/lower.h"

/* The spills of the code generator need some of the 512, too. */
enum { STACK_MAX = 320, SCRATCH_MAX = 32 * 1024, LARGE = 64, RING_MIN = 256 * 1024 };
#define SCRATCH_NAME "skep.scratch"

/* ---- small things ---------------------------------------------------------------------------- */

struct ir_ins *bt_num(struct bt_lower *l, s64 v)
{
	return ir_const(&l->b, 64, v);
}

struct ir_ins *bt_op(struct bt_lower *l, enum ir_op op, struct ir_ins *x, s64 imm)
{
	struct ir_ins *y = bt_num(l, imm);

	return ir_op_info(op)->flags & IR_F_CMP ? ir_compare(&l->b, op, x, y)
						: ir_binary(&l->b, op, 64, x, y);
}

struct ir_ins *bt_call(struct bt_lower *l, u32 helper, struct ir_ins *const *args, u32 n)
{
	return ir_call(&l->b, helper, 64, args, n);
}

struct ir_ins *bt_address(struct bt_lower *l, struct ir_ins *base, s64 off)
{
	return off ? bt_op(l, IR_ADD, base, off) : base;
}

void bt_enter(struct bt_lower *l, struct ir_block *b)
{
	if (!ir_ended(&l->b))
		ir_jump(&l->b, b);
	l->b.at = b;
}

void bt_leave(struct bt_lower *l)
{
	if (!ir_ended(&l->b))
		ir_ret(&l->b, ir_const(&l->b, 32, 0));
	l->b.at = ir_block_new(l->b.fn);
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Where scratch memory begins now; counts what is used. */
static u32 take_scratch(struct bt_lower *l, u32 bytes)
{
	u32 off = l->scratch_used;

	if (off + bytes > SCRATCH_MAX) {
		diag_add(l->dx, l->b.span, E_STACK,
			 "the strings and values of this probe need more than %u bytes",
			 SCRATCH_MAX);
		return 0;
	}
	if (!l->scratch)
		l->scratch = ir_slot(&l->b, 8, 8);
	l->scratch_used += bytes;
	if (l->scratch_used > l->scratch_max)
		l->scratch_max = l->scratch_used;
	return off;
}

static struct ir_ins *scratch_at(struct bt_lower *l, u32 off)
{
	struct ir_ins *p = ir_load(&l->b, 64, 8, false, l->scratch, 0);

	p->region = IR_IN_VALUE;
	return bt_address(l, p, off);
}

static bool fits_stack(struct bt_lower *l, u32 bytes)
{
	return bytes <= LARGE && l->stack_bytes + bytes <= STACK_MAX;
}

struct ir_ins *bt_temp(struct bt_lower *l, u32 bytes)
{
	struct bt_temp *best = NULL;

	for (u32 i = 0; i < l->temps.n; i++) {
		struct bt_temp *t = &l->temps.at[i];

		if (!t->taken && t->bytes >= bytes && (!best || t->bytes < best->bytes))
			best = t;
	}
	if (best && bytes <= 8 && best->bytes > LARGE && fits_stack(l, bytes))
		best = NULL;
	if (!best) {
		best = vec_push(l->a, &l->temps);
		best->bytes = bytes;
		if (fits_stack(l, bytes)) {
			l->stack_bytes += bytes;
			best->slot = ir_slot(&l->b, bytes, 8);
		} else {
			best->off = take_scratch(l, bytes);
		}
	}
	best->taken = l->level + 1;
	return best->slot ? best->slot : scratch_at(l, best->off);
}

void bt_release_temps(struct bt_lower *l)
{
	for (u32 i = 0; i < l->temps.n; i++)
		if (l->temps.at[i].taken > l->level)
			l->temps.at[i].taken = 0;
}

struct ir_ins *bt_join(struct bt_lower *l)
{
	return l->joins.n ? l->joins.at[--l->joins.n] : ir_slot(&l->b, 8, 8);
}

void bt_join_drop(struct bt_lower *l, struct ir_ins *slot)
{
	*vec_push(l->a, &l->joins) = slot;
}

struct ir_ins *bt_joined(struct bt_lower *l, struct ir_ins *slot)
{
	bt_join_drop(l, slot);
	return ir_load(&l->b, 64, 8, false, slot, 0);
}

/* ---- the scratch ----------------------------------------------------------------------------- */

struct ir_block *bt_open_prelude(struct bt_lower *l)
{
	struct ir_block *prelude = ir_block_new(l->b.fn), *body = ir_block_new(l->b.fn);

	ir_jump(&l->b, prelude);
	prelude->note = body;
	l->b.at = body;
	return prelude;
}

/* scratch = lookup(&scratch_map, &zero); if (!scratch) return 0; */
void bt_close_prelude(struct bt_lower *l, struct ir_block *prelude, bool is_wanted)
{
	struct ir_block *at = l->b.at, *body = prelude->note, *none;
	struct ir_ins *key, *p;
	u32 map;

	prelude->note = NULL;
	l->b.at = prelude;
	if (!is_wanted) {
		ir_jump(&l->b, body);
		l->b.at = at;
		return;
	}
	map = obj_map_find(l->o, STR(SCRATCH_NAME));
	if (map == OBJ_NONE)
		map = obj_map_add(l->o, STR(SCRATCH_NAME), ISA_MAP_PERCPU_ARRAY, 4, 8, 1);
	none = ir_block_new(l->b.fn);
	key = ir_slot(&l->b, 8, 8);
	ir_store(&l->b, 4, key, 0, ir_const(&l->b, 32, 0));
	p = bt_lookup(l, map, key);
	ir_store(&l->b, 8, l->scratch, 0, p);
	ir_if(&l->b, p, body, none);
	l->b.at = none;
	ir_ret(&l->b, ir_const(&l->b, 32, 0));
	l->b.at = at;
}

/* ---- variables ------------------------------------------------------------------------------- */

/* Small ones on the stack; what a callback uses in the frame; the others in the scratch. */
struct bt_place bt_var_place(struct bt_lower *l, struct bt_var *v)
{
	if (v->is_shared)
		return (struct bt_place){ l->frame, v->frame, IR_IN_STACK };
	if (v->slot)
		return (struct bt_place){ v->slot, 0, IR_IN_STACK };
	return (struct bt_place){ scratch_at(l, v->frame), 0, IR_IN_STACK };
}

void bt_make_var(struct bt_lower *l, struct bt_var *v)
{
	u32 bytes = bt_size(&v->type);
	struct bt_place p;

	if (v->type.kind == BT_VOID || v->type.kind == BT_UNKNOWN)
		return;
	if (!v->is_shared && v->fn != l->b.fn) {
		v->fn = l->b.fn;
		v->slot = NULL;
		if (bt_is_scalar(&v->type) || fits_stack(l, bytes)) {
			l->stack_bytes += bt_is_scalar(&v->type) ? 0 : bytes;
			v->slot = ir_slot(&l->b, bytes, 8);
		} else {
			v->frame = take_scratch(l, bytes);
		}
	}
	p = bt_var_place(l, v);
	if (bt_is_scalar(&v->type))
		ir_store(&l->b, 8, p.base, p.off, bt_num(l, 0));
	else
		bt_clear(l, p.base, p.off, bytes);
}

/* Scalars of the whole clause at its start; the rest likewise, unless a callback declares it. */
static void make_variables(struct bt_lower *l)
{
	u32 bytes = 0;

	for (u32 i = 0; i < l->clause->vars.n; i++) {
		struct bt_var *v = l->clause->vars.at[i];

		if (!v->is_shared)
			continue;
		v->frame = bytes;
		bytes += bt_size(&v->type);
	}
	l->clause->frame = bytes;
	if (bytes > STACK_MAX)
		diag_add(l->dx, l->clause->span, E_STACK,
			 "the variables that loops over maps use need more than %u bytes",
			 STACK_MAX);
	if (bytes) {
		l->frame = ir_slot(&l->b, bytes, 8);
		l->stack_bytes += bytes;
	}
	for (u32 i = 0; i < l->clause->vars.n; i++) {
		struct bt_var *v = l->clause->vars.at[i];

		l->b.span = v->span;
		if (!v->depth)
			bt_make_var(l, v);
	}
}

/* ---- programs ------------------------------------------------------------------------------- */

/* A C identifier out of "tracepoint:raw_syscalls:sys_enter". */
static str program_name(struct bt_lower *l, str attach, u32 serial)
{
	str name = str_printf(l->o->a, STR_FMT "_%u", STR_ARG(attach), serial);
	char *s = str_z(l->o->a, name);

	for (u32 i = 0; i < name.n; i++)
		if (!((s[i] >= 'a' && s[i] <= 'z') || (s[i] >= 'A' && s[i] <= 'Z') ||
		      (s[i] >= '0' && s[i] <= '9')))
			s[i] = '_';
	return (str){ s, name.n };
}

static str section_of(struct bt_lower *l, const struct probes_point *at)
{
	const char *provider = probes_provider_name(at->provider);

	if (at->provider == PROBES_TRACEPOINT)
		return str_printf(l->o->a, "%s/" STR_FMT "/" STR_FMT, provider, STR_ARG(at->module),
				  STR_ARG(at->name));
	if (!at->name.n)
		return str_of(provider);
	return str_printf(l->o->a, "%s/" STR_FMT, provider, STR_ARG(at->name));
}

static void reset_function(struct bt_lower *l)
{
	l->temps.n = l->joins.n = l->stack_bytes = 0;
	l->scratch = l->read_slot = NULL;
	l->loop = NULL;
}

static struct ir_fn *declare_program(struct bt_lower *l, const struct probes_point *at,
				     struct span span)
{
	struct obj_prog *op = vec_push(l->o->a, &l->o->progs);
	u32 serial = l->o->progs.n - 1;
	struct sbuf attach;
	struct ir_fn *fn;

	sbuf_init(&attach, l->o->a);
	probes_print(&attach, at);
	op->attach = sbuf_str(&attach);
	op->name = program_name(l, op->attach, serial + 1);
	op->section = section_of(l, at);
	op->func = OBJ_NONE;
	op->span = span;
	probes_types(at, &op->prog_type, &op->attach_type);
	if (op->attach_type != OBJ_NONE)
		op->btf_target = at->name;
	fn = ir_fn_new(l->m, op->name, IR_PROGRAM, 1, 32);
	fn->prog = serial;
	fn->span = span;
	fn->param_region[0] = IR_IN_CTX;
	l->b = (struct ir_builder){ .fn = fn, .at = ir_block_new(fn), .span = span };
	reset_function(l);
	l->frame = NULL;
	l->in_callback = false;
	l->scratch_used = 0;
	return fn;
}

static void test_predicate(struct bt_lower *l)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *no = ir_block_new(l->b.fn);

	l->b.span = l->clause->pred->span;
	bt_branch(l, l->clause->pred, yes, no);
	bt_release_temps(l);
	l->b.at = no;
	ir_ret(&l->b, ir_const(&l->b, 32, 0));
	l->b.at = yes;
}

static void lower_point(struct bt_lower *l, struct bt_point *p, const struct bt_attachment *at)
{
	struct ir_fn *fn = declare_program(l, &at->binding.at, p->pub.span);
	struct ir_block *first, *second = NULL;
	bool is_early = false;

	fn->guarded = at->guarded;
	l->clause = p->clause;
	l->point = p;
	l->binding = &at->binding;
	bt_entry(l);
	first = bt_open_prelude(l);
	if (p->clause->pred) {
		test_predicate(l);
		is_early = l->scratch != NULL;
		second = bt_open_prelude(l);
	}
	make_variables(l);
	if (p->clause->body)
		bt_lower_stmts(l, p->clause->body->body);
	if (!ir_ended(&l->b))
		ir_ret(&l->b, ir_const(&l->b, 32, 0));
	bt_close_prelude(l, first, l->scratch && (is_early || !second));
	if (second)
		bt_close_prelude(l, second, l->scratch && !is_early);
	ir_cfg_build(fn);
}

/* ---- callbacks ------------------------------------------------------------------------------- */

/* The kernel wants to know a callback by its prototype: long f(long, long, long, long). */
static const struct type *callback_type(struct bt_lower *l, u32 n)
{
	const struct type *word = ty_int_of(l->u->o.types, 8, true);
	struct ty_param *params = arena_array_of(l->a, struct ty_param, n);

	for (u32 i = 0; i < n; i++)
		params[i] = (struct ty_param){ str_printf(l->a, "p%u", i), word };
	return ty_func_of(l->u->o.types, word, params, n, false);
}

struct ir_fn *bt_begin_callback(struct bt_lower *l, struct bt_outer *saved, u32 n_params)
{
	str name = str_printf(l->o->a, STR_FMT "_loop%u", STR_ARG(l->b.fn->name), ++l->n_callbacks);
	struct ir_fn *fn = ir_fn_new(l->m, name, IR_STATIC, n_params, 64);

	memset(saved, 0, sizeof(*saved));
	saved->b = l->b;
	saved->scratch = l->scratch;
	saved->read_slot = l->read_slot;
	saved->frame = l->frame;
	saved->ctx = l->ctx;
	memcpy(&saved->temps, &l->temps, sizeof(l->temps));
	memcpy(&saved->joins, &l->joins, sizeof(l->joins));
	saved->loop = l->loop;
	saved->stack_bytes = l->stack_bytes;
	saved->in_callback = l->in_callback;
	memset(&l->temps, 0, sizeof(l->temps));
	memset(&l->joins, 0, sizeof(l->joins));
	reset_function(l);
	fn->noinline = true;
	fn->span = l->b.span;
	fn->proto = callback_type(l, n_params);
	l->b = (struct ir_builder){ .fn = fn, .at = ir_block_new(fn), .span = saved->b.span };
	l->in_callback = true;
	l->ctx = NULL;
	return fn;
}

void bt_end_callback(struct bt_lower *l, struct bt_outer *saved)
{
	ir_cfg_build(l->b.fn);
	l->b = saved->b;
	l->scratch = saved->scratch;
	l->read_slot = saved->read_slot;
	l->frame = saved->frame;
	l->ctx = saved->ctx;
	memcpy(&l->temps, &saved->temps, sizeof(l->temps));
	memcpy(&l->joins, &saved->joins, sizeof(l->joins));
	l->loop = saved->loop;
	l->stack_bytes = saved->stack_bytes;
	l->in_callback = saved->in_callback;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* start = now, before anything else of the run. */
static void lower_start(struct bt_lower *l)
{
	struct probes_point begin = { .provider = PROBES_BEGIN };
	struct ir_ins *at;
	struct ir_fn *fn;
	u32 sym;

	l->data = obj_data_section(l->o, OBJ_BSS);
	l->start = obj_data_add(l->o, l->data, STR("skep.start"), NULL, NULL, 8, 8);
	fn = declare_program(l, &begin, l->u->first->span);
	sym = ir_sym(l->m, IR_SYM_DATA, l->o->datas.at[l->data].name, l->data);
	at = ir_symbol(&l->b, sym, l->start);
	ir_store(&l->b, 8, at, 0, bt_call(l, H_BOOT_NS, NULL, 0));
	ir_ret(&l->b, ir_const(&l->b, 32, 0));
	ir_cfg_build(fn);
}

/* Room for at least 64 of the largest records. */
static void size_ring(struct bt_lower *l)
{
	u32 bytes = RING_MIN;

	while (bytes < 64 * l->largest && bytes < 16u << 20)
		bytes *= 2;
	if (l->o->ring != OBJ_NONE)
		l->o->maps.at[l->o->ring].max_entries = bytes;
}

bool bt_lower(struct bt_unit *u, const struct bt_attachment *list, u32 n, struct obj *o,
	      struct ir_module *m)
{
	u32 before = u->o.dx->n_errors, scratch;
	struct bt_lower l = { .u = u, .o = o, .m = m, .a = u->o.a, .dx = u->o.dx };

	o->license = STR("GPL");
	bt_declare_maps(&l);
	if (u->uses_elapsed && u->first)
		lower_start(&l);
	for (u32 i = 0; i < n && i < u->points.n; i++)
		if (!list[i].is_absent)
			lower_point(&l, &u->points.at[i], &list[i]);
	scratch = obj_map_find(o, STR(SCRATCH_NAME));
	if (scratch != OBJ_NONE)
		o->maps.at[scratch].value_size = l.scratch_max;
	size_ring(&l);
	return u->o.dx->n_errors == before;
}
