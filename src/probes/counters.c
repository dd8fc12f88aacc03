/* counters: names of software and hardware events.
 *
 * The numbers are those of perf_event_open(2) (PERF_COUNT_SW_…, PERF_COUNT_HW_…); the names and the
 * default periods are the ones that users know from bpftrace, so that `hardware:cache-misses:`
 * means the same. Other names of the same event are printed as the first.
 */
#include "probes/room.h"

#include <linux/perf_event.h>

static const struct probes_counter software[] = {
	{ "cpu-clock", "cpu", PERF_COUNT_SW_CPU_CLOCK, 1000000 },
	{ "task-clock", "task", PERF_COUNT_SW_TASK_CLOCK, 1000000 },
	{ "page-faults", "faults", PERF_COUNT_SW_PAGE_FAULTS, 100 },
	{ "context-switches", "cs", PERF_COUNT_SW_CONTEXT_SWITCHES, 1000 },
	{ "cpu-migrations", "migrations", PERF_COUNT_SW_CPU_MIGRATIONS, 1 },
	{ "minor-faults", "", PERF_COUNT_SW_PAGE_FAULTS_MIN, 100 },
	{ "major-faults", "", PERF_COUNT_SW_PAGE_FAULTS_MAJ, 1 },
	{ "alignment-faults", "", PERF_COUNT_SW_ALIGNMENT_FAULTS, 1 },
	{ "emulation-faults", "", PERF_COUNT_SW_EMULATION_FAULTS, 1 },
	{ "dummy", "", PERF_COUNT_SW_DUMMY, 1 },
	{ "bpf-output", "", PERF_COUNT_SW_BPF_OUTPUT, 1 },
};

static const struct probes_counter hardware[] = {
	{ "cpu-cycles", "cycles", PERF_COUNT_HW_CPU_CYCLES, 1000000 },
	{ "instructions", "", PERF_COUNT_HW_INSTRUCTIONS, 1000000 },
	{ "cache-references", "", PERF_COUNT_HW_CACHE_REFERENCES, 1000000 },
	{ "cache-misses", "", PERF_COUNT_HW_CACHE_MISSES, 1000000 },
	{ "branch-instructions", "branches", PERF_COUNT_HW_BRANCH_INSTRUCTIONS, 100000 },
	{ "branch-misses", "", PERF_COUNT_HW_BRANCH_MISSES, 100000 },
	{ "bus-cycles", "", PERF_COUNT_HW_BUS_CYCLES, 100000 },
	{ "frontend-stalls", "", PERF_COUNT_HW_STALLED_CYCLES_FRONTEND, 1000000 },
	{ "backend-stalls", "", PERF_COUNT_HW_STALLED_CYCLES_BACKEND, 1000000 },
	{ "ref-cycles", "", PERF_COUNT_HW_REF_CPU_CYCLES, 1000000 },
};

const struct probes_counter *probes_counter_at(bool hw, u32 i)
{
	if (hw)
		return i < ARRAY_LEN(hardware) ? &hardware[i] : NULL;
	return i < ARRAY_LEN(software) ? &software[i] : NULL;
}

const struct probes_counter *probes_counter_named(bool hw, str name)
{
	const struct probes_counter *c;
	u32 i;

	for (i = 0; (c = probes_counter_at(hw, i)); i++)
		if (str_is(name, c->name) || (c->alias[0] && str_is(name, c->alias)))
			return c;
	return NULL;
}

bool probes_counter_config(const struct probes_point *p, u32 *out_type, u64 *out_config,
			   u64 *out_period)
{
	const struct probes_counter *c = NULL;

	if (p->provider == PROBES_SOFTWARE || p->provider == PROBES_HARDWARE)
		c = probes_counter_named(p->provider == PROBES_HARDWARE, p->name);
	if (!c)
		return false;
	*out_type = p->provider == PROBES_HARDWARE ? PERF_TYPE_HARDWARE : PERF_TYPE_SOFTWARE;
	*out_config = c->config;
	*out_period = p->amount ? p->amount : c->period;
	return true;
}
