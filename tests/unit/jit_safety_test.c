/* What native code promises besides the right result: tail calls that end, a budget that holds through them, memory
 * that is never writable and executable, constants that do not show, a clean stack, no harm from a lack of memory, and
 * any number of threads. Under ThreadSanitizer (what helpers and maps do on behalf of the code is seen, not the code):
 *
 *	make CONFIG=tsan BUILD=build/tsan CFLAGS_tsan='-O1 -g -fsanitize=thread' LDFLAGS_tsan=-fsanitize=thread \
 *		unit UNIT=jit_safety_test
 */
#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <unistd.h>

#include <cmocka.h>

#include "jit_fixture.h"

/* ---- tail calls --------------------------------------------------------------------------------- */

/* Counts itself in the context's first word and goes on with entry `index` of the map. */
static void hop(struct fixture *x, s32 index)
{
	put(x, isa_load(8, ISA_R2, ISA_R1, 0));
	put(x, isa_alu_imm(true, ISA_ADD, ISA_R2, 1));
	put(x, isa_store(8, ISA_R1, 0, ISA_R2));
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R6, ISA_R2));
	put_wide(x, ISA_R2, ISA_MAP_FD, 0);
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R3, index));
	put(x, isa_call_helper(ISA_FN_tail_call));
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R0, ISA_R6));
	put(x, isa_exit());
}

struct chain {
	struct maps_map *map;
	struct vm_prog *p[2];
	struct jit_code *c[2];
};

/* Two programs that tail call each other for ever; the second has native code that others find, or not. */
static void make_chain(struct fixture *x, struct chain *k, const struct jit_options *o, bool publish)
{
	k->map = make_map(ISA_MAP_PROG_ARRAY, 4, 2);
	for (s32 i = 0; i < 2; i++) {
		start(x);
		x->spec.maps = &k->map;
		x->spec.n_maps = 1;
		hop(x, 1 - i);
		k->p[i] = bind(x);
		k->c[i] = compile(k->p[i], o);
		assert_int_equal(maps_sys_set_prog(k->map, (u32)i, k->p[i]), 0);
	}
	jit_publish(k->c[0]);
	if (publish)
		jit_publish(k->c[1]);
}

static void free_chain(struct chain *k)
{
	for (u32 i = 0; i < 2; i++) {
		jit_free(k->c[i]);
		assert_null(vm_prog_native(k->p[i], false));
		assert_null(vm_prog_native(k->p[i], true));
	}
	maps_put(k->map);
	for (u32 i = 0; i < 2; i++)
		vm_prog_free(k->p[i]);
}

static void tail_calls_end(void **state)
{
	static const struct jit_options budget = { .with_budget = true };
	struct fixture *x = *state;

	for (u32 n = 0; n < 8; n++) {
		struct vm_limits limits = { 0 };
		struct chain k;
		struct err e;
		u64 ctx[1] = { 0 }, want = 0;

		make_chain(x, &k, n & 2 ? &budget : NULL, n & 1);
		assert_int_equal(vm_run(k.p[0], x->thread, ctx, 8, &limits, &want, &e), 0);
		assert_int_equal(want, 34);
		for (u32 again = 0; again < 3; again++) {
			ctx[0] = 0;
			*vm_thread_budget(x->thread) = 1000000;
			assert_int_equal(jit_entry(k.c[n >> 2])(ctx, x->thread), 34);
			assert_int_equal(ctx[0], 34);
		}
		free_chain(&k);
	}
}

/* The same chain runs out of its budget on the way, in native code or in the interpreter. */
static void budget_goes_along(void **state)
{
	static const struct jit_options budget = { .with_budget = true };
	struct fixture *x = *state;

	for (u32 n = 0; n < 2; n++) {
		struct chain k;

		make_chain(x, &k, &budget, n);
		for (u64 left = 1; left < 34 * 7; left += 5) {
			u64 ctx[1] = { 0 };

			*vm_thread_budget(x->thread) = left;
			*vm_thread_fault(x->thread) = 0;
			assert_int_equal(jit_entry(k.c[0])(ctx, x->thread), 0);
			assert_int_equal(*vm_thread_fault(x->thread), -ETIME);
			assert_int_equal(*vm_thread_budget(x->thread), 0);
			assert_true(ctx[0] <= left / 7 + 1);
		}
		*vm_thread_fault(x->thread) = 0;
		free_chain(&k);
	}
}

/* Code that counts does not go on in code that does not. */
static void kinds_do_not_mix(void **state)
{
	static const struct jit_options budget = { .with_budget = true };
	struct fixture *x = *state;
	struct chain k;
	struct jit_code *counting;
	u64 ctx[1] = { 0 };

	make_chain(x, &k, NULL, true);
	counting = compile(k.p[0], &budget);
	*vm_thread_budget(x->thread) = 100;
	*vm_thread_fault(x->thread) = 0;
	assert_int_equal(jit_entry(counting)(ctx, x->thread), 0);
	assert_int_equal(*vm_thread_fault(x->thread), -ETIME);
	*vm_thread_fault(x->thread) = 0;
	jit_free(counting);
	assert_non_null(vm_prog_native(k.p[0], false));
	free_chain(&k);
}

/* r0 = f() + the caller's r7; f tail calls: what it leads to returns to f's caller. */
static void tail_call_in_function(void **state)
{
	struct fixture *x = *state;
	struct maps_map *m = make_map(ISA_MAP_PROG_ARRAY, 4, 1);
	struct vm_limits limits = { 0 };
	struct vm_prog *other, *p;
	struct jit_code *c, *oc;
	struct err e;
	u64 ctx[2] = { 40, 7 }, want = 0;

	start(x);
	put(x, isa_load(8, ISA_R0, ISA_R1, 0));
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R7, 1000));
	put(x, isa_exit());
	other = bind(x);
	oc = compile(other, NULL);
	assert_int_equal(maps_sys_set_prog(m, 0, other), 0);
	start(x);
	x->spec.maps = &m;
	x->spec.n_maps = 1;
	put(x, isa_load(8, ISA_R7, ISA_R1, 8));
	put(x, isa_call_local(2));
	put(x, isa_alu_reg(true, ISA_ADD, ISA_R0, ISA_R7));
	put(x, isa_exit());
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R7, 500));
	put_wide(x, ISA_R2, ISA_MAP_FD, 0);
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R3, 0));
	put(x, isa_call_helper(ISA_FN_tail_call));
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R0, 1));
	put(x, isa_exit());
	p = bind(x);
	c = compile(p, NULL);
	assert_int_equal(vm_run(p, x->thread, ctx, 16, &limits, &want, &e), 0);
	assert_int_equal(want, 47);
	assert_int_equal(jit_entry(c)(ctx, x->thread), 47);
	jit_publish(oc);
	assert_int_equal(jit_entry(c)(ctx, x->thread), 47);
	jit_free(oc);
	assert_int_equal(jit_entry(c)(ctx, x->thread), 47);
	jit_free(c);
	maps_put(m);
	vm_prog_free(p);
	vm_prog_free(other);
}

static u64 host_callback(struct vm_thread *t, u64 func, u64 a, u64 b, u64 c, u64 d)
{
	(void)t;
	return func + a + b + c + d;
}

/* A program with a callback tail calls; the thread's callbacks are the caller's again when all is over. */
static void callbacks_come_back(void **state)
{
	struct fixture *x = *state;
	struct chain k;
	struct vm_prog *p;
	struct jit_code *c;
	u64 ctx[1] = { 0 };
	u32 func;

	make_chain(x, &k, NULL, true);
	start(x);
	x->spec.maps = &k.map;
	x->spec.n_maps = 1;
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R6, ISA_R1));
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R1, 5));
	func = x->n;
	put_wide(x, ISA_R2, ISA_FUNC, 0);
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R3, ISA_R6));
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R4, 0));
	put(x, isa_call_helper(ISA_FN_loop));
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R1, ISA_R6));
	hop(x, 0);
	x->code[func].imm = (s32)(x->n - func - 1);
	put(x, isa_load(8, ISA_R0, ISA_R2, 0));
	put(x, isa_alu_imm(true, ISA_ADD, ISA_R0, 100));
	put(x, isa_store(8, ISA_R2, 0, ISA_R0));
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R0, 0));
	put(x, isa_exit());
	p = bind(x);
	c = compile(p, NULL);
	(void)vm_thread_callback(x->thread, host_callback);
	assert_int_equal(jit_entry(c)(ctx, x->thread), 500 + 34);
	assert_true(vm_thread_callback(x->thread, NULL) == host_callback);
	jit_free(c);
	vm_prog_free(p);
	free_chain(&k);
}

/* ---- memory ------------------------------------------------------------------------------------- */

/* Asks the kernel, which answers where the process would be killed. */
static bool may_read(const u8 *at)
{
	int fd[2];
	bool may;

	assert_int_equal(pipe(fd), 0);
	may = write(fd[1], at, 1) == 1;
	close(fd[0]);
	close(fd[1]);
	return may;
}

static bool may_write(u8 *at)
{
	int fd[2];
	bool may;

	assert_int_equal(pipe(fd), 0);
	assert_int_equal(write(fd[1], "x", 1), 1);
	may = read(fd[0], at, 1) == 1;
	close(fd[0]);
	close(fd[1]);
	return may;
}

static void write_or_execute(void **state)
{
	struct fixture *x = *state;
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	struct vm_prog *p;
	struct jit_code *c;
	u8 *at, mine = 0;

	start(x);
	for (u32 k = 0; k < 3000; k++)
		put(x, isa_alu_imm(true, ISA_XOR, ISA_R0, (s32)(k * 77777)));
	put(x, isa_exit());
	p = bind(x);
	c = compile(p, NULL);
	at = (u8 *)(uintptr_t)jit_entry(c);
	assert_true(may_read(&mine) && may_write(&mine));
	assert_true(jit_size(c) > page);
	for (u32 k = 0; k < round_up(jit_size(c), page); k += page)
		assert_true(may_read(at + k) && !may_write(at + k));
	assert_true(!may_read(at - 1) && !may_write(at - 1));
	assert_true(!may_read(at - page) && !may_read(at + round_up(jit_size(c), page)));
	jit_free(c);
	vm_prog_free(p);
}

static __attribute__((noinline)) void soil(void)
{
	volatile u8 dirt[4096];

	for (u32 i = 0; i < sizeof(dirt); i++)
		dirt[i] = 0xd1;
}

/* Whatever a program reads of its stack before it writes is zero: by a plain load, through an address, in a function
 * that it calls; in a promoted slot, in a narrow one. */
static void clean_stack(void **state)
{
	struct fixture *x = *state;

	for (u32 n = 0; n < 8; n++) {
		start(x);
		put(x, isa_alu_imm(true, ISA_MOV, ISA_R6, 0));
		if (n & 1) {
			put(x, isa_call_local(1));
			put(x, isa_exit());
		}
		put(x, isa_load((u8)(n & 2 ? 1 : 8), ISA_R0, ISA_R10, -8));
		put(x, isa_load(8, ISA_R3, ISA_R10, -32));
		put(x, isa_alu_reg(true, ISA_OR, ISA_R0, ISA_R3));
		if (n & 4) {
			put(x, isa_alu_reg(true, ISA_MOV, ISA_R2, ISA_R10));
			put(x, isa_alu_imm(true, ISA_ADD, ISA_R2, -512));
			for (s16 k = 0; k < 512; k += 8) {
				put(x, isa_load(8, ISA_R3, ISA_R2, k));
				put(x, isa_alu_reg(true, ISA_OR, ISA_R0, ISA_R3));
			}
		}
		put(x, isa_exit());
		soil();
		assert_int_equal(run_once(x, NULL, NULL), 0);
	}
}

/* ---- constants ---------------------------------------------------------------------------------- */

#define SECRET(k) (0x41424300u + (k))

/* A constant in every place that a program has for one. */
static void secrets(struct fixture *x)
{
	static const u8 alu[] = { ISA_ADD, ISA_SUB, ISA_MUL, ISA_OR, ISA_AND, ISA_XOR, ISA_MOV, ISA_DIV, ISA_MOD };
	static const u8 jmp[] = { ISA_JEQ, ISA_JNE, ISA_JGT, ISA_JSET, ISA_JSLE };
	u32 k = 0;

	start(x);
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R6, ISA_R1));
	put(x, isa_load(8, ISA_R0, ISA_R6, 0));
	for (u32 i = 0; i < 2 * ARRAY_LEN(alu); i++) {
		put(x, isa_alu_imm(i & 1, alu[i / 2], ISA_R0, (s32)SECRET(k++)));
		put(x, isa_store(8, ISA_R6, 8, ISA_R0));
		put(x, isa_load(8, ISA_R0, ISA_R6, 0));
	}
	for (u32 i = 0; i < 2 * ARRAY_LEN(jmp); i++) {
		put(x, isa_jump_imm(i & 1, jmp[i / 2], ISA_R0, (s32)SECRET(k++), 1));
		put(x, isa_alu_imm(true, ISA_MOV, ISA_R0, (s32)SECRET(k++)));
	}
	put(x, isa_store_imm(4, ISA_R6, 8, (s32)SECRET(k++)));
	put(x, isa_store_imm(8, ISA_R6, 8, (s32)SECRET(k++)));
	put_wide(x, ISA_R1, 0, (u64)SECRET(k) << 32 | SECRET(k + 1));
	k += 2;
	put(x, isa_store(8, ISA_R6, 8, ISA_R1));
	put_wide(x, ISA_R1, 0, SECRET(k++));
	put(x, isa_alu_reg(true, ISA_ADD, ISA_R0, ISA_R1));
	put(x, isa_alu_imm(true, ISA_ADD, ISA_R0, (s32)SECRET(k++)));
	put(x, isa_store(8, ISA_R6, 16, ISA_R0));
	put(x, isa_exit());
	assert_true(k < 0x80);
}

static u32 count_secrets(str code)
{
	u32 n = 0;

	for (u32 i = 0; i + 4 <= code.n; i++) {
		u32 v;

		memcpy(&v, code.s + i, 4);
		n += v >> 7 == SECRET(0) >> 7;
	}
	return n;
}

static void blinded_constants(void **state)
{
	static const struct jit_options blind = { .blind_constants = true };
	struct fixture *x = *state;
	struct arena *a = arena_new(NULL);
	struct vm_limits limits = { 0 };
	u64 ctx[3] = { 0x123456789abcdef, 0, 0 }, other[3] = { 0x123456789abcdef, 0, 0 }, want = 0;
	struct vm_prog *p;
	struct jit_code *c, *d;
	struct err e = { 0 };
	str code;

	secrets(x);
	p = bind(x);
	assert_int_equal(jit_compile_for("x86-64", a, p, NULL, &code, &e), 0);
	assert_true(count_secrets(code) > 20);
	assert_int_equal(jit_compile_for("x86-64", a, p, &blind, &code, &e), 0);
	assert_int_equal(count_secrets(code), 0);
	c = compile(p, &blind);
	d = compile(p, &blind);
	code = (str){ (const char *)(uintptr_t)jit_entry(c), jit_size(c) };
	assert_int_equal(count_secrets(code), 0);
	/* Each compilation has a key of its own. */
	assert_true(jit_size(c) != jit_size(d) ||
		    memcmp(code.s, (const char *)(uintptr_t)jit_entry(d), code.n) != 0);
	assert_int_equal(vm_run(p, x->thread, other, sizeof(other), &limits, &want, &e), 0);
	assert_int_equal(jit_entry(c)(ctx, x->thread), want);
	assert_true(memcmp(ctx, other, sizeof(ctx)) == 0);
	jit_free(c);
	jit_free(d);
	vm_prog_free(p);
	arena_free(a);
}

/* ---- lack of memory ----------------------------------------------------------------------------- */

#ifdef SKEP_DEBUG /* only such builds can make an allocation fail */
static void no_memory(void **state)
{
	struct fixture *x = *state;
	struct jit_options o = { 0 };
	struct vm_prog *p;
	u32 n = 0;
	int r = -ENOMEM;

	secrets(x);
	p = bind(x);
	while (r == -ENOMEM) {
		struct jit_code *c = NULL;
		struct err e = { 0 };

		o.fail_in = ++n;
		r = jit_compile(p, &o, &c, &e);
		assert_true((r == 0) == (c != NULL));
		if (r)
			assert_true(r == -ENOMEM && e.msg[0]);
		jit_free(c);
		assert_true(n < 100000);
	}
	assert_int_equal(r, 0);
	assert_true(n > 3);
	vm_prog_free(p);
}
#endif

/* ---- threads ------------------------------------------------------------------------------------ */

enum { THREADS = 4, RUNS = 2000 };
struct worker {
	jit_fn fn;
	u32 slot, bad;
	pthread_t id;
};

static void *work(void *arg)
{
	struct worker *w = arg;
	struct vm_thread *t = vm_thread_new(w->slot);

	for (u32 i = 0; t && i < RUNS; i++) {
		u64 ctx[2] = { w->slot, i };

		w->bad += w->fn(ctx, t) != (u64)w->slot * 3 + i;
	}
	w->bad += !t;
	vm_thread_free(t);
	return NULL;
}

/* One program in many threads: an atomic counter in an array, a hash update and lookup of the thread's own key. */
static void threads(void **state)
{
	struct fixture *x = *state;
	struct maps_map *m[2] = { make_map(ISA_MAP_ARRAY, 8, 1), make_map(ISA_MAP_HASH, 8, 64) };
	struct worker w[THREADS];
	struct vm_prog *p;
	struct jit_code *c;
	u64 sum = 0;
	u32 zero = 0;

	start(x);
	x->spec.maps = m;
	x->spec.n_maps = 2;
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R6, ISA_R1));
	put_wide(x, ISA_R1, ISA_MAP_VALUE, 0);
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R2, 1));
	put(x, isa_atomic(8, ISA_ATOMIC_ADD, ISA_R1, 0, ISA_R2));
	put(x, isa_load(8, ISA_R7, ISA_R6, 0));
	put(x, isa_store(4, ISA_R10, -4, ISA_R7));
	put(x, isa_load(8, ISA_R8, ISA_R6, 8));
	put(x, isa_store(8, ISA_R10, -16, ISA_R8));
	put_wide(x, ISA_R1, ISA_MAP_FD, 1);
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R2, ISA_R10));
	put(x, isa_alu_imm(true, ISA_ADD, ISA_R2, -4));
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R3, ISA_R10));
	put(x, isa_alu_imm(true, ISA_ADD, ISA_R3, -16));
	put(x, isa_alu_imm(true, ISA_MOV, ISA_R4, 0));
	put(x, isa_call_helper(ISA_FN_map_update_elem));
	put_wide(x, ISA_R1, ISA_MAP_FD, 1);
	put(x, isa_alu_reg(true, ISA_MOV, ISA_R2, ISA_R10));
	put(x, isa_alu_imm(true, ISA_ADD, ISA_R2, -4));
	put(x, isa_call_helper(ISA_FN_map_lookup_elem));
	put(x, isa_jump_imm(true, ISA_JEQ, ISA_R0, 0, 3));
	put(x, isa_load(8, ISA_R0, ISA_R0, 0));
	put(x, isa_alu_imm(true, ISA_MUL, ISA_R7, 3));
	put(x, isa_alu_reg(true, ISA_ADD, ISA_R0, ISA_R7));
	put(x, isa_exit());
	p = bind(x);
	c = compile(p, NULL);
	for (u32 i = 0; i < THREADS; i++) {
		w[i] = (struct worker){ .fn = jit_entry(c), .slot = i };
		assert_int_equal(pthread_create(&w[i].id, NULL, work, &w[i]), 0);
	}
	for (u32 i = 0; i < THREADS; i++) {
		pthread_join(w[i].id, NULL);
		assert_int_equal(w[i].bad, 0);
	}
	assert_int_equal(maps_sys_lookup(m[0], &zero, &sum, 0), 0);
	assert_int_equal(sum, THREADS * RUNS);
	jit_free(c);
	vm_prog_free(p);
	maps_put(m[0]);
	maps_put(m[1]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tail_calls_end),     cmocka_unit_test(budget_goes_along),
		cmocka_unit_test(kinds_do_not_mix),   cmocka_unit_test(tail_call_in_function),
		cmocka_unit_test(callbacks_come_back), cmocka_unit_test(write_or_execute),
		cmocka_unit_test(clean_stack),	      cmocka_unit_test(blinded_constants),
		cmocka_unit_test(threads),
#ifdef SKEP_DEBUG
		cmocka_unit_test(no_memory),
#endif
	};

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
