static int sometimes(int x)
{
	if (x)
		return 1;
}
static int always(int x)
{
	while (1)
		if (x++ > 3)
			return x;
}
static int chosen(int x)
{
	switch (x) {
	case 1: return 1;
	default: return 2;
	}
}
int f(void *ctx)
{
	sometimes(1) + always(1) + chosen(1);
}
