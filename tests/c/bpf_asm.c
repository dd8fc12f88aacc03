/* Inline assembly: only BPF has this text. */
#define barrier() asm volatile("" ::: "memory")
#define barrier_var(x) asm volatile("" : "=r"(x) : "0"(x))
static volatile int seven = 7, two = 2;
static long memory = 40;

CASE(plain_barrier, 7)
{
	int x = seven;

	barrier();
	return x;
}
CASE(barrier_memory, 42)
{
	memory += two;
	barrier();
	return memory;
}
CASE(hidden, 9)
{
	int x = 9;

	barrier_var(x);
	return x;
}
CASE(barrier_var_plus, 9)
{
	long x = 9;

	asm volatile("" : "+r"(x));
	return x;
}
CASE(barrier_var_narrow, -3)
{
	signed char c = -3;

	barrier_var(c);
	return c;
}
CASE(barrier_pointer, 5)
{
	int x = 5, *p = &x;

	barrier_var(p);
	return *p;
}
CASE(keep_alive, 7)
{
	int x = seven;

	asm volatile("" : : "r"(x), "r"(&x) : "memory");
	return x;
}
CASE(in_memory, 7)
{
	int x = seven;

	asm volatile("" : "+m"(x));
	return x;
}
CASE(mask, 0x34)
{
	unsigned long x = 0x1234 + seven - 7;

	asm volatile("%0 &= 0xff" : "+r"(x));
	return x;
}
CASE(named, 9)
{
	long x = seven, y = two;

	asm volatile("%[x] += %[y]" : [x] "+r"(x) : [y] "r"(y));
	return x;
}
CASE(immediate, 107)
{
	long x = seven;

	asm volatile("%[x] += %[k]" : [x] "+r"(x) : [k] "i"(100));
	return x;
}
CASE(register_or_immediate, 19)
{
	long x = seven, y = two;

	asm("%0 += %1; %0 += %2" : "+r"(x) : "ri"(10), "ri"(y));
	return x;
}
CASE(separate_output, 27)
{
	long x, y = seven;

	asm volatile("%0 = %1\n%0 += 20" : "=&r"(x) : "r"(y));
	return x;
}
CASE(two_outputs, 72)
{
	long x, y;

	asm volatile("%0 = %2; %1 = %3" : "=&r"(x), "=&r"(y) : "r"((long)two), "r"((long)seven));
	return y * 10 + x;
}
CASE(three_outputs, 321)
{
	long x, y, z;

	asm volatile("%0 = 1; %1 = 2; %2 = 3" : "=r"(x), "=r"(y), "=r"(z));
	return x + y * 10 + z * 100;
}
CASE(matching, 14)
{
	long x;

	asm volatile("%0 += %0" : "=r"(x) : "0"((long)seven));
	return x;
}
CASE(own_registers, 8)
{
	long x;

	asm volatile("r6 = 5; r7 = 3; r6 += r7; %0 = r6" : "=r"(x) : : "r6", "r7");
	return x;
}
CASE(jump_inside, 1)
{
	long x = seven;

	asm volatile("if %0 > 5 goto +1; %0 = 100; %0 &= 1" : "+r"(x));
	return x;
}
CASE(labels_inside, 10)
{
	long x = 0, i = 7;

	asm volatile("l%=: %0 += 1; %1 += -1; if %1 != 0 goto l%=; %0 += 3" : "+r"(x), "+r"(i));
	return x;
}
CASE(memory_operand, 9)
{
	long x = seven, y;

	asm volatile("%0 = *(u64 *)%1; %0 += 2" : "=r"(y) : "m"(x));
	return y;
}
CASE(store_to_memory, 5)
{
	long x = 1;

	asm volatile("*(u64 *)(%0 + 0) = %1" : : "r"(&x), "r"(5l) : "memory");
	return x;
}
CASE(calls_a_helper, 1)
{
	long t;

	asm volatile("call bpf_ktime_get_ns; %0 = r0" : "=r"(t) : : "r0", "r1", "r2", "r3", "r4", "r5");
	return t != 0;
}
CASE(values_survive, 30)
{
	long a = seven, b = two, c = seven + 1, d = two + 1, e = seven + 3;

	asm volatile("r0 = 0; r1 = 0; r2 = 0; r3 = 0; r4 = 0; r5 = 0" : : : "r0", "r1", "r2", "r3", "r4", "r5");
	return a + b + c + d + e;
}
CASE(asm_goto, 3)
{
	long x = seven;

	asm volatile goto("if %[x] s> 5 goto %l[more]" : : [x] "r"(x) : : more);
	return 2;
more:
	return 3;
}
CASE(asm_goto_falls, 2)
{
	long x = seven;

	asm goto("if %0 == %1 goto %l2" : : "r"(x), "i"(5) : : more);
	return 2;
more:
	return 3;
}
CASE(percent, 3)
{
	long x = 10, y = seven;

	asm volatile("%0 %%= %1" : "+r"(x) : "r"(y));
	return x;
}
#define likely_above(x, n) ({ __label__ yes; int r = 1; asm volatile goto("if %[a] > %[b] goto %l[yes]" : : [a] "r"(x), [b] "i"(n) : : yes); r = 0; yes: r; })
CASE(asm_goto_local_labels, 2)
{
	return likely_above((long)seven, 5) * 2 + likely_above((long)two, 5);
}
