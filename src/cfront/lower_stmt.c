/* lower_stmt.c: statements to blocks.
 *
 * Each statement continues the builder's current block and leaves it where what follows belongs. Code behind a
 * jump is lowered into a block that nothing enters; ir_cfg_build() drops it. A switch becomes a chain of
 * comparisons in source order (C11 6.8.4.2), loops the usual three or four blocks.
 */
#include "cfront/lower.h"

struct flow *lower_flow(struct lower *l, struct cf_stmt *s)
{
	struct flow *f = s->lower;

	if (!f)
		s->lower = f = arena_new_of(l->a, struct flow);
	if (f->pass != l->pass)
		*f = (struct flow){ .pass = l->pass };
	return f;
}

struct ir_block *lower_label(struct lower *l, struct cf_stmt *label)
{
	struct flow *f = lower_flow(l, label);

	if (!f->label)
		f->label = ir_block_new(l->b.fn);
	return f->label;
}

/* Falls into `next` if the current block has no end yet, and continues there. */
static void enter(struct lower *l, struct ir_block *next)
{
	if (!ir_ended(&l->b))
		ir_jump(&l->b, next);
	ir_block_move_last(next);
	l->b.at = next;
}

static void go(struct lower *l, struct ir_block *to)
{
	if (!ir_ended(&l->b))
		ir_jump(&l->b, to);
	l->b.at = ir_block_new(l->b.fn);
}

static void lower_if(struct lower *l, struct cf_stmt *s)
{
	struct ir_block *yes = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct ir_block *no = s->other ? ir_block_new(l->b.fn) : end;

	lower_branch(l, s->e, yes, no);
	ir_block_move_last(yes);
	l->b.at = yes;
	lower_stmt(l, s->body);
	if (!ir_ended(&l->b))
		ir_jump(&l->b, end);
	if (s->other) {
		ir_block_move_last(no);
		l->b.at = no;
		lower_stmt(l, s->other);
	}
	enter(l, end);
}

/* while, do and for: test may be NULL (for ever). */
static void lower_loop(struct lower *l, struct cf_stmt *s)
{
	struct ir_block *test = ir_block_new(l->b.fn), *body = ir_block_new(l->b.fn);
	struct ir_block *step = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	struct flow *f = lower_flow(l, s);

	f->brk = end;
	f->cont = step;
	if (s->kind == ST_FOR && s->other)
		lower_stmt(l, s->other);
	enter(l, s->kind == ST_DO ? body : test);
	if (s->kind != ST_DO) {
		if (s->e)
			lower_branch(l, s->e, body, end);
		else
			ir_jump(&l->b, body);
		ir_block_move_last(body);
		l->b.at = body;
	}
	lower_stmt(l, s->body);
	enter(l, step);
	if (s->kind == ST_FOR && s->e2)
		lower_effects(l, s->e2);
	if (s->kind == ST_DO) {
		ir_jump(&l->b, test);
		l->b.at = test;
		ir_block_move_last(test);
		lower_branch(l, s->e, body, end);
	} else {
		ir_jump(&l->b, test);
	}
	ir_block_move_last(end);
	l->b.at = end;
}

static void lower_switch(struct lower *l, struct cf_stmt *s)
{
	struct ir_ins *x = lower_value(l, s->e);
	struct ir_block *end = ir_block_new(l->b.fn), *otherwise = end;
	bool is_signed = ty_signed(s->e->type);

	lower_flow(l, s)->brk = end;
	for (u32 i = 0; i < s->cases.n; i++) {
		struct cf_stmt *c = s->cases.at[i];
		struct ir_block *next, *at = lower_label(l, c);

		if (c->kind == ST_DEFAULT) {
			otherwise = at;
			continue;
		}
		next = ir_block_new(l->b.fn);
		if (c->lo != c->hi) {
			struct ir_block *upper = ir_block_new(l->b.fn);

			ir_if(&l->b,
			      ir_compare(&l->b, is_signed ? IR_SGE : IR_UGE, x,
					 ir_const(&l->b, x->width, c->lo)),
			      upper, next);
			l->b.at = upper;
			ir_if(&l->b,
			      ir_compare(&l->b, is_signed ? IR_SLE : IR_ULE, x,
					 ir_const(&l->b, x->width, c->hi)),
			      at, next);
		} else {
			ir_if(&l->b, ir_compare(&l->b, IR_EQ, x, ir_const(&l->b, x->width, c->lo)),
			      at, next);
		}
		l->b.at = next;
	}
	ir_jump(&l->b, otherwise);
	l->b.at = ir_block_new(l->b.fn);
	lower_stmt(l, s->body);
	enter(l, end);
}

static void lower_return(struct lower *l, struct cf_stmt *s)
{
	struct ir_ins *x = s->e ? lower_value(l, s->e) : NULL;
	u8 width = l->b.fn->ret_width;

	if (l->result && x) {
		struct place_ref to = { .base = l->result, .type = ty_strip(l->fn->type)->to };

		lower_write(l, to, x);
		x = NULL;
	}
	if (width && !x)
		x = ir_const(&l->b, width, 0);
	else if (x && !width)
		x = NULL;
	else if (x && x->width < width)
		x = lower_widen(l, x, s->e->type);
	else if (x && x->width > width)
		x = ir_trunc(&l->b, x);
	ir_ret(&l->b, x);
	l->b.at = ir_block_new(l->b.fn);
}

static void lower_decl(struct lower *l, struct cf_stmt *s)
{
	struct cf_sym *v = s->sym;
	const struct type *ty = ty_strip(v->type);
	struct place_ref p = { .type = v->type };
	u32 align = v->align > ty->align ? v->align : ty->align;

	if (v->kind != SYM_VAR || v->storage != SS_AUTO)
		return;
	p.base = ir_slot(&l->b, (u32)ty->size, align ? align : 1);
	p.base->span = v->span;
	v->lower = p.base;
	if (v->init)
		lower_init(l, p, v->init);
}

void lower_stmt(struct lower *l, struct cf_stmt *s)
{
	struct span outer = l->b.span;

	if (!s)
		return;
	l->b.span = s->span;
	switch (s->kind) {
	case ST_EXPR: lower_effects(l, s->e); break;
	case ST_DECL: lower_decl(l, s); break;
	case ST_BLOCK:
		for (struct cf_stmt *x = s->body; x; x = x->next)
			lower_stmt(l, x);
		break;
	case ST_IF: lower_if(l, s); break;
	case ST_WHILE:
	case ST_DO:
	case ST_FOR: lower_loop(l, s); break;
	case ST_SWITCH: lower_switch(l, s); break;
	case ST_CASE:
	case ST_DEFAULT:
	case ST_LABEL:
		enter(l, lower_label(l, s));
		lower_stmt(l, s->body);
		break;
	case ST_BREAK: go(l, lower_flow(l, s->target)->brk); break;
	case ST_CONTINUE: go(l, lower_flow(l, s->target)->cont); break;
	case ST_GOTO: go(l, lower_label(l, s->target)); break;
	case ST_RETURN: lower_return(l, s); break;
	case ST_ASM: lower_asm(l, s); break;
	case ST_EMPTY: break;
	}
	l->b.span = outer;
}

struct ir_ins *lower_stmt_value(struct lower *l, struct cf_stmt *body)
{
	struct ir_ins *x = NULL;

	for (struct cf_stmt *s = body->body; s; s = s->next) {
		struct cf_stmt *last = s;

		while (!s->next && last->kind == ST_LABEL && last->body) {
			enter(l, lower_label(l, last));
			last = last->body;
		}
		if (!s->next && last->kind == ST_EXPR)
			x = lower_value(l, last->e);
		else
			lower_stmt(l, last);
	}
	return x;
}
