/* Liveness of virtual registers at the ends of blocks.
 *
 * The usual backward data flow (in = read first | out minus written; out = union of the successors'
 * in), iterated over the blocks from last to first until nothing changes. Most registers live
 * within one block; only those that some block reads before it writes them get a bit, so the sets
 * stay small. Machine registers never live across a block's end, except the parameters' at the
 * entry's start.
 */
#include "gen/mir.h"

#include <string.h>

struct flow {
	struct gen *g;
	struct live *live;
	u32 *number;	/* by register: bit, counted from 1; 0 is none */
	u32 *stamp;	/* by register: last block that wrote it, counted from 1 */
	u64 *in, *kill; /* sets of each block */
};

static void set_bit(u64 *set, u32 bit)
{
	set[bit / 64] |= 1ull << (bit % 64);
}

/* Numbers the registers that a block reads before it writes them. */
static void find_globals(struct flow *f, u32 block)
{
	const struct mb *b = &f->g->blocks[block];
	u32 read[3];

	for (u32 i = 0; i < b->code.n; i++) {
		const struct mi *m = &b->code.at[i];

		for (u32 k = 0, n = gen_reads(m, read); k < n; k++)
			if (read[k] >= REG_FIRST && f->stamp[read[k]] != block + 1 &&
			    !f->number[read[k]]) {
				f->live->reg[f->live->n++] = read[k];
				f->number[read[k]] = f->live->n;
			}
		if (m->flags & MI_WRITE_D)
			f->stamp[m->d] = block + 1;
	}
}

/* Fills what a block reads first (as the start of `in`) and what it writes. */
static void fill(struct flow *f, u32 block)
{
	const struct mb *b = &f->g->blocks[block];
	u64 *in = f->in + (size_t)block * f->live->words;
	u64 *kill = f->kill + (size_t)block * f->live->words;
	u32 read[3];

	for (u32 i = 0; i < b->code.n; i++) {
		const struct mi *m = &b->code.at[i];

		for (u32 k = 0, n = gen_reads(m, read); k < n; k++) {
			u32 bit = f->number[read[k]] - 1;

			if (f->number[read[k]] && !(kill[bit / 64] >> (bit % 64) & 1))
				set_bit(in, bit);
		}
		if ((m->flags & MI_WRITE_D) && f->number[m->d])
			set_bit(kill, f->number[m->d] - 1);
	}
}

/* One application of the equations; true if `in` grew. */
static bool update(struct flow *f, u32 block)
{
	const struct mb *b = &f->g->blocks[block];
	u32 words = f->live->words;
	u64 *out = f->live->out + (size_t)block * words;
	u64 *in = f->in + (size_t)block * words, *kill = f->kill + (size_t)block * words;
	bool grew = false;

	for (u32 k = 0; k < b->n_succ; k++) {
		const u64 *next = f->in + (size_t)b->succ[k] * words;

		for (u32 w = 0; w < words; w++)
			out[w] |= next[w];
	}
	for (u32 w = 0; w < words; w++) {
		u64 more = out[w] & ~kill[w] & ~in[w];

		in[w] |= more;
		grew |= more != 0;
	}
	return grew;
}

void gen_live(struct gen *g, struct arena *a, struct live *out)
{
	struct flow f = { .g = g, .live = out };
	size_t size;
	bool grew;

	memset(out, 0, sizeof(*out));
	out->reg = arena_array_of(a, u32, g->regs.n);
	f.number = arena_array_of(a, u32, g->regs.n);
	f.stamp = arena_array_of(a, u32, g->regs.n);
	for (u32 i = 0; i < g->n_blocks; i++)
		find_globals(&f, i);
	out->words = (out->n + 63) / 64;
	size = (size_t)g->n_blocks * out->words;
	out->out = arena_array_of(a, u64, size);
	f.in = arena_array_of(a, u64, size);
	f.kill = arena_array_of(a, u64, size);
	for (u32 i = 0; i < g->n_blocks; i++)
		fill(&f, i);
	do {
		grew = false;
		for (u32 i = g->n_blocks; i-- > 0;)
			grew |= update(&f, i);
	} while (grew);
}
