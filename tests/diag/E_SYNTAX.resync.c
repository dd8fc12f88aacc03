/* Each wrong statement is reported once, and what follows is still read. */
int first(void *ctx)
{
	int x = (1 + ;
	int y = 2 +* 3;

	if (x { y = 1; }
	for (x = 0; x < 3) y++;
	return x y;
}

int second(void *ctx
{
	return 0;
}

int third(void *ctx)
{
	return = 0;
}
