/* What memory an instruction can touch: shared by the passes. Private to the room. */
#ifndef SKEP_IR_MEMORY_H
#define SKEP_IR_MEMORY_H

#include "ir/ir.h"

/* Who may know the address of a slot. */
enum ir_exposure {
	IR_PRIVATE,           /* only the loads and stores of this function */
	IR_LENT,              /* also helpers, while they are called with it */
	IR_EXPOSED,           /* anybody from then on */
};
/* Classifies all slots: sets the `mark` of each SLOT. */
void ir_slots_classify(struct ir_fn *fn);

/* Whether the load `x` reads one of the module's pointers: the symbol (and *out_off) that it gives. */
bool ir_loads_pointer(const struct ir_module *m, const struct ir_ins *x, u32 *out_sym, s64 *out_off);

/* The slot or data symbol that an address surely lies in, or NULL. */
struct ir_ins *ir_object(struct ir_ins *address);

/* A piece of memory: `bytes` from base + off on. */
struct ir_access {
	struct ir_ins *base, *object;
	s64 off;
	u32 bytes;
};
struct ir_access ir_access_of(struct ir_ins *base, s64 off, u32 bytes);
/* Whether two accesses can touch the same byte. Wants ir_slots_classify(). */
bool ir_may_overlap(const struct ir_access *a, const struct ir_access *b);
/* Whether a call can write to the object of an access. Wants ir_slots_classify(). */
bool ir_call_may_write(const struct ir_ins *call, const struct ir_access *a);
/* A helper that takes no arguments only tells something: it touches no memory of the program, and
 * need not be called when nobody wants to know. */
bool ir_call_only_tells(const struct ir_ins *x);
/* Nobody notices when it is gone, if nobody uses its value. */
bool ir_is_removable(const struct ir_ins *x);
/* One that tells the same whenever it is asked while the program runs. */
bool ir_call_is_steady(const struct ir_ins *x);

#endif
