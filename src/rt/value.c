/* value.c: bytes as text, by their description.
 *
 * Two descriptions exist: obj_field (the plan of bpftrace maps and printf) and C types (maps of C programs).
 * The text is bpftrace's: `[1,2]` arrays, `{ .a = 1 }` records, `(1, x)` tuples, 0x… pointers. JSON uses the natural
 * counterparts; integers that a double cannot hold exactly stay integers.
 */
#include <string.h>

#include "rt/rt_private.h"

s64 rt_value_int(const void *p, u32 size, bool is_signed)
{
	u64 v = 0;
	u32 n = size > 8 ? 8 : size;

	memcpy(&v, p, n);
	if (is_signed && n && n < 8)
		return (s64)(v << (64 - 8 * n)) >> (64 - 8 * n);
	return (s64)v;
}

static void put_string(struct sbuf *out, const char *s, u32 size, enum value_style style)
{
	str x = { s, (u32)strnlen(s, size) };

	if (style == VALUE_JSON)
		sbuf_json(out, x);
	else
		sbuf_put(out, x);
}

static void put_number(struct sbuf *out, const void *p, u32 size, bool is_signed)
{
	if (is_signed)
		sbuf_printf(out, "%lld", (long long)rt_value_int(p, size, true));
	else
		sbuf_printf(out, "%llu", (unsigned long long)rt_value_int(p, size, false));
}

static void put_pointer(struct sbuf *out, const void *p, u32 size, enum value_style style)
{
	if (style == VALUE_JSON)
		put_number(out, p, size, false);
	else
		sbuf_printf(out, "0x%llx", (unsigned long long)rt_value_int(p, size, false));
}

static void put_bytes(struct sbuf *out, const u8 *p, u32 n, enum value_style style)
{
	if (style == VALUE_JSON)
		sbuf_putc(out, '[');
	for (u32 i = 0; i < n; i++) {
		if (style == VALUE_JSON)
			sbuf_printf(out, "%s%u", i ? "," : "", p[i]);
		else
			sbuf_printf(out, "\\x%02x", p[i]);
	}
	if (style == VALUE_JSON)
		sbuf_putc(out, ']');
}

/* u64 length, then so many bytes: letters as they are, the others escaped. */
static void put_buffer(struct sbuf *out, const char *at, u32 size, enum value_style style)
{
	u64 n = (u64)rt_value_int(at, 8, false);

	if (n > size - 8)
		n = size - 8;
	if (style == VALUE_JSON)
		put_bytes(out, (const u8 *)at + 8, (u32)n, style);
	else
		rt_buffer(out, (const u8 *)at + 8, (u32)n, 0);
}

void rt_buffer(struct sbuf *out, const u8 *p, u32 n, char style)
{
	for (u32 i = 0; i < n; i++) {
		if (style == 'h')
			sbuf_printf(out, "%s%02x", i ? " " : "", p[i]);
		else if (style == 'x' || p[i] < ' ' || p[i] >= 0x7f || p[i] == '\\')
			sbuf_printf(out, "\\x%02x", p[i]);
		else
			sbuf_putc(out, (char)p[i]);
	}
}

/* ---- by field ------------------------------------------------------------------------------- */

static void put_parts(struct sbuf *out, const struct rt_config *c, const struct obj_field *f,
		      const char *at, enum value_style style)
{
	bool named = f->kind == OBJ_F_STRUCT, array = f->kind == OBJ_F_ARRAY;
	bool json = style == VALUE_JSON;

	sbuf_puts(out, named ? (json ? "{ " : "{ ") : array || json ? "[" : "(");
	for (u32 i = 0; i < f->parts.n; i++) {
		const struct obj_field *p = &f->parts.at[i];

		if (i)
			sbuf_puts(out, array || (json && !named) ? "," : ", ");
		if (named && json) {
			sbuf_json(out, p->name);
			sbuf_puts(out, ": ");
		} else if (named) {
			sbuf_printf(out, "." STR_FMT " = ", STR_ARG(p->name));
		}
		rt_value_field(out, c, p, at, style);
	}
	sbuf_puts(out, named ? " }" : array || json ? "]" : ")");
}

/* What a number stands for, as text. False where the kind is none of these. */
static bool put_name(struct sbuf *out, const struct rt_config *c, const struct obj_field *f,
		     const char *at)
{
	struct rt_names *n = c ? c->names : NULL;
	u64 v = (u64)rt_value_int(at, f->size, false);
	const char *name;

	switch (f->kind) {
	case OBJ_F_KSYM: rt_ksym(out, n ? rt_ksyms_of(n) : NULL, v, false); return true;
	case OBJ_F_USYM:
		rt_usym(out, n ? rt_usyms_of(n) : NULL, (u32)rt_value_int(at + 8, 4, false), v,
			false, false);
		return true;
	case OBJ_F_KSTACK:
	case OBJ_F_USTACK: rt_stack_frames(out, c, f, at); return true;
	case OBJ_F_INET: rt_name_inet(out, v, at + 8); return true;
	case OBJ_F_MAC: rt_name_mac(out, (const u8 *)at); return true;
	case OBJ_F_USERNAME: rt_name_user(out, n, (u32)v); return true;
	case OBJ_F_TIMESTAMP: rt_name_time(out, v, f->extra); return true;
	case OBJ_F_CGROUP_PATH: rt_name_cgroup(out, n, v, f->extra); return true;
	case OBJ_F_STRERROR: sbuf_puts(out, strerror((int)v)); return true;
	case OBJ_F_SYSCALL_NAME:
		name = probes_syscall_name((u32)v);
		if (name)
			sbuf_puts(out, name);
		else
			sbuf_printf(out, "%llu", (unsigned long long)v);
		return true;
	default: return false;
	}
}

static bool put_named(struct sbuf *out, const struct rt_config *c, const struct obj_field *f,
		      const char *at, enum value_style style)
{
	struct sbuf text;

	if (style != VALUE_JSON)
		return put_name(out, c, f, at);
	sbuf_init(&text, out->a);
	if (!put_name(&text, c, f, at))
		return false;
	sbuf_json(out, sbuf_str(&text));
	return true;
}

void rt_value_field(struct sbuf *out, const struct rt_config *c, const struct obj_field *f,
		    const void *data, enum value_style style)
{
	const char *at = (const char *)data + f->off;

	switch (f->kind) {
	case OBJ_F_INT: put_number(out, at, f->size, true); break;
	case OBJ_F_UINT: put_number(out, at, f->size, false); break;
	case OBJ_F_PTR: put_pointer(out, at, f->size, style); break;
	case OBJ_F_STR: put_string(out, at, f->size, style); break;
	case OBJ_F_BOOL: sbuf_puts(out, rt_value_int(at, f->size, false) ? "true" : "false"); break;
	case OBJ_F_ENUM:
		if (f->type)
			rt_value_type(out, f->type, at, style);
		else
			put_number(out, at, f->size, true);
		break;
	case OBJ_F_BUFFER: put_buffer(out, at, f->size, style); break;
	case OBJ_F_TUPLE:
	case OBJ_F_STRUCT:
	case OBJ_F_ARRAY:
		if (f->type && !f->parts.n) {
			rt_value_type(out, f->type, at, style);
			break;
		}
		put_parts(out, c, f, at, style);
		break;
	default:
		if (!put_named(out, c, f, at, style))
			put_bytes(out, (const u8 *)at, f->size, style);
		break;
	}
}

void rt_print_field(struct sbuf *out, const struct rt_config *c, const struct obj_field *f,
		    const void *data)
{
	rt_value_field(out, c, f, data, VALUE_TEXT);
}

/* ---- by C type ------------------------------------------------------------------------------ */

static void put_bits(struct sbuf *out, const struct ty_member *m, const char *base)
{
	u64 word = 0;
	u32 first = m->bit_off / 8, shift = m->bit_off % 8, bytes = (shift + m->bits + 7) / 8;

	memcpy(&word, base + first, bytes > 8 ? 8 : bytes);
	word = word << (64 - shift - m->bits);
	if (ty_signed(m->type))
		sbuf_printf(out, "%lld", (long long)((s64)word >> (64 - m->bits)));
	else
		sbuf_printf(out, "%llu", (unsigned long long)(word >> (64 - m->bits)));
}

void rt_value_member(struct sbuf *out, const struct ty_member *m, const char *base,
		     enum value_style style)
{
	if (m->bits)
		put_bits(out, m, base);
	else
		rt_value_type(out, m->type, base + m->bit_off / 8, style);
}

static void put_struct(struct sbuf *out, const struct type *ty, const char *at,
		       enum value_style style)
{
	bool first = true;

	ty_complete(ty);
	sbuf_puts(out, "{ ");
	for (u32 i = 0; i < ty->n; i++) {
		const struct ty_member *m = &ty->members[i];

		if (m->bits == 0 && !m->name.n && !ty_is_aggregate(m->type))
			continue;
		if (!first)
			sbuf_puts(out, ", ");
		first = false;
		if (m->name.n && style == VALUE_JSON) {
			sbuf_json(out, m->name);
			sbuf_puts(out, ": ");
		} else if (m->name.n) {
			sbuf_printf(out, "." STR_FMT " = ", STR_ARG(m->name));
		} else if (style == VALUE_JSON) {
			sbuf_puts(out, "\"\": ");
		}
		rt_value_member(out, m, at, style);
	}
	sbuf_puts(out, " }");
}

static void put_array(struct sbuf *out, const struct type *ty, const char *at,
		      enum value_style style)
{
	const struct type *elem = ty_strip(ty->to);

	if (elem->kind == TY_INT && elem->is_char && !str_is(elem->name, "unsigned char")) {
		put_string(out, at, (u32)ty->size, style);
		return;
	}
	sbuf_putc(out, '[');
	for (u64 i = 0; i < ty->count && ty->count != TY_UNSIZED; i++) {
		if (i)
			sbuf_putc(out, ',');
		rt_value_type(out, ty->to, at + i * elem->size, style);
	}
	sbuf_putc(out, ']');
}

static void put_enum(struct sbuf *out, const struct type *ty, const char *at,
		     enum value_style style)
{
	s64 v = rt_value_int(at, (u32)ty->size, ty->is_signed);

	ty_complete(ty);
	for (u32 i = 0; style == VALUE_TEXT && i < ty->n; i++) {
		if (ty->enumerators[i].value == v) {
			sbuf_put(out, ty->enumerators[i].name);
			return;
		}
	}
	sbuf_printf(out, "%lld", (long long)v);
}

void rt_value_type(struct sbuf *out, const struct type *type, const void *data,
		   enum value_style style)
{
	const struct type *ty = ty_strip(type);

	switch (ty->kind) {
	case TY_INT:
		if (ty->is_bool && style == VALUE_JSON)
			sbuf_puts(out, rt_value_int(data, 1, false) ? "true" : "false");
		else if (ty->size > 8)
			put_bytes(out, data, (u32)ty->size, style);
		else
			put_number(out, data, (u32)ty->size, ty->is_signed);
		break;
	case TY_PTR: put_pointer(out, data, 8, style); break;
	case TY_ENUM: put_enum(out, ty, data, style); break;
	case TY_ARRAY: put_array(out, ty, data, style); break;
	case TY_STRUCT:
	case TY_UNION: put_struct(out, ty, data, style); break;
	default: put_bytes(out, data, (u32)ty->size, style); break;
	}
}

void rt_print_type(struct sbuf *out, const struct type *ty, const void *data)
{
	rt_value_type(out, ty, data, VALUE_TEXT);
}
