/* lower_output.c: what programs send out, and of which C type.
 *
 * bpf_perf_event_output and bpf_ringbuf_output are given a pointer to what they send; its type is the
 * type of the records that come out of the map. What bpf_ringbuf_reserve gives has the type that
 * its result is converted to. Each pair of map and type becomes one OBJ_EV_OUTPUT of the plan, whose
 * argument stands behind the head that the engine puts before such a record. A pointer to void says
 * nothing: the record is shown as bytes then.
 */
#include "cfront/lower.h"

/* The map that an argument names: `&map`, `map`, through casts. */
static const struct cf_sym *map_of(const struct cf_expr *e)
{
	while (e->kind == EX_CAST || e->kind == EX_ADDR || e->kind == EX_DECAY ||
	       e->kind == EX_LOAD)
		e = e->a;
	return e->kind == EX_SYM && e->sym->kind == SYM_MAP ? e->sym : NULL;
}

/* What a pointer points to: of an array the whole. */
static const struct type *pointee(const struct cf_expr *e)
{
	while (e->kind == EX_CAST && ty_is_ptr(e->a->type))
		e = e->a;
	if (e->kind == EX_ADDR || e->kind == EX_DECAY)
		return e->a->type;
	return ty_is_ptr(e->type) ? ty_strip(e->type)->to : NULL;
}

static void note(struct lower *l, const struct cf_sym *map, const struct type *ty, struct span at)
{
	bool is_known = ty && !ty_is_void(ty) && ty_complete(ty) && ty_strip(ty)->kind != TY_FUNC;
	u32 size = is_known ? (u32)ty_strip(ty)->size : 0;
	struct obj_event *ev;
	struct obj_field *f;

	for (u32 i = 0; i < l->o->events.n; i++) {
		ev = &l->o->events.at[i];
		if (ev->kind == OBJ_EV_OUTPUT && ev->map == map->map->obj_index &&
		    (ev->args.n ? ev->args.at[0].type : NULL) == (is_known ? ty : NULL))
			return;
	}
	obj_lost(l->o);
	ev = vec_push(l->o->a, &l->o->events);
	ev->kind = OBJ_EV_OUTPUT;
	ev->map = map->map->obj_index;
	ev->size = sizeof(struct obj_record) + size;
	ev->span = at;
	if (!is_known)
		return;
	f = vec_push(l->o->a, &ev->args);
	f->kind = ty_is_aggregate(ty) ? OBJ_F_STRUCT : OBJ_F_BYTES;
	f->off = sizeof(struct obj_record);
	f->size = size;
	f->type = ty;
}

void lower_note_output(struct lower *l, const struct cf_expr *e)
{
	const struct cf_sym *map;
	u32 data;

	switch (e->helper->id) {
	case ISA_FN_perf_event_output:
	case ISA_FN_skb_output:
	case ISA_FN_xdp_output: data = 3; break;
	case ISA_FN_ringbuf_output: data = 1; break;
	default: return;
	}
	map = e->n_args > data ? map_of(e->args[data == 3 ? 1 : 0]) : NULL;
	if (map && map->map)
		note(l, map, pointee(e->args[data]), e->span);
}

void lower_note_reserve(struct lower *l, const struct cf_expr *e, const struct type *as)
{
	const struct cf_sym *map = e->n_args ? map_of(e->args[0]) : NULL;

	if (e->helper->id == ISA_FN_ringbuf_reserve && map && map->map && ty_is_ptr(as))
		note(l, map, ty_strip(as)->to, e->span);
}
