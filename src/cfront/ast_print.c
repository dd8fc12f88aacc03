/* ast_print.c: the typed tree as text, for `skep dump --stage ast` and golden tests.
 *
 * One node a line, two blanks a level: its kind, what distinguishes it, a colon and its type. Children follow
 * in the order of evaluation as written. Everything that the lowering reads of a node is shown, so that two
 * equal dumps mean equal programs; places are not.
 */
#include "cfront/parse.h"

struct printer {
	struct sbuf *out;
	u32 indent;
};

static void expr(struct printer *p, const struct cf_expr *e);
static void stmt(struct printer *p, const struct cf_stmt *s);

static void line(struct printer *p, const char *word)
{
	sbuf_pad(p->out, ' ', p->indent * 2);
	sbuf_puts(p->out, word);
}

static void type(struct printer *p, const struct type *ty)
{
	sbuf_puts(p->out, ": ");
	ty_print(p->out, ty);
	sbuf_putc(p->out, '\n');
}

static void name(struct printer *p, str x)
{
	sbuf_putc(p->out, ' ');
	sbuf_put(p->out, x.n ? x : STR("(unnamed)"));
}

/* ---- expressions ----------------------------------------------------------------------------- */

static const char *const kind_names[] = {
	[EX_CONST] = "const",
	[EX_STRING] = "string",
	[EX_SYM] = "sym",
	[EX_MEMBER] = "member",
	[EX_DEREF] = "deref",
	[EX_ADDR] = "addr",
	[EX_DECAY] = "decay",
	[EX_CAST] = "cast",
	[EX_LOAD] = "load",
	[EX_UNARY] = "unary",
	[EX_BINARY] = "binary",
	[EX_COMPARE] = "compare",
	[EX_AND] = "and",
	[EX_OR] = "or",
	[EX_COND] = "cond",
	[EX_ASSIGN] = "assign",
	[EX_ASSIGN_OP] = "assign_op",
	[EX_INCDEC] = "incdec",
	[EX_COMMA] = "comma",
	[EX_CALL] = "call",
	[EX_HELPER] = "helper",
	[EX_PRINTK] = "printk",
	[EX_MAP_CALL] = "map_call",
	[EX_COMPOUND] = "compound",
	[EX_STMT] = "stmt",
	[EX_BUILTIN] = "builtin",
	[EX_BSWAP] = "bswap",
	[EX_REGS] = "regs",
	[EX_ATOMIC] = "atomic",
};
static const char *const method_names[MM_N] = {
	"lookup",	  "update",    "delete",	   "insert", "lookup_or_try_init",
	"lookup_or_init", "increment", "atomic_increment",
};
static const char *const builtin_names[BI_N] = {
	"memcpy",
	"memset",
	"memcmp",
	"expect",
	"unreachable",
	"trap",
	"preserve_access",
	"clz",
	"ctz",
	"popcount",
	"offsetof",
	"memmove",
	"strncmp",
	"parity",
	"ffs",
	"clrsb",
	"abs",
	"log2",
	"log2_plus_1",
	"add_overflow",
	"sub_overflow",
	"mul_overflow",
	"atomic_load",
	"atomic_store",
	"compare_exchange",
	"barrier",
	"missing",
};

static void op(struct printer *p, u32 op_token)
{
	if (op_token < 256)
		sbuf_printf(p->out, " %c", (int)op_token);
	else
		sbuf_printf(p->out, " %s", lex_punct_text(op_token));
}

/* What stands between the kind of a node and its type. */
static void details(struct printer *p, const struct cf_expr *e)
{
	switch (e->kind) {
	case EX_CONST:
		if (ty_is_int(e->type) && !ty_signed(e->type))
			sbuf_printf(p->out, " %llu", (unsigned long long)e->value);
		else
			sbuf_printf(p->out, " %lld", (long long)e->value);
		break;
	case EX_STRING:
	case EX_PRINTK:
		sbuf_putc(p->out, ' ');
		sbuf_quote(p->out, e->bytes);
		break;
	case EX_SYM: name(p, e->sym->name); break;
	case EX_MEMBER:
		name(p, e->member->name);
		sbuf_printf(p->out, " at %u", e->bit_off / 8);
		if (e->bits)
			sbuf_printf(p->out, ":%u bits %u", e->bit_off % 8, e->bits);
		break;
	case EX_UNARY:
	case EX_BINARY:
	case EX_COMPARE: op(p, e->op); break;
	case EX_ASSIGN_OP:
		op(p, e->op);
		sbuf_puts(p->out, " in ");
		ty_print(p->out, e->compute);
		break;
	case EX_INCDEC:
		op(p, e->op);
		sbuf_puts(p->out, e->is_post ? " after" : " before");
		break;
	case EX_HELPER: sbuf_printf(p->out, " %s", e->helper->name); break;
	case EX_MAP_CALL:
		name(p, e->sym->name);
		sbuf_printf(p->out, ".%s", method_names[e->method]);
		break;
	case EX_BUILTIN: sbuf_printf(p->out, " %s", builtin_names[e->builtin]); break;
	case EX_BSWAP: sbuf_printf(p->out, " %u", e->bits); break;
	case EX_REGS: sbuf_printf(p->out, " %lld", (long long)e->value); break;
	case EX_ATOMIC: sbuf_printf(p->out, " 0x%x", (unsigned)e->atomic); break;
	default: break;
	}
}

static void init(struct printer *p, const struct cf_init *x)
{
	for (u32 i = 0; i < x->parts.n; i++) {
		const struct cf_init_part *part = &x->parts.at[i];

		line(p, "at ");
		sbuf_printf(p->out, "%llu", (unsigned long long)part->off);
		if (part->bits)
			sbuf_printf(p->out, ":%u bits %u", part->bit_off, part->bits);
		type(p, part->type);
		p->indent++;
		expr(p, part->value);
		p->indent--;
	}
}

static void expr(struct printer *p, const struct cf_expr *e)
{
	line(p, kind_names[e->kind]);
	details(p, e);
	type(p, e->type);
	p->indent++;
	if (e->a)
		expr(p, e->a);
	if (e->b)
		expr(p, e->b);
	if (e->c)
		expr(p, e->c);
	for (u32 i = 0; i < e->n_args; i++)
		expr(p, e->args[i]);
	if (e->init)
		init(p, e->init);
	if (e->body)
		stmt(p, e->body);
	p->indent--;
}

/* ---- statements ------------------------------------------------------------------------------ */

static void variable(struct printer *p, const struct cf_sym *s)
{
	if (s->storage == SS_STATIC)
		sbuf_puts(p->out, " static");
	if (s->storage == SS_EXTERN)
		sbuf_puts(p->out, " extern");
	name(p, s->name);
	if (s->align)
		sbuf_printf(p->out, " align %u", s->align);
	if (s->section.n)
		sbuf_printf(p->out, " section \"" STR_FMT "\"", STR_ARG(s->section));
	type(p, s->type);
	p->indent++;
	if (s->init)
		init(p, s->init);
	p->indent--;
}

static const char *const stmt_names[] = {
	[ST_EXPR] = "expr",	  [ST_DECL] = "decl",	  [ST_BLOCK] = "block",
	[ST_IF] = "if",		  [ST_WHILE] = "while",	  [ST_DO] = "do",
	[ST_FOR] = "for",	  [ST_SWITCH] = "switch", [ST_CASE] = "case",
	[ST_DEFAULT] = "default", [ST_BREAK] = "break",	  [ST_CONTINUE] = "continue",
	[ST_GOTO] = "goto",	  [ST_LABEL] = "label",	  [ST_RETURN] = "return",
	[ST_EMPTY] = "empty",	  [ST_ASM] = "asm",
};

static void list(struct printer *p, const struct cf_stmt *s)
{
	for (; s; s = s->next)
		stmt(p, s);
}

/* A child under a word that tells it from the others. */
static void part(struct printer *p, const char *word, const struct cf_expr *e,
		 const struct cf_stmt *s)
{
	if (!e && !s)
		return;
	line(p, word);
	sbuf_putc(p->out, '\n');
	p->indent++;
	if (e)
		expr(p, e);
	if (s)
		stmt(p, s);
	p->indent--;
}

static void stmt(struct printer *p, const struct cf_stmt *s)
{
	line(p, stmt_names[s->kind]);
	if (s->kind == ST_DECL) {
		variable(p, s->sym);
		return;
	}
	if (s->label.n)
		name(p, s->label);
	if (s->kind == ST_CASE)
		sbuf_printf(p->out, " %lld", (long long)s->lo);
	if (s->kind == ST_CASE && s->hi != s->lo)
		sbuf_printf(p->out, " to %lld", (long long)s->hi);
	if (s->unroll)
		sbuf_printf(p->out, " unroll %d", (int)s->unroll);
	sbuf_putc(p->out, '\n');
	p->indent++;
	if (s->kind == ST_FOR) {
		part(p, "init", NULL, s->other);
		part(p, "test", s->e, NULL);
		part(p, "step", s->e2, NULL);
		part(p, "body", NULL, s->body);
	} else if (s->kind == ST_DO) {
		part(p, "body", NULL, s->body);
		part(p, "test", s->e, NULL);
	} else {
		if (s->e)
			expr(p, s->e);
		if (s->kind == ST_BLOCK)
			list(p, s->body);
		else if (s->body)
			stmt(p, s->body);
		part(p, "else", NULL, s->other);
	}
	p->indent--;
}

/* ---- units ----------------------------------------------------------------------------------- */

static void map(struct printer *p, const struct cf_sym *s)
{
	const struct cf_map *m = s->map;
	const struct isa_kind *kind = m ? isa_map_kind(m->type) : NULL;

	name(p, s->name);
	sbuf_printf(p->out, ": %s", kind ? kind->name : "?");
	if (m && m->key) {
		sbuf_puts(p->out, " key ");
		ty_print(p->out, m->key);
	}
	if (m && m->value) {
		sbuf_puts(p->out, " value ");
		ty_print(p->out, m->value);
	}
	if (m)
		sbuf_printf(p->out, " sizes %u %u entries %u", m->key_size, m->value_size,
			    m->max_entries);
	if (m && m->flags)
		sbuf_printf(p->out, " flags 0x%x", m->flags);
	if (m && m->pin.n)
		sbuf_printf(p->out, " pin \"" STR_FMT "\"", STR_ARG(m->pin));
	sbuf_putc(p->out, '\n');
}

static void function(struct printer *p, const struct cf_sym *s)
{
	static const struct {
		const char *word;
		size_t off;
	} flags[] = {
		{ " static", offsetof(struct cf_sym, is_static) },
		{ " inline", offsetof(struct cf_sym, is_inline) },
		{ " always_inline", offsetof(struct cf_sym, always_inline) },
		{ " noinline", offsetof(struct cf_sym, noinline) },
		{ " weak", offsetof(struct cf_sym, is_weak) },
	};

	for (u32 i = 0; i < ARRAY_LEN(flags); i++)
		if (*(const bool *)((const char *)s + flags[i].off))
			sbuf_puts(p->out, flags[i].word);
	name(p, s->name);
	if (s->section.n)
		sbuf_printf(p->out, " section \"" STR_FMT "\"", STR_ARG(s->section));
	if (s->has_want) {
		sbuf_puts(p->out, " event ");
		probes_print(p->out, &s->want);
	}
	type(p, s->type);
	p->indent++;
	for (u32 i = 0; i < s->params.n; i++) {
		line(p, s->params.at[i]->is_ctx ? "ctx" : "param");
		name(p, s->params.at[i]->name);
		type(p, s->params.at[i]->type);
	}
	if (s->body)
		stmt(p, s->body);
	p->indent--;
}

void cf_dump_ast(const struct cf_unit *u, struct sbuf *out)
{
	struct printer p = { .out = out };

	if (u->license.n)
		sbuf_printf(out, "license \"" STR_FMT "\"\n", STR_ARG(u->license));
	for (const struct cf_sym *s = u->first; s; s = s->next) {
		switch (s->kind) {
		case SYM_MAP:
			line(&p, "map");
			map(&p, s);
			break;
		case SYM_VAR:
			line(&p, "variable");
			variable(&p, s);
			break;
		case SYM_FUNC:
			line(&p, "function");
			function(&p, s);
			break;
		default: break;
		}
	}
}
