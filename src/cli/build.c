/* build.c: `skep build`: a program as an ELF object for libbpf and bpftool. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

const char build_help[] =
	"usage: skep build [FLAGS] FILE -o OBJECT\n"
	"\n"
	"Compiles a program to an ELF object that libbpf, bpftool and other loaders load: code "
	"sections by event,\n"
	"maps, data, license, types and lines.\n"
	"\n"
	"  -o, --output FILE      the object; default: FILE with .bpf.o for its ending\n"
	"  --attach POINT=FUNC    as for run\n"
	"  -D, --define N[=V]     define a macro          -I, --include DIR  search DIR for "
	"headers\n"
	"  --json                 diagnostics as JSON lines\n";

static bool name_object(char *out, size_t size, const struct flags *f)
{
	const char *dot = strrchr(f->file, '.'), *slash = strrchr(f->file, '/');
	size_t n = dot && (!slash || dot > slash) ? (size_t)(dot - f->file) : strlen(f->file);

	return snprintf(out, size, "%.*s.bpf.o", (int)n, f->file) < (int)size;
}

static int write_object(const char *path, const void *bytes, size_t n)
{
	FILE *out = fopen(path, "we");
	bool good = out && fwrite(bytes, 1, n, out) == n;

	if (out && fclose(out))
		good = false;
	if (good)
		return EXIT_GOOD;
	fprintf(stderr, "skep: cannot write %s: %s\n", path, strerror(errno));
	if (out)
		unlink(path);
	return EXIT_FAILED;
}

int verb_build(struct flags *f)
{
	const void *bytes;
	char name[4096];
	struct skep *s;
	size_t n;
	int r;

	if (!f->file || strcmp(f->file, "-") == 0 ? !f->file || !f->output : false) {
		fprintf(stderr,
			"skep: build needs a program: a file, or - for stdin and -o OBJECT\n");
		return EXIT_USAGE;
	}
	if (!f->output && !name_object(name, sizeof(name), f)) {
		fprintf(stderr, "skep: the name '%s' is too long\n", f->file);
		return EXIT_USAGE;
	}
	s = session_start(f);
	if (!s)
		return EXIT_FAILED;
	r = session_report(s, f, skep_build(s, &bytes, &n));
	if (r == EXIT_GOOD)
		r = write_object(f->output ? f->output : name, bytes, n);
	skep_close(s);
	return r;
}
