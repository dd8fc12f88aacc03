/* Unit tests of probes: the grammar of attach points, tables, formats. What is asked of this
 * machine is in probes_machine_test.c. */
#include "probes/probes.h"

#include <setjmp.h>
#include <cmocka.h>
#include <errno.h>
#include <string.h>
#include <sys/syscall.h>

static void want_text(const char *name, str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%s:\n got  [" STR_FMT "]\n want [%s]", name, STR_ARG(got), want);
}

static bool has(const char *text, const char *part)
{
	return strstr(text, part) != NULL;
}

/* ---- attach points -------------------------------------------------------------------------- */

static const struct {
	const char *in, *want;
} points[] = {
	{ "BEGIN", "BEGIN" },
	{ "end", "END" },
	{ "self:signal:SIGUSR1", "self:signal:SIGUSR1" },
	{ "kprobe:tcp_connect", "kprobe:tcp_connect" },
	{ "k:tcp_connect", "kprobe:tcp_connect" },
	{ "K:tcp_*", "kprobe:tcp_*" },
	{ "Kprobe:f+16", "kprobe:f+0x10" },
	{ "kprobe:xfs:xfs_read+0x8", "kprobe:xfs:xfs_read+0x8" },
	{ "kprobe:0xffffffff81000000", "kprobe:0xffffffff81000000" },
	{ "kr:do_exit", "kretprobe:do_exit" },
	{ "kretprobe:f.isra.0", "kretprobe:f.isra.0" },
	{ "f:vfs_read", "fentry:vfs_read" },
	{ "kfunc:vfs_read", "fentry:vfs_read" },
	{ "fr:btrfs:f", "fexit:btrfs:f" },
	{ "kretfunc:f", "fexit:f" },
	{ "fmod_ret:f", "fmod_ret:f" },
	{ "u:/bin/bash:readline", "uprobe:/bin/bash:readline" },
	{ "uprobe:/a:f+0x10", "uprobe:/a:f+0x10" },
	{ "uprobe:/a:0x1234", "uprobe:/a:0x1234" },
	{ "uprobe:libc:malloc", "uprobe:libc:malloc" },
	{ "uprobe:main", "uprobe:main" },
	{ "uprobe:\"/a b:c\":\"f(int, char*)\"", "uprobe:\"/a b:c\":\"f(int, char*)\"" },
	{ "uprobe:\"/a\\\"\\\\\":f", "uprobe:\"/a\\\"\\\\\":f" },
	{ "ur:libc:malloc", "uretprobe:libc:malloc" },
	{ "U:/bin/x:probe", "usdt:/bin/x:probe" },
	{ "usdt:/bin/x:ns:probe", "usdt:/bin/x:ns:probe" },
	{ "t:sched:sched_switch", "tracepoint:sched:sched_switch" },
	{ "tracepoint:syscalls:sys_enter_*", "tracepoint:syscalls:sys_enter_*" },
	{ "rt:sys_enter", "raw_tracepoint:sys_enter" },
	{ "rawtracepoint:mod:ev", "raw_tracepoint:mod:ev" },
	{ "tp_btf:sched_switch", "tp_btf:sched_switch" },
	{ "ksyscall:execve", "ksyscall:execve" },
	{ "kretsyscall:openat", "kretsyscall:openat" },
	{ "p:hz:99", "profile:hz:99" },
	{ "profile:ms:1000", "profile:s:1" },
	{ "i:s:2", "interval:s:2" },
	{ "interval:1500ms", "interval:ms:1500" },
	{ "i:1s", "interval:s:1" },
	{ "p:1000", "profile:us:1" },
	{ "interval:us:7", "interval:us:7" },
	{ "s:faults:", "software:page-faults" },
	{ "software:cpu:10", "software:cpu-clock:10" },
	{ "h:cycles:5", "hardware:cpu-cycles:5" },
	{ "hardware:branch-misses", "hardware:branch-misses" },
	{ "w:0x10000000:8:rw", "watchpoint:0x10000000:8:rw" },
	{ "it:task", "iter:task" },
	{ "iter:task:/sys/fs/bpf/x", "iter:task:/sys/fs/bpf/x" },
	{ "lsm:file_open", "lsm:file_open" },
	{ "socket_filter", "socket_filter" },
	{ "xdp", "xdp" },
	{ "xdp:eth0", "xdp:eth0" },
	{ "xdp::devmap", "xdp::devmap" },
	{ "tc:eth0:ingress", "tc:eth0:ingress" },
	{ "cgroup:connect4:/sys/fs/cgroup/x", "cgroup:connect4:/sys/fs/cgroup/x" },
	{ "other:sk_lookup", "other:sk_lookup" },
	{ "  kprobe:f  ", "kprobe:f" },
};

static void test_points_round_trip(void **state)
{
	struct arena *a = arena_new(NULL);
	u32 seen = 0, i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(points); i++) {
		struct probes_point p, again;
		struct sbuf out, twice;
		struct err e;

		if (probes_parse(a, str_of(points[i].in), &p, &e))
			fail_msg("%s: %s", points[i].in, e.msg);
		sbuf_init(&out, a);
		probes_print(&out, &p);
		want_text(points[i].in, sbuf_str(&out), points[i].want);
		if (probes_parse(a, sbuf_str(&out), &again, &e))
			fail_msg("%s, printed: %s", points[i].in, e.msg);
		sbuf_init(&twice, a);
		probes_print(&twice, &again);
		want_text(points[i].in, sbuf_str(&twice), points[i].want);
		assert_int_equal(p.offset, again.offset);
		assert_int_equal(p.amount, again.amount);
		seen |= 1u << p.provider;
	}
	assert_int_equal(seen, (1u << PROBES_N_PROVIDERS) - 1);
	arena_free(a);
}

static const struct {
	const char *in, *want;
} wrong_points[] = {
	{ "", "is empty" },
	{ "kprbe:f", "did you mean 'kprobe'" },
	{ "zzzzzzzz:f", "there is no kind of event" },
	{ "kprobe", "no function is named" },
	{ "kprobe:", "no function is named" },
	{ "kprobe:a b", "malformed" },
	{ "kprobe:a:b:c", "too many parts" },
	{ "kprobe:tcp_*+4", "an offset needs one function" },
	{ "kretprobe:f+4", "takes no offset" },
	{ "fentry:f+4", "takes no offset" },
	{ "tracepoint:sched_switch", "a category and an event are needed" },
	{ "tracepoint:a:b:c", "too many parts" },
	{ "tracepoint:../x:y/z", "malformed" },
	{ "uprobe:", "no symbol is named" },
	{ "uprobe::f", "no binary is named" },
	{ "uprobe:/a:b:c:d", "too many parts" },
	{ "uprobe:/a:0x", "address is malformed" },
	{ "uprobe:\"/a:b", "quote is not closed" },
	{ "usdt:/a", "a binary and a probe are needed" },
	{ "profile:hz:0", "malformed or zero" },
	{ "profile:hz:x", "malformed or zero" },
	{ "profile:weeks:1", "unit is unknown" },
	{ "interval:s:99999999999999", "too long" },
	{ "interval:hz:99999999999", "too high" },
	{ "interval", "a unit and a number are needed" },
	{ "software:falts", "did you mean 'faults'" },
	{ "software:faults:0", "malformed or zero" },
	{ "hardware:nonesuch", "there is no such event" },
	{ "watchpoint:0x10:3:w", "the length is" },
	{ "watchpoint:0x10:8:q", "the mode is made of" },
	{ "watchpoint:0x10:8:ww", "the mode is made of" },
	{ "watchpoint:0x10:8", "are needed" },
	{ "BEGIN:x", "nothing comes behind" },
	{ "self:x:y", "only signals" },
	{ "kprobe:a\nb", "no control characters" },
	{ "a:b:c:d:e:f:g:h:i", "there is no kind" },
	{ "uprobe:a:b:c:d:e:f:g:h", "too many parts" },
};

static void test_wrong_points_say_why(void **state)
{
	struct arena *a = arena_new(NULL);
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(wrong_points); i++) {
		struct probes_point p;
		struct err e = { 0 };

		if (probes_parse(a, str_of(wrong_points[i].in), &p, &e) != -EINVAL)
			fail_msg("'%s' is accepted", wrong_points[i].in);
		if (!has(e.msg, wrong_points[i].want))
			fail_msg("'%s':\n got  [%s]\n want [%s]", wrong_points[i].in, e.msg,
				 wrong_points[i].want);
		assert_int_not_equal(probes_parse(a, str_of(wrong_points[i].in), &p, NULL), 0);
	}
	arena_free(a);
}

#define ANY 0xffffffffu
static const struct {
	const char *section, *want;
	u32 prog, attach;
} sections[] = {
	{ "kprobe/do_exit", "kprobe:do_exit", ISA_PROG_KPROBE, ANY },
	{ "kprobe/do_exit+0x4", "kprobe:do_exit+0x4", ISA_PROG_KPROBE, ANY },
	{ "?kprobe/do_exit", "kprobe:do_exit", ISA_PROG_KPROBE, ANY },
	{ "kretprobe/do_exit", "kretprobe:do_exit", ISA_PROG_KPROBE, ANY },
	{ "kprobe.multi/tcp_*", "kprobe:tcp_*", ISA_PROG_KPROBE, ANY },
	{ "ksyscall/execve", "ksyscall:execve", ISA_PROG_KPROBE, ANY },
	{ "tp/sched/sched_switch", "tracepoint:sched:sched_switch", ISA_PROG_TRACEPOINT, ANY },
	{ "tracepoint/a/b", "tracepoint:a:b", ISA_PROG_TRACEPOINT, ANY },
	{ "raw_tp/sys_enter", "raw_tracepoint:sys_enter", ISA_PROG_RAW_TRACEPOINT, ANY },
	{ "tp_btf/sched_switch", "tp_btf:sched_switch", ISA_PROG_TRACING, ISA_ATTACH_TRACE_RAW_TP },
	{ "fentry/vfs_read", "fentry:vfs_read", ISA_PROG_TRACING, ISA_ATTACH_TRACE_FENTRY },
	{ "fexit.s/vfs_read", "fexit:vfs_read", ISA_PROG_TRACING, ISA_ATTACH_TRACE_FEXIT },
	{ "lsm/file_open", "lsm:file_open", ISA_PROG_LSM, ISA_ATTACH_LSM_MAC },
	{ "iter/task", "iter:task", ISA_PROG_TRACING, ISA_ATTACH_TRACE_ITER },
	{ "uprobe//bin/bash:readline", "uprobe:/bin/bash:readline", ISA_PROG_KPROBE, ANY },
	{ "uretprobe/libc.so.6:malloc", "uretprobe:libc.so.6:malloc", ISA_PROG_KPROBE, ANY },
	{ "usdt//bin/x:ns:name", "usdt:/bin/x:ns:name", ISA_PROG_KPROBE, ANY },
	{ "socket", "socket_filter", ISA_PROG_SOCKET_FILTER, ANY },
	{ "xdp", "xdp", ISA_PROG_XDP, ISA_ATTACH_XDP },
	{ "xdp/devmap", "xdp::devmap", ISA_PROG_XDP, ISA_ATTACH_XDP_DEVMAP },
	{ "tc", "tc", ISA_PROG_SCHED_CLS, ANY },
	{ "tcx/ingress", "tc::ingress", ISA_PROG_SCHED_CLS, ISA_ATTACH_TCX_INGRESS },
	{ "cgroup/connect4", "cgroup:connect4", ISA_PROG_CGROUP_SOCK_ADDR,
	  ISA_ATTACH_CGROUP_INET4_CONNECT },
	{ "cgroup_skb/ingress", "cgroup:skb/ingress", ISA_PROG_CGROUP_SKB,
	  ISA_ATTACH_CGROUP_INET_INGRESS },
	{ "sk_lookup", "other:sk_lookup", ISA_PROG_SK_LOOKUP, ISA_ATTACH_SK_LOOKUP },
	{ "freplace/f", "other:freplace/f", ISA_PROG_EXT, ANY },
	{ "sockops", "other:sockops", ISA_PROG_SOCK_OPS, ISA_ATTACH_CGROUP_SOCK_OPS },
};

static void test_sections_become_points(void **state)
{
	struct arena *a = arena_new(NULL);
	u32 i, prog, attach;

	(void)state;
	for (i = 0; i < ARRAY_LEN(sections); i++) {
		struct probes_point p, again;
		struct sbuf out;
		struct err e;

		if (probes_parse_section(a, str_of(sections[i].section), &p, &e))
			fail_msg("%s: %s", sections[i].section, e.msg);
		sbuf_init(&out, a);
		probes_print(&out, &p);
		want_text(sections[i].section, sbuf_str(&out), sections[i].want);
		probes_types(&p, &prog, &attach);
		if (prog != sections[i].prog || attach != sections[i].attach)
			fail_msg("%s: types %u %u", sections[i].section, prog, attach);
		assert_int_equal(probes_parse(a, sbuf_str(&out), &again, &e), 0);
		assert_int_equal(again.provider, p.provider);
	}
	arena_free(a);
}

static void test_wrong_sections_say_why(void **state)
{
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "kprob/f", "unknown" },
		{ "tp/sched", "tracepoint/CATEGORY/EVENT" },
		{ "tp/a/b/c", "malformed" },
		{ "kprobe/a b", "malformed" },
		{ "uprobe/f", "uprobe/PATH:SYMBOL" },
		{ "uprobe/path:", "uprobe/PATH:SYMBOL" },
		{ "usdt/a:b", "usdt/PATH:NAMESPACE:NAME" },
		{ "", "unknown" },
		{ "?", "unknown" },
	};
	struct arena *a = arena_new(NULL);
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct probes_point p;
		struct err e = { 0 };

		assert_int_equal(probes_parse_section(a, str_of(cases[i].in), &p, &e), -EINVAL);
		if (!has(e.msg, cases[i].want))
			fail_msg("'%s': %s", cases[i].in, e.msg);
	}
	arena_free(a);
}

static void test_types_and_wildcards(void **state)
{
	static const struct {
		const char *in;
		u32 prog, attach;
		bool wild;
	} cases[] = {
		{ "BEGIN", ISA_PROG_RAW_TRACEPOINT, ANY, false },
		{ "interval:s:1", ISA_PROG_RAW_TRACEPOINT, ANY, false },
		{ "profile:hz:9", ISA_PROG_PERF_EVENT, ANY, false },
		{ "kprobe:a*", ISA_PROG_KPROBE, ANY, true },
		{ "tracepoint:s*:x", ISA_PROG_TRACEPOINT, ANY, true },
		{ "uprobe:/l?b:x", ISA_PROG_KPROBE, ANY, true },
		{ "software:cs", ISA_PROG_PERF_EVENT, ANY, false },
		{ "other:nonesuch*", 0, ANY, false },
	};
	struct arena *a = arena_new(NULL);
	u32 i, prog, attach;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++) {
		struct probes_point p;

		assert_int_equal(probes_parse(a, str_of(cases[i].in), &p, NULL), 0);
		probes_types(&p, &prog, &attach);
		if (prog != cases[i].prog || attach != cases[i].attach ||
		    probes_has_wildcard(&p) != cases[i].wild)
			fail_msg("%s: %u %u %d", cases[i].in, prog, attach,
				 probes_has_wildcard(&p));
	}
	arena_free(a);
}

static void test_counters(void **state)
{
	struct arena *a = arena_new(NULL);
	struct probes_point p;
	u64 config, period;
	u32 type;

	(void)state;
	assert_int_equal(probes_parse(a, STR("software:cs"), &p, NULL), 0);
	assert_true(probes_counter_config(&p, &type, &config, &period));
	assert_int_equal(type, 1);
	assert_int_equal(config, 3);
	assert_int_equal(period, 1000);
	assert_int_equal(probes_parse(a, STR("hardware:branches:7"), &p, NULL), 0);
	assert_true(probes_counter_config(&p, &type, &config, &period));
	assert_int_equal(type, 0);
	assert_int_equal(config, 4);
	assert_int_equal(period, 7);
	assert_int_equal(probes_parse(a, STR("BEGIN"), &p, NULL), 0);
	assert_false(probes_counter_config(&p, &type, &config, &period));
	arena_free(a);
}

/* ---- system calls --------------------------------------------------------------------------- */

static void test_syscall_numbers_are_those_of_the_headers(void **state)
{
	static const struct {
		const char *name;
		int nr;
	} cases[] = {
		{ "read", SYS_read },
		{ "write", SYS_write },
		{ "openat", SYS_openat },
		{ "execve", SYS_execve },
		{ "execveat", SYS_execveat },
		{ "clone", SYS_clone },
		{ "clone3", SYS_clone3 },
		{ "exit_group", SYS_exit_group },
		{ "bpf", SYS_bpf },
		{ "fstat", SYS_fstat },
		{ "newfstat", SYS_fstat },
		{ "sendfile", SYS_sendfile },
		{ "sendfile64", SYS_sendfile },
		{ "umount2", SYS_umount2 },
		{ "umount", SYS_umount2 },
		{ "uname", SYS_uname },
		{ "openat2", SYS_openat2 },
		{ "pidfd_open", SYS_pidfd_open },
		{ "futex_waitv", SYS_futex_waitv },
		{ "mmap", SYS_mmap },
		{ "mseal", 462 },
		{ "newfstatat", SYS_newfstatat },
		{ "nonesuch", -1 },
		{ "", -1 },
	};
	u32 i, n = 0;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		if (probes_syscall_nr(str_of(cases[i].name)) != cases[i].nr)
			fail_msg("%s: got %d, want %d", cases[i].name,
				 probes_syscall_nr(str_of(cases[i].name)), cases[i].nr);
	for (i = 0; i < probes_syscall_limit(); i++) {
		const char *name = probes_syscall_name(i);

		if (!name)
			continue;
		n++;
		assert_int_equal(probes_syscall_nr(str_of(name)), (int)i);
	}
	assert_true(n > 300);
	assert_non_null(probes_syscall_name(probes_syscall_limit() - 1));
	assert_null(probes_syscall_name(probes_syscall_limit()));
	assert_null(probes_syscall_name(ANY));
}

static void test_syscall_symbols(void **state)
{
	static const struct {
		const char *symbol, *want;
	} cases[] = {
		{ "__x64_sys_execve", "execve" },
		{ "__arm64_sys_execve", "execve" },
		{ "sys_execve", "execve" },
		{ "SyS_execve", "execve" },
		{ "__x64_sys_newfstat", "fstat" },
		{ "do_sys_openat2", "" },
		{ "sys_nonesuch", "" },
		{ "__x64_sys_", "" },
		{ "", "" },
	};
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		want_text(cases[i].symbol, probes_syscall_of_symbol(str_of(cases[i].symbol)),
			  cases[i].want);
}

/* ---- formats -------------------------------------------------------------------------------- */

static const char openat_format[] =
	"name: sys_enter_openat\nID: 782\nformat:\n"
	"\tfield:unsigned short common_type;\toffset:0;\tsize:2;\tsigned:0;\n"
	"\tfield:int common_pid;\toffset:4;\tsize:4;\tsigned:1;\n\n"
	"\tfield:int __syscall_nr;\toffset:8;\tsize:4;\tsigned:1;\n"
	"\tfield:int dfd;\toffset:16;\tsize:8;\tsigned:0;\n"
	"\tfield:const char * filename;\toffset:24;\tsize:8;\tsigned:0;\n"
	"\tfield:umode_t mode;\toffset:32;\tsize:8;\tsigned:0;\n"
	"\nprint fmt: \"field:x;\", REC->dfd\n";

static const char mixed_format[] =
	"ID: 7\n"
	"\tfield:char prev_comm[16];\toffset:8;\tsize:16;\tsigned:0;\n"
	"\tfield:__data_loc char[] name;\toffset:24;\tsize:4;\tsigned:0;\n"
	"\tfield:u8 addr[TCP_LEN];\toffset:28;\tsize:4;\tsigned:0;\n"
	"\tfield:unsigned long args[6];\toffset:32;\tsize:48;\tsigned:0;\n"
	"\tfield:struct foo odd;\toffset:80;\tsize:12;\tsigned:0;\n"
	"\tfield:const char *const * argv;\toffset:92;\tsize:8;\tsigned:0;\n"
	"\tfield:s16 last;\toffset:100;\tsize:2;\tsigned:1;\n"
	"\tfield:u32 tail[];\toffset:104;\tsize:0;\tsigned:0;\n";

static void test_format_fields(void **state)
{
	struct arena *a = arena_new(NULL);
	struct probes_format f;
	struct probes_field *x;

	(void)state;
	assert_int_equal(probes_parse_format(a, str_of(openat_format), &f, NULL), 0);
	assert_int_equal(f.id, 782);
	assert_int_equal(f.fields.n, 4);
	want_text("nr", f.fields.at[0].name, "__syscall_nr");
	assert_true(f.fields.at[0].is_signed);
	x = &f.fields.at[2];
	want_text("type", x->type, "const char *");
	want_text("name", x->name, "filename");
	assert_int_equal(x->off, 24);
	assert_int_equal(x->size, 8);

	assert_int_equal(probes_parse_format(a, str_of(mixed_format), &f, NULL), 0);
	assert_int_equal(f.fields.n, 8);
	assert_int_equal(f.fields.at[0].count, 16);
	want_text("element", f.fields.at[0].type, "char");
	assert_true(f.fields.at[1].is_data_loc);
	want_text("data_loc", f.fields.at[1].name, "name");
	assert_int_equal(f.fields.at[1].count, 0);
	assert_int_equal(f.fields.at[2].count, 4);
	assert_int_equal(f.fields.at[3].count, 6);
	want_text("stars", f.fields.at[5].type, "const char *const *");
	assert_int_equal(f.fields.at[7].size, 0);
	arena_free(a);
}

/* Layouts of skep's own: those of system calls are the kernel's. */
static void test_format_builtin(void **state)
{
	static const struct { const char *category, *event, *last; u32 off; } cases[] = {
		{ "syscalls", "sys_enter_openat", "mode", 40 },
		{ "syscalls", "sys_enter_newstat", "statbuf", 24 },
		{ "syscalls", "sys_enter_getppid", "__syscall_nr", 8 },
		{ "syscalls", "sys_exit_openat", "ret", 16 },
		{ "raw_syscalls", "sys_enter", "args", 16 },
		{ "sched", "sched_process_exec", "old_pid", 16 },
		{ "sched", "sched_switch", NULL, 0 },
		{ "syscalls", "sys_enter_nothing", NULL, 0 },
	};
	struct arena *a = arena_new(NULL);
	struct probes_format f;

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		bool found = probes_builtin_format(a, str_of(cases[i].category), str_of(cases[i].event), &f);

		assert_int_equal(found, cases[i].last != NULL);
		if (!found)
			continue;
		assert_int_equal(f.id, 0);
		assert_true(str_is(vec_last(&f.fields)->name, cases[i].last));
		assert_int_equal(vec_last(&f.fields)->off, cases[i].off);
	}
	arena_free(a);
}

static void test_format_struct(void **state)
{
	static const struct {
		const char *name;
		u32 off, size;
		bool is_signed;
	} want[] = {
		{ "prev_comm", 8, 16, false }, { "data_loc_name", 24, 4, false },
		{ "addr", 28, 4, false },      { "args", 32, 48, false },
		{ "odd", 80, 12, false },      { "argv", 92, 8, false },
		{ "last", 100, 2, true },
	}, wide[] = {
		{ "__syscall_nr", 8, 4, true }, { "dfd", 16, 4, true }, { "filename", 24, 8, false },
		{ "mode", 32, 8, false },
	};
	struct arena *a = arena_new(NULL);
	struct ty_table *t = ty_table_new(a);
	struct probes_format f;
	const struct type *ty;
	const struct ty_member *m;
	u32 i, bits;

	(void)state;
	assert_int_equal(probes_parse_format(a, str_of(mixed_format), &f, NULL), 0);
	ty = probes_format_type(t, NULL, &f, STR("rec"));
	for (i = 0; i < ARRAY_LEN(want); i++) {
		m = ty_find_member(ty, str_of(want[i].name), &bits);
		if (!m || bits != want[i].off * 8 || m->type->size != want[i].size)
			fail_msg("%s: %p at bit %u", want[i].name, (const void *)m, m ? bits : 0);
		assert_int_equal(ty_signed(m->type) && ty_is_int(m->type), want[i].is_signed);
	}
	assert_null(ty_find_member(ty, STR("tail"), &bits));
	assert_non_null(ty_find_member(ty, STR("args"), &bits)->type->to);

	assert_int_equal(probes_parse_format(a, str_of(openat_format), &f, NULL), 0);
	ty = probes_format_type(t, NULL, &f, STR("rec2"));
	for (i = 0; i < ARRAY_LEN(wide); i++) {
		m = ty_find_member(ty, str_of(wide[i].name), &bits);
		if (!m || bits != wide[i].off * 8 || m->type->size != wide[i].size)
			fail_msg("%s: %p at bit %u", wide[i].name, (const void *)m, m ? bits : 0);
	}
	assert_true(ty_is_ptr(ty_find_member(ty, STR("filename"), &bits)->type));
	arena_free(a);
}

/* Cut and damaged texts: any answer but a crash, and an error when the id is gone. */
static void test_format_survives_damage(void **state)
{
	static const char junk[] = "\n\t:;[]*0-9\xff x";
	struct arena *a = arena_new(NULL);
	struct arena_mark mark = arena_mark(a);
	char text[sizeof(mixed_format)];
	struct probes_format f;
	u32 i, k;

	(void)state;
	for (i = 0; i < sizeof(mixed_format); i++) {
		struct ty_table *t = ty_table_new(a);

		if (!probes_parse_format(a, (str){ mixed_format, i }, &f, NULL))
			probes_format_type(t, NULL, &f, STR("cut"));
		for (k = 0; k < sizeof(junk) - 1; k++) {
			memcpy(text, mixed_format, sizeof(text));
			text[i] = junk[k];
			if (!probes_parse_format(a, (str){ text, sizeof(text) - 1 }, &f, NULL))
				probes_format_type(t, NULL, &f, STR("damaged"));
		}
		arena_release(a, mark);
	}
	arena_free(a);
}

static void test_wrong_formats_are_refused(void **state)
{
	static const char *const cases[] = {
		"",
		"name: x\n",
		"ID: x\n",
		"ID: 99999999999\n",
		"ID: 1\n\tfield:int x;\toffset:0;\tsize:4;\n",
		"ID: 1\n\tfield:int;\toffset:8;\tsize:4;\tsigned:0;\n",
		"ID: 1\n\tfield:int x[;\toffset:8;\tsize:4;\tsigned:0;\n",
		"ID: 1\n\tfield:int x;\toffset:-8;\tsize:4;\tsigned:0;\n",
		"ID: 1\n\tfield:int x;\toffset:9999;\tsize:4;\tsigned:0;\n",
		"ID: 1\n\tfield:int x;\toffset:8;\tsize:4294967295;\tsigned:0;\n",
		"ID: 1\n\tfield:int x;\toffset:8;\tsize:4;\tsigned:2;\n",
		"ID: 1\n\tfield:int x[999999999];\toffset:8;\tsize:4;\tsigned:0;\n",
		"ID: 1\n\tfield:__data_loc char[] x;\toffset:8;\tsize:8;\tsigned:0;\n",
	};
	struct arena *a = arena_new(NULL);
	struct probes_format f;
	struct err e;
	u32 i;

	(void)state;
	for (i = 0; i < ARRAY_LEN(cases); i++)
		if (probes_parse_format(a, str_of(cases[i]), &f, &e) != -SKEP_EBADFILE)
			fail_msg("case %u is accepted", i);
	arena_free(a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_points_round_trip),
		cmocka_unit_test(test_wrong_points_say_why),
		cmocka_unit_test(test_sections_become_points),
		cmocka_unit_test(test_wrong_sections_say_why),
		cmocka_unit_test(test_types_and_wildcards),
		cmocka_unit_test(test_counters),
		cmocka_unit_test(test_syscall_numbers_are_those_of_the_headers),
		cmocka_unit_test(test_syscall_symbols),
		cmocka_unit_test(test_format_fields),
		cmocka_unit_test(test_format_struct),
		cmocka_unit_test(test_format_builtin),
		cmocka_unit_test(test_format_survives_damage),
		cmocka_unit_test(test_wrong_formats_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
