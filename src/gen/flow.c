/* The shape of a function: critical edges, loops, and the order of blocks.
 *
 * Phis become copies at the ends of the blocks before them, so an edge from a block with two ways
 * out to a block with phis and several ways in gets a block of its own (it vanishes again if no
 * copy is left in it).
 *
 * Blocks are ordered in reverse postorder, where the search visits successors of smaller loop depth
 * first: so a loop's blocks come before what follows the loop, in one piece. Loops are natural
 * loops: a back edge goes to a block that dominates its start; irreducible cycles count as no loop.
 *
 * A loop whose test is at its top, `H: if (!c) goto out; body; goto H`, is turned at the very end:
 * H moves behind its body, which saves a jump in each round and costs one at the entry. Kernels before 6.8
 * refuse the edge that then falls into H (kernel/bpf/verifier.c, check_cfg), so not for them.
 *
 * block->mark is the block's index in g->order from here on.
 */
#include "gen/mir.h"

#include <string.h>

/* ---- critical edges ------------------------------------------------------------------------- */

static void split_edge(struct ir_block *from, u32 k)
{
	struct ir_block *to = from->last->to[k], *mid = ir_block_new(from->fn);
	struct ir_ins *jump = ir_ins_new(from->fn, IR_JUMP, 0, 0);

	jump->to[0] = to;
	jump->span = from->last->span;
	ir_append(mid, jump);
	from->last->to[k] = mid;
	ir_pred_replace(to, from, mid);
	ir_pred_add(mid, from);
}

static void split_edges(struct ir_fn *fn)
{
	struct ir_block *end = fn->last;

	for (struct ir_block *b = fn->first;; b = b->next) {
		for (u32 k = 0; k < 2 && b->last->op == IR_IF; k++) {
			const struct ir_block *to = b->last->to[k];

			if (to->n_preds > 1 && to->first->op == IR_PHI)
				split_edge(b, k);
		}
		if (b == end)
			break;
	}
}

/* ---- loops ---------------------------------------------------------------------------------- */

struct walk {
	struct arena *a;
	struct ir_block **stack;
	u32 *stamp; /* by rpo: the last loop that it was found in, by its header's rpo + 1 */
	u32 *depth; /* by rpo */
};

/* Counts one loop into the depth of each of its blocks: those that reach the header's back edges
 * without passing the header (Aho, Lam, Sethi, Ullman, 9.6.6). */
static void count_loop(struct walk *w, struct ir_block *header)
{
	u32 id = header->rpo + 1, n = 0;

	for (u32 i = 0; i < header->n_preds; i++)
		if (ir_dominates(header, header->preds[i]))
			w->stack[n++] = header->preds[i];
	if (!n)
		return;
	w->stamp[header->rpo] = id;
	w->depth[header->rpo]++;
	while (n) {
		struct ir_block *b = w->stack[--n];

		if (w->stamp[b->rpo] == id)
			continue;
		w->stamp[b->rpo] = id;
		w->depth[b->rpo]++;
		for (u32 i = 0; i < b->n_preds; i++)
			if (w->stamp[b->preds[i]->rpo] != id)
				w->stack[n++] = b->preds[i];
	}
}

static void find_loops(struct walk *w, struct ir_block **rpo, u32 n)
{
	u32 n_edges = 1;

	for (u32 i = 0; i < n; i++)
		n_edges += rpo[i]->n_preds;
	w->stack = arena_array_of(w->a, struct ir_block *, n_edges);
	w->stamp = arena_array_of(w->a, u32, n);
	w->depth = arena_array_of(w->a, u32, n);
	for (u32 i = 0; i < n; i++)
		count_loop(w, rpo[i]);
}

/* ---- order ---------------------------------------------------------------------------------- */

/* `if (x & y)`: there is no jump for the contrary, so the other side should follow. */
static bool tests_mask(const struct ir_ins *x)
{
	const struct ir_ins *c = x->op == IR_IF ? x->args[0] : NULL;

	return c && c->op == IR_NE && c->args[0]->op == IR_AND && c->args[1]->op == IR_CONST &&
	       !c->args[1]->imm;
}

/* The targets in the order in which the search visits them: what is visited last comes first. */
static void visit_order(const struct walk *w, const struct ir_block *b, struct ir_block *out[2])
{
	u32 last = tests_mask(b->last) ? 1 : 0;

	out[0] = b->last->to[!last];
	out[1] = b->last->to[last];
	if (b->last->to[1] && w->depth[out[0]->rpo] > w->depth[out[1]->rpo]) {
		out[0] = b->last->to[last];
		out[1] = b->last->to[!last];
	}
}

static void order_blocks(struct gen *g, const struct walk *w, u32 n)
{
	struct visit {
		struct ir_block *b;
		u32 next;
	} *stack = arena_array_of(g->a, struct visit, n);
	bool *seen = arena_array_of(g->a, bool, n);
	u32 depth = 1, left = n;

	g->order = arena_array_of(g->a, struct ir_block *, n);
	stack[0].b = g->fn->first;
	seen[g->fn->first->rpo] = true;
	while (depth) {
		struct visit *v = &stack[depth - 1];
		struct ir_block *to[2];

		if (v->next == 2) {
			g->order[--left] = v->b;
			depth--;
			continue;
		}
		visit_order(w, v->b, to);
		v->next++;
		if (to[v->next - 1] && !seen[to[v->next - 1]->rpo]) {
			seen[to[v->next - 1]->rpo] = true;
			stack[depth++] = (struct visit){ to[v->next - 1], 0 };
		}
	}
	g->n_blocks = n;
	base_check(arena_trap(g->a), !left);
}

static void number_blocks(struct gen *g, const struct walk *w)
{
	g->depth = arena_array_of(g->a, u32, g->n_blocks);
	for (u32 i = 0; i < g->n_blocks; i++) {
		g->order[i]->mark = i;
		g->depth[i] = w->depth[g->order[i]->rpo];
	}
}

void gen_flow(struct gen *g)
{
	struct walk w = { .a = g->a };
	struct ir_block **rpo;
	u32 n;

	ir_cfg_build(g->fn);
	split_edges(g->fn);
	ir_dom_build(g->fn);
	rpo = ir_rpo(g->a, g->fn, &n);
	find_loops(&w, rpo, n);
	order_blocks(g, &w, n);
	number_blocks(g, &w);
}

/* ---- turning loops -------------------------------------------------------------------------- */

/* The place of the last block of the loop at `at`, if the loop is in one piece and can be turned:
 * the last block jumps to the header, whose IF leaves the loop on one side. Else `at`. */
static u32 turnable(const struct gen *g, u32 at)
{
	const struct ir_block *h = g->order[at];
	u32 end = at, n_inside = 0;

	for (u32 i = 0; i < h->n_preds; i++)
		if (h->preds[i]->mark > end && ir_dominates(h, h->preds[i]))
			end = h->preds[i]->mark;
	if (end == at || h->last->op != IR_IF || g->order[end]->last->op != IR_JUMP)
		return at;
	for (u32 i = at; i <= end; i++)
		if (g->depth[i] < g->depth[at])
			return at;
	for (u32 k = 0; k < 2; k++)
		n_inside += h->last->to[k]->mark > at && h->last->to[k]->mark <= end;
	return n_inside == 1 ? end : at;
}

void gen_turn_loops(struct gen *g)
{
	if (g->target->jumps_close_loops)
		return;
	for (u32 at = g->n_blocks - 1; at > 0; at--) {
		u32 end = turnable(g, at), depth = g->depth[at];
		struct ir_block *h = g->order[at];

		if (end == at)
			continue;
		memmove(g->order + at, g->order + at + 1, (end - at) * sizeof(*g->order));
		memmove(g->depth + at, g->depth + at + 1, (end - at) * sizeof(*g->depth));
		g->order[end] = h;
		g->depth[end] = depth;
		for (u32 i = at; i <= end; i++)
			g->order[i]->mark = i;
	}
}
