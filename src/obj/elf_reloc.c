/* Relocations of an ELF object: what each instruction refers to.
 *
 * A reference names a symbol; the symbol's section tells what it is (Linux Documentation/bpf/llvm_reloc.rst):
 *
 *   call, symbol in code            a function, imm + 1 slots behind the symbol
 *   call, undefined symbol          a kernel function
 *   wide load, symbol of a map      the map
 *   wide load, symbol in data       an address: the symbol's place and the number in the instruction
 *   wide load, symbol in code       a function as a callback
 *   wide load, undefined symbol     a kernel variable, or a value of the kernel's configuration
 *
 * Calls inside one section have no relocation: their distance is in the instruction.
 */
#include "obj/elf_in.h"

#include <string.h>

struct reloc {
	struct obj_func *f;
	u32 func, insn, section;
};

static int bad_at(struct elf_in *in, const struct reloc *r, const char *what)
{
	return obj_elf_bad(in, "instruction %u of '" STR_FMT "' %s", r->insn, STR_ARG(r->f->name),
			   what);
}

static void add(struct elf_in *in, const struct reloc *at, enum obj_reloc_kind kind, u32 index,
		s64 off, str name)
{
	*vec_push(in->a, &at->f->relocs) = (struct obj_reloc){
		.insn = at->insn, .kind = kind, .index = index, .add = off, .name = name
	};
}

static int to_function(struct elf_in *in, const struct reloc *at, enum obj_reloc_kind kind,
		       u32 section, s64 slot)
{
	u32 insn = 0, func = OBJ_NONE;

	if (slot >= 0)
		func = obj_elf_func_at(in, section, (u64)slot, &insn);
	if (func == OBJ_NONE || insn)
		return bad_at(in, at, "refers to code where no function starts");
	/* The linker counts anew. */
	at->f->insns[at->insn].imm = 0;
	if (kind == OBJ_R_CALL)
		at->f->insns[at->insn].src = ISA_CALL_LOCAL;
	else
		at->f->insns[at->insn].src = ISA_FUNC;
	add(in, at, kind, func, 0, (str){ 0 });
	return 0;
}

static int read_call(struct elf_in *in, const struct reloc *at, const struct elf_symbol *s)
{
	s32 imm = at->f->insns[at->insn].imm;

	if (s->section == SHN_UNDEF) {
		if (!s->name.n)
			return bad_at(in, at, "calls a function without a name");
		at->f->insns[at->insn].src = ISA_CALL_KFUNC;
		add(in, at, OBJ_R_KFUNC, 0, 0, s->name);
		return 0;
	}
	if (s->section >= in->n_sections || in->sections[s->section].use != ELF_CODE)
		return bad_at(in, at, "calls something that is no code");
	return to_function(in, at, OBJ_R_CALL, s->section, (s64)(s->value / 8) + imm + 1);
}

static bool is_config(const struct elf_in *in, str name)
{
	for (u32 i = 0; i < in->configs.n; i++)
		if (str_eq(in->configs.at[i].name, name))
			return true;
	return false;
}

static int read_extern(struct elf_in *in, const struct reloc *at, const struct elf_symbol *s)
{
	u32 off;
	int r;

	if (!s->name.n)
		return bad_at(in, at, "refers to something without a name");
	if (!is_config(in, s->name)) {
		add(in, at, OBJ_R_KVAR, 0, 0, s->name);
		return 0;
	}
	r = obj_elf_config(in, s, &off);
	if (!r)
		add(in, at, OBJ_R_DATA, in->kconfig, off, (str){ 0 });
	return r;
}

static int to_map(struct elf_in *in, const struct reloc *at, const struct elf_symbol *s, u64 value)
{
	for (u32 i = 0; i < in->map_places.n; i++) {
		const struct elf_map_place *p = &in->map_places.at[i];

		if (p->section != s->section || p->value != value)
			continue;
		add(in, at, OBJ_R_MAP, p->map, 0, (str){ 0 });
		return 0;
	}
	return bad_at(in, at, "refers to a map that is not there");
}

static int read_wide(struct elf_in *in, const struct reloc *at, const struct elf_symbol *s)
{
	struct isa_insn *i = &at->f->insns[at->insn];
	const struct elf_section *sec;
	u64 value = s->value + (u32)i->imm;
	u32 data;

	if (s->section == SHN_UNDEF)
		return read_extern(in, at, s);
	if (s->section >= in->n_sections)
		return bad_at(in, at, "refers to no section");
	sec = &in->sections[s->section];
	switch (sec->use) {
	case ELF_MAPS:
	case ELF_BTF_MAPS: return to_map(in, at, s, value);
	case ELF_CODE: return to_function(in, at, OBJ_R_FUNC, s->section, (s64)(value / 8));
	case ELF_DATA: break;
	case ELF_OTHER: return bad_at(in, at, "refers to a section that is neither data nor code");
	}
	data = sec->data;
	if (data == OBJ_NONE || value >= in->obj->datas.at[data].size)
		return bad_at(in, at, "refers to data outside of its section");
	add(in, at, OBJ_R_DATA, data, (s64)value, (str){ 0 });
	return 0;
}

static int read_one(struct elf_in *in, u32 section, const Elf64_Rel *rel)
{
	u32 symbol = (u32)ELF64_R_SYM(rel->r_info);
	struct reloc at = { .section = section };
	struct isa_insn i;

	if (rel->r_offset % 8 || symbol >= in->symbols.n)
		return obj_elf_bad(in, "a relocation of section '" STR_FMT "' is malformed",
				   STR_ARG(in->sections[section].name));
	at.func = obj_elf_func_at(in, section, rel->r_offset / 8, &at.insn);
	if (at.func == OBJ_NONE)
		return obj_elf_bad(
			in, "a relocation of section '" STR_FMT "' is outside of its functions",
			STR_ARG(in->sections[section].name));
	at.f = &in->obj->funcs.at[at.func];
	for (u32 k = 0; k < at.f->relocs.n; k++)
		if (at.f->relocs.at[k].insn == at.insn)
			return bad_at(in, &at, "has two relocations");
	i = at.f->insns[at.insn];
	if (i.code == (ISA_JMP | ISA_CALL))
		return read_call(in, &at, &in->symbols.at[symbol]);
	if (isa_is_wide(i) && at.insn + 1 < at.f->n)
		return read_wide(in, &at, &in->symbols.at[symbol]);
	return bad_at(in, &at, "has a relocation that its kind cannot have");
}

static int read_section(struct elf_in *in, const struct elf_section *s)
{
	int r = 0;

	for (u64 off = 0; !r && off + sizeof(Elf64_Rel) <= s->bytes.n; off += sizeof(Elf64_Rel)) {
		Elf64_Rel rel;

		memcpy(&rel, s->bytes.s + off, sizeof(rel));
		r = read_one(in, s->info, &rel);
	}
	return r;
}

/* A call without a relocation counts from the section that it is in. */
static int resolve_calls(struct elf_in *in, u32 func)
{
	struct obj_func *f = &in->obj->funcs.at[func];
	struct elf_place p = in->places.at[func];
	u32 known = f->relocs.n;
	int r = 0;

	for (u32 i = 0; !r && i < f->n; i++) {
		struct isa_insn x = f->insns[i];
		struct reloc at = { .f = f, .func = func, .insn = i, .section = p.section };
		bool done = false;

		if (isa_is_wide(x)) {
			i++;
			continue;
		}
		if (x.code != (ISA_JMP | ISA_CALL) || x.src != ISA_CALL_LOCAL)
			continue;
		for (u32 k = 0; k < known; k++)
			done |= f->relocs.at[k].insn == i;
		if (!done)
			r = to_function(in, &at, OBJ_R_CALL, p.section,
					(s64)p.insn + i + 1 + x.imm);
	}
	return r;
}

int obj_elf_read_relocs(struct elf_in *in)
{
	int r = 0;

	for (u32 i = 1; !r && i < in->n_sections; i++) {
		const struct elf_section *s = &in->sections[i];
		enum elf_use use;

		if (s->type != SHT_REL && s->type != SHT_RELA)
			continue;
		if (s->info >= in->n_sections)
			return obj_elf_bad(in, "relocations of a section that is not there");
		use = in->sections[s->info].use;
		if (use == ELF_CODE && s->type == SHT_REL)
			r = read_section(in, s);
		else if (use != ELF_OTHER && s->bytes.n)
			return err_set(in->e, -SKEP_EUNSUPPORTED, ROOM,
				       "Section '" STR_FMT
				       "' holds addresses of functions, maps or data; that is not "
				       "read yet.",
				       STR_ARG(in->sections[s->info].name));
	}
	for (u32 i = 0; !r && i < in->places.n; i++)
		r = resolve_calls(in, i);
	return r;
}
