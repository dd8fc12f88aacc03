/* cpart: the C part of a script.
 *
 * Directives and definitions of C types stand in front of the probes. Room cfront reads them: from a
 * copy of the script's text in which everything else is blank, so that lines and columns of its
 * messages are those of the script. What it found is asked by name later: types, enumerators, and
 * object-like macros, whose text is read as an expression of this language where it is used.
 *
 * A script without a C part costs nothing here. Kernel headers that it includes need not exist:
 * BTF has the types, cfront's tables the constants.
 */
#include <string.h>

#include "btfront/ast.h"
#include "cfront/cfront.h"

static bool is_c_word(str x)
{
	return str_is(x, "struct") || str_is(x, "union") || str_is(x, "enum") ||
	       str_is(x, "typedef");
}

/* From the first token of a definition to its last. */
static const struct bt_tok *end_of_definition(const struct bt_tok *t)
{
	bool is_typedef = str_is(t->text, "typedef");
	u32 open = 0;

	for (; t[1].kind != T_EOF && t[1].kind != T_PROBE && t[1].kind != T_DIRECTIVE; t++) {
		if (t->kind == T_LBRACE)
			open++;
		else if (t->kind == T_RBRACE && open)
			open--;
		if (open)
			continue;
		if (t->kind == T_SEMI)
			break;
		if (t->kind == T_RBRACE && !is_typedef && t[1].kind != T_SEMI &&
		    !(t[1].kind == T_IDENT && str_is(t[1].text, "__attribute__")))
			break;
	}
	return t;
}

struct copy {
	struct bt_unit *u;
	char *text;
	bool any;
};

static void keep(struct copy *c, struct span s)
{
	u32 from = s.lo - c->u->src->base;

	memcpy(c->text + from, c->u->src->text.s + from, s.hi - s.lo);
	c->any = true;
}

/* Headers of the C library have nothing that a script needs beside constants that are known anyway. */
static bool is_library_header(str line)
{
	static const char *const folders[] = {
		"sys/", "netinet/", "arpa/", "bits/", "net/", "asm/"
	};
	int open = str_find(line, '<', 0);

	line = str_trim(str_sub(line, 1, line.n));
	if (open < 0 || !str_starts(line, "include"))
		return false;
	line = str_trim(str_sub(line, 7, line.n));
	for (u32 i = 0; i < ARRAY_LEN(folders); i++)
		if (line.n && line.s[0] == '<' && str_starts(str_sub(line, 1, line.n), folders[i]))
			return true;
	return false;
}

/* A definition without its semicolon gets one: C wants it. */
static void keep_definition(struct copy *c, const struct bt_tok *from, const struct bt_tok *to)
{
	u32 end = to->span.hi - c->u->src->base;

	keep(c, span_join(from->span, to->span));
	if (to->kind != T_SEMI && end < c->u->src->text.n && c->text[end] != '\n')
		c->text[end] = ';';
	else if (to->kind != T_SEMI)
		c->text[end - 1] = ';', c->text[end - 2] = '}';
}

static str copy_of_c(struct bt_unit *u, const struct bt_toks *toks, bool *out_any)
{
	struct copy c = { .u = u };
	str text = u->src->text;
	const struct bt_tok *t = toks->list.at;

	c.text = str_z(u->o.a, text);
	for (u32 i = 0; i < text.n; i++)
		if (c.text[i] != '\n' && c.text[i] != '\t')
			c.text[i] = ' ';
	for (; t->kind != T_EOF && t->kind != T_PROBE; t++) {
		const struct bt_tok *end = t;

		if (t->kind == T_DIRECTIVE) {
			if (!is_library_header(t->text))
				keep(&c, t->span);
		} else if (t->kind == T_IDENT && is_c_word(t->text)) {
			end = end_of_definition(t);
			keep_definition(&c, t, end);
		}
		t = end;
	}
	*out_any = c.any;
	return (str){ c.text, text.n };
}

void bt_read_c(struct bt_unit *u, const struct bt_toks *toks)
{
	static const str defines[] = { { "BPFTRACE_HAVE_BTF=1", 19 } };
	struct cf_options *o;
	struct source *src;
	bool any, has_btf;
	str text = copy_of_c(u, toks, &any);

	if (!any)
		return;
	src = sources_add(u->o.ss, u->src->name, text);
	if (!src)
		return;
	has_btf = !u->o.machine || probes_has(u->o.machine, PROBES_HAS_BTF);
	o = arena_new_of(u->o.a, struct cf_options);
	*o = (struct cf_options){ .a = u->o.a,
				  .dx = u->o.dx,
				  .ss = u->o.ss,
				  .types = u->o.types,
				  .machine = u->o.machine,
				  .btf = u->o.btf,
				  .btf_arg = u->o.btf_arg,
				  .defines = defines,
				  .n_defines = has_btf ? 1 : 0,
				  .include_dirs = u->o.include_dirs,
				  .n_include_dirs = u->o.n_include_dirs };
	u->c = cf_parse(o, src);
}
