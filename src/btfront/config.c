/* config: config = { key = value; … } and what the script says about itself.
 *
 * Names are read in any case and with or without BPFTRACE_ in front. Keys that change nothing here
 * (sizes of buffers that this program does not have, symbol caches) are known and taken; what is
 * unknown is told with the nearest name.
 */
#include <string.h>
#include <strings.h>

#include "btfront/ast.h"

enum key {
	K_STRLEN,
	K_MAP_KEYS,
	K_MAX_PROBES,
	K_STACK_MODE,
	K_MISSING,
	K_ON_STACK,
	K_LICENSE,
	K_IGNORED,
};

static const struct {
	const char *name;
	enum key key;
} keys[] = {
	{ "max_strlen", K_STRLEN },
	{ "strlen", K_STRLEN },
	{ "max_map_keys", K_MAP_KEYS },
	{ "map_keys_max", K_MAP_KEYS },
	{ "max_probes", K_MAX_PROBES },
	{ "stack_mode", K_STACK_MODE },
	{ "missing_probes", K_MISSING },
	{ "on_stack_limit", K_ON_STACK },
	{ "license", K_LICENSE },
	{ "cache_user_symbols", K_IGNORED },
	{ "cat_bytes_max", K_IGNORED },
	{ "cpp_demangle", K_IGNORED },
	{ "lazy_symbolication", K_IGNORED },
	{ "log_size", K_IGNORED },
	{ "max_ast_nodes", K_IGNORED },
	{ "max_bpf_progs", K_IGNORED },
	{ "max_cat_bytes", K_IGNORED },
	{ "no_cpp_demangle", K_IGNORED },
	{ "perf_rb_pages", K_IGNORED },
	{ "print_maps_on_exit", K_IGNORED },
	{ "show_debug_info", K_IGNORED },
	{ "str_trunc_trailer", K_IGNORED },
	{ "unstable_dw_ustack", K_IGNORED },
	{ "unstable_import_statement", K_IGNORED },
	{ "unstable_import", K_IGNORED },
	{ "unstable_macro", K_IGNORED },
	{ "unstable_map_decl", K_IGNORED },
	{ "unstable_tseries", K_IGNORED },
	{ "unstable_typeinfo", K_IGNORED },
	{ "use_blazesym", K_IGNORED },
};

static str plain_name(str x)
{
	return x.n > 9 && !strncasecmp(x.s, "BPFTRACE_", 9) ? str_sub(x, 9, x.n) : x;
}

static int find_key(str name)
{
	for (u32 i = 0; i < ARRAY_LEN(keys); i++)
		if (name.n == strlen(keys[i].name) && !strncasecmp(name.s, keys[i].name, name.n))
			return (int)i;
	return -1;
}

static void unknown_key(struct bt_parser *p, const struct bt_tok *t)
{
	struct nearest near;

	diag_add(p->dx, t->span, E_BT_NAME, "there is no setting '" STR_FMT "'", STR_ARG(t->text));
	nearest_init(&near, plain_name(t->text));
	for (u32 i = 0; i < ARRAY_LEN(keys); i++)
		nearest_offer(&near, str_of(keys[i].name));
	if (near.best.n)
		diag_hint(p->dx, "did you mean '" STR_FMT "'?", STR_ARG(near.best));
}

static void wrong(struct bt_parser *p, const struct bt_tok *v, const char *want)
{
	diag_add(p->dx, v->span, E_BT_CALL, "this setting wants %s", want);
}

static bool number(struct bt_parser *p, const struct bt_tok *v, u64 least, u64 most, u32 *out)
{
	if (v->kind != T_INT || v->value < least || v->value > most) {
		wrong(p, v,
		      str_printf(p->a, "a number from %llu to %llu", (unsigned long long)least,
				 (unsigned long long)most)
			      .s);
		return false;
	}
	*out = (u32)v->value;
	return true;
}

static bool is_one_of(str x, const char *a, const char *b, const char *c)
{
	return str_is(x, a) || str_is(x, b) || str_is(x, c);
}

static void apply(struct bt_parser *p, enum key key, const struct bt_tok *v)
{
	struct bt_config *c = &p->u->config;

	switch (key) {
	case K_STRLEN:
		if (number(p, v, 8, 8192, &c->strlen_max))
			c->strlen_max = (u32)round_up(c->strlen_max, 8);
		break;
	case K_MAP_KEYS: number(p, v, 1, UINT32_MAX, &c->map_entries); break;
	case K_MAX_PROBES: number(p, v, 1, BT_MAX_POINTS * 4, &c->max_probes); break;
	case K_ON_STACK: number(p, v, 0, 512, &c->on_stack_limit); break;
	case K_STACK_MODE:
		if (is_one_of(v->text, "bpftrace", "perf", "raw"))
			c->stack_mode = v->text;
		else
			wrong(p, v, "bpftrace, perf or raw");
		break;
	case K_MISSING:
		if (is_one_of(v->text, "error", "warn", "ignore"))
			c->warns_missing = !str_is(v->text, "error");
		else
			wrong(p, v, "error, warn or ignore");
		break;
	case K_LICENSE:
		if (!str_starts(v->text, "GPL") && !str_starts(v->text, "Dual "))
			wrong(p, v, "a licence that is compatible with the GPL");
		break;
	case K_IGNORED: break;
	}
}

static void setting(struct bt_parser *p)
{
	const struct bt_tok *name = p->tok, *v;
	int key;

	if (!bt_expect(p, T_IDENT) || !bt_expect(p, T_SET))
		return;
	v = p->tok;
	if (v->kind != T_INT && v->kind != T_STR && v->kind != T_IDENT) {
		bt_expected(p, "a number, a word or a string");
		return;
	}
	p->tok++;
	key = find_key(plain_name(name->text));
	if (key < 0)
		unknown_key(p, name);
	else
		apply(p, keys[key].key, v);
}

void bt_parse_config(struct bt_parser *p)
{
	p->tok++;
	if (!bt_expect(p, T_SET) || !bt_expect(p, T_LBRACE))
		return;
	while (p->tok->kind != T_RBRACE && !p->is_stuck) {
		setting(p);
		if (!bt_accept(p, T_SEMI))
			break;
	}
	bt_expect(p, T_RBRACE);
}
