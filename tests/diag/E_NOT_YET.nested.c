int f(void *ctx)
{
	int inner(int x)
	{
		return x;
	}

	return inner(1);
}
