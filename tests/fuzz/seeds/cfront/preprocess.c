/* The preprocessor (C11 6.10) with GNU's extensions. */
#include "preprocess.h"
static volatile int zero, one = 1, seven = 7;
#define STR_(x) #x
#define STR(x) STR_(x)
#define CAT_(a, b) a##b
#define CAT(a, b) CAT_(a, b)
#define COUNT_(a, b, c, d, n, ...) n
#define COUNT(...) COUNT_(__VA_ARGS__, 4, 3, 2, 1)
#define SUM(first, ...) (first __VA_OPT__(+ sum_of(__VA_ARGS__)))
#define sum_of(...) (0 __VA_OPT__(+ FIRST(__VA_ARGS__)))
#define FIRST(x, ...) x
#define GNU_VARIADIC(f, args...) f(0, ##args)
#define NAMED(fmt, rest...) COUNT(fmt, rest)
#define EMPTY
#define NOTHING()
#define ID(x) x
#define F(x) G(x) + 1
#define G(x) F(x)
#define PREFIX value_
#define UNLESS(c) if (!(c))
#define MULTI(x) ({ \
	int t = (x); \
	t * 2; \
})
#define VALUE 5
enum { CAT(value_, one) = 11, value_5 = 55 };
static int count_args(int a, ...);
#define pick(a, b, c) c
#define LPAREN (
#define self self + 1
static int self_value = 3;

CASE(object_macro, 6) { return VALUE + 1; }
CASE(function_macro, 5) { return ID(3) + ID((1, 2)); }
CASE(function_macro_not_called, 4) { int ID = 4; return ID; }
CASE(function_macro_on_lines, 3) { return pick(1,
	2,
	3); }
CASE(nested_calls, 4) { return ID(ID(ID(4))); }
CASE(recursion_stops, 9) { int F = 1; return sizeof(STR(F(2))); }
CASE(self_reference, 3) { int self_ = self_value; return self_ + 0; }
CASE(stringize, 10) { return sizeof(STR_(a  b "c\n")) ; }
CASE(stringize_expands, 26) { return sizeof(STR(VALUE)) * 10 + sizeof(STR_(VALUE)); }
CASE(paste, 11) { return CAT_(value_, one); }
CASE(paste_expands, 55) { return CAT(value_, VALUE); }
CASE(paste_numbers, 43) { return CAT_(1, 2) + CAT_(0x, 1f); }
CASE(paste_empty, 15) { return CAT_(7,) + CAT_(, 8); }
CASE(variadic_count, 31) { return COUNT(a, b, c) * 10 + COUNT(a); }
CASE(variadic_named, 3) { return NAMED(a, b, c); }
CASE(va_opt, 31) { return SUM(1) + SUM(1, 2) * 10; }
CASE(empty_argument, 3) { return COUNT(, ) + sizeof(STR_()) ; }
CASE(empty_macro, 6) { return EMPTY 4 EMPTY + NOTHING() 2; }
CASE(macro_as_control, 5) { UNLESS (zero) return 5; return 6; }
CASE(macro_over_lines, 14) { return MULTI(seven); }
CASE(undef, 9) {
#undef VALUE
#define VALUE 9
	return VALUE; }
CASE(if_arithmetic, 1) {
#if (1 + 2 * 3 == 7) && !(5 < 3) && (-1 < 0) && (1 << 4 | 1) == 17 && 7 / 2 == 3 && (1 ? 2 : 3) == 2
	return 1;
#else
	return 2;
#endif
}
CASE(if_unsigned, 1) {
#if -1 > 0u
	return 1;
#else
	return 2;
#endif
}
CASE(if_undefined_is_zero, 2) {
#if NOT_DEFINED_ANYWHERE || defined NOT_DEFINED_ANYWHERE
	return 1;
#elif defined(VALUE) && VALUE == 9
	return 2;
#else
	return 3;
#endif
}
CASE(ifdef_chain, 101) {
	int r = 0;
#ifdef VALUE
	r += 1;
# ifndef VALUE
	r += 10;
# else
	r += 100;
# endif
#endif
	return r; }
CASE(if_skipped_garbage, 8) {
#if 0
	this is ' not C " at all
#endif
	return 8; }
CASE(if_character, 1) {
#if 'a' == 97 && '\n' == 10
	return 1;
#endif
	return 0; }
CASE(has_include, 1) {
#if defined(__has_include) && __has_include("preprocess.h") && !__has_include("no_such_file.h")
	return 1;
#endif
	return 0; }
CASE(has_builtin, 1) {
#if defined(__has_builtin) && __has_builtin(__builtin_memcpy) && __has_builtin(__builtin_popcount) && !__has_builtin(__builtin_no_such)
	return 1;
#endif
	return 0; }
CASE(has_attribute, 1) {
#if __has_attribute(packed) && __has_attribute(__aligned__)
	return 1;
#endif
	return 0; }
CASE(included, 43) { return INCLUDED_VALUE + included_function(2); }
CASE(include_guard, 40) {
#include "preprocess.h"
	return INCLUDED_VALUE; }
CASE(counter, 1) { int a = __COUNTER__, b = __COUNTER__; return b - a; }
CASE(line, 0) { int a = __LINE__; return __LINE__ - a; }
CASE(line_directive, 1000) {
#line 1000 "other.c"
	return __LINE__; }
CASE(file_name, 1) { return __FILE__[0] == 'o' && sizeof(__FILE__) == 8; }
CASE(pragma_operator, 3) { _Pragma("GCC diagnostic ignored \"-Wall\"") return 3; }
CASE(comments, 7) { return 1 /* two // */ + 2 // three
	+ 4 /**/ ; }
CASE(line_splice, 6) { int lo\
ng_name = 6; return long_name; }
CASE(digraphs, 4) { int a<:2:> = <% 3, 4 %>; return a[1]; }
CASE(standard_macros, 882) { return __STDC__ + (__STDC_VERSION__ >= 201112L) + __CHAR_BIT__ * 10 + __SIZEOF_LONG__ * 100; }
CASE(limits, 1) { return __INT_MAX__ == 2147483647 && __LONG_MAX__ > __INT_MAX__; }
CASE(byte_order, 1) { return __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__; }
