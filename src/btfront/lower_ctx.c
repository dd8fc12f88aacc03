/* lower_ctx: what the event delivers: arguments, results, members of records.
 *
 * Where the engine's event is not the one that was asked for (probes_binding.adapt), the same
 * values are taken from where they are then: see enum probes_adapt for what each kind delivers.
 * Programs for system calls leave at once when the event is another call.
 *
 * Layouts: pt_regs from probes_regs(); raw tracepoint sys_enter is {regs, id}, sys_exit {regs,
 * result} (Linux include/trace/events/syscalls.h, TP_PROTO of both); a raw tracepoint's context is
 * an array of u64.
 */
#include "btfront/lower.h"

static struct ir_ins *load8(struct bt_lower *l, struct ir_ins *base, s64 off, enum ir_region region)
{
	struct ir_ins *x = ir_load(&l->b, 64, 8, false, base, off);

	x->region = (u8)region;
	return x;
}

static struct ir_ins *missing(struct bt_lower *l, struct span at, const char *what)
{
	struct sbuf want, where;

	sbuf_init(&want, l->a);
	sbuf_init(&where, l->a);
	probes_print(&want, &l->binding->want);
	probes_print(&where, &l->binding->at);
	diag_add(l->dx, at, E_CTX,
		 "%s of %s is not known at %s, where the probe runs on this kernel", what, want.s,
		 where.s);
	return bt_num(l, 0);
}

/* ---- the first instructions -------------------------------------------------------------------
 */

/* if (nr is none of calls) return 0; and a block for each of them when `arms` is wanted. */
static void leave_unless(struct bt_lower *l, struct ir_ins *nr, struct ir_block **arms)
{
	const struct probes_binding *b = l->binding;
	struct ir_block *body = arms ? NULL : ir_block_new(l->b.fn);

	for (u32 i = 0; i < b->calls.n; i++) {
		struct ir_block *next = ir_block_new(l->b.fn);
		struct ir_ins *same = bt_op(l, IR_EQ, nr, b->calls.at[i].nr);

		if (arms)
			arms[i] = ir_block_new(l->b.fn);
		ir_if(&l->b, same, arms ? arms[i] : body, next);
		l->b.at = next;
	}
	ir_ret(&l->b, ir_const(&l->b, 32, 0));
	if (body)
		l->b.at = body;
}

/* Arguments of an inner function out of those of the system call that calls it. */
static void equivalent_entry(struct bt_lower *l)
{
	const struct probes_binding *b = l->binding;
	struct ir_block **arms = arena_array_of(l->a, struct ir_block *, b->calls.n + 1);
	struct ir_block *join = ir_block_new(l->b.fn);

	for (u32 k = 0; k < 6; k++)
		l->call_args[k] = ir_slot(&l->b, 8, 8);
	leave_unless(l, load8(l, l->ctx, 8, IR_IN_UNKNOWN), arms);
	for (u32 i = 0; i < b->calls.n; i++) {
		struct ir_ins *regs;

		l->b.at = arms[i];
		regs = load8(l, l->ctx, 0, IR_IN_KERNEL);
		for (u32 k = 0; k < 6; k++) {
			s32 from = b->calls.at[i].args[k];

			if (from == PROBES_ARG_NONE)
				continue;
			ir_store(&l->b, 8, l->call_args[k], 0,
				 from < 6 ? load8(l, regs, probes_regs()->sys_arg[from],
						  IR_IN_UNKNOWN)
					  : bt_num(l, from - PROBES_ARG_CONST));
		}
		ir_jump(&l->b, join);
	}
	l->b.at = join;
}

void bt_entry(struct bt_lower *l)
{
	l->ctx = ir_param(&l->b, 0, 64);
	switch (l->binding->adapt) {
	case PROBES_NATIVE:
	case PROBES_ARGS_ARRAY: break;
	case PROBES_SYSCALL_ENTER: leave_unless(l, load8(l, l->ctx, 8, IR_IN_UNKNOWN), NULL); break;
	case PROBES_SYSCALL_EXIT:
		leave_unless(l,
			     load8(l, load8(l, l->ctx, 0, IR_IN_KERNEL), probes_regs()->nr,
				   IR_IN_UNKNOWN),
			     NULL);
		break;
	case PROBES_SYSCALL_EQUIV: equivalent_entry(l); break;
	}
}

/* ---- arguments and results --------------------------------------------------------------------
 */

static bool is_by_syscall(const struct bt_lower *l)
{
	return l->binding->want.provider == PROBES_KSYSCALL;
}

/* The context is an array of the arguments. */
static bool is_array_context(const struct bt_lower *l)
{
	enum probes_provider p = l->binding->want.provider;

	return p == PROBES_RAW_TRACEPOINT || p == PROBES_TP_BTF || p == PROBES_FENTRY ||
	       p == PROBES_FEXIT;
}

static struct ir_ins *native_argument(struct bt_lower *l, u32 n)
{
	const struct probes_regs *r = probes_regs();

	if (is_array_context(l))
		return load8(l, l->ctx, 8 * n, IR_IN_UNKNOWN);
	if (is_by_syscall(l))
		return load8(l, load8(l, l->ctx, r->arg[0], IR_IN_KERNEL), r->sys_arg[n],
			     IR_IN_UNKNOWN);
	return load8(l, l->ctx, r->arg[n], IR_IN_UNKNOWN);
}

static bool is_in_all_calls(const struct probes_binding *b, u32 n)
{
	for (u32 i = 0; i < b->calls.n; i++)
		if (b->calls.at[i].args[n] == PROBES_ARG_NONE)
			return false;
	return b->calls.n != 0;
}

/* The wrapper of a system call has one argument: where the user's registers are. */
static struct ir_ins *syscall_argument(struct bt_lower *l, u32 n, struct span at)
{
	struct ir_ins *regs = load8(l, l->ctx, 0, IR_IN_KERNEL);

	if (is_by_syscall(l))
		return load8(l, regs, probes_regs()->sys_arg[n], IR_IN_UNKNOWN);
	return n == 0 ? regs : missing(l, at, "this argument");
}

struct ir_ins *bt_argument(struct bt_lower *l, u32 n, struct span at)
{
	const struct probes_binding *b = l->binding;

	if (n >= ARRAY_LEN(b->arg_from))
		return missing(l, at, "this argument");
	switch (b->adapt) {
	case PROBES_NATIVE: return native_argument(l, n);
	case PROBES_SYSCALL_ENTER: return syscall_argument(l, n, at);
	case PROBES_SYSCALL_EQUIV:
		if (is_in_all_calls(b, n))
			return ir_load(&l->b, 64, 8, false, l->call_args[n], 0);
		break;
	case PROBES_ARGS_ARRAY:
		if (b->arg_from[n] >= 0)
			return load8(l, l->ctx, 8 * b->arg_from[n], IR_IN_UNKNOWN);
		break;
	case PROBES_SYSCALL_EXIT: break;
	}
	return missing(l, at, "this argument");
}

/* Words above the stack pointer; a call leaves the return address in the first on x86-64. */
struct ir_ins *bt_stack_argument(struct bt_lower *l, u32 n, struct span at)
{
	const struct probes_regs *r = probes_regs();
	struct bt_place p = { .region = IR_IN_ANY };

	if (l->binding->adapt != PROBES_NATIVE || is_array_context(l))
		return missing(l, at, "this argument");
	p.base = load8(l, l->ctx, r->sp, IR_IN_UNKNOWN);
#ifdef __x86_64__
	p.off = 8 * (n + 1);
#else
	p.off = 8 * n;
#endif
	return bt_read(l, p, 8, false);
}

struct ir_ins *bt_register(struct bt_lower *l, struct bt_expr *e)
{
	if (l->binding->adapt != PROBES_NATIVE)
		return missing(l, e->span, "this register");
	return load8(l, l->ctx, bt_register_offset(e->args[0]->name), IR_IN_UNKNOWN);
}

/* The result stands behind the arguments. */
static struct ir_ins *fexit_result(struct bt_lower *l, struct span at)
{
	u32 first;
	const struct type *func = bt_point_func(l->u, l->point, &first);

	if (!func)
		return missing(l, at, "the result");
	return load8(l, l->ctx, 8 * func->n, IR_IN_UNKNOWN);
}

struct ir_ins *bt_result(struct bt_lower *l, struct span at)
{
	if (l->binding->adapt == PROBES_NATIVE && l->binding->want.provider == PROBES_FEXIT)
		return fexit_result(l, at);
	if (l->binding->adapt == PROBES_NATIVE)
		return load8(l, l->ctx, probes_regs()->ret, IR_IN_UNKNOWN);
	if (l->binding->adapt == PROBES_SYSCALL_EXIT)
		return load8(l, l->ctx, 8, IR_IN_UNKNOWN);
	return missing(l, at, "the result");
}

/* ---- records -------------------------------------------------------------------------------- */

struct bt_place bt_event_place(struct bt_lower *l, struct bt_expr *e, struct bt_member *out)
{
	struct bt_place p = { .base = l->ctx, .region = IR_IN_CTX };
	struct err err = { 0 };
	struct ir_ins *x;

	if (bt_find_member(l->u, l->point, e->name, out, &err) != BT_FOUND || !l->ctx ||
	    l->binding->adapt != PROBES_NATIVE) {
		p.base = missing(l, e->span, "this argument");
		p.region = IR_IN_ANY;
		return p;
	}
	if (is_array_context(l)) {
		p.off = 8 * out->off;
		return p;
	}
	p.off = out->off;
	if (!out->is_data_loc)
		return p;
	x = ir_load(&l->b, 64, 4, false, l->ctx, out->off);
	x = bt_op(l, IR_AND, x, 0xffff);
	p.base = ir_binary(&l->b, IR_ADD, 64, l->ctx, x);
	p.off = 0;
	return p;
}
