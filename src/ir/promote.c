/* promote: local variables in memory become SSA values.
 *
 * First split.c cuts slots into the scalars that the code uses. Then each slot that is only loaded
 * and stored, whole and not volatile, is a variable: its loads become the value that reaches them
 * and its stores go. Where definitions meet stands a phi: in the iterated dominance frontier of the
 * blocks that store (Cytron et al., "Efficiently Computing Static Single Assignment Form and the
 * Control Dependence Graph", 1991), but only where the variable is live, so that the form is
 * pruned. Frontiers are found by walking from the predecessors of each join to its dominator
 * (Cooper, Harvey, Kennedy 2001). One variable is done after the other, touching only the blocks
 * that store or load it or where it is live; nothing recurses.
 *
 * A variable of 8 bytes is a 64-bit value, a smaller one is a 32-bit value whose bits above its
 * size mean nothing. A load of 1 or 2 bytes therefore extends, unless everything stored is known to
 * be extended alike, which is what front ends store. Reads before any store give IR_UNDEF.
 *
 * A variable whose address goes to helpers that only read it (a key, a value) keeps its slot and its stores,
 * but its loads become values all the same: so a loop counter that is also a key counts in a register, where
 * the kernel's verifier can follow it.
 *
 * The region that a front end said about a load moves to the value that replaces it when that can
 * carry one. Left out: partial reads of a wider scalar (unions), which stay in memory.
 */
#include <stdlib.h>

#include "ir/edit.h"
#include "ir/passes.h"
#include "ir/promote.h"

struct var {
	struct ir_ins *slot;
	bool is_bad;  /* its address is used otherwise */
	bool is_kept; /* helpers read it: slot and stores stay */
	bool is_loaded;
	bool all_zext, all_sext;   /* everything stored is extended to 32 bits */
	vec(struct ir_ins *) uses; /* loads and stores in reverse postorder */
};

/* One block, by its index in reverse postorder. Stamps say for which variable an entry is valid. */
struct node {
	struct ir_block *b;
	vec(u32) frontier;
	u32 stores, live, touched, has_out, has_phi; /* stamps */
	u32 first_use; /* index into var.uses; valid when touched by a use */
	u32 used;      /* stamp of first_use */
	struct ir_ins *out, *phi;
};

struct promote {
	struct arena *a;
	struct ir_fn *fn;
	struct node *nodes;
	u32 n_nodes;
	vec(struct var *) vars;
	u32 stamp;
	vec(u32) touched, work;
	struct ir_ins *undef32, *undef64;
};

/* ---- finding variables ----------------------------------------------------------------------- */

static bool is_scalar_size(u32 n)
{
	return n == 1 || n == 2 || n == 4 || n == 8;
}

static void add_var(struct promote *p, struct ir_ins *slot)
{
	struct var *v;

	if (!is_scalar_size(slot->count) || slot->is_volatile)
		return;
	v = arena_new_of(p->a, struct var);
	v->slot = slot;
	slot->note = v;
	*vec_push(p->a, &p->vars) = v;
}

static bool is_whole(const struct ir_ins *i, const struct var *v)
{
	return i->imm == 0 && i->size == v->slot->count && !i->is_volatile;
}

/* Does this call only read what argument k points to, and only while it runs? */
static bool only_reads(const struct ir_ins *call, u32 k)
{
	const struct isa_helper *h = call->op == IR_CALL ? isa_helper((u32)call->imm) : NULL;

	if (!h || k >= ARRAY_LEN(h->args))
		return false;
	switch (h->args[k]) {
	case ISA_ARG_KEY:
	case ISA_ARG_VALUE:
	case ISA_ARG_VALUE_OR_NULL: return true;
	case ISA_ARG_MEM:
		return h->id == ISA_FN_perf_event_output || h->id == ISA_FN_ringbuf_output;
	default: return false;
	}
}

static void note_uses(struct promote *p, struct ir_ins *i)
{
	for (u32 k = 0; k < i->n_args; k++) {
		struct var *v = i->args[k]->note;

		if (!v)
			continue;
		if (k == 0 && (i->op == IR_LOAD || i->op == IR_STORE) && is_whole(i, v)) {
			*vec_push(p->a, &v->uses) = i;
			v->is_loaded |= i->op == IR_LOAD;
		} else if (only_reads(i, k)) {
			v->is_kept = true;
		} else {
			v->is_bad = true;
		}
	}
}

static void find_vars(struct promote *p)
{
	ir_notes_clear(p->fn);
	for (struct ir_ins *i = p->fn->first->first; i; i = i->next)
		if (i->op == IR_SLOT)
			add_var(p, i);
	for (u32 k = 0; k < p->n_nodes; k++)
		for (struct ir_ins *i = p->nodes[k].b->first; i; i = i->next)
			note_uses(p, i);
	/* From here on notes are replacements. */
	ir_notes_clear(p->fn);
}

/* ---- what is known about stored bits --------------------------------------------------------- */

static struct ir_ins *resolved(struct ir_ins *x)
{
	while (x->note)
		x = x->note;
	return x;
}

static bool is_zext(const struct ir_ins *x, u32 bits)
{
	switch (x->op) {
	case IR_CONST: return ir_const_bits(x) >> bits == 0;
	case IR_ZEXT: return x->count <= bits;
	case IR_LOAD: return !x->is_signed && x->size * 8u <= bits;
	case IR_AND: return x->args[1]->op == IR_CONST && ir_const_bits(x->args[1]) >> bits == 0;
	default: return (ir_op_info(x->op)->flags & IR_F_CMP) != 0;
	}
}

/* Extended from `bits` to the whole of a 32-bit register. */
static bool is_sext(const struct ir_ins *x, u32 bits)
{
	s64 limit = 1ll << (bits - 1);

	if (x->op == IR_CONST)
		return (s32)x->imm >= -limit && (s32)x->imm < limit;
	if (x->op == IR_SEXT)
		return x->count <= bits;
	if (x->op == IR_LOAD && x->is_signed)
		return x->size * 8u <= bits;
	return is_zext(x, bits - 1);
}

static void learn_extension(struct var *v)
{
	u32 bits = v->slot->count * 8;

	v->all_zext = v->all_sext = bits < 32;
	for (u32 i = 0; i < v->uses.n && bits < 32; i++) {
		const struct ir_ins *x;

		if (v->uses.at[i]->op != IR_STORE)
			continue;
		x = resolved(v->uses.at[i]->args[1]);
		v->all_zext &= is_zext(x, bits);
		v->all_sext &= is_sext(x, bits);
	}
}

/* ---- where phis stand ------------------------------------------------------------------------ */

static void build_frontiers(struct promote *p)
{
	for (u32 i = 0; i < p->n_nodes; i++) {
		struct ir_block *b = p->nodes[i].b;

		for (u32 k = 0; b->n_preds > 1 && k < b->n_preds; k++) {
			struct ir_block *at = b->preds[k];

			for (; at && at != b->idom; at = at->idom) {
				struct node *n = &p->nodes[at->rpo];

				/* The rest of the way was gone from another predecessor. */
				if (n->frontier.n && *vec_last(&n->frontier) == i)
					break;
				*vec_push(p->a, &n->frontier) = i;
			}
		}
	}
}

static void touch(struct promote *p, u32 i)
{
	if (p->nodes[i].touched == p->stamp)
		return;
	p->nodes[i].touched = p->stamp;
	*vec_push(p->a, &p->touched) = i;
}

static void make_live(struct promote *p, u32 i)
{
	if (p->nodes[i].live == p->stamp)
		return;
	p->nodes[i].live = p->stamp;
	touch(p, i);
	*vec_push(p->a, &p->work) = i;
}

/* Marks the blocks that use the variable, that store it, and where it is live on entry. */
static void find_live(struct promote *p, struct var *v)
{
	u32 last = UINT32_MAX;

	p->work.n = 0;
	for (u32 i = 0; i < v->uses.n; i++) {
		struct ir_ins *use = v->uses.at[i];
		u32 at = use->block->rpo;

		if (at != last) {
			touch(p, at);
			p->nodes[at].first_use = i;
			p->nodes[at].used = p->stamp;
			if (use->op == IR_LOAD)
				make_live(p, at);
		}
		if (use->op == IR_STORE)
			p->nodes[at].stores = p->stamp;
		last = at;
	}
	while (p->work.n) {
		struct ir_block *b = p->nodes[p->work.at[--p->work.n]].b;

		for (u32 k = 0; k < b->n_preds; k++)
			if (p->nodes[b->preds[k]->rpo].stores != p->stamp)
				make_live(p, b->preds[k]->rpo);
			else
				touch(p, b->preds[k]->rpo);
	}
}

static u8 var_width(const struct var *v)
{
	return v->slot->count == 8 ? 64 : 32;
}

static void place_phi(struct promote *p, struct var *v, struct node *n)
{
	struct ir_ins *phi = ir_ins_new(p->fn, IR_PHI, var_width(v), n->b->n_preds);

	phi->span = v->slot->span;
	ir_insert_before(ir_behind_phis(n->b), phi);
	n->phi = phi;
	n->has_phi = p->stamp;
}

static void place_phis(struct promote *p, struct var *v)
{
	p->work.n = 0;
	for (u32 i = 0; i < p->touched.n; i++)
		if (p->nodes[p->touched.at[i]].stores == p->stamp)
			*vec_push(p->a, &p->work) = p->touched.at[i];
	while (p->work.n) {
		struct node *n = &p->nodes[p->work.at[--p->work.n]];

		for (u32 k = 0; k < n->frontier.n; k++) {
			struct node *join = &p->nodes[n->frontier.at[k]];

			if (join->has_phi == p->stamp || join->live != p->stamp)
				continue;
			place_phi(p, v, join);
			if (join->stores != p->stamp)
				*vec_push(p->a, &p->work) = n->frontier.at[k];
		}
	}
}

/* ---- replacing loads and stores -------------------------------------------------------------- */

static struct ir_ins *undef(struct promote *p, u8 width)
{
	struct ir_ins **u = width == 64 ? &p->undef64 : &p->undef32;

	if (!*u)
		*u = ir_put(ir_body_start(p->fn), IR_UNDEF, width, NULL, NULL);
	return *u;
}

static struct ir_ins *extend(struct ir_ins *at, bool is_signed, u32 bits, u8 width,
			     struct ir_ins *x)
{
	struct ir_ins *ext = ir_put(at, is_signed ? IR_SEXT : IR_ZEXT, width, x, NULL);

	ext->count = bits;
	return ext;
}

/* The variable's value `x` as the load `i` gives it. */
static struct ir_ins *as_loaded(const struct var *v, struct ir_ins *i, struct ir_ins *x)
{
	u32 bits = v->slot->count * 8;
	bool is_known = i->is_signed ? v->all_sext : v->all_zext;

	if (bits == 64)
		return ir_put_width(i, i->width, x);
	if (bits == 32 || is_known) {
		if (i->width == 32)
			return x;
		return extend(i, i->is_signed, i->is_signed ? bits : 32, 64, x);
	}
	return extend(i, i->is_signed, bits, i->width, x);
}

/* Walks the loads and stores of one block; returns the value at its end. */
static struct ir_ins *rename_block(struct promote *p, struct var *v, struct node *n,
				   struct ir_ins *now)
{
	if (n->used != p->stamp)
		return now;
	for (u32 i = n->first_use; i < v->uses.n && v->uses.at[i]->block == n->b; i++) {
		struct ir_ins *use = v->uses.at[i];

		if (use->op == IR_STORE) {
			now = ir_put_width(use, var_width(v), use->args[1]);
		} else {
			use->note = as_loaded(v, use, now);
			/* What the front end knew about the pointer is true of its value. */
			ir_keep_region(resolved(use->note), use->region);
		}
	}
	return now;
}

static struct ir_ins *value_at_entry(struct promote *p, struct var *v, struct node *n)
{
	if (n->has_phi == p->stamp)
		return n->phi;
	if (n->live != p->stamp)
		return NULL;
	/* Without a phi no store lies between the dominator's end and here. */
	return n->b->idom ? p->nodes[n->b->idom->rpo].out : undef(p, var_width(v));
}

static int by_index(const void *pa, const void *pb)
{
	u32 a = *(const u32 *)pa, b = *(const u32 *)pb;

	return a < b ? -1 : a > b;
}

static void fill_phis(struct promote *p)
{
	for (u32 i = 0; i < p->touched.n; i++) {
		struct node *n = &p->nodes[p->touched.at[i]];

		if (n->has_phi != p->stamp)
			continue;
		for (u32 k = 0; k < n->b->n_preds; k++)
			n->phi->args[k] = p->nodes[n->b->preds[k]->rpo].out;
	}
}

static void promote_var(struct promote *p, struct var *v)
{
	p->stamp++;
	p->touched.n = 0;
	learn_extension(v);
	find_live(p, v);
	place_phis(p, v);
	if (p->touched.n)
		qsort(p->touched.at, p->touched.n, sizeof(u32), by_index);
	for (u32 i = 0; i < p->touched.n; i++) {
		struct node *n = &p->nodes[p->touched.at[i]];

		n->out = rename_block(p, v, n, value_at_entry(p, v, n));
	}
	fill_phis(p);
	for (u32 i = 0; i < v->uses.n; i++)
		if (!v->is_kept || v->uses.at[i]->op == IR_LOAD)
			ir_remove(v->uses.at[i]);
	if (!v->is_kept)
		ir_remove(v->slot);
}

void ir_pass_promote(struct ir_pass_ctx *c, struct ir_fn *fn)
{
	struct promote p = { .a = c->scratch, .fn = fn };
	struct ir_block **order;

	ir_split_slots(c->scratch, fn);
	ir_dom_build(fn);
	order = ir_rpo(p.a, fn, &p.n_nodes);
	p.nodes = arena_array_of(p.a, struct node, p.n_nodes);
	for (u32 i = 0; i < p.n_nodes; i++)
		p.nodes[i].b = order[i];
	find_vars(&p);
	build_frontiers(&p);
	for (u32 i = 0; i < p.vars.n; i++)
		if (!p.vars.at[i]->is_bad && (p.vars.at[i]->is_loaded || !p.vars.at[i]->is_kept))
			promote_var(&p, p.vars.at[i]);
	ir_forward_all(fn);
	ir_notes_clear(fn);
}
