/* bcc_method.c: methods of BCC's maps: `table.lookup(&key)` and so on.
 *
 * Those that read and write entries become one EX_MAP_CALL; a table says how many arguments each takes.
 * What an argument must be follows from its place: keys and values by pointer, except for
 * increment, whose key comes by value. All the others are one helper call with the map put among
 * the arguments; a second table says where, and which kinds of map have the method.
 */
#include "cfront/parse.h"

enum { NEEDS_KEY = 1, NEEDS_NUMBER = 2, NOT_ARRAY = 4, GIVES_VALUE = 8 };
#define KIND(type) (1ull << ISA_MAP_##type)

static const struct method {
	const char *name;
	enum map_method method;
	u8 least, most;
	u8 flags;
} methods[] = {
	{ "lookup", MM_LOOKUP, 1, 1, NEEDS_KEY },
	{ "update", MM_UPDATE, 2, 2, NEEDS_KEY },
	{ "insert", MM_INSERT, 2, 2, NEEDS_KEY },
	{ "delete", MM_DELETE, 1, 1, NEEDS_KEY | NOT_ARRAY },
	{ "lookup_or_try_init", MM_LOOKUP_OR_TRY_INIT, 2, 2, NEEDS_KEY },
	{ "lookup_or_init", MM_LOOKUP_OR_INIT, 2, 2, NEEDS_KEY },
	{ "increment", MM_INCREMENT, 1, 2, NEEDS_KEY | NEEDS_NUMBER },
	{ "atomic_increment", MM_ATOMIC_INCREMENT, 1, 2, NEEDS_KEY | NEEDS_NUMBER },
};

/* Methods that are one helper call. `order` gives the helper's arguments: a digit is the method's
 * argument, m the map, C the number of this CPU's element, 0 for one that was left out. */
static const struct relay {
	const char *name;
	u32 helper;
	u8 least, most;
	const char *order;
	u64 kinds; /* of maps that have it */
	u8 flags;
} relays[] = {
	{ "perf_submit", ISA_FN_perf_event_output, 3, 3, "0mC12", KIND(PERF_EVENT_ARRAY), 0 },
	{ "perf_read", ISA_FN_perf_event_read, 1, 1, "m0", KIND(PERF_EVENT_ARRAY), 0 },
	{ "perf_counter_value", ISA_FN_perf_event_read_value, 3, 3, "m012", KIND(PERF_EVENT_ARRAY),
	  0 },
	{ "ringbuf_output", ISA_FN_ringbuf_output, 2, 3, "m012", KIND(RINGBUF), 0 },
	{ "ringbuf_reserve", ISA_FN_ringbuf_reserve, 1, 2, "m01", KIND(RINGBUF), 0 },
	{ "ringbuf_submit", ISA_FN_ringbuf_submit, 1, 2, "01", KIND(RINGBUF), 0 },
	{ "ringbuf_discard", ISA_FN_ringbuf_discard, 1, 2, "01", KIND(RINGBUF), 0 },
	{ "ringbuf_query", ISA_FN_ringbuf_query, 1, 1, "m0", KIND(RINGBUF), 0 },
	{ "get_stackid", ISA_FN_get_stackid, 2, 2, "0m1", KIND(STACK_TRACE), 0 },
	{ "push", ISA_FN_map_push_elem, 1, 2, "m01", KIND(QUEUE) | KIND(STACK) | KIND(BLOOM_FILTER),
	  0 },
	{ "pop", ISA_FN_map_pop_elem, 1, 1, "m0", KIND(QUEUE) | KIND(STACK), 0 },
	{ "peek", ISA_FN_map_peek_elem, 1, 1, "m0", KIND(QUEUE) | KIND(STACK) | KIND(BLOOM_FILTER),
	  0 },
	{ "call", ISA_FN_tail_call, 2, 2, "0m1", KIND(PROG_ARRAY), 0 },
	{ "check_current_task", ISA_FN_current_task_under_cgroup, 1, 1, "m0", KIND(CGROUP_ARRAY),
	  0 },
	{ "redirect_map", ISA_FN_redirect_map, 2, 2, "m01",
	  KIND(DEVMAP) | KIND(DEVMAP_HASH) | KIND(CPUMAP) | KIND(XSKMAP), 0 },
	{ "sk_storage_get", ISA_FN_sk_storage_get, 3, 3, "m012", KIND(SK_STORAGE), GIVES_VALUE },
	{ "sk_storage_delete", ISA_FN_sk_storage_delete, 1, 1, "m0", KIND(SK_STORAGE), 0 },
	{ "inode_storage_get", ISA_FN_inode_storage_get, 3, 3, "m012", KIND(INODE_STORAGE),
	  GIVES_VALUE },
	{ "inode_storage_delete", ISA_FN_inode_storage_delete, 1, 1, "m0", KIND(INODE_STORAGE), 0 },
	{ "task_storage_get", ISA_FN_task_storage_get, 3, 3, "m012", KIND(TASK_STORAGE),
	  GIVES_VALUE },
	{ "task_storage_delete", ISA_FN_task_storage_delete, 1, 1, "m0", KIND(TASK_STORAGE), 0 },
	{ "get_local_storage", ISA_FN_get_local_storage, 1, 1, "m0",
	  KIND(CGROUP_STORAGE) | KIND(PERCPU_CGROUP_STORAGE), GIVES_VALUE },
	{ "sock_map_update", ISA_FN_sock_map_update, 3, 3, "0m12", KIND(SOCKMAP), 0 },
	{ "sock_hash_update", ISA_FN_sock_hash_update, 3, 3, "0m12", KIND(SOCKHASH), 0 },
	{ "msg_redirect_map", ISA_FN_msg_redirect_map, 3, 3, "0m12", KIND(SOCKMAP), 0 },
	{ "msg_redirect_hash", ISA_FN_msg_redirect_hash, 3, 3, "0m12", KIND(SOCKHASH), 0 },
	{ "sk_redirect_map", ISA_FN_sk_redirect_map, 3, 3, "0m12", KIND(SOCKMAP), 0 },
	{ "sk_redirect_hash", ISA_FN_sk_redirect_hash, 3, 3, "0m12", KIND(SOCKHASH), 0 },
};

/* One call while it is being built. */
struct call {
	struct parser *p;
	const struct method *m;
	const struct relay *relay; /* one of the two */
	struct cf_sym *sym;
	struct cf_map *map;
	str name; /* "counter.lookup" */
	struct span span;
	expr_list args;
};

static const struct method *find_method(str name)
{
	for (u32 i = 0; i < ARRAY_LEN(methods); i++)
		if (str_is(name, methods[i].name))
			return &methods[i];
	return NULL;
}

static const struct relay *find_relay(str name)
{
	for (u32 i = 0; i < ARRAY_LEN(relays); i++)
		if (str_is(name, relays[i].name))
			return &relays[i];
	return NULL;
}

/* What an argument surely points to: of an array the whole. NULL if nothing is known. */
static const struct type *pointee(const struct cf_expr *e)
{
	const struct type *to;

	while (e->kind == EX_CAST && ty_is_ptr(e->a->type))
		e = e->a;
	if (e->kind == EX_ADDR || e->kind == EX_DECAY)
		return e->a->type;
	to = ty_is_ptr(e->type) ? ty_strip(e->type)->to : NULL;
	return to && !ty_is_void(to) && ty_strip(to)->size > 1 ? to : NULL;
}

static struct cf_expr *pointer_argument(struct call *c, u32 i, const struct type *want,
					const char *role)
{
	struct parser *p = c->p;
	struct cf_expr *e = cfx_value(p, c->args.at[i]);
	u64 size = ty_strip(want)->size;
	const struct type *to;

	if (is_poison(p, e))
		return e;
	if (!ty_is_ptr(e->type)) {
		if (cfp_error(p, e->span, E_ARGS,
			      "argument %u of '" STR_FMT "' must point to a %s "
			      "('%s'), this is '%s'",
			      i + 1, STR_ARG(c->name), role, cfp_text(p, want),
			      cfp_text(p, e->type)) &&
		    c->args.at[i]->is_lvalue)
			diag_hint(p->dx, "write & before it");
		return cfx_poison(p, e->span);
	}
	to = pointee(e);
	if (!to || ty_strip(to)->size == size || !ty_strip(to)->complete)
		return e;
	if (ty_strip(to)->size < size) {
		if (cfp_error(p, e->span, E_MAP,
			      "a %s of '" STR_FMT "' has %llu bytes ('%s'), this "
			      "points at %llu ('%s')",
			      role, STR_ARG(c->sym->name), (unsigned long long)size,
			      cfp_text(p, want), (unsigned long long)ty_strip(to)->size,
			      cfp_text(p, to)))
			diag_note(p->dx, c->sym->span, "the map is declared here");
		return cfx_poison(p, e->span);
	}
	cfp_error(p, e->span, W_TYPE, "a %s of '" STR_FMT "' is '%s', this points at '%s'", role,
		  STR_ARG(c->sym->name), cfp_text(p, want), cfp_text(p, to));
	return e;
}

/* Checks and converts the arguments; false if there is anything wrong with them. */
static bool convert(struct call *c)
{
	bool by_value = c->m->method == MM_INCREMENT || c->m->method == MM_ATOMIC_INCREMENT;
	bool ok = true;

	for (u32 i = 0; i < c->args.n; i++) {
		const struct type *want = i == 0 ? c->map->key : c->map->value;

		if (by_value)
			c->args.at[i] = cfx_assignable(c->p, c->args.at[i], want,
						       i == 0 ? "the key" : "the amount");
		else
			c->args.at[i] = pointer_argument(c, i, want, i == 0 ? "key" : "value");
		ok = ok && !is_poison(c->p, c->args.at[i]);
	}
	return ok;
}

static bool fits_map(struct call *c)
{
	const struct isa_kind *kind = isa_map_kind(c->map->type);
	const char *name = kind ? kind->name : "such a map";
	struct parser *p = c->p;

	if (c->m->flags & NEEDS_KEY && (!c->map->key || !c->map->value)) {
		cfp_error(p, c->span, E_MAP, "'" STR_FMT "' is a map of kind %s: it has no %s",
			  STR_ARG(c->sym->name), name, c->m->name);
		return false;
	}
	if (c->m->flags & NOT_ARRAY &&
	    (c->map->type == ISA_MAP_ARRAY || c->map->type == ISA_MAP_PERCPU_ARRAY)) {
		if (cfp_error(p, c->span, E_MAP, "entries of an array cannot be deleted"))
			diag_hint(p->dx, "write zeros over it: " STR_FMT ".update(&key, &zero)",
				  STR_ARG(c->sym->name));
		return false;
	}
	if (c->m->flags & NEEDS_NUMBER && !ty_is_int(c->map->value)) {
		cfp_error(p, c->span, E_MAP,
			  "%s() wants a map of integers, the values of '" STR_FMT "' are '%s'",
			  c->m->name, STR_ARG(c->sym->name), cfp_text(p, c->map->value));
		return false;
	}
	return true;
}

static const struct type *result_type(struct call *c)
{
	switch (c->m->method) {
	case MM_LOOKUP:
	case MM_LOOKUP_OR_TRY_INIT:
	case MM_LOOKUP_OR_INIT: return ty_ptr_to(c->p->t, c->map->value);
	case MM_INCREMENT:
	case MM_ATOMIC_INCREMENT: return ty_basic(c->p->t, TY_B_VOID);
	default: return ty_basic(c->p->t, TY_B_INT);
	}
}

static struct cf_expr *build(struct call *c)
{
	struct parser *p = c->p;
	struct cf_expr *e;

	if (!c->map || cfp_wrong_count(p, c->span, c->name, c->args.n, c->m->least, c->m->most) ||
	    !fits_map(c) || !convert(c))
		return cfx_poison(p, c->span);
	e = cfx_new(p, EX_MAP_CALL, result_type(c), c->span, NULL, NULL);
	e->sym = c->sym;
	e->method = c->m->method;
	e->args = arena_dup(p->a, c->args.at, c->args.n * sizeof(*c->args.at));
	e->n_args = c->args.n;
	return e;
}

/* ---- one helper call ------------------------------------------------------------------------- */

static struct cf_expr *relayed_argument(struct call *c, char letter, struct cf_expr *map)
{
	struct parser *p = c->p;

	if (letter == 'm')
		return map;
	if (letter == 'C')
		return cfx_const(p, name_lib_type(p, STR("u64")), 0xffffffff, c->span);
	return (u32)(letter - '0') < c->args.n ? c->args.at[letter - '0'] : cfx_int(p, 0, c->span);
}

static struct cf_expr *build_relay(struct call *c, struct cf_expr *map)
{
	const struct isa_kind *kind = c->map ? isa_map_kind(c->map->type) : NULL;
	const struct relay *r = c->relay;
	struct parser *p = c->p;
	expr_list args = { 0 };
	struct cf_expr *e;

	if (!kind || cfp_wrong_count(p, c->span, c->name, c->args.n, r->least, r->most))
		return cfx_poison(p, c->span);
	if (c->map->type >= 64 || !(r->kinds >> c->map->type & 1)) {
		cfp_error(p, c->span, E_MAP, "'" STR_FMT "' is a map of kind %s: it has no %s",
			  STR_ARG(c->sym->name), kind->name, r->name);
		return cfx_poison(p, c->span);
	}
	for (const char *o = r->order; *o; o++)
		*vec_push(p->a, &args) = relayed_argument(c, *o, map);
	e = cfp_helper(p, isa_helper(r->helper), c->span, &args);
	if (r->flags & GIVES_VALUE && !is_poison(p, e))
		e = cfx_cast(p, ty_ptr_to(p->t, c->map->value), e, c->span);
	return e;
}

/* `. name (` of something that is no method. */
static struct cf_expr *no_method(struct parser *p, struct cf_expr *map, const struct token *name)
{
	struct nearest near;
	expr_list args = { 0 };

	nearest_init(&near, name->text);
	for (u32 i = 0; i < ARRAY_LEN(methods); i++)
		nearest_offer(&near, str_of(methods[i].name));
	for (u32 i = 0; i < ARRAY_LEN(relays); i++)
		nearest_offer(&near, str_of(relays[i].name));
	if (str_is(name->text, "perf_submit_skb"))
		cfp_not_yet(p, name->span, "perf_submit_skb(): output with a packet behind it");
	else if (cfp_error(p, name->span, E_MAP, "maps have no method '" STR_FMT "'",
			   STR_ARG(name->text)) &&
		 near.best.n)
		diag_hint(p->dx, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
	cfp_next(p);
	cfp_next(p);
	cfp_next(p);
	cfp_arguments(p, &args);
	return cfx_poison(p, span_to_here(p, map->span));
}

struct cf_expr *cfp_map_method(struct parser *p, struct cf_expr *map)
{
	const struct token *name = cfp_peek(p, 1), *paren = cfp_peek(p, 2);
	struct call c = { .p = p, .sym = map->sym, .map = map->sym->map, .span = map->span };
	u16 tree;

	if (name->kind != TOK_IDENT || paren->kind != TOK_PUNCT || paren->punct != '(' ||
	    (c.map && !c.map->is_bcc))
		return NULL;
	c.m = find_method(name->text);
	c.relay = c.m ? NULL : find_relay(name->text);
	if (!c.m && !c.relay)
		return no_method(p, map, name);
	tree = cfx_tree_begin(p);
	c.name =
		str_printf(p->a, STR_FMT "." STR_FMT, STR_ARG(map->sym->name), STR_ARG(name->text));
	cfp_next(p);
	cfp_next(p);
	cfp_next(p);
	cfp_arguments(p, &c.args);
	c.span = span_to_here(p, c.span);
	return cfx_tree_end(p, c.m ? build(&c) : build_relay(&c, map), tree);
}
