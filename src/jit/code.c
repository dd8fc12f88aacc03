/* The bytes of a program being made, with jumps left out, and their final layout.
 *
 * A jump is a record between two pieces of finished bytes. Layout starts with every jump in its
 * shortest form and lengthens those that do not reach, until none is left: jumps only ever grow, so
 * this ends, and no jump is longer than it must be (the usual relaxation from below; T. G.
 * Szymanski, Assembling code for machines with span-dependent instructions, 1978). Two rounds are
 * typical. The target says how long a form is and writes it.
 *
 * Heads of loops are aligned: the filling is a record as well, as long as the sizes of the moment
 * make it.
 *
 * Not done: moving code to bring targets nearer.
 */
#include <string.h>

#include "jit/code.h"
#include "jit/target.h"

void jit_buf_init(struct jit_buf *b, struct arena *a, u32 n_labels, u32 guess)
{
	memset(b, 0, sizeof(*b));
	b->a = a;
	b->cap = guess;
	b->p = arena_alloc(a, guess);
	b->n_labels = n_labels;
	b->labels = arena_array_of(a, struct jit_label, n_labels);
}

void jit_buf_room(struct jit_buf *b, u32 n)
{
	u8 *p;

	if (b->cap - b->n >= n)
		return;
	b->cap = b->cap * 2 + n;
	p = arena_alloc(b->a, b->cap);
	memcpy(p, b->p, b->n);
	b->p = p;
}

void jit_buf_label(struct jit_buf *b, u32 label)
{
	b->labels[label] = (struct jit_label){ b->n, b->jumps.n };
}

void jit_buf_jump(struct jit_buf *b, u8 cond, u32 label, u8 reg)
{
	struct jit_jump *j = vec_push(b->a, &b->jumps);

	*j = (struct jit_jump){ .at = b->n, .label = label, .cond = cond, .reg = reg };
}

/* Where a label lies under the sizes of now. */
static u32 place(const struct jit_buf *b, u32 label, u32 all)
{
	const struct jit_label *l = &b->labels[label];

	return l->at + (l->jump < b->jumps.n ? b->jumps.at[l->jump].before : all);
}

static u32 jumps_size(const struct jit_buf *b)
{
	return b->jumps.n > 0
		       ? b->jumps.at[b->jumps.n - 1].before + b->jumps.at[b->jumps.n - 1].size
		       : 0;
}

u32 jit_buf_place(const struct jit_buf *b, u32 label)
{
	const struct jit_label *l = &b->labels[label];

	return b->jumps.n > 0 ? place(b, label, jumps_size(b)) : l->at;
}

static u32 sum(struct jit_buf *b)
{
	u32 n = 0;

	for (u32 i = 0; i < b->jumps.n; i++) {
		b->jumps.at[i].before = n;
		if (b->jumps.at[i].cond == JIT_ALIGN)
			b->jumps.at[i].size = (u8)(-(b->jumps.at[i].at + n) & 31);
		n += b->jumps.at[i].size;
	}
	return n;
}

u32 jit_buf_layout(struct jit_buf *b, const struct jit_target *t)
{
	u32 all;
	bool grown = true;

	for (u32 i = 0; i < b->jumps.n; i++)
		if (b->jumps.at[i].cond != JIT_ALIGN)
			b->jumps.at[i].size = (u8)t->jump_size(b->jumps.at[i].cond, 0, 0);
	while (grown) {
		grown = false;
		all = sum(b);
		for (u32 i = 0; i < b->jumps.n; i++) {
			struct jit_jump *j = &b->jumps.at[i];
			s64 to, end = (s64)j->at + j->before + j->size;
			u32 size;

			if (j->cond == JIT_ALIGN)
				continue;
			to = place(b, j->label, all);
			size = t->jump_size(j->cond, to - end, j->size);
			if (size > j->size) {
				j->size = (u8)size;
				grown = true;
			}
		}
	}
	return b->n + sum(b);
}

void jit_buf_write(const struct jit_buf *b, const struct jit_target *t, u8 *out)
{
	u32 from = 0, all = jumps_size(b);

	for (u32 i = 0; i < b->jumps.n; i++) {
		const struct jit_jump *j = &b->jumps.at[i];
		s64 end = (s64)j->at + j->before + j->size;
		s64 to = j->cond == JIT_ALIGN ? end : place(b, j->label, all);

		memcpy(out, b->p + from, j->at - from);
		out += j->at - from;
		from = j->at;
		t->jump(out, j, to - end);
		out += j->size;
	}
	memcpy(out, b->p + from, b->n - from);
}
