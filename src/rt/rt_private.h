/* rt_private.h: what the files of rt share. format.c: printf; value.c: fields and C types; table.c: maps;
 * hist.c: pictures of distributions; record.c: one record to text or JSON; loop.c: rt_run. */
#ifndef SKEP_RT_PRIVATE_H
#define SKEP_RT_PRIVATE_H

#include "rt/rt.h"

/* How a value is written: like bpftrace, or as JSON. */
enum value_style { VALUE_TEXT, VALUE_JSON };

void rt_value_field(struct sbuf *out, const struct obj_field *f, const void *data, enum value_style s);
void rt_value_type(struct sbuf *out, const struct type *ty, const void *data, enum value_style s);
/* The integer of 1, 2, 4 or 8 bytes at `p`, extended as told. */
s64 rt_value_int(const void *p, u32 size, bool is_signed);

/* Distribution of a hist()/lhist(): bucket i has `counts[i]`. */
void rt_hist_text(struct sbuf *out, const struct obj_map *m, const u64 *counts, u32 n);
void rt_hist_json(struct sbuf *out, const struct obj_map *m, const u64 *counts, u32 n);
#define HIST_BUCKETS 66

#endif
