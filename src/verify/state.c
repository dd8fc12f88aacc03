/* States: frames and slots from free lists, where values come from, references.
 *
 * A node is made for every value, so that a decision that hangs on a value's range (a branch that
 * is always taken, an offset, a size) can mark the value and all that it came from as precise:
 * verify_precise() walks the graph once a node. Remembered states hold nodes of their own, made
 * when they were remembered, so that what happens on another path does not count against them.
 */
#include <string.h>

#include "verify/state.h"

static u32 class_of(u32 n)
{
	u32 c = 0;

	while ((1u << c) < n)
		c++;
	return c;
}

static void slots_free(struct verifier *v, struct slot *s, u32 cap)
{
	if (!cap)
		return;
	*(struct slot **)(void *)s = v->free_slots[class_of(cap)];
	v->free_slots[class_of(cap)] = s;
}

static struct slot *slots_new(struct verifier *v, u32 cap)
{
	u32 c = class_of(cap);
	struct slot *s = v->free_slots[c];

	if (s)
		v->free_slots[c] = *(struct slot **)(void *)s;
	else
		s = arena_array_of(v->a, struct slot, cap);
	return s;
}

struct slot *verify_slots_need(struct verifier *v, struct frame *f, u32 n)
{
	if (n > f->cap) {
		u32 cap = 1u << class_of(n);
		struct slot *s = slots_new(v, cap);

		if (f->n_slots)
			memcpy(s, f->slots, f->n_slots * sizeof(*s));
		slots_free(v, f->slots, f->cap);
		f->slots = s;
		f->cap = cap;
	}
	if (n > f->n_slots) {
		memset(f->slots + f->n_slots, 0, (n - f->n_slots) * sizeof(*f->slots));
		f->n_slots = n;
	}
	return f->slots;
}

struct frame *verify_frame_new(struct verifier *v)
{
	struct frame *f = v->free_frames;

	if (f)
		v->free_frames = *(struct frame **)(void *)f;
	else
		f = arena_new_of(v->a, struct frame);
	memset(f, 0, sizeof(*f));
	f->callsite = UINT32_MAX;
	return f;
}

void verify_frame_free(struct verifier *v, struct frame *f)
{
	slots_free(v, f->slots, f->cap);
	*(struct frame **)(void *)f = v->free_frames;
	v->free_frames = f;
}

void verify_state_copy(struct verifier *v, struct state *to, const struct state *from)
{
	*to = *from;
	for (u32 i = 0; i < from->n_frames; i++) {
		const struct frame *f = from->frames[i];
		struct frame *g = verify_frame_new(v);

		*g = *f;
		g->slots = NULL;
		g->n_slots = g->cap = 0;
		if (f->n_slots) {
			verify_slots_need(v, g, f->n_slots);
			memcpy(g->slots, f->slots, f->n_slots * sizeof(*f->slots));
		}
		to->frames[i] = g;
	}
}

void verify_state_drop(struct verifier *v, struct state *st)
{
	for (u32 i = 0; i < st->n_frames; i++)
		verify_frame_free(v, st->frames[i]);
	st->n_frames = 0;
}

u32 verify_node(struct verifier *v, u32 a, u32 b)
{
	struct node *n = vec_push(v->a, &v->nodes);

	n->insn = v->insn;
	n->a = a;
	n->b = b;
	return v->nodes.n - 1;
}

void verify_precise(struct verifier *v, u32 node)
{
	v->work.n = 0;
	if (node)
		*vec_push(v->a, &v->work) = node;
	while (v->work.n) {
		struct node *x = &v->nodes.at[v->work.at[--v->work.n]];

		if (x->precise)
			continue;
		x->precise = 1;
		if (x->a)
			*vec_push(v->a, &v->work) = x->a;
		if (x->b)
			*vec_push(v->a, &v->work) = x->b;
	}
}

void verify_set_scalar(struct verifier *v, struct reg *r, struct num n, u32 a, u32 b)
{
	memset(r, 0, sizeof(*r));
	r->kind = K_SCALAR;
	r->n = n;
	r->node = verify_node(v, a, b);
}

void verify_set_unknown(struct verifier *v, struct reg *r)
{
	verify_set_scalar(v, r, num_any(), 0, 0);
}

void verify_each_reg(struct state *st, void (*each)(struct reg *r, void *arg), void *arg)
{
	for (u32 i = 0; i < st->n_frames; i++) {
		struct frame *f = st->frames[i];

		for (u32 k = 0; k < ISA_N_REGS; k++)
			each(&f->regs[k], arg);
		for (u32 k = 0; k < f->n_slots; k++)
			if (f->slots[k].spilled && f->slots[k].bytes[0] == B_SPILL)
				each(&f->slots[k].reg, arg);
	}
}

bool verify_ref_add(struct verifier *v, u32 id)
{
	struct state *st = v->st;

	if (st->n_refs == MAX_REFS)
		return verify_refuse(v, V_REF_LEAK, 0, "Release some of them earlier.",
				     "More than %d references are held at once.", MAX_REFS);
	st->refs[st->n_refs] = id;
	st->ref_node[st->n_refs] = verify_node(v, 0, 0);
	st->ref_insn[st->n_refs++] = v->insn;
	return true;
}

static bool ref_remove(struct state *st, u32 id)
{
	for (u32 i = 0; i < st->n_refs; i++) {
		if (st->refs[i] != id)
			continue;
		st->n_refs--;
		for (; i < st->n_refs; i++) {
			st->refs[i] = st->refs[i + 1];
			st->ref_insn[i] = st->ref_insn[i + 1];
			st->ref_node[i] = st->ref_node[i + 1];
		}
		return true;
	}
	return false;
}

bool verify_ref_drop(struct verifier *v, u32 id)
{
	return ref_remove(v->st, id);
}

struct forget {
	struct verifier *v;
	u32 ref;
};

static void forget(struct reg *r, void *arg)
{
	struct forget *f = arg;
	bool is_packet = r->kind == K_PACKET || r->kind == K_META || r->kind == K_END;

	if (f->ref ? r->ref == f->ref : is_packet)
		verify_set_scalar(f->v, r, num_any(), r->node, 0);
}

/* What stood for a reference is only a number after its release. */
void verify_forget_ref(struct verifier *v, u32 id)
{
	struct forget f = { v, id };

	verify_each_reg(v->st, forget, &f);
}

void verify_forget_packets(struct verifier *v)
{
	struct forget f = { v, 0 };

	verify_each_reg(v->st, forget, &f);
}
