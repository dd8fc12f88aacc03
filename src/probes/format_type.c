/* format_type: the record of a tracepoint as a C struct.
 *
 * Fields come in the order of their offsets. C's own rules would put some of them elsewhere, and
 * some are wider than their type (system call arguments: `int dfd` in eight bytes); pads make up
 * the difference, so the struct is packed and exact. The low bytes of a wide field hold the value
 * of its type, since the kernel stored the whole register, so on a little-endian machine the type
 * is taken as it is written. Where BTF does not give a type, an integer of the field's size stands
 * for it.
 */
#include "probes/room.h"

#include <stdlib.h>
#include <string.h>

/* A C type name being read, word by word. */
struct words {
	struct ty_table *t;
	struct ty_btf *btf;
	str rest;
};

static str next_word(str *rest)
{
	str w = str_trim(*rest);
	u32 n = 0;

	if (w.n && w.s[0] == '*')
		n = 1;
	while (n < w.n && w.s[n] != ' ' && w.s[n] != '*' && w.s[0] != '*')
		n++;
	*rest = str_sub(w, n, w.n - n);
	return str_sub(w, 0, n);
}

static const struct type *tagged(struct words *w, enum ty_kind kind, str name)
{
	const struct type *ty = w->btf ? ty_btf_find(w->btf, kind, name) : NULL;

	if (!ty && kind != TY_ENUM)
		ty = ty_tagged_new(w->t, kind, name, (struct span){ 0, 0 });
	return ty;
}

/* Integers by the counts of their words (C11 6.7.2). */
static const struct type *integer(struct ty_table *t, u32 longs, bool is_short, bool is_char,
				  bool is_unsigned, bool is_signed)
{
	if (is_char)
		return ty_basic(t, is_unsigned ? TY_B_UCHAR : is_signed ? TY_B_SCHAR : TY_B_CHAR);
	if (is_short)
		return ty_basic(t, is_unsigned ? TY_B_USHORT : TY_B_SHORT);
	if (longs == 1)
		return ty_basic(t, is_unsigned ? TY_B_ULONG : TY_B_LONG);
	if (longs)
		return ty_basic(t, is_unsigned ? TY_B_ULLONG : TY_B_LLONG);
	return ty_basic(t, is_unsigned ? TY_B_UINT : TY_B_INT);
}

static const struct type *named(struct words *w, str name)
{
	static const struct {
		const char *name;
		enum ty_basic basic;
	} known[] = {
		{ "void", TY_B_VOID },	  { "bool", TY_B_BOOL },  { "_Bool", TY_B_BOOL },
		{ "u8", TY_B_UCHAR },	  { "s8", TY_B_SCHAR },	  { "u16", TY_B_USHORT },
		{ "s16", TY_B_SHORT },	  { "u32", TY_B_UINT },	  { "s32", TY_B_INT },
		{ "u64", TY_B_ULLONG },	  { "s64", TY_B_LLONG },  { "pid_t", TY_B_INT },
		{ "size_t", TY_B_ULONG }, { "dev_t", TY_B_UINT },
	};
	const struct type *ty = NULL;
	u32 i;

	if (w->btf && !str_is(name, "void") && !str_is(name, "bool")) {
		ty = ty_btf_find(w->btf, TY_TYPEDEF, name);
		if (!ty)
			ty = ty_btf_find(w->btf, TY_INT, name);
	}
	for (i = 0; !ty && i < ARRAY_LEN(known); i++)
		if (str_is(name, known[i].name))
			ty = ty_basic(w->t, known[i].basic);
	return ty;
}

/* Everything before the stars; NULL if it is no type that is known. */
static const struct type *base_type(struct words *w)
{
	bool is_unsigned = false, is_signed = false, is_short = false, is_char = false, any = false;
	const struct type *ty = NULL;
	u32 longs = 0, quals = 0;
	str word, before = w->rest;

	for (;; before = w->rest) {
		word = next_word(&w->rest);
		if (!word.n || word.s[0] == '*')
			break;
		if (str_is(word, "const"))
			quals |= TY_CONST;
		else if (str_is(word, "volatile"))
			quals |= TY_VOLATILE;
		else if (str_is(word, "unsigned"))
			any = is_unsigned = true;
		else if (str_is(word, "signed"))
			any = is_signed = true;
		else if (str_is(word, "short"))
			any = is_short = true;
		else if (str_is(word, "char"))
			any = is_char = true;
		else if (str_is(word, "long"))
			any = longs++ < 2;
		else if (str_is(word, "int"))
			any = true;
		else if (ty || any)
			return NULL;
		else if (str_is(word, "struct"))
			ty = tagged(w, TY_STRUCT, next_word(&w->rest));
		else if (str_is(word, "union"))
			ty = tagged(w, TY_UNION, next_word(&w->rest));
		else if (str_is(word, "enum"))
			ty = tagged(w, TY_ENUM, next_word(&w->rest));
		else
			ty = named(w, word);
		if (!ty && !any && !quals)
			return NULL;
	}
	w->rest = before;
	if (any && !ty)
		ty = integer(w->t, longs, is_short, is_char, is_unsigned, is_signed);
	return ty && quals ? ty_qualify(w->t, ty, (u8)quals) : ty;
}

/* The type that `text` spells, or NULL. An unknown type behind a star is void. */
static const struct type *spelt(struct ty_table *t, struct ty_btf *btf, str text)
{
	struct words w = { t, btf, text };
	const struct type *ty;
	int star = str_find(text, '*', 0);
	str word;

	if (star >= 0)
		w.rest = str_sub(text, 0, (u32)star);
	ty = base_type(&w);
	if (star < 0)
		return ty;
	if (!ty)
		ty = ty_basic(t, TY_B_VOID);
	w.rest = str_sub(text, (u32)star, text.n - (u32)star);
	for (;;) {
		word = next_word(&w.rest);
		if (!word.n)
			return ty;
		if (str_is(word, "*"))
			ty = ty_ptr_to(t, ty);
		else if (str_is(word, "const"))
			ty = ty_qualify(t, ty, TY_CONST);
	}
}

static const struct type *bytes_of(struct ty_table *t, u32 size, bool is_signed)
{
	if (size == 1 || size == 2 || size == 4 || size == 8)
		return ty_int_of(t, size, is_signed);
	return ty_array_of(t, ty_basic(t, TY_B_UCHAR), size);
}

/* May a field of this size be declared with this type? */
static bool fits(const struct type *ty, const struct probes_field *f)
{
	if (!ty || ty_is_void(ty) || !ty_complete(ty) || ty->size > f->size)
		return false;
	if (ty->size == f->size)
		return true;
	return ty_is_scalar(ty) && __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
}

static const struct type *field_type(struct ty_table *t, struct ty_btf *btf,
				     const struct probes_field *f)
{
	const struct type *ty;

	if (f->is_data_loc || str_starts(f->type, "__rel_loc "))
		return ty_basic(t, TY_B_UINT);
	ty = spelt(t, btf, f->type);
	if (f->count) {
		if (ty && ty_complete(ty) && ty->size * f->count == f->size)
			return ty_array_of(t, ty, f->count);
		if (f->size % f->count == 0 && f->size / f->count <= 8)
			return ty_array_of(t, bytes_of(t, (u32)(f->size / f->count), f->is_signed),
					   f->count);
		ty = NULL;
	}
	return fits(ty, f) ? ty : bytes_of(t, f->size, f->is_signed);
}

static int by_offset(const void *x, const void *y)
{
	const struct probes_field *a = x, *b = y;

	return a->off < b->off ? -1 : a->off > b->off;
}

typedef vec(struct ty_member) members;

static void add_pad(struct arena *a, struct ty_table *t, members *m, u32 n)
{
	struct ty_member *pad;

	if (!n)
		return;
	pad = vec_push(a, m);
	pad->name = str_printf(a, "__pad%u", m->n - 1);
	pad->type = ty_array_of(t, ty_basic(t, TY_B_CHAR), n);
}

const struct type *probes_format_type(struct ty_table *t, struct ty_btf *btf,
				      const struct probes_format *f, str name)
{
	struct type *agg = ty_tagged_new(t, TY_STRUCT, name, (struct span){ 0, 0 });
	struct arena *a = f->a;
	struct probes_field *sorted;
	members m = { 0 };
	u32 i, at = 8;

	sorted = arena_dup(a, f->fields.at, f->fields.n * sizeof(sorted[0]));
	if (f->fields.n)
		qsort(sorted, f->fields.n, sizeof(sorted[0]), by_offset);
	*vec_push(a, &m) = (struct ty_member){ .name = STR("__do_not_use__"),
					       .type = ty_basic(t, TY_B_ULLONG) };
	for (i = 0; i < f->fields.n; i++) {
		struct probes_field *x = &sorted[i];
		struct ty_member *mem;

		/* Overlaps and empty fields (an array without length at the end) have no place. */
		if (x->off < at || !x->size)
			continue;
		add_pad(a, t, &m, x->off - at);
		mem = vec_push(a, &m);
		mem->type = field_type(t, btf, x);
		mem->name = x->is_data_loc ? str_printf(a, "data_loc_" STR_FMT, STR_ARG(x->name))
					   : x->name;
		at = x->off + (u32)mem->type->size;
	}
	ty_layout(t, agg, m.at, m.n, true, 8);
	return agg;
}
