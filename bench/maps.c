/* Maps against the kernel's: nanoseconds an operation, best of several rounds.
 *
 * One BPF program does 4000 operations a run, with pseudo-random keys below the number of entries. It runs
 * in our engine (verified, JIT; thread CPU time) and in the kernel's (BPF_PROG_TEST_RUN), and the loop around the
 * operations (an empty loop of the same shape) is taken off on each side. Called by bench/run.
 */
#include "jit/jit.h"
#include "maps/maps.h"
#include "verify/verify.h"
#include "vm/vm.h"

#include <errno.h>
#include <linux/bpf.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define OPS    4000
#define ROUNDS 7
#define RUNS   100

enum op { NOTHING, LOOKUP, UPDATE, MIXED, RESERVE };
static const char *const op_names[] = { "-", "lookup", "update", "mixed", "reserve+discard" };

static double thread_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

/* ---- the kernel's --------------------------------------------------------------------------- */

static struct isa_insn call(u32 id)
{
	return isa_call_helper((s32)id);
}

/* r6 random state, r7 count, key at r10-8, value at r10-16. */
static u32 program(struct isa_insn *p, enum op op, int fd, u32 max)
{
	u32 n = 0, loop, skip = 0, odd = 0;

	p[n++] = isa_alu_imm(true, ISA_MOV, ISA_R6, 12345);
	p[n++] = isa_alu_imm(true, ISA_MOV, ISA_R7, OPS);
	p[n++] = isa_store_imm(8, ISA_R10, -16, 1);
	p[n++] = isa_store_imm(8, ISA_R10, -8, 1);
	loop = n;
	p[n++] = isa_alu_imm(true, ISA_MUL, ISA_R6, 1103515245);
	p[n++] = isa_alu_imm(true, ISA_ADD, ISA_R6, 12345);
	p[n++] = isa_alu_reg(true, ISA_MOV, ISA_R1, ISA_R6);
	p[n++] = isa_alu_imm(true, ISA_RSH, ISA_R1, 16);
	p[n++] = isa_alu_imm(true, ISA_AND, ISA_R1, (s32)max - 1);
	p[n++] = isa_store(4, ISA_R10, -8, ISA_R1);
	if (op == RESERVE) {
		isa_ld_imm64(&p[n], ISA_R1, ISA_MAP_FD, (u64)fd);
		n += 2;
		p[n++] = isa_alu_imm(true, ISA_MOV, ISA_R2, 16);
		p[n++] = isa_alu_imm(true, ISA_MOV, ISA_R3, 0);
		p[n++] = call(ISA_FN_ringbuf_reserve);
		p[n++] = isa_jump_imm(true, ISA_JEQ, ISA_R0, 0, 3);
		p[n++] = isa_alu_reg(true, ISA_MOV, ISA_R1, ISA_R0);
		p[n++] = isa_alu_imm(true, ISA_MOV, ISA_R2, BPF_RB_NO_WAKEUP);
		p[n++] = call(ISA_FN_ringbuf_discard);
	} else if (op != NOTHING) {
		isa_ld_imm64(&p[n], ISA_R1, ISA_MAP_FD, (u64)fd);
		n += 2;
		p[n++] = isa_alu_reg(true, ISA_MOV, ISA_R2, ISA_R10);
		p[n++] = isa_alu_imm(true, ISA_ADD, ISA_R2, -8);
		if (op == MIXED) {
			odd = n;
			p[n++] = isa_jump_imm(true, ISA_JSET, ISA_R7, 7, 0);
		}
		if (op != LOOKUP) {
			p[n++] = isa_alu_reg(true, ISA_MOV, ISA_R3, ISA_R10);
			p[n++] = isa_alu_imm(true, ISA_ADD, ISA_R3, -16);
			p[n++] = isa_alu_imm(true, ISA_MOV, ISA_R4, 0);
			p[n++] = call(ISA_FN_map_update_elem);
		}
		if (op == MIXED) {
			skip = n;
			p[n++] = isa_jump(0);
			p[odd].off = (s16)(n - odd - 1);
		}
		if (op != UPDATE)
			p[n++] = call(ISA_FN_map_lookup_elem);
		if (op == MIXED)
			p[skip].off = (s16)(n - skip - 1);
	}
	p[n++] = isa_alu_imm(true, ISA_SUB, ISA_R7, 1);
	p[n] = isa_jump_imm(true, ISA_JNE, ISA_R7, 0, (s16)(loop - n - 1));
	n++;
	p[n++] = isa_alu_imm(true, ISA_MOV, ISA_R0, 0);
	p[n++] = isa_exit();
	return n;
}

static int load(enum op op, int fd, u32 max)
{
	struct isa_insn p[64];
	union bpf_attr a = { .prog_type = BPF_PROG_TYPE_SCHED_CLS };

	a.insn_cnt = program(p, op, fd, max);
	a.insns = (u64)(uintptr_t)p;
	a.license = (u64)(uintptr_t) "GPL";
	return (int)syscall(SYS_bpf, BPF_PROG_LOAD, &a, sizeof(a));
}

/* Nanoseconds of one run of OPS operations, or 0 when it cannot be had. */
static double kernel_run(int prog)
{
	u8 packet[64] = { 0 };
	double best = 0;

	for (u32 i = 0; i < ROUNDS && prog >= 0; i++) {
		union bpf_attr a = { .test.prog_fd = (u32)prog };

		a.test.data_in = (u64)(uintptr_t)packet;
		a.test.data_size_in = sizeof(packet);
		a.test.repeat = RUNS / 4;
		if (syscall(SYS_bpf, BPF_PROG_TEST_RUN, &a, sizeof(a)))
			return 0;
		if (!best || a.test.duration < best)
			best = a.test.duration;
	}
	return best;
}

/* ---- ours ----------------------------------------------------------------------------------- */

/* The same program, verified and compiled. */
static struct jit_code *compile(struct maps_map *m, enum op op, u32 max, struct vm_prog **out)
{
	struct isa_insn p[64];
	struct vm_spec spec = { .insns = p, .maps = &m, .n_maps = m ? 1 : 0 };
	struct verify_input in = { .prog_type = ISA_PROG_SCHED_CLS,
				   .attach_type = OBJ_NONE,
				   .privileged = true };
	struct verify_map map = { .inner = OBJ_NONE, .spin_lock_off = OBJ_NONE, .timer_off = OBJ_NONE };
	struct verify_result verdict = { 0 };
	struct jit_options options = { 0 };
	struct arena *a = arena_new(NULL);
	struct jit_code *code = NULL;
	struct err e = { 0 };

	spec.n = in.n = program(p, op, 0, max);
	in.insns = p;
	if (m) {
		map.type = maps_spec(m)->type;
		map.key_size = maps_spec(m)->key_size;
		map.value_size = maps_spec(m)->value_size;
		map.max_entries = maps_spec(m)->max_entries;
		in.maps = &map;
		in.n_maps = 1;
	}
	verify_program(a, &in, &verdict);
	if (!verdict.accepted) {
		fprintf(stderr, "refused: %.*s\n", (int)verdict.problem.text.n, verdict.problem.text.s);
		exit(1);
	}
	options.facts = verdict.facts;
	if (vm_prog_new(&spec, out, &e) || jit_compile(*out, &options, &code, &e)) {
		fprintf(stderr, "%s\n", e.msg);
		exit(1);
	}
	arena_free(a);
	return code;
}

static double ours_run(const struct jit_code *code, u32 slot)
{
	struct vm_thread *t = vm_thread_new(slot);
	jit_fn fn = jit_entry(code);
	u8 ctx[256] = { 0 };
	double best = 0, before;

	for (u32 round = 0; round < ROUNDS; round++) {
		before = thread_ns();
		for (u32 i = 0; i < RUNS / 4; i++)
			fn(ctx, t);
		before = thread_ns() - before;
		if (!best || before < best)
			best = before;
	}
	vm_thread_free(t);
	return best / (RUNS / 4.0);
}

/* ---- side by side --------------------------------------------------------------------------- */

struct side {
	const struct jit_code *code;
	u32 slot;
	int prog;
	double ns;
	pthread_barrier_t *start;
};

static void *one_thread(void *arg)
{
	struct side *s = arg;
	cpu_set_t cpu;

	CPU_ZERO(&cpu);
	CPU_SET(s->slot, &cpu);
	sched_setaffinity(0, sizeof(cpu), &cpu);
	pthread_barrier_wait(s->start);
	s->ns = s->code ? ours_run(s->code, s->slot) : kernel_run(s->prog);
	return NULL;
}

/* The slowest of n threads, per operation, less the empty loop. */
static double measure(struct side proto, u32 n_threads, double empty)
{
	struct side s[2];
	pthread_t t[2];
	pthread_barrier_t start;
	double worst = 0;

	pthread_barrier_init(&start, NULL, n_threads);
	proto.start = &start;
	for (u32 i = 0; i < n_threads; i++) {
		s[i] = proto;
		s[i].slot = i;
		pthread_create(&t[i], NULL, one_thread, &s[i]);
	}
	for (u32 i = 0; i < n_threads; i++) {
		pthread_join(t[i], NULL);
		worst = s[i].ns > worst ? s[i].ns : worst;
	}
	pthread_barrier_destroy(&start);
	return worst ? (worst - empty) / OPS : -1;
}

static int kernel_map(const struct maps_spec *s)
{
	union bpf_attr a = { .map_type = s->type };

	a.key_size = s->key_size;
	a.value_size = s->value_size;
	a.max_entries = s->max_entries;
	a.map_flags = s->flags;
	return (int)syscall(SYS_bpf, BPF_MAP_CREATE, &a, sizeof(a));
}

static void fill(struct maps_map *m, int fd, const struct maps_spec *s)
{
	u64 v[64] = { 1 };

	for (u32 k = 0; k < s->max_entries && s->key_size; k++) {
		union bpf_attr a = { .map_fd = (u32)fd };

		a.key = (u64)(uintptr_t)&k;
		a.value = (u64)(uintptr_t)v;
		(void)!syscall(SYS_bpf, BPF_MAP_UPDATE_ELEM, &a, sizeof(a));
		(void)!maps_sys_update(m, &k, v, 0);
	}
}

int main(void)
{
	static const struct {
		const char *name;
		u32 type, key, value;
	} kinds[] = {
		{ "array", ISA_MAP_ARRAY, 4, 8 },
		{ "percpu array", ISA_MAP_PERCPU_ARRAY, 4, 8 },
		{ "hash", ISA_MAP_HASH, 4, 8 },
		{ "percpu hash", ISA_MAP_PERCPU_HASH, 4, 8 },
		{ "lru hash", ISA_MAP_LRU_HASH, 4, 8 },
		{ "lru hash, 4x keys", ISA_MAP_LRU_HASH, 4, 8 },
		{ "ring buffer", ISA_MAP_RINGBUF, 0, 0 },
	};
	static const u32 sizes[] = { 1024, 16384, 1 << 20 };
	struct vm_prog *prog;
	struct jit_code *code = compile(NULL, NOTHING, 1024, &prog);
	double empty_ours = ours_run(code, 0);
	double empty_kernel = kernel_run(load(NOTHING, -1, 1024));

	jit_free(code);
	vm_prog_free(prog);

	printf("%-18s %8s %-16s %18s %18s\n", "ns an operation", "entries", "", "1 thread",
	       "2 threads");
	printf("%-18s %8s %-16s %9s %8s %9s %8s\n", "", "", "", "ours", "kernel", "ours", "kernel");
	for (u32 k = 0; k < ARRAY_LEN(kinds); k++)
		for (u32 z = 0; z < ARRAY_LEN(sizes); z++) {
			bool ring = kinds[k].type == ISA_MAP_RINGBUF;
			struct maps_spec s = { .type = kinds[k].type,
					       .key_size = kinds[k].key,
					       .value_size = kinds[k].value,
					       .max_entries = sizes[z] };
			u32 max = strstr(kinds[k].name, "4x") ? sizes[z] * 4 : sizes[z];
			struct maps_map *m;
			int fd = kernel_map(&s);

			if (fd < 0 || maps_create(&s, &m, NULL))
				continue;
			fill(m, fd, &s);
			for (enum op op = ring ? RESERVE : LOOKUP; op <= (ring ? RESERVE : MIXED);
			     op++) {
				struct side ours = { .code = compile(m, op, max, &prog) };
				struct side theirs = { .prog = load(op, fd, max) };

				printf("%-18s %8u %-16s", kinds[k].name, sizes[z], op_names[op]);
				for (u32 n = 1; n <= 2; n++)
					printf(" %9.1f %8.1f", measure(ours, n, empty_ours),
					       measure(theirs, n, empty_kernel));
				printf("\n");
				fflush(stdout);
				close(theirs.prog);
				jit_free((struct jit_code *)ours.code);
				vm_prog_free(prog);
			}
			close(fd);
			maps_put(m);
		}
	return 0;
}
