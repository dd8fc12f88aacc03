/* mir: machine instructions over virtual registers. Private to the room.
 *
 * One struct mi is one BPF instruction (a few stand for a fixed sequence, see enum mi_kind) whose
 * operands are register numbers: 0 to 10 are the machine's, REG_FIRST and above are virtual. A
 * virtual register may be written more than once (a two-address sum, a phi), so this is no longer
 * SSA. Blocks are in the order in which they will be emitted; each ends with MI_GOTO or MI_EXIT,
 * perhaps after one MI_BRANCH.
 */
#ifndef SKEP_GEN_MIR_H
#define SKEP_GEN_MIR_H

#include "gen/gen.h"

#define REG_FIRST  16u
#define REG_NONE   0xffffffffu
#define N_COLOURS  10u	 /* r0 … r9; r10 is the frame */
#define SCRATCH	   0x3fu /* r0 … r5: a call clobbers them */
#define SLOT_NONE  0xffffffffu
#define BLOCK_NONE 0xffffffffu

enum mi_kind {
	MI_PLAIN, /* one instruction, `i` */
	MI_MOVE,  /* d = s, 64 bits: the allocator tries to make them one register */
	MI_WIDE,  /* d = value: two slots; with `sym` a relocation */
	MI_ADDR,  /* d = r10; d += offset of `slot` + value */
	MI_SET,	  /* d = 1; if (s op t or imm) goto +1; d = 0 */
	MI_CALL,
	MI_ASM,    /* the instructions of `code`, in machine registers */
	MI_GOTO,   /* to block `to` */
	MI_BRANCH, /* if (d op s or imm) goto block `to` */
	MI_EXIT,
};
enum mi_flags {
	MI_READ_D = 1,
	MI_WRITE_D = 2,
	MI_READ_S = 4,
	MI_READ_T = 8,
	MI_FRAME = 16, /* `off` counts from slot `slot`; its base register is r10 */
	MI_REMAT = 32, /* may be computed anew wherever d is needed: reads nothing */
	MI_SWAP = 64,  /* d and s are encoded in each other's place: atomics that fetch */
};

struct mi {
	struct isa_insn i; /* code, off and imm; registers are filled in at the end */
	u8 kind;	   /* enum mi_kind */
	u8 flags;	   /* enum mi_flags */
	u16 reads, writes; /* machine registers beside the operands, as bits */
	u32 d, s, t;	   /* registers */
	u32 to;		   /* MI_GOTO, MI_BRANCH: block */
	u32 slot;
	u32 sym; /* OBJ_NONE or the module's symbol that a relocation names */
	s64 value;
	const struct ir_asm *code;
	struct span span;
};

struct mb {
	vec(struct mi) code;
	u32 succ[2], n_succ;
	u32 depth;	 /* of loops around it */
	bool is_dropped; /* empty; whoever went here goes on (see tidy.c) */
};

/* A piece of the frame. Locals come first (nearest to r10), then spilled registers. */
struct frame_slot {
	u32 bytes, align;
	s32 off; /* from r10: negative */
	struct span span;
};

/* What is known of a virtual register. */
struct reg_info {
	u8 level; /* 0: the program's; 1: a reload shared in its block; 2: one use's */
	u32 home; /* level 1, 2: the spill slot that holds it as well, or SLOT_NONE */
};

struct gen {
	struct arena *a; /* of this function; given back behind it */
	struct diags *dx;
	const struct ir_target *target;
	struct ir_module *m;
	struct ir_fn *fn;
	struct obj *o;
	struct obj_func *out;
	u32 first_func;	  /* index in o->funcs of the module's first function */
	bool is_callback; /* its address is taken */

	/* ir side (flow.c, demand.c) */
	struct ir_block **order;
	u32 n_blocks;
	u32 *depth; /* of loops, by block->mark, which is the index in `order` */
	u8 *need;   /* by ins->id: enum need */
	u32 *uses, *address_uses;

	/* mir side */
	struct mb *blocks;	   /* as `order` */
	vec(struct reg_info) regs; /* by number; the first REG_FIRST are the machine's */
	vec(struct frame_slot) slots;
	u32 n_locals; /* slots that are locals */
	u8 *colour;   /* by register: the machine register, after regalloc */
	bool failed;  /* a diagnostic was added */
};

enum need { NEED_VALUE = 1, NEED_UPPER = 2 /* the upper half of a 32-bit value must be zero */ };

/* What the address or number of a leaf is. Leaves are computed where they are
 * used: constants, addresses of locals and of symbols, and sums of those addresses with constants.
 */
enum leaf_kind { LEAF_NO, LEAF_CONST, LEAF_SLOT, LEAF_SYM };
struct leaf {
	enum leaf_kind kind;
	const struct ir_ins *base;
	s64 value;
};
struct leaf gen_leaf(const struct ir_ins *x, const struct ir_module *m);
/* True when the instruction takes this leaf operand as it stands (immediate, frame offset, or a
 * move that computes it in place); others get a register from place_leaves. */
bool gen_takes_leaf(const struct ir_ins *x, u32 arg, struct leaf l);
static inline bool fits_s32(s64 v)
{
	return v == (s32)v;
}
static inline bool fits_s16(s64 v)
{
	return v == (s16)v;
}

/* The base and offset of a memory access after folding constant sums; `base` may be a leaf. */
struct ir_ins *gen_address(const struct gen *g, const struct ir_ins *x, s64 *out_off);
/* The comparison that an IF is fused with, or NULL. */
struct ir_ins *gen_fused_compare(const struct ir_ins *x);
/* The AND that `if (x & y)` is fused with, or NULL; `compare` as of gen_fused_compare(). */
struct ir_ins *gen_fused_mask(const struct gen *g, const struct ir_ins *compare);

/* The steps of the driver, in order; each has a file. */
void gen_legalize(struct gen *g);
void gen_flow(struct gen *g);	      /* flow.c: critical edges, loops, order */
void gen_place_leaves(struct gen *g); /* leaf.c */
void gen_demand(struct gen *g);
void gen_turn_loops(struct gen *g); /* flow.c */
void gen_select(struct gen *g);
void gen_allocate(struct gen *g);
void gen_frame(struct gen *g);
void gen_tidy(struct gen *g);
void gen_emit(struct gen *g);

/* The registers that an instruction reads as operands, at most three; returns how many. */
static inline u32 gen_reads(const struct mi *m, u32 out[3])
{
	u32 n = 0;

	if (m->flags & MI_READ_D)
		out[n++] = m->d;
	if (m->flags & MI_READ_S)
		out[n++] = m->s;
	if (m->flags & MI_READ_T)
		out[n++] = m->t;
	return n;
}

/* Liveness of virtual registers at the ends of blocks. Only registers that live across blocks are
 * kept, by dense number. */
struct live {
	u32 n;	  /* registers that live across blocks */
	u32 *reg; /* their numbers */
	u32 words;
	u64 *out; /* words for each block */
};
void gen_live(struct gen *g, struct arena *a, struct live *out);

/* Rewrites the code for spilled registers: `slot_of` is SLOT_NONE or the home by register. */
struct spill_set {
	const u32 *slot_of;
	const bool *is_remat;	       /* by register: recomputed instead of reloaded */
	const struct mi *const *remat; /* by register: how */
	const bool *may_share;	       /* by register: reloads shared within a block */
};
void gen_spill(struct gen *g, const struct spill_set *set);

u32 gen_reg(struct gen *g);			       /* a new virtual register */
struct mi gen_mi(enum mi_kind kind, struct span span); /* nothing set but what means nothing */

#endif
