/* What the tests of the bpftrace front end share: parsing a script without the machine's events,
 * lowering it as if every event were where it is asked for, and comparing files. SKEP_GOLDEN=write
 * in the environment rewrites those. */
#ifndef SKEP_TEST_BTFRONT_FIXTURE
#define SKEP_TEST_BTFRONT_FIXTURE

#include "btfront/btfront.h"

#include <setjmp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <glob.h>

struct fixture {
	struct arena *a;
	struct sources ss;
	struct diags dx;
	struct bt_options o;
	struct source *src;
	struct bt_unit *u;
	struct obj *obj;
	struct ir_module *m;
};

static inline void fixture_open(struct fixture *f, const char *name, str text)
{
	memset(f, 0, sizeof(*f));
	f->a = arena_new(NULL);
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
	f->o = (struct bt_options){
		.a = f->a, .ss = &f->ss, .dx = &f->dx, .types = ty_table_new(f->a)
	};
	f->src = sources_add(&f->ss, str_of(name), text);
}

static inline void fixture_parse(struct fixture *f, const char *name, str text)
{
	fixture_open(f, name, text);
	f->u = bt_parse(&f->o, f->src);
}

/* Every probe runs where it wants to; `change` (may be NULL) alters a binding. */
static inline bool fixture_lower(struct fixture *f,
				 void (*change)(struct fixture *f, struct probes_binding *b))
{
	u32 n = bt_probe_count(f->u);
	struct bt_attachment *list = arena_array_of(f->a, struct bt_attachment, n + 1);

	f->obj = obj_new(f->a, &f->ss);
	f->m = ir_module_new(f->a);
	for (u32 i = 0; i < n; i++) {
		list[i].binding.want = list[i].binding.at = bt_probe_at(f->u, i)->want;
		if (change)
			change(f, &list[i].binding);
	}
	return bt_lower(f->u, list, n, f->obj, f->m);
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

static inline str fixture_read(struct arena *a, const char *path)
{
	str text = STR("");

	if (base_read_file(a, path, 1 << 20, &text, NULL))
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

/* "x/y.bt" with another ending. */
static inline const char *fixture_sibling(struct arena *a, const char *path, const char *ending)
{
	str x = str_of(path);

	return str_z(a, str_printf(a, STR_FMT "%s", STR_ARG(str_sub(x, 0, x.n - 3)), ending));
}

#endif
