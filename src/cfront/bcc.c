/* bcc.c: what BCC adds to C: maps declared by macros. Their methods are in bcc_method.c, functions
 * declared by macros in bcc_program.c.
 *
 * BCC's macros are no macros here: they are recognised by name where a declaration may begin, unless the
 * program declares the name itself. A row of a table says which arguments each one takes. A map
 * declared so is a symbol whose type is a struct of `key` and `leaf`, so that typeof(map.key) works.
 */
#include "cfront/parse.h"

#include <string.h>

enum {
	DEFAULT_ENTRIES = 10240,
	HISTOGRAM_SLOTS = 64,
	STACK_BYTES = 127 * 8,
	BUILD_ID_BYTES = 127 * 32,
	PAGE = 4096,
	NO_PREALLOC = 1,
	STACK_BUILD_ID = 0x20,
	TYPE_BY_STRING = 0,
	HISTOGRAM = 1000,
	STACK_BUILDID = 1001,
};

/* Arguments of a macro, one letter each; capitals may be left out:
 *   n name   k key type   l leaf type   s entries   t kind as a string   p path   f flags   g pages
 *   i name of the inner map as a string */
static const struct macro {
	const char *name, *args;
	u32 type;    /* enum isa_map_type, or one of the above */
	u32 entries; /* by default */
} macros[] = {
	{ "BPF_HASH", "nKLS", ISA_MAP_HASH, DEFAULT_ENTRIES },
	{ "BPF_ARRAY", "nLS", ISA_MAP_ARRAY, DEFAULT_ENTRIES },
	{ "BPF_PERCPU_HASH", "nKLS", ISA_MAP_PERCPU_HASH, DEFAULT_ENTRIES },
	{ "BPF_PERCPU_ARRAY", "nLS", ISA_MAP_PERCPU_ARRAY, DEFAULT_ENTRIES },
	{ "BPF_LRU_HASH", "nKLS", ISA_MAP_LRU_HASH, DEFAULT_ENTRIES },
	{ "BPF_LRU_PERCPU_HASH", "nKLS", ISA_MAP_LRU_PERCPU_HASH, DEFAULT_ENTRIES },
	{ "BPF_LPM_TRIE", "nKLS", ISA_MAP_LPM_TRIE, DEFAULT_ENTRIES },
	{ "BPF_HISTOGRAM", "nKS", HISTOGRAM, HISTOGRAM_SLOTS },
	{ "BPF_TABLE", "tklns", TYPE_BY_STRING, 0 },
	{ "BPF_TABLE_PUBLIC", "tklns", TYPE_BY_STRING, 0 },
	{ "BPF_F_TABLE", "tklnsf", TYPE_BY_STRING, 0 },
	{ "BPF_TABLE_PINNED", "tklnspF", TYPE_BY_STRING, 0 },
	{ "BPF_PERF_OUTPUT", "n", ISA_MAP_PERF_EVENT_ARRAY, 0 },
	{ "BPF_RINGBUF_OUTPUT", "ng", ISA_MAP_RINGBUF, 0 },
	{ "BPF_STACK_TRACE", "ns", ISA_MAP_STACK_TRACE, 0 },
	{ "BPF_QUEUE", "nlsF", ISA_MAP_QUEUE, 0 },
	{ "BPF_STACK", "nlsF", ISA_MAP_STACK, 0 },
	{ "BPF_CGROUP_ARRAY", "ns", ISA_MAP_CGROUP_ARRAY, 0 },
	{ "BPF_PROG_ARRAY", "ns", ISA_MAP_PROG_ARRAY, 0 },
	{ "BPF_PERF_ARRAY", "ns", ISA_MAP_PERF_EVENT_ARRAY, 0 },
	{ "BPF_STACK_TRACE_BUILDID", "ns", STACK_BUILDID, 0 },
	{ "BPF_ARRAY_OF_MAPS", "nis", ISA_MAP_ARRAY_OF_MAPS, 0 },
	{ "BPF_HASH_OF_MAPS", "nKis", ISA_MAP_HASH_OF_MAPS, DEFAULT_ENTRIES },
	{ "BPF_DEVMAP", "ns", ISA_MAP_DEVMAP, 0 },
	{ "BPF_CPUMAP", "ns", ISA_MAP_CPUMAP, 0 },
	{ "BPF_XSKMAP", "ns", ISA_MAP_XSKMAP, 0 },
	{ "BPF_SOCKMAP", "ns", ISA_MAP_SOCKMAP, 0 },
	{ "BPF_SOCKHASH", "nKS", ISA_MAP_SOCKHASH, DEFAULT_ENTRIES },
	{ "BPF_SK_STORAGE", "nl", ISA_MAP_SK_STORAGE, 0 },
	{ "BPF_INODE_STORAGE", "nl", ISA_MAP_INODE_STORAGE, 0 },
	{ "BPF_TASK_STORAGE", "nl", ISA_MAP_TASK_STORAGE, 0 },
	{ "BPF_CGROUP_STORAGE", "nl", ISA_MAP_CGROUP_STORAGE, 0 },
	{ "BPF_PERCPU_CGROUP_STORAGE", "nl", ISA_MAP_PERCPU_CGROUP_STORAGE, 0 },
	{ "BPF_QUEUESTACK", "tnlsF", TYPE_BY_STRING, 0 },
};

static const struct {
	const char *name;
	u32 type;
} kinds[] = {
	{ "hash", ISA_MAP_HASH },
	{ "array", ISA_MAP_ARRAY },
	{ "percpu_hash", ISA_MAP_PERCPU_HASH },
	{ "percpu_array", ISA_MAP_PERCPU_ARRAY },
	{ "lru_hash", ISA_MAP_LRU_HASH },
	{ "lru_percpu_hash", ISA_MAP_LRU_PERCPU_HASH },
	{ "lpm_trie", ISA_MAP_LPM_TRIE },
	{ "histogram", HISTOGRAM },
	{ "prog", ISA_MAP_PROG_ARRAY },
	{ "perf_output", ISA_MAP_PERF_EVENT_ARRAY },
	{ "perf_array", ISA_MAP_PERF_EVENT_ARRAY },
	{ "ringbuf", ISA_MAP_RINGBUF },
	{ "queue", ISA_MAP_QUEUE },
	{ "stack", ISA_MAP_STACK },
	{ "cgroup_array", ISA_MAP_CGROUP_ARRAY },
	{ "stacktrace", ISA_MAP_STACK_TRACE },
	{ "devmap", ISA_MAP_DEVMAP },
	{ "cpumap", ISA_MAP_CPUMAP },
	{ "xskmap", ISA_MAP_XSKMAP },
	{ "sockmap", ISA_MAP_SOCKMAP },
	{ "sockhash", ISA_MAP_SOCKHASH },
	{ "array_of_maps", ISA_MAP_ARRAY_OF_MAPS },
	{ "hash_of_maps", ISA_MAP_HASH_OF_MAPS },
	{ "sk_storage", ISA_MAP_SK_STORAGE },
	{ "inode_storage", ISA_MAP_INODE_STORAGE },
	{ "task_storage", ISA_MAP_TASK_STORAGE },
	{ "cgroup_storage", ISA_MAP_CGROUP_STORAGE },
	{ "percpu_cgroup_storage", ISA_MAP_PERCPU_CGROUP_STORAGE },
};

void cfp_bcc_near(struct nearest *near)
{
	for (u32 i = 0; i < ARRAY_LEN(macros); i++)
		nearest_offer(near, str_of(macros[i].name));
	cfp_bcc_program_near(near);
}

/* ---- declarations ---------------------------------------------------------------------------- */

/* A map while its macro is being read. */
struct reading {
	const struct macro *macro;
	struct cf_map *map;
	str name;
	struct span name_span;
	u32 type; /* macros[].type once a string was read */
	s64 entries;
	struct span entries_span;
	bool bad;
};

static void set_inner(struct parser *p, struct reading *r, str name)
{
	struct cf_sym *s = name_find(p, name);

	if (s && s->kind == SYM_MAP && s->map) {
		r->map->inner = s;
		return;
	}
	r->bad = true;
	if (cfp_error(p, p->tok->span, E_MAP, "there is no map '" STR_FMT "' above", STR_ARG(name)))
		diag_hint(p->dx, "the inner map is the pattern that entries must be like: declare "
				 "it first");
}

static void read_kind(struct parser *p, struct reading *r)
{
	str kind, inner, text = p->tok->bytes;
	struct nearest near;

	if (p->tok->kind != TOK_STRING) {
		cfp_expected(p, "the kind of map, as a string");
		return;
	}
	inner = str_cut(&text, ':');
	r->map->pin = text;
	kind = str_cut(&inner, '$');
	if (inner.n)
		set_inner(p, r, inner);
	nearest_init(&near, kind);
	for (u32 i = 0; i < ARRAY_LEN(kinds); i++) {
		nearest_offer(&near, str_of(kinds[i].name));
		if (str_is(kind, kinds[i].name))
			r->type = kinds[i].type;
	}
	if (r->type == TYPE_BY_STRING) {
		r->bad = true;
		if (cfp_error(p, p->tok->span, E_MAP, "there is no kind of map '" STR_FMT "'",
			      STR_ARG(kind)) &&
		    near.best.n)
			diag_hint(p->dx, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
	}
	cfp_next(p);
}

static const struct type *read_type(struct parser *p, struct reading *r)
{
	struct span at = p->tok->span;
	const struct type *ty = cfp_type_name(p);

	at = span_to_here(p, at);
	if (!ty_is_void(ty))
		ty = name_need_complete(p, ty, at);
	if (!ty || ty == p->u->poison) {
		r->bad = true;
		return p->u->poison;
	}
	if (ty_is_void(ty) || ty_strip(ty)->kind == TY_FUNC || ty_strip(ty)->size == 0 ||
	    ty_strip(ty)->size > 65536) {
		cfp_error(p, at, E_MAP, "'%s' cannot be kept in a map", cfp_text(p, ty));
		r->bad = true;
	}
	return ty;
}

static void read_entries(struct parser *p, struct reading *r)
{
	r->entries_span = p->tok->span;
	if (!cfp_constant(p, "the size of a map", &r->entries)) {
		r->bad = true;
		return;
	}
	r->entries_span = span_to_here(p, r->entries_span);
	if (r->entries <= 0 || r->entries > UINT32_MAX) {
		cfp_error(p, r->entries_span, E_MAP, "a map cannot have %lld entries",
			  (long long)r->entries);
		r->bad = true;
	}
}

static void read_argument(struct parser *p, struct reading *r, char letter)
{
	s64 v = 0;

	switch (letter | 0x20) {
	case 'n':
		if (!at_name(p)) {
			cfp_expected(p, "the name of the map");
			return;
		}
		r->name = p->tok->text;
		r->name_span = p->tok->span;
		cfp_next(p);
		break;
	case 'k': r->map->key = read_type(p, r); break;
	case 'l': r->map->value = read_type(p, r); break;
	case 's': read_entries(p, r); break;
	case 't': read_kind(p, r); break;
	case 'g':
		read_entries(p, r);
		r->entries = r->entries > UINT32_MAX / PAGE ? 0 : r->entries * PAGE;
		break;
	case 'p':
		if (p->tok->kind == TOK_STRING)
			r->map->pin = p->tok->bytes;
		else
			cfp_expected(p, "a path as a string");
		cfp_next(p);
		break;
	case 'i':
		if (p->tok->kind == TOK_STRING)
			set_inner(p, r, p->tok->bytes);
		else
			cfp_expected(p, "the name of the inner map as a string");
		cfp_next(p);
		break;
	case 'f':
		r->bad |= !cfp_constant(p, "the flags of a map", &v);
		r->map->flags |= (u32)v;
		break;
	}
}

static void read_arguments(struct parser *p, struct reading *r)
{
	const char *c = r->macro->args;

	if (!at_punct(p, ')')) {
		for (; *c && !p->panic; c++) {
			read_argument(p, r, *c);
			if (!cfp_accept(p, ',')) {
				c++;
				break;
			}
		}
	}
	if (p->panic)
		return;
	if (*c >= 'a' && *c <= 'z') {
		cfp_error(p, p->tok->span, E_ARGS, "%s wants %s here", r->macro->name,
			  *c == 'n'   ? "the name of the map"
			  : *c == 'l' ? "the type of its values"
			  : *c == 'k' ? "the type of its keys"
			  : *c == 'g' ? "a number of pages"
			  : *c == 's' ? "the number of its entries"
			  : *c == 'i' ? "the name of its inner map"
				      : "another argument");
		r->bad = true;
	}
	if (p->prev->kind == TOK_PUNCT && p->prev->punct == ',') {
		cfp_fail(p, p->tok->span, E_ARGS, "%s takes at most %zu argument%s", r->macro->name,
			 strlen(r->macro->args), r->macro->args[1] ? "s" : "");
		return;
	}
	cfp_expect(p, ')', "behind the map's arguments");
}

static u32 power_of_two(s64 n)
{
	u32 k = 1;

	while (k < n && k < 1u << 31)
		k *= 2;
	return k;
}

/* Types and sizes that the kind of map prescribes, and defaults for what was left out. */
static void settle_map(struct parser *p, struct reading *r)
{
	struct cf_map *map = r->map;
	const struct type *u64_type = name_lib_type(p, STR("u64"));
	const struct type *int_type = ty_basic(p->t, TY_B_INT), *u32_type;

	u32_type = ty_basic(p->t, TY_B_UINT);
	if (r->type == HISTOGRAM) {
		bool by_int = !map->key || ty_strip(map->key)->plain == int_type;

		map->type = by_int ? ISA_MAP_ARRAY : ISA_MAP_HASH;
		map->key = map->key ? map->key : int_type;
		map->value = u64_type;
		return;
	}
	map->type = r->type == STACK_BUILDID ? ISA_MAP_STACK_TRACE : r->type;
	switch (r->type) {
	case ISA_MAP_ARRAY:
	case ISA_MAP_PERCPU_ARRAY: map->key = map->key ? map->key : int_type; break;
	case ISA_MAP_PERF_EVENT_ARRAY:
	case ISA_MAP_CGROUP_ARRAY:
	case ISA_MAP_PROG_ARRAY:
		map->key = int_type;
		map->value = u32_type;
		if (!r->entries && p->u->o->machine)
			r->entries = probes_cpus(p->u->o->machine);
		break;
	case ISA_MAP_STACK_TRACE:
		map->key = u32_type;
		map->value = ty_array_of(p->t, u64_type, STACK_BYTES / 8);
		r->entries = power_of_two(r->entries);
		break;
	case STACK_BUILDID:
		map->flags |= STACK_BUILD_ID;
		map->key = u32_type;
		map->value = ty_array_of(p->t, ty_basic(p->t, TY_B_UCHAR), BUILD_ID_BYTES);
		r->entries = power_of_two(r->entries);
		break;
	case ISA_MAP_ARRAY_OF_MAPS:
	case ISA_MAP_HASH_OF_MAPS:
	case ISA_MAP_DEVMAP:
	case ISA_MAP_CPUMAP:
	case ISA_MAP_XSKMAP:
	case ISA_MAP_SOCKMAP:
	case ISA_MAP_SOCKHASH:
		map->key = map->key ? map->key : int_type;
		map->value = r->type == ISA_MAP_SOCKHASH ? u32_type : int_type;
		break;
	case ISA_MAP_SK_STORAGE:
	case ISA_MAP_INODE_STORAGE:
	case ISA_MAP_TASK_STORAGE:
		map->flags |= NO_PREALLOC;
		map->key = int_type;
		break;
	case ISA_MAP_CGROUP_STORAGE:
	case ISA_MAP_PERCPU_CGROUP_STORAGE:
		map->key =
			ty_tagged_new(p->t, TY_STRUCT, STR("bpf_cgroup_storage_key"), r->name_span);
		map->key = name_need_complete(p, map->key, r->name_span);
		r->bad |= !map->key;
		break;
	case ISA_MAP_RINGBUF:
		map->key = map->value = NULL;
		if (r->entries != power_of_two(r->entries))
			cfp_error(p, r->entries_span, E_MAP,
				  "a ring buffer's pages must be a power of two");
		return;
	case ISA_MAP_QUEUE:
	case ISA_MAP_STACK: map->key = NULL; break;
	default:
		if (r->type == ISA_MAP_LPM_TRIE)
			map->flags |= NO_PREALLOC;
		map->key = map->key ? map->key : u64_type;
		break;
	}
	map->value = map->value ? map->value : u64_type;
}

/* struct { key; leaf; } */
static const struct type *map_struct(struct parser *p, const struct reading *r)
{
	struct type *ty =
		ty_tagged_new(p->t, TY_STRUCT,
			      str_printf(p->a, STR_FMT "_table_t", STR_ARG(r->name)), r->name_span);
	struct ty_member m[2];
	u32 n = 0;

	if (r->map->key)
		m[n++] = (struct ty_member){ .name = STR("key"), .type = r->map->key };
	if (r->map->value)
		m[n++] = (struct ty_member){ .name = STR("leaf"), .type = r->map->value };
	ty_layout(p->t, ty, m, n, false, 0);
	return ty;
}

static void check_key(struct parser *p, const struct reading *r)
{
	u32 type = r->map->type;

	if ((type == ISA_MAP_ARRAY || type == ISA_MAP_PERCPU_ARRAY) &&
	    ty_strip(r->map->key)->size != 4)
		cfp_error(p, r->name_span, E_MAP, "the keys of an array are int, not '%s'",
			  cfp_text(p, r->map->key));
}

static void declare_map(struct parser *p, const struct macro *m)
{
	struct reading r = { .macro = m, .type = m->type, .entries = m->entries };
	struct cf_sym *s, *old;

	r.map = arena_new_of(p->a, struct cf_map);
	r.map->is_bcc = true;
	cfp_next(p);
	cfp_next(p);
	read_arguments(p, &r);
	if (p->panic || !r.name.n)
		return;
	cfp_accept(p, ';');
	if (!r.bad) {
		settle_map(p, &r);
		check_key(p, &r);
	}
	r.map->max_entries = (u32)r.entries;
	r.map->key_size = r.map->key ? (u32)ty_strip(r.map->key)->size : 0;
	r.map->value_size = r.map->value ? (u32)ty_strip(r.map->value)->size : 0;
	old = name_find_here(p, r.name);
	if (old)
		name_redeclared(p, r.name, r.name_span, old);
	s = cfp_sym_new(p, SYM_MAP, r.name, r.bad ? p->u->poison : map_struct(p, &r), r.name_span);
	s->storage = SS_GLOBAL;
	s->map = r.bad ? NULL : r.map;
	if (s->map)
		s->map->is_histogram = r.type == HISTOGRAM;
	name_declare(p, s);
	cfp_list(p, s);
}

/* BPF_LICENSE ( words ) ; */
static void license(struct parser *p)
{
	struct sbuf b;

	sbuf_init(&b, p->a);
	cfp_next(p);
	cfp_next(p);
	while (!at_punct(p, ')') && !at_end(p)) {
		if (b.n && p->tok->space)
			sbuf_putc(&b, ' ');
		sbuf_put(&b, p->tok->kind == TOK_STRING ? p->tok->bytes : p->tok->text);
		cfp_next(p);
	}
	cfp_expect(p, ')', "behind the licence");
	cfp_accept(p, ';');
	p->u->license = sbuf_str(&b);
}

static void refuse(struct parser *p)
{
	cfp_not_yet(p, p->tok->span, STR_FMT, STR_ARG(p->tok->text));
	cfp_next(p);
	cfp_skip_balanced(p);
	if (at_punct(p, '{'))
		cfp_skip_balanced(p);
	cfp_accept(p, ';');
}

bool cfp_bcc_declaration(struct parser *p)
{
	str name = p->tok->text;

	for (u32 i = 0; i < ARRAY_LEN(macros); i++) {
		if (str_is(name, macros[i].name)) {
			declare_map(p, &macros[i]);
			return true;
		}
	}
	if (str_is(name, "BPF_LICENSE")) {
		license(p);
		return true;
	}
	if (str_is(name, "BPF_TABLE_SHARED")) {
		refuse(p);
		return true;
	}
	return cfp_bcc_program(p);
}
