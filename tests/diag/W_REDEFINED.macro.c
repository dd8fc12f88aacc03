/* One name, two bodies. */
#define LIMIT 10
#define LIMIT 20
int kprobe__do_exit(void *ctx)
{
	return LIMIT;
}
