/* Unit tests of ELF objects: what clang made is read, adapted and run; what skep writes is read back alike, opened
 * and loaded by libbpf, and is the same each time; damaged files end in an error. */
#include "skep/skep.h"
#include "base/base.h"

#include <bpf/libbpf.h>
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <cmocka.h>

#define CORE "tests/objects/core.o"

static const char program_text[] =
	"#include <linux/bpf.h>\n"
	"#include <bpf/bpf_helpers.h>\n"
	"struct { __uint(type, BPF_MAP_TYPE_HASH); __uint(max_entries, 8); __type(key, u32); __type(value, u64); } seen SEC(\".maps\");\n"
	"const volatile u32 limit = 3;\n"
	"u64 total;\n"
	"static __noinline int over(u64 *n) { return *n > limit; }\n"
	"SEC(\"socket\") int count(struct __sk_buff *skb)\n"
	"{\n"
	"	u32 key = skb->len;\n"
	"	u64 one = 1, *n = bpf_map_lookup_elem(&seen, &key);\n"
	"	total++;\n"
	"	if (!n) { bpf_map_update_elem(&seen, &key, &one, BPF_ANY); return 0; }\n"
	"	*n += 1;\n"
	"	return over(n);\n"
	"}\n"
	"SEC(\"tracepoint/sched/sched_switch\") int second(void *ctx) { total++; return 0; }\n"
	"char LICENSE[] SEC(\"license\") = \"GPL\";\n";

static void want_part(const char *text, const char *part)
{
	if (!strstr(text, part))
		fail_msg("'%s' is not in: %s", part, text);
}

static struct skep *load(const char *bytes, size_t n, enum skep_language lang)
{
	struct skep *s = skep_open(NULL);

	assert_non_null(s);
	if (skep_load_text(s, lang == SKEP_C ? "t.c" : "t.o", bytes, n, lang))
		fail_msg("%s", skep_error(s));
	return s;
}

static struct skep *load_core(void)
{
	struct skep *s = skep_open(NULL);

	assert_non_null(s);
	if (skep_load_file(s, CORE, SKEP_AUTO))
		fail_msg("%s", skep_error(s));
	return s;
}

static struct skep_program *must(struct skep *s, const char *name)
{
	struct skep_program *p;

	if (skep_program(s, name, &p))
		fail_msg("%s%s", skep_diagnostics(s, 0), skep_error(s));
	return p;
}

/* The object as bytes of its own. */
static char *build(struct skep *s, size_t *out_n)
{
	const void *bytes;
	char *copy;

	if (skep_build(s, &bytes, out_n))
		fail_msg("%s%s", skep_diagnostics(s, 0), skep_error(s));
	copy = malloc(*out_n);
	assert_non_null(copy);
	memcpy(copy, bytes, *out_n);
	return copy;
}

static int append(void *arg, const char *bytes, size_t n)
{
	char **text = arg;
	size_t had = *text ? strlen(*text) : 0;

	*text = realloc(*text, had + n + 1);
	assert_non_null(*text);
	memcpy(*text + had, bytes, n);
	(*text)[had + n] = 0;
	return 0;
}

static char *listing(struct skep *s)
{
	char *text = NULL;

	if (skep_dump(s, "bpf", append, &text))
		fail_msg("%s%s", skep_diagnostics(s, 0), skep_error(s));
	return text;
}

/* ---- reading ---------------------------------------------------------------------------------- */

static void clang_object(void **state)
{
	struct skep *s = load_core();
	char *text = listing(s);

	(void)state;
	want_part(text, "map counts: hash, key 4 (u32), value 8 (u64), entries 16");
	want_part(text, "map outer: hash_of_maps");
	want_part(text, "limit (const volatile u32) = \"\\007");
	want_part(text, "function add: ");
	want_part(text, "global function twice: ");
	want_part(text, "func[each]");
	want_part(text, "prog second: raw_tracepoint, section \"raw_tp/sys_enter\"");
	want_part(text, "core.c:108: ");
	free(text);
	skep_close(s);
}

static void runs_in_user_space(void **state)
{
	struct skep *s = load_core();
	struct skep_program *p = must(s, "plain");
	unsigned char skb[256] = { 0 };
	uint32_t key = 9;
	uint64_t got, count;

	(void)state;
	assert_int_equal(skep_call(p, NULL, skb, sizeof(skb), &got), 0);
	assert_int_equal(got, 2 * (1 + 6));
	for (int i = 0; i < 7; i++)
		assert_int_equal(skep_call(p, NULL, skb, sizeof(skb), &got), 0);
	assert_int_equal(got, 2 * (1 + 13));
	assert_int_equal(skep_map_lookup(s, skep_map_find(s, "counts"), &key, &count), 0);
	assert_int_equal(count, 8);
	assert_int_equal(skep_call(must(s, "first"), NULL, skb, sizeof(skb), &got), 0);
	assert_int_equal(got, 2);
	skep_close(s);
}

static const char offset_text[] =
	"SEC(\"socket\") int f(void *ctx) { return __builtin_offsetof(struct task_struct, tgid); }\n";

static void offsets_are_the_kernels(void **state)
{
	struct skep *s = load_core(), *c;
	char *text = listing(s), want[64], *members = NULL;

	(void)state;
	if (access("/sys/kernel/btf/vmlinux", R_OK)) {
		free(text);
		skep_close(s);
		skip();
	}
	c = load(offset_text, strlen(offset_text), SKEP_C);
	members = listing(c);
	assert_non_null(strstr(members, "0 = "));
	snprintf(want, sizeof(want), "= %ld\n", strtol(strstr(members, "0 = ") + 4, NULL, 10));
	want_part(text, want);
	/* What no kernel has leaves a call of a helper that no kernel has either, where nothing leads. */
	want_part(text, "call 195896080");
	free(members);
	free(text);
	skep_close(c);
	skep_close(s);
}

/* ---- writing ---------------------------------------------------------------------------------- */

static void round_trip(void **state)
{
	struct skep *s = load_core(), *again;
	size_t n, m;
	char *bytes = build(s, &n), *more, *a = listing(s), *b;

	(void)state;
	again = load(bytes, n, SKEP_OBJECT);
	b = listing(again);
	assert_string_equal(a, b);
	skep_close(s);
	s = load_core();
	more = build(s, &m);
	assert_int_equal(n, m);
	assert_memory_equal(bytes, more, n);
	free(a);
	free(b);
	free(bytes);
	free(more);
	skep_close(s);
	skep_close(again);
}

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	if (level == LIBBPF_WARN)
		vfprintf(stderr, format, args);
	return 0;
}

/* libbpf finds what was meant; where this process may, the kernel takes it. */
static void libbpf_loads(struct skep *s, const char *map, const char *first, const char *second, bool socket_only)
{
	struct bpf_object *o;
	struct bpf_program *p;
	size_t n;
	char *bytes = build(s, &n);

	libbpf_set_print(quiet);
	o = bpf_object__open_mem(bytes, n, NULL);
	assert_false(libbpf_get_error(o));
	assert_non_null(bpf_object__find_map_by_name(o, map));
	assert_non_null(bpf_object__find_program_by_name(o, first));
	assert_non_null(bpf_object__find_program_by_name(o, second));
	assert_int_equal(bpf_map__max_entries(bpf_object__find_map_by_name(o, "seen")), 8);
	bpf_object__for_each_program(p, o)
		if (socket_only && bpf_program__type(p) != BPF_PROG_TYPE_SOCKET_FILTER)
			bpf_program__set_autoload(p, false);
	if (geteuid() == 0)
		assert_int_equal(bpf_object__load(o), 0);
	bpf_object__close(o);
	free(bytes);
}

static void libbpf_takes_it(void **state)
{
	struct skep *s = load(program_text, strlen(program_text), SKEP_C);

	(void)state;
	libbpf_loads(s, "seen", "count", "second", false);
	skep_close(s);
}

static void c_is_the_same_from_an_object(void **state)
{
	struct skep *s = load(program_text, strlen(program_text), SKEP_C), *o;
	unsigned char skb[256] = { 0 };
	uint64_t got;
	size_t n;
	char *bytes = build(s, &n);

	(void)state;
	o = load(bytes, n, SKEP_AUTO);
	for (int i = 0; i < 4; i++) {
		assert_int_equal(skep_call(must(o, "count"), NULL, skb, sizeof(skb), &got), 0);
		assert_int_equal(got, i > 2);
	}
	free(bytes);
	skep_close(s);
	skep_close(o);
}

static void output_is_refused(void **state)
{
	static const char text[] = "BEGIN { printf(\"hello\\n\"); }";
	struct skep *s = skep_open(NULL);
	const void *bytes;
	size_t n;

	(void)state;
	assert_int_equal(skep_load_text(s, "t.bt", text, strlen(text), SKEP_AUTO), 0);
	assert_int_equal(skep_build(s, &bytes, &n), -SKEP_UNSUPPORTED);
	want_part(skep_error(s), "an object cannot carry that");
	skep_close(s);
}

/* ---- damaged files ---------------------------------------------------------------------------- */

static char *read_core(size_t *out_n)
{
	FILE *f = fopen(CORE, "re");
	char *bytes = malloc(1 << 16);

	assert_non_null(f);
	assert_non_null(bytes);
	*out_n = fread(bytes, 1, 1 << 16, f);
	fclose(f);
	return bytes;
}

/* Any answer will do, but one must come. */
static void try_object(const char *bytes, size_t n)
{
	struct skep *s = skep_open(NULL);
	struct skep_program *p;
	int r = skep_load_text(s, "t.o", bytes, n, SKEP_OBJECT);

	if (!r)
		r = skep_program(s, "plain", &p);
	if (r && !*skep_error(s) && !*skep_diagnostics(s, 0))
		fail_msg("nothing is said about error %d", r);
	skep_close(s);
}

static void truncated(void **state)
{
	size_t n;
	char *bytes = read_core(&n);

	(void)state;
	for (size_t at = 0; at < n; at += 61) {
		char *cut = malloc(at + 1);

		memcpy(cut, bytes, at);
		try_object(cut, at);
		free(cut);
	}
	free(bytes);
}

static void mutated(void **state)
{
	static const unsigned char evil[] = { 0, 1, 0x7f, 0x80, 0xff };
	uint64_t random = 0x9e3779b97f4a7c15;
	size_t n;
	char *bytes = read_core(&n), *copy = malloc(n);

	(void)state;
	for (int round = 0; round < 400; round++) {
		memcpy(copy, bytes, n);
		for (int k = 0; k <= round % 4; k++) {
			size_t at;

			random ^= random << 13;
			random ^= random >> 7;
			random ^= random << 17;
			/* Half of the changes hit the headers and tables at the end. */
			at = random & 1 ? (random >> 8) % n : n - 1 - (random >> 8) % 2000;
			copy[at] = random & 2 ? (char)evil[(random >> 4) % sizeof(evil)] : (char)(copy[at] ^ 1 << (random >> 4) % 8);
		}
		try_object(copy, n);
	}
	free(copy);
	free(bytes);
}

static void foreign(void **state)
{
	static const struct { const char *bytes; size_t n; const char *want; } cases[] = {
		{ "\177ELF", 4, "no ELF file" },
		{ "hello", 5, "no ELF file" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct skep *s = load(cases[i].bytes, cases[i].n, SKEP_OBJECT);

		assert_int_equal(skep_compile(s), -SKEP_BAD_FILE);
		want_part(skep_error(s), cases[i].want);
		skep_close(s);
	}
	struct skep *s = skep_open(NULL);

	assert_int_equal(skep_load_file(s, "/proc/self/exe", SKEP_AUTO), 0);
	assert_int_equal(skep_compile(s), -SKEP_BAD_FILE);
	want_part(skep_error(s), "not an object for BPF");
	skep_close(s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clang_object),
		cmocka_unit_test(runs_in_user_space),
		cmocka_unit_test(offsets_are_the_kernels),
		cmocka_unit_test(round_trip),
		cmocka_unit_test(libbpf_takes_it),
		cmocka_unit_test(c_is_the_same_from_an_object),
		cmocka_unit_test(output_is_refused),
		cmocka_unit_test(truncated),
		cmocka_unit_test(mutated),
		cmocka_unit_test(foreign),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
