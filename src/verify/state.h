/* What the verifier knows at one point of one path, and the functions that the room's files share.
 *
 * Private to the room. A state is a stack of frames; a frame is eleven registers and a stack of
 * slots. Frames and slots come from free lists inside the arena, as paths are many and short.
 */
#ifndef SKEP_VERIFY_STATE_H
#define SKEP_VERIFY_STATE_H

#include "verify/num.h"
#include "verify/verify.h"

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
	bool untrusted;	  /* K_BTF: may be gone; read it, pass it to nobody */
	u8 beyond;	  /* K_PACKET: enum beyond */
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

/* Where a packet pointer was found to lie: at data_end or behind it, or surely behind it. */
enum beyond { NOT_BEYOND, AT_END, BEHIND_END };

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
	u32 rounds;   /* of the callback of the helper call that is going on */
	struct reg callback_map;
};

#define MAX_REFS 16
struct state {
	struct frame *frames[MAX_FRAMES];
	u32 n_frames;
	u32 refs[MAX_REFS]; /* ids that must be released */
	u32 ref_insn[MAX_REFS];
	u32 ref_node[MAX_REFS];
	u32 n_refs;
	u32 lock_id, lock_insn, lock_node; /* the spin lock that is held; 0 if none */
	bool is_locked;
	u32 turns;     /* rounds of callbacks so far, all together */
	bool is_guess; /* a path that only a mispredicting processor takes */
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
	u32 chain; /* open points at the same instruction when this was remembered */
	/* Stack slots a frame: read behind the point before they were written; written between the
	 * point before and this one. */
	u64 read[MAX_FRAMES], written[MAX_FRAMES];
	struct state st;
};
/* A branch that is still to be explored. */
struct pending {
	struct pending *next;
	struct point *parent;
	u32 insn, from;
	u32 trail;
	u64 written[MAX_FRAMES];
	struct state st;
};
/* Conditional jumps of a path, for the explanation. */
struct trail {
	u32 prev, insn;
	u32 order; /* the newest node then */
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
	struct point **points; /* by instruction, the newest first */
	struct point **proved; /* the same of those whose paths are all explored */
	struct point *parent;
	struct pending *todo;
	u32 n_states;
	vec(struct node) nodes;
	vec(struct trail) trail;
	u32 trail_at;
	u32 last_id;
	u32 since_point, jumps_since, looks;
	u64 written[MAX_FRAMES]; /* stack slots since the last point */
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
	struct guard *guards; /* by instruction; NULL: speculation is no concern */
	bool explore_limits;  /* a limit of a guard hangs on the path: prune equal states only */
};
enum insn_flags { I_SECOND = 1, I_TARGET = 2, I_REACHED = 4, I_SUB = 8, I_BACK = 16, I_FORCE = 32 };

/* ---- refusing (explain.c) ---------------------------------------------------------------------
 */

/* Records why the program is refused; `node` is the value to blame, or 0. Returns false. */
bool verify_refuse(struct verifier *v, enum verify_tag tag, u32 node, const char *hint,
		   const char *fmt, ...) PRINTF_LIKE(5, 6);
const char *verify_kind_name(const struct reg *r);
/* "5", "0 to 255", "anything": for messages. */
const char *verify_num_text(struct verifier *v, const struct num *n);

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

/* ---- memory.c, stack.c, ctx.c, btf.c -------------------------------------------------------------
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
bool verify_bad_field(struct verifier *v, const struct reg *r, s32 off, u32 size, bool is_write);
bool verify_btf_argument(struct verifier *v, const struct reg *r, s32 off, u32 size, bool is_write,
			 struct reg *out);
/* A pointer to an object of type `t`, if that is a pointer to one; else `out` stays. */
bool verify_btf_pointer(struct verifier *v, const struct type *t, const struct reg *base,
			struct reg *out);
bool verify_btf_access(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
		       bool is_write, struct reg *out);
bool verify_value_special(struct verifier *v, const struct reg *r, u8 no, s64 lo, s64 hi);
/* The kernel pointer in a map value that bytes lo to hi touch, or NULL. */
const struct verify_kptr *verify_kptr_find(const struct verifier *v, const struct reg *r, s64 lo,
					   s64 hi);
/* A load (`val` NULL) or store at a kernel pointer in a map value; nothing to say where none is. */
bool verify_kptr_access(struct verifier *v, const struct reg *r, u8 no, s32 off, u32 size,
			const struct reg *val, struct reg *out);
/* The slot that r points to, if it is one that owns its object. */
const struct verify_kptr *verify_kptr_slot(const struct verifier *v, const struct reg *r);
bool verify_btf_same(const struct type *a, const struct type *b);
/* Whether what lies at `off` in `t` is, or begins with, a `name`. */
bool verify_btf_names(const struct type *t, s64 off, str name, u32 depth);

/* ---- call.c, kfunc.c, allow.c, subprog.c ---------------------------------------------------------------
 */

bool verify_call(struct verifier *v, struct isa_insn i);
bool verify_call_kfunc(struct verifier *v, struct isa_insn i);
bool verify_acquire(struct verifier *v, struct reg *r);
void verify_result_pointer(struct verifier *v, struct reg *r, u8 kind, bool or_null);
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
/* Stack bytes lo to hi of a frame are read, or written whole. */
void verify_slots_read(struct verifier *v, u32 frame, s64 lo, s64 hi);
void verify_slots_written(struct verifier *v, u32 frame, s64 lo, s64 hi);
/* At a call with a callback: whether an enclosing iteration covers this state; widens otherwise. */
bool verify_callback_covered(struct verifier *v);

#endif
