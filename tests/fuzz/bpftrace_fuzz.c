/* A script through the whole front end and the back end: whatever the text, an answer or a diagnostic;
 * what was lowered keeps every invariant of the ir, and the passes and the code generator take it.
 * No machine: events are taken to be where the script wants them.
 */
#include "btfront/btfront.h"
#include "gen/gen.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void lower(struct bt_unit *u, struct arena *a, struct sources *ss, struct diags *dx)
{
	u32 n = bt_probe_count(u);
	struct bt_attachment *list = arena_array_of(a, struct bt_attachment, n + 1);
	struct ir_target target = { .has_v4 = true, .split_probe_reads = true };
	struct arena *scratch = arena_new(NULL);
	struct ir_module *m = ir_module_new(a);
	struct obj *o = obj_new(a, ss);
	str why;

	for (u32 i = 0; i < n; i++)
		list[i].binding.want = list[i].binding.at = bt_probe_at(u, i)->want;
	if (bt_lower(u, list, n, o, m)) {
		for (u32 i = 0; i < m->fns.n; i++)
			if (!ir_check(m->fns.at[i], &why))
				abort();
		if (ir_optimise(scratch, dx, &target, m, NULL, NULL))
			gen_module(a, dx, &target, m, o);
	}
	arena_free(scratch);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct arena *a = arena_new(NULL);
	struct bt_options o = { .a = a };
	struct sources ss;
	struct diags dx;
	struct bt_unit *u;
	struct sbuf out;
	char *copy;

	if (size > 4096)
		size = 4096;
	/* A block of its own, so that the sanitiser sees reads beyond the end. */
	copy = malloc(size + 1);
	memcpy(copy, data, size);
	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	sbuf_init(&out, a);
	o.ss = &ss;
	o.dx = &dx;
	o.types = ty_table_new(a);
	u = bt_parse(&o, sources_add(&ss, STR("fuzz"), (str){ copy, (u32)size }));
	if (u)
		bt_dump_ast(u, &out);
	if (u && !dx.n_errors)
		lower(u, a, &ss, &dx);
	diags_render(&dx, &out, false);
	arena_free(a);
	free(copy);
	return 0;
}
