unsigned float long x;
short long y;
typedef int number;
int f(void *ctx)
{
	int number n;

	else return 0;
	if (1)
		int z = 1;
	return number;
}
