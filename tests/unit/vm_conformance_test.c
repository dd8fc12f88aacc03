/* Every case of tests/isa on the interpreter, in each of its policies, and on the kernel as a
 * second opinion: the program becomes a function of a socket filter that is loaded and run on
 * nothing (BPF_PROG_TEST_RUN); its memory is a map's value. */
#include "vm/vm.h"
#include "isa_data.h"

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <cmocka.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

struct runs {
	struct arena *a;
	struct vm_thread *t;
	u32 n, bad;
};

static void complain(struct runs *rs, const struct isa_case *c, const char *how, const char *why)
{
	print_error(STR_FMT " (%s): %s\n", STR_ARG(c->name), how, why);
	rs->bad++;
}

static void compare(struct runs *rs, const struct isa_case *c, const char *how, u64 got,
		    const u8 *mem)
{
	if (got != c->want)
		complain(rs, c, how,
			 str_z(rs->a,
			       str_printf(rs->a, "r0 is 0x%llx, not 0x%llx",
					  (unsigned long long)got, (unsigned long long)c->want)));
	if (c->after && memcmp(mem, c->after, c->mem_size) != 0)
		complain(rs, c, how, "the memory is not as expected afterwards");
}

static void run_once(struct runs *rs, const struct isa_case *c, const char *how, bool lenient,
		     struct vm_limits limits)
{
	struct vm_spec spec = { .insns = c->insns, .n = c->n, .lenient = lenient };
	u8 *mem = c->mem ? arena_dup(rs->a, c->mem, c->mem_size) : NULL;
	struct vm_packet packet = { .data = mem, .size = c->mem_size };
	struct vm_prog *p;
	struct err e = { 0 };
	u64 got = 0;
	int err;

	err = vm_prog_new(&spec, &p, &e);
	if (c->is_lenient && !lenient) {
		if (err != -EINVAL)
			complain(rs, c, how, "is not refused");
		vm_prog_free(p);
		return;
	}
	if (err) {
		complain(rs, c, how, e.msg);
		return;
	}
	vm_thread_packet(rs->t, c->has_packet ? &packet : NULL);
	if (vm_run(p, rs->t, mem, c->mem_size, &limits, &got, &e) != 0)
		complain(rs, c, how, e.msg);
	else
		compare(rs, c, how, got, mem);
	vm_prog_free(p);
}

static void run_all(void *arg, const struct isa_case *c)
{
	struct runs *rs = arg;

	run_once(rs, c, "fast", false, (struct vm_limits){ 0 });
	run_once(rs, c, "with a budget", false, (struct vm_limits){ .budget = 1000 });
	run_once(rs, c, "checked", false, (struct vm_limits){ .checked = true });
	run_once(rs, c, "lenient", true, (struct vm_limits){ 0 });
}

static void test_interpreter(void **state)
{
	struct runs rs = { .a = arena_new(NULL), .t = vm_thread_new(0) };
	str bad;

	(void)state;
	assert_non_null(rs.t);
	rs.n = isa_data_each(rs.a, run_all, &rs, &bad);
	if (bad.n)
		fail_msg("tests/isa: " STR_FMT " cannot be read", STR_ARG(bad));
	assert_true(rs.n >= 200);
	assert_int_equal(rs.bad, 0);
	vm_thread_free(rs.t);
	arena_free(rs.a);
}

/* ---- the kernel ---------------------------------------------------------------------------------
 */

static int bpf(int cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

static int make_map(u32 size)
{
	union bpf_attr attr = { 0 };

	attr.map_type = BPF_MAP_TYPE_ARRAY;
	attr.key_size = 4;
	attr.value_size = size;
	attr.max_entries = 1;
	return bpf(BPF_MAP_CREATE, &attr);
}

static int map_access(int cmd, int fd, void *value)
{
	union bpf_attr attr = { 0 };
	u32 key = 0;

	attr.map_fd = (u32)fd;
	attr.key = (u64)(uintptr_t)&key;
	attr.value = (u64)(uintptr_t)value;
	return bpf(cmd, &attr);
}

static int load(const struct isa_insn *insns, u32 n, char *log, u32 log_size)
{
	union bpf_attr attr = { 0 };

	attr.prog_type = BPF_PROG_TYPE_SOCKET_FILTER;
	attr.insns = (u64)(uintptr_t)insns;
	attr.insn_cnt = n;
	attr.license = (u64)(uintptr_t) "GPL";
	attr.log_buf = (u64)(uintptr_t)log;
	attr.log_size = log_size;
	attr.log_level = 1;
	return bpf(BPF_PROG_LOAD, &attr);
}

/* Fourteen bytes of Ethernet header come first; the program sees what is behind them. */
static int test_run(int prog, const struct isa_case *c, u32 *out)
{
	union bpf_attr attr = { 0 };
	u8 data[128] = { 0 };
	int err;

	if (c->has_packet)
		memcpy(data + 14, c->mem, c->mem_size);
	attr.test.prog_fd = (u32)prog;
	attr.test.data_in = (u64)(uintptr_t)data;
	attr.test.data_size_in = c->has_packet ? 14 + c->mem_size : 64;
	err = bpf(BPF_PROG_TEST_RUN, &attr);
	*out = attr.test.retval;
	return err;
}

/* r0 = case(map value); the result is kept behind the memory. */
static u32 wrap(struct isa_insn out[16], const struct isa_case *c, int map, u32 result)
{
	u32 n = 0;

	isa_ld_imm64(out, ISA_R1, ISA_MAP_VALUE, (u32)map);
	n += 2;
	out[n++] = isa_call_local(5);
	isa_ld_imm64(out + n, ISA_R1, ISA_MAP_VALUE, (u64)result << 32 | (u32)map);
	n += 2;
	out[n++] = isa_store(8, ISA_R1, 0, ISA_R0);
	out[n++] = isa_alu_imm(true, ISA_MOV, ISA_R0, 0);
	out[n++] = isa_exit();
	(void)c;
	return n;
}

static void run_kernel(void *arg, const struct isa_case *c)
{
	static char log[1 << 16];
	struct runs *rs = arg;
	u32 result = (u32)round_up(c->mem_size, 8), ret = 0, n = 0;
	struct isa_insn code[512];
	u8 value[256] = { 0 };
	int map = make_map(result + 8), prog;
	u64 got;

	if (c->mem)
		memcpy(value, c->mem, c->mem_size);
	assert_true(map >= 0 && c->n < ARRAY_LEN(code) - 16);
	assert_int_equal(map_access(BPF_MAP_UPDATE_ELEM, map, value), 0);
	if (!c->has_packet)
		n = wrap(code, c, map, result);
	memcpy(code + n, c->insns, c->n * sizeof(*code));
	prog = load(code, n + c->n, log, sizeof(log));
	if (c->is_lenient) {
		if (prog >= 0)
			complain(rs, c, "kernel", "is not refused");
	} else if (prog < 0) {
		complain(rs, c, "kernel", strlen(log) > 400 ? log + strlen(log) - 400 : log);
	} else if (test_run(prog, c, &ret) != 0) {
		complain(rs, c, "kernel", "cannot be run");
	} else {
		assert_int_equal(map_access(BPF_MAP_LOOKUP_ELEM, map, value), 0);
		memcpy(&got, value + result, 8);
		compare(rs, c, "kernel", c->has_packet ? ret : got, value);
	}
	if (prog >= 0)
		close(prog);
	close(map);
}

static void test_kernel(void **state)
{
	struct runs rs = { .a = arena_new(NULL) };
	str bad;
	int map = make_map(8);

	(void)state;
	if (map < 0) {
		print_message("skipped: the kernel lets this process make no map: %s\n",
			      strerror(-map));
		arena_free(rs.a);
		skip();
	}
	close(map);
	rs.n = isa_data_each(rs.a, run_kernel, &rs, &bad);
	assert_true(rs.n >= 200);
	assert_int_equal(rs.bad, 0);
	arena_free(rs.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_interpreter),
		cmocka_unit_test(test_kernel),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
