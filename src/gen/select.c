/* Selection: ir to machine instructions over virtual registers.
 *
 * One pass over the blocks in their final order; each ir instruction that demand.c kept becomes a
 * short fixed sequence, shown above the function that emits it. BPF's arithmetic has two operands:
 * `d = a op b` is `d = a; d op= b`, and the allocator makes the move vanish where `a` ends there.
 * Arguments, results and parameters are moves from and to machine registers, likewise.
 *
 * Phis: each gets a second register. The blocks before it move their values there, the block moves
 * it on to the phi's own at its start (Sreedhar et al., "Translating Out of Static Single
 * Assignment Form", 1999, method I). Since nothing else touches that register, the moves of several
 * phis cannot disturb each other, in whatever order they stand; swaps need no special care.
 *
 * 32-bit values are kept clean above (ir.h), hence widening them is a move; comparisons of 32-bit
 * values use the 32-bit jumps, those of 64-bit values the 64-bit ones.
 */
#include "gen/mir.h"

struct sel {
	struct gen *g;
	struct mb *b;
	struct span span;
	u32 *phi_reg; /* by ins->id: the second register of a phi */
	const struct ir_ins *
		*sum_of; /* by ins->id: the phi that it is a part of, going round a loop */
};

u32 gen_reg(struct gen *g)
{
	struct reg_info *r = vec_push(g->a, &g->regs);

	r->home = SLOT_NONE;
	return g->regs.n - 1;
}

struct mi gen_mi(enum mi_kind kind, struct span span)
{
	return (struct mi){ .kind = (u8)kind,
			    .d = REG_NONE,
			    .s = REG_NONE,
			    .t = REG_NONE,
			    .to = BLOCK_NONE,
			    .slot = SLOT_NONE,
			    .sym = OBJ_NONE,
			    .span = span };
}

static struct mi *put(struct sel *s, enum mi_kind kind, u8 flags)
{
	struct mi *m = vec_push(s->g->a, &s->b->code);

	*m = gen_mi(kind, s->span);
	m->flags = flags;
	return m;
}

static struct mi *put_insn(struct sel *s, struct isa_insn i, u8 flags, u32 d, u32 src)
{
	struct mi *m = put(s, MI_PLAIN, flags);

	m->i = i;
	m->d = d;
	m->s = src;
	return m;
}

/* The register of a value. */
static u32 reg(struct sel *s, struct ir_ins *x)
{
	if (!x->mark)
		x->mark = gen_reg(s->g);
	return x->mark;
}

static bool needed(const struct sel *s, const struct ir_ins *x)
{
	return s->g->need[x->id] & NEED_VALUE;
}

/* A 32-bit value whose upper half somebody sees. */
static bool must_be_clean(const struct sel *s, const struct ir_ins *x)
{
	return x->width == 32 && (s->g->need[x->id] & NEED_UPPER);
}

/* ---- moves ---------------------------------------------------------------------------------- */

/* d = number */
static void put_const(struct sel *s, u32 d, s64 value)
{
	u8 flags = MI_WRITE_D | MI_REMAT;
	struct mi *m;

	if (fits_s32(value)) {
		put_insn(s, isa_alu_imm(true, ISA_MOV, 0, (s32)value), flags, d, REG_NONE);
	} else if (value >= 0 && value <= UINT32_MAX) {
		put_insn(s, isa_alu_imm(false, ISA_MOV, 0, (s32)value), flags, d, REG_NONE);
	} else {
		m = put(s, MI_WIDE, flags);
		m->d = d;
		m->value = value;
	}
}

static void put_move(struct sel *s, u32 d, u32 from)
{
	struct mi *m = put(s, MI_MOVE, MI_WRITE_D | MI_READ_S);

	m->i = isa_alu_reg(true, ISA_MOV, 0, 0);
	m->d = d;
	m->s = from;
}

/* w(d) = w(s): clears the upper half */
static void put_clean(struct sel *s, u32 d, u32 from)
{
	put_insn(s, isa_alu_reg(false, ISA_MOV, 0, 0), MI_WRITE_D | MI_READ_S, d, from);
}

/* d = x, wherever x is */
static void move_value(struct sel *s, u32 d, struct ir_ins *x)
{
	struct leaf l = gen_leaf(x, s->g->m);
	struct mi *m;

	switch (l.kind) {
	case LEAF_NO: put_move(s, d, reg(s, x)); break;
	case LEAF_CONST: put_const(s, d, l.value); break;
	case LEAF_SLOT:
		m = put(s, MI_ADDR, MI_WRITE_D | MI_REMAT);
		m->d = d;
		m->slot = l.base->mark;
		m->value = l.value;
		break;
	case LEAF_SYM:
		m = put(s, MI_WIDE, MI_WRITE_D | MI_REMAT);
		m->d = d;
		m->sym = l.base->sym;
		m->value = l.value;
		break;
	}
}

/* ---- arithmetic ----------------------------------------------------------------------------- */

static enum isa_alu alu_op(enum ir_op op)
{
	switch (op) {
	case IR_ADD: return ISA_ADD;
	case IR_SUB: return ISA_SUB;
	case IR_MUL: return ISA_MUL;
	case IR_UDIV:
	case IR_SDIV: return ISA_DIV;
	case IR_UMOD:
	case IR_SMOD: return ISA_MOD;
	case IR_AND: return ISA_AND;
	case IR_OR: return ISA_OR;
	case IR_XOR: return ISA_XOR;
	case IR_SHL: return ISA_LSH;
	case IR_LSHR: return ISA_RSH;
	case IR_ASHR: return ISA_ARSH;
	default: return ISA_NEG;
	}
}

/* Commuting lets the sum be made in the operand that ends here rather than in a copy of the other; what a loop
 * accumulates is made in the phi that carries it round (see find_sums). */
static bool should_swap(const struct sel *s, const struct ir_ins *x)
{
	const struct ir_ins *a = x->args[0], *b = x->args[1], *sum = s->sum_of[x->id];

	if (!(ir_op_info(x->op)->flags & IR_F_COMM) || gen_leaf(a, s->g->m).kind != LEAF_NO ||
	    gen_leaf(b, s->g->m).kind != LEAF_NO)
		return false;
	if (sum && (a == sum || b == sum))
		return b == sum;
	if (sum && (s->sum_of[a->id] == sum || s->sum_of[b->id] == sum))
		return s->sum_of[a->id] != sum;
	return s->g->uses[b->id] == 1 && s->g->uses[a->id] > 1;
}

static bool is_arithmetic(const struct ir_ins *x)
{
	return x->n_args == 2 &&
	       !(ir_op_info(x->op)->flags & (IR_F_CMP | IR_F_WRITES | IR_F_END)) && x->op != IR_PHI;
}

/* Follows a value that a phi receives back to the phi itself, through operands that are used only for it. What lies on
 * the way is best computed in the phi's register: then going round costs no move. */
static bool leads_to(struct sel *s, struct ir_ins *x, const struct ir_ins *phi, u32 depth)
{
	bool found;

	if (x == phi)
		return true;
	if (depth > 6 || !is_arithmetic(x) || s->sum_of[x->id])
		return false;
	found = leads_to(s, x->args[0], phi, depth + 1) ||
		((ir_op_info(x->op)->flags & IR_F_COMM) && leads_to(s, x->args[1], phi, depth + 1));
	if (found)
		s->sum_of[x->id] = phi;
	return found;
}

static void find_sums(struct sel *s)
{
	s->sum_of = arena_array_of(s->g->a, const struct ir_ins *, s->g->fn->next_ins);
	for (u32 i = 0; i < s->g->n_blocks; i++)
		for (struct ir_ins *p = s->g->order[i]->first; p && p->op == IR_PHI; p = p->next)
			for (u32 k = 0; k < p->n_args; k++)
				leads_to(s, p->args[k], p, 0);
}

/* d = a;  d op= b   (b a register or a number) */
static void sel_binary(struct sel *s, struct ir_ins *x)
{
	bool is64 = x->width == 64, swap = should_swap(s, x);
	struct ir_ins *a = x->args[swap], *b = x->args[!swap];
	struct leaf l = gen_leaf(b, s->g->m);
	u32 d = reg(s, x);
	struct mi *m;

	move_value(s, d, a);
	if (l.kind == LEAF_CONST)
		m = put_insn(s, isa_alu_imm(is64, alu_op(x->op), 0, (s32)l.value),
			     MI_WRITE_D | MI_READ_D, d, REG_NONE);
	else
		m = put_insn(s, isa_alu_reg(is64, alu_op(x->op), 0, 0),
			     MI_WRITE_D | MI_READ_D | MI_READ_S, d, reg(s, b));
	if (x->op == IR_SDIV || x->op == IR_SMOD)
		m->i.off = 1;
}

/* d = x;  d = -d */
static void sel_neg(struct sel *s, struct ir_ins *x)
{
	u32 d = reg(s, x);

	move_value(s, d, x->args[0]);
	put_insn(s, isa_alu_imm(x->width == 64, ISA_NEG, 0, 0), MI_WRITE_D | MI_READ_D, d,
		 REG_NONE);
}

/* d = x;  d = be16/32/64 d   (le… on a big-endian machine) */
static void sel_bswap(struct sel *s, struct ir_ins *x)
{
	bool to_be = __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__;
	u32 d = reg(s, x);

	move_value(s, d, x->args[0]);
	put_insn(s, isa_endian(0, to_be, (u8)x->count), MI_WRITE_D | MI_READ_D, d, REG_NONE);
}

/* The low 32 bits of a register as a 32-bit value: a move, or  w(d) = w(x)  if it must be clean. */
static void sel_low(struct sel *s, struct ir_ins *x, u32 from)
{
	if (must_be_clean(s, x))
		put_clean(s, reg(s, x), from);
	else
		put_move(s, reg(s, x), from);
}

/* version 4:  d = (s8/16/32)x;   before:  d = x;  d <<= n;  d s>>= n */
static void sel_sext(struct sel *s, struct ir_ins *x)
{
	struct ir_ins *from = x->args[0];
	bool is64 = x->width == 64;
	u32 d = reg(s, x);
	s32 n;

	if (x->count >= x->width) {
		sel_low(s, x, reg(s, from));
		return;
	}
	if (s->g->target->has_v4) {
		put_insn(s, isa_mov_sx(is64, 0, 0, (u8)x->count), MI_WRITE_D | MI_READ_S, d,
			 reg(s, from));
		return;
	}
	n = (s32)(x->width - x->count);
	put_move(s, d, reg(s, from));
	put_insn(s, isa_alu_imm(is64, ISA_LSH, 0, n), MI_WRITE_D | MI_READ_D, d, REG_NONE);
	put_insn(s, isa_alu_imm(is64, ISA_ARSH, 0, n), MI_WRITE_D | MI_READ_D, d, REG_NONE);
}

/* from 8, 16:  d = x;  w(d) &= mask;   from 32: nothing, or  w(d) = w(x) */
static void sel_zext(struct sel *s, struct ir_ins *x)
{
	struct ir_ins *from = x->args[0];
	u32 d = reg(s, x);

	if (x->count < 32) {
		put_move(s, d, reg(s, from));
		put_insn(s, isa_alu_imm(false, ISA_AND, 0, (s32)((1u << x->count) - 1)),
			 MI_WRITE_D | MI_READ_D, d, REG_NONE);
	} else if (x->width == 32) {
		sel_low(s, x, reg(s, from));
	} else if (from->width == 32 || x->count == 64) {
		put_move(s, d, reg(s, from));
	} else {
		put_clean(s, d, reg(s, from));
	}
}

/* ---- comparisons ---------------------------------------------------------------------------- */

static enum isa_jmp jump_op(enum ir_op op)
{
	switch (op) {
	case IR_EQ: return ISA_JEQ;
	case IR_NE: return ISA_JNE;
	case IR_ULT: return ISA_JLT;
	case IR_ULE: return ISA_JLE;
	case IR_UGT: return ISA_JGT;
	case IR_UGE: return ISA_JGE;
	case IR_SLT: return ISA_JSLT;
	case IR_SLE: return ISA_JSLE;
	case IR_SGT: return ISA_JSGT;
	default: return ISA_JSGE;
	}
}

/* d = 1;  if (x op y) goto +1;  d = 0 */
static void sel_compare(struct sel *s, struct ir_ins *x)
{
	struct leaf l = gen_leaf(x->args[1], s->g->m);
	struct mi *m = put(s, MI_SET, MI_WRITE_D | MI_READ_S);
	bool is64 = x->size == 8;

	m->d = reg(s, x);
	m->s = reg(s, x->args[0]);
	if (l.kind == LEAF_CONST) {
		m->i = isa_jump_imm(is64, jump_op(x->op), 0, (s32)l.value, 1);
	} else {
		m->i = isa_jump_reg(is64, jump_op(x->op), 0, 0, 1);
		m->flags |= MI_READ_T;
		m->t = reg(s, x->args[1]);
	}
}

static void put_goto(struct sel *s, const struct ir_block *to)
{
	put(s, MI_GOTO, 0)->to = to->mark;
}

/* if (x op y) goto yes */
static void put_branch(struct sel *s, bool is64, enum isa_jmp op, struct ir_ins *x,
		       struct ir_ins *y, const struct ir_block *yes)
{
	struct leaf l = gen_leaf(y, s->g->m);
	struct mi *m = put(s, MI_BRANCH, MI_READ_D);

	m->d = reg(s, x);
	m->to = yes->mark;
	if (l.kind == LEAF_CONST) {
		m->i = isa_jump_imm(is64, op, 0, (s32)l.value, 0);
	} else {
		m->i = isa_jump_reg(is64, op, 0, 0, 0);
		m->flags |= MI_READ_S;
		m->s = reg(s, y);
	}
}

/* if (x & y) goto …;   if (x op y) goto …;   if (x != 0) goto … */
static void sel_if(struct sel *s, struct ir_ins *x)
{
	struct ir_ins *c = gen_fused_compare(x), *mask;
	struct ir_block *yes = x->to[0], *no = x->to[1];
	struct mi *m;

	if (!c) {
		m = put(s, MI_BRANCH, MI_READ_D);
		m->i = isa_jump_imm(x->args[0]->width == 64, ISA_JNE, 0, 0, 0);
		m->d = reg(s, x->args[0]);
		m->to = yes->mark;
		put_goto(s, no);
		return;
	}
	mask = gen_fused_mask(s->g, c);
	if (mask) {
		if (c->op == IR_EQ) {
			yes = x->to[1];
			no = x->to[0];
		}
		put_branch(s, mask->width == 64, ISA_JSET, mask->args[0], mask->args[1], yes);
	} else {
		put_branch(s, c->size == 8, jump_op(c->op), c->args[0], c->args[1], yes);
	}
	put_goto(s, no);
}

/* ---- memory --------------------------------------------------------------------------------- */

/* Sets base and offset of an access: a register, or the frame and a local. */
static void set_address(struct sel *s, struct mi *m, const struct ir_ins *x, bool base_is_dst)
{
	s64 off;
	struct ir_ins *base = gen_address(s->g, x, &off);
	u32 r = ISA_FP;

	m->i.off = (s16)off;
	if (base->op == IR_SLOT) {
		m->flags |= MI_FRAME;
		m->slot = base->mark;
	} else {
		r = reg(s, base);
	}
	if (base_is_dst)
		m->d = r;
	else
		m->s = r;
}

/* d = *(size *)(base + off);   sign-extended to 32 bits and clean above: then  w(d) = w(d) */
static void sel_load(struct sel *s, struct ir_ins *x)
{
	bool clean = x->is_signed && must_be_clean(s, x);
	u32 d = clean || !needed(s, x) ? gen_reg(s->g) : reg(s, x);
	struct isa_insn i =
		x->is_signed ? isa_load_sx(x->size, 0, 0, 0) : isa_load(x->size, 0, 0, 0);

	set_address(s, put_insn(s, i, MI_WRITE_D | MI_READ_S, d, REG_NONE), x, false);
	if (clean)
		put_clean(s, reg(s, x), d);
}

/* *(size *)(base + off) = x   (x a register or a number) */
static void sel_store(struct sel *s, struct ir_ins *x)
{
	struct leaf l = gen_leaf(x->args[1], s->g->m);
	struct mi *m;

	if (l.kind == LEAF_CONST)
		m = put_insn(s, isa_store_imm(x->size, 0, 0, (s32)l.value), MI_READ_D, REG_NONE,
			     REG_NONE);
	else
		m = put_insn(s, isa_store(x->size, 0, 0, 0), MI_READ_D | MI_READ_S, REG_NONE,
			     reg(s, x->args[1]));
	set_address(s, m, x, true);
}

/* lock *(base + off) op= y */
static void sel_atomic_plain(struct sel *s, struct ir_ins *x)
{
	set_address(s,
		    put_insn(s, isa_atomic(x->size, x->atomic, 0, 0, 0), MI_READ_D | MI_READ_S,
			     REG_NONE, reg(s, x->args[1])),
		    x, true);
}

/* d = y;  d = atomic_fetch_op(base + off, d) */
static void sel_atomic_fetch(struct sel *s, struct ir_ins *x)
{
	u8 flags = MI_READ_D | MI_WRITE_D | MI_READ_S | MI_SWAP;
	u32 d = needed(s, x) ? reg(s, x) : gen_reg(s->g);

	move_value(s, d, x->args[1]);
	set_address(s, put_insn(s, isa_atomic(x->size, x->atomic, 0, 0, 0), flags, d, REG_NONE), x,
		    false);
}

/* r0 = y;  r0 = cmpxchg(base + off, r0, z);  d = r0 */
static void sel_cmpxchg(struct sel *s, struct ir_ins *x)
{
	struct mi *m;

	move_value(s, ISA_R0, x->args[1]);
	m = put_insn(s, isa_atomic(x->size, x->atomic, 0, 0, 0), MI_READ_D | MI_READ_S, REG_NONE,
		     reg(s, x->args[2]));
	set_address(s, m, x, true);
	m->reads = m->writes = 1u << ISA_R0;
	if (needed(s, x))
		put_move(s, reg(s, x), ISA_R0);
}

static void sel_atomic(struct sel *s, struct ir_ins *x)
{
	if (x->atomic == ISA_CMPXCHG)
		sel_cmpxchg(s, x);
	else if (x->atomic & ISA_FETCH)
		sel_atomic_fetch(s, x);
	else
		sel_atomic_plain(s, x);
}

/* ---- calls, parameters, ends ---------------------------------------------------------------- */

/* Static functions give clean results, and verifiers know: they walk through them. */
static bool callee_is_clean(const struct sel *s, const struct ir_ins *x)
{
	const struct ir_module *m = s->g->m;

	return m->fns.at[m->syms.at[x->sym].index]->linkage == IR_STATIC;
}

/* r1 = a;  r2 = b; …  call;  d = r0 */
static void sel_call(struct sel *s, struct ir_ins *x)
{
	struct mi *m;

	for (u32 i = 0; i < x->n_args; i++)
		move_value(s, ISA_R1 + i, x->args[i]);
	m = put(s, MI_CALL, 0);
	m->reads = (u16)(((1u << x->n_args) - 1) << ISA_R1);
	m->writes = SCRATCH;
	if (x->op == IR_CALL)
		m->i = isa_call_helper((s32)x->imm);
	else
		m->sym = x->sym;
	if (!needed(s, x))
		return;
	if (x->op == IR_CALL_FN && callee_is_clean(s, x))
		put_move(s, reg(s, x), ISA_R0);
	else
		sel_low(s, x, ISA_R0);
}

/* rN = a; …  the user's code;  d = rM */
static void sel_asm(struct sel *s, struct ir_ins *x)
{
	const struct ir_asm *code = x->code;
	struct mi *m;
	u16 reads = 0, writes;

	if (!code)
		return;
	writes = code->clobbers;
	for (u32 i = 0; i < x->n_args; i++) {
		move_value(s, code->in[i], x->args[i]);
		reads |= (u16)(1u << code->in[i]);
	}
	for (u32 i = 0; i < code->n_out; i++)
		writes |= (u16)(1u << code->out[i]);
	m = put(s, MI_ASM, 0);
	m->code = code;
	m->reads = reads;
	m->writes = writes;
	if (x->width && needed(s, x))
		put_move(s, reg(s, x), code->out[0]);
}

/* d = r1 …: 32-bit parameters of functions that others than this module may call can be dirty */
static void sel_param(struct sel *s, struct ir_ins *x)
{
	bool is_ours = s->g->fn->linkage == IR_STATIC && !s->g->is_callback;

	if (is_ours)
		put_move(s, reg(s, x), (u32)(ISA_R1 + x->imm));
	else
		sel_low(s, x, (u32)(ISA_R1 + x->imm));
}

/* r0 = x;  exit.   Whoever runs a program, global function or callback reads r0. */
static void sel_ret(struct sel *s, struct ir_ins *x)
{
	bool is_read = x->n_args || s->g->fn->linkage != IR_STATIC || s->g->is_callback;

	if (x->n_args)
		move_value(s, ISA_R0, x->args[0]);
	else if (is_read)
		put_const(s, ISA_R0, 0);
	put(s, MI_EXIT, 0)->reads = is_read ? 1u << ISA_R0 : 0;
}

static void sel_end(struct sel *s)
{
	put_const(s, ISA_R0, 0);
	put(s, MI_EXIT, 0)->reads = 1u << ISA_R0;
}

/* ---- phis ----------------------------------------------------------------------------------- */

static u32 phi_reg(struct sel *s, const struct ir_ins *phi)
{
	if (!s->phi_reg[phi->id])
		s->phi_reg[phi->id] = gen_reg(s->g);
	return s->phi_reg[phi->id];
}

/* At the start of a block: phi = its second register (or the only value that can come). */
static void sel_phi(struct sel *s, struct ir_ins *x)
{
	if (x->n_args == 1)
		move_value(s, reg(s, x), x->args[0]);
	else
		put_move(s, reg(s, x), phi_reg(s, x));
}

/* At the end of a block: the values of the next one's phis into their second registers. */
static void phi_moves(struct sel *s, const struct ir_block *from, const struct ir_block *to)
{
	u32 at = 0;

	if (to->n_preds < 2)
		return;
	while (to->preds[at] != from)
		at++;
	for (struct ir_ins *x = to->first; x && x->op == IR_PHI; x = x->next)
		if (needed(s, x))
			move_value(s, phi_reg(s, x), x->args[at]);
}

/* ---- the pass ------------------------------------------------------------------------------- */

static void sel_effect(struct sel *s, struct ir_ins *x)
{
	switch (x->op) {
	case IR_STORE: sel_store(s, x); break;
	case IR_ATOMIC: sel_atomic(s, x); break;
	case IR_CALL:
	case IR_CALL_FN:
	case IR_CALL_KFUNC: sel_call(s, x); break;
	case IR_ASM: sel_asm(s, x); break;
	case IR_JUMP:
		phi_moves(s, x->block, x->to[0]);
		put_goto(s, x->to[0]);
		break;
	case IR_IF: sel_if(s, x); break;
	case IR_RET: sel_ret(s, x); break;
	default: sel_end(s); break;
	}
}

static void sel_value(struct sel *s, struct ir_ins *x)
{
	switch (x->op) {
	case IR_PARAM: sel_param(s, x); break;
	case IR_PHI: sel_phi(s, x); break;
	case IR_OPAQUE:
	case IR_COPY: move_value(s, reg(s, x), x->args[0]); break;
	case IR_ASM_OUT: put_move(s, reg(s, x), x->args[0]->code->out[x->imm]); break;
	case IR_NEG: sel_neg(s, x); break;
	case IR_SEXT: sel_sext(s, x); break;
	case IR_ZEXT: sel_zext(s, x); break;
	case IR_TRUNC: sel_low(s, x, reg(s, x->args[0])); break;
	case IR_BSWAP: sel_bswap(s, x); break;
	case IR_LOAD: sel_load(s, x); break;
	default:
		if (ir_op_info(x->op)->flags & IR_F_CMP)
			sel_compare(s, x);
		else
			sel_binary(s, x);
		break;
	}
}

static void sel_ins(struct sel *s, struct ir_ins *x)
{
	u32 flags = ir_op_info(x->op)->flags;

	s->span = x->span;
	if (flags & (IR_F_WRITES | IR_F_END))
		sel_effect(s, x);
	else if (needed(s, x) || (x->op == IR_LOAD && x->is_volatile))
		sel_value(s, x);
}

static void sel_block(struct sel *s, u32 i)
{
	const struct ir_block *b = s->g->order[i];

	s->b = &s->g->blocks[i];
	s->b->depth = s->g->depth[i];
	for (u32 k = 0; k < 2 && b->last->to[k]; k++)
		s->b->succ[s->b->n_succ++] = b->last->to[k]->mark;
	for (struct ir_ins *x = b->first; x; x = x->next)
		sel_ins(s, x);
}

/* Locals become pieces of the frame; ins->mark is the piece's number. */
static void place_locals(struct gen *g)
{
	for (struct ir_ins *x = g->fn->first->first; x; x = x->next) {
		struct frame_slot *f;

		if (x->op != IR_SLOT || !g->uses[x->id])
			continue;
		x->mark = g->slots.n;
		f = vec_push(g->a, &g->slots);
		f->bytes = x->count;
		f->align = x->align ? x->align : 1;
		f->span = x->span;
	}
	g->n_locals = g->slots.n;
}

void gen_select(struct gen *g)
{
	struct sel s = { .g = g };

	ir_notes_clear(g->fn);
	for (u32 i = 0; i < g->n_blocks; i++)
		g->order[i]->mark = i;
	place_locals(g);
	find_sums(&s);
	while (g->regs.n < REG_FIRST)
		gen_reg(g);
	s.phi_reg = arena_array_of(g->a, u32, g->fn->next_ins);
	g->blocks = arena_array_of(g->a, struct mb, g->n_blocks);
	for (u32 i = 0; i < g->n_blocks; i++)
		sel_block(&s, i);
}
