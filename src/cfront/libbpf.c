/* libbpf.c: what libbpf reads out of sections: maps and the licence.
 *
 * A variable in ".maps" describes a map by the types of its members: `int (*type)[N]` is the number N
 * (the macro __uint), `T *key` the type T (the macro __type). A variable in "maps" is the old struct
 * bpf_map_def, whose values count. Either becomes a SYM_MAP in place of the variable.
 */
#include "cfront/parse.h"

/* ---- .maps ----------------------------------------------------------------------------------- */

/* The number that a member's type carries: a pointer to an array of that many, or (__ulong) an enum of
 * that one value. */
static bool number_of(const struct type *ty, u32 *out)
{
	ty = ty_strip(ty);
	if (ty->kind == TY_ENUM && ty->n == 1 && ty->enumerators[0].value >= 0 &&
	    ty->enumerators[0].value <= UINT32_MAX) {
		*out = (u32)ty->enumerators[0].value;
		return true;
	}
	if (ty->kind != TY_PTR)
		return false;
	ty = ty_strip(ty->to);
	if (ty->kind != TY_ARRAY || ty->count > UINT32_MAX)
		return false;
	*out = (u32)ty->count;
	return true;
}

static void read_kept_type(struct parser *p, struct cf_sym *s, const struct ty_member *m,
			   const struct type **out_type, u32 *out_size)
{
	const struct type *ty = ty_strip(m->type);

	if (ty->kind != TY_PTR) {
		cfp_error(p, s->span, E_MAP,
			  "member '" STR_FMT "' of map '" STR_FMT "' must be a "
			  "pointer: write __type(" STR_FMT ", T)",
			  STR_ARG(m->name), STR_ARG(s->name), STR_ARG(m->name));
		return;
	}
	if (ty_is_void(ty->to))
		return;
	*out_type = name_need_complete(p, ty->to, s->span);
	if (*out_type)
		*out_size = (u32)ty_strip(*out_type)->size;
}

static void read_btf_map(struct parser *p, struct cf_sym *s);
static void settle_map(struct parser *p, struct cf_map *map);

/* What `.values = { [2] = &map, … }` puts into the map from the start. */
static void read_slots(struct parser *p, struct cf_sym *s, u32 off)
{
	for (u32 i = 0; s->init && i < s->init->parts.n; i++) {
		const struct cf_init_part *part = &s->init->parts.at[i];
		const struct cf_expr *e = part->value;
		struct cf_slot *slot;

		while (e->kind == EX_CAST || e->kind == EX_ADDR || e->kind == EX_DECAY)
			e = e->a;
		if (part->off < off || e->kind != EX_SYM ||
		    (e->sym->kind != SYM_MAP && e->sym->kind != SYM_FUNC)) {
			cfp_error(p, part->value->span, E_MAP,
				  "an entry of map '" STR_FMT "' must be a map or a program",
				  STR_ARG(s->name));
			continue;
		}
		slot = vec_push(p->a, &s->map->slots);
		slot->index = (u32)((part->off - off) / 8);
		slot->sym = e->sym;
	}
}

/* __array(values, struct { … } or int (void *)): what the entries are like. A map of maps gets its pattern,
 * which is a map of its own that nobody names. */
static void read_values(struct parser *p, struct cf_sym *s, const struct ty_member *m)
{
	const struct type *ty = ty_strip(m->type);
	struct cf_sym *inner;

	ty = ty->kind == TY_ARRAY ? ty_strip(ty->to) : ty;
	ty = ty->kind == TY_PTR ? ty_strip(ty->to) : ty;
	read_slots(p, s, m->bit_off / 8);
	if (ty->kind == TY_FUNC)
		return;
	if (ty->kind != TY_STRUCT || s->is_nested) {
		cfp_error(p, s->span, E_MAP,
			  "member 'values' of map '" STR_FMT "' must describe a map or a program: "
			  "write __array(values, struct { … })",
			  STR_ARG(s->name));
		return;
	}
	inner = cfp_sym_new(p, SYM_MAP, str_printf(p->a, STR_FMT ".inner", STR_ARG(s->name)), ty,
			    s->span);
	inner->storage = SS_GLOBAL;
	inner->is_nested = true;
	inner->map = arena_new_of(p->a, struct cf_map);
	read_btf_map(p, inner);
	settle_map(p, inner->map);
	s->map->inner = inner;
}

static void read_member(struct parser *p, struct cf_sym *s, const struct ty_member *m)
{
	static const struct {
		const char *name;
		u32 off;
	} numbers[] = {
		{ "type", offsetof(struct cf_map, type) },
		{ "key_size", offsetof(struct cf_map, key_size) },
		{ "value_size", offsetof(struct cf_map, value_size) },
		{ "max_entries", offsetof(struct cf_map, max_entries) },
		{ "map_flags", offsetof(struct cf_map, flags) },
	};
	struct cf_map *map = s->map;
	u32 pinning;

	for (u32 i = 0; i < ARRAY_LEN(numbers); i++) {
		if (!str_is(m->name, numbers[i].name))
			continue;
		if (!number_of(m->type, (u32 *)((char *)map + numbers[i].off)))
			cfp_error(p, s->span, E_MAP,
				  "member '" STR_FMT "' of map '" STR_FMT "' must "
				  "be a number: write __uint(" STR_FMT ", N)",
				  STR_ARG(m->name), STR_ARG(s->name), STR_ARG(m->name));
		return;
	}
	if (str_is(m->name, "map_extra")) {
		u32 extra = 0;

		if (number_of(m->type, &extra))
			map->extra = extra;
		return;
	}
	if (str_is(m->name, "values")) {
		read_values(p, s, m);
		return;
	}
	if (str_is(m->name, "key"))
		read_kept_type(p, s, m, &map->key, &map->key_size);
	else if (str_is(m->name, "value"))
		read_kept_type(p, s, m, &map->value, &map->value_size);
	else if (str_is(m->name, "pinning")) {
		if (number_of(m->type, &pinning) && pinning)
			map->pin = str_printf(p->a, "/sys/fs/bpf/" STR_FMT, STR_ARG(s->name));
	} else
		cfp_not_yet(p, s->span, "member '" STR_FMT "' of map '" STR_FMT "'",
			    STR_ARG(m->name), STR_ARG(s->name));
}

static void read_btf_map(struct parser *p, struct cf_sym *s)
{
	const struct type *ty = ty_strip(s->type);

	if (ty->kind != TY_STRUCT) {
		cfp_error(p, s->span, E_MAP,
			  "a map in SEC(\".maps\") is a variable of a struct type, "
			  "this is '%s'",
			  cfp_text(p, s->type));
		return;
	}
	for (u32 i = 0; i < ty->n; i++)
		read_member(p, s, &ty->members[i]);
}

/* ---- maps ------------------------------------------------------------------------------------ */

static void read_old_map(struct parser *p, struct cf_sym *s)
{
	const struct type *ty = ty_strip(s->type);
	u32 *fields[] = { &s->map->type, &s->map->key_size, &s->map->value_size,
			  &s->map->max_entries, &s->map->flags };

	if (ty->kind != TY_STRUCT || !s->init) {
		cfp_error(p, s->span, E_MAP,
			  "a map in SEC(\"maps\") is a struct bpf_map_def with values");
		return;
	}
	for (u32 i = 0; i < s->init->parts.n; i++) {
		const struct cf_init_part *part = &s->init->parts.at[i];
		s64 v;

		if (part->off % 4 || part->off / 4 >= ARRAY_LEN(fields) ||
		    !cf_const_value(p->u, part->value, &v))
			cfp_not_yet(p, part->value->span, "this member of a map");
		else
			*fields[part->off / 4] = (u32)v;
	}
}

static void check_map(struct parser *p, const struct cf_sym *s)
{
	const struct cf_map *map = s->map;
	const struct isa_kind *kind = isa_map_kind(map->type);

	if (!kind)
		cfp_error(p, s->span, E_MAP,
			  "map '" STR_FMT "' has no type that the kernel knows (%u)",
			  STR_ARG(s->name), map->type);
	else if ((map->type == ISA_MAP_HASH || map->type == ISA_MAP_ARRAY ||
		  map->type == ISA_MAP_LRU_HASH || isa_map_is_percpu(map->type)) &&
		 (!map->key_size || !map->value_size || !map->max_entries))
		cfp_error(p, s->span, E_MAP,
			  "map '" STR_FMT "' of kind %s needs a key, a value and "
			  "max_entries",
			  STR_ARG(s->name), kind->name);
}

/* Sizes that follow from the kind. */
static void settle_map(struct parser *p, struct cf_map *map)
{
	switch (map->type) {
	case ISA_MAP_ARRAY_OF_MAPS:
	case ISA_MAP_HASH_OF_MAPS:
	case ISA_MAP_PROG_ARRAY:
		map->key_size = map->key_size ? map->key_size : 4;
		map->value_size = map->value_size ? map->value_size : 4;
		break;
	default: break;
	}
	if (map->type == ISA_MAP_PERF_EVENT_ARRAY) {
		map->key_size = map->key_size ? map->key_size : 4;
		map->value_size = map->value_size ? map->value_size : 4;
		if (!map->max_entries && p->u->o->machine)
			map->max_entries = probes_cpus(p->u->o->machine);
	}
}

void cfp_libbpf_map(struct parser *p, struct cf_sym *s)
{
	u32 errors = p->dx->n_errors;

	s->kind = SYM_MAP;
	s->storage = SS_GLOBAL;
	if (s->type == p->u->poison)
		return;
	s->map = arena_new_of(p->a, struct cf_map);
	if (str_is(s->section, ".maps"))
		read_btf_map(p, s);
	else
		read_old_map(p, s);
	settle_map(p, s->map);
	if (errors == p->dx->n_errors)
		check_map(p, s);
	if (errors != p->dx->n_errors)
		s->map = NULL;
}

/* char NAME[] SEC("license") = "…"; */
void cfp_libbpf_license(struct parser *p, struct cf_sym *s)
{
	const struct cf_init *init = s->init;

	if (init && init->parts.n == 1 && init->parts.at[0].value->kind == EX_STRING)
		p->u->license = init->parts.at[0].value->bytes;
	else
		cfp_error(p, s->span, E_INIT,
			  "the licence must be a string: "
			  "char LICENSE[] SEC(\"license\") = \"GPL\";");
}
