SEC("kprobee/do_exit")
int f(void *ctx)
{
	return 0;
}
