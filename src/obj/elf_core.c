/* CO-RE: code that was compiled for one kernel's types is adapted to the running one's.
 *
 * A relocation names a local type, a path into it ("0:1:2": element 0, member 1, its member 2) and what the
 * instruction wants to know: an offset, a size, whether it exists, the value of an enumerator … (Linux
 * Documentation/bpf/llvm_reloc.rst, "CO-RE Relocations"). The path is followed in both types by the names of members; what
 * stands behind "___" in a type's name is not part of it.
 *
 * What the running kernel lacks answers 0 to "does it exist?"; any other question makes the instruction one that
 * no verifier takes, so that only programs that really get there are refused. Left out: types of modules,
 * and whether fields of one name still have like types.
 */
#include "obj/elf_in.h"

#include <errno.h>
#include <string.h>

enum {
	BYTE_OFFSET,
	BYTE_SIZE,
	FIELD_EXISTS,
	IS_SIGNED,
	LSHIFT_U64,
	RSHIFT_U64,
	ID_LOCAL,
	ID_TARGET,
	TYPE_EXISTS,
	TYPE_SIZE,
	ENUM_EXISTS,
	ENUM_VALUE,
	TYPE_MATCHES
};
/* A call of a helper that no kernel has. */
enum { POISON = 0x0bad2310 };

/* Where a path leads. */
struct field {
	const struct type *type;
	u64 bit_off;
	u32 bits; /* of a bit-field, else 0 */
};
struct answer {
	bool exists;
	u64 value;
	u32 bytes; /* of the access, 0: unknown */
};

static str essence(str name)
{
	for (u32 i = 1; i + 3 < name.n; i++)
		if (name.s[i] == '_' && name.s[i + 1] == '_' && name.s[i + 2] == '_')
			return str_sub(name, 0, i);
	return name;
}

static u64 size_of(const struct type *ty)
{
	return ty_complete(ty) ? ty->size : 0;
}

static struct ty_btf *kernel_btf(const struct elf_in *in)
{
	return in->o->btf ? in->o->btf(in->o->btf_arg) : NULL;
}

/* The kernel's type of the same kind and name. */
static const struct type *target_of(struct elf_in *in, const struct type *local)
{
	struct ty_btf *kernel = kernel_btf(in);
	const struct type *ty;

	if (!kernel || !local->name.n)
		return NULL;
	ty = ty_btf_find(kernel, local->kind, essence(local->name));
	/* A typedef may have become a struct, and the other way round. */
	if (!ty && local->kind != TY_TYPEDEF)
		ty = ty_btf_find(kernel, TY_TYPEDEF, essence(local->name));
	return ty;
}

/* ---- paths -------------------------------------------------------------------------------------- */

/* Takes the next number of "0:1:2". */
static bool next_index(str *path, u64 *out)
{
	return str_to_u64(str_cut(path, ':'), out) && *out <= UINT32_MAX;
}

/* One step into the local type and, by the member's name, into the kernel's. False where the path is wrong;
 * remote->type NULL where the kernel lacks the member. */
static bool step_member(struct field *local, struct field *remote, u64 index)
{
	const struct type *agg = ty_strip(local->type);
	const struct ty_member *m, *r;
	u32 off;

	if (!ty_complete(agg) || index >= agg->n)
		return false;
	m = &agg->members[index];
	local->bit_off += m->bit_off;
	local->bits = m->bits;
	local->type = m->type;
	/* A member without a name is looked through. */
	if (!m->name.n || !remote->type)
		return true;
	agg = ty_strip(remote->type);
	r = ty_is_aggregate(agg) && ty_complete(agg) ? ty_find_member(agg, m->name, &off) : NULL;
	remote->type = r ? r->type : NULL;
	remote->bit_off += r ? off : 0;
	remote->bits = r ? r->bits : 0;
	return true;
}

static bool step_element(struct field *local, struct field *remote, u64 index)
{
	const struct type *array = ty_strip(local->type), *other;

	local->type = array->to;
	local->bit_off += index * size_of(array->to) * 8;
	if (!remote->type)
		return true;
	other = ty_strip(remote->type);
	remote->type = other->kind == TY_ARRAY ? other->to : NULL;
	if (remote->type)
		remote->bit_off += index * size_of(other->to) * 8;
	return true;
}

static bool follow(str path, struct field *local, struct field *remote)
{
	u64 index;

	if (!next_index(&path, &index))
		return false;
	local->bit_off = index * size_of(ty_strip(local->type)) * 8;
	if (remote->type)
		remote->bit_off = index * size_of(ty_strip(remote->type)) * 8;
	while (path.n) {
		const struct type *at = ty_strip(local->type);
		bool ok;

		if (!next_index(&path, &index))
			return false;
		ok = at->kind == TY_ARRAY  ? step_element(local, remote, index)
		     : ty_is_aggregate(at) ? step_member(local, remote, index)
					   : false;
		if (!ok)
			return false;
	}
	return true;
}

/* ---- answers ------------------------------------------------------------------------------------ */

/* A bit-field is read with the smallest aligned access that holds it. */
static void access_of(const struct field *f, u64 *out_off, u64 *out_size)
{
	u64 size = size_of(ty_strip(f->type)), off = f->bit_off / 8;

	if (f->bits && size) {
		off = f->bit_off / 8 / size * size;
		while (size < 8 && f->bit_off + f->bits - off * 8 > size * 8) {
			size *= 2;
			off = f->bit_off / 8 / size * size;
		}
	}
	*out_off = off;
	*out_size = size;
}

static u64 about_field(const struct field *f, u32 kind)
{
	const struct type *ty = ty_strip(f->type);
	u64 off, size, bits;

	access_of(f, &off, &size);
	bits = f->bits ? f->bits : size * 8;
	switch (kind) {
	case BYTE_OFFSET: return off;
	case BYTE_SIZE: return size;
	case FIELD_EXISTS: return 1;
	case IS_SIGNED: return ty_is_int(ty) && ty_signed(ty);
	/* What lies above the field in the 64 bits that were loaded, on a little-endian machine. */
	case LSHIFT_U64: return 64 - (f->bit_off + bits - off * 8);
	default: return 64 - bits;
	}
}

static bool ask_field(struct elf_in *in, const struct elf_core *c, const struct type *local,
		      str path, struct answer *out)
{
	struct field from = { .type = local }, to = { .type = target_of(in, local) };

	if (!follow(path, &from, &to))
		return false;
	out->exists = to.type != NULL;
	if (!out->exists)
		return true;
	out->value = about_field(&to, c->kind);
	if (c->kind == BYTE_OFFSET && !from.bits && !to.bits) {
		u64 had = size_of(ty_strip(from.type)), has = size_of(ty_strip(to.type));

		out->bytes =
			had != has && (has == 1 || has == 2 || has == 4 || has == 8) ? (u32)has : 0;
	}
	return true;
}

static bool ask_enum(struct elf_in *in, const struct type *local, str path, struct answer *out)
{
	const struct type *en = ty_strip(local), *remote = target_of(in, en);
	u64 index;
	str name;

	if (!next_index(&path, &index) || en->kind != TY_ENUM || !ty_complete(en) || index >= en->n)
		return false;
	name = essence(en->enumerators[index].name);
	remote = remote ? ty_strip(remote) : NULL;
	if (!remote || remote->kind != TY_ENUM || !ty_complete(remote))
		return true;
	for (u32 i = 0; i < remote->n; i++) {
		if (!str_eq(essence(remote->enumerators[i].name), name))
			continue;
		out->exists = true;
		out->value = (u64)remote->enumerators[i].value;
	}
	return true;
}

static bool ask(struct elf_in *in, const struct elf_core *c, struct answer *out)
{
	const struct type *local = ty_btf_by_id(in->btf, c->type), *remote;
	str path = obj_elf_btf_string(in, c->access);

	if (!local)
		return false;
	switch (c->kind) {
	case ID_LOCAL: *out = (struct answer){ true, c->type, 0 }; return true;
	case ENUM_EXISTS:
	case ENUM_VALUE: return ask_enum(in, local, path, out);
	case ID_TARGET:
	case TYPE_EXISTS:
	case TYPE_SIZE:
	case TYPE_MATCHES:
		remote = target_of(in, local);
		out->exists = remote != NULL;
		if (remote)
			out->value = c->kind == TYPE_SIZE   ? size_of(ty_strip(remote))
				     : c->kind == ID_TARGET ? remote->btf_id
							    : 1;
		return true;
	default: return c->kind <= TYPE_MATCHES && ask_field(in, c, local, path, out);
	}
}

/* ---- patching ----------------------------------------------------------------------------------- */

static void poison(struct obj_func *f, u32 insn)
{
	bool wide = isa_is_wide(f->insns[insn]);

	f->insns[insn] = isa_call_helper(POISON);
	if (wide && insn + 1 < f->n)
		f->insns[insn + 1] = isa_call_helper(POISON);
}

static bool asks_whether(u32 kind)
{
	return kind == FIELD_EXISTS || kind == TYPE_EXISTS || kind == ENUM_EXISTS ||
	       kind == TYPE_MATCHES || kind == TYPE_SIZE;
}

static bool patch(struct obj_func *f, u32 insn, const struct answer *a)
{
	static const u8 sizes[] = { [1] = ISA_B, [2] = ISA_H, [4] = ISA_W, [8] = ISA_DW };
	struct isa_insn *i = &f->insns[insn];

	if (isa_is_wide(*i)) {
		if (insn + 1 >= f->n)
			return false;
		i[0].imm = (s32)(u32)a->value;
		i[1].imm = (s32)(u32)(a->value >> 32);
		return true;
	}
	switch (isa_class(*i)) {
	case ISA_ALU:
	case ISA_ALU64:
		if ((i->code & ISA_X) || a->value > INT32_MAX)
			return false;
		i->imm = (s32)a->value;
		return true;
	case ISA_LDX:
	case ISA_ST:
	case ISA_STX:
		if (a->value > INT16_MAX)
			return false;
		i->off = (s16)a->value;
		if (a->bytes)
			i->code = (u8)((i->code & ~ISA_DW) | sizes[a->bytes]);
		return true;
	default: return false;
	}
}

int obj_elf_core_apply(struct elf_in *in, struct obj_func *f, u32 insn, const struct elf_core *c)
{
	struct answer a = { 0 };

	if (!ask(in, c, &a))
		return obj_elf_bad(in,
				   "a CO-RE relocation of '" STR_FMT "' has a wrong type or path",
				   STR_ARG(f->name));
	if (!a.exists && !asks_whether(c->kind)) {
		if (!kernel_btf(in))
			return err_set(in->e, -SKEP_ENOBTF, ROOM,
				       "The object is to be adapted to the kernel's types, and the "
				       "kernel gives none.");
		poison(f, insn);
		return 0;
	}
	if (!patch(f, insn, &a))
		return obj_elf_bad(
			in, "a CO-RE relocation of '" STR_FMT "' does not fit instruction %u",
			STR_ARG(f->name), insn);
	return 0;
}
