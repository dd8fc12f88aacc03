/* Unit tests of kern that need no privileges: where points go on kernels of several kinds, and what
 * a verifier's log says. The running kernel is in kern_run_test.c. */
#include "kern/room.h"

#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

/* ---- bind ----------------------------------------------------------------------------------- */

/* A kernel that is only said to exist. Names that it has are separated by blanks. */
struct fake {
	bool kprobes, uprobes, btf, fentry;
	const char *has;
	int counter;
};

static bool has_word(const char *words, str name)
{
	str rest = str_of(words);

	while (rest.n)
		if (str_eq(str_cut(&rest, ' '), name))
			return true;
	return false;
}

static int fake_exists(void *arg, const struct probes_point *p, struct nearest *near)
{
	const struct fake *f = arg;
	str rest = str_of(f->has);

	if (has_word(f->has, p->name))
		return 1;
	while (near && rest.n)
		nearest_offer(near, str_cut(&rest, ' '));
	return 0;
}

static int fake_fentry(void *arg, str func)
{
	const struct fake *f = arg;

	return f->fentry && has_word(f->has, func) ? 3 : -1;
}

static str fake_symbol(void *arg, str name)
{
	(void)arg;
	return str_is(name, "execve") ? STR("__x64_sys_execve") : STR("__x64_sys_other");
}

static int fake_counter(void *arg, const struct probes_point *p)
{
	(void)p;
	return ((const struct fake *)arg)->counter;
}

static const struct fake
	full = { true, true, true, true, "vfs_read sched_switch do_sys_openat2", 0 },
	plain = { false, true, true, false, "vfs_read sched_switch", 0 },
	odd = { false, false, true, true, "vfs_read", -ENOENT },
	renamed = { true, true, true, true, "_do_fork", 0 },
	bare = { false, false, false, false, "", 0 };

static const struct bind_case {
	const char *want;
	const struct fake *on;
	const char *at;
	enum probes_adapt adapt;
	bool is_fallback;
} bind_cases[] = {
	{ "BEGIN", &bare, "BEGIN", PROBES_NATIVE, false },
	{ "kprobe:vfs_read", &full, "kprobe:vfs_read", PROBES_NATIVE, false },
	{ "kprobe:tcp_*", &full, "kprobe:tcp_*", PROBES_NATIVE, false },
	{ "kprobe:xfs:execve", &full, "kprobe:xfs:execve", PROBES_NATIVE, false },
	{ "kprobe:execve", &full, "kprobe:__x64_sys_execve", PROBES_NATIVE, false },
	{ "kretprobe:sys_execve", &full, "kretprobe:__x64_sys_execve", PROBES_NATIVE, false },
	{ "kprobe:__arm64_sys_execve", &full, "kprobe:__x64_sys_execve", PROBES_NATIVE, false },
	{ "ksyscall:execve", &full, "kprobe:__x64_sys_execve", PROBES_NATIVE, false },
	{ "kretsyscall:execve", &full, "kretprobe:__x64_sys_execve", PROBES_NATIVE, false },
	{ "kprobe:do_sys_openat2", &full, "kprobe:do_sys_openat2", PROBES_NATIVE, false },
	{ "kprobe:do_sys_openat2", &renamed, "raw_tracepoint:sys_enter", PROBES_SYSCALL_EQUIV,
	  true },
	{ "kprobe:do_fork", &renamed, "kprobe:_do_fork", PROBES_NATIVE, true },
	{ "kprobe:__x64_sys_execve", &plain, "raw_tracepoint:sys_enter", PROBES_SYSCALL_ENTER,
	  true },
	{ "kprobe:execve", &plain, "raw_tracepoint:sys_enter", PROBES_SYSCALL_ENTER, true },
	{ "kretprobe:execve", &plain, "raw_tracepoint:sys_exit", PROBES_SYSCALL_EXIT, true },
	{ "ksyscall:execve", &plain, "raw_tracepoint:sys_enter", PROBES_SYSCALL_ENTER, true },
	{ "kretsyscall:execve", &bare, "raw_tracepoint:sys_exit", PROBES_SYSCALL_EXIT, true },
	{ "kprobe:do_sys_openat2", &plain, "raw_tracepoint:sys_enter", PROBES_SYSCALL_EQUIV, true },
	{ "kretprobe:kernel_clone", &plain, "raw_tracepoint:sys_exit", PROBES_SYSCALL_EXIT, true },
	{ "kprobe:__do_sys_openat", &plain, "raw_tracepoint:sys_enter", PROBES_SYSCALL_EQUIV,
	  true },
	{ "kprobe:do_exit", &plain, "raw_tracepoint:sched_process_exit", PROBES_ARGS_ARRAY, true },
	{ "kprobe:vfs_read", &odd, "fentry:vfs_read", PROBES_ARGS_ARRAY, true },
	{ "fentry:vfs_read", &full, "fentry:vfs_read", PROBES_NATIVE, false },
	{ "tracepoint:sched:sched_switch", &plain, "tracepoint:sched:sched_switch", PROBES_NATIVE,
	  false },
	{ "raw_tracepoint:sys_enter", &bare, "raw_tracepoint:sys_enter", PROBES_NATIVE, false },
	{ "uprobe:/bin/sh:main", &plain, "uprobe:/bin/sh:main", PROBES_NATIVE, false },
	{ "software:cs", &plain, "software:context-switches", PROBES_NATIVE, false },
	{ "xdp:eth0", &bare, "xdp:eth0", PROBES_NATIVE, false },
};

static struct kern_facts facts_of(const struct fake *f)
{
	return (struct kern_facts){ .arg = (void *)(uintptr_t)f,
				    .kprobes = f->kprobes,
				    .uprobes = f->uprobes,
				    .btf = f->btf,
				    .exists = fake_exists,
				    .fentry_args = fake_fentry,
				    .syscall_symbol = fake_symbol,
				    .counter = fake_counter };
}

static void test_bind(void **state)
{
	struct arena *a = arena_new(NULL);

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(bind_cases); i++) {
		const struct bind_case *c = &bind_cases[i];
		struct kern_facts f = facts_of(c->on);
		struct probes_binding b;
		struct probes_point want;
		struct sbuf at;
		struct err e = { 0 };

		assert_int_equal(probes_parse(a, str_of(c->want), &want, &e), 0);
		if (kern_bind(&f, a, &want, &b, &e))
			fail_msg("%s: %s", c->want, e.msg);
		sbuf_init(&at, a);
		probes_print(&at, &b.at);
		if (!str_is(sbuf_str(&at), c->at) || b.adapt != c->adapt ||
		    b.is_fallback != c->is_fallback || b.is_fallback != (b.note.n > 0))
			fail_msg("%s: at %s, adapt %d, fallback %d", c->want, at.s, b.adapt,
				 b.is_fallback);
	}
	arena_free(a);
}

static const struct {
	const char *want;
	const struct fake *on;
	int code;
	const char *says;
} no_bind[] = {
	{ "kprobe:vfs_write", &plain, -SKEP_ENOEVENT, "no kprobes" },
	{ "kprobe:do_sys_opena2", &plain, -SKEP_ENOEVENT, "did you mean 'do_sys_openat2'" },
	{ "kprobe:execv", &plain, -SKEP_ENOEVENT, "did you mean 'execve'" },
	{ "kprobe:tcp_*", &plain, -SKEP_ENOEVENT, "wildcard" },
	{ "kprobe:execve+4", &plain, -SKEP_ENOEVENT, "inside a function" },
	{ "kprobe:0xffffffff81000000", &plain, -SKEP_ENOEVENT, "inside a function" },
	{ "kretprobe:do_exit", &plain, -SKEP_ENOEVENT, "no kprobes" },
	{ "ksyscall:nonesuch", &full, -SKEP_ENOEVENT, "no system call 'nonesuch'" },
	{ "ksyscall:*", &full, -SKEP_EUNSUPPORTED, "wildcards" },
	{ "fentry:vfs_read", &bare, -SKEP_ENOBTF, "no BTF" },
	{ "fentry:vfs_read", &plain, -SKEP_ENOEVENT, "takes no programs of this kind" },
	{ "fexit:nonesuch", &full, -SKEP_ENOEVENT, "no function with BTF 'nonesuch'" },
	{ "fentry:mod:f", &full, -SKEP_EUNSUPPORTED, "modules" },
	{ "tracepoint:sched:sched_swich", &plain, -SKEP_ENOEVENT, "did you mean 'sched_switch'" },
	{ "tracepoint:syscalls:sys_enter_x", &bare, -SKEP_ENOEVENT, "ksyscall:NAME" },
	{ "uprobe:/bin/sh:main", &bare, -SKEP_ENOEVENT, "no uprobes" },
	{ "uprobe:/nonesuch:main", &plain, -SKEP_ENOEVENT, "no such binary" },
	{ "hardware:cycles", &odd, -SKEP_ENOEVENT, "software:cpu-clock" },
};

static void test_bind_refuses_with_the_reason(void **state)
{
	struct arena *a = arena_new(NULL);

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(no_bind); i++) {
		struct kern_facts f = facts_of(no_bind[i].on);
		struct probes_binding b;
		struct probes_point want;
		struct err e = { 0 };
		int got;

		assert_int_equal(probes_parse(a, str_of(no_bind[i].want), &want, &e), 0);
		got = kern_bind(&f, a, &want, &b, &e);
		if (got != no_bind[i].code || !strstr(e.msg, no_bind[i].says))
			fail_msg("%s: %d %s", no_bind[i].want, got, e.msg);
	}
	arena_free(a);
}

static struct probes_binding bound(struct arena *a, const char *text, const struct fake *on)
{
	struct kern_facts f = facts_of(on);
	struct probes_binding b;
	struct probes_point want;

	assert_int_equal(probes_parse(a, str_of(text), &want, NULL), 0);
	assert_int_equal(kern_bind(&f, a, &want, &b, NULL), 0);
	return b;
}

static const struct probes_call *call_in(const struct probes_binding *b, u32 nr)
{
	for (u32 i = 0; i < b->calls.n; i++)
		if (b->calls.at[i].nr == nr)
			return &b->calls.at[i];
	fail_msg("call %u is not there", nr);
	return NULL;
}

static void test_bind_says_where_arguments_come_from(void **state)
{
	struct arena *a = arena_new(NULL);
	struct probes_binding b;
	const struct probes_call *c;

	(void)state;
	b = bound(a, "kprobe:execve", &plain);
	assert_int_equal(b.calls.n, 1);
	assert_int_equal(b.calls.at[0].nr, SYS_execve);

	b = bound(a, "kprobe:do_sys_openat2", &plain);
	c = call_in(&b, SYS_openat);
	assert_int_equal(c->args[0], 0);
	assert_int_equal(c->args[1], 1);
	assert_int_equal(c->args[2], PROBES_ARG_NONE);
	call_in(&b, SYS_openat2);
#ifdef SYS_open
	c = call_in(&b, SYS_open);
	assert_int_equal(c->args[0] - PROBES_ARG_CONST, -100);
	assert_true(c->args[0] > 5);
	assert_int_equal(c->args[1], 0);
	call_in(&b, SYS_creat);
	assert_int_equal(b.calls.n, 4);
#endif
	b = bound(a, "kprobe:__se_sys_openat", &plain);
	assert_int_equal(b.calls.at[0].args[3], 3);

	b = bound(a, "kprobe:vfs_read", &odd);
	assert_int_equal(b.arg_from[2], 2);
	assert_int_equal(b.arg_from[3], -1);
	b = bound(a, "kprobe:do_exit", &plain);
	assert_int_equal(b.arg_from[0], -1);
	arena_free(a);
}

/* ---- verifier logs -------------------------------------------------------------------------- */

static const struct {
	const char *name, *log;
	u32 n, insn;
	const char *reason;
} logs[] = {
	{ "uninitialised",
	  "func#0 @0\n0: R1=ctx() R10=fp0\n; return x; @ a.c:3\n0: (bf) r0 = r2\nR2 !read_ok\n"
	  "processed 1 insns (limit 1000000) max_states_per_insn 0 total_states 0 peak_states 0 "
	  "mark_read 0\n",
	  2, 0, "R2 !read_ok" },
	{ "two lines",
	  "5: (85) call bpf_map_lookup_elem#1\n6: R0_w=map_value_or_null(id=1)\n"
	  "6: (79) r1 = *(u64 *)(r0 +0)\nR0 invalid mem access 'map_value_or_null'\n"
	  "processed 6 insns\n",
	  9, 6, "R0 invalid mem access 'map_value_or_null'" },
	{ "bounds",
	  "0: (b7) r1 = 0\n7: (71) r0 = *(u8 *)(r0 +8)\n"
	  "invalid access to map value, value_size=8 off=8 size=1\n"
	  "R0 min value is outside of the allowed memory range\nprocessed 8 insns\n",
	  9, 7,
	  "invalid access to map value, value_size=8 off=8 size=1; R0 min value is outside of the "
	  "allowed memory range" },
	{ "before the walk", "unreachable insn 3\nprocessed 0 insns\n", 5, 3,
	  "unreachable insn 3" },
	{ "jump", "jump out of range from insn 1 to 9\n", 3, 1,
	  "jump out of range from insn 1 to 9" },
	{ "no end", "last insn is not an exit or jmp\nprocessed 0 insns\n", 4, 3,
	  "last insn is not an exit or jmp" },
	{ "jump states",
	  "from 3 to 5: R0=1\n5: R0=1\n5: (95) exit\nR0 leaks addr as return value\n", 6, 5,
	  "R0 leaks addr as return value" },
	{ "old states", "3: (95) exit\nR1=ctx R10=fp0\nR0 !read_ok\n", 4, 3, "R0 !read_ok" },
	{ "too large",
	  "12: (05) goto pc-3\nBPF program is too large. Processed 1000001 insn\nprocessed 1000001 "
	  "insns\n",
	  20, 12, "BPF program is too large. Processed 1000001 insn" },
	{ "number beyond the program", "77: (95) exit\nbad thing\n", 4, OBJ_NONE, "bad thing" },
	{ "huge number", "99999999999999: (95) exit\nbad insn 88888888888888\n", 4, OBJ_NONE, "" },
	{ "empty", "", 4, OBJ_NONE, "" },
	{ "rubbish", "\xff\n\n:::\n", 4, OBJ_NONE, "\xff; :::" },
};

static void test_logs(void **state)
{
	struct arena *a = arena_new(NULL);
	str reason;
	u32 insn;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(logs); i++) {
		kern_read_log(a, str_of(logs[i].log), logs[i].n, &insn, &reason);
		if (insn != logs[i].insn || (logs[i].reason[0] && !str_is(reason, logs[i].reason)))
			fail_msg("%s: insn %u, reason [" STR_FMT "]", logs[i].name, insn,
				 STR_ARG(reason));
	}
	arena_free(a);
}

static void test_short_names(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "counter", "counter" },
		{ "@", "m" },
		{ "@bytes", "bytes" },
		{ "a b-c", "a_b_c" },
		{ "", "m" },
		{ "skep.rodata", "skep.rodata" },
		{ "a_very_long_name_of_a_map", "a_very_long_nam" },
	};
	char got[16];

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		kern_short_name(got, str_of(cases[i].in));
		assert_string_equal(got, cases[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bind),
		cmocka_unit_test(test_bind_refuses_with_the_reason),
		cmocka_unit_test(test_bind_says_where_arguments_come_from),
		cmocka_unit_test(test_logs),
		cmocka_unit_test(test_short_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
