int f(void *ctx)
{
	int x = 7;

	x /= 0;
	return x / 0 + x % (3 - 3);
}
