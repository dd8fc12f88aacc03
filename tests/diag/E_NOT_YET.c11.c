/* Standard and GNU C that is refused. */
unsigned __int128 wide;
int external(int x);
asm("r0 = 1");
int f(void *ctx)
{
	int n = 1, list[n];
	register long kept asm("r6");
	void *label = &&out;
	int (*named)(int) = external;

	wide = wide / 10;
	wide %= 10;
	n = __builtin_frobnicate(1);
	n = __builtin_strcmp((char *)ctx, (char *)ctx);
out:
	return 0;
}
int variadic(int a, ...) { return a; }
struct { int n; short data[]; } flexible = { 1, { 2 } };
struct { struct { int b, c; } a; int d; } nested = { .a.b = 1, 2 };
_Thread_local int own;
