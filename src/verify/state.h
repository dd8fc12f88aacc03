/* What the verifier knows at one point of one path, and the functions that the room's files share.
 *
 * Private to the room. A state is a stack of frames; a frame is eleven registers and a stack of
 * slots. Frames and slots come from free lists inside the arena, as paths are many and short.
 */
#ifndef SKEP_VERIFY_STATE_H
#define SKEP_VERIFY_STATE_H

#include "verify/verify.h"

/* ---- numbers: known bits and intervals (scalar.c) -------------------------------------------- */

/* All values x with (x & ~mask) == bits, inside every interval. */
struct num {
	u64 bits, mask;
	u64 umin, umax;
	s64 smin, smax;
	u32 umin32, umax32;
	s32 smin32, smax32;
};

struct num num_const(u64 x);
struct num num_any(void);
struct num num_range(u64 lo, u64 hi);
bool num_is_const(const struct num *n);
static inline bool num_is(const struct num *n, u64 x)
{
	return n->mask == 0 && n->bits == x;
}
/* Lets the parts refine each other; false when no value is left. */
bool num_settle(struct num *n);
/* Whether every value of `in` is one of `out`. */
bool num_within(const struct num *out, const struct num *in);
/* Keeps the lower `bytes` bytes, zero- or sign-extended. */
struct num num_cut(const struct num *n, u32 bytes);
struct num num_extend(const struct num *n, u32 bits);
struct num num_join(const struct num *a, const struct num *b);
/* One arithmetic operation; 32-bit operations give a zero-extended result. */
struct num num_alu(u8 op, bool is64, bool is_signed, const struct num *a, const struct num *b);
/* 1: the comparison always holds, 0: never, -1: unknown. */
int num_compare(u8 op, bool is64, const struct num *a, const struct num *b);
/* Refines both for the branch where the comparison holds; false when that cannot be. */
bool num_assume(u8 op, bool is64, struct num *a, struct num *b);
u8 num_negate(u8 op);

/* ---- registers, slots, frames ---------------------------------------------------------------- */

enum kind {
	K_NONE,
	K_SCALAR,
	K_CTX,
	K_STACK,
	K_MAP,
	K_VALUE,
	K_MEM,
	K_PACKET,
	K_META,
	K_END,
	K_SOCK,
	K_SOCK_COMMON,
	K_TCP_SOCK,
	K_XDP_SOCK,
	K_BTF,
	K_FUNC,
	K_FLOW_KEYS,
	K_TP_BUFFER
};

struct reg {
	u8 kind; /* enum kind */
	bool or_null;
	bool is_reserved; /* K_MEM: from ringbuf_reserve */
	bool readonly;	  /* K_MEM */
	u8 frame;	  /* K_STACK: whose stack */
	u16 range;	  /* packets: bytes behind `id` known to exist */
	s32 off;	  /* constant part of a pointer's offset */
	u32 id;		  /* pointers: null checks and packet bases; scalars: equal values */
	u32 ref;	  /* the reference that it stands for, or 0 */
	u32 map;	  /* K_MAP, K_VALUE: index; K_FUNC: first instruction */
	u32 size;	  /* K_MEM, K_TP_BUFFER */
	u32 node;	  /* where the value came from */
	struct num n;	  /* scalars: the value; pointers: variable part of the offset */
	const struct type *type;
};

enum byte_kind { B_NONE, B_MISC, B_ZERO, B_SPILL };
/* Eight bytes of stack. bytes[0] is the lowest address. A spilled register fills the low
 * `spilled` bytes; the register is meaningful only while they are all B_SPILL. */
struct slot {
	u8 bytes[8];
	u8 spilled;
	struct reg reg;
};
#define N_SLOTS	   (ISA_STACK_BYTES / 8)
#define MAX_FRAMES 8

struct frame {
	struct reg regs[ISA_N_REGS];
	struct slot *slots; /* slots[0] is at fp-8 */
	u32 n_slots, cap;
	u32 sub;      /* index of the subprogram */
	u32 callsite; /* the call; UINT32_MAX in the first frame */
	bool is_callback;
	u32 callback; /* helper that calls it */
	struct reg callback_map;
};

#define MAX_REFS 16
struct state {
	struct frame *frames[MAX_FRAMES];
	u32 n_frames;
	u32 refs[MAX_REFS]; /* ids that must be released */
	u32 ref_insn[MAX_REFS];
	u32 n_refs;
	u32 lock_id, lock_insn; /* the spin lock that is held; 0 if none */
	bool is_locked;
	u32 lock_map;
};
#define TOP(st) ((st)->frames[(st)->n_frames - 1])

/* ---- the way to a value ---------------------------------------------------------------------- */

/* How a value was made: at which instruction from which values. Node 0 is "nothing". Ids ascend in
 * the order of execution. A node is precise when a decision hung on its exact range. */
struct node {
	u32 insn : 31, precise : 1;
	u32 a, b;
};
#define NO_INSN 0x7fffffffu

/* A remembered state at an instruction: what comes behind it was proved from this. */
struct point {
	struct point *next; /* at the same instruction */
	struct point *parent;
	u32 insn, branches; /* paths below it that are not finished */
	u32 hits, misses;
	u32 depth; /* callback depth marker */
	struct state st;
};
/* A branch that is still to be explored. */
struct pending {
	struct pending *next;
	struct point *parent;
	u32 insn, from;
	u32 trail;
	struct state st;
};
/* Conditional jumps of a path, for the explanation. */
struct trail {
	u32 prev, insn;
	bool taken;
};

struct sub {
	u32 start, end;
	bool is_global, is_callback, has_tail, has_ld_abs;
	u32 depth;
	u32 seen_below, seen_level;
	const struct type *proto;
	str name;
};

struct verifier {
	struct arena *a;
	const struct verify_input *in;
	struct verify_result *out;
	struct state *st;      /* the path being followed */
	u32 insn;	       /* its instruction */
	u32 next;	       /* where it goes on */
	bool ended;	       /* … unless it has ended */
	struct point **points; /* by instruction */
	struct point *parent;
	struct pending *todo;
	u32 n_states;
	vec(struct node) nodes;
	vec(struct trail) trail;
	u32 trail_at;
	u32 last_id;
	u32 since_point, jumps_since;
	vec(struct sub) subs;
	u8 *flags; /* by instruction: enum insn_flags */
	u8 *kinds; /* by instruction: kind of the memory accessed, K_NONE at first */
	u16 *live; /* by instruction: registers that may be read */
	struct frame *free_frames;
	struct slot *free_slots[8];
	struct pending *free_pending;
	struct point *free_points;
	vec(u32) work;
	u32 main; /* subprogram that is verified */
	bool failed;
};
enum insn_flags { I_SECOND = 1, I_TARGET = 2, I_REACHED = 4, I_SUB = 8, I_BACK = 16, I_FORCE = 32 };

/* ---- refusing (explain.c) ---------------------------------------------------------------------
 */

/* Records why the program is refused; `node` is the value to blame, or 0. Returns false. */
bool verify_refuse(struct verifier *v, enum verify_tag tag, u32 node, const char *hint,
		   const char *fmt, ...) PRINTF_LIKE(5, 6);
const char *verify_kind_name(const struct reg *r);

/* ---- state.c ----------------------------------------------------------------------------------
 */

struct frame *verify_frame_new(struct verifier *v);
void verify_frame_free(struct verifier *v, struct frame *f);
void verify_state_copy(struct verifier *v, struct state *to, const struct state *from);
void verify_state_drop(struct verifier *v, struct state *st);
struct slot *verify_slots_need(struct verifier *v, struct frame *f, u32 n);
u32 verify_node(struct verifier *v, u32 a, u32 b);
void verify_precise(struct verifier *v, u32 node);
void verify_set_scalar(struct verifier *v, struct reg *r, struct num n, u32 a, u32 b);
void verify_set_unknown(struct verifier *v, struct reg *r);
/* Calls `each` for every register and every spilled register of the state. */
void verify_each_reg(struct state *st, void (*each)(struct reg *r, void *arg), void *arg);
bool verify_ref_add(struct verifier *v, u32 id);
bool verify_ref_drop(struct verifier *v, u32 id);
void verify_forget_ref(struct verifier *v, u32 id);
void verify_forget_packets(struct verifier *v);

/* ---- cfg.c ------------------------------------------------------------------------------------
 */

bool verify_cfg(struct verifier *v);
u32 verify_sub_at(const struct verifier *v, u32 insn);

/* ---- alu.c, branch.c --------------------------------------------------------------------------
 */

bool verify_alu(struct verifier *v, struct isa_insn i);
bool verify_branch(struct verifier *v, struct isa_insn i);
bool verify_read(struct verifier *v, u8 reg);
bool verify_write(struct verifier *v, u8 reg);
void verify_push(struct verifier *v, u32 insn, const struct state *st);

/* ---- memory.c, stack.c, ctx.c -----------------------------------------------------------------
 */

enum access { A_READ, A_WRITE, A_ATOMIC };
bool verify_load(struct verifier *v, struct isa_insn i);
bool verify_store(struct verifier *v, struct isa_insn i);
bool verify_atomic(struct verifier *v, struct isa_insn i);
/* Memory handed to a helper: `size` bytes behind r. `raw`: to be filled, need not be initialised.
 */
bool verify_helper_mem(struct verifier *v, u8 arg, const struct reg *r, u64 size, bool zero_ok,
		       bool is_write, bool raw, u32 helper);
/* Bounds of an access to `limit` bytes of memory. */
bool verify_bounds(struct verifier *v, const struct reg *r, u8 no, s64 off, u64 size, u64 limit,
		   const char *what);
bool verify_stack_range(struct verifier *v, const struct reg *r, u8 no, s32 off, u64 size,
			s64 *out_lo, s64 *out_hi);
bool verify_stack_read(struct verifier *v, const struct reg *base, u8 no, s32 off, u32 size,
		       struct reg *out);
bool verify_stack_write(struct verifier *v, const struct reg *base, u8 no, s32 off, u32 size,
			const struct reg *val);
bool verify_stack_helper(struct verifier *v, const struct reg *r, u8 no, u64 size, bool raw);
bool verify_ctx_access(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
		       bool is_write, struct reg *out);
bool verify_sock_access(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
			bool is_write);
bool verify_btf_access(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
		       bool is_write, struct reg *out);
bool verify_value_special(struct verifier *v, const struct reg *r, u8 no, s64 lo, s64 hi);
void verify_packet_compare(struct verifier *v, struct state *yes, struct state *no,
			   const struct reg *a, const struct reg *b, u8 op);

/* ---- call.c, allow.c, subprog.c ---------------------------------------------------------------
 */

bool verify_call(struct verifier *v, struct isa_insn i);
bool verify_helper_allowed(struct verifier *v, const struct isa_helper *h);
bool verify_map_fits(struct verifier *v, const struct isa_helper *h, u32 map);
bool verify_packet_helper(u32 id);
bool verify_call_local(struct verifier *v, struct isa_insn i);
bool verify_call_callback(struct verifier *v, u32 id, const struct reg *args, bool *out_entered);
bool verify_exit(struct verifier *v);
bool verify_ld_packet(struct verifier *v, struct isa_insn i);
bool verify_wide(struct verifier *v, struct isa_insn i, struct isa_insn next);
bool verify_start(struct verifier *v, u32 sub);
void verify_clobber(struct verifier *v);

/* ---- prune.c ----------------------------------------------------------------------------------
 */

enum prune { PRUNE_NO, PRUNE_YES, PRUNE_LOOP };
enum prune verify_prune(struct verifier *v);
void verify_path_done(struct verifier *v);
/* At a call with a callback: whether an enclosing iteration covers this state; widens otherwise. */
bool verify_callback_covered(struct verifier *v);

#endif
