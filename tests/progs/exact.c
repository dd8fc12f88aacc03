/* exact.c: makes exactly 1000 getppid calls and one exit_group, and nothing else: no libc, no start-up code. With
 * the execve that starts it, a tracer of all system calls must count 1002. exact32 is the same for 32 bits. */

static long call(long nr, long a)
{
	long r;
#if defined(__i386__)
	__asm__ volatile("int $0x80" : "=a"(r) : "0"(nr), "b"(a) : "memory");
#elif defined(__x86_64__)
	__asm__ volatile("syscall" : "=a"(r) : "0"(nr), "D"(a) : "rcx", "r11", "memory");
#else
	register long x8 __asm__("x8") = nr;
	register long x0 __asm__("x0") = a;

	__asm__ volatile("svc 0" : "+r"(x0) : "r"(x8) : "memory");
	r = x0;
#endif
	return r;
}

#if defined(__i386__)
enum { GETPPID = 64, EXIT_GROUP = 252 };
#elif defined(__x86_64__)
enum { GETPPID = 110, EXIT_GROUP = 231 };
#else
enum { GETPPID = 173, EXIT_GROUP = 94 };
#endif

void _start(void);
void _start(void)
{
	for (int i = 0; i < 1000; i++)
		call(GETPPID, 0);
	call(EXIT_GROUP, 0);
	for (;;)
		;
}
