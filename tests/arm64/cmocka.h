/* The few words of cmocka that the engine's unit tests use, for a machine whose cmocka is not at
 * hand: a test that fails jumps back here. Totals are printed as cmocka prints them, for
 * scripts/check. */
#ifndef SKEP_TEST_CMOCKA
#define SKEP_TEST_CMOCKA

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct CMUnitTest {
	const char *name;
	void (*fn)(void **state);
};
static jmp_buf cm_back;
enum { CM_FAILED = 1, CM_SKIPPED = 2 };

#define fail_msg(...)                                                                              \
	do {                                                                                       \
		fprintf(stderr, "%s:%d: ", __FILE__, __LINE__);                                    \
		fprintf(stderr, __VA_ARGS__);                                                      \
		fputc('\n', stderr);                                                               \
		longjmp(cm_back, CM_FAILED);                                                       \
	} while (0)
#define skip()			longjmp(cm_back, CM_SKIPPED)
#define print_error(...)	fprintf(stderr, __VA_ARGS__)
#define print_message(...)	printf(__VA_ARGS__)
#define assert_true(x)                                                                             \
	do {                                                                                       \
		if (!(x))                                                                          \
			fail_msg("%s does not hold", #x);                                          \
	} while (0)
#define assert_false(x)		assert_true(!(x))
#define assert_null(x)		assert_true((x) == NULL)
#define assert_non_null(x)	assert_true((x) != NULL)
#define assert_int_equal(a, b)                                                                     \
	do {                                                                                       \
		unsigned long long cm_a = (unsigned long long)(a), cm_b = (unsigned long long)(b); \
		if (cm_a != cm_b)                                                                  \
			fail_msg("%s is 0x%llx, not 0x%llx", #a, cm_a, cm_b);                      \
	} while (0)
#define assert_int_not_equal(a, b)	assert_true((a) != (b))
#define assert_string_equal(a, b)	assert_true(strcmp((a), (b)) == 0)
#define assert_memory_equal(a, b, n)	assert_true(memcmp((a), (b), (n)) == 0)
#define cmocka_unit_test(f)		{ #f, f }

static inline int cm_run(const struct CMUnitTest *tests, int n, int (*up)(void **),
			 int (*down)(void **))
{
	void *state = NULL;
	volatile int counts[3] = { 0 };

	if (up && up(&state) != 0)
		return 1;
	for (volatile int i = 0; i < n; i++) {
		int how = setjmp(cm_back);

		if (how == 0)
			tests[i].fn(&state);
		counts[how]++;
		printf("[ %s ] %s\n", how == 0 ? "      OK" : how == 1 ? " FAILED " : " SKIPPED", tests[i].name);
		fflush(stdout);
	}
	if (down)
		down(&state);
	printf("[  PASSED  ] %d test(s).\n", counts[0]);
	if (counts[CM_SKIPPED])
		printf("[  SKIPPED ] %d test(s), listed below:\n", counts[CM_SKIPPED]);
	if (counts[CM_FAILED])
		printf("[  FAILED  ] tests: %d test(s), listed below:\n", counts[CM_FAILED]);
	return counts[CM_FAILED];
}
#define cmocka_run_group_tests(tests, up, down)                                                    \
	cm_run((tests), (int)(sizeof(tests) / sizeof((tests)[0])), (up), (down))

#endif
