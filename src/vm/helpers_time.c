/* Helpers: clocks, and which processor. The processor is the thread's slot, so that a program that
 * counts by processor and one that looks into per-CPU maps mean the same. */
#include "vm/run.h"

#include <sched.h>
#include <time.h>

#define UNUSED ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)

static u64 now(struct vm_thread *t, clockid_t clock)
{
	struct timespec ts = { 0 };

	if (t->ops && t->ops->time)
		return t->ops->time(t, clock);
	clock_gettime(clock, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

VM_HELPER(ktime_get_ns)
{
	UNUSED;
	return now(t, CLOCK_MONOTONIC);
}

VM_HELPER(ktime_get_boot_ns)
{
	UNUSED;
	return now(t, CLOCK_BOOTTIME);
}

VM_HELPER(ktime_get_coarse_ns)
{
	UNUSED;
	return now(t, CLOCK_MONOTONIC_COARSE);
}

VM_HELPER(ktime_get_tai_ns)
{
	UNUSED;
	return now(t, CLOCK_TAI);
}

/* The kernel counts ticks from five minutes before its 32-bit counter wraps; the coarse clock moves
 * with the ticks, and its resolution is one. */
VM_HELPER(jiffies64)
{
	enum { BEFORE_WRAP = 300 };
	struct timespec tick = { 0, 10000000 };
	u64 ns;

	UNUSED;
	clock_getres(CLOCK_MONOTONIC_COARSE, &tick);
	ns = tick.tv_nsec > 0 ? (u64)tick.tv_nsec : 10000000u;
	return (1ull << 32) - BEFORE_WRAP * (1000000000u / ns) +
	       now(t, CLOCK_MONOTONIC_COARSE) / ns;
}

VM_HELPER(get_smp_processor_id)
{
	UNUSED;
	return t->maps.slot;
}

VM_HELPER(get_numa_node_id)
{
	unsigned int cpu = 0, node = 0;

	UNUSED;
	return getcpu(&cpu, &node) == 0 ? node : 0;
}

/* xorshift64*: the upper half of the product. */
VM_HELPER(get_prandom_u32)
{
	u64 x = t->random;

	UNUSED;
	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	t->random = x;
	return (u32)(x * 0x2545f4914f6cdd1dull >> 32);
}
