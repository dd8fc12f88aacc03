/* options.c: flags of every verb, from the command line or from `#pragma skep` in a source.
 *
 * One table of flags; each row knows whether it takes a value and how to store it. Long flags accept
 * `--flag value` and `--flag=value`, short ones `-x value` and `-xvalue`.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static bool list_add(struct list *l, const char *x)
{
	const char **at = realloc(l->at, (l->n + 2) * sizeof(*at));

	if (!at) {
		fprintf(stderr, "skep: out of memory\n");
		return false;
	}
	l->at = at;
	l->at[l->n++] = x;
	l->at[l->n] = NULL;
	return true;
}

static bool wrong(const char *flag, const char *value, const char *want)
{
	fprintf(stderr, "skep: %s: '%s' is not %s\n", flag, value, want);
	return false;
}

/* "2s", "500ms", "100us", "7ns", "5m", "1h"; a bare number is seconds. */
static bool parse_time(const char *text, uint64_t *out)
{
	static const struct {
		const char *unit;
		uint64_t ns;
	} units[] = {
		{ "", 1000000000 }, { "s", 1000000000 },  { "ms", 1000000 },	  { "us", 1000 },
		{ "ns", 1 },	    { "m", 60000000000 }, { "h", 3600000000000 },
	};
	char *end;
	double v = strtod(text, &end);

	if (end == text || !(v > 0) || v > 1e9)
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) == 0) {
			*out = (uint64_t)(v * (double)units[i].ns);
			return *out > 0;
		}
	}
	return false;
}

/* ---- one function a flag that takes a value ---------------------------------------------------- */

static bool set_engine(struct flags *f, const char *v)
{
	static const char *const names[] = { "auto", "kern", "user" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(v, names[i]) == 0) {
			f->o.engine = (enum skep_engine)i;
			return true;
		}
	}
	return wrong("--engine", v, "kern, user or auto");
}

static bool set_style(struct flags *f, const char *v)
{
	static const char *const names[] = { "trace", "columns", "plain" };

	for (int i = 0; i < 3; i++) {
		if (strcmp(v, names[i]) == 0) {
			f->o.style = (enum skep_style)i;
			return true;
		}
	}
	return wrong("--style", v, "trace, columns or plain");
}

static bool set_every(struct flags *f, const char *v)
{
	return parse_time(v, &f->o.every_ns) || wrong("--every", v, "a time such as 2s or 500ms");
}

static bool set_for(struct flags *f, const char *v)
{
	return parse_time(v, &f->o.limit_ns) || wrong("--for", v, "a time such as 10s or 500ms");
}

static bool set_pids(struct flags *f, const char *v)
{
	for (const char *at = v; *at;) {
		char *end;
		long pid = strtol(at, &end, 10);
		int *pids;

		if (end == at || pid <= 0 || pid > 0x7fffffff || (*end && *end != ','))
			return wrong("-p", v, "a process id or a list of them separated by commas");
		pids = realloc(f->pids, (f->o.n_pids + 1) * sizeof(int));
		if (!pids)
			return false;
		f->pids = pids;
		f->pids[f->o.n_pids++] = (int)pid;
		at = *end ? end + 1 : end;
	}
	return f->o.n_pids > 0 || wrong("-p", v, "a process id");
}

static bool add_attach(struct flags *f, const char *v)
{
	return list_add(&f->attach, v);
}
static bool add_define(struct flags *f, const char *v)
{
	return list_add(&f->defines, v);
}
static bool add_set(struct flags *f, const char *v)
{
	if (!strchr(v, '='))
		return wrong("--set", v, "NAME=VALUE");
	return list_add(&f->sets, v);
}
static bool add_dir(struct flags *f, const char *v)
{
	return list_add(&f->include_dirs, v);
}
static bool add_format(struct flags *f, const char *v)
{
	if (!strchr(v, '='))
		return wrong("--map-format", v, "TABLE=FORMAT");
	return list_add(&f->map_formats, v);
}
static bool set_script(struct flags *f, const char *v)
{
	f->script = v;
	return true;
}
static bool set_stage(struct flags *f, const char *v)
{
	f->stage = v;
	return true;
}
static bool set_output(struct flags *f, const char *v)
{
	f->output = v;
	return true;
}
static bool set_btf(struct flags *f, const char *v)
{
	f->o.btf_path = v;
	return true;
}

static bool set_program(struct flags *f, const char *v)
{
	f->program = v;
	return true;
}
static bool set_type(struct flags *f, const char *v)
{
	f->o.program_type = v;
	return true;
}

/* ---- one function a flag without -------------------------------------------------------------- */

static void on_help(struct flags *f)
{
	f->help = true;
}
static void on_timing(struct flags *f)
{
	f->timing = true;
}
static void on_json(struct flags *f)
{
	f->o.json = 1;
}
static void on_unsafe(struct flags *f)
{
	f->o.unsafe = 1;
}

static void on_strict(struct flags *f)
{
	f->o.strict = 1;
}
static void on_verbose(struct flags *f)
{
	f->o.verbose++;
}
static void on_no_maps(struct flags *f)
{
	f->o.no_maps = 1;
}
static void on_trace_pipe(struct flags *f)
{
	f->o.trace_pipe = 1;
}

static void on_interp(struct flags *f)
{
	f->execution = SKEP_INTERPRETER;
}
static void on_jit(struct flags *f)
{
	f->execution = SKEP_NATIVE;
}
static void on_lenient(struct flags *f)
{
	f->o.unverified = 1;
}
static void on_unprivileged(struct flags *f)
{
	f->o.unprivileged = 1;
}

static const struct flag {
	const char *name;
	char letter;
	bool (*value)(struct flags *f, const char *v);
	void (*plain)(struct flags *f);
} table[] = {
	{ "attach", 0, add_attach, NULL },
	{ "btf", 0, set_btf, NULL },
	{ "define", 'D', add_define, NULL },
	{ "engine", 0, set_engine, NULL },
	{ "every", 0, set_every, NULL },
	{ "for", 0, set_for, NULL },
	{ "help", 'h', NULL, on_help },
	{ "include", 'I', add_dir, NULL },
	{ "interp", 0, NULL, on_interp },
	{ "jit", 0, NULL, on_jit },
	{ "json", 0, NULL, on_json },
	{ "lenient", 0, NULL, on_lenient },
	{ "map-format", 0, add_format, NULL },
	{ "no-maps", 0, NULL, on_no_maps },
	{ "output", 'o', set_output, NULL },
	{ "pid", 'p', set_pids, NULL },
	{ "program", 0, set_program, NULL },
	{ "script", 'e', set_script, NULL },
	{ "set", 0, add_set, NULL },
	{ "stage", 0, set_stage, NULL },
	{ "unsafe", 0, NULL, on_unsafe },
	{ "strict", 0, NULL, on_strict },
	{ "style", 0, set_style, NULL },
	{ "timing", 0, NULL, on_timing },
	{ "trace-pipe", 0, NULL, on_trace_pipe },
	{ "type", 0, set_type, NULL },
	{ "unprivileged", 0, NULL, on_unprivileged },
	{ "verbose", 'v', NULL, on_verbose },
};

static const struct flag *find_flag(const char *word, const char **out_value)
{
	size_t n;

	*out_value = NULL;
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		if (word[1] != '-') {
			if (table[i].letter && word[1] == table[i].letter) {
				*out_value = word[2] ? word + 2 : NULL;
				return &table[i];
			}
			continue;
		}
		n = strlen(table[i].name);
		if (strncmp(word + 2, table[i].name, n) == 0 &&
		    (word[2 + n] == 0 || word[2 + n] == '=')) {
			*out_value = word[2 + n] ? word + 3 + n : NULL;
			return &table[i];
		}
	}
	return NULL;
}

/* Takes the flag at argv[*i]; moves *i over a value that stands apart. */
static bool take_flag(struct flags *f, int argc, char **argv, int *i)
{
	const char *value;
	const struct flag *flag = find_flag(argv[*i], &value);

	if (!flag) {
		fprintf(stderr, "skep: there is no flag %s; see skep --help\n", argv[*i]);
		return false;
	}
	if (flag->plain) {
		if (value && argv[*i][1] == '-') {
			fprintf(stderr, "skep: --%s takes no value\n", flag->name);
			return false;
		}
		flag->plain(f);
		for (const char *c = value; c && *c; c++) {
			char more[3] = { '-', *c, 0 };
			char *one[] = { more };
			int zero = 0;

			if (!take_flag(f, 1, one, &zero))
				return false;
		}
		return true;
	}
	if (!value) {
		if (*i + 1 >= argc) {
			fprintf(stderr, "skep: --%s needs a value\n", flag->name);
			return false;
		}
		value = argv[++*i];
	}
	return flag->value(f, value);
}

bool flags_set(struct flags *f, const char *name, const char *value)
{
	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++)
		if (strcmp(table[i].name, name) == 0 && table[i].value)
			return table[i].value(f, value);
	return false;
}

bool flags_parse(struct flags *f, int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--") == 0) {
			if (!argv[i + 1]) {
				fprintf(stderr, "skep: a command must follow --\n");
				return false;
			}
			f->command = argv + i + 1;
			return true;
		}
		if (argv[i][0] == '-' && argv[i][1]) {
			if (!take_flag(f, argc, argv, &i))
				return false;
		} else if (!f->file) {
			f->file = argv[i];
		} else {
			fprintf(stderr,
				"skep: one program at a time: '%s' and '%s' (a command to trace "
				"goes behind --)\n",
				f->file, argv[i]);
			return false;
		}
	}
	return true;
}

size_t split_words(const char *text, char *copy, char **words, size_t most)
{
	char *to = copy;
	size_t n = 0;

	for (const char *at = text; *at && n < most;) {
		char quote = 0;

		at += strspn(at, " \t");
		if (!*at)
			break;
		words[n++] = to;
		for (; *at && (quote || (*at != ' ' && *at != '\t')); at++) {
			if (quote ? *at == quote : *at == '\'' || *at == '"')
				quote = quote ? 0 : *at;
			else
				*to++ = *at;
		}
		at += *at != 0;
		*to++ = 0;
	}
	return n;
}

bool flags_parse_words(struct flags *f, const char *words)
{
	char *copy = strdup(words), self[] = "skep", *argv[64] = { self };

	if (!copy || !list_add(&f->owned, copy)) {
		free(copy);
		return false;
	}
	return flags_parse(f, 1 + (int)split_words(words, copy, argv + 1, 62), argv);
}

static void prefer(struct list *own, struct list *other)
{
	if (own->n == 0) {
		free(own->at);
		*own = *other;
	} else {
		free(other->at);
	}
	*other = (struct list){ NULL, 0 };
}

void flags_merge(struct flags *f, struct flags *from)
{
	struct skep_options *o = &f->o, *p = &from->o;

	prefer(&f->attach, &from->attach);
	prefer(&f->map_formats, &from->map_formats);
	prefer(&f->owned, &from->owned);
	o->every_ns = o->every_ns ? o->every_ns : p->every_ns;
	o->limit_ns = o->limit_ns ? o->limit_ns : p->limit_ns;
	o->style = o->style ? o->style : p->style;
	o->engine = o->engine ? o->engine : p->engine;
	o->no_maps |= p->no_maps;
	o->json |= p->json;
	o->strict |= p->strict;
	o->trace_pipe |= p->trace_pipe;
	flags_free(from);
}

void flags_free(struct flags *f)
{
	struct list *lists[] = { &f->attach, &f->defines, &f->include_dirs, &f->map_formats,
				 &f->sets };

	for (size_t i = 0; i < f->owned.n; i++)
		free((void *)(uintptr_t)f->owned.at[i]);
	free(f->owned.at);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++)
		free(lists[i]->at);
	free(f->pids);
	*f = (struct flags){ .stage = NULL };
}

const struct skep_options *flags_options(struct flags *f)
{
	struct skep_options *o = &f->o;

	o->sz = sizeof(*o);
	o->attach = f->attach.at;
	o->n_attach = f->attach.n;
	o->defines = f->defines.at;
	o->n_defines = f->defines.n;
	o->include_dirs = f->include_dirs.at;
	o->n_include_dirs = f->include_dirs.n;
	o->sets = f->sets.at;
	o->n_sets = f->sets.n;
	o->map_formats = f->map_formats.at;
	o->n_map_formats = f->map_formats.n;
	o->pids = f->pids;
	o->command = f->command;
	return o;
}
