/* call.c: calls (C11 6.5.2.2): functions of the program, kernel helpers, bpf_trace_printk.
 *
 * A name followed by `(` means, in this order: what the program declares, printk, a builtin, a helper. A
 * helper's arguments are checked against its row in isa: what the verifier would refuse for its kind is
 * told here, with the helper's prototype. The format of printk is read here and its arguments
 * are checked against it; how many there are does not matter.
 */
#include "cfront/kernel.h"

#include <stdio.h>
#include <string.h>

bool cfp_wrong_count(struct parser *p, struct span at, str name, u32 have, u32 least, u32 most)
{
	char want[48];

	if (have >= least && have <= most)
		return false;
	if (least == most)
		snprintf(want, sizeof(want), "%u argument%s", least, least == 1 ? "" : "s");
	else
		snprintf(want, sizeof(want), "%u to %u arguments", least, most);
	if (most == UINT32_MAX)
		snprintf(want, sizeof(want), "at least %u argument%s", least,
			 least == 1 ? "" : "s");
	cfp_error(p, at, E_ARGS, "'" STR_FMT "' takes %s, not %u", STR_ARG(name), want, have);
	return true;
}

static struct cf_expr **keep_args(struct parser *p, const expr_list *list)
{
	return arena_dup(p->a, list->at, list->n * sizeof(*list->at));
}

static bool any_poison(const struct parser *p, const expr_list *list)
{
	for (u32 i = 0; i < list->n; i++)
		if (is_poison(p, list->at[i]))
			return true;
	return false;
}

/* ---- functions of the program ------------------------------------------------------------------- */

static void note_call(struct parser *p, struct cf_sym *fn, struct span at)
{
	if (p->unevaluated)
		return;
	fn->is_used = true;
	fn->is_called = true;
	if (p->fn)
		*vec_push(p->a, &p->calls) = (struct cf_edge){ p->fn, fn, at };
}

/* lib's BPF_PROG and its like pass each argument as void *, whatever its type: that is a cast. */
static struct cf_expr *convert_argument(struct parser *p, const struct cf_sym *fn,
					struct cf_expr *e, const struct type *to, const char *what)
{
	if (str_starts(fn->name, "__skep_body_") && ty_is_scalar(to))
		return cfx_cast(p, to, e, e->span);
	return cfx_assignable(p, e, to, what);
}

static struct cf_expr *call_function(struct parser *p, struct cf_sym *fn, struct span name,
				     expr_list *args)
{
	const struct type *ty = ty_strip(fn->type);
	struct span span = span_to_here(p, name);
	struct cf_expr *e;

	if (fn->type == p->u->poison || ty->kind != TY_FUNC)
		return cfx_poison(p, span);
	note_call(p, fn, name);
	if (ty->variadic) {
		cfp_not_yet(p, span, "a call with a variable number of arguments");
		return cfx_poison(p, span);
	}
	if (cfp_wrong_count(p, span, fn->name, args->n, ty->n, ty->n)) {
		diag_note(p->dx, fn->span, "it is declared here");
		return cfx_poison(p, span);
	}
	for (u32 i = 0; i < args->n; i++) {
		str what =
			str_printf(p->a, "argument %u of '" STR_FMT "'", i + 1, STR_ARG(fn->name));

		args->at[i] =
			convert_argument(p, fn, args->at[i], ty->params[i].type, str_z(p->a, what));
	}
	if (any_poison(p, args))
		return cfx_poison(p, span);
	e = cfx_new(p, EX_CALL, cfx_bare(ty->to), span, cfx_sym(p, fn, name), NULL);
	e->args = keep_args(p, args);
	e->n_args = args->n;
	return e;
}

/* Through a pointer; pass `inline` of ir finds out which function it names. */
static struct cf_expr *call_pointer(struct parser *p, struct cf_expr *fn, struct span span,
				    expr_list *args)
{
	const struct type *ty;
	struct cf_expr *e;

	fn = cfx_value(p, fn);
	ty = ty_strip(ty_strip(fn->type)->to);
	if (ty->variadic) {
		cfp_not_yet(p, span, "a call with a variable number of arguments");
		return cfx_poison(p, span);
	}
	if (cfp_wrong_count(p, span, STR("the function that this points to"), args->n, ty->n,
			    ty->n))
		return cfx_poison(p, span);
	for (u32 i = 0; i < args->n; i++) {
		str what = str_printf(p->a, "argument %u", i + 1);

		args->at[i] = cfx_assignable(p, args->at[i], ty->params[i].type, str_z(p->a, what));
	}
	if (any_poison(p, args))
		return cfx_poison(p, span);
	e = cfx_new(p, EX_CALL, cfx_bare(ty->to), span, fn, NULL);
	e->args = keep_args(p, args);
	e->n_args = args->n;
	return e;
}

/* ---- helpers --------------------------------------------------------------------------------- */

static const char *argument_text(enum isa_arg kind)
{
	switch (kind) {
	case ISA_ARG_INT: return "u64";
	case ISA_ARG_CTX: return "ctx";
	case ISA_ARG_MAP: return "map";
	case ISA_ARG_KEY: return "const void *key";
	case ISA_ARG_VALUE:
	case ISA_ARG_VALUE_OR_NULL: return "const void *value";
	case ISA_ARG_OUT_VALUE: return "void *value";
	case ISA_ARG_MEM:
	case ISA_ARG_MEM_OR_NULL: return "const void *memory";
	case ISA_ARG_OUT_MEM:
	case ISA_ARG_OUT_MEM_OR_NULL: return "void *memory";
	case ISA_ARG_SIZE:
	case ISA_ARG_SIZE_OR_0: return "u32 size";
	case ISA_ARG_STR: return "const char *string";
	case ISA_ARG_OUT_LONG: return "long *result";
	case ISA_ARG_OUT_INT: return "u32 *result";
	case ISA_ARG_ADDR: return "const void *address";
	case ISA_ARG_FUNC: return "function";
	case ISA_ARG_STACK_OR_NULL: return "void *callback_ctx";
	case ISA_ARG_SOCK: return "struct bpf_sock *";
	case ISA_ARG_BTF: return "kernel object *";
	case ISA_ARG_RESERVED: return "void *reserved";
	case ISA_ARG_CONST_SIZE: return "constant size";
	case ISA_ARG_SPIN_LOCK: return "struct bpf_spin_lock *";
	case ISA_ARG_TIMER: return "struct bpf_timer *";
	case ISA_ARG_KPTR: return "kptr *";
	case ISA_ARG_DYNPTR:
	case ISA_ARG_OUT_DYNPTR: return "struct bpf_dynptr *";
	case ISA_ARG_PERCPU_BTF: return "per-CPU variable *";
	case ISA_ARG_MEM20:
	case ISA_ARG_MEM40: return "header *";
	case ISA_ARG_NONE: break;
	}
	return "";
}

static const char *prototype(struct parser *p, const struct isa_helper *h)
{
	struct sbuf b;

	sbuf_init(&b, p->a);
	sbuf_printf(&b, "bpf_%s(", h->name);
	for (u32 i = 0; i < isa_helper_args(h); i++)
		sbuf_printf(&b, "%s%s", i ? ", " : "", argument_text(h->args[i]));
	sbuf_puts(&b, h->flags & ISA_VARIADIC ? ", …)" : ")");
	return b.s;
}

static bool wants_integer(enum isa_arg kind)
{
	return kind == ISA_ARG_INT || kind == ISA_ARG_SIZE || kind == ISA_ARG_SIZE_OR_0 ||
	       kind == ISA_ARG_CONST_SIZE;
}

/* The map that an argument names: `&map`, through casts. */
static const struct cf_sym *map_of(const struct cf_expr *e)
{
	while (e->kind == EX_CAST || e->kind == EX_ADDR || e->kind == EX_DECAY)
		e = e->a;
	return e->kind == EX_SYM && e->sym->kind == SYM_MAP ? e->sym : NULL;
}

static void wrong_argument(struct parser *p, const struct isa_helper *h, u32 i,
			   const struct cf_expr *e, const char *is, const char *want)
{
	if (cfp_error(p, e->span, E_HELPER, "argument %u of 'bpf_%s' is %s, it must be %s", i + 1,
		      h->name, is, want))
		diag_hint(p->dx, "%s", prototype(p, h));
}

static struct cf_expr *helper_argument(struct parser *p, const struct isa_helper *h, u32 i,
				       struct cf_expr *e)
{
	enum isa_arg kind = i < 5 ? h->args[i] : ISA_ARG_INT;

	/* A map itself, as BCC programs and C's arrays of one element would have it. */
	if (kind == ISA_ARG_MAP && e->kind == EX_SYM && e->sym->kind == SYM_MAP)
		return cfx_addr(p, e, e->span);
	e = cfx_value(p, e);
	if (is_poison(p, e))
		return e;
	if (!ty_is_scalar(e->type)) {
		wrong_argument(p, h, i, e, ty_is_void(e->type) ? "void" : "a struct",
			       wants_integer(kind) ? "an integer" : "a pointer");
		return cfx_poison(p, e->span);
	}
	if (kind == ISA_ARG_NONE || kind == ISA_ARG_ADDR)
		return e;
	if (wants_integer(kind) && ty_is_ptr(e->type)) {
		wrong_argument(p, h, i, e, "a pointer", "an integer");
		return cfx_poison(p, e->span);
	}
	if (!wants_integer(kind) && ty_is_int(e->type) && !cfx_is_null(e)) {
		wrong_argument(p, h, i, e, "an integer", "a pointer");
		return cfx_poison(p, e->span);
	}
	if (kind == ISA_ARG_MAP && cfx_is_null(e)) {
		wrong_argument(p, h, i, e, "null", "a map");
		return cfx_poison(p, e->span);
	}
	return ty_is_int(e->type) ? cf_convert(p->u, e, cfx_promoted(p, e)) : e;
}

/* How many bytes an argument surely points to: `&object` and arrays; 0 if that is not known. */
static u64 pointed_bytes(const struct cf_expr *e)
{
	while (e->kind == EX_CAST)
		e = e->a;
	if (e->kind == EX_ADDR || e->kind == EX_DECAY)
		return ty_strip(e->a->type)->size;
	return 0;
}

/* Keys and values must be as large as the map's. */
static void check_map_memory(struct parser *p, const struct isa_helper *h, const expr_list *args)
{
	const struct cf_sym *map =
		args->n && h->args[0] == ISA_ARG_MAP ? map_of(args->at[0]) : NULL;

	for (u32 i = 1; map && map->map && i < args->n && i < 5; i++) {
		bool is_key = h->args[i] == ISA_ARG_KEY;
		u32 want = is_key ? map->map->key_size : map->map->value_size;
		u64 have;

		if (!is_key && h->args[i] != ISA_ARG_VALUE && h->args[i] != ISA_ARG_OUT_VALUE &&
		    h->args[i] != ISA_ARG_VALUE_OR_NULL)
			continue;
		have = pointed_bytes(args->at[i]);
		if (have && have < want)
			cfp_error(p, args->at[i]->span, E_MAP,
				  "the %ss of map '" STR_FMT "' have %u bytes, this points at %llu",
				  is_key ? "key" : "value", STR_ARG(map->name), want,
				  (unsigned long long)have);
	}
}

/* The C type of what a helper gives. Most of those that count or name something are u64. */
static const struct type *result_type(struct parser *p, const struct isa_helper *h)
{
	static const u16 is_u64[] = {
		ISA_FN_ktime_get_ns,
		ISA_FN_get_current_pid_tgid,
		ISA_FN_get_current_uid_gid,
		ISA_FN_get_current_cgroup_id,
		ISA_FN_ktime_get_boot_ns,
		ISA_FN_ktime_get_coarse_ns,
		ISA_FN_ktime_get_tai_ns,
		ISA_FN_jiffies64,
		ISA_FN_get_current_task,
		ISA_FN_get_netns_cookie,
		ISA_FN_get_socket_cookie,
		ISA_FN_get_attach_cookie,
		ISA_FN_get_func_ip,
		ISA_FN_ringbuf_query,
		ISA_FN_skb_cgroup_id,
		ISA_FN_skb_ancestor_cgroup_id,
		ISA_FN_get_current_ancestor_cgroup_id,
		ISA_FN_sk_cgroup_id,
		ISA_FN_sk_ancestor_cgroup_id,
		ISA_FN_perf_event_read,
	};
	const struct type *tag;

	if (h->id == ISA_FN_get_smp_processor_id || h->id == ISA_FN_get_prandom_u32)
		return ty_basic(p->t, TY_B_UINT);
	for (u32 i = 0; i < ARRAY_LEN(is_u64); i++)
		if (h->id == is_u64[i])
			return name_lib_type(p, STR("u64"));
	switch (h->ret) {
	case ISA_RET_VOID: return ty_basic(p->t, TY_B_VOID);
	case ISA_RET_INT:
	case ISA_RET_NEVER:
	case ISA_RET_TASK_ADDR: return ty_basic(p->t, TY_B_LONG);
	case ISA_RET_BTF:
		if (h->id != ISA_FN_get_current_task_btf)
			break;
		tag = name_find_tag(p, STR("task_struct"), false);
		return ty_ptr_to(p->t, tag ? tag
					   : ty_tagged_new(p->t, TY_STRUCT, STR("task_struct"),
							   (struct span){ 0, 0 }));
	default: break;
	}
	return ty_ptr_to(p->t, ty_basic(p->t, TY_B_VOID));
}

struct cf_expr *cfp_helper(struct parser *p, const struct isa_helper *h, struct span name,
			   expr_list *args)
{
	struct span span = span_to_here(p, name);
	u32 want = isa_helper_args(h);
	struct cf_expr *e;

	if (cfp_wrong_count(p, span, str_printf(p->a, "bpf_%s", h->name), args->n, want,
			    h->flags & ISA_VARIADIC ? UINT32_MAX : want)) {
		diag_hint(p->dx, "%s", prototype(p, h));
		return cfx_poison(p, span);
	}
	for (u32 i = 0; i < args->n; i++)
		args->at[i] = helper_argument(p, h, i, args->at[i]);
	if (any_poison(p, args))
		return cfx_poison(p, span);
	check_map_memory(p, h, args);
	e = cfx_new(p, EX_HELPER, result_type(p, h), span, NULL, NULL);
	e->helper = h;
	e->args = keep_args(p, args);
	e->n_args = args->n;
	return e;
}

/* ---- printk ---------------------------------------------------------------------------------- */

/* One conversion of a format. */
struct conversion {
	u32 at, n;
	char letter;
	u8 longs;
};

/* Reads the next conversion behind `i`; false at the end. %% is none. */
static bool next_conversion(str f, u32 *i, struct conversion *out)
{
	for (; *i < f.n; ++*i) {
		if (f.s[*i] != '%')
			continue;
		if (*i + 1 < f.n && f.s[*i + 1] == '%') {
			++*i;
			continue;
		}
		*out = (struct conversion){ .at = (*i)++ };
		while (*i < f.n && strchr("-+ #0123456789.", f.s[*i]))
			++*i;
		while (*i < f.n && strchr("hlzjt", f.s[*i])) {
			out->longs += f.s[*i] != 'h';
			++*i;
		}
		out->letter = *i < f.n ? f.s[*i] : 0;
		*i += *i < f.n;
		/* The kernel's %pI4, %pks and so on: letters that belong to the p. */
		if (out->letter == 'p')
			while (*i < f.n && ((f.s[*i] >= 'a' && f.s[*i] <= 'z') ||
					    (f.s[*i] >= 'A' && f.s[*i] <= 'Z') ||
					    (f.s[*i] >= '0' && f.s[*i] <= '9')))
				++*i;
		out->n = *i - out->at;
		return true;
	}
	return false;
}

static bool is_text(const struct type *ty)
{
	ty = ty_strip(ty);
	return ty->kind == TY_PTR &&
	       (ty_is_void(ty->to) || (ty_is_int(ty->to) && ty_strip(ty->to)->size == 1));
}

static void check_conversion(struct parser *p, str f, const struct conversion *c,
			     const struct cf_expr *e)
{
	str text = str_sub(f, c->at, c->n);
	bool is_ptr = ty_is_ptr(e->type);

	if (c->letter == 'p' && c->n > 2) {
		cfp_not_yet(p, e->span, "the kernel's conversion '" STR_FMT "'", STR_ARG(text));
	} else if (!c->letter || !strchr("diuxXocsp", c->letter)) {
		cfp_error(p, e->span, E_PRINTF, "'" STR_FMT "' is no conversion of printk",
			  STR_ARG(text));
	} else if (c->letter == 's' && !is_text(e->type)) {
		cfp_error(p, e->span, E_PRINTF, "'" STR_FMT "' wants text, this is '%s'",
			  STR_ARG(text), cfp_text(p, e->type));
	} else if (strchr("diuxXoc", c->letter) && is_ptr && !c->longs) {
		if (cfp_error(p, e->span, E_PRINTF, "'" STR_FMT "' wants an integer, this is '%s'",
			      STR_ARG(text), cfp_text(p, e->type)))
			diag_hint(p->dx, is_text(e->type) ? "write %%s for text"
							  : "write %%p for a pointer");
	} else if (strchr("diuxXo", c->letter) && !c->longs && !is_ptr &&
		   ty_strip(e->type)->size == 8) {
		if (cfp_error(p, e->span, W_TYPE, "'" STR_FMT "' prints 32 bits of '%s'",
			      STR_ARG(text), cfp_text(p, e->type)))
			diag_hint(p->dx, "write %%ll%c for all 64", c->letter);
	}
}

/* Checks args (values) against the format. */
static void check_format(struct parser *p, str f, struct span at, const expr_list *args)
{
	struct conversion c;
	u32 i = 0, n = 0;

	while (next_conversion(f, &i, &c)) {
		if (n < args->n)
			check_conversion(p, f, &c, args->at[n]);
		else if (!c.letter || !strchr("diuxXocsp", c.letter))
			cfp_error(p, at, E_PRINTF, "'" STR_FMT "' is no conversion of printk",
				  STR_ARG(str_sub(f, c.at, c.n)));
		n++;
	}
	if (n != args->n)
		cfp_error(p, at, E_PRINTF, "the format wants %u argument%s, %u %s given", n,
			  n == 1 ? "" : "s", args->n, args->n == 1 ? "is" : "are");
}

/* The text of a format: a literal, or an array that was initialised with one. */
static bool format_text(const struct cf_expr *e, str *out)
{
	const struct cf_init *init;

	while (e->kind == EX_CAST || e->kind == EX_DECAY || e->kind == EX_ADDR)
		e = e->a;
	if (e->kind == EX_STRING) {
		*out = e->bytes;
		return true;
	}
	if (e->kind != EX_SYM || e->sym->kind != SYM_VAR)
		return false;
	init = e->sym->init;
	if (!init || init->parts.n != 1 || init->parts.at[0].value->kind != EX_STRING)
		return false;
	*out = init->parts.at[0].value->bytes;
	return true;
}

static u32 count_conversions(str f)
{
	struct conversion c;
	u32 i = 0, n = 0;

	while (next_conversion(f, &i, &c))
		n++;
	return n;
}

/* The kernel's helper takes the size of the format behind it, BCC's and libbpf's macro do not. */
static bool has_size(struct parser *p, str f, const struct cf_expr *format, const expr_list *args)
{
	s64 v;

	if (args->n == 0 || !cf_const_value(p->u, args->at[0], &v))
		return false;
	if (format->kind != EX_STRING && format->kind != EX_DECAY)
		return true;
	return args->n == count_conversions(f) + 1 && v >= (s64)f.n && v <= (s64)f.n + 1;
}

static struct cf_expr *printk(struct parser *p, struct span name, expr_list *args)
{
	struct span span = span_to_here(p, name);
	struct cf_expr *e, *format;
	str f;

	if (args->n == 0) {
		cfp_error(p, span, E_ARGS, "bpf_trace_printk wants a format");
		return cfx_poison(p, span);
	}
	format = args->at[0];
	if (is_poison(p, format))
		return format;
	if (!format_text(format, &f)) {
		if (cfp_error(p, format->span, E_PRINTF, "the format must be a string literal"))
			diag_hint(p->dx, "skep reads it while it compiles");
		return cfx_poison(p, span);
	}
	args->at++;
	args->n--;
	for (u32 i = 0; i < args->n; i++) {
		struct cf_expr *v = cfx_value(p, args->at[i]);

		if (!is_poison(p, v) && !ty_is_scalar(v->type)) {
			cfp_error(p, v->span, E_PRINTF, "'%s' cannot be printed",
				  cfp_text(p, v->type));
			v = cfx_poison(p, v->span);
		}
		args->at[i] = ty_is_int(v->type) && !is_poison(p, v)
				      ? cf_convert(p->u, v, cfx_promoted(p, v))
				      : v;
	}
	if (any_poison(p, args))
		return cfx_poison(p, span);
	if (has_size(p, f, format, args)) {
		args->at++;
		args->n--;
	}
	check_format(p, f, format->span, args);
	e = cfx_new(p, EX_PRINTK, ty_basic(p->t, TY_B_INT), span, NULL, NULL);
	e->bytes = f;
	e->args = keep_args(p, args);
	e->n_args = args->n;
	return e;
}

/* ---- which ----------------------------------------------------------------------------------- */

static struct cf_expr *call_name(struct parser *p, const struct token *name, struct cf_sym *s,
				 expr_list *args)
{
	const struct isa_helper *h;

	if (s && s->kind == SYM_FUNC)
		return call_function(p, s, name->span, args);
	if (!s && (str_is(name->text, "bpf_trace_printk") || str_is(name->text, "bpf_printk")))
		return printk(p, name->span, args);
	h = str_starts(name->text, "bpf_") ? isa_helper_named(name->text) : NULL;
	if (h)
		return cfp_helper(p, h, name->span, args);
	s = s ? s : cfp_kernel_function(p, name->text, name->span);
	if (s)
		return call_function(p, s, name->span, args);
	name_unknown(p, name->text, name->span, true);
	return cfx_poison(p, span_to_here(p, name->span));
}

/* A variable of function pointer type that stands for a helper of its name, as old headers have it. */
static bool is_helper_variable(const struct cf_sym *s)
{
	return s->kind == SYM_VAR && str_starts(s->name, "bpf_") && isa_helper_named(s->name) &&
	       ty_is_ptr(s->type) && ty_strip(ty_strip(s->type)->to)->kind == TY_FUNC;
}

struct cf_expr *cfp_call(struct parser *p)
{
	const struct token *name = p->tok;
	struct cf_sym *s = name_find(p, name->text);
	u16 tree = cfx_tree_begin(p);
	expr_list args = { 0 };
	struct cf_expr *e;

	if (s && s->kind != SYM_FUNC && !is_helper_variable(s)) {
		if (s->kind == SYM_TYPEDEF) {
			cfp_fail(p, name->span, E_SYNTAX,
				 "'" STR_FMT "' is a type, here a value is "
				 "wanted",
				 STR_ARG(name->text));
			return cfx_poison(p, name->span);
		}
		cfp_next(p);
		e = s->kind == SYM_ENUMERATOR ? cfx_const(p, s->type, s->value, name->span)
					      : cfx_sym(p, s, name->span);
		return cfp_call_value(p, e);
	}
	e = s ? NULL : cfp_builtin(p);
	if (!e) {
		cfp_next(p);
		cfp_next(p);
		cfp_arguments(p, &args);
		e = call_name(p, name, s, &args);
	}
	return cfx_tree_end(p, e, tree);
}

struct cf_expr *cfp_call_value(struct parser *p, struct cf_expr *fn)
{
	expr_list args = { 0 };
	const struct type *ty = ty_strip(fn->type);
	u16 tree = cfx_tree_begin(p);
	struct span at = fn->span;
	struct cf_expr *e;

	cfp_next(p);
	cfp_arguments(p, &args);
	at = span_to_here(p, at);
	if (is_poison(p, fn)) {
		e = cfx_poison(p, at);
	} else if (fn->kind == EX_SYM && fn->sym->kind == SYM_FUNC) {
		e = call_function(p, fn->sym, fn->span, &args);
	} else if (ty->kind == TY_FUNC ||
		   (ty->kind == TY_PTR && ty_strip(ty->to)->kind == TY_FUNC)) {
		e = call_pointer(p, fn, at, &args);
	} else {
		cfp_error(p, at, E_TYPE, "'%s' is no function", cfp_text(p, fn->type));
		e = cfx_poison(p, at);
	}
	return cfx_tree_end(p, e, tree);
}
