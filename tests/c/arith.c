/* Integer arithmetic: C11 6.5.5 to 6.5.14, 6.3.1. */
static volatile int zero, one = 1, two = 2, seven = 7, minus = -1;
static volatile unsigned uone = 1, big = 0xffffffff;
static volatile long lbig = 0x123456789abcdef;

CASE(add, 9)
{
	return seven + two;
}
CASE(unsigned_wrap, 0)
{
	return big + uone;
}
CASE(long_low, 0x89abcdef)
{
	return lbig;
}
