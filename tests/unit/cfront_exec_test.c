/* C compiled twice: by the compiler of this test, and by cfront to ir, which an evaluator runs. The same bodies
 * on the same inputs must leave the same memory. What C leaves undefined is kept out. */
#include "ir/passes.h"

#include "cfront_fixture.h"
#include "ir_evaluator.c"

enum { INPUTS = 4, OUTPUTS = 12 };

/* Each body reads in[0…3] and writes out[0…11], both long. */
#define BODIES(X) \
	X(promotions, char c = (char)in[0]; unsigned char uc = (unsigned char)in[0]; short s = (short)in[1]; \
	  unsigned short us = (unsigned short)in[1]; int i = (int)in[2]; unsigned u = (unsigned)in[2]; \
	  out[0] = c; out[1] = uc; out[2] = s + us; out[3] = -c; out[4] = ~us; out[5] = (long)u + i; \
	  out[6] = c < uc; out[7] = s == us; out[8] = (u > (unsigned)i) + (i < 0); out[9] = !c; \
	  out[10] = uc * us; out[11] = (c ^ s) & 0xff) \
	X(widths, unsigned a = (unsigned)in[0]; unsigned b = (unsigned)in[1]; out[0] = a + b; out[1] = a - b; \
	  out[2] = a * b; out[3] = (unsigned long)a * b; out[4] = a << 31; out[5] = a >> 3; \
	  out[6] = (long)(int)a >> 3; out[7] = (int)a >> 3; out[8] = (unsigned char)(a + b); \
	  out[9] = (short)(a * 3); out[10] = a < b; out[11] = (long)a < (long)b) \
	X(longs, unsigned long a = (unsigned long)in[0]; unsigned long b = (unsigned long)in[1] | 1; out[0] = a / b; \
	  out[1] = a % b; out[2] = a * b; out[3] = a >> (b & 63); out[4] = a << (b & 31); out[5] = (long)a >> 5; \
	  out[6] = a & ~b; out[7] = a | b; out[8] = a ^ b; out[9] = -(long)(a >> 1); out[10] = a > b; \
	  out[11] = (long)a > (long)b) \
	X(signs, long a = in[0] >> 2; long b = (in[1] >> 3) | 1; int c = (int)in[2] >> 1; int d = (int)(in[3] & 0xff) + 1; \
	  out[0] = b > 0 || b < -1 ? a / b : 0; out[1] = b > 0 || b < -1 ? a % b : 0; out[2] = c / d; \
	  out[3] = c % d; out[4] = c / -7; out[5] = c % 16; out[6] = (unsigned)c / 7; \
	  out[7] = c * (long)d; out[8] = a < c; out[9] = a < (long)(unsigned)c; out[10] = (char)a; \
	  out[11] = (_Bool)(a & 0xf0)) \
	X(assignments, char c = 1; unsigned short s = 2; unsigned u = 3; unsigned long l = 4; c += in[0] & 7; \
	  s -= in[1] & 0xff; u *= (unsigned)in[2]; l <<= in[3] & 15; u >>= 1; l |= 0x10; s ^= 0xff00; c &= 0x3; \
	  out[0] = c++; out[1] = c; out[2] = --s; out[3] = s; out[4] = u--; out[5] = u; out[6] = l /= 3; \
	  out[7] = l %= 100; out[8] = (c = (char)in[1]); out[9] = (s = (unsigned short)in[0]) + 1; out[10] = c; \
	  _Bool b = in[0] & 2; b |= 4; out[11] = b + (u = 5)) \
	X(structs, struct in { char c; int i; short s[3]; } a = { 1, 2, { 3 } }; struct in b = a; struct in *p = &b; \
	  struct { struct in x; union { unsigned w; unsigned char b[4]; }; } o = { .x = { .i = 9 }, .w = 0x01020304 }; \
	  p->i += (int)in[0]; b.s[2] = (short)in[1]; a.c = (char)in[2]; o.x = b; o.b[1] = (unsigned char)in[3]; \
	  out[0] = a.i + b.i; out[1] = b.s[0]; out[2] = b.s[2]; out[3] = a.c; out[4] = o.x.i; out[5] = o.w; \
	  out[6] = o.x.s[2]; out[7] = sizeof(o); out[8] = (char *)&o.x.s[1] - (char *)&o; \
	  out[9] = (struct in){ .i = 7 }.i; out[10] = ({ struct in t = b; t.i; }); out[11] = p->s[1]) \
	X(bits, struct { unsigned a:3; int b:5; unsigned long c:40; unsigned d:1; long e:20; unsigned char f:7; } x = {}; \
	  x.a = in[0] & 7; x.b = (int)(in[1] << 27) >> 27; x.c = (unsigned long)in[2]; x.d = in[3] & 1; \
	  x.e = (in[0] << 44) >> 44; x.f = 100; \
	  out[0] = x.a; out[1] = x.b; out[2] = x.c; out[3] = x.d; out[4] = x.e; out[5] = x.f; x.a++; x.b -= 1; \
	  x.c += 3; x.d = !x.d; out[6] = x.a; out[7] = x.b; out[8] = x.c; out[9] = x.d; out[10] = x.e; \
	  out[11] = x.a - 10 < 0) \
	X(cast_fields, struct { unsigned long a:14; unsigned b:3; } x = { 5, 3 }; x.a += in[1] & 7; \
	  out[0] = (unsigned long)x.a > in[0]; out[1] = (unsigned)x.b - 9 > 100; out[2] = x.b - 9 > 100; \
	  out[3] = -((unsigned long)x.a) / 3; out[4] = x.a > in[0]; \
	  out[5] = __builtin_expect(0 + (unsigned long)x.a, 1) < in[0]) \
	X(arrays, int grid[3][4] = { { 1, 2 }, [2] = { [3] = 7 } }; int *p = &grid[1][0]; long sum = 0; char text[8] = "abc"; \
	  for (int i = 0; i < 3; i++) for (int k = 0; k < 4; k++) grid[i][k] += (int)(in[(i + k) & 3] & 0xff); \
	  for (int i = 0; i < 12; i++) sum += (&grid[0][0])[i]; p += 2; out[0] = *p; out[1] = p[-1]; out[2] = sum; \
	  out[3] = p - &grid[0][0]; out[4] = p > &grid[1][1]; out[5] = text[1] + text[5]; out[6] = *(text + 2); \
	  out[7] = sizeof(grid) / sizeof(grid[0]); out[8] = *++p; out[9] = *p++; out[10] = (p == &grid[2][0]); \
	  out[11] = 2[text]) \
	X(control, long n = in[0] & 0xff; long s = 0; int i = 0; while (1) { if (i++ > 20) break; if (i & 1) continue; s += i; } \
	  do { n = n & 1 ? 3 * n + 1 : n / 2; s++; } while (n > 1 && s < 300); out[0] = s; \
	  for (i = 0; i < 5; i++) switch ((in[i & 3] >> i) & 7) { case 0: s++; break; case 1: case 2: s += 2; \
	  __attribute__((fallthrough)); case 3: s ^= 5; break; case 4 ... 5: s += 9; break; default: s -= 1; } out[1] = s; out[2] = i; \
	  if (in[1] > 0) goto skip; out[3] = 1; skip: out[4] = in[1] > 0 ? 5 : in[1] < -5 ? 6 : 7; \
	  out[5] = in[2] && in[3]; out[6] = in[2] || in[3]; out[7] = !in[2] == !in[3]; out[8] = (in[0] ?: 42); \
	  out[9] = (i = 3, i + 1); { long i = 8; out[10] = i; } out[11] = i) \
	X(statements, long z = ({ long t = in[0]; t ^= in[1]; if (t < 0) t = -(t + 1); t; }); \
	  out[0] = z; long m = ({ __typeof__(in[2]) x = (in[2]); __typeof__(in[3]) y = (in[3]); x < y ? x : y; }); out[1] = m; \
	  unsigned short k = 0x1234; out[2] = __builtin_bswap16(k); out[3] = __builtin_bswap32((unsigned)in[0]); \
	  out[4] = (long)__builtin_bswap64((unsigned long)in[1]); unsigned long q = (unsigned long)in[2]; \
	  out[5] = (long)__sync_fetch_and_add(&q, 5); out[6] = (long)__sync_fetch_and_sub(&q, 2); \
	  out[7] = (long)__sync_fetch_and_or(&q, 0xf0); out[8] = (long)__sync_val_compare_and_swap(&q, q, 77); \
	  out[9] = (long)q; out[10] = (long)__sync_lock_test_and_set(&q, 3); out[11] = __builtin_expect(q == 3, 1))

#define NATIVE(name, ...) \
	__attribute__((no_sanitize("undefined"))) static void native_##name(const long *in, long *out) \
	{ __VA_ARGS__; }
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wsign-compare"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wextra"
#pragma GCC diagnostic ignored "-Wunused-value"
BODIES(NATIVE)
#pragma GCC diagnostic pop

struct body { const char *name; void (*native)(const long *in, long *out); const char *text; };
#define ROW(name, ...) { #name, native_##name, #__VA_ARGS__ },
static const struct body bodies[] = { BODIES(ROW) };

static const long inputs[][INPUTS] = {
	{ 0, 0, 0, 0 }, { 1, 2, 3, 4 }, { -1, -2, -3, -4 }, { 255, 65535, 4294967295l, 7 },
	{ 0x7fffffff, 0x80000000l, -2147483647l, 13 },
	{ (long)0x8000000000000000ul, 0x7fffffffffffffffl, 0x123456789abcdefl, 63 },
	{ -129, 32768, -32769, 128 }, { 100, -6, 40, 1 }, { 0x1f2e3d4c5b6a7988l, 5, -1000000007l, 200 },
};

static struct ir_fn *compile(struct fixture *f, struct arena *scratch, const struct body *body)
{
	const char *text = str_z(scratch, str_printf(scratch,
		"int %s(long *ctx) { long *in = ctx, *out = ctx + %d; %s; return 0; }", body->name,
		INPUTS, body->text));
	struct cf_attachment at = { .program = 0 };
	struct ir_module *m;
	struct ir_pass_ctx c;
	str why;

	fixture_parse(f, "t.c", str_of(text));
	m = ir_module_new(f->a);
	at.binding.want.provider = at.binding.at.provider = PROBES_RAW_TRACEPOINT;
	if (f->dx.n_errors || !cf_lower(f->u, &at, 1, obj_new(f->a, &f->ss), m))
		fail_msg("%s:\n" STR_FMT, body->name, STR_ARG(fixture_diags(f)));
	c = (struct ir_pass_ctx){ .scratch = f->a, .dx = &f->dx,
				  .target = &(struct ir_target){ .has_v4 = true } };
	for (u32 i = 0; i < m->fns.n; i++) {
		ir_pass_expand(&c, m->fns.at[i]);
		if (!ir_check(m->fns.at[i], &why))
			fail_msg("%s: " STR_FMT, body->name, STR_ARG(why));
	}
	return m->fns.at[0];
}

static void run_both(const struct body *body, const struct ir_fn *fn, const long *in)
{
	long want[INPUTS + OUTPUTS] = { 0 }, got[INPUTS + OUTPUTS] = { 0 };
	struct evaluator e = { .a = arena_new(NULL) };
	u64 args[5] = { (u64)(uintptr_t)got };

	memcpy(want, in, INPUTS * sizeof(long));
	memcpy(got, in, INPUTS * sizeof(long));
	body->native(want, want + INPUTS);
	eval_fn(&e, fn, args, 0);
	if (e.wrong)
		fail_msg("%s: %s", body->name, e.wrong);
	for (u32 i = 0; i < OUTPUTS; i++)
		if (got[INPUTS + i] != want[INPUTS + i])
			fail_msg("%s(%ld, %ld, %ld, %ld): out[%u] is %ld, C says %ld", body->name, in[0],
				 in[1], in[2], in[3], i, got[INPUTS + i], want[INPUTS + i]);
	arena_free(e.a);
}

static void test_bodies(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
		struct arena *scratch = arena_new(NULL);
		struct fixture f;
		const struct ir_fn *fn = compile(&f, scratch, &bodies[i]);

		for (size_t k = 0; k < ARRAY_LEN(inputs); k++)
			run_both(&bodies[i], fn, inputs[k]);
		arena_free(f.a);
		arena_free(scratch);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_bodies) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
