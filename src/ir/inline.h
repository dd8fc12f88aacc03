/* The call graph of a module, for pass `inline`. Private to the room. */
#ifndef SKEP_IR_INLINE_H
#define SKEP_IR_INLINE_H

#include "ir/ir.h"

struct ir_callee {
	struct ir_fn *fn;
	vec(struct ir_ins *) sites;   /* the calls in its own body */
	u32 n_sites;                  /* calls of it in the module */
	bool is_named;                /* its address is taken */
	u32 cost;
	u32 state;                    /* scratch of the walks */
	u32 ret_region, param_region[5];
};

struct ir_calls {
	struct ir_pass_ctx *c;
	struct ir_module *m;
	struct ir_callee *of;         /* by index in m->fns */
	vec(struct ir_callee *) order;/* callees before callers */
};

/* Instructions that cost something: all but parameters, slots, constants and phis. */
u32 ir_fn_cost(const struct ir_fn *fn);
/* False after E_RECURSION. */
bool ir_calls_build(struct ir_calls *calls, struct ir_pass_ctx *c, struct ir_module *m);
/* The called function of a CALL_FN. */
struct ir_callee *ir_callee_of(const struct ir_calls *calls, const struct ir_ins *call);
/* Removes the static functions that no other function reaches. */
void ir_calls_drop_unused(struct ir_module *m, struct arena *scratch);
/* Carries regions over the calls that are left. True if a function must be inlined because its
 * callers pass pointers of different kinds; it is marked always_inline. */
bool ir_calls_spread_regions(struct ir_calls *calls);

/* indirect.c: calls through pointers to one known function become calls of it; true if there was one.
 * Parameters of functions that helpers call back get their regions. */
bool ir_calls_resolve(struct ir_pass_ctx *c, struct ir_module *m);
/* Reports the calls through pointers that are left. */
void ir_calls_refuse_pointers(struct ir_pass_ctx *c, const struct ir_module *m);

#endif
