/* list.c: `skep list`: what this machine has to attach to. */
#include <stdio.h>

#include "cli/cli.h"

const char list_help[] = "usage: skep list [--json] [-v] PATTERN\n"
			 "       skep list [--json] [-v] -e SCRIPT\n"
			 "\n"
			 "Lists the events of this machine that match, one a line: "
			 "'tracepoint:syscalls:*open*', 'kprobe:tcp_*',\n"
			 "'raw_tracepoint:*', 'fentry:vfs_*', 'software:*', 'uprobe:/bin/bash:*'. "
			 "* is any run of characters.\n"
			 "With -e: the events that a script names. With -v what programs see there "
			 "stands below each.\n";

struct listing {
	struct skep *s; /* NULL: names only */
	bool json;
	size_t n;
};

static int print_point(void *arg, const char *point)
{
	struct listing *l = arg;

	l->n++;
	if (l->json)
		printf("{\"type\": \"event\", \"data\": \"%s\"}\n", point);
	else
		puts(point);
	/* What cannot be described is listed all the same. */
	if (l->s && !l->json)
		skep_describe(l->s, point, write_stdout, NULL);
	return ferror(stdout);
}

int list_events(struct flags *f, const char *pattern, bool is_verbose)
{
	struct listing l = { .json = f->o.json };
	struct skep *s, *describer = NULL;
	int r;

	s = session_start(f);
	if (!s)
		return EXIT_FAILED;
	if (is_verbose)
		describer = l.s = skep_open(&(struct skep_options){ .sz = sizeof(f->o) });
	r = pattern ? skep_list(s, pattern, print_point, &l)
		    : skep_list_program(s, print_point, &l);
	if (r == 0 && l.n == 0 && !f->is_bpftrace) {
		fprintf(stderr, "skep: no event of this machine matches '%s'\n", pattern);
		r = EXIT_FAILED;
	} else {
		r = session_report(s, f, r);
	}
	skep_close(describer);
	skep_close(s);
	return r;
}

int verb_list(struct flags *f)
{
	const char *pattern = f->script ? NULL : f->file ? f->file : "*";

	if (pattern)
		f->file = NULL;
	return list_events(f, pattern, f->o.verbose);
}
