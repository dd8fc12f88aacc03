/* Map types, program types and attach types: the rows of kinds.def as three arrays.
 *
 * A row is found by number by indexing, since each group counts up without a gap (maps and programs
 * from 1, attach types from 0; asserted below and tested), and by name by a walk: the arrays are
 * short, and names are looked up once per map or program.
 */
#include "isa/isa.h"

#define V(major, minor)			      ((major) << 8 | (minor))
#define ROW(name, number, lower, since, text) { number, lower, since, text },
#define SKIP(name, number, lower, since, text)

static const struct isa_kind map_kinds[] = {
#define MAP_TYPE    ROW
#define PROG_TYPE   SKIP
#define ATTACH_TYPE SKIP
#include "isa/kinds.def"
#undef MAP_TYPE
#undef PROG_TYPE
};

static const struct isa_kind prog_kinds[] = {
#define MAP_TYPE  SKIP
#define PROG_TYPE ROW
#include "isa/kinds.def"
#undef PROG_TYPE
#undef ATTACH_TYPE
};

static const struct isa_kind attach_kinds[] = {
#define PROG_TYPE   SKIP
#define ATTACH_TYPE ROW
#include "isa/kinds.def"
#undef MAP_TYPE
#undef PROG_TYPE
#undef ATTACH_TYPE
};

_Static_assert(ARRAY_LEN(map_kinds) == ISA_MAP_ARENA, "map types count up from 1");
_Static_assert(ARRAY_LEN(prog_kinds) == ISA_PROG_NETFILTER, "program types count up from 1");
_Static_assert(ARRAY_LEN(attach_kinds) == ISA_ATTACH_TRACE_UPROBE_SESSION + 1,
	       "attach types count up from 0");

const struct isa_kind *isa_map_kind(u32 number)
{
	return number - 1 < ARRAY_LEN(map_kinds) ? &map_kinds[number - 1] : NULL;
}

const struct isa_kind *isa_prog_kind(u32 number)
{
	return number - 1 < ARRAY_LEN(prog_kinds) ? &prog_kinds[number - 1] : NULL;
}

const struct isa_kind *isa_attach_kind(u32 number)
{
	return number < ARRAY_LEN(attach_kinds) ? &attach_kinds[number] : NULL;
}

static const struct isa_kind *named(const struct isa_kind *rows, u32 n, str name)
{
	for (u32 i = 0; i < n; i++)
		if (str_is(name, rows[i].name))
			return &rows[i];
	return NULL;
}

const struct isa_kind *isa_map_kind_named(str name)
{
	return named(map_kinds, ARRAY_LEN(map_kinds), name);
}

const struct isa_kind *isa_prog_kind_named(str name)
{
	return named(prog_kinds, ARRAY_LEN(prog_kinds), name);
}

bool isa_map_is_percpu(u32 map_type)
{
	return map_type == ISA_MAP_PERCPU_HASH || map_type == ISA_MAP_PERCPU_ARRAY ||
	       map_type == ISA_MAP_LRU_PERCPU_HASH || map_type == ISA_MAP_PERCPU_CGROUP_STORAGE;
}
