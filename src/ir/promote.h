/* The two halves of pass `promote`. Private to the room. */
#ifndef SKEP_IR_PROMOTE_H
#define SKEP_IR_PROMOTE_H

#include "ir/ir.h"

/* split.c: cuts slots whose address stays local into the pieces that the code uses. */
void ir_split_slots(struct arena *scratch, struct ir_fn *fn);

#endif
