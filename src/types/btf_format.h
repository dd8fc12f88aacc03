/* types, private: the BTF format (kernel documentation: bpf/btf).
 *
 * A header, a section of type records and a section of NUL-terminated strings. A record has three
 * words (offset of its name, info, size or type id) and a tail whose shape depends on its kind.
 * Ids count records from 1; id 0 is void.
 */
#ifndef SKEP_TYPES_BTF_FORMAT_H
#define SKEP_TYPES_BTF_FORMAT_H

#include "base/base.h"

#include <string.h>

#define BTF_MAGIC 0xeb9f
#define BTF_VERSION 1
#define BTF_MAX_VLEN 0xffff

struct btf_head {
	u16 magic;
	u8 version, flags;
	u32 hdr_len;
	u32 type_off, type_len;       /* from the end of the header */
	u32 str_off, str_len;
};

enum btf_kind {
	BTF_INT = 1, BTF_PTR, BTF_ARRAY, BTF_STRUCT, BTF_UNION, BTF_ENUM, BTF_FWD, BTF_TYPEDEF,
	BTF_VOLATILE, BTF_CONST, BTF_RESTRICT, BTF_FUNC, BTF_FUNC_PROTO, BTF_VAR, BTF_DATASEC,
	BTF_FLOAT, BTF_DECL_TAG, BTF_TYPE_TAG, BTF_ENUM64, BTF_N_KINDS
};

enum { BTF_INT_SIGNED = 1, BTF_INT_CHAR = 2, BTF_INT_BOOL = 4 };

/* Bytes of a record: `fixed` after the three words and `each` for every one of vlen. */
static const struct btf_shape { u8 fixed, each; } btf_shapes[32] = {
	[BTF_INT] = { 4, 0 },     [BTF_ARRAY] = { 12, 0 },     [BTF_STRUCT] = { 0, 12 },
	[BTF_UNION] = { 0, 12 },  [BTF_ENUM] = { 0, 8 },       [BTF_FUNC_PROTO] = { 0, 8 },
	[BTF_VAR] = { 4, 0 },     [BTF_DATASEC] = { 0, 12 },   [BTF_DECL_TAG] = { 4, 0 },
	[BTF_ENUM64] = { 0, 12 },
};
#define BTF_RECORD 12

/* Blobs need not be aligned. */
static inline u32 btf_word(const u8 *p, u32 i)
{
	u32 w;

	memcpy(&w, p + 4 * (size_t)i, sizeof(w));
	return w;
}

static inline u32 btf_kind_of(u32 info) { return info >> 24 & 31; }
static inline u32 btf_vlen(u32 info) { return info & 0xffff; }
static inline bool btf_flag(u32 info) { return info >> 31; }

static inline u32 btf_record_len(u32 info)
{
	const struct btf_shape *s = &btf_shapes[btf_kind_of(info)];

	return BTF_RECORD + s->fixed + s->each * btf_vlen(info);
}

#endif
