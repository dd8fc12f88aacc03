/* Helpers: clocks, and which processor. The processor is the thread's slot, so that a program that
 * counts by processor and one that looks into per-CPU maps mean the same. */
#include "vm/run.h"

#include <sched.h>
#include <time.h>

#define UNUSED ((void)t, (void)a, (void)b, (void)c, (void)d, (void)e)

static u64 now(clockid_t clock)
{
	struct timespec ts = { 0 };

	clock_gettime(clock, &ts);
	return (u64)ts.tv_sec * 1000000000u + (u64)ts.tv_nsec;
}

VM_HELPER(ktime_get_ns)
{
	UNUSED;
	return now(CLOCK_MONOTONIC);
}

VM_HELPER(ktime_get_boot_ns)
{
	UNUSED;
	return now(CLOCK_BOOTTIME);
}

VM_HELPER(ktime_get_coarse_ns)
{
	UNUSED;
	return now(CLOCK_MONOTONIC_COARSE);
}

VM_HELPER(ktime_get_tai_ns)
{
	UNUSED;
	return now(CLOCK_TAI);
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
