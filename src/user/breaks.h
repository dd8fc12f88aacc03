/* Breakpoints in traced processes: what x86.c, space.c and breaks.c share. */
#ifndef SKEP_USER_BREAKS_H
#define SKEP_USER_BREAKS_H

#include "user/tracer.h"

/* What stepping over a copied instruction has to mend. */
struct insn {
	u8 bytes[16];
	u8 disp_at;	      /* of a displacement that counts from the instruction pointer; 0: none */
	/* Done without a step: */
	s8 push;	      /* pushes this register (0…15) and no more; -1: it does not */
	s8 to, from;	      /* moves a register to another; -1: it does not */
	bool is_wide;	      /* all 64 bits of it */
	u8 length;	      /* of such an instruction, or of one that does nothing; 0: none of these */
	bool is_call;	      /* leaves its return address on the stack */
	bool is_absolute;     /* goes to an address that does not depend on where it stands */
	bool in_place;	      /* cannot be copied */
};
/* Enough of the x86-64 encoding for that. */
void insn_decode(const u8 bytes[16], struct insn *out);

struct point {
	u64 addr;
	u8 saved;
	bool is_set;	      /* the breakpoint is in memory */
	bool is_return;	      /* calls of probed functions come back here */
	struct insn insn;
	struct user_list progs;	/* indices in engine.breaks' programs; malloc'ed */
	struct cave *cave;
};
/* Executable bytes behind a module's code that nobody uses: where copies of instructions are stepped. */
enum { CAVE_SLOTS = 64, SLOT_BYTES = 16 };
struct cave {
	struct cave *next;
	u64 module;	      /* where its mapping starts */
	u64 at;
	u32 n;
	u64 busy;
	struct point *holds[CAVE_SLOTS];	/* whose instruction lies there */
	u8 saved[CAVE_SLOTS * SLOT_BYTES];
};
/* The breakpoints of one address space. */
struct space {
	u32 refs;
	pid_t pid;
	int mem;	      /* /proc/PID/mem */
	struct point **points;
	u32 n, cap;
	struct cave *caves;
	u64 *counters;	      /* of markers, that were counted up */
	u32 n_counters;
};
/* What a thread is doing at a breakpoint. */
struct step {
	struct point *point;  /* being stepped over; NULL: nothing */
	u64 slot;	      /* 0: in place */
	siginfo_t held[8];    /* signals that came in between */
	u32 n_held;
	/* Calls that have not come back, the innermost last. */
	struct back { u64 sp, ret; struct point *point; } *backs;
	u32 n_backs, cap_backs;
};

/* space.c */
struct space *space_new(struct tracer *t, pid_t pid);
struct space *space_copy(struct space *s, pid_t pid);
void space_put(struct space *s);
/* Sets the breakpoints of what is mapped and has none yet. */
void space_scan(struct tracer *t, struct space *s);
void space_clear(struct space *s);    /* takes all out of memory */
struct point *space_point(struct space *s, u64 addr);
/* The breakpoint where a call comes back to. */
struct point *space_return(struct space *s, u64 addr);
bool space_read(struct space *s, u64 addr, void *out, u32 n);
bool space_write(struct space *s, u64 addr, const void *bytes, u32 n);
/* A free slot for the point's instruction, with the instruction in it; 0: none. */
u64 space_slot(struct space *s, struct point *p);
void space_slot_free(struct space *s, struct point *p, u64 slot);

#endif
