/* Unit tests of the programs that a caller runs itself: every case of tests/isa through the public
 * interface in each way of running, contexts, budgets, maps, helpers, threads, and what is said of wrong use. */
#include "skep/skep.h"

#include "isa_data.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <cmocka.h>

static struct skep_options options(void)
{
	return (struct skep_options){ .sz = sizeof(struct skep_options) };
}

static struct skep *load(const struct skep_options *o, const char *name, const char *text)
{
	struct skep *s = skep_open(o);

	assert_non_null(s);
	assert_int_equal(skep_load_text(s, name, text, strlen(text), SKEP_AUTO), 0);
	return s;
}

static struct skep_program *must(struct skep *s, const char *name)
{
	struct skep_program *p;

	if (skep_program(s, name, &p))
		fail_msg("%s%s", skep_diagnostics(s, 0), skep_error(s));
	return p;
}

static void want_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

/* ---- tests/isa -------------------------------------------------------------------------------- */

struct isa_run { struct arena *a; u32 bad, refused; enum skep_execution how; int unverified; };

static void isa_fail(struct isa_run *k, const struct isa_case *c, const char *why)
{
	print_error(STR_FMT ": %s\n", STR_ARG(c->name), why);
	k->bad++;
}

static void isa_one(void *arg, const struct isa_case *c)
{
	struct isa_run *k = arg;
	struct skep_options o = options();
	u8 *mem = arena_alloc(k->a, c->mem_size + 4096);
	struct skep_program *p;
	struct skep *s;
	uint64_t got = 0;
	int r;

	if (c->has_packet)
		return;
	o.execution = k->how;
	o.unverified = k->unverified;
	o.mem_size = c->mem_size;
	s = skep_open(&o);
	memset(mem, 0, c->mem_size + 4096);
	if (c->mem)
		memcpy(mem, c->mem, c->mem_size);
	assert_int_equal(skep_load_text(s, "case", (const char *)c->insns, c->n * 8, SKEP_BYTECODE), 0);
	r = skep_program(s, NULL, &p);
	if (r == -SKEP_WRONG_PROGRAM) {
		k->refused++;
		if (!c->is_lenient || k->unverified)
			isa_fail(k, c, skep_diagnostics(s, 0));
	} else if (r == -SKEP_UNSUPPORTED && k->how == SKEP_NATIVE) {
		k->refused++;
	} else if (r) {
		isa_fail(k, c, skep_error(s));
	} else if (c->is_lenient && !k->unverified) {
		isa_fail(k, c, "is not refused");
	} else if (skep_call(p, NULL, mem, c->mem ? c->mem_size : 4096, &got)) {
		isa_fail(k, c, "the run failed");
	} else if (got != c->want) {
		isa_fail(k, c, "another result");
	} else if (c->after && memcmp(mem, c->after, c->mem_size) != 0) {
		isa_fail(k, c, "the memory differs");
	}
	skep_close(s);
}

static void isa_all(enum skep_execution how, int unverified)
{
	struct isa_run k = { .a = arena_new(NULL), .how = how, .unverified = unverified };
	str bad;
	u32 n = isa_data_each(k.a, isa_one, &k, &bad);

	if (bad.n)
		fail_msg("tests/isa: " STR_FMT " cannot be read", STR_ARG(bad));
	assert_true(n >= 200);
	assert_int_equal(k.bad, 0);
	arena_free(k.a);
}

static void isa_interpreter(void **state)
{
	(void)state;
	isa_all(SKEP_INTERPRETER, 0);
}

static void isa_native(void **state)
{
	(void)state;
	isa_all(SKEP_NATIVE, 0);
}

static void isa_interpreter_unverified(void **state)
{
	(void)state;
	isa_all(SKEP_INTERPRETER, 1);
}

static void isa_native_unverified(void **state)
{
	(void)state;
	isa_all(SKEP_NATIVE, 1);
}

/* ---- programs in C ---------------------------------------------------------------------------- */

struct record { uint32_t uid, size; uint64_t when; char name[16]; };

static const char filter_text[] =
	"struct record { u32 uid, size; u64 when; char name[16]; };\n"
	"BPF_HASH(seen, u32, u64);\n"
	"int keep(struct record *r)\n"
	"{\n"
	"	u32 uid = r->uid;\n"
	"	seen.increment(uid);\n"
	"	return r->size > 100 && r->name[0] == 'a';\n"
	"}\n";

static void call_filter(enum skep_execution how)
{
	struct skep_options o = options();
	struct record big = { 7, 1000, 0, "apple" }, small = { 7, 10, 0, "apple" }, other = { 8, 1000, 0, "pear" };
	struct skep_map_info info = { .sz = sizeof(info) };
	struct skep_program *p;
	struct skep *s;
	uint32_t uid = 7, next, n = 0;
	uint64_t got, count;
	int map;

	o.mem_size = sizeof(struct record);
	o.execution = how;
	s = load(&o, "filter.c", filter_text);
	p = must(s, NULL);
	assert_int_equal(skep_call(p, NULL, &big, sizeof(big), &got), 0);
	assert_int_equal(got, 1);
	assert_int_equal(skep_call(p, NULL, &small, sizeof(small), &got), 0);
	assert_int_equal(got, 0);
	assert_int_equal(skep_call(p, NULL, &other, sizeof(other), &got), 0);
	assert_int_equal(got, 0);
	assert_int_equal(skep_call(p, NULL, &big, sizeof(big) - 1, &got), -EINVAL);
	map = skep_map_find(s, "seen");
	assert_true(map >= 0);
	assert_int_equal(skep_map_info(s, map, &info), 0);
	assert_string_equal(info.name, "seen");
	assert_int_equal(info.key_size, 4);
	assert_int_equal(info.value_bytes, 8);
	assert_int_equal(skep_map_lookup(s, map, &uid, &count), 0);
	assert_int_equal(count, 2);
	for (void *key = NULL; !skep_map_next(s, map, key, &next); key = &uid, n++)
		uid = next;
	assert_int_equal(n, 2);
	count = 99;
	assert_int_equal(skep_map_update(s, map, &uid, &count, 1), -EEXIST);
	assert_int_equal(skep_map_update(s, map, &uid, &count, 0), 0);
	assert_int_equal(skep_map_delete(s, map, &uid), 0);
	assert_int_equal(skep_map_lookup(s, map, &uid, &count), -ENOENT);
	assert_int_equal(skep_map_find(s, "none"), -ENOENT);
	assert_int_equal(skep_map_info(s, 99, &info), -ENOENT);
	skep_close(s);
}

static void filter_in_c(void **state)
{
	(void)state;
	call_filter(SKEP_INTERPRETER);
	call_filter(SKEP_FASTEST);
}

/* C reads data and data_end as numbers; the code must use them as the pointers that they are. */
static void packet_in_c(void **state)
{
	static const char text[] =
		"SEC(\"xdp\") int f(struct xdp_md *ctx)\n{\n"
		"	u8 *data = (u8 *)(long)ctx->data, *end = (u8 *)(long)ctx->data_end;\n"
		"	if (data + 14 > end) return XDP_PASS;\n"
		"	return data[13] == 8 ? XDP_DROP : XDP_PASS;\n}\n";
	struct skep_options o = options();
	struct skep *s;

	(void)state;
	o.engine = SKEP_ENGINE_USER;
	s = load(&o, "x.c", text);
	if (skep_check(s) != 1)
		fail_msg("%s%s", skep_diagnostics(s, 0), skep_error(s));
	skep_close(s);
}

static void refusal_is_explained(void **state)
{
	struct skep_options o = options();
	struct skep_program *p;
	struct skep *s;

	(void)state;
	o.mem_size = 8;
	s = load(&o, "far.c", "struct r { u64 a, b; };\nint far(struct r *r)\n{\n\treturn r->b;\n}\n");
	assert_int_equal(skep_program(s, NULL, &p), -SKEP_WRONG_PROGRAM);
	assert_null(p);
	want_part(skep_diagnostics(s, 0), "far.c:4:9: error: program 'far' is not safe: ");
	want_part(skep_diagnostics(s, 0), "[V_MEM_BOUNDS]");
	want_part(skep_diagnostics_json(s), "\"tag\":\"E_UNSAFE\",\"rule\":\"V_MEM_BOUNDS\"");
	skep_close(s);
}

static void names(void **state)
{
	struct skep_options o = options();
	struct skep_program *p, *q;
	struct skep *s;
	u64 ctx = 0;
	uint64_t got;

	(void)state;
	o.mem_size = 8;
	s = load(&o, "two.c", "int one(u64 *x) { return 1; }\nint two(u64 *x) { return 2; }\n");
	assert_int_equal(skep_program(s, NULL, &p), -EINVAL);
	want_part(skep_error(s), "2 programs");
	assert_int_equal(skep_program(s, "tow", &p), -ENOENT);
	want_part(skep_error(s), "did you mean 'two'?");
	p = must(s, "two");
	q = must(s, "one");
	assert_ptr_equal(must(s, "two"), p);
	assert_int_equal(skep_call(p, NULL, &ctx, 8, &got), 0);
	assert_int_equal(got, 2);
	assert_int_equal(skep_call(q, NULL, &ctx, 8, &got), 0);
	assert_int_equal(got, 1);
	skep_close(s);
}

/* The context is as large as the proof wants it. */
static void context_of_type(void **state)
{
	struct skep *s = load(NULL, "x.s", ".section socket\nr0 = *(u32 *)(r1 + 0)\nexit\n");
	struct skep_program *p = must(s, NULL);
	uint32_t skb[48] = { 77 };
	uint64_t got;

	(void)state;
	assert_int_equal(skep_call(p, NULL, skb, 3, &got), -EINVAL);
	assert_int_equal(skep_call(p, NULL, skb, sizeof(skb), &got), 0);
	assert_int_equal(got, 77);
	skep_close(s);
}

static void budget(void **state)
{
	static const char text[] = "r0 = 0\nr2 = 100000\nl:\nr0 += 1\nr2 -= 1\nif r2 != 0 goto l\nexit\n";
	static const enum skep_execution hows[] = { SKEP_INTERPRETER, SKEP_FASTEST };

	(void)state;
	for (u32 i = 0; i < 2; i++) {
		struct skep_options o = options();
		struct skep_program *p;
		struct skep *s;
		uint64_t got;

		o.execution = hows[i];
		o.budget = 1000;
		s = load(&o, "loop.s", text);
		p = must(s, NULL);
		assert_int_equal(skep_call(p, NULL, NULL, 0, &got), -ETIME);
		skep_close(s);
		o.budget = 1000000;
		s = load(&o, "loop.s", text);
		assert_int_equal(skep_call(must(s, NULL), NULL, NULL, 0, &got), 0);
		assert_int_equal(got, 100000);
		skep_close(s);
	}
}

static void unverified_is_checked(void **state)
{
	struct skep_options o = options();
	struct skep *s;
	uint64_t got;

	(void)state;
	o.unverified = 1;
	o.execution = SKEP_INTERPRETER;
	s = load(&o, "wild.s", "r1 = 16\nr0 = *(u64 *)(r1 + 0)\nexit\n");
	assert_int_equal(skep_call(must(s, NULL), NULL, NULL, 0, &got), -EFAULT);
	skep_close(s);
}

/* ---- assembly --------------------------------------------------------------------------------- */

static void assembly_with_maps(void **state)
{
	struct skep *s = load(NULL, "count.s",
			      ".map counts array 4 8 2\n"
			      "r2 = r10\nr2 += -4\n*(u32 *)(r10 - 4) = 1\nr1 = map[counts]\n"
			      "call bpf_map_lookup_elem\nif r0 == 0 goto out\nr1 = 5\n"
			      "*(u64 *)(r0 + 0) = r1\nout:\nr0 = 0\nexit\n");
	uint32_t key = 1;
	uint64_t value = 0;

	(void)state;
	assert_int_equal(skep_call(must(s, NULL), NULL, NULL, 0, NULL), 0);
	assert_int_equal(skep_map_lookup(s, 0, &key, &value), 0);
	assert_int_equal(value, 5);
	skep_close(s);
}

static void assembly_mistakes(void **state)
{
	static const struct { const char *text, *want; } cases[] = {
		{ "r1 = map[none]\nexit\n", "there is no map 'none' in this text" },
		{ ".map a hush 4 8 1\nr0 = 0\nexit\n", "has a type that does not exist" },
		{ ".map a hash 4 8\nr0 = 0\nexit\n", "is not declared whole" },
		{ ".map a hash 4 8 1\n.map a hash 4 8 1\nr0 = 0\nexit\n", "is declared already" },
		{ "; nothing\n", "the text has no instruction" },
		{ "r0 = 0\n", "[V_FALL_OFF]" },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct skep *s = load(NULL, "x.s", cases[i].text);
		struct skep_program *p;

		assert_int_equal(skep_program(s, NULL, &p), -SKEP_WRONG_PROGRAM);
		want_part(skep_diagnostics(s, 0), cases[i].want);
		skep_close(s);
	}
}

static void wrong_section(void **state)
{
	struct skep_options o = options();
	struct skep *s = load(NULL, "x.s", ".section xdpp\nr0 = 0\nexit\n");
	struct skep_program *p;

	(void)state;
	assert_int_equal(skep_program(s, NULL, &p), -EINVAL);
	want_part(skep_error(s), "did you mean 'xdp'?");
	skep_close(s);
	o.program_type = "xdpp";
	s = load(&o, "x.s", "r0 = 0\nexit\n");
	assert_int_equal(skep_program(s, NULL, &p), -EINVAL);
	want_part(skep_error(s), "there is no program type 'xdpp'");
	skep_close(s);
}

/* ---- helpers ---------------------------------------------------------------------------------- */

static uint64_t sum_bytes(struct skep_thread *t, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e)
{
	const unsigned char *bytes = (const unsigned char *)(uintptr_t)a;
	uint64_t sum = 0;

	(void)c;
	(void)d;
	(void)e;
	++*(int *)skep_thread_data(t);
	for (uint64_t i = 0; i < b; i++)
		sum += bytes[i];
	return sum;
}

static const struct skep_helper sum_helper = {
	.sz = sizeof(sum_helper), .id = SKEP_FIRST_HELPER, .name = "sum_bytes",
	.result = SKEP_INTEGER, .args = { SKEP_READABLE, SKEP_SIZE }, .call = sum_bytes,
};

static void helpers(void **state)
{
	static const char good[] = "r2 = 4\ncall 0x10000\nexit\n", bad[] = "r2 = 9\ncall 0x10000\nexit\n";
	static const enum skep_execution hows[] = { SKEP_INTERPRETER, SKEP_FASTEST };
	unsigned char mem[8] = { 1, 2, 3, 4, 5 };
	uint64_t got;
	int calls = 0;

	(void)state;
	for (u32 i = 0; i < 2; i++) {
		struct skep_options o = options();
		struct skep *s;

		o.mem_size = 8;
		o.execution = hows[i];
		s = load(&o, "h.s", good);
		assert_int_equal(skep_add_helper(s, &sum_helper), 0);
		assert_int_equal(skep_add_helper(s, &sum_helper), -EEXIST);
		assert_int_equal(skep_set_data(s, &calls), 0);
		assert_int_equal(skep_call(must(s, NULL), NULL, mem, 8, &got), 0);
		assert_int_equal(got, 10);
		assert_int_equal(calls, (int)i + 1);
		skep_close(s);
	}
	struct skep_options o = options();
	struct skep_program *p;

	o.mem_size = 8;
	struct skep *s = load(&o, "h.s", bad);
	assert_int_equal(skep_add_helper(s, &sum_helper), 0);
	assert_int_equal(skep_program(s, NULL, &p), -SKEP_WRONG_PROGRAM);
	want_part(skep_diagnostics(s, 0), "h.s:2:1: error:");
	skep_close(s);
	s = load(&o, "h.s", good);
	assert_int_equal(skep_program(s, NULL, &p), -SKEP_WRONG_PROGRAM);
	want_part(skep_diagnostics(s, 0), "[V_HELPER]");
	skep_close(s);
}

/* In C a helper is a constant pointer, as libbpf's header declares its own. */
static void helpers_in_c(void **state)
{
	static const char text[] =
		"static long (*sum_bytes)(void *p, long n) = (void *)0x10000;\n"
		"static u64 (*now)(void) = (void *)5;\n"
		"int f(u8 *x) { return now() ? sum_bytes(x, 4) : 0; }\n";
	unsigned char mem[8] = { 1, 2, 3, 4, 5 };
	struct skep_options o = options();
	struct skep *s;
	uint64_t got;
	int calls = 0;

	(void)state;
	o.mem_size = 8;
	s = load(&o, "h.c", text);
	assert_int_equal(skep_add_helper(s, &sum_helper), 0);
	assert_int_equal(skep_set_data(s, &calls), 0);
	assert_int_equal(skep_call(must(s, NULL), NULL, mem, 8, &got), 0);
	assert_int_equal(got, 10);
	assert_int_equal(calls, 1);
	skep_close(s);
}

static void wrong_helpers(void **state)
{
	struct skep *s = skep_open(NULL);
	static const struct { struct skep_helper h; const char *want; } cases[] = {
		{ { .id = SKEP_FIRST_HELPER, .name = "x" }, "a name and a function" },
		{ { .id = 5, .name = "x", .call = sum_bytes }, "SKEP_FIRST_HELPER" },
		{ { .id = SKEP_FIRST_HELPER, .name = "x", .call = sum_bytes, .result = SKEP_MAP }, "only be a number" },
		{ { .id = SKEP_FIRST_HELPER, .name = "x", .call = sum_bytes, .args = { SKEP_READABLE } }, "the size of memory" },
		{ { .id = SKEP_FIRST_HELPER, .name = "x", .call = sum_bytes, .args = { SKEP_SIZE } }, "memory before it" },
		{ { .id = SKEP_FIRST_HELPER, .name = "x", .call = sum_bytes, .args = { SKEP_NOTHING, SKEP_INTEGER } }, "where there are none" },
		{ { .id = SKEP_FIRST_HELPER, .name = "x", .call = sum_bytes, .args = { SKEP_MAP_KEY } }, "its map before it" },
		{ { .id = SKEP_FIRST_HELPER, .name = "x", .call = sum_bytes, .args = { (enum skep_type)99 } }, "unknown type" },
	};

	(void)state;
	for (u32 i = 0; i < ARRAY_LEN(cases); i++) {
		struct skep_helper h = cases[i].h;

		h.sz = sizeof(h);
		assert_int_equal(skep_add_helper(s, &h), -EINVAL);
		want_part(skep_error(s), cases[i].want);
	}
	skep_close(s);
}

/* ---- threads ---------------------------------------------------------------------------------- */

enum { THREADS = 4, ROUNDS = 20000 };
struct worker { struct skep_program *p; unsigned slot; int result; };

static void *work(void *arg)
{
	struct worker *w = arg;
	struct skep_thread *t = skep_thread_new(w->slot);
	uint64_t ctx = 0;

	for (u32 i = 0; t && !w->result && i < ROUNDS; i++)
		w->result = skep_call(w->p, t, &ctx, sizeof(ctx), NULL);
	if (!t)
		w->result = -ENOMEM;
	skep_thread_free(t);
	return NULL;
}

static void threads(void **state)
{
	static const char text[] = "BPF_ARRAY(n, u64, 1);\n"
				   "int count(u64 *x) { int k = 0; u64 *v = n.lookup(&k); if (v) __sync_fetch_and_add(v, 1); return 0; }\n";
	struct skep_options o = options();
	pthread_t at[THREADS];
	struct worker w[THREADS];
	struct skep *s;
	uint32_t key = 0;
	uint64_t n = 0;

	(void)state;
	o.mem_size = 8;
	s = load(&o, "count.c", text);
	for (unsigned i = 0; i < THREADS; i++)
		w[i] = (struct worker){ must(s, NULL), i, 0 };
	for (unsigned i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&at[i], NULL, work, &w[i]), 0);
	for (unsigned i = 0; i < THREADS; i++) {
		pthread_join(at[i], NULL);
		assert_int_equal(w[i].result, 0);
	}
	assert_int_equal(skep_map_lookup(s, skep_map_find(s, "n"), &key, &n), 0);
	assert_int_equal(n, THREADS * ROUNDS);
	skep_close(s);
}

static void wrong_use(void **state)
{
	struct skep *s = skep_open(NULL);
	struct skep_program *p;
	uint64_t v;

	(void)state;
	assert_int_equal(skep_program(s, NULL, &p), -SKEP_WRONG_USE);
	assert_int_equal(skep_map_lookup(s, 0, &v, &v), -ENOENT);
	skep_close(s);
	s = load(NULL, "x.s", ".map m array 4 8 1\nr0 = 0\nexit\n");
	assert_int_equal(skep_compile(s), 0);
	assert_int_equal(skep_map_lookup(s, 0, &v, &v), -SKEP_WRONG_USE);
	skep_close(s);
	s = skep_open(NULL);
	assert_int_equal(skep_load_text(s, "x", "1234567", 7, SKEP_BYTECODE), 0);
	assert_int_equal(skep_program(s, NULL, &p), -SKEP_BAD_FILE);
	want_part(skep_error(s), "not a whole number of instructions");
	skep_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(isa_interpreter),
		cmocka_unit_test(isa_native),
		cmocka_unit_test(isa_interpreter_unverified),
		cmocka_unit_test(isa_native_unverified),
		cmocka_unit_test(filter_in_c),
		cmocka_unit_test(packet_in_c),
		cmocka_unit_test(refusal_is_explained),
		cmocka_unit_test(names),
		cmocka_unit_test(context_of_type),
		cmocka_unit_test(budget),
		cmocka_unit_test(unverified_is_checked),
		cmocka_unit_test(assembly_with_maps),
		cmocka_unit_test(assembly_mistakes),
		cmocka_unit_test(wrong_section),
		cmocka_unit_test(helpers),
		cmocka_unit_test(helpers_in_c),
		cmocka_unit_test(wrong_helpers),
		cmocka_unit_test(threads),
		cmocka_unit_test(wrong_use),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
