/* lower_name: builtins whose value is a number.
 *
 * Who runs, where and when comes from helpers of the kernel; what the kernel keeps in its struct of
 * the current task is read from there by BTF's offsets.
 */
#include "btfront/lower.h"

static struct ir_ins *call0(struct bt_lower *l, u32 helper)
{
	return bt_call(l, helper, NULL, 0);
}

static struct ir_ins *upper(struct bt_lower *l, struct ir_ins *x)
{
	return bt_op(l, IR_LSHR, x, 32);
}

static struct ir_ins *lower(struct bt_lower *l, struct ir_ins *x)
{
	return ir_extend(&l->b, false, 32, 64, x);
}

/* start ? now - start : 0; an event may come before the program that sets it has run. */
static struct ir_ins *elapsed(struct bt_lower *l)
{
	struct ir_block *some = ir_block_new(l->b.fn), *end = ir_block_new(l->b.fn);
	u32 sym = ir_sym(l->m, IR_SYM_DATA, l->o->datas.at[l->data].name, l->data);
	struct ir_ins *slot = bt_join(l);
	struct ir_ins *start = ir_load(&l->b, 64, 8, false, ir_symbol(&l->b, sym, l->start), 0);

	ir_store(&l->b, 8, slot, 0, bt_num(l, 0));
	ir_if(&l->b, start, some, end);
	l->b.at = some;
	ir_store(&l->b, 8, slot, 0, ir_binary(&l->b, IR_SUB, 64, call0(l, H_BOOT_NS), start));
	bt_enter(l, end);
	return bt_joined(l, slot);
}

/* ((struct task_struct *)current)->first->second, a number of 4 bytes. */
static struct ir_ins *task_number(struct bt_lower *l, const char *first, const char *second,
				  struct span at)
{
	struct ty_btf *btf = bt_btf(l->u);
	const struct type *task = btf ? ty_btf_find(btf, TY_STRUCT, STR("task_struct")) : NULL;
	struct bt_place p = { .region = IR_IN_KERNEL };
	u32 a, b;

	if (!task || !ty_find_member(task, str_of(first), &a) ||
	    !ty_find_member(task, str_of(second), &b)) {
		diag_add(l->dx, at, E_BT_NAME, "the kernel's BTF does not say where this is kept");
		return bt_num(l, 0);
	}
	p.base = call0(l, H_TASK);
	p.off = a / 8;
	p.base = bt_read(l, p, 8, false);
	p.off = b / 8;
	return bt_read(l, p, 4, false);
}

/* The lowest bits of cs hold the privilege level: 3 is user mode. arm64 has the mode in pstate. */
static struct ir_ins *user_mode(struct bt_lower *l)
{
#ifdef __x86_64__
	struct ir_ins *x = ir_load(&l->b, 64, 8, false, l->ctx, bt_register_offset(STR("cs")));

	return ir_extend(&l->b, false, 32, 64, bt_op(l, IR_EQ, bt_op(l, IR_AND, x, 3), 3));
#else
	struct ir_ins *x = ir_load(&l->b, 64, 8, false, l->ctx, bt_register_offset(STR("pstate")));

	return ir_extend(&l->b, false, 32, 64, bt_op(l, IR_EQ, bt_op(l, IR_AND, x, 15), 0));
#endif
}

static struct ir_ins *unnamed(struct bt_lower *l, struct bt_expr *e)
{
	int n = bt_arg_number(e->name);

	if (n >= 0)
		return bt_argument(l, (u32)n, e->span);
	n = bt_sarg_number(e->name);
	return n >= 0 ? bt_stack_argument(l, (u32)n, e->span) : bt_num(l, 0);
}

struct ir_ins *bt_builtin_value(struct bt_lower *l, struct bt_expr *e)
{
	if (!e->builtin)
		return unnamed(l, e);
	switch (e->builtin->id) {
	case N_PID: return upper(l, call0(l, H_PID_TGID));
	case N_TID: return lower(l, call0(l, H_PID_TGID));
	case N_UID:
	case N_USERNAME: return lower(l, call0(l, H_UID_GID));
	case N_GID: return upper(l, call0(l, H_UID_GID));
	case N_CPU: return call0(l, H_CPU);
	case N_NUMA: return call0(l, H_NUMA);
	case N_NSECS: return call0(l, H_BOOT_NS);
	case N_JIFFIES: return call0(l, H_JIFFIES);
	case N_ELAPSED: return elapsed(l);
	case N_RAND: return lower(l, call0(l, H_PRANDOM));
	case N_CGROUP: return call0(l, H_CGROUP_ID);
	case N_CURTASK: return call0(l, H_TASK);
	case N_CTX: return l->ctx;
	case N_RETVAL: return bt_result(l, e->span);
	case N_PPID: return task_number(l, "real_parent", "tgid", e->span);
	case N_LEADER_TID: return task_number(l, "group_leader", "pid", e->span);
	case N_NCPUS: return bt_num(l, l->u->o.machine ? probes_cpus(l->u->o.machine) : 1);
	case N_USTACK:
	case N_KSTACK: return bt_stack_number(l, &e->type);
	case N_USERMODE: return user_mode(l);
	case N_CPID: return bt_num(l, l->u->o.cpid);
	default: return bt_num(l, 0);
	}
}
