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
		struct obj_field f = { 0 };

		bt_describe(l, &f, &args[i]->type, off);
		*vec_push(l->o->a, &l->o->events.at[e->event].args) = f;
		off += f.size;
	}
	l->o->events.at[e->event].size = off;
	if (off > l->largest)
		l->largest = off;
	return e->event;
}

static bool has_effect(const struct bt_expr *e)
{
	if (!e)
		return false;
	for (u32 i = 0; i < e->n_args; i++)
		if (has_effect(e->args[i]))
			return true;
	return e->kind == EX_INCDEC || e->kind == EX_BLOCK || has_effect(e->a) ||
	       has_effect(e->b) || has_effect(e->c);
}

/* Strings and buffers are read straight into the record, unless something in them must happen even
 * when the ring is full. */
static bool goes_straight(const struct bt_expr *e)
{
	return (e->type.kind == BT_STRING || e->type.kind == BT_BUFFER) && !has_effect(e);
}

static void send_values(struct bt_lower *l, u32 event, struct bt_expr **args, u32 n)
{
	struct ir_ins **values = arena_array_of(l->a, struct ir_ins *, n + 1), *rec;
	struct bt_place *early = arena_array_of(l->a, struct bt_place, n + 1);
	struct ir_block *end;

	for (u32 i = 0; i < n; i++) {
		if (bt_is_scalar(&args[i]->type))
			values[i] = bt_value(l, args[i]);
		else if (!goes_straight(args[i]))
			early[i] = bt_memory(l, args[i]);
	}
	rec = reserve(l, event, &end);
	for (u32 i = 0; i < n; i++) {
		const struct obj_field f = l->o->events.at[event].args.at[i];

		if (values[i])
			ir_store(&l->b, 8, rec, f.off, values[i]);
		else if (early[i].base)
			bt_copy(l, rec, f.off, early[i].base, early[i].off, f.size);
		else
			bt_put(l, args[i], &args[i]->type, rec, f.off, true);
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

static u32 constant_argument(const struct bt_expr *e, u32 i)
{
	s64 n = 0;

	if (i < e->n_args)
		bt_const_value(e->args[i], &n);
	return (u32)n;
}

static str quote_percent(struct bt_lower *l, str text)
{
	struct sbuf b;

	sbuf_init(&b, l->o->a);
	for (u32 i = 0; i < text.n; i++) {
		if (text.s[i] == '%')
			sbuf_putc(&b, '%');
		sbuf_putc(&b, text.s[i]);
	}
	return sbuf_str(&b);
}

static void lower_print(struct bt_lower *l, struct bt_expr *e)
{
	struct bt_expr *x = e->args[0];

	if (x->kind == EX_MAP && !x->a) {
		send_about_map(l, e, OBJ_EV_PRINT);
		l->o->events.at[e->event].top = constant_argument(e, 1);
		l->o->events.at[e->event].div = constant_argument(e, 2);
	} else {
		send_values(l, plan(l, e, OBJ_EV_PRINT_VALUE, STR(""), e->args, 1), e->args, 1);
	}
}

static void lower_exit(struct bt_lower *l, struct bt_expr *e)
{
	if (l->in_callback) {
		diag_add(l->dx, e->span, E_BT_NOT_YET,
			 "exit() inside a loop over a map is not compiled yet");
		return;
	}
	send_values(l, plan(l, e, OBJ_EV_EXIT, STR(""), e->args, e->n_args), e->args, e->n_args);
	bt_leave(l);
}

/* if (!condition) { errorf("%s", text); exit(1); } */
static void lower_assert(struct bt_lower *l, struct bt_expr *e)
{
	struct ir_block *ok = ir_block_new(l->b.fn), *bad = ir_block_new(l->b.fn);
	struct bt_expr *code = arena_new_of(l->a, struct bt_expr);
	struct bt_expr *leave = arena_new_of(l->a, struct bt_expr);
	str text = str_printf(l->o->a, STR_FMT "\n", STR_ARG(e->args[1]->name));

	code->kind = EX_INT;
	code->value = 1;
	code->type = bt_int(8, true);
	leave->args = arena_dup(l->a, &code, sizeof(code));
	leave->n_args = 1;
	leave->event = OBJ_NONE;
	leave->span = e->span;
	bt_branch(l, e->args[0], ok, bad);
	l->b.at = bad;
	/* A percent sign of the text stands for itself. */
	send_values(l, plan(l, e, OBJ_EV_ERROR, quote_percent(l, text), NULL, 0), NULL, 0);
	lower_exit(l, leave);
	l->b.at = ok;
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

/* ---- join() --------------------------------------------------------------------------------- */

enum { JOIN_STRINGS = 16, JOIN_SIZE = 1024 };

/* for (i = 0; i < 16; i++) {
 *	rec->strings[i][0] = 0;
 *	probe_read(&p, 8, argv + 8 * i);
 *	if (!p) break;
 *	probe_read_str(rec->strings[i], size, p);
 * } */
static void lower_join(struct bt_lower *l, struct bt_expr *e)
{
	str delimiter = e->n_args == 2 ? e->args[1]->name : STR(" ");
	u32 event = plan(l, e, OBJ_EV_JOIN, delimiter, NULL, 0);
	struct ir_ins *argv = bt_value(l, e->args[0]), *rec, *args[3];
	u8 region = e->args[0]->type.region;
	struct obj_event *ev = &l->o->events.at[event];
	struct ir_block *end, *done;

	if (!ev->args.n)
		for (u32 i = 0; i < JOIN_STRINGS; i++)
			*vec_push(l->o->a, &ev->args) = (struct obj_field){
				.kind = OBJ_F_STR, .off = 8 + i * JOIN_SIZE, .size = JOIN_SIZE
			};
	ev->size = 8 + JOIN_STRINGS * JOIN_SIZE;
	l->largest = ev->size > l->largest ? ev->size : l->largest;
	rec = reserve(l, event, &end);
	done = ir_block_new(l->b.fn);
	for (u32 i = 0; i < JOIN_STRINGS; i++) {
		struct ir_block *more = ir_block_new(l->b.fn);
		struct ir_ins *p;

		ir_store(&l->b, 8, rec, 8 + i * JOIN_SIZE, bt_num(l, 0));
		p = bt_read(l, (struct bt_place){ argv, 8 * i, region }, 8, false);
		ir_if(&l->b, p, more, done);
		l->b.at = more;
		args[0] = bt_address(l, rec, 8 + i * JOIN_SIZE);
		args[1] = bt_num(l, JOIN_SIZE);
		args[2] = p;
		bt_call(l, bt_reader(region, true), args, 3);
	}
	bt_enter(l, done);
	send(l, rec, end);
}

static void lower_format(struct bt_lower *l, struct bt_expr *e, enum obj_event_kind kind)
{
	send_values(l, plan(l, e, kind, e->args[0]->name, e->args + 1, e->n_args - 1), e->args + 1,
		    e->n_args - 1);
}

void bt_lower_call(struct bt_lower *l, struct bt_expr *e)
{
	switch (e->builtin->id) {
	case F_PRINTF: lower_format(l, e, OBJ_EV_PRINTF); break;
	case F_ERRORF: lower_format(l, e, OBJ_EV_ERROR); break;
	case F_WARNF: lower_format(l, e, OBJ_EV_WARNING); break;
	case F_SYSTEM: lower_format(l, e, OBJ_EV_SYSTEM); break;
	case F_CAT: lower_format(l, e, OBJ_EV_CAT); break;
	case F_JOIN: lower_join(l, e); break;
	case F_PRINT: lower_print(l, e); break;
	case F_CLEAR: send_about_map(l, e, OBJ_EV_CLEAR); break;
	case F_ZERO: send_about_map(l, e, OBJ_EV_ZERO); break;
	case F_EXIT: lower_exit(l, e); break;
	case F_TIME: lower_time(l, e); break;
	case F_DELETE: lower_delete(l, e); break;
	case F_ASSERT: lower_assert(l, e); break;
	default: break;
	}
}
