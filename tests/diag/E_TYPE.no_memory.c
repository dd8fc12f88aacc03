// flags: attach=raw_tracepoint:sys_enter=hello
BPF_HASH(table);

int hello(void *ctx)
{
	u64 *p = (u64 *)&table;

	p[1] = 3;
	return *p;
}
