/* lower_entry.c: what a program does first.
 *
 * Binds the C parameters to what the engine delivers. Where the event is not the one that the program was
 * written for (probes_binding.adapt), a struct pt_regs is made on the stack that reads as the wanted one would;
 * pass `promote` dissolves it into the few values that the program uses, and pass `ctx` gives helpers
 * the real context instead.
 *
 * Layouts: pt_regs from probes_regs(); raw tracepoint sys_enter is {regs, id}, sys_exit {regs, result}
 * (Linux include/trace/events/syscalls.h: TP_PROTO of both).
 */
#include "cfront/lower.h"

static struct ir_ins *load8(struct lower *l, struct ir_ins *base, s64 off, enum ir_region region)
{
	struct ir_ins *x = ir_load(&l->b, 64, 8, false, base, off);

	x->region = (u8)region;
	return x;
}

static struct ir_ins *new_shadow(struct lower *l)
{
	const struct probes_regs *r = probes_regs();
	struct ir_ins *slot = ir_slot(&l->b, r->size, 8);

	slot->is_ctx = true;
	ir_zero(&l->b, slot, 0, r->size, 8);
	return slot;
}

/* if (nr is none of calls) return 0; and a block for each of them when `arms` is wanted. */
static void leave_unless(struct lower *l, struct ir_ins *nr, struct ir_block **arms)
{
	const struct probes_binding *b = l->binding;
	struct ir_block *body = arms ? NULL : ir_block_new(l->b.fn);

	for (u32 i = 0; i < b->calls.n; i++) {
		struct ir_block *next = ir_block_new(l->b.fn);
		struct ir_ins *same =
			ir_compare(&l->b, IR_EQ, nr, ir_const(&l->b, 64, b->calls.at[i].nr));

		if (arms)
			arms[i] = ir_block_new(l->b.fn);
		ir_if(&l->b, same, arms ? arms[i] : body, next);
		l->b.at = next;
	}
	ir_ret(&l->b, ir_const(&l->b, 32, 0));
	if (body)
		l->b.at = body;
}

static struct ir_ins *shadow_enter(struct lower *l)
{
	struct ir_ins *shadow, *regs;

	leave_unless(l, load8(l, l->ctx, 8, IR_IN_UNKNOWN), NULL);
	shadow = new_shadow(l);
	regs = load8(l, l->ctx, 0, IR_IN_KERNEL);
	ir_store(&l->b, 8, shadow, probes_regs()->arg[0], regs);
	return shadow;
}

static struct ir_ins *shadow_exit(struct lower *l)
{
	const struct probes_regs *r = probes_regs();
	struct ir_ins *regs = load8(l, l->ctx, 0, IR_IN_KERNEL), *shadow;

	leave_unless(l, load8(l, regs, r->nr, IR_IN_UNKNOWN), NULL);
	shadow = new_shadow(l);
	ir_store(&l->b, 8, shadow, r->ret, load8(l, l->ctx, 8, IR_IN_UNKNOWN));
	return shadow;
}

/* Arguments of an inner function out of those of the system call that calls it. */
static struct ir_ins *shadow_equiv(struct lower *l)
{
	const struct probes_regs *r = probes_regs();
	const struct probes_binding *b = l->binding;
	struct ir_block **arms = arena_array_of(l->a, struct ir_block *, b->calls.n);
	struct ir_block *join = ir_block_new(l->b.fn);
	struct ir_ins *shadow = new_shadow(l);

	leave_unless(l, load8(l, l->ctx, 8, IR_IN_UNKNOWN), arms);
	for (u32 i = 0; i < b->calls.n; i++) {
		struct ir_ins *regs;

		l->b.at = arms[i];
		regs = load8(l, l->ctx, 0, IR_IN_KERNEL);
		for (u32 k = 0; k < 6; k++) {
			s32 from = b->calls.at[i].args[k];

			if (from == PROBES_ARG_NONE)
				continue;
			ir_store(&l->b, 8, shadow, r->arg[k],
				 from < 6 ? load8(l, regs, r->sys_arg[from], IR_IN_UNKNOWN)
					  : ir_const(&l->b, 64, from - PROBES_ARG_CONST));
		}
		ir_jump(&l->b, join);
	}
	l->b.at = join;
	return shadow;
}

static struct ir_ins *shadow_args(struct lower *l)
{
	const struct probes_regs *r = probes_regs();
	struct ir_ins *shadow = new_shadow(l);

	for (u32 i = 0; i < 6; i++)
		if (l->binding->arg_from[i] >= 0)
			ir_store(&l->b, 8, shadow, r->arg[i],
				 load8(l, l->ctx, 8 * l->binding->arg_from[i], IR_IN_KERNEL));
	return shadow;
}

static struct ir_ins *adapted_ctx(struct lower *l)
{
	switch (l->binding->adapt) {
	case PROBES_NATIVE: return l->ctx;
	case PROBES_SYSCALL_ENTER: return shadow_enter(l);
	case PROBES_SYSCALL_EXIT: return shadow_exit(l);
	case PROBES_SYSCALL_EQUIV: return shadow_equiv(l);
	case PROBES_ARGS_ARRAY: return shadow_args(l);
	}
	return l->ctx;
}

/* ---- parameters ------------------------------------------------------------------------------ */

static bool is_unknown(const struct probes_binding *b, u32 i)
{
	if (b->adapt == PROBES_ARGS_ARRAY)
		return i < 6 && b->arg_from[i] < 0;
	for (u32 k = 0; b->adapt == PROBES_SYSCALL_EQUIV && i < 6 && k < b->calls.n; k++)
		if (b->calls.at[k].args[i] == PROBES_ARG_NONE)
			return true;
	return false;
}

/* An argument of the function asked for that its equivalent does not show must not read as 0. */
void lower_check_argument(struct lower *l, u32 i, struct span at)
{
	struct sbuf want, real;

	if (!l->binding || !is_unknown(l->binding, i))
		return;
	sbuf_init(&want, l->a);
	sbuf_init(&real, l->a);
	probes_print(&want, &l->binding->want);
	probes_print(&real, &l->binding->at);
	diag_add(l->dx, at, E_CTX,
		 "argument %u of %s cannot be had here: this kernel lacks that event, and "
		 "its equivalent %s does not show it",
		 i + 1, want.s, real.s);
	diag_hint(l->dx, "system calls (ksyscall:NAME) and tracepoints give their arguments on "
			 "every kernel");
}

static void bind(struct lower *l, struct cf_sym *param, struct ir_ins *x)
{
	const struct type *ty = ty_strip(param->type);
	struct place_ref p = { .type = param->type };

	p.base = ir_slot(&l->b, (u32)ty->size, ty->align);
	p.base->span = param->span;
	param->lower = p.base;
	lower_write(l, p, x);
}

static bool has_registers(enum probes_provider p)
{
	return p == PROBES_KPROBE || p == PROBES_UPROBE || p == PROBES_KSYSCALL;
}

/* syscall__NAME(ctx, args…): the user's registers hang on the wrapper's first argument. */
static bool is_syscall_style(const struct lower *l)
{
	return str_starts(l->fn->name, "syscall__") || l->binding->want.provider == PROBES_KSYSCALL;
}

static struct ir_ins *register_argument(struct lower *l, struct ir_ins *ctx, u32 i,
					const struct type *ty)
{
	const struct probes_regs *r = probes_regs();
	bool is_user = l->binding->want.provider == PROBES_UPROBE;
	struct ir_ins *x;

	if (is_syscall_style(l)) {
		struct ir_ins *regs = load8(l, ctx, r->arg[0], IR_IN_KERNEL);

		x = load8(l, regs, r->sys_arg[i], IR_IN_ANY);
	} else {
		x = load8(l, ctx, r->arg[i], is_user ? IR_IN_USER : IR_IN_KERNEL);
	}
	if (ty_strip(ty)->kind == TY_PTR && ty_strip(ty)->space == TY_SPACE_USER)
		x->region = IR_IN_USER;
	return lower_width(ty) == 32 ? lower_convert(l, x,
						     ty_strip(ty)->is_signed
							     ? ty_int_of(l->u->o->types, 8, true)
							     : ty_int_of(l->u->o->types, 8, false),
						     ty)
				     : x;
}

static void no_argument(struct lower *l, const struct cf_sym *param, u32 i)
{
	const struct probes_point *want = &l->binding->want;
	struct sbuf text;

	sbuf_init(&text, l->a);
	probes_print(&text, want);
	diag_add(l->dx, param->span, E_CTX,
		 "parameter '" STR_FMT "': %s gives a program no argument %u", STR_ARG(param->name),
		 text.s, i);
	if (want->provider == PROBES_TRACEPOINT)
		diag_hint(l->dx,
			  "TRACEPOINT_PROBE(" STR_FMT ", " STR_FMT ") gives the fields: args->NAME",
			  STR_ARG(want->module), STR_ARG(want->name));
	else if (want->provider == PROBES_RAW_TRACEPOINT)
		diag_hint(l->dx,
			  "the arguments of a raw tracepoint are ctx->args[0], ctx->args[1], … of "
			  "struct bpf_raw_tracepoint_args *ctx");
	else
		diag_hint(l->dx, "arguments come at kprobes, uprobes and system calls, at most %u",
			  probes_regs()->n_args);
}

/* Events whose context is the function's arguments as words. */
static bool has_words(const struct probes_binding *b)
{
	if (b->adapt != PROBES_NATIVE)
		return false;
	switch (b->want.provider) {
	case PROBES_FENTRY:
	case PROBES_FEXIT:
	case PROBES_FMOD_RET:
	case PROBES_TP_BTF:
	case PROBES_LSM: return true;
	default: return false;
	}
}

/* The verifier knows what a pointer to a kernel's struct points to and lets it be read directly. */
static struct ir_ins *word_argument(struct lower *l, u32 i, const struct type *type)
{
	const struct type *ty = ty_strip(type), *to = ty->kind == TY_PTR ? ty_strip(ty->to) : NULL;
	bool is_btf = to && ty_is_aggregate(to) && (to->btf || !to->complete);
	struct ir_ins *x = load8(l, l->ctx, 8 * i, is_btf ? IR_IN_BTF : IR_IN_KERNEL);

	if (to && ty->space == TY_SPACE_USER)
		x->region = IR_IN_USER;
	return lower_width(type) == 32 ? ir_trunc(&l->b, x) : x;
}

static void extra_parameters(struct lower *l, struct cf_sym *fn, struct ir_ins *ctx)
{
	u32 n_args = probes_regs()->n_args;

	for (u32 i = 1; i < fn->params.n; i++) {
		struct cf_sym *param = fn->params.at[i];

		if (has_words(l->binding)) {
			bind(l, param, word_argument(l, i - 1, param->type));
			continue;
		}
		if (!has_registers(l->binding->want.provider) || i > n_args) {
			no_argument(l, param, i);
			bind(l, param, ir_const(&l->b, lower_width(param->type), 0));
			continue;
		}
		if (param->is_used)
			lower_check_argument(l, i - 1, param->span);
		bind(l, param, register_argument(l, ctx, i - 1, param->type));
	}
}

/* The program's own ctx pointer, or a 64-bit scalar of the same bits. */
void lower_entry(struct lower *l, struct cf_sym *fn)
{
	struct ir_ins *ctx;

	l->ctx = ir_param(&l->b, 0, 64);
	ctx = adapted_ctx(l);
	if (fn->params.n == 0)
		return;
	bind(l, fn->params.at[0], ctx);
	extra_parameters(l, fn, ctx);
}
