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
CAS