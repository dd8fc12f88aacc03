struct later;
struct nobody { struct unknown_here inside; };
int numbers[];
int f(struct later *p)
{
	struct later x;
	int unsized[];
	int grid[2][] = { { 1 } };

	return p->a + sizeof(struct later) + sizeof(*p);
}
