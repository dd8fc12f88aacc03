/* The interference graph.
 *
 * Two registers interfere when one is written while the other is alive (Chaitin 1981); the source
 * of a move does not interfere with its target by the move itself. A call writes r0 to r5, so what
 * lives across it interferes with those and ends up in r6 to r9 or in the frame. The registers of a
 * MI_SET interfere although its operands end there: it writes its target before it reads them.
 *
 * Edges are kept twice: as lists of neighbours, and as a matrix of bits (a hash set in very large
 * functions) for the question whether two nodes are neighbours. Machine registers have no lists,
 * since they neighbour almost everything.
 */
#include "gen/colour.h"

#include <string.h>

enum { MAX_MATRIX = 4096, FIRST_EDGES = 1 << 16, MAX_DEPTH = 6 };

/* ---- edges ---------------------------------------------------------------------------------- */

static u64 *find(u64 *edges, u32 mask, u64 key)
{
	u64 h = key * 0x9e3779b97f4a7c15ull;
	u32 at = (u32)(h >> 32) & mask;

	while (edges[at] && edges[at] != key)
		at = (at + 1) & mask;
	return &edges[at];
}

static u64 edge_key(u32 x, u32 y)
{
	return x < y ? (u64)x << 32 | y : (u64)y << 32 | x;
}

static void grow_edges(struct graph *gr)
{
	u32 size = gr->edges ? (gr->mask + 1) * 2 : FIRST_EDGES;
	u64 *edges;

	base_check(arena_trap(gr->a), size && size <= 1u << 30);
	edges = arena_array_of(gr->a, u64, size);
	for (u32 i = 0; gr->edges && i <= gr->mask; i++)
		if (gr->edges[i])
			*find(edges, size - 1, gr->edges[i]) = gr->edges[i];
	gr->edges = edges;
	gr->mask = size - 1;
}

bool gen_graph_hash_has(const struct graph *gr, u32 x, u32 y)
{
	return *find(gr->edges, gr->mask, edge_key(x, y)) != 0;
}

/* Puts an edge into the set; false if it was there. */
static bool set_edge(struct graph *gr, u32 x, u32 y)
{
	u64 *at, bit;

	if (gr->bits) {
		bit = pair_bit(x, y);
		if (gr->bits[bit / 64] >> (bit % 64) & 1)
			return false;
		gr->bits[bit / 64] |= 1ull << (bit % 64);
		return true;
	}
	at = find(gr->edges, gr->mask, edge_key(x, y));
	if (*at)
		return false;
	*at = edge_key(x, y);
	if (++gr->n_edges > gr->mask / 2)
		grow_edges(gr);
	return true;
}

static void start_edges(struct graph *gr)
{
	if (gr->n <= MAX_MATRIX)
		gr->bits = arena_array_of(gr->a, u64, pair_bit(gr->n, 0) / 64 + 1);
	else
		grow_edges(gr);
}

static void add_near(struct graph *gr, u32 x, u32 y)
{
	if (is_machine(x))
		return;
	*vec_push(gr->a, &gr->node[x].near) = y;
	gr->node[x].degree++;
}

void gen_graph_add(struct graph *gr, u32 x, u32 y)
{
	if (x == y || (is_machine(x) && is_machine(y)) || !set_edge(gr, x, y))
		return;
	add_near(gr, x, y);
	add_near(gr, y, x);
}

/* ---- walking the code ----------------------------------------------------------------------- */

/* The set of registers that are alive here. */
struct alive {
	u32 *at, n;
	u32 *where; /* by register: index in `at` + 1, or 0 */
};

static void add(struct alive *l, u32 reg)
{
	if (reg == ISA_FP || l->where[reg])
		return;
	l->at[l->n++] = reg;
	l->where[reg] = l->n;
}

static void drop(struct alive *l, u32 reg)
{
	u32 i = l->where[reg];

	if (!i)
		return;
	l->where[reg] = 0;
	if (i < l->n) {
		l->at[i - 1] = l->at[l->n - 1];
		l->where[l->at[i - 1]] = i;
	}
	l->n--;
}

static void clear(struct alive *l)
{
	while (l->n)
		l->where[l->at[--l->n]] = 0;
}

static u32 weight_of(const struct mb *b)
{
	return 1u << 3 * (b->depth < MAX_DEPTH ? b->depth : MAX_DEPTH);
}

static void note_move(struct graph *gr, const struct mi *m, u32 weight)
{
	struct move *mv;

	if (m->d == m->s || m->s == ISA_FP)
		return;
	mv = vec_push(gr->a, &gr->moves);
	mv->d = m->d;
	mv->s = m->s;
	mv->weight = weight;
	*vec_push(gr->a, &gr->node[m->d].moves) = gr->moves.n - 1;
	*vec_push(gr->a, &gr->node[m->s].moves) = gr->moves.n - 1;
}

static void note_write(struct graph *gr, const struct mi *m, u32 weight)
{
	struct node *d = &gr->node[m->d];

	d->cost += weight;
	d->n_writes += d->n_writes < 2;
	d->remat = d->n_writes == 1 && (m->flags & MI_REMAT) ? m : NULL;
}

static void interfere(struct graph *gr, const struct alive *l, u32 reg)
{
	for (u32 i = 0; i < l->n; i++)
		gen_graph_add(gr, reg, l->at[i]);
}

/* Adds an instruction's edges, going backward: `l` is what is alive behind it, then before it. */
static void walk(struct graph *gr, struct alive *l, const struct mi *m, u32 weight)
{
	u32 read[3], n = gen_reads(m, read);

	if (m->kind == MI_MOVE) {
		drop(l, m->s);
		note_move(gr, m, weight);
	}
	if (m->flags & MI_WRITE_D) {
		interfere(gr, l, m->d);
		note_write(gr, m, weight);
	}
	for (u32 r = 0; r < N_COLOURS; r++)
		if (m->writes >> r & 1)
			interfere(gr, l, r);
	if (m->flags & MI_WRITE_D)
		drop(l, m->d);
	for (u32 r = 0; r < N_COLOURS; r++)
		if (m->writes >> r & 1)
			drop(l, r);
	for (u32 i = 0; i < n; i++) {
		add(l, read[i]);
		gr->node[read[i]].cost += weight;
		if (m->kind == MI_SET)
			gen_graph_add(gr, m->d, read[i]);
	}
	for (u32 r = 0; r < N_COLOURS; r++)
		if (m->reads >> r & 1)
			add(l, r);
}

/* A register that can be computed anew costs no store and a cheaper reload; a shared reload is in
 * the frame already; a reload for one use must not be spilled again. */
static void finish_node(struct graph *gr, u32 reg)
{
	struct node *x = &gr->node[reg];

	x->alias = reg;
	x->level = gr->g->regs.at[reg].level;
	if (is_machine(reg)) {
		x->state = NODE_MACHINE;
		x->degree = UINT32_MAX;
	}
	if (x->level == 2 || x->cost > COST_NEVER)
		x->cost = COST_NEVER;
	else if (x->remat || x->level == 1)
		x->cost = (x->cost + 1) / 2;
}

void gen_graph_build(struct graph *gr)
{
	struct gen *g = gr->g;
	struct alive l = { 0 };
	struct live live;

	gr->n = g->regs.n;
	gr->node = arena_array_of(gr->a, struct node, gr->n);
	start_edges(gr);
	gen_live(g, gr->a, &live);
	l.at = arena_array_of(gr->a, u32, gr->n);
	l.where = arena_array_of(gr->a, u32, gr->n);
	for (u32 i = 0; i < g->n_blocks; i++) {
		const struct mb *b = &g->blocks[i];
		const u64 *out = live.out + (size_t)i * live.words;

		clear(&l);
		for (u32 k = 0; k < live.n; k++)
			if (out[k / 64] >> (k % 64) & 1)
				add(&l, live.reg[k]);
		for (u32 k = b->code.n; k-- > 0;)
			walk(gr, &l, &b->code.at[k], weight_of(b));
	}
	for (u32 i = 0; i < gr->n; i++)
		finish_node(gr, i);
}
