/* kern: struct rt_engine on the Linux kernel, through bpf(2) and libbpf's low-level calls.
 *
 * The only room that sees libbpf. Creates maps, loads programs with BTF, attaches, reads. Keeps the set of
 * traced processes (a cgroup v2 of its own, or a map of thread group ids fed by fork and exit). Finds
 * the equivalent of an attach point that this kernel lacks. Everything that it makes goes away with the
 * process, also when it is killed.
 */
#ifndef SKEP_KERN_H
#define SKEP_KERN_H

#include "rt/rt.h"

extern const struct rt_engine kern_engine;

/* The map of traced thread groups (key u32 tgid, value u8): the engine fills in the first ones, the tracker
 * programs (src/api/tracker.c) their children. */
#define KERN_PIDS_MAP "skep_pids"

/* What this kernel's BPF can do, a line a feature ("  fentry: yes"), under headings. */
void kern_features(struct probes_machine *m, struct sbuf *out);

#endif
