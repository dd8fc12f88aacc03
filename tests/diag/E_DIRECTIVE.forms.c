/* A directive that does not exist, one without its name, and an end without a beginning. */
#frobnicate now
#define
int kprobe__do_exit(void *ctx)
{
	return 0;
}
#endif
