/* check: whether a function keeps the promises of ir.h.
 *
 * In debug builds this runs before and after each pass, and on every parsed text; a pass that
 * breaks something is found where it happens instead of three passes later. The first break is
 * described in words: where it is, what holds there, what should.
 *
 * Order of checks: first the lists and numbers, so that what follows may trust pointers and index
 * arrays by id; then each instruction by itself; then edges; at last that each use is dominated by
 * its definition. Uses in unreachable blocks are never executed and so never wrong.
 */
#include "ir/text.h"

#include <inttypes.h>
#include <string.h>

struct checker {
	struct ir_fn *fn;
	struct arena *a;
	struct ir_ins **ins;	  /* by id */
	struct ir_block **blocks; /* by id */
	u32 *place;		  /* by id: position in the function */
	str why;
	struct span at; /* of the instruction that is wrong */
};

/* ---- describing a break ---------------------------------------------------------------------- */

PRINTF_LIKE(2, 3) static bool broken(struct checker *c, const char *fmt, ...)
{
	va_list ap;
	str what;

	va_start(ap, fmt);
	what = str_vprintf(c->a, fmt, ap);
	va_end(ap);
	c->why = str_printf(c->a, "function " STR_FMT ": " STR_FMT, STR_ARG(c->fn->name),
			    STR_ARG(what));
	return false;
}

PRINTF_LIKE(3, 4)
static bool bad(struct checker *c, const struct ir_ins *x, const char *fmt, ...)
{
	str what;
	va_list ap;

	va_start(ap, fmt);
	what = str_vprintf(c->a, fmt, ap);
	va_end(ap);
	c->at = x->span;
	if (x->width)
		return broken(c, "%%%u (%s in b%u): " STR_FMT, x->id, ir_op_info(x->op)->text,
			      x->block->id, STR_ARG(what));
	return broken(c, "%s in b%u: " STR_FMT, ir_op_info(x->op)->text, x->block->id,
		      STR_ARG(what));
}

/* ---- lists and numbers ----------------------------------------------------------------------- */

static bool check_ins_links(struct checker *c, struct ir_block *b)
{
	struct ir_ins *prev = NULL;

	for (struct ir_ins *x = b->first; x; prev = x, x = x->next) {
		if (x->block != b || x->prev != prev || (u32)x->op >= IR_N_OPS)
			return broken(c, "the instruction list of b%u is damaged", b->id);
		if (x->id >= c->fn->next_ins)
			return bad(c, x, "the number is not below next_ins (%u)", c->fn->next_ins);
		if (c->ins[x->id])
			return bad(c, x, "two instructions have the number %u", x->id);
		c->ins[x->id] = x;
	}
	return b->last == prev || broken(c, "the instruction list of b%u is damaged", b->id);
}

static bool check_links(struct checker *c)
{
	struct ir_block *prev = NULL;

	for (struct ir_block *b = c->fn->first; b; prev = b, b = b->next) {
		if (b->fn != c->fn || b->prev != prev)
			return broken(c, "the block list is damaged");
		if (b->id >= c->fn->next_block)
			return broken(c, "the number of b%u is not below next_block (%u)", b->id,
				      c->fn->next_block);
		if (c->blocks[b->id])
			return broken(c, "two blocks have the number %u", b->id);
		c->blocks[b->id] = b;
		if (!check_ins_links(c, b))
			return false;
	}
	return c->fn->last == prev || broken(c, "the block list is damaged");
}

static bool check_head(struct checker *c)
{
	struct ir_fn *fn = c->fn;
	u32 most = fn->always_inline ? IR_MAX_PARAMS : 5;

	if (!fn->first)
		return broken(c, "it has no blocks");
	if (fn->n_params > most)
		return broken(c, "it has %u parameters, but at most %u fit in registers",
			      fn->n_params, most);
	if (fn->ret_width != 0 && fn->ret_width != 32 && fn->ret_width != 64)
		return broken(c, "it returns %u bits instead of 0, 32 or 64", fn->ret_width);
	if (fn->always_inline && fn->noinline)
		return broken(c, "it is both always_inline and noinline");
	return true;
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static bool is_end(const struct ir_ins *x)
{
	return ir_op_info(x->op)->flags & IR_F_END;
}

static bool check_target(struct checker *c, const struct ir_ins *x, bool wanted, int k)
{
	const struct ir_block *to = x->to[k];

	if (!wanted)
		return !to || bad(c, x, "it must not have target %d", k);
	if (!to || to->id >= c->fn->next_block || c->blocks[to->id] != to)
		return bad(c, x, "target %d is no block of the function", k);
	return to != c->fn->first || bad(c, x, "nothing may go to the entry block");
}

static bool check_end(struct checker *c, struct ir_block *b)
{
	struct ir_ins *x = b->last;

	if (!x || !is_end(x))
		return broken(c, "b%u has no end (jump, if, ret or unreachable)", b->id);
	for (struct ir_ins *i = b->first; i != x; i = i->next)
		if (is_end(i))
			return bad(c, i, "the end of a block is not its last instruction");
	if (!check_target(c, x, x->op == IR_JUMP || x->op == IR_IF, 0) ||
	    !check_target(c, x, x->op == IR_IF, 1))
		return false;
	return x->op != IR_IF || x->to[0] != x->to[1] ||
	       bad(c, x, "both targets are b%u; this must be a jump", x->to[0]->id);
}

/* Phis first in their block; parameters first and slots somewhere in the entry block. */
static bool check_order(struct checker *c, struct ir_block *b)
{
	bool is_entry = b == c->fn->first;
	u32 params = 0;

	for (struct ir_ins *x = b->first; x; x = x->next) {
		if (x->op == IR_PHI && x->prev && x->prev->op != IR_PHI)
			return bad(c, x, "phis must come first in their block");
		if (x->op == IR_SLOT && !is_entry)
			return bad(c, x, "a slot must be in the entry block");
		if (x->op != IR_PARAM)
			continue;
		if (!is_entry || (x->prev && x->prev->op != IR_PARAM))
			return bad(c, x, "parameters must come first in the entry block");
		if (x->imm < 0 || x->imm >= c->fn->n_params)
			return bad(c, x, "the function has no parameter %" PRId64, x->imm);
		if (params & 1u << x->imm)
			return bad(c, x, "parameter %" PRId64 " is there twice", x->imm);
		params |= 1u << x->imm;
	}
	return true;
}

static bool goes_to(const struct ir_block *from, const struct ir_block *b)
{
	return from->last && (from->last->to[0] == b || from->last->to[1] == b);
}

/* The preds are the blocks that come here, each once; phis have one argument for each. */
static bool check_preds(struct checker *c, struct ir_block *b, u32 n_edges, u32 *stamp)
{
	for (u32 i = 0; i < b->n_preds; i++) {
		struct ir_block *p = b->preds[i];

		if (!p || p->id >= c->fn->next_block || c->blocks[p->id] != p || !goes_to(p, b))
			return broken(c, "the preds of b%u name a block that does not go there",
				      b->id);
		if (stamp[p->id] == b->id + 1)
			return broken(c, "the preds of b%u name b%u twice", b->id, p->id);
		stamp[p->id] = b->id + 1;
	}
	if (b->n_preds != n_edges)
		return broken(c, "b%u has %u preds, but %u blocks go there", b->id, b->n_preds,
			      n_edges);
	for (struct ir_ins *x = b->first; x && x->op == IR_PHI; x = x->next)
		if (x->n_args != b->n_preds)
			return bad(c, x, "it has %u operands, but its block %u preds", x->n_args,
				   b->n_preds);
	return true;
}

static bool check_edges(struct checker *c)
{
	u32 *edges = arena_array_of(c->a, u32, c->fn->next_block);
	u32 *stamp = arena_array_of(c->a, u32, c->fn->next_block);

	for (struct ir_block *b = c->fn->first; b; b = b->next)
		for (int k = 0; k < 2; k++)
			if (b->last->to[k])
				edges[b->last->to[k]->id]++;
	for (struct ir_block *b = c->fn->first; b; b = b->next)
		if (!check_preds(c, b, edges[b->id], stamp))
			return false;
	return true;
}

/* ---- single instructions --------------------------------------------------------------------- */

static bool check_arg_width(struct checker *c, const struct ir_ins *x, u32 i, u32 width)
{
	return x->args[i]->width == width || bad(c, x, "operand %%%u is %u bits wide instead of %u",
						 x->args[i]->id, x->args[i]->width, width);
}

static bool check_arg_widths(struct checker *c, const struct ir_ins *x, u32 width)
{
	for (u32 i = 0; i < x->n_args; i++)
		if (!check_arg_width(c, x, i, width))
			return false;
	return true;
}

static bool check_args(struct checker *c, const struct ir_ins *x)
{
	int want = ir_op_info(x->op)->args;

	if (want >= 0 && x->n_args != want)
		return bad(c, x, "it has %u operands instead of %d", x->n_args, want);
	for (u32 i = 0; i < x->n_args; i++) {
		const struct ir_ins *arg = x->args[i];

		if (!arg || arg->id >= c->fn->next_ins || c->ins[arg->id] != arg)
			return bad(c, x, "operand %u is no instruction of the function", i);
		if (!arg->width)
			return bad(c, x, "operand %u is an instruction without a value (%s)", i,
				   ir_op_info(arg->op)->text);
	}
	return true;
}

/* The width of the result: 64 of addresses, 32 of comparisons, 0 where there is no value. */
static bool check_width(struct checker *c, const struct ir_ins *x)
{
	u32 flags = ir_op_info(x->op)->flags, w = x->width;

	if (w != 0 && w != 32 && w != 64)
		return bad(c, x, "its width is %u instead of 0, 32 or 64", w);
	if (flags & IR_F_VALUE && !w)
		return bad(c, x, "it needs a width");
	if ((flags & IR_F_END || x->op == IR_STORE || x->op == IR_ZERO || x->op == IR_MOVE) && w)
		return bad(c, x, "it gives no value, so its width must be 0");
	if ((flags & IR_F_CMP || x->op == IR_TRUNC) && w != 32)
		return bad(c, x, "its width is %u instead of 32", w);
	if ((x->op == IR_SLOT || x->op == IR_SYM) && w != 64)
		return bad(c, x, "its width is %u instead of 64", w);
	if (x->op == IR_CONST && w == 32 && x->imm != (s32)x->imm)
		return bad(c, x, "the number is not sign-extended from 32 bits");
	return true;
}

static bool check_bits(struct checker *c, const struct ir_ins *x)
{
	bool is_swap = x->op == IR_BSWAP;

	if (x->count != 16 && x->count != 32 && x->count != (is_swap ? 64 : 8))
		return bad(c, x, "%u bits is no width that it knows", x->count);
	if (is_swap ? x->count > x->width : x->count >= x->width)
		return bad(c, x, "%u bits do not fit the width of %u", x->count, x->width);
	return !is_swap || x->args[0]->width >= x->count ||
	       bad(c, x, "the operand has fewer than %u bits", x->count);
}

static bool check_arithmetic(struct checker *c, const struct ir_ins *x)
{
	switch (x->op) {
	case IR_SEXT:
	case IR_ZEXT:
	case IR_BSWAP: return check_bits(c, x);
	case IR_TRUNC: return check_arg_width(c, x, 0, 64);
	default: break;
	}
	if (!(ir_op_info(x->op)->flags & IR_F_CMP))
		return check_arg_widths(c, x, x->width);
	if (x->size != 4 && x->size != 8)
		return bad(c, x, "it compares %u bytes instead of 4 or 8", x->size);
	return check_arg_widths(c, x, x->size * 8u);
}

static bool check_atomic(struct checker *c, const struct ir_ins *x)
{
	u32 n = x->atomic == ISA_CMPXCHG ? 3 : 2;

	switch (x->atomic) {
	case ISA_ATOMIC_ADD:
	case ISA_ATOMIC_OR:
	case ISA_ATOMIC_AND:
	case ISA_ATOMIC_XOR:
	case ISA_ATOMIC_ADD | ISA_FETCH:
	case ISA_ATOMIC_OR | ISA_FETCH:
	case ISA_ATOMIC_AND | ISA_FETCH:
	case ISA_ATOMIC_XOR | ISA_FETCH:
	case ISA_XCHG:
	case ISA_CMPXCHG: break;
	default: return bad(c, x, "there is no atomic operation 0x%x", (u32)x->atomic);
	}
	if (x->n_args != n)
		return bad(c, x, "it has %u operands instead of %u", x->n_args, n);
	if (x->size != 4 && x->size != 8)
		return bad(c, x, "it has a size of %u bytes instead of 4 or 8", x->size);
	if (x->width != (x->atomic & ISA_FETCH ? x->size * 8 : 0))
		return bad(c, x, "its width is %u", x->width);
	for (u32 i = 1; i < n; i++)
		if (!check_arg_width(c, x, i, x->size * 8u))
			return false;
	return check_arg_width(c, x, 0, 64);
}

static bool check_memory(struct checker *c, const struct ir_ins *x)
{
	bool is_block = x->op == IR_ZERO || x->op == IR_MOVE || x->op == IR_SLOT;
	u32 bits = x->size * 8u;

	if (is_block && (!x->align || x->align & (x->align - 1)))
		return bad(c, x, "its alignment is %u instead of a power of two", x->align);
	if (x->op == IR_SLOT)
		return true;
	if (x->op == IR_ATOMIC)
		return check_atomic(c, x);
	if (!is_block && x->size != 1 && x->size != 2 && x->size != 4 && x->size != 8)
		return bad(c, x, "its size is %u bytes instead of 1, 2, 4 or 8", x->size);
	if (x->op == IR_LOAD && bits > x->width)
		return bad(c, x, "%u bytes do not fit its width of %u", x->size, x->width);
	if (x->op == IR_STORE && bits > x->args[1]->width)
		return bad(c, x, "operand %%%u has no %u bytes", x->args[1]->id, x->size);
	if (x->op == IR_MOVE && !check_arg_width(c, x, 1, 64))
		return false;
	return check_arg_width(c, x, 0, 64);
}

static bool check_sym(struct checker *c, const struct ir_ins *x)
{
	const struct ir_module *m = c->fn->m;
	enum ir_sym_kind kind;

	if (x->sym >= m->syms.n)
		return bad(c, x, "the module has no symbol %u", x->sym);
	kind = m->syms.at[x->sym].kind;
	if ((x->op == IR_CALL_FN && kind != IR_SYM_FN) ||
	    (x->op == IR_CALL_KFUNC) != (kind == IR_SYM_KFUNC))
		return bad(c, x, "its symbol is of the wrong kind");
	return kind != IR_SYM_FN || m->syms.at[x->sym].index < m->fns.n ||
	       bad(c, x, "its symbol names function %u of %u", m->syms.at[x->sym].index, m->fns.n);
}

/* A call of a function of the module gives what its parameters want. */
static bool check_callee(struct checker *c, const struct ir_ins *x)
{
	const struct ir_fn *to = c->fn->m->fns.at[c->fn->m->syms.at[x->sym].index];
	const struct ir_ins *p = to->first ? to->first->first : NULL;

	if (x->n_args != to->n_params)
		return bad(c, x, "it has %u arguments instead of %u", x->n_args, to->n_params);
	if (x->width != to->ret_width)
		return bad(c, x, "its width is %u, but the function returns %u", x->width,
			   to->ret_width);
	for (; p && p->op == IR_PARAM; p = p->next)
		if (p->imm >= 0 && p->imm < x->n_args &&
		    !check_arg_width(c, x, (u32)p->imm, p->width))
			return false;
	return true;
}

static bool is_inlined(const struct checker *c, const struct ir_ins *x)
{
	const struct ir_module *m = c->fn->m;

	return x->op == IR_CALL_FN && x->sym < m->syms.n && m->syms.at[x->sym].index < m->fns.n &&
	       m->fns.at[m->syms.at[x->sym].index]->always_inline;
}

static bool check_call(struct checker *c, const struct ir_ins *x)
{
	if (x->n_args > 5 && !is_inlined(c, x))
		return bad(c, x, "it has %u arguments, but at most 5 fit in registers", x->n_args);
	if (x->op == IR_CALL)
		return (x->imm >= 0 && x->imm <= INT32_MAX) ||
		       bad(c, x, "%" PRId64 " is no number of a helper", x->imm);
	return check_sym(c, x) && (x->op == IR_CALL_KFUNC || check_callee(c, x));
}

static bool check_asm(struct checker *c, const struct ir_ins *x)
{
	const struct ir_asm *code = x->code;

	if (!code)
		return !x->width || bad(c, x, "it has no code that could make a value");
	if (code->n_in != x->n_args)
		return bad(c, x, "it has %u operands, but registers for %u", x->n_args, code->n_in);
	return code->n_out <= IR_ASM_REGS || bad(c, x, "it has too many results");
}

static bool check_asm_out(struct checker *c, const struct ir_ins *x)
{
	const struct ir_ins *a = x->args[0];

	if (a->op != IR_ASM || !a->code || x->imm < 1 || x->imm >= a->code->n_out)
		return bad(c, x, "there is no such result");
	for (const struct ir_ins *at = x->prev; at && at != a; at = at->prev)
		if (at->op != IR_ASM_OUT)
			return bad(c, x, "it does not stand right behind its asm");
	return true;
}

static bool check_ret(struct checker *c, const struct ir_ins *x)
{
	u32 want = c->fn->ret_width ? 1 : 0;

	if (x->n_args != want)
		return bad(c, x, "it has %u operands instead of %u", x->n_args, want);
	return check_arg_widths(c, x, c->fn->ret_width);
}

/* What the operation itself wants, beyond the counts and widths that all have. */
static bool check_operation(struct checker *c, const struct ir_ins *x)
{
	switch (x->op) {
	case IR_SYM: return check_sym(c, x);
	case IR_PHI:
	case IR_COPY: return check_arg_widths(c, x, x->width);
	case IR_SLOT:
	case IR_LOAD:
	case IR_STORE:
	case IR_ZERO:
	case IR_MOVE:
	case IR_ATOMIC: return check_memory(c, x);
	case IR_CALL:
	case IR_CALL_FN:
	case IR_CALL_KFUNC: return check_call(c, x);
	case IR_RET: return check_ret(c, x);
	case IR_ASM: return check_asm(c, x);
	case IR_ASM_OUT: return check_asm_out(c, x);
	case IR_OPAQUE: return check_arg_widths(c, x, x->width);
	default: return !(ir_op_info(x->op)->flags & IR_F_PURE) || check_arithmetic(c, x);
	}
}

static bool check_ins(struct checker *c, const struct ir_ins *x)
{
	bool may_be_volatile =
		x->op == IR_LOAD || x->op == IR_STORE || x->op == IR_ZERO || x->op == IR_MOVE;

	if (x->is_volatile && !may_be_volatile)
		return bad(c, x, "only loads and stores can be volatile");
	if (x->is_ctx && x->op != IR_SLOT)
		return bad(c, x, "only a slot can stand for the context");
	if (x->region > IR_IN_FUNC)
		return bad(c, x, "there is no region %u", x->region);
	return check_args(c, x) && check_width(c, x) && check_operation(c, x);
}

/* ---- definitions dominate uses --------------------------------------------------------------- */

static bool check_use(struct checker *c, const struct ir_ins *x, u32 i)
{
	const struct ir_ins *def = x->args[i];
	const struct ir_block *at = x->op == IR_PHI ? x->block->preds[i] : x->block;
	bool ok = ir_dominates(def->block, at);

	if (ok && def->block == at && x->op != IR_PHI && at->rpo != ~0u)
		ok = c->place[def->id] < c->place[x->id];
	return ok || bad(c, x, "operand %%%u is made in b%u, which is not always passed before",
			 def->id, def->block->id);
}

static bool check_dominance(struct checker *c)
{
	u32 n = 0;

	c->place = arena_array_of(c->a, u32, c->fn->next_ins);
	ir_dom_build(c->fn);
	for (struct ir_block *b = c->fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			c->place[x->id] = n++;
	for (struct ir_block *b = c->fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			for (u32 i = 0; i < x->n_args; i++)
				if (!check_use(c, x, i))
					return false;
	return true;
}

/* ---------------------------------------------------------------------------------------------- */

static bool check_blocks(struct checker *c)
{
	for (struct ir_block *b = c->fn->first; b; b = b->next) {
		if (!check_end(c, b) || !check_order(c, b))
			return false;
		for (struct ir_ins *x = b->first; x; x = x->next)
			if (!check_ins(c, x))
				return false;
	}
	return true;
}

static bool check_all(struct checker *c)
{
	c->ins = arena_array_of(c->a, struct ir_ins *, c->fn->next_ins);
	c->blocks = arena_array_of(c->a, struct ir_block *, c->fn->next_block);
	return check_head(c) && check_links(c) && check_blocks(c) && check_edges(c) &&
	       check_dominance(c);
}

bool ir_check_at(struct ir_fn *fn, str *out_why, struct span *out_at)
{
	struct arena *a = fn->m->a;
	struct arena_mark mark = arena_mark(a);
	struct checker c = { .fn = fn, .a = a, .at = fn->span };
	bool ok = check_all(&c);
	char why[512];

	c.why = str_sub(c.why, 0, sizeof(why));
	if (c.why.n)
		memcpy(why, c.why.s, c.why.n);
	arena_release(a, mark);
	*out_why = str_dup(a, (str){ why, c.why.n });
	*out_at = span_known(c.at) ? c.at : fn->span;
	return ok;
}

bool ir_check(struct ir_fn *fn, str *out_why)
{
	struct span at;

	return ir_check_at(fn, out_why, &at);
}
