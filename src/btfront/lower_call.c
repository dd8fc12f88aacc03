/* lower_call: functions that act: printf, print, exit, time, clear, zero, delete.
 *
 * All but delete send a record through the ring, whose first word names an event of the plan; room
 *rt does the rest when it arrives. Records are written in place:
 *
 *	rec = ringbuf_reserve(size);
 *	if (!rec) lost[this CPU]++;
 *	else { rec->event = …; rec->cpu = …; arguments; ringbuf_submit(rec); }
 *
 * Numbers are computed before the reservation, strings are read straight into the record. exit()
 *leaves the program behind its record.
 */
#include <string.h>

#include "btfront/lower.h"

enum { RING_BYTES = 256 * 1024 };

/* ---- records -------------------------------------------------------------------------------- */

/* The record of an event, its head filled; continues in the block where there is one, and gives the
 * block that send() goes to. */
static struct ir_ins *reserve(struct bt_lower *l, u32 event, struct ir_block **out_end)
{
	struct ir_block *got = ir_block_new(l->b.fn), *full = ir_block_new(l->b.fn);
	u32 ring = obj_ring(l->o, RING_BYTES);
	struct ir_ins *rec, *args[3];

	*out_end = ir_block_new(l->b.fn);
	args[0] = bt_map_address(l, ring);
	args[1] = bt_num(l, l->o->events.at[event].size);
	args[2] = bt_num(l, 0);
	rec = bt_call(l, H_RINGBUF_RESERVE, args, 3);
	ir_if(&l->b, rec, got, full);
	l->b.at = full;
	bt_count_loss(l, OBJ_LOST_RECORDS);
	ir_jump(&l->b, *out_end);
	l->b.at = got;
	ir_store(&l->b, 4, rec, 0, ir_const(&l->b, 32, event));
	ir_store(&l->b, 4, rec, 4, ir_trunc(&l->b, bt_call(l, H_CPU, NULL, 0)));
	return rec;
}

static void send(struct bt_lower *l, struct ir_ins *rec, struct ir_block *end)
{
	ir_call(&l->b, H_RINGBUF_SUBMIT, 0, (struct ir_ins *[]){ rec, bt_num(l, 0) }, 2);
	bt_enter(l, end);
}

static enum obj_field_kind field_kind(const struct bt_type *t)
{
	switch (t->kind) {
	case BT_STRING: return OBJ_F_STR;
	case BT_PTR: return OBJ_F_PTR;
	default: return t->is_signed || t->is_literal ? OBJ_F_INT : OBJ_F_UINT;
	}
}

/* The entry in the plan; all attach points of a clause share it. */
static u32 plan(struct bt_lower *l, struct bt_expr *e, enum obj_event_kind kind, str format,
		struct bt_expr **args, u32 n)
{
	u32 off = sizeof(struct obj_record);
	struct obj_event *ev;

	if (e->event != OBJ_NONE)
		return e->event;
	ev = vec_push(l->o->a, &l->o->events);
	e->event = l->o->events.n - 1;
	ev->kind = kind;
	ev->format = format;
	ev->map = OBJ_NONE;
	ev->span = e->span;
	for (u32 i = 0; i < n; i++) {
		struct obj_field *f = vec_push(l->o->a, &ev->args);

		f->kind = field_kind(&args[i]->type);
		f->off = off;
		f->size = f->kind == OBJ_F_STR ? args[i]->type.size : 8;
		off += f->size;
	}
	ev->size = off;
	return e->event;
}

static bool has_effect(const struct bt_expr *e)
{
	if (!e)
		return false;
	for (u32 i = 0; i < e->n_args; i++)
		if (has_effect(e->args[i]))
			return true;
	return e->kind == EX_INCDEC || has_effect(e->a) || has_effect(e->b) || has_effect(e->c);
}

/* A string with something that must happen even when the ring is full is made before. */
static void put_string(struct bt_lower *l, struct bt_expr *e, const struct bt_text *early,
		       struct ir_ins *rec, const struct obj_field *f)
{
	if (early->base)
		ir_move(&l->b, rec, f->off, early->base, 0,
			f->size < early->cap ? f->size : early->cap, 8);
	else
		bt_put_record_text(l, e, rec, f->off, f->size);
}

static void send_values(struct bt_lower *l, u32 event, struct bt_expr **args, u32 n)
{
	struct ir_ins **values = arena_array_of(l->a, struct ir_ins *, n + 1), *rec;
	struct bt_text *early = arena_array_of(l->a, struct bt_text, n + 1);
	struct ir_block *end;

	for (u32 i = 0; i < n; i++) {
		if (args[i]->type.kind != BT_STRING)
			values[i] = bt_value(l, args[i]);
		else if (has_effect(args[i]))
			early[i] = bt_text_at(l, args[i]);
	}
	rec = reserve(l, event, &end);
	for (u32 i = 0; i < n; i++) {
		const struct obj_field *f = &l->o->events.at[event].args.at[i];

		if (values[i])
			ir_store(&l->b, 8, rec, f->off, values[i]);
		else
			put_string(l, args[i], &early[i], rec, f);
	}
	send(l, rec, end);
}

/* ---- functions ------------------------------------------------------------------------------ */

static void send_about_map(struct bt_lower *l, struct bt_expr *e, enum obj_event_kind kind)
{
	u32 event = plan(l, e, kind, STR(""), NULL, 0);

	l->o->events.at[event].map = e->args[0]->map->obj;
	send_values(l, event, NULL, 0);
}

static void lower_print(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];

	if (x->kind == EX_MAP && !x->n_args)
		send_about_map(l, e, OBJ_EV_PRINT);
	else
		send_values(l, plan(l, e, OBJ_EV_PRINT_VALUE, STR(""), e->args, 1), e->args, 1);
}

static void lower_exit(struct bt_lower *l, struct bt_expr *e)
{
	send_values(l, plan(l, e, OBJ_EV_EXIT, STR(""), e->args, e->n_args), e->args, e->n_args);
	ir_ret(&l->b, ir_const(&l->b, 32, 0));
	l->b.at = ir_block_new(l->b.fn);
}

static void lower_delete(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];
	struct ir_ins *key = bt_key(l, x);

	bt_call(l, H_MAP_DELETE, (struct ir_ins *[]){ bt_map_address(l, x->map->obj), key }, 2);
}

static void lower_time(struct bt_lower *l, struct bt_expr *e)
{
	str format = e->n_args ? e->args[0]->name : STR("%H:%M:%S\n");

	send_values(l, plan(l, e, OBJ_EV_TIME, format, NULL, 0), NULL, 0);
}

void bt_lower_call(struct bt_lower *l, struct bt_expr *e)
{
	switch (e->builtin->id) {
	case F_PRINTF:
		send_values(l,
			    plan(l, e, OBJ_EV_PRINTF, e->args[0]->name, e->args + 1, e->n_args - 1),
			    e->args + 1, e->n_args - 1);
		break;
	case F_PRINT: lower_print(l, e); break;
	case F_CLEAR: send_about_map(l, e, OBJ_EV_CLEAR); break;
	case F_ZERO: send_about_map(l, e, OBJ_EV_ZERO); break;
	case F_EXIT: lower_exit(l, e); break;
	case F_TIME: lower_time(l, e); break;
	case F_DELETE: lower_delete(l, e); break;
	default: break;
	}
}
