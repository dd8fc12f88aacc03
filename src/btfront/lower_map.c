/* lower_map: maps of the script as maps of the object, and reading and writing them.
 *
 * @x and @m[k] are hashes whose values are single numbers or strings; aggregations are per-CPU
 *hashes whose parts room rt combines. A scalar has one entry, with key 0. The parts of a key lie
 *one behind another, numbers in 8 bytes, strings in their capacity, so that there is no padding to
 *clear.
 *
 * Adding to an entry is exact, whatever else runs in between:
 *
 *	p = lookup(key);
 *	if (!p) {
 *		if (update(key, n, BPF_NOEXIST) == 0)
 *			goto end;
 *		p = lookup(key);                // somebody else made it
 *	}
 *	if (p)
 *		atomic *p += n;
 *   end:
 *
 * With atomic additions nothing is lost to an interrupt or a preempted program on the same CPU
 *either.
 */
#include <errno.h>

#include "btfront/lower.h"

enum { NOEXIST = 1, NO_PREALLOC = 1 };

/* ---- declaring ------------------------------------------------------------------------------- */

static enum obj_field_kind kind_of(const struct bt_type *t)
{
	switch (t->kind) {
	case BT_STRING: return OBJ_F_STR;
	case BT_PTR: return OBJ_F_PTR;
	default: return t->is_signed || t->is_literal ? OBJ_F_INT : OBJ_F_UINT;
	}
}

static bool is_hist(const struct bt_map *m)
{
	return m->show == OBJ_SHOW_HIST || m->show == OBJ_SHOW_LHIST;
}

static u32 size_of(const struct bt_type *t)
{
	return t->kind == BT_STRING ? t->size : 8;
}

static u32 value_size(const struct bt_map *m)
{
	switch (m->show) {
	case OBJ_SHOW_VALUE: return size_of(&m->value);
	case OBJ_SHOW_COUNT:
	case OBJ_SHOW_SUM:
	case OBJ_SHOW_HIST:
	case OBJ_SHOW_LHIST: return 8;
	default: return 16;
	}
}

/* Histograms have an entry for each bucket. */
static u32 entries(const struct bt_map *m)
{
	u32 buckets = m->show == OBJ_SHOW_HIST ? 66 : 1;

	if (m->show == OBJ_SHOW_LHIST)
		buckets = (u32)((m->lhist[1] - m->lhist[0]) / m->lhist[2]) + 2;
	return m->n_keys ? BT_MAP_ENTRIES : buckets;
}

/* Room for all entries on every CPU takes the kernel milliseconds to make. From 6.1 on it gives room safely when it is
 * needed, in any context. */
static u32 map_flags(const struct bt_lower *l)
{
	struct probes_machine *machine = l->u->o.machine;

	return machine && probes_kernel_version(machine) >= (6u << 16 | 1 << 8) ? NO_PREALLOC : 0;
}

static void declare(struct bt_lower *l, struct bt_map *m)
{
	bool is_value = m->show == OBJ_SHOW_VALUE;
	struct obj_map *om;
	u32 off = 0;

	m->key_offs = arena_array_of(l->a, u32, m->n_keys + 1);
	for (u32 i = 0; i < m->n_keys; i++) {
		m->key_offs[i] = off;
		off += size_of(&m->keys[i]);
	}
	if (is_hist(m))
		off += 8;
	m->key_size = off ? off : 8;
	m->obj = obj_map_add(l->o, m->name, is_value ? ISA_MAP_HASH : ISA_MAP_PERCPU_HASH,
			     m->key_size, value_size(m), entries(m));
	om = &l->o->maps.at[m->obj];
	om->show = m->show;
	om->flags = map_flags(l);
	om->is_scalar = !m->n_keys;
	om->span = m->span;
	for (u32 i = 0; i < 3; i++)
		om->lhist[i] = m->lhist[i];
	for (u32 i = 0; i < m->n_keys; i++)
		*vec_push(l->o->a, &om->keys) = (struct obj_field){ .kind = kind_of(&m->keys[i]),
								    .off = m->key_offs[i],
								    .size = size_of(&m->keys[i]) };
	if (!is_value)
		return;
	om->shown_value = arena_new_of(l->o->a, struct obj_field);
	om->shown_value->kind = kind_of(&m->value);
	om->shown_value->size = size_of(&m->value);
}

void bt_declare_maps(struct bt_lower *l)
{
	for (u32 i = 0; i < l->u->maps.n; i++)
		if (l->u->maps.at[i]->is_assigned)
			declare(l, l->u->maps.at[i]);
}

/* ---- helpers -------------------------------------------------------------------------------- */

struct ir_ins *bt_map_address(struct bt_lower *l, u32 map)
{
	return ir_symbol(&l->b, ir_sym(l->m, IR_SYM_MAP, l->o->maps.at[map].name, map), 0);
}

struct ir_ins *bt_lookup(struct bt_lower *l, u32 map, struct ir_ins *key)
{
	return bt_call(l, H_MAP_LOOKUP, (struct ir_ins *[]){ bt_map_address(l, map), key }, 2);
}

void bt_count_loss(struct bt_lower *l, u32 element)
{
	struct ir_block *hit = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *key = bt_temp(l, 8), *p;

	ir_store(&l->b, 4, key, 0, ir_const(&l->b, 32, element));
	p = bt_lookup(l, obj_lost(l->o), key);
	ir_if(&l->b, p, hit, end);
	l->b.at = hit;
	ir_store(&l->b, 8, p, 0, bt_op(l, IR_ADD, ir_load(&l->b, 64, 8, false, p, 0), 1));
	bt_enter(l, end);
}

/* if ((s32)result == -E2BIG) lost[of this map]++. 32 bits: before Linux 6.4 the upper half of a map call's
 * result means nothing. */
static void count_refused(struct bt_lower *l, u32 map, struct ir_ins *result)
{
	struct ir_block *full = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *code = ir_trunc(&l->b, result);

	code = ir_compare(&l->b, IR_EQ, code, ir_const(&l->b, 32, -E2BIG));
	ir_if(&l->b, code, full, end);
	l->b.at = full;
	bt_count_loss(l, OBJ_LOST_UPDATES(map));
	bt_enter(l, end);
}

static struct ir_ins *update(struct bt_lower *l, u32 map, struct ir_ins *key, struct ir_ins *value,
			     s64 flags)
{
	struct ir_ins *args[4] = { NULL, key, value, NULL }, *result;

	args[0] = bt_map_address(l, map);
	args[3] = bt_num(l, flags);
	result = bt_call(l, H_MAP_UPDATE, args, 4);
	if (OBJ_LOST_UPDATES(map) < OBJ_N_LOST)
		count_refused(l, map, result);
	return result;
}

/* A string variable that is the whole key may stay where it is. */
static bool is_own_key(const struct bt_expr *e)
{
	const struct bt_expr *k = e->args[0];

	return e->n_args == 1 && !is_hist(e->map) && k->kind == EX_VAR &&
	       k->var->type.kind == BT_STRING && k->var->type.size == e->map->key_size;
}

struct ir_ins *bt_key_with(struct bt_lower *l, struct bt_expr *e, struct ir_ins *bucket)
{
	struct bt_map *m = e->map;
	struct ir_ins *key;

	if (m->n_keys && is_own_key(e))
		return e->args[0]->var->slot;
	key = bt_temp(l, m->key_size);
	for (u32 i = 0; i < m->n_keys; i++) {
		if (m->keys[i].kind == BT_STRING)
			bt_put_text(l, e->args[i], key, m->key_offs[i], m->keys[i].size);
		else
			ir_store(&l->b, 8, key, m->key_offs[i], bt_value(l, e->args[i]));
	}
	if (bucket)
		ir_store(&l->b, 8, key, m->key_size - 8, bucket);
	else if (!m->n_keys)
		ir_store(&l->b, 8, key, 0, bt_num(l, 0));
	return key;
}

struct ir_ins *bt_key(struct bt_lower *l, struct bt_expr *e)
{
	return bt_key_with(l, e, NULL);
}

/* ---- reading and writing ----------------------------------------------------------------------
 */

struct ir_ins *bt_read_number(struct bt_lower *l, u32 map, struct ir_ins *key)
{
	struct ir_block *hit = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l), *p = bt_lookup(l, map, key);

	ir_store(&l->b, 8, slot, 0, bt_num(l, 0));
	ir_if(&l->b, p, hit, end);
	l->b.at = hit;
	ir_store(&l->b, 8, slot, 0, ir_load(&l->b, 64, 8, false, p, 0));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

void bt_write_number(struct bt_lower *l, u32 map, struct ir_ins *key, struct ir_ins *x)
{
	struct ir_ins *value = bt_temp(l, 8);

	ir_store(&l->b, 8, value, 0, x);
	update(l, map, key, value, 0);
}

/* The string's own memory serves as the value when it has the right size. */
static struct ir_ins *text_value(struct bt_lower *l, struct bt_expr *value, u32 size)
{
	struct ir_ins *slot;

	if (value->kind == EX_VAR && value->var->type.size == size)
		return value->var->slot;
	slot = bt_temp(l, size);
	bt_put_text(l, value, slot, 0, size);
	return slot;
}

void bt_assign_map(struct bt_lower *l, struct bt_expr *target, struct bt_expr *value)
{
	struct bt_map *m = target->map;
	struct ir_ins *x;

	if (m->value.kind == BT_STRING) {
		x = text_value(l, value, m->value.size);
		update(l, m->obj, bt_key(l, target), x, 0);
	} else {
		x = bt_value(l, value);
		bt_write_number(l, m->obj, bt_key(l, target), x);
	}
}

struct ir_ins *bt_find_or_make(struct bt_lower *l, u32 map, struct ir_ins *key,
			       struct ir_ins *const *words, u32 n, struct ir_block *end)
{
	struct ir_block *hit = ir_block_new(l->b.fn), *miss = ir_block_new(l->b.fn);
	struct ir_block *again = ir_block_new(l->b.fn);
	struct ir_ins *slot = bt_join(l), *value = bt_temp(l, 8 * n), *p;

	p = bt_lookup(l, map, key);
	ir_store(&l->b, 8, slot, 0, p);
	ir_if(&l->b, p, hit, miss);
	l->b.at = miss;
	for (u32 i = 0; i < n; i++)
		ir_store(&l->b, 8, value, 8 * i, words[i]);
	ir_if(&l->b, update(l, map, key, value, NOEXIST), again, end);
	l->b.at = again;
	p = bt_lookup(l, map, key);
	ir_store(&l->b, 8, slot, 0, p);
	ir_if(&l->b, p, hit, end);
	l->b.at = hit;
	p = bt_joined(l, slot);
	p->region = IR_IN_VALUE;
	return p;
}

void bt_add_words(struct bt_lower *l, u32 map, struct ir_ins *key, struct ir_ins *const *words,
		  u32 n)
{
	struct ir_block *end = ir_block_new(l->b.fn);
	struct ir_ins *p = bt_find_or_make(l, map, key, words, n, end);

	for (u32 i = 0; i < n; i++)
		ir_atomic(&l->b, ISA_ATOMIC_ADD, 8, p, 8 * i, words[i], NULL);
	bt_enter(l, end);
}
