/* builtin.h: what the files that know the builtin functions share (private to the parser). */
#ifndef SKEP_CFRONT_BUILTIN_H
#define SKEP_CFRONT_BUILTIN_H

#include "cfront/parse.h"

enum builtin_how {
	HOW_BUILTIN,   /* EX_BUILTIN arg */
	HOW_SWAP,      /* EX_BSWAP of arg bits */
	HOW_FETCH,     /* EX_ATOMIC arg, value is the old one */
	HOW_FETCH_SUB, /* the same by adding the negative */
	HOW_OP_FETCH,  /* value is the new one; arg is the operator */
	HOW_EXCHANGE,
	HOW_COMPARE_VALUE,
	HOW_COMPARE_BOOL,
	HOW_EXPECT,
	HOW_CONSTANT_P,
	HOW_CHOOSE,
	HOW_SAME_TYPE,
	HOW_OFFSETOF,
	HOW_SAME,
	HOW_REGS,
	HOW_CORE_FIELD,
	HOW_CORE_TYPE,
	HOW_CORE_ENUM,
	HOW_KSYM,
	HOW_STRLEN,
	HOW_NOTHING,
	HOW_BITS,      /* EX_BUILTIN arg of one integer */
	HOW_STRCMP,
	HOW_OVERFLOW,  /* EX_BUILTIN arg: a, b, where the result goes */
	HOW_OBJECT_SIZE,
	HOW_LOAD,      /* __atomic_load_n */
	HOW_LOAD_TO,   /* __atomic_load: into what argument 1 points to */
	HOW_STORE,
	HOW_STORE_FROM,
	HOW_STORE_ZERO,
	HOW_EXCHANGE_TO,
	HOW_CAS,       /* __atomic_compare_exchange_n */
	HOW_CAS_FROM,  /* the same, the new value behind a pointer */
	HOW_BARRIER,
	HOW_REFUSED,   /* what BPF cannot have */
	HOW_NOT_YET,
};
struct builtin_row {
	const char *name;
	enum builtin_how how;
	s32 arg;
	u8 least, most;
};


/* What is being built, and from what. */
struct builtin_call {
	struct parser *p;
	const struct builtin_row *row;
	str name;
	struct span span;
	expr_list args;
};
struct cf_expr *builtin_with_args(struct builtin_call *c, enum ex_kind kind, const struct type *ty);
const char *builtin_argument(struct builtin_call *c, u32 i);

/* builtin_atomic.c: __sync_… and __atomic_…; NULL if the row is none of them. */
struct cf_expr *builtin_atomic(struct builtin_call *c);

#endif
