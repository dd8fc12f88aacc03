/* dump: tokens and tree of a script as text, for tests and `skep dump --stage tokens|ast`.
 *
 * Tokens: line:column kind text. Tree: one node a line, indented by depth, with the type of
 * expressions behind a colon.
 */
#include "btfront/ast.h"

/* ---- tokens --------------------------------------------------------------------------------- */

bool bt_dump_tokens(const struct bt_options *o, struct source *src, struct sbuf *out)
{
	static const char *const kinds[] = { "eof",	"bad",	  "probe",    "directive", "name",
					     "integer", "string", "variable", "parameter", "map" };
	struct bt_toks toks = { 0 };
	u32 before = o->dx->n_errors;

	if (!src)
		return false;
	bt_lex(o->a, o->dx, src, &toks);
	for (u32 i = 0; i < toks.list.n; i++) {
		const struct bt_tok *t = &toks.list.at[i];
		struct place at = sources_place(o->ss, t->span.lo);

		sbuf_printf(out, "%u:%u %s", at.line, at.col,
			    t->kind < ARRAY_LEN(kinds) ? kinds[t->kind] : "punctuation");
		if (t->kind == T_STR) {
			sbuf_putc(out, ' ');
			sbuf_quote(out, t->text);
		} else if (t->kind == T_INT) {
			sbuf_printf(out, " %llu", (unsigned long long)t->value);
		} else if (t->kind != T_EOF) {
			sbuf_printf(out, " " STR_FMT, STR_ARG(t->text));
		}
		sbuf_putc(out, '\n');
	}
	return o->dx->n_errors == before;
}

/* ---- types ---------------------------------------------------------------------------------- */

static void put_type(struct sbuf *out, const struct bt_type *t);

static void put_parts(struct sbuf *out, const struct bt_tuple *t)
{
	sbuf_putc(out, '(');
	for (u32 i = 0; i < t->n; i++) {
		sbuf_puts(out, i ? ", " : "");
		if (t->names)
			sbuf_printf(out, STR_FMT "=", STR_ARG(t->names[i]));
		put_type(out, &t->types[i]);
	}
	sbuf_putc(out, ')');
}

static void put_type(struct sbuf *out, const struct bt_type *t)
{
	static const char *const names[] = {
		[BT_UNKNOWN] = "?",
		[BT_BAD] = "error",
		[BT_VOID] = "void",
		[BT_KSYM] = "ksym",
		[BT_KSTACK] = "kstack",
		[BT_MAC] = "mac",
		[BT_USERNAME] = "username",
		[BT_TIMESTAMP] = "timestamp",
		[BT_CGROUP_PATH] = "cgroup_path",
		[BT_INET] = "inet",
		[BT_USYM] = "usym",
		[BT_USTACK] = "ustack",
		[BT_STRERROR] = "strerror",
		[BT_SYSCALL] = "syscall_name",
		[BT_ARGS] = "args",
	};

	switch (t->kind) {
	case BT_INT:
		if (t->is_bool)
			sbuf_puts(out, "bool");
		else if (t->is_literal)
			sbuf_puts(out, "literal");
		else
			sbuf_printf(out, "%sint%u", t->is_signed ? "" : "u", t->bytes * 8);
		break;
	case BT_PTR:
		if (t->c)
			ty_print(out, t->c);
		sbuf_puts(out, t->c ? " *" : "pointer");
		break;
	case BT_STRING: sbuf_printf(out, "string[%u]", t->size); break;
	case BT_BUFFER: sbuf_printf(out, "buffer[%u]", t->size - 8); break;
	case BT_STRUCT:
	case BT_ARRAY: ty_print(out, t->c); break;
	case BT_TUPLE: put_parts(out, t->tuple); break;
	case BT_AGG: sbuf_puts(out, bt_show_name((enum obj_show)t->agg)); break;
	default: sbuf_puts(out, names[t->kind]); break;
	}
}

/* ---- tree ----------------------------------------------------------------------------------- */

static void put_expr(struct sbuf *out, const struct bt_expr *e, u32 depth);

static void put_label(struct sbuf *out, const struct bt_expr *e)
{
	switch (e->kind) {
	case EX_BAD: sbuf_puts(out, "bad"); break;
	case EX_INT:
		if (e->is_negative)
			sbuf_printf(out, "int %lld", (long long)e->value);
		else
			sbuf_printf(out, "int %llu", (unsigned long long)e->value);
		break;
	case EX_STR:
		sbuf_puts(out, "string ");
		sbuf_quote(out, e->name);
		break;
	case EX_VAR:
	case EX_PARAM: sbuf_printf(out, STR_FMT, STR_ARG(e->name)); break;
	case EX_MAP: sbuf_printf(out, "map " STR_FMT, STR_ARG(e->name)); break;
	case EX_NAME: sbuf_printf(out, "builtin " STR_FMT, STR_ARG(e->name)); break;
	case EX_CALL: sbuf_printf(out, "call " STR_FMT, STR_ARG(e->name)); break;
	case EX_UNARY: sbuf_printf(out, "unary %s", bt_tok_name(e->op)); break;
	case EX_BINARY: sbuf_puts(out, bt_tok_name(e->op)); break;
	case EX_COND: sbuf_puts(out, "?:"); break;
	case EX_CAST: sbuf_puts(out, "cast"); break;
	case EX_INDEX: sbuf_puts(out, "element"); break;
	case EX_DEREF: sbuf_puts(out, "at"); break;
	case EX_ADDR: sbuf_puts(out, "address"); break;
	case EX_TUPLE: sbuf_puts(out, "tuple"); break;
	case EX_BLOCK: sbuf_puts(out, "block"); break;
	case EX_SIZEOF: sbuf_puts(out, "sizeof"); break;
	case EX_OFFSETOF: sbuf_printf(out, "offsetof " STR_FMT, STR_ARG(e->name)); break;
	case EX_INCDEC:
		sbuf_printf(out, "%s %s", e->is_post ? "post" : "pre", bt_tok_name(e->op));
		break;
	case EX_FIELD: sbuf_printf(out, "member " STR_FMT, STR_ARG(e->name)); break;
	case EX_NOT_YET: sbuf_printf(out, "not yet: " STR_FMT, STR_ARG(e->name)); break;
	}
}

static void put_expr(struct sbuf *out, const struct bt_expr *e, u32 depth)
{
	if (!e)
		return;
	sbuf_pad(out, ' ', depth * 2);
	put_label(out, e);
	if (e->type.kind != BT_UNKNOWN) {
		sbuf_puts(out, " : ");
		put_type(out, &e->type);
	}
	sbuf_putc(out, '\n');
	put_expr(out, e->a, depth + 1);
	put_expr(out, e->b, depth + 1);
	put_expr(out, e->c, depth + 1);
	for (u32 i = 0; i < e->n_args; i++)
		put_expr(out, e->args[i], depth + 1);
}

static const char *statement(const struct bt_stmt *s)
{
	static const char *const names[] = {
		[ST_BAD] = "bad",	  [ST_EXPR] = "do",	  [ST_LET] = "let",
		[ST_IF] = "if",		  [ST_BLOCK] = "block",	  [ST_RETURN] = "return",
		[ST_WHILE] = "while",	  [ST_UNROLL] = "unroll", [ST_FOR_RANGE] = "for range",
		[ST_FOR_MAP] = "for map", [ST_BREAK] = "break",	  [ST_CONTINUE] = "continue",
	};

	return (u32)s->kind < ARRAY_LEN(names) && names[s->kind] ? names[s->kind] : "not yet";
}

static void put_stmts(struct sbuf *out, const struct bt_stmt *s, u32 depth)
{
	for (; s; s = s->next) {
		sbuf_pad(out, ' ', depth * 2);
		if (s->kind != ST_ASSIGN)
			sbuf_printf(out, "%s\n", statement(s));
		else
			sbuf_printf(out, s->op == T_SET ? "set\n" : "set %s=\n",
				    bt_tok_name(s->op));
		put_expr(out, s->target, depth + 1);
		put_expr(out, s->value, depth + 1);
		put_expr(out, s->until, depth + 1);
		put_stmts(out, s->body, depth + 1);
		if (s->other) {
			sbuf_pad(out, ' ', depth * 2);
			sbuf_puts(out, "else\n");
			put_stmts(out, s->other, depth + 1);
		}
	}
}

static void put_map(struct sbuf *out, const struct bt_map *m)
{
	sbuf_printf(out, "map " STR_FMT, STR_ARG(m->name));
	bool is_keyed = m->is_known && m->key.kind != BT_VOID;

	if (is_keyed)
		sbuf_putc(out, '[');
	for (u32 i = 0; is_keyed && m->key.kind == BT_TUPLE && i < m->key.tuple->n; i++) {
		sbuf_puts(out, i ? ", " : "");
		put_type(out, &m->key.tuple->types[i]);
	}
	if (is_keyed && m->key.kind != BT_TUPLE)
		put_type(out, &m->key);
	sbuf_puts(out, is_keyed ? "] : " : " : ");
	put_type(out, &m->value);
	sbuf_putc(out, '\n');
}

void bt_dump_ast(const struct bt_unit *u, struct sbuf *out)
{
	for (u32 i = 0; i < u->maps.n; i++)
		put_map(out, u->maps.at[i]);
	for (const struct bt_clause *c = u->first; c; c = c->next) {
		for (u32 i = 0; i < c->n_points; i++) {
			str text = bt_point_text(u->o.a, &u->points.at[c->first_point + i]);

			sbuf_printf(out, "probe " STR_FMT "\n", STR_ARG(text));
		}
		for (u32 i = 0; i < c->vars.n; i++) {
			sbuf_printf(out, "  variable " STR_FMT " : ", STR_ARG(c->vars.at[i]->name));
			put_type(out, &c->vars.at[i]->type);
			sbuf_putc(out, '\n');
		}
		if (c->pred) {
			sbuf_puts(out, "  if\n");
			put_expr(out, c->pred, 2);
		}
		if (c->body)
			put_stmts(out, c->body->body, 1);
	}
}
