/* Unit tests of ir_check(): one broken function for each invariant, and what is said about it. */
#include "ir/ir.h"

#include <setjmp.h>
#include <cmocka.h>
#include <string.h>

struct fixture {
	struct arena *a;
	struct sources ss;
	struct diags dx;
};

static void open_fixture(struct fixture *f)
{
	f->a = arena_new(NULL);
	sources_init(&f->ss, f->a);
	diags_init(&f->dx, f->a, &f->ss);
}

static struct ir_module *parse(struct fixture *f, str text)
{
	return ir_parse(f->a, &f->dx, sources_add(&f->ss, STR("t.ir"), text));
}

static void want_text(const char *name, str got, const char *want)
{
	if (!str_is(got, want))
		fail_msg("%s:\n--- got\n" STR_FMT "\n--- want\n%s", name, STR_ARG(got), want);
}

/* ---- what a text can say --------------------------------------------------------------------- */

/* Lines of a function f(unknown) ret 64 behind `%0 = param.64 0` in b0; what is said after
 * "function f: ". */
static const struct {
	const char *name, *body, *want;
} texts[] = {
	{ "no end", "", "b0 has no end (jump, if, ret or unreachable)" },
	{ "end in the middle", "ret %0\nret %0\n",
	  "ret in b0: the end of a block is not its last instruction" },
	{ "empty block", "jump b1\nb1:\n", "b1 has no end (jump, if, ret or unreachable)" },
	{ "back to the entry", "jump b0\n", "jump in b0: nothing may go to the entry block" },
	{ "if without a choice", "if %0 b1, b1\nb1:\nret %0\n",
	  "if in b0: both targets are b1; this must be a jump" },
	{ "phi behind others", "jump b1\nb1:\n%1 = const.64 0\n%2 = phi.64 b0: %0\nret %0\n",
	  "%2 (phi in b1): phis must come first in their block" },
	{ "phi in the entry", "%1 = phi.64 b0: %0\nret %0\n", NULL },
	{ "slot elsewhere", "jump b1\nb1:\n%1 = slot.64 8 align 8\nret %0\n",
	  "%1 (slot in b1): a slot must be in the entry block" },
	{ "late parameter", "%1 = const.64 0\n%2 = param.64 0\nret %0\n",
	  "%2 (param in b0): parameters must come first in the entry block" },
	{ "parameter elsewhere", "jump b1\nb1:\n%2 = param.64 0\nret %0\n",
	  "%2 (param in b1): parameters must come first in the entry block" },
	{ "parameter too many", "%1 = param.64 1\nret %0\n",
	  "%1 (param in b0): the function has no parameter 1" },
	{ "negative parameter", "%1 = param.64 -1\nret %0\n",
	  "%1 (param in b0): the function has no parameter -1" },
	{ "parameter twice", "%1 = param.64 0\nret %0\n",
	  "%1 (param in b0): parameter 0 is there twice" },

	{ "operand count", "%1 = add.64 %0\nret %0\n",
	  "%1 (add in b0): it has 1 operands instead of 2" },
	{ "width of slot", "%1 = slot.32 8 align 8\nret %0\n",
	  "%1 (slot in b0): its width is 32 instead of 64" },
	{ "width of sym", "%1 = sym.32 @map:m + 0\nret %0\n",
	  "%1 (sym in b0): its width is 32 instead of 64" },
	{ "width of trunc", "%1 = trunc.64 %0\nret %0\n",
	  "%1 (trunc in b0): its width is 64 instead of 32" },
	{ "operand width", "%1 = const.32 0\n%2 = add.64 %0, %1\nret %0\n",
	  "%2 (add in b0): operand %1 is 32 bits wide instead of 64" },
	{ "copied width", "%1 = copy.32 %0\nret %0\n",
	  "%1 (copy in b0): operand %0 is 64 bits wide instead of 32" },
	{ "phi width", "jump b1\nb1:\n%1 = phi.32 b0: %0\nret %0\n",
	  "%1 (phi in b1): operand %0 is 64 bits wide instead of 32" },
	{ "compared widths", "%1 = const.32 0\n%2 = ult.64 %0, %1\nret %0\n",
	  "%2 (ult in b0): operand %1 is 32 bits wide instead of 64" },
	{ "truncated width", "%1 = const.32 0\n%2 = trunc.32 %1\nret %0\n",
	  "%2 (trunc in b0): operand %1 is 32 bits wide instead of 64" },
	{ "extended bits", "%1 = sext.64 7 %0\nret %0\n",
	  "%1 (sext in b0): 7 bits is no width that it knows" },
	{ "extended to itself", "%1 = zext.32 32 %0\nret %0\n",
	  "%1 (zext in b0): 32 bits do not fit the width of 32" },
	{ "swapped bits", "%1 = bswap.64 8 %0\nret %0\n",
	  "%1 (bswap in b0): 8 bits is no width that it knows" },
	{ "swapped bits and width", "%1 = bswap.32 64 %0\nret %0\n",
	  "%1 (bswap in b0): 64 bits do not fit the width of 32" },
	{ "swapped operand", "%1 = const.32 0\n%2 = bswap.64 64 %1\nret %0\n",
	  "%2 (bswap in b0): the operand has fewer than 64 bits" },

	{ "load size", "%1 = load.64 u3 [%0 + 0]\nret %0\n",
	  "%1 (load in b0): its size is 3 bytes instead of 1, 2, 4 or 8" },
	{ "load size and width", "%1 = load.32 u8 [%0 + 0]\nret %0\n",
	  "%1 (load in b0): 8 bytes do not fit its width of 32" },
	{ "store size and width", "%1 = const.32 0\nstore 8 [%0 + 0], %1\nret %0\n",
	  "store in b0: operand %1 has no 8 bytes" },
	{ "narrow address", "%1 = const.32 0\n%2 = load.32 u4 [%1 + 0]\nret %0\n",
	  "%2 (load in b0): operand %1 is 32 bits wide instead of 64" },
	{ "narrow source", "%1 = const.32 0\nmove [%0 + 0], [%1 + 0] 8 align 8\nret %0\n",
	  "move in b0: operand %1 is 32 bits wide instead of 64" },
	{ "alignment", "zero [%0 + 0] 8 align 3\nret %0\n",
	  "zero in b0: its alignment is 3 instead of a power of two" },
	{ "slot alignment", "%1 = slot.64 8 align 0\nret %0\n",
	  "%1 (slot in b0): its alignment is 0 instead of a power of two" },
	{ "atomic size", "atomic add 2 [%0 + 0], %0\nret %0\n",
	  "atomic in b0: it has a size of 2 bytes instead of 4 or 8" },
	{ "atomic operands", "%1 = atomic.64 cmpxchg 8 [%0 + 0], %0\nret %0\n",
	  "%1 (atomic in b0): it has 2 operands instead of 3" },
	{ "atomic width", "%1 = atomic.64 xchg 4 [%0 + 0], %0\nret %0\n",
	  "%1 (atomic in b0): its width is 64" },
	{ "atomic without fetch", "%1 = atomic.64 add 8 [%0 + 0], %0\nret %0\n",
	  "%1 (atomic in b0): its width is 64" },
	{ "atomic operand", "%1 = const.32 0\natomic add 8 [%0 + 0], %1\nret %0\n",
	  "atomic in b0: operand %1 is 32 bits wide instead of 64" },
	{ "volatile arithmetic", "%1 = neg.64 %0 volatile\nret %0\n",
	  "%1 (neg in b0): only loads and stores can be volatile" },

	{ "call operands", "call #1(%0, %0, %0, %0, %0, %0)\nret %0\n",
	  "call in b0: it has 6 arguments, but at most 5 fit in registers" },
	{ "kind of callee", "callfn @map:m()\nret %0\n",
	  "callfn in b0: its symbol is of the wrong kind" },
	{ "kind of kfunc", "kfunc @fn:g()\nret %0\n",
	  "kfunc in b0: its symbol is of the wrong kind" },
	{ "kind of sym", "%1 = sym.64 @kfunc:k + 0\nret %0\n",
	  "%1 (sym in b0): its symbol is of the wrong kind" },
	{ "callee that is not there", "callfn @fn:h()\nret %0\n",
	  "callfn in b0: its symbol names function 9 of 2" },
	{ "callee's parameters", "%1 = callfn.32 @fn:g()\nret %0\n",
	  "%1 (callfn in b0): it has 0 arguments instead of 1" },
	{ "callee's parameter width", "%1 = callfn.32 @fn:g(%0)\nret %0\n",
	  "%1 (callfn in b0): operand %0 is 64 bits wide instead of 32" },
	{ "callee's result", "%1 = const.32 0\n%2 = callfn.64 @fn:g(%1)\nret %0\n",
	  "%2 (callfn in b0): its width is 64, but the function returns 32" },
	{ "return nothing", "ret\n", "ret in b0: it has 0 operands instead of 1" },
	{ "return width", "%1 = const.32 0\nret %1\n",
	  "ret in b0: operand %1 is 32 bits wide instead of 64" },

	{ "use before definition", "%1 = neg.64 %2\n%2 = neg.64 %0\nret %1\n",
	  "%1 (neg in b0): operand %2 is made in b0, which is not always passed before" },
	{ "use of itself", "%1 = neg.64 %1\nret %1\n",
	  "%1 (neg in b0): operand %1 is made in b0, which is not always passed before" },
	{ "use behind a branch", "if %0 b1, b2\nb1:\n%1 = neg.64 %0\njump b2\nb2:\nret %1\n",
	  "ret in b2: operand %1 is made in b1, which is not always passed before" },
	{ "phi from the wrong side",
	  "if %0 b1, b2\nb1:\n%1 = neg.64 %0\njump b3\nb2:\njump b3\nb3:\n"
	  "%2 = phi.64 b1: %0, b2: %1\nret %2\n",
	  "%2 (phi in b3): operand %1 is made in b1, which is not always passed before" },
	{ "use in what is never reached", "ret %0\nb1:\n%2 = neg.64 %3\n%3 = neg.64 %2\nret %3\n",
	  NULL },
	{ "phi of its own block's later value",
	  "jump b1\nb1:\n%1 = phi.64 b0: %0, b1: %2\n%2 = neg.64 %1\nif %2 b1, b2\nb2:\n"
	  "ret %2\n",
	  NULL },
};

/* Cases without a message are right, but for one: a phi cannot be in the entry at all, because the
 * parser already misses the preds. */
static void test_texts(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct fixture f;
		struct ir_module *m;

		open_fixture(&f);
		m = parse(&f, str_printf(f.a,
					 "sym @map:m 0\nsym @fn:g 1\nsym @fn:h 9\nsym @kfunc:k 0\n"
					 "fn f(unknown) ret 64 {\nb0:\n%%0 = param.64 0\n%s}\n"
					 "fn g(unknown) ret 32 {\nb0:\n%%0 = param.32 0\nret %%0\n"
					 "}\n",
					 texts[i].body));
		if (!texts[i].want && !strcmp(texts[i].name, "phi in the entry"))
			assert_null(m);
		else if (!texts[i].want && !m)
			fail_msg("%s: " STR_FMT, texts[i].name, STR_ARG(f.dx.list.at[0].text));
		else if (texts[i].want && m)
			fail_msg("%s: nothing was found", texts[i].name);
		else if (texts[i].want)
			want_text(texts[i].name, f.dx.list.at[0].text,
				  str_z(f.a, str_printf(f.a, "function f: %s", texts[i].want)));
		arena_free(f.a);
	}
}

/* ---- what only code can break ---------------------------------------------------------------- */

static const char good[] = "fn f(unknown) ret 64 {\n"
			   "b0:\n"
			   "\t%0 = param.64 0\n"
			   "\t%1 = const.32 5\n"
			   "\tif %1 b1, b2\n"
			   "b1:\n"
			   "\tstore 8 [%0 + 0], %0\n"
			   "\tjump b2\n"
			   "b2:\n"
			   "\t%2 = phi.64 b0: %0, b1: %0\n"
			   "\tret %2\n"
			   "}\n";

static void no_blocks(struct ir_fn *fn)
{
	fn->first = fn->last = NULL;
}
static void many_params(struct ir_fn *fn)
{
	fn->n_params = 6;
}
static void odd_result(struct ir_fn *fn)
{
	fn->ret_width = 16;
}
static void contradiction(struct ir_fn *fn)
{
	fn->noinline = fn->always_inline = true;
}
static void foreign_block(struct ir_fn *fn)
{
	fn->first->next->fn = NULL;
}
static void block_back_link(struct ir_fn *fn)
{
	fn->last->prev = fn->first;
}
static void last_block(struct ir_fn *fn)
{
	fn->last = fn->first;
}
static void block_number(struct ir_fn *fn)
{
	fn->next_block = 2;
}
static void same_blocks(struct ir_fn *fn)
{
	fn->last->id = 1;
}
static void foreign_ins(struct ir_fn *fn)
{
	fn->first->first->block = fn->last;
}
static void ins_back_link(struct ir_fn *fn)
{
	fn->first->first->next->prev = NULL;
}
static void last_ins(struct ir_fn *fn)
{
	fn->first->last = fn->first->first;
}
static void ins_number(struct ir_fn *fn)
{
	fn->next_ins = 2;
}
static void same_ins(struct ir_fn *fn)
{
	fn->first->first->next->id = 0;
}
static void no_target(struct ir_fn *fn)
{
	fn->first->last->to[1] = NULL;
}
static void removed_target(struct ir_fn *fn)
{
	struct ir_block *b = ir_block_new(fn);

	ir_block_remove(b);
	fn->first->last->to[1] = b;
}
static void second_target(struct ir_fn *fn)
{
	fn->first->next->last->to[1] = fn->last;
}
static void stale_pred(struct ir_fn *fn)
{
	fn->last->preds[0] = fn->last;
}
static void double_pred(struct ir_fn *fn)
{
	fn->last->preds[1] = fn->last->preds[0];
}
static void lost_pred(struct ir_fn *fn)
{
	fn->last->n_preds--;
}
static void short_phi(struct ir_fn *fn)
{
	fn->last->first->n_args--;
}
static void null_arg(struct ir_fn *fn)
{
	fn->first->next->first->args[1] = NULL;
}
static void removed_arg(struct ir_fn *fn)
{
	struct ir_ins *x = ir_ins_new(fn, IR_UNDEF, 64, 0);

	fn->first->next->first->args[1] = x;
}
static void void_arg(struct ir_fn *fn)
{
	fn->first->next->first->args[1] = fn->first->next->first;
}
static void odd_width(struct ir_fn *fn)
{
	fn->first->first->width = 16;
}
static void no_width(struct ir_fn *fn)
{
	fn->first->first->next->width = 0;
	fn->first->last->args[0] = fn->first->first;
}
static void store_width(struct ir_fn *fn)
{
	fn->first->next->first->width = 64;
}
static void loose_const(struct ir_fn *fn)
{
	fn->first->first->next->imm = 0xffffffff;
}
static void odd_region(struct ir_fn *fn)
{
	fn->first->first->region = 77;
}
static void context_param(struct ir_fn *fn)
{
	fn->first->first->is_ctx = true;
}
static void helper_number(struct ir_fn *fn)
{
	struct ir_ins *x = ir_ins_new(fn, IR_CALL, 0, 0);

	x->imm = -1;
	ir_insert_before(fn->last->last, x);
}
static void unknown_symbol(struct ir_fn *fn)
{
	struct ir_ins *x = ir_ins_new(fn, IR_SYM, 64, 0);

	x->sym = 3;
	ir_insert_before(fn->last->last, x);
}
static void unknown_atomic(struct ir_fn *fn)
{
	struct ir_ins *x = ir_ins_new(fn, IR_ATOMIC, 0, 2);

	x->args[0] = x->args[1] = fn->first->first;
	x->size = 8;
	x->atomic = 0x20;
	ir_insert_before(fn->last->last, x);
}
static void compared_bytes(struct ir_fn *fn)
{
	struct ir_ins *x = ir_ins_new(fn, IR_EQ, 32, 2);

	x->args[0] = x->args[1] = fn->first->first;
	x->size = 2;
	ir_insert_before(fn->last->last, x);
}
static void compare_width(struct ir_fn *fn)
{
	struct ir_ins *x = ir_ins_new(fn, IR_EQ, 64, 2);

	x->args[0] = x->args[1] = fn->first->first;
	x->size = 8;
	ir_insert_before(fn->last->last, x);
}

static const struct {
	const char *name;
	void (*damage)(struct ir_fn *fn);
	const char *want;
} damages[] = {
	{ "no blocks", no_blocks, "it has no blocks" },
	{ "many parameters", many_params, "it has 6 parameters, but at most 5 fit in registers" },
	{ "odd result", odd_result, "it returns 16 bits instead of 0, 32 or 64" },
	{ "contradiction", contradiction, "it is both always_inline and noinline" },
	{ "foreign block", foreign_block, "the block list is damaged" },
	{ "block's back link", block_back_link, "the block list is damaged" },
	{ "last block", last_block, "the block list is damaged" },
	{ "block number", block_number, "the number of b2 is not below next_block (2)" },
	{ "two blocks of a number", same_blocks, "two blocks have the number 1" },
	{ "foreign instruction", foreign_ins, "the instruction list of b0 is damaged" },
	{ "instruction's back link", ins_back_link, "the instruction list of b0 is damaged" },
	{ "last instruction", last_ins, "the instruction list of b0 is damaged" },
	{ "instruction number", ins_number, "if in b0: the number is not below next_ins (2)" },
	{ "two of a number", same_ins, "%0 (const in b0): two instructions have the number 0" },
	{ "no target", no_target, "if in b0: target 1 is no block of the function" },
	{ "target that was removed", removed_target,
	  "if in b0: target 1 is no block of the function" },
	{ "target too many", second_target, "jump in b1: it must not have target 1" },
	{ "stale pred", stale_pred, "the preds of b2 name a block that does not go there" },
	{ "pred twice", double_pred, "the preds of b2 name b0 twice" },
	{ "lost pred", lost_pred, "b2 has 1 preds, but 2 blocks go there" },
	{ "short phi", short_phi, "%2 (phi in b2): it has 1 operands, but its block 2 preds" },
	{ "operand NULL", null_arg, "store in b1: operand 1 is no instruction of the function" },
	{ "operand that was removed", removed_arg,
	  "store in b1: operand 1 is no instruction of the function" },
	{ "operand without a value", void_arg,
	  "store in b1: operand 1 is an instruction without a value (store)" },
	{ "odd width", odd_width, "%0 (param in b0): its width is 16 instead of 0, 32 or 64" },
	{ "no width", no_width, "const in b0: it needs a width" },
	{ "store with a width", store_width,
	  "%4 (store in b1): it gives no value, so its width must be 0" },
	{ "loose constant", loose_const,
	  "%1 (const in b0): the number is not sign-extended from 32 bits" },
	{ "odd region", odd_region, "%0 (param in b0): there is no region 77" },
	{ "context", context_param, "%0 (param in b0): only a slot can stand for the context" },
	{ "helper number", helper_number, "call in b2: -1 is no number of a helper" },
	{ "unknown symbol", unknown_symbol, "%7 (sym in b2): the module has no symbol 3" },
	{ "unknown atomic", unknown_atomic, "atomic in b2: there is no atomic operation 0x20" },
	{ "compared bytes", compared_bytes,
	  "%7 (eq in b2): it compares 2 bytes instead of 4 or 8" },
	{ "comparison's width", compare_width, "%7 (eq in b2): its width is 64 instead of 32" },
};

static void test_damages(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(damages); i++) {
		struct fixture f;
		struct ir_module *m;
		str why;

		open_fixture(&f);
		m = parse(&f, str_of(good));
		assert_non_null(m);
		ir_renumber(m->fns.at[0]);
		damages[i].damage(m->fns.at[0]);
		if (ir_check(m->fns.at[0], &why))
			fail_msg("%s: nothing was found", damages[i].name);
		want_text(damages[i].name, why,
			  str_z(f.a, str_printf(f.a, "function f: %s", damages[i].want)));
		arena_free(f.a);
	}
}

/* Checking leaves nothing behind but the message. */
static void test_memory(void **state)
{
	struct fixture f;
	struct ir_module *m;
	size_t before;
	str why;

	(void)state;
	open_fixture(&f);
	m = parse(&f, str_of(good));
	before = arena_used(f.a);
	for (u32 i = 0; i < 100; i++)
		assert_true(ir_check(m->fns.at[0], &why));
	assert_true(arena_used(f.a) - before < 100 * 64);
	arena_free(f.a);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_damages),
		cmocka_unit_test(test_memory),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
