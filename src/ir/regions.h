/* What regions.c shares with the passes that ask about regions. Private to the room. */
#ifndef SKEP_IR_REGIONS_H
#define SKEP_IR_REGIONS_H

#include "ir/ir.h"

/* The region of a value that comes from either of two places. */
enum ir_region ir_region_join(enum ir_region a, enum ir_region b);
/* Memory that a program may read and write with plain instructions. */
static inline bool ir_region_is_own(enum ir_region r)
{
	return r == IR_IN_STACK || r == IR_IN_VALUE || r == IR_IN_MEM;
}
/* Addresses that are plain numbers to the kernel's verifier: read by helpers only. */
static inline bool ir_region_is_weak(enum ir_region r)
{
	return r == IR_IN_UNKNOWN || r == IR_IN_KERNEL || r == IR_IN_USER || r == IR_IN_ANY;
}

#endif
