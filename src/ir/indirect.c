/* indirect: functions that are named, not called. Part of pass `inline`.
 *
 * BPF cannot call through a register, so a CALL_PTR must become a call of the one function that its pointer
 * names. That shows once the function with the call is inlined where the pointer is known: the pointer is then
 * the address of a function, or is read from a constant table of addresses at a place that is a number.
 * What stays a CALL_PTR is reported when nothing changes any more.
 *
 * Functions that go to a helper are called back by the kernel. What their parameters point into
 * is fixed by the helper (Linux kernel/bpf/verifier.c, set_*_callback_state) and set here.
 *
 * Left out: pointers that are one of several functions; the program can choose with a switch.
 */
#include "ir/inline.h"
#include "ir/memory.h"
#include "ir/passes.h"

enum { MAX_LOOK = 8 };

/* ---- known addresses ------------------------------------------------------------------------- */

/* The function symbol whose address `x` surely is. */
static bool names_function(const struct ir_module *m, const struct ir_ins *x, u32 *out_sym)
{
	for (u32 i = 0; i < MAX_LOOK && x->op == IR_COPY; i++)
		x = x->args[0];
	if (x->op != IR_SYM || x->imm || m->syms.at[x->sym].kind != IR_SYM_FN)
		return false;
	*out_sym = x->sym;
	return true;
}

/* A function's address out of a constant table becomes the name of the function, which keeps it alive. */
static void read_table(const struct ir_module *m, struct ir_ins *x)
{
	s64 off;
	u32 sym;

	if (x->width != 64 || !ir_loads_pointer(m, x, &sym, &off) ||
	    m->syms.at[sym].kind != IR_SYM_FN)
		return;
	x->op = IR_SYM;
	x->n_args = 0;
	x->size = 0;
	x->sym = sym;
	x->imm = off;
	x->region = IR_IN_UNKNOWN;
}

/* ---- calls ----------------------------------------------------------------------------------- */

static bool fits(const struct ir_fn *to, const struct ir_ins *call)
{
	const struct ir_ins *p = to->first ? to->first->first : NULL;

	if (call->n_args != to->n_params + 1 || call->width != to->ret_width)
		return false;
	for (; p && p->op == IR_PARAM; p = p->next)
		if (p->imm >= 0 && p->imm < to->n_params &&
		    call->args[p->imm + 1]->width != p->width)
			return false;
	return true;
}

static bool resolve_call(struct ir_pass_ctx *c, struct ir_module *m, struct ir_ins *call)
{
	u32 sym;

	if (!names_function(m, call->args[0], &sym))
		return false;
	if (!fits(m->fns.at[m->syms.at[sym].index], call)) {
		diag_add(c->dx, call->span, E_TYPE,
			 "the pointer's type is not that of '" STR_FMT "', which is called here",
			 STR_ARG(m->syms.at[sym].name));
		return false;
	}
	call->op = IR_CALL_FN;
	call->sym = sym;
	for (u32 i = 1; i < call->n_args; i++)
		call->args[i - 1] = call->args[i];
	call->n_args--;
	return true;
}

/* ---- callbacks ------------------------------------------------------------------------------- */

static const struct {
	u32 helper;
	enum ir_region regions[4];
} callbacks[] = {
	{ ISA_FN_for_each_map_elem, { IR_IN_MAP, IR_IN_MEM, IR_IN_VALUE, IR_IN_STACK } },
	{ ISA_FN_timer_set_callback, { IR_IN_MAP, IR_IN_MEM, IR_IN_VALUE, IR_IN_UNKNOWN } },
	{ ISA_FN_find_vma, { IR_IN_BTF, IR_IN_BTF, IR_IN_STACK, IR_IN_UNKNOWN } },
	{ ISA_FN_loop, { IR_IN_UNKNOWN, IR_IN_STACK, IR_IN_UNKNOWN, IR_IN_UNKNOWN } },
	{ ISA_FN_user_ringbuf_drain, { IR_IN_MEM, IR_IN_STACK, IR_IN_UNKNOWN, IR_IN_UNKNOWN } },
};

static void note_callback(struct ir_module *m, const struct ir_ins *call)
{
	u32 sym;

	for (u32 k = 0; k < ARRAY_LEN(callbacks); k++) {
		if (call->imm != callbacks[k].helper)
			continue;
		for (u32 i = 0; i < call->n_args; i++) {
			struct ir_fn *fn;

			if (!names_function(m, call->args[i], &sym))
				continue;
			fn = m->fns.at[m->syms.at[sym].index];
			for (u32 r = 0; r < 4 && r < fn->n_params; r++)
				fn->param_region[r] = callbacks[k].regions[r];
		}
	}
}

/* A name that nobody uses any more keeps its function alive for nothing. */
static void drop_names(struct ir_fn *fn)
{
	struct ir_ins *next;

	ir_notes_clear(fn);
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			for (u32 i = 0; i < x->n_args; i++)
				x->args[i]->mark = 1;
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = next) {
			next = x->next;
			if (x->op == IR_SYM && !x->mark)
				ir_remove(x);
		}
	ir_notes_clear(fn);
}

bool ir_calls_resolve(struct ir_pass_ctx *c, struct ir_module *m)
{
	bool changed = false;

	for (u32 i = 0; i < m->fns.n; i++)
		for (struct ir_block *b = m->fns.at[i]->first; b; b = b->next)
			for (struct ir_ins *x = b->first; x; x = x->next) {
				if (x->op == IR_LOAD)
					read_table(m, x);
				else if (x->op == IR_CALL)
					note_callback(m, x);
				else if (x->op == IR_CALL_PTR)
					changed |= resolve_call(c, m, x);
			}
	for (u32 i = 0; i < m->fns.n; i++)
		drop_names(m->fns.at[i]);
	return changed;
}

void ir_calls_refuse_pointers(struct ir_pass_ctx *c, const struct ir_module *m)
{
	for (u32 i = 0; i < m->fns.n; i++)
		for (struct ir_block *b = m->fns.at[i]->first; b; b = b->next)
			for (struct ir_ins *x = b->first; x; x = x->next) {
				if (x->op != IR_CALL_PTR)
					continue;
				diag_add(c->dx, x->span, E_NOT_YET,
					 "a call through a pointer that is not one known function "
					 "is not "
					 "compiled yet");
				diag_hint(c->dx,
					  "BPF has no indirect calls: choose by a number with "
					  "'switch', and call each function by its name");
			}
}
