/* Maps, data sections and the BTF of an ELF object.
 *
 * Maps come in two forms. BTF-defined ones are variables of section .maps whose struct type says everything:
 * `__uint(max_entries, 8)` is a pointer to an array of 8, `__type(key, u32)` a pointer to u32, `__array(values, …)` an
 * array of pointers to the inner map. Legacy ones are structs of numbers in section `maps`. Each data section becomes
 * an array map of one entry; .kconfig has no section, its variables are laid out here.
 *
 * Left out: initial contents of maps of maps and of program arrays.
 */
#include "obj/elf_in.h"

#include <string.h>

enum { MAP_RDONLY_PROG = 0x80, MAX_DEPTH = 8 };
enum {
	KIND_INT = 1,
	KIND_ARRAY = 3,
	KIND_STRUCT = 4,
	KIND_UNION = 5,
	KIND_ENUM = 6,
	KIND_FUNC = 12,
	KIND_FUNC_PROTO = 13,
	KIND_VAR = 14,
	KIND_DATASEC = 15,
	KIND_DECL_TAG = 17,
	KIND_ENUM64 = 19
};

/* ---- BTF ---------------------------------------------------------------------------------------- */

str obj_elf_btf_string(const struct elf_in *in, u32 off)
{
	const char *s;

	if (off >= in->btf_strings.n)
		return (str){ 0 };
	s = in->btf_strings.s + off;
	return (str){ s, (u32)strnlen(s, in->btf_strings.n - off) };
}

static u64 tail_of(u32 kind, u32 n)
{
	switch (kind) {
	case KIND_INT:
	case KIND_VAR:
	case KIND_DECL_TAG: return 4;
	case KIND_ARRAY: return 12;
	case KIND_STRUCT:
	case KIND_UNION:
	case KIND_DATASEC:
	case KIND_ENUM64: return 12ull * n;
	case KIND_ENUM:
	case KIND_FUNC_PROTO: return 8ull * n;
	default: return 0;
	}
}

struct config_ids {
	struct elf_in *in;
	vec(u32) ids;
};

static void take_record(struct config_ids *c, u64 off, u32 id, u32 kind, u32 n)
{
	struct elf_in *in = c->in;
	str name = obj_elf_btf_string(in, obj_elf_word(in->btf_types, off));
	u32 to = obj_elf_word(in->btf_types, off + 8);

	if (kind == KIND_VAR)
		*vec_push(in->a, &in->vars) = (struct elf_var){ name, id };
	if (kind == KIND_FUNC)
		*vec_push(in->a, &in->funcs) = (struct elf_func_type){ name, id, to, (u8)n };
	for (u32 i = 0; kind == KIND_DATASEC && str_is(name, ".kconfig") && i < n; i++)
		*vec_push(in->a, &c->ids) = obj_elf_word(in->btf_types, off + 12 + 12ull * i);
}

/* The records were checked by ty_btf_parse(); lengths are checked again all the same. */
static int list_records(struct elf_in *in)
{
	struct config_ids c = { .in = in };
	u32 id = 1;

	for (u64 off = 0; off + 12 <= in->btf_types.n; id++) {
		u32 info = obj_elf_word(in->btf_types, off + 4), kind = info >> 24 & 31;
		u64 size = 12 + tail_of(kind, info & 0xffff);

		if (size > in->btf_types.n - off)
			return obj_elf_bad(in, "its BTF is cut short");
		take_record(&c, off, id, kind, info & 0xffff);
		off += size;
	}
	for (u32 i = 0; i < c.ids.n; i++)
		for (u32 k = 0; k < in->vars.n; k++)
			if (in->vars.at[k].type == c.ids.at[i])
				*vec_push(in->a, &in->configs) = in->vars.at[k];
	return 0;
}

int obj_elf_read_btf(struct elf_in *in)
{
	u32 section = obj_elf_section_named(in, STR(".BTF")), head, off, len;
	str b;
	int r;

	if (section == OBJ_NONE || !in->o->types)
		return 0;
	b = in->btf_bytes = in->sections[section].bytes;
	r = ty_btf_parse(in->o->types, b.s, b.n, &in->btf, in->e);
	if (r)
		return r;
	head = obj_elf_word(b, 4);
	off = obj_elf_word(b, 8);
	len = obj_elf_word(b, 12);
	in->btf_types = str_sub(b, head + off, len);
	off = obj_elf_word(b, 16);
	len = obj_elf_word(b, 20);
	in->btf_strings = str_sub(b, head + off, len);
	return list_records(in);
}

const struct type *obj_elf_var_type(const struct elf_in *in, str name)
{
	for (u32 i = 0; i < in->vars.n; i++)
		if (str_eq(in->vars.at[i].name, name))
			return ty_btf_by_id(in->btf, in->vars.at[i].type);
	return NULL;
}

/* ---- BTF-defined maps --------------------------------------------------------------------------- */

static u64 size_of(const struct type *ty)
{
	return ty && ty_complete(ty) && ty->size < UINT32_MAX ? ty->size : 0;
}

/* What `__uint(name, N)` says: a pointer to an array of N. */
static bool number_of(const struct type *ty, u32 *out)
{
	ty = ty_strip(ty);
	if (ty->kind != TY_PTR)
		return false;
	ty = ty_strip(ty->to);
	if (ty->kind != TY_ARRAY || ty->count > UINT32_MAX)
		return false;
	*out = (u32)ty->count;
	return true;
}

static int read_definition(struct elf_in *in, str name, const struct type *def, u32 depth,
			   u32 *out);

/* `values`: an array of pointers to a map's definition, or to programs, which need none. */
static int read_inner(struct elf_in *in, str name, const struct type *values, u32 depth, u32 *out)
{
	const struct type *ty = ty_strip(values);

	*out = OBJ_NONE;
	ty = ty->kind == TY_ARRAY ? ty_strip(ty->to) : ty;
	ty = ty->kind == TY_PTR ? ty_strip(ty->to) : ty;
	if (ty->kind != TY_STRUCT)
		return 0;
	return read_definition(in, str_printf(in->a, STR_FMT ".inner", STR_ARG(name)), ty,
			       depth + 1, out);
}

static int wrong_member(struct elf_in *in, str map, str member)
{
	return obj_elf_bad(in, "map '" STR_FMT "': its member '" STR_FMT "' cannot be understood",
			   STR_ARG(map), STR_ARG(member));
}

static int read_member(struct elf_in *in, struct obj_map *m, const struct ty_member *x, u32 depth)
{
	static const struct {
		const char *name;
		size_t off;
	} numbers[] = {
		{ "type", offsetof(struct obj_map, type) },
		{ "key_size", offsetof(struct obj_map, key_size) },
		{ "value_size", offsetof(struct obj_map, value_size) },
		{ "max_entries", offsetof(struct obj_map, max_entries) },
		{ "map_flags", offsetof(struct obj_map, flags) },
	};
	const struct type *ty = ty_strip(x->type);
	u32 n;

	for (u32 i = 0; i < ARRAY_LEN(numbers); i++) {
		if (!str_is(x->name, numbers[i].name))
			continue;
		if (!number_of(x->type, &n))
			return wrong_member(in, m->name, x->name);
		memcpy((char *)m + numbers[i].off, &n, sizeof(n));
		return 0;
	}
	if (str_is(x->name, "key") || str_is(x->name, "value")) {
		if (ty->kind != TY_PTR || !size_of(ty->to))
			return wrong_member(in, m->name, x->name);
		*(str_is(x->name, "key") ? &m->key : &m->value) = ty->to;
		*(str_is(x->name, "key") ? &m->key_size : &m->value_size) = (u32)size_of(ty->to);
		return 0;
	}
	if (str_is(x->name, "values"))
		return read_inner(in, m->name, x->type, depth, &m->inner);
	if (str_is(x->name, "pinning") && number_of(x->type, &n) && n == 1)
		m->pin = str_printf(in->a, "/sys/fs/bpf/" STR_FMT, STR_ARG(m->name));
	return 0;
}

static int read_definition(struct elf_in *in, str name, const struct type *def, u32 depth, u32 *out)
{
	struct obj_map m = { .name = name, .inner = OBJ_NONE, .data = OBJ_NONE };
	int r = 0;

	if (depth > MAX_DEPTH || !def || ty_strip(def)->kind != TY_STRUCT ||
	    !ty_complete(ty_strip(def)))
		return obj_elf_bad(in, "map '" STR_FMT "' has no definition in BTF", STR_ARG(name));
	def = ty_strip(def);
	for (u32 i = 0; !r && i < def->n; i++)
		r = read_member(in, &m, &def->members[i], depth);
	if (r)
		return r;
	/* Values that are descriptors need not be declared. */
	if (!m.value_size && (m.inner != OBJ_NONE || m.type == ISA_MAP_PROG_ARRAY ||
			      m.type == ISA_MAP_PERF_EVENT_ARRAY))
		m.value_size = 4;
	if (m.key && m.value && m.type != ISA_MAP_RINGBUF)
		m.show = OBJ_SHOW_TABLE;
	*vec_push(in->a, &in->obj->maps) = m;
	*out = in->obj->maps.n - 1;
	return 0;
}

static int read_btf_map(struct elf_in *in, const struct elf_symbol *s)
{
	u32 map;
	int r = read_definition(in, s->name, obj_elf_var_type(in, s->name), 0, &map);

	if (!r)
		*vec_push(in->a, &in->map_places) =
			(struct elf_map_place){ s->section, map, s->value };
	return r;
}

/* ---- legacy maps -------------------------------------------------------------------------------- */

static int read_legacy_map(struct elf_in *in, const struct elf_symbol *s)
{
	const struct elf_section *sec = &in->sections[s->section];
	u32 map;

	if (s->value > sec->bytes.n || sec->bytes.n - s->value < 16)
		return obj_elf_bad(in, "map '" STR_FMT "' does not lie in its section",
				   STR_ARG(s->name));
	map = obj_map_add(in->obj, s->name, obj_elf_word(sec->bytes, s->value),
			  obj_elf_word(sec->bytes, s->value + 4),
			  obj_elf_word(sec->bytes, s->value + 8),
			  obj_elf_word(sec->bytes, s->value + 12));
	if (sec->bytes.n - s->value >= 20 && (!s->size || s->size >= 20))
		in->obj->maps.at[map].flags = obj_elf_word(sec->bytes, s->value + 16);
	*vec_push(in->a, &in->map_places) = (struct elf_map_place){ s->section, map, s->value };
	return 0;
}

int obj_elf_read_maps(struct elf_in *in)
{
	int r = 0;

	for (u32 i = 0; !r && i < in->symbols.n; i++) {
		const struct elf_symbol *s = &in->symbols.at[i];

		if (s->section >= in->n_sections || s->type == STT_SECTION || !s->name.n)
			continue;
		if (in->sections[s->section].use == ELF_BTF_MAPS)
			r = read_btf_map(in, s);
		else if (in->sections[s->section].use == ELF_MAPS)
			r = read_legacy_map(in, s);
	}
	return r;
}

/* ---- data --------------------------------------------------------------------------------------- */

static u32 add_data(struct elf_in *in, str name, enum obj_data_kind kind, u32 size)
{
	u32 map = obj_map_add(in->obj, name, ISA_MAP_ARRAY, 4, size, 1);
	struct obj_data *d = vec_push(in->a, &in->obj->datas);

	*d = (struct obj_data){ .name = name, .kind = kind, .size = size, .map = map };
	if (kind == OBJ_RODATA)
		in->obj->maps.at[map].flags = MAP_RDONLY_PROG;
	in->obj->maps.at[map].data = in->obj->datas.n - 1;
	return in->obj->datas.n - 1;
}

static void add_vars(struct elf_in *in, u32 section)
{
	struct obj_data *d = &in->obj->datas.at[in->sections[section].data];

	for (u32 i = 0; i < in->symbols.n; i++) {
		const struct elf_symbol *s = &in->symbols.at[i];
		struct obj_var *v;

		if (s->section != section || s->type != STT_OBJECT || s->size > d->size ||
		    s->value > d->size - s->size)
			continue;
		v = vec_push(in->a, &d->vars);
		*v = (struct obj_var){ .name = s->name,
				       .type = obj_elf_var_type(in, s->name),
				       .off = (u32)s->value,
				       .size = (u32)s->size,
				       .is_static = s->bind == STB_LOCAL };
		if (v->type && size_of(v->type) != v->size)
			v->type = NULL;
	}
}

int obj_elf_read_data(struct elf_in *in)
{
	for (u32 i = 1; i < in->n_sections; i++) {
		struct elf_section *s = &in->sections[i];
		enum obj_data_kind kind = s->type == SHT_NOBITS		   ? OBJ_BSS
					  : str_starts(s->name, ".rodata") ? OBJ_RODATA
									   : OBJ_DATA;

		if (s->use != ELF_DATA || !s->size)
			continue;
		if (s->size > 64u << 20)
			return obj_elf_bad(in, "section '" STR_FMT "' is larger than 64 MiB",
					   STR_ARG(s->name));
		s->data = add_data(in, s->name, kind, (u32)s->size);
		if (kind != OBJ_BSS)
			in->obj->datas.at[s->data].bytes = arena_dup(in->a, s->bytes.s, s->bytes.n);
		add_vars(in, i);
	}
	return 0;
}

/* ---- .kconfig ----------------------------------------------------------------------------------- */

static int value_of_config(struct elf_in *in, const struct elf_symbol *s, u64 *out)
{
	*out = 0;
	if (str_is(s->name, "LINUX_KERNEL_VERSION")) {
		*out = in->o->kern_version;
		return 0;
	}
	if (str_is(s->name, "LINUX_HAS_SYSCALL_WRAPPER")) {
		*out = 1;
		return 0;
	}
	if (s->bind == STB_WEAK)
		return 0;
	return err_set(in->e, -SKEP_EUNSUPPORTED, ROOM,
		       "The object asks for '" STR_FMT
		       "' of the kernel's configuration, which is not read yet; declare it __weak "
		       "to have 0 instead.",
		       STR_ARG(s->name));
}

int obj_elf_config(struct elf_in *in, const struct elf_symbol *s, u32 *out_off)
{
	const struct type *ty = obj_elf_var_type(in, s->name);
	u64 size = size_of(ty), value;
	struct obj_data *d;
	u8 *bytes;
	int r = value_of_config(in, s, &value);

	if (r)
		return r;
	if (!size || size > 64)
		return obj_elf_bad(in, "variable '" STR_FMT "' of .kconfig has no usable type",
				   STR_ARG(s->name));
	if (in->kconfig == OBJ_NONE)
		in->kconfig = add_data(in, STR(".kconfig"), OBJ_RODATA, 0);
	d = &in->obj->datas.at[in->kconfig];
	for (u32 i = 0; i < d->vars.n; i++) {
		if (str_eq(d->vars.at[i].name, s->name)) {
			*out_off = d->vars.at[i].off;
			return 0;
		}
	}
	*out_off = (u32)round_up(d->size, 8);
	bytes = arena_alloc(in->a, *out_off + 64);
	memset(bytes, 0, *out_off + 64);
	if (d->size)
		memcpy(bytes, d->bytes, d->size);
	memcpy(bytes + *out_off, &value, size < 8 ? size : 8);
	*vec_push(in->a, &d->vars) =
		(struct obj_var){ .name = s->name, .type = ty, .off = *out_off, .size = (u32)size };
	d->bytes = bytes;
	d->size = *out_off + (u32)size;
	in->obj->maps.at[d->map].value_size = d->size;
	return 0;
}
