/* pp_names: what is defined without a #define.
 *
 * A name is asked about once, when it is first met where a macro counts (pp_resolve). In order:
 * the operators of the preprocessor; macros whose text is made at each use (__LINE__); the kernel's
 * version and configuration (LINUX_VERSION_CODE, CONFIG_x); the macros of lib/auto. So a run
 * pays for the names that it uses, not for the hundreds that exist.
 *
 * Integer constants of kernel headers (AF_INET, O_CREAT: lib/constants) are not macros in the text:
 * the parser looks them up behind the program's own declarations, so that a program may use such a
 * name itself. But #ifdef and #if know them, since there they have been macros all along.
 *
 * __DATE__ and __TIME__ are refused: the same source shall give the same bytes.
 */
#include "cfront/pp.h"

#include <string.h>

static const struct {
	const char *name;
	u8 special, dynamic;
} specials[] = {
	{ "__VA_ARGS__", PP_VA_ARGS, 0 },
	{ "__VA_OPT__", PP_VA_OPT, 0 },
	{ "_Pragma", PP_PRAGMA_OP, 0 },
	{ "__has_include", PP_HAS_INCLUDE, 0 },
	{ "__has_builtin", PP_HAS_BUILTIN, 0 },
	{ "__has_attribute", PP_HAS_ATTRIBUTE, 0 },
	{ "__has_feature", PP_HAS_FEATURE, 0 },
	{ "__has_extension", PP_HAS_FEATURE, 0 },
	{ "__LINE__", 0, PP_LINE },
	{ "__FILE__", 0, PP_FILE },
	{ "__BASE_FILE__", 0, PP_BASE_FILE },
	{ "__INCLUDE_LEVEL__", 0, PP_LEVEL },
	{ "__COUNTER__", 0, PP_COUNTER },
	{ "__DATE__", 0, PP_DATE },
	{ "__TIME__", 0, PP_DATE },
	{ "__TIMESTAMP__", 0, PP_DATE },
};

u32 pp_version(struct pp *pp)
{
	if (!pp->version)
		pp->version = pp->o->machine ? probes_kernel_version(pp->o->machine)
					     : (6u << 16) + (1u << 8);
	return pp->version;
}

static void resolve_special(struct pp *pp, struct pp_name *name)
{
	for (size_t i = 0; i < ARRAY_LEN(specials); i++) {
		if (!str_is(name->text, specials[i].name))
			continue;
		name->special = specials[i].special;
		if (specials[i].dynamic) {
			name->macro = arena_new_of(pp->a, struct pp_macro);
			name->macro->name = name;
			name->macro->dynamic = specials[i].dynamic;
		}
		return;
	}
}

/* A program that declares `extern int CONFIG_x __kconfig;` means a variable by the name: there, as with
 * libbpf, no CONFIG_x is a macro. */
static bool has_externs(const struct pp *pp)
{
	return pp->main && memmem(pp->main->src->text.s, pp->main->src->text.n, "__kconfig", 9);
}

void pp_resolve(struct pp *pp, struct pp_name *name)
{
	str x = name->text, value;
	const char *text;

	name->is_resolved = true;
	if (x.s[0] == '_')
		resolve_special(pp, name);
	if (name->special || name->macro)
		return;
	if (str_is(x, "defined")) {
		name->special = PP_DEFINED;
	} else if (str_is(x, "LINUX_VERSION_CODE")) {
		name->macro = pp_define_builtin(
			pp, str_printf(pp->a, "LINUX_VERSION_CODE %u", pp_version(pp)));
	} else if (str_starts(x, "CONFIG_")) {
		if (!has_externs(pp) && pp_config(pp, x, &value))
			name->macro = pp_define_builtin(pp, str_printf(pp->a, STR_FMT " " STR_FMT,
								       STR_ARG(x), STR_ARG(value)));
	} else if ((text = cf_lib_macro(x, pp_version(pp)))) {
		name->macro = pp_define_builtin(pp, str_of(text));
	}
}

bool pp_is_defined(struct pp *pp, struct pp_name *name)
{
	if (pp_macro_of(pp, name))
		return true;
	if (name->special >= PP_HAS_INCLUDE)
		return true;
	if (name->is_undefined || str_is(name->text, "true") || str_is(name->text, "false"))
		return false;
	return cf_lib_constant(name->text) != NULL;
}

/* ---- made at each use ------------------------------------------------------------------------ */

static str quoted(struct pp *pp, str text)
{
	struct sbuf b;

	sbuf_init(&b, pp->a);
	sbuf_quote(&b, text);
	return sbuf_str(&b);
}

static void refuse_date(struct pp *pp, const struct pp_macro *m, const struct pp_tok *use)
{
	diag_add(pp->dx, pp_span(use), E_MACRO,
		 "'" STR_FMT "' would make the same source compile differently each time",
		 STR_ARG(m->name->text));
	diag_hint(pp->dx,
		  "define it on the command line if the program needs it: -D'" STR_FMT "=\"…\"'",
		  STR_ARG(m->name->text));
}

void pp_dynamic(struct pp *pp, const struct pp_macro *m, const struct pp_tok *use,
		struct pp_tok *out)
{
	struct pp_file *f = pp->file;
	str text = STR("\"\"");
	s64 number = 0;

	switch (m->dynamic) {
	case PP_LINE: number = (s64)sources_place(pp->o->ss, use->lo).line + f->line_delta; break;
	case PP_FILE: text = quoted(pp, f->name); break;
	case PP_BASE_FILE: text = quoted(pp, pp->main->src->name); break;
	case PP_LEVEL: number = (s64)pp->n_nesting - 1; break;
	case PP_COUNTER: number = pp->counter++; break;
	default: refuse_date(pp, m, use); break;
	}
	*out = *use;
	out->name = NULL;
	out->kind = TOK_STRING;
	if (m->dynamic == PP_LINE || m->dynamic == PP_LEVEL || m->dynamic == PP_COUNTER) {
		out->kind = TOK_NUMBER;
		text = str_printf(pp->a, "%lld", (long long)number);
	}
	pp_count_text(pp, text.n, pp_span(use));
	out->s = text.s;
	out->n = text.n;
}

/* ---- __has_builtin and __has_attribute ------------------------------------------------------- */

static bool is_listed(const char *const *names, size_t n, str name)
{
	for (size_t i = 0; i < n; i++)
		if (str_is(name, names[i]))
			return true;
	return false;
}

bool pp_has_attribute(str name)
{
	static const char *const known[] = {
		"aligned",  "always_inline", "btf_type_tag", "fallthrough",
		"noinline", "noreturn",	     "packed",	     "preserve_access_index",
		"section",  "unused",	     "used",	     "weak",
	};

	if (name.n > 4 && str_starts(name, "__") && str_ends(name, "__"))
		name = str_sub(name, 2, name.n - 4);
	return is_listed(known, ARRAY_LEN(known), name);
}
