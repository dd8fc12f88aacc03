/* info.c: `skep info`: what this kernel's BPF can do. */
#include <stdio.h>

#include "cli/cli.h"

const char info_help[] =
	"usage: skep info\n"
	"\n"
	"Tells which helpers, map kinds, program kinds and attach kinds this kernel has, a line "
	"each.\n";

int verb_info(struct flags *f)
{
	struct skep *s;
	int r;

	f->file = NULL;
	f->script = NULL;
	s = session_start(f);
	if (!s)
		return EXIT_FAILED;
	r = session_report(s, f, skep_features(s, write_stdout, NULL));
	skep_close(s);
	return r;
}
