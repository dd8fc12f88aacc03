/* Section .BTF.ext of an ELF object: prototypes of functions, lines, and CO-RE relocations.
 *
 * Layout (Linux Documentation/bpf/btf.rst, 4.1): a header with the place of each table; a table is a record size,
 * then for each section its name, a count and the records. Offsets are in bytes of the section.
 *
 * A line record quotes its source line. The lines of one file become a text that has them where they were and nothing
 * between, so that diagnostics can show them although the file may be gone.
 */
#include "obj/elf_in.h"

#include <string.h>

enum { MAX_LINE = 1 << 20, MAX_QUOTED = 8 << 20 };

struct table {
	str bytes;
	u32 size;
};

typedef int (*record_fn)(struct elf_in *in, void *arg, u32 section, str record);

/* ---- tables ------------------------------------------------------------------------------------- */

/* The table whose offset and length stand at `field` of the header; empty when the header is shorter. */
static int find_table(struct elf_in *in, str ext, u32 field, u32 least, struct table *out)
{
	u32 head = obj_elf_word(ext, 4), off, len;

	*out = (struct table){ .size = least };
	if (field + 8 > head)
		return 0;
	off = obj_elf_word(ext, field);
	len = obj_elf_word(ext, field + 4);
	if (head > ext.n || off > ext.n - head || len > ext.n - head - off)
		return obj_elf_bad(in, "a table of .BTF.ext lies outside of it");
	if (len < 4)
		return 0;
	out->bytes = str_sub(ext, head + off, len);
	out->size = obj_elf_word(out->bytes, 0);
	if (out->size < least || out->size > 4096)
		return obj_elf_bad(in, "a table of .BTF.ext has records of %u bytes", out->size);
	out->bytes = str_sub(out->bytes, 4, len - 4);
	return 0;
}

static int each_record(struct elf_in *in, const struct table *t, record_fn fn, void *arg)
{
	u64 at = 0;
	int r = 0;

	while (!r && t->bytes.n - at >= 8) {
		str name = obj_elf_btf_string(in, obj_elf_word(t->bytes, at));
		u32 n = obj_elf_word(t->bytes, at + 4), section = obj_elf_section_named(in, name);

		at += 8;
		if (n > (t->bytes.n - at) / t->size)
			return obj_elf_bad(in, "a table of .BTF.ext is cut short");
		for (u32 i = 0; !r && i < n; i++, at += t->size)
			if (section != OBJ_NONE)
				r = fn(in, arg, section, str_sub(t->bytes, (u32)at, t->size));
	}
	return r;
}

/* ---- functions ---------------------------------------------------------------------------------- */

static int take_function(struct elf_in *in, void *arg, u32 section, str rec)
{
	u32 insn, func = obj_elf_func_at(in, section, obj_elf_word(rec, 0) / 8, &insn);

	(void)arg;
	for (u32 i = 0; func != OBJ_NONE && !insn && i < in->funcs.n; i++) {
		const struct elf_func_type *t = &in->funcs.at[i];
		const struct type *proto;

		if (t->id != obj_elf_word(rec, 4))
			continue;
		proto = ty_btf_by_id(in->btf, t->proto);
		if (proto && proto->kind == TY_FUNC)
			in->obj->funcs.at[func].proto = proto;
		in->obj->funcs.at[func].is_global = t->linkage == TY_GLOBAL;
	}
	return 0;
}

/* ---- lines -------------------------------------------------------------------------------------- */

/* The quoted lines of one file. */
struct quoted {
	str file;
	u32 most;
	str *lines;
	u32 *starts;
	struct source *src;
};
struct lines {
	vec(struct quoted) files;
	u64 total;
};

static struct quoted *file_of(struct elf_in *in, struct lines *l, str name)
{
	for (u32 i = 0; i < l->files.n; i++)
		if (str_eq(l->files.at[i].file, name))
			return &l->files.at[i];
	*vec_push(in->a, &l->files) = (struct quoted){ .file = name };
	return vec_last(&l->files);
}

static u32 line_of(str rec)
{
	u32 line = obj_elf_word(rec, 12) >> 10;

	return line < MAX_LINE ? line : 0;
}

static int find_last(struct elf_in *in, void *arg, u32 section, str rec)
{
	struct quoted *q = file_of(in, arg, obj_elf_btf_string(in, obj_elf_word(rec, 4)));

	(void)section;
	if (line_of(rec) > q->most)
		q->most = line_of(rec);
	return 0;
}

static int quote(struct elf_in *in, void *arg, u32 section, str rec)
{
	struct lines *l = arg;
	struct quoted *q = file_of(in, l, obj_elf_btf_string(in, obj_elf_word(rec, 4)));
	str text = obj_elf_btf_string(in, obj_elf_word(rec, 8));
	u32 line = line_of(rec);

	(void)section;
	for (u32 i = 0; i < text.n; i++)
		if (text.s[i] == '\n')
			text.n = i;
	if (!q->lines || !line || q->lines[line].n || l->total + text.n > MAX_QUOTED)
		return 0;
	q->lines[line] = text;
	l->total += text.n;
	return 0;
}

static void make_source(struct elf_in *in, struct quoted *q)
{
	struct sbuf text;

	sbuf_init(&text, in->a);
	for (u32 i = 1; i <= q->most; i++) {
		q->starts[i] = text.n;
		sbuf_put(&text, q->lines[i]);
		sbuf_putc(&text, '\n');
	}
	q->src = sources_add(in->o->ss, q->file, sbuf_str(&text));
}

/* From the record's column to the end of its statement. */
static struct span span_of(const struct quoted *q, str rec)
{
	u32 line = line_of(rec), col = obj_elf_word(rec, 12) & 0x3ff, end;
	str text = q->lines[line];
	struct span s;

	col = col ? col - 1 : 0;
	while (col < text.n && (text.s[col] == ' ' || text.s[col] == '\t'))
		col++;
	if (col >= text.n)
		col = 0;
	for (end = col; end < text.n && text.s[end] != ';' && text.s[end] != '{';)
		end++;
	while (end > col + 1 && (text.s[end - 1] == ' ' || text.s[end - 1] == '\t'))
		end--;
	s.lo = q->src->base + q->starts[line] + col;
	s.hi = q->src->base + q->starts[line] + (end > col ? end : col + 1);
	return s;
}

static int take_line(struct elf_in *in, void *arg, u32 section, str rec)
{
	struct quoted *q = file_of(in, arg, obj_elf_btf_string(in, obj_elf_word(rec, 4)));
	u32 insn, func = obj_elf_func_at(in, section, obj_elf_word(rec, 0) / 8, &insn);
	struct obj_func *f;

	if (func == OBJ_NONE || !q->src || !line_of(rec))
		return 0;
	f = &in->obj->funcs.at[func];
	if (f->lines.n && vec_last(&f->lines)->insn >= insn)
		return 0;
	/* The first record of a function is at its first instruction. */
	if (!f->lines.n && insn)
		return 0;
	*vec_push(in->a, &f->lines) = (struct obj_line){ insn, span_of(q, rec) };
	if (!insn)
		f->span = f->lines.at[0].span;
	return 0;
}

static int read_lines(struct elf_in *in, const struct table *t)
{
	struct lines l = { .total = 0 };
	u64 slots = 0;
	int r;

	if (!in->o->ss)
		return 0;
	r = each_record(in, t, find_last, &l);
	for (u32 i = 0; i < l.files.n; i++) {
		struct quoted *q = &l.files.at[i];

		slots += q->most;
		if (!q->most || !q->file.n || slots > MAX_LINE)
			continue;
		q->lines = arena_array_of(in->a, str, q->most + 1);
		q->starts = arena_array_of(in->a, u32, q->most + 1);
	}
	r = r ? r : each_record(in, t, quote, &l);
	for (u32 i = 0; !r && i < l.files.n; i++)
		if (l.files.at[i].lines)
			make_source(in, &l.files.at[i]);
	return r ? r : each_record(in, t, take_line, &l);
}

/* ---- CO-RE -------------------------------------------------------------------------------------- */

static int take_core(struct elf_in *in, void *arg, u32 section, str rec)
{
	struct elf_core c = { obj_elf_word(rec, 4), obj_elf_word(rec, 8), obj_elf_word(rec, 12) };
	u32 insn, func = obj_elf_func_at(in, section, obj_elf_word(rec, 0) / 8, &insn);

	(void)arg;
	if (func == OBJ_NONE || obj_elf_word(rec, 0) % 8)
		return obj_elf_bad(in, "a CO-RE relocation is outside of all functions");
	return obj_elf_core_apply(in, &in->obj->funcs.at[func], insn, &c);
}

int obj_elf_read_ext(struct elf_in *in)
{
	u32 section = obj_elf_section_named(in, STR(".BTF.ext"));
	struct table funcs, lines, core;
	str ext;
	int r;

	if (section == OBJ_NONE || !in->btf)
		return 0;
	ext = in->sections[section].bytes;
	if (ext.n < 24 || (obj_elf_word(ext, 0) & 0xffff) != 0xeb9f || obj_elf_word(ext, 4) < 24)
		return obj_elf_bad(in, "its .BTF.ext has no header");
	r = find_table(in, ext, 8, 8, &funcs);
	r = r ? r : find_table(in, ext, 16, 16, &lines);
	r = r ? r : find_table(in, ext, 24, 16, &core);
	r = r ? r : each_record(in, &funcs, take_function, NULL);
	r = r ? r : read_lines(in, &lines);
	return r ? r : each_record(in, &core, take_core, NULL);
}
