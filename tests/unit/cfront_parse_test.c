/* Unit tests of cfront: parser and type checker. */
#include "cfront_fixture.h"

#include <time.h>

/* ---- types of expressions --------------------------------------------------------------------- */

#define PRELUDE \
	"struct point { int x, y; };\n" \
	"struct rec { char c; short s; unsigned char uc; unsigned int low:3; int neg:3;\n" \
	"	unsigned long wide:40; unsigned int full:32; struct point at; struct rec *next;\n" \
	"	char name[16]; union { u32 a; u64 b; }; };\n" \
	"enum color { RED, GREEN = 5 };\n" \
	"typedef const int cint;\n" \
	"BPF_HASH(table, u32, struct rec);\n" \
	"BPF_ARRAY(slots, u64, 4);\n" \
	"int call(int a, char *b) { return a; }\n" \
	"int f(void *ctx) {\n" \
	"	char c = 1; short s = 1; unsigned short us = 1; int i = 1; unsigned int u = 1;\n" \
	"	long l = 1; unsigned long ul = 1; long long ll = 1; unsigned long long ull = 1;\n" \
	"	bool b = 1; u8 byte = 1; u64 big = 1; cint ci = 1; const char *text = \"x\";\n" \
	"	int array[4] = {}; int grid[2][3] = {}; struct rec r = {}, *p = &r; struct point q = {};\n" \
	"	enum color col = RED; void *v = 0; int (*pa)[4] = &array;\n"

static const struct type *probe_type(struct fixture *f)
{
	for (const struct cf_sym *s = f->u->first; s; s = s->next)
		if (s->body)
			for (const struct cf_stmt *x = s->body->body; x; x = x->next)
				if (x->kind == ST_DECL && str_is(x->sym->name, "probe"))
					return x->sym->type;
	return NULL;
}

static void test_types(void **state)
{
	static const struct { const char *expr, *type; } cases[] = {
		/* constants, C11 6.4.4 */
		{ "1", "int" }, { "0x7fffffff", "int" }, { "0x80000000", "unsigned int" },
		{ "2147483648", "long" }, { "4294967295", "long" }, { "0xffffffff", "unsigned int" },
		{ "0x100000000", "long" }, { "0xffffffffffffffff", "unsigned long" },
		{ "1u", "unsigned int" }, { "1l", "long" }, { "1ull", "unsigned long long" },
		{ "1LL", "long long" }, { "'a'", "int" }, { "RED", "int" },
		{ "\"abc\"", "char *" }, { "sizeof(int)", "unsigned long" },
		/* promotions, 6.3.1.1 */
		{ "c", "char" }, { "+c", "int" }, { "-s", "int" }, { "~us", "int" }, { "+b", "int" },
		{ "+u", "unsigned int" }, { "-byte", "int" }, { "+col", "unsigned int" },
		{ "!l", "int" }, { "c << l", "int" }, { "l << c", "long" }, { "byte >> 1", "int" },
		{ "r.low", "unsigned int" }, { "+r.low", "int" }, { "+r.full", "unsigned int" },
		{ "+r.wide", "unsigned long" }, { "+r.neg", "int" }, { "r.low + 1u", "unsigned int" },
		/* usual arithmetic conversions, 6.3.1.8 */
		{ "c + s", "int" }, { "i + u", "unsigned int" }, { "i + l", "long" }, { "u + l", "long" },
		{ "l + ul", "unsigned long" }, { "ul + ll", "unsigned long long" }, { "l + ll", "long long" },
		{ "u + ll", "long long" }, { "ull + i", "unsigned long long" }, { "us * us", "int" },
		{ "i ? c : u", "unsigned int" }, { "i ?: l", "long" }, { "big & 0xff", "unsigned long long" },
		{ "c == l", "int" }, { "p && i", "int" }, { "u < i", "int" }, { "(i, l)", "long" },
		/* pointers, arrays, members */
		{ "array", "int *" }, { "&array", "int (*)[4]" }, { "grid", "int (*)[3]" },
		{ "grid[1]", "int *" }, { "grid[1][2]", "int" }, { "*grid", "int *" }, { "&grid[1]", "int (*)[3]" },
		{ "array + 1", "int *" }, { "1 + array", "int *" }, { "&array[3] - array", "long" },
		{ "*pa", "int *" }, { "(*pa)[1]", "int" }, { "2[array]", "int" },
		{ "p->next", "struct rec *" }, { "p->next->at", "struct point" }, { "p->at.x", "int" },
		{ "&p->at", "struct point *" }, { "r.name", "char *" }, { "&r.name", "char (*)[16]" },
		{ "r.a", "u32" }, { "r.b", "u64" }, { "*p", "struct rec" }, { "text", "const char *" },
		{ "*text", "char" }, { "text[0] + 0", "int" }, { "i ? p : 0", "struct rec *" },
		{ "i ? v : p", "void *" }, { "i ? (void *)0 : p", "struct rec *" }, { "i ? q : p->at", "struct point" },
		{ "p == 0", "int" }, { "!p", "int" }, { "v + 1", "void *" }, { "ci", "int" }, { "&ci", "cint *" },
		/* assignments keep the left type */
		{ "c = l", "char" }, { "c += l", "char" }, { "p += 1", "struct rec *" }, { "c++", "char" },
		{ "--p", "struct rec *" }, { "q = r.at", "struct point" }, { "b = p", "bool" },
		/* casts and calls */
		{ "(u8)l", "u8" }, { "(void *)l", "void *" }, { "(struct rec *)v", "struct rec *" },
		{ "(char)300", "char" }, { "(bool)p", "bool" }, { "call(1, 0)", "int" },
		{ "(struct point){ 1, 2 }", "struct point" }, { "(int[]){ 1, 2 }", "int *" },
		{ "({ int z = 1; z + l; })", "long" }, { "bpf_ktime_get_ns()", "u64" },
		{ "bpf_get_smp_processor_id()", "unsigned int" }, { "bpf_get_current_comm(r.name, 16)", "long" },
		{ "bpf_map_lookup_elem(&table, &u)", "void *" }, { "table.lookup(&u)", "struct rec *" },
		{ "table.update(&u, &r)", "int" }, { "slots.lookup_or_try_init(&i, &big)", "u64 *" },
		{ "__builtin_bswap16(i)", "unsigned short" }, { "ntohl(u)", "unsigned int" },
		{ "__sync_fetch_and_add(&big, 1)", "u64" }, { "__builtin_expect(i, 0)", "long" },
		{ "__builtin_offsetof(struct rec, at.y)", "unsigned long" },
		{ "_Generic(l, int: c, long: text, default: 0)", "const char *" },
		{ "_Generic(u, int: c, default: p)", "struct rec *" },
		{ "(typeof(table.key))1", "u32" }, { "*(typeof(table.leaf) *)v", "struct rec" },
		{ "sizeof(table.leaf)", "unsigned long" }, { "__func__", "char *" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct sbuf text, got;
		char source[4096];

		snprintf(source, sizeof(source), PRELUDE "__auto_type probe = %s; return 0; }",
			 cases[i].expr);
		fixture_parse(&f, "t.c", str_of(source));
		sbuf_init(&text, f.a);
		sbuf_init(&got, f.a);
		if (f.dx.n_errors || !probe_type(&f))
			fail_msg("%s:\n" STR_FMT, cases[i].expr, STR_ARG(fixture_diags(&f)));
		ty_print(&got, probe_type(&f));
		fixture_want(cases[i].expr, sbuf_str(&got), str_of(cases[i].type));
		arena_free(f.a);
	}
}

/* ---- constant expressions ----------------------------------------------------------------------- */

struct cs { char c; int i; short s[3]; struct { long l; unsigned b:5; } in; };
enum ce { CE_A = -1, CE_B, CE_C = 0x7fffffff };

/* The C compiler of this test computes what is expected. */
#define CONSTANTS(X) \
	X(1 + 2 * 3) X(7 / 2) X(-7 / 2) X(-7 % 3) X(7u % 3) X(1 << 10) X(-8 >> 1) X(0xffffffffu >> 4) \
	X(~0) X(~0u) X(~0ull) X(!5) X(!0) X(-2147483647 - 1) X(0x80000000) X(-0x80000000) \
	X(2147483647 + 0u + 1) X(1u - 2) X(1ul - 2) X((unsigned char)300) X((signed char)200) \
	X((unsigned short)-1) X((int)0xffffffffu) X((long)0xffffffffu) X((long)(int)0xffffffffu) \
	X((_Bool)256) X((_Bool)0) X(1 < 2) X(-1 < 1u) X(-1 < 1) X(-1l < 1u) X(1 == 1 && 2 > 3) \
	X(0 || 4) X(1 ? 2 : 3) X(0 ? 2 : 3u) X(5 & 6 | 8 ^ 1) X(1 - 1 - 1) X(2 * 3 % 4) \
	X(sizeof(int)) X(sizeof(struct cs)) X(sizeof(char[7])) X(sizeof(((struct cs *)0)->in)) \
	X(sizeof "abc") X(sizeof(1 ? 'a' : 2l)) X(_Alignof(struct cs)) X(_Alignof(short)) \
	X(__builtin_offsetof(struct cs, in)) X(__builtin_offsetof(struct cs, s[2])) \
	X(__builtin_offsetof(struct cs, in.l)) X((long)&((struct cs *)0)->in.l) \
	X((long)&((struct cs *)16)->s[1]) X('a') X('\n') X('\377') X('\x41') X('ab') X(CE_A) X(CE_B) \
	X(CE_C) X(CE_A + CE_B) X((enum ce)CE_A < 0) X(0777) X(0b1011) X(123456789012345ll) \
	X(0xdeadbeefcafebabeull) X(18446744073709551615ull / 3) X((s64)-9223372036854775807ll / -1) \
	X(__builtin_bswap16(0x1234)) X(__builtin_bswap32(0x12345678u)) \
	X(__builtin_bswap64(0x123456789abcdef0ull)) X(__builtin_popcount(0xff)) X(__builtin_clz(1)) \
	X(__builtin_ctzll(64)) X(__builtin_strlen("hello")) X(__builtin_constant_p(3)) \
	X(__builtin_types_compatible_p(int, signed int)) X(__builtin_types_compatible_p(int, long)) \
	X(__builtin_choose_expr(1, 10, 20)) X(__builtin_expect(3, 1)) \
	X(_Generic(1u, int: 1, unsigned: 2, default: 3)) X(1 ?: 9) X(0 ?: 9) X(-1 >> 31) \
	X((unsigned)-1 >> 31) X(1ull << 63) X((short)0x8000) X((u8)~(u8)1) X(- -5) X(+'a') X(-CE_C - 1)
#define ROW(e) { #e, (long long)(e) },

static void test_constants(void **state)
{
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wmultichar"
#pragma GCC diagnostic ignored "-Wparentheses"
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wunused-value"
#pragma GCC diagnostic ignored "-Wpointer-arith"
#ifdef __clang__
#pragma GCC diagnostic ignored "-Wconstant-conversion"
#pragma GCC diagnostic ignored "-Wbitwise-op-parentheses"
#endif
	static const struct { const char *expr; long long want; } cases[] = { CONSTANTS(ROW) };
#pragma GCC diagnostic pop

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		char source[1024];
		const struct cf_sym *probe;

		snprintf(source, sizeof(source),
			 "struct cs { char c; int i; short s[3]; struct { long l; unsigned b:5; } in; };\n"
			 "enum ce { CE_A = -1, CE_B, CE_C = 0x7fffffff };\n"
			 "long long probe = (long long)(%s);\n", cases[i].expr);
		fixture_parse(&f, "t.c", str_of(source));
		probe = f.u->first;
		if (f.dx.n_errors || !probe || !probe->init || probe->init->parts.n != 1)
			fail_msg("%s:\n" STR_FMT, cases[i].expr, STR_ARG(fixture_diags(&f)));
		if (probe->init->parts.at[0].value->value != cases[i].want)
			fail_msg("%s: got %lld, want %lld", cases[i].expr,
				 (long long)probe->init->parts.at[0].value->value, cases[i].want);
		arena_free(f.a);
	}
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void test_trees(void **state)
{
	static const struct { const char *name, *in, *want; } cases[] = {
		{ "hello", "int hello(void *ctx) { bpf_trace_printk(\"Hello World!\"); return 0; }",
		  "function hello: int (void *ctx)\n"
		  "  ctx ctx: void *\n"
		  "  block\n"
		  "    expr\n"
		  "      printk \"Hello World!\": int\n"
		  "    return\n"
		  "      const 0: int\n" },
		{ "scopes", "int x; int f(int x) { { int x = 1; x; } return x; }",
		  "variable x: int\n"
		  "function f: int (int x)\n"
		  "  ctx x: int\n"
		  "  block\n"
		  "    block\n"
		  "      decl x: int\n"
		  "        at 0: int\n"
		  "          const 1: int\n"
		  "      expr\n"
		  "        load: int\n"
		  "          sym x: int\n"
		  "    return\n"
		  "      load: int\n"
		  "        sym x: int\n" },
		{ "printk with the size of its format",
		  "int f(void *c) { char m[] = \"a %d\"; bpf_trace_printk(m, sizeof(m), 1);"
		  " bpf_trace_printk(\"%d\", 3, 2); return 0; }",
		  "function f: int (void *c)\n"
		  "  ctx c: void *\n"
		  "  block\n"
		  "    decl m: char [5]\n"
		  "      at 0: char [5]\n"
		  "        string \"a %d\": char [5]\n"
		  "    expr\n"
		  "      printk \"a %d\": int\n"
		  "        const 1: int\n"
		  "    expr\n"
		  "      printk \"%d\": int\n"
		  "        const 2: int\n"
		  "    return\n"
		  "      const 0: int\n" },
		{ "initialisers",
		  "struct in { int a, b; }; struct out { struct in x[2]; char t[4]; int m:3, n:5; };\n"
		  "struct out o = { { { 1, 2 }, 3 }, \"ab\", .n = 4 };\n"
		  "struct out e = { 1, 2, 3, 4, \"abcd\", 5, 6 };\n"
		  "int a[] = { [3] = 1, 2, [0] = 7, [1 ... 2] = 9 };\n"
		  "union { char c; int i; } v = { .i = 1, .c = 2 };\n",
		  "variable o: struct out\n"
		  "  at 0: int\n    const 1: int\n"
		  "  at 4: int\n    const 2: int\n"
		  "  at 8: int\n    const 3: int\n"
		  "  at 16: char [4]\n    string \"ab\": char [3]\n"
		  "  at 20:3 bits 5: int\n    const 4: int\n"
		  "variable e: struct out\n"
		  "  at 0: int\n    const 1: int\n"
		  "  at 4: int\n    const 2: int\n"
		  "  at 8: int\n    const 3: int\n"
		  "  at 12: int\n    const 4: int\n"
		  "  at 16: char [4]\n    string \"abcd\": char [5]\n"
		  "  at 20:0 bits 3: int\n    const 5: int\n"
		  "  at 20:3 bits 5: int\n    const 6: int\n"
		  "variable a: int [5]\n"
		  "  at 0: int\n    const 7: int\n"
		  "  at 4: int\n    const 9: int\n"
		  "  at 8: int\n    const 9: int\n"
		  "  at 12: int\n    const 1: int\n"
		  "  at 16: int\n    const 2: int\n"
		  "variable v: union {...}\n"
		  "  at 0: int\n    const 1: int\n"
		  "  at 0: char\n    const 2: char\n" },
		{ "maps",
		  "struct k { int a; char b[4]; };\n"
		  "BPF_HASH(h); BPF_HASH(h1, u32); BPF_HASH(h3, struct k, int, 2 * 8);\n"
		  "BPF_ARRAY(a, int, 3); BPF_PERCPU_ARRAY(pa); BPF_HISTOGRAM(d);\n"
		  "BPF_HISTOGRAM(dk, struct k); BPF_TABLE(\"percpu_hash\", u32, u64, t, 4);\n"
		  "BPF_TABLE(\"lru_hash:/sys/fs/bpf/x\", u32, u64, pinned, 4);\n"
		  "BPF_STACK_TRACE(st, 1000); BPF_RINGBUF_OUTPUT(rb, 8); BPF_QUEUE(q, int, 2);\n"
		  "struct { __uint(type, 1); __uint(max_entries, 9); __type(key, u32);"
		  " __type(value, struct k); } m SEC(\".maps\");\n"
		  "struct bpf_map_def SEC(\"maps\") old = { .type = 2, .key_size = 4, .value_size = 8,"
		  " .max_entries = 5 };\n",
		  "map h: hash key u64 value u64 sizes 8 8 entries 10240\n"
		  "map h1: hash key u32 value u64 sizes 4 8 entries 10240\n"
		  "map h3: hash key struct k value int sizes 8 4 entries 16\n"
		  "map a: array key int value int sizes 4 4 entries 3\n"
		  "map pa: percpu_array key int value u64 sizes 4 8 entries 10240\n"
		  "map d: array key int value u64 sizes 4 8 entries 64\n"
		  "map dk: hash key struct k value u64 sizes 8 8 entries 64\n"
		  "map t: percpu_hash key u32 value u64 sizes 4 8 entries 4\n"
		  "map pinned: lru_hash key u32 value u64 sizes 4 8 entries 4 pin \"/sys/fs/bpf/x\"\n"
		  "map st: stack_trace key unsigned int value u64 [127] sizes 4 1016 entries 1024\n"
		  "map rb: ringbuf sizes 0 0 entries 32768\n"
		  "map q: queue value int sizes 0 4 entries 2\n"
		  "map m: hash key u32 value struct k sizes 4 8 entries 9\n"
		  "map old: array sizes 4 8 entries 5\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct sbuf got;

		fixture_parse(&f, "t.c", str_of(cases[i].in));
		sbuf_init(&got, f.a);
		cf_dump_ast(f.u, &got);
		if (f.dx.n_errors)
			fail_msg("%s:\n" STR_FMT, cases[i].name, STR_ARG(fixture_diags(&f)));
		fixture_want(cases[i].name, sbuf_str(&got), str_of(cases[i].want));
		arena_free(f.a);
	}
}

/* ---- programs -------------------------------------------------------------------------------- */

static void test_programs(void **state)
{
	static const struct { const char *in, *want; } cases[] = {
		{ "int hello(void *ctx) { return 0; }", "hello: -\n" },
		{ "static int g(void) { return 0; } int f(void *c) { return g(); }", "f: -\n" },
		{ "int g(void) { return 0; } int f(void *c) { return g(); }", "g: - called\nf: -\n" },
		{ "int kprobe__do_exit(void *c) { return 0; }", "kprobe__do_exit: kprobe:do_exit\n" },
		{ "int kretprobe__do_exit(void *c) { return 0; }",
		  "kretprobe__do_exit: kretprobe:do_exit\n" },
		{ "int tracepoint__sched__sched_switch(void *c) { return 0; }",
		  "tracepoint__sched__sched_switch: tracepoint:sched:sched_switch\n" },
		{ "int raw_tracepoint__sys_enter(void *c) { return 0; }",
		  "raw_tracepoint__sys_enter: raw_tracepoint:sys_enter\n" },
		{ "TRACEPOINT_PROBE(irq, irq_handler_entry) { return 0; }",
		  "tracepoint__irq__irq_handler_entry: tracepoint:irq:irq_handler_entry\n" },
		{ "RAW_TRACEPOINT_PROBE(sys_exit) { return ctx->args[1] < 0; }",
		  "raw_tracepoint__sys_exit: raw_tracepoint:sys_exit\n" },
		{ "int syscall__execve(void *c) { return 0; } int syscall__nonsense(void *c) { return 0; }",
		  "syscall__execve: kprobe:execve\nsyscall__nonsense: -\n" },
		{ "SEC(\"kprobe/do_exit\") int f(void *c) { return 0; }", "f: kprobe:do_exit\n" },
		{ "SEC(\"?tp/sched/sched_switch\") int f(void *c) { return 0; }",
		  "f: tracepoint:sched:sched_switch disabled\n" },
		{ "SEC(\"kprobe\") int f(void *c) { return 0; }", "f: -\n" },
		{ "SEC(\"xdp\") int f(void *c) { return 0; }", "f: xdp\n" },
		{ "SEC(\"fentry/x\") int BPF_PROG(f, int a, char *b) { return a; }", "f: fentry:x\n" },
		{ "SEC(\"kprobe/x\") int BPF_KPROBE(f, int a, char *b) { return a; }", "f: kprobe:x\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct sbuf b;

		fixture_parse(&f, "t.c", str_of(cases[i].in));
		sbuf_init(&b, f.a);
		for (u32 k = 0; k < cf_program_count(f.u); k++) {
			const struct cf_program *p = cf_program_at(f.u, k);

			sbuf_printf(&b, STR_FMT ": ", STR_ARG(p->function));
			if (p->named_event)
				probes_print(&b, &p->want);
			else
				sbuf_putc(&b, '-');
			sbuf_printf(&b, "%s%s\n", p->is_called ? " called" : "",
				    p->disabled ? " disabled" : "");
		}
		if (f.dx.n_errors)
			fail_msg("%s:\n" STR_FMT, cases[i].in, STR_ARG(fixture_diags(&f)));
		fixture_want(cases[i].in, sbuf_str(&b), str_of(cases[i].want));
		arena_free(f.a);
	}
}

/* ---- the kernel's types ------------------------------------------------------------------------- */

struct kernel { struct fixture f; struct ty_btf *btf; u32 asked; };

static struct ty_btf *ask(void *arg)
{
	struct kernel *k = arg;

	k->asked++;
	return k->btf;
}

static const struct type *kernel_struct(struct ty_table *t, str tag, const struct ty_member *m, u32 n)
{
	struct type *ty = ty_tagged_new(t, TY_STRUCT, tag, (struct span){ 0, 0 });

	ty_layout(t, ty, m, n, false, 0);
	return ty;
}

/* struct ns { int inum; }; struct task { long state; int pid; struct ns *ns; struct task *parent; };
 * typedef struct task task_t; enum kind { KIND_A = 7 }; */
static str kernel_blob(struct arena *a, struct ty_table *t)
{
	const struct type *i = ty_basic(t, TY_B_INT), *l = ty_basic(t, TY_B_LONG), *ns, *task;
	struct type *kind = ty_tagged_new(t, TY_ENUM, STR("kind"), (struct span){ 0, 0 });
	struct type *parent = ty_tagged_new(t, TY_STRUCT, STR("task"), (struct span){ 0, 0 });
	struct ty_out *o = ty_out_new(a);

	ns = kernel_struct(t, STR("ns"), &(struct ty_member){ .name = STR("inum"), .type = i }, 1);
	task = kernel_struct(t, STR("task"), (struct ty_member[]){
		{ .name = STR("state"), .type = l }, { .name = STR("pid"), .type = i },
		{ .name = STR("ns"), .type = ty_ptr_to(t, ns) },
		{ .name = STR("parent"), .type = ty_ptr_to(t, parent) } }, 4);
	ty_enum_finish(t, kind, &(struct ty_enumerator){ STR("KIND_A"), 7 }, 1);
	ty_out_type(o, ty_typedef_new(t, STR("task_t"), task));
	ty_out_type(o, kind);
	return ty_out_finish(o);
}

static void test_kernel_types(void **state)
{
	static const struct { const char *name, *in; u32 asked; const char *want; } cases[] = {
		{ "hello", "int f(void *c) { bpf_trace_printk(\"x\"); return 0; }", 0, "" },
		{ "counter", "BPF_HASH(t); int f(struct pt_regs *c) { u64 k = 0, *p = t.lookup(&k);"
		  " pid_t pid = k; if (p) ++*p; return pid + PT_REGS_PARM1(c); }", 0, "" },
		{ "only mentioned", "struct task *t; int f(struct task *p) { t = p; return !p; }", 0, "" },
		{ "members", "int f(struct task *p) { return p->parent->parent->pid; }", 1, "" },
		{ "a type and its size", "int f(void *c) { task_t *t = c; return (task_t *)c == t &&"
		  " sizeof(task_t) == 32 && sizeof(struct task) == 32; }", 1, "" },
		{ "an enumerator", "int a[KIND_A == 7 ? 1 : -1]; int f(void *c) { enum kind k = KIND_A;"
		  " return k; }", 1, "" },
		{ "the program's struct wins", "struct ns { long pad; int own; };\n"
		  "int f(struct task *p) { struct ns *n = p->ns; return n->own + p->ns->own; }", 1, "" },
		{ "the program's constant wins", "enum { KIND_A = 1 }; int a[KIND_A == 1 ? 1 : -1];"
		  " int f(void *c) { return 0; }", 0, "" },
		{ "offsets of the kernel", "struct task { int pid; } __attribute__((preserve_access_index));\n"
		  "_Static_assert(__builtin_offsetof(struct task, pid) == 8, \"\");\n"
		  "int f(struct task *p) { return p->pid; }", 1, "" },
		{ "offsets of a flavour", "struct task___x { int pid; } __attribute__((preserve_access_index));\n"
		  "_Static_assert(__builtin_offsetof(struct task___x, pid) == 8, \"\");\n"
		  "int f(void *p) { return 0; }", 1, "" },
		{ "near names", "int f(struct task *p) { struct taks t; return p->pidd; }", 1,
		  "t.c:1:37: error: the size and members of 'struct taks' are not known\n"
		  "int f(struct task *p) { struct taks t; return p->pidd; }\n"
		  "                                    ^\n"
		  "  hint: did you mean 'task'?\n"
		  "t.c:1:50: error: 'struct task' has no member 'pidd'\n"
		  "int f(struct task *p) { struct taks t; return p->pidd; }\n"
		  "                                                 ^~~~\n"
		  "  hint: did you mean 'pid'?\n" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct kernel k = { 0 };
		struct err e = { 0 };
		struct ty_table *t;
		str blob;

		/* The fixture's own parse is of nothing: it only sets up. */
		fixture_parse(&k.f, "none.c", STR(""));
		t = k.f.o.types;
		blob = kernel_blob(k.f.a, t);
		if (ty_btf_parse(t, blob.s, blob.n, &k.btf, &e))
			fail_msg("%s: %s", cases[i].name, e.msg);
		k.f.o.btf = ask;
		k.f.o.btf_arg = &k;
		k.f.u = cf_parse(&k.f.o, sources_add(&k.f.ss, STR("t.c"), str_of(cases[i].in)));
		fixture_want(cases[i].name, fixture_diags(&k.f), str_of(cases[i].want));
		if (k.asked != cases[i].asked)
			fail_msg("%s: BTF was asked for %u times", cases[i].name, k.asked);
		ty_btf_close(k.btf);
		arena_free(k.f.a);
	}
}

/* ---- hostile input ------------------------------------------------------------------------------- */

static void survive(str text)
{
	struct fixture f;
	struct sbuf b;

	fixture_parse(&f, "t.c", text);
	assert_non_null(f.u);
	sbuf_init(&b, f.a);
	cf_dump_ast(f.u, &b);
	fixture_diags(&f);
	arena_free(f.a);
}

/* `n` times `open`, then `mid`, then `n` times `close`, in a function or not. */
static void nest(const char *head, const char *open, const char *mid, const char *close,
		 const char *tail, u32 n)
{
	struct arena *a = arena_new(NULL);
	struct sbuf b;

	sbuf_init(&b, a);
	sbuf_puts(&b, head);
	for (u32 i = 0; i < n; i++)
		sbuf_puts(&b, open);
	sbuf_puts(&b, mid);
	for (u32 i = 0; i < n; i++)
		sbuf_puts(&b, close);
	sbuf_puts(&b, tail);
	survive(sbuf_str(&b));
	arena_free(a);
}

static void test_nesting(void **state)
{
	static const struct { const char *head, *open, *mid, *close, *tail; } cases[] = {
		{ "int x = ", "(", "1", ")", ";" }, { "int x = ", "-", "1", "", ";" },
		{ "int x = 1", "+1", "", "", ";" }, { "int x = ", "1?", "1", ":1", ";" },
		{ "int x = ", "1?1:", "1", "", ";" }, { "int x = ", "sizeof ", "1", "", ";" },
		{ "int ", "*", "x", "", ";" }, { "int ", "(", "x", ")", ";" },
		{ "int x", "[1]", "", "", ";" }, { "int x", "(int a", "", ")", ";" },
		{ "int x = ", "{", "1", "}", ";" }, { "", "struct {", "int a;", "} x;", "" },
		{ "int f(void *c) ", "{", ";", "}", "" },
		{ "int f(void *c) { ", "if (1) ", ";", "", "}" },
		{ "int f(void *c) { ", "if (1) ; else ", ";", "", "}" },
		{ "int f(void *c) { switch (1) {", "case 1: ", "", "", "}}" },
		{ "int f(void *c) { ", "while (1) ", ";", "", "}" },
		{ "int f(void *c) { ", "a: ", ";", "", "}" },
		{ "int f(void *c) { return ", "f(", "c", ")", ";}" },
		{ "int f(void *c) { return ", "({", "1;", "});", ";}" },
		{ "int f(void *c) { int x; ", "x = ", "1;", "", "}" },
		{ "int f(void *c) { return ", "(int)", "1;", "", "}" },
		{ "int f(void *c) { return 1", ",1", ";", "", "}" },
		{ "", "typeof(", "int", ")", " x;" }, { "typedef int a;", "typedef a *a;", "", "", "" },
		{ "int x = ", "_Generic(", "1", ", int: 1)", ";" },
		{ "int f(void *c) { f(1", "+1+f(1", "", ")", ");}" },
		{ "int x = ", "~!-+", "1", "", ";" }, { "", "enum { A = ", "1", "};", "" },
		{ "", "(", "", "", "" }, { "", "{", "", "", "" }, { "", "}", "", "", "" },
		{ "", "BPF_HASH(", "", "", "" }, { "int x = (struct {", "struct {", "", "", "" },
		{ "", "__attribute__((", "", "))", "" },
	};
	static const u32 sizes[] = { 1, 30, 100, 299, 1000, 20000 };

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		for (size_t k = 0; k < ARRAY_LEN(sizes); k++)
			nest(cases[i].head, cases[i].open, cases[i].mid, cases[i].close,
			     cases[i].tail, sizes[k]);
}

static const char *const samples[] = {
	"#include <linux/sched.h>\n"
	"struct key { u32 pid; char comm[TASK_COMM_LEN]; u64 a:3, b:5; union { int x; long y; }; };\n"
	"BPF_HASH(start, struct key, u64, 1 << 10);\nBPF_HISTOGRAM(dist);\n"
	"static const int table[] = { [2] = 5, 7, 9 };\nenum e { A, B = 5, C };\n"
	"static __always_inline int sq(int x) { return x * x; }\n"
	"int kprobe__f(struct pt_regs *ctx, int dfd, const char __user *filename) {\n"
	"	struct key k = { .pid = bpf_get_current_pid_tgid() >> 32, };\n"
	"	int i, sum = 0; char buf[64] = \"hi\"; u64 zero = 0, *v;\n"
	"	bpf_get_current_comm(&k.comm, sizeof(k.comm));\n"
	"	for (i = 0; i < 10; i++) { if (i == C) continue; sum += table[i % 5] ?: sq(i); }\n"
	"	switch (sum) { case 1: case 5 ... 9: sum = 1; break; default: sum--; }\n"
	"	v = start.lookup_or_try_init(&k, &zero);\n	if (v) __sync_fetch_and_add(v, 1);\n"
	"	dist.increment(bpf_log2l(sum)); do { i--; } while (i > 0);\n"
	"	bpf_trace_printk(\"%s %d %lx\\n\", filename, k.pid, PT_REGS_PARM2(ctx));\n"
	"	k.x += offsetof(struct key, comm) + ({ int q = 4; q * 2; });\n"
	"	goto out;\nout:\n	return (int[]){ 1, 2 }[k.y & 1];\n}\n"
	"TRACEPOINT_PROBE(a, b) { return args == 0; }\n",
	"struct { __uint(type, 1); __uint(max_entries, 128); __type(key, u32); __type(value, u64); }\n"
	"	events SEC(\".maps\");\nconst volatile int target = 0;\nint counter[3][2] = { { 1 }, 2 };\n"
	"char LICENSE[] SEC(\"license\") = \"GPL\";\n_Static_assert(sizeof(int) == 4, \"int\");\n"
	"SEC(\"kprobe/x\") int BPF_KPROBE(f, int dfd, void *name) {\n"
	"	u32 key = dfd; u64 one = 1, *p = bpf_map_lookup_elem(&events, &key);\n"
	"	if (!p) bpf_map_update_elem(&events, &key, &one, BPF_ANY);\n"
	"	else if (target && target != key) { *p += _Generic(one, u64: 1, default: 2); }\n"
	"	bpf_printk(\"%d\", counter[1][0] = key++ ? -key : ~key);\n	return 0;\n}\n",
};

static void test_prefixes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(samples); i++)
		for (u32 n = 0; n <= strlen(samples[i]); n++)
			survive((str){ samples[i], n });
}

/* Swaps, drops, doubles and replaces tokens of the samples. */
static void test_mutations(void **state)
{
	static const char *const words[] = {
		"(", ")", "{", "}", "[", "]", ";", ",", "*", "&", "=", "->", ".", "...", ":", "?", "1", "0x",
		"\"s\"", "'c'", "x", "int", "struct", "union", "enum", "typedef", "static", "if", "else", "for",
		"case", "default", "return", "goto", "sizeof", "typeof", "__attribute__", "BPF_HASH", "-1",
		"1.5", "asm", "_Generic", "u64", "void", "const", "lookup", "__builtin_memcpy", "#pragma unroll\n",
		"++", "<<=", "unsigned", "__int128", "_Bool", "while", "do", "break", "extern", "inline",
	};
	u64 seed = 12345;
	clock_t end = clock() + 2 * CLOCKS_PER_SEC;

	(void)state;
	for (u32 round = 0; round < 4000 && clock() < end; round++) {
		struct arena *a = arena_new(NULL);
		str text = str_of(samples[round % ARRAY_LEN(samples)]);
		struct sbuf b;

		sbuf_init(&b, a);
		for (u32 i = 0; i < text.n;) {
			u32 n = 1;

			while (i + n < text.n && text.s[i] != ' ' && text.s[i + n] != ' ' &&
			       ((text.s[i + n] | 0x20) >= 'a' && (text.s[i + n] | 0x20) <= 'z'))
				n++;
			seed = seed * 6364136223846793005ull + 1442695040888963407ull;
			if ((seed >> 40 & 127) != 0 && (seed >> 40 & 127) != 2)
				sbuf_put(&b, str_sub(text, i, n));
			if ((seed >> 40 & 127) == 1 || (seed >> 40 & 127) == 2)
				sbuf_printf(&b, " %s ", words[(seed >> 48) % ARRAY_LEN(words)]);
			i += n;
		}
		survive(sbuf_str(&b));
		arena_free(a);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_types), cmocka_unit_test(test_constants),
		cmocka_unit_test(test_trees), cmocka_unit_test(test_programs),
		cmocka_unit_test(test_kernel_types),
		cmocka_unit_test(test_nesting), cmocka_unit_test(test_prefixes),
		cmocka_unit_test(test_mutations),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
