// flags:
int hello(void *ctx)
{
	return 0;
}

int twice(int x)
{
	return x * 2;
}

int kprobe__do_exit(struct pt_regs *ctx)
{
	return twice(2);
}
