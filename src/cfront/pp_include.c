/* pp_include: from a header's name to its text (C11 6.10.2).
 *
 * No header of the machine is read, except the program's own. In order:
 *   1. "file": the folder of the including file, then the include folders; <file>: the include
 *   folders
 *      (vmlinux.h and lib's names in <> first ask step 2: nobody means a copy of the kernel's
 *      types)
 *   2. lib/ inside the binary, also without a leading uapi/
 *   3. what looks like a header of the kernel is accepted and empty: its types come from BTF, its
 *      constants and macros from lib/ when they are used
 *   4. E_INCLUDE, with near names
 * A source is added once for each path; a second #include of it costs nothing when it said #pragma
 * once or when its include guard is defined. Nesting, the number of includes and the bytes read are
 * limited, so files that include one another end.
 */
#include "cfront/pp.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

enum where { W_NOWHERE, W_FILE, W_LIB, W_EMPTY };
struct found {
	enum where where;
	str path; /* W_FILE, NUL-terminated; W_LIB: the name in lib/ */
	str text; /* W_LIB */
};

/* ---- finding --------------------------------------------------------------------------------- */

static bool is_kernel_like(str name)
{
	static const char *const folders[] = {
		"linux/",  "net/",	 "uapi/", "asm/",    "asm-generic/", "scsi/",	  "rdma/",
		"crypto/", "trace/",	 "drm/",  "sound/",  "media/",	     "video/",	  "xen/",
		"acpi/",   "generated/", "keys/", "kunit/",  "kvm/",	     "math-emu/", "misc/",
		"pcmcia/", "ras/",	 "soc/",  "target/", "vdso/",
	};

	for (size_t i = 0; i < ARRAY_LEN(folders); i++)
		if (str_starts(name, folders[i]))
			return true;
	return false;
}

static bool find_lib(str name, struct found *out)
{
	if (str_starts(name, "uapi/"))
		name = str_sub(name, 5, UINT32_MAX);
	if (!cf_lib_header(name, &out->text, NULL))
		return false;
	out->where = W_LIB;
	out->path = name;
	return true;
}

static bool find_file(struct pp *pp, str folder, str name, struct found *out)
{
	out->path = folder.n && name.s[0] != '/'
			    ? str_printf(pp->a, STR_FMT "/" STR_FMT, STR_ARG(folder), STR_ARG(name))
			    : str_printf(pp->a, STR_FMT, STR_ARG(name));
	/* NOLINTNEXTLINE(clang-analyzer-core.NonNullParamChecker): str_printf gives a string */
	if (access(out->path.s, F_OK))
		return false;
	out->where = W_FILE;
	return true;
}

/* The folder of the file at hand: empty for the current one. */
static str folder_of(const struct source *src)
{
	u32 n = src->name.n;

	while (n && src->name.s[n - 1] != '/')
		n--;
	return n > 1 ? str_sub(src->name, 0, n - 1) : str_sub(src->name, 0, n);
}

static void locate(struct pp *pp, str name, bool is_angled, struct found *out)
{
	const struct source *src = pp->file->src;

	*out = (struct found){ 0 };
	if (!name.n || memchr(name.s, 0, name.n))
		return;
	if ((is_angled || src->builtin || str_is(name, "vmlinux.h")) && find_lib(name, out))
		return;
	if (src->builtin)
		return;
	if (!is_angled && find_file(pp, folder_of(src), name, out))
		return;
	for (u32 i = 0; i < pp->o->n_include_dirs; i++)
		if (find_file(pp, pp->o->include_dirs[i], name, out))
			return;
	if (is_angled && name.s[0] == '/' && find_file(pp, STR(""), name, out))
		return;
	if (!is_angled && find_lib(name, out))
		return;
	if (is_kernel_like(name))
		out->where = W_EMPTY;
}

bool pp_can_include(struct pp *pp, str name, bool is_angled)
{
	struct found f;

	locate(pp, name, is_angled, &f);
	return f.where != W_NOWHERE;
}

/* ---- opening --------------------------------------------------------------------------------- */

static void report_missing(struct pp *pp, str name, bool is_angled, struct span at)
{
	struct nearest near;
	str text;

	nearest_init(&near, name);
	cf_lib_header(name, &text, &near);
	diag_add(pp->dx, at, E_INCLUDE, "there is no header %c" STR_FMT "%c", is_angled ? '<' : '"',
		 STR_ARG(name), is_angled ? '>' : '"');
	if (near.best.n)
		diag_hint(pp->dx, "did you mean <" STR_FMT ">?", STR_ARG(near.best));
	else if (is_angled)
		diag_hint(pp->dx,
			  "the C library's headers are not for BPF programs; the kernel's types "
			  "and constants are known without #include");
	else
		diag_hint(pp->dx, "it is searched beside the including file, in the folders given "
				  "with -I, and among skep's own headers");
}

static struct pp_header *add_header(struct pp *pp, str key, str name, str text, struct span at)
{
	struct source *src = sources_add(pp->o->ss, name, text);
	struct pp_header *h;

	if (!src) {
		pp_stop(pp, at, "all sources together take more than 4 GB", NULL);
		return NULL;
	}
	h = arena_new_of(pp->a, struct pp_header);
	h->src = src;
	strmap_put(pp->a, &pp->headers, key, h);
	return h;
}

/* The header at this place, read when it is new. NULL: it cannot be read, which was told. */
static struct pp_header *get_header(struct pp *pp, const struct found *f, struct span at)
{
	str key = f->where == W_LIB ? str_printf(pp->a, "<skep/" STR_FMT ">", STR_ARG(f->path))
				    : f->path;
	struct pp_header *h = strmap_get(&pp->headers, key);
	struct err e = { 0 };
	str text;
	int err;

	if (h)
		return h;
	if (f->where == W_LIB)
		return add_header(pp, key, key, f->text, at);
	err = base_read_file(pp->a, f->path.s, PP_MAX_SOURCE, &text, &e);
	if (err == -EFBIG) {
		diag_add(pp->dx, at, E_TOO_LARGE, "header '" STR_FMT "' is larger than 64 MB",
			 STR_ARG(f->path));
		return NULL;
	}
	if (err) {
		diag_add(pp->dx, at, E_INCLUDE, "%s", e.msg);
		return NULL;
	}
	return add_header(pp, key, f->path, text, at);
}

static bool is_open(const struct pp *pp, const struct source *src)
{
	for (const struct pp_file *f = pp->file; f; f = f->below)
		if (f->src == src)
			return true;
	return false;
}

/* Does nesting end here? */
static bool check_nesting(struct pp *pp, const struct pp_header *h, struct span at)
{
	if (++pp->n_includes > PP_MAX_INCLUDES) {
		pp_stop(pp, at, "the program includes files more than 10000 times",
			"do two headers include one another? #pragma once ends that");
		return false;
	}
	if (pp->n_nesting <= PP_MAX_NESTING)
		return true;
	diag_add(pp->dx, at, E_INCLUDE, "includes are nested deeper than %u", PP_MAX_NESTING);
	if (is_open(pp, h->src)) {
		diag_note(pp->dx, (struct span){ 0 }, "'" STR_FMT "' includes itself",
			  STR_ARG(h->src->name));
		diag_hint(pp->dx, "#pragma once at its beginning ends that");
	}
	return false;
}

static void include(struct pp *pp, str name, bool is_angled, struct span at)
{
	struct pp_header *h;
	struct found f;

	locate(pp, name, is_angled, &f);
	if (f.where == W_NOWHERE)
		report_missing(pp, name, is_angled, at);
	if (f.where == W_NOWHERE || f.where == W_EMPTY)
		return;
	h = get_header(pp, &f, at);
	if (!h || h->is_once || (h->guard && h->guard->macro))
		return;
	if (check_nesting(pp, h, at))
		pp_open_file(pp, h->src, h, at);
}

/* The name out of expanded tokens: a string, or what stands between < and >. */
static bool read_expanded(struct pp *pp, str *out_name, bool *out_is_angled, struct span *out_at)
{
	struct pp_buf *b = pp_take_buf(pp);
	const struct pp_tok *t;
	bool is_right = false;
	struct pp_tok next;
	u32 n;

	for (pp_next(pp, &next); next.kind != TOK_EOF; pp_next(pp, &next))
		*vec_push(pp->a, &b->list) = next;
	t = b->list.at;
	n = b->list.n;
	if (n)
		*out_at = span_join(pp_span(t), pp_span(t + n - 1));
	if (n && t->kind == TOK_STRING && t->s[0] == '"') {
		*out_name = str_sub(pp_text(t), 1, t->n - 2);
		*out_is_angled = false;
		is_right = true;
	} else if (n > 2 && pp_is(t, '<')) {
		for (n = 1; n < b->list.n && !pp_is(t + n, '>'); n++)
			;
		is_right = n < b->list.n;
		*out_name = pp_spell(pp, t + 1, n - 1, false);
		*out_is_angled = true;
	}
	pp_give_buf(pp, b);
	return is_right;
}

void pp_include(struct pp *pp, struct span at)
{
	bool is_angled;
	str name;

	if (lex_header_name(&pp->file->lx, &name, &is_angled, &at) ||
	    read_expanded(pp, &name, &is_angled, &at))
		include(pp, name, is_angled, at);
	else if (!pp->is_stopped)
		diag_add(pp->dx, at, E_INCLUDE, "#include needs <file> or \"file\"");
}
