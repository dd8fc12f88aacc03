/* lower_asm.c: inline assembly to instructions in fixed registers.
 *
 * Without text, an asm only hides values from the optimiser: each output becomes an IR_OPAQUE of its
 * input, at no cost. Otherwise every operand gets a register that the text neither names nor clobbers, the text
 * is read by isa's assembler with those names in place of %0 and %[name], and the result is one IR_ASM.
 * `asm goto` is known in the one form that programs use, a comparison and a jump, which becomes a branch on
 * opaque values.
 *
 * Left out, and refused: references to maps and labels by name inside the text, other texts with goto.
 */
#include "cfront/lower.h"

#include <string.h>

struct assembly {
	struct lower *l;
	struct cf_stmt *s;
	struct cf_asm *code;
	struct ir_asm *out;
	u16 taken;		      /* registers that are not free */
	s32 reg[2 * IR_ASM_REGS + 1]; /* of each operand; -1 none */
	struct ir_ins *args[IR_ASM_REGS];
	bool failed;
};

static bool fail(struct assembly *a, const char *what)
{
	if (!a->failed)
		diag_add(a->l->dx, a->s->span, E_ASM, "%s", what);
	a->failed = true;
	return false;
}

/* ---- values ---------------------------------------------------------------------------------- */

/* Constants stay numbers where the constraint has a letter for them. */
static bool is_immediate(const struct assembly *a, const struct cf_asm_operand *o, s64 *out)
{
	bool may = false;

	for (u32 i = 0; i < o->constraint.n; i++)
		may = may || strchr("inIKgX", o->constraint.s[i]);
	return may && !o->is_written && cf_const_value(a->l->u, o->e, out);
}

static struct ir_ins *read_operand(struct assembly *a, const struct cf_asm_operand *o)
{
	struct lower *l = a->l;

	if (o->is_memory)
		return lower_address(l, lower_place(l, o->e));
	if (o->is_written)
		return lower_widen(l, lower_read(l, lower_place(l, o->e)), o->e->type);
	return lower_widen(l, lower_value(l, o->e), o->e->type);
}

static void write_operand(struct assembly *a, const struct cf_asm_operand *o, struct ir_ins *x)
{
	const struct type *ty = o->e->type, *from;

	from = ty_int_of(a->l->u->o->types, 8, ty_is_int(ty) && ty_signed(ty));
	lower_write(a->l, lower_place(a->l, o->e), lower_convert(a->l, x, from, ty));
}

/* ---- without text ---------------------------------------------------------------------------- */

/* The input that is tied to output `i`, or the output itself if it is read. */
static const struct cf_asm_operand *source_of(const struct cf_asm *code, u32 i)
{
	for (u32 k = code->n_outputs; k < code->operands.n; k++)
		if (code->operands.at[k].same_as == (s32)i)
			return &code->operands.at[k];
	return code->operands.at[i].is_read ? &code->operands.at[i] : NULL;
}

static void hide_output(struct assembly *a, u32 i)
{
	struct lower *l = a->l;
	const struct cf_asm_operand *o = &a->code->operands.at[i], *from = source_of(a->code, i);
	struct ir_ins *x;

	if (!from) {
		write_operand(a, o, ir_unary(&l->b, IR_OPAQUE, 64, ir_const(&l->b, 64, 0)));
		return;
	}
	/* At its own width, so that nothing is extended for nothing. */
	x = from->is_written ? lower_read(l, lower_place(l, from->e)) : lower_value(l, from->e);
	x = ir_unary(&l->b, IR_OPAQUE, x->width, x);
	lower_write(l, lower_place(l, o->e), lower_convert(l, x, from->e->type, o->e->type));
}

static void no_text(struct assembly *a)
{
	struct ir_ins *alive[IR_ASM_REGS];
	u32 n = 0;
	s64 v;

	for (u32 i = 0; i < a->code->operands.n; i++) {
		const struct cf_asm_operand *o = &a->code->operands.at[i];

		if (i < a->code->n_outputs && !o->is_memory)
			hide_output(a, i);
		else if (o->same_as < 0 && !is_immediate(a, o, &v) && n < IR_ASM_REGS)
			alive[n++] = read_operand(a, o);
	}
	if (n || a->code->clobbers_memory || !a->code->operands.n)
		ir_asm(&a->l->b, NULL, alive, n);
}

/* ---- registers ------------------------------------------------------------------------------- */

/* Registers that the text names itself. */
static u16 named_registers(str text)
{
	u16 set = 0;

	for (u32 i = 0; i + 1 < text.n; i++) {
		bool begins = i == 0 || !(text.s[i - 1] == '_' || text.s[i - 1] == '%' ||
					  (text.s[i - 1] >= 'a' && text.s[i - 1] <= 'z') ||
					  (text.s[i - 1] >= '0' && text.s[i - 1] <= '9'));

		if (begins && (text.s[i] == 'r' || text.s[i] == 'w') && text.s[i + 1] >= '0' &&
		    text.s[i + 1] <= '9')
			set |= (u16)(1u << (text.s[i + 1] - '0'));
	}
	return set;
}

static s32 take_register(struct assembly *a)
{
	for (s32 r = 0; r < IR_ASM_REGS; r++) {
		s32 reg = (r + 1) % IR_ASM_REGS;

		if (a->taken >> reg & 1)
			continue;
		a->taken |= (u16)(1u << reg);
		return reg;
	}
	fail(a, "this assembly has more operands than there are free registers");
	return 0;
}

static void add_input(struct assembly *a, s32 reg, struct ir_ins *x)
{
	if (a->out->n_in >= IR_ASM_REGS) {
		fail(a, "this assembly has more operands than there are registers");
		return;
	}
	a->args[a->out->n_in] = x;
	a->out->in[a->out->n_in++] = (u8)reg;
}

static void bind_operand(struct assembly *a, u32 i)
{
	const struct cf_asm_operand *o = &a->code->operands.at[i];
	s64 v;

	a->reg[i] = -1;
	if (i >= a->code->n_outputs && is_immediate(a, o, &v))
		return;
	a->reg[i] = o->same_as >= 0 ? a->reg[o->same_as] : take_register(a);
	if (i < a->code->n_outputs && !o->is_memory)
		a->out->out[a->out->n_out++] = (u8)a->reg[i];
	if (o->is_read || o->is_memory)
		add_input(a, a->reg[i], read_operand(a, o));
}

/* ---- the text -------------------------------------------------------------------------------- */

/* The operand that `%…` names, at text.s[*at]; -1 if there is none. */
static s32 find_operand(const struct cf_asm *code, str text, u32 *at)
{
	u32 n = 0, from = *at;

	if (from < text.n && text.s[from] == '[') {
		str name;
		u32 end = from;

		while (end < text.n && text.s[end] != ']')
			end++;
		name = str_sub(text, from + 1, end - from - 1);
		*at = end + 1;
		for (u32 i = 0; i < code->operands.n; i++)
			if (str_eq(code->operands.at[i].name, name) && name.n)
				return (s32)i;
		return -1;
	}
	while (*at < text.n && text.s[*at] >= '0' && text.s[*at] <= '9' && n < 1000)
		n = n * 10 + (u32)(text.s[(*at)++] - '0');
	return *at > from && n < code->operands.n ? (s32)n : -1;
}

static void put_operand(struct assembly *a, struct sbuf *b, u32 i, bool is_word)
{
	const struct cf_asm_operand *o = &a->code->operands.at[i];
	s64 v;

	if (a->reg[i] < 0 && is_immediate(a, o, &v))
		sbuf_printf(b, "%lld", (long long)v);
	else if (o->is_memory)
		sbuf_printf(b, "(r%d + 0)", a->reg[i]);
	else
		sbuf_printf(b, "%c%d", is_word || o->constraint.s[0] == 'w' ? 'w' : 'r', a->reg[i]);
}

/* The text as the assembler reads it: operands put in, one instruction a line. */
static bool substitute(struct assembly *a, struct sbuf *b)
{
	str text = a->code->text;

	for (u32 i = 0; i < text.n;) {
		char c = text.s[i++], next = i < text.n ? text.s[i] : 0;
		s32 k;

		if (c == ';') {
			sbuf_putc(b, '\n');
		} else if (c != '%') {
			sbuf_putc(b, c);
		} else if (next == '%') {
			sbuf_putc(b, '%');
			i++;
		} else if (next == '=') {
			sbuf_printf(b, "%u", a->s->span.lo);
			i++;
		} else {
			i += next == 'w';
			k = find_operand(a->code, text, &i);
			if (k < 0)
				return fail(a, "a % in this assembly names no operand");
			put_operand(a, b, (u32)k, next == 'w');
		}
	}
	return true;
}

static bool assemble(struct assembly *a)
{
	struct isa_text text = { 0 };
	struct source *src;
	struct sbuf b;

	sbuf_init(&b, a->l->a);
	if (!substitute(a, &b))
		return false;
	src = sources_add(a->l->u->o->ss, STR("<asm>"), sbuf_str(&b));
	if (!isa_assemble(a->l->a, a->l->dx, src, &text)) {
		diag_note(a->l->dx, a->s->span, "it stands here");
		a->failed = true;
		return false;
	}
	if (text.refs.n) {
		lower_not_yet(a->l, a->s->span, "a map named inside of assembly");
		diag_hint(a->l->dx, "pass its address as an operand: \"r\"(&map)");
		a->failed = true;
		return false;
	}
	a->out->insns = text.insns.at;
	a->out->n = text.insns.n;
	return true;
}

/* Results are written when all of them are known: an output's address may depend on none of them. */
static void with_text(struct assembly *a)
{
	struct ir_ins *x, *results[IR_ASM_REGS] = { NULL };
	u32 n = 0;

	a->taken = a->code->clobbers | named_registers(a->code->text);
	a->out = arena_new_of(a->l->a, struct ir_asm);
	a->out->clobbers = a->taken;
	for (u32 i = 0; i < a->code->operands.n && !a->failed; i++)
		bind_operand(a, i);
	if (a->failed || !assemble(a))
		return;
	x = ir_asm(&a->l->b, a->out, a->args, a->out->n_in);
	for (u32 i = 0; i < a->out->n_out; i++) {
		results[i] = i ? ir_unary(&a->l->b, IR_ASM_OUT, 64, x) : x;
		results[i]->imm = i;
	}
	for (u32 i = 0; i < a->code->n_outputs; i++)
		if (!a->code->operands.at[i].is_memory)
			write_operand(a, &a->code->operands.at[i], results[n++]);
}

/* ---- asm goto -------------------------------------------------------------------------------- */

/* One side of the comparison: an operand or a number, as an opaque value. */
static struct ir_ins *side(struct assembly *a, str text)
{
	u32 at = 1;
	u64 n;
	s32 k;

	if (text.n && text.s[0] == '%') {
		at += text.n > 1 && text.s[1] == 'w';
		k = find_operand(a->code, text, &at);
		return k < 0 || at != text.n ? NULL
					     : ir_unary(&a->l->b, IR_OPAQUE, 64,
							read_operand(a, &a->code->operands.at[k]));
	}
	return str_to_u64(text, &n) ? ir_const(&a->l->b, 64, (s64)n) : NULL;
}

static bool comparison(str text, enum ir_op *out)
{
	static const struct {
		const char *text;
		enum ir_op op;
	} rows[] = {
		{ "==", IR_EQ },  { "!=", IR_NE },   { "<", IR_ULT },  { "<=", IR_ULE },
		{ ">", IR_UGT },  { ">=", IR_UGE },  { "s<", IR_SLT }, { "s<=", IR_SLE },
		{ "s>", IR_SGT }, { "s>=", IR_SGE },
	};

	for (u32 i = 0; i < ARRAY_LEN(rows); i++)
		if (str_is(text, rows[i].text)) {
			*out = rows[i].op;
			return true;
		}
	return false;
}

static str word(str *rest)
{
	str w;

	*rest = str_trim(*rest);
	w = str_cut(rest, ' ');
	return str_trim(w);
}

/* %l[name] or %lN */
static struct cf_stmt *label(struct assembly *a, str text)
{
	u64 n;

	if (!str_starts(text, "%l"))
		return NULL;
	text = str_sub(text, 2, text.n - 2);
	for (u32 i = 0; i < a->code->labels.n; i++) {
		str name = a->code->labels.at[i]->label;

		if (text.n > 2 && str_eq(str_sub(text, 1, text.n - 2), str_cut(&name, '@')))
			return a->code->labels.at[i];
	}
	if (!str_to_u64(text, &n) || n < a->code->operands.n ||
	    n - a->code->operands.n >= a->code->labels.n)
		return NULL;
	return a->code->labels.at[n - a->code->operands.n];
}

/* if A op B goto %l[label] */
static void with_goto(struct assembly *a)
{
	struct lower *l = a->l;
	str rest = str_trim(a->code->text), first, op_text, second;
	struct ir_ins *x = NULL, *y = NULL;
	struct ir_block *next;
	struct cf_stmt *to;
	enum ir_op op = IR_EQ;

	if (str_ends(rest, ";"))
		rest = str_sub(rest, 0, rest.n - 1);
	if (!str_is(word(&rest), "if"))
		goto unknown;
	first = word(&rest);
	op_text = word(&rest);
	second = word(&rest);
	if (!str_is(word(&rest), "goto"))
		goto unknown;
	to = label(a, str_trim(rest));
	x = side(a, first);
	y = side(a, second);
	if (!to || !to->target || !x || !y || !comparison(op_text, &op))
		goto unknown;
	next = ir_block_new(l->b.fn);
	ir_if(&l->b, ir_compare(&l->b, op, x, y), lower_label(l, to->target), next);
	l->b.at = next;
	return;
unknown:
	lower_not_yet(l, a->s->span, "an asm goto other than 'if A op B goto %l[label]'");
}

void lower_asm(struct lower *l, struct cf_stmt *s)
{
	struct assembly a = { .l = l, .s = s, .code = s->code };

	if (a.code->operands.n >= ARRAY_LEN(a.reg)) {
		fail(&a, "this assembly has more operands than there are registers");
		return;
	}
	if (a.code->labels.n)
		with_goto(&a);
	else if (!str_trim(a.code->text).n)
		no_text(&a);
	else
		with_text(&a);
}
