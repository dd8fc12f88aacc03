/* rt_private.h: what the files of rt share. format.c: printf; value.c: fields and C types; table.c: maps;
 * hist.c: pictures of distributions; record.c: one record to text or JSON; loop.c: rt_run. */
#ifndef SKEP_RT_PRIVATE_H
#define SKEP_RT_PRIVATE_H

#include "rt/rt.h"

/* How a value is written: like bpftrace, or as JSON. */
enum value_style { VALUE_TEXT, VALUE_JSON };

void rt_value_field(struct sbuf *out, const struct obj_field *f, const void *data, enum value_style s);
void rt_value_type(struct sbuf *out, const struct type *ty, const void *data, enum value_style s);
/* A member of the struct at `base`. */
void rt_value_member(struct sbuf *out, const struct ty_member *m, const char *base, enum value_style s);
/* The integer of 1, 2, 4 or 8 bytes at `p`, extended as told. */
s64 rt_value_int(const void *p, u32 size, bool is_signed);

/* Distribution of a hist()/lhist(): bucket i has `counts[i]`. */
void rt_hist_text(struct sbuf *out, const struct obj_map *m, const u64 *counts, u32 n);
void rt_hist_json(struct sbuf *out, const struct obj_map *m, const u64 *counts, u32 n);
#define HIST_BUCKETS 66
/* The same of a BPF_HISTOGRAM, as BCC draws it: bucket 0 and 1 hold 0 and 1, i what lies from 2^(i-1) up. */
void rt_log2_text(struct sbuf *out, const u64 *counts, u32 n);
void rt_log2_json(struct sbuf *out, const u64 *counts, u32 n);
#define LOG2_BUCKETS 65
/* Addresses up to the first 0. */
void rt_stack_text(struct sbuf *out, const char *frames, u32 size);
void rt_stack_json(struct sbuf *out, const char *frames, u32 size);

#endif
