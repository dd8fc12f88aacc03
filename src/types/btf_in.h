/* types, private: a BTF blob being read; shared by btf_in.c (types) and btf_index.c (finding). */
#ifndef SKEP_TYPES_BTF_IN_H
#define SKEP_TYPES_BTF_IN_H

#include "types/btf_format.h"
#include "types/node.h"

/* Where every MARK_EVERY-th record lies is remembered. */
#define TY_MARK_EVERY 16

/* A hash set of names: each slot holds 1 + the offset in the type section of what has the name. */
struct ty_names { u32 *slots; u32 cap; };

struct ty_btf {
	struct ty_table *table;
	struct arena *a;
	struct ty_btf *base;          /* what a split BTF goes on from; NULL for a whole one */
	void *map;                    /* to be unmapped, or NULL */
	size_t map_len;
	const u8 *types;
	const char *strs;
	u32 types_len, strs_len;
	u32 first_id, first_str;      /* where this blob's own ids and strings start */

	/* what the walk found, as far as it came (btf_index.c) */
	bool scanned, broken;         /* came to the end; which was not the end of the section */
	u32 end_id;                   /* one past the last id */
	u32 *marks, n_marks;
	vec(u32) enums;               /* offsets of all enums */
	u32 n_bytes;                  /* of the type section, how many were passed */
	u32 n_types, n_funcs, n_enumerators;
	u64 passed;                   /* bytes passed in searches without an index */
	struct ty_names types_ix, funcs_ix, enumerators_ix;

	const struct type ***pages;   /* what was built already, by id, in pages of TY_MARK_EVERY */
	u32 depth;                    /* of building */
};

/* Walks the type section to its end, if that was not done yet. */
void ty_btf_scan(struct ty_btf *b);
/* The record of an id, whole and within bounds; NULL if there is none. Walks as far as needed. */
const u8 *ty_btf_record(struct ty_btf *b, u32 id);
/* A string of this blob or its base; empty if the offset is out of range. */
str ty_btf_string(const struct ty_btf *b, u32 off);

/* Id of the record whose kind class and name are asked for; 0 if there is none. */
u32 ty_btf_lookup(struct ty_btf *b, enum ty_kind kind, str name);

#endif
