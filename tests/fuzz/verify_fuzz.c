/* The verifier on any bytes: it answers, within its budget, and a refusal names a place and a reason. */
#include "verify_input.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
	struct isa_insn insns[FUZZ_INSNS];
	struct verify_map maps[FUZZ_MAPS];
	struct verify_input in;
	struct verify_result out;
	struct arena *a;

	if (!fuzz_program(data, size, insns, maps, &in))
		return 0;
	a = arena_new(NULL);
	verify_program(a, &in, &out);
	if (!out.accepted && (out.problem.tag == V_NONE || !out.problem.text.n || out.problem.insn >= in.n))
		abort();
	arena_free(a);
	return 0;
}
