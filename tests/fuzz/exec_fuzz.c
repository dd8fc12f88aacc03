/* What the verifier accepts runs in the interpreter's checked mode and touches nothing else. */
#include "verify_input.h"

#include "maps/maps.h"
#include "vm/vm.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { CONTEXT = 256, PACKET = 64 };

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

static bool fill_context(const struct verify_input *in, struct vm_thread *t, u8 *ctx, u8 *packet)
{
	struct vm_packet p = { .data = packet, .size = PACKET };
	u32 at = in->prog_type == ISA_PROG_XDP ? 0 : 76, lo = (u32)(uintptr_t)packet, hi = lo + PACKET;

	memset(ctx, 0, CONTEXT);
	memcpy(ctx + at, &lo, 4);
	memcpy(ctx + at + 4, &hi, 4);
	/* Where metadata is read, there is none: it begins at the data. */
	memcpy(ctx + (in->prog_type == ISA_PROG_XDP ? 8 : 140), &lo, 4);
	vm_thread_packet(t, &p);
	return in->mem_size || in->prog_type == ISA_PROG_SOCKET_FILTER ||
	       in->prog_type == ISA_PROG_XDP || in->prog_type == ISA_PROG_SCHED_CLS;
}

static void execute(const struct verify_input *in, struct maps_map *const *maps)
{
	struct vm_spec spec = { .insns = in->insns, .n = in->n, .maps = maps, .n_maps = FUZZ_MAPS };
	struct vm_limits limits = { .budget = 100000, .checked = true };
	struct vm_thread *t = vm_thread_new(0);
	struct vm_prog *p = NULL;
	u8 ctx[CONTEXT], *packet;
	struct err e;
	u64 r0;

	packet = mmap(NULL, PACKET, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_32BIT, -1, 0);
	if (t && packet != MAP_FAILED && fill_context(in, t, ctx, packet) &&
	    vm_prog_new(&spec, &p, &e) == 0) {
		if (vm_run(p, t, ctx, in->mem_size ? in->mem_size : CONTEXT, &limits, &r0, &e) == -EFAULT)
			abort();
		vm_prog_free(p);
	}
	if (packet != MAP_FAILED)
		munmap(packet, PACKET);
	vm_thread_free(t);
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct isa_insn insns[FUZZ_INSNS];
	struct verify_map maps[FUZZ_MAPS];
	struct maps_map *own[FUZZ_MAPS] = { 0 };
	struct verify_input in;
	struct verify_result out;
	struct arena *a;
	struct err e;

	if (!fuzz_program(data, size, insns, maps, &in))
		return 0;
	a = arena_new(NULL);
	verify_program(a, &in, &out);
	for (u32 i = 0; out.accepted && i < FUZZ_MAPS; i++) {
		struct maps_spec s = { .name = STR("m"), .type = maps[i].type,
				       .key_size = maps[i].key_size, .value_size = maps[i].value_size,
				       .max_entries = maps[i].max_entries };

		if (maps_create(&s, &own[i], &e))
			abort();
	}
	if (out.accepted)
		execute(&in, own);
	for (u32 i = 0; out.accepted && i < FUZZ_MAPS; i++)
		maps_put(own[i]);
	arena_free(a);
	return 0;
}
