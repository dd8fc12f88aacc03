int width;
static int table[width];
static int start = width + 1;
enum { A = width };
struct s { int a:width; int b:40; int c:-1; };
const int limit = 3;
_Static_assert(width, "no constant");
int f(void *ctx)
{
	const char *text = "x";
	const int *p = &limit;
	int neg[-1];

	limit = 4;
	*p = 5;
	text[0] = 'y';
	switch (width) { case width: return 1; }
	return 0;
}
