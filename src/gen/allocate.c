/* Register allocation: iterated register coalescing (George and Appel, TOPLAS 1996).
 *
 * The interference graph is taken apart: nodes with fewer than ten neighbours left are removed,
 * since they will find a colour whatever the others get; moves are merged where that cannot make
 * the graph harder (Briggs's and George's tests); when nothing else is left, the node that is
 * cheapest to spill is removed in the hope that it finds a colour all the same (Briggs 1994). Then
 * nodes come back in reverse order and take a colour. If one finds none, it is spilled (spill.c)
 * and all starts again; what spilling makes is so short that this ends after a few rounds.
 *
 * Machine registers are nodes with a colour from the start, so arguments, results, parameters and
 * the registers that calls clobber need nothing special: they are moves to and neighbours of r0 …
 * r5.
 *
 * Order of colours: r1 … r5, r0, then r6 … r9, which a subprogram or the kernel would have to save.
 * Everything is done in order of numbers and lists: the result depends on the code alone.
 */
#include "gen/colour.h"

#include <string.h>

enum { MAX_ROUNDS = 40 };

struct alloc {
	struct graph gr;
	struct gen *g;
	u32 list[NODE_N_STATES]; /* heads; the states from SIMPLIFY to SPILL are lists */
	u32 *stack, n_stack;
	u32 *waiting, n_waiting; /* moves to look at */
	u32 *stamp, generation;	 /* by node, for unions of neighbours */
};

static struct node *node(struct alloc *al, u32 x)
{
	return &al->gr.node[x];
}

static u32 alias(struct alloc *al, u32 x)
{
	while (node(al, x)->state == NODE_MERGED)
		x = node(al, x)->alias;
	return x;
}

/* Removed nodes and merged ones are no neighbours any more. */
static bool is_in(const struct node *x)
{
	return x->state != NODE_STACK && x->state != NODE_MERGED;
}

/* ---- lists ---------------------------------------------------------------------------------- */

static bool is_listed(u8 state)
{
	return state == NODE_SIMPLIFY || state == NODE_FREEZE || state == NODE_SPILL;
}

static void set_state(struct alloc *al, u32 x, enum node_state state)
{
	struct node *n = node(al, x);

	if (is_listed(n->state)) {
		if (n->prev != REG_NONE)
			node(al, n->prev)->next = n->next;
		else
			al->list[n->state] = n->next;
		if (n->next != REG_NONE)
			node(al, n->next)->prev = n->prev;
	}
	n->state = (u8)state;
	if (is_listed(n->state)) {
		n->prev = REG_NONE;
		n->next = al->list[state];
		if (n->next != REG_NONE)
			node(al, n->next)->prev = x;
		al->list[state] = x;
	}
}

static bool is_moved(struct alloc *al, u32 x)
{
	const struct node *n = node(al, x);

	for (u32 i = 0; i < n->moves.n; i++)
		if (al->gr.moves.at[n->moves.at[i]].state != MOVE_DONE)
			return true;
	return false;
}

/* The list where a node belongs by its degree and moves. */
static void sort_in(struct alloc *al, u32 x)
{
	if (node(al, x)->degree >= N_COLOURS)
		set_state(al, x, NODE_SPILL);
	else
		set_state(al, x, is_moved(al, x) ? NODE_FREEZE : NODE_SIMPLIFY);
}

static void start_lists(struct alloc *al)
{
	struct graph *gr = &al->gr;

	for (u32 i = 0; i < NODE_N_STATES; i++)
		al->list[i] = REG_NONE;
	for (u32 x = gr->n; x-- > REG_FIRST;)
		if (node(al, x)->cost)
			sort_in(al, x);
}

/* Moves in inner loops are looked at first: they are the last ones on the stack. */
static void start_moves(struct alloc *al)
{
	struct graph *gr = &al->gr;
	u32 top = 0;

	al->waiting = arena_array_of(gr->a, u32, gr->moves.n);
	for (u32 i = 0; i < gr->moves.n; i++)
		if (gr->moves.at[i].weight > top)
			top = gr->moves.at[i].weight;
	for (u32 w = 1; w && w <= top; w *= 8)
		for (u32 i = gr->moves.n; i-- > 0;)
			if (gr->moves.at[i].weight == w)
				al->waiting[al->n_waiting++] = i;
}

/* ---- simplify ------------------------------------------------------------------------------- */

static void wake_moves(struct alloc *al, u32 x)
{
	const struct node *n = node(al, x);

	for (u32 i = 0; i < n->moves.n; i++) {
		struct move *m = &al->gr.moves.at[n->moves.at[i]];

		if (m->state != MOVE_ACTIVE)
			continue;
		m->state = MOVE_WAITING;
		al->waiting[al->n_waiting++] = n->moves.at[i];
	}
}

/* A neighbour went away. */
static void lose_neighbour(struct alloc *al, u32 x)
{
	struct node *n = node(al, x);

	if (n->state == NODE_MACHINE || n->degree-- != N_COLOURS)
		return;
	wake_moves(al, x);
	for (u32 i = 0; i < n->near.n; i++)
		if (is_in(node(al, n->near.at[i])))
			wake_moves(al, n->near.at[i]);
	if (n->state == NODE_SPILL)
		sort_in(al, x);
}

static void simplify(struct alloc *al, u32 x)
{
	const struct node *n = node(al, x);

	set_state(al, x, NODE_STACK);
	al->stack[al->n_stack++] = x;
	for (u32 i = 0; i < n->near.n; i++)
		if (is_in(node(al, n->near.at[i])))
			lose_neighbour(al, n->near.at[i]);
}

/* ---- coalesce ------------------------------------------------------------------------------- */

/* Machine registers are hard: their degree is without end. */
static bool is_hard(const struct node *x)
{
	return x->degree >= N_COLOURS;
}

/* George: every neighbour of `v` is easy, or one of `u` already. */
static bool george(struct alloc *al, u32 u, u32 v)
{
	const struct node *n = node(al, v);

	for (u32 i = 0; i < n->near.n; i++) {
		u32 t = n->near.at[i];
		const struct node *nt = node(al, t);

		if (is_hard(nt) && is_in(nt) && !(is_machine(t) && is_machine(u)) &&
		    !gen_graph_has(&al->gr, t, u))
			return false;
	}
	return true;
}

/* Counts the hard neighbours of `x` that were not seen in this generation. One that is a neighbour
 * of `other` as well loses a neighbour by the merge. */
static u32 count_hard(struct alloc *al, u32 x, u32 other)
{
	const struct node *n = node(al, x);
	u32 hard = 0;

	for (u32 i = 0; i < n->near.n; i++) {
		u32 t = n->near.at[i];
		const struct node *nt = node(al, t);

		if (!is_hard(nt) || !is_in(nt) || al->stamp[t] == al->generation)
			continue;
		al->stamp[t] = al->generation;
		if (nt->degree > N_COLOURS || !gen_graph_has(&al->gr, t, other))
			hard++;
	}
	return hard;
}

/* Briggs: the merged node has fewer than ten hard neighbours. */
static bool briggs(struct alloc *al, u32 u, u32 v)
{
	if (node(al, u)->degree + node(al, v)->degree < N_COLOURS)
		return true;
	al->generation++;
	return count_hard(al, u, v) + count_hard(al, v, u) < N_COLOURS;
}

/* A node that may be easy and without moves now. */
static void settle(struct alloc *al, u32 x)
{
	if (node(al, x)->state == NODE_FREEZE)
		sort_in(al, x);
}

static void merge(struct alloc *al, u32 u, u32 v)
{
	struct node *nu = node(al, u), *nv = node(al, v);

	set_state(al, v, NODE_MERGED);
	nv->alias = u;
	wake_moves(al, v);
	for (u32 i = 0; i < nv->moves.n; i++)
		*vec_push(al->gr.a, &nu->moves) = nv->moves.at[i];
	nu->cost = nu->cost + nv->cost < COST_NEVER ? nu->cost + nv->cost : COST_NEVER;
	for (u32 i = 0; i < nv->near.n; i++) {
		u32 t = nv->near.at[i];

		if (!is_in(node(al, t)))
			continue;
		gen_graph_add(&al->gr, t, u);
		lose_neighbour(al, t);
	}
	if (nu->state == NODE_FREEZE)
		sort_in(al, u);
}

static void coalesce(struct alloc *al)
{
	struct move *m = &al->gr.moves.at[al->waiting[--al->n_waiting]];
	u32 u = alias(al, m->d), v = alias(al, m->s);

	if (is_machine(v)) {
		u32 t = u;

		u = v;
		v = t;
	}
	if (u == v || is_machine(v) || gen_graph_has(&al->gr, u, v)) {
		m->state = MOVE_DONE;
		settle(al, u);
		settle(al, v);
	} else if (george(al, u, v) || (!is_machine(u) && (george(al, v, u) || briggs(al, u, v)))) {
		m->state = MOVE_DONE;
		merge(al, u, v);
		settle(al, u);
	} else {
		m->state = MOVE_ACTIVE;
	}
}

/* ---- freeze, spill -------------------------------------------------------------------------- */

/* Gives up the moves of a node. */
static void freeze_moves(struct alloc *al, u32 x)
{
	const struct node *n = node(al, x);

	for (u32 i = 0; i < n->moves.n; i++) {
		struct move *m = &al->gr.moves.at[n->moves.at[i]];
		u32 d = alias(al, m->d), s = alias(al, m->s);

		if (m->state == MOVE_DONE)
			continue;
		m->state = MOVE_DONE;
		settle(al, d == x ? s : d);
	}
}

/* The cheapest to spill for each neighbour that it frees. */
static u32 pick_spill(struct alloc *al)
{
	u32 best = al->list[NODE_SPILL];

	for (u32 x = best; x != REG_NONE; x = node(al, x)->next) {
		const struct node *n = node(al, x), *b = node(al, best);

		/* n->cost / n->degree < b->cost / b->degree */
		if ((unsigned __int128)n->cost * b->degree < (unsigned __int128)b->cost * n->degree)
			best = x;
	}
	return best;
}

static void take_apart(struct alloc *al)
{
	u32 x;

	for (;;) {
		if (al->list[NODE_SIMPLIFY] != REG_NONE) {
			simplify(al, al->list[NODE_SIMPLIFY]);
		} else if (al->n_waiting) {
			coalesce(al);
		} else if (al->list[NODE_FREEZE] != REG_NONE) {
			x = al->list[NODE_FREEZE];
			set_state(al, x, NODE_SIMPLIFY);
			freeze_moves(al, x);
		} else if (al->list[NODE_SPILL] != REG_NONE) {
			x = pick_spill(al);
			set_state(al, x, NODE_SIMPLIFY);
			freeze_moves(al, x);
		} else {
			return;
		}
	}
}

/* ---- colours -------------------------------------------------------------------------------- */

static const u8 colour_order[N_COLOURS] = { 1, 2, 3, 4, 5, 0, 6, 7, 8, 9 };

static u32 free_colours(struct alloc *al, u32 x)
{
	const struct node *n = node(al, x);
	u32 free = (1u << N_COLOURS) - 1;

	for (u32 i = 0; i < n->near.n; i++) {
		u32 t = alias(al, n->near.at[i]);

		if (node(al, t)->state == NODE_COLOURED || node(al, t)->state == NODE_MACHINE)
			free &= ~(1u << al->g->colour[t]);
	}
	return free;
}

/* The colour of the other side of a move that could not be merged, if it is free: the move vanishes
 * all the same. */
static u32 preferred(struct alloc *al, u32 x, u32 free)
{
	const struct node *n = node(al, x);
	u32 best = 0, colour = N_COLOURS;

	for (u32 i = 0; i < n->moves.n; i++) {
		const struct move *m = &al->gr.moves.at[n->moves.at[i]];
		u32 d = alias(al, m->d), s = alias(al, m->s), other = d == x ? s : d;
		u8 state = node(al, other)->state;

		if (other != x && (state == NODE_COLOURED || state == NODE_MACHINE) &&
		    m->weight > best && free >> al->g->colour[other] & 1) {
			best = m->weight;
			colour = al->g->colour[other];
		}
	}
	for (u32 i = 0; colour == N_COLOURS; i++)
		if (free >> colour_order[i] & 1)
			colour = colour_order[i];
	return colour;
}

/* Colours what was taken apart; returns how many nodes found no colour. */
static u32 put_together(struct alloc *al)
{
	u32 n_spilled = 0;

	for (u32 i = 0; i < N_COLOURS; i++)
		al->g->colour[i] = (u8)i;
	al->g->colour[ISA_FP] = ISA_FP;
	while (al->n_stack) {
		u32 x = al->stack[--al->n_stack], free = free_colours(al, x);

		node(al, x)->state = free ? NODE_COLOURED : NODE_SPILLED;
		if (free)
			al->g->colour[x] = (u8)preferred(al, x, free);
		else
			n_spilled++;
	}
	for (u32 x = REG_FIRST; x < al->gr.n; x++)
		if (node(al, x)->state == NODE_MERGED)
			al->g->colour[x] = al->g->colour[alias(al, x)];
	return n_spilled;
}

/* ---- spilling ------------------------------------------------------------------------------- */

struct spill_plan {
	u32 *slot_of, *size; /* by register; by root: registers merged into it */
	u32 *home;	     /* by root: the home that all of them have, or SLOT_NONE */
	bool *is_remat, *may_share;
	const struct mi **remat;
};

static u32 new_slot(struct gen *g)
{
	struct frame_slot *f = vec_push(g->a, &g->slots);

	f->bytes = f->align = 8;
	return g->slots.n - 1;
}

/* What is known of each spilled root: how many registers it stands for, and whether the frame holds
 * all of them already at one place. */
static void weigh_roots(struct alloc *al, struct spill_plan *p)
{
	for (u32 x = REG_FIRST; x < al->gr.n; x++) {
		u32 root = alias(al, x), home = al->g->regs.at[x].home;

		if (node(al, root)->state != NODE_SPILLED)
			continue;
		if (!p->size[root]++)
			p->home[root] = home;
		else if (p->home[root] != home)
			p->home[root] = SLOT_NONE;
	}
}

static void plan_spill(struct alloc *al, struct spill_plan *p, u32 x)
{
	u32 root = alias(al, x);

	if (node(al, root)->state != NODE_SPILLED)
		return;
	p->may_share[x] = node(al, x)->level == 0;
	if (p->size[root] == 1 && node(al, x)->remat) {
		struct mi *m = arena_new_of(al->gr.a, struct mi);

		*m = *node(al, x)->remat;
		p->is_remat[x] = true;
		p->remat[x] = m;
		return;
	}
	if (p->home[root] == SLOT_NONE)
		p->home[root] = new_slot(al->g);
	p->slot_of[x] = p->home[root];
}

static void spill(struct alloc *al)
{
	u32 n = al->gr.n;
	struct spill_plan p = {
		.slot_of = arena_array_of(al->gr.a, u32, n),
		.size = arena_array_of(al->gr.a, u32, n),
		.home = arena_array_of(al->gr.a, u32, n),
		.is_remat = arena_array_of(al->gr.a, bool, n),
		.may_share = arena_array_of(al->gr.a, bool, n),
		.remat = arena_array_of(al->gr.a, const struct mi *, n),
	};
	struct spill_set set = { p.slot_of, p.is_remat, p.remat, p.may_share };

	memset(p.slot_of, 0xff, n * sizeof(u32));
	weigh_roots(al, &p);
	for (u32 x = REG_FIRST; x < n; x++)
		plan_spill(al, &p, x);
	gen_spill(al->g, &set);
}

/* ---- rounds --------------------------------------------------------------------------------- */

void gen_allocate(struct gen *g)
{
	for (u32 round = 0; round < MAX_ROUNDS; round++) {
		struct alloc al = { .g = g, .gr = { .g = g, .a = g->a } };

		gen_graph_build(&al.gr);
		g->colour = arena_array_of(g->a, u8, al.gr.n);
		al.stack = arena_array_of(g->a, u32, al.gr.n);
		al.stamp = arena_array_of(g->a, u32, al.gr.n);
		start_moves(&al);
		start_lists(&al);
		take_apart(&al);
		if (!put_together(&al))
			return;
		spill(&al);
	}
	base_bug(arena_trap(g->a), "gen: register allocation does not end");
}
