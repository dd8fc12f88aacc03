/* dce: pass that removes what nobody can notice.
 *
 * Mark and sweep. Live from the start is what acts on the outside: ends of blocks, calls, volatile
 * accesses, and writes to memory that others can see. What a live instruction uses is live. What
 * then is not marked goes, dead phis in circles included.
 *
 * A write to a slot is live only if the slot is: if something live has its address for another
 * purpose than to write there. So a slot that is filled and never read goes with all its writes.
 * That a write is overwritten before it is read is not looked for; pass `promote` has taken the
 * slots where that is common.
 */
#include "ir/memory.h"
#include "ir/passes.h"

/* The writes to a slot, which live when it does. */
struct writer {
	struct ir_ins *ins;
	struct writer *next;
};

struct marking {
	struct arena *scratch;
	vec(struct ir_ins *) work;
};

enum { DEAD, LIVE };

static void mark(struct marking *m, struct ir_ins *x)
{
	if (x->mark == LIVE)
		return;
	x->mark = LIVE;
	*vec_push(m->scratch, &m->work) = x;
}

/* The slot that an instruction only writes to, or NULL. */
static struct ir_ins *written_slot(const struct ir_ins *x)
{
	struct ir_ins *object;

	if ((x->op != IR_STORE && x->op != IR_ZERO && x->op != IR_MOVE) || x->is_volatile)
		return NULL;
	object = ir_object(x->args[0]);
	return object && object->op == IR_SLOT ? object : NULL;
}

static void mark_roots(struct marking *m, struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next) {
			struct ir_ins *slot = written_slot(x);
			struct writer *w;

			if (!slot) {
				if (!ir_is_removable(x))
					mark(m, x);
				continue;
			}
			w = arena_new_of(m->scratch, struct writer);
			*w = (struct writer){ x, slot->note };
			slot->note = w;
		}
}

static void spread(struct marking *m)
{
	while (m->work.n) {
		struct ir_ins *x = m->work.at[--m->work.n];

		for (u32 i = 0; i < x->n_args; i++)
			mark(m, x->args[i]);
		if (x->op == IR_SLOT)
			for (struct writer *w = x->note; w; w = w->next)
				mark(m, w->ins);
	}
}

void ir_pass_dce(struct ir_pass_ctx *c, struct ir_fn *fn)
{
	struct marking m = { .scratch = c->scratch };
	struct ir_ins *next;

	ir_notes_clear(fn);
	mark_roots(&m, fn);
	spread(&m);
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = next) {
			next = x->next;
			if (x->mark == DEAD)
				ir_remove(x);
		}
	ir_notes_clear(fn);
}
