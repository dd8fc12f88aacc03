/* session.c: what the verbs do alike: open a session, load the program, tell what went wrong. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

enum { STDIN_LIMIT = 64 << 20 };

int write_stdout(void *arg, const char *bytes, size_t n)
{
	FILE *out = arg ? arg : stdout;

	if (fwrite(bytes, 1, n, out) != n || fflush(out))
		return -EIO;
	return 0;
}

static void note(void *arg, const char *line)
{
	const struct flags *f = arg;

	fprintf(stderr, f->is_bpftrace ? "WARNING: %s\n" : "skep: note: %s\n", line);
}

char *session_read_stdin(size_t *out_n)
{
	size_t cap = 1 << 16, n = 0;
	char *text = malloc(cap);

	while (text) {
		size_t got = fread(text + n, 1, cap - n, stdin);
		char *more;

		n += got;
		if (n < cap) {
			text[n] = 0;
			break;
		}
		more = cap < STDIN_LIMIT ? realloc(text, cap * 2) : NULL;
		if (!more) {
			free(text);
			return NULL;
		}
		text = more;
		cap *= 2;
	}
	*out_n = n;
	return text;
}

static int load(struct skep *s, struct flags *f)
{
	enum skep_language lang = f->is_bpftrace ? SKEP_BPFTRACE : SKEP_AUTO;

	if (f->script)
		return skep_load_text(s, "stdin", f->script, strlen(f->script), SKEP_BPFTRACE);
	if (strcmp(f->file, "-") == 0) {
		size_t n;
		char *text = session_read_stdin(&n);
		int r = text ? skep_load_text(s, "stdin", text, n, lang) : -EFBIG;

		free(text);
		return r;
	}
	return skep_load_file(s, f->file, lang);
}

static bool apply_pragmas(struct skep *s, struct flags *f)
{
	struct flags from_source = { .stage = NULL };
	const char *words;

	for (size_t i = 0; (words = skep_pragma(s, i)); i++) {
		if (!flags_parse_words(&from_source, words)) {
			flags_free(&from_source);
			return false;
		}
	}
	flags_merge(f, &from_source);
	return skep_set_options(s, flags_options(f)) == 0;
}

struct skep *session_start(struct flags *f)
{
	struct skep *s;
	int r;

	f->o.note = note;
	f->o.note_arg = f;
	s = skep_open(flags_options(f));
	if (!s) {
		fprintf(stderr, "skep: out of memory\n");
		return NULL;
	}
	if (!f->file && !f->script)
		return s;
	r = load(s, f);
	if (r || !apply_pragmas(s, f)) {
		session_report(s, f, r ? r : -EINVAL);
		skep_close(s);
		return NULL;
	}
	return s;
}

int session_report(struct skep *s, const struct flags *f, int result)
{
	const char *who = f->is_bpftrace ? "ERROR" : "skep";

	if (f->o.json)
		fputs(skep_diagnostics_json(s), stdout);
	else
		fputs(skep_diagnostics(s, isatty(2)), stderr);
	if (result >= 0)
		return EXIT_GOOD;
	if (*skep_error(s))
		fprintf(stderr, "%s: %s\n", who, skep_error(s));
	else if (!*skep_diagnostics(s, 0))
		fprintf(stderr, "%s: %s\n", who, strerror(-result));
	return EXIT_FAILED;
}
