/* profile.c: where a program spends its time: stacks, sampled 199 times a second on each CPU.
 *
 *	skep run examples/profile.c -- gzip -9 -c /usr/share/dict/words
 */
#pragma skep --attach profile:hz:199=sample
#include <uapi/linux/bpf_perf_event.h>

struct key {
	u32 pid;
	int user, kernel;
	char comm[16];
};
BPF_HASH(samples, struct key);
BPF_STACK_TRACE(stacks, 1024);

int sample(struct bpf_perf_event_data *ctx)
{
	struct key k = { .pid = bpf_get_current_pid_tgid() >> 32 };

	k.user = stacks.get_stackid(&ctx->regs, BPF_F_USER_STACK);
	k.kernel = stacks.get_stackid(&ctx->regs, 0);
	bpf_get_current_comm(&k.comm, sizeof(k.comm));
	samples.increment(k);
	return 0;
}
