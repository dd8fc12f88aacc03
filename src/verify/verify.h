/* verify: is a program safe to run? And if not, why, in its author's terms.
 *
 * Promises what the kernel's verifier promises: the program ends, touches only its own memory, follows no null,
 * leaks no reference. By a design of its own: paths explored one by one with pruning and precision tracking while
 * a budget lasts, then joined and widened with thresholds from the program's own comparisons; known bits beside
 * signed and unsigned intervals of 32 and 64 bits (docs/verifier.md).
 *
 * Pure: no kernel, no descriptors. The input names everything that the program refers to.
 */
#ifndef SKEP_VERIFY_H
#define SKEP_VERIFY_H

#include "base/base.h"
#include "isa/isa.h"
#include "obj/obj.h"
#include "types/types.h"

/* ---- input ---------------------------------------------------------------------------------- */

/* A pointer to a kernel object that is kept in a map value (__kptr, __kptr_untrusted). */
struct verify_kptr {
	u32 off;              /* in the value */
	bool owns;            /* it holds a reference; bpf_kptr_xchg() puts it there and takes it out */
	const struct type *to;/* the object; NULL if unknown */
};
struct verify_map {
	u32 type, key_size, value_size, max_entries, flags;
	u32 inner;            /* index of the inner map's template, OBJ_NONE if there is none */
	const u8 *frozen;     /* constant contents of a read-only array of one entry, or NULL */
	/* Where special fields lie in the value; 0xffffffff if there is none. */
	u32 spin_lock_off, timer_off;
	const struct type *value;         /* NULL if unknown */
	const struct verify_kptr *kptrs;
	u32 n_kptrs;
};
struct verify_func { u32 insn; const struct type *proto; bool is_global; str name; };
/* A kernel function: a call of kind ISA_CALL_KFUNC with imm 1 + its index (0: none; such a call is
 * refused when it can be reached). */
enum verify_kfunc_flags { VERIFY_KF_KNOWN = 1, VERIFY_KF_ACQUIRE = 2, VERIFY_KF_RELEASE = 4,
			  VERIFY_KF_NULL = 8 /* may return null */, VERIFY_KF_TRUSTED = 16,
			  VERIFY_KF_SLEEPS = 32, VERIFY_KF_KPTR_GET = 64 };
struct verify_kfunc {
	str name;
	const struct type *proto;         /* NULL: as `btf` says */
	u32 flags;            /* 0: as the verifier's own list says for the name */
};
struct verify_input {
	const struct isa_insn *insns;
	u32 n;
	u32 prog_type, attach_type;       /* attach_type OBJ_NONE if none */
	bool sleepable;
	bool privileged;      /* false: the rules of unprivileged loads (no pointer leaks) */
	bool strict_align;    /* else the rules of a machine that allows unaligned access to the stack */
	bool any_align;       /* BPF_F_ANY_ALIGNMENT */
	/* ISA_MAP_FD and ISA_MAP_IDX loads: imm indexes `maps`; a negative or too large one is refused. */
	const struct verify_map *maps;
	u32 n_maps;
	const struct verify_func *funcs;  /* by ascending insn; may be empty */
	u32 n_funcs;
	const struct verify_kfunc *kfuncs;
	u32 n_kfuncs;
	struct ty_btf *btf;   /* types of kernel objects; may be NULL */
	str btf_target;       /* function, tracepoint or hook that the program is for */
	/* Plain memory as context (embedding, conformance): r1 points to this many readable bytes and, if
	 * writable, r2 holds the count. 0: the context of the program type. */
	u32 mem_size;
	bool mem_writable;
	const struct isa_helper *(*helper)(void *arg, u32 id);   /* added helpers; may be NULL */
	void *helper_arg;
	u32 budget;           /* instructions analysed at most; 0: 1 000 000 */
};

/* ---- output --------------------------------------------------------------------------------- */

/* Why a program is refused: VERIFY_TAG(tag, gloss) in verify_tags.def, explained one by one in docs/verifier.md. */
enum verify_tag {
#define VERIFY_TAG(tag, gloss) tag,
#include "verify/verify_tags.def"
#undef VERIFY_TAG
	VERIFY_N_TAGS
};
/* One step of the way to the problem: where a value was made, checked, spilled, or a branch was taken. */
struct verify_step { u32 insn; str text; };
struct verify_problem {
	enum verify_tag tag;
	u32 insn;
	str text;             /* what is wrong, one sentence */
	str hint;             /* what would make it right; may be empty */
	vec(struct verify_step) steps;    /* in the order of execution */
};
/* What was proved about one instruction, for the JIT. */
struct verify_fact {
	u8 region;            /* of the address of a load or store: enum verify_region */
	bool is_reached;
	bool never_null;      /* a null check that always passes */
	s64 const_off;        /* of the access from its region's start, if is_const */
	bool is_const;
	u32 map;              /* lookup or value access: the map, OBJ_NONE if it varies */
	bool key_known;       /* array lookup with a constant key within bounds */
	u64 key;
};
enum verify_region { VERIFY_NONE, VERIFY_CTX, VERIFY_STACK, VERIFY_VALUE, VERIFY_MEM, VERIFY_PACKET,
		     VERIFY_BTF, VERIFY_SOCK, VERIFY_MIXED };
struct verify_result {
	bool accepted;
	struct verify_problem problem;    /* if not accepted */
	struct verify_fact *facts;        /* if accepted: one an instruction slot */
	u32 analysed;         /* instructions looked at, all paths together */
	u32 peak_states;
	u32 stack;            /* bytes of the deepest call chain */
	bool reads_unwritten; /* it may read stack that it did not write (privileged programs only) */
};
/* Judges a program. The result lives in `a`. Never fails but by running out of memory (the arena's trap). */
void verify_program(struct arena *a, const struct verify_input *in, struct verify_result *out);
const char *verify_tag_name(enum verify_tag tag);
const char *verify_tag_gloss(enum verify_tag tag);
/* The input of one program of an obj after linking. Map indices are those of the obj. */
void verify_input_of(struct arena *a, const struct obj *o, const struct obj_image *image, u32 prog,
		     struct verify_input *out);

#endif
