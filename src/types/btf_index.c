/* btf_index: from names to records of a BTF blob.
 *
 * Records have no fixed size, so the only way to find them is to walk the type section from its
 * start. That is done once and only as far as somebody asks; of every block of 16 records it notes
 * where it lies and what sorts of names it has. An id is counted from there.
 *
 * A name is first searched without any index: memmem() finds the string, and the walk ends at the
 * first record that has it. Names that programs use stand early in a kernel's BTF. When searches
 * have passed more bytes than an index costs, one is built: a hash set of the names of structs,
 * unions, enums, typedefs and numbers; enumerators and functions have a set each. Functions, three
 * quarters of all names, are first searched as if sorted, which in kernels they nearly are.
 *
 * A set holds offsets in the type section and eight bits of the hash, four bytes a slot; what is
 * found is compared with the blob itself.
 *
 * For the vmlinux BTF of kernel 6.18 (5.5 MB, 126,000 types) on the machine of the first
 * benchmarks: struct task_struct is found in about 0.04 ms, pid_t after it in 0.003 ms, a name that
 * does not exist takes 0.5 ms, the walk to the end 0.9 ms, a function after that 0.01 ms. An index
 * of types costs 1.1 ms and 115 kB, of enumerators 0.6 ms and 110 kB, of functions 2 ms and 340 kB;
 * then a lookup takes 0.002 ms.
 *
 * Invariants: a set is at most two thirds full. Equal names of a kind keep the first definition,
 * which a forward declaration never hides. Probing stops after MAX_PROBES, so that a blob made of
 * colliding names costs names, not time. The walk ends before the first record that is not whole or
 * of unknown kind; what comes after does not exist.
 */
#include "types/btf_in.h"

#include <string.h>

#define MAX_PROBES 512
/* Bytes of the blob passed in searching before an index is worth its cost; about 1 ms. */
#define WALKING_ALLOWED 2000000

/* What a name can stand for; 0: not indexed. FWD means what it declares. */
enum meaning {
	NO_MEANING,
	A_INT,
	A_FLOAT,
	A_STRUCT,
	A_UNION,
	A_ENUM,
	A_TYPEDEF,
	A_FUNC,
	A_ENUMERATOR
};

static const u8 meaning_of_kind[32] = {
	[BTF_INT] = A_INT,     [BTF_FLOAT] = A_FLOAT,	  [BTF_STRUCT] = A_STRUCT,
	[BTF_UNION] = A_UNION, [BTF_ENUM] = A_ENUM,	  [BTF_ENUM64] = A_ENUM,
	[BTF_FWD] = A_STRUCT,  [BTF_TYPEDEF] = A_TYPEDEF, [BTF_FUNC] = A_FUNC,
};

static const u8 meaning_of_type[] = {
	[TY_VOID] = NO_MEANING,	  [TY_PTR] = NO_MEANING, [TY_ARRAY] = NO_MEANING,
	[TY_INT] = A_INT,	  [TY_FLOAT] = A_FLOAT,	 [TY_STRUCT] = A_STRUCT,
	[TY_UNION] = A_UNION,	  [TY_ENUM] = A_ENUM,	 [TY_FUNC] = A_FUNC,
	[TY_TYPEDEF] = A_TYPEDEF,
};

static enum meaning meaning_of(u32 info)
{
	u32 kind = btf_kind_of(info);

	return kind == BTF_FWD && btf_flag(info) ? A_UNION : meaning_of_kind[kind];
}

/* A struct, union or enum that says only its name. */
static bool is_forward(u32 info)
{
	u32 kind = btf_kind_of(info);

	return kind == BTF_FWD || ((kind == BTF_ENUM || kind == BTF_ENUM64) && !btf_vlen(info));
}

/* Offsets are multiples of four; the low bits of a mark say what its block of records has. */
enum { HAS_TYPES = 1, HAS_FUNCS = 2 };

static const u8 sort_of_kind[32] = {
	[BTF_INT] = HAS_TYPES,	 [BTF_FLOAT] = HAS_TYPES,   [BTF_STRUCT] = HAS_TYPES,
	[BTF_UNION] = HAS_TYPES, [BTF_ENUM] = HAS_TYPES,    [BTF_ENUM64] = HAS_TYPES,
	[BTF_FWD] = HAS_TYPES,	 [BTF_TYPEDEF] = HAS_TYPES, [BTF_FUNC] = HAS_FUNCS,
};

static u32 mark_off(const struct ty_btf *b, u32 m)
{
	return b->marks[m] & ~3u;
}

/* ---- strings, and ids of records ---------------------------------------------- */

str ty_btf_string(const struct ty_btf *b, u32 off)
{
	while (off < b->first_str)
		b = b->base;
	off -= b->first_str;
	return off < b->strs_len ? str_of(b->strs + off) : STR("");
}

/* The id of the record at an offset of the type section. */
static u32 id_at(const struct ty_btf *b, u32 off)
{
	u32 lo = 0, hi = b->n_marks, at, id;

	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (mark_off(b, mid) <= off)
			lo = mid;
		else
			hi = mid;
	}
	id = b->first_id + lo * TY_MARK_EVERY;
	for (at = mark_off(b, lo); at < off; id++)
		at += btf_record_len(btf_word(b->types + at, 1));
	return id;
}

/* ---- sets of names -------------------------------------------------------------------------- */

/* A slot: 1 + offset / 4 above eight bits of the hash, so that most of what does not match is
 * passed by without a look at its record. Blobs are smaller than 64 MB. 0 is empty. */
static u32 slot_make(u32 off, u64 hash)
{
	return (off / 4 + 1) << 8 | (u32)(hash & 0xff);
}

static u32 slot_off(u32 slot)
{
	return ((slot >> 8) - 1) * 4;
}

static u64 hash_step(u64 h, u64 w)
{
	h = (h ^ w) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 32;
}

/* The last bytes of a name, fewer than eight, as the low bytes of a word. */
static u64 tail_word(const char *s, size_t n)
{
	u8 bytes[8] = { 0 };
	u64 w;

	for (size_t i = 0; i < n; i++)
		bytes[i] = (u8)s[i];
	memcpy(&w, bytes, 8);
	return w;
}

static u64 hash_name(str name, enum meaning meaning)
{
	u64 h = meaning, w;

	for (; name.n >= 8; name.n -= 8, name.s += 8) {
		memcpy(&w, name.s, 8);
		h = hash_step(h, w);
	}
	return hash_step(h, tail_word(name.s, name.n));
}

/* The bytes of `w` before its first zero byte, which `zero` marks with the lowest (on a big-endian
 * machine: highest) of its bits 7. */
static u64 tail_of(u64 w, u64 zero)
{
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	return w & ((zero & -zero) - 1) >> 7;
#else
	u32 n = 0;

	(void)zero;
	while (w >> (56 - 8 * n) & 0xff)
		n++;
	return n ? w & ~0ull << (64 - 8 * n) : 0;
#endif
}

/* The same for a NUL-terminated string within [s, end), eight bytes at a time; `end` is behind a
 * NUL. This is most of the work of building an index. */
static u64 hash_string(const char *s, const char *end, enum meaning meaning)
{
	u64 h = meaning, w;

	for (; end - s >= 8; s += 8) {
		u64 zero;

		memcpy(&w, s, 8);
		zero = (w - 0x0101010101010101ull) & ~w & 0x8080808080808080ull;
		if (zero)
			return hash_step(h, tail_of(w, zero));
		h = hash_step(h, w);
	}
	return hash_step(h, tail_word(s, strlen(s)));
}

/* An empty set for `n` names, at most two thirds full. */
static void names_init(struct ty_btf *b, struct ty_names *ix, u32 n)
{
	ix->cap = n + n / 2 + 16;
	ix->slots = arena_array_of(b->a, u32, ix->cap);
}

static u32 first_slot(const struct ty_names *ix, u64 hash)
{
	return (u32)((hash >> 32) * ix->cap >> 32);
}

/* The info word of a record. */
static u32 info_at(const struct ty_btf *b, u32 off)
{
	return btf_word(b->types + off, 1);
}

/* Whether `old`, in the set already, has the name and meaning of `off`; a definition replaces a
 * mere declaration. */
static bool names_merge(const struct ty_btf *b, u32 *slot, u32 off, u64 hash, enum meaning meaning)
{
	u32 old = slot_off(*slot);

	if (btf_word(b->types + old, 0) != btf_word(b->types + off, 0))
		return false;
	if (meaning == A_ENUMERATOR)
		return true;
	if (meaning_of(info_at(b, old)) != meaning)
		return false;
	if (is_forward(info_at(b, old)) && !is_forward(info_at(b, off)))
		*slot = slot_make(off, hash);
	return true;
}

/* Adds the record or enumerator at `off`. */
static void names_add(struct ty_btf *b, struct ty_names *ix, u32 off, enum meaning meaning)
{
	u32 name_off = btf_word(b->types + off, 0), at;
	const struct ty_btf *own = b;
	u64 hash;

	while (name_off < own->first_str)
		own = own->base;
	name_off -= own->first_str;
	if (name_off >= own->strs_len || !own->strs[name_off])
		return;
	hash = hash_string(own->strs + name_off, own->strs + own->strs_len, meaning);
	at = first_slot(ix, hash);
	for (u32 i = 0; i < MAX_PROBES; i++) {
		u32 *slot = &ix->slots[at];

		if (!*slot) {
			*slot = slot_make(off, hash);
			return;
		}
		if ((*slot & 0xff) == (hash & 0xff) && names_merge(b, slot, off, hash, meaning))
			return;
		at = at + 1 == ix->cap ? 0 : at + 1;
	}
}

/* 1 + the offset of what has this name, a definition if there is one; 0 if there is nothing. */
static u32 names_get(const struct ty_btf *b, const struct ty_names *ix, str name,
		     enum meaning meaning)
{
	u64 hash = hash_name(name, meaning);
	u32 forward = 0, at;

	at = first_slot(ix, hash);
	for (u32 i = 0; i < MAX_PROBES && ix->slots[at]; i++, at = at + 1 == ix->cap ? 0 : at + 1) {
		u32 off = slot_off(ix->slots[at]);

		if ((ix->slots[at] & 0xff) != (hash & 0xff) ||
		    !str_eq(ty_btf_string(b, btf_word(b->types + off, 0)), name))
			continue;
		if (meaning == A_ENUMERATOR)
			return off + 1;
		if (meaning_of(info_at(b, off)) != meaning)
			continue;
		if (!is_forward(info_at(b, off)))
			return off + 1;
		if (!forward)
			forward = off + 1;
	}
	return forward;
}

typedef bool each_fn(struct ty_btf *b, u32 off, u32 info, u32 id, void *arg);

/* ---- the walk ------------------------------------------------------------------------------- */

/* Walks the next block. Everything is in locals here: this loop is half of a whole walk. */
static void scan_block(struct ty_btf *b)
{
	const u8 *start = b->types + b->n_bytes, *p = start, *end = b->types + b->types_len;
	u32 i, mark = b->n_bytes, n_types = 0, n_funcs = 0;

	for (i = 0; i < TY_MARK_EVERY && end - p >= BTF_RECORD; i++) {
		u32 info = btf_word(p, 1), kind = btf_kind_of(info), len = btf_record_len(info);

		if (!kind || kind >= BTF_N_KINDS || len > (size_t)(end - p))
			break;
		mark |= sort_of_kind[kind];
		n_types += sort_of_kind[kind] == HAS_TYPES;
		n_funcs += sort_of_kind[kind] == HAS_FUNCS;
		if (kind == BTF_ENUM || kind == BTF_ENUM64) {
			*vec_push(b->a, &b->enums) = (u32)(p - b->types);
			b->n_enumerators += btf_vlen(info);
		}
		p += len;
	}
	if (i)
		b->marks[b->n_marks++] = mark;
	b->end_id += i;
	b->n_types += n_types;
	b->n_funcs += n_funcs;
	b->n_bytes += (u32)(p - start);
	b->scanned = i < TY_MARK_EVERY || p == end;
	b->broken = b->scanned && p != end;
}

/* Walks until the block `m` is known; false if the blob ends before. */
static bool scan_to(struct ty_btf *b, u32 m)
{
	if (!b->marks) {
		u32 max = b->types_len / (BTF_RECORD * TY_MARK_EVERY) + 1;

		b->marks = arena_array_of(b->a, u32, max);
		b->pages = arena_array_of(b->a, const struct type **, max);
		b->end_id = b->first_id;
	}
	while (m >= b->n_marks && !b->scanned)
		scan_block(b);
	return m < b->n_marks;
}

void ty_btf_scan(struct ty_btf *b)
{
	scan_to(b, UINT32_MAX);
}

const u8 *ty_btf_record(struct ty_btf *b, u32 id)
{
	const u8 *p;
	u32 nth;

	while (id < b->first_id && b->base)
		b = b->base;
	nth = id - b->first_id;
	if (id < b->first_id || !scan_to(b, nth / TY_MARK_EVERY) || id >= b->end_id)
		return NULL;
	p = b->types + mark_off(b, nth / TY_MARK_EVERY);
	for (nth %= TY_MARK_EVERY; nth; nth--)
		p += btf_record_len(btf_word(p, 1));
	return p;
}

/* Calls `each` for the records of one block. False if it returned false. The names, which lie far
 * away, are sent for before they are needed. */
static bool each_in_block(struct ty_btf *b, u32 m, each_fn *each, void *arg)
{
	u32 id = b->first_id + m * TY_MARK_EVERY, off = mark_off(b, m), offs[TY_MARK_EVERY], n;

	for (n = 0; n < TY_MARK_EVERY && id + n < b->end_id; n++) {
		offs[n] = off;
		__builtin_prefetch((void *)((uintptr_t)b->strs + btf_word(b->types + off, 0)));
		off += btf_record_len(info_at(b, off));
	}
	for (u32 i = 0; i < n; i++)
		if (!each(b, offs[i], info_at(b, offs[i]), id + i, arg))
			return false;
	return true;
}

/* Calls `each` for the records of every block that has names of this sort, until it returns false.
 */
static void each_record(struct ty_btf *b, u32 sort, each_fn *each, void *arg)
{
	for (u32 m = 0; m < b->n_marks; m++)
		if (b->marks[m] & sort && !each_in_block(b, m, each, arg))
			return;
}

/* ---- the sets of one blob ------------------------------------------------------------------- */

static bool add_type(struct ty_btf *b, u32 off, u32 info, u32 id, void *arg)
{
	enum meaning meaning = meaning_of(info);

	(void)id;
	if (meaning && meaning != A_FUNC)
		names_add(b, arg, off, meaning);
	return true;
}

static bool add_func(struct ty_btf *b, u32 off, u32 info, u32 id, void *arg)
{
	(void)id;
	if (btf_kind_of(info) == BTF_FUNC)
		names_add(b, arg, off, A_FUNC);
	return true;
}

/* Finds `name` among the strings. *out_off is where it stands whole, or 0. False if it is not even
 * the end of another string, so that nothing in the blob can have this name. */
static bool find_string(struct ty_btf *b, str name, u32 *out_off)
{
	struct arena_mark mark = arena_mark(b->a);
	const char *z = str_z(b->a, name), *at = b->strs, *end = at + b->strs_len;
	bool has = false;

	*out_off = 0;
	while (!*out_off && (at = memmem(at, (size_t)(end - at), z, name.n + 1)) != NULL) {
		has = true;
		if (at > b->strs && !at[-1])
			*out_off = (u32)(at - b->strs);
		at++;
	}
	b->passed += (at ? (u64)(at - b->strs) : b->strs_len) / 2;
	arena_release(b->a, mark);
	return has || (b->base && find_string(b->base, name, &(u32){ 0 }));
}

/* What a search without an index looks for, and what it found (1 + an offset). */
struct wanted {
	u32 name_off, found;
	enum meaning meaning;
};

static bool is_wanted(struct ty_btf *b, u32 off, u32 info, u32 id, void *arg)
{
	u32 kind = btf_kind_of(info), n = 1, each = 0;
	struct wanted *w = arg;

	(void)id;
	if (w->meaning == A_ENUMERATOR) {
		if (meaning_of(info) != A_ENUM)
			return true;
		n = btf_vlen(info);
		each = btf_shapes[kind].each;
		off += BTF_RECORD;
	} else if (meaning_of(info) != w->meaning || is_forward(info)) {
		return true;
	}
	for (; n && !w->found; n--, off += each)
		if (btf_word(b->types + off, 0) == w->name_off)
			w->found = off + 1;
	return !w->found;
}

/* Searches without an index: finds the string, then the record that has it, walking no farther than
 * needed. What it finds is right. It may find less than is there, because strings may be shared or
 * be the base's; false if there is certainly nothing. What it passes is added up in b->passed. */
static bool find_by_walking(struct ty_btf *b, str name, enum meaning meaning, u32 *out_found)
{
	struct wanted w = { .meaning = meaning };

	if (!find_string(b, name, &w.name_off))
		return false;
	if (w.name_off) {
		w.name_off += b->first_str;
		for (u32 m = 0; !w.found && scan_to(b, m); m++) {
			b->passed += TY_MARK_EVERY * BTF_RECORD * 2;
			if (b->marks[m] & HAS_TYPES)
				each_in_block(b, m, is_wanted, &w);
		}
	}
	*out_found = w.found;
	return true;
}

static void index_enumerators(struct ty_btf *b)
{
	names_init(b, &b->enumerators_ix, b->n_enumerators);
	for (u32 i = 0; i < b->enums.n; i++) {
		u32 off = b->enums.at[i], info = info_at(b, off);

		off += BTF_RECORD;
		for (u32 n = btf_vlen(info); n; n--, off += btf_shapes[btf_kind_of(info)].each)
			names_add(b, &b->enumerators_ix, off, A_ENUMERATOR);
	}
}

static void index_types(struct ty_btf *b)
{
	names_init(b, &b->types_ix, b->n_types);
	each_record(b, HAS_TYPES, add_type, &b->types_ix);
}

/* A type or an enumerator. */
static u32 find_name(struct ty_btf *b, str name, enum meaning meaning)
{
	struct ty_names *ix = meaning == A_ENUMERATOR ? &b->enumerators_ix : &b->types_ix;
	u32 found = 0;

	if (ix->cap)
		return names_get(b, ix, name, meaning);
	if (b->passed < WALKING_ALLOWED && (!find_by_walking(b, name, meaning, &found) || found))
		return found;
	ty_btf_scan(b);
	if (meaning == A_ENUMERATOR)
		index_enumerators(b);
	else
		index_types(b);
	return names_get(b, ix, name, meaning);
}

static str func_name(const struct ty_btf *b, u32 off)
{
	return ty_btf_string(b, btf_word(b->types + off, 0));
}

/* The first function at or after the mark `m`, as 1 + its offset; 0 if the blob ends before. */
static u32 func_from_mark(const struct ty_btf *b, u32 m)
{
	u32 off;

	while (m < b->n_marks && !(b->marks[m] & HAS_FUNCS))
		m++;
	if (m == b->n_marks)
		return 0;
	off = mark_off(b, m);
	for (u32 id = b->first_id + m * TY_MARK_EVERY; id < b->end_id; id++) {
		if (btf_kind_of(info_at(b, off)) == BTF_FUNC)
			return off + 1;
		off += btf_record_len(info_at(b, off));
	}
	return 0;
}

/* Looks for a function as if they were sorted by name; what is found is right in any case. Kernels'
 * functions mostly are, because pahole takes them from a sorted table. */
static u32 find_func_in_order(const struct ty_btf *b, str name)
{
	u32 lo = 0, hi = b->n_marks, off;

	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2, func = func_from_mark(b, mid);

		if (func && str_cmp(func_name(b, func - 1), name) <= 0)
			lo = mid;
		else
			hi = mid;
	}
	off = mark_off(b, lo);
	for (u32 i = 0; i < TY_MARK_EVERY; i++) {
		if (lo * TY_MARK_EVERY + i >= b->end_id - b->first_id)
			break;
		if (btf_kind_of(info_at(b, off)) == BTF_FUNC && str_eq(func_name(b, off), name))
			return off + 1;
		off += btf_record_len(info_at(b, off));
	}
	return 0;
}

static u32 find_func(struct ty_btf *b, str name)
{
	u32 found, off;

	ty_btf_scan(b);
	if (!b->n_funcs)
		return 0;
	if (!b->funcs_ix.cap) {
		found = find_func_in_order(b, name);
		if (found || !find_string(b, name, &off))
			return found;
		names_init(b, &b->funcs_ix, b->n_funcs);
		each_record(b, HAS_FUNCS, add_func, &b->funcs_ix);
	}
	return names_get(b, &b->funcs_ix, name, A_FUNC);
}

u32 ty_btf_lookup(struct ty_btf *b, enum ty_kind kind, str name)
{
	enum meaning meaning = meaning_of_type[kind];
	u32 found;

	if (!meaning || !name.n)
		return 0;
	found = meaning == A_FUNC ? find_func(b, name) : find_name(b, name, meaning);
	return found ? id_at(b, found - 1) : 0;
}

/* ---- what users see ------------------------------------------------------------------------- */

const struct type *ty_btf_find(struct ty_btf *b, enum ty_kind kind, str name)
{
	u32 id = ty_btf_lookup(b, kind, name);

	if (!id && b->base)
		return ty_btf_find(b->base, kind, name);
	return id ? ty_btf_by_id(b, id) : NULL;
}

/* The enum that the enumerator at `off` belongs to: the last that starts before it. */
static u32 enum_around(const struct ty_btf *b, u32 off)
{
	u32 lo = 0, hi = b->enums.n;

	while (hi - lo > 1) {
		u32 mid = lo + (hi - lo) / 2;

		if (b->enums.at[mid] < off)
			lo = mid;
		else
			hi = mid;
	}
	return b->enums.at[lo];
}

bool ty_btf_enumerator(struct ty_btf *b, str name, s64 *out_value, const struct type **out_enum)
{
	u32 found, en, info, low;

	if (!name.n)
		return false;
	found = find_name(b, name, A_ENUMERATOR);
	if (!found)
		return b->base && ty_btf_enumerator(b->base, name, out_value, out_enum);
	en = enum_around(b, found - 1);
	info = info_at(b, en);
	low = btf_word(b->types + found - 1, 1);
	if (btf_kind_of(info) == BTF_ENUM64)
		*out_value = (s64)((u64)btf_word(b->types + found - 1, 2) << 32 | low);
	else
		*out_value = btf_flag(info) ? (s64)(s32)low : (s64)low;
	if (out_enum)
		*out_enum = ty_btf_by_id(b, id_at(b, en));
	return true;
}

struct each_name {
	enum meaning meaning;
	bool (*each)(void *arg, str name, u32 id);
	void *arg;
};

static bool name_of_class(struct ty_btf *b, u32 off, u32 info, u32 id, void *arg)
{
	const struct each_name *e = arg;
	str name;

	if (meaning_of(info) != e->meaning || is_forward(info))
		return true;
	name = ty_btf_string(b, btf_word(b->types + off, 0));
	return !name.n || e->each(e->arg, name, id);
}

void ty_btf_each(struct ty_btf *b, enum ty_kind kind, bool (*each)(void *arg, str name, u32 id),
		 void *arg)
{
	struct each_name e = { .meaning = meaning_of_type[kind], .each = each, .arg = arg };

	if (!e.meaning)
		return;
	ty_btf_scan(b);
	each_record(b, e.meaning == A_FUNC ? HAS_FUNCS : HAS_TYPES, name_of_class, &e);
}

static bool offer(void *arg, str name, u32 id)
{
	(void)id;
	nearest_offer(arg, name);
	return true;
}

void ty_btf_offer(struct ty_btf *b, enum ty_kind kind, struct nearest *n)
{
	ty_btf_each(b, kind, offer, n);
}
