/* main.c: the `skep` command: a table of verbs. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const struct verb verbs[] = {
	{ "run", "compile, attach and print", verb_run, run_help },
	{ "check", "compile and have the verifier look", verb_check, check_help },
	{ "dump", "show a stage of the compiler", verb_dump, dump_help },
	{ "build", "compile to an ELF object", verb_build, build_help },
	{ "list", "list the events of this machine", verb_list, list_help },
	{ "info", "tell what this kernel's BPF can do", verb_info, info_help },
	{ "plugin", "run one program for the conformance suite", verb_plugin, plugin_help },
};

static void usage(FILE *out)
{
	fprintf(out,
		"skep %s: eBPF, whole: compiles, verifies and runs BPF programs\n\n"
		"usage: skep VERB [FLAGS] …\n\n",
		SKEP_VERSION);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		fprintf(out, "  %-7s %s\n", verbs[i].name, verbs[i].text);
	fprintf(out,
		"\n  skep run hello.c -- ls -l                    around a command\n"
		"  skep -e 'tracepoint:raw_syscalls:sys_enter { @[comm] = count(); }' -- ls\n\n"
		"skep bpftrace … takes bpftrace's own flags, as a link named bpftrace does.\n"
		"skep VERB --help tells a verb's flags; man skep tells everything.\n");
}

static const struct verb *find_verb(const char *name)
{
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		if (strcmp(verbs[i].name, name) == 0)
			return &verbs[i];
	return NULL;
}

static int run_verb(const struct verb *v, int argc, char **argv)
{
	struct flags f = { .stage = NULL };
	int r = EXIT_GOOD;

	if (!flags_parse(&f, argc, argv))
		r = EXIT_USAGE;
	else if (f.help)
		fputs(v->help, stdout);
	else
		r = v->run(&f);
	flags_free(&f);
	return r;
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

int main(int argc, char **argv)
{
	const struct verb *v;

	if (argc > 0 && strcmp(base_name(argv[0]), "bpftrace") == 0)
		return bpftrace_main(argc, argv);
	if (argc > 1 && strcmp(argv[1], "bpftrace") == 0)
		return bpftrace_main(argc - 1, argv + 1);
	if (argc < 2) {
		usage(stderr);
		return EXIT_USAGE;
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 ||
	    strcmp(argv[1], "help") == 0) {
		v = argc > 2 ? find_verb(argv[2]) : NULL;
		if (v)
			fputs(v->help, stdout);
		else
			usage(stdout);
		return EXIT_GOOD;
	}
	if (strcmp(argv[1], "--version") == 0 || strcmp(argv[1], "-V") == 0) {
		puts("skep " SKEP_VERSION);
		return EXIT_GOOD;
	}
	/* The conformance suite's runner puts the memory before the words that it adds. */
	if (argc > 2 && strcmp(argv[2], "plugin") == 0 && plugin_is_memory(argv[1])) {
		char *mem = argv[1];

		argv[1] = argv[2];
		argv[2] = mem;
	}
	v = find_verb(argv[1]);
	if (v)
		return run_verb(v, argc - 1, argv + 1);
	if (argv[1][0] == '-')
		return run_verb(find_verb("run"), argc, argv);
	fprintf(stderr, "skep: there is no verb '%s'; see skep --help\n", argv[1]);
	return EXIT_USAGE;
}
