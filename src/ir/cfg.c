/* cfg: the control flow graph of a function and its dominators.
 *
 * The edges are what the last instructions of the blocks say; `preds` is derived from them. When
 * edges changed, ir_cfg_build() derives it anew, but keeps the order of the entries that are still
 * true, because phi arguments stand in that order: arguments of edges that are gone are dropped,
 * new edges come last. Unreachable blocks go away, so that passes meet none.
 *
 * Dominators are found by iterating over the reverse postorder until nothing changes (Cooper,
 * Harvey, Kennedy, "A Simple, Fast Dominance Algorithm", 2001), which is right for irreducible
 * graphs as well. A preorder of the dominator tree makes ir_dominates() one comparison.
 *
 * Nothing recurses; a graph may be as deep as memory allows.
 */
#include "ir/ir.h"

#define UNREACHED ~0u
#define ENTERED	  (~0u - 1)

static u32 count_blocks(const struct ir_fn *fn)
{
	u32 n = 0;

	for (const struct ir_block *b = fn->first; b; b = b->next)
		n++;
	return n;
}

/* Target `k` of a block, or NULL. */
static struct ir_block *target(const struct ir_block *b, int k)
{
	return b->last ? b->last->to[k] : NULL;
}

struct ir_block **ir_rpo(struct arena *a, struct ir_fn *fn, u32 *out_n)
{
	u32 n = count_blocks(fn), left = n, depth = 0;
	struct ir_block **order = arena_array_of(a, struct ir_block *, n);
	struct visit {
		struct ir_block *b;
		int next; /* the target to look at next; the last comes first */
	} *stack = arena_array_of(a, struct visit, n);

	for (struct ir_block *b = fn->first; b; b = b->next)
		b->rpo = UNREACHED;
	if (fn->first) {
		fn->first->rpo = ENTERED;
		stack[depth++] = (struct visit){ fn->first, 1 };
	}
	while (depth) {
		struct visit *v = &stack[depth - 1];
		struct ir_block *to;

		if (v->next < 0) {
			order[--left] = v->b;
			depth--;
			continue;
		}
		to = target(v->b, v->next--);
		if (to && to->rpo == UNREACHED) {
			to->rpo = ENTERED;
			stack[depth++] = (struct visit){ to, 1 };
		}
	}
	*out_n = n - left;
	for (u32 i = left; i < n; i++)
		order[i]->rpo = i - left;
	return order + left;
}

/* ---- preds ----------------------------------------------------------------------------------- */

static void if_to_jump(struct ir_ins *x)
{
	x->op = IR_JUMP;
	x->n_args = 0;
	x->to[1] = NULL;
}

static void drop_unreachable(struct ir_fn *fn)
{
	struct arena_mark mark = arena_mark(fn->m->a);
	struct ir_block *next;
	u32 n;

	ir_rpo(fn->m->a, fn, &n);
	arena_release(fn->m->a, mark);
	for (struct ir_block *b = fn->first; b; b = next) {
		next = b->next;
		if (b->rpo == UNREACHED)
			ir_block_remove(b);
	}
}

/* Counts the edges into each block, in dom_depth, which means nothing once edges have changed, and
 * makes room for them. */
static u32 count_edges(struct ir_fn *fn)
{
	u32 n = 0;

	for (struct ir_block *b = fn->first; b; b = b->next)
		b->dom_depth = 0;
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (int k = 0; k < 2; k++)
			if (target(b, k)) {
				target(b, k)->dom_depth++;
				n++;
			}
	for (struct ir_block *b = fn->first; b; b = b->next)
		while (b->cap_preds < b->dom_depth)
			b->preds = vec_grow(fn->m->a, b->preds, &b->cap_preds, b->n_preds,
					    sizeof(*b->preds));
	return n;
}

/* An entry of the new preds and where its phi argument stands now. */
struct edge {
	struct ir_block *from;
	u32 arg;
};

/* Sets the preds of `b`, into which edges come from in[0 … n). stamp[] has a number for each block
 * (by rpo); the ones equal to b->rpo + 1 are edges that have no entry yet. */
static void set_preds(struct ir_block *b, struct ir_block **in, u32 n, u32 *stamp, struct edge *e)
{
	u32 mine = b->rpo + 1, n_old = b->n_preds, new_arg = n_old;

	for (u32 i = 0; i < n; i++)
		stamp[in[i]->rpo] = mine;
	b->n_preds = 0;
	for (u32 i = 0; i < n_old; i++) {
		struct ir_block *p = b->preds[i];

		if (p->rpo == UNREACHED || stamp[p->rpo] != mine)
			continue;
		stamp[p->rpo] = 0;
		e[b->n_preds++] = (struct edge){ p, i };
	}
	for (u32 i = 0; i < n; i++)
		if (stamp[in[i]->rpo] == mine)
			e[b->n_preds++] = (struct edge){ in[i], new_arg++ };
	for (u32 i = 0; i < b->n_preds; i++)
		b->preds[i] = e[i].from;
	for (struct ir_ins *x = b->first; x && x->op == IR_PHI; x = x->next) {
		base_check(arena_trap(b->fn->m->a), !n || e[n - 1].arg < x->n_args);
		for (u32 i = 0; i < n; i++)
			x->args[i] = x->args[e[i].arg];
		x->n_args = (u16)n;
	}
}

void ir_cfg_build(struct ir_fn *fn)
{
	struct arena *a = fn->m->a;
	struct arena_mark mark;
	struct ir_block **in;
	struct edge *e;
	u32 n, *at, *stamp, n_edges, n_blocks;

	for (struct ir_block *b = fn->first; b; b = b->next)
		if (b->last && b->last->to[0] && b->last->to[0] == b->last->to[1])
			if_to_jump(b->last);
	drop_unreachable(fn);
	n_edges = count_edges(fn);
	n_blocks = count_blocks(fn);
	mark = arena_mark(a);
	in = arena_array_of(a, struct ir_block *, n_edges);
	e = arena_array_of(a, struct edge, n_edges);
	stamp = arena_array_of(a, u32, n_blocks);
	at = arena_array_of(a, u32, n_blocks);
	n = 0;
	for (struct ir_block *b = fn->first; b; b = b->next) {
		at[b->rpo] = n;
		n += b->dom_depth;
	}
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (int k = 0; k < 2; k++)
			if (target(b, k))
				in[at[target(b, k)->rpo]++] = b;
	for (struct ir_block *b = fn->first; b; b = b->next)
		set_preds(b, in + at[b->rpo] - b->dom_depth, b->dom_depth, stamp, e);
	arena_release(a, mark);
}

/* ---- dominators ------------------------------------------------------------------------------ */

/* The nearest block that dominates both. */
static struct ir_block *meet(struct ir_block *x, struct ir_block *y)
{
	while (x != y) {
		while (x->rpo > y->rpo)
			x = x->idom;
		while (y->rpo > x->rpo)
			y = y->idom;
	}
	return x;
}

static bool improve(struct ir_block *b)
{
	struct ir_block *d = NULL;

	for (u32 i = 0; i < b->n_preds; i++) {
		struct ir_block *p = b->preds[i];

		if (p->rpo != UNREACHED && p->idom)
			d = d ? meet(d, p) : p;
	}
	if (b->idom == d)
		return false;
	b->idom = d;
	return true;
}

/* Depth, subtree size and preorder of the tree; a parent comes before its children in `order`. */
static void number_tree(struct ir_block **order, u32 n)
{
	for (u32 i = 0; i < n; i++) {
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): reachable, so it has one */
		order[i]->dom_depth = i ? order[i]->idom->dom_depth + 1 : 0;
		order[i]->dom_count = 1;
	}
	for (u32 i = n; i-- > 1;)
		order[i]->idom->dom_count += order[i]->dom_count;
	/* While its children are placed, the dom_at of a block is the end of those placed last. */
	for (u32 i = 0; i < n; i++) {
		struct ir_block *b = order[i];
		u32 start = i ? b->idom->dom_at : 0;

		if (i)
			b->idom->dom_at += b->dom_count;
		b->dom_at = start + 1;
	}
	for (u32 i = 0; i < n; i++)
		order[i]->dom_at -= order[i]->dom_count;
}

void ir_dom_build(struct ir_fn *fn)
{
	struct arena_mark mark = arena_mark(fn->m->a);
	u32 n;
	struct ir_block **order = ir_rpo(fn->m->a, fn, &n);
	bool changed = n > 1;

	for (struct ir_block *b = fn->first; b; b = b->next) {
		b->idom = NULL;
		b->dom_depth = b->dom_at = b->dom_count = 0;
	}
	if (n)
		order[0]->idom = order[0];
	while (changed) {
		changed = false;
		for (u32 i = 1; i < n; i++)
			changed |= improve(order[i]);
	}
	number_tree(order, n);
	if (n)
		order[0]->idom = NULL;
	arena_release(fn->m->a, mark);
}

bool ir_dominates(const struct ir_block *a, const struct ir_block *b)
{
	if (b->rpo == UNREACHED)
		return true;
	return a->rpo != UNREACHED && b->dom_at - a->dom_at < a->dom_count;
}
