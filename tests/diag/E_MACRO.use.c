/* Macros used with too few arguments, and defined twice the same parameter. */
#define ADD(a, b) ((a) + (b))
#define TWICE(x, x) x
int kprobe__do_exit(void *ctx)
{
	return ADD(1);
}
