/* Lexer, preprocessor, parser and lowering: no text crashes them, hangs them or makes ir that breaks an invariant. */
#include "cfront/cfront.h"
#include "ir/ir.h"
#include "obj/obj.h"

#include <stdlib.h>
#include <string.h>

enum { MAX = 16384 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static void lower(const struct cf_options *o, struct cf_unit *u)
{
	struct cf_attachment at = { .program = 0 };
	struct ir_module *m = ir_module_new(o->a);
	str why;

	if (!u || !cf_program_count(u))
		return;
	at.binding.want.provider = at.binding.at.provider = PROBES_RAW_TRACEPOINT;
	if (!cf_lower(u, &at, 1, obj_new(o->a, o->ss), m))
		return;
	for (u32 i = 0; i < m->fns.n; i++)
		if (!ir_check(m->fns.at[i], &why))
			abort();
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct arena *a = arena_new(NULL);
	struct cf_options o = { .a = a };
	struct sources ss;
	struct diags dx;
	struct cf_unit *u;
	str text = { (const char *)data, size > MAX ? MAX : (u32)size };

	sources_init(&ss, a);
	diags_init(&dx, a, &ss);
	o.ss = &ss;
	o.dx = &dx;
	o.types = ty_table_new(a);
	u = cf_parse(&o, sources_add(&ss, STR("fuzz.c"), str_dup(a, text)));
	if (!dx.n_errors)
		lower(&o, u);
	arena_free(a);
	return 0;
}
