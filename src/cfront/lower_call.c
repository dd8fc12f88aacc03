/* lower_call.c: helpers, map methods and printk.
 *
 * Helper calls become one instruction with 64-bit arguments. BCC's map methods become helper calls and the
 * few branches around them. bpf_trace_printk becomes a record in skep's private ring (struct
 * obj_trace_record and one 8-byte or string field for each argument), with an entry in the obj's plan that says
 * how to print it; with --trace-pipe it stays the kernel's helper.
 */
#include <errno.h>
#include <string.h>

#include "cfront/lower.h"

enum { TRACE_RING_BYTES = 256 * 1024, PRINTK_STRING = 128 };
enum helper_id {
	H_MAP_LOOKUP = 1,
	H_MAP_UPDATE = 2,
	H_MAP_DELETE = 3,
	H_KTIME_NS = 5,
	H_TRACE_PRINTK = 6,
	H_CPU = 8,
	H_PID_TGID = 14,
	H_COMM = 16,
	H_PROBE_STR = 45,
	H_PROBE_USER_STR = 114,
	H_PROBE_KERNEL_STR = 115,
	H_RINGBUF_RESERVE = 131,
	H_RINGBUF_SUBMIT = 132,
};
#define NOEXIST 1

static struct ir_ins *call(struct lower *l, u32 helper, u8 width, struct ir_ins *const *args, u32 n)
{
	return ir_call(&l->b, helper, width, args, n);
}

static struct ir_ins *call0(struct lower *l, u32 helper)
{
	return call(l, helper, 64, NULL, 0);
}
static struct ir_ins *num(struct lower *l, s64 v)
{
	return ir_const(&l->b, 64, v);
}

/* A call's 64-bit register as a value of the C type that the call has. */
static struct ir_ins *as_result(struct lower *l, struct ir_ins *x, const struct type *ty)
{
	if (ty_is_void(ty))
		return NULL;
	return lower_width(ty) == 32 ? ir_trunc(&l->b, x) : x;
}

/* ---- helpers -------------------------------------------------------------------------------- */

/* The map that an argument names: `&map`, `map`, through casts. */
static struct cf_sym *map_of(struct cf_expr *e)
{
	while (e->kind == EX_CAST || e->kind == EX_ADDR || e->kind == EX_DECAY ||
	       e->kind == EX_LOAD)
		e = e->a;
	return e->kind == EX_SYM && e->sym->kind == SYM_MAP ? e->sym : NULL;
}

static struct ir_ins *argument(struct lower *l, enum isa_arg kind, struct cf_expr *e)
{
	struct cf_sym *map = kind == ISA_ARG_MAP ? map_of(e) : NULL;

	if (map)
		return lower_map_address(l, map);
	return lower_widen(l, lower_value(l, e), e->type);
}

struct ir_ins *lower_helper(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *args[5], *x;

	lower_note_output(l, e);
	for (u32 i = 0; i < e->n_args && i < 5; i++)
		args[i] = argument(l, e->helper->args[i], e->args[i]);
	x = call(l, e->helper->id, e->helper->ret == ISA_RET_VOID ? 0 : 64, args, e->n_args);
	return x->width ? as_result(l, x, e->type) : NULL;
}

/* The helper that a variable stands for which is a number from the start and never written, as libbpf's own header
 * declares helpers: static long (*f)(void *p) = (void *)6. */
bool lower_is_helper_pointer(struct lower *l, const struct cf_expr *e, u32 *out_id)
{
	s64 id;

	while (e->kind == EX_CAST || e->kind == EX_LOAD || e->kind == EX_DEREF ||
	       e->kind == EX_DECAY)
		e = e->a;
	if (e->kind != EX_SYM || e->sym->kind != SYM_VAR || e->sym->is_written || !e->sym->init ||
	    e->sym->init->parts.n != 1 || !ty_is_ptr(e->sym->type) ||
	    !cf_const_value(l->u, e->sym->init->parts.at[0].value, &id) || id <= 0 ||
	    id > INT32_MAX)
		return false;
	*out_id = (u32)id;
	return true;
}

struct ir_ins *lower_helper_pointer(struct lower *l, u32 id, struct cf_expr *e)
{
	const struct isa_helper *h = isa_helper(id);
	struct ir_ins *args[5], *x;
	u32 n = e->n_args < 5 ? e->n_args : 5;

	for (u32 i = 0; i < n; i++)
		args[i] = argument(l, map_of(e->args[i]) ? ISA_ARG_MAP : ISA_ARG_INT, e->args[i]);
	x = call(l, id, h && h->ret == ISA_RET_VOID ? 0 : 64, args, n);
	return x->width ? as_result(l, x, e->type) : NULL;
}

/* ---- map methods ---------------------------------------------------------------------------- */

static struct ir_ins *lookup(struct lower *l, struct ir_ins *map, struct ir_ins *key)
{
	return call(l, H_MAP_LOOKUP, 64, (struct ir_ins *[]){ map, key }, 2);
}

/* lost[element]++ of this CPU. */
static void count_loss(struct lower *l, u32 element)
{
	struct ir_ins *key = ir_slot(&l->b, 4, 4), *p, *n;
	struct ir_block *hit = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	u32 lost = obj_lost(l->o);
	u32 sym = ir_sym(l->m, IR_SYM_MAP, l->o->maps.at[lost].name, lost);

	ir_store(&l->b, 4, key, 0, ir_const(&l->b, 32, element));
	p = lookup(l, ir_symbol(&l->b, sym, 0), key);
	ir_if(&l->b, p, hit, end);
	l->b.at = hit;
	n = ir_load(&l->b, 64, 8, false, p, 0);
	n = ir_binary(&l->b, IR_ADD, 64, n, num(l, 1));
	ir_store(&l->b, 8, p, 0, n);
	ir_jump(&l->b, end);
	l->b.at = end;
}

/* if (result == -E2BIG) lost[of this map]++: the program may not look, the user must know. */
static void count_refused(struct lower *l, u32 map, struct ir_ins *result)
{
	struct ir_block *full = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *is_full;

	if (OBJ_LOST_UPDATES(map) >= OBJ_N_LOST)
		return;
	/* 32 bits: before Linux 6.4 the upper half of a map call's result means nothing. */
	is_full = ir_trunc(&l->b, result);
	is_full = ir_compare(&l->b, IR_EQ, is_full, ir_const(&l->b, 32, -E2BIG));
	ir_if(&l->b, is_full, full, end);
	l->b.at = full;
	count_loss(l, OBJ_LOST_UPDATES(map));
	ir_jump(&l->b, end);
	l->b.at = end;
}

static struct ir_ins *update(struct lower *l, struct ir_ins *map, struct ir_ins *key,
			     struct ir_ins *value, s64 flags)
{
	struct ir_ins *how = num(l, flags), *result;

	result = call(l, H_MAP_UPDATE, 64, (struct ir_ins *[]){ map, key, value, how }, 4);
	count_refused(l, l->m->syms.at[map->sym].index, result);
	return result;
}

/* p = lookup(key); if (!p) { update(key, value, NOEXIST); p = lookup(key); } through a slot.
 * Continues in a block of its own; returns p, which may still be null. */
static struct ir_ins *lookup_or_insert(struct lower *l, struct ir_ins *map, struct ir_ins *key,
				       struct ir_ins *value)
{
	struct ir_ins *slot = ir_slot(&l->b, 8, 8), *p;
	struct ir_block *miss = ir_block_new(l->b.fn), *join = ir_block_new(l->b.fn);

	p = lookup(l, map, key);
	ir_store(&l->b, 8, slot, 0, p);
	ir_if(&l->b, p, join, miss);
	l->b.at = miss;
	update(l, map, key, value, NOEXIST);
	ir_store(&l->b, 8, slot, 0, lookup(l, map, key));
	ir_jump(&l->b, join);
	l->b.at = join;
	return ir_load(&l->b, 64, 8, false, slot, 0);
}

/* The key of increment(), which comes by value, in memory. */
static struct ir_ins *key_in_memory(struct lower *l, struct cf_expr *e, const struct type *key)
{
	const struct type *ty = ty_strip(key);
	struct ir_ins *x = lower_value(l, e), *slot;
	struct place_ref p = { .type = key };

	if (ty_is_aggregate(e->type))
		return x;
	slot = ir_slot(&l->b, (u32)ty->size, ty->align);
	p.base = slot;
	lower_write(l, p, x);
	return slot;
}

/* BCC's increment: on a miss, only a plain hash gets a new entry. */
static void increment(struct lower *l, struct cf_expr *e, bool is_atomic)
{
	struct cf_map *map = e->sym->map;
	const struct type *ty = ty_strip(map->value);
	struct ir_ins *m = lower_map_address(l, e->sym);
	struct ir_ins *key = key_in_memory(l, e->args[0], map->key), *p, *n;
	struct ir_block *hit = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct place_ref at = { .type = map->value };
	u8 width = lower_width(ty);

	n = e->n_args > 1 ? lower_convert(l, lower_value(l, e->args[1]), e->args[1]->type, ty)
			  : ir_const(&l->b, width, 1);
	if (map->type == ISA_MAP_HASH) {
		struct ir_ins *zero = ir_slot(&l->b, (u32)ty->size, 8);

		ir_zero(&l->b, zero, 0, (u32)ty->size, 8);
		p = lookup_or_insert(l, m, key, zero);
	} else {
		p = lookup(l, m, key);
	}
	ir_if(&l->b, p, hit, end);
	l->b.at = hit;
	at.base = p;
	if (is_atomic && (ty->size == 4 || ty->size == 8)) {
		ir_atomic(&l->b, ISA_ATOMIC_ADD, (u8)ty->size, p, 0, n, NULL);
	} else {
		struct ir_ins *x = ir_binary(&l->b, IR_ADD, width, lower_read(l, at), n);

		if (ty->size < 4)
			x = ir_extend(&l->b, ty_signed(ty), (u32)ty->size * 8, 32, x);
		lower_write(l, at, x);
	}
	ir_jump(&l->b, end);
	l->b.at = end;
}

/* lookup_or_init leaves the function with 0 when the entry cannot be made. */
static struct ir_ins *or_return(struct lower *l, struct ir_ins *p)
{
	struct ir_block *fail = ir_block_new(l->b.fn), *go_on = ir_block_new(l->b.fn);
	u8 width = l->b.fn->ret_width;

	ir_if(&l->b, p, go_on, fail);
	l->b.at = fail;
	ir_ret(&l->b, width ? ir_const(&l->b, width, 0) : NULL);
	l->b.at = go_on;
	return p;
}

struct ir_ins *lower_map_call(struct lower *l, struct cf_expr *e)
{
	struct ir_ins *map = lower_map_address(l, e->sym), *x, *key, *value;

	switch (e->method) {
	case MM_LOOKUP: return lookup(l, map, lower_value(l, e->args[0]));
	case MM_UPDATE:
	case MM_INSERT:
		key = lower_value(l, e->args[0]);
		value = lower_value(l, e->args[1]);
		x = update(l, map, key, value, e->method == MM_INSERT ? NOEXIST : 0);
		return as_result(l, x, e->type);
	case MM_DELETE:
		key = lower_value(l, e->args[0]);
		x = call(l, H_MAP_DELETE, 64, (struct ir_ins *[]){ map, key }, 2);
		return as_result(l, x, e->type);
	case MM_LOOKUP_OR_TRY_INIT:
	case MM_LOOKUP_OR_INIT:
		key = lower_value(l, e->args[0]);
		value = lower_value(l, e->args[1]);
		x = lookup_or_insert(l, map, key, value);
		return e->method == MM_LOOKUP_OR_INIT ? or_return(l, x) : x;
	case MM_INCREMENT:
	case MM_ATOMIC_INCREMENT: increment(l, e, e->method == MM_ATOMIC_INCREMENT); return NULL;
	default: lower_not_yet(l, e->span, "this map method"); return num(l, 0);
	}
}

/* ---- printk --------------------------------------------------------------------------------- */

/* Reads of a string whose origin the expression shows; else the helper that takes both kinds. */
static u32 string_reader(const struct cf_expr *e)
{
	if (ty_strip(e->type)->space == TY_SPACE_USER)
		return H_PROBE_USER_STR;
	while (e->kind == EX_CAST)
		e = e->a;
	return e->kind == EX_DECAY || e->kind == EX_ADDR ? H_PROBE_KERNEL_STR : H_PROBE_STR;
}

/* Which conversion specifications of the format are %s, in order of their arguments. */
static void find_strings(str format, bool *is_string, u32 n)
{
	u32 k = 0;

	for (u32 i = 0; i + 1 < format.n && k < n; i++) {
		if (format.s[i] != '%')
			continue;
		if (format.s[i + 1] == '%') {
			i++;
			continue;
		}
		for (i++; i < format.n && !strchr("diuxXocsp", format.s[i]);)
			i++;
		is_string[k++] = i < format.n && format.s[i] == 's';
	}
}

/* Plans the record: where each argument lies and how it is printed. */
static u32 plan_record(struct lower *l, struct cf_expr *e, const bool *is_string)
{
	struct obj_event *ev = vec_push(l->o->a, &l->o->events);
	u32 off = sizeof(struct obj_trace_record);

	ev->kind = OBJ_EV_TRACE;
	ev->format = str_ends(e->bytes, "\n") ? str_sub(e->bytes, 0, e->bytes.n - 1) : e->bytes;
	ev->map = OBJ_NONE;
	ev->span = e->span;
	for (u32 i = 0; i < e->n_args; i++) {
		struct obj_field *f = vec_push(l->o->a, &ev->args);
		const struct type *ty = e->args[i]->type;

		f->off = off;
		f->size = is_string[i] ? PRINTK_STRING : 8;
		f->kind = is_string[i]	  ? OBJ_F_STR
			  : ty_is_ptr(ty) ? OBJ_F_PTR
			  : ty_signed(ty) ? OBJ_F_INT
					  : OBJ_F_UINT;
		f->type = ty;
		off += f->size;
	}
	ev->size = off;
	return l->o->events.n - 1;
}

/* rec->event, cpu, ns, tid and tgid, comm. */
static void fill_head(struct lower *l, struct ir_ins *rec, u32 event)
{
	struct ir_ins *comm, *size;

	ir_store(&l->b, 4, rec, 0, ir_const(&l->b, 32, event));
	ir_store(&l->b, 4, rec, 4, ir_trunc(&l->b, call0(l, H_CPU)));
	ir_store(&l->b, 8, rec, 8, call0(l, H_KTIME_NS));
	if (l->has_no_task) {
		ir_zero(&l->b, rec, 16, 24, 8);
		return;
	}
	ir_store(&l->b, 8, rec, 16, call0(l, H_PID_TGID));
	comm = ir_binary(&l->b, IR_ADD, 64, rec, num(l, 24));
	size = num(l, 16);
	call(l, H_COMM, 64, (struct ir_ins *[]){ comm, size }, 2);
}

/* rec = bpf_ringbuf_reserve(&ring, size, 0); if (!rec) lost++; continues where there is a record. */
static struct ir_ins *reserve(struct lower *l, u32 size, struct ir_block *end)
{
	u32 ring = l->o->ring;
	struct ir_block *got = ir_block_new(l->b.fn), *full = ir_block_new(l->b.fn);
	struct ir_ins *args[3], *rec;

	args[0] = ir_symbol(&l->b, ir_sym(l->m, IR_SYM_MAP, l->o->maps.at[ring].name, ring), 0);
	args[1] = num(l, size);
	args[2] = num(l, 0);
	rec = call(l, H_RINGBUF_RESERVE, 64, args, 3);
	ir_if(&l->b, rec, got, full);
	l->b.at = full;
	count_loss(l, OBJ_LOST_RECORDS);
	ir_jump(&l->b, end);
	l->b.at = got;
	return rec;
}

static void store_text(struct lower *l, struct cf_expr *e, struct ir_ins *rec, s64 off,
		       struct ir_ins *text)
{
	struct ir_ins *args[3];

	ir_store(&l->b, 1, rec, off, ir_const(&l->b, 32, 0));
	args[0] = ir_binary(&l->b, IR_ADD, 64, rec, num(l, off));
	args[1] = num(l, PRINTK_STRING);
	args[2] = text;
	call(l, string_reader(e), 64, args, 3);
}

static struct ir_ins *ring_printk(struct lower *l, struct cf_expr *e)
{
	struct ir_block *end = ir_block_new(l->b.fn);
	bool *is_string = arena_array_of(l->a, bool, e->n_args + 1);
	struct ir_ins **args = arena_array_of(l->a, struct ir_ins *, e->n_args + 1);
	struct ir_ins *rec, *submit[2];
	u32 event;

	obj_ring(l->o, TRACE_RING_BYTES);
	find_strings(e->bytes, is_string, e->n_args);
	for (u32 i = 0; i < e->n_args; i++)
		args[i] = lower_widen(l, lower_value(l, e->args[i]), e->args[i]->type);
	event = plan_record(l, e, is_string);
	rec = reserve(l, l->o->events.at[event].size, end);
	fill_head(l, rec, event);
	for (u32 i = 0; i < e->n_args; i++) {
		s64 off = l->o->events.at[event].args.at[i].off;

		if (is_string[i])
			store_text(l, e->args[i], rec, off, args[i]);
		else
			ir_store(&l->b, 8, rec, off, args[i]);
	}
	submit[0] = rec;
	submit[1] = num(l, 0);
	call(l, H_RINGBUF_SUBMIT, 0, submit, 2);
	ir_jump(&l->b, end);
	l->b.at = end;
	return ir_const(&l->b, lower_width(e->type), 0);
}

/* The kernel's own: at most three arguments, the format in .rodata. */
static struct ir_ins *kernel_printk(struct lower *l, struct cf_expr *e)
{
	struct cf_expr text = {
		.kind = EX_STRING, .bytes = e->bytes, .span = e->span, .type = e->type
	};
	struct ir_ins *args[5];

	if (e->n_args > 3) {
		diag_add(l->dx, e->span, E_PRINTF,
			 "the kernel's trace pipe takes at most 3 arguments, this call has %u",
			 e->n_args);
		diag_hint(l->dx, "without --trace-pipe any number of arguments works");
		return num(l, 0);
	}
	args[0] = lower_string(l, &text);
	args[1] = num(l, e->bytes.n + 1);
	for (u32 i = 0; i < e->n_args; i++)
		args[2 + i] = lower_widen(l, lower_value(l, e->args[i]), e->args[i]->type);
	return as_result(l, call(l, H_TRACE_PRINTK, 64, args, 2 + e->n_args), e->type);
}

struct ir_ins *lower_printk(struct lower *l, struct cf_expr *e)
{
	return l->u->o->trace_pipe ? kernel_printk(l, e) : ring_printk(l, e);
}
