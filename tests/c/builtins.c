/* GNU C's builtins: bits, overflow, memory, questions to the compiler. */
#define NULL ((void *)0)
static volatile int zero, one = 1, two = 2, seven = 7, minus = -1;
static volatile unsigned pattern = 0x00f0a500, top = 0x80000000;
static volatile unsigned long wide = 0x00f0a50000000000, full = ~0ul, lzero;
static volatile long least = -0x7fffffffffffffff - 1;

CASE(clz, 8) { return __builtin_clz(pattern); }
CASE(clz_one, 31) { return __builtin_clz(one); }
CASE(clz_top, 0) { return __builtin_clz(top); }
CASE(clzl, 8) { return __builtin_clzl(wide); }
CASE(clzll_low, 63) { return __builtin_clzll(1ul + lzero); }
CASE(clz_constant, 24) { return __builtin_clz(255); }
CASE(ctz, 8) { return __builtin_ctz(pattern); }
CASE(ctz_top, 31) { return __builtin_ctz(top); }
CASE(ctzl, 40) { return __builtin_ctzl(wide); }
CASE(ctzll_top, 63) { return __builtin_ctzll(1ul << 63 | lzero); }
CASE(ffs_zero, 0) { return __builtin_ffs(zero); }
CASE(ffs, 9) { return __builtin_ffs(pattern); }
CASE(ffsl, 41) { return __builtin_ffsl(wide); }
CASE(ffsll_zero, 0) { return __builtin_ffsll(lzero); }
CASE(popcount, 8) { return __builtin_popcount(pattern); }
CASE(popcount_all, 32) { return __builtin_popcount(minus); }
CASE(popcountl, 64) { return __builtin_popcountl(full); }
CASE(popcountll_zero, 0) { return __builtin_popcountll(lzero); }
CASE(parity, 0) { return __builtin_parity(pattern); }
CASE(parity_one, 1) { return __builtin_parityl(lzero | 0x70); }
CASE(clrsb, 30) { return __builtin_clrsb(one); }
CASE(clrsb_minus, 31) { return __builtin_clrsb(minus); }
CASE(clrsb_zero, 31) { return __builtin_clrsb(zero); }
CASE(clrsbl, 0) { return __builtin_clrsbl(least); }
CASE(abs, 1) { return __builtin_abs(minus); }
CASE(labs, 1) { return __builtin_labs(least + 5) == 0x7ffffffffffffffbl; }
CASE(bits_of_a_char, 5) { return __builtin_popcount((unsigned char)(0x1f + zero)); }

#define ADD(T, a, b) ({ T r; int o = __builtin_add_overflow(a, b, &r); o * 1000 + (r == (T)((unsigned long)(a) + (unsigned long)(b))); })
CASE(add_overflow_no, 1) { return ADD(int, seven, two); }
CASE(add_overflow_int, 1001) { return ADD(int, 0x7fffffff, one); }
CASE(add_overflow_unsigned, 1001) { return ADD(unsigned, 0xffffffff, one); }
CASE(add_overflow_mixed, 1) { return ADD(unsigned, 0xffffffff, minus); }
CASE(add_overflow_char, 1001) { return ADD(signed char, 127, one); }
CASE(add_overflow_uchar, 1) { return ADD(unsigned char, 254, one); }
CASE(add_overflow_long, 1001) { return ADD(long, least, minus); }
CASE(add_overflow_long_no, 1) { return ADD(long, least, one); }
CASE(add_overflow_ulong, 1001) { return ADD(unsigned long, full, one + 0ul); }
CASE(add_overflow_ulong_no, 1) { return ADD(unsigned long, full, lzero); }
CASE(add_overflow_negative_to_unsigned, 1001) { return ADD(unsigned long, minus, zero); }
CASE(add_overflow_wide_to_narrow, 1001) { return ADD(int, wide, one); }
static int sub_o(unsigned long a, unsigned long b) { unsigned long r; return __builtin_sub_overflow(a, b, &r); }
CASE(sub_overflow_ulong, 1) { return sub_o(1, full); }
CASE(sub_overflow_ulong_no, 0) { return sub_o(full, 1); }
CASE(sub_overflow_int, 1) { int r; return __builtin_sub_overflow(-2147483647 - 1 + zero, one, &r); }
CASE(sub_overflow_unsigned_to_int, 0) { int r; return __builtin_sub_overflow(1u, two + 0u, &r) + r + 1; }
CASE(mul_overflow_int, 1) { int r; return __builtin_mul_overflow(65536 * one, 65536 * one, &r); }
CASE(mul_overflow_int_no, 91) { int r; return __builtin_mul_overflow(seven, 13, &r) + r; }
CASE(mul_overflow_unsigned, 0) { unsigned r; return __builtin_mul_overflow(65536u * one, 65535u, &r); }
CASE(mul_overflow_ulong, 1) { unsigned long r; return __builtin_mul_overflow(full, 2ul, &r); }
CASE(mul_overflow_ulong_no, 1) { unsigned long r; return !__builtin_mul_overflow(0xfffffffful + lzero, 0x100000001ul, &r) && r == full; }
CASE(mul_overflow_long, 1) { long r; return __builtin_mul_overflow(least, (long)minus, &r); }
CASE(mul_overflow_long_no, 1) { long r; return !__builtin_mul_overflow(least / 2, 2l * one, &r) && r == least; }
CASE(mul_overflow_negative, 1) { unsigned r; return __builtin_mul_overflow(minus, seven, &r); }
CASE(typed_overflow, 3)
{
	unsigned u; unsigned long ul; long l;
	return __builtin_uadd_overflow(0xffffffffu, one, &u) + __builtin_uaddl_overflow(full, one, &ul) +
	       __builtin_smull_overflow(least, minus, &l) + __builtin_ssubl_overflow(1, 1, &l);
}

struct mixed { char c; int i; short s[3]; long l; };
CASE(memcpy_constant, 42)
{
	struct mixed a = { 1, 42 }, b;
	__builtin_memcpy(&b, &a, sizeof(b));
	return b.i;
}
CASE(memcpy_returns, 1)
{
	char a[4], b[4] = { 1, 2, 3, 4 };
	return __builtin_memcpy(a, b, 4) == a;
}
CASE(memcpy_variable, 321)
{
	char a[8] = {}, b[8] = { 1, 2, 3, 4, 5 };
	unsigned n = two + 1;
	if (n > 8)
		return 0;
	__builtin_memcpy(a, b, n);
	return a[0] + a[1] * 10 + a[2] * 100 + a[3] * 1000;
}
CASE(memmove_up, 1123)
{
	char a[8] = { 1, 2, 3, 4 };
	__builtin_memmove(a + 1, a, 3);
	return a[0] * 1000 + a[1] * 100 + a[2] * 10 + a[3];
}
CASE(memmove_down, 2344)
{
	char a[8] = { 1, 2, 3, 4 };
	__builtin_memmove(a, a + 1, 3);
	return a[0] * 1000 + a[1] * 100 + a[2] * 10 + a[3];
}
CASE(memset_zero, 0)
{
	struct mixed a = { 1, 2, { 3 }, 4 };
	__builtin_memset(&a, 0, sizeof(a));
	return a.c + a.i + a.s[0] + a.l;
}
CASE(memset_value, 0x05050505)
{
	int a[3];
	__builtin_memset(a, 5, sizeof(a));
	return a[2];
}
CASE(memset_variable_value, 0x07070707)
{
	int a[3];
	__builtin_memset(a, seven + 256, sizeof(a));
	return a[1];
}
CASE(memset_variable_size, 304)
{
	unsigned char a[8] = { 1, 2, 3, 4 };
	unsigned n = two;
	if (n > 8)
		return 0;
	__builtin_memset(a, 100, n);
	return a[0] + a[1] + a[3] + 100 * (a[2] == 3);
}
CASE(memset_large, 7)
{
	char a[200];
	__builtin_memset(a, 1, sizeof(a));
	int s = 0;
	for (int i = 0; i < 200; i += 30)
		s += a[i];
	return s;
}
#define SIGN(x) ({ int v = (x); (v > 0) - (v < 0); })
CASE(memcmp_equal, 0)
{
	char a[16] = "hello", b[16] = "hello";
	return __builtin_memcmp(a, b, 16);
}
CASE(memcmp_less, -1)
{
	char a[16] = "hello", b[16] = "help";
	return SIGN(__builtin_memcmp(a, b, 16));
}
CASE(memcmp_unsigned, 1)
{
	char a[4] = { 1, (char)0x80 }, b[4] = { 1, 0x7f };
	return SIGN(__builtin_memcmp(a, b, 4));
}
CASE(memcmp_words, 1)
{
	unsigned long a[2] = { 1, 0x0100 }, b[2] = { 1, 0x0200 };
	a[1] += lzero;
	return SIGN(__builtin_memcmp(b, a, 16));
}
CASE(memcmp_odd, -1)
{
	int a[3] = { 1, 2, 0x00010000 }, b[3] = { 1, 2, 0x00020000 };
	return SIGN(__builtin_memcmp(a, b, 11));
}
CASE(memcmp_zero_bytes, 0)
{
	char a[1] = { 1 }, b[1] = { 2 };
	return __builtin_memcmp(a, b, 0);
}
CASE(memcmp_variable, 0)
{
	char a[8] = "abcX", b[8] = "abcY";
	unsigned n = two + 1;
	return n <= 8 ? __builtin_memcmp(a, b, n) : 5;
}
CASE(memcmp_long, 1)
{
	char a[100], b[100];
	__builtin_memset(a, 3, 100);
	__builtin_memset(b, 3, 100);
	b[99] = 2;
	return SIGN(__builtin_memcmp(a, b, 100)) + __builtin_memcmp(a, b, 99);
}
CASE(strncmp_prefix, 0)
{
	char a[16] = "hello world";
	return __builtin_strncmp(a, "hello", 5);
}
CASE(strncmp_ends, 1)
{
	char a[16] = "hello world";
	return SIGN(__builtin_strncmp(a, "hello", 6));
}
CASE(strcmp_literal, 0)
{
	char a[16] = "hello";
	return __builtin_strcmp(a, "hello");
}
CASE(strcmp_shorter, -1)
{
	char a[16] = "hell";
	return SIGN(__builtin_strcmp(a, "hello"));
}
CASE(strlen_literal, 5) { return __builtin_strlen("hello"); }
CASE(strlen_inner_nul, 2) { return __builtin_strlen("he\0llo"); }

struct deep { int a; struct { char b[3]; struct { short c; int d[4]; } e[2]; } f; };
CASE(offsetof_nested, 34) { return __builtin_offsetof(struct deep, f.e[1].d[1]) - 2; }
CASE(offsetof_variable, 24) { return __builtin_offsetof(struct deep, f.e[0].d[two]) + 4 * 0 + 4 ; }
CASE(offsetof_by_hand, 4) { return (long)&((struct deep *)0)->f; }
CASE(constant_p_yes, 1) { return __builtin_constant_p(3 + 4); }
CASE(constant_p_no, 0) { return __builtin_constant_p(seven); }
CASE(choose_expr, 3) { return __builtin_choose_expr(sizeof(int) == 4, 3, seven); }
CASE(choose_type, 1) { return sizeof(__builtin_choose_expr(0, 1l, (char)1)); }
CASE(types_compatible, 5)
{
	return __builtin_types_compatible_p(int, int) + 2 * __builtin_types_compatible_p(int, unsigned) +
	       4 * __builtin_types_compatible_p(__typeof__(seven), int) + 8 * __builtin_types_compatible_p(int *, char *);
}
CASE(expect, 7) { return __builtin_expect(seven, 0); }
CASE(bswap16, 0x3412) { return __builtin_bswap16(0x1234 + zero); }
CASE(bswap32, 0x78563412) { return __builtin_bswap32(0x12345678 + zero); }
CASE(bswap64, 0x12) { return __builtin_bswap64(0x1200000000000000 + lzero); }
CASE(object_size, 24)
{
	char a[24];
	return __builtin_object_size(a, 0);
}
CASE(unreachable, 3)
{
	if (seven == 7)
		return 3;
	__builtin_unreachable();
}
CASE(assume_aligned, 7)
{
	int x = seven, *p = __builtin_assume_aligned(&x, 4);
	return *p;
}
