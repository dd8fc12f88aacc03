/* Methods of maps that have no entries, on maps of other kinds and with wrong arguments. */
struct event { int pid; };
BPF_HASH(counts, int, u64);
BPF_PERF_OUTPUT(events);
BPF_RINGBUF_OUTPUT(ring, 8);
BPF_STACK_TRACE(stacks, 64);
BPF_ARRAY_OF_MAPS(outer, "inner", 4);
int kprobe__do_exit(struct pt_regs *ctx)
{
	struct event e = { 1 };

	counts.perf_submit(ctx, &e, sizeof(e));
	events.perf_submit(ctx, &e);
	events.perf_submit(ctx, e, sizeof(e));
	ring.ringbuf_reserved(sizeof(e));
	stacks.lookup_or_init(&e.pid);
	stacks.get_stackid(ctx);
	events.ringbuf_output(&e, sizeof(e), 0);
	return 0;
}
