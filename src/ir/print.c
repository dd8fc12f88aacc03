/* print: a module as text (docs/ir.md).
 *
 * One instruction a line, in layout order, with the numbers that the function has; ir_renumber()
 * first makes them gapless. What is printed is what ir_parse() needs to make the same module again:
 * everything but spans, fn->proto and the numbers of instructions without a value.
 *
 * Printing never fails: a broken function (an operand that is no longer there) prints as far as it
 * goes, since this text is what one looks at to find out what is broken.
 */
#include "ir/ir.h"
#include "ir/text.h"

#include <inttypes.h>

static const struct ir_atomic_name atomics[] = {
	{ "add", ISA_ATOMIC_ADD },
	{ "or", ISA_ATOMIC_OR },
	{ "and", ISA_ATOMIC_AND },
	{ "xor", ISA_ATOMIC_XOR },
	{ "fetch_add", ISA_ATOMIC_ADD | ISA_FETCH },
	{ "fetch_or", ISA_ATOMIC_OR | ISA_FETCH },
	{ "fetch_and", ISA_ATOMIC_AND | ISA_FETCH },
	{ "fetch_xor", ISA_ATOMIC_XOR | ISA_FETCH },
	{ "xchg", ISA_XCHG },
	{ "cmpxchg", ISA_CMPXCHG },
	{ NULL, 0 },
};

const struct ir_atomic_name *ir_atomic_names(void)
{
	return atomics;
}

static const char *const sym_kinds[] = {
	[IR_SYM_MAP] = "map",	  [IR_SYM_DATA] = "data",   [IR_SYM_FN] = "fn",
	[IR_SYM_CONST] = "const", [IR_SYM_KFUNC] = "kfunc", [IR_SYM_KVAR] = "kvar",
};
_Static_assert(ARRAY_LEN(sym_kinds) == IR_SYM_KVAR + 1, "one name for each kind");

const char *ir_sym_kind_name(u32 kind)
{
	return kind < ARRAY_LEN(sym_kinds) ? sym_kinds[kind] : NULL;
}

/* ---- pieces ---------------------------------------------------------------------------------- */

/* A name as it is, or quoted where it is no word. */
static void name(struct sbuf *out, str x)
{
	bool plain = x.n && !(x.s[0] >= '0' && x.s[0] <= '9');

	for (u32 i = 0; i < x.n; i++)
		plain = plain && ir_text_is_word(x.s[i]);
	if (plain)
		sbuf_put(out, x);
	else
		sbuf_quote(out, x);
}

static void symbol(struct sbuf *out, const struct ir_module *m, u32 sym)
{
	if (sym >= m->syms.n) {
		sbuf_printf(out, "@?:%u", sym);
		return;
	}
	sbuf_printf(out, "@%s:", ir_sym_kind_name(m->syms.at[sym].kind));
	name(out, m->syms.at[sym].name);
}

static void value(struct sbuf *out, const struct ir_ins *x)
{
	if (x)
		sbuf_printf(out, "%%%u", x->id);
	else
		sbuf_puts(out, "%?");
}

/* Operands from number `from` on, with commas between. */
static void values(struct sbuf *out, const struct ir_ins *x, u32 from)
{
	for (u32 i = from; i < x->n_args; i++) {
		if (i > from)
			sbuf_puts(out, ", ");
		value(out, x->args[i]);
	}
}

static void offset(struct sbuf *out, s64 off)
{
	u64 size = off < 0 ? -(u64)off : (u64)off;

	sbuf_printf(out, " %c %" PRIu64, off < 0 ? '-' : '+', size);
}

static void address(struct sbuf *out, const struct ir_ins *base, s64 off)
{
	sbuf_putc(out, '[');
	value(out, base);
	offset(out, off);
	sbuf_putc(out, ']');
}

static void block(struct sbuf *out, const struct ir_block *b)
{
	if (b)
		sbuf_printf(out, "b%u", b->id);
	else
		sbuf_puts(out, "b?");
}

static void phi(struct sbuf *out, const struct ir_ins *x)
{
	for (u32 i = 0; i < x->n_args; i++) {
		if (i)
			sbuf_puts(out, ", ");
		block(out, x->block && i < x->block->n_preds ? x->block->preds[i] : NULL);
		sbuf_puts(out, ": ");
		value(out, x->args[i]);
	}
}

static void atomic(struct sbuf *out, const struct ir_ins *x)
{
	const struct ir_atomic_name *n = atomics;

	while (n->text && n->atomic != x->atomic)
		n++;
	sbuf_printf(out, "%s %u ", n->text ? n->text : "?", x->size);
	address(out, x->n_args ? x->args[0] : NULL, x->imm);
	if (x->n_args > 1)
		sbuf_puts(out, ", ");
	values(out, x, 1);
}

static void call(struct sbuf *out, const struct ir_ins *x)
{
	const struct isa_helper *h;

	if (x->op != IR_CALL) {
		symbol(out, x->block->fn->m, x->sym);
	} else {
		h = x->imm >= 0 && x->imm <= UINT32_MAX ? isa_helper((u32)x->imm) : NULL;
		if (h)
			sbuf_printf(out, "bpf_%s", h->name);
		else
			sbuf_printf(out, "#%" PRId64, x->imm);
	}
	sbuf_putc(out, '(');
	values(out, x, 0);
	sbuf_putc(out, ')');
}

/* ---- instructions ---------------------------------------------------------------------------- */

/* Loads, stores and what else has an address. */
static void memory(struct sbuf *out, const struct ir_ins *x)
{
	const struct ir_ins *base = x->n_args > 0 ? x->args[0] : NULL;
	const struct ir_ins *second = x->n_args > 1 ? x->args[1] : NULL;

	switch (x->op) {
	case IR_LOAD:
		sbuf_printf(out, "%c%u ", x->is_signed ? 's' : 'u', x->size);
		address(out, base, x->imm);
		break;
	case IR_STORE:
		sbuf_printf(out, "%u ", x->size);
		address(out, base, x->imm);
		sbuf_puts(out, ", ");
		value(out, second);
		break;
	case IR_MOVE:
		address(out, base, x->imm);
		sbuf_puts(out, ", ");
		address(out, second, x->off2);
		sbuf_printf(out, " %u align %u", x->count, x->align);
		break;
	default: /* ZERO */
		address(out, base, x->imm);
		sbuf_printf(out, " %u align %u", x->count, x->align);
		break;
	}
}

/* "CODE" "IN" "OUT" CLOBBERS: slots and registers in hexadecimal digits, or nothing for a mere barrier. */
static void code(struct sbuf *out, const struct ir_ins *x)
{
	const struct ir_asm *c = x->code;

	if (!c) {
		values(out, x, 0);
		return;
	}
	sbuf_putc(out, '"');
	for (u32 i = 0; i < c->n; i++)
		sbuf_printf(out, "%02x%x%x%04x%08x", c->insns[i].code, c->insns[i].dst,
			    c->insns[i].src, (u16)c->insns[i].off, (u32)c->insns[i].imm);
	sbuf_puts(out, "\" \"");
	for (u32 i = 0; i < c->n_in; i++)
		sbuf_printf(out, "%x", c->in[i]);
	sbuf_puts(out, "\" \"");
	for (u32 i = 0; i < c->n_out; i++)
		sbuf_printf(out, "%x", c->out[i]);
	sbuf_printf(out, "\" %u", c->clobbers);
	if (x->n_args)
		sbuf_putc(out, ' ');
	values(out, x, 0);
}

/* What follows the name of the operation. */
static void operands(struct sbuf *out, const struct ir_ins *x)
{
	switch (x->op) {
	case IR_CONST:
	case IR_PARAM: sbuf_printf(out, "%" PRId64, x->imm); break;
	case IR_SLOT:
		sbuf_printf(out, "%u align %u%s", x->count, x->align, x->is_ctx ? " ctx" : "");
		break;
	case IR_SYM:
		symbol(out, x->block->fn->m, x->sym);
		offset(out, x->imm);
		break;
	case IR_PHI: phi(out, x); break;
	case IR_SEXT:
	case IR_ZEXT:
	case IR_BSWAP:
		sbuf_printf(out, "%u ", x->count);
		values(out, x, 0);
		break;
	case IR_LOAD:
	case IR_STORE:
	case IR_ZERO:
	case IR_MOVE: memory(out, x); break;
	case IR_ATOMIC: atomic(out, x); break;
	case IR_CALL:
	case IR_CALL_FN:
	case IR_CALL_KFUNC: call(out, x); break;
	case IR_ASM: code(out, x); break;
	case IR_ASM_OUT:
		sbuf_printf(out, "%" PRId64 " ", x->imm);
		values(out, x, 0);
		break;
	case IR_JUMP: block(out, x->to[0]); break;
	case IR_IF:
		values(out, x, 0);
		sbuf_putc(out, ' ');
		block(out, x->to[0]);
		sbuf_puts(out, ", ");
		block(out, x->to[1]);
		break;
	default: values(out, x, 0); break;
	}
}

static bool has_operands(const struct ir_ins *x)
{
	return x->op != IR_UNDEF && x->op != IR_UNREACHABLE && !(x->op == IR_RET && !x->n_args) &&
	       !(x->op == IR_ASM && !x->code && !x->n_args);
}

static void instruction(struct sbuf *out, const struct ir_ins *x)
{
	const struct ir_op_info *info = ir_op_info(x->op);
	u32 width = info->flags & IR_F_CMP ? x->size * 8u : x->width;

	sbuf_putc(out, '\t');
	if (x->width)
		sbuf_printf(out, "%%%u = ", x->id);
	sbuf_puts(out, info->text);
	if (width)
		sbuf_printf(out, ".%u", width);
	if (has_operands(x)) {
		sbuf_putc(out, ' ');
		operands(out, x);
	}
	if (x->is_volatile)
		sbuf_puts(out, " volatile");
	if (x->is_unaligned)
		sbuf_puts(out, " unaligned");
	if (x->region != IR_IN_UNKNOWN)
		sbuf_printf(out, " in %s", ir_region_name(x->region));
	sbuf_putc(out, '\n');
}

/* ---- functions ------------------------------------------------------------------------------- */

static void head(struct sbuf *out, const struct ir_fn *fn)
{
	sbuf_puts(out, "fn ");
	name(out, fn->name);
	sbuf_putc(out, '(');
	for (u32 i = 0; i < fn->n_params; i++)
		sbuf_printf(out, "%s%s", i ? ", " : "",
			    i < ARRAY_LEN(fn->param_region) ? ir_region_name(fn->param_region[i])
							    : "unknown");
	sbuf_putc(out, ')');
	if (fn->ret_width)
		sbuf_printf(out, " ret %u", fn->ret_width);
	if (fn->linkage == IR_PROGRAM)
		sbuf_printf(out, " program %u", fn->prog);
	else
		sbuf_puts(out, fn->linkage == IR_GLOBAL ? " global" : " static");
	if (fn->always_inline)
		sbuf_puts(out, " always_inline");
	if (fn->noinline)
		sbuf_puts(out, " noinline");
	if (fn->guarded)
		sbuf_puts(out, " guarded");
	sbuf_puts(out, " {\n");
}

void ir_print_fn(struct sbuf *out, const struct ir_fn *fn)
{
	head(out, fn);
	for (const struct ir_block *b = fn->first; b; b = b->next) {
		block(out, b);
		sbuf_puts(out, ":\n");
		for (const struct ir_ins *x = b->first; x; x = x->next)
			instruction(out, x);
	}
	sbuf_puts(out, "}\n");
}

static void pointer(struct sbuf *out, const struct ir_module *m, const struct ir_pointer *p)
{
	u32 data = 0;

	while (data < m->syms.n &&
	       (m->syms.at[data].kind != IR_SYM_DATA || m->syms.at[data].index != p->data))
		data++;
	sbuf_puts(out, "pointer ");
	symbol(out, m, data);
	offset(out, p->off);
	sbuf_putc(out, ' ');
	symbol(out, m, p->sym);
	offset(out, p->to_off);
	sbuf_putc(out, '\n');
}

void ir_print(struct sbuf *out, const struct ir_module *m)
{
	for (u32 i = 0; i < m->syms.n; i++) {
		sbuf_puts(out, "sym ");
		symbol(out, m, i);
		sbuf_printf(out, " %u\n", m->syms.at[i].index);
	}
	for (u32 i = 0; i < m->pointers.n; i++)
		pointer(out, m, &m->pointers.at[i]);
	for (u32 i = 0; i < m->fns.n; i++) {
		if (i || m->syms.n)
			sbuf_putc(out, '\n');
		ir_print_fn(out, m->fns.at[i]);
	}
}
