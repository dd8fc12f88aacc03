/* Functions: C11 6.5.2.2, 6.7.6.3, 6.9.1; pointers to functions, struct arguments and results. */
static volatile int zero, one = 1, two = 2, seven = 7, minus = -1;
static volatile long lbig = 0x123456789abcdef;

static int add(int a, int b)
{
	return a + b;
}
static int sub(int a, int b)
{
	return a - b;
}
CASE(call, 9)
{
	return add(seven, two);
}
CASE(call_nested, 16)
{
	return add(add(seven, two), sub(add(seven, two), two));
}
CASE(call_parenthesized, 5)
{
	return (sub)(seven, two);
}

/* ---- more than five parameters ---- */
static int six(int a, int b, int c, int d, int e, int f)
{
	return a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f;
}
static long twelve(char a, short b, int c, long d, unsigned char e, unsigned short f, unsigned g, unsigned long h,
		   _Bool i, long long j, int k, int l)
{
	return a + b + c + d + e + f + g + h + i + j + k * 100 + l * 1000;
}
static __attribute__((noinline)) int seven_of(int a, int b, int c, int d, int e, int f, int g)
{
	return a ^ b ^ c ^ d ^ e ^ f ^ g;
}
CASE(six_arguments, 52)
{
	return six(1, one * 2, 2 + zero, 4, 5 * one, zero) + 0 * seven;
}
CASE(six_in_order, 91)
{
	return six(1, 2, 3, 4, 5, one * 6);
}
CASE(twelve_arguments, 2155)
{
	return twelve(-1, 2, 3, 4, 255 * one, 6, 7, 8, 9 * one, -130, 11 + zero - 1, 1);
}
CASE(seven_arguments_noinline, 0)
{
	return seven_of(1, 2, 3, 4, 5, 6, seven);
}

/* ---- structs by value ---- */
struct pair { int a, b; };
struct big { long x[6]; char c; struct pair p; };
struct byte { char c; };
union either { int i; char c[8]; };

static struct pair make(int a, int b)
{
	struct pair p = { a, b };
	return p;
}
static struct pair swap(struct pair p)
{
	int t = p.a;
	p.a = p.b;
	p.b = t;
	return p;
}
static int sum(struct pair p)
{
	p.a += p.b;
	return p.a;
}
static struct big fill(int seed)
{
	struct big b = { .c = 'x' };
	for (int i = 0; i < 6; i++)
		b.x[i] = seed * i;
	b.p = make(seed, -seed);
	return b;
}
static long fold(struct big b, struct byte one_byte, union either u)
{
	long s = 0;
	for (int i = 0; i < 6; i++)
		s += b.x[i];
	return s + b.c + b.p.a * 2 + b.p.b + one_byte.c + u.c[1];
}
static __attribute__((noinline)) struct pair noinline_pair(struct pair p, int k)
{
	return (struct pair){ p.b * k, p.a * k };
}
CASE(struct_return, 9)
{
	struct pair p = make(seven, two);
	return p.a + p.b;
}
CASE(struct_return_member, 7)
{
	return make(seven, two).a;
}
CASE(struct_return_assign, 27)
{
	struct pair p;
	p = make(two, seven);
	p = swap(p);
	return p.a * 3 + p.b * 3;
}
CASE(struct_swap_itself, 5)
{
	struct pair p = make(2, 7);
	p = swap(p);
	return p.a - p.b;
}
CASE(struct_argument_is_a_copy, 12)
{
	struct pair p = { 3 + zero, 3 };
	return sum(p) + p.a + p.b;
}
CASE(struct_argument_chain, 72)
{
	return swap(swap(make(seven, two))).a * 10 + swap(make(seven, two)).a;
}
CASE(struct_big, 283)
{
	struct byte b = { 10 };
	union either u = { .i = 0x0305 };
	return fold(fill(seven + 1), b, u) + 3 + 19;
}
CASE(struct_noinline, 1421)
{
	struct pair p = noinline_pair(make(3, 2), seven);
	return p.a * 100 + p.b;
}
CASE(struct_in_conditional, 4)
{
	struct pair x = { 1, 2 }, y = { 3, 4 };
	return (zero ? x : y).b;
}
CASE(struct_in_comma, 2)
{
	struct pair x = { 1, 2 };
	return (zero, x).b;
}
CASE(struct_through_compound, 11)
{
	return sum((struct pair){ seven, 4 });
}
CASE(struct_returned_through_pointer_argument, 3)
{
	struct pair a[2] = { { 1, 2 }, { 3, 4 } }, *p = a;
	return swap(*p++).b + (p - a) + zero + sum((struct pair){ one, zero });
}

/* ---- pointers to functions ---- */
typedef int (*binary)(int, int);
static int apply(binary f, int a, int b)
{
	return f(a, b);
}
static int apply_starred(int (*f)(int, int), int a, int b)
{
	return (*f)(a, b) + (**f)(1, 1);
}
static int twice(int (*f)(int), int x)
{
	return f(f(x));
}
static int times3(int x)
{
	return x * 3;
}
static struct pair map_pair(struct pair (*f)(struct pair), struct pair p)
{
	return f(p);
}
CASE(pointer_local, 9)
{
	int (*f)(int, int) = add;
	return f(seven, two);
}
CASE(pointer_of_address, 5)
{
	binary f = &sub;
	return (*f)(seven, two);
}
CASE(pointer_argument, 14)
{
	return apply(add, seven, two) + apply(&sub, seven, two);
}
CASE(pointer_starred, 5)
{
	return apply_starred(sub, seven, two);
}
CASE(pointer_twice, 63)
{
	return twice(times3, seven);
}
CASE(pointer_struct, 2)
{
	return map_pair(swap, make(1, 2)).a;
}
CASE(pointer_in_struct, 18)
{
	struct ops { binary first, second; } o = { add, .second = sub };
	return o.first(seven, two) + o.second(11, two);
}
CASE(pointer_null, 1)
{
	binary f = 0;
	return !f && add != 0;
}
CASE(pointer_same, 1)
{
	binary f = add;
	return f == add && f != sub;
}

/* ---- results and parameters of every width ---- */
static signed char narrow_s(int x) { return x; }
static unsigned char narrow_u(int x) { return x; }
static short narrow_h(int x) { return x; }
static unsigned short narrow_uh(int x) { return x; }
static _Bool truth(long x) { return x; }
static long longer(int x) { return x; }
static unsigned long ulonger(unsigned x) { return x; }
static int param_s(signed char c) { return c; }
static int param_u(unsigned char c) { return c; }
static int param_h(short h) { return h; }
static int param_b(_Bool b) { return b; }
static void nothing(int *p) { *p = 5; }
static void early(int *p, int x)
{
	if (x)
		return;
	*p = 9;
}
CASE(result_schar, -1) { return narrow_s(255 * one); }
CASE(result_uchar, 255) { return narrow_u(minus); }
CASE(result_short, -32768) { return narrow_h(32768 * one); }
CASE(result_ushort, 65535) { return narrow_uh(minus); }
CASE(result_bool, 1) { return truth(lbig << 32); }
CASE(result_long, 1) { return longer(minus) == -1l; }
CASE(result_ulong, 1) { return ulonger(minus) == 0xfffffffful; }
CASE(parameter_schar, -2) { return param_s(254 * one); }
CASE(parameter_uchar, 1) { return param_u(257 * one); }
CASE(parameter_short, -1) { return param_h(65535 * one); }
CASE(parameter_bool, 1) { return param_b(256 * one); }
CASE(result_void, 5)
{
	int x = 0;
	nothing(&x);
	return x;
}
CASE(return_early, 3)
{
	int x = 3;
	early(&x, one);
	return x;
}
static int declared_later(int x);
CASE(declared_before_definition, 21)
{
	return declared_later(seven);
}
static int declared_later(int x)
{
	return x * 3;
}
static inline int inlined(int x) { return x + 1; }
static __attribute__((always_inline)) inline int always(int x) { return x + 2; }
static __attribute__((noinline)) int never(int x) { return x + 3; }
CASE(inline_kinds, 27)
{
	return inlined(seven) + always(seven) + never(seven) + 0 - zero;
}
static __attribute__((noinline)) long deep1(long x) { return x * 2 + 1; }
static __attribute__((noinline)) long deep2(long x) { return deep1(x + 1) * deep1(x); }
static __attribute__((noinline)) long deep3(long x) { return deep2(x) + deep1(x); }
CASE(subprograms, 287)
{
	return deep3(seven) + deep1(one) + 14 + zero;
}
static int old_style_empty() { return 4; }
CASE(empty_parameters, 4)
{
	return old_style_empty();
}
static int array_parameter(int a[4], int n)
{
	int s = 0;
	for (int i = 0; i < n && i < 4; i++)
		s += a[i];
	return s;
}
CASE(array_as_parameter, 10)
{
	int a[4] = { 1, 2, 3, 4 };
	return array_parameter(a, two * two);
}
static int static_local(void)
{
	static int n = 10;
	return ++n;
}
CASE(static_local_keeps, 33)
{
	return static_local() + static_local() + 10;
}
