/* Writing an object as ELF: an obj becomes a relocatable file that libbpf, bpftool and skep read.
 *
 * The layout is clang's (System V ABI, chapter 4; Linux Documentation/bpf/llvm_reloc.rst and libbpf/
 * program_types.rst): programs in sections named for their event, their functions in .text, one section for each piece
 * of data, map definitions in .maps, whose real content is in BTF (elf_maps.c), license, .BTF, .BTF.ext. Every reference
 * is a relocation.
 *
 * What skep's own loop does with a program's output has no place in an object: such programs are refused, as are
 * references to the kernel's functions and variables, which are not written yet. Offsets into kernel types are those
 * of the kernel that was compiled for.
 */
#include "obj/elf_out.h"

#include <string.h>

/* ---- sections ----------------------------------------------------------------------------------- */

static u32 add_section(struct elf_out *w, str name, u32 type, u64 flags)
{
	struct out_section *s = vec_push(w->a, &w->sections);

	*s = (struct out_section){ .name = name, .type = type, .flags = flags, .align = 8 };
	sbuf_init(&s->bytes, w->a);
	return w->sections.n - 1;
}

static u32 section_named(struct elf_out *w, str name, u32 type, u64 flags)
{
	for (u32 i = 1; i < w->sections.n; i++)
		if (str_eq(w->sections.at[i].name, name))
			return i;
	return add_section(w, name, type, flags);
}

static void put(struct elf_out *w, u32 section, const void *bytes, u32 n)
{
	sbuf_put(&w->sections.at[section].bytes, (str){ bytes, n });
}

/* ---- symbols ------------------------------------------------------------------------------------ */

static u32 string(struct sbuf *strings, str s)
{
	u32 at = strings->n;

	sbuf_put(strings, s);
	sbuf_putc(strings, 0);
	return at;
}

static u32 add_symbol(struct elf_out *w, str name, u8 bind, u8 type, u32 section, u64 value,
		      u64 size)
{
	Elf64_Sym s = { .st_info = ELF64_ST_INFO(bind, type),
			.st_shndx = (u16)section,
			.st_value = value,
			.st_size = size };

	s.st_name = name.n ? string(&w->strings, name) : 0;
	*vec_push(w->a, &w->symbols) = s;
	return w->symbols.n - 1;
}

/* ---- what a program's section is called ----------------------------------------------------------- */

static bool has_type(str section, u32 prog_type)
{
	str target;
	const struct isa_section *row = isa_section_match(section, &target);

	return row && row->prog == prog_type;
}

/* "tracepoint:sched:sched_switch" as a section: tracepoint/sched/sched_switch. */
static str section_of_attach(struct elf_out *w, str attach)
{
	str provider = str_cut(&attach, ':');
	char *text = arena_dup(w->a, attach.s, attach.n);

	for (u32 i = 0; str_is(provider, "tracepoint") && i < attach.n; i++)
		if (text[i] == ':')
			text[i] = '/';
	return str_printf(w->a, STR_FMT "/%.*s", STR_ARG(provider), (int)attach.n, text);
}

static str section_of(struct elf_out *w, const struct obj_prog *p)
{
	str own = section_of_attach(w, p->attach);

	if ((str_starts(p->attach, "tracepoint:") || str_starts(p->attach, "uprobe:") ||
	     str_starts(p->attach, "uretprobe:")) &&
	    has_type(own, p->prog_type))
		return own;
	if (has_type(p->section, p->prog_type))
		return p->section;
	for (u32 i = 0; i < isa_section_count(); i++)
		if (isa_section_at(i)->prog == p->prog_type &&
		    !(isa_section_at(i)->flags & ISA_SEC_SLEEPS))
			return str_of(isa_section_at(i)->prefix);
	return p->section;
}

/* ---- functions ---------------------------------------------------------------------------------- */

static const struct obj_prog *prog_of(const struct obj *o, u32 func)
{
	for (u32 i = 0; i < o->progs.n; i++)
		if (o->progs.at[i].func == func)
			return &o->progs.at[i];
	return NULL;
}

static void place_function(struct elf_out *w, u32 i)
{
	const struct obj_func *f = &w->o->funcs.at[i];
	const struct obj_prog *p = prog_of(w->o, i);
	str name = p ? section_of(w, p) : STR(".text");
	struct out_section *s;

	if (!f->n)
		return;
	if (p && p->disabled)
		name = str_printf(w->a, "?" STR_FMT, STR_ARG(name));
	w->funcs[i].section = section_named(w, name, SHT_PROGBITS, SHF_ALLOC | SHF_EXECINSTR);
	s = &w->sections.at[w->funcs[i].section];
	w->funcs[i].insn = s->bytes.n / 8;
	*vec_push(w->a, &s->parts) = (struct obj_part){ w->funcs[i].insn, i };
	put(w, w->funcs[i].section, f->insns, f->n * 8);
}

static void name_functions(struct elf_out *w, bool is_local)
{
	for (u32 i = 0; i < w->o->funcs.n; i++) {
		const struct obj_func *f = &w->o->funcs.at[i];
		bool local = !f->is_global && !prog_of(w->o, i);

		if (f->n && local == is_local)
			w->funcs[i].symbol = add_symbol(w, f->name, local ? STB_LOCAL : STB_GLOBAL,
							STT_FUNC, w->funcs[i].section,
							w->funcs[i].insn * 8ull, f->n * 8ull);
	}
}

/* ---- data and maps ------------------------------------------------------------------------------ */

static void place_data(struct elf_out *w, u32 i)
{
	const struct obj_data *d = &w->o->datas.at[i];
	u64 flags = d->kind == OBJ_RODATA ? SHF_ALLOC : SHF_ALLOC | SHF_WRITE;
	u32 s;

	if (!d->size)
		return;
	s = add_section(w, d->name, d->kind == OBJ_BSS ? SHT_NOBITS : SHT_PROGBITS, flags);
	w->datas[i].section = s;
	w->sections.at[s].nobits = d->kind == OBJ_BSS ? d->size : 0;
	if (d->kind != OBJ_BSS)
		put(w, s, d->bytes, d->size);
}

static void name_data(struct elf_out *w)
{
	for (u32 i = 0; i < w->o->datas.n; i++)
		if (w->datas[i].section)
			w->datas[i].symbol = add_symbol(w, (str){ 0 }, STB_LOCAL, STT_SECTION,
							w->datas[i].section, 0, 0);
	for (u32 i = 0; i < w->o->datas.n; i++) {
		const struct obj_data *d = &w->o->datas.at[i];

		for (u32 k = 0; w->datas[i].section && k < d->vars.n; k++)
			if (d->vars.at[k].name.n && d->vars.at[k].is_static)
				add_symbol(w, d->vars.at[k].name, STB_LOCAL, STT_OBJECT,
					   w->datas[i].section, d->vars.at[k].off,
					   d->vars.at[k].size);
	}
}

static void name_globals(struct elf_out *w, u32 license)
{
	for (u32 i = 0; i < w->o->datas.n; i++) {
		const struct obj_data *d = &w->o->datas.at[i];

		for (u32 k = 0; w->datas[i].section && k < d->vars.n; k++)
			if (d->vars.at[k].name.n && !d->vars.at[k].is_static)
				add_symbol(w, d->vars.at[k].name, STB_GLOBAL, STT_OBJECT,
					   w->datas[i].section, d->vars.at[k].off,
					   d->vars.at[k].size);
	}
	for (u32 i = 0; i < w->o->maps.n; i++)
		if (w->maps[i].size)
			w->maps[i].symbol =
				add_symbol(w, w->o->maps.at[i].name, STB_GLOBAL, STT_OBJECT,
					   w->maps_section, w->maps[i].off, w->maps[i].size);
	add_symbol(w, STR("LICENSE"), STB_GLOBAL, STT_OBJECT, license, 0,
		   w->sections.at[license].bytes.n);
}

/* ---- relocations -------------------------------------------------------------------------------- */

enum { R_WIDE = 1, R_CALL = 10 };

static int not_written(struct elf_out *w, const struct obj_func *f, const struct obj_reloc *r)
{
	return err_set(w->e, -SKEP_EUNSUPPORTED, "obj",
		       "Function " STR_FMT " refers to '" STR_FMT
		       "' of the kernel or of skep's own loader; an object with that cannot be "
		       "written yet.",
		       STR_ARG(f->name), STR_ARG(r->name));
}

static int write_reloc(struct elf_out *w, u32 func, const struct obj_reloc *r)
{
	const struct obj_func *f = &w->o->funcs.at[func];
	u32 at = w->funcs[func].insn + r->insn, symbol = 0, type = R_WIDE;
	struct isa_insn *code =
		(struct isa_insn *)(void *)w->sections.at[w->funcs[func].section].bytes.s;
	Elf64_Rel rel = { .r_offset = at * 8ull };

	switch (r->kind) {
	case OBJ_R_MAP:
		symbol = w->maps[r->index].symbol;
		code[at].imm = 0;
		code[at].src = 0;
		break;
	case OBJ_R_DATA:
		symbol = w->datas[r->index].symbol;
		code[at].imm = (s32)r->add;
		code[at].src = 0;
		break;
	case OBJ_R_CALL:
		symbol = w->funcs[r->index].symbol;
		type = R_CALL;
		code[at].imm = -1;
		code[at].src = ISA_CALL_LOCAL;
		break;
	case OBJ_R_FUNC:
		symbol = w->text_symbol;
		code[at].imm = (s32)w->funcs[r->index].insn * 8;
		code[at].src = 0;
		break;
	default: return not_written(w, f, r);
	}
	if (isa_is_wide(code[at]))
		code[at + 1].imm = 0;
	if (!symbol)
		return err_set(w->e, -SKEP_EBADFILE, "obj",
			       "Function " STR_FMT " refers to something that the object lacks.",
			       STR_ARG(f->name));
	rel.r_info = ELF64_R_INFO((u64)symbol, type);
	sbuf_put(&w->sections.at[w->funcs[func].section].rels,
		 (str){ (const char *)&rel, sizeof(rel) });
	return 0;
}

static int write_relocs(struct elf_out *w)
{
	int r = 0;

	for (u32 i = 1; i < w->sections.n; i++)
		sbuf_init(&w->sections.at[i].rels, w->a);
	for (u32 i = 0; i < w->o->funcs.n; i++)
		for (u32 k = 0; !r && k < w->o->funcs.at[i].relocs.n; k++)
			r = write_reloc(w, i, &w->o->funcs.at[i].relocs.at[k]);
	return r;
}

/* ---- .BTF.ext ----------------------------------------------------------------------------------- */

static void put_word(struct sbuf *b, u32 x)
{
	sbuf_put(b, (str){ (const char *)&x, sizeof(x) });
}

/* The records of a section: slots become bytes. */
static void put_records(struct elf_out *w, struct sbuf *to, str section, str records, u32 size)
{
	if (!records.n)
		return;
	put_word(to, ty_out_string(w->btf.out, section));
	put_word(to, records.n / size);
	for (u32 at = 0; at < records.n; at += size) {
		u32 insn;

		memcpy(&insn, records.s + at, sizeof(insn));
		put_word(to, insn * 8);
		sbuf_put(to, str_sub(records, at + 4, size - 4));
	}
}

static void write_ext(struct elf_out *w, u32 section)
{
	struct sbuf funcs, lines, *out = &w->sections.at[section].bytes;
	u32 head[8] = { 0x0001eb9f, 32 };

	sbuf_init(&funcs, w->a);
	sbuf_init(&lines, w->a);
	put_word(&funcs, 8);
	put_word(&lines, 16);
	for (u32 i = 1; i < w->sections.n; i++) {
		const struct out_section *s = &w->sections.at[i];
		struct obj_image image = { .n = s->bytes.n / 8 };
		str f, l;

		if (!s->parts.n)
			continue;
		memcpy(&image.parts, &s->parts, sizeof(image.parts));
		obj_debug_build(w->a, w->o, &image, &w->btf, &f, &l);
		put_records(w, &funcs, s->name, f, 8);
		put_records(w, &lines, s->name, l, 16);
	}
	head[3] = funcs.n;
	head[4] = funcs.n;
	head[5] = lines.n;
	head[6] = funcs.n + lines.n;
	sbuf_put(out, (str){ (const char *)head, sizeof(head) });
	sbuf_put(out, sbuf_str(&funcs));
	sbuf_put(out, sbuf_str(&lines));
}

/* ---- the file ----------------------------------------------------------------------------------- */

static void align(struct sbuf *b, u32 to)
{
	sbuf_pad(b, 0, (u32)(round_up(b->n, to) - b->n));
}

/* The file in the making: sections' bytes, and the headers that go behind them. */
struct file {
	struct sbuf out, headers;
};

static void put_section(struct elf_out *w, struct file *f, Elf64_Shdr h, str name, str bytes)
{
	align(&f->out, 8);
	h.sh_name = string(&w->strings, name);
	h.sh_offset = f->out.n;
	/* The strings are whole only now. */
	if (h.sh_type == SHT_STRTAB)
		bytes = sbuf_str(&w->strings);
	if (h.sh_type != SHT_NOBITS)
		h.sh_size = bytes.n;
	sbuf_put(&f->out, bytes);
	sbuf_put(&f->headers, (str){ (const char *)&h, sizeof(h) });
}

static void put_contents(struct elf_out *w, struct file *f, u32 symtab)
{
	for (u32 i = 1; i < w->sections.n; i++) {
		const struct out_section *s = &w->sections.at[i];
		Elf64_Shdr h = { .sh_type = s->type,
				 .sh_flags = s->flags,
				 .sh_addralign = s->align };

		h.sh_size = s->nobits;
		put_section(w, f, h, s->name, sbuf_str(&s->bytes));
	}
	for (u32 i = 1; i < w->sections.n; i++) {
		const struct out_section *s = &w->sections.at[i];
		Elf64_Shdr h = { .sh_type = SHT_REL, .sh_flags = SHF_INFO_LINK, .sh_addralign = 8 };

		if (!s->rels.n)
			continue;
		h.sh_link = symtab;
		h.sh_info = i;
		h.sh_entsize = sizeof(Elf64_Rel);
		put_section(w, f, h, str_printf(w->a, ".rel" STR_FMT, STR_ARG(s->name)),
			    sbuf_str(&s->rels));
	}
}

static str write_file(struct elf_out *w, u32 n_local)
{
	Elf64_Ehdr head = { .e_ident = { 0x7f, 'E', 'L', 'F', ELFCLASS64, ELFDATA2LSB, EV_CURRENT },
			    .e_type = ET_REL,
			    .e_machine = EM_BPF,
			    .e_version = EV_CURRENT,
			    .e_ehsize = sizeof(head),
			    .e_shentsize = sizeof(Elf64_Shdr) };
	Elf64_Shdr none = { .sh_type = SHT_NULL };
	Elf64_Shdr symbols = { .sh_type = SHT_SYMTAB, .sh_addralign = 8 };
	Elf64_Shdr strings = { .sh_type = SHT_STRTAB, .sh_addralign = 1 };
	u32 symtab = w->sections.n;
	struct file f;

	for (u32 i = 1; i < w->sections.n; i++)
		symtab += w->sections.at[i].rels.n != 0;
	sbuf_init(&f.out, w->a);
	sbuf_init(&f.headers, w->a);
	sbuf_put(&f.out, (str){ (const char *)&head, sizeof(head) });
	sbuf_put(&f.headers, (str){ (const char *)&none, sizeof(none) });
	put_contents(w, &f, symtab);
	symbols.sh_link = symtab + 1;
	symbols.sh_info = n_local;
	symbols.sh_entsize = sizeof(Elf64_Sym);
	put_section(w, &f, symbols, STR(".symtab"),
		    (str){ (const char *)w->symbols.at, w->symbols.n * (u32)sizeof(Elf64_Sym) });
	put_section(w, &f, strings, STR(".strtab"), (str){ 0 });
	align(&f.out, 8);
	head.e_shoff = f.out.n;
	head.e_shnum = (u16)(symtab + 2);
	head.e_shstrndx = (u16)(symtab + 1);
	sbuf_put(&f.out, sbuf_str(&f.headers));
	memcpy(f.out.s, &head, sizeof(head));
	return sbuf_str(&f.out);
}

static int check(struct elf_out *w)
{
	if (w->o->events.n)
		return err_set(
			w->e, -SKEP_EUNSUPPORTED, "obj",
			"The program's output (printf and the like) is put into words by skep "
			"while it runs; an object cannot carry that. In C, bpf_trace_printk() "
			"and bpf_printk() go to the kernel's trace pipe.");
	if (w->o->maps.n + w->o->funcs.n + w->o->datas.n > 0xf000)
		return err_set(w->e, -E2BIG, "obj", "The object would have too many sections.");
	return 0;
}

int obj_write_elf(struct arena *a, const struct obj *o, str *out_bytes, struct err *e)
{
	struct elf_out w = { .a = a, .o = o, .e = e };
	u32 license, btf, ext, n_local;
	int r = check(&w);

	*out_bytes = (str){ 0 };
	if (r)
		return r;
	sbuf_init(&w.strings, a);
	sbuf_putc(&w.strings, 0);
	w.funcs = arena_array_of(a, struct out_place, o->funcs.n + 1);
	w.datas = arena_array_of(a, struct out_place, o->datas.n + 1);
	w.maps = arena_array_of(a, struct out_map, o->maps.n + 1);
	add_section(&w, (str){ 0 }, SHT_NULL, 0);
	add_symbol(&w, (str){ 0 }, 0, 0, 0, 0, 0);
	for (u32 i = 0; i < o->funcs.n; i++)
		place_function(&w, i);
	for (u32 i = 0; i < o->datas.n; i++)
		place_data(&w, i);
	license = add_section(&w, STR("license"), SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
	put(&w, license, str_z(a, o->license), o->license.n + 1);
	obj_btf_build(a, o, &w.btf);
	w.maps_section = add_section(&w, STR(".maps"), SHT_PROGBITS, SHF_ALLOC | SHF_WRITE);
	obj_elf_write_maps(&w);
	btf = add_section(&w, STR(".BTF"), SHT_PROGBITS, 0);
	ext = add_section(&w, STR(".BTF.ext"), SHT_PROGBITS, 0);
	for (u32 i = 1; i < w.sections.n; i++)
		if (str_is(w.sections.at[i].name, ".text"))
			w.text_symbol = add_symbol(&w, (str){ 0 }, STB_LOCAL, STT_SECTION, i, 0, 0);
	name_data(&w);
	name_functions(&w, true);
	n_local = w.symbols.n;
	name_functions(&w, false);
	name_globals(&w, license);
	r = write_relocs(&w);
	if (r)
		return r;
	write_ext(&w, ext);
	sbuf_put(&w.sections.at[btf].bytes, obj_btf_blob(&w.btf));
	*out_bytes = write_file(&w, n_local);
	return 0;
}
