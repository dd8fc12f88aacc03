struct point { int x, y; };
void nothing(void) { }
int f(void *ctx)
{
	struct point a = { 1, 2 }, b = a;
	char *text = "x";
	int i = 0;
	void v;

	a == b;
	i = a + 1;
	i = text * 2;
	i = -text;
	i = *i;
	i = *ctx;
	i = i[i];
	a = 5;
	i = nothing();
	i = i();
	if (a)
		return a;
	switch (text) { }
	return;
}
void g(void *ctx)
{
	return 1;
}
