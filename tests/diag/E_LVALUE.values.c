struct s { int a[4]; int bits:3; };
BPF_HASH(table);
int f(void *ctx)
{
	struct s s = {}, t = s;
	int x = 1, *p;

	5 = x;
	x + 1 = 2;
	x++ = 3;
	++5;
	s.a = t.a;
	p = &5;
	p = &(x + 1);
	p = &s.bits;
	table = 0;
	f = 0;
	return 0;
}
