/* dump.c: `skep dump`: the stages of the compiler. */
#include <stdio.h>

#include "cli/cli.h"

const char dump_help[] = "usage: skep dump [FLAGS] FILE --stage STAGE\n"
			 "\n"
			 "Prints what a stage of the compiler makes of a program: tokens, ast, ir "
			 "(after all passes),\n"
			 "ir:PASS (after that pass; ir:none before any), bpf (instructions under "
			 "their source lines), obj (maps,\n"
			 "programs, events; the default).\n"
			 "\n"
			 "  -e, --script SCRIPT    a bpftrace script instead of a file\n"
			 "  --attach POINT=FUNC    as for run\n"
			 "  -D, --define N[=V]     define a macro          -I, --include DIR  "
			 "search DIR for headers\n";

int verb_dump(struct flags *f)
{
	struct skep *s;
	int r;

	if (!f->file && !f->script) {
		fprintf(stderr, "skep: dump needs a program: a file, - for stdin, or -e SCRIPT\n");
		return EXIT_USAGE;
	}
	s = session_start(f);
	if (!s)
		return EXIT_FAILED;
	r = session_report(s, f, skep_dump(s, f->stage ? f->stage : "obj", write_stdout, NULL));
	skep_close(s);
	return r;
}
