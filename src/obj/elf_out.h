/* Between the files that write ELF: elf_write.c the file, elf_maps.c the definitions of maps. Nobody else
 * includes this. */
#ifndef SKEP_OBJ_ELF_OUT_H
#define SKEP_OBJ_ELF_OUT_H

#include "obj/obj.h"

#include <elf.h>
#include <errno.h>

#ifndef EM_BPF
#define EM_BPF 247
#endif

struct out_section {
	str name;
	u32 type, align;
	u64 flags, nobits;
	struct sbuf bytes, rels;
	vec(struct obj_part) parts;       /* code: its functions */
};
/* Where a function or data section went; symbol 0: it has none. */
struct out_place { u32 section, insn, symbol; };
struct out_map { u32 off, size, symbol; };

struct elf_out {
	struct arena *a;
	const struct obj *o;
	struct err *e;
	vec(struct out_section) sections;
	vec(Elf64_Sym) symbols;
	struct sbuf strings;
	struct out_place *funcs, *datas;
	struct out_map *maps;             /* size 0: holds a data section, or is an inner map's template */
	u32 maps_section, text_symbol;
	struct obj_btf btf;
};

/* Fills section .maps and its BTF. */
void obj_elf_write_maps(struct elf_out *w);

#endif
