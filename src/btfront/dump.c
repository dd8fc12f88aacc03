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

static void put_type(struct sbuf *out, const struct bt_type *t)
{
	switch (t->kind) {
	case BT_UNKNOWN: sbuf_puts(out, "?"); break;
	case BT_BAD: sbuf_puts(out, "error"); break;
	case BT_VOID: sbuf_puts(out, "void"); break;
	case BT_INT:
		if (t->is_literal)
			sbuf_puts(out, "literal");
		else
			sbuf_printf(out, "%sint%u", t->is_signed ? "" : "u", t->bytes * 8);
		break;
	case BT_PTR: sbuf_puts(out, "pointer"); break;
	case BT_STRING: sbuf_printf(out, "string[%u]", t->size); break;
	case BT_ARGS: sbuf_puts(out, "args"); break;
	case BT_AGG: sbuf_puts(out, bt_show_name((enum obj_show)t->agg)); break;
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
	case EX_CAST:
		sbuf_puts(out, "cast ");
		put_type(out, &e->to);
		break;
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

static void put_stmts(struct sbuf *out, const struct bt_stmt *s, u32 depth)
{
	for (; s; s = s->next) {
		sbuf_pad(out, ' ', depth * 2);
		switch (s->kind) {
		case ST_BAD: sbuf_puts(out, "bad\n"); break;
		case ST_EXPR: sbuf_puts(out, "do\n"); break;
		case ST_ASSIGN:
			sbuf_printf(out, s->op == T_SET ? "set\n" : "set %s=\n",
				    bt_tok_name(s->op));
			break;
		case ST_IF: sbuf_puts(out, "if\n"); break;
		case ST_BLOCK: sbuf_puts(out, "block\n"); break;
		case ST_RETURN: sbuf_puts(out, "return\n"); break;
		case ST_NOT_YET:
			sbuf_printf(out, "not yet: " STR_FMT "\n", STR_ARG(s->what));
			break;
		}
		put_expr(out, s->target, depth + 1);
		put_expr(out, s->value, depth + 1);
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
	if (m->n_keys)
		sbuf_putc(out, '[');
	for (u32 i = 0; i < m->n_keys; i++) {
		sbuf_puts(out, i ? ", " : "");
		put_type(out, &m->keys[i]);
	}
	sbuf_puts(out, m->n_keys ? "] : " : " : ");
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
