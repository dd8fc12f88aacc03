/* check.c: `skep check`: would it load? */
#include <stdio.h>

#include "cli/cli.h"

const char check_help[] = "usage: skep check [FLAGS] FILE\n"
			  "\n"
			  "Compiles a program and has the kernel's verifier look at it. Nothing is "
			  "attached. Where the process may\n"
			  "not load programs, what skep itself can check is checked, and the "
			  "missing privilege is named.\n"
			  "\n"
			  "  -e, --script SCRIPT    a bpftrace script instead of a file\n"
			  "  --attach POINT=FUNC    as for run\n"
			  "  -D, --define N[=V]     define a macro          -I, --include DIR  "
			  "search DIR for headers\n"
			  "  --json                 diagnostics as JSON lines\n"
			  "  -v, --verbose          show the verifier's log\n";

int verb_check(struct flags *f)
{
	struct skep *s;
	int r;

	if (!f->file && !f->script) {
		fprintf(stderr, "skep: check needs a program: a file, - for stdin, or -e SCRIPT\n");
		return EXIT_USAGE;
	}
	s = session_start(f);
	if (!s)
		return EXIT_FAILED;
	r = skep_check(s);
	if (r >= 0 && f->o.json)
		printf("{\"type\": \"check\", \"data\": {\"programs\": %d}}\n", r);
	else if (r >= 0)
		printf("%d program%s: good\n", r, r == 1 ? "" : "s");
	r = session_report(s, f, r);
	skep_close(s);
	return r;
}
