/* One test for each file of tests/diag that needs more than a parser: all its diagnostics, as a terminal
 * shows them, are in the .err file beside it, and the tag of its name is among them.
 *
 *	TAG.reason.c	compiled by a session. Its first line is `// flags: FLAG, …`: strict, trace_pipe,
 *			attach=POINT=FUNCTION, check (the kernel is asked too; skipped without the rights),
 *			user (skep's own verifier is asked)
 *	TAG.reason.ir	parsed, optimised and generated for the oldest machine
 *	TAG.reason.s	assembled
 *
 * Here it is checked too that no file of the folder is run by nobody. With SKEP_GOLDEN=write in the
 * environment the .err files are rewritten; review the diff. */
#include "diag_files.h"
#include "gen/gen.h"
#include "skep/skep.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_ATTACH = 4 };

/* One file. A failure is told and counted; the other files are still run. */
struct file {
	struct arena *a;
	str name, text, tag;
	bool failed, skipped;
};

static void wrong(struct file *f, const char *format, ...) PRINTF_LIKE(2, 3);
static void wrong(struct file *f, const char *format, ...)
{
	va_list ap;

	va_start(ap, format);
	print_error(STR_FMT ": " STR_FMT "\n", STR_ARG(f->name),
		    STR_ARG(str_vprintf(f->a, format, ap)));
	va_end(ap);
	f->failed = true;
}

/* ---- files ---------------------------------------------------------------------------------- */

static str read_text(struct arena *a, str name)
{
	str path = str_printf(a, DIAG_FOLDER STR_FMT, STR_ARG(name)), text;
	struct err e = { 0 };

	if (base_read_file(a, str_z(a, path), 1 << 20, &text, &e))
		return str_printf(a, "(%s; SKEP_GOLDEN=write makes it)\n", e.msg);
	return text;
}

static int order(const void *x, const void *y)
{
	return str_cmp(*(const str *)x, *(const str *)y);
}

/* The names in the folder, sorted; their number is in *out_n. */
static str *list_files(struct arena *a, u32 *out_n)
{
	struct { str *at; u32 n, cap; } names = { 0 };
	DIR *dir = opendir(DIAG_FOLDER);
	struct dirent *d;

	assert_non_null(dir);
	while ((d = readdir(dir)))
		if (d->d_name[0] != '.')
			*vec_push(a, &names) = str_dup(a, str_of(d->d_name));
	closedir(dir);
	qsort(names.at, names.n, sizeof(str), order);
	*out_n = names.n;
	return names.at;
}

/* "TAG.reason" of "TAG.reason.ext". */
static str stem_of(str name)
{
	u32 n = name.n;

	while (n && name.s[n - 1] != '.')
		n--;
	return n ? str_sub(name, 0, n - 1) : name;
}

static bool writes_golden(void)
{
	const char *mode = getenv("SKEP_GOLDEN");

	return mode && strcmp(mode, "write") == 0;
}

static void compare(struct file *f, const char *got)
{
	str name = str_printf(f->a, STR_FMT ".err", STR_ARG(stem_of(f->name)));
	str path = str_printf(f->a, DIAG_FOLDER STR_FMT, STR_ARG(name));

	if (writes_golden()) {
		FILE *file = fopen(str_z(f->a, path), "w");

		assert_non_null(file);
		fputs(got, file);
		fclose(file);
	} else if (!str_is(read_text(f->a, name), got)) {
		wrong(f, "other diagnostics\n--- got\n%s--- want\n" STR_FMT, got,
		     STR_ARG(read_text(f->a, name)));
	}
}

/* ---- C through a session ---------------------------------------------------------------------- */

struct flags {
	struct skep_options o;
	const char *attach[MAX_ATTACH];
	bool check;
};

static void take_flag(struct file *f, struct flags *to, str word)
{
	if (str_is(word, "strict"))
		to->o.strict = 1;
	else if (str_is(word, "trace_pipe"))
		to->o.trace_pipe = 1;
	else if (str_is(word, "check"))
		to->check = true;
	else if (str_is(word, "user"))
		to->o.engine = SKEP_ENGINE_USER;
	else if (str_starts(word, "attach=") && to->o.n_attach < MAX_ATTACH)
		to->attach[to->o.n_attach++] = str_z(f->a, str_sub(word, 7, word.n));
	else if (word.n)
		wrong(f, "there is no flag '" STR_FMT "'", STR_ARG(word));
}

static void take_flags(struct file *f, struct flags *to)
{
	str rest = f->text, line = str_cut(&rest, '\n');

	to->o.sz = sizeof(to->o);
	to->o.attach = to->attach;
	line = str_sub(line, sizeof(DIAG_FLAGS) - 1, line.n);
	while (line.n)
		take_flag(f, to, str_trim(str_cut(&line, ',')));
}

static int discard(void *arg, const char *bytes, size_t n)
{
	(void)arg;
	(void)bytes;
	(void)n;
	return 0;
}

static bool lacks_rights(int result)
{
	return result == -SKEP_ENOCAP || result == -EPERM || result == -EACCES;
}

/* JSON names the tags; the text does not. */
static void want_tag(struct file *f, const char *json)
{
	str want = str_printf(f->a, "\"tag\":\"" STR_FMT "\"", STR_ARG(f->tag));

	if (!strstr(json, str_z(f->a, want)))
		wrong(f, "no diagnostic has this tag");
}

static void run_c(struct file *f)
{
	struct flags flags = { 0 };
	struct skep *s;
	int r;

	take_flags(f, &flags);
	s = skep_open(&flags.o);
	assert_non_null(s);
	r = skep_load_text(s, str_z(f->a, f->name), f->text.s, f->text.n, SKEP_AUTO);
	assert_int_equal(r, 0);
	r = flags.check || flags.o.engine == SKEP_ENGINE_USER
		    ? skep_check(s)
		    : skep_dump(s, "bpf", discard, NULL);
	if (flags.check && lacks_rights(r)) {
		printf("skip " STR_FMT ": %s\n", STR_ARG(f->name), skep_error(s));
		f->skipped = true;
	} else {
		if (r != -SKEP_WRONG_PROGRAM)
			wrong(f, "the result is %d: %s", r, skep_error(s));
		compare(f, skep_diagnostics(s, 0));
		want_tag(f, skep_diagnostics_json(s));
	}
	skep_close(s);
}

/* ---- text forms ----------------------------------------------------------------------------- */

static void generate(struct arena *a, struct diags *dx, struct ir_module *m)
{
	struct ir_target oldest = { 0 };
	struct obj *o = obj_new(a, dx->ss);

	for (u32 i = 0; i < m->fns.n; i++)
		if (m->fns.at[i]->linkage == IR_PROGRAM)
			vec_push(a, &o->progs);
	if (ir_optimise(a, dx, &oldest, m, NULL, NULL))
		gen_module(a, dx, &oldest, m, o);
}

static void run_text_form(struct file *f)
{
	struct sources ss;
	struct diags dx;
	struct source *src;
	struct sbuf out, json;

	sources_init(&ss, f->a);
	diags_init(&dx, f->a, &ss);
	sbuf_init(&out, f->a);
	sbuf_init(&json, f->a);
	src = sources_add(&ss, f->name, f->text);
	if (str_ends(f->name, ".ir")) {
		struct ir_module *m = ir_parse(f->a, &dx, src);

		if (m)
			generate(f->a, &dx, m);
	} else {
		struct isa_text code = { 0 };

		isa_assemble(f->a, &dx, src, &code);
	}
	diags_render(&dx, &out, false);
	diags_render_json(&dx, &json);
	compare(f, out.n ? out.s : "");
	want_tag(f, json.n ? json.s : "");
}

/* ---- the folder ----------------------------------------------------------------------------- */

static bool has_source(const str *names, u32 n, str err)
{
	for (u32 i = 0; i < n; i++)
		if (!str_ends(names[i], ".err") && str_eq(stem_of(names[i]), stem_of(err)))
			return true;
	return false;
}

static bool asks_kernel(str text)
{
	return str_glob(STR(DIAG_FLAGS "*check*"), str_cut(&text, '\n'));
}

static void run(struct file *f, bool kernel)
{
	bool is_ours = diag_runner_of(f->name, f->text) == DIAG_OF_API;

	if (!is_ours || asks_kernel(f->text) != kernel)
		return;
	if (str_ends(f->name, ".c"))
		run_c(f);
	else
		run_text_form(f);
}

static void find_owner(struct file *f, const str *names, u32 n)
{
	if (str_ends(f->name, ".err")) {
		if (!has_source(names, n, f->name))
			wrong(f, "it belongs to no source");
	} else if (diag_runner_of(f->name, f->text) == DIAG_OF_NOBODY) {
		wrong(f, "no test runs it");
	}
}

static void run_all(bool kernel)
{
	struct arena *a = arena_new(NULL);
	u32 n, n_failed = 0, n_skipped = 0;
	str *names = list_files(a, &n);

	for (u32 i = 0; i < n; i++) {
		struct file f = { .a = arena_new(NULL), .name = names[i] };
		str rest = names[i];

		f.text = read_text(f.a, names[i]);
		f.tag = str_cut(&rest, '.');
		if (!kernel)
			find_owner(&f, names, n);
		run(&f, kernel);
		n_failed += f.failed;
		n_skipped += f.skipped;
		arena_free(f.a);
	}
	arena_free(a);
	assert_int_equal(n_failed, 0);
	if (n_skipped)
		skip();
}

static void test_compiling(void **state)
{
	(void)state;
	run_all(false);
}

static void test_checking(void **state)
{
	(void)state;
	run_all(true);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_compiling),
		cmocka_unit_test(test_checking),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
