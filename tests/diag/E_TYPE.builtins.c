/* Builtins that no BPF program can have. */
int f(void *ctx)
{
	char *p = __builtin_alloca(10);
	void *r = __builtin_return_address(0);
	int n;

	__builtin_add_overflow(1, 2, n);
	__builtin_mul_overflow(p, 2, &n);
	__sync_fetch_and_add(p, 1);
	return __builtin_object_size(p, 7);
}
