/* kernel.c: what a libbpf-style program takes from the kernel by name: its configuration, its variables and
 * its functions.
 *
 * `extern int CONFIG_HZ __kconfig;` becomes a constant of the running kernel (a string a constant array),
 * so that code for other kernels disappears. `extern … __ksym` stays a name that the engine looks up
 * when it loads. A function of the kernel needs no declaration where its name is of those that the
 * kernel gives to programs and BTF has it: that is what a generated vmlinux.h would have declared.
 */
#include "cfront/kernel.h"
#include "cfront/pp.h"

#include <string.h>

/* ---- configuration --------------------------------------------------------------------------- */

/* What an integer or one character says of y, n and m. */
static bool tristate(struct parser *p, str name, s64 *out)
{
	str value, module = str_printf(p->a, STR_FMT "_MODULE", STR_ARG(name));

	if (pp_config(p->config, name, &value) && str_is(value, "1"))
		*out = 'y';
	else if (pp_config(p->config, module, &value))
		*out = 'm';
	else
		return false;
	return true;
}

static bool known_name(struct parser *p, str name, s64 *out)
{
	struct probes_machine *m = p->u->o->machine;

	if (str_is(name, "LINUX_KERNEL_VERSION"))
		*out = pp_version(p->config);
	else if (str_is(name, "LINUX_HAS_SYSCALL_WRAPPER"))
		*out = m && probes_has(m, PROBES_HAS_SYSCALL_WRAPPER);
	else if (str_is(name, "LINUX_HAS_BPF_COOKIE"))
		*out = pp_version(p->config) >= (5u << 16 | 15u << 8);
	else
		return false;
	return true;
}

/* The value as the type of the variable takes it: a bool or number 1, a char 'y', an enum of three 1 or 2. */
static bool config_number(struct parser *p, const struct cf_sym *v, s64 *out)
{
	const struct type *ty = ty_strip(v->type);
	s64 letter;
	str value;

	if (known_name(p, v->name, out))
		return true;
	if (tristate(p, v->name, &letter)) {
		*out = ty->is_char && ty->kind == TY_INT ? letter : letter == 'm' ? 2 : 1;
		if (ty->is_bool)
			*out = letter == 'y';
		return true;
	}
	return pp_config(p->config, v->name, &value) && str_to_s64(value, out);
}

static bool config_text(struct parser *p, struct cf_sym *v)
{
	struct cf_init *init = arena_new_of(p->a, struct cf_init);
	struct cf_init_part *part = vec_push(p->a, &init->parts);
	str value;

	if (!pp_config(p->config, v->name, &value))
		value = STR("");
	if (value.n >= 2 && value.s[0] == '"')
		value = str_sub(value, 1, value.n - 2);
	part->type = v->type;
	part->value = cfx_string(p, value, v->span);
	v->init = init;
	v->storage = SS_STATIC;
	v->section = STR(".rodata");
	return value.n || v->is_weak;
}

void cfp_kconfig(struct parser *p, struct cf_sym *v)
{
	const struct type *ty = ty_strip(v->type);
	bool is_known;
	s64 value = 0;

	if (v->type == p->u->poison)
		return;
	if (!p->config) {
		p->config = arena_new_of(p->a, struct pp);
		p->config->o = p->u->o;
		p->config->a = p->a;
	}
	if (ty->kind == TY_ARRAY && ty->count != TY_UNSIZED) {
		is_known = config_text(p, v);
	} else {
		is_known = ty_is_int(v->type) && config_number(p, v, &value);
		v->kind = SYM_ENUMERATOR;
		v->type = cfx_bare(v->type);
		v->value = ty_is_int(v->type) ? cfx_wrap(v->type, value) : 0;
	}
	if (!is_known && !v->is_weak &&
	    cfp_error(p, v->span, E_UNKNOWN_NAME,
		      "this kernel's configuration does not tell '" STR_FMT "'", STR_ARG(v->name)))
		diag_hint(p->dx, "declared __weak it is 0 then");
}

/* ---- variables and functions ------------------------------------------------------------------ */

bool cfp_is_ksym(const struct cf_sym *s)
{
	return str_is(s->section, ".ksyms");
}

/* Does the running kernel have it? */
static bool has_symbol(struct parser *p, const struct cf_sym *s)
{
	struct probes_point point = { .provider = PROBES_KPROBE, .name = s->name };

	if (name_btf(p) && s->kind == SYM_FUNC)
		return ty_btf_find(p->btf, TY_FUNC, s->name) != NULL;
	return p->u->o->machine && probes_exists(p->u->o->machine, p->btf, &point, NULL) == 1;
}

struct cf_expr *cfp_ksym_exists(struct parser *p, struct cf_expr *e, struct span at)
{
	while (e->kind == EX_DECAY || e->kind == EX_ADDR || e->kind == EX_CAST)
		e = e->a;
	if (e->kind != EX_SYM || !cfp_is_ksym(e->sym)) {
		if (!is_poison(p, e))
			cfp_error(p, e->span, E_ARGS,
				  "bpf_ksym_exists wants a name declared with __ksym");
		return cfx_poison(p, at);
	}
	return cfx_int(p, has_symbol(p, e->sym), at);
}

/* Names that the kernel gives to functions for programs. */
static bool is_for_programs(str name)
{
	static const char *const prefixes[] = { "bpf_",	      "scx_bpf_",      "hid_bpf_",
						"css_rstat_", "cgroup_rstat_", "crash_kexec",
						"tcp_" };

	for (u32 i = 0; i < ARRAY_LEN(prefixes); i++)
		if (str_starts(name, prefixes[i]))
			return true;
	return false;
}

struct cf_sym *cfp_kernel_function(struct parser *p, str name, struct span at)
{
	const struct type *ty;
	struct cf_sym *s;

	if (!is_for_programs(name) || isa_helper_named(name) || !name_btf(p))
		return NULL;
	ty = ty_btf_find(p->btf, TY_FUNC, name);
	if (!ty || ty_strip(ty)->kind != TY_FUNC)
		return NULL;
	s = cfp_sym_new(p, SYM_FUNC, name, ty, at);
	s->storage = SS_GLOBAL;
	s->section = STR(".ksyms");
	strmap_put(p->a, &p->file->names, name, s);
	*vec_push(p->a, &p->file->list) = s;
	cfp_list(p, s);
	return s;
}
