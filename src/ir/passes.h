/* The passes of the ir room, for pipeline.c and the tests of passes: one function a pass, defined
 * in the file of its name. A pass may count on ir_check() holding when it starts and on preds
 * (ir_cfg_build) being valid; it leaves both so. Dominators are built by who needs them.
 * What a pass allocates for itself goes to c->scratch; new instructions live in the module.
 */
#ifndef SKEP_IR_PASSES_H
#define SKEP_IR_PASSES_H

#include "ir/ir.h"

void ir_pass_inline(struct ir_pass_ctx *c, struct ir_module *m);   /* inline.c */
void ir_pass_promote(struct ir_pass_ctx *c, struct ir_fn *fn);     /* promote.c */
void ir_pass_ctx(struct ir_pass_ctx *c, struct ir_fn *fn);         /* ctx.c */
void ir_pass_fold(struct ir_pass_ctx *c, struct ir_fn *fn);        /* fold.c */
void ir_pass_cse(struct ir_pass_ctx *c, struct ir_fn *fn);         /* cse.c */
void ir_pass_dce(struct ir_pass_ctx *c, struct ir_fn *fn);         /* dce.c */
void ir_pass_cfg(struct ir_pass_ctx *c, struct ir_fn *fn);         /* cfg_simplify.c */
void ir_pass_reads(struct ir_pass_ctx *c, struct ir_fn *fn);       /* reads.c */
void ir_pass_expand(struct ir_pass_ctx *c, struct ir_fn *fn);      /* expand.c */
void ir_pass_guard(struct ir_pass_ctx *c, struct ir_fn *fn);       /* guard.c */

#endif
