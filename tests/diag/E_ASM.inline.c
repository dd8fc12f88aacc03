// flags: attach=raw_tracepoint:sys_enter=hello
/* Mistakes inside of inline assembly are shown in its text, and where that stands. */
int hello(void *ctx)
{
	long x = 1, y;

	asm volatile("%0 += %3" : "+r"(x));
	asm volatile("%[x] <>= 5" : [x] "+r"(x));
	asm volatile("r0 = 0; r1 = 1; r2 = 2; r3 = 3; r4 = 4; r5 = 5; r6 = 6; r7 = 7; r8 = 8; %0 = %1; %2 = 5"
		     : "=r"(y), "+r"(x), "=r"(y));
	return x + y;
}
