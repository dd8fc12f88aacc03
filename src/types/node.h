/* types, private: what stands behind every struct type, and the table's own face.
 *
 * Every struct type is the first field of a struct ty_node, so a const struct type * that a user
 * holds leads back to its table and to what is still lacking. Nothing outside this room may make a
 * struct type.
 */
#ifndef SKEP_TYPES_NODE_H
#define SKEP_TYPES_NODE_H

#include "types/types.h"

/* What ty_complete() still has to do. */
enum ty_lazy {
	TY_LAZY_NOT,
	TY_LAZY_BTF,          /* members or enumerators stand undecoded in BTF */
	TY_LAZY_FOLLOW,       /* size and members follow the type that this one is made from */
};

struct ty_node {
	struct type t;        /* first: see above */
	struct ty_table *table;
	u32 hash;             /* of derived types: what the table found it by */
	u8 lazy;              /* enum ty_lazy */
	bool busy;            /* alignment is being worked out: meeting it again is a cycle */
};

/* Deepest chain of types that is followed where a BTF could be hostile. */
#define TY_MAX_DEPTH 64
/* Aggregates that one search or print may enter; stops structs that contain themselves. */
#define TY_MAX_VISITS 4096
/* Largest object: the bit offsets of its members still fit in 32 bits. */
#define TY_MAX_SIZE ((u64)1 << 29)

static inline struct ty_node *ty_node_of(const struct type *ty)
{
	return (struct ty_node *)ty;
}

/* A new type that belongs to `t` and is its own `plain`; everything else is zero. */
struct ty_node *ty_node_new(struct ty_table *t, enum ty_kind kind);
struct arena *ty_table_arena(const struct ty_table *t);
/* Takes size, alignment, signedness and members over from the type that `n` is made from. */
void ty_node_follow(struct ty_node *n);
/* Decodes members or enumerators of a type that was read from BTF. */
void ty_btf_decode(struct ty_node *n);

#endif
