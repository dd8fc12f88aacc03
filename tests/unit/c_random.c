/* Random C for tests, which include this file: defined behaviour only (given wrapping arithmetic and no
 * strict aliasing), always terminating, in bounds, the same for a seed.
 *
 * A program is types, tables, globals, helper functions, and one function that reads `in` (four longs)
 * and returns half of a hash of all its variables. Every name ends in the seed, so that many programs fit
 * into one file. Expressions have no side effects; statements have one, or several in sequence. Indices
 * are masked, divisors are small and positive, shift counts are masked by the width of what is shifted.
 */
#ifndef SKEP_TEST_C_RANDOM
#define SKEP_TEST_C_RANDOM

#include "base/base.h"

enum { C_INPUTS = 4, C_VARS = 64, C_RECORDS = 4, C_FIELDS = 6, C_HELPERS = 4, C_DEEP = 4 };

enum c_scalar { C_CHAR, C_UCHAR, C_SHORT, C_USHORT, C_INT, C_UINT, C_LONG, C_ULONG, C_LLONG, C_BOOL, C_ENUM,
		C_SCALARS };

struct c_field { u32 scalar, bits, count, record; }; /* count: of an array; record: nested, plus 1 */
struct c_record { struct c_field f[C_FIELDS]; u32 n; bool is_union, has_padding; };
enum c_kind { C_IS_SCALAR, C_IS_ARRAY, C_IS_GRID, C_IS_RECORD, C_IS_RECORDS, C_IS_POINTER, C_IS_RECORD_POINTER };
struct c_var {
	char name[16];
	enum c_kind kind;
	u32 scalar, count, record;
	bool is_const, is_global, has_address;
};
struct c_helper { u32 n, ret; u32 scalar[5]; u32 record[5]; bool takes_pointer; };
struct random_c {
	u64 state, seed;
	struct sbuf *b;
	struct c_var v[C_VARS];
	u32 n, names, depth, loops, budget, tabs;
	struct c_record records[C_RECORDS];
	u32 n_records;
	struct c_helper helpers[C_HELPERS];
	u32 n_helpers;
	bool has_in, in_loop, no_calls;
};

static inline u32 c_below(struct random_c *r, u32 n)
{
	r->state ^= r->state << 13;
	r->state ^= r->state >> 7;
	r->state ^= r->state << 17;
	return (u32)(r->state * 0x2545f4914f6cdd1dull >> 33) % n;
}

static inline const char *c_name(struct random_c *r, u32 scalar)
{
	static const char *const names[C_SCALARS][2] = {
		{ "char", "signed char" }, { "unsigned char", "c_u8" }, { "short", "short int" },
		{ "unsigned short", "c_u16" }, { "int", "c_s32" }, { "unsigned int", "unsigned" },
		{ "long", "long int" }, { "unsigned long", "c_u64" }, { "long long", "c_s64" },
		{ "_Bool", "_Bool" }, { "enum c_enum", "c_enum_t" },
	};

	return names[scalar][c_below(r, 2)];
}

static inline void c_line(struct random_c *r)
{
	sbuf_putc(r->b, '\n');
	sbuf_pad(r->b, '\t', r->tabs);
}

/* ---- expressions ---- */

static void c_expr(struct random_c *r, u32 deep);

static inline void c_literal(struct random_c *r)
{
	static const char *const some[] = {
		"0", "1", "-1", "2", "3", "7", "8", "16", "31", "63", "100", "127", "128", "-128", "255", "256",
		"-129", "32767", "32768", "-32768", "65535", "65536", "2147483647", "(-2147483647 - 1)",
		"2147483648", "4294967295", "4294967295u", "4294967296", "0xffffffff", "0x80000000", "0u", "1u",
		"5u", "1l", "-1l", "3ul", "0x7fffffffffffffffl", "(-0x7fffffffffffffffl - 1)",
		"0xfffffffffffffffful", "0x8000000000000000", "'a'", "'\\xff'", "'\\n'", "0x123456789abcdefll",
		"C_ONE", "C_BIG", "C_NEXT", "017", "0b1011", "sizeof(int)", "sizeof(c_u64[3])",
		"0xdeadbeefu", "-7", "1000000007",
	};

	sbuf_puts(r->b, some[c_below(r, ARRAY_LEN(some))]);
}

static inline void c_index(struct random_c *r, u32 count, u32 deep)
{
	if (!deep || c_below(r, 3) == 0) {
		sbuf_printf(r->b, "%u", c_below(r, count));
		return;
	}
	sbuf_puts(r->b, "(");
	c_expr(r, deep - 1);
	sbuf_printf(r->b, ") & %u", count - 1);
}

/* A member of a record that is a scalar; returns it, with what follows the record's name written. */
static inline u32 c_member(struct random_c *r, const struct c_record *rec, const char *link, u32 deep,
			   bool constant, u32 *out_bits)
{
	u32 i = c_below(r, rec->n);
	const struct c_field *f = &rec->f[i];

	sbuf_printf(r->b, "%sm%u", link, i);
	*out_bits = f->bits;
	if (f->record)
		return c_member(r, &r->records[f->record - 1], ".", deep, constant, out_bits);
	if (f->count) {
		sbuf_puts(r->b, "[");
		c_index(r, f->count, constant ? 0 : deep);
		sbuf_puts(r->b, "]");
	}
	return f->scalar;
}

/* Writes the scalar inside variable `v`; returns its type. */
static inline u32 c_place(struct random_c *r, const struct c_var *v, u32 deep, bool constant, u32 *out_bits)
{
	u32 k = constant ? 0 : deep;

	*out_bits = 0;
	if (v->kind == C_IS_POINTER && c_below(r, 2)) {
		if (v->count <= 1) {
			sbuf_printf(r->b, "(*%s)", v->name);
			return v->scalar;
		}
		sbuf_printf(r->b, "(*(%s + (", v->name);
		c_index(r, v->count, k);
		sbuf_puts(r->b, ")))");
		return v->scalar;
	}
	sbuf_puts(r->b, v->name);
	if (v->kind == C_IS_RECORD || v->kind == C_IS_RECORD_POINTER)
		return c_member(r, &r->records[v->record], v->kind == C_IS_RECORD ? "." : "->", deep, constant,
				out_bits);
	if (v->kind == C_IS_SCALAR)
		return v->scalar;
	sbuf_puts(r->b, "[");
	c_index(r, v->count ? v->count : 1, v->count ? k : 0);
	sbuf_puts(r->b, "]");
	if (v->kind == C_IS_GRID) {
		sbuf_puts(r->b, "[");
		c_index(r, 4, k);
		sbuf_puts(r->b, "]");
	}
	if (v->kind == C_IS_RECORDS)
		return c_member(r, &r->records[v->record], ".", deep, constant, out_bits);
	return v->scalar;
}

static inline void c_leaf(struct random_c *r, u32 deep)
{
	u32 which = c_below(r, 8), bits, at;

	if (which == 0 || (!r->n && !r->has_in)) {
		c_literal(r);
	} else if ((which == 1 || !r->n) && r->has_in) {
		sbuf_printf(r->b, "in[%u]", c_below(r, C_INPUTS));
	} else {
		struct sbuf *b = r->b;
		u32 scalar;

		/* A wide bit-field has a type of its own with some compilers. */
		sbuf_puts(b, "(");
		at = b->n;
		sbuf_puts(b, "              (");
		scalar = c_place(r, &r->v[c_below(r, r->n)], deep, false, &bits);
		sbuf_puts(b, "))");
		if (bits)
			memcpy(b->s + at, scalar & 1 ? "(c_u64)" : "(c_s64)", 7);
	}
}

static inline void c_divide(struct random_c *r, u32 deep)
{
	static const char *const some[] = { "3", "7", "-5", "10u", "16", "-2", "1000l", "255ul", "3u", "-9l",
					    "1", "0x80000000u", "0xfffffffffful" };

	sbuf_puts(r->b, "((");
	c_expr(r, deep - 1);
	sbuf_puts(r->b, c_below(r, 2) ? ") / " : ") % ");
	switch (c_below(r, 4)) {
	case 0:
		sbuf_puts(r->b, some[c_below(r, ARRAY_LEN(some))]);
		break;
	case 1:
		sbuf_puts(r->b, "((c_u64)(");
		c_expr(r, deep - 1);
		sbuf_puts(r->b, ") | 1)");
		break;
	case 2:
		sbuf_puts(r->b, "((unsigned)(");
		c_expr(r, deep - 1);
		sbuf_puts(r->b, ") | 1)");
		break;
	default:
		sbuf_puts(r->b, c_below(r, 2) ? "(-2 - ((int)(" : "(1 + ((int)(");
		c_expr(r, deep - 1);
		sbuf_puts(r->b, ") & 0x3f))");
		break;
	}
	sbuf_puts(r->b, ")");
}

static inline void c_shift(struct random_c *r, u32 deep)
{
	u32 scalar = c_below(r, C_LLONG + 1);

	sbuf_printf(r->b, "((%s)(", c_name(r, scalar));
	c_expr(r, deep - 1);
	sbuf_puts(r->b, c_below(r, 2) ? ") << " : ") >> ");
	if (c_below(r, 2)) {
		sbuf_printf(r->b, "%u)", c_below(r, scalar >= C_LONG ? 64 : 32));
		return;
	}
	sbuf_puts(r->b, "((");
	c_expr(r, deep - 1);
	sbuf_puts(r->b, scalar >= C_LONG ? ") & 63))" : ") & 31))");
}

static inline void c_binary(struct random_c *r, u32 deep)
{
	static const char *const ops[] = { "+", "-", "*", "&", "|", "^", "<", ">", "<=", ">=", "==", "!=",
					   "&&", "||", ",", "+", "-", "&", "^", "<", ">" };

	sbuf_puts(r->b, "((");
	c_expr(r, deep - 1);
	sbuf_printf(r->b, ") %s (", ops[c_below(r, ARRAY_LEN(ops))]);
	c_expr(r, deep - 1);
	sbuf_puts(r->b, "))");
}

static inline void c_choice(struct random_c *r, u32 deep)
{
	sbuf_puts(r->b, "((");
	c_expr(r, deep - 1);
	if (c_below(r, 5) == 0) {
		sbuf_puts(r->b, ") ?: (");
	} else {
		sbuf_puts(r->b, ") ? (");
		c_expr(r, deep - 1);
		sbuf_puts(r->b, ") : (");
	}
	c_expr(r, deep - 1);
	sbuf_puts(r->b, "))");
}

static inline void c_block_expr(struct random_c *r, u32 deep)
{
	static const char *const ops[] = { "+=", "-=", "*=", "^=", "|=", "&=" };
	u32 name = r->names++;

	sbuf_printf(r->b, "({ %s t%u = ", c_name(r, c_below(r, C_SCALARS)), name);
	c_expr(r, deep - 1);
	sbuf_printf(r->b, "; t%u %s ", name, ops[c_below(r, ARRAY_LEN(ops))]);
	c_expr(r, deep - 1);
	sbuf_printf(r->b, "; %st%u; })", c_below(r, 3) ? "" : "++", name);
}

static inline void c_builtin(struct random_c *r, u32 deep)
{
	static const char *const some[] = { "__builtin_bswap16(", "__builtin_bswap32(", "__builtin_bswap64(",
					    "!!(", "__builtin_expect(0 + ", "__builtin_popcountll(",
					    "__builtin_clzll(1 | (c_u64)", "__builtin_ctzll(1ul << 41 | (c_u64)",
					    "__builtin_ffs(", "__builtin_parityl(", "__builtin_clrsb(",
					    "__builtin_clz(1 | (unsigned)", "(c_u64)((unsigned __int128)0xfedcba9876543210ul * (c_u64)" };
	static const char *const overflows[] = { "add", "sub", "mul" };
	u32 k = c_below(r, ARRAY_LEN(some)), name;

	sbuf_puts(r->b, some[k]);
	sbuf_puts(r->b, "(");
	c_expr(r, deep - 1);
	sbuf_puts(r->b, k == 4 ? "), 1)" : k == ARRAY_LEN(some) - 1 ? ") >> 64)" : "))");
	if (c_below(r, 4))
		return;
	name = r->names++;
	sbuf_printf(r->b, " + ({ %s o%u; ", c_name(r, c_below(r, C_BOOL)), name);
	sbuf_printf(r->b, "__builtin_%s_overflow(", overflows[c_below(r, 3)]);
	c_expr(r, deep - 1);
	sbuf_puts(r->b, ", ");
	c_expr(r, deep - 1);
	sbuf_printf(r->b, ", &o%u) * 3 + o%u; })", name, name);
}

/* A call of a helper, which has no side effects but through a pointer. */
static inline bool c_call(struct random_c *r, u32 deep, const char *pointer)
{
	u32 k = c_below(r, r->n_helpers ? r->n_helpers : 1);
	const struct c_helper *h = &r->helpers[k];

	if (!r->n_helpers || r->no_calls || h->takes_pointer != (pointer != NULL))
		return false;
	sbuf_printf(r->b, "h%u_%llu(", k, (unsigned long long)r->seed);
	if (pointer)
		sbuf_printf(r->b, "%s, ", pointer);
	for (u32 i = 0; i < h->n; i++) {
		sbuf_puts(r->b, i ? ", " : "");
		if (h->record[i])
			sbuf_printf(r->b, "g%u_%llu", h->record[i] - 1, (unsigned long long)r->seed);
		else
			c_expr(r, deep - 1);
	}
	sbuf_puts(r->b, ")");
	return true;
}

static void c_expr(struct random_c *r, u32 deep)
{
	static const char *const unary[] = { "-", "~", "!", "+" };

	if (!deep || c_below(r, 6) == 0) {
		c_leaf(r, deep);
		return;
	}
	switch (c_below(r, 14)) {
	case 0:
		sbuf_puts(r->b, unary[c_below(r, 4)]);
		sbuf_puts(r->b, "(");
		c_expr(r, deep - 1);
		sbuf_puts(r->b, ")");
		break;
	case 1:
	case 2:
		sbuf_printf(r->b, "(%s)(", c_name(r, c_below(r, C_SCALARS)));
		c_expr(r, deep - 1);
		sbuf_puts(r->b, ")");
		break;
	case 3:
		c_divide(r, deep);
		break;
	case 4:
	case 5:
		c_shift(r, deep);
		break;
	case 6:
		c_choice(r, deep);
		break;
	case 7:
		c_block_expr(r, deep);
		break;
	case 8:
		if (c_below(r, 2) || !c_call(r, deep > 2 ? 2 : deep, NULL))
			c_builtin(r, deep);
		break;
	default:
		c_binary(r, deep);
		break;
	}
}

/* ---- statements ---- */

static void c_statements(struct random_c *r, u32 n);

static inline struct c_var *c_var(struct random_c *r, enum c_kind kind, u32 scalar, u32 count)
{
	struct c_var *v = &r->v[r->n++];

	*v = (struct c_var){ .kind = kind, .scalar = scalar, .count = count };
	snprintf(v->name, sizeof(v->name), "v%u", r->names++);
	return v;
}

static inline const struct c_var *c_writable(struct random_c *r)
{
	for (u32 i = 0; i < 20 && r->n; i++) {
		const struct c_var *v = &r->v[c_below(r, r->n)];

		if (!v->is_const)
			return v;
	}
	return NULL;
}

static inline void c_assign(struct random_c *r)
{
	static const char *const ops[] = { "=", "=", "=", "+=", "-=", "*=", "&=", "|=", "^=" };
	const struct c_var *v = c_writable(r);
	u32 bits, scalar, at;

	if (!v)
		return;
	c_line(r);
	scalar = c_place(r, v, 2, false, &bits);
	switch (c_below(r, 12)) {
	case 0:
		sbuf_puts(r->b, c_below(r, 2) ? "++" : "--");
		break;
	case 1:
		at = scalar >= C_LONG && scalar <= C_LLONG && !bits ? 63 : scalar == C_BOOL ? 7 : 31;
		if (bits)
			at = 31;
		sbuf_printf(r->b, " %s (", c_below(r, 2) ? "<<=" : ">>=");
		c_expr(r, 1);
		sbuf_printf(r->b, ") & %u", at);
		break;
	case 2:
		sbuf_printf(r->b, " %s ((", c_below(r, 2) ? "/=" : "%=");
		c_expr(r, 2);
		sbuf_puts(r->b, ") & 31) + 1");
		break;
	default:
		sbuf_printf(r->b, " %s ", ops[c_below(r, ARRAY_LEN(ops))]);
		c_expr(r, C_DEEP);
	}
	sbuf_puts(r->b, ";");
}

/* int t = place++; */
static inline void c_step(struct random_c *r)
{
	const struct c_var *v = c_writable(r);
	u32 k = c_below(r, 4), bits;
	struct c_var *t;

	if (!v || r->n + 1 >= C_VARS)
		return;
	c_line(r);
	t = c_var(r, C_IS_SCALAR, c_below(r, C_BOOL), 0);
	r->n--;
	sbuf_printf(r->b, "%s %s = ", c_name(r, t->scalar), t->name);
	sbuf_puts(r->b, k == 0 ? "++" : k == 1 ? "--" : "(");
	c_place(r, v, 1, false, &bits);
	sbuf_puts(r->b, k == 2 ? ")++;" : k == 3 ? ")--;" : ";");
	r->n++;
}

/* Fields of the initialiser of a record; designated or in order. */
static inline void c_record_values(struct random_c *r, const struct c_record *rec, u32 deep)
{
	bool named = rec->is_union || c_below(r, 2);
	u32 n = rec->is_union ? 1 : 1 + c_below(r, rec->n);

	sbuf_puts(r->b, "{ ");
	for (u32 i = 0; i < n; i++) {
		const struct c_field *f = &rec->f[i];

		if (named && c_below(r, 3) == 0 && n > 1)
			continue;
		if (named)
			sbuf_printf(r->b, ".m%u = ", i);
		if (f->record) {
			c_record_values(r, &r->records[f->record - 1], deep);
		} else if (f->count) {
			sbuf_puts(r->b, "{ ");
			c_expr(r, deep);
			sbuf_printf(r->b, ", [%u] = ", f->count - 1);
			c_expr(r, deep);
			sbuf_puts(r->b, " }");
		} else {
			c_expr(r, deep);
		}
		sbuf_puts(r->b, ", ");
	}
	sbuf_puts(r->b, "}");
}

/* A pointer to a variable, or into an array, that was declared before. */
static inline bool c_declare_pointer(struct random_c *r)
{
	const struct c_var *to = NULL;
	struct c_var *p;
	bool record;

	for (u32 i = 0; i < 8 && r->n && !to; i++) {
		to = &r->v[c_below(r, r->n)];
		if (to->is_const || to->kind == C_IS_POINTER || to->kind == C_IS_RECORD_POINTER)
			to = NULL;
	}
	if (!to)
		return false;
	record = to->kind == C_IS_RECORD || to->kind == C_IS_RECORDS;
	p = c_var(r, record ? C_IS_RECORD_POINTER : C_IS_POINTER, to->scalar, 0);
	p->record = to->record;
	c_line(r);
	if (record)
		sbuf_printf(r->b, "struct r%u_%llu *%s = &%s", to->record, (unsigned long long)r->seed, p->name,
			    to->name);
	else
		sbuf_printf(r->b, "%s *%s = &%s", c_name(r, to->scalar), p->name, to->name);
	if (to->kind == C_IS_RECORDS) {
		sbuf_printf(r->b, "[%u]", c_below(r, to->count));
	} else if (to->kind == C_IS_ARRAY) {
		if (c_below(r, 2)) {
			p->count = to->count;
			sbuf_puts(r->b, "[0]");
		} else {
			p->count = to->count / 2;
			sbuf_printf(r->b, "[0] + %u", to->count / 2);
		}
	} else if (to->kind == C_IS_GRID) {
		sbuf_printf(r->b, "[%u][0]", c_below(r, to->count));
		p->count = 4;
	}
	sbuf_puts(r->b, ";");
	return true;
}

static inline void c_declare(struct random_c *r)
{
	u32 k = c_below(r, 10), scalar = c_below(r, C_SCALARS), n;
	struct c_var v = { 0 };

	if (r->n + 2 >= C_VARS)
		return;
	if (k >= 8 && c_declare_pointer(r))
		return;
	c_line(r);
	snprintf(v.name, sizeof(v.name), "v%u", r->names++);
	v.scalar = scalar;
	if (k < 4) {
		sbuf_printf(r->b, "%s %s = ", c_name(r, scalar), v.name);
		c_expr(r, C_DEEP);
	} else if (k < 5) {
		v.kind = C_IS_ARRAY;
		v.count = 2u << c_below(r, 3);
		sbuf_printf(r->b, "%s %s[%u] = { ", c_name(r, scalar), v.name, v.count);
		n = 1 + c_below(r, v.count);
		for (u32 i = 0; i < n; i++) {
			c_expr(r, 1);
			sbuf_puts(r->b, ", ");
		}
		sbuf_puts(r->b, "}");
	} else if (k < 6) {
		v.kind = C_IS_GRID;
		v.scalar = c_below(r, C_LONG);
		v.count = 2;
		sbuf_printf(r->b, "%s %s[2][4] = { { 1, ", c_name(r, v.scalar), v.name);
		c_expr(r, 1);
		sbuf_printf(r->b, " }, [1] = { [%u] = ", c_below(r, 4));
		c_expr(r, 2);
		sbuf_puts(r->b, " } }");
	} else if (r->n_records) {
		v.kind = C_IS_RECORD;
		v.record = c_below(r, r->n_records);
		sbuf_printf(r->b, "struct r%u_%llu %s = ", v.record, (unsigned long long)r->seed, v.name);
		if (c_below(r, 3) == 0)
			sbuf_printf(r->b, "(struct r%u_%llu)", v.record, (unsigned long long)r->seed);
		c_record_values(r, &r->records[v.record], 2);
	} else {
		sbuf_printf(r->b, "%s %s = 9", c_name(r, scalar), v.name);
	}
	sbuf_puts(r->b, ";");
	r->v[r->n++] = v;
}

static inline void c_body(struct random_c *r, u32 n)
{
	u32 vars = r->n;

	sbuf_puts(r->b, " {");
	r->tabs++;
	r->depth++;
	c_statements(r, n);
	r->depth--;
	r->tabs--;
	r->n = vars;
	c_line(r);
	sbuf_puts(r->b, "}");
}

static inline void c_if(struct random_c *r)
{
	c_line(r);
	sbuf_puts(r->b, "if (");
	c_expr(r, 3);
	sbuf_puts(r->b, ")");
	c_body(r, 2);
	if (c_below(r, 2)) {
		sbuf_puts(r->b, " else");
		c_body(r, 2);
	}
}

static inline void c_loop(struct random_c *r)
{
	u32 rounds = 2 + c_below(r, 4), k = c_below(r, 3), name = r->names++, vars = r->n;
	bool in_loop = r->in_loop;

	c_line(r);
	r->loops++;
	r->in_loop = true;
	if (k == 0) {
		sbuf_printf(r->b, "for (%s v%u = 0; v%u < %u; v%u++)", c_name(r, c_below(r, C_BOOL)), name, name,
			    rounds, name);
		snprintf(r->v[r->n].name, 16, "v%u", name);
		r->v[r->n].kind = C_IS_SCALAR;
		r->v[r->n].is_const = true;
		r->n++;
		c_body(r, 2);
	} else {
		sbuf_printf(r->b, "int v%u = %u;", name, rounds);
		c_line(r);
		if (k == 1)
			sbuf_printf(r->b, "while (v%u-- > 0)", name);
		else
			sbuf_puts(r->b, "do");
		c_body(r, 2);
		if (k == 2)
			sbuf_printf(r->b, " while (--v%u);", name);
	}
	r->n = vars;
	r->in_loop = in_loop;
	r->loops--;
}

static inline void c_switch(struct random_c *r)
{
	bool in_loop = r->in_loop;

	c_line(r);
	sbuf_puts(r->b, "switch ((");
	c_expr(r, 2);
	sbuf_puts(r->b, c_below(r, 3) ? ") & 7) {" : ")) {");
	for (u32 i = 0; i < 6; i += 1 + c_below(r, 2)) {
		c_line(r);
		if (c_below(r, 4) == 0)
			sbuf_printf(r->b, "case %u ... %u:", i * 2, i * 2 + 1);
		else
			sbuf_printf(r->b, "case %s%u:", c_below(r, 4) ? "" : "-", i * 2);
		if (i == 0 && c_below(r, 2))
			sbuf_puts(r->b, " default:");
		else if (i >= 5)
			sbuf_puts(r->b, "");
		c_body(r, 1);
		if (c_below(r, 3))
			sbuf_puts(r->b, " break;");
		else
			sbuf_puts(r->b, " __attribute__((fallthrough));");
	}
	c_line(r);
	sbuf_puts(r->b, "case 99: break; }");
	r->in_loop = in_loop;
}

static inline void c_memory(struct random_c *r)
{
	const struct c_var *a = NULL, *b = NULL;

	for (u32 i = 0; i < r->n; i++) {
		const struct c_var *v = &r->v[c_below(r, r->n)];

		if (v->kind != C_IS_ARRAY && v->kind != C_IS_RECORD && v->kind != C_IS_GRID)
			continue;
		if (!v->is_const && !a)
			a = v;
		else if (a && !b && v != a && v->kind == a->kind && v->scalar == a->scalar &&
			 v->count == a->count && v->record == a->record)
			b = v;
	}
	if (!a)
		return;
	c_line(r);
	if (!b && a->kind != C_IS_RECORD) {
		sbuf_printf(r->b, "__builtin_memset(&%s, %u, sizeof(%s));", a->name,
			    a->scalar >= C_BOOL ? 0 : c_below(r, 300), a->name);
	} else if (!b) {
		sbuf_printf(r->b, "%s = (struct r%u_%llu)", a->name, a->record, (unsigned long long)r->seed);
		c_record_values(r, &r->records[a->record], 1);
		sbuf_puts(r->b, ";");
	} else if (a->kind == C_IS_RECORD && c_below(r, 2)) {
		sbuf_printf(r->b, "%s = %s;", a->name, b->name);
	} else {
		sbuf_printf(r->b, "__builtin_memcpy(&%s, &%s, sizeof(%s));", a->name, b->name, a->name);
	}
}

/* Side effects inside expressions, where C says in which order. */
static inline void c_sequence(struct random_c *r)
{
	const struct c_var *v = c_writable(r), *w = c_writable(r);
	u32 bits;

	if (!v || !w)
		return;
	c_line(r);
	switch (c_below(r, 4)) {
	case 0:
		sbuf_puts(r->b, "if ((");
		c_expr(r, 2);
		sbuf_puts(r->b, c_below(r, 2) ? ") && (" : ") || (");
		c_place(r, v, 1, false, &bits);
		sbuf_puts(r->b, " += ");
		c_expr(r, 2);
		sbuf_puts(r->b, "))");
		c_body(r, 1);
		break;
	case 1:
		c_expr(r, 2);
		sbuf_puts(r->b, " ? (");
		c_place(r, v, 1, false, &bits);
		sbuf_puts(r->b, " ^= ");
		c_expr(r, 2);
		sbuf_puts(r->b, ") : (");
		c_place(r, w, 1, false, &bits);
		sbuf_puts(r->b, " -= ");
		c_expr(r, 2);
		sbuf_puts(r->b, ");");
		break;
	case 2:
		c_place(r, v, 1, false, &bits);
		sbuf_puts(r->b, " |= ");
		c_expr(r, 2);
		sbuf_puts(r->b, ", ");
		c_place(r, w, 1, false, &bits);
		sbuf_puts(r->b, "--;");
		break;
	default:
		if (v == w || v->kind != C_IS_SCALAR || w->kind != C_IS_SCALAR) {
			sbuf_puts(r->b, ";");
			break;
		}
		sbuf_printf(r->b, "%s %s %s = ", v->name, c_below(r, 2) ? "=" : "+=", w->name);
		c_expr(r, 2);
		sbuf_puts(r->b, ";");
		break;
	}
}

static inline void c_goto(struct random_c *r)
{
	u32 name = r->names++;

	c_line(r);
	sbuf_puts(r->b, "if (");
	c_expr(r, 2);
	sbuf_printf(r->b, ") goto out%u;", name);
	c_line(r);
	c_body(r, 2);
	c_line(r);
	sbuf_printf(r->b, "out%u:;", name);
}

static inline void c_call_pointer(struct random_c *r)
{
	for (u32 i = 0; i < r->n; i++) {
		const struct c_var *v = &r->v[i];
		char at[24];

		if (v->kind != C_IS_SCALAR || v->scalar != C_INT || v->is_const || c_below(r, 2))
			continue;
		snprintf(at, sizeof(at), "&%s", v->name);
		c_line(r);
		sbuf_printf(r->b, "int v%u = (int)", r->names++);
		if (!c_call(r, 2, at))
			sbuf_puts(r->b, "1");
		sbuf_puts(r->b, ";");
		return;
	}
}

static inline void c_statement(struct random_c *r)
{
	switch (c_below(r, 20)) {
	case 0:
	case 1:
	case 2:
	case 3:
		c_declare(r);
		break;
	case 4:
		c_step(r);
		break;
	case 5:
	case 6:
		if (r->depth < 3)
			c_if(r);
		break;
	case 7:
		if (r->depth < 3 && r->loops < 2)
			c_loop(r);
		break;
	case 8:
		if (r->depth < 3)
			c_switch(r);
		break;
	case 9:
		c_memory(r);
		break;
	case 10:
		c_sequence(r);
		break;
	case 11:
		if (r->depth < 3)
			c_goto(r);
		break;
	case 12:
		c_call_pointer(r);
		break;
	case 13:
		if (!r->in_loop || r->depth < 2)
			break;
		c_line(r);
		sbuf_puts(r->b, "if (");
		c_expr(r, 2);
		sbuf_puts(r->b, c_below(r, 2) ? ") break;" : ") continue;");
		break;
	default:
		c_assign(r);
		break;
	}
}

static void c_statements(struct random_c *r, u32 n)
{
	for (u32 i = 0; i < n && r->budget; i++, r->budget--)
		c_statement(r);
}

/* ---- programs ---- */

static inline void c_record_type(struct random_c *r)
{
	struct c_record *rec = &r->records[r->n_records];

	*rec = (struct c_record){ .n = 2 + c_below(r, C_FIELDS - 2), .is_union = c_below(r, 6) == 0 };
	sbuf_printf(r->b, "struct r%u_%llu {%s", r->n_records, (unsigned long long)r->seed,
		    rec->is_union ? " union {" : "");
	for (u32 i = 0; i < rec->n; i++) {
		struct c_field *f = &rec->f[i];
		u32 k = c_below(r, 8);

		f->scalar = c_below(r, rec->is_union ? C_BOOL : C_SCALARS);
		/* What an initialiser leaves of a union is unspecified: its first member is the largest. */
		if (rec->is_union)
			k = i ? k % 4 * 2 : 7;
		if (rec->is_union && !i)
			f->scalar = C_ULONG;
		if (k == 0 && r->n_records && !rec->is_union) {
			f->record = 1 + c_below(r, r->n_records);
			sbuf_printf(r->b, " struct r%u_%llu m%u;", f->record - 1, (unsigned long long)r->seed, i);
			continue;
		}
		sbuf_printf(r->b, " %s m%u", c_name(r, f->scalar), i);
		if (k == 1) {
			f->count = 2u << c_below(r, 2);
			sbuf_printf(r->b, "[%u]", f->count);
		} else if (k < 5 && f->scalar < C_BOOL) {
			static const u32 widths[] = { 8, 8, 16, 16, 32, 32, 64, 64, 64 };

			f->bits = 1 + c_below(r, widths[f->scalar]);
			sbuf_printf(r->b, ":%u", f->bits);
		}
		sbuf_puts(r->b, ";");
	}
	sbuf_printf(r->b, "%s };\n", rec->is_union ? " };" : "");
	r->n_records++;
}

static inline void c_hash_var(struct random_c *r, const struct c_var *v)
{
	u32 bits, n = v->kind == C_IS_SCALAR || v->kind == C_IS_POINTER ? 1 : 4;

	for (u32 i = 0; i < n; i++) {
		c_line(r);
		sbuf_puts(r->b, "hash = c_mix(hash, (c_u64)(");
		c_place(r, v, 0, true, &bits);
		sbuf_puts(r->b, "));");
	}
}

static inline void c_helper(struct random_c *r)
{
	struct c_helper *h = &r->helpers[r->n_helpers];
	static const char *const how[] = { "static", "static inline", "static __attribute__((always_inline)) inline",
					   "static __attribute__((noinline))" };
	u32 h_how = c_below(r, 4), globals = r->n, budget = r->budget;

	*h = (struct c_helper){ .n = 1 + c_below(r, 4), .ret = c_below(r, C_SCALARS), .takes_pointer = !c_below(r, 3) };
	r->n = 0;
	for (u32 i = 0; i < h->n; i++)
		h->scalar[i] = c_below(r, C_SCALARS);
	/* Records by value are copied from globals 0 and 1, whose types are records 0 and 1. */
	if (!c_below(r, 3) && h_how != 3)
		h->record[c_below(r, h->n)] = 1 + c_below(r, 2);
	sbuf_printf(r->b, "%s %s h%u_%llu(", how[h_how], c_name(r, h->ret), r->n_helpers,
		    (unsigned long long)r->seed);
	if (h->takes_pointer) {
		struct c_var *v = c_var(r, C_IS_POINTER, C_INT, 0);

		sbuf_printf(r->b, "int *%s, ", v->name);
	}
	for (u32 i = 0; i < h->n; i++) {
		struct c_var *v = c_var(r, h->record[i] ? C_IS_RECORD : C_IS_SCALAR, h->scalar[i], 0);

		sbuf_puts(r->b, i ? ", " : "");
		if (h->record[i]) {
			v->record = h->record[i] - 1;
			sbuf_printf(r->b, "struct r%u_%llu %s", v->record, (unsigned long long)r->seed, v->name);
		} else {
			sbuf_printf(r->b, "%s %s", c_name(r, v->scalar), v->name);
		}
	}
	sbuf_puts(r->b, ")\n{");
	r->tabs = 1;
	r->budget = 6;
	r->has_in = false;
	r->no_calls = true;
	c_statements(r, 3);
	c_line(r);
	sbuf_puts(r->b, "return ");
	c_expr(r, 2);
	sbuf_puts(r->b, ";\n}\n");
	r->no_calls = false;
	r->n = globals;
	r->budget = budget;
	r->n_helpers++;
}

static inline void c_globals(struct random_c *r)
{
	unsigned long long seed = r->seed;

	for (u32 i = 0; i < 5; i++) {
		struct c_var v = { .is_global = true, .scalar = c_below(r, C_BOOL) };

		snprintf(v.name, sizeof(v.name), "g%u_%llu", i, seed);
		if (i < 2) {
			v.kind = C_IS_RECORD;
			v.record = i;
			sbuf_printf(r->b, "static struct r%u_%llu %s;\n", i, seed, v.name);
		} else if (i == 2) {
			v.kind = C_IS_ARRAY;
			v.count = 8;
			v.is_const = true;
			sbuf_printf(r->b, "static const %s %s[8] = { ", c_name(r, v.scalar), v.name);
			for (u32 k = 0; k < 8; k++)
				sbuf_printf(r->b, "(%s)%u, ", c_name(r, v.scalar), c_below(r, 0x7fffffff));
			sbuf_puts(r->b, "};\n");
		} else if (i == 3) {
			v.kind = C_IS_ARRAY;
			v.count = 4;
			sbuf_printf(r->b, "static %s %s[4] = { 5, [2] = 9 };\n", c_name(r, v.scalar), v.name);
		} else {
			sbuf_printf(r->b, "static %s %s = %u;\n", c_name(r, v.scalar), v.name, c_below(r, 128));
		}
		r->v[r->n++] = v;
	}
}

#define C_PRELUDE \
	"typedef unsigned char c_u8; typedef unsigned short c_u16; typedef int c_s32; typedef unsigned long c_u64;\n" \
	"typedef long long c_s64; enum c_enum { C_ZERO, C_ONE, C_BIG = 70000, C_NEXT }; typedef enum c_enum c_enum_t;\n" \
	"static inline __attribute__((always_inline)) c_u64 c_mix(c_u64 h, c_u64 x)\n" \
	"{ h = (h ^ x) * 0x9e3779b97f4a7c15ul; return h ^ h >> 29; }\n"

/* One program without the prelude: its function is f<seed>. */
static inline void random_c(struct sbuf *b, u64 seed, u32 budget)
{
	struct random_c r = { .state = seed * 0x9e3779b97f4a7c15ull + 77, .seed = seed, .b = b };

	for (u32 i = 0; i < 8; i++)
		c_below(&r, 2);
	for (u32 i = 0; i < 3; i++)
		c_record_type(&r);
	for (u32 i = c_below(&r, C_HELPERS); i; i--)
		c_helper(&r);
	c_globals(&r);
	r.budget = budget;
	r.has_in = true;
	r.tabs = 1;
	sbuf_printf(b, "int f%llu(long *ctx)\n{\n\tlong *in = ctx;\n\tc_u64 hash = %u;", (unsigned long long)seed,
		    c_below(&r, 1000));
	c_statements(&r, budget);
	for (u32 i = 0; i < r.n; i++)
		c_hash_var(&r, &r.v[i]);
	sbuf_puts(b, "\n\treturn (int)(hash ^ hash >> 32);\n}\n");
}

#endif
