/* tcp_latency.c: how long TCP connections take to be made: a line each, and a picture.
 *
 *	skep run examples/tcp_latency.c -- curl -s http://localhost/
 *
 * BCC's dialect. From SYN_SENT to ESTABLISHED, by the address of the socket. */
#include <linux/tcp.h>
#include <bcc/proto.h>

struct connection {
	u64 us;
	u16 port, family;
	char comm[TASK_COMM_LEN];
};
BPF_HASH(start, const void *, u64);
BPF_PERF_OUTPUT(connections);
BPF_HISTOGRAM(microseconds);

TRACEPOINT_PROBE(sock, inet_sock_set_state)
{
	const void *sk = args->skaddr;
	struct connection c = {};
	u64 now = bpf_ktime_get_ns(), *from;

	if (args->protocol != IPPROTO_TCP)
		return 0;
	if (args->newstate == TCP_SYN_SENT) {
		start.update(&sk, &now);
		return 0;
	}
	from = start.lookup(&sk);
	if (!from)
		return 0;
	if (args->newstate == TCP_ESTABLISHED) {
		c.us = (now - *from) / 1000;
		c.port = args->dport;
		c.family = args->family;
		bpf_get_current_comm(&c.comm, sizeof(c.comm));
		connections.perf_submit(args, &c, sizeof(c));
		microseconds.increment(bpf_log2l(c.us));
	}
	start.delete(&sk);
	return 0;
}
