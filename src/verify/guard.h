/* What unprivileged programs must keep to because of speculation (guard.c). Private to the room. */
#ifndef SKEP_VERIFY_GUARD_H
#define SKEP_VERIFY_GUARD_H

#include "verify/state.h"

/* What the kernel would mask an instruction's operand with; it must be the same on every path. */
struct guard {
	u8 state; /* enum guard_state, or 0 before the first visit */
	u32 limit;
};
/* Follows the way that a comparison does not go, with operands that nobody knows. */
void verify_guess_branch(struct verifier *v, struct isa_insn i, u32 to);
/* Before and behind a pointer's move by `s`: `p` is the pointer, `r` the moved one. */
struct guard_move {
	bool left;
	struct guard first;
};
bool verify_guard_before(struct verifier *v, struct isa_insn i, const struct reg *p,
			 const struct reg *s, bool in_dst, struct guard_move *m);
bool verify_guard_behind(struct verifier *v, struct isa_insn i, const struct reg *r,
			 const struct reg *s, struct guard_move *m);
bool verify_guard_number(struct verifier *v, struct isa_insn i);

#endif
