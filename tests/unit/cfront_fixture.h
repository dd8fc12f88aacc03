/* What the tests of the C front end's parser share: parsing a text without machine and BTF, and comparing a
 * folder of sources with the files beside them. SKEP_GOLDEN=write in the environment rewrites those. */
#ifndef SKEP_TEST_CFRONT_FIXTURE
#define SKEP_TEST_CFRONT_FIXTURE

#include "cfront/ast.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

struct fixture {
	struct arena *a;
	struct sources ss;
	struct diags dx;
	struct cf_options o;
	struct cf_unit *u;
};

static inline void fixture_parse(struct fixture *f, const char *name, str text)
{
	memset(f, 0, sizeof(*f));
	f->a = arena_new(NULL);
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
	f->o = (struct cf_options){ .a = f->a, .ss = &f->ss, .dx = &f->dx,
				    .types = ty_table_new(f->a) };
	f->u = cf_parse(&f->o, sources_add(&f->ss, str_of(name), text));
}

static inline str fixture_diags(struct fixture *f)
{
	struct sbuf b;

	sbuf_init(&b, f->a);
	diags_render(&f->dx, &b, false);
	return b.n ? sbuf_str(&b) : STR("");
}

static inline void fixture_want(const char *name, str got, str want)
{
	if (!str_eq(got, want))
		fail_msg("%s:\n--- got\n" STR_FMT "--- want\n" STR_FMT, name, STR_ARG(got),
			 STR_ARG(want));
}

static inline int fixture_order(const void *x, const void *y)
{
	return str_cmp(*(const str *)x, *(const str *)y);
}

/* The names of the .c files in a folder, sorted. */
static inline str *fixture_list(struct arena *a, const char *folder, u32 *out_n)
{
	struct { str *at; u32 n, cap; } names = { 0 };
	DIR *dir = opendir(folder);
	struct dirent *d;

	assert_non_null(dir);
	while ((d = readdir(dir)))
		if (str_ends(str_of(d->d_name), ".c"))
			*vec_push(a, &names) = str_dup(a, str_of(d->d_name));
	closedir(dir);
	qsort(names.at, names.n, sizeof(str), fixture_order);
	*out_n = names.n;
	return names.at;
}

static inline str fixture_read(struct arena *a, const char *path)
{
	struct err e = { 0 };
	str text = STR("");

	if (base_read_file(a, path, 1 << 20, &text, &e))
		return STR("(there is no such file: run with SKEP_GOLDEN=write)\n");
	return text;
}

/* Compares `got` with the file at `path`, or writes it there. */
static inline void fixture_compare(struct arena *a, const char *path, str got)
{
	const char *mode = getenv("SKEP_GOLDEN");
	FILE *file;

	if (!mode || strcmp(mode, "write")) {
		fixture_want(path, got, fixture_read(a, path));
		return;
	}
	file = fopen(path, "w");
	assert_non_null(file);
	fwrite(got.s, 1, got.n, file);
	fclose(file);
}

#endif
