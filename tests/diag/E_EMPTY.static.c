// flags:
BPF_HASH(table);

static int helper(int x)
{
	return x;
}
