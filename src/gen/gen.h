/* gen: ir to BPF instructions.
 *
 * Selects instructions, allocates registers (spilling whole registers to the stack), lays out blocks,
 * emits code, relocations and line records into the obj. Verifier-friendly by construction: the value
 * that was bounds-checked is the value that is used, spills keep eight aligned bytes, comparisons of
 * 64-bit values stay 64-bit.
 */
#ifndef SKEP_GEN_H
#define SKEP_GEN_H

#include "base/base.h"
#include "ir/ir.h"
#include "obj/obj.h"

/* Adds the code of every function of an optimised module to `o->funcs` (same order as m->fns) and
 * points the programs at it. Too much stack, too many arguments and the like are diagnostics at the
 * source (E_STACK, E_REGISTERS). False if there was one. Changes the module: it is used up.
 * ZERO and MOVE must be gone (pass expand). What is undefined reads as 0. */
bool gen_module(struct arena *a, struct diags *dx, const struct ir_target *target,
		struct ir_module *m, struct obj *o);

#endif
