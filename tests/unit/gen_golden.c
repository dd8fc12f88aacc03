/* Golden files of gen, tests/golden/gen/NAME.ir; the tests that use them include this file.
 *
 *	; what this shows
 *	-- target v4                      perhaps; else version 3 of the instruction set
 *	-- in
 *	the ir, whose symbols count maps and data as `-- map` and `-- data` lines list them
 *	-- map NAME TYPE KEY VALUE ENTRIES      perhaps, before `-- in`
 *	-- data .rodata SIZE BYTE,BYTE,…        perhaps, before `-- in`
 *	-- run in=1,2 want=3              perhaps several: context words, result; machine and kernel
 *	-- kernel in=1,2 want=3           the same for programs that need maps: kernel alone
 *	-- out
 *	the listing, or the diagnostics
 */
#ifndef SKEP_TEST_GEN_GOLDEN
#define SKEP_TEST_GEN_GOLDEN

#include "gen/gen.h"

#include <dirent.h>
#include <stdlib.h>
#include <string.h>

#define GOLDEN_DIR "tests/golden/gen"

struct golden_run {
	u64 ctx[12];
	u32 n_ctx;
	u64 want;
	bool kernel_only;
};
struct golden {
	struct arena *a;
	struct sources ss;
	struct diags dx;
	str name, text, in, out;
	bool has_v4;
	struct obj *o;
	struct ir_module *m;
	vec(struct golden_run) runs;
};

static inline str golden_path(struct arena *a, str name)
{
	return str_printf(a, GOLDEN_DIR "/" STR_FMT, STR_ARG(name));
}

static inline int golden_order(const void *x, const void *y)
{
	return str_cmp(*(const str *)x, *(const str *)y);
}

/* All files, by name. */
static inline str *golden_list(struct arena *a, u32 *out_n)
{
	struct vec_str {
		str *at;
		u32 n, cap;
	} names = { 0 };
	DIR *dir = opendir(GOLDEN_DIR);

	for (struct dirent *d; dir && (d = readdir(dir));)
		if (str_ends(str_of(d->d_name), ".ir"))
			*vec_push(a, &names) = str_dup(a, str_of(d->d_name));
	if (dir)
		closedir(dir);
	if (names.n)
		qsort(names.at, names.n, sizeof(str), golden_order);
	*out_n = names.n;
	return names.at;
}

static inline void golden_numbers(str list, u64 *out, u32 max, u32 *out_n)
{
	s64 v;

	for (*out_n = 0; list.n && *out_n < max;) {
		str word = str_cut(&list, ',');

		if (str_to_u64(word, &out[*out_n]))
			(*out_n)++;
		else if (str_to_s64(word, &v))
			out[(*out_n)++] = (u64)v;
	}
}

static inline void golden_run_line(struct golden *g, str line, bool kernel_only)
{
	struct golden_run *r = vec_push(g->a, &g->runs);
	u32 n;

	r->kernel_only = kernel_only;
	while (line.n) {
		str word = str_cut(&line, ' ');

		if (str_starts(word, "in="))
			golden_numbers(str_sub(word, 3, word.n), r->ctx, ARRAY_LEN(r->ctx),
				       &r->n_ctx);
		else if (str_starts(word, "want="))
			golden_numbers(str_sub(word, 5, word.n), &r->want, 1, &n);
	}
}

static inline void golden_map_line(struct golden *g, str line)
{
	str name = str_cut(&line, ' ');
	const struct isa_kind *kind = isa_map_kind_named(str_cut(&line, ' '));
	u64 n[3] = { 0 };

	for (u32 i = 0; i < 3; i++)
		(void)str_to_u64(str_cut(&line, ' '), &n[i]);
	obj_map_add(g->o, name, kind->number, (u32)n[0], (u32)n[1], (u32)n[2]);
}

static inline void golden_data_line(struct golden *g, str line)
{
	str name = str_cut(&line, ' ');
	enum obj_data_kind kind = str_is(name, ".rodata") ? OBJ_RODATA
				  : str_is(name, ".data") ? OBJ_DATA
							  : OBJ_BSS;
	u64 size = 0, byte[256] = { 0 };
	u8 bytes[256];
	u32 n;

	(void)str_to_u64(str_cut(&line, ' '), &size);
	golden_numbers(line, byte, ARRAY_LEN(byte), &n);
	for (u32 i = 0; i < ARRAY_LEN(bytes); i++)
		bytes[i] = (u8)byte[i];
	obj_data_add(g->o, obj_data_section(g->o, kind), STR(""), NULL,
		     kind == OBJ_BSS ? NULL : bytes, (u32)size, 8);
}

static inline void golden_line(struct golden *g, str line)
{
	str verb = str_cut(&line, ' ');

	if (str_is(verb, "target"))
		g->has_v4 = str_is(line, "v4");
	else if (str_is(verb, "map"))
		golden_map_line(g, line);
	else if (str_is(verb, "data"))
		golden_data_line(g, line);
	else
		golden_run_line(g, line, str_is(verb, "kernel"));
}

/* Reads and splits a file; false if there is none. */
static inline bool golden_read(struct golden *g, struct arena *a, str name)
{
	char *path = str_z(a, golden_path(a, name));
	struct err e;
	str rest, *into = NULL;

	*g = (struct golden){ .a = a, .name = name };
	sources_init(&g->ss, a);
	diags_init(&g->dx, a, &g->ss);
	g->o = obj_new(a, &g->ss);
	if (base_read_file(a, path, 1 << 20, &g->text, &e))
		return false;
	for (rest = g->text; rest.n;) {
		str line = str_cut(&rest, '\n');

		if (!str_starts(line, "-- ")) {
			if (into)
				into->n = (u32)(line.s + line.n + 1 - into->s);
			continue;
		}
		into = str_is(line, "-- in") ? &g->in : str_is(line, "-- out") ? &g->out : NULL;
		if (into)
			*into = (str){ rest.s, 0 };
		else
			golden_line(g, str_sub(line, 3, line.n));
	}
	return true;
}

/* Reads the ir into g->m; false with diagnostics. */
static inline bool golden_parse(struct golden *g)
{
	g->m = ir_parse(g->a, &g->dx, sources_add(&g->ss, STR("ir"), g->in));
	for (u32 i = 0; g->m && i < g->m->fns.n; i++) {
		struct ir_fn *fn = g->m->fns.at[i];
		struct obj_prog *p;

		if (fn->linkage != IR_PROGRAM)
			continue;
		p = vec_push(g->a, &g->o->progs);
		p->name = fn->name;
		p->func = OBJ_NONE;
		p->prog_type = ISA_PROG_RAW_TRACEPOINT;
		p->attach_type = OBJ_NONE;
		fn->prog = g->o->progs.n - 1;
	}
	return g->m;
}

/* Compiles it and uses g->m up; false with diagnostics. */
static inline bool golden_compile(struct golden *g)
{
	struct ir_target target = { .has_v4 = g->has_v4, .split_probe_reads = true };

	return gen_module(g->a, &g->dx, &target, g->m, g->o);
}

/* The section `-- out` as it should be now. */
static inline str golden_result(struct golden *g, bool ok)
{
	struct sbuf out;
	str text;

	sbuf_init(&out, g->a);
	if (!ok) {
		diags_render(&g->dx, &out, false);
		return sbuf_str(&out);
	}
	obj_print(&out, g->o, true);
	text = sbuf_str(&out);
	while (text.n && !str_starts(text, "function ") && !str_starts(text, "global "))
		str_cut(&text, '\n');
	return text;
}

#endif
