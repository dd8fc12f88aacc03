/* Emission: tidied blocks to instruction slots, relocations and line records.
 *
 * First everything is put in one line: a GOTO to the block that follows vanishes, a BRANCH to the
 * block that follows is inverted so that its GOTO vanishes instead. Then jumps get their sizes: all
 * are taken for short, and those that turn out to reach beyond 16 bits become long until nothing
 * changes (they only grow, so that ends). A long jump is `gotol`, which version 4 brought; a long
 * BRANCH goes around one. Then the slots are written.
 *
 * A line record stands where the source span changes, and at slot 0.
 */
#include "gen/mir.h"

struct item {
	struct mi m;
	u32 at; /* slot */
	bool is_long;
};

struct emitter {
	struct gen *g;
	vec(struct item) line;
	u32 *start; /* by block: index in `line` */
	struct isa_insn *code;
	u32 n;
};

/* ---- one line ------------------------------------------------------------------------------- */

static bool invert(struct mi *m)
{
	static const u8 inverse[16] = {
		[ISA_JEQ >> 4] = ISA_JNE,   [ISA_JNE >> 4] = ISA_JEQ,	[ISA_JGT >> 4] = ISA_JLE,
		[ISA_JLE >> 4] = ISA_JGT,   [ISA_JGE >> 4] = ISA_JLT,	[ISA_JLT >> 4] = ISA_JGE,
		[ISA_JSGT >> 4] = ISA_JSLE, [ISA_JSLE >> 4] = ISA_JSGT, [ISA_JSGE >> 4] = ISA_JSLT,
		[ISA_JSLT >> 4] = ISA_JSGE,
	};
	u8 op = inverse[m->i.code >> 4];

	if (!op)
		return false;
	m->i.code = (u8)((m->i.code & 0x0f) | op);
	return true;
}

static void put_item(struct emitter *e, const struct mi *m)
{
	vec_push(e->g->a, &e->line)->m = *m;
}

/* BRANCH x; GOTO y with `next` behind them. */
static void put_branch(struct emitter *e, const struct mi *branch, const struct mi *go, u32 next)
{
	struct mi inverted = *branch;

	if (branch->to == go->to) {
		if (go->to != next)
			put_item(e, go);
		return;
	}
	if (branch->to == next && invert(&inverted)) {
		inverted.to = go->to;
		put_item(e, &inverted);
		return;
	}
	put_item(e, branch);
	if (go->to != next)
		put_item(e, go);
}

static void put_block(struct emitter *e, const struct mb *b, u32 next)
{
	for (u32 i = 0; i < b->code.n; i++) {
		const struct mi *m = &b->code.at[i];

		if (m->kind == MI_BRANCH && b->code.at[i + 1].kind == MI_GOTO)
			put_branch(e, m, &b->code.at[++i], next);
		else if (m->kind != MI_GOTO || m->to != next)
			put_item(e, m);
	}
}

static void put_blocks(struct emitter *e)
{
	struct gen *g = e->g;

	e->start = arena_array_of(g->a, u32, g->n_blocks);
	for (u32 i = 0, next; i < g->n_blocks; i = next) {
		for (next = i + 1; next < g->n_blocks && g->blocks[next].is_dropped; next++)
			;
		e->start[i] = e->line.n;
		put_block(e, &g->blocks[i], next);
	}
}

/* ---- sizes ---------------------------------------------------------------------------------- */

static u32 size_of(const struct item *it)
{
	switch (it->m.kind) {
	case MI_WIDE:
	case MI_ADDR: return 2;
	case MI_SET: return 3;
	case MI_BRANCH: return it->is_long ? 3 : 1;
	case MI_ASM: return it->m.code->n;
	default: return 1;
	}
}

/* Slots from behind a jump to its target. A long BRANCH jumps from its third slot. */
static s64 distance(const struct emitter *e, const struct item *it)
{
	u32 to = e->start[it->m.to], slot = to < e->line.n ? e->line.at[to].at : e->n;

	return (s64)slot - (s64)(it->at + size_of(it));
}

static bool lengthen(struct emitter *e)
{
	bool changed = false;

	e->n = 0;
	for (u32 i = 0; i < e->line.n; i++) {
		e->line.at[i].at = e->n;
		e->n += size_of(&e->line.at[i]);
	}
	for (u32 i = 0; i < e->line.n; i++) {
		struct item *it = &e->line.at[i];

		if (it->m.to == BLOCK_NONE || it->is_long || fits_s16(distance(e, it)))
			continue;
		it->is_long = changed = true;
		if (e->g->target->has_v4 || e->g->failed)
			continue;
		diag_add(e->g->dx, it->m.span, E_REGISTERS,
			 "a jump over more than 32767 instructions, which kernels before 6.6 lack");
		diag_hint(e->g->dx, "make the function smaller, or unroll less");
		e->g->failed = true;
	}
	return changed;
}

/* ---- slots ---------------------------------------------------------------------------------- */

static struct isa_insn *slot(struct emitter *e, struct isa_insn i)
{
	e->code[e->n] = i;
	return &e->code[e->n++];
}

/* gotol +n */
static void emit_far(struct emitter *e, s64 n)
{
	struct isa_insn i = { .code = ISA_JMP32 | ISA_JA, .imm = (s32)n };

	slot(e, i);
}

static void emit_plain(struct emitter *e, const struct mi *m)
{
	struct isa_insn *i = slot(e, m->i);
	bool swap = m->flags & MI_SWAP;

	i->dst = (u8)(swap ? m->s : m->d) & 15;
	i->src = (u8)(swap ? m->d : m->s) & 15;
	if (m->flags & MI_FRAME)
		i->off = (s16)(i->off + e->g->slots.at[m->slot].off);
}

/* d = number or address, two slots */
static void emit_wide(struct emitter *e, const struct mi *m)
{
	static const u8 kinds[] = {
		[IR_SYM_MAP] = OBJ_R_MAP,     [IR_SYM_DATA] = OBJ_R_DATA,
		[IR_SYM_FN] = OBJ_R_FUNC,     [IR_SYM_CONST] = OBJ_R_CONST,
		[IR_SYM_KFUNC] = OBJ_R_KFUNC, [IR_SYM_KVAR] = OBJ_R_KVAR,
	};
	static const u8 pseudos[] = {
		[OBJ_R_MAP] = ISA_MAP_FD,  [OBJ_R_DATA] = ISA_MAP_VALUE, [OBJ_R_FUNC] = ISA_FUNC,
		[OBJ_R_CONST] = ISA_IMM64, [OBJ_R_KVAR] = ISA_IMM64,
	};
	const struct ir_sym *sym;
	struct obj_reloc *r;
	u8 pseudo = ISA_IMM64;
	u64 value = (u64)m->value;

	if (m->sym != OBJ_NONE) {
		sym = &e->g->m->syms.at[m->sym];
		r = vec_push(e->g->o->a, &e->g->out->relocs);
		r->insn = e->n;
		r->kind = kinds[sym->kind];
		r->index = sym->index + (sym->kind == IR_SYM_FN ? e->g->first_func : 0);
		r->add = m->value;
		r->name = sym->name;
		pseudo = pseudos[r->kind];
		value = sym->kind == IR_SYM_DATA ? (u64)m->value << 32 : 0;
	}
	isa_ld_imm64(e->code + e->n, (u8)m->d, pseudo, value);
	e->n += 2;
}

/* d = r10;  d += offset */
static void emit_addr(struct emitter *e, const struct mi *m)
{
	s64 off = m->value + e->g->slots.at[m->slot].off;

	slot(e, isa_alu_reg(true, ISA_MOV, (u8)m->d, ISA_FP));
	slot(e, isa_alu_imm(true, ISA_ADD, (u8)m->d, (s32)off));
}

/* d = 1;  if (s op t) goto +1;  d = 0 */
static void emit_set(struct emitter *e, const struct mi *m)
{
	struct isa_insn *i;

	slot(e, isa_alu_imm(true, ISA_MOV, (u8)m->d, 1));
	i = slot(e, m->i);
	i->dst = (u8)m->s & 15;
	i->src = (u8)m->t & 15;
	slot(e, isa_alu_imm(true, ISA_MOV, (u8)m->d, 0));
}

static void emit_call(struct emitter *e, const struct mi *m)
{
	const struct ir_sym *sym;
	struct obj_reloc *r;

	if (m->sym == OBJ_NONE) {
		slot(e, m->i);
		return;
	}
	sym = &e->g->m->syms.at[m->sym];
	r = vec_push(e->g->o->a, &e->g->out->relocs);
	r->insn = e->n;
	r->kind = sym->kind == IR_SYM_FN ? OBJ_R_CALL : OBJ_R_KFUNC;
	r->index = sym->index + (sym->kind == IR_SYM_FN ? e->g->first_func : 0);
	r->name = sym->name;
	slot(e, isa_call_local(-1))->src = sym->kind == IR_SYM_FN ? ISA_CALL_LOCAL : ISA_CALL_KFUNC;
}

/* if (d op s) goto to;   far:  if (d op s) goto +1;  goto +1;  gotol to */
static void emit_branch(struct emitter *e, const struct item *it)
{
	struct isa_insn *i = slot(e, it->m.i);

	i->dst = (u8)it->m.d & 15;
	i->src = (u8)it->m.s & 15;
	i->off = it->is_long ? 1 : (s16)distance(e, it);
	if (it->is_long) {
		slot(e, isa_jump(1));
		emit_far(e, distance(e, it));
	}
}

static void emit_item(struct emitter *e, const struct item *it)
{
	switch (it->m.kind) {
	case MI_PLAIN:
	case MI_MOVE: emit_plain(e, &it->m); break;
	case MI_WIDE: emit_wide(e, &it->m); break;
	case MI_ADDR: emit_addr(e, &it->m); break;
	case MI_SET: emit_set(e, &it->m); break;
	case MI_CALL: emit_call(e, &it->m); break;
	case MI_BRANCH: emit_branch(e, it); break;
	case MI_ASM:
		for (u32 i = 0; i < it->m.code->n; i++)
			slot(e, it->m.code->insns[i]);
		break;
	case MI_GOTO:
		if (it->is_long)
			emit_far(e, distance(e, it));
		else
			slot(e, isa_jump((s16)distance(e, it)));
		break;
	default: slot(e, isa_exit()); break;
	}
}

/* ---- the step ------------------------------------------------------------------------------- */

static void note_line(struct emitter *e, struct span at)
{
	struct obj_func *f = e->g->out;
	struct obj_line *l;

	if (!span_known(at) && !e->n)
		at = e->g->fn->span;
	if (!span_known(at))
		return;
	if (f->lines.n && vec_last(&f->lines)->span.lo == at.lo &&
	    vec_last(&f->lines)->span.hi == at.hi)
		return;
	l = vec_push(e->g->o->a, &f->lines);
	l->insn = e->n;
	l->span = at;
}

void gen_emit(struct gen *g)
{
	struct emitter e = { .g = g };
	u32 n;

	put_blocks(&e);
	while (lengthen(&e))
		;
	if (g->failed)
		return;
	n = e.n;
	e.code = arena_array_of(g->o->a, struct isa_insn, n);
	e.n = 0;
	for (u32 i = 0; i < e.line.n; i++) {
		note_line(&e, e.line.at[i].m.span);
		emit_item(&e, &e.line.at[i]);
	}
	base_check(arena_trap(g->a), e.n == n);
	g->out->insns = e.code;
	g->out->n = n;
}
