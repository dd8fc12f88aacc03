/* Something at file scope that looks like a call. */
BPF_HSAH(counts, u32, u64);

hello(void *ctx)
{
	return 0;
}
