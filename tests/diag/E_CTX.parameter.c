// flags: attach=BEGIN=start
int tracepoint__sched__sched_switch(void *ctx, int prev_pid)
{
	return prev_pid;
}

int start(void *ctx, int number)
{
	return number;
}

SEC("raw_tracepoint/sys_enter")
int raw(void *ctx, long id)
{
	return id == 1;
}

SEC("kprobe/__x64_sys_close")
int many(struct pt_regs *ctx, long a, long b, long c, long d, long e, long f, long g)
{
	return g == 1;
}
