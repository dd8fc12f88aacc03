/* The program warns by itself. */
#warning "this example is old"
int kprobe__do_exit(void *ctx)
{
	return 0;
}
