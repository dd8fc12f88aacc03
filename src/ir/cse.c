/* cse: pass that makes one value of two that are computed alike.
 *
 * Value numbering by dominators (Briggs, Cooper, Simpson, "Value Numbering", 1997, section 3): the
 * blocks are visited in preorder of the dominator tree; a hash table holds the pure operations of
 * the blocks that dominate the current one. What is found there is used instead. Nothing is moved,
 * so no value is computed on a path that did not compute it before.
 *
 * Loads are pure as long as nobody writes. Within a chain of blocks that follow each other without
 * another way in, a short list remembers what is known to be in memory, from loads, stores and
 * ZERO, oldest first. A load that asks again gets that value; a write or a call takes out what it
 * may change (memory.c). For the verifier this is good news: the field that was checked is the
 * field that is used. What is not done: memory across joins and loops.
 */
#include "ir/edit.h"
#include "ir/memory.h"
#include "ir/passes.h"

#include <string.h>

#define MAX_KNOWN 32 /* pieces of memory that are remembered at a time */

/* A value in the hash table, and on the stack of those in scope. */
struct entry {
	struct ir_ins *ins;
	u64 hash;
	u32 next; /* in the bucket: index + 1 of an older one */
};

/* A piece of memory with known contents. */
struct known {
	struct ir_access at;
	struct ir_ins *by; /* the LOAD that read or the STORE that wrote it; NULL: zeros */
};
struct memory {
	struct known *at;
	u32 n;
};

struct numbering {
	struct ir_pass_ctx *c;
	struct ir_fn *fn;
	vec(struct entry) scope;
	u32 *buckets, n_buckets; /* index + 1 into scope */
	struct memory memory;
};

/* ---- values ---------------------------------------------------------------------------------- */

static bool is_numbered(const struct ir_ins *x)
{
	return ir_op_info(x->op)->flags & IR_F_PURE || x->op == IR_CONST || x->op == IR_SYM ||
	       x->op == IR_UNDEF || x->op == IR_PHI || ir_call_is_steady(x);
}

static u64 mix(u64 h, u64 v)
{
	h = (h ^ v) * 0x9e3779b97f4a7c15ull;
	return h ^ h >> 29;
}

static u64 hash_of(const struct ir_ins *x)
{
	u64 h = mix(x->op, (u64)x->width << 32 | (u64)x->size << 16 | x->count), sum = 0;

	h = mix(h, (u64)x->imm);
	h = mix(h, x->sym);
	for (u32 i = 0; i < x->n_args; i++) {
		if (ir_op_info(x->op)->flags & IR_F_COMM)
			sum += mix(1, x->args[i]->id);
		else
			h = mix(h, x->args[i]->id);
	}
	return mix(h, sum);
}

static bool same_args(const struct ir_ins *x, const struct ir_ins *y)
{
	if (ir_op_info(x->op)->flags & IR_F_COMM && x->args[0] == y->args[1] &&
	    x->args[1] == y->args[0])
		return true;
	for (u32 i = 0; i < x->n_args; i++)
		if (x->args[i] != y->args[i])
			return false;
	return true;
}

static bool same_value(const struct ir_ins *x, const struct ir_ins *y)
{
	return x->op == y->op && x->width == y->width && x->size == y->size &&
	       x->count == y->count && x->imm == y->imm && x->sym == y->sym &&
	       x->n_args == y->n_args && (x->op != IR_PHI || x->block == y->block) &&
	       same_args(x, y);
}

/* The value in scope that is the same as `x`; if there is none, `x` itself comes into scope. */
static struct ir_ins *find_or_add(struct numbering *n, struct ir_ins *x)
{
	u64 hash = hash_of(x);
	u32 *bucket = &n->buckets[hash & (n->n_buckets - 1)];
	struct entry *e;

	for (u32 i = *bucket; i; i = e->next) {
		e = &n->scope.at[i - 1];
		/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): i is from 1 to scope.n */
		if (e->hash == hash && same_value(e->ins, x))
			return e->ins;
	}
	e = vec_push(n->c->scratch, &n->scope);
	*e = (struct entry){ x, hash, *bucket };
	*bucket = n->scope.n;
	return x;
}

/* Takes the values out of scope whose blocks do not dominate `b`. */
static void leave_scopes(struct numbering *n, const struct ir_block *b)
{
	while (n->scope.n && !ir_dominates(vec_last(&n->scope)->ins->block, b)) {
		struct entry *e = vec_last(&n->scope);

		n->buckets[e->hash & (n->n_buckets - 1)] = e->next;
		n->scope.n--;
	}
}

static void use_instead(struct ir_ins *x, struct ir_ins *other)
{
	ir_keep_region(other, x->region);
	x->note = other;
	ir_remove(x);
}

/* ---- memory ---------------------------------------------------------------------------------- */

static void forget_overlaps(struct memory *m, const struct ir_access *at)
{
	u32 kept = 0;

	for (u32 i = 0; i < m->n; i++)
		if (!ir_may_overlap(&m->at[i].at, at))
			m->at[kept++] = m->at[i];
	m->n = kept;
}

static void forget_by_call(struct memory *m, const struct ir_ins *call)
{
	u32 kept = 0;

	for (u32 i = 0; i < m->n; i++)
		if (!ir_call_may_write(call, &m->at[i].at))
			m->at[kept++] = m->at[i];
	m->n = kept;
}

static void remember(struct memory *m, struct ir_access at, struct ir_ins *by)
{
	if (m->n == MAX_KNOWN) {
		memmove(&m->at[0], &m->at[1], (MAX_KNOWN - 1) * sizeof(*m->at));
		m->n--;
	}
	m->at[m->n++] = (struct known){ at, by };
}

static bool same_place(const struct ir_access *a, const struct ir_access *b)
{
	return a->base == b->base && a->off == b->off && a->bytes == b->bytes;
}

static bool lies_within(const struct ir_access *a, const struct ir_access *b)
{
	return a->base == b->base && a->off >= b->off &&
	       (u64)a->off - (u64)b->off + a->bytes <= b->bytes;
}

/* Makes the load `x` an extension or truncation of `value`. */
static bool become_conversion(struct ir_ins *x, enum ir_op op, struct ir_ins *value)
{
	x->op = op;
	x->count = op == IR_TRUNC ? 0 : x->size * 8u;
	x->size = 0;
	x->imm = 0;
	x->is_signed = false;
	x->args[0] = value;
	return true;
}

/* Lets the load `x` have the value of an earlier load of the same bytes. If that has another width,
 * a conversion of it: the verifier may know its bounds, and nothing of what is loaded again. */
static bool reuse_loaded(const struct numbering *n, struct ir_ins *x, struct ir_ins *loaded)
{
	u32 bits = x->size * 8u;

	if (loaded->width == x->width) {
		if (loaded->is_signed != x->is_signed && bits < x->width)
			return false;
		use_instead(x, loaded);
		return true;
	}
	if (x->width == 32)
		return (loaded->is_signed == x->is_signed || bits == 32) &&
		       become_conversion(x, IR_TRUNC, loaded);
	if (!x->is_signed)
		return become_conversion(x, IR_ZEXT, loaded);
	return n->c->target->has_v4 && become_conversion(x, IR_SEXT, loaded);
}

/* Lets the load `x` have what was stored to the same bytes. */
static bool reuse_stored(const struct numbering *n, struct ir_ins *x, struct ir_ins *value)
{
	u32 bits = x->size * 8u;

	if (bits == x->width) {
		if (value->width != x->width)
			return become_conversion(x, IR_TRUNC, value);
		use_instead(x, value);
		return true;
	}
	if (!x->is_signed)
		return become_conversion(x, IR_ZEXT, value);
	/* Behind pass `expand` there is no sign extension any more on machines that lack it. */
	return n->c->target->has_v4 && become_conversion(x, IR_SEXT, value);
}

static bool reuse_zeros(struct ir_ins *x)
{
	x->op = IR_CONST;
	x->n_args = 0;
	x->size = 0;
	x->is_signed = false;
	ir_set_const(x, 0);
	return true;
}

/* Looks for the contents of a load; true when it is no load any more. */
static bool number_load(struct numbering *n, struct ir_ins *x)
{
	struct ir_access at = ir_access_of(x->args[0], x->imm, x->size);

	if (x->is_volatile)
		return false;
	for (u32 i = n->memory.n; i-- > 0;) {
		const struct known *k = &n->memory.at[i];

		if (!k->by && lies_within(&at, &k->at))
			return reuse_zeros(x);
		if (!k->by || !same_place(&k->at, &at))
			continue;
		if (k->by->op == IR_LOAD ? reuse_loaded(n, x, k->by)
					 : reuse_stored(n, x, k->by->args[1]))
			return true;
	}
	remember(&n->memory, at, x);
	return false;
}

static void number_write(struct numbering *n, struct ir_ins *x)
{
	u32 bytes = x->op == IR_ZERO || x->op == IR_MOVE ? x->count : x->size;
	struct ir_access at = ir_access_of(x->args[0], x->imm, bytes);

	forget_overlaps(&n->memory, &at);
	if (x->is_volatile)
		return;
	if (x->op == IR_STORE)
		remember(&n->memory, at, x);
	else if (x->op == IR_ZERO)
		remember(&n->memory, at, NULL);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static void number_ins(struct numbering *n, struct ir_ins *x)
{
	struct ir_ins *same;

	for (u32 i = 0; i < x->n_args; i++)
		if (x->args[i]->note)
			x->args[i] = x->args[i]->note;
	if (x->op == IR_LOAD)
		number_load(n, x);
	else if (x->op == IR_STORE || x->op == IR_ZERO || x->op == IR_MOVE)
		number_write(n, x);
	else if (x->op == IR_ATOMIC)
		n->memory.n = 0;
	else if (ir_op_info(x->op)->flags & IR_F_WRITES)
		forget_by_call(&n->memory, x);
	if (!x->block || !is_numbered(x))
		return;
	same = find_or_add(n, x);
	if (same != x)
		use_instead(x, same);
}

static void number_block(struct numbering *n, struct ir_block *b)
{
	struct ir_block *before = b->n_preds == 1 ? b->preds[0] : NULL;
	struct ir_ins *next;

	leave_scopes(n, b);
	n->memory.n = 0;
	if (before && before->note) {
		n->memory.n = before->mark;
		memcpy(n->memory.at, before->note, before->mark * sizeof(struct known));
	}
	for (struct ir_ins *x = b->first; x; x = next) {
		next = x->next;
		number_ins(n, x);
	}
	if (n->memory.n) {
		b->mark = n->memory.n;
		b->note =
			arena_dup(n->c->scratch, n->memory.at, n->memory.n * sizeof(struct known));
	}
}

/* The reachable blocks in preorder of the dominator tree. */
static struct ir_block **preorder(struct arena *a, struct ir_fn *fn)
{
	struct ir_block **order = arena_array_of(a, struct ir_block *, fn->first->dom_count);

	for (struct ir_block *b = fn->first; b; b = b->next)
		if (b->rpo != ~0u)
			order[b->dom_at] = b;
	return order;
}

void ir_pass_cse(struct ir_pass_ctx *c, struct ir_fn *fn)
{
	struct numbering n = { .c = c, .fn = fn, .n_buckets = 64 };
	struct ir_block **order;

	ir_notes_clear(fn);
	ir_slots_classify(fn);
	ir_dom_build(fn);
	order = preorder(c->scratch, fn);
	while (n.n_buckets < fn->next_ins)
		n.n_buckets *= 2;
	n.buckets = arena_array_of(c->scratch, u32, n.n_buckets);
	n.memory.at = arena_array_of(c->scratch, struct known, MAX_KNOWN);
	for (u32 i = 0; i < fn->first->dom_count; i++)
		number_block(&n, order[i]);
	for (struct ir_block *b = fn->first; b; b = b->next)
		b->note = NULL;
	ir_forward_all(fn);
	ir_notes_clear(fn);
}
