/* table.c: maps to text or JSON.
 *
 * Reads all entries, combines the per-CPU parts as the map's `show` says, sorts, and prints: bpftrace maps as
 * bpftrace prints them (aggregations and integers by value, everything else by key; equal values by key, so
 * that the order is certain), C maps by key, or by the user's own format, all entries on one line.
 *
 * A hist() or lhist() map keeps one entry a bucket: the bucket's number is the last 8 bytes of the key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rt/rt_private.h"

struct entry {
	char *key, *value; /* value: after combining, or every CPU's part behind another */
	s64 number;	   /* what count, sum, min, max and integers sort by */
	const struct table *t;
	u64 *buckets; /* histograms */
};

struct table {
	const struct rt_config *c;
	const struct obj_map *m;
	struct arena *a;
	u32 map, n_cpus, part, key_size;
	u32 slot_size; /* OBJ_SHOW_LOG2: of the bucket's number behind the key */
	bool is_percpu;
	vec(struct entry) entries;
	u32 top; /* print() of the last so many */
	s64 div; /* of numbers */
};

static bool is_hist(const struct obj_map *m)
{
	return m->show == OBJ_SHOW_HIST || m->show == OBJ_SHOW_LHIST;
}

static bool is_bpftrace(const struct obj_map *m)
{
	return m->show > OBJ_SHOW_TABLE && m->show < OBJ_SHOW_LOG2;
}

/* ---- reading -------------------------------------------------------------------------------- */

static s64 cpu_part(const struct table *t, const struct entry *e, u32 cpu, u32 off)
{
	return rt_value_int(e->value + (size_t)cpu * t->part + off, 8, true);
}

static s64 combine(const struct table *t, const struct entry *e)
{
	s64 total = 0;
	bool seen = false;

	if (!t->is_percpu)
		return rt_value_int(e->value, t->m->value_size, true);
	for (u32 cpu = 0; cpu < t->n_cpus; cpu++) {
		s64 v = cpu_part(t, e, cpu, 0);
		bool is_set = t->m->value_size < 16 || cpu_part(t, e, cpu, 8);

		if (t->m->show == OBJ_SHOW_MIN || t->m->show == OBJ_SHOW_MAX) {
			if (is_set &&
			    (!seen || (t->m->show == OBJ_SHOW_MIN ? v < total : v > total)))
				total = v;
			seen = seen || is_set;
		} else {
			total += v;
		}
	}
	return total;
}

static int read_entries(struct table *t, struct err *e)
{
	const struct rt_engine *eng = t->c->engine;
	u32 key_size = t->m->key_size;
	size_t value_size = t->is_percpu ? (size_t)t->part * t->n_cpus : t->m->value_size;
	char *at = NULL, *next = arena_alloc(t->a, key_size + 1);
	int r;

	while ((r = eng->map_next(t->c->self, t->map, at, next)) == 0) {
		char *value = arena_alloc(t->a, value_size + 8);

		at = arena_dup(t->a, next, key_size);
		r = eng->map_lookup(t->c->self, t->map, at, value);
		if (r == -ENOENT)
			continue;
		if (r)
			break;
		*vec_push(t->a, &t->entries) = (struct entry){ .key = at, .value = value, .t = t };
		if (t->entries.n > t->m->max_entries)
			break;
	}
	if (r && r != -ENOENT)
		return err_set(e, r, "rt", "cannot read map " STR_FMT ": %s", STR_ARG(t->m->name),
			       strerror(-r));
	return 0;
}

/* ---- sorting -------------------------------------------------------------------------------- */

static int compare_numbers(s64 x, s64 y)
{
	return x < y ? -1 : x > y;
}

static int compare_field(const struct obj_field *f, const char *x, const char *y)
{
	switch (f->kind) {
	case OBJ_F_INT:
	case OBJ_F_ENUM:
		return compare_numbers(rt_value_int(x + f->off, f->size, true),
				       rt_value_int(y + f->off, f->size, true));
	case OBJ_F_UINT:
	case OBJ_F_PTR:
	case OBJ_F_BOOL: {
		u64 a = (u64)rt_value_int(x + f->off, f->size, false);
		u64 b = (u64)rt_value_int(y + f->off, f->size, false);

		return a < b ? -1 : a > b;
	}
	case OBJ_F_STR: return strncmp(x + f->off, y + f->off, f->size);
	default: return memcmp(x + f->off, y + f->off, f->size);
	}
}

static int compare_type(const struct type *type, const char *x, const char *y)
{
	const struct type *ty = type ? ty_strip(type) : NULL;

	if (!ty)
		return 0;
	if ((ty->kind == TY_INT || ty->kind == TY_ENUM || ty->kind == TY_PTR) && ty->size <= 8) {
		u64 a = (u64)rt_value_int(x, (u32)ty->size, ty->is_signed);
		u64 b = (u64)rt_value_int(y, (u32)ty->size, ty->is_signed);

		return ty->is_signed ? compare_numbers((s64)a, (s64)b) : a < b ? -1 : a > b;
	}
	for (u32 i = 0; ty->kind == TY_STRUCT && i < ty->n; i++) {
		const struct ty_member *m = &ty->members[i];
		int r = m->bits ? 0 : compare_type(m->type, x + m->bit_off / 8, y + m->bit_off / 8);

		if (r)
			return r;
	}
	return 0;
}

static int compare_keys(const struct entry *x, const struct entry *y)
{
	const struct obj_map *m = x->t->m;
	int r = 0;

	for (u32 i = 0; !r && i < m->keys.n; i++)
		r = compare_field(&m->keys.at[i], x->key, y->key);
	if (!r && !m->keys.n)
		r = compare_type(m->key, x->key, y->key);
	return r ? r : memcmp(x->key, y->key, x->t->key_size);
}

static bool sorts_by_number(const struct obj_map *m)
{
	switch (m->show) {
	case OBJ_SHOW_TABLE:
	case OBJ_SHOW_LOG2:
	case OBJ_SHOW_STACKS: return false;
	case OBJ_SHOW_VALUE:
		return m->shown_value &&
		       (m->shown_value->kind == OBJ_F_INT || m->shown_value->kind == OBJ_F_UINT);
	default: return true;
	}
}

static int compare_entries(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int r = sorts_by_number(x->t->m) ? compare_numbers(x->number, y->number) : 0;

	return r ? r : compare_keys(x, y);
}

/* ---- histograms: one entry a bucket becomes one a key ------------------------------------------ */

static u32 bucket_count(const struct obj_map *m)
{
	if (m->show == OBJ_SHOW_LOG2)
		return LOG2_BUCKETS;
	if (m->show == OBJ_SHOW_HIST)
		return HIST_BUCKETS << m->lhist[0];
	return (u32)((m->lhist[1] - m->lhist[0]) / m->lhist[2]) + 2;
}

static struct entry *entry_of_key(struct table *t, u32 n, const char *key)
{
	for (u32 i = 0; i < n; i++)
		if (!memcmp(t->entries.at[i].key, key, t->key_size))
			return &t->entries.at[i];
	return NULL;
}

static void group_buckets(struct table *t)
{
	u32 n = 0, buckets = bucket_count(t->m);

	for (u32 i = 0; i < t->entries.n; i++) {
		struct entry e = t->entries.at[i], *home = entry_of_key(t, n, e.key);
		u32 size = t->slot_size ? t->slot_size : 8;
		u64 bucket = (u64)rt_value_int(e.key + t->key_size, size, false);
		s64 count = combine(t, &e);

		if (!home) {
			home = &t->entries.at[n++];
			*home = e;
			home->number = 0;
			home->buckets = arena_array_of(t->a, u64, buckets);
		}
		if (bucket < buckets) {
			home->buckets[bucket] += (u64)count;
			home->number += count;
		}
	}
	t->entries.n = n;
}

/* ---- printing ------------------------------------------------------------------------------- */

/* The members of a histogram's key in front of the bucket's number. */
static void put_section(struct sbuf *out, const struct type *type, const char *key, u32 size)
{
	const struct type *ty = ty_strip(type);

	for (u32 i = 0; i < ty->n && ty->members[i].bit_off / 8 < size; i++) {
		if (i)
			sbuf_puts(out, ", ");
		rt_value_type(out, ty->members[i].type, key + ty->members[i].bit_off / 8,
			      VALUE_TEXT);
	}
}

static void put_key(struct sbuf *out, const struct table *t, const struct entry *e,
		    enum value_style style)
{
	const struct obj_map *m = t->m;

	for (u32 i = 0; i < m->keys.n; i++) {
		if (i)
			sbuf_puts(out, style == VALUE_JSON ? "," : ", ");
		rt_value_field(out, t->c, &m->keys.at[i], e->key, VALUE_TEXT);
	}
	if (t->slot_size)
		put_section(out, m->key, e->key, t->key_size);
	else if (!m->keys.n && m->key)
		rt_value_type(out, m->key, e->key, VALUE_TEXT);
}

/* One number behind another where a C map keeps one value a CPU. */
static void put_cpu_values(struct sbuf *out, const struct table *t, const struct entry *e,
			   enum value_style style)
{
	sbuf_putc(out, '[');
	for (u32 cpu = 0; cpu < t->n_cpus; cpu++) {
		if (cpu)
			sbuf_puts(out, ",");
		rt_value_type(out, t->m->value, e->value + (size_t)cpu * t->part, style);
	}
	sbuf_putc(out, ']');
}

static void put_average(struct sbuf *out, const struct table *t, const struct entry *e,
			enum value_style style)
{
	s64 total = 0, count = 0;

	for (u32 cpu = 0; cpu < t->n_cpus; cpu++) {
		total += cpu_part(t, e, cpu, 0);
		count += cpu_part(t, e, cpu, 8);
	}
	total /= t->div;
	if (t->m->show == OBJ_SHOW_AVG)
		sbuf_printf(out, "%lld", (long long)(count ? total / count : 0));
	else
		sbuf_printf(out,
			    style == VALUE_JSON
				    ? "{\"count\": %lld, \"average\": %lld, \"total\": %lld}"
				    : "count %lld, average %lld, total %lld",
			    (long long)count, (long long)(count ? total / count : 0),
			    (long long)total);
}

static void put_value(struct sbuf *out, const struct table *t, const struct entry *e,
		      enum value_style style)
{
	const struct obj_map *m = t->m;

	switch (m->show) {
	case OBJ_SHOW_TABLE:
		if (t->is_percpu)
			put_cpu_values(out, t, e, style);
		else if (m->value)
			rt_value_type(out, m->value, e->value, style);
		break;
	case OBJ_SHOW_VALUE:
		if (t->div > 1 && sorts_by_number(m))
			sbuf_printf(out, "%lld", (long long)(e->number / t->div));
		else if (m->shown_value)
			rt_value_field(out, t->c, m->shown_value, e->value, style);
		break;
	case OBJ_SHOW_AVG:
	case OBJ_SHOW_STATS: put_average(out, t, e, style); break;
	case OBJ_SHOW_STACKS:
		(style == VALUE_JSON ? rt_stack_json : rt_stack_text)(out, e->value, m->value_size);
		break;
	default: sbuf_printf(out, "%lld", (long long)(e->number / t->div)); break;
	}
}

/* An array has all its entries from the start; those that are still zero say nothing. */
static bool is_untouched(const struct table *t, const struct entry *e)
{
	size_t n = t->is_percpu ? (size_t)t->part * t->n_cpus : t->m->value_size;

	if (e->buckets)
		return !e->number;
	if (t->m->type != ISA_MAP_ARRAY && t->m->type != ISA_MAP_PERCPU_ARRAY)
		return false;
	for (size_t i = 0; i < n; i++)
		if (e->value[i])
			return false;
	return true;
}

static void print_text(struct sbuf *out, const struct table *t)
{
	for (u32 i = 0; i < t->entries.n; i++) {
		const struct entry *e = &t->entries.at[i];

		if (is_untouched(t, e))
			continue;
		sbuf_put(out, t->m->name);
		if (!t->m->is_scalar && (!t->slot_size || t->key_size)) {
			sbuf_putc(out, '[');
			put_key(out, t, e, VALUE_TEXT);
			sbuf_putc(out, ']');
		}
		if (e->buckets) {
			sbuf_puts(out, t->c->is_old && is_bpftrace(t->m) ? ": \n" : ":\n");
			if (t->slot_size)
				rt_log2_text(out, e->buckets, bucket_count(t->m));
			else
				rt_hist_text(out, t->m, e->buckets, bucket_count(t->m));
		} else {
			sbuf_puts(out, ": ");
			put_value(out, t, e, VALUE_TEXT);
		}
		sbuf_putc(out, '\n');
	}
	/* 0.17: an empty line behind these, and for a map without entries. */
	if (t->c->is_old && is_bpftrace(t->m) &&
	    (!t->entries.n || t->m->show == OBJ_SHOW_AVG || t->m->show == OBJ_SHOW_STATS))
		sbuf_putc(out, '\n');
}

static const char *json_type(const struct obj_map *m)
{
	return is_hist(m) || m->show == OBJ_SHOW_LOG2		      ? "hist"
	       : m->show == OBJ_SHOW_AVG || m->show == OBJ_SHOW_STATS ? "stats"
								      : "map";
}

static void print_json(struct sbuf *out, const struct table *t)
{
	sbuf_printf(out, "{\"type\": \"%s\", \"data\": {", json_type(t->m));
	sbuf_json(out, t->m->name);
	sbuf_puts(out, t->m->is_scalar ? ": " : ": {");
	for (u32 i = 0; i < t->entries.n; i++) {
		const struct entry *e = &t->entries.at[i];
		struct sbuf key;

		if (i)
			sbuf_puts(out, ", ");
		if (!t->m->is_scalar) {
			sbuf_init(&key, out->a);
			put_key(&key, t, e, VALUE_JSON);
			sbuf_json(out, sbuf_str(&key));
			sbuf_puts(out, ": ");
		}
		if (e->buckets && t->slot_size)
			rt_log2_json(out, e->buckets, bucket_count(t->m));
		else if (e->buckets)
			rt_hist_json(out, t->m, e->buckets, bucket_count(t->m));
		else
			put_value(out, t, e, VALUE_JSON);
	}
	sbuf_puts(out, t->m->is_scalar ? "}}\n" : "}}}\n");
}

/* ---- the user's own format ------------------------------------------------------------------- */

/* `{key}`, `{value}`, or a member: `{key.pid}`. */
static void put_placeholder(struct sbuf *out, const struct table *t, const struct entry *e,
			    str what)
{
	str head = str_cut(&what, '.');
	bool is_key = str_is(head, "key");
	const struct type *ty = is_key ? t->m->key : t->m->value;
	const char *at = is_key ? e->key : e->value;
	const struct ty_member *m;
	u32 bit_off = 0;

	if (!what.n) {
		if (is_key)
			put_key(out, t, e, VALUE_TEXT);
		else
			put_value(out, t, e, VALUE_TEXT);
		return;
	}
	m = ty && ty_is_aggregate(ty_strip(ty)) ? ty_find_member(ty_strip(ty), what, &bit_off)
						: NULL;
	if (m && !m->bits)
		rt_value_type(out, m->type, at + bit_off / 8, VALUE_TEXT);
	else
		sbuf_puts(out, "?");
}

static void print_format(struct sbuf *out, const struct table *t, str format)
{
	for (u32 i = 0; i < t->entries.n; i++) {
		if (i)
			sbuf_putc(out, '\t');
		for (u32 k = 0; k < format.n; k++) {
			int end = format.s[k] == '{' ? str_find(format, '}', k) : -1;

			if (end < 0) {
				sbuf_putc(out, format.s[k]);
				continue;
			}
			put_placeholder(out, t, &t->entries.at[i],
					str_sub(format, k + 1, (u32)end - k - 1));
			k = (u32)end;
		}
	}
	sbuf_putc(out, '\n');
}

static bool find_format(const struct rt_config *c, str map, str *out)
{
	for (u32 i = 0; i < c->n_map_formats; i++) {
		str rest = c->map_formats[i], name = str_cut(&rest, '=');

		if (str_eq(name, map)) {
			*out = rest;
			return true;
		}
	}
	return false;
}

/* ---- maps ----------------------------------------------------------------------------------- */

static int print_table(struct sbuf *out, struct table *t, struct err *e)
{
	str format;
	int r = read_entries(t, e);

	if (r)
		return r;
	if (is_hist(t->m) || t->slot_size)
		group_buckets(t);
	else
		for (u32 i = 0; is_bpftrace(t->m) && i < t->entries.n; i++)
			t->entries.at[i].number = combine(t, &t->entries.at[i]);
	if (t->entries.n)
		qsort(t->entries.at, t->entries.n, sizeof(struct entry), compare_entries);
	if (t->top && t->entries.n > t->top) {
		t->entries.at += t->entries.n - t->top;
		t->entries.n = t->entries.cap = t->top;
	}
	if (t->c->json)
		print_json(out, t);
	else if (find_format(t->c, t->m->name, &format))
		print_format(out, t, format);
	else
		print_text(out, t);
	return 0;
}

/* A histogram's key is the bucket's number, or a struct whose last member is. */
static void find_slot(struct table *t)
{
	const struct type *key = t->m->key ? ty_strip(t->m->key) : NULL;
	const struct ty_member *last;

	t->slot_size = t->m->key_size;
	if (key && key->kind == TY_STRUCT && ty_complete(key) && key->n) {
		last = &key->members[key->n - 1];
		t->slot_size = (u32)ty_strip(last->type)->size;
		t->key_size = last->bit_off / 8;
	} else {
		t->key_size = 0;
	}
	if (t->slot_size > 8 || t->key_size + t->slot_size > t->m->key_size) {
		t->slot_size = 0;
		t->key_size = t->m->key_size;
	}
}

int rt_print_map(struct sbuf *out, const struct rt_config *c, u32 map, struct err *e)
{
	return rt_print_map_part(out, c, map, 0, 0, e);
}

int rt_print_map_part(struct sbuf *out, const struct rt_config *c, u32 map, u32 top, u32 div,
		      struct err *e)
{
	const struct obj_map *m = &c->obj->maps.at[map];
	struct table t = { .c = c, .m = m, .a = out->a, .map = map, .n_cpus = c->n_cpus };

	t.top = top;
	t.div = div ? div : 1;

	rt_names_refresh(c->names);
	t.is_percpu = isa_map_is_percpu(m->type);
	t.part = (u32)round_up(m->value_size, 8);
	t.key_size = is_hist(m) ? m->key_size - 8 : m->key_size;
	if (m->show == OBJ_SHOW_LOG2)
		find_slot(&t);
	return print_table(out, &t, e);
}

static int by_name(const void *a, const void *b)
{
	const struct obj_map *const *x = a, *const *y = b;

	return str_cmp((*x)->name, (*y)->name);
}

int rt_print_all_maps(struct sbuf *out, const struct rt_config *c, struct err *e)
{
	const struct obj *o = c->obj;
	const struct obj_map **list = arena_array_of(out->a, const struct obj_map *, o->maps.n + 1);
	u32 n = 0;

	for (u32 i = 0; i < o->maps.n; i++)
		if (o->maps.at[i].show != OBJ_SHOW_NONE)
			list[n++] = &o->maps.at[i];
	qsort(list, n, sizeof(*list), by_name);
	for (u32 i = 0; i < n; i++) {
		int r = rt_print_map(out, c, (u32)(list[i] - o->maps.at), e);

		if (r)
			return r;
	}
	return 0;
}
