/* patch: what only the engine knows is written into an image before it is loaded.
 *
 *   map                 descriptor                     src BPF_PSEUDO_MAP_FD
 *   data address        descriptor and offset          src BPF_PSEUDO_MAP_VALUE
 *   callback            distance, already there        src BPF_PSEUDO_FUNC
 *   engine's constant   cgroup id, level               plain 64-bit immediate
 *   kernel function     BTF id                         call, src BPF_PSEUDO_KFUNC_CALL
 *   kernel variable     BTF id, else its address       src BPF_PSEUDO_BTF_ID, or plain
 *
 * Both slots of a wide load are checked before they are written.
 */
#include "kern/room.h"

#include <errno.h>
#include <linux/btf.h>
#include <string.h>

struct patcher {
	struct kern *k;
	struct obj_image *im;
	struct kern_btf *btf;
	struct err *e;
};

static int bad(struct patcher *p, const struct obj_reloc *r, const char *why)
{
	return err_set(p->e, -SKEP_EBADFILE, KERN_ROOM, "relocation at instruction %u: %s", r->insn,
		       why);
}

static void set_wide(struct isa_insn *at, u8 src, u32 lo, u32 hi)
{
	at[0].src = src & 0xf;
	at[0].imm = (s32)lo;
	at[1].imm = (s32)hi;
}

static int patch_data(struct patcher *p, const struct obj_reloc *r, struct isa_insn *at)
{
	const struct obj *o = p->k->obj;
	u32 map;

	if (r->index >= o->datas.n)
		return bad(p, r, "there is no such data section");
	map = o->datas.at[r->index].map;
	if (map >= p->k->n_maps || p->k->maps[map] < 0)
		return bad(p, r, "the data section is empty");
	if (r->add < 0 || r->add >= o->maps.at[map].value_size)
		return bad(p, r, "the address is outside of its data section");
	set_wide(at, ISA_MAP_VALUE, (u32)p->k->maps[map], (u32)r->add);
	return 0;
}

static int patch_const(struct patcher *p, const struct obj_reloc *r, struct isa_insn *at)
{
	u64 value;

	if (str_is(r->name, OBJ_CONST_CGROUP_ID))
		value = p->k->group.id;
	else if (str_is(r->name, OBJ_CONST_CGROUP_LEVEL))
		value = p->k->group.level;
	else
		return bad(p, r, "there is no such constant");
	set_wide(at, ISA_IMM64, (u32)value, (u32)(value >> 32));
	return 0;
}

static int need_btf(struct patcher *p)
{
	return p->btf->bytes ? 0 : kern_btf_open(p->btf, p->e);
}

static int patch_kfunc(struct patcher *p, const struct obj_reloc *r, struct isa_insn *at)
{
	int err = need_btf(p);
	u32 id;

	if (err)
		return err;
	if (str_starts(r->name, OBJ_MISSING)) {
		str member = str_sub(r->name, sizeof(OBJ_MISSING) - 1, r->name.n);

		return err_set(p->e, -SKEP_EUNSUPPORTED, KERN_ROOM,
			       "the program reads '" STR_FMT
			       "', which this kernel's struct does not "
			       "have; ask bpf_core_field_exists before",
			       STR_ARG(member));
	}
	id = kern_btf_find(p->btf, BTF_KIND_FUNC, r->name);
	if (!id)
		return err_set(p->e, -SKEP_EUNSUPPORTED, KERN_ROOM,
			       "this kernel has no function '" STR_FMT "' for programs to call",
			       STR_ARG(r->name));
	at->src = ISA_CALL_KFUNC;
	at->off = 0;
	at->imm = (s32)id;
	return 0;
}

/* The address of a symbol, from kallsyms; 0 if it is not there or hidden. */
static u64 symbol_address(struct arena *a, str want)
{
	str text, line;
	u64 address;

	if (base_read_file(a, "/proc/kallsyms", 256u << 20, &text, NULL))
		return 0;
	while (text.n) {
		line = str_cut(&text, '\n');
		str hex = str_cut(&line, ' ');

		str_cut(&line, ' ');
		if (!str_eq(str_cut(&line, '\t'), want))
			continue;
		return str_to_u64(str_printf(a, "0x" STR_FMT, STR_ARG(hex)), &address) ? address
										       : 0;
	}
	return 0;
}

static int patch_kvar(struct patcher *p, const struct obj_reloc *r, struct isa_insn *at)
{
	struct arena *scratch;
	int err = need_btf(p);
	u64 address;
	u32 id;

	if (err)
		return err;
	id = kern_btf_find(p->btf, BTF_KIND_VAR, r->name);
	if (id) {
		set_wide(at, ISA_BTF_ID, id, 0);
		return 0;
	}
	scratch = arena_new(arena_trap(p->k->a));
	address = symbol_address(scratch, r->name);
	arena_free(scratch);
	if (!address)
		return err_set(p->e, -SKEP_EUNSUPPORTED, KERN_ROOM,
			       "this kernel shows no variable '" STR_FMT "'", STR_ARG(r->name));
	set_wide(at, ISA_IMM64, (u32)address, (u32)(address >> 32));
	return 0;
}

static int patch_one(struct patcher *p, const struct obj_reloc *r)
{
	struct isa_insn *at = &p->im->insns[r->insn];
	bool is_wide = r->kind != OBJ_R_KFUNC && r->kind != OBJ_R_CALL;

	if (r->insn >= p->im->n)
		return bad(p, r, "it is outside of the program");
	if (is_wide && (!isa_is_wide(*at) || r->insn + 1 >= p->im->n))
		return bad(p, r, "there is no 64-bit load");
	switch (r->kind) {
	case OBJ_R_MAP:
		if (r->index >= p->k->n_maps || p->k->maps[r->index] < 0)
			return bad(p, r, "there is no such map");
		set_wide(at, ISA_MAP_FD, (u32)p->k->maps[r->index], 0);
		return 0;
	case OBJ_R_DATA: return patch_data(p, r, at);
	case OBJ_R_FUNC: at->src = ISA_FUNC; return 0;
	case OBJ_R_CONST: return patch_const(p, r, at);
	case OBJ_R_KFUNC:
		if (at->code != (ISA_JMP | ISA_CALL))
			return bad(p, r, "there is no call");
		return patch_kfunc(p, r, at);
	case OBJ_R_KVAR: return patch_kvar(p, r, at);
	case OBJ_R_CALL: break;
	}
	return bad(p, r, "its kind is unknown");
}

int kern_patch(struct kern *k, struct obj_image *image, struct kern_btf *btf, struct err *e)
{
	struct patcher p = { k, image, btf, e };
	int err = 0;

	for (u32 i = 0; !err && i < image->relocs.n; i++)
		err = patch_one(&p, &image->relocs.at[i]);
	return err;
}
