/* Unit tests of ir: symbols, the builder, the text form both ways, edges and dominators. */
#include "ir/ir.h"

#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

struct fixture {
	struct arena *a;
	struct sources ss;
	struct diags dx;
	struct ir_module *m;
};

static void open_fixture(struct fixture *f)
{
	f->a = arena_new(NULL);
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
	f->m = ir_module_new(f->a);
}

static void want_text(const char *name, str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%s:\n--- got\n" STR_FMT "--- want\n%s", name, STR_ARG(got), want);
}

/* NULL and the diagnostics in f->dx when the text is wrong. */
static struct ir_module *parse(struct fixture *f, const char *text)
{
	return ir_parse(f->a, &f->dx, sources_add(&f->ss, STR("t.ir"), str_of(text)));
}

static struct ir_module *parse_right(struct fixture *f, const char *text)
{
	struct ir_module *m = parse(f, text);
	struct sbuf out;

	if (!m) {
		sbuf_init(&out, f->a);
		diags_render(&f->dx, &out, false);
		fail_msg("does not parse:\n" STR_FMT, STR_ARG(sbuf_str(&out)));
	}
	return m;
}

static str printed(struct fixture *f, const struct ir_module *m)
{
	struct sbuf out;

	sbuf_init(&out, f->a);
	ir_print(&out, m);
	return sbuf_str(&out);
}

static void want_good(struct ir_fn *fn)
{
	str why;

	if (!ir_check(fn, &why))
		fail_msg(STR_FMT, STR_ARG(why));
}

/* ---- building -------------------------------------------------------------------------------- */

static void test_symbols(void **state)
{
	struct fixture f;
	u32 map, fn, found;

	(void)state;
	open_fixture(&f);
	map = ir_sym(f.m, IR_SYM_MAP, STR("x"), 7);
	fn = ir_sym(f.m, IR_SYM_FN, STR("x"), 0);
	assert_int_not_equal(map, fn);
	assert_int_equal(ir_sym(f.m, IR_SYM_MAP, STR("x"), 9), map);
	assert_int_equal(f.m->syms.at[map].index, 7);
	assert_int_equal(f.m->syms.n, 2);
	assert_true(ir_sym_find(f.m, IR_SYM_FN, STR("x"), &found));
	assert_int_equal(found, fn);
	assert_false(ir_sym_find(f.m, IR_SYM_DATA, STR("x"), &found));
	arena_free(f.a);
}

/* Parameters, slots and phis find their places; edges enter preds as they are made. */
static void test_builder_places(void **state)
{
	struct fixture f;
	struct ir_builder b = { 0 };
	struct ir_block *entry, *loop, *out;
	struct ir_ins *n, *phi;

	(void)state;
	open_fixture(&f);
	b.fn = ir_fn_new(f.m, STR("f"), IR_STATIC, 2, 32);
	b.at = entry = ir_block_new(b.fn);
	loop = ir_block_new(b.fn);
	out = ir_block_new(b.fn);
	n = ir_const(&b, 32, 0xffffffff);
	ir_jump(&b, loop);
	b.at = loop;
	phi = ir_phi(&b, 32, 2);
	phi->args[0] = n;
	phi->args[1] = ir_binary(&b, IR_ADD, 32, phi, ir_param(&b, 1, 32));
	ir_store(&b, 4, ir_slot(&b, 8, 8), 4, phi->args[1]);
	assert_ptr_equal(ir_param(&b, 1, 32), entry->first);
	ir_param(&b, 0, 64);
	ir_slot(&b, 3, 1);
	ir_if(&b, ir_compare(&b, IR_ULT, phi, n), loop, out);
	assert_true(ir_ended(&b));
	b.at = out;
	assert_false(ir_ended(&b));
	ir_ret(&b, phi);
	want_good(b.fn);
	ir_renumber(b.fn);
	want_text("builder", printed(&f, f.m),
		  "fn f(unknown, unknown) ret 32 static {\n"
		  "b0:\n"
		  "\t%0 = param.32 1\n"
		  "\t%1 = param.64 0\n"
		  "\t%2 = slot.64 8 align 8\n"
		  "\t%3 = slot.64 3 align 1\n"
		  "\t%4 = const.32 -1\n"
		  "\tjump b1\n"
		  "b1:\n"
		  "\t%5 = phi.32 b0: %4, b1: %6\n"
		  "\t%6 = add.32 %5, %0\n"
		  "\tstore 4 [%2 + 4], %6\n"
		  "\t%7 = ult.32 %5, %4\n"
		  "\tif %7 b1, b2\n"
		  "b2:\n"
		  "\tret %5\n"
		  "}\n");
	arena_free(f.a);
}

static void test_builder_shortcuts(void **state)
{
	struct fixture f;
	struct ir_builder b = { 0 };
	struct ir_block *out;
	struct ir_ins *x, *y;

	(void)state;
	open_fixture(&f);
	b.fn = ir_fn_new(f.m, STR("f"), IR_STATIC, 0, 0);
	b.at = ir_block_new(b.fn);
	b.span = (struct span){ 3, 4 };
	out = ir_block_new(b.fn);
	x = ir_const(&b, 64, -1);
	y = ir_const(&b, 32, -1);
	assert_int_equal(ir_const_bits(x), UINT64_MAX);
	assert_int_equal(ir_const_bits(y), UINT32_MAX);
	assert_ptr_equal(ir_extend(&b, true, 64, 64, x), x);
	assert_ptr_equal(ir_extend(&b, false, 32, 32, y), y);
	assert_int_equal(ir_extend(&b, true, 32, 32, x)->op, IR_TRUNC);
	assert_int_equal(ir_extend(&b, true, 32, 64, y)->op, IR_SEXT);
	assert_int_equal(b.at->last->span.lo, 3);
	/* An `if` that cannot choose is a jump. */
	ir_if(&b, x, out, out);
	assert_int_equal(b.at->last->op, IR_JUMP);
	assert_int_equal(out->n_preds, 1);
	arena_free(f.a);
}

/* ---- the text form --------------------------------------------------------------------------- */

/* Every operation and every field that the text has. */
static const char every_op[] = "sym @map:counter_table 0\n"
			       "sym @data:.rodata 2\n"
			       "sym @fn:helper 0\n"
			       "sym @const:\"a \\\"b\\\"\\n\\001\" 0\n"
			       "sym @kfunc:bpf_rdonly_cast 0\n"
			       "sym @kvar:jiffies 1\n"
			       "\n"
			       "fn helper(stack, value) ret 64 global noinline {\n"
			       "b0:\n"
			       "\t%0 = param.64 0 in stack\n"
			       "\t%1 = param.32 1\n"
			       "\t%2 = zext.64 32 %1\n"
			       "\tret %2\n"
			       "}\n"
			       "\n"
			       "fn \"odd name\"() static always_inline {\n"
			       "b7:\n"
			       "\tunreachable\n"
			       "}\n"
			       "\n"
			       "fn main(ctx) ret 32 program 3 guarded {\n"
			       "b0:\n"
			       "\t%1 = param.64 0 in ctx\n"
			       "\t%2 = slot.64 16 align 8\n"
			       "\t%50 = slot.64 168 align 8 ctx\n"
			       "\t%3 = const.64 -9223372036854775808\n"
			       "\t%4 = const.32 -1\n"
			       "\t%5 = undef.32\n"
			       "\t%6 = sym.64 @map:counter_table + 0\n"
			       "\t%7 = sym.64 @data:.rodata + 12 in value\n"
			       "\t%8 = sym.64 @const:\"a \\\"b\\\"\\n\\001\" - 1\n"
			       "\t%9 = sym.64 @kvar:jiffies + 0\n"
			       "\t%10 = copy.32 %4\n"
			       "\t%11 = add.32 %10, %5\n"
			       "\t%12 = neg.64 %3\n"
			       "\t%13 = sext.64 32 %11\n"
			       "\t%14 = trunc.32 %13\n"
			       "\t%15 = bswap.32 16 %14\n"
			       "\t%16 = sge.64 %12, %13\n"
			       "\t%17 = eq.32 %15, %4\n"
			       "\t%18 = load.32 s2 [%2 + 8]\n"
			       "\t%19 = load.64 u8 [%1 - 16] volatile in kernel\n"
			       "\tstore 4 [%2 + 0], %18\n"
			       "\tstore 8 [%2 + 8], %19 volatile\n"
			       "\tzero [%2 + 4] 8 align 4\n"
			       "\tmove [%2 + 0], [%7 - 4] 16 align 1 volatile\n"
			       "\tatomic add 8 [%7 + 0], %3\n"
			       "\t%20 = atomic.32 fetch_xor 4 [%7 + 0], %4\n"
			       "\t%21 = atomic.64 xchg 8 [%7 + 0], %3\n"
			       "\t%22 = atomic.64 cmpxchg 8 [%7 + 8], %3, %21\n"
			       "\t%23 = call.64 bpf_get_current_pid_tgid()\n"
			       "\tcall bpf_map_lookup_elem(%6, %2)\n"
			       "\tcall #99999(%2)\n"
			       "\t%24 = callfn.64 @fn:helper(%2, %4)\n"
			       "\t%25 = kfunc.64 @kfunc:bpf_rdonly_cast(%2, %4)\n"
			       "\tif %16 b2, b1\n"
			       "b2:\n"
			       "\t%30 = phi.32 b4: %31, b0: %17\n"
			       "\t%40 = phi.64 b4: %40, b0: %3\n"
			       "\tif %40 b4, b1\n"
			       "b4:\n"
			       "\t%31 = add.32 %30, %4\n"
			       "\tjump b2\n"
			       "b1:\n"
			       "\t%41 = phi.32 b0: %17, b2: %30\n"
			       "\tret %41\n"
			       "}\n";

static void test_round_trip(void **state)
{
	struct fixture f;
	struct ir_module *m;
	struct ir_fn *fn;

	(void)state;
	open_fixture(&f);
	m = parse_right(&f, every_op);
	want_text("every operation", printed(&f, m), every_op);
	fn = m->fns.at[2];
	assert_int_equal(fn->prog, 3);
	assert_true(fn->guarded);
	assert_int_equal(fn->param_region[0], IR_IN_CTX);
	assert_int_equal(m->syms.at[1].index, 2);
	assert_true(str_eq(m->syms.at[3].name, STR("a \"b\"\n\1")));
	/* A passes' round trip: renumbered text is a fixed point too. */
	ir_renumber(fn);
	want_text("renumbered", printed(&f, parse_right(&f, str_z(f.a, printed(&f, m)))),
		  str_z(f.a, printed(&f, m)));
	arena_free(f.a);
}

/* The example of the manual is what the manual says it is. */
static void test_manual(void **state)
{
	struct fixture f;
	str text, want;
	char *from, *to;

	(void)state;
	open_fixture(&f);
	assert_int_equal(base_read_file(f.a, "docs/ir.md", 1 << 20, &text, NULL), 0);
	from = strstr((char *)text.s, "```\n; One hash map");
	assert_non_null(from);
	from = strchr(from + 4, '\n') + 1;
	to = strstr(from, "```");
	assert_non_null(to);
	want = (str){ from, (u32)(to - from) };
	want_text("docs/ir.md", printed(&f, parse_right(&f, str_z(f.a, want))), str_z(f.a, want));
	arena_free(f.a);
}

/* What may be written more loosely than it is printed. */
static void test_loose_text(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	want_text("loose",
		  printed(&f, parse_right(&f, "; a comment\r\n\n"
					      "fn  f ( ) ret 32 {  ; static by default\n"
					      " b0 : ; entry\n"
					      "\n"
					      "  %1=slot.64 4\n"
					      "%2 = load.32 u4 [%1]\n"
					      "\tzero [%1] 4\n"
					      "%3 = const.32 0xffffffff\n"
					      "%4 = call.64 get_current_pid_tgid ( )\n"
					      "ret %2\n }")),
		  "fn f() ret 32 static {\nb0:\n\t%1 = slot.64 4 align 1\n"
		  "\t%2 = load.32 u4 [%1 + 0]\n\tzero [%1 + 0] 4 align 1\n"
		  "\t%3 = const.32 -1\n\t%4 = call.64 bpf_get_current_pid_tgid()\n"
		  "\tret %2\n}\n");
	arena_free(f.a);
}

#define IN_FN(lines) "fn f() ret 64 {\nb0:\n" lines "}\n"

static void test_parse_errors(void **state)
{
	/* The first diagnostic as line:column and message. */
	static const struct {
		const char *in, *want;
	} cases[] = {
		{ "fun f() {\n", "1:1 expected sym, pointer or fn" },
		{ "\x80", "1:1 expected sym, pointer or fn" },
		{ "sym map:x 0\n", "1:5 expected '@'" },
		{ "sym @mop:x 0\n",
		  "1:6 expected a kind of symbol: map, data, fn, const, kfunc or kvar" },
		{ "sym @map:\"x 0\n", "1:10 this string has no end" },
		{ "sym @map:x\n", "1:11 expected a number" },
		{ "sym @map:x 4294967296\n", "1:12 this number must be at most 4294967295" },
		{ "sym @map:x 0\nsym @map:x 1\n", "2:5 this symbol is declared already" },
		{ "sym @map:x 0 0\n", "1:14 expected the end of the line" },
		{ "fn f(stak) {\n}\n", "1:6 expected the region of a parameter (unknown, ctx, …)" },
		{ "fn f(ctx, ctx, ctx, ctx, ctx, ctx) {\nb0:\n\tret\n}\n",
		  "1:4 function f: it has 6 parameters, but at most 5 fit in registers" },
		{ "fn f() fast {\n}\n", "1:8 expected an attribute of the function, or '{'" },
		{ "fn f() {\n}\n", "1:4 this function has no blocks" },
		{ "fn f() {\nb0:\n\tret\n", "1:4 this function has no '}'" },
		{ "fn f() {\n\tret\n}\n", "2:2 a function begins with a block: b0:" },
		{ IN_FN("\tret %1\n"), "3:6 nothing makes the value %1" },
		{ IN_FN("\tjump b1\n"), "3:7 there is no block b1" },
		{ IN_FN("\tjump 1\n"), "3:7 expected a block (bN)" },
		{ IN_FN("b0:\n"), "3:1 this block begins a second time" },
		{ IN_FN("\t%1 = undef.64\n\t%1 = undef.64\n"),
		  "4:2 this value is made a second time" },
		{ IN_FN("\t%1 = wibble.64\n"), "3:7 there is no operation wibble" },
		{ IN_FN("\t%1 = undef\n"), "3:7 undef needs a width, .32 or .64" },
		{ IN_FN("\t%1 = undef.16\n"), "3:7 a width is .32 or .64" },
		{ IN_FN("\t%1 = undef.\n"), "3:7 a width is .32 or .64" },
		{ IN_FN("\t%1 undef.64\n"), "3:5 expected '='" },
		{ IN_FN("\tundef.64\n"), "3:2 the value of this operation needs a name: %N = …" },
		{ IN_FN("\t%1 = ret\n"), "3:2 this operation gives no value" },
		{ IN_FN("\t%1048576 = undef.64\n"),
		  "3:2 numbers of values and blocks end at 1048575" },
		{ IN_FN("\t%99999999999999999999 = undef.64\n"),
		  "3:2 this is no number that fits 64 bits" },
		{ IN_FN("\t%1 = const.64 9223372036854775808\n"),
		  "3:16 this number must be at most 9223372036854775807" },
		{ IN_FN("\t%1 = const.32 4294967296\n"), "3:16 this number does not fit 32 bits" },
		{ IN_FN("\t%1 = const.64 12ab\n"), "3:16 this is no number that fits 64 bits" },
		{ IN_FN("\t%1 = sym.64 @map:x\n"), "3:14 no symbol @map:x is declared" },
		{ IN_FN("\t%1 = load.64 u16 [%1 + 0]\n"),
		  "3:15 expected the size of the load: u or s and 1, 2, 4 or 8" },
		{ IN_FN("\t%1 = load.64 u8 [%1 * 0]\n"), "3:22 expected a number" },
		{ IN_FN("\t%1 = load.64 u8 [%1 + 0\n"), "3:25 expected ']'" },
		{ IN_FN("\t%1 = undef.64 in heaven\n"), "3:19 expected a region" },
		{ IN_FN("\t%1 = call.64 bpf_get_lost()\n"),
		  "3:15 there is no helper of this name" },
		{ IN_FN("\tcall 14()\n"),
		  "3:7 expected the name of a helper, or # and its number" },
		{ IN_FN("\tatomic nand 8 [%1 + 0], %1\n"),
		  "3:9 expected an atomic operation: add, or, and, xor, fetch_add, fetch_or, "
		  "fetch_and, fetch_xor, xchg or cmpxchg" },
		{ IN_FN("\t%1 = const.64 0\n\tif %1 b1, b2\nb1:\n\tjump b2\nb2:\n"
			"\t%2 = phi.64 b0: %1\n\tret %2\n"),
		  "8:2 this phi has 1 operands, but 2 blocks go to b2" },
		{ IN_FN("\t%1 = const.64 0\n\tif %1 b1, b2\nb1:\n\tjump b2\nb2:\n"
			"\t%2 = phi.64 b0: %1, b0: %1\n\tret %2\n"),
		  "8:2 b0 does not go to b2, or the phi names it twice" },
		{ IN_FN("\t%1 = const.64 0\n\tif %1 b1, b2\nb1:\n\tjump b2\nb2:\n"
			"\t%2 = phi.64 b0: %1, b2: %1\n\tret %2\n"),
		  "8:2 b2 does not go to b2, or the phi names it twice" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct diag *d;
		struct place at;

		open_fixture(&f);
		if (parse(&f, cases[i].in) || !f.dx.list.n)
			fail_msg("case %zu parses: %s", i, cases[i].in);
		d = &f.dx.list.at[0];
		at = sources_place(&f.ss, d->span.lo);
		assert_int_equal(d->tag, E_IR);
		want_text(cases[i].in,
			  str_printf(f.a, "%u:%u " STR_FMT, at.line, at.col, STR_ARG(d->text)),
			  cases[i].want);
		arena_free(f.a);
	}
}

/* One mistake a line, and the parser goes on; no mistakes that follow from mistakes. */
static void test_parse_goes_on(void **state)
{
	struct fixture f;

	(void)state;
	open_fixture(&f);
	assert_null(parse(&f, "sym @nothing:x 0\n"
			      "fn f() ret 64 {\nb0:\n\t%1 = wibble.64 %2 %3\n\tret %1\n}\n"
			      "fn g() ret 64 {\nb0:\n\t%1 = const.64 1\n\tstore 9000 []\n"
			      "\tret %1 %2\n}\n"));
	assert_int_equal(f.dx.n_errors, 4);
	arena_free(f.a);
}

/* Any cut of a good text is either good or diagnosed; nothing crashes. */
static void test_parse_cut_text(void **state)
{
	struct fixture f;

	(void)state;
	for (u32 n = 0; n < sizeof(every_op) - 1; n += 3) {
		open_fixture(&f);
		if (!ir_parse(f.a, &f.dx, sources_add(&f.ss, STR("t.ir"), (str){ every_op, n })))
			assert_true(f.dx.n_errors > 0);
		arena_free(f.a);
	}
}

/* ---- edges ----------------------------------------------------------------------------------- */

static struct ir_block *block_of(struct ir_fn *fn, u32 id)
{
	struct ir_block *b = fn->first;

	while (b && b->id != id)
		b = b->next;
	assert_non_null(b);
	return b;
}

static const char diamond[] = "fn f(unknown) ret 64 static {\n"
			      "b0:\n"
			      "\t%0 = param.64 0\n"
			      "\t%1 = const.64 1\n"
			      "\t%2 = const.64 2\n"
			      "\tif %0 b1, b2\n"
			      "b1:\n"
			      "\tjump b3\n"
			      "b2:\n"
			      "\tif %1 b3, b4\n"
			      "b4:\n"
			      "\tjump b3\n"
			      "b3:\n"
			      "\t%3 = phi.64 b4: %0, b2: %2, b1: %1\n"
			      "\tret %3\n"
			      "}\n";

/* Edges that are gone take their phi arguments along; unreachable blocks go. */
static void test_cfg_build_drops(void **state)
{
	struct fixture f;
	struct ir_fn *fn;
	struct ir_ins *end;

	(void)state;
	open_fixture(&f);
	fn = parse_right(&f, diamond)->fns.at[0];
	end = block_of(fn, 0)->last;
	end->to[0] = block_of(fn, 2);
	ir_cfg_build(fn);
	want_good(fn);
	assert_int_equal(end->op, IR_JUMP);
	f.m = fn->m;
	want_text("dropped", printed(&f, f.m),
		  "fn f(unknown) ret 64 static {\nb0:\n\t%0 = param.64 0\n\t%1 = const.64 1\n"
		  "\t%2 = const.64 2\n\tjump b2\nb2:\n\tif %1 b3, b4\nb4:\n\tjump b3\nb3:\n"
		  "\t%3 = phi.64 b4: %0, b2: %2\n\tret %3\n}\n");
	arena_free(f.a);
}

/* A new edge finds its argument at the end of the phi. */
static void test_cfg_build_adds(void **state)
{
	struct fixture f;
	struct ir_fn *fn;
	struct ir_block *b0, *b3;

	(void)state;
	open_fixture(&f);
	fn = parse_right(&f, diamond)->fns.at[0];
	b0 = block_of(fn, 0);
	b3 = block_of(fn, 3);
	ir_phi_add(b3->first, b0->first);
	b0->last->to[0] = b3;
	ir_cfg_build(fn);
	want_good(fn);
	assert_int_equal(b3->n_preds, 3);
	assert_ptr_equal(b3->preds[2], b0);
	assert_ptr_equal(b3->first->args[2], b0->first);
	arena_free(f.a);
}

static void test_split_and_pred_edits(void **state)
{
	struct fixture f;
	struct ir_fn *fn;
	struct ir_block *b2, *b3, *rest;
	struct ir_builder b = { 0 };

	(void)state;
	open_fixture(&f);
	fn = parse_right(&f, diamond)->fns.at[0];
	b2 = block_of(fn, 2);
	b3 = block_of(fn, 3);
	rest = ir_block_split(b2->last);
	assert_null(b2->last);
	assert_ptr_equal(b2->next, rest);
	b.fn = fn;
	b.at = b2;
	ir_jump(&b, rest);
	want_good(fn);
	assert_ptr_equal(b3->preds[1], rest);
	ir_pred_remove(b3, 1);
	assert_int_equal(b3->first->n_args, 2);
	assert_ptr_equal(b3->preds[1], block_of(fn, 1));
	arena_free(f.a);
}

static void test_replace_and_forward(void **state)
{
	struct fixture f;
	struct ir_fn *fn;
	struct ir_ins *zero, *one, *two, *phi;

	(void)state;
	open_fixture(&f);
	fn = parse_right(&f, diamond)->fns.at[0];
	zero = fn->first->first;
	one = zero->next;
	two = one->next;
	phi = block_of(fn, 3)->first;
	ir_replace_uses(two, one);
	assert_ptr_equal(phi->args[1], one);
	ir_notes_clear(fn);
	one->note = two;
	two->note = zero;
	ir_forward_all(fn);
	for (u32 i = 0; i < 3; i++)
		assert_ptr_equal(phi->args[i], zero);
	ir_remove(one);
	ir_remove(two);
	want_good(fn);
	arena_free(f.a);
}

/* ---- dominators ------------------------------------------------------------------------------ */

/* A function of n blocks whose edges are given as pairs "from to" of digits. */
static struct ir_fn *graph(struct fixture *f, const char *edges, u32 n)
{
	struct ir_builder b = { .fn = ir_fn_new(f->m, STR("g"), IR_STATIC, 0, 0) };
	struct ir_block *blocks[10] = { NULL };
	struct ir_ins *cond;

	for (u32 i = 0; i < n; i++)
		blocks[i] = ir_block_new(b.fn);
	b.at = blocks[0];
	cond = ir_undef(&b, 64);
	for (u32 i = 0; i < n; i++) {
		struct ir_block *to[2] = { NULL, NULL };
		u32 k = 0;

		for (const char *e = edges; *e; e += e[2] ? 3 : 2)
			if ((u32)(e[0] - '0') == i)
				to[k++] = blocks[e[1] - '0'];
		b.at = blocks[i];
		if (k == 2)
			ir_if(&b, cond, to[0], to[1]);
		else if (k == 1)
			ir_jump(&b, to[0]);
		else
			ir_ret(&b, NULL);
	}
	return b.fn;
}

static void test_dominators(void **state)
{
	/* idom of blocks 1, 2, … as digits; `-` is unreachable. */
	static const struct {
		const char *name, *edges;
		u32 n;
		const char *want;
	} cases[] = {
		{ "one block", "", 1, "" },
		{ "line", "01 12 23", 4, "012" },
		{ "diamond", "01 02 13 23", 4, "000" },
		{ "loop", "01 12 13 21", 4, "011" },
		{ "self loop", "01 11 12", 3, "01" },
		{ "irreducible", "01 02 12 21 23", 4, "002" },
		{ "irreducible, both leave", "01 02 12 21 13 23", 4, "000" },
		{ "irreducible ladder", "01 02 13 24 34 43 45 35", 6, "00000" },
		{ "jump into a nested loop", "01 05 12 23 32 34 41 53 46", 7, "000304" },
		{ "unreachable block", "01 21", 3, "0-" },
		{ "layout against flow", "03 32 21", 4, "230" },
	};

	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct fixture f;
		struct ir_fn *fn;
		char got[16] = "";
		u32 n = 0;

		open_fixture(&f);
		fn = graph(&f, cases[i].edges, cases[i].n);
		ir_dom_build(fn);
		for (struct ir_block *b = fn->first->next; b; b = b->next)
			got[n++] = (char)(b->idom ? '0' + b->idom->id : '-');
		want_text(cases[i].name, str_of(got), cases[i].want);
		arena_free(f.a);
	}
}

/* Whether every way from the entry to `b` passes `a`, found by trying to go without `a`. */
static bool passes_always(struct ir_fn *fn, const struct ir_block *a, const struct ir_block *b)
{
	bool changed = true;

	for (struct ir_block *x = fn->first; x; x = x->next)
		x->mark = 0;
	if (fn->first != a)
		fn->first->mark = 1;
	while (changed) {
		changed = false;
		for (struct ir_block *x = fn->first; x; x = x->next)
			for (int k = 0; x->mark && k < 2; k++)
				if (x->last->to[k] && x->last->to[k] != a &&
				    !x->last->to[k]->mark) {
					x->last->to[k]->mark = 1;
					changed = true;
				}
	}
	return !b->mark;
}

/* Pseudo-random graphs: ir_dominates() agrees with the definition. */
static void test_dominates_by_definition(void **state)
{
	u32 seed = 12345;

	(void)state;
	for (u32 round = 0; round < 200; round++) {
		struct fixture f;
		struct ir_fn *fn;
		char edges[64] = "";
		u32 n = 3 + round % 6;

		open_fixture(&f);
		for (u32 i = 0; i < n; i++) {
			u32 len = (u32)strlen(edges);

			seed = seed * 1103515245 + 12345;
			for (u32 k = 0; k < (seed >> 16) % 3; k++) {
				seed = seed * 1103515245 + 12345;
				edges[len++] = (char)('0' + i);
				edges[len++] = (char)('1' + (seed >> 16) % (n - 1));
				edges[len++] = ' ';
			}
		}
		fn = graph(&f, edges, n);
		ir_cfg_build(fn);
		ir_dom_build(fn);
		for (struct ir_block *x = fn->first; x; x = x->next)
			for (struct ir_block *y = fn->first; y; y = y->next)
				if (ir_dominates(x, y) != passes_always(fn, x, y))
					fail_msg("graph %s: b%u and b%u", edges, x->id, y->id);
		want_good(fn);
		arena_free(f.a);
	}
}

/* A chain as long as a hostile text can make it: nothing recurses. */
static void test_deep_graph(void **state)
{
	struct fixture f;
	struct ir_builder b = { 0 };

	(void)state;
	open_fixture(&f);
	b.fn = ir_fn_new(f.m, STR("deep"), IR_STATIC, 0, 0);
	b.at = ir_block_new(b.fn);
	for (u32 i = 0; i < 100000; i++) {
		struct ir_block *to = ir_block_new(b.fn);

		ir_jump(&b, to);
		b.at = to;
	}
	ir_ret(&b, NULL);
	ir_cfg_build(b.fn);
	want_good(b.fn);
	assert_int_equal(b.fn->last->dom_depth, 100000);
	assert_true(ir_dominates(b.fn->first, b.fn->last));
	assert_false(ir_dominates(b.fn->last, b.fn->first));
	arena_free(f.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_symbols),
		cmocka_unit_test(test_builder_places),
		cmocka_unit_test(test_builder_shortcuts),
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_manual),
		cmocka_unit_test(test_loose_text),
		cmocka_unit_test(test_parse_errors),
		cmocka_unit_test(test_parse_goes_on),
		cmocka_unit_test(test_parse_cut_text),
		cmocka_unit_test(test_cfg_build_drops),
		cmocka_unit_test(test_cfg_build_adds),
		cmocka_unit_test(test_split_and_pred_edits),
		cmocka_unit_test(test_replace_and_forward),
		cmocka_unit_test(test_dominators),
		cmocka_unit_test(test_dominates_by_definition),
		cmocka_unit_test(test_deep_graph),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
