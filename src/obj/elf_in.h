/* Between the files that read ELF: elf_read.c opens the file and lists functions and programs, elf_data.c
 * reads maps and data sections, elf_reloc.c relocations, elf_ext.c the records of .BTF.ext, elf_core.c adapts
 * code to the running kernel's types. Nobody else includes this.
 *
 * Nothing of the file is trusted: whoever takes an offset out of it checks it against what it points into. */
#ifndef SKEP_OBJ_ELF_IN_H
#define SKEP_OBJ_ELF_IN_H

#include "obj/obj.h"

#include <elf.h>

#define ROOM "obj"
#ifndef EM_BPF
#define EM_BPF 247
#endif

/* What a section means to us. */
enum elf_use { ELF_OTHER, ELF_CODE, ELF_DATA, ELF_MAPS, ELF_BTF_MAPS };
struct elf_section {
	str name, bytes;      /* bytes empty for .bss */
	u64 size;
	u32 type, link, info;
	enum elf_use use;
	u32 data;             /* ELF_DATA: index in obj.datas */
};
struct elf_symbol { str name; u64 value, size; u32 section; u8 type, bind; };
/* Where a function of the obj lies in the file. */
struct elf_place { u32 section, insn; };

struct elf_map_place { u32 section, map; u64 value; };

/* One record of the file's BTF that the type model has no word for. */
struct elf_var { str name; u32 type; };
struct elf_func_type { str name; u32 id, proto; u8 linkage; };

struct elf_in {
	struct arena *a;
	const struct obj_elf_options *o;
	str file;
	struct obj *obj;
	struct err *e;
	struct elf_section *sections;
	u32 n_sections;
	vec(struct elf_symbol) symbols;
	vec(struct elf_place) places;     /* by function of the obj */
	struct ty_btf *btf;               /* NULL: the file has none */
	str btf_bytes, btf_types, btf_strings;
	vec(struct elf_map_place) map_places;
	vec(struct elf_var) vars, configs;        /* configs: of the DATASEC .kconfig */
	vec(struct elf_func_type) funcs;
	u32 kconfig;          /* data section of .kconfig, or OBJ_NONE */
};

int obj_elf_bad(struct elf_in *in, const char *fmt, ...) PRINTF_LIKE(2, 3);
/* The function that holds a slot of a section, or OBJ_NONE; *out_insn counts from its start. */
u32 obj_elf_func_at(const struct elf_in *in, u32 section, u64 insn, u32 *out_insn);
u32 obj_elf_section_named(const struct elf_in *in, str name);        /* OBJ_NONE if there is none */
/* A string of the file's BTF; empty when the offset is outside. */
str obj_elf_btf_string(const struct elf_in *in, u32 off);
/* The type of a variable of this name, or NULL. */
const struct type *obj_elf_var_type(const struct elf_in *in, str name);
/* A variable of .kconfig: its offset in the data section that holds them. -SKEP_EUNSUPPORTED when its value is not known. */
int obj_elf_config(struct elf_in *in, const struct elf_symbol *s, u32 *out_off);
u32 obj_elf_word(str bytes, u64 off);                                /* the caller has checked the offset */

int obj_elf_read_btf(struct elf_in *in);
int obj_elf_read_data(struct elf_in *in);
int obj_elf_read_maps(struct elf_in *in);
int obj_elf_read_relocs(struct elf_in *in);
int obj_elf_read_ext(struct elf_in *in);
/* One CO-RE relocation: {offset in the section, local type, access, kind}. */
struct elf_core { u32 type, access, kind; };
int obj_elf_core_apply(struct elf_in *in, struct obj_func *f, u32 insn, const struct elf_core *c);

#endif
