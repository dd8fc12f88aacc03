/* Unit tests of the user engine in one process: it runs again and again, and leaves nothing behind: no child, no descriptor. The
 * tests of tests/run look at everything else through the command. */
#include "skep/skep.h"

#include <dirent.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>
#include <unistd.h>

struct text { char s[4096]; size_t n; };

static int keep(void *arg, const char *bytes, size_t n)
{
	struct text *t = arg;

	if (n > sizeof(t->s) - 1 - t->n)
		n = sizeof(t->s) - 1 - t->n;
	memcpy(t->s + t->n, bytes, n);
	t->n += n;
	t->s[t->n] = 0;
	return 0;
}

static int open_files(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static bool may_trace(void)
{
	int status = 1;
	pid_t pid = fork();

	if (pid == 0)
		_exit(ptrace(PTRACE_TRACEME, 0, NULL, NULL) ? 1 : 0);
	return pid > 0 && waitpid(pid, &status, 0) == pid && status == 0;
}

static int run(const char *script, char *const command[], struct text *out, int *out_status)
{
	struct skep_options o = { .sz = sizeof(o), .engine = SKEP_ENGINE_USER, .command = command,
				  .write = keep, .write_arg = out };
	struct skep *s = skep_open(&o);
	int r;

	out->n = 0;
	out->s[0] = 0;
	assert_non_null(s);
	r = skep_load_text(s, "test.bt", script, strlen(script), SKEP_BPFTRACE);
	r = r ? r : skep_run(s);
	*out_status = skep_command_status(s);
	skep_close(s);
	return r;
}

static void test_runs(void **state)
{
	static const struct { const char *script, *command[4], *want; int status; } cases[] = {
		{ "tracepoint:syscalls:sys_enter_execve { @ = count(); }", { "true" }, "@: 1\n", 0 },
		{ "tracepoint:syscalls:sys_enter_execve { @ = count(); }", { "false" }, "@: 1\n", 1 << 8 },
		{ "tracepoint:sched:sched_process_exit { @ = count(); }", { "sh", "-c", "(true); (true); kill -9 $$" },
		  "@: 3\n", 9 },
		{ "BEGIN { @ = 7; }", { "true" }, "@: 7\n", 0 },
	};
	int files = -1, status;
	struct text out;

	(void)state;
	if (!may_trace())
		skip();
	for (int round = 0; round < 3; round++) {
		for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
			int r = run(cases[i].script, (char *const *)cases[i].command, &out, &status);

			assert_int_equal(r, 0);
			if (!strstr(out.s, cases[i].want))
				fail_msg("%s: %s", cases[i].script, out.s);
			assert_int_equal(status, cases[i].status);
			assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
			assert_int_equal(errno, ECHILD);
		}
		if (files >= 0)
			assert_int_equal(open_files(), files);
		files = open_files();
	}
}

/* What fails leaves nothing either. */
static void test_failures(void **state)
{
	static const struct { const char *script, *command[3]; } cases[] = {
		{ "tracepoint:syscalls:sys_enter_execve { @ = count(); }", { "/nothing/there" } },
		{ "tracepoint:syscalls:sys_enter_execve { @ = count(); }", { "/etc/passwd" } },
		{ "tracepoint:sched:sched_switch { @ = count(); }", { "true" } },
	};
	int files = open_files(), status;
	struct text out;

	(void)state;
	if (!may_trace())
		skip();
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		assert_true(run(cases[i].script, (char *const *)cases[i].command, &out, &status) < 0);
		assert_int_equal(waitpid(-1, &status, WNOHANG), -1);
		assert_int_equal(open_files(), files);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_runs),
		cmocka_unit_test(test_failures),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
