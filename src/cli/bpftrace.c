/* bpftrace.c: the command line of bpftrace, for a link of that name (and as a verb).
 *
 * Its flags, its words and its exit codes: what follows a script is its parameters, `-c` and `-p` name what is
 * traced, the number of attach points is told, errors begin with ERROR. Where 0.17 and newer versions differ the newer
 * is the default; `--compat 0.17`, or BPFTRACE_COMPAT=0.17, gives the older. Flags that only
 * steer what skep has not (LLVM, feature switches for tests) are taken and mean nothing.
 */
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"

const char bpftrace_help[] =
	"USAGE:\n"
	"    bpftrace [options] FILE [PARAMETER…]\n"
	"    bpftrace [options] - [PARAMETER…]\n"
	"    bpftrace [options] -e 'SCRIPT' [PARAMETER…]\n"
	"\n"
	"OPTIONS:\n"
	"    -e, --eval SCRIPT      run this script\n"
	"    -l, --list [PATTERN]   list probes: all, those that match, or those of a script\n"
	"                           (with -v: their arguments, too)\n"
	"    -p, --pid PID          only this process; ends with it\n"
	"    -c, --cmd 'COMMAND'    run a command, and trace it and its children; ends with it\n"
	"    -f, --format FORMAT    output as text or json\n"
	"    -o, --output FILE      output to FILE\n"
	"    -B MODE                output buffering: line, full or none\n"
	"    -q, --quiet            do not tell how many probes were attached\n"
	"    -k                     tell when a helper returns an error\n"
	"    -I DIR                 search DIR for included files\n"
	"    --unsafe               allow system(), signal() and override()\n"
	"    --no-warnings          errors only\n"
	"    --dry-run              end when everything is attached\n"
	"    -d, --debug STAGE      show a stage: ast, types, codegen, codegen-opt, dis, all\n"
	"    --compat 0.17          the language and the output of that version\n"
	"    --info                 what this kernel can do\n"
	"    -v, --verbose          the verifier's log, too\n"
	"    -V, --version          the version\n"
	"    -h, --help             this text\n";

enum { COMPAT_017 = 17, MOST_WORDS = 256 };

enum long_flag {
	FLAG_UNSAFE = 256,
	FLAG_INFO,
	FLAG_NO_WARNINGS,
	FLAG_DRY_RUN,
	FLAG_COMPAT,
	FLAG_NOTHING,
	FLAG_NOTHING_VALUE,
	FLAG_ABSENT,
};

static const struct option long_flags[] = {
	{ "eval", required_argument, NULL, 'e' },
	{ "list", no_argument, NULL, 'l' },
	{ "pid", required_argument, NULL, 'p' },
	{ "cmd", required_argument, NULL, 'c' },
	{ "format", required_argument, NULL, 'f' },
	{ "output", required_argument, NULL, 'o' },
	{ "quiet", no_argument, NULL, 'q' },
	{ "help", no_argument, NULL, 'h' },
	{ "version", no_argument, NULL, 'V' },
	{ "verbose", no_argument, NULL, 'v' },
	{ "debug", required_argument, NULL, 'd' },
	{ "include", required_argument, NULL, FLAG_ABSENT },
	{ "unsafe", no_argument, NULL, FLAG_UNSAFE },
	{ "info", no_argument, NULL, FLAG_INFO },
	{ "no-warnings", no_argument, NULL, FLAG_NO_WARNINGS },
	{ "dry-run", no_argument, NULL, FLAG_DRY_RUN },
	{ "compat", required_argument, NULL, FLAG_COMPAT },
	{ "verify-llvm-ir", no_argument, NULL, FLAG_NOTHING },
	{ "usdt-file-activation", no_argument, NULL, FLAG_NOTHING },
	{ "warnings", no_argument, NULL, FLAG_NOTHING },
	{ "no-feature", required_argument, NULL, FLAG_NOTHING_VALUE },
	{ "emit-elf", required_argument, NULL, FLAG_ABSENT },
	{ "emit-llvm", required_argument, NULL, FLAG_ABSENT },
	{ "aot", required_argument, NULL, FLAG_ABSENT },
	{ "mode", required_argument, NULL, FLAG_ABSENT },
	{ "test", no_argument, NULL, FLAG_ABSENT },
	{ "bench", no_argument, NULL, FLAG_ABSENT },
	{ "fmt", no_argument, NULL, FLAG_ABSENT },
	{ NULL, 0, NULL, 0 },
};

struct face {
	struct flags f;
	const char *command; /* -c, not yet split */
	const char *stage;   /* -d */
	bool is_list, is_info, is_version, is_help, is_quiet;
	bool buffers_all; /* -B full */
	int index;	  /* of the long flag at hand */
	FILE *out;
};

/* ---- flags ---------------------------------------------------------------------------------- */

static bool refuse(const char *what, const char *value, const char *want)
{
	fprintf(stderr, "ERROR: %s: '%s' is not %s\n", what, value, want);
	return false;
}

static bool set_compat(struct face *b, const char *v)
{
	if (strcmp(v, "0.17") == 0 || strcmp(v, "0.17.0") == 0)
		b->f.o.compat = COMPAT_017;
	else if (*v && strcmp(v, "newest") != 0)
		return refuse("--compat", v, "0.17 or newest");
	return true;
}

static bool set_format(struct face *b, const char *v)
{
	b->f.o.json = strcmp(v, "json") == 0;
	return b->f.o.json || strcmp(v, "text") == 0 || refuse("-f", v, "text or json");
}

static bool set_buffer(struct face *b, const char *v)
{
	b->buffers_all = strcmp(v, "full") == 0;
	return b->buffers_all || strcmp(v, "line") == 0 || strcmp(v, "none") == 0 ||
	       refuse("-B", v, "line, full or none");
}

static bool set_stage(struct face *b, const char *v)
{
	static const struct {
		const char *theirs, *ours;
	} stages[] = {
		{ "parse", "ast" },	  { "ast", "ast" },	   { "types", "ast" },
		{ "codegen", "ir:none" }, { "codegen-opt", "ir" }, { "dis", "bpf" },
		{ "libbpf", "obj" },	  { "all", "obj" },
	};

	for (size_t i = 0; i < sizeof(stages) / sizeof(stages[0]); i++)
		if (strcmp(v, stages[i].theirs) == 0)
			b->stage = stages[i].ours;
	return b->stage || refuse("-d", v, "ast, types, codegen, codegen-opt, dis or all");
}

/* Says why a flag is not there; skep has no LLVM to show or to keep. */
static bool refuse_absent(const struct face *b)
{
	fprintf(stderr, "ERROR: --%s is not supported by skep's bpftrace\n",
		long_flags[b->index].name);
	return false;
}

static bool take_plain(struct face *b, int flag)
{
	switch (flag) {
	case 'l': b->is_list = true; return true;
	case 'q': b->is_quiet = true; return true;
	case 'h': b->is_help = true; return true;
	case 'V': b->is_version = true; return true;
	case 'v': b->f.o.verbose++; return true;
	case FLAG_INFO: b->is_info = true; return true;
	case FLAG_UNSAFE: b->f.o.unsafe = 1; return true;
	case FLAG_DRY_RUN: b->f.o.dry_run = 1; return true;
	case FLAG_NO_WARNINGS: b->f.o.no_warnings = 1; return true;
	case 'k':
	case FLAG_NOTHING: return true;
	default: return false;
	}
}

static bool take_value(struct face *b, int flag, const char *v)
{
	switch (flag) {
	case 'e': b->f.script = v; return true;
	case 'c': b->command = v; return true;
	case 'o': b->f.output = v; return true;
	case 'p': return flags_set(&b->f, "pid", v);
	case 'I': return flags_set(&b->f, "include", v);
	case 'f': return set_format(b, v);
	case 'B': return set_buffer(b, v);
	case 'd': return set_stage(b, v ? v : "ast");
	case FLAG_COMPAT: return set_compat(b, v);
	case FLAG_NOTHING_VALUE: return true;
	case FLAG_ABSENT: return refuse_absent(b);
	default: return false;
	}
}

/* BPFTRACE_COMPAT is looked at first: `-d` takes a value only in the newer versions. */
static bool parse(struct face *b, int argc, char **argv)
{
	const char *old = getenv("BPFTRACE_COMPAT");
	int c;

	if (old && !set_compat(b, old))
		return false;
	optind = 1;
	while ((c = getopt_long(argc, argv,
				b->f.o.compat == COMPAT_017 ? "de:lp:c:f:o:B:qkI:vVh"
							    : "d:e:lp:c:f:o:B:qkI:vVh",
				long_flags, &b->index)) != -1) {
		if (c == '?' || !(take_plain(b, c) || take_value(b, c, optarg))) {
			if (c == '?')
				fputs(bpftrace_help, stderr);
			return false;
		}
	}
	if (!b->f.script && optind < argc)
		b->f.file = argv[optind++];
	b->f.o.params = (const char *const *)(argv + optind);
	b->f.o.n_params = (size_t)(argc - optind);
	return true;
}

/* ---- running -------------------------------------------------------------------------------- */

/* Tests of tools wait for this line. */
static int tell_attached(const struct face *b)
{
	if (!getenv("__BPFTRACE_NOTIFY_PROBES_ATTACHED"))
		return 0;
	fputs("__BPFTRACE_NOTIFY_PROBES_ATTACHED\n", b->out);
	return fflush(b->out) ? -EIO : 0;
}

/* 0.17 tells it on stdout before, later versions on stderr behind. */
static int tell_probes(void *arg, size_t n, int attached)
{
	const struct face *b = arg;
	bool is_old = b->f.o.compat == COMPAT_017;

	if (!b->is_quiet && b->f.o.json && !attached)
		fprintf(b->out,
			is_old ? "{\"type\": \"attached_probes\", \"data\": {\"probes\": %zu}}\n"
			       : "{\"type\": \"attached_probes\", \"data\": {\"probes\": %zu, "
				 "\"count\": 1}}\n",
			n);
	else if (!b->is_quiet && !b->f.o.json && is_old && !attached)
		fprintf(b->out, "Attaching %zu probe%s...\n", n, n == 1 ? "" : "s");
	else if (!b->is_quiet && !b->f.o.json && !is_old && attached)
		fprintf(stderr, "Attached %zu probe%s\n", n, n == 1 ? "" : "s");
	if (fflush(b->out))
		return -EIO;
	return attached ? tell_attached(b) : 0;
}

static int write_output(void *arg, const char *bytes, size_t n)
{
	const struct face *b = arg;

	if (fwrite(bytes, 1, n, b->out) != n || (!b->buffers_all && fflush(b->out)))
		return -EIO;
	return 0;
}

static int run(struct face *b)
{
	struct skep *s;
	int r;

	b->f.o.write = write_output;
	b->f.o.write_arg = b;
	b->f.o.probes = tell_probes;
	b->f.o.probes_arg = b;
	b->f.o.bpftrace_diagnostics = 1;
	/* 0.17 ran a command, and saw the whole system. */
	b->f.o.whole_system = b->f.o.compat == COMPAT_017;
	s = session_start(&b->f);
	if (!s)
		return EXIT_FAILED;
	if (b->stage)
		r = skep_dump(s, b->stage, write_output, b);
	else
		r = run_until_stopped(s);
	r = session_report(s, &b->f, r) ? EXIT_FAILED : skep_exit_code(s);
	skep_close(s);
	return r;
}

static int run_with_command(struct face *b)
{
	char *copy = NULL, *command[MOST_WORDS + 1] = { NULL };
	int r;

	if (b->command) {
		copy = malloc(strlen(b->command) + 1);
		if (!copy || !split_words(b->command, copy, command, MOST_WORDS)) {
			fprintf(stderr, "ERROR: -c: no command in '%s'\n", b->command);
			free(copy);
			return EXIT_FAILED;
		}
		b->f.command = command;
	}
	r = run(b);
	free(copy);
	return r;
}

/* ---- the command ------------------------------------------------------------------------------ */

/* `-l` alone lists everything, `-l PATTERN` what matches, `-l FILE` and `-l -e SCRIPT` what the script names. */
static int list(struct face *b)
{
	const char *pattern = b->f.script ? NULL : b->f.file ? b->f.file : "*";
	bool is_verbose = b->f.o.verbose;

	b->f.o.verbose = 0;
	if (pattern && strchr(pattern, ':') == NULL && access(pattern, R_OK) == 0)
		pattern = NULL;
	if (pattern)
		b->f.file = NULL;
	return list_events(&b->f, pattern, is_verbose);
}

static int act(struct face *b)
{
	if (b->is_help) {
		fputs(bpftrace_help, stdout);
		return EXIT_GOOD;
	}
	if (b->is_version) {
		puts(b->f.o.compat == COMPAT_017 ? "bpftrace v0.17.0" : "bpftrace v0.24.0");
		return EXIT_GOOD;
	}
	if (b->is_info)
		return verb_info(&b->f);
	if (b->is_list)
		return list(b);
	if (!b->f.file && !b->f.script) {
		fputs(bpftrace_help, stderr);
		return EXIT_FAILED;
	}
	b->out = stdout;
	if (b->f.output && !(b->out = fopen(b->f.output, "we"))) {
		fprintf(stderr, "ERROR: Failed to open output file: \"%s\": %s\n", b->f.output,
			strerror(errno));
		return EXIT_FAILED;
	}
	return run_with_command(b);
}

int bpftrace_main(int argc, char **argv)
{
	struct face b = { .f = { .is_bpftrace = true } };
	int r = EXIT_FAILED;

	if (parse(&b, argc, argv))
		r = act(&b);
	if (b.out && b.out != stdout && fclose(b.out))
		r = EXIT_FAILED;
	if (fflush(stdout))
		r = EXIT_FAILED;
	flags_free(&b.f);
	return r;
}
