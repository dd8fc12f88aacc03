/* btf_out: the BTF of a program.
 *
 * Turns types, functions, variables and sections into a BTF blob for the kernel, libbpf and
 * bpftool. Records are kept apart until the end, because a struct gets its id before its members
 * have theirs; ids are given in the order of requests, so the same requests give the same bytes.
 *
 * Each pair of type and need is worked on once (`seen`); derived records are also made unique by
 * their bytes, so that `int *` made twice is one record. Structs and enums are unique by identity.
 * Structs are filled from a queue, never recursively, however long their chain of pointers is.
 *
 * What a place needs of a struct decides how much of it is written:
 *   WHOLE    by value: all members
 *   NAMED    behind __kptr and in prototypes of kernel functions: name and size, because the kernel
 *            and libbpf look these structs up by name and want the kind to be STRUCT
 *   BEHIND   behind other pointers: a forward declaration
 * The program's own structs are always written whole; the distinction is for the kernel's, which
 * would drag in half a kernel. A struct that is needed more later is rewritten under its id.
 *
 * Encodings (kernel documentation, bpf/btf): _Bool has the bool flag, signed types (also plain
 * char, as Clang does it) the signed flag; bit-fields set the kind flag of their struct; enums with
 * a value beyond 32 bits are ENUM64; unnamed bit-fields are left out, as they hold nothing.
 *
 * A struct that BTF cannot express (more than 65535 members, or bit-fields beyond 2 MB) is written
 * without members. EXTERN functions and variables are for libbpf: the kernel refuses them.
 */
#include "types/btf_format.h"
#include "types/node.h"

#include <stdlib.h>

enum need { BEHIND, NAMED, WHOLE, IDENTITY /* not a need: the entry that knows a struct's id */ };

struct seen {
	const struct type *ty;
	u32 id;
	u8 need, level;
};

struct record {
	u32 *w;
	u32 n;
};

struct ty_out {
	struct arena *a;
	vec(struct record) recs; /* of id i at i - 1 */
	struct strmap rec_ids;	 /* from a record's bytes */
	struct sbuf strs;
	struct strmap str_offs;
	struct seen *seen; /* open addressing, cap a power of two */
	u32 n_seen, cap;
	vec(struct pending {
		const struct type *agg;
		u32 id;
	}) queue;
	u32 done; /* of the queue */
};

struct ty_out *ty_out_new(struct arena *a)
{
	struct ty_out *o = arena_new_of(a, struct ty_out);

	o->a = a;
	sbuf_init(&o->strs, a);
	sbuf_putc(&o->strs, 0);
	return o;
}

u32 ty_out_string(struct ty_out *o, str s)
{
	uintptr_t off;

	if (!s.n)
		return 0;
	off = (uintptr_t)strmap_get(&o->str_offs, s);
	if (!off) {
		off = o->strs.n;
		sbuf_put(&o->strs, s);
		sbuf_putc(&o->strs, 0);
		strmap_put(o->a, &o->str_offs, str_dup(o->a, s), (void *)off);
	}
	return (u32)off;
}

/* ---- records -------------------------------------------------------------------------------- */

static u32 info_word(enum btf_kind kind, u32 vlen, bool flag)
{
	return (u32)flag << 31 | (u32)kind << 24 | vlen;
}

/* A record to be filled later. */
static u32 record_new(struct ty_out *o)
{
	vec_push(o->a, &o->recs);
	return o->recs.n;
}

/* Sets the three words that every record starts with and makes room for the rest. */
static u32 *record_set(struct ty_out *o, u32 id, u32 name, u32 info, u32 size)
{
	u32 len = btf_record_len(info) / 4, *w = arena_array_of(o->a, u32, len);

	w[0] = name;
	w[1] = info;
	w[2] = size;
	o->recs.at[id - 1] = (struct record){ w, len };
	return w + 3;
}

/* The id of a record with these words, new or not. */
static u32 record_unique(struct ty_out *o, const u32 *w, u32 n)
{
	str bytes = { (const char *)w, n * 4 };
	uintptr_t id = (uintptr_t)strmap_get(&o->rec_ids, bytes);

	if (!id) {
		u32 *copy = arena_dup(o->a, w, bytes.n);

		id = record_new(o);
		o->recs.at[id - 1] = (struct record){ copy, n };
		bytes.s = (const char *)copy;
		strmap_put(o->a, &o->rec_ids, bytes, (void *)id);
	}
	return (u32)id;
}

static u32 reference(struct ty_out *o, enum btf_kind kind, str name, u32 to)
{
	u32 w[] = { ty_out_string(o, name), info_word(kind, 0, false), to };

	return record_unique(o, w, ARRAY_LEN(w));
}

/* ---- what was seen -------------------------------------------------------------------------- */

static u32 seen_hash(const struct type *ty, u8 need)
{
	u64 h = ((uintptr_t)ty >> 4 | (u64)need << 60) * 0x9e3779b97f4a7c15ull;

	return (u32)(h >> 32);
}

static struct seen *seen_slot(struct seen *at, u32 cap, const struct type *ty, u8 need)
{
	u32 i = seen_hash(ty, need) & (cap - 1);

	while (at[i].ty && (at[i].ty != ty || at[i].need != need))
		i = (i + 1) & (cap - 1);
	return &at[i];
}

/* The entry of a type and need, valid until the next call; its id is 0 at first. */
static struct seen *seen_entry(struct ty_out *o, const struct type *ty, u8 need)
{
	struct seen *s;

	if ((o->n_seen + 1) * 4 > o->cap * 3) {
		u32 cap = o->cap ? o->cap * 2 : 64;
		struct seen *at = arena_array_of(o->a, struct seen, cap);

		for (u32 i = 0; i < o->cap; i++)
			if (o->seen[i].ty)
				*seen_slot(at, cap, o->seen[i].ty, o->seen[i].need) = o->seen[i];
		o->seen = at;
		o->cap = cap;
	}
	s = seen_slot(o->seen, o->cap, ty, need);
	if (!s->ty) {
		*s = (struct seen){ .ty = ty, .need = need };
		o->n_seen++;
	}
	return s;
}

/* ---- types ---------------------------------------------------------------------------------- */

static u32 emit(struct ty_out *o, const struct type *ty, enum need need);

static u32 emit_int(struct ty_out *o, const struct type *ty)
{
	u32 encoding = ty->is_bool ? BTF_INT_BOOL : ty->is_signed ? BTF_INT_SIGNED : 0;
	u32 w[] = { ty_out_string(o, ty->name), info_word(BTF_INT, 0, false), (u32)ty->size,
		    encoding << 24 | (u32)ty->size * 8 };

	return record_unique(o, w, ARRAY_LEN(w));
}

static u32 emit_float(struct ty_out *o, const struct type *ty)
{
	u32 w[] = { ty_out_string(o, ty->name), info_word(BTF_FLOAT, 0, false), (u32)ty->size };

	return record_unique(o, w, ARRAY_LEN(w));
}

static u32 emit_ptr(struct ty_out *o, const struct type *ty, enum need need)
{
	static const char *const tags[] = {
		[TY_SPACE_USER] = "user",
		[TY_SPACE_RCU] = "rcu",
		[TY_SPACE_PERCPU] = "percpu",
		[TY_SPACE_KPTR] = "kptr",
	};
	u32 to = emit(o, ty->to, need == NAMED || ty->space == TY_SPACE_KPTR ? NAMED : BEHIND);

	if (ty->space)
		to = reference(o, BTF_TYPE_TAG, str_of(tags[ty->space]), to);
	return reference(o, BTF_PTR, STR(""), to);
}

static u32 emit_array(struct ty_out *o, const struct type *ty)
{
	u32 index[] = { ty_out_string(o, STR("__ARRAY_SIZE_TYPE__")), info_word(BTF_INT, 0, false),
			4, 32 };
	u32 elem = emit(o, ty->to, WHOLE);
	u32 count = ty->count == TY_UNSIZED  ? 0
		    : ty->count > UINT32_MAX ? UINT32_MAX
					     : (u32)ty->count;
	u32 w[] = { 0,
		    info_word(BTF_ARRAY, 0, false),
		    0,
		    elem,
		    record_unique(o, index, ARRAY_LEN(index)),
		    count };

	return record_unique(o, w, ARRAY_LEN(w));
}

/* `named`: the kernel wants every parameter of a function, as opposed to a type, to have a name. */
static u32 emit_proto(struct ty_out *o, const struct type *ty, enum need need, bool named)
{
	enum need inner = need == NAMED ? NAMED : WHOLE;
	u32 n = ty->n + ty->variadic > BTF_MAX_VLEN ? BTF_MAX_VLEN : ty->n + ty->variadic;
	u32 *w = arena_array_of(o->a, u32, 3 + 2 * (size_t)n);

	w[1] = info_word(BTF_FUNC_PROTO, n, false);
	w[2] = emit(o, ty->to, inner);
	for (u32 i = 0; i < n && i < ty->n; i++) {
		str name = ty->params[i].name;

		if (named && !name.n)
			name = str_printf(o->a, "arg%u", i + 1);
		w[3 + 2 * i] = ty_out_string(o, name);
		w[4 + 2 * i] = emit(o, ty->params[i].type, inner);
	}
	return record_unique(o, w, 3 + 2 * n);
}

static u32 emit_quals(struct ty_out *o, const struct type *ty, enum need need)
{
	u32 id = emit(o, ty->plain, need);

	if (ty->quals & TY_RESTRICT)
		id = reference(o, BTF_RESTRICT, STR(""), id);
	if (ty->quals & TY_VOLATILE)
		id = reference(o, BTF_VOLATILE, STR(""), id);
	if (ty->quals & TY_CONST)
		id = reference(o, BTF_CONST, STR(""), id);
	return id;
}

/* ---- enums ---------------------------------------------------------------------------------- */

static bool fits_32_bits(const struct type *en, s64 value)
{
	return en->is_signed ? value == (s32)value : value == (s64)(u32)value;
}

static u32 emit_enum(struct ty_out *o, const struct type *ty)
{
	struct seen *s = seen_entry(o, ty, IDENTITY);
	bool wide = false;
	u32 n, *w;

	if (s->id)
		return s->id;
	ty_complete(ty);
	n = ty->n > BTF_MAX_VLEN ? BTF_MAX_VLEN : ty->n;
	for (u32 i = 0; i < n; i++)
		wide |= !fits_32_bits(ty, ty->enumerators[i].value);
	s->id = record_new(o);
	w = record_set(o, s->id, ty_out_string(o, ty->name),
		       info_word(wide ? BTF_ENUM64 : BTF_ENUM, n, ty->is_signed),
		       ty->size ? (u32)ty->size : 4);
	for (u32 i = 0; i < n; i++) {
		u64 value = (u64)ty->enumerators[i].value;

		*w++ = ty_out_string(o, ty->enumerators[i].name);
		*w++ = (u32)value;
		if (wide)
			*w++ = (u32)(value >> 32);
	}
	return s->id;
}

/* ---- structs and unions --------------------------------------------------------------------- */

/* How much is written of a struct; later is more. */
enum level { NOTHING, FORWARD, STUB, FULL };

static enum level wanted(const struct type *agg, enum need need)
{
	if (agg->btf && agg->name.n && need != WHOLE) {
		/* Only declared in the kernel's BTF as well. */
		if (!agg->size && !ty_complete(agg))
			return FORWARD;
		return need == NAMED ? STUB : FORWARD;
	}
	if (ty_complete(agg))
		return FULL;
	return agg->name.n ? FORWARD : STUB;
}

static u32 emit_aggregate(struct ty_out *o, const struct type *agg, enum need need)
{
	enum level level = wanted(agg, need);
	struct seen *s = seen_entry(o, agg, IDENTITY);
	u32 name = ty_out_string(o, agg->name), info;

	if (!s->id)
		s->id = record_new(o);
	if (level <= s->level)
		return s->id;
	s->level = level;
	if (level == FORWARD)
		info = info_word(BTF_FWD, 0, agg->kind == TY_UNION);
	else
		info = info_word(agg->kind == TY_UNION ? BTF_UNION : BTF_STRUCT, 0, false);
	record_set(o, s->id, name, info, level == FORWARD ? 0 : (u32)agg->size);
	if (level == FULL)
		*vec_push(o->a, &o->queue) = (struct pending){ agg, s->id };
	return s->id;
}

static bool is_padding(const struct ty_member *m)
{
	return !m->name.n && !ty_is_aggregate(m->type);
}

static void fill(struct ty_out *o, const struct type *agg, u32 id)
{
	u32 n = 0, *w, info;
	bool flag = false, expressible = true;

	for (u32 i = 0; i < agg->n; i++) {
		const struct ty_member *m = &agg->members[i];

		if (is_padding(m))
			continue;
		n++;
		flag |= m->bits != 0;
		expressible &= m->bits < 256;
	}
	for (u32 i = 0; i < agg->n && flag; i++)
		expressible &= agg->members[i].bit_off < 1u << 24;
	if (n > BTF_MAX_VLEN || !expressible)
		return;
	info = info_word(agg->kind == TY_UNION ? BTF_UNION : BTF_STRUCT, n, flag);
	w = record_set(o, id, ty_out_string(o, agg->name), info, (u32)agg->size);
	for (u32 i = 0; i < agg->n; i++) {
		const struct ty_member *m = &agg->members[i];

		if (is_padding(m))
			continue;
		*w++ = ty_out_string(o, m->name);
		*w++ = emit(o, m->type, WHOLE);
		*w++ = flag ? m->bits << 24 | m->bit_off : m->bit_off;
	}
}

static void drain(struct ty_out *o)
{
	while (o->done < o->queue.n) {
		struct pending p = o->queue.at[o->done++];

		fill(o, p.agg, p.id);
	}
}

/* ---- what users call ------------------------------------------------------------------------ */

static u32 emit_new(struct ty_out *o, const struct type *ty, enum need need)
{
	if (ty->quals)
		return emit_quals(o, ty, need);
	switch (ty->kind) {
	case TY_VOID: return 0;
	case TY_INT: return emit_int(o, ty);
	case TY_FLOAT: return emit_float(o, ty);
	case TY_PTR: return emit_ptr(o, ty, need);
	case TY_ARRAY: return emit_array(o, ty);
	case TY_STRUCT:
	case TY_UNION: return emit_aggregate(o, ty, need);
	case TY_ENUM: return emit_enum(o, ty);
	case TY_FUNC: return emit_proto(o, ty, need, false);
	case TY_TYPEDEF: return reference(o, BTF_TYPEDEF, ty->name, emit(o, ty->to, need));
	}
	return 0;
}

static u32 emit(struct ty_out *o, const struct type *ty, enum need need)
{
	u32 id = seen_entry(o, ty, (u8)need)->id;

	/* A struct only declared so far may be complete when it is asked for again. */
	if (!id || ((ty->kind == TY_STRUCT || ty->kind == TY_UNION) && !ty->quals)) {
		id = emit_new(o, ty, need);
		seen_entry(o, ty, (u8)need)->id = id;
	}
	return id;
}

u32 ty_out_type(struct ty_out *o, const struct type *ty)
{
	u32 id = emit(o, ty, WHOLE);

	drain(o);
	return id;
}

u32 ty_out_func(struct ty_out *o, str name, const struct type *proto, enum ty_linkage linkage)
{
	const struct type *fn = ty_strip(proto);
	u32 to, id;

	base_check(arena_trap(o->a), fn->kind == TY_FUNC);
	to = emit_proto(o, fn, linkage == TY_EXTERN ? NAMED : WHOLE, true);
	drain(o);
	id = record_new(o);
	record_set(o, id, ty_out_string(o, name), info_word(BTF_FUNC, linkage, false), to);
	return id;
}

u32 ty_out_var(struct ty_out *o, str name, const struct type *ty, enum ty_linkage linkage)
{
	u32 to = ty_out_type(o, ty), id = record_new(o);

	*record_set(o, id, ty_out_string(o, name), info_word(BTF_VAR, 0, false), to) = linkage;
	return id;
}

static int by_offset(const void *a, const void *b)
{
	const struct ty_out_item *x = a, *y = b;

	if (x->off != y->off)
		return x->off < y->off ? -1 : 1;
	return (x->var > y->var) - (x->var < y->var);
}

u32 ty_out_section(struct ty_out *o, str name, u32 size, const struct ty_out_item *items, u32 n)
{
	struct ty_out_item *sorted = arena_dup(o->a, items, n * sizeof(*items));
	u32 id = record_new(o), *w;

	base_check(arena_trap(o->a), n <= BTF_MAX_VLEN);
	if (n)
		qsort(sorted, n, sizeof(*sorted), by_offset);
	w = record_set(o, id, ty_out_string(o, name), info_word(BTF_DATASEC, n, false), size);
	for (u32 i = 0; i < n; i++) {
		*w++ = sorted[i].var;
		*w++ = sorted[i].off;
		*w++ = sorted[i].size;
	}
	return id;
}

str ty_out_finish(struct ty_out *o)
{
	struct btf_head h = { .magic = BTF_MAGIC, .version = BTF_VERSION, .hdr_len = sizeof(h) };
	u8 *blob, *p;

	drain(o);
	for (u32 i = 0; i < o->recs.n; i++)
		h.type_len += o->recs.at[i].n * 4;
	h.str_off = h.type_len;
	h.str_len = o->strs.n;
	p = blob = arena_alloc(o->a, sizeof(h) + (size_t)h.type_len + h.str_len);
	memcpy(p, &h, sizeof(h));
	p += sizeof(h);
	for (u32 i = 0; i < o->recs.n; i++) {
		memcpy(p, o->recs.at[i].w, o->recs.at[i].n * 4);
		p += o->recs.at[i].n * 4;
	}
	memcpy(p, o->strs.s, h.str_len);
	return (str){ (const char *)blob, (u32)(sizeof(h) + h.type_len + h.str_len) };
}
