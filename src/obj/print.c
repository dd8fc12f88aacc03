/* obj to text, for `skep dump` and for golden files.
 *
 * One line a thing: maps, data with its variables, events with their arguments, programs,
 * functions. With code, each function is listed by instruction: slot number, the text of isa_print,
 * and what a relocation puts there. Before the instructions of another source line, that line, as a
 * comment.
 *
 * Everything is printed in the order that it has in the object: same object, same bytes.
 */
#include "obj/obj.h"

#include <inttypes.h>

static const char *const show_names[] = {
	[OBJ_SHOW_NONE] = "none",     [OBJ_SHOW_TABLE] = "table", [OBJ_SHOW_VALUE] = "value",
	[OBJ_SHOW_COUNT] = "count",   [OBJ_SHOW_SUM] = "sum",	  [OBJ_SHOW_MIN] = "min",
	[OBJ_SHOW_MAX] = "max",	      [OBJ_SHOW_AVG] = "avg",	  [OBJ_SHOW_STATS] = "stats",
	[OBJ_SHOW_HIST] = "hist",     [OBJ_SHOW_LHIST] = "lhist", [OBJ_SHOW_LOG2] = "log2",
	[OBJ_SHOW_STACKS] = "stacks",
};

static const char *const field_names[] = {
	[OBJ_F_INT] = "int",
	[OBJ_F_UINT] = "uint",
	[OBJ_F_PTR] = "ptr",
	[OBJ_F_STR] = "str",
	[OBJ_F_BYTES] = "bytes",
	[OBJ_F_BOOL] = "bool",
	[OBJ_F_ENUM] = "enum",
	[OBJ_F_KSYM] = "ksym",
	[OBJ_F_USYM] = "usym",
	[OBJ_F_KSTACK] = "kstack",
	[OBJ_F_USTACK] = "ustack",
	[OBJ_F_INET] = "inet",
	[OBJ_F_MAC] = "mac",
	[OBJ_F_USERNAME] = "username",
	[OBJ_F_TIMESTAMP] = "strftime",
	[OBJ_F_CGROUP_PATH] = "cgroup_path",
	[OBJ_F_STRERROR] = "strerror",
	[OBJ_F_SYSCALL_NAME] = "syscall_name",
	[OBJ_F_TUPLE] = "tuple",
	[OBJ_F_STRUCT] = "struct",
	[OBJ_F_ARRAY] = "array",
	[OBJ_F_BUFFER] = "buffer",
};

static const char *const event_names[] = {
	[OBJ_EV_TRACE] = "trace",
	[OBJ_EV_PRINTF] = "printf",
	[OBJ_EV_EXIT] = "exit",
	[OBJ_EV_PRINT] = "print",
	[OBJ_EV_CLEAR] = "clear",
	[OBJ_EV_ZERO] = "zero",
	[OBJ_EV_TIME] = "time",
	[OBJ_EV_JOIN] = "join",
	[OBJ_EV_CAT] = "cat",
	[OBJ_EV_SYSTEM] = "system",
	[OBJ_EV_PRINT_VALUE] = "print_value",
	[OBJ_EV_ERROR] = "error",
	[OBJ_EV_WARNING] = "warning",
	[OBJ_EV_TEXT] = "text",
	[OBJ_EV_OUTPUT] = "output",
};

/* `kind` by its name in the kinds' tables, or by number. */
static void put_kind(struct sbuf *out, const struct isa_kind *k, u32 number)
{
	if (k)
		sbuf_puts(out, k->name);
	else
		sbuf_printf(out, "%u", number);
}

static void put_type(struct sbuf *out, const struct type *ty)
{
	if (!ty)
		return;
	sbuf_puts(out, " (");
	ty_print(out, ty);
	sbuf_putc(out, ')');
}

/* `name:kind@off+size(type){parts} "extra"` */
static void put_field(struct sbuf *out, const struct obj_field *f)
{
	sbuf_putc(out, ' ');
	if (f->name.n)
		sbuf_printf(out, STR_FMT ":", STR_ARG(f->name));
	sbuf_printf(out, "%s@%u+%u", field_names[f->kind], f->off, f->size);
	put_type(out, f->type);
	if (f->parts.n) {
		sbuf_puts(out, " {");
		for (u32 i = 0; i < f->parts.n; i++)
			put_field(out, &f->parts.at[i]);
		sbuf_puts(out, " }");
	}
	if (f->extra.n) {
		sbuf_putc(out, ' ');
		sbuf_quote(out, f->extra);
	}
}

static void put_map(struct sbuf *out, const struct obj *o, const struct obj_map *m)
{
	sbuf_printf(out, "map " STR_FMT ": ", STR_ARG(m->name));
	put_kind(out, isa_map_kind(m->type), m->type);
	sbuf_printf(out, ", key %u", m->key_size);
	put_type(out, m->key);
	sbuf_printf(out, ", value %u", m->value_size);
	put_type(out, m->value);
	sbuf_printf(out, ", entries %u", m->max_entries);
	if (m->flags)
		sbuf_printf(out, ", flags 0x%x", m->flags);
	if (m->inner != OBJ_NONE)
		sbuf_printf(out, ", inner " STR_FMT, STR_ARG(o->maps.at[m->inner].name));
	if (m->data != OBJ_NONE)
		sbuf_printf(out, ", data " STR_FMT, STR_ARG(o->datas.at[m->data].name));
	if (m->pin.n) {
		sbuf_puts(out, ", pin ");
		sbuf_quote(out, m->pin);
	}
	if (m->show)
		sbuf_printf(out, ", show %s", show_names[m->show]);
	if (m->show == OBJ_SHOW_LHIST)
		sbuf_printf(out, " %" PRId64 " %" PRId64 " %" PRId64, m->lhist[0], m->lhist[1],
			    m->lhist[2]);
	if (m->is_scalar)
		sbuf_puts(out, ", scalar");
	sbuf_putc(out, '\n');
	for (u32 i = 0; i < m->keys.n; i++) {
		sbuf_puts(out, "\tkey");
		put_field(out, &m->keys.at[i]);
		sbuf_putc(out, '\n');
	}
	if (m->shown_value) {
		sbuf_puts(out, "\tvalue");
		put_field(out, m->shown_value);
		sbuf_putc(out, '\n');
	}
}

static void put_data(struct sbuf *out, const struct obj *o, const struct obj_data *d)
{
	sbuf_printf(out, "data " STR_FMT ": %u bytes, map " STR_FMT "\n", STR_ARG(d->name), d->size,
		    STR_ARG(o->maps.at[d->map].name));
	for (u32 i = 0; i < d->vars.n; i++) {
		const struct obj_var *v = &d->vars.at[i];

		sbuf_printf(out, "\t%u+%u", v->off, v->size);
		if (v->name.n)
			sbuf_printf(out, " " STR_FMT, STR_ARG(v->name));
		put_type(out, v->type);
		if (d->bytes && v->size) {
			sbuf_puts(out, " = ");
			sbuf_quote(out, (str){ (const char *)d->bytes + v->off, v->size });
		}
		sbuf_putc(out, '\n');
	}
}

static void put_event(struct sbuf *out, const struct obj *o, u32 i)
{
	const struct obj_event *e = &o->events.at[i];

	sbuf_printf(out, "event %u: %s, %u bytes", i, event_names[e->kind], e->size);
	if (e->map != OBJ_NONE)
		sbuf_printf(out, ", map " STR_FMT, STR_ARG(o->maps.at[e->map].name));
	if (e->format.n) {
		sbuf_puts(out, ", ");
		sbuf_quote(out, e->format);
	}
	for (u32 k = 0; k < e->args.n; k++)
		put_field(out, &e->args.at[k]);
	sbuf_putc(out, '\n');
}

static void put_prog(struct sbuf *out, const struct obj *o, const struct obj_prog *p)
{
	sbuf_printf(out, "prog " STR_FMT ": ", STR_ARG(p->name));
	put_kind(out, isa_prog_kind(p->prog_type), p->prog_type);
	if (p->attach_type != OBJ_NONE) {
		sbuf_puts(out, ", attach type ");
		put_kind(out, isa_attach_kind(p->attach_type), p->attach_type);
	}
	if (p->section.n) {
		sbuf_puts(out, ", section ");
		sbuf_quote(out, p->section);
	}
	if (p->attach.n) {
		sbuf_puts(out, ", event ");
		sbuf_quote(out, p->attach);
	}
	if (p->btf_target.n)
		sbuf_printf(out, ", target " STR_FMT, STR_ARG(p->btf_target));
	if (p->sleepable)
		sbuf_puts(out, ", sleepable");
	if (p->disabled)
		sbuf_puts(out, ", disabled");
	if (p->func != OBJ_NONE)
		sbuf_printf(out, ", function " STR_FMT, STR_ARG(o->funcs.at[p->func].name));
	sbuf_putc(out, '\n');
}

/* The instruction that a relocation will complete, by name: `r1 = map[counts]`, `call helper`. */
static void put_reloc(struct sbuf *out, const struct obj *o, const struct obj_reloc *r, u32 dst)
{
	static const char *const words[] = {
		[OBJ_R_MAP] = "map",   [OBJ_R_DATA] = "map_value", [OBJ_R_CALL] = "",
		[OBJ_R_FUNC] = "func", [OBJ_R_CONST] = "const",	   [OBJ_R_KFUNC] = "kfunc",
		[OBJ_R_KVAR] = "kvar",
	};
	str name = r->name;

	if (r->kind == OBJ_R_MAP && r->index < o->maps.n)
		name = o->maps.at[r->index].name;
	else if (r->kind == OBJ_R_DATA && r->index < o->datas.n)
		name = o->datas.at[r->index].name;
	else if ((r->kind == OBJ_R_CALL || r->kind == OBJ_R_FUNC) && r->index < o->funcs.n)
		name = o->funcs.at[r->index].name;
	if (r->kind == OBJ_R_CALL)
		sbuf_printf(out, "call " STR_FMT, STR_ARG(name));
	else if (r->kind == OBJ_R_KFUNC)
		sbuf_printf(out, "call kfunc[" STR_FMT "]", STR_ARG(name));
	else
		sbuf_printf(out, "r%u = %s[" STR_FMT "]", dst, words[r->kind], STR_ARG(name));
	if (r->add)
		sbuf_printf(out, " + %" PRId64, r->add);
}

/* The source line of a line record, if it is not the one that was printed last. */
static void put_line(struct sbuf *out, const struct obj *o, struct span at, struct place *last)
{
	struct place p;

	if (!o->ss || !span_known(at))
		return;
	p = sources_place(o->ss, at.lo);
	if (!p.src || (p.src == last->src && p.line == last->line))
		return;
	*last = p;
	sbuf_printf(out, "; " STR_FMT ":%u: " STR_FMT "\n", STR_ARG(p.src->name), p.line,
		    STR_ARG(str_trim(sources_line(o->ss, p.src, p.line))));
}

static void put_code(struct sbuf *out, const struct obj *o, const struct obj_func *f)
{
	struct place last = { 0 };
	u32 line = 0, reloc = 0;

	for (u32 i = 0; i < f->n; i++) {
		struct isa_insn insn = f->insns[i], next = { 0 };
		u32 at = i;

		for (; line < f->lines.n && f->lines.at[line].insn <= i; line++)
			if (f->lines.at[line].insn == i)
				put_line(out, o, f->lines.at[line].span, &last);
		if (isa_is_wide(insn) && i + 1 < f->n)
			next = f->insns[++i];
		sbuf_printf(out, "%5u: ", at);
		while (reloc < f->relocs.n && f->relocs.at[reloc].insn < at)
			reloc++;
		if (reloc < f->relocs.n && f->relocs.at[reloc].insn == at)
			put_reloc(out, o, &f->relocs.at[reloc], insn.dst);
		else
			isa_print(out, insn, next);
		sbuf_putc(out, '\n');
	}
}

static void put_func(struct sbuf *out, const struct obj *o, const struct obj_func *f, bool code)
{
	sbuf_printf(out, "%sfunction " STR_FMT ": %u slots, stack %u",
		    f->is_global ? "global " : "", STR_ARG(f->name), f->n, f->stack);
	if (f->proto) {
		sbuf_puts(out, ", ");
		ty_print_decl(out, f->proto, f->name);
	}
	sbuf_putc(out, '\n');
	if (code)
		put_code(out, o, f);
}

void obj_print(struct sbuf *out, const struct obj *o, bool code)
{
	sbuf_puts(out, "license ");
	sbuf_quote(out, o->license);
	sbuf_putc(out, '\n');
	for (u32 i = 0; i < o->maps.n; i++)
		put_map(out, o, &o->maps.at[i]);
	for (u32 i = 0; i < o->datas.n; i++)
		put_data(out, o, &o->datas.at[i]);
	for (u32 i = 0; i < o->events.n; i++)
		put_event(out, o, i);
	for (u32 i = 0; i < o->progs.n; i++)
		put_prog(out, o, &o->progs.at[i]);
	for (u32 i = 0; i < o->funcs.n; i++)
		put_func(out, o, &o->funcs.at[i], code);
}
