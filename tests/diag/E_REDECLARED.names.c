struct point { int x; int x; };
struct point { int y; };
union point;
enum color { RED, RED };
int count;
long count;
BPF_HASH(count);
int f(int a, int a) { return 0; }
int f(int a, int b) { return 0; }
int g(void *ctx)
{
	int x, y;
	char x;
	union point *p;

	return x;
}
