/* ops: the table of operations, and the names of regions.
 *
 * Both are made from one list, so that a row cannot be forgotten: operations from IR_OPS in ir.h,
 * regions from the enum's order with the length checked at compile time. The names are those of
 * the text form (docs/ir.md); printer and parser have no others.
 */
#include "ir/ir.h"

static const struct ir_op_info ops[] = {
#define OP(name, text, args, flags) [IR_##name] = { text, args, flags },
	IR_OPS(OP)
#undef OP
};
_Static_assert(ARRAY_LEN(ops) == IR_N_OPS, "one row for each operation");

const struct ir_op_info *ir_op_info(enum ir_op op)
{
	return &ops[op];
}

static const char *const region_names[] = {
	[IR_IN_UNKNOWN] = "unknown", [IR_IN_CTX] = "ctx",
	[IR_IN_STACK] = "stack",     [IR_IN_MAP] = "map",
	[IR_IN_VALUE] = "value",     [IR_IN_MEM] = "mem",
	[IR_IN_PACKET] = "packet",   [IR_IN_PACKET_END] = "packet_end",
	[IR_IN_SOCK] = "sock",	     [IR_IN_BTF] = "btf",
	[IR_IN_KERNEL] = "kernel",   [IR_IN_USER] = "user",
	[IR_IN_ANY] = "any",	     [IR_IN_MIXED] = "mixed",
	[IR_IN_FUNC] = "func",
};
_Static_assert(ARRAY_LEN(region_names) == IR_IN_FUNC + 1, "one name for each region");

const char *ir_region_name(enum ir_region r)
{
	return region_names[r];
}
