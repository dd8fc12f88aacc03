/* lower.c: from the typed tree to ir and obj.
 *
 * Declares every map and global in the obj, then lowers each attached function once for each event that it
 * is attached to (the context differs), then the functions that these call, once each. Function
 * symbols are made when first called and get their index when the body is lowered.
 */
#include <string.h>

#include "cfront/lower.h"

void lower_not_yet(struct lower *l, struct span at, const char *what)
{
	diag_add(l->dx, at, E_NOT_YET, "%s is not compiled yet", what);
}

/* ---- maps ----------------------------------------------------------------------------------- */

static bool has_entries(u32 type)
{
	switch (type) {
	case ISA_MAP_PERF_EVENT_ARRAY:
	case ISA_MAP_RINGBUF:
	case ISA_MAP_PROG_ARRAY:
	case ISA_MAP_CGROUP_ARRAY:
	case ISA_MAP_QUEUE:
	case ISA_MAP_STACK:
	case ISA_MAP_ARRAY_OF_MAPS:
	case ISA_MAP_HASH_OF_MAPS:
	case ISA_MAP_DEVMAP:
	case ISA_MAP_DEVMAP_HASH:
	case ISA_MAP_CPUMAP:
	case ISA_MAP_XSKMAP:
	case ISA_MAP_SOCKMAP:
	case ISA_MAP_SOCKHASH:
	case ISA_MAP_SK_STORAGE:
	case ISA_MAP_INODE_STORAGE:
	case ISA_MAP_TASK_STORAGE:
	case ISA_MAP_CGRP_STORAGE:
	case ISA_MAP_CGROUP_STORAGE:
	case ISA_MAP_PERCPU_CGROUP_STORAGE:
	case ISA_MAP_REUSEPORT_SOCKARRAY:
	case ISA_MAP_USER_RINGBUF:
	case ISA_MAP_ARENA:
	case ISA_MAP_STRUCT_OPS:
	case ISA_MAP_BLOOM_FILTER: return false;
	default: return true;
	}
}

/* Before its users: an inner map, then the map itself. */
static void declare_map(struct lower *l, struct cf_sym *s)
{
	struct cf_map *map = s->map;
	struct obj_map *om;

	if (map->is_declared)
		return;
	map->is_declared = true;
	if (map->inner && map->inner->map)
		declare_map(l, map->inner);
	map->obj_index = obj_map_add(l->o, s->name, map->type, map->key_size, map->value_size,
				     map->max_entries);
	om = &l->o->maps.at[map->obj_index];
	om->flags = map->flags;
	om->key = map->key;
	om->value = map->value;
	om->pin = map->pin;
	om->extra = map->extra;
	om->span = s->span;
	om->inner = map->inner && map->inner->map ? map->inner->map->obj_index : OBJ_NONE;
	om->show = map->is_histogram		      ? OBJ_SHOW_LOG2
		   : map->type == ISA_MAP_STACK_TRACE ? OBJ_SHOW_STACKS
		   : has_entries(map->type)	      ? OBJ_SHOW_TABLE
						      : OBJ_SHOW_NONE;
}

static void fill_slots(struct lower *l, const struct cf_map *map)
{
	for (u32 i = 0; i < map->slots.n; i++) {
		const struct cf_slot *slot = &map->slots.at[i];
		struct obj_slot *to = vec_push(l->o->a, &l->o->maps.at[map->obj_index].slots);
		bool is_map = slot->sym->kind == SYM_MAP && slot->sym->map;

		to->index = slot->index;
		to->map = is_map ? slot->sym->map->obj_index : OBJ_NONE;
		to->prog = is_map ? STR("") : slot->sym->name;
	}
}

struct ir_ins *lower_map_address(struct lower *l, struct cf_sym *map)
{
	return ir_symbol(&l->b, ir_sym(l->m, IR_SYM_MAP, map->name, map->map->obj_index), 0);
}

/* ---- globals -------------------------------------------------------------------------------- */

struct global {
	u32 data, off;
};

/* Writes a constant of at most 8 bytes, or bits of one, into an image of zeros. */
static void put_constant(u8 *at, u32 size, u32 bit_off, u32 bits, u64 v)
{
	u64 word = 0;

	if (!bits) {
		memcpy(at, &v, size < 8 ? size : 8);
		return;
	}
	memcpy(&word, at, size < 8 ? size : 8);
	word |= (v & (bits == 64 ? ~0ull : (1ull << bits) - 1)) << bit_off;
	memcpy(at, &word, size < 8 ? size : 8);
}

static bool constant_bytes(struct lower *l, const struct cf_init *init, u8 *bytes, u32 size)
{
	bool any = false;

	for (u32 i = 0; i < init->parts.n; i++) {
		const struct cf_init_part *p = &init->parts.at[i];
		u32 n = (u32)ty_strip(p->type)->size;
		s64 v;

		if (p->off + n > size)
			continue;
		if (p->value->kind == EX_STRING && ty_strip(p->type)->kind == TY_ARRAY) {
			u32 len = p->value->bytes.n < n ? p->value->bytes.n : n;

			memcpy(bytes + p->off, p->value->bytes.s, len);
			any = any || len;
		} else if (cf_const_value(l->u, p->value, &v)) {
			put_constant(bytes + p->off, n, p->bit_off, p->bits, (u64)v);
			any = any || v;
		}
	}
	return any;
}

static u32 data_symbol(struct lower *l, u32 data)
{
	return ir_sym(l->m, IR_SYM_DATA, l->o->datas.at[data].name, data);
}

static struct global *place_global(struct lower *l, struct cf_sym *var);

/* A literal with its zero at the end in .rodata; gives the offset. */
static u32 place_string(struct lower *l, const struct cf_expr *e, u32 *out_data)
{
	const struct type *ty = ty_strip(e->type);
	u32 unit = ty->kind == TY_ARRAY ? (u32)ty_strip(ty->to)->size : 1;
	char *bytes = arena_alloc(l->a, e->bytes.n + unit);

	if (e->bytes.n)
		memcpy(bytes, e->bytes.s, e->bytes.n);
	*out_data = obj_data_section(l->o, OBJ_RODATA);
	return obj_data_add(l->o, *out_data, STR(""), NULL, bytes, e->bytes.n + unit, unit);
}

/* The symbol and offset of a constant address. */
static bool pointer_to(struct lower *l, const struct cf_address *at, struct ir_pointer *out)
{
	const struct global *g;

	out->to_off = at->off;
	if (at->text) {
		u32 data;

		out->to_off += place_string(l, at->text, &data);
		out->sym = data_symbol(l, data);
		return true;
	}
	switch (at->sym->kind) {
	case SYM_FUNC:
		*vec_push(l->a, &l->wanted) = at->sym;
		out->sym = ir_sym(l->m, IR_SYM_FN, at->sym->name, OBJ_NONE);
		return true;
	case SYM_MAP:
		if (!at->sym->map)
			return false;
		out->sym = ir_sym(l->m, IR_SYM_MAP, at->sym->name, at->sym->map->obj_index);
		return true;
	default:
		g = at->sym->lower ? at->sym->lower : place_global(l, at->sym);
		out->sym = data_symbol(l, g->data);
		out->to_off += g->off;
		return true;
	}
}

/* Addresses in a global: kernels do not know them in memory, so the compiler follows them. */
static void place_pointers(struct lower *l, struct cf_sym *var, const struct global *g)
{
	const struct type *elem = ty_strip(var->type);
	bool is_const;
	s64 v;

	while (elem->kind == TY_ARRAY)
		elem = ty_strip(elem->to);
	is_const = (var->type->quals | elem->quals) & TY_CONST;
	for (u32 i = 0; i < var->init->parts.n; i++) {
		const struct cf_init_part *p = &var->init->parts.at[i];
		struct ir_pointer x = { .data = g->data, .off = (s64)(g->off + p->off) };
		struct cf_address at = { 0 };

		if (p->value->kind == EX_STRING || cf_const_value(l->u, p->value, &v) ||
		    !cf_const_address(l->u, p->value, &at))
			continue;
		if (!is_const && (var->is_written || var->escapes > 0)) {
			lower_not_yet(l, p->value->span,
				      "an address in a global that is written or passed on");
			diag_hint(l->dx, "verifiers take what is read from memory for a number; "
					 "declare it const where it never changes");
			return;
		}
		if (pointer_to(l, &at, &x))
			*vec_push(l->m->a, &l->m->pointers) = x;
	}
}

static struct global *place_global(struct lower *l, struct cf_sym *var)
{
	const struct type *ty = ty_strip(var->type), *elem = ty;
	struct global *g = arena_new_of(l->a, struct global);
	u8 *bytes = arena_alloc(l->a, ty->size);
	bool any = var->init && constant_bytes(l, var->init, bytes, (u32)ty->size);
	enum obj_data_kind kind;

	while (elem->kind == TY_ARRAY)
		elem = ty_strip(elem->to);
	if ((var->type->quals | elem->quals) & TY_CONST || str_starts(var->section, ".rodata"))
		kind = OBJ_RODATA;
	else
		kind = any ? OBJ_DATA : OBJ_BSS;
	g->data = obj_data_section(l->o, kind);
	g->off = obj_data_add(l->o, g->data, var->name, var->type, any ? bytes : NULL,
			      (u32)ty->size, var->align > ty->align ? var->align : ty->align);
	var->lower = g;
	if (var->init)
		place_pointers(l, var, g);
	return g;
}

struct place_ref lower_global(struct lower *l, struct cf_sym *var)
{
	struct global *g;

	if (var->storage == SS_EXTERN)
		return lower_kernel_variable(l, var);
	g = var->lower ? var->lower : place_global(l, var);
	return (struct place_ref){ .base = ir_symbol(&l->b, data_symbol(l, g->data), g->off),
				   .type = var->type };
}

struct ir_ins *lower_string(struct lower *l, struct cf_expr *e)
{
	u32 data, off = place_string(l, e, &data);

	return ir_symbol(&l->b, data_symbol(l, data), off);
}

static bool is_plain_global(const struct cf_sym *s)
{
	return s->kind == SYM_VAR && s->storage != SS_AUTO && s->storage != SS_EXTERN &&
	       !str_is(s->section, "license") && !str_is(s->section, "version") &&
	       !str_is(s->section, "maps") && !str_is(s->section, ".maps");
}

/* ---- functions ------------------------------------------------------------------------------ */

void lower_body(struct lower *l, struct ir_fn *fn, struct cf_sym *s)
{
	l->b.fn = fn;
	lower_stmt(l, s->body);
	if (!ir_ended(&l->b))
		ir_ret(&l->b, fn->ret_width ? ir_const(&l->b, fn->ret_width, 0) : NULL);
	ir_cfg_build(fn);
}

void lower_start(struct lower *l, struct ir_fn *fn, struct cf_sym *s)
{
	fn->span = s->span;
	fn->proto = ty_strip(s->type);
	l->fn = s;
	l->pass++;
	l->b = (struct ir_builder){ .fn = fn, .at = ir_block_new(fn), .span = s->span };
}

static void lower_wanted(struct lower *l)
{
	for (u32 i = 0; i < l->wanted.n; i++) {
		struct cf_sym *s = l->wanted.at[i];
		u32 sym = ir_sym(l->m, IR_SYM_FN, s->name, OBJ_NONE);

		if (l->m->syms.at[sym].index == OBJ_NONE && s->body)
			lower_subprogram(l, s);
	}
}

/* ---- programs ------------------------------------------------------------------------------- */

static struct cf_sym *find_function(const struct cf_unit *u, str name)
{
	for (struct cf_sym *s = u->first; s; s = s->next)
		if (s->kind == SYM_FUNC && str_eq(s->name, name) && s->body)
			return s;
	return NULL;
}

static str section_of(struct lower *l, const struct cf_program *p, const struct probes_point *at)
{
	if (p->section.n)
		return p->section;
	return str_printf(l->o->a, "%s/" STR_FMT, probes_provider_name(at->provider),
			  STR_ARG(at->name));
}

/* The section says more than the device where the program goes: a kind, a direction. */
static void types_of_section(struct obj_prog *op)
{
	str target;
	const struct isa_section *sec =
		op->section.n ? isa_section_match(op->section, &target) : NULL;

	if (sec && sec->prog == op->prog_type && sec->attach != OBJ_NONE)
		op->attach_type = sec->attach;
}

/* What an iterator writes is printed as it is. */
static void note_text(struct lower *l)
{
	struct obj_event *ev;

	for (u32 i = 0; i < l->o->events.n; i++)
		if (l->o->events.at[i].kind == OBJ_EV_TEXT)
			return;
	ev = vec_push(l->o->a, &l->o->events);
	ev->kind = OBJ_EV_TEXT;
	ev->map = OBJ_NONE;
	ev->size = sizeof(struct obj_record);
}

static u32 declare_program(struct lower *l, const struct cf_program *p,
			   const struct probes_binding *b)
{
	struct obj_prog *op = vec_push(l->o->a, &l->o->progs);
	struct sbuf attach;

	sbuf_init(&attach, l->o->a);
	probes_print(&attach, &b->at);
	op->name = p->function;
	op->section = section_of(l, p, &b->at);
	op->attach = sbuf_str(&attach);
	op->func = OBJ_NONE;
	op->disabled = p->disabled;
	op->span = p->span;
	probes_types(&b->at, &op->prog_type, &op->attach_type);
	if (b->at.provider == PROBES_XDP || b->at.provider == PROBES_TC)
		types_of_section(op);
	if ((b->at.provider == PROBES_KPROBE || b->at.provider == PROBES_KRETPROBE) &&
	    (probes_has_wildcard(&b->at) || str_find(p->section, '.', 0) >= 0))
		op->attach_type = ISA_ATTACH_TRACE_KPROBE_MULTI;
	if (b->at.provider == PROBES_ITER)
		note_text(l);
	if (op->prog_type == ISA_PROG_TRACING || op->prog_type == ISA_PROG_LSM)
		op->btf_target = b->at.name;
	op->sleepable = op->prog_type == ISA_PROG_SYSCALL ||
			str_ends(str_cut(&(str){ p->section.s, p->section.n }, '/'), ".s");
	return l->o->progs.n - 1;
}

/* Unique in the module, and an identifier: BTF takes no other names. */
static str name_of_program(struct lower *l, const struct cf_sym *s)
{
	str name = s->name;
	u32 serial = s->is_called ? 1 : 0;

	for (u32 i = 0; i < l->m->fns.n; i++)
		if (l->m->fns.at[i]->linkage == IR_PROGRAM &&
		    l->m->fns.at[i]->span.lo == s->span.lo)
			serial++;
	if (serial)
		name = str_printf(l->m->a, STR_FMT "__%u", STR_ARG(s->name), serial + 1);
	return name;
}

static void lower_program(struct lower *l, const struct cf_attachment *at)
{
	const struct cf_program *p = cf_program_at(l->u, at->program);
	struct cf_sym *s = find_function(l->u, p->function);
	struct ir_fn *fn;

	if (!s)
		return;
	fn = ir_fn_new(l->m, name_of_program(l, s), IR_PROGRAM, 1, 32);
	fn->prog = declare_program(l, p, &at->binding);
	fn->guarded = at->guarded;
	fn->param_region[0] = IR_IN_CTX;
	fn->prog_type = l->o->progs.at[fn->prog].prog_type;
	fn->ctx_words = lower_ctx_words(&at->binding.at);
	l->binding = &at->binding;
	lower_start(l, fn, s);
	lower_entry(l, s);
	lower_body(l, fn, s);
}

/* Programs on packets and sockets could not ask for the current task for long. */
static bool may_ask_who(struct probes_machine *m, const struct probes_point *at)
{
	return at->provider < PROBES_SOCKET_FILTER || !m ||
	       probes_kernel_version(m) >= (6u << 16 | 12u << 8);
}

bool cf_lower(struct cf_unit *u, const struct cf_attachment *list, u32 n, struct obj *o,
	      struct ir_module *m)
{
	u32 before = u->o->dx->n_errors;
	struct lower l = { .u = u, .o = o, .m = m, .a = u->o->a, .dx = u->o->dx, .is_bcc = true };

	for (u32 i = 0; i < n; i++)
		l.has_no_task = l.has_no_task || !may_ask_who(u->o->machine, &list[i].binding.at);
	o->license = u->license.n ? u->license : STR("GPL");
	for (u32 i = 0; i < u->programs.n; i++)
		if (u->programs.at[i].section.n)
			l.is_bcc = false;
	for (struct cf_sym *s = u->first; s; s = s->next) {
		if (s->kind == SYM_MAP && s->map)
			declare_map(&l, s);
		else if (is_plain_global(s))
			place_global(&l, s);
	}
	for (struct cf_sym *s = u->first; s; s = s->next)
		if (s->kind == SYM_MAP && s->map)
			fill_slots(&l, s->map);
	for (u32 i = 0; i < n; i++)
		lower_program(&l, &list[i]);
	lower_wanted(&l);
	return u->o->dx->n_errors == before;
}
