/* list.c: `skep list`: what this machine has to attach to. */
#include <stdio.h>

#include "cli/cli.h"

const char list_help[] = "usage: skep list [--json] PATTERN\n"
			 "\n"
			 "Lists the events of this machine that match, one a line: "
			 "'tracepoint:syscalls:*open*', 'kprobe:tcp_*',\n"
			 "'raw_tracepoint:*', 'fentry:vfs_*', 'software:*', 'uprobe:/bin/bash:*'. "
			 "* is any run of characters.\n";

struct listing {
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
	return ferror(stdout);
}

int verb_list(struct flags *f)
{
	struct listing l = { .json = f->o.json };
	const char *pattern = f->file ? f->file : "*";
	struct skep *s;
	int r;

	f->file = NULL;
	s = session_start(f);
	if (!s)
		return EXIT_FAILED;
	r = skep_list(s, pattern, print_point, &l);
	if (r == 0 && l.n == 0) {
		fprintf(stderr, "skep: no event of this machine matches '%s'\n", pattern);
		skep_close(s);
		return EXIT_FAILED;
	}
	r = session_report(s, f, r);
	skep_close(s);
	return r;
}
