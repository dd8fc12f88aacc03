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

static struct ir_ins *native_argument(struct bt_lower *l, u32 n)
{
	const struct probes_regs *r = probes_regs();

	if (l->binding->want.provider == PROBES_RAW_TRACEPOINT)
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

struct ir_ins *bt_result(struct bt_lower *l, struct span at)
{
	if (l->binding->adapt == PROBES_NATIVE)
		return load8(l, l->ctx, probes_regs()->ret, IR_IN_UNKNOWN);
	if (l->binding->adapt == PROBES_SYSCALL_EXIT)
		return load8(l, l->ctx, 8, IR_IN_UNKNOWN);
	return missing(l, at, "the result");
}

/* ---- records -------------------------------------------------------------------------------- */

struct ir_ins *bt_event_member(struct bt_lower *l, struct bt_expr *e, struct bt_member *out)
{
	struct err err = { 0 };
	struct ir_ins *x;

	if (bt_find_member(l->u, l->point, e->name, out, &err) != BT_FOUND ||
	    l->binding->adapt != PROBES_NATIVE || l->binding->at.provider != PROBES_TRACEPOINT)
		return missing(l, e->span, "this argument");
	if (out->is_data_loc) {
		x = ir_load(&l->b, 64, 4, false, l->ctx, out->off);
		x = bt_op(l, IR_AND, x, 0xffff);
		return ir_binary(&l->b, IR_ADD, 64, l->ctx, x);
	}
	if (out->type.kind == BT_STRING)
		return bt_address(l, l->ctx, out->off);
	if (out->type.kind == BT_PTR)
		return load8(l, l->ctx, out->off, (enum ir_region)out->type.region);
	return ir_load(&l->b, 64, out->type.bytes, out->type.is_signed, l->ctx, out->off);
}
