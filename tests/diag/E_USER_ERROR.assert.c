struct event { u32 pid; u64 time; };
_Static_assert(sizeof(struct event) == 12, "the reader expects 12 bytes");
int f(void *ctx)
{
	_Static_assert(sizeof(int) == 8);
	return 0;
}
