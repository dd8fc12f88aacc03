/* The interference graph and what the allocator's two halves share. Private to the room.
 *
 * graph.c builds the graph; allocate.c colours it.
 */
#ifndef SKEP_GEN_COLOUR_H
#define SKEP_GEN_COLOUR_H

#include "gen/mir.h"

enum node_state {
	NODE_UNUSED,
	NODE_MACHINE,  /* r0 … r9: coloured from the start, never simplified */
	NODE_SIMPLIFY, /* few neighbours, in no move */
	NODE_FREEZE,   /* few neighbours, in moves */
	NODE_SPILL,    /* many neighbours */
	NODE_STACK,    /* taken out of the graph, waiting for a colour */
	NODE_MERGED,   /* is its alias */
	NODE_COLOURED,
	NODE_SPILLED,
	NODE_N_STATES
};
enum move_state { MOVE_WAITING, MOVE_ACTIVE, MOVE_DONE };

struct node {
	u8 state;    /* enum node_state */
	u8 level;    /* struct reg_info */
	u8 n_writes; /* saturating */
	u32 degree;  /* neighbours left in the graph; of machine registers UINT32_MAX */
	u32 alias;
	u32 next, prev; /* in the list of its state */
	u64 cost;	/* instructions that spilling it costs, weighted by loops */
	vec(u32) near;	/* neighbours, also removed ones; none kept for machine registers */
	vec(u32) moves;
	const struct mi *remat; /* its only write, if it may be repeated */
};

struct move {
	u32 d, s;
	u32 weight; /* by loops */
	u8 state;   /* enum move_state */
};

struct graph {
	struct gen *g;
	struct arena *a; /* of this round */
	struct node *node;
	u32 n;
	u64 *bits;  /* small functions: the matrix of edges, lower triangle */
	u64 *edges; /* large ones: a hash set of pairs, low << 32 | high */
	u32 n_edges, mask;
	vec(struct move) moves;
};

#define COST_NEVER (1ull << 40)

static inline bool is_machine(u32 reg)
{
	return reg < REG_FIRST;
}

/* The bit of a pair in the matrix. */
static inline u64 pair_bit(u32 x, u32 y)
{
	return x < y ? (u64)y * (y - 1) / 2 + x : (u64)x * (x - 1) / 2 + y;
}

void gen_graph_build(struct graph *gr);
bool gen_graph_hash_has(const struct graph *gr, u32 x, u32 y);
static inline bool gen_graph_has(const struct graph *gr, u32 x, u32 y)
{
	u64 bit = pair_bit(x, y);

	return gr->bits ? gr->bits[bit / 64] >> (bit % 64) & 1 : gen_graph_hash_has(gr, x, y);
}
void gen_graph_add(struct graph *gr, u32 x, u32 y);

#endif
