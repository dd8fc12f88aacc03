/* bcc.c: what BCC adds to C: maps declared by macros, methods of maps, tracepoint functions.
 *
 * BCC's macros are no macros here: they are recognised by name where a declaration may begin, unless the
 * program declares the name itself. A row of a table says which arguments each one takes. A map
 * declared so is a symbol whose type is a struct of `key` and `leaf`, so that typeof(map.key) works.
 *
 * Methods follow BCC: lookup, update, delete and insert take pointers, increment takes the key by value. A
 * size that does not fit the map's is told here, because the kernel would read beyond the object.
 *
 * TRACEPOINT_PROBE(category, event) { … } is a function with a parameter `args` that points to the
 * record; the record's layout is read from tracefs when a member is first named.
 */
#include "cfront/parse.h"

#include <string.h>

enum {
	DEFAULT_ENTRIES = 10240,
	HISTOGRAM_SLOTS = 64,
	STACK_BYTES = 127 * 8,
	PAGE = 4096,
	NO_PREALLOC = 1,
	TYPE_BY_STRING = 0,
	HISTOGRAM = 1000
};

/* Arguments of a macro, one letter each; capitals may be left out:
 *   n name   k key type   l leaf type   s entries   t kind as a string   p path   f flags   g pages */
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
};

/* Recognised so that the message is clear. */
static const char *const later[] = {
	"BPF_STACK_TRACE_BUILDID",
	"BPF_ARRAY_OF_MAPS",
	"BPF_HASH_OF_MAPS",
	"BPF_DEVMAP",
	"BPF_CPUMAP",
	"BPF_XSKMAP",
	"BPF_SOCKMAP",
	"BPF_SOCKHASH",
	"BPF_SK_STORAGE",
	"BPF_INODE_STORAGE",
	"BPF_TASK_STORAGE",
	"BPF_CGROUP_STORAGE",
	"BPF_PERCPU_CGROUP_STORAGE",
	"BPF_TABLE_SHARED",
	"BPF_QUEUESTACK",
	"BPF_ITER",
	"KFUNC_PROBE",
	"KRETFUNC_PROBE",
	"MODULE_KFUNC_PROBE",
	"MODULE_KRETFUNC_PROBE",
	"KMOD_RET",
	"LSM_PROBE",
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
};

void cfp_bcc_near(struct nearest *near)
{
	for (u32 i = 0; i < ARRAY_LEN(macros); i++)
		nearest_offer(near, str_of(macros[i].name));
	nearest_offer(near, STR("TRACEPOINT_PROBE"));
	nearest_offer(near, STR("RAW_TRACEPOINT_PROBE"));
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

static void read_kind(struct parser *p, struct reading *r)
{
	str kind, text = p->tok->bytes;
	struct nearest near;

	if (p->tok->kind != TOK_STRING) {
		cfp_expected(p, "the kind of map, as a string");
		return;
	}
	kind = str_cut(&text, ':');
	r->map->pin = text;
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
	map->type = r->type;
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
	name_declare(p, s);
	cfp_list(p, s);
}

/* ---- functions of tracepoints ------------------------------------------------------------------- */

static struct cf_sym *tracepoint_function(struct parser *p, str name, str tag, const char *param,
					  struct span at)
{
	const struct type *rec = name_find_tag(p, tag, false), *ptr, *int_type;
	struct ty_param ty_param = { .name = str_of(param) };
	struct cf_sym *s, *arg, *old = name_find_here(p, name);

	if (old)
		name_redeclared(p, name, at, old);
	if (!rec) {
		struct type *made = ty_tagged_new(p->t, TY_STRUCT, tag, at);

		name_declare_tag(p, tag, made);
		rec = made;
	}
	int_type = ty_basic(p->t, TY_B_INT);
	ptr = ty_param.type = ty_ptr_to(p->t, rec);
	s = cfp_sym_new(p, SYM_FUNC, name, ty_func_of(p->t, int_type, &ty_param, 1, false), at);
	s->storage = SS_GLOBAL;
	arg = cfp_sym_new(p, SYM_PARAM, str_of(param), ptr, at);
	*vec_push(p->a, &s->params) = arg;
	s->has_want = true;
	s->want.span = at;
	name_declare(p, s);
	cfp_list(p, s);
	return s;
}

/* The name in parentheses, or one of two. */
static str event_word(struct parser *p)
{
	str word = p->tok->text;

	if (p->tok->kind != TOK_IDENT) {
		cfp_expected(p, "the name of an event");
		return STR("");
	}
	cfp_next(p);
	return word;
}

/* TRACEPOINT_PROBE ( category , event ) body; RAW_TRACEPOINT_PROBE ( event ) body */
static void tracepoint_probe(struct parser *p, bool is_raw)
{
	struct span at = p->tok->span;
	str category = STR(""), event, name, tag;
	struct cf_sym *s;

	cfp_next(p);
	cfp_next(p);
	if (!is_raw) {
		category = event_word(p);
		cfp_expect(p, ',', "between category and event");
	}
	event = event_word(p);
	cfp_expect(p, ')', "behind the event");
	if (p->panic)
		return;
	at = span_to_here(p, at);
	if (is_raw) {
		name = str_printf(p->a, "raw_tracepoint__" STR_FMT, STR_ARG(event));
		tag = STR("bpf_raw_tracepoint_args");
	} else {
		name = str_printf(p->a, "tracepoint__" STR_FMT "__" STR_FMT, STR_ARG(category),
				  STR_ARG(event));
		tag = name;
	}
	s = tracepoint_function(p, name, tag, is_raw ? "ctx" : "args", at);
	s->want.provider = is_raw ? PROBES_RAW_TRACEPOINT : PROBES_TRACEPOINT;
	s->want.module = category;
	s->want.name = event;
	cfp_function_body(p, s);
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
	if (str_is(name, "TRACEPOINT_PROBE") || str_is(name, "RAW_TRACEPOINT_PROBE")) {
		tracepoint_probe(p, str_starts(name, "RAW"));
		return true;
	}
	if (str_is(name, "BPF_LICENSE")) {
		license(p);
		return true;
	}
	for (u32 i = 0; i < ARRAY_LEN(later); i++) {
		if (str_is(name, later[i])) {
			refuse(p);
			return true;
		}
	}
	return false;
}

/* ---- structs that BCC makes ------------------------------------------------------------------------ */

static const struct type *finish_struct(struct parser *p, str tag, const struct ty_member *m, u32 n)
{
	struct type *ty = ty_tagged_new(p->t, TY_STRUCT, tag, (struct span){ 0, 0 });

	ty_layout(p->t, ty, m, n, false, 0);
	return ty;
}

static const struct type *raw_tracepoint_args(struct parser *p, str tag)
{
	struct ty_member m = { .name = STR("args") };

	m.type = ty_array_of(p->t, name_lib_type(p, STR("__u64")), TY_UNSIZED);
	return finish_struct(p, tag, &m, 1);
}

static const struct type *map_def(struct parser *p, str tag)
{
	static const char *const names[] = { "type", "key_size", "value_size", "max_entries",
					     "map_flags" };
	struct ty_member m[ARRAY_LEN(names)];

	for (u32 i = 0; i < ARRAY_LEN(names); i++)
		m[i] = (struct ty_member){ .name = str_of(names[i]),
					   .type = ty_basic(p->t, TY_B_UINT) };
	return finish_struct(p, tag, m, ARRAY_LEN(names));
}

/* struct tracepoint__CATEGORY__EVENT: its record, from tracefs. */
static const struct type *tracepoint_record(struct parser *p, str tag)
{
	struct probes_format format = { 0 };
	struct err e = { 0 };
	str rest = str_sub(tag, 12, tag.n), category = rest, event = STR("");

	for (u32 i = 0; i + 2 < rest.n; i++) {
		if (rest.s[i] != '_' || rest.s[i + 1] != '_')
			continue;
		category = str_sub(rest, 0, i);
		event = str_sub(rest, i + 2, rest.n);
		break;
	}
	if (!event.n || !p->u->o->machine)
		return NULL;
	if (probes_tracepoint_format(p->u->o->machine, p->a, category, event, &format, &e)) {
		cfp_error(p, p->asking, E_NO_EVENT,
			  "the record of tracepoint '" STR_FMT ":" STR_FMT "' cannot be read: %s",
			  STR_ARG(category), STR_ARG(event), e.msg);
		return p->u->poison;
	}
	return probes_format_type(p->t, NULL, &format, tag);
}

const struct type *cfp_bcc_struct(struct parser *p, str tag)
{
	const struct type *ty = strmap_get(&p->bcc_structs, tag);

	if (ty)
		return ty;
	if (str_is(tag, "bpf_raw_tracepoint_args"))
		ty = raw_tracepoint_args(p, tag);
	else if (str_is(tag, "bpf_map_def"))
		ty = map_def(p, tag);
	else if (str_starts(tag, "tracepoint__"))
		ty = tracepoint_record(p, tag);
	if (ty)
		strmap_put(p->a, &p->bcc_structs, tag, (void *)ty);
	return ty;
}
