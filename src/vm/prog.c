/* From linked instructions to a bound program: maps, helpers and callbacks resolved, operations
 * pre-decoded.
 *
 * Every instruction is held against the opcode table and every jump against the program's bounds,
 * so that neither loop nor JIT meets anything else, even where the verifier was not asked. What a
 * verifier would refuse in the slot itself (a constant shift beyond the width, a constant divisor
 * 0, a write to r10) is refused here too, but for lenient programs, whose shifts are masked.
 *
 * Operation i stands for instruction i; an instruction becomes an enum vm_code plus operands, and
 * that the label of each loop. What only a kernel can resolve (BTF ids, kernel functions) is
 * refused with the reason.
 */
#include "vm/run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(VM_ADD64K == 0 && VM_SMOD32X == VM_PADD64K - 1, "fuse() counts on this order");

struct binding {
	struct vm_prog *p;
	struct err *e;
	u32 at;
	u16 code;
	struct vm_op op;
};

static int refuse(struct binding *b, int code, const char *why)
{
	return err_set(b->e, code, "vm", "Instruction %u: %s.", b->at, why);
}

/* ---- wide loads and calls -----------------------------------------------------------------------
 */

static void set_wide(struct isa_insn *slot, u64 value)
{
	slot[0].imm = (s32)(u32)value;
	slot[1].imm = (s32)(u32)(value >> 32);
}

static int bind_map(struct binding *b, struct isa_insn *slot, bool is_value)
{
	u64 index = (u32)slot[0].imm, off = (u32)slot[1].imm;
	u8 *base;
	u32 stride;

	if (index >= b->p->n_maps)
		return refuse(b, -EINVAL, "there is no map with this number");
	if (!is_value) {
		if (off)
			return refuse(b, -EINVAL, "a map has no offset");
		set_wide(slot, (u64)(uintptr_t)b->p->maps[index]);
		return 0;
	}
	base = maps_array_base(b->p->maps[index], &stride);
	if (!base || maps_spec(b->p->maps[index])->max_entries != 1)
		return refuse(b, -EINVAL, "only arrays of one element have an address to load");
	if (off >= maps_spec(b->p->maps[index])->value_size)
		return refuse(b, -EINVAL, "the offset lies outside the map's value");
	set_wide(slot, (u64)(uintptr_t)base + off);
	return 0;
}

static int bind_wide(struct binding *b, struct isa_insn *slot)
{
	static const struct isa_insn zero;
	struct isa_insn upper;
	s64 target;

	if (b->at + 1 >= b->p->n)
		return refuse(b, -EINVAL, "the second half of a wide load is missing");
	upper = slot[1];
	upper.imm = 0;
	if (memcmp(&upper, &zero, sizeof(zero)) != 0)
		return refuse(b, -EINVAL, "the second half of a wide load may hold only a number");
	switch (slot->src) {
	case ISA_IMM64: break;
	case ISA_MAP_FD:
	case ISA_MAP_IDX: return bind_map(b, slot, false);
	case ISA_MAP_VALUE:
	case ISA_MAP_IDX_VALUE: return bind_map(b, slot, true);
	case ISA_FUNC:
		target = (s64)b->at + 1 + slot->imm;
		if (target < 0 || target >= b->p->n)
			return refuse(b, -EINVAL, "the callback lies outside the program");
		break;
	default:
		return refuse(b, -SKEP_EUNSUPPORTED,
			      "variables of the kernel are not to be had in user space");
	}
	return 0;
}

static u64 wide_value(const struct binding *b, const struct isa_insn *slot)
{
	if (slot->src == ISA_FUNC)
		return (u64)((s64)b->at + 1 + slot->imm);
	return (u32)slot[0].imm | (u64)(u32)slot[1].imm << 32;
}

static vm_helper_fn find_extra(const struct vm_prog *p, u32 id)
{
	for (u32 i = 0; i < p->n_extra; i++)
		if (p->extra[i].id == id)
			return p->extra[i].fn;
	return NULL;
}

static int bind_call(struct binding *b, const struct isa_insn *i)
{
	const struct isa_helper *h = isa_helper((u32)i->imm);
	const char *why = NULL;

	b->code = VM_CALL;
	b->op.off = i->imm;
	b->op.fn = vm_prog_helper(b->p, (u32)i->imm);
	if (b->op.fn)
		return 0;
	if (i->imm == ISA_FN_tail_call) {
		b->code = VM_TAIL;
		return 0;
	}
	vm_helper_builtin((u32)i->imm, &why);
	return err_set(
		b->e, -SKEP_EUNSUPPORTED, "vm",
		"Instruction %u calls helper %d (%s%s), which the user engine cannot give: %s.",
		b->at, i->imm, h ? "bpf_" : "unknown", h ? h->name : "", why);
}

/* ---- codes --------------------------------------------------------------------------------------
 */

static int bind_alu(struct binding *b, const struct isa_insn *i)
{
	static const u16 first[] = {
		[ISA_ADD >> 4] = VM_ADD64K,   [ISA_SUB >> 4] = VM_SUB64K,
		[ISA_MUL >> 4] = VM_MUL64K,   [ISA_DIV >> 4] = VM_DIV64K,
		[ISA_OR >> 4] = VM_OR64K,     [ISA_AND >> 4] = VM_AND64K,
		[ISA_LSH >> 4] = VM_LSH64K,   [ISA_RSH >> 4] = VM_RSH64K,
		[ISA_MOD >> 4] = VM_MOD64K,   [ISA_XOR >> 4] = VM_XOR64K,
		[ISA_ARSH >> 4] = VM_ARSH64K, [ISA_MOV >> 4] = VM_MOV64K,
	};
	bool is64 = isa_class(*i) == ISA_ALU64, is_reg = i->code & ISA_X;
	u8 op = isa_op(*i);
	u32 form = (is64 ? 0 : 2) + (is_reg ? 1 : 0), bits = is64 ? 64 : 32;

	b->op.imm = i->imm;
	if (op == ISA_NEG) {
		b->code = is64 ? VM_NEG64 : VM_NEG32;
		return 0;
	}
	if (op == ISA_END) {
		u16 codes = is64 ? VM_SWAP16 : is_reg ? VM_BE16 : VM_LE16;

		b->code = (u16)(codes + (i->imm == 16 ? 0 : i->imm == 32 ? 1 : 2));
		return 0;
	}
	b->code = (u16)(first[op >> 4] + form);
	if (op == ISA_DIV && i->off)
		b->code = (u16)(VM_SDIV64K + form);
	if (op == ISA_MOD && i->off)
		b->code = (u16)(VM_SMOD64K + form);
	if (op == ISA_MOV && i->off)
		b->code = (u16)((is64 ? VM_SX64_8 : VM_SX32_8) + (i->off == 8	 ? 0
								  : i->off == 16 ? 1
										 : 2));
	if (b->p->lenient || is_reg)
		return 0;
	if ((op == ISA_LSH || op == ISA_RSH || op == ISA_ARSH) && (u32)i->imm >= bits)
		return refuse(b, -EINVAL, "the shift count is not below the width");
	if ((op == ISA_DIV || op == ISA_MOD) && i->imm == 0)
		return refuse(b, -EINVAL, "division by the constant 0");
	return 0;
}

static int set_target(struct binding *b, s64 target)
{
	if (target < 0 || target >= b->p->n)
		return refuse(b, -EINVAL, "the jump leads out of the program");
	b->op.off = (s32)((target - b->at) * (s64)sizeof(struct vm_op));
	return 0;
}

static int bind_jmp(struct binding *b, const struct isa_insn *i)
{
	static const u16 first[] = {
		[ISA_JEQ >> 4] = VM_JEQ64K,   [ISA_JGT >> 4] = VM_JGT64K,
		[ISA_JGE >> 4] = VM_JGE64K,   [ISA_JSET >> 4] = VM_JSET64K,
		[ISA_JNE >> 4] = VM_JNE64K,   [ISA_JSGT >> 4] = VM_JSGT64K,
		[ISA_JSGE >> 4] = VM_JSGE64K, [ISA_JLT >> 4] = VM_JLT64K,
		[ISA_JLE >> 4] = VM_JLE64K,   [ISA_JSLT >> 4] = VM_JSLT64K,
		[ISA_JSLE >> 4] = VM_JSLE64K,
	};
	bool is32 = isa_class(*i) == ISA_JMP32;
	u8 op = isa_op(*i);
	s64 next = (s64)b->at + 1;

	b->op.imm = i->imm;
	if (op == ISA_EXIT) {
		b->code = VM_EXIT;
		return 0;
	}
	if (op == ISA_CALL) {
		if (i->src == ISA_CALL_HELPER)
			return bind_call(b, i);
		if (i->src == ISA_CALL_KFUNC)
			return refuse(b, -SKEP_EUNSUPPORTED,
				      "functions of the kernel cannot be called in user space");
		b->code = VM_LOCAL;
		return set_target(b, next + i->imm);
	}
	if (op == ISA_JA) {
		b->code = VM_JA;
		return set_target(b, next + (is32 ? i->imm : i->off));
	}
	b->code = (u16)(first[op >> 4] + (is32 ? 2 : 0) + (i->code & ISA_X ? 1 : 0));
	return set_target(b, next + i->off);
}

static int bind_atomic(struct binding *b, const struct isa_insn *i)
{
	static const struct {
		s32 op;
		u16 code;
	} codes[] = {
		{ ISA_ATOMIC_ADD, VM_AADD64 },
		{ ISA_ATOMIC_OR, VM_AOR64 },
		{ ISA_ATOMIC_AND, VM_AAND64 },
		{ ISA_ATOMIC_XOR, VM_AXOR64 },
		{ ISA_ATOMIC_ADD | ISA_FETCH, VM_FADD64 },
		{ ISA_ATOMIC_OR | ISA_FETCH, VM_FOR64 },
		{ ISA_ATOMIC_AND | ISA_FETCH, VM_FAND64 },
		{ ISA_ATOMIC_XOR | ISA_FETCH, VM_FXOR64 },
		{ ISA_XCHG, VM_XCHG64 },
		{ ISA_CMPXCHG, VM_CMPXCHG64 },
	};

	for (u32 k = 0; k < ARRAY_LEN(codes); k++) {
		if (codes[k].op != i->imm)
			continue;
		b->code = (u16)(codes[k].code + (isa_bytes(*i) == 4));
		return 0;
	}
	return refuse(b, -EINVAL, "unknown atomic operation");
}

/* Loads and stores: which of four sizes follows the first code. */
static int bind_memory(struct binding *b, const struct isa_insn *i)
{
	u8 mode = i->code & 0xe0, bytes = isa_bytes(*i);
	u16 size = bytes == 1 ? 0 : bytes == 2 ? 1 : bytes == 4 ? 2 : 3;

	b->op.off = i->off;
	b->op.imm = i->imm;
	switch (isa_class(*i)) {
	case ISA_LD: b->code = (u16)((mode == ISA_ABS ? VM_ABSB : VM_INDB) + size); return 0;
	case ISA_LDX: b->code = (u16)((mode == ISA_MEMSX ? VM_LDXSB : VM_LDXB) + size); return 0;
	case ISA_ST: b->code = (u16)(VM_STB + size); return 0;
	default: break;
	}
	if (mode == ISA_ATOMIC)
		return bind_atomic(b, i);
	b->code = (u16)(VM_STXB + size);
	return 0;
}

/* Whether the instruction writes the register in its dst field. */
static bool writes_dst(const struct isa_insn *i)
{
	u8 class = isa_class(*i);

	return class == ISA_ALU || class == ISA_ALU64 || class == ISA_LDX || isa_is_wide(*i);
}

static bool fetches_into_fp(const struct isa_insn *i)
{
	return isa_class(*i) == ISA_STX && (i->code & 0xe0) == ISA_ATOMIC && (i->imm & ISA_FETCH) &&
	       i->imm != ISA_CMPXCHG && i->src == ISA_FP;
}

static int bind_insn(struct binding *b, struct isa_insn *i)
{
	const char *why = NULL;
	int err;

	if (!isa_decode(*i, &why))
		return refuse(b, -EINVAL, why);
	if ((writes_dst(i) && i->dst == ISA_FP) || fetches_into_fp(i))
		return refuse(b, -EINVAL, "r10, the frame pointer, is written");
	b->op = (struct vm_op){ .dst = i->dst, .src = i->src };
	if (isa_is_wide(*i)) {
		err = bind_wide(b, i);
		b->code = VM_WIDE;
		b->op.imm = err ? 0 : (s64)wide_value(b, i);
		return err;
	}
	switch (isa_class(*i)) {
	case ISA_ALU:
	case ISA_ALU64: return bind_alu(b, i);
	case ISA_JMP:
	case ISA_JMP32: return bind_jmp(b, i);
	default: return bind_memory(b, i);
	}
}

/* ---- programs -----------------------------------------------------------------------------------
 */

/* A move and arithmetic of the same width on the moved value become one step. Both operations stay
 * as they are for whoever jumps to the second; the careful loop counts instructions and has no
 * pairs. */
static void fuse(struct vm_prog *p, const void *const *labels)
{
	for (u32 i = 0; i + 1 < p->n; i++) {
		struct vm_op *a = &p->fast[i];
		const struct vm_op *next = &p->fast[i + 1];
		bool is32 = a->code == VM_MOV32X, is_reg = next->code & 1;

		if ((!is32 && a->code != VM_MOV64X) || next->code > VM_SMOD32X ||
		    (next->code & 2) != (is32 ? 2 : 0) || next->dst != a->dst ||
		    (is_reg && next->src == a->dst))
			continue;
		a->go = labels[VM_PADD64K + next->code];
	}
}

static int bind_all(struct vm_prog *p, struct err *e)
{
	const void *const *fast = vm_labels(false), *const *careful = vm_labels(true);
	struct binding b = { .p = p, .e = e };

	for (u32 i = 0; i <= p->n; i++) {
		bool is_wide = i < p->n && isa_is_wide(p->insns[i]);
		int err = 0;

		b.at = i;
		b.code = VM_NOWHERE;
		b.op = (struct vm_op){ 0 };
		if (i < p->n)
			err = bind_insn(&b, &p->insns[i]);
		if (err)
			return err;
		b.op.code = b.code;
		p->fast[i] = p->careful[i] = b.op;
		p->fast[i].go = fast[b.code];
		p->careful[i].go = careful[b.code];
		if (is_wide) {
			i++;
			p->fast[i] = p->careful[i] = (struct vm_op){ .code = VM_NOWHERE };
			p->fast[i].go = fast[VM_NOWHERE];
			p->careful[i].go = careful[VM_NOWHERE];
		}
	}
	fuse(p, fast);
	return 0;
}

static void *copy(const void *from, u32 n, size_t size)
{
	void *to = calloc((size_t)n + 1, size);

	if (to && n)
		memcpy(to, from, n * size);
	return to;
}

int vm_prog_new(const struct vm_spec *spec, struct vm_prog **out, struct err *e)
{
	enum { MOST = 1000000 };
	struct vm_prog *p;
	int err;

	*out = NULL;
	if (spec->n == 0 || spec->n > MOST)
		return err_set(e, -EINVAL, "vm", "A program has 1 to %d instructions, not %u.",
			       MOST, spec->n);
	p = calloc(1, sizeof(*p));
	if (!p)
		return err_set(e, -ENOMEM, "vm", "Out of memory.");
	p->n = spec->n;
	p->lenient = spec->lenient;
	p->mem_context = spec->mem_context;
	p->insns = copy(spec->insns, spec->n, sizeof(*p->insns));
	p->fast = calloc((size_t)spec->n + 1, sizeof(*p->fast));
	p->careful = calloc((size_t)spec->n + 1, sizeof(*p->careful));
	p->maps = copy(spec->maps, spec->n_maps, sizeof(struct maps_map *));
	p->native = calloc(2, sizeof(*p->native));
	p->extra = copy(spec->extra, spec->n_extra, sizeof(*p->extra));
	if (p->maps)
		p->n_maps = spec->n_maps;
	if (p->extra)
		p->n_extra = spec->n_extra;
	for (u32 i = 0; i < p->n_maps; i++)
		maps_get(p->maps[i]);
	if (!p->insns || !p->fast || !p->careful || !p->maps || !p->native || !p->extra)
		err = err_set(e, -ENOMEM, "vm", "Out of memory.");
	else
		err = bind_all(p, e);
	if (err) {
		vm_prog_free(p);
		return err;
	}
	*out = p;
	return 0;
}

void vm_prog_free(struct vm_prog *p)
{
	if (!p)
		return;
	for (u32 i = 0; i < p->n_maps; i++)
		maps_put(p->maps[i]);
	free(p->insns);
	free(p->fast);
	free(p->careful);
	free(p->maps);
	free(p->native);
	free(p->extra);
	free(p);
}

const struct isa_insn *vm_prog_insns(const struct vm_prog *p, u32 *out_n)
{
	*out_n = p->n;
	return p->insns;
}

vm_helper_fn vm_prog_helper(const struct vm_prog *p, u32 id)
{
	vm_helper_fn fn = find_extra(p, id);
	const char *why;

	return fn ? fn : vm_helper_builtin(id, &why);
}

struct maps_map *vm_prog_map(const struct vm_prog *p, u32 index)
{
	return index < p->n_maps ? p->maps[index] : NULL;
}

u32 vm_prog_maps(const struct vm_prog *p)
{
	return p->n_maps;
}

void vm_prog_set_native(const struct vm_prog *p, bool counts, void *code)
{
	__atomic_store_n(&p->native[counts], code, __ATOMIC_RELEASE);
}

void *vm_prog_native(const struct vm_prog *p, bool counts)
{
	return __atomic_load_n(&p->native[counts], __ATOMIC_ACQUIRE);
}
