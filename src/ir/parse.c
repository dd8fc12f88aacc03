/* parse: a module from its text (docs/ir.md). The inverse of print.c.
 *
 * A value or block may be named before the line that makes it. The first mention makes the
 * instruction (or block) as an empty shell, the definition fills it, and at the end of the function
 * what is still a shell is reported where it was first named. The tables of numbers are shared by
 * all functions; an entry belongs to the function whose generation number it carries.
 *
 * Preds are not in the text. They follow from the jumps, in layout order, except where a block has
 * phis: there the first phi's labels give the order.
 *
 * Mistakes are E_IR diagnostics. One is enough for a line: the rest of it is skipped and parsing
 * goes on with the next. A text without mistakes still has to pass ir_check() to become a module.
 */
#include "ir/ir.h"
#include "ir/text.h"

#include <inttypes.h>
#include <string.h>

#define MAX_NUMBER (1u << 20) /* of values and blocks of a function */

/* What a number stands for in the function of generation `gen`. */
struct entry {
	u32 gen;
	bool defined;
	void *what; /* struct ir_ins * or struct ir_block * */
	struct span span;
};
struct table {
	vec(struct entry) list;
};

struct parser {
	struct arena *a;
	struct diags *dx;
	struct ir_lexer lex;
	struct ir_token tok;
	struct ir_module *m;
	struct ir_fn *fn;
	struct ir_block *at; /* NULL before the first label of the function */
	struct table values, blocks;
	vec(u32) mentioned_values, mentioned_blocks;
	u32 gen;
	vec(struct ir_ins *) args;
	vec(struct ir_block *) labels;
	bool failed;
};

/* ---- tokens and mistakes --------------------------------------------------------------------- */

PRINTF_LIKE(3, 4) static bool wrong(struct parser *p, struct span at, const char *fmt, ...)
{
	va_list ap;
	str text;

	va_start(ap, fmt);
	text = str_vprintf(p->a, fmt, ap);
	va_end(ap);
	diag_add(p->dx, at, E_IR, STR_FMT, STR_ARG(text));
	p->failed = true;
	return false;
}

static void next(struct parser *p)
{
	p->tok = ir_next_token(&p->lex);
}

static bool expected(struct parser *p, const char *what)
{
	if (p->tok.wrong)
		return wrong(p, p->tok.span, "%s", p->tok.wrong);
	return wrong(p, p->tok.span, "expected %s", what);
}

static bool is_punct(const struct parser *p, char c)
{
	return p->tok.kind == IR_T_PUNCT && p->tok.text.s[0] == c;
}

static bool accept(struct parser *p, char c)
{
	if (!is_punct(p, c))
		return false;
	next(p);
	return true;
}

static bool expect(struct parser *p, char c)
{
	char what[] = "'?'";

	what[1] = c;
	return accept(p, c) || expected(p, what);
}

static bool accept_word(struct parser *p, const char *w)
{
	if (p->tok.kind != IR_T_WORD || !str_is(p->tok.text, w))
		return false;
	next(p);
	return true;
}

static void skip_line(struct parser *p)
{
	while (p->tok.kind != IR_T_LINE && p->tok.kind != IR_T_END)
		next(p);
}

static bool end_line(struct parser *p)
{
	return p->tok.kind == IR_T_LINE || p->tok.kind == IR_T_END ||
	       expected(p, "the end of the line");
}

static bool natural(struct parser *p, u64 max, u64 *out)
{
	if (p->tok.kind != IR_T_NUMBER || p->tok.wrong)
		return expected(p, "a number");
	*out = p->tok.number;
	if (*out > max)
		return wrong(p, p->tok.span, "this number must be at most %" PRIu64, max);
	next(p);
	return true;
}

static bool natural32(struct parser *p, u32 *out)
{
	u64 n = 0;

	if (!natural(p, UINT32_MAX, &n))
		return false;
	*out = (u32)n;
	return true;
}

static bool natural8(struct parser *p, u8 *out)
{
	u64 n = 0;

	if (!natural(p, UINT8_MAX, &n))
		return false;
	*out = (u8)n;
	return true;
}

/* A number with an optional sign. */
static bool integer(struct parser *p, s64 *out)
{
	bool negative = accept(p, '-');
	u64 n = 0;

	if (!negative)
		accept(p, '+');
	if (!natural(p, (u64)INT64_MAX + negative, &n))
		return false;
	*out = (s64)(negative ? -n : n);
	return true;
}

static bool name(struct parser *p, str *out)
{
	if ((p->tok.kind != IR_T_WORD && p->tok.kind != IR_T_STRING) || p->tok.wrong)
		return expected(p, "a name");
	*out = p->tok.text;
	next(p);
	return true;
}

/* ---- numbered things ------------------------------------------------------------------------- */

/* The entry of a number; new ones (of this function) have `what` NULL. */
static struct entry *entry(struct parser *p, struct table *t, u64 n)
{
	struct entry *e;

	if (n >= MAX_NUMBER) {
		wrong(p, p->tok.span, "numbers of values and blocks end at %u", MAX_NUMBER - 1);
		return NULL;
	}
	while (t->list.n <= n)
		(void)vec_push(p->a, &t->list);
	e = &t->list.at[n];
	if (e->gen != p->gen)
		*e = (struct entry){ .gen = p->gen, .span = p->tok.span };
	return e;
}

static struct entry *value_entry(struct parser *p)
{
	u64 n = p->tok.number;
	struct entry *e;
	struct ir_ins *x;

	if (p->tok.kind != IR_T_VALUE || p->tok.wrong) {
		expected(p, "a value (%N)");
		return NULL;
	}
	e = entry(p, &p->values, n);
	if (e && !e->what) {
		e->what = x = ir_ins_new(p->fn, IR_UNDEF, 0, 0);
		x->id = (u32)n;
		*vec_push(p->a, &p->mentioned_values) = (u32)n;
	}
	if (e)
		next(p);
	return e;
}

/* Whether a word is the name of a block, `b` and a number. */
static bool is_block_name(str w, u64 *out_n)
{
	return w.n > 1 && w.s[0] == 'b' && w.s[1] >= '0' && w.s[1] <= '9' &&
	       str_to_u64(str_sub(w, 1, w.n - 1), out_n);
}

static struct entry *block_entry(struct parser *p)
{
	struct entry *e;
	struct ir_block *b;
	u64 n;

	if (p->tok.kind != IR_T_WORD || !is_block_name(p->tok.text, &n)) {
		expected(p, "a block (bN)");
		return NULL;
	}
	e = entry(p, &p->blocks, n);
	if (e && !e->what) {
		e->what = b = ir_block_new(p->fn);
		b->id = (u32)n;
		*vec_push(p->a, &p->mentioned_blocks) = (u32)n;
	}
	if (e)
		next(p);
	return e;
}

static bool value(struct parser *p)
{
	struct entry *e = value_entry(p);

	if (!e)
		return false;
	*vec_push(p->a, &p->args) = e->what;
	return true;
}

static bool target(struct parser *p, struct ir_block **out)
{
	struct entry *e = block_entry(p);

	if (e)
		*out = e->what;
	return e != NULL;
}

/* ---- symbols --------------------------------------------------------------------------------- */

/* @KIND:NAME */
static bool symbol_name(struct parser *p, enum ir_sym_kind *out_kind, str *out_name)
{
	u32 kind = 0;

	if (!expect(p, '@'))
		return false;
	while (ir_sym_kind_name(kind) && !str_is(p->tok.text, ir_sym_kind_name(kind)))
		kind++;
	if (p->tok.kind != IR_T_WORD || !ir_sym_kind_name(kind))
		return expected(p, "a kind of symbol: map, data, fn, const, kfunc or kvar");
	*out_kind = kind;
	next(p);
	return expect(p, ':') && name(p, out_name);
}

static bool symbol(struct parser *p, u32 *out)
{
	struct span at = p->tok.span;
	enum ir_sym_kind kind = 0;
	str text = STR("");

	if (!symbol_name(p, &kind, &text))
		return false;
	if (ir_sym_find(p->m, kind, text, out))
		return true;
	wrong(p, at, "no symbol @%s:" STR_FMT " is declared", ir_sym_kind_name(kind),
	      STR_ARG(text));
	diag_hint(p->dx, "declare it at the top: sym @%s:" STR_FMT " INDEX", ir_sym_kind_name(kind),
		  STR_ARG(text));
	return false;
}

/* sym @KIND:NAME INDEX */
static bool symbol_line(struct parser *p)
{
	struct span at = p->tok.span;
	enum ir_sym_kind kind = 0;
	str text = { 0 };
	u32 index, old;

	if (!symbol_name(p, &kind, &text) || !natural32(p, &index))
		return false;
	if (ir_sym_find(p->m, kind, text, &old))
		return wrong(p, at, "this symbol is declared already");
	ir_sym(p->m, kind, text, index);
	return end_line(p);
}

/* pointer @data:NAME + OFFSET @KIND:NAME + OFFSET */
static bool pointer_line(struct parser *p)
{
	struct ir_pointer x = { 0 };
	struct span at = p->tok.span;
	u32 data;

	if (!symbol(p, &data) || !integer(p, &x.off) || !symbol(p, &x.sym) ||
	    !integer(p, &x.to_off))
		return false;
	if (p->m->syms.at[data].kind != IR_SYM_DATA)
		return wrong(p, at, "a pointer lies in a data section");
	x.data = p->m->syms.at[data].index;
	*vec_push(p->a, &p->m->pointers) = x;
	return end_line(p);
}

/* ---- operands -------------------------------------------------------------------------------- */

/* [%N + OFFSET]; the offset may be left out. */
static bool address(struct parser *p, s64 *out_off)
{
	if (!expect(p, '[') || !value(p))
		return false;
	*out_off = 0;
	if (!is_punct(p, ']') && !integer(p, out_off))
		return false;
	return expect(p, ']');
}

/* Values with commas between, at least one. */
static bool value_list(struct parser *p)
{
	do {
		if (!value(p))
			return false;
	} while (accept(p, ','));
	return true;
}

/* ( values ) */
static bool arguments(struct parser *p)
{
	if (!expect(p, '('))
		return false;
	if (accept(p, ')'))
		return true;
	return value_list(p) && expect(p, ')');
}

/* bN: %N, … */
static bool phi(struct parser *p)
{
	p->labels.n = 0;
	do {
		struct ir_block *from;

		if (!target(p, &from) || !expect(p, ':') || !value(p))
			return false;
		*vec_push(p->a, &p->labels) = from;
	} while (accept(p, ','));
	return true;
}

static bool helper(struct parser *p, s64 *out_id)
{
	const struct isa_helper *h;
	u32 id;

	if (accept(p, '#')) {
		if (!natural32(p, &id))
			return false;
		*out_id = id;
		return true;
	}
	if (p->tok.kind != IR_T_WORD)
		return expected(p, "the name of a helper, or # and its number");
	h = isa_helper_named(p->tok.text);
	if (!h)
		return wrong(p, p->tok.span, "there is no helper of this name");
	*out_id = h->id;
	next(p);
	return true;
}

static bool atomic(struct parser *p, struct ir_ins *x)
{
	const struct ir_atomic_name *n = ir_atomic_names();

	while (n->text && !(p->tok.kind == IR_T_WORD && str_is(p->tok.text, n->text)))
		n++;
	if (!n->text)
		return expected(p, "an atomic operation: add, or, and, xor, fetch_add, "
				   "fetch_or, fetch_and, fetch_xor, xchg or cmpxchg");
	x->atomic = n->atomic;
	next(p);
	return natural8(p, &x->size) && address(p, &x->imm) && expect(p, ',') && value_list(p);
}

/* u4 or s4 */
static bool load_size(struct parser *p, struct ir_ins *x)
{
	str w = p->tok.text;
	u64 n;

	if (p->tok.kind != IR_T_WORD || w.n != 2 || (w.s[0] != 'u' && w.s[0] != 's') ||
	    !str_to_u64(str_sub(w, 1, 1), &n))
		return expected(p, "the size of the load: u or s and 1, 2, 4 or 8");
	x->is_signed = w.s[0] == 's';
	x->size = (u8)n;
	next(p);
	return true;
}

/* N align N */
static bool extent(struct parser *p, struct ir_ins *x)
{
	return natural32(p, &x->count) && (!accept_word(p, "align") || natural8(p, &x->align));
}

/* N align N ctx */
static bool slot(struct parser *p, struct ir_ins *x)
{
	if (!extent(p, x))
		return false;
	x->is_ctx = accept_word(p, "ctx");
	return true;
}

static bool constant(struct parser *p, struct ir_ins *x)
{
	struct span at = p->tok.span;
	s64 n;

	if (!integer(p, &n))
		return false;
	if (x->width == 32 && (n < INT32_MIN || n > UINT32_MAX))
		return wrong(p, at, "this number does not fit 32 bits");
	ir_set_const(x, n);
	return true;
}

/* Reads `n` hexadecimal digits. */
static bool digits(str *rest, u32 n, u32 *out)
{
	*out = 0;
	for (u32 i = 0; i < n; i++) {
		char c = i < rest->n ? rest->s[i] : 0;

		if (c >= '0' && c <= '9')
			*out = *out << 4 | (u32)(c - '0');
		else if (c >= 'a' && c <= 'f')
			*out = *out << 4 | (u32)(c - 'a' + 10);
		else
			return false;
	}
	*rest = (str){ rest->s + n, rest->n - n };
	return true;
}

static bool asm_registers(struct parser *p, u8 *regs, u8 *out_n)
{
	str text = { 0 };
	u32 v;

	if (p->tok.kind != IR_T_STRING)
		return expected(p, "registers in quotes");
	if (!name(p, &text))
		return false;
	while (text.n) {
		if (*out_n == IR_ASM_REGS || !digits(&text, 1, &v))
			return expected(p, "at most ten registers, one digit each");
		regs[(*out_n)++] = (u8)v;
	}
	return true;
}

static bool asm_slots(struct parser *p, struct ir_asm *code)
{
	vec(struct isa_insn) list = { 0 };
	str text = { 0 };

	if (p->tok.kind != IR_T_STRING)
		return expected(p, "code in quotes");
	if (!name(p, &text))
		return false;
	while (text.n) {
		u32 op, dst, src, off, imm;

		if (!digits(&text, 2, &op) || !digits(&text, 1, &dst) || !digits(&text, 1, &src) ||
		    !digits(&text, 4, &off) || !digits(&text, 8, &imm))
			return expected(p, "instructions of 16 digits");
		*vec_push(p->a, &list) = (struct isa_insn){ .code = (u8)op,
							    .dst = (u8)dst & 15,
							    .src = (u8)src & 15,
							    .off = (s16)(u16)off,
							    .imm = (s32)imm };
	}
	code->insns = list.at;
	code->n = list.n;
	return true;
}

static bool asm_code(struct parser *p, struct ir_ins *x)
{
	struct ir_asm *code = arena_new_of(p->a, struct ir_asm);
	u32 clobbers;

	if (p->tok.kind != IR_T_STRING)
		return p->tok.kind != IR_T_VALUE || value_list(p);
	if (!asm_slots(p, code) || !asm_registers(p, code->in, &code->n_in) ||
	    !asm_registers(p, code->out, &code->n_out) || !natural32(p, &clobbers))
		return false;
	code->clobbers = (u16)clobbers;
	x->code = code;
	return p->tok.kind != IR_T_VALUE || value_list(p);
}

/* What follows the name of operation `x`; values go to p->args. */
static bool operands(struct parser *p, struct ir_ins *x)
{
	switch (x->op) {
	case IR_CONST: return constant(p, x);
	case IR_PARAM: return integer(p, &x->imm);
	case IR_SLOT: return slot(p, x);
	case IR_SYM:
		return symbol(p, &x->sym) &&
		       ((!is_punct(p, '+') && !is_punct(p, '-')) || integer(p, &x->imm));
	case IR_PHI: return phi(p);
	case IR_SEXT:
	case IR_ZEXT:
	case IR_BSWAP: return natural32(p, &x->count) && value(p);
	case IR_LOAD: return load_size(p, x) && address(p, &x->imm);
	case IR_STORE:
		return natural8(p, &x->size) && address(p, &x->imm) && expect(p, ',') && value(p);
	case IR_ZERO: return address(p, &x->imm) && extent(p, x);
	case IR_MOVE:
		return address(p, &x->imm) && expect(p, ',') && address(p, &x->off2) &&
		       extent(p, x);
	case IR_ATOMIC: return atomic(p, x);
	case IR_CALL: return helper(p, &x->imm) && arguments(p);
	case IR_CALL_FN:
	case IR_CALL_KFUNC: return symbol(p, &x->sym) && arguments(p);
	case IR_ASM: return asm_code(p, x);
	case IR_ASM_OUT: return integer(p, &x->imm) && value(p);
	case IR_JUMP: return target(p, &x->to[0]);
	case IR_IF:
		return value(p) && target(p, &x->to[0]) && expect(p, ',') && target(p, &x->to[1]);
	case IR_UNDEF:
	case IR_UNREACHABLE: return true;
	case IR_RET: return p->tok.kind != IR_T_VALUE || value(p);
	default: return value_list(p);
	}
}

/* volatile, unaligned, in REGION */
static bool remarks(struct parser *p, struct ir_ins *x)
{
	x->is_volatile = accept_word(p, "volatile");
	x->is_unaligned = accept_word(p, "unaligned");
	if (!accept_word(p, "in"))
		return true;
	for (u32 r = 0; r <= IR_IN_FUNC; r++)
		if (accept_word(p, ir_region_name(r))) {
			x->region = (u8)r;
			return true;
		}
	return expected(p, "a region");
}

/* ---- instructions ---------------------------------------------------------------------------- */

/* OP or OP.WIDTH */
static bool operation(struct parser *p, struct ir_ins *x)
{
	str rest = p->tok.text, text = str_cut(&rest, '.');
	u32 op = 0, width;

	if (p->tok.kind != IR_T_WORD)
		return expected(p, "an operation");
	while (op < IR_N_OPS && !str_is(text, ir_op_info(op)->text))
		op++;
	if (op == IR_N_OPS)
		return wrong(p, p->tok.span, "there is no operation " STR_FMT, STR_ARG(text));
	width = str_is(rest, "32") ? 32 : str_is(rest, "64") ? 64 : 0;
	if (!width && text.n != p->tok.text.n)
		return wrong(p, p->tok.span, "a width is .32 or .64");
	if (!width && ir_op_info(op)->flags & IR_F_VALUE)
		return wrong(p, p->tok.span, STR_FMT " needs a width, .32 or .64", STR_ARG(text));
	x->op = op;
	x->width = (u8)width;
	if (ir_op_info(op)->flags & IR_F_CMP) {
		x->width = 32;
		x->size = (u8)(width / 8);
	}
	next(p);
	return true;
}

static bool keep_args(struct parser *p, struct ir_ins *x)
{
	if (p->args.n > UINT16_MAX)
		return wrong(p, x->span, "too many operands");
	x->n_args = (u16)p->args.n;
	x->args = arena_dup(p->a, p->args.at, p->args.n * sizeof(*p->args.at));
	if (x->op == IR_PHI)
		x->note = arena_dup(p->a, p->labels.at, p->labels.n * sizeof(*p->labels.at));
	return true;
}

/* The shell that `%N =` names, or a new instruction where the line has no such beginning. */
static struct ir_ins *result(struct parser *p, bool *out_named)
{
	struct span at = p->tok.span;
	struct entry *e;

	*out_named = p->tok.kind == IR_T_VALUE;
	if (!*out_named)
		return ir_ins_new(p->fn, IR_UNDEF, 0, 0);
	e = value_entry(p);
	if (!e)
		return NULL;
	if (e->defined) {
		wrong(p, at, "this value is made a second time");
		diag_note(p->dx, ((struct ir_ins *)e->what)->span, "it was made here");
		return NULL;
	}
	e->defined = true;
	return expect(p, '=') ? e->what : NULL;
}

static bool instruction(struct parser *p)
{
	struct span at = p->tok.span;
	struct ir_ins *x;
	bool named;

	p->args.n = 0;
	x = result(p, &named);
	if (!x || !operation(p, x))
		return false;
	x->span = at;
	if (named && !x->width)
		return wrong(p, at, "this operation gives no value");
	if (!named && x->width)
		return wrong(p, at, "the value of this operation needs a name: %%N = …");
	if (!operands(p, x) || !remarks(p, x) || !end_line(p) || !keep_args(p, x))
		return false;
	x->span.hi = p->tok.span.lo;
	if (!p->at)
		return wrong(p, at, "a function begins with a block: b0:");
	ir_append(p->at, x);
	return true;
}

/* bN: */
static bool label(struct parser *p)
{
	struct span at = p->tok.span;
	struct entry *e = block_entry(p);

	if (!e || !expect(p, ':'))
		return false;
	if (e->defined)
		return wrong(p, at, "this block begins a second time");
	e->defined = true;
	p->at = e->what;
	ir_block_move_last(p->at);
	return end_line(p);
}

/* ---- functions ------------------------------------------------------------------------------- */

static bool region(struct parser *p, enum ir_region *out)
{
	for (u32 r = 0; r <= IR_IN_FUNC; r++)
		if (accept_word(p, ir_region_name(r))) {
			*out = r;
			return true;
		}
	return expected(p, "the region of a parameter (unknown, ctx, …)");
}

/* ( REGION, … ) */
static bool parameters(struct parser *p)
{
	struct ir_fn *fn = p->fn;

	if (!expect(p, '('))
		return false;
	if (accept(p, ')'))
		return true;
	do {
		if (fn->n_params == ARRAY_LEN(fn->param_region))
			return wrong(p, p->tok.span, "a function has at most %zu parameters",
				     ARRAY_LEN(fn->param_region));
		if (!region(p, &fn->param_region[fn->n_params]))
			return false;
		fn->n_params++;
	} while (accept(p, ','));
	return expect(p, ')');
}

static bool attribute(struct parser *p)
{
	struct ir_fn *fn = p->fn;

	if (accept_word(p, "ret"))
		return natural8(p, &fn->ret_width);
	if (accept_word(p, "program")) {
		fn->linkage = IR_PROGRAM;
		return natural32(p, &fn->prog);
	}
	if (accept_word(p, "static"))
		fn->linkage = IR_STATIC;
	else if (accept_word(p, "global"))
		fn->linkage = IR_GLOBAL;
	else if (accept_word(p, "always_inline"))
		fn->always_inline = true;
	else if (accept_word(p, "noinline"))
		fn->noinline = true;
	else if (accept_word(p, "guarded"))
		fn->guarded = true;
	else
		return expected(p, "an attribute of the function, or '{'");
	return true;
}

/* fn NAME(REGION, …) ATTRIBUTE … { */
static bool head(struct parser *p)
{
	if (!name(p, &p->fn->name) || !parameters(p))
		return false;
	p->fn->name = str_dup(p->a, p->fn->name);
	while (!is_punct(p, '{'))
		if (!attribute(p))
			return false;
	return expect(p, '{') && end_line(p);
}

/* What was named and never made. */
static void report_missing(struct parser *p)
{
	for (u32 i = 0; i < p->mentioned_values.n; i++) {
		struct entry *e = &p->values.list.at[p->mentioned_values.at[i]];

		if (!e->defined)
			wrong(p, e->span, "nothing makes the value %%%u",
			      p->mentioned_values.at[i]);
	}
	for (u32 i = 0; i < p->mentioned_blocks.n; i++) {
		struct entry *e = &p->blocks.list.at[p->mentioned_blocks.at[i]];

		if (!e->defined)
			wrong(p, e->span, "there is no block b%u", p->mentioned_blocks.at[i]);
	}
}

static void number_function(struct parser *p)
{
	struct ir_fn *fn = p->fn;

	fn->next_ins = fn->next_block = 0;
	for (u32 i = 0; i < p->mentioned_values.n; i++)
		if (p->mentioned_values.at[i] >= fn->next_ins)
			fn->next_ins = p->mentioned_values.at[i] + 1;
	for (u32 i = 0; i < p->mentioned_blocks.n; i++)
		if (p->mentioned_blocks.at[i] >= fn->next_block)
			fn->next_block = p->mentioned_blocks.at[i] + 1;
	for (struct ir_block *b = fn->first; b; b = b->next)
		for (struct ir_ins *x = b->first; x; x = x->next)
			if (!x->width)
				x->id = fn->next_ins++;
}

static void link_preds(struct ir_fn *fn)
{
	for (struct ir_block *b = fn->first; b; b = b->next) {
		struct ir_block **to = b->last ? b->last->to : NULL;

		if (to && to[0])
			ir_pred_add(to[0], b);
		if (to && to[1] && to[1] != to[0])
			ir_pred_add(to[1], b);
	}
}

static bool goes_to(const struct ir_block *from, const struct ir_block *b)
{
	return from->last && (from->last->to[0] == b || from->last->to[1] == b);
}

/* Puts the preds into the order of the first phi, if its labels are the preds. */
static void order_preds(struct ir_block *b)
{
	struct ir_ins *x = b->first;
	struct ir_block **labels;

	if (!x || x->op != IR_PHI || x->n_args != b->n_preds)
		return;
	labels = x->note;
	for (u32 i = 0; i < x->n_args; i++)
		labels[i]->mark = 0;
	for (u32 i = 0; i < x->n_args; i++)
		if (!goes_to(labels[i], b) || labels[i]->mark++)
			return;
	memcpy(b->preds, labels, b->n_preds * sizeof(*labels));
}

/* Puts the arguments of a phi into the order of the preds. */
static void order_phi(struct parser *p, struct ir_ins *x)
{
	struct ir_block *b = x->block, **labels = x->note;
	struct ir_ins **args = arena_array_of(p->a, struct ir_ins *, x->n_args);

	x->note = NULL;
	if (x->n_args != b->n_preds) {
		wrong(p, x->span, "this phi has %u operands, but %u blocks go to b%u", x->n_args,
		      b->n_preds, b->id);
		return;
	}
	for (u32 i = 0; i < x->n_args; i++) {
		u32 at = labels[i]->mark - 1;

		if (at >= b->n_preds || b->preds[at] != labels[i] || args[at]) {
			wrong(p, x->span, "b%u does not go to b%u, or the phi names it twice",
			      labels[i]->id, b->id);
			return;
		}
		args[at] = x->args[i];
	}
	x->args = args;
}

static void finish_phis(struct parser *p)
{
	for (struct ir_block *b = p->fn->first; b; b = b->next) {
		order_preds(b);
		for (u32 i = 0; i < b->n_preds; i++)
			b->preds[i]->mark = i + 1;
		for (struct ir_ins *x = b->first; x; x = x->next)
			if (x->op == IR_PHI)
				order_phi(p, x);
	}
}

static void finish_function(struct parser *p)
{
	report_missing(p);
	if (!p->fn->first)
		wrong(p, p->fn->span, "this function has no blocks");
	if (p->failed)
		return;
	number_function(p);
	link_preds(p->fn);
	finish_phis(p);
	for (struct ir_block *b = p->fn->first; b; b = b->next)
		b->mark = 0;
}

static bool body_line(struct parser *p)
{
	u64 n;

	if (p->tok.kind == IR_T_WORD && is_block_name(p->tok.text, &n))
		return label(p);
	return instruction(p);
}

/* head, lines, } */
static void function(struct parser *p)
{
	struct span at = p->tok.span;
	bool failed = p->failed;

	p->failed = false;
	p->gen++;
	p->mentioned_values.n = p->mentioned_blocks.n = 0;
	p->at = NULL;
	p->fn = ir_fn_new(p->m, STR(""), IR_STATIC, 0, 0);
	p->fn->span = at;
	if (!head(p))
		skip_line(p);
	for (;;) {
		while (p->tok.kind == IR_T_LINE)
			next(p);
		if (p->tok.kind == IR_T_END || is_punct(p, '}'))
			break;
		if (!body_line(p))
			skip_line(p);
	}
	if (accept(p, '}')) {
		if (!end_line(p))
			skip_line(p);
	} else {
		wrong(p, at, "this function has no '}'");
	}
	finish_function(p);
	p->failed |= failed;
}

/* ---- modules --------------------------------------------------------------------------------- */

static void check_functions(struct parser *p)
{
	struct span at;
	str why;

	for (u32 i = 0; i < p->m->fns.n; i++)
		if (!ir_check_at(p->m->fns.at[i], &why, &at))
			wrong(p, at, STR_FMT, STR_ARG(why));
}

struct ir_module *ir_parse(struct arena *a, struct diags *dx, const struct source *src)
{
	struct parser p = { .a = a, .dx = dx, .lex = { .a = a, .src = src } };

	p.m = ir_module_new(a);
	next(&p);
	while (p.tok.kind != IR_T_END) {
		if (p.tok.kind == IR_T_LINE) {
			next(&p);
		} else if (accept_word(&p, "sym")) {
			if (!symbol_line(&p))
				skip_line(&p);
		} else if (accept_word(&p, "pointer")) {
			if (!pointer_line(&p))
				skip_line(&p);
		} else if (accept_word(&p, "fn")) {
			function(&p);
		} else {
			expected(&p, "sym, pointer or fn");
			skip_line(&p);
		}
	}
	if (!p.failed)
		check_functions(&p);
	return p.failed ? NULL : p.m;
}
