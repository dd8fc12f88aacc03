int hello(void *ctx)
{
	if (ctx) {
		return 1;
	return 0;
}
