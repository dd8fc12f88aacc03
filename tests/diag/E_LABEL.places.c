int f(void *ctx)
{
	int x = 0;

	break;
	continue;
	case 1: x = 1;
	default: x = 2;
	goto nowhere;
again:
	x++;
again:
	switch (x) {
	case 1: case 2: break;
	case 2: break;
	case 0 ... 9: break;
	default: break;
	default: break;
	}
	return x;
}
