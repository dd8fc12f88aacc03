/* counter.c: counts for each user, and shows the counts every two seconds.
 *
 *	skep run examples/counter.c -- sh -c 'ls; ls'
 *	skep run examples/counter.c --attach raw_tracepoint:sys_enter=hello -- ls
 *
 * The first counts programs started, the second system calls. */
#pragma skep --attach kprobe:execve=hello
#pragma skep --every 2s --map-format 'counter_table=ID {key}: {value}'

BPF_HASH(counter_table);

int hello(void *ctx)
{
	u64 uid, counter = 0, *p;

	uid = bpf_get_current_uid_gid() & 0xFFFFFFFF;
	p = counter_table.lookup(&uid);
	if (p != 0)
		counter = *p;
	counter++;
	counter_table.update(&uid, &counter);
	return 0;
}
