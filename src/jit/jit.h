/* jit: native code from a verified program, behind one table of target functions: x86-64
 * and arm64.
 *
 * One pass over the pre-analysed code with fixed BPF registers in native ones, spare registers for
 * hot stack slots, folded addresses, short encodings, rotates and merged loads recognised, array
 * lookups and cheap helpers inlined where the verifier's facts allow. Memory is W^X: written, then
 * sealed; guard pages on both sides. Frames of BPF functions lie on the caller's machine stack (512
 * bytes each at most). Tail calls go on in
 * native code where there is some (jit_publish()), else in the interpreter, in either case with
 * the run's count of tail calls and budget.
 */
#ifndef SKEP_JIT_H
#define SKEP_JIT_H

#include "base/base.h"
#include "isa/isa.h"
#include "verify/verify.h"
#include "vm/vm.h"

struct jit_code;
struct jit_options {
	const struct verify_fact *facts; /* one an instruction slot; NULL: nothing is known */
	bool blind_constants;
	bool with_budget; /* count down *vm_thread_budget(); at its end *vm_thread_fault() is -ETIME
			   */
	bool keep_stack;  /* the program reads no stack that it did not write: frames are not
			   * cleared */
	bool baseline;	  /* only instructions that every machine of the kind has */
	u32 ctx_size; /* r2 at the start, for programs on plain memory (verify_input.mem_size) */
	u32 fail_in;  /* SKEP_DEBUG, for tests: the n-th allocation fails */
};
typedef u64 (*jit_fn)(void *ctx, struct vm_thread *t);
/* Compiles. -SKEP_EUNSUPPORTED on a machine without a target. The code refers to `p`, which must
 * outlive it. */
int jit_compile(const struct vm_prog *p, const struct jit_options *o, struct jit_code **out,
		struct err *e) MUST_CHECK;
jit_fn jit_entry(const struct jit_code *c);
/* Tail calls to the program, from code with the same choice of with_budget, go on in this code from
 * now on, until it is freed: which must wait for all runs that may come here. */
void jit_publish(struct jit_code *c);
u32 jit_size(const struct jit_code *c);
void jit_free(struct jit_code *c);
/* Code of another machine as bytes, for tests and dumps: target "x86-64" or "arm64";
 * -SKEP_EUNSUPPORTED for others. */
int jit_compile_for(const char *target, struct arena *a, const struct vm_prog *p,
		    const struct jit_options *o, str *out_code, struct err *e) MUST_CHECK;

#endif
