struct event { u32 pid; u64 delta_us; char comm[16]; };
int f(void *ctx)
{
	struct event e = { .pdi = 1 }, *p = &e;
	int i = 0;

	e.pidd = 1;
	e.delta = 2;
	p.pid = 1;
	e->pid = 1;
	i.pid = 1;
	i->pid = 1;
	return __builtin_offsetof(struct event, com);
}
