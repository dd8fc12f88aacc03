/* Reading an ELF object: from the bytes of a relocatable BPF file to an obj.
 *
 * The file is taken as clang, llvm-mc and skep write it (System V ABI, chapter 4; Linux Documentation/bpf/
 * llvm_reloc.rst): sections of code hold one function a symbol; those of .text are subprograms, those of
 * other sections programs whose event is the section's name. Maps and data come from elf_data.c, references from
 * elf_reloc.c, names of functions, lines and CO-RE from elf_ext.c.
 *
 * Invariant: every section's bytes lie in the file, every symbol's section exists, every function lies in its
 * section and overlaps no other. Left out: big-endian files, struct_ops and other data with relocations.
 */
#include "obj/elf_in.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int obj_elf_bad(struct elf_in *in, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(in->e, -SKEP_EBADFILE, ROOM, "The object is malformed: %s.", text);
}

u32 obj_elf_word(str bytes, u64 off)
{
	u32 x;

	memcpy(&x, bytes.s + off, sizeof(x));
	return x;
}

/* ---- sections ----------------------------------------------------------------------------------- */

static str text_at(str table, u64 off)
{
	const char *end;

	if (off >= table.n)
		return (str){ 0 };
	end = memchr(table.s + off, 0, table.n - off);
	return end ? (str){ table.s + off, (u32)(end - table.s - off) } : (str){ 0 };
}

static int check_head(struct elf_in *in, Elf64_Ehdr *h)
{
	if (in->file.n < sizeof(*h) || memcmp(in->file.s, ELFMAG, SELFMAG) != 0)
		return obj_elf_bad(in, "it is no ELF file");
	memcpy(h, in->file.s, sizeof(*h));
	if (h->e_ident[EI_CLASS] != ELFCLASS64 || h->e_ident[EI_DATA] != ELFDATA2LSB)
		return err_set(in->e, -SKEP_EUNSUPPORTED, ROOM,
			       "Only 64-bit little-endian objects are read.");
	if (h->e_machine != EM_BPF && h->e_machine != EM_NONE)
		return err_set(in->e, -SKEP_EBADFILE, ROOM,
			       "This is not an object for BPF but for machine %u; clang -target "
			       "bpf makes one.",
			       h->e_machine);
	if (h->e_type != ET_REL)
		return obj_elf_bad(in, "it is not relocatable");
	if (!h->e_shnum || h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shoff > in->file.n ||
	    (in->file.n - h->e_shoff) / sizeof(Elf64_Shdr) < h->e_shnum)
		return obj_elf_bad(in, "its section headers lie outside of the file");
	if (h->e_shstrndx >= h->e_shnum)
		return obj_elf_bad(in, "the names of its sections are missing");
	return 0;
}

static enum elf_use use_of(const struct elf_section *s, u64 flags)
{
	if (s->type == SHT_PROGBITS && (flags & SHF_EXECINSTR) && s->size)
		return ELF_CODE;
	if (str_is(s->name, ".maps"))
		return ELF_BTF_MAPS;
	if (str_is(s->name, "maps") || str_starts(s->name, "maps/"))
		return ELF_MAPS;
	if (str_starts(s->name, ".data") || str_starts(s->name, ".rodata") ||
	    str_starts(s->name, ".bss"))
		return ELF_DATA;
	return ELF_OTHER;
}

static int read_section(struct elf_in *in, const Elf64_Ehdr *h, u32 i)
{
	struct elf_section *s = &in->sections[i];
	Elf64_Shdr sh;

	memcpy(&sh, in->file.s + h->e_shoff + i * sizeof(sh), sizeof(sh));
	*s = (struct elf_section){ .size = sh.sh_size,
				   .type = sh.sh_type,
				   .link = sh.sh_link,
				   .info = sh.sh_info,
				   .data = OBJ_NONE };
	if (sh.sh_type == SHT_NULL)
		s->size = 0;
	if (s->size > UINT32_MAX / 2)
		return obj_elf_bad(in, "section %u is too large", i);
	if (sh.sh_type == SHT_NOBITS || sh.sh_type == SHT_NULL)
		return 0;
	if (sh.sh_offset > in->file.n || sh.sh_size > in->file.n - sh.sh_offset)
		return obj_elf_bad(in, "section %u lies outside of the file", i);
	s->bytes = (str){ in->file.s + sh.sh_offset, (u32)sh.sh_size };
	return 0;
}

static int read_sections(struct elf_in *in)
{
	Elf64_Ehdr h = { .e_shnum = 0 };
	Elf64_Shdr sh;
	int r = check_head(in, &h);

	if (r)
		return r;
	in->n_sections = h.e_shnum;
	in->sections = arena_array_of(in->a, struct elf_section, h.e_shnum);
	for (u32 i = 0; !r && i < h.e_shnum; i++)
		r = read_section(in, &h, i);
	for (u32 i = 0; !r && i < h.e_shnum; i++) {
		struct elf_section *s = &in->sections[i];

		memcpy(&sh, in->file.s + h.e_shoff + i * sizeof(sh), sizeof(sh));
		s->name = text_at(in->sections[h.e_shstrndx].bytes, sh.sh_name);
		s->use = use_of(s, sh.sh_flags);
		if (s->use == ELF_CODE && s->size % sizeof(struct isa_insn))
			r = obj_elf_bad(
				in, "section '" STR_FMT "' is not a whole number of instructions",
				STR_ARG(s->name));
	}
	return r;
}

u32 obj_elf_section_named(const struct elf_in *in, str name)
{
	for (u32 i = 1; i < in->n_sections; i++)
		if (str_eq(in->sections[i].name, name))
			return i;
	return OBJ_NONE;
}

/* ---- symbols ------------------------------------------------------------------------------------ */

static int read_symbols(struct elf_in *in)
{
	const struct elf_section *table = NULL;
	str names;

	for (u32 i = 0; i < in->n_sections; i++)
		if (in->sections[i].type == SHT_SYMTAB)
			table = &in->sections[i];
	if (!table)
		return obj_elf_bad(in, "it has no symbols");
	if (table->link >= in->n_sections)
		return obj_elf_bad(in, "the names of its symbols are missing");
	names = in->sections[table->link].bytes;
	for (u64 off = 0; off + sizeof(Elf64_Sym) <= table->bytes.n; off += sizeof(Elf64_Sym)) {
		struct elf_symbol *s = vec_push(in->a, &in->symbols);
		Elf64_Sym sym;

		memcpy(&sym, table->bytes.s + off, sizeof(sym));
		*s = (struct elf_symbol){ .name = text_at(names, sym.st_name),
					  .value = sym.st_value,
					  .size = sym.st_size,
					  .section = sym.st_shndx,
					  .type = ELF64_ST_TYPE(sym.st_info),
					  .bind = ELF64_ST_BIND(sym.st_info) };
		if (sym.st_shndx < SHN_LORESERVE && sym.st_shndx >= in->n_sections)
			return obj_elf_bad(in,
					   "symbol '" STR_FMT "' is in a section that is not there",
					   STR_ARG(s->name));
		if (s->type == STT_SECTION && sym.st_shndx < in->n_sections)
			s->name = in->sections[sym.st_shndx].name;
	}
	return 0;
}

/* ---- functions and programs --------------------------------------------------------------------- */

static void add_function(struct elf_in *in, u32 section, str name, u32 insn, u32 n, bool is_global)
{
	const struct elf_section *s = &in->sections[section];
	struct obj_func *f = vec_push(in->a, &in->obj->funcs);
	struct obj_prog *p;

	*f = (struct obj_func){ .name = name, .n = n, .is_global = is_global };
	f->insns = arena_dup(in->a, s->bytes.s + (size_t)insn * 8, (size_t)n * 8);
	*vec_push(in->a, &in->places) = (struct elf_place){ section, insn };
	if (str_is(s->name, ".text"))
		return;
	p = vec_push(in->a, &in->obj->progs);
	*p = (struct obj_prog){ .name = name,
				.section = s->name,
				.func = in->obj->funcs.n - 1,
				.attach_type = OBJ_NONE };
	if (str_starts(p->section, "?")) {
		p->disabled = true;
		p->section = str_sub(p->section, 1, p->section.n - 1);
	}
}

static int order(const void *x, const void *y)
{
	const struct elf_symbol *a = x, *b = y;

	return a->value < b->value ? -1 : a->value > b->value;
}

/* The functions of one section, by their symbols; where nothing is named the section is one function. */
static int read_code(struct elf_in *in, u32 section)
{
	const struct elf_section *s = &in->sections[section];
	vec(struct elf_symbol) list = { 0 };
	u64 at = 0;

	for (u32 i = 0; i < in->symbols.n; i++) {
		const struct elf_symbol *sym = &in->symbols.at[i];

		if (sym->section == section &&
		    (sym->type == STT_FUNC || (sym->type == STT_NOTYPE && sym->bind == STB_GLOBAL)))
			*vec_push(in->a, &list) = *sym;
	}
	if (!list.n) {
		add_function(in, section, s->name, 0, (u32)(s->size / 8), true);
		return 0;
	}
	qsort(list.at, list.n, sizeof(*list.at), order);
	for (u32 i = 0; i < list.n; i++) {
		const struct elf_symbol *sym = &list.at[i];
		u64 size = sym->size;

		if (!size)
			size = (i + 1 < list.n ? list.at[i + 1].value : s->size) - sym->value;
		if (sym->value < at || sym->value % 8 || !size || size % 8 ||
		    sym->value > s->size || size > s->size - sym->value)
			return obj_elf_bad(in, "function '" STR_FMT "' does not lie in its section",
					   STR_ARG(sym->name));
		add_function(in, section, sym->name, (u32)(sym->value / 8), (u32)(size / 8),
			     sym->bind != STB_LOCAL);
		at = sym->value + size;
	}
	return 0;
}

u32 obj_elf_func_at(const struct elf_in *in, u32 section, u64 insn, u32 *out_insn)
{
	for (u32 i = 0; i < in->places.n; i++) {
		const struct elf_place *p = &in->places.at[i];

		if (p->section != section || insn < p->insn ||
		    insn - p->insn >= in->obj->funcs.at[i].n)
			continue;
		*out_insn = (u32)(insn - p->insn);
		return i;
	}
	return OBJ_NONE;
}

static int read_functions(struct elf_in *in)
{
	int r = 0;

	for (u32 i = 1; !r && i < in->n_sections; i++)
		if (in->sections[i].use == ELF_CODE)
			r = read_code(in, i);
	if (!r && !in->obj->progs.n)
		return err_set(in->e, -SKEP_EBADFILE, ROOM,
			       "The object holds no program: no section but .text has code.");
	return r;
}

static void read_notes(struct elf_in *in)
{
	u32 license = obj_elf_section_named(in, STR("license"));
	u32 version = obj_elf_section_named(in, STR("version"));

	in->obj->license = (str){ 0 };
	if (license != OBJ_NONE)
		in->obj->license = text_at(in->sections[license].bytes, 0);
	if (version != OBJ_NONE && in->sections[version].bytes.n >= 4)
		in->obj->kern_version = obj_elf_word(in->sections[version].bytes, 0);
}

int obj_read_elf(struct arena *a, const struct obj_elf_options *o, str bytes, struct obj **out,
		 struct err *e)
{
	struct elf_in in = { .a = a, .o = o, .file = bytes, .e = e, .kconfig = OBJ_NONE };
	int r;

	*out = NULL;
	in.obj = obj_new(a, o->ss);
	r = read_sections(&in);
	r = r ? r : read_symbols(&in);
	r = r ? r : obj_elf_read_btf(&in);
	r = r ? r : read_functions(&in);
	r = r ? r : obj_elf_read_maps(&in);
	r = r ? r : obj_elf_read_data(&in);
	r = r ? r : obj_elf_read_relocs(&in);
	r = r ? r : obj_elf_read_ext(&in);
	if (r)
		return r;
	read_notes(&in);
	*out = in.obj;
	return 0;
}
