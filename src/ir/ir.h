/* ir: the middle. All front ends meet the back end only here.
 *
 * A module holds functions in SSA form over 64-bit virtual registers. It has a text form that prints
 * and parses (docs/ir.md), a checker, and one file a pass. Maps, data sections and what to do with
 * events are not here but in the obj that the front end fills beside the module; instructions refer
 * to them through the module's symbols.
 *
 * Values. A value is the instruction that makes it. It has a width: 32 or 64 bits (0: no value). A
 * 32-bit value occupies a whole register whose upper half is zero, so that widening it unsigned costs
 * nothing. C's narrower integers are 32-bit values kept extended by their type: after an operation
 * that may leave the range, the front end adds IR_SEXT or IR_ZEXT. Pointers are 64-bit values.
 *
 * Memory. A slot is a piece of this function's stack. Loads and stores name a base value and a
 * constant byte offset. What a pointer points into (its region) is found by the `regions` analysis
 * from where it was made; front ends say it only where they know more (IR_LOAD of a context field).
 * A load through IR_IN_KERNEL or IR_IN_USER is legal until pass `reads`, which turns it into a probe
 * read; a store through them is the user's error.
 */
#ifndef SKEP_IR_H
#define SKEP_IR_H

#include "base/base.h"
#include "isa/isa.h"
#include "types/types.h"

/* ---- regions -------------------------------------------------------------------------------- */

enum ir_region {
	IR_IN_UNKNOWN,        /* a scalar, or a pointer of unknown origin: read like IR_IN_ANY */
	IR_IN_CTX,            /* the program's context */
	IR_IN_STACK,
	IR_IN_MAP,            /* the map itself, only for helpers */
	IR_IN_VALUE,          /* a map value or a global: read and write directly */
	IR_IN_MEM,            /* memory that a helper gave (ring buffer record) */
	IR_IN_PACKET,
	IR_IN_PACKET_END,
	IR_IN_SOCK,
	IR_IN_BTF,            /* kernel object that the verifier lets us read directly */
	IR_IN_KERNEL,         /* kernel address: probe_read_kernel */
	IR_IN_USER,           /* user address: probe_read_user */
	IR_IN_ANY,            /* kernel or user, unknown which: the legacy probe_read */
	IR_IN_MIXED,          /* different regions meet: an error when dereferenced */
	IR_IN_FUNC,
};
const char *ir_region_name(enum ir_region r);

/* ---- instructions --------------------------------------------------------------------------- */

/* OP(name, text, args, flags): args is the fixed operand count or -1. */
#define IR_OPS(OP) \
	/* values from nowhere */ \
	OP(CONST, "const", 0, IR_F_VALUE)      /* imm; at width 32 sign-extended from 32 bits */ \
	OP(UNDEF, "undef", 0, IR_F_VALUE) \
	OP(PARAM, "param", 0, IR_F_VALUE)      /* imm: index; only at the start of the entry block, \
						  one for an index */ \
	OP(SLOT, "slot", 0, IR_F_VALUE)        /* count bytes, align; only in the entry block */ \
	OP(SYM, "sym", 0, IR_F_VALUE)          /* sym + imm: address of a map, global, function; or \
						  a load-time constant */ \
	OP(PHI, "phi", -1, IR_F_VALUE)         /* args[i] comes from block->preds[i] */ \
	OP(COPY, "copy", 1, IR_F_VALUE)        /* args[0]; gone after `fold` */ \
	/* arithmetic: both operands and the result have the instruction's width; division by zero \
	 * and shifts as in RFC 9669 (x/0 = 0, x%0 = x, shift counts masked) */ \
	OP(ADD, "add", 2, IR_F_VALUE | IR_F_PURE | IR_F_COMM) \
	OP(SUB, "sub", 2, IR_F_VALUE | IR_F_PURE) \
	OP(MUL, "mul", 2, IR_F_VALUE | IR_F_PURE | IR_F_COMM) \
	OP(UDIV, "udiv", 2, IR_F_VALUE | IR_F_PURE) \
	OP(SDIV, "sdiv", 2, IR_F_VALUE | IR_F_PURE) \
	OP(UMOD, "umod", 2, IR_F_VALUE | IR_F_PURE) \
	OP(SMOD, "smod", 2, IR_F_VALUE | IR_F_PURE) \
	OP(AND, "and", 2, IR_F_VALUE | IR_F_PURE | IR_F_COMM) \
	OP(OR, "or", 2, IR_F_VALUE | IR_F_PURE | IR_F_COMM) \
	OP(XOR, "xor", 2, IR_F_VALUE | IR_F_PURE | IR_F_COMM) \
	OP(SHL, "shl", 2, IR_F_VALUE | IR_F_PURE) \
	OP(LSHR, "lshr", 2, IR_F_VALUE | IR_F_PURE) \
	OP(ASHR, "ashr", 2, IR_F_VALUE | IR_F_PURE) \
	OP(NEG, "neg", 1, IR_F_VALUE | IR_F_PURE) \
	/* extension: count = source bits (8, 16, 32); the result has the instruction's width. The \
	 * operand may be of either width. TRUNC makes a 32-bit value of a 64-bit one. */ \
	OP(SEXT, "sext", 1, IR_F_VALUE | IR_F_PURE) \
	OP(ZEXT, "zext", 1, IR_F_VALUE | IR_F_PURE) \
	OP(TRUNC, "trunc", 1, IR_F_VALUE | IR_F_PURE) \
	OP(BSWAP, "bswap", 1, IR_F_VALUE | IR_F_PURE)  /* count = bits 16, 32, 64 */ \
	/* comparisons: operands share a width, kept in `size` (4 or 8 bytes); result 32-bit 0 or 1 */ \
	OP(EQ, "eq", 2, IR_F_VALUE | IR_F_PURE | IR_F_COMM | IR_F_CMP) \
	OP(NE, "ne", 2, IR_F_VALUE | IR_F_PURE | IR_F_COMM | IR_F_CMP) \
	OP(ULT, "ult", 2, IR_F_VALUE | IR_F_PURE | IR_F_CMP) \
	OP(ULE, "ule", 2, IR_F_VALUE | IR_F_PURE | IR_F_CMP) \
	OP(UGT, "ugt", 2, IR_F_VALUE | IR_F_PURE | IR_F_CMP) \
	OP(UGE, "uge", 2, IR_F_VALUE | IR_F_PURE | IR_F_CMP) \
	OP(SLT, "slt", 2, IR_F_VALUE | IR_F_PURE | IR_F_CMP) \
	OP(SLE, "sle", 2, IR_F_VALUE | IR_F_PURE | IR_F_CMP) \
	OP(SGT, "sgt", 2, IR_F_VALUE | IR_F_PURE | IR_F_CMP) \
	OP(SGE, "sge", 2, IR_F_VALUE | IR_F_PURE | IR_F_CMP) \
	/* memory: address = args[0] + imm; `size` bytes (1, 2, 4, 8) */ \
	OP(LOAD, "load", 1, IR_F_VALUE | IR_F_READS)   /* is_signed: sign-extends to the width */ \
	OP(STORE, "store", 2, IR_F_WRITES)             /* args[1]: low `size` bytes are stored */ \
	OP(ZERO, "zero", 1, IR_F_WRITES)               /* count bytes become 0; align */ \
	OP(MOVE, "move", 2, IR_F_READS | IR_F_WRITES)  /* count bytes from args[1]+off2 to \
							  args[0]+imm; align; no overlap */ \
	/* atomics (size 4 or 8): `atomic` says which; args[1] operand; CMPXCHG: args[1] expected, \
	 * args[2] new. Without IR_FETCH there is no value. */ \
	OP(ATOMIC, "atomic", -1, IR_F_READS | IR_F_WRITES) \
	/* calls: at most 5 arguments; a call that gives nothing has width 0 */ \
	OP(CALL, "call", -1, IR_F_READS | IR_F_WRITES) /* imm: helper id */ \
	OP(CALL_FN, "callfn", -1, IR_F_READS | IR_F_WRITES)    /* sym: a function of the module */ \
	OP(CALL_KFUNC, "kfunc", -1, IR_F_READS | IR_F_WRITES)  /* sym: a kernel function */ \
	OP(CALL_PTR, "callptr", -1, IR_F_READS | IR_F_WRITES)  /* args[0]: the address of a function of \
						  the module, arguments behind; gone after `inline` */ \
	/* machine code of the user's own: x->code. The value, if any, is its first result, ASM_OUT gives result \
	 * `imm` (from 1) of its operand, which stands right before it. OPAQUE is its operand, and no pass knows. */ \
	OP(ASM, "asm", -1, IR_F_READS | IR_F_WRITES) \
	OP(ASM_OUT, "asmout", 1, IR_F_VALUE) \
	OP(OPAQUE, "opaque", 1, IR_F_VALUE) \
	/* ends of blocks */ \
	OP(JUMP, "jump", 0, IR_F_END) \
	OP(IF, "if", 1, IR_F_END)              /* args[0] != 0 ? to[0] : to[1] */ \
	OP(RET, "ret", -1, IR_F_END)           /* 0 or 1 operand */ \
	OP(UNREACHABLE, "unreachable", 0, IR_F_END)

enum ir_op {
#define OP(name, text, args, flags) IR_##name,
	IR_OPS(OP)
#undef OP
	IR_N_OPS
};
enum ir_op_flags { IR_F_VALUE = 1, IR_F_PURE = 2, IR_F_COMM = 4, IR_F_CMP = 8, IR_F_READS = 16,
		   IR_F_WRITES = 32, IR_F_END = 64 };
struct ir_op_info { const char *text; int args; u32 flags; };
const struct ir_op_info *ir_op_info(enum ir_op op);

struct ir_block;
struct ir_fn;
struct ir_module;

/* Instructions that find their operands in fixed registers and leave their results in others. */
enum { IR_ASM_REGS = 10 };
struct ir_asm {
	const struct isa_insn *insns;     /* jumps stay inside */
	u32 n;
	u8 n_in, n_out;
	u8 in[IR_ASM_REGS];           /* register of each operand of the ASM */
	u8 out[IR_ASM_REGS];          /* register of each result */
	u16 clobbers;                 /* registers that are written besides, as bits */
};

struct ir_ins {
	enum ir_op op : 8;
	u8 width;             /* of the result: 0, 32, 64 */
	u8 size;              /* bytes of a memory access or of compared operands */
	u8 align;             /* of a slot, ZERO or MOVE: known alignment in bytes, at least 1 */
	bool is_signed;
	bool is_volatile;     /* a load or store that must stay as it is */
	bool is_unaligned;    /* a load or store whose address may be no multiple of its size */
	bool is_ctx;          /* SLOT: stands for the program's context: pass `ctx` gives helpers the
				 real one */
	u8 region;            /* enum ir_region of the result, IR_IN_UNKNOWN if not said */
	u16 n_args;
	u32 id;               /* %id in the text form; unique in the function */
	u32 count;            /* bytes of SLOT, ZERO, MOVE; bits of extensions and BSWAP */
	u32 sym;              /* index into the module's symbols */
	s32 atomic;           /* enum isa_atomic bits */
	s64 imm;
	s64 off2;
	const struct ir_asm *code;    /* ASM; NULL: nothing but a barrier for memory */
	struct ir_ins **args;
	struct ir_block *to[2];
	struct ir_block *block;
	struct ir_ins *prev, *next;
	struct span span;     /* the source text that it came from */
	u32 mark;             /* scratch of the running pass */
	void *note;           /* scratch of the running pass */
};

struct ir_block {
	u32 id;               /* b<id> in the text form; unique in the function */
	struct ir_fn *fn;
	struct ir_ins *first, *last;
	struct ir_block *prev, *next;     /* in layout order; the first is the entry */
	/* One entry for each block that can come here, in the order of the phis' arguments. The
	 * entry block has none; a block never comes here twice (an IF has two different targets).
	 * ir_jump() and ir_if() append to it; ir_cfg_build() sets it right after other changes. */
	struct ir_block **preds;
	u32 n_preds, cap_preds;
	/* Set by ir_dom_build(): immediate dominator, depth, reverse postorder index; the place in a
	 * preorder of the dominator tree and the size of the subtree. */
	struct ir_block *idom;
	u32 dom_depth, rpo;
	u32 dom_at, dom_count;
	u32 mark;
	void *note;
};

/* ---- functions and modules ------------------------------------------------------------------ */

enum ir_linkage { IR_STATIC, IR_GLOBAL, IR_PROGRAM };
/* More than the five that registers take is for functions that are always inlined. */
enum { IR_MAX_PARAMS = 17 };

struct ir_fn {
	struct ir_module *m;
	str name;
	enum ir_linkage linkage;
	bool always_inline, noinline;
	bool guarded;         /* pass `guard` puts the process filter in front */
	u32 prog;             /* IR_PROGRAM: index of its obj_prog */
	u32 n_params;
	u8 ret_width;         /* 0, 32, 64 */
	enum ir_region param_region[IR_MAX_PARAMS];
	/* What pointers in a program's context point into: fields of the context of `prog_type` (enum
	 * isa_prog_type, 0 if unknown), and else 8-byte words. */
	u32 prog_type;
	enum ir_region ctx_words;
	const struct type *proto;     /* TY_FUNC for BTF; may be NULL */
	struct span span;
	struct ir_block *first, *last;
	u32 next_ins, next_block;
};

enum ir_sym_kind {
	IR_SYM_MAP,           /* index: obj map */
	IR_SYM_DATA,          /* index: obj data section; SYM's imm is the offset in it */
	IR_SYM_FN,            /* index: function of the module */
	IR_SYM_CONST,         /* a 64-bit constant that the engine knows at load time, by name */
	IR_SYM_KFUNC,         /* a kernel function, by name */
	IR_SYM_KVAR,          /* address of a kernel variable, by name */
};
struct ir_sym { enum ir_sym_kind kind; str name; u32 index; };

/* Eight bytes of a data section that hold an address, which only the compiler can follow: verifiers take
 * what is read from memory for a number. */
struct ir_pointer { u32 data, sym; s64 off, to_off; };
struct ir_module {
	struct arena *a;
	vec(struct ir_fn *) fns;
	vec(struct ir_sym) syms;
	vec(struct ir_pointer) pointers;      /* front ends fill it: of objects that nobody writes */
	struct strmap sym_names;
};
struct ir_module *ir_module_new(struct arena *a);
/* The symbol of this kind and name, added if new. */
u32 ir_sym(struct ir_module *m, enum ir_sym_kind kind, str name, u32 index);
/* Finds a symbol without adding it. */
bool ir_sym_find(const struct ir_module *m, enum ir_sym_kind kind, str name, u32 *out_sym);
struct ir_fn *ir_fn_new(struct ir_module *m, str name, enum ir_linkage linkage, u32 n_params,
			u8 ret_width);

/* ---- building ------------------------------------------------------------------------------- */

/* Appends to the current block. Everything that it makes carries `.span`. */
struct ir_builder { struct ir_fn *fn; struct ir_block *at; struct span span; };
struct ir_block *ir_block_new(struct ir_fn *fn);         /* appended to the layout */
void ir_block_move_last(struct ir_block *b);
struct ir_ins *ir_const(struct ir_builder *b, u8 width, s64 value);
struct ir_ins *ir_undef(struct ir_builder *b, u8 width);
/* At the start of the entry block wherever the builder stands; one for each index. */
struct ir_ins *ir_param(struct ir_builder *b, u32 index, u8 width);
/* Slots go to the start of the entry block wherever the builder stands. */
struct ir_ins *ir_slot(struct ir_builder *b, u32 bytes, u32 align);
struct ir_ins *ir_symbol(struct ir_builder *b, u32 sym, s64 off);
struct ir_ins *ir_unary(struct ir_builder *b, enum ir_op op, u8 width, struct ir_ins *x);
struct ir_ins *ir_binary(struct ir_builder *b, enum ir_op op, u8 width, struct ir_ins *x,
			 struct ir_ins *y);
/* SEXT or ZEXT from `bits`; from 32 to 64 as well. With bits >= width nothing is to be extended:
 * gives `x`, or its TRUNC when it is wider than `width`. */
struct ir_ins *ir_extend(struct ir_builder *b, bool is_signed, u32 bits, u8 width,
			 struct ir_ins *x);
struct ir_ins *ir_trunc(struct ir_builder *b, struct ir_ins *x);
struct ir_ins *ir_bswap(struct ir_builder *b, u32 bits, u8 width, struct ir_ins *x);
/* Compares two values of one width. */
struct ir_ins *ir_compare(struct ir_builder *b, enum ir_op op, struct ir_ins *x,
			  struct ir_ins *y);
struct ir_ins *ir_load(struct ir_builder *b, u8 width, u8 bytes, bool is_signed,
		       struct ir_ins *base, s64 off);
struct ir_ins *ir_store(struct ir_builder *b, u8 bytes, struct ir_ins *base, s64 off,
			struct ir_ins *x);
struct ir_ins *ir_zero(struct ir_builder *b, struct ir_ins *base, s64 off, u32 bytes, u32 align);
struct ir_ins *ir_move(struct ir_builder *b, struct ir_ins *dst, s64 dst_off, struct ir_ins *src,
		       s64 src_off, u32 bytes, u32 align);
struct ir_ins *ir_atomic(struct ir_builder *b, s32 atomic, u8 bytes, struct ir_ins *base, s64 off,
			 struct ir_ins *x, struct ir_ins *y);
struct ir_ins *ir_call(struct ir_builder *b, u32 helper, u8 width, struct ir_ins *const *args,
		       u32 n);
struct ir_ins *ir_call_sym(struct ir_builder *b, enum ir_op op, u32 sym, u8 width,
			   struct ir_ins *const *args, u32 n);
/* `code` NULL: only keeps accesses to memory on their side, and its operands alive. */
struct ir_ins *ir_asm(struct ir_builder *b, const struct ir_asm *code, struct ir_ins *const *args,
		      u32 n);
/* Placed behind the phis that begin the current block; args[i] (from preds[i]) are the caller's to
 * fill. */
struct ir_ins *ir_phi(struct ir_builder *b, u8 width, u32 n);
void ir_jump(struct ir_builder *b, struct ir_block *to);
void ir_if(struct ir_builder *b, struct ir_ins *cond, struct ir_block *yes, struct ir_block *no);
void ir_ret(struct ir_builder *b, struct ir_ins *x);     /* x may be NULL */
void ir_unreachable(struct ir_builder *b);
/* True when the current block has its end already: what follows is dead. */
bool ir_ended(const struct ir_builder *b);

/* ---- changing ------------------------------------------------------------------------------- */

struct ir_ins *ir_ins_new(struct ir_fn *fn, enum ir_op op, u8 width, u32 n_args);  /* unplaced */
void ir_insert_before(struct ir_ins *at, struct ir_ins *x);
void ir_insert_after(struct ir_ins *at, struct ir_ins *x);
void ir_append(struct ir_block *b, struct ir_ins *x);
void ir_remove(struct ir_ins *x);
/* Every use of `old` in the function becomes `x`. Linear in the function; passes that replace many
 * values set old->note and call ir_forward_all() once. */
void ir_replace_uses(struct ir_ins *old, struct ir_ins *x);
/* Follows `note` (a struct ir_ins *) of each operand to its end and writes it back. */
void ir_forward_all(struct ir_fn *fn);
/* note = NULL and mark = 0 in every instruction and block: what a pass does before it uses them. */
void ir_notes_clear(struct ir_fn *fn);
/* Sets the value of a CONST, in the form that its width wants. */
void ir_set_const(struct ir_ins *x, s64 value);
/* The number that a CONST puts in its register: zero-extended at width 32. */
static inline u64 ir_const_bits(const struct ir_ins *x)
{
	return x->width == 32 ? (u32)x->imm : (u64)x->imm;
}

/* Whether the upper half of the register is zero whatever the value is, so that TRUNC costs nothing.
 * Looks only at the instruction itself. */
bool ir_upper_zero(const struct ir_ins *x);

/* ---- changing edges -------------------------------------------------------------------------- */

/* Adds an argument to a phi, for the pred that is added to its block at the same time. */
void ir_phi_add(struct ir_ins *phi, struct ir_ins *x);
void ir_pred_add(struct ir_block *b, struct ir_block *from);
/* The edge old -> b is now x -> b: phi arguments stay. */
void ir_pred_replace(struct ir_block *b, struct ir_block *old, struct ir_block *x);
/* Takes the edge away: preds[i] and the i-th argument of each phi. */
void ir_pred_remove(struct ir_block *b, u32 i);
/* Moves `at` and all behind it into a new block, placed behind its old one, which is left without an
 * end; the preds of the targets follow. */
struct ir_block *ir_block_split(struct ir_ins *at);
/* Unlinks a block that nothing goes to. */
void ir_block_remove(struct ir_block *b);
/* Recomputes preds and drops unreachable blocks, fixing phis: arguments of edges that are gone go
 * too. An IF whose targets became the same becomes a JUMP. New edges into a block with phis must have
 * their arguments already, at the end, in layout order of the new preds. Call after changing edges. */
void ir_cfg_build(struct ir_fn *fn);
/* The reachable blocks in reverse postorder, in `a`; sets block->rpo (~0u in unreachable ones). */
struct ir_block **ir_rpo(struct arena *a, struct ir_fn *fn, u32 *out_n);
/* Dominators of all reachable blocks. */
void ir_dom_build(struct ir_fn *fn);
/* After ir_dom_build(). A block dominates itself; an unreachable block is dominated by all. */
bool ir_dominates(const struct ir_block *a, const struct ir_block *b);
/* Numbers instructions and blocks anew in layout order. */
void ir_renumber(struct ir_fn *fn);

/* ---- checking, text ------------------------------------------------------------------------- */

/* Every invariant of this header; the first break is described in *out_why. Dominators are computed
 * on the way. */
bool ir_check(struct ir_fn *fn, str *out_why);
/* The text form; parses back to the same module. */
void ir_print(struct sbuf *out, const struct ir_module *m);
void ir_print_fn(struct sbuf *out, const struct ir_fn *fn);
/* Mistakes are E_IR diagnostics; NULL if there was one. The result has passed ir_check(). Spans are
 * those of the text itself; fn->proto is not in the text. */
struct ir_module *ir_parse(struct arena *a, struct diags *dx, const struct source *src);

/* ---- passes --------------------------------------------------------------------------------- */

enum ir_guard { IR_GUARD_NONE, IR_GUARD_CGROUP, IR_GUARD_PIDS };

/* What the passes may rely on. */
struct ir_target {
	bool has_v4;          /* sign-extending moves and loads, bswap, signed division (6.6) */
	bool split_probe_reads; /* probe_read_kernel/_user exist (5.5) */
	bool jumps_close_loops; /* a loop must be closed by a jump, not by falling into its test: the
				   check of the flow graph before 6.8 */
	enum ir_guard guard;
	u32 pids_map;         /* IR_GUARD_PIDS: symbol of the map of thread group ids */
};

struct ir_pass_ctx { struct arena *scratch; struct diags *dx; const struct ir_target *target; };
struct ir_pass {
	const char *name;     /* also of its dump: `skep dump --stage ir:NAME` */
	const char *text;     /* one line of what it does */
	void (*run_fn)(struct ir_pass_ctx *c, struct ir_fn *fn);
	void (*run_module)(struct ir_pass_ctx *c, struct ir_module *m);
};
/* The pipeline in order; ends with a NULL name. */
extern const struct ir_pass ir_pipeline[];

/* Runs the pipeline; stops behind the first pass that reports an error, and returns false. After
 * each pass `seen` (may be NULL) is called, for dumps; in debug builds ir_check() runs as well.
 * `a` holds what the passes need for themselves; unless the module or the diagnostics live there as
 * well, it is given back after each pass. */
bool ir_optimise(struct arena *a, struct diags *dx, const struct ir_target *target,
		 struct ir_module *m,
		 void (*seen)(void *arg, const char *pass, struct ir_module *m), void *arg);

/* The region that each value points into, for one function: writes ins->region. Walks phis, sums
 * and helper results to a fixed point. */
void ir_regions(struct ir_fn *fn);

#endif
