/* run.c: `skep run`: compile, attach, print until the end. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

const char run_help[] =
	"usage: skep run [FLAGS] FILE [-- COMMAND ARG…]\n"
	"       skep [FLAGS] -e SCRIPT [-- COMMAND ARG…]\n"
	"\n"
	"Compiles a program (C in BCC's or libbpf's dialect, a bpftrace script), loads it, "
	"attaches it, and\n"
	"prints what it says: around COMMAND and its children, or for processes that run already, "
	"or for the\n"
	"whole system. Ends with the command, with exit() of the program, after --for, or at "
	"Ctrl-C.\n"
	"\n"
	"  -e, --script SCRIPT    a bpftrace script instead of a file\n"
	"  --attach POINT=FUNC    run function FUNC at POINT: kprobe:execve=hello\n"
	"  -p, --pid PID[,PID]    only these processes and their children\n"
	"  --every TIME           print the maps at this interval too (2s, 500ms)\n"
	"  --for TIME             stop after this time\n"
	"  --map-format T=FORMAT  print the entries of map T on one line: 'T=ID {key}: {value}'\n"
	"  --no-maps              do not print the maps at the end\n"
	"  --style STYLE          bpf_trace_printk as trace (default), columns or plain\n"
	"  --trace-pipe           leave bpf_trace_printk to the kernel's trace pipe\n"
	"  --engine ENGINE        kern, user or auto (default)\n"
	"  --unsafe               bpftrace: allow system(), signal() and override()\n"
	"  --strict               refuse an equivalent attach point instead of noting it\n"
	"  --set NAME=VALUE       give a variable of the program its value before it is loaded\n"
	"  -D, --define N[=V]     define a macro          -I, --include DIR  search DIR for "
	"headers\n"
	"  --json                 output as JSON lines    -o, --output FILE  output to FILE\n"
	"  -v, --verbose          show the verifier's log --timing           microseconds a stage\n"
	"\n"
	"A C source may bring flags along: #pragma skep --attach kprobe:execve=hello\n";

/* For the signal handler only. */
static struct skep *volatile running;

static void on_signal(int sig)
{
	(void)sig;
	if (running)
		skep_stop(running);
}

static void catch_signals(void)
{
	struct sigaction sa = { .sa_handler = on_signal };

	sigaction(SIGINT, &sa, NULL);
	sigaction(SIGTERM, &sa, NULL);
	sigaction(SIGHUP, &sa, NULL);
	signal(SIGPIPE, SIG_IGN);
}

int run_until_stopped(struct skep *s)
{
	int r;

	running = s;
	catch_signals();
	r = skep_run(s);
	running = NULL;
	return r;
}

static void print_timing(const struct skep *s)
{
	const char *name;
	double us;

	for (size_t i = 0; skep_timing(s, i, &name, &us) == 0; i++)
		fprintf(stderr, "skep: timing: %-9s %8.1f us\n", name, us);
}

int verb_run(struct flags *f)
{
	struct skep *s;
	FILE *out = NULL;
	int r;

	if (!f->file && !f->script) {
		fprintf(stderr, "skep: run needs a program: a file, - for stdin, or -e SCRIPT\n");
		return EXIT_USAGE;
	}
	if (f->output && !(out = fopen(f->output, "we"))) {
		fprintf(stderr, "skep: cannot write %s: %s\n", f->output, strerror(errno));
		return EXIT_FAILED;
	}
	f->o.write = write_stdout;
	f->o.write_arg = out;
	s = session_start(f);
	if (!s)
		return EXIT_FAILED;
	r = run_until_stopped(s);
	r = session_report(s, f, r) ? EXIT_FAILED : skep_exit_code(s);
	if (f->timing)
		print_timing(s);
	skep_close(s);
	if (out)
		fclose(out);
	return r;
}
