struct key { u32 pid; char comm[16]; };
BPF_HASH(by_key, struct key);
BPF_HASH(by_pid, u32, struct key);
BPF_ARRAY(slots, u64, 0);
BPF_TABLE("hsah", u32, u64, misspelt, 16);
BPF_TABLE("array", u64, u64, wide_array, 16);
BPF_RINGBUF_OUTPUT(ring, 3);
BPF_QUEUE(queue, u64, 8);
BPF_HASH(no_key, void);
BPF_ARRAY(list, u64, 8);
struct { __uint(type, BPF_MAP_TYPE_HASH); __type(key, u32); } half SEC(".maps");
struct { int type; } plain SEC(".maps");
int number SEC(".maps");
int f(void *ctx)
{
	u32 pid = 1, *p;
	int i = 0;

	by_key.lookup(&pid);
	by_pid.increment(pid);
	by_pid.lookpu(&pid);
	queue.lookup(&pid);
	list.delete(&i);
	p = by_pid;
	i = by_pid.key;
	bpf_map_lookup_elem(&by_key, &pid);
	return 0;
}
