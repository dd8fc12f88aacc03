/* Unit tests of kern on the running kernel, as root: hand-made programs around commands that the
 * test starts. Every program that is attached asks first whether it runs in the test's own cgroup
 * or process, so that nothing else of the machine is looked at. */
#include "kern/room.h"

#include <setjmp.h>
#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define CALLS  1000
#define VISITS 50

/* What a uprobe is put on. */
__attribute__((noinline, used, visibility("default"))) int kern_test_landmark(int x);
int kern_test_landmark(int x)
{
	__asm__ volatile("" : "+r"(x));
	return x + 1;
}

/* The traced command: this program with an argument. */
static int be_child(const char *what)
{
	volatile u64 spin = 0;
	int sum = 0;

	if (strcmp(what, "spin") == 0) {
		clock_t end = clock() + CLOCKS_PER_SEC / 5;

		while (clock() < end)
			spin++;
		return 0;
	}
	for (int i = 0; i < CALLS; i++)
		syscall(SYS_getsid, 0);
	for (int i = 0; i < VISITS; i++)
		sum += kern_test_landmark(i);
	return sum == VISITS * (VISITS + 1) / 2 ? 0 : 1;
}

/* ---- making objects ------------------------------------------------------------------------- */

struct code {
	struct isa_insn at[96];
	u32 n;
	vec(struct obj_reloc) relocs;
	struct arena *a;
};

static void put(struct code *c, struct isa_insn i)
{
	c->at[c->n++] = i;
}

static void put_wide(struct code *c, u8 dst, enum obj_reloc_kind kind, u32 index, s64 add,
		     const char *name)
{
	struct obj_reloc *r = vec_push(c->a, &c->relocs);

	*r = (struct obj_reloc){ c->n, kind, index, add, str_of(name) };
	isa_ld_imm64(&c->at[c->n], dst, 0, 0);
	c->n += 2;
}

/* Jumps that are patched to the end. */
static void leave_if(struct code *c, struct isa_insn jump)
{
	put(c, jump);
}

static u32 finish(struct code *c, struct obj *o, const char *name)
{
	struct obj_func *f = vec_push(o->a, &o->funcs);
	u32 end = c->n;

	put(c, isa_alu_imm(true, ISA_MOV, ISA_R0, 0));
	put(c, isa_exit());
	for (u32 i = 0; i < end; i++) {
		u8 cls = isa_class(c->at[i]);

		if (isa_is_wide(c->at[i]))
			i++;
		else if (cls == ISA_JMP && isa_op(c->at[i]) != ISA_CALL && c->at[i].off == 0)
			c->at[i].off = (s16)(end - i - 1);
	}
	f->name = str_of(name);
	f->insns = arena_dup(o->a, c->at, c->n * sizeof(c->at[0]));
	f->n = c->n;
	for (u32 i = 0; i < c->relocs.n; i++)
		*vec_push(o->a, &f->relocs) = c->relocs.at[i];
	return o->funcs.n - 1;
}

static u32 add_prog(struct obj *o, struct code *c, const char *attach)
{
	u32 func = finish(c, o, "prog");
	struct obj_prog *p = vec_push(o->a, &o->progs);
	struct probes_point point;

	assert_int_equal(probes_parse(o->a, str_of(attach), &point, NULL), 0);
	p->name = STR("prog");
	p->attach = str_of(attach);
	p->func = func;
	probes_types(&point, &p->prog_type, &p->attach_type);
	p->btf_target = p->prog_type == ISA_PROG_TRACING ? point.name : STR("");
	return o->progs.n - 1;
}

/* if (bpf_get_current_ancestor_cgroup_id(level) != id) leave; the context is in r6 */
static void put_cgroup_guard(struct code *c)
{
	put(c, isa_alu_reg(true, ISA_MOV, ISA_R6, ISA_R1));
	put_wide(c, ISA_R1, OBJ_R_CONST, 0, 0, OBJ_CONST_CGROUP_LEVEL);
	put(c, isa_call_helper(ISA_FN_get_current_ancestor_cgroup_id));
	put_wide(c, ISA_R1, OBJ_R_CONST, 0, 0, OBJ_CONST_CGROUP_ID);
	leave_if(c, isa_jump_reg(true, ISA_JNE, ISA_R0, ISA_R1, 0));
}

/* if (!pids.lookup(tgid)) leave */
static void put_pids_guard(struct code *c, u32 pids)
{
	put(c, isa_alu_reg(true, ISA_MOV, ISA_R6, ISA_R1));
	put(c, isa_call_helper(ISA_FN_get_current_pid_tgid));
	put(c, isa_alu_imm(true, ISA_RSH, ISA_R0, 32));
	put(c, isa_store(4, ISA_FP, -4, ISA_R0));
	put_wide(c, ISA_R1, OBJ_R_MAP, pids, 0, "");
	put(c, isa_alu_reg(true, ISA_MOV, ISA_R2, ISA_FP));
	put(c, isa_alu_imm(true, ISA_ADD, ISA_R2, -4));
	put(c, isa_call_helper(ISA_FN_map_lookup_elem));
	leave_if(c, isa_jump_imm(true, ISA_JEQ, ISA_R0, 0, 0));
}

/* counts[key]++, with the key in r1 */
static void put_count(struct code *c, u32 map)
{
	put(c, isa_store(4, ISA_FP, -4, ISA_R1));
	put_wide(c, ISA_R1, OBJ_R_MAP, map, 0, "");
	put(c, isa_alu_reg(true, ISA_MOV, ISA_R2, ISA_FP));
	put(c, isa_alu_imm(true, ISA_ADD, ISA_R2, -4));
	put(c, isa_call_helper(ISA_FN_map_lookup_elem));
	leave_if(c, isa_jump_imm(true, ISA_JEQ, ISA_R0, 0, 0));
	put(c, isa_alu_imm(true, ISA_MOV, ISA_R1, 1));
	put(c, isa_atomic(8, ISA_ATOMIC_ADD, ISA_R0, 0, ISA_R1));
}

static void put_key(struct code *c, s32 key)
{
	put(c, isa_alu_imm(true, ISA_MOV, ISA_R1, key));
}

static u32 add_counts(struct obj *o)
{
	return obj_map_add(o, STR("counts"), ISA_MAP_ARRAY, 4, 8, 1024);
}

/* ---- running them --------------------------------------------------------------------------- */

struct fixture {
	struct arena *a;
	struct probes_machine *m;
	struct obj *o;
	void *self;
	u32 guard, records;
	struct err e;
};

#define MUST(call)                                                                                 \
	do {                                                                                       \
		if (call)                                                                          \
			fail_msg("%s: %s", #call, f->e.msg);                                       \
	} while (0)

static int setup(void **state)
{
	static struct fixture f;

	f = (struct fixture){ .a = arena_new(NULL) };
	f.m = probes_machine_new(f.a);
	f.o = obj_new(f.a, NULL);
	*state = &f;
	return kern_engine.open(f.m, f.a, &f.self, &f.e);
}

static int teardown(void **state)
{
	struct fixture *f = *state;

	kern_engine.close(f->self);
	probes_machine_free(f->m);
	arena_free(f->a);
	return 0;
}

static void need_kernel(struct fixture *f)
{
	if (!kern_engine.usable(f->m, &f->e))
		return;
	print_message("[  SKIPPED ] %s\n", f->e.msg);
	skip();
}

static void need_cgroup(struct fixture *f)
{
	need_kernel(f);
	MUST(kern_engine.prepare_scope(f->self, RT_SCOPE_COMMAND, &f->guard, &f->e));
	if (f->guard == KERN_GUARD_CGROUP)
		return;
	print_message("[  SKIPPED ] no cgroup v2 that may be written\n");
	skip();
}

static struct rt_rejection load(struct fixture *f, enum rt_scope scope, u32 *pids, u32 n)
{
	struct rt_setup s = {
		.obj = f->o, .machine = f->m, .scope = scope, .pids = pids, .n_pids = n
	};
	struct rt_rejection rej;

	if (kern_engine.load(f->self, &s, &rej, &f->e))
		fail_msg("load: %s\n" STR_FMT, f->e.msg, STR_ARG(rej.log));
	return rej;
}

static int count_record(void *arg, const void *data, u32 size)
{
	struct fixture *f = arg;
	u64 want = 0x1122334455667788;

	assert_int_equal(size, 8);
	assert_memory_equal(data, &want, 8);
	f->records++;
	return 0;
}

/* Runs to the end, with a deadline: in time, as a poll may end with each single record. */
static void run_to_end(struct fixture *f)
{
	time_t end = time(NULL) + 60;
	bool done = false;

	while (!done && time(NULL) < end)
		MUST(kern_engine.poll(f->self, 100, -1, count_record, f, &done, &f->e));
	if (!done)
		fail_msg("the command did not end");
}

static void run_command(struct fixture *f, const char *path, const char *arg)
{
	char *argv[] = { (char *)(uintptr_t)path, (char *)(uintptr_t)arg, NULL };

	MUST(kern_engine.command(f->self, argv, &f->e));
	MUST(kern_engine.attach(f->self, &f->e));
	MUST(kern_engine.release(f->self, &f->e));
	run_to_end(f);
	MUST(kern_engine.detach(f->self, &f->e));
}

static u64 counted(struct fixture *f, u32 map, u32 key)
{
	u64 value = 0;

	assert_int_equal(kern_engine.map_lookup(f->self, map, &key, &value), 0);
	return value;
}

static str own_group(struct arena *a, struct probes_machine *m)
{
	str text, line = STR("");

	assert_int_equal(base_read_file(a, "/proc/self/cgroup", 65536, &text, NULL), 0);
	while (text.n && !str_starts(line, "0::"))
		line = str_cut(&text, '\n');
	return str_printf(a, STR_FMT STR_FMT, STR_ARG(probes_cgroup2(m)),
			  STR_ARG(str_sub(line, 3, line.n)));
}

/* Groups of this very process that are still there. */
static u32 groups_left(struct fixture *f)
{
	DIR *d = opendir(own_group(f->a, f->m).s);
	struct dirent *entry;
	char prefix[32];
	u32 n = 0;

	snprintf(prefix, sizeof(prefix), "skep-%d-", (int)getpid());
	while (d && (entry = readdir(d)))
		n += strncmp(entry->d_name, prefix, strlen(prefix)) == 0;
	if (d)
		closedir(d);
	return n;
}

/* ---- exact counts --------------------------------------------------------------------------- */

static u32 count_syscalls(struct fixture *f)
{
	struct code c = { .a = f->a };
	u32 map = add_counts(f->o);

	put_cgroup_guard(&c);
	put(&c, isa_load(8, ISA_R1, ISA_R6, 8));
	put_count(&c, map);
	add_prog(f->o, &c, "raw_tracepoint:sys_enter");
	return map;
}

static void test_a_command_is_seen_from_its_first_call(void **state)
{
	struct fixture *f = *state;
	u32 map;

	need_cgroup(f);
	map = count_syscalls(f);
	load(f, RT_SCOPE_COMMAND, NULL, 0);
	run_command(f, "true", NULL);
	assert_int_equal(kern_engine.command_status(f->self), 0);
	assert_int_equal(counted(f, map, SYS_execve), 1);
	assert_int_equal(counted(f, map, SYS_exit_group), 1);
	assert_int_equal(counted(f, map, SYS_tgkill), 0);
	assert_int_equal(counted(f, map, SYS_prctl), 0);
	assert_int_equal(counted(f, map, SYS_close_range), 0);
}

static void test_counts_are_exact(void **state)
{
	struct fixture *f = *state;
	u32 map;

	need_cgroup(f);
	map = count_syscalls(f);
	load(f, RT_SCOPE_COMMAND, NULL, 0);
	run_command(f, "/proc/self/exe", "work");
	assert_int_equal(kern_engine.command_status(f->self), 0);
	assert_int_equal(counted(f, map, SYS_getsid), CALLS);
}

/* The children of the command count too. */
static void test_children_are_seen(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "/bin/true; /bin/true" },
			 NULL };
	u32 map;

	need_cgroup(f);
	map = count_syscalls(f);
	load(f, RT_SCOPE_COMMAND, NULL, 0);
	MUST(kern_engine.command(f->self, argv, &f->e));
	MUST(kern_engine.attach(f->self, &f->e));
	MUST(kern_engine.release(f->self, &f->e));
	run_to_end(f);
	assert_int_equal(counted(f, map, SYS_execve), 3);
}

/* Every provider that works on any kernel, around the same command. */
static void test_providers(void **state)
{
	struct fixture *f = *state;
	static const struct {
		const char *attach;
		u64 want;
		bool at_least;
	} cases[] = {
		{ "tracepoint:syscalls:sys_enter_getsid", CALLS, false },
		{ "raw_tracepoint:sys_exit", CALLS, true },
		{ "uprobe:/proc/self/exe:kern_test_landmark", VISITS, false },
		{ "uretprobe:/proc/self/exe:kern_test_landmark", VISITS, false },
		{ "software:page-faults:1", 1, true },
	};
	u32 map;

	need_cgroup(f);
	if (probes_tracefs(f->m, &f->e) < 0) {
		print_message("[  SKIPPED ] %s\n", f->e.msg);
		skip();
	}
	map = add_counts(f->o);
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct code c = { .a = f->a };

		put_cgroup_guard(&c);
		put_key(&c, (s32)i);
		put_count(&c, map);
		add_prog(f->o, &c, cases[i].attach);
	}
	load(f, RT_SCOPE_COMMAND, NULL, 0);
	run_command(f, "/proc/self/exe", "work");
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		u64 got = counted(f, map, i);

		if (cases[i].at_least ? got < cases[i].want : got != cases[i].want)
			fail_msg("%s: %llu", cases[i].attach, (unsigned long long)got);
	}
}

static void test_profile(void **state)
{
	struct fixture *f = *state;
	struct code c = { .a = f->a };
	u32 map;

	need_cgroup(f);
	map = add_counts(f->o);
	put_cgroup_guard(&c);
	put_key(&c, 0);
	put_count(&c, map);
	add_prog(f->o, &c, "profile:hz:499");
	load(f, RT_SCOPE_COMMAND, NULL, 0);
	run_command(f, "/proc/self/exe", "spin");
	assert_true(counted(f, map, 0) > 0);
}

static void test_ring_delivers_every_record(void **state)
{
	struct fixture *f = *state;
	struct code c = { .a = f->a };
	u32 ring;

	need_cgroup(f);
	/* Large enough for all of them: a busy machine may let the reader wait. */
	ring = obj_ring(f->o, 1 << 20);
	put_cgroup_guard(&c);
	put(&c, isa_load(8, ISA_R1, ISA_R6, 8));
	leave_if(&c, isa_jump_imm(true, ISA_JNE, ISA_R1, SYS_getsid, 0));
	isa_ld_imm64(&c.at[c.n], ISA_R1, 0, 0x1122334455667788);
	c.n += 2;
	put(&c, isa_store(8, ISA_FP, -8, ISA_R1));
	put_wide(&c, ISA_R1, OBJ_R_MAP, ring, 0, "");
	put(&c, isa_alu_reg(true, ISA_MOV, ISA_R2, ISA_FP));
	put(&c, isa_alu_imm(true, ISA_ADD, ISA_R2, -8));
	put(&c, isa_alu_imm(true, ISA_MOV, ISA_R3, 8));
	put(&c, isa_alu_imm(true, ISA_MOV, ISA_R4, 0));
	put(&c, isa_call_helper(ISA_FN_ringbuf_output));
	add_prog(f->o, &c, "raw_tracepoint:sys_enter");
	load(f, RT_SCOPE_COMMAND, NULL, 0);
	run_command(f, "/proc/self/exe", "work");
	assert_int_equal(f->records, CALLS);
}

/* ---- programs on demand, data sections ------------------------------------------------------ */

static void test_run_once_and_data(void **state)
{
	struct fixture *f = *state;
	struct code c = { .a = f->a };
	u64 step = 7, total = 0;
	u32 ro, bss, prog, off, zero = 0;

	need_kernel(f);
	ro = obj_data_section(f->o, OBJ_RODATA);
	obj_data_add(f->o, ro, STR("pad"), NULL, NULL, 8, 8);
	off = obj_data_add(f->o, ro, STR("step"), NULL, &step, 8, 8);
	bss = obj_data_section(f->o, OBJ_BSS);
	obj_data_add(f->o, bss, STR("total"), NULL, NULL, 8, 8);
	put_wide(&c, ISA_R1, OBJ_R_DATA, ro, off, "");
	put(&c, isa_load(8, ISA_R2, ISA_R1, 0));
	put_wide(&c, ISA_R1, OBJ_R_DATA, bss, 0, "");
	put(&c, isa_atomic(8, ISA_ATOMIC_ADD, ISA_R1, 0, ISA_R2));
	prog = add_prog(f->o, &c, "BEGIN");
	load(f, RT_SCOPE_ALL, NULL, 0);
	MUST(kern_engine.attach(f->self, &f->e));
	for (u32 i = 0; i < 3; i++)
		MUST(kern_engine.run_once(f->self, prog, &f->e));
	assert_int_equal(kern_engine.map_lookup(f->self, f->o->datas.at[bss].map, &zero, &total),
			 0);
	assert_int_equal(total, 21);
	/* .rodata is frozen. */
	assert_true(kern_engine.map_update(f->self, f->o->datas.at[ro].map, &zero, &step, 0) < 0);
	assert_true(kern_engine.run_once(f->self, 5, &f->e) < 0);
}

static void test_map_calls(void **state)
{
	struct fixture *f = *state;
	u32 map, key = 1, next;
	u64 value = 5, got = 0;

	need_kernel(f);
	map = obj_map_add(f->o, STR("@table"), ISA_MAP_HASH, 4, 8, 8);
	load(f, RT_SCOPE_ALL, NULL, 0);
	assert_int_equal(kern_engine.map_next(f->self, map, NULL, &next), -ENOENT);
	assert_int_equal(kern_engine.map_lookup(f->self, map, &key, &got), -ENOENT);
	assert_int_equal(kern_engine.map_update(f->self, map, &key, &value, 0), 0);
	assert_int_equal(kern_engine.map_lookup(f->self, map, &key, &got), 0);
	assert_int_equal(got, 5);
	assert_int_equal(kern_engine.map_next(f->self, map, NULL, &next), 0);
	assert_int_equal(next, 1);
	assert_int_equal(kern_engine.map_next(f->self, map, &key, &next), -ENOENT);
	assert_int_equal(kern_engine.map_delete(f->self, map, &key), 0);
	assert_int_equal(kern_engine.map_delete(f->self, map, &key), -ENOENT);
	assert_true(kern_engine.map_lookup(f->self, 77, &key, &got) < 0);
}

/* ---- refusals ------------------------------------------------------------------------------- */

static int try_load(struct fixture *f, struct rt_rejection *rej)
{
	struct rt_setup s = { .obj = f->o, .machine = f->m };

	return kern_engine.load(f->self, &s, rej, &f->e);
}

static void test_a_refused_program_is_explained(void **state)
{
	struct fixture *f = *state;
	struct code c = { .a = f->a };
	struct rt_rejection rej;

	need_kernel(f);
	put(&c, isa_alu_imm(true, ISA_MOV, ISA_R0, 1));
	put(&c, isa_alu_reg(true, ISA_MOV, ISA_R0, ISA_R2));
	add_prog(f->o, &c, "raw_tracepoint:sys_enter");
	assert_int_equal(try_load(f, &rej), -SKEP_EREJECTED);
	assert_int_equal(rej.prog, 0);
	assert_int_equal(rej.insn, 1);
	assert_true(str_is(rej.reason, "R2 !read_ok"));
	assert_true(rej.log.n > rej.reason.n);
}

static void test_a_map_that_cannot_be_is_explained(void **state)
{
	struct fixture *f = *state;
	struct rt_rejection rej;

	need_kernel(f);
	obj_map_add(f->o, STR("big"), ISA_MAP_HASH, 4, 8, 0);
	assert_true(try_load(f, &rej) < 0);
	assert_non_null(strstr(f->e.msg, "map 'big'"));
}

static void test_attach_refuses_before_anything_runs(void **state)
{
	static const struct {
		const char *attach;
		int code;
		const char *says;
	} cases[] = {
		{ "xdp:nonesuch", -SKEP_ENOEVENT, "there is no device" },
		{ "raw_tracepoint:sys_entr", -SKEP_ENOEVENT, "did you mean 'sys_enter'" },
		{ "tracepoint:sched:sched_swich", -SKEP_ENOEVENT, "did you mean 'sched_switch'" },
		{ "tracepoint:sched:*", -SKEP_EUNSUPPORTED, "wildcard" },
		{ "uprobe:/proc/self/exe:kern_test_landmrk", -SKEP_ENOEVENT,
		  "did you mean 'kern_test_landmark'" },
		{ "uprobe:/nonesuch:f", -SKEP_ENOEVENT, "no such binary" },
		{ "watchpoint:0x1000:8:w", -SKEP_EUNSUPPORTED, "not attached yet" },
	};
	struct fixture *f = *state;

	need_kernel(f);
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct code first = { .a = f->a }, second = { .a = f->a };
		struct rt_rejection rej;
		struct kern *k;
		void *self;
		int got;

		assert_int_equal(kern_engine.open(f->m, f->a, &self, &f->e), 0);
		f->o = obj_new(f->a, NULL);
		/* A harmless program first, so that there is something to take back. */
		add_prog(f->o, &first, "uprobe:/proc/self/exe:kern_test_landmark");
		add_prog(f->o, &second, cases[i].attach);
		if (kern_engine.load(self, &(struct rt_setup){ .obj = f->o, .machine = f->m }, &rej,
				     &f->e))
			fail_msg("%s: %s", cases[i].attach, f->e.msg);
		got = kern_engine.attach(self, &f->e);
		k = self;
		if (got != cases[i].code || !strstr(f->e.msg, cases[i].says) || k->links.n)
			fail_msg("%s: %d %s", cases[i].attach, got, f->e.msg);
		kern_engine.close(self);
	}
}

/* ---- processes ------------------------------------------------------------------------------ */

static u32 count_by_pid(struct fixture *f)
{
	struct code c = { .a = f->a };
	u32 pids = obj_map_add(f->o, STR(KERN_PIDS_MAP), ISA_MAP_HASH, 4, 1, 1024);
	u32 map = add_counts(f->o);

	put_pids_guard(&c, pids);
	put(&c, isa_load(8, ISA_R1, ISA_R6, 8));
	put_count(&c, map);
	add_prog(f->o, &c, "raw_tracepoint:sys_enter");
	return map;
}

/* Without a cgroup the command is the first in the map of processes. */
static void test_a_command_by_its_pid(void **state)
{
	struct fixture *f = *state;
	u32 map;

	need_kernel(f);
	map = count_by_pid(f);
	((struct kern *)f->self)->guard = KERN_GUARD_PIDS;
	load(f, RT_SCOPE_COMMAND, NULL, 0);
	run_command(f, "/proc/self/exe", "work");
	assert_int_equal(counted(f, map, SYS_getsid), CALLS);
	assert_int_equal(counted(f, map, SYS_execve), 1);
}

static void test_running_processes_by_pid(void **state)
{
	struct fixture *f = *state;
	int pipes[2], status;
	u32 map, pid;
	char go = 1;

	need_kernel(f);
	assert_int_equal(pipe(pipes), 0);
	pid = (u32)fork();
	if (pid == 0) {
		if (read(pipes[0], &go, 1) != 1)
			_exit(2);
		_exit(be_child("work"));
	}
	MUST(kern_engine.prepare_scope(f->self, RT_SCOPE_PIDS, &f->guard, &f->e));
	assert_int_equal(f->guard, KERN_GUARD_PIDS);
	map = count_by_pid(f);
	load(f, RT_SCOPE_PIDS, &pid, 1);
	MUST(kern_engine.attach(f->self, &f->e));
	MUST(kern_engine.release(f->self, &f->e));
	assert_int_equal(kern_engine.command_status(f->self), -1);
	assert_int_equal(write(pipes[1], &go, 1), 1);
	run_to_end(f);
	assert_int_equal(counted(f, map, SYS_getsid), CALLS);
	assert_int_equal(waitpid((pid_t)pid, &status, 0), (pid_t)pid);
	assert_int_equal(status, 0);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_a_pid_that_is_not_there(void **state)
{
	struct fixture *f = *state;
	struct rt_setup s = { .obj = f->o,
			      .machine = f->m,
			      .scope = RT_SCOPE_PIDS,
			      .pids = &(u32){ 0x3ffffff },
			      .n_pids = 1 };
	struct rt_rejection rej;

	need_kernel(f);
	count_by_pid(f);
	assert_int_equal(kern_engine.load(f->self, &s, &rej, &f->e), -ESRCH);
}

/* ---- commands (no privileges needed) -------------------------------------------------------- */

static char script[] = "/tmp/skep-script-XXXXXX";

static void write_script(const char *text)
{
	int fd;

	strcpy(script, "/tmp/skep-script-XXXXXX");
	fd = mkstemp(script);
	assert_true(fd >= 0);
	assert_int_equal(write(fd, text, strlen(text)), (ssize_t)strlen(text));
	assert_int_equal(fchmod(fd, 0755), 0);
	close(fd);
}

static int status_of(struct fixture *f, char *const argv[])
{
	MUST(kern_engine.command(f->self, argv, &f->e));
	assert_int_equal(kern_engine.command_status(f->self), -1);
	MUST(kern_engine.release(f->self, &f->e));
	run_to_end(f);
	return kern_engine.command_status(f->self);
}

static void test_exit_status(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "exit 7" }, NULL };

	assert_int_equal(status_of(f, argv), 7 << 8);
}

static void test_killed_command(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" }, (char[]){ "kill -9 $$" }, NULL };

	assert_int_equal(status_of(f, argv), SIGKILL);
}

static void test_script_without_interpreter(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { script, (char[]){ "5" }, NULL };

	write_script("exit $1\n");
	assert_int_equal(status_of(f, argv), 5 << 8);
	unlink(script);
}

static void test_commands_that_cannot_run(void **state)
{
	struct fixture *f = *state;
	char *absent[] = { (char[]){ "nonesuch-command" }, NULL };
	char *path[] = { (char[]){ "/nonesuch/x" }, NULL };
	char *dir[] = { (char[]){ "/tmp" }, NULL };
	char *plain[] = { (char[]){ "/etc/passwd" }, NULL };
	char *none[] = { NULL };

	assert_int_equal(kern_engine.command(f->self, absent, &f->e), -ENOENT);
	assert_non_null(strstr(f->e.msg, "'nonesuch-command' cannot be run"));
	assert_int_equal(kern_engine.command(f->self, path, &f->e), -ENOENT);
	assert_int_equal(kern_engine.command(f->self, dir, &f->e), -EISDIR);
	assert_int_equal(kern_engine.command(f->self, plain, &f->e), -EACCES);
	assert_int_equal(kern_engine.command(f->self, none, &f->e), -EINVAL);
}

static void test_failing_exec_is_told(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { script, NULL };

	write_script("#!/nonesuch/interpreter\n");
	MUST(kern_engine.command(f->self, argv, &f->e));
	assert_int_equal(kern_engine.release(f->self, &f->e), -ENOENT);
	assert_non_null(strstr(f->e.msg, "cannot be run"));
	unlink(script);
}

/* A command that was never released does not stay behind, stopped. */
static void test_close_before_release_ends_the_command(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { (char[]){ "true" }, NULL };
	pid_t pid;

	MUST(kern_engine.command(f->self, argv, &f->e));
	pid = ((struct kern *)f->self)->cmd.pid;
	kern_engine.close(f->self);
	assert_int_equal(kill(pid, 0), -1);
	assert_int_equal(errno, ESRCH);
}

static void test_poll_wakes_up(void **state)
{
	struct fixture *f = *state;
	int pipes[2];
	bool done;

	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(write(pipes[1], "x", 1), 1);
	MUST(kern_engine.poll(f->self, -1, pipes[0], count_record, f, &done, &f->e));
	assert_false(done);
	MUST(kern_engine.poll(f->self, 0, -1, count_record, f, &done, &f->e));
	close(pipes[0]);
	close(pipes[1]);
}

/* ---- what is left behind -------------------------------------------------------------------- */

/* A descendant that outlives the run goes back to skep's own cgroup, and the group goes. */
static void test_nothing_is_left(void **state)
{
	struct fixture *f = *state;
	char *argv[] = { (char[]){ "sh" }, (char[]){ "-c" },
			 (char[]){ "sleep 60 >/dev/null 2>&1 & echo $! >&9" }, NULL };
	char text[32] = "";
	int pipes[2];
	long pid;
	str group;

	need_cgroup(f);
	assert_int_equal(groups_left(f), 1);
	load(f, RT_SCOPE_COMMAND, NULL, 0);
	assert_int_equal(pipe(pipes), 0);
	assert_int_equal(dup2(pipes[1], 9), 9);
	MUST(kern_engine.command(f->self, argv, &f->e));
	MUST(kern_engine.release(f->self, &f->e));
	run_to_end(f);
	assert_true(read(pipes[0], text, sizeof(text) - 1) > 0);
	pid = strtol(text, NULL, 10);
	assert_true(pid > 1);
	kern_engine.close(f->self);
	assert_int_equal(groups_left(f), 0);
	assert_int_equal(kill((pid_t)pid, 0), 0);
	assert_int_equal(base_read_file(f->a, str_printf(f->a, "/proc/%ld/cgroup", pid).s, 4096,
					&group, NULL),
			 0);
	assert_null(strstr(group.s, "/skep-"));
	kill((pid_t)pid, SIGKILL);
	close(9);
	close(pipes[0]);
	close(pipes[1]);
}

static void test_stale_groups_are_removed(void **state)
{
	struct fixture *f = *state;
	str stale;

	need_cgroup(f);
	stale = str_printf(f->a, STR_FMT "/skep-99999999-0", STR_ARG(own_group(f->a, f->m)));
	if (mkdir(stale.s, 0755))
		assert_int_equal(errno, EEXIST);
	kern_engine.close(f->self);
	MUST(kern_engine.prepare_scope(f->self, RT_SCOPE_COMMAND, &f->guard, &f->e));
	assert_int_equal(access(stale.s, F_OK), -1);
	assert_int_equal(groups_left(f), 1);
}

#define T(test) cmocka_unit_test_setup_teardown(test, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(test_a_command_is_seen_from_its_first_call),
		T(test_counts_are_exact),
		T(test_children_are_seen),
		T(test_providers),
		T(test_profile),
		T(test_ring_delivers_every_record),
		T(test_run_once_and_data),
		T(test_map_calls),
		T(test_a_refused_program_is_explained),
		T(test_a_map_that_cannot_be_is_explained),
		T(test_attach_refuses_before_anything_runs),
		T(test_a_command_by_its_pid),
		T(test_running_processes_by_pid),
		T(test_a_pid_that_is_not_there),
		T(test_exit_status),
		T(test_killed_command),
		T(test_script_without_interpreter),
		T(test_commands_that_cannot_run),
		T(test_failing_exec_is_told),
		T(test_close_before_release_ends_the_command),
		T(test_poll_wakes_up),
		T(test_nothing_is_left),
		T(test_stale_groups_are_removed),
	};

	if (argc == 2)
		return be_child(argv[1]);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
