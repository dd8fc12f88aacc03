/* expand: ZERO and MOVE become loads and stores.
 *
 * Each piece is the widest access (8, 4, 2, 1 bytes) that is aligned at both ends and fits what is
 * left. Alignment is what the instruction says, or better: a slot is raised to 8, map values and
 * reserved records begin at a multiple of 8, and from there the constant offset tells the rest.
 * Stack accesses must be aligned for the verifier; elsewhere this keeps the code good for machines
 * and engines that insist.
 *
 * Up to 64 pieces (512 bytes when aligned) stand in a line. More become a loop over chunks of eight
 * pieces, with the rest behind it in a line:
 *
 *	i = 0;  do { store8 [base + i + off], 0 …;  i += 64; } while (i < n);
 *
 * A loop and not a helper that copies memory, since it works for every region, program type and
 * engine; i is a constant in each round, so that the verifier follows it exactly, and at the limit
 * of 64 KiB that is about 20 000 instructions for it. Anything larger is E_TOO_LARGE.
 *
 * Left out: overlapping MOVEs, which ir.h excludes.
 */
#include "ir/edit.h"
#include "ir/passes.h"

enum { MAX_PIECES = 64, LOOP_PIECES = 8, MAX_BYTES = 64 * 1024 };

/* One side of the operation. Its address is known to be `phase` modulo `align`. */
struct side {
	struct ir_ins *base;
	s64 off;
	u32 align, phase;
};

struct job {
	struct ir_ins *ins;
	struct side dst, src; /* src.base NULL: ZERO */
	u32 count;
	struct ir_ins *zero;
};

/* ---- alignment ------------------------------------------------------------------------------- */

static bool is_new_memory(const struct ir_fn *fn, const struct ir_ins *x)
{
	const struct isa_helper *h;

	if (x->op == IR_SYM)
		return fn->m->syms.at[x->sym].kind == IR_SYM_DATA;
	if (x->op != IR_CALL || x->imm <= 0 || x->imm > UINT32_MAX)
		return false;
	h = isa_helper((u32)x->imm);
	return h && (h->ret == ISA_RET_VALUE_OR_NULL || h->ret == ISA_RET_MEM_OR_NULL);
}

/* Follows constant sums to where the memory was made. A slot found there is raised. */
static void align_side(const struct ir_fn *fn, struct side *s, u32 align)
{
	struct ir_ins *x = s->base;
	u64 off = (u64)s->off;

	while (x->op == IR_COPY || (x->op == IR_ADD && x->args[1]->op == IR_CONST)) {
		off += x->op == IR_ADD ? (u64)x->args[1]->imm : 0;
		x = x->args[0];
	}
	if (x->op == IR_SYM)
		off += (u64)x->imm;
	if (x->op == IR_SLOT && x->align < 8)
		x->align = 8;
	s->align = align ? align : 1;
	s->phase = 0;
	if (x->op == IR_SLOT || is_new_memory(fn, x)) {
		s->align = 8;
		s->phase = (u32)(off % 8);
	}
}

/* The widest access at `at` bytes from the start of the operation. */
static u32 piece_at(const struct job *j, u32 at, u32 left)
{
	u32 n = 8;

	while (n > 1 && (n > left || n > j->dst.align || (j->dst.phase + at) % n ||
			 (j->src.base && (n > j->src.align || (j->src.phase + at) % n))))
		n /= 2;
	return n;
}

static u32 count_pieces(const struct job *j)
{
	u32 n = 0;

	for (u32 at = 0; at < j->count; at += piece_at(j, at, j->count - at))
		n++;
	return n;
}

/* ---- straight code --------------------------------------------------------------------------- */

static void put_piece(struct job *j, struct ir_ins *before, u32 at, u32 n)
{
	struct ir_ins *x;

	if (j->src.base)
		x = ir_put_load(before, n, j->src.base, j->src.off + at);
	else
		x = j->zero;
	ir_put_store(before, n, j->dst.base, j->dst.off + at, x);
}

static void put_line(struct job *j, struct ir_ins *before, u32 from, u32 to)
{
	u32 n;

	for (u32 at = from; at < to; at += n) {
		n = piece_at(j, at, to - at);
		put_piece(j, before, at, n);
	}
}

/* ---- loops ----------------------------------------------------------------------------------- */

/* Splits around the instruction: before, body, behind. Returns the body, which ends in nothing. */
static struct ir_block *open_loop(struct job *j)
{
	struct ir_block *before = j->ins->block, *behind = ir_block_split(j->ins), *body;
	struct ir_builder b = { .fn = before->fn, .at = before, .span = j->ins->span };

	body = ir_block_after(before);
	ir_jump(&b, body);
	base_check(arena_trap(b.fn->m->a), behind->first == j->ins);
	return body;
}

static void put_loop(struct job *j, u32 step, u32 rounds)
{
	struct ir_block *before = j->ins->block, *body = open_loop(j), *behind = j->ins->block;
	struct ir_builder b = { .fn = body->fn, .at = body, .span = j->ins->span };
	struct ir_ins *phi = ir_phi(&b, 64, 2), *next, *again;
	struct job round = *j;

	next = ir_binary(&b, IR_ADD, 64, phi, ir_const(&b, 64, step));
	round.dst.base = ir_binary(&b, IR_ADD, 64, j->dst.base, phi);
	if (j->src.base)
		round.src.base = ir_binary(&b, IR_ADD, 64, j->src.base, phi);
	again = ir_compare(&b, IR_ULT, next, ir_const(&b, 64, (s64)step * rounds));
	put_line(&round, again, 0, step);
	ir_if(&b, again, body, behind);
	phi->args[body->preds[0] == before ? 1 : 0] = next;
	phi->args[body->preds[0] == before ? 0 : 1] = ir_put_const(before->last, 64, 0);
}

/* ---- the pass -------------------------------------------------------------------------------- */

static void expand(struct ir_pass_ctx *c, struct ir_ins *ins)
{
	struct ir_fn *fn = ins->block->fn;
	struct job j = { .ins = ins, .count = ins->count };
	u32 pieces, step = 0, rounds = 0;

	j.dst = (struct side){ .base = ins->args[0], .off = ins->imm };
	align_side(fn, &j.dst, ins->align);
	if (ins->op == IR_MOVE) {
		j.src = (struct side){ .base = ins->args[1], .off = ins->off2 };
		align_side(fn, &j.src, ins->align);
	}
	if (j.count > MAX_BYTES) {
		diag_add(c->dx, ins->span, E_TOO_LARGE, "%s %u bytes in one piece: the limit is %u",
			 ins->op == IR_MOVE ? "this copies" : "this clears", j.count,
			 (u32)MAX_BYTES);
		diag_hint(c->dx,
			  "a map whose values start as zero needs no clearing; copy only the "
			  "members that are used");
		ir_remove(ins);
		return;
	}
	pieces = count_pieces(&j);
	if (ins->op == IR_ZERO && pieces)
		j.zero = ir_put_const(ins, 64, 0);
	if (pieces > MAX_PIECES) {
		/* Pieces in the middle are of one size; each round starts in the same phase. */
		step = piece_at(&j, 8, 8) * LOOP_PIECES;
		rounds = j.count / step;
		put_loop(&j, step, rounds);
	}
	put_line(&j, ins, step * rounds, j.count);
	ir_remove(ins);
}

void ir_pass_expand(struct ir_pass_ctx *c, struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next) {
		struct ir_ins *next;

		for (struct ir_ins *i = b->first; i; i = next) {
			next = i->next;
			if (i->op != IR_ZERO && i->op != IR_MOVE)
				continue;
			expand(c, i);
			if (next->block != b)
				break; /* the rest is in a block that comes later */
		}
	}
}
