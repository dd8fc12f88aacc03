/* jit, private: the state of code selection, shared by value.c, alu.c, call.c and select.c. */
#ifndef SKEP_JIT_SELECT_H
#define SKEP_JIT_SELECT_H

#include "jit/flow.h"

/* What a BPF register holds: its home's contents, or something that is not computed yet. */
enum val_kind {
	VAL_HOME,
	VAL_CONST,
	VAL_ADDR,
	VAL_SHIFT,
	VAL_ROTATE,
	VAL_AND,
	VAL_EXTEND,
	VAL_LOAD,
	VAL_BYTES /* see bytes.c */
};
struct val {
	u8 kind;
	u8 op;		      /* VAL_SHIFT */
	u8 count;	      /* VAL_SHIFT, VAL_ROTATE (left), VAL_BYTES (left) */
	u8 bytes;	      /* VAL_LOAD, VAL_BYTES; VAL_EXTEND: of the source */
	bool is32;	      /* the result is cut to 32 bits */
	bool is_signed;	      /* VAL_LOAD, VAL_EXTEND */
	bool is_swapped;      /* VAL_BYTES: the first byte is the highest */
	struct jit_addr addr; /* VAL_ADDR, VAL_LOAD, VAL_BYTES; the others: base is the source */
	u64 imm;	      /* VAL_CONST; VAL_AND: sign-extended 32 bits */
	u32 refs;	      /* mask of machine registers that it reads */
};

struct sel {
	struct flow *f;
	const struct flow_func *fn;
	const struct jit_target *t;
	const struct jit_options *o;
	struct jit_buf *b;
	struct val v[JIT_N_VREGS];
	u32 pending; /* mask of those that are not in their homes, but for r10 */
	u8 home[JIT_N_VREGS];
	u8 owner[32];	  /* which vreg's home a machine register is, or JIT_NOREG */
	u32 clean;	  /* machine registers whose upper half is zero */
	u16 need;	  /* vregs that are wanted during or behind this instruction */
	u16 after;	  /* … behind it */
	u32 i;		  /* the instruction */
	u32 skip;	  /* an instruction that is part of the one before it */
	u32 saved, frame; /* of the function: registers kept, bytes below them */
	u32 fp;		  /* r10 is the stack pointer plus this */
	u32 flags_at;	  /* where the code stood when flags told whether flags_reg is zero */
	u8 flags_reg;
	bool flags_64;
	u64 key;		   /* of blinding; drawn anew for each constant */
};

/* Labels: of instructions, by their index; then of other places, by the index of an instruction or function. */
enum sel_label {
	SEL_STOP /* the budget's end, by function */,
	SEL_STUB /* a callback's */,
	SEL_ENTRY /* of a function, for calls */,
	SEL_BEHIND /* something inside the code of an instruction */,
	SEL_GO /* likewise */,
	SEL_TAIL_ENTRY, SEL_N_LABELS
};
static inline u32 jit_sel_label(const struct sel *s, enum sel_label kind, u32 i)
{
	u32 n = s->f->n;

	if (kind == SEL_STOP)
		return n + i;
	if (kind < SEL_TAIL_ENTRY)
		return n * (u32)kind + s->f->n_funcs + i;
	return n * 5 + s->f->n_funcs + (kind == SEL_N_LABELS);
}

/* What was proved about the instruction at hand, or NULL. */
static inline const struct verify_fact *jit_sel_fact(const struct sel *s)
{
	return s->o->facts ? &s->o->facts[s->f->orig ? s->f->orig[s->i] : s->i] : NULL;
}

/* value.c */
struct jit_addr jit_sel_base(u8 reg);
void jit_sel_home(struct sel *s, u8 r);	  /* its value is in its home now */
void jit_sel_vacate(struct sel *s, u8 r); /* its home may be written */
void jit_sel_force(struct sel *s, u8 r);
void jit_sel_force_all(struct sel *s, u32 mask);
void jit_sel_force_loads(struct sel *s);
void jit_sel_bind(struct sel *s, u8 r, struct val v);
void jit_sel_emit(struct sel *s, u8 dst, const struct val *v);
void jit_sel_const(struct sel *s, u8 dst, u64 imm);
u8 jit_sel_reg(struct sel *s, u8 r, bool is64); /* a register with its (low 32 bits of) value */
bool jit_sel_imm(const struct sel *s, u8 r, s64 *out);
struct jit_addr jit_sel_addr(struct sel *s, u8 r, s32 off, u8 bytes);
void jit_sel_set_clean(struct sel *s, u8 reg, bool is_clean);
bool jit_sel_plain(const struct val *v); /* a copy of a register */
/* Whether computing something that reads `refs` has to wait for r's home. */
bool jit_sel_reaches(const struct sel *s, u32 refs, u8 r);
/* bytes.c */
bool jit_sel_bytes_shift(struct sel *s, u8 dst, u32 count, bool is64);
bool jit_sel_bytes_back(struct sel *s, u8 op, u8 dst, u32 count, bool is64);
bool jit_sel_bytes_join(struct sel *s, u8 dst, u8 src, bool is64);
void jit_sel_bytes_emit(struct sel *s, u8 dst, const struct val *v);
/* alu.c */
void jit_sel_alu(struct sel *s, struct isa_insn x);
/* call.c */
void jit_sel_call(struct sel *s, struct isa_insn x);
void jit_sel_packet(struct sel *s, struct isa_insn x);
void jit_sel_stubs(struct sel *s);
bool jit_sel_uses_callbacks(const struct flow *f);
/* select.c */
/* Returns the label where tail calls come in. */
u32 jit_select(struct flow *f, struct jit_buf *b, const struct jit_options *o, u64 key);

#endif
