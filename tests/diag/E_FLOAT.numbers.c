float ratio;
double half(double x) { return x / 2; }
int f(void *ctx)
{
	int x = 1.5;

	x = (float)x;
	return x * 0.5f;
}
