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

static bool is_hist(const struct bt_map *m)
{
	return m->show == OBJ_SHOW_HIST || m->show == OBJ_SHOW_LHIST;
}

static u32 value_size(const struct bt_map *m)
{
	switch (m->show) {
	case OBJ_SHOW_VALUE: return bt_size(&m->value);
	case OBJ_SHOW_COUNT:
	case OBJ_SHOW_SUM:
	case OBJ_SHOW_HIST:
	case OBJ_SHOW_LHIST: return 8;
	default: return 16;
	}
}

static bool is_scalar(const struct bt_map *m)
{
	return m->key.kind == BT_VOID || m->key.kind == BT_UNKNOWN;
}

/* Histograms have an entry for each bucket. */
static u32 entries(const struct bt_lower *l, const struct bt_map *m)
{
	u32 buckets = m->show == OBJ_SHOW_HIST ? (66u << m->lhist[0]) : 1;

	if (m->show == OBJ_SHOW_LHIST)
		buckets = (u32)((m->lhist[1] - m->lhist[0]) / m->lhist[2]) + 2;
	if (m->is_declared)
		return m->entries;
	return is_scalar(m) ? buckets : l->u->config.map_entries;
}

/* Room for all entries on every CPU takes the kernel milliseconds to make. From 6.1 on it gives room safely when it is
 * needed, in any context. */
static u32 map_flags(const struct bt_lower *l)
{
	struct probes_machine *machine = l->u->o.machine;

	return machine && probes_kernel_version(machine) >= (6u << 16 | 1 << 8) ? NO_PREALLOC : 0;
}

static u32 map_type(const struct bt_map *m)
{
	if (m->is_declared)
		return m->kind;
	return m->show == OBJ_SHOW_VALUE ? ISA_MAP_HASH : ISA_MAP_PERCPU_HASH;
}

/* The parts of a key are described one by one; they stand where the tuple has them. */
static void describe_key(struct bt_lower *l, struct obj_map *om, const struct bt_type *key)
{
	bool is_tuple = key->kind == BT_TUPLE && !key->tuple->names;
	u32 n = is_tuple ? key->tuple->n : 1;

	for (u32 i = 0; i < n; i++) {
		struct obj_field f = { 0 };

		bt_describe(l, &f, is_tuple ? &key->tuple->types[i] : key,
			    is_tuple ? key->tuple->offs[i] : 0);
		*vec_push(l->o->a, &om->keys) = f;
	}
}

static void declare(struct bt_lower *l, struct bt_map *m)
{
	struct obj_map *om;

	m->key_size = is_scalar(m) ? 0 : bt_size(&m->key);
	if (is_hist(m))
		m->key_size += 8;
	if (!m->key_size)
		m->key_size = 8;
	m->obj = obj_map_add(l->o, m->name, map_type(m), m->key_size, value_size(m), entries(l, m));
	om = &l->o->maps.at[m->obj];
	om->show = m->show;
	om->flags = om->type == ISA_MAP_HASH || om->type == ISA_MAP_PERCPU_HASH ? map_flags(l) : 0;
	om->is_scalar = is_scalar(m);
	om->span = m->span;
	for (u32 i = 0; i < 3; i++)
		om->lhist[i] = m->lhist[i];
}

/* Later than the maps themselves: stacks in keys and values make maps of their own. */
static void describe(struct bt_lower *l, struct bt_map *m)
{
	struct obj_map om = l->o->maps.at[m->obj];
	struct obj_field f = { 0 };

	if (!is_scalar(m))
		describe_key(l, &om, &m->key);
	if (m->show == OBJ_SHOW_VALUE) {
		bt_describe(l, &f, &m->value, 0);
		om.shown_value = arena_dup(l->o->a, &f, sizeof(f));
	}
	l->o->maps.at[m->obj] = om;
}

void bt_declare_maps(struct bt_lower *l)
{
	for (u32 i = 0; i < l->u->maps.n; i++)
		if (l->u->maps.at[i]->is_assigned)
			declare(l, l->u->maps.at[i]);
	for (u32 i = 0; i < l->u->maps.n; i++)
		if (l->u->maps.at[i]->is_assigned)
			describe(l, l->u->maps.at[i]);
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

/* A variable in memory that is the whole key may stay where it is. */
static bool is_own_key(const struct bt_expr *e)
{
	const struct bt_expr *k = e->a;

	return !is_hist(e->map) && k->kind == EX_VAR && !bt_is_scalar(&k->var->type) &&
	       bt_same_type(&k->var->type, &e->map->key);
}

struct ir_ins *bt_key_with(struct bt_lower *l, struct bt_expr *e, struct ir_ins *bucket)
{
	struct bt_map *m = e->map;
	struct ir_ins *key;

	if (e->a && is_own_key(e)) {
		struct bt_place p = bt_var_place(l, e->a->var);

		return bt_address(l, p.base, p.off);
	}
	key = bt_temp(l, m->key_size);
	if (e->a && !is_scalar(m))
		bt_put(l, e->a, &m->key, key, 0, false);
	if (bucket)
		ir_store(&l->b, 8, key, m->key_size - 8, bucket);
	else if (is_scalar(m))
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

/* A variable's own memory serves as the value when it has the right type. */
static struct ir_ins *memory_value(struct bt_lower *l, struct bt_expr *value,
				   const struct bt_type *to)
{
	struct ir_ins *slot;

	if (value->kind == EX_VAR && bt_same_type(&value->var->type, to)) {
		struct bt_place p = bt_var_place(l, value->var);

		return bt_address(l, p.base, p.off);
	}
	slot = bt_temp(l, bt_size(to));
	bt_put(l, value, to, slot, 0, false);
	return slot;
}

void bt_assign_map(struct bt_lower *l, struct bt_expr *target, struct bt_expr *value)
{
	struct bt_map *m = target->map;
	struct ir_ins *x;

	if (bt_is_scalar(&m->value)) {
		x = bt_value(l, value);
		bt_write_number(l, m->obj, bt_key(l, target), x);
	} else {
		x = memory_value(l, value, &m->value);
		update(l, m->obj, bt_key(l, target), x, 0);
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
