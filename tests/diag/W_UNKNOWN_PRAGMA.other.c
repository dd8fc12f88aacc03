/* A pragma that has no effect here. */
#pragma omp parallel for
int kprobe__do_exit(void *ctx)
{
	return 0;
}
