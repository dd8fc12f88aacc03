/* guard: a filter in front of programs that shall see only one command and its children.
 *
 * In functions marked `guarded` the entry block keeps its parameters and slots, then asks whether
 * the current process is meant; the rest of the function runs only if it is:
 *
 *	cgroup:  if (bpf_get_current_ancestor_cgroup_id(level) != id) return 0;
 *	pids:    tgid = bpf_get_current_pid_tgid() >> 32;
 *	         if (!bpf_map_lookup_elem(&pids, &tgid)) return 0;
 *
 * `id` and `level` are constants that the engine fills in when it loads (IR_SYM_CONST, the names
 * are obj's OBJ_CONST_…). A program that is not asked for leaves after a handful of instructions,
 * before it read anything. Functions that are called need no guard: their callers have one.
 */
#include "ir/edit.h"
#include "ir/passes.h"

enum { MAP_LOOKUP = 1, GET_PID_TGID = 14, GET_ANCESTOR_CGROUP_ID = 123 };

static struct ir_ins *constant_symbol(struct ir_builder *b, const char *name)
{
	return ir_symbol(b, ir_sym(b->fn->m, IR_SYM_CONST, str_of(name), 0), 0);
}

/* The condition: is the current process meant? */
static struct ir_ins *is_in_cgroup(struct ir_builder *b)
{
	struct ir_ins *level = constant_symbol(b, "skep.cgroup_level");
	struct ir_ins *here = ir_call(b, GET_ANCESTOR_CGROUP_ID, 64, &level, 1);

	return ir_compare(b, IR_EQ, here, constant_symbol(b, "skep.cgroup_id"));
}

static struct ir_ins *is_in_pids(struct ir_builder *b, u32 map)
{
	struct ir_ins *slot = ir_slot(b, 4, 4);
	struct ir_ins *both = ir_call(b, GET_PID_TGID, 64, NULL, 0);
	struct ir_ins *tgid = ir_binary(b, IR_LSHR, 64, both, ir_const(b, 64, 32));
	struct ir_ins *args[2], *found;

	ir_store(b, 4, slot, 0, tgid);
	args[0] = ir_symbol(b, map, 0);
	args[1] = slot;
	found = ir_call(b, MAP_LOOKUP, 64, args, 2);
	return ir_compare(b, IR_NE, found, ir_const(b, 64, 0));
}

/* Moves everything but parameters and slots out of the entry block. */
static struct ir_block *split_entry(struct ir_fn *fn)
{
	struct ir_block *rest;
	struct ir_ins *next;

	rest = ir_block_split(ir_body_start(fn));
	for (struct ir_ins *i = rest->first; i; i = next) {
		next = i->next;
		if (i->op != IR_SLOT)
			continue;
		ir_remove(i);
		ir_append(fn->first, i);
	}
	return rest;
}

void ir_pass_guard(struct ir_pass_ctx *c, struct ir_fn *fn)
{
	struct ir_builder b = { .fn = fn, .span = fn->span };
	struct ir_block *rest, *leave;
	struct ir_ins *cond;

	if (!fn->guarded || c->target->guard == IR_GUARD_NONE)
		return;
	fn->guarded = false; /* once is enough */
	rest = split_entry(fn);
	b.at = fn->first;
	cond = c->target->guard == IR_GUARD_CGROUP ? is_in_cgroup(&b)
						   : is_in_pids(&b, c->target->pids_map);
	leave = ir_block_new(fn);
	ir_if(&b, cond, rest, leave);
	b.at = leave;
	ir_ret(&b, fn->ret_width ? ir_const(&b, fn->ret_width, 0) : NULL);
}
