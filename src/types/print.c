/* print: types in the syntax of C.
 *
 * A declaration reads inside out: `int (*fn[4])(char *)` is an array of pointers to functions. So a
 * type is printed in two halves around the name: first what stands left of it (from the innermost
 * base type outwards), then what stands right (from the name outwards). Parentheses are needed
 * exactly where a pointer points to an array or a function.
 *
 * Blanks: the base type is followed by one blank if anything comes after it; nothing follows a star
 * or an opening parenthesis directly with a blank, except that `*const` needs one before a name.
 *
 * A definition has one member a line with its offset and size as a comment (a bit-field: byte:bit
 * and width); offsets count from the start of the outermost aggregate, also within anonymous ones.
 *
 * A hostile BTF may describe types whose spelling has no end; printing stops after MAX_SPELLING
 * bytes with "...". Array sizes and enumerators are decimal. The result is meant to be read, and to
 * be compiled as long as tags are known; anonymous types print their body only in a definition.
 */
#include "types/node.h"

#define MAX_SPELLING 65536

struct printer {
	struct sbuf *out;
	u32 stop; /* length of `out` at which printing ends */
	u32 base; /* length of `out` where this declaration starts */
	u32 indent;
};

static bool full(struct printer *p)
{
	return p->out->n >= p->stop;
}

/* Between the base type and what follows it; not behind `*`, `(` or at the start. */
static void blank(struct printer *p)
{
	char last = p->out->n > p->base ? p->out->s[p->out->n - 1] : '(';

	if (last != '*' && last != '(' && last != ' ' && last != '\t')
		sbuf_putc(p->out, ' ');
}

static void quals(struct printer *p, u8 q)
{
	static const char *const names[] = { "const", "volatile", "restrict" };

	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		if (q & 1u << i) {
			blank(p);
			sbuf_puts(p->out, names[i]);
		}
}

static const char *space_name(u8 space)
{
	switch (space) {
	case TY_SPACE_USER: return "__user";
	case TY_SPACE_RCU: return "__rcu";
	case TY_SPACE_PERCPU: return "__percpu";
	case TY_SPACE_KPTR: return "__kptr";
	}
	return "";
}

static void body(struct printer *p, const struct type *ty, u32 bit_off, u32 depth);
static void declare(struct printer *p, const struct type *ty, str name, bool with_body, u32 bit_off,
		    u32 depth);

static void base_type(struct printer *p, const struct type *ty, bool with_body, u32 bit_off,
		      u32 depth)
{
	static const char *const keywords[] = {
		[TY_STRUCT] = "struct",
		[TY_UNION] = "union",
		[TY_ENUM] = "enum",
	};
	bool tagged = ty->kind == TY_STRUCT || ty->kind == TY_UNION || ty->kind == TY_ENUM;

	quals(p, ty->quals);
	blank(p);
	if (tagged)
		sbuf_puts(p->out, keywords[ty->kind]);
	if (ty->name.n) {
		blank(p);
		sbuf_put(p->out, ty->name);
	} else if (tagged && with_body) {
		body(p, ty, bit_off, depth + 1);
	} else if (tagged) {
		sbuf_puts(p->out, " {...}");
	}
}

static bool needs_parens(const struct type *pointee)
{
	return pointee->kind == TY_ARRAY || pointee->kind == TY_FUNC;
}

static void left(struct printer *p, const struct type *ty, bool with_body, u32 bit_off, u32 depth)
{
	if (full(p))
		return;
	switch (ty->kind) {
	case TY_PTR:
		left(p, ty->to, with_body, bit_off, depth);
		blank(p);
		if (needs_parens(ty->to))
			sbuf_putc(p->out, '(');
		if (ty->space) {
			sbuf_puts(p->out, space_name(ty->space));
			sbuf_putc(p->out, ' ');
		}
		sbuf_putc(p->out, '*');
		if (ty->quals) {
			u32 base = p->base;

			p->base = p->out->n;
			quals(p, ty->quals);
			p->base = base;
		}
		break;
	case TY_ARRAY:
	case TY_FUNC: left(p, ty->to, with_body, bit_off, depth); break;
	default: base_type(p, ty, with_body, bit_off, depth);
	}
}

static void params(struct printer *p, const struct type *fn, u32 depth)
{
	sbuf_putc(p->out, '(');
	for (u32 i = 0; i < fn->n && !full(p); i++) {
		if (i)
			sbuf_puts(p->out, ", ");
		declare(p, fn->params[i].type, fn->params[i].name, false, 0, depth + 1);
	}
	if (fn->variadic)
		sbuf_puts(p->out, fn->n ? ", ..." : "...");
	else if (!fn->n)
		sbuf_puts(p->out, "void");
	sbuf_putc(p->out, ')');
}

static void right(struct printer *p, const struct type *ty, u32 depth)
{
	for (; !full(p); ty = ty->to) {
		switch (ty->kind) {
		case TY_PTR:
			if (needs_parens(ty->to))
				sbuf_putc(p->out, ')');
			break;
		case TY_ARRAY:
			if (ty->count == TY_UNSIZED)
				sbuf_puts(p->out, "[]");
			else
				sbuf_printf(p->out, "[%llu]", (unsigned long long)ty->count);
			break;
		case TY_FUNC: params(p, ty, depth); break;
		default: return;
		}
	}
}

/* Whether the text right of the name starts with a bracket, so that `char [16]` takes a blank. */
static bool starts_with_bracket(const struct type *ty)
{
	return ty->kind == TY_ARRAY || ty->kind == TY_FUNC;
}

static void declare(struct printer *p, const struct type *ty, str name, bool with_body, u32 bit_off,
		    u32 depth)
{
	u32 base = p->base;

	if (depth > TY_MAX_DEPTH || full(p)) {
		sbuf_puts(p->out, "...");
		return;
	}
	p->base = p->out->n;
	left(p, ty, with_body, bit_off, depth);
	if (name.n || starts_with_bracket(ty))
		blank(p);
	sbuf_put(p->out, name);
	right(p, ty, depth);
	p->base = base;
}

void ty_print(struct sbuf *out, const struct type *ty)
{
	ty_print_decl(out, ty, STR(""));
}

void ty_print_decl(struct sbuf *out, const struct type *ty, str name)
{
	struct printer p = { .out = out, .stop = out->n + MAX_SPELLING, .base = out->n };

	declare(&p, ty, name, false, 0, 0);
}

/* ---- definitions ---------------------------------------------------------------------------- */

static void member(struct printer *p, const struct ty_member *m, u32 bit_off, u32 depth)
{
	u32 at = bit_off + m->bit_off;

	sbuf_pad(p->out, '\t', p->indent);
	declare(p, m->type, m->name, true, at, depth);
	if (m->bits)
		sbuf_printf(p->out, " : %u;  // %u:%u bits %u\n", m->bits, at / 8, at % 8, m->bits);
	else
		sbuf_printf(p->out, ";  // %u %llu\n", at / 8, (unsigned long long)m->type->size);
}

static void enumerator(struct printer *p, const struct type *en, const struct ty_enumerator *e)
{
	sbuf_pad(p->out, '\t', p->indent);
	sbuf_put(p->out, e->name);
	if (en->size == 8 && !en->is_signed)
		sbuf_printf(p->out, " = %llu,\n", (unsigned long long)e->value);
	else
		sbuf_printf(p->out, " = %lld,\n", (long long)e->value);
}

/* ` {`, members or enumerators, `}` */
static void body(struct printer *p, const struct type *ty, u32 bit_off, u32 depth)
{
	if (depth > TY_MAX_DEPTH || full(p)) {
		sbuf_puts(p->out, " {...}");
		return;
	}
	ty_complete(ty);
	sbuf_puts(p->out, " {\n");
	p->indent++;
	for (u32 i = 0; i < ty->n && !full(p); i++) {
		if (ty->kind == TY_ENUM)
			enumerator(p, ty, &ty->enumerators[i]);
		else
			member(p, &ty->members[i], bit_off, depth);
	}
	p->indent--;
	sbuf_pad(p->out, '\t', p->indent);
	sbuf_putc(p->out, '}');
	if (ty->packed)
		sbuf_puts(p->out, " __attribute__((packed))");
}

void ty_print_def(struct sbuf *out, const struct type *ty)
{
	struct printer p = { .out = out, .stop = out->n + MAX_SPELLING * 4, .base = out->n };

	switch (ty->kind) {
	case TY_STRUCT:
	case TY_UNION:
	case TY_ENUM:
		if (ty->name.n)
			base_type(&p, ty, false, 0, 0);
		else
			sbuf_puts(out, ty->kind == TY_ENUM    ? "enum"
				       : ty->kind == TY_UNION ? "union"
							      : "struct");
		if (ty_complete(ty)) {
			body(&p, ty, 0, 0);
			sbuf_printf(out, ";  // size %llu\n", (unsigned long long)ty->size);
			return;
		}
		break;
	case TY_TYPEDEF:
		sbuf_puts(out, "typedef ");
		declare(&p, ty->to, ty->name, true, 0, 0);
		break;
	default: declare(&p, ty, ty->kind == TY_FUNC ? ty->name : STR(""), false, 0, 0);
	}
	sbuf_puts(out, ";\n");
}
