/* jit, private: what is known about a program before code is made: functions, labels, liveness,
 * clean upper halves. */
#ifndef SKEP_JIT_FLOW_H
#define SKEP_JIT_FLOW_H

#include "base/base.h"
#include "isa/isa.h"
#include "jit/jit.h"
#include "jit/target.h"
#include "vm/vm.h"

#define JIT_FP	      10
#define JIT_SLOT0     11
#define JIT_MAX_SLOTS 5

enum {
	FLOW_LABEL = 1 /* a jump comes here */,
	FLOW_FUNC = 2 /* a function begins */,
	FLOW_SECOND = 4 /* second half of a wide load */,
	FLOW_CALLBACK = 8,
	FLOW_SLOT = 16,
	FLOW_LOOP = 32 /* a jump comes here from behind */,
	FLOW_SELECT = 64 /* a jump over one move: no jump at all, but a conditional move */,
	FLOW_CONDITIONAL = 128 /* the move behind it */,
	FLOW_JUMP = 256 /* it may go elsewhere, FLOW_SELECT or not */,
	FLOW_END = 512 /* it never goes on with the next */
};

/* One instruction as the analysis sees it: masks of the registers (and slots) that it reads and
 * writes. */
struct flow_op {
	u16 use, def, live_after, flags;
	u8 slot;
	u32 target, refs; /* of a jump: where it leads; how many jumps lead here */
};

struct flow_slot {
	s16 off;
	u8 bytes, reg;
};
struct flow_func {
	u32 start, end;
	struct flow_slot slots[JIT_MAX_SLOTS];
	u32 n_slots;
	u32 frame; /* bytes of stack left after promotion */
	bool calls, tails, escapes; /* tails: has tail calls */
	u16 live_in; /* at its start: read before written on some path */
	u32 natives; /* mask of the machine registers it uses */
};

struct flow {
	struct arena *a;
	const struct vm_prog *prog;
	const struct jit_target *t;
	const struct isa_insn *insns;
	u32 n;
	const u32 *orig; /* NULL, or of each instruction its number in the program */
	struct flow_op *ops;
	u16 *live_in,
		*clean; /* at labels and function starts; clean: upper half known to be zero */
	struct flow_func *funcs;
	u32 n_funcs;
	bool has_thread; /* some function calls a helper */
};

/* -EINVAL with *e for what no verified program has: jumps out of a function, a fall off the end. */
int jit_flow(struct flow *f, struct arena *a, const struct vm_prog *p, const struct jit_target *t,
	     const struct jit_options *o, struct err *e);
/* Copies small loops, see unroll.c: the flow then has new instructions and is to be made anew; false: there is none. */
bool jit_unroll(struct flow *f);
u64 jit_imm64(const struct isa_insn *i);

#endif
