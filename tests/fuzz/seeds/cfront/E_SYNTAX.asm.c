int f(void *ctx)
{
	long x = 1;
	struct { int a; } s;

	asm volatile("" : "r"(x));
	asm volatile("" : "=f"(x));
	asm volatile("" : : "r"(s));
	asm volatile("" : "=r"(x + 1));
	asm volatile("" : : : "eax");
	asm volatile(x);
	return x;
}
