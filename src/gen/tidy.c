/* Tidying: from coloured registers to the blocks that will be emitted.
 *
 *   - registers become machine registers; moves of a register to itself vanish;
 *   - a block that only goes on is dropped, and whoever went there goes on at once;
 *   - instead of a jump to a block that at most sets r0 and exits, that block is repeated;
 *   - blocks that nothing reaches any more are dropped, since verifiers refuse dead code.
 *
 * Invariant afterwards: every target is a block that is kept.
 */
#include "gen/mir.h"

enum { MAX_TAIL = 2 };

static u32 colour_of(const struct gen *g, u32 reg)
{
	return reg == REG_NONE ? 0 : g->colour[reg];
}

static bool is_nothing(const struct mi *m)
{
	bool is_move =
		m->kind == MI_MOVE ||
		(m->kind == MI_PLAIN && m->i.code == (ISA_ALU64 | ISA_MOV | ISA_X) && !m->i.off);

	return is_move && m->d == m->s;
}

static void colour(const struct gen *g, struct mb *b)
{
	u32 n = 0;

	for (u32 i = 0; i < b->code.n; i++) {
		struct mi m = b->code.at[i];

		m.d = colour_of(g, m.d);
		m.s = colour_of(g, m.s);
		m.t = colour_of(g, m.t);
		if (!is_nothing(&m))
			b->code.at[n++] = m;
	}
	b->code.n = n;
}

/* Where going to `block` ends up. A loop of empty blocks stays one. */
static u32 follow(const struct gen *g, u32 block)
{
	for (u32 steps = 0; steps < g->n_blocks; steps++) {
		const struct mb *b = &g->blocks[block];

		if (b->code.n != 1 || b->code.at[0].kind != MI_GOTO)
			break;
		block = b->code.at[0].to;
	}
	return block;
}

static void thread(struct gen *g, struct mb *b)
{
	for (u32 i = 0; i < b->code.n; i++)
		if (b->code.at[i].to != BLOCK_NONE)
			b->code.at[i].to = follow(g, b->code.at[i].to);
}

/* The place of the next kept block, or n_blocks. */
static u32 next_kept(const struct gen *g, u32 i)
{
	for (i++; i < g->n_blocks && g->blocks[i].is_dropped; i++)
		;
	return i;
}

/* Marks what the entry reaches; drops the rest. */
static void drop_unreachable(struct gen *g)
{
	u32 *stack = arena_array_of(g->a, u32, g->n_blocks), n = 1;

	for (u32 i = 1; i < g->n_blocks; i++)
		g->blocks[i].is_dropped = true;
	g->blocks[0].is_dropped = false;
	while (n) {
		const struct mb *b = &g->blocks[stack[--n]];

		for (u32 i = 0; i < b->code.n; i++) {
			u32 to = b->code.at[i].to;

			if (to != BLOCK_NONE && g->blocks[to].is_dropped) {
				g->blocks[to].is_dropped = false;
				stack[n++] = to;
			}
		}
	}
}

/* True if the block's last GOTO will cost an instruction where it stands. */
static bool jumps(const struct gen *g, u32 i)
{
	const struct mb *b = &g->blocks[i];
	u32 n = b->code.n, next = next_kept(g, i);
	const struct mi *branch = n > 1 ? &b->code.at[n - 2] : NULL;

	if (b->code.at[n - 1].kind != MI_GOTO || b->code.at[n - 1].to == next)
		return false;
	return !branch || branch->kind != MI_BRANCH || branch->to != next;
}

static void repeat_exit(struct gen *g, u32 i)
{
	struct mb *b = &g->blocks[i];
	const struct mb *tail;

	if (b->is_dropped || !jumps(g, i))
		return;
	tail = &g->blocks[vec_last(&b->code)->to];
	if (tail->code.n > MAX_TAIL || vec_last(&tail->code)->kind != MI_EXIT)
		return;
	b->code.n--;
	for (u32 k = 0; k < tail->code.n; k++)
		*vec_push(g->a, &b->code) = tail->code.at[k];
}

void gen_tidy(struct gen *g)
{
	for (u32 i = 0; i < g->n_blocks; i++)
		colour(g, &g->blocks[i]);
	for (u32 i = 0; i < g->n_blocks; i++)
		thread(g, &g->blocks[i]);
	drop_unreachable(g);
	for (u32 i = 0; i < g->n_blocks; i++)
		repeat_exit(g, i);
	drop_unreachable(g);
}
