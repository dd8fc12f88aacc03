/* The verifier against the kernel's, over random programs (verify_programs.c) that BPF_PROG_LOAD judges
 * and nothing attaches; then what is accepted runs in the interpreter's checked mode, where an access
 * that the verifier did not foresee ends the run.
 *
 * What we accept, the kernel must accept, but for the reasons listed below; of what it accepts, we may
 * refuse a few in a hundred. Skipped where programs may not be loaded; the runs are not.
 */
#include "verify_programs.c"

#include "maps/maps.h"
#include "verify/verify.h"
#include "vm/vm.h"

#include <errno.h>
#include <linux/bpf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

enum { PROGRAMS = 1500, PACKET = 256, CONTEXT = 256 };

static const struct {
	u32 type, key, value, entries;
} kinds[P_N_MAPS] = {
	[P_HASH] = { ISA_MAP_HASH, 8, 16, 64 },	 [P_ARRAY] = { ISA_MAP_ARRAY, 4, 16, 8 },
	[P_RING] = { ISA_MAP_RINGBUF, 0, 0, 4096 }, [P_LOCK] = { ISA_MAP_ARRAY, 4, 8, 1 },
	[P_SMALL] = { ISA_MAP_ARRAY, 4, 1, 1 },
};

struct bench {
	struct arena *a;
	struct verify_map maps[P_N_MAPS];
	int fds[P_N_MAPS], btf;
	u32 btf_func;
	struct maps_map *own[P_N_MAPS];
	struct vm_thread *thread;
	u8 *packet;
	char *log;
	bool forbidden;
};

static int call(int cmd, union bpf_attr *attr)
{
	long r = syscall(SYS_bpf, cmd, attr, sizeof(*attr));

	return r < 0 ? -errno : (int)r;
}

/* struct { int n; struct bpf_spin_lock lock; } and int f(void) in BTF. */
static int load_btf(struct bench *b, u32 *out_key, u32 *out_value)
{
	struct ty_table *t = ty_table_new(b->a);
	struct ty_out *o = ty_out_new(b->a);
	const struct type *i = ty_basic(t, TY_B_INT);
	struct ty_member m[] = { { .name = STR("val"), .type = ty_basic(t, TY_B_UINT) },
				 { .name = STR("n"), .type = i },
				 { .name = STR("lock") } };
	struct type *lock = ty_tagged_new(t, TY_STRUCT, STR("bpf_spin_lock"), (struct span){ 0 });
	struct type *value = ty_tagged_new(t, TY_STRUCT, STR("value"), (struct span){ 0 });
	union bpf_attr attr = { 0 };
	str blob;

	ty_layout(t, lock, &m[0], 1, false, 0);
	m[2].type = lock;
	ty_layout(t, value, &m[1], 2, false, 0);
	*out_key = ty_out_type(o, i);
	*out_value = ty_out_type(o, value);
	b->btf_func = ty_out_func(o, STR("f"), ty_func_of(t, i, NULL, 0, false), TY_STATIC);
	blob = ty_out_finish(o);
	attr.btf = (u64)(uintptr_t)blob.s;
	attr.btf_size = blob.n;
	return call(BPF_BTF_LOAD, &attr);
}

static void make_maps(struct bench *b)
{
	u32 key = 0, value = 0;
	int btf = b->btf = load_btf(b, &key, &value);

	for (u32 i = 0; i < P_N_MAPS; i++) {
		struct maps_spec spec = { .name = STR("m"), .type = kinds[i].type,
					  .key_size = kinds[i].key, .value_size = kinds[i].value,
					  .max_entries = kinds[i].entries };
		union bpf_attr attr = { 0 };
		struct err e;

		b->maps[i] = (struct verify_map){ .type = spec.type, .key_size = spec.key_size,
						  .value_size = spec.value_size,
						  .max_entries = spec.max_entries, .inner = OBJ_NONE,
						  .spin_lock_off = i == P_LOCK ? 4 : OBJ_NONE,
						  .timer_off = OBJ_NONE };
		assert_int_equal(maps_create(&spec, &b->own[i], &e), 0);
		attr.map_type = spec.type;
		attr.key_size = spec.key_size;
		attr.value_size = spec.value_size;
		attr.max_entries = spec.max_entries;
		if (i == P_LOCK) {
			attr.btf_fd = (u32)btf;
			attr.btf_key_type_id = key;
			attr.btf_value_type_id = value;
		}
		b->fds[i] = call(BPF_MAP_CREATE, &attr);
		b->forbidden |= b->fds[i] < 0;
	}
}

static struct bench *open_bench(void)
{
	struct arena *a = arena_new(NULL);
	struct bench *b = arena_new_of(a, struct bench);

	b->a = a;
	b->log = arena_alloc(a, 1 << 16);
	b->packet = mmap(NULL, PACKET, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	assert_true(b->packet != MAP_FAILED);
	b->thread = vm_thread_new(0);
	assert_non_null(b->thread);
	make_maps(b);
	return b;
}

static void close_bench(struct bench *b)
{
	for (u32 i = 0; i < P_N_MAPS; i++) {
		maps_put(b->own[i]);
		if (b->fds[i] >= 0)
			close(b->fds[i]);
	}
	if (b->btf >= 0)
		close(b->btf);
	vm_thread_free(b->thread);
	munmap(b->packet, PACKET);
	arena_free(b->a);
}

static void judge(struct bench *b, struct arena *a, const struct program *p, struct verify_result *out)
{
	struct verify_input in = { .insns = p->at, .n = p->n, .prog_type = p->prog_type,
				   .attach_type = OBJ_NONE, .privileged = true, .maps = b->maps,
				   .n_maps = P_N_MAPS };

	verify_program(a, &in, out);
}

/* 1: accepted, 0: refused, with the reason in b->log; negative: cannot be asked. */
static int ask_kernel(struct bench *b, const struct program *p)
{
	struct program q = *p;
	union bpf_attr attr = { 0 };
	/* The kernel wants types of functions where one is a callback. */
	u32 funcs[4] = { 0, b->btf_func, 0, b->btf_func };
	int fd;

	if (p->n_calls) {
		funcs[2] = p->calls[0] + 1 + (u32)p->at[p->calls[0]].imm;
		attr.prog_btf_fd = (u32)b->btf;
		attr.func_info = (u64)(uintptr_t)funcs;
		attr.func_info_rec_size = 8;
		attr.func_info_cnt = 2;
	}
	for (u32 i = 0; i < q.n; i++) {
		if (!isa_is_wide(q.at[i]))
			continue;
		if (q.at[i].src == ISA_MAP_FD)
			q.at[i].imm = b->fds[q.at[i].imm];
		i++;
	}
	b->log[0] = 0;
	attr.prog_type = q.prog_type;
	attr.insns = (u64)(uintptr_t)q.at;
	attr.insn_cnt = q.n;
	attr.license = (u64)(uintptr_t)"GPL";
	fd = call(BPF_PROG_LOAD, &attr);
	if (fd >= 0) {
		close(fd);
		return 1;
	}
	if (fd == -EPERM)
		return -1;
	attr.log_buf = (u64)(uintptr_t)b->log;
	attr.log_size = 1 << 16;
	attr.log_level = 1;
	fd = call(BPF_PROG_LOAD, &attr);
	if (fd >= 0)
		close(fd);
	return 0;
}

static void show(const struct program *p)
{
	struct arena *a = arena_new(NULL);

	for (u32 i = 0; i < p->n; i++) {
		struct sbuf b;

		sbuf_init(&b, a);
		isa_print(&b, p->at[i], p->at[i + 1]);
		printf("%4u: %s\n", i, b.s);
		i += isa_is_wide(p->at[i]);
	}
	arena_free(a);
}

/* Why the kernel may refuse what we accept. */
static const char *listed(const struct program *p, const char *log)
{
	if (p->vague)
		return "the kernel knows nothing of a quotient, a remainder, a shift by an open number";
	if (strstr(log, "invalid read from stack") || strstr(log, "invalid indirect read"))
		return "kernels before 6.3 want stack bytes written before they are read";
	if (strstr(log, "verifier bug"))
		return "the kernel's verifier met a bug of its own";
	return NULL;
}

static const char *last_line(char *log)
{
	char *end = strstr(log, "\nprocessed "), *s;

	if (end)
		*end = 0;
	s = strrchr(log, '\n');
	return s ? s + 1 : log;
}

static void kernel_agrees(void **state)
{
	struct bench *b = open_bench();
	u32 accepted = 0, too_much = 0, missed = 0, total = PROGRAMS;

	(void)state;
	if (getenv("SKEP_PROGRAMS"))
		total = (u32)atoi(getenv("SKEP_PROGRAMS"));
	for (u32 i = 0; i < total && !b->forbidden; i++) {
		struct arena *a = arena_new(NULL);
		struct verify_result out;
		struct program p;
		int kernel;

		program_make(&p, i);
		judge(b, a, &p, &out);
		kernel = ask_kernel(b, &p);
		if (kernel < 0) {
			b->forbidden = true;
		} else if (out.accepted && !kernel && !listed(&p, b->log)) {
			printf("program %u (%s) is accepted here, but not by the kernel: %s\n", i,
			       isa_prog_kind(p.prog_type)->name, last_line(b->log));
			if (too_much++ == 0)
				show(&p);
		} else if (!out.accepted && kernel) {
			missed++;
			if (getenv("SKEP_MISSED"))
				printf("program %u: %s insn %u: " STR_FMT "\n", i,
				       verify_tag_name(out.problem.tag), out.problem.insn,
				       STR_ARG(out.problem.text));
		}
		accepted += kernel > 0;
		arena_free(a);
	}
	if (b->forbidden) {
		printf("skipped: programs may not be loaded here\n");
		close_bench(b);
		skip();
	}
	printf("the kernel accepts %u of %u programs; refused here of these: %u\n", accepted, total,
	       missed);
	close_bench(b);
	assert_int_equal(too_much, 0);
	assert_true(missed * 100 <= accepted * 2);
	assert_true(accepted * 5 > total);
}

static void prepare_context(struct bench *b, const struct program *p, u8 *ctx)
{
	struct vm_packet packet = { .data = b->packet, .size = 64 };
	u32 at = p->prog_type == ISA_PROG_XDP ? 0 : 76, data = (u32)(uintptr_t)b->packet;
	u32 end = data + packet.size;

	memset(ctx, 0, CONTEXT);
	if (p->prog_type != ISA_PROG_SOCKET_FILTER) {
		memcpy(ctx + at, &data, 4);
		memcpy(ctx + at + 4, &end, 4);
	}
	vm_thread_packet(b->thread, &packet);
}

static void accepted_programs_run(void **state)
{
	struct bench *b = open_bench();
	struct vm_limits limits = { .budget = 1000000, .checked = true };
	u32 ran = 0, stray = 0;

	(void)state;
	for (u32 i = 0; i < PROGRAMS; i++) {
		struct arena *a = arena_new(NULL);
		struct vm_prog *prog = NULL;
		struct verify_result out;
		struct program p;
		struct vm_spec spec = { .insns = p.at, .maps = b->own, .n_maps = P_N_MAPS };
		u8 ctx[CONTEXT];
		struct err e;
		u64 r0;

		program_make(&p, i);
		judge(b, a, &p, &out);
		spec.n = p.n;
		if (out.accepted && vm_prog_new(&spec, &prog, &e) == 0) {
			prepare_context(b, &p, ctx);
			ran++;
			if (vm_run(prog, b->thread, ctx, CONTEXT, &limits, &r0, &e)) {
				printf("program %u: %s\n", i, e.msg);
				if (stray++ == 0)
					show(&p);
			}
			vm_prog_free(prog);
		}
		arena_free(a);
	}
	printf("%u accepted programs ran\n", ran);
	close_bench(b);
	assert_int_equal(stray, 0);
	assert_true(ran * 6 > PROGRAMS);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kernel_agrees),
		cmocka_unit_test(accepted_programs_run),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
