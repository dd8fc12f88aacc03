/* Bytes as a program with maps, for the harnesses of the verifier: one byte of flags, one that selects
 * the program type, then instructions.
 */
#ifndef SKEP_FUZZ_VERIFY_INPUT
#define SKEP_FUZZ_VERIFY_INPUT

#include "verify/verify.h"

#include <string.h>

enum { FUZZ_INSNS = 256, FUZZ_MAPS = 5 };
enum fuzz_flags { FUZZ_UNPRIVILEGED = 1, FUZZ_STRICT = 2, FUZZ_PLAIN = 4 };

static const struct {
	u32 type, key, value, entries, lock;
} fuzz_kinds[FUZZ_MAPS] = {
	{ ISA_MAP_HASH, 8, 16, 64, OBJ_NONE }, { ISA_MAP_ARRAY, 4, 16, 8, OBJ_NONE },
	{ ISA_MAP_RINGBUF, 0, 0, 4096, OBJ_NONE }, { ISA_MAP_ARRAY, 4, 8, 1, 4 },
	{ ISA_MAP_ARRAY, 4, 1, 1, OBJ_NONE },
};

/* The context of plain programs has 64 bytes. */
static bool fuzz_program(const u8 *data, size_t size, struct isa_insn *insns, struct verify_map *maps,
			 struct verify_input *out)
{
	static const u32 types[] = { ISA_PROG_SOCKET_FILTER, ISA_PROG_XDP, ISA_PROG_SCHED_CLS,
				     ISA_PROG_CGROUP_SKB, ISA_PROG_KPROBE, ISA_PROG_CGROUP_SOCK_ADDR,
				     ISA_PROG_SK_SKB, ISA_PROG_RAW_TRACEPOINT };
	u32 n;

	if (size < 10)
		return false;
	n = (u32)((size - 2) / 8);
	n = n > FUZZ_INSNS ? FUZZ_INSNS : n;
	memcpy(insns, data + 2, (size_t)n * 8);
	for (u32 i = 0; i < FUZZ_MAPS; i++)
		maps[i] = (struct verify_map){ .type = fuzz_kinds[i].type, .key_size = fuzz_kinds[i].key,
					       .value_size = fuzz_kinds[i].value,
					       .max_entries = fuzz_kinds[i].entries, .inner = OBJ_NONE,
					       .spin_lock_off = fuzz_kinds[i].lock,
					       .timer_off = OBJ_NONE };
	*out = (struct verify_input){ .insns = insns, .n = n, .attach_type = OBJ_NONE, .maps = maps,
				      .n_maps = FUZZ_MAPS, .budget = 20000 };
	out->prog_type = types[data[1] % ARRAY_LEN(types)];
	out->privileged = !(data[0] & FUZZ_UNPRIVILEGED);
	out->strict_align = (data[0] & FUZZ_STRICT) != 0;
	out->mem_size = data[0] & FUZZ_PLAIN ? 64 : 0;
	out->mem_writable = true;
	return true;
}

#endif
